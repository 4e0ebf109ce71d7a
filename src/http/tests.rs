//! The door over real sockets: who may pass, what is answered, and that nobody can stand in the way of others.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::metrics::Metrics;
use super::*;
use crate::daemon::News;
use crate::daemon::board::{LastCycle, Moment, Phase, Snapshot, SourceState};
use crate::remote::CallCount;
use crate::report::CycleReport;

const SOON: Duration = Duration::from_secs(20);

/// A door that is open, and what is behind it.
pub(super) struct House {
    pub(super) address: SocketAddr,
    pub(super) app: watch::Sender<Arc<App>>,
    pub(super) heard: mpsc::Receiver<Trigger>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<anyhow::Result<()>>,
    client: reqwest::Client,
    _folder: TempDir,
}

impl House {
    pub(super) async fn open(change: impl FnOnce(&mut App)) -> Self {
        Self::open_at(Ipv4Addr::LOCALHOST, change).await.unwrap()
    }

    async fn open_at(ip: Ipv4Addr, change: impl FnOnce(&mut App)) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port()));
        let folder = tempfile::tempdir().unwrap();
        let (triggers, heard) = mpsc::channel(16);
        let options = HttpOptions { listen: listener.local_addr().unwrap(), token: None, hosts: Vec::new() };
        let mut app = App { options, triggers, ledger: folder.path().join("ledger.db"), ..app() };
        change(&mut app);
        let (app, seen) = watch::channel(Arc::new(app));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, seen, async {
            let _ = stopped.await;
        }));
        // What it refuses to serve it says at once.
        tokio::task::yield_now().await;
        if serving.is_finished() {
            serving.await.unwrap()?;
            anyhow::bail!("it ended by itself");
        }
        // Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.tls_certs_only([]).timeout(SOON).build().unwrap();
        Ok(Self { address, app, heard, stop: Some(stop), serving, client, _folder: folder })
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, HeaderMap, String) {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(Method::GET, path, headers, Vec::new()).await.0
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(Method::POST, path, headers, Vec::new()).await.0
    }

    /// Ends the door, and tells how long that took.
    async fn close(&mut self) -> Duration {
        let began = Instant::now();
        let _ = self.stop.take().unwrap().send(());
        timeout(SOON, &mut self.serving).await.unwrap().unwrap().unwrap();
        began.elapsed()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// What is behind a door that nobody listens at.
pub(super) fn app() -> App {
    let (triggers, _) = mpsc::channel(1);
    App {
        options: HttpOptions { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), token: None, hosts: Vec::new() },
        board: Board::new(snapshot()),
        ledger: PathBuf::from("nowhere"),
        triggers,
        hooks: Vec::new(),
        metrics: Arc::new(Metrics::new()),
        calls: Arc::new(calls),
        preview: Arc::new(|_, _, _| anyhow::bail!("nothing is previewed here")),
        clock: Arc::new(now),
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn calls() -> Calls {
    let call = |status, count| CallCount { method: "POST", route: "/ai/pages", status, count };
    Calls { counts: vec![call(Some(200), 7), call(None, 2)], retries: 2, window_used: Some(0.25) }
}

fn snapshot() -> Snapshot {
    let source = |name: &str| SourceState {
        name: SourceName::new(name),
        kind: "files",
        place: "/srv/docs".to_owned(),
        interval: Duration::from_mins(5),
        phase: Phase::Resting,
        watch: "native",
        watch_note: None,
        last: None,
        complete: None,
        success: None,
        pending: None,
        failures: 0,
        next_at: None,
    };
    Snapshot {
        started_at: now(),
        remote: "https://api.intercom.io/".to_owned(),
        sources: vec![source("handbook"), source("api")],
        config_error: None,
        is_draining: false,
    }
}

fn moment() -> Moment {
    Moment { at: now(), instant: Instant::now() }
}

fn complete(snapshot: &mut Snapshot) {
    for source in &mut snapshot.sources {
        source.complete = Some(moment());
        source.success = Some(moment());
        source.last = Some(LastCycle { started_at: now(), report: CycleReport::new(source.name.as_str()) });
    }
}

fn secret(text: &str) -> Secret {
    Secret::Value(SecretString::from(text.to_owned()))
}

/// Everything that comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = timeout(SOON, stream.read_to_end(&mut all)).await.expect("it is closed in time");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn ready_is_said_once_every_source_was_seen_whole_and_taken_back_by_itself() {
    let house = House::open(|_| {}).await;
    assert_eq!(house.get("/healthz", &[]).await, 200);
    let (status, _, body) = house.ask(Method::GET, "/readyz", &[], Vec::new()).await;
    assert_eq!((status, body.lines().count()), (503, 2), "{body}");
    let board = house.app.borrow().board.clone();
    board.show(complete);
    assert_eq!(house.get("/readyz", &[]).await, 200);
    board.show(|snapshot| snapshot.sources[1].interval = Duration::ZERO);
    let (status, _, body) = house.ask(Method::GET, "/readyz", &[], Vec::new()).await;
    assert_eq!((status, body.as_str()), (503, "`api` had no complete cycle for twice its interval\n"));
}

#[tokio::test]
async fn on_loopback_only_names_of_this_machine_and_only_this_origin_are_served() {
    let mut house = House::open(|app| app.options.hosts = vec!["docs.example.com".to_owned()]).await;
    let port = house.address.port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("[::1]".to_owned(), 200),
        ("127.9.9.9".to_owned(), 200),
        ("docs.example.com:443".to_owned(), 200),
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        ("127.0.0.1.evil.example".to_owned(), 421),
        ("localhost@evil.example".to_owned(), 421),
        ("10.0.0.1".to_owned(), 421),
        (String::new(), 421),
    ] {
        assert_eq!(house.get("/api/status", &[("host", &host)]).await, status, "{host}");
        assert_eq!(house.get("/healthz", &[("host", &host)]).await, 200, "{host}");
    }
    let own = format!("http://127.0.0.1:{port}");
    for (headers, status) in [
        (vec![], 202),
        (vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")], 202),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://127.0.0.1:1")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("accept", "text/html")], 303),
    ] {
        assert_eq!(house.post("/sync/api", &headers).await, status, "{headers:?}");
    }
    for _ in 0..3 {
        let heard = house.heard.recv().await.unwrap();
        assert!(matches!(&heard, Trigger::Look { source } if source.as_str() == "api"), "{heard:?}");
    }
    assert!(house.heard.try_recv().is_err(), "what is refused wakes nobody");
    let (status, headers, body) = house.ask(Method::POST, "/sync/nobody", &[], Vec::new()).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["sources"]), (404, &serde_json::json!(["handbook", "api"])));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_target_with_another_name_and_two_hosts_are_refused() {
    let house = House::open(|_| {}).await;
    for head in [
        "GET http://evil.example/api/status HTTP/1.1\r\nhost: localhost\r\n",
        "GET /api/status HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
        "GET /api/status HTTP/1.0\r\n",
    ] {
        let mut stream = house.connect().await;
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.contains(" 421 "), "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_token_opens_everything_and_nothing_but_the_three_is_open_without_it() {
    let house = House::open(|app| app.options.token = Some(secret("open sesame"))).await;
    for path in ["/healthz", "/metrics"] {
        assert_eq!(house.get(path, &[]).await, 200, "{path}");
    }
    let (status, headers, _) = house.ask(Method::GET, "/api/status", &[], Vec::new()).await;
    assert_eq!(status, 401);
    let schemes: Vec<_> = headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(schemes.len() == 2 && schemes[0].starts_with("Basic ") && schemes[1].starts_with("Bearer "), "{schemes:?}");
    for (shown, status) in [
        ("Bearer open sesame", 200),
        // `me:open sesame` and `:open sesame`
        ("Basic bWU6b3BlbiBzZXNhbWU=", 200),
        ("basic Om9wZW4gc2VzYW1l", 200),
        // `open sesame` with no colon, `open sesame:` with an empty password
        ("Basic b3BlbiBzZXNhbWU=", 401),
        ("Basic b3BlbiBzZXNhbWU6", 401),
        ("Bearer open sesam", 401),
        ("Bearer ", 401),
        ("Digest open sesame", 401),
    ] {
        assert_eq!(house.get("/api/status", &[("authorization", shown)]).await, status, "{shown}");
    }
    assert_eq!(house.post("/sync/api", &[]).await, 401);
    assert_eq!(house.get("/nothing", &[]).await, 401, "not even what is there is told");
}

#[tokio::test]
async fn guessing_is_slowed_down_until_time_has_passed() {
    let house = House::open(|app| app.options.token = Some(secret("right"))).await;
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(house.get("/api/status", &[("authorization", "Bearer wrong")]).await);
    }
    assert_eq!(answers[0], 401);
    let limited = answers.iter().filter(|status| **status == 429).count();
    assert!((10..=20).contains(&limited), "{answers:?}");
    assert_eq!(house.get("/healthz", &[]).await, 200);
    let began = Instant::now();
    // One attempt a second is given back, to whoever comes first.
    while house.get("/api/status", &[("authorization", "Bearer right")]).await != 200 {
        assert!(began.elapsed() < SOON, "the right token is never listened to again");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn beyond_loopback_a_token_is_needed_and_the_name_must_be_known() {
    let refused = House::open_at(Ipv4Addr::UNSPECIFIED, |_| {}).await.err().unwrap().to_string();
    assert!(refused.contains("http.token_file"), "{refused}");
    let house = House::open_at(Ipv4Addr::UNSPECIFIED, |app| {
        app.options.token = Some(secret("right"));
        app.options.hosts = vec!["fin.example".to_owned()];
    });
    let house = house.await.unwrap();
    let bearer = ("authorization", "Bearer right");
    for (host, status) in [
        ("127.0.0.1", 200),
        ("fin.example", 200),
        ("FIN.example.:9464", 200),
        ("localhost", 421),
        ("127.0.0.2", 421),
        ("evil.example", 421),
    ] {
        assert_eq!(house.get("/api/status", &[("host", host), bearer]).await, status, "{host}");
    }
    assert_eq!(house.get("/api/status", &[]).await, 401);
    assert_eq!(house.get("/readyz", &[("host", "10.1.2.3")]).await, 503);
    // A configuration without a token that is read later opens nothing.
    house.app.send_modify(|app| Arc::make_mut(app).options.token = None);
    assert_eq!(house.get("/api/status", &[bearer]).await, 403);
}

#[tokio::test]
async fn a_request_is_answered_by_the_app_of_its_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first").unwrap();
    let house = House::open(|app| app.options.token = Some(Secret::File(file.clone()))).await;
    let get = async |token: &str| house.get("/api/status", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!((get("first").await, get("second").await), (200, 401));
    std::fs::write(&file, "second").unwrap();
    assert_eq!((get("first").await, get("second").await), (401, 200));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(get("second").await, 503);
    house.app.send_modify(|app| Arc::make_mut(app).options.token = Some(secret("third")));
    assert_eq!((get("second").await, get("third").await), (401, 200));
}

#[tokio::test]
async fn the_status_says_what_the_daemon_knows_and_what_the_ledger_says() {
    let house = House::open(|_| {}).await;
    let status = async || -> Value {
        let (status, headers, body) = house.ask(Method::GET, "/api/status", &[], Vec::new()).await;
        assert_eq!((status, headers["content-type"].as_bytes()), (200, b"application/json".as_slice()));
        serde_json::from_str(&body).unwrap()
    };
    let before = status().await;
    assert_eq!(
        (&before["version"], &before["ready"], &before["sources"][0]["ledger"]),
        (&1.into(), &false.into(), &Value::Null)
    );
    assert_eq!(before["sources"][0]["state"], "starting");
    let app = house.app.borrow().clone();
    drop(crate::ledger::Ledger::open(&app.ledger).unwrap());
    app.board.show(complete);
    app.board.show(|snapshot| {
        snapshot.sources[0].phase = Phase::Running { since: now() };
        snapshot.sources[0].pending = Some(moment());
        snapshot.config_error = Some("line 3: `sorces` is no key".to_owned());
    });
    let after = status().await;
    let handbook = &after["sources"][0];
    assert_eq!((&after["ready"], &after["config_error"]), (&true.into(), &"line 3: `sorces` is no key".into()));
    assert_eq!((&handbook["state"], &handbook["phase"]["name"]), (&"converged".into(), &"running".into()));
    assert_eq!((&handbook["ledger"]["pages"], &handbook["pending_since"]), (&0.into(), &"2027-01-15T08:00:00Z".into()));
    assert_eq!(after["ledger_error"], Value::Null);
    for beside in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{beside}", app.ledger.display()));
    }
    std::fs::write(&app.ledger, "no ledger").unwrap();
    let broken = status().await;
    assert!(broken["ledger_error"].as_str().unwrap().contains("ledger"), "{broken}");
    assert_eq!(broken["sources"][1]["state"], "converged", "what the daemon knows is told all the same");
}

#[tokio::test]
async fn metrics_are_prometheus_text_with_every_name_explained() {
    let house = House::open(|_| {}).await;
    let app = house.app.borrow().clone();
    app.board.show(complete);
    let source = SourceName::new("handbook");
    let report = CycleReport { created: 3, duration_ms: 40, ..CycleReport::new("handbook") };
    app.metrics.hear(&News::Cycle { source: &source, report: &report, is_partial: false, waited_s: &[0.02, 4.0] });
    let (status, headers, text) = house.ask(Method::GET, "/metrics", &[], Vec::new()).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "finmirror_cycles_total{source=\"handbook\",outcome=\"converged\",scope=\"whole\"} 1",
        "finmirror_cycles_total{source=\"api\",outcome=\"failed\",scope=\"whole\"} 0",
        "finmirror_steps_total{source=\"handbook\",action=\"create\"} 3",
        "finmirror_freshness_seconds_bucket{le=\"0.025\",source=\"handbook\"} 1",
        "finmirror_freshness_seconds_count{source=\"handbook\"} 2",
        "finmirror_freshness_age_seconds{source=\"api\"} 0.0",
        "finmirror_ready 1.0",
        "finmirror_source_state{source=\"api\",state=\"converged\"} 1.0",
        "finmirror_source_state{source=\"api\",state=\"stale\"} 0.0",
        "finmirror_pages{source=\"api\",state=\"in_fin\"} 0.0",
        "finmirror_intercom_requests_total{method=\"POST\",route=\"/ai/pages\",status=\"200\"} 7",
        "finmirror_intercom_requests_total{method=\"POST\",route=\"/ai/pages\",status=\"none\"} 2",
        "finmirror_intercom_retries_total 2",
        "finmirror_intercom_rate_window_used_ratio 0.25",
        "finmirror_source_last_success_timestamp_seconds{source=\"api\"} 1800000000.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.lines().all(|line| !line.starts_with("# EOF") && !line.starts_with("# UNIT")), "{text}");
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    promtool(&text);
}

/// Asks Prometheus' own tool, where it is installed.
fn promtool(text: &str) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let Ok(mut tool) =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()
    else {
        return;
    };
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[tokio::test]
async fn heads_and_bodies_that_are_too_large_are_refused() {
    let house = House::open(|_| {}).await;
    let long = "x".repeat(20 << 10);
    assert_eq!(house.get("/healthz", &[("x-long", &long)]).await, 431);
    let many: Vec<(String, String)> = (0..100).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(house.get("/healthz", &many).await, 431);
    let mut stream = house.connect().await;
    let head = "POST /sync/api HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.contains(" 413 "), "before any of it is sent");
}

#[tokio::test(start_paused = true)]
async fn who_sends_nothing_or_drop_by_drop_is_left() {
    let house = House::open(|_| {}).await;
    let began = Instant::now();
    let mut silent = house.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    let began = Instant::now();
    let mut slow = house.connect().await;
    let drops = async {
        for byte in b"GET /healthz HTTP/1.1\r\nx-slow: ".iter().cycle() {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(SOON, drops).await.expect("it is closed while it still writes");
    assert!(began.elapsed() <= Duration::from_secs(13), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_holds_its_connection_for_a_time_and_no_longer() {
    let house = House::open(|app| {
        app.board.show(|snapshot| snapshot.remote = "x".repeat(64 << 20));
    });
    let house = house.await;
    let began = Instant::now();
    let mut stream = house.connect().await;
    stream.write_all(b"GET /api/status HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    // Reads a little of it, and no more.
    let mut first = [0; 16];
    stream.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"));
    tokio::time::sleep(Duration::from_secs(35)).await;
    let mut all = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut all)).await.expect("it is closed");
    assert!(all.len() < 64 << 20, "it was cut off");
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_open_connections_disturb_nobody() {
    let house = House::open(|_| {}).await;
    // Each of ours is a descriptor too: as many as this process may have.
    let many = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(20_000);
    let many = usize::try_from(many).unwrap().saturating_sub(500).min(10_000) / 2;
    assert!(many > 400, "the limit on open files is too low to show anything");
    let mut idle = Vec::new();
    for n in 0..many {
        idle.push(house.connect().await);
        if n % 500 == 0 {
            assert_eq!(house.get("/healthz", &[]).await, 200, "after {n}");
        }
    }
    assert_eq!(house.get("/api/status", &[]).await, 200);
    // Nearly all of them are closed again, those that came first before the others.
    let mut open = 0;
    for stream in &mut idle {
        let mut byte = [0];
        match timeout(Duration::from_millis(1), stream.read(&mut byte)).await {
            Err(_) => open += 1,
            Ok(read) => assert!(matches!(read, Ok(0) | Err(_))),
        }
    }
    assert!(open <= 256, "{open} are open");
}

#[tokio::test]
async fn the_end_waits_for_nobody_who_asks_nothing() {
    let mut house = House::open(|_| {}).await;
    assert_eq!(house.get("/healthz", &[]).await, 200);
    let _silent = house.connect().await;
    let took = house.close().await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
}
