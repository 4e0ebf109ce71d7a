//! The files that renders asked for beside their documents, and what is to be mended in documents.

use rusqlite::params;

use super::{Ledger, LedgerError, damaged, hash32};
use crate::page::{DocPath, Fingerprint, SourceHash};
use crate::render::Warning;

/// A file that a render asked for, as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRow {
    /// Its place in the source.
    pub path: DocPath,
    /// Equal now: unchanged. `None`: look at its bytes.
    pub fingerprint: Option<Fingerprint>,
    /// What its bytes hash to; `None`: it was not there.
    pub hash: Option<SourceHash>,
}

/// How many documents a warning stands in, with the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningKind {
    /// Its stable word.
    pub code: String,
    /// What it says.
    pub message: String,
    /// How often.
    pub count: u64,
    /// A document that has it, and the line.
    pub path: DocPath,
    /// 1-based, where it is known.
    pub line: Option<u32>,
}

impl Ledger {
    /// The files that renders of a source asked for, sorted by path.
    pub fn inputs(&self, source: &str) -> Result<Vec<InputRow>, LedgerError> {
        self.sqlite(|db| {
            let mut select =
                db.prepare_cached("SELECT path, fingerprint, hash FROM input WHERE source = ?1 ORDER BY path")?;
            let rows = select.query_map([source], |row| {
                Ok(InputRow {
                    path: DocPath::new(row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?),
                    fingerprint: row.get::<_, Option<Vec<u8>>>(1)?.map(|bytes| Fingerprint(bytes.into())),
                    hash: hash32(row, 2)?.map(SourceHash),
                })
            })?;
            rows.collect()
        })
    }

    /// Keeps what files were when they were last seen, and forgets those that nobody asks for any more.
    pub fn save_inputs(&mut self, source: &str, seen: &[InputRow], unused: &[DocPath]) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT OR REPLACE INTO input (source, path, fingerprint, hash) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for row in seen {
                let fingerprint = row.fingerprint.as_ref().map(|f| &*f.0);
                insert.execute(params![source, row.path.as_str(), fingerprint, row.hash.map(|h| h.0)])?;
            }
            let mut delete = tx.prepare_cached("DELETE FROM input WHERE source = ?1 AND path = ?2")?;
            for path in unused {
                delete.execute([source, path.as_str()])?;
            }
            Ok(())
        })
    }

    /// The warnings of a source by what they say, the commonest first; at most `limit`.
    pub fn warnings(&self, source: &str, limit: u32) -> Result<Vec<WarningKind>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT code, message, count(*), min(path), line FROM warning WHERE source = ?1 \
                 GROUP BY code, message ORDER BY count(*) DESC, code, message LIMIT ?2",
            )?;
            let rows = select.query_map(params![source, limit], |row| {
                Ok(WarningKind {
                    code: row.get(0)?,
                    message: row.get(1)?,
                    count: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
                    path: DocPath::new(row.get::<_, String>(3)?),
                    line: row.get(4)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// Replaces the warnings of a document.
pub(super) fn save_warnings(
    tx: &rusqlite::Transaction<'_>,
    source: &str,
    path: &DocPath,
    warnings: &[Warning],
) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM warning WHERE source = ?1 AND path = ?2")?.execute([source, path.as_str()])?;
    let mut insert = tx
        .prepare_cached("INSERT INTO warning (source, path, n, code, line, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (n, warning) in (0_i64..).zip(warnings) {
        insert.execute(params![source, path.as_str(), n, warning.code, warning.line, warning.message])?;
    }
    Ok(())
}
