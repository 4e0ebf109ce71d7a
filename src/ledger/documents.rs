//! The documents of each source as they were last seen.

use rusqlite::params;

use super::inputs::save_warnings;
use super::{Ledger, LedgerError, damaged, hash32, text};
use crate::page::{BodyHash, ContentHash, DocPath, ExternalId, Failure, Fingerprint, SourceHash};
use crate::plan::{Outline, State};
use crate::render::{Asked, Facts, Warning};

/// A document as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRow {
    /// Its place.
    pub path: DocPath,
    /// Equal now: unchanged. `None`: read it again.
    pub fingerprint: Option<Fingerprint>,
    /// What its bytes hash to.
    pub source_hash: Option<SourceHash>,
    /// Rendered with the very recipe that was asked about.
    pub current: bool,
    /// Its id.
    pub external_id: ExternalId,
    /// Where the site publishes it.
    pub url: Option<Box<str>>,
    /// What its front matter says, as JSON; `None`: nothing.
    pub facts: Option<Box<str>>,
    /// A page, or why not.
    pub state: State,
    /// The pages beyond the first that it was split into.
    pub parts: Vec<PartRow>,
}

/// A page beyond the first of a document that was split.
#[derive(Clone, Debug, PartialEq)]
pub struct PartRow {
    /// Its id.
    pub external_id: ExternalId,
    /// Where the site publishes it.
    pub url: Option<Box<str>>,
    /// What it is; its recipe and its dates are its document's.
    pub outline: Outline,
}

/// A document to be kept.
#[derive(Clone, Debug)]
pub struct SavedDocument {
    /// What is kept of it; `current` is not.
    pub row: DocumentRow,
    /// What its render asked for.
    pub asked: Vec<Asked>,
    /// What is to be mended in it.
    pub warnings: Vec<Warning>,
}

/// What [`document`] reads.
pub(super) const DOCUMENT_COLUMNS: &str = "path, fingerprint, source_hash, recipe, external_id, facts, kind, reason, code, \
     content_hash, body, title, url, html_bytes, not_before, not_after";

impl Ledger {
    /// The documents of a source, sorted by path.
    pub fn documents(&self, source: &str, recipe: &[u8]) -> Result<Vec<DocumentRow>, LedgerError> {
        self.sqlite(|db| {
            let select = format!("SELECT {DOCUMENT_COLUMNS} FROM document WHERE source = ?1 ORDER BY path");
            let mut select = db.prepare_cached(&select)?;
            let rows = select.query_map([source], |row| document(row, recipe))?;
            let mut rows: Vec<DocumentRow> = rows.collect::<Result<_, _>>()?;
            let mut select = db.prepare_cached(
                "SELECT path, external_id, content_hash, body, title, url, html_bytes FROM part WHERE source = ?1",
            )?;
            let mut parts = select.query([source])?;
            while let Some(row) = parts.next()? {
                let path = row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?;
                if let Ok(at) = rows.binary_search_by(|document| document.path.as_str().cmp(path)) {
                    let document = &mut rows[at];
                    document.parts.push(part(row, document)?);
                }
            }
            Ok(rows)
        })
    }

    /// The fingerprints of a source's documents that were rendered by this recipe, sorted by path.
    pub fn fingerprints(&self, source: &str, recipe: &[u8]) -> Result<Vec<(DocPath, Fingerprint)>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT path, fingerprint FROM document WHERE source = ?1 AND recipe = ?2 AND fingerprint IS NOT NULL \
                 ORDER BY path",
            )?;
            let rows = select.query_map(params![source, recipe], |row| {
                let (path, fingerprint): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                Ok((DocPath::new(path), Fingerprint(fingerprint.into())))
            })?;
            rows.collect()
        })
    }

    /// Calls back with everything that the renders of a source asked for, by document.
    pub fn each_asked(&self, source: &str, mut each: impl FnMut(&str, Vec<Asked>)) -> Result<(), LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached("SELECT path, answers FROM asked WHERE source = ?1")?;
            let mut rows = select.query([source])?;
            while let Some(row) = rows.next()? {
                let asked = serde_json::from_str(row.get_ref(1)?.as_str().map_err(|e| damaged(1, e))?);
                each(row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?, asked.map_err(|e| damaged(1, e))?);
            }
            Ok(())
        })
    }

    /// Keeps what was seen of some documents, in one transaction.
    pub fn save_documents(
        &mut self,
        source: &str,
        recipe: &[u8],
        documents: &[SavedDocument],
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT OR REPLACE INTO document (source, path, fingerprint, source_hash, recipe, external_id, facts, \
                 kind, reason, code, content_hash, body, title, url, html_bytes, not_before, not_after, warnings) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?;
            let mut forget = tx.prepare_cached("DELETE FROM asked WHERE source = ?1 AND path = ?2")?;
            let mut ask =
                tx.prepare_cached("INSERT OR REPLACE INTO asked (source, path, answers) VALUES (?1, ?2, ?3)")?;
            for SavedDocument { row, asked, warnings } in documents {
                if asked.is_empty() {
                    forget.execute([source, row.path.as_str()])?;
                } else {
                    let answers = serde_json::to_string(asked)
                        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
                    ask.execute([source, row.path.as_str(), answers.as_str()])?;
                }
                let own_id = row.external_id != ExternalId::from(&row.path);
                let (kind, reason, code, page) = match &row.state {
                    State::Page(page) => ("page", None, None, Some(page)),
                    State::Excluded(reason) => ("excluded", Some(&**reason), None, None),
                    State::Failed(failure) => {
                        ("failed", Some(failure.message.as_str()), Some(failure.code.as_str()), None)
                    }
                };
                insert.execute(params![
                    source,
                    row.path.as_str(),
                    row.fingerprint.as_ref().map(|f| &*f.0),
                    row.source_hash.map(|h| h.0),
                    recipe,
                    own_id.then(|| row.external_id.as_str()),
                    row.facts,
                    kind,
                    reason,
                    code,
                    page.map(|p| p.content_hash.0),
                    page.map(|p| p.body.0.cast_signed()),
                    page.map(|p| &*p.title),
                    row.url,
                    page.map(|p| i64::try_from(p.html_bytes).unwrap_or(i64::MAX)),
                    page.and_then(|p| p.not_before),
                    page.and_then(|p| p.not_after),
                    i64::try_from(warnings.len()).unwrap_or(i64::MAX),
                ])?;
                save_warnings(tx, source, &row.path, warnings)?;
                save_parts(tx, source, row)?;
            }
            Ok(())
        })
    }

    /// Gives documents whose bytes are the same the fingerprint that they have now.
    pub fn touch_documents(
        &mut self,
        source: &str,
        touched: &[(DocPath, Option<Fingerprint>)],
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut update =
                tx.prepare_cached("UPDATE document SET fingerprint = ?3 WHERE source = ?1 AND path = ?2")?;
            for (path, fingerprint) in touched {
                update.execute(params![source, path.as_str(), fingerprint.as_ref().map(|f| &*f.0)])?;
            }
            Ok(())
        })
    }

    /// Forgets documents that a complete scan did not find.
    pub fn forget_documents(&mut self, source: &str, paths: &[DocPath]) -> Result<(), LedgerError> {
        self.write(|tx| {
            let mut delete = tx.prepare_cached("DELETE FROM document WHERE source = ?1 AND path = ?2")?;
            let mut forget = tx.prepare_cached("DELETE FROM asked WHERE source = ?1 AND path = ?2")?;
            for path in paths {
                delete.execute([source, path.as_str()])?;
                forget.execute([source, path.as_str()])?;
                save_warnings(tx, source, path, &[])?;
                drop_parts(tx, source, path)?;
            }
            Ok(())
        })
    }

    /// How many documents of a source are pages, are excluded, have failed; and how many warnings they gave.
    pub fn count_documents(&self, source: &str) -> Result<[u64; 4], LedgerError> {
        self.sqlite(|db| {
            db.query_row(
                "SELECT total(kind = 'page'), total(kind = 'excluded'), total(kind = 'failed'), total(warnings) \
                 FROM document WHERE source = ?1",
                [source],
                |row| {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
                    let count = |column| row.get::<_, f64>(column).map(|n| n as u64);
                    Ok([count(0)?, count(1)?, count(2)?, count(3)?])
                },
            )
        })
    }

    /// The documents of a source that fail, with why; at most `limit`.
    pub fn failed_documents(&self, source: &str, limit: u32) -> Result<Vec<(DocPath, Failure)>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db.prepare_cached(
                "SELECT path, code, reason FROM document WHERE source = ?1 AND kind = 'failed' ORDER BY path LIMIT ?2",
            )?;
            let rows = select.query_map(params![source, limit], |row| {
                let failure = Failure::new(
                    row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                    row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                );
                Ok((DocPath::new(row.get::<_, String>(0)?), failure))
            })?;
            rows.collect()
        })
    }
}

impl DocumentRow {
    /// What its front matter says.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        self.facts.as_deref().map_or(Some(Facts::default()), |json| serde_json::from_str(json).ok())
    }
}

/// The first 8 bytes of a recipe, as plans have it.
#[must_use]
pub fn recipe_tag(recipe: &[u8]) -> u64 {
    recipe.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

pub(super) fn part(row: &rusqlite::Row<'_>, document: &DocumentRow) -> rusqlite::Result<PartRow> {
    // A part has its document's dates.
    let (recipe, not_before, not_after) = match &document.state {
        State::Page(page) => (page.recipe, page.not_before, page.not_after),
        State::Excluded(_) | State::Failed(_) => (0, None, None),
    };
    Ok(PartRow {
        external_id: ExternalId::new(row.get_ref(1)?.as_str().map_err(|e| damaged(1, e))?),
        url: text(row, 5)?,
        outline: Outline {
            content_hash: ContentHash(hash32(row, 2)?.unwrap_or_default()),
            body: BodyHash(row.get::<_, i64>(3)?.cast_unsigned()),
            recipe,
            title: text(row, 4)?.unwrap_or_default(),
            html_bytes: u64::try_from(row.get::<_, i64>(6)?).unwrap_or_default(),
            not_before,
            not_after,
        },
    })
}

/// Keeps the parts of a document. Of one that fails, those that it had stay: Fin has them still.
fn save_parts(tx: &rusqlite::Transaction<'_>, source: &str, row: &DocumentRow) -> rusqlite::Result<()> {
    if matches!(row.state, State::Failed(_)) {
        return Ok(());
    }
    drop_parts(tx, source, &row.path)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO part (source, path, external_id, content_hash, body, title, url, html_bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for PartRow { external_id, url, outline } in &row.parts {
        insert.execute(params![
            source,
            row.path.as_str(),
            external_id.as_str(),
            outline.content_hash.0,
            outline.body.0.cast_signed(),
            &*outline.title,
            url,
            i64::try_from(outline.html_bytes).unwrap_or(i64::MAX),
        ])?;
    }
    Ok(())
}

fn drop_parts(tx: &rusqlite::Transaction<'_>, source: &str, path: &DocPath) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM part WHERE source = ?1 AND path = ?2")?.execute([source, path.as_str()]).map(drop)
}

pub(super) fn document(row: &rusqlite::Row<'_>, recipe: &[u8]) -> rusqlite::Result<DocumentRow> {
    let path = DocPath::new(row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?);
    let external_id = match text(row, 4)? {
        Some(id) => ExternalId::new(id),
        None => ExternalId::from(&path),
    };
    let fingerprint = match row.get_ref(1)? {
        rusqlite::types::ValueRef::Null => None,
        value => Some(Fingerprint(value.as_blob().map_err(|e| damaged(1, e))?.into())),
    };
    let kind = row.get_ref(6)?.as_str().map_err(|e| damaged(6, e))?;
    let state = match (kind, hash32(row, 9)?, text(row, 11)?) {
        ("page", Some(hash), Some(title)) => State::Page(Outline {
            content_hash: ContentHash(hash),
            body: BodyHash(row.get::<_, Option<i64>>(10)?.unwrap_or_default().cast_unsigned()),
            recipe: row.get_ref(3)?.as_blob().map(recipe_tag).unwrap_or_default(),
            title,
            html_bytes: u64::try_from(row.get::<_, Option<i64>>(13)?.unwrap_or_default()).unwrap_or_default(),
            not_before: row.get(14)?,
            not_after: row.get(15)?,
        }),
        ("excluded", ..) => State::Excluded(text(row, 7)?.unwrap_or_default()),
        _ => {
            State::Failed(Box::new(Failure::new(text(row, 8)?.unwrap_or_default(), text(row, 7)?.unwrap_or_default())))
        }
    };
    Ok(DocumentRow {
        path,
        fingerprint,
        source_hash: hash32(row, 2)?.map(SourceHash),
        current: row.get_ref(3)?.as_blob().is_ok_and(|made_with| made_with == recipe),
        external_id,
        url: text(row, 12)?,
        facts: text(row, 5)?,
        state,
        parts: Vec::new(),
    })
}
