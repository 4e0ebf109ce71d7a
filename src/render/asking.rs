//! What one render asks of the rest of the source, each question once, with the answers that it was given.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Asked, Inputs, Label};
use crate::page::{DocPath, Failure, SourceHash};

/// A page that asks for more than this is no page of a person's; further questions have no answer.
const MAX_ASKED: usize = 10_000;

/// More text than this no page of a person's is made of, each file counted as often as it is read; further files are as if
/// they were not there. So what a page takes of others is bounded, whatever its dialect does with it.
const MAX_TEXT: usize = 64 << 20;

/// What a file counts beside its text: to be asked for takes time, too.
const EACH: usize = 1024;

/// The questions of one render.
pub(super) struct Asking<'a> {
    inputs: &'a dyn Inputs,
    asked: RefCell<BTreeMap<Question, Asked>>,
    /// Bytes of files that were given so far.
    given: Cell<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Url(DocPath),
    Title(DocPath),
    File(DocPath),
    Label(String),
    PageAt(String),
    Documents(String),
}

impl<'a> Asking<'a> {
    pub(super) fn new(inputs: &'a dyn Inputs) -> Self {
        Self { inputs, asked: RefCell::default(), given: Cell::default() }
    }

    /// The public url of the page that a document becomes.
    pub(super) fn page_url(&self, path: &DocPath) -> Option<String> {
        let answer = || Asked::PageUrl(path.clone(), self.inputs.page_url(path));
        match self.ask(Question::Url(path.clone()), answer)? {
            Asked::PageUrl(_, answer) => answer,
            _ => None,
        }
    }

    /// The title of the page that a document becomes, as others name it.
    pub(super) fn page_title(&self, path: &DocPath) -> Option<String> {
        let answer = || Asked::PageTitle(path.clone(), self.inputs.page_title(path));
        match self.ask(Question::Title(path.clone()), answer)? {
            Asked::PageTitle(_, answer) => answer,
            _ => None,
        }
    }

    /// The text of a file of the source; `None`: there is none, or it is no text.
    pub(super) fn file(&self, path: &DocPath) -> Option<Arc<str>> {
        if self.given.get() > MAX_TEXT {
            return None;
        }
        let mut text = None;
        let answer = || {
            let bytes = self.inputs.file(path);
            let hash = bytes.as_ref().map(|bytes| SourceHash::of(bytes));
            text = bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok().map(Arc::from));
            Asked::File(path.clone(), hash)
        };
        let text: Option<Arc<str>> = match self.ask(Question::File(path.clone()), answer)? {
            Asked::File(_, Some(_)) if text.is_none() => {
                // Asked before: the bytes were not kept.
                self.inputs.file(path).and_then(|bytes| std::str::from_utf8(&bytes).ok().map(Arc::from))
            }
            _ => text,
        };
        self.given.set(self.given.get().saturating_add(EACH + text.as_ref().map_or(0, |text| text.len())));
        text
    }

    /// What a name that documents of the site give to a place in them stands for.
    pub(super) fn label(&self, name: &str) -> Option<Label> {
        let answer = || Asked::Label(name.to_owned(), self.inputs.label(name));
        match self.ask(Question::Label(name.to_owned()), answer)? {
            Asked::Label(_, answer) => answer,
            _ => None,
        }
    }

    /// The page that is published at a url, whatever its slash, `.html` or `index.html` at the end: its very url.
    pub(super) fn page_at(&self, url: &str) -> Option<String> {
        let answer = || Asked::PageAt(url.to_owned(), self.inputs.page_at(url));
        match self.ask(Question::PageAt(url.to_owned()), answer)? {
            Asked::PageAt(_, answer) => answer,
            _ => None,
        }
    }

    /// The documents that become pages and whose paths a pattern takes, in order.
    pub(super) fn documents(&self, pattern: &str) -> Vec<DocPath> {
        let found = self.inputs.documents(pattern);
        let answer = || Asked::Documents(pattern.to_owned(), hash_of_documents(&found));
        let is_kept = self.ask(Question::Documents(pattern.to_owned()), answer).is_some();
        if is_kept { found } else { Vec::new() }
    }

    /// Whether a converter is configured for a document. It is part of what the whole source is rendered with, and so no
    /// question of a document's own.
    pub(super) fn is_converted(&self, path: &DocPath) -> bool {
        self.inputs.is_converted(path)
    }

    /// What the converter for a document makes of a text of it.
    pub(super) fn convert(&self, path: &DocPath, text: &[u8]) -> Option<Result<String, Failure>> {
        self.inputs.convert(path, text)
    }

    /// Whether there was room for every question.
    pub(super) fn is_full(&self) -> bool {
        self.asked.borrow().len() >= MAX_ASKED
    }

    /// Everything that was asked, sorted, each once.
    pub(super) fn into_asked(self) -> Vec<Asked> {
        let mut asked: Vec<Asked> = self.asked.into_inner().into_values().collect();
        asked.sort();
        asked
    }

    fn ask(&self, question: Question, answer: impl FnOnce() -> Asked) -> Option<Asked> {
        if let Some(known) = self.asked.borrow().get(&question) {
            return Some(known.clone());
        }
        if self.is_full() {
            return None;
        }
        let answer = answer();
        self.asked.borrow_mut().insert(question, answer.clone());
        Some(answer)
    }
}

/// A hash of a list of documents.
pub(crate) fn hash_of_documents(documents: &[DocPath]) -> SourceHash {
    let names: Vec<&str> = documents.iter().map(DocPath::as_str).collect();
    SourceHash::of(names.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Large(Arc<[u8]>);

    impl Inputs for Large {
        fn page_url(&self, _: &DocPath) -> Option<String> {
            None
        }

        fn file(&self, _: &DocPath) -> Option<Arc<[u8]>> {
            Some(self.0.clone())
        }
    }

    #[test]
    fn a_page_takes_so_much_text_of_other_files_and_no_more() {
        let inputs = Large(vec![b'a'; 1 << 20].into());
        let asking = Asking::new(&inputs);
        let given = (0..200).filter(|_| asking.file(&DocPath::new("a.md")).is_some()).count();
        assert_eq!(given, 64);
        // What it asked for is told as it is.
        assert!(matches!(asking.into_asked().as_slice(), [Asked::File(_, Some(_))]));
    }
}
