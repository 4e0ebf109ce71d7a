//! Which files Jekyll reads, and as what: by the names of their folders, by `include` and `exclude`.
//!
//! The rules are those of `Jekyll::EntryFilter` and of its readers: names that begin with `.`, `_`, `#` or `~` are left out,
//! but for `_posts` in any folder and the folders of collections.

use serde_json::Value;

use crate::page::resolve;
use crate::site::below;
use crate::site::ignore::wildcard;

/// What is left out whatever the configuration says.
const EXCLUDED: &[&str] = &[
    ".sass-cache",
    ".jekyll-cache",
    "gemfiles",
    "Gemfile",
    "Gemfile.lock",
    "node_modules",
    "vendor/bundle/",
    "vendor/cache/",
    "vendor/gems/",
    "vendor/ruby/",
];

/// More folders above a file than this are nobody's.
const MAX_DEPTH: usize = 64;

/// What is read at all.
#[derive(Debug)]
pub(super) struct Entries {
    include: Vec<String>,
    exclude: Vec<String>,
    /// The folder of the collections, from the documents' folder.
    collections: String,
    shows_drafts: bool,
}

/// A file as Jekyll reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Its path from the documents' folder; of posts and documents without `collections_dir`.
    pub(super) relative: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    Post,
    /// Of a collection, by its label.
    Document(String),
}

impl Kind {
    /// What `scope.type` of the defaults names.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Page => "pages",
            Self::Post => "posts",
            Self::Document(label) => label,
        }
    }
}

impl Entry {
    pub(super) fn file_name(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or_default()
    }

    /// Its folder with a `/` at the end; empty at the root.
    pub(super) fn dir(&self) -> &str {
        &self.relative[..self.relative.len() - self.file_name().len()]
    }

    /// Its extension without the dot.
    pub(super) fn extension(&self) -> &str {
        match self.file_name().rfind('.') {
            Some(dot) if dot > 0 => &self.file_name()[dot + 1..],
            _ => "",
        }
    }

    /// Its name without the extension, nor dots at the end.
    pub(super) fn stem(&self) -> &str {
        let name = self.file_name();
        let end = name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len());
        name[..end].trim_end_matches('.')
    }

    /// The date that its name begins with.
    pub(super) fn date(&self) -> Option<&str> {
        Some(self.dated()?.0)
    }

    /// Its name without date and extension.
    pub(super) fn slug(&self) -> &str {
        self.dated().map_or_else(|| self.stem(), |(_, slug)| slug)
    }

    /// The folders above `_posts`, which are categories.
    pub(super) fn folders(&self) -> Vec<String> {
        let above = match self.kind {
            Kind::Post => self.relative.split_once("_posts").map_or("", |(above, _)| above),
            Kind::Page | Kind::Document(_) => "",
        };
        above.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// `2024-03-01-title` in two parts.
    fn dated(&self) -> Option<(&str, &str)> {
        let stem = self.stem();
        let mut at = 0;
        for (part, lengths) in [(0, 2..=4), (1, 1..=2), (2, 1..=2)] {
            let digits = stem[at..].bytes().take_while(u8::is_ascii_digit).count();
            if !lengths.contains(&digits) || stem.as_bytes().get(at + digits) != Some(&b'-') {
                return None;
            }
            at += digits + 1;
            if part == 2 {
                return Some((&stem[..at - 1], &stem[at..]));
            }
        }
        None
    }
}

impl Entries {
    pub(super) fn new(config: &Value) -> Self {
        let list = |key: &str| -> Vec<String> {
            let items = config[key].as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(|text| text.trim_start_matches("./").to_owned())).collect()
        };
        let include = if config["include"].is_array() { list("include") } else { vec![".htaccess".to_owned()] };
        let mut exclude = list("exclude");
        exclude.extend(EXCLUDED.iter().map(|name| (*name).to_owned()));
        exclude.retain(|pattern| !include.contains(pattern));
        let destination = config["destination"].as_str().unwrap_or("_site");
        exclude.push(format!("{}/", destination.trim_matches('/').trim_start_matches("./")));
        let collections = config["collections_dir"].as_str().unwrap_or_default().trim_matches('/').to_owned();
        Self { include, exclude, collections, shows_drafts: config["show_drafts"].as_bool() == Some(true) }
    }

    /// The folder of the collections, from the source's root.
    pub(super) fn collections_dir(&self, source: &str) -> String {
        resolve(source, &self.collections).unwrap_or_else(|| source.to_owned())
    }

    /// Whether `include` names a file or folder.
    pub(super) fn is_included(&self, path: &str) -> bool {
        matches(&self.include, path, false)
            || matches(&self.include, path.rsplit('/').next().unwrap_or_default(), false)
    }

    /// What a file is to Jekyll, or why it is nothing.
    pub(super) fn entry(&self, path: &str, is_collection: &dyn Fn(&str) -> bool) -> Result<Entry, String> {
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() > MAX_DEPTH {
            return Err("in too many folders".to_owned());
        }
        if let Some(entry) = self.document(path, is_collection) {
            return entry;
        }
        if self.include.iter().any(|pattern| pattern == path) {
            return Ok(Entry { kind: Kind::Page, relative: path.to_owned() });
        }
        let mut end = 0;
        for (number, part) in parts.iter().enumerate() {
            end += part.len();
            let (here, is_folder) = (&path[..end], number + 1 < parts.len());
            end += 1;
            if is_folder && *part == "_posts" {
                return self.post(path, here);
            }
            if is_folder && *part == "_drafts" {
                let why = if self.shows_drafts { "a draft is dated by its file" } else { "a draft" };
                return Err(why.to_owned());
            }
            self.passes(part, here, is_folder)?;
        }
        Ok(Entry { kind: Kind::Page, relative: path.to_owned() })
    }

    /// A document of a collection.
    fn document(&self, path: &str, is_collection: &dyn Fn(&str) -> bool) -> Option<Result<Entry, String>> {
        let within_collections = below(&self.collections, path)?;
        let (folder, rest) = within_collections.split_once('/')?;
        let label =
            folder.strip_prefix('_').filter(|label| is_collection(label) && !matches!(*label, "posts" | "data"))?;
        let name = rest.rsplit('/').next().unwrap_or_default();
        let passes = [rest, name].into_iter().try_for_each(|entry| self.passes(entry, within_collections, false));
        let kind = Kind::Document(label.to_owned());
        Some(passes.map(|()| Entry { kind, relative: within_collections.to_owned() }))
    }

    fn post(&self, path: &str, posts: &str) -> Result<Entry, String> {
        let Some(relative) = below(&self.collections, path) else {
            return Err("a post outside `collections_dir`".to_owned());
        };
        let rest = below(posts, path).unwrap_or_default();
        let name = rest.rsplit('/').next().unwrap_or_default();
        for entry in [rest, name] {
            self.passes(entry, path, false)?;
        }
        let entry = Entry { kind: Kind::Post, relative: relative.to_owned() };
        if entry.date().is_none() {
            return Err("a post's name begins with its date".to_owned());
        }
        Ok(entry)
    }

    /// Whether an entry of a folder, at this path, is read.
    fn passes(&self, entry: &str, path: &str, is_folder: bool) -> Result<(), String> {
        let is_included = self.is_included(entry);
        if !is_included && matches(&self.exclude, path, is_folder) {
            return Err("matches `exclude`".to_owned());
        }
        let is_special = entry.starts_with(['.', '_', '#', '~']) || entry.ends_with('~');
        if is_special && !is_included {
            return Err(format!("Jekyll reads nothing in `{}`", entry.split('/').next().unwrap_or(entry)));
        }
        Ok(())
    }
}

/// Whether one of the patterns means a path, or begins it.
fn matches(patterns: &[String], path: &str, is_folder: bool) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        !pattern.is_empty()
            && (path.starts_with(pattern)
                || (is_folder && pattern.strip_suffix('/') == Some(path))
                || wildcard(pattern, path))
    })
}
