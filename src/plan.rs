//! Planning.

use std::time::Duration;

/// What the configuration says of deletes.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// More than this part of the source's pages, in percent, …
    pub max_percent: f64,
    /// … and more than this many: held.
    pub max_pages: u64,
    /// Complete scans, an interval apart, that must have missed a document before its page is deleted.
    pub confirm_scans: u32,
    /// The least time between scans that count for `confirm_scans`.
    pub interval: Duration,
    /// How long two complete scans must agree before the daemon deletes or renames; zero for `--once`.
    pub settle: Duration,
}
