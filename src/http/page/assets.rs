//! The style sheet, the script and the icons: part of the binary, named by what they hold, so that they may be kept for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::page::SourceHash;

/// The style of what is shown in the frame; it stands in the frame's own document, which may load nothing.
pub(super) const READ_STYLE: &str = include_str!("read.css");

/// Where each of them is.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    style: ASSETS[0].name.clone(),
    script: ASSETS[1].name.clone(),
    icon: ASSETS[2].name.clone(),
    icon_trouble: ASSETS[3].name.clone(),
});

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("style", "css", "text/css; charset=utf-8", include_str!("style.css")),
        asset("live", "js", "text/javascript; charset=utf-8", include_str!("live.js")),
        asset("icon", "svg", "image/svg+xml", include_str!("icon.svg")),
        asset("trouble", "svg", "image/svg+xml", include_str!("trouble.svg")),
    ]
});

/// Their names.
#[derive(Debug, serde::Serialize)]
pub(super) struct Names {
    style: String,
    script: String,
    icon: String,
    icon_trouble: String,
}

struct Asset {
    name: String,
    tag: String,
    kind: &'static str,
    text: &'static str,
}

/// Hands one out.
pub(super) async fn hand_out(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let lasting = [(CACHE_CONTROL, "public, max-age=31536000, immutable"), (ETAG, asset.tag.as_str())];
    let has_it = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == asset.tag.as_bytes());
    if has_it {
        return (StatusCode::NOT_MODIFIED, lasting).into_response();
    }
    (lasting, [(CONTENT_TYPE, asset.kind)], asset.text).into_response()
}

fn asset(stem: &str, extension: &str, kind: &'static str, text: &'static str) -> Asset {
    let hash = SourceHash::of(text.as_bytes()).to_string();
    let hash = &hash[..16];
    Asset { name: format!("{stem}-{hash}.{extension}"), tag: format!("\"{hash}\""), kind, text }
}
