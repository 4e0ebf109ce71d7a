//! Urls from paths and references: joined below a root, percent-encoded once.

use url::Url;

/// The url that a text is, if it is an absolute one of the web.
pub(crate) fn absolute(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Joins a path of the author's own, which may be percent-encoded already and may have a query.
pub(crate) fn join_reference(root: &Url, reference: &str) -> Option<Url> {
    let reference = reference.split('#').next().unwrap_or_default();
    let (path, query) = reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
    let decoded: Vec<String> = path.trim_start_matches('/').split('/').map(percent_decode).collect();
    let mut url = join(root, decoded.iter().map(String::as_str))?;
    url.set_query(query);
    Some(url)
}

/// Appends path segments, each percent-encoded, to the root's own path; a last empty one is a trailing slash.
pub(crate) fn join<'a>(root: &Url, segments: impl Iterator<Item = &'a str>) -> Option<Url> {
    let mut url = root.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// Undoes percent-encoding where what comes out is UTF-8; else the text stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return text.to_owned();
    }
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        let decoded = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_percent_encoding_stays() {
        assert_eq!(percent_decode("a%20b%zz%e"), "a b%zz%e");
        assert_eq!(percent_decode("%ff"), "%ff");
    }
}
