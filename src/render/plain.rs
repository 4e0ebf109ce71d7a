//! Plain text of a page's html: what people compare, what tells an empty page, where titles come from.
//!
//! Reads only html that this renderer has written: balanced, with the four references that its escaping knows.

use super::elements::separates;

/// What the html says without its tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    /// The text: runs of white space are one space, blocks are apart by one, inline elements are not.
    pub(super) text: String,
    /// The first H1 that has text.
    pub(super) h1: Option<String>,
    /// The first heading of any level that has text.
    pub(super) heading: Option<String>,
}

/// Reads html.
pub(super) fn plain(html: &str) -> Plain {
    let mut text = Text { out: String::with_capacity(html.len() * 3 / 4), gap: false };
    let mut headings = Headings::default();
    let bytes = html.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|&&byte| !ENDS_RUN[usize::from(byte)]).count();
        text.push(&html[at..at + run]);
        at += run;
        match bytes.get(at) {
            None => break,
            Some(b'<') => {
                let (tag, length) = tag(&html[at..]);
                at += length;
                text.gap |= separates(tag.trim_start_matches('/'));
                headings.take(tag, &text.out);
            }
            Some(b'&') => {
                let known = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", "")];
                let found = known.into_iter().find(|(name, _)| html[at..].starts_with(name));
                let (reference, character) = found.unwrap_or(("&", "&"));
                text.gap |= character.is_empty();
                text.push(character);
                at += reference.len();
            }
            Some(_) => {
                let Some(c) = html[at..].chars().next() else { break };
                if is_space(c) {
                    text.gap = true;
                } else {
                    text.push(&html[at..at + c.len_utf8()]);
                }
                at += c.len_utf8();
            }
        }
    }
    Plain { text: text.out, h1: headings.h1, heading: headings.first }
}

/// Bytes that may be something else than text: markup, white space, and the first bytes of characters among which there
/// is white space.
const ENDS_RUN: [bool; 256] = {
    let mut ends = [false; 256];
    let special = b" \t\n\x0b\x0c\r<&\xc2\xe1\xe2\xe3\xef";
    let mut at = 0;
    while at < special.len() {
        ends[special[at] as usize] = true;
        at += 1;
    }
    ends
};

#[derive(Default)]
struct Headings {
    h1: Option<String>,
    first: Option<String>,
    /// Where the text of the present one began.
    open: Option<usize>,
}

impl Headings {
    fn take(&mut self, tag: &str, text: &str) {
        let (is_end, name) = tag.strip_prefix('/').map_or((false, tag), |name| (true, name));
        if self.h1.is_some() || !matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6") {
            return;
        }
        if !is_end {
            self.open = Some(text.len());
            return;
        }
        let found = self.open.take().map_or("", |start| text[start..].trim());
        if !found.is_empty() {
            self.first.get_or_insert_with(|| found.to_owned());
            if name == "h1" {
                self.h1 = Some(found.to_owned());
            }
        }
    }
}

/// The name of a tag, with `/` before it if it is an end tag, and the length of the whole tag.
fn tag(html: &str) -> (&str, usize) {
    let inner = &html[1..];
    let name_end = inner.find(['>', ' ']).unwrap_or(inner.len());
    // A value may hold a `>`.
    let mut quoted = false;
    let end = inner.bytes().skip(name_end).position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    (&inner[..name_end], end.map_or(html.len(), |end| 1 + name_end + end + 1))
}

struct Text {
    out: String,
    gap: bool,
}

impl Text {
    /// Appends a part of a word, after a space if there was a gap.
    fn push(&mut self, part: &str) {
        if part.is_empty() {
            return;
        }
        if self.gap && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.gap = false;
        self.out.push_str(part);
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_and_inline_elements_are_not() {
        let html = "<p>a <b>b</b><i>c</i>\n d</p><ul><li>e</li><li>f<br>g</li></ul><p>x<img alt=\"a > b\">y&nbsp;&lt;z&amp;</p>";
        assert_eq!(plain(html).text, "a bc d e f g xy <z&");
    }

    #[test]
    fn the_first_heading_with_text_is_found() {
        let found =
            plain("<h2>two <code>&lt;x&gt;</code></h2><h1><img alt=\"logo\"></h1><h1 id=\"x\">one</h1><h1>more</h1>");
        assert_eq!((found.heading.as_deref(), found.h1.as_deref()), (Some("two <x>"), Some("one")));
        assert_eq!(plain("a").heading, None);
    }

    #[test]
    fn zero_width_spaces_are_spaces() {
        assert_eq!(plain("a\u{200b}b\u{a0}\u{feff} c").text, "a b c");
    }
}
