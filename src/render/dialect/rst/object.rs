//! Descriptions of objects (`.. function::`, `.. option::`, …): their signatures as readers see them, and the fields that
//! say what parameters mean.

use super::directive::Directive;
use super::inline::{Form, Written, escaped};
use super::{Blocks, Line, dedented, is_explicit, trimmed};

/// What Sphinx' domains describe; `setting`, `confval` and the like are made by many a `conf.py`.
const KINDS: &[&str] = &[
    "function",
    "class",
    "data",
    "exception",
    "method",
    "classmethod",
    "staticmethod",
    "attribute",
    "property",
    "decorator",
    "decoratormethod",
    "describe",
    "object",
    "option",
    "cmdoption",
    "envvar",
    "confval",
    "setting",
    "macro",
    "member",
    "var",
    "type",
    "struct",
    "union",
    "enum",
    "enumerator",
    "enum-class",
    "enum-struct",
    "alias",
    "concept",
    "directive",
    "role",
    "directive:option",
    "signal",
    "command",
    "event",
    "fixture",
    "templatetag",
    "templatefilter",
    "fieldlookup",
];

/// Kinds of fields, by the names that they have in source ("Info field lists").
const FIELDS: &[(&[&str], &str)] = &[
    (&["param", "parameter", "arg", "argument", "key", "keyword", "kwarg"], "Parameters"),
    (&["var", "ivar", "cvar"], "Variables"),
    (&["raises", "raise", "except", "exception"], "Raises"),
    (&["returns", "return"], "Returns"),
    (&["rtype"], "Return type"),
    (&["type", "vartype"], ""),
    (&["meta"], ""),
];

/// Whether a directive describes an object.
pub(super) fn is_object(name: &str) -> bool {
    let kind = match name.split_once(':') {
        Some(("py" | "c" | "cpp" | "js" | "rst" | "std", kind)) => kind,
        Some(_) => return false,
        None => name,
    };
    KINDS.contains(&kind)
}

/// The lines of the fields that stand first, if they are of an object's description.
pub(super) fn fields(lines: &[Line<'_>]) -> Option<usize> {
    let first = lines.first()?;
    let indent = first.indent();
    kind(first.text.trim_start())?;
    let is_inside = |line: &&Line<'_>| {
        line.is_blank() || line.indent() > indent || line.indent() == indent && kind(line.text.trim_start()).is_some()
    };
    let length = lines.iter().take_while(is_inside).count();
    Some(super::trimmed_end(&lines[..length]).max(1))
}

/// `:param type name: text` → the heading, `type name`, text.
fn kind(text: &str) -> Option<(&'static str, &str, &str, &str)> {
    let (head, rest) = text.strip_prefix(':')?.split_once(':')?;
    if rest.starts_with('`') {
        return None;
    }
    let (word, argument) = head.split_once(' ').unwrap_or((head, ""));
    let (_, heading) = FIELDS.iter().find(|(words, _)| words.contains(&word))?;
    Some((heading, word, argument.trim(), rest.trim()))
}

impl Blocks<'_> {
    pub(super) fn object(&mut self, name: &str, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let signatures = std::iter::once(directive.argument)
            .chain(directive.more.iter().map(|line| line.text.trim()))
            .filter(|signature| !signature.is_empty())
            .map(|signature| self.signature(name, signature, directive));
        let signatures: Vec<String> = signatures.collect();
        let content = trimmed(&directive.content);
        let last = signatures.len().saturating_sub(1);
        self.out.line(origin, prefix, "");
        for (at, signature) in signatures.into_iter().enumerate() {
            let written = Written::Literal(signature).markup(Form::Free);
            self.out.line(origin, prefix, &written);
            if at < last || content.is_empty() {
                self.out.line(origin, prefix, "");
            }
        }
        if content.is_empty() {
            return;
        }
        // A description that begins with a text is a definition; another one is a quote.
        if content.first().is_some_and(|line| is_explicit(line.text) || kind(line.text).is_some()) {
            self.out.line(origin, prefix, "");
        }
        let is_class = name.ends_with("class") && !name.ends_with("classmethod") || name.ends_with("exception");
        self.classes += usize::from(is_class);
        let inner = format!("{prefix}    ");
        self.write(content, &inner, depth + 1);
        self.classes -= usize::from(is_class);
        self.out.line(origin, prefix, "");
    }

    /// A signature as Sphinx shows it: Python's objects with their module (`add_module_names`) and what they are.
    fn signature(&self, name: &str, signature: &str, directive: &Directive<'_>) -> String {
        let (domain, kind) = name.split_once(':').unwrap_or(("py", name));
        if domain == "rst" {
            return match kind {
                "directive" => format!(".. {signature}::"),
                "role" => format!(":{signature}:"),
                _ => signature.to_owned(),
            };
        }
        let is_python = domain == "py"
            && matches!(
                kind,
                "function"
                    | "class"
                    | "data"
                    | "exception"
                    | "method"
                    | "classmethod"
                    | "staticmethod"
                    | "attribute"
                    | "property"
                    | "decorator"
                    | "decoratormethod"
            );
        if !is_python {
            return signature.to_owned();
        }
        let shows_module = self.conf("add_module_names").and_then(serde_json::Value::as_bool).unwrap_or(true);
        let module = directive.option("module").unwrap_or(&self.module);
        let is_qualified =
            !module.is_empty() && signature.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'));
        let mut shown = String::new();
        for (option, word) in
            [("abstractmethod", "abstract "), ("abstract", "abstract "), ("async", "async "), ("static", "static ")]
        {
            if directive.option(option).is_some() {
                shown.push_str(word);
            }
        }
        shown.push_str(match kind {
            "class" => "class ",
            "exception" => "exception ",
            "classmethod" => "classmethod ",
            "staticmethod" => "static ",
            "property" => "property ",
            "decorator" | "decoratormethod" => "@",
            _ => "",
        });
        if shows_module && !module.is_empty() && !is_qualified && self.classes == 0 {
            shown.push_str(module);
            shown.push('.');
        }
        shown.push_str(&signature.replace(" -> ", " → "));
        for (option, sign) in [("type", ": "), ("value", " = "), ("annotation", " ")] {
            if let Some(value) = directive.option(option) {
                shown.push_str(sign);
                shown.push_str(value);
            }
        }
        shown
    }

    /// Fields, each kind under its heading.
    pub(super) fn fields(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let indent = lines.first().map_or(0, Line::indent);
        let prefix = format!("{prefix}{}", " ".repeat(indent));
        let starts: Vec<usize> =
            (0..lines.len()).filter(|at| lines[*at].indent() == indent && !lines[*at].is_blank()).collect();
        let mut open = "";
        for (n, start) in starts.iter().enumerate() {
            let field = &lines[*start..starts.get(n + 1).copied().unwrap_or(lines.len())];
            let Some(first) = field.first() else { continue };
            let Some((heading, word, argument, text)) = kind(first.text.trim_start()) else { continue };
            if heading.is_empty() {
                // The type of a parameter stands with it as Sphinx has it; of one that is not described, it says nothing.
                continue;
            }
            if heading != open {
                self.out.line(first.origin, &prefix, "");
                self.out.line(first.origin, &prefix, &format!("**{heading}**"));
                self.out.line(first.origin, &prefix, "");
                open = heading;
            }
            let shown = match (argument.rsplit_once(' '), heading) {
                _ if argument.is_empty() => String::new(),
                (_, "Returns" | "Return type") => String::new(),
                (Some((of_type, name)), "Parameters" | "Variables") => {
                    format!("**{}** ({})", escaped(name), escaped(of_type))
                }
                (None, "Parameters" | "Variables") => {
                    let of_type = type_of(lines, word, argument).map(|of_type| format!(" ({})", escaped(&of_type)));
                    format!("**{}**{}", escaped(argument), of_type.unwrap_or_default())
                }
                _ => Written::Literal(argument.trim_start_matches(['~', '.']).to_owned()).markup(Form::Free),
            };
            let dash = if shown.is_empty() || text.is_empty() { "" } else { " – " };
            let more = dedented(field.get(1..).unwrap_or_default());
            let length = more.iter().take_while(|line| !line.is_blank()).count();
            let joined = std::iter::once(text).chain(more[..length].iter().map(|line| line.text.trim()));
            let written = self.inline(joined.collect::<Vec<_>>().join(" ").trim(), first.origin, Form::Free);
            self.out.line(first.origin, &prefix, &format!("* {shown}{dash}{written}"));
            let inner = format!("{prefix}  ");
            self.write(&more[length..], &inner, depth + 1);
        }
        let origin = lines.last().map_or(1, |line| line.origin);
        self.out.line(origin, &prefix, "");
    }
}

/// What `:type name:` says of a parameter.
fn type_of(lines: &[Line<'_>], word: &str, name: &str) -> Option<String> {
    const MAX_LINES: usize = 200;
    let wanted = if word.ends_with("var") { "vartype" } else { "type" };
    lines.iter().take(MAX_LINES).find_map(|line| match kind(line.text.trim_start()) {
        Some((_, word, argument, text)) if word == wanted && argument == name => Some(text.to_owned()),
        _ => None,
    })
}
