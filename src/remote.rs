//! The one seam: what finmirror needs of the place that it mirrors into, and how calls fail.
//!
//! Implemented by [`crate::intercom`] over HTTP and by [`crate::simulator`] in process. Pure: no HTTP, no JSON.

use std::future::Future;
use std::time::Duration;

use crate::page::{ExternalId, ImportSourceId, Page, PageId, Switches};

/// A content import source as the remote holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSource {
    /// Its id.
    pub id: ImportSourceId,
    /// The root that it stands for.
    pub url: String,
    /// `true` for a source that is fed through the API; only such a one is adopted.
    pub api: bool,
    /// `false`: switched off in Intercom, Fin answers from none of its pages.
    pub active: bool,
    /// Who may be answered from its pages; empty means everyone.
    pub audience_ids: Vec<i64>,
    /// Unix seconds; with the id the witness that this is still the same workspace.
    pub created_at: i64,
}

/// What to change of an import source; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSourceChange {
    /// The new root.
    pub url: Option<String>,
    /// Active or deactivated.
    pub active: Option<bool>,
    /// The new audience, applied to the pages that are there as well.
    pub audience_ids: Option<Vec<i64>>,
}

/// The switches that a request carries; `None` leaves one as it is (and off on a new page).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentSwitches {
    /// The AI agent's.
    pub ai_agent: Option<bool>,
    /// Copilot's.
    pub ai_copilot: Option<bool>,
}

/// A page as the remote holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePage {
    /// The remote's id.
    pub id: PageId,
    /// Our id.
    pub external_id: ExternalId,
    /// The import source that it belongs to.
    pub source_id: ImportSourceId,
    /// Its title.
    pub title: String,
    /// Its html, perhaps not as it was sent.
    pub html: String,
    /// Its public address.
    pub url: Option<String>,
    /// Its language.
    pub locale: String,
    /// Its switches.
    pub switches: Switches,
}

/// One page of the listing of the whole workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The pages of every source of the workspace.
    pub pages: Vec<RemotePage>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
    /// How many pages the workspace says it has; what was read must add up to it.
    pub total_count: Option<u64>,
}

/// Where a listing goes on: opaque to everyone but the remote that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(pub String);

/// Why a call failed, by what the caller does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Perhaps done, perhaps not; may be repeated later. Comes only after the remote has used up its own retries.
    #[error("{message}")]
    Transient {
        /// How long the remote asked us to wait.
        retry_after: Option<Duration>,
        /// What happened, with the `request_id` where there was one.
        message: String,
    },
    /// 400, 413 or 422: this page will not do; not sent again until it changes.
    #[error("{message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Intercom's code.
        code: String,
        /// Intercom's message, with the field and the `request_id` where there was one.
        message: String,
        /// No earlier attempt of this very call was left without an answer: the remote holds what it held before.
        certain: bool,
    },
    /// 404 on a page or an import source named by its id: it is not there.
    #[error("{message}")]
    NotFound {
        /// Intercom's code.
        code: String,
        /// Intercom's message.
        message: String,
    },
    /// 401 or 403: all work stops; never a page's failure.
    #[error("{message}")]
    Unauthorized {
        /// Intercom's message, and what to do.
        message: String,
    },
    /// Any other answer that no repetition mends (the plan, a quota, an answer that is not understood): fails the source.
    #[error("{message}")]
    Refused {
        /// What happened.
        message: String,
    },
}

/// What can be asked of Intercom. Every call ends: retries, pacing and deadlines are the implementation's own.
pub trait Remote: Send + Sync {
    /// Every import source of the workspace.
    fn import_sources(&self) -> impl Future<Output = Result<Vec<ImportSource>, RemoteError>> + Send;
    /// One import source.
    fn import_source(&self, id: ImportSourceId) -> impl Future<Output = Result<ImportSource, RemoteError>> + Send;
    /// Makes an `api` import source. Not idempotent, so never repeated by the remote: after `Transient` look it up first.
    fn create_import_source(
        &self,
        url: &str,
        audience_ids: &[i64],
    ) -> impl Future<Output = Result<ImportSource, RemoteError>> + Send;
    /// Changes an import source.
    fn update_import_source(
        &self,
        id: ImportSourceId,
        change: &ImportSourceChange,
    ) -> impl Future<Output = Result<ImportSource, RemoteError>> + Send;
    /// Deletes an import source **and every page of it**.
    fn delete_import_source(&self, id: ImportSourceId) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Creates or updates a page by its `external_id`. Idempotent.
    fn upsert_page(
        &self,
        source: ImportSourceId,
        page: &Page,
        switches: SentSwitches,
    ) -> impl Future<Output = Result<RemotePage, RemoteError>> + Send;
    /// Replaces a page by Intercom's id, `external_id` included: a rename. Needs a url. May switch the page on.
    fn replace_page(
        &self,
        id: &PageId,
        source: ImportSourceId,
        page: &Page,
    ) -> impl Future<Output = Result<RemotePage, RemoteError>> + Send;
    /// One page by Intercom's id.
    fn page(&self, id: &PageId) -> impl Future<Output = Result<RemotePage, RemoteError>> + Send;
    /// Deletes a page by Intercom's id, and says whether it was there; gone already is success.
    fn delete_page(&self, id: &PageId) -> impl Future<Output = Result<bool, RemoteError>> + Send;
    /// One page of the listing of the whole workspace, from the start or from a cursor.
    fn list_pages(&self, from: Option<&Cursor>) -> impl Future<Output = Result<Listing, RemoteError>> + Send;

    /// Requests and repetitions sent so far.
    fn traffic(&self) -> Traffic;

    /// The same remote, with the same pace and the same limits, and a traffic that is counted by itself.
    #[must_use]
    fn handle(&self) -> Self
    where
        Self: Sized;

    /// Requests sent so far, by what was asked and what was answered; nothing where nobody counts them so.
    fn calls(&self) -> Vec<CallCount> {
        Vec::new()
    }

    /// The part of the present rate window that is used, by us and by others, as the last answer told: `0..=1`; `None`
    /// where no limit is known.
    fn window_used(&self) -> Option<f64> {
        None
    }
}

/// How often one thing was asked and answered in one way over a remote's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// The method.
    pub method: &'static str,
    /// The path as the API's reference writes it, so that its values are few.
    pub route: &'static str,
    /// The status; `None`: no answer came.
    pub status: Option<u16>,
    /// How often.
    pub count: u64,
}

/// What has been sent through one handle of a remote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, repetitions included.
    pub requests: u64,
    /// Repetitions alone.
    pub retries: u64,
}
