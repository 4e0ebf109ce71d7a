//! The status page: what an operator wants at a glance, each source, each page as Fin reads it.
//!
//! Owns its routes, and what every answer of it promises a browser. What it shows was written by others: all of it is
//! escaped, and the policy in the headers lets nothing be loaded from elsewhere and no other script run. It changes nothing:
//! there is not one form that does. It works without scripts; with them it stays up to date.

mod assets;
mod desk;
mod links;
mod reading;
#[cfg(test)]
mod tests;
mod text;
mod view;

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::live;
use super::server::Door;
use crate::daemon::board::Snapshot;
use crate::ledger::{Ledger, LedgerError, ListedPage, Search, Standing};
use crate::page::{ExternalId, ImportSourceId, Page};
use crate::render::Warning;
use crate::status::Status;

use desk::Desk;
use reading::Reading;
use view::{Frame, MOST_SHOWN, Now, Overview, Source};

/// Pages of a source on one page of ours.
const PER_PAGE: u32 = 50;
/// Nobody turns over more.
const LAST_PAGE: u64 = 1_000_000;

/// What a browser may do with a page of ours.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the usual delimiters"));
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_global("assets", of_plain(&*assets::NAMES));
    for (name, source) in [
        ("frame.html", include_str!("page/frame.html")),
        ("parts.html", include_str!("page/parts.html")),
        ("overview.html", include_str!("page/overview.html")),
        ("source.html", include_str!("page/source.html")),
        ("reading.html", include_str!("page/reading.html")),
        ("read.html", include_str!("page/read.html")),
        ("missing.html", include_str!("page/missing.html")),
    ] {
        templates.add_template(name, source).expect("the embedded templates are well formed: a test renders each");
    }
    templates
});

/// The routes of the status page.
pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/", get(overview))
        .route("/sources/{name}", get(source))
        .route("/sources/{name}/pages/{*id}", get(page))
        .route("/sources/{name}/read/{*id}", get(read))
        .route("/live", get(live::stream))
        .route("/assets/{file}", get(assets::hand_out))
        .layer(Extension(Arc::new(Desk::new())))
}

/// What a source's list of pages is asked for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    show: String,
    #[serde(default)]
    page: String,
}

async fn overview(State(door): State<Door>, Extension(desk): Extension<Arc<Desk>>) -> Response {
    let snapshot = door.app().board.look();
    let told = desk.status(&door, &snapshot).await;
    let (status, error) = heard(told);
    let mut view = Overview::new(&snapshot, status.as_deref(), now(&door));
    view.frame.ledger_error = error;
    render(StatusCode::OK, "overview.html", &context! { view => of_plain(view) })
}

async fn source(
    State(door): State<Door>,
    Extension(desk): Extension<Arc<Desk>>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let name = name.as_str();
    let snapshot = door.app().board.look();
    let Some(state) = snapshot.sources.iter().find(|state| state.name.as_str() == name) else {
        return missing(
            &snapshot,
            now(&door),
            "There is no such source: it may be configured no more, or by another name.",
        );
    };
    let (status, mut error) = heard(desk.status(&door, &snapshot).await);
    let search = Search {
        words: asked.q.trim().chars().take(200).collect(),
        standing: Standing::named(&asked.show),
        limit: PER_PAGE,
        skip: (number(&asked.page) - 1) * u64::from(PER_PAGE),
    };
    let of_source = status.as_ref().and_then(|status| of(status, name));
    let import_source = of_source.and_then(|status| status.import_source).map(ImportSourceId);
    let listing = if error.is_none() {
        let (name, search) = (name.to_owned(), search.clone());
        desk::read(&door, move |ledger| ledger.list_pages(&name, import_source, &search)).await.unwrap_or_else(|told| {
            error = Some(told);
            None
        })
    } else {
        None
    };
    let now = now(&door);
    let mut frame = Frame::new(&snapshot, now);
    frame.ledger_error = error;
    let shown = Source::new(state, of_source, now, MOST_SHOWN);
    let list = listing.map(|listing| list(&listing, name, &search, number(&asked.page), now));
    let title = shown.name().to_owned();
    render(
        StatusCode::OK,
        "source.html",
        &context! { view => context! { frame => of_plain(frame) }, source => of_plain(shown), title, list },
    )
}

/// A portion of a source's pages, for the template.
fn list(listing: &crate::ledger::Listing, name: &str, search: &Search, number: u64, now: Now) -> minijinja::Value {
    let all: u64 = listing.counts.iter().sum();
    let total = search.standing.map_or(all, |standing| listing.counts[standing as usize]);
    let last = total.div_ceil(u64::from(PER_PAGE)).max(1);
    let chosen = search.standing.map(Standing::as_str);
    let link =
        |standing: Option<Standing>, number| links::list(name, &search.words, standing.map(Standing::as_str), number);
    let choices: Vec<_> = Standing::ALL
        .into_iter()
        .zip(listing.counts)
        .filter(|(standing, count)| *count > 0 || search.standing == Some(*standing))
        .map(|(standing, count)| {
            let is_chosen = search.standing == Some(standing);
            context! { word => reading::word(standing), count, href => link(Some(standing), 1), is_chosen }
        })
        .collect();
    let rows: Vec<_> = listing.pages.iter().map(|page| row(page, name, now)).collect();
    context! {
        rows, choices, total, all, number, last, chosen,
        action => links::list(name, "", None, 1),
        everything => link(None, 1),
        words => &search.words,
        before => (number > 1).then(|| link(search.standing, (number - 1).min(last))),
        behind => (number < last).then(|| link(search.standing, number + 1)),
    }
}

fn row(page: &ListedPage, source: &str, now: Now) -> minijinja::Value {
    let id = page.external_id.as_str();
    context! {
        href => links::page(source, id),
        id => text::short(id),
        title => text::short(page.title.as_deref().unwrap_or(id)),
        word => reading::word(page.standing),
        tone => reading::tone(page.standing),
        why => page.why.as_deref().map(text::short),
        url => page.url.as_deref().map(text::short),
        acknowledged => page.acknowledged_at.and_then(|at| jiff::Timestamp::from_second(at).ok()).map(|at| of_plain(now.when(at))),
    }
}

async fn page(
    State(door): State<Door>,
    Extension(desk): Extension<Arc<Desk>>,
    Path((name, id)): Path<(String, String)>,
) -> Response {
    let snapshot = door.app().board.look();
    let found = find(&door, &snapshot, &name, id).await;
    let now = now(&door);
    let (listed, warnings) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return missing(&snapshot, now, "There is no such page: it may have been deleted or renamed."),
        Err(told) => return unavailable(&snapshot, now, told),
    };
    let rendered = rendered(&door, &desk, &snapshot, &name, &listed).await;
    let shown = rendered.as_deref().map_err(String::as_str);
    let reading = Reading::new(Frame::new(&snapshot, now), &name, &listed, &warnings, shown, now);
    render(StatusCode::OK, "reading.html", &context! { view => of_plain(reading) })
}

/// The content of a page for its frame, which may do nothing but be read.
async fn read(
    State(door): State<Door>,
    Extension(desk): Extension<Arc<Desk>>,
    Path((name, id)): Path<(String, String)>,
) -> Response {
    let snapshot = door.app().board.look();
    let found = match find(&door, &snapshot, &name, id).await {
        Ok(Some((listed, _))) => rendered(&door, &desk, &snapshot, &name, &listed).await.map(|page| (listed, page)),
        Ok(None) => return (StatusCode::NOT_FOUND, "there is no such page\n").into_response(),
        Err(told) => Err(told),
    };
    let page = match found {
        Ok((_, page)) => page,
        Err(told) => return (StatusCode::SERVICE_UNAVAILABLE, format!("{told}\n")).into_response(),
    };
    // To clean much html takes its time.
    let work = tokio::task::spawn_blocking(move || reading::framed(&page).map(|html| (page, html)));
    let Ok(Some((page, html))) = work.await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "its html is too much to show here\n").into_response();
    };
    let nonce = Uuid::now_v7().simple().to_string();
    let values =
        context! { title => &page.title, locale => &page.locale, html, nonce => &nonce, style => assets::READ_STYLE };
    let mut response = render(StatusCode::OK, "read.html", &values);
    let policy = format!(
        "sandbox; default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    );
    let policy = HeaderValue::try_from(policy).expect("hexadecimal digits are good in a header");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    response
}

/// A page of a source that is configured, with the warnings of its document.
async fn find(
    door: &Door,
    snapshot: &Snapshot,
    name: &str,
    id: String,
) -> Result<Option<(ListedPage, Vec<Warning>)>, String> {
    if !snapshot.sources.iter().any(|state| state.name.as_str() == name) {
        return Ok(None);
    }
    let (name, id) = (name.to_owned(), ExternalId::new(id));
    let look = move |ledger: &Ledger| -> Result<_, LedgerError> {
        let import_source = ledger.source(&name)?.import_source;
        let Some(listed) = ledger.listed_page(&name, import_source, &id)? else { return Ok(None) };
        let warnings = ledger.document_warnings(&name, &listed.path)?;
        Ok(Some((listed, warnings)))
    };
    Ok(desk::read(door, look).await?.flatten())
}

/// What a page's document renders to now.
async fn rendered(
    door: &Door,
    desk: &Desk,
    snapshot: &Arc<Snapshot>,
    name: &str,
    listed: &ListedPage,
) -> Result<Arc<Page>, String> {
    let Some(state) = snapshot.sources.iter().find(|state| state.name.as_str() == name) else {
        return Err("its source is configured no more".into());
    };
    let page = desk.preview(door, snapshot, &state.name, &listed.external_id, &listed.path).await?;
    if page.external_id != listed.external_id {
        return Err(format!(
            "`{}` is now made into the page `{}`, not into this one",
            text::short(listed.path.as_str()),
            text::short(page.external_id.as_str())
        ));
    }
    Ok(page)
}

fn heard(told: desk::Told) -> (Option<Arc<Status>>, Option<String>) {
    match told {
        Ok(Some(status)) => (Some(status), None),
        Ok(None) => (None, Some("there is none yet: the first cycle makes it".into())),
        Err(told) => (None, Some(told)),
    }
}

fn of<'a>(status: &'a Status, name: &str) -> Option<&'a crate::status::SourceStatus> {
    status.sources.iter().find(|source| source.source == name)
}

/// The number of a page of a list.
fn number(asked: &str) -> u64 {
    asked.parse().unwrap_or(1).clamp(1, LAST_PAGE)
}

fn now(door: &Door) -> Now {
    Now { at: (door.app().clock)(), instant: Instant::now() }
}

fn missing(snapshot: &Snapshot, now: Now, what: &str) -> Response {
    let frame = Frame::new(snapshot, now);
    let values = context! { view => context! { frame => of_plain(frame) }, title => "Not found", what };
    render(StatusCode::NOT_FOUND, "missing.html", &values)
}

fn unavailable(snapshot: &Snapshot, now: Now, told: String) -> Response {
    let mut frame = Frame::new(snapshot, now);
    frame.ledger_error = Some(told);
    let values = context! { view => context! { frame => of_plain(frame) }, title => "Not now", what => "This page needs the ledger." };
    render(StatusCode::SERVICE_UNAVAILABLE, "missing.html", &values)
}

/// Plain data for a template.
fn of_plain(data: impl serde::Serialize) -> minijinja::Value {
    minijinja::value::Serde(data).into()
}

fn html(name: &str, values: &minijinja::Value) -> Result<String, minijinja::Error> {
    TEMPLATES.get_template(name)?.render(values)
}

fn render(status: StatusCode, name: &str, values: &minijinja::Value) -> Response {
    match html(name, values) {
        Ok(html) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, POLICY),
                (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the status page could not be shown");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be shown: the reason is in the log\n")
                .into_response()
        }
    }
}
