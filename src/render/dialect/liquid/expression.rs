//! Expressions of Liquid, read without being evaluated: values, filters, conditions. Quotes are heeded throughout.

/// A value with what is done to it: `page.title | default: "x"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piped<'t> {
    pub(super) value: &'t str,
    /// Names of filters with their arguments.
    pub(super) filters: Vec<(&'t str, Vec<&'t str>)>,
}

/// More filters or arguments than this are nobody's.
const MAX_PARTS: usize = 64;

impl<'t> Piped<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let mut parts = split(text, '|').into_iter();
        let value = parts.next().unwrap_or_default().trim();
        let filter = |part: &'t str| {
            let (name, arguments) = cut(part, ':').map_or((part, None), |(name, rest)| (name, Some(rest)));
            let arguments = arguments.map_or_else(Vec::new, |rest| split(rest, ','));
            (name.trim(), arguments.into_iter().map(str::trim).collect())
        };
        Self { value, filters: parts.take(MAX_PARTS).map(filter).collect() }
    }
}

/// A name with the names or places after it: `site.data["a b"].c[0]`.
pub(super) fn path(text: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && steps.len() < MAX_PARTS {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = end_of(inner, ']')?;
            let inside = inner[..end].trim();
            steps.push(match quoted(inside) {
                Some(name) => Step::Name(name),
                None => match inside.parse::<i64>() {
                    Ok(number) => Step::At(number),
                    Err(_) => Step::Named(inside),
                },
            });
            rest = inner[end + 1..].trim_start_matches('.');
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '?')) {
            return None;
        }
        steps.push(Step::Name(name));
        rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
    }
    (!steps.is_empty()).then_some(steps)
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    Name(&'t str),
    At(i64),
    /// By the value of another name.
    Named(&'t str),
}

/// A condition's parts: comparisons and the words between them.
pub(super) fn condition(text: &str) -> Vec<(&str, &str)> {
    let mut parts = Vec::new();
    let (mut word, mut start) = ("", 0);
    let mut at = 0;
    while at < text.len() && parts.len() < MAX_PARTS {
        let rest = &text[at..];
        let found = [" and ", " or "].into_iter().find(|found| rest.starts_with(found));
        if let Some(found) = found {
            parts.push((word, text[start..at].trim()));
            word = found.trim();
            at += found.len() - 1;
            start = at;
            continue;
        }
        at += step(rest);
    }
    parts.push((word, text[start..].trim()));
    parts
}

/// A comparison in its parts; `None`: a bare value.
pub(super) fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let found = ["==", "!=", "<>", ">=", "<=", ">", "<"].into_iter().find(|sign| rest.starts_with(sign));
        let found = found.or_else(|| rest.starts_with(" contains ").then_some(" contains "));
        if let Some(found) = found {
            return Some((text[..at].trim(), found.trim(), text[at + found.len()..].trim()));
        }
        at += step(rest);
    }
    None
}

/// The parts of a text between signs that stand outside quotes.
pub(super) fn split(text: &str, sign: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = cut(rest, sign) {
        if parts.len() >= MAX_PARTS {
            break;
        }
        parts.push(first);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// `name=value` pairs after the file of an `include`.
pub(super) fn parameters(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let end = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => end_of(&after[1..], quote).map_or(after.len(), |end| end + 2),
            _ => after.find(char::is_whitespace).unwrap_or(after.len()),
        };
        if found.len() < MAX_PARTS {
            found.push((name.trim(), &after[..end]));
        }
        rest = after[end..].trim_start();
    }
    found
}

/// What stands in a pair of quotes.
pub(super) fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].strip_suffix(quote).filter(|inner| !inner.contains(quote) || inner.contains('\\'))
}

fn cut(text: &str, sign: char) -> Option<(&str, &str)> {
    let at = end_of(text, sign)?;
    Some((&text[..at], &text[at + sign.len_utf8()..]))
}

/// Where a sign stands outside quotes. A quote sought is found as it stands, but not where `\` is before it.
fn end_of(text: &str, sign: char) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(sign) && !(matches!(sign, '"' | '\'') && text[..at].ends_with('\\')) {
            return Some(at);
        }
        at += if matches!(sign, '"' | '\'') { rest.chars().next().map_or(1, char::len_utf8) } else { step(rest) };
    }
    None
}

/// How long the next character is, or the text in quotes that begins here.
fn step(rest: &str) -> usize {
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(1, |end| end + 2),
        Some(c) => c.len_utf8(),
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_heeded() {
        let piped = Piped::read("\"a|b\" | append: 'x, y', z | upcase");
        assert_eq!(piped.value, "\"a|b\"");
        assert_eq!(piped.filters, [("append", vec!["'x, y'", "z"]), ("upcase", vec![])]);
        assert_eq!(condition("a == \"x and y\" and b or c"), [("", "a == \"x and y\""), ("and", "b"), ("or", "c")]);
        assert_eq!(comparison("page.x contains '=='"), Some(("page.x", "contains", "'=='")));
        assert_eq!(parameters("a=\"b \\\"c\" d='e' f=page.x"), [("a", "\"b \\\"c\""), ("d", "'e'"), ("f", "page.x")]);
        assert_eq!(path("a[\"b c\"].d[0]").map(|steps| steps.len()), Some(4));
        assert_eq!(path("a + b"), None);
    }
}
