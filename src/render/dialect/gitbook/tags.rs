//! `{% name "first" key="value" %}`: tags as they are written, outside of code in a line.

use super::code_span;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag<'t> {
    pub(super) name: &'t str,
    /// What follows the name.
    pub(super) rest: &'t str,
    /// A text that stands directly after the name.
    pub(super) first: String,
    /// How long it is, in bytes.
    pub(super) len: usize,
}

/// The first tag of a text and where it stands; `{%` in code is text.
pub(super) fn first_tag(text: &str) -> Option<(usize, Tag<'_>)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let sign = rest.find(['`', '{'])?;
        let at = from + sign;
        let here = text.get(at..)?;
        if here.starts_with('`') {
            from = at + code_span(here);
            continue;
        }
        if here.starts_with("{%") {
            if !here.contains("%}") {
                return None;
            }
            if let Some(tag) = Tag::parse(here) {
                return Some((at, tag));
            }
        }
        from = at + 1;
    }
}

impl<'t> Tag<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let inner = text.strip_prefix("{%")?;
        let end = inner.find("%}")?;
        let len = end + "{%%}".len();
        let inner = inner.get(..end)?.trim_matches(|c: char| c == '-' || c.is_whitespace());
        let name_end = inner.find(char::is_whitespace).unwrap_or(inner.len());
        let (name, rest) = inner.split_at_checked(name_end)?;
        let rest = rest.trim();
        let first = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest.get(1..)?.split(quote).next().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        (!name.is_empty()).then_some(Self { name, rest, first, len })
    }

    /// The value of an attribute, its escapes undone.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.rest;
        while let Some(equals) = rest.find('=') {
            let key = rest.get(..equals)?.rsplit(char::is_whitespace).next().unwrap_or_default();
            let value = rest.get(equals + 1..)?;
            let (text, used) = value_of(value);
            if key == name {
                return Some(text);
            }
            rest = value.get(used..)?;
        }
        None
    }
}

/// The value that a text begins with, and how long it is as written.
fn value_of(text: &str) -> (String, usize) {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len());
        return (text.get(..end).unwrap_or_default().to_owned(), end);
    };
    let mut out = String::new();
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            c if is_escaped => {
                match c {
                    'n' => out.push('\n'),
                    '"' | '\'' | '\\' => out.push(c),
                    c => out.extend(['\\', c]),
                }
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            c if c == quote => return (out, at + 1),
            c => out.push(c),
        }
    }
    (out, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_outside_of_code() {
        let text = "a `{% x %}` b {%- tab title=\"A \\\"b\\\"\" n=1, k='v' -%} c";
        let (at, tag) = first_tag(text).unwrap();
        assert_eq!((at, tag.name, &text[at + tag.len..]), (14, "tab", " c"));
        let value = |name: &str| tag.attribute(name).unwrap_or_default();
        assert_eq!([value("title"), value("n"), value("k"), value("itle")], ["A \"b\"", "1", "v", ""]);
        assert_eq!(first_tag("{% include \"a b.md\" %}").unwrap().1.first, "a b.md");
        assert_eq!(first_tag("`{% a %}").unwrap().1.name, "a");
        for text in ["{% open", "{%%}", "{ % a %}", ""] {
            assert_eq!(first_tag(text), None, "{text}");
        }
    }
}
