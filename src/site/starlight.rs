//! Starlight, on Astro: files of `src/content/docs` become pages by their slugs, those of `src/pages` by their paths.
//!
//! Rules are those of Astro's `glob` loader (`github-slugger` for each part of a path) and of its `base`,
//! `trailingSlash` and `build.format`.

use std::collections::BTreeMap;

use url::Url;

use super::literal::{self, Literal};
use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, absolute, join};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a site of Starlight has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["astro.config.mjs", "astro.config.ts", "astro.config.js", "astro.config.mts"];

/// The extensions of documents. Of Markdoc (`mdoc`) only the Markdown in it is understood.
const EXTENSIONS: &[&str] = &["md", "mdx", "mdoc", "markdown", "mdown", "mkdn", "mkd", "mdwn"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct Starlight {
    /// The folder of the configuration, from the source's root; empty for the root itself.
    pub(crate) folder: String,
    /// The folder of sources, from the source's root: `src`.
    source: String,
    format: Format,
    /// Whether urls end in a slash.
    slash: bool,
    /// Languages by their folders, `root` for that without one.
    locales: BTreeMap<String, String>,
    /// What of this decides urls and is code.
    unknown: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Directory,
    File,
    Preserve,
}

impl Starlight {
    /// Reads the configuration in a folder.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let mut value = None;
        for sign in SIGNS {
            let path = resolve(folder, sign).unwrap_or_default();
            value = literal::read(tree, &path)
                .map_err(|error| Failure::new("site", format!("`{path}` cannot be read: {error}")))?;
            if value.is_some() {
                break;
            }
        }
        let value = value.unwrap_or(Literal::Object([].into()));
        let (mut notices, mut unknown) = (Vec::new(), None);
        if value.is_code() && value.entries().is_empty() {
            let message = "the configuration of Astro is a program whose result cannot be read; say `site.settings` with \
                           `site`, `base`, `trailingSlash` and `build.format` where they are set";
            notices.push(message.to_owned());
        }
        let mut said = |key: &str| {
            if let Some(set) = options.settings.get(key) {
                return Some(set.clone());
            }
            let value = value.at(key)?;
            if value.is_code() {
                let message = format!("`{key}` of the Astro configuration is code and is not run");
                notices.push(format!("{message}; say it as `site.settings.{key}`"));
                if matches!(key, "trailingSlash" | "build.format") {
                    unknown = Some(format!("{message}: say it as `site.settings.{key}`"));
                }
            }
            value.text().map(str::to_owned)
        };
        let host = said("site").and_then(|host| absolute(&host));
        let base = said("base").unwrap_or_default();
        let is_base_code = value.at("base").is_some_and(Literal::is_code) && !options.settings.contains_key("base");
        let format = match said("build.format").as_deref() {
            Some("file") => Format::File,
            Some("preserve") => Format::Preserve,
            _ => Format::Directory,
        };
        let slash = said("trailingSlash").as_deref() != Some("never");
        let source = said("srcDir").unwrap_or_else(|| "src".to_owned());
        let starlight = value.at("integrations").map(Literal::list).unwrap_or_default().iter();
        let starlight =
            starlight.into_iter().find(|call| matches!(call, Literal::Call(name, _) if name == "starlight"));
        let locales = locales(starlight);
        let base_url = host
            .filter(|_| !is_base_code)
            .and_then(|host| join(&host, base.split('/').filter(|part| !part.is_empty()).chain([""])));
        let rules = Self {
            folder: folder.to_owned(),
            source: resolve(folder, &source).unwrap_or_else(|| "src".to_owned()),
            format,
            slash,
            locales,
            unknown,
        };
        Ok(Opened { rules, base_url, notices })
    }

    /// A path below `src/content/docs`, or below `src/pages` with no slug of its own.
    fn below<'p>(&self, path: &'p str) -> Option<(&'p str, bool)> {
        let source =
            if self.source.is_empty() { Some(path) } else { path.strip_prefix(&self.source)?.strip_prefix('/') }?;
        let docs = source.strip_prefix("content/docs/").map(|below| (below, true));
        docs.or_else(|| source.strip_prefix("pages/").map(|below| (below, false)))
    }
}

impl Rules for Starlight {
    fn locales(&self) -> Vec<String> {
        if self.locales.len() > 1 { self.locales.values().cloned().collect() } else { Vec::new() }
    }

    fn include(&self) -> Vec<String> {
        let slash = if self.source.is_empty() { "" } else { "/" };
        let extensions = EXTENSIONS.join(",");
        let source = &self.source;
        vec![
            format!("{source}{slash}content/docs/**/*.{{{extensions}}}"),
            format!("{source}{slash}pages/**/*.{{md,mdx}}"),
        ]
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, _: &dyn Around) -> Placement {
        let excluded = |reason: &str| Placement { excluded: Some(reason.to_owned()), ..Placement::default() };
        let Some((below, is_content)) = self.below(path.as_str()) else {
            return excluded("neither below `src/content/docs` nor below `src/pages`");
        };
        let hidden = below.split('/').any(|part| part.starts_with('_'));
        if path.file_name().starts_with('_') || (hidden && !is_content) {
            return excluded("a name that begins with `_` is no page");
        }
        if path.stem() == "404" {
            return excluded("the page for what is not there");
        }
        if !is_content && below.contains('[') {
            return excluded("a dynamic route: its pages are what its program computes");
        }
        let stem = below.rsplit_once('.').map_or(below, |(stem, _)| stem);
        let is_index = stem == "index" || stem.ends_with("/index");
        let slug = match facts.slug.as_deref().filter(|_| is_content) {
            Some(slug) => slug.trim_matches('/').to_owned(),
            None if is_content => stem.split('/').map(slugged).collect::<Vec<_>>().join("/"),
            None => stem.to_owned(),
        };
        let slug = match slug.strip_suffix("index") {
            Some(rest) if rest.is_empty() || rest.ends_with('/') => rest.trim_end_matches('/').to_owned(),
            _ => slug,
        };
        let first = slug.split('/').next().unwrap_or_default();
        let tag = self.locales.get(first).or_else(|| self.locales.get("root"));
        let locale = tag.filter(|_| self.locales.len() > 1).cloned();
        let mut placement = Placement { shows_title: is_content, locale, ..Placement::default() };
        if self.unknown.is_some() {
            placement.unknown.clone_from(&self.unknown);
            return placement;
        }
        let has_extension = match self.format {
            Format::Directory => false,
            Format::File => !slug.is_empty(),
            Format::Preserve => !is_index,
        };
        let whole = match (has_extension, self.slash) {
            _ if slug.is_empty() => String::new(),
            (true, _) => format!("{slug}.html"),
            (false, true) => format!("{slug}/"),
            (false, false) => slug,
        };
        placement.url = base.and_then(|base| join(base, whole.split('/')));
        placement
    }

    /// Links are urls, from where the page is published; those to files are resolved by plugins, from the file.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let is_file = EXTENSIONS.iter().any(|end| link.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')));
        if !is_file {
            return Some(Vec::new());
        }
        let target = if link.starts_with('/') {
            resolve(&self.source, &format!("content/docs{link}"))
        } else {
            resolve(from.dir(), link)
        };
        Some(target.into_iter().collect())
    }

    /// Files of `public/` keep their names; others get one with a hash in it.
    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        let public = resolve(&self.folder, "public")?;
        join(base, path.strip_prefix(&public)?.strip_prefix('/')?.split('/'))
    }
}

fn locales(starlight: Option<&Literal>) -> BTreeMap<String, String> {
    let listed = starlight.and_then(|options| options.entry("locales")).map(Literal::entries).unwrap_or_default();
    let tag = |key: &str, locale: &Literal| {
        let tag = locale.entry("lang").and_then(Literal::text).unwrap_or(key);
        (key.to_owned(), tag.to_owned())
    };
    listed.iter().map(|(key, locale)| tag(key, locale)).collect()
}

/// A part of a path as `github-slugger` writes it.
fn slugged(part: &str) -> String {
    let kept = part.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii() => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Alone, Generator, Site, UrlStyle};

    struct Config(String);

    impl Tree for Config {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
            Ok((path == "astro.config.mjs").then(|| self.0.clone().into_bytes()))
        }
        fn list(&self, _: &str) -> Vec<String> {
            Vec::new()
        }
        fn exists(&self, path: &str) -> bool {
            path == "astro.config.mjs"
        }
    }

    fn place(config: &str, path: &str, facts: &Facts) -> Placement {
        let options = SiteOptions {
            generator: Generator::Auto,
            base_url: None,
            urls: UrlStyle::Directory,
            settings: BTreeMap::new(),
        };
        let config = format!("export default defineConfig({{ site: 'https://x.example', {config} }})");
        let site = Site::open(options, &Config(config)).unwrap();
        site.place(&DocPath::new(format!("src/{path}")), facts, &Alone)
    }

    fn url(config: &str, path: &str, facts: &Facts) -> String {
        let placement = place(config, path, facts);
        let reason = placement.excluded.or(placement.unknown);
        let url = placement.url.map_or_else(|| "none".to_owned(), String::from);
        reason.unwrap_or_else(|| url.replace("https://x.example/", "~"))
    }

    #[test]
    fn urls_are_slugs_below_the_base() {
        for (config, path, expected) in [
            ("", "content/docs/index.mdx", "~"),
            ("", "content/docs/Guides/My Page v1.2.md", "~guides/my-page-v12/"),
            ("", "content/docs/guides/index.md", "~guides/"),
            ("", "content/docs/guides/README.md", "~guides/readme/"),
            ("base: '/docs'", "content/docs/a.md", "~docs/a/"),
            ("trailingSlash: 'never'", "content/docs/a.md", "~a"),
            ("build: { format: 'file' }", "content/docs/a/b.md", "~a/b.html"),
            ("build: { format: 'preserve' }", "content/docs/a/index.md", "~a/"),
            ("", "content/docs/_x.md", "a name that begins with `_` is no page"),
            ("", "content/docs/404.md", "the page for what is not there"),
            ("", "pages/About.md", "~About/"),
            ("", "content/blog/a.md", "neither below `src/content/docs` nor below `src/pages`"),
        ] {
            assert_eq!(url(config, path, &Facts::default()), expected, "{config} {path}");
        }
        let facts = Facts { slug: Some("other/place".into()), ..Facts::default() };
        assert_eq!(url("", "content/docs/a.md", &facts), "~other/place/");
    }

    #[test]
    fn code_that_decides_urls_leaves_them_out() {
        assert!(url("trailingSlash: slash()", "content/docs/a.md", &Facts::default()).contains("is code"));
        assert_eq!(url("base: process.env.BASE", "content/docs/a.md", &Facts::default()), "none");
    }

    #[test]
    fn languages_are_folders() {
        let config = "integrations: [starlight({ title: 'x', locales: { root: { label: 'E', lang: 'en' }, fr: { label: 'F' } } })]";
        let locale = |path| place(config, path, &Facts::default()).locale;
        assert_eq!(locale("content/docs/fr/a.md").as_deref(), Some("fr"));
        assert_eq!(locale("content/docs/a.md").as_deref(), Some("en"));
        assert!(place(config, "content/docs/a.md", &Facts::default()).shows_title);
    }
}
