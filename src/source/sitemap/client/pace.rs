//! When a host may be asked next: so many requests at one time, so far apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

use super::Trouble;
use crate::stop::Stop;

/// How often whoever waits for its turn looks whether all is to stop.
const STOP_POLL: Duration = Duration::from_millis(100);
/// No website is waited for longer, whatever it asks for.
const DELAY_MAX: Duration = Duration::from_hours(1);

/// The pace of all hosts of a website. Only configured hosts are asked, so there are few.
#[derive(Debug)]
pub(super) struct Pace {
    concurrency: usize,
    delay: Mutex<Duration>,
    stop: Stop,
    lanes: Mutex<HashMap<String, Arc<Lane>>>,
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    /// No request leaves before.
    next: Mutex<Option<Instant>>,
}

/// A place among a host's requests, until it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

impl Pace {
    pub(super) fn new(concurrency: usize, delay: Duration, stop: Stop) -> Self {
        let (concurrency, delay) = (concurrency.max(1), Mutex::new(delay.min(DELAY_MAX)));
        Self { concurrency, delay, stop, lanes: Mutex::default() }
    }

    /// Keeps requests to one host at least so far apart; what asks for more wins.
    pub(super) fn slow_down(&self, delay: Duration) {
        let mut known = held(&self.delay);
        *known = delay.min(DELAY_MAX).max(*known);
    }

    /// Waits for a place and the moment, unless all is to stop.
    pub(super) async fn turn(&self, host: &str) -> Result<Turn, Trouble> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Trouble::Stopped),
            turn = self.place(host) => Ok(turn),
        }
    }

    async fn stopped(&self) {
        while !self.stop.is_set() {
            sleep(STOP_POLL).await;
        }
    }

    async fn place(&self, host: &str) -> Turn {
        let lane = self.lane(host);
        let turn = Arc::clone(&lane.places).acquire_owned().await.expect("the semaphore is never closed");
        let at = {
            let delay = *held(&self.delay);
            let mut next = held(&lane.next);
            let now = Instant::now();
            let at = next.unwrap_or(now).max(now);
            *next = Some(at + delay);
            at
        };
        sleep_until(at).await;
        turn
    }

    /// Nobody asks this host for so long.
    pub(super) fn pause(&self, host: &str, wait: Duration) {
        let lane = self.lane(host);
        let until = Instant::now() + wait.min(DELAY_MAX);
        let mut next = held(&lane.next);
        *next = Some(next.map_or(until, |next| next.max(until)));
    }

    fn lane(&self, host: &str) -> Arc<Lane> {
        let mut lanes = held(&self.lanes);
        let lane = lanes.entry(host.to_owned()).or_insert_with(|| {
            Arc::new(Lane { places: Arc::new(Semaphore::new(self.concurrency)), next: Mutex::new(None) })
        });
        Arc::clone(lane)
    }
}

/// What is guarded is a time or a table, which no panic leaves half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_are_apart_and_those_to_others_do_not_wait() {
        let pace = Pace::new(8, S, Stop::default());
        let began = Instant::now();
        for _ in 0..3 {
            drop(pace.turn("a:443").await);
        }
        assert_eq!(began.elapsed().as_secs(), 2);
        drop(pace.turn("b:443").await);
        assert_eq!(began.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_delay_that_was_asked_for_holds_and_a_pause_is_everybodys() {
        let pace = Pace::new(8, S, Stop::default());
        pace.slow_down(5 * S);
        pace.slow_down(2 * S);
        let began = Instant::now();
        drop(pace.turn("a:443").await);
        pace.pause("a:443", 20 * S);
        drop(pace.turn("a:443").await);
        drop(pace.turn("a:443").await);
        assert_eq!(began.elapsed().as_secs(), 25);
        pace.slow_down(Duration::MAX);
        drop(pace.turn("a:443").await);
        drop(pace.turn("a:443").await);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_has_a_turn_once_all_is_to_stop() {
        let stop = Stop::default();
        let pace = Pace::new(1, 60 * S, stop.clone());
        drop(pace.turn("a:443").await.expect("the first"));
        let waits = async { tokio::join!(pace.turn("a:443"), async { stop.set() }).0 };
        let began = Instant::now();
        assert_eq!(waits.await.err(), Some(Trouble::Stopped));
        assert!(began.elapsed() < S);
        assert_eq!(pace.turn("b:443").await.err(), Some(Trouble::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_there_are_places() {
        let pace = Pace::new(2, Duration::ZERO, Stop::default());
        let (first, _second) = (pace.turn("a:443").await, pace.turn("a:443").await);
        assert!(tokio::time::timeout(S, pace.turn("a:443")).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(S, pace.turn("a:443")).await.is_ok());
    }
}
