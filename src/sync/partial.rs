//! A partial look: the documents that an event names, looked at and sent before anything else is.
//!
//! A hint, not the truth: what cannot be told from these documents and a few of their neighbours is left to the whole cycle
//! that follows. By type it deletes and renames nothing, for its look is never complete (I2). It answers a render's
//! questions from the ledger's rows; a question that only the whole source answers leaves that document alone.

use std::collections::HashMap;

use super::again::Again;
use super::observe::{take_facts, take_render};
use super::seen::{Answers, Seen};
use super::{Job, Look, Shared, blocking, bound, make_plan, note, note_stop, take_applied, take_plan, unfit};
use crate::apply::{self, Documents};
use crate::ledger::{Adopted, DocumentRow, ImportSourceRow, Ledger, LedgerError, SavedDocument};
use crate::page::{DocPath, Entry, ExternalId, Failure, Page, Problem};
use crate::plan::{Observed, State};
use crate::remote::Remote;
use crate::render::Asked;
use crate::report::CycleReport;
use crate::source::{Document, Known};

/// Documents of one partial look: more are a burst, for which one whole cycle is cheaper.
pub const MOST_DOCUMENTS: usize = 64;
/// Rounds of rendering until every page that is linked to is known.
const ROUNDS: usize = 3;

/// What a partial look came to.
#[derive(Debug)]
pub struct Partial {
    /// What was sent. Its outcome is of these documents alone.
    pub report: CycleReport,
    /// Something is left to the whole cycle.
    pub is_left: bool,
}

/// Looks at these documents, and sends those that are new or others than they were.
pub async fn partial<R: Remote + 'static>(
    job: &Job,
    paths: &[DocPath],
    shared: &mut Shared<'_, R>,
) -> Result<Partial, LedgerError> {
    let started = (shared.clock)();
    let traffic = shared.remote.traffic();
    let name = job.mirror.name.as_str();
    let mut report = CycleReport::new(name);
    let Some(row) = ready(job, shared)?.filter(|_| paths.len() <= MOST_DOCUMENTS) else {
        return Ok(Partial { report, is_left: true });
    };
    let looked = blocking(|| look(job, paths, &row, shared.ledger))?;
    report.scanned = looked.documents.len() as u64;
    report.read = report.scanned;
    let Looked { documents, entries, pages, is_left } = looked;
    if documents.is_empty() {
        return Ok(Partial { report, is_left });
    }
    // By this problem the plan's type knows that the look was not complete.
    let problems =
        [Problem { path: String::new(), message: "only the documents that an event named were looked at".into() }];
    let look = Look { documents: &documents, problems: &problems, delisted: &[] };
    let plan = make_plan(job, shared.ledger, Some(&row), look, &entries, started)?;
    take_plan(&mut report, &plan);
    report.problems.clear();
    report.blind = false;
    note(shared.ledger, row.source.id, &plan)?;
    let mut stopped = None;
    if plan.sends() {
        let applied = apply::apply(&plan, shared.target(Held(pages), row.source.id)).await?;
        stopped.clone_from(&applied.stopped);
        take_applied(&mut report, applied);
    }
    note_stop(&mut report, stopped.as_ref());
    let sent = shared.remote.traffic();
    report.requests = sent.requests - traffic.requests;
    report.retries = sent.retries - traffic.retries;
    report.duration_ms = super::took_ms(started, (shared.clock)());
    Ok(Partial { report: report.judged(stopped.is_some()), is_left })
}

/// The import source, where everything is as the last whole cycle left it; `None`: that cycle is what is needed first.
fn ready<R>(job: &Job, shared: &Shared<'_, R>) -> Result<Option<ImportSourceRow>, LedgerError> {
    let name = job.mirror.name.as_str();
    if unfit(job, shared.ledger)?.is_some() {
        return Ok(None);
    }
    let source = shared.ledger.source(name)?;
    if source.last_complete_at.is_none() || source.blocked.is_some() {
        return Ok(None);
    }
    let Some(row) = bound(shared.ledger, name)? else { return Ok(None) };
    let binding = super::binding(job, shared.configured, &shared.stop, (shared.clock)());
    Ok((row.adopted != Adopted::None && binding.is_settled(&row)).then_some(row))
}

/// The documents of a partial look that can be planned.
#[derive(Default)]
struct Looked {
    documents: Vec<Observed>,
    entries: Vec<Entry>,
    pages: HashMap<ExternalId, Page>,
    is_left: bool,
}

fn look(job: &Job, paths: &[DocPath], row: &ImportSourceRow, ledger: &mut Ledger) -> Result<Looked, LedgerError> {
    let name = job.mirror.name.as_str();
    let known = Known { mounts: ledger.source(name)?.mounts, ..Known::default() };
    let mut looked = Looked::default();
    let mut saved = Vec::new();
    for path in paths {
        // What is not there, is no document or cannot be seen is for the whole cycle to judge.
        let Ok(Some(document)) = job.mirror.source.look(path, &known) else {
            looked.is_left = true;
            continue;
        };
        let before = ledger.document(name, path, &job.mirror.recipe.0)?;
        let is_same =
            |row: &DocumentRow| row.current && row.fingerprint.is_some() && row.fingerprint == document.fingerprint;
        if before.as_ref().is_some_and(is_same) {
            continue;
        }
        match page_of(job, document, before.as_ref(), row, ledger)? {
            Some(found) => {
                saved.push(found.saved);
                looked.entries.extend(found.entry);
                looked.pages.insert(found.document.external_id.clone(), found.page);
                looked.documents.push(found.document);
            }
            None => looked.is_left = true,
        }
    }
    if !saved.is_empty() {
        ledger.save_documents(name, &job.mirror.recipe.0, &saved)?;
    }
    looked.documents.sort_by(|a, b| a.path.cmp(&b.path));
    looked.entries.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    Ok(looked)
}

/// A document that can be sent by what is known.
struct Found {
    document: Observed,
    entry: Option<Entry>,
    page: Page,
    saved: SavedDocument,
}

/// What one document is now; `None` where only the whole source tells.
fn page_of(
    job: &Job,
    document: Document,
    before: Option<&DocumentRow>,
    row: &ImportSourceRow,
    ledger: &Ledger,
) -> Result<Option<Found>, LedgerError> {
    let mirror = &*job.mirror;
    let Document { path, raw, failure, .. } = document;
    let is_whole = before.is_none_or(|row| row.parts.is_empty() && matches!(row.state, State::Page(_)));
    // Others may have their places by whether this one is there.
    let may_move_others = before.is_none() && mirror.site.depends_on_others();
    if failure.is_some() || !is_whole || may_move_others || mirror.converters.find(&path).is_some() {
        return Ok(None);
    }
    let external_id = ExternalId::from(&path);
    let state = State::Failed(Box::new(Failure::new("unreadable", "not read yet")));
    let mut observed =
        Observed { path, raw, is_part: false, external_id, source_hash: None, url: None, facts: None, state };
    let ((source_hash, _), Ok(facts)) = mirror.read_facts(&observed) else { return Ok(None) };
    let Some(source_hash) = source_hash else { return Ok(None) };
    let alone = Seen::new(vec![observed.clone()]);
    let placement = mirror.site.place(&observed.path, &facts, &Answers(&alone, mirror));
    if take_facts(&mut observed, &facts, &placement, &mirror.site) {
        return Ok(None);
    }
    observed.source_hash = Some(source_hash);
    // A page that moves within the site changes others, and may be about to take another's place.
    if before.is_some_and(|row| row.external_id != observed.external_id || row.url != observed.url) {
        return Ok(None);
    }
    let (name, id) = (mirror.name.as_str(), &observed.external_id);
    let entry = ledger.entry(row.source.id, id)?;
    let is_claimed = ledger.is_claimed(name, &observed.path, id, observed.url.as_deref())?;
    // New bytes that a page has may be that page under its new name: the whole cycle pairs them, or waits.
    let may_be_moved = entry.is_none() && ledger.has_bytes(row.source.id, source_hash)?;
    // What became of a request whose answer was lost is for the whole cycle to find out first (I1).
    let is_in_doubt = entry.as_ref().is_some_and(|entry| entry.doubt.is_some());
    if is_claimed || may_be_moved || is_in_doubt {
        return Ok(None);
    }
    let Some(again) = render(job, &observed, ledger)? else { return Ok(None) };
    let Ok([rendered]) = again.rendered.as_deref() else { return Ok(None) };
    if again.source_hash != Some(source_hash) || rendered.page.external_id != observed.external_id {
        return Ok(None);
    }
    let page = rendered.page.clone();
    let saved = take_render(&mut observed, again, &mirror.recipe);
    Ok(Some(Found { document: observed, entry, page, saved }))
}

/// Renders a document among those that it links to; `None` where it asks what only the whole source answers.
fn render(job: &Job, observed: &Observed, ledger: &Ledger) -> Result<Option<Again>, LedgerError> {
    let mirror = &*job.mirror;
    let mut neighbours = vec![observed.clone()];
    let mut absent: Vec<DocPath> = Vec::new();
    for _ in 0..ROUNDS {
        neighbours.sort_by(|a, b| a.path.cmp(&b.path));
        let seen = Seen::new(neighbours.clone());
        let again = mirror.render_again(observed, &seen);
        let Ok(rendered) = &again.rendered else { return Ok(None) };
        let mut unknown: Vec<DocPath> = Vec::new();
        for asked in rendered.iter().flat_map(|rendered| &rendered.asked) {
            match asked {
                Asked::PageUrl(path, _) | Asked::PageTitle(path, _) => {
                    if seen.find(path).is_none() && !absent.contains(path) && !unknown.contains(path) {
                        unknown.push(path.clone());
                    }
                }
                Asked::File(..) => {}
                Asked::Label(..) | Asked::PageAt(..) | Asked::Documents(..) => return Ok(None),
            }
        }
        if unknown.is_empty() {
            return Ok(Some(again));
        }
        for path in unknown {
            match ledger.document(mirror.name.as_str(), &path, &mirror.recipe.0)? {
                Some(row) => neighbours.push(neighbour(row)),
                None => absent.push(path),
            }
        }
    }
    Ok(None)
}

/// A document as the ledger has it.
fn neighbour(row: DocumentRow) -> Observed {
    let DocumentRow { path, source_hash, external_id, url, facts, state, .. } = row;
    Observed { path, raw: None, is_part: false, external_id, source_hash, url, facts, state }
}

/// The pages that were rendered just now: few enough to be held until they are sent.
struct Held(HashMap<ExternalId, Page>);

impl Documents for Held {
    async fn page(&self, document: Observed) -> Result<Page, Failure> {
        let page = self.0.get(&document.external_id).cloned();
        page.ok_or_else(|| Failure::new("changing", "it changes while it is read: it is looked at again next time"))
    }

    async fn still_gone(&self, _: ExternalId, _: DocPath) -> Result<bool, Problem> {
        // A look at a few documents never says of any that it is gone.
        Ok(false)
    }
}
