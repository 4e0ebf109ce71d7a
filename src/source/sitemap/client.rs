//! How a website is asked: addresses that may be asked, credentials and who gets them, redirects, limits, deadlines.
//!
//! Invariants: no address is asked that is not public or allowed by the configuration, whatever names it; credentials go
//! to the configured origins only; no answer takes more memory or time than its limits. Must not know what is asked for.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

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
