//! Sphinx, with `MyST` or reStructuredText.
//!
//! Source of the rules: Sphinx's documentation ("Configuration", "Builders"), and what Sphinx 8 and 9 publish.

mod literal;

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::ignore::wildcard;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of Sphinx has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["conf.py"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct Sphinx {
    /// The folder of the documents, from the source's root.
    pub(crate) folder: String,
    has_folder_urls: bool,
    suffixes: Vec<String>,
    excluded: Vec<String>,
    /// `myst_substitutions` whose values are texts.
    pub(crate) substitutions: BTreeMap<String, String>,
}

impl Sphinx {
    /// Reads `conf.py`, without running it, and what Read the Docs is told of the builder.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let conf = text(tree, &within(folder, "conf.py"))?.unwrap_or_default();
        let found = literal::assignments(&conf);
        let mut notices = Vec::new();
        for name in ["exclude_patterns", "source_suffix", "html_baseurl"] {
            if found.get(name) == Some(&Value::Null) && !options.settings.contains_key(name) {
                notices.push(format!("`conf.py` says `{name}` in code, which is not run: set `site.settings.{name}`"));
            }
        }
        let value = |name: &str| found.get(name).unwrap_or(&Value::Null);
        let excluded = match options.settings.get("exclude_patterns") {
            Some(text) => text.split([',', '\n']).map(|one| one.trim().to_owned()).collect(),
            None => texts(value("exclude_patterns")),
        };
        let mut suffixes = match value("source_suffix") {
            Value::Object(map) => map.keys().cloned().collect(),
            other => texts(other),
        };
        if suffixes.is_empty() {
            suffixes.push(".rst".to_owned());
        }
        let extensions = texts(value("extensions"));
        if extensions.iter().any(|name| matches!(name.as_str(), "myst_parser" | "myst_nb" | "recommonmark")) {
            suffixes.push(".md".to_owned());
        }
        let excluded: Vec<String> = excluded.into_iter().chain(texts(value("templates_path"))).collect();
        let base_url = options.settings.get("html_baseurl").map(String::as_str).or(value("html_baseurl").as_str());
        let substitutions = match value("myst_substitutions") {
            Value::Object(map) => map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect(),
            _ => BTreeMap::new(),
        };
        let rules = Self {
            folder: folder.to_owned(),
            has_folder_urls: builder(options, tree)? == "dirhtml",
            suffixes,
            excluded,
            substitutions,
        };
        Ok(Opened { rules, base_url: base_url.and_then(super::absolute), notices })
    }
}

impl Rules for Sphinx {
    fn include(&self) -> Vec<String> {
        self.suffixes.iter().map(|suffix| within(&self.folder, &format!("**/*{suffix}"))).collect()
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, _: &Facts, _: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some(relative) = below(&self.folder, path.as_str()) else {
            return excluded("not in the folder of `conf.py`");
        };
        let Some(name) = self.suffixes.iter().find_map(|suffix| relative.strip_suffix(suffix.as_str())) else {
            return excluded("`source_suffix`");
        };
        let is_excluded = |pattern: &String| takes(pattern, relative);
        // Sphinx never reads its own output, and editors' and tools' folders are seldom meant.
        if self.excluded.iter().any(is_excluded) || relative.starts_with("_build/") || relative.starts_with(".venv/") {
            return excluded("`exclude_patterns`");
        }
        let (dir, stem) = name.rsplit_once('/').unwrap_or(("", name));
        let folders = dir.split('/').filter(|part| !part.is_empty());
        let file = format!("{stem}.html");
        let url = base.and_then(|base| match (self.has_folder_urls, stem == "index") {
            (true, true) => join(base, folders.chain([""])),
            (true, false) => join(base, folders.chain([stem, ""])),
            (false, _) => join(base, folders.chain([file.as_str()])),
        });
        Placement { url, ..Placement::default() }
    }

    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        // `/x` counts from the folder of `conf.py`; a suffix may be left out.
        let path = match link.strip_prefix('/') {
            Some(rest) => resolve(&self.folder, rest),
            None => resolve(from.dir(), link),
        }?;
        let with_suffix = self.suffixes.iter().map(|suffix| format!("{path}{suffix}"));
        Some(std::iter::once(path.clone()).chain(with_suffix).collect())
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, below(&self.folder, path)?.split('/'))
    }
}

/// Which of Sphinx's builders publishes the site: as configured, else as Read the Docs is told (its "Configuration file
/// v2"), else `html`.
fn builder(options: &SiteOptions, tree: &dyn Tree) -> Result<String, Failure> {
    if let Some(builder) = options.settings.get("builder") {
        return Ok(builder.clone());
    }
    for path in [".readthedocs.yaml", ".readthedocs.yml"] {
        if let Some(text) = text(tree, path)?
            && let Some(builder) = yaml::parse(path, &text)?["sphinx"]["builder"].as_str()
        {
            return Ok(builder.to_owned());
        }
    }
    Ok("html".to_owned())
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.is_empty() => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a pattern takes a path or a folder above it: `*` stays within a part of the path, `**` does not
/// (`sphinx.util.matching`).
fn takes(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| matches(pattern, &path[..end]))
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let mut taken = vec![false; path.len() + 1];
    taken[0] = true;
    for segment in pattern {
        let mut next = vec![false; path.len() + 1];
        let mut any = false;
        for at in 0..=path.len() {
            if segment == "**" {
                any |= taken[at];
                next[at] = any;
            } else if at < path.len() {
                next[at + 1] = taken[at] && wildcard(segment, path[at]);
            }
        }
        taken = next;
    }
    taken[path.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Alone;
    use crate::site::tests::{MapTree, options};

    fn shown(files: &[(&str, &str)], path: &str) -> String {
        let opened = Sphinx::read("docs", &options(), &MapTree::new(files)).unwrap();
        let placed = opened.rules.place(opened.base_url.as_ref(), &DocPath::new(path), &Facts::default(), &Alone);
        placed.url.map(String::from).or(placed.excluded).unwrap_or_default()
    }

    const CONF: (&str, &str) = (
        "docs/conf.py",
        "extensions = ['myst_parser']\nhtml_baseurl = 'https://d.example/en/'\nexclude_patterns = ['_drafts', '**/x*.md']\n",
    );

    #[test]
    fn urls_follow_the_builder() {
        for (path, html, dirhtml) in [
            ("docs/index.rst", "https://d.example/en/index.html", "https://d.example/en/"),
            ("docs/a/b.md", "https://d.example/en/a/b.html", "https://d.example/en/a/b/"),
            ("docs/a/index.md", "https://d.example/en/a/index.html", "https://d.example/en/a/"),
            ("docs/_drafts/a.md", "`exclude_patterns`", "`exclude_patterns`"),
            ("docs/a/xyz.md", "`exclude_patterns`", "`exclude_patterns`"),
            ("docs/a.txt", "`source_suffix`", "`source_suffix`"),
            ("README.md", "not in the folder of `conf.py`", "not in the folder of `conf.py`"),
        ] {
            assert_eq!(shown(&[CONF], path), html);
            assert_eq!(shown(&[CONF, (".readthedocs.yaml", "sphinx: {builder: dirhtml}")], path), dirhtml);
        }
    }

    #[test]
    fn what_is_said_in_code_is_named() {
        let tree = MapTree::new(&[("docs/conf.py", "exclude_patterns = find()\n")]);
        let notices = Sphinx::read("docs", &options(), &tree).unwrap().notices;
        assert!(notices.len() == 1 && notices[0].contains("site.settings.exclude_patterns"), "{notices:?}");
    }
}
