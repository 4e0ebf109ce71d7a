//! reStructuredText: what Sphinx adds to it, rewritten into what docutils and pandoc both understand, before a converter
//! makes HTML of it.
//!
//! Source of the rules: the documentation of docutils ("reStructuredText Markup Specification", "Directives") and of Sphinx
//! ("reStructuredText", "Domains", "Directives", "Roles"), sphinx-tabs and Sphinx-Design, and what Sphinx 8 publishes.
//! Blocks are found by their indentation, as reStructuredText has it; what is code stays as it is to the letter.

mod directive;
mod explicit;
mod include;
mod inline;
mod object;
mod roles;
mod table;

use std::borrow::Cow;

use serde_json::Value;

use self::inline::{Form, escaped};
use super::{Context, Expanded, Out};
use crate::site::AnyRules;
use crate::site::sphinx::Sphinx;

/// Blocks within blocks, at most.
const MAX_DEPTH: usize = 24;

/// The first paragraph of what a converter is given: with text before it, docutils and pandoc leave the first heading where
/// it stands, in place of making it the document's title, which pandoc then leaves out.
const MARK: &str = "finmirrordocumentstart";

/// Rewrites a body.
pub(in crate::render) fn expand(body: &str, first_line: u32, context: &Context<'_>) -> Expanded<'static> {
    let mut out = Out::with_capacity(body.len() + body.len() / 4);
    let sphinx = match &context.site.generator {
        AnyRules::Sphinx(rules) => Some(&**rules),
        _ => None,
    };
    let mut blocks = Blocks {
        out: &mut out,
        context,
        sphinx,
        dir: context.path.dir().to_owned(),
        module: String::new(),
        classes: 0,
        default_role: String::new(),
        definitions: Vec::new(),
        own_names: Vec::new(),
    };
    blocks.default_role = blocks.conf("default_role").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (prolog, epilog) = (blocks.text("rst_prolog"), blocks.text("rst_epilog"));
    let body = detabbed(body);
    for text in [&*prolog, &body, &epilog] {
        blocks.own_names.extend(substitutions(text));
    }
    blocks.out.line(first_line, "", MARK);
    blocks.out.line(first_line, "", "");
    let own = without_fields(&body);
    let left_out = u32::try_from(body[..body.len() - own.len()].matches('\n').count()).unwrap_or_default();
    for (text, first_line) in [(&*prolog, 1), (own, first_line.saturating_add(left_out)), (&*epilog, 1)] {
        blocks.write(&lines(text, first_line), "", 0);
        blocks.out.line(first_line, "", "");
    }
    for definition in std::mem::take(&mut blocks.definitions) {
        blocks.out.line(first_line, "", &definition);
    }
    out.finish()
}

/// What a converter made of such a text, without the mark that was put before it: its headings begin at the first level, and
/// docutils' literals are code.
pub(in crate::render) fn without_mark(html: &str) -> String {
    let paragraph = format!("<p>{MARK}</p>");
    let html = html.replacen(&paragraph, "", 1).replacen(MARK, "", 1);
    let mut written = String::with_capacity(html.len());
    let begins_lower = !html.contains("<h1");
    let mut spans: Vec<bool> = Vec::new();
    let mut rest = html.as_str();
    while let Some(at) = rest.find('<') {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let tag = &rest[..end];
        rest = &rest[end..];
        if tag == "</span>" {
            written.push_str(if spans.pop().unwrap_or(false) { "</code>" } else { tag });
        } else if tag.starts_with("<span") {
            let is_code = tag.contains("docutils literal");
            spans.push(is_code);
            written.push_str(if is_code { "<code>" } else { tag });
        } else {
            let level = tag.trim_start_matches(['<', '/']).strip_prefix('h').and_then(|rest| rest.chars().next());
            match level.and_then(|level| level.to_digit(10)).filter(|level| begins_lower && (2..=6).contains(level)) {
                Some(level) => written.push_str(&tag.replacen(&format!("h{level}"), &format!("h{}", level - 1), 1)),
                None => written.push_str(tag),
            }
        }
    }
    written.push_str(rest);
    written
}

/// A line, and the document's line that it comes from.
#[derive(Clone, Copy, Debug)]
struct Line<'l> {
    text: &'l str,
    origin: u32,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }
}

struct Blocks<'a> {
    out: &'a mut Out,
    context: &'a Context<'a>,
    sphinx: Option<&'a Sphinx>,
    /// The folder that paths count from.
    dir: String,
    /// `currentmodule`.
    module: String,
    /// Descriptions of classes that are open.
    classes: usize,
    default_role: String,
    /// Substitutions of our own making, for what has no room where it stands.
    definitions: Vec<String>,
    /// The names of the text's own substitutions.
    own_names: Vec<String>,
}

impl Blocks<'_> {
    /// A literal value of `conf.py`.
    fn conf(&self, name: &str) -> Option<&Value> {
        self.sphinx.and_then(|rules| rules.conf.get(name))
    }

    fn text(&self, name: &str) -> String {
        self.conf(name).and_then(Value::as_str).map(|text| detabbed(text).into_owned()).unwrap_or_default()
    }

    fn write(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let mut at = 0;
        while let Some(line) = lines.get(at).filter(|_| !self.out.is_full()) {
            let rest = &lines[at..];
            let text = line.text.trim_start();
            at += if line.is_blank() {
                self.out.line(line.origin, prefix, "");
                1
            } else if depth > MAX_DEPTH {
                self.copy(&rest[..1], prefix)
            } else if is_explicit(text) {
                let length = block(rest, line.indent());
                let prefix = format!("{prefix}{}", &line.text[..line.indent()]);
                self.explicit(&rest[..length], &prefix, depth);
                length
            } else if text.starts_with(">>> ") || text.starts_with("__ ") {
                self.copy(&rest[..paragraph(rest)], prefix)
            } else if let Some(length) = table::length(rest) {
                self.table(&rest[..length], prefix);
                length
            } else if let Some(length) = object::fields(rest) {
                self.fields(&rest[..length], prefix, depth);
                length
            } else {
                let length = paragraph(rest);
                self.paragraph(&rest[..length], prefix);
                let literal = literal(&rest[..length], &rest[length..]);
                length + self.copy(&rest[length..length + literal], prefix)
            };
        }
    }

    /// Writes lines as they stand; says how many.
    fn copy(&mut self, lines: &[Line<'_>], prefix: &str) -> usize {
        for line in lines {
            self.out.line(line.origin, prefix, line.text);
        }
        lines.len()
    }

    /// Writes a paragraph, a heading, list items: lines without an empty one among them.
    fn paragraph(&mut self, lines: &[Line<'_>], prefix: &str) {
        let (mut from, mut at) = (0, 0);
        while at < lines.len() {
            let rest = &lines[at..];
            let length = title(rest);
            if length > 0 {
                self.prose(&lines[from..at], prefix);
                self.title(&rest[..length], prefix);
                from = at + length;
            }
            at += length.max(1);
        }
        self.prose(&lines[from..], prefix);
    }

    fn title(&mut self, lines: &[Line<'_>], prefix: &str) {
        let Some(text) = lines.get(lines.len().saturating_sub(2)) else { return };
        let written = self.inline(text.text, text.origin, Form::Free);
        for (at, line) in lines.iter().enumerate() {
            if at + 2 == lines.len() {
                self.out.line(line.origin, prefix, &written);
            } else {
                let sign = line.text.trim().chars().next().unwrap_or('=');
                let width = width(line.text.trim()).max(width(&written));
                self.out.line(line.origin, prefix, &String::from(sign).repeat(width));
            }
        }
    }

    fn prose(&mut self, lines: &[Line<'_>], prefix: &str) {
        let Some(first) = lines.first() else { return };
        let joined: Vec<&str> = lines.iter().map(|line| line.text).collect();
        let written = self.inline(&joined.join("\n"), first.origin, Form::Free);
        for (at, text) in written.lines().enumerate() {
            let origin = lines.get(at).or(lines.last()).map_or(first.origin, |line| line.origin);
            self.out.line(origin, prefix, text);
        }
    }

    /// A paragraph in bold, where its text has no markup of its own.
    fn label(&mut self, text: &str, origin: u32, prefix: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let written = if text.contains(['`', '*', '|', '_', '\\']) {
            self.inline(text, origin, Form::Free)
        } else {
            format!("**{text}**")
        };
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, &written);
        self.out.line(origin, prefix, "");
    }

    /// A paragraph of text that means only itself.
    fn plain(&mut self, text: &str, origin: u32, prefix: &str) {
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, &escaped(text.trim()));
        self.out.line(origin, prefix, "");
    }

    fn code(&mut self, language: &str, lines: &[Line<'_>], origin: u32, prefix: &str) {
        let lines = trimmed(lines);
        if lines.is_empty() {
            return;
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_' | '.');
        let language = Some(language).filter(|language| language.chars().all(is_word)).unwrap_or_default();
        self.out.line(origin, prefix, "");
        self.out.line(origin, prefix, format!(".. code:: {language}").trim_end());
        self.out.line(origin, prefix, "");
        let inner = format!("{prefix}   ");
        self.copy(lines, &inner);
        self.out.line(origin, prefix, "");
    }

    /// Content in the place of the directive that held it.
    fn unwrapped(&mut self, content: &[Line<'_>], origin: u32, prefix: &str, depth: usize) {
        self.out.line(origin, prefix, "");
        self.write(content, prefix, depth + 1);
        self.out.line(origin, prefix, "");
    }

    fn warn_of(&mut self, origin: u32, what: String) {
        self.out.warn("unknown_construct", origin, what);
    }
}

fn lines(text: &str, first_line: u32) -> Vec<Line<'_>> {
    text.lines().zip(first_line..).map(|(text, origin)| Line { text, origin }).collect()
}

/// Text whose tabs are the blanks that docutils makes of them: up to the next multiple of eight.
fn detabbed(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                written.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            c => {
                written.push(c);
                column = if c == '\n' { 0 } else { column + 1 };
            }
        }
    }
    Cow::Owned(written)
}

/// A text without the fields that it begins with: Sphinx' "file-wide metadata", which no reader sees.
fn without_fields(text: &str) -> &str {
    let start = text.trim_start_matches(['\n', '\r', ' ', '\u{feff}']);
    let is_field = |line: &str| line.starts_with(':') && line[1..].find(':').is_some_and(|end| end > 0);
    let mut rest = start;
    let mut any = false;
    while let Some(line) = rest.lines().next() {
        if !(is_field(line) && !line.contains(":`") || any && line.starts_with(' ')) {
            break;
        }
        any = true;
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    if any { rest } else { text }
}

/// The names that a text gives to substitutions.
fn substitutions(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix(".. |")?.split_once("| "));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn is_explicit(text: &str) -> bool {
    text == ".." || text.starts_with(".. ")
}

/// The lines of a block that begins here, which reaches as far as lines are indented more; without empty lines at its end.
fn block(lines: &[Line<'_>], indent: usize) -> usize {
    let is_inside = |line: &&Line<'_>| line.is_blank() || line.indent() > indent;
    let length = 1 + lines.iter().skip(1).take_while(is_inside).count();
    trimmed_end(&lines[..length.min(lines.len())]).max(1)
}

fn trimmed_end(lines: &[Line<'_>]) -> usize {
    lines.iter().rposition(|line| !line.is_blank()).map_or(0, |last| last + 1)
}

/// Lines without the empty ones around them.
fn trimmed<'s, 'l>(lines: &'s [Line<'l>]) -> &'s [Line<'l>] {
    let lines = &lines[..trimmed_end(lines)];
    let first = lines.iter().position(|line| !line.is_blank()).unwrap_or(lines.len());
    &lines[first..]
}

/// Lines without the indentation that all of them have.
fn dedented<'l>(lines: &[Line<'l>]) -> Vec<Line<'l>> {
    let indent = lines.iter().filter(|line| !line.is_blank()).map(Line::indent).min().unwrap_or(0);
    lines.iter().map(|line| Line { text: line.text.get(indent..).unwrap_or_default(), origin: line.origin }).collect()
}

/// The lines of a paragraph: up to an empty one, or to markup that is indented otherwise.
fn paragraph(lines: &[Line<'_>]) -> usize {
    let pairs = lines.iter().zip(lines.iter().skip(1));
    let more = pairs.take_while(|(before, line)| {
        !(line.is_blank() || is_explicit(line.text.trim_start()) && line.indent() != before.indent())
    });
    1 + more.count()
}

/// The lines of the literal block that a paragraph announces with `::`.
fn literal(paragraph: &[Line<'_>], after: &[Line<'_>]) -> usize {
    let Some(last) = paragraph.last().filter(|line| line.text.trim_end().ends_with("::")) else { return 0 };
    let text = last.text.trim_start();
    let bullet = text.find(' ').filter(|end| is_bullet(&text[..*end])).map_or(0, |end| {
        let item = &text[end..];
        end + item.len() - item.trim_start().len()
    });
    let indent = last.indent() + bullet;
    let length = after.iter().take_while(|line| line.is_blank() || line.indent() > indent).count();
    trimmed_end(after.get(..length).unwrap_or_default())
}

fn is_bullet(word: &str) -> bool {
    let inner = word.trim_start_matches('(').trim_end_matches(['.', ')']);
    let is_number =
        || inner.len() < word.len() && inner.len() <= 4 && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
    matches!(word, "-" | "*" | "+" | "•") || is_number()
}

/// The lines of a heading that stands first: with its underline two, with a line above it as well three; 0: none does.
fn title(lines: &[Line<'_>]) -> usize {
    let text = |at: usize| lines.get(at).map(|line: &Line<'_>| line.text.trim_end()).unwrap_or_default();
    let covers = |line: &str, text: &str| width(line) >= width(text.trim()).min(4);
    let (first, second, third) = (text(0), text(1), text(2));
    if is_line(first)
        && is_line(third)
        && first.chars().next() == third.chars().next()
        && !is_line(second)
        && covers(third, second)
        && !second.is_empty()
    {
        return 3;
    }
    let is_title = !first.trim().is_empty() && !first.starts_with(' ') && !is_line(first);
    if is_title && is_line(second) && covers(second, first) { 2 } else { 0 }
}

/// A line of one sign of punctuation alone.
fn is_line(line: &str) -> bool {
    let first = line.chars().next();
    line.len() >= 2 && first.is_some_and(|c| c.is_ascii_punctuation()) && line.chars().all(|c| Some(c) == first)
}

/// Columns that a text takes, at most.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests;
