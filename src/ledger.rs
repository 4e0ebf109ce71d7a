//! The ledger: what every document was when last seen, what Intercom has acknowledged, and what is in doubt. SQLite.
//!
//! Owns its file, its schema and its lock; all of the ledger's SQL is here. Holds observations, no queue of work: a crash
//! just plans again. It keeps I1's half on this side: [`Ledger::mark`] is on the disk before a request is sent.
//!
//! - **One applier, readers beside it.** The applier holds a lock on `<ledger>.lock`; readers use WAL and take no lock.
//! - **Durability.** Everything is committed with `synchronous=NORMAL`, so that a crash of the process loses nothing and a
//!   crash of the machine loses a suffix at most; marks are committed with `FULL`. What a lost suffix forgets is planned
//!   again: an answer (its page stays in doubt), an observation (its document is read again).
//! - **Files.** The `-wal` beside it stays when the process ends: it belongs to the ledger, and is copied with it.
//! - **Schema.** `migrations/NNNN_*.sql`, append-only; their number is `user_version`. A newer one is refused.
//! - **Rights.** Its owner's and its group's only: it holds titles, and what converters made of documents.
//! - **Trust.** The file is input like any other: what does not parse is an error that names the file, never a panic.

mod conversions;
mod documents;
mod glance;
mod inputs;
mod listing;
mod pages;
mod sources;
#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use uuid::Uuid;

pub use conversions::Conversions;
pub use documents::{DocumentRow, PartRow, SavedDocument, recipe_tag};
pub use inputs::{InputRow, WarningKind};
pub use listing::{ListedPage, Listing, Search, Standing};
pub use pages::{Ack, Mark, Rejection};
pub use sources::{Adopted, CycleRow, ImportSourceRow, SourceRow};

/// `finm`, so that another program's database is not taken for ours.
const APPLICATION_ID: i32 = 0x6669_6e6d;
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_ledger.sql"),
    include_str!("../migrations/0002_inputs.sql"),
    include_str!("../migrations/0003_conversion.sql"),
    include_str!("../migrations/0004_revision.sql"),
    include_str!("../migrations/0005_claims.sql"),
];

/// The ledger, open. Whoever holds one from [`Ledger::open`] is the applier.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    path: PathBuf,
    /// Released by the kernel when the process ends, however it ends.
    lock: Option<Arc<File>>,
}

/// Why the ledger cannot be used. All of them end the program before anything is done.
///
/// Each tells its cause in its own words, and so has no source, which would be told a second time.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Somebody else applies.
    #[error("the ledger `{0}` is locked: another finmirror is working with it; wait for it, or give `--lock-wait 60s`")]
    Locked(PathBuf),
    /// SQLite's locks and shared memory do not hold there.
    #[error(
        "the ledger `{path}` is on a network file system ({kind}), where its locks do not hold: put it on a local disk"
    )]
    NetworkFileSystem {
        /// The ledger.
        path: PathBuf,
        /// Which file system.
        kind: &'static str,
    },
    /// A later version wrote it.
    #[error(
        "the ledger `{path}` has schema {found}, this finmirror knows {known}: use the newer finmirror that wrote it"
    )]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// It is no ledger.
    #[error("`{0}` is not a ledger of finmirror: give another `ledger.path`")]
    Foreign(PathBuf),
    /// It mirrors into another place.
    #[error(
        "the ledger `{path}` belongs to `{found}`, the configuration says `{wanted}`: give each its own `ledger.path`"
    )]
    OtherRemote {
        /// The ledger.
        path: PathBuf,
        /// Where it mirrors into.
        found: String,
        /// Where the configuration wants to mirror into.
        wanted: String,
    },
    /// The folder or the file cannot be made.
    #[error("cannot use the ledger `{path}`: {cause}{}", io_advice(cause))]
    Io {
        /// The ledger or its folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// SQLite's own trouble, a damaged file among it.
    #[error("cannot use the ledger `{path}`: {cause}{}", advice(cause))]
    Sqlite {
        /// The ledger.
        path: PathBuf,
        /// Why.
        cause: rusqlite::Error,
    },
}

impl Ledger {
    /// Opens the ledger to apply: makes it where it is not there, migrates it, and holds its lock until dropped.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let io = |cause| LedgerError::Io { path: path.to_owned(), cause };
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(io)?;
        }
        refuse_network_file_system(path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(lock_path(path)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Locked(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        // SQLite gives the files that it makes beside this one the same rights.
        File::options().create(true).truncate(false).write(true).mode(0o640).open(path).map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(path, flags, Some(Arc::new(lock)))?;
        let version = ledger.checked_version()?;
        keep_from_others(path);
        ledger.sqlite(|db| {
            db.pragma_update(None, "journal_mode", "wal")?;
            db.pragma_update(None, "application_id", APPLICATION_ID)
        })?;
        ledger.migrate(version)?;
        Ok(ledger)
    }

    /// Another connection of the same applier, for a source whose cycle runs beside another's. SQLite lets their writes pass
    /// one after the other; each is short.
    pub fn beside(&self) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::connect(&self.path, flags, self.lock.clone())
    }

    /// Opens the ledger to look; `None` where there is none. Takes no lock and changes nothing.
    pub fn read(path: &Path) -> Result<Option<Self>, LedgerError> {
        if !path.exists() {
            return Ok(None);
        }
        let ledger = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX, None)?;
        match ledger.checked_version()? {
            0 => Ok(None),
            version => {
                let ledger = if version < MIGRATIONS.len() { Self::copy_of_older(path, version)? } else { ledger };
                ledger.sqlite(|db| db.pragma_update(None, "query_only", true))?;
                Ok(Some(ledger))
            }
        }
    }

    /// An older ledger in memory as this version has it: what a newer finmirror would do can be looked at before its first
    /// run brings the file itself up to date.
    fn copy_of_older(path: &Path, version: usize) -> Result<Self, LedgerError> {
        // SQLite's `memdb` holds it, which connections of this process share by name.
        let name = format!("file:/finmirror-{}?vfs=memdb", Uuid::now_v7().simple());
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let mut copy = Self::connect(Path::new(&name), flags | OpenFlags::SQLITE_OPEN_CREATE, None)?;
        let older = Self::connect(path, flags, None)?;
        older.sqlite(|db| db.execute("VACUUM INTO ?1", [&name]).map(drop))?;
        path.clone_into(&mut copy.path);
        copy.migrate(version)?;
        Ok(copy)
    }

    /// An empty ledger that is kept nowhere.
    pub fn in_memory() -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(Path::new(":memory:"), flags, None)?;
        ledger.migrate(0)?;
        Ok(ledger)
    }

    /// Ties the ledger to the place that it mirrors into, or refuses another one than it is tied to.
    pub fn bind(&mut self, base_url: &str) -> Result<(), LedgerError> {
        let found = self.base_url()?;
        match found {
            Some(found) if found == base_url => Ok(()),
            Some(found) => {
                Err(LedgerError::OtherRemote { path: self.path.clone(), found, wanted: base_url.to_owned() })
            }
            None => self
                .sqlite(|db| db.execute("INSERT INTO meta (key, value) VALUES ('base_url', ?1)", [base_url]).map(drop)),
        }
    }

    /// The place that the ledger is tied to.
    pub fn base_url(&self) -> Result<Option<String>, LedgerError> {
        self.sqlite(|db| {
            let mut found = db.prepare_cached("SELECT value FROM meta WHERE key = 'base_url'")?;
            let mut rows = found.query([])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })
    }

    /// Where the ledger is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path, flags: OpenFlags, lock: Option<Arc<File>>) -> Result<Self, LedgerError> {
        let sqlite = |cause| LedgerError::Sqlite { path: path.to_owned(), cause };
        let db = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        let ledger = Self { db, path: path.to_owned(), lock };
        ledger.sqlite(|db| {
            db.busy_timeout(Duration::from_secs(10))?;
            db.pragma_update(None, "trusted_schema", false)?;
            db.pragma_update(None, "synchronous", "normal")?;
            // Without it every run would pay three syncs at its end for what the next one does as well.
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            db.set_prepared_statement_cache_capacity(64);
            Ok(())
        })?;
        Ok(ledger)
    }

    /// The schema's version, 0 for an empty file; refuses what is not ours.
    fn checked_version(&self) -> Result<usize, LedgerError> {
        let (application, version, tables) = self.sqlite(|db| {
            Ok((
                db.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))?,
                db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?,
                db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?,
            ))
        })?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        // A crash between the first pragma and the first migration leaves a file of ours without tables.
        if tables == 0 && version == 0 && (application == 0 || application == APPLICATION_ID) {
            return Ok(0);
        }
        if application != APPLICATION_ID {
            return Err(LedgerError::Foreign(self.path.clone()));
        }
        if version > MIGRATIONS.len() {
            return Err(LedgerError::Newer { path: self.path.clone(), found: version, known: MIGRATIONS.len() });
        }
        Ok(version)
    }

    fn migrate(&mut self, version: usize) -> Result<(), LedgerError> {
        for (position, migration) in MIGRATIONS.iter().enumerate().skip(version) {
            self.write(|tx| {
                tx.execute_batch(migration)?;
                tx.pragma_update(None, "user_version", i64::try_from(position + 1).unwrap_or(i64::MAX))
            })?;
        }
        Ok(())
    }

    fn sqlite<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        work(&self.db).map_err(|cause| LedgerError::Sqlite { path: self.path.clone(), cause })
    }

    /// One transaction that survives the process.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        let path = self.path.clone();
        let all = || {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        all().map_err(|cause| LedgerError::Sqlite { path, cause })
    }

    /// One transaction that survives the machine.
    fn write_synced<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        self.sqlite(|db| db.pragma_update(None, "synchronous", "full"))?;
        let done = self.write(work);
        self.sqlite(|db| db.pragma_update(None, "synchronous", "normal"))?;
        done
    }
}

fn lock_path(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Takes the rights of everybody else from the files of a ledger, which holds what documents say. Those of the group stay:
/// whoever looks at the status may be another user.
fn keep_from_others(path: &Path) {
    for file in ["", "-wal", "-shm"].map(|suffix| beside(path, suffix)) {
        let Ok(mode) = fs::metadata(&file).map(|file| file.permissions().mode()) else { continue };
        if mode & 0o007 != 0 {
            // Where a file system has no such rights there are none to take.
            let _ = fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o7770));
        }
    }
}

/// The magic numbers are those of statfs(2).
fn refuse_network_file_system(path: &Path) -> Result<(), LedgerError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(found) = rustix::fs::statfs(folder) else { return Ok(()) };
    let kind = match u32::try_from(found.f_type & 0xffff_ffff).unwrap_or_default() {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x00c3_6400 => "CephFS",
        0x0102_1997 => "9P",
        0x0bd0_0bd0 => "Lustre",
        0x5346_414f => "AFS",
        0x7461_636f => "OCFS2",
        0x4750_4653 => "GPFS",
        _ => return Ok(()),
    };
    Err(LedgerError::NetworkFileSystem { path: path.to_owned(), kind })
}

/// What to do about the system's more frequent troubles.
fn io_advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied => "; let finmirror's user write in its folder, or set `ledger.path`",
        ErrorKind::ReadOnlyFilesystem => "; set `ledger.path` to a place that may be written",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some space on its disk",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "; a file is where its folder should be: move it away",
        _ => "",
    }
}

/// What to do about SQLite's more frequent troubles.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            "; move it away: the pages are then found again by listing, and nothing that is the same is sent again"
        }
        Some(rusqlite::ErrorCode::DiskFull) => "; free some space on its disk",
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => "; look at the rights of its folder",
        _ => "",
    }
}

/// A blob that is a SHA-256.
fn hash32(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<[u8; 32]>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        value => {
            let bytes = value.as_blob().map_err(|e| damaged(column, e))?;
            bytes.try_into().map(Some).map_err(|e| damaged(column, e))
        }
    }
}

/// A value that no version of finmirror writes.
fn damaged(column: usize, why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, Box::new(why))
}

fn text(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Box<str>>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_str().map_err(|e| damaged(column, e))?.into())),
    }
}
