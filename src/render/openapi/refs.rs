//! `$ref`: from where it stands to what it means, in the document or in other files of the source. Files are read before
//! anything is written, so that everything else can go by plain references.

use std::collections::{HashMap, HashSet};

use super::tree::{MAX_BYTES, Node};
use crate::page::{DocPath, resolve};
use crate::render::Warning;
use crate::render::asking::Asking;
use crate::site::percent_decode;

/// Files beside the document, at most.
const MAX_FILES: usize = 500;

/// References that lead to references.
const MAX_HOPS: usize = 16;

/// References that lead nowhere, by name, at most.
const MAX_WARNINGS: usize = 20;

/// The document and the files that it refers to.
#[derive(Debug)]
pub(super) struct Documents {
    files: Vec<(DocPath, Node)>,
    by_path: HashMap<DocPath, usize>,
    /// What leads nowhere.
    pub(super) warnings: Vec<Warning>,
}

/// A value and the file that it stands in, from which its references count.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    file: usize,
}

impl Documents {
    /// Reads every file that the document refers to, and those that they do.
    pub(super) fn open(path: &DocPath, root: Node, asking: &Asking<'_>) -> Self {
        let mut documents = Self {
            files: vec![(path.clone(), root)],
            by_path: HashMap::from([(path.clone(), 0)]),
            warnings: Vec::new(),
        };
        let (mut at, mut bytes) = (0, 0);
        let mut absent: HashSet<String> = HashSet::new();
        while let Some((path, node)) = documents.files.get(at) {
            let mut wanted = Vec::new();
            each_ref(node, &mut |reference| {
                if !reference.starts_with('#') {
                    wanted.push(reference.split('#').next().unwrap_or_default().to_owned());
                }
            });
            let from = path.clone();
            at += 1;
            for name in wanted {
                let Some(path) = beside(&from, &name) else {
                    absent.insert(name);
                    continue;
                };
                if documents.by_path.contains_key(&path) || absent.contains(path.as_str()) {
                    continue;
                }
                let text = if documents.files.len() < MAX_FILES { asking.file(&path) } else { None };
                bytes += text.as_ref().map_or(0, |text| text.len());
                match text.filter(|_| bytes <= MAX_BYTES).map(|text| Node::parse(&text)) {
                    Some(Ok(node)) => {
                        documents.by_path.insert(path.clone(), documents.files.len());
                        documents.files.push((path, node));
                    }
                    Some(Err(_)) | None => drop(absent.insert(path.as_str().to_owned())),
                }
            }
        }
        documents.warnings = documents.dead();
        documents
    }

    /// The whole document.
    pub(super) fn root(&self) -> At<'_> {
        At { node: self.files.first().map_or(&Node::Null, |(_, node)| node), file: 0 }
    }

    /// What a value stands for: itself, or what its `$ref` leads to. A reference that leads nowhere stands for itself.
    pub(super) fn follow<'a>(&'a self, at: At<'a>) -> At<'a> {
        let mut now = at;
        for _ in 0..MAX_HOPS {
            let Some(reference) = now.text("$ref") else { return now };
            match self.resolve(reference, now.file) {
                Some(next) => now = next,
                None => return now,
            }
        }
        now
    }

    fn resolve(&self, reference: &str, file: usize) -> Option<At<'_>> {
        let (name, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if name.is_empty() {
            file
        } else {
            let (from, _) = self.files.get(file)?;
            *self.by_path.get(&beside(from, name)?)?
        };
        let mut node = &self.files.get(file)?.1;
        let fragment = percent_decode(fragment);
        for part in fragment.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/')) {
            let key = part.replace("~1", "/").replace("~0", "~");
            node = match node {
                Node::List(items) => items.get(key.parse::<usize>().ok()?)?,
                node => node.get(&key)?,
            };
        }
        (fragment.is_empty() || fragment.starts_with('/')).then_some(At { node, file })
    }

    /// A warning for each reference that leads nowhere, the first of them.
    fn dead(&self) -> Vec<Warning> {
        let mut seen = HashSet::new();
        let mut warnings = Vec::new();
        for (file, (_, node)) in self.files.iter().enumerate() {
            each_ref(node, &mut |reference| {
                if warnings.len() < MAX_WARNINGS && self.resolve(reference, file).is_none() && seen.insert(reference) {
                    let message = format!("`$ref: {reference}` leads to nothing in the source; it is left out");
                    warnings.push(Warning { code: "unknown_construct".to_owned(), line: None, message });
                }
            });
        }
        warnings
    }
}

impl<'a> At<'a> {
    /// The value of a key.
    pub(super) fn get(self, key: &str) -> Option<At<'a>> {
        self.node.get(key).map(|node| Self { node, ..self })
    }

    /// The text of a key.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::scalar)
    }

    /// Whether a key has a text that says something.
    pub(super) fn has_text(self, key: &str) -> bool {
        self.text(key).is_some_and(|text| !text.trim().is_empty())
    }

    /// Whether a key is the switch `true`.
    pub(super) fn is(self, key: &str) -> bool {
        self.node.get(key).is_some_and(Node::is_true)
    }

    /// The members of a list that a key has.
    pub(super) fn list(self, key: &str) -> impl Iterator<Item = At<'a>> {
        let items = self.node.get(key).map(Node::items).unwrap_or_default();
        items.iter().map(move |node| Self { node, ..self })
    }

    /// Keys and values of a mapping that a key has.
    pub(super) fn map(self, key: &str) -> impl Iterator<Item = (&'a str, At<'a>)> {
        self.node
            .get(key)
            .into_iter()
            .flat_map(move |map| map.entries().map(move |(k, node)| (k, Self { node, ..self })))
    }

    /// Whether it is the very same value, in the same place.
    pub(super) fn is_same(self, other: At<'_>) -> bool {
        std::ptr::eq(self.node, other.node)
    }

    /// The name of what a reference leads to: `User` of `#/components/schemas/User`.
    pub(super) fn name(self) -> Option<&'a str> {
        let last = self.text("$ref")?.rsplit(['/', '#']).next()?;
        let last =
            last.strip_suffix(".yaml").or(last.strip_suffix(".yml")).or(last.strip_suffix(".json")).unwrap_or(last);
        (!last.is_empty() && last.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(&b))).then_some(last)
    }
}

/// The file that a reference names, from the file that it stands in; `None` for what is no file of the source.
fn beside(from: &DocPath, name: &str) -> Option<DocPath> {
    if name.contains("://") || name.starts_with("//") {
        return None;
    }
    let name = percent_decode(name);
    resolve(if name.starts_with('/') { "" } else { from.dir() }, &name).map(DocPath::new)
}

/// Calls back with every reference in a value, which is no deeper than its parser lets it be.
fn each_ref<'a>(node: &'a Node, each: &mut impl FnMut(&'a str)) {
    match node {
        Node::List(items) => items.iter().for_each(|item| each_ref(item, each)),
        Node::Map(map) => {
            if let Some(Node::Text(reference)) = map.get("$ref") {
                each(reference);
            }
            for (key, value) in map.iter() {
                // What is only an example refers to nothing.
                if !matches!(key, "example" | "examples" | "default" | "enum") {
                    each_ref(value, each);
                }
            }
        }
        _ => {}
    }
}
