//! `MkDocs`, with Material or another theme.
//!
//! Source of the rules: `MkDocs`' user guide ("Configuration", "Writing your docs"), Material's reference of the blog
//! plugin, and what `MkDocs` 1.6 with Material 9 publishes.

mod blog;
mod languages;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use self::blog::Blog;
use self::languages::Languages;
use super::ignore::Ignore;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of `MkDocs` has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["mkdocs.yml", "mkdocs.yaml"];

/// What `MkDocs` takes for Markdown (`mkdocs.utils.markdown_extensions`).
const MARKDOWN: &[&str] = &["md", "markdown", "mdown", "mkdn", "mkd"];

/// Plugins that change what is written before it is read as Markdown, or what is a page.
const TEXTUAL: &[&str] = &["macros", "mkdocstrings", "include-markdown", "callouts", "mkdocs-jupyter"];

/// Plugins whose pages nobody knows without running them.
const OF_CODE: &[&str] = &["gen-files", "monorepo", "multirepo", "techdocs-core", "autoapi"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct MkDocs {
    /// The folder of the documents, from the source's root.
    pub(crate) docs: String,
    has_folder_urls: bool,
    /// Navigation titles by path from the documents' folder.
    titles: BTreeMap<String, String>,
    excluded: Ignore,
    /// What is only shown while it is written.
    drafts: Ignore,
    /// Patterns of the exclude plugin, as `fnmatch` has them.
    globs: Vec<String>,
    blogs: Vec<Blog>,
    languages: Option<Languages>,
    name: String,
    /// Folders in which snippets are looked for, from the source's root.
    pub(crate) snippets: Vec<String>,
    /// Files whose text is added to every page.
    pub(crate) appended: Vec<String>,
    /// Names of the Markdown extensions, and of the plugins that change Markdown.
    pub(crate) extensions: Vec<String>,
    is_material: bool,
    /// Whether nothing is known of its configuration.
    pub(crate) is_unread: bool,
    /// The site's own names of keys (`pymdownx.keys`).
    pub(crate) keys: BTreeMap<String, String>,
    /// Folders in which `{!file!}` is looked for, from the source's root.
    pub(crate) included: Vec<String>,
    /// What pages may name of the configuration (mkdocs-macros), by dotted name.
    pub(crate) variables: BTreeMap<String, String>,
}

impl MkDocs {
    /// Reads `mkdocs.yml`, and what it inherits from.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let (config, is_unread) = configuration(folder, tree)?;
        let set = |key: &str| options.settings.get(key).cloned();
        let word = |key: &str| set(key).or_else(|| config[key].as_str().map(str::to_owned));
        let flag = |key: &str, otherwise: bool| match set(key) {
            Some(text) => text == "true",
            None => config[key].as_bool().unwrap_or(otherwise),
        };
        let docs = word("docs_dir").unwrap_or_else(|| "docs".to_owned());
        let docs = resolve(folder, &docs).ok_or_else(|| {
            super::unreadable(&within(folder, "mkdocs.yml"), "its `docs_dir` leaves the source's root")
        })?;
        let mut titles = BTreeMap::new();
        nav(&config["nav"], None, 0, &mut titles);
        let lines = |key: &str| word(key).unwrap_or_default();
        // `MkDocs` adds what is asked for to these, unless it is turned around with `!`.
        let excluded = format!(".*\n/templates/\n{}", lines("exclude_docs"));
        let extensions = named(&config["markdown_extensions"]);
        let plugins = named(&config["plugins"]);
        let of = |names: &[&str]| plugins.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, o)| o);
        let made = plugins.iter().map(|(name, _)| name).filter(|name| OF_CODE.contains(&name.as_str()));
        let notices =
            made.map(|name| format!("the plugin `{name}` makes or moves pages by code, which is not run")).collect();
        let blogs = plugins.iter().filter(|(name, _)| matches!(name.as_str(), "blog" | "material/blog"));
        let blogs = blogs.map(|(_, options)| Blog::new(options)).collect();
        let option = |extension: &str, key: &str| {
            extensions.iter().find(|(name, _)| name == extension).map(|(_, options)| options[key].clone())
        };
        let paths = |extension: &str, key: &str| match option(extension, key)? {
            Value::String(path) => Some(vec![path]),
            Value::Array(paths) => Some(paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect()),
            _ => None,
        };
        let folders = |paths: Vec<String>| -> Vec<String> {
            paths.iter().filter_map(|path| resolve(folder, path.strip_prefix("$config_dir").unwrap_or(path))).collect()
        };
        let base_url = word("site_url").as_deref().and_then(super::absolute).map(with_slash);
        let is_material = match &config["theme"] {
            Value::String(name) => name == "material",
            theme => theme["name"].as_str() == Some("material"),
        };
        let macros = of(&["macros"]).filter(|options| options["render_by_default"].as_bool() != Some(false));
        let markup = plugins.iter().map(|(name, _)| name.clone());
        let markup = markup.filter(|name| TEXTUAL.contains(&name.as_str()) && (name != "macros" || macros.is_some()));
        let names =
            extensions.iter().map(|(name, _)| name.strip_prefix("markdown.extensions.").unwrap_or(name).to_owned());
        let rules = Self {
            has_folder_urls: flag("use_directory_urls", true),
            titles,
            excluded: Ignore::new(excluded.lines()),
            drafts: Ignore::new(lines("draft_docs").lines()),
            globs: of(&["exclude"]).map(|options| texts(&options["glob"])).unwrap_or_default(),
            blogs,
            languages: of(&["i18n"]).map(Languages::new),
            appended: paths("pymdownx.snippets", "auto_append").unwrap_or_default(),
            snippets: folders(paths("pymdownx.snippets", "base_path").unwrap_or_else(|| vec![".".to_owned()])),
            included: folders(paths("markdown_include.include", "base_path").unwrap_or_else(|| vec![".".to_owned()])),
            keys: option("pymdownx.keys", "key_map").map(|map| variables(&map, &[""])).unwrap_or_default(),
            variables: macros.map(|_| site_variables(&config)).unwrap_or_default(),
            name: word("site_name").unwrap_or_default(),
            extensions: names.chain(markup).collect(),
            is_unread,
            is_material,
            docs,
        };
        Ok(Opened { rules, base_url, notices })
    }

    /// Whether a Markdown extension is on, or a plugin that changes Markdown.
    pub(crate) fn has(&self, extension: &str) -> bool {
        self.extensions.iter().any(|name| name == extension)
    }

    fn url(&self, base: &Url, path: &str) -> Option<Url> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let is_index = matches!(stem, "index" | "README");
        let folders = dir.split('/').filter(|part| !part.is_empty());
        match (self.has_folder_urls, is_index) {
            (true, true) => join(base, folders.chain([""])),
            (true, false) => join(base, folders.chain([stem, ""])),
            (false, true) => join(base, folders.chain(["index.html"])),
            (false, false) => join(base, folders.chain([format!("{stem}.html").as_str()])),
        }
    }

    /// The title that `MkDocs` gives a page whose text has no heading, as Material shows it above the text.
    fn title(&self, relative: &str, facts: &Facts) -> Option<String> {
        if !self.is_material {
            return self.titles.get(relative).cloned();
        }
        let own = facts.key("template").filter(|template| *template != "main.html");
        if let (Some(_), Some(title)) = (own, &facts.title) {
            // A template of the site's own shows what it likes: the title is the window's.
            return Some(format!("{title} - {}", self.name));
        }
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let of_file = || match stem {
            "index" | "README" if !relative.contains('/') => "Home".to_owned(),
            "index" | "README" => "Index".to_owned(),
            _ => words(stem),
        };
        let title = self.titles.get(relative).or(facts.title.as_ref()).map(|title| without_tags(title));
        Some(title.unwrap_or_else(of_file))
    }
}

impl Rules for MkDocs {
    fn include(&self) -> Vec<String> {
        let mut include = vec![within(&self.docs, "**/*.{md,markdown,mdown,mkdn,mkd}")];
        if self.has("mkdocs-jupyter") {
            include.push(within(&self.docs, "**/*.ipynb"));
        }
        include
    }

    fn locales(&self) -> Vec<String> {
        self.languages.as_ref().map(Languages::all).filter(|all| all.len() > 1).unwrap_or_default()
    }

    fn depends_on_others(&self) -> bool {
        true
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some(relative) = below(&self.docs, path.as_str()) else { return excluded("not in `docs_dir`") };
        let extension = path.extension();
        if !(MARKDOWN.contains(&extension.as_str()) || (self.has("mkdocs-jupyter") && extension == "ipynb")) {
            return excluded("no Markdown");
        }
        if self.excluded.takes(relative) {
            return excluded("`exclude_docs`");
        }
        if self.drafts.takes(relative) {
            return excluded("`draft_docs`");
        }
        if path.stem() == "README" && MARKDOWN.iter().any(|e| around.has(&within(path.dir(), &format!("index.{e}")))) {
            return excluded("an index stands beside it");
        }
        if self.globs.iter().any(|glob| is_match(glob, relative)) {
            return excluded("the exclude plugin's `glob`");
        }
        let title = self.title(relative, facts);
        let mut placement = Placement { title, is_titled_by_site: self.is_material, ..Placement::default() };
        let mut published = Cow::Borrowed(relative);
        if let Some(languages) = &self.languages {
            let (locale, path) = languages.place(relative);
            placement.locale = Some(locale.to_owned());
            published = path;
        }
        let Some(base) = base else { return placement };
        let blog = self.blogs.iter().find(|blog| blog.has(relative));
        match blog.map(|blog| blog.post(base, relative, facts, self.has_folder_urls)) {
            None => Placement { url: self.url(base, &published), ..placement },
            Some(Ok(url)) => Placement { url, ..placement },
            Some(Err(why)) => Placement { unknown: Some(why), ..placement },
        }
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, below(&self.docs, path)?.split('/'))
    }
}

/// Names and options of a list of plugins or extensions, however it is written.
fn named(value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| match item {
                Value::String(name) => vec![(name.clone(), Value::Null)],
                Value::Object(map) => map.iter().map(|(name, options)| (name.clone(), options.clone())).collect(),
                _ => Vec::new(),
            })
            .collect(),
        Value::Object(map) => map.iter().map(|(name, options)| (name.clone(), options.clone())).collect(),
        _ => Vec::new(),
    }
}

/// Collects the titles of a navigation tree, which is no deeper than the YAML that it comes from.
fn nav(value: &Value, title: Option<&str>, depth: usize, titles: &mut BTreeMap<String, String>) {
    if depth > 64 {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| nav(item, None, depth + 1, titles)),
        Value::Object(map) => map.iter().for_each(|(name, item)| nav(item, Some(name), depth + 1, titles)),
        Value::String(path) => {
            if let Some(title) = title {
                titles.entry(path.clone()).or_insert_with(|| title.to_owned());
            }
        }
        _ => {}
    }
}

/// The configuration with all that it inherits from, and whether there is none.
fn configuration(folder: &str, tree: &dyn Tree) -> Result<(Value, bool), Failure> {
    /// Files that inherit from one another, at most.
    const MAX_PARENTS: usize = 8;
    let mut read = Vec::new();
    for name in SIGNS {
        let path = within(folder, name);
        if let Some(text) = text(tree, &path)? {
            read.push((path.clone(), yaml::parse(&path, &text)?));
            break;
        }
    }
    while let Some((path, config)) = read.last() {
        let Some(parent) = config["INHERIT"].as_str() else { break };
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let parent = resolve(dir, parent).filter(|parent| !read.iter().any(|(path, _)| path == parent));
        let parent = parent.filter(|_| read.len() < MAX_PARENTS);
        let Some(parent) = parent else {
            return Err(super::unreadable(path, "what it inherits from leaves the source's root, or is itself"));
        };
        let Some(text) = text(tree, &parent)? else {
            return Err(super::unreadable(&parent, "it is inherited from and not there"));
        };
        let value = yaml::parse(&parent, &text)?;
        read.push((parent, value));
    }
    let is_unread = read.is_empty();
    // The last is everybody's parent: what a child says goes before it, mapping by mapping.
    let merged = read.into_iter().rev().fold(Value::Null, |parent, (_, child)| merged(parent, child));
    Ok((merged, is_unread))
}

fn merged(parent: Value, child: Value) -> Value {
    match (parent, child) {
        (Value::Object(mut parent), Value::Object(child)) => {
            for (key, value) in child {
                let old = parent.remove(&key).unwrap_or_default();
                parent.insert(key, merged(old, value));
            }
            Value::Object(parent)
        }
        (parent, Value::Null) => parent,
        (_, child) => child,
    }
}

/// What pages may name of the configuration, with mkdocs-macros: all of `extra`, and `config`.
fn site_variables(config: &Value) -> BTreeMap<String, String> {
    let mut all = variables(&config["extra"], &["", "extra."]);
    for key in ["site_name", "site_url", "site_description", "site_author", "repo_url", "repo_name", "copyright"] {
        if let Some(text) = config[key].as_str() {
            all.insert(format!("config.{key}"), text.to_owned());
        }
    }
    all.extend(variables(&config["extra"], &["config.extra."]));
    all
}

/// The scalars of a mapping by their dotted names, after each of these beginnings.
fn variables(value: &Value, prefixes: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, &Value)> = prefixes.iter().map(|prefix| ((*prefix).to_owned(), value)).collect();
    while let Some((prefix, value)) = open.pop() {
        let name = || prefix.trim_end_matches('.').to_owned();
        match value {
            Value::Object(map) => open.extend(map.iter().map(|(key, value)| (format!("{prefix}{key}."), value))),
            Value::String(text) => drop(found.insert(name(), text.clone())),
            Value::Number(number) => drop(found.insert(name(), number.to_string())),
            Value::Bool(flag) => drop(found.insert(name(), if *flag { "True" } else { "False" }.to_owned())),
            Value::Null | Value::Array(_) => {}
        }
    }
    found
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// A title as it reads: front matter and navigation may have HTML in it.
fn without_tags(title: &str) -> String {
    if !title.contains(['<', '&']) {
        return title.to_owned();
    }
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find('<') {
        let is_tag = rest[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let end = rest[at..].find('>').filter(|_| is_tag).map_or(at + 1, |end| at + end + 1);
        out.push_str(if end == at + 1 { &rest[..end] } else { &rest[..at] });
        rest = &rest[end..];
    }
    out.push_str(rest);
    let known = [("&#8203;", ""), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    known.into_iter().fold(out, |text, (name, sign)| text.replace(name, sign))
}

/// A title out of a file's name (`mkdocs.structure.pages`): blanks for dashes, and a capital where there is none.
fn words(stem: &str) -> String {
    let title = stem.replace(['-', '_'], " ");
    if title.to_lowercase() != title {
        return title;
    }
    let mut chars = title.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Python's `fnmatch`, in which a star takes slashes as well; time is the product of both lengths.
fn is_match(glob: &str, path: &str) -> bool {
    let path: Vec<char> = path.chars().collect();
    let mut taken = vec![false; path.len() + 1];
    taken[0] = true;
    for sign in glob.chars() {
        let mut next = vec![false; path.len() + 1];
        let mut any = false;
        for (at, was) in taken.iter().enumerate() {
            any |= was;
            match sign {
                '*' => next[at] = any,
                _ if *was && path.get(at).is_some_and(|c| sign == '?' || *c == sign) => next[at + 1] = true,
                _ => {}
            }
        }
        taken = next;
    }
    taken.last().copied().unwrap_or_default()
}

fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::tests::{MapTree, options};

    const CONFIG: &str = "site_url: https://d.example/x\nexclude_docs: |\n  *.tmp.md\nnav:\n  - Home: index.md\n  - Part:\n    - One: a/one.md\n\
        plugins:\n  - search\n  - blog: {blog_dir: news}\n";

    fn shown(config: &str, path: &str, facts: &Facts, others: &[(&str, &str)]) -> String {
        let tree = MapTree::new(&[("mkdocs.yml", config)]);
        let opened = MkDocs::read("", &options(), &tree).unwrap();
        let placed = opened.rules.place(opened.base_url.as_ref(), &DocPath::new(path), facts, &MapTree::new(others));
        placed.url.map(String::from).or(placed.excluded).or(placed.unknown).unwrap_or_default()
    }

    #[test]
    fn the_languages_of_static_i18n_are_known() {
        let languages = |config: &str| {
            MkDocs::read("", &options(), &MapTree::new(&[("mkdocs.yml", config)])).unwrap().rules.locales()
        };
        let config = "plugins:\n  - i18n:\n      languages:\n        - locale: fr\n        - locale: en\n          default: true\n";
        assert_eq!(languages(config), ["en", "fr"]);
        assert!(languages("plugins:\n  - i18n:\n      languages:\n        - locale: en\n").is_empty());
        assert!(languages(CONFIG).is_empty());
    }

    #[test]
    fn urls_follow_the_configuration() {
        let none = Facts::default();
        for (path, expected) in [
            ("docs/index.md", "https://d.example/x/"),
            ("docs/a/one.md", "https://d.example/x/a/one/"),
            ("docs/a/README.md", "https://d.example/x/a/"),
            ("docs/a b.markdown", "https://d.example/x/a%20b/"),
            ("README.md", "not in `docs_dir`"),
            ("docs/.hidden/a.md", "`exclude_docs`"),
            ("docs/a.tmp.md", "`exclude_docs`"),
            ("docs/templates/a.md", "`exclude_docs`"),
        ] {
            assert_eq!(shown(CONFIG, path, &none, &[]), expected, "{path}");
        }
        let plain = format!("{CONFIG}use_directory_urls: false\n");
        assert_eq!(shown(&plain, "docs/a/one.md", &none, &[]), "https://d.example/x/a/one.html");
        assert_eq!(shown(&plain, "docs/index.md", &none, &[]), "https://d.example/x/index.html");
        assert_eq!(shown(CONFIG, "docs/README.md", &none, &[("docs/index.md", "")]), "an index stands beside it");
    }

    #[test]
    fn notebooks_are_pages_where_the_plugin_reads_them() {
        let with = CONFIG.replace("- search", "- mkdocs-jupyter: {execute: false}");
        let none = Facts::default();
        assert_eq!(shown(&with, "docs/a/n.ipynb", &none, &[]), "https://d.example/x/a/n/");
        assert_eq!(shown(CONFIG, "docs/a/n.ipynb", &none, &[]), "no Markdown");
    }

    #[test]
    fn posts_are_published_by_date_and_slug() {
        let post = |title: &str, slug: Option<&str>, date: Option<&str>| {
            let keys = date.map(|date| ("date".to_owned(), vec![date.to_owned()])).into_iter().collect();
            let facts = Facts { title: Some(title.into()), slug: slug.map(Into::into), keys, ..Facts::default() };
            shown(CONFIG, "docs/news/posts/p.md", &facts, &[])
        };
        let base = "https://d.example/x/news/2024/03/01";
        assert_eq!(post("What's new, in 2.0?", None, Some("2024-03-01")), format!("{base}/whats-new-in-20/"));
        assert_eq!(post("T", Some("own"), Some("2024-03-01T10:00:00")), format!("{base}/own/"));
        assert!(post("T", None, None).contains("without `date`"));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_fails_by_name() {
        let tree = MapTree::new(&[("mkdocs.yml", "a: [1\nb")]);
        let message = MkDocs::read("", &options(), &tree).unwrap_err().message;
        assert!(message.contains("`mkdocs.yml`") && message.contains("line"), "{message}");
    }
}
