//! The HTTP door, asked over real connections of the tests' own making.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::*;
use crate::simulator::SimulatorOptions;
use crate::simulator::tests::Hands;

/// A simulator behind its HTTP door.
struct Served {
    simulator: Simulator,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
    stop: Option<oneshot::Sender<()>>,
    server: Option<tokio::task::JoinHandle<io::Result<()>>>,
}

struct Answered {
    status: u16,
    head: String,
    body: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

const JSON: &str = "authorization: Bearer t\r\ncontent-type: application/json\r\n";

impl Served {
    fn new(options: SimulatorOptions) -> Self {
        let simulator = Simulator::open(options, Hands::new().clock()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = runtime.spawn(simulator.clone().serve(listener, async {
            let _ = stopped.await;
        }));
        Self { simulator, address, runtime, stop: Some(stop), server: Some(server) }
    }

    /// Sends a request of its own connection and reads until that ends; fails if it ends early.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Answered> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let host = if headers.contains("host:") { String::new() } else { format!("host: {}\r\n", self.address) };
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}content-length: {length}\r\n\r\n"
        )?;
        // The server may answer, and close, before it has read a body that it does not want.
        let _ = stream.write_all(body.as_bytes());
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let answered = Answered { status, head: head.to_owned(), body: body.to_owned() };
        match answered.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) if length != answered.body.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answered),
        }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answered {
        self.send(method, path, JSON, body).unwrap()
    }

    fn source(&self) -> i64 {
        self.simulator.add_source("https://e.com", "api").unwrap().id
    }
}

fn page(source: i64, external_id: &str) -> String {
    json!({"title": "T <b>", "html": "<p>h</p><script>alert(1)</script>", "url": "https://e.com/a", "locale": "en",
        "source_id": source, "external_id": external_id})
    .to_string()
}

#[test]
fn a_page_goes_through_its_life_over_http() {
    let served = Served::new(SimulatorOptions::default());
    let made = served.call("POST", "/ai/content_import_sources", r#"{"sync_behavior":"api","url":"https://e.com"}"#);
    assert_eq!(made.status, 200);
    let source = made.json()["id"].as_i64().unwrap();
    let upserted = served.call("POST", "/ai/external_pages", &page(source, "a")).json();
    let id = upserted["id"].as_str().expect("a page's id is a string").to_owned();
    assert_eq!((&upserted["source_id"], &upserted["ai_agent_availability"]), (&json!(source), &json!(false)));
    let path = format!("/ai/external_pages/{id}");
    assert_eq!(served.call("GET", &path, "").json(), upserted);
    assert_eq!(served.call("PUT", &path, &page(source, "b")).json()["external_id"], "b");
    assert_eq!(served.call("DELETE", &path, "").json()["html"], "");
    let gone = served.call("DELETE", &path, "");
    assert_eq!((gone.status, &gone.json()["errors"][0]["code"]), (404, &json!("not_found")));
    let deleted = served.call("DELETE", &format!("/ai/content_import_sources/{source}"), "");
    assert_eq!((deleted.status, deleted.body.as_str(), deleted.header("content-type")), (204, "", None));
    assert_eq!(deleted.header("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"), "by the stand-in's own clock");
}

#[test]
fn without_the_token_nothing_is_told_and_no_limit_is_shown() {
    let token = Some(secrecy::SecretString::from("right"));
    let limit = Some("5/10s".parse().unwrap());
    let served = Served::new(SimulatorOptions { token, rate_limit: limit, ..SimulatorOptions::default() });
    for headers in
        ["", "authorization: Bearer wrong\r\n", "authorization: Basic right\r\n", "authorization: Bearer \r\n"]
    {
        let refused = served.send("GET", "/ai/external_pages", headers, "").unwrap();
        assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (401, None));
        let body = refused.json();
        assert_eq!((&body["type"], &body["errors"][0]["code"]), (&json!("error.list"), &json!("unauthorized")));
        uuid::Uuid::parse_str(body["request_id"].as_str().unwrap()).unwrap();
    }
    let allowed = served.send("GET", "/ai/external_pages", "authorization: bearer right\r\n", "").unwrap();
    assert_eq!((allowed.status, allowed.header("x-ratelimit-remaining")), (200, Some("4")));
}

#[test]
fn the_limit_is_shown_and_kept() {
    let limit = Some("2/10s".parse().unwrap());
    let served = Served::new(SimulatorOptions { rate_limit: limit, ..SimulatorOptions::default() });
    let first = served.call("GET", "/ai/external_pages", "");
    let shown = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| first.header(name));
    assert_eq!(shown, [Some("2"), Some("1"), Some("1700000010")]);
    served.call("GET", "/ai/external_pages", "");
    let refused = served.call("GET", "/ai/external_pages", "");
    let error = &refused.json()["errors"][0];
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (429, Some("0")));
    assert_eq!(error["code"], "rate_limit_exceeded");
    assert_eq!(error["message"], "Exceeded rate limit of 2 in 10_seconds");
}

#[test]
fn a_listing_links_its_next_page_absolutely() {
    let served = Served::new(SimulatorOptions::default());
    let source = served.source();
    for n in 0..3 {
        served.call("POST", "/ai/external_pages", &page(source, &n.to_string()));
    }
    let first = served.call("GET", "/ai/external_pages?per_page=2", "").json();
    let next = first["pages"]["next"].as_str().unwrap();
    assert_eq!(next, format!("http://{}/ai/external_pages?page=2&per_page=2", served.address));
    let path = next.strip_prefix(&format!("http://{}", served.address)).unwrap();
    let last = served.call("GET", path, "").json();
    assert_eq!((last["data"].as_array().unwrap().len(), &last["pages"]["next"]), (1, &Value::Null));
    let sources = served.call("GET", "/ai/content_import_sources", "").json();
    assert_eq!((&sources["total_count"], &sources["pages"]["next"]), (&json!(1), &Value::Null));
}

#[test]
fn requests_that_cannot_be_read_are_refused_with_a_reason() {
    let served = Served::new(SimulatorOptions::default());
    let status = |method, path, headers: &str, body: &str| {
        let answered = served.send(method, path, headers, body).unwrap();
        let kind = if answered.status == 200 { "external_page" } else { "error.list" };
        assert_eq!(answered.json()["type"], kind);
        answered.status
    };
    let plain = "authorization: Bearer t\r\ncontent-type: text/plain\r\n";
    assert_eq!(status("POST", "/ai/external_pages", plain, "{}"), 415);
    assert_eq!(status("POST", "/ai/external_pages", JSON, "{"), 400);
    assert_eq!(status("PATCH", "/ai/external_pages", JSON, ""), 404);
    assert_eq!(status("GET", "/nothing", JSON, ""), 404);
    assert_eq!(status("GET", "/ai/external_pages?page=0", JSON, ""), 400);
    assert_eq!(status("GET", "/ai/external_pages", &format!("{JSON}intercom-version: 9.9\r\n"), ""), 400);
    let source = served.source();
    let german = page(source, "a").replace(r#""en""#, r#""de""#);
    assert_eq!(status("POST", "/ai/external_pages", JSON, &german), 400);
    assert_eq!(status("POST", "/ai/external_pages", &format!("{JSON}intercom-version: 2.17\r\n"), &german), 200);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let served = Served::new(SimulatorOptions::default());
    let mut stream = TcpStream::connect(served.address).unwrap();
    let length = MAX_BODY_BYTES + 1;
    write!(stream, "POST /ai/external_pages HTTP/1.1\r\nhost: localhost\r\n{JSON}content-length: {length}\r\n\r\n")
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 413");
}

#[test]
fn faults_of_the_wire_break_the_connection_and_lost_answers_were_carried_out() {
    let served = Served::new(SimulatorOptions::default());
    let source = served.source();
    let order = |fault: Value, count: u64| {
        let rule = json!({"route": "POST /ai/external_pages", "fault": fault, "count": count}).to_string();
        assert_eq!(served.call("POST", "/_simulator/faults", &rule).status, 200);
    };
    let send = |external_id: &str| served.send("POST", "/ai/external_pages", JSON, &page(source, external_id));
    let held = |external_id: &str| served.simulator.find_page(source, external_id).unwrap().is_some();

    order(json!("drop"), 1);
    assert!(send("dropped").is_err() && !held("dropped"));
    order(json!("lost_answer"), 1);
    assert!(send("lost").is_err() && held("lost"));
    order(json!("truncated_body"), 1);
    assert!(send("truncated").is_err() && held("truncated"));
    order(json!({"status": {"code": 503, "retry_after_s": 9}}), 1);
    let refused = send("refused").unwrap();
    assert_eq!((refused.status, refused.header("retry-after"), held("refused")), (503, Some("9"), false));
    order(json!({"slow_body": {"ms": 200}}), 1);
    let begun = tokio::time::Instant::now();
    assert_eq!(send("slow").unwrap().json()["external_id"], "slow");
    assert!(begun.elapsed() > Duration::from_millis(50), "it trickles");
    assert_eq!(send("whole").unwrap().status, 200);

    let stats = served.call("GET", "/_simulator/stats", "").json();
    assert_eq!(stats["calls"]["POST /ai/external_pages"], json!({"200": 4, "503": 1, "dropped": 1}));
    assert_eq!(stats["faults"], json!({"drop": 1, "lost_answer": 1, "truncated_body": 1, "status": 1, "slow_body": 1}));
    order(json!("drop"), 1_000);
    assert_eq!(served.call("DELETE", "/_simulator/faults", "").json()["rules"], json!([]));
    assert_eq!(send("free").unwrap().status, 200);
}

#[test]
fn orders_for_faults_that_make_no_sense_are_refused_whole() {
    let served = Served::new(SimulatorOptions::default());
    for order in [
        "",
        "{}x",
        r#"{"fault":"unheard of"}"#,
        r#"{"fault":"drop","share":2}"#,
        r#"{"rules":[{"fault":"drop"},{"fault":{"status":{"code":1}}}]}"#,
        r#"{"fault":"drop","typo":1}"#,
    ] {
        let refused = served.call("POST", "/_simulator/faults", order);
        assert_eq!(refused.status, 400, "{order}");
        assert!(refused.json()["error"].is_string());
    }
    assert_eq!(served.call("GET", "/_simulator/faults", "").json()["rules"], json!([]));
    let seeded = served.call("POST", "/_simulator/faults", r#"{"seed":7,"rules":[{"fault":"drop","share":0.5}]}"#);
    assert_eq!(seeded.json()["rules"][0]["route"], "*");
}

#[test]
fn the_journal_is_read_in_parts() {
    let served = Served::new(SimulatorOptions::default());
    let source = served.source();
    for n in 0..3 {
        served.call("POST", "/ai/external_pages", &page(source, &n.to_string()));
    }
    let first = served.call("GET", "/_simulator/requests?limit=2", "").json();
    let entry = &first["requests"][0];
    assert_eq!(
        (&entry["method"], &entry["path"], &entry["external_id"], &entry["status"], &entry["at_us"]),
        (&json!("POST"), &json!("/ai/external_pages"), &json!("0"), &json!(200), &json!(1_700_000_000_000_000_i64))
    );
    let rest = served.call("GET", first["next"].as_str().unwrap(), "").json();
    assert_eq!((rest["requests"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
}

#[test]
fn contacts_are_named_over_http() {
    let served = Served::new(SimulatorOptions::default());
    assert_eq!(served.call("POST", "/_simulator/contacts", r#"{"id":"c","user_id":"ann"}"#).status, 204);
    assert_eq!(served.call("POST", "/_simulator/contacts", r#"{"user_id":"ann"}"#).status, 400);
    let submit = |who: &str| {
        served.call("POST", "/events", &json!({"event_name": "e", "created_at": 1, "user_id": who}).to_string())
    };
    let accepted = submit("ann");
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    assert_eq!(submit("bob").status, 404);
}

#[test]
fn a_foreign_name_and_a_foreign_origin_are_turned_away() {
    let served = Served::new(SimulatorOptions::default());
    let status = |method, path, headers: &str| served.send(method, path, headers, "").unwrap().status;
    assert_eq!(status("GET", "/", "host: evil.example\r\n"), 421);
    assert_eq!(status("GET", "/", "host: localhost:1\r\n"), 200);
    assert_eq!(status("GET", "/", "host: [::1]:1\r\n"), 200);
    assert_eq!(status("GET", "/", "host: simulator:8787\r\n"), 200);
    assert_eq!(status("DELETE", "/_simulator/faults", "origin: https://evil.example\r\n"), 403);
    let own = format!("origin: http://{}\r\n", served.address);
    assert_eq!(status("DELETE", "/_simulator/faults", &own), 200);
}

#[test]
fn pages_are_shown_escaped_and_in_a_sandbox() {
    let served = Served::new(SimulatorOptions::default());
    let source = served.source();
    let made = served.call("POST", "/ai/external_pages", &page(source, "guide/a.md")).json();
    let list = served.send("GET", "/?q=GUIDE", "", "").unwrap();
    assert_eq!(list.status, 200);
    assert!(list.body.contains("T &lt;b&gt;") && list.body.contains("switched off for Fin"), "{}", list.body);
    let policy = list.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert!(served.send("GET", "/?q=nothing&source=1&page=99", "", "").unwrap().body.contains("No page fits"));

    let path = format!("/_simulator/pages/{}", made["id"].as_str().unwrap());
    let shown = served.send("GET", &path, "", "").unwrap().body;
    let frame = &shown[shown.find("<iframe").unwrap()..shown.find("</iframe>").unwrap()];
    assert!(
        frame.contains(" sandbox srcdoc=") && frame.contains("&lt;p&gt;h&lt;") && !frame.contains("alert"),
        "{frame}"
    );
    assert!(!shown.contains("<script"), "{shown}");
    assert_eq!(served.send("GET", "/_simulator/pages/5", "", "").unwrap().status, 404);
    assert!(
        served
            .send("GET", "/_simulator/style.css", "", "")
            .unwrap()
            .header("content-type")
            .unwrap()
            .starts_with("text/css")
    );
}

#[test]
fn calls_at_one_time_all_arrive_and_the_server_ends_when_told() {
    let mut served = Served::new(SimulatorOptions::default());
    let source = served.source();
    let shared = &served;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..25 {
                    let answered = shared.call("POST", "/ai/external_pages", &page(source, &format!("{thread}-{n}")));
                    assert_eq!(answered.status, 200);
                }
            });
        }
    });
    assert_eq!(served.simulator.pages().unwrap().len(), 100);
    served.stop.take().unwrap().send(()).unwrap();
    let running = served.server.take().unwrap();
    let ended = served.runtime.block_on(async { timeout(Duration::from_secs(20), running).await });
    ended.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(served.address).is_err(), "nobody listens any more");
}
