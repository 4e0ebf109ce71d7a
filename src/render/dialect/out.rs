//! Rewritten text and where each of its lines comes from.

use super::Expanded;
use crate::page::DocPath;
use crate::render::Warning;

/// More text than this comes from no person's document, whatever it includes.
const MAX_BYTES: usize = 32 << 20;

/// Includes within includes, and includes of one page, at most.
const MAX_DEPTH: usize = 10;
const MAX_INCLUDED: usize = 10_000;

/// More warnings than this of one page are not kept.
const MAX_WARNINGS: usize = 100;

/// Where the lines of a text come from.
#[derive(Clone, Debug)]
pub(in crate::render) struct Lines {
    first: u32,
    /// For each line, the line that it comes from; empty: they count straight on from `first`.
    origins: Vec<u32>,
}

impl Lines {
    /// Lines as they stand in the document, the first of which is this one, counted from 1.
    pub(in crate::render) fn straight(first: u32) -> Self {
        Self { first, origins: Vec::new() }
    }

    /// The document's line for a line of the text, counted from 0.
    pub(in crate::render) fn origin(&self, line: usize) -> u32 {
        match self.origins.get(line).or(self.origins.last()) {
            Some(origin) => *origin,
            None => self.first.saturating_add(u32::try_from(line).unwrap_or(u32::MAX)),
        }
    }
}

/// A rewritten text in the making. It ends each line itself.
#[derive(Debug)]
pub(in crate::render) struct Out {
    text: String,
    lines: Vec<u32>,
    warnings: Vec<Warning>,
    /// The included files that are being read, the outermost first.
    open: Vec<DocPath>,
    /// Files that were included so far, or should have been.
    included: usize,
}

impl Out {
    pub(in crate::render) fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            lines: Vec::new(),
            warnings: Vec::new(),
            open: Vec::new(),
            included: 0,
        }
    }

    /// Writes one line (without its end) that comes from this line of the document, after what stands before every line
    /// of the block that it is in: `> `, indentation.
    pub(in crate::render) fn line(&mut self, origin: u32, prefix: &str, text: &str) {
        if self.is_full() {
            return;
        }
        // An empty part before the first line end is none.
        let text = text.trim_start_matches(['\n', '\r']);
        let text = memchr::memchr2(b'\n', b'\r', text.as_bytes()).map_or(text, |end| &text[..end]);
        if !prefix.is_empty() {
            self.text.push_str(if text.trim().is_empty() { prefix.trim_end() } else { prefix });
        }
        self.text.push_str(text);
        self.text.push('\n');
        self.lines.push(origin);
    }

    /// Writes lines as they stand in the document, the first of which is this one.
    pub(in crate::render) fn run(&mut self, first: u32, text: &str) {
        if memchr::memchr(b'\r', text.as_bytes()).is_some() || self.text.len() + text.len() > MAX_BYTES {
            for (line, origin) in text.lines().zip(first..) {
                self.line(origin, "", line);
            }
            return;
        }
        let start = self.lines.len();
        self.lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).zip(first..).map(|(_, origin)| origin));
        self.text.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.lines.push(self.lines[start..].last().map_or(first, |last| last + 1));
            self.text.push('\n');
        }
    }

    /// Writes several lines that come from one line of the document.
    pub(in crate::render) fn block(&mut self, origin: u32, prefix: &str, text: &str) {
        for line in text.lines() {
            self.line(origin, prefix, line);
        }
    }

    /// Notes something that a person may want to mend.
    pub(in crate::render) fn warn(&mut self, code: &str, line: u32, message: impl Into<String>) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { code: code.to_owned(), line: Some(line), message: message.into() });
        }
    }

    /// Begins an included file, unless it includes itself, too deeply, or there were too many: then the page has a warning.
    pub(in crate::render) fn begin_include(&mut self, file: &DocPath, line: u32) -> bool {
        self.included += 1;
        let why = if self.open.contains(file) {
            "includes itself"
        } else if self.open.len() >= MAX_DEPTH {
            "is included too deeply"
        } else if self.included > MAX_INCLUDED {
            "is one include too many for a page"
        } else {
            self.open.push(file.clone());
            return true;
        };
        self.warn("include_cycle", line, format!("`{file}` {why}: it is left out"));
        false
    }

    /// Ends the file that was begun last.
    pub(in crate::render) fn end_include(&mut self) {
        self.open.pop();
    }

    /// Whether it is longer than any page: what is written from here on is lost, and the caller should stop.
    pub(in crate::render) fn is_full(&self) -> bool {
        self.text.len() > MAX_BYTES
    }

    pub(in crate::render) fn finish(self) -> Expanded<'static> {
        let lines = Lines { first: 1, origins: self.lines };
        Expanded { text: self.text.into(), lines, warnings: self.warnings, is_typographic: false }
    }
}
