//! The parts of Hugo's configuration that decide which files are pages, and where.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Tree, within};
use super::{Language, Root, Ugly};
use crate::page::resolve;

pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

pub(super) fn languages(config: &Value, default: &str) -> BTreeMap<String, Language> {
    let disabled = texts(&config["disablelanguages"]);
    let mut languages = BTreeMap::new();
    for (key, language) in config["languages"].as_object().into_iter().flatten().take(500) {
        let is_disabled = language["disabled"].as_bool().unwrap_or(false) || disabled.iter().any(|name| name == key);
        let base_url = language["baseurl"].as_str().and_then(super::super::absolute);
        languages.insert(key.clone(), Language { is_disabled, base_url });
    }
    if languages.is_empty() {
        languages.insert(default.to_owned(), Language::default());
    }
    languages
}

/// The folders of content: those that are mounted, else `contentDir`, each language's own before it.
pub(super) fn roots(folder: &str, config: &Value, default: &str, notices: &mut Vec<String>) -> Vec<Root> {
    let mut roots = Vec::new();
    let mounts = config["module"]["mounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    for mount in mounts.iter().take(500) {
        let target = mount["target"].as_str().unwrap_or_default().trim_matches('/');
        let Some(target) = super::super::below("content", target).or((target == "content").then_some("")) else {
            continue;
        };
        let source = mount["source"].as_str().unwrap_or_default();
        match resolve(folder, source) {
            Some(dir) => {
                let language = mount["lang"].as_str().unwrap_or(default).to_lowercase();
                roots.push(Root { dir, target: target.to_owned(), language });
            }
            None => {
                notices.push(format!("the mounted folder `{source}` is outside the source: its pages are left out"));
            }
        }
        if mount.get("includefiles").or(mount.get("excludefiles")).or(mount.get("files")).is_some() {
            notices.push(format!("which files of the mount `{source}` count is not read: say it under `exclude`"));
        }
    }
    let mut add = |dir: Option<&str>, language: &str| match dir.map(|dir| resolve(folder, dir)) {
        Some(Some(dir)) => roots.push(Root { dir, target: String::new(), language: language.to_owned() }),
        Some(None) => notices.push("`contentDir` is outside the source: its pages are left out".to_owned()),
        None => {}
    };
    for (key, language) in config["languages"].as_object().into_iter().flatten().take(500) {
        add(language["contentdir"].as_str(), key);
    }
    let has_own = config["languages"][default]["contentdir"].as_str().is_some();
    let is_mounted = mounts.iter().any(|mount| {
        mount["target"].as_str().is_some_and(|target| target.trim_matches('/').split('/').next() == Some("content"))
    });
    if !is_mounted && !has_own {
        add(Some(config["contentdir"].as_str().unwrap_or("content")), default);
    }
    // The first that takes a path is meant: the deepest.
    roots.sort_by_key(|root| std::cmp::Reverse(root.dir.len()));
    roots
}

pub(super) fn ugly(value: &Value) -> Ugly {
    match value {
        Value::Object(map) => Ugly::Sections(
            map.iter().filter(|(_, on)| on.as_bool() == Some(true)).map(|(name, _)| name.to_lowercase()).collect(),
        ),
        value => Ugly::All(value.as_bool().unwrap_or(false)),
    }
}

/// The patterns of pages and of sections. Flat ones are those of pages.
pub(super) fn patterns(
    value: &Value,
    notices: &mut Vec<String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    if value.is_array() {
        notices.push("`permalinks` is a list, which is not understood: say them by section".to_owned());
    }
    let read = |value: &Value| -> BTreeMap<String, String> {
        let entries = value.as_object().into_iter().flatten();
        entries.filter_map(|(section, pattern)| Some((section.clone(), pattern.as_str()?.to_owned()))).collect()
    };
    let mut pages = read(value);
    pages.extend(read(&value["page"]));
    (pages, read(&value["section"]))
}

/// Where dates are looked for (`frontmatter.date`).
pub(super) fn dates(value: &Value) -> Vec<String> {
    const DEFAULT: &[&str] = &["date", "publishdate", "pubdate", "published", "lastmod", "modified"];
    let named = texts(value);
    let named = if named.is_empty() { vec![":default".to_owned()] } else { named };
    let all = named.iter().flat_map(|name| match name.to_lowercase().as_str() {
        ":default" => DEFAULT.iter().map(|name| (*name).to_owned()).collect(),
        name => vec![name.to_owned()],
    });
    all.collect()
}

/// Whether there is a template for links in Markdown, which then mean documents as `ref` does.
pub(super) fn resolves_links(folder: &str, config: &Value, tree: &dyn Tree) -> bool {
    let link = &config["markup"]["goldmark"]["renderhooks"]["link"];
    let is_on = link["enabledefault"].as_bool().unwrap_or(false)
        || link["useembedded"].as_str().is_some_and(|when| matches!(when, "always" | "fallback"));
    let mut places = vec![within(folder, "layouts")];
    let themes = within(folder, "themes");
    places.extend(texts(&config["theme"]).iter().map(|theme| format!("{themes}/{theme}/layouts")));
    let has = |place: &String| {
        ["_default/_markup", "_markup"].iter().any(|dir| tree.exists(&format!("{place}/{dir}/render-link.html")))
    };
    is_on || places.iter().any(has)
}
