//! One call: paced, sent, repeated where that is allowed, and read.
//!
//! Owns the HTTP client, which is built when the first request is to be sent, and what counts as an attempt. Knows no
//! route. Keeps: the token goes to the configured origin alone (no redirect is followed, plain http leaves this machine
//! never); every await has a deadline; no answer is read beyond its limit.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::error::Error;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;
use url::{Host, Url};

use super::IntercomOptions;
use super::answer::{Said, Sends, Trouble, Verdict, rate};
use super::limiter::{Limiter, Pass};
use super::wire::printable;
use crate::remote::{CallCount, RemoteError, Traffic};
use crate::retry::Backoff;

/// A file of certificates larger than this is none.
const CA_FILE_MAX_BYTES: u64 = 4 << 20;
/// What is read of an error's body.
const ERROR_MAX_BYTES: usize = 64 << 10;
/// Connections that have idled for longer may have been closed by what lies between.
const IDLE: Duration = Duration::from_secs(30);

/// The limits of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// To connect, TLS included.
    pub(super) connect: Duration,
    /// From the first byte sent to the last byte read.
    pub(super) request: Duration,
    /// The largest answer: a listing's page is 50 pages with all their html.
    pub(super) body_max_bytes: usize,
    pub(super) backoff: Backoff,
}

impl Limits {
    pub(super) const STANDARD: Self = Self {
        connect: Duration::from_secs(10),
        request: Duration::from_mins(1),
        body_max_bytes: 64 << 20,
        backoff: Backoff::STANDARD,
    };
}

/// One thing to ask.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The path as the API's reference writes it, for logs.
    pub(super) route: &'static str,
    pub(super) url: Url,
    /// Which page it is about, where the path does not say.
    pub(super) about: Option<&'a str>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) sends: Sends,
    /// Twice does the same as once.
    pub(super) idempotent: bool,
    /// Success may have no body.
    pub(super) may_be_silent: bool,
    /// Where its requests are counted.
    pub(super) counts: Arc<Counts>,
}

/// What was sent for one caller.
#[derive(Debug, Default)]
pub(super) struct Counts {
    requests: AtomicU64,
    retries: AtomicU64,
}

impl Counts {
    pub(super) fn traffic(&self) -> Traffic {
        Traffic { requests: self.requests.load(Ordering::Relaxed), retries: self.retries.load(Ordering::Relaxed) }
    }
}

impl Call<'_> {
    /// What was asked, for messages.
    fn asked(&self) -> String {
        match self.about {
            Some(about) => format!("{} {} for `{}`", self.method, self.url.path(), printable(about)),
            None => format!("{} {}", self.method, self.url.path()),
        }
    }

    /// Who was asked: host and port.
    fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// What was asked, and with which status it was answered: method, route, status.
type Answered = (&'static str, &'static str, Option<u16>);

/// The client of one workspace.
pub(super) struct Client {
    options: IntercomOptions,
    version: HeaderValue,
    limits: Limits,
    http: OnceCell<reqwest::Client>,
    limiter: Limiter,
    in_flight: Semaphore,
    /// Requests by method, route and status.
    answered: Mutex<BTreeMap<Answered, u64>>,
    jitter: Jitter,
}

impl Client {
    /// Checks the options; opens, reads and connects nothing.
    pub(super) fn new(options: IntercomOptions, limits: Limits) -> anyhow::Result<Self> {
        check_base_url(&options.base_url)?;
        let share = options.rate_limit_share;
        ensure!(share > 0.0 && share <= 1.0, "rate_limit_share is `{share}`: give a number over 0 and at most 1");
        ensure!(
            (1..=1024).contains(&options.max_in_flight),
            "max_in_flight is `{}`: give a number from 1 to 1024",
            options.max_in_flight
        );
        let version = HeaderValue::from_str(&options.version)
            .with_context(|| format!("version `{}` cannot be sent in a header", options.version.escape_debug()))?;
        Ok(Self {
            version,
            limits,
            http: OnceCell::new(),
            limiter: Limiter::new(share),
            in_flight: Semaphore::new(options.max_in_flight),
            answered: Mutex::default(),
            jitter: Jitter::new(),
            options,
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.options.base_url
    }

    pub(super) fn calls(&self) -> Vec<CallCount> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().map(|(&(method, route, status), &count)| CallCount { method, route, status, count }).collect()
    }

    pub(super) fn window_used(&self) -> Option<f64> {
        self.limiter.used()
    }

    fn count(&self, call: &Call<'_>, status: Option<StatusCode>) {
        let key = (word(&call.method), call.route, status.map(|status| status.as_u16()));
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// Asks, as often as it takes and is allowed, and reads the answer.
    pub(super) async fn send<T: DeserializeOwned>(&self, mut call: Call<'_>) -> Result<T, RemoteError> {
        let request = self.request(&mut call);
        let mut progress = Progress::default();
        loop {
            progress.attempt += 1;
            let trouble = match self.attempt(&call, &request, &mut progress).await.and_then(|body| parse(&call, &body))
            {
                Ok(answer) => return Ok(answer),
                Err(Verdict::Again(trouble)) => trouble,
                Err(Verdict::BadToken(_)) if self.is_exchanged(&progress) => {
                    call.counts.retries.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Err(Verdict::Failed(RemoteError::Rejected { status, code, message, .. })) => {
                    return Err(RemoteError::Rejected { status, code, message, certain: !progress.doubtful });
                }
                Err(Verdict::BadToken(error) | Verdict::Failed(error)) => return Err(error),
            };
            progress.doubtful |= !trouble.undone;
            let Some(wait) = self.wait_before_next(&call, &trouble, &progress) else {
                let Trouble { retry_after, message, .. } = trouble;
                return Err(RemoteError::Transient { retry_after, message });
            };
            sleep(wait).await;
            call.counts.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wait_before_next(&self, call: &Call<'_>, trouble: &Trouble, progress: &Progress) -> Option<Duration> {
        if !call.idempotent && !trouble.undone {
            return None;
        }
        let asked = trouble.retry_after.filter(|_| !trouble.limited);
        let elapsed = progress.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.limits.backoff.next(progress.attempt, elapsed, asked, self.jitter.next())
    }

    /// The token was exchanged after the one that was sent had been read.
    fn is_exchanged(&self, progress: &Progress) -> bool {
        progress.attempt < self.limits.backoff.attempts
            && self.options.token.bearer().is_ok_and(|now| progress.bearer.as_ref() != Some(&now))
    }

    fn request(&self, call: &mut Call<'_>) -> Request {
        let mut request = Request::new(call.method.clone(), call.url.clone());
        let headers = request.headers_mut();
        headers.insert("intercom-version", self.version.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = call.body.take() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        request
    }

    async fn attempt(&self, call: &Call<'_>, request: &Request, progress: &mut Progress) -> Result<Vec<u8>, Verdict> {
        let _permit = self.in_flight.acquire().await.expect("the semaphore is never closed");
        let pass = self.limiter.pass().await.map_err(|wait| {
            let message = format!("{}: Intercom asks us to wait for {} s", call.asked(), wait.as_secs());
            Verdict::Failed(RemoteError::Transient { retry_after: Some(wait), message })
        })?;
        // Only now, so that it is the newest.
        let bearer =
            self.options.token.bearer().map_err(|message| Verdict::Failed(RemoteError::Unauthorized { message }))?;
        let http = self.http().await.map_err(|error| {
            Verdict::Failed(RemoteError::Refused { message: format!("{}: {error:#}", call.asked()) })
        })?;
        let mut request = request.try_clone().expect("a body of bytes is cloned");
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        progress.bearer = Some(bearer.clone());
        let began = Instant::now();
        progress.began.get_or_insert(began);
        let (status, answer) = self.exchange(call, http, request, pass, &bearer).await;
        self.count(call, status);
        debug!(
            http.method = %call.method,
            http.route = call.route,
            http.status = status.map(|status| status.as_u16()),
            attempt = progress.attempt,
            duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        answer
    }

    /// One request and its answer, and the status where there was one.
    async fn exchange(
        &self,
        call: &Call<'_>,
        http: &reqwest::Client,
        request: Request,
        pass: Pass<'_>,
        bearer: &HeaderValue,
    ) -> (Option<StatusCode>, Result<Vec<u8>, Verdict>) {
        call.counts.requests.fetch_add(1, Ordering::Relaxed);
        let deadline = Instant::now() + self.limits.request;
        let response = match timeout_at(deadline, http.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return (None, Err(unanswered(call, &error))),
            Err(_) => {
                let trouble = Trouble { message: self.timed_out(call), ..Trouble::default() };
                return (None, Err(Verdict::Again(trouble)));
            }
        };
        pass.answered(&rate(response.status(), response.headers()));
        let (status, headers, body) = self.read(response, deadline).await;
        (Some(status), self.judge(call, status, &headers, body, bearer))
    }

    fn judge(
        &self,
        call: &Call<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        body: Result<Vec<u8>, Unread>,
        bearer: &HeaderValue,
    ) -> Result<Vec<u8>, Verdict> {
        let again = |message| Verdict::Again(Trouble { message, ..Trouble::default() });
        if status.is_success() {
            return body.map_err(|unread| match unread {
                Unread::Broken => again(format!("{}: the connection broke within the answer", call.asked())),
                Unread::Deadline => again(self.timed_out(call)),
                Unread::TooLarge => Verdict::Failed(RemoteError::Refused {
                    message: format!("{}: the answer is over {} bytes", call.asked(), self.limits.body_max_bytes),
                }),
            });
        }
        // What a refusal is of stands in its body; a page must not be given up because of a broken one.
        let is_told_by_status = status.is_server_error() || [401, 403, 408, 409, 429].contains(&status.as_u16());
        if status.is_client_error() && !is_told_by_status && matches!(body, Err(Unread::Broken | Unread::Deadline)) {
            return Err(again(format!("{}: {} with a broken answer", call.asked(), status.as_u16())));
        }
        let said = Said {
            asked: &call.asked(),
            host: call.url.host_str(),
            sends: call.sends,
            status,
            headers,
            body: body.as_deref().ok(),
            bearer,
            token_origin: &self.options.token.origin(),
        };
        Err(said.verdict())
    }

    /// Reads a body to its end or limit.
    async fn read(
        &self,
        mut response: Response,
        deadline: Instant,
    ) -> (StatusCode, HeaderMap, Result<Vec<u8>, Unread>) {
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let max = if status.is_success() { self.limits.body_max_bytes } else { ERROR_MAX_BYTES };
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > max {
            return (status, headers, Err(Unread::TooLarge));
        }
        let mut body = Vec::with_capacity(announced.min(1 << 20));
        let unread = loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > max => break Unread::TooLarge,
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return (status, headers, Ok(body)),
                Ok(Err(_)) => break Unread::Broken,
                Err(_) => break Unread::Deadline,
            }
        };
        (status, headers, Err(unread))
    }

    fn timed_out(&self, call: &Call<'_>) -> String {
        let (asked, place, limit) = (call.asked(), call.place(), self.limits.request.as_secs_f64());
        format!("{asked}: no whole answer of `{place}` within {limit} s")
    }

    /// The HTTP client, built on first use: it reads certificates, which blocks.
    async fn http(&self) -> anyhow::Result<&reqwest::Client> {
        let build = || async {
            let (options, connect) = (self.options.clone(), self.limits.connect);
            tokio::task::spawn_blocking(move || build(&options, connect)).await.context("building the HTTP client")?
        };
        self.http.get_or_try_init(build).await
    }
}

/// A method as a word that lives for ever.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// How far a call has come.
#[derive(Default)]
struct Progress {
    attempt: u32,
    /// An attempt may have been carried out without our hearing of it.
    doubtful: bool,
    /// When the first request left: waiting for its turn does not count.
    began: Option<Instant>,
    /// The credentials that were sent last.
    bearer: Option<HeaderValue>,
}

/// Reads a success. Of what is wrong with it the place is told and nothing else: the parser would quote the body.
fn parse<T: DeserializeOwned>(call: &Call<'_>, body: &[u8]) -> Result<T, Verdict> {
    let body = if call.may_be_silent && body.is_empty() { b"null" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let (asked, line, column) = (call.asked(), error.line(), error.column());
        if error.is_data() {
            let message = format!("{asked}: the answer is not understood (line {line}, column {column})");
            return Verdict::Failed(RemoteError::Refused { message });
        }
        let message = format!("{asked}: the answer is truncated or no JSON (line {line}, column {column})");
        Verdict::Again(Trouble { message, ..Trouble::default() })
    })
}

/// Why a body is not there.
enum Unread {
    Broken,
    Deadline,
    TooLarge,
}

/// The verdict on a request that got no answer.
fn unanswered(call: &Call<'_>, error: &reqwest::Error) -> Verdict {
    let mut causes: Vec<String> = Vec::new();
    let mut certificate = false;
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        certificate |= matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)));
        // `io::Error` leaves out of its chain the very error that it holds, whose words are its own.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    causes.dedup();
    let causes = if causes.is_empty() { "the request cannot be sent".into() } else { causes.join(": ") };
    let message = format!("{} at `{}`: {causes}", call.asked(), call.place());
    if certificate {
        let message = format!("{message}; if a proxy opens TLS here, give its certificate as `intercom.ca_file`");
        return Verdict::Failed(RemoteError::Refused { message });
    }
    if error.is_builder() {
        return Verdict::Failed(RemoteError::Refused { message });
    }
    if error.is_connect() {
        // Without a connection nothing was sent.
        let message = format!("{message}; check `intercom.region`, `intercom.base_url` or the proxy");
        return Verdict::Again(Trouble { message, undone: true, ..Trouble::default() });
    }
    Verdict::Again(Trouble { message, ..Trouble::default() })
}

/// Refuses what would carry the token in the clear, or what is no place to put a path on.
fn check_base_url(url: &Url) -> anyhow::Result<()> {
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "base_url has credentials in it: the access token has a key of its own"
    );
    ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "base_url `{url}` has a query or fragment: leave it out"
    );
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if is_loopback(&host) => Ok(()),
        ("http", _) => bail!("base_url `{url}` would send the token in the clear: use https, or http to loopback"),
        _ => bail!("base_url `{url}` is no address of an API: use https"),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
        Host::Domain(name) => *name == "localhost",
    }
}

fn build(options: &IntercomOptions, connect: Duration) -> anyhow::Result<reqwest::Client> {
    // reqwest panics without one; the binary has installed it before, another user of this library perhaps not.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("finmirror/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // One request on one connection: a connection that dies takes no other request with it.
        .http1_only()
        .connect_timeout(connect)
        .pool_max_idle_per_host(options.max_in_flight)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true);
    if options.base_url.scheme() == "http" {
        // What goes to loopback in the clear goes to no proxy, wherever the environment points and names resolve; and
        // it needs none of the system's certificates.
        let loopback = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &loopback).tls_certs_only([]);
    } else if let Some(path) = &options.ca_file {
        builder = builder.tls_certs_merge(certificates(path)?);
    }
    builder.build().map_err(reqwest::Error::without_url).context("the HTTP client cannot be built")
}

fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let shown = path.display();
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(CA_FILE_MAX_BYTES + 1).read_to_end(&mut pem))
        .with_context(|| format!("ca_file `{shown}` cannot be read"))?;
    ensure!(pem.len() as u64 <= CA_FILE_MAX_BYTES, "ca_file `{shown}` is over {CA_FILE_MAX_BYTES} bytes");
    let found = Certificate::from_pem_bundle(&pem).with_context(|| format!("ca_file `{shown}` is no PEM"))?;
    ensure!(!found.is_empty(), "ca_file `{shown}` holds no certificate: give one in PEM");
    Ok(found)
}

/// A source of chance good enough to keep callers apart (splitmix64, Steele et al. 2014).
struct Jitter(AtomicU64);

impl Jitter {
    fn new() -> Self {
        // The standard library seeds its hash maps from the system's randomness.
        Self(AtomicU64::new(RandomState::new().hash_one(0)))
    }

    /// In `0..1`.
    fn next(&self) -> f64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        let upper = u32::try_from(bits >> 32).expect("32 bits are left");
        f64::from(upper) / f64::from(u32::MAX).next_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_leaves_in_the_clear_to_loopback_alone() {
        let check = |url: &str| check_base_url(&Url::parse(url).unwrap()).map_err(|error| error.to_string());
        for good in [
            "https://api.intercom.io",
            "https://gateway.example.com/intercom/",
            "http://127.0.0.1:8787",
            "http://127.8.8.8",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost:1",
        ] {
            check(good).unwrap();
        }
        for bad in [
            "http://api.intercom.io",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "data:x",
            "https://api.intercom.io/?a=b",
        ] {
            check(bad).unwrap_err();
        }
        assert!(!check("https://user:geheim@api.intercom.io").unwrap_err().contains("geheim"));
    }

    #[test]
    fn jitter_covers_its_range() {
        let jitter = Jitter::new();
        let drawn: Vec<f64> = (0..1000).map(|_| jitter.next()).collect();
        assert!(drawn.iter().all(|part| (0.0..1.0).contains(part)));
        assert!(drawn.iter().any(|part| *part < 0.1) && drawn.iter().any(|part| *part > 0.9));
    }
}
