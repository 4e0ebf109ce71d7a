//! A YAML or JSON document as a tree that keeps the order of its keys. Untrusted: its size, its nesting and what its
//! aliases stand for are bounded before it is of any use to anybody.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// A larger document is refused before it is parsed.
pub(super) const MAX_BYTES: usize = 10 << 20;

/// Values of a document, its aliases followed and its long texts counted by their length.
const MAX_VALUES: usize = 4_000_000;

/// Brackets within brackets: a YAML parser takes time by their number for everything that stands in them.
const MAX_NESTING: usize = 100;

/// Brackets that stay open in what seems to be text. The estimate of what is text may be wrong about so many.
const MAX_OPEN_IN_TEXT: usize = 500;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A number, as text.
    Number(Box<str>),
    Text(Box<str>),
    List(Vec<Node>),
    Map(Map),
}

/// A mapping in the order of its document.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Map {
    entries: Vec<(Box<str>, Node)>,
    /// Positions of the entries, sorted by key.
    sorted: Vec<u32>,
}

impl Map {
    fn new(entries: Vec<(Box<str>, Node)>) -> Result<Self, String> {
        let mut sorted: Vec<u32> = (0..).take(entries.len()).collect();
        let key = |at: u32| &*entries[at as usize].0;
        sorted.sort_by(|a, b| key(*a).cmp(key(*b)));
        match sorted.windows(2).find(|pair| key(pair[0]) == key(pair[1])) {
            Some(pair) => Err(format!("the key `{}` is there twice", key(pair[0]).escape_debug())),
            None => Ok(Self { entries, sorted }),
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let at = self.sorted.binary_search_by(|at| (*self.entries[*at as usize].0).cmp(key)).ok()?;
        Some(&self.entries[self.sorted[at] as usize].1)
    }

    /// Keys and values in the order of the document.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(key, value)| (&**key, value))
    }
}

impl Node {
    /// Parses a document; the message says what is wrong with it, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is larger than {} MB", MAX_BYTES >> 20));
        }
        let left = Cell::new(MAX_VALUES);
        let json_error = if text.trim_start().starts_with('{') {
            let mut json = serde_json::Deserializer::from_str(text);
            match Seed(&left).deserialize(&mut json).and_then(|node| json.end().map(|()| node)) {
                Ok(node) => return Ok(node),
                Err(error) => Some(error),
            }
        } else {
            None
        };
        // YAML may begin with a bracket as well; JSON that is broken is no YAML either, mostly.
        left.set(MAX_VALUES);
        let yaml = match too_nested(text) {
            Some(line) => Err(format!("line {line}: it is nested too deeply")),
            None => Seed(&left).deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|e| e.to_string()),
        };
        yaml.map_err(|message| json_error.map_or(message, |error| error.to_string()))
    }

    /// The value of a key, where this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text, number or switch that this is.
    pub(super) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Whether this is the switch `true`.
    pub(super) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// The members of a list; of anything else none.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Keys and values of a mapping in the order of the document; of anything else none.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let map = match self {
            Self::Map(map) => Some(map),
            _ => None,
        };
        map.into_iter().flat_map(Map::iter)
    }

    /// As JSON with indentation, cut when it is longer than this.
    pub(super) fn json(&self, max_bytes: usize) -> String {
        let mut out = String::new();
        self.write_json(&mut out, 0, max_bytes);
        if out.len() > max_bytes {
            let mut end = max_bytes;
            while !out.is_char_boundary(end) {
                end -= 1;
            }
            out.truncate(end);
            out.push('…');
        }
        out
    }

    fn write_json(&self, out: &mut String, depth: usize, max_bytes: usize) {
        if out.len() > max_bytes {
            return;
        }
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str("  "));
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(_) | Self::Number(_) => out.push_str(self.scalar().unwrap_or_default()),
            Self::Text(text) => out.push_str(&serde_json::Value::from(&**text).to_string()),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    item.write_json(out, depth + 1, max_bytes);
                    if out.len() > max_bytes {
                        return;
                    }
                }
                line(out, depth);
                out.push(']');
            }
            Self::Map(map) if map.entries.is_empty() => out.push_str("{}"),
            Self::Map(map) => {
                out.push('{');
                for (at, (key, value)) in map.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    line(out, depth + 1);
                    out.push_str(&serde_json::Value::from(key).to_string());
                    out.push_str(": ");
                    value.write_json(out, depth + 1, max_bytes);
                    if out.len() > max_bytes {
                        return;
                    }
                }
                line(out, depth);
                out.push('}');
            }
        }
    }
}

/// Reads a value, and counts.
#[derive(Clone, Copy)]
struct Seed<'c>(&'c Cell<usize>);

impl Seed<'_> {
    fn count<E: Error>(self, text: usize) -> Result<(), E> {
        let cost = 1 + text / 32;
        match self.0.get().checked_sub(cost) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(E::custom("it holds too many values, repeated ones included")),
        }
    }

    fn number<E: Error>(self, text: String) -> Result<Node, E> {
        self.count(0)?;
        Ok(Node::Number(text.into()))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.count(0)?;
        Ok(Node::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node, E> {
        self.count(0)?;
        Ok(Node::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.number(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.number(number.to_string())
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.number(number.to_string())
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.number(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        // `1.0` is what versions look like.
        self.number(format!("{number:?}"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.count(text.len())?;
        Ok(Node::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        self.count(0)?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.count(0)?;
        let mut entries: Vec<(Box<str>, Node)> = Vec::new();
        let mut merged: Vec<(Box<str>, Node)> = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            let value = map.next_value_seed(self)?;
            match key {
                Node::Text(key) if &*key == "<<" => merge(value, &mut merged),
                Node::Text(key) | Node::Number(key) => entries.push((key, value)),
                Node::Bool(key) => entries.push((key.to_string().into(), value)),
                Node::Null | Node::List(_) | Node::Map(_) => return Err(A::Error::custom("a key must be a text")),
            }
        }
        let map = Map::new(entries).map_err(A::Error::custom)?;
        if merged.is_empty() {
            return Ok(Node::Map(map));
        }
        // What is said here, or was merged first, counts.
        let mut seen = std::collections::HashSet::new();
        merged.retain(|(key, _)| map.get(key).is_none() && seen.insert(key.clone()));
        let entries = map.entries.into_iter().chain(merged).collect();
        Map::new(entries).map(Node::Map).map_err(A::Error::custom)
    }

    /// A YAML tag changes nothing here.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Node, A::Error> {
        let (_, variant) = tagged.variant::<serde::de::IgnoredAny>()?;
        variant.newtype_variant_seed(self)
    }
}

/// Collects what YAML's `<<` merges into a mapping.
fn merge(value: Node, into: &mut Vec<(Box<str>, Node)>) {
    match value {
        Node::Map(map) => into.extend(map.entries),
        Node::List(maps) => maps.into_iter().for_each(|map| {
            if let Node::Map(map) = map {
                into.extend(map.entries);
            }
        }),
        _ => {}
    }
}

/// The 1-based line on which a YAML text nests deeper than any description does. Knows what is text in it well enough:
/// descriptions are full of brackets that nobody closes.
fn too_nested(text: &str) -> Option<usize> {
    let (mut depth, mut in_text) = (0_usize, 0_usize);
    let mut quote: Option<u8> = None;
    // The indentation of the line whose value is a block of text.
    let mut block: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if block.is_some_and(|above| content.trim().is_empty() || indent > above) {
            in_text = unclosed(in_text, line);
        } else {
            block = None;
            let dashes = content.split(' ').take_while(|word| matches!(*word, "-" | "?" | ":")).count();
            let mut token = Tokens { depth: &mut depth, in_text: &mut in_text, quote: &mut quote };
            token.take(content);
            if dashes > MAX_NESTING || depth > MAX_NESTING {
                return Some(number + 1);
            }
            if depth == 0 && quote.is_none() && begins_block(content) {
                block = Some(indent);
            }
        }
        if in_text > MAX_OPEN_IN_TEXT {
            return Some(number + 1);
        }
    }
    None
}

/// Whether the value of a line is the block of text that follows: `key: |`, `- >-`.
fn begins_block(line: &str) -> bool {
    let line = line.trim_end();
    let Some(at) = line.rfind(['|', '>']) else { return false };
    let marks = line[at + 1..].split(" #").next().unwrap_or_default().trim();
    let is_header = marks.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'));
    is_header && (line[..at].trim_end().ends_with([':', '-']) || line[..at].trim().is_empty())
}

/// How many brackets of a text are open, the ones before it included.
fn unclosed(open: usize, text: &str) -> usize {
    text.bytes().fold(open, |open, byte| match byte {
        b'[' | b'{' => open + 1,
        b']' | b'}' => open.saturating_sub(1),
        _ => open,
    })
}

struct Tokens<'t> {
    depth: &'t mut usize,
    in_text: &'t mut usize,
    /// A quoted text that is open, across lines.
    quote: &'t mut Option<u8>,
}

impl Tokens<'_> {
    fn take(&mut self, line: &str) {
        let bytes = line.as_bytes();
        // Whether a bracket here would open a list, and a quote a text.
        let mut starts = true;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            let next_is_space = bytes.get(at).is_none_or(u8::is_ascii_whitespace);
            if let Some(quote) = *self.quote {
                match byte {
                    b'\\' if quote == b'"' => at += 1,
                    b'\'' if quote == b'\'' && bytes.get(at) == Some(&b'\'') => at += 1,
                    _ if byte == quote => *self.quote = None,
                    b'[' | b'{' => *self.in_text += 1,
                    b']' | b'}' => *self.in_text = self.in_text.saturating_sub(1),
                    _ => {}
                }
                continue;
            }
            match byte {
                b' ' | b'\t' => {}
                b'#' if at == 1 || bytes[at - 2].is_ascii_whitespace() => return,
                b'"' | b'\'' if starts => (*self.quote, starts) = (Some(byte), false),
                b'[' | b'{' if starts || *self.depth > 0 => (*self.depth, starts) = (*self.depth + 1, true),
                b']' | b'}' if *self.depth > 0 => (*self.depth, starts) = (*self.depth - 1, false),
                b'[' | b'{' => *self.in_text += 1,
                b']' | b'}' => *self.in_text = self.in_text.saturating_sub(1),
                b',' => starts = *self.depth > 0,
                b':' | b'-' | b'?' => starts = next_is_space || *self.depth > 0,
                // A tag or an anchor stands before its value.
                b'!' | b'&' if starts => {
                    at += bytes[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
                }
                _ => starts = false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_are_texts() {
        let node =
            Node::parse("b: 1\n200: {x: [y]}\na: !tag &x t\nd: {<<: {e: 1, f: 2}, f: 3}\nversion: 1.0\n").unwrap();
        let keys: Vec<&str> = node.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["b", "200", "a", "d", "version"]);
        assert_eq!(node.get("d").unwrap().json(99), "{\n  \"f\": 3,\n  \"e\": 1\n}");
        assert_eq!(node.get("version").and_then(Node::scalar), Some("1.0"));
        assert_eq!(Node::parse(" {\"b\": [], \"a\": \"\\u00e9\"}").unwrap().get("a").unwrap().scalar(), Some("é"));
    }

    #[test]
    fn what_no_parser_should_see_is_refused_at_once() {
        let bomb = (0..30)
            .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| text + &format!("a{}: &a{} [*a{n}, *a{n}]\n", n + 1, n + 1));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(10_000));
        for text in [
            bomb,
            long,
            format!("a: {}", "[".repeat(1 << 20)),
            format!("a: x {}", "[".repeat(1 << 20)),
            format!("a: |\n  {}", "[\n  ".repeat(1 << 20)),
            "- ".repeat(1 << 20),
            "{\"a\":".repeat(1 << 20),
            format!("a: '{}", "{".repeat(1 << 20)),
            "a: 1\nb: 2\na: 3\n".to_owned(),
            "a: [1\nb: 2".to_owned(),
            "x".repeat(MAX_BYTES + 1),
        ] {
            Node::parse(&text).unwrap_err();
        }
    }

    #[test]
    fn brackets_in_text_are_text() {
        let lines = "  x in [0, 1) or (2, 3]; see [a](b)\n".repeat(300);
        let text = format!("a: |-\n{lines}b: >\n{lines}c: 0 <= x [{{ y\nd: 'it''s [' # [[\ne: \"\\\"[\"\nf: [x]\n");
        let node = Node::parse(&text).unwrap();
        assert_eq!(node.get("f").unwrap().items().len(), 1);
    }
}
