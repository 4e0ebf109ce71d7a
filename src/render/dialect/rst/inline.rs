//! Within a paragraph: interpreted text and its roles, substitutions; literals and references stay as they stand.

use super::Blocks;

/// Interpreted text is no longer than this.
const MAX_BYTES: usize = 600;

/// What may be written in place of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Anything.
    Free,
    /// Nothing that is wider than what stands there (tables).
    Narrow,
    /// Text without links.
    Plain,
}

/// What a role comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Text(String),
    Literal(String),
    Strong(String),
    Emphasis(String),
    Link(String, String),
    /// Markup that every converter understands.
    Markup(String),
}

impl Written {
    pub(super) fn markup(self, form: Form) -> String {
        match self {
            Self::Text(text) => escaped(&text),
            Self::Literal(text) => literal(&text),
            Self::Strong(text) => wrapped("**", &text),
            Self::Emphasis(text) => wrapped("*", &text),
            Self::Link(text, _) if form == Form::Plain => escaped(&text),
            Self::Link(text, url) => link(&text, &url),
            Self::Markup(text) => text,
        }
    }
}

impl Blocks<'_> {
    /// Rewrites text that may be of several lines.
    pub(super) fn inline(&mut self, text: &str, origin: u32, form: Form) -> String {
        let mut written = String::with_capacity(text.len());
        // Blanks that are owed up to the end of a table's cell.
        let mut owed = 0;
        let (mut at, mut counted, mut line) = (0, 0, origin);
        while let Some(first) = text[at..].chars().next() {
            let rest = &text[at..];
            let before = text[..at].chars().next_back();
            line = line.saturating_add(u32::try_from(text[counted..at].matches('\n').count()).unwrap_or_default());
            counted = at;
            let found = match first {
                '\\' => {
                    let next = rest[1..].chars().next().map_or(0, char::len_utf8);
                    written.push_str(&rest[..=next]);
                    at += 1 + next;
                    continue;
                }
                '`' if rest.starts_with("``") => {
                    let length = rest[2..].find("``").map_or(2, |end| end + 4);
                    // A third sign belongs to the literal.
                    let length = length + rest[length..].bytes().take_while(|byte| *byte == b'`').count();
                    written.push_str(&rest[..length]);
                    at += length;
                    continue;
                }
                '`' if may_begin(before) => self.interpreted(rest, line),
                ':' if may_begin(before) => self.prefixed(rest, line),
                '|' if may_begin(before) => self.substitution(rest, line),
                _ => None,
            };
            if let Some((new, length)) = found {
                let new = new.markup(form);
                if form == Form::Narrow {
                    let (fitting, rest) = self.fitting(new, &text[at..at + length]);
                    written.push_str(&fitting);
                    owed += rest;
                } else {
                    written.push_str(&new);
                }
                at += length;
                continue;
            }
            if owed > 0 && (rest.starts_with("  ") || rest.starts_with(" |") || rest.starts_with(" +") || first == '|')
            {
                written.extend(std::iter::repeat_n(' ', owed));
                owed = 0;
            }
            let length = first.len_utf8() + plain(&rest[first.len_utf8()..]);
            // Where blanks are owed, each place may be the cell's end.
            let length = if owed > 0 { first.len_utf8() } else { length };
            written.push_str(&rest[..length]);
            at += length;
        }
        written
    }

    /// `` `text` `` without a role before it.
    fn interpreted(&mut self, rest: &str, line: u32) -> Option<(Written, usize)> {
        let (content, length) = span(rest)?;
        let after = &rest[length..];
        if after.starts_with('_') {
            return Some((Written::Markup(format!("{}_", &rest[..length])), length + 1));
        }
        if let Some(name) = role_name(after) {
            let written = self.role(name, &joined(content), line);
            return Some((written, length + name.len() + 2));
        }
        match self.default_role.clone().as_str() {
            "" => Some((Written::Emphasis(unescaped(&joined(content))), length)),
            role => Some((self.role(role, &joined(content), line), length)),
        }
    }

    /// `` :role:`text` ``.
    fn prefixed(&mut self, rest: &str, line: u32) -> Option<(Written, usize)> {
        let name = role_name(rest)?;
        let start = name.len() + 2;
        let (content, length) = span(rest.get(start..)?)?;
        Some((self.role(name, &joined(content), line), start + length))
    }

    /// `|name|`, where Sphinx knows it and the text does not define it.
    fn substitution(&mut self, rest: &str, line: u32) -> Option<(Written, usize)> {
        let end = rest[1..].find(['|', '\n']).map(|end| end + 1).filter(|end| rest[*end..].starts_with('|'))?;
        let name = &rest[1..end];
        if !matches!(name, "version" | "release" | "today") || self.own_names.iter().any(|own| own == name) {
            return None;
        }
        let value = self.conf(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        if value.is_none() {
            self.warn_of(line, format!("`|{name}|` is not said in `conf.py` as a text; it is left out"));
        }
        Some((Written::Text(value.unwrap_or_default()), end + 1))
    }

    /// Markup that is no wider than what it stands for, and the blanks that it leaves over.
    fn fitting(&mut self, new: String, old: &str) -> (String, usize) {
        let room = old.chars().count();
        let width = new.chars().count();
        if width <= room {
            return (new, room - width);
        }
        let name = format!("|fin{}|", self.definitions.len());
        self.definitions.push(format!(".. {name} replace:: {new}"));
        let width = name.chars().count();
        (name, room.saturating_sub(width))
    }
}

/// Whether inline markup may begin after this ("Inline markup recognition rules").
fn may_begin(before: Option<char>) -> bool {
    before.is_none_or(|c| match c {
        c if c.is_ascii() => c.is_whitespace() || "'\"([{<-/:".contains(c),
        c => !c.is_alphanumeric(),
    })
}

/// Whether it may end before this; an underscore makes a reference of it, a colon begins its role.
fn may_end(after: Option<char>) -> bool {
    after.is_none_or(|c| match c {
        c if c.is_ascii() => c.is_whitespace() || "'\")]}>-/\\:.,;!?_".contains(c),
        c => !c.is_alphanumeric(),
    })
}

/// The bytes that mean nothing.
fn plain(text: &str) -> usize {
    text.find(['\\', '`', ':', '|']).unwrap_or(text.len())
}

/// What stands between the backquotes that a text begins with, and the length of the whole.
fn span(rest: &str) -> Option<(&str, usize)> {
    let inner = rest.strip_prefix('`')?;
    if inner.starts_with(|c: char| c.is_whitespace() || c == '`') {
        return None;
    }
    let mut is_escaped = false;
    for (at, c) in inner.char_indices().take_while(|(at, _)| *at < MAX_BYTES) {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            '`' if !is_escaped && may_end(inner[at + 1..].chars().next()) => return Some((&inner[..at], at + 2)),
            _ => is_escaped = false,
        }
    }
    None
}

/// The name in `:name:` that a text begins with, where backquotes follow or it follows them.
fn role_name(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix(':')?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-' | ':');
    let end = inner.chars().take(100).take_while(|c| is_part(*c)).count();
    let name = inner.get(..end)?.strip_suffix(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.ends_with(':');
    is_name.then_some(name)
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text without the backslashes that escape.
pub(super) fn unescaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => written.extend(chars.next().filter(|next| !next.is_whitespace())),
            c => written.push(c),
        }
    }
    written
}

/// Text that means only itself.
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '`' | '|' | '_' | '<') {
            written.push('\\');
        }
        written.push(c);
    }
    written
}

fn literal(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.contains("``") || text.starts_with('`') || text.ends_with(['`', '\\']) {
        return escaped(text);
    }
    format!("``{text}``")
}

fn wrapped(signs: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!("{signs}{}{signs}", escaped(text)) }
}

/// A link under a text.
pub(super) fn link(text: &str, url: &str) -> String {
    let text = text.trim();
    let url: String = url.chars().filter(|c| !c.is_whitespace() && !matches!(c, '<' | '>' | '`' | '\\')).collect();
    if text.is_empty() {
        return escaped(&url);
    }
    // An underscore at its end would make it a name.
    let url = url.strip_suffix('_').map_or(url.clone(), |start| format!("{start}%5F"));
    format!("`{} <{url}>`__", escaped(text))
}
