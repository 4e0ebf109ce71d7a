//! MDX as Docusaurus and Starlight read it: imports and expressions out, components to their text, admonitions.
//!
//! A text is taken apart once ([`scan`]) into lines of prose and of code, with components already turned into Markdown,
//! and written once ([`blocks`]), where containers become quotes. `VitePress` goes the same way with its own words.

mod blocks;
mod code;
mod components;
mod scan;
mod tag;

pub(super) use self::blocks::{Pass, imported, selected};

use std::collections::BTreeMap;

use super::{Context, Expanded, Out};
use crate::page::{DocPath, Failure};
use crate::site::AnyRules;
use crate::site::docusaurus::Docusaurus;
use crate::site::vitepress::VitePress;

/// Whose words these are.
#[derive(Clone, Copy)]
pub(super) enum Flavour<'a> {
    Docusaurus(&'a Docusaurus),
    Starlight,
    VitePress(&'a VitePress),
}

/// A text with the lines of the document that it comes from.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) origins: Origins<'t>,
    /// The file that it stands in, for relative paths.
    pub(super) path: &'t DocPath,
    pub(super) is_mdx: bool,
    /// What it is given by the one that includes it.
    pub(super) props: BTreeMap<String, String>,
}

#[derive(Clone, Copy)]
pub(super) enum Origins<'t> {
    /// They count on from this one.
    From(u32),
    /// All come from this one: it includes them.
    At(u32),
    /// Each from its own.
    Each(&'t [u32]),
}

impl Origins<'_> {
    pub(super) fn line(self, number: usize) -> u32 {
        match self {
            Self::From(first) => first.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)),
            Self::At(line) => line,
            Self::Each(lines) => lines.get(number).or(lines.last()).copied().unwrap_or(1),
        }
    }
}

/// Rewrites a body into CommonMark.
#[allow(clippy::unnecessary_wraps, reason = "other dialects fail")]
pub(super) fn expand<'a>(body: &'a str, first_line: u32, context: &Context<'_>) -> Result<Expanded<'a>, Failure> {
    let front = context.front.map(super::super::front_matter::Front::json).unwrap_or_default();
    // Docusaurus reads `.md` as MDX unless it is told otherwise; Astro does not.
    let (flavour, is_mdx) = match &context.site.generator {
        AnyRules::Docusaurus(rules) => {
            (Flavour::Docusaurus(rules), rules.is_mdx(context.path, front["mdx"]["format"].as_str()))
        }
        _ => (Flavour::Starlight, context.path.extension() == "mdx"),
    };
    let mut pass = Pass::new(flavour, context, Out::with_capacity(body.len() + body.len() / 4));
    if let Flavour::Starlight = flavour {
        let text = hero(&front["hero"]);
        pass.out().block(1, "", &text);
    }
    pass.run(&Source {
        text: body,
        origins: Origins::From(first_line),
        path: context.path,
        is_mdx,
        props: BTreeMap::new(),
    });
    Ok(pass.finish())
}

/// The words of Starlight's `hero` beside the title of the page.
fn hero(hero: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().map(|text| text.replace('\n', " "));
    let mut blocks: Vec<String> = text(&hero["tagline"]).into_iter().collect();
    for action in hero["actions"].as_array().into_iter().flatten() {
        let link = action["link"].as_str().unwrap_or_default();
        blocks.extend(text(&action["text"]).map(|text| format!("[{text}](<{link}>)")));
    }
    blocks.into_iter().map(|block| block + "\n \n").collect()
}

#[cfg(test)]
mod tests;
