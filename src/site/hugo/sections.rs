//! What the `_index` files of a site say of all that is below them: `cascade`, and since 0.167 their `slug`.
//!
//! Source of the rules: Hugo's documentation ("Front matter: cascade"). They are read when the site is opened, for the rules
//! of one document may not read another.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::micromatch::Patterns;
use super::super::{Tree, text};
use super::settings::lowered;
use super::{EXTENSIONS, Root, under};

/// Folders of one content folder, and folders within folders, at most.
const MAX_FOLDERS: usize = 50_000;
const MAX_DEPTH: usize = 32;

/// What is handed down of a document's front matter.
const KEYS: &[&str] = &["draft", "slug", "url", "outputs", "build", "_build"];

/// What a section says of what is below it.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) slug: Option<String>,
    pub(super) cascades: Vec<Cascade>,
}

/// Front matter that is handed down.
#[derive(Debug)]
pub(super) struct Cascade {
    path: Option<Patterns>,
    kind: Option<Patterns>,
    language: Option<Patterns>,
    values: BTreeMap<String, String>,
}

impl Cascade {
    /// The value of a key, for a page that is meant.
    pub(super) fn value(&self, key: &str, page: &str, kind: &str, language: &str) -> Option<&str> {
        let is_meant = self.path.as_ref().is_none_or(|pattern| pattern.matches(&page.to_lowercase()))
            && self.kind.as_ref().is_none_or(|pattern| pattern.matches(kind))
            && self.language.as_ref().is_none_or(|pattern| pattern.matches(language));
        self.values.get(key).map(String::as_str).filter(|_| is_meant)
    }
}

/// Sections by folder and language; those that say nothing of others are not kept.
pub(super) type Sections = BTreeMap<(String, String), Section>;

/// Reads the `_index` files of a content folder. `language` gives the language of a file's name.
pub(super) fn read(root: &Root, language: &dyn Fn(&str) -> String, tree: &dyn Tree, sections: &mut Sections) {
    let mut waiting = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((dir, depth)) = waiting.pop() {
        seen += 1;
        if seen > MAX_FOLDERS {
            return;
        }
        for name in tree.list(&under(&root.dir, &dir)) {
            if let Some(folder) = name.strip_suffix('/') {
                if depth < MAX_DEPTH && !folder.starts_with('.') {
                    waiting.push((under(&dir, folder), depth + 1));
                }
                continue;
            }
            let is_index = name.strip_prefix("_index.").is_some()
                && name.rsplit('.').next().is_some_and(|extension| EXTENSIONS.contains(&extension));
            if !is_index {
                continue;
            }
            let path = under(&under(&root.dir, &dir), &name);
            let Some(front) = text(tree, &path).ok().flatten().and_then(|text| crate::render::front_matter_of(&text))
            else {
                continue;
            };
            let section = section(&lowered(front, 0));
            if section.slug.is_some() || !section.cascades.is_empty() {
                sections.insert((under(&root.target, &dir), language(&name)), section);
            }
        }
    }
}

fn section(front: &Value) -> Section {
    let slug = front["slug"].as_str().filter(|slug| !slug.is_empty()).map(str::to_owned);
    Section { slug, cascades: cascades(&front["cascade"]) }
}

/// The cascades of a front matter or of the site's configuration.
pub(super) fn cascades(value: &Value) -> Vec<Cascade> {
    let one = |value: &Value| {
        let map = value.as_object()?;
        let target = if map.contains_key("target") { &value["target"] } else { &value["_target"] };
        let word = |key: &str| target[key].as_str().map(|pattern| Patterns::new([pattern.to_lowercase().as_str()]));
        let mut values = BTreeMap::new();
        // Since 0.123 what is handed down may stand in a map of its own.
        for from in [Some(map), value["params"].as_object()].into_iter().flatten() {
            take(from, &mut values);
        }
        let language = word("lang").or_else(|| word("language"));
        (!values.is_empty()).then(|| Cascade { path: word("path"), kind: word("kind"), language, values })
    };
    match value {
        Value::Array(items) => items.iter().take(100).filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

fn take(from: &Map<String, Value>, values: &mut BTreeMap<String, String>) {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    };
    for key in KEYS {
        match from.get(*key) {
            Some(Value::Object(map)) => {
                let render = map.get("render").and_then(scalar);
                values.extend(render.map(|render| (format!("{key}.render"), render)));
            }
            Some(value) => values.extend(scalar(value).map(|text| ((*key).to_owned(), text))),
            None => {}
        }
    }
}
