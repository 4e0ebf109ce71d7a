//! Configurations of `VitePress` and where they put pages.

use super::*;
use crate::site::{Alone, Generator, Site, UrlStyle};

struct Config(String);

impl Tree for Config {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok((path == "docs/.vitepress/config.ts").then(|| self.0.clone().into_bytes()))
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn exists(&self, path: &str) -> bool {
        path == "docs/.vitepress/config.ts"
    }
}

fn site(config: &str, settings: &[(&str, &str)]) -> Site {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let options = SiteOptions { generator: Generator::Auto, base_url: None, urls: UrlStyle::Directory, settings };
    Site::open(options, &Config(format!("export default defineConfig({{{config}}})"))).unwrap()
}

fn url(site: &Site, path: &str) -> String {
    let placement = site.place(&DocPath::new(path), &Facts::default(), &Alone);
    let reason = placement.excluded.or(placement.unknown);
    reason.unwrap_or_else(|| placement.url.map_or_else(|| "none".to_owned(), String::from))
}

#[test]
fn urls_follow_the_configuration() {
    let host = "sitemap: { hostname: 'https://x.example' },";
    for (config, path, expected) in [
        ("", "docs/guide/a.md", "https://x.example/guide/a.html"),
        ("cleanUrls: true", "docs/guide/a.md", "https://x.example/guide/a"),
        ("cleanUrls: true", "docs/guide/index.md", "https://x.example/guide/"),
        ("", "docs/README.md", "https://x.example/README.html"),
        ("base: '/b/'", "docs/index.md", "https://x.example/b/"),
        ("base: '/b/', srcDir: './src'", "docs/src/a.md", "https://x.example/b/a.html"),
        ("rewrites: { 'en/:rest*': ':rest*' }", "docs/en/a/b.md", "https://x.example/a/b.html"),
        ("srcExclude: ['**/TODO.md']", "docs/a/TODO.md", "matches `srcExclude`"),
        ("srcDir: 'src'", "docs/a.md", "not below `srcDir`"),
        ("", "docs/.vitepress/x.md", "in a folder that VitePress does not read"),
        ("", "docs/a/[id].md", "a dynamic route: its pages are what `paths` of the file beside it computes"),
    ] {
        assert_eq!(url(&site(&format!("{host}{config}"), &[]), path), expected, "{config} {path}");
    }
}

#[test]
fn code_is_noticed_and_settings_say_it() {
    let config = "sitemap: { hostname: 'https://x.example' }, base: process.env.B, rewrites(id) { return id }";
    let read = site(config, &[]);
    assert!(read.notices().iter().any(|notice| notice.contains("`site.settings.base`")), "{:?}", read.notices());
    assert!(url(&read, "docs/a.md").contains("`rewrites` is a program"));
    let set = site(config, &[("base", "/b/"), ("rewrites.a.md", "c.md"), ("cleanUrls", "true")]);
    assert_eq!(url(&set, "docs/a.md"), "https://x.example/b/c");
    assert!(set.notices().is_empty());
}

#[test]
fn links_count_from_where_a_page_is_published() {
    let site = site("base: '/b/', rewrites: { 'en/:rest*': ':rest*' }", &[]);
    let first = |link| site.link(&DocPath::new("docs/en/guide/a.md"), link).unwrap().remove(0);
    assert_eq!(first("./b"), "docs/en/guide/b.md");
    assert_eq!(first("../ref/c.html"), "docs/en/ref/c.md");
    assert_eq!(first("/guide/"), "docs/en/guide/index.md");
    assert_eq!(first("/b/guide/x.md"), "docs/en/guide/x.md");
}

#[test]
fn languages_have_their_folders_and_titles() {
    let site = site(
        "markdown: { container: { tipLabel: 'Hint', customContainers: { win: 'WIN' } } }, locales: { root: { lang: 'en' }, \
         de: { lang: 'de-DE', markdown: { container: { tipLabel: 'Tipp' } } } }",
        &[],
    );
    let super::super::AnyRules::VitePress(rules) = &site.generator else { panic!("VitePress") };
    let label = |path: &str, kind: &str| rules.label(&DocPath::new(path), kind).unwrap_or_default();
    assert_eq!(label("docs/de/a.md", "tip"), "Tipp");
    assert_eq!(label("docs/a.md", "tip"), "Hint");
    assert_eq!(label("docs/de/a.md", "win"), "WIN");
    let placement = site.place(&DocPath::new("docs/de/a.md"), &Facts::default(), &Alone);
    assert_eq!(placement.locale.as_deref(), Some("de-DE"));
}
