//! Rendering: (document, site, inputs) → page and everything that it asked for. Pure: no file system, no clock.
//!
//! Markdown, HTML and text become clean html. Invariants: the same inputs give the same bytes; no input makes it panic
//! or take more than time linear in its size; the html holds only what `elements` allows; nothing between `fin:skip`
//! markers, and nothing of a document whose front matter cannot be read, is ever part of a page.

mod constructs;
mod dates;
mod elements;
mod front_matter;
mod html;
mod links;
mod markdown;
mod plain;
mod raw;
mod skip;
mod slug;
mod text;
mod tokens;
mod warnings;
mod writer;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use self::links::Links;
use self::raw::Draft;
use self::skip::Skips;
use self::warnings::Warnings;
use crate::page::{DocPath, ExternalId, Failure, Page, Switch};
use crate::site::Site;

/// Raised with every change that may render a document differently; documents of another version are rendered again.
pub const VERSION: u32 = 1;

/// What the configuration says of every page of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOptions {
    /// The language that is sent.
    pub locale: String,
    /// Whether the AI agent may answer from the pages.
    pub ai_agent: bool,
    /// Whether Copilot may.
    pub ai_copilot: bool,
    /// Who owns these switches once a page is there.
    pub availability: Availability,
}

/// Who owns the switches of a page once it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Intercom: they are sent when the page is created, and never again.
    OnCreate,
    /// The configuration: they are sent every time.
    Managed,
}

/// What a document says of itself, before it is rendered: enough to give it an id and a url. Kept in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// `id`: its external id, in place of its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `title`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `url` or `permalink`: an absolute url, or a path on the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `slug`: the last part of its url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Why its author wants no page of it: `draft: true`, `fin.skip: true`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
    /// Unix seconds from which on it is a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    /// Unix seconds from which on it is one no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<i64>,
    /// `fin.agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_agent: Option<bool>,
    /// `fin.copilot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_copilot: Option<bool>,
}

/// What a render may ask of the rest of the source. Answers come from the scan and the ledger.
pub trait Inputs {
    /// The public url of the page that a document becomes; `None`: there is no such page, or it has no url.
    fn page_url(&self, path: &DocPath) -> Option<String>;
}

/// One thing that a render asked for, so that it is rendered again exactly when the answer differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Asked {
    /// [`Inputs::page_url`] of a path, with the answer.
    PageUrl(DocPath, Option<String>),
}

/// Something that a person may want to mend; the page is sent all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word: `dead_link`, `no_alt`, `unknown_construct`, …
    pub code: String,
    /// 1-based line of the document, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What, by name.
    pub message: String,
}

/// A document rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The page as it would be sent.
    pub page: Page,
    /// Its plain text, for people and for comparisons.
    pub text: String,
    /// What was not understood or looks wrong.
    pub warnings: Vec<Warning>,
    /// What it asked for, sorted, each once.
    pub asked: Vec<Asked>,
}

/// A hash of everything beside the documents that decides how they are rendered: where it differs, they are rendered
/// again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipe(pub [u8; 32]);

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipe({})", base16ct::lower::encode_string(&self.0[..6]))
    }
}

/// The recipe of a source: [`VERSION`], its site and its page options.
#[must_use]
pub fn recipe(site: &Site, options: &PageOptions) -> Recipe {
    // `Debug` names every field, so that a new one cannot be forgotten here; a change of its form costs one render.
    Recipe(Sha256::digest(format!("{VERSION} {site:?} {options:?}")).into())
}

/// Reads what a document says of itself. Fails where its front matter cannot be read: nothing is sent of such a one.
pub fn facts(path: &DocPath, bytes: &[u8]) -> Result<Facts, Failure> {
    let source = read(bytes)?;
    let format = Format::of(path);
    let split = format.split(source)?;
    let mut facts = split.front.as_ref().map_or_else(|| Ok(Facts::default()), front_matter::read)?;
    if format == Format::Html {
        let head = html::head(split.body);
        facts.title = facts.title.or(head.title);
        if head.noindex {
            facts.excluded.get_or_insert_with(|| "robots: noindex".to_owned());
        }
    }
    Ok(facts)
}

/// Renders a document whose facts are known.
pub fn render(
    path: &DocPath,
    bytes: &[u8],
    facts: &Facts,
    site: &Site,
    options: &PageOptions,
    inputs: &dyn Inputs,
) -> Result<Rendered, Failure> {
    let source = read(bytes)?;
    let format = Format::of(path);
    let split = format.split(source)?;
    let (body, line) = (split.body, split.body_line);
    if format == Format::Markdown && markdown::is_too_nested(body) {
        return Err(fails("too_nested", "its quotes or lists nest too deeply to be rendered; flatten them"));
    }
    let url = site.url(path, facts);
    let Draft { writer, links, warnings, needs_sanitiser, .. } = guarded(|| {
        let skips = match format {
            Format::Markdown => markdown::skips(body, line)?,
            Format::Html => html::skips(body, line)?,
            Format::Text => skip::in_text(body, line)?,
        };
        let links = Links::new(path, url.as_ref(), site, inputs);
        let mut draft = Draft::new(links, Warnings::new(body, line), body.len() + body.len() / 4);
        write(path, body, &skips, &mut draft);
        Ok(draft)
    })?;
    let html = writer.finish();
    let html = if needs_sanitiser { elements::sanitised(&html).trim().to_owned() } else { html };
    let plain = plain::plain(&html);
    if plain.text.is_empty() {
        return Err(fails("empty", "the page has no text; write some, or leave it out with `fin: {skip: true}`"));
    }
    let title = plain.h1.or_else(|| facts.title.clone()).or(plain.heading).unwrap_or_else(|| title_of(path));
    let page = Page {
        external_id: facts.id.as_ref().map_or_else(|| ExternalId::from(path), |id| ExternalId::new(id.as_str())),
        title: shortened(&title),
        html,
        url: url.as_ref().map(Url::to_string),
        locale: options.locale.clone(),
        ai_agent: switch(facts.ai_agent, options.ai_agent, options.availability),
        ai_copilot: switch(facts.ai_copilot, options.ai_copilot, options.availability),
    };
    Ok(Rendered { page, text: plain.text, warnings: warnings.finish(), asked: links.into_asked() })
}

/// What a document is written in, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Markdown,
    Html,
    Text,
}

impl Format {
    fn of(path: &DocPath) -> Self {
        match path.extension().as_str() {
            "md" | "markdown" | "mdx" | "mdown" | "mkd" | "mkdn" | "mkdown" | "mdwn" | "qmd" | "rmd" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            _ => Self::Text,
        }
    }

    fn split(self, source: &str) -> Result<front_matter::Split<'_>, Failure> {
        match self {
            Self::Markdown | Self::Html => front_matter::split(source),
            Self::Text => front_matter::split_text(source),
        }
    }
}

fn write(path: &DocPath, body: &str, skips: &Skips, draft: &mut Draft<'_>) {
    let extension = path.extension();
    match Format::of(path) {
        Format::Markdown => markdown::write(body, extension == "mdx", skips, draft),
        Format::Html => html::write(body, skips, draft),
        Format::Text => {
            if matches!(extension.as_str(), "rst" | "adoc" | "asciidoc" | "org" | "textile" | "wiki") {
                let message = format!("`.{extension}` is not understood; it is sent as plain text");
                draft.warnings.push_whole("unknown_construct", &message);
            }
            text::write(&skips.cut(body), &mut draft.writer);
        }
    }
}

/// The text of a document, without the mark that some editors put before it.
fn read(bytes: &[u8]) -> Result<&str, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes[..at].split(|&byte| byte == b'\n').count();
        fails("invalid_utf8", format!("line {line}, byte {at}: the text is not UTF-8; save the file as UTF-8"))
    })
}

fn switch(asked: Option<bool>, configured: bool, availability: Availability) -> Switch {
    Switch { on: asked.unwrap_or(configured), managed: asked.is_some() || availability == Availability::Managed }
}

/// A title from a file's name: `getting-started.md` is "Getting started", `guide/index.md` is "Guide".
fn title_of(path: &DocPath) -> String {
    let stem = path.stem();
    let folder = path.dir().rsplit('/').next().unwrap_or_default();
    let is_folder = stem.eq_ignore_ascii_case("index") || stem.eq_ignore_ascii_case("readme");
    let name = if is_folder && !folder.is_empty() { folder } else { stem };
    let words = name
        .split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '-' | '_'))
        .filter(|word| !word.is_empty());
    let title = words.collect::<Vec<_>>().join(" ");
    let mut rest = title.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => path.as_str().to_owned(),
    }
}

/// A title is a line, not a chapter: Intercom's own limit is not documented.
fn shortened(title: &str) -> String {
    const MAX_CHARS: usize = 500;
    match title.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    }
}

/// Does work that stands on a parser which is not ours: a panic in it fails the page and nothing else.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What the closure borrows is read, or thrown away with the panic.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(fails("renderer", "the page cannot be parsed: an error in finmirror that its developers should hear of"))
    })
}

fn fails(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, message)
}

#[cfg(test)]
mod tests;
