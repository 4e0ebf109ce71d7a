//! Directives: what becomes of each, by name.

use super::role::escaped;
use super::{Blocks, Line};
use crate::render::dialect::capitalised;

/// A directive as it is written.
pub(super) struct Directive<'l> {
    pub(super) name: &'l str,
    pub(super) argument: &'l str,
    pub(super) options: Vec<(&'l str, String)>,
    pub(super) content: Vec<Line<'l>>,
}

impl<'l> Directive<'l> {
    /// The name in braces that a fence's info string begins with, and what follows it.
    pub(super) fn name(info: &'l str) -> Option<(&'l str, &'l str)> {
        let (name, argument) = info.strip_prefix('{')?.split_once('}')?;
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte));
        (is_word && name.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| (name, argument.trim()))
    }

    /// Parts options from content: lines `:key: value`, whose values go on in lines that begin with a colon and a blank, or
    /// a block between `---`; either is a mapping of YAML.
    pub(super) fn new(name: &'l str, argument: &'l str, lines: &[Line<'l>]) -> Self {
        let mut options = Vec::new();
        let mut at = 0;
        if lines.first().is_some_and(|line| line.text.trim() == "---") {
            let rest = lines.get(1..).unwrap_or_default();
            let end = rest.iter().position(|line| line.text.trim() == "---").unwrap_or(rest.len());
            for line in rest.iter().take(end) {
                match line.text.split_once(':').filter(|(key, _)| !key.starts_with([' ', '\t'])) {
                    Some((key, value)) => options.push((key.trim(), value.trim().to_owned())),
                    None => go_on(&mut options, line.text),
                }
            }
            at = end + 2;
        } else {
            while let Some(line) = lines.get(at) {
                let text = line.text.trim_start();
                if let Some((key, value)) = option(text) {
                    options.push((key, value.to_owned()));
                } else if !options.is_empty() && text.starts_with(": ") {
                    go_on(&mut options, text.get(1..).unwrap_or_default());
                } else {
                    break;
                }
                at += 1;
            }
        }
        for (_, value) in &mut options {
            *value = scalar(value);
        }
        Self { name, argument, options, content: lines.get(at..).unwrap_or_default().to_vec() }
    }

    pub(super) fn option(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// Argument and content: those that take no argument begin their content with it.
    fn whole(&self, origin: u32) -> Vec<Line<'l>> {
        let first = (!self.argument.is_empty()).then_some(Line { text: self.argument, origin });
        let gap = first.filter(|_| !self.content.is_empty()).map(|_| Line { text: "", origin });
        first.into_iter().chain(gap).chain(self.content.iter().copied()).collect()
    }
}

fn go_on(options: &mut [(&str, String)], text: &str) {
    if let Some((_, value)) = options.last_mut() {
        value.push('\n');
        value.push_str(text.trim());
    }
}

fn option(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_end().strip_prefix(':')?.split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    (is_key && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| (key, value.trim()))
}

/// What a value of YAML says: without its quotes, or as a block after `|` or `>`, on one line.
fn scalar(value: &str) -> String {
    let value = value.trim();
    let block = value.strip_prefix(['|', '>']).map(|rest| rest.trim_start_matches(['-', '+']));
    if let Some(block) = block.filter(|rest| rest.is_empty() || rest.starts_with('\n')) {
        return block.trim().replace('\n', " ");
    }
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(value).replace('\n', " ")
}

impl Blocks<'_, '_> {
    pub(super) fn directive(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let argument = directive.argument;
        match directive.name {
            "todo" | "todolist" if !self.pass.rules.shows_todos => {}
            "note" | "tip" | "hint" | "important" | "warning" | "caution" | "attention" | "danger" | "error"
            | "todo" => {
                let title = capitalised(directive.name);
                self.quote(&title, &directive.whole(origin), origin, prefix, depth);
            }
            "seealso" => self.quote("See also", &directive.whole(origin), origin, prefix, depth),
            "admonition" | "topic" | "sidebar" | "dropdown" => {
                self.quote(argument, &directive.content, origin, prefix, depth);
            }
            "card" | "grid-item-card" => self.card(directive, origin, prefix, depth),
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
            "tab-item" | "tab" | "group-tab" | "rubric" | "table" => {
                self.label(argument, origin, prefix);
                self.write(&directive.content, prefix, depth + 1);
            }
            "list-table" => self.list_table(directive, origin, prefix, depth),
            "csv-table" => self.csv_table(directive, origin, prefix, depth),
            "glossary" => self.glossary(&directive.content, prefix, depth),
            "figure" | "image" => self.figure(directive, origin, prefix, depth),
            "figure-md" => self.write(&directive.content, prefix, depth + 1),
            "raw" if argument.split_ascii_whitespace().any(|format| format == "html") => {
                for line in &directive.content {
                    self.pass.out.line(line.origin, prefix, line.text);
                }
            }
            "only" if !is_of_html(argument) => {}
            "math" => {
                let text: Vec<&str> = directive.whole(origin).iter().map(|line| line.text).collect();
                self.math_directive(directive.option("label"), &text.join("\n"), origin, prefix);
            }
            "code" | "code-block" | "sourcecode" | "code-cell" | "parsed-literal" | "prompt" | "literal"
            | "doctest" | "testcode" | "testoutput" | "ipython" | "terminal" | "console" => {
                self.label(directive.option("caption").unwrap_or_default(), origin, prefix);
                self.code(argument, &directive.content, origin, prefix);
            }
            "code-tab" => {
                let (language, label) = argument.split_once(' ').unwrap_or((argument, argument));
                self.label(label.trim(), origin, prefix);
                self.code(language, &directive.content, origin, prefix);
            }
            "mermaid" | "graphviz" | "digraph" | "graph" | "uml" | "plantuml" => {
                self.label(directive.option("caption").unwrap_or_default(), origin, prefix);
                self.code("", &directive.content, origin, prefix);
            }
            "line-block" => {
                let lines: Vec<&Line<'_>> =
                    directive.content.iter().filter(|line| !line.text.trim().is_empty()).collect();
                for (at, line) in lines.iter().enumerate() {
                    let end = if at + 1 < lines.len() { "\\" } else { "" };
                    self.say(&format!("{}{end}", line.text.trim()), line.origin, prefix);
                }
            }
            "include" => self.include(directive, origin, prefix, depth),
            "literalinclude" => self.literal_include(directive, origin, prefix),
            "toctree" => self.toctree(directive, origin, prefix),
            "button-ref" | "button-link" => self.button(directive, origin, prefix),
            _ => self.other(directive, origin, prefix, depth),
        }
    }

    /// The directives that only hold others, those that show nothing, those of program code, and those that nobody here
    /// knows.
    fn other(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let (name, argument) = (directive.name, directive.argument);
        match name {
            "raw" | "contents" | "index" | "highlight" | "currentmodule" | "module" | "py:module"
            | "py:currentmodule" | "tocdepth" | "default-role" | "default-domain" | "meta" | "sectionauthor"
            | "codeauthor" | "tabularcolumns" | "title" | "role" | "testsetup" | "testcleanup" => {}
            "tab-set" | "tab-set-code" | "tabs" | "grid" | "grid-item" | "container" | "div" | "only" | "compound"
            | "centered" | "aside" | "margin" | "card-carousel" | "card-header" | "card-body" | "card-footer"
            | "hlist" | "class" | "rst-class" => {
                // Their argument is a class or a number of columns, but for text that is to be in the middle.
                if name == "centered" {
                    self.say(argument, origin, prefix);
                }
                self.write(&directive.content, prefix, depth + 1);
            }
            "eval-rst" => self.restructured(&directive.content, prefix, depth),
            "epigraph" | "pull-quote" | "highlights" => {
                self.write(&directive.whole(origin), &format!("{prefix}> "), depth + 1);
            }
            // `sphinx-examples`, `sphinx-syntax-example` and sites' own ones of that name show what is written and what
            // becomes of it.
            _ if name == "example" || name.ends_with("-example") => {
                self.code("md", &directive.content, origin, prefix);
                self.pass.out.line(origin, prefix, "");
                self.write(&directive.content, prefix, depth + 1);
            }
            _ if is_program_code(name) => {
                let message = format!("`{{{name}}} {argument}` takes its text from program code, which is not read");
                self.pass.out.warn("unknown_construct", origin, message);
            }
            _ if is_object(name) => {
                self.code("", &[Line { text: argument, origin }], origin, prefix);
                self.pass.out.line(origin, prefix, "");
                self.write(&directive.content, prefix, depth + 1);
            }
            _ => {
                let message = format!("`{{{name}}}` directive is not understood; its text is kept");
                self.pass.out.warn("unknown_construct", origin, message);
                self.say(argument, origin, prefix);
                self.pass.out.line(origin, prefix, "");
                self.write(&directive.content, prefix, depth + 1);
            }
        }
    }

    pub(super) fn label(&mut self, text: &str, origin: u32, prefix: &str) {
        if !text.is_empty() {
            self.say(&format!("**{text}**"), origin, prefix);
            self.pass.out.line(origin, prefix, "");
        }
    }

    /// A quote under a title.
    fn quote(&mut self, title: &str, content: &[Line<'_>], origin: u32, prefix: &str, depth: usize) {
        let inner = format!("{prefix}> ");
        self.label(title, origin, &inner);
        self.write(content, &inner, depth + 1);
    }

    /// A card: what stands above `^^^` is its head, below `+++` its foot.
    fn card(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let is = |line: &Line<'_>, sign: u8| {
            let text = line.text.trim_end();
            text.len() >= 3 && text.bytes().all(|byte| byte == sign)
        };
        let content = &directive.content;
        let head = content.iter().position(|line| is(line, b'^'));
        let start = head.map_or(0, |at| at + 1);
        let body = content.get(start..).unwrap_or_default();
        let foot = body.iter().position(|line| is(line, b'+'));
        let inner = format!("{prefix}> ");
        if let Some(head) = head {
            self.write(content.get(..head).unwrap_or_default(), &inner, depth + 1);
            self.pass.out.line(origin, &inner, "");
        }
        let target = directive.option("link").unwrap_or_default();
        let title = match directive.option("link-type") {
            _ if target.is_empty() || directive.argument.is_empty() => directive.argument.to_owned(),
            Some("ref") => format!("[{}](<#{target}>)", directive.argument),
            _ => format!("[{}](<{target}>)", directive.argument),
        };
        self.label(&title, origin, &inner);
        self.write(body.get(..foot.unwrap_or(body.len())).unwrap_or_default(), &inner, depth + 1);
        if let Some(foot) = foot {
            self.pass.out.line(origin, &inner, "");
            self.write(body.get(foot + 1..).unwrap_or_default(), &inner, depth + 1);
        }
    }

    /// The image, then caption and legend.
    fn figure(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let source = directive.argument;
        let source = source.strip_suffix(".*").unwrap_or(source);
        let source = self.pass.beside_document(source);
        let alt = escaped(directive.option("alt").unwrap_or_default());
        let image = format!("![{alt}](<{source}>)");
        let target = directive.option("target").filter(|target| target.contains("://"));
        let image = target.map_or_else(|| image.clone(), |target| format!("[{image}](<{target}>)"));
        self.pass.out.line(origin, prefix, &image);
        self.pass.out.line(origin, prefix, "");
        if directive.name == "figure" {
            self.write(&directive.content, prefix, depth + 1);
        }
    }

    fn version(&mut self, words: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let (version, text) = directive.argument.split_once(' ').unwrap_or((directive.argument, ""));
        let mut content = directive.content.as_slice();
        while content.first().is_some_and(|line| line.text.trim().is_empty()) {
            content = content.get(1..).unwrap_or_default();
        }
        let end = if text.is_empty() && content.is_empty() { "." } else { ":" };
        let first = match content.first().filter(|_| text.is_empty()) {
            Some(line) if super::is_paragraph(line.text) => {
                content = content.get(1..).unwrap_or_default();
                line.text.trim()
            }
            _ => text.trim(),
        };
        let first = format!("*{words} {version}{end}* {first}");
        let mut lines = vec![Line { text: &first, origin }];
        if !text.is_empty() {
            lines.push(Line { text: "", origin });
        }
        lines.extend_from_slice(content);
        self.write(&lines, prefix, depth + 1);
    }

    fn button(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        let shown: Vec<&str> = directive.content.iter().map(|line| line.text.trim()).collect();
        let shown = shown.join(" ").trim().to_owned();
        let target = directive.argument;
        let text = match (directive.name, directive.option("ref-type")) {
            ("button-link", _) if shown.is_empty() => format!("[{}](<{target}>)", escaped(target)),
            ("button-link", _) => format!("[{shown}](<{target}>)"),
            (_, kind) => {
                let role = if kind == Some("doc") { "doc" } else { "any" };
                let text =
                    if shown.is_empty() { target.to_owned() } else { format!("{} <{target}>", shown.replace('`', "")) };
                format!("{{{role}}}`{text}`")
            }
        };
        self.say(&text, origin, prefix);
    }
}

/// Whether a tag expression of `only` holds where html is made: of `html` and its like, with `and`, `or` and `not`. What
/// has brackets in it is taken to hold.
fn is_of_html(expression: &str) -> bool {
    let is_true = |word: &str| match word.trim().strip_prefix("not ") {
        Some(word) => !matches!(word.trim(), "html" | "builder_html" | "format_html"),
        None => matches!(word.trim(), "html" | "builder_html" | "format_html" | "builder_dirhtml"),
    };
    expression.contains('(') || expression.split(" or ").any(|all| all.split(" and ").all(is_true))
}

/// Directives that read program code when the site is built.
fn is_program_code(name: &str) -> bool {
    let is_auto = name.strip_prefix("auto").is_some_and(|rest| {
        [
            "module",
            "class",
            "function",
            "method",
            "data",
            "attribute",
            "exception",
            "summary",
            "property",
            "decorator",
            "doc",
            "api",
            "program",
        ]
        .into_iter()
        .any(|kind| rest.starts_with(kind))
    });
    let prefixes = ["doxygen", "click", "argparse", "bibliography", "automodapi", "apidoc", "exec", "jinja"];
    is_auto || prefixes.into_iter().any(|prefix| name.starts_with(prefix))
}

/// Directives that describe something of a programming language (Sphinx' domains).
fn is_object(name: &str) -> bool {
    let kind = match name.split_once(':') {
        Some(("py" | "c" | "cpp" | "js" | "rst" | "std", kind)) => kind,
        Some(_) => return false,
        None => name,
    };
    matches!(
        kind,
        "function"
            | "class"
            | "method"
            | "attribute"
            | "data"
            | "exception"
            | "decorator"
            | "property"
            | "classmethod"
            | "staticmethod"
            | "option"
            | "cmdoption"
            | "envvar"
            | "confval"
            | "describe"
            | "object"
            | "macro"
            | "struct"
            | "enum"
            | "enumerator"
            | "member"
            | "var"
            | "type"
            | "union"
            | "directive"
            | "role"
            | "program"
    )
}
