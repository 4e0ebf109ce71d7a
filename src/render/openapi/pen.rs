//! How the pages of a description are written: headings, code, and descriptions, which are Markdown.

use std::cell::{Cell, RefCell};

use super::refs::{At, Documents};
use super::tree::Node;
use crate::page::{DocPath, Failure};
use crate::render::dialect::Expanded;
use crate::render::links::Links;
use crate::render::writer::Writer;
use crate::render::{Format, Warning, write};

/// Warnings of one page, at most.
const MAX_WARNINGS: usize = 100;

/// Fields of one operation, and of all pages together: schemas that refer to each other could fill any number of pages.
const MAX_FIELDS: usize = 400;
const MAX_ALL_FIELDS: usize = 1_000_000;

/// Descriptions of all pages together, each counted wherever it stands.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// What one field holds, and what stands in examples, is cut beyond this many bytes.
const MAX_VALUE_BYTES: usize = 200;
const MAX_EXAMPLE_BYTES: usize = 2_000;

/// Writes the pages of one document.
pub(super) struct Pen<'a> {
    pub(super) documents: &'a Documents,
    path: &'a DocPath,
    links: &'a dyn Fn() -> Links<'a>,
    /// Those of the page that is written.
    warnings: RefCell<Vec<Warning>>,
    /// The operation that is written.
    operation: RefCell<String>,
    fields_left: Cell<usize>,
    all_fields_left: Cell<usize>,
    text_left: Cell<usize>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(path: &'a DocPath, documents: &'a Documents, links: &'a dyn Fn() -> Links<'a>) -> Self {
        let warnings = RefCell::new(documents.warnings.clone());
        Self {
            documents,
            path,
            links,
            warnings,
            operation: RefCell::default(),
            fields_left: Cell::new(MAX_FIELDS),
            all_fields_left: Cell::new(MAX_ALL_FIELDS),
            text_left: Cell::new(MAX_TEXT_BYTES),
        }
    }

    /// The warnings of the page that is finished.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        self.warnings.take()
    }

    /// Notes something to be mended at a place of the description.
    pub(super) fn warn(&self, code: &str, place: &str, message: &str) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MAX_WARNINGS {
            let message = if place.is_empty() { message.to_owned() } else { format!("`{place}`: {message}") };
            warnings.push(Warning { code: code.to_owned(), line: None, message });
        }
    }

    /// Begins an operation, which has room of its own, so that no page depends on what stands on the others.
    pub(super) fn begin(&self, operation: &str) {
        operation.clone_into(&mut self.operation.borrow_mut());
        self.fields_left.set(MAX_FIELDS);
    }

    /// Takes note of one more field; `false`: there were too many, and it is to be left out.
    pub(super) fn has_room(&self) -> bool {
        let (left, all_left) = (self.fields_left.get(), self.all_fields_left.get());
        if left == 1 || all_left == 1 {
            let message = format!("it has more than {MAX_FIELDS} fields: those that nest the deepest are left out");
            self.warn("too_many", &self.operation.borrow(), &message);
        }
        self.fields_left.set(left.saturating_sub(1));
        self.all_fields_left.set(all_left.saturating_sub(1));
        left > 0 && all_left > 0
    }

    /// Writes the description of something as blocks of their own.
    pub(super) fn description(&self, html: &mut Writer, at: Option<At<'_>>, place: &str) -> Result<(), Failure> {
        if let Some(text) = at.and_then(|at| at.text("description")) {
            // Beside the page's own heading, or beside one of an operation.
            html.append(&lowered(&self.markdown(text, place)?, if place.is_empty() { 1 } else { 2 }));
        }
        Ok(())
    }

    /// Writes a description within a line, if it is one paragraph; as blocks else.
    pub(super) fn inline(&self, html: &mut Writer, text: &str, place: &str) -> Result<(), Failure> {
        let written = lowered(&self.markdown(text, place)?, 3);
        let inner = written.trim().strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
        match inner.filter(|inner| !inner.contains("<p>")) {
            Some(inner) => {
                html.append(inner);
                // What follows is a sentence of its own.
                if !inner.ends_with(['.', '!', '?', ':', ';', '…']) {
                    html.text(".");
                }
            }
            None => html.append(&written),
        }
        Ok(())
    }

    fn markdown(&self, text: &str, place: &str) -> Result<String, Failure> {
        let Some(left) = self.text_left.get().checked_sub(text.len()) else {
            self.warn("too_many", place, "its descriptions are too long together: this one is left out");
            return Ok(String::new());
        };
        self.text_left.set(left);
        let body = Expanded::untouched(text, 1);
        let (html, warnings) = write(self.path, Format::Markdown, &body, (self.links)())?;
        for warning in warnings {
            self.warn(&warning.code, place, &warning.message);
        }
        Ok(html)
    }
}

pub(super) fn heading(html: &mut Writer, level: &'static str, text: &str) {
    html.open(level);
    html.text(text);
    html.close();
}

pub(super) fn strong(html: &mut Writer, text: &str) {
    html.open("strong");
    html.text(text);
    html.close();
}

/// Writes a word as code.
pub(super) fn code(html: &mut Writer, text: &str) {
    html.open("code");
    html.text(text);
    html.close();
}

/// Writes a value of a schema as code.
pub(super) fn write_value(html: &mut Writer, value: &Node) {
    let text = match value.scalar() {
        Some(text) => cut(text),
        None => value.json(MAX_VALUE_BYTES).split_whitespace().collect::<Vec<_>>().join(" "),
    };
    code(html, if text.is_empty() { "\"\"" } else { &text });
}

/// Writes an example as a block.
pub(super) fn write_example(html: &mut Writer, value: &Node) {
    let (text, class) = match value {
        Node::Text(text) => (cut_to(text, MAX_EXAMPLE_BYTES), None),
        value => (value.json(MAX_EXAMPLE_BYTES), Some("language-json")),
    };
    if text.trim().is_empty() {
        return;
    }
    html.open("pre");
    match class {
        Some(class) => html.open_with("code", &[("class", class)]),
        None => html.open("code"),
    }
    html.text(&text);
    html.close();
    html.close();
}

/// Headings of a description stand below those of the page, and are no places to link to.
fn lowered(html: &str, by: u8) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    // The html is clean: `<h1` begins a heading and nothing else.
    while let Some(at) = rest.find('<') {
        let name_at = at + if rest[at..].starts_with("</") { 2 } else { 1 };
        out.push_str(&rest[..name_at]);
        rest = &rest[name_at..];
        if let [b'h', level @ b'1'..=b'6', ..] = rest.as_bytes() {
            out.push('h');
            out.push(char::from((level + by).min(b'6')));
            rest = &rest[2..];
            if let Some(end) = rest.find('>').filter(|_| rest.starts_with(' ')) {
                rest = &rest[end..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn cut(text: &str) -> String {
    cut_to(text, MAX_VALUE_BYTES)
}

fn cut_to(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_descriptions_are_lowered() {
        let html = "<h1 id=\"a\">A</h1>\n<hr>\n<h5>b &lt;h1</h5>";
        assert_eq!(lowered(html, 2), "<h3>A</h3>\n<hr>\n<h6>b &lt;h1</h6>");
    }
}
