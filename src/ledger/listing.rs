//! The pages of a source as people look through them: found by text, by how they stand, a portion at a time.
//!
//! Owns how a page stands by what the ledger holds of it and of its document. Decides nothing of what is sent: that is the
//! plan's, which sees the source itself.

use rusqlite::{Row, params};

use super::{Ledger, LedgerError, damaged, hash32, text};
use crate::page::{ContentHash, DocPath, ExternalId, ImportSourceId};
use crate::render::Warning;

/// How a page stands. The order is that in which a person wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its document cannot be sent.
    Failing,
    /// Intercom does not take it.
    Rejected,
    /// The answer to a request for it is not known.
    InDoubt,
    /// Its document is gone or excluded: it is to be deleted, or held.
    Leaving,
    /// Its document has something that Fin has not yet.
    Waiting,
    /// Fin has what its document says.
    InFin,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Part of an id, a title or a url; empty: everything.
    pub words: String,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// How many are passed over.
    pub skip: u64,
    /// How many are wanted at most.
    pub limit: u32,
}

/// A portion of what was found.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The pages, by external id.
    pub pages: Vec<ListedPage>,
    /// How many have the words, by how they stand, in the order of [`Standing::ALL`].
    pub counts: [u64; 6],
}

/// A page, or a document that is to become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPage {
    /// Its id.
    pub external_id: ExternalId,
    /// Its document.
    pub path: DocPath,
    /// What Fin has as its title; before that, its document's.
    pub title: Option<Box<str>>,
    /// Where Fin links to.
    pub url: Option<Box<str>>,
    /// How it stands.
    pub standing: Standing,
    /// Why it fails, is rejected or leaves, where that is known.
    pub why: Option<Box<str>>,
    /// Unix seconds of Intercom's last answer for it.
    pub acknowledged_at: Option<i64>,
    /// What Intercom has acknowledged.
    pub acknowledged: Option<ContentHash>,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Failing, Self::Rejected, Self::InDoubt, Self::Leaving, Self::Waiting, Self::InFin];

    /// As it is sent and asked for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
            Self::Leaving => "leaving",
            Self::Waiting => "waiting",
            Self::InFin => "in_fin",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// Every page of an import source with its document, and every document and part that has no page yet.
const LISTED: &str = "\
WITH listed (id, path, title, url, at, hash, standing, why) AS (
  SELECT p.external_id, coalesce(p.path, p.external_id), coalesce(p.title, d.title), coalesce(p.url, d.url),
    p.acknowledged_at, p.content_hash,
    CASE
      WHEN d.kind = 'failed' THEN 'failing'
      WHEN p.rejected_hash IS NOT NULL THEN 'rejected'
      WHEN p.doubt IS NOT NULL THEN 'in_doubt'
      WHEN d.path IS NULL OR d.kind = 'excluded' THEN 'leaving'
      WHEN p.external_id = coalesce(d.external_id, d.path)
        THEN iif(p.content_hash IS d.content_hash, 'in_fin', 'waiting')
      WHEN part.path IS NULL THEN 'leaving'
      ELSE iif(p.content_hash IS part.content_hash, 'in_fin', 'waiting')
    END,
    CASE WHEN d.kind = 'failed' THEN d.reason WHEN p.rejected_hash IS NOT NULL THEN p.rejected_message ELSE d.reason END
  FROM page p
  LEFT JOIN document d ON d.source = ?1 AND d.path = coalesce(p.path, p.external_id)
  LEFT JOIN part ON part.source = ?1 AND part.path = d.path AND part.external_id = p.external_id
  WHERE p.import_source = ?2
  UNION ALL
  SELECT coalesce(d.external_id, d.path), d.path, d.title, d.url, NULL, NULL,
    iif(d.kind = 'failed', 'failing', 'waiting'), d.reason
  FROM document d
  WHERE d.source = ?1 AND d.kind <> 'excluded' AND NOT EXISTS (
    SELECT 1 FROM page p WHERE p.import_source = ?2 AND p.external_id = coalesce(d.external_id, d.path))
  UNION ALL
  SELECT t.external_id, t.path, t.title, t.url, NULL, NULL, 'waiting', NULL
  FROM part t
  WHERE t.source = ?1 AND NOT EXISTS (
    SELECT 1 FROM page p WHERE p.import_source = ?2 AND p.external_id = t.external_id)
)";
/// `?3` is a pattern with `\` before what is meant as it stands.
const HAS_WORDS: &str = "(?3 = '%%' OR id LIKE ?3 ESCAPE '\\' OR title LIKE ?3 ESCAPE '\\' OR url LIKE ?3 ESCAPE '\\')";

impl Ledger {
    /// The pages of a source that are looked for, of that import source.
    pub fn list_pages(
        &self,
        source: &str,
        import_source: Option<ImportSourceId>,
        search: &Search,
    ) -> Result<Listing, LedgerError> {
        let import_source = import_source.map(|id| id.0);
        let pattern = pattern(&search.words);
        self.sqlite(|db| {
            let mut listing = Listing::default();
            let sql = format!("{LISTED} SELECT standing, count(*) FROM listed WHERE {HAS_WORDS} GROUP BY standing");
            let mut counts = db.prepare_cached(&sql)?;
            let mut rows = counts.query(params![source, import_source, pattern])?;
            while let Some(row) = rows.next()? {
                let standing = standing(row, 0)?;
                listing.counts[standing as usize] = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
            }
            let sql = format!(
                "{LISTED} SELECT id, path, title, url, standing, why, at, hash FROM listed \
                 WHERE {HAS_WORDS} AND (?4 IS NULL OR standing = ?4) ORDER BY id LIMIT ?5 OFFSET ?6"
            );
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(
                params![
                    source,
                    import_source,
                    pattern,
                    search.standing.map(Standing::as_str),
                    search.limit,
                    i64::try_from(search.skip).unwrap_or(i64::MAX)
                ],
                listed,
            )?;
            listing.pages = rows.collect::<Result<_, _>>()?;
            Ok(listing)
        })
    }

    /// One page of a source, of that import source.
    pub fn listed_page(
        &self,
        source: &str,
        import_source: Option<ImportSourceId>,
        id: &ExternalId,
    ) -> Result<Option<ListedPage>, LedgerError> {
        self.sqlite(|db| {
            let sql =
                format!("{LISTED} SELECT id, path, title, url, standing, why, at, hash FROM listed WHERE id = ?3");
            let mut select = db.prepare_cached(&sql)?;
            let mut rows = select.query_map(params![source, import_source.map(|id| id.0), id.as_str()], listed)?;
            rows.next().transpose()
        })
    }

    /// When (unix seconds) Intercom last acknowledged a page of an import source.
    pub fn last_acknowledged(&self, import_source: ImportSourceId) -> Result<Option<i64>, LedgerError> {
        self.sqlite(|db| {
            db.prepare_cached("SELECT max(acknowledged_at) FROM page WHERE import_source = ?1")?
                .query_row([import_source.0], |row| row.get(0))
        })
    }

    /// What is to be mended in one document, in the order in which it was found.
    pub fn document_warnings(&self, source: &str, path: &DocPath) -> Result<Vec<Warning>, LedgerError> {
        self.sqlite(|db| {
            let mut select = db
                .prepare_cached("SELECT code, line, message FROM warning WHERE source = ?1 AND path = ?2 ORDER BY n")?;
            let rows = select.query_map(params![source, path.as_str()], |row| {
                Ok(Warning { code: row.get(0)?, line: row.get(1)?, message: row.get(2)? })
            })?;
            rows.collect()
        })
    }
}

fn pattern(words: &str) -> String {
    let mut pattern = String::from("%");
    for c in words.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn standing(row: &Row<'_>, column: usize) -> rusqlite::Result<Standing> {
    let word = row.get_ref(column)?.as_str().map_err(|e| damaged(column, e))?;
    Ok(Standing::named(word).expect("the query knows no other words"))
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedPage> {
    Ok(ListedPage {
        external_id: ExternalId::new(row.get_ref(0)?.as_str().map_err(|e| damaged(0, e))?),
        path: DocPath::new(row.get_ref(1)?.as_str().map_err(|e| damaged(1, e))?),
        title: text(row, 2)?,
        url: text(row, 3)?,
        standing: standing(row, 4)?,
        why: text(row, 5)?,
        acknowledged_at: row.get(6)?,
        acknowledged: hash32(row, 7)?.map(ContentHash),
    })
}
