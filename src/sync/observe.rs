//! From a scan to observations: reads what changed, renders what must be, keeps both in the ledger.
//!
//! A document is read when its fingerprint differs, and rendered when its bytes, the recipe (renderer's version, site and
//! page options) or an answer that its last render was given differs. Synchronous: callers put it on a blocking thread.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::Mirror;
use crate::ledger::{DocumentRow, Ledger, LedgerError, SavedDocument, recipe_tag};
use crate::page::{BodyHash, DocPath, ExternalId, Failure, Fingerprint, Problem, SourceHash};
use crate::plan::{Observed, Outline, State};
use crate::render::{self, Asked, Facts, Inputs, Recipe, Rendered};
use crate::source::{Document, Read, Scan};

/// Documents that are worked on between two commits.
const CHUNK: usize = 512;

/// What one look at a source came to.
#[derive(Debug, Default)]
pub struct Observation {
    /// The documents, sorted by path.
    pub documents: Vec<Observed>,
    /// What could not be seen.
    pub problems: Vec<Problem>,
    /// Documents whose bytes were read.
    pub read: u64,
}

/// What was seen before, and whether what is seen now is kept.
#[derive(Debug)]
pub enum Memory<'a> {
    /// Nothing, and nothing: every document is read.
    Blank,
    /// The ledger, which stays as it is.
    Read(&'a Ledger),
    /// The ledger.
    Keep(&'a mut Ledger),
}

/// Told how many documents of how many are done.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Says of each document of a scan what page it is, or why it is none.
pub fn observe(
    mirror: &Mirror,
    scan: Scan,
    memory: &mut Memory<'_>,
    full: bool,
    progress: Progress<'_>,
) -> Result<Observation, LedgerError> {
    let rows = memory.documents(mirror)?;
    let Scan { documents, problems, .. } = scan;
    let complete = problems.is_empty();
    let mut work = Work { mirror, complete, read: 0, done: 0, total: documents.len() as u64, progress };
    let (mut observed, pending, gone) = work.compare(documents, rows, full);
    let pending = work.read(&mut observed, pending, memory)?;
    let pending = work.add_affected(&observed, pending, memory)?;
    work.render(&mut observed, pending, memory)?;
    if problems.is_empty() {
        memory.forget(mirror, &gone)?;
    }
    Ok(Observation { documents: observed, problems, read: work.read })
}

/// A document that is not what the ledger says, by its position among the observed.
struct Pending {
    at: usize,
    fingerprint: Option<Fingerprint>,
    /// What the ledger had of it.
    row: Option<Box<DocumentRow>>,
}

struct Work<'a> {
    mirror: &'a Mirror,
    /// Whether the scan saw everything.
    complete: bool,
    read: u64,
    done: u64,
    total: u64,
    progress: Progress<'a>,
}

impl Work<'_> {
    /// Splits a scan into what is as the ledger says and what must be read; and names the rows that have no document.
    fn compare(
        &mut self,
        documents: Vec<Document>,
        rows: Vec<DocumentRow>,
        full: bool,
    ) -> (Vec<Observed>, Vec<Pending>, Vec<DocPath>) {
        let mut observed: Vec<Observed> = Vec::with_capacity(documents.len());
        let (mut pending, mut gone) = (Vec::new(), Vec::new());
        let mut rows = rows.into_iter().peekable();
        for document in documents {
            while let Some(row) = rows.next_if(|row| row.path < document.path) {
                gone.push(row.path);
            }
            let row = rows.next_if(|row| row.path == document.path);
            let at = observed.len();
            let Document { path, raw, fingerprint, failure } = document;
            match (failure, row) {
                (Some(failure), row) => {
                    let state = State::Failed(failure);
                    observed.push(seen(path, raw, row.as_ref(), state));
                }
                (None, Some(row))
                    if !full && row.current && fingerprint.is_some() && row.fingerprint == fingerprint =>
                {
                    let DocumentRow { source_hash, external_id, url, state, .. } = row;
                    observed.push(Observed { path, raw, external_id, source_hash, url, state });
                }
                (None, row) => {
                    let state = State::Failed(Box::new(Failure::new("unreadable", "not read yet")));
                    observed.push(seen(path, raw, row.as_ref(), state));
                    pending.push(Pending { at, fingerprint: None, row: row.map(Box::new) });
                }
            }
        }
        gone.extend(rows.map(|row| row.path));
        self.done = (observed.len() - pending.len()) as u64;
        (observed, pending, gone)
    }

    /// Reads what must be read; returns what must be rendered.
    fn read(
        &mut self,
        observed: &mut [Observed],
        pending: Vec<Pending>,
        memory: &mut Memory<'_>,
    ) -> Result<Vec<Pending>, LedgerError> {
        let mut to_render = Vec::with_capacity(pending.len());
        let mut pending = pending.into_iter();
        loop {
            let chunk: Vec<Pending> = pending.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            let results = in_parallel(&chunk, |pending| self.mirror.read_facts(&observed[pending.at]));
            self.read += chunk.len() as u64;
            let mut saved = Vec::new();
            for (mut item, (read, facts)) in chunk.into_iter().zip(results) {
                let document = &mut observed[item.at];
                let (hash, fingerprint) = read;
                document.source_hash = hash;
                item.fingerprint = fingerprint;
                match facts {
                    Ok(facts) => {
                        if self.take_facts(document, &facts) {
                            saved.push(save(document, item.fingerprint, Some(&facts), Vec::new(), 0));
                            self.done += 1;
                        } else {
                            to_render.push(item);
                        }
                    }
                    Err(failure) => {
                        document.state = State::Failed(Box::new(failure));
                        saved.push(save(document, item.fingerprint, None, Vec::new(), 0));
                        self.done += 1;
                    }
                }
            }
            memory.save(self.mirror, &saved)?;
            (self.progress)(self.done, self.total);
        }
        Ok(to_render)
    }

    /// Gives a document the id and the url that its facts ask for; `true` where no render is needed to know its state.
    fn take_facts(&self, document: &mut Observed, facts: &Facts) -> bool {
        document.external_id = facts.id.as_deref().map_or_else(|| ExternalId::from(&document.path), ExternalId::new);
        document.url = match facts.excluded {
            None => self.mirror.site.url(&document.path, facts).map(|url| String::from(url).into()),
            Some(_) => None,
        };
        if let Some(reason) = &facts.excluded {
            document.state = State::Excluded(reason.as_str().into());
            return true;
        }
        false
    }

    /// Says what is to be done about each document that was read, and adds those whose last render was given an answer
    /// that is another one now.
    fn add_affected(
        &self,
        observed: &[Observed],
        pending: Vec<Pending>,
        memory: &mut Memory<'_>,
    ) -> Result<Vec<(Pending, Todo)>, LedgerError> {
        // Compared with what each render was given, not with what changed just now: what a crash or a scan with problems
        // has left behind is found as well.
        let mut affected = HashSet::new();
        let inputs = Pages(observed);
        let is_seen = |target: &DocPath| observed.binary_search_by(|d| d.path.cmp(target)).is_ok();
        memory.each_asked(self.mirror, |path, asked| {
            // What a scan with problems did not see may be there: links to it stay.
            let differs = asked.iter().any(|Asked::PageUrl(target, answer)| {
                inputs.page_url(target) != *answer && (self.complete || is_seen(target))
            });
            if differs && let Ok(at) = observed.binary_search_by(|d| d.path.as_str().cmp(path)) {
                affected.insert(at);
            }
        })?;
        let mut work = Vec::with_capacity(pending.len() + affected.len());
        for mut item in pending {
            let hash = observed[item.at].source_hash;
            let same = |row: &DocumentRow| row.current && hash.is_some() && row.source_hash == hash;
            let todo = match item.row.take() {
                Some(row) if !affected.contains(&item.at) && same(&row) => match row.state {
                    State::Page(page) => Todo::Keep(Box::new(page)),
                    _ => Todo::Render,
                },
                _ => Todo::Render,
            };
            affected.remove(&item.at);
            work.push((item, todo));
        }
        let unread = affected.into_iter().filter(|at| matches!(observed[*at].state, State::Page(_)));
        work.extend(unread.map(|at| (Pending { at, fingerprint: None, row: None }, Todo::Render)));
        work.sort_by_key(|(item, _)| item.at);
        Ok(work)
    }

    /// Renders what must be rendered, and keeps it.
    fn render(
        &mut self,
        observed: &mut [Observed],
        work: Vec<(Pending, Todo)>,
        memory: &mut Memory<'_>,
    ) -> Result<(), LedgerError> {
        let mut work = work.into_iter();
        loop {
            let chunk: Vec<(Pending, Todo)> = work.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            let results = in_parallel(&chunk, |(item, todo)| match todo {
                Todo::Keep(_) => None,
                Todo::Render => {
                    // The html is let go here, so that a chunk holds outlines only.
                    let mut document = observed[item.at].clone();
                    let again = self.mirror.render_again(&document, observed);
                    let row = take_render(&mut document, again, &self.mirror.recipe);
                    Some((document, row))
                }
            });
            let (mut saved, mut touched) = (Vec::new(), Vec::new());
            for ((item, todo), result) in chunk.into_iter().zip(results) {
                let document = &mut observed[item.at];
                match (todo, result) {
                    (Todo::Keep(page), _) => {
                        document.state = State::Page(*page);
                        touched.push((document.path.clone(), item.fingerprint));
                    }
                    (Todo::Render, Some((rendered, row))) => {
                        *document = rendered;
                        saved.push(row);
                    }
                    (Todo::Render, None) => {}
                }
            }
            self.done += (saved.len() + touched.len()) as u64;
            memory.save(self.mirror, &saved)?;
            memory.touch(self.mirror, &touched)?;
            (self.progress)(self.done.min(self.total), self.total);
        }
        Ok(())
    }
}

/// What is to be done about a document that was read, or that is affected by another.
enum Todo {
    /// Its bytes are the same after all.
    Keep(Box<Outline>),
    /// Render it.
    Render,
}

/// A document read and rendered once more.
#[derive(Debug)]
pub struct Again {
    /// What it says of itself.
    pub facts: Facts,
    /// What its bytes hash to; `None`: they could not be read.
    pub source_hash: Option<SourceHash>,
    /// What tells these bytes from later ones.
    pub fingerprint: Option<Fingerprint>,
    /// The page, or why not.
    pub rendered: Result<Rendered, Failure>,
}

type Looked = ((Option<SourceHash>, Option<Fingerprint>), Result<Facts, Failure>);

impl Mirror {
    fn read_facts(&self, observed: &Observed) -> Looked {
        match self.source.read(&document(observed)) {
            Read::Content(content) => {
                let hash = SourceHash::of(&content.bytes);
                let facts = guarded(|| render::facts(&observed.path, &content.bytes));
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
        guarded(|| render::facts(&document.path, &content.bytes)).ok()
    }

    /// Reads and renders a document anew. Where its front matter now asks for another id, url or for no page at all, that
    /// is a failure of this cycle (`changing`): the next one sees it whole.
    #[must_use]
    pub fn render_again(&self, observed: &Observed, documents: &[Observed]) -> Again {
        let failed = |rendered| Again { facts: Facts::default(), source_hash: None, fingerprint: None, rendered };
        let content = match self.source.read(&document(observed)) {
            Read::Content(content) => content,
            Read::Absent => return failed(Err(Failure::new("unreadable", "it went away while it was read"))),
            Read::Failed(failure) => return failed(Err(failure)),
        };
        let source_hash = Some(SourceHash::of(&content.bytes));
        let again = |facts, rendered| Again { facts, source_hash, fingerprint: content.fingerprint.clone(), rendered };
        let facts = match guarded(|| render::facts(&observed.path, &content.bytes)) {
            Ok(facts) => facts,
            Err(failure) => return again(Facts::default(), Err(failure)),
        };
        let id = facts.id.as_deref().map_or_else(|| ExternalId::from(&observed.path), ExternalId::new);
        let url = self.site.url(&observed.path, &facts).map(String::from);
        if facts.excluded.is_some() || id != observed.external_id || url.as_deref() != observed.url.as_deref() {
            let changing = Failure::new("changing", "it changes while it is read: it is looked at again next time");
            return Again { fingerprint: None, ..again(facts, Err(changing)) };
        }
        let rendered = guarded(|| {
            render::render(&observed.path, &content.bytes, &facts, &self.site, &self.page, &Pages(documents))
        });
        again(facts, rendered)
    }
}

/// What renders may ask, answered from the documents of one scan.
struct Pages<'a>(&'a [Observed]);

impl Inputs for Pages<'_> {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        let at = self.0.binary_search_by(|document| document.path.cmp(path)).ok()?;
        self.0[at].url.as_deref().map(str::to_owned)
    }
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

/// A document of which nothing new is known keeps the id and the url that it had.
fn seen(path: DocPath, raw: Option<Box<std::path::Path>>, row: Option<&DocumentRow>, state: State) -> Observed {
    let external_id = row.map_or_else(|| ExternalId::from(&path), |row| row.external_id.clone());
    Observed { path, raw, external_id, source_hash: None, url: row.and_then(|row| row.url.clone()), state }
}

fn outline(rendered: &Rendered, facts: &Facts, recipe: &Recipe) -> Outline {
    let page = &rendered.page;
    Outline {
        content_hash: page.content_hash(),
        body: BodyHash::of(&page.html),
        recipe: recipe_tag(&recipe.0),
        title: page.title.as_str().into(),
        html_bytes: page.html.len() as u64,
        not_before: facts.not_before,
        not_after: facts.not_after,
    }
}

/// Gives a document the state that its render came to.
fn take_render(document: &mut Observed, again: Again, recipe: &Recipe) -> SavedDocument {
    let Again { facts, source_hash, fingerprint, rendered } = again;
    document.source_hash = source_hash.or(document.source_hash);
    let (asked, warnings) = match rendered {
        Ok(rendered) => {
            document.state = State::Page(outline(&rendered, &facts, recipe));
            (rendered.asked, rendered.warnings.len() as u64)
        }
        Err(failure) => {
            document.state = State::Failed(Box::new(failure));
            (Vec::new(), 0)
        }
    };
    save(document, fingerprint, Some(&facts), asked, warnings)
}

fn save(
    document: &Observed,
    fingerprint: Option<Fingerprint>,
    facts: Option<&Facts>,
    asked: Vec<Asked>,
    warnings: u64,
) -> SavedDocument {
    let facts = facts.filter(|facts| **facts != Facts::default());
    let facts = facts.and_then(|facts| serde_json::to_string(facts).ok()).map(Into::into);
    let row = DocumentRow {
        path: document.path.clone(),
        fingerprint,
        source_hash: document.source_hash,
        current: true,
        external_id: document.external_id.clone(),
        url: document.url.clone(),
        facts,
        state: document.state.clone(),
    };
    SavedDocument { row, asked, warnings }
}

/// Does the same for each item on every core; the results stand in the items' order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8).min(items.len());
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let share = items.len().div_ceil(threads * 4);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let parts: Vec<&[T]> = items.chunks(share).collect();
    let mut done: Vec<(usize, Vec<R>)> = thread::scope(|scope| {
        let worker = || {
            let mut mine = Vec::new();
            loop {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(part) = parts.get(at) else { return mine };
                mine.push((at, part.iter().map(&work).collect()));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().expect("renders are guarded against panics")).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().flat_map(|(_, part)| part).collect()
}

impl Memory<'_> {
    fn ledger(&self) -> Option<&Ledger> {
        match self {
            Self::Blank => None,
            Self::Read(ledger) => Some(ledger),
            Self::Keep(ledger) => Some(ledger),
        }
    }

    fn documents(&self, mirror: &Mirror) -> Result<Vec<DocumentRow>, LedgerError> {
        self.ledger().map_or(Ok(Vec::new()), |ledger| ledger.documents(mirror.name.as_str(), &mirror.recipe.0))
    }

    fn each_asked(&self, mirror: &Mirror, each: impl FnMut(&str, Vec<Asked>)) -> Result<(), LedgerError> {
        self.ledger().map_or(Ok(()), |ledger| ledger.each_asked(mirror.name.as_str(), each))
    }

    fn save(&mut self, mirror: &Mirror, documents: &[SavedDocument]) -> Result<(), LedgerError> {
        match self {
            Self::Keep(ledger) if !documents.is_empty() => {
                ledger.save_documents(mirror.name.as_str(), &mirror.recipe.0, documents)
            }
            _ => Ok(()),
        }
    }

    fn touch(&mut self, mirror: &Mirror, touched: &[(DocPath, Option<Fingerprint>)]) -> Result<(), LedgerError> {
        match self {
            Self::Keep(ledger) if !touched.is_empty() => ledger.touch_documents(mirror.name.as_str(), touched),
            _ => Ok(()),
        }
    }

    fn forget(&mut self, mirror: &Mirror, gone: &[DocPath]) -> Result<(), LedgerError> {
        match self {
            Self::Keep(ledger) if !gone.is_empty() => ledger.forget_documents(mirror.name.as_str(), gone),
            _ => Ok(()),
        }
    }
}
