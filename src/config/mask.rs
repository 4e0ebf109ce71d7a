//! Masks secrets in a line of the configuration before it is shown. Pure, and works on text that is no valid YAML.
//!
//! Rather masks too much than too little: a value under a key that sounds like a secret, on its line or on the lines
//! below it; everything under `headers`; credentials in a url; any long run of the letters that tokens are made of.
//! A value that is nothing but a `${VARIABLE}` is shown: it is what its error is about.

use std::ops::Range;

const MASK: &str = "***";
/// A run of so many token characters, with digits and letters, is taken for a token wherever it stands.
const TOKEN_CHARS: usize = 24;
const SECRET_WORDS: [&str; 10] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "api_key",
    "api-key",
    "cookie",
    "credential",
];

/// The line that starts at `start` of `text` with its secrets masked, and its span moved to where it is then.
pub(super) fn line(text: &str, start: usize, line: &str, span: Range<usize>) -> (String, Range<usize>) {
    let mut hidden = [secret_values(line), url_credentials(line), tokens(line)].concat();
    if belongs_to_secret(text, start, line) {
        hidden.push(line.len() - line.trim_start().len()..line.len());
    }
    hidden.retain(|range| !range.is_empty());
    hidden.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(line.len());
    let (mut from, mut moved) = (0, span.clone());
    for range in hidden {
        if range.end <= from {
            continue;
        }
        let range = range.start.max(from)..range.end;
        out.push_str(&line[from..range.start]);
        let masked = out.len()..out.len() + MASK.len();
        out.push_str(MASK);
        moved.start = shift(moved.start, span.start, &range, &masked, masked.start);
        moved.end = shift(moved.end, span.end, &range, &masked, masked.end);
        from = range.end;
    }
    out.push_str(&line[from..]);
    let end = moved.end.min(out.len());
    (out, moved.start.min(end)..end)
}

/// Where a place of the line is after one more range was masked.
fn shift(now: usize, original: usize, range: &Range<usize>, masked: &Range<usize>, inside: usize) -> usize {
    if original >= range.end {
        masked.end + (original - range.end)
    } else if original > range.start {
        inside
    } else {
        now
    }
}

/// Whether a line lies under a secret key, or continues its value.
fn belongs_to_secret(text: &str, start: usize, line: &str) -> bool {
    let mut above = text[..start].lines().rev().filter(|l| !l.trim().is_empty()).peekable();
    let ends_with_secret = |l: &&str| {
        let key = l.trim_end().strip_suffix(':').map(|l| l.rsplit([' ', '{', ',', '"', '\'']).find(|w| !w.is_empty()));
        key.flatten().is_some_and(is_secret)
    };
    if above.peek().is_some_and(ends_with_secret) {
        return true;
    }
    let mut indent = indent_of(line);
    for above in above {
        if indent == 0 {
            break;
        }
        if indent_of(above) < indent {
            indent = indent_of(above);
            if key_of(above).is_some_and(|key| is_secret(key) || key.eq_ignore_ascii_case("headers")) {
                return true;
            }
        }
    }
    false
}

fn indent_of(line: &str) -> usize {
    // The dash of a list item indents like a space does.
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start_matches([' ', '\t', '-']).split_once(':')?;
    Some(key.trim().trim_matches(['"', '\'']))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !key.ends_with("_file") && SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// The values of secret keys on this line, in block style or within braces.
fn secret_values(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let in_headers = line.to_ascii_lowercase().find("headers").unwrap_or(usize::MAX);
    for (colon, _) in line.match_indices(':') {
        let before = line[..colon].trim_end().trim_end_matches(['"', '\'']);
        let key_start = before.rfind([' ', '\t', ',', '{', '[', '"', '\'']).map_or(0, |n| n + 1);
        let key = &before[key_start..];
        let after = &line[colon + 1..];
        let value_start = colon + 1 + (after.len() - after.trim_start().len());
        let value = &line[value_start..];
        let headers_value = key_start > in_headers && !key.eq_ignore_ascii_case("headers");
        if !(is_secret(key) || headers_value) || value.starts_with(['|', '>', '#']) {
            continue;
        }
        let in_braces = line[..colon].contains('{');
        let len = value_len(value, in_braces);
        if !is_variable(&value[..len]) {
            found.push(value_start..value_start + len);
        }
    }
    found
}

fn value_len(value: &str, in_braces: bool) -> usize {
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return value[1..].find(quote).map_or(value.len(), |n| n + 2);
    }
    if value.starts_with(['[', '{']) {
        return value.len();
    }
    if in_braces && !value.starts_with('$') {
        return value.find([',', '}']).unwrap_or(value.len());
    }
    value.find(" #").unwrap_or(value.len())
}

/// `${NAME}`, perhaps in quotes, perhaps after `Bearer`, perhaps with the brackets that close around it.
fn is_variable(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'', '}', ' ']);
    let value = value.strip_prefix("Bearer ").unwrap_or(value);
    value.strip_prefix("${").is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// `user:password` in `https://user:password@host`.
fn url_credentials(line: &str) -> Vec<Range<usize>> {
    line.match_indices("://")
        .filter_map(|(at, _)| {
            let start = at + 3;
            let end = line[start..].find(['/', '?', '#', ' ', '"', '\'']).map_or(line.len(), |n| start + n);
            line[start..end].rfind('@').map(|n| start..start + n)
        })
        .collect()
}

fn tokens(line: &str) -> Vec<Range<usize>> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '=' | '+');
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if is_token(c) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            let run = &line[from..at];
            let mixed = run.contains(|c: char| c.is_ascii_digit()) && run.contains(|c: char| c.is_ascii_alphabetic());
            if run.len() >= TOKEN_CHARS && mixed {
                found.push(from..at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let start = text.rfind('\n').map_or(0, |n| n + 1);
        line(text, start, &text[start..], 0..0).0
    }

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (text, expected) in [
            ("token: abc", "token: ***"),
            ("  token: abc # mine", "  token: *** # mine"),
            ("token: 'a b' # mine", "token: *** # mine"),
            ("{token: abc, region: eu}", "{token: ***, region: eu}"),
            ("{ \"token\": \"a,b\", region: eu }", "{ \"token\": ***, region: eu }"),
            ("token: [a, b]", "token: ***"),
            ("webhook_secret: abc", "webhook_secret: ***"),
            ("headers: { A: b, C: \"d\" }", "headers: { A: ***, C: *** }"),
            ("headers:\n  A: b", "  ***"),
            ("token: |\n  abc", "  ***"),
            ("token:\nabc", "***"),
            ("{ token:\nabc }", "***"),
            ("url: https://me:pw@host/x", "url: https://***@host/x"),
            ("x: dG9rOjEyMzQ1Njc4OTBhYmNkZWZn", "x: ***"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "token_file: /run/credentials/finmirror/intercom",
            "token: ${INTERCOM_TOKEN}",
            "{token: \"${INTERCOM_TOKEN}\"}",
            "Authorization: \"Bearer ${PORTAL}\"",
            "url: https://docs.example.com/a@b",
            "intercom:\n  region: us",
            "token: x\nregion: us",
            "path: /var/lib/finmirror/a-long-name-of-a-folder-2026/ledger.db",
        ] {
            let line = text.lines().last().unwrap();
            assert_eq!(masked(text), line);
        }
    }

    #[test]
    fn the_span_moves_with_the_text() {
        let text = "{token: abcdefgh, regoin: eu}";
        let at = text.find("regoin").unwrap();
        let (shown, span) = line(text, 0, text, at..at + 6);
        assert_eq!(&shown[span], "regoin");
        let (shown, span) = line(text, 0, text, 10..12);
        assert_eq!(&shown[span], "***");
    }
}
