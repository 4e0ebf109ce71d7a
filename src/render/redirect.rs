//! Documents that are nothing but the way to another page: their author wants no page of them.
//!
//! Only what says so itself counts: a `<meta http-equiv="refresh">` with hardly a word beside it, or front matter that
//! names a target above an empty text. A document that is only empty is no redirect: it may have lost its text.

use super::Facts;
use super::tokens::{Token, Tokens};

/// More text than this beside a redirect is a page's.
const MAX_WORDS: usize = 40;

/// Longer documents are pages.
const MAX_BYTES: usize = 8 * 1024;

/// Whether a document only leads elsewhere.
pub(super) fn is_one(body: &str, facts: &Facts) -> bool {
    if body.trim().is_empty() {
        let says = |key: &str| facts.key(key).is_some_and(|value| value.to_ascii_lowercase().contains("redirect"));
        let names = |key: &str| facts.key(key).is_some_and(|value| !value.trim().is_empty());
        return says("template")
            || says("layout")
            || says("type")
            || ["redirect", "redirect_to", "redirect_url"].into_iter().any(names);
    }
    if body.len() > MAX_BYTES || body.contains("```") || body.contains("~~~") || !body.contains("http-equiv") {
        return false;
    }
    let mut leads = false;
    let mut words = 0;
    let mut in_script = false;
    for (_, token) in Tokens::new(body) {
        match token {
            Token::Start(name, attributes, _) => {
                in_script = name.eq_ignore_ascii_case("script") || name.eq_ignore_ascii_case("style");
                let refreshes = |(name, value): &(std::borrow::Cow<'_, str>, &str)| {
                    name == "http-equiv" && value.eq_ignore_ascii_case("refresh")
                };
                leads |= name.eq_ignore_ascii_case("meta") && attributes.iter().any(refreshes);
            }
            Token::End(_) => in_script = false,
            Token::Text(text) if !in_script => words += text.split_whitespace().count(),
            _ => {}
        }
    }
    leads && words <= MAX_WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_a_redirect() {
        let with = |key: &str, value: &str| Facts {
            keys: [(key.to_owned(), vec![value.to_owned()])].into_iter().collect(),
            ..Facts::default()
        };
        assert!(is_one("\n", &with("template", "redirect.html")));
        assert!(is_one("", &with("redirect_to", "/new/")));
        assert!(!is_one("", &with("template", "home.html")));
        assert!(!is_one("text", &with("redirect_to", "/new/")));
        let meta = "<meta http-equiv=\"Refresh\" content=\"0; url=/new/\">";
        let is_one = |body: &str| is_one(body, &Facts::default());
        assert!(is_one(&format!("{meta}\n<script>location = '/new/'</script>\nMoved [here](/new/).\n")));
        assert!(!is_one(&format!("```html\n{meta}\n```\n")));
        assert!(!is_one(&format!("{meta}\n{}", "word ".repeat(50))));
        assert!(!is_one(""));
    }
}
