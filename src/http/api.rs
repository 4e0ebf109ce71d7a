//! What programs ask of the daemon: its status as JSON, and a cycle now.
//!
//! Owns the shape of `/api/status`: what the daemon knows of each source, and beside it, under `ledger`, what
//! `finmirror status --json` prints of the same source. Fields are added, none changes its meaning within a version.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::App;
use super::server::Door;
use crate::daemon::Trigger;
use crate::daemon::board::{Phase, Snapshot, SourceState, Word};
use crate::ledger::Ledger;
use crate::page::SourceName;
use crate::status::{SourceStatus, Status};

/// How long a wish may wait for the daemon's ear.
const EAR_TIME: Duration = Duration::from_secs(2);

/// The whole of `/api/status`. Times are RFC 3339 in UTC, lengths of time seconds.
#[derive(Debug, Serialize)]
struct DaemonStatus {
    /// The version of this shape: 1.
    version: u32,
    /// The version of finmirror.
    finmirror: &'static str,
    /// When this was said.
    now: Timestamp,
    /// When the process began.
    started_at: Timestamp,
    /// What is mirrored into: a base url, or the embedded simulator.
    remote: String,
    /// Whether every source is: the same as `/readyz`.
    ready: bool,
    /// Why not, a sentence for each source.
    unready: Vec<String>,
    /// It is ending: no cycle begins any more.
    draining: bool,
    /// Why the configuration's file is not what is obeyed; `null`: it is.
    config_error: Option<String>,
    /// Why nothing is known of the ledger; `null`: it is read.
    ledger_error: Option<String>,
    /// What Fin still has of sources that are configured no more, a sentence each.
    left_behind: Vec<String>,
    /// One for each source, in the order of the configuration.
    sources: Vec<SourceNow>,
}

/// One source, as the daemon runs it.
#[derive(Debug, Serialize)]
struct SourceNow {
    /// Its name.
    source: String,
    /// `files`, `git` or `sitemap`.
    kind: &'static str,
    /// Its folder or url, without credentials.
    place: String,
    /// `starting`, `converged`, `held`, `incomplete`, `failed` or `stale`.
    state: Word,
    /// What it is doing.
    phase: PhaseNow,
    /// How long it may be without a complete cycle; after twice that it is stale.
    interval_s: f64,
    /// When the next cycle is due.
    next_at: Option<Timestamp>,
    /// How changes are heard of.
    watch: WatchNow,
    /// Since when a change is known that Intercom has not yet acknowledged; `null`: there is none.
    pending_since: Option<Timestamp>,
    /// How old that change is.
    pending_s: Option<f64>,
    /// Cycles that failed one after the other.
    failures: u32,
    /// When a cycle of this process last ended as converged or held.
    last_success_at: Option<Timestamp>,
    /// When a cycle of this process last saw the source whole.
    last_complete_at: Option<Timestamp>,
    /// What the ledger says of it; `null` where it cannot be read or knows nothing yet.
    ledger: Option<SourceStatus>,
}

/// What a source is doing: `resting`; `running` since a time; `backing_off`, after failures, until a time.
#[derive(Debug, Serialize)]
struct PhaseNow {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// How changes of a source are heard of: `native`, `poll` or `off`, and why it is not as it should be, with the cure.
#[derive(Debug, Serialize)]
struct WatchNow {
    mode: &'static str,
    note: Option<String>,
}

/// `GET /api/status`.
pub(super) async fn status(State(door): State<Door>) -> Response {
    let app = door.app();
    let snapshot = app.board.look();
    let names: Vec<SourceName> = snapshot.sources.iter().map(|source| source.name.clone()).collect();
    let path = app.ledger.clone();
    let read = door.look(move || {
        let names: Vec<&str> = names.iter().map(SourceName::as_str).collect();
        let ledger = Ledger::read(&path)?;
        ledger.map(|ledger| Status::read(&ledger, &names)).transpose()
    });
    let (ledger, ledger_error) = match read.await {
        Ok(Ok(status)) => (status, None),
        Ok(Err(error)) => (None, Some(error.to_string())),
        Err(_) => (None, Some("it could not be read in time".to_owned())),
    };
    Json(merged(&snapshot, ledger, ledger_error, (app.clock)(), Instant::now())).into_response()
}

fn merged(
    snapshot: &Snapshot,
    ledger: Option<Status>,
    ledger_error: Option<String>,
    now: Timestamp,
    instant: Instant,
) -> DaemonStatus {
    let unready = snapshot.unready(instant);
    let (left_behind, sources) = ledger.map(|status| (status.left_behind, status.sources)).unwrap_or_default();
    let mut known: BTreeMap<String, SourceStatus> =
        sources.into_iter().map(|source| (source.source.clone(), source)).collect();
    let sources = snapshot.sources.iter().map(|source| source_now(source, known.remove(source.name.as_str()), instant));
    DaemonStatus {
        version: 1,
        finmirror: env!("CARGO_PKG_VERSION"),
        now,
        started_at: snapshot.started_at,
        remote: snapshot.remote.clone(),
        ready: unready.is_empty() && !snapshot.is_draining,
        unready,
        draining: snapshot.is_draining,
        config_error: snapshot.config_error.clone(),
        ledger_error,
        left_behind,
        sources: sources.collect(),
    }
}

fn source_now(source: &SourceState, ledger: Option<SourceStatus>, now: Instant) -> SourceNow {
    let phase = match source.phase {
        Phase::Resting => PhaseNow { name: "resting", since: None, until: None },
        Phase::Running { since } => PhaseNow { name: "running", since: Some(since), until: None },
        Phase::BackingOff { until } => PhaseNow { name: "backing_off", since: None, until: Some(until) },
    };
    SourceNow {
        source: source.name.to_string(),
        kind: source.kind,
        place: source.place.clone(),
        state: source.word(now),
        phase,
        interval_s: source.interval.as_secs_f64(),
        next_at: source.next_at,
        watch: WatchNow { mode: source.watch, note: source.watch_note.clone() },
        pending_since: source.pending.map(|pending| pending.at),
        pending_s: source.pending.map(|pending| now.saturating_duration_since(pending.instant).as_secs_f64()),
        failures: source.failures,
        last_success_at: source.success.map(|success| success.at),
        last_complete_at: source.complete.map(|complete| complete.at),
        ledger,
    }
}

/// `POST /sync/{source}`: asks for a cycle of it now, and does not wait for it. 202, or 404 with the names that there are.
///
/// A browser that has no script is led back to the page.
pub(super) async fn sync(State(door): State<Door>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let app = door.app();
    let snapshot = app.board.look();
    let Some(source) = snapshot.sources.iter().find(|source| source.name.as_str() == name) else {
        let names: Vec<&str> = snapshot.sources.iter().map(|source| source.name.as_str()).collect();
        let body = json!({ "version": 1, "error": "there is no such source", "sources": names });
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    if let Err(deaf) = wake(&app, &source.name).await {
        return deaf.into_response();
    }
    let is_browser =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if is_browser {
        return Redirect::to("/").into_response();
    }
    (StatusCode::ACCEPTED, Json(json!({ "version": 1, "source": source.name.as_str() }))).into_response()
}

/// Asks for a look at a source; many in a row are one.
pub(super) async fn wake(app: &App, source: &SourceName) -> Result<(), Deaf> {
    let trigger = Trigger::Look { source: source.clone() };
    match timeout(EAR_TIME, app.triggers.send(trigger)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Deaf),
    }
}

/// The daemon does not listen: it is ending, or has too much to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deaf;

impl IntoResponse for Deaf {
    fn into_response(self) -> Response {
        let body = Json(json!({ "version": 1, "error": "finmirror is ending, or busy: ask again in a moment" }));
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], body).into_response()
    }
}
