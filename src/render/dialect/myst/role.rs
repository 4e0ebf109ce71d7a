//! Within a line: roles, substitutions, attributes, and links that take their text from what they lead to.

use std::borrow::Cow;

use super::super::files::resolved;
use super::super::{Context, Out};
use crate::page::DocPath;
use crate::site::sphinx::Sphinx;

/// Rewrites one line of prose; code within it stays.
pub(super) fn rewrite<'l>(
    line: &'l str,
    origin: u32,
    rules: &Sphinx,
    context: &Context<'_>,
    out: &mut Out,
) -> Cow<'l, str> {
    if !line.contains(['{', '[', '<']) {
        return Cow::Borrowed(line);
    }
    let mut inline = Inline { rules, context, out, origin };
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let taken = match rest.as_bytes()[0] {
            b'`' => Some((code(rest).to_owned(), code(rest).len())),
            b'\\' => {
                let escaped = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                Some((rest[..escaped].to_owned(), escaped))
            }
            b'{' => inline.braces(rest, &text),
            b'[' => inline.link(rest),
            b'<' => inline.autolink(rest),
            _ => {
                let end = rest.find(['`', '\\', '{', '[', '<']).unwrap_or(rest.len());
                Some((rest[..end].to_owned(), end))
            }
        };
        match taken {
            Some((written, length)) if length > 0 => {
                text.push_str(&written);
                at += length;
            }
            _ => {
                text.push_str(&rest[..1]);
                at += 1;
            }
        }
    }
    Cow::Owned(text)
}

struct Inline<'a> {
    rules: &'a Sphinx,
    context: &'a Context<'a>,
    out: &'a mut Out,
    origin: u32,
}

type Written = Option<(String, usize)>;

/// A code span, with its signs.
fn code(rest: &str) -> &str {
    let rest = head(rest);
    let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
    let mut at = ticks;
    while let Some(open) = rest[at..].find('`').map(|open| at + open) {
        let length = rest[open..].bytes().take_while(|byte| *byte == b'`').count();
        at = open + length;
        if length == ticks {
            return &rest[..at];
        }
    }
    &rest[..ticks]
}

/// As far as what begins here may reach.
fn head(text: &str) -> &str {
    let mut end = text.len().min(2_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Inline<'_> {
    /// A role, a substitution, or attributes of what stands before.
    fn braces(&mut self, rest: &str, before: &str) -> Written {
        let near = head(rest);
        if let Some(inner) = near.strip_prefix("{{") {
            let end = inner.find("}}")?;
            let name = inner[..end].trim();
            let text = self.rules.substitutions.get(name).cloned();
            if text.is_none() {
                let message = format!("the substitution `{name}` is not known; it is left out");
                self.out.warn("unknown_construct", self.origin, message);
            }
            return Some((text.unwrap_or_default(), end + 4));
        }
        let end = near.find('}')?;
        let name = &near[1..end];
        let after = &near[end + 1..];
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte));
        if is_name && after.starts_with('`') {
            let span = code(after);
            let inner = span.trim_matches('`').trim();
            return Some((self.role(name, inner, span), end + 1 + span.len()));
        }
        let is_attributes = name.starts_with(['.', '#']) || name.contains('=');
        (is_attributes && before.ends_with([']', '`', ')'])).then(|| (String::new(), end + 1))
    }

    fn role(&mut self, name: &str, text: &str, span: &str) -> String {
        let (title, target) = match text.rsplit_once('<').and_then(|(t, r)| Some((t.trim(), r.strip_suffix('>')?))) {
            Some((title, target)) if !title.is_empty() => (Some(title), target.trim()),
            _ => (None, text),
        };
        // `~a.b.c` shows `c`, `!a` is no reference.
        let shown = title.unwrap_or_else(|| match target.strip_prefix('~') {
            Some(rest) => rest.rsplit('.').next().unwrap_or(rest),
            None => target.trim_start_matches('!'),
        });
        match name {
            "ref" | "numref" | "myst:ref" | "std:ref" => self.labelled(title, target),
            "doc" | "std:doc" => self.document(title, target),
            "kbd" => format!("<kbd>{text}</kbd>"),
            "sub" | "subscript" => format!("<sub>{text}</sub>"),
            "sup" | "superscript" => format!("<sup>{text}</sup>"),
            "abbr" | "abbreviation" => text.split(" (").next().unwrap_or(text).to_owned(),
            "emphasis" => format!("*{text}*"),
            "strong" | "command" | "dfn" => format!("**{text}**"),
            "guilabel" | "menuselection" | "term" | "download" | "index" | "eq" | "cite" | "cite:p" | "cite:t"
            | "bdg" | "octicon" | "any" | "external" | "octicons" | "html" | "button-ref" => {
                let has_picture = matches!(name, "octicon" | "octicons");
                if has_picture { String::new() } else { shown.replace('&', "&amp;").replace("--&gt;", "→") }
            }
            "pep" => format!("[PEP {shown}](https://peps.python.org/pep-{shown:0>4}/)"),
            "rfc" => format!("[RFC {shown}](https://datatracker.ietf.org/doc/html/rfc{shown}.html)"),
            name if name.starts_with("bdg-") => shown.to_owned(),
            name if name.starts_with("fa") || name.starts_with("material") => String::new(),
            "code" | "literal" | "file" | "samp" | "program" | "option" | "envvar" | "math" | "regexp" | "makevar"
            | "token" | "keyword" | "mimetype" | "newsgroup" | "class" | "func" | "meth" | "mod" | "attr" | "exc"
            | "obj" | "data" | "const" => format!("`{shown}`"),
            name if name.contains(':') => format!("`{shown}`"),
            name => {
                self.out.warn(
                    "unknown_construct",
                    self.origin,
                    format!("`{{{name}}}` role is not understood; its text is kept"),
                );
                if title.is_some() { shown.to_owned() } else { span.to_owned() }
            }
        }
    }

    /// A reference to a name that some document gives to a place in it.
    fn labelled(&mut self, title: Option<&str>, name: &str) -> String {
        let label = self.context.asking.label(name).or_else(|| self.context.asking.label(&name.to_lowercase()));
        let Some(label) = label else {
            self.out.warn("dead_link", self.origin, format!("no document has the label `{name}`"));
            return title.unwrap_or(name).to_owned();
        };
        let shown = title.map(str::to_owned).or(label.title).unwrap_or_else(|| name.to_owned());
        label.url.map_or_else(|| shown.clone(), |url| format!("[{shown}](<{url}>)"))
    }

    /// A reference to a document by its name without suffix.
    fn document(&mut self, title: Option<&str>, target: &str) -> String {
        let base = if target.starts_with('/') { self.rules.folder.as_str() } else { self.context.path.dir() };
        let path = resolved(base, target.trim_start_matches('/'));
        let named =
            path.into_iter().flat_map(|path| ["", ".md", ".rst"].map(|suffix| DocPath::new(format!("{path}{suffix}"))));
        let asking = self.context.asking;
        let found = named.into_iter().find(|path| asking.page_url(path).is_some() || asking.page_title(path).is_some());
        let Some(path) = found else {
            self.out.warn("dead_link", self.origin, format!("`{target}` is no document"));
            return title.unwrap_or(target).to_owned();
        };
        let shown = title.map(str::to_owned).or_else(|| asking.page_title(&path)).unwrap_or_else(|| target.to_owned());
        asking.page_url(&path).map_or_else(|| shown.clone(), |url| format!("[{shown}](<{url}>)"))
    }

    /// A link without a text, or to a name of a place; a text with attributes.
    fn link(&mut self, rest: &str) -> Written {
        let near = head(rest);
        if let Some(end) = near.find(']')
            && near[end + 1..].starts_with("{.")
            && let Some(close) = near[end..].find('}')
        {
            return Some((near[1..end].to_owned(), end + close + 1));
        }
        let middle = near.find("](")?;
        let text = &near[1..middle];
        let end = middle + 2 + near[middle + 2..].find(')')?;
        let target = near[middle + 2..end].trim().trim_start_matches('<').trim_end_matches('>');
        if text.contains('[') || text.contains('`') && !text.is_empty() && !target.starts_with(['#', 'i']) {
            return None;
        }
        let title = (!text.is_empty()).then_some(text);
        if target.starts_with("inv:") || target.starts_with("myst:") {
            let shown = title.unwrap_or_else(|| target.rsplit([':', '#']).next().unwrap_or(target));
            return Some((shown.to_owned(), end + 1));
        }
        let target = target.strip_prefix("project:").unwrap_or(target);
        if let Some(name) = target.strip_prefix('#')
            && let Some(label) = self.context.asking.label(name)
        {
            let shown = title.map(str::to_owned).or(label.title).unwrap_or_else(|| name.to_owned());
            let written = label.url.map_or_else(|| shown.clone(), |url| format!("[{shown}](<{url}>)"));
            return Some((written, end + 1));
        }
        if title.is_some() || target.starts_with('#') || target.contains("://") {
            return None;
        }
        let path = target.split('#').next().unwrap_or_default();
        let path = resolved(self.context.path.dir(), path)?;
        let shown = self.context.asking.page_title(&path).unwrap_or_else(|| target.to_owned());
        Some((format!("[{shown}](<{target}>)"), end + 1))
    }

    /// `<project:x.md>`, `<inv:x>`, `<doc:x>`.
    fn autolink(&mut self, rest: &str) -> Written {
        let near = head(rest);
        let end = near.find('>')?;
        let target = &near[1..end];
        if let Some(inventory) = target.strip_prefix("inv:") {
            return Some((inventory.rsplit([':', '#']).next().unwrap_or(inventory).to_owned(), end + 1));
        }
        let target = target.strip_prefix("project:").or_else(|| target.strip_prefix("path:"))?;
        let (written, _) = self.link(&format!("[]({target})")).unwrap_or_else(|| (target.to_owned(), 0));
        Some((written, end + 1))
    }
}
