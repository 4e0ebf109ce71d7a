//! Intercom over HTTP.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// Where Intercom is and how much of it we may use.
#[derive(Clone, Debug)]
pub struct IntercomOptions {
    /// Region's host, or any other that speaks the API. Plain http only to loopback.
    pub base_url: Url,
    /// The access token.
    pub token: Token,
    /// The `Intercom-Version` header.
    pub version: String,
    /// The part of the rate window that we may use, over 0 and at most 1.
    pub rate_limit_share: f64,
    /// Requests under way at one time.
    pub max_in_flight: usize,
    /// PEM certificates to trust besides the built-in roots (a proxy that opens TLS).
    pub ca_file: Option<PathBuf>,
}

/// A secret, by value or in a file that is read again on every use.
#[derive(Clone, Debug)]
pub enum Token {
    /// From the configuration or the environment.
    Value(SecretString),
    /// In a file.
    File(PathBuf),
}
