//! One question, from the first hop to the head of its answer.
//!
//! Keeps the order: is the host configured, may its address be asked, is it its turn, which credentials are shown there.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::body::Encoding;
use super::credentials::Shown;
use super::pace::{Pace, Turn};
use super::redirect::{Places, Trail};
use super::tls::Doors;
use super::{Allowed, Ask, ClientOptions, Head, Trouble};
use crate::retry::Backoff;

/// What the waits are that a website asks for.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(5), attempts: 3, total: Duration::ZERO };
/// What is read, and for how long, of a body that nobody wants, so that its connection serves again.
const REST_MAX_BYTES: usize = 16 << 10;
const REST: Duration = Duration::from_millis(500);

/// The runtime that the requests live on, whatever thread asks.
#[derive(Debug)]
pub(super) struct Engine(Option<Runtime>);

impl Engine {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("website").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Does something there and waits for it, as blocking as can be: this thread may be another runtime's.
    pub(super) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Trouble> {
        let (sender, receiver) = sync_channel(1);
        let runtime = self.0.as_ref().expect("the runtime is there until the drop");
        runtime.spawn(async move {
            let _ = sender.send(work.await);
        });
        receiver.recv().map_err(|_| Trouble::Broken("the request was given up".into()))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Waiting for it is not allowed on another runtime's thread, and there is nothing to wait for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What holds for all questions to a website.
pub(super) struct Terms {
    pub(super) options: ClientOptions,
    pub(super) places: Places,
    pub(super) allowed: Allowed,
    pub(super) doors: Doors,
    pub(super) pace: Pace,
}

/// A question, with all that is needed on the way.
pub(super) struct Question {
    trail: Trail,
    shown: Shown,
    headers: HeaderMap,
}

/// An answer whose body is still to come.
pub(super) struct Met {
    pub(super) head: Head,
    /// Of a success.
    pub(super) body: Option<(Encoding, Response)>,
    pub(super) deadline: Instant,
    pub(super) turn: Turn,
}

impl Question {
    pub(super) fn new(ask: &Ask<'_>, terms: &Terms, now_s: i64) -> Result<Self, Trouble> {
        let trail = Trail::begin(ask.url, &terms.options, &terms.places)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(ask.accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(Encoding::ACCEPTED));
        // What cannot be sent back only costs an answer with its body.
        let mut when = |name: HeaderName, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        };
        when(IF_NONE_MATCH, ask.etag);
        when(IF_MODIFIED_SINCE, ask.last_modified);
        Ok(Self { trail, shown: Shown::read(&terms.options, now_s)?, headers })
    }

    /// Asks, follows and repeats, as far as it is allowed and there is time.
    pub(super) async fn answer(mut self, terms: Arc<Terms>) -> Result<Met, Trouble> {
        // Waiting for one's turn does not count, or a long queue would be a slow website.
        let mut began = None;
        let mut waited = Duration::ZERO;
        let mut attempt = 1;
        let mut may_repeat = true;
        loop {
            let url = self.trail.here().clone();
            terms.check(&url)?;
            let lane = lane(&url);
            let waiting = Instant::now();
            let turn = terms.pace.turn(&lane).await?;
            waited += began.map_or(Duration::ZERO, |_| waiting.elapsed());
            let began = *began.get_or_insert_with(Instant::now);
            let deadline = began + waited + terms.options.timeout;
            let response = match timeout_at(deadline, self.send(&terms, &url)).await {
                Ok(Ok(response)) => response,
                // A connection that had idled was closed while the question was on its way.
                Ok(Err(Trouble::Broken(_))) if std::mem::take(&mut may_repeat) => continue,
                Ok(Err(trouble)) => return Err(trouble),
                Err(_) => return Err(Trouble::Timeout),
            };
            if let Some(location) = location(&response) {
                let location = location.as_bytes().to_vec();
                drain(response).await;
                drop(turn);
                self.trail.follow(&location, &terms.options, &terms.places)?;
                continue;
            }
            let retry_after = retry_after(response.headers());
            let is_asked_to_wait = match response.status() {
                StatusCode::TOO_MANY_REQUESTS => true,
                StatusCode::SERVICE_UNAVAILABLE => retry_after.is_some(),
                _ => false,
            };
            let backoff = Backoff { total: terms.options.timeout, ..BACKOFF };
            let wait = backoff.next(attempt, began.elapsed(), retry_after, jitter());
            if let (true, Some(wait)) = (is_asked_to_wait, wait) {
                drain(response).await;
                // Everybody waits, not this question alone.
                terms.pace.pause(&lane, wait);
                attempt += 1;
                continue;
            }
            let head = head(&response, terms.options.published_at(&url), retry_after);
            let body = if response.status().is_success() {
                Some((Encoding::of(response.headers())?, response))
            } else {
                drain(response).await;
                None
            };
            return Ok(Met { head, body, deadline, turn });
        }
    }

    async fn send(&self, terms: &Terms, url: &Url) -> Result<Response, Trouble> {
        let door = terms.doors.door(url, self.trail.is_known())?;
        let mut request = door.get(url.clone());
        if self.trail.is_known() {
            request = self.shown.show(request, url);
        }
        // Last, for what is asked for is what can be read.
        request = request.headers(self.headers.clone());
        request.send().await.map_err(|error| super::trouble(&error, url))
    }
}

impl Terms {
    /// Refuses a host that is an address which may not be asked; names are looked up by the HTTP client's resolver.
    fn check(&self, url: &Url) -> Result<(), Trouble> {
        if self.options.proxy.is_some() {
            return Ok(());
        }
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(v4)) => v4.into(),
            Some(Host::Ipv6(v6)) => v6.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        match self.allowed.refuses(address) {
            Some(_) => Err(Trouble::Refused(self.allowed.refusal(url.host_str().unwrap_or_default(), &[address]))),
            None => Ok(()),
        }
    }
}

/// Who is asked, for the pace: host and port.
fn lane(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// Where a redirect leads; one that does not say it is an answer as any other.
fn location(response: &Response) -> Option<&HeaderValue> {
    let redirects = [301, 302, 303, 307, 308].contains(&response.status().as_u16());
    response.headers().get(LOCATION).filter(|_| redirects)
}

/// Reads the rest of an answer that says nothing more, if it is short.
async fn drain(mut response: Response) {
    let (mut read, deadline) = (0, Instant::now() + REST);
    while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
        read += chunk.len();
        if read > REST_MAX_BYTES {
            break;
        }
    }
}

fn head(response: &Response, url: Url, retry_after: Option<Duration>) -> Head {
    let headers = response.headers();
    let all = |name: &HeaderName| {
        let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let one = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Head {
        status: response.status().as_u16(),
        url,
        content_type: one(&CONTENT_TYPE),
        etag: one(&ETAG),
        last_modified: one(&LAST_MODIFIED),
        retry_after,
        robots: all(&HeaderName::from_static("x-robots-tag")),
        link: all(&LINK),
    }
}

/// How long the website asks us to wait: seconds, or a date, which its own clock gives a meaning (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    let wait = date(asked)?.duration_since(date(text(DATE)?)?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// A part of `0..=1`, good enough to keep those apart who were told the same moment.
fn jitter() -> f64 {
    // The standard library seeds its hash maps from the system's randomness.
    let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}
