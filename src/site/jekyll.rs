//! Jekyll 3 and 4, and GitHub Pages, which builds with it.
//!
//! Source of the rules: Jekyll's documentation (permalinks, collections, front matter defaults, configuration options) and
//! what Jekyll 4.3 makes of it; the documentation of GitHub Pages for the plugins that it always runs. Nothing of the site's
//! own Ruby (`_plugins`) is run: pages that it makes have no document here.
//!
//! A page's title is the heading that its readers see: the front matter's, where its layout (or one that it is put into)
//! writes `page.title` into an `<h1>`. Layouts are read from the site's own folder; of themes those named in [`layouts`].

mod date;
mod defaults;
mod entries;
mod layouts;
mod permalink;

use std::collections::{BTreeMap, BTreeSet};

use ::url::Url;
use serde_json::{Map, Value};

use self::date::{Moment, Zone};
use self::defaults::Defaults;
use self::entries::{Entries, Entry, Kind};
pub(crate) use self::permalink::slugified;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only such a site has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["_config.yml", "_config.yaml", "_config.toml"];

/// What GitHub Pages runs whatever the configuration says, as far as it matters here.
const GITHUB_PAGES: &[&str] = &[
    "jekyll-default-layout",
    "jekyll-optional-front-matter",
    "jekyll-readme-index",
    "jekyll-relative-links",
    "jekyll-titles-from-headings",
];

/// What is written as HTML already (`Jekyll::Page::HTML_EXTENSIONS`).
const HTML: &[&str] = &["html", "htm", "xhtml"];

/// Files that `jekyll-optional-front-matter` makes no pages of.
const NO_PAGES: &[&str] = &[
    "README",
    "LICENSE",
    "LICENCE",
    "COPYING",
    "CODE_OF_CONDUCT",
    "CONTRIBUTING",
    "ISSUE_TEMPLATE",
    "PULL_REQUEST_TEMPLATE",
];

/// Says in [`Facts::keys`] that a document has front matter, be it empty.
pub(crate) const HAS_FRONT_MATTER: &str = "has_front_matter";

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct Jekyll {
    /// The folder of the documents, from the source's root.
    pub(crate) source: String,
    /// The whole configuration: what templates know as `site`.
    pub(crate) config: Value,
    /// How posts and pages are published: a style's name or a pattern.
    style: String,
    collections: BTreeMap<String, Collection>,
    entries: Entries,
    defaults: Defaults,
    /// Extensions of Markdown.
    markdown: Vec<String>,
    /// For each layout whether it shows the title of a page as its heading.
    layouts: BTreeMap<String, bool>,
    zone: Zone,
    plugins: BTreeSet<String>,
}

/// A collection of documents.
#[derive(Debug)]
struct Collection {
    is_published: bool,
    permalink: Option<String>,
}

impl Jekyll {
    /// Reads the configuration in a folder.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let (path, mut config) = configuration(folder, tree)?;
        for (key, value) in &options.settings {
            set(&mut config, key, value);
        }
        let word = |key: &str| config[key].as_str().map(str::to_owned);
        let source = resolve(folder, &word("source").unwrap_or_default())
            .ok_or_else(|| super::unreadable(&path, "its `source` leaves the source's root"))?;
        let plugins = plugins(folder, &config, tree)?;
        let style = word("permalink").unwrap_or_else(|| "date".to_owned());
        let markdown = word("markdown_ext").unwrap_or_else(|| "markdown,mkdown,mkdn,mkd,md".to_owned());
        let folder_of = |key: &str, otherwise: &str| {
            let named = word(key).unwrap_or_else(|| otherwise.to_owned());
            resolve(&source, &named).unwrap_or_else(|| within(&source, otherwise))
        };
        let layouts = layouts::read(
            &folder_of("layouts_dir", "_layouts"),
            &folder_of("includes_dir", "_includes"),
            &[&config["theme"], &config["remote_theme"]],
            tree,
        )?;
        let mut notices = Vec::new();
        let zone = Zone::of(config["timezone"].as_str());
        let base_url = base_url(&config, &mut notices);
        let rules = Self {
            style,
            collections: collections(&config["collections"]),
            entries: Entries::new(&config),
            defaults: Defaults::new(&config["defaults"], config["collections_dir"].as_str().unwrap_or_default()),
            markdown: markdown.split(',').map(|name| name.trim().to_ascii_lowercase()).collect(),
            layouts,
            zone,
            plugins,
            source,
            config,
        };
        Ok(Opened { rules, base_url, notices })
    }

    /// Whether a plugin is on.
    pub(crate) fn has(&self, plugin: &str) -> bool {
        self.plugins.contains(plugin)
    }

    /// The folder of the files that templates include.
    pub(crate) fn includes(&self) -> String {
        let named = self.config["includes_dir"].as_str().unwrap_or("_includes");
        resolve(&self.source, named).unwrap_or_else(|| within(&self.source, "_includes"))
    }

    /// The folder of `site.data`.
    pub(crate) fn data_folder(&self) -> String {
        let named = self.config["data_dir"].as_str().unwrap_or("_data");
        resolve(&self.source, named).unwrap_or_else(|| within(&self.source, "_data"))
    }

    /// A file of `site.data`; `None`: it cannot be read.
    pub(crate) fn parse_data(path: &str, text: &str) -> Option<Value> {
        yaml::parse(path, text).ok()
    }

    /// Whether a name below `site` is a list that Jekyll makes, and no value of the configuration.
    pub(crate) fn is_made(&self, name: &str) -> bool {
        let made = [
            "posts",
            "pages",
            "html_pages",
            "static_files",
            "html_files",
            "documents",
            "collections",
            "tags",
            "categories",
            "related_posts",
            "time",
            "github",
            "source",
            "destination",
        ];
        made.contains(&name) || self.collections.contains_key(name)
    }

    /// Whether Markdown is kramdown's.
    pub(crate) fn is_kramdown(&self) -> bool {
        self.config["markdown"].as_str().is_none_or(|name| name.eq_ignore_ascii_case("kramdown") || name == "GFM")
    }

    /// What a document says of itself together with the defaults for its path: what templates know as `page`.
    pub(crate) fn data(&self, path: &DocPath, front: Option<Value>) -> Map<String, Value> {
        let entry = self.entry(path.as_str());
        let mut data = match &entry {
            Ok(entry) => self.defaults.of(&entry.relative, entry.kind.name()),
            Err(_) => Map::new(),
        };
        let mut categories: Vec<String> = entry.as_ref().map(Entry::folders).unwrap_or_default();
        add(&mut categories, &data.get("categories").map_or_else(Vec::new, words));
        if let Some(Value::Object(front)) = front {
            add(&mut categories, &front.get("categories").map_or_else(Vec::new, words));
            data.extend(front);
        }
        match data.get("category") {
            Some(Value::Array(items)) => add(&mut categories, &items.iter().filter_map(scalar).collect::<Vec<_>>()),
            Some(one) => add(&mut categories, &scalar(one).into_iter().collect::<Vec<_>>()),
            None => {}
        }
        if let Some(entry) = entry.ok().filter(|entry| entry.kind != Kind::Page) {
            let slug = entry.slug();
            let has_own_titles = self.has("jekyll-titles-from-headings")
                && self.config["titles_from_headings"]["collections"].as_bool() == Some(true);
            if data.get("title").is_none_or(Value::is_null) && !has_own_titles {
                data.insert("title".to_owned(), Value::String(titleized(slug)));
            }
            if data.get("slug").is_none_or(Value::is_null) {
                data.insert("slug".to_owned(), Value::String(slug.to_owned()));
            }
            if data.get("date").is_none_or(Value::is_null)
                && let Some(date) = entry.date()
            {
                data.insert("date".to_owned(), Value::String(date.to_owned()));
            }
            data.insert("categories".to_owned(), categories.into_iter().map(Value::String).collect());
        }
        data
    }

    /// Adds to what a document says of itself what its path and the site's defaults say of it.
    pub(crate) fn complete(&self, path: &DocPath, front: Option<Value>, facts: &mut Facts) {
        if front.is_some() {
            facts.keys.insert(HAS_FRONT_MATTER.to_owned(), vec!["true".to_owned()]);
        }
        let data = self.data(path, front);
        let word = |key: &str| data.get(key).and_then(scalar).filter(|text| !text.trim().is_empty());
        facts.title = word("title").map(|title| title.trim().to_owned()).or(facts.title.take());
        facts.slug = word("slug");
        let absolute = facts.url.take().filter(|url| super::absolute(url).is_some());
        facts.url = word("permalink").filter(|text| text != "false").or(absolute);
        for key in ["layout", "date"] {
            if let Some(value) = word(key) {
                facts.keys.insert(key.to_owned(), vec![value]);
            }
        }
        // A page's own word is in its facts already, and that of defaults does not count for pages.
        let is_page = self.entry(path.as_str()).is_ok_and(|entry| entry.kind == Kind::Page);
        if !is_page && data.get("published").and_then(scalar).as_deref() == Some("false") {
            facts.excluded.get_or_insert_with(|| "published: false".to_owned());
        }
        let categories = data.get("categories").map_or_else(Vec::new, words);
        if categories.is_empty() {
            facts.keys.remove("categories");
        } else {
            facts.keys.insert("categories".to_owned(), categories);
        }
        let is_held = self.entry(path.as_str()).is_ok_and(|entry| entry.kind != Kind::Page)
            && self.config["future"].as_bool() != Some(true);
        if let Some(date) = word("date").filter(|_| is_held).and_then(|date| Moment::read(&date)) {
            facts.not_before = facts.not_before.max(date.unix_seconds(&self.zone));
        }
    }

    /// What templates know as `page.url`: its path from the base url's own path on, percent-encoded.
    pub(crate) fn page_url(&self, path: &DocPath, facts: &Facts) -> Option<String> {
        let entry = self.entry(path.as_str()).ok()?;
        let page = self.path_of(&entry, facts).ok()?;
        let root = super::absolute("https://site.invalid/")?;
        Some(join(&root, page.trim_start_matches('/').split('/'))?.path().to_owned())
    }

    /// The files that `{% post_url name %}` may mean.
    pub(crate) fn posts_named(&self, name: &str) -> Vec<String> {
        let name = name.trim_matches('/');
        let (folder, name) = name.rsplit_once('/').map_or(("", name), |(folder, name)| (folder, name));
        let folders = if folder.is_empty() {
            vec!["_posts".to_owned()]
        } else {
            vec![format!("_posts/{folder}"), format!("{folder}/_posts")]
        };
        let base = self.entries.collections_dir(&self.source);
        let extensions = || self.markdown.iter().map(String::as_str).chain(HTML.iter().copied());
        let files = folders.iter().flat_map(|folder| extensions().map(move |e| format!("{folder}/{name}.{e}")));
        files.filter_map(|file| resolve(&base, &file)).collect()
    }

    /// The file that `{% link path %}` means, from the source's root.
    pub(crate) fn linked(&self, path: &str) -> Vec<String> {
        let path = path.trim_start_matches('/');
        let bases = [self.entries.collections_dir(&self.source), self.source.clone()];
        let is_document = path.starts_with('_');
        let bases = if is_document { &bases[..] } else { &bases[1..] };
        let mut found: Vec<String> = bases.iter().filter_map(|base| resolve(base, path)).collect();
        found.dedup();
        found
    }

    /// A document's path as Jekyll names it.
    pub(crate) fn relative_path(&self, path: &DocPath) -> Option<String> {
        self.entry(path.as_str()).ok().map(|entry| entry.relative)
    }

    /// The collection that a document is of.
    pub(crate) fn collection_of(&self, path: &DocPath) -> Option<String> {
        self.entry(path.as_str())
            .ok()
            .filter(|entry| entry.kind != Kind::Page)
            .map(|entry| entry.kind.name().to_owned())
    }

    fn entry(&self, path: &str) -> Result<Entry, String> {
        let relative = below(&self.source, path).ok_or("not below the site's `source`")?;
        self.entries.entry(relative, &|label| self.collections.contains_key(label))
    }

    fn is_markdown(&self, path: &DocPath) -> bool {
        self.markdown.contains(&path.extension())
    }

    fn path_of(&self, entry: &Entry, facts: &Facts) -> Result<String, String> {
        let extension = entry.extension().to_ascii_lowercase();
        let output = if HTML.contains(&extension.as_str()) { format!(".{extension}") } else { ".html".to_owned() };
        let own = facts.url.as_deref();
        match &entry.kind {
            Kind::Page => Ok(permalink::page(own, &self.style, entry, &output)),
            kind => {
                let collection = self.collections.get(kind.name());
                let template = own.map(str::to_owned).or_else(|| collection.and_then(|c| c.permalink.clone()));
                let template = template.unwrap_or_else(|| match kind {
                    Kind::Post => permalink::of_posts(&self.style).to_owned(),
                    _ => permalink::suffixed("/:collection/:path", &self.style),
                });
                permalink::document(&template, entry, &output, facts, &self.zone)
            }
        }
    }

    /// Why a document is no page, beyond where it lies.
    fn left_out(&self, entry: &Entry, path: &DocPath, facts: &Facts, around: &dyn Around) -> Option<String> {
        let has_front_matter = facts.key(HAS_FRONT_MATTER).is_some();
        if let Kind::Document(label) = &entry.kind
            && !self.collections.get(label).is_some_and(|collection| collection.is_published)
        {
            return Some(format!("the collection `{label}` has no `output: true`"));
        }
        if self.has("jekyll-redirect-from") && facts.key("redirect_to").is_some() {
            return Some("a redirect".to_owned());
        }
        if has_front_matter || entry.kind == Kind::Post {
            return None;
        }
        if entry.kind == Kind::Page && self.is_markdown(path) {
            if self.is_readme_index(entry, path, around) {
                return None;
            }
            let is_on = self.config["optional_front_matter"]["enabled"].as_bool() != Some(false);
            if self.has("jekyll-optional-front-matter") && is_on && self.config["require_front_matter"].is_null() {
                let is_named = NO_PAGES.contains(&entry.stem().to_uppercase().as_str());
                let is_asked_for = self.entries.is_included(&entry.relative);
                return (is_named && !is_asked_for).then(|| "a file about the repository".to_owned());
            }
        }
        Some(
            "it has no front matter (where GitHub Pages builds the site, say `site.settings: {github-pages: \"true\"}`)"
                .to_owned(),
        )
    }

    /// Whether `jekyll-readme-index` makes a folder's index of a README.
    fn is_readme_index(&self, entry: &Entry, path: &DocPath, around: &dyn Around) -> bool {
        let options = &self.config["readme_index"];
        self.has("jekyll-readme-index")
            && options["enabled"].as_bool() != Some(false)
            && entry.stem().eq_ignore_ascii_case("readme")
            && self.is_markdown(path)
            && !self
                .markdown
                .iter()
                .map(String::as_str)
                .chain(HTML.iter().copied())
                .any(|extension| around.has(&within(path.dir(), &format!("index.{extension}"))))
    }

    fn shows_title(&self, entry: &Entry, facts: &Facts) -> bool {
        let own = facts.key("layout").map(str::to_owned);
        let layout = own.or_else(|| {
            // The first of these that is there, by `jekyll-default-layout`.
            let is_index = entry.relative.rsplit('/').next().is_some_and(|name| name.starts_with("index."));
            let names: &[&str] = match entry.kind {
                _ if !self.has("jekyll-default-layout") => &[],
                Kind::Post => &["post", "default"],
                _ if is_index => &["home", "page", "default"],
                _ => &["page", "default"],
            };
            names.iter().find(|name| self.layouts.contains_key(**name)).map(|name| (*name).to_owned())
        });
        layout.is_some_and(|name| self.layouts.get(&name) == Some(&true))
    }
}

impl Rules for Jekyll {
    fn include(&self) -> Vec<String> {
        let extensions: Vec<&str> = self.markdown.iter().map(String::as_str).chain(HTML.iter().copied()).collect();
        let mut patterns = vec![within(&self.source, &format!("**/*.{{{}}}", extensions.join(",")))];
        let destination = self.config["destination"].as_str().unwrap_or("_site");
        let folders = [destination, "node_modules", "vendor/bundle", ".jekyll-cache", "_layouts", "_includes"];
        let folders = folders.iter().filter_map(|folder| resolve(&self.source, folder));
        patterns.extend(folders.map(|folder| format!("!{folder}/**")));
        patterns
    }

    fn depends_on_others(&self) -> bool {
        self.has("jekyll-readme-index")
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let excluded = |reason: String| Placement { excluded: Some(reason), ..Placement::default() };
        let entry = match self.entry(path.as_str()) {
            Ok(entry) => entry,
            Err(reason) => return excluded(reason),
        };
        if !self.is_markdown(path) && !HTML.contains(&path.extension().as_str()) {
            return excluded("no Markdown and no HTML".to_owned());
        }
        if let Some(reason) = self.left_out(&entry, path, facts, around) {
            return excluded(reason);
        }
        let placement = Placement { shows_title: self.shows_title(&entry, facts), ..Placement::default() };
        let has_front_matter = facts.key(HAS_FRONT_MATTER).is_some();
        let is_index = entry.kind == Kind::Page
            && (!has_front_matter || self.config["readme_index"]["with_frontmatter"].as_bool() == Some(true))
            && self.is_readme_index(&entry, path, around);
        let found = if is_index { Ok(format!("/{}", entry.dir())) } else { self.path_of(&entry, facts) };
        match found {
            Ok(page) if page == "/404.html" => excluded("the page for urls without one".to_owned()),
            Ok(page) => {
                let url = base.and_then(|base| join(base, page.trim_start_matches('/').split('/')));
                Placement { url, ..placement }
            }
            Err(why) => Placement { unknown: base.is_some().then_some(why), ..placement },
        }
    }

    /// A link to a file is to its page, as `jekyll-relative-links` has it; every other leads where a browser follows it.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let extension = link.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
        let is_file =
            extension.is_some_and(|extension| self.markdown.iter().any(|e| e.eq_ignore_ascii_case(extension)));
        if !is_file {
            return Some(Vec::new());
        }
        Some(match link.strip_prefix('/') {
            Some(absolute) => self.linked(absolute),
            None => resolve(from.dir(), link).into_iter().collect(),
        })
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, below(&self.source, path)?.split('/'))
    }
}

/// The configuration of a folder, and the file that it stands in; nothing where there is none.
fn configuration(folder: &str, tree: &dyn Tree) -> Result<(String, Value), Failure> {
    for name in SIGNS {
        let path = within(folder, name);
        let Some(text) = text(tree, &path)? else { continue };
        let config = if *name == "_config.toml" {
            let table: toml::Table =
                toml::from_str(&text).map_err(|error| super::unreadable(&path, &error.to_string()))?;
            serde_json::to_value(table).unwrap_or_default()
        } else {
            yaml::parse(&path, &text)?
        };
        let config = if config.is_null() { Value::Object(Map::new()) } else { config };
        if !config.is_object() {
            return Err(super::unreadable(&path, "it is no mapping of keys to values"));
        }
        return Ok((path, config));
    }
    Ok((within(folder, "_config.yml"), Value::Object(Map::new())))
}

/// Sets a value of the configuration, through mappings where its key has dots.
fn set(config: &mut Value, key: &str, value: &str) {
    let mut place = config;
    for part in key.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(entries) = place else { return };
        place = entries.entry(part.to_owned()).or_insert(Value::Null);
    }
    *place = match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => Value::String(other.to_owned()),
    };
}

/// `url` and `baseurl` together.
fn base_url(config: &Value, notices: &mut Vec<String>) -> Option<Url> {
    let (url, base) = (config["url"].as_str().unwrap_or_default(), config["baseurl"].as_str().unwrap_or_default());
    let root = super::absolute(url.trim_end_matches('/'));
    if root.is_none() {
        notices.push(
            "the configuration of Jekyll names no `url`: pages have none, unless `site.base_url` says it".to_owned(),
        );
    }
    let parts = base.split('/').filter(|part| !part.is_empty());
    join(&root?, parts.chain([""]))
}

/// What is on: from the configuration, from the `Gemfile`, and what GitHub Pages adds.
fn plugins(folder: &str, config: &Value, tree: &dyn Tree) -> Result<BTreeSet<String>, Failure> {
    let mut on: BTreeSet<String> = BTreeSet::new();
    for list in ["plugins", "gems"] {
        on.extend(config[list].as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)));
    }
    let mut is_in_group = false;
    for line in text(tree, &within(folder, "Gemfile"))?.unwrap_or_default().lines() {
        let line = line.trim();
        let is_of_jekyll = line.contains("jekyll_plugins");
        if line.starts_with("group ") {
            is_in_group = is_of_jekyll;
        } else if line == "end" {
            is_in_group = false;
        } else if let Some(rest) = line.strip_prefix("gem ") {
            let name = rest.trim_start_matches(['(', ' ']).split(['"', '\'']).nth(1).unwrap_or_default();
            if is_in_group || is_of_jekyll || name == "github-pages" {
                on.insert(name.to_owned());
            }
        }
    }
    if on.contains("github-pages") || config["github-pages"].as_bool() == Some(true) {
        on.extend(GITHUB_PAGES.iter().map(|name| (*name).to_owned()));
    }
    Ok(on)
}

fn collections(config: &Value) -> BTreeMap<String, Collection> {
    let one = |options: &Value| Collection {
        is_published: options["output"].as_bool() == Some(true),
        permalink: options["permalink"].as_str().map(str::to_owned),
    };
    let mut all: BTreeMap<String, Collection> = match config {
        Value::Object(map) => map.iter().map(|(label, options)| (label.clone(), one(options))).collect(),
        Value::Array(labels) => {
            labels.iter().filter_map(|label| Some((label.as_str()?.to_owned(), one(&Value::Null)))).collect()
        }
        _ => BTreeMap::new(),
    };
    all.entry("posts".to_owned()).or_insert_with(|| one(&Value::Null)).is_published = true;
    all
}

/// A text in words, or the members of a list.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(scalar).collect(),
        _ => Vec::new(),
    }
}

/// A date as it is written, for templates that write it otherwise.
pub(crate) fn civil(text: &str) -> Option<jiff::civil::DateTime> {
    let (day, time) = Moment::read(text)?.on(&Zone::of(None)).ok()?;
    Some(day.to_datetime(time.unwrap_or_default()))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn add(all: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}

/// `getting-started` is "Getting Started".
fn titleized(slug: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        first + &chars.as_str().to_lowercase()
    };
    slug.split('-').filter(|word| !word.is_empty()).map(capital).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
