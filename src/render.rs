//! Rendering: (document, site, inputs) → page and everything that it asked for. Pure: no file system, no clock.
//!
//! Markdown, HTML, text, notebooks and OpenAPI descriptions become clean html. Invariants: the same inputs give the same
//! bytes; no input makes it panic or take more than time linear in its size; the html holds only what `elements` allows;
//! nothing between `fin:skip` markers, and nothing of a document whose front matter cannot be read, is ever part of a page.

mod asking;
mod constructs;
mod context;
mod converted;
mod dates;
mod dialect;
mod elements;
mod front_matter;
mod html;
mod links;
mod markdown;
mod notebook;
mod openapi;
mod outline;
mod plain;
mod policies;
mod raw;
mod redirect;
mod skip;
mod slug;
mod split;
mod text;
mod tokens;
mod warnings;
pub mod web;
mod writer;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::asking::Asking;
pub(crate) use self::asking::hash_of_documents;
use self::dialect::{Context, Expanded};
use self::links::Links;
use self::plain::Gist;
pub use self::policies::PagePolicies;
use self::raw::Draft;
use self::skip::Skips;
use self::warnings::Warnings;
use crate::page::{DocPath, ExternalId, Failure, Page, SourceHash, Switch};
use crate::site::{AnyRules, Placement, Site, jekyll, website};

/// Raised with every change that may render a document differently; documents of another version are rendered again.
pub const VERSION: u32 = 2;

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
    /// What is asked of them beyond their text.
    pub policies: PagePolicies,
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
    /// The first heading of its text, for pages that name this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// What else of its front matter the rules of generators go by, by key (`build.render` for nested ones): each a list
    /// of scalars, as text. The keys are those of `front_matter::SITE_KEYS`, and what Jekyll's defaults add to them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Vec<String>>,
    /// Names that it gives to places in it, which other documents refer to by name alone (Sphinx).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<OwnLabel>,
}

impl Facts {
    /// The one value of a key of the front matter.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&str> {
        self.keys.get(name).and_then(|values| values.first()).map(String::as_str)
    }
}

/// A name that a document gives to a place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLabel {
    /// The name.
    pub name: String,
    /// The fragment of the place; empty: the page itself.
    pub anchor: String,
    /// The heading there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What such a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// The url of the place, with its fragment; `None`: its page has none.
    pub url: Option<String>,
    /// The heading there.
    pub title: Option<String>,
}

/// What a render may ask of the rest of the source. Answers come from the scan and the ledger; what is not answered is not
/// there.
pub trait Inputs {
    /// The public url of the page that a document becomes; `None`: there is no such page, or it has no url.
    fn page_url(&self, path: &DocPath) -> Option<String>;
    /// The title of the page that a document becomes, as others name it: its navigation title, else its front matter's,
    /// else its first heading.
    fn page_title(&self, path: &DocPath) -> Option<String> {
        let _ = path;
        None
    }

    /// The bytes of a file of the source, beyond `include` but within its root; `None`: it is not there, or too large.
    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        let _ = path;
        None
    }

    /// What a name stands for that a document gives to a place in it; or, for a [`wiki_name`], the one document of that
    /// name.
    fn label(&self, name: &str) -> Option<Label> {
        let _ = name;
        None
    }

    /// The very url of the page that is published at a url, whatever its slash, `.html` or `index.html` at the end.
    fn page_at(&self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// The documents that become pages and whose paths a pattern takes, in order: `*` stays within a part of the path,
    /// `**` does not.
    fn documents(&self, pattern: &str) -> Vec<DocPath> {
        let _ = pattern;
        Vec::new()
    }

    /// Whether a converter is configured for this document.
    fn is_converted(&self, path: &DocPath) -> bool {
        let _ = path;
        false
    }

    /// What the converter for this document makes of a text of it: HTML. `None`: no converter is configured for it.
    fn convert(&self, path: &DocPath, text: &[u8]) -> Option<Result<String, Failure>> {
        let _ = (path, text);
        None
    }
}

/// One thing that a render asked for, so that it is rendered again exactly when the answer differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Asked {
    /// [`Inputs::page_url`] of a path, with the answer.
    PageUrl(DocPath, Option<String>),
    /// [`Inputs::page_title`] of a path, with the answer.
    PageTitle(DocPath, Option<String>),
    /// [`Inputs::file`], with the hash of its bytes.
    File(DocPath, Option<SourceHash>),
    /// [`Inputs::label`] of a name, with the answer.
    Label(String, Option<Label>),
    /// [`Inputs::page_at`] of a url, with the answer.
    PageAt(String, Option<String>),
    /// [`Inputs::documents`] of a pattern, with a hash of the answer.
    Documents(String, SourceHash),
}

impl Asked {
    /// The file that was asked for.
    #[must_use]
    pub fn file(&self) -> Option<&DocPath> {
        match self {
            Self::File(path, _) => Some(path),
            _ => None,
        }
    }
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
    /// What was not understood or looks wrong.
    pub warnings: Vec<Warning>,
    /// What it asked for, sorted, each once.
    pub asked: Vec<Asked>,
}

impl Rendered {
    /// The page's plain text, for people and for comparisons.
    #[must_use]
    pub fn text(&self) -> String {
        plain::text(&self.page.html)
    }
}

/// The text of a page's html, as this renderer has written it.
#[must_use]
pub fn plain_text(html: &str) -> String {
    plain::text(html)
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
pub fn facts(path: &DocPath, bytes: &[u8], site: &Site) -> Result<Facts, Failure> {
    let source = read(bytes)?;
    let format = Format::of_document(path, source, site);
    match format {
        Format::Notebook => return notebook::facts(path, source, site),
        Format::OpenApi => return openapi::facts(source),
        Format::Markdown | Format::Html | Format::Text => {}
    }
    let split = format.split(source)?;
    let mut facts = match &split.front {
        Some(front) => front_matter::read(front, site.waits_for_date())?,
        None => Facts::default(),
    };
    if format == Format::Html {
        let head = html::head(split.body);
        facts.title = facts.title.or(head.title);
        if site.is_website() {
            facts.url = head.canonical;
            facts.keys.extend(head.lang.map(|lang| (website::LANG.to_owned(), vec![lang])));
        }
        if head.noindex {
            facts.excluded.get_or_insert_with(|| "robots: noindex".to_owned());
        }
    }
    if facts.excluded.is_none() && redirect::is_one(split.body, &facts, site.root())? {
        facts.excluded = Some("a redirect".to_owned());
    }
    outline::read(path, split.body, site, &mut facts);
    if let AnyRules::Jekyll(rules) = &site.generator {
        rules.complete(path, split.front.as_ref().map(front_matter::Front::json), &mut facts);
    }
    if source.trim().is_empty() {
        may_have_lost_its_text(site, &mut facts);
    }
    Ok(facts)
}

/// An empty file may have lost what it said, its front matter too: no rule takes that for a reason to want no page of it, and
/// rendering it fails.
fn may_have_lost_its_text(site: &Site, facts: &mut Facts) {
    facts.excluded = None;
    if matches!(site.generator, AnyRules::Jekyll(_)) {
        facts.keys.insert(jekyll::HAS_FRONT_MATTER.to_owned(), vec!["true".to_owned()]);
    }
}

/// Reads what a document says of itself that is converted before it is rendered: nothing of one that is no text, or is
/// written in a format whose reading is the converter's work.
pub fn facts_of_converted(path: &DocPath, bytes: &[u8], site: &Site) -> Result<Facts, Failure> {
    let is_read_here = !matches!(Format::of(path), Format::Notebook | Format::OpenApi);
    if is_read_here && std::str::from_utf8(bytes).is_ok() { facts(path, bytes, site) } else { Ok(Facts::default()) }
}

/// All that the front matter of a text says, for rules that go by more than the document that they place. `None`: there
/// is none, or it cannot be read.
pub(crate) fn front_matter_of(text: &str) -> Option<serde_json::Value> {
    Some(front_matter::split(text).ok()?.front?.json())
}

/// The id of a document's page: its front matter's `id`, else its path. Where the generator has a meaning of its own for
/// `id`, and it need not be unique, only the path counts.
#[must_use]
pub fn external_id(path: &DocPath, facts: &Facts, site: &Site) -> ExternalId {
    let own = facts.id.as_deref().filter(|_| !site.has_own_ids());
    own.map_or_else(|| ExternalId::from(path), ExternalId::new)
}

/// The name by which wiki links mean a document, of its path or its file's name: `[[getting-started]]`. Case and blanks do
/// not count; no label that a document gives begins so.
#[must_use]
pub fn wiki_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("[[{}]]", name.trim().to_lowercase().replace(' ', "-"))
}

/// A document to be rendered.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its place in the source.
    pub path: &'a DocPath,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What it says of itself.
    pub facts: &'a Facts,
    /// What the site makes of it.
    pub placement: &'a Placement,
}

/// A page's worth of a document, before it is addressed.
struct Part {
    /// What tells it from the document's own page, stable while the document says the same: the end of its external id and
    /// of its url. `None`: the document's own page, which comes first.
    anchor: Option<String>,
    /// Its title; `None`: the document's.
    title: Option<String>,
    html: String,
    warnings: Vec<Warning>,
}

/// What rendering a document came to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its page first, then those of its parts, where it becomes several; or why there is none.
    pub pages: Result<Vec<Rendered>, Failure>,
    /// What it asked for, whatever came of it: sorted, each once.
    pub asked: Vec<Asked>,
    /// What was not understood or looks wrong in a document that fails for it.
    pub warnings: Vec<Warning>,
}

/// Renders a document whose facts and place on the site are known: its page first, then those of its parts, where it
/// becomes several.
pub fn render(
    subject: Subject<'_>,
    site: &Site,
    options: &PageOptions,
    inputs: &dyn Inputs,
) -> Result<Vec<Rendered>, Failure> {
    attempt(subject, site, options, inputs).pages
}

/// As [`render`], and tells of a document that fails as well what it asked for: the answers may be why it fails.
pub fn attempt(subject: Subject<'_>, site: &Site, options: &PageOptions, inputs: &dyn Inputs) -> Attempt {
    let asking = Asking::new(inputs);
    let mut warnings = Vec::new();
    let pages = guarded(|| parts(subject, site, &asking)).and_then(|parts| {
        if let Some(failure) = options.policies.strict.then(|| policies::strict(&parts)).flatten() {
            warnings = parts.into_iter().flat_map(|part| part.warnings).collect();
            return Err(failure);
        }
        pages(parts, subject, site, options, &asking)
    });
    let asked = asking.into_asked();
    let pages = pages.map(|mut pages| {
        if let Some(first) = pages.first_mut() {
            first.asked.clone_from(&asked);
            if let Some(reason) = &subject.placement.unknown {
                first.warnings.push(Warning { code: "no_url".to_owned(), line: None, message: reason.clone() });
            }
        }
        pages
    });
    Attempt { pages, asked, warnings }
}

/// Makes the parts of a document pages, and of one that is too long several.
fn pages(
    parts: Vec<Part>,
    subject: Subject<'_>,
    site: &Site,
    options: &PageOptions,
    asking: &Asking<'_>,
) -> Result<Vec<Rendered>, Failure> {
    let policies = &options.policies;
    let mut anchors: HashSet<String> = parts.iter().filter_map(|part| part.anchor.clone()).collect();
    let mut pages = Vec::with_capacity(parts.len());
    for part in parts {
        let Part { anchor, title: own, html, mut warnings } = part;
        let gist = plain::gist(&html);
        if !gist.has_text {
            return Err(fails("empty", "the page has no text; write some, or leave it out with `fin: {skip: true}`"));
        }
        let title = own.unwrap_or_else(|| title(subject.path, subject.facts, subject.placement, &gist));
        if subject.placement.untitled.as_ref() == Some(&title) {
            let message = format!("the page has no heading, so that its site calls it `{title}`; add one");
            warnings.push(Warning { code: "no_title".to_owned(), line: None, message });
        }
        let title = versioned(title, subject.placement);
        let product = policies.product.as_deref();
        let context = if policies.context { context::line(subject, site, product, &title, asking) } else { None };
        let context = context.as_deref();
        if policies.split_over.is_none_or(|over| html.len() as u64 <= over) {
            pages.push(address(Piece { anchor, title, html, warnings, context }, subject, site, options)?);
            continue;
        }
        let mut warnings = Some(warnings);
        for split::Section { heading, html } in split::sections(&html, &mut anchors) {
            let (anchor, title) = match heading {
                None => (anchor.clone(), title.clone()),
                Some((id, section)) => (Some(id), format!("{title} › {section}")),
            };
            let (html, warnings) = (html.to_owned(), warnings.take().unwrap_or_default());
            pages.push(address(Piece { anchor, title, html, warnings, context }, subject, site, options)?);
        }
    }
    Ok(pages)
}

/// What becomes one page.
struct Piece<'a> {
    anchor: Option<String>,
    title: String,
    html: String,
    warnings: Vec<Warning>,
    /// The line above it.
    context: Option<&'a str>,
}

/// What a document becomes: one part, or several; never none.
fn parts(subject: Subject<'_>, site: &Site, asking: &Asking<'_>) -> Result<Vec<Part>, Failure> {
    let Subject { path, bytes, facts, placement } = subject;
    if asking.is_converted(path) {
        return converted::part(subject, site, asking).map(|part| vec![part]);
    }
    let source = read(bytes)?;
    let format = Format::of_document(path, source, site);
    match format {
        Format::Notebook => return notebook::parts(subject, source, site, asking),
        Format::OpenApi => return openapi::parts(subject, source, site, asking),
        Format::Markdown | Format::Html | Format::Text => {}
    }
    let split = format.split(source)?;
    let context = Context { path, facts, front: split.front.as_ref(), site, asking };
    let body = match format {
        Format::Markdown => dialect::expand(split.body, split.body_line, &context)?,
        Format::Html => dialect::expand_html(split.body, split.body_line, &context),
        _ => Expanded::untouched(split.body, split.body_line),
    };
    let links = Links::new(path, placement.url.as_ref(), site, asking);
    let (html, warnings) = write(path, format, &body, links)?;
    Ok(vec![Part { anchor: None, title: None, html, warnings }])
}

/// Makes a piece the page that is sent.
fn address(piece: Piece<'_>, subject: Subject<'_>, site: &Site, options: &PageOptions) -> Result<Rendered, Failure> {
    let Subject { path, facts, placement, .. } = subject;
    let Piece { anchor, title, mut html, warnings, context } = piece;
    if let Some(context) = context {
        let mut line = String::from("<p>");
        writer::escape(&mut line, context, false);
        line.push_str("</p>\n");
        html.insert_str(0, &line);
    }
    policies::check_length(&html, &options.policies)?;
    let mut id = external_id(path, facts, site);
    let mut url = placement.url.clone();
    if let Some(anchor) = &anchor {
        id = ExternalId::new(format!("{id}#{anchor}"));
        if let Some(url) = &mut url {
            url.set_fragment(Some(anchor));
        }
    }
    let page = Page {
        external_id: id,
        title: policies::shortened(&title, options.policies.max_title),
        html,
        url: url.map(String::from),
        locale: policies::locale(placement, options),
        ai_agent: switch(facts.ai_agent, options.ai_agent, options.availability),
        ai_copilot: switch(facts.ai_copilot, options.ai_copilot, options.availability),
    };
    Ok(Rendered { page, warnings, asked: Vec::new() })
}

/// A title with the label of its version, unless that is the one that readers see first.
fn versioned(title: String, placement: &Placement) -> String {
    match &placement.version {
        Some(version) if placement.is_latest != Some(true) => format!("{title} ({version})"),
        _ => title,
    }
}

/// The title of a page: what its reader sees as its heading.
fn title(path: &DocPath, facts: &Facts, placement: &Placement, gist: &Gist) -> String {
    if let Some(untitled) = &placement.untitled {
        let heading = gist.heading.clone().or_else(|| facts.heading.clone());
        return heading.unwrap_or_else(|| untitled.clone());
    }
    let shown = facts.title.clone().filter(|_| placement.shows_title);
    let by_site = || placement.title.clone().filter(|_| placement.is_titled_by_site);
    let title = shown
        .or_else(|| gist.h1.clone())
        .or_else(by_site)
        .or_else(|| facts.title.clone())
        .or_else(|| gist.heading.clone());
    let heading = || facts.heading.clone().filter(|_| path.extension() == "rst");
    title.or_else(heading).or_else(|| placement.title.clone()).unwrap_or_else(|| title_of(path))
}

/// Writes a body in one of the formats that are read here.
fn write(
    path: &DocPath,
    format: Format,
    body: &Expanded<'_>,
    links: Links<'_>,
) -> Result<(String, Vec<Warning>), Failure> {
    let Expanded { text: body, lines, warnings, is_typographic } = body;
    if format == Format::Markdown && markdown::is_too_nested(body) {
        return Err(fails("too_nested", "its quotes or lists nest too deeply to be rendered; flatten them"));
    }
    let first_line = lines.origin(0);
    let skips = match format {
        Format::Markdown => markdown::skips(body, first_line)?,
        Format::Html => html::skips(body, first_line)?,
        Format::Text | Format::Notebook | Format::OpenApi => skip::in_text(body, first_line)?,
    };
    let warnings = Warnings::new(body, lines.clone(), warnings.clone());
    let mut draft = Draft::new(links, warnings, body.len() + body.len() / 4);
    draft.is_typographic = *is_typographic;
    write_draft(path, format, body, &skips, &mut draft);
    let Draft { writer, warnings, needs_sanitiser, .. } = draft;
    let needs_sanitiser = needs_sanitiser || writer.is_irregular();
    let html = writer.finish();
    let html = if needs_sanitiser { elements::sanitised(&html).trim().to_owned() } else { html };
    Ok((html, warnings.finish()))
}

/// What a document is written in, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Markdown,
    Html,
    Text,
    /// Jupyter's; a Markdown body is made of it.
    Notebook,
    /// YAML and JSON, of which only OpenAPI descriptions become pages: of Markdown and of what is written here.
    OpenApi,
}

impl Format {
    fn of(path: &DocPath) -> Self {
        match path.extension().as_str() {
            "md" | "markdown" | "mdx" | "mdown" | "mkd" | "mkdn" | "mkdown" | "mdwn" | "qmd" | "rmd" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            "ipynb" => Self::Notebook,
            "yaml" | "yml" | "json" => Self::OpenApi,
            _ => Self::Text,
        }
    }

    /// A website's documents are HTML, or the Markdown that it gave in place of it, whatever their urls end in.
    fn of_document(path: &DocPath, source: &str, site: &Site) -> Self {
        match site.is_website() {
            true if source.starts_with('<') => Self::Html,
            true => Self::Markdown,
            false => Self::of(path),
        }
    }

    fn split(self, source: &str) -> Result<front_matter::Split<'_>, Failure> {
        match self {
            Self::Markdown | Self::Html => front_matter::split(source),
            Self::Text | Self::Notebook | Self::OpenApi => front_matter::split_text(source),
        }
    }
}

fn write_draft(path: &DocPath, format: Format, body: &str, skips: &Skips, draft: &mut Draft<'_>) {
    let extension = path.extension();
    match format {
        Format::Markdown => markdown::write(body, extension == "mdx", skips, draft),
        Format::Html => html::write(body, skips, draft),
        Format::Text | Format::Notebook | Format::OpenApi => {
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
    let title = capitalised(name);
    if title.is_empty() { path.as_str().to_owned() } else { title }
}

/// The words of a name, the first with a capital.
fn capitalised(name: &str) -> String {
    let words = name
        .split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '-' | '_'))
        .filter(|word| !word.is_empty());
    let title = words.collect::<Vec<_>>().join(" ");
    let mut rest = title.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
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
