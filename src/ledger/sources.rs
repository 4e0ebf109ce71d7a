//! The sources, the import sources that they have in Intercom, and the cycles that ran.

use rusqlite::{OptionalExtension, params};

use super::{Ledger, LedgerError, damaged};
use crate::page::{ImportSourceId, Problem, ScanDigest};
use crate::remote::ImportSource;

/// Cycles that are kept of each source.
const CYCLES_KEPT: u32 = 500;
/// Deletes older than this count no more, for any limit.
const DELETES_KEPT_S: i64 = 7 * 24 * 60 * 60;

/// A configured source as the ledger knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRow {
    /// Its import source in Intercom; `None`: none yet.
    pub import_source: Option<ImportSourceId>,
    /// Folders that were mounts of their own at the last complete scan.
    pub mounts: Vec<String>,
    /// Unix seconds of the last complete scan.
    pub last_complete_at: Option<i64>,
    /// Since when (unix seconds), and by which problem, deletes are blocked.
    pub blocked: Option<(i64, String)>,
    /// The generator that the last complete scan was of.
    pub generator: Option<String>,
}

/// An import source in Intercom as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSourceRow {
    /// As Intercom last showed it.
    pub source: ImportSource,
    /// The configured source that it was last made for.
    pub name: String,
    /// Which pages of a listing were taken over.
    pub adopted: Adopted,
    /// Pages under it that are not ours, at that listing.
    pub foreign_pages: u64,
    /// Unix seconds of when it was found deleted in Intercom.
    pub gone_since: Option<i64>,
}

/// Which pages of a listing were taken over into the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// No listing was made yet.
    None,
    /// Those of our documents; or there can be none that we have not made.
    Own,
    /// All: the import source is exclusively ours.
    All,
}

/// A cycle that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleRow {
    /// The source.
    pub source: String,
    /// Unix seconds.
    pub started_at: i64,
    /// `converged`, `held`, `incomplete`, `failed`.
    pub outcome: String,
    /// Its report as JSON, its lists cut.
    pub report: String,
}

impl Ledger {
    /// A source's row, a blank one where there is none.
    pub fn source(&self, name: &str) -> Result<SourceRow, LedgerError> {
        self.sqlite(|db| {
            let row = db
                .prepare_cached(
                    "SELECT import_source, mounts, last_complete_at, blocked_since, blocked_by, generator FROM source \
                     WHERE name = ?1",
                )?
                .query_row([name], |row| {
                    let mounts: String = row.get(1)?;
                    let since: Option<i64> = row.get(3)?;
                    Ok(SourceRow {
                        import_source: row.get::<_, Option<i64>>(0)?.map(ImportSourceId),
                        mounts: serde_json::from_str(&mounts).map_err(|e| damaged(1, e))?,
                        last_complete_at: row.get(2)?,
                        blocked: since.zip(row.get(4)?),
                        generator: row.get(5)?,
                    })
                })
                .optional()?;
            Ok(row.unwrap_or_default())
        })
    }

    /// Keeps what a scan was: its mounts and its time where it was complete, its first problem where it was not.
    pub fn save_scan(
        &mut self,
        name: &str,
        mounts: &[String],
        generator: &str,
        problem: Option<&Problem>,
        now: i64,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.prepare_cached("INSERT OR IGNORE INTO source (name) VALUES (?1)")?.execute([name])?;
            let changed = match problem {
                None => tx
                    .prepare_cached(
                        "UPDATE source SET mounts = ?2, last_complete_at = ?3, generator = ?4, blocked_since = NULL, \
                         blocked_by = NULL WHERE name = ?1",
                    )?
                    .execute(params![name, serde_json::to_string(mounts).unwrap_or_default(), now, generator]),
                Some(Problem { path, message }) => {
                    let at = if path.is_empty() { String::new() } else { format!("`{path}`: ") };
                    tx.prepare_cached(
                        "UPDATE source SET blocked_since = coalesce(blocked_since, ?2), blocked_by = ?3 WHERE name = ?1",
                    )?
                    .execute(params![name, now, format!("{at}{message}")])
                }
            };
            changed.map(drop)
        })
    }

    /// How many pages were unchanged when the plan for this very scan was last found empty; `None` where no such word
    /// holds: it is taken back by whatever touches a document or a page.
    pub fn settled(&self, name: &str, digest: &ScanDigest) -> Result<Option<u64>, LedgerError> {
        self.sqlite(|db| {
            let pages: Option<Option<i64>> = db
                .prepare_cached("SELECT settled_pages FROM source WHERE name = ?1 AND settled = ?2")?
                .query_row(params![name, digest.0], |row| row.get(0))
                .optional()?;
            Ok(pages.flatten().and_then(|pages| u64::try_from(pages).ok()))
        })
    }

    /// As [`Self::settled`], by what told the whole source then.
    pub fn settled_at(&self, name: &str, revision: &ScanDigest) -> Result<Option<u64>, LedgerError> {
        self.sqlite(|db| {
            let pages: Option<Option<i64>> = db
                .prepare_cached(
                    "SELECT settled_pages FROM source WHERE name = ?1 AND settled IS NOT NULL AND revision = ?2",
                )?
                .query_row(params![name, revision.0], |row| row.get(0))
                .optional()?;
            Ok(pages.flatten().and_then(|pages| u64::try_from(pages).ok()))
        })
    }

    /// Keeps that the plan for this scan was empty, and what told the whole source then.
    pub fn settle(
        &mut self,
        name: &str,
        digest: &ScanDigest,
        revision: Option<&ScanDigest>,
        pages: u64,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE source SET settled = ?2, revision = ?3, settled_pages = ?4 WHERE name = ?1")?
                .execute(params![name, digest.0, revision.map(|r| r.0), i64::try_from(pages).unwrap_or(i64::MAX)])
                .map(drop)
        })
    }

    /// The name that a source had before: a source of another name that has this import source url, and that is
    /// configured no more, is the same source.
    pub fn former_name(&self, url: &str, name: &str, configured: &[&str]) -> Result<Option<String>, LedgerError> {
        if self.source(name)?.import_source.is_some() {
            return Ok(None);
        }
        let candidates: Vec<String> = self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT source.name FROM source JOIN import_source ON import_source.id = source.import_source \
                 WHERE rtrim(import_source.url, '/') = rtrim(?1, '/')",
            )?;
            let rows = select.query_map([url], |row| row.get(0))?;
            rows.collect()
        })?;
        Ok(match candidates.as_slice() {
            [old] if !configured.contains(&old.as_str()) => Some(old.clone()),
            _ => None,
        })
    }

    /// Gives a source, with all that is known of it, the name that it has now.
    pub fn rename_source(&mut self, old: &str, name: &str) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute("DELETE FROM source WHERE name = ?1", [name])?;
            tx.execute("UPDATE source SET name = ?2 WHERE name = ?1", [old, name])?;
            for table in ["document", "asked", "input", "part", "warning", "conversion"] {
                tx.execute(&format!("DELETE FROM {table} WHERE source = ?1"), [name])?;
                tx.execute(&format!("UPDATE {table} SET source = ?2 WHERE source = ?1"), [old, name])?;
            }
            tx.execute("UPDATE import_source SET name = ?2 WHERE name = ?1", [old, name])?;
            tx.execute("UPDATE cycle SET source = ?2 WHERE source = ?1", [old, name]).map(drop)
        })
    }

    /// Every import source that the ledger knows.
    pub fn import_sources(&self) -> Result<Vec<ImportSourceRow>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT id, name, url, audience_ids, created_at, active, adopted, foreign_pages, gone_since \
                 FROM import_source ORDER BY name, id",
            )?;
            let rows = select.query_map([], |row| {
                let audience_ids: String = row.get(3)?;
                let adopted: String = row.get(6)?;
                Ok(ImportSourceRow {
                    source: ImportSource {
                        id: ImportSourceId(row.get(0)?),
                        url: row.get(2)?,
                        api: true,
                        active: row.get(5)?,
                        audience_ids: serde_json::from_str(&audience_ids).map_err(|e| damaged(3, e))?,
                        created_at: row.get(4)?,
                    },
                    name: row.get(1)?,
                    adopted: match adopted.as_str() {
                        "own" => Adopted::Own,
                        "all" => Adopted::All,
                        _ => Adopted::None,
                    },
                    foreign_pages: u64::try_from(row.get::<_, i64>(7)?).unwrap_or_default(),
                    gone_since: row.get(8)?,
                })
            })?;
            rows.collect()
        })
    }

    /// One import source.
    pub fn import_source(&self, id: ImportSourceId) -> Result<Option<ImportSourceRow>, LedgerError> {
        Ok(self.import_sources()?.into_iter().find(|row| row.source.id == id))
    }

    /// Ties a source to its import source, and keeps how Intercom shows it.
    pub fn save_import_source(&mut self, name: &str, row: &ImportSourceRow) -> Result<(), LedgerError> {
        self.write(|tx| {
            let s = &row.source;
            let adopted = match row.adopted {
                Adopted::None => "none",
                Adopted::Own => "own",
                Adopted::All => "all",
            };
            tx.execute(
                "INSERT INTO import_source (id, name, url, audience_ids, created_at, active, adopted, foreign_pages, \
                 gone_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET \
                 name = excluded.name, url = excluded.url, audience_ids = excluded.audience_ids, \
                 created_at = excluded.created_at, active = excluded.active, adopted = excluded.adopted, \
                 foreign_pages = excluded.foreign_pages, gone_since = excluded.gone_since",
                params![
                    s.id.0,
                    name,
                    s.url,
                    serde_json::to_string(&s.audience_ids).unwrap_or_default(),
                    s.created_at,
                    s.active,
                    adopted,
                    i64::try_from(row.foreign_pages).unwrap_or(i64::MAX),
                    row.gone_since,
                ],
            )?;
            // One that is configured no more gives its import source up: two would delete each other's pages.
            tx.execute(
                "UPDATE source SET import_source = NULL WHERE import_source = ?1 AND name <> ?2",
                params![s.id.0, name],
            )?;
            // What was settled under another import source says nothing of this one.
            tx.execute(
                "INSERT INTO source (name, import_source) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET \
                 settled = CASE WHEN import_source IS excluded.import_source THEN settled END, \
                 import_source = excluded.import_source",
                params![name, s.id.0],
            )
            .map(drop)
        })
    }

    /// Forgets an import source that is no more in Intercom, with every page of it.
    pub fn forget_import_source(&mut self, id: ImportSourceId) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute("UPDATE source SET import_source = NULL, settled = NULL WHERE import_source = ?1", [id.0])?;
            tx.execute("DELETE FROM page WHERE import_source = ?1", [id.0])?;
            tx.execute("DELETE FROM import_source WHERE id = ?1", [id.0]).map(drop)
        })
    }

    /// Keeps a cycle, and forgets what is too old.
    pub fn save_cycle(&mut self, cycle: &CycleRow) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.prepare_cached("INSERT INTO cycle (source, started_at, outcome, report) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![cycle.source, cycle.started_at, cycle.outcome, cycle.report])?;
            tx.prepare_cached(
                "DELETE FROM cycle WHERE source = ?1 AND id <= \
                 (SELECT id FROM cycle WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute(params![cycle.source, CYCLES_KEPT])?;
            tx.prepare_cached("DELETE FROM deleted WHERE at < ?1")?
                .execute([cycle.started_at.saturating_sub(DELETES_KEPT_S)])
                .map(drop)
        })
    }

    /// The last cycles of a source, the newest first.
    pub fn cycles(&self, source: &str, limit: u32) -> Result<Vec<CycleRow>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT source, started_at, outcome, report FROM cycle WHERE source = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = select.query_map(params![source, limit], |row| {
                Ok(CycleRow { source: row.get(0)?, started_at: row.get(1)?, outcome: row.get(2)?, report: row.get(3)? })
            })?;
            rows.collect()
        })
    }
}
