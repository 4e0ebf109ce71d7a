//! What `PyMdown` and Material add within a line: icons, keys, marks, attribute lists, edits.

use std::borrow::Cow;

/// Rewrites one line of prose; code within it stays.
pub(super) fn rewrite(line: &str) -> Cow<'_, str> {
    if !line.contains([':', '{', '+', '=', '^', '~']) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let near = head(rest);
        let (written, taken) = match rest.as_bytes()[0] {
            b'`' => code(rest),
            b'\\' => {
                let escaped = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (Cow::Borrowed(&rest[..escaped]), escaped)
            }
            b':' => icon(near, &out),
            b'{' => braces(near, &out),
            b'+' => keys(near),
            b'=' => paired(near, "==", "<mark>", "</mark>"),
            b'^' => paired(near, "^^", "<ins>", "</ins>"),
            b'~' if rest.starts_with("~~") => (Cow::Borrowed("~~"), 2),
            b'~' => script(near),
            _ => {
                let end = rest.find(['`', '\\', ':', '{', '+', '=', '^', '~']).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), end)
            }
        };
        if taken == 0 {
            // Only itself.
            out.push_str(&rest[..1]);
            at += 1;
        } else {
            out.push_str(&written);
            at += taken;
        }
    }
    Cow::Owned(out)
}

type Piece<'a> = (Cow<'a, str>, usize);
const NOTHING: Piece<'static> = (Cow::Borrowed(""), 0);

/// As far as what begins here may reach: longer ones are nobody's, and looking for their ends takes time.
fn head(text: &str) -> &str {
    let mut end = text.len().min(1_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A code span; one that this line does not end is code to the line's end, which keeps what is in it.
fn code(rest: &str) -> Piece<'_> {
    let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
    let mut at = ticks;
    while let Some(open) = rest[at..].find('`').map(|open| at + open) {
        let length = rest[open..].bytes().take_while(|byte| *byte == b'`').count();
        at = open + length;
        if length == ticks {
            return (Cow::Borrowed(&rest[..at]), at);
        }
    }
    (Cow::Borrowed(&rest[..ticks]), ticks)
}

/// `:material-account:`, `:smile:`: a picture, which has no text.
fn icon<'a>(rest: &'a str, before: &str) -> Piece<'a> {
    if before.ends_with(|c: char| c.is_alphanumeric()) {
        return NOTHING;
    }
    let Some(end) = rest[1..].find(':').map(|end| end + 1).filter(|end| *end <= 80) else { return NOTHING };
    let name = &rest[1..end];
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '+' || c == '-')
        && name.len() > 1
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_+".contains(&byte));
    if is_name { (Cow::Borrowed(""), end + 1) } else { NOTHING }
}

/// An attribute list after what it belongs to, or an edit of Critic Markup.
fn braces<'a>(rest: &'a str, before: &str) -> Piece<'a> {
    for (open, close, tag) in [("{--", "--}", "del"), ("{++", "++}", "ins"), ("{==", "==}", "mark")] {
        if let Some(inner) = rest.strip_prefix(open)
            && let Some(end) = inner.find(close)
        {
            return (Cow::Owned(format!("<{tag}>{}</{tag}>", &inner[..end])), end + 6);
        }
    }
    if rest.starts_with("{>>")
        && let Some(end) = rest.find("<<}")
    {
        return (Cow::Borrowed(""), end + 3);
    }
    if rest.starts_with("{~~")
        && let (Some(middle), Some(end)) = (rest.find("~>"), rest.find("~~}"))
        && middle < end
    {
        let text = format!("<del>{}</del><ins>{}</ins>", &rest[3..middle], &rest[middle + 2..end]);
        return (Cow::Owned(text), end + 3);
    }
    let follows = before.is_empty() || before.ends_with([')', ']', '`', '*', '_', '>', ' ', '"']);
    match attributes(rest).filter(|_| follows) {
        Some((_, length)) => (Cow::Borrowed(""), length),
        None => NOTHING,
    }
}

/// The id and the length of an attribute list: `{ #id .class key="value" }`, `{: … }`.
pub(super) fn attributes(text: &str) -> Option<(Option<&str>, usize)> {
    let end = text.find('}')?;
    let inner = text[1..end].trim_start_matches(':').trim();
    if inner.is_empty() || text[1..].starts_with(['{', '%']) {
        return None;
    }
    let mut id = None;
    let mut rest = inner;
    while !rest.is_empty() {
        let quoted = rest.find(['"', '\'']);
        let blank = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let length = match quoted {
            Some(open) if open < blank => {
                let quote = char::from(rest.as_bytes()[open]);
                open + 2 + rest[open + 1..].find(quote)?
            }
            _ => blank,
        };
        let word = &rest[..length];
        let name = word.split('=').next().unwrap_or_default().trim_start_matches(['.', '#']);
        let is_one = (word.starts_with(['.', '#']) || word.contains('='))
            && !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '@'));
        if !is_one {
            return None;
        }
        id = id.or(word.strip_prefix('#'));
        rest = rest[length..].trim_start();
    }
    Some((id, end + 1))
}

/// `++ctrl+alt++`.
fn keys(rest: &str) -> Piece<'_> {
    let Some(inner) = rest.strip_prefix("++") else { return NOTHING };
    let Some(end) = inner.find("++").filter(|end| *end > 0 && *end < 80) else { return NOTHING };
    let names = &inner[..end];
    let is_key = |name: &str| {
        let bare = name.trim_matches('"');
        !bare.is_empty() && (bare.len() < name.len() || name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    if !names.split('+').all(is_key) {
        return NOTHING;
    }
    let shown = names.split('+').map(|name| {
        let name = name.trim_matches('"').replace('-', " ");
        let mut chars = name.chars();
        let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        format!("<kbd>{first}{}</kbd>", chars.as_str())
    });
    (Cow::Owned(shown.collect::<Vec<_>>().join("+")), end + 4)
}

/// `==marked==`.
fn paired<'a>(rest: &'a str, sign: &str, open: &str, close: &str) -> Piece<'a> {
    let Some(inner) = rest.strip_prefix(sign) else { return NOTHING };
    let ends = |end: &usize| *end > 0 && !inner[..*end].ends_with(' ');
    match inner.find(sign).filter(ends).filter(|_| !inner.starts_with([' ', '='])) {
        Some(end) => (Cow::Owned(format!("{open}{}{close}", rewrite(&inner[..end]))), end + 2 * sign.len()),
        None => (Cow::Borrowed(&rest[..sign.len()]), sign.len()),
    }
}

/// `H~2~O`.
fn script(rest: &str) -> Piece<'_> {
    match rest[1..].find('~').map(|end| end + 1) {
        Some(end) if end > 1 && !rest[1..end].contains(char::is_whitespace) => {
            (Cow::Owned(format!("<sub>{}</sub>", &rest[1..end])), end + 1)
        }
        _ => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_within_a_line_becomes_html_or_nothing() {
        for (line, expected) in [
            ("a :material-check: b", "a  b"),
            ("[x](y){ .md-button #i } z", "[x](y) z"),
            ("![x](y){ width=\"300 px\" }", "![x](y)"),
            ("++ctrl+page-up++", "<kbd>Ctrl</kbd>+<kbd>Page up</kbd>"),
            ("==a `==` b==", "<mark>a `</mark>` b=="),
            ("a {--b--} {++c++} {>>d<<} {~~e~>f~~}", "a <del>b</del> <ins>c</ins>  <del>e</del><ins>f</ins>"),
            ("H~2~O ~~x~~ ~", "H<sub>2</sub>O ~~x~~ ~"),
            ("`:x: {.a}` \\{.b} {c}", "`:x: {.a}` \\{.b} {c}"),
            ("10:30:00 a:b: C++ and C++", "10:30:00 a:b: C++ and C++"),
            ("a { b } {{ x }} {% y %}", "a { b } {{ x }} {% y %}"),
            ("x == y == z", "x == y == z"),
        ] {
            assert_eq!(rewrite(line), expected, "{line}");
        }
    }

    #[test]
    fn many_signs_take_linear_time() {
        for piece in [":a", "{", "++a", "==", "^^", "`", "~a", "\\"] {
            let _ = rewrite(&piece.repeat(20_000));
        }
    }
}
