//! What Prometheus scrapes.
//!
//! Owns the names of the metrics, which are a contract: rules and dashboards rely on them. What happens is counted as it
//! happens ([`Metrics::hear`]); what is, is asked when it is scraped: of the board, of the Intercom client, of the system,
//! and of the ledger, whose counts are kept for `KEPT`, so that a scrape costs next to nothing. Names sources and no page.
//!
//! The format is Prometheus' text format 0.0.4, which everything that scrapes understands.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::App;
use super::server::Door;
use crate::daemon::News;
use crate::daemon::board::{Snapshot, SourceState, Word};
use crate::ledger::{Ledger, LedgerError};
use crate::page::SourceName;
use crate::remote::{CallCount, Remote};

/// How long counts of the ledger are good.
const KEPT: Duration = Duration::from_secs(5);
/// From a save to Intercom's word for it: milliseconds for one page, minutes for a first cycle or a rate limit.
const FRESHNESS_S: [f64; 15] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0];
/// From a look that finds nothing to the first cycle of a large source.
const DURATION_S: [f64; 12] = [0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3600.0];
const OUTCOMES: [&str; 4] = ["converged", "held", "incomplete", "failed"];
const ACTIONS: [&str; 4] = ["create", "update", "rename", "delete"];
const WORDS: [Word; 6] = [Word::Starting, Word::Converged, Word::Held, Word::Incomplete, Word::Failed, Word::Stale];
const WHOLE: &str = "whole";
const PARTIAL: &str = "partial";

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;

/// What has been counted since the process began.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    cycles: Counters,
    steps: Counters,
    durations: Histograms,
    freshness: Histograms,
    counted: Mutex<Option<Counted>>,
}

/// What the client of Intercom has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    /// Requests by what was asked and answered.
    pub counts: Vec<CallCount>,
    /// Repetitions among them.
    pub retries: u64,
    /// The part of the present rate window that is used; `None` where no limit is known.
    pub window_used: Option<f64>,
}

impl Calls {
    /// What the handles of a remote have counted.
    pub fn of<R: Remote>(handles: &[Arc<R>]) -> Self {
        let retries = handles.iter().map(|handle| handle.traffic().retries).sum();
        let any = handles.first();
        Self {
            counts: any.map(|remote| remote.calls()).unwrap_or_default(),
            retries,
            window_used: any.and_then(|remote| remote.window_used()),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has been counted yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let (cycles, steps) = (Counters::default(), Counters::default());
        let durations = Histograms::new_with_constructor(|| Histogram::new(DURATION_S));
        let freshness = Histograms::new_with_constructor(|| Histogram::new(FRESHNESS_S));
        add(&mut registry, "cycles", "Cycles that ended, by outcome; partial ones look at what events named", &cycles);
        add(&mut registry, "steps", "Changes that Intercom has acknowledged, by action", &steps);
        add(&mut registry, "cycle_duration_seconds", "How long cycles took", &durations);
        let help = "How long each change had been known when Intercom acknowledged it";
        add(&mut registry, "freshness_seconds", help, &freshness);
        Self { registry, cycles, steps, durations, freshness, counted: Mutex::default() }
    }

    /// Counts what happened.
    pub fn hear(&self, news: &News<'_>) {
        match news {
            News::Cycle { source, report, is_partial, waited_s } => {
                let source = source.as_str();
                let scope = if *is_partial { PARTIAL } else { WHOLE };
                let outcome = report.outcome.to_string();
                self.cycles.get_or_create(&labels(source, &[("outcome", &outcome), ("scope", scope)])).inc();
                #[expect(clippy::cast_precision_loss, reason = "no cycle takes so many milliseconds")]
                let took_s = report.duration_ms as f64 / 1000.0;
                self.durations.get_or_create(&labels(source, &[("scope", scope)])).observe(took_s);
                let counts = [report.created, report.updated, report.renamed, report.deleted];
                for (action, count) in ACTIONS.into_iter().zip(counts) {
                    self.steps.get_or_create(&labels(source, &[("action", action)])).inc_by(count);
                }
                let freshness = self.freshness.get_or_create(&labels(source, &[]));
                for waited_s in *waited_s {
                    freshness.observe(*waited_s);
                }
            }
            News::Pulse => {}
        }
    }

    /// What was counted and what is, as it is sent.
    fn text(
        &self,
        snapshot: &Snapshot,
        ledger: Option<&BTreeMap<String, Counts>>,
        calls: &Calls,
        now: Instant,
    ) -> String {
        // A rate can be told only of what has been there before it happened.
        for source in &snapshot.sources {
            let source = source.name.as_str();
            for outcome in OUTCOMES {
                drop(self.cycles.get_or_create(&labels(source, &[("outcome", outcome), ("scope", WHOLE)])));
            }
            for action in ACTIONS {
                drop(self.steps.get_or_create(&labels(source, &[("action", action)])));
            }
            drop(self.freshness.get_or_create(&labels(source, &[])));
        }
        let mut present = Registry::default();
        of_the_daemon(&mut present, snapshot, now);
        of_the_sources(&mut present, &snapshot.sources, now);
        of_the_ledger(&mut present, snapshot, ledger);
        of_intercom(&mut present, calls);
        of_the_process(&mut present, snapshot.started_at);
        let mut text = String::new();
        for registry in [&self.registry, &present] {
            encode_registry(&mut text, registry).expect("writing to a string never fails");
        }
        classic(&text)
    }

    /// The ledger's counts, of a few seconds ago at most; `None` where it cannot be read.
    async fn counted(&self, door: &Door, app: &App) -> Option<Arc<BTreeMap<String, Counts>>> {
        let mut counted = self.counted.lock().await;
        if let Some(counted) = &*counted
            && counted.at.elapsed() < KEPT
            && counted.ledger == app.ledger
        {
            return counted.sources.clone();
        }
        let names: Vec<SourceName> = app.board.look().sources.iter().map(|source| source.name.clone()).collect();
        let path = app.ledger.clone();
        let sources = match door.look(move || count(&path, &names)).await {
            Ok(Ok(sources)) => Some(Arc::new(sources)),
            Ok(Err(_)) | Err(_) => None,
        };
        *counted = Some(Counted { at: Instant::now(), ledger: app.ledger.clone(), sources: sources.clone() });
        sources
    }
}

/// `GET /metrics`.
pub(super) async fn scrape(State(door): State<Door>) -> Response {
    let app = door.app();
    let counted = app.metrics.counted(&door, &app).await;
    let text = app.metrics.text(&app.board.look(), counted.as_deref(), &(app.calls)(), Instant::now());
    (StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

#[derive(Debug)]
struct Counted {
    at: Instant,
    ledger: PathBuf,
    sources: Option<Arc<BTreeMap<String, Counts>>>,
}

/// What the ledger counts of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    documents: u64,
    in_fin: u64,
    in_doubt: u64,
    rejected: u64,
    failing: u64,
    foreign: u64,
    blocked_since: Option<i64>,
}

fn count(path: &Path, names: &[SourceName]) -> Result<BTreeMap<String, Counts>, LedgerError> {
    let Some(ledger) = Ledger::read(path)? else {
        return Ok(names.iter().map(|name| (name.to_string(), Counts::default())).collect());
    };
    let count = |name: &SourceName| {
        let row = ledger.source(name.as_str())?;
        let [documents, excluded, failing, _] = ledger.count_documents(name.as_str())?;
        let mut counts = Counts {
            documents: documents + excluded + failing,
            failing,
            blocked_since: row.blocked.map(|(since, _)| since),
            ..Counts::default()
        };
        if let Some(id) = row.import_source {
            [counts.in_fin, counts.in_doubt, counts.rejected] = ledger.count_pages(id)?;
            let import_source = ledger.import_source(id)?;
            // What is gone in Intercom took its pages with it.
            if import_source.as_ref().is_some_and(|row| row.gone_since.is_some()) {
                counts.in_fin = 0;
            }
            counts.foreign = import_source.map_or(0, |row| row.foreign_pages);
        }
        Ok((name.to_string(), counts))
    };
    names.iter().map(count).collect()
}

fn of_the_daemon(registry: &mut Registry, snapshot: &Snapshot, now: Instant) {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    set(registry, "build_info", "Which finmirror this is", [(version, 1.0)]);
    let ready = snapshot.unready(now).is_empty() && !snapshot.is_draining;
    set(registry, "ready", "Every source had a complete cycle and none is stale", [(Vec::new(), flag(ready))]);
    let obeyed = flag(snapshot.config_error.is_none());
    let help = "The configuration that is obeyed is what its file says";
    set(registry, "config_last_reload_successful", help, [(Vec::new(), obeyed)]);
}

fn of_the_sources(registry: &mut Registry, sources: &[SourceState], now: Instant) {
    let info = sources.iter().map(|s| (labels(s.name.as_str(), &[("kind", s.kind), ("watch", s.watch)]), 1.0));
    set(registry, "source_info", "Each source: what it is, and how changes of it are heard of", info);
    let states = sources.iter().flat_map(|source| {
        let present = source.word(now);
        WORDS.map(|word| (labels(source.name.as_str(), &[("state", word.as_str())]), flag(word == present)))
    });
    set(registry, "source_state", "1 for the state that a source is in", states);
    each(registry, "source_interval_seconds", "How long a source may be without a complete cycle", sources, |source| {
        Some(source.interval.as_secs_f64())
    });
    each(registry, "source_consecutive_failures", "Cycles that failed one after the other", sources, |source| {
        Some(f64::from(source.failures))
    });
    let help = "When a cycle last ended as converged or held";
    each(registry, "source_last_success_timestamp_seconds", help, sources, |s| s.success.map(|m| unix_s(m.at)));
    let help = "When a cycle last saw the source whole";
    each(registry, "source_last_complete_timestamp_seconds", help, sources, |s| s.complete.map(|m| unix_s(m.at)));
    let help = "Age of the oldest change that Intercom has not yet acknowledged; 0 where there is none";
    each(registry, "freshness_age_seconds", help, sources, |source| {
        let age = source.pending.map(|pending| now.saturating_duration_since(pending.instant));
        Some(age.unwrap_or_default().as_secs_f64())
    });
}

fn of_the_ledger(registry: &mut Registry, snapshot: &Snapshot, ledger: Option<&BTreeMap<String, Counts>>) {
    set(registry, "ledger_readable", "The ledger's counts could be read", [(Vec::new(), flag(ledger.is_some()))]);
    let waiting = snapshot.sources.iter().filter_map(|source| {
        let held = number(source.last.as_ref()?.report.held);
        Some((labels(source.name.as_str(), &[("state", "held")]), held))
    });
    let known = || ledger.into_iter().flatten();
    let counted = known().flat_map(|(name, counts)| {
        [
            ("in_fin", counts.in_fin),
            ("in_doubt", counts.in_doubt),
            ("rejected", counts.rejected),
            ("failing", counts.failing),
            ("foreign", counts.foreign),
        ]
        .map(|(state, count)| (labels(name, &[("state", state)]), number(count)))
    });
    let help = "Pages: in Fin; with a request whose answer is not known; rejected by Intercom until they change; failing \
                on our side; held, waiting to be deleted; foreign, not ours";
    set(registry, "pages", help, counted.chain(waiting));
    let documents = known().map(|(name, counts)| (labels(name, &[]), number(counts.documents)));
    set(registry, "documents", "Documents that the last scan saw", documents);
    let blocked = known().filter_map(|(name, counts)| {
        #[expect(clippy::cast_precision_loss, reason = "unix seconds")]
        Some((labels(name, &[]), counts.blocked_since? as f64))
    });
    let help = "Since when a problem of the source blocks deletes; absent where none does";
    set(registry, "deletes_blocked_since_timestamp_seconds", help, blocked);
}

fn of_intercom(registry: &mut Registry, calls: &Calls) {
    let requests = Counters::default();
    for call in &calls.counts {
        let status = call.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let labels = vec![("method", call.method.to_owned()), ("route", call.route.to_owned()), ("status", status)];
        requests.get_or_create(&labels).inc_by(call.count);
    }
    let help = "Requests to Intercom, repetitions included, by route and status; `none`: no answer came";
    add(registry, "intercom_requests", help, &requests);
    let retries: Counter = Counter::default();
    retries.inc_by(calls.retries);
    add(registry, "intercom_retries", "Requests to Intercom that repeated another", &retries);
    let used = calls.window_used.map(|used| (Vec::new(), used));
    let help =
        "Part of Intercom's present rate window that is used, by us and by others; absent where no limit is known";
    set(registry, "intercom_rate_window_used_ratio", help, used);
}

/// What Prometheus' own clients say of their process, under the same names; what the system does not tell is absent.
fn of_the_process(registry: &mut Registry, started_at: Timestamp) {
    let mut process = |name: &str, help: &str, value: Option<f64>| {
        let gauge = Gauge::<f64, AtomicU64>::default();
        if let Some(value) = value {
            gauge.set(value);
            registry.register(format!("process_{name}"), help, gauge);
        }
    };
    let memory = |key: &str| {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| number(kib * 1024))
    };
    process("resident_memory_bytes", "Resident memory", memory("VmRSS"));
    process("virtual_memory_bytes", "Virtual memory", memory("VmSize"));
    // The folder that is being read is one of them.
    let open = fs::read_dir("/proc/self/fd").ok().map(|fds| number(fds.count().saturating_sub(1) as u64));
    process("open_fds", "Open file descriptors", open);
    process("max_fds", "File descriptors that may be open", getrlimit(Resource::Nofile).current.map(number));
    process("start_time_seconds", "When the process began", Some(unix_s(started_at)));
    let cpu = Counter::<f64, AtomicU64>::default();
    let used = clock_gettime(ClockId::ProcessCPUTime);
    cpu.inc_by(Duration::try_from(used).unwrap_or_default().as_secs_f64());
    registry.register("process_cpu_seconds", "Processor time used", cpu);
}

fn labels(source: &str, others: &[(&'static str, &str)]) -> Labels {
    let others = others.iter().map(|(key, value)| (*key, (*value).to_owned()));
    std::iter::once(("source", source.to_owned())).chain(others).collect()
}

fn add(registry: &mut Registry, name: &str, help: &str, metric: &(impl Metric + Clone)) {
    registry.register(format!("finmirror_{name}"), help, metric.clone());
}

/// Registers a gauge with the values that it has now.
fn set(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
    let gauges = Gauges::default();
    for (labels, value) in values {
        gauges.get_or_create(&labels).set(value);
    }
    add(registry, name, help, &gauges);
}

fn each(
    registry: &mut Registry,
    name: &str,
    help: &str,
    sources: &[SourceState],
    value: impl Fn(&SourceState) -> Option<f64>,
) {
    let values = sources.iter().filter_map(|source| Some((labels(source.name.as_str(), &[]), value(source)?)));
    set(registry, name, help, values);
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "unix milliseconds")]
fn unix_s(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// `OpenMetrics` names a counter without the `_total` of its samples; the older format, which more readers know, with it.
fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len() + 256);
    let mut help = None;
    let mut write = |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("writing to a string never fails");
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                write(format_args!("# HELP {name}{total} {help}\n"));
            }
            write(format_args!("# TYPE {name}{total} {kind}\n"));
        } else if !line.starts_with('#') {
            // A set of no labels.
            let bare = line.split_once('{').and_then(|(name, rest)| Some((name, rest.strip_prefix('}')?)));
            match bare {
                Some((name, value)) => write(format_args!("{name}{value}\n")),
                None => write(format_args!("{line}\n")),
            }
        }
    }
    text
}
