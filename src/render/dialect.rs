//! Dialects: what generators add to Markdown, rewritten into CommonMark (with GitHub's extensions and plain HTML) before
//! it is parsed, so that there is one parser and one way of writing html.
//!
//! Each family of dialects has a file under `dialect/`; it works line by line, in time linear in the text, and keeps for
//! each line that it writes the line that it comes from ([`Out`]). What it does not understand it leaves as it stands,
//! for [`super::constructs`] to name, or takes out with a warning of its own.

mod fences;
mod files;
mod gitbook;
mod hugo;
mod jsx;
mod liquid;
mod mdbook;
mod myst;
mod out;
mod plain;
mod pymdown;
pub(super) mod rst;
mod vitepress;

use std::borrow::Cow;

use self::fences::{Fences, code_span};
use self::files::{Ranges, included};
pub(super) use self::out::{Lines, Out};
use super::asking::Asking;
use super::front_matter::Front;
use super::{Facts, Warning};
use crate::page::{DocPath, Failure};
use crate::site::{AnyRules, Site};

/// What a dialect is given beside the text.
pub(super) struct Context<'a> {
    pub(super) path: &'a DocPath,
    pub(super) facts: &'a Facts,
    pub(super) front: Option<&'a Front<'a>>,
    pub(super) site: &'a Site,
    pub(super) asking: &'a Asking<'a>,
}

/// A body in CommonMark.
pub(super) struct Expanded<'a> {
    pub(super) text: Cow<'a, str>,
    /// Where its lines come from.
    pub(super) lines: Lines,
    pub(super) warnings: Vec<Warning>,
    /// The generator writes quotes, dashes and three dots as a typesetter would.
    pub(super) is_typographic: bool,
}

impl<'a> Expanded<'a> {
    /// A body that needs nothing done to it.
    pub(super) fn untouched(body: &'a str, first_line: u32) -> Self {
        Self {
            text: Cow::Borrowed(body),
            lines: Lines::straight(first_line),
            warnings: Vec::new(),
            is_typographic: false,
        }
    }
}

/// Rewrites a Markdown body into CommonMark by the rules of its site's generator.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, context: &Context<'_>) -> Result<Expanded<'a>, Failure> {
    match &context.site.generator {
        AnyRules::MkDocs(rules) => Ok(pymdown::expand(body, first_line, rules, context)),
        AnyRules::MdBook(rules) => Ok(mdbook::expand(body, first_line, rules, context)),
        AnyRules::VitePress(rules) => vitepress::expand(body, first_line, rules, context),
        AnyRules::Docusaurus(_) | AnyRules::Starlight(_) => jsx::expand(body, first_line, context),
        AnyRules::Sphinx(rules) => Ok(myst::expand(body, first_line, rules, context)),
        AnyRules::Hugo(rules) => Ok(hugo::expand(body, first_line, rules, context)),
        AnyRules::Jekyll(rules) => Ok(liquid::expand(body, first_line, rules, context)),
        AnyRules::GitBook(rules) => Ok(gitbook::expand(body, first_line, rules, context)),
        AnyRules::Plain(_) | AnyRules::Website(_) => Ok(plain::expand(body, first_line, context)),
    }
}

/// Rewrites a document of HTML by the rules of its site's generator.
pub(super) fn expand_html<'a>(body: &'a str, first_line: u32, context: &Context<'_>) -> Expanded<'a> {
    match &context.site.generator {
        AnyRules::Hugo(rules) => hugo::expand_html(body, first_line, rules, context),
        AnyRules::Jekyll(rules) => liquid::expand_html(body, first_line, rules, context),
        _ => Expanded::untouched(body, first_line),
    }
}

/// A word with a capital: the title of a box without a title of its own.
fn capitalised(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// How far a line is indented, a tab as four blanks.
fn columns(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).map(|byte| if byte == b'\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests;
