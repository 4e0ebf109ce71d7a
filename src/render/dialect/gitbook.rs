//! `GitBook`: blocks between `{% tags %}`, expressions, files put in.
//!
//! Source of the rules: GitBook.com's documentation of its blocks and of what it writes into repositories, and what
//! `HonKit` 6 makes of texts. A block becomes what it shows: hints are quotes, tabs and titled code keep their labels.
//! `HonKit` fills texts in before it reads Markdown, but not what stands in code.

mod api;
mod expression;
mod html;
mod tags;

use std::collections::BTreeMap;

use self::expression::Words;
use self::tags::{Tag, first_tag};
use super::{Context, Expanded, Fences, Out, code_span, columns, files::begun, files::resolved};
use crate::page::DocPath;
use crate::render::front_matter;
use crate::site::gitbook::GitBook;

/// Blocks within blocks, at most; deeper ones are left as they stand.
const MAX_DEPTH: usize = 24;

/// A tag or a table that is written over more lines than this is none.
const MAX_LINES: usize = 400;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &GitBook, context: &Context<'_>) -> Expanded<'a> {
    let front = context.front.map(front_matter::Front::json).unwrap_or_default();
    let description = front["description"].as_str().filter(|text| {
        let is_shown = front["layout"]["description"]["visible"].as_str() != Some("false")
            && front["layout"]["description"]["visible"].as_bool() != Some(false);
        rules.is_hosted && is_shown && !text.trim().is_empty()
    });
    let has_any = body.contains("{%")
        || (!rules.is_hosted && body.contains("{{"))
        || (rules.is_hosted
            && ["{{", "data-hidden", "expression", "mention", "<a href=\"#"].iter().any(|s| body.contains(s)));
    if !has_any && description.is_none() {
        return Expanded::untouched(body, first_line);
    }
    let words = Words::new(rules, &front, context);
    let out = Out::with_capacity(body.len() + body.len() / 4);
    let mut book = Book {
        out,
        rules,
        context,
        words,
        blocks: Vec::new(),
        fences: Fences::default(),
        raw: false,
        decided: false,
        in_list: false,
    };
    let mut rest = body;
    let mut line = first_line;
    // What it includes may not include it.
    book.out.begin_include(context.path, first_line);
    if let Some(description) = description {
        // It is shown below the title.
        let title = rest.len() - rest.trim_start().len();
        if rest.trim_start().starts_with("# ") {
            let end = rest.get(title..).and_then(|text| text.find('\n')).map_or(rest.len(), |end| title + end + 1);
            let (head, tail) = rest.split_at(end);
            book.text(head, Origin::From(line), context.path);
            line = line.saturating_add(u32::try_from(head.lines().count()).unwrap_or(u32::MAX));
            rest = tail;
        }
        for text in ["", &escaped(description.trim()), ""] {
            book.out.line(first_line, "", text);
        }
    }
    book.text(rest, Origin::From(line), context.path);
    book.out.finish()
}

/// Where the lines of a text come from.
#[derive(Clone, Copy)]
enum Origin {
    From(u32),
    /// All of them: from the line that puts them in.
    At(u32),
}

struct Book<'a> {
    out: Out,
    rules: &'a GitBook,
    context: &'a Context<'a>,
    words: Words<'a>,
    blocks: Vec<Block>,
    fences: Fences,
    /// Nothing is a tag up to `{% endraw %}`.
    raw: bool,
    /// Whether the last condition was understood: only then is its other way left out.
    decided: bool,
    /// Whether indentation belongs to a list.
    in_list: bool,
}

/// A block that is open.
struct Block {
    name: String,
    /// What stands before each of its lines.
    prefix: String,
    /// How far its lines are indented as they were written.
    base: usize,
    /// Whether what it holds is left out.
    is_cut: bool,
}

impl Origin {
    fn line(self, number: usize) -> u32 {
        match self {
            Self::From(first) => first.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)),
            Self::At(line) => line,
        }
    }
}

impl Book<'_> {
    /// Takes a text: a document's, or an included file's.
    fn text(&mut self, text: &str, origin: Origin, file: &DocPath) {
        let lines: Vec<&str> = text.lines().collect();
        let ends = Ends::of(&lines);
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let number = at;
            at += 1;
            if self.out.is_full() {
                return;
            }
            let was_in = self.fences.is_in();
            if !self.raw || was_in {
                self.fences.take(line);
            }
            if was_in || self.fences.is_in() {
                self.write(origin.line(number), line);
                continue;
            }
            // A tag or a table that is written over several lines is taken as one.
            let until = if unclosed(line, "{%", "%}") {
                ends.tag(at)
            } else if self.rules.is_hosted && line.contains("<table") && unclosed(line, "<table", "</table>") {
                ends.table(at)
            } else {
                None
            };
            let joined;
            let mut line = *line;
            if let Some(until) = until.filter(|until| until - number < MAX_LINES && !self.raw) {
                joined = lines.get(number..=until).unwrap_or_default().join("\n");
                line = &joined;
                at = until + 1;
            }
            self.line(line, origin.line(number), file, &ends, at);
        }
    }

    /// Takes a line outside of fenced code: text and tags, in turns.
    fn line(&mut self, line: &str, origin: u32, file: &DocPath, ends: &Ends, at: usize) {
        let mut rest = line;
        let mut current = String::new();
        if !line.trim().is_empty() && !line.starts_with([' ', '\t']) {
            self.in_list = line.starts_with(['*', '-', '+']) || line.starts_with(|c: char| c.is_ascii_digit());
        }
        let is_indented_code =
            line.starts_with("    ") && !self.in_list && self.blocks.is_empty() && !self.rules.is_hosted;
        while let Some((start, tag)) = first_tag(rest).filter(|_| !is_indented_code) {
            let before = rest.get(..start).unwrap_or_default();
            let after = rest.get(start + tag.len..).unwrap_or_default();
            if self.raw {
                if tag.name != "endraw" {
                    current.push_str(&literal(rest.get(..start + tag.len).unwrap_or_default()));
                    rest = after;
                    continue;
                }
                self.raw = false;
                current.push_str(&literal(before));
                rest = after;
                continue;
            }
            current.push_str(&self.inline(before, origin, file));
            match tag.name {
                "raw" => self.raw = true,
                "include" if !self.rules.is_hosted || !tag.first.is_empty() => {
                    self.flush(&mut current, origin);
                    self.include(&tag, origin, file);
                }
                _ => {
                    let indent = if current.trim().is_empty() { columns(line) } else { 0 };
                    self.flush(&mut current, origin);
                    self.tag(&tag, indent, origin, ends, at);
                }
            }
            rest = after;
        }
        let is_whole = rest.len() == line.len();
        if is_indented_code {
            current.push_str(rest);
        } else if self.raw {
            current.push_str(&literal(rest));
        } else {
            current.push_str(&self.inline(rest, origin, file));
        }
        if is_whole || !current.trim().is_empty() {
            for (number, part) in current.split('\n').enumerate() {
                self.write(origin.saturating_add(u32::try_from(number).unwrap_or(0)), part);
            }
        }
    }

    /// Writes what stands before a tag as a line of its own.
    fn flush(&mut self, current: &mut String, origin: u32) {
        let text = std::mem::take(current);
        if !text.trim().is_empty() {
            self.write(origin, text.trim_end());
        }
    }

    /// Writes a line within the block that is open.
    fn write(&mut self, origin: u32, text: &str) {
        match self.blocks.last() {
            None => self.out.line(origin, "", text),
            Some(block) if block.is_cut => {}
            Some(block) => {
                let blanks = text.len() - text.trim_start_matches(' ').len();
                let text = text.get(blanks.min(block.base)..).unwrap_or_default();
                self.out.line(origin, &block.prefix, text);
            }
        }
    }

    /// A paragraph of its own.
    fn paragraph(&mut self, origin: u32, text: &str) {
        if !text.trim().is_empty() && !self.is_cut() {
            self.own(origin, "");
            self.own(origin, text);
            self.own(origin, "");
        }
    }

    /// Writes a line that was not in the text, where its indentation is the block's own.
    fn own(&mut self, origin: u32, text: &str) {
        let prefix = self.blocks.last().map(|block| block.prefix.clone()).unwrap_or_default();
        self.out.line(origin, &prefix, text);
    }

    fn is_cut(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.is_cut)
    }

    /// Text outside of code and tags.
    fn inline(&mut self, text: &str, origin: u32, file: &DocPath) -> String {
        if self.is_cut() {
            return String::new();
        }
        if !self.rules.is_hosted {
            return self.words.filled(text, origin, &mut self.out).into_owned();
        }
        literal(&html::rewrite(text, origin, file, self.context, &self.words, &mut self.out))
    }

    fn include(&mut self, tag: &Tag<'_>, origin: u32, file: &DocPath) {
        if self.is_cut() {
            return;
        }
        let Some((found, text)) = begun(self.context, &mut self.out, file.dir(), &tag.first, origin) else { return };
        let body = front_matter::split(&text).map_or(&*text, |split| split.body);
        let fences = std::mem::take(&mut self.fences);
        self.text(body, Origin::At(origin), &found);
        self.fences = fences;
        self.out.end_include();
    }

    /// A tag that begins or ends a block, or stands for something itself.
    fn tag(&mut self, tag: &Tag<'_>, indent: usize, origin: u32, ends: &Ends, at: usize) {
        if let Some(name) = tag.name.strip_prefix("end") {
            self.close(name, origin);
            return;
        }
        if matches!(tag.name, "else" | "elif") && self.blocks.last().is_some_and(|block| block.name == "if") {
            let was_shown = self.blocks.pop().is_some_and(|block| !block.is_cut);
            self.open("if", 0, false, self.is_cut() || (tag.name == "else" && was_shown && self.decided));
            return;
        }
        if self.is_cut() {
            if ends.closes(tag.name, at) && self.blocks.len() < MAX_DEPTH {
                self.open(tag.name, indent, false, true);
            }
            return;
        }
        match tag.name {
            "hint" => self.opens(tag, indent, origin, true, ends, at),
            "tab" | "code" | "code-block" => {
                let title = tag.attribute("title").or_else(|| tag.attribute("name")).unwrap_or_default();
                self.paragraph_at(indent, origin, &label(&title));
                self.opens(tag, indent, origin, false, ends, at);
            }
            "update" => {
                self.paragraph_at(indent, origin, &label(&tag.attribute("date").unwrap_or_default()));
                self.opens(tag, indent, origin, false, ends, at);
            }
            "tabs" | "stepper" | "step" | "columns" | "column" | "updates" | "cards" | "content" | "mermaid" => {
                self.opens(tag, indent, origin, false, ends, at);
            }
            "content-ref" => self.reference(tag, indent, origin, ends, at),
            "embed" | "file" => {
                let target = tag.attribute("url").or_else(|| tag.attribute("src")).unwrap_or_default();
                let name = if tag.name == "file" { target.rsplit('/').next().unwrap_or_default() } else { &target };
                if !target.is_empty() {
                    self.paragraph_at(indent, origin, &format!("[{}](<{target}>)", escaped(name)));
                }
            }
            name if api::is_known(name) => self.api(tag, indent, origin, ends, at),
            "if" | "elif" | "else" | "for" | "set" | "block" | "conditional" | "macro" | "extends" | "import" => {
                self.condition(tag, origin, ends, at);
            }
            name => {
                let shown: String = name.chars().take(60).collect();
                let message = format!("`{{% {shown} %}}` is not understood; its text is kept");
                self.out.warn("unknown_construct", origin, message);
                let code = tag.attribute("content").unwrap_or_default();
                if code.contains('\n') {
                    self.own(origin, "````");
                    code.lines().for_each(|line| self.own(origin, line));
                    self.own(origin, "````");
                } else {
                    let texts = ["title", "summary", "caption", "label", "description", "content"];
                    let text = texts.iter().filter_map(|name| tag.attribute(name)).map(|text| escaped(&text));
                    self.paragraph_at(indent, origin, &text.collect::<Vec<_>>().join(" "));
                    let url = tag.attribute("url").filter(|url| !url.trim().is_empty());
                    if let Some(url) = url {
                        self.paragraph_at(indent, origin, &format!("[{}](<{url}>)", escaped(&url)));
                    }
                }
                self.opens(tag, indent, origin, false, ends, at);
            }
        }
    }

    /// A paragraph that a tag with this indentation stands for.
    fn paragraph_at(&mut self, indent: usize, origin: u32, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let base = self.blocks.last().map_or(0, |block| block.base);
        let lead = " ".repeat(indent.saturating_sub(base).min(MAX_LINES));
        self.paragraph(origin, &format!("{lead}{text}"));
    }

    /// Opens a block, if it is closed somewhere.
    fn opens(&mut self, tag: &Tag<'_>, indent: usize, origin: u32, is_quote: bool, ends: &Ends, at: usize) {
        if !ends.closes(tag.name, at) || self.blocks.len() >= MAX_DEPTH {
            return;
        }
        self.own(origin, "");
        self.open(tag.name, indent, is_quote, self.is_cut());
    }

    fn open(&mut self, name: &str, indent: usize, is_quote: bool, is_cut: bool) {
        let (outer, base) = self.blocks.last().map_or(("", 0), |block| (block.prefix.as_str(), block.base));
        let indent = indent.min(MAX_LINES);
        let lead = " ".repeat(indent.saturating_sub(base));
        let prefix = format!("{outer}{lead}{}", if is_quote { "> " } else { "" });
        self.blocks.push(Block { name: name.to_owned(), prefix, base: indent.max(base), is_cut });
    }

    fn close(&mut self, name: &str, origin: u32) {
        let Some(found) = self.blocks.iter().rposition(|block| block.name == name) else { return };
        self.blocks.truncate(found);
        if !self.is_cut() {
            self.own(origin, "");
        }
    }

    /// A card that leads to a page and shows its title; what it holds says the path only.
    fn reference(&mut self, tag: &Tag<'_>, indent: usize, origin: u32, ends: &Ends, at: usize) {
        let url = tag.attribute("url").unwrap_or_default();
        let title = title_of(&url, self.context.path, self.context);
        if let Some(title) = &title {
            self.paragraph_at(indent, origin, &format!("[{}](<{url}>)", escaped(title)));
        }
        if ends.closes(tag.name, at) && self.blocks.len() < MAX_DEPTH {
            self.open(tag.name, indent, false, title.is_some());
        }
    }

    /// What `HonKit` decides or repeats: text that is sure not to be shown goes, all other is kept.
    fn condition(&mut self, tag: &Tag<'_>, origin: u32, ends: &Ends, at: usize) {
        let answer = if tag.name == "if" { self.words.holds(tag.rest) } else { None };
        self.decided = answer.is_some();
        if answer.is_none() {
            let message = format!("`{{% {} %}}` is not understood; its text is kept", tag.name);
            self.out.warn("unknown_construct", origin, message);
        }
        if ends.closes(tag.name, at) && self.blocks.len() < MAX_DEPTH {
            self.open(tag.name, 0, false, answer == Some(false));
        }
    }
}

/// The lines on which tags and tables end, so that none is looked for twice.
struct Ends {
    /// For each line, the next one, itself included, that has `%}`, and `</table>`.
    tags: Vec<Option<usize>>,
    tables: Vec<Option<usize>>,
    /// The last line on which a block of a name is closed.
    last: BTreeMap<String, usize>,
}

impl Ends {
    fn of(lines: &[&str]) -> Self {
        let next = |sign: &str| {
            let mut found = None;
            let mut all: Vec<Option<usize>> = lines
                .iter()
                .enumerate()
                .rev()
                .map(|(number, line)| {
                    found = if line.contains(sign) { Some(number) } else { found };
                    found
                })
                .collect();
            all.reverse();
            all
        };
        let mut last = BTreeMap::new();
        for (number, line) in lines.iter().enumerate() {
            for (at, _) in line.match_indices("{%") {
                let rest = line.get(at + 2..).unwrap_or_default().trim_start_matches(['-', ' ']);
                let name = rest.split([' ', '%', '-']).next().unwrap_or_default();
                // Names of several words have `-` between them.
                let name = rest.split([' ', '%']).next().filter(|long| long.len() > name.len()).unwrap_or(name);
                if let Some(name) = name.strip_prefix("end") {
                    last.insert(name.to_owned(), number);
                }
            }
        }
        Self { tags: next("%}"), tables: next("</table>"), last }
    }

    fn tag(&self, at: usize) -> Option<usize> {
        self.tags.get(at).copied().flatten()
    }

    fn table(&self, at: usize) -> Option<usize> {
        self.tables.get(at).copied().flatten()
    }

    /// Whether a block of this name is closed on the line before this one, or later.
    fn closes(&self, name: &str, at: usize) -> bool {
        self.last.get(name).is_some_and(|last| last + 1 >= at)
    }
}

/// The title of the page that a link leads to.
fn title_of(link: &str, file: &DocPath, context: &Context<'_>) -> Option<String> {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") {
        return None;
    }
    let path = crate::site::percent_decode(path);
    let path = if DocPath::new(path.as_str()).extension() == "md" {
        path
    } else {
        format!("{}/README.md", path.trim_end_matches('/'))
    };
    context.asking.page_title(&resolved(file.dir(), &path)?)
}

/// A label in bold, with its own marks kept as text.
fn label(title: &str) -> String {
    if title.trim().is_empty() { String::new() } else { format!("**{}**", escaped(title.trim())) }
}

/// A text that Markdown shall not read anything into.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '*' | '_' | '`' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A text whose braces, outside of code, mean themselves.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['`', '{']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let len = if here.starts_with('`') {
            code_span(here)
        } else if here.starts_with("{{") || here.starts_with("{%") {
            out.push_str("&#123;");
            rest = here.get(1..).unwrap_or_default();
            continue;
        } else {
            1
        };
        let (copied, after) = here.split_at_checked(len).unwrap_or((here, ""));
        out.push_str(copied);
        rest = after;
    }
    out + rest
}

/// Whether the last sign of its kind in a line has no end there.
fn unclosed(line: &str, open: &str, close: &str) -> bool {
    line.rfind(open).is_some_and(|at| !line.get(at..).unwrap_or_default().contains(close))
}
