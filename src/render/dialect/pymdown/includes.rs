//! What plugins put into a text before Markdown is read: `{!file!}` (markdown-include), `{% include-markdown %}`
//! (mkdocs-include-markdown-plugin), and variables of the configuration (mkdocs-macros).
//!
//! Source of the rules: the three plugins' documentation. Tags that are code are taken out and named.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::{Context, included};
use super::Line;
use crate::page::DocPath;
use crate::render::dialect::Out;
use crate::site::mkdocs::MkDocs;

/// Text of one page, all of it put in.
const MAX_BYTES: usize = 16 << 20;

/// The lines of a body with everything put in; `None`: nothing of the kind is in it.
pub(super) fn expand(
    body: &str,
    first_line: u32,
    rules: &MkDocs,
    context: &Context<'_>,
    out: &mut Out,
) -> Option<Vec<Line<'static>>> {
    let has_macros = rules.has("macros");
    let has_includes = rules.has("include-markdown");
    let has_files = rules.has("markdown_include.include");
    let is_asked = (has_macros && (body.contains("{{") || body.contains("{%") || body.contains("{#")))
        || (has_includes && body.contains("{%"))
        || (has_files && body.contains("{!"));
    if !is_asked {
        return None;
    }
    let mut expansion = Expansion {
        rules,
        context,
        out,
        has_macros,
        has_includes,
        has_files,
        lines: Vec::new(),
        line: String::new(),
        bytes: 0,
        is_endless: false,
        origin: first_line,
    };
    expansion.take(body, context.path.dir(), true, "");
    expansion.end_line();
    Some(expansion.lines)
}

#[expect(clippy::struct_excessive_bools, reason = "each is a plugin that is on or off, or a fact of its own")]
struct Expansion<'a> {
    rules: &'a MkDocs,
    context: &'a Context<'a>,
    out: &'a mut Out,
    has_macros: bool,
    has_includes: bool,
    has_files: bool,
    lines: Vec<Line<'static>>,
    line: String,
    bytes: usize,
    /// Raw text that never ends was looked through: there is no end for any other.
    is_endless: bool,
    /// The document's line that is being read.
    origin: u32,
}

impl Expansion<'_> {
    /// Takes a text; `dir` is the folder of its file. Only the document's own lines are counted.
    fn take(&mut self, text: &str, dir: &str, is_own: bool, indent: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(['{', '\n']) {
            if self.bytes > MAX_BYTES {
                return;
            }
            self.push(&rest[..at]);
            rest = &rest[at..];
            if let Some(next) = rest.strip_prefix('\n') {
                self.end_line();
                self.origin += u32::from(is_own);
                self.push(indent);
                rest = next;
                continue;
            }
            let taken = self.tag(rest, dir);
            if taken == 0 {
                self.push("{");
                rest = &rest[1..];
                continue;
            }
            if is_own {
                self.origin += u32::try_from(rest[..taken].matches('\n').count()).unwrap_or_default();
            }
            rest = &rest[taken..];
        }
        self.push(rest);
    }

    /// Takes the tag that a text begins with; its length.
    fn tag(&mut self, text: &str, dir: &str) -> usize {
        let near = head(text);
        if self.has_files && near.starts_with("{!") {
            let Some(end) = near.find("!}") else { return 0 };
            let name = near[2..end].trim();
            let bases = self.rules.included.iter().map(String::as_str).chain([dir]);
            self.file(name, bases, |text| text.into());
            return end + 2;
        }
        if near.starts_with("{%") {
            let Some(end) = near.find("%}") else { return 0 };
            let inner = near[2..end].trim_matches(['-', '+']).trim();
            return self.statement(inner, end + 2, text, dir);
        }
        if !self.has_macros {
            return 0;
        }
        if near.starts_with("{#") {
            return near.find("#}").map_or(0, |end| end + 2);
        }
        if near.starts_with("{{") {
            let Some(end) = near.find("}}") else { return 0 };
            let name = near[2..end].trim_matches(['-', '+']).trim();
            match self.rules.variables.get(name) {
                Some(value) => self.push(&value.clone()),
                None => self.unknown(&format!("`{{{{ {name} }}}}` is made by code, which is not run: it is left out")),
            }
            return end + 2;
        }
        0
    }

    fn statement(&mut self, inner: &str, length: usize, text: &str, dir: &str) -> usize {
        let (word, arguments) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        if self.has_includes && matches!(word, "include-markdown" | "include") {
            let Some((name, options)) = quoted(arguments.trim()) else { return 0 };
            let option = |name: &str| {
                let at = options.find(&format!("{name}="))? + name.len() + 1;
                quoted(options[at..].trim_start()).map(|(value, _)| value.replace("\\n", "\n"))
            };
            let (start, end) = (option("start"), option("end"));
            // `./` and `../` count from the file, other paths from the documents' folder.
            let base = if name.starts_with("./") || name.starts_with("../") { dir } else { self.rules.docs.as_str() };
            self.file(name, [base].into_iter(), |text| between(text, start.as_deref(), end.as_deref()));
            return length;
        }
        if !self.has_macros {
            return 0;
        }
        if word == "raw" {
            // Up to the end of the raw text, which stands as it is.
            let rest = &text[length..];
            let end = if self.is_endless { None } else { rest.find("{% endraw").or_else(|| rest.find("{%- endraw")) };
            let Some(end) = end else {
                self.is_endless = true;
                return length;
            };
            for (number, line) in rest[..end].split('\n').enumerate() {
                if number > 0 {
                    self.end_line();
                }
                self.push(line);
            }
            return length + end;
        }
        if word != "endraw" {
            self.unknown(&format!("`{{% {word} %}}` is code, which is not run: it is left out"));
        }
        length
    }

    fn file<'b>(&mut self, name: &str, bases: impl Iterator<Item = &'b str>, cut: impl Fn(&str) -> Cow<'_, str>) {
        if name.starts_with("http://") || name.starts_with("https://") {
            self.out.warn("missing_include", self.origin, format!("`{name}` is on the web: it is not fetched"));
            return;
        }
        let mut bases = bases;
        let found: Option<(DocPath, Arc<str>)> = bases.find_map(|base| included(self.context, base, name));
        let Some((path, text)) = found else {
            self.out.warn("missing_include", self.origin, format!("`{name}` is included and not there"));
            return;
        };
        if self.out.begin_include(&path, self.origin) {
            let indent: String = self.line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
            let text = cut(&text).into_owned();
            self.take(text.trim_end_matches('\n'), path.dir(), false, &indent);
            self.out.end_include();
        }
    }

    fn unknown(&mut self, message: &str) {
        self.out.warn("unknown_construct", self.origin, message);
    }

    fn push(&mut self, text: &str) {
        self.bytes += text.len();
        self.line.push_str(text);
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.line);
        self.lines.push(Line { text: text.trim_end_matches('\r').to_owned().into(), origin: self.origin });
    }
}

/// What stands between two texts.
fn between<'t>(text: &'t str, start: Option<&str>, end: Option<&str>) -> Cow<'t, str> {
    let from = start.and_then(|start| text.find(start).map(|at| at + start.len())).unwrap_or_default();
    let text = &text[from..];
    let to = end.and_then(|end| text.find(end)).unwrap_or(text.len());
    text[..to].into()
}

/// A quoted text and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let end = text[1..].find(quote)? + 1;
    Some((&text[1..end], &text[end + 1..]))
}

/// As far as a tag of a person's reaches.
fn head(text: &str) -> &str {
    let mut end = text.len().min(2_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
