//! Long pages as several: one for what stands before the first second-level heading, one for each such heading.
//!
//! Reads only html that this renderer has written: balanced, every `<` the start of a tag. Linear in its length.

use std::collections::HashSet;

use super::elements::decoded;
use super::plain::{gist, tag, text};

/// A document with more sections than this is data: the rest stays with the last of them.
const MAX_SECTIONS: usize = 1000;

/// A beginning with less text than this, its title not counted, keeps the first section: a page of a title alone answers
/// nothing.
const MIN_LEAD_CHARS: usize = 200;

/// A part of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section<'h> {
    /// The id and the text of its heading; `None`: the beginning, which comes first.
    pub(super) heading: Option<(String, String)>,
    pub(super) html: &'h str,
}

/// The parts of a page, in order, nothing left out; a single one where there is nothing to split at. Headings within
/// quotes, lists and tables do not split, nor do those without an id of their own: `taken` holds the ids that are in use.
pub(super) fn sections<'h>(html: &'h str, taken: &mut HashSet<String>) -> Vec<Section<'h>> {
    let mut cuts = Vec::new();
    for heading in headings(html) {
        if cuts.len() == MAX_SECTIONS {
            break;
        }
        let title = text(heading.inner);
        if !title.is_empty() && !heading.id.is_empty() && taken.insert(heading.id.clone()) {
            cuts.push((heading.at, heading.id, title));
        }
    }
    if let Some((first, ..)) = cuts.first()
        && is_thin(&html[..*first])
    {
        cuts.remove(0);
    }
    let mut sections = Vec::with_capacity(cuts.len() + 1);
    let mut heading = None;
    let mut start = 0;
    for (at, id, title) in cuts {
        sections.push(Section { heading: heading.take(), html: html[start..at].trim() });
        heading = Some((id, title));
        start = at;
    }
    sections.push(Section { heading, html: html[start..].trim() });
    sections
}

fn is_thin(lead: &str) -> bool {
    let title = gist(lead).h1.map_or(0, |h1| h1.chars().count());
    text(lead).chars().count().saturating_sub(title) < MIN_LEAD_CHARS
}

/// A second-level heading that stands in nothing else.
struct Heading<'h> {
    at: usize,
    id: String,
    inner: &'h str,
}

fn headings(html: &str) -> Vec<Heading<'_>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<(usize, usize, String)> = None;
    let mut at = 0;
    while let Some(next) = html[at..].find('<') {
        let start = at + next;
        let (name, length) = tag(&html[start..]);
        at = start + length;
        if name.starts_with('/') {
            depth = depth.saturating_sub(1);
            if depth == 0
                && let Some((begun, inner, id)) = open.take()
            {
                found.push(Heading { at: begun, id, inner: &html[inner..start] });
            }
        } else if !matches!(name, "br" | "hr" | "img" | "input" | "wbr") {
            if depth == 0 && name == "h2" {
                open = Some((start, at, id(&html[start..at])));
            }
            depth += 1;
        }
    }
    found
}

/// The id that a start tag gives; empty without one.
fn id(tag: &str) -> String {
    let value = tag.split_once(" id=\"").and_then(|(_, rest)| rest.split_once('"'));
    value.map(|(value, _)| decoded(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> Vec<String> {
        let mut taken = HashSet::from(["taken".to_owned()]);
        let shown = sections(html, &mut taken).into_iter().map(|section| match section.heading {
            Some((id, title)) => format!("{id} ({title}): {}", text(section.html)),
            None => text(section.html),
        });
        shown.collect()
    }

    fn lead() -> String {
        format!("<h1 id=\"t\">T</h1><p>{}</p>", "word ".repeat(60))
    }

    #[test]
    fn top_level_headings_with_an_id_begin_sections() {
        let html = format!(
            "{}<h2 id=\"a\">A <code>&lt;x&gt;</code></h2><p>one<br>two</p><hr><h3 id=\"c\">C</h3><blockquote><h2 \
             id=\"q\">Q</h2></blockquote><ul><li><h2 id=\"l\">L</h2></li></ul><h2>no id</h2><h2 id=\"e\"><img \
             alt=\"a > b\"></h2><h2 id=\"a\">A again</h2><h2 id=\"taken\">other's</h2><h2 id=\"b&amp;b\">B</h2><p>three</p>",
            lead()
        );
        let shown = shown(&html);
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(shown[0].starts_with("T word word"));
        assert_eq!(shown[1], "a (A <x>): A <x> one two C Q L no id A again other's");
        assert_eq!(shown[2], "b&b (B): B three");
    }

    #[test]
    fn a_thin_beginning_keeps_the_first_section() {
        let html = "<h1>T</h1><p>Short.</p><h2 id=\"a\">A</h2><p>one</p><h2 id=\"b\">B</h2><p>two</p>";
        assert_eq!(shown(html), ["T Short. A one", "b (B): B two"]);
        assert_eq!(shown("<h2 id=\"a\">A</h2><p>one</p>"), ["A one"]);
        assert_eq!(shown("<p>x</p>"), ["x"]);
        assert_eq!(shown(""), [""]);
    }

    #[test]
    fn nothing_is_lost_and_there_is_an_end_to_sections() {
        let section = |n: usize| format!("<h2 id=\"s{n}\">S{n}</h2><p>text {n}</p>");
        let html: String = lead() + &(0..3000).map(section).collect::<String>();
        let found = sections(&html, &mut HashSet::new());
        assert_eq!(found.len(), MAX_SECTIONS + 1);
        assert_eq!(found.iter().map(|section| section.html).collect::<String>(), html);
    }

    #[test]
    fn malformed_html_ends_in_some_section() {
        for html in ["<", "<h2", "<h2 id=\"", "</p></p><h2 id=\"a\">A</h2>", "<h2 id=\"a\">A", "a < b"] {
            let joined: String = sections(html, &mut HashSet::new()).iter().map(|section| section.html).collect();
            assert_eq!(joined, html);
        }
    }
}
