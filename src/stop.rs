//! The word that all is to stop: set by whoever runs finmirror, obeyed by every room that does something (I8).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set to stop: nothing new is begun, what is under way ends.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Stops.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
