//! Sphinx, with `MyST` or reStructuredText.
//!
//! Source of the rules: Sphinx's documentation ("Configuration", "Builders"), and what Sphinx 8 and 9 publish.

pub(super) mod literal;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use super::ignore::wildcard;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, below, join, text, within, yaml};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of Sphinx has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["conf.py"];

/// What Sphinx calls a document without a heading.
const UNTITLED: &str = "<no title>";

/// The rules of one site.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of Sphinx")]
pub(crate) struct Sphinx {
    /// The folder of the documents, from the source's root.
    pub(crate) folder: String,
    has_folder_urls: bool,
    reads_notebooks_as_myst: bool,
    /// `html_link_suffix`, else `html_file_suffix`.
    link_suffix: String,
    /// The endings of documents, with their dots.
    pub(crate) suffixes: Vec<String>,
    included: Vec<String>,
    /// The folders of `html_extra_path` and `html_static_path`, from the source's root.
    extra: Vec<String>,
    statics: Vec<String>,
    excluded: Vec<String>,
    /// `myst_enable_extensions`; `None`: said in code, so that any may be on.
    extensions: Option<BTreeSet<String>>,
    /// `myst_substitutions` whose values are texts.
    pub(crate) substitutions: BTreeMap<String, String>,
    /// The literal values that decide how reStructuredText reads, by their names: those of [`READ_BY_TEXTS`].
    pub(crate) conf: BTreeMap<String, Value>,
    /// `myst_url_schemes` that have a url of their own.
    pub(crate) schemes: BTreeMap<String, Scheme>,
    /// `version` and `release`, by these names.
    pub(crate) versions: BTreeMap<String, String>,
    /// `myst_title_to_header`: the front matter's title is the document's heading.
    pub(crate) shows_front_title: bool,
    /// `numfig`.
    pub(crate) has_numbered_figures: bool,
    /// `todo_include_todos`.
    pub(crate) shows_todos: bool,
    /// `smartquotes`, which is on by default, for languages that have them.
    pub(crate) has_smart_quotes: bool,
}

/// What links of a scheme become: texts in which `{{path}}` and its like stand for parts of the target.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) url: String,
    pub(crate) title: Option<String>,
}

/// What texts ask of `conf.py`.
const READ_BY_TEXTS: &[&str] =
    &["rst_prolog", "rst_epilog", "default_role", "extlinks", "version", "release", "add_module_names"];

impl Sphinx {
    /// Reads `conf.py`, without running it, what Read the Docs is told of the builder, and `CNAME`.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let conf = text(tree, &within(folder, "conf.py"))?.unwrap_or_default();
        let conf = Conf { found: literal::assignments(&conf), options };
        let mut notices = Vec::new();
        for name in ["exclude_patterns", "include_patterns", "source_suffix", "html_baseurl"] {
            if conf.found.get(name) == Some(&Value::Null) && !options.settings.contains_key(name) {
                notices.push(format!("`conf.py` says `{name}` in code, which is not run: set `site.settings.{name}`"));
            }
        }
        let mut suffixes = match conf.value("source_suffix") {
            Value::Object(map) => map.keys().cloned().collect(),
            _ => conf.texts("source_suffix"),
        };
        if suffixes.is_empty() {
            suffixes.push(".rst".to_owned());
        }
        let is_myst = |name: &String| matches!(name.as_str(), "myst_parser" | "myst_nb" | "recommonmark");
        if conf.texts("extensions").iter().any(is_myst) && !suffixes.iter().any(|suffix| suffix == ".md") {
            suffixes.push(".md".to_owned());
        }
        let mut excluded: Vec<String> =
            conf.texts("exclude_patterns").into_iter().chain(conf.texts("templates_path")).collect();
        let has = |extension: &str| conf.texts("extensions").iter().any(|name| name == extension);
        let reads_notebooks_as_myst = has("myst_nb");
        if reads_notebooks_as_myst || has("nbsphinx") {
            suffixes.push(".ipynb".to_owned());
            // Jupyter's own copies: MyST-NB leaves them out, and nbsphinx tells its users to.
            excluded.push("**/.ipynb_checkpoints".to_owned());
        }
        let link_suffix = conf.text("html_link_suffix").or(conf.text("html_file_suffix"));
        let base_url = base_url(folder, &conf, tree)?;
        let folders = |name: &str| conf.texts(name).iter().filter_map(|path| resolve(folder, path)).collect();
        let language = conf.text("language").unwrap_or_default();
        let rules = Self {
            folder: folder.to_owned(),
            has_folder_urls: builder(options, tree)? == "dirhtml",
            link_suffix: link_suffix.unwrap_or_else(|| ".html".to_owned()),
            suffixes,
            reads_notebooks_as_myst,
            included: Some(conf.texts("include_patterns"))
                .filter(|all| !all.is_empty())
                .unwrap_or(vec!["**".to_owned()]),
            excluded,
            extra: folders("html_extra_path"),
            statics: folders("html_static_path"),
            extensions: conf
                .is_known("myst_enable_extensions")
                .then(|| conf.texts("myst_enable_extensions").into_iter().collect()),
            substitutions: conf.substitutions(),
            schemes: conf.schemes(),
            versions: ["version", "release"]
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), conf.text(name)?)))
                .collect(),
            shows_front_title: conf.is_on("myst_title_to_header", false),
            has_numbered_figures: conf.is_on("numfig", false),
            shows_todos: conf.is_on("todo_include_todos", false),
            has_smart_quotes: conf.is_on("smartquotes", true) && !matches!(language.as_str(), "ja" | "zh_CN" | "zh_TW"),
            conf: conf
                .found
                .iter()
                .filter(|(name, _)| READ_BY_TEXTS.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        Ok(Opened { rules, base_url, notices })
    }

    /// Whether Markdown cells of notebooks are `MyST` (MyST-NB), or what Jupyter has (nbsphinx).
    pub(crate) fn reads_notebooks_as_myst(&self) -> bool {
        self.reads_notebooks_as_myst
    }

    /// Whether an extension of `MyST`'s syntax is on.
    pub(crate) fn has(&self, extension: &str) -> bool {
        self.extensions.as_ref().is_none_or(|on| on.contains(extension))
    }

    /// The same, for those that change text that means nothing else: only where it is said in so many words.
    pub(crate) fn has_surely(&self, extension: &str) -> bool {
        self.extensions.as_ref().is_some_and(|on| on.contains(extension))
    }
}

/// What `conf.py` says, and what our configuration says instead.
struct Conf<'a> {
    found: BTreeMap<String, Value>,
    options: &'a SiteOptions,
}

impl Conf<'_> {
    fn value(&self, name: &str) -> &Value {
        self.found.get(name).unwrap_or(&Value::Null)
    }

    fn text(&self, name: &str) -> Option<String> {
        let own = self.options.settings.get(name).map(String::as_str);
        own.or(self.value(name).as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A list, or one text; in our configuration with commas or on lines of their own.
    fn texts(&self, name: &str) -> Vec<String> {
        match self.options.settings.get(name) {
            Some(text) => {
                text.split([',', '\n']).map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
            }
            None => texts(self.value(name)),
        }
    }

    fn is_on(&self, name: &str, default: bool) -> bool {
        match self.options.settings.get(name).map(|text| text.trim().to_ascii_lowercase()) {
            Some(text) => matches!(text.as_str(), "true" | "yes" | "on" | "1"),
            None => self.value(name).as_bool().unwrap_or(default),
        }
    }

    /// Whether it is said in so many words, or not at all.
    fn is_known(&self, name: &str) -> bool {
        self.options.settings.contains_key(name) || self.found.get(name) != Some(&Value::Null)
    }

    fn substitutions(&self) -> BTreeMap<String, String> {
        let Some(map) = self.value("myst_substitutions").as_object() else { return BTreeMap::new() };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        map.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
    }

    fn schemes(&self) -> BTreeMap<String, Scheme> {
        let Some(map) = self.value("myst_url_schemes").as_object() else { return BTreeMap::new() };
        let scheme = |value: &Value| {
            let url = value.as_str().or(value["url"].as_str()).filter(|url| !url.is_empty())?.to_owned();
            Some(Scheme { url, title: value["title"].as_str().map(str::to_owned) })
        };
        map.iter().filter_map(|(name, value)| Some((name.clone(), scheme(value)?))).collect()
    }
}

/// The public root, where the site's own files name it: `html_baseurl`, which Sphinx itself writes into its pages; else
/// `ogp_site_url` (sphinxext-opengraph); else the host in a file `CNAME` (GitHub Pages), which lies in the folder of
/// `conf.py`, in one of `html_extra_path`, or in the source's root. Read the Docs' own addresses stand in no file.
fn base_url(folder: &str, conf: &Conf<'_>, tree: &dyn Tree) -> Result<Option<Url>, Failure> {
    let named = conf.text("html_baseurl").or_else(|| conf.text("ogp_site_url"));
    if let Some(url) = named.as_deref().and_then(super::absolute) {
        return Ok(Some(url));
    }
    let extra = conf.texts("html_extra_path").into_iter().filter_map(|path| resolve(folder, &path));
    for path in extra.map(|path| within(&path, "CNAME")).chain([within(folder, "CNAME"), "CNAME".to_owned()]) {
        let host = text(tree, &path)?.unwrap_or_default();
        let host = host.trim();
        let is_host =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        if let Some(url) = is_host.then(|| super::absolute(&format!("https://{host}/"))).flatten() {
            return Ok(Some(url));
        }
    }
    Ok(None)
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
        let is_taken = |pattern: &String| takes(pattern, relative);
        if !self.included.iter().any(is_taken) {
            return excluded("`include_patterns`");
        }
        // Sphinx never reads its own output, and editors' and tools' folders are seldom meant.
        if self.excluded.iter().any(is_taken) || relative.starts_with("_build/") || relative.starts_with(".venv/") {
            return excluded("`exclude_patterns`");
        }
        let (dir, stem) = name.rsplit_once('/').unwrap_or(("", name));
        let folders = dir.split('/').filter(|part| !part.is_empty());
        let file = format!("{stem}{}", self.link_suffix);
        let url = base.and_then(|base| match (self.has_folder_urls, stem == "index") {
            (true, true) => join(base, folders.chain([""])),
            (true, false) => join(base, folders.chain([stem, ""])),
            (false, _) => join(base, folders.chain([file.as_str()])),
        });
        Placement {
            url,
            shows_title: self.shows_front_title,
            untitled: Some(UNTITLED.to_owned()),
            ..Placement::default()
        }
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
        let relative = below(&self.folder, path)?;
        // What is copied keeps its place; images of pages come into one folder, under their names.
        if let Some(rest) = self.extra.iter().find_map(|folder| below(folder, path)) {
            return join(base, rest.split('/'));
        }
        if let Some(rest) = self.statics.iter().find_map(|folder| below(folder, path)) {
            return join(base, ["_static"].into_iter().chain(rest.split('/')));
        }
        let (_, suffix) = relative.rsplit_once('.')?;
        let is_image =
            ["png", "jpg", "jpeg", "gif", "svg", "webp"].into_iter().any(|image| suffix.eq_ignore_ascii_case(image));
        // Where others lie (`_downloads/`, under a hash) is not known here.
        let name = relative.rsplit('/').next().filter(|_| is_image)?;
        join(base, ["_images", name].into_iter())
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

/// Whether a pattern takes a path: `*` stays within a part of it, `**` does not.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
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
    fn the_base_url_is_the_first_that_the_sites_files_name() {
        let root = |files: &[(&str, &str)]| {
            let opened = Sphinx::read("docs", &options(), &MapTree::new(files)).unwrap();
            opened.base_url.map(String::from).unwrap_or_default()
        };
        let (own, open_graph) = ("html_baseurl = 'https://a.example/x/'\n", "ogp_site_url = 'https://b.example/y'\n");
        let extra = "html_extra_path = ['more']\n";
        let (cname, extra_cname) = (("CNAME", "d.example\n"), ("docs/more/CNAME", "c.example"));
        assert_eq!(root(&[("docs/conf.py", &format!("{open_graph}{own}")), cname]), "https://a.example/x/");
        assert_eq!(
            root(&[("docs/conf.py", &format!("{open_graph}html_baseurl = ''\n")), cname]),
            "https://b.example/y"
        );
        assert_eq!(root(&[("docs/conf.py", extra), cname, extra_cname]), "https://c.example/");
        assert_eq!(root(&[("docs/conf.py", ""), cname]), "https://d.example/");
        assert_eq!(root(&[("docs/conf.py", ""), ("CNAME", "no host\n")]), "");
    }

    #[test]
    fn patterns_choose_documents_and_files_have_folders_of_their_own() {
        let conf = (
            "docs/conf.py",
            "include_patterns = ['in/**']\nhtml_file_suffix = '.htm'\nhtml_static_path = ['_static']\nhtml_extra_path = ['extra']\n\
            html_baseurl = 'https://d.example/'\n",
        );
        assert_eq!(shown(&[conf], "docs/in/a/b.rst"), "https://d.example/in/a/b.htm");
        assert_eq!(shown(&[conf], "docs/out.rst"), "`include_patterns`");
        let opened = Sphinx::read("docs", &options(), &MapTree::new(&[conf])).unwrap();
        let url = |path: &str| opened.rules.file_url(opened.base_url.as_ref().unwrap(), path).map(String::from);
        assert_eq!(url("docs/_static/x.css").as_deref(), Some("https://d.example/_static/x.css"));
        assert_eq!(url("docs/extra/robots.txt").as_deref(), Some("https://d.example/robots.txt"));
        assert_eq!(url("docs/in/img/x.png").as_deref(), Some("https://d.example/_images/x.png"));
        assert_eq!(url("docs/in/x.zip"), None);
    }

    #[test]
    fn notebooks_are_pages_where_an_extension_reads_them() {
        for (extension, expected) in [
            ("myst_nb", "https://d.example/a/n.html"),
            ("nbsphinx", "https://d.example/a/n.html"),
            ("myst_parser", "`source_suffix`"),
        ] {
            let conf = format!("extensions = ['{extension}']\nhtml_baseurl = 'https://d.example/'\n");
            assert_eq!(shown(&[("docs/conf.py", &conf)], "docs/a/n.ipynb"), expected, "{extension}");
            let copy = shown(&[("docs/conf.py", &conf)], "docs/a/.ipynb_checkpoints/n-checkpoint.ipynb");
            assert!(copy.starts_with('`'), "{copy}");
        }
    }

    #[test]
    fn what_is_said_in_code_is_named() {
        let tree = MapTree::new(&[("docs/conf.py", "exclude_patterns = find()\n")]);
        let notices = Sphinx::read("docs", &options(), &tree).unwrap().notices;
        assert!(notices.len() == 1 && notices[0].contains("site.settings.exclude_patterns"), "{notices:?}");
    }
}
