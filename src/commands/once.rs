//! `--once`: one cycle of every source, then the report.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::open;
use crate::cli::RunArgs;
use crate::config::{Config, RemoteOptions};
use crate::intercom::Intercom;
use crate::ledger::{Ledger, LedgerError};
use crate::page::SourceName;
use crate::remote::Remote;
use crate::report::{CycleReport, Report};
use crate::simulator::Simulator;
use crate::stop::Stop;
use crate::sync::{Shared, Wishes, cycle, idle};
use crate::telemetry::{Progress, Telemetry};

/// How often a ledger that is locked is tried again.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Runs it; the exit status is the report's.
pub async fn run(
    args: &RunArgs,
    config: &Config,
    telemetry: &Telemetry,
    stop: &Stop,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    // A misspelt name must not look like a wish that was granted.
    for named in [&args.source, &args.recreate_source, &args.accept_unmounted] {
        open::chosen(config, named)?;
    }
    let released: Vec<_> = args.release_held.iter().map(|release| release.source.clone()).collect();
    open::chosen(config, &released)?;
    let remote = config.remote.as_ref().map_err(Clone::clone)?;
    let mut ledger = locked(config.ledger.as_deref().map_err(Clone::clone)?, args.lock_wait).await?;
    ledger.bind(&remote.address())?;
    let cycles = match remote {
        RemoteOptions::Intercom(options) => {
            let in_flight = options.max_in_flight;
            let remote = Intercom::new(options.clone())?;
            cycles(args, config, ledger, remote, in_flight, telemetry, stop).await?
        }
        RemoteOptions::Simulator(options) => {
            let remote =
                Simulator::open(options.clone(), open::clock()).context("cannot open the simulator's state")?;
            cycles(args, config, ledger, remote, EMBEDDED_IN_FLIGHT, telemetry, stop).await?
        }
    };
    let report = Report::new(cycles);
    match print(&report, args.json, out) {
        // What was done stays what it was, whether or not somebody reads of it.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.exit),
    }
}

fn print(report: &Report, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, report)?;
        writeln!(out)?;
    } else {
        for cycle in &report.cycles {
            write!(out, "{cycle}")?;
        }
    }
    out.flush()
}

/// The embedded simulator has one writer: more than a few at a time only wait for each other.
const EMBEDDED_IN_FLIGHT: usize = 16;

async fn cycles<R: Remote + 'static>(
    args: &RunArgs,
    config: &Config,
    mut ledger: Ledger,
    remote: R,
    max_in_flight: usize,
    telemetry: &Telemetry,
    stop: &Stop,
) -> anyhow::Result<Vec<CycleReport>> {
    let chosen = open::chosen(config, &args.source)?;
    let released: Vec<SourceName> = args.release_held.iter().map(|release| release.source.clone()).collect();
    for named in [&released, &args.recreate_source, &args.accept_unmounted] {
        open::chosen(config, named)?;
    }
    let configured: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    let remote = Arc::new(remote);
    let mut reports = Vec::new();
    let opener = open::Opener::new(config, stop);
    for source in chosen {
        if stop.is_set() {
            reports.push(CycleReport::not_run(source.name.as_str()));
            continue;
        }
        let wishes = Wishes {
            full: args.full,
            release: args.release_held.iter().find(|r| r.source == source.name).map(|r| r.id.clone()),
            recreate: args.recreate_source.contains(&source.name),
            accept_unmounted: args.accept_unmounted.contains(&source.name),
        };
        let opening = opener.open(source)?;
        if stop.is_set() {
            reports.push(CycleReport::not_run(source.name.as_str()));
            continue;
        }
        if let Some(report) = idle(source.name.as_str(), opening.revision.as_ref(), &wishes, &mut ledger, open::now())?
        {
            if args.json {
                log(&report);
            }
            reports.push(report);
            continue;
        }
        let job = opening.job(wishes)?;
        let rendering = Bar::new(telemetry, format!("{}: reading", source.name));
        let sending = Bar::new(telemetry, format!("{}: sending", source.name));
        let mut shared = Shared {
            remote: remote.clone(),
            ledger: &mut ledger,
            configured: &configured,
            max_in_flight,
            clock: open::clock(),
            stop: stop.clone(),
            rendering: &|done, total| rendering.show(done, total),
            sending: &|done, total| sending.show(done, total),
        };
        let report = cycle(&job, &mut shared).await?;
        if args.json {
            log(&report);
        }
        let unauthorized = report.unauthorized;
        reports.push(report);
        if unauthorized {
            break;
        }
    }
    for warning in crate::status::left_behind(&ledger, &configured)? {
        tracing::warn!("{warning}");
    }
    Ok(reports)
}

/// One line a cycle, for runs whose report a machine reads; where a person does, it says the same.
fn log(report: &CycleReport) {
    tracing::info!(
        source.name = report.source,
        outcome = %report.outcome,
        scanned = report.scanned,
        created = report.created,
        updated = report.updated,
        renamed = report.renamed,
        deleted = report.deleted,
        held = report.held,
        failed = report.failed.len(),
        requests = report.requests,
        duration_ms = report.duration_ms,
        "cycle"
    );
}

/// Opens the ledger to apply, and waits for whoever holds it as long as was asked for.
async fn locked(path: &Path, wait: Duration) -> Result<Ledger, LedgerError> {
    let until = Instant::now() + wait;
    loop {
        match Ledger::open(path) {
            Err(LedgerError::Locked(_)) if Instant::now() < until => tokio::time::sleep(LOCK_POLL).await,
            opened => return opened,
        }
    }
}

/// A progress bar that appears with its first news.
struct Bar<'a> {
    telemetry: &'a Telemetry,
    label: String,
    shown: Mutex<Option<(Progress, u64)>>,
}

impl<'a> Bar<'a> {
    fn new(telemetry: &'a Telemetry, label: String) -> Self {
        Self { telemetry, label, shown: Mutex::new(None) }
    }

    fn show(&self, done: u64, total: u64) {
        let Ok(mut shown) = self.shown.lock() else { return };
        let (bar, before) = shown.get_or_insert_with(|| (self.telemetry.progress(&self.label, Some(total)), 0));
        bar.inc(done.saturating_sub(*before));
        *before = done.max(*before);
    }
}
