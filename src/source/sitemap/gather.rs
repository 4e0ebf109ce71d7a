//! Where the website's lists are, and which pages they name: one list, an index and its lists, or what `robots.txt` says.
//!
//! The invariant: a list that could not be read whole, for whatever reason, is a problem. A page of another host is not ours
//! and left out; a list of another host is a problem, for pages of ours may be in it.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use url::Url;

use super::client::{Ask, Client, Trouble};
use super::list::{self, Fault};
use super::patterns::PagePatterns;
use super::robots::{self, Robots};
use super::urls::{self, Named};
use super::{SitemapOptions, shown};
use crate::page::{DocPath, Problem};

/// Lists of one website.
const MAX_LISTS: usize = 1000;
/// Pages of one website.
const MAX_PAGES: usize = 200_000;
/// Bytes of all their paths.
const MAX_PATHS_BYTES: usize = 32 << 20;
/// Urls of other languages that are remembered, for a notice.
const MAX_ALTERNATES: usize = 20_000;
/// Lists that fail one after the other before no more is asked for.
const MAX_FAILED: usize = 5;
/// Other hosts that are named in a notice.
const MAX_HOSTS: usize = 5;

const ACCEPT: &str = "application/xml,text/xml;q=0.9,text/plain;q=0.8,*/*;q=0.5";

/// What the lists name.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Each page that the patterns take, with its `lastmod`.
    pub(super) pages: BTreeMap<DocPath, Option<Box<str>>>,
    /// Lists that could not be read whole.
    pub(super) problems: Vec<Problem>,
    /// What was left out.
    pub(super) notices: Vec<String>,
}

/// What `robots.txt` says; an error where nothing may be asked for, for it cannot be read now (RFC 9309, 2.3.1).
pub(super) fn robots_of(client: &Client, root: &Url) -> Result<Robots, Problem> {
    let mut url = root.clone();
    url.set_path("/robots.txt");
    let problem = |what: String| Problem {
        path: "robots.txt".to_owned(),
        message: format!(
            "`{url}` {what}, so that nothing may be asked for; set `robots: ignore` if the website is your own"
        ),
    };
    let ask = Ask { url: &url, etag: None, last_modified: None, accept: "text/plain,*/*;q=0.5", max_bytes: 64 << 20 };
    let (head, body) = match client.open(&ask) {
        Ok(answer) => answer,
        // Where it leads elsewhere it is as good as none.
        Err(Trouble::OtherHost(_) | Trouble::Loop) => return Ok(Robots::default()),
        Err(trouble @ (Trouble::Timeout | Trouble::Broken(_))) => {
            return Err(problem(format!("cannot be read ({trouble})")));
        }
        // It is not this file's, and would keep every other from being read.
        Err(trouble) => return Err(Problem { path: "robots.txt".to_owned(), message: trouble.to_string() }),
    };
    match head.status {
        200..=299 => {
            let mut bytes = Vec::new();
            match body.take(robots::MAX_BYTES).read_to_end(&mut bytes) {
                Ok(_) => Ok(Robots::parse(&bytes)),
                Err(error) => Err(problem(format!("breaks off ({error})"))),
            }
        }
        429 | 500.. => Err(problem(format!("answers {}", head.status))),
        _ => Ok(Robots::default()),
    }
}

/// Reads every list of the website.
pub(super) fn gather(
    client: &Client,
    options: &SitemapOptions,
    root: &Url,
    patterns: &PagePatterns,
    robots: &Robots,
) -> Gathered {
    let mut gather = Gather {
        client,
        options,
        root,
        patterns,
        found: Gathered::default(),
        lists: HashSet::new(),
        paths_bytes: 0,
        failed_in_a_row: 0,
        left_out: 0,
        broken: Vec::new(),
        foreign: BTreeMap::new(),
        alternates: HashSet::new(),
    };
    gather.start(robots);
    gather.finish()
}

struct Gather<'a> {
    client: &'a Client,
    options: &'a SitemapOptions,
    root: &'a Url,
    patterns: &'a PagePatterns,
    found: Gathered,
    /// Lists that were asked for.
    lists: HashSet<Url>,
    paths_bytes: usize,
    /// Lists of which the website gave nothing, one after the other.
    failed_in_a_row: usize,
    /// Pages that the patterns leave out.
    left_out: usize,
    /// What stands in a list and is no url.
    broken: Vec<String>,
    /// Pages of other hosts, by host.
    foreign: BTreeMap<String, usize>,
    alternates: HashSet<DocPath>,
}

/// Why a list could not be read.
enum Failed {
    /// It is not there.
    Absent,
    /// Asking once more may help.
    Passing(String),
    /// It is not what it should be.
    Lasting(String),
}

/// What one list names.
#[derive(Default)]
struct Listed {
    pages: Vec<(DocPath, Option<Box<str>>)>,
    lists: Vec<String>,
}

impl Gather<'_> {
    fn start(&mut self, robots: &Robots) {
        let url = urls::plain(self.options.client.published_at(&self.options.url));
        if !is_root(&url) {
            return self.list_or_problem(&url);
        }
        let (mut own, mut foreign) = (Vec::new(), Vec::new());
        // A website in a folder of another has no `robots.txt`.
        for list in robots.lists.iter().filter(|_| url.path() == "/").take(MAX_LISTS) {
            match urls::named(list, &url, self.root, &self.options.client) {
                Named::Own(list) => own.push(list),
                Named::Foreign(_) | Named::Broken => foreign.push(list.clone()),
            }
        }
        if !foreign.is_empty() {
            let which = shown(foreign.iter().map(String::as_str), foreign.len());
            self.found.notices.push(format!("`robots.txt` names lists that are not of this website: {which}"));
        }
        if own.is_empty() {
            return self.guess(&url);
        }
        for list in own {
            self.list_or_problem(&list);
        }
    }

    /// Looks where lists usually are.
    fn guess(&mut self, root: &Url) {
        for name in ["sitemap.xml", "sitemap_index.xml"] {
            let Ok(url) = root.join(name) else { continue };
            match self.list(&url, true) {
                Err(Failed::Absent) => {}
                // A website that answers everything with a page has none here.
                Err(Failed::Lasting(message)) if message == Fault::Html.to_string() => {}
                Err(Failed::Passing(message) | Failed::Lasting(message)) => return self.problem(&url, &message),
                Ok(()) => return,
            }
        }
        let message = "neither `robots.txt` names a sitemap, nor is one at `sitemap.xml` or `sitemap_index.xml`: set \
                       `sitemap.url` to where it is";
        self.problem(root, message);
    }

    fn list_or_problem(&mut self, url: &Url) {
        match self.list(url, true) {
            Ok(()) => {}
            Err(Failed::Absent) => self.problem(url, "is not there (404)"),
            Err(Failed::Passing(message) | Failed::Lasting(message)) => self.problem(url, &message),
        }
    }

    /// Reads a list; those that an index names have their own problems.
    fn list(&mut self, url: &Url, may_be_index: bool) -> Result<(), Failed> {
        if !self.lists.insert(url.clone()) {
            return Ok(());
        }
        let read = match self.read(url) {
            Err(Failed::Passing(_)) => self.read(url),
            read => read,
        };
        self.failed_in_a_row = if let Err(Failed::Passing(_)) = read { self.failed_in_a_row + 1 } else { 0 };
        let listed = read?;
        self.take(listed.pages)?;
        if !listed.lists.is_empty() && !may_be_index {
            return Err(Failed::Lasting("is an index that an index names: only one level is followed".to_owned()));
        }
        for list in listed.lists {
            if self.lists.len() >= MAX_LISTS {
                return Err(Failed::Lasting(format!("names more than {MAX_LISTS} lists")));
            }
            if self.failed_in_a_row >= MAX_FAILED {
                return Err(Failed::Lasting(
                    "names lists that fail one after the other: the rest is not read".to_owned(),
                ));
            }
            match urls::named(&list, url, self.root, &self.options.client) {
                Named::Own(list) => match self.list(&list, false) {
                    Ok(()) => {}
                    Err(Failed::Absent) => self.problem(&list, "is not there (404), and an index names it"),
                    Err(Failed::Passing(message) | Failed::Lasting(message)) => self.problem(&list, &message),
                },
                Named::Foreign(host) => {
                    let message = format!(
                        "names a list of another host, `{host}`, which is not read: if it is the website's own, say so in \
                         `fetch_from`"
                    );
                    self.problem(url, &message);
                }
                Named::Broken => self.problem(url, &format!("names a list whose url is none: `{}`", cut(&list))),
            }
        }
        Ok(())
    }

    fn read(&mut self, url: &Url) -> Result<Listed, Failed> {
        let ask = Ask { url, etag: None, last_modified: None, accept: ACCEPT, max_bytes: list::MAX_BYTES };
        let (head, body) = self.client.open(&ask).map_err(|trouble| match trouble {
            Trouble::Timeout | Trouble::Connect(_) | Trouble::Broken(_) => Failed::Passing(trouble.to_string()),
            trouble => Failed::Lasting(trouble.to_string()),
        })?;
        match head.status {
            200 | 203 => {}
            404 | 410 => return Err(Failed::Absent),
            401 | 403 | 407 => return Err(Failed::Lasting(format!("asks who one is ({})", head.status))),
            500.. => return Err(Failed::Passing(format!("answers {}", head.status))),
            status => return Err(Failed::Lasting(format!("answers {status}"))),
        }
        let mut listed = Listed::default();
        let read = list::read(body, &mut |named| match named {
            list::Named::Page(page) => self.page(page, url, &mut listed),
            list::Named::List(list) => listed.lists.push(list),
        });
        match read {
            Ok(()) => Ok(listed),
            Err(Fault::Broken(message)) if message == Trouble::TooLarge.to_string() => {
                Err(Failed::Lasting("it unpacks to far more than was sent: it is refused".to_owned()))
            }
            Err(fault @ (Fault::CutOff | Fault::Broken(_))) => {
                // What it names so far is there; that it is not all is said.
                self.take(listed.pages)?;
                Err(Failed::Passing(fault.to_string()))
            }
            Err(fault) => Err(Failed::Lasting(fault.to_string())),
        }
    }

    fn page(&mut self, page: list::Page, base: &Url, listed: &mut Listed) {
        for alternate in &page.alternates {
            if self.alternates.len() < MAX_ALTERNATES
                && let Named::Own(url) = urls::named(alternate, base, self.root, &self.options.client)
            {
                self.alternates.insert(urls::path_of(&url));
            }
        }
        match urls::named(&page.loc, base, self.root, &self.options.client) {
            Named::Own(url) => {
                let path = urls::path_of(&url);
                if self.patterns.takes(&path) {
                    let lastmod = page.lastmod.filter(|lastmod| lastmod.len() <= 64);
                    listed.pages.push((path, lastmod.map(Into::into)));
                } else {
                    self.left_out += 1;
                }
            }
            Named::Foreign(host) => {
                if self.foreign.len() < MAX_HOSTS || self.foreign.contains_key(&host) {
                    *self.foreign.entry(host).or_default() += 1;
                }
            }
            Named::Broken if self.broken.len() < MAX_HOSTS => self.broken.push(cut(&page.loc)),
            Named::Broken => {}
        }
    }

    /// Takes pages in; of two that are one the first says when it changed.
    fn take(&mut self, pages: Vec<(DocPath, Option<Box<str>>)>) -> Result<(), Failed> {
        for (path, lastmod) in pages {
            self.paths_bytes += path.as_str().len();
            if self.found.pages.len() >= MAX_PAGES || self.paths_bytes > MAX_PATHS_BYTES {
                return Err(Failed::Lasting(format!("brings more than {MAX_PAGES} pages, or more than 32 MB of urls")));
            }
            self.found.pages.entry(path).or_insert(lastmod);
        }
        Ok(())
    }

    fn problem(&mut self, url: &Url, message: &str) {
        let path = urls::path_of(url).to_string();
        self.found.problems.push(Problem { path, message: format!("the list `{url}`: {message}") });
    }

    fn finish(mut self) -> Gathered {
        let notices = &mut self.found.notices;
        if !self.foreign.is_empty() {
            let count: usize = self.foreign.values().sum();
            let hosts = shown(self.foreign.keys().map(String::as_str), self.foreign.len());
            notices.push(format!(
                "{count} urls of the list are of other hosts and left out: {hosts}; if one is the website's public host, say \
                 so in `fetch_from`"
            ));
        }
        if !self.broken.is_empty() {
            let which = shown(self.broken.iter().map(String::as_str), self.broken.len());
            notices.push(format!("the list has entries that are no urls: {which}"));
        }
        let is_unlisted = |path: &&DocPath| !self.found.pages.contains_key(*path) && self.patterns.takes(path);
        let unlisted = self.alternates.iter().filter(is_unlisted).count();
        if unlisted > 0 && self.found.problems.is_empty() {
            notices.push(format!(
                "the list names {unlisted} translations (`hreflang`) that are no entries of their own: they are not mirrored"
            ));
        }
        if self.found.pages.is_empty() && self.found.problems.is_empty() {
            if self.left_out > 0 {
                let message =
                    format!("none of the {} pages of the list is taken by `include` and `exclude`", self.left_out);
                notices.push(message);
            } else {
                let hint = if self.foreign.is_empty() { "" } else { ": is its public host missing in `fetch_from`?" };
                let message = format!("the list names no page of `{}`{hint}", self.root);
                self.found.problems.push(Problem { path: String::new(), message });
            }
        }
        self.found
    }
}

/// Whether a url is of a website and not of a list.
pub(super) fn is_root(url: &Url) -> bool {
    url.path().ends_with('/') && url.query().is_none()
}

fn cut(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
