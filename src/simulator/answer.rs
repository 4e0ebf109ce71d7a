//! What is answered: what the model says, and how it is written as Intercom's JSON.
//!
//! Knows the shapes of Intercom's answers. Nothing here changes state.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use super::call::Window;
use super::event::{Contact, Event, Summary};

/// A content import source as it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// Its id.
    pub id: i64,
    /// The root that it stands for.
    pub url: String,
    /// `api`, `automatic` or `manual`.
    pub sync_behavior: String,
    /// `active` or `deactivated`.
    pub status: String,
    /// Who may be answered from it.
    pub audience_ids: Vec<i64>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// Unix seconds: when it was made, for nobody synchronises a source that is fed through the API.
    pub last_synced_at: i64,
}

/// An external page as it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPage {
    /// Its id, a string in every answer.
    pub id: i64,
    /// The source that it belongs to.
    pub source_id: i64,
    /// The id that its owner gave it.
    pub external_id: String,
    /// Its title.
    pub title: String,
    /// Its html, as it was sent.
    pub html: String,
    /// Its public address.
    pub url: Option<String>,
    /// Its language.
    pub locale: String,
    /// Whether the AI agent answers from it.
    pub ai_agent: bool,
    /// Whether Copilot answers from it.
    pub ai_copilot: bool,
    /// Whether the sales agent answers from it.
    pub ai_sales_agent: bool,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Sources { sources: Vec<StoredSource>, window: Window, total: u64 },
    Source(StoredSource),
    SourceDeleted,
    Pages { pages: Vec<StoredPage>, window: Window, total: u64 },
    Page(StoredPage),
    Accepted,
    Events { contact: Contact, events: Vec<Event>, next: Option<String> },
    Summaries { contact: Contact, summaries: Vec<Summary> },
    Summarized,
}

impl Answer {
    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::SourceDeleted => 204,
            Self::Accepted => 202,
            _ => 200,
        }
    }

    /// The external id of the page that it is about.
    pub(super) fn external_id(&self) -> Option<&str> {
        match self {
            Self::Page(page) => Some(&page.external_id),
            _ => None,
        }
    }

    /// The body, empty where Intercom's is; `base` is the address that a next page's link starts with.
    pub(super) fn body(&self, base: &str) -> Vec<u8> {
        match self {
            Self::SourceDeleted | Self::Accepted | Self::Summarized => Vec::new(),
            Self::Source(source) => write(&source_json(source)),
            Self::Page(page) => write(&page_json(page)),
            Self::Sources { sources, window, total } => {
                let data = sources.iter().map(source_json).collect();
                write(&list(data, *window, *total, base, "/ai/content_import_sources"))
            }
            Self::Pages { pages, window, total } => {
                let data = pages.iter().map(page_json).collect();
                write(&list(data, *window, *total, base, "/ai/external_pages"))
            }
            Self::Events { contact, events, next } => {
                let next = next.as_ref().map(|query| format!("{base}/events?{query}"));
                let events: Vec<_> = events.iter().map(|event| event.json(contact)).collect();
                write(&json!({
                    "type": "event.summary", "events": events, "pages": {"next": next},
                    "email": contact.email, "intercom_user_id": contact.id, "user_id": contact.user_id,
                }))
            }
            Self::Summaries { contact, summaries } => {
                let events: Vec<_> = summaries.iter().map(Summary::json).collect();
                write(&json!({
                    "type": "event.summary", "events": events,
                    "email": contact.email, "intercom_user_id": contact.id, "user_id": contact.user_id,
                }))
            }
        }
    }
}

/// An answer that is an error, in Intercom's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    pub(super) field: Option<Cow<'static, str>>,
    pub(super) retry_after_s: Option<u32>,
}

impl ApiError {
    pub(super) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), field: None, retry_after_s: None }
    }

    /// A field or a query parameter that will not do.
    pub(super) fn parameter(field: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(400, "parameter_invalid", message) }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found", message)
    }

    pub(super) fn no_page() -> Self {
        Self::not_found("External Page not found")
    }

    pub(super) fn no_source() -> Self {
        Self::not_found("Content Import Source not found")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Access Token Invalid")
    }

    /// The body.
    pub(super) fn body(&self, request_id: &str) -> Vec<u8> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(field) = &self.field {
            error["field"] = json!(field);
        }
        write(&json!({"type": "error.list", "request_id": request_id, "errors": [error]}))
    }
}

impl From<rusqlite::Error> for ApiError {
    /// The state could not be read or written: a server's error, told in the log.
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(error = %error, "the simulator's state could not be read or written");
        Self::new(500, "server_error", "The simulator's state could not be read or written")
    }
}

fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("an answer's keys are strings, and nothing in it fails to serialise")
}

#[derive(Serialize)]
struct SourceJson<'a> {
    id: i64,
    r#type: &'static str,
    last_synced_at: i64,
    status: &'a str,
    url: &'a str,
    sync_behavior: &'a str,
    created_at: i64,
    updated_at: i64,
    audience_ids: &'a [i64],
}

fn source_json(source: &StoredSource) -> SourceJson<'_> {
    SourceJson {
        id: source.id,
        r#type: "content_import_source",
        last_synced_at: source.last_synced_at,
        status: &source.status,
        url: &source.url,
        sync_behavior: &source.sync_behavior,
        created_at: source.created_at,
        updated_at: source.updated_at,
        audience_ids: &source.audience_ids,
    }
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "Intercom's four flags")]
struct PageJson<'a> {
    id: String,
    r#type: &'static str,
    title: &'a str,
    html: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    ai_agent_availability: bool,
    ai_copilot_availability: bool,
    ai_sales_agent_availability: bool,
    fin_availability: bool,
    locale: &'a str,
    source_id: i64,
    external_id: &'a str,
    created_at: i64,
    updated_at: i64,
    last_ingested_at: i64,
}

fn page_json(page: &StoredPage) -> PageJson<'_> {
    PageJson {
        id: page.id.to_string(),
        r#type: "external_page",
        title: &page.title,
        html: &page.html,
        url: page.url.as_deref(),
        ai_agent_availability: page.ai_agent,
        ai_copilot_availability: page.ai_copilot,
        ai_sales_agent_availability: page.ai_sales_agent,
        fin_availability: page.ai_agent,
        locale: &page.locale,
        source_id: page.source_id,
        external_id: &page.external_id,
        created_at: page.created_at,
        updated_at: page.updated_at,
        last_ingested_at: page.updated_at,
    }
}

#[derive(Serialize)]
struct List<T> {
    r#type: &'static str,
    data: Vec<T>,
    total_count: u64,
    pages: PagesLink,
}

#[derive(Serialize)]
struct PagesLink {
    r#type: &'static str,
    next: Option<String>,
    page: u64,
    per_page: u64,
    total_pages: u64,
}

fn list<T>(data: Vec<T>, window: Window, total: u64, base: &str, path: &str) -> List<T> {
    let Window { page, per_page } = window;
    let total_pages = total.div_ceil(per_page);
    let next = (page < total_pages).then(|| format!("{base}{path}?page={}&per_page={per_page}", page + 1));
    List {
        r#type: "list",
        data,
        total_count: total,
        pages: PagesLink { r#type: "pages", next, page, per_page, total_pages },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_links_its_next_page_and_ends_with_null() {
        let pages = |page, total| {
            let answer = Answer::Pages { pages: Vec::new(), window: Window { page, per_page: 50 }, total };
            serde_json::from_slice::<serde_json::Value>(&answer.body("http://h:1")).unwrap()["pages"].clone()
        };
        assert_eq!(pages(1, 101)["next"], "http://h:1/ai/external_pages?page=2&per_page=50");
        assert_eq!(pages(3, 101)["next"], serde_json::Value::Null);
        assert_eq!(pages(1, 50)["next"], serde_json::Value::Null);
        assert_eq!(pages(9, 0)["total_pages"], 0);
    }

    #[test]
    fn an_error_has_the_documented_shape() {
        let body = ApiError::parameter("url", "no").body("id");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({"type": "error.list", "request_id": "id",
                "errors": [{"code": "parameter_invalid", "message": "no", "field": "url"}]})
        );
        assert!(!String::from_utf8(ApiError::unauthorized().body("id")).unwrap().contains("field"));
    }
}
