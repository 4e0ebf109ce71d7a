//! The daemon: triggers → dirty sources → cycles, side by side, until it is told to stop.
//!
//! One loop takes every trigger that is ready, asks each source's agenda for its next piece of work, and gives it a task;
//! each source has a connection to the ledger of its own. The loop knows no configuration and no Intercom: what a cycle is
//! comes in as [`Cycles`]. Keeps: a source is never in two cycles at once; a panic, or a failure, in one of them is that
//! source's alone; what happens while a cycle runs is looked at after it; a stop begins nothing (I8).

mod agenda;
pub mod alerts;
pub mod board;
pub mod control;
pub mod schedule;
pub mod systemd;
pub mod watch;

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use self::agenda::{Agenda, Ended, Work};
use self::board::{Board, LastCycle, Moment, Phase, SourceState};
use self::schedule::Schedule;
use self::watch::{Heard, Mode, Watch, Watcher};
use crate::apply::Clock;
use crate::ledger::Ledger;
use crate::page::{DocPath, Problem, SourceName};
use crate::report::{CycleReport, Outcome};
use crate::stop::Stop;
use crate::sync::Wishes;
use crate::sync::partial::Partial;

/// Triggers that wait to be taken; more are one look at everything.
pub const TRIGGERS: usize = 1024;
/// What cycles have to end in once all is to stop; then they are abandoned, which loses nothing (I1).
const DRAIN: Duration = Duration::from_secs(9);
/// How often a folder that is not there is looked for.
const SEEK: Duration = Duration::from_secs(5);
/// What a look sees before it is told of is told within this time: a file is told of when its writer is done with it.
const HEARSAY: Duration = Duration::from_secs(2);
/// Wishes of people that wait for one source.
const MOST_WISHES: usize = 64;
/// Further ahead than anything is waited for.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// Something that asks for a look at a source.
#[derive(Debug)]
pub enum Trigger {
    /// Something may have changed: these documents, or, where there are none, nobody knows what.
    Changed {
        /// The source.
        source: SourceName,
        /// The documents.
        paths: Vec<DocPath>,
    },
    /// A person or a program asks for a cycle now, whatever is known: `POST /sync`, a webhook.
    Look {
        /// The source.
        source: SourceName,
    },
    /// A command asks for a cycle with wishes of its own, and for its report.
    Wish {
        /// The source.
        source: SourceName,
        /// Its wishes.
        wishes: Wishes,
        /// Gets the report.
        reply: oneshot::Sender<CycleReport>,
    },
}

/// What happened, for logs, metrics and notifications.
#[derive(Debug)]
pub enum News<'a> {
    /// A cycle of a source ended, a partial one or a whole.
    Cycle {
        /// The source.
        source: &'a SourceName,
        /// What it came to.
        report: &'a CycleReport,
        /// It looked at the paths that events named, and at nothing else.
        is_partial: bool,
        /// How long each change that it got acknowledged had been known, in seconds.
        waited_s: &'a [f64],
    },
    /// The loop is well: told again and again.
    Pulse,
}

/// What runs the cycles of the sources.
pub trait Cycles: Send + Sync + 'static {
    /// Runs a whole cycle of a source. An error is the ledger's, or what kept the source from being opened.
    fn whole(
        &self,
        source: usize,
        wishes: Wishes,
        ledger: &mut Ledger,
    ) -> impl Future<Output = anyhow::Result<CycleReport>> + Send;

    /// Looks at these documents of a source, and sends them.
    fn partial(
        &self,
        source: usize,
        paths: &[DocPath],
        ledger: &mut Ledger,
    ) -> impl Future<Output = anyhow::Result<Partial>> + Send;

    /// Whether a source is other than at its last quiet cycle, as far as a glance tells; blocks.
    fn has_changed(&self, source: usize, ledger: &Ledger) -> anyhow::Result<bool>;
}

/// Where a folder's events are put: the trigger's queue, and, where that is full, the word that something was lost.
#[derive(Debug)]
struct Ear {
    source: SourceName,
    triggers: mpsc::Sender<Trigger>,
    overflow: Arc<AtomicBool>,
}

impl Ear {
    /// Takes what was heard; never waits.
    fn hear(&self, heard: Heard) {
        let paths = match heard {
            Heard::Paths(paths) => paths,
            Heard::Something => Vec::new(),
        };
        if self.triggers.try_send(Trigger::Changed { source: self.source.clone(), paths }).is_err() {
            self.overflow.store(true, Ordering::Release);
        }
    }
}

/// One source, as the loop runs it.
pub struct SourceOptions {
    /// Its name.
    pub name: SourceName,
    /// `files`, `git` or `sitemap`.
    pub kind: &'static str,
    /// Its folder or url, without credentials.
    pub place: String,
    /// When it is looked at though nothing asks for it.
    pub schedule: Schedule,
    /// How long two looks must agree before something is deleted.
    pub settle: Duration,
    /// The folder that is watched, and how; `None`: there is none.
    pub folder: Option<(PathBuf, Watch)>,
}

/// Everything that the loop works with.
pub struct Daemon<C> {
    /// The cycles.
    pub cycles: Arc<C>,
    /// The sources, in the order of the configuration.
    pub sources: Vec<SourceOptions>,
    /// The ledger, to apply.
    pub ledger: Ledger,
    /// Where the state is shown; its sources are replaced.
    pub board: Board,
    /// Where triggers are put.
    pub triggers: mpsc::Sender<Trigger>,
    /// The wall clock.
    pub clock: Clock,
    /// Chance, in `0..=1`.
    pub chance: fn() -> f64,
    /// Stops the cycles.
    pub stop: Stop,
    /// Hears of what happened.
    pub tell: Arc<dyn Fn(&News<'_>) + Send + Sync>,
    /// How often the pulse is told; `None`: never.
    pub pulse: Option<Duration>,
}

/// What a task brings back: the source's connection to the ledger, and how its work ended.
struct Done {
    source: usize,
    ledger: Ledger,
    came: Came,
    began: Timestamp,
}

enum Came {
    Whole(anyhow::Result<CycleReport>),
    Partial(anyhow::Result<Partial>),
    Glance(anyhow::Result<bool>),
}

struct Wish {
    wishes: Wishes,
    reply: oneshot::Sender<CycleReport>,
}

struct Running {
    source: usize,
    work: Work,
    replies: Vec<oneshot::Sender<CycleReport>>,
}

struct Loop<C> {
    cycles: Arc<C>,
    sources: Vec<SourceOptions>,
    agendas: Vec<Agenda>,
    eyes: Vec<Option<Watcher>>,
    ears: Vec<Arc<AtomicBool>>,
    wishes: Vec<VecDeque<Wish>>,
    /// A look found a change of which nothing was heard: believed if it stays so until then.
    suspicions: Vec<Option<Instant>>,
    ledgers: Vec<Option<Ledger>>,
    ledger: Ledger,
    tasks: JoinSet<Done>,
    running: HashMap<Id, Running>,
    seek: Instant,
    board: Board,
    clock: Clock,
    chance: fn() -> f64,
    stop: Stop,
    tell: Arc<dyn Fn(&News<'_>) + Send + Sync>,
}

/// Runs until the shutdown; the ledger comes back, so that its lock need not be let go for a new configuration. An error is
/// the ledger's at the very beginning.
pub async fn run<C: Cycles>(
    daemon: Daemon<C>,
    inbox: &mut mpsc::Receiver<Trigger>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<Ledger> {
    let Daemon { cycles, sources, ledger, board, triggers, clock, chance, stop, tell, pulse } = daemon;
    let now = Instant::now();
    let states = sources.iter().map(|source| state_of(source, &ledger, clock())).collect::<anyhow::Result<Vec<_>>>()?;
    board.show(|snapshot| (snapshot.sources, snapshot.is_draining) = (states, false));
    let ears: Vec<Arc<AtomicBool>> = sources.iter().map(|_| Arc::default()).collect();
    let watch = |(source, overflow): (&SourceOptions, &Arc<AtomicBool>)| {
        let (root, wanted) = source.folder.as_ref()?;
        let ear = Ear { source: source.name.clone(), triggers: triggers.clone(), overflow: overflow.clone() };
        Some(Watcher::start(root, *wanted, move |heard| ear.hear(heard)))
    };
    // Watched before it is looked at, so that nothing is missed in between.
    let eyes: Vec<_> = sources.iter().zip(&ears).map(watch).collect();
    let agendas = sources.iter().map(|source| Agenda::new(source.schedule.interval(clock()), now)).collect();
    let mut this = Loop {
        agendas,
        eyes,
        ears,
        wishes: sources.iter().map(|_| VecDeque::new()).collect(),
        suspicions: sources.iter().map(|_| None).collect(),
        ledgers: sources.iter().map(|_| None).collect(),
        cycles,
        sources,
        ledger,
        tasks: JoinSet::new(),
        running: HashMap::new(),
        seek: now + SEEK,
        board,
        clock,
        chance,
        stop,
        tell,
    };
    this.watch_all();
    let mut shutdown = std::pin::pin!(shutdown);
    let mut beat = interval(pulse.unwrap_or(NEVER).max(Duration::from_millis(10)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        this.begin();
        let wakes = this.wakes();
        tokio::select! {
            () = &mut shutdown => break,
            Some(trigger) = inbox.recv() => {
                this.take(trigger);
                while let Ok(trigger) = inbox.try_recv() {
                    this.take(trigger);
                }
            }
            Some(done) = this.tasks.join_next_with_id() => this.end(done),
            () = sleep_until(wakes) => {}
            _ = beat.tick() => (this.tell)(&News::Pulse),
        }
    }
    this.drain().await;
    Ok(this.ledger)
}

impl<C: Cycles> Loop<C> {
    /// Takes one trigger. What names no source of ours is nothing: it was meant for another configuration.
    fn take(&mut self, trigger: Trigger) {
        let now = Instant::now();
        match trigger {
            Trigger::Changed { source, paths } => {
                if let Some(at) = self.position(&source) {
                    self.agendas[at].hear(paths, now);
                    self.suspicions[at] = None;
                    self.show(at, |_| {});
                }
            }
            Trigger::Look { source } => {
                if let Some(at) = self.position(&source) {
                    self.agendas[at].ask();
                }
            }
            Trigger::Wish { source, wishes, reply } => {
                if let Some(at) = self.position(&source)
                    && self.wishes[at].len() < MOST_WISHES
                {
                    self.wishes[at].push_back(Wish { wishes, reply });
                }
            }
        }
    }

    fn position(&self, name: &SourceName) -> Option<usize> {
        self.sources.iter().position(|source| source.name == *name)
    }

    /// Begins whatever can begin.
    fn begin(&mut self) {
        let now = Instant::now();
        if self.seek <= now {
            self.seek = now + SEEK;
            self.look_again(now);
        }
        for at in 0..self.sources.len() {
            if self.ears[at].swap(false, Ordering::AcqRel) {
                self.agendas[at].hear(Vec::new(), now);
            }
            if self.suspicions[at].take_if(|until| *until <= now).is_some() {
                self.distrust(at);
            }
            let is_wished = !self.wishes[at].is_empty();
            let Some(work) = self.agendas[at].next(is_wished, now) else { continue };
            if let Err(error) = self.spawn(at, work.clone()) {
                self.fail(at, &work, &format!("{error:#}"), Vec::new());
            }
        }
    }

    fn spawn(&mut self, at: usize, work: Work) -> anyhow::Result<()> {
        let mut ledger = match self.ledgers[at].take() {
            Some(ledger) => ledger,
            None => self.ledger.beside()?,
        };
        let (cycles, began) = (self.cycles.clone(), (self.clock)());
        // Wishes of the same kind are one cycle; a released set is one of its own.
        let (mut wishes, mut replies) = (Wishes::default(), Vec::new());
        if work == Work::Whole
            && let Some(first) = self.wishes[at].pop_front()
        {
            wishes = first.wishes;
            replies.push(first.reply);
            while let Some(next) = self.wishes[at].pop_front_if(|next| next.wishes == wishes) {
                replies.push(next.reply);
            }
        }
        let is_glance = work == Work::Glance;
        let todo = work.clone();
        let task = self.tasks.spawn(async move {
            let came = match todo {
                Work::Whole => Came::Whole(cycles.whole(at, wishes, &mut ledger).await),
                Work::Partial(paths) => Came::Partial(cycles.partial(at, &paths, &mut ledger).await),
                Work::Glance => Came::Glance(cycles.has_changed(at, &ledger)),
            };
            Done { source: at, ledger, came, began }
        });
        self.running.insert(task.id(), Running { source: at, work, replies });
        if !is_glance {
            self.show(at, |state| state.phase = Phase::Running { since: began });
        }
        Ok(())
    }

    /// A task ended, one way or another.
    fn end(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((id, Done { source: at, ledger, came, began })) => {
                let replies = self.running.remove(&id).map(|running| running.replies).unwrap_or_default();
                self.ledgers[at] = Some(ledger);
                match came {
                    Came::Whole(Ok(report)) => self.whole(at, report, began, replies),
                    Came::Partial(Ok(partial)) => self.partial(at, partial),
                    Came::Glance(Ok(has_changed)) => {
                        self.agendas[at].ended(Ended::default(), Instant::now());
                        if has_changed {
                            self.agendas[at].hear(Vec::new(), Instant::now());
                        }
                    }
                    Came::Partial(Err(error)) => {
                        self.fail(at, &Work::Partial(Vec::new()), &format!("{error:#}"), replies);
                    }
                    Came::Whole(Err(error)) | Came::Glance(Err(error)) => {
                        self.fail(at, &Work::Whole, &format!("{error:#}"), replies);
                    }
                }
            }
            Err(error) => {
                let Some(Running { source, work, replies }) = self.running.remove(&error.id()) else { return };
                let why = "its cycle ended in an unforeseen way: please report it; the next one begins anew";
                self.fail(source, &work, why, replies);
            }
        }
    }

    fn whole(&mut self, at: usize, report: CycleReport, began: Timestamp, replies: Vec<oneshot::Sender<CycleReport>>) {
        let (now, wall) = (Instant::now(), (self.clock)());
        let source = &self.sources[at];
        let fails_by = |code: &str| report.failed.iter().any(|page| page.code == code);
        let is_complete = report.problems.is_empty();
        let ended = Ended {
            failed: (!is_complete && !report.only_waits) || fails_by("unanswered"),
            left: report.only_waits || fails_by("changing"),
            settles_in: (report.settling > 0).then_some(source.settle),
            next_in: source.schedule.wait(wall, (self.chance)()),
        };
        let after = self.agendas[at].ended(ended, now);
        let changed = report.created + report.updated + report.renamed + report.deleted;
        if report.read > 0 && changed > 0 && after.is_unprompted && self.board.look().sources[at].complete.is_some() {
            self.suspicions[at] = Some(now + HEARSAY);
        }
        let waited: Vec<f64> = after.waited.filter(|_| changed > 0).iter().map(Duration::as_secs_f64).collect();
        (self.tell)(&News::Cycle {
            source: &self.sources[at].name,
            report: &report,
            is_partial: false,
            waited_s: &waited,
        });
        for reply in replies {
            // Whoever asked may have gone.
            let _ = reply.send(report.clone());
        }
        let moment = Moment { at: wall, instant: now };
        let next_at = wall.checked_add(ended.next_in).ok();
        self.show(at, |state| {
            if is_complete {
                state.complete = Some(moment);
            }
            if matches!(report.outcome, Outcome::Converged | Outcome::Held) {
                state.success = Some(moment);
            }
            state.next_at = next_at;
            state.last = Some(LastCycle { started_at: began, report });
        });
        self.watch_all();
    }

    fn partial(&mut self, at: usize, partial: Partial) {
        let Partial { report, is_left } = partial;
        // What is left is looked at as a whole soon, for events are always followed by that.
        let failed = !report.problems.is_empty();
        let ended = Ended { failed, left: is_left, ..Ended::default() };
        let after = self.agendas[at].ended(ended, Instant::now());
        let has_sent = report.created + report.updated > 0;
        let waited: Vec<f64> = after.waited.filter(|_| has_sent).iter().map(Duration::as_secs_f64).collect();
        if has_sent || failed {
            let source = &self.sources[at].name;
            (self.tell)(&News::Cycle { source, report: &report, is_partial: true, waited_s: &waited });
        }
        self.show(at, |_| {});
    }

    /// A piece of work that could not even report.
    fn fail(&mut self, at: usize, work: &Work, why: &str, replies: Vec<oneshot::Sender<CycleReport>>) {
        let (now, wall) = (Instant::now(), (self.clock)());
        let source = &self.sources[at];
        let next_in = source.schedule.wait(wall, (self.chance)());
        self.agendas[at].ended(Ended { failed: true, next_in, ..Ended::default() }, now);
        let mut report = CycleReport::new(source.name.as_str());
        report.problems.push(Problem { path: String::new(), message: why.to_owned() });
        let report = report.judged(true);
        let is_partial = matches!(work, Work::Partial(_));
        (self.tell)(&News::Cycle { source: &source.name, report: &report, is_partial, waited_s: &[] });
        for reply in replies {
            let _ = reply.send(report.clone());
        }
        self.show(at, |state| state.last = Some(LastCycle { started_at: wall, report }));
    }

    /// Follows what the folders are now.
    fn watch_all(&mut self) {
        let now = Instant::now();
        for at in 0..self.eyes.len() {
            let Some(eyes) = &mut self.eyes[at] else { continue };
            if eyes.refresh() {
                self.agendas[at].hear(Vec::new(), now);
            }
            let (mode, note) = (eyes.mode(), eyes.note().map(str::to_owned));
            self.agendas[at].poll(mode == Mode::Poll, now);
            let mode = mode.as_str();
            let shown = self.board.look();
            let Some(state) = shown.sources.get(at) else { continue };
            if state.watch == mode && state.watch_note == note {
                continue;
            }
            if let Some(note) = &note {
                tracing::warn!(source.name = %self.sources[at].name, "{note}");
            }
            self.show(at, |state| (state.watch, state.watch_note) = (mode, note));
        }
    }

    /// Looks for folders that are not there, so that they are seen as soon as they are.
    fn look_again(&mut self, now: Instant) {
        for at in 0..self.eyes.len() {
            let is_failing = self.agendas[at].backoff().0 > 0;
            if let Some(eyes) = &mut self.eyes[at]
                && is_failing
                && eyes.refresh()
            {
                self.agendas[at].ask();
                self.agendas[at].hear(Vec::new(), now);
            }
        }
    }

    fn distrust(&mut self, at: usize) {
        if let Some(eyes) = &mut self.eyes[at] {
            eyes.distrust();
        }
        self.watch_all();
    }

    fn wakes(&self) -> Instant {
        let now = Instant::now();
        let next = self.agendas.iter().filter_map(Agenda::wakes).min();
        // Seeking costs nothing while every source is well.
        let is_seeking = self.agendas.iter().any(|agenda| agenda.backoff().0 > 0);
        let seek = is_seeking.then_some(self.seek.max(now));
        let suspicion = self.suspicions.iter().flatten().copied().min();
        next.into_iter().chain(seek).chain(suspicion).min().unwrap_or(now + NEVER)
    }

    /// Shows a source's state, with what its agenda knows.
    fn show(&self, at: usize, change: impl FnOnce(&mut SourceState)) {
        let (now, wall) = (Instant::now(), (self.clock)());
        let agenda = &self.agendas[at];
        let (failures, backoff) = agenda.backoff();
        let at_wall = |instant: Instant| {
            let shifted = match instant.checked_duration_since(now) {
                Some(ahead) => wall.checked_add(ahead),
                None => wall.checked_sub(now - instant),
            };
            shifted.unwrap_or(wall)
        };
        self.board.show(|snapshot| {
            let Some(state) = snapshot.sources.get_mut(at) else { return };
            if agenda.is_idle() {
                state.phase = backoff.map_or(Phase::Resting, |until| Phase::BackingOff { until: at_wall(until) });
            }
            state.failures = failures;
            state.pending = agenda.pending().map(|instant| Moment { at: at_wall(instant), instant });
            change(state);
        });
    }

    /// Ends: nothing begins, what runs has its time, and is abandoned after it.
    async fn drain(&mut self) {
        self.stop.set();
        self.board.show(|snapshot| snapshot.is_draining = true);
        self.eyes.clear();
        let all = async {
            while let Some(done) = self.tasks.join_next_with_id().await {
                if let Ok((id, Done { source, came: Came::Whole(Ok(report)), .. })) = done {
                    let name = &self.sources[source].name;
                    (self.tell)(&News::Cycle { source: name, report: &report, is_partial: false, waited_s: &[] });
                    for reply in self.running.remove(&id).map(|running| running.replies).unwrap_or_default() {
                        let _ = reply.send(report.clone());
                    }
                }
            }
        };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!("a cycle did not end in time, and is abandoned: the next run goes on from what is known");
            self.tasks.abort_all();
        }
    }
}

/// A source before its first cycle: with the last one of the process before.
fn state_of(source: &SourceOptions, ledger: &Ledger, now: Timestamp) -> anyhow::Result<SourceState> {
    let last = ledger.cycles(source.name.as_str(), 1)?.into_iter().next();
    let last = last.and_then(|row| {
        let report = serde_json::from_str(&row.report).ok()?;
        Some(LastCycle { started_at: Timestamp::from_second(row.started_at).ok()?, report })
    });
    Ok(SourceState {
        name: source.name.clone(),
        kind: source.kind,
        place: source.place.clone(),
        interval: source.schedule.interval(now),
        phase: Phase::Resting,
        watch: "off",
        watch_note: None,
        last,
        complete: None,
        success: None,
        pending: None,
        failures: 0,
        next_at: Some(now),
    })
}
