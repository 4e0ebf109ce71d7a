//! `MkDocs`, with Material or another theme.
//!
//! Source of the rules: `MkDocs`' user guide ("Configuration", "Writing your docs"), Material's reference of the blog
//! plugin, and what `MkDocs` 1.6 with Material 9 publishes.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::ignore::Ignore;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of `MkDocs` has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["mkdocs.yml", "mkdocs.yaml"];

/// What `MkDocs` takes for Markdown (`mkdocs.utils.markdown_extensions`).
const MARKDOWN: &[&str] = &["md", "markdown", "mdown", "mkdn", "mkd"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct MkDocs {
    /// The folder of the documents, from the source's root.
    docs: String,
    has_folder_urls: bool,
    /// Navigation titles by path from the documents' folder.
    titles: BTreeMap<String, String>,
    excluded: Ignore,
    /// What is only shown while it is written.
    drafts: Ignore,
    blogs: Vec<Blog>,
    /// Folders in which snippets are looked for, from the source's root.
    pub(crate) snippets: Vec<String>,
    /// Files whose text is added to every page.
    pub(crate) appended: Vec<String>,
    /// Names of the Markdown extensions, and of the plugins that change Markdown.
    pub(crate) extensions: Vec<String>,
    is_material: bool,
    /// mkdocs-jupyter makes pages of notebooks.
    has_notebooks: bool,
}

/// Where the blog plugin publishes posts.
#[derive(Debug)]
struct Blog {
    /// From the documents' folder.
    folder: String,
    posts: String,
    format: String,
    date_format: String,
}

impl MkDocs {
    /// Reads `mkdocs.yml`.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let names = SIGNS.iter().map(|name| within(folder, name));
        let mut config = Value::Null;
        let mut notices = Vec::new();
        for path in names {
            if let Some(text) = text(tree, &path)? {
                config = yaml::parse(&path, &text)?;
                break;
            }
        }
        let set = |key: &str| options.settings.get(key).cloned();
        let word = |key: &str| set(key).or_else(|| config[key].as_str().map(str::to_owned));
        let flag = |key: &str, otherwise: bool| match set(key) {
            Some(text) => text == "true",
            None => config[key].as_bool().unwrap_or(otherwise),
        };
        if let Some(parent) = config["INHERIT"].as_str() {
            notices.push(format!(
                "`mkdocs.yml` inherits from `{parent}`, which is not read: say in `site.settings` what matters of it"
            ));
        }
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
        let blogs = plugins.iter().filter(|(name, _)| matches!(name.as_str(), "blog" | "material/blog"));
        let blogs = blogs.map(|(_, options)| Blog::new(options)).collect();
        let of_snippets =
            |key: &str| extensions.iter().find(|(name, _)| name == "pymdownx.snippets").map(|(_, o)| o[key].clone());
        let appended = match of_snippets("auto_append") {
            Some(Value::Array(paths)) => paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let snippets = extensions.iter().find(|(name, _)| name == "pymdownx.snippets").map(|(_, options)| {
            let paths = match &options["base_path"] {
                Value::String(path) => vec![path.clone()],
                Value::Array(paths) => paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect(),
                _ => vec![".".to_owned()],
            };
            paths.iter().filter_map(|path| resolve(folder, path.strip_prefix("$config_dir").unwrap_or(path))).collect()
        });
        let base_url = word("site_url").as_deref().and_then(super::absolute).map(with_slash);
        let has_notebooks = plugins.iter().any(|(name, _)| name == "mkdocs-jupyter");
        let is_material = match &config["theme"] {
            Value::String(name) => name == "material",
            theme => theme["name"].as_str() == Some("material"),
        };
        let markup =
            plugins.into_iter().map(|(name, _)| name).filter(|name| matches!(name.as_str(), "macros" | "mkdocstrings"));
        let extensions = extensions.into_iter().map(|(name, _)| name).chain(markup).collect();
        let rules = Self {
            docs,
            has_folder_urls: flag("use_directory_urls", true),
            titles,
            excluded: Ignore::new(excluded.lines()),
            drafts: Ignore::new(lines("draft_docs").lines()),
            blogs,
            appended,
            snippets: snippets.unwrap_or_else(|| vec![folder.to_owned()]),
            extensions,
            is_material,
            has_notebooks,
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

    fn post(&self, blog: &Blog, base: &Url, facts: &Facts) -> Result<Option<Url>, String> {
        let date = facts.key("date.created").or_else(|| facts.key("date"));
        let date = date.ok_or("a post without `date` has no place: give it one in its front matter")?;
        let title = facts.title.as_deref().or(facts.heading.as_deref());
        let slug = facts.slug.clone().or_else(|| title.map(slugify));
        let slug = slug.ok_or("a post without title has no place: give it one")?;
        let category = facts.keys.get("categories").and_then(|all| all.first()).map(|name| slugify(name));
        let path = blog.format.replace("{date}", &dated(&blog.date_format, date)?).replace("{slug}", &slug);
        let path = path.replace("{file}", &slug).replace("{categories}", category.as_deref().unwrap_or_default());
        if path.contains('{') {
            return Err(format!("its `post_url_format` `{}` is not understood", blog.format));
        }
        let parts = blog.folder.split('/').chain(path.split('/')).filter(|part| !part.is_empty() && *part != ".");
        let last = if self.has_folder_urls { "" } else { return Ok(join(base, parts).and_then(|url| html(&url))) };
        Ok(join(base, parts.chain([last])))
    }
}

impl Rules for MkDocs {
    fn include(&self) -> Vec<String> {
        let mut include = vec![within(&self.docs, "**/*.{md,markdown,mdown,mkdn,mkd}")];
        if self.has_notebooks {
            include.push(within(&self.docs, "**/*.ipynb"));
        }
        include
    }

    fn depends_on_others(&self) -> bool {
        true
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some(relative) = below(&self.docs, path.as_str()) else { return excluded("not in `docs_dir`") };
        let extension = path.extension();
        if !(MARKDOWN.contains(&extension.as_str()) || (self.has_notebooks && extension == "ipynb")) {
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
        let title = self.titles.get(relative).cloned();
        let placement = Placement { title, is_titled_by_site: self.is_material, ..Placement::default() };
        let Some(base) = base else { return placement };
        let blog = self.blogs.iter().find(|blog| below(&blog.posts, relative).is_some());
        match blog.map(|blog| self.post(blog, base, facts)) {
            None => Placement { url: self.url(base, relative), ..placement },
            Some(Ok(url)) => Placement { url, ..placement },
            Some(Err(why)) => Placement { unknown: Some(why), ..placement },
        }
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, below(&self.docs, path)?.split('/'))
    }
}

impl Blog {
    fn new(options: &Value) -> Self {
        let word = |key: &str, otherwise: &str| options[key].as_str().unwrap_or(otherwise).to_owned();
        let folder = word("blog_dir", "blog");
        let folder = if folder == "." { String::new() } else { folder.trim_matches('/').to_owned() };
        let posts = word("post_dir", "{blog}/posts").replace("{blog}", &folder);
        Self {
            posts: posts.trim_matches('/').to_owned(),
            folder,
            format: word("post_url_format", "{date}/{slug}"),
            date_format: word("post_url_date_format", "yyyy/MM/dd"),
        }
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

/// The blog plugin's default slugs: `pymdownx.slugs.slugify` in lower case.
fn slugify(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')).collect();
    kept.trim().replace(' ', "-")
}

/// A date as the blog plugin writes it: Unicode's letters, of which only those of numbers are known here.
fn dated(format: &str, date: &str) -> Result<String, String> {
    let unreadable = || format!("its date `{date}` cannot be read");
    let mut numbers = date.get(..10).unwrap_or(date).split('-').map(|part| part.trim().parse::<u32>().ok());
    let mut next = || numbers.next().flatten().ok_or_else(unreadable);
    let (year, month, day) = (next()?, next()?, next()?);
    let filled = format
        .replace("yyyy", &format!("{year:04}"))
        .replace("MM", &format!("{month:02}"))
        .replace("dd", &format!("{day:02}"));
    if filled.contains(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("the format `{format}` of its date is not understood"));
    }
    Ok(filled)
}

fn html(url: &Url) -> Option<Url> {
    super::absolute(&format!("{url}.html"))
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
