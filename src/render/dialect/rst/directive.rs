//! Directives: what becomes of each, by name.

use super::super::myst::toctree::{Entry, listing};
use super::inline::Form;
use super::object::is_object;
use super::roles::bare;
use super::{Blocks, Line, dedented, trimmed};
use crate::render::tokens::{Token, Tokens};

/// Those of docutils, which every converter knows.
const ADMONITIONS: &[&str] =
    &["attention", "caution", "danger", "error", "hint", "important", "note", "tip", "warning"];

/// Content that is code, or is read as code is.
const CODE: &[&str] = &[
    "code-block",
    "sourcecode",
    "code",
    "code-cell",
    "code-tab",
    "prompt",
    "ipython",
    "doctest",
    "testcode",
    "testoutput",
    "jupyter-execute",
    "productionlist",
    "graphviz",
    "digraph",
    "graph",
    "mermaid",
    "uml",
    "plantuml",
    "math",
];

/// Only their content is read.
const TRANSPARENT: &[&str] = &[
    "tabs",
    "tab-set",
    "tab-set-code",
    "grid",
    "grid-item",
    "container",
    "compound",
    "centered",
    "hlist",
    "highlights",
    "epigraph",
    "pull-quote",
    "rst-class",
    "cssclass",
    "div",
    "acks",
    "aside",
    "margin",
    "line-block",
    "figure",
    "ifconfig",
    "toggle",
    "button-ref",
    "button-link",
];

/// Their argument stands above their content.
const TITLED: &[&str] =
    &["tab", "group-tab", "tab-item", "rubric", "card", "grid-item-card", "dropdown", "details", "collapse"];

/// No reader sees them where they stand.
const UNSEEN: &[&str] = &[
    "index",
    "highlight",
    "tocdepth",
    "contents",
    "sectnum",
    "meta",
    "role",
    "codeauthor",
    "sectionauthor",
    "moduleauthor",
    "todo",
    "todolist",
    "title",
    "header",
    "footer",
    "target-notes",
    "tabularcolumns",
    "program",
    "testsetup",
    "testcleanup",
    "date",
    "default-domain",
    "c:namespace",
    "cpp:namespace",
];

/// Beside `auto…`.
const MADE_FROM_CODE: &[&str] = &["click", "argparse", "program-output", "plot", "inheritance-diagram", "jinja"];

/// A directive as it is written.
pub(super) struct Directive<'l> {
    pub(super) name: &'l str,
    /// What stands beside the name.
    pub(super) argument: &'l str,
    /// The lines under it, up to the first option or the first empty line.
    pub(super) more: Vec<Line<'l>>,
    options: Vec<(&'l str, String)>,
    pub(super) content: Vec<Line<'l>>,
}

impl<'l> Directive<'l> {
    /// Reads a block whose first line, after the dots, is `text`; `None`: it is no directive.
    pub(super) fn read(text: &'l str, lines: &[Line<'l>]) -> Option<Self> {
        let (name, argument) = text.split_once("::")?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | ':');
        if name.is_empty() || !name.chars().all(is_name) || !(argument.is_empty() || argument.starts_with(' ')) {
            return None;
        }
        let body = dedented(lines.get(1..).unwrap_or_default());
        let head = body.iter().position(Line::is_blank).unwrap_or(body.len());
        let first_option = body[..head].iter().position(|line| option(line.text).is_some()).unwrap_or(head);
        let mut options: Vec<(&str, String)> = Vec::new();
        let mut at = first_option;
        while let Some(line) = body.get(at).filter(|_| at < head) {
            match (option(line.text), options.last_mut()) {
                (Some((key, value)), _) => options.push((key, value.to_owned())),
                (None, Some((_, value))) if line.text.starts_with(' ') => {
                    value.push(' ');
                    value.push_str(line.text.trim());
                }
                _ => break,
            }
            at += 1;
        }
        let content = trimmed(body.get(at..).unwrap_or_default()).to_vec();
        Some(Self { name, argument: argument.trim(), more: body[..first_option].to_vec(), options, content })
    }

    pub(super) fn option(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// Everything but the options, for directives that take no argument.
    fn all(&self, origin: u32) -> Vec<Line<'l>> {
        let mut all = Vec::with_capacity(self.more.len() + self.content.len() + 2);
        if !self.argument.is_empty() {
            all.push(Line { text: self.argument, origin });
        }
        all.extend_from_slice(&self.more);
        if !all.is_empty() {
            all.push(Line { text: "", origin });
        }
        all.extend_from_slice(&self.content);
        all
    }

    /// What belongs to the content where the argument is one line.
    fn body(&self) -> Vec<Line<'l>> {
        let mut body = self.more.clone();
        if let (Some(last), false) = (body.last().copied(), self.content.is_empty()) {
            body.push(Line { text: "", origin: last.origin });
        }
        body.extend_from_slice(&self.content);
        body
    }

    /// The argument with the lines that go on with it.
    fn whole_argument(&self) -> String {
        let more = self.more.iter().map(|line| line.text.trim());
        std::iter::once(self.argument).chain(more).collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

/// `:key: value`.
fn option(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, value.trim()))
}

impl Blocks<'_> {
    pub(super) fn directive(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let lowered = directive.name.to_ascii_lowercase();
        let name = lowered.as_str();
        match name {
            _ if ADMONITIONS.contains(&name) => {
                self.wrapped(name, "", &directive.all(origin), origin, prefix, depth);
            }
            "seealso" => self.wrapped("admonition", "See also", &directive.all(origin), origin, prefix, depth),
            "admonition" | "topic" | "sidebar" => {
                let title = self.inline(&directive.whole_argument(), origin, Form::Plain);
                self.wrapped("admonition", &title, &directive.content, origin, prefix, depth);
            }
            _ if version_words(name).is_some() => {
                self.version(version_words(name).unwrap_or_default(), directive, origin, prefix, depth);
            }
            _ if CODE.contains(&name) => self.block_of_code(name, directive, origin, prefix),
            "parsed-literal" => self.parsed_literal(&directive.all(origin), origin, prefix),
            // Sphinx has this name for Python's classes.
            "class" if self.sphinx.is_none() => self.unwrapped(&directive.content, origin, prefix, depth),
            _ if TRANSPARENT.contains(&name) => self.content_of(name, directive, origin, prefix, depth),
            _ if TITLED.contains(&name) => {
                self.label(&directive.whole_argument(), origin, prefix);
                self.unwrapped(&directive.content, origin, prefix, depth);
            }
            "only" if !is_shown(directive.argument) => {}
            "only" => self.unwrapped(&directive.body(), origin, prefix, depth),
            "table" | "list-table" | "csv-table" => self.data_table(name, directive, origin, prefix, depth),
            "image" => self.image(directive, origin, prefix),
            "raw" => self.raw(directive, origin, prefix),
            "glossary" => self.glossary(&directive.content, origin, prefix, depth),
            "include" => self.include(directive, origin, prefix, depth),
            "literalinclude" => self.literal_include(directive, origin, prefix),
            "toctree" => self.toctree(directive, origin, prefix),
            "default-role" => directive.argument.clone_into(&mut self.default_role),
            "module" | "py:module" | "currentmodule" | "py:currentmodule" => {
                self.module = if directive.argument == "None" { String::new() } else { directive.argument.to_owned() };
                self.unwrapped(&directive.content, origin, prefix, depth);
            }
            _ if UNSEEN.contains(&name) => {}
            _ if name.starts_with("auto") || MADE_FROM_CODE.contains(&name) => {
                let argument = directive.argument;
                let message = format!("`{name}` of `{argument}` is made from code, which is not run; it is left out");
                self.warn_of(origin, message);
            }
            _ if is_object(name) => self.object(name, directive, origin, prefix, depth),
            _ => {
                self.warn_of(origin, format!("the directive `{name}` is not understood; its text is kept"));
                let written = self.inline(&directive.whole_argument(), origin, Form::Free);
                self.out.line(origin, prefix, "");
                self.out.line(origin, prefix, &written);
                self.unwrapped(&directive.content, origin, prefix, depth);
            }
        }
    }

    /// A directive that converters know, around content that is rewritten.
    fn wrapped(&mut self, name: &str, title: &str, content: &[Line<'_>], origin: u32, prefix: &str, depth: usize) {
        if content.iter().all(Line::is_blank) {
            // docutils takes an empty one for a mistake.
            self.label(title, origin, prefix);
            return;
        }
        let name = if name == "admonition" && title.trim().is_empty() { "note" } else { name };
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, format!(".. {name}:: {title}").trim_end());
        self.out.line(origin, prefix, "");
        let inner = format!("{prefix}   ");
        self.write(content, &inner, depth + 1);
        self.out.line(origin, prefix, "");
    }

    /// A version, and what is said of it.
    fn version(&mut self, words: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let argument = directive.whole_argument();
        let (version, text) = argument.split_once(' ').unwrap_or((&argument, ""));
        let content = trimmed(&directive.content);
        let mut rest = content;
        let mut said = self.inline(text.trim(), origin, Form::Free);
        let starts_with_text = content.first().is_some_and(|line| {
            !super::is_explicit(line.text)
                && super::table::length(content).is_none()
                && !line.text.starts_with(['-', '*', '#'])
        });
        if said.is_empty() && starts_with_text {
            let length = super::paragraph(content);
            let lines: Vec<&str> = content[..length].iter().map(|line| line.text).collect();
            said = self.inline(&lines.join("\n"), content[0].origin, Form::Free);
            // What stands under a paragraph that announces code is code.
            rest = content.get(length..).unwrap_or_default();
            if said.ends_with("::") {
                said = said.trim_end_matches(':').to_owned() + ":";
                let code = super::literal(&content[..length], rest);
                self.paragraph_of(&format!("{words} {version}: {said}"), origin, prefix);
                self.code("", &dedented(&rest[..code]), origin, prefix);
                self.unwrapped(&rest[code..], origin, prefix, depth);
                return;
            }
        }
        let end = if said.is_empty() && content.is_empty() { "." } else { ":" };
        self.paragraph_of(format!("{words} {version}{end} {said}").trim_end(), origin, prefix);
        self.unwrapped(rest, origin, prefix, depth);
    }

    /// A paragraph that is rewritten already.
    fn paragraph_of(&mut self, text: &str, origin: u32, prefix: &str) {
        self.out.line(origin, prefix, "");
        for line in text.lines() {
            self.out.line(origin, prefix, line.trim_start());
        }
        self.out.line(origin, prefix, "");
    }

    fn block_of_code(&mut self, name: &str, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let argument = directive.argument;
        if let Some(caption) = directive.option("caption") {
            self.label(caption, origin, prefix);
        }
        let (language, is_text) = match name {
            "math" | "productionlist" => ("", true),
            "code-tab" => {
                let (language, label) = argument.split_once(' ').unwrap_or((argument, argument));
                self.label(label, origin, prefix);
                (language, false)
            }
            "doctest" | "testcode" | "ipython" | "jupyter-execute" => ("python", false),
            "testoutput" | "graphviz" | "digraph" | "graph" | "mermaid" | "uml" | "plantuml" => ("", false),
            "prompt" => (argument.split(' ').next().unwrap_or_default(), false),
            _ => (argument, false),
        };
        if is_text {
            self.code("", &directive.all(origin), origin, prefix);
        } else {
            self.code(language, &directive.body(), origin, prefix);
        }
    }

    fn parsed_literal(&mut self, content: &[Line<'_>], origin: u32, prefix: &str) {
        let content = trimmed(content);
        if content.is_empty() {
            return;
        }
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, ".. parsed-literal::");
        self.out.line(origin, prefix, "");
        let inner = format!("{prefix}   ");
        for line in content {
            let written = self.inline(line.text, line.origin, Form::Free);
            self.out.line(line.origin, &inner, &written);
        }
        self.out.line(origin, prefix, "");
    }

    /// Directives of which only the content is read.
    fn content_of(&mut self, name: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        match name {
            "centered" | "highlights" | "epigraph" | "pull-quote" | "compound" | "aside" | "margin" | "tabs"
            | "hlist" | "acks" => {
                self.unwrapped(&directive.all(origin), origin, prefix, depth);
            }
            "figure" => {
                self.image(directive, origin, prefix);
                self.unwrapped(&directive.content, origin, prefix, depth);
            }
            "ifconfig" => {
                self.warn_of(origin, "`ifconfig` asks code, which is not run; its text is kept".to_owned());
                self.unwrapped(&directive.content, origin, prefix, depth);
            }
            _ => self.unwrapped(&directive.content, origin, prefix, depth),
        }
    }

    fn data_table(&mut self, name: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        if directive.option("file").is_some() || directive.option("url").is_some() {
            self.warn_of(origin, format!("`{name}` of another file is not understood; it is left out"));
            return;
        }
        let title = self.inline(&directive.whole_argument(), origin, Form::Plain);
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, format!(".. {name}:: {title}").trim_end());
        let inner = format!("{prefix}   ");
        for (key, value) in &directive.options {
            let is_plain =
                matches!(*key, "header-rows" | "stub-columns" | "header" | "delim" | "quote" | "escape" | "keepspace");
            if is_plain && name != "table" {
                let value = self.inline(value, origin, Form::Plain);
                self.out.line(origin, &inner, &format!(":{key}: {value}"));
            }
        }
        self.out.line(origin, prefix, "");
        if name == "csv-table" {
            for line in &directive.content {
                let written = self.inline(line.text, line.origin, Form::Plain);
                self.out.line(line.origin, &inner, &written);
            }
        } else {
            self.write(&directive.content, &inner, depth + 1);
        }
        self.out.line(origin, prefix, "");
    }

    /// A picture with an alternative text; one without says nothing.
    fn image(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let path = directive.argument;
        match directive.option("alt").filter(|alt| !alt.is_empty()) {
            Some(alt) if !path.is_empty() => {
                self.out.line(origin, prefix, "");
                self.out.line(origin, prefix, &format!(".. image:: {path}"));
                self.out.line(origin, prefix, &format!("   :alt: {alt}"));
                self.out.line(origin, prefix, "");
            }
            _ => {
                let message = format!("the image `{path}` has no alternative text, and so says nothing to Fin");
                self.out.warn("no_alt", origin, message);
            }
        }
    }

    /// The text of raw HTML; what is meant for other formats is not published.
    fn raw(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        if !directive.argument.split_whitespace().any(|format| format == "html") {
            return;
        }
        let html = directive.content.iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
        let mut is_hidden = false;
        let mut text = String::new();
        for (_, token) in Tokens::new(&html) {
            match token {
                Token::Start(name, _, false) if matches!(&*name.to_ascii_lowercase(), "script" | "style" | "svg") => {
                    is_hidden = true;
                }
                Token::Start(..) => text.push(' '),
                Token::End(_) => {
                    is_hidden = false;
                    text.push(' ');
                }
                Token::Text(part) if !is_hidden => text.push_str(&crate::render::elements::decoded(part)),
                _ => {}
            }
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.plain(&text, origin, prefix);
        }
    }

    /// Terms and what they mean; several terms above one meaning share a line.
    fn glossary(&mut self, content: &[Line<'_>], origin: u32, prefix: &str, depth: usize) {
        let mut at = 0;
        self.out.line(origin, prefix, "");
        while at < content.len() {
            let terms = content[at..].iter().take_while(|line| !line.is_blank() && line.indent() == 0).count();
            if terms == 0 {
                at += 1;
                continue;
            }
            let shown: Vec<&str> = content[at..at + terms]
                .iter()
                .map(|line| line.text.split(" : ").next().unwrap_or_default().trim())
                .collect();
            let origin = content[at].origin;
            let written = self.inline(&shown.join(", "), origin, Form::Free);
            self.out.line(origin, prefix, &written);
            at += terms;
            let meaning = content[at..].iter().take_while(|line| line.is_blank() || line.indent() > 0).count();
            let inner = format!("{prefix}    ");
            self.write(trimmed(&dedented(&content[at..at + meaning])), &inner, depth + 1);
            self.out.line(origin, prefix, "");
            at += meaning;
        }
    }

    /// The pages of a table of contents, as links under their titles.
    fn toctree(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        if directive.option("hidden").is_some() {
            return;
        }
        self.label(directive.option("caption").unwrap_or_default(), origin, prefix);
        self.out.line(origin, prefix, "");
        let body = directive.body();
        let argument = Some(directive.argument).filter(|argument| !argument.is_empty());
        let lines: Vec<&str> = argument.into_iter().chain(body.iter().map(|line| line.text.trim())).collect();
        let shown = listing(|key| directive.option(key), lines, self.sphinx, self.context);
        let mut last = 1;
        for Entry { depth, text, url } in shown.entries {
            if depth != last {
                self.out.line(origin, prefix, "");
            }
            // A list may not begin deeper than one level below what is open.
            last = depth.min(last + 1);
            let text = bare(&text);
            let written = match url {
                Some(url) => super::inline::link(&text, &url),
                None => super::escaped(&text),
            };
            self.out.line(origin, prefix, &format!("{}* {written}", "  ".repeat(last - 1)));
        }
        for target in shown.missing {
            let line = body.iter().find(|line| line.text.contains(&target)).map_or(origin, |line| line.origin);
            self.out.warn("dead_link", line, format!("`{target}` is in the table of contents and no page"));
        }
        self.out.line(origin, prefix, "");
    }
}

/// The words of Sphinx 8 for what a version brought.
fn version_words(name: &str) -> Option<&'static str> {
    match name {
        "versionadded" | "version-added" => Some("Added in version"),
        "versionchanged" | "version-changed" => Some("Changed in version"),
        "deprecated" | "version-deprecated" => Some("Deprecated since version"),
        "versionremoved" | "version-removed" => Some("Removed in version"),
        _ => None,
    }
}

/// Whether `only` shows its content in HTML: tags joined by `and`, `or` and `not`, without brackets; what is more is shown.
fn is_shown(expression: &str) -> bool {
    if expression.contains('(') {
        return true;
    }
    let is_true = |word: &str| match word.trim().strip_prefix("not ") {
        Some(tag) => !matches!(tag.trim(), "html" | "builder_html" | "format_html" | "builder_dirhtml"),
        None => matches!(word.trim(), "html" | "builder_html" | "format_html" | "builder_dirhtml"),
    };
    expression.split(" or ").any(|part| part.split(" and ").all(is_true))
}
