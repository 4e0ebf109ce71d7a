//! Markdown of nobody's in particular, as it is read on GitHub, GitLab and Azure `DevOps`, in Obsidian and `HedgeDoc`:
//! callouts, containers, wiki links, emoji, tables of contents.
//!
//! Source of the rules: the documentation of those places. A text that has none of these is not touched.

mod wiki;

use super::vitepress::with_emoji;
use super::{Context, Expanded, Fences, Out, capitalised, files::begun};
use crate::page::DocPath;
use crate::render::front_matter;

/// Containers within containers, at most; deeper ones are left as they stand.
const MAX_DEPTH: usize = 16;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, context: &Context<'_>) -> Expanded<'a> {
    let signs = ["[[", "[!", "::", "[TOC]", ">>>", "{+", "{-", "[+", "[-"];
    if !signs.iter().any(|sign| body.contains(sign)) && !has_emoji(body) {
        return Expanded::untouched(body, first_line);
    }
    let out = Out::with_capacity(body.len() + body.len() / 8);
    let mut pass = Pass { out, context, fences: Fences::default(), open: Vec::new(), in_list: false };
    pass.out.begin_include(context.path, first_line);
    pass.text(body, Some(first_line), first_line, context.path);
    pass.out.finish()
}

struct Pass<'a> {
    out: Out,
    context: &'a Context<'a>,
    fences: Fences,
    open: Vec<Container>,
    /// Whether indentation belongs to a list.
    in_list: bool,
}

/// A container that is open.
struct Container {
    /// How many colons close it; 0: `>>>` does.
    colons: usize,
    /// What stands before each of its lines.
    prefix: String,
    /// What it is closed with here, where it became code.
    is_code: bool,
}

impl Pass<'_> {
    /// Takes a text: the document's, whose lines count from `first`, or one that is put in at a line.
    fn text(&mut self, text: &str, first: Option<u32>, line: u32, file: &DocPath) {
        for (number, text) in text.lines().enumerate() {
            if self.out.is_full() {
                return;
            }
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            self.line(text, first.map_or(line, |first| first.saturating_add(number)), file);
        }
    }

    fn line(&mut self, line: &str, origin: u32, file: &DocPath) {
        let was_in = self.fences.is_in();
        let is_code = self.open.last().is_some_and(|open| open.is_code);
        if !is_code {
            self.fences.take(line);
        }
        if was_in || self.fences.is_in() {
            self.write(origin, line);
            return;
        }
        let text = line.trim();
        if text.starts_with("::") && self.colons(text, origin, file) {
            return;
        }
        if is_code {
            self.write(origin, line);
            return;
        }
        if !text.is_empty() && !line.starts_with([' ', '\t']) {
            self.in_list = text.starts_with(['*', '-', '+']) || text.starts_with(|c: char| c.is_ascii_digit());
        }
        if !self.in_list && (line.starts_with("    ") || line.starts_with('\t')) {
            self.write(origin, line);
            return;
        }
        match text {
            "[TOC]" | "[toc]" | "[[TOC]]" | "[[toc]]" | "[[_TOC_]]" | "[[_TOSP_]]" => return,
            ">>>" => {
                self.quote(origin);
                return;
            }
            _ => {}
        }
        if let Some((before, title)) = callout(line) {
            self.write(origin, &format!("{before}**{title}**"));
            self.write(origin, before.trim_end());
            return;
        }
        let linked = wiki::rewrite(line, origin, file, self.context, &mut self.out);
        let written = if linked.contains(':') { with_emoji(&linked) } else { linked };
        self.write(origin, &edits(&written));
    }

    fn write(&mut self, origin: u32, text: &str) {
        let prefix = self.open.last().map_or("", |open| open.prefix.as_str());
        self.out.line(origin, prefix, text);
    }

    /// `>>>` around lines of a quote (GitLab).
    fn quote(&mut self, origin: u32) {
        if self.open.last().is_some_and(|open| open.colons == 0) {
            self.open.pop();
            self.write(origin, "");
        } else {
            self.push(0, origin, "", false);
        }
    }

    fn push(&mut self, colons: usize, origin: u32, title: &str, is_code: bool) {
        self.write(origin, "");
        let outer = self.open.last().map_or("", |open| open.prefix.as_str());
        let prefix = if is_code { outer.to_owned() } else { format!("{outer}> ") };
        self.open.push(Container { colons, prefix, is_code });
        if !title.is_empty() {
            self.write(origin, &format!("**{title}**"));
            self.write(origin, "");
        }
    }

    /// A line of colons: opens or closes a container, or puts a file in; whether it is one.
    fn colons(&mut self, text: &str, origin: u32, file: &DocPath) -> bool {
        let colons = text.len() - text.trim_start_matches(':').len();
        let rest = text.get(colons..).unwrap_or_default().trim();
        if colons == 2 {
            return self.include(rest, origin, file);
        }
        if rest.is_empty() {
            let found = self.open.iter().rposition(|open| open.colons > 0 && open.colons <= colons);
            let Some(found) = found else { return false };
            let closed: Vec<Container> = self.open.drain(found..).collect();
            if closed.iter().any(|open| open.is_code) {
                self.write(origin, "```");
            }
            self.write(origin, "");
            return true;
        }
        if self.open.last().is_some_and(|open| open.is_code) {
            return false;
        }
        // `:::image … :::` is whole (Microsoft Learn).
        if let Some(inner) = rest.strip_suffix(":::") {
            self.whole(inner.trim(), origin);
            return true;
        }
        let Some(title) = heading(rest).filter(|_| self.open.len() < MAX_DEPTH) else { return false };
        if matches!(rest.to_ascii_lowercase().as_str(), "mermaid" | "plantuml") {
            self.push(colons, origin, "", true);
            self.write(origin, &format!("```{rest}"));
        } else {
            self.push(colons, origin, &title, false);
        }
        true
    }

    /// An element that a line is, and ends: its picture or its words.
    fn whole(&mut self, inner: &str, origin: u32) {
        let name = inner.split([' ', '=']).next().unwrap_or_default();
        let is_layout = matches!(name.trim_end_matches("-end"), "row" | "column" | "zone" | "moniker" | "image");
        match (attribute(inner, "source"), attribute(inner, "alt-text")) {
            (Some(source), alt) if name == "image" => {
                let alt = alt.unwrap_or_default();
                self.write(origin, &format!("![{alt}](<{source}>)"));
            }
            _ if is_layout => self.write(origin, ""),
            _ => {
                let shown: String = name.chars().take(60).collect();
                self.out.warn(
                    "unknown_construct",
                    origin,
                    format!("`:::{shown}:::` is not understood; it is left out"),
                );
            }
        }
    }

    /// `::include{file=path}` (GitLab).
    fn include(&mut self, rest: &str, origin: u32, file: &DocPath) -> bool {
        let inner = rest.strip_prefix("include{").and_then(|rest| rest.strip_suffix('}'));
        let Some(path) = inner.and_then(|inner| inner.trim().strip_prefix("file=")) else { return false };
        let path = path.trim().trim_matches(['"', '\'']);
        if let Some((found, text)) = begun(self.context, &mut self.out, file.dir(), path, origin) {
            let body = front_matter::split(&text).map_or(&*text, |split| split.body);
            self.text(body, None, origin, &found);
            self.out.end_include();
        }
        true
    }
}

/// What stands before `[!kind] Title` in a quote, and the title that is shown; `None`: it is none, or one of GitHub's own,
/// which the parser knows.
fn callout(line: &str) -> Option<(&str, String)> {
    let at = line.find("[!")?;
    let (before, rest) = line.split_at_checked(at)?;
    if !before.trim_end().ends_with('>') || !before.bytes().all(|byte| matches!(byte, b'>' | b' ' | b'\t')) {
        return None;
    }
    let (kind, rest) = rest.get(2..)?.split_once(']')?;
    // Obsidian keeps what a theme needs after a bar.
    let kind = kind.split('|').next().unwrap_or_default();
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    let title = rest.trim_start_matches(['+', '-']).trim();
    let is_known = matches!(kind.to_ascii_lowercase().as_str(), "note" | "tip" | "important" | "warning" | "caution");
    if !is_word || (is_known && rest.trim().is_empty()) {
        return None;
    }
    Some((before, if title.is_empty() { capitalised(kind) } else { title.to_owned() }))
}

/// The title of a container: its own, else what kind it is. `None`: what follows the colons is no kind.
fn heading(rest: &str) -> Option<String> {
    let (kind, title) = match rest.strip_prefix('{') {
        // `::: {.callout-note title="…"}`: the classes of Pandoc and Quarto.
        Some(inner) => {
            let inner = inner.split('}').next().unwrap_or_default();
            let class = inner.split_whitespace().find_map(|word| word.strip_prefix('.')).unwrap_or_default();
            (class.trim_start_matches("callout-"), attribute(inner, "title").unwrap_or_default())
        }
        None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
    };
    let kind = kind.trim_end_matches(':');
    let is_word = kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let title = title.trim().trim_matches(['"', '{', '}', '[', ']']);
    is_word.then(|| if title.is_empty() { capitalised(kind) } else { title.to_owned() })
}

/// The value of `name="value"`.
fn attribute<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// `{+put in+}` and `{-taken out-}` (GitLab) as the elements that they are.
fn edits(line: &str) -> String {
    let mut line = line.to_owned();
    for (open, close, element) in [("{+", "+}", "ins"), ("{-", "-}", "del"), ("[+", "+]", "ins"), ("[-", "-]", "del")] {
        if !line.contains(open) || line.contains('`') {
            continue;
        }
        let mut out = String::with_capacity(line.len());
        let mut rest = line.as_str();
        while let Some((before, (inner, after))) =
            rest.split_once(open).and_then(|(before, after)| Some((before, after.split_once(close)?)))
        {
            let is_one = !inner.is_empty() && !inner.starts_with(' ') && !inner.contains(['{', '[', '<']);
            let parts = if is_one {
                [before, "<", element, ">", inner, "</", element, ">"]
            } else {
                [before, open, inner, close, "", "", "", ""]
            };
            out.extend(parts);
            rest = after;
        }
        line = out + rest;
    }
    line
}

/// Whether an emoji may be written by name somewhere.
fn has_emoji(body: &str) -> bool {
    const MAX_BYTES: usize = 24;
    let bytes = body.as_bytes();
    body.match_indices(':').any(|(at, _)| {
        let name = bytes.get(at + 1..).unwrap_or_default().iter().take(MAX_BYTES);
        let is_name =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'+' | b'-');
        let length = name.take_while(|byte| is_name(byte)).count();
        let name = bytes.get(at + 1..at + 1 + length).unwrap_or_default();
        // A time of day is none.
        let has_word = matches!(name, b"+1" | b"-1" | b"100") || name.iter().any(u8::is_ascii_lowercase);
        has_word && bytes.get(at + 1 + length) == Some(&b':')
    })
}
