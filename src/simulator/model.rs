//! The rules of Intercom: what each call does, and when it is refused. Both doors lead here.
//!
//! Knows no HTTP, no limits and no faults. The time comes in as a value.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use super::answer::{Answer, ApiError, StoredPage};
use super::call::{Call, NewSource, PageText, Replacement, SourceChange, Version};
use super::event::{EventQuery, LISTED_DAYS, NewEvent};
use super::store::Store;

/// The longest external id.
const MAX_EXTERNAL_ID_CHARS: usize = 255;

/// Carries out calls.
pub(super) struct Model {
    pub(super) store: Store,
    pub(super) put_resets_flags: bool,
}

impl Model {
    /// Carries out a call: when this returns, the change is made.
    pub(super) fn answer(&mut self, call: Call, version: Version, now: Timestamp) -> Result<Answer, ApiError> {
        let now_s = now.as_second();
        match call {
            Call::ListImportSources(window) => {
                let (sources, total) = self.store.sources(window)?;
                Ok(Answer::Sources { sources, window, total })
            }
            Call::CreateImportSource(source) => self.create_source(source, now_s),
            Call::ImportSource(id) => self.store.source(id)?.map(Answer::Source).ok_or_else(ApiError::no_source),
            Call::UpdateImportSource(id, change) => self.update_source(id, change, now_s),
            Call::DeleteImportSource(id) => {
                if self.store.delete_source(id)? {
                    Ok(Answer::SourceDeleted)
                } else {
                    Err(ApiError::no_source())
                }
            }
            Call::ListPages(window) => {
                let (pages, total) = self.store.pages(window)?;
                Ok(Answer::Pages { pages, window, total })
            }
            Call::UpsertPage(page) => self.upsert_page(page, version, now_s),
            Call::Page(id) => self.store.page(id)?.map(Answer::Page).ok_or_else(ApiError::no_page),
            Call::ReplacePage(id, page) => self.replace_page(id, page, version, now_s),
            Call::DeletePage(id) => {
                let page = self.store.delete_page(id)?.ok_or_else(ApiError::no_page)?;
                Ok(Answer::Page(StoredPage { html: String::new(), updated_at: now_s, ..page }))
            }
            Call::SubmitEvent(event) => {
                let contact = self.store.contact(&event.who)?.ok_or_else(no_contact)?;
                let id = uuid::Builder::from_unix_timestamp_millis(millis(now), &event_seed(&contact.id, &event))
                    .into_uuid();
                self.store.insert_event(&contact, &event, &id.to_string())?;
                Ok(Answer::Accepted)
            }
            Call::ListEvents(query) => self.list_events(&query, now_s),
            Call::SummarizeEvents(who, summaries) => {
                let contact = self.store.contact(&who)?.ok_or_else(no_contact)?;
                self.store.write_summaries(&contact, &summaries)?;
                Ok(Answer::Summarized)
            }
        }
    }

    fn create_source(&self, source: NewSource, now_s: i64) -> Result<Answer, ApiError> {
        if source.sync_behavior != "api" {
            return Err(ApiError::parameter("sync_behavior", "sync_behavior must be api"));
        }
        check_url(&source.url)?;
        let status = source.status.as_deref().unwrap_or("active");
        check_status(status)?;
        let audience = source.audience_ids.unwrap_or_default();
        Ok(Answer::Source(self.store.insert_source(&source.url, "api", status, &audience, now_s)?))
    }

    fn update_source(&self, id: i64, change: SourceChange, now_s: i64) -> Result<Answer, ApiError> {
        let mut source = self.store.source(id)?.ok_or_else(ApiError::no_source)?;
        // An update writes `automated` where an answer says `automatic`.
        let asked = if change.sync_behavior == "automated" { "automatic" } else { &change.sync_behavior };
        let is_api = source.sync_behavior == "api";
        if !matches!(asked, "api" | "automatic" | "manual") || (asked == "api") != is_api {
            return Err(ApiError::parameter("sync_behavior", "sync_behavior can not be changed to or from api"));
        }
        check_url(&change.url)?;
        if !is_api && change.url != source.url {
            return Err(ApiError::parameter("url", "url can be changed only if sync_behavior is api"));
        }
        source.url = change.url;
        if let Some(status) = change.status {
            check_status(&status)?;
            source.status = status;
        }
        if let Some(audience) = change.audience_ids {
            source.audience_ids = audience;
        }
        source.updated_at = now_s;
        self.store.write_source(&source)?;
        Ok(Answer::Source(source))
    }

    fn upsert_page(&self, mut page: PageText, version: Version, now_s: i64) -> Result<Answer, ApiError> {
        check_title(&page.title)?;
        check_external_id(&page.external_id)?;
        if let Some(url) = &page.url {
            check_url(url)?;
        }
        check_locale(&page.locale, version)?;
        self.check_fed_by_api(page.source_id)?;
        if !version.is_preview() {
            page.ai_sales_agent_availability = None;
        }
        Ok(Answer::Page(self.store.upsert_page(page, now_s)?))
    }

    fn replace_page(&self, id: i64, new: Replacement, version: Version, now_s: i64) -> Result<Answer, ApiError> {
        let mut page = self.store.page(id)?.ok_or_else(ApiError::no_page)?;
        check_title(&new.title)?;
        check_url(&new.url)?;
        check_locale(&new.locale, version)?;
        self.check_fed_by_api(new.source_id)?;
        let external_id = new.external_id.unwrap_or_else(|| page.external_id.clone());
        check_external_id(&external_id)?;
        if self.store.page_id(new.source_id, &external_id)?.is_some_and(|other| other != id) {
            let taken = ApiError::parameter("external_id", "External ID has already been taken");
            return Err(ApiError { status: 422, ..taken });
        }
        if let Some(on) = new.fin_availability.or(self.put_resets_flags.then_some(true)) {
            page.ai_agent = on;
            page.ai_copilot = on;
        }
        page.source_id = new.source_id;
        page.external_id = external_id;
        page.title = new.title;
        page.html = new.html;
        page.url = Some(new.url);
        page.locale = new.locale;
        page.updated_at = now_s;
        self.store.write_page(&page)?;
        Ok(Answer::Page(page))
    }

    fn list_events(&self, query: &EventQuery, now_s: i64) -> Result<Answer, ApiError> {
        let contact = self.store.contact(&query.who)?.ok_or_else(no_contact)?;
        if query.summary {
            let summaries = self.store.summaries(&contact)?;
            return Ok(Answer::Summaries { contact, summaries });
        }
        let since_s = now_s - LISTED_DAYS * 24 * 60 * 60;
        let mut events = self.store.events(&contact, query, since_s)?;
        let per_page = usize::try_from(query.per_page).unwrap_or(usize::MAX);
        let more = events.len() > per_page;
        events.truncate(per_page);
        let next = events.last().filter(|_| more).map(|last| query.next(last));
        Ok(Answer::Events { contact, events, next })
    }

    fn check_fed_by_api(&self, source_id: i64) -> Result<(), ApiError> {
        match self.store.sync_behavior(source_id)?.as_deref() {
            Some("api") => Ok(()),
            Some(_) => Err(ApiError::parameter("source_id", "the content import source's sync_behavior is not api")),
            None => Err(ApiError { field: Some("source_id".into()), ..ApiError::no_source() }),
        }
    }
}

fn no_contact() -> ApiError {
    ApiError::not_found("User Not Found")
}

/// Ten bytes that tell events of one millisecond apart.
fn event_seed(contact_id: &str, event: &NewEvent) -> [u8; 10] {
    let hash = Sha256::digest(format!("{contact_id}\n{}\n{}", event.name, event.created_at));
    let mut seed = [0; 10];
    seed.copy_from_slice(&hash[..10]);
    seed
}

/// Unix milliseconds, for ids.
pub(super) fn millis(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or(0)
}

fn check_title(title: &str) -> Result<(), ApiError> {
    if title.trim().is_empty() {
        return Err(ApiError::parameter("title", "title can't be blank"));
    }
    Ok(())
}

fn check_external_id(external_id: &str) -> Result<(), ApiError> {
    if external_id.trim().is_empty() || external_id.chars().count() > MAX_EXTERNAL_ID_CHARS {
        return Err(ApiError::parameter("external_id", "external_id must have 1 to 255 characters"));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), ApiError> {
    let good = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if good { Ok(()) } else { Err(ApiError::parameter("url", "url must be an http or https address")) }
}

fn check_status(status: &str) -> Result<(), ApiError> {
    if matches!(status, "active" | "deactivated") {
        return Ok(());
    }
    Err(ApiError::parameter("status", "status must be active or deactivated"))
}

/// `en`, and from 2.17 any language code: two or three letters, perhaps with parts behind hyphens.
fn check_locale(locale: &str, version: Version) -> Result<(), ApiError> {
    if locale == "en" {
        return Ok(());
    }
    let mut parts = locale.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    let tail = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if version.has_locales() && language && tail {
        return Ok(());
    }
    Err(ApiError::parameter("locale", format!("locale `{locale:.20}` is not supported")))
}

#[cfg(test)]
mod tests;
