//! `eval-rst`: reStructuredText within Markdown, as far as it can be said in `MyST`: directives, roles, links, targets,
//! comments. What it cannot say stands as it is.

use super::directive::Directive;
use super::{Blocks, Line, MAX_DEPTH, dedented, indentation};

impl Blocks<'_, '_> {
    /// Text, in which blocks that `..` begins are directives, targets or comments.
    pub(super) fn restructured(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let rest = lines.get(at + 1..).unwrap_or_default();
            let margin = indentation(line.text).unwrap_or(0);
            let Some(explicit) =
                line.text.trim_start().strip_prefix("..").filter(|rest| rest.is_empty() || rest.starts_with(' '))
            else {
                let text = in_myst(line.text);
                let (text, is_literal) = match text.strip_suffix("::") {
                    Some(before) => (format!("{before}:").trim_start_matches(':').to_owned(), true),
                    None => (text, false),
                };
                self.say(&text, line.origin, prefix);
                at += 1;
                if is_literal {
                    let length = block(rest, margin);
                    self.pass.out.line(line.origin, prefix, "");
                    self.code("", &content(rest.get(..length).unwrap_or_default()), line.origin, prefix);
                    at += length;
                }
                continue;
            };
            let length = block(rest, margin);
            let body = content(rest.get(..length).unwrap_or_default());
            at += 1 + length;
            self.pass.out.line(line.origin, prefix, "");
            let head = explicit.trim().split_once("::").filter(|(name, _)| !name.contains([' ', '|', '_']));
            let Some((name, argument)) = head.filter(|_| depth < MAX_DEPTH) else { continue };
            let directive = Directive::new(name, argument.trim(), &body);
            if is_parsed(name) {
                self.nested(&directive, line.origin, prefix, depth);
            } else {
                self.directive(&directive, line.origin, prefix, depth);
            }
            self.pass.out.line(line.origin, prefix, "");
        }
    }

    /// A directive whose content is reStructuredText as well.
    fn nested(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str, depth: usize) {
        let argument = in_myst(directive.argument);
        let options = directive.options.clone();
        let own = Directive { name: directive.name, argument: &argument, options, content: Vec::new() };
        self.directive(&own, origin, prefix, depth);
        let is_quote =
            !matches!(directive.name, "figure" | "table" | "rubric" | "only" | "container" | "tab-item" | "tab-set");
        let inner = if is_quote { format!("{prefix}> ") } else { prefix.to_owned() };
        self.pass.out.line(origin, &inner, "");
        self.restructured(&directive.content, &inner, depth + 1);
    }
}

/// Whether the content of a directive is text with markup.
fn is_parsed(name: &str) -> bool {
    matches!(
        name,
        "note"
            | "tip"
            | "hint"
            | "important"
            | "warning"
            | "caution"
            | "attention"
            | "danger"
            | "error"
            | "seealso"
            | "admonition"
            | "topic"
            | "sidebar"
            | "figure"
            | "versionadded"
            | "versionchanged"
            | "deprecated"
            | "table"
            | "rubric"
            | "only"
            | "container"
            | "tab-set"
            | "tab-item"
            | "dropdown"
            | "card"
    )
}

/// How many lines belong to what begins at a margin: those that are deeper.
fn block(lines: &[Line<'_>], margin: usize) -> usize {
    lines.iter().position(|line| indentation(line.text).is_some_and(|indent| indent <= margin)).unwrap_or(lines.len())
}

fn content<'l>(lines: &[Line<'l>]) -> Vec<Line<'l>> {
    let indent = lines.iter().filter_map(|line| indentation(line.text)).min().unwrap_or(0);
    lines.iter().map(|line| dedented(*line, indent)).collect()
}

/// A line in Markdown: roles with their names in braces, ``text <url>`__ `` as links.
fn in_myst(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let (before, span) = (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default());
        if let Some(inner) = span.strip_prefix("``") {
            let end = inner.find("``").map_or(span.len(), |end| end + 4);
            out.push_str(before);
            out.push_str(span.get(..end).unwrap_or_default());
            rest = span.get(end..).unwrap_or_default();
            continue;
        }
        let Some(end) = span.get(1..).and_then(|inner| inner.find('`')).map(|end| end + 2) else { break };
        let text = span.get(1..end - 1).unwrap_or_default();
        let after = span.get(end..).unwrap_or_default();
        let role = before.strip_suffix(':').and_then(|before| {
            let start = before.rfind(':')?;
            let name = before.get(start + 1..)?;
            let is_name =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte));
            is_name.then(|| (before.get(..start).unwrap_or_default(), name))
        });
        let target = text.rsplit_once('<').and_then(|(title, url)| Some((title.trim(), url.strip_suffix('>')?)));
        if let Some((before, name)) = role {
            out.push_str(before);
            out.extend(["{", name, "}`", text, "`"]);
        } else if let Some((title, url)) = target.filter(|_| after.starts_with('_')) {
            out.push_str(before);
            out.extend(["[", title, "](<", url, ">)"]);
        } else {
            out.push_str(before);
            out.push_str(if after.starts_with('_') { text } else { span.get(..end).unwrap_or_default() });
        }
        rest = after.trim_start_matches('_');
    }
    out.push_str(rest);
    out
}
