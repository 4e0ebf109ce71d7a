//! `<!-- fin:skip -->…<!-- /fin:skip -->`: where text is cut out.
//!
//! Invariant: what stands between two markers is never sent. Whatever may be meant as a marker and is none (unclosed,
//! stray, nested, misspelt, escaped, in a place where it is no comment) fails the page, so that nothing of it is sent.
//! Only in code that is closed, and in prose without the comment's signs, the words stand for themselves.

use std::ops::Range;

use super::dialect::Lines;
use super::fails;
use super::warnings::Warnings;
use crate::page::Failure;

/// Where text is cut out: ranges of the body, in order.
#[derive(Debug, Default)]
pub(super) struct Skips {
    ranges: Vec<Range<usize>>,
}

impl Skips {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a place of the body is cut out.
    pub(super) fn hides(&self, offset: usize) -> bool {
        let after = self.ranges.partition_point(|range| range.start <= offset);
        after > 0 && offset < self.ranges[after - 1].end
    }

    /// The body without what is cut out.
    pub(super) fn cut(&self, body: &str) -> String {
        let mut out = String::with_capacity(body.len());
        let mut from = 0;
        for range in &self.ranges {
            out.push_str(&body[from..range.start]);
            from = range.end;
        }
        out.push_str(&body[from..]);
        out
    }
}

/// Whether a body may hold a marker at all; most do not, and need no second look.
pub(super) fn may_hold(body: &str) -> bool {
    let bytes = body.as_bytes();
    memchr::memchr_iter(b':', bytes).any(|at| at >= 3 && bytes[at - 3..at].eq_ignore_ascii_case(b"fin"))
}

/// Collects the comments and the code of a document, in order.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    body: &'a str,
    lines: Warnings<'a>,
    open: Option<Range<usize>>,
    ranges: Vec<Range<usize>>,
    /// Places where the words are accounted for.
    known: Vec<Range<usize>>,
}

impl<'a> Finder<'a> {
    /// Looks at a body that begins on this line.
    pub(super) fn new(body: &'a str, first_line: u32) -> Self {
        Self {
            body,
            lines: Warnings::new(body, Lines::straight(first_line), Vec::new()),
            open: None,
            ranges: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Takes a comment: what stands between its signs, and where the whole of it stands in the body.
    pub(super) fn comment(&mut self, inner: &str, at: Range<usize>) -> Result<(), Failure> {
        let word = inner.trim().to_ascii_lowercase();
        match word.as_str() {
            "fin:skip" => {
                if let Some(first) = &self.open {
                    let first = first.start;
                    let first = self.lines.line(first);
                    return Err(self.fail(at.start, &format!("opens within the one of line {first}; they do not nest")));
                }
                self.open = Some(at.clone());
            }
            "/fin:skip" => match self.open.take() {
                Some(open) => self.ranges.push(open.start..at.end),
                None => return Err(self.fail(at.start, "closes where none is open")),
            },
            _ if word.starts_with("fin:") || word.starts_with("/fin:") || word.contains("fin:skip") => {
                let shown: String = inner.trim().chars().take(40).collect();
                return Err(self.fail(
                    at.start,
                    &format!(
                        "is spelt `{shown}`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it"
                    ),
                ));
            }
            _ => return Ok(()),
        }
        self.known.push(at);
        Ok(())
    }

    /// Takes code, in which markers are text.
    pub(super) fn code(&mut self, at: Range<usize>) {
        self.known.push(at);
    }

    /// Takes code of which nobody can tell whether it was meant to be code.
    pub(super) fn doubtful_code(&mut self, at: Range<usize>, what: &str) -> Result<(), Failure> {
        match occurrences(self.body).map(|(marker, _)| marker).find(|marker| at.contains(marker)) {
            Some(marker) => Err(self.fail(marker, what)),
            None => Ok(()),
        }
    }

    /// Whether a range holds what looks like a marker.
    pub(super) fn has_marker(&self, at: &Range<usize>) -> bool {
        may_hold(self.body.get(at.clone()).unwrap_or_default())
    }

    /// The ranges, if every marker of the body was accounted for.
    pub(super) fn finish(mut self) -> Result<Skips, Failure> {
        if let Some(open) = self.open.take() {
            return Err(self.fail(open.start, "is never closed"));
        }
        self.known.sort_unstable_by_key(|range| range.start);
        let stray = occurrences(self.body).find(|(marker, signs)| {
            let after = self.known.partition_point(|range| range.start <= *marker);
            *signs && !(after > 0 && *marker < self.known[after - 1].end)
        });
        if let Some((marker, _)) = stray {
            return Err(self.fail(
                marker,
                "stands where it is no HTML comment; move it, or write it as code if it is meant as text",
            ));
        }
        Ok(Skips { ranges: self.ranges })
    }

    fn fail(&mut self, offset: usize, what: &str) -> Failure {
        let line = self.lines.line(offset);
        fails("fin_skip", format!("line {line}: the `fin:skip` marker {what}"))
    }
}

/// Every `fin:skip` of a text, and whether the signs of a comment (HTML's, or MDX's `{/*`) stand before it.
fn occurrences(body: &str) -> impl Iterator<Item = (usize, bool)> + '_ {
    let bytes = body.as_bytes();
    (0..bytes.len().saturating_sub(7)).filter_map(move |at| {
        if bytes[at + 3] != b':' || !bytes[at..at + 8].eq_ignore_ascii_case(b"fin:skip") {
            return None;
        }
        let before = body[..at].trim_end_matches(|c: char| c.is_whitespace() || c == '/');
        Some((at, before.ends_with("<!--") || before.ends_with("{/*") || before.ends_with("<!\\--")))
    })
}

/// Fails where readers would see a marker: one that a converter took for text, and so what it was to hide.
pub(super) fn refuse_shown(text: &str) -> Result<(), Failure> {
    let is_sign = |c: char| c.is_whitespace() || matches!(c, '/' | '-' | '\u{2013}' | '\u{2014}' | '\\');
    let shown = memchr::memchr_iter(b':', text.as_bytes()).any(|at| {
        let is_word = |from: usize| text.get(from..at + 5).is_some_and(|word| word.eq_ignore_ascii_case("fin:skip"));
        // Word processors make dashes of hyphens.
        at.checked_sub(3).is_some_and(|from| is_word(from) && text[..from].trim_end_matches(is_sign).ends_with("<!"))
    });
    if !shown {
        return Ok(());
    }
    let message = "a `fin:skip` marker came out of the converter as text, with what it was to hide; take both out of the \
                   document";
    Err(fails("fin_skip", message))
}

/// Finds the markers of a text that has no syntax of its own.
pub(super) fn in_text(body: &str, first_line: u32) -> Result<Skips, Failure> {
    if !may_hold(body) {
        return Ok(Skips::default());
    }
    let mut finder = Finder::new(body, first_line);
    let mut at = 0;
    while let Some(open) = body[at..].find("<!--").map(|open| at + open) {
        let Some(end) = body[open + 4..].find("-->").map(|end| open + 4 + end) else { break };
        finder.comment(&body[open + 4..end], open..end + 3)?;
        at = end + 3;
    }
    finder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> String {
        match in_text(body, 1) {
            Ok(skips) => skips.cut(body),
            Err(failure) => format!("{}: {}", failure.code, failure.message),
        }
    }

    #[test]
    fn text_between_markers_is_cut() {
        assert_eq!(cut("a <!-- fin:skip -->b<!-- /fin:skip --> c <!--FIN:SKIP\n-->d<!--/fin:skip-->"), "a  c ");
        assert_eq!(
            cut("the words fin:skip alone, <!-- and a comment -->"),
            "the words fin:skip alone, <!-- and a comment -->"
        );
    }

    #[test]
    fn what_may_be_a_marker_and_is_none_fails() {
        insta::assert_snapshot!([
            "<!-- fin:skip -->",
            "\n<!-- /fin:skip -->",
            "<!-- fin:skip --><!-- fin:skip --><!-- /fin:skip -->",
            "<!-- fin:skp -->a<!-- /fin:skp -->",
            "<!-- fin:skip because -->",
            "<!-- end fin:skip -->",
            "<!-- fin:skip",
            "{/* fin:skip */} a {/* /fin:skip */}",
        ].map(cut).join("\n"), @"
        fin_skip: line 1: the `fin:skip` marker is never closed
        fin_skip: line 2: the `fin:skip` marker closes where none is open
        fin_skip: line 1: the `fin:skip` marker opens within the one of line 1; they do not nest
        fin_skip: line 1: the `fin:skip` marker is spelt `fin:skp`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it
        fin_skip: line 1: the `fin:skip` marker is spelt `fin:skip because`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it
        fin_skip: line 1: the `fin:skip` marker is spelt `end fin:skip`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it
        fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
        fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
        ");
    }
}
