//! Filters of Liquid and of Jekyll, as far as they need nothing but the value and their arguments.

use serde_json::Value;

use super::values::{MAX_TEXT, amount, from_amount, text, truth};
use crate::site::percent_decode;

/// What a filter makes of a value; `None`: it is not known, or no filter that is known here.
pub(super) fn apply(name: &str, value: &Value, arguments: &[Value]) -> Option<Value> {
    let made = of_text(name, value, arguments)
        .or_else(|| of_list(name, value, arguments))
        .or_else(|| of_number(name, value, arguments))?;
    (!matches!(&made, Value::String(text) if text.len() > MAX_TEXT)).then_some(made)
}

fn of_text(name: &str, value: &Value, arguments: &[Value]) -> Option<Value> {
    let argument = |at: usize| arguments.get(at).and_then(text).unwrap_or_default();
    let whole = || text(value);
    let made = match name {
        "append" => whole()? + &argument(0),
        "prepend" => argument(0) + &whole()?,
        "upcase" => whole()?.to_uppercase(),
        "downcase" => whole()?.to_lowercase(),
        "capitalize" => capitalised(&whole()?),
        "strip" => whole()?.trim().to_owned(),
        "lstrip" => whole()?.trim_start().to_owned(),
        "rstrip" => whole()?.trim_end().to_owned(),
        "strip_newlines" => whole()?.replace(['\n', '\r'], ""),
        "normalize_whitespace" => whole()?.split_whitespace().collect::<Vec<_>>().join(" "),
        "newline_to_br" => whole()?.replace('\n', "<br />\n"),
        "strip_html" => without_tags(&whole()?),
        "escape" | "xml_escape" | "h" => escaped(&whole()?),
        "escape_once" => escaped(&whole()?).replace("&amp;amp;", "&amp;").replace("&amp;lt;", "&lt;"),
        "cgi_escape" | "url_encode" => encoded(&whole()?, "-_."),
        "uri_escape" => encoded(&whole()?, "-_.!~*'();/?:@&=+$,#[]").replace('+', "%20"),
        "url_decode" => percent_decode(&whole()?.replace('+', " ")),
        "slugify" if arguments.is_empty() => crate::site::jekyll::slugified(&whole()?),
        // Its Markdown is read with the rest of the page.
        "markdownify" | "smartify" | "raw" => whole()?,
        "replace" => replaced(&whole()?, &argument(0), &argument(1))?,
        "replace_first" => whole()?.replacen(&argument(0), &argument(1), 1),
        "remove" => replaced(&whole()?, &argument(0), "")?,
        "remove_first" => whole()?.replacen(&argument(0), "", 1),
        "strip_index" => {
            let url = whole()?;
            let cut = ["/index.html", "/index.htm"].into_iter().find_map(|end| url.strip_suffix(end));
            cut.map_or_else(|| url.clone(), |rest| format!("{rest}/"))
        }
        "truncate" => truncated(&whole()?, arguments),
        "truncatewords" => truncated_words(&whole()?, arguments),
        "number_of_words" if arguments.is_empty() => return Some(whole()?.split_whitespace().count().into()),
        "default" => {
            let is_empty = !truth(value)
                || matches!(value, Value::String(text) if text.is_empty())
                || matches!(value, Value::Array(items) if items.is_empty());
            return Some(if is_empty { arguments.first().cloned().unwrap_or_default() } else { value.clone() });
        }
        "jsonify" => serde_json::to_string(value).ok()?,
        "date" | "date_to_string" | "date_to_long_string" => return dated(name, &whole()?, arguments),
        _ => return None,
    };
    Some(Value::String(made))
}

fn of_list(name: &str, value: &Value, arguments: &[Value]) -> Option<Value> {
    let first = arguments.first();
    let word = first.and_then(text);
    match (name, value) {
        ("size", Value::String(text)) => Some(text.chars().count().into()),
        ("size", Value::Array(items)) => Some(items.len().into()),
        ("size", Value::Object(entries)) => Some(entries.len().into()),
        ("size", Value::Null) => Some(0.into()),
        ("split", _) => {
            let (whole, sign) = (text(value)?, word?);
            let mut parts: Vec<&str> = match sign.as_str() {
                "" => return Some(whole.chars().map(|c| Value::String(c.to_string())).collect()),
                " " => whole.split_whitespace().collect(),
                sign => whole.split(sign).collect(),
            };
            while parts.last().is_some_and(|part| part.is_empty()) {
                parts.pop();
            }
            Some(parts.into_iter().map(Value::from).collect())
        }
        ("slice", Value::String(text)) => {
            let (start, length) = (amount(first?)?, arguments.get(1).and_then(amount).unwrap_or(1.0));
            let count = text.chars().count();
            let whole = |number: f64| format!("{number:.0}").parse::<i64>().unwrap_or(0);
            let start = if start < 0.0 { whole(start) + i64::try_from(count).ok()? } else { whole(start) };
            let (start, length) = (usize::try_from(start).ok()?, usize::try_from(whole(length)).ok()?);
            Some(Value::String(text.chars().skip(start).take(length).collect()))
        }
        (_, Value::Null) => {
            matches!(name, "first" | "last" | "sort" | "uniq" | "reverse" | "join" | "map" | "where" | "compact")
                .then_some(Value::Null)
        }
        (_, Value::Array(items)) => of_items(name, items, arguments),
        _ => None,
    }
}

fn of_items(name: &str, items: &[Value], arguments: &[Value]) -> Option<Value> {
    let word = arguments.first().and_then(text);
    let key = |item: &Value| item.get(word.as_deref().unwrap_or_default()).cloned().unwrap_or_default();
    Some(match name {
        "first" => items.first().cloned().unwrap_or_default(),
        "last" => items.last().cloned().unwrap_or_default(),
        "join" => {
            let texts: Vec<String> = items.iter().map(text).collect::<Option<_>>()?;
            Value::String(texts.join(word.as_deref().unwrap_or(" ")))
        }
        "array_to_sentence_string" => {
            let texts: Vec<String> = items.iter().map(text).collect::<Option<_>>()?;
            let connector = word.unwrap_or_else(|| "and".to_owned());
            Value::String(match texts.as_slice() {
                [] => String::new(),
                [one] => one.clone(),
                [one, two] => format!("{one} {connector} {two}"),
                [most @ .., last] => format!("{}, {connector} {last}", most.join(", ")),
            })
        }
        "reverse" => items.iter().rev().cloned().collect(),
        "compact" => items.iter().filter(|item| !item.is_null()).cloned().collect(),
        "map" => items.iter().map(key).collect(),
        "where" => {
            let wanted = arguments.get(1).and_then(text)?;
            items.iter().filter(|item| text(&key(item)).is_some_and(|found| found == wanted)).cloned().collect()
        }
        "push" => items.iter().cloned().chain(arguments.first().cloned()).collect(),
        "concat" => items.iter().cloned().chain(arguments.first()?.as_array()?.iter().cloned()).collect(),
        "uniq" => {
            let mut seen = std::collections::HashSet::new();
            items.iter().filter(|item| seen.insert(item.to_string())).cloned().collect()
        }
        "sort" | "sort_natural" => {
            let by = |item: &Value| text(&if word.is_some() { key(item) } else { item.clone() });
            let mut keyed: Vec<(String, &Value)> =
                items.iter().map(|item| Some((by(item)?, item))).collect::<Option<_>>()?;
            let are_numbers = keyed.iter().all(|(key, _)| key.parse::<f64>().is_ok());
            if are_numbers {
                let number = |key: &str| key.parse::<f64>().unwrap_or_default();
                keyed.sort_by(|(left, _), (right, _)| number(left).total_cmp(&number(right)));
            } else if name == "sort" {
                keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
            } else {
                keyed.sort_by_key(|(key, _)| key.to_lowercase());
            }
            keyed.into_iter().map(|(_, item)| item.clone()).collect()
        }
        _ => return None,
    })
}

fn of_number(name: &str, value: &Value, arguments: &[Value]) -> Option<Value> {
    let is_known = matches!(
        name,
        "plus"
            | "minus"
            | "times"
            | "divided_by"
            | "modulo"
            | "abs"
            | "ceil"
            | "floor"
            | "round"
            | "at_least"
            | "at_most"
    );
    if !is_known {
        return None;
    }
    let left = amount(value).unwrap_or(0.0);
    let right = arguments.first().and_then(amount);
    let is_whole = |value: Option<&Value>| value.and_then(text).is_none_or(|text| !text.contains('.'));
    let are_whole = is_whole(Some(value)) && is_whole(arguments.first());
    match name {
        "plus" => from_amount(left + right?, are_whole),
        "minus" => from_amount(left - right?, are_whole),
        "times" => from_amount(left * right?, are_whole),
        "divided_by" => {
            let right = right.filter(|right| *right != 0.0)?;
            from_amount(if are_whole { (left / right).floor() } else { left / right }, are_whole)
        }
        "modulo" => from_amount(left.rem_euclid(right.filter(|right| *right != 0.0)?), are_whole),
        "abs" => from_amount(left.abs(), are_whole),
        "ceil" => from_amount(left.ceil(), true),
        "floor" => from_amount(left.floor(), true),
        "round" if right.is_none() => from_amount(left.round(), true),
        "at_least" => from_amount(left.max(right?), are_whole),
        "at_most" => from_amount(left.min(right?), are_whole),
        _ => None,
    }
}

fn dated(name: &str, date: &str, arguments: &[Value]) -> Option<Value> {
    let format = match name {
        "date_to_string" if arguments.is_empty() => "%d %b %Y".to_owned(),
        "date_to_long_string" if arguments.is_empty() => "%d %B %Y".to_owned(),
        "date" => text(arguments.first()?)?,
        _ => return None,
    };
    if date.trim().is_empty() {
        return Some(Value::Null);
    }
    let moment = crate::site::jekyll::civil(date)?;
    jiff::fmt::strtime::format(&format, moment).ok().map(Value::String)
}

fn replaced(whole: &str, part: &str, by: &str) -> Option<String> {
    if part.is_empty() {
        return None;
    }
    // No longer text is made than is kept.
    let count = whole.matches(part).count();
    (whole.len().saturating_add(count.saturating_mul(by.len())) <= MAX_TEXT).then(|| whole.replace(part, by))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn encoded(text: &str, safe: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' {
            out.push('+');
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('>') else {
            rest = &rest[at..];
            break;
        };
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out
}

fn count(value: Option<&Value>, otherwise: usize) -> usize {
    value.and_then(text).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn truncated(whole: &str, arguments: &[Value]) -> String {
    let end = arguments.get(1).and_then(text).unwrap_or_else(|| "...".to_owned());
    let length = count(arguments.first(), 50);
    if whole.chars().count() <= length {
        return whole.to_owned();
    }
    let kept: String = whole.chars().take(length.saturating_sub(end.chars().count())).collect();
    kept + &end
}

fn truncated_words(whole: &str, arguments: &[Value]) -> String {
    let end = arguments.get(1).and_then(text).unwrap_or_else(|| "...".to_owned());
    let length = count(arguments.first(), 15).max(1);
    let words: Vec<&str> = whole.split_whitespace().collect();
    if words.len() <= length { whole.to_owned() } else { words[..length].join(" ") + &end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_do_what_liquid_says() {
        let text = |text: &str| Value::String(text.to_owned());
        for (name, value, arguments, expected) in [
            ("capitalize", text("aB c"), vec![], text("Ab c")),
            ("default", Value::Null, vec![text("x")], text("x")),
            ("split", text("a,b,,"), vec![text(",")], serde_json::json!(["a", "b"])),
            ("join", serde_json::json!(["a", 1]), vec![text("-")], text("a-1")),
            ("divided_by", 7.into(), vec![2.into()], 3.into()),
            ("plus", text("1.5"), vec![1.into()], serde_json::json!(2.5)),
            ("truncate", text("abcdef"), vec![5.into()], text("ab...")),
            ("date", text("2024-03-01 10:00"), vec![text("%d.%m.%Y")], text("01.03.2024")),
            ("escape", text("<a>"), vec![], text("&lt;a&gt;")),
            ("slugify", text("A b!"), vec![], text("a-b")),
            ("uri_escape", text("a b/c"), vec![], text("a%20b/c")),
        ] {
            assert_eq!(apply(name, &value, &arguments), Some(expected), "{name}");
        }
        assert_eq!(apply("unheard_of", &Value::Null, &[]), None);
    }
}
