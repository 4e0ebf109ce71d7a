//! Jupyter notebooks (nbformat 3 and 4): one Markdown body of their cells, in which code and what it printed are code.
//!
//! Source of the rules: nbformat's documentation, and what nbconvert, `MyST-NB` and Quarto make of tags and options.
//! Knows nothing of how Markdown becomes html. Invariant: no cell changes how the next one is read.

mod output;

use serde_json::Value;

use super::asking::Asking;
use super::dialect::{self, Context, Expanded};
use super::front_matter::{self, Front};
use super::links::Links;
use super::{Facts, Format, Part, Subject, Warning, fails, outline, write};
use crate::page::{DocPath, Failure};
use crate::site::{AnyRules, Site};

use self::output::Outputs;

/// What a notebook says of itself: in a first cell that is front matter, in its metadata, in its headings.
pub(super) fn facts(path: &DocPath, source: &str, site: &Site) -> Result<Facts, Failure> {
    let notebook = Notebook::read(source)?;
    let opening = notebook.opening();
    let front = front(&opening)?;
    let mut facts = match &front {
        Some(front) => front_matter::read(front, site.waits_for_date())?,
        None => Facts::default(),
    };
    if facts.title.is_none() {
        facts.title = notebook.title();
    }
    let text = notebook.markdown(front.is_some());
    outline::read(path, &text, site, &mut facts);
    Ok(facts)
}

/// A notebook's one page.
pub(super) fn parts(
    subject: Subject<'_>,
    source: &str,
    site: &Site,
    asking: &Asking<'_>,
) -> Result<Vec<Part>, Failure> {
    let Subject { path, facts, placement, .. } = subject;
    let notebook = Notebook::read(source)?;
    let opening = notebook.opening();
    let front = front(&opening)?;
    let links = || Links::new(path, placement.url.as_ref(), site, asking);
    let mut body = Body::default();
    for (at, cell) in notebook.cells.iter().enumerate().skip(usize::from(front.is_some())) {
        body.cell = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let html = |html: &str| write(path, Format::Html, &Expanded::untouched(html, 1), links());
        notebook.write_cell(cell, &mut body, &html)?;
    }
    let Body { text, cells, mut warnings, .. } = body;
    let context = Context { path, facts, front: front.as_ref(), site, asking };
    // What Markdown cells are written in is the notebook's matter, but where MyST-NB reads them as it reads every page.
    let expanded = match &site.generator {
        AnyRules::Sphinx(rules) if rules.reads_notebooks_as_myst() => dialect::expand(&text, 1, &context)?,
        _ => Expanded::untouched(&text, 1),
    };
    let (html, found) = write(path, Format::Markdown, &expanded, links())?;
    warnings.extend(found.into_iter().map(|warning| in_cell(warning, &cells)));
    Ok(vec![Part { anchor: None, title: None, html, warnings }])
}

/// Turns the line of a warning, which is the body's, into the number of its cell.
fn in_cell(warning: Warning, cells: &[u32]) -> Warning {
    let Some(line) = warning.line else { return warning };
    let at = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    match cells.get(at).or(cells.last()) {
        Some(cell) => Warning { line: None, message: format!("cell {cell}: {}", warning.message), ..warning },
        None => Warning { line: None, ..warning },
    }
}

/// The front matter that the first cell is, if it is nothing else.
fn front(opening: &str) -> Result<Option<Front<'_>>, Failure> {
    let split = front_matter::split_text(opening)?;
    Ok(split.front.filter(|_| split.body.trim().is_empty()))
}

/// A notebook as it is kept in its file.
struct Notebook {
    cells: Vec<Value>,
    metadata: Value,
    /// The language of its code cells; empty where it does not say.
    language: String,
}

impl Notebook {
    fn read(source: &str) -> Result<Self, Failure> {
        if source.trim().is_empty() {
            return Err(fails("empty", "the notebook is empty; write some, or leave it out"));
        }
        let mut json: Value = serde_json::from_str(source)
            .map_err(|error| fails("notebook", format!("it is no notebook that can be read: {error}")))?;
        let metadata = json["metadata"].take();
        let cells = match json["cells"].take() {
            Value::Array(cells) => cells,
            // Before version 4 cells lay on sheets, of which there was never more than one.
            Value::Null if json["worksheets"].is_array() => {
                let sheets = json["worksheets"].as_array_mut().into_iter().flatten();
                sheets.flat_map(|sheet| sheet["cells"].as_array_mut().map(std::mem::take).unwrap_or_default()).collect()
            }
            _ => return Err(fails("notebook", "it is no notebook: it has no `cells`; leave it out with `exclude`")),
        };
        let named = [&metadata["language_info"]["name"], &metadata["kernelspec"]["language"]];
        let language = named.iter().find_map(|name| name.as_str()).unwrap_or_default();
        Ok(Self { cells, language: language_word(language), metadata })
    }

    fn title(&self) -> Option<String> {
        let title = self.metadata["title"].as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        (!title.is_empty()).then_some(title)
    }

    /// The text of the first cell, where that may be front matter.
    fn opening(&self) -> String {
        match self.cells.first() {
            Some(cell) if matches!(kind(cell), "raw" | "markdown") => text_of(&cell["source"]),
            _ => String::new(),
        }
    }

    /// The Markdown cells alone.
    fn markdown(&self, skips_first: bool) -> String {
        let mut body = Body::default();
        for cell in self.cells.iter().skip(usize::from(skips_first)).filter(|cell| !Wishes::of(cell).removes_cell) {
            match kind(cell) {
                "markdown" => body.markdown(&without_attachments(&text_of(&cell["source"]))),
                "heading" => body.heading(cell),
                _ => {}
            }
        }
        body.text
    }

    fn write_cell(&self, cell: &Value, body: &mut Body, html: &output::ToHtml<'_>) -> Result<(), Failure> {
        let wishes = Wishes::of(cell);
        if wishes.removes_cell {
            return Ok(());
        }
        let source = text_of(if cell["source"].is_null() { &cell["input"] } else { &cell["source"] });
        match kind(cell) {
            "markdown" => body.markdown(&without_attachments(&source)),
            "heading" => body.heading(cell),
            "code" => {
                let (options, code) = cell_options(&source);
                let options = Wishes::of_options(options);
                if options.removes_cell {
                    return Ok(());
                }
                let own = cell["language"].as_str().map(language_word).unwrap_or_default();
                let language = if own.is_empty() { &self.language } else { &own };
                if !(wishes.removes_input || options.removes_input) {
                    body.code(language, code);
                }
                if !(wishes.removes_output || options.removes_output) {
                    Outputs { body, html, wishes: &wishes }.write(&cell["outputs"])?;
                }
            }
            _ => {
                let metadata = &cell["metadata"];
                let format = metadata["format"].as_str().or(metadata["raw_mimetype"].as_str()).unwrap_or_default();
                match format {
                    "text/markdown" | "markdown" => body.markdown(&source),
                    "text/html" | "html" => Outputs { body, html, wishes: &wishes }.html(&source).map(drop)?,
                    _ => body.code("", &source),
                }
            }
        }
        Ok(())
    }
}

/// What is left out of a cell, as its tags (Jupyter Book, nbconvert) or its options (Quarto) say. What is only folded away
/// (`hide-input`) is there for its readers.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each a tag of its own")]
struct Wishes {
    removes_cell: bool,
    removes_input: bool,
    removes_output: bool,
    removes_stdout: bool,
    removes_stderr: bool,
}

impl Wishes {
    fn of(cell: &Value) -> Self {
        let mut wishes = Self { removes_cell: cell["metadata"]["nbsphinx"] == "hidden", ..Self::default() };
        for tag in cell["metadata"]["tags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match tag.replace('_', "-").as_str() {
                "remove-cell" => wishes.removes_cell = true,
                "remove-input" => wishes.removes_input = true,
                "remove-output" => wishes.removes_output = true,
                "remove-stdout" => wishes.removes_stdout = true,
                "remove-stderr" => wishes.removes_stderr = true,
                _ => {}
            }
        }
        wishes
    }

    fn of_options(options: &str) -> Self {
        let mut wishes = Self::default();
        for line in options.lines() {
            let line = line.trim_start_matches(['#', '|', ' ']).trim();
            let (key, value) = line.split_once(':').map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
            match (key, value) {
                ("include", "false") => wishes.removes_cell = true,
                ("echo", "false") => wishes.removes_input = true,
                ("output", "false") => wishes.removes_output = true,
                _ => {}
            }
        }
        wishes
    }
}

/// The lines `#| key: value` that a code cell begins with, and its code.
fn cell_options(source: &str) -> (&str, &str) {
    let length = source.split_inclusive('\n').take_while(|line| line.starts_with("#|")).map(str::len).sum();
    source.split_at(length)
}

/// A Markdown body in the making.
#[derive(Default)]
struct Body {
    text: String,
    /// For each line the number of its cell, counted from 1.
    cells: Vec<u32>,
    cell: u32,
    warnings: Vec<Warning>,
}

impl Body {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.cells.push(self.cell);
    }

    /// Writes Markdown; what it leaves open ends with it.
    fn markdown(&mut self, text: &str) {
        let mut fence: Option<(char, usize)> = None;
        for line in text.lines() {
            let start = line.trim_start_matches(' ');
            let is_indented = line.len() - start.len() > 3;
            if let Some(sign) = start.chars().next().filter(|sign| matches!(sign, '`' | '~') && !is_indented) {
                let length = start.chars().take_while(|other| *other == sign).count();
                let rest = start.trim_start_matches(sign);
                match fence {
                    Some((open, least)) if open == sign && length >= least && rest.trim().is_empty() => fence = None,
                    None if length >= 3 && !(sign == '`' && rest.contains('`')) => fence = Some((sign, length)),
                    _ => {}
                }
            }
            self.line(line);
        }
        if let Some((sign, length)) = fence {
            self.line(&sign.to_string().repeat(length));
        }
        self.line("");
    }

    /// Writes a heading of version 3, which was a cell of its own.
    fn heading(&mut self, cell: &Value) {
        let level = cell["level"].as_u64().and_then(|level| usize::try_from(level).ok()).unwrap_or(1).clamp(1, 6);
        let text = text_of(&cell["source"]).split_whitespace().collect::<Vec<_>>().join(" ");
        self.line(&format!("{} {text}", "#".repeat(level)));
        self.line("");
    }

    /// Writes code, in a fence that nothing in it ends.
    fn code(&mut self, language: &str, code: &str) {
        let code = code.trim_end();
        let code = code.trim_start_matches(['\n', '\r']);
        if code.trim().is_empty() {
            return;
        }
        let longest = code.split(|c: char| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        self.line(&format!("{fence}{language}"));
        for line in code.lines() {
            self.line(line);
        }
        self.line(&fence);
        self.line("");
    }

    /// Writes html that is clean and balanced.
    fn html(&mut self, html: &str) {
        // A block of HTML ends at an empty line, which means something in preformatted text alone.
        self.line("<div>");
        let mut in_pre = 0_usize;
        for line in html.lines() {
            if !line.trim().is_empty() {
                self.line(line);
            } else if in_pre > 0 {
                self.line("&#32;");
            }
            in_pre += line.matches("<pre>").count() + line.matches("<pre ").count();
            in_pre = in_pre.saturating_sub(line.matches("</pre>").count());
        }
        self.line("</div>");
        self.line("");
    }

    fn warn(&mut self, code: &str, message: &str) {
        let message = format!("cell {}: {message}", self.cell);
        self.warnings.push(Warning { code: code.to_owned(), line: None, message });
    }
}

fn kind(cell: &Value) -> &str {
    cell["cell_type"].as_str().unwrap_or_default()
}

/// A text, which notebooks keep whole or in lines.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn language_word(language: &str) -> String {
    let name = language.trim().to_ascii_lowercase();
    if name.bytes().all(super::elements::is_language_byte) { name } else { String::new() }
}

/// Takes out the images that the notebook carries in itself: nobody can load them, and their names say nothing.
fn without_attachments(text: &str) -> String {
    const TARGET: &str = "](attachment:";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(TARGET) {
        let (before, after) = (&rest[..at], &rest[at + TARGET.len()..]);
        let image = before.rfind("![").filter(|open| !before[*open..].contains(']'));
        // A target is no longer than this, and a search for its end must not go on to the end of the text.
        let close = after.bytes().take(300).position(|byte| byte == b')');
        let (Some(open), Some(close)) = (image, close) else {
            out.push_str(&rest[..at + TARGET.len()]);
            rest = after;
            continue;
        };
        out.push_str(&before[..open]);
        let alt = before[open + 2..].trim();
        let name = after[..close].split_whitespace().next().unwrap_or_default();
        if alt != super::tokens::unescape(name) && !is_file_name(alt) {
            out.push_str(alt);
        }
        rest = &after[close + 1..];
    }
    out.push_str(rest);
    out
}

fn is_file_name(alt: &str) -> bool {
    let extension = alt.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg" | "gif" | "svg" | "webp")) && !alt.contains(' ')
}

#[cfg(test)]
mod tests;
