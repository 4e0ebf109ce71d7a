//! Cycles as commands run them: a configured source opened, looked at, mirrored. Shared by `--once` and the daemon.
//!
//! Owns what the sources of a run share. Decides nothing.

use std::sync::{Arc, Mutex, PoisonError};

use crate::apply::Clock;
use crate::commands::open::{self, Opener, Tempo};
use crate::config::{Config, SourceConfig};
use crate::daemon::Cycles;
use crate::ledger::Ledger;
use crate::page::{DocPath, ScanDigest};
use crate::remote::Remote;
use crate::report::CycleReport;
use crate::source::Source;
use crate::stop::Stop;
use crate::sync::observe::Progress;
use crate::sync::partial::{Partial, partial};
use crate::sync::{Job, Shared, Wishes, cycle, idle, known};

/// Everything that cycles need beside the ledger.
pub(super) struct Works<R> {
    config: Config,
    opener: Opener,
    /// One for each source, so that each counts its own requests.
    remotes: Vec<Arc<R>>,
    max_in_flight: usize,
    clock: Clock,
    stop: Stop,
    kept: Vec<Mutex<Kept>>,
}

/// What is kept of a source between its cycles.
#[derive(Debug, Default)]
struct Kept {
    /// As the last whole cycle opened it: what a partial look works with.
    job: Option<Job>,
    /// What the last look saw of it.
    sketch: Option<ScanDigest>,
}

/// Told of a cycle's progress.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) rendering: Progress<'a>,
    pub(super) sending: Progress<'a>,
}

impl Told<'_> {
    /// Nobody is told.
    pub(super) const NOBODY: Told<'static> = Told { rendering: &|_, _| {}, sending: &|_, _| {} };
}

impl<R: Remote + 'static> Works<R> {
    pub(super) fn new(config: Config, remote: &R, max_in_flight: usize, tempo: Tempo, stop: &Stop) -> Self {
        let opener = Opener::new(&config, stop).at(tempo);
        let remotes = config.sources.iter().map(|_| Arc::new(remote.handle())).collect();
        let kept = config.sources.iter().map(|_| Mutex::default()).collect();
        Self { config, opener, remotes, max_in_flight, clock: open::clock(), stop: stop.clone(), kept }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// One handle for each source.
    pub(super) fn remotes(&self) -> &[Arc<R>] {
        &self.remotes
    }

    /// One cycle of the source at this place of the configuration.
    pub(super) async fn cycle(
        &self,
        at: usize,
        wishes: Wishes,
        ledger: &mut Ledger,
        told: Told<'_>,
    ) -> anyhow::Result<CycleReport> {
        let source = &self.config.sources[at];
        let name = source.name.as_str();
        let opening = crate::sync::blocking(|| self.opener.open(source))?;
        if self.stop.is_set() {
            return Ok(CycleReport::not_run(name));
        }
        if let Some(report) = idle(name, opening.revision.as_ref(), &wishes, ledger, (self.clock)())? {
            return Ok(report);
        }
        let job = crate::sync::blocking(|| opening.job(wishes))?;
        let configured = self.configured();
        let report = cycle(&job, &mut self.shared(at, &configured, ledger, told)).await?;
        let mut kept = self.kept[at].lock().unwrap_or_else(PoisonError::into_inner);
        kept.sketch = report.sketch;
        // Of what is fetched nothing is looked at by its path, and an open source may hold much.
        kept.job = matches!(job.mirror.source, Source::Files(_)).then_some(job);
        Ok(report)
    }

    fn shared<'a>(
        &'a self,
        at: usize,
        configured: &'a [&'a str],
        ledger: &'a mut Ledger,
        told: Told<'a>,
    ) -> Shared<'a, R> {
        Shared {
            remote: self.remotes[at].clone(),
            ledger,
            configured,
            max_in_flight: self.max_in_flight,
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            rendering: told.rendering,
            sending: told.sending,
        }
    }

    fn configured(&self) -> Vec<&str> {
        self.config.sources.iter().map(|source: &SourceConfig| source.name.as_str()).collect()
    }
}

impl<R: Remote + 'static> Cycles for Works<R> {
    async fn whole(&self, at: usize, wishes: Wishes, ledger: &mut Ledger) -> anyhow::Result<CycleReport> {
        self.cycle(at, wishes, ledger, Told::NOBODY).await
    }

    async fn partial(&self, at: usize, paths: &[DocPath], ledger: &mut Ledger) -> anyhow::Result<Partial> {
        let job = self.kept[at].lock().unwrap_or_else(PoisonError::into_inner).job.clone();
        let Some(mut job) = job else {
            let report = CycleReport::new(self.config.sources[at].name.as_str());
            return Ok(Partial { report, is_left: true });
        };
        job.wishes = Wishes::default();
        let configured = self.configured();
        Ok(partial(&job, paths, &mut self.shared(at, &configured, ledger, Told::NOBODY)).await?)
    }

    fn has_changed(&self, at: usize, ledger: &Ledger) -> anyhow::Result<bool> {
        crate::sync::blocking(|| {
            let job = self.opener.open(&self.config.sources[at])?.job(Wishes::default())?;
            let scan = job.mirror.source.scan(&known(ledger, &job)?);
            let sketch = crate::sync::sketch(&job, &scan, ledger)?;
            let mut kept = self.kept[at].lock().unwrap_or_else(PoisonError::into_inner);
            let before = kept.sketch.replace(sketch);
            Ok(before != Some(sketch))
        })
    }
}
