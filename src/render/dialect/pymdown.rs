//! Python-Markdown with the extensions of `PyMdown` and Material: admonitions, tabs, blocks, snippets, attributes.
//!
//! Source of the rules: the extensions' documentation, and what `MkDocs` 1.6 with Material 9 makes of them. Blocks whose
//! content is indented become quotes, so that whatever they hold is read as what it is.

mod inline;
mod snippets;

use self::snippets::Snippets;
use super::{Context, Expanded, Fences, Out};
use crate::site::mkdocs::MkDocs;

/// Blocks within blocks, at most; deeper ones are left as they stand.
const MAX_DEPTH: usize = 16;

/// One line, and the document's line that it comes from.
struct Line {
    text: String,
    origin: u32,
}

/// A line of a block, without the indentation that makes it part of the block.
#[derive(Clone, Copy)]
struct Inner<'l> {
    text: &'l str,
    origin: u32,
}

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &MkDocs, context: &Context<'_>) -> Expanded<'a> {
    let mut out = Out::with_capacity(body.len() + body.len() / 4);
    let mut snippets = Snippets { rules, context, lines: Vec::new() };
    snippets.take(body.lines().zip(first_line..), "", &mut out);
    let last = snippets.lines.last().map_or(first_line, |line| line.origin);
    for name in &rules.appended {
        snippets.lines.push(Line { text: String::new(), origin: last });
        snippets.file(name, "", last, &mut out);
    }
    let lines = snippets.lines;
    let inner: Vec<Inner<'_>> = lines.iter().map(|line| Inner { text: &line.text, origin: line.origin }).collect();
    Blocks { out: &mut out, rules, elements: Vec::new() }.write(&inner, "", 0);
    out.finish()
}

struct Blocks<'a> {
    out: &'a mut Out,
    rules: &'a MkDocs,
    /// HTML elements that are open and whose content is Markdown.
    elements: Vec<String>,
}

/// What an indented block is.
struct Opened<'l> {
    indent: usize,
    title: Option<&'l str>,
    kind: &'l str,
    is_tab: bool,
}

impl Blocks<'_> {
    fn write(&mut self, lines: &[Inner<'_>], prefix: &str, depth: usize) {
        let mut fences = Fences::default();
        let mut at = 0;
        while at < lines.len() && !self.out.is_full() {
            let Inner { text, origin } = lines[at];
            at += 1;
            let was_in = fences.is_in();
            fences.take(text);
            if fences.is_in() && !was_in {
                self.fence(text, fences.info(), origin, prefix);
            } else if was_in {
                self.out.line(origin, prefix, text);
            } else if let Some(opened) = opened(text).filter(|_| depth < MAX_DEPTH) {
                let end = at + indented(&lines[at..], opened.indent + 4);
                self.block(&opened, &lines[at..end], origin, prefix, depth);
                at = end;
            } else if let Some((slashes, kind, title)) = slashes(text).filter(|_| depth < MAX_DEPTH) {
                let end =
                    lines[at..].iter().position(|line| line.text.trim() == slashes).map_or(lines.len(), |end| at + end);
                self.generic(kind, title, &lines[at..end], origin, prefix, depth);
                at = (end + 1).min(lines.len());
            } else if text.starts_with("::: ") && self.rules.has("mkdocstrings") {
                let message = "`:::` documentation is made from code, which is not read: it is left out";
                self.out.warn("unknown_construct", origin, message);
                at += indented(&lines[at..], 4);
            } else {
                self.prose(text, origin, prefix);
            }
        }
    }

    /// A block that ends where its indentation does.
    fn block(&mut self, opened: &Opened<'_>, content: &[Inner<'_>], origin: u32, prefix: &str, depth: usize) {
        let indent = " ".repeat(opened.indent);
        let content: Vec<Inner<'_>> = content
            .iter()
            .map(|line| Inner { text: dedented(line.text, opened.indent + 4), origin: line.origin })
            .collect();
        let title = opened.title.map_or_else(|| capitalised(opened.kind), str::to_owned);
        let prefix = format!("{prefix}{indent}");
        self.out.line(origin, &prefix, "");
        let inner = if opened.is_tab { prefix.clone() } else { format!("{prefix}> ") };
        if !title.trim().is_empty() {
            self.out.line(origin, &inner, &format!("**{}**", inline::rewrite(title.trim())));
            self.out.line(origin, &inner, "");
        }
        self.write(&content, &inner, depth + 1);
        self.out.line(origin, &prefix, "");
    }

    /// A block between `///`: its options are indented lines at its beginning.
    fn generic(
        &mut self,
        kind: &str,
        title: Option<&str>,
        content: &[Inner<'_>],
        origin: u32,
        prefix: &str,
        depth: usize,
    ) {
        let options =
            content.iter().take_while(|line| line.text.starts_with("    ") && line.text.contains(':')).count();
        let own_type = content[..options].iter().find_map(|line| line.text.trim().strip_prefix("type:"));
        let content = &content[options..];
        let is_note =
            !matches!(kind, "html" | "tab" | "caption" | "figure-caption" | "table-caption" | "define" | "definition");
        if !is_note && title.is_none() {
            self.write(content, prefix, depth + 1);
            return;
        }
        let title = title.map_or_else(|| capitalised(own_type.unwrap_or(kind).trim()), str::to_owned);
        let inner = if is_note { format!("{prefix}> ") } else { prefix.to_owned() };
        self.out.line(origin, prefix, "");
        if kind != "html" {
            self.out.line(origin, &inner, &format!("**{}**", inline::rewrite(&title)));
            self.out.line(origin, &inner, "");
        }
        self.write(content, &inner, depth + 1);
        self.out.line(origin, prefix, "");
    }

    /// A fence: its title stays, its other options go.
    fn fence(&mut self, text: &str, info: &str, origin: u32, prefix: &str) {
        let indentation = &text[..text.len() - text.trim_start_matches([' ', '\t', '>']).len()];
        let sign: String =
            text.trim_start_matches([' ', '\t', '>']).chars().take_while(|c| matches!(c, '`' | '~')).collect();
        if let Some(title) = option(info, "title") {
            self.out.line(origin, prefix, &format!("{indentation}**{title}**"));
            self.out.line(origin, prefix, "");
        }
        let language = info.trim_start_matches(['{', ' ']).split([' ', '{', '}', ',']).next().unwrap_or_default();
        let language = language.trim_start_matches('.').trim_start_matches("#!");
        let language = if language.contains('=') || language.starts_with('#') { "" } else { language };
        self.out.line(origin, prefix, &format!("{indentation}{sign}{language}"));
    }

    fn prose(&mut self, text: &str, origin: u32, prefix: &str) {
        let trimmed = text.trim();
        let is_abbreviation = trimmed.strip_prefix("*[").is_some_and(|rest| rest.contains("]:"));
        let is_attributes =
            trimmed.starts_with('{') && inline::attributes(trimmed).is_some_and(|(_, length)| length == trimmed.len());
        if is_abbreviation || is_attributes || trimmed == "[TOC]" {
            return;
        }
        if trimmed.starts_with('#') {
            self.heading(text, origin, prefix);
            return;
        }
        // Indented code of a document without lists is not told from a list's text here: what looks like a construct of
        // prose is one in both.
        let written = inline::rewrite(text);
        if !trimmed.starts_with('<') {
            self.out.line(origin, prefix, &written);
            return;
        }
        let closes = |name: &String| trimmed.strip_prefix("</").is_some_and(|rest| rest.starts_with(name.as_str()));
        if self.elements.last().is_some_and(closes) {
            self.elements.pop();
            self.out.line(origin, prefix, "");
        }
        self.out.line(origin, prefix, &written);
        if let Some(tag) = markdown_within(trimmed) {
            self.out.line(origin, prefix, "");
            self.elements.push(tag.to_owned());
        }
    }

    /// A heading keeps the id that its attributes give it.
    fn heading(&mut self, text: &str, origin: u32, prefix: &str) {
        let (title, id) = match text.rfind('{').and_then(|at| Some((at, inline::attributes(&text[at..])?))) {
            Some((at, (id, length))) if text[at + length..].trim().is_empty() => (text[..at].trim_end(), id),
            _ => (text, None),
        };
        let title = inline::rewrite(title);
        match id {
            Some(id) => self.out.line(origin, prefix, &format!("{title} {{#{id}}}")),
            None => self.out.line(origin, prefix, &title),
        }
    }
}

/// The beginning of `!!! note "Title"`, `??? tip`, `=== "Tab"`.
fn opened(line: &str) -> Option<Opened<'_>> {
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    let (sign, rest) = text.split_at_checked(3)?;
    match sign {
        "!!!" | "???" => {
            let rest = rest.strip_prefix('+').filter(|_| sign == "???").unwrap_or(rest);
            let rest = rest.strip_prefix(' ')?.trim();
            let (kinds, title) = match rest.find('"') {
                Some(at) => (&rest[..at], Some(rest[at..].strip_prefix('"')?.strip_suffix('"')?)),
                None => (rest, None),
            };
            let kind = kinds.split_whitespace().next().or(title.map(|_| ""))?;
            let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
            kinds.split_whitespace().all(is_word).then_some(Opened { indent, title, kind, is_tab: false })
        }
        "===" => {
            let rest = rest.trim_start_matches(['!', '+']).strip_prefix(' ')?.trim();
            let title = rest.strip_prefix('"')?.strip_suffix('"')?;
            Some(Opened { indent, title: Some(title), kind: "", is_tab: true })
        }
        _ => None,
    }
}

/// The beginning of `/// note | Title`: its slashes, its kind, its title.
fn slashes(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let length = line.bytes().take_while(|byte| *byte == b'/').count();
    let rest = line.get(length..)?.strip_prefix(' ').filter(|_| length >= 3)?.trim();
    let (kind, title) = rest.split_once('|').map_or((rest, None), |(kind, title)| (kind.trim(), Some(title.trim())));
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    is_word.then_some((&line[..length], kind, title))
}

/// How many lines belong to a block whose content has this indentation; blank ones at its end do not.
fn indented(lines: &[Inner<'_>], indent: usize) -> usize {
    let within = |line: &Inner<'_>| line.text.trim().is_empty() || columns(line.text) >= indent;
    let count = lines.iter().take_while(|line| within(line)).count();
    let blank = lines[..count].iter().rev().take_while(|line| line.text.trim().is_empty()).count();
    count - blank
}

fn columns(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).map(|byte| if byte == b'\t' { 4 } else { 1 }).sum()
}

fn dedented(line: &str, indent: usize) -> &str {
    let mut column = 0;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if column >= indent => return &line[at..],
            b' ' => column += 1,
            b'\t' => column += 4,
            _ => return &line[at..],
        }
    }
    ""
}

/// The name of an HTML element that asks for its content to be read as Markdown (`md_in_html`).
fn markdown_within(line: &str) -> Option<&str> {
    let tag = &line[1..line.find('>')?];
    let asks = tag.split_ascii_whitespace().any(|word| word == "markdown" || word.starts_with("markdown="));
    let name = tag.split_ascii_whitespace().next()?;
    let is_closed = line.contains(&format!("</{name}>"));
    (asks && !is_closed && name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(name)
}

/// The value of an option in a fence's info string.
fn option<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    let at = info.find(&format!("{name}=\""))? + name.len() + 2;
    let rest = &info[at..];
    Some(&rest[..rest.find('"')?])
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
