//! The daemon: triggers → dirty sources → cycles, until it is told to stop.

pub mod board;

use tokio::sync::oneshot;

use crate::page::{DocPath, SourceName};
use crate::report::CycleReport;
use crate::sync::Wishes;

/// Something that asks for a look at a source.
#[derive(Debug)]
pub enum Trigger {
    /// Something may have changed: these documents, or, where there are none, nobody knows what.
    Changed {
        /// The source.
        source: SourceName,
        /// The documents.
        paths: Vec<DocPath>,
    },
    /// A person or a program asks for a cycle now, whatever is known: `POST /sync`, a webhook.
    Look {
        /// The source.
        source: SourceName,
    },
    /// A command asks for a cycle with wishes of its own, and for its report.
    Wish {
        /// The source.
        source: SourceName,
        /// Its wishes.
        wishes: Wishes,
        /// Gets the report.
        reply: oneshot::Sender<CycleReport>,
    },
}

/// What happened, for logs, metrics and notifications.
#[derive(Debug)]
pub enum News<'a> {
    /// A cycle of a source ended, a partial one or a whole.
    Cycle {
        /// The source.
        source: &'a SourceName,
        /// What it came to.
        report: &'a CycleReport,
        /// It looked at the paths that events named, and at nothing else.
        is_partial: bool,
        /// How long each change that it got acknowledged had been known, in seconds.
        waited_s: &'a [f64],
    },
}
