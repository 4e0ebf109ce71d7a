//! The scan: the whole tree, on a few threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::fs::FileType;

use super::Files;
use super::listing::{Listing, MAX_ENTRIES};
use super::mounts::Mounts;
use super::tree::{Entered, Entry, Folder, Mounted, Name, Root, Step, Visit};
use crate::page::Problem;
use crate::source::{Document, Known, Scan, Skipped};

/// A folder that is replaced while it is entered is looked at again, this often.
const TRIES: usize = 4;
/// A tree of more than [`MAX_ENTRIES`] is not walked to its end, nor is one of more folders that are reached through
/// links: a few links can make a tree without end in sight.
const MAX_LINKED: usize = 100_000;
/// More problems, or skipped entries, than this are counted and not listed.
const MAX_LISTED: usize = 1000;

impl Files {
    /// Looks at the whole tree.
    pub(in crate::source) fn scan(&self, known: &Known) -> Scan {
        let now = (self.now)();
        let mounts = Mounts::read();
        let walked = Root::open(self).and_then(|root| {
            let visit = Visit { files: self, root: &root, mounts: &mounts, now };
            let found = Walk::new(&visit).run(visit.top()?);
            Ok((root, found?))
        });
        let (root, mut found) = match walked {
            Ok(walked) => walked,
            Err(problem) => return Scan { problems: vec![problem], ..Scan::default() },
        };
        let mounts = self.judge_mounts(&root, known, &mut found);
        found.problems.extend(root.unchanged(self).err());
        if found.documents.is_empty() && found.problems.is_empty() {
            let cure = "nothing is deleted until one does; check `include` and `exclude`";
            let message = format!("no document in `{}` matches the patterns: {cure}", root.real.display());
            found.problems.push(Problem { path: String::new(), message });
        }
        found.into_scan(mounts)
    }

    /// The mounts that were seen; problems for those that went away, now or since the last complete scan.
    fn judge_mounts(&self, root: &Root, known: &Known, found: &mut Found) -> Vec<String> {
        let after = Mounts::read();
        let (kept, lost): (Vec<_>, Vec<_>) =
            found.mounts.drain(..).partition(|(_, mounted)| mounted.holds(root, &after));
        found.problems.extend(
            lost.into_iter().map(|(path, _)| Problem {
                path,
                message: "was unmounted while it was looked at: mount it again".into(),
            }),
        );
        let is_document =
            |path: &&str| found.documents.binary_search_by(|document| document.path.as_str().cmp(path)).is_ok();
        let files = after.beneath(&root.real).filter_map(|path| path.to_str()).filter(is_document);
        let mut mounts: Vec<String> = files.map(String::from).chain(kept.into_iter().map(|(path, _)| path)).collect();
        mounts.sort_unstable();
        if !known.accept_unmounted {
            let missing = known.mounts.iter().filter(|path| mounts.binary_search(path).is_err());
            let missing = missing.filter(|path| self.globs.place_of(path).is_some() || self.globs.takes_path(path));
            found.problems.extend(missing.map(|path| unmounted(path)));
        }
        mounts
    }
}

/// By path, and where two spellings have one path by spelling.
fn by_path(a: &Document, b: &Document) -> std::cmp::Ordering {
    a.path.cmp(&b.path).then_with(|| a.raw.cmp(&b.raw))
}

/// The problem of a mount that is known and missing.
pub(super) fn unmounted(path: &str) -> Problem {
    let message = "was a mount of its own at the last complete scan and is none now: mount it again, or accept it with \
                   `--accept-unmounted`";
    Problem { path: path.into(), message: message.into() }
}

/// A root with nothing in it at all is more likely a mount that is missing.
pub(super) fn not_empty(root: &Root, listing: &Listing) -> Result<(), Problem> {
    if !listing.is_empty() {
        return Ok(());
    }
    let cure = "nothing is deleted until something is in it; check `root` and its mount";
    Err(Problem { path: String::new(), message: format!("the root `{}` is empty: {cure}", root.real.display()) })
}

fn too_many() -> Problem {
    let message = format!(
        "has more than {MAX_ENTRIES} entries, or more than {MAX_LINKED} folders behind links: exclude what holds no documents"
    );
    Problem { path: String::new(), message }
}

/// One scan under way, shared by its threads.
struct Walk<'a> {
    visit: &'a Visit<'a>,
    state: Mutex<State>,
    ready: Condvar,
    entries: AtomicUsize,
    linked: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// The last is entered first, so that few folders are open at a time.
    to_enter: Vec<(Arc<Folder>, Step)>,
    busy: usize,
    /// The documents of each folder, in the order of their names.
    documents: Vec<Vec<Document>>,
    /// Everything else.
    found: Found,
}

/// What was found, by a whole walk or in one folder.
#[derive(Default)]
struct Found {
    documents: Vec<Document>,
    skipped: Vec<Skipped>,
    problems: Vec<Problem>,
    /// How many more there were of either than are listed.
    unlisted: usize,
    /// Folders that are mounts of their own, by visible path.
    mounts: Vec<(String, Mounted)>,
    /// Folders in this one that are still to be entered.
    steps: Vec<(Arc<Folder>, Step)>,
}

/// The time in which one thread is busy with one folder; its end is what the others wait for, even where it panics.
struct Turn<'a>(&'a Walk<'a>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.ready.notify_all();
    }
}

impl<'a> Walk<'a> {
    fn new(visit: &'a Visit<'a>) -> Self {
        let (entries, linked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { visit, state: Mutex::default(), ready: Condvar::new(), entries, linked }
    }

    fn run(self, top: Folder) -> Result<Found, Problem> {
        let listing = Listing::of(&top)?;
        not_empty(self.visit.root, &listing)?;
        let found = self.judge(&Arc::new(top), &listing);
        let threads = self.visit.files.threads.min(found.steps.len());
        self.lock().add(found);
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.work());
            }
            self.work();
        });
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Found { documents: merged(state.documents), ..state.found })
    }

    fn work(&self) {
        while let Some((turn, parent, step)) = self.next() {
            let found = self.enter(&parent, step).unwrap_or_else(Found::of);
            self.lock().add(found);
            drop(turn);
        }
    }

    /// Waits for a folder to enter; `None` when there is none and nobody is left who could find one.
    fn next(&self) -> Option<(Turn<'_>, Arc<Folder>, Step)> {
        let mut state = self.lock();
        loop {
            if let Some((parent, step)) = state.to_enter.pop() {
                state.busy += 1;
                return Some((Turn(self), parent, step));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a folder and judges what is in it. One that was removed under us lists as empty: only what is empty twice
    /// is empty.
    fn enter(&self, parent: &Arc<Folder>, mut step: Step) -> Result<Found, Problem> {
        let name = step.name.clone();
        let mut empty = None;
        for _ in 0..TRIES {
            match self.visit.enter(parent, step)? {
                Entered::Skipped(skipped) => return Ok(Found { skipped: vec![skipped], ..Found::default() }),
                Entered::Changed => {}
                Entered::Folder(folder) => {
                    let listing = Listing::of(&folder)?;
                    if !listing.is_empty() || empty == Some(folder.id) {
                        return Ok(self.judge(&Arc::new(folder), &listing));
                    }
                    empty = Some(folder.id);
                }
            }
            match self.visit.entry(parent, &name, FileType::Unknown)? {
                Entry::Folder(again) => step = again,
                other => {
                    let mut found = Found::default();
                    found.add_entry(parent, other);
                    return Ok(found);
                }
            }
        }
        let message = format!("was replaced under {TRIES} looks in a row: the next cycle looks again");
        Err(Problem { path: parent.path_of(&Name::of(name.to_bytes())), message })
    }

    fn judge(&self, folder: &Arc<Folder>, listing: &Listing) -> Found {
        let mut found = Found::default();
        found.mounts.extend(folder.mounted.clone().map(|mounted| (folder.path().into(), mounted)));
        let total = self.entries.fetch_add(listing.len(), Ordering::Relaxed) + listing.len();
        if total > MAX_ENTRIES || (folder.linked && self.linked.fetch_add(1, Ordering::Relaxed) >= MAX_LINKED) {
            return Found::of(too_many());
        }
        for (name, kind) in listing.entries() {
            match self.visit.entry(folder, name, kind) {
                Ok(entry) => found.add_entry(folder, entry),
                Err(problem) => found.problems.push(problem),
            }
        }
        found
    }
}

impl State {
    fn add(&mut self, mut found: Found) {
        let all = &mut self.found;
        self.to_enter.append(&mut found.steps);
        if !found.documents.is_empty() {
            self.documents.push(found.documents);
        }
        all.mounts.append(&mut found.mounts);
        all.unlisted += add_listed(&mut all.skipped, found.skipped) + add_listed(&mut all.problems, found.problems);
    }
}

impl Found {
    fn of(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    fn add_entry(&mut self, folder: &Arc<Folder>, entry: Entry) {
        match entry {
            Entry::Absent | Entry::Nothing => {}
            Entry::Document(document) => self.documents.push(document),
            Entry::Skipped(skipped) => self.skipped.push(skipped),
            Entry::Folder(step) => self.steps.push((Arc::clone(folder), step)),
        }
    }

    fn into_scan(mut self, mounts: Vec<String>) -> Scan {
        self.problems.sort_by(|a, b| (&a.path, &a.message).cmp(&(&b.path, &b.message)));
        self.problems.dedup();
        self.skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
        if self.unlisted > 0 {
            let reason = format!("{} more problems or skipped entries are not listed", self.unlisted);
            self.skipped.push(Skipped { path: String::new(), reason });
        }
        Scan { documents: self.documents, skipped: self.skipped, problems: self.problems, mounts, ..Scan::default() }
    }
}

/// All documents, sorted. What a folder holds is in order as a rule (but for names that are not in NFC), so with the
/// folders put in order hardly anything is left to be sorted.
fn merged(mut folders: Vec<Vec<Document>>) -> Vec<Document> {
    folders.sort_unstable_by(|a, b| a.first().map(|d| &d.path).cmp(&b.first().map(|d| &d.path)));
    let total = folders.iter().map(Vec::len).sum();
    let mut documents = Vec::with_capacity(total);
    for folder in folders {
        documents.extend(folder);
    }
    documents.sort_by(by_path);
    documents.dedup_by(|a, b| a.path == b.path && a.raw == b.raw);
    documents
}

/// Appends as many as are listed, and returns how many are not.
fn add_listed<T>(all: &mut Vec<T>, more: Vec<T>) -> usize {
    let room = MAX_LISTED.saturating_sub(all.len());
    let unlisted = more.len().saturating_sub(room);
    all.extend(more.into_iter().take(room));
    unlisted
}
