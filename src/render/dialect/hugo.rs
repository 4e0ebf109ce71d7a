//! Hugo: shortcodes become `CommonMark`, and raw HTML that is not published is left out.
//!
//! Source of the rules: Hugo's documentation ("Shortcodes", "Configure Markup"), the documentation of the themes that are
//! named in [`known`], and what Hugo 0.111 and 0.168 make of them. Shortcodes are read before Markdown is, so in code as
//! well. A shortcode of the site's own is read where its template is plain; another that is not known is a warning, and
//! its text stays.

mod known;
mod lines;
mod tags;
mod template;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use self::lines::{Line, Lines};
use self::tags::{Piece, Placed, Tag, read};
use super::{Context, Expanded, Out};
use crate::page::DocPath;
use crate::render::Facts;
use crate::site::hugo::{Hugo, Markup};

/// Shortcodes within shortcodes, at most; of deeper ones only the text stays.
const MAX_DEPTH: usize = 16;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &Hugo, context: &Context<'_>) -> Expanded<'a> {
    let has_html = !rules.markup.publishes_html && body.contains('<');
    let Markup { has_block_attributes, has_emoji, is_typographic, .. } = rules.markup;
    if !(body.contains("{{<") || body.contains("{{%") || has_html || has_block_attributes || has_emoji) {
        return Expanded { is_typographic, ..Expanded::untouched(body, first_line) };
    }
    let mut pass = Pass::new(rules, context, body.len());
    let lines = pass.lines(body, first_line, rules.markup.publishes_html);
    for line in lines {
        pass.out.line(line.origin, "", &line.text);
    }
    Expanded { is_typographic, ..pass.out.finish() }
}

/// As [`expand`], for a document of HTML: there what stands in shortcodes is HTML, too.
pub(super) fn expand_html<'a>(body: &'a str, first_line: u32, rules: &Hugo, context: &Context<'_>) -> Expanded<'a> {
    if !(body.contains("{{<") || body.contains("{{%")) {
        return Expanded::untouched(body, first_line);
    }
    let mut pass = Pass::new(rules, context, body.len());
    pass.is_html = true;
    let lines = pass.lines(body, first_line, true);
    for line in lines {
        pass.out.line(line.origin, "", &line.text);
    }
    pass.out.finish()
}

struct Pass<'a> {
    rules: &'a Hugo,
    context: &'a Context<'a>,
    out: Out,
    /// The document's front matter, its keys in lower case.
    front: Option<Value>,
    /// The language of the document.
    language: String,
    is_html: bool,
    depth: usize,
    /// Templates of the site's own shortcodes; `None`: there is none that is plain.
    templates: HashMap<String, Option<Rc<[template::Part]>>>,
    /// The groups of tabs that are open, the innermost last.
    tabs: Vec<Tabs>,
    /// Bytes that templates made so far.
    made: usize,
}

/// A group of tabs.
struct Tabs {
    /// Labels that the group itself names, in order.
    labels: Vec<String>,
    next: usize,
    /// Whether what stands in the tabs is code.
    is_code: bool,
    language: Option<String>,
}

/// What a shortcode becomes.
enum Shown {
    Nothing,
    /// A part of a line.
    Inline(String),
    /// Lines of their own.
    Block(Vec<Line>),
}

/// A shortcode, and what stands between its tags.
struct Call<'p, 't> {
    tag: &'p Tag<'t>,
    /// What stands in it, taken apart; `None`: nothing closes it.
    inner: Option<&'p [Placed<'t>]>,
    /// The same as it is written.
    raw: &'t str,
    /// How many pieces stand before `inner`.
    first: usize,
    origin: u32,
}

impl<'a> Pass<'a> {
    fn new(rules: &'a Hugo, context: &'a Context<'a>, bytes: usize) -> Self {
        Self {
            rules,
            context,
            out: Out::with_capacity(bytes + bytes / 4),
            front: None,
            language: rules.language(context.path),
            is_html: false,
            depth: 0,
            templates: HashMap::new(),
            tabs: Vec::new(),
            made: 0,
        }
    }

    /// A text, its first line being this one of the document.
    fn lines(&mut self, text: &str, first_line: u32, keeps_html: bool) -> Vec<Line> {
        let pieces = read(text);
        let origin = |line: u32| first_line.saturating_add(line);
        self.pieces(&pieces, 0, text, &origin, keeps_html)
    }

    /// Pieces of a text, of which `first` stand before them.
    fn pieces(
        &mut self,
        pieces: &[Placed<'_>],
        first: usize,
        text: &str,
        origin: &dyn Fn(u32) -> u32,
        keeps_html: bool,
    ) -> Vec<Line> {
        let mut lines = Lines::new(keeps_html, self.rules.markup);
        let mut at = 0;
        while let Some(Placed { piece, line, range }) = pieces.get(at) {
            let origin_here = origin(*line);
            at += 1;
            let tag = match piece {
                Piece::Text(text) => {
                    lines.text(text, origin_here);
                    continue;
                }
                Piece::Shown(text) => {
                    // Escaped, so that nothing takes it for a construct that is not understood.
                    let escape = if self.is_html || lines.is_in_code() || lines.is_in_span() { "" } else { "\\" };
                    lines.text(&format!("{escape}{text}"), origin_here);
                    continue;
                }
                Piece::Tag(tag) if tag.is_end() || lines.is_left_out() => continue,
                Piece::Tag(tag) => tag,
            };
            let end = tag.end.and_then(|end| end.checked_sub(first)).filter(|end| *end < pieces.len());
            let inner = end.and_then(|end| pieces.get(at..end));
            let raw = end.and_then(|end| text.get(range.end..pieces.get(end)?.range.start)).unwrap_or_default();
            let call = Call { tag, inner, raw, first: first + at, origin: origin_here };
            let shown = self.call(&call, text, origin);
            at = end.map_or(at, |end| end + 1);
            match shown {
                Shown::Nothing => {}
                Shown::Inline(text) => lines.shown(&text, origin_here),
                Shown::Block(block) if lines.is_in_table() => lines.inline(&flat(&block), origin_here),
                Shown::Block(block) => lines.block(block, origin_here),
            }
            if self.out.is_full() {
                break;
            }
        }
        lines.finish()
    }

    /// What stands between the tags of a shortcode, without the indentation that all of its lines have.
    fn inner(&mut self, call: &Call<'_, '_>, text: &str, origin: &dyn Fn(u32) -> u32) -> Vec<Line> {
        let Some(pieces) = call.inner else { return Vec::new() };
        if self.depth >= MAX_DEPTH {
            self.out.warn("too_nested", call.origin, format!("`{}` stands in too many shortcodes", call.tag.name));
            return Vec::new();
        }
        self.depth += 1;
        // Themes hand it to Markdown, which knows no HTML there either.
        let keeps_html = self.rules.markup.publishes_html || self.is_html;
        let mut lines = self.pieces(pieces, call.first, text, origin, keeps_html);
        self.depth -= 1;
        dedent(&mut lines, call.raw.starts_with(['\n', '\r']));
        lines
    }

    fn call(&mut self, call: &Call<'_, '_>, text: &str, origin: &dyn Fn(u32) -> u32) -> Shown {
        if let Some(shown) = self.by_template(call, text, origin) {
            return shown;
        }
        if let Some(shown) = self.known(call, text, origin) {
            return shown;
        }
        let name = call.tag.name;
        let kept = if call.inner.is_some() { "; its text is kept" } else { "; it is left out" };
        self.out.warn("unknown_construct", call.origin, format!("the shortcode `{name}` is not understood{kept}"));
        let lines = self.inner(call, text, origin);
        shown(call, lines)
    }

    /// The url of the page that a `ref` means.
    fn reference(&mut self, name: &str, origin: u32) -> Option<String> {
        let (path, fragment) = name.split_once('#').map_or((name, None), |(path, fragment)| (path, Some(fragment)));
        let mut url = if path.is_empty() { self.own_url() } else { self.page(path) };
        if url.is_none() {
            self.out.warn("dead_link", origin, format!("`{name}` leads to no page"));
        }
        if let (Some(url), Some(fragment)) = (&mut url, fragment) {
            url.push('#');
            url.push_str(fragment);
        }
        // What would end a link in Markdown.
        url.map(|url| url.replace('(', "%28").replace(')', "%29"))
    }

    fn own_url(&self) -> Option<String> {
        self.context.asking.page_url(self.context.path)
    }

    fn page(&self, path: &str) -> Option<String> {
        let asking = self.context.asking;
        let candidates = self.rules.referred(self.context.path, path);
        if let Some(url) = candidates.iter().find_map(|candidate| asking.page_url(&DocPath::new(candidate.as_str()))) {
            return Some(url);
        }
        if !path.trim_start_matches('/').contains('/') {
            let stem = path.trim_start_matches('/').trim_end_matches(".md").to_lowercase();
            if let Some(url) = asking.label(&format!("{}:{stem}", self.language)).and_then(|label| label.url) {
                return Some(url);
            }
        }
        // A section that has no text of its own is no page here, yet the site has a list there.
        let sections = self.rules.section_file(path, &self.language);
        sections.iter().take(4).find_map(|file| self.section_url(&DocPath::new(file.as_str())))
    }

    fn section_url(&self, file: &DocPath) -> Option<String> {
        let text = self.context.asking.file(file)?;
        let facts: Facts = crate::render::facts(file, text.as_bytes(), self.context.site).ok()?;
        let placement = self.context.site.place(file, &facts, &crate::site::Alone);
        placement.url.map(String::from)
    }

    /// The first of these files that is there.
    fn file(&self, places: &[(String, String)]) -> Option<(DocPath, Arc<str>)> {
        places.iter().find_map(|(dir, path)| super::included(self.context, dir, path))
    }

    /// A value of the front matter, else of the site's `params`.
    fn param(&mut self, key: &str) -> Option<String> {
        let context = self.context;
        let front = self.front.get_or_insert_with(|| {
            context.front.map(|front| crate::site::hugo::lowered(front.json())).unwrap_or_default()
        });
        let key = key.to_lowercase();
        let find = |value: &Value| {
            let found = key.split('.').take(16).fold(value, |value, part| &value[part]);
            match found {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(flag) => Some(flag.to_string()),
                _ => None,
            }
        };
        find(front).or_else(|| find(&front["params"])).or_else(|| find(&self.rules.params))
    }
}

/// A part of a line where it is one in the document, else lines of their own.
fn shown(call: &Call<'_, '_>, mut lines: Vec<Line>) -> Shown {
    match lines.len() {
        0 => Shown::Nothing,
        1 if !call.raw.contains('\n') => Shown::Inline(lines.remove(0).text),
        _ => Shown::Block(lines),
    }
}

/// Lines as one.
fn flat(lines: &[Line]) -> String {
    let words: Vec<&str> = lines
        .iter()
        .map(|line| line.text.trim_start_matches(['>', ' ']).trim())
        .filter(|text| !text.is_empty())
        .collect();
    words.join(" ")
}

/// Takes off the indentation that all lines have; the first one stands behind a tag where no line break does.
fn dedent(lines: &mut [Line], is_first_whole: bool) {
    let skipped = usize::from(!is_first_whole);
    let indent = |line: &Line| line.text.len() - line.text.trim_start_matches(' ').len();
    let filled = lines.iter().skip(skipped).filter(|line| !line.text.trim().is_empty());
    let Some(least) = filled.map(indent).min() else { return };
    for line in lines.iter_mut().skip(skipped) {
        let cut = least.min(indent(line));
        line.text.drain(..cut);
    }
}

#[cfg(test)]
mod tests;
