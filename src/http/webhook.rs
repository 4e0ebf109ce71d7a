//! `POST /webhooks/{source}`: a forge, or whatever else changes documents, says that there is something to look at.
//!
//! Owns who is woken by a call. Whether a call is genuine is told by [`signature`], what it is about by [`push`]. Keeps: a
//! call that is not signed with a secret of its source does nothing and is told nothing; the same call does something once;
//! and a call is a hint, never the truth: whatever it says, a source is looked at, and nothing of the call is believed
//! beyond that.

mod push;
mod signature;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use self::push::{Push, Repository};
use self::signature::{Digest, Refused, Signed};
use super::api::{Deaf, wake};
use super::guard::Attempts;
use super::server::Door;
use super::{App, Hook};
use crate::page::SourceName;

/// The largest call. GitHub allows itself 25 MB, but names at most 2,048 commits of a push, which are far less than this.
pub(super) const BODY_MAX_BYTES: usize = 4 << 20;
/// Bodies of all calls under way, in KiB.
const BODIES_MAX_KIB: u32 = 16 << 10;
/// How long a body may take, its turn included.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a call is remembered, so that it does nothing a second time; those that are dated are refused by their date
/// before they are forgotten.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Calls that are remembered; they are all genuine, so that nobody else can push one out.
const CALLS: usize = 4096;

/// What is known of all calls.
pub(super) struct Calls {
    seen: Mutex<Seen>,
    bodies: Semaphore,
    /// Tokens in the clear that were wrong.
    attempts: Attempts,
    /// Refusals that are logged.
    told: Attempts,
}

#[derive(Default)]
struct Seen {
    calls: HashSet<Digest>,
    order: VecDeque<(Instant, Digest)>,
}

impl Calls {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            seen: Mutex::default(),
            bodies: Semaphore::new(BODIES_MAX_KIB as usize),
            attempts: Attempts::new(now),
            told: Attempts::new(now),
        }
    }

    /// Remembers a call, and says whether it is new.
    fn remember(&self, call: Digest, now: Instant) -> bool {
        let mut seen = self.seen();
        while seen.order.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > REMEMBERED)
            || seen.order.len() >= CALLS
        {
            if let Some((_, old)) = seen.order.pop_front() {
                seen.calls.remove(&old);
            }
        }
        let is_new = seen.calls.insert(call);
        if is_new {
            seen.order.push_back((now, call));
        }
        is_new
    }

    /// Forgets a call that could not be done, so that it may be sent again.
    fn forget(&self, call: &Digest) {
        let mut seen = self.seen();
        seen.calls.remove(call);
        seen.order.retain(|(_, other)| other != call);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A body to its end, while the bodies of all calls together are few enough.
    async fn read(&self, body: Body) -> Result<(Bytes, SemaphorePermit<'_>), Response> {
        let busy =
            |_| (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], "too many calls at once\n").into_response();
        let expected = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        let kib = expected.unwrap_or(BODY_MAX_BYTES).min(BODY_MAX_BYTES).div_ceil(1024).max(1);
        let permits = u32::try_from(kib).unwrap_or(BODIES_MAX_KIB);
        let room = timeout(BODY_TIME, self.bodies.acquire_many(permits)).await.map_err(busy)?;
        let room = room.expect("the semaphore is never closed");
        match timeout(BODY_TIME, to_bytes(body, BODY_MAX_BYTES)).await {
            Ok(Ok(bytes)) => Ok((bytes, room)),
            Ok(Err(_)) => {
                let text = format!("a call may have {BODY_MAX_BYTES} bytes, and must be whole\n");
                Err((StatusCode::PAYLOAD_TOO_LARGE, text).into_response())
            }
            Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the call took too long\n").into_response()),
        }
    }
}

/// What came of a call.
#[derive(Debug, Serialize)]
struct Answer {
    version: u32,
    /// What it was: `push`, `look` (a generic call), `ping`, or the sender's own word for what nobody is woken for.
    event: String,
    /// Sources that are looked at now.
    woken: Vec<SourceName>,
    /// Sources that might have been meant.
    asleep: Vec<Asleep>,
}

/// A source that is not woken.
#[derive(Debug, PartialEq, Serialize)]
struct Asleep {
    source: SourceName,
    why: String,
}

/// `POST /webhooks/{source}`: 202 with who is woken; 200 where nobody is; 401 without a genuine signature; 404 where the
/// source takes no calls, or is none; 409 for a call that was taken before.
pub(super) async fn call(State(door): State<Door>, Path(name): Path<String>, request: Request) -> Response {
    let app = door.app();
    let Some(hook) = app.hooks.iter().find(|hook| hook.source.as_str() == name && !hook.secrets.is_empty()) else {
        return (StatusCode::NOT_FOUND, "there is no such source, or it takes no calls\n").into_response();
    };
    let (parts, body) = request.into_parts();
    let calls = door.calls();
    let (body, _room) = match calls.read(body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let now = Instant::now();
    let bare = signature::is_bare_token(&parts.headers);
    if bare && !calls.attempts.is_left(now) {
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "5")], "too many wrong tokens\n").into_response();
    }
    let signed = match signature::check(&parts.headers, &body, &secrets(hook), (app.clock)()) {
        Ok(signed) => signed,
        Err(refused) => {
            if bare {
                calls.attempts.spend(now);
            }
            return refuse(hook, refused, &calls.told, now);
        }
    };
    let (woken, asleep) = match meant(&app, hook, &signed, &parts.headers, &body) {
        Ok(meant) => meant,
        Err(text) => return (StatusCode::BAD_REQUEST, text).into_response(),
    };
    let answer = |status, woken, asleep| {
        (status, Json(Answer { version: 1, event: signed.event.clone(), woken, asleep })).into_response()
    };
    if woken.is_empty() {
        return answer(StatusCode::OK, woken, asleep);
    }
    if !calls.remember(signed.digest, now) {
        let body = json!({ "version": 1, "error": "this very call was taken before: nothing of it was missed" });
        return (StatusCode::CONFLICT, Json(body)).into_response();
    }
    for source in &woken {
        if let Err(deaf @ Deaf) = wake(&app, source).await {
            calls.forget(&signed.digest);
            return deaf.into_response();
        }
    }
    tracing::debug!(source.name = %hook.source, event = signed.event, woken = woken.len(), "webhook");
    answer(StatusCode::ACCEPTED, woken, asleep)
}

/// A source's secrets as they are now; those that cannot be read sign nothing.
fn secrets(hook: &Hook) -> Vec<SecretString> {
    let read = hook.secrets.iter().map(crate::secret::Secret::read);
    let (read, unread): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    if read.is_empty() {
        let message = unread.into_iter().find_map(Result::err).unwrap_or_default();
        tracing::error!(source.name = %hook.source, error = message, "no webhook can be taken");
    }
    read.into_iter().filter_map(Result::ok).collect()
}

/// The caller is told nothing of why; the log is, and not too often.
fn refuse(hook: &Hook, refused: Refused, told: &Attempts, now: Instant) -> Response {
    if told.is_left(now) {
        told.spend(now);
        tracing::warn!(source.name = %hook.source, reason = refused.as_str(), "a webhook was refused");
    }
    (StatusCode::UNAUTHORIZED, "the call is not signed with a secret of this source\n").into_response()
}

type Meant = (Vec<SourceName>, Vec<Asleep>);

/// Who is woken by a genuine call, and who might have been and is not.
fn meant(
    app: &App,
    hook: &Hook,
    signed: &Signed,
    headers: &axum::http::HeaderMap,
    body: &[u8],
) -> Result<Meant, String> {
    if signed.is_generic {
        return Ok((vec![hook.source.clone()], Vec::new()));
    }
    match Push::read(signed, headers, body)? {
        Some(push) => Ok(sort(&app.hooks, &hook.source, &push)),
        None => Ok(Meant::default()),
    }
}

/// Wakes every source of the push's repository and ref. The source that was called takes also what no source is known to be
/// of: its repository may be configured under another name than the forge's own (an alias of ssh, a mirror).
fn sort(hooks: &[Hook], called: &SourceName, push: &Push) -> Meant {
    let is_of = |hook: &Hook| {
        let repository = hook.repository.as_ref().and_then(|(url, _)| Repository::of_url(url));
        repository.is_some_and(|repository| push.repositories.contains(&repository))
    };
    let is_claimed = hooks.iter().any(is_of);
    let (mut woken, mut asleep) = Meant::default();
    for hook in hooks {
        let is_called = hook.source == *called;
        let why = match &hook.repository {
            None if is_called => None,
            Some((_, reference)) if is_of(hook) || (is_called && !is_claimed) => push.misses(reference.as_deref()),
            Some(_) if is_called => Some("the push is of another repository".to_owned()),
            _ => continue,
        };
        match why {
            None => woken.push(hook.source.clone()),
            Some(why) => asleep.push(Asleep { source: hook.source.clone(), why }),
        }
    }
    (woken, asleep)
}
