//! The door over HTTP: Intercom's calls, and the stand-in's own under `/_simulator`.
//!
//! Knows headers, bodies and limits of size and time; what a call means is read by `call` and done by the model.

use std::future::{Future, IntoFuture as _, pending};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{ConnectInfo, Query, Request as HttpRequest, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::answer::ApiError;
use super::call::{Call, Route, Version};
use super::event::Contact;
use super::faults::FaultRule;
use super::wire::{Doorstep, Wire};
use super::{Delivery, Passage, Request, Simulator, lock, web};

/// The largest body of a call.
const MAX_BODY_BYTES: usize = 20 * 1024 * 1024;

/// The largest body of a request to `/_simulator`.
const MAX_OWN_BODY_BYTES: usize = 1024 * 1024;

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_mins(1);

/// How long requests under way may take when the server is told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The longest path that the journal keeps.
const MAX_PATH_BYTES: usize = 512;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const VERSION: &str = "intercom-version";

#[derive(Clone)]
struct Door {
    simulator: Simulator,
    /// The address is this machine's own: then only names of this machine are taken for it.
    loopback: bool,
}

/// Serves until the shutdown.
pub(super) async fn serve(
    simulator: Simulator,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let loopback = address.ip().is_loopback();
    if !loopback {
        tracing::warn!(
            http.listen = %address,
            "the simulator listens beyond loopback: its pages and its faults under /_simulator are open to whoever reaches it"
        );
    }
    let app = router(Door { simulator, loopback }).into_make_service_with_connect_info::<Wire>();
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(Doorstep::new(listener), app).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens any more if the server has ended by itself.
        let _ = stopping.send(());
    });
    let overdue = async {
        match stopped.await {
            Ok(()) => sleep(DRAIN_TIME).await,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = overdue => Ok(()),
    }
}

fn router(door: Door) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/_simulator/pages/{id}", get(page))
        .route("/_simulator/style.css", get(web::style))
        .route("/_simulator/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/_simulator/stats", get(stats))
        .route("/_simulator/requests", get(requests))
        .route("/_simulator/contacts", post(add_contact))
        .fallback(call)
        .layer(middleware::from_fn_with_state(door.clone(), guard))
        .with_state(door)
}

/// Turns away what a web page elsewhere could make a browser send here: a foreign name that resolves to loopback, and
/// changes asked for by another origin.
async fn guard(State(door): State<Door>, request: HttpRequest, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, &HOST);
    if door.loopback && !host.is_none_or(is_own_name) {
        let message = "the simulator listens on loopback and answers only to `localhost` and loopback addresses";
        return refusal(StatusCode::MISDIRECTED_REQUEST, message);
    }
    let own = |origin: &str| origin.strip_prefix("http://").is_some_and(|origin| Some(origin) == host);
    let foreign = headers.get(ORIGIN).is_some_and(|origin| !origin.to_str().is_ok_and(own));
    if foreign && request.method() != Method::GET && request.uri().path().starts_with("/_simulator") {
        return refusal(StatusCode::FORBIDDEN, "the simulator takes no changes from another origin");
    }
    next.run(request).await
}

/// Whether a `Host` names this machine: a loopback address, `localhost`, or a name without a dot, as containers have.
fn is_own_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.parse::<IpAddr>().map_or_else(|_| !name.contains('.') || name.ends_with(".localhost"), |ip| ip.is_loopback())
}

/// One of Intercom's calls.
async fn call(State(door): State<Door>, ConnectInfo(wire): ConnectInfo<Wire>, request: HttpRequest) -> Response {
    wire.mend();
    let (parts, body) = request.into_parts();
    let (route, id) = Route::find(parts.method.as_str(), parts.uri.path());
    let authorized = door.is_authorized(&parts.headers);
    let (version, call) = if authorized {
        let version = version(&parts.headers);
        let body = read(&parts.method, &parts.headers, body).await;
        let call = body.and_then(|body| Call::read(route, id, parts.uri.query().unwrap_or(""), &body));
        match version {
            Ok(version) => (version, call),
            Err(error) => (Version::DEFAULT, Err(error)),
        }
    } else {
        (Version::DEFAULT, Err(ApiError::unauthorized()))
    };
    let path = shortened(parts.uri.path());
    let method = if route == Route::Unknown { known_method(&parts.method) } else { route.method() };
    let passage = door.simulator.take(Request { route, method, path, authorized, version, call });
    if !passage.hold.is_zero() {
        sleep(passage.hold).await;
    }
    deliver(passage, &wire, &base(&parts.headers))
}

impl Door {
    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let given = text(headers, &AUTHORIZATION)
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match (given, &self.simulator.shared.options.token) {
            (None | Some(""), _) => false,
            (Some(_), None) => true,
            (Some(given), Some(token)) => given == token.expose_secret(),
        }
    }
}

fn version(headers: &HeaderMap) -> Result<Version, ApiError> {
    headers
        .get(VERSION)
        .map_or(Ok(Version::DEFAULT), |version| Version::read(version.to_str().unwrap_or_default().trim()))
}

/// Reads the body of a call that has one.
async fn read(method: &Method, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    if !matches!(*method, Method::POST | Method::PUT) {
        return Ok(Bytes::new());
    }
    let media = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let message = format!("the content type `{media:.80}` is not application/json");
        return Err(ApiError::new(415, "media_type_not_acceptable", message));
    }
    let too_large =
        || ApiError::new(413, "payload_too_large", format!("the body is larger than {MAX_BODY_BYTES} bytes"));
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    match timeout(BODY_TIME, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(ApiError::new(408, "request_timeout", "the body took too long")),
    }
}

/// Writes the answer, or what a fault leaves of it.
fn deliver(passage: Passage, wire: &Wire, base: &str) -> Response {
    let (status, body, retry_after_s) = match &passage.outcome {
        Ok(answer) => (answer.status(), answer.body(base), None),
        Err(error) => (error.status, error.body(&passage.request_id), error.retry_after_s),
    };
    match passage.delivery {
        Delivery::Whole => {}
        Delivery::Lost => wire.kill(),
        Delivery::Truncated => wire.cut(body.len()),
        Delivery::Slow(time) => wire.slow(body.len(), time),
    }
    let is_empty = body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !is_empty {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    if let Ok(id) = HeaderValue::try_from(passage.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(date) = date(passage.at) {
        headers.insert(DATE, date);
    }
    if let Some(meter) = passage.meter.filter(|_| status != 401) {
        headers.insert(LIMIT, meter.limit.into());
        headers.insert(REMAINING, meter.remaining.into());
        headers.insert(RESET, meter.reset_s.into());
    }
    if let Some(wait_s) = retry_after_s {
        headers.insert(RETRY_AFTER, wait_s.into());
    }
    response
}

/// The `Date` by the stand-in's own clock, which may be a simulation's.
fn date(at: Timestamp) -> Option<HeaderValue> {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(date).ok()
}

/// The address that a listing's next link starts with: the one that the caller used.
fn base(headers: &HeaderMap) -> String {
    let plain = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
    format!("http://{}", text(headers, &HOST).filter(plain).unwrap_or("localhost"))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn shortened(path: &str) -> &str {
    let mut end = path.len().min(MAX_PATH_BYTES);
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    &path[..end]
}

fn known_method(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
        .into_iter()
        .find(|known| method == *known)
        .unwrap_or("other")
}

fn refusal(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({"error": message.into()}))).into_response()
}

async fn index(State(door): State<Door>, Query(query): Query<web::IndexQuery>) -> Response {
    web::index(&door.simulator, &query)
}

async fn page(State(door): State<Door>, axum::extract::Path(id): axum::extract::Path<i64>) -> Response {
    web::page(&door.simulator, id)
}

/// What `POST /_simulator/faults` takes: rules, and perhaps a seed. A rule alone is taken too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsJson {
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    rules: Vec<FaultRule>,
}

async fn add_faults(State(door): State<Door>, request: HttpRequest) -> Response {
    let read = own_body(request).await.and_then(|value| {
        if value.get("fault").is_some() {
            let rule = serde_json::from_value(value).map_err(|error| error.to_string())?;
            return Ok(FaultsJson { seed: None, rules: vec![rule] });
        }
        serde_json::from_value(value).map_err(|error| error.to_string())
    });
    let asked = match read {
        Ok(asked) => asked,
        Err(message) => return refusal(StatusCode::BAD_REQUEST, message),
    };
    if let Some(error) = asked.rules.iter().find_map(|rule| rule.check().err()) {
        return refusal(StatusCode::BAD_REQUEST, error);
    }
    if let Some(seed) = asked.seed {
        door.simulator.seed(seed);
    }
    for rule in asked.rules {
        if let Err(error) = door.simulator.inject(rule) {
            return refusal(StatusCode::BAD_REQUEST, error.to_string());
        }
    }
    faults(State(door)).await
}

async fn clear_faults(State(door): State<Door>) -> Response {
    door.simulator.clear_faults();
    faults(State(door)).await
}

async fn faults(State(door): State<Door>) -> Response {
    let faults = lock(&door.simulator.shared.faults);
    let rules: Vec<&FaultRule> = faults.rules().collect();
    Json(json!({"rules": rules, "fired": faults.fired()})).into_response()
}

async fn stats(State(door): State<Door>) -> Response {
    Json(door.simulator.stats()).into_response()
}

#[derive(Deserialize)]
struct RequestsQuery {
    #[serde(default)]
    after: u64,
    #[serde(default = "a_thousand")]
    limit: usize,
}

fn a_thousand() -> usize {
    1_000
}

async fn requests(State(door): State<Door>, Query(query): Query<RequestsQuery>) -> Response {
    let journal = lock(&door.simulator.shared.journal);
    let (requests, written) = (journal.after(query.after, query.limit.clamp(1, 10_000)), journal.written());
    drop(journal);
    let next = requests.last().map(|last| last.seq).filter(|seq| *seq < written);
    Json(json!({"requests": requests, "next": next.map(|seq| format!("/_simulator/requests?after={seq}"))}))
        .into_response()
}

async fn add_contact(State(door): State<Door>, request: HttpRequest) -> Response {
    let read = own_body(request)
        .await
        .and_then(|value| serde_json::from_value::<Contact>(value).map_err(|error| error.to_string()))
        .and_then(|contact| door.simulator.add_contact(&contact).map_err(|error| error.to_string()));
    match read {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(message) => refusal(StatusCode::BAD_REQUEST, message),
    }
}

async fn own_body(request: HttpRequest) -> Result<Value, String> {
    let body = timeout(BODY_TIME, to_bytes(request.into_body(), MAX_OWN_BODY_BYTES)).await;
    let body = body.map_err(|_| "the body took too long".to_owned())?;
    let body = body.map_err(|_| format!("the body is larger than {MAX_OWN_BODY_BYTES} bytes, or ended early"))?;
    serde_json::from_slice(&body).map_err(|error| format!("the body is no JSON: {error}"))
}

#[cfg(test)]
mod tests;
