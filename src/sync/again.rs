//! One document read and rendered, for the first time or once more: by observation, and directly before it is sent.
//!
//! Knows no ledger and no other document but by its answers. Invariant: what was not read as a whole, a file that it takes
//! in among it, is a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Mirror;
use super::seen::{Answers, Seen};
use crate::page::{DocPath, Failure, Fingerprint, SourceHash};
use crate::plan::Observed;
use crate::render::{self, Asked, Facts, Rendered, Subject, Warning};
use crate::site::Placement;
use crate::source::{Content, Document, Read};

/// A document read and rendered once more.
#[derive(Debug)]
pub struct Again {
    /// What it says of itself.
    pub facts: Facts,
    /// What its bytes hash to; `None`: they could not be read.
    pub source_hash: Option<SourceHash>,
    /// What tells these bytes from later ones.
    pub fingerprint: Option<Fingerprint>,
    /// The page and, of a document that is split, those after it; or why not.
    pub rendered: Result<Vec<Rendered>, Failure>,
    /// What a render asked for that failed.
    pub asked: Vec<Asked>,
    /// What is to be mended in a document that fails for it.
    pub warnings: Vec<Warning>,
}

pub(super) type Looked = ((Option<SourceHash>, Option<Fingerprint>), Result<Facts, Failure>);

impl Default for Again {
    fn default() -> Self {
        let (source_hash, fingerprint, rendered) = (None, None, Ok(Vec::new()));
        Self { facts: Facts::default(), source_hash, fingerprint, rendered, asked: Vec::new(), warnings: Vec::new() }
    }
}

impl Mirror {
    pub(super) fn read_facts(&self, observed: &Observed) -> Looked {
        match self.source.read(&document(observed)) {
            Read::Content(content) => {
                let hash = SourceHash::of(&content.bytes);
                let facts = self.facts_of(&observed.path, &content.bytes);
                ((Some(hash), content.fingerprint), facts)
            }
            Read::Absent => ((None, None), Err(Failure::new("unreadable", "it went away while it was read"))),
            Read::Failed(failure) => ((None, None), Err(failure)),
        }
    }

    /// What a document says of itself now; `None` where that cannot be read.
    #[must_use]
    pub fn facts_now(&self, document: &Document) -> Option<Facts> {
        let Read::Content(content) = self.source.read(document) else { return None };
        self.facts_of(&document.path, &content.bytes).ok()
    }

    fn facts_of(&self, path: &DocPath, bytes: &[u8]) -> Result<Facts, Failure> {
        let facts = if self.converters.find(path).is_some() { render::facts_of_converted } else { render::facts };
        guarded(|| facts(path, bytes, &self.site))
    }

    /// The page of an observed document, or of a part of one, rendered anew.
    pub fn page_again(&self, observed: &Observed, seen: &Seen) -> Result<Rendered, Failure> {
        let pages = self.pages_again(observed, seen)?;
        let page = pages.iter().find(|rendered| rendered.page.external_id == observed.external_id);
        page.cloned().ok_or_else(changing)
    }

    /// Every page of an observed document, rendered anew. A document of many parts is asked for once for each of them: what
    /// the last one was rendered to is kept as long as its bytes are the same.
    pub fn pages_again(&self, observed: &Observed, seen: &Seen) -> Result<Arc<Vec<Rendered>>, Failure> {
        let content = self.content(observed)?;
        if let Some(kept) = seen.kept(&observed.path, SourceHash::of(&content.bytes)) {
            return Ok(kept);
        }
        let read = match self.read_again(observed, content, seen) {
            Ok(read) => read,
            Err(again) => return again.rendered.map(Arc::new),
        };
        let pages = Arc::new(self.attempt(observed, &read, seen).pages?);
        seen.keep(&observed.path, read.source_hash, &pages);
        Ok(pages)
    }

    /// Reads and renders a document anew. Where its front matter now asks for another id, url or for no page at all, that
    /// is a failure of this cycle (`changing`): the next one sees it whole.
    #[must_use]
    pub fn render_again(&self, observed: &Observed, seen: &Seen) -> Again {
        let content = match self.content(observed) {
            Ok(content) => content,
            Err(failure) => return Again { rendered: Err(failure), ..Again::default() },
        };
        let read = match self.read_again(observed, content, seen) {
            Ok(read) => read,
            Err(again) => return *again,
        };
        let render::Attempt { pages: rendered, asked, warnings } = self.attempt(observed, &read, seen);
        let ReadAgain { facts, source_hash, fingerprint, .. } = read;
        // What a program could not do just now, or a file did not give, may come next time, though the document is the same.
        let may_pass = |failure: &Failure| matches!(&*failure.code, "converter" | "unread_include");
        let is_final = !rendered.as_ref().is_err_and(may_pass);
        let fingerprint = fingerprint.filter(|_| is_final);
        Again { facts, source_hash: Some(source_hash), fingerprint, rendered, asked, warnings }
    }

    fn content(&self, observed: &Observed) -> Result<Content, Failure> {
        match self.source.read(&document(observed)) {
            Read::Content(content) => Ok(content),
            Read::Absent => Err(Failure::new("unreadable", "it went away while it was read")),
            Read::Failed(failure) => Err(failure),
        }
    }

    fn read_again(&self, observed: &Observed, content: Content, seen: &Seen) -> Result<ReadAgain, Box<Again>> {
        let failed = |failure| Box::new(Again { rendered: Err(failure), ..Again::default() });
        let (bytes, fingerprint) = (content.bytes, content.fingerprint);
        let source_hash = SourceHash::of(&bytes);
        let facts = match self.facts_of(&observed.path, &bytes) {
            Ok(facts) => facts,
            Err(failure) => {
                return Err(Box::new(Again { source_hash: Some(source_hash), fingerprint, ..*failed(failure) }));
            }
        };
        let id = render::external_id(&observed.path, &facts, &self.site);
        let placement = self.site.place(&observed.path, &facts, &Answers(seen, self));
        let url = placement.url.clone().map(String::from);
        let is_same = observed.is_part || (id == observed.external_id && url.as_deref() == observed.url.as_deref());
        if placement.excluded.is_some() || !is_same {
            return Err(Box::new(Again { facts, source_hash: Some(source_hash), ..*failed(changing()) }));
        }
        Ok(ReadAgain { bytes, facts, placement, source_hash, fingerprint })
    }

    fn attempt(&self, observed: &Observed, read: &ReadAgain, seen: &Seen) -> render::Attempt {
        let ReadAgain { bytes, facts, placement, .. } = read;
        let subject = Subject { path: &observed.path, bytes, facts, placement };
        let attempt = || Ok(render::attempt(subject, &self.site, &self.page, &Answers(seen, self)));
        let attempt = guarded(attempt).unwrap_or_else(|failure| render::Attempt {
            pages: Err(failure),
            asked: Vec::new(),
            warnings: Vec::new(),
        });
        match seen.unread(&attempt.asked) {
            Some(failure) => render::Attempt { pages: Err(failure), ..attempt },
            None => attempt,
        }
    }
}

/// A document read once more, and where the site places it.
struct ReadAgain {
    bytes: Vec<u8>,
    facts: Facts,
    placement: Placement,
    source_hash: SourceHash,
    fingerprint: Option<Fingerprint>,
}

fn changing() -> Failure {
    Failure::new("changing", "it changes while it is read: it is looked at again next time")
}

/// A panic in a renderer is that page's failure, not the cycle's end.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::new("panic", "rendering it failed in an unforeseen way: please report the document that does it"))
    })
}

fn document(observed: &Observed) -> Document {
    Document { path: observed.path.clone(), raw: observed.raw.clone(), fingerprint: None, failure: None }
}
