//! The rate limit: how many calls a window takes, and what the `X-RateLimit-*` headers say of it.
//!
//! Knows no HTTP and no clock: the time of a call comes in as a value. A refused call does not count.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use super::RateLimit;

/// The most calls that one window can be told to take: a sliding window remembers each of them.
const MAX_CALLS: u32 = 1_000_000;

/// The longest window: an hour.
const MAX_WINDOW: Duration = Duration::from_hours(1);

/// The state of the present window after a call, as the headers describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Calls that the window takes.
    pub(super) limit: u32,
    /// Calls that it still takes.
    pub(super) remaining: u32,
    /// When it takes calls again, in unix seconds, never before the second that comes next.
    pub(super) reset_s: i64,
    /// Whether this call was one too many.
    pub(super) exceeded: bool,
}

/// Counts calls against a limit.
pub(super) struct Limiter {
    limit: RateLimit,
    window_us: i64,
    /// The fixed window that was counted last, and its calls.
    fixed: (i64, u32),
    /// When the calls of a sliding window came, oldest first.
    sliding: VecDeque<i64>,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        let window_us = i64::try_from(limit.window.min(MAX_WINDOW).as_micros()).unwrap_or(i64::MAX).max(1);
        let limit = RateLimit { calls: limit.calls.min(MAX_CALLS), ..limit };
        Self { limit, window_us, fixed: (i64::MIN, 0), sliding: VecDeque::new() }
    }

    /// Counts a call, unless the window is full.
    pub(super) fn count(&mut self, now: Timestamp) -> Meter {
        let now_us = now.as_microsecond();
        let (used, reset_us) = if self.limit.sliding { self.slide(now_us) } else { self.fix(now_us) };
        let exceeded = used >= self.limit.calls;
        if !exceeded {
            if self.limit.sliding {
                self.sliding.push_back(now_us);
            } else {
                self.fixed.1 += 1;
            }
        }
        let remaining = self.limit.calls.saturating_sub(used).saturating_sub(u32::from(!exceeded));
        Meter { limit: self.limit.calls, remaining, reset_s: seconds_up(reset_us), exceeded }
    }

    /// `Exceeded rate limit of 167 in 10_seconds`, as Intercom words it.
    pub(super) fn message(&self) -> String {
        format!("Exceeded rate limit of {} in {}_seconds", self.limit.calls, self.limit.window.as_secs().max(1))
    }

    fn fix(&mut self, now_us: i64) -> (u32, i64) {
        let window = now_us.div_euclid(self.window_us);
        if self.fixed.0 != window {
            self.fixed = (window, 0);
        }
        (self.fixed.1, (window + 1).saturating_mul(self.window_us))
    }

    fn slide(&mut self, now_us: i64) -> (u32, i64) {
        let start = now_us.saturating_sub(self.window_us);
        while self.sliding.front().is_some_and(|first| *first <= start) {
            self.sliding.pop_front();
        }
        let oldest = self.sliding.front().copied().unwrap_or(now_us);
        (u32::try_from(self.sliding.len()).unwrap_or(u32::MAX), oldest.saturating_add(self.window_us))
    }
}

fn seconds_up(us: i64) -> i64 {
    us.div_euclid(1_000_000) + i64::from(us.rem_euclid(1_000_000) != 0)
}

impl FromStr for RateLimit {
    type Err = String;

    /// Reads `1667/10s`: calls, and the window in `ms`, `s` or `m`. The window is a fixed one.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("rate limit `{text}`: {why}; write calls per window, as in `1667/10s`");
        let (calls, window) = text.split_once('/').ok_or_else(|| wrong("there is no `/`"))?;
        let calls = calls.trim().parse::<u32>().map_err(|_| wrong("the calls are no number"))?;
        let window = duration(window.trim()).ok_or_else(|| wrong("the window is no duration"))?;
        if calls == 0 || calls > MAX_CALLS {
            return Err(wrong("the calls must be 1 to 1000000"));
        }
        if window.is_zero() || window > MAX_WINDOW {
            return Err(wrong("the window must be at most an hour"));
        }
        Ok(Self { calls, window, sliding: false })
    }
}

/// Reads a whole number with `ms`, `s` or `m` behind it.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
    }

    fn limiter(text: &str, sliding: bool) -> Limiter {
        Limiter::new(RateLimit { sliding, ..text.parse().unwrap() })
    }

    #[test]
    fn a_fixed_window_starts_anew_at_its_edge() {
        let mut limiter = limiter("2/10s", false);
        assert_eq!(limiter.count(at(9_000)).remaining, 1);
        let last = limiter.count(at(9_999));
        assert_eq!((last.remaining, last.reset_s, last.exceeded), (0, 1_700_000_010, false));
        assert!(limiter.count(at(9_999)).exceeded);
        assert_eq!(limiter.count(at(10_000)).remaining, 1, "the next window is whole");
        assert_eq!(limiter.message(), "Exceeded rate limit of 2 in 10_seconds");
    }

    #[test]
    fn a_sliding_window_frees_each_call_when_it_is_a_window_old() {
        let mut limiter = limiter("2/10s", true);
        limiter.count(at(9_000));
        limiter.count(at(9_500));
        let refused = limiter.count(at(18_999));
        assert_eq!((refused.exceeded, refused.remaining, refused.reset_s), (true, 0, 1_700_000_019));
        assert!(!limiter.count(at(19_000)).exceeded);
        assert!(limiter.count(at(19_001)).exceeded, "the second call is still inside");
    }

    #[test]
    fn limits_are_read_and_wrong_ones_say_why() {
        let limit: RateLimit = "1667/10s".parse().unwrap();
        assert_eq!(limit, RateLimit { calls: 1667, window: Duration::from_secs(10), sliding: false });
        for wrong in ["", "10", "0/10s", "10/0s", "x/10s", "10/10", "10/999999999999999999m", "9999999/1s"] {
            let error = wrong.parse::<RateLimit>().unwrap_err();
            assert!(error.contains("1667/10s"), "{error}");
        }
    }
}
