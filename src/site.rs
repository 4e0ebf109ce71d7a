//! Sites: the rules of the generator that publishes the documents. Pure: which file is a page, and at which url.
//!
//! Only `plain` is known so far; each generator will have a file of its own under `site/`.

use url::Url;

use crate::page::DocPath;
use crate::render::Facts;

/// How the documents are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// Who publishes them.
    pub generator: Generator,
    /// The public root; without it no page has a url.
    pub base_url: Option<Url>,
    /// How `plain` makes urls.
    pub urls: UrlStyle,
}

/// Who publishes the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// Recognised from its own configuration.
    Auto,
    /// Nobody in particular: files become pages by [`UrlStyle`].
    Plain,
}

/// The url of `guide/start.md` under `https://docs.example.com/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlStyle {
    /// `…/guide/start/`; an `index` or `README` is its folder.
    Directory,
    /// `…/guide/start.html`.
    Html,
    /// `…/guide/start.md`.
    AsIs,
    /// No url.
    None,
}

/// The rules of one source's site.
#[derive(Clone, Debug)]
pub struct Site {
    /// What was configured.
    pub options: SiteOptions,
}

impl Site {
    /// The rules for these options.
    #[must_use]
    pub fn new(options: SiteOptions) -> Self {
        Self { options }
    }

    /// The public url of a document, from its path and what its front matter says; `None` where no rule can know it.
    #[must_use]
    pub fn url(&self, _path: &DocPath, _facts: &Facts) -> Option<Url> {
        todo!()
    }
}
