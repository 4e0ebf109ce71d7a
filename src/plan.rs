//! Planning: (documents, entries, policy, now) → steps. Pure, and the only place that decides.
//!
//! A plan is data: [`Plan`]'s `Display` is what `finmirror plan` prints, and tests compare it. It keeps I2 (deletes and
//! renames come from a complete scan by type), I3 (the limits), I5 (one step for each id, upserts first) and I6
//! (two claims on one id or url: neither is sent).

mod deletes;
mod display;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

pub use deletes::{Gone, HeldSet};
pub use display::Plain;

use crate::page::{BodyHash, ContentHash, DocPath, Entry, ExternalId, Failure, Missed, Problem, SourceHash};

/// A page that Intercom refused is tried again after this long, whatever its content.
const REJECTED_RETRY_S: i64 = 24 * 60 * 60;

/// What the configuration says of deletes.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// More than this part of the source's pages, in percent, …
    pub max_percent: f64,
    /// … and more than this many: held.
    pub max_pages: u64,
    /// Complete scans, an interval apart, that must have missed a document before its page is deleted.
    pub confirm_scans: u32,
    /// The least time between scans that count for `confirm_scans`.
    pub interval: Duration,
    /// How long two complete scans must agree before the daemon deletes or renames; zero for `--once`.
    pub settle: Duration,
    /// Whether pages that a website's list names no more are deleted though the website still has them.
    pub deletes_delisted: bool,
}

/// A document of this scan, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its place.
    pub path: DocPath,
    /// Its name as the source spells it, where that differs.
    pub raw: Option<Box<Path>>,
    /// A page beyond the first of a document that was split: it has its document's path and an id of its own.
    pub is_part: bool,
    /// Its id, from its path or its front matter.
    pub external_id: ExternalId,
    /// What its bytes hash to; `None` where they could not be read.
    pub source_hash: Option<SourceHash>,
    /// Where the site publishes it, whether or not it can be sent.
    pub url: Option<Box<str>>,
    /// What it says of itself, as the ledger keeps it; `None`: nothing, or it could not be read.
    pub facts: Option<Box<str>>,
    /// A page, or why not.
    pub state: State,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// A page.
    Page(Outline),
    /// Its author wants no page of it: it counts as vanished.
    Excluded(Box<str>),
    /// It is there and cannot be sent: what Fin has stays (I2).
    Failed(Box<Failure>),
}

/// A rendered page without its html.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The hash of what would be sent.
    pub content_hash: ContentHash,
    /// The hash of its html alone.
    pub body: BodyHash,
    /// What it was rendered with, by the first 8 bytes of its hash.
    pub recipe: u64,
    /// Its title.
    pub title: Box<str>,
    /// The size of its html.
    pub html_bytes: u64,
    /// Unix seconds from which on it is a page.
    pub not_before: Option<i64>,
    /// Unix seconds from which on it is one no more.
    pub not_after: Option<i64>,
}

/// The configuration's patterns.
pub trait Patterns {
    /// Whether they leave a path out, whatever is there.
    fn excludes(&self, path: &DocPath) -> bool;
}

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The scan's documents, sorted by path, the parts of one after it.
    pub documents: &'a [Observed],
    /// The ledger's pages of this import source, sorted by external id.
    pub entries: &'a [Entry],
    /// What the scan could not see.
    pub problems: &'a [Problem],
    /// The documents that a website's list names no more, and that it still has; sorted.
    pub delisted: &'a [DocPath],
    /// Whether the configuration's patterns leave a path out.
    pub patterns: &'a dyn Patterns,
    /// Pages deleted in the past 24 hours that count towards the limits.
    pub recent_deletes: u64,
    /// The held set that a person has released.
    pub release: Option<&'a str>,
    /// `--full`: pages that were rejected are tried again.
    pub retry_rejected: bool,
}

/// One thing to do for one page.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<'a> {
    /// Intercom has no page for it.
    Create {
        /// The document.
        document: &'a Observed,
        /// The page that it renders to.
        page: &'a Outline,
    },
    /// Intercom has another page than this.
    Update {
        /// The document.
        document: &'a Observed,
        /// The page that it renders to.
        page: &'a Outline,
        /// What Intercom has.
        entry: &'a Entry,
        /// Why: `content`, `links`, `title`, `url`, `renderer`, `availability`, `in doubt`, joined by commas.
        reason: String,
    },
    /// The same bytes under another id: the page keeps Intercom's id.
    Rename {
        /// The document under its new id.
        document: &'a Observed,
        /// The page that it renders to.
        page: &'a Outline,
        /// What Intercom has under the old id.
        entry: &'a Entry,
    },
    /// Its document is gone, or is no page any more.
    Delete {
        /// What Intercom has.
        entry: &'a Entry,
        /// Why.
        gone: Gone<'a>,
    },
    /// A delete that waits.
    HoldDelete {
        /// What Intercom has.
        entry: &'a Entry,
        /// Why it would be deleted.
        gone: Gone<'a>,
        /// Why it is not.
        wait: Wait,
    },
    /// A new document that waits, for it may be the new name of one that is missing.
    HoldNew {
        /// The document.
        document: &'a Observed,
        /// The page that it renders to.
        page: &'a Outline,
        /// Until when.
        wait: Wait,
    },
}

/// What a held step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A person: the limits on deletes (I3). Changes the exit status.
    Limit,
    /// More complete scans without the document.
    Scans {
        /// How many have counted.
        seen: u32,
        /// How many are wanted.
        wanted: u32,
    },
    /// A second complete scan that agrees.
    Settle,
    /// Documents that claim one id or one url (I6).
    Conflict,
    /// A new document that cannot be read: it may be this one under another name.
    Unread,
    /// A person: the website's list names it no more, and the website still has it. Changes the exit status.
    Delisted,
}

/// A page that cannot be sent, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PageFailure<'a> {
    /// The document.
    pub document: &'a Observed,
    /// Why.
    pub failure: Failure,
}

/// What one cycle is to do, and what it leaves alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan<'a> {
    /// Renames, creates and updates by external id; then deletes; then what is held.
    pub steps: Vec<Step<'a>>,
    /// Pages that Intercom has as they are.
    pub unchanged: u64,
    /// Documents that fail, and pages that Intercom has rejected.
    pub failed: Vec<PageFailure<'a>>,
    /// What the scan could not see: deletes are blocked.
    pub problems: &'a [Problem],
    /// The set of deletes that waits for a person.
    pub held: Option<HeldSet>,
    /// A person has released the deletes of this plan: they do not count towards later limits.
    pub released: bool,
    /// Pages that Intercom has as they are, of documents whose bytes are others: the ledger is to know the present ones,
    /// by which a rename is told.
    pub same: Vec<(&'a Entry, SourceHash)>,
    /// Changes to [`Entry::missed`].
    pub missed: Vec<(&'a Entry, Option<Missed>)>,
    /// Entries of which Intercom holds nothing, whose documents are gone.
    pub dropped: Vec<&'a Entry>,
}

impl<'a> Plan<'a> {
    /// Its document is there: what counted as missed counts no more.
    fn found(&mut self, entry: Option<&'a Entry>) {
        self.missed.extend(entry.filter(|entry| entry.missed.is_some()).map(|entry| (entry, None)));
    }

    /// Whether there is anything to send.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::HoldDelete { .. } | Step::HoldNew { .. }))
    }
}

/// The witness that a scan saw everything: only its holder can plan deletes and renames (I2).
#[derive(Clone, Copy)]
struct Complete<'a>(Input<'a>);

impl<'a> Input<'a> {
    fn complete(self) -> Option<Complete<'a>> {
        self.problems.is_empty().then_some(Complete(self))
    }

    /// The document at a path, its own page and no part of it; of two that differ only by normalisation, the first.
    fn document_at(&self, path: &DocPath) -> Option<&'a Observed> {
        let at = self.documents.partition_point(|document| document.path < *path);
        self.documents.get(at).filter(|document| document.path == *path)
    }
}

/// Decides what to do.
#[must_use]
pub fn plan<'a>(input: Input<'a>, policy: &Policy, now: Timestamp) -> Plan<'a> {
    let (at, now) = (now, now.as_second());
    let mut plan = Plan { problems: input.problems, ..Plan::default() };
    let claims = Claims::of(input, now);
    let mut fresh = Vec::new();
    let mut absent = Vec::new();

    let mut entries = input.entries.iter().peekable();
    for claim in &claims.by_id {
        while let Some(entry) = entries.next_if(|e| e.external_id < *claim.external_id) {
            absent.push(entry);
        }
        let entry = entries.next_if(|e| e.external_id == *claim.external_id);
        match claim.page {
            Some(page) if !claim.conflict => {
                if let Some(entry) = entry {
                    revisit(&mut plan, input, claim.document, page, entry, now);
                } else {
                    fresh.push((claim.document, page));
                }
            }
            // Claimed twice: what Fin has stays.
            Some(_) => plan.found(entry),
            None => match (&claim.document.state, entry) {
                (State::Excluded(_) | State::Page(_), Some(entry)) => absent.push(entry),
                // Failed: what Fin has stays.
                _ => plan.found(entry),
            },
        }
    }
    absent.extend(entries);
    plan.failed.extend(claims.failures());
    deletes::settle(&mut plan, input, policy, at, fresh, absent, claims.conflicts);
    plan.failed.sort_by(|a, b| a.document.path.cmp(&b.document.path));
    plan.steps.sort_by(|a, b| a.order().cmp(&b.order()));
    plan
}

/// What to do about a page whose document is there.
fn revisit<'a>(
    plan: &mut Plan<'a>,
    input: Input<'a>,
    document: &'a Observed,
    page: &'a Outline,
    entry: &'a Entry,
    now: i64,
) {
    plan.found(Some(entry));
    if let Some(rejected) = &entry.rejected
        && rejected.content_hash == page.content_hash
        && !input.retry_rejected
        && now - rejected.at < REJECTED_RETRY_S
    {
        plan.failed.push(PageFailure { document, failure: Failure::new("rejected", rejected.message.as_ref()) });
        return;
    }
    if entry.page_id.is_none() && entry.doubt.is_none() {
        plan.steps.push(Step::Create { document, page });
        return;
    }
    match why_update(document, page, entry) {
        None => {
            plan.unchanged += 1;
            let had = entry.acknowledged.as_ref().and_then(|had| had.source_hash);
            plan.same.extend(document.source_hash.filter(|now| had != Some(*now)).map(|now| (entry, now)));
        }
        Some(reason) => plan.steps.push(Step::Update { document, page, entry, reason }),
    }
}

fn why_update(document: &Observed, page: &Outline, entry: &Entry) -> Option<String> {
    if entry.doubt.is_some() {
        return Some("in doubt".into());
    }
    let Some(had) = &entry.acknowledged else { return Some("not acknowledged".into()) };
    if had.content_hash == page.content_hash {
        return None;
    }
    let mut reasons = Vec::new();
    if had.body != page.body {
        let same_source = had.source_hash.is_some() && had.source_hash == document.source_hash;
        reasons.push(match (same_source, had.recipe == page.recipe) {
            (false, _) => "content",
            (true, true) => "links",
            (true, false) => "renderer",
        });
    }
    if had.title != page.title {
        reasons.push("title");
    }
    if had.url != document.url {
        reasons.push("url");
    }
    if reasons.is_empty() {
        reasons.push("availability");
    }
    Some(reasons.join(", "))
}

/// One document's claim on an external id.
struct Claim<'a> {
    external_id: &'a ExternalId,
    document: &'a Observed,
    /// `None`: it is no page, or none now.
    page: Option<&'a Outline>,
    /// Somebody else claims the same id or url.
    conflict: bool,
}

/// Who claims which id and url.
struct Claims<'a> {
    /// One claim for each external id, sorted by it: of several, a page's.
    by_id: Vec<Claim<'a>>,
    /// The failures of those who lost their page to a conflict, and of documents that fail by themselves.
    failures: Vec<PageFailure<'a>>,
    /// Whether any two documents are in conflict: deletes wait.
    conflicts: bool,
}

impl<'a> Claims<'a> {
    fn of(input: Input<'a>, now: i64) -> Self {
        let mut all: Vec<Claim<'a>> = input
            .documents
            .iter()
            .map(|document| {
                let page = match &document.state {
                    State::Page(page) if in_time(page, now) => Some(page),
                    _ => None,
                };
                Claim { external_id: &document.external_id, document, page, conflict: false }
            })
            .collect();
        // Pages first among equals, so that a draft beside a page of the same id changes nothing.
        all.sort_by(|a, b| a.external_id.cmp(b.external_id).then(b.page.is_some().cmp(&a.page.is_some())));
        let mut claims = Self { by_id: Vec::new(), failures: Vec::new(), conflicts: false };
        // The parts of a document fail with it: that is said once.
        for document in input.documents.iter().filter(|document| !document.is_part) {
            if let State::Failed(failure) = &document.state {
                claims.failures.push(PageFailure { document, failure: (**failure).clone() });
            }
        }
        claims.refuse_shared_ids(&mut all);
        claims.refuse_shared_urls(&mut all);
        // With a document that is not sent its parts stay as they are.
        let refused: HashSet<&DocPath> = all
            .iter()
            .filter(|claim| claim.conflict && !claim.document.is_part)
            .map(|claim| &claim.document.path)
            .collect();
        for claim in all.iter_mut().filter(|claim| claim.document.is_part) {
            claim.conflict |= refused.contains(&claim.document.path);
        }
        all.dedup_by(|later, first| later.external_id == first.external_id);
        claims.by_id = all;
        claims
    }

    fn refuse_shared_ids(&mut self, all: &mut [Claim<'a>]) {
        for group in all.chunk_by_mut(|a, b| a.external_id == b.external_id) {
            let pages = group.iter().filter(|claim| claim.page.is_some()).count();
            if pages < 2 {
                continue;
            }
            let others: Vec<&DocPath> = group[..pages].iter().map(|c| &c.document.path).collect();
            for (at, claim) in group[..pages].iter().enumerate() {
                let other = others[usize::from(at == 0)];
                let message = format!(
                    "`{other}` has the external id `{}` as well: neither is sent; give one of them another `id`",
                    claim.external_id
                );
                self.failures
                    .push(PageFailure { document: claim.document, failure: Failure::new("duplicate_id", message) });
            }
            for claim in group.iter_mut() {
                claim.conflict = true;
            }
            self.conflicts = true;
        }
    }

    fn refuse_shared_urls(&mut self, all: &mut [Claim<'a>]) {
        let mut first_with: HashMap<&str, usize> = HashMap::with_capacity(all.len());
        for at in 0..all.len() {
            let Some(url) = all[at].page.and(all[at].document.url.as_deref()) else { continue };
            let first = *first_with.entry(url).or_insert(at);
            if first == at || all[first].external_id == all[at].external_id {
                continue;
            }
            for (one, other) in [(first, at), (at, first)] {
                if !all[one].conflict {
                    let message = format!(
                        "`{}` has the url `{url}` as well: neither is sent; give one of them another `slug` or `url`",
                        all[other].document.path
                    );
                    self.failures.push(PageFailure {
                        document: all[one].document,
                        failure: Failure::new("duplicate_url", message),
                    });
                    all[one].conflict = true;
                }
            }
            self.conflicts = true;
        }
    }

    fn failures(&self) -> impl Iterator<Item = PageFailure<'a>> {
        self.failures.clone().into_iter()
    }
}

/// Whether a page's own dates want it in Fin now.
fn in_time(page: &Outline, now: i64) -> bool {
    page.not_before.is_none_or(|t| t <= now) && page.not_after.is_none_or(|t| now < t)
}

impl<'a> Step<'a> {
    /// The id that the step is about; for a rename the new one.
    #[must_use]
    pub fn external_id(&self) -> &'a ExternalId {
        match *self {
            Self::Create { document, .. }
            | Self::Update { document, .. }
            | Self::Rename { document, .. }
            | Self::HoldNew { document, .. } => &document.external_id,
            Self::Delete { entry, .. } | Self::HoldDelete { entry, .. } => &entry.external_id,
        }
    }

    /// Upserts before deletes (I5), what is held last, each by its id. Renames stand with the upserts.
    fn order(&self) -> (u8, &'a ExternalId) {
        let rank = match self {
            Self::Create { .. } | Self::Update { .. } | Self::Rename { .. } => 0,
            Self::Delete { .. } => 1,
            Self::HoldDelete { .. } | Self::HoldNew { .. } => 2,
        };
        (rank, self.external_id())
    }
}
