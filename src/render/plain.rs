//! Plain text of a page's html: what people compare, what tells an empty page, where titles come from.
//!
//! Reads only html that this renderer has written: balanced, with the four references that its escaping knows. The whole
//! text is made where somebody wants to read it; what every render needs is its gist.

use super::elements::separates;

/// What of its html tells how a page is called, and whether it is one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gist {
    /// Whether it has any text.
    pub(super) has_text: bool,
    /// The first H1 that has text.
    pub(super) h1: Option<String>,
    /// The first heading of any level that has text.
    pub(super) heading: Option<String>,
}

/// Reads no more of the html than the gist needs.
pub(super) fn gist(html: &str) -> Gist {
    let mut gist = Gist::default();
    // The name of the heading that is open, and where its content began.
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    // Where there can be no H1, the first heading is all there is to find.
    let has_h1 = memchr::memmem::find(html.as_bytes(), b"<h1").is_some();
    while !(gist.has_text && (gist.h1.is_some() || (!has_h1 && gist.heading.is_some()))) {
        let end = memchr::memchr(b'<', &html.as_bytes()[at..]).map_or(html.len(), |end| at + end);
        gist.has_text = gist.has_text || !text(&html[at..end]).is_empty();
        if end == html.len() {
            break;
        }
        let (tag, length) = tag(&html[end..]);
        at = end + length;
        match tag.strip_prefix('/') {
            None if is_heading(tag) => open = Some((tag, at)),
            Some(name) if is_heading(name) => {
                let Some((_, start)) = open.take() else { continue };
                let found = text(&html[start..end]);
                if !found.is_empty() {
                    if name == "h1" {
                        gist.h1 = Some(found.clone());
                    }
                    gist.heading.get_or_insert(found);
                }
            }
            _ => {}
        }
    }
    gist
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// The text of html: runs of white space are one space, blocks are apart by one, inline elements are not.
pub(super) fn text(html: &str) -> String {
    let mut text = Text { out: String::with_capacity(html.len() * 3 / 4), gap: false };
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
    text.out
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

/// The name of a tag, with `/` before it if it is an end tag, and the length of the whole tag.
pub(super) fn tag(html: &str) -> (&str, usize) {
    let inner = &html[1..];
    let name_end = inner.bytes().position(|byte| matches!(byte, b'>' | b' ')).unwrap_or(inner.len());
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
        assert_eq!(text(html), "a bc d e f g xy <z&");
    }

    #[test]
    fn the_first_heading_with_text_is_found() {
        let found =
            gist("<h2>two <code>&lt;x&gt;</code></h2><h1><img alt=\"logo\"></h1><h1 id=\"x\">one</h1><h1>more</h1>");
        assert_eq!((found.heading.as_deref(), found.h1.as_deref()), (Some("two <x>"), Some("one")));
        assert_eq!(gist("a"), Gist { has_text: true, ..Gist::default() });
        assert_eq!(gist("<p>&nbsp;\u{200b} <br></p><img alt=\"<h1>x</h1>\">"), Gist::default());
    }

    #[test]
    fn zero_width_spaces_are_spaces() {
        assert_eq!(text("a\u{200b}b\u{a0}\u{feff} c"), "a b c");
    }
}
