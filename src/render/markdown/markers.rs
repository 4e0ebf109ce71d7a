//! Where `fin:skip` markers stand in Markdown: in which events of the parser, and in which of them they are only shown.

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::parser;
use crate::page::Failure;
use crate::render::skip::{Finder, Skips, may_hold};
use crate::render::tokens::{Token, Tokens};

/// Finds where text is cut out.
pub(in crate::render) fn skips(body: &str, first_line: u32) -> Result<Skips, Failure> {
    if !may_hold(body) {
        return Ok(Skips::default());
    }
    let mut finder = Finder::new(body, first_line);
    let mut html: Option<Pieces> = None;
    for (event, range) in parser(body, false) {
        match event {
            Event::Start(Tag::HtmlBlock) => html = Some(Pieces::default()),
            Event::End(TagEnd::HtmlBlock) => {
                if let Some(pieces) = html.take() {
                    find_in_html(&pieces, &mut finder)?;
                }
            }
            Event::Html(text) | Event::Text(text) if html.is_some() => {
                if let Some(pieces) = &mut html {
                    pieces.push(&text, range.start);
                }
            }
            Event::InlineHtml(text) => {
                let mut pieces = Pieces::default();
                pieces.push(&text, range.start);
                pieces.end = range.end;
                find_in_html(&pieces, &mut finder)?;
            }
            Event::Code(text) if may_hold(&text) && !is_sure_span(&text) => {
                finder.doubtful_code(
                    range,
                    "stands in code that may end elsewhere than was meant; check the backticks",
                )?;
            }
            Event::Code(_) => finder.code(range),
            Event::Start(Tag::CodeBlock(kind)) if finder.has_marker(&range) => match kind {
                CodeBlockKind::Indented => {
                    finder.doubtful_code(
                        range,
                        "stands in indented code; write it as fenced code if it is meant as text",
                    )?;
                }
                CodeBlockKind::Fenced(_) if !is_sure_block(body.get(range.clone()).unwrap_or_default()) => {
                    finder
                        .doubtful_code(range, "stands in a code block that is not closed where it was meant to be")?;
                }
                CodeBlockKind::Fenced(_) => finder.code(range),
            },
            _ => {}
        }
    }
    finder.finish()
}

fn find_in_html(pieces: &Pieces, finder: &mut Finder<'_>) -> Result<(), Failure> {
    for (at, token) in Tokens::new(&pieces.text) {
        if let Token::Comment(inner, true) = token {
            let end = at + inner.len() + "<!---->".len();
            finder.comment(inner, pieces.place(at)..pieces.place(end))?;
        }
    }
    Ok(())
}

/// Whether a fenced code block was surely meant to be one: it ends with a fence of its own, and no other fence opens in
/// it, as it does where one was forgotten and all that follow have changed their roles.
fn is_sure_block(block: &str) -> bool {
    let sign = |c: char| c == '`' || c == '~';
    // In a quote or a list the other lines may have signs of their own before the fence.
    let bare = |line: &'_ str| line.trim().trim_start_matches(['>', ' ', '\t']).to_owned();
    let mut lines = block.trim_end().lines().map(bare);
    let first = lines.next().unwrap_or_default();
    let fence = &first[..first.len() - first.trim_start_matches(sign).len()];
    let is_closed = lines.next_back().is_some_and(|last| !fence.is_empty() && last.starts_with(fence));
    is_closed && !lines.any(|line| line.starts_with(fence))
}

/// Whether a code span was surely meant to be one: it is a marker and nothing else, or holds as many ends as beginnings.
fn is_sure_span(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let (all, ends) = (text.matches("fin:skip").count(), text.matches("/fin:skip").count());
    let is_bare = !text.contains("<!--");
    is_bare || all == 2 * ends || (all == 1 && text.starts_with("<!--") && text.ends_with("-->"))
}

/// The text of an HTML block, which stands in the body in pieces where it is quoted or indented.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) text: String,
    /// Where each piece begins in `text`, and where it stands in the body.
    starts: Vec<(usize, usize)>,
    end: usize,
}

impl Pieces {
    /// Appends a piece that stands at this place.
    pub(super) fn push(&mut self, text: &str, place: usize) {
        self.starts.push((self.text.len(), place));
        self.text.push_str(text);
        self.end = place + text.len();
    }

    /// Where a place of `text` stands in the body.
    pub(super) fn place(&self, at: usize) -> usize {
        if at >= self.text.len() {
            return self.end;
        }
        let after = self.starts.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).map_or(0, |last| self.starts[last].1 + at - self.starts[last].0)
    }
}
