//! Reading the whole workspace's listing, streamed, and knowing whether it was whole.

use std::collections::HashSet;

use super::Stop;
use crate::remote::{Remote, RemoteError, RemotePage};

/// Pages of a listing, each of 50 or so: a workspace of many millions of pages is a listing that runs in circles.
const MAX_REQUESTS: usize = 200_000;

/// Why a listing cannot be relied upon.
#[derive(Debug, thiserror::Error)]
pub enum Incomplete {
    /// A call failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Somebody asked for it to end (I8).
    #[error("stopped before the end of the listing")]
    Stopped,
    /// It shifted while it was read, or runs in circles.
    #[error("the listing of external pages does not add up ({0}): it is read again by the next cycle")]
    Shifted(String),
}

impl Incomplete {
    /// As a failure of the call; one that does not add up may do so later.
    #[must_use]
    pub fn into_remote_error(self) -> RemoteError {
        match self {
            Self::Remote(error) => error,
            Self::Stopped | Self::Shifted(_) => RemoteError::Transient { retry_after: None, message: self.to_string() },
        }
    }
}

/// Calls back with every page of the workspace, each once; an error afterwards means that some may be missing.
pub async fn each_page<R: Remote>(
    remote: &R,
    stop: &Stop,
    mut each: impl FnMut(&RemotePage),
) -> Result<(), Incomplete> {
    let (mut cursor, mut cursors) = (None, HashSet::new());
    let mut seen = HashSet::new();
    let mut first_total = None;
    for _ in 0..MAX_REQUESTS {
        if stop.is_set() {
            return Err(Incomplete::Stopped);
        }
        let listing = remote.list_pages(cursor.as_ref()).await?;
        first_total = first_total.or(listing.total_count);
        for page in &listing.pages {
            if seen.insert(page.id.clone()) {
                each(page);
            }
        }
        let Some(next) = listing.next else {
            return match (first_total, listing.total_count) {
                (Some(first), Some(last)) if first != last || first != seen.len() as u64 => Err(Incomplete::Shifted(
                    format!("{} pages read of {first} at its start and {last} at its end", seen.len()),
                )),
                _ => Ok(()),
            };
        };
        if !cursors.insert(next.clone()) {
            return Err(Incomplete::Shifted("its next page was read already".into()));
        }
        cursor = Some(next);
    }
    Err(Incomplete::Shifted(format!("no end after {MAX_REQUESTS} requests")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::simulator::{Simulator, SimulatorOptions};

    #[tokio::test]
    async fn a_stop_ends_a_listing_before_its_next_request() {
        let clock: super::super::Clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let simulator = Simulator::open(SimulatorOptions::default(), clock).unwrap();
        let stop = Stop::default();
        each_page(&simulator, &stop, |_| {}).await.unwrap();
        stop.set();
        assert!(matches!(each_page(&simulator, &stop, |_| {}).await, Err(Incomplete::Stopped)));
        assert_eq!(simulator.stats().requests, 1, "nothing new is sent (I8)");
    }
}
