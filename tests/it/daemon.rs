//! The daemon: its loop in process under a paused clock, and the real binary by its sockets and signals.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use finmirror::apply::Clock;
use finmirror::daemon::board::{Board, Snapshot, Word};
use finmirror::daemon::schedule::Schedule;
use finmirror::daemon::{self, Cycles, Daemon, SourceOptions, TRIGGERS, Trigger};
use finmirror::ledger::Ledger;
use finmirror::page::{DocPath, SourceName};
use finmirror::render::{Availability, PagePolicies};
use finmirror::report::{CycleReport, Outcome};
use finmirror::simulator::{Fault, FaultRule, Simulator, SimulatorOptions};
use finmirror::stop::Stop;
use finmirror::sync::partial::{MOST_DOCUMENTS, Partial, partial};
use finmirror::sync::{Job, Shared, Wishes, cycle};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use crate::simulation::job_of;
use crate::support::{TestContext, command};

const EPOCH_S: i64 = 1_800_000_000;

/// Cycles of a folder, and of a source beside it that does as a test says.
struct Folder {
    job: Job,
    simulator: Simulator,
    clock: Clock,
    stop: Stop,
    panics: AtomicBool,
    /// Whole cycles of the second source.
    others: AtomicU64,
    /// How many paths each partial look was given.
    partials: Mutex<Vec<usize>>,
}

impl Folder {
    fn shared<'a>(&self, ledger: &'a mut Ledger) -> Shared<'a, Simulator> {
        Shared {
            remote: Arc::new(self.simulator.clone()),
            ledger,
            configured: &["docs", "other"],
            max_in_flight: 4,
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            rendering: &|_, _| {},
            sending: &|_, _| {},
        }
    }
}

impl Cycles for Folder {
    async fn whole(&self, source: usize, wishes: Wishes, ledger: &mut Ledger) -> anyhow::Result<CycleReport> {
        if source == 1 {
            self.others.fetch_add(1, Ordering::Relaxed);
            assert!(!self.panics.load(Ordering::Relaxed), "as the test wants it");
            return Ok(CycleReport::new("other"));
        }
        let job = Job { wishes, ..self.job.clone() };
        Ok(cycle(&job, &mut self.shared(ledger)).await?)
    }

    async fn partial(&self, _: usize, paths: &[DocPath], ledger: &mut Ledger) -> anyhow::Result<Partial> {
        self.partials.lock().unwrap().push(paths.len());
        Ok(partial(&self.job, paths, &mut self.shared(ledger)).await?)
    }

    fn has_changed(&self, _: usize, _: &Ledger) -> anyhow::Result<bool> {
        Ok(false)
    }
}

/// A daemon in process, over a folder of its own.
struct World {
    folder: tempfile::TempDir,
    cycles: Arc<Folder>,
    board: Board,
    triggers: mpsc::Sender<Trigger>,
    end: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<anyhow::Result<Ledger>>,
}

impl World {
    fn new(documents: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        let start = Instant::now();
        let clock: Clock = Arc::new(move || {
            let ms = i64::try_from(start.elapsed().as_millis()).unwrap();
            Timestamp::from_millisecond(EPOCH_S * 1000 + ms).unwrap()
        });
        let simulator = Simulator::open(SimulatorOptions::default(), clock.clone()).unwrap();
        let stop = Stop::default();
        let cycles = Arc::new(Folder {
            job: job_of(
                &folder.path().join("docs"),
                Availability::OnCreate,
                PagePolicies::default(),
                Duration::from_secs(10),
            ),
            simulator,
            clock: clock.clone(),
            stop: stop.clone(),
            panics: AtomicBool::new(false),
            others: AtomicU64::new(0),
            partials: Mutex::default(),
        });
        for n in 0..documents {
            fs::write(folder.path().join(format!("docs/{n}.md")), format!("# Page {n}\n")).unwrap();
        }
        let board = Board::new(Snapshot {
            started_at: clock(),
            remote: String::new(),
            sources: Vec::new(),
            config_error: None,
            is_draining: false,
        });
        let (triggers, mut inbox) = mpsc::channel(TRIGGERS);
        let source = |name: &str| SourceOptions {
            name: SourceName::new(name),
            kind: "files",
            place: String::new(),
            schedule: Schedule::Every(Duration::from_mins(5)),
            settle: Duration::from_secs(10),
            folder: None,
        };
        let daemon = Daemon {
            cycles: cycles.clone(),
            sources: vec![source("docs"), source("other")],
            ledger: Ledger::open(&folder.path().join("ledger.db")).unwrap(),
            board: board.clone(),
            triggers: triggers.clone(),
            clock,
            chance: || 0.5,
            stop,
            tell: Arc::new(|_| {}),
            pulse: None,
        };
        let (end, until) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            let until = async {
                let _ = until.await;
            };
            daemon::run(daemon, &mut inbox, until).await
        });
        Self { folder, cycles, board, triggers, end, ended }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("docs").join(name), text).unwrap();
    }

    async fn changed(&self, paths: &[&str]) {
        let paths = paths.iter().map(|path| DocPath::new(*path)).collect();
        let source = SourceName::new("docs");
        self.triggers.send(Trigger::Changed { source, paths }).await.unwrap();
    }

    fn word(&self, source: usize) -> Word {
        let snapshot = self.board.look();
        snapshot.sources.get(source).map_or(Word::Starting, |state| state.word(Instant::now()))
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..100_000 {
            if is_so(self) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("never {what}: {:?}", self.board.look());
    }

    fn title(&self, id: &str) -> Option<String> {
        self.cycles.simulator.pages().unwrap().into_iter().find(|((_, of), _)| of == id).map(|(_, page)| page.title)
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_event_names_is_sent_before_everything_is_looked_at() {
    let world = World::new(5);
    world.until("converged", |world| world.word(0) == Word::Converged).await;
    let before = world.cycles.simulator.stats().requests;
    world.write("2.md", "# Another\n");
    let began = Instant::now();
    world.changed(&["2.md"]).await;
    world.until("sent", |world| world.title("2.md").as_deref() == Some("Another")).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it waits for no quiet: {:?}", began.elapsed());
    assert_eq!(*world.cycles.partials.lock().unwrap(), [1]);
    // The whole look that follows finds nothing left to do.
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.cycles.simulator.stats().requests, before + 1);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_may_be_a_rename_waits_for_the_whole_look_and_deletes_wait_for_two_that_agree() {
    let world = World::new(8);
    world.until("converged", |world| world.word(0) == Word::Converged).await;
    let docs = world.folder.path().join("docs");
    let began = Instant::now();
    fs::rename(docs.join("3.md"), docs.join("moved.md")).unwrap();
    world.changed(&["3.md", "moved.md"]).await;
    world.until("renamed", |world| world.title("moved.md").is_some()).await;
    assert!(began.elapsed() >= Duration::from_secs(10), "settled first: {:?}", began.elapsed());
    let stats = world.cycles.simulator.stats();
    assert_eq!(stats.calls.get("DELETE /ai/external_pages/{page_id}"), None, "{stats:?}");
    // One that is back in time was never away.
    fs::remove_file(docs.join("4.md")).unwrap();
    world.changed(&["4.md"]).await;
    sleep(Duration::from_secs(5)).await;
    world.write("4.md", "# Page 4\n");
    world.changed(&["4.md"]).await;
    sleep(Duration::from_mins(20)).await;
    assert!(world.title("4.md").is_some() && world.title("3.md").is_none());
    assert_eq!(world.cycles.simulator.stats().calls.get("DELETE /ai/external_pages/{page_id}"), None);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_source_leaves_the_others_running_and_it_recovers_by_itself() {
    let world = World::new(3);
    world.cycles.panics.store(true, Ordering::Relaxed);
    world.triggers.send(Trigger::Look { source: SourceName::new("other") }).await.unwrap();
    world.until("failed", |world| world.word(1) == Word::Failed).await;
    world.write("0.md", "# Goes on\n");
    world.changed(&["0.md"]).await;
    world.until("sent", |world| world.title("0.md").as_deref() == Some("Goes on")).await;
    world.cycles.panics.store(false, Ordering::Relaxed);
    world.until("well", |world| world.word(1) == Word::Converged).await;
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_without_intercom_ends_with_the_newest_state_and_with_few_requests_meanwhile() {
    let world = World::new(10);
    world.until("converged", |world| world.word(0) == Word::Converged).await;
    world.cycles.simulator.inject(FaultRule::new("*", Fault::Drop)).unwrap();
    let before = world.cycles.simulator.stats().requests;
    for minute in 0..24 * 60_u32 {
        for n in 0..3 {
            world.write(&format!("{n}.md"), &format!("# Minute {minute}\n"));
        }
        world.changed(&["0.md", "1.md", "2.md"]).await;
        if minute % 30 == 0 {
            world.write(&format!("new-{minute}.md"), "# New\n\nmeanwhile {minute}\n");
            world.changed(&[&format!("new-{minute}.md")]).await;
        }
        sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(world.word(0), Word::Failed);
    assert!(!world.board.look().unready(Instant::now()).is_empty());
    let asked = world.cycles.simulator.stats().requests - before;
    assert!(asked < 24 * 12 * 20, "it asks seldom of one that does not answer: {asked}");
    assert!(world.cycles.partials.lock().unwrap().iter().all(|paths| *paths <= MOST_DOCUMENTS));
    world.cycles.simulator.clear_faults();
    let after = world.cycles.simulator.stats().requests;
    world.until("well", |world| world.word(0) == Word::Converged).await;
    assert_eq!(world.title("1.md").as_deref(), Some("Minute 1439"));
    assert_eq!(world.cycles.simulator.pages().unwrap().len(), 10 + 48);
    let sent = world.cycles.simulator.stats().requests - after;
    assert!(sent <= 3 + 48 + 2 + 20, "each is sent as it is now, and not as it was in between: {sent}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_is_granted_at_once_and_answered_with_the_report_also_while_a_source_backs_off() {
    let world = World::new(3);
    world.until("converged", |world| world.word(0) == Word::Converged).await;
    let docs = world.folder.path().join("docs");
    fs::rename(&docs, world.folder.path().join("away")).unwrap();
    world.changed(&[]).await;
    world.until("failed", |world| world.word(0) == Word::Incomplete).await;
    sleep(Duration::from_mins(3)).await;
    fs::rename(world.folder.path().join("away"), &docs).unwrap();
    let (reply, report) = oneshot::channel();
    let source = SourceName::new("docs");
    let began = Instant::now();
    world.triggers.send(Trigger::Wish { source, wishes: Wishes::default(), reply }).await.unwrap();
    assert_eq!(report.await.unwrap().outcome, Outcome::Converged);
    assert!(began.elapsed() < Duration::from_secs(1));
    world.end().await;
}

/// The real binary, running.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(context: &TestContext, sources: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self::configure(context, &address, sources);
        let child = command(context.path("").as_path()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (heard, lines) = std::sync::mpsc::channel();
        let mut running = Self { child, address };
        let stderr = BufReader::new(running.child.stderr.take().unwrap());
        // Read to its end, or the daemon would wait for it.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(heard.send(line))));
        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(Duration::from_mins(1)) {
            let is_open = line.contains("status page is at");
            said.push(line);
            if is_open {
                return running;
            }
        }
        panic!("it does not start: {said:?}");
    }

    fn configure(context: &TestContext, address: &str, sources: &str) {
        context.configure_whole(&format!("http: {{ listen: \"{address}\" }}\nsources:\n{sources}"));
    }

    fn get(&self, path: &str) -> (u16, String) {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.get("/api/status").1).unwrap()
    }

    /// Asks until it is so, for a minute at most.
    fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = jiff_now() + Duration::from_mins(1);
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(jiff_now() < deadline, "never {what}: {status}");
        }
    }

    fn signal(&self, name: &str) {
        let killed = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline of the test's own")]
fn jiff_now() -> Timestamp {
    Timestamp::now()
}

const DOCS: &str = "  - name: docs\n    files: { root: docs }\n    \
                    site: { generator: plain, base_url: https://docs.example.com/ }\n    deletes: { settle: 0s }\n";

#[test]
fn a_command_reaches_the_daemon_that_holds_the_ledger() {
    let documents: Vec<(String, String)> = (0..12).map(|n| (format!("{n}.md"), format!("# Page {n}\n"))).collect();
    let context = TestContext::new(&documents.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>());
    let running = Running::start(&context, DOCS);
    running.until("ready", |status| status["ready"] == true);
    for n in 0..9 {
        context.remove(&format!("{n}.md"));
    }
    let (held, exit) = context.once(&[]);
    assert_eq!((exit, held["held"].as_u64()), (3, Some(9)), "{held}");
    assert_eq!(context.deletes(), 0);
    let (released, exit) = context.once(&["--release-held", held["release"].as_str().unwrap()]);
    assert_eq!((exit, released["deleted"].as_u64()), (0, Some(9)), "{released}");
    assert_eq!(context.deletes(), 9);
    // Its socket is its owner's alone, and goes with it.
    let socket = context.path("ledger.db.sock");
    assert_eq!(mode(&socket), 0o600);
    running.signal("-TERM");
    let mut running = running;
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert_eq!(context.once(&[]).1, 0, "without a daemon the command does it itself");
}

#[test]
fn a_configuration_that_is_wrong_changes_nothing_and_one_that_is_right_is_obeyed() {
    let context = TestContext::new(&[("a.md", "# A\n")]);
    let running = Running::start(&context, DOCS);
    running.until("ready", |status| status["ready"] == true);
    Running::configure(&context, &running.address, &format!("{DOCS}    schedul: 5m\n"));
    running.signal("-HUP");
    let status = running.until("refused", |status| status["config_error"].is_string());
    assert!(status["config_error"].as_str().unwrap().contains("schedul"), "{status}");
    assert_eq!(status["sources"].as_array().unwrap().len(), 1);
    fs::create_dir(context.path("more")).unwrap();
    fs::write(context.path("more/b.md"), "# B\n").unwrap();
    let more = "  - name: more\n    files: { root: more }\n    \
                site: { generator: plain, base_url: https://more.example.com/ }\n";
    Running::configure(&context, &running.address, &format!("{DOCS}{more}"));
    running.signal("-HUP");
    let status = running.until("obeyed", |status| {
        status["config_error"].is_null() && status["ready"] == true && status["sources"].as_array().unwrap().len() == 2
    });
    assert_eq!(context.titles().len(), 2, "{status}");
    assert_eq!(context.deletes(), 0);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
