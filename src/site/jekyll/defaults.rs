//! Front matter defaults: which values a document has because of its path and its kind (`Jekyll::FrontmatterDefaults`).

use serde_json::{Map, Value};

use crate::site::micromatch::Patterns;

/// The sets of defaults, in the order of the configuration.
#[derive(Debug)]
pub(super) struct Defaults(Vec<Set>);

#[derive(Debug)]
struct Set {
    path: String,
    pattern: Option<Patterns>,
    kind: Option<String>,
    values: Map<String, Value>,
}

impl Defaults {
    pub(super) fn new(config: &Value, collections_dir: &str) -> Self {
        Self(config.as_array().into_iter().flatten().filter_map(|set| Set::new(set, collections_dir)).collect())
    }

    /// The values for a path of this kind: those of a longer scope, or of one that names the kind, go before others.
    pub(super) fn of(&self, path: &str, kind: &str) -> Map<String, Value> {
        let mut values = Map::new();
        let mut last: Option<&Set> = None;
        for set in self.0.iter().filter(|set| set.applies(path, kind)) {
            if last.is_none_or(|last| set.goes_before(last)) {
                merge(&mut values, &set.values, true);
                last = Some(set);
            } else {
                merge(&mut values, &set.values, false);
            }
        }
        values
    }
}

impl Set {
    fn new(set: &Value, collections_dir: &str) -> Option<Self> {
        let values = set["values"].as_object()?.clone();
        let path = set["scope"]["path"].as_str().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        let stripped = path.strip_prefix(collections_dir).and_then(|rest| rest.strip_prefix('/'));
        let path = stripped.filter(|_| !collections_dir.is_empty()).unwrap_or(path);
        let kind = set["scope"]["type"].as_str().map(|kind| match kind {
            "page" => "pages",
            "post" => "posts",
            "draft" => "drafts",
            kind => kind,
        });
        let pattern = path.contains('*').then(|| Patterns::new([path.trim_end_matches('/')]));
        Some(Self { path: path.to_owned(), pattern, kind: kind.map(str::to_owned), values })
    }

    fn applies(&self, path: &str, kind: &str) -> bool {
        if self.kind.as_deref().is_some_and(|own| own != kind) {
            return false;
        }
        match &self.pattern {
            None => path.starts_with(&self.path),
            // A file or one of the folders above it.
            Some(pattern) => {
                let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
                ends.take(64).any(|end| pattern.matches(&path[..end]))
            }
        }
    }

    fn goes_before(&self, last: &Self) -> bool {
        if self.path.len() == last.path.len() {
            self.kind.is_some() || last.kind.is_none()
        } else {
            self.path.len() > last.path.len()
        }
    }
}

/// Adds values to others; mappings are joined.
fn merge(into: &mut Map<String, Value>, more: &Map<String, Value>, wins: bool) {
    for (key, value) in more {
        match (into.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new, wins),
            (Some(old), _) if wins => *old = value.clone(),
            (Some(_), _) => {}
            (None, _) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
