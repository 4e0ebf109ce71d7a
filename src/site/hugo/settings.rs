//! The configuration of a site of Hugo's, put together from its files, and the version that builds it.
//!
//! Source of the rules: Hugo's documentation ("Configure Hugo": file names, the configuration folder, environments). Keys
//! are the same in upper and lower case, so all of them are kept in lower case.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::{Tree, text, unreadable, within, yaml};
use crate::page::Failure;

/// The extensions of configuration, in the order in which Hugo looks for them.
const EXTENSIONS: &[&str] = &["toml", "yaml", "yml", "json"];

/// Maps within maps, at most.
const MAX_DEPTH: usize = 32;

/// A version of Hugo: `(0, 123)`.
pub(super) type Version = (u32, u32);

/// Reads what the site is built from: its configuration file, then `config/_default` and `config/production`, then what
/// our own configuration says of it.
pub(super) fn read(folder: &str, own: &BTreeMap<String, String>, tree: &dyn Tree) -> Result<Value, Failure> {
    let mut all = Value::Object(Map::new());
    'file: for name in ["hugo", "config"] {
        for extension in EXTENSIONS {
            let path = within(folder, &format!("{name}.{extension}"));
            if let Some(value) = file(&path, tree)? {
                merge(&mut all, value, 0);
                break 'file;
            }
        }
    }
    for environment in ["config/_default", "config/production"] {
        let dir = within(folder, environment);
        for name in tree.list(&dir) {
            let Some((stem, extension)) = name.rsplit_once('.') else { continue };
            if !EXTENSIONS.contains(&extension) {
                continue;
            }
            let Some(value) = file(&within(&dir, &name), tree)? else { continue };
            merge(&mut all, nested(stem, value), 0);
        }
    }
    for (key, text) in own {
        let value = match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => Value::String(text.to_owned()),
        };
        let keys = key.rsplit('.').map(str::to_lowercase);
        merge(&mut all, keys.fold(value, |value, key| Value::Object([(key, value)].into_iter().collect())), 0);
    }
    Ok(all)
}

/// `params.toml` holds what is below `params`, `languages.fr.toml` what is below `languages.fr`.
fn nested(stem: &str, value: Value) -> Value {
    if matches!(stem, "hugo" | "config") {
        return value;
    }
    stem.rsplit('.').fold(value, |value, key| Value::Object([(key.to_lowercase(), value)].into_iter().collect()))
}

fn file(path: &str, tree: &dyn Tree) -> Result<Option<Value>, Failure> {
    let Some(text) = text(tree, path)? else { return Ok(None) };
    let value = match path.rsplit('.').next() {
        Some("toml") => {
            let table: toml::Table = toml::from_str(&text).map_err(|error| unreadable(path, &error.to_string()))?;
            serde_json::to_value(table).map_err(|error| unreadable(path, &error.to_string()))?
        }
        Some("json") => serde_json::from_str(&text).map_err(|error| unreadable(path, &error.to_string()))?,
        _ => yaml::parse(path, &text)?,
    };
    Ok(Some(lowered(value, 0)))
}

/// A value with the keys of its maps in lower case.
pub(super) fn lowered(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(map) if depth < MAX_DEPTH => {
            Value::Object(map.into_iter().map(|(key, value)| (key.to_lowercase(), lowered(value, depth + 1))).collect())
        }
        Value::Array(items) if depth < MAX_DEPTH => {
            Value::Array(items.into_iter().map(|item| lowered(item, depth + 1)).collect())
        }
        value => value,
    }
}

fn merge(into: &mut Value, from: Value, depth: usize) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) if depth < MAX_DEPTH => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value, depth + 1);
            }
        }
        (into, from) => *into = from,
    }
}

/// The version of Hugo that builds the site, where the site's own configuration, or that of what builds it, names one.
pub(super) fn version(folder: &str, config: &Value, tree: &dyn Tree) -> Option<Version> {
    let own = match &config["hugoversion"] {
        Value::String(text) => number(text),
        Value::Number(number_of) => number(&number_of.to_string()),
        _ => None,
    };
    let mut files: Vec<String> =
        ["netlify.toml", "package.json", ".tool-versions", "vercel.json", ".hvm", "Dockerfile"]
            .iter()
            .flat_map(|name| [within(folder, name), (*name).to_owned()])
            .collect();
    let workflows = ".github/workflows";
    files.extend(tree.list(workflows).into_iter().take(50).map(|name| format!("{workflows}/{name}")));
    own.or_else(|| {
        files.iter().find_map(|path| {
            let text = text(tree, path).ok().flatten()?;
            if path.rsplit('/').next() == Some(".hvm") { number(&text) } else { named(&text) }
        })
    })
}

/// The version that stands on a line with one of the names by which builds call it.
fn named(text: &str) -> Option<Version> {
    const NAMES: &[&str] = &["hugo_version", "hugo-version", "hugo-extended", "hugo-bin", "hugo "];
    text.lines().take(5_000).find_map(|line| {
        let line = line.to_ascii_lowercase();
        let (at, name) = NAMES.iter().find_map(|name| Some((line.find(name)?, name)))?;
        number(line.get(at + name.len()..)?)
    })
}

/// The first `0.123` in a text that has nothing but signs before it.
fn number(text: &str) -> Option<Version> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "\"'=:^~>v,".contains(c));
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (version.0 == 0 && version.1 > 10 || version.0 > 0 && version.0 < 10).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::tests::MapTree;

    #[test]
    fn files_of_the_configuration_folder_go_over_the_one_file() {
        let tree = MapTree::new(&[
            ("hugo.toml", "baseURL = 'https://a.example/'\n[params]\nX = 1\n"),
            ("config/_default/hugo.yaml", "baseURL: https://b.example/\n"),
            ("config/_default/languages.fr.toml", "contentDir = 'fr'\n"),
            ("config/production/config.json", "{\"uglyURLs\": true}"),
            ("config/staging/hugo.toml", "baseURL = 'https://no.example/'\n"),
        ]);
        let own = [("markup.goldmark.renderer.unsafe".to_owned(), "true".to_owned())].into();
        let value = read("", &own, &tree).unwrap();
        assert_eq!(value["baseurl"], "https://b.example/");
        assert_eq!(value["params"]["x"], 1);
        assert_eq!(value["languages"]["fr"]["contentdir"], "fr");
        assert_eq!(value["uglyurls"], true);
        assert_eq!(value["markup"]["goldmark"]["renderer"]["unsafe"], true);
    }

    #[test]
    fn the_version_is_looked_for_where_builds_name_it() {
        let of = |path: &str, text: &str| version("", &Value::Null, &MapTree::new(&[(path, text)]));
        assert_eq!(of("netlify.toml", "[build.environment]\n  HUGO_VERSION = \"0.111.3\"\n"), Some((0, 111)));
        assert_eq!(of("package.json", "  \"hugo-extended\": \"^0.136.2\",\n"), Some((0, 136)));
        assert_eq!(of(".github/workflows/pages.yml", "      hugo-version: '0.128.0'\n"), Some((0, 128)));
        assert_eq!(of(".tool-versions", "hugo extended_0.119.0\n"), None);
        assert_eq!(of("netlify.toml", "HUGO_VERSION = \"latest\"\n"), None);
    }
}
