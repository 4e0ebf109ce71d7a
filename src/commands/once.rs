//! `--once`: one cycle of every source, then the report.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::open::{self, Tempo};
use super::works::{Told, Works};
use crate::cli::RunArgs;
use crate::config::{Config, RemoteOptions, SourceConfig};
use crate::daemon::control;
use crate::intercom::Intercom;
use crate::ledger::{Ledger, LedgerError};
use crate::page::SourceName;
use crate::remote::Remote;
use crate::report::{CycleReport, Report};
use crate::simulator::Simulator;
use crate::stop::Stop;
use crate::sync::Wishes;
use crate::telemetry::{Progress, Telemetry};

/// How often a ledger that is locked is tried again.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Runs it; the exit status is the report's. Where a daemon holds the ledger, it does the work.
pub async fn run(
    args: &RunArgs,
    config: Config,
    telemetry: &Telemetry,
    stop: &Stop,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    // A misspelt name must not look like a wish that was granted.
    for named in [&args.source, &args.recreate_source, &args.accept_unmounted] {
        open::chosen(&config, named)?;
    }
    let released: Vec<_> = args.release_held.iter().map(|release| release.source.clone()).collect();
    open::chosen(&config, &released)?;
    let remote = config.remote.clone()?;
    let path = config.ledger.clone()?;
    let cycles = match locked(&path, args.lock_wait).await {
        Ok(mut ledger) => {
            ledger.bind(&remote.address())?;
            match remote {
                RemoteOptions::Intercom(options) => {
                    let in_flight = options.max_in_flight;
                    cycles(args, config, ledger, &Intercom::new(options)?, in_flight, telemetry, stop).await?
                }
                RemoteOptions::Simulator(options) => {
                    let remote =
                        Simulator::open(options, open::clock()).context("cannot open the simulator's state")?;
                    cycles(args, config, ledger, &remote, EMBEDDED_IN_FLIGHT, telemetry, stop).await?
                }
            }
        }
        Err(locked @ LedgerError::Locked(_)) => match by_daemon(args, &config, &path, stop).await? {
            Some(cycles) => cycles,
            None => return Err(locked.into()),
        },
        Err(error) => return Err(error.into()),
    };
    let report = Report::new(cycles);
    match print(&report, args.json, out) {
        // What was done stays what it was, whether or not somebody reads of it.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.exit),
    }
}

/// Asks the daemon that holds the ledger; `None`: it is no daemon that holds it.
async fn by_daemon(
    args: &RunArgs,
    config: &Config,
    ledger: &Path,
    stop: &Stop,
) -> anyhow::Result<Option<Vec<CycleReport>>> {
    let asked = |source: &SourceConfig| {
        let Wishes { full, release, recreate, accept_unmounted } = wishes(args, &source.name);
        control::Asked { source: source.name.clone(), full, release, recreate, accept_unmounted }
    };
    let request = control::Request { cycles: open::chosen(config, &args.source)?.into_iter().map(asked).collect() };
    let stopped = async {
        while !stop.is_set() {
            tokio::time::sleep(LOCK_POLL).await;
        }
    };
    tokio::select! {
        cycles = control::ask(ledger, &request) => cycles,
        () = stopped => anyhow::bail!("stopped; the daemon goes on with what it was asked for"),
    }
}

fn wishes(args: &RunArgs, source: &SourceName) -> Wishes {
    Wishes {
        full: args.full,
        release: args.release_held.iter().find(|r| r.source == *source).map(|r| r.id.clone()),
        recreate: args.recreate_source.contains(source),
        accept_unmounted: args.accept_unmounted.contains(source),
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
pub(super) const EMBEDDED_IN_FLIGHT: usize = 16;

async fn cycles<R: Remote + 'static>(
    args: &RunArgs,
    config: Config,
    mut ledger: Ledger,
    remote: &R,
    max_in_flight: usize,
    telemetry: &Telemetry,
    stop: &Stop,
) -> anyhow::Result<Vec<CycleReport>> {
    let works = Works::new(config, remote, max_in_flight, Tempo::Once, stop);
    let sources = &works.config().sources;
    let is_chosen = |source: &SourceConfig| args.source.is_empty() || args.source.contains(&source.name);
    let mut reports = Vec::new();
    for (at, source) in sources.iter().enumerate().filter(|(_, source)| is_chosen(source)) {
        if stop.is_set() {
            reports.push(CycleReport::not_run(source.name.as_str()));
            continue;
        }
        let rendering = Bar::new(telemetry, format!("{}: reading", source.name));
        let sending = Bar::new(telemetry, format!("{}: sending", source.name));
        let told = Told {
            rendering: &|done, total| rendering.show(done, total),
            sending: &|done, total| sending.show(done, total),
        };
        let report = works.cycle(at, wishes(args, &source.name), &mut ledger, told).await?;
        if args.json {
            log(&report);
        }
        let unauthorized = report.unauthorized;
        reports.push(report);
        if unauthorized {
            break;
        }
    }
    let configured: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    for warning in crate::status::left_behind(&ledger, &configured)? {
        tracing::warn!("{warning}");
    }
    Ok(reports)
}

/// One line a cycle, for runs whose report a machine reads; where a person does, it says the same.
pub(super) fn log(report: &CycleReport) {
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
