//! The client against a server on loopback that follows a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::page::Switches;
use crate::page::{ExternalId, Switch};
use crate::retry::Backoff;

const SECRET: &str = "dG9rOnNlY3JldA==";
const SOURCE_ID: ImportSourceId = ImportSourceId(7);

/// What the server does with a request.
enum Step {
    /// Answers.
    Say(String),
    /// Answers and closes.
    SayLast(String),
    /// Begins an answer and never ends it.
    Stall(String),
    /// Closes.
    Close,
    /// Does something, then answers.
    First(Box<dyn FnOnce() + Send>, String),
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn say(status: u16, body: &Value) -> Step {
    Step::Say(answer(status, "", &body.to_string()))
}

fn fail(status: u16, code: &str) -> Step {
    let error = json!({"code": code, "message": "so it is", "field": null});
    say(status, &json!({"type": "error.list", "request_id": "req-9", "errors": [error]}))
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Heard {
    line: String,
    headers: Vec<String>,
    body: Value,
}

struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let (heard, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (all, count) = (Arc::clone(&heard), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(converse(stream, Arc::clone(&script), Arc::clone(&all)));
            }
        });
        Self { address, heard, connections, task }
    }

    fn options(&self) -> IntercomOptions {
        options(&format!("http://{}", self.address))
    }

    fn client(&self) -> Intercom {
        Intercom::with_limits(self.options(), limits()).unwrap()
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.line).collect()
    }
}

async fn converse(stream: TcpStream, script: Arc<Mutex<VecDeque<Step>>>, all: Arc<Mutex<Vec<Heard>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(heard) = hear(&mut stream).await {
        all.lock().unwrap().push(heard);
        let step = script.lock().unwrap().pop_front();
        let (text, goes_on) = match step {
            Some(Step::Say(text)) => (text, true),
            Some(Step::SayLast(text)) => (text, false),
            Some(Step::First(deed, text)) => {
                deed();
                (text, true)
            }
            Some(Step::Stall(text)) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
                return;
            }
            Some(Step::Close) => return,
            None => (answer(418, "", "the script has ended"), false),
        };
        if stream.write_all(text.as_bytes()).await.is_err() || !goes_on {
            return;
        }
    }
}

async fn hear(stream: &mut BufReader<TcpStream>) -> Option<Heard> {
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        headers.push(line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).ok()? };
    Some(Heard { line: headers.remove(0), headers, body })
}

fn options(base_url: &str) -> IntercomOptions {
    IntercomOptions {
        base_url: Url::parse(base_url).unwrap(),
        token: Token::Value(SecretString::from(SECRET)),
        version: "2.16".into(),
        rate_limit_share: 0.9,
        max_in_flight: 3,
        ca_file: None,
    }
}

fn limits() -> Limits {
    let ms = Duration::from_millis(1);
    let backoff = Backoff { base: ms, cap: 2 * ms, ..Backoff::STANDARD };
    Limits { backoff, ..Limits::STANDARD }
}

fn page() -> Page {
    Page {
        external_id: ExternalId::new("guide/start.md"),
        title: "Start \"here\"".into(),
        html: "<p>Straße</p>".into(),
        url: Some("https://docs.example.com/guide/start/".into()),
        locale: "en".into(),
        ai_agent: Switch { on: true, managed: false },
        ai_copilot: Switch { on: true, managed: false },
    }
}

fn page_json(id: &str) -> Value {
    json!({
        "id": id, "type": "external_page", "title": "Start", "html": "<p>Straße</p>", "url": null, "locale": "en",
        "source_id": 7, "external_id": "guide/start.md", "ai_agent_availability": true, "ai_copilot_availability": false,
    })
}

fn source_json(id: i64) -> Value {
    json!({"id": id, "url": "https://d/", "sync_behavior": "api", "status": "active", "created_at": 5, "audience_ids": []})
}

async fn upsert(client: &Intercom) -> Result<RemotePage, RemoteError> {
    client.upsert_page(SOURCE_ID, &page(), SentSwitches::default()).await
}

#[tokio::test]
async fn an_upsert_sends_the_page_with_all_headers_and_reads_the_answer() {
    let server = Server::start([say(200, &page_json("19"))]).await;
    let client = server.client();
    let switches = SentSwitches { ai_agent: Some(true), ai_copilot: None };
    let answer = client.upsert_page(SOURCE_ID, &page(), switches).await.unwrap();
    assert_eq!((answer.id.as_str(), answer.source_id), ("19", SOURCE_ID));
    assert_eq!(answer.switches, Switches { ai_agent: true, ai_copilot: false });
    let heard = server.heard().remove(0);
    assert_eq!(heard.line, "POST /ai/external_pages HTTP/1.1");
    for header in [
        &format!("authorization: Bearer {SECRET}"),
        "intercom-version: 2.16",
        "content-type: application/json",
        "accept: application/json",
        concat!("user-agent: finmirror/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(heard.headers.iter().any(|line| line == header), "{header} in {:?}", heard.headers);
    }
    assert_eq!(
        heard.body,
        json!({
            "title": "Start \"here\"", "html": "<p>Straße</p>", "url": "https://docs.example.com/guide/start/",
            "ai_agent_availability": true, "locale": "en", "source_id": 7, "external_id": "guide/start.md",
        })
    );
}

#[tokio::test]
async fn a_replacement_is_a_put_by_page_id_without_switches() {
    let server = Server::start([say(200, &page_json("19")), say(200, &page_json("20"))]).await;
    let client = server.client();
    let id = PageId::new("19");
    client.replace_page(&id, SOURCE_ID, &page()).await.unwrap();
    let heard = server.heard().remove(0);
    assert_eq!(heard.line, "PUT /ai/external_pages/19 HTTP/1.1");
    let mut keys: Vec<_> = heard.body.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["external_id", "html", "locale", "source_id", "title", "url"]);
    let error = client.replace_page(&id, SOURCE_ID, &page()).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Refused { message } if message.contains("the answer is of page `20`")));
    let bare = Page { url: None, ..page() };
    assert!(matches!(client.replace_page(&id, SOURCE_ID, &bare).await, Err(RemoteError::Refused { .. })));
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn what_passes_is_repeated_and_counted() {
    let whole = answer(200, "", &page_json("19").to_string());
    let server = Server::start([
        fail(503, "service_unavailable"),
        Step::Close,
        Step::SayLast(whole[..whole.len() - 5].to_owned()),
        Step::Say(answer(200, "", "<html>a proxy")),
        fail(409, "conflict"),
        Step::Say(whole),
    ])
    .await;
    let client = server.client();
    upsert(&client).await.unwrap();
    assert_eq!(client.traffic(), Traffic { requests: 6, retries: 5 });
    let answered: Vec<_> = client.calls().into_iter().map(|call| (call.status, call.count)).collect();
    assert_eq!(answered, [(None, 1), (Some(200), 3), (Some(409), 1), (Some(503), 1)]);
    assert!(client.calls().iter().all(|call| (call.method, call.route) == ("POST", "/ai/external_pages")));
    let heard = server.heard();
    assert!(heard.iter().all(|request| request.body == heard[0].body));
}

#[tokio::test]
async fn a_call_is_given_up_with_what_was_said_last() {
    let server = Server::start((0..9).map(|_| fail(500, "server_error"))).await;
    let client = server.client();
    let error = upsert(&client).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /ai/external_pages for `guide/start.md`: 500 server_error: so it is (request_id req-9)"
    );
    assert!(matches!(error, RemoteError::Transient { retry_after: None, .. }));
    assert_eq!(client.traffic(), Traffic { requests: 6, retries: 5 });
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let server = Server::start([Step::Say(answer(503, "retry-after: 900\r\n", ""))]).await;
    let error = upsert(&server.client()).await.unwrap_err();
    assert!(
        matches!(error, RemoteError::Transient { retry_after: Some(wait), .. } if wait == Duration::from_mins(15)),
        "{error:?}"
    );
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_page_that_is_rejected_is_not_sent_again() {
    let server = Server::start([fail(422, "parameter_invalid")]).await;
    let error = upsert(&server.client()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Rejected { status: 422, code, .. } if code == "parameter_invalid"));
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_refusal_whose_reason_broke_off_is_asked_for_again() {
    let cut = answer(422, "", &json!({"errors": []}).to_string()).replace('}', "");
    let server = Server::start([Step::SayLast(cut), say(200, &page_json("19"))]).await;
    upsert(&server.client()).await.unwrap();
}

#[tokio::test]
async fn an_import_source_is_never_made_twice() {
    let broken = answer(200, "", &source_json(3).to_string()).replace('}', "");
    for step in [fail(500, "server_error"), Step::Close, Step::SayLast(broken), fail(409, "conflict")] {
        let server = Server::start([step, say(200, &source_json(3))]).await;
        let error = server.client().create_import_source("https://d/", &[]).await.unwrap_err();
        assert!(matches!(error, RemoteError::Transient { .. }), "{error:?}");
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn an_import_source_is_asked_for_again_where_surely_nothing_was_done() {
    let limited = answer(429, "retry-after: 0\r\n", "");
    let server = Server::start([Step::Say(limited), say(200, &source_json(3))]).await;
    let source = server.client().create_import_source("https://d/", &[5]).await.unwrap();
    assert_eq!(source.id, ImportSourceId(3));
    let sent = json!({"sync_behavior": "api", "url": "https://d/", "audience_ids": [5]});
    assert!(server.heard().iter().all(|heard| heard.body == sent) && server.heard().len() == 2);

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Intercom::with_limits(options(&format!("http://{nobody}")), limits()).unwrap();
    let error = client.create_import_source("https://d/", &[]).await.unwrap_err();
    assert!(
        matches!(&error, RemoteError::Transient { message, .. } if message.contains("refused")
        && message.contains("at `127.0.0.1:") && message.contains("`intercom.base_url`")),
        "{error}"
    );
    assert_eq!(client.traffic(), Traffic { requests: 6, retries: 5 });
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::start([say(200, &page_json("19"))]).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("location: http://{}/ai/external_pages\r\n", elsewhere.address);
        let server = Server::start([Step::Say(answer(status, &to, ""))]).await;
        let error = upsert(&server.client()).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Refused { message } if message.contains("never followed")), "{error}");
        assert_eq!(server.heard().len(), 1);
    }
    assert_eq!(elsewhere.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_end_meets_the_deadline() {
    let begun = answer(200, "", &page_json("19").to_string());
    let halves = [String::new(), begun[..20].to_owned(), begun[..begun.len() - 9].to_owned()];
    for half in halves {
        let server = Server::start([Step::Stall(half.clone()), Step::Stall(half)]).await;
        let backoff = Backoff { attempts: 2, ..limits().backoff };
        let limits = Limits { request: Duration::from_millis(80), backoff, ..limits() };
        let client = Intercom::with_limits(server.options(), limits).unwrap();
        let error = upsert(&client).await.unwrap_err();
        assert!(
            matches!(&error, RemoteError::Transient { message, .. } if message.contains("within 0.08 s")),
            "{error}"
        );
        assert_eq!(server.heard().len(), 2);
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused_whether_it_says_so_or_not() {
    let long = "x".repeat(5000);
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1388\r\n{long}\r\n0\r\n\r\n");
    for text in [answer(200, "", &long), chunked] {
        let server = Server::start([Step::Say(text)]).await;
        let limits = Limits { body_max_bytes: 4096, ..limits() };
        let client = Intercom::with_limits(server.options(), limits).unwrap();
        let error = client.list_pages(None).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Refused { message } if message.contains("over 4096 bytes")), "{error}");
    }
}

#[tokio::test]
async fn an_answer_in_another_form_is_refused_without_being_quoted() {
    let server = Server::start([say(200, &json!({"id": {"html": "internal"}}))]).await;
    let error = upsert(&server.client()).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Refused { message } if message.contains("not understood")), "{error}");
    assert!(!error.to_string().contains("internal"));
}

#[tokio::test]
async fn a_token_exchanged_in_its_file_is_used_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "old\n").unwrap();
    let (rewrite, refusal) = (path.clone(), answer(401, "", r#"{"errors":[{"code":"unauthorized"}]}"#));
    let exchange = Box::new(move || std::fs::write(rewrite, "new\n").unwrap());
    let server =
        Server::start([Step::First(exchange, refusal.clone()), say(200, &page_json("19")), Step::Say(refusal)]).await;
    let client =
        Intercom::with_limits(IntercomOptions { token: Token::File(path.clone()), ..server.options() }, limits())
            .unwrap();
    upsert(&client).await.unwrap();
    let error = upsert(&client).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Unauthorized { message } if message.contains("401 unauthorized")
        && message.contains(path.to_str().unwrap())));
    let sent: Vec<_> = server
        .heard()
        .iter()
        .map(|heard| heard.headers.iter().find(|line| line.starts_with("authorization")).cloned().unwrap())
        .collect();
    assert_eq!(sent, ["authorization: Bearer old", "authorization: Bearer new", "authorization: Bearer new"]);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_or_even_built() {
    let server = Server::start([]).await;
    let token = Token::File("/nonexistent/token".into());
    let options = IntercomOptions { token, ca_file: Some("/nonexistent/ca".into()), ..server.options() };
    let client = Intercom::with_limits(options, limits()).unwrap();
    let error = upsert(&client).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Unauthorized { message } if message.contains("/nonexistent/token")));
    assert_eq!(client.traffic(), Traffic::default());
    assert_eq!(server.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn certificates_that_are_none_are_refused_when_something_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, "no certificate").unwrap();
    let options = IntercomOptions { ca_file: Some(ca), ..options("https://127.0.0.1:1") };
    let client = Intercom::with_limits(options, limits()).unwrap();
    let error = upsert(&client).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Refused { message } if message.contains("holds no certificate")), "{error}");
    assert_eq!(client.traffic(), Traffic::default());
}

#[tokio::test]
async fn a_page_that_is_gone_already_counts_as_deleted() {
    let server = Server::start([
        say(200, &page_json("19")),
        fail(404, "not_found"),
        Step::Say("HTTP/1.1 204 No Content\r\n\r\n".into()),
        Step::Say(answer(404, "", "<html>")),
        fail(404, "not_found"),
    ])
    .await;
    let (client, id) = (server.client(), PageId::new("19"));
    assert!(client.delete_page(&id).await.unwrap(), "it was there");
    assert!(!client.delete_page(&id).await.unwrap(), "it was gone already");
    assert!(client.delete_page(&id).await.unwrap());
    assert!(matches!(client.delete_page(&id).await, Err(RemoteError::Refused { .. })), "not Intercom's 404");
    assert!(matches!(client.page(&id).await, Err(RemoteError::NotFound { .. })));
    assert_eq!(server.lines()[0], "DELETE /ai/external_pages/19 HTTP/1.1");
    assert_eq!(server.lines()[4], "GET /ai/external_pages/19 HTTP/1.1");
}

#[tokio::test]
async fn an_id_that_would_change_the_path_is_not_used() {
    let server = Server::start([]).await;
    let client = server.client();
    for id in ["", ".", "..", "../7", "1/2", "1?x", "1#x", "%2e%2e", "1\n2", " 1", "é"] {
        assert!(matches!(client.delete_page(&PageId::new(id)).await, Err(RemoteError::Refused { .. })), "{id}");
    }
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_listing_is_followed_on_the_configured_base_url() {
    let next = "https://elsewhere.test/ai/external_pages?page=2&per_page=50";
    let server = Server::start([
        say(200, &json!({"data": [page_json("19")], "total_count": 2, "pages": {"next": next}})),
        say(200, &json!({"data": [page_json("20")], "total_count": 2, "pages": {"next": null}})),
    ])
    .await;
    let options = IntercomOptions {
        base_url: Url::parse(&format!("http://localhost:{}/gateway/", server.address.port())).unwrap(),
        ..server.options()
    };
    let client = Intercom::with_limits(options, limits()).unwrap();
    let first = client.list_pages(None).await.unwrap();
    let second = client.list_pages(first.next.as_ref()).await.unwrap();
    assert_eq!((second.pages[0].id.as_str(), second.next, second.total_count), ("20", None, Some(2)));
    assert_eq!(
        server.lines(),
        ["GET /gateway/ai/external_pages HTTP/1.1", "GET /gateway/ai/external_pages?page=2&per_page=50 HTTP/1.1"]
    );
}

#[tokio::test]
async fn the_list_of_import_sources_is_read_whole_or_not_at_all() {
    let list = |ids: &[i64], next: Value, total: i64| {
        let data: Vec<_> = ids.iter().map(|id| source_json(*id)).collect();
        say(200, &json!({"data": data, "pages": {"next": next}, "total_count": total}))
    };
    let server = Server::start([
        list(&[1, 2], json!("/x?page=2"), 3),
        list(&[2, 3], Value::Null, 3),
        list(&[1], Value::Null, 2),
        list(&[1], json!("/x?page=2"), 9),
        list(&[2], json!("/x?page=2"), 9),
    ])
    .await;
    let client = server.client();
    let ids: Vec<_> = client.import_sources().await.unwrap().into_iter().map(|source| source.id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(matches!(client.import_sources().await, Err(RemoteError::Transient { .. })), "one is missing");
    assert!(matches!(client.import_sources().await, Err(RemoteError::Refused { .. })), "it goes in circles");
}

#[tokio::test]
async fn a_change_of_an_import_source_names_the_url_that_it_has() {
    let mut other = source_json(3);
    other["sync_behavior"] = json!("automatic");
    let server = Server::start([
        say(200, &source_json(3)),
        say(200, &source_json(3)),
        say(200, &source_json(3)),
        say(200, &other),
        Step::Say("HTTP/1.1 204 No Content\r\n\r\n".into()),
    ])
    .await;
    let (client, id) = (server.client(), ImportSourceId(3));
    let off = ImportSourceChange { active: Some(false), ..ImportSourceChange::default() };
    client.update_import_source(id, &off).await.unwrap();
    let audience_ids = Some(vec![4]);
    let moved = ImportSourceChange { url: Some("https://e/".into()), audience_ids, active: None };
    client.update_import_source(id, &moved).await.unwrap();
    assert!(matches!(client.update_import_source(id, &off).await, Err(RemoteError::Refused { .. })));
    client.delete_import_source(id).await.unwrap();
    let heard = server.heard();
    assert_eq!(heard[1].body, json!({"sync_behavior": "api", "url": "https://d/", "status": "deactivated"}));
    let sent = json!({
        "sync_behavior": "api", "url": "https://e/", "audience_ids": [4], "apply_audience_to_existing_content": true,
    });
    assert_eq!(heard[2].body, sent);
    let methods: Vec<_> = heard.iter().map(|heard| heard.line.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["GET", "PUT", "PUT", "GET", "DELETE"]);
}

#[tokio::test]
async fn connections_are_kept_and_are_no_more_than_requests_may_be_in_flight() {
    let server = Server::start((0..40).map(|_| say(200, &page_json("19")))).await;
    let client = Arc::new(server.client());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let client = Arc::clone(&client);
        calls.spawn(async move { upsert(&client).await.unwrap() });
    }
    assert_eq!(calls.join_all().await.len(), 40);
    assert!((1..=3).contains(&server.connections.load(Ordering::Relaxed)));
}

#[tokio::test]
async fn the_token_shows_nowhere() {
    let told = answer(422, "", &json!({"errors": [{"code": SECRET, "message": SECRET, "field": SECRET}]}).to_string());
    let server = Server::start([Step::Say(told)]).await;
    let client = server.client();
    let RemoteError::Rejected { message, code, .. } = upsert(&client).await.unwrap_err() else { panic!() };
    assert!(!format!("{message} {code} {client:?} {:?}", server.options()).contains(SECRET));
}

#[test]
fn options_that_cannot_be_are_refused_with_what_to_do() {
    let build = |change: fn(&mut IntercomOptions)| {
        let mut options = options("https://api.intercom.io");
        change(&mut options);
        Intercom::new(options).map(|_| ()).map_err(|error| error.to_string())
    };
    build(|_| {}).unwrap();
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(Intercom::new(IntercomOptions { rate_limit_share: share, ..options("https://a.test") }).is_err());
    }
    assert!(build(|options| options.max_in_flight = 0).unwrap_err().contains("from 1 to 1024"));
    assert!(build(|options| options.version = "2\n".into()).is_err());
}

#[cfg(unix)]
mod tls;
