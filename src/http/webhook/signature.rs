//! Whether a call is genuine: signed with one of the secrets of its source, in the way of whoever sends it.
//!
//! - **GitHub**: `X-Hub-Signature-256: sha256=HEX`, the HMAC-SHA256 of the body
//!   (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>); `X-GitHub-Event` names the event.
//! - **Gitea** and **Forgejo**: `X-Gitea-Signature: HEX`, the same (<https://docs.gitea.com/usage/webhooks>), with
//!   `X-Gitea-Event`. They send GitHub's headers as well, so that they are asked for first.
//! - **GitLab**: `webhook-signature: v1,BASE64` over `webhook-id.webhook-timestamp.BODY`, as Standard Webhooks has it
//!   (<https://github.com/standard-webhooks/standard-webhooks>), where a signing token is set; else the secret itself as
//!   `X-Gitlab-Token` (<https://docs.gitlab.com/user/project/integrations/webhooks/>), with `X-Gitlab-Event`.
//! - **Bitbucket**, Cloud and Data Center: `X-Hub-Signature: sha256=HEX` of the body
//!   (<https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>), with `X-Event-Key`.
//! - **anything else**: `X-Finmirror-Timestamp: SECONDS` and `X-Finmirror-Signature: sha256=HEX`, the HMAC-SHA256 of
//!   `SECONDS.BODY`; it wakes the source that it calls.
//!
//! Pure. Keeps: comparisons take the same time wherever two values differ, and every secret is tried whether or not another
//! one fits.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::http::base64;
use crate::http::guard::is_same;

/// A dated call may be so much older than our clock, or newer.
const DATED_S: u64 = 300;

/// What a call is remembered by.
pub(super) type Digest = [u8; 32];

/// A genuine call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// Who sent it, by the shape of what it says.
    pub(super) from: Forge,
    /// The sender's word for what happened; ours for a generic call.
    pub(super) event: String,
    /// It says nothing but that the called source is to be looked at.
    pub(super) is_generic: bool,
    /// The same for the same call sent again, and for no other.
    pub(super) digest: Digest,
}

/// A sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forge {
    GitHub,
    Gitea,
    GitLab,
    Bitbucket,
    /// Whoever signs as we say.
    Anyone,
}

/// Why a call is not genuine: for the log, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Unsigned,
    Wrong,
    Undated,
}

impl Refused {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "it has no signature: give the sender the secret",
            Self::Wrong => "its signature fits none of the secrets",
            Self::Undated => "its time is over five minutes from ours: check both clocks",
        }
    }
}

/// A call that shows a token in the clear and no signature: guessing is answered at once, and must be slowed down.
pub(super) fn is_bare_token(headers: &HeaderMap) -> bool {
    text(headers, "x-gitlab-token").is_some()
}

/// Checks a call.
pub(super) fn check(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<Signed, Refused> {
    let header = |name| text(headers, name);
    let signed = |from, event: &str, digest| Signed { from, event: event.to_owned(), is_generic: false, digest };
    if let Some(shown) = header("x-finmirror-signature") {
        let seconds = header("x-finmirror-timestamp").ok_or(Refused::Undated)?;
        let tag = hex(shown.strip_prefix("sha256=").ok_or(Refused::Wrong)?)?;
        fits(&tag, &[seconds.as_bytes(), b".", body], secrets.iter().map(bytes))?;
        is_dated(seconds, now)?;
        let digest = digest(&[b"finmirror", &tag]);
        return Ok(Signed { from: Forge::Anyone, event: "look".to_owned(), is_generic: true, digest });
    }
    if let Some(event) = header("x-gitea-event").or_else(|| header("x-forgejo-event")) {
        let shown = header("x-gitea-signature").or_else(|| header("x-forgejo-signature"));
        let tag = hex(shown.ok_or(Refused::Unsigned)?)?;
        fits(&tag, &[body], secrets.iter().map(bytes))?;
        return Ok(signed(Forge::Gitea, event, digest(&[b"gitea", &tag])));
    }
    if let Some(event) = header("x-gitlab-event") {
        return Ok(signed(Forge::GitLab, event, gitlab(headers, body, secrets, now)?));
    }
    if let Some(event) = header("x-event-key") {
        let shown = header("x-hub-signature").ok_or(Refused::Unsigned)?;
        let tag = hex(shown.strip_prefix("sha256=").ok_or(Refused::Wrong)?)?;
        fits(&tag, &[body], secrets.iter().map(bytes))?;
        return Ok(signed(Forge::Bitbucket, event, digest(&[b"bitbucket", &tag])));
    }
    if let Some(event) = header("x-github-event") {
        let shown = header("x-hub-signature-256").ok_or(Refused::Unsigned)?;
        let tag = hex(shown.strip_prefix("sha256=").ok_or(Refused::Wrong)?)?;
        fits(&tag, &[body], secrets.iter().map(bytes))?;
        return Ok(signed(Forge::GitHub, event, digest(&[b"github", &tag])));
    }
    Err(Refused::Unsigned)
}

/// GitLab's two ways; either will do, since both show that a secret of ours is known.
fn gitlab(headers: &HeaderMap, body: &[u8], secrets: &[SecretString], now: Timestamp) -> Result<Digest, Refused> {
    let header = |name| text(headers, name);
    let mut refused = Refused::Unsigned;
    if let (Some(id), Some(seconds), Some(shown)) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"))
    {
        // A sender that exchanges its secret signs with both.
        let tags = shown.split(' ').take(8).filter_map(|tag| base64::decode(tag.strip_prefix("v1,")?));
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
        let good = tags.filter(|tag| fits(tag, &parts, secrets.iter().flat_map(standard_keys)).is_ok()).last();
        match good {
            Some(tag) => match is_dated(seconds, now) {
                Ok(()) => return Ok(digest(&[b"standard", &tag])),
                Err(undated) => refused = undated,
            },
            None => refused = Refused::Wrong,
        }
    }
    let Some(token) = header("x-gitlab-token") else { return Err(refused) };
    let known = secrets.iter().fold(false, |known, secret| known | is_same(bytes(secret).as_slice(), token.as_bytes()));
    if !known {
        return Err(Refused::Wrong);
    }
    // Two pushes may say the same; the id tells them apart, and is the same where GitLab sends one again.
    let id = header("idempotency-key").or_else(|| header("x-gitlab-event-uuid")).unwrap_or_default();
    Ok(digest(&[b"gitlab", id.as_bytes(), b".", body]))
}

/// The keys that a secret of Standard Webhooks may stand for: what follows `whsec_` in base64, or the text itself.
fn standard_keys(secret: &SecretString) -> Vec<Vec<u8>> {
    let decoded = secret.expose_secret().strip_prefix("whsec_").and_then(base64::decode);
    decoded.into_iter().chain([bytes(secret)]).collect()
}

/// Whether one of the keys makes this tag of these parts; all are tried.
fn fits(tag: &[u8], parts: &[&[u8]], keys: impl Iterator<Item = Vec<u8>>) -> Result<(), Refused> {
    let fits = keys.fold(false, |fits, key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of every length");
        for part in parts {
            mac.update(part);
        }
        // Takes the same time wherever two tags differ.
        fits | mac.verify_slice(tag).is_ok()
    });
    if fits { Ok(()) } else { Err(Refused::Wrong) }
}

fn is_dated(seconds: &str, now: Timestamp) -> Result<(), Refused> {
    let at: i64 = seconds.parse().map_err(|_| Refused::Undated)?;
    if at.abs_diff(now.as_second()) <= DATED_S { Ok(()) } else { Err(Refused::Undated) }
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

fn hex(text: &str) -> Result<Vec<u8>, Refused> {
    base16ct::mixed::decode_vec(text).map_err(|_| Refused::Wrong)
}

fn bytes(secret: &SecretString) -> Vec<u8> {
    secret.expose_secret().as_bytes().to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
