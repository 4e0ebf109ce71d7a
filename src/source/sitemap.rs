//! A website as a source: the pages that its sitemap names, each fetched and reduced to its main content.
//!
//! A document's path is its public url's path and query. Its bytes are what [`crate::render::web`] extracted of the answer:
//! what frames a page, or changes with each build, is no part of them. The invariant: a page is *gone* only where the
//! website says so itself (404, 410, a redirect to another page of the list); whatever else stands in the way of seeing a
//! page is a problem. Must not know what a page means.

pub mod client;

use std::path::PathBuf;

use url::Url;

use self::client::ClientOptions;
use crate::page::{DocPath, Failure, Problem};
use crate::source::{Document, Known, Read, Scan};

/// Where the pages are and which of them count.
#[derive(Clone, Debug)]
pub struct SitemapOptions {
    /// A sitemap, an index of sitemaps or a text list; or the website's root, whose `robots.txt` names them.
    pub url: Url,
    /// Patterns with gitignore's meaning on the pages' paths; empty: all.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// How it is asked.
    pub client: ClientOptions,
    /// Whether `robots.txt` is obeyed.
    pub obeys_robots: bool,
    /// The main content, where no generator is recognised or its own is not meant: a CSS selector.
    pub selector: Option<String>,
    /// Whether the pages' own Markdown is taken in place of their HTML.
    pub markdown: Markdown,
    /// Whether an unchanged `lastmod` saves the request.
    pub trusts_lastmod: bool,
    /// The only documents that are asked for, where not all are needed: of a look that is no scan of the whole.
    pub only: Option<Vec<DocPath>>,
    /// Where what was fetched lies until the cycle's end.
    pub spool: PathBuf,
}

/// Where a website offers the Markdown of its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markdown {
    /// Its HTML is taken.
    Off,
    /// At the page's url with `.md` in place of `.html` or of the slash at its end.
    Page,
    /// Where `/llms.txt` says.
    LlmsTxt,
}

/// A website, open for one cycle.
#[derive(Debug)]
pub struct Sitemap {
    options: SitemapOptions,
}

impl SitemapOptions {
    /// The public root of the website, where the configuration names none: that of its sitemap.
    #[must_use]
    pub fn root(&self) -> Url {
        let mut root = self.client.published_at(&self.url);
        root.set_path("/");
        root
    }
}

impl Sitemap {
    /// Gets ready to ask; fails where the options cannot be used (a certificate that cannot be read).
    pub fn open(options: SitemapOptions) -> Result<Self, Failure> {
        Ok(Self { options })
    }

    pub(super) fn scan(&self, _: &Known) -> Scan {
        let _ = &self.options;
        Scan::default()
    }

    pub(super) fn read(&self, _: &DocPath) -> Read {
        Read::Absent
    }

    pub(super) fn look(&self, _: &DocPath) -> Result<Option<Document>, Problem> {
        Ok(None)
    }

    pub(super) fn excludes(&self, _: &DocPath) -> bool {
        false
    }
}
