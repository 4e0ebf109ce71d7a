//! Reads `docusaurus.config.*` and `versions.json`.

use super::{Docusaurus, Folder, Format, Kind, Part, SIGNS, Settings};
use crate::page::{Failure, resolve};
use crate::site::literal::{self, Literal};
use crate::site::micromatch::Patterns;
use crate::site::{Opened, SiteOptions, Tree, absolute, join};

/// What Docusaurus leaves out unless it is told otherwise.
const EXCLUDES: &[&str] = &["**/_*.{js,jsx,ts,tsx,md,mdx}", "**/_*/**", "**/*.test.{js,jsx,ts,tsx}", "**/__tests__/**"];

/// The configuration, with what could not be read of it.
struct Reader<'a> {
    folder: &'a str,
    tree: &'a dyn Tree,
    settings: &'a Settings,
    value: Literal,
    notices: Vec<String>,
    locales: Vec<String>,
    default_locale: String,
}

/// An option: said, not said, or said in code.
enum Said {
    Text(String),
    Nothing,
    Code,
}

impl Docusaurus {
    /// Reads the configuration in a folder.
    pub(in crate::site) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let mut value = None;
        for sign in SIGNS {
            let path = resolve(folder, sign).unwrap_or_default();
            value = literal::read(tree, &path)
                .map_err(|error| Failure::new("site", format!("`{path}` cannot be read: {error}")))?;
            if value.is_some() {
                break;
            }
        }
        let mut reader = Reader {
            folder,
            tree,
            settings: &options.settings,
            value: value.unwrap_or(Literal::Object([].into())),
            notices: Vec::new(),
            locales: Vec::new(),
            default_locale: "en".to_owned(),
        };
        if reader.value.entries().is_empty() {
            reader.notices.push(
                "the configuration of Docusaurus is a program whose result cannot be read; its defaults are taken: say \
                 `site.settings` with `url`, `baseUrl`, `trailingSlash`, `docs.path`, `docs.routeBasePath`, `blog.path` \
                 and `blog.routeBasePath` where they differ"
                    .to_owned(),
            );
        }
        reader.languages();
        let base_url = reader.base_url();
        let trailing_slash = match reader.option("trailingSlash", "trailingSlash") {
            Said::Text(text) => text.parse().ok(),
            Said::Nothing | Said::Code => None,
        };
        let format = match reader.option("markdown.format", "markdown.format") {
            Said::Text(name) => Format::named(&name),
            Said::Nothing | Said::Code => None,
        };
        let format = format.unwrap_or(Format::Mdx);
        let emoji = reader.option("markdown.emoji", "markdown.emoji");
        let has_emoji = !matches!(emoji, Said::Text(flag) if flag == "false");
        let parts = reader.parts()?;
        let Reader { notices, locales, .. } = reader;
        let rules = Self { folder: folder.to_owned(), trailing_slash, format, has_emoji, locales, parts };
        Ok(Opened { rules, base_url, notices })
    }
}

impl Reader<'_> {
    /// An option of the whole site.
    fn option(&mut self, path: &str, key: &str) -> Said {
        let value = self.value.at(path).cloned();
        self.said(value.as_ref(), key)
    }

    fn said(&mut self, value: Option<&Literal>, key: &str) -> Said {
        if let Some(set) = self.settings.get(key) {
            return Said::Text(set.clone());
        }
        match value {
            None | Some(Literal::Null) => Said::Nothing,
            Some(Literal::Bool(flag)) => Said::Text(flag.to_string()),
            Some(value) => {
                if let Some(text) = value.text() {
                    return Said::Text(text.to_owned());
                }
                self.notices.push(format!(
                    "`{key}` of the Docusaurus configuration is code and is not run; say it as `site.settings.{key}`"
                ));
                Said::Code
            }
        }
    }

    fn languages(&mut self) {
        if let Said::Text(locale) = self.option("i18n.defaultLocale", "i18n.defaultLocale") {
            self.default_locale = locale;
        }
        let listed = self.value.at("i18n.locales").map(Literal::list).unwrap_or_default();
        self.locales = listed.iter().filter_map(Literal::text).map(str::to_owned).collect();
        if let Some(set) = self.settings.get("i18n.locales") {
            self.locales = set.split(',').map(|locale| locale.trim().to_owned()).collect();
        }
        if self.locales.is_empty() {
            self.locales.push(self.default_locale.clone());
        }
    }

    fn base_url(&mut self) -> Option<url::Url> {
        let host = match self.option("url", "url") {
            Said::Text(url) => absolute(&url)?,
            Said::Nothing | Said::Code => return None,
        };
        match self.option("baseUrl", "baseUrl") {
            Said::Text(base) => join(&host, base.split('/').filter(|part| !part.is_empty()).chain([""])),
            Said::Nothing => Some(host),
            Said::Code => None,
        }
    }

    fn parts(&mut self) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        let presets = self.value.at("presets").cloned().unwrap_or(Literal::Null);
        let mut has_classic = self.value.entries().is_empty();
        for preset in presets.list() {
            let (name, options) = named(preset);
            if name.as_deref().is_some_and(|name| name.contains("classic")) || options.entry("docs").is_some() {
                has_classic = true;
                self.preset(&options, &mut parts)?;
            } else if name.is_none() {
                self.notices.push("a preset of the Docusaurus configuration is code and is not run".to_owned());
            }
        }
        if parts.is_empty() && (has_classic || presets.is_code()) {
            self.preset(&Literal::Object([].into()), &mut parts)?;
        }
        let plugins = self.value.at("plugins").cloned().unwrap_or(Literal::Null);
        for plugin in plugins.list() {
            let (name, options) = named(plugin);
            let kind = match name.as_deref().map(|name| name.rsplit("plugin-").next().unwrap_or_default()) {
                Some("content-docs") => Kind::Docs,
                Some("content-blog") => Kind::Blog,
                Some("content-pages") => Kind::Pages,
                _ => continue,
            };
            self.part(kind, &options, &mut parts)?;
        }
        Ok(parts)
    }

    fn preset(&mut self, options: &Literal, parts: &mut Vec<Part>) -> Result<(), Failure> {
        for (kind, key) in [(Kind::Docs, "docs"), (Kind::Blog, "blog"), (Kind::Pages, "pages")] {
            let own = options.entry(key).cloned().unwrap_or(Literal::Object([].into()));
            let is_off = own.flag() == Some(false) || self.settings.get(key).is_some_and(|set| set == "false");
            if is_off {
                continue;
            }
            if own.is_code() {
                self.notices.push(format!(
                    "`{key}` of the Docusaurus configuration is code and is not run; say `site.settings.{key}.path` and \
                     `{key}.routeBasePath` where they differ from the defaults"
                ));
            }
            self.part(kind, &own, parts)?;
        }
        Ok(())
    }

    /// One instance of a plugin.
    fn part(&mut self, kind: Kind, options: &Literal, parts: &mut Vec<Part>) -> Result<(), Failure> {
        let (key, path, route) = match kind {
            Kind::Docs => ("docs", "docs", "docs"),
            Kind::Blog => ("blog", "blog", "blog"),
            Kind::Pages => ("pages", "src/pages", "/"),
        };
        let id = options.entry("id").and_then(Literal::text).unwrap_or("default").to_owned();
        // A second instance is named in settings by its own id.
        let prefix = if id == "default" { key.to_owned() } else { format!("{key}.{id}") };
        let path = match self.said(options.entry("path"), &format!("{prefix}.path")) {
            Said::Text(path) => path,
            Said::Nothing => path.to_owned(),
            Said::Code => return Ok(()),
        };
        let route = match self.said(options.entry("routeBasePath"), &format!("{prefix}.routeBasePath")) {
            Said::Text(route) => Some(route),
            Said::Nothing => Some(route.to_owned()),
            Said::Code => None,
        };
        let prefixes = self.said(options.entry("numberPrefixParser"), &format!("{prefix}.numberPrefixParser"));
        let mut folders = match kind {
            Kind::Docs => self.versions(&id, &prefix, &path, route.as_deref(), options)?,
            Kind::Blog | Kind::Pages => vec![Folder {
                path: resolve(self.folder, &path).unwrap_or_default(),
                route: route.clone(),
                locale: self.default_locale.clone(),
                version: None,
                is_latest: None,
                original: None,
                excluded: None,
            }],
        };
        self.translate(key, &id, &mut folders);
        let excludes = match options.entry("exclude") {
            Some(exclude) if !exclude.is_code() => Patterns::new(exclude.list().iter().filter_map(Literal::text)),
            _ => Patterns::new(EXCLUDES.iter().copied()),
        };
        let includes = options.entry("include").filter(|include| !include.is_code());
        let includes = includes.map(|include| Patterns::new(include.list().iter().filter_map(Literal::text)));
        let has_number_prefixes = !matches!(prefixes, Said::Text(text) if text == "false");
        parts.push(Part { kind, folders, includes, excludes, has_number_prefixes });
        Ok(())
    }

    /// The versions of an instance of the docs: the current one, and those that `versions.json` lists.
    fn versions(
        &mut self,
        id: &str,
        prefix: &str,
        path: &str,
        route: Option<&str>,
        options: &Literal,
    ) -> Result<Vec<Folder>, Failure> {
        let own = if id == "default" { String::new() } else { format!("{id}_") };
        let file = resolve(self.folder, &format!("{own}versions.json")).unwrap_or_default();
        let listed = literal::read(self.tree, &file)
            .map_err(|error| Failure::new("site", format!("`{file}` cannot be read: {error}")))?;
        let is_off = matches!(self.said(options.entry("disableVersioning"), &format!("{prefix}.disableVersioning")),
            Said::Text(text) if text == "true");
        let mut names: Vec<String> =
            listed.iter().flat_map(Literal::list).filter_map(Literal::text).map(str::to_owned).collect();
        if is_off {
            names.clear();
        }
        let current = self.said(options.entry("includeCurrentVersion"), &format!("{prefix}.includeCurrentVersion"));
        let has_current = !matches!(current, Said::Text(text) if text == "false");
        let default = names.first().cloned().unwrap_or_else(|| "current".to_owned());
        let newest = match self.said(options.entry("lastVersion"), &format!("{prefix}.lastVersion")) {
            Said::Text(name) => Some(name),
            Said::Nothing => Some(default),
            Said::Code => None,
        };
        let only: Vec<&str> = options
            .entry("onlyIncludeVersions")
            .map(Literal::list)
            .unwrap_or_default()
            .iter()
            .filter_map(Literal::text)
            .collect();
        let has_versions = !names.is_empty();
        names.insert(0, "current".to_owned());
        let mut folders = Vec::new();
        for name in names {
            let version = options.entry("versions").and_then(|versions| versions.entry(&name));
            let said = |key: &str| version.and_then(|version| version.entry(key)).cloned();
            let own_path = self.said(said("path").as_ref(), &format!("{prefix}.versions.{name}.path"));
            let own_path = match own_path {
                Said::Text(path) => Some(path),
                Said::Code => None,
                Said::Nothing => newest.as_ref().map(|newest| match name.as_str() {
                    name if name == newest => String::new(),
                    "current" => "next".to_owned(),
                    name => name.to_owned(),
                }),
            };
            let label = match self.said(said("label").as_ref(), &format!("{prefix}.versions.{name}.label")) {
                Said::Text(label) => label,
                Said::Nothing | Said::Code if name == "current" => "Next".to_owned(),
                Said::Nothing | Said::Code => name.clone(),
            };
            let folder =
                if name == "current" { path.to_owned() } else { format!("{own}versioned_docs/version-{name}") };
            let is_left_out =
                (name == "current" && !has_current) || (!only.is_empty() && !only.contains(&name.as_str()));
            folders.push(Folder {
                path: resolve(self.folder, &folder).unwrap_or_default(),
                route: route.zip(own_path).map(|(route, own)| format!("{route}/{own}")),
                locale: self.default_locale.clone(),
                version: has_versions.then_some(label),
                is_latest: newest.as_ref().map(|newest| *newest == name),
                original: None,
                excluded: is_left_out.then(|| format!("version `{name}` is not published")),
            });
        }
        Ok(folders)
    }

    /// Adds the folders of translations, `i18n/LOCALE/docusaurus-plugin-content-docs/current`.
    fn translate(&self, key: &str, id: &str, folders: &mut Vec<Folder>) {
        let plugin = if id == "default" { String::new() } else { format!("-{id}") };
        let count = folders.len();
        let i18n = self.value.at("i18n.path").and_then(Literal::text).unwrap_or("i18n");
        let configs = self.value.at("i18n.localeConfigs");
        for locale in self.locales.iter().filter(|locale| **locale != self.default_locale) {
            let config = configs.and_then(|configs| configs.entry(locale));
            let own = config.and_then(|config| config.entry("path")).and_then(Literal::text).unwrap_or(locale);
            for at in 0..count {
                let original = &folders[at];
                let name = match original.path.rsplit_once("versioned_docs/") {
                    Some((_, version)) => version,
                    None if key == "docs" => "current",
                    None => "",
                };
                let path = format!("{i18n}/{own}/docusaurus-plugin-content-{key}{plugin}/{name}");
                let translated = Folder {
                    path: resolve(self.folder, &path).unwrap_or_default(),
                    route: original.route.as_ref().map(|route| format!("{locale}/{route}")),
                    locale: locale.clone(),
                    version: original.version.clone(),
                    is_latest: original.is_latest,
                    original: Some(original.path.clone()),
                    excluded: original.excluded.clone(),
                };
                folders.push(translated);
            }
        }
    }
}

/// A preset or a plugin: its name, where it can be read, and its options.
fn named(value: &Literal) -> (Option<String>, Literal) {
    let name = |value: &Literal| match value {
        Literal::Text(text) => Some(text.to_string()),
        Literal::Call(_, arguments) => arguments.first().and_then(Literal::text).map(str::to_owned),
        _ => None,
    };
    match value {
        Literal::List(members) => {
            let options = members.get(1).cloned().unwrap_or(Literal::Object([].into()));
            (members.first().and_then(name), options)
        }
        value => (name(value), Literal::Object([].into())),
    }
}
