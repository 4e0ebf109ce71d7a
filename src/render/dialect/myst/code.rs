//! Code, and files that are included, as text or as code.

use super::super::{Ranges, included};
use super::directive::Directive;
use super::{Blocks, Line};

impl Blocks<'_, '_> {
    /// Code, in a fence that nothing within it ends.
    pub(super) fn code(&mut self, language: &str, content: &[Line<'_>], origin: u32, prefix: &str) {
        if content.iter().all(|line| line.text.trim().is_empty()) {
            return;
        }
        let ticks = |line: &Line<'_>| line.text.trim_start().bytes().take_while(|byte| *byte == b'`').count();
        let longest = content.iter().map(ticks).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let language = language.split_whitespace().next().filter(|word| !word.contains('`')).unwrap_or_default();
        self.pass.out.line(origin, prefix, &format!("{fence}{language}"));
        for line in content {
            self.pass.out.line(line.origin, prefix, line.text);
        }
        self.pass.out.line(origin, prefix, &fence);
    }

    pub(super) fn include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let path = directive.argument;
        let Some((found, text)) = included(self.pass.context, self.base(path), path.trim_start_matches('/')) else {
            self.pass.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        let lines: Vec<Line<'_>> = part(&text, directive).map(|text| Line { text, origin }).collect();
        if let Some(language) = directive.option("code").or(directive.option("literal")) {
            self.code(language, &lines, origin, prefix);
            return;
        }
        if !self.pass.out.begin_include(&found, origin) {
            return;
        }
        if directive.option("parser").is_some() || found.extension() == "rst" {
            let message = format!("`{path}` is no Markdown: its text is included as it stands");
            self.pass.out.warn("unknown_construct", origin, message);
        }
        Blocks { pass: &mut *self.pass, dir: found.dir(), attribution: None }.write(&lines, prefix, depth + 1);
        self.pass.out.end_include();
    }

    /// The folder that a path counts from: one that begins with `/` counts from the folder of the documents.
    pub(super) fn base(&self, path: &str) -> &str {
        if path.starts_with('/') { &self.pass.rules.folder } else { self.dir }
    }

    pub(super) fn literal_include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let path = directive.argument;
        let Some((_, text)) = included(self.pass.context, self.base(path), path.trim_start_matches('/')) else {
            self.pass.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        if let Some(caption) = directive.option("caption") {
            self.label(if caption.is_empty() { path } else { caption }, origin, prefix);
        }
        let object = directive.option("pyobject");
        let whole = object.map_or(text.to_string(), |name| python_object(&text, name));
        if whole.is_empty() && object.is_some() {
            let message = format!("`{path}` has no `{}`, which is included here", object.unwrap_or_default());
            self.pass.out.warn("missing_include", origin, message);
        }
        let mut lines: Vec<Line<'_>> = part(&whole, directive).map(|text| Line { text, origin }).collect();
        if directive.option("dedent").is_some() {
            let indent = directive.option("dedent").and_then(|number| number.parse().ok());
            let least = lines.iter().filter_map(|line| super::indentation(line.text)).min();
            let indent = indent.or(least).unwrap_or(0);
            lines = lines.into_iter().map(|line| super::dedented(line, indent)).collect();
        }
        let (before, after) = (directive.option("prepend"), directive.option("append"));
        if let Some(text) = before {
            lines.insert(0, Line { text, origin });
        }
        lines.extend(after.map(|text| Line { text, origin }));
        self.code(directive.option("language").unwrap_or_default(), &lines, origin, prefix);
    }
}

/// The lines of a function or class of Python, by its name, with dots for those within others; with its decorators.
fn python_object(text: &str, name: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (mut start, mut end, mut least) = (0, lines.len(), 0);
    for part in name.split('.') {
        let is_it = |line: &str| {
            let code = line.trim_start();
            let code = code.strip_prefix("async ").unwrap_or(code);
            let rest = code.strip_prefix("def ").or_else(|| code.strip_prefix("class "));
            let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(part));
            line.len() - line.trim_start().len() >= least
                && rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        let Some(at) = (start..end).find(|at| lines.get(*at).is_some_and(|line| is_it(line))) else {
            return String::new();
        };
        let indent = lines.get(at).map_or(0, |line| line.len() - line.trim_start().len());
        let is_out = |line: &&str| {
            let code = line.trim();
            !code.is_empty() && !code.starts_with([')', '#']) && line.len() - line.trim_start().len() <= indent
        };
        let rest = lines.get(at + 1..end).unwrap_or_default();
        end = at + 1 + rest.iter().position(is_out).unwrap_or(rest.len());
        start = at;
        least = indent + 1;
    }
    while start > 0 && lines.get(start - 1).is_some_and(|line| line.trim_start().starts_with('@')) {
        start -= 1;
    }
    lines.get(start..end).unwrap_or_default().join("\n").trim_end().to_owned()
}

/// The lines of a file that a directive asks for.
fn part<'t>(text: &'t str, directive: &Directive<'_>) -> impl Iterator<Item = &'t str> {
    let number = |key: &str| directive.option(key).and_then(|value| value.parse::<usize>().ok());
    let is_literal = directive.name == "literalinclude";
    let mut rest = text;
    // `literalinclude` goes by lines, `include` by the text itself.
    if let Some(at) = directive.option("start-after").and_then(|mark| Some(rest.find(mark)? + mark.len())) {
        let skip = if is_literal { rest.get(at..).and_then(|rest| rest.find('\n')).unwrap_or(0) } else { 0 };
        rest = rest.get(at + skip..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    if let Some(at) = directive.option("start-at").and_then(|mark| rest.find(mark)) {
        let line = rest.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
        rest = rest.get(line..).unwrap_or_default();
    }
    if let Some(at) = directive.option("end-before").and_then(|mark| rest.find(mark)) {
        let line = rest.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
        rest = rest.get(..if is_literal { line } else { at }).unwrap_or_default().trim_end_matches([' ', '\t']);
    }
    if let Some(at) = directive.option("end-at").and_then(|mark| rest.find(mark)) {
        let end = rest.get(at..).and_then(|rest| rest.find('\n')).map_or(rest.len(), |end| at + end);
        rest = rest.get(..end).unwrap_or_default();
    }
    let wanted = directive.option("lines").map(|lines| {
        let ranges = lines.split(',').map(|range| {
            let (from, to) = range.split_once('-').map_or((range, Some(range)), |(from, to)| (from, Some(to)));
            let to = to.filter(|to| !to.trim().is_empty()).and_then(|to| to.trim().parse().ok());
            (from.trim().parse().unwrap_or(1), to)
        });
        Ranges::Lines(ranges.collect())
    });
    let lines = wanted.map_or_else(|| rest.lines().collect(), |wanted| wanted.lines(rest));
    let (start, end) = (number("start-line").unwrap_or(0), number("end-line").unwrap_or(usize::MAX));
    lines.into_iter().skip(start).take(end.saturating_sub(start))
}
