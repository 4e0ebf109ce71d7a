//! What is to be done for one source, and when: pure, told of events and of the time, asked for the next piece of work.
//!
//! A source is never in two cycles at once. Documents that events name are looked at as soon as nothing runs; the whole look
//! that follows waits until it is quiet, but not for ever, and looks that events ask for leave the machine to others in
//! between. After a failure everything waits, and longer each time, but for what a person asks.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::page::DocPath;
use crate::sync::partial::MOST_DOCUMENTS;

/// How long nothing must be heard before the whole look that follows events, …
const QUIET: Duration = Duration::from_secs(1);
/// … and how long it waits for that at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// What events that name nothing are waited for, so that those that come together are one.
const TOGETHER: Duration = Duration::from_millis(200);
/// Looks that events ask for are so many times their own length apart, …
const SPACING: u32 = 4;
/// … but no more than this.
const MOST_SPACING: Duration = Duration::from_mins(1);
/// The wait after the first failure, doubled by each further one, …
const FIRST_BACKOFF: Duration = Duration::from_secs(5);
/// … up to this, or to the source's own interval where that is shorter.
const MOST_BACKOFF: Duration = Duration::from_mins(15);
/// The least time between two glances at a folder that is polled, …
const POLL: Duration = Duration::from_secs(2);
/// … which take no more than this part of the time.
const POLL_SHARE: u32 = 50;

/// Work for a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Look at these documents.
    Partial(Vec<DocPath>),
    /// Look at everything.
    Whole,
    /// See whether anything is other than it was, and no more.
    Glance,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// The source, or Intercom for it, did not do: the next look waits.
    pub(super) failed: bool,
    /// Something is left that another whole look may do.
    pub(super) left: bool,
    /// Deletes or renames wait until a look this much later agrees.
    pub(super) settles_in: Option<Duration>,
    /// The next time by the schedule, from now on.
    pub(super) next_in: Duration,
}

/// One source's events, and what became of them.
#[derive(Debug)]
pub(super) struct Agenda {
    /// No longer backoff than this.
    interval: Duration,
    running: Option<Running>,
    /// By the schedule.
    due: Instant,
    /// A whole look for another reason than the schedule.
    follow: Option<Instant>,
    /// A person, or a webhook, asked.
    asked: bool,
    paths: BTreeSet<DocPath>,
    /// The oldest event that no whole look has begun after, …
    heard: Option<Instant>,
    /// … and the newest of all.
    newest: Option<Instant>,
    /// The oldest change that is not known to be acknowledged.
    pending: Option<Instant>,
    backoff: Option<Instant>,
    failures: u32,
    /// The end of the last whole look, and how long it took.
    last: Option<(Instant, Duration)>,
    /// The next glance, where the folder is polled.
    glance: Option<Instant>,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    is_whole: bool,
    is_glance: bool,
    /// By the schedule alone: nothing told of a change.
    is_unprompted: bool,
}

/// What the end of a piece of work tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct After {
    /// How long the oldest change that is acknowledged now had been known.
    pub(super) waited: Option<Duration>,
    /// Nothing had told of a change when this look began, and none was heard of while it ran.
    pub(super) is_unprompted: bool,
}

impl Agenda {
    /// Begins with a whole look, at once.
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            running: None,
            due: now,
            follow: None,
            asked: false,
            paths: BTreeSet::new(),
            heard: None,
            newest: None,
            pending: None,
            backoff: None,
            failures: 0,
            last: None,
            glance: None,
        }
    }

    /// These documents may be others now; none: nobody knows which.
    pub(super) fn hear(&mut self, paths: Vec<DocPath>, now: Instant) {
        let first = *self.heard.get_or_insert(now);
        self.pending.get_or_insert(now);
        self.newest = Some(now);
        let is_vague = paths.is_empty();
        if !is_vague && !self.is_burst() {
            self.paths.extend(paths);
        }
        let quiet = if is_vague && self.paths.is_empty() { TOGETHER } else { QUIET };
        let spaced = self.last.map(|(ended, took)| ended + (took * SPACING).min(MOST_SPACING));
        let wanted = (now + quiet).min(first + PATIENCE);
        let follow = spaced.map_or(wanted, |spaced| wanted.max(spaced));
        // What is due already stays so, or an endless stream would put it off for ever.
        self.follow = Some(match self.follow {
            Some(before) if before <= now => before,
            Some(before) if is_vague => before.min(follow),
            _ => follow,
        });
        if is_vague {
            self.paths.clear();
        }
    }

    /// Somebody asks for a look now.
    pub(super) fn ask(&mut self) {
        self.asked = true;
    }

    /// Begins or ends polling.
    pub(super) fn poll(&mut self, is_polled: bool, now: Instant) {
        match (is_polled, self.glance) {
            (true, None) => self.glance = Some(now + POLL),
            (false, Some(_)) => self.glance = None,
            _ => {}
        }
    }

    /// Whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none()
    }

    /// The next piece of work, begun now; `None`: there is none yet.
    pub(super) fn next(&mut self, is_wished: bool, now: Instant) -> Option<Work> {
        if self.running.is_some() {
            return None;
        }
        let is_backing_off = self.backoff.is_some_and(|until| until > now);
        let is_due = self.due <= now || self.follow.is_some_and(|at| at <= now);
        let work = if is_wished || self.asked || (is_due && !is_backing_off) {
            Work::Whole
        } else if is_backing_off {
            return None;
        } else if !self.paths.is_empty() && !self.is_burst() {
            Work::Partial(std::mem::take(&mut self.paths).into_iter().collect())
        } else if self.glance.is_some_and(|at| at <= now) {
            Work::Glance
        } else {
            return None;
        };
        let is_unprompted = self.heard.is_none() && self.follow.is_none() && !self.asked && !is_wished;
        let is_whole = work == Work::Whole;
        self.running = Some(Running { since: now, is_whole, is_glance: work == Work::Glance, is_unprompted });
        if is_whole {
            self.paths.clear();
            self.heard = None;
            self.follow = None;
            self.asked = false;
        }
        Some(work)
    }

    /// The time at which [`Self::next`] may have something new, without another event.
    pub(super) fn wakes(&self) -> Option<Instant> {
        if self.running.is_some() {
            return None;
        }
        let next = self.follow.map_or(self.due, |follow| follow.min(self.due));
        let next = self.glance.map_or(next, |glance| glance.min(next));
        Some(self.backoff.map_or(next, |backoff| next.max(backoff)))
    }

    /// The work ended.
    pub(super) fn ended(&mut self, how: Ended, now: Instant) -> After {
        let Some(Running { since, is_whole, is_glance, is_unprompted }) = self.running.take() else {
            return After::default();
        };
        let took = now.saturating_duration_since(since);
        if is_glance {
            self.glance = Some(now + (took * POLL_SHARE).clamp(POLL, MOST_SPACING));
            return After::default();
        }
        if is_whole {
            self.last = Some((now, took));
            self.due = now + how.next_in;
        }
        if how.failed {
            self.failures = self.failures.saturating_add(1);
            let doubled = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1)));
            let until = now + doubled.min(MOST_BACKOFF).min(self.interval.max(FIRST_BACKOFF));
            self.backoff = Some(until);
            self.follow = Some(until);
            self.paths.clear();
            return After::default();
        }
        if is_whole {
            self.failures = 0;
            self.backoff = None;
        }
        let again = how.settles_in.map(|settle| now + settle).into_iter().chain(how.left.then_some(now + QUIET)).min();
        if let Some(again) = again {
            self.follow = Some(self.follow.map_or(again, |follow| follow.min(again)));
        }
        let is_unprompted = is_unprompted && self.heard.is_none();
        // What was heard of while it ran is for the next one.
        let is_current = self.newest.is_none_or(|newest| newest <= since);
        if how.left || (is_whole && how.settles_in.is_some()) {
            return After { waited: None, is_unprompted };
        }
        let waited = self.pending.filter(|pending| *pending <= since).map(|pending| now - pending);
        self.pending = if is_current { None } else { Some(since) };
        After { waited, is_unprompted }
    }

    /// Since when a change is known that is not known to be acknowledged.
    pub(super) fn pending(&self) -> Option<Instant> {
        self.pending
    }

    /// How many cycles failed one after the other, and until when the next one waits.
    pub(super) fn backoff(&self) -> (u32, Option<Instant>) {
        (self.failures, self.backoff.filter(|_| self.failures > 0))
    }

    fn is_burst(&self) -> bool {
        self.paths.len() > MOST_DOCUMENTS
    }
}

#[cfg(test)]
mod tests;
