//! HTML elements between blocks, as Python-Markdown takes them: raw up to their end, whatever stands in them, or with
//! Markdown in them where they ask for it (`md_in_html`).

use super::Inner;
use super::seek::Seek;

/// An element that begins at the beginning of a line.
pub(super) struct Element<'l> {
    /// Its opening tag.
    pub(super) open: String,
    pub(super) content: Vec<Inner<'l>>,
    pub(super) close: String,
    /// What stands on its last line behind it.
    pub(super) rest: Option<Inner<'l>>,
    /// How many lines it has.
    pub(super) count: usize,
    pub(super) origin: u32,
    pub(super) is_markdown: bool,
}

/// Longer than this is no tag.
const MAX_TAG: usize = 64 * 1024;

/// Beginnings without an end, after which no more ends are looked for among the same lines.
const MAX_UNCLOSED: usize = 20;

/// What Python-Markdown takes for a block (`markdown.util.BLOCK_LEVEL_ELEMENTS`).
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "audio",
    "blockquote",
    "body",
    "canvas",
    "center",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "group",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "html",
    "iframe",
    "legend",
    "li",
    "main",
    "map",
    "math",
    "menu",
    "nav",
    "noscript",
    "object",
    "ol",
    "option",
    "output",
    "p",
    "picture",
    "pre",
    "progress",
    "script",
    "search",
    "section",
    "style",
    "summary",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "video",
];

/// The element that these lines begin with, if it is a block and has an end.
pub(super) fn element<'l>(lines: &[Inner<'l>], seek: &mut Seek) -> Option<Element<'l>> {
    let first = lines.first()?;
    let text = first.text.trim_start();
    let name = name(text.strip_prefix('<')?).filter(|_| first.text.len() - text.len() < 4)?;
    let lower = name.to_ascii_lowercase();
    if !BLOCKS.contains(&lower.as_str()) || seek.unclosed > MAX_UNCLOSED {
        return None;
    }
    let (open_line, open_at) = open_end(lines)?;
    let Some((close_line, close_at, close_end)) = close(lines, (open_line, open_at), &lower, seek) else {
        seek.unclosed += 1;
        return None;
    };
    let mut open = String::new();
    for line in &lines[..open_line] {
        open.push_str(line.text.trim());
        open.push(' ');
    }
    let last_open = lines[open_line];
    open.push_str(last_open.text.get(..open_at)?.trim_start());
    let last = lines[close_line];
    let mut content = Vec::new();
    let mut push = |line: Inner<'l>| content.push(line);
    if close_line == open_line {
        push(Inner { text: last.text.get(open_at..close_at)?, origin: last.origin });
    } else {
        push(Inner { text: last_open.text.get(open_at..)?, origin: last_open.origin });
        lines[open_line + 1..close_line].iter().for_each(|line| push(*line));
        push(Inner { text: last.text.get(..close_at)?, origin: last.origin });
    }
    let rest = last.text.get(close_end..).map(str::trim).filter(|rest| !rest.is_empty());
    Some(Element {
        is_markdown: asks_for_markdown(&open),
        close: last.text.get(close_at..close_end)?.to_owned(),
        content,
        rest: rest.map(|text| Inner { text, origin: last.origin }),
        count: close_line + 1,
        origin: first.origin,
        open,
    })
}

fn name(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends = text[end..].is_empty() || text[end..].starts_with(['>', '/', ' ', '\t']);
    (is_name && ends).then(|| &text[..end])
}

/// The line and the place behind the `>` of an opening tag, which may have several lines.
fn open_end(lines: &[Inner<'_>]) -> Option<(usize, usize)> {
    let mut quote = None;
    for (number, line) in lines.iter().enumerate().take(20) {
        if line.text.trim().is_empty() {
            return None;
        }
        for (at, byte) in line.text.bytes().enumerate() {
            match (quote, byte) {
                (None, b'>') => return Some((number, at + 1)),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
        }
    }
    None
}

/// The line of the closing tag, and where on it that begins and ends.
fn close(
    lines: &[Inner<'_>],
    (first, from): (usize, usize),
    name: &str,
    seek: &mut Seek,
) -> Option<(usize, usize, usize)> {
    let mut depth = 1_usize;
    let mut number = first;
    while let Some(line) = lines.get(number) {
        // Fenced code is taken out before any HTML is looked for.
        if number > first
            && let Some(end) = seek.fence(lines, number)
        {
            number = end;
            continue;
        }
        let mut at = if number == first { from } else { 0 };
        while let Some(open) = line.text.get(at..)?.find('<').map(|open| at + open) {
            let tag = &line.text[open + 1..];
            let (is_close, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
            at = open + 1;
            if !tag.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name)) {
                continue;
            }
            let after = &tag[name.len()..];
            if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-') {
                continue;
            }
            if !is_close {
                // Tags without an end are as one.
                let end = after.find('>').unwrap_or(after.len());
                depth += usize::from(!after[..end].ends_with('/'));
                at = line.text.len() - after.len() + end.min(MAX_TAG);
                while !line.text.is_char_boundary(at) {
                    at -= 1;
                }
                continue;
            }
            depth -= 1;
            if depth == 0 {
                let end = line.text[open..].find('>').map_or(line.text.len(), |end| open + end + 1);
                return Some((number, open, end));
            }
        }
        number += 1;
    }
    None
}

fn asks_for_markdown(open: &str) -> bool {
    let words = || open.trim_end_matches('>').split_ascii_whitespace().skip(1);
    words().any(|word| word == "markdown" || word.strip_prefix("markdown=").is_some_and(|value| !value.contains('0')))
}
