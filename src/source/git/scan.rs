//! From a tree to a scan: which files are documents, by the rules that a folder is walked by.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::tree::{Entry, Kind, Place, Tree, joined};
use crate::page::{DocPath, Failure, Fingerprint, Problem};
use crate::source::globs::{self, Globs};
use crate::source::{Document, Scan, Skipped};

/// A deeper tree is not walked, as no deeper folder is.
const MAX_DEPTH: u32 = 128;
/// More folders behind links are not walked: a few links can make a tree without end in sight.
const MAX_LINKED: usize = 100_000;
/// More problems, or skipped entries, than this are counted and not listed.
const MAX_LISTED: usize = 1000;

/// One walk.
pub(super) struct Walk<'a> {
    tree: &'a Tree,
    globs: &'a Globs,
    /// The fingerprint of a file, by its path without links.
    fingerprint: &'a dyn Fn(&[u8], &Entry) -> Fingerprint,
    scan: Scan,
    /// The blob of each document.
    blobs: HashSet<Box<str>>,
    linked: usize,
    unlisted: usize,
}

/// A folder that is to be walked.
struct Step {
    /// Its path without links.
    real: Vec<u8>,
    /// Its path as documents show it, with a `/` at its end; and as it is spelled.
    shown: String,
    spelled: Vec<u8>,
    place: globs::Place,
    depth: u32,
    linked: bool,
    above: Rc<Above>,
}

struct Above {
    real: Vec<u8>,
    above: Option<Rc<Above>>,
}

impl Above {
    fn has(&self, real: &[u8]) -> bool {
        std::iter::successors(Some(self), |folder| folder.above.as_deref()).any(|folder| folder.real == real)
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(tree: &'a Tree, globs: &'a Globs, fingerprint: &'a dyn Fn(&[u8], &Entry) -> Fingerprint) -> Self {
        let (scan, blobs) = (Scan::default(), HashSet::new());
        Self { tree, globs, fingerprint, scan, blobs, linked: 0, unlisted: 0 }
    }

    /// Walks all of it: the scan, and the blobs that its documents are.
    pub(super) fn run(mut self) -> (Scan, Vec<Box<str>>) {
        for path in &self.tree.impossible {
            let reason = "has a name that no file can have: leave it out of the repository";
            self.scan.skipped.push(Skipped { path: path.clone(), reason: reason.into() });
        }
        let above = Rc::new(Above { real: Vec::new(), above: None });
        let (shown, place) = (String::new(), self.globs.root());
        let mut steps = vec![Step { real: vec![], shown, spelled: vec![], place, depth: 0, linked: false, above }];
        while let Some(step) = steps.pop() {
            for entry in self.tree.entries(&step.real) {
                self.enter(&step, entry, &mut steps);
            }
        }
        let scan = &mut self.scan;
        scan.documents.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| a.raw.cmp(&b.raw)));
        scan.documents.dedup_by(|a, b| a.path == b.path && a.raw == b.raw);
        scan.skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
        scan.problems.sort_by(|a, b| (&a.path, &a.message).cmp(&(&b.path, &b.message)));
        if self.unlisted > 0 {
            let reason = format!("{} more problems or skipped entries are not listed", self.unlisted);
            scan.skipped.push(Skipped { path: String::new(), reason });
        }
        (self.scan, self.blobs.into_iter().collect())
    }

    fn enter(&mut self, step: &Step, entry: &Entry, steps: &mut Vec<Step>) {
        let name = Name::of(&entry.name);
        let takes = self.globs.takes(&step.place, name.shown.as_bytes());
        let real = joined(&step.real, &entry.name);
        match entry.kind {
            Kind::File(_) if takes => self.document(step, &name, entry, &real, entry),
            Kind::File(_) => {}
            Kind::Folder => self.folder(step, &name, entry, real, false, steps),
            Kind::Submodule => {
                if takes || self.globs.enter(&step.place, name.shown.as_bytes()).is_some() {
                    self.skip(
                        step,
                        &name,
                        "is a submodule, another repository: mirror that one as a source of its own",
                    );
                }
            }
            Kind::Link => self.link(step, &name, entry, takes, steps),
        }
    }

    fn link(&mut self, step: &Step, name: &Name, entry: &Entry, takes: bool, steps: &mut Vec<Step>) {
        if !takes && self.globs.enter(&step.place, name.shown.as_bytes()).is_none() {
            return;
        }
        match self.tree.follow(&step.real, &entry.name) {
            Place::File(real, target) if takes => self.document(step, name, entry, &real, target),
            Place::File(..) => {}
            Place::Folder(real) => self.folder(step, name, entry, real, true, steps),
            Place::Submodule => self.skip(step, name, "is a link to a submodule, another repository"),
            Place::Refused(reason) => self.skip(step, name, &reason),
            // A document's name that leads nowhere is a document that cannot be read: what Fin has of it stays.
            Place::Absent | Place::Broken if takes => {
                self.document(step, name, entry, &joined(&step.real, &entry.name), entry);
                if let Some(document) = self.scan.documents.last_mut() {
                    let message = "is a link to something that is not there: mend the link, or remove it";
                    document.failure = Some(Box::new(Failure::new("broken_link", message)));
                }
            }
            Place::Absent | Place::Broken => self.skip(step, name, "is a link to something that is not there"),
        }
    }

    fn folder(&mut self, step: &Step, name: &Name, entry: &Entry, real: Vec<u8>, by_link: bool, steps: &mut Vec<Step>) {
        let Some(place) = self.globs.enter(&step.place, name.shown.as_bytes()) else { return };
        let path = format!("{}{}", step.shown, name.shown);
        if !name.is_valid {
            return self.problem(path, "the folder's name is not UTF-8: rename the folder, or exclude it".into());
        }
        if step.depth == MAX_DEPTH {
            let message = format!("lies more than {MAX_DEPTH} folders deep: move it up, or exclude it");
            return self.problem(path, message);
        }
        if by_link && step.above.has(&real) {
            return self.skip(step, name, "leads back to a folder that it lies in");
        }
        let linked = step.linked || by_link;
        self.linked += usize::from(linked);
        if self.linked > MAX_LINKED {
            if self.linked == MAX_LINKED + 1 {
                let message =
                    format!("there are more than {MAX_LINKED} folders behind links: exclude what holds no documents");
                self.problem(String::new(), message);
            }
            return;
        }
        let spelled = [&step.spelled, &*entry.name, b"/"].concat();
        let above = Rc::new(Above { real: real.clone(), above: Some(Rc::clone(&step.above)) });
        steps.push(Step { real, shown: path + "/", spelled, place, depth: step.depth + 1, linked, above });
    }

    fn document(&mut self, step: &Step, name: &Name, entry: &Entry, real: &[u8], target: &Entry) {
        let spelled = [&step.spelled, &*entry.name].concat();
        let path = format!("{}{}", step.shown, name.shown);
        let raw = (path.as_bytes() != spelled).then(|| Box::from(Path::new(OsStr::from_bytes(&spelled))));
        let failure = (!name.is_valid)
            .then(|| Box::new(Failure::new("invalid_name", "the file's name is not UTF-8: rename the file")));
        let fingerprint = Some((self.fingerprint)(real, target));
        self.scan.documents.push(Document { path: DocPath::new(path), raw, fingerprint, failure });
        self.blobs.insert(target.id.clone());
    }

    fn skip(&mut self, step: &Step, name: &Name, reason: &str) {
        if self.scan.skipped.len() < MAX_LISTED {
            let path = format!("{}{}", step.shown, name.shown);
            self.scan.skipped.push(Skipped { path, reason: reason.into() });
        } else {
            self.unlisted += 1;
        }
    }

    fn problem(&mut self, path: String, message: String) {
        if self.scan.problems.len() < MAX_LISTED {
            self.scan.problems.push(Problem { path, message });
        } else {
            self.unlisted += 1;
        }
    }
}

/// A name as documents show it.
struct Name {
    /// NFC; with replacement characters where it is no UTF-8.
    shown: String,
    is_valid: bool,
}

impl Name {
    fn of(name: &[u8]) -> Self {
        let (shown, is_valid) = match std::str::from_utf8(name) {
            Ok(name) => (name.to_owned(), true),
            Err(_) => (String::from_utf8_lossy(name).into_owned(), false),
        };
        let shown = if shown.is_ascii() || is_nfc(&shown) { shown } else { shown.nfc().collect() };
        Self { shown, is_valid }
    }
}
