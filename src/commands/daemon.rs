//! The default command: the daemon, wired to its configuration, and wired anew each time that is read again.
//!
//! Owns the order of beginning and ending; what runs in between is [`crate::daemon`]'s. Invariant: a configuration that is
//! wrong changes nothing: the old one stays in force, and the reason is said.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;

use super::export::page_of;
use super::once::{EMBEDDED_IN_FLIGHT, log};
use super::open::{self, Tempo};
use super::works::Works;
use crate::config::{Config, RemoteOptions, SourceConfig, SourcePlace};
use crate::daemon::alerts::{self, AlertOptions};
use crate::daemon::board::{Board, Snapshot};
use crate::daemon::{self, Daemon, News, SourceOptions, TRIGGERS, Trigger, control, systemd};
use crate::http::metrics::{Calls, Metrics};
use crate::http::{self, App, Hook};
use crate::intercom::Intercom;
use crate::ledger::Ledger;
use crate::page::SourceName;
use crate::remote::Remote;
use crate::report::CycleReport;
use crate::simulator::Simulator;
use crate::stop::Stop;

/// Reads the configuration.
pub type Load<'a> = &'a dyn Fn() -> anyhow::Result<Config>;

/// Runs until the shutdown; an error where it cannot begin.
pub async fn run(load: Load<'_>, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let Next { mut config, mut listener } = prepare(load()?, None).await?;
    let mut ledger = open_ledger(&config)?;
    let (triggers, mut inbox) = mpsc::channel(TRIGGERS);
    listen_for_commands(&ledger, &triggers);
    let mut house = House {
        board: Board::new(blank()),
        metrics: Arc::new(Metrics::new()),
        triggers,
        door: None,
        told: Arc::default(),
        alerted: watch::Sender::default(),
    };
    // Ends with the process: what is told need not be waited for.
    tokio::spawn(alerts::run(house.alerted.subscribe(), house.board.clone(), open::clock(), std::future::pending()));
    loop {
        let remote = config.remote.clone()?;
        ledger.bind(&remote.address())?;
        house.board.show(|snapshot| {
            snapshot.remote = remote.address();
            snapshot.config_error = None;
        });
        let configuration = config.file.clone();
        let listens = config.http.as_ref().map(|http| http.listen);
        let mut next = None;
        let board = house.board.clone();
        let until = async {
            tokio::select! {
                () = shutdown.as_mut() => {}
                read = read_again(load, &mut hangups, &board, listens) => next = Some(read),
            }
        };
        let generation = Generation { config, listener, ledger, inbox: &mut inbox, house: &mut house };
        ledger = match remote {
            RemoteOptions::Intercom(options) => {
                let in_flight = options.max_in_flight;
                generation.run(&Intercom::new(options)?, in_flight, until).await?
            }
            RemoteOptions::Simulator(options) => {
                let remote = Simulator::open(options, open::clock()).context("cannot open the simulator's state")?;
                generation.run(&remote, EMBEDDED_IN_FLIGHT, until).await?
            }
        };
        let Some(read) = next else { break };
        Next { config, listener } = read;
        // The lock stays ours, unless the ledger is another one.
        if config.ledger.as_deref().is_ok_and(|path| path != ledger.path()) {
            ledger = open_ledger(&config)?;
            listen_for_commands(&ledger, &house.triggers);
        }
        tracing::info!(config.file = %configuration.display(), "the configuration was read again");
    }
    systemd::stopping();
    house.close().await;
    Ok(())
}

/// A configuration that can be worked by, and what must be had for it before the old one is let go.
struct Next {
    config: Config,
    /// The new door, where it is another one than the old.
    listener: Option<TcpListener>,
}

/// Takes a configuration as far as it goes without disturbing what runs.
async fn prepare(config: Config, listens: Option<SocketAddr>) -> anyhow::Result<Next> {
    config.remote.clone()?;
    config.ledger.clone()?;
    let listener = match config.http.as_ref().map(|http| http.listen).filter(|wanted| Some(*wanted) != listens) {
        None => None,
        Some(wanted) => Some(TcpListener::bind(wanted).await.with_context(|| {
            format!("cannot listen on `{wanted}`: set another `http.listen`, or `off`, if another program has it")
        })?),
    };
    Ok(Next { config, listener })
}

/// Waits for a configuration that can be worked by; of one that cannot, it says why, and waits on.
async fn read_again(load: Load<'_>, hangups: &mut Signal, board: &Board, listens: Option<SocketAddr>) -> Next {
    loop {
        if hangups.recv().await.is_none() {
            return std::future::pending().await;
        }
        systemd::reloading();
        let read = match load() {
            Ok(config) => prepare(config, listens).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(next) => return next,
            Err(error) => {
                tracing::error!("the configuration is wrong, and the old one stays in force: {error:#}");
                board.show(|snapshot| snapshot.config_error = Some(format!("{error:#}")));
                systemd::ready("the configuration is wrong, and the old one stays in force");
            }
        }
    }
}

fn open_ledger(config: &Config) -> anyhow::Result<Ledger> {
    Ok(Ledger::open(config.ledger.as_deref().map_err(Clone::clone)?)?)
}

/// Without a control socket only commands that change something have to wait for the daemon's end.
fn listen_for_commands(ledger: &Ledger, triggers: &mpsc::Sender<Trigger>) {
    let path = control::path(ledger.path());
    match control::listen(&path) {
        Ok(listener) => {
            let triggers = triggers.clone();
            tokio::spawn(control::serve(listener, move || triggers.clone()));
        }
        Err(error) => {
            tracing::warn!("no command can reach this daemon: cannot listen on `{}`: {error}", path.display());
        }
    }
}

fn blank() -> Snapshot {
    Snapshot {
        started_at: open::now(),
        remote: String::new(),
        sources: Vec::new(),
        config_error: None,
        is_draining: false,
    }
}

/// What stays while configurations come and go.
struct House {
    board: Board,
    metrics: Arc<Metrics>,
    triggers: mpsc::Sender<Trigger>,
    door: Option<OpenDoor>,
    told: Arc<Mutex<HashMap<SourceName, u64>>>,
    /// Who is told of a source that fails, at the moment.
    alerted: watch::Sender<Option<AlertOptions>>,
}

/// The HTTP door, open.
struct OpenDoor {
    app: watch::Sender<Arc<App>>,
    close: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl House {
    /// Opens the door, moves it, or closes it, and shows what it shows from now on.
    async fn show(&mut self, app: Option<App>, listener: Option<TcpListener>) {
        let Some(app) = app else {
            self.close().await;
            return;
        };
        let app = Arc::new(app);
        let Some(listener) = listener else {
            if let Some(door) = &self.door {
                door.app.send_replace(app);
            }
            return;
        };
        self.close().await;
        if let Ok(address) = listener.local_addr() {
            tracing::info!("the status page is at http://{address}/");
        }
        let (app, shown) = watch::channel(app);
        let (close, closed) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let closed = async {
                // A sender that is gone means the same.
                let _ = closed.await;
            };
            if let Err(error) = http::serve(listener, shown, closed).await {
                tracing::error!("the status page ended: {error:#}");
            }
        });
        self.door = Some(OpenDoor { app, close, task });
    }

    async fn close(&mut self) {
        if let Some(OpenDoor { close, task, .. }) = self.door.take() {
            let _ = close.send(());
            let _ = task.await;
        }
    }

    /// Where news go: logs, metrics, systemd.
    fn teller(&self) -> Arc<dyn Fn(&News<'_>) + Send + Sync> {
        let (metrics, told) = (self.metrics.clone(), self.told.clone());
        let hasher = RandomState::new();
        Arc::new(move |news| {
            metrics.hear(news);
            match news {
                News::Pulse => systemd::feed(),
                News::Cycle { source, report, .. } => {
                    log(report);
                    let troubles = hasher.hash_one((report.failed.len(), same_troubles(report)));
                    let before =
                        told.lock().unwrap_or_else(PoisonError::into_inner).insert((*source).clone(), troubles);
                    if before != Some(troubles) {
                        say_troubles(report);
                    }
                    systemd::status(report.to_string().lines().next().unwrap_or_default());
                }
            }
        })
    }
}

/// Failures and problems of one cycle that are logged.
const LOGGED: usize = 20;

fn troubles(report: &CycleReport) -> Vec<(&str, &str)> {
    let failed = report.failed.iter().map(|failed| (failed.path.as_str(), failed.message.as_str()));
    let problems = report.problems.iter().map(|problem| (problem.path.as_str(), problem.message.as_str()));
    let warnings = report.warnings.iter().map(|warning| ("", warning.as_str()));
    problems.chain(failed).chain(warnings).chain(report.release.as_deref().map(|release| ("", release))).collect()
}

/// The troubles as they are the same from cycle to cycle: each request has an id of its own.
fn same_troubles(report: &CycleReport) -> Vec<(&str, &str)> {
    let lasting = |message: &'_ str| message.find("request_id").unwrap_or(message.len());
    troubles(report).into_iter().map(|(path, message)| (path, &message[..lasting(message)])).collect()
}

/// Once for each change: a page that is rejected stays so for days.
fn say_troubles(report: &CycleReport) {
    for (path, message) in troubles(report).into_iter().take(LOGGED) {
        tracing::warn!(source.name = report.source, page.path = path, "{message}");
    }
    if let (Some(release), Some(why)) = (&report.release, &report.held_why) {
        tracing::warn!(
            source.name = report.source,
            "{} deletes are held: {why}; if they are right: finmirror --once --release-held {release}",
            report.held
        );
    }
}

/// The daemon by one configuration.
struct Generation<'a> {
    config: Config,
    listener: Option<TcpListener>,
    ledger: Ledger,
    inbox: &'a mut mpsc::Receiver<Trigger>,
    house: &'a mut House,
}

impl Generation<'_> {
    async fn run<R: Remote + 'static>(
        self,
        remote: &R,
        max_in_flight: usize,
        until: impl Future<Output = ()>,
    ) -> anyhow::Result<Ledger> {
        let Self { config, listener, ledger, inbox, house } = self;
        let stop = Stop::default();
        let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
        for warning in crate::status::left_behind(&ledger, &names)? {
            tracing::warn!("{warning}");
        }
        let sources = config.sources.iter().map(source_of).collect();
        house.alerted.send_replace(config.notifications.clone());
        let works = Arc::new(Works::new(config, remote, max_in_flight, Tempo::Daemon, &stop));
        let app = app_of(&works, house, ledger.path());
        house.show(app, listener).await;
        let daemon = Daemon {
            cycles: works,
            sources,
            ledger,
            board: house.board.clone(),
            triggers: house.triggers.clone(),
            clock: open::clock(),
            chance,
            stop,
            tell: house.teller(),
            pulse: systemd::feeding(),
        };
        systemd::ready("starting: every source is looked at");
        // A future of this size is better moved by its address.
        let until: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(until);
        daemon::run(daemon, inbox, until).await
    }
}

fn source_of(source: &SourceConfig) -> SourceOptions {
    let (kind, place) = match &source.place {
        SourcePlace::Files(files) => ("files", files.root.display().to_string()),
        SourcePlace::Git(git) => ("git", git.url.clone()),
        SourcePlace::Sitemap(sitemap) => ("sitemap", bare(&sitemap.url)),
    };
    let folder = match &source.place {
        SourcePlace::Files(files) => Some((files.root.clone(), source.watch)),
        SourcePlace::Git(_) | SourcePlace::Sitemap(_) => None,
    };
    SourceOptions {
        name: source.name.clone(),
        kind,
        place,
        schedule: source.schedule.clone(),
        settle: source.policy.settle,
        folder,
    }
}

/// A url without what may be a credential in it. (A repository's url with a password is refused by the configuration.)
fn bare(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    // Fails only for urls that can have no credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.into()
}

/// What the HTTP door shows; `None`: there is no door.
fn app_of<R: Remote + 'static>(works: &Arc<Works<R>>, house: &House, ledger: &std::path::Path) -> Option<App> {
    let config = works.config();
    let hooks = config.sources.iter().map(|source| {
        let repository = match &source.place {
            SourcePlace::Git(git) => Some((git.url.clone(), git.reference.clone())),
            SourcePlace::Files(_) | SourcePlace::Sitemap(_) => None,
        };
        Hook { source: source.name.clone(), secrets: source.webhook.clone(), repository }
    });
    let (counted, previewed) = (works.clone(), works.clone());
    Some(App {
        options: config.http.clone()?,
        board: house.board.clone(),
        ledger: ledger.to_owned(),
        triggers: house.triggers.clone(),
        hooks: hooks.collect(),
        metrics: house.metrics.clone(),
        calls: Arc::new(move || Calls::of(counted.remotes())),
        preview: Arc::new(move |name, path, id| {
            let config = previewed.config();
            let Some(source) = config.sources.iter().find(|source| source.name == *name) else {
                bail!("there is no source `{name}`");
            };
            page_of(config, source, path, id)
        }),
        clock: open::clock(),
    })
}

/// Chance enough to spread looks in time.
fn chance() -> f64 {
    let [first, second, ..] = RandomState::new().hash_one(0).to_le_bytes();
    f64::from(u16::from_le_bytes([first, second])) / f64::from(u16::MAX)
}
