//! The stand-in for Intercom.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// How the stand-in behaves.
#[derive(Clone, Debug, Default)]
pub struct SimulatorOptions {
    /// The SQLite file of its state; in memory without one.
    pub data: Option<PathBuf>,
    /// The only token that is good; without one any is.
    pub token: Option<SecretString>,
    /// Calls per window; none without it.
    pub rate_limit: Option<RateLimit>,
    /// Each answer is held back for a time in this range.
    pub latency: Option<(Duration, Duration)>,
    /// Hands html back otherwise than it was sent, as Intercom might.
    pub normalise_html: bool,
    /// `PUT` without `fin_availability` switches a page on, as Intercom documents.
    pub put_resets_flags: bool,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls in one window.
    pub calls: u32,
    /// The window's length.
    pub window: Duration,
    /// A window that slides with each call, or one that starts anew at fixed times.
    pub sliding: bool,
}
