//! Literals of JavaScript and TypeScript: what a configuration says without being run.
//!
//! Reads the default export of a module, follows names to constants of the same file and to relative imports, and
//! leaves everything that would have to be run as [`Literal::Code`]. Never fails: what it cannot read is code. Time is
//! linear in the text times the (bounded) nesting; values are shared, so that names cannot multiply them.

mod module;
mod reader;

use crate::page::resolve;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Tree;
use reader::Reader;

/// Imports are followed this deep.
const MAX_IMPORTS: usize = 4;

/// A larger module is no configuration of a person's.
const MAX_BYTES: usize = 1 << 20;

/// A value as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// `null` or `undefined`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, or a template without anything to fill in.
    Text(Arc<str>),
    /// An array.
    List(Arc<[Literal]>),
    /// An object, in order; a later entry of the same key wins.
    Object(Arc<[(String, Literal)]>),
    /// A call of a name: `defineConfig({…})`.
    Call(String, Arc<[Literal]>),
    /// Anything that only running it tells.
    Code,
}

impl Literal {
    /// The entry of an object; of a call, the entry of its first argument.
    pub(crate) fn entry(&self, key: &str) -> Option<&Literal> {
        match self {
            Self::Object(entries) => entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Call(_, arguments) => arguments.first().filter(|value| !matches!(value, Self::Call(..)))?.entry(key),
            _ => None,
        }
    }

    /// The value at a dotted path.
    pub(crate) fn at(&self, path: &str) -> Option<&Literal> {
        path.split('.').try_fold(self, |value, key| value.entry(key))
    }

    /// The text of a string or a number.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// A switch.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The members of an array; of anything else, none.
    pub(crate) fn list(&self) -> &[Literal] {
        match self {
            Self::List(members) => members,
            _ => &[],
        }
    }

    /// The entries of an object, or of the first argument of a call.
    pub(crate) fn entries(&self) -> &[(String, Literal)] {
        match self {
            Self::Object(entries) => entries,
            Self::Call(_, arguments) => match arguments.first() {
                Some(Self::Object(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Whether it, or a part of it that is spread into it, has to be run.
    pub(crate) fn is_code(&self) -> bool {
        matches!(self, Self::Code | Self::Call(..))
    }
}

/// Names that a module makes known.
pub(crate) type Names = BTreeMap<String, Literal>;

/// The default export of a module, [`Literal::Code`] where there is none that can be read. `None`: no such file.
pub(crate) fn read(tree: &dyn Tree, path: &str) -> Result<Option<Literal>, String> {
    let Some(bytes) = tree.read(path)? else { return Ok(None) };
    Ok(Some(module(tree, path, &bytes, MAX_IMPORTS).remove("default").unwrap_or(Literal::Code)))
}

/// The value of one expression.
pub(crate) fn expression(text: &str) -> Literal {
    let names = Names::new();
    Reader::new(text, &names).value()
}

/// What a module exports, by name.
fn module(tree: &dyn Tree, path: &str, bytes: &[u8], depth: usize) -> Names {
    let Ok(text) = std::str::from_utf8(bytes) else { return Names::new() };
    if text.len() > MAX_BYTES {
        return Names::new();
    }
    if path.rsplit_once('.').is_some_and(|(_, extension)| extension == "json") {
        return Names::from([("default".to_owned(), expression(text))]);
    }
    module::exports(text, &mut |from| imported(tree, path, from, depth))
}

fn imported(tree: &dyn Tree, path: &str, from: &str, depth: usize) -> Names {
    const ENDS: &[&str] = &["", ".ts", ".mts", ".js", ".mjs", ".cjs", ".json", "/index.ts", "/index.js"];
    if depth == 0 || !from.starts_with('.') {
        return Names::new();
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(target) = resolve(folder, from) else { return Names::new() };
    let found = ENDS.iter().find_map(|end| {
        let file = format!("{target}{end}");
        tree.read(&file).ok().flatten().map(|bytes| (file, bytes))
    });
    found.map_or_else(Names::new, |(file, bytes)| module(tree, &file, &bytes, depth - 1))
}

#[cfg(test)]
mod tests;
