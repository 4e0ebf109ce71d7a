//! Text documents: paragraphs apart by empty lines, their line breaks kept.

use super::writer::Writer;

/// Writes a text.
pub(super) fn write(body: &str, writer: &mut Writer) {
    let mut is_open = false;
    for line in body.lines().map(str::trim_end) {
        if line.is_empty() {
            if std::mem::take(&mut is_open) {
                writer.close();
            }
            continue;
        }
        if is_open {
            writer.void("br", &[]);
            writer.text("\n");
        } else {
            writer.open("p");
            is_open = true;
        }
        writer.text(line);
    }
}
