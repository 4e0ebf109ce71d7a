//! What the daemon shows of itself: one value, replaced as a whole, that any number of others look at or wait for.
//!
//! Owns the words for a source's state, and when the daemon is ready and when not. Knows nothing of who looks. Age is told
//! by the monotonic clock: a jump of the wall clock makes nothing stale.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::page::SourceName;
use crate::report::{CycleReport, Outcome};

/// The present state, shared. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board(Arc<watch::Sender<Arc<Snapshot>>>);

/// Everything that the daemon knows of its own work at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When the process began.
    pub started_at: Timestamp,
    /// What is mirrored into: a base url, or the embedded simulator.
    pub remote: String,
    /// One for each source, in the order of the configuration.
    pub sources: Vec<SourceState>,
    /// Why the configuration's file is not what is obeyed: the last reload failed.
    pub config_error: Option<String>,
    /// It is ending: no cycle begins any more.
    pub is_draining: bool,
}

/// One source, as the daemon runs it.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// Its name.
    pub name: SourceName,
    /// `files`, `git` or `sitemap`.
    pub kind: &'static str,
    /// Its folder or url, without credentials.
    pub place: String,
    /// How long it may be without a complete cycle: its schedule's interval.
    pub interval: Duration,
    /// What is happening.
    pub phase: Phase,
    /// How changes are heard of: `native`, `poll` or `off`.
    pub watch: &'static str,
    /// Why it is not watched as it should be, and the cure.
    pub watch_note: Option<String>,
    /// The last cycle of this process, or of the one before it.
    pub last: Option<LastCycle>,
    /// When a cycle of this process last saw the source whole and could work with it.
    pub complete: Option<Moment>,
    /// When a cycle of this process last ended as converged or held.
    pub success: Option<Moment>,
    /// Since when a change is known that Intercom has not yet acknowledged.
    pub pending: Option<Moment>,
    /// Cycles that failed one after the other.
    pub failures: u32,
    /// When the next cycle is due, by the wall clock.
    pub next_at: Option<Timestamp>,
}

/// What a source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    Resting,
    /// A cycle runs.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// A cycle failed; the next one waits.
    BackingOff {
        /// Until when.
        until: Timestamp,
    },
}

/// A cycle that ended.
#[derive(Clone, Debug)]
pub struct LastCycle {
    /// When it began.
    pub started_at: Timestamp,
    /// What it came to.
    pub report: CycleReport,
}

/// A moment by both clocks: the wall's to be shown, the monotonic one to be reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the wall clock.
    pub at: Timestamp,
    /// By the monotonic clock.
    pub instant: Instant,
}

/// The state of a source in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// No cycle of this process has ended yet.
    Starting,
    /// Fin has what the source has.
    Converged,
    /// So it is, but for deletes that wait for a person.
    Held,
    /// The source could not be seen whole.
    Incomplete,
    /// Pages failed, or the source did.
    Failed,
    /// The last cycle was well, and there was none for twice the interval.
    Stale,
}

impl Board {
    /// A board that shows this.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(snapshot))))
    }

    /// What it shows.
    #[must_use]
    pub fn look(&self) -> Arc<Snapshot> {
        self.0.borrow().clone()
    }

    /// Shows something else.
    pub fn show(&self, change: impl FnOnce(&mut Snapshot)) {
        self.0.send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }

    /// Tells of each change from now on; of many in a row perhaps only the last.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.subscribe()
    }
}

impl Snapshot {
    /// Why the daemon is not ready, a sentence for each source; none: it is.
    #[must_use]
    pub fn unready(&self, now: Instant) -> Vec<String> {
        // Every configuration has one: the door is open before the loop has begun.
        if self.sources.is_empty() {
            return vec!["no source was looked at yet".to_owned()];
        }
        let reason = |source: &SourceState| {
            let name = &source.name;
            if source.complete.is_none() {
                Some(format!("`{name}` had no complete cycle yet"))
            } else if source.is_stale(now) {
                Some(format!("`{name}` had no complete cycle for twice its interval"))
            } else {
                None
            }
        };
        self.sources.iter().filter_map(reason).collect()
    }
}

impl SourceState {
    /// Whether its last complete cycle is older than twice its interval.
    #[must_use]
    pub fn is_stale(&self, now: Instant) -> bool {
        self.complete.is_some_and(|complete| now.saturating_duration_since(complete.instant) > self.interval * 2)
    }

    /// Its state in one word.
    #[must_use]
    pub fn word(&self, now: Instant) -> Word {
        // A failure that goes on says more than that it is old.
        match &self.last {
            Some(last) if self.complete.is_some() || self.failures > 0 => match last.report.outcome {
                Outcome::Incomplete => Word::Incomplete,
                Outcome::Failed => Word::Failed,
                Outcome::Converged | Outcome::Held if self.is_stale(now) => Word::Stale,
                Outcome::Converged => Word::Converged,
                Outcome::Held => Word::Held,
            },
            _ => Word::Starting,
        }
    }
}

impl Word {
    /// As it is shown and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Converged => "converged",
            Self::Held => "held",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Stale => "stale",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_mins(5);

    fn snapshot(sources: Vec<SourceState>) -> Snapshot {
        let started_at = Timestamp::UNIX_EPOCH;
        Snapshot { started_at, remote: String::new(), sources, config_error: None, is_draining: false }
    }

    fn source(outcome: Option<Outcome>, complete: Option<Instant>) -> SourceState {
        let moment = |instant| Moment { at: Timestamp::UNIX_EPOCH, instant };
        SourceState {
            name: SourceName::new("docs"),
            kind: "files",
            place: String::new(),
            interval: INTERVAL,
            phase: Phase::Resting,
            watch: "off",
            watch_note: None,
            last: outcome.map(|outcome| LastCycle {
                started_at: Timestamp::UNIX_EPOCH,
                report: CycleReport { outcome, ..CycleReport::new("docs") },
            }),
            complete: complete.map(moment),
            success: None,
            pending: None,
            failures: u32::from(outcome == Some(Outcome::Failed)),
            next_at: None,
        }
    }

    #[test]
    fn ready_is_who_has_looked_at_every_source_and_not_too_long_ago() {
        let start = Instant::now();
        let ready = |sources, now| snapshot(sources).unready(now).is_empty();
        assert!(!ready(Vec::new(), start), "before there is any source there is nothing to be ready for");
        assert!(!ready(vec![source(None, None)], start));
        let well = source(Some(Outcome::Converged), Some(start));
        assert!(ready(vec![well.clone()], start + INTERVAL * 2));
        assert!(!ready(vec![well.clone()], start + INTERVAL * 3));
        assert!(!ready(vec![well, source(Some(Outcome::Failed), None)], start));
    }

    #[test]
    fn a_failure_that_goes_on_is_called_a_failure_and_silence_is_stale() {
        let start = Instant::now();
        let later = start + INTERVAL * 3;
        for (outcome, at_once, then) in [
            (Outcome::Converged, Word::Converged, Word::Stale),
            (Outcome::Held, Word::Held, Word::Stale),
            (Outcome::Incomplete, Word::Incomplete, Word::Incomplete),
            (Outcome::Failed, Word::Failed, Word::Failed),
        ] {
            let source = source(Some(outcome), Some(start));
            assert_eq!((source.word(start), source.word(later)), (at_once, then));
        }
        assert_eq!(source(Some(Outcome::Converged), None).word(start), Word::Starting, "what another process saw");
    }
}
