//! `status`: what the ledger knows. Takes no lock, asks nobody.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::StatusArgs;
use crate::config::Config;
use crate::ledger::{CycleRow, Ledger, LedgerError, WarningKind};
use crate::plan::Plain;
use crate::report::{CycleReport, FailedPage, counted};

/// Cycles and failures that are shown of each source.
const CYCLES: u32 = 5;
const FAILURES: u32 = 20;
/// Kinds of warnings that are shown of each source.
const WARNINGS: u32 = 20;

#[derive(Serialize)]
struct StatusJson {
    version: u32,
    sources: Vec<SourceJson>,
    left_behind: Vec<String>,
}

#[derive(Serialize)]
struct SourceJson {
    source: String,
    import_source: Option<i64>,
    documents: u64,
    excluded: u64,
    failing: u64,
    warnings: u64,
    to_mend: Vec<WarningJson>,
    pages: u64,
    in_doubt: u64,
    rejected: u64,
    foreign: u64,
    deletes_blocked_since: Option<String>,
    deletes_blocked_by: Option<String>,
    release: Option<String>,
    failed: Vec<FailedPage>,
    last_complete: Option<String>,
    cycles: Vec<CycleJson>,
}

/// What several documents may have in common that a person may want to mend.
#[derive(Serialize)]
struct WarningJson {
    code: String,
    message: String,
    count: u64,
    path: String,
    line: Option<u32>,
}

#[derive(Serialize)]
struct CycleJson {
    started: String,
    #[serde(flatten)]
    report: CycleReport,
}

/// Runs it: 0, or 2 where there is no ledger to look at.
pub fn run(args: &StatusArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = config.ledger.as_deref().map_err(Clone::clone)?;
    let Some(ledger) = Ledger::read(path)? else {
        anyhow::bail!("there is no ledger at `{}` yet: `finmirror --once` makes it", path.display());
    };
    let configured: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    let mut status = StatusJson { version: 1, sources: Vec::new(), left_behind: left_behind(&ledger, &configured)? };
    for name in &configured {
        status.sources.push(source(&ledger, name)?);
    }
    if args.json {
        serde_json::to_writer(&mut *out, &status)?;
        writeln!(out)?;
        return Ok(0);
    }
    for source in &status.sources {
        print(source, out)?;
    }
    for line in &status.left_behind {
        writeln!(out, "{}", Plain(line))?;
    }
    Ok(0)
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

fn source(ledger: &Ledger, name: &str) -> Result<SourceJson, LedgerError> {
    let row = ledger.source(name)?;
    let import_source = row.import_source.map_or(Ok(None), |id| ledger.import_source(id))?;
    let [pages, in_doubt, rejected] = row.import_source.map_or(Ok([0; 3]), |id| ledger.count_pages(id))?;
    let [documents, excluded, failed, warnings] = ledger.count_documents(name)?;
    let cycles = ledger.cycles(name, CYCLES)?;
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
    Ok(SourceJson {
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
        cycles: cycles
            .iter()
            .filter_map(|row| Some(CycleJson { started: time(row.started_at), report: report(row)? }))
            .collect(),
    })
}

fn to_mend(kind: WarningKind) -> WarningJson {
    let WarningKind { code, message, count, path, line } = kind;
    WarningJson { code, message, count, path: path.to_string(), line }
}

fn report(row: &CycleRow) -> Option<CycleReport> {
    serde_json::from_str(&row.report).ok()
}

fn time(unix: i64) -> String {
    Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |t| t.to_string())
}

fn print(source: &SourceJson, out: &mut dyn Write) -> anyhow::Result<()> {
    let outcome = source.cycles.first().map_or_else(|| "never ran".to_owned(), |c| c.report.outcome.to_string());
    writeln!(out, "{}: {outcome}", Plain(&source.source))?;
    let mut line = |label: &str, text: String| writeln!(out, "  {label:<12}{text}");
    let mut pages = vec![format!("{} in Fin", source.pages)];
    for (count, word) in [(source.in_doubt, "in doubt"), (source.rejected, "rejected"), (source.foreign, "foreign")] {
        if count > 0 {
            pages.push(format!("{count} {word}"));
        }
    }
    line("pages", pages.join(", "))?;
    let mut documents = vec![counted(source.documents, "document")];
    for (count, word) in [(source.excluded, "excluded"), (source.failing, "failing")] {
        if count > 0 {
            documents.push(format!("{count} {word}"));
        }
    }
    line("source", documents.join(", "))?;
    if source.warnings > 0 {
        let warnings = counted(source.warnings, "warning");
        line("to mend", format!("{warnings}; `finmirror export` names them page by page"))?;
        for WarningJson { message, count, path, line: at, .. } in &source.to_mend {
            let at = at.map(|at| format!(":{at}")).unwrap_or_default();
            line("", format!("{count:>5} × {} ({}{at})", Plain(message), Plain(path)))?;
        }
    }
    if let Some(complete) = &source.last_complete {
        line("seen whole", complete.clone())?;
    }
    if let (Some(since), Some(by)) = (&source.deletes_blocked_since, &source.deletes_blocked_by) {
        line("no deletes", format!("since {since}: {}", Plain(by)))?;
    }
    if let Some(last) = source.cycles.first()
        && let (Some(release), Some(why)) = (&source.release, &last.report.held_why)
    {
        line("held", format!("{}: {why}; `finmirror plan` names them", counted(last.report.held, "delete")))?;
        line("", format!("finmirror --once --release-held {}", Plain(release)))?;
    }
    for failed in source.failed.iter().take(FAILURES as usize) {
        line("failed", format!("{}: {}", Plain(&failed.path), Plain(&failed.message)))?;
    }
    let last = source.cycles.first().map(|cycle| &cycle.report);
    // What blocks deletes is one of the problems, and was said above.
    for problem in last.iter().filter(|_| source.deletes_blocked_by.is_none()).flat_map(|report| &report.problems) {
        line("problem", format!("{} {}", Plain(&problem.path), Plain(&problem.message)).trim_start().to_owned())?;
    }
    for warning in last.iter().flat_map(|report| &report.warnings) {
        line("warning", Plain(warning).to_string())?;
    }
    for cycle in &source.cycles {
        let r = &cycle.report;
        let counts = [(r.created, "+"), (r.updated, "~"), (r.renamed, ">"), (r.deleted, "-")];
        let changes: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, sign)| format!("{sign}{count}")).collect();
        let changes = if changes.is_empty() { "nothing changed".to_owned() } else { changes.join(" ") };
        line(
            "cycle",
            format!("{}  {:<10}  {changes}, {}", cycle.started, r.outcome.to_string(), counted(r.requests, "request")),
        )?;
    }
    Ok(())
}
