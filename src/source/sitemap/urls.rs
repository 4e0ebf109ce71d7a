//! The website's own urls, and the paths that its documents have for them.
//!
//! A document's path is its public url's path and query without the first slash; that of the home page is `/`, for an empty
//! one is no id. Pure. The invariant: a path leads back to the very url that it was made of.

use url::Url;

use super::client::ClientOptions;
use crate::page::DocPath;

/// A url that is longer is none that anybody serves; the protocol allows 2,048.
const MAX_URL_BYTES: usize = 4096;

/// What a list's url is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// One of the website's own, public and in one spelling.
    Own(Url),
    /// Of another host, which is named.
    Foreign(String),
    /// None at all.
    Broken,
}

/// Reads a url as a list at `base` spells it: without its fragment and without a user's name; the host in lower case, as
/// it is public. `http` where the website is `https` (or the reverse) is a slip of the list's.
pub(super) fn named(text: &str, base: &Url, root: &Url, client: &ClientOptions) -> Named {
    if text.len() > MAX_URL_BYTES {
        return Named::Broken;
    }
    let Ok(url) = base.join(text) else { return Named::Broken };
    if !matches!(url.scheme(), "http" | "https") {
        return Named::Broken;
    }
    let mut url = client.published_at(&plain(url));
    if url.scheme() != root.scheme() && url.host() == root.host() && url.port().is_none() && root.port().is_none() {
        // Both are `http` or `https`, between which a url may change.
        let _ = url.set_scheme(root.scheme());
    }
    match url.host_str() {
        _ if is_own(&url, root) => Named::Own(url),
        Some(host) => Named::Foreign(host.to_owned()),
        None => Named::Broken,
    }
}

/// Without what no server is asked for, and nobody is to be sent.
pub(super) fn plain(mut url: Url) -> Url {
    url.set_fragment(None);
    // Fails only for urls that have no host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Whether a public url is of this website: same scheme, host and port.
pub(super) fn is_own(url: &Url, root: &Url) -> bool {
    (url.scheme(), url.host(), url.port_or_known_default())
        == (root.scheme(), root.host(), root.port_or_known_default())
}

/// The path of the document at a url of the website's own.
pub(super) fn path_of(url: &Url) -> DocPath {
    // The home page keeps its slash, and so does whatever else is nothing but slashes: `//` is another page.
    let path = url.path().strip_prefix('/').filter(|path| !is_slashes(path)).unwrap_or(url.path());
    match url.query() {
        None => DocPath::new(in_capitals(path)),
        Some(query) => DocPath::new(in_capitals(&format!("{path}?{query}"))),
    }
}

/// Escapes in the one case that they have by RFC 3986 (6.2.2.1): `%c3` and `%C3` are one.
fn in_capitals(path: &str) -> String {
    let mut after = 0;
    let capital = |character: char| {
        let is_digit = std::mem::take(&mut after);
        after = if character == '%' { 2 } else { usize::saturating_sub(is_digit, 1) };
        if is_digit > 0 && character.is_ascii_hexdigit() { character.to_ascii_uppercase() } else { character }
    };
    path.chars().map(capital).collect()
}

/// The url of a document.
pub(super) fn url_of(path: &DocPath, root: &Url) -> Url {
    let (path, query) = match path.as_str().split_once('?') {
        None => (path.as_str(), None),
        Some((path, query)) => (path, Some(query)),
    };
    let mut url = root.clone();
    if is_slashes(path) {
        url.set_path(path);
    } else {
        url.set_path(&format!("/{path}"));
    }
    url.set_query(query);
    url
}

fn is_slashes(path: &str) -> bool {
    path.bytes().all(|byte| byte == b'/')
}

/// A path as a person would write it: its escapes decoded, where that is text.
pub(super) fn readable(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = || match after {
            [high, low, ..] if byte == b'%' => Some(hex(*high)? << 4 | hex(*low)?),
            _ => None,
        };
        let decoded = escaped();
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::client::Login;
    use super::*;

    fn client() -> ClientOptions {
        let swap =
            ["https://docs.example.com/", "http://portal.internal:8080/docs/"].map(|url| Url::parse(url).unwrap());
        ClientOptions {
            fetch_from: vec![swap.into()],
            allow_networks: Vec::new(),
            proxy: None,
            headers: Vec::new(),
            login: Login::None,
            cookies_file: None,
            client_certificate: None,
            ca_file: None,
            concurrency: 1,
            delay: Duration::ZERO,
            timeout: Duration::from_secs(1),
            max_bytes: 1,
        }
    }

    fn root() -> Url {
        Url::parse("https://docs.example.com/").unwrap()
    }

    #[test]
    fn a_lists_urls_are_the_websites_own_in_one_spelling_or_left_out() {
        let base = root().join("sitemaps/one.xml").unwrap();
        for (text, expected) in [
            ("https://DOCS.Example.com:443/a/../b/?q=1#top", Some("b/?q=1")),
            ("http://docs.example.com/a", Some("a")),
            ("http://portal.internal:8080/docs/a", Some("a")),
            ("https://user:secret@docs.example.com/a", Some("a")),
            ("/a", Some("a")),
            ("b", Some("sitemaps/b")),
            ("https://docs.example.com", Some("/")),
            ("https://docs.example.com/?", Some("/?")),
            ("https://docs.example.com//?", Some("//?")),
            ("https://docs.example.com/caf\u{e9}", Some("caf%C3%A9")),
            ("https://docs.example.com/caf%c3%a9ab?%c3", Some("caf%C3%A9ab?%C3")),
            ("https://docs.example.com//other.example/x", Some("/other.example/x")),
            ("//other.example/x", None),
            ("https://docs.example.com:8443/a", None),
            ("http://portal.internal:8080/elsewhere", None),
            ("https://docs.example.com.other.example/", None),
            ("javascript:alert(1)", None),
            ("https://[bad", None),
        ] {
            let path = match named(text, &base, &root(), &client()) {
                Named::Own(url) => Some(path_of(&url).to_string()),
                Named::Foreign(_) | Named::Broken => None,
            };
            assert_eq!(path.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_path_leads_back_to_its_url(path in "[/a-z%.?é]{0,30}") {
            let Ok(url) = root().join(&path) else { return Ok(()) };
            if is_own(&url, &root()) {
                let url = plain(url);
                let back = url_of(&path_of(&url), &root());
                prop_assert_eq!(path_of(&back), path_of(&url));
                prop_assert_eq!(back.as_str().to_lowercase(), url.as_str().to_lowercase());
            }
        }

        #[test]
        fn any_path_is_readable(path in ".{0,40}") {
            readable(&path);
        }
    }
}
