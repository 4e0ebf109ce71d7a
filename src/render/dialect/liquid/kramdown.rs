//! kramdown with its parser for GitHub's Markdown, rewritten into CommonMark: attribute lists, extensions, tables of contents,
//! math, tables without a head, HTML blocks and which of them hold Markdown.
//!
//! Line by line. What is code stays as it is; so does what stands in an HTML block that does not ask for Markdown.

mod attributes;
mod inline;

use std::collections::HashSet;

use serde_json::Value;

use self::attributes::{attributes, is_definition};
use self::inline::Inline;
use super::{Fences, Out, Written};
use crate::render::dialect::columns;

/// Elements of a line's text (kramdown's `HTML_SPAN_ELEMENTS`). All others, be they of HTML or not, are blocks, whose content is
/// no Markdown unless they ask for it.
const SPANS: &[&str] = &[
    "a", "abbr", "acronym", "b", "big", "bdo", "br", "button", "cite", "code", "del", "dfn", "em", "i", "img", "input",
    "ins", "kbd", "label", "mark", "option", "q", "rb", "rbc", "rp", "rt", "rtc", "ruby", "samp", "select", "small",
    "span", "strong", "sub", "sup", "tt", "u", "var",
];

/// Blocks without content.
const VOID: &[&str] =
    &["area", "base", "col", "command", "embed", "hr", "keygen", "link", "meta", "param", "source", "track", "wbr"];

#[derive(Clone, Copy)]
struct Line<'w> {
    text: &'w str,
    origin: u32,
}

/// Elements that one line opens within each other, at most.
const MAX_DEPTH: usize = 16;

/// What the lines that follow belong to.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Prose,
    /// `{::comment}` until its end.
    Comment,
    /// `<!--` until its end.
    HtmlComment,
    /// An HTML block: its element, and how many of that name are open.
    Html(String, usize),
    /// `$$` until its end.
    Math,
}

struct Pass<'o, 'w> {
    out: &'o mut Out,
    inline: Inline,
    parses_html: bool,
    state: State,
    fences: Fences,
    /// HTML elements that are open and hold Markdown.
    elements: Vec<String>,
    /// Where the text of the list item begins that is open; 0: none is.
    item: usize,
    was_blank: bool,
    was_code: bool,
    /// Rows of the table so far.
    rows: usize,
    /// Elements that a line opens within each other so far.
    depth: usize,
    /// Bytes of the next line that the last one took.
    taken: usize,
    lines: Vec<Line<'w>>,
}

/// Rewrites a text into CommonMark.
pub(super) fn rewrite(written: &Written, options: &Value, out: &mut Out) {
    let lines: Vec<Line<'_>> =
        written.text.lines().zip(&written.lines).map(|(text, origin)| Line { text, origin: *origin }).collect();
    let dropped = contents(&lines);
    let mut pass = Pass {
        out,
        inline: Inline::new(options, definitions(&lines)),
        parses_html: options["parse_block_html"].as_bool() == Some(true),
        state: State::Prose,
        fences: Fences::default(),
        elements: Vec::new(),
        item: 0,
        was_blank: true,
        was_code: false,
        rows: 0,
        depth: 0,
        taken: 0,
        lines,
    };
    for (at, is_dropped) in dropped.into_iter().enumerate() {
        if pass.out.is_full() {
            return;
        }
        if !is_dropped && let Some(line) = pass.lines.get(at).copied() {
            pass.line(line, at);
        }
    }
}

/// The labels of reference links that are defined, in lower case.
fn definitions(lines: &[Line<'_>]) -> HashSet<String> {
    let label = |line: &Line<'_>| {
        let (label, _) = line.text.trim_start().strip_prefix('[')?.split_once("]:")?;
        (!label.starts_with('^')).then(|| label.to_lowercase())
    };
    lines.iter().filter_map(label).collect()
}

/// Which lines are a list that `{:toc}` puts the table of contents in the place of, and that mark itself. Only the first
/// does in a page.
fn contents(lines: &[Line<'_>]) -> Vec<bool> {
    let mut dropped = vec![false; lines.len()];
    let mut fences = Fences::default();
    let mut is_there = false;
    for (at, line) in lines.iter().enumerate() {
        fences.take(line.text);
        let is_mark = attributes(line.text.trim())
            .is_some_and(|(list, length)| list.is_contents && length == line.text.trim().len());
        if fences.is_in() || !is_mark {
            continue;
        }
        let is_first = !std::mem::replace(&mut is_there, true);
        dropped[at] = true;
        for before in (0..at).rev().take_while(|_| is_first) {
            let text = lines[before].text;
            let is_of_list = item(text).is_some() || text.starts_with([' ', '\t']) && !text.trim().is_empty();
            if !is_of_list || dropped[before] {
                break;
            }
            dropped[before] = true;
        }
    }
    dropped
}

impl Pass<'_, '_> {
    fn line(&mut self, line: Line<'_>, at: usize) {
        let Line { text, origin } = line;
        let text = text.get(std::mem::take(&mut self.taken)..).unwrap_or_default();
        self.depth = 0;
        match &self.state {
            State::Prose => {}
            State::Comment => return self.comment(text, origin),
            State::HtmlComment => {
                self.raw(text, origin);
                if text.contains("-->") {
                    self.state = State::Prose;
                    self.out.line(origin, "", "");
                }
                return;
            }
            State::Html(..) => return self.html(text, origin),
            State::Math => return self.math(text, origin),
        }
        let was_in = self.fences.is_in();
        self.fences.take(text);
        if was_in || self.fences.is_in() {
            if !was_in && self.rows > 0 {
                self.rows = 0;
            }
            self.raw(text, origin);
            self.was_blank = false;
            return;
        }
        let (prefix, inner) = quote(text);
        self.block(prefix, inner, origin, at);
    }

    /// A line outside code and HTML, after the `>` before it.
    fn block(&mut self, prefix: &str, text: &str, origin: u32, at: usize) {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.out.line(origin, prefix, "");
            (self.was_blank, self.rows) = (true, 0);
            self.inline.end();
            return;
        }
        if self.is_code(text) {
            self.out.line(origin, prefix, text);
            (self.was_blank, self.was_code) = (false, true);
            return;
        }
        self.was_code = false;
        if self.inline.is_open() {
            self.was_blank = false;
            self.prose(prefix, text, origin);
            return;
        }
        let was_blank = std::mem::replace(&mut self.was_blank, false);
        if self.mark(trimmed, prefix, origin) {
            return;
        }
        let is_row = trimmed.starts_with('|');
        if !is_row {
            self.rows = 0;
        }
        if is_row {
            self.row(prefix, text, origin, at);
        } else if trimmed.starts_with('#') {
            self.heading(prefix, text, origin, at);
        } else if trimmed.starts_with('<') && self.depth < MAX_DEPTH && self.element(prefix, text, origin, at) {
        } else if trimmed.bytes().all(|byte| b"-=*_ \t".contains(&byte)) || is_separator(trimmed) {
            self.out.line(origin, prefix, &text.replace('+', "|"));
        } else if let Some(rest) = trimmed.strip_prefix("$$").filter(|_| was_blank) {
            self.begin_math(prefix, text, rest, origin);
        } else {
            let label = self.label_below(text, at);
            self.prose(prefix, &format!("{text}{label}"), origin);
        }
    }

    /// The label that the next line begins with, where this one ends with the text of its link: kramdown takes them together.
    fn label_below(&mut self, text: &str, at: usize) -> String {
        let next = if text.ends_with(']') { self.lines.get(at + 1) } else { None };
        let label = next.and_then(|next| {
            let trimmed = next.text.trim_start();
            let (label, _) = trimmed.strip_prefix('[')?.split_once(']')?;
            let length = label.len() + 2;
            let is_known = self.inline.defines(label) && !trimmed[length..].starts_with([':', '(', '[']);
            is_known.then(|| (trimmed[..length].to_owned(), next.text.len() - trimmed.len() + length))
        });
        let Some((label, taken)) = label else { return String::new() };
        self.taken = taken;
        label
    }

    /// A line that says something of those beside it, and is no text.
    fn mark(&mut self, trimmed: &str, prefix: &str, origin: u32) -> bool {
        if let Some(rest) = trimmed.strip_prefix("{::comment}") {
            self.state = State::Comment;
            self.comment(rest, origin);
            return true;
        }
        let is_abbreviation = trimmed.strip_prefix("*[").is_some_and(|rest| rest.contains("]:"));
        let is_extension = trimmed.starts_with("{:") && trimmed.ends_with('}') && {
            let is_list = attributes(trimmed).is_some_and(|(_, length)| length == trimmed.len());
            is_list
                || is_definition(trimmed)
                || (trimmed.matches('}').count() == 1 && trimmed.starts_with("{::"))
                || (trimmed.matches('}').count() == 1 && trimmed.starts_with("{:/"))
        };
        if is_extension || is_abbreviation {
            self.out.line(origin, prefix, "");
            return true;
        }
        if trimmed == "^" {
            self.out.block(origin, prefix, "\n<!-- -->\n\n");
            self.out.line(origin, prefix, "");
            (self.item, self.was_blank) = (0, true);
            return true;
        }
        false
    }

    fn comment(&mut self, text: &str, origin: u32) {
        let end = ["{:/comment}", "{:/}"].into_iter().find_map(|end| Some(text.find(end)? + end.len()));
        if let Some(end) = end {
            self.state = State::Prose;
            self.out.line(origin, "", text.get(end..).unwrap_or_default());
        }
    }

    /// Whether a line is indented code; keeps where the text of a list's items begins.
    fn is_code(&mut self, text: &str) -> bool {
        let indent = columns(text);
        if indent >= self.item + 4 && (self.was_blank || self.was_code) {
            return true;
        }
        if let Some(length) = item(text) {
            self.item = indent + length;
        } else if self.was_blank && indent < self.item {
            self.item = indent;
        }
        false
    }

    fn heading(&mut self, prefix: &str, text: &str, origin: u32, at: usize) {
        let below = self.lines.get(at + 1).map(|line| quote(line.text).1.trim());
        let below = below.and_then(attributes).and_then(|(list, _)| list.id);
        let own = text.rfind('{').filter(|_| text.trim_end().ends_with('}'));
        let (title, id) = match own {
            Some(open) => {
                let end = text[open..].trim_end();
                let named = end.strip_prefix("{#").and_then(|id| id.strip_suffix('}'));
                let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
                let named =
                    named.filter(|id| id.starts_with(|c: char| c.is_ascii_alphabetic()) && id.chars().all(is_id));
                let list = attributes(end).filter(|(_, length)| *length == end.len()).map(|(list, _)| list.id);
                match (named, list) {
                    (Some(id), _) => (&text[..open], Some(id.to_owned())),
                    (None, Some(id)) => (&text[..open], id),
                    (None, None) => (text, None),
                }
            }
            None => (text, None),
        };
        let mut title = self.inline.rewrite(title.trim_end());
        if let Some(open) = title.rfind('{').filter(|_| title.ends_with('}')) {
            // No attributes to kramdown, but to the parser.
            title = format!("{}&#123;{}", &title[..open], &title[open + 1..]).into();
        }
        match id.or(below) {
            Some(id) => self.out.line(origin, prefix, &format!("{title} {{#{id}}}")),
            None => self.out.line(origin, prefix, &title),
        }
    }

    fn prose(&mut self, prefix: &str, text: &str, origin: u32) {
        if self.inline.is_open() {
            self.out.line(origin, prefix, &self.inline.rewrite(text));
            return;
        }
        // A definition's own text is changed as its uses are, so that they meet; where it leads is not.
        if let Some(close) = text.find("]:").filter(|_| text.trim_start().starts_with('[')) {
            let (label, rest) = text.split_at(close + 2);
            let is_note = text.trim_start().starts_with("[^");
            let rest = if is_note { self.inline.rewrite(rest) } else { rest.into() };
            let label = if is_note { label.into() } else { self.inline.rewrite(label) };
            self.out.line(origin, prefix, &format!("{label}{rest}"));
            return;
        }
        let text = text.strip_suffix("\\\\").map_or_else(|| text.into(), |text| format!("{text}  "));
        self.out.line(origin, prefix, &self.inline.rewrite(&text));
    }

    /// A row of a table: CommonMark's have a head, and one line of dashes below it.
    fn row(&mut self, prefix: &str, text: &str, origin: u32, at: usize) {
        let is_line = is_separator(text.trim());
        if self.rows == 0 {
            if is_line {
                return;
            }
            let has_head = self.lines.get(at + 1).is_some_and(|next| is_separator(quote(next.text).1.trim()));
            if !has_head {
                let indent = &text[..text.len() - text.trim_start().len()];
                let cells = text.trim().trim_matches('|').matches('|').count() + 1;
                self.out.line(origin, prefix, "");
                self.out.line(origin, prefix, &format!("{indent}|{}", " |".repeat(cells)));
                self.out.line(origin, prefix, &format!("{indent}|{}", "---|".repeat(cells)));
                self.rows += 1;
            }
        }
        let is_below_head = self.rows == 1;
        self.rows += 1;
        if is_line {
            if is_below_head {
                self.out.line(origin, prefix, &text.replace('+', "|").replace('=', "-"));
            }
            return;
        }
        self.out.line(origin, prefix, &self.inline.rewrite(text));
    }

    fn begin_math(&mut self, prefix: &str, text: &str, rest: &str, origin: u32) {
        if rest.trim().is_empty() {
            self.out.line(origin, prefix, "```");
            self.state = State::Math;
        } else if let Some(inner) = rest.strip_suffix("$$").filter(|inner| !inner.contains("$$")) {
            self.out.block(origin, prefix, &format!("```\n{}\n```", inner.trim()));
        } else if rest.contains("$$") {
            self.prose(prefix, text, origin);
        } else {
            self.out.block(origin, prefix, &format!("```\n{rest}"));
            self.state = State::Math;
        }
    }

    fn math(&mut self, text: &str, origin: u32) {
        let (_, inner) = quote(text);
        match inner.split_once("$$") {
            Some((last, rest)) => {
                if !last.trim().is_empty() {
                    self.out.line(origin, "", last);
                }
                self.out.line(origin, "", "```");
                self.state = State::Prose;
                self.out.line(origin, "", rest.trim());
            }
            None => self.out.line(origin, "", inner),
        }
    }

    /// A line that begins with a tag. Answers whether it was taken.
    fn element(&mut self, prefix: &str, text: &str, origin: u32, at: usize) -> bool {
        self.depth += 1;
        let trimmed = text.trim();
        if trimmed.starts_with("<!--") {
            self.out.line(origin, prefix, text);
            if !trimmed.contains("-->") {
                self.state = State::HtmlComment;
            }
            return true;
        }
        if let Some(name) = closing(trimmed) {
            let is_own = self.elements.last().is_some_and(|open| *open == name);
            if is_own {
                self.elements.pop();
            }
            let end = trimmed.find('>').map_or(trimmed.len(), |end| end + 1);
            let (tag, rest) = trimmed.split_at(end);
            self.out.block(origin, prefix, "\n");
            self.out.line(origin, prefix, "");
            self.out.line(origin, prefix, tag);
            self.out.line(origin, prefix, "");
            self.was_blank = true;
            if !rest.trim().is_empty() {
                self.block(prefix, rest.trim_start(), origin, at);
            }
            return true;
        }
        let Some((name, tag)) = opening(trimmed) else {
            // CommonMark takes a line of tags alone for HTML up to the next empty line.
            let ends_before_block =
                self.lines.get(at + 1).is_some_and(|next| next.text.starts_with(['#', '-', '*', '`']));
            self.prose(prefix, text, origin);
            if ends_before_block {
                self.out.line(origin, prefix, "");
            }
            return true;
        };
        let asked = markdown_of(tag);
        let is_void = VOID.contains(&name.as_str()) || tag.ends_with("/>");
        let wants = asked.unwrap_or(self.parses_html && !matches!(name.as_str(), "pre" | "script" | "style"));
        if !wants || is_void {
            let name = if is_void { String::new() } else { name };
            self.state = State::Html(name, 0);
            self.html(text, origin);
            return true;
        }
        let (tag, rest) = trimmed.split_at(tag.len());
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, tag);
        self.out.line(origin, prefix, "");
        (self.was_blank, self.item) = (true, 0);
        let close = format!("</{name}>");
        self.elements.push(name);
        match rest.split_once(close.as_str()) {
            Some((inner, after)) => {
                if !inner.trim().is_empty() {
                    self.block(prefix, inner.trim(), origin, at);
                }
                self.element(prefix, &format!("{close}{after}"), origin, at);
            }
            None if !rest.trim().is_empty() => self.block(prefix, rest.trim(), origin, at),
            None => {}
        }
        true
    }

    /// A line of an HTML block, which ends with the element that began it.
    fn html(&mut self, text: &str, origin: u32) {
        let State::Html(name, open) = &mut self.state else { return };
        let lower = text.to_ascii_lowercase();
        *open += count(&lower, &format!("<{name}"));
        *open = open.saturating_sub(count(&lower, &format!("</{name}")));
        let is_over = name.is_empty() || *open == 0;
        let is_pre = matches!(name.as_str(), "pre" | "script" | "style");
        if text.trim().is_empty() && !is_pre {
            // An empty line would end the block for CommonMark.
            self.out.line(origin, "", "<!-- -->");
        } else {
            self.out.line(origin, "", text);
        }
        if is_over {
            self.state = State::Prose;
            self.out.line(origin, "", "");
            self.was_blank = true;
        }
    }

    fn raw(&mut self, text: &str, origin: u32) {
        self.out.line(origin, "", text);
    }
}

/// The `>` that a line begins with, and what follows them.
fn quote(text: &str) -> (&str, &str) {
    let mut end = 0;
    let bytes = text.as_bytes();
    loop {
        let blanks = bytes[end..].iter().take_while(|byte| **byte == b' ').count();
        if blanks > 3 || bytes.get(end + blanks) != Some(&b'>') {
            return text.split_at(end);
        }
        end += blanks + 1;
        if bytes.get(end) == Some(&b' ') {
            end += 1;
        }
    }
}

/// The length of the sign that begins an item of a list, with the blanks after it.
fn item(text: &str) -> Option<usize> {
    let text = text.trim_start();
    let sign = match text.as_bytes().first()? {
        b'-' | b'*' | b'+' => 1,
        b'0'..=b'9' => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            (text.as_bytes().get(digits) == Some(&b'.')).then_some(digits + 1)?
        }
        _ => return None,
    };
    let blanks = text[sign..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (blanks > 0 && text.len() > sign + blanks).then_some(sign + if blanks > 4 { 1 } else { blanks })
}

/// A line of a table between its parts.
fn is_separator(trimmed: &str) -> bool {
    trimmed.contains('|')
        && trimmed.contains(['-', '='])
        && trimmed.bytes().all(|byte| matches!(byte, b'|' | b'-' | b'=' | b':' | b'+' | b' ' | b'\t'))
}

/// The element that a line begins to close.
fn closing(trimmed: &str) -> Option<String> {
    block_name(trimmed.strip_prefix("</")?)
}

/// The block element that a line begins to open, and its tag.
fn opening(trimmed: &str) -> Option<(String, &str)> {
    let name = block_name(trimmed.strip_prefix('<')?)?;
    let end = trimmed.find('>').map_or(trimmed.len(), |end| end + 1);
    Some((name, &trimmed[..end]))
}

/// The name that a text begins with, if it is a block's; not that of an address in `<>`.
fn block_name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))).unwrap_or(text.len());
    let name = text[..end].to_ascii_lowercase();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !SPANS.contains(&name.as_str());
    let goes_on = text[end..].is_empty() || text[end..].starts_with(['>', '/', ' ', '\t']);
    (is_name && goes_on && !text[end..].starts_with("//")).then_some(name)
}

/// What the attribute `markdown` of a tag says: whether its content is Markdown.
fn markdown_of(tag: &str) -> Option<bool> {
    let value = tag.split_once("markdown=")?.1.trim_start_matches(['"', '\'']);
    Some(!value.starts_with('0'))
}

/// How often a tag begins in a line.
fn count(line: &str, tag: &str) -> usize {
    line.match_indices(tag).filter(|(at, _)| !line[at + tag.len()..].starts_with(|c: char| c.is_alphanumeric())).count()
}
