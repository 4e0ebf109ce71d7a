//! Documents that are nothing but the way to another page: their author wants no page of them.
//!
//! Only what says so itself counts: a `<meta http-equiv="refresh">` with hardly a word beside it, or front matter that
//! names a target above an empty text. A document that is only empty is no redirect: it may have lost its text. Nor is one
//! that leads to a login: that is what a fetch without credentials brings home in place of every page.

use ::url::Url;

use super::tokens::{Token, Tokens};
use super::{Facts, elements, fails};
use crate::page::Failure;

/// More text than this beside a redirect is a page's.
const MAX_WORDS: usize = 40;

/// Longer documents are pages.
const MAX_BYTES: usize = 8 * 1024;

/// Words of an address that asks who one is.
const LOGINS: &[&str] =
    &["login", "logon", "signin", "sso", "oauth", "oauth2", "saml", "saml2", "openid", "authorize", "authenticate"];

/// Whether a document only leads elsewhere. Fails where it leads to a login.
pub(super) fn is_one(body: &str, facts: &Facts, root: Option<&Url>) -> Result<bool, Failure> {
    let Some(target) = target(body, facts) else { return Ok(false) };
    if !is_login(&target, root) {
        return Ok(true);
    }
    let shown: String = target.split(['?', '#']).next().unwrap_or_default().chars().take(80).collect();
    let message = format!(
        "it leads to a login (`{shown}`) and says nothing else, so that its text is unknown: fetch it again, or leave it \
         out with `exclude`"
    );
    Err(fails("login", message))
}

/// Whether an address is that of a login of this visit: on another host, or one that is told where to return to. A page of
/// the documentation may well be about logins.
fn is_login(target: &str, root: Option<&Url>) -> bool {
    let is_elsewhere = Url::parse(target).is_ok_and(|url| root.is_none_or(|root| url.host_str() != root.host_str()));
    let (place, _) = target.split_once('?').unwrap_or((target, ""));
    let mut words = place.split(|c: char| !c.is_ascii_alphanumeric());
    (is_elsewhere || target.contains('?'))
        && words.any(|word| LOGINS.iter().any(|login| word.eq_ignore_ascii_case(login)))
}

/// Where a document leads that only leads elsewhere; empty where only its front matter says so.
fn target(body: &str, facts: &Facts) -> Option<String> {
    if body.trim().is_empty() {
        let says = |key: &str| facts.key(key).is_some_and(|value| value.to_ascii_lowercase().contains("redirect"));
        let names = |key: &str| facts.key(key).is_some_and(|value| !value.trim().is_empty());
        let is_one = says("template")
            || says("layout")
            || says("type")
            || ["redirect", "redirect_to", "redirect_url"].into_iter().any(names);
        return is_one.then(String::new);
    }
    if body.len() > MAX_BYTES || body.contains("```") || body.contains("~~~") || !body.contains("http-equiv") {
        return None;
    }
    let mut target = None;
    let mut words = 0;
    let mut in_script = false;
    for (_, token) in Tokens::new(body) {
        match token {
            Token::Start(name, attributes, _) => {
                in_script = name.eq_ignore_ascii_case("script") || name.eq_ignore_ascii_case("style");
                let refreshes = |(name, value): &(std::borrow::Cow<'_, str>, &str)| {
                    name == "http-equiv" && value.eq_ignore_ascii_case("refresh")
                };
                if name.eq_ignore_ascii_case("meta") && attributes.iter().any(refreshes) {
                    let content = attributes.iter().find(|(name, _)| name == "content").map_or("", |(_, value)| value);
                    // `0; url='/new/'`
                    let url = content.split_once('=').map_or("", |(_, url)| url);
                    target = Some(elements::decoded(url.trim().trim_matches(['"', '\''])));
                }
            }
            Token::End(_) => in_script = false,
            Token::Text(text) if !in_script => words += text.split_whitespace().count(),
            _ => {}
        }
    }
    target.filter(|_| words <= MAX_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_one(body: &str, facts: &Facts) -> bool {
        super::is_one(body, facts, None).unwrap()
    }

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
    #[test]
    fn a_login_is_no_wish_to_have_no_page() {
        let root = Url::parse("https://d.example/").unwrap();
        let leads = |target: &str| {
            let body = format!("<meta http-equiv=refresh content=\"0; url={target}\"><p>One moment</p>");
            super::is_one(&body, &Facts::default(), Some(&root)).map_err(|failure| failure.code)
        };
        for target in ["/login?next=%2Fa", "https://sso.example/a", "https://id.example/oauth2/authorize?client=x"] {
            assert_eq!(leads(target), Err("login".to_owned()), "{target}");
        }
        for target in ["/guide/login/", "https://d.example/api/oauth/", "../new/?login=1", "https://other.example/"] {
            assert_eq!(leads(target), Ok(true), "{target}");
        }
    }
}
