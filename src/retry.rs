//! When a failed call is repeated, and when it is given up.
//!
//! Pure: knows neither HTTP nor a clock nor a source of chance; all three come in as values. Keeps: every call ends,
//! after a bounded number of attempts and a bounded time.

use std::time::Duration;

/// Exponential backoff with full jitter: waits are spread over the whole range from zero, so that callers that failed
/// together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The longest wait after the first attempt; each further one doubles it.
    pub base: Duration,
    /// No wait of our own choice is longer.
    pub cap: Duration,
    /// The first attempt included.
    pub attempts: u32,
    /// No repetition begins later than this after the first attempt.
    pub total: Duration,
}

impl Backoff {
    /// What calls to a remote use: about half a minute of trying, more only where the remote asks for it.
    pub const STANDARD: Self = Self {
        base: Duration::from_millis(500),
        cap: Duration::from_secs(20),
        attempts: 6,
        total: Duration::from_mins(3),
    };

    /// The wait after the given attempt (the first is 1). `jitter` is in `0..=1`.
    ///
    /// What the remote asks for is a lower bound; jitter comes on top of it, for everyone was told the same moment.
    #[must_use]
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
        let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
        if let Some(asked) = retry_after {
            return asked.saturating_add(self.base.min(self.cap).mul_f64(jitter));
        }
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        self.base.saturating_mul(doubled).min(self.cap).mul_f64(jitter)
    }

    /// The wait before the next attempt, or `None` where the call is given up: `attempt` was the last, or what the
    /// remote asks for goes beyond the time that a call may take.
    #[must_use]
    pub fn next(
        &self,
        attempt: u32,
        elapsed: Duration,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        let delay = self.delay(attempt, retry_after, jitter);
        (attempt < self.attempts && elapsed.saturating_add(delay) <= self.total).then_some(delay)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_covers_the_whole_range() {
        let backoff = Backoff { base: S, cap: 5 * S, attempts: 9, total: 100 * S };
        let longest: Vec<_> = (1..=5).map(|attempt| backoff.delay(attempt, None, 1.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 5, 5]);
        assert_eq!(backoff.delay(3, None, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(3, None, 0.5), 2 * S);
    }

    #[test]
    fn what_the_remote_asks_for_is_the_least_and_a_call_without_time_for_it_is_given_up() {
        let backoff = Backoff { base: S, cap: 5 * S, attempts: 3, total: 60 * S };
        assert_eq!(backoff.delay(1, Some(30 * S), 0.5), Duration::from_millis(30_500));
        assert_eq!(backoff.next(1, S, Some(30 * S), 0.0), Some(30 * S));
        assert_eq!(backoff.next(1, 31 * S, Some(30 * S), 0.0), None);
        assert_eq!(backoff.next(3, S, None, 0.0), None);
    }

    proptest! {
        #[test]
        fn no_input_breaks_it_and_no_call_goes_on_for_ever(
            attempt: u32, elapsed: Duration, asked: Option<Duration>, jitter: f64,
        ) {
            let backoff = Backoff::STANDARD;
            let wait = backoff.next(attempt, elapsed, asked, jitter);
            prop_assert!(wait.is_none_or(|wait| attempt < backoff.attempts && elapsed + wait <= backoff.total));
            prop_assert!(asked.is_some() || backoff.delay(attempt, None, jitter) <= backoff.cap);
        }
    }
}
