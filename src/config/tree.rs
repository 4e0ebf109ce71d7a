//! The configuration's text as a tree of nodes that know where they stand.
//!
//! Knows YAML and nothing of what the keys mean. Before any YAML parser sees the text, its size and its nesting are
//! checked: deep nesting costs the parser quadratic time. Scalars stay text, as they were written, until somebody asks
//! for a number or a duration, so that `version: 2.20` does not become `2.2` on the way.
//!
//! The parser reports positions only in its errors. Nodes are therefore numbered in the order in which it visits them,
//! and the position of one is found, when an error needs it, by reading the text again and stopping there.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::fault::line_at;
use super::interpolate;

/// A larger file is no configuration.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;
/// Brackets within brackets.
const MAX_FLOW_DEPTH: usize = 32;
/// Brackets that seem to stand in quotes. The estimate of the depth may be wrong about so many.
const MAX_QUOTED_BRACKETS: usize = 5000;
/// Nodes once aliases are followed.
const MAX_NODES: usize = 200_000;

/// A node's number, in the order of the text.
pub(super) type NodeId = u32;

/// 1-based line and column, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Why a text is no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) position: Option<Position>,
    pub(super) message: String,
}

/// A value of the file.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Scalar(Scalar),
    Sequence(Vec<NodeId>),
    Mapping(Vec<Entry>),
    Key(String),
}

/// A scalar, as it was written and as it is meant.
#[derive(Debug)]
pub(super) struct Scalar {
    /// Without quotes, variables not replaced. The only form that a message may repeat.
    pub(super) written: String,
    /// Variables replaced, or why one could not be.
    pub(super) text: Result<String, interpolate::Fault>,
}

/// One key of a mapping and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

/// A file, parsed.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Parses a text and replaces its variables; a variable that is not set is kept as the fault of its value.
    pub(super) fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Malformed> {
        check_depth(text)?;
        let mut walk = Walk { nodes: 0, target: None, shape: Vec::new() };
        NodeSeed(&mut walk).deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|e| malformed(&e, text))?;
        let mut build = Build { shape: walk.shape, nodes: Vec::new(), env };
        BuildSeed(&mut build).deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|e| malformed(&e, text))?;
        Ok(Self { nodes: build.nodes })
    }

    /// The outermost node.
    pub(super) const ROOT: NodeId = 0;

    /// A node by its number; numbers come from this tree alone, any other is nothing.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&Node::Null)
    }

    /// A scalar by its number.
    pub(super) fn scalar(&self, id: NodeId) -> Option<&Scalar> {
        match self.node(id) {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Takes a key out of its mapping, so that the rest can be looked at without it.
    pub(super) fn remove_key(&mut self, key: NodeId) -> bool {
        for node in &mut self.nodes {
            if let Node::Mapping(entries) = node
                && let Some(at) = entries.iter().position(|e| e.key == key)
            {
                entries.remove(at);
                return true;
            }
        }
        false
    }
}

/// Where a node of this text stands.
pub(super) fn locate(text: &str, id: NodeId) -> Option<Position> {
    let mut walk = Walk { nodes: 0, target: Some(id as usize), shape: Vec::new() };
    let error = NodeSeed(&mut walk).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    position(&error)
}

fn position(error: &serde_yaml::Error) -> Option<Position> {
    error.location().map(|at| Position { line: at.line(), column: at.column() })
}

/// The parser's complaint without its own account of the position, which is shown with the line.
fn malformed(error: &serde_yaml::Error, text: &str) -> Malformed {
    let mut message = without_positions(&error.to_string());
    if let Some(own) = message.find(OWN) {
        message.drain(..own + OWN.len_utf8());
    } else if message == "recursion limit exceeded" {
        message = "nested too deeply".into();
    } else if let Some(position) = position(error).and_then(|at| tab_at(text, at)) {
        let message = "this is a tab, and YAML wants blanks: indent with blanks alone".into();
        return Malformed { position: Some(position), message };
    } else {
        message = format!("this is no valid YAML: {message}");
    }
    Malformed { position: position(error), message }
}

/// The tab that the parser stumbled over, if it was one: at the position, or in the indentation of its line.
fn tab_at(text: &str, at: Position) -> Option<Position> {
    let (line, _) = line_at(text, at.line);
    if line.chars().nth(at.column.saturating_sub(1)) == Some('\t') {
        return Some(at);
    }
    let indentation = line.chars().take_while(char::is_ascii_whitespace);
    let tab = indentation.take(at.column).position(|c| c == '\t')?;
    Some(Position { column: tab + 1, ..at })
}

/// Takes every `at line 9 column 21` out.
fn without_positions(message: &str) -> String {
    let mut parts = message.split(" at line ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = rest.strip_prefix(" column ").unwrap_or(rest);
        out.push_str(rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

/// Marks our own messages among the parser's, which puts the path before each.
const OWN: char = '\u{1}';

fn own<E: de::Error>(message: impl fmt::Display) -> E {
    E::custom(format_args!("{OWN}{message}"))
}

/// Rejects brackets within brackets beyond the limit, by a scan that knows quotes and comments well enough.
fn check_depth(text: &str) -> Result<(), Malformed> {
    let bytes = text.as_bytes();
    let (mut depth, mut quoted, mut line, mut line_start) = (0_usize, 0_usize, 1_usize, 0_usize);
    // Whether a quote here would open a quoted scalar.
    let mut token_start = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next_is_space = bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        match byte {
            b'\n' => {
                (line, line_start, token_start) = (line + 1, at + 1, true);
            }
            b' ' | b'\t' | b'\r' => {}
            b'#' if at == line_start || bytes[at - 1].is_ascii_whitespace() => {
                at = line_end(bytes, at);
                continue;
            }
            b'"' | b'\'' if token_start => {
                let end = quote_end(bytes, at);
                quoted += bytes[at..end].iter().filter(|b| matches!(b, b'[' | b'{')).count();
                line += text.get(at..end).map_or(0, |quoted| quoted.matches('\n').count());
                (at, token_start) = (end, false);
                if quoted > MAX_QUOTED_BRACKETS {
                    return Err(Malformed { position: None, message: "too many brackets".into() });
                }
                continue;
            }
            b'[' | b'{' => {
                (depth, token_start) = (depth + 1, true);
                if depth > MAX_FLOW_DEPTH {
                    let column = text.get(line_start..at).map_or(1, |before| before.chars().count() + 1);
                    let message = format!("nested too deeply: at most {MAX_FLOW_DEPTH} brackets within each other");
                    return Err(Malformed { position: Some(Position { line, column }), message });
                }
            }
            b']' | b'}' => (depth, token_start) = (depth.saturating_sub(1), false),
            b',' => token_start = true,
            b':' | b'-' | b'?' => token_start = next_is_space || depth > 0,
            _ => token_start = false,
        }
        at += 1;
    }
    Ok(())
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| from + n)
}

/// The place after the quote that closes the one at `from`.
fn quote_end(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        at += match (byte, quote) {
            (b'\\', b'"') => 2,
            (b'\'', b'\'') if bytes.get(at + 1) == Some(&b'\'') => 2,
            (byte, quote) if byte == quote => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Null,
    Scalar,
    Sequence,
    Mapping,
    Key,
}

/// First reading: what is a mapping, what a scalar, and is every key there once. With a target it stops there, so that
/// the parser's error tells the position.
struct Walk {
    nodes: usize,
    target: Option<usize>,
    shape: Vec<Shape>,
}

impl Walk {
    fn enter<E: de::Error>(&mut self, shape: Shape) -> Result<(), E> {
        if self.target == Some(self.nodes) {
            return Err(own("here"));
        }
        if self.nodes >= MAX_NODES {
            return Err(own(format_args!("too many values: at most {MAX_NODES}, repeated ones included")));
        }
        self.nodes += 1;
        self.shape.push(shape);
        Ok(())
    }
}

struct NodeSeed<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.enter(Shape::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.0.enter(Shape::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.0.enter(Shape::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.enter(Shape::Sequence)?;
        while seq.next_element_seed(NodeSeed(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.enter(Shape::Mapping)?;
        let mut seen = BTreeSet::new();
        while map.next_key_seed(KeySeed { walk: self.0, seen: &mut seen })?.is_some() {
            map.next_value_seed(NodeSeed(self.0))?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(own("tags (`!…`) have no meaning here: remove it, or put the value into quotes"))
    }
}

struct KeySeed<'a> {
    walk: &'a mut Walk,
    seen: &'a mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<(), E> {
        self.walk.enter(Shape::Key)?;
        if !self.seen.insert(key.to_owned()) {
            return Err(own(format_args!("`{key}` is there twice: keep one of them")));
        }
        Ok(())
    }
}

/// Second reading: the shape is known, so each scalar can be asked for as text.
struct Build<'a> {
    shape: Vec<Shape>,
    nodes: Vec<Node>,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Build<'_> {
    /// Keeps a place for the next node, so that numbers stay those of the first reading.
    fn reserve(&mut self) -> usize {
        self.nodes.push(Node::Null);
        self.nodes.len() - 1
    }

    fn next_id(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX)
    }
}

struct BuildSeed<'a, 'b>(&'a mut Build<'b>);

impl<'de> DeserializeSeed<'de> for BuildSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.shape.get(self.0.nodes.len()) {
            Some(Shape::Null) => deserializer.deserialize_any(self),
            Some(Shape::Scalar | Shape::Key) => deserializer.deserialize_str(self),
            Some(Shape::Sequence) => deserializer.deserialize_seq(self),
            Some(Shape::Mapping) => deserializer.deserialize_map(self),
            None => Err(own("the file has no end")),
        }
    }
}

impl<'de> Visitor<'de> for BuildSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.reserve();
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let at = self.0.reserve();
        self.0.nodes[at] = match self.0.shape.get(at) {
            Some(Shape::Key) => Node::Key(text.to_owned()),
            _ => Node::Scalar(Scalar { written: text.to_owned(), text: interpolate::replace(text, self.0.env) }),
        };
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let at = self.0.reserve();
        let mut items = Vec::new();
        loop {
            let id = self.0.next_id();
            if seq.next_element_seed(BuildSeed(self.0))?.is_none() {
                break;
            }
            items.push(id);
        }
        self.0.nodes[at] = Node::Sequence(items);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let at = self.0.reserve();
        let mut entries = Vec::new();
        loop {
            let key = self.0.next_id();
            if map.next_key_seed(BuildSeed(self.0))?.is_none() {
                break;
            }
            let value = self.0.next_id();
            map.next_value_seed(BuildSeed(self.0))?;
            entries.push(Entry { key, value });
        }
        self.0.nodes[at] = Node::Mapping(entries);
        Ok(())
    }
}
