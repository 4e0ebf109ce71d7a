//! Documents that a converter makes HTML of, before they are rendered as HTML documents are.
//!
//! Invariants: what stands between `fin:skip` markers of a text never reaches a converter; markers that a converter took
//! for text (in a DOCX, say) fail the page; there is no way back to plain text: where the converter fails, the page does.

use super::dialect::{Context, Lines, rst};
use super::links::Links;
use super::raw::Draft;
use super::warnings::Warnings;
use super::{Format, Part, Subject, elements, fails, html, plain, read, skip};
use crate::page::Failure;
use crate::render::asking::Asking;
use crate::site::{AnyRules, Site};

/// The page of a document that is converted.
pub(super) fn part(subject: Subject<'_>, site: &Site, asking: &Asking<'_>) -> Result<Part, Failure> {
    let Subject { path, bytes, facts, placement } = subject;
    let is_rst = match path.extension().as_str() {
        "rst" | "rest" => true,
        // Sphinx' `source_suffix` may name it.
        "txt" => matches!(site.generator, AnyRules::Sphinx(_)),
        _ => false,
    };
    let mut warnings = Vec::new();
    let text = if std::str::from_utf8(bytes).is_ok() {
        let source = read(bytes)?;
        let split = Format::of(path).split(source)?;
        let body = skip::in_text(split.body, split.body_line)?.cut(split.body);
        if is_rst {
            let context = Context { path, facts, front: split.front.as_ref(), site, asking };
            let expanded = rst::expand(&body, split.body_line, &context);
            warnings = expanded.warnings;
            expanded.text.into_owned().into_bytes()
        } else {
            body.into_bytes()
        }
    } else {
        bytes.to_vec()
    };
    let converted =
        asking.convert(path, &text).unwrap_or_else(|| Err(fails("converter", "there is no converter for it")))?;
    let body = if is_rst { rst::without_mark(&converted) } else { converted };
    // Its lines are the converter's, which nobody sees.
    let counted = warnings.len();
    let links = Links::new(path, placement.url.as_ref(), site, asking);
    let warnings = Warnings::new(&body, Lines::straight(1), warnings);
    let mut draft = Draft::new(links, warnings, body.len() + body.len() / 4);
    html::write(&body, &html::skips(&body, 1)?, &mut draft);
    let Draft { writer, warnings, .. } = draft;
    let written = elements::sanitised(&writer.finish()).trim().to_owned();
    skip::refuse_shown(&plain::text(&written))?;
    let mut warnings = warnings.finish();
    warnings.iter_mut().skip(counted).for_each(|warning| warning.line = None);
    let title = if is_rst || facts.title.is_some() { None } else { title(&body) };
    Ok(Part { anchor: None, title, html: written, warnings })
}

/// The title that the converter found, but for the words that they write where there is none.
fn title(body: &str) -> Option<String> {
    html::head(body).title.filter(|title| !matches!(title.as_str(), "-" | "Untitled") && !title.starts_with('<'))
}
