//! Text of others before it is shown: without control characters and credentials, and no longer than a person reads.

use crate::plan::Plain;

/// Names, paths, titles and urls end here.
const SHORT: usize = 300;
/// Messages end here.
const LONG: usize = 2_000;

/// A name, a path, a title, a url.
pub(super) fn short(text: &str) -> String {
    shown(text, SHORT)
}

/// A message.
pub(super) fn long(text: &str) -> String {
    shown(text, LONG)
}

/// Intercom's id of the request that a message is about, to be given to its support.
pub(super) fn request_id(message: &str) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ')' | '(' | ',' | ';' | '`' | '<' | '>' | '"');
    // The embedded stand-in writes it without its field's name.
    let (_, rest) = message.rsplit_once("request_id ").or_else(|| message.rsplit_once("request `"))?;
    rest.split(ends).next().filter(|id| !id.is_empty())
}

fn shown(text: &str, most: usize) -> String {
    let cut = match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    masked(&Plain(&cut).to_string())
}

/// Takes the user and the password out of every address in a text. Nobody should have put them there.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '`' | '"' | '<' | '>'));
        let (authority, behind) = after.split_at(end.unwrap_or(after.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                masked.push_str("…@");
                masked.push_str(host);
            }
            None => masked.push_str(authority),
        }
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_cut_plain_and_without_credentials() {
        assert_eq!(short("a\u{202e}b\nc"), r"a\u{202e}b\nc");
        assert_eq!(short(&"é".repeat(400)).chars().count(), SHORT + 1);
        assert_eq!(
            long("see https://me:s3cret@git.example.com/x?y and ssh://git@h/p"),
            "see https://…@git.example.com/x?y and ssh://…@h/p"
        );
        assert_eq!(short("mailto:a@b and git@host:path"), "mailto:a@b and git@host:path");
    }

    #[test]
    fn the_request_id_is_found_in_both_remotes_words() {
        let intercom = "POST /x for `a.md`: 422 parameter_invalid: no (field `title`, request_id req-1)";
        assert_eq!(request_id(intercom), Some("req-1"));
        assert_eq!(request_id("422: no, request `0198-x`"), Some("0198-x"));
        assert_eq!(request_id("it is empty"), None);
    }
}
