//! When a host may be asked next: so many requests at one time, so far apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The pace of all hosts of a website. Only configured hosts are asked, so there are few.
#[derive(Debug)]
pub(super) struct Pace {
    concurrency: usize,
    delay: Mutex<Duration>,
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
    pub(super) fn new(concurrency: usize, delay: Duration) -> Self {
        Self { concurrency: concurrency.max(1), delay: Mutex::new(delay), lanes: Mutex::default() }
    }

    /// Keeps requests to one host at least so far apart; what asks for more wins.
    pub(super) fn slow_down(&self, delay: Duration) {
        let mut known = held(&self.delay);
        *known = delay.max(*known);
    }

    /// Waits for a place and the moment.
    pub(super) async fn turn(&self, host: &str) -> Turn {
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
        let until = Instant::now() + wait;
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
