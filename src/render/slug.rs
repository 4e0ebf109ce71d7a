//! Ids of headings, as GitHub makes them: lower case, punctuation gone, spaces as hyphens, repeats numbered.

use std::collections::HashMap;

use unicode_normalization::char::is_combining_mark;

/// The ids of one document.
#[derive(Debug, Default)]
pub(super) struct Slugs {
    /// Each id in use, with the last number that was appended to it.
    used: HashMap<String, u32>,
}

impl Slugs {
    /// The id for a heading's text; empty where nothing of the text may be part of one.
    pub(super) fn slug(&mut self, text: &str) -> String {
        let base = slug(text);
        let mut result = base.clone();
        while self.used.contains_key(&result) {
            let last = self.used.entry(base.clone()).or_default();
            *last += 1;
            result = format!("{base}-{last}");
        }
        self.used.insert(result.clone(), 0);
        result
    }

    /// Takes an id that the author chose, so that no other heading gets it.
    pub(super) fn take(&mut self, id: &str) {
        self.used.entry(id.to_owned()).or_default();
    }
}

fn slug(text: &str) -> String {
    if text.is_ascii() {
        let kept = text.trim().bytes().filter(|byte| byte.is_ascii_alphanumeric() || b" -_".contains(byte));
        return kept.map(|byte| if byte == b' ' { '-' } else { char::from(byte.to_ascii_lowercase()) }).collect();
    }
    text.trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() || is_combining_mark(c) || is_connector(c) => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Unicode's connecting punctuation beyond `_`.
fn is_connector(c: char) -> bool {
    matches!(c, '\u{203f}' | '\u{2040}' | '\u{2054}' | '\u{fe33}' | '\u{fe34}' | '\u{fe4d}'..='\u{fe4f}' | '\u{ff3f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_githubs() {
        for (text, id) in [
            ("Hello, World!", "hello-world"),
            ("  The `--flag` of foo_bar  ", "the---flag-of-foo_bar"),
            ("C++ & C#", "c--c"),
            ("Ünïcode: naïve — café", "ünïcode-naïve--café"),
            ("日本語 の見出し", "日本語-の見出し"),
            ("🚀 Start", "-start"),
            ("1.2.3", "123"),
            ("!?", ""),
        ] {
            assert_eq!(Slugs::default().slug(text), id, "{text}");
        }
    }

    #[test]
    fn repeats_are_numbered_around_what_is_taken() {
        let mut slugs = Slugs::default();
        slugs.take("b");
        let ids: Vec<String> = ["a", "a", "a-1", "a", "b"].map(|text| slugs.slug(text)).into();
        assert_eq!(ids, ["a", "a-1", "a-1-1", "a-2", "b-1"]);
    }

    #[test]
    fn many_repeats_take_linear_time() {
        let mut slugs = Slugs::default();
        for _ in 0..100_000 {
            slugs.slug("same");
        }
        assert_eq!(slugs.slug("same"), "same-100000");
    }
}
