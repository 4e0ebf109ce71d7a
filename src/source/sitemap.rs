//! A website as a source: the pages that its sitemap names, each fetched and reduced to its main content.
//!
//! A document's path is its public url's path and query. Its bytes are what [`crate::render::web`] extracted of the answer:
//! what frames a page, or changes with each build, is no part of them. The invariant: a page is *gone* only where the
//! website says so itself (404, 410, a redirect to another page of the list); whatever else stands in the way of seeing a
//! page is a problem. Must not know what a page means.

mod ask;
pub mod client;
mod crawl;
mod gather;
mod list;
mod markdown;
mod memo;
mod patterns;
mod print;
mod robots;
mod spool;
mod urls;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use self::ask::Verdict;
use self::client::{Ask, Client, ClientOptions};
use self::crawl::Crawl;
use self::markdown::Forms;
use self::patterns::PagePatterns;
use self::robots::Robots;
use self::spool::Spool;
use crate::page::{DocPath, Failure, Problem};
use crate::render::web;
use crate::source::{Content, Document, Known, Read, Scan};
use crate::stop::Stop;

/// Raised with every change of what is made of an answer beside the extraction.
const VERSION: u32 = 1;
/// Names that a message lists.
const SHOWN: usize = 3;

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
    /// The public root of its host.
    root: Url,
    patterns: PagePatterns,
    client: Client,
    /// What decides what is made of an answer, as a hash.
    by: String,
    /// Where Markdown may be, if it is wanted.
    forms: OnceLock<Forms>,
    spool: Spool,
    /// What the last scan saw.
    seen: Mutex<Option<Seen>>,
    now: fn() -> Timestamp,
    stop: Stop,
}

/// What a later look at one page needs of a scan.
#[derive(Debug, Default)]
struct Seen {
    /// What the list names.
    listed: HashSet<DocPath>,
    /// Documents that are as they should be.
    documents: HashSet<DocPath>,
    /// As [`Scan::delisted`] has them.
    delisted: HashSet<DocPath>,
    robots: Robots,
}

impl SitemapOptions {
    /// The public root of the website, where the configuration names none: that of its sitemap.
    #[must_use]
    pub fn root(&self) -> Url {
        let mut root = urls::plain(self.client.published_at(&self.url));
        root.set_path("/");
        root.set_query(None);
        root
    }

    /// The path of the document at a url, public or as it is fetched.
    #[must_use]
    pub fn path_of(&self, url: &Url) -> DocPath {
        urls::path_of(&self.client.published_at(url))
    }

    /// What decides what is made of an answer.
    fn means(&self) -> String {
        let Self { selector, markdown, .. } = self;
        let means = format!("{VERSION} {} {markdown:?} {selector:?}", web::VERSION);
        base16ct::lower::encode_string(&Sha256::digest(means.as_bytes())[..8])
    }
}

impl Sitemap {
    /// Gets ready to ask; fails where the options cannot be used (a certificate that cannot be read). `now` is the wall
    /// clock, for the scan's deadline and for how long a `lastmod` is trusted; once `stop` is set, nothing is asked for.
    pub fn open(options: SitemapOptions, now: fn() -> Timestamp, stop: Stop) -> Result<Self, Failure> {
        let patterns = PagePatterns::new(&options.include, &options.exclude)
            .map_err(|error| Failure::new("configuration", error.to_string()))?;
        let origin = options.client.fetched_at(&options.client.published_at(&options.url));
        let client = Client::new(options.client.clone(), &origin, stop.clone())?;
        let (root, by, spool) = (options.root(), options.means(), Spool::new(options.spool.clone()));
        let (forms, seen) = (OnceLock::new(), Mutex::new(None));
        Ok(Self { options, root, patterns, client, by, forms, spool, seen, now, stop })
    }

    pub(super) fn scan(&self, known: &Known) -> Scan {
        let blind = |problem| Scan { problems: vec![problem], ..Scan::default() };
        let robots = match self.robots() {
            Ok(robots) => robots,
            Err(problem) => return blind(problem),
        };
        self.client.slow_down(self.delay(&robots));
        // Without it pages would be of HTML now and of Markdown the next time.
        if let Err(problem) = self.look_for_markdown() {
            return blind(problem);
        }
        let mut gathered = gather::gather(&self.client, &self.options, &self.root, &self.patterns, &robots);
        gathered.notices.extend(self.client.notices());
        let (scan, seen) = Crawl::new(self, known, &robots, gathered).run();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { robots, ..seen });
        scan
    }

    /// What the scan fetched, or fetches it now.
    pub(super) fn read(&self, path: &DocPath) -> Read {
        if let Some(content) = self.spool.get(path) {
            return Read::Content(content);
        }
        let unread = |message: String| Read::Failed(Failure::new("unreadable", message));
        match self.ask_again(path) {
            Verdict::Page { fingerprint, unkept: Some(document), .. } => {
                Read::Content(Content { bytes: document.into(), fingerprint: Some(fingerprint) })
            }
            Verdict::Page { .. } => match self.spool.get(path) {
                Some(content) => Read::Content(content),
                None => unread("what was fetched of it cannot be read back: is the disk in order?".to_owned()),
            },
            Verdict::Gone | Verdict::Alias(_) => Read::Absent,
            Verdict::Failed(failure) => Read::Failed(failure),
            Verdict::NoPage(reason) => Read::Failed(Failure::new("no_page", format!("it is no page now: {reason}"))),
            Verdict::Unclear(unclear) => unread(unclear.message),
            Verdict::Same => unread("it is as it was, and that is not known".to_owned()),
        }
    }

    pub(super) fn look(&self, path: &DocPath) -> Result<Option<Document>, Problem> {
        let problem = |message: String| Problem { path: path.to_string(), message };
        if !self.patterns.takes(path) {
            return Ok(None);
        }
        let (is_delisted, is_allowed) = match &*self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            None => return Err(problem("the website was not looked at yet".to_owned())),
            Some(seen) => {
                let url = urls::url_of(path, &self.root);
                (seen.delisted.contains(path), !self.options.obeys_robots || seen.robots.allows(&url))
            }
        };
        if !is_allowed {
            let forbidden = || problem("`robots.txt` forbids to ask for it".to_owned());
            return if is_delisted { Ok(None) } else { Err(forbidden()) };
        }
        let document = |fingerprint, failure: Option<Failure>| Document {
            path: path.clone(),
            raw: None,
            fingerprint,
            failure: failure.map(Box::new),
        };
        match self.ask_again(path) {
            Verdict::Gone => Ok(None),
            Verdict::Alias(to) => {
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                let is_page = seen.as_ref().is_some_and(|seen| seen.documents.contains(&to));
                if is_page { Ok(None) } else { Err(problem(format!("leads to `{to}`, which is no page just now"))) }
            }
            Verdict::Unclear(unclear) => Err(problem(unclear.message)),
            // The list names it no more, and that it still answers is known.
            _ if is_delisted => Ok(None),
            Verdict::Page { fingerprint, .. } => Ok(Some(document(Some(fingerprint), None))),
            Verdict::Failed(failure) => Ok(Some(document(None, Some(failure)))),
            Verdict::NoPage(reason) => Ok(Some(document(None, Some(Failure::new("no_page", reason))))),
            Verdict::Same => Err(problem("it is as it was, and that is not known".to_owned())),
        }
    }

    pub(super) fn excludes(&self, path: &DocPath) -> bool {
        !self.patterns.takes(path)
    }

    /// Asks for a page whatever is known of it.
    fn ask_again(&self, path: &DocPath) -> Verdict {
        let is_listed = |path: &DocPath| {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.as_ref().is_some_and(|seen| seen.listed.contains(path))
        };
        self.ask(path, None, None, &is_listed)
    }

    /// The least time between two requests.
    fn delay(&self, robots: &Robots) -> Duration {
        let asked = robots.delay.filter(|_| self.options.obeys_robots).unwrap_or_default();
        self.options.client.delay.max(asked)
    }

    /// `robots.txt`, where it is obeyed or names the lists.
    fn robots(&self) -> Result<Robots, Problem> {
        let Self { options, .. } = self;
        if !options.obeys_robots && !gather::is_root(&options.url) {
            return Ok(Robots::default());
        }
        let robots = gather::robots_of(&self.client, &self.root);
        if options.obeys_robots { robots } else { Ok(robots.unwrap_or_default()) }
    }

    /// Gets ready to look for the pages' Markdown, if that is wanted.
    fn look_for_markdown(&self) -> Result<(), Problem> {
        let forms = match self.options.markdown {
            Markdown::Off => return Ok(()),
            Markdown::Page => Forms::default(),
            Markdown::LlmsTxt => {
                let mut url = self.root.clone();
                url.set_path("/llms.txt");
                let (accept, max_bytes) = ("text/plain,text/markdown,*/*;q=0.5", self.options.client.max_bytes);
                let problem =
                    |what: String| Problem { path: "llms.txt".to_owned(), message: format!("`{url}` {what}") };
                let ask = Ask { url: &url, etag: None, last_modified: None, accept, max_bytes };
                let answer = self.client.get(&ask).map_err(|trouble| problem(format!("cannot be read: {trouble}")))?;
                match answer.head.status {
                    200 => Forms::of_llms_txt(&String::from_utf8_lossy(&answer.body), &url),
                    status => return Err(problem(format!("answers {status}: set `markdown: page`, or `off`"))),
                }
            }
        };
        let _ = self.forms.set(forms);
        Ok(())
    }
}

/// The first of some names, and how many more there are.
fn shown<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let names: Vec<String> = names.take(SHOWN).map(|name| format!("`{name}`")).collect();
    match count.saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
