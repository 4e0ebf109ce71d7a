//! The stand-in's page for people: sources, pages, and one page as Fin would read it.
//!
//! What it shows was written by others: all of it is escaped, html is sanitised and shown in a sandbox, and the policy
//! in the headers lets nothing be loaded from elsewhere and no script run.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse as _, Response};
use minijinja::{Environment, context};
use serde::Deserialize;
use url::form_urlencoded;

use super::Simulator;
use super::answer::{StoredPage, StoredSource};
use super::call::Window;

const PER_PAGE: u64 = 50;

/// Html over this is not shown: a browser would choke on it.
const MAX_SHOWN_BYTES: usize = 2 * 1024 * 1024;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, source) in [
        ("frame.html", include_str!("web/frame.html")),
        ("index.html", include_str!("web/index.html")),
        ("page.html", include_str!("web/page.html")),
        ("read.html", include_str!("web/read.html")),
        ("missing.html", include_str!("web/missing.html")),
    ] {
        templates.add_template(name, source).expect("the embedded templates are well formed: a test renders each");
    }
    templates
});

static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut sanitiser = ammonia::Builder::default();
    // A picture's text is what is read of it; the picture itself would have to come from elsewhere.
    sanitiser.attribute_filter(|element, attribute, value| match (element, attribute) {
        ("img", "src" | "width" | "height") => None,
        _ => Some(value.into()),
    });
    sanitiser
});

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct IndexQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    page: String,
}

/// The list of sources and pages.
pub(super) fn index(simulator: &Simulator, query: &IndexQuery) -> Response {
    let source = query.source.parse::<i64>().ok();
    let number = query.page.parse::<u64>().unwrap_or(1).clamp(1, 1_000_000);
    let search: String = query.q.trim().chars().take(200).collect();
    let window = Window { page: number, per_page: PER_PAGE };
    let found = {
        let store = &simulator.model().store;
        let sources = Window { page: 1, per_page: 1_000 };
        store.sources(sources).and_then(|(sources, _)| {
            let counts = store.page_counts()?;
            let (pages, total) = store.search(source, &search, window)?;
            Ok((sources, counts, pages, total))
        })
    };
    let (sources, counts, pages, total) = match found {
        Ok(found) => found,
        Err(error) => return broken(&error),
    };
    let pages_of = |id: i64| counts.iter().find(|(source, _)| *source == id).map_or(0, |(_, count)| *count);
    let name_of = |id: i64| sources.iter().find(|source| source.id == id).map(|source| source.url.as_str());
    let last = total.div_ceil(PER_PAGE).max(1);
    let link = |page: u64| {
        let mut link = form_urlencoded::Serializer::new(String::from("/?"));
        if !search.is_empty() {
            link.append_pair("q", &search);
        }
        if let Some(source) = source {
            link.append_pair("source", &source.to_string());
        }
        link.append_pair("page", &page.to_string()).finish()
    };
    let rows: Vec<_> = pages
        .iter()
        .map(
            |page| context! { source => name_of(page.source_id), deactivated => is_off(&sources, page), ..facts(page) },
        )
        .collect();
    let listed: Vec<_> = sources
        .iter()
        .map(|source| context! {
            id => source.id, url => &source.url, active => source.status == "active",
            sync_behavior => &source.sync_behavior, pages => pages_of(source.id), audience_ids => &source.audience_ids,
        })
        .collect();
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let all_calls = simulator.stats().requests;
    render(
        StatusCode::OK,
        "index.html",
        &context! {
            sources => listed, rows, q => &search, chosen => source, total, all, all_calls, number, last,
            before => (number > 1).then(|| link(number - 1)),
            behind => (number < last).then(|| link(number + 1)),
        },
    )
}

/// One page as Fin would read it.
pub(super) fn page(simulator: &Simulator, id: i64) -> Response {
    let found = {
        let store = &simulator.model().store;
        store.page(id).and_then(|page| {
            let source = page.as_ref().map(|page| store.source(page.source_id)).transpose()?.flatten();
            Ok(page.zip(source))
        })
    };
    let (page, source) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return render(StatusCode::NOT_FOUND, "missing.html", &context! { id }),
        Err(error) => return broken(&error),
    };
    let shown = page.html.len() <= MAX_SHOWN_BYTES;
    let inner = if shown { SANITISER.clean(&page.html).to_string() } else { String::new() };
    let read = TEMPLATES
        .get_template("read.html")
        .and_then(|template| template.render(context! { title => &page.title, locale => &page.locale, inner }));
    let read = match read {
        Ok(read) => read,
        Err(error) => return broken(&error),
    };
    render(
        StatusCode::OK,
        "page.html",
        &context! {
            shown, read,
            markup => if shown { page.html.as_str() } else { "" },
            html_bytes => page.html.len(),
            source => source.url, source_id => source.id, deactivated => source.status != "active",
            created_at => written(page.created_at), updated_at => written(page.updated_at),
            ..facts(&page)
        },
    )
}

/// The style sheet of all pages.
pub(super) async fn style() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=300"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("web/style.css")).into_response()
}

fn facts(page: &StoredPage) -> minijinja::Value {
    // Only what a browser may follow becomes a link.
    let is_web = page.url.as_deref().is_some_and(|url| url.starts_with("https://") || url.starts_with("http://"));
    context! {
        id => page.id, title => &page.title, external_id => &page.external_id, url => &page.url, is_web,
        locale => &page.locale, ai_agent => page.ai_agent, ai_copilot => page.ai_copilot,
    }
}

fn is_off(sources: &[StoredSource], page: &StoredPage) -> bool {
    sources.iter().any(|source| source.id == page.source_id && source.status != "active")
}

fn written(time_s: i64) -> String {
    jiff::Timestamp::from_second(time_s)
        .map_or_else(|_| time_s.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn render(status: StatusCode, name: &str, context: &minijinja::Value) -> Response {
    match TEMPLATES.get_template(name).and_then(|template| template.render(context)) {
        Ok(html) => {
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, POLICY),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (REFERRER_POLICY, "no-referrer"),
                (CACHE_CONTROL, "no-store"),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => broken(&error),
    }
}

fn broken(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "the simulator's page could not be shown");
    (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be shown: the reason is in the log\n").into_response()
}
