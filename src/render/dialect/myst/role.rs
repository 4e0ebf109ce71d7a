//! Within a paragraph: roles, substitutions, attributes, mathematics, and links that only Sphinx understands.

use super::{Line, Pass};

/// Substitutions within substitutions, and links within links, at most.
const MAX_DEPTH: usize = 4;

/// Rewrites the lines of one paragraph; code within it stays. What stands over the end of a line comes onto the first.
pub(super) fn rewrite(lines: &[Line<'_>], pass: &mut Pass<'_>) -> Vec<(String, u32)> {
    let is_plain = |line: &Line<'_>| !line.text.contains(['{', '[', '<', '$']);
    if lines.iter().all(is_plain) {
        return lines.iter().map(|line| (line.text.to_owned(), line.origin)).collect();
    }
    let origin = |line: usize| lines.get(line).or(lines.last()).map_or(0, |line| line.origin);
    let source = lines.iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    let mut inline = Inline { pass, origin: origin(0), depth: 0 };
    let mut written = Vec::with_capacity(lines.len());
    let (mut text, mut begins, mut line) = (String::new(), 0, 0);
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with('\n') {
            written.push((std::mem::take(&mut text), origin(begins)));
            (line, at) = (line + 1, at + 1);
            begins = line;
            continue;
        }
        inline.origin = origin(line);
        let length = inline.step(rest, &mut text);
        line += rest.get(..length).unwrap_or_default().matches('\n').count();
        at += length;
    }
    written.push((text, origin(begins)));
    written
}

/// What `replacements` puts in the place of what, beyond quotes, dashes and dots.
const REPLACEMENTS: &[(&str, &str)] =
    &[("(c)", "©"), ("(C)", "©"), ("(r)", "®"), ("(R)", "®"), ("(tm)", "™"), ("(TM)", "™"), ("+-", "±")];

/// Whether a text in braces gives attributes to what stands beside it.
pub(super) fn is_attributes(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else { return false };
    let starts = inner.trim_start();
    !inner.contains(['{', '}', '`'])
        && (starts.starts_with(['#', '.', '%'])
            || starts.split_once('=').is_some_and(|(key, _)| {
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte))
            }))
}

/// The place within a paragraph that is read.
pub(super) struct Inline<'p, 'a> {
    pub(super) pass: &'p mut Pass<'a>,
    pub(super) origin: u32,
    depth: usize,
}

/// What becomes of a construct, and its length in the source.
pub(super) type Written = Option<(String, usize)>;

/// A code span, with its signs.
fn code(rest: &str) -> &str {
    let rest = head(rest);
    let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
    let mut at = ticks;
    while let Some(open) = rest.get(at..).and_then(|rest| rest.find('`')).map(|open| at + open) {
        let length = rest.bytes().skip(open).take_while(|byte| *byte == b'`').count();
        at = open + length;
        if length == ticks {
            return rest.get(..at).unwrap_or_default();
        }
    }
    rest.get(..ticks).unwrap_or_default()
}

/// As far as what begins here may reach.
pub(super) fn head(text: &str) -> &str {
    let mut end = text.len().min(2_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Text that means itself in Markdown.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '_' | '[' | ']' | '<' | '`' | '\\' | '~' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Text, in which urls that stand by themselves are links.
fn linked(text: &str, is_apart: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let (before, url) = (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default());
        let is_word = before.chars().last().map_or(out.is_empty() && is_apart, char::is_whitespace);
        let length = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '>' | '|')).unwrap_or(url.len());
        let found =
            url.get(..length).unwrap_or_default().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '*', '_']);
        let is_url =
            found.strip_prefix("https://").or(found.strip_prefix("http://")).is_some_and(|rest| !rest.is_empty());
        out.push_str(before);
        let taken = if is_word && is_url {
            out.extend(["<", found, ">"]);
            found.len()
        } else {
            out.push_str("http");
            4
        };
        rest = url.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Text as code.
fn as_code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

impl Inline<'_, '_> {
    /// Writes what stands at the start of `rest`, and says how long it is there: at least one character.
    fn step(&mut self, rest: &str, text: &mut String) -> usize {
        let first = rest
            .as_bytes()
            .first()
            .filter(|byte| **byte == b'\\' || self.pass.patience > 0 || !byte.is_ascii_punctuation());
        let taken = match first {
            Some(b'`') => Some((code(rest).replace('\n', " "), code(rest).len())),
            Some(b'\\') => {
                let escaped = 1 + rest.chars().nth(1).filter(|c| *c != '\n').map_or(0, char::len_utf8);
                Some((rest.get(..escaped).unwrap_or_default().to_owned(), escaped))
            }
            Some(b'{') => self.braces(rest, text),
            Some(b'[') => self.link(rest, text),
            Some(b'<') => self.autolink(rest),
            Some(b'$') => self.dollars(rest),
            _ => {
                let first = rest.chars().next().map_or(0, char::len_utf8);
                let end = rest.get(first..).and_then(|rest| rest.find(['`', '\\', '{', '[', '<', '$', '\n']));
                let end = end.map_or(rest.len(), |end| first + end);
                let is_apart = text.is_empty() || text.ends_with(char::is_whitespace);
                Some((self.plain(rest.get(..end).unwrap_or_default(), is_apart), end))
            }
        };
        if let Some((written, length)) = taken.filter(|(_, length)| *length > 0) {
            text.push_str(&written);
            return length;
        }
        self.pass.patience = self.pass.patience.saturating_sub(head(rest).len());
        let length = rest.chars().next().map_or(1, char::len_utf8);
        text.push_str(rest.get(..length).unwrap_or_default());
        length
    }

    /// Text without a construct, as the extensions `linkify` and `replacements` have it.
    fn plain(&self, text: &str, is_apart: bool) -> String {
        let rules = self.pass.rules;
        let mut out =
            if text.contains("://") && rules.has_surely("linkify") { linked(text, is_apart) } else { text.to_owned() };
        if rules.has_surely("replacements") && (out.contains('(') || out.contains("+-")) {
            for (written, meant) in REPLACEMENTS {
                out = out.replace(written, meant);
            }
        }
        out
    }

    /// A text within a construct, rewritten as well.
    pub(super) fn inner(&mut self, source: &str) -> String {
        if self.depth >= MAX_DEPTH {
            return source.to_owned();
        }
        self.depth += 1;
        let (mut text, mut at) = (String::new(), 0);
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with('\n') {
                text.push(' ');
                at += 1;
            } else {
                at += self.step(rest, &mut text);
            }
        }
        self.depth -= 1;
        text
    }

    pub(super) fn warn(&mut self, code: &str, message: String) {
        self.pass.out.warn(code, self.origin, message);
    }

    /// A role, a substitution, or attributes of what stands before.
    fn braces(&mut self, rest: &str, before: &str) -> Written {
        let near = head(rest);
        if let Some(inner) = near.strip_prefix("{{").filter(|_| self.pass.rules.has("substitution")) {
            let end = inner.find("}}")?;
            return Some((self.substitution(inner.get(..end)?.trim()), end + 4));
        }
        let end = near.find('}')?;
        let name = near.get(1..end)?;
        let after = near.get(end + 1..)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte));
        if is_name && after.starts_with('`') {
            let span = code(after);
            let ticks = span.bytes().take_while(|byte| *byte == b'`').count();
            let inner = span.get(ticks..span.len().saturating_sub(ticks)).unwrap_or_default();
            let inner = inner.split_whitespace().collect::<Vec<_>>().join(" ");
            return Some((self.role(name, &inner), end + 1 + span.len()));
        }
        let follows = before.ends_with([']', '`', ')', '>', '*', '_', '~']);
        (follows && is_attributes(near.get(..=end)?)).then(|| (String::new(), end + 1))
    }

    fn substitution(&mut self, name: &str) -> String {
        let found = self.pass.substitutions.get(name);
        if found.is_some_and(|text| !self.pass.substitutes(text)) {
            self.warn("unknown_construct", format!("the substitution `{name}` is one too many; it is left out"));
            return String::new();
        }
        match found {
            Some(text) if text.trim().contains("\n\n") => text.replace('\n', " "),
            Some(text) => {
                let text = text.trim().to_owned();
                self.inner(&text)
            }
            None => {
                self.warn("unknown_construct", format!("the substitution `{name}` is not known; it is left out"));
                String::new()
            }
        }
    }

    /// `$…$` and `$$…$$`, as code: no sign in them means anything in Markdown.
    fn dollars(&mut self, rest: &str) -> Written {
        if !self.pass.rules.has("dollarmath") {
            return None;
        }
        let near = head(rest);
        let fence = if near.starts_with("$$") { "$$" } else { "$" };
        let inner = near.get(fence.len()..)?;
        let mut at = 0;
        loop {
            let found = at + inner.get(at..)?.find(fence)?;
            let is_escaped = inner.get(..found)?.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
            if !is_escaped {
                let text = inner.get(..found)?.trim();
                let has_words = !text.is_empty() && !text.starts_with('`');
                return has_words.then(|| (as_code(&text.replace('\n', " ")), found + 2 * fence.len()));
            }
            at = found + 1;
        }
    }

    fn role(&mut self, name: &str, text: &str) -> String {
        let (title, target) = match text.rsplit_once('<').and_then(|(t, r)| Some((t.trim(), r.strip_suffix('>')?))) {
            Some((title, target)) if !title.is_empty() => (Some(title), target.trim()),
            _ => (None, text),
        };
        // `~a.b.c` shows `c`, `!a` is no reference.
        let shown = title.unwrap_or_else(|| match target.strip_prefix('~') {
            Some(rest) => rest.rsplit('.').next().unwrap_or(rest),
            None => target.trim_start_matches('!'),
        });
        let local = name.strip_prefix("std:").or_else(|| name.strip_prefix("myst:")).unwrap_or(name);
        match local {
            "ref" | "keyword" => self.labelled(title, target),
            "numref" => self.numbered(title, target),
            "doc" => self.document(title, target),
            "any" => self.anything(title, target),
            "eq" | "math:numref" => match self.pass.equations.number(target) {
                Some(number) => format!("({number})"),
                None => escaped(target),
            },
            "sub-ref" => self.sub_reference(target),
            "kbd" => format!("<kbd>{}</kbd>", escaped(text)),
            "sub" | "subscript" => format!("<sub>{}</sub>", escaped(text)),
            "sup" | "superscript" => format!("<sup>{}</sup>", escaped(text)),
            "abbr" | "abbreviation" => escaped(text.split(" (").next().unwrap_or(text)),
            "emphasis" | "dfn" | "title" | "title-reference" => format!("*{text}*"),
            "strong" | "command" | "program" => format!("**{text}**"),
            "guilabel" | "menuselection" => {
                let text = shown.replace("-->", "‣").replace("&&", "\u{1}").replace('&', "").replace('\u{1}', "&");
                escaped(&text)
            }
            "file" | "samp" => as_code(&shown.replace(['{', '}'], "")),
            "pep" => format!(
                "[{}](https://peps.python.org/pep-{target:0>4}/)",
                title.map_or_else(|| format!("PEP {target}"), escaped)
            ),
            "rfc" => format!(
                "[{}](https://datatracker.ietf.org/doc/html/rfc{target}.html)",
                title.map_or_else(|| format!("RFC {target}"), escaped)
            ),
            "cve" | "cwe" => escaped(&format!("{}-{shown}", name.to_uppercase())),
            "func" | "meth" | "py:func" | "py:meth" | "c:func" | "cpp:func" | "js:func" | "js:meth"
                if title.is_none() =>
            {
                as_code(&format!("{}()", shown.trim_end_matches("()")))
            }
            "download" | "index" | "term" | "button-ref" | "button-link" => {
                if local == "download" {
                    as_code(shown)
                } else {
                    escaped(shown)
                }
            }
            "raw-html" | "html" => escaped(shown),
            "code" | "literal" | "option" | "envvar" | "math" | "regexp" | "makevar" | "token" | "mimetype"
            | "newsgroup" | "class" | "mod" | "attr" | "exc" | "obj" | "data" | "const" | "func" | "meth"
            | "confval" | "property" | "deco" => as_code(shown),
            local => self.of_extension(local, name, shown, target, title),
        }
    }

    /// The roles of extensions, and those of no extension that is known here.
    fn of_extension(&mut self, local: &str, name: &str, shown: &str, target: &str, title: Option<&str>) -> String {
        if local.starts_with("bdg-ref") {
            return self.anything(title, target);
        }
        if local.starts_with("bdg-link") && target.contains("://") {
            return format!("[{}](<{target}>)", escaped(shown));
        }
        if local.starts_with("bdg") {
            return escaped(shown);
        }
        // Pictures.
        let is_picture =
            |prefix: &str| local == prefix || local.strip_prefix(prefix).is_some_and(|rest| rest.len() < 12);
        if ["octicon", "fa", "material", "iconify"].into_iter().any(is_picture) {
            return String::new();
        }
        if let Some(rest) = local.strip_prefix("external") {
            let kind = rest.rsplit(':').next().unwrap_or_default();
            return if matches!(kind, "ref" | "doc" | "term") { escaped(shown) } else { as_code(shown) };
        }
        if local.starts_with("cite") {
            self.warn(
                "unknown_construct",
                format!("`{{{name}}}` cites `{target}`: bibliographies are not read; its key is kept"),
            );
            return escaped(target);
        }
        if local.contains(':') {
            return as_code(shown);
        }
        self.warn("unknown_construct", format!("`{{{name}}}` role is not understood; its text is kept"));
        if title.is_some() { escaped(shown) } else { as_code(shown) }
    }

    /// `sub-ref`: a substitution by name, or what Sphinx itself says under `|version|` and `|release|`.
    fn sub_reference(&mut self, name: &str) -> String {
        let own = self.pass.rules.versions.get(name).map(|text| escaped(text));
        own.unwrap_or_else(|| self.substitution(name))
    }
}
