//! What is shown of the daemon, as plain values for the templates: which words, which order, what needs a person.
//!
//! Pure: a snapshot, the ledger's word and two clocks go in. Everything that was written by others is cut to a length, its
//! control characters and credentials are taken out; escaping is the templates'.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::links;
use super::text::{long, request_id, short};
use crate::daemon::board::{Moment, Phase, Snapshot, SourceState, Word};
use crate::page::Problem;
use crate::report::{CycleReport, FailedPage, Outcome, counted};
use crate::status::{Cycle, SourceStatus, Status, ToMend as Mend};

/// Failures and problems of each source that the overview shows; a source's own page shows [`MOST_SHOWN`].
const SHOWN: usize = 5;
/// Failures, problems and warnings that are shown of one source.
pub(super) const MOST_SHOWN: usize = 50;
/// Cycles of each source that are drawn.
pub(super) const DRAWN: u32 = 24;
/// Cycles in the overview's table.
const RECENT: usize = 8;

/// The moment at which a page is made, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// By the wall clock.
    pub(super) at: Timestamp,
    /// By the monotonic clock.
    pub(super) instant: Instant,
}

/// A time as it is shown: absolute, with its age, from which the script makes words that go on ageing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct When {
    iso: String,
    shown: String,
    age_s: i64,
}

/// The overview.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    pub(super) frame: Frame,
    verdict: String,
    tone: &'static str,
    sources: Vec<Source>,
    recent: Vec<Row>,
    left_behind: Vec<String>,
    pages: Option<u64>,
}

/// What stands around every page.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    remote: String,
    started: When,
    now: When,
    is_draining: bool,
    config_error: Option<String>,
    /// Why the ledger is not shown.
    pub(super) ledger_error: Option<String>,
    /// Whether a source needs somebody.
    is_trouble: bool,
}

/// One source.
#[derive(Debug, Serialize)]
pub(super) struct Source {
    name: String,
    href: String,
    kind: &'static str,
    place: String,
    word: &'static str,
    tone: &'static str,
    meaning: &'static str,
    needs_somebody: bool,
    running: Option<When>,
    backing_off: Option<When>,
    failures: u32,
    pending: Option<When>,
    acknowledged: Option<When>,
    last: Option<Row>,
    next: Option<When>,
    complete: Option<When>,
    interval: String,
    watch: &'static str,
    watch_note: Option<String>,
    counts: Option<Counts>,
    /// Whether there is anything but pages that Fin has.
    is_more: bool,
    failed: Vec<Failed>,
    more_failed: usize,
    problems: Vec<Trouble>,
    more_problems: usize,
    warnings: Vec<String>,
    held: Option<Held>,
    waiting_deletes: u64,
    blocked: Option<Blocked>,
    bars: Vec<Bar>,
    told: String,
    cycles: Vec<Row>,
    to_mend: Vec<ToMend>,
    mirrored_as: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Counts {
    documents: u64,
    pages: u64,
    failing: u64,
    rejected: u64,
    held: u64,
    foreign: u64,
    in_doubt: u64,
    excluded: u64,
    warnings: u64,
}

/// A cycle.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    source: String,
    href: String,
    when: When,
    outcome: String,
    tone: &'static str,
    changes: String,
    scanned: u64,
    took: String,
    requests: u64,
    retries: u64,
    /// It changed something, or did not converge.
    is_telling: bool,
}

#[derive(Debug, Serialize)]
struct Failed {
    path: String,
    href: String,
    code: String,
    message: String,
    request_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Trouble {
    path: String,
    message: String,
}

#[derive(Debug, Serialize)]
struct Held {
    count: u64,
    why: String,
    command: String,
    list: String,
}

#[derive(Debug, Serialize)]
struct Blocked {
    since: Option<When>,
    by: String,
}

#[derive(Debug, Serialize)]
struct Bar {
    tone: &'static str,
    outcome: String,
}

#[derive(Debug, Serialize)]
struct ToMend {
    code: String,
    message: String,
    count: u64,
    path: String,
    line: Option<u32>,
}

impl Now {
    /// A time by the wall clock.
    pub(super) fn when(self, at: Timestamp) -> When {
        self.aged(at, self.at.duration_since(at).as_secs())
    }

    /// A moment, its age by the clock that does not jump.
    fn moment(self, moment: Moment) -> When {
        let age = self.instant.saturating_duration_since(moment.instant).as_secs();
        self.aged(moment.at, i64::try_from(age).unwrap_or(i64::MAX))
    }

    /// A time as the ledger has it; `None` where it is none.
    fn written(self, time: &str) -> Option<When> {
        time.parse().ok().map(|at| self.when(at))
    }

    fn aged(self, at: Timestamp, age_s: i64) -> When {
        // What is of another day says so.
        let today = at.strftime("%F").to_string() == self.at.strftime("%F").to_string();
        let shown = at.strftime(if today { "%H:%M:%S UTC" } else { "%F %H:%M UTC" }).to_string();
        When { iso: at.strftime("%FT%TZ").to_string(), shown, age_s }
    }
}

impl Frame {
    /// What a snapshot says of the whole daemon.
    pub(super) fn new(snapshot: &Snapshot, now: Now) -> Self {
        Self {
            remote: short(&snapshot.remote),
            started: now.when(snapshot.started_at),
            now: now.when(now.at),
            is_draining: snapshot.is_draining,
            config_error: snapshot.config_error.as_deref().map(long),
            ledger_error: None,
            is_trouble: snapshot.config_error.is_some()
                || snapshot.sources.iter().any(|source| needs_somebody(source.word(now.instant))),
        }
    }
}

impl Overview {
    /// Everything at a glance; without the ledger's word, what the daemon knows by itself.
    pub(super) fn new(snapshot: &Snapshot, status: Option<&Status>, now: Now) -> Self {
        let of = |name: &str| status.and_then(|status| status.sources.iter().find(|source| source.source == name));
        let mut sources: Vec<Source> =
            snapshot.sources.iter().map(|state| Source::new(state, of(state.name.as_str()), now, SHOWN)).collect();
        let mut recent: Vec<(String, Row)> = Vec::new();
        for status in status.iter().flat_map(|status| &status.sources) {
            let rows = status.cycles.iter().filter_map(|cycle| Some((cycle.started.clone(), cycle_row(cycle, now)?)));
            recent.extend(telling(rows.collect()).into_iter().take(RECENT));
        }
        // Their times are of one form, in which text and time have one order.
        recent.sort_by(|a, b| b.0.cmp(&a.0));
        recent.truncate(RECENT);
        let (verdict, tone) = verdict(snapshot, now.instant);
        // Whoever needs somebody comes first; the order is otherwise the configuration's.
        sources.sort_by_key(|source| !source.needs_somebody);
        Self {
            frame: Frame::new(snapshot, now),
            verdict,
            tone,
            sources,
            recent: recent.into_iter().map(|(_, row)| row).collect(),
            left_behind: status.map(|s| s.left_behind.iter().map(|line| long(line)).collect()).unwrap_or_default(),
            pages: status.map(|status| status.sources.iter().map(|source| source.pages).sum()),
        }
    }
}

impl Source {
    /// A source, with at most so many of each kind of trouble.
    pub(super) fn new(state: &SourceState, status: Option<&SourceStatus>, now: Now, most: usize) -> Self {
        let name = state.name.as_str();
        let word = state.word(now.instant);
        let ledgers = status.and_then(|status| status.cycles.first());
        let report = state.last.as_ref().map(|last| &last.report).or(ledgers.map(|cycle| &cycle.report));
        let failed: &[FailedPage] = match report.map(|report| report.failed.as_slice()) {
            Some(failed) if !failed.is_empty() => failed,
            _ => status.map_or(&[], |status| &status.failed),
        };
        let problems: &[Problem] = report.map_or(&[], |report| &report.problems);
        let held = report.and_then(|report| held(report, name));
        let blocked = status.and_then(|status| {
            let by = long(status.deletes_blocked_by.as_deref()?);
            Some(Blocked { since: status.deletes_blocked_since.as_deref().and_then(|since| now.written(since)), by })
        });
        let cycles: Vec<Row> =
            status.iter().flat_map(|s| &s.cycles).filter_map(|cycle| cycle_row(cycle, now)).collect();
        let held_count = report.map_or(0, |report| report.held);
        Self {
            name: short(name),
            href: links::source(name),
            kind: state.kind,
            place: short(&state.place),
            word: word.as_str(),
            tone: tone(word),
            meaning: meaning(word),
            needs_somebody: needs_somebody(word),
            running: match state.phase {
                Phase::Running { since } => Some(now.when(since)),
                Phase::Resting | Phase::BackingOff { .. } => None,
            },
            backing_off: match state.phase {
                Phase::BackingOff { until } => Some(now.when(until)),
                Phase::Resting | Phase::Running { .. } => None,
            },
            failures: state.failures,
            pending: state.pending.map(|moment| now.moment(moment)),
            acknowledged: status.and_then(|status| now.written(status.last_acknowledged.as_deref()?)),
            last: state.last.as_ref().map(|last| row(now.when(last.started_at), &last.report)),
            next: state.next_at.map(|at| now.when(at)),
            complete: match state.complete {
                Some(complete) => Some(now.moment(complete)),
                None => status.and_then(|status| now.written(status.last_complete.as_deref()?)),
            },
            interval: span(state.interval),
            watch: state.watch,
            watch_note: state.watch_note.as_deref().map(long),
            is_more: held_count > 0 || status.is_some_and(|s| s.failing + s.rejected + s.in_doubt + s.foreign > 0),
            counts: status.map(|status| counts(status, held_count)),
            failed: failed.iter().take(most).map(|page| failed_page(page, name)).collect(),
            more_failed: failed.len().saturating_sub(most),
            problems: problems.iter().take(most).map(trouble).collect(),
            more_problems: problems.len().saturating_sub(most),
            warnings: report.iter().flat_map(|r| r.warnings.iter().take(most)).map(|warning| long(warning)).collect(),
            waiting_deletes: if held.is_some() { 0 } else { held_count },
            held,
            blocked,
            told: told(&cycles),
            bars: cycles.iter().rev().map(|row| Bar { tone: row.tone, outcome: row.outcome.clone() }).collect(),
            cycles,
            to_mend: status.iter().flat_map(|status| &status.to_mend).map(to_mend).collect(),
            mirrored_as: status.and_then(|status| status.import_source),
        }
    }

    /// Its name, for a title.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// A span of time in words: `5 min`, `1 h 30 min`.
fn span(span: Duration) -> String {
    let s = span.as_secs();
    let parts: Vec<String> = [(s / 86_400, "d"), (s / 3_600 % 24, "h"), (s / 60 % 60, "min"), (s % 60, "s")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
}

fn verdict(snapshot: &Snapshot, now: Instant) -> (String, &'static str) {
    let words: Vec<Word> = snapshot.sources.iter().map(|source| source.word(now)).collect();
    let all = words.len();
    let troubled = words.iter().filter(|word| needs_somebody(**word)).count();
    let starting = words.iter().filter(|word| **word == Word::Starting).count();
    let worst = words
        .iter()
        .map(|word| tone(*word))
        .max_by_key(|tone| ["good", "idle", "warn", "bad"].iter().position(|t| t == tone));
    let need = if troubled == 1 { "needs" } else { "need" };
    match (all, troubled, starting) {
        (0, ..) => ("No source is configured".into(), "idle"),
        (1, 1, _) => ("The source needs attention".into(), worst.unwrap_or("bad")),
        (_, 1.., _) => (format!("{troubled} of {all} sources {need} attention"), worst.unwrap_or("bad")),
        (1, _, 1) => ("Starting: the source is looked at for the first time".into(), "idle"),
        (_, _, 1..) => (format!("Starting: {starting} of {all} sources are looked at for the first time"), "idle"),
        (1, ..) => ("Fin has what the source has".into(), "good"),
        _ => (format!("Fin has what all {all} sources have"), "good"),
    }
}

fn needs_somebody(word: Word) -> bool {
    match word {
        Word::Starting | Word::Converged => false,
        Word::Held | Word::Incomplete | Word::Failed | Word::Stale => true,
    }
}

fn tone(word: Word) -> &'static str {
    match word {
        Word::Starting => "idle",
        Word::Converged => "good",
        Word::Held | Word::Incomplete => "warn",
        Word::Failed | Word::Stale => "bad",
    }
}

fn meaning(word: Word) -> &'static str {
    match word {
        Word::Starting => "no cycle has ended yet",
        Word::Converged => "Fin has what the source has",
        Word::Held => "Fin has what the source has, but for deletes that wait for a person",
        Word::Incomplete => "the source could not be seen whole: nothing is deleted until it can",
        Word::Failed => "pages failed, or the source did",
        Word::Stale => "no complete cycle for twice its interval",
    }
}

fn counts(status: &SourceStatus, held: u64) -> Counts {
    Counts {
        documents: status.documents,
        pages: status.pages,
        failing: status.failing,
        rejected: status.rejected,
        held,
        foreign: status.foreign,
        in_doubt: status.in_doubt,
        excluded: status.excluded,
        warnings: status.warnings,
    }
}

fn held(report: &CycleReport, name: &str) -> Option<Held> {
    let release = report.release.as_deref()?;
    Some(Held {
        count: report.held,
        why: long(report.held_why.as_deref().unwrap_or("they are over the limit")),
        command: format!("finmirror --once --release-held {}", quoted(&short(release))),
        list: links::list(name, "", Some("leaving"), 1),
    })
}

/// A word for a shell: as it is, or in single quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn failed_page(page: &FailedPage, source: &str) -> Failed {
    Failed {
        path: short(&page.path),
        href: if page.external_id.is_empty() { String::new() } else { links::page(source, &page.external_id) },
        code: short(&page.code),
        message: long(&page.message),
        request_id: request_id(&page.message).map(short),
    }
}

fn trouble(problem: &Problem) -> Trouble {
    Trouble { path: short(&problem.path), message: long(&problem.message) }
}

fn to_mend(mend: &Mend) -> ToMend {
    ToMend {
        code: short(&mend.code),
        message: long(&mend.message),
        count: mend.count,
        path: short(&mend.path),
        line: mend.line,
    }
}

/// Of a source's cycles, the newest first: that one, and of those before it the ones that came to something, each once for
/// as long as nothing else happened. An idle source looks a thousand times a day.
fn telling(cycles: Vec<(String, Row)>) -> Vec<(String, Row)> {
    let mut telling: Vec<(String, Row)> = Vec::new();
    for (at, row) in cycles {
        let is_same =
            telling.last().is_some_and(|(_, newer)| newer.changes == row.changes && newer.outcome == row.outcome);
        if telling.is_empty() || (row.is_telling && !is_same) {
            telling.push((at, row));
        }
    }
    telling
}

fn cycle_row(cycle: &Cycle, now: Now) -> Option<Row> {
    Some(row(now.written(&cycle.started)?, &cycle.report))
}

fn row(when: When, report: &CycleReport) -> Row {
    let counts = [
        (report.created, "created"),
        (report.updated, "updated"),
        (report.renamed, "renamed"),
        (report.deleted, "deleted"),
        (report.held, "held"),
        (report.failed.len() as u64, "failed"),
    ];
    let changes: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    Row {
        source: short(&report.source),
        href: links::source(&report.source),
        when,
        outcome: report.outcome.to_string(),
        tone: match report.outcome {
            Outcome::Converged => "good",
            Outcome::Held | Outcome::Incomplete => "warn",
            Outcome::Failed => "bad",
        },
        changes: match report.outcome {
            _ if !changes.is_empty() => changes.join(", "),
            Outcome::Converged | Outcome::Held => "nothing changed".into(),
            Outcome::Incomplete => "not seen whole".into(),
            Outcome::Failed => "it failed".into(),
        },
        scanned: report.scanned,
        took: took(report.duration_ms),
        requests: report.requests,
        retries: report.retries,
        is_telling: counts.iter().any(|(count, _)| *count > 0) || report.outcome != Outcome::Converged,
    }
}

fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => span(Duration::from_millis(ms)),
    }
}

/// The bars in words, for whoever does not see them.
fn told(cycles: &[Row]) -> String {
    if cycles.is_empty() {
        return "no cycle yet".into();
    }
    let outcomes = ["converged", "held", "incomplete", "failed"].map(|outcome| {
        let count = cycles.iter().filter(|row| row.outcome == outcome).count();
        (count > 0).then(|| format!("{count} {outcome}"))
    });
    let outcomes: Vec<String> = outcomes.into_iter().flatten().collect();
    format!("the last {}: {}", counted(cycles.len() as u64, "cycle"), outcomes.join(", "))
}
