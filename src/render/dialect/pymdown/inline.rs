//! What `PyMdown` and Material add within a line: icons, keys, marks, attribute lists, edits.

use std::borrow::Cow;
use std::collections::HashSet;

use super::keys::shown;
use super::syntax::Syntax;

/// What may begin something within a line.
const SIGNS: [bool; 256] = {
    let mut signs = [false; 256];
    let all = b"`\\:{+=^~$(<]";
    let mut at = 0;
    while at < all.len() {
        signs[all[at] as usize] = true;
        at += 1;
    }
    signs
};

/// Where the first of the signs stands.
fn first_sign(text: &str) -> Option<usize> {
    text.bytes().position(|byte| SIGNS[usize::from(byte)])
}

/// Rewrites one line of prose; code within it stays, as do tags and the targets of links.
pub(super) fn rewrite<'l>(line: &'l str, syntax: &Syntax<'_>) -> Cow<'l, str> {
    if first_sign(line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    let mut was_icon = false;
    while at < line.len() {
        let rest = &line[at..];
        let near = head(rest);
        let after_icon = std::mem::take(&mut was_icon);
        let (written, taken) = match rest.as_bytes()[0] {
            b'`' => code(rest, syntax),
            b'\\' => escape(near, syntax),
            b':' if syntax.has_emoji => {
                let mut piece = icon(near, &out);
                was_icon = piece.1 > 0;
                if was_icon {
                    // Blanks beside a picture would be at the edge of what is emphasised.
                    let after = &rest[piece.1..];
                    if out.ends_with(['*', '_']) {
                        piece.1 += after.len() - after.trim_start_matches(' ').len();
                    } else if after.starts_with(['*', '_']) {
                        out.truncate(out.trim_end_matches(' ').len());
                    }
                }
                piece
            }
            b'{' => braces(near, &out, after_icon, syntax),
            b'+' if syntax.has_keys => keys(near, syntax),
            b'=' if syntax.has_marks => paired(near, "==", ("<mark>", "</mark>"), syntax),
            b'^' if syntax.has_carets && rest.starts_with("^^") => paired(near, "^^", ("<ins>", "</ins>"), syntax),
            b'^' if syntax.has_carets => script(near, '^', "sup"),
            b'~' if rest.starts_with("~~") => (Cow::Borrowed("~~"), 2),
            b'~' if syntax.has_tildes => script(near, '~', "sub"),
            b'$' if syntax.has_math => dollars(near),
            b'(' if syntax.has_symbols => symbol(near),
            b'<' => tag(near),
            b']' => target(near),
            b':' | b'+' | b'=' | b'^' | b'~' | b'$' | b'(' => NOTHING,
            _ => {
                let end = first_sign(rest).unwrap_or(rest.len());
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

/// As [`rewrite`], for text that may link: between the two parts of a reference link a blank may stand.
pub(super) fn rewrite_between<'l>(line: &'l str, syntax: &Syntax<'_>, known: &HashSet<String>) -> Cow<'l, str> {
    if known.is_empty() || memchr::memchr(b']', line.as_bytes()).is_none() || !line.contains("] [") {
        return rewrite(line, syntax);
    }
    let mut out = String::with_capacity(line.len());
    // A box before a link is none of its parts.
    let boxed = ["[x] ", "[X] ", "[ ] "].iter().any(|mark| line.trim_start().starts_with(mark));
    let (task, mut rest) = line.split_at(if boxed { line.find(']').map_or(0, |at| at + 1) } else { 0 });
    out.push_str(task);
    while let Some(at) = rest.find("] [") {
        let label = rest[at + 3..].split(']').next().unwrap_or_default();
        out.push_str(&rest[..=at]);
        rest = &rest[at + if known.contains(&label.to_lowercase()) { 2 } else { 1 }..];
    }
    out.push_str(rest);
    Cow::Owned(rewrite(&out, syntax).into_owned())
}

/// Text that means itself, whatever is in it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
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

/// A code span; one that this line does not end is code to the line's end, which keeps what is in it. Its language goes.
fn code<'a>(rest: &'a str, syntax: &Syntax<'_>) -> Piece<'a> {
    /// A longer one is none of a person's, and would be looked for again and again.
    const MAX_BYTES: usize = 8192;
    let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
    let mut at = ticks;
    while let Some(open) = rest[at..].find('`').map(|open| at + open).filter(|_| at < MAX_BYTES) {
        let length = rest[open..].bytes().take_while(|byte| *byte == b'`').count();
        at = open + length;
        if length == ticks {
            let inner = &rest[ticks..open];
            return match without_language(inner).filter(|_| syntax.has_inline_languages) {
                Some(code) => (Cow::Owned(format!("{}{code}{}", &rest[..ticks], &rest[open..at])), at),
                None => (Cow::Borrowed(&rest[..at]), at),
            };
        }
    }
    (Cow::Borrowed(&rest[..ticks]), ticks)
}

/// What follows `#!py ` or `:::py `.
fn without_language(code: &str) -> Option<&str> {
    let rest = code.trim_start().strip_prefix("#!").or_else(|| code.trim_start().strip_prefix(":::"))?;
    let (language, rest) = rest.split_once(' ')?;
    let is_language = language.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '#' | '.' | '+' | '-'));
    is_language.then_some(rest)
}

/// What a backslash takes its meaning from, or a formula in `\\(…\\)`.
fn escape<'a>(rest: &'a str, syntax: &Syntax<'_>) -> Piece<'a> {
    if syntax.has_math
        && let Some(inner) = rest.strip_prefix("\\(")
        && let Some(end) = inner.find("\\)")
    {
        return (Cow::Owned(escaped(&rest[..end + 4])), end + 4);
    }
    let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
    (Cow::Borrowed(&rest[..length]), length)
}

/// A formula between dollars, or twice two of them.
fn dollars(rest: &str) -> Piece<'_> {
    let sign = if rest.starts_with("$$") { "$$" } else { "$" };
    let inner = &rest[sign.len()..];
    let Some(end) = inner.find(sign).filter(|end| *end > 0) else { return NOTHING };
    let formula = &inner[..end];
    let after = &inner[end + sign.len()..];
    let is_money = sign == "$"
        && (formula.starts_with(char::is_whitespace)
            || formula.ends_with(char::is_whitespace)
            || after.starts_with(|c: char| c.is_ascii_digit()));
    if is_money {
        return NOTHING;
    }
    let length = end + 2 * sign.len();
    (Cow::Owned(escaped(&rest[..length])), length)
}

/// `(c)` and its like, with `pymdownx.smartsymbols`.
fn symbol(rest: &str) -> Piece<'_> {
    let known = [("(c)", "©"), ("(r)", "®"), ("(tm)", "™")];
    known
        .into_iter()
        .find(|(text, _)| rest.starts_with(text))
        .map_or(NOTHING, |(text, symbol)| (symbol.into(), text.len()))
}

/// A tag, a comment or an address in angle brackets.
fn tag(rest: &str) -> Piece<'_> {
    if let Some(end) = rest.strip_prefix("<!--").and_then(|inner| inner.find("-->")) {
        return (Cow::Borrowed(&rest[..end + 7]), end + 7);
    }
    let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    match rest.find('>').filter(|_| is_tag) {
        Some(end) => (Cow::Borrowed(&rest[..=end]), end + 1),
        None => NOTHING,
    }
}

/// Where a link goes; blanks in it are allowed here.
fn target(rest: &str) -> Piece<'_> {
    let Some(inner) = rest.strip_prefix("](") else { return NOTHING };
    let mut depth = 1_usize;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let target = inner[..at].trim();
            let length = at + 3;
            let has_title = target.contains(['"', '\'', '<', '\\']);
            if !target.contains(char::is_whitespace) || has_title {
                return (Cow::Borrowed(&rest[..length]), length);
            }
            return (Cow::Owned(format!("](<{target}>)")), length);
        }
    }
    NOTHING
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
fn braces<'a>(rest: &'a str, before: &str, after_icon: bool, syntax: &Syntax<'_>) -> Piece<'a> {
    if syntax.has_edits {
        let piece = edit(rest);
        if piece.1 > 0 {
            return piece;
        }
    }
    let is_attached = after_icon || before.ends_with([')', ']', '`', '*', '_', '>']);
    let follows = is_attached || before.is_empty() || before.ends_with([' ', '"']);
    match attributes(rest, is_attached).filter(|_| follows && syntax.has_attributes) {
        Some((_, length)) => (Cow::Borrowed(""), length),
        None => NOTHING,
    }
}

fn edit(rest: &str) -> Piece<'_> {
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
        && middle >= 3
        && middle + 2 <= end
    {
        let text = format!("<del>{}</del><ins>{}</ins>", &rest[3..middle], &rest[middle + 2..end]);
        return (Cow::Owned(text), end + 3);
    }
    NOTHING
}

/// The id and the length of an attribute list: `{ #id .class key="value" }`, `{: … }`; where it surely is one, a bare word
/// is an attribute as well.
pub(super) fn attributes(text: &str, is_sure: bool) -> Option<(Option<&str>, usize)> {
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
        let is_short = word.starts_with(['.', '#']);
        let is_one = (is_sure || is_short || word.contains('='))
            && !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '@') || (is_short && c != '{'));
        if !is_one {
            return None;
        }
        id = id.or(word.strip_prefix('#'));
        rest = rest[length..].trim_start();
    }
    Some((id, end + 1))
}

/// `++ctrl+alt++`.
fn keys<'a>(rest: &'a str, syntax: &Syntax<'_>) -> Piece<'a> {
    let Some(inner) = rest.strip_prefix("++") else { return NOTHING };
    let Some(end) = inner.find("++").filter(|end| *end > 0 && *end < 80) else { return NOTHING };
    let names = &inner[..end];
    let is_key = |name: &str| {
        let bare = name.trim_matches('"');
        !bare.is_empty()
            && (bare.len() < name.len() || name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
    };
    if !names.split('+').all(is_key) {
        return NOTHING;
    }
    let shown = names.split('+').map(|name| {
        let own = syntax.keys.and_then(|keys| keys.get(name)).cloned();
        let bare = name.trim_matches('"');
        let label = own.unwrap_or_else(|| if bare.len() < name.len() { bare.to_owned() } else { shown(bare) });
        format!("<kbd>{}</kbd>", escaped(&label))
    });
    (Cow::Owned(shown.collect::<Vec<_>>().join("+")), end + 4)
}

/// `==marked==`.
fn paired<'a>(rest: &'a str, sign: &str, (open, close): (&str, &str), syntax: &Syntax<'_>) -> Piece<'a> {
    let Some(inner) = rest.strip_prefix(sign) else { return NOTHING };
    let ends = |end: &usize| *end > 0 && !inner[..*end].ends_with(' ');
    match inner.find(sign).filter(ends).filter(|_| !inner.starts_with([' ', '='])) {
        Some(end) => (Cow::Owned(format!("{open}{}{close}", rewrite(&inner[..end], syntax))), end + 2 * sign.len()),
        None => (Cow::Borrowed(&rest[..sign.len()]), sign.len()),
    }
}

/// `H~2~O`, `A^T^`.
fn script<'a>(rest: &'a str, sign: char, tag: &str) -> Piece<'a> {
    match rest[1..].find(sign).map(|end| end + 1) {
        Some(end) if end > 1 && !rest[1..end].replace("\\ ", "").contains(char::is_whitespace) => {
            (Cow::Owned(format!("<{tag}>{}</{tag}>", &rest[1..end])), end + 1)
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
            ("++ctrl+page-up++", "<kbd>Ctrl</kbd>+<kbd>Page Up</kbd>"),
            ("A^T^A (c) [a](b c.md) <b x=\"a:b:c\">", "A<sup>T</sup>A © [a](<b c.md>) <b x=\"a:b:c\">"),
            ("`#!py x` $a_b$ $5 and $6", "`x` \\$a\\_b\\$ $5 and $6"),
            ("==a `==` b==", "<mark>a `</mark>` b=="),
            ("a {--b--} {++c++} {>>d<<} {~~e~>f~~}", "a <del>b</del> <ins>c</ins>  <del>e</del><ins>f</ins>"),
            ("H~2~O ~~x~~ ~", "H<sub>2</sub>O ~~x~~ ~"),
            ("`:x: {.a}` \\{.b} {c}", "`:x: {.a}` \\{.b} {c}"),
            ("10:30:00 a:b: C++ and C++", "10:30:00 a:b: C++ and C++"),
            ("a { b } {{ x }} {% y %}", "a { b } {{ x }} {% y %}"),
            ("x == y == z", "x == y == z"),
        ] {
            assert_eq!(rewrite(line, &Syntax::everything()), expected, "{line}");
        }
    }

    #[test]
    fn many_signs_take_linear_time() {
        for piece in [":a", "{", "++a", "==", "^^", "`", "~a", "\\"] {
            let _ = rewrite(&piece.repeat(20_000), &Syntax::everything());
        }
    }
}
