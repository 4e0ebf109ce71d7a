//! What GitBook.com writes as HTML and links of its own: hidden columns, values, mentions, ids of headings.

use std::borrow::Cow;

use super::expression::Words;
use super::{Context, Out, escaped, title_of};
use crate::page::DocPath;
use crate::render::tokens::{Token, Tokens};

/// Rewrites a line, or the lines of a table.
pub(super) fn rewrite(
    text: &str,
    origin: u32,
    file: &DocPath,
    context: &Context<'_>,
    words: &Words<'_>,
    out: &mut Out,
) -> String {
    let mut text = Cow::Borrowed(text);
    if text.contains("<table") && text.contains("data-hidden") {
        text = Cow::Owned(without_hidden(&text));
    }
    if text.contains("class=\"expression\"") {
        text = Cow::Owned(with_values(&text, origin, words, out));
    }
    if text.contains("\"mention\")") {
        text = Cow::Owned(with_titles(&text, file, context));
    }
    if text.trim_start().starts_with('#') && text.contains("<a href=\"#") {
        text = Cow::Owned(heading(&text));
    }
    text.into_owned()
}

/// A table without the columns that no reader sees: cards are tables whose other columns say how they look.
fn without_hidden(text: &str) -> String {
    let mut hidden: Vec<bool> = Vec::new();
    let (mut column, mut in_row): (usize, bool) = (0, false);
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, token) in Tokens::new(text) {
        match token {
            Token::Start(name, attributes, _) => match name.to_ascii_lowercase().as_str() {
                "table" => hidden.clear(),
                "tr" => (column, in_row) = (0, true),
                kind @ ("th" | "td") if in_row => {
                    if let Some(start) = open.take() {
                        cuts.push((start, at));
                    }
                    let says = attributes.iter().any(|(key, _)| *key == "data-hidden");
                    if kind == "th" && hidden.len() <= column {
                        hidden.push(says);
                    }
                    open = (says || hidden.get(column) == Some(&true)).then_some(at);
                    column += 1;
                }
                _ => {}
            },
            Token::End(name) => {
                let name = name.to_ascii_lowercase();
                if matches!(name.as_str(), "th" | "td" | "tr") {
                    if let Some(start) = open.take() {
                        let len = if name == "tr" { 0 } else { name.len() + "</>".len() };
                        cuts.push((start, (at + len).min(text.len())));
                    }
                    in_row &= name != "tr";
                }
            }
            _ => {}
        }
    }
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in cuts {
        kept.push_str(text.get(from..start).unwrap_or_default());
        from = end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// `<code class="expression">space.vars.x</code>` filled in.
fn with_values(text: &str, origin: u32, words: &Words<'_>, out: &mut Out) -> String {
    const OPEN: &str = "<code class=\"expression\">";
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((code, tail)) = after.split_once("</code>") else { break };
        filled.push_str(before);
        if let Some(text) = words.shown(code) {
            filled.push_str(&text);
        } else {
            let shown: String = code.chars().take(60).collect();
            out.warn(
                "unknown_construct",
                origin,
                format!("the expression `{shown}` is not understood; it is left out"),
            );
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// `[page.md](page.md "mention")` shows the page's title.
fn with_titles(text: &str, file: &DocPath, context: &Context<'_>) -> String {
    const END: &str = " \"mention\")";
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once(END) {
        rest = tail;
        let link = before.rfind("](").and_then(|middle| Some((before.get(..middle)?.rfind('[')?, middle)));
        let Some((open, middle)) = link else {
            written.push_str(before);
            written.push_str(END);
            continue;
        };
        let target = before.get(middle + 2..).unwrap_or_default();
        let shown = before.get(open + 1..middle).unwrap_or_default();
        let title = title_of(target.trim_matches(['<', '>']), file, context).map(|title| escaped(&title));
        written.push_str(before.get(..open).unwrap_or_default());
        for part in ["[", title.as_deref().unwrap_or(shown), "](", target, ")"] {
            written.push_str(part);
        }
    }
    written.push_str(rest);
    written
}

/// `## Title <a href="#own" id="own"></a>` is a heading with an id.
fn heading(text: &str) -> String {
    let parts = text.split_once("<a href=\"#").and_then(|(title, tag)| {
        let (_, rest) = tag.split_once("id=\"")?;
        let (id, rest) = rest.split_once('"')?;
        rest.trim().eq("></a>").then_some((title.trim_end(), id))
    });
    match parts {
        Some((title, id)) if !id.is_empty() && !id.contains([' ', '}']) => format!("{title} {{#{id}}}"),
        _ => text.to_owned(),
    }
}
