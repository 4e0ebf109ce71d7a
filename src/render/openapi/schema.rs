//! Schemas: what they are in a word, and their fields as a list, bounded in depth and number.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::pen::{Pen, code, write_value};
use super::refs::At;
use super::tree::Node;
use crate::page::Failure;
use crate::render::writer::Writer;

/// Fields within fields that are written.
const MAX_DEPTH: usize = 5;

/// Schemas that are merged into one by `allOf`, and how deep.
const MAX_MERGED: usize = 64;
const MAX_MERGE_DEPTH: usize = 12;

/// Types that are named of one that may be several; values of an enumeration.
const MAX_ALTERNATIVES: usize = 12;
const MAX_VALUES: usize = 100;

/// Names of required fields that are looked at.
const MAX_REQUIRED: usize = 2_000;

/// Which way a value goes: what is only read is not sent, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
}

impl Way {
    /// Whether the field is there at all.
    fn has(self, field: At<'_>) -> bool {
        match self {
            Self::Request => !field.is("readOnly"),
            Self::Response => !field.is("writeOnly"),
        }
    }
}

/// A field: of a body, or one of an operation's parameters.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// What is said of it before its type: `query`.
    pub(super) place: Option<&'a str>,
    pub(super) schema: Option<At<'a>>,
    pub(super) is_required: bool,
    pub(super) is_deprecated: bool,
    /// Its own, where it is not the schema's.
    pub(super) description: Option<&'a str>,
    pub(super) example: Option<&'a Node>,
}

/// Writes fields of one operation.
pub(super) struct Fields<'p, 'a> {
    pub(super) pen: &'p Pen<'a>,
    pub(super) way: Way,
    /// The operation, for warnings.
    pub(super) place: &'p str,
}

impl<'a> Fields<'_, 'a> {
    /// Writes a field as an item of the list that is open.
    pub(super) fn field(&self, html: &mut Writer, field: &Field<'a>, open: &mut Vec<At<'a>>) -> Result<(), Failure> {
        html.open("li");
        code(html, field.name);
        let schema = field.schema.map(|schema| self.pen.documents.follow(schema));
        let mut words: Vec<String> = Vec::new();
        words.extend(field.place.map(str::to_owned));
        words.extend(field.schema.map(|schema| self.type_of(schema, 0)).filter(|name| !name.is_empty()));
        words.extend(field.is_required.then(|| "required".to_owned()));
        if let Some(schema) = schema {
            words.extend(schema.is("readOnly").then(|| "read-only".to_owned()));
            words.extend(schema.is("writeOnly").then(|| "write-only".to_owned()));
        }
        let is_deprecated = field.is_deprecated || schema.is_some_and(|schema| schema.is("deprecated"));
        words.extend(is_deprecated.then(|| "deprecated".to_owned()));
        if !words.is_empty() {
            html.text(&format!(" ({})", words.join(", ")));
        }
        // What stands beside a reference is said of this field, and goes before what the schema says of itself.
        let beside = field.schema.and_then(|schema| schema.text("description"));
        let own = schema.and_then(|schema| schema.text("description"));
        if let Some(text) = field.description.or(beside).or(own).filter(|text| !text.trim().is_empty()) {
            html.text(": ");
            self.pen.inline(html, text, self.place)?;
        }
        if let Some(schema) = schema {
            Self::limits(html, schema);
        }
        if let Some(example) = field.example.or_else(|| schema.and_then(|schema| schema.node.get("example"))) {
            html.text(" Example: ");
            write_value(html, example);
            html.text(".");
        }
        if let Some(schema) = field.schema {
            self.fields_of(html, schema, open)?;
        }
        html.close();
        Ok(())
    }

    /// Writes the fields of a schema as a list, if it has any; those of its members, if it is a list.
    pub(super) fn fields_of(&self, html: &mut Writer, schema: At<'a>, open: &mut Vec<At<'a>>) -> Result<(), Failure> {
        let schema = self.pen.documents.follow(schema);
        if open.len() >= MAX_DEPTH || open.iter().any(|above| above.is_same(schema)) {
            return Ok(());
        }
        let merged = self.merge(schema);
        open.push(schema);
        if let Some(items) = merged.items.filter(|_| merged.properties.is_empty()) {
            // The fields of a list's members stand where those of the list would.
            self.fields_of(html, items, open)?;
        }
        let properties = merged.properties.iter();
        let written: Vec<&(&str, At<'_>)> =
            properties.filter(|(_, property)| self.way.has(self.pen.documents.follow(*property))).collect();
        let others = merged.additional.filter(|other| other.node.entries().next().is_some());
        if !written.is_empty() || others.is_some() {
            html.open("ul");
            for (name, property) in written {
                let is_required = merged.required.contains(name);
                let field = Field {
                    name,
                    place: None,
                    schema: Some(*property),
                    is_required,
                    is_deprecated: false,
                    description: None,
                    example: None,
                };
                self.field(html, &field, open)?;
            }
            if let Some(other) = others {
                html.open("li");
                html.text(&format!("any other key ({})", self.type_of(other, 0)));
                self.fields_of(html, other, open)?;
                html.close();
            }
            html.close();
        }
        for (word, alternatives) in merged.alternatives {
            self.alternatives(html, word, &alternatives, open)?;
        }
        open.pop();
        Ok(())
    }

    /// What a value may be instead, each with its fields; left out where each is a mere word, which its type tells.
    fn alternatives(
        &self,
        html: &mut Writer,
        word: &'static str,
        alternatives: &[At<'a>],
        open: &mut Vec<At<'a>>,
    ) -> Result<(), Failure> {
        let says = |at: &At<'a>| {
            let schema = self.pen.documents.follow(*at);
            ["properties", "allOf", "oneOf", "anyOf", "items", "description"]
                .iter()
                .any(|key| schema.get(key).is_some())
        };
        if !alternatives.iter().any(says) || open.len() > MAX_DEPTH {
            return Ok(());
        }
        html.open("p");
        html.text(word);
        html.close();
        html.open("ul");
        for at in alternatives {
            let schema = self.pen.documents.follow(*at);
            html.open("li");
            let title = schema.text("title").or(at.name()).map_or_else(|| self.type_of(*at, 0), str::to_owned);
            html.text(&title);
            if let Some(text) = schema.text("description").filter(|text| !text.trim().is_empty()) {
                html.text(": ");
                self.pen.inline(html, text, self.place)?;
            }
            Self::limits(html, schema);
            self.fields_of(html, *at, open)?;
            html.close();
        }
        html.close();
        Ok(())
    }

    /// What a value must be like.
    fn limits(html: &mut Writer, schema: At<'a>) {
        let values = schema.node.get("enum").or_else(|| schema.get("items")?.node.get("enum")).map(Node::items);
        if let Some(values) = values.filter(|values| !values.is_empty()) {
            html.text(" One of: ");
            for (at, value) in values.iter().take(MAX_VALUES).enumerate() {
                html.text(if at > 0 { ", " } else { "" });
                write_value(html, value);
            }
            html.text(if values.len() > MAX_VALUES { ", …." } else { "." });
        }
        for (key, word) in [
            ("const", "Always"),
            ("default", "Default"),
            ("minimum", "Minimum"),
            ("exclusiveMinimum", "More than"),
            ("maximum", "Maximum"),
            ("exclusiveMaximum", "Less than"),
            ("multipleOf", "Multiple of"),
            ("minLength", "Minimum length"),
            ("maxLength", "Maximum length"),
            ("minItems", "Minimum items"),
            ("maxItems", "Maximum items"),
            ("pattern", "Pattern"),
        ] {
            // In 3.0 the exclusive ones are switches, of which the limit itself says enough.
            if let Some(value) =
                schema.node.get(key).filter(|value| key == "default" || !matches!(value, Node::Bool(_)))
            {
                html.text(&format!(" {word}: "));
                write_value(html, value);
                html.text(".");
            }
        }
    }

    /// What a schema is, in a few words: `string (date-time)`, `array of Pet`, `string or null`.
    pub(super) fn type_of(&self, at: At<'a>, depth: usize) -> String {
        let schema = self.pen.documents.follow(at);
        if depth > 2 {
            return at.name().unwrap_or_default().to_owned();
        }
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut types: Vec<&str> = match schema.node.get("type") {
            Some(Node::List(items)) => items.iter().filter_map(Node::scalar).take(MAX_ALTERNATIVES).collect(),
            Some(one) => one.scalar().into_iter().collect(),
            None if ["properties", "allOf", "additionalProperties"].iter().any(|key| schema.get(key).is_some()) => {
                vec!["object"]
            }
            None if schema.get("items").is_some() => vec!["array"],
            None => Vec::new(),
        };
        if schema.is("nullable") || schema.is("x-nullable") {
            types.push("null");
        }
        types.retain(|name| names.insert(name));
        let mut words: Vec<String> = types
            .iter()
            .map(|name| match *name {
                "object" => at.name().map_or_else(|| "object".to_owned(), |name| format!("{name} object")),
                "array" => match schema.get("items").map(|items| self.type_of(items, depth + 1)) {
                    Some(items) if !items.is_empty() => format!("array of {items}"),
                    _ => "array".to_owned(),
                },
                name => match schema.text("format") {
                    Some(format) if name != "null" && format != name => format!("{name}, {format}"),
                    _ => name.to_owned(),
                },
            })
            .collect();
        if types.iter().all(|name| matches!(*name, "object" | "null")) {
            let alternatives: Vec<At<'a>> =
                schema.list("oneOf").chain(schema.list("anyOf")).take(MAX_ALTERNATIVES + 1).collect();
            if !alternatives.is_empty() && schema.get("properties").is_none() {
                words.retain(|word| word == "null");
                let each = alternatives.iter().take(MAX_ALTERNATIVES).map(|one| self.type_of(*one, depth + 1));
                let mut each: Vec<String> = each.filter(|name| !name.is_empty()).collect();
                each.dedup();
                each.append(&mut words);
                words = each;
                if alternatives.len() > MAX_ALTERNATIVES {
                    words.push("…".to_owned());
                }
            }
        }
        words.join(" or ")
    }

    /// A schema with those that `allOf` adds to it.
    fn merge(&self, schema: At<'a>) -> Merged<'a> {
        let mut merged = Merged::default();
        self.add(schema, 0, &mut merged);
        merged
    }

    fn add(&self, schema: At<'a>, depth: usize, merged: &mut Merged<'a>) {
        let schema = self.pen.documents.follow(schema);
        let is_known = merged.from.iter().any(|other| other.is_same(schema));
        if is_known || depth > MAX_MERGE_DEPTH || merged.from.len() >= MAX_MERGED {
            return;
        }
        merged.from.push(schema);
        for part in schema.list("allOf").take(MAX_MERGED) {
            self.add(part, depth + 1, merged);
        }
        for (name, property) in schema.map("properties") {
            if !self.pen.has_room() {
                break;
            }
            // What is said last is said of the whole.
            let at = *merged.names.entry(name).or_insert(merged.properties.len());
            match merged.properties.get_mut(at) {
                Some(known) => known.1 = property,
                None => merged.properties.push((name, property)),
            }
        }
        let required = schema.node.get("required").map(Node::items).unwrap_or_default();
        merged.required.extend(required.iter().filter_map(Node::scalar).take(MAX_REQUIRED));
        merged.items = schema.get("items").or(merged.items);
        merged.additional = schema.get("additionalProperties").or(merged.additional);
        for (key, word) in [("oneOf", "One of:"), ("anyOf", "Any of:")] {
            let alternatives: Vec<At<'a>> = schema.list(key).take_while(|_| self.pen.has_room()).collect();
            if !alternatives.is_empty() {
                merged.alternatives.push((word, alternatives));
            }
        }
    }
}

/// What a schema asks for, all told.
#[derive(Default)]
struct Merged<'a> {
    from: Vec<At<'a>>,
    properties: Vec<(&'a str, At<'a>)>,
    names: HashMap<&'a str, usize>,
    required: HashSet<&'a str>,
    items: Option<At<'a>>,
    additional: Option<At<'a>>,
    alternatives: Vec<(&'static str, Vec<At<'a>>)>,
}
