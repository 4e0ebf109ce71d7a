//! What may be deleted and renamed, and what must wait: the limits of I3, confirmation, settling.

use std::collections::{HashMap, HashSet};
use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Complete, Input, Observed, Outline, Plan, Policy, State, Step, Wait};
use crate::page::{Entry, ExternalId, Missed, SourceHash};

/// Why a page is to leave Fin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone<'a> {
    /// The scan saw everything, and not this document.
    Vanished,
    /// The configuration's patterns leave it out now.
    ByConfiguration,
    /// Its front matter, the site, or the choice of languages and versions leaves it out: the reason.
    ByAuthor(&'a str),
    /// Its publish date lies ahead.
    NotYet,
    /// Its expiry date has passed.
    Expired,
    /// Its document has another id now.
    OtherId(&'a ExternalId),
    /// It is of a part that its document has no more.
    NoPart,
    /// The website's list names it no more, and the website still has it.
    Delisted,
}

/// The deletes that wait for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSet {
    /// A hash of the set: another set has another id, so that a release can only mean the set that was shown.
    pub id: String,
    /// How many.
    pub count: u64,
    /// Which limit, in words.
    pub why: String,
}

/// Decides about the documents that are new and the entries that have none: renames, creates, deletes, holds.
pub(super) fn settle<'a>(
    plan: &mut Plan<'a>,
    input: Input<'a>,
    policy: &Policy,
    now: Timestamp,
    fresh: Vec<(&'a Observed, &'a Outline)>,
    absent: Vec<&'a Entry>,
    conflicts: bool,
) {
    let Some(complete) = input.complete() else {
        plan.steps.extend(fresh.into_iter().map(|(document, page)| Step::Create { document, page }));
        return;
    };
    let mut vanished = Vec::new();
    let failing: HashSet<SourceHash> = plan.failed.iter().filter_map(|failed| failed.document.source_hash).collect();
    let moved_and_fails = |entry: &Entry| {
        let had = entry.acknowledged.as_ref().and_then(|had| had.source_hash);
        let is_part = entry.external_id.as_str().contains('#');
        let has_part = |hash| is_part && failing.iter().any(|document| document.of_part(&entry.external_id) == hash);
        had.is_some_and(|hash| failing.contains(&hash) || has_part(hash))
    };
    for entry in absent {
        match complete.gone(entry, now.as_second()) {
            None => plan.found(Some(entry)),
            // Its very bytes are there under another name, and cannot be sent: what Fin has stays (I2).
            Some(Gone::Vanished) if moved_and_fails(entry) => {}
            // Its document is there, and cannot be sent under its new id: what Fin has stays (I2).
            Some(Gone::OtherId(id)) if plan.failed.iter().any(|failed| failed.document.external_id == *id) => {}
            // What it said is to be in other pages of its document, and one of them cannot be sent.
            Some(Gone::NoPart) if plan.failed.iter().any(|failed| failed.document.path == entry.path) => {}
            Some(_) if !entry.may_exist() => plan.dropped.push(entry),
            Some(gone) => vanished.push((entry, gone)),
        }
    }
    let moved = pair_renames(&fresh, &vanished);
    plan.steps.reserve_exact(fresh.len() + vanished.len());
    for (document, page) in fresh {
        let Some(&entry) = moved.get(&document.external_id) else {
            plan.steps.push(Step::Create { document, page });
            continue;
        };
        match wait_for(plan, entry, policy, now.as_millisecond()) {
            None => plan.steps.push(Step::Rename { document, page, entry }),
            Some(wait) => plan.steps.push(Step::HoldNew { document, page, wait }),
        }
    }
    let renamed: HashSet<&ExternalId> = moved.into_values().map(|entry| &entry.external_id).collect();
    let unread = complete.has_new_unread();
    let mut due = Vec::new();
    for (entry, gone) in vanished {
        if renamed.contains(&entry.external_id) {
            continue;
        }
        match wait_for(plan, entry, policy, now.as_millisecond()) {
            Some(wait) => plan.steps.push(Step::HoldDelete { entry, gone, wait }),
            None if conflicts => plan.steps.push(Step::HoldDelete { entry, gone, wait: Wait::Conflict }),
            None if gone == Gone::Vanished && unread => {
                plan.steps.push(Step::HoldDelete { entry, gone, wait: Wait::Unread });
            }
            None => due.push((entry, gone)),
        }
    }
    complete.limit(plan, policy, due);
}

impl<'a> Complete<'a> {
    /// Why an entry without a page in this scan is gone; `None`: its document is there, and what Fin has stays.
    fn gone(self, entry: &Entry, now: i64) -> Option<Gone<'a>> {
        let Some(document) = self.0.document_at(&entry.path) else {
            return Some(if self.0.patterns.excludes(&entry.path) {
                Gone::ByConfiguration
            } else if self.0.delisted.binary_search(&entry.path).is_ok() {
                Gone::Delisted
            } else {
                Gone::Vanished
            });
        };
        match &document.state {
            State::Failed(_) => None,
            State::Excluded(reason) => Some(Gone::ByAuthor(reason)),
            State::Page(_) if is_part(&entry.external_id, &document.external_id) => Some(Gone::NoPart),
            State::Page(_) if document.external_id != entry.external_id => Some(Gone::OtherId(&document.external_id)),
            State::Page(page) if page.not_before.is_some_and(|t| now < t) => Some(Gone::NotYet),
            State::Page(_) => Some(Gone::Expired),
        }
    }

    /// Whether a document that Fin has nothing of cannot be read: it may be a vanished one under another name, and Fin
    /// is never to be without an answer that it had (I5).
    fn has_new_unread(self) -> bool {
        // By its id: the path of an entry may be another document's from this plan on.
        let had = |d: &Observed| self.0.entries.binary_search_by(|entry| entry.external_id.cmp(&d.external_id)).is_ok();
        let unread = |d: &&Observed| matches!(&d.state, State::Failed(f) if f.code == "unreadable");
        self.0.documents.iter().filter(unread).any(|document| !had(document))
    }

    /// How many pages Fin had when the first of these documents went missing: pages that are made meanwhile, by a folder
    /// that is another one by mistake for instance, do not make a held set small (I3).
    fn pages_before(self, due: &[(&Entry, Gone<'_>)]) -> u64 {
        let since = due.iter().filter_map(|(entry, _)| entry.missed).map(|missed| missed.since_ms).min();
        let before =
            |entry: &&Entry| since.is_none_or(|since| entry.created_at_ms.is_some_and(|created| created < since));
        let others = self.0.entries.iter().filter(|entry| entry.may_exist()).filter(before);
        let due: HashSet<&ExternalId> = due.iter().map(|(entry, _)| &entry.external_id).collect();
        others.filter(|entry| !due.contains(&entry.external_id)).count() as u64 + due.len() as u64
    }

    /// Deletes what is due, or holds all of it (I3). What a website still has is held by itself, unless the policy says
    /// otherwise; a person releases both together.
    fn limit(self, plan: &mut Plan<'a>, policy: &Policy, due: Vec<(&'a Entry, Gone<'a>)>) {
        let is_delisted = |(_, gone): &(&Entry, Gone<'_>)| *gone == Gone::Delisted && !policy.deletes_delisted;
        let (delisted, gone): (Vec<_>, Vec<_>) = due.into_iter().partition(is_delisted);
        let why = over_limit(policy, self.pages_before(&gone), gone.len() as u64, self.0.recent_deletes);
        let (mut waits, mut goes) = (Vec::new(), Vec::new());
        if why.is_some() {
            waits.extend_from_slice(&gone);
        } else {
            goes.extend_from_slice(&gone);
        }
        waits.extend_from_slice(&delisted);
        let still = (!delisted.is_empty()).then(|| still_there(delisted.len()));
        let whys: Vec<String> = [why, still].into_iter().flatten().collect();
        let set = HeldSet { id: set_id(&waits), count: waits.len() as u64, why: whys.join("; and ") };
        plan.released = !waits.is_empty() && self.0.release == Some(set.id.as_str());
        if plan.released {
            goes.append(&mut waits);
        } else if !waits.is_empty() {
            plan.held = Some(set);
        }
        plan.steps.extend(goes.into_iter().map(|(entry, gone)| Step::Delete { entry, gone }));
        plan.steps.extend(waits.into_iter().map(|(entry, gone)| {
            let wait = if is_delisted(&(entry, gone)) { Wait::Delisted } else { Wait::Limit };
            Step::HoldDelete { entry, gone, wait }
        }));
    }
}

/// Why pages wait that a website's list names no more.
fn still_there(count: usize) -> String {
    let pages = if count == 1 { "1 page is".to_owned() } else { format!("{count} pages are") };
    format!(
        "{pages} not in the website's list any more, and still there: set `deletes.delisted: delete` if that is meant"
    )
}

/// Whether an id is that of a part of a document.
fn is_part(id: &ExternalId, document: &ExternalId) -> bool {
    id.as_str().strip_prefix(document.as_str()).is_some_and(|rest| rest.starts_with('#'))
}

/// Which limit the deletes pass, in words; `recent` are those of the past 24 hours.
fn over_limit(policy: &Policy, in_fin: u64, now: u64, recent: u64) -> Option<String> {
    if now == 0 {
        return None;
    }
    let (deletes, pages) = (now + recent, in_fin + recent);
    let so_far = if recent > 0 { format!(" ({recent} of them in the past 24 hours)") } else { String::new() };
    if now == in_fin {
        return Some(if in_fin == 1 {
            "it is the last page that Fin had of this source".into()
        } else {
            format!("all {in_fin} pages that Fin had of this source would go")
        });
    }
    if deletes >= 2 && deletes * 2 > pages {
        return Some(format!("{deletes} of {pages} pages{so_far} are more than half"));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of pages stay far below 2^52")]
    let over_percent = deletes as f64 * 100.0 > pages as f64 * policy.max_percent;
    (over_percent && deletes > policy.max_pages).then(|| {
        format!(
            "{deletes} of {pages} pages{so_far} are more than {} % and more than {}",
            policy.max_percent, policy.max_pages
        )
    })
}

/// Counts this scan for a missing document, and says what its delete or rename still waits for.
fn wait_for<'a>(plan: &mut Plan<'a>, entry: &'a Entry, policy: &Policy, now_ms: i64) -> Option<Wait> {
    let ms = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    let missed = match entry.missed {
        None => Missed { since_ms: now_ms, scans: 1, counted_at_ms: now_ms },
        Some(m) if now_ms.saturating_sub(m.counted_at_ms) >= ms(policy.interval) => {
            Missed { scans: m.scans.saturating_add(1), counted_at_ms: now_ms, ..m }
        }
        Some(m) => m,
    };
    if entry.missed != Some(missed) {
        plan.missed.push((entry, Some(missed)));
    }
    if missed.scans < policy.confirm_scans {
        return Some(Wait::Scans { seen: missed.scans, wanted: policy.confirm_scans });
    }
    (now_ms.saturating_sub(missed.since_ms) < ms(policy.settle)).then_some(Wait::Settle)
}

/// Pairs exactly one new document with exactly one vanished entry of the same bytes: by new id, the old entry.
fn pair_renames<'a>(
    fresh: &[(&'a Observed, &'a Outline)],
    vanished: &[(&'a Entry, Gone<'a>)],
) -> HashMap<&'a ExternalId, &'a Entry> {
    let mut old: HashMap<SourceHash, Option<&'a Entry>> = HashMap::new();
    for (entry, _) in vanished {
        if let (Some(had), Some(_)) = (&entry.acknowledged, &entry.page_id)
            && let Some(hash) = had.source_hash
        {
            old.entry(hash).and_modify(|several| *several = None).or_insert(Some(entry));
        }
    }
    let mut new: HashMap<SourceHash, Option<&'a Observed>> = HashMap::new();
    for (document, _) in fresh {
        if let Some(hash) = document.source_hash.filter(|hash| old.contains_key(hash)) {
            new.entry(hash).and_modify(|several| *several = None).or_insert(Some(document));
        }
    }
    let unique = new.into_iter().filter_map(|(hash, document)| Some((hash, document?)));
    unique.filter_map(|(hash, document)| Some((&document.external_id, (*old.get(&hash)?)?))).collect()
}

/// The first 8 hexadecimal digits of a hash of the set's external ids.
fn set_id(due: &[(&Entry, Gone<'_>)]) -> String {
    let mut ids: Vec<&str> = due.iter().map(|(entry, _)| entry.external_id.as_str()).collect();
    ids.sort_unstable();
    let mut hash = Sha256::new();
    for id in ids {
        hash.update((id.len() as u64).to_le_bytes());
        hash.update(id);
    }
    base16ct::lower::encode_string(&hash.finalize()[..4])
}

impl fmt::Display for Gone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vanished => f.write_str("vanished"),
            Self::ByConfiguration => f.write_str("excluded by configuration"),
            Self::ByAuthor(reason) => write!(f, "excluded: {reason}"),
            Self::NotYet => f.write_str("its publish date lies ahead"),
            Self::Expired => f.write_str("expired"),
            Self::OtherId(id) => write!(f, "its id is `{id}` now"),
            Self::Delisted => f.write_str("in the website's list no more"),
            Self::NoPart => f.write_str("its document has no such part any more"),
        }
    }
}
