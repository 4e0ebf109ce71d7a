//! One document and its page, and who else claims what it claims: for looks that are about few documents.

use rusqlite::{OptionalExtension, params};

use super::documents::{DOCUMENT_COLUMNS, document, part};
use super::pages::{ENTRY_COLUMNS, entry};
use super::{DocumentRow, Ledger, LedgerError};
use crate::page::{DocPath, Entry, ExternalId, ImportSourceId, SourceHash};

impl Ledger {
    /// A document as it was last seen; `None`: no scan has seen it.
    pub fn document(&self, source: &str, path: &DocPath, recipe: &[u8]) -> Result<Option<DocumentRow>, LedgerError> {
        self.sqlite(|db| {
            let select = format!("SELECT {DOCUMENT_COLUMNS} FROM document WHERE source = ?1 AND path = ?2");
            let row = db
                .prepare_cached(&select)?
                .query_row(params![source, path.as_str()], |row| document(row, recipe))
                .optional()?;
            let Some(mut row) = row else { return Ok(None) };
            let mut select = db.prepare_cached(
                "SELECT path, external_id, content_hash, body, title, url, html_bytes FROM part \
                 WHERE source = ?1 AND path = ?2",
            )?;
            let mut parts = select.query(params![source, path.as_str()])?;
            while let Some(found) = parts.next()? {
                let found = part(found, &row)?;
                row.parts.push(found);
            }
            Ok(Some(row))
        })
    }

    /// One entry of an import source.
    pub fn entry(&self, import_source: ImportSourceId, id: &ExternalId) -> Result<Option<Entry>, LedgerError> {
        self.sqlite(|db| {
            let select = format!("SELECT {ENTRY_COLUMNS} FROM page WHERE import_source = ?1 AND external_id = ?2");
            db.prepare_cached(&select)?.query_row(params![import_source.0, id.as_str()], entry).optional()
        })
    }

    /// Whether another document of the source, or a part of one, has this id or this url (I6).
    pub fn is_claimed(
        &self,
        source: &str,
        path: &DocPath,
        id: &ExternalId,
        url: Option<&str>,
    ) -> Result<bool, LedgerError> {
        self.sqlite(|db| {
            db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM document WHERE source = ?1 AND url = ?4 AND path <> ?2 AND kind <> 'excluded') \
                 OR EXISTS (SELECT 1 FROM document WHERE source = ?1 AND external_id = ?3 AND path <> ?2) \
                 OR EXISTS (SELECT 1 FROM document WHERE source = ?1 AND path = ?3 AND external_id IS NULL AND path <> ?2) \
                 OR EXISTS (SELECT 1 FROM part WHERE source = ?1 AND path <> ?2 AND (external_id = ?3 OR url = ?4))",
            )?
            .query_row(params![source, path.as_str(), id.as_str(), url], |row| row.get(0))
        })
    }

    /// Whether a page of an import source was made from these bytes.
    pub fn has_bytes(&self, import_source: ImportSourceId, hash: SourceHash) -> Result<bool, LedgerError> {
        self.sqlite(|db| {
            db.prepare_cached("SELECT 1 FROM page WHERE import_source = ?1 AND source_hash = ?2")?
                .exists(params![import_source.0, hash.0])
        })
    }
}
