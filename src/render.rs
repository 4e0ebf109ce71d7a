//! Rendering: (document, site, inputs) → page and everything that it asked for. Pure: no file system, no clock.

use serde::{Deserialize, Serialize};

use crate::page::{DocPath, Failure, Page};
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

/// Reads what a document says of itself. Fails where its front matter cannot be read: nothing is sent of such a one.
pub fn facts(_path: &DocPath, _bytes: &[u8]) -> Result<Facts, Failure> {
    todo!()
}

/// Renders a document whose facts are known.
pub fn render(
    _path: &DocPath,
    _bytes: &[u8],
    _facts: &Facts,
    _site: &Site,
    _options: &PageOptions,
    _inputs: &dyn Inputs,
) -> Result<Rendered, Failure> {
    todo!()
}
