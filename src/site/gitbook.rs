//! `GitBook`: `SUMMARY.md` is the list of pages. Two publishers share it: GitBook.com, which is kept in step with the
//! repository, and the program of that name that `HonKit` goes on with.
//!
//! Source of the rules: GitBook.com's documentation of Git Sync ("Content configuration") and the reference of its API (a
//! page has a slug *in its direct parent*, and its path is those of its ancestors, groups among them), with what sites of
//! it publish: slugs are the files' names in lower case, a `README.md` has its folder's. And what `HonKit` 6 publishes.
//! What GitBook.com makes of other names is not documented: such pages have no url here.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use super::literal::{self, Literal};
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, unreadable, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Why a book without a list is not read.
const NO_LIST: &str = "it is not there, and it is the list of the book's pages";

/// Files that only such a site has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &[".gitbook.yaml", ".gitbook.yml", "book.json", "book.js", "SUMMARY.md", "LANGS.md"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct GitBook {
    /// The folder that its paths count from, from the source's root.
    pub(crate) root: String,
    /// Whether GitBook.com publishes it; else `HonKit`.
    pub(crate) is_hosted: bool,
    /// What texts may name: `config`, and `book` or `space`.
    pub(crate) words: Value,
    /// The pages by their paths from the source's root; `None`: there is no list, and the folders are what is published.
    pages: Option<BTreeMap<String, Entry>>,
}

/// A page of the list.
#[derive(Debug)]
struct Entry {
    title: Option<String>,
    /// Its path below the base url, or why that is not known.
    place: Result<Vec<String>, String>,
    locale: Option<String>,
}

/// What is configured, whoever publishes it.
struct Config {
    root: String,
    readme: String,
    summary: String,
}

impl GitBook {
    /// Reads the configuration in a folder, and the list of pages.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let mut notices = Vec::new();
        let yaml = [".gitbook.yaml", ".gitbook.yml"].map(|name| within(folder, name));
        let hosted = yaml.iter().find(|path| tree.exists(path));
        let is_hosted = hosted.is_some() || !is_honkit(folder, tree)?;
        let mut config = Value::Null;
        if let Some(path) = hosted {
            config = yaml::parse(path, &text(tree, path)?.unwrap_or_default())?;
        } else if !is_hosted {
            config = book(folder, tree, &mut notices)?;
        }
        let Config { root, readme, summary } = Config::of(folder, &config, options)?;
        let mut pages = BTreeMap::new();
        let langs = text(tree, &within(&root, "LANGS.md"))?.filter(|_| !is_hosted);
        let books = match &langs {
            Some(langs) => languages(langs, &root),
            None => vec![(root.clone(), None)],
        };
        let mut has_list = false;
        for (book, locale) in books {
            let path = within(&book, &summary);
            let Some(list) = text(tree, &path)? else {
                // The list of one language, where others have theirs: its pages are not gone.
                if locale.is_some() {
                    return Err(unreadable(&path, NO_LIST));
                }
                continue;
            };
            has_list = true;
            let (items, groups) = summary::read(&list);
            let list = List { root: &root, book: &book, readme: &readme, locale: locale.as_deref(), tree };
            if is_hosted { list.hosted(&items, &groups, &mut pages) } else { list.honkit(&items, &mut pages) }
        }
        if !has_list && !is_hosted {
            let path = within(&root, &summary);
            return Err(unreadable(&path, NO_LIST));
        }
        if has_list && pages.is_empty() {
            return Err(unreadable(&within(&root, &summary), "it names no page"));
        }
        let key = if is_hosted { "space" } else { "book" };
        let vars = if is_hosted {
            let path = within(&root, ".gitbook/vars.yaml");
            let vars = text(tree, &path)?.map(|text| yaml::parse(&path, &text)).transpose()?;
            serde_json::json!({ "vars": vars.unwrap_or_default() })
        } else {
            config["variables"].clone()
        };
        if is_hosted && options.base_url.is_none() {
            notices.push(
                "GitBook.com's address of a site is not in its repository: name it in `site.base_url`, with the part \
                 that leads to this space"
                    .to_owned(),
            );
        }
        let words = serde_json::json!({ key: vars, "config": config });
        let rules = Self { root, is_hosted, words, pages: has_list.then_some(pages) };
        Ok(Opened { rules, base_url: None, notices })
    }

    /// A page of a site without a list: GitBook.com makes one of the folders. Where each has a `README.md`, that is a page
    /// and the others of the folder are below it.
    fn by_folders(&self, relative: &str, around: &dyn Around) -> Entry {
        let (dir, _) = relative.rsplit_once('/').unwrap_or(("", relative));
        let mut place = Vec::new();
        let mut folder = String::new();
        let mut unknown = None;
        for part in dir.split('/').filter(|part| !part.is_empty()) {
            folder = within(&folder, part);
            if !around.has(&within(&self.root, &within(&folder, "README.md"))) {
                unknown.get_or_insert_with(|| {
                    format!("GitBook.com does not say what it makes of `{folder}`, which has no `README.md`")
                });
            }
            match slug_of(part) {
                Some(slug) => place.push(slug),
                None => unknown = Some(unknown_slug(part)),
            }
        }
        if !is_readme(relative) {
            match slug_of(stem(relative)) {
                Some(slug) => place.push(slug),
                None => unknown = Some(unknown_slug(stem(relative))),
            }
        }
        Entry { title: None, place: unknown.map_or(Ok(place), Err), locale: None }
    }
}

impl Rules for GitBook {
    fn include(&self) -> Vec<String> {
        let names = if self.is_hosted { "**/*.md" } else { "**/*.{md,markdown,mdown,MD}" };
        vec![within(&self.root, names)]
    }

    fn locales(&self) -> Vec<String> {
        let named = self.pages.iter().flat_map(BTreeMap::values).filter_map(|page| page.locale.clone());
        let named: BTreeSet<String> = named.collect();
        if named.len() > 1 { named.into_iter().collect() } else { Vec::new() }
    }

    fn depends_on_others(&self) -> bool {
        self.pages.is_none()
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some(relative) = below(&self.root, path.as_str()) else { return excluded("not in its `root`") };
        let by_folders;
        let entry = if let Some(pages) = &self.pages {
            let Some(entry) = pages.get(path.as_str()) else { return excluded("not in SUMMARY.md") };
            entry
        } else {
            if relative.split('/').any(|part| part.starts_with('.')) {
                return excluded("in a hidden folder");
            }
            by_folders = self.by_folders(relative, around);
            &by_folders
        };
        if self.is_hosted && facts.key("hidden") == Some("true") {
            return excluded("`hidden: true`");
        }
        let (url, unknown) = match &entry.place {
            Ok(place) => (base.and_then(|base| url(base, place)), None),
            Err(why) => (None, base.map(|_| why.clone())),
        };
        Placement {
            url,
            unknown,
            title: entry.title.clone(),
            is_titled_by_site: self.is_hosted,
            locale: entry.locale.clone(),
            ..Placement::default()
        }
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        // GitBook.com keeps files in a place of its own.
        if self.is_hosted { None } else { join(base, below(&self.root, path)?.split('/')) }
    }
}

impl Config {
    fn of(folder: &str, config: &Value, options: &SiteOptions) -> Result<Self, Failure> {
        let word = |key: &str, value: &Value| {
            let set = options.settings.get(key).map(String::as_str).or(value.as_str());
            set.map(|text| text.trim_start_matches("./").trim_matches('/').to_owned()).filter(|text| !text.is_empty())
        };
        let structure = &config["structure"];
        let root = word("root", &config["root"]).unwrap_or_default();
        let root = resolve(folder, &root)
            .ok_or_else(|| unreadable(&within(folder, ".gitbook.yaml"), "its `root` leaves the source's root"))?;
        Ok(Self {
            root,
            readme: word("structure.readme", &structure["readme"]).unwrap_or_else(|| "README.md".to_owned()),
            summary: word("structure.summary", &structure["summary"]).unwrap_or_else(|| "SUMMARY.md".to_owned()),
        })
    }
}

/// One list of pages in the reading.
struct List<'a> {
    root: &'a str,
    book: &'a str,
    readme: &'a str,
    locale: Option<&'a str>,
    tree: &'a dyn Tree,
}

/// An entry that others stand within: their path begins with its own.
type Open = Result<Vec<String>, String>;

impl List<'_> {
    /// `HonKit` publishes a file beside itself, as `.html`; of each folder the `README`, spelt so, and of the book the
    /// configured one as `index.html`.
    fn honkit(&self, items: &[summary::Item], pages: &mut BTreeMap<String, Entry>) {
        let first = within(self.book, self.readme);
        let path_of = |path: &str| -> Option<Vec<String>> {
            let relative = below(self.root, path)?;
            let (dir, _) = relative.rsplit_once('/').unwrap_or(("", relative));
            let stem = stem(relative);
            let name = if stem == "README" || path == first { "index" } else { stem };
            let folders = dir.split('/').filter(|part| !part.is_empty()).map(str::to_owned);
            Some(folders.chain([format!("{name}.html")]).collect())
        };
        let glossary = within(self.book, "GLOSSARY.md");
        let listed = items.iter().filter_map(|item| Some((self.file(item.target.as_deref()?)?, Some(&item.title))));
        let own = [(first.clone(), None), (glossary, None)].into_iter().filter(|(path, _)| self.tree.exists(path));
        for (path, title) in listed.chain(own) {
            let Some(place) = path_of(&path) else { continue };
            let locale = self.locale.map(str::to_owned);
            pages.entry(path).or_insert(Entry { title: title.cloned(), place: Ok(place), locale });
        }
    }

    /// GitBook.com's pages: each below the one that it stands within in the list, groups among them.
    fn hosted(&self, items: &[summary::Item], groups: &[summary::Group], pages: &mut BTreeMap<String, Entry>) {
        let first = within(self.book, self.readme);
        let mut open: Vec<Open> = Vec::new();
        let mut taken: BTreeSet<Vec<String>> = BTreeSet::new();
        // It comes first, listed or not.
        if self.tree.exists(&first) {
            pages.insert(first.clone(), Entry { title: None, place: Ok(Vec::new()), locale: None });
        }
        for item in items {
            open.truncate(item.depth);
            let Some(path) = item.target.as_deref().and_then(|target| self.file(target)) else {
                open.push(Err(format!(
                    "GitBook.com does not say what it makes of `{}`, which leads to no page",
                    item.title
                )));
                continue;
            };
            if path == first {
                let entry = pages.entry(path).or_insert(Entry { title: None, place: Ok(Vec::new()), locale: None });
                entry.title.get_or_insert_with(|| item.title.clone());
                open.push(Ok(vec!["readme".to_owned()]));
                continue;
            }
            let outer = match open.last() {
                Some(outer) => outer.clone(),
                None => group(item.group.checked_sub(1).and_then(|at| groups.get(at)), &path),
            };
            let name = if is_readme(&path) { path.rsplit('/').nth(1).unwrap_or("readme") } else { stem(&path) };
            let place = outer.and_then(|mut place| {
                place.push(slug_of(name).ok_or_else(|| unknown_slug(name))?);
                Ok(place)
            });
            let place = match place {
                Ok(place) if !taken.insert(place.clone()) => {
                    Err(format!("another page has the path `{}` already", place.join("/")))
                }
                place => place,
            };
            open.push(place.clone());
            pages.entry(path).or_insert(Entry { title: Some(item.title.clone()), place, locale: None });
        }
    }

    /// The document that a destination means.
    fn file(&self, target: &str) -> Option<String> {
        if target.contains("://") || target.starts_with("mailto:") {
            return None;
        }
        let target = target.trim_start_matches('/');
        let path = resolve(self.book, target)?;
        let is_folder = target.ends_with('/') || !path.rsplit('/').next().unwrap_or_default().contains('.');
        Some(if is_folder { within(&path, "README.md") } else { path })
    }
}

/// The path of a group. What its slug is where its title has other signs than letters and digits is not documented; where
/// the folder of its pages is named as its title, as GitBook.com itself names folders, it is that.
fn group(group: Option<&summary::Group>, path: &str) -> Open {
    let Some(group) = group else { return Ok(Vec::new()) };
    if let Some(id) = &group.id {
        return Ok(vec![id.clone()]);
    }
    let is_plain = group.title.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'));
    let candidates = [group.title.clone(), group.title.replace('&', " and ")].map(|title| {
        let lower = title.to_lowercase();
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    });
    let folder = |slug: &String| path.split('/').rev().skip(1).any(|part| part == slug);
    let found = candidates.iter().find(|slug| !slug.is_empty() && (is_plain || folder(slug)));
    let unknown = || format!("GitBook.com does not say what it makes of the group `{}`", group.title);
    found.map(|slug| vec![slug.clone()]).ok_or_else(unknown)
}

/// The slug of a file or folder; `None` where it has signs that are not known to be kept.
fn slug_of(name: &str) -> Option<String> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (!name.is_empty() && name.bytes().all(is_known)).then(|| name.to_ascii_lowercase())
}

fn unknown_slug(name: &str) -> String {
    format!("GitBook.com does not say what it makes of the name `{name}`")
}

fn is_readme(path: &str) -> bool {
    stem(path).eq_ignore_ascii_case("readme")
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn url(base: &Url, place: &[String]) -> Option<Url> {
    match place {
        [] => Some(base.clone()),
        // Links to `index.html` are written to its folder.
        [folders @ .., last] if last == "index.html" => join(base, folders.iter().map(String::as_str).chain([""])),
        place => join(base, place.iter().map(String::as_str)),
    }
}

/// Whether it is a book of `HonKit`, or of the program that it goes on with.
fn is_honkit(folder: &str, tree: &dyn Tree) -> Result<bool, Failure> {
    if ["book.json", "book.js", "LANGS.md"].iter().any(|name| tree.exists(&within(folder, name))) {
        return Ok(true);
    }
    for path in [within(folder, "package.json"), "package.json".to_owned()] {
        let Some(text) = text(tree, &path)? else { continue };
        let package: Value = serde_json::from_str(&text).unwrap_or_default();
        let depends =
            |name: &str| ["dependencies", "devDependencies"].iter().any(|kind| !package[*kind][name].is_null());
        if ["honkit", "gitbook", "gitbook-cli"].iter().any(|name| depends(name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `book.json`, or what is literal in `book.js`.
fn book(folder: &str, tree: &dyn Tree, notices: &mut Vec<String>) -> Result<Value, Failure> {
    let path = within(folder, "book.json");
    if let Some(text) = text(tree, &path)? {
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        return serde_json::from_str(text).map_err(|error| unreadable(&path, &error.to_string()));
    }
    let path = within(folder, "book.js");
    let read = literal::read(tree, &path).map_err(|why| unreadable(&path, &why))?;
    let Some(read) = read else { return Ok(Value::Null) };
    for key in ["root", "structure", "variables"] {
        if read.is_code() || read.entry(key).is_some_and(Literal::is_code) {
            let message = "is made by code, which is not run: say in `site.settings` what matters of it";
            notices.push(format!("`{key}` of `{path}` {message}"));
        }
    }
    Ok(json(&read, 0))
}

fn json(literal: &Literal, depth: usize) -> Value {
    match literal {
        _ if depth > 16 => Value::Null,
        Literal::Bool(flag) => Value::Bool(*flag),
        Literal::List(members) => members.iter().map(|member| json(member, depth + 1)).collect(),
        Literal::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), json(value, depth + 1))).collect())
        }
        other => other.text().map_or(Value::Null, Value::from),
    }
}

/// The books of `LANGS.md`: their folders, each the language's name.
fn languages(langs: &str, root: &str) -> Vec<(String, Option<String>)> {
    let (items, _) = summary::read(langs);
    let folder = |item: summary::Item| {
        let path = resolve(root, item.target?.trim_matches('/'))?;
        let locale = path.rsplit('/').next().map(str::to_owned);
        Some((path, locale))
    };
    items.into_iter().filter_map(folder).collect()
}

#[cfg(test)]
mod tests;
