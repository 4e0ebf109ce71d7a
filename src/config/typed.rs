//! From the tree to `Raw*` structs: a serde deserializer whose values remember which node they came from.
//!
//! Scalars are not read here. A [`Leaf`] keeps the number of its node and the type that it will be read as; reading is
//! left to the caller, who can then report every wrong value of a file at once. What is found here is wrong shape:
//! unknown keys, missing keys, a list where a mapping belongs.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::tree::{Entry, Node, NodeId, Tree};

/// A type that one scalar of the configuration is read as.
pub(super) trait Setting: Sized {
    /// Reads the text; the error says what it is not and how it is written: "not a duration: write `30s`".
    fn read(text: &str) -> Result<Self, String>;

    /// What an editor may accept.
    fn schema() -> Schema;
}

/// A scalar, not yet read.
pub(super) struct Leaf<T> {
    pub(super) node: NodeId,
    as_type: PhantomData<fn() -> T>,
}

/// A list of scalars, not yet read.
pub(super) struct List<T> {
    pub(super) node: NodeId,
    pub(super) items: Vec<Leaf<T>>,
}

/// One scalar, or a list of them, not yet read.
pub(super) struct OneOrMany<T> {
    pub(super) node: NodeId,
    pub(super) items: Vec<Leaf<T>>,
}

/// A value and the node that it came from.
#[derive(Debug)]
pub(super) struct At<T> {
    pub(super) node: NodeId,
    pub(super) value: T,
}

const LEAF: &str = "$leaf";
const LIST: &str = "$list";
const ONE_OR_MANY: &str = "$one_or_many";
const AT: &str = "$at";

/// Reads the whole tree.
pub(super) fn from_tree<'de, T: Deserialize<'de>>(tree: &'de Tree) -> Result<T, Misshape> {
    T::deserialize(Cursor { tree, id: Tree::ROOT }).map_err(|e| e.at(Tree::ROOT))
}

/// Why a tree is not of the right shape, and where.
#[derive(Debug)]
pub(super) struct Misshape {
    pub(super) node: Option<NodeId>,
    pub(super) message: String,
    /// The key that is not known, and those that are.
    pub(super) unknown_key: Option<(String, &'static [&'static str])>,
}

impl Misshape {
    fn at(mut self, node: NodeId) -> Self {
        self.node.get_or_insert(node);
        self
    }
}

impl fmt::Display for Misshape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misshape {}

impl de::Error for Misshape {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { node: None, message: message.to_string(), unknown_key: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{field}`");
        Self { node: None, message, unknown_key: Some((field.to_owned(), expected)) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("`{field}` is missing here: add it"))
    }

    /// Never repeats a value: it may be a secret in the wrong place.
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }
}

#[derive(Clone, Copy)]
struct Cursor<'de> {
    tree: &'de Tree,
    id: NodeId,
}

impl<'de> Cursor<'de> {
    fn to(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    /// Says what is there in place of what was expected, and never its value: it may be a secret in the wrong place.
    fn unexpected(self, expected: &str) -> Misshape {
        let found = match self.tree.node(self.id) {
            Node::Scalar(_) | Node::Key(_) => "a single value",
            Node::Null => "nothing",
            Node::Sequence(_) => "a list",
            Node::Mapping(_) => "a mapping",
        };
        let error: Misshape = de::Error::custom(format_args!("expected {expected}, found {found}"));
        error.at(self.id)
    }

    fn scalar_id(self) -> Result<NodeId, Misshape> {
        match self.tree.node(self.id) {
            Node::Scalar(_) => Ok(self.id),
            _ => Err(self.unexpected("a single value")),
        }
    }

    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshape> {
        match self.tree.node(self.id) {
            Node::Null => visitor.visit_unit(),
            Node::Scalar(scalar) => visitor.visit_str(&scalar.written),
            Node::Key(name) => visitor.visit_str(name),
            Node::Sequence(items) => visitor.visit_seq(Items { cursor: self, items: items.iter() }),
            Node::Mapping(entries) => visitor.visit_map(Entries { cursor: self, rest: entries.iter(), last: None }),
        }
    }
}

impl<'de> Deserializer<'de> for Cursor<'de> {
    type Error = Misshape;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshape> {
        self.visit(visitor).map_err(|e| e.at(self.id))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshape> {
        match self.tree.node(self.id) {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|e: Misshape| e.at(self.id))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Misshape> {
        match name {
            LEAF => self.scalar_id().and_then(|id| visitor.visit_u32(id)),
            LIST => match self.tree.node(self.id) {
                Node::Sequence(items) => visitor.visit_seq(Ids { cursor: self, items: Some(items.iter()), own: true }),
                _ => Err(self.unexpected("a list, such as `[a, b]`")),
            },
            ONE_OR_MANY => match self.tree.node(self.id) {
                Node::Sequence(items) => visitor.visit_seq(Ids { cursor: self, items: Some(items.iter()), own: true }),
                Node::Scalar(_) => visitor.visit_u32(self.id),
                _ => Err(self.unexpected("a single value, or a list such as `[a, b]`")),
            },
            AT => visitor.visit_seq(OwnIdThenValue { cursor: self, step: 0 }),
            _ => visitor.visit_newtype_struct(self),
        }
        .map_err(|e: Misshape| e.at(self.id))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshape> {
        match self.tree.node(self.id) {
            Node::Sequence(_) => self.deserialize_any(visitor),
            _ => Err(self.unexpected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshape> {
        match self.tree.node(self.id) {
            Node::Mapping(_) => self.deserialize_any(visitor),
            _ => Err(self.unexpected("keys with values")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misshape> {
        self.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

struct Items<'de> {
    cursor: Cursor<'de>,
    items: std::slice::Iter<'de, NodeId>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misshape;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misshape> {
        self.items.next().map(|id| seed.deserialize(self.cursor.to(*id)).map_err(|e| e.at(*id))).transpose()
    }
}

/// The number of a list, then those of its items, each of which must be a scalar.
struct Ids<'de> {
    cursor: Cursor<'de>,
    items: Option<std::slice::Iter<'de, NodeId>>,
    own: bool,
}

impl<'de> SeqAccess<'de> for Ids<'de> {
    type Error = Misshape;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misshape> {
        let id = if std::mem::take(&mut self.own) {
            self.cursor.id
        } else {
            match self.items.as_mut().and_then(Iterator::next) {
                Some(id) => self.cursor.to(*id).scalar_id().map_err(|e| e.at(*id))?,
                None => return Ok(None),
            }
        };
        seed.deserialize(id.into_deserializer()).map(Some)
    }
}

struct OwnIdThenValue<'de> {
    cursor: Cursor<'de>,
    step: u8,
}

impl<'de> SeqAccess<'de> for OwnIdThenValue<'de> {
    type Error = Misshape;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misshape> {
        self.step = self.step.saturating_add(1);
        match self.step {
            1 => seed.deserialize(self.cursor.id.into_deserializer()).map(Some),
            2 => seed.deserialize(self.cursor).map(Some),
            _ => Ok(None),
        }
    }
}

struct Entries<'de> {
    cursor: Cursor<'de>,
    rest: std::slice::Iter<'de, Entry>,
    last: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misshape;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misshape> {
        self.last = self.rest.next();
        self.last
            .map(|entry| seed.deserialize(self.cursor.to(entry.key)).map_err(|e: Misshape| e.at(entry.key)))
            .transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misshape> {
        let entry = self.last.ok_or_else(|| de::Error::custom("a value without its key"))?;
        seed.deserialize(self.cursor.to(entry.value)).map_err(|e| e.at(entry.value))
    }
}

impl<T> Leaf<T> {
    pub(super) fn new(node: NodeId) -> Self {
        Self { node, as_type: PhantomData }
    }
}

impl<T> fmt::Debug for Leaf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({})", self.node)
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.node)
    }
}

impl<'de, T> Deserialize<'de> for Leaf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LeafVisitor;
        impl Visitor<'_> for LeafVisitor {
            type Value = NodeId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }
            fn visit_u32<E: de::Error>(self, node: u32) -> Result<NodeId, E> {
                Ok(node)
            }
        }
        deserializer.deserialize_newtype_struct(LEAF, LeafVisitor).map(Self::new)
    }
}

impl<'de, T> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let node = seq.next_element()?.ok_or_else(|| de::Error::custom("expected a list"))?;
                let mut items = Vec::new();
                while let Some(node) = seq.next_element()? {
                    items.push(Leaf::new(node));
                }
                Ok(List { node, items })
            }
        }
        deserializer.deserialize_newtype_struct(LIST, ListVisitor(PhantomData))
    }
}

impl<T> fmt::Debug for OneOrMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneOrMany({})", self.node)
    }
}

impl<'de, T> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(PhantomData<T>);
        impl<'de, T> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value, or a list")
            }
            fn visit_u32<E: de::Error>(self, node: u32) -> Result<OneOrMany<T>, E> {
                Ok(OneOrMany { node, items: vec![Leaf::new(node)] })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let node = seq.next_element()?.ok_or_else(|| de::Error::custom("expected a list"))?;
                let mut items = Vec::new();
                while let Some(node) = seq.next_element()? {
                    items.push(Leaf::new(node));
                }
                Ok(OneOrMany { node, items })
            }
        }
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, OneOrManyVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
            type Value = At<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<At<T>, A::Error> {
                let missing = || de::Error::custom("expected a value");
                let node = seq.next_element()?.ok_or_else(missing)?;
                Ok(At { node, value: seq.next_element()?.ok_or_else(missing)? })
            }
        }
        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

impl<T: Setting> JsonSchema for Leaf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Leaf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let own = T::schema();
        if own.get("type").is_some_and(|t| t == "string") && own.get("enum").is_none() && own.get("pattern").is_none() {
            return own;
        }
        // A variable may stand for any value.
        schemars::json_schema!({ "anyOf": [own, { "type": "string", "pattern": r"\$\{" }] })
    }
}

impl<T: Setting> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "List".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = Leaf::<T>::json_schema(generator);
        schemars::json_schema!({ "type": "array", "items": items })
    }
}

impl<T: Setting> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (one, many) = (Leaf::<T>::json_schema(generator), List::<T>::json_schema(generator));
        schemars::json_schema!({ "anyOf": [one, many] })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
