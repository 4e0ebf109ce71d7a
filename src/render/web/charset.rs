//! The text of an answer: in the encoding that a browser would take, by the mark at its beginning, by `Content-Type`, by
//! its own `<meta>`; in the one that it seems to be in where it says none.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// How far a page's own word for its encoding is looked for; a browser looks no further than 1024 bytes.
const HEAD: usize = 4096;

/// Text and never an error: what is no character of the encoding becomes U+FFFD.
pub(super) fn decoded<'a>(body: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return encoding.decode_without_bom_handling(body.get(mark..).unwrap_or_default()).0;
    }
    let named = content_type.and_then(of_content_type).or_else(|| of_meta(body));
    let seems = || {
        if std::str::from_utf8(body).is_ok() {
            return UTF_8;
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(body, true);
        detector.guess(None, Utf8Detection::Allow)
    };
    let encoding = named.unwrap_or_else(seems);
    encoding.decode_without_bom_handling(body).0
}

fn of_content_type(content_type: &str) -> Option<&'static Encoding> {
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    Encoding::for_label(charset.as_bytes())
}

/// `<meta charset>`, or the `charset=` of `<meta http-equiv="Content-Type">`; or what an XML declaration says.
fn of_meta(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(body.get(..HEAD).unwrap_or(body)).to_ascii_lowercase();
    if let Some(declaration) = head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split('>').next()) {
        let label = declaration.split_once("encoding=").map(|(_, rest)| label(rest));
        if let Some(encoding) = label.and_then(|label| Encoding::for_label(label.as_bytes())) {
            return Some(encoding);
        }
    }
    head.split("<meta").skip(1).find_map(|tag| {
        let tag = tag.split('>').next()?;
        let (_, rest) = tag.split_once("charset")?;
        let rest = rest.trim_start().strip_prefix('=')?;
        // A page whose meta could be read is not in UTF-16, whatever it says.
        Encoding::for_label(label(rest).as_bytes()).map(Encoding::output_encoding)
    })
}

fn label(rest: &str) -> &str {
    let rest = rest.trim_start().trim_start_matches(['"', '\'']);
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '/' | '?'));
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_the_header_and_the_page_say_the_encoding_in_this_order() {
        let koi = b"<meta charset=koi8-r>\xcd\xc9\xd2";
        assert_eq!(decoded(b"\xef\xbb\xbfcaf\xc3\xa9", Some("text/html; charset=koi8-r")), "café");
        assert_eq!(decoded(b"\xff\xfea\0", None), "a");
        assert_eq!(decoded(koi, Some("text/html")), "<meta charset=koi8-r>мир");
        assert!(decoded(koi, Some("text/html; Charset=\"windows-1252\"")).ends_with("ÍÉÒ"));
        let old = b"<meta http-equiv=Content-Type content='text/html; charset=shift_jis'>\x93\xfa";
        assert!(decoded(old, None).ends_with('日'));
        assert_eq!(decoded(b"<?xml version='1.0' encoding='iso-8859-1'?>\xe9", None).chars().last(), Some('é'));
        assert!(decoded(b"<meta charset='utf-16'>caf\xc3\xa9", None).ends_with("café"));
    }

    #[test]
    fn what_says_nothing_is_read_as_it_seems() {
        assert_eq!(decoded("größer".as_bytes(), None), "größer");
        assert_eq!(decoded(b"Gr\xf6\xdfer als die gr\xf6\xdften H\xe4user", None), "Größer als die größten Häuser");
    }
}
