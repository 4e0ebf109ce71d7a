//! The door in process: the stand-in as a [`Remote`], with the same limits, faults and journal as the HTTP door.
//!
//! It repeats nothing: what would have been a retry's first try is an error at once, so that a simulation sees each
//! fault. Waits are tokio's, so that a paused clock runs through them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::answer::{Answer, ApiError, StoredPage, StoredSource};
use super::call::{Call, NewSource, PER_PAGE, PageText, Replacement, Route, SourceChange, Version, Window};
use super::{Delivery, Request, Simulator, lock};
use crate::page::{ExternalId, ImportSourceId, Page, PageId, Switches};
use crate::remote::{
    CallCount, Cursor, ImportSource, ImportSourceChange, Listing, Remote, RemoteError, RemotePage, SentSwitches,
    Traffic,
};

/// The most sources that are read; each is a listing's item, so this is a bound and no limit.
const MAX_LISTINGS: u64 = 1_000;

/// The fields whose errors are one page's own failure.
const PAGE_FIELDS: [&str; 8] = [
    "title",
    "html",
    "url",
    "locale",
    "external_id",
    "ai_agent_availability",
    "ai_copilot_availability",
    "fin_availability",
];

impl Remote for Simulator {
    async fn import_sources(&self) -> Result<Vec<ImportSource>, RemoteError> {
        let mut found = Vec::new();
        for page in 1..=MAX_LISTINGS {
            let window = Window { page, per_page: PER_PAGE };
            match self.ask(Route::ListImportSources, "", Call::ListImportSources(window)).await? {
                Answer::Sources { sources, total, .. } => {
                    found.extend(sources.into_iter().map(import_source));
                    if page * PER_PAGE >= total {
                        return Ok(found);
                    }
                }
                other => return Err(misfit(&other)),
            }
        }
        Err(RemoteError::Refused { message: "the simulator has too many import sources to list".to_owned() })
    }

    async fn import_source(&self, id: ImportSourceId) -> Result<ImportSource, RemoteError> {
        one_source(self.ask(Route::ImportSource, &id.to_string(), Call::ImportSource(id.0)).await?)
    }

    async fn create_import_source(&self, url: &str, audience_ids: &[i64]) -> Result<ImportSource, RemoteError> {
        let source = NewSource {
            sync_behavior: "api".to_owned(),
            status: None,
            url: url.to_owned(),
            audience_ids: Some(audience_ids.to_vec()),
        };
        one_source(self.ask(Route::CreateImportSource, "", Call::CreateImportSource(source)).await?)
    }

    async fn update_import_source(
        &self,
        id: ImportSourceId,
        change: &ImportSourceChange,
    ) -> Result<ImportSource, RemoteError> {
        // The API asks for the url with every change.
        let url = match &change.url {
            Some(url) => url.clone(),
            None => self.import_source(id).await?.url,
        };
        let change = SourceChange {
            sync_behavior: "api".to_owned(),
            status: change.active.map(|active| if active { "active" } else { "deactivated" }.to_owned()),
            url,
            audience_ids: change.audience_ids.clone(),
        };
        one_source(self.ask(Route::UpdateImportSource, &id.to_string(), Call::UpdateImportSource(id.0, change)).await?)
    }

    async fn delete_import_source(&self, id: ImportSourceId) -> Result<(), RemoteError> {
        self.ask(Route::DeleteImportSource, &id.to_string(), Call::DeleteImportSource(id.0)).await.map(|_| ())
    }

    async fn upsert_page(
        &self,
        source: ImportSourceId,
        page: &Page,
        switches: SentSwitches,
    ) -> Result<RemotePage, RemoteError> {
        let text = PageText {
            title: page.title.clone(),
            html: page.html.clone(),
            url: page.url.clone(),
            ai_agent_availability: switches.ai_agent,
            ai_copilot_availability: switches.ai_copilot,
            ai_sales_agent_availability: None,
            locale: page.locale.clone(),
            source_id: source.0,
            external_id: page.external_id.as_str().to_owned(),
        };
        one_page(self.ask(Route::UpsertPage, "", Call::UpsertPage(text)).await?)
    }

    async fn replace_page(&self, id: &PageId, source: ImportSourceId, page: &Page) -> Result<RemotePage, RemoteError> {
        let Some(url) = page.url.clone() else {
            let message = format!("the page `{}` has no url, and a rename needs one", page.external_id);
            return Err(RemoteError::Rejected {
                status: 400,
                code: "parameter_not_found".to_owned(),
                message,
                certain: true,
            });
        };
        let new = Replacement {
            title: page.title.clone(),
            html: page.html.clone(),
            url,
            fin_availability: None,
            locale: page.locale.clone(),
            source_id: source.0,
            external_id: Some(page.external_id.as_str().to_owned()),
        };
        one_page(self.ask(Route::ReplacePage, id.as_str(), Call::ReplacePage(number(id)?, new)).await?)
    }

    async fn page(&self, id: &PageId) -> Result<RemotePage, RemoteError> {
        one_page(self.ask(Route::Page, id.as_str(), Call::Page(number(id)?)).await?)
    }

    async fn delete_page(&self, id: &PageId) -> Result<bool, RemoteError> {
        match self.ask(Route::DeletePage, id.as_str(), Call::DeletePage(number(id)?)).await {
            Ok(_) => Ok(true),
            Err(RemoteError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list_pages(&self, from: Option<&Cursor>) -> Result<Listing, RemoteError> {
        let page = match from {
            None => 1,
            Some(cursor) => cursor.0.parse().map_err(|_| RemoteError::Refused {
                message: format!("the cursor `{}` is none of the simulator's", cursor.0),
            })?,
        };
        let window = Window { page, per_page: PER_PAGE };
        match self.ask(Route::ListPages, "", Call::ListPages(window)).await? {
            Answer::Pages { pages, total, .. } => {
                let more = page.saturating_mul(PER_PAGE) < total;
                Ok(Listing {
                    pages: pages.into_iter().map(remote_page).collect(),
                    next: more.then(|| Cursor((page + 1).to_string())),
                    total_count: Some(total),
                })
            }
            other => Err(misfit(&other)),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic { requests: self.local_requests.load(Ordering::Relaxed), retries: 0 }
    }

    fn handle(&self) -> Self {
        Self { shared: self.shared.clone(), local_requests: Arc::default() }
    }

    fn calls(&self) -> Vec<CallCount> {
        lock(&self.shared.journal).calls()
    }
}

impl Simulator {
    async fn ask(&self, route: Route, id: &str, call: Call) -> Result<Answer, RemoteError> {
        self.local_requests.fetch_add(1, Ordering::Relaxed);
        let path = route.path(id);
        let method = route.method();
        // Locales are the owner's affair here: whoever embeds the stand-in has no version to keep to.
        let version = Version::LATEST;
        let passage = self.take(Request { route, method, path: &path, authorized: true, version, call: Ok(call) });
        if !passage.hold.is_zero() {
            tokio::time::sleep(passage.hold).await;
        }
        match passage.delivery {
            Delivery::Whole => {}
            Delivery::Slow(time) => tokio::time::sleep(time).await,
            Delivery::Lost => return Err(broken("the connection ended without an answer", &passage.request_id)),
            Delivery::Truncated => return Err(broken("the answer ended in the middle", &passage.request_id)),
        }
        let retry_after = passage.meter.filter(|meter| meter.exceeded).map(|meter| {
            let wait_us = meter.reset_s.saturating_mul(1_000_000).saturating_sub(passage.at.as_microsecond());
            Duration::from_micros(u64::try_from(wait_us).unwrap_or(0))
        });
        passage.outcome.map_err(|error| classify(error, retry_after, &passage.request_id))
    }
}

/// The class of an error, as everybody who speaks to Intercom must see it.
fn classify(error: ApiError, retry_after: Option<Duration>, request_id: &str) -> RemoteError {
    let field = error.field.as_deref().map(|field| format!(" (`{field}`)")).unwrap_or_default();
    let message = format!("{}: {}{field}, request `{request_id}`", error.status, error.message);
    let code = error.code.into_owned();
    match error.status {
        401 | 403 => RemoteError::Unauthorized { message },
        404 => RemoteError::NotFound { code, message },
        413 => RemoteError::Rejected { status: 413, code, message, certain: true },
        status @ (400 | 422) if error.field.as_deref().is_some_and(|field| PAGE_FIELDS.contains(&field)) => {
            RemoteError::Rejected { status, code, message, certain: true }
        }
        408 | 409 | 429 | 500.. => {
            let asked = error.retry_after_s.map(|wait_s| Duration::from_secs(wait_s.into()));
            RemoteError::Transient { retry_after: asked.or(retry_after), message }
        }
        _ => RemoteError::Refused { message },
    }
}

fn broken(what: &str, request_id: &str) -> RemoteError {
    RemoteError::Transient { retry_after: None, message: format!("{what}, request `{request_id}`") }
}

fn misfit(answer: &Answer) -> RemoteError {
    RemoteError::Refused {
        message: format!("the simulator answered something else than was asked: {}", answer.status()),
    }
}

fn number(id: &PageId) -> Result<i64, RemoteError> {
    id.as_str().parse().map_err(|_| RemoteError::NotFound {
        code: "not_found".to_owned(),
        message: format!("404: there is no page `{id}`"),
    })
}

fn one_source(answer: Answer) -> Result<ImportSource, RemoteError> {
    match answer {
        Answer::Source(source) => Ok(import_source(source)),
        other => Err(misfit(&other)),
    }
}

fn one_page(answer: Answer) -> Result<RemotePage, RemoteError> {
    match answer {
        Answer::Page(page) => Ok(remote_page(page)),
        other => Err(misfit(&other)),
    }
}

fn import_source(source: StoredSource) -> ImportSource {
    ImportSource {
        id: ImportSourceId(source.id),
        url: source.url,
        api: source.sync_behavior == "api",
        active: source.status == "active",
        audience_ids: source.audience_ids,
        created_at: source.created_at,
    }
}

fn remote_page(page: StoredPage) -> RemotePage {
    RemotePage {
        id: PageId::new(page.id.to_string()),
        external_id: ExternalId::new(page.external_id),
        source_id: ImportSourceId(page.source_id),
        title: page.title,
        html: page.html,
        url: page.url,
        locale: page.locale,
        switches: Switches { ai_agent: page.ai_agent, ai_copilot: page.ai_copilot },
    }
}

#[cfg(test)]
mod tests;
