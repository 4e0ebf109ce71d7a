//! Directives: what becomes of each, by name.

use super::super::files::resolved;
use super::super::{Ranges, included};
use super::{Blocks, Line};
use crate::page::DocPath;

/// A directive as it is written.
pub(super) struct Directive<'l> {
    name: &'l str,
    argument: &'l str,
    options: Vec<(&'l str, &'l str)>,
    content: Vec<Line<'l>>,
}

impl<'l> Directive<'l> {
    /// The name in braces that a fence's info string begins with, and what follows it.
    pub(super) fn name(info: &'l str) -> Option<(&'l str, &'l str)> {
        let (name, argument) = info.strip_prefix('{')?.split_once('}')?;
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte));
        (is_word && name.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| (name, argument.trim()))
    }

    /// Parts options from content: `:key: value` lines, or a block between `---`.
    pub(super) fn new(name: &'l str, argument: &'l str, lines: &[Line<'l>]) -> Self {
        let mut options = Vec::new();
        let mut at = 0;
        if lines.first().is_some_and(|line| line.text.trim() == "---") {
            let end = lines[1..].iter().position(|line| line.text.trim() == "---").map_or(lines.len(), |end| end + 1);
            let pairs = lines[1..end.min(lines.len())].iter().filter_map(|line| line.text.split_once(':'));
            options.extend(pairs.map(|(key, value)| (key.trim(), value.trim())));
            at = end + 1;
        } else {
            while let Some((key, value)) = lines.get(at).and_then(|line| option(line.text)) {
                options.push((key, value));
                at += 1;
            }
        }
        Self { name, argument, options, content: lines.get(at..).unwrap_or_default().to_vec() }
    }

    fn option(&self, key: &str) -> Option<&'l str> {
        self.options.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

fn option(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().strip_prefix(':')?.split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, value.trim()))
}

impl Blocks<'_> {
    pub(super) fn directive(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let argument = directive.argument;
        match directive.name {
            "note" | "tip" | "hint" | "important" | "warning" | "caution" | "attention" | "danger" | "error"
            | "todo" => {
                self.quote(&capitalised(directive.name), true, directive, origin, prefix, depth);
            }
            "seealso" => self.quote("See also", true, directive, origin, prefix, depth),
            "admonition" | "topic" | "sidebar" | "dropdown" | "card" | "grid-item-card" => {
                self.quote(argument, false, directive, origin, prefix, depth);
            }
            "versionadded" | "version-added" => self.version("Added in version", directive, origin, prefix, depth),
            "versionchanged" | "version-changed" => {
                self.version("Changed in version", directive, origin, prefix, depth);
            }
            "deprecated" | "version-deprecated" => {
                self.version("Deprecated since version", directive, origin, prefix, depth);
            }
            "versionremoved" | "version-removed" => {
                self.version("Removed in version", directive, origin, prefix, depth);
            }
            "tab-item" | "tab" | "rubric" | "figure-md" | "table" | "list-table" | "glossary-title" => {
                self.label(argument, origin, prefix);
                self.write(&directive.content, prefix, depth + 1);
            }
            "figure" => self.write(&directive.content, prefix, depth + 1),
            "raw" if argument == "html" => {
                for line in &directive.content {
                    self.out.line(line.origin, prefix, line.text);
                }
            }
            "raw" | "image" | "contents" | "index" | "highlight" | "currentmodule" | "tocdepth" | "default-role"
            | "meta" => {}
            "tab-set"
            | "tab-set-code"
            | "grid"
            | "grid-item"
            | "glossary"
            | "epigraph"
            | "pull-quote"
            | "container"
            | "div"
            | "only"
            | "compound"
            | "parsed-literal-text"
            | "centered"
            | "highlights"
            | "aside"
            | "margin" => {
                self.write(&directive.content, prefix, depth + 1);
            }
            "code" | "code-block" | "sourcecode" | "code-cell" | "parsed-literal" | "prompt" | "literal" => {
                if let Some(caption) = directive.option("caption") {
                    self.label(caption, origin, prefix);
                }
                self.code(argument, &directive.content, origin, prefix);
            }
            "math" => {
                self.prose(argument, origin, prefix);
                self.code("", &directive.content, origin, prefix);
            }
            "mermaid" | "graphviz" | "digraph" | "graph" | "uml" | "plantuml" => {
                self.code("", &directive.content, origin, prefix);
            }
            "include" => self.include(directive, origin, prefix, depth),
            "literalinclude" => self.literal_include(directive, origin, prefix),
            "toctree" => self.toctree(directive, origin, prefix),
            "button-ref" | "button-link" => {
                let shown = directive.content.first().map_or(argument, |line| line.text);
                self.prose(shown, origin, prefix);
            }
            name => {
                self.out.warn(
                    "unknown_construct",
                    origin,
                    format!("`{{{name}}}` directive is not understood; its text is kept"),
                );
                self.prose(argument, origin, prefix);
                self.write(&directive.content, prefix, depth + 1);
            }
        }
    }

    fn label(&mut self, text: &str, origin: u32, prefix: &str) {
        if !text.is_empty() {
            self.prose(&format!("**{text}**"), origin, prefix);
            self.out.line(origin, prefix, "");
        }
    }

    /// A quote under a title; what stands beside the name begins the content of some.
    fn quote(
        &mut self,
        title: &str,
        has_inline_text: bool,
        directive: &Directive<'_>,
        origin: u32,
        prefix: &str,
        depth: usize,
    ) {
        let inner = format!("{prefix}> ");
        self.label(title, origin, &inner);
        if has_inline_text && !directive.argument.is_empty() {
            self.prose(directive.argument, origin, &inner);
        }
        self.write(&directive.content, &inner, depth + 1);
    }

    fn version(&mut self, words: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let (version, text) = directive.argument.split_once(' ').unwrap_or((directive.argument, ""));
        let colon = if text.is_empty() && directive.content.is_empty() { "" } else { ":" };
        self.prose(&format!("{words} {version}{colon} {text}"), origin, prefix);
        self.write(&directive.content, prefix, depth + 1);
    }

    /// Code, in a fence that nothing within it ends.
    fn code(&mut self, language: &str, content: &[Line<'_>], origin: u32, prefix: &str) {
        if content.iter().all(|line| line.text.trim().is_empty()) {
            return;
        }
        let longest =
            content.iter().map(|line| line.text.trim_start().bytes().take_while(|b| *b == b'`').count()).max();
        let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
        self.out.line(origin, prefix, &format!("{fence}{language}"));
        for line in content {
            self.out.line(line.origin, prefix, line.text);
        }
        self.out.line(origin, prefix, &fence);
    }

    fn include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let path = directive.argument;
        let Some((found, text)) = included(self.context, self.dir, path) else {
            self.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        let lines: Vec<Line<'_>> = part(&text, directive).map(|text| Line { text, origin }).collect();
        if let Some(language) = directive.option("code").or(directive.option("literal")) {
            self.code(language, &lines, origin, prefix);
            return;
        }
        if !self.out.begin_include(&found, origin) {
            return;
        }
        if found.extension() == "rst" {
            let message = format!("`{path}` is reStructuredText: its text is included as it stands");
            self.out.warn("unknown_construct", origin, message);
        }
        let mut inner = Blocks { out: &mut *self.out, rules: self.rules, context: self.context, dir: found.dir() };
        inner.write(&lines, prefix, depth + 1);
        self.out.end_include();
    }

    fn literal_include(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let path = directive.argument;
        let Some((_, text)) = included(self.context, self.dir, path) else {
            self.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            return;
        };
        if directive.option("pyobject").is_some() {
            self.out.warn("unknown_construct", origin, "`pyobject` is not understood; the whole file is included");
        }
        if let Some(caption) = directive.option("caption") {
            self.label(if caption.is_empty() { path } else { caption }, origin, prefix);
        }
        let lines: Vec<Line<'_>> = part(&text, directive).map(|text| Line { text, origin }).collect();
        self.code(directive.option("language").unwrap_or_default(), &lines, origin, prefix);
    }

    /// The pages of a table of contents, as links under their titles.
    fn toctree(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        if directive.option("hidden").is_some() {
            return;
        }
        self.label(directive.option("caption").unwrap_or_default(), origin, prefix);
        for line in &directive.content {
            let entry = line.text.trim();
            let (title, target) = match entry.rsplit_once('<').and_then(|(t, r)| Some((t, r.strip_suffix('>')?))) {
                Some((title, target)) => (Some(title.trim().to_owned()), target.trim()),
                None => (None, entry),
            };
            if target.is_empty() || target == "self" || target.contains('*') {
                continue;
            }
            if target.contains("://") {
                let shown = title.unwrap_or_else(|| target.to_owned());
                self.out.line(line.origin, prefix, &format!("- [{shown}]({target})"));
                continue;
            }
            match self.page(target) {
                Some((named, url)) => {
                    let shown = title.or(named).unwrap_or_else(|| target.to_owned());
                    let text = url.map_or_else(|| format!("- {shown}"), |url| format!("- [{shown}](<{url}>)"));
                    self.out.line(line.origin, prefix, &text);
                }
                None => self.out.warn(
                    "dead_link",
                    line.origin,
                    format!("`{target}` is in the table of contents and no page"),
                ),
            }
        }
    }

    /// Title and url of the document that a name without suffix means.
    fn page(&self, target: &str) -> Option<(Option<String>, Option<String>)> {
        let base = if target.starts_with('/') { self.rules.folder.as_str() } else { self.dir };
        let path = resolved(base, target.trim_start_matches('/'))?;
        let names = ["", ".md", ".rst"].map(|suffix| DocPath::new(format!("{path}{suffix}")));
        names.iter().find_map(|path| {
            let (title, url) = (self.context.asking.page_title(path), self.context.asking.page_url(path));
            (title.is_some() || url.is_some()).then_some((title, url))
        })
    }
}

/// The lines of a file that a directive asks for.
fn part<'t>(text: &'t str, directive: &Directive<'_>) -> impl Iterator<Item = &'t str> {
    let number = |key: &str| directive.option(key).and_then(|value| value.parse::<usize>().ok());
    let after = directive.option("start-after").map(|mark| mark.trim_matches(['"', '\'']));
    let start_at = directive.option("start-at").map(|mark| mark.trim_matches(['"', '\'']));
    let before = directive.option("end-before").map(|mark| mark.trim_matches(['"', '\'']));
    let end_at = directive.option("end-at").map(|mark| mark.trim_matches(['"', '\'']));
    let mut rest = text;
    if let Some(at) = after.and_then(|mark| Some(rest.find(mark)? + mark.len())) {
        rest = &rest[at..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    if let Some(at) = start_at.and_then(|mark| rest.find(mark)) {
        rest = &rest[rest[..at].rfind('\n').map_or(0, |line| line + 1)..];
    }
    if let Some(at) = before.and_then(|mark| rest.find(mark)) {
        rest = rest[..at].trim_end_matches([' ', '\t']);
    }
    if let Some(at) = end_at.and_then(|mark| rest.find(mark)) {
        rest = &rest[..rest[at..].find('\n').map_or(rest.len(), |end| at + end)];
    }
    let wanted = directive.option("lines").map(|lines| {
        let ranges = lines.split(',').map(|range| {
            let (from, to) = range.split_once('-').map_or((range, Some(range)), |(from, to)| (from, Some(to)));
            let to = to.filter(|to| !to.trim().is_empty()).and_then(|to| to.trim().parse().ok());
            (from.trim().parse().unwrap_or(1), to)
        });
        Ranges::Lines(ranges.collect())
    });
    let lines = wanted.unwrap_or(Ranges::All).lines(rest);
    let (start, end) = (number("start-line").unwrap_or(0), number("end-line").unwrap_or(usize::MAX));
    lines.into_iter().skip(start).take(end.saturating_sub(start))
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
