//! `VitePress`: files below `srcDir` become pages by `rewrites` and `cleanUrls`, as its guide to routing says.
//!
//! The configuration is a module; what is literal in it is read, the rest is named in a notice and can be said in
//! `site.settings` by the same keys.

mod rewrite;

use std::collections::BTreeMap;

use url::Url;

use self::rewrite::Rewrite;
use super::literal::{self, Literal};
use super::micromatch::Patterns;
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, absolute, join};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of VitePress has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &[
    ".vitepress/config.js",
    ".vitepress/config.ts",
    ".vitepress/config.mjs",
    ".vitepress/config.mts",
    ".vitepress/config/index.ts",
    ".vitepress/config/index.js",
    ".vitepress/config/index.mts",
    ".vitepress/config/index.mjs",
];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct VitePress {
    /// The folder of the documents, from the source's root.
    pub(crate) source: String,
    /// Titles of containers that have none of their own, by language (`root` for the site's own) and kind.
    pub(crate) labels: BTreeMap<String, BTreeMap<String, String>>,
    base: String,
    clean_urls: bool,
    excludes: Patterns,
    /// `None`: a program decides.
    rewrites: Option<Vec<Rewrite>>,
    /// Languages by the folder that they are published in, with their tags.
    locales: BTreeMap<String, String>,
}

/// What is read of the configuration, with what could not be.
struct Configuration<'a> {
    value: Literal,
    settings: &'a BTreeMap<String, String>,
    notices: Vec<String>,
}

impl Configuration<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        if let Some(set) = self.settings.get(key) {
            return Some(set.clone());
        }
        let value = self.value.at(key)?;
        if value.is_code() {
            self.notices.push(unread(key));
        }
        value.text().map(str::to_owned)
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        if let Some(set) = self.settings.get(key) {
            return Some(set == "true");
        }
        let value = self.value.at(key)?;
        if value.is_code() {
            self.notices.push(unread(key));
        }
        value.flag()
    }
}

impl VitePress {
    /// Reads the configuration in a folder.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let within = |file: &str| resolve(folder, file).unwrap_or_default();
        let mut value = None;
        for sign in SIGNS {
            let path = within(sign);
            value = literal::read(tree, &path)
                .map_err(|error| Failure::new("site", format!("`{path}` cannot be read: {error}")))?;
            if value.is_some() {
                break;
            }
        }
        let mut from = Configuration {
            value: value.unwrap_or(Literal::Object([].into())),
            settings: &options.settings,
            notices: Vec::new(),
        };
        if from.value.entries().is_empty() && from.value.is_code() {
            from.notices.push(
                "the configuration of VitePress is a program whose result cannot be read; say `site.settings.base`, \
                 `cleanUrls`, `srcDir` and `rewrites.FROM` where they are set"
                    .to_owned(),
            );
        }
        let source = from.text("srcDir").unwrap_or_default();
        let source = resolve(folder, &source).unwrap_or_else(|| folder.to_owned());
        let base = format!("/{}/", from.text("base").unwrap_or_default().trim_matches('/')).replace("//", "/");
        let clean_urls = from.flag("cleanUrls").unwrap_or(false);
        let excludes = excludes(&mut from);
        let rewrites = rewrites(&mut from);
        let base_url = from.text("sitemap.hostname").and_then(|host| public_root(&host, &base));
        let rules = Self {
            source,
            labels: labels(&from.value),
            base,
            clean_urls,
            excludes,
            rewrites,
            locales: locales(&from.value),
        };
        Ok(Opened { rules, base_url, notices: from.notices })
    }

    /// The path of a document below `srcDir`.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.source.is_empty() { Some(path) } else { path.strip_prefix(&self.source)?.strip_prefix('/') }
    }

    fn rewritten(&self, path: &str) -> Option<String> {
        let rewrites = self.rewrites.as_ref()?;
        Some(rewrites.iter().find_map(|rewrite| rewrite.apply(path)).unwrap_or_else(|| path.to_owned()))
    }

    /// The folder of the language of a page, `root` for the site's own.
    fn locale_of(&self, published: &str) -> &str {
        let first = published.split('/').next().unwrap_or_default();
        self.locales.get_key_value(first).map_or("root", |(key, _)| key)
    }

    /// The title of a container of this kind that has none of its own.
    pub(crate) fn label(&self, path: &DocPath, kind: &str) -> Option<String> {
        let published = self.below(path.as_str()).and_then(|path| self.rewritten(path)).unwrap_or_default();
        let own = self.labels.get(self.locale_of(&published)).and_then(|labels| labels.get(kind));
        own.or_else(|| self.labels.get("")?.get(kind)).cloned()
    }

    fn excluded(&self, below: &str) -> Option<String> {
        if below.split('/').any(|part| part == "node_modules" || (part.starts_with('.') && part.len() > 1)) {
            return Some("in a folder that VitePress does not read".to_owned());
        }
        if self.excludes.matches(below) {
            return Some("matches `srcExclude`".to_owned());
        }
        if below.contains('[') && below.contains(']') {
            return Some("a dynamic route: its pages are what `paths` of the file beside it computes".to_owned());
        }
        None
    }
}

impl Rules for VitePress {
    fn locales(&self) -> Vec<String> {
        let tags = self.locales.values().filter(|tag| !tag.is_empty());
        if self.locales.len() > 1 { tags.cloned().collect() } else { Vec::new() }
    }

    fn include(&self) -> Vec<String> {
        let prefix = if self.source.is_empty() { String::new() } else { format!("{}/", self.source) };
        vec![format!("{prefix}**/*.md")]
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, _: &Facts, _: &dyn Around) -> Placement {
        let Some(below) = self.below(path.as_str()) else {
            return Placement { excluded: Some("not below `srcDir`".to_owned()), ..Placement::default() };
        };
        if let Some(reason) = self.excluded(below) {
            return Placement { excluded: Some(reason), ..Placement::default() };
        }
        let Some(published) = self.rewritten(below) else {
            let unknown = "`rewrites` is a program: say them as `site.settings.rewrites.FROM: TO`, or its base url";
            return Placement { unknown: Some(unknown.to_owned()), ..Placement::default() };
        };
        let key = self.locale_of(&published);
        let locale = self.locales.get(key).filter(|tag| !tag.is_empty()).cloned();
        let stem = published.strip_suffix(".md").unwrap_or(&published);
        let (folder, name) = stem.rsplit_once('/').map_or(("", stem), |(folder, name)| (folder, name));
        let name = match name {
            "index" => String::new(),
            name if self.clean_urls => name.to_owned(),
            name => format!("{name}.html"),
        };
        let parts = folder.split('/').filter(|part| !part.is_empty()).chain([name.as_str()]);
        Placement { url: base.and_then(|base| join(base, parts)), locale, ..Placement::default() }
    }

    /// Links count from where the page is published, says the guide to routing; an absolute one from `srcDir`.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let below = self.below(from.as_str())?;
        let published = self.rewritten(below).unwrap_or_else(|| below.to_owned());
        let (is_absolute, is_folder) = (link.starts_with('/'), link.ends_with('/') || link.is_empty());
        let link = link.strip_prefix(&*self.base).filter(|_| self.base.len() > 1).unwrap_or(link);
        let mut found = Vec::new();
        for start in [published.as_str(), below] {
            let folder = start.rsplit_once('/').map_or("", |(folder, _)| folder);
            let Some(target) = resolve(if is_absolute { "" } else { folder }, link) else { continue };
            let stem = target.strip_suffix(".html").or_else(|| target.strip_suffix(".md")).unwrap_or(&target);
            let index = if stem.is_empty() { "index.md".to_owned() } else { format!("{stem}/index.md") };
            let page = format!("{stem}.md");
            let files = if is_folder || stem.is_empty() { [index, page] } else { [page, index] };
            for file in files {
                let undone = self.rewrites.iter().flatten().filter_map(|rewrite| rewrite.undo(&file));
                found.extend(undone.chain([file.clone()]));
            }
            if is_absolute {
                break;
            }
        }
        let prefix = if self.source.is_empty() { String::new() } else { format!("{}/", self.source) };
        Some(found.into_iter().map(|file| format!("{prefix}{file}")).collect())
    }

    /// Files of `public/` keep their names; others get one with a hash in it.
    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        let below = self.below(path)?;
        join(base, below.strip_prefix("public/")?.split('/'))
    }
}

fn unread(key: &str) -> String {
    format!("`{key}` of the VitePress configuration is code and is not run; say it as `site.settings.{key}`")
}

/// The public root: the sitemap's host, with `base` unless it names it already.
fn public_root(host: &str, base: &str) -> Option<Url> {
    let mut url = absolute(host)?;
    if url.path() == "/" && base != "/" {
        url.set_path(base);
    }
    Some(url)
}

fn excludes(from: &mut Configuration<'_>) -> Patterns {
    if let Some(set) = from.settings.get("srcExclude") {
        return Patterns::new(set.split(',').map(str::trim));
    }
    let members = from.value.at("srcExclude").cloned().unwrap_or(Literal::Null);
    if members.is_code() || members.list().iter().any(Literal::is_code) {
        from.notices.push(unread("srcExclude"));
    }
    Patterns::new(members.list().iter().filter_map(Literal::text))
}

fn rewrites(from: &mut Configuration<'_>) -> Option<Vec<Rewrite>> {
    let set =
        from.settings.iter().filter_map(|(key, to)| Some((key.strip_prefix("rewrites.")?.to_owned(), to.clone())));
    let mut pairs: Vec<(String, String)> = set.collect();
    if pairs.is_empty() {
        let value = from.value.at("rewrites").cloned().unwrap_or(Literal::Null);
        let is_unread = |(key, value): &(String, Literal)| key == "..." || value.text().is_none();
        if value.is_code() || value.entries().iter().any(is_unread) {
            from.notices.push(
                "`rewrites` of the VitePress configuration is code and is not run; no page has a url until they are said \
                 as `site.settings.rewrites.FROM: TO`"
                    .to_owned(),
            );
            return None;
        }
        pairs = value.entries().iter().filter_map(|(from, to)| Some((from.clone(), to.text()?.to_owned()))).collect();
    }
    let mut rewrites = Vec::new();
    for (pattern, to) in pairs {
        let Some(rewrite) = Rewrite::new(&pattern, &to) else {
            from.notices.push(format!("`rewrites`: `{pattern}` is no pattern that can be read; no page has a url"));
            return None;
        };
        rewrites.push(rewrite);
    }
    Some(rewrites)
}

fn locales(value: &Literal) -> BTreeMap<String, String> {
    let mut locales = BTreeMap::new();
    let own = value.at("lang").and_then(Literal::text).unwrap_or_default();
    locales.insert("root".to_owned(), own.to_owned());
    for (key, locale) in value.at("locales").map(Literal::entries).unwrap_or_default() {
        let tag = locale.at("lang").and_then(Literal::text).unwrap_or(if key == "root" { own } else { key });
        locales.insert(key.trim_matches('/').to_owned(), tag.to_owned());
    }
    locales
}

/// Titles of containers, from `markdown.container` of the site (under an empty name) and of each language.
fn labels(value: &Literal) -> BTreeMap<String, BTreeMap<String, String>> {
    let read = |container: Option<&Literal>| {
        let mut labels = BTreeMap::new();
        for (key, title) in container.map(Literal::entries).unwrap_or_default() {
            if let (Some(kind), Some(title)) = (key.strip_suffix("Label"), title.text()) {
                labels.insert(kind.to_owned(), title.to_owned());
            }
        }
        for (kind, title) in
            container.and_then(|c| c.entry("customContainers")).map(Literal::entries).unwrap_or_default()
        {
            labels.extend(title.text().map(|title| (kind.clone(), title.to_owned())));
        }
        labels
    };
    let mut all = BTreeMap::from([(String::new(), read(value.at("markdown.container")))]);
    for (key, locale) in value.at("locales").map(Literal::entries).unwrap_or_default() {
        all.insert(key.trim_matches('/').to_owned(), read(locale.at("markdown.container")));
    }
    all
}

#[cfg(test)]
mod tests;
