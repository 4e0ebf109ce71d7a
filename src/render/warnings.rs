//! What a person may want to mend in a document, by line. Bounded: a page is no place for a million sentences.

use super::Warning;
use super::dialect::Lines;

/// More warnings than this of one page are counted, not kept.
const MAX: usize = 100;

/// The warnings of one document, in the order in which they were found.
#[derive(Debug)]
pub(super) struct Warnings<'a> {
    body: &'a str,
    kept: Vec<Warning>,
    more: usize,
    /// A place in the body and its line, counted from 0, so that counting goes on from there.
    known: (usize, usize),
    lines: Lines,
}

impl<'a> Warnings<'a> {
    /// `lines` say where the body's lines come from; `kept` are warnings that there are already.
    pub(super) fn new(body: &'a str, lines: Lines, kept: Vec<Warning>) -> Self {
        Self { body, kept, more: 0, known: (0, 0), lines }
    }

    /// Keeps a warning about a place in the body.
    pub(super) fn push(&mut self, code: &str, offset: usize, message: impl FnOnce() -> String) {
        // Whoever is strict about constructs must hear of one, however many other things there are to mend.
        let is_first = |kept: &[Warning]| code == "unknown_construct" && kept.iter().all(|other| other.code != code);
        if self.kept.len() >= MAX && !is_first(&self.kept) {
            self.more += 1;
            return;
        }
        let warning = Warning { code: code.to_owned(), line: Some(self.line(offset)), message: message() };
        // Both ends of a construct on one line are one thing to mend.
        if self.kept.last() != Some(&warning) {
            self.kept.push(warning);
        }
    }

    /// Keeps a warning about the whole document.
    pub(super) fn push_whole(&mut self, code: &str, message: &str) {
        self.kept.push(Warning { code: code.to_owned(), line: None, message: message.to_owned() });
    }

    /// The 1-based line of a place in the body.
    pub(super) fn line(&mut self, offset: usize) -> u32 {
        let offset = offset.min(self.body.len());
        if offset < self.known.0 {
            self.known = (0, 0);
        }
        let newlines = memchr::memchr_iter(b'\n', &self.body.as_bytes()[self.known.0..offset]).count();
        self.known = (offset, self.known.1 + newlines);
        self.lines.origin(self.known.1)
    }

    /// The warnings, and one that says how many more there are.
    pub(super) fn finish(mut self) -> Vec<Warning> {
        if self.more > 0 {
            let message = format!("and {} more", self.more);
            self.kept.push(Warning { code: "more".to_owned(), line: None, message });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_the_documents_start_in_any_order() {
        let mut warnings = Warnings::new("a\nb\nc", Lines::straight(10), Vec::new());
        assert_eq!([warnings.line(4), warnings.line(0), warnings.line(2), warnings.line(99)], [12, 10, 11, 12]);
    }

    #[test]
    fn too_many_are_counted() {
        let mut warnings = Warnings::new("", Lines::straight(1), Vec::new());
        for number in 0..MAX + 7 {
            warnings.push("x", 0, || number.to_string());
        }
        let all = warnings.finish();
        assert_eq!((all.len(), all.last().unwrap().message.as_str()), (MAX + 1, "and 7 more"));
    }
}
