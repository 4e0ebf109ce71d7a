//! Intercom over HTTP: [`Remote`] for a workspace of Intercom's.
//!
//! Owns the routes of the AI Content API 2.16; the JSON is in `wire`, one call in `client`, the pace in `limiter`.
//! Knows nothing of plans and ledgers. Keeps: what is not idempotent is never sent twice; an answer that is not about
//! what was asked is an error, for its page id would later be deleted by.

mod answer;
mod client;
mod limiter;
mod token;
mod wire;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Method;
use serde::de::IgnoredAny;
use url::Url;

pub use self::token::Token;

use self::answer::Sends;
use self::client::{Call, Client, Counts, Limits};
use self::wire::{List, PageAnswer, Replacement, SourceAnswer, SourceBody, Upsert};
use crate::page::{ImportSourceId, Page, PageId};
use crate::remote::{
    CallCount, Cursor, ImportSource, ImportSourceChange, Listing, Remote, RemoteError, RemotePage, SentSwitches,
    Traffic,
};

/// Pages of the list of import sources that are followed: a workspace has few sources.
const SOURCE_LISTS: usize = 200;

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

/// A workspace of Intercom's.
pub struct Intercom {
    client: Arc<Client>,
    counts: Arc<Counts>,
}

impl fmt::Debug for Intercom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intercom").field("base_url", &self.client.base_url().as_str()).finish_non_exhaustive()
    }
}

impl Intercom {
    /// Checks the options and nothing else: neither token nor certificates are read before there is something to send.
    pub fn new(options: IntercomOptions) -> anyhow::Result<Self> {
        Self::with_limits(options, Limits::STANDARD)
    }

    fn with_limits(options: IntercomOptions, limits: Limits) -> anyhow::Result<Self> {
        Ok(Self { client: Arc::new(Client::new(options, limits)?), counts: Arc::default() })
    }

    /// An idempotent call without a body.
    fn call(&self, method: Method, route: &'static str, id: Option<&str>) -> Result<Call<'static>, RemoteError> {
        Ok(Call {
            method,
            route,
            url: self.url(route, id)?,
            about: None,
            body: None,
            sends: Sends::Other,
            idempotent: true,
            may_be_silent: false,
            counts: self.counts.clone(),
        })
    }

    /// A route on the base url, its parameter filled in. Ids come from answers: one that would make another path of it
    /// (`..`, a slash, nothing) is refused.
    fn url(&self, route: &'static str, id: Option<&str>) -> Result<Url, RemoteError> {
        let is_plain = |id: &str| {
            let bytes = id.as_bytes();
            (1..=255).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(byte))
        };
        if let Some(id) = id.filter(|id| !is_plain(id)) {
            let shown = wire::printable(id);
            return Err(RemoteError::Refused { message: format!("`{shown}` is no id that Intercom would give") });
        }
        let mut url = self.client.base_url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            let parts = route.split('/').filter(|part| !part.is_empty());
            path.pop_if_empty().extend(parts.map(|part| if part.starts_with('{') { id.unwrap_or(part) } else { part }));
        }
        Ok(url)
    }

    async fn source_list(&self, query: Option<&str>) -> Result<List<SourceAnswer>, RemoteError> {
        let mut call = self.call(Method::GET, SOURCES, None)?;
        call.url.set_query(query);
        self.client.send(call).await
    }
}

const PAGES: &str = "/ai/external_pages";
const PAGE: &str = "/ai/external_pages/{page_id}";
const SOURCES: &str = "/ai/content_import_sources";
const SOURCE: &str = "/ai/content_import_sources/{source_id}";

impl Remote for Intercom {
    async fn import_sources(&self) -> Result<Vec<ImportSource>, RemoteError> {
        let (mut sources, mut ids, mut seen) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut query: Option<String> = None;
        for _ in 0..SOURCE_LISTS {
            let list = self.source_list(query.as_deref()).await?;
            let (next, total) = (list.next_query().map_err(|what| not_understood(SOURCES, &what))?, list.total());
            sources.extend(list.data.into_iter().map(ImportSource::from).filter(|source| ids.insert(source.id)));
            let Some(next) = next else {
                // One that is missing here would be created again, as a twin.
                if total.is_some_and(|total| total > sources.len() as u64) {
                    let message = format!("GET {SOURCES}: the list is shorter than its `total_count`");
                    return Err(RemoteError::Transient { retry_after: None, message });
                }
                return Ok(sources);
            };
            if !seen.insert(next.clone()) {
                return Err(not_understood(SOURCES, "`pages.next` leads back to a page that was read"));
            }
            query = Some(next);
        }
        Err(not_understood(SOURCES, &format!("the list has over {SOURCE_LISTS} pages")))
    }

    async fn import_source(&self, id: ImportSourceId) -> Result<ImportSource, RemoteError> {
        let call = self.call(Method::GET, SOURCE, Some(&id.to_string()))?;
        of(id, self.client.send::<SourceAnswer>(call).await?)
    }

    async fn create_import_source(&self, url: &str, audience_ids: &[i64]) -> Result<ImportSource, RemoteError> {
        let body = Some(json(&SourceBody::create(url, audience_ids)));
        let call = Call { body, about: Some(url), idempotent: false, ..self.call(Method::POST, SOURCES, None)? };
        self.client.send::<SourceAnswer>(call).await.map(ImportSource::from)
    }

    async fn update_import_source(
        &self,
        id: ImportSourceId,
        change: &ImportSourceChange,
    ) -> Result<ImportSource, RemoteError> {
        // The request must name the url, also where another thing is to change.
        let present = match change.url {
            Some(_) => None,
            None => Some(self.import_source(id).await?),
        };
        if let Some(source) = present.as_ref().filter(|source| !source.api) {
            let message = format!("import source {id} (`{}`) is not fed through the API", wire::printable(&source.url));
            return Err(RemoteError::Refused { message });
        }
        let url = change.url.as_deref().or(present.as_ref().map(|source| source.url.as_str())).unwrap_or_default();
        let body = Some(json(&SourceBody::change(url, change)));
        let call = Call { body, ..self.call(Method::PUT, SOURCE, Some(&id.to_string()))? };
        of(id, self.client.send::<SourceAnswer>(call).await?)
    }

    async fn delete_import_source(&self, id: ImportSourceId) -> Result<(), RemoteError> {
        let call = Call { may_be_silent: true, ..self.call(Method::DELETE, SOURCE, Some(&id.to_string()))? };
        self.client.send::<IgnoredAny>(call).await.map(|_| ())
    }

    async fn upsert_page(
        &self,
        source: ImportSourceId,
        page: &Page,
        switches: SentSwitches,
    ) -> Result<RemotePage, RemoteError> {
        let call = Call {
            about: Some(page.external_id.as_str()),
            body: Some(json(&Upsert::new(source, page, switches))),
            sends: Sends::Page,
            ..self.call(Method::POST, PAGES, None)?
        };
        let answer = self.client.send::<PageAnswer>(call).await?;
        let about = page.external_id.as_str();
        answer.of(None, Some((source, &page.external_id))).map_err(|what| not_understood_of(PAGES, about, &what))
    }

    async fn replace_page(&self, id: &PageId, source: ImportSourceId, page: &Page) -> Result<RemotePage, RemoteError> {
        let about = page.external_id.as_str();
        let Some(url) = page.url.as_deref() else {
            return Err(not_understood_of(PAGE, about, "a page without a url cannot be replaced"));
        };
        let body = Replacement {
            title: &page.title,
            html: &page.html,
            url,
            locale: &page.locale,
            source_id: source,
            external_id: &page.external_id,
        };
        let call = Call {
            about: Some(about),
            body: Some(json(&body)),
            sends: Sends::Page,
            ..self.call(Method::PUT, PAGE, Some(id.as_str()))?
        };
        let answer = self.client.send::<PageAnswer>(call).await?;
        answer.of(Some(id), Some((source, &page.external_id))).map_err(|what| not_understood_of(PAGE, about, &what))
    }

    async fn page(&self, id: &PageId) -> Result<RemotePage, RemoteError> {
        let call = self.call(Method::GET, PAGE, Some(id.as_str()))?;
        let answer = self.client.send::<PageAnswer>(call).await?;
        answer.of(Some(id), None).map_err(|what| not_understood_of(PAGE, id.as_str(), &what))
    }

    async fn delete_page(&self, id: &PageId) -> Result<bool, RemoteError> {
        let call = Call { may_be_silent: true, ..self.call(Method::DELETE, PAGE, Some(id.as_str()))? };
        match self.client.send::<IgnoredAny>(call).await {
            Ok(_) => Ok(true),
            Err(RemoteError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list_pages(&self, from: Option<&Cursor>) -> Result<Listing, RemoteError> {
        let mut call = self.call(Method::GET, PAGES, None)?;
        call.url.set_query(from.map(|cursor| cursor.0.as_str()));
        let list = self.client.send::<List<PageAnswer>>(call).await?;
        list.into_listing().map_err(|what| not_understood(PAGES, &what))
    }

    fn traffic(&self) -> Traffic {
        self.counts.traffic()
    }

    fn handle(&self) -> Self {
        Self { client: self.client.clone(), counts: Arc::default() }
    }

    fn calls(&self) -> Vec<CallCount> {
        self.client.calls()
    }

    fn window_used(&self) -> Option<f64> {
        self.client.window_used()
    }
}

fn of(id: ImportSourceId, answer: SourceAnswer) -> Result<ImportSource, RemoteError> {
    let source = ImportSource::from(answer);
    if source.id == id {
        return Ok(source);
    }
    Err(not_understood_of(SOURCE, &id.to_string(), &format!("the answer is of import source {}", source.id)))
}

fn not_understood(route: &str, what: &str) -> RemoteError {
    RemoteError::Refused { message: format!("{route}: {what}") }
}

fn not_understood_of(route: &str, about: &str, what: &str) -> RemoteError {
    RemoteError::Refused { message: format!("{route} for `{about}`: {what}") }
}

fn json(body: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("strings, numbers and booleans are always JSON")
}

#[cfg(test)]
mod tests;
