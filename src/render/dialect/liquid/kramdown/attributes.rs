//! Attribute lists of kramdown: `{: #id .class key="value" reference}`.

/// What a list says that matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) id: Option<String>,
    /// `{:toc}`.
    pub(super) is_contents: bool,
}

/// The list that a text begins with, and its length; `None`: it begins with none.
pub(super) fn attributes(text: &str) -> Option<(List, usize)> {
    let inner = text.strip_prefix("{:")?;
    if inner.starts_with([':', '/']) {
        return None;
    }
    let mut list = List::default();
    let mut at = 2;
    loop {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        at += blanks;
        let rest = &text[at..];
        let first = rest.chars().next()?;
        if first == '}' {
            return Some((list, at + 1));
        }
        let length = word(rest)?;
        let text = &rest[..length];
        if let Some(id) = text.strip_prefix('#') {
            list.id = Some(id.to_owned());
        } else if let Some(id) = text.strip_prefix("id=") {
            list.id = Some(id.trim_matches(['"', '\'']).to_owned());
        }
        list.is_contents |= text == "toc";
        at += length;
    }
}

/// `{:name: .class}`: a list for others to name.
pub(super) fn is_definition(trimmed: &str) -> bool {
    let name = trimmed.strip_prefix("{:").and_then(|rest| rest.split_once(':')).map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) && trimmed.ends_with('}')
}

/// The length of one attribute.
fn word(text: &str) -> Option<usize> {
    let mut at = 0;
    for c in text.chars() {
        match c {
            '"' | '\'' if text[..at].ends_with('=') => {
                let end = text[at + 1..].find(c).filter(|end| *end < 2_000)?;
                return Some(at + end + 2);
            }
            ' ' | '\t' | '}' => break,
            c if c.is_alphanumeric()
                || matches!(c, '.' | '#' | '_' | '-' | '=' | ':' | '/' | '@' | '%' | '+' | ',' | ';') => {}
            _ => return None,
        }
        at += c.len_utf8();
    }
    (at > 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_told_from_text() {
        for (text, id, length) in [
            ("{: .note }", None, Some(10)),
            ("{:#a .b c=\"d } e\"} x", Some("a"), Some(18)),
            ("{:.no_toc}", None, Some(10)),
            ("{:target=\"_blank\"}", None, Some(18)),
            ("{::comment}", None, None),
            ("{: a", None, None),
            ("{ :x }", None, None),
        ] {
            let found = attributes(text);
            assert_eq!(found.as_ref().map(|(_, length)| *length), length, "{text}");
            assert_eq!(found.and_then(|(list, _)| list.id).as_deref(), id, "{text}");
        }
        assert!(attributes("{:toc}").is_some_and(|(list, _)| list.is_contents));
        assert!(is_definition("{:refdef: style=\"x\"}") && !is_definition("{: .a }"));
    }
}
