//! OpenAPI descriptions (`openapi: 3.x`, `swagger: 2.0`) in YAML or JSON: a page for the whole, and one for each tag.
//!
//! Source of the rules: the OpenAPI specification, 2.0 to 3.1, and what Redoc and Swagger UI show of a description. The
//! document's own page tells what the interface is, where it lies and how one is let in, and has the operations that no
//! tag claims. An operation stands on the page of each of its tags. Recognised by its content, whatever its name; what is
//! marked `x-internal` is left out. Invariant: what is written grows with the document, not with what refers to what.

mod operation;
mod overview;
mod pen;
mod refs;
mod schema;
mod tree;

use std::collections::HashMap;

use super::asking::Asking;
use super::links::Links;
use super::plain;
use super::slug::Slugs;
use super::writer::Writer;
use super::{Facts, Part, Subject, fails};
use crate::page::Failure;
use crate::site::Site;

use self::operation::Operation;
use self::pen::Pen;
use self::refs::{At, Documents};
use self::tree::Node;

/// Operations on all pages together, each counted on each of them.
const MAX_OPERATIONS: usize = 20_000;

/// What a description says of itself. Any other YAML or JSON is left out; it fails only where a description is broken, for
/// what Fin has of that must stay.
pub(super) fn facts(source: &str) -> Result<Facts, Failure> {
    let excluded = Facts { excluded: Some("no OpenAPI description".to_owned()), ..Facts::default() };
    let Some(node) = read(source)? else { return Ok(excluded) };
    let title = title(&node);
    Ok(Facts { heading: title.clone(), title, ..Facts::default() })
}

/// The pages of a description: its own, then one for each tag that has an operation or says that it is a page of text.
pub(super) fn parts(
    subject: Subject<'_>,
    source: &str,
    site: &Site,
    asking: &Asking<'_>,
) -> Result<Vec<Part>, Failure> {
    let node = read(source)?.ok_or_else(|| fails("openapi", "it is no OpenAPI description any more"))?;
    let (path, own_title) = (subject.path, title(&node));
    let documents = Documents::open(path, node, asking);
    let links = || Links::new(path, subject.placement.url.as_ref(), site, asking);
    let pen = Pen::new(path, &documents, &links);
    let tags = tags(&pen);
    let mut html = Writer::with_capacity(16 * 1024);
    overview::write(&pen, own_title.as_deref(), &tags, &mut html)?;
    let untagged = tags.iter().find(|tag| tag.name.is_none());
    for operation in untagged.into_iter().flat_map(|tag| &tag.operations) {
        operation.write(&pen, &mut html)?;
    }
    let mut parts =
        vec![Part { anchor: None, title: own_title.clone(), html: html.finish(), warnings: pen.warnings() }];
    let mut slugs = Slugs::default();
    for tag in &tags {
        let Some(name) = tag.name.filter(|_| tag.is_page()) else { continue };
        let slug = slugs.slug(name);
        let shown = tag.shown();
        let mut html = Writer::with_capacity(16 * 1024);
        pen::heading(&mut html, "h1", &shown);
        pen.description(&mut html, tag.at, "")?;
        for operation in &tag.operations {
            operation.write(&pen, &mut html)?;
        }
        let html = html.finish();
        // A name of signs that nobody sees.
        if !plain::gist(&html).has_text {
            continue;
        }
        let title = own_title.as_ref().map_or_else(|| shown.clone(), |own| format!("{shown} – {own}"));
        let anchor = Some(format!("tag-{slug}"));
        parts.push(Part { anchor, title: Some(title), html, warnings: pen.warnings() });
    }
    Ok(parts)
}

/// The description that a text is; `None`: it is none. Fails where it is meant to be one and cannot be read.
fn read(source: &str) -> Result<Option<Node>, Failure> {
    if source.trim().is_empty() {
        return Err(fails(
            "empty",
            "the document is empty; write an OpenAPI description, or leave it out with `exclude`",
        ));
    }
    if !says_version(source) {
        return if may_be_cut_off(source) {
            Err(fails("openapi", "it may be an OpenAPI description, but does not say its version: it may be cut off"))
        } else {
            Ok(None)
        };
    }
    let node = Node::parse(source)
        .map_err(|message| fails("openapi", format!("the OpenAPI description cannot be read: {message}")))?;
    for (key, known) in [("openapi", '3'), ("swagger", '2')] {
        match node.get(key).and_then(Node::scalar) {
            Some(version) if version.starts_with(known) => return Ok(Some(node)),
            Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                let version: String = version.chars().take(20).collect();
                let message = format!("`{key}: {version}` is not understood; `openapi: 3.x` and `swagger: 2.0` are");
                return Err(fails("openapi", message));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether a text without a version may be what is left of a description, and not another document: programs that sort
/// keys write the version behind the rest, or at the end of a file that is being written just now.
fn may_be_cut_off(source: &str) -> bool {
    let source = source.trim();
    if let Some(json) = source.strip_prefix('{') {
        return json.trim_start().starts_with('"') && !source.ends_with('}');
    }
    let has = |key: &str| source.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    has("info") && (has("paths") || has("components"))
}

/// Whether a text has `openapi` or `swagger` as a key of a number: cheap, and true of a broken description as well.
fn says_version(source: &str) -> bool {
    ["openapi", "swagger"].into_iter().any(|key| {
        source.match_indices(key).any(|(at, _)| {
            let is_start = source[..at].chars().next_back().is_none_or(|c| matches!(c, '"' | '\'' | '\n' | '{' | ','));
            let rest = source[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
            let value = rest.strip_prefix(':').map(|rest| rest.trim_start_matches([' ', '\t', '\n', '\r', '"', '\'']));
            is_start && value.is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit()))
        })
    })
}

fn title(node: &Node) -> Option<String> {
    let title = node.get("info")?.get("title")?.scalar()?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

/// A tag and its operations; without a name those that no tag claims.
struct Tag<'a> {
    name: Option<&'a str>,
    /// What the description says of it.
    at: Option<At<'a>>,
    operations: Vec<Operation<'a>>,
}

impl Tag<'_> {
    /// Whether it has something to say beyond its line on the document's own page. Redoc's `x-traitTag` says of a tag that
    /// it is a page of text.
    fn is_page(&self) -> bool {
        let is_text = || {
            self.at.is_some_and(|at| at.node.get("x-traitTag").is_some_and(Node::is_true) && at.has_text("description"))
        };
        !self.operations.is_empty() || is_text()
    }

    /// Its name for readers.
    fn shown(&self) -> String {
        let shown = self.at.and_then(|at| at.text("x-displayName"));
        shown.or(self.name).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The tags in the order in which the document lists them, then the others as operations name them.
fn tags<'a>(pen: &Pen<'a>) -> Vec<Tag<'a>> {
    let root = pen.documents.root();
    let mut tags: Vec<Tag<'a>> = Vec::new();
    let mut known: HashMap<Option<&'a str>, usize> = HashMap::new();
    let mut add = |tags: &mut Vec<Tag<'a>>, name: Option<&'a str>, at: Option<At<'a>>| {
        *known.entry(name).or_insert_with(|| {
            tags.push(Tag { name, at, operations: Vec::new() });
            tags.len() - 1
        })
    };
    for at in root.list("tags") {
        if let Some(name) = at.text("name").filter(|name| !name.trim().is_empty()) {
            add(&mut tags, Some(name), Some(at));
        }
    }
    let mut left = MAX_OPERATIONS;
    for operation in operation::all(pen) {
        let mut names: Vec<Option<&'a str>> = operation.tags().map(Some).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            names.push(None);
        }
        for name in names {
            let Some(rest) = left.checked_sub(1) else {
                pen.warn("too_many", "", &format!("only the first {MAX_OPERATIONS} operations are on its pages"));
                return tags;
            };
            left = rest;
            let at = add(&mut tags, name, None);
            tags[at].operations.push(operation);
        }
    }
    tags
}

#[cfg(test)]
mod tests;
