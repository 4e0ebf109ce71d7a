//! Docusaurus 2 and 3: docs (with instances and versions), blog and pages, each where its plugin publishes it.
//!
//! The configuration is a program: what is literal in it is read, the rest is named in a notice and can be said in
//! `site.settings` by the same keys (`baseUrl`, `docs.routeBasePath`, `blog.path`, …). Rules are those of the sources of
//! `@docusaurus/plugin-content-{docs,blog,pages}`.

mod read;
mod slug;

use std::collections::BTreeMap;

use url::Url;

use super::micromatch::Patterns;
use super::{Around, NamedVersion, Placement, Rules, join};
use crate::page::{DocPath, resolve};
use crate::render::Facts;

/// Files that only a site of Docusaurus has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] =
    &["docusaurus.config.js", "docusaurus.config.ts", "docusaurus.config.mjs", "docusaurus.config.cjs"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct Docusaurus {
    /// The folder of the configuration, from the source's root; empty for the root itself.
    pub(crate) folder: String,
    /// `None`: urls end as each plugin makes them.
    trailing_slash: Option<bool>,
    /// What `markdown.format` says that documents are written in.
    format: Format,
    /// Whether `:name:` is an emoji (`markdown.emoji`).
    pub(crate) has_emoji: bool,
    locales: Vec<String>,
    parts: Vec<Part>,
}

/// What a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// MDX, whatever its extension.
    Mdx,
    Markdown,
    /// MDX where the extension says so.
    Detect,
}

impl Format {
    fn named(name: &str) -> Option<Self> {
        match name {
            "mdx" => Some(Self::Mdx),
            "md" => Some(Self::Markdown),
            "detect" => Some(Self::Detect),
            _ => None,
        }
    }
}

/// One instance of a plugin.
#[derive(Debug)]
struct Part {
    kind: Kind,
    /// The folders of its documents, each with where it is published.
    folders: Vec<Folder>,
    /// `include`, where it is said.
    includes: Option<Patterns>,
    excludes: Patterns,
    has_number_prefixes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Docs,
    Blog,
    Pages,
}

/// A folder of documents: a version of the docs in a language.
#[derive(Debug)]
struct Folder {
    /// From the source's root.
    path: String,
    /// The path of the site's that its pages are below; `None`: what it is cannot be read.
    route: Option<String>,
    locale: String,
    version: Option<String>,
    /// Whether that is the last version; `None`: not known.
    is_latest: Option<bool>,
    /// The folder that this is a translation of: a translation alone is no page.
    original: Option<String>,
    /// Why its documents are no pages.
    excluded: Option<String>,
}

/// Where a document belongs.
struct Found<'a, 'p> {
    part: &'a Part,
    folder: &'a Folder,
    /// Its path within the folder.
    below: &'p str,
}

impl Docusaurus {
    /// Whether a document is read as MDX: `own` is `mdx.format` of its front matter.
    pub(crate) fn is_mdx(&self, path: &DocPath, own: Option<&str>) -> bool {
        match own.and_then(Format::named).unwrap_or(self.format) {
            Format::Mdx => true,
            Format::Markdown => false,
            Format::Detect => path.extension() == "mdx",
        }
    }

    /// The part with the deepest folder that a document is in.
    fn find<'p>(&self, path: &'p str) -> Option<Found<'_, 'p>> {
        let folders = self.parts.iter().flat_map(|part| part.folders.iter().map(move |folder| (part, folder)));
        let found =
            folders.filter_map(|(part, folder)| Some(Found { part, folder, below: below(path, &folder.path)? }));
        found.max_by_key(|found| found.folder.path.len())
    }

    /// A path of the site with the slash at its end that the configuration asks for.
    fn ended(&self, path: String) -> String {
        match self.trailing_slash {
            _ if path.is_empty() || path == "/" => path,
            None => path,
            Some(true) if path.ends_with('/') => path,
            Some(true) => path + "/",
            Some(false) => path.trim_end_matches('/').to_owned(),
        }
    }
}

impl Rules for Docusaurus {
    fn include(&self) -> Vec<String> {
        let folders = self.parts.iter().flat_map(|part| &part.folders);
        let mut patterns: Vec<String> = folders
            .map(|folder| {
                let slash = if folder.path.is_empty() { "" } else { "/" };
                format!("{}{slash}**/*.{{md,mdx}}", folder.path)
            })
            .collect();
        if patterns.is_empty() {
            patterns.push("**/*.{md,mdx}".to_owned());
        }
        patterns
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some(Found { part, folder, below }) = self.find(path.as_str()) else {
            return excluded("in no folder of docs, blog or pages");
        };
        if let Some(reason) = &folder.excluded {
            return excluded(reason);
        }
        if part.includes.as_ref().is_some_and(|includes| !includes.matches(below)) {
            return excluded("no match of `include`");
        }
        if part.excludes.matches(below) {
            return excluded("a partial, or matches `exclude`");
        }
        let original = folder.original.as_ref().map(|original| format!("{original}/{below}"));
        if original.is_some_and(|original| !around.has(&original)) {
            return excluded("a translation of a document that is not there");
        }
        let stem = below.rsplit_once('.').map_or(below, |(stem, _)| stem);
        let slug = match part.kind {
            Kind::Docs => {
                let has_prefixes = part.has_number_prefixes && facts.key("parse_number_prefixes") != Some("false");
                slug::document(stem, facts.id.as_deref(), facts.slug.as_deref(), has_prefixes)
            }
            Kind::Blog => slug::post(stem, facts.slug.as_deref()),
            Kind::Pages if facts.slug.is_some() => facts.slug.clone().unwrap_or_default(),
            Kind::Pages if stem == "index" => "/".to_owned(),
            Kind::Pages => {
                format!("/{}", stem.strip_suffix("/index").map_or(stem.to_owned(), |stem| format!("{stem}/")))
            }
        };
        let locale = (self.locales.len() > 1).then(|| folder.locale.clone());
        let (version, is_latest) = (folder.version.clone(), folder.is_latest);
        let mut placement = Placement { locale, version, is_latest, ..Placement::default() };
        if part.kind == Kind::Docs {
            // A document without title and first-level heading is named by its id, and shows that as its heading.
            let name = stem.rsplit('/').next().unwrap_or(stem);
            let name = if part.has_number_prefixes { slug::unprefixed(name) } else { name };
            let label = facts.title.as_deref().map(|own| facts.key("sidebar_label").unwrap_or(own));
            placement.is_titled_by_site = label.is_none();
            placement.title = label.or(facts.id.as_deref()).or(Some(name)).map(str::to_owned);
        }
        let Some(route) = &folder.route else {
            let unknown = "its `routeBasePath` or `path` is code; say it in `site.settings`";
            placement.unknown = Some(unknown.to_owned());
            return placement;
        };
        let whole = format!("{route}/{slug}");
        let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty()).collect();
        let slash = if whole.ends_with('/') && !parts.is_empty() { "/" } else { "" };
        let whole = self.ended(format!("{}{slash}", parts.join("/")));
        placement.url = base.and_then(|base| join(base, whole.split('/')));
        placement
    }

    fn depends_on_others(&self) -> bool {
        self.locales.len() > 1
    }

    fn locales(&self) -> Vec<String> {
        if self.locales.len() > 1 { self.locales.clone() } else { Vec::new() }
    }

    fn versions(&self) -> Vec<NamedVersion> {
        let mut versions: Vec<NamedVersion> = Vec::new();
        let folders = self.parts.iter().flat_map(|part| &part.folders);
        for folder in folders.filter(|folder| folder.excluded.is_none()) {
            let Some(label) = folder.version.clone() else { continue };
            let version = NamedVersion { label, is_latest: folder.is_latest };
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        versions
    }

    /// Links to files count from the document, from the folder of its version, or from the site's; all others are urls.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        if ![".md", ".mdx"].iter().any(|end| link.ends_with(end)) {
            return Some(Vec::new());
        }
        if let Some(rest) = link.strip_prefix("@site/") {
            return Some(resolve(&self.folder, rest).into_iter().collect());
        }
        let found = self.find(from.as_str());
        let mut files = Vec::new();
        if link.starts_with('/') {
            if let Some(found) = &found {
                files.extend(resolve(&found.folder.path, link));
                files.extend(found.folder.original.as_ref().and_then(|original| resolve(original, link)));
            }
            files.extend(resolve(&self.folder, link));
        } else {
            files.extend(resolve(from.dir(), link));
            // A translation may link to what is not translated; and a path may count from the root of its version.
            if let Some(found) = &found {
                let folder = found.below.rsplit_once('/').map_or("", |(folder, _)| folder);
                let original = found.folder.original.as_ref();
                files.extend(original.and_then(|original| resolve(&format!("{original}/{folder}"), link)));
                files.extend(resolve(&found.folder.path, link));
            }
        }
        Some(files)
    }

    /// Files of `static/` keep their names; others get one with a hash in it.
    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, below(path, &resolve(&self.folder, "static")?)?.split('/'))
    }
}

/// A path below a folder.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

/// Settings by the keys of the configuration.
type Settings = BTreeMap<String, String>;

#[cfg(test)]
mod tests;
