//! What `check` finds, in folders and with a remote of the tests' own.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::page::{ImportSourceId, Page, PageId};
use crate::remote::{Cursor, ImportSourceChange, Listing, RemotePage, SentSwitches, Traffic};

/// A workspace that only lists its import sources; `check` must ask for nothing else.
struct Workspace(Result<Vec<ImportSource>, RemoteError>);

fn unasked<T>() -> Result<T, RemoteError> {
    Err(RemoteError::Refused { message: "check asked for more than it should".into() })
}

impl Remote for Workspace {
    async fn import_sources(&self) -> Result<Vec<ImportSource>, RemoteError> {
        self.0.clone()
    }
    async fn import_source(&self, _: ImportSourceId) -> Result<ImportSource, RemoteError> {
        unasked()
    }
    async fn create_import_source(&self, _: &str, _: &[i64]) -> Result<ImportSource, RemoteError> {
        unasked()
    }
    async fn update_import_source(
        &self,
        _: ImportSourceId,
        _: &ImportSourceChange,
    ) -> Result<ImportSource, RemoteError> {
        unasked()
    }
    async fn delete_import_source(&self, _: ImportSourceId) -> Result<(), RemoteError> {
        unasked()
    }
    async fn upsert_page(&self, _: ImportSourceId, _: &Page, _: SentSwitches) -> Result<RemotePage, RemoteError> {
        unasked()
    }
    async fn replace_page(&self, _: &PageId, _: ImportSourceId, _: &Page) -> Result<RemotePage, RemoteError> {
        unasked()
    }
    async fn page(&self, _: &PageId) -> Result<RemotePage, RemoteError> {
        unasked()
    }
    async fn delete_page(&self, _: &PageId) -> Result<bool, RemoteError> {
        unasked()
    }
    async fn list_pages(&self, _: Option<&Cursor>) -> Result<Listing, RemoteError> {
        unasked()
    }
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn handle(&self) -> Self {
        unreachable!("a check has one remote")
    }
}

/// Runs what never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn configured(folder: &Path, extra: &str) -> Config {
    let text = format!(
        "ledger: {{path: state/ledger.db}}\n\
         sources:\n- name: a\n  files: {{root: docs}}\n  site: {{base_url: 'https://d.example/x'}}\n{extra}"
    );
    let env = |name: &str| (name == "INTERCOM_ACCESS_TOKEN").then(|| "t".to_owned());
    config::parse(&text, &folder.join("finmirror.yaml"), &env).unwrap()
}

fn folder_with_docs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    std::fs::write(folder.path().join("docs/a.md"), "# A").unwrap();
    folder
}

fn found(id: i64, url: &str) -> ImportSource {
    ImportSource {
        id: ImportSourceId(id),
        url: url.to_owned(),
        api: true,
        active: true,
        audience_ids: Vec::new(),
        created_at: 0,
    }
}

#[test]
fn all_is_well_and_nothing_is_made() {
    let folder = folder_with_docs();
    let report = Report::local(&configured(folder.path(), ""));
    assert_eq!(report.exit_status(), 0, "{report:?}");
    assert!(report.may_ask() && !folder.path().join("state").exists());
    assert!(report.rows[1].detail.contains("will be made"));
}

#[test]
fn what_is_missing_sets_the_exit_status() {
    let folder = folder_with_docs();
    std::fs::remove_file(folder.path().join("docs/a.md")).unwrap();
    let config = configured(folder.path(), "");
    assert_eq!(Report::local(&config).exit_status(), 1);
    std::fs::remove_dir(folder.path().join("docs")).unwrap();
    assert_eq!(Report::local(&config).exit_status(), 1);
    std::fs::write(folder.path().join("state"), "in the way").unwrap();
    assert_eq!(Report::local(&config).exit_status(), 2);
}

#[test]
fn the_token_must_be_there() {
    let folder = folder_with_docs();
    let text = "intercom: {token_file: token}\nsources:\n- name: a\n  files: {root: docs}\n  import_source: {id: 1}\n";
    let env = |name: &str| (name == "HOME").then(|| folder.path().display().to_string());
    let config = config::parse(text, &folder.path().join("f.yaml"), &env).unwrap();
    let token = || Report::local(&config).rows[2].clone();
    assert_eq!(token().result, Outcome::Error);
    std::fs::write(folder.path().join("token"), " \n").unwrap();
    assert!(token().detail.ends_with("is empty"));
    std::fs::write(folder.path().join("token"), "s3cr3t\n").unwrap();
    assert_eq!(token().result, Outcome::Ok);
    assert!(!format!("{:?}", token()).contains("s3cr3t"));
}

#[test]
fn import_sources_are_found_as_a_run_would_find_them() {
    let folder = folder_with_docs();
    let by_url = configured(folder.path(), "");
    let by_id = configured(folder.path(), "  import_source: {id: 7}\n");
    let off = ImportSource { active: false, ..found(3, "https://d.example/x") };
    let web = ImportSource { api: false, ..found(7, "https://d.example/x") };
    for (config, workspace, outcome, detail) in [
        (&by_url, vec![], Outcome::Ok, "not there yet"),
        (&by_url, vec![found(1, "https://D.example/x/"), found(2, "https://other/")], Outcome::Ok, "id 1, active"),
        (
            &by_url,
            vec![found(1, "https://d.example/x"), found(2, "https://d.example/x/")],
            Outcome::Problem,
            "ids 1, 2",
        ),
        (&by_url, vec![off], Outcome::Warning, "deactivated"),
        (&by_url, vec![web.clone()], Outcome::Ok, "not there yet"),
        (&by_id, vec![web], Outcome::Problem, "not fed through the API"),
        (&by_id, vec![found(1, "https://d.example/x/")], Outcome::Problem, "none with id 7"),
    ] {
        let mut report = Report::default();
        ready(report.ask(config, &Workspace(Ok(workspace))));
        let last = report.rows.last().unwrap();
        assert!(last.result == outcome && last.detail.contains(detail), "{last:?}");
    }
}

#[test]
fn an_import_source_that_the_ledger_knows_and_intercom_does_not_was_deleted() {
    let folder = folder_with_docs();
    let config = configured(folder.path(), "");
    let mut ledger = Ledger::open(config.ledger.as_deref().unwrap()).unwrap();
    ledger.bind(&config.remote.as_ref().unwrap().address()).unwrap();
    let known = crate::ledger::ImportSourceRow {
        source: found(7, "https://d.example/x"),
        name: "a".into(),
        adopted: crate::ledger::Adopted::None,
        foreign_pages: 0,
        gone_since: None,
    };
    ledger.save_import_source("a", &known).unwrap();
    let asked = |workspace| {
        let mut report = Report::local(&config);
        ready(report.ask(&config, &Workspace(Ok(workspace))));
        report.rows.last().unwrap().clone()
    };
    let gone = asked(vec![found(8, "https://d.example/x")]);
    assert_eq!((gone.result, gone.detail.as_str()), (Outcome::Problem, "id 7 was deleted in Intercom"));
    assert_eq!(gone.hint.unwrap(), "`finmirror --once --recreate-source a` makes it anew");
    let there = asked(vec![found(7, "https://moved.example/"), found(8, "https://d.example/x")]);
    assert_eq!((there.result, there.detail.as_str()), (Outcome::Ok, "id 7, active"));
}

#[test]
fn a_ledger_that_no_run_could_use_is_an_error() {
    let folder = folder_with_docs();
    let config = configured(folder.path(), "");
    let path = config.ledger.as_deref().unwrap();
    let row = || {
        let report = Report::local(&config);
        assert_eq!(report.exit_status() == 2, report.rows[1].result == Outcome::Error);
        report.rows[1].clone()
    };
    Ledger::open(path).unwrap().bind("https://api.eu.intercom.io/").unwrap();
    assert!(row().result == Outcome::Error && row().detail.contains("belongs to `https://api.eu.intercom.io/`"));

    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    std::fs::write(path, "no database at all, whatever its name may say".repeat(100)).unwrap();
    assert!(row().result == Outcome::Error && row().detail.contains("not a database"), "{:?}", row());

    std::fs::write(path, "").unwrap();
    assert_eq!(row().result, Outcome::Ok, "a crash may leave an empty one");
    std::fs::remove_file(path).unwrap();
    Ledger::open(path).unwrap().bind(&config.remote.as_ref().unwrap().address()).unwrap();
    assert_eq!(row().result, Outcome::Ok);
}

#[test]
fn a_source_is_really_looked_at() {
    let folder = folder_with_docs();
    let config = configured(folder.path(), "");
    let row = |config: &Config| Report::local(config).rows.last().unwrap().clone();
    assert!(row(&config).detail.starts_with("1 document in "), "{:?}", row(&config));
    std::fs::write(folder.path().join("docs/b.md"), "x".repeat(200)).unwrap();
    assert!(row(&config).detail.starts_with("2 documents in "), "{:?}", row(&config));

    let text = "ledger: {path: l.db}\nsources:\n- name: a\n  files: {root: docs, KEY}\n  import_source: {id: 1}\n";
    let with = |key: &str| {
        let env = |name: &str| (name == "INTERCOM_ACCESS_TOKEN").then(|| "t".to_owned());
        config::parse(&text.replace("KEY", key), &folder.path().join("f.yaml"), &env).unwrap()
    };
    let nothing = row(&with("include: ['*.txt']"));
    assert!(nothing.result == Outcome::Problem && nothing.detail.contains("matches the patterns"), "{nothing:?}");
    let large = row(&with("max_size: 100B"));
    assert!(large.result == Outcome::Warning && large.detail.ends_with("1 of them cannot be sent"), "{large:?}");
    assert!(large.hint.unwrap().starts_with("`b.md`: "));
}

#[test]
fn it_is_told_where_the_token_is() {
    let folder = folder_with_docs();
    let config = configured(folder.path(), "");
    assert_eq!(Report::local(&config).rows[2].detail, "in the environment ($INTERCOM_ACCESS_TOKEN)");
    let text = "intercom: {token: t}\nledger: {path: l.db}\n\
                sources:\n- name: a\n  files: {root: docs}\n  import_source: {id: 1}\n";
    let env = |name: &str| (name == "INTERCOM_ACCESS_TOKEN").then(|| "u".to_owned());
    let config = config::parse(text, &folder.path().join("f.yaml"), &env).unwrap();
    let report = Report::local(&config);
    let token = report.rows.iter().find(|row| row.what == "token").unwrap();
    assert_eq!(token.detail, "in the configuration (`intercom.token`)");
}

#[test]
fn faults_of_the_configuration_are_told_without_their_excerpts() {
    let error = config::parse("sources: 1\nfrob: 2\n", Path::new("f.yaml"), &|_| None).unwrap_err();
    let report = Report::unconfigured(&error);
    assert_eq!(report.exit_status(), 2);
    assert!(
        report.rows.iter().all(|row| row.detail.starts_with("f.yaml:") && !row.detail.contains('\n')),
        "{report:?}"
    );
    let missing = config::Error::NotFound { places: vec!["f.yaml".into()] };
    let row = &Report::unconfigured(&missing).rows[0];
    assert!(!row.detail.starts_with("error") && row.hint.as_deref().is_some_and(|hint| hint.contains("--config")));
}

#[test]
fn a_bad_token_is_2_and_a_bad_moment_is_1() {
    let folder = folder_with_docs();
    let config = configured(folder.path(), "");
    let asked = |error| {
        let mut report = Report::default();
        ready(report.ask(&config, &Workspace(Err(error))));
        report.exit_status()
    };
    assert_eq!(asked(RemoteError::Unauthorized { message: "no".into() }), 2);
    assert_eq!(asked(RemoteError::Transient { retry_after: None, message: "later".into() }), 1);
}

#[test]
fn the_table_fits_and_the_json_says_the_same() {
    let long = format!("/srv/{}", "long/".repeat(60));
    let report = Report {
        rows: vec![
            row("configuration", Outcome::Ok, "finmirror.yaml"),
            row("source handbook", Outcome::Problem, format!("{long}\u{1b}[2J")).hint("make it readable"),
        ],
        ledger: None,
    };
    let mut out = Vec::new();
    report.write_table(&mut out).unwrap();
    let table = String::from_utf8(out).unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("→ make it readable") && !table.contains('\u{1b}'), "{table}");

    let mut out = Vec::new();
    report.write_json(&mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((json["version"].as_u64(), json["exit"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["checks"][1]["result"], "problem");
}
