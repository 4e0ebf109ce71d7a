//! `status`: prints what the ledger knows. Takes no lock, asks nobody.

use std::io::Write;

use crate::cli::StatusArgs;
use crate::config::Config;
use crate::ledger::Ledger;
use crate::plan::Plain;
use crate::report::counted;
use crate::status::{FAILURES, SourceStatus, Status, ToMend};

/// Runs it: 0, or 2 where there is no ledger to look at.
pub fn run(args: &StatusArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = config.ledger.as_deref().map_err(Clone::clone)?;
    let Some(ledger) = Ledger::read(path)? else {
        anyhow::bail!("there is no ledger at `{}` yet: `finmirror --once` makes it", path.display());
    };
    let configured: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    let status = Status::read(&ledger, &configured)?;
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

fn print(source: &SourceStatus, out: &mut dyn Write) -> anyhow::Result<()> {
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
        for ToMend { message, count, path, line: at, .. } in &source.to_mend {
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
