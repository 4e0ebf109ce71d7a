//! Hugo: files of the content folder become pages by their paths, sections by their `_index`, bundles by their folders.
//!
//! Source of the rules: Hugo's documentation ("Page bundles", "URL management", "Multilingual mode", "Build options",
//! "Configure front matter dates"), and what Hugo 0.111 and 0.168 publish. The two clean paths otherwise, and name ugly
//! urls of sections otherwise: 0.123 parts them. Where a page has another url before it than after it and nobody says
//! which version builds the site, its url is unknown.

mod expression;
mod parts;
mod path;
mod permalink;
mod sections;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use self::expression::Expression;
use self::parts::{dates, languages, patterns, resolves_links, roots, texts, ugly};
use self::path::Cleaning;
use self::permalink::Page;
use self::sections::{Cascade, Sections};
use self::settings::Version;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, join, within};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only such a site has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"];

/// What they were called before Hugo 0.110, which only says Hugo beside a `content` folder.
pub(super) const OLD_SIGNS: &[&str] = &["config.toml", "config.yaml", "config.yml", "config.json"];

/// The extensions of documents. Those after `htm` need other programs, or are not understood here.
const EXTENSIONS: &[&str] =
    &["md", "markdown", "mdown", "html", "htm", "org", "adoc", "asciidoc", "ad", "rst", "pandoc", "pdc"];

/// The first version that makes paths as the present ones do.
const NEW_PATHS: Version = (0, 123);

/// The first version in which a section's `slug` names its folder.
const SECTION_SLUGS: Version = (0, 167);

/// The first version that reads `build` in front matter, and not `_build`.
const BUILD: Version = (0, 145);

/// What versions make otherwise.
#[derive(Clone, Copy, Debug)]
struct Era {
    /// Before [`NEW_PATHS`].
    is_old: bool,
    /// Since [`SECTION_SLUGS`].
    has_section_slugs: bool,
}

impl Era {
    fn of(version: Version) -> Self {
        Self { is_old: version < NEW_PATHS, has_section_slugs: version >= SECTION_SLUGS }
    }
}

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct Hugo {
    /// The folder of the configuration, from the source's root; empty for the root itself.
    pub(crate) folder: String,
    /// The folders of content, those within others first.
    roots: Vec<Root>,
    /// By key, in lower case.
    languages: BTreeMap<String, Language>,
    default_language: String,
    has_folder_for_default: bool,
    cleaning: Cleaning,
    version: Option<Version>,
    ugly: Ugly,
    /// Patterns of permalinks of pages and of sections, by section.
    of_pages: BTreeMap<String, String>,
    of_sections: BTreeMap<String, String>,
    ignored: Vec<Expression>,
    /// Where a page's date is looked for, in this order.
    dates: Vec<String>,
    disabled_kinds: BTreeSet<String>,
    taxonomies: BTreeSet<String>,
    sections: Sections,
    /// What the configuration hands down.
    cascades: Vec<Cascade>,
    /// The path of the configured base url, without `/` at its ends.
    base_path: String,
    /// Whether templates of the site or its theme resolve Markdown's links, as `ref` does.
    resolves_links: bool,
    pub(crate) markup: Markup,
    /// `params`, for the `param` shortcode; keys in lower case.
    pub(crate) params: Value,
}

/// How Markdown is read (`markup.goldmark`).
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the configuration")]
pub(crate) struct Markup {
    /// Whether raw HTML is published (`renderer.unsafe`).
    pub(crate) publishes_html: bool,
    /// Whether a line `{.class}` after a block is taken for its attributes (`parser.attribute.block`).
    pub(crate) has_block_attributes: bool,
    /// Whether `:name:` is an emoji (`enableEmoji`).
    pub(crate) has_emoji: bool,
    /// Whether quotes and dashes are a typesetter's (`extensions.typographer`), as they are unless it is told otherwise.
    pub(crate) is_typographic: bool,
}

/// A folder whose content is published.
#[derive(Debug)]
struct Root {
    /// From the source's root.
    dir: String,
    /// Where below the site's content it lies.
    target: String,
    /// The language of what names none.
    language: String,
}

#[derive(Debug, Default)]
struct Language {
    is_disabled: bool,
    base_url: Option<Url>,
}

/// Which pages are files `name.html`, and not folders.
#[derive(Debug)]
enum Ugly {
    All(bool),
    Sections(BTreeSet<String>),
}

/// A document of the content folder.
struct Located<'a> {
    /// Folders from the site's content, in their own case.
    dirs: Vec<&'a str>,
    /// The name without extension and language.
    stem: &'a str,
    language: String,
}

impl Located<'_> {
    fn is_section(&self) -> bool {
        self.stem == "_index"
    }

    fn is_bundle(&self) -> bool {
        self.stem == "index"
    }

    /// The folders of the sections that it may be in: a bundle's own is none.
    fn section_dirs(&self) -> &[&str] {
        let own = usize::from(self.is_bundle());
        self.dirs.get(..self.dirs.len().saturating_sub(own)).unwrap_or_default()
    }

    fn kind(&self) -> &'static str {
        match (self.is_section(), self.dirs.is_empty()) {
            (true, true) => "home",
            (true, false) => "section",
            (false, _) => "page",
        }
    }

    /// Its path as `ref` and `cascade` name it.
    fn logical(&self) -> String {
        let dirs = self.dirs.join("/");
        if self.is_section() || self.is_bundle() {
            format!("/{dirs}")
        } else {
            format!("/{}", within(&dirs, self.stem))
        }
    }
}

impl Hugo {
    /// Reads the configuration in a folder, and what its sections hand down.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let config = settings::read(folder, &options.settings, tree)?;
        let mut notices = Vec::new();
        let word = |key: &str| config[key].as_str().map(str::to_owned);
        let flag = |key: &str| config[key].as_bool().unwrap_or(false);
        let default_language = word("defaultcontentlanguage").unwrap_or_else(|| "en".to_owned()).to_lowercase();
        let languages = languages(&config, &default_language);
        let base_url = word("baseurl").as_deref().and_then(super::absolute);
        let base = options.base_url.as_ref().or(base_url.as_ref());
        let base_path = base.map(|url| url.path().trim_matches('/').to_owned()).unwrap_or_default();
        let (of_pages, of_sections) = patterns(&config["permalinks"], &mut notices);
        let mut ignored = Vec::new();
        for pattern in texts(&config["ignorefiles"]) {
            match Expression::read(&pattern) {
                Some(expression) => ignored.push(expression),
                None => notices.push(format!(
                    "`ignoreFiles` has `{pattern}`, which is not understood: say under `exclude` which files it means"
                )),
            }
        }
        let disabled_kinds = texts(&config["disablekinds"]).into_iter().map(|kind| kind.to_lowercase()).collect();
        let taxonomies = match config["taxonomies"].as_object() {
            Some(map) => map.values().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            None => ["tags".to_owned(), "categories".to_owned()].into(),
        };
        let goldmark = &config["markup"]["goldmark"];
        let mut rules = Self {
            roots: roots(folder, &config, &default_language, &mut notices),
            folder: folder.to_owned(),
            languages,
            default_language,
            has_folder_for_default: flag("defaultcontentlanguageinsubdir"),
            cleaning: Cleaning { keeps_case: flag("disablepathtolower"), removes_accents: flag("removepathaccents") },
            version: settings::version(folder, &config, tree),
            ugly: ugly(&config["uglyurls"]),
            of_pages,
            of_sections,
            ignored,
            dates: dates(&config["frontmatter"]["date"]),
            disabled_kinds,
            taxonomies,
            sections: Sections::new(),
            cascades: sections::cascades(&config["cascade"]),
            base_path,
            resolves_links: resolves_links(folder, &config, tree),
            markup: Markup {
                publishes_html: goldmark["renderer"]["unsafe"].as_bool().unwrap_or(false),
                has_block_attributes: goldmark["parser"]["attribute"]["block"].as_bool().unwrap_or(false),
                has_emoji: flag("enableemoji"),
                is_typographic: is_typographic(&goldmark["extensions"]["typographer"]),
            },
            params: config["params"].clone(),
        };
        if base.is_none() {
            notices.push("`baseURL` names no public root: say it as `site.base_url`, or pages have no urls".to_owned());
        }
        let mut read = Sections::new();
        for root in &rules.roots {
            let language = |name: &str| rules.language_of(stem(name), root).1;
            sections::read(root, &language, tree, &mut read);
        }
        rules.sections = read;
        Ok(Opened { rules, base_url, notices })
    }

    /// The language of a document, where it is one of this site's.
    pub(crate) fn language(&self, path: &DocPath) -> String {
        self.locate(path).map_or_else(|| self.default_language.clone(), |located| located.language)
    }

    /// The folders of content, from the source's root.
    pub(crate) fn content_folders(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(|root| root.dir.as_str())
    }

    /// The documents that a `ref` or a link from a document may mean, by path from the content folder or from the
    /// document's own folder.
    pub(crate) fn referred(&self, from: &DocPath, name: &str) -> Vec<String> {
        let Some(located) = self.locate(from) else { return Vec::new() };
        let dirs = located.dirs.join("/");
        let from_root = resolve("", name);
        let from_own = if name.starts_with('/') { None } else { resolve(&dirs, name) };
        // A bundle's neighbours count from the folder that the bundle is in, too.
        let beside = located.section_dirs().join("/");
        let from_beside = if name.starts_with('/') || beside == dirs { None } else { resolve(&beside, name) };
        let mut names: Vec<String> = [from_own, from_beside, from_root].into_iter().flatten().collect();
        names.dedup();
        names.iter().flat_map(|name| self.files(name, &located.language)).collect()
    }

    /// The file that gives a section its text, for a `ref` to it.
    pub(crate) fn section_file(&self, name: &str, language: &str) -> Vec<String> {
        let Some(name) = resolve("", name) else { return Vec::new() };
        self.files(&name, language)
            .into_iter()
            .filter(|path| path.rsplit('/').next().is_some_and(|n| n.starts_with("_index.")))
            .collect()
    }

    /// The name under which `ref` finds a document that is the only one of it.
    pub(crate) fn label(&self, path: &DocPath) -> Option<String> {
        let located = self.locate(path)?;
        let name = match located.stem {
            "_index" | "index" => located.dirs.last()?,
            stem => stem,
        };
        Some(format!("{}:{}", located.language, name.to_lowercase()))
    }

    /// The files that may stand behind a path of the content, with or without their extension.
    fn files(&self, name: &str, language: &str) -> Vec<String> {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if EXTENSIONS.contains(&extension) => (stem, Some(extension)),
            _ => (name, None),
        };
        let extensions = extension.map_or_else(|| vec!["md", "html", "markdown"], |extension| vec![extension]);
        let mut files = Vec::new();
        for root in self.roots.iter().filter(|root| root.language == language || root.language == self.default_language)
        {
            let Some(stem) = super::below(&root.target, stem).or((root.target == stem).then_some("")) else { continue };
            for extension in &extensions {
                let mut add = |name: &str| {
                    files.push(within(&root.dir, &format!("{name}.{language}.{extension}")));
                    if root.language == language {
                        files.push(within(&root.dir, &format!("{name}.{extension}")));
                    }
                };
                if !stem.is_empty() {
                    add(stem);
                }
                add(&within(stem, "index"));
                add(&within(stem, "_index"));
            }
        }
        files
    }

    fn locate<'a>(&'a self, path: &'a DocPath) -> Option<Located<'a>> {
        let (root, relative) =
            self.roots.iter().find_map(|root| Some((root, super::below(&root.dir, path.as_str())?)))?;
        let (dir, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let (stem, language) = self.language_of(stem(name), root);
        let dirs = root.target.split('/').chain(dir.split('/')).filter(|part| !part.is_empty()).collect();
        Some(Located { dirs, stem, language })
    }

    /// A file's name without the language in it, and the language.
    fn language_of<'n>(&self, stem: &'n str, root: &Root) -> (&'n str, String) {
        match stem.rsplit_once('.') {
            Some((name, key)) if self.languages.contains_key(&key.to_lowercase()) => (name, key.to_lowercase()),
            _ => (stem, root.language.clone()),
        }
    }

    /// Why there is no page of a document, by the rules for its place.
    fn excluded(&self, path: &DocPath, located: &Located<'_>, facts: &Facts, around: &dyn Around) -> Option<String> {
        if path.as_str().split('/').any(|part| part.starts_with('.')) || path.as_str().ends_with('~') {
            return Some("its name is that of a hidden file".to_owned());
        }
        if self.ignored.iter().any(|expression| expression.is_in(path.as_str())) {
            return Some("`ignoreFiles`".to_owned());
        }
        if self.languages.get(&located.language).is_some_and(|language| language.is_disabled) {
            return Some(format!("the language `{}` is disabled", located.language));
        }
        if self.is_resource(path, located, around) {
            return Some("a resource of the bundle that it lies in".to_owned());
        }
        let kind = located.kind();
        if self.disabled_kinds.contains(kind) {
            return Some(format!("`disableKinds: {kind}`"));
        }
        if located.is_bundle() && facts.key("headless") == Some("true") {
            return Some("headless: true".to_owned());
        }
        let build = |key: &str| self.said(key, located, facts);
        let render = build("build.render").filter(|_| self.version.is_none_or(|version| version >= BUILD));
        let render = render.or_else(|| build("_build.render"));
        if let Some(render) = render.filter(|render| matches!(render.as_str(), "never" | "false" | "link")) {
            return Some(format!("build.render: {render}"));
        }
        if self.said("draft", located, facts).as_deref() == Some("true") {
            return Some("draft: true".to_owned());
        }
        let outputs = facts.keys.get("outputs").map(|all| all.join(" ")).or_else(|| self.handed("outputs", located));
        let has_html = |outputs: &String| outputs.split(' ').any(|name| name.eq_ignore_ascii_case("html"));
        if outputs.is_some_and(|outputs| !outputs.is_empty() && !has_html(&outputs)) {
            return Some("`outputs` without HTML".to_owned());
        }
        None
    }

    /// Whether a bundle's `index` stands in a folder above a document, or beside it.
    fn is_resource(&self, path: &DocPath, located: &Located<'_>, around: &dyn Around) -> bool {
        let Some(root) = self.roots.iter().find(|root| super::below(&root.dir, path.as_str()).is_some()) else {
            return false;
        };
        let mut dir = path.dir();
        if located.is_bundle() {
            let Some((above, _)) = dir.rsplit_once('/') else { return false };
            dir = above;
        }
        while super::below(&root.dir, &format!("{dir}/")).is_some() && dir != root.dir {
            for extension in ["md", "html", "markdown"] {
                if around.has(&within(dir, &format!("index.{extension}"))) {
                    return true;
                }
                let of = |language: &String| around.has(&within(dir, &format!("index.{language}.{extension}")));
                if self.languages.len() > 1 && self.languages.keys().any(of) {
                    return true;
                }
            }
            let Some((above, _)) = dir.rsplit_once('/') else { break };
            dir = above;
        }
        false
    }

    /// What a document says of a key, else what is handed down to it.
    fn said(&self, key: &str, located: &Located<'_>, facts: &Facts) -> Option<String> {
        facts.key(key).map(str::to_owned).or_else(|| self.handed(key, located))
    }

    fn handed(&self, key: &str, located: &Located<'_>) -> Option<String> {
        if self.sections.is_empty() && self.cascades.is_empty() {
            return None;
        }
        let (page, kind, language) = (located.logical(), located.kind(), &located.language);
        let of = |cascade: &Cascade| cascade.value(key, &page, kind, language).map(str::to_owned);
        let nearest = (0..=located.dirs.len()).rev().find_map(|end| {
            let dir = located.dirs.get(..end)?.join("/");
            self.sections.get(&(dir, language.clone()))?.cascades.iter().find_map(of)
        });
        nearest.or_else(|| self.cascades.iter().find_map(of))
    }

    /// The url of a page; `Err` says why it cannot be known.
    fn url(
        &self,
        base: &Url,
        located: &Located<'_>,
        facts: &Facts,
        around: &dyn Around,
    ) -> Result<Option<Url>, String> {
        if let Some(version) = self.version {
            return self.url_by(Era::of(version), base, located, facts, around);
        }
        let of = |version| self.url_by(Era::of(version), base, located, facts, around);
        let newest = of(SECTION_SLUGS)?;
        if of(NEW_PATHS)? == newest && of((0, 0))? == newest {
            return Ok(newest);
        }
        Err("its url depends on the version of Hugo, which nothing says: say it as `site.settings.hugoVersion`"
            .to_owned())
    }

    fn url_by(
        &self,
        era: Era,
        base: &Url,
        located: &Located<'_>,
        facts: &Facts,
        around: &dyn Around,
    ) -> Result<Option<Url>, String> {
        let is_old = era.is_old;
        let language = self.languages.get(&located.language);
        let own_base = language.and_then(|language| language.base_url.as_ref());
        let has_folder = own_base.is_none()
            && (self.has_folder_for_default || located.language != self.default_language)
            && self.languages.contains_key(&located.language);
        let base = own_base.unwrap_or(base);
        let prefix = if has_folder { located.language.as_str() } else { "" };
        let (date, dated_slug) = self.date(located, facts);
        let slug = facts.slug.clone().or_else(|| self.handed("slug", located)).or(dated_slug);
        let page = Page {
            title: facts.title.as_deref(),
            slug: slug.as_deref(),
            file: if located.is_bundle() { located.dirs.last().copied().unwrap_or_default() } else { located.stem },
            sections: self.sections_of(located, around),
            date,
            cleaning: self.cleaning,
            is_old,
        };
        let own = own_url(facts).or_else(|| self.handed("url", located));
        if let Some(own) = own {
            let own = if is_old { own } else { page.fill(&own)? };
            let prefix = if own.starts_with('/') { "" } else { prefix };
            let has_extension = own.rsplit('/').next().is_some_and(|name| name.contains('.'));
            return Ok(joined(base, prefix, &own, if has_extension { "" } else { "/" }));
        }
        let folder = |dirs: &[&str]| self.folder(dirs, &located.language, era);
        if located.is_section() {
            return self.section_url(is_old, base, prefix, located, &page, &folder(&located.dirs));
        }
        let section = located.section_dirs().first().map_or("/", |section| section);
        let path = if let Some(pattern) = self.of_pages.get(&section.to_lowercase()) {
            page.fill(pattern)?
        } else {
            let name = slug.as_deref().map(|slug| self.cleaning.name(slug).trim_matches('/').to_owned());
            let name = name.unwrap_or_else(|| self.cleaning.path(page.file, is_old));
            format!("{}/{name}", folder(located.section_dirs()))
        };
        let end = if self.is_ugly(section) { ".html" } else { "/" };
        Ok(joined(base, prefix, path.trim_matches('/'), end))
    }

    fn section_url(
        &self,
        is_old: bool,
        base: &Url,
        prefix: &str,
        located: &Located<'_>,
        page: &Page<'_>,
        folder: &str,
    ) -> Result<Option<Url>, String> {
        let Some(first) = located.dirs.first() else {
            let end = if !is_old && matches!(self.ugly, Ugly::All(true)) { "/index.html" } else { "/" };
            return Ok(joined(base, prefix, "", end));
        };
        let pattern = self.of_sections.get(&first.to_lowercase());
        let path = match pattern {
            Some(pattern) => page.fill(pattern)?,
            None => folder.to_owned(),
        };
        let is_term = self.taxonomies.contains(&first.to_lowercase()) && located.dirs.len() > 1;
        let end = match (self.is_ugly(first), is_old || is_term) {
            (false, _) => "/",
            (true, true) => ".html",
            (true, false) => "/index.html",
        };
        Ok(joined(base, prefix, path.trim_matches('/'), end))
    }

    /// The path of a folder: its name, or in late versions the slug of its section.
    fn folder(&self, dirs: &[&str], language: &str, era: Era) -> String {
        let part = |at: usize| {
            let key = (dirs.get(..=at)?.join("/"), language.to_owned());
            let slug = self.sections.get(&key).and_then(|section| section.slug.as_ref());
            let own = || self.cleaning.path(dirs.get(at).copied().unwrap_or_default(), era.is_old);
            let slug = slug.filter(|_| era.has_section_slugs).map(|slug| self.cleaning.name(slug));
            Some(slug.unwrap_or_else(own))
        };
        (0..dirs.len()).filter_map(part).collect::<Vec<_>>().join("/")
    }

    /// The sections that a document is in: the folder of the first level, and those below it that have an `_index`.
    fn sections_of<'a>(&self, located: &Located<'a>, around: &dyn Around) -> Vec<&'a str> {
        let own = usize::from(located.is_bundle());
        let dirs = located.dirs.get(..located.dirs.len().saturating_sub(own)).unwrap_or_default();
        let is_asked =
            self.of_pages.values().chain(self.of_sections.values()).any(|pattern| pattern.contains(":sections"));
        if !is_asked {
            return dirs.iter().take(1).copied().collect();
        }
        let has_index = |end: usize| {
            let dir = dirs.get(..end).unwrap_or_default().join("/");
            self.files(&within(&dir, "_index"), &located.language).iter().any(|path| around.has(path))
        };
        let depth = (1..=dirs.len()).rev().find(|end| *end == 1 || has_index(*end)).unwrap_or(0);
        dirs.get(..depth).unwrap_or_default().to_vec()
    }

    fn is_ugly(&self, section: &str) -> bool {
        match &self.ugly {
            Ugly::All(on) => *on,
            Ugly::Sections(names) => names.contains(&section.to_lowercase()),
        }
    }

    /// A page's date, and the slug that a dated file's name gives it.
    #[allow(clippy::type_complexity, reason = "one place takes it apart")]
    fn date(&self, located: &Located<'_>, facts: &Facts) -> (Result<Option<(i16, u8, u8)>, String>, Option<String>) {
        let name = if located.is_bundle() { located.dirs.last().copied().unwrap_or_default() } else { located.stem };
        for key in &self.dates {
            if key == ":filename" {
                if let Some(Ok(date)) = name.get(..10).map(permalink::day) {
                    let rest = name.get(10..).unwrap_or_default().trim_start_matches(['-', '_', ' ']);
                    return (Ok(Some(date)), (!rest.is_empty()).then(|| rest.to_owned()));
                }
            } else if key.starts_with(':') {
                return (Err(format!("its date is `{key}`, which is not read")), None);
            } else if let Some((_, values)) = facts.keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
                let text = values.first().map(String::as_str).unwrap_or_default();
                return (permalink::day(text).map(Some), None);
            }
        }
        (Ok(None), None)
    }
}

impl Rules for Hugo {
    fn include(&self) -> Vec<String> {
        let extensions = EXTENSIONS.join(",");
        self.roots.iter().map(|root| within(&root.dir, &format!("**/*.{{{extensions}}}"))).collect()
    }

    fn depends_on_others(&self) -> bool {
        true
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let Some(located) = self.locate(path) else {
            return Placement { excluded: Some("not in the content folder".to_owned()), ..Placement::default() };
        };
        // Themes show the title of the front matter as the page's heading: so does every one that Hugo's documentation shows.
        let locale = (self.languages.len() > 1).then(|| located.language.clone());
        let mut placement = Placement { shows_title: true, locale, ..Placement::default() };
        if !EXTENSIONS.contains(&path.extension().as_str()) {
            return Placement { excluded: Some("no content".to_owned()), ..placement };
        }
        placement.excluded = self.excluded(path, &located, facts, around);
        let Some(base) = base else { return placement };
        match self.url(base, &located, facts, around) {
            Ok(url) => placement.url = url,
            Err(why) => placement.unknown = Some(why),
        }
        placement
    }

    fn locales(&self) -> Vec<String> {
        let published = self.languages.iter().filter(|(_, language)| !language.is_disabled).map(|(key, _)| key);
        let mut locales: Vec<String> = published.cloned().collect();
        locales.sort_by_key(|key| *key != self.default_language);
        if locales.len() > 1 { locales } else { Vec::new() }
    }

    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let is_file = link.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
        if is_file && !matches!(link.rsplit_once('.'), Some((_, "html" | "htm"))) {
            return Some(self.referred(from, link));
        }
        // What begins with the base url's path is followed as a browser does.
        let below_base = !self.base_path.is_empty()
            && super::below(&self.base_path, link.trim_start_matches('/')).is_some()
            && link.starts_with('/');
        if (self.resolves_links || link.starts_with('/')) && !below_base {
            return Some(self.referred(from, link));
        }
        Some(Vec::new())
    }

    fn links_from_urls(&self) -> bool {
        true
    }
}

/// Front matter or configuration with the keys of its maps in lower case, as Hugo reads them.
pub(crate) fn lowered(value: Value) -> Value {
    settings::lowered(value, 0)
}

/// The url of a page's own front matter. `permalink` is another generator's.
fn own_url(facts: &Facts) -> Option<String> {
    let is_foreign = facts.key("permalink").is_some_and(|permalink| Some(permalink) == facts.url.as_deref());
    facts.url.clone().filter(|_| !is_foreign || facts.key("url").is_some())
}

/// A path below a base url and a language's folder, with what is at its end.
fn joined(base: &Url, prefix: &str, path: &str, end: &str) -> Option<Url> {
    let parts: Vec<&str> = [prefix].into_iter().chain(path.split('/')).filter(|part| !part.is_empty()).collect();
    match end {
        "/" => join(base, parts.into_iter().chain([""])),
        "/index.html" => join(base, parts.into_iter().chain(["index.html"])),
        _ => {
            let (last, folders) = parts.split_last()?;
            join(base, folders.iter().copied().chain([format!("{last}{end}").as_str()]))
        }
    }
}

/// A path within a folder, either of which may be empty.
fn under(folder: &str, path: &str) -> String {
    if path.is_empty() { folder.to_owned() } else { within(folder, path) }
}

/// `typographer` has been a map with `disable` since Hugo 0.112, and a flag before.
fn is_typographic(typographer: &Value) -> bool {
    typographer.as_bool().unwrap_or(true) && !typographer["disable"].as_bool().unwrap_or(false)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests;
