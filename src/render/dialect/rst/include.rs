//! Included files: other reStructuredText, and code.

use super::super::Ranges;
use super::super::files::{included, resolved};
use super::directive::Directive;
use super::{Blocks, Line, detabbed};
use crate::render::skip;

impl Blocks<'_> {
    pub(super) fn include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let path = directive.argument;
        let Some((found, text)) = self.found(path) else {
            self.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        // The document's own were cut before; a comment around a marker would take it away, and not what it hides.
        let text = match skip::in_text(&text, 1) {
            Ok(skips) => skips.cut(&text),
            Err(failure) => {
                self.out.warn("fin_skip", origin, format!("`{path}` is left out: {}", failure.message));
                return;
            }
        };
        let text = detabbed(&text);
        let part: Vec<Line<'_>> = part(&text, directive).into_iter().map(|text| Line { text, origin }).collect();
        if directive.option("literal").is_some() || directive.option("code").is_some() {
            self.code(directive.option("code").unwrap_or_default(), &part, origin, prefix);
            return;
        }
        if matches!(found.extension().as_str(), "md" | "markdown") {
            self.warn_of(origin, format!("`{path}` is Markdown; it is included as it stands"));
            self.code("", &part, origin, prefix);
            return;
        }
        if !self.out.begin_include(&found, origin) {
            return;
        }
        self.own_names.extend(super::substitutions(&text));
        // Sphinx counts paths from the document, docutils from the file that includes.
        let dir = if self.sphinx.is_some() { self.dir.clone() } else { found.dir().to_owned() };
        let before = std::mem::replace(&mut self.dir, dir);
        self.unwrapped(&part, origin, prefix, depth);
        self.dir = before;
        self.out.end_include();
    }

    pub(super) fn literal_include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let path = directive.argument;
        let Some((_, text)) = self.found(path) else {
            self.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        for key in ["pyobject", "diff"] {
            if directive.option(key).is_some() {
                self.warn_of(origin, format!("`{key}` is not understood; the whole of `{path}` is included"));
            }
        }
        if let Some(caption) = directive.option("caption") {
            self.label(if caption.is_empty() { path } else { caption }, origin, prefix);
        }
        let text = detabbed(&text);
        let lines: Vec<Line<'_>> = part(&text, directive).into_iter().map(|text| Line { text, origin }).collect();
        let dedent = match directive.option("dedent") {
            None => 0,
            Some("") => lines.iter().filter(|line| !line.is_blank()).map(Line::indent).min().unwrap_or(0),
            Some(number) => number.parse().unwrap_or(0),
        };
        let cut = |line: &Line<'_>| line.indent().min(dedent);
        let lines: Vec<Line<'_>> =
            lines.iter().map(|line| Line { text: &line.text[cut(line)..], origin: line.origin }).collect();
        self.code(directive.option("language").unwrap_or_default(), &lines, origin, prefix);
    }

    /// A file and its text; `/` counts from the folder of `conf.py`.
    fn found(&self, path: &str) -> Option<(crate::page::DocPath, std::sync::Arc<str>)> {
        let folder = self.sphinx.map_or("", |rules| rules.folder.as_str());
        match path.strip_prefix('/') {
            Some(rest) => included(self.context, folder, resolved("", rest)?.as_str()),
            None => included(self.context, &self.dir, path),
        }
    }
}

/// The lines of a file that a directive asks for: first those by number, then those between texts, as docutils
/// (`include`) and Sphinx (`literalinclude`) have it.
fn part<'t>(text: &'t str, directive: &Directive<'_>) -> Vec<&'t str> {
    let number = |key: &str| directive.option(key).and_then(|value| value.trim().parse::<i64>().ok());
    let mut all: Vec<&str> = text.lines().collect();
    if let Some(lines) = directive.option("lines") {
        let ranges = lines.split(',').map(|range| {
            let (from, to) = range.split_once('-').map_or((range, Some(range)), |(from, to)| (from, Some(to)));
            let to = to.filter(|to| !to.trim().is_empty()).and_then(|to| to.trim().parse().ok());
            (from.trim().parse().unwrap_or(1), to)
        });
        all = Ranges::Lines(ranges.collect()).lines(text);
    }
    // Numbers below zero count from the end.
    let place = |number: i64| match usize::try_from(number) {
        Ok(number) => number.min(all.len()),
        Err(_) => all.len().saturating_sub(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let start = number("start-line").map_or(0, place);
    let end = number("end-line").map_or(all.len(), place);
    let mut rest = all.get(start..end).unwrap_or_default();
    let is_code = directive.name == "literalinclude";
    let find = |lines: &[&str], mark: &str| lines.iter().position(|line| line.contains(mark.trim_matches(['"', '\''])));
    let mut first = None;
    if let Some(mark) = directive.option("start-after") {
        if let Some(at) = find(rest, mark) {
            if !is_code {
                let mark = mark.trim_matches(['"', '\'']);
                first = rest[at]
                    .find(mark)
                    .map(|found| &rest[at][found + mark.len()..])
                    .filter(|rest| !rest.trim().is_empty());
            }
            rest = &rest[at + 1..];
        }
    } else if let Some(at) = directive.option("start-at").and_then(|mark| find(rest, mark)) {
        rest = &rest[at..];
    }
    if let Some(at) = directive.option("end-before").and_then(|mark| find(rest, mark)) {
        rest = &rest[..at];
    } else if let Some(at) = directive.option("end-at").and_then(|mark| find(rest, mark)) {
        rest = &rest[..=at];
    }
    first.into_iter().chain(rest.iter().copied()).collect()
}
