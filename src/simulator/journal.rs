//! What was asked and what came of it: the counts by call and status, and the journal of the last requests.
//!
//! Bounded: the oldest entries make room for new ones. Holds no html and no token.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::call::Route;
use crate::remote::CallCount;

/// How many requests are remembered.
pub(super) const KEPT: usize = 100_000;

/// One request, in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The position since the start, from 1.
    pub seq: u64,
    /// When it came, in unix microseconds.
    pub at_us: i64,
    /// The HTTP method; the in-process door writes the one that it stands for.
    pub method: &'static str,
    /// The path, without the query.
    pub path: Box<str>,
    /// The page's external id, where the request or its answer names one.
    pub external_id: Option<Box<str>>,
    /// What the answer's status was, or would have been if it had not been lost; none if nothing was done.
    pub status: Option<u16>,
    /// The fault that it met.
    pub fault: Option<&'static str>,
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// All requests.
    pub requests: u64,
    /// By call (`POST /ai/external_pages`), then by status; `dropped` where nothing was done.
    pub calls: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// How many answers had a status, over all calls.
    #[must_use]
    pub fn with_status(&self, status: u16) -> u64 {
        let status = status.to_string();
        self.calls.values().filter_map(|by_status| by_status.get(&status)).sum()
    }
}

#[derive(Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
    written: u64,
    counts: BTreeMap<(Route, Option<u16>), u64>,
}

impl Journal {
    pub(super) fn write(&mut self, route: Route, mut entry: Entry) {
        self.written += 1;
        entry.seq = self.written;
        *self.counts.entry((route, entry.status)).or_default() += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The entries after a position, at most so many.
    pub(super) fn after(&self, seq: u64, limit: usize) -> Vec<Entry> {
        let first = self.entries.front().map_or(1, |entry| entry.seq);
        let skip = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip).take(limit).cloned().collect()
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The counts, as everybody who speaks to Intercom has them.
    pub(super) fn calls(&self) -> Vec<CallCount> {
        let count = |(&(route, status), &count): (&(Route, Option<u16>), &u64)| {
            let (method, route) = route.template().split_once(' ').unwrap_or(("other", route.template()));
            CallCount { method, route, status, count }
        };
        self.counts.iter().map(count).collect()
    }

    pub(super) fn stats(&self, faults: BTreeMap<&'static str, u64>) -> Stats {
        let mut stats = Stats { requests: self.written, faults, ..Stats::default() };
        for ((route, status), count) in &self.counts {
            let answer = status.map_or_else(|| "dropped".to_owned(), |status| status.to_string());
            stats.calls.entry(route.template()).or_default().insert(answer, *count);
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(status: Option<u16>) -> Entry {
        Entry { seq: 0, at_us: 5, method: "GET", path: "/events".into(), external_id: None, status, fault: None }
    }

    #[test]
    fn the_oldest_entries_make_room_and_positions_stay() {
        let mut journal = Journal::default();
        for _ in 0..KEPT + 10 {
            journal.write(Route::ListEvents, entry(Some(200)));
        }
        let first = journal.after(0, 2);
        assert_eq!(first.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [11, 12]);
        assert_eq!(journal.after(KEPT as u64 + 9, 10).len(), 1);
        assert!(journal.after(u64::MAX, 10).is_empty());
    }

    #[test]
    fn counts_go_by_call_and_status() {
        let mut journal = Journal::default();
        journal.write(Route::ListEvents, entry(Some(200)));
        journal.write(Route::ListEvents, entry(None));
        journal.write(Route::Page, entry(Some(404)));
        let stats = journal.stats(BTreeMap::new());
        assert_eq!(stats.requests, 3);
        assert_eq!(stats.calls["GET /events"]["200"], 1);
        assert_eq!(stats.calls["GET /events"]["dropped"], 1);
        assert_eq!(stats.with_status(404), 1);
    }
}
