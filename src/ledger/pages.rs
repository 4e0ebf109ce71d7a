//! The pages of each import source: what Intercom has acknowledged, and what is in doubt.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Ledger, LedgerError, damaged, hash32, text};
use crate::page::{
    Acknowledged, BodyHash, ContentHash, DocPath, Doubt, Entry, ExternalId, ImportSourceId, Missed, PageId, Rejected,
    SourceHash,
};

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The entry's id, made where it is not there.
    pub external_id: ExternalId,
    /// The document that the request is made from.
    pub path: DocPath,
    /// Which request.
    pub doubt: Doubt,
}

/// An answer: Intercom has taken a page.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Its id.
    pub external_id: ExternalId,
    /// The document that it was made from.
    pub path: DocPath,
    /// Intercom's id of it.
    pub page_id: PageId,
    /// What was sent.
    pub acknowledged: Acknowledged,
    /// The hash of the html in the answer.
    pub answer_hash: [u8; 32],
    /// For a rename: the id that it had before.
    pub renamed_from: Option<ExternalId>,
}

/// An answer: Intercom will not take this content.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The page's id.
    pub external_id: ExternalId,
    /// The content and Intercom's words.
    pub rejected: Rejected,
    /// Nothing is in doubt: the entry was certain before, and this answer was the only one to its request.
    pub certain: bool,
}

/// What [`entry`] reads.
pub(super) const ENTRY_COLUMNS: &str = "external_id, path, page_id, content_hash, body, source_hash, title, url, doubt, \
     missed_since, missed_scans, missed_at, rejected_hash, rejected_message, rejected_at, created_at, recipe";

impl Ledger {
    /// The entries of an import source, sorted by external id.
    pub fn entries(&self, import_source: ImportSourceId) -> Result<Vec<Entry>, LedgerError> {
        self.sqlite(|db| {
            let select = format!("SELECT {ENTRY_COLUMNS} FROM page WHERE import_source = ?1 ORDER BY external_id");
            let mut select = db.prepare_cached(&select)?;
            let rows = select.query_map([import_source.0], entry)?;
            rows.collect()
        })
    }

    /// Marks pages in doubt, on the disk before this returns (I1).
    pub fn mark(&mut self, import_source: ImportSourceId, marks: &[Mark]) -> Result<(), LedgerError> {
        self.write_synced(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO page (import_source, external_id, path, doubt) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (import_source, external_id) DO UPDATE SET doubt = excluded.doubt",
            )?;
            for mark in marks {
                let path = own_path(&mark.external_id, &mark.path);
                insert.execute(params![import_source.0, mark.external_id.as_str(), path, json(&mark.doubt)])?;
            }
            Ok(())
        })
    }

    /// Takes back marks of requests that were never sent: each gets the doubt back that it had.
    pub fn unmark(
        &mut self,
        import_source: ImportSourceId,
        marks: &[(ExternalId, Option<Doubt>)],
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            for (id, before) in marks {
                tx.prepare_cached("UPDATE page SET doubt = ?3 WHERE import_source = ?1 AND external_id = ?2")?
                    .execute(params![import_source.0, id.as_str(), before.as_ref().map(json)])?;
                tx.prepare_cached(
                    "DELETE FROM page WHERE import_source = ?1 AND external_id = ?2 \
                     AND page_id IS NULL AND doubt IS NULL AND rejected_hash IS NULL",
                )?
                .execute(params![import_source.0, id.as_str()])?;
            }
            Ok(())
        })
    }

    /// Keeps what Intercom has answered, in one transaction; `at_ms` in unix milliseconds.
    pub fn acknowledge(&mut self, import_source: ImportSourceId, acks: &[Ack], at_ms: i64) -> Result<(), LedgerError> {
        self.write(|tx| {
            for ack in acks {
                let id = ack.renamed_from.as_ref().unwrap_or(&ack.external_id);
                let created_at = created_at(tx, import_source, id)?.unwrap_or(at_ms);
                if let Some(old) = &ack.renamed_from {
                    remove(tx, import_source, old)?;
                }
                put(tx, import_source, ack, created_at, at_ms / 1000)?;
            }
            Ok(())
        })
    }

    /// Keeps what Intercom will not take.
    pub fn reject(&mut self, import_source: ImportSourceId, rejections: &[Rejection]) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut update = tx.prepare_cached(
                "UPDATE page SET rejected_hash = ?3, rejected_message = ?4, rejected_at = ?5, \
                 doubt = CASE WHEN ?6 THEN NULL ELSE doubt END WHERE import_source = ?1 AND external_id = ?2",
            )?;
            for Rejection { external_id, rejected, certain } in rejections {
                update.execute(params![
                    import_source.0,
                    external_id.as_str(),
                    rejected.content_hash.0,
                    rejected.message,
                    rejected.at,
                    certain,
                ])?;
            }
            Ok(())
        })
    }

    /// Removes pages that Intercom has deleted, and counts them for the limit on deletes.
    pub fn remove_deleted(
        &mut self,
        import_source: ImportSourceId,
        ids: &[ExternalId],
        at: i64,
        released: bool,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            for id in ids {
                remove(tx, import_source, id)?;
                tx.prepare_cached(
                    "INSERT INTO deleted (import_source, external_id, at, released) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![import_source.0, id.as_str(), at, released])?;
            }
            Ok(())
        })
    }

    /// Drops entries of which Intercom holds nothing.
    pub fn drop_entries<'a>(
        &mut self,
        import_source: ImportSourceId,
        ids: impl IntoIterator<Item = &'a ExternalId>,
    ) -> Result<(), LedgerError> {
        self.write(|tx| ids.into_iter().try_for_each(|id| remove(tx, import_source, id)))
    }

    /// Gives pages that Intercom has as they are the hash of the bytes that their documents have now.
    pub fn save_source_hashes<'a>(
        &mut self,
        import_source: ImportSourceId,
        hashes: impl IntoIterator<Item = (&'a ExternalId, SourceHash)>,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut update =
                tx.prepare_cached("UPDATE page SET source_hash = ?3 WHERE import_source = ?1 AND external_id = ?2")?;
            for (id, hash) in hashes {
                update.execute(params![import_source.0, id.as_str(), hash.0])?;
            }
            Ok(())
        })
    }

    /// Keeps since when documents are missing.
    pub fn save_missed<'a>(
        &mut self,
        import_source: ImportSourceId,
        missed: impl IntoIterator<Item = (&'a ExternalId, Option<Missed>)>,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut update = tx.prepare_cached(
                "UPDATE page SET missed_since = ?3, missed_scans = ?4, missed_at = ?5 \
                 WHERE import_source = ?1 AND external_id = ?2",
            )?;
            for (id, m) in missed {
                let id = id.as_str();
                update.execute(params![
                    import_source.0,
                    id,
                    m.map(|m| m.since_ms),
                    m.map(|m| m.scans),
                    m.map(|m| m.counted_at_ms)
                ])?;
            }
            Ok(())
        })
    }

    /// Settles a rename in doubt: the page has this id now, as old as it was, and whatever it holds is not acknowledged.
    pub fn settle_rename(
        &mut self,
        import_source: ImportSourceId,
        old: &ExternalId,
        now: (&ExternalId, &DocPath, &PageId),
        doubt: &Doubt,
    ) -> Result<(), LedgerError> {
        let (id, path, page_id) = now;
        self.write(|tx| {
            let created_at = created_at(tx, import_source, old)?;
            remove(tx, import_source, old)?;
            tx.execute(
                "INSERT OR REPLACE INTO page (import_source, external_id, path, page_id, doubt, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![import_source.0, id.as_str(), own_path(id, path), page_id.as_str(), json(doubt), created_at],
            )
            .map(drop)
        })
    }

    /// Gives an entry in doubt the id that a listing has found for it.
    pub fn set_page_id(
        &mut self,
        import_source: ImportSourceId,
        id: &ExternalId,
        page_id: &PageId,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE page SET page_id = ?3 WHERE import_source = ?1 AND external_id = ?2",
                params![import_source.0, id.as_str(), page_id.as_str()],
            )
            .map(drop)
        })
    }

    /// Takes over pages that a listing has found; entries that are there already stay as they are.
    pub fn adopt(&mut self, import_source: ImportSourceId, pages: &[Ack], at: i64) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut known = tx.prepare_cached("SELECT 1 FROM page WHERE import_source = ?1 AND external_id = ?2")?;
            for page in pages {
                if !known.exists(params![import_source.0, page.external_id.as_str()])? {
                    put(tx, import_source, page, 0, at)?;
                }
            }
            Ok(())
        })
    }

    /// How many pages were deleted since then, those not counted that a person had released.
    pub fn deleted_since(&self, import_source: ImportSourceId, since: i64) -> Result<u64, LedgerError> {
        self.sqlite(|db| {
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM deleted WHERE import_source = ?1 AND at > ?2 AND NOT released")?
                .query_row(params![import_source.0, since], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
    }

    /// How many pages Intercom holds of an import source, for certain; how many entries are in doubt; how many are
    /// rejected.
    pub fn count_pages(&self, import_source: ImportSourceId) -> Result<[u64; 3], LedgerError> {
        self.sqlite(|db| {
            db.prepare_cached(
                "SELECT count(page_id), count(doubt), count(rejected_hash) \
                 FROM page WHERE import_source = ?1",
            )?
            .query_row([import_source.0], |row| {
                let count = |column| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or_default());
                Ok([count(0)?, count(1)?, count(2)?])
            })
        })
    }
}

fn created_at(tx: &Transaction<'_>, import_source: ImportSourceId, id: &ExternalId) -> rusqlite::Result<Option<i64>> {
    let mut select = tx.prepare_cached("SELECT created_at FROM page WHERE import_source = ?1 AND external_id = ?2")?;
    Ok(select.query_row(params![import_source.0, id.as_str()], |row| row.get(0)).optional()?.flatten())
}

fn put(
    tx: &Transaction<'_>,
    import_source: ImportSourceId,
    ack: &Ack,
    created_at: i64,
    at: i64,
) -> rusqlite::Result<()> {
    let a = &ack.acknowledged;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO page (import_source, external_id, path, page_id, content_hash, body, source_hash, title, \
         url, answer_hash, acknowledged_at, created_at, recipe) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        import_source.0,
        ack.external_id.as_str(),
        own_path(&ack.external_id, &ack.path),
        ack.page_id.as_str(),
        a.content_hash.0,
        a.body.0.cast_signed(),
        a.source_hash.map(|h| h.0),
        a.title,
        a.url,
        ack.answer_hash,
        at,
        created_at,
        a.recipe.cast_signed(),
    ])
    .map(drop)
}

fn remove(tx: &Transaction<'_>, import_source: ImportSourceId, id: &ExternalId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM page WHERE import_source = ?1 AND external_id = ?2")?
        .execute(params![import_source.0, id.as_str()])
        .map(drop)
}

/// The path, where it is not the id itself.
fn own_path<'a>(id: &ExternalId, path: &'a DocPath) -> Option<&'a str> {
    (path.as_str() != id.as_str()).then(|| path.as_str())
}

fn json(doubt: &Doubt) -> String {
    serde_json::to_string(doubt).expect("a doubt is plain data")
}

pub(super) fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let external_id = ExternalId::new(row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?);
    let path = match text(row, 1)? {
        Some(path) => DocPath::new(path),
        None => DocPath::from(&external_id),
    };
    let acknowledged = hash32(row, 3)?
        .map(|content_hash| -> rusqlite::Result<_> {
            Ok(Acknowledged {
                content_hash: ContentHash(content_hash),
                body: BodyHash(row.get::<_, Option<i64>>(4)?.unwrap_or_default().cast_unsigned()),
                recipe: row.get::<_, Option<i64>>(16)?.unwrap_or_default().cast_unsigned(),
                source_hash: hash32(row, 5)?.map(SourceHash),
                title: text(row, 6)?.unwrap_or_default(),
                url: text(row, 7)?,
            })
        })
        .transpose()?;
    let doubt = text(row, 8)?.map(|json| serde_json::from_str(&json)).transpose().map_err(|e| damaged(8, e))?;
    let missed = match (row.get(9)?, row.get(10)?, row.get(11)?) {
        (Some(since_ms), Some(scans), Some(counted_at_ms)) => Some(Missed { since_ms, scans, counted_at_ms }),
        _ => None,
    };
    let rejected = hash32(row, 12)?
        .map(|hash| -> rusqlite::Result<_> {
            Ok(Box::new(Rejected {
                content_hash: ContentHash(hash),
                message: text(row, 13)?.unwrap_or_default(),
                at: row.get::<_, Option<i64>>(14)?.unwrap_or_default(),
            }))
        })
        .transpose()?;
    let page_id = text(row, 2)?.map(PageId::new);
    Ok(Entry { external_id, path, page_id, created_at_ms: row.get(15)?, acknowledged, doubt, missed, rejected })
}
