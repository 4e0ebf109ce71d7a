//! What converters made of documents: kept, so that each runs only when its document, its command or its version differs.
//!
//! Renders ask for it from several threads while the ledger is at work, and so it has a connection of its own.

use std::sync::{Mutex, PoisonError};

use rusqlite::{OpenFlags, params};

use super::{Ledger, LedgerError};
use crate::page::DocPath;

/// The kept results of one ledger.
#[derive(Debug)]
pub struct Conversions {
    ledger: Mutex<Ledger>,
    /// Whether results are kept, or only found.
    is_kept: bool,
}

impl Ledger {
    /// The results that this ledger keeps; `None`: it is kept nowhere itself.
    pub fn conversions(&self, is_kept: bool) -> Result<Option<Conversions>, LedgerError> {
        if self.path.as_os_str() == ":memory:" {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let ledger = Self::connect(&self.path, flags, None)?;
        if !is_kept {
            ledger.sqlite(|db| db.pragma_update(None, "query_only", true))?;
        }
        Ok(Some(Conversions { ledger: Mutex::new(ledger), is_kept }))
    }

    /// Forgets the results of a source's documents that are not wanted any more.
    pub fn forget_conversions(
        &mut self,
        source: &str,
        is_wanted: impl Fn(&DocPath) -> bool,
    ) -> Result<(), LedgerError> {
        let unwanted = self.sqlite(|db| {
            let mut select = db.prepare_cached("SELECT path FROM conversion WHERE source = ?1")?;
            let paths = select.query_map([source], |row| row.get::<_, String>(0))?;
            let mut unwanted: Vec<String> = paths.collect::<Result<_, _>>()?;
            unwanted.retain(|path| !is_wanted(&DocPath::new(path.as_str())));
            Ok(unwanted)
        })?;
        if unwanted.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            let mut delete = tx.prepare_cached("DELETE FROM conversion WHERE source = ?1 AND path = ?2")?;
            unwanted.iter().try_for_each(|path| delete.execute([source, path.as_str()]).map(drop))
        })
    }
}

impl Conversions {
    /// What was made of a document, if the key is the same.
    pub fn find(&self, source: &str, path: &DocPath, key: &[u8; 32]) -> Result<Option<String>, LedgerError> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.sqlite(|db| {
            let mut select =
                db.prepare_cached("SELECT html FROM conversion WHERE source = ?1 AND path = ?2 AND key = ?3")?;
            let mut rows = select.query(params![source, path.as_str(), key])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
    }

    /// Keeps what was made of a document in place of what was made of it before; `false`: nothing is kept here.
    pub fn keep(&self, source: &str, path: &DocPath, key: &[u8; 32], html: &str) -> Result<bool, LedgerError> {
        if !self.is_kept {
            return Ok(false);
        }
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.sqlite(|db| {
            let mut insert = db.prepare_cached(
                "INSERT OR REPLACE INTO conversion (source, path, key, html) VALUES (?1, ?2, ?3, ?4)",
            )?;
            insert.execute(params![source, path.as_str(), key, html]).map(|_| true)
        })
    }
}
