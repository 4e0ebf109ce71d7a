//! From a scan to observations: reads what changed, renders what must be, keeps both in the ledger.
//!
//! A document is read when its fingerprint differs, and rendered when its bytes, the recipe (renderer's version, site and
//! page options) or an answer that its last render was given differs. Synchronous: callers put it on a blocking thread.

use std::collections::{HashMap, HashSet};
use std::thread;

use super::Mirror;
use super::again::Again;
use super::converting::Converted;
use super::seen::{Answers, Seen, facts_of};
use crate::ledger::{DocumentRow, InputRow, Ledger, LedgerError, PartRow, SavedDocument, recipe_tag};
use crate::page::{BodyHash, DocPath, ExternalId, Failure, Fingerprint, Problem};
use crate::plan::{Observed, Outline, State};
use crate::render::{self, Asked, Facts, Recipe, Rendered, Warning};
use crate::site::{Placement, Site};
use crate::source::{Document, Scan};
use crate::stop::Stop;

/// Documents that are worked on between two commits.
const CHUNK: usize = 512;

/// Warnings that a look hands on; the ledger keeps all of them.
const MAX_WARNINGS: usize = 1000;

/// What one look at a source came to.
#[derive(Debug, Default)]
pub struct Observation {
    /// The documents.
    pub seen: Seen,
    /// What could not be seen.
    pub problems: Vec<Problem>,
    /// As [`Scan::delisted`] has them.
    pub delisted: Vec<DocPath>,
    /// Documents whose bytes were read.
    pub read: u64,
    /// What is to be mended in documents that were rendered just now, the first of it.
    pub warnings: Vec<(DocPath, Warning)>,
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

/// Says of each document of a scan what page it is, or why it is none. After a stop what it says is not whole, and is for
/// nobody to act on.
pub fn observe(
    mirror: &Mirror,
    scan: Scan,
    memory: &mut Memory<'_>,
    full: bool,
    progress: Progress<'_>,
    stop: &Stop,
) -> Result<Observation, LedgerError> {
    let rows = memory.documents(mirror)?;
    let Scan { documents, problems, delisted, .. } = scan;
    let complete = problems.is_empty();
    let total = documents.len() as u64;
    let mut work = Work {
        mirror,
        complete,
        read: 0,
        done: 0,
        total,
        progress,
        stop,
        parts: Vec::new(),
        used: HashSet::new(),
        warnings: Vec::new(),
    };
    let (mut seen, pending, gone) = work.compare(documents, rows, full);
    seen.converted = memory.converted(mirror)?;
    let inputs = memory.inputs(mirror)?;
    let probes = inputs.iter().map(|row| mirror.source.probe(&row.path)).collect();
    let known: Vec<DocPath> = inputs.iter().map(|row| row.path.clone()).collect();
    seen.know(inputs, probes);
    let mut pending = work.read(&mut seen, pending, memory)?;
    if complete && mirror.site.depends_on_others() {
        let displaced = work.displaced(&mut seen, &pending, memory)?;
        pending.extend(displaced);
        pending.sort_by_key(|item| item.at);
    }
    let pending = work.add_affected(&seen, pending, memory)?;
    work.render(&mut seen, pending, memory)?;
    // What was left out for a stop says nothing: whoever stopped it looks at nothing of this.
    if complete && !stop.is_set() {
        memory.forget(mirror, &gone)?;
        let unused: Vec<DocPath> = known.into_iter().filter(|path| !work.used.contains(path)).collect();
        memory.save_inputs(mirror, &seen.news_of_files(), &unused)?;
        memory.forget_conversions(mirror, &seen)?;
    }
    let Work { read, parts, warnings, .. } = work;
    seen.add_parts(parts);
    Ok(Observation { seen, problems, delisted, read, warnings })
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
    stop: &'a Stop,
    /// The pages beyond the first of documents that were split.
    parts: Vec<Observed>,
    /// The files that some render has asked for.
    used: HashSet<DocPath>,
    warnings: Vec<(DocPath, Warning)>,
}

impl Work<'_> {
    /// Splits a scan into what is as the ledger says and what must be read; and names the rows that have no document.
    fn compare(
        &mut self,
        documents: Vec<Document>,
        rows: Vec<DocumentRow>,
        full: bool,
    ) -> (Seen, Vec<Pending>, Vec<DocPath>) {
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
                    if let Some(row) = &row {
                        self.parts.extend(row.parts.iter().map(|part| failed_part(row, part, &state)));
                    }
                    observed.push(seen(path, raw, row.as_ref(), state));
                }
                (None, Some(row))
                    if !full && row.current && fingerprint.is_some() && row.fingerprint == fingerprint =>
                {
                    self.parts.extend(row.parts.iter().map(|part| match &row.state {
                        State::Failed(_) => failed_part(&row, part, &row.state),
                        State::Page(_) | State::Excluded(_) => unchanged_part(&row, part),
                    }));
                    let DocumentRow { source_hash, external_id, url, facts, state, .. } = row;
                    observed.push(Observed { path, raw, is_part: false, external_id, source_hash, url, facts, state });
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
        (Seen::new(observed), pending, gone)
    }

    /// Reads what must be read; returns what must be rendered.
    fn read(
        &mut self,
        seen: &mut Seen,
        pending: Vec<Pending>,
        memory: &mut Memory<'_>,
    ) -> Result<Vec<Pending>, LedgerError> {
        let mut to_render = Vec::with_capacity(pending.len());
        let mut pending = pending.into_iter();
        loop {
            let chunk: Vec<Pending> = pending.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || self.stop.is_set() {
                break;
            }
            let results = in_parallel(&chunk, |pending| self.mirror.read_facts(&seen.documents[pending.at]));
            self.read += chunk.len() as u64;
            let mut saved = Vec::new();
            for (mut item, (read, facts)) in chunk.into_iter().zip(results) {
                let path = seen.documents[item.at].path.clone();
                let placed = facts.map(|facts| {
                    let placement = self.mirror.site.place(&path, &facts, &Answers(seen, self.mirror));
                    (facts, placement)
                });
                let document = &mut seen.documents[item.at];
                document.facts = placed.as_ref().ok().and_then(|(facts, _)| facts_json(facts));
                let (hash, fingerprint) = read;
                document.source_hash = hash;
                item.fingerprint = fingerprint;
                match placed {
                    Ok((facts, placement)) => {
                        if take_facts(document, &facts, &placement, &self.mirror.site) {
                            saved.push(save(document, item.fingerprint, Some(&facts), Extras::default()));
                            self.done += 1;
                        } else {
                            to_render.push(item);
                        }
                    }
                    Err(failure) => {
                        document.state = State::Failed(Box::new(failure));
                        saved.push(save(document, item.fingerprint, None, Extras::default()));
                        self.keep_parts(document, item.row.as_deref());
                        self.done += 1;
                    }
                }
            }
            memory.save(self.mirror, &saved)?;
            (self.progress)(self.done, self.total);
        }
        Ok(to_render)
    }

    /// Documents that did not change, and that the site publishes otherwise now because others came or went.
    fn displaced(
        &self,
        seen: &mut Seen,
        pending: &[Pending],
        memory: &mut Memory<'_>,
    ) -> Result<Vec<Pending>, LedgerError> {
        let is_pending: HashSet<usize> = pending.iter().map(|item| item.at).collect();
        let (mut displaced, mut excluded) = (Vec::new(), Vec::new());
        for at in (0..seen.documents.len()).filter(|at| !is_pending.contains(at)) {
            let document = &seen.documents[at];
            let was = match &document.state {
                State::Page(_) => None,
                State::Excluded(reason) => Some(&**reason),
                State::Failed(_) => continue,
            };
            let facts = facts_of(document);
            let placement = self.mirror.site.place(&document.path, &facts, &Answers(seen, self.mirror));
            let url = placement.url.as_ref().filter(|_| is_published(&placement)).map(url::Url::as_str);
            if url == document.url.as_deref() && placement.excluded.as_deref() == was {
                continue;
            }
            if take_facts(&mut seen.documents[at], &facts, &placement, &self.mirror.site) {
                excluded.push(save(&seen.documents[at], None, Some(&facts), Extras::default()));
            } else {
                displaced.push(Pending { at, fingerprint: None, row: None });
            }
        }
        memory.save(self.mirror, &excluded)?;
        Ok(displaced)
    }

    /// The parts of a document that fails now: Fin has them still.
    fn keep_parts(&mut self, document: &Observed, row: Option<&DocumentRow>) {
        if let Some(row) = row {
            self.parts.extend(row.parts.iter().map(|part| failed_part(row, part, &document.state)));
        }
    }

    /// Says what is to be done about each document that was read, and adds those whose last render was given an answer
    /// that is another one now.
    fn add_affected(
        &mut self,
        seen: &Seen,
        pending: Vec<Pending>,
        memory: &mut Memory<'_>,
    ) -> Result<Vec<(Pending, Todo)>, LedgerError> {
        let observed = &seen.documents;
        // Compared with what each render was given, not with what changed just now: what a crash or a scan with problems
        // has left behind is found as well.
        let mut affected = HashSet::new();
        let answers = Answers(seen, self.mirror);
        let used = &mut self.used;
        memory.each_asked(self.mirror, |path, asked| {
            let Ok(at) = observed.binary_search_by(|d| d.path.as_str().cmp(path)) else { return };
            for asked in asked {
                // What a scan with problems did not see may be there: links to it stay.
                if !answers.still(&asked) && (self.complete || answers.is_seen(&asked)) {
                    affected.insert(at);
                }
                if let Asked::File(path, _) = asked {
                    used.insert(path);
                }
            }
        })?;
        let mut work = Vec::with_capacity(pending.len() + affected.len());
        for mut item in pending {
            let Observed { source_hash: hash, url, .. } = &observed[item.at];
            // The same bytes in another commit have another url, where urls name commits.
            let same = |row: &DocumentRow| row.current && hash.is_some() && row.source_hash == *hash && row.url == *url;
            let todo = match item.row.take() {
                Some(row) if !affected.contains(&item.at) && same(&row) && matches!(row.state, State::Page(_)) => {
                    Todo::Keep(row)
                }
                row => {
                    item.row = row;
                    Todo::Render
                }
            };
            affected.remove(&item.at);
            work.push((item, todo));
        }
        // What a document asked for may be why it fails; of what could not be read just now nothing is known.
        let is_rendered = |document: &Observed| match document.state {
            State::Page(_) => true,
            State::Failed(_) => document.source_hash.is_some(),
            State::Excluded(_) => false,
        };
        let unread = affected.into_iter().filter(|at| is_rendered(&observed[*at]));
        work.extend(unread.map(|at| (Pending { at, fingerprint: None, row: None }, Todo::Render)));
        work.sort_by_key(|(item, _)| item.at);
        Ok(work)
    }

    /// Renders what must be rendered, and keeps it.
    fn render(
        &mut self,
        seen: &mut Seen,
        work: Vec<(Pending, Todo)>,
        memory: &mut Memory<'_>,
    ) -> Result<(), LedgerError> {
        let mut work = work.into_iter();
        // Parts of documents that are rendered anew; of those that fail, the ones that Fin has.
        let (mut parts, mut fresh, mut failed) = (Vec::new(), HashSet::new(), HashMap::new());
        loop {
            let chunk: Vec<(Pending, Todo)> = work.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || self.stop.is_set() {
                break;
            }
            let results = in_parallel(&chunk, |(item, todo)| match todo {
                Todo::Keep(_) => None,
                Todo::Render => {
                    // The html is let go here, so that a chunk holds outlines only.
                    let mut document = seen.documents[item.at].clone();
                    let again = self.mirror.render_again(&document, seen);
                    let row = take_render(&mut document, again, &self.mirror.recipe);
                    Some((document, row))
                }
            });
            let (mut saved, mut touched) = (Vec::new(), Vec::new());
            for ((item, todo), result) in chunk.into_iter().zip(results) {
                let document = &mut seen.documents[item.at];
                match (todo, result) {
                    (Todo::Keep(row), _) => {
                        self.parts.extend(row.parts.iter().map(|part| unchanged_part(&row, part)));
                        document.state = row.state;
                        touched.push((document.path.clone(), item.fingerprint));
                    }
                    (Todo::Render, Some((rendered, saved_row))) => {
                        *document = rendered;
                        if let State::Failed(_) = &document.state {
                            failed.insert(document.path.clone(), document.state.clone());
                            let document = document.clone();
                            self.keep_parts(&document, item.row.as_deref());
                        } else {
                            fresh.insert(document.path.clone());
                            let row = &saved_row.row;
                            parts.extend(row.parts.iter().map(|part| unchanged_part(row, part)));
                        }
                        self.used.extend(saved_row.asked.iter().filter_map(Asked::file).cloned());
                        let room = MAX_WARNINGS.saturating_sub(self.warnings.len());
                        let news = saved_row.warnings.iter().take(room).cloned();
                        self.warnings.extend(news.map(|warning| (saved_row.row.path.clone(), warning)));
                        saved.push(saved_row);
                    }
                    (Todo::Render, None) => {}
                }
            }
            self.done += (saved.len() + touched.len()) as u64;
            memory.save(self.mirror, &saved)?;
            memory.touch(self.mirror, &touched)?;
            (self.progress)(self.done.min(self.total), self.total);
        }
        self.parts.retain(|part| !fresh.contains(&part.path));
        for part in &mut self.parts {
            if let Some(state) = failed.get(&part.path) {
                part.state = state.clone();
            }
        }
        self.parts.append(&mut parts);
        Ok(())
    }
}

/// Gives a document the id and the url that its facts ask for; `true` where no render is needed to know its state.
pub(super) fn take_facts(document: &mut Observed, facts: &Facts, placement: &Placement, site: &Site) -> bool {
    document.external_id = render::external_id(&document.path, facts, site);
    let is_page = placement.excluded.is_none();
    document.url = placement.url.clone().filter(|_| is_published(placement)).map(|url| String::from(url).into());
    if let Some(reason) = &placement.excluded {
        document.state = State::Excluded(reason.as_str().into());
    }
    !is_page
}

/// Whether links may lead to it: a page, or what is one only for the site's readers.
fn is_published(placement: &Placement) -> bool {
    placement.excluded.is_none() || placement.is_left_out
}

/// What is to be done about a document that was read, or that is affected by another.
enum Todo {
    /// Its bytes are the same after all.
    Keep(Box<DocumentRow>),
    /// Render it.
    Render,
}

/// A document of which nothing new is known keeps the id and the url that it had.
fn seen(path: DocPath, raw: Option<Box<std::path::Path>>, row: Option<&DocumentRow>, state: State) -> Observed {
    let external_id = row.map_or_else(|| ExternalId::from(&path), |row| row.external_id.clone());
    let url = row.and_then(|row| row.url.clone());
    let facts = row.and_then(|row| row.facts.clone());
    Observed { path, raw, is_part: false, external_id, source_hash: None, url, facts, state }
}

/// A part of a document that is as it was.
fn unchanged_part(row: &DocumentRow, part: &PartRow) -> Observed {
    Observed {
        path: row.path.clone(),
        raw: None,
        is_part: true,
        external_id: part.external_id.clone(),
        source_hash: row.source_hash.map(|hash| hash.of_part(&part.external_id)),
        url: part.url.clone(),
        facts: None,
        state: State::Page(part.outline.clone()),
    }
}

/// A part of a document that fails for now.
fn failed_part(row: &DocumentRow, part: &PartRow, state: &State) -> Observed {
    Observed { state: state.clone(), source_hash: None, ..unchanged_part(row, part) }
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

/// What is kept of a render beside its page.
#[derive(Default)]
struct Extras {
    parts: Vec<PartRow>,
    asked: Vec<Asked>,
    warnings: Vec<Warning>,
}

/// Gives a document the state that its render came to.
pub(super) fn take_render(document: &mut Observed, again: Again, recipe: &Recipe) -> SavedDocument {
    let Again { facts, source_hash, fingerprint, rendered, asked, warnings } = again;
    document.source_hash = source_hash.or(document.source_hash);
    let mut extras = Extras::default();
    match rendered {
        Ok(pages) => {
            for rendered in pages {
                let outline = outline(&rendered, &facts, recipe);
                if rendered.page.external_id == document.external_id {
                    document.state = State::Page(outline);
                } else {
                    let url = rendered.page.url.map(Into::into);
                    extras.parts.push(PartRow { external_id: rendered.page.external_id, url, outline });
                }
                extras.asked.extend(rendered.asked);
                extras.warnings.extend(rendered.warnings);
            }
        }
        Err(failure) => {
            document.state = State::Failed(Box::new(failure));
            extras = Extras { asked, warnings, ..extras };
        }
    }
    save(document, fingerprint, Some(&facts), extras)
}

fn save(document: &Observed, fingerprint: Option<Fingerprint>, facts: Option<&Facts>, extras: Extras) -> SavedDocument {
    let row = DocumentRow {
        path: document.path.clone(),
        fingerprint,
        source_hash: document.source_hash,
        current: true,
        external_id: document.external_id.clone(),
        url: document.url.clone(),
        facts: facts.and_then(facts_json),
        state: document.state.clone(),
        parts: extras.parts,
    };
    SavedDocument { row, asked: extras.asked, warnings: extras.warnings }
}

/// Facts as they are kept; `None`: there are none.
fn facts_json(facts: &Facts) -> Option<Box<str>> {
    if *facts == Facts::default() {
        return None;
    }
    serde_json::to_string(facts).ok().map(Into::into)
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

    fn inputs(&self, mirror: &Mirror) -> Result<Vec<InputRow>, LedgerError> {
        self.ledger().map_or(Ok(Vec::new()), |ledger| ledger.inputs(mirror.name.as_str()))
    }

    fn save_inputs(&mut self, mirror: &Mirror, seen: &[InputRow], unused: &[DocPath]) -> Result<(), LedgerError> {
        match self {
            Self::Keep(ledger) if !(seen.is_empty() && unused.is_empty()) => {
                ledger.save_inputs(mirror.name.as_str(), seen, unused)
            }
            _ => Ok(()),
        }
    }

    fn converted(&self, mirror: &Mirror) -> Result<Converted, LedgerError> {
        match self.ledger() {
            Some(ledger) if !mirror.converters.is_empty() => {
                Ok(Converted::new(ledger.conversions(matches!(self, Self::Keep(_)))?))
            }
            _ => Ok(Converted::default()),
        }
    }

    fn forget_conversions(&mut self, mirror: &Mirror, seen: &Seen) -> Result<(), LedgerError> {
        let is_wanted = |path: &DocPath| seen.find(path).is_some() && mirror.converters.find(path).is_some();
        match self {
            Self::Keep(ledger) => ledger.forget_conversions(mirror.name.as_str(), is_wanted),
            _ => Ok(()),
        }
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
