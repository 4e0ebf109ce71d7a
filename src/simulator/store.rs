//! The stand-in's state in SQLite, in memory or in a file: all of its SQL, and nothing but SQL.
//!
//! What is right or wrong to ask is the model's affair. Each change is one transaction, in the file before it is
//! answered: with the write-ahead log a killed process loses none, though a machine that loses power may, for nothing
//! is synced; a stand-in need not survive that. Listings read an index until they come to the rows that are wanted.

mod events;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, Row, Statement, named_params, params};

use super::answer::{StoredPage, StoredSource};
use super::call::{PageText, Window};

/// `FINS`, in the file's header: it is ours.
const APPLICATION_ID: i32 = 0x4649_4e53;

/// The schema that this program writes.
const SCHEMA_VERSION: i32 = 1;

const SCHEMA: &str = include_str!("store/schema.sql");

/// The statements of all calls fit.
const STATEMENTS: usize = 64;

pub(super) struct Store {
    db: Connection,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("it is a database of something else: name a file that the simulator may make")]
    Foreign,
    #[error("it was written by a newer version (schema `{0}`): update finmirror, or name another file")]
    Newer(i32),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Store {
    /// Opens a file, or state in memory; makes what is not there.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let mut db = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        db.busy_timeout(Duration::from_secs(10))?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "trusted_schema", false)?;
        let (application, version) = header(&db)?;
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0) {
            return Err(OpenError::Foreign);
        }
        if version > SCHEMA_VERSION {
            return Err(OpenError::Newer(version));
        }
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        db.pragma_update(None, "foreign_keys", true)?;
        let make = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if header(&make)?.1 == 0 {
            make.execute_batch(SCHEMA)?;
            make.pragma_update(None, "application_id", APPLICATION_ID)?;
            make.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        make.commit()?;
        Ok(Self { db })
    }

    pub(super) fn sources(&self, window: Window) -> rusqlite::Result<(Vec<StoredSource>, u64)> {
        let total = self.count("SELECT count(*) FROM content_import_source")?;
        let mut statement =
            self.db.prepare_cached("SELECT * FROM content_import_source ORDER BY id LIMIT ? OFFSET ?")?;
        let rows = statement.query_map(limits(window), source)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    pub(super) fn source(&self, id: i64) -> rusqlite::Result<Option<StoredSource>> {
        self.db.prepare_cached("SELECT * FROM content_import_source WHERE id = ?")?.query_row([id], source).optional()
    }

    /// What a page needs to know of its source: how it is fed.
    pub(super) fn sync_behavior(&self, source_id: i64) -> rusqlite::Result<Option<String>> {
        self.db
            .prepare_cached("SELECT sync_behavior FROM content_import_source WHERE id = ?")?
            .query_row([source_id], |row| row.get(0))
            .optional()
    }

    pub(super) fn insert_source(
        &self,
        url: &str,
        sync_behavior: &str,
        status: &str,
        audience_ids: &[i64],
        now_s: i64,
    ) -> rusqlite::Result<StoredSource> {
        let mut statement = self.db.prepare_cached(
            "INSERT INTO content_import_source
                (url, sync_behavior, status, audience_ids, created_at, updated_at, last_synced_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5) RETURNING *",
        )?;
        returned(&mut statement, params![url, sync_behavior, status, ids_text(audience_ids), now_s], source)?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// Writes a source that was read and changed.
    pub(super) fn write_source(&self, source: &StoredSource) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "UPDATE content_import_source SET url = ?2, status = ?3, audience_ids = ?4, updated_at = ?5
                 WHERE id = ?1",
            )?
            .execute(params![
                source.id,
                source.url,
                source.status,
                ids_text(&source.audience_ids),
                source.updated_at
            ])?;
        Ok(())
    }

    /// Deletes a source with all of its pages; whether it was there.
    pub(super) fn delete_source(&self, id: i64) -> rusqlite::Result<bool> {
        Ok(self.db.prepare_cached("DELETE FROM content_import_source WHERE id = ?")?.execute([id])? > 0)
    }

    /// Creates or updates a page: a switch that is not given is off on a new page and stays on an old one.
    pub(super) fn upsert_page(&self, page: PageText, now_s: i64) -> rusqlite::Result<StoredPage> {
        let mut statement = self.db.prepare_cached(
            "INSERT INTO external_page (source_id, external_id, title, url, locale,
                ai_agent, ai_copilot, ai_sales_agent, created_at, updated_at, html)
             VALUES (:source_id, :external_id, :title, :url, :locale,
                coalesce(:agent, 0), coalesce(:copilot, 0), coalesce(:sales, 0), :now, :now, :html)
             ON CONFLICT (source_id, external_id) DO UPDATE SET title = :title, url = :url, locale = :locale,
                ai_agent = coalesce(:agent, ai_agent), ai_copilot = coalesce(:copilot, ai_copilot),
                ai_sales_agent = coalesce(:sales, ai_sales_agent), updated_at = :now, html = :html
             RETURNING id, ai_agent, ai_copilot, ai_sales_agent, created_at",
        )?;
        let parameters = named_params! {
            ":source_id": page.source_id, ":external_id": page.external_id, ":title": page.title, ":url": page.url,
            ":locale": page.locale, ":agent": page.ai_agent_availability, ":copilot": page.ai_copilot_availability,
            ":sales": page.ai_sales_agent_availability, ":now": now_s, ":html": page.html,
        };
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        let (id, ai_agent, ai_copilot, ai_sales_agent, created_at) =
            returned(&mut statement, parameters, row)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let PageText { title, html, url, locale, source_id, external_id, .. } = page;
        Ok(StoredPage {
            id,
            source_id,
            external_id,
            title,
            html,
            url,
            locale,
            ai_agent,
            ai_copilot,
            ai_sales_agent,
            created_at,
            updated_at: now_s,
        })
    }

    pub(super) fn page(&self, id: i64) -> rusqlite::Result<Option<StoredPage>> {
        self.db.prepare_cached("SELECT * FROM external_page WHERE id = ?")?.query_row([id], page).optional()
    }

    /// The id of the page that has an external id in a source.
    pub(super) fn page_id(&self, source_id: i64, external_id: &str) -> rusqlite::Result<Option<i64>> {
        self.db
            .prepare_cached("SELECT id FROM external_page WHERE source_id = ? AND external_id = ?")?
            .query_row(params![source_id, external_id], |row| row.get(0))
            .optional()
    }

    /// Writes a page that was read and changed.
    pub(super) fn write_page(&self, page: &StoredPage) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "UPDATE external_page SET source_id = :source_id, external_id = :external_id, title = :title,
                    url = :url, locale = :locale, ai_agent = :agent, ai_copilot = :copilot,
                    ai_sales_agent = :sales, updated_at = :now, html = :html
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":id": page.id, ":source_id": page.source_id, ":external_id": page.external_id, ":title": page.title,
                ":url": page.url, ":locale": page.locale, ":agent": page.ai_agent, ":copilot": page.ai_copilot,
                ":sales": page.ai_sales_agent, ":now": page.updated_at, ":html": page.html,
            })?;
        Ok(())
    }

    /// Deletes a page; what it was.
    pub(super) fn delete_page(&self, id: i64) -> rusqlite::Result<Option<StoredPage>> {
        let mut statement = self.db.prepare_cached("DELETE FROM external_page WHERE id = ? RETURNING *")?;
        returned(&mut statement, [id], page)
    }

    /// A part of the listing of the workspace, newest first as Intercom lists them.
    pub(super) fn pages(&self, window: Window) -> rusqlite::Result<(Vec<StoredPage>, u64)> {
        let total = self.page_count()?;
        let mut statement = self.db.prepare_cached(
            "SELECT * FROM external_page WHERE id IN (
                SELECT id FROM external_page INDEXED BY external_page_in_order
                ORDER BY id DESC LIMIT ? OFFSET ?)
             ORDER BY id DESC",
        )?;
        let rows = statement.query_map(limits(window), page)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    pub(super) fn page_count(&self) -> rusqlite::Result<u64> {
        self.count("SELECT count(*) FROM external_page")
    }

    /// How many pages each source has.
    pub(super) fn page_counts(&self) -> rusqlite::Result<Vec<(i64, u64)>> {
        let mut statement =
            self.db.prepare_cached("SELECT source_id, count(*) FROM external_page GROUP BY source_id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        rows.collect()
    }

    /// Every page after an id, oldest first, at most so many: for walking through all of them.
    pub(super) fn pages_after(&self, id: i64, limit: u64) -> rusqlite::Result<Vec<StoredPage>> {
        let mut statement = self.db.prepare_cached("SELECT * FROM external_page WHERE id > ? ORDER BY id LIMIT ?")?;
        let rows = statement.query_map(params![id, signed(limit)], page)?;
        rows.collect()
    }

    /// Pages without their html whose title, external id or url contains a text, newest first, with their number.
    pub(super) fn search(
        &self,
        source_id: Option<i64>,
        text: &str,
        window: Window,
    ) -> rusqlite::Result<(Vec<StoredPage>, u64)> {
        const FOUND: &str = "FROM external_page WHERE (:source IS NULL OR source_id = :source) AND (:text = ''
            OR instr(lower(title), :text) OR instr(lower(external_id), :text) OR instr(lower(coalesce(url, '')), :text))";
        // SQLite's `lower` knows ASCII alone, so the text that is looked for is lowered no further.
        let text = text.to_ascii_lowercase();
        let total = self
            .db
            .prepare_cached(&format!("SELECT count(*) {FOUND}"))?
            .query_row(named_params! {":source": source_id, ":text": text}, |row| row.get(0))
            .map(unsigned)?;
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT id, source_id, external_id, title, '' AS html, url, locale, ai_agent, ai_copilot, ai_sales_agent,
                created_at, updated_at {FOUND} ORDER BY id DESC LIMIT :limit OFFSET :offset"
        ))?;
        let rows = statement.query_map(
            named_params! {
                ":source": source_id, ":text": text,
                ":limit": signed(window.per_page), ":offset": offset(window),
            },
            page,
        )?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    fn count(&self, sql: &str) -> rusqlite::Result<u64> {
        self.db.prepare_cached(sql)?.query_row([], |row| row.get(0)).map(unsigned)
    }
}

/// The one row, if any, of a statement that changes something. It is run to its end: only there is the change committed,
/// and only there does a failure to keep it show.
fn returned<T>(
    statement: &mut Statement<'_>,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut rows = statement.query(parameters)?;
    let row = rows.next()?.map(read).transpose()?;
    while rows.next()?.is_some() {}
    Ok(row)
}

fn header(db: &Connection) -> rusqlite::Result<(i32, i32)> {
    let application = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((application, version))
}

fn offset(window: Window) -> i64 {
    signed(window.page.saturating_sub(1).saturating_mul(window.per_page))
}

fn limits(window: Window) -> [i64; 2] {
    [signed(window.per_page), offset(window)]
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Ids as a JSON array.
fn ids_text(ids: &[i64]) -> String {
    format!("{ids:?}")
}

fn source(row: &Row<'_>) -> rusqlite::Result<StoredSource> {
    let audience_ids: String = row.get("audience_ids")?;
    Ok(StoredSource {
        id: row.get("id")?,
        url: row.get("url")?,
        sync_behavior: row.get("sync_behavior")?,
        status: row.get("status")?,
        audience_ids: serde_json::from_str(&audience_ids).unwrap_or_default(),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        last_synced_at: row.get("last_synced_at")?,
    })
}

fn page(row: &Row<'_>) -> rusqlite::Result<StoredPage> {
    Ok(StoredPage {
        id: row.get("id")?,
        source_id: row.get("source_id")?,
        external_id: row.get("external_id")?,
        title: row.get("title")?,
        html: row.get("html")?,
        url: row.get("url")?,
        locale: row.get("locale")?,
        ai_agent: row.get("ai_agent")?,
        ai_copilot: row.get("ai_copilot")?,
        ai_sales_agent: row.get("ai_sales_agent")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
