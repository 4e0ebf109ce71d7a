//! What an answer means: done, to be asked again, or failed, and by which class of failure.
//!
//! Pure. Follows Intercom's error codes reference and the classes of [`RemoteError`]; keeps: no message has a body or the
//! token in it, each has the `request_id` where Intercom gave one.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};

use super::limiter::RateHeaders;
use super::token::redact;
use super::wire::{ErrorItem, ErrorList, printable};
use crate::remote::RemoteError;

/// A reset further from the server's clock than this is no reset.
const RESET_MAX_S: u64 = 3600;

/// What is to be made of an attempt that failed.
#[derive(Debug)]
pub(super) enum Verdict {
    /// To be repeated where the call may be.
    Again(Trouble),
    /// 401: to be repeated once if the token has been exchanged meanwhile.
    BadToken(RemoteError),
    /// For good.
    Failed(RemoteError),
}

/// Why an attempt is to be repeated.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// Nothing was done, for sure: even a call that is not idempotent may be repeated.
    pub(super) undone: bool,
    /// 429: the limiter has everybody wait already.
    pub(super) limited: bool,
}

/// Which of the classes a 400, 413 or 422 falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sends {
    /// A page's content is sent: it is what is refused.
    Page,
    /// Anything else.
    Other,
}

/// What is known of an answer but its success body.
pub(super) struct Said<'a> {
    /// What was asked, for messages.
    pub(super) asked: &'a str,
    /// Who was asked.
    pub(super) host: Option<&'a str>,
    pub(super) sends: Sends,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    /// The body, if it came whole and was not too large.
    pub(super) body: Option<&'a [u8]>,
    pub(super) bearer: &'a HeaderValue,
    /// Where the token comes from, for the message that it is bad.
    pub(super) token_origin: &'a str,
}

impl Said<'_> {
    /// The verdict on an answer that is no success.
    pub(super) fn verdict(&self) -> Verdict {
        let status = self.status.as_u16();
        if self.status.is_redirection() {
            return Verdict::Failed(RemoteError::Refused { message: self.redirected() });
        }
        let list: Option<ErrorList> = self.body.and_then(|body| serde_json::from_slice(body).ok());
        let from_api = list.is_some() || self.body.is_some_and(<[u8]>::is_empty);
        let mut list = list.unwrap_or_default();
        let item = if list.errors.is_empty() { ErrorItem::default() } else { list.errors.swap_remove(0) };
        let code = item.code.as_deref().map_or_else(|| format!("http_{status}"), |code| self.shown(code));
        let message = self.message(&code, &item, list.request_id.as_deref());
        match status {
            408 | 409 | 500..=599 => {
                Verdict::Again(Trouble { message, retry_after: retry_after(self.headers), ..Trouble::default() })
            }
            429 => {
                let rate = rate(self.status, self.headers);
                let until_reset = rate.reset.zip(rate.date).and_then(|(reset, date)| u64::try_from(reset - date).ok());
                let retry_after = rate.retry_after.or(until_reset.map(Duration::from_secs));
                Verdict::Again(Trouble { message, retry_after, undone: true, limited: true })
            }
            401 => Verdict::BadToken(RemoteError::Unauthorized {
                message: format!("{message}; check {}{}", self.token_origin, self.other_region()),
            }),
            403 => Verdict::Failed(RemoteError::Unauthorized {
                message: format!(
                    "{message}; {} may not do this: give its app the permission in Intercom's Developer Hub",
                    self.token_origin
                ),
            }),
            404 if from_api => Verdict::Failed(RemoteError::NotFound { code, message }),
            404 => Verdict::Failed(RemoteError::Refused {
                message: format!("{message}; this is no answer of Intercom's: check `intercom.base_url`"),
            }),
            400 | 413 | 422 if self.sends == Sends::Page && !is_of_the_source(&code, item.field.as_deref()) => {
                Verdict::Failed(RemoteError::Rejected { status, code, message, certain: true })
            }
            _ => Verdict::Failed(RemoteError::Refused { message }),
        }
    }

    /// A token is good in its workspace's region alone; a gateway before Intercom has no region.
    fn other_region(&self) -> &'static str {
        if self.host.is_some_and(|host| host.ends_with(".intercom.io")) {
            ", or whether `intercom.region` is the region of its workspace"
        } else {
            ""
        }
    }

    fn message(&self, code: &str, item: &ErrorItem, request_id: Option<&str>) -> String {
        let mut message = format!("{}: {} {code}", self.asked, self.status.as_u16());
        if let Some(text) = item.message.as_deref().filter(|text| !text.is_empty()) {
            message.push_str(": ");
            message.push_str(&self.shown(text));
        }
        let header = self.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        let field = item.field.as_deref().map(|field| format!("field `{}`", self.shown(field)));
        let id = request_id.or(header).map(|id| format!("request_id {}", self.shown(id)));
        let notes: Vec<String> = field.into_iter().chain(id).collect();
        if !notes.is_empty() {
            message.push_str(" (");
            message.push_str(&notes.join(", "));
            message.push(')');
        }
        message
    }

    /// Text of the server's for a message. The token goes first: cut off in its middle it would not be known any more.
    fn shown(&self, text: &str) -> String {
        printable(&redact(text, self.bearer))
    }

    /// Of the target only the origin is told: the rest may hold anything.
    fn redirected(&self) -> String {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let origin = location.and_then(|location| url::Url::parse(location).ok()).map(|url| url.origin());
        let target = match origin.filter(url::Origin::is_tuple) {
            Some(origin) => format!(" to `{}`", origin.ascii_serialization()),
            None => String::new(),
        };
        format!(
            "{}: {} redirects{target}, which is never followed, for it would hand on the token: \
             check `intercom.region` or `intercom.base_url`",
            self.asked,
            self.status.as_u16()
        )
    }
}

/// Refusals of a request with a page in it that are not the page's: they would meet every other page as well.
fn is_of_the_source(code: &str, field: Option<&str>) -> bool {
    field == Some("source_id") || ["version_invalid", "plan_restricted", "quota"].iter().any(|part| code.contains(part))
}

/// What an answer says of the rate limit.
pub(super) fn rate(status: StatusCode, headers: &HeaderMap) -> RateHeaders {
    let exceeded = status == StatusCode::TOO_MANY_REQUESTS;
    let mut said = RateHeaders {
        limit: number(headers, "x-ratelimit-limit"),
        remaining: number(headers, "x-ratelimit-remaining"),
        exceeded,
        authentic: status.is_success()
            || (status.is_client_error() && ![401, 403, 407, 408].contains(&status.as_u16())),
        ..RateHeaders::default()
    };
    if said.limit.is_some() || exceeded {
        said.date = date(headers);
        said.reset = number(headers, "x-ratelimit-reset")
            .filter(|reset: &i64| said.date.is_some_and(|date| reset.abs_diff(date) <= RESET_MAX_S));
        said.retry_after = retry_after(headers);
    }
    said
}

/// `Retry-After`: seconds, or a time that is read against the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(headers.get(RETRY_AFTER)?)?;
    u64::try_from(until.checked_sub(date(headers)?)?).ok().map(Duration::from_secs)
}

fn date(headers: &HeaderMap) -> Option<i64> {
    http_date(headers.get(DATE)?)
}

/// The date of HTTP (RFC 9110, 5.6.7) in unix seconds.
fn http_date(value: &HeaderValue) -> Option<i64> {
    static PARSER: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new();
    PARSER.parse_timestamp(value.as_bytes()).ok().map(jiff::Timestamp::as_second)
}

fn number<N: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<N> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &str = r#"{"type":"error.list","request_id":"req-1","errors":[{"code":"CODE","message":"it s3cret fails","field":"title"}]}"#;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn verdict(status: u16, sends: Sends, headers: &HeaderMap, body: &str) -> Verdict {
        Said {
            asked: "POST /ai/external_pages for `a.md`",
            host: Some("api.intercom.io"),
            sends,
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Some(body.as_bytes()),
            bearer: &HeaderValue::from_static("Bearer s3cret"),
            token_origin: "the token",
        }
        .verdict()
    }

    fn failed(status: u16, sends: Sends, body: &str) -> RemoteError {
        match verdict(status, sends, &HeaderMap::new(), body) {
            Verdict::Failed(error) | Verdict::BadToken(error) => error,
            Verdict::Again(trouble) => panic!("{trouble:?}"),
        }
    }

    #[test]
    fn a_refused_page_is_rejected_with_all_that_intercom_said_but_the_token() {
        for status in [400, 413, 422] {
            let RemoteError::Rejected { status: said, code, message, .. } = failed(status, Sends::Page, ERROR) else {
                panic!("{status}");
            };
            assert_eq!((said, code.as_str()), (status, "CODE"));
            assert_eq!(
                message,
                format!(
                    "POST /ai/external_pages for `a.md`: {status} CODE: it [token] fails (field `title`, request_id req-1)"
                )
            );
            assert!(matches!(failed(status, Sends::Other, ERROR), RemoteError::Refused { .. }));
        }
    }

    #[test]
    fn what_would_meet_every_page_is_no_pages_failure() {
        let of_source = ERROR.replace("title", "source_id");
        assert!(matches!(failed(422, Sends::Page, &of_source), RemoteError::Refused { .. }));
        let of_version = ERROR.replace("CODE", "intercom_version_invalid");
        assert!(matches!(failed(400, Sends::Page, &of_version), RemoteError::Refused { .. }));
        for status in [402, 405, 406, 410, 451] {
            assert!(matches!(failed(status, Sends::Page, ERROR), RemoteError::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn bad_credentials_say_where_the_token_comes_from() {
        for status in [401, 403] {
            let RemoteError::Unauthorized { message } = failed(status, Sends::Page, ERROR) else { panic!("{status}") };
            assert!(message.contains("request_id req-1") && message.contains("the token"), "{message}");
            assert_eq!(message.contains("`intercom.region`"), status == 401, "{message}");
            assert_eq!(message.contains("the token may not do this: give its app"), status == 403, "{message}");
        }
    }

    #[test]
    fn a_gateway_has_no_region() {
        let (headers, bearer) = (HeaderMap::new(), HeaderValue::from_static("Bearer s3cret"));
        let said = |host| Said {
            asked: "GET /",
            host: Some(host),
            sends: Sends::Other,
            status: StatusCode::UNAUTHORIZED,
            headers: &headers,
            body: None,
            bearer: &bearer,
            token_origin: "the token",
        };
        for (host, regional) in
            [("api.eu.intercom.io", true), ("gateway.example.com", false), ("intercom.io.example.com", false)]
        {
            let Verdict::BadToken(error) = said(host).verdict() else { panic!("{host}") };
            assert_eq!(error.to_string().contains("`intercom.region`"), regional, "{error}");
        }
    }

    #[test]
    fn a_404_is_believed_of_the_api_only() {
        assert!(matches!(failed(404, Sends::Page, ERROR), RemoteError::NotFound { code, .. } if code == "CODE"));
        assert!(matches!(failed(404, Sends::Page, ""), RemoteError::NotFound { code, .. } if code == "http_404"));
        for of_a_website in ["<html>no such page", r#"{"message": "no route"}"#] {
            let failed = failed(404, Sends::Page, of_a_website);
            assert!(matches!(failed, RemoteError::Refused { message } if message.contains("base_url")));
        }
    }

    #[test]
    fn a_redirect_names_the_origin_and_nothing_more() {
        for status in [301, 302, 307, 308] {
            let headers = headers(&[("location", "https://u:p@evil.test/steal?token=1")]);
            let Verdict::Failed(RemoteError::Refused { message }) = verdict(status, Sends::Page, &headers, "") else {
                panic!("{status}");
            };
            assert!(message.contains("redirects to `https://evil.test`, which is never followed"), "{message}");
        }
    }

    #[test]
    fn what_passes_is_repeated_when_the_server_says() {
        for status in [408, 409, 500, 502, 503, 504, 529] {
            let headers = headers(&[("retry-after", "7")]);
            let Verdict::Again(trouble) = verdict(status, Sends::Page, &headers, "<html>") else { panic!("{status}") };
            assert!(!trouble.undone && !trouble.limited);
            assert_eq!(trouble.retry_after, Some(Duration::from_secs(7)));
        }
        let at = "Sun, 06 Nov 1994 08:49:37 GMT";
        let headers = headers(&[("x-ratelimit-reset", "784111783"), ("date", at), ("x-request-id", "h-1")]);
        let Verdict::Again(trouble) = verdict(429, Sends::Page, &headers, "") else { panic!() };
        assert!(trouble.undone && trouble.limited && trouble.message.contains("request_id h-1"), "{trouble:?}");
        assert_eq!(trouble.retry_after, Some(Duration::from_secs(6)));
    }

    #[test]
    fn retry_after_may_be_a_date_and_is_read_against_the_servers_clock() {
        let at =
            |date: &str| retry_after(&headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), ("date", date)]));
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(at("Sun, 06 Nov 1994 09:49:37 GMT"), None);
        assert_eq!(at("today"), None);
    }

    #[test]
    fn rate_headers_are_read_and_nonsense_in_them_is_not() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let read = |limit: &str, reset: &str| {
            rate(StatusCode::OK, &headers(&[("x-ratelimit-limit", limit), ("x-ratelimit-reset", reset), date]))
        };
        let good = read(" 167 ", "784111780");
        assert_eq!((good.limit, good.date, good.reset), (Some(167), Some(784_111_777), Some(784_111_780)));
        assert!(good.authentic && !good.exceeded);
        assert_eq!(read("167", "7").reset, None, "seconds to go, or a clock of its own");
        assert_eq!(read("many", "-").limit, None);
        assert!(!rate(StatusCode::UNAUTHORIZED, &HeaderMap::new()).authentic);
        assert!(!rate(StatusCode::BAD_GATEWAY, &HeaderMap::new()).authentic);
    }
}
