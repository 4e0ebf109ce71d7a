//! Configurations of Docusaurus and where they put pages.

use super::*;
use crate::page::Failure;
use crate::site::{Generator, Site, SiteOptions, Tree, UrlStyle};

struct Files(Vec<(&'static str, String)>);

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| text.clone().into_bytes()))
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn exists(&self, path: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == path)
    }
}

struct Has(&'static [&'static str]);

impl Around for Has {
    fn has(&self, path: &str) -> bool {
        self.0.contains(&path)
    }
}

const CLASSIC: &str = "presets: [['classic', { docs: {}, blog: { routeBasePath: 'news' } }]],";

fn open(config: &str, versions: &[&str], settings: &[(&str, &str)]) -> Result<Site, Failure> {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let options = SiteOptions { generator: Generator::Auto, base_url: None, urls: UrlStyle::Directory, settings };
    let config = format!("module.exports = {{ url: 'https://x.example', baseUrl: '/b/', {config} }}");
    let mut files = vec![("website/docusaurus.config.js", config)];
    if !versions.is_empty() {
        files.push(("website/versions.json", format!("{versions:?}")));
    }
    Site::open(options, &Files(files))
}

fn url(site: &Site, path: &str, facts: &Facts) -> String {
    let around = Has(&["website/docs/a.md"]);
    let placement = site.place(&DocPath::new(format!("website/{path}")), facts, &around);
    let reason = placement.excluded.or(placement.unknown);
    let url = placement.url.map_or_else(|| "none".to_owned(), String::from);
    reason.unwrap_or_else(|| url.replace("https://x.example/b/", "~"))
}

#[test]
fn each_plugin_publishes_its_own() {
    let site = open(CLASSIC, &[], &[]).unwrap();
    for (path, expected) in [
        ("docs/intro.md", "~docs/intro"),
        ("docs/01-a/02-b.mdx", "~docs/a/b"),
        ("docs/a/index.md", "~docs/a/"),
        ("docs/index.md", "~docs/"),
        ("docs/_part.mdx", "a partial, or matches `exclude`"),
        ("docs/_parts/a.md", "a partial, or matches `exclude`"),
        ("blog/2021-08-26-hi/index.md", "~news/2021/08/26/hi"),
        ("src/pages/index.md", "~"),
        ("src/pages/about.md", "~about"),
        ("src/pages/a/index.md", "~a/"),
        ("README.md", "in no folder of docs, blog or pages"),
    ] {
        assert_eq!(url(&site, path, &Facts::default()), expected, "{path}");
    }
    let facts = Facts { slug: Some("/".into()), ..Facts::default() };
    assert_eq!(url(&site, "docs/intro.md", &facts), "~docs/");
}

#[test]
fn slashes_routes_and_instances_follow_the_configuration() {
    let without = open(&format!("{CLASSIC} trailingSlash: false"), &[], &[]).unwrap();
    assert_eq!(url(&without, "docs/a/index.md", &Facts::default()), "~docs/a");
    let with = open(&format!("{CLASSIC} trailingSlash: true"), &[], &[]).unwrap();
    assert_eq!(url(&with, "docs/a.md", &Facts::default()), "~docs/a/");
    let more = open(
        "presets: [['@docusaurus/preset-classic', { docs: { path: 'x', routeBasePath: '/' }, blog: false }]], plugins: \
         [['@docusaurus/plugin-content-docs', { id: 'api', path: 'api', routeBasePath: 'api', numberPrefixParser: false \
         }], [require.resolve('@docusaurus/plugin-content-blog'), { id: 'b', path: 'log', routeBasePath: 'log' }]]",
        &[],
        &[],
    )
    .unwrap();
    assert_eq!(url(&more, "x/a.md", &Facts::default()), "~a");
    assert_eq!(url(&more, "api/01-a.md", &Facts::default()), "~api/01-a");
    assert_eq!(url(&more, "log/hi.md", &Facts::default()), "~log/hi");
    assert_eq!(url(&more, "blog/hi.md", &Facts::default()), "in no folder of docs, blog or pages");
}

#[test]
fn versions_have_their_paths_and_labels() {
    let site = open(CLASSIC, &["2.0", "1.0"], &[]).unwrap();
    assert_eq!(url(&site, "docs/a.md", &Facts::default()), "~docs/next/a");
    assert_eq!(url(&site, "versioned_docs/version-2.0/a.md", &Facts::default()), "~docs/a");
    assert_eq!(url(&site, "versioned_docs/version-1.0/a.md", &Facts::default()), "~docs/1.0/a");
    let config = "presets: [['classic', { docs: { lastVersion: 'current', versions: { current: { label: '3', path: '3' \
                  } } } }]]";
    let site = open(config, &["2.0"], &[]).unwrap();
    assert_eq!(url(&site, "docs/a.md", &Facts::default()), "~docs/3/a");
    assert_eq!(url(&site, "versioned_docs/version-2.0/a.md", &Facts::default()), "~docs/2.0/a");
    let placement = site.place(&DocPath::new("website/docs/a.md"), &Facts::default(), &Has(&[]));
    assert_eq!(placement.version.as_deref(), Some("3"));
    let site = open("presets: [['classic', { docs: { includeCurrentVersion: false } }]]", &["2.0"], &[]).unwrap();
    assert_eq!(url(&site, "docs/a.md", &Facts::default()), "version `current` is not published");
}

#[test]
fn translations_are_pages_where_their_originals_are() {
    let site = open(&format!("{CLASSIC} i18n: {{ defaultLocale: 'en', locales: ['en', 'fr'] }}"), &[], &[]).unwrap();
    let folder = "i18n/fr/docusaurus-plugin-content-docs/current";
    assert_eq!(url(&site, &format!("{folder}/a.md"), &Facts::default()), "~fr/docs/a");
    assert!(url(&site, &format!("{folder}/b.md"), &Facts::default()).starts_with("a translation"));
}

#[test]
fn code_is_noticed_and_settings_say_it() {
    let config = "presets: [['classic', { docs: { routeBasePath: base() } }]]";
    let site = open(config, &[], &[]).unwrap();
    assert!(site.notices()[0].contains("`site.settings.docs.routeBasePath`"), "{:?}", site.notices());
    assert!(url(&site, "docs/a.md", &Facts::default()).contains("is code"));
    let site = open(config, &[], &[("docs.routeBasePath", "guide"), ("baseUrl", "/c/")]).unwrap();
    assert_eq!(url(&site, "docs/a.md", &Facts::default()), "https://x.example/c/guide/a");
}

#[test]
fn links_to_files_count_from_the_document_the_version_and_the_site() {
    let site = open(CLASSIC, &[], &[]).unwrap();
    let first = |link| site.link(&DocPath::new("website/docs/a/b.md"), link).unwrap().into_iter().next();
    assert_eq!(first("./c.md").as_deref(), Some("website/docs/a/c.md"));
    assert_eq!(first("/x/c.mdx").as_deref(), Some("website/docs/x/c.mdx"));
    assert_eq!(first("@site/docs/c.md").as_deref(), Some("website/docs/c.md"));
    assert_eq!(first("../c"), None);
}

#[test]
fn documents_are_mdx_by_the_configuration_and_their_own_front_matter() {
    let is_mdx = |config: &str, path: &str, own: Option<&str>| {
        let site = open(config, &[], &[]).unwrap();
        let crate::site::AnyRules::Docusaurus(rules) = &site.generator else { panic!("{site:?}") };
        rules.is_mdx(&DocPath::new(path), own)
    };
    assert!(is_mdx("", "docs/a.md", None));
    assert!(!is_mdx("", "docs/a.md", Some("md")));
    assert!(!is_mdx("markdown: { format: 'detect' }", "docs/a.md", None));
    assert!(is_mdx("markdown: { format: 'detect' }", "docs/a.mdx", None));
    assert!(is_mdx("markdown: { format: 'md' }", "docs/a.md", Some("mdx")));
}

#[test]
fn names_come_from_ids_and_pages_have_slugs_of_their_own() {
    let config = "presets: [['classic', { docs: { include: ['**/*.md'] } }]], i18n: { path: 'words', defaultLocale: 'en', \
                  locales: ['en', 'fr'], localeConfigs: { fr: { path: 'french' } } }";
    let site = open(config, &[], &[]).unwrap();
    assert_eq!(url(&site, "docs/a.mdx", &Facts::default()), "no match of `include`");
    assert_eq!(url(&site, "words/french/docusaurus-plugin-content-docs/current/a.md", &Facts::default()), "~fr/docs/a");
    let facts = Facts { slug: Some("/else".into()), ..Facts::default() };
    assert_eq!(url(&site, "src/pages/a.md", &facts), "~else");
    let facts = Facts { heading: Some("Of the second level".into()), ..Facts::default() };
    let placed = site.place(&DocPath::new("website/docs/01-a.md"), &facts, &Has(&[]));
    assert_eq!((placed.title.as_deref(), placed.is_titled_by_site), (Some("a"), true));
}
