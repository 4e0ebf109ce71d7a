//! Applying: carries out a plan and decides nothing.
//!
//! One loop owns the ledger; the requests are tasks of a `JoinSet`, bounded in number, each rendering its page anew so that
//! memory does not grow with the plan. It keeps I1 (marked on the disk before it is sent, cleared by the answer), I5 (a
//! delete only after every upsert of the plan is acknowledged or rejected for good, and only after one more look at the
//! document) and I8 (a stop sends nothing new and waits for what is under way).

mod job;
pub mod listing;

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::ledger::{Ack, Ledger, LedgerError, Rejection};
use crate::page::{DocPath, Entry, ExternalId, Failure, ImportSourceId, Page, Problem};
use crate::plan::{Observed, Plan, Step};
use crate::remote::{Remote, RemoteError};
use crate::stop::Stop;
use job::{Answer, Job};

/// Pages that are marked in doubt in one synced transaction.
const MARKED_AT_ONCE: usize = 256;
/// So many pages one after the other without an answer: the remote is down, and the rest waits for the next cycle.
const UNANSWERED_IN_A_ROW: u32 = 8;

/// The wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What applying asks of the source.
pub trait Documents: Send + Sync + 'static {
    /// The page that a document renders to now.
    fn page(&self, document: Observed) -> impl Future<Output = Result<Page, Failure>> + Send;
    /// `Ok(true)` only where no document of the source has this id now, looked at afresh.
    fn still_gone(&self, id: ExternalId, path: DocPath) -> impl Future<Output = Result<bool, Problem>> + Send;
}

/// Where a plan is applied to, and with what.
pub struct Target<'a, R, D> {
    /// Intercom.
    pub remote: Arc<R>,
    /// The source.
    pub documents: Arc<D>,
    /// The ledger.
    pub ledger: &'a mut Ledger,
    /// Its import source.
    pub import_source: ImportSourceId,
    /// Pages under way at one time.
    pub max_in_flight: usize,
    /// The wall clock.
    pub clock: Clock,
    /// Stops it.
    pub stop: Stop,
    /// Told after each answer: how many steps of how many are done.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

/// What applying a plan came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// Pages created.
    pub created: u64,
    /// Pages updated.
    pub updated: u64,
    /// Pages renamed.
    pub renamed: u64,
    /// Pages deleted.
    pub deleted: u64,
    /// Pages that changed while the plan was made, and documents that are back: they wait for the next cycle.
    pub waiting: u64,
    /// Pages that failed.
    pub failed: Vec<(DocPath, ExternalId, Failure)>,
    /// What kept a document's absence from being seen again.
    pub problems: Vec<Problem>,
    /// Why it ended early.
    pub stopped: Option<Stopped>,
}

/// Why applying ended before the plan did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Intercom does not take the token.
    Unauthorized(String),
    /// The import source, or the whole call, was refused; or nobody answers.
    Source(String),
    /// The import source is not there.
    NotFound(String),
    /// The token is of another workspace than the ledger.
    OtherWorkspace(String),
    /// Somebody asked for it.
    Shutdown,
}

/// Carries out a plan. An error is the ledger's: without it nothing may be sent.
pub async fn apply<R: Remote + 'static, D: Documents>(
    plan: &Plan<'_>,
    target: Target<'_, R, D>,
) -> Result<Applied, LedgerError> {
    let mut run = Run {
        target,
        applied: Applied::default(),
        unanswered: 0,
        fallbacks: Vec::new(),
        unknown: Vec::new(),
        done: 0,
        total: 0,
    };
    run.total = plan.steps.iter().filter(|step| step.action() != "hold").count() as u64;
    run.upserts(plan).await?;
    run.deletes(plan).await?;
    Ok(run.applied)
}

struct Run<'a, R, D> {
    target: Target<'a, R, D>,
    applied: Applied,
    unanswered: u32,
    /// Renames that Intercom would not make: the document as a new page, and the entry that goes once it is there.
    fallbacks: Vec<(Observed, Entry)>,
    /// Pages to delete whose id only a listing tells.
    unknown: Vec<Entry>,
    done: u64,
    total: u64,
}

impl<R: Remote + 'static, D: Documents> Run<'_, R, D> {
    async fn upserts(&mut self, plan: &Plan<'_>) -> Result<(), LedgerError> {
        let mut jobs = Vec::new();
        let mut renames = Vec::new();
        for step in &plan.steps {
            match *step {
                Step::Rename { document, entry, .. } if document.url.is_none() => {
                    self.fallbacks.push((document.clone(), entry.clone()));
                }
                Step::Rename { document, page, entry } => renames.push((document, page.content_hash, entry)),
                _ => {}
            }
        }
        for (document, content_hash, entry) in renames {
            if self.stopping() {
                return Ok(());
            }
            let Some(page_id) = &entry.page_id else { continue };
            match self.target.remote.page(page_id).await {
                Ok(former) => jobs.push(Job::rename(document, content_hash, entry, former.switches)),
                Err(RemoteError::NotFound { .. }) => self.fallbacks.push((document.clone(), entry.clone())),
                Err(error) => self.fail(&document.path, &document.external_id, &error),
            }
        }
        // What a document says no more because a part of it does is said by the part first.
        let parts = plan.steps.iter().filter_map(|step| match *step {
            Step::Create { document, page } if document.is_part => Some(Job::upsert(document, page.content_hash, None)),
            _ => None,
        });
        self.pump(parts).await?;
        // Where that did not come about the document goes on saying it, until the next plan.
        let unsent = self.applied.failed.iter().filter(|(_, _, failure)| failure.code != "rejected");
        let unsent: HashSet<DocPath> = unsent.map(|(path, ..)| path.clone()).collect();
        let upserts = plan.steps.iter().filter_map(|step| match *step {
            Step::Update { document, .. } if !document.is_part && unsent.contains(&document.path) => None,
            Step::Create { document, page } if !document.is_part => {
                Some(Job::upsert(document, page.content_hash, None))
            }
            Step::Update { document, page, entry, .. } => Some(Job::upsert(document, page.content_hash, Some(entry))),
            _ => None,
        });
        self.pump(jobs.into_iter().chain(upserts)).await?;
        let hashes = |document: &Observed| match &document.state {
            crate::plan::State::Page(page) => Some(page.content_hash),
            _ => None,
        };
        let fallbacks = &self.fallbacks;
        let jobs: Vec<Job> = fallbacks.iter().filter_map(|(d, _)| Some(Job::upsert(d, hashes(d)?, None))).collect();
        self.pump(jobs.into_iter()).await
    }

    async fn deletes(&mut self, plan: &Plan<'_>) -> Result<(), LedgerError> {
        let unacknowledged = self.applied.waiting > 0
            || self.applied.stopped.is_some()
            || self.applied.failed.iter().any(|(_, _, failure)| failure.code != "rejected");
        if unacknowledged {
            return Ok(());
        }
        let rejected: Vec<ExternalId> = self.applied.failed.iter().map(|(_, id, _)| id.clone()).collect();
        // A document that Intercom will not take under its new id keeps the page of its old one.
        let kept: Vec<DocPath> = self.applied.failed.iter().map(|(path, ..)| path.clone()).collect();
        let moved = std::mem::take(&mut self.fallbacks);
        // A page that was not taken under its new id stays under its old one.
        let moved = moved.into_iter().filter(|(document, _)| !rejected.contains(&document.external_id));
        let mut jobs: Vec<Job> = moved.map(|(_, entry)| Job::delete(&entry, true)).collect();
        for step in &plan.steps {
            if let Step::Delete { entry, .. } = step {
                if kept.contains(&entry.path) {
                    continue;
                }
                if entry.page_id.is_some() {
                    jobs.push(Job::delete(entry, plan.released));
                } else {
                    self.unknown.push((*entry).clone());
                }
            }
        }
        self.pump(jobs.into_iter()).await?;
        if self.unknown.is_empty() || self.stopping() {
            return Ok(());
        }
        let found = self.find(plan.released).await?;
        self.pump(found.into_iter()).await
    }

    /// Finds pages by listing whose ids no answer has named; those that are not there are dropped.
    async fn find(&mut self, released: bool) -> Result<VecDeque<Job>, LedgerError> {
        let source = self.target.import_source;
        let unknown = std::mem::take(&mut self.unknown);
        let mut found: Vec<Entry> = Vec::new();
        let listed = listing::each_page(&*self.target.remote, &self.target.stop, |page| {
            let ours = unknown.iter().find(|entry| page.source_id == source && entry.external_id == page.external_id);
            if let Some(entry) = ours {
                found.push(Entry { page_id: Some(page.id.clone()), ..entry.clone() });
            }
        });
        if let Err(error) = listed.await {
            if self.stopping() {
                return Ok(VecDeque::new());
            }
            let error = listing::Incomplete::into_remote_error(error);
            self.fail(&unknown[0].path, &unknown[0].external_id, &error);
            return Ok(VecDeque::new());
        }
        // Their ids are not written down: a page that was made anew is switched off, and only an answer with another id
        // than the ledger's tells so, should its document come back before it is deleted.
        let absent = unknown.iter().filter(|entry| found.iter().all(|f| f.external_id != entry.external_id));
        self.target.ledger.drop_entries(source, absent.map(|entry| &entry.external_id))?;
        Ok(found.iter().map(|entry| Job::delete(entry, released)).collect())
    }

    /// Keeps `max_in_flight` jobs under way, marks before it sends, and writes down what is answered. Jobs are made as
    /// they are marked, so that a plan of many pages is not held twice.
    async fn pump(&mut self, mut jobs: impl Iterator<Item = Job>) -> Result<(), LedgerError> {
        let mut marked: VecDeque<Job> = VecDeque::new();
        let mut under_way: JoinSet<Answer> = JoinSet::new();
        loop {
            if marked.is_empty() && !self.stopping() {
                marked.extend(jobs.by_ref().take(MARKED_AT_ONCE));
                if !marked.is_empty() {
                    let marks: Vec<_> = marked.iter().map(Job::mark).collect();
                    self.target.ledger.mark(self.target.import_source, &marks)?;
                }
            }
            while under_way.len() < self.target.max_in_flight && !self.stopping() {
                let Some(job) = marked.pop_front() else { break };
                let (remote, documents) = (self.target.remote.clone(), self.target.documents.clone());
                under_way.spawn(job.run(remote, documents, self.target.import_source));
            }
            let Some(first) = under_way.join_next().await else { break };
            let mut answers = vec![first];
            while let Some(more) = under_way.try_join_next() {
                answers.push(more);
            }
            let answers =
                answers.into_iter().map(|joined| joined.unwrap_or_else(|error| Answer::Panicked(error.to_string())));
            self.take(answers.collect())?;
        }
        let unsent: Vec<_> = marked.iter().map(Job::before).collect();
        self.target.ledger.unmark(self.target.import_source, &unsent)
    }

    fn take(&mut self, answers: Vec<Answer>) -> Result<(), LedgerError> {
        let source = self.target.import_source;
        let now = (self.target.clock)();
        let (now, now_ms) = (now.as_second(), now.as_millisecond());
        let mut acks: Vec<Ack> = Vec::new();
        let mut rejections: Vec<Rejection> = Vec::new();
        let mut unmarked = Vec::new();
        for answer in answers {
            self.done += 1;
            match answer {
                Answer::Taken { ack, created } => {
                    self.unanswered = 0;
                    *(if ack.renamed_from.is_some() {
                        &mut self.applied.renamed
                    } else if created {
                        &mut self.applied.created
                    } else {
                        &mut self.applied.updated
                    }) += 1;
                    acks.push(ack);
                }
                Answer::Deleted { id, released } => {
                    self.unanswered = 0;
                    self.applied.deleted += 1;
                    self.target.ledger.remove_deleted(source, &[id], now, released)?;
                }
                Answer::Elsewhere { entry } => {
                    self.unanswered = 0;
                    self.done -= 1;
                    self.unknown.push(*entry);
                }
                Answer::Waits { before } => {
                    self.applied.waiting += 1;
                    unmarked.push(before);
                }
                Answer::Unseen { before, problem } => {
                    self.applied.problems.push(problem);
                    unmarked.push(before);
                }
                Answer::CannotRename { document, entry } => {
                    self.unanswered = 0;
                    self.done -= 1;
                    unmarked.push((entry.external_id.clone(), entry.doubt.clone()));
                    self.fallbacks.push((*document, *entry));
                }
                Answer::Rejected { path, mut rejection } => {
                    self.unanswered = 0;
                    rejection.rejected.at = now;
                    let failure = Failure::new("rejected", rejection.rejected.message.as_ref());
                    self.applied.failed.push((path, rejection.external_id.clone(), failure));
                    rejections.push(rejection);
                }
                Answer::Failed { path, id, error } => self.fail(&path, &id, &error),
                Answer::Panicked(message) => self.stop(Stopped::Source(format!("a request panicked: {message}"))),
            }
        }
        if !acks.is_empty() {
            self.target.ledger.acknowledge(source, &acks, now_ms)?;
        }
        if !rejections.is_empty() {
            self.target.ledger.reject(source, &rejections)?;
        }
        if !unmarked.is_empty() {
            self.target.ledger.unmark(source, &unmarked)?;
        }
        (self.target.progress)(self.done.min(self.total), self.total);
        Ok(())
    }

    /// A failure that leaves its page in doubt: it is planned again by the next cycle.
    fn fail(&mut self, path: &DocPath, id: &ExternalId, error: &RemoteError) {
        let message = error.to_string();
        match error {
            RemoteError::Unauthorized { .. } => return self.stop(Stopped::Unauthorized(message)),
            RemoteError::NotFound { .. } => return self.stop(Stopped::NotFound(message)),
            RemoteError::Refused { .. } => return self.stop(Stopped::Source(message)),
            RemoteError::Rejected { .. } | RemoteError::Transient { .. } => {}
        }
        self.unanswered += 1;
        self.applied.failed.push((path.clone(), id.clone(), Failure::new("unanswered", message.clone())));
        if self.unanswered >= UNANSWERED_IN_A_ROW {
            self.stop(Stopped::Source(format!(
                "gave up after {UNANSWERED_IN_A_ROW} pages without an answer: {message}"
            )));
        }
    }

    fn stop(&mut self, why: Stopped) {
        self.applied.stopped.get_or_insert(why);
    }

    fn stopping(&mut self) -> bool {
        if self.target.stop.is_set() {
            self.stop(Stopped::Shutdown);
        }
        self.applied.stopped.is_some()
    }
}
