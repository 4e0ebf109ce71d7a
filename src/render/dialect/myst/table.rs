//! Tables that directives make of lists and of comma-separated values, and glossaries; written as HTML, whose cells are
//! Markdown.

use super::super::included;
use super::directive::Directive;
use super::{Blocks, Line, dedented, indentation};

type Row<'l> = Vec<Vec<Line<'l>>>;

impl Blocks<'_, '_> {
    /// `list-table`: a list of rows, each a list of cells.
    pub(super) fn list_table(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let rows: Vec<Row<'_>> = items(&directive.content).iter().map(|row| items(row)).collect();
        let heads = number(directive, "header-rows");
        self.label(directive.argument, origin, prefix);
        self.table(&rows, heads, origin, prefix, depth);
    }

    /// `csv-table`: values in the content, or in a file.
    pub(super) fn csv_table(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let mut text = directive.content.iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
        if let Some(path) = directive.option("file") {
            let Some((_, found)) = included(self.pass.context, self.base(path), path.trim_start_matches('/')) else {
                self.pass.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
                return;
            };
            found.as_ref().clone_into(&mut text);
        }
        let sign = match directive.option("delim") {
            Some("tab") => '\t',
            Some("space") => ' ',
            Some(text) => text.chars().next().unwrap_or(','),
            None => ',',
        };
        let header = directive.option("header").map(|header| values(header, sign)).unwrap_or_default();
        let heads = number(directive, "header-rows") + header.len();
        let rows: Vec<Vec<String>> = header.into_iter().chain(values(&text, sign)).collect();
        let mut borrowed: Vec<Row<'_>> = Vec::with_capacity(rows.len());
        for row in &rows {
            borrowed.push(row.iter().map(|cell| cell.lines().map(|text| Line { text, origin }).collect()).collect());
        }
        self.label(directive.argument, origin, prefix);
        self.table(&borrowed, heads, origin, prefix, depth);
    }

    fn table(&mut self, rows: &[Row<'_>], heads: usize, origin: u32, prefix: &str, depth: usize) {
        self.pass.out.line(origin, prefix, "<table>");
        for (at, row) in rows.iter().enumerate() {
            let name = if at < heads { "th" } else { "td" };
            self.pass.out.line(origin, prefix, "<tr>");
            for cell in row {
                let origin = cell.first().map_or(origin, |line| line.origin);
                self.pass.out.line(origin, prefix, &format!("<{name}>"));
                self.pass.out.line(origin, prefix, "");
                self.write(cell, prefix, depth + 1);
                self.pass.out.line(origin, prefix, "");
                self.pass.out.line(origin, prefix, &format!("</{name}>"));
            }
            self.pass.out.line(origin, prefix, "</tr>");
        }
        self.pass.out.line(origin, prefix, "</table>");
    }

    /// `glossary`: terms at the margin, each line one of them, and what they mean below them, indented.
    pub(super) fn glossary(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let rest = lines.get(at..).unwrap_or_default();
            let end = rest.iter().position(|line| indentation(line.text) == Some(0)).unwrap_or(rest.len());
            if end > 0 {
                let body = rest.get(..end).unwrap_or_default();
                let indent = body.iter().filter_map(|line| indentation(line.text)).min().unwrap_or(0);
                let body: Vec<Line<'_>> = body.iter().map(|line| dedented(*line, indent)).collect();
                self.write(&body, prefix, depth + 1);
                at += end;
                continue;
            }
            // What stands behind ` : ` sorts the term.
            let term = line.text.split(" : ").next().unwrap_or_default();
            if !term.starts_with(".. ") {
                self.pass.out.line(line.origin, prefix, "");
                self.label(term.trim(), line.origin, prefix);
            }
            at += 1;
        }
    }
}

fn number(directive: &Directive<'_>, key: &str) -> usize {
    directive.option(key).and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The items of the list that these lines are, without their signs.
fn items<'l>(lines: &[Line<'l>]) -> Vec<Vec<Line<'l>>> {
    let mut found: Vec<Vec<Line<'l>>> = Vec::new();
    let (mut margin, mut inner) = (None, 0);
    for line in lines {
        let indent = indentation(line.text).unwrap_or(usize::MAX);
        let text = line.text.trim_start();
        let is_item = text.starts_with(['*', '-', '+'])
            && text.get(1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if is_item && margin.is_none_or(|margin| indent <= margin) {
            margin = Some(indent);
            // Only this sign is the item's own; the next one is that of a list in it.
            let rest = text.get(1..).unwrap_or_default();
            inner = indent + 1 + (rest.len() - rest.trim_start().len()).max(1);
            let text = line.text.get(inner.min(line.text.len())..).unwrap_or_default();
            found.push(vec![Line { text, origin: line.origin }]);
        } else if let Some(item) = found.last_mut() {
            item.push(dedented(*line, inner));
        }
    }
    found
}

/// Rows of values as Python's `csv` reads them: quotes around values, doubled within; blanks before a value are skipped.
fn values(text: &str, sign: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut value) = (Vec::new(), String::new());
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if value.trim().is_empty() && !was_quoted => {
                value.clear();
                (is_quoted, was_quoted) = (true, true);
            }
            c if c == sign && !is_quoted => {
                row.push(std::mem::take(&mut value));
                was_quoted = false;
            }
            '\n' if !is_quoted => {
                if !(row.is_empty() && value.trim().is_empty()) {
                    row.push(std::mem::take(&mut value));
                    rows.push(std::mem::take(&mut row));
                }
                (was_quoted, value) = (false, String::new());
            }
            c if !(c == ' ' && value.is_empty()) => value.push(c),
            _ => {}
        }
    }
    if !(row.is_empty() && value.trim().is_empty()) {
        row.push(value);
        rows.push(row);
    }
    rows
}
