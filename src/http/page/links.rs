//! Addresses of the status page: made and never guessed. Whatever a name or an id holds, it stays in its place of the path.

use std::fmt::Write;

use url::form_urlencoded;

/// A source's page.
pub(super) fn source(name: &str) -> String {
    format!("/sources/{}", segment(name))
}

/// A page as Fin reads it, with all that is known of it.
pub(super) fn page(source: &str, id: &str) -> String {
    format!("/sources/{}/pages/{}", segment(source), path(id))
}

/// The page's content alone, for a frame.
pub(super) fn read(source: &str, id: &str) -> String {
    format!("/sources/{}/read/{}", segment(source), path(id))
}

/// A portion of the list of a source's pages.
pub(super) fn list(name: &str, words: &str, standing: Option<&str>, number: u64) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !words.is_empty() {
        query.append_pair("q", words);
    }
    if let Some(standing) = standing {
        query.append_pair("show", standing);
    }
    if number > 1 {
        query.append_pair("page", &number.to_string());
    }
    let query = query.finish();
    let question = if query.is_empty() { "" } else { "?" };
    format!("{}{question}{query}#pages", source(name))
}

/// An id as the rest of a path. Its `/` stay where browsers leave them alone: they resolve `.` and `..`, and some servers
/// before us join `//`.
fn path(id: &str) -> String {
    if id.split('/').all(|part| !matches!(part, "" | "." | "..")) {
        id.split('/').map(segment).collect::<Vec<_>>().join("/")
    } else {
        segment(id)
    }
}

fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_it_stays_in_its_place() {
        assert_eq!(page("a b", "guide/start.md"), "/sources/a%20b/pages/guide/start.md");
        assert_eq!(page("s", "a?b#c&\"<é"), "/sources/s/pages/a%3Fb%23c%26%22%3C%C3%A9");
        assert_eq!(page("s", "../live"), "/sources/s/pages/..%2Flive");
        assert_eq!(page("s", "/a//b"), "/sources/s/pages/%2Fa%2F%2Fb");
        assert_eq!(read("s", "a/./b"), "/sources/s/read/a%2F.%2Fb");
        assert_eq!(list("s", "a&b", Some("failing"), 2), "/sources/s?q=a%26b&show=failing&page=2#pages");
        assert_eq!(list("s", "", None, 1), "/sources/s#pages");
    }
}
