//! Where what begins at a line ends, found in time linear in the text, however many beginnings have no end.

use super::{Inner, columns};

/// Beginnings without an end that were looked for, within one list of lines.
#[derive(Debug, Default)]
pub(super) struct Seek {
    /// By sign: fences of this length or longer are known to have no end from here on.
    endless: [Option<usize>; 2],
    /// Elements that had no end.
    pub(super) unclosed: usize,
}

impl Seek {
    /// The line after the fence that begins at a line; `None`: none begins there, or it is never closed.
    pub(super) fn fence(&mut self, lines: &[Inner<'_>], at: usize) -> Option<usize> {
        let first = lines.get(at)?.text;
        let (sign, length, info) = fence(first)?;
        if sign == b'`' && info.contains('`') {
            return None;
        }
        let endless = &mut self.endless[usize::from(sign == b'~')];
        if endless.is_some_and(|least| length >= least) {
            return None;
        }
        let indent = columns(first);
        for (count, line) in lines[at + 1..].iter().enumerate() {
            let closes = fence(line.text)
                .is_some_and(|(own, own_length, rest)| own == sign && own_length >= length && rest.trim().is_empty());
            // It is closed where it is as far indented; within it may stand others.
            if closes && columns(line.text) <= indent {
                return Some(at + count + 2);
            }
            // What is indented less ends whatever the fence stands in.
            if indent >= 4 && columns(line.text) < indent && !line.text.trim().is_empty() {
                return None;
            }
        }
        *endless = Some(length);
        None
    }
}

/// The sign and the length of the fence that a line begins with, and what follows it.
fn fence(line: &str) -> Option<(u8, usize, &str)> {
    let start = line.bytes().position(|byte| !matches!(byte, b' ' | b'\t'))?;
    let text = &line[start..];
    let sign = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = text.bytes().take_while(|byte| *byte == sign).count();
    (length >= 3).then_some((sign, length, &text[length..]))
}
