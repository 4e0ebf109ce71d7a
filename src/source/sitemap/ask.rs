//! One page asked for, and what the answer means for its document.
//!
//! The invariant: only the website's own word makes a page gone or another page's: 404, 410, a redirect, a canonical url.
//! Whatever else stands between us and the page is [`Verdict::Unclear`].

use std::io::Read;

use url::Url;

use super::Sitemap;
use super::client::{Answer, Ask, Trouble};
use super::print::Print;
use super::urls;
use crate::page::{DocPath, Failure, Fingerprint};
use crate::render::web;

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.5";
const MARKDOWN: &str = "text/markdown,text/plain;q=0.9,*/*;q=0.1";

/// What a page's answer means.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is what it was.
    Same,
    /// It is a page.
    Page {
        /// What tells it from a later one.
        fingerprint: Fingerprint,
        /// The path of the url that answered: its own, or one that the list does not name.
        at: DocPath,
        /// The document, where the spool has no room for it.
        unkept: Option<String>,
    },
    /// It is another page of the list.
    Alias(DocPath),
    /// It is not there.
    Gone,
    /// It is there, and no page.
    NoPage(String),
    /// It is there, and cannot be understood.
    Failed(Failure),
    /// Nothing is known of it.
    Unclear(Unclear),
}

/// Why nothing is known of a page.
#[derive(Clone, Debug)]
pub(super) struct Unclear {
    /// What is common to all pages of the same trouble.
    pub(super) kind: String,
    /// What happened, and what to do.
    pub(super) message: String,
    /// Whether asking again at once may help.
    pub(super) passes: bool,
    /// How much it says that the website is down.
    pub(super) weight: usize,
}

/// Whether a path is one of the list's.
pub(super) type IsListed<'a> = &'a (dyn Fn(&DocPath) -> bool + Sync);

impl Sitemap {
    /// Asks for a page: whether it is still what a fingerprint says, where there is one.
    pub(super) fn ask(
        &self,
        path: &DocPath,
        lastmod: Option<&str>,
        had: Option<&Print>,
        is_listed: IsListed<'_>,
    ) -> Verdict {
        let page = urls::url_of(path, &self.root);
        let markdown = self.ask_for_markdown(path, &page, lastmod, had);
        markdown.unwrap_or_else(|| self.ask_for_html(path, &page, lastmod, had, is_listed))
    }

    fn ask_for_html(
        &self,
        path: &DocPath,
        page: &Url,
        lastmod: Option<&str>,
        had: Option<&Print>,
        is_listed: IsListed<'_>,
    ) -> Verdict {
        let had = had.filter(|had| had.via.is_none() && (had.etag.is_some() || had.last_modified.is_some()));
        let answer = match self.get(page, had, HTML) {
            Ok(answer) => answer,
            Err(trouble) => return self.troubled(&trouble),
        };
        match (answer.head.status, had) {
            (200 | 203, _) => self.judge(path, &answer, lastmod, is_listed),
            (304, Some(had)) if had.url == answer.head.url.as_str() => Verdict::Same,
            // What is unchanged is another place's answer.
            (304, Some(_)) => self.ask_for_html(path, page, lastmod, None, is_listed),
            (404 | 410, _) => Verdict::Gone,
            (status, _) => refused(status, answer.head.retry_after.is_some()),
        }
    }

    fn judge(&self, path: &DocPath, answer: &Answer, lastmod: Option<&str>, is_listed: IsListed<'_>) -> Verdict {
        let url = urls::plain(answer.head.url.clone());
        if !urls::is_own(&url, &self.root) {
            return unclear("other host", format!("leads to another host: `{url}`"));
        }
        let at = urls::path_of(&url);
        let extracted = self.extract(answer, &url);
        if extracted == web::Extracted::Login {
            return login();
        }
        if at != *path && is_listed(&at) {
            return Verdict::Alias(at);
        }
        match extracted {
            web::Extracted::Page { document, copy_of, .. } => {
                let original = copy_of.map(|url| urls::path_of(&urls::plain(self.options.client.published_at(&url))));
                let document = if at == *path { document } else { with_canonical(document, &url) };
                // Its own word of where it is counts: two of one url are one page.
                let at = canonical_of(&document, &self.root).unwrap_or(at);
                let is_other = |other: &DocPath| other != path && is_listed(other);
                match original.into_iter().chain([at.clone()]).find(is_other) {
                    Some(other) => Verdict::Alias(other),
                    None => self.keep(path, at, &document, answer, lastmod, None),
                }
            }
            web::Extracted::Moved(target) => self.follow(path, &target, lastmod, is_listed),
            web::Extracted::Shell => Verdict::Failed(Failure::new(
                "javascript",
                "it is an empty frame that a program in the browser fills: give finmirror a rendered page, or its Markdown \
                 (`markdown`)",
            )),
            web::Extracted::NoPage(reason) => Verdict::NoPage(reason),
            web::Extracted::Login => Verdict::NoPage("a login page".to_owned()),
        }
    }

    /// Looks at the page that a page sends its readers on to.
    fn follow(&self, path: &DocPath, target: &Url, lastmod: Option<&str>, is_listed: IsListed<'_>) -> Verdict {
        let target = urls::plain(self.options.client.published_at(target));
        let at = urls::path_of(&target);
        let lost = |what: &str| {
            let message = format!("it sends its readers on to `{target}`, which {what}");
            Verdict::Failed(Failure::new("moved", message))
        };
        if !urls::is_own(&target, &self.root) {
            return lost("is of another host");
        }
        if at == *path {
            return lost("is itself");
        }
        if is_listed(&at) {
            return Verdict::Alias(at);
        }
        let answer = match self.get(&target, None, HTML) {
            Ok(answer) => answer,
            Err(trouble) => return self.troubled(&trouble),
        };
        match answer.head.status {
            200 | 203 => {}
            404 | 410 => return lost("is not there"),
            status => return refused(status, answer.head.retry_after.is_some()),
        }
        let url = urls::plain(answer.head.url.clone());
        let at = urls::path_of(&url);
        match self.extract(&answer, &url) {
            _ if !urls::is_own(&url, &self.root) => lost("is of another host"),
            web::Extracted::Login => login(),
            _ if at != *path && is_listed(&at) => Verdict::Alias(at),
            web::Extracted::Page { document, .. } => {
                // The validators of either answer do not tell of both.
                let document = with_canonical(document, &url);
                let print = Print::of(&self.by, document.as_bytes(), url.into()).with(None, None, lastmod);
                self.kept(path, at, &document, &print)
            }
            _ => lost("is no page"),
        }
    }

    fn extract(&self, answer: &Answer, url: &Url) -> web::Extracted {
        web::extract(web::Answer {
            body: &answer.body,
            content_type: answer.head.content_type.as_deref(),
            url,
            robots: answer.head.robots.as_deref(),
            link: answer.head.link.as_deref(),
            selector: self.options.selector.as_deref(),
        })
    }

    /// Looks for a page's Markdown; `None`: it has none, and its HTML is to be looked at.
    fn ask_for_markdown(
        &self,
        path: &DocPath,
        page: &Url,
        lastmod: Option<&str>,
        had: Option<&Print>,
    ) -> Option<Verdict> {
        let forms = self.forms.get()?;
        let candidates = forms.of(page, had.and_then(|had| had.via.as_deref()));
        if candidates.is_empty() {
            return None;
        }
        for (form, url) in candidates {
            let had = had.filter(|had| had.via.as_deref() == Some(url.as_str()));
            let answer = match self.get(&url, had, MARKDOWN) {
                Ok(answer) => answer,
                Err(Trouble::TooLarge | Trouble::OtherHost(_) | Trouble::Loop) => continue,
                Err(trouble) => return Some(self.troubled(&trouble)),
            };
            let is_at = answer.head.url == url;
            match answer.head.status {
                304 if is_at && had.is_some() => {
                    forms.hit(form);
                    return Some(Verdict::Same);
                }
                200 if is_at => {
                    let Some(text) = markdown_of(&answer) else { continue };
                    forms.hit(form);
                    let document = web::markdown_document(text, None, page);
                    return Some(self.keep(path, path.clone(), &document, &answer, lastmod, Some(url)));
                }
                // Not now is not never: a page is not to be now the one and then the other.
                401 | 429 | 500.. => return Some(refused(answer.head.status, answer.head.retry_after.is_some())),
                _ => {}
            }
        }
        forms.miss();
        None
    }

    fn keep(
        &self,
        path: &DocPath,
        at: DocPath,
        document: &str,
        answer: &Answer,
        lastmod: Option<&str>,
        via: Option<Url>,
    ) -> Verdict {
        let head = &answer.head;
        let print = Print::of(&self.by, document.as_bytes(), head.url.to_string());
        let mut print = print.with(head.etag.as_deref(), head.last_modified.as_deref(), lastmod);
        print.via = via.map(Into::into);
        self.kept(path, at, document, &print)
    }

    fn kept(&self, path: &DocPath, at: DocPath, document: &str, print: &Print) -> Verdict {
        let fingerprint = print.clone().at(&at, path).fingerprint();
        let is_kept = self.spool.put(path, document.as_bytes(), &fingerprint);
        Verdict::Page { fingerprint, at, unkept: (!is_kept).then(|| document.to_owned()) }
    }

    fn get(&self, url: &Url, had: Option<&Print>, accept: &'static str) -> Result<Answer, Trouble> {
        let (answered, mut rest) = self.client.open(&Ask {
            url,
            etag: had.and_then(|had| had.etag.as_deref()),
            last_modified: had.and_then(|had| had.last_modified.as_deref()),
            accept,
            max_bytes: self.options.client.max_bytes,
        })?;
        let mut body = Vec::new();
        // What is no page is not fetched whole, scan after scan.
        if !answered.content_type.as_deref().is_some_and(is_no_text) {
            rest.read_to_end(&mut body)?;
        }
        Ok(Answer { head: answered, body })
    }

    fn troubled(&self, trouble: &Trouble) -> Verdict {
        let (kind, passes, weight) = match trouble {
            Trouble::TooLarge => {
                let message = format!("it has more than {} bytes: raise `max_size`", self.options.client.max_bytes);
                return Verdict::Failed(Failure::new("too_large", message));
            }
            Trouble::Refused(_) => ("refused", false, 10),
            Trouble::OtherHost(_) => ("other host", false, 1),
            Trouble::Loop => ("loop", false, 1),
            Trouble::Timeout => ("timeout", true, 5),
            Trouble::Connect(_) => ("connect", true, 5),
            Trouble::Tls(_) => ("tls", false, 10),
            Trouble::Credential(_) => ("credential", false, 10),
            Trouble::Broken(_) => ("broken", true, 2),
            Trouble::Stopped => ("stopped", false, 0),
        };
        Verdict::Unclear(Unclear { kind: kind.to_owned(), message: trouble.to_string(), passes, weight })
    }
}

fn unclear(kind: &str, message: String) -> Verdict {
    Verdict::Unclear(Unclear { kind: kind.to_owned(), message, passes: false, weight: 1 })
}

fn login() -> Verdict {
    let message = "answers with a login page: what finmirror shows of itself (`headers`, `bearer_file`, `cookies_file`, …) is \
                   missing, wrong or has expired";
    unclear("login", message.to_owned())
}

/// A document that says where it was found, if it does not say a canonical url itself.
fn with_canonical(document: String, url: &Url) -> String {
    let head = document.find("</head>").and_then(|end| document.get(..end)).unwrap_or_default();
    if head.is_empty() || head.contains("rel=\"canonical\"") {
        return document;
    }
    let url = url.as_str().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    document.replacen("</head>", &format!("<link rel=\"canonical\" href=\"{url}\">\n</head>"), 1)
}

/// The path of the canonical url that a document names, if it is of the website.
fn canonical_of(document: &str, root: &Url) -> Option<DocPath> {
    let head = document.get(..document.find("</head>")?)?;
    let (_, rest) = head.split_once("<link rel=\"canonical\" href=\"")?;
    let (href, _) = rest.split_once('"')?;
    let url = Url::parse(&href.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    url.ok().filter(|url| url.host() == root.host()).map(|url| urls::path_of(&urls::plain(url)))
}

/// What an answer that is neither a page nor its absence means.
fn refused(status: u16, has_retry_after: bool) -> Verdict {
    let message = match status {
        401 | 407 => format!("asks who one is ({status}): give it `headers`, `bearer_file`, `basic` or `cookies_file`"),
        403 => {
            "may not be seen by whoever finmirror says that it is (403): show more of yourself, or leave it out with \
                `exclude`"
                .to_owned()
        }
        429 => "is asked for too often (429): set a `delay`, or a smaller `concurrency`".to_owned(),
        500.. => format!("answers {status}: the website has a trouble of its own"),
        _ => format!("answers {status}, which says nothing of the page"),
    };
    // Where the website says when to come again, the next scan is soon enough.
    let passes = status >= 500 && !has_retry_after;
    Verdict::Unclear(Unclear { kind: status.to_string(), message, passes, weight: 1 })
}

/// Whether a media type is surely none of a page.
fn is_no_text(kind: &str) -> bool {
    let kind = kind.trim_start().to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().any(|name| kind.starts_with(name));
    starts(&["image/", "video/", "audio/", "font/", "application/pdf", "application/zip", "application/gzip"])
}

/// The text of an answer that is Markdown, and no page in its place.
fn markdown_of(answer: &Answer) -> Option<&str> {
    let kind = answer.head.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let text = std::str::from_utf8(&answer.body).ok()?;
    let is_text = ["text/markdown", "text/x-markdown", "text/plain"].iter().any(|name| kind.starts_with(name));
    let is_markdown = is_text || kind.is_empty() || kind.starts_with("application/octet-stream");
    (is_markdown && !text.trim().is_empty() && !text.trim_start().starts_with('<')).then_some(text)
}
