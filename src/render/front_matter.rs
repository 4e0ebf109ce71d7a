//! Front matter: where it ends, and what it says of the page. YAML between `---`, TOML between `+++`, JSON from `{`.
//!
//! Fails closed: what was meant as front matter and cannot be read fails the page, for it may have said `draft: true`.
//! Keys that mean nothing here are ignored; those of `fin:` are ours alone, so there a misspelt one fails as well.

use std::fmt;

use serde::de::{Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::dates::unix_seconds;
use super::{Facts, fails};
use crate::page::Failure;

/// Larger front matter is refused before it is parsed.
const MAX_BYTES: usize = 64 * 1024;

/// Deeper brackets, or more dashes on one line, are refused before they are parsed: YAML parsers take seconds on them.
const MAX_NESTING: usize = 48;

/// What the rules of generators go by, beyond what [`Facts`] has a field for; a dot leads into a mapping.
pub(super) const SITE_KEYS: &[&str] = &[
    "aliases",
    "build.list",
    "build.render",
    "_build.list",
    "_build.render",
    "categories",
    "category",
    "collection",
    "date",
    "date.created",
    "draft",
    "excerpt",
    "headless",
    "hidden",
    "hide_title",
    "lang",
    "layout",
    "linkTitle",
    "link_title",
    "lastmod",
    "modified",
    "nav_title",
    "orphan",
    "parse_number_prefixes",
    "outputs",
    "pcx_content_type",
    "permalink",
    "pubdate",
    "publishDate",
    "publishdate",
    "published",
    "redirect",
    "redirect_from",
    "redirect_to",
    "redirect_url",
    "sidebar.label",
    "sidebar_label",
    "sidebarTitle",
    "sitemap",
    "tags",
    "template",
    "type",
    "url",
];

/// More values of one key than this say nothing about a page's place.
const MAX_VALUES: usize = 64;

/// A document in its two parts.
#[derive(Debug)]
pub(super) struct Split<'a> {
    /// The front matter, without its fences.
    pub(super) front: Option<Front<'a>>,
    /// What follows it.
    pub(super) body: &'a str,
    /// The 1-based line on which the body begins.
    pub(super) body_line: u32,
}

/// Front matter as it stands in the document.
#[derive(Debug)]
pub(super) struct Front<'a> {
    syntax: Syntax,
    text: &'a str,
    /// The 1-based line on which `text` begins.
    line: u32,
}

impl Front<'_> {
    /// All that it says, for pages that are made of it; nothing where it cannot be read.
    pub(super) fn json(&self) -> serde_json::Value {
        parse(self).map_or(serde_json::Value::Null, json)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Yaml,
    Toml,
    Json,
}

/// Parts front matter from body.
///
/// A first line `---` may also be a thematic break. It is one if no closing fence follows and no line up to the next
/// empty one is a key (`word:`), or if an empty line follows it and the first line after that which is no heading is no key.
/// Everything else is front matter, and fails if it cannot be read; an empty line before the first `---` says that it is a rule.
pub(super) fn split(source: &str) -> Result<Split<'_>, Failure> {
    let whole = || Split { front: None, body: source, body_line: 1 };
    let first = source.lines().next().unwrap_or_default().trim_end();
    let fence_end = source.find('\n').map_or(source.len(), |at| at + 1);
    let (syntax, close): (_, &[&str]) = match first {
        "---" | "---yaml" | "---yml" => (Syntax::Yaml, &["---", "..."]),
        "---toml" => (Syntax::Toml, &["---"]),
        "+++" => (Syntax::Toml, &["+++"]),
        _ if begins_json(source) => return split_json(source),
        _ => return Ok(whole()),
    };
    let rest = &source[fence_end..];
    let Some((text, body)) = until_fence(rest, close) else {
        if first == "---"
            && !rest.lines().skip_while(|l| l.trim().is_empty()).take_while(|l| !l.trim().is_empty()).any(is_key)
        {
            return Ok(whole());
        }
        return Err(unreadable(
            1,
            &format!(
                "it has no closing `{}` within {} KiB; close it, or put an empty line before the first line if that is \
                 not front matter",
                close[0],
                MAX_BYTES / 1024
            ),
        ));
    };
    let after_gap = text.lines().next().is_some_and(|line| line.trim().is_empty())
        && text
            .lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .is_some_and(|line| !is_key(line));
    if first == "---" && after_gap {
        return Ok(whole());
    }
    let lines = 2 + count_lines(text);
    Ok(Split { front: Some(Front { syntax, text, line: 2 }), body, body_line: lines + 1 })
}

/// As [`split`], for a text that has no syntax of its own: only a fence with a key right after it begins front matter.
pub(super) fn split_text(source: &str) -> Result<Split<'_>, Failure> {
    let mut lines = source.lines();
    let fence = lines.next().unwrap_or_default().trim_end();
    let next = lines.next().unwrap_or_default();
    if (fence == "---" && is_key(next)) || (fence == "+++" && next.contains('=')) {
        return split(source);
    }
    Ok(Split { front: None, body: source, body_line: 1 })
}

/// What front matter says; `Failure` names the line that cannot be read.
pub(super) fn read(front: &Front<'_>, waits_for_date: bool) -> Result<Facts, Failure> {
    let entries = match parse(front)? {
        Value::Map(entries) => entries,
        Value::Null => Vec::new(),
        _ => {
            return Err(unreadable(
                front.line,
                "it is no mapping of keys to values; put an empty line before the first `---` if that is a rule",
            ));
        }
    };
    let mut reader = Reader { front, facts: Facts::default(), date: None };
    for (key, value) in &entries {
        reader.take(key, value)?;
    }
    for key in SITE_KEYS {
        let values = scalars(lookup(&entries, key));
        if !values.is_empty() {
            reader.facts.keys.insert((*key).to_owned(), values);
        }
    }
    let Reader { mut facts, date, .. } = reader;
    // Hugo and Jekyll hold back a page whose `date` lies in the future; an explicit publish date goes before it.
    facts.not_before = facts.not_before.or(date.filter(|_| waits_for_date));
    Ok(facts)
}

/// A value of any of the three syntaxes, as far as it matters here.
#[derive(Debug)]
enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Bool(flag) => write!(f, "`{flag}`"),
            Self::Number(text) | Self::Text(text) => {
                write!(f, "`{}`", text.chars().take(80).flat_map(char::escape_debug).collect::<String>())
            }
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a mapping"),
        }
    }
}

struct Reader<'a> {
    front: &'a Front<'a>,
    facts: Facts,
    date: Option<i64>,
}

impl Reader<'_> {
    fn take(&mut self, key: &str, value: &Value) -> Result<(), Failure> {
        if matches!(value, Value::Null) {
            return Ok(());
        }
        // `publishDate`, `publish_date` and `publish-date` are one key to their authors.
        let plain: String = key.chars().filter(|c| !matches!(c, '_' | '-')).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "title" => self.facts.title = self.text(key, value)?,
            "id" => self.facts.id = self.text(key, value)?,
            "slug" => self.facts.slug = self.text(key, value)?,
            "permalink" if matches!(value, Value::Bool(false)) => self.exclude("permalink: false"),
            "url" => self.facts.url = self.url(key, value)?.or(self.facts.url.take()),
            "permalink" => self.facts.url = self.facts.url.take().or(self.url(key, value)?),
            "draft" | "unlisted" | "searchexclude" if self.flag(key, value)? => self.exclude(&format!("{key}: true")),
            "published" => self.published(key, value)?,
            "search" if is_off(value) => self.exclude("search: false"),
            "publishdate" | "publishat" | "publishedat" | "publishon" | "pubdate" => {
                let moment = self.moment(key, value)?;
                self.facts.not_before = self.facts.not_before.max(moment);
            }
            "expirydate" | "expiry" | "expiredate" | "expires" | "expiresat" | "expireson" | "expirationdate"
            | "unpublish" | "unpublishdate" | "unpublishat" | "unpublishon" => {
                let moment = self.moment(key, value)?;
                self.facts.not_after = [self.facts.not_after, moment].into_iter().flatten().min();
            }
            // Not a date that can be read: then it is for people, and no generator holds a page back by it.
            "date" => {
                if let Value::Text(text) = value {
                    self.date = unix_seconds(text);
                }
            }
            "fin" => self.fin(value)?,
            _ => {}
        }
        Ok(())
    }

    fn exclude(&mut self, reason: &str) {
        self.facts.excluded.get_or_insert_with(|| reason.to_owned());
    }

    fn fin(&mut self, value: &Value) -> Result<(), Failure> {
        let Value::Map(entries) = value else {
            return Err(self.wrong("fin", value, "must be a mapping of `agent`, `copilot` and `skip`"));
        };
        for (key, value) in entries {
            if matches!(value, Value::Null) {
                continue;
            }
            match key.as_str() {
                "agent" => self.facts.ai_agent = Some(self.flag(key, value)?),
                "copilot" => self.facts.ai_copilot = Some(self.flag(key, value)?),
                "skip" => {
                    if self.flag(key, value)? {
                        self.exclude("fin.skip: true");
                    }
                }
                _ => {
                    return Err(self.wrong(
                        key,
                        value,
                        "is no key of `fin`, which knows `agent`, `copilot` and `skip`",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Jekyll's `published: false` is a switch, Hugo's `published` a date.
    fn published(&mut self, key: &str, value: &Value) -> Result<(), Failure> {
        match value {
            Value::Text(text) if truth(text).is_none() => {
                let moment = self.moment(key, value)?;
                self.facts.not_before = self.facts.not_before.max(moment);
            }
            _ if !self.flag(key, value)? => self.exclude("published: false"),
            _ => {}
        }
        Ok(())
    }

    fn text(&self, key: &str, value: &Value) -> Result<Option<String>, Failure> {
        let text = match value {
            Value::Text(text) | Value::Number(text) => text.trim(),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            _ => return Err(self.wrong(key, value, "must be a text")),
        };
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok(Some(clean).filter(|text| !text.is_empty()))
    }

    fn url(&self, key: &str, value: &Value) -> Result<Option<String>, Failure> {
        let Some(text) = self.text(key, value)? else { return Ok(None) };
        match url::Url::parse(&text) {
            Ok(url) if !(matches!(url.scheme(), "http" | "https") && url.has_host()) => {
                Err(self.wrong(key, value, "must be an http or https url, or a path on the site"))
            }
            _ => Ok(Some(text)),
        }
    }

    fn flag(&self, key: &str, value: &Value) -> Result<bool, Failure> {
        let flag = match value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) => truth(text),
            _ => None,
        };
        flag.ok_or_else(|| self.wrong(key, value, "must be true or false"))
    }

    fn moment(&self, key: &str, value: &Value) -> Result<Option<i64>, Failure> {
        match value {
            Value::Text(text) if text.trim().is_empty() => Ok(None),
            Value::Text(text) => unix_seconds(text)
                .map(Some)
                .ok_or_else(|| self.wrong(key, value, "must be a date such as `2030-01-31` or `2030-01-31T09:00:00Z`")),
            _ => Err(self.wrong(key, value, "must be a date such as `2030-01-31` or `2030-01-31T09:00:00Z`")),
        }
    }

    fn wrong(&self, key: &str, value: &Value, what: &str) -> Failure {
        let named = |line: &str| {
            let line = line.trim_start().trim_start_matches(['{', '"', '\'', ' ']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with([':', '=']))
        };
        let line =
            self.front.text.lines().position(named).or_else(|| self.front.text.lines().position(|l| l.contains(key)));
        unreadable(self.front.line + small(line.unwrap_or(0)), &format!("`{key}` is {value}: it {what}"))
    }
}

/// The value of a key, through mappings where it has dots.
fn lookup<'v>(entries: &'v [(String, Value)], key: &str) -> Option<&'v Value> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (_, value) = entries.iter().find(|(name, _)| name == first)?;
    match (rest, value) {
        (None, value) => Some(value),
        (Some(rest), Value::Map(entries)) => lookup(entries, rest),
        (Some(_), _) => None,
    }
}

/// The texts, numbers and switches of a value, or of a list of them.
fn scalars(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Text(text) | Value::Number(text) => Some(text.trim().to_owned()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    };
    match value {
        Some(Value::List(items)) => items.iter().filter_map(one).take(MAX_VALUES).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn is_off(search: &Value) -> bool {
    match search {
        Value::Bool(on) => !on,
        Value::Text(text) => truth(text) == Some(false),
        // Material for MkDocs: `search: {exclude: true}`.
        Value::Map(entries) => {
            entries.iter().any(|(key, value)| key == "exclude" && matches!(value, Value::Bool(true)))
        }
        _ => false,
    }
}

/// YAML 1.1, which most generators still read, has more words for it than YAML 1.2.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn parse(front: &Front<'_>) -> Result<Value, Failure> {
    let text = front.text;
    if text.len() > MAX_BYTES {
        return Err(unreadable(front.line, &format!("it is larger than {} KiB", MAX_BYTES / 1024)));
    }
    if let Some(line) = too_nested(text) {
        return Err(unreadable(front.line + line, "it is nested too deeply"));
    }
    match front.syntax {
        Syntax::Yaml => serde_yaml::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |at| small(at.line().saturating_sub(1)));
            unreadable(front.line + line, &message(&error))
        }),
        Syntax::Toml => {
            toml::from_str::<toml::Table>(text).map(|table| from_toml(toml::Value::Table(table))).map_err(|error| {
                let line = error.span().map_or(0, |span| count_lines(text.get(..span.start).unwrap_or_default()));
                unreadable(front.line + line, error.message())
            })
        }
        Syntax::Json => serde_json::from_str(text)
            .map_err(|error| unreadable(front.line + small(error.line().saturating_sub(1)), &message(&error))),
    }
}

/// The parser's own words without the position, which counts from the fence and not from the start of the document.
fn message(error: &dyn fmt::Display) -> String {
    let text = error.to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => flag.into(),
        Value::Number(text) | Value::Text(text) => text.into(),
        Value::List(members) => members.into_iter().map(json).collect(),
        Value::Map(entries) => {
            serde_json::Value::Object(entries.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
    }
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Number(number.to_string()),
        toml::Value::Float(number) => Value::Number(number.to_string()),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(moment) => Value::Text(moment.to_string()),
        toml::Value::Array(items) => Value::List(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => Value::Map(table.into_iter().map(|(k, v)| (k, from_toml(v))).collect()),
    }
}

/// The line, counted from 0, on which brackets or dashes nest deeper than any front matter of people does. Brackets in
/// quotes count too: a parser that is stricter than this one is not needed.
fn too_nested(text: &str) -> Option<u32> {
    let mut depth = 0_usize;
    for (number, line) in text.lines().enumerate() {
        // `- - - x`, `? ? x`: a level each.
        let dashes =
            line.split(' ').filter(|word| !word.is_empty()).take_while(|word| matches!(*word, "-" | "?" | ":")).count();
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_NESTING || dashes > MAX_NESTING {
                return Some(small(number));
            }
        }
    }
    None
}

fn until_fence<'a>(rest: &'a str, close: &[&str]) -> Option<(&'a str, &'a str)> {
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if at > MAX_BYTES {
            return None;
        }
        if close.contains(&line.trim_end()) {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

fn begins_json(source: &str) -> bool {
    source.strip_prefix('{').is_some_and(|rest| {
        rest.starts_with(['\n', '\r', '"', '}'])
            || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with(['"', '}']))
    })
}

fn split_json(source: &str) -> Result<Split<'_>, Failure> {
    let mut end = source.len().min(MAX_BYTES);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    if let Some(line) = json_too_nested(&source[..end]) {
        return Err(unreadable(1 + line, "it is nested too deeply"));
    }
    let mut values = serde_json::Deserializer::from_str(&source[..end]).into_iter::<Value>();
    match values.next() {
        Some(Ok(_)) => {}
        Some(Err(error)) => return Err(unreadable(small(error.line().max(1)), &message(&error))),
        None => return Err(unreadable(1, "it is empty")),
    }
    let at = values.byte_offset();
    let rest = &source[at..];
    let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
    if !rest[..line_end].trim().is_empty() {
        return Err(unreadable(1 + count_lines(&source[..at]), "its closing `}` must be the last thing on its line"));
    }
    Ok(Split {
        front: Some(Front { syntax: Syntax::Json, text: &source[..at], line: 1 }),
        body: &rest[line_end..],
        body_line: 1 + count_lines(&source[..at + line_end]),
    })
}

/// As [`too_nested`], but only up to where the object ends.
fn json_too_nested(text: &str) -> Option<u32> {
    let (mut depth, mut quoted, mut escaped, mut line) = (0_usize, false, false, 0_u32);
    for byte in text.bytes() {
        match byte {
            b'\n' => line += 1,
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Some(line);
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// Whether a line is a key of front matter: a word at its start, then a colon.
fn is_key(line: &str) -> bool {
    let word = line.trim_start_matches(['"', '\'']);
    let end = word.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(word.len());
    let after = word[end..].trim_start_matches(['"', '\'']).trim_start();
    let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (is_word && after.strip_prefix(':').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r'])))
        || line.starts_with('{')
}

fn count_lines(text: &str) -> u32 {
    small(text.bytes().filter(|&byte| byte == b'\n').count())
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn unreadable(line: u32, what: &str) -> Failure {
    fails("front_matter", format!("front matter, line {line}: {what}"))
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Value>()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<Value>()? {
            let key = match key {
                Value::Text(text) | Value::Number(text) => text,
                Value::Bool(flag) => flag.to_string(),
                Value::Null => String::new(),
                Value::List(_) | Value::Map(_) => {
                    return Err(serde::de::Error::custom("a key must be a text"));
                }
            };
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format_args!("the key `{key}` is there twice")));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }

    /// A YAML tag (`!ruby/symbol x`) changes nothing for the keys that are read here.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (_, variant) = tagged.variant::<serde::de::IgnoredAny>()?;
        variant.newtype_variant()
    }
}

#[cfg(test)]
mod tests;
