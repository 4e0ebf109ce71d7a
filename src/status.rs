//! The status: what the ledger says of each source, as data. Printed by `status`, served by the daemon.
//!
//! Owns which of it is worth showing. Takes no lock, asks nobody, and knows no daemon: what is true of the running process
//! alone is the daemon's to say.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::{CycleRow, Ledger, LedgerError, WarningKind};
use crate::report::{CycleReport, FailedPage, counted};

/// Cycles that are shown of each source.
const CYCLES: u32 = 5;
/// Failures that are shown of each source.
pub const FAILURES: u32 = 20;
/// Kinds of warnings that are shown of each source.
const WARNINGS: u32 = 20;

/// What the ledger knows. Its JSON is that of `finmirror status --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The version of this shape.
    pub version: u32,
    /// One for each configured source, in the order of the configuration.
    pub sources: Vec<SourceStatus>,
    /// What Fin still has of sources that are configured no more, a sentence each.
    pub left_behind: Vec<String>,
}

/// One source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceStatus {
    /// Its name.
    pub source: String,
    /// Its import source in Intercom; `None`: none yet.
    pub import_source: Option<i64>,
    /// Documents that the last scan saw.
    pub documents: u64,
    /// Documents that are no pages, by their own words or the site's rules.
    pub excluded: u64,
    /// Documents that cannot be sent.
    pub failing: u64,
    /// Warnings of all documents.
    pub warnings: u64,
    /// The commonest of them.
    pub to_mend: Vec<ToMend>,
    /// Pages that Fin has.
    pub pages: u64,
    /// Pages with a request whose answer is not known.
    pub in_doubt: u64,
    /// Pages that Intercom has rejected.
    pub rejected: u64,
    /// Pages under the import source that are not ours.
    pub foreign: u64,
    /// Since when deletes are blocked.
    pub deletes_blocked_since: Option<String>,
    /// The problem that blocks them.
    pub deletes_blocked_by: Option<String>,
    /// What `--release-held` takes, where deletes wait for a person.
    pub release: Option<String>,
    /// Pages that fail, the first of them.
    pub failed: Vec<FailedPage>,
    /// When the source was last seen whole.
    pub last_complete: Option<String>,
    /// When Intercom last acknowledged a page of it.
    pub last_acknowledged: Option<String>,
    /// The last cycles, the newest first.
    pub cycles: Vec<Cycle>,
}

/// What several documents may have in common that a person may want to mend.
#[derive(Clone, Debug, Serialize)]
pub struct ToMend {
    /// Its stable word.
    pub code: String,
    /// What it says.
    pub message: String,
    /// How often.
    pub count: u64,
    /// A document that has it.
    pub path: String,
    /// And the line, 1-based.
    pub line: Option<u32>,
}

/// A cycle that ran.
#[derive(Clone, Debug, Serialize)]
pub struct Cycle {
    /// When it began.
    pub started: String,
    #[serde(flatten)]
    /// What it came to.
    pub report: CycleReport,
}

impl Status {
    /// Reads it for these sources.
    pub fn read(ledger: &Ledger, configured: &[&str]) -> Result<Self, LedgerError> {
        Self::read_back(ledger, configured, CYCLES)
    }

    /// Reads it for these sources, with so many of the last cycles of each.
    pub fn read_back(ledger: &Ledger, configured: &[&str], cycles: u32) -> Result<Self, LedgerError> {
        let sources = configured.iter().map(|name| source(ledger, name, cycles)).collect::<Result<_, _>>()?;
        Ok(Self { version: 1, sources, left_behind: left_behind(ledger, configured)? })
    }
}

/// What Fin still has of sources that are configured no more: deleted by nobody but a person.
pub fn left_behind(ledger: &Ledger, configured: &[&str]) -> Result<Vec<String>, LedgerError> {
    let mut bound = Vec::new();
    for name in configured {
        bound.extend(ledger.source(name)?.import_source);
    }
    let mut lines = Vec::new();
    for row in ledger.import_sources()? {
        if bound.contains(&row.source.id) {
            continue;
        }
        let [pages, ..] = ledger.count_pages(row.source.id)?;
        if pages > 0 {
            let are = if pages == 1 { "is" } else { "are" };
            lines.push(format!(
                "{} of `{}` {are} still in Fin: deactivate or delete the import source {} in Intercom, or configure it again",
                counted(pages, "page"),
                row.name,
                row.source.id
            ));
        }
    }
    Ok(lines)
}

fn source(ledger: &Ledger, name: &str, cycles: u32) -> Result<SourceStatus, LedgerError> {
    let row = ledger.source(name)?;
    let import_source = row.import_source.map_or(Ok(None), |id| ledger.import_source(id))?;
    let [pages, in_doubt, rejected] = row.import_source.map_or(Ok([0; 3]), |id| ledger.count_pages(id))?;
    let [documents, excluded, failed, warnings] = ledger.count_documents(name)?;
    let cycles = ledger.cycles(name, cycles)?;
    let last = cycles.first().and_then(report);
    let mut failures: Vec<FailedPage> = last.as_ref().map(|report| report.failed.clone()).unwrap_or_default();
    if failures.is_empty() && failed > 0 {
        let documents = ledger.failed_documents(name, FAILURES)?;
        failures.extend(documents.into_iter().map(|(path, failure)| FailedPage {
            path: path.to_string(),
            external_id: path.to_string(),
            code: failure.code,
            message: failure.message,
        }));
    }
    Ok(SourceStatus {
        source: name.to_owned(),
        import_source: row.import_source.map(|id| id.0),
        documents: documents + excluded + failed,
        excluded,
        failing: failed,
        warnings,
        to_mend: ledger.warnings(name, WARNINGS)?.into_iter().map(to_mend).collect(),
        // What is gone in Intercom took its pages with it.
        pages: if import_source.as_ref().is_some_and(|row| row.gone_since.is_some()) { 0 } else { pages },
        in_doubt,
        rejected,
        foreign: import_source.map_or(0, |row| row.foreign_pages),
        deletes_blocked_since: row.blocked.as_ref().map(|(since, _)| time(*since)),
        deletes_blocked_by: row.blocked.map(|(_, by)| by),
        release: last.and_then(|report| report.release),
        failed: failures,
        last_complete: row.last_complete_at.map(time),
        last_acknowledged: row.import_source.map_or(Ok(None), |id| ledger.last_acknowledged(id))?.map(time),
        cycles: cycles
            .iter()
            .filter_map(|row| Some(Cycle { started: time(row.started_at), report: report(row)? }))
            .collect(),
    })
}

fn to_mend(kind: WarningKind) -> ToMend {
    let WarningKind { code, message, count, path, line } = kind;
    ToMend { code, message, count, path: path.to_string(), line }
}

fn report(row: &CycleRow) -> Option<CycleReport> {
    serde_json::from_str(&row.report).ok()
}

fn time(unix: i64) -> String {
    Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |t| t.to_string())
}
