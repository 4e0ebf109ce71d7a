//! A page's fingerprint: what it takes to ask a website whether the page changed, and to know that it did.
//!
//! Opaque to everyone else. What decides the extraction is part of it, so that another version of that asks for the whole
//! page again. The invariant: two fingerprints of one path are equal only if the extracted documents are.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::page::{DocPath, Fingerprint};

/// A longer validator is not kept: no server needs one.
const MAX_VALIDATOR_BYTES: usize = 512;

/// What a fingerprint is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    /// What decided how the page was extracted, as a hash.
    by: String,
    /// The answer's `ETag`.
    pub(super) etag: Option<String>,
    /// The answer's `Last-Modified`.
    pub(super) last_modified: Option<String>,
    /// What the list said.
    pub(super) lastmod: Option<String>,
    /// The hash of the extracted document.
    hash: String,
    /// The public url of what answered, after redirects.
    pub(super) url: String,
    /// The path of the url that it is the page of, where that is not its own.
    at: Option<String>,
    /// What was asked for in place of the page: its Markdown.
    pub(super) via: Option<String>,
}

impl Print {
    /// Of an extracted document.
    pub(super) fn of(by: &str, document: &[u8], url: String) -> Self {
        let hash = base16ct::lower::encode_string(&Sha256::digest(document));
        Self { by: by.to_owned(), etag: None, last_modified: None, lastmod: None, hash, url, at: None, via: None }
    }

    /// With what the answer and the list said.
    pub(super) fn with(self, etag: Option<&str>, last_modified: Option<&str>, lastmod: Option<&str>) -> Self {
        let short = |text: Option<&str>| text.filter(|text| text.len() <= MAX_VALIDATOR_BYTES).map(str::to_owned);
        Self { etag: short(etag), last_modified: short(last_modified), lastmod: short(lastmod), ..self }
    }

    /// What a fingerprint says, if it was made by the same means.
    pub(super) fn read(fingerprint: &Fingerprint, by: &str) -> Option<Self> {
        serde_json::from_slice::<Self>(&fingerprint.0).ok().filter(|print| print.by == by)
    }

    /// With the path of the url that it is the page of.
    pub(super) fn at(self, at: &DocPath, own: &DocPath) -> Self {
        Self { at: (at != own).then(|| at.as_str().to_owned()), ..self }
    }

    /// The path of the url that it is the page of, as a fingerprint says it, where that is not its own.
    pub(super) fn path(fingerprint: &Fingerprint) -> Option<DocPath> {
        serde_json::from_slice::<Self>(&fingerprint.0).ok()?.at.map(DocPath::new)
    }

    /// The hash of the document, as a fingerprint says it.
    pub(super) fn hash(fingerprint: &Fingerprint) -> Option<String> {
        serde_json::from_slice::<Self>(&fingerprint.0).ok().map(|print| print.hash)
    }

    /// The fingerprint itself.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(serde_json::to_vec(self).unwrap_or_default().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_of_other_means_says_nothing() {
        let print = Print::of("a", b"text", "https://x/".into()).with(Some("\"1\""), None, Some("2026"));
        let fingerprint = print.fingerprint();
        assert_eq!(Print::read(&fingerprint, "a"), Some(print.clone()));
        assert_eq!(Print::read(&fingerprint, "b"), None);
        assert_eq!(Print::read(&Fingerprint((*b"\x00").into()), "a"), None);
        assert_ne!(Print::of("a", b"other", "https://x/".into()).fingerprint(), fingerprint);
        assert_eq!(print.with(Some(&"x".repeat(513)), None, None).etag, None);
    }
}
