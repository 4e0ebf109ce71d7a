//! How a website is asked: addresses that may be asked, credentials and who gets them, redirects, limits, deadlines.
//!
//! Invariants: no address is asked that is not public or allowed by the configuration, whatever names it; credentials go
//! to the configured origins only, and stand in no message; no answer takes more memory or time than its limits, and one
//! that is cut off is an error, never a short page. Must not know what is asked for.

mod address;
mod body;
mod cookies;
mod credentials;
mod exchange;
mod pace;
mod redirect;
mod resolve;
#[cfg(test)]
mod tests;
mod tls;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use self::address::Allowed;
pub use self::body::Body;
use self::body::Wire;
use self::exchange::{Engine, Question, Terms};
use self::pace::Pace;
use self::redirect::Places;
use self::resolve::{Forbidden, Lookup};
use self::tls::Doors;
use crate::page::Failure;
use crate::stop::Stop;

/// Asks a website. Blocking, from any thread.
pub struct Client {
    terms: Arc<Terms>,
    engine: Arc<Engine>,
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The public url.
    pub url: &'a Url,
    /// What the last answer said of itself: an answer of 304 says that it still holds.
    pub etag: Option<&'a str>,
    /// As above, for websites without `ETag`.
    pub last_modified: Option<&'a str>,
    /// The media types that are wanted, as the header `Accept` has them.
    pub accept: &'static str,
    /// The most that the body may have, unpacked.
    pub max_bytes: u64,
}

/// An answer without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status; never that of a redirect that could be followed.
    pub status: u16,
    /// The public url that answered, after redirects.
    pub url: Url,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// How long the website asks us to wait.
    pub retry_after: Option<Duration>,
    /// All of `X-Robots-Tag`.
    pub robots: Option<String>,
    /// All of `Link`.
    pub link: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says of itself.
    pub head: Head,
    /// The body of a success, unpacked; empty for every other status.
    pub body: Vec<u8>,
}

/// Why there is no answer. Displays as what happened and what to do; never with a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// An address that may not be asked.
    #[error("{0}")]
    Refused(String),
    /// Another host than those of the configuration: the public url that it was.
    #[error(
        "`{0}` is on another host than the sitemap: it is not asked; if it is the same website, name it in `fetch_from`"
    )]
    OtherHost(Url),
    /// Redirects that lead back, or to too many places.
    #[error("the website redirects in a circle, or over 10 times: mend its redirects")]
    Loop,
    /// The body is over its limit, or unpacks to very much more than what came.
    #[error("the answer is too large, or unpacks to far more than was sent: raise `max_size` if it is meant")]
    TooLarge,
    /// No whole answer in time.
    #[error("no whole answer in time: raise `timeout` if the website is that slow")]
    Timeout,
    /// No connection.
    #[error("{0}")]
    Connect(String),
    /// No trust, or a certificate that cannot be used.
    #[error("{0}")]
    Tls(String),
    /// A credential's file that cannot be read.
    #[error("{0}")]
    Credential(String),
    /// No answer that could be read to its end.
    #[error("{0}")]
    Broken(String),
    /// It was not asked for.
    #[error("finmirror is stopping")]
    Stopped,
}

impl Client {
    /// Gets ready to ask; fails where a certificate cannot be used. `origin` is the sitemap's url, as it is fetched. Once
    /// `stop` is set, no request leaves.
    pub fn new(options: ClientOptions, origin: &Url, stop: Stop) -> Result<Self, Failure> {
        Self::with_lookup(options, origin, resolve::system(), stop)
    }

    fn with_lookup(options: ClientOptions, origin: &Url, lookup: Lookup, stop: Stop) -> Result<Self, Failure> {
        let engine = Engine::start()
            .map_err(|error| Failure::new("unreadable", format!("no thread for requests can be started: {error}")))?;
        let terms = Terms {
            places: Places::new(&options, origin),
            allowed: Allowed(options.allow_networks.clone()),
            doors: Doors::new(&options, lookup)?,
            pace: Pace::new(options.concurrency, options.delay, stop),
            options,
        };
        Ok(Self { terms: Arc::new(terms), engine: Arc::new(engine) })
    }

    /// Asks, and reads the body into memory.
    pub fn get(&self, ask: &Ask<'_>) -> Result<Answer, Trouble> {
        let (head, body) = self.ask(ask, true)?;
        Ok(Answer { head, body: body.into_bytes()? })
    }

    /// Asks; the body is a stream whose errors hold a [`Trouble`] (see its `From`). The deadline holds for the stream too;
    /// it takes no place among the host's requests, so that others may be asked while it is read.
    pub fn open(&self, ask: &Ask<'_>) -> Result<(Head, Body), Trouble> {
        self.ask(ask, false)
    }

    /// Keeps requests to one host at least so far apart, as `robots.txt` may ask; a longer delay that is known stays.
    pub fn slow_down(&self, delay: Duration) {
        self.terms.pace.slow_down(delay);
    }

    /// What whoever runs the source should know of how it is asked.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let proxy = self.terms.options.proxy.iter().map(|proxy| {
            format!(
                "the website is asked through `{proxy}`, which looks up its addresses: whether they may be asked is the \
                 proxy's to check, and `allow_networks` has no effect"
            )
        });
        proxy.collect()
    }

    fn ask(&self, ask: &Ask<'_>, keeps_turn: bool) -> Result<(Head, Body), Trouble> {
        let question = Question::new(ask, &self.terms, now_s())?;
        let met = self.engine.run(question.answer(Arc::clone(&self.terms)))??;
        let Some((encoding, response)) = met.body else { return Ok((met.head, Body::empty())) };
        let turn = keeps_turn.then_some(met.turn);
        let wire = Wire::new(Arc::clone(&self.engine), response, met.deadline, turn);
        Ok((met.head, Body::new(wire, encoding, ask.max_bytes)?))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("places", &self.terms.places).finish_non_exhaustive()
    }
}

impl From<io::Error> for Trouble {
    /// What a [`Body`]'s error holds.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(trouble) => trouble,
            Err(error) => Self::Broken(format!("the answer cannot be read: {error}")),
        }
    }
}

/// The wall clock, for the expiry of cookies.
#[expect(clippy::disallowed_methods, reason = "a cookie expires by the time of the request that would carry it")]
fn now_s() -> i64 {
    Timestamp::now().as_second()
}

/// What became of a request without an answer.
fn trouble(error: &reqwest::Error, url: &Url) -> Trouble {
    let host = url.host_str().unwrap_or_default();
    for cause in chain(error) {
        if let Some(Forbidden(message)) = cause.downcast_ref() {
            return Trouble::Refused(message.clone());
        }
        match cause.downcast_ref() {
            Some(fault @ rustls::Error::InvalidCertificate(_)) => {
                let help = "if it is one of your own authority's, give that as `ca_file`";
                return Trouble::Tls(format!("`{host}` shows a certificate that is not trusted: {fault}; {help}"));
            }
            Some(fault @ rustls::Error::AlertReceived(_)) => {
                let help = "it may want a `client_certificate`, or another one";
                return Trouble::Tls(format!("`{host}` refuses the connection: {fault}; {help}"));
            }
            Some(fault) => return Trouble::Tls(format!("no TLS with `{host}`: {fault}")),
            None => {}
        }
    }
    if error.is_connect() {
        return Trouble::Connect(format!("`{host}` cannot be reached: {}", causes(error)));
    }
    if error.is_timeout() {
        return Trouble::Timeout;
    }
    broken(error)
}

/// An answer that ended before its end.
fn broken(error: &reqwest::Error) -> Trouble {
    Trouble::Broken(format!("the answer is cut off or no HTTP: {}", causes(error)))
}

/// All causes, in words. The error's own name the url, which may be an internal one.
fn causes(error: &reqwest::Error) -> String {
    let mut causes: Vec<String> = chain(error).map(ToString::to_string).collect();
    causes.dedup();
    causes.join(": ")
}

/// The causes of an error, outermost first.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| {
        // `io::Error` leaves out of its chain the very error that it holds, whose words are its own.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

/// How a website is asked.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Public prefixes, and where what is below each is fetched; the longest that fits.
    pub fetch_from: Vec<(Url, Url)>,
    /// Networks that are not public and may be asked all the same.
    pub allow_networks: Vec<IpNet>,
    /// A proxy of the website's own: the check of addresses is its, then.
    pub proxy: Option<Url>,
    /// Headers of every request to the configured origins.
    pub headers: Vec<(String, SecretString)>,
    /// What else shows who asks.
    pub login: Login,
    /// A file of cookies as browsers and curl write it (Netscape's format).
    pub cookies_file: Option<PathBuf>,
    /// A PEM file with the client's certificate and its key.
    pub client_certificate: Option<PathBuf>,
    /// A PEM file of certificates to trust besides the built-in roots.
    pub ca_file: Option<PathBuf>,
    /// Requests to one host at one time.
    pub concurrency: usize,
    /// The least time between two requests to one host; `robots.txt` may ask for more.
    pub delay: Duration,
    /// How long one request may take, its redirects and its body included.
    pub timeout: Duration,
    /// The most that a page may have, decompressed.
    pub max_bytes: u64,
}

impl ClientOptions {
    /// Where what is published at a url is fetched: as `fetch_from` says, else at that url.
    #[must_use]
    pub fn fetched_at(&self, public: &Url) -> Url {
        swapped(public, self.fetch_from.iter().map(|(from, to)| (from, to)))
    }

    /// The public url of what is fetched at a url.
    #[must_use]
    pub fn published_at(&self, fetched: &Url) -> Url {
        swapped(fetched, self.fetch_from.iter().map(|(from, to)| (to, from)))
    }
}

/// A url with the longest prefix that fits in place of its other.
fn swapped<'a>(url: &Url, pairs: impl Iterator<Item = (&'a Url, &'a Url)>) -> Url {
    let fits = pairs.filter_map(|(from, to)| Some((from, url.as_str().strip_prefix(from.as_str())?, to)));
    let longest = fits.max_by_key(|(from, ..)| from.as_str().len());
    let swapped = longest.and_then(|(_, rest, to)| Url::parse(&format!("{to}{rest}")).ok());
    swapped.unwrap_or_else(|| url.clone())
}

/// Whether a header can be sent.
#[must_use]
pub fn is_header(name: &str, value: &str) -> bool {
    reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && reqwest::header::HeaderValue::from_str(value).is_ok()
}

/// What shows who asks.
#[derive(Clone, Debug, Default)]
pub enum Login {
    /// Nothing.
    #[default]
    None,
    /// `Authorization: Bearer`.
    Bearer(Credential),
    /// `Authorization: Basic`.
    Basic(String, Credential),
}

/// A secret, or where it is read from on every use.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The secret itself.
    Value(SecretString),
    /// A file that holds it.
    File(PathBuf),
}
