//! One page as Fin reads it: its facts, its html for a frame of its own, and its markup and text.
//!
//! The html is our own renderer's and was sanitised there; what is shown here is sanitised once more, leads nowhere, and
//! stands in a document that may load nothing and run nothing.

use std::sync::LazyLock;

use dom_query::Document;
use jiff::Timestamp;
use serde::Serialize;

use super::links;
use super::text::{long, request_id, short};
use super::view::{Frame, Now, When};
use crate::ledger::{ListedPage, Standing};
use crate::page::{Page, Switch};
use crate::render::{Warning, plain_text};

/// Html over this is not shown: a browser would choke on it.
const MAX_SHOWN_BYTES: usize = 2 * 1024 * 1024;

static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut sanitiser = ammonia::Builder::default();
    // A picture's text is what is read of it; the picture itself would have to come from elsewhere.
    sanitiser.rm_tag_attributes("img", ["src", "width", "height"]);
    sanitiser.add_generic_attributes(["id"]);
    sanitiser
});

/// A page, for the template.
#[derive(Debug, Serialize)]
pub(super) struct Reading {
    frame: Frame,
    source: String,
    source_href: String,
    external_id: String,
    path: String,
    title: String,
    url: Option<String>,
    /// Only what a browser may follow becomes a link.
    is_web: bool,
    standing: &'static str,
    tone: &'static str,
    meaning: &'static str,
    why: Option<String>,
    request_id: Option<String>,
    acknowledged: Option<When>,
    warnings: Vec<Mended>,
    /// What its document says now; `None`: that could not be rendered.
    content: Option<Content>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Content {
    locale: String,
    ai_agent: &'static str,
    ai_copilot: &'static str,
    is_same: Option<bool>,
    href: String,
    markup: String,
    text: String,
    html_bytes: usize,
    is_shown: bool,
}

#[derive(Debug, Serialize)]
struct Mended {
    code: String,
    message: String,
    line: Option<u32>,
}

impl Reading {
    /// What is known of a page, and what its document renders to now, or why it does not.
    pub(super) fn new(
        frame: Frame,
        source: &str,
        listed: &ListedPage,
        warnings: &[Warning],
        rendered: Result<&Page, &str>,
        now: Now,
    ) -> Self {
        let id = listed.external_id.as_str();
        let page = rendered.ok();
        let title = page.map(|page| page.title.as_str()).or(listed.title.as_deref()).unwrap_or(id);
        let url = page.map_or(listed.url.as_deref(), |page| page.url.as_deref());
        let is_shown = page.is_some_and(|page| page.html.len() <= MAX_SHOWN_BYTES);
        Self {
            frame,
            source: short(source),
            source_href: links::source(source),
            external_id: short(id),
            path: short(listed.path.as_str()),
            title: short(title),
            is_web: url.is_some_and(|url| url.starts_with("https://") || url.starts_with("http://")),
            url: url.map(short),
            standing: word(listed.standing),
            tone: tone(listed.standing),
            meaning: meaning(listed.standing),
            request_id: listed.why.as_deref().and_then(request_id).map(short),
            why: listed.why.as_deref().map(long),
            acknowledged: listed.acknowledged_at.and_then(|at| Timestamp::from_second(at).ok()).map(|at| now.when(at)),
            warnings: warnings
                .iter()
                .map(|w| Mended { code: short(&w.code), message: long(&w.message), line: w.line })
                .collect(),
            content: page.map(|page| Content {
                locale: short(&page.locale),
                ai_agent: switch(page.ai_agent),
                ai_copilot: switch(page.ai_copilot),
                is_same: listed.acknowledged.map(|hash| hash == page.content_hash()),
                href: links::read(source, id),
                markup: if is_shown { page.html.clone() } else { String::new() },
                text: if is_shown { plain_text(&page.html) } else { String::new() },
                html_bytes: page.html.len(),
                is_shown,
            }),
            error: rendered.err().map(long),
        }
    }
}

/// The content of a page for its frame: sanitised; links say where they lead and lead nowhere, pictures are their text.
pub(super) fn framed(page: &Page) -> Option<String> {
    if page.html.len() > MAX_SHOWN_BYTES {
        return None;
    }
    let clean = Document::fragment(SANITISER.clean(&page.html).to_string());
    for link in &clean.select("a[href]") {
        if let Some(href) = link.attr("href")
            && !href.starts_with('#')
        {
            link.set_attr("title", &href);
            link.remove_attr("href");
            link.set_attr("class", "link");
        }
    }
    for picture in &clean.select("img") {
        let told = picture.attr("alt").filter(|alt| !alt.is_empty()).unwrap_or_else(|| "without a text".into());
        picture.set_attr("class", "picture");
        picture.set_text(&told);
        picture.rename("span");
    }
    Some(clean.html().to_string())
}

/// How a page stands, as it is shown.
pub(super) fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Failing => "failing",
        Standing::Rejected => "rejected",
        Standing::InDoubt => "in doubt",
        Standing::Leaving => "leaving",
        Standing::Waiting => "waiting",
        Standing::InFin => "in Fin",
    }
}

/// How good that is.
pub(super) fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Failing | Standing::Rejected => "bad",
        Standing::InDoubt | Standing::Leaving => "warn",
        Standing::Waiting => "idle",
        Standing::InFin => "good",
    }
}

fn meaning(standing: Standing) -> &'static str {
    match standing {
        Standing::Failing => "its document cannot be sent; what Fin has of it stays",
        Standing::Rejected => "Intercom does not take what it has now; what Fin has of it stays",
        Standing::InDoubt => "a request for it has no answer yet: it is sent again in the next cycle",
        Standing::Leaving => "its document is gone or excluded: it is to be deleted, at once or when it is released",
        Standing::Waiting => "its document has something that Fin has not yet: it is sent in the next cycle",
        Standing::InFin => "Fin has what its document said in the last cycle",
    }
}

fn switch(switch: Switch) -> &'static str {
    match (switch.on, switch.managed) {
        (true, true) => "on",
        (false, true) => "off",
        (true, false) => "on when it was made; from then on Intercom's own setting",
        (false, false) => "off when it was made; from then on Intercom's own setting",
    }
}
