//! What the ledger promises of its file: one applier, refusals, durability of marks.

use super::*;
use crate::page::{DocPath, Doubt, ExternalId, ImportSourceId, PageId};

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("state/ledger.db")).unwrap();
    (folder, ledger)
}

fn with_source(ledger: &mut Ledger) -> ImportSourceId {
    let source = crate::remote::ImportSource {
        id: ImportSourceId(7),
        url: "https://docs.example.com/".into(),
        api: true,
        active: true,
        audience_ids: vec![],
        created_at: 1,
    };
    let row =
        ImportSourceRow { source, name: "docs".into(), adopted: Adopted::Own, foreign_pages: 0, gone_since: None };
    ledger.save_import_source("docs", &row).unwrap();
    ImportSourceId(7)
}

#[test]
fn a_second_applier_is_refused_and_readers_are_not() {
    let (folder, ledger) = ledger();
    let path = folder.path().join("state/ledger.db");
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Locked(_))));
    assert!(Ledger::read(&path).unwrap().is_some());
    drop(ledger);
    Ledger::open(&path).unwrap();
}

#[test]
fn another_place_a_newer_schema_and_a_foreign_file_are_refused() {
    let (folder, mut ledger) = ledger();
    let path = folder.path().join("state/ledger.db");
    ledger.bind("https://api.intercom.io/").unwrap();
    ledger.bind("https://api.intercom.io/").unwrap();
    assert!(matches!(ledger.bind("https://api.eu.intercom.io/"), Err(LedgerError::OtherRemote { .. })));
    ledger.db.pragma_update(None, "user_version", 99).unwrap();
    drop(ledger);
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Newer { found: 99, .. })));

    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Ledger::open(&foreign), Err(LedgerError::Foreign(_))));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "no database at all ".repeat(100)).unwrap();
    let error = Ledger::open(&text).unwrap_err().to_string();
    assert!(error.contains("move it away"), "{error}");
}

#[test]
fn nobody_but_owner_and_group_may_read_it() {
    let (folder, ledger) = ledger();
    let path = folder.path().join("state/ledger.db");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    drop(ledger);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let mut ledger = Ledger::open(&path).unwrap();
    ledger.bind("https://api.intercom.io/").unwrap();
    assert_eq!(mode(&path), 0o660);
    assert_eq!(mode(&beside(&path, "-wal")) & 0o007, 0);
}

#[test]
fn an_older_ledger_can_be_looked_at_and_stays_as_it_is() {
    let (folder, mut ledger) = ledger();
    let path = folder.path().join("state/ledger.db");
    ledger.bind("https://api.intercom.io/").unwrap();
    with_source(&mut ledger);
    ledger
        .db
        .execute_batch(
            "DROP INDEX document_by_url; DROP INDEX document_by_id; DROP TABLE conversion; \
             ALTER TABLE source DROP COLUMN revision; PRAGMA user_version = 2",
        )
        .unwrap();
    drop(ledger);
    let looked = Ledger::read(&path).unwrap().unwrap();
    assert_eq!(looked.base_url().unwrap().as_deref(), Some("https://api.intercom.io/"));
    assert_eq!(looked.path(), path);
    assert!(looked.conversions(false).unwrap().is_some());
    assert!(looked.db.execute("DELETE FROM meta", []).is_err());
    let version = |db: &Connection| db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(version(&looked.db), i64::try_from(MIGRATIONS.len()).unwrap());
    assert_eq!(version(&Connection::open(&path).unwrap()), 2);
    drop(looked);
    assert_eq!(version(&Ledger::open(&path).unwrap().db), i64::try_from(MIGRATIONS.len()).unwrap());
}

#[test]
fn a_mark_that_was_never_sent_is_taken_back_without_a_trace() {
    let (_folder, mut ledger) = ledger();
    let source = with_source(&mut ledger);
    let id = ExternalId::new("a.md");
    let mark = Mark { external_id: id.clone(), path: DocPath::new("a.md"), doubt: Doubt::Upsert { switches: None } };
    ledger.mark(source, &[mark]).unwrap();
    assert_eq!(ledger.entries(source).unwrap()[0].doubt, Some(Doubt::Upsert { switches: None }));
    ledger.unmark(source, &[(id, None)]).unwrap();
    assert_eq!(ledger.entries(source).unwrap(), []);
}

#[test]
fn a_rename_in_doubt_keeps_its_page_id_when_it_is_settled() {
    let (_folder, mut ledger) = ledger();
    let source = with_source(&mut ledger);
    let (old, new) = (ExternalId::new("a.md"), ExternalId::new("b.md"));
    let doubt = Doubt::Upsert { switches: None };
    ledger
        .mark(source, &[Mark { external_id: old.clone(), path: DocPath::new("a.md"), doubt: doubt.clone() }])
        .unwrap();
    ledger.set_page_id(source, &old, &PageId::new("1")).unwrap();
    ledger.settle_rename(source, &old, (&new, &DocPath::new("b.md"), &PageId::new("1")), &doubt).unwrap();
    let entries = ledger.entries(source).unwrap();
    assert_eq!((entries.len(), &entries[0].external_id, entries[0].page_id.as_ref().unwrap().as_str()), (1, &new, "1"));
}

#[test]
fn damaged_rows_are_errors_that_name_the_file() {
    let (_folder, mut ledger) = ledger();
    let source = with_source(&mut ledger);
    ledger.db.execute("INSERT INTO page (import_source, external_id, doubt) VALUES (7, 'a', 'nonsense')", []).unwrap();
    let error = ledger.entries(source).unwrap_err().to_string();
    assert!(error.contains("ledger.db"), "{error}");
}

#[test]
fn each_cause_is_told_once_and_with_what_to_do() {
    let cause = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let denied = LedgerError::Io { path: "l.db".into(), cause };
    let full = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
    let full = LedgerError::Sqlite { path: "l.db".into(), cause: full };
    for (error, cause, advice) in
        [(denied, "permission denied", "finmirror's user write"), (full, "database or disk is full", "free some space")]
    {
        let told = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(told.matches(cause).count(), 1, "{told}");
        assert!(told.contains(advice), "{told}");
    }
}
