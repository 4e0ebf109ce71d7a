//! Entries: what the ledger holds of one page of one import source. Values only; how they are stored is the ledger's.

use serde::{Deserialize, Serialize};

use super::{ContentHash, DocPath, ExternalId, PageId, SourceHash, Switches};

/// A page as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Our id of it.
    pub external_id: ExternalId,
    /// The document that it was last made from.
    pub path: DocPath,
    /// Intercom's id; `None` while no answer has named it.
    pub page_id: Option<PageId>,
    /// Unix milliseconds of the first answer for it; `None` while there was none, 0 for a page that was there before us.
    pub created_at_ms: Option<i64>,
    /// What Intercom has acknowledged; `None` while it has acknowledged nothing.
    pub acknowledged: Option<Acknowledged>,
    /// A request for it may have been carried out and may not: it is planned again whatever its hash (I1).
    pub doubt: Option<Doubt>,
    /// Since when complete scans have not found its document.
    pub missed: Option<Missed>,
    /// The content that Intercom will not take.
    pub rejected: Option<Box<Rejected>>,
}

/// What Intercom holds, by its own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The hash of what was sent.
    pub content_hash: ContentHash,
    /// The hash of the html alone, for telling why a page is sent again.
    pub body: BodyHash,
    /// What it was rendered with, by the first 8 bytes of its hash; 0 for an adopted page.
    pub recipe: u64,
    /// The bytes that it was rendered from; pairs renames. `None`: adopted, the bytes are not known yet.
    pub source_hash: Option<SourceHash>,
    /// The title that was sent.
    pub title: Box<str>,
    /// The url that was sent.
    pub url: Option<Box<str>>,
}

/// The first 8 bytes of the SHA-256 of a page's html: tells people what changed, decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyHash(pub u64);

impl BodyHash {
    /// The hash of this html.
    #[must_use]
    pub fn of(html: &str) -> Self {
        let hash = super::SourceHash::of(html.as_bytes()).0;
        Self(u64::from_le_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]))
    }
}

/// Which request is in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Doubt {
    /// An upsert. `switches`: those that a rename may have changed and that are to be put back.
    Upsert {
        /// The page's own switches before, where they must be restored.
        switches: Option<Switches>,
    },
    /// A `PUT` that gives the page another external id; which one it has now must be asked.
    Rename {
        /// The id that it was to get.
        to: ExternalId,
        /// The document that it was to be made from.
        path: DocPath,
        /// Its switches before.
        switches: Switches,
    },
    /// A delete.
    Delete,
}

/// How long a document has been missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Unix milliseconds of the first complete scan without it.
    pub since_ms: i64,
    /// Complete scans without it that counted.
    pub scans: u32,
    /// Unix milliseconds of the last one that counted.
    pub counted_at_ms: i64,
}

/// A refusal that only other content (or `--full`, or a day) overcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The content that was refused.
    pub content_hash: ContentHash,
    /// Intercom's words, with the `request_id`.
    pub message: Box<str>,
    /// Unix seconds.
    pub at: i64,
}

impl Entry {
    /// Whether Intercom may hold a page for it.
    #[must_use]
    pub fn may_exist(&self) -> bool {
        self.page_id.is_some() || self.doubt.is_some()
    }
}
