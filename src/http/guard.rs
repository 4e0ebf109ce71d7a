//! Who may pass: names of this machine, no other origin, and whoever shows the token.
//!
//! Knows no route but those that are open to everyone. Keeps (I9): what was shown is in no log and no answer, and how
//! long a comparison takes tells nothing of the token. `/healthz`, `/readyz` and `/metrics` need neither name nor token;
//! a webhook needs no token, for it shows a signature.

#![expect(clippy::result_large_err, reason = "a refusal is the answer itself, made once for a request")]

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Response};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use super::base64;
use super::server::{BODY_MAX_BYTES, Door, Wire};
use super::{App, webhook};

/// Routes that anyone may ask: they name no page.
const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const WEBHOOKS: &str = "/webhooks/";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Wrong tokens in a row before anyone has to wait, and how often another one is let through then.
const ATTEMPTS: u32 = 20;
const ATTEMPT_EVERY: Duration = Duration::from_secs(1);

/// Lets a request pass, or says why not.
pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_open = OPEN.contains(&path) && matches!(*request.method(), Method::GET | Method::HEAD);
    let is_webhook = path.starts_with(WEBHOOKS);
    if let Err(refusal) = check_size(request.headers(), is_webhook) {
        return refusal;
    }
    if !is_open {
        let app = door.app();
        let checked = check_name(&door, &app, &request)
            .and_then(|()| check_origin(&request))
            .and_then(|()| if is_webhook { Ok(()) } else { check_token(&door, &app, request.headers()) });
        if let Err(refusal) = checked {
            return refusal;
        }
    }
    next.run(request).await
}

/// Says to browsers what they may make of an answer: nothing, where its route says nothing else.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    harden_answer(&mut response);
    response
}

pub(super) fn harden_answer(response: &mut Response) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Turns away a body that says itself that it is too large, before any of it is read.
fn check_size(headers: &HeaderMap, is_webhook: bool) -> Result<(), Response> {
    let max = if is_webhook { webhook::BODY_MAX_BYTES } else { BODY_MAX_BYTES };
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have {max} bytes here\n")).into_response());
    }
    Ok(())
}

/// Turns away what a web page elsewhere could make a browser send here by a name of its own that leads to this address.
fn check_name(door: &Door, app: &App, request: &Request) -> Result<(), Response> {
    let local = request.extensions().get::<Arc<Wire>>().map(|wire| wire.local);
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, another) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let is_known = |host: &str| is_known(host, door.is_loopback(), local, app);
    // A target with a name of its own counts for more than the header (RFC 9112, section 3.2.2).
    let target = request.uri().authority().is_none_or(|authority| is_known(authority.as_str()));
    if another.is_none() && target && host.is_some_and(is_known) {
        return Ok(());
    }
    let text = "this is not a name that finmirror answers to: use its address, or add the name to `http.hosts`\n";
    Err((StatusCode::MISDIRECTED_REQUEST, text).into_response())
}

/// Whether a `Host` is one of ours: on loopback a name of this machine, elsewhere the very address; or one that the
/// configuration lists.
fn is_known(host: &str, is_loopback: bool, local: Option<IpAddr>, app: &App) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        let is_called = local == Some(address) || app.options.listen.ip().to_canonical() == address;
        if (is_loopback && address.is_loopback()) || is_called {
            return true;
        }
    }
    let name = name.trim_end_matches('.');
    if is_loopback && (name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")) {
        return true;
    }
    app.options.hosts.iter().any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
}

/// Turns away what another origin asks to be done (<https://www.w3.org/TR/fetch-metadata/>, RFC 6454).
fn check_origin(request: &Request) -> Result<(), Response> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = |origin: &HeaderValue| {
        let origin = origin.to_str().ok();
        let rest = origin.and_then(|o| o.strip_prefix("http://").or_else(|| o.strip_prefix("https://")));
        rest.is_some() && rest == host
    };
    let from_ours = |site: &HeaderValue| site == "same-origin" || site == "none";
    if headers.get_all(ORIGIN).iter().all(is_ours) && headers.get_all(SEC_FETCH_SITE).iter().all(from_ours) {
        return Ok(());
    }
    Err((StatusCode::FORBIDDEN, "nothing is done for a page of another origin\n").into_response())
}

fn check_token(door: &Door, app: &App, headers: &HeaderMap) -> Result<(), Response> {
    let Some(token) = &app.options.token else {
        if door.is_loopback() {
            return Ok(());
        }
        // A configuration that was read again has lost it.
        return Err((StatusCode::FORBIDDEN, "no token is configured: set `http.token_file`\n").into_response());
    };
    let Some(shown) = headers.get(AUTHORIZATION).and_then(shown) else { return Err(unauthorized()) };
    if !door.attempts().is_left(Instant::now()) {
        let text = "too many wrong tokens: wait a moment\n";
        return Err((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "5")], text).into_response());
    }
    let token = token.read().map_err(|message| {
        tracing::error!(error = message, "nobody may see the status");
        (StatusCode::SERVICE_UNAVAILABLE, "the token cannot be read: the log says why\n").into_response()
    })?;
    if is_same(token.expose_secret().as_bytes(), &shown) {
        return Ok(());
    }
    door.attempts().spend(Instant::now());
    tracing::warn!("a wrong token was shown");
    Err(unauthorized())
}

/// The token that a header shows: a bearer's (RFC 6750), or the password of whatever user (RFC 7617), as browsers send it.
fn shown(header: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64::decode(rest)?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

fn unauthorized() -> Response {
    let schemes = AppendHeaders([
        (WWW_AUTHENTICATE, "Basic realm=\"finmirror\", charset=\"UTF-8\""),
        (WWW_AUTHENTICATE, "Bearer realm=\"finmirror\""),
    ]);
    let text = "show the token: as `Authorization: Bearer`, or as the password of any user\n";
    (StatusCode::UNAUTHORIZED, schemes, text).into_response()
}

/// Whether two secrets are the same; their digests are compared, so that not even their lengths are told.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}

/// How many more wrong secrets are listened to: so many at once, and then one a second, whoever shows them.
pub(super) struct Attempts(Mutex<Instant>);

impl Attempts {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(now))
    }

    /// Whether there is one left.
    pub(super) fn is_left(&self, now: Instant) -> bool {
        let free_at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free_at.saturating_duration_since(now) <= ATTEMPT_EVERY * (ATTEMPTS - 1)
    }

    /// One was wrong.
    pub(super) fn spend(&self, now: Instant) {
        let mut free_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *free_at = (*free_at).max(now) + ATTEMPT_EVERY;
    }
}
