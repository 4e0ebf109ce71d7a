//! HTML documents: their main content, and what their head says of them.

use super::elements::decoded;
use super::raw::Draft;
use super::skip::{Finder, Skips, may_hold};
use super::tokens::{Attribute, Token, Tokens};
use crate::page::Failure;

/// What the head of a document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `<title>`.
    pub(super) title: Option<String>,
    /// `<meta name="robots" content="noindex">`: nobody is to find this page.
    pub(super) noindex: bool,
    /// `<link rel="canonical">`.
    pub(super) canonical: Option<String>,
    /// `<html lang>`.
    pub(super) lang: Option<String>,
}

/// Reads the head of a document.
pub(super) fn head(body: &str) -> Head {
    let mut head = Head::default();
    let mut in_title = false;
    for (_, token) in Tokens::new(body) {
        match token {
            Token::Start(name, attributes, _) if name.eq_ignore_ascii_case("meta") => {
                head.noindex |= is_noindex(&attributes);
            }
            Token::Start(name, attributes, _) if name.eq_ignore_ascii_case("link") && is_canonical(&attributes) => {
                head.canonical = value(&attributes, "href").map(|href| decoded(href).trim().to_owned());
            }
            Token::Start(name, attributes, _) if name.eq_ignore_ascii_case("html") => {
                head.lang =
                    value(&attributes, "lang").map(|lang| lang.trim().to_owned()).filter(|lang| !lang.is_empty());
            }
            Token::Start(name, ..) => in_title = head.title.is_none() && name.eq_ignore_ascii_case("title"),
            Token::Text(text) if in_title => {
                let title = decoded(text).split_whitespace().collect::<Vec<_>>().join(" ");
                head.title = Some(title).filter(|title| !title.is_empty());
                in_title = false;
            }
            Token::End(name) if name.eq_ignore_ascii_case("head") => break,
            _ => {}
        }
    }
    head
}

/// Finds where text is cut out.
pub(super) fn skips(body: &str, first_line: u32) -> Result<Skips, Failure> {
    if !may_hold(body) {
        return Ok(Skips::default());
    }
    let mut finder = Finder::new(body, first_line);
    for (at, token) in Tokens::new(body) {
        if let Token::Comment(inner, true) = token {
            finder.comment(inner, at..at + inner.len() + "<!---->".len())?;
        }
    }
    finder.finish()
}

/// Writes the main content of a document into a draft: `main`, else every `article`, else the body without what frames it.
pub(super) fn write(body: &str, skips: &Skips, draft: &mut Draft<'_>) {
    draft.needs_sanitiser = true;
    let content = content(body);
    // The name of the element that is being written, and how many of that name are open in it.
    let mut inside: Option<(String, usize)> = (content == Content::Body).then(|| (String::new(), 0));
    for (at, token) in Tokens::new(body) {
        let Some((name, depth)) = &mut inside else {
            if let Token::Start(name, attributes, false) = &token {
                inside = begins(content, name, attributes).then(|| (name.to_ascii_lowercase(), 0));
            }
            continue;
        };
        match &token {
            Token::Start(other, _, false) if name.eq_ignore_ascii_case(other) => *depth += 1,
            Token::End(other) if name.eq_ignore_ascii_case(other) => {
                if *depth == 0 {
                    inside = None;
                    continue;
                }
                *depth -= 1;
            }
            _ => {}
        }
        if !skips.is_empty() {
            draft.writer.cut(skips.hides(at));
        }
        match token {
            Token::Start(name, ..) if content == Content::Body && frames(name) => {
                draft.take(Token::Start("nav", Vec::new(), false), at);
            }
            Token::End(name) if content == Content::Body && frames(name) => draft.take(Token::End("nav"), at),
            token => draft.take(token, at),
        }
    }
    draft.end_hiders();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Main,
    Article,
    Body,
}

fn content(body: &str) -> Content {
    let mut found = Content::Body;
    for (_, token) in Tokens::new(body) {
        if let Token::Start(name, attributes, false) = token {
            if begins(Content::Main, name, &attributes) {
                return Content::Main;
            }
            if begins(Content::Article, name, &attributes) {
                found = Content::Article;
            }
        }
    }
    found
}

fn begins(content: Content, name: &str, attributes: &[Attribute<'_>]) -> bool {
    match content {
        Content::Main => {
            name.eq_ignore_ascii_case("main")
                || attributes.iter().any(|(key, value)| key == "role" && value.eq_ignore_ascii_case("main"))
        }
        Content::Article => name.eq_ignore_ascii_case("article"),
        Content::Body => false,
    }
}

/// What stands around the content of a body that does not name its main part.
fn frames(name: &str) -> bool {
    ["header", "aside", "nav", "footer"].iter().any(|frame| name.eq_ignore_ascii_case(frame))
}

fn is_noindex(attributes: &[Attribute<'_>]) -> bool {
    let content = value(attributes, "content").unwrap_or_default();
    value(attributes, "name").is_some_and(|name| name.trim().eq_ignore_ascii_case("robots"))
        && content.split(',').any(|word| matches!(&*word.trim().to_ascii_lowercase(), "noindex" | "none"))
}

fn is_canonical(attributes: &[Attribute<'_>]) -> bool {
    let is_one = |word: &str| word.eq_ignore_ascii_case("canonical");
    value(attributes, "rel").is_some_and(|rel| rel.split_ascii_whitespace().any(is_one))
}

fn value<'a>(attributes: &[Attribute<'a>], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}
