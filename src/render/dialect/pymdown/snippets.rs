//! Snippets: text of other files, put in before anything else is read (`pymdownx.snippets`).

use super::super::{Context, Ranges, included};
use super::Line;
use crate::render::dialect::Out;
use crate::site::mkdocs::MkDocs;

/// Lines of one page, all snippets included.
const MAX_LINES: usize = 500_000;

/// Puts the text of other files in.
pub(super) struct Snippets<'a, 'b> {
    pub(super) rules: &'a MkDocs,
    pub(super) context: &'a Context<'a>,
    pub(super) lines: Vec<Line<'b>>,
}

impl<'b> Snippets<'_, 'b> {
    /// Takes a text whose lines come from these lines of the document.
    pub(super) fn take(&mut self, text: impl IntoIterator<Item = Line<'b>>, indent: &str, out: &mut Out) {
        // A block names one file a line between two marks.
        let mut is_block = false;
        for whole in text {
            let (line, origin) = (&*whole.text, whole.origin);
            if self.lines.len() > MAX_LINES {
                return;
            }
            let trimmed = line.trim();
            let own_indent = &line[..line.len() - line.trim_start().len()];
            let inner_indent = || format!("{indent}{own_indent}");
            if is_scissors(trimmed) {
                is_block = !is_block;
            } else if is_block {
                if !trimmed.is_empty() && !trimmed.starts_with(';') {
                    self.file(trimmed, &inner_indent(), origin, out);
                }
            } else if let Some(name) = single(trimmed) {
                self.file(name, &inner_indent(), origin, out);
            } else if let Some(at) = line.find(";--8<--").or_else(|| line.find("; --8<--")) {
                let text = format!("{indent}{}{}", &line[..at], line[at + 1..].trim_start());
                self.lines.push(Line { text: text.into(), origin });
            } else if indent.is_empty() {
                self.lines.push(whole);
            } else {
                self.lines.push(Line { text: format!("{indent}{line}").into(), origin });
            }
        }
    }

    /// Puts one file in; `file:2:5`, `file:name`.
    pub(super) fn file(&mut self, name: &str, indent: &str, origin: u32, out: &mut Out) {
        if name.starts_with("http://") || name.starts_with("https://") {
            out.warn("missing_include", origin, format!("`{name}` is on the web: it is not fetched"));
            return;
        }
        let (path, range) = name.split_once(':').map_or((name, None), |(path, range)| (path, Some(range)));
        let found =
            self.rules.snippets.iter().find_map(|base| included(self.context, base, path.trim_start_matches('/')));
        let Some((found, text)) = found else {
            out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        if out.begin_include(&found, origin) {
            let lines = range.map_or(Ranges::All, ranges).lines(&text);
            let lines = lines.into_iter().map(|line| Line { text: line.to_owned().into(), origin });
            self.take(lines, indent, out);
            out.end_include();
        }
    }
}

/// `1:3,5:6`, `:3`, `4`, or the name of a section.
fn ranges(text: &str) -> Ranges {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let one = |text: &str| match text.split_once(':') {
        Some((from, to)) if from.trim().is_empty() || number(from).is_some() => {
            Some((number(from).unwrap_or(1), number(to)))
        }
        None => number(text).map(|from| (from, None)),
        Some(_) => None,
    };
    match text.split(',').map(one).collect::<Option<Vec<_>>>() {
        Some(ranges) => Ranges::Lines(ranges),
        None => Ranges::Section(text.trim().to_owned()),
    }
}

/// The mark alone, which begins or ends a block.
fn is_scissors(line: &str) -> bool {
    matches!(line, "--8<--" | "-8<-") || line.strip_prefix("--8<--").is_some_and(|rest| rest.trim().is_empty())
}

/// The file that `--8<-- "file"` names.
fn single(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("--8<--").or_else(|| line.strip_prefix("-8<-"))?.trim();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = rest[1..].strip_suffix(quote)?;
    (!inner.trim().is_empty()).then_some(inner.trim())
}
