//! How fast we may ask: follows the rate limit that Intercom's answers describe.
//!
//! Owns the pace of all requests of one client. Knows nothing of HTTP: what the headers said comes in as
//! [`RateHeaders`]. Keeps: requests leave evenly, at the configured share of the window and a little less, which stays
//! clear of 429 whether the window is fixed or slides; after a refusal, or when others have used the window up,
//! everybody waits and then one request alone finds out how things are.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Intercom's window (its rate limits are per minute, spread over windows of this length).
const WINDOW: Duration = Duration::from_secs(10);
/// A stated window longer than this is not believed.
const LONGEST_WINDOW: Duration = Duration::from_mins(1);
/// The part of our share that is spent: the rest absorbs what the network does to an even pace.
const SPENT: f64 = 0.98;
/// Slots missed for no longer than this part of a window are made up for; older ones are forfeited.
const CATCH_UP: u32 = 100;
/// Requests that go out before anything is known of the limit.
const FIRST: u32 = 4;
/// The first pause when hardly anything remains, as a part of a window; doubled each time it did not help.
const PAUSE: u32 = 40;
/// The least that everybody waits after a 429.
const LEAST_HOLD: Duration = Duration::from_millis(200);
/// What everybody waits after a 429 that does not say how long.
const UNSTATED_HOLD: Duration = Duration::from_secs(1);
/// Nobody waits longer than this: the call fails with the time that was asked for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an answer says of the rate limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RateHeaders {
    /// Calls in a window.
    pub(super) limit: Option<u32>,
    /// Calls left in the present window.
    pub(super) remaining: Option<u32>,
    /// The end of the window in the server's unix seconds.
    pub(super) reset: Option<i64>,
    /// The server's own clock in unix seconds: `reset` is read against it alone.
    pub(super) date: Option<i64>,
    /// `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// 429.
    pub(super) exceeded: bool,
    /// The answer would bear a limit if there were one: it was given to good credentials, by the API itself.
    pub(super) authentic: bool,
}

impl RateHeaders {
    fn until_reset(&self) -> Option<Duration> {
        let seconds = self.reset?.checked_sub(self.date?)?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }
}

/// Leave to send one request.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    sent: Instant,
    stage: u64,
    /// How many were given out up to this one.
    number: u64,
}

/// The answer to "may I send?".
#[derive(Debug)]
enum Turn {
    /// Now.
    Go(Ticket),
    /// Ask again then.
    At(Instant),
    /// Ask again when a request under way has ended.
    AfterAnswer,
    /// Not within the time that a caller waits.
    TooLong(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Unknown,
    Absent,
    Known { calls: u32, window: Duration },
}

/// The pace, as a value: every method takes the time.
#[derive(Debug)]
struct Pace {
    share: f64,
    limit: Limit,
    /// The next slot of the even pace.
    next: Option<Instant>,
    /// Nothing is sent before.
    hold: Option<Instant>,
    /// Counts holds, so that answers to requests from before one are told from those that came after.
    stage: u64,
    /// How many requests of this stage may be under way; `None` once an answer has shown that all is well.
    allowed: Option<u32>,
    /// Requests of this stage that are under way.
    open: u32,
    /// Requests of all stages, and when the first left.
    granted: u64,
    began: Option<Instant>,
    /// The pause to take when hardly anything remains.
    pause: Duration,
    /// The youngest request whose answer was heeded.
    freshest: Option<Instant>,
    /// The newest `Date` and `X-RateLimit-Reset` seen.
    date: i64,
    reset: Option<i64>,
    /// `X-RateLimit-Reset` moves with time: a sliding window, whose "reset" is no moment at which all is free again.
    slides: bool,
    /// The part of the window that the newest answer called used, and until when that is news.
    used: Option<(f64, Instant)>,
}

impl Pace {
    fn new(share: f64) -> Self {
        Self {
            share,
            limit: Limit::Unknown,
            next: None,
            hold: None,
            stage: 0,
            allowed: Some(FIRST),
            open: 0,
            granted: 0,
            began: None,
            pause: Duration::ZERO,
            freshest: None,
            date: i64::MIN,
            reset: None,
            slides: false,
            used: None,
        }
    }

    /// `true` where there is nothing to wait for, now or in turn.
    fn is_free(&self) -> bool {
        self.limit == Limit::Absent && self.allowed.is_none() && self.hold.is_none()
    }

    fn ask(&mut self, now: Instant) -> Turn {
        if let Some(until) = self.hold {
            let wait = until.saturating_duration_since(now);
            if wait > PATIENCE {
                return Turn::TooLong(wait);
            }
            if !wait.is_zero() {
                return Turn::At(until);
            }
            self.hold = None;
        }
        if self.allowed.is_some_and(|allowed| self.open >= allowed) {
            return Turn::AfterAnswer;
        }
        if let Some((interval, catch_up)) = self.interval() {
            let slot = self.next.unwrap_or(now).max(now.checked_sub(catch_up).unwrap_or(now));
            if slot > now {
                return Turn::At(slot);
            }
            self.next = Some(slot + interval);
        }
        self.open += 1;
        self.granted += 1;
        self.began.get_or_insert(now);
        Turn::Go(Ticket { sent: now, stage: self.stage, number: self.granted })
    }

    fn answered(&mut self, ticket: Ticket, now: Instant, said: &RateHeaders) {
        self.ended(ticket);
        let of_this_stage = ticket.stage == self.stage;
        let late = self.freshest.is_some_and(|freshest| ticket.sent < freshest)
            || said.reset.is_some_and(|reset| reset < self.date);
        if !late {
            self.freshest = Some(ticket.sent);
            self.learn(said);
            if let Some(limit) = said.limit {
                // A refusal need not say that nothing remains.
                let remaining = if said.exceeded { 0 } else { said.remaining.unwrap_or(limit) };
                let used = 1.0 - f64::from(remaining.min(limit)) / f64::from(limit.max(1));
                self.used = Some((used, now + said.until_reset().unwrap_or(WINDOW).min(LONGEST_WINDOW)));
            }
        }
        self.date = self.date.max(said.date.unwrap_or(i64::MIN));
        if said.exceeded {
            // One from before a hold that is over speaks of an older window.
            if of_this_stage || self.hold.is_some() {
                let asked = said.retry_after.or(said.until_reset()).unwrap_or(UNSTATED_HOLD);
                self.hold_for(now, asked.max(LEAST_HOLD), of_this_stage);
            }
            return;
        }
        if late || !of_this_stage {
            return;
        }
        match (self.limit, said.remaining) {
            (Limit::Known { calls, window }, Some(remaining)) if remaining <= self.low_water(calls, ticket) => {
                self.brake(now, window, remaining, said.until_reset());
            }
            (Limit::Unknown, _) => {}
            _ => {
                self.allowed = None;
                self.pause = Duration::ZERO;
            }
        }
    }

    /// A request came to its end, with an answer or without one.
    fn ended(&mut self, ticket: Ticket) {
        if ticket.stage == self.stage {
            self.open = self.open.saturating_sub(1);
        }
    }

    fn learn(&mut self, said: &RateHeaders) {
        if let (Some(reset), Some(before)) = (said.reset, self.reset)
            && reset != before
        {
            self.slides = reset.abs_diff(before) < WINDOW.as_secs() / 2;
        }
        self.reset = said.reset.or(self.reset);
        let Some(calls) = said.limit else {
            if self.limit == Limit::Unknown && said.authentic && !said.exceeded {
                self.limit = Limit::Absent;
            }
            return;
        };
        // Both clocks are cut to seconds, so a window of ten may seem to have two more to go.
        let stated = said.until_reset().filter(|left| *left > WINDOW + Duration::from_secs(2));
        let before = if let Limit::Known { window, .. } = self.limit { window } else { WINDOW };
        let window = stated.unwrap_or(before).max(before).min(LONGEST_WINDOW);
        let known = Limit::Known { calls: calls.max(1), window };
        if matches!(self.limit, Limit::Unknown | Limit::Absent) {
            self.limit = known;
            // The first requests were slots of the even pace as well.
            if let (Some((interval, _)), Some(began)) = (self.interval(), self.began) {
                self.next = Some(began + interval * FIRST.min(u32::try_from(self.granted).unwrap_or(FIRST)));
            }
        }
        self.limit = known;
    }

    /// No more remaining than this means that others use more than we leave them: a part of what is not ours, and of
    /// that again what left after the request that was told so.
    fn low_water(&self, calls: u32, ticket: Ticket) -> u32 {
        let room = f64::from(calls) * (1.0 - self.share * SPENT);
        let since = u32::try_from(self.granted.saturating_sub(ticket.number)).unwrap_or(u32::MAX);
        whole(room / 8.0) + since.min(whole(room / 4.0))
    }

    /// Others use the window as well: wait a little, ask with one request, wait longer if that did not help; once
    /// nothing remains, wait for the reset, unless the window slides and has none.
    fn brake(&mut self, now: Instant, window: Duration, remaining: u32, until_reset: Option<Duration>) {
        let until_reset = until_reset.unwrap_or(window).min(window + Duration::from_secs(1));
        self.pause = (self.pause * 2).clamp(window / PAUSE, window);
        let wait = if remaining == 0 && !self.slides { until_reset } else { self.pause.min(until_reset) };
        self.hold_for(now, wait.max(window / PAUSE), true);
    }

    fn hold_for(&mut self, now: Instant, wait: Duration, anew: bool) {
        let until = now + wait.min(Duration::from_hours(24));
        self.hold = Some(self.hold.map_or(until, |hold| hold.max(until)));
        if anew {
            self.stage += 1;
            self.allowed = Some(1);
            self.open = 0;
        }
    }

    /// The part of the window that is used: none of it once the window is over.
    fn used(&self, now: Instant) -> Option<f64> {
        let (used, until) = self.used?;
        Some(if now < until { used } else { 0.0 })
    }

    /// The time between two requests, and how much missed time is made up for.
    fn interval(&self) -> Option<(Duration, Duration)> {
        let Limit::Known { calls, window } = self.limit else { return None };
        Some((window.div_f64(f64::from(calls) * self.share * SPENT), window / CATCH_UP))
    }
}

/// The pace of one client, shared by all its requests.
#[derive(Debug)]
pub(super) struct Limiter {
    pace: Mutex<Pace>,
    /// First come, first served: one alone waits for the next slot, the others for it.
    turn: tokio::sync::Mutex<()>,
    news: Notify,
}

impl Limiter {
    /// `share` is the part of the window that is ours, over 0 and at most 1.
    pub(super) fn new(share: f64) -> Self {
        Self { pace: Mutex::new(Pace::new(share)), turn: tokio::sync::Mutex::new(()), news: Notify::new() }
    }

    /// Waits until a request may be sent; fails with the time to wait where that is longer than a caller should.
    ///
    /// Every wait ends: for a slot by the clock, for an answer because each request under way has its deadline.
    pub(super) async fn pass(&self) -> Result<Pass<'_>, Duration> {
        if self.pace().is_free()
            && let Turn::Go(ticket) = self.pace().ask(Instant::now())
        {
            return Ok(Pass { limiter: self, ticket: Some(ticket) });
        }
        let _turn = self.turn.lock().await;
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            let turn = self.pace().ask(Instant::now());
            match turn {
                Turn::Go(ticket) => return Ok(Pass { limiter: self, ticket: Some(ticket) }),
                Turn::At(when) => sleep_until(when).await,
                Turn::AfterAnswer => news.await,
                Turn::TooLong(wait) => return Err(wait),
            }
        }
    }

    /// The part of the present window that is used; `None` where no limit is known.
    pub(super) fn used(&self) -> Option<f64> {
        self.pace().used(Instant::now())
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request; dropped without an answer, it tells the pace that none will come.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    limiter: &'a Limiter,
    ticket: Option<Ticket>,
}

impl Pass<'_> {
    /// Hands in what the answer said.
    pub(super) fn answered(mut self, said: &RateHeaders) {
        if let Some(ticket) = self.ticket.take() {
            self.limiter.pace().answered(ticket, Instant::now(), said);
            self.limiter.news.notify_waiters();
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.limiter.pace().ended(ticket);
            self.limiter.news.notify_waiters();
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is what is wanted")]
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests;
