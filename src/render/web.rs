//! The page within a website's answer: its main content by the configured selector, else by that of the generator that made
//! it, else `main` or `article`, else by readability; its title, canonical url and language. Pure.
//!
//! What comes out is a small document that renders like any other ([`Extracted::Page`]); what frames the page, and what
//! changes with each build (nonces, dates, ids that are made up), is no part of it. Invariants: any bytes give an answer; the
//! same bytes give the same one; it takes time linear in their number. Must not know how the answer was had.

mod admonitions;
mod balance;
mod charset;
mod code;
mod cut;
mod frames;
mod generators;
mod head;
mod markdown;
mod math;
mod tabs;
mod write;

use dom_query::{Document, Matcher, NodeRef, Selection};
use url::Url;

use self::generators::{Names, Theme};
use self::head::{Canonical, Head};
pub use self::markdown::markdown_document;
use self::write::{Writing, push_escaped};
use super::{fails, guarded, plain};

/// Raised with every change that may extract something else of the same answer.
pub const VERSION: u32 = 1;

/// An answer of a website.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The body, decompressed.
    pub body: &'a [u8],
    /// `Content-Type`, as it was sent.
    pub content_type: Option<&'a str>,
    /// The page's public url: relative links count from it.
    pub url: &'a Url,
    /// `X-Robots-Tag`, as it was sent.
    pub robots: Option<&'a str>,
    /// `Link`, as it was sent: it may name the canonical url.
    pub link: Option<&'a str>,
    /// The configured selector of the main content.
    pub selector: Option<&'a str>,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// A page.
    Page {
        /// HTML of `<html lang>`, `<head>` with `<title>`, `<link rel="canonical">` and robots' `<meta>`, and `<main>`. UTF-8.
        document: String,
        /// The generator that it was recognised to be of.
        generator: Option<&'static str>,
        /// The page that it calls the canonical one in its place, of the same host: where the website has both, this is its
        /// copy (of another version, often); where it has not, this is the page. The document names no canonical url then.
        copy_of: Option<Url>,
    },
    /// A form that asks who one is: nothing is known of the page.
    Login,
    /// An empty frame that a program in the browser would fill.
    Shell,
    /// It sends its reader on to another url at once, by a `<meta http-equiv="refresh">`.
    Moved(Url),
    /// No text at all, or no page (an image, a PDF), and why.
    NoPage(String),
}

/// Finds the page in an answer.
#[must_use]
pub fn extract(answer: Answer<'_>) -> Extracted {
    if let Some(kind) = answer.content_type.and_then(other_than_html) {
        return Extracted::NoPage(format!("it is no HTML, but `{kind}`"));
    }
    guarded(|| Ok(read(&answer))).unwrap_or_else(|failure: crate::page::Failure| Extracted::NoPage(failure.message))
}

/// The configured selector, if it is one: for whoever reads the configuration.
pub fn check_selector(selector: &str) -> Result<(), String> {
    Matcher::new(selector).map(|_| ()).map_err(|_| format!("`{selector}` is no CSS selector"))
}

fn read(answer: &Answer<'_>) -> Extracted {
    let text = charset::decoded(answer.body, answer.content_type);
    let says_html = answer.content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    if !says_html && !text.trim_start().starts_with('<') {
        return Extracted::NoPage("it is no HTML".to_owned());
    }
    let balanced = balance::balanced(&text);
    let document = Document::from(balanced.html.as_str());
    let names = Names::of(&document);
    let head = head::read(&document, &names, answer);
    let theme = generators::recognised(&names, &head.generator, balanced.says);
    if let Some(target) = head.refresh.as_ref().filter(|target| **target != *answer.url) {
        return Extracted::Moved(target.clone());
    }
    if frames::is_login(&document, &head, answer.url, theme.is_some()) {
        return Extracted::Login;
    }
    // Before anything is cut.
    let is_shell = frames::is_shell(&document, balanced.asks_for_scripts);
    let base = head::base(&document, answer.url);
    let written = content(&document, &names, theme, answer, &base);
    if !has_text(&written) {
        if is_shell {
            return Extracted::Shell;
        }
        return Extracted::NoPage("it has no text".to_owned());
    }
    if theme.is_none() && is_shell {
        return Extracted::Shell;
    }
    page(&head, theme, answer.url, &written)
}

/// The main content, written.
fn content(document: &Document, names: &Names, theme: Option<&Theme>, answer: &Answer<'_>, base: &Url) -> String {
    cut::name_headings(document);
    tabs::unfold(document, names);
    let configured = answer.selector.and_then(|selector| document.try_select(selector));
    let of_theme = || {
        theme.into_iter().flat_map(|theme| theme.main).find_map(|selector| {
            let found = document.select_matcher(generators::matcher(selector)?);
            has_words(&found).then_some(found)
        })
    };
    let found = configured.filter(has_words).or_else(of_theme).or_else(|| usual(document));
    if let Some(main) = found {
        let written = written(document, &main, theme, base, answer.url);
        if has_text(&written) {
            return written;
        }
    }
    if let Some(article) = readable(document, answer.url) {
        let article = Document::from(article);
        let written = written(&article, &article.select("body"), theme, base, answer.url);
        if has_text(&written) {
            return written;
        }
    }
    let body = document.select("body");
    body.select("body > header, body > footer, body > aside, body > nav").remove();
    written(document, &body, theme, base, answer.url)
}

fn written(document: &Document, main: &Selection<'_>, theme: Option<&Theme>, base: &Url, url: &Url) -> String {
    cut::cut(document, main, theme);
    let mut writing = Writing::new(base, url);
    for root in outermost(main) {
        writing.root(&root);
    }
    writing.finish()
}

/// `main`, or the one article in it that is most of it; else what has that role, else the articles of the page.
fn usual(document: &Document) -> Option<Selection<'_>> {
    let all = words(&document.select("body"));
    let found = ["main", "[role=main]", "#main-content", "article", "#content"].into_iter().find_map(|selector| {
        let found = document.select(selector);
        // A part of the page that holds little of it is named so by mistake.
        (words(&found) * 5 > all).then_some(found)
    })?;
    let article = found.select("article");
    let is_most = outermost(&article).len() == 1 && words(&article) * 2 > words(&found);
    let has_heading = article.select_single("h1").exists() || !found.select_single("h1").exists();
    Some(if is_most && has_heading { article } else { found })
}

/// What a reader would take for the article, by the signs of texts anywhere on the web.
fn readable(document: &Document, url: &Url) -> Option<String> {
    const MAX_ELEMENTS: usize = 30_000;
    let config = dom_smoothie::Config {
        max_elements_to_parse: MAX_ELEMENTS,
        disable_json_ld: true,
        ..dom_smoothie::Config::default()
    };
    let reading = guarded(|| {
        let mut readability =
            dom_smoothie::Readability::with_document(document.clone(), Some(url.as_str()), Some(config))
                .map_err(|error| fails("readability", error.to_string()))?;
        readability.parse().map_err(|error| fails("readability", error.to_string()))
    });
    reading.ok().map(|article| article.content.to_string())
}

/// The elements that lie in no other of them, in the document's order.
fn outermost<'a>(found: &Selection<'a>) -> Vec<NodeRef<'a>> {
    let ids: std::collections::HashSet<_> = found.nodes().iter().map(|node| node.id).collect();
    let is_within = |node: &NodeRef<'a>| node.ancestors_it(None).any(|above| ids.contains(&above.id));
    found.nodes().iter().filter(|node| node.parent().is_some() && !is_within(node)).copied().collect()
}

fn words(found: &Selection<'_>) -> usize {
    outermost(found).iter().map(|node| node.text().split_whitespace().count()).sum()
}

fn has_words(found: &Selection<'_>) -> bool {
    found.nodes().iter().any(|node| !node.text().trim().is_empty())
}

fn has_text(html: &str) -> bool {
    let mut is_tag = false;
    html.chars().any(|c| match c {
        '<' => {
            is_tag = true;
            false
        }
        '>' => {
            is_tag = false;
            false
        }
        c => !is_tag && c.is_alphanumeric(),
    })
}

/// The document.
fn page(head: &Head, theme: Option<&Theme>, url: &Url, main: &str) -> Extracted {
    let (canonical, copy_of) = match head.canonical(url) {
        Canonical::Own(canonical) => (Some(canonical), None),
        Canonical::Other(other) => (None, Some(other)),
        Canonical::Unsaid => (None, None),
    };
    let mut document = String::with_capacity(main.len() + 512);
    document.push_str("<!doctype html>\n<html");
    let attribute = |document: &mut String, name: &str, value: &str| {
        document.push_str(name);
        document.push_str("=\"");
        push_escaped(document, value);
        document.push('"');
    };
    if let Some(lang) = &head.lang {
        attribute(&mut document, " lang", lang);
    }
    document.push_str(">\n<head>\n<title>");
    push_escaped(&mut document, &title(head, theme, url, main));
    document.push_str("</title>\n");
    if let Some(canonical) = &canonical {
        attribute(&mut document, "<link rel=\"canonical\" href", canonical.as_str());
        document.push_str(">\n");
    }
    if head.noindex {
        document.push_str("<meta name=\"robots\" content=\"noindex\">\n");
    }
    document.push_str("</head>\n<body>\n<main>\n");
    document.push_str(main.trim());
    document.push_str("\n</main>\n</body>\n</html>\n");
    Extracted::Page { document, generator: theme.map(|theme| theme.name), copy_of }
}

/// What the page is called. Where its text has a first-level heading, the renderer takes that; without one, what the site
/// calls it, but for mdBook's name of the chapter in its contents, and for the mere name of the site: then the first heading
/// tells more.
fn title(head: &Head, theme: Option<&Theme>, url: &Url, main: &str) -> String {
    let own = head.own_title(theme, url);
    let is_poor =
        own.is_empty() || theme.is_some_and(|theme| theme.name == "mdbook") || head.names_site_alone(&own, url);
    let heading = || plain::gist(main).heading;
    if is_poor { heading().unwrap_or(own) } else { own }
}

/// The media type of what is no HTML; `None`: it is HTML, or may be.
fn other_than_html(content_type: &str) -> Option<String> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let may_be = matches!(
        &*kind,
        "" | "text/html"
            | "application/xhtml+xml"
            | "application/xml"
            | "text/xml"
            | "application/octet-stream"
            | "text/plain"
    );
    (!may_be).then_some(kind)
}

#[cfg(test)]
mod tests;
