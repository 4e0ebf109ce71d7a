//! Tables that are drawn: their columns must stay where they are, whatever becomes of the roles in them.

use super::inline::Form;
use super::{Blocks, Line};

/// The lines of the table that stands first; `None`: none does.
pub(super) fn length(lines: &[Line<'_>]) -> Option<usize> {
    let first = lines.first()?;
    let text = first.text.trim();
    if text.starts_with("+-") && text.bytes().all(|byte| matches!(byte, b'+' | b'-')) {
        let is_row = |line: &&Line<'_>| line.text.trim_start().starts_with(['+', '|']);
        return Some(lines.iter().take_while(is_row).count());
    }
    if !is_border(text) {
        return None;
    }
    // It ends with a border that nothing stands directly under; the first border but one may be that of its head.
    let indent = first.indent();
    let mut borders = 0;
    for (at, line) in lines.iter().enumerate().skip(1) {
        if !line.is_blank() && line.indent() < indent {
            return None;
        }
        if is_border(line.text.trim()) {
            borders += 1;
            if borders == 2 || lines.get(at + 1).is_none_or(Line::is_blank) {
                return Some(at + 1);
            }
        }
    }
    None
}

/// `====  ====`: at least two columns.
fn is_border(text: &str) -> bool {
    text.contains("= ") && text.starts_with("==") && text.bytes().all(|byte| matches!(byte, b'=' | b' '))
}

impl Blocks<'_> {
    pub(super) fn table(&mut self, lines: &[Line<'_>], prefix: &str) {
        for line in lines {
            let written = self.inline(line.text, line.origin, Form::Narrow);
            self.out.line(line.origin, prefix, &written);
        }
    }
}
