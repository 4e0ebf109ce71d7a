//! Hugo: urls, exclusions and links, each by the configuration and the files that decide it.

use super::*;
use crate::site::tests::{MapTree, options};

const BASE: &str = "baseURL = 'https://d.example/x/'\n";

fn shown(files: &[(&str, &str)], path: &str, facts: &Facts) -> String {
    let tree = MapTree::new(files);
    let opened = Hugo::read("", &options(), &tree).unwrap();
    let placed = opened.rules.place(opened.base_url.as_ref(), &DocPath::new(path), facts, &tree);
    let url = placed.url.map(|url| url.as_str().trim_start_matches("https://d.example").to_owned());
    placed.excluded.or(url).or(placed.unknown).unwrap_or_default()
}

fn facts(title: &str, keys: &[(&str, &str)]) -> Facts {
    let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
    Facts { title: Some(title.to_owned()), keys, ..Facts::default() }
}

#[test]
fn urls_follow_paths_bundles_and_sections() {
    let files =
        [("hugo.toml", BASE), ("content/s/leaf/index.md", ""), ("content/s/leaf/more.md", ""), ("content/a.md", "")];
    for (path, expected) in [
        ("content/_index.md", "/x/"),
        ("content/Big Case/My Page.md", "/x/big-case/my-page/"),
        ("content/s/_index.md", "/x/s/"),
        ("content/s/leaf/index.md", "/x/s/leaf/"),
        ("content/s/leaf/more.md", "a resource of the bundle that it lies in"),
        ("content/s/leaf/deep/er.md", "a resource of the bundle that it lies in"),
        ("content/s/README.md", "/x/s/readme/"),
        ("content/s/a.en.md", "/x/s/a/"),
        ("content/s/a.fr.md", "/x/s/a.fr/"),
        ("content/s/.hid.md", "its name is that of a hidden file"),
        ("README.md", "not in the content folder"),
    ] {
        assert_eq!(shown(&files, path, &Facts::default()), expected, "{path}");
    }
}

#[test]
fn what_versions_do_otherwise_is_said_or_unknown() {
    let facts = Facts::default();
    let of = |more: &str, path: &str| shown(&[("hugo.toml", &format!("{BASE}{more}"))], path, &facts);
    let (old, new) = ("hugoVersion = '0.111'\n", "hugoVersion = '0.140.2'\n");
    assert!(of("", "content/a & b.md").contains("`site.settings.hugoVersion`"));
    assert_eq!(of(old, "content/a & b.md"), "/x/a-b/");
    assert_eq!(of(new, "content/a & b.md"), "/x/a--b/");
    let ugly = |version: &str, path: &str| of(&format!("uglyURLs = true\n{version}"), path);
    assert_eq!(ugly("", "content/s/a.md"), "/x/s/a.html");
    assert_eq!(ugly(old, "content/s/_index.md"), "/x/s.html");
    assert_eq!(ugly(new, "content/s/_index.md"), "/x/s/index.html");
    assert_eq!(ugly(new, "content/tags/red/_index.md"), "/x/tags/red.html");
    let slugged = |version: &str| {
        let config = format!("{version}{BASE}");
        shown(&[("hugo.toml", &config), ("content/s/_index.md", "---\nslug: other\n---\n")], "content/s/a.md", &facts)
    };
    assert!(slugged("").contains("hugoVersion"));
    assert_eq!((slugged(new).as_str(), slugged("hugoVersion = '0.168.0'\n").as_str()), ("/x/s/a/", "/x/other/a/"));
    let by_section = of("[uglyURLs]\ns = true\n", "content/s/a.md");
    assert_eq!(
        (by_section.as_str(), of("[uglyURLs]\ns = true\n", "content/t/a.md").as_str()),
        ("/x/s/a.html", "/x/t/a/")
    );
}

#[test]
fn front_matter_and_permalinks_give_places() {
    let config = format!(
        "{BASE}[permalinks]\nposts = '/:year/:month/:title/'\n[permalinks.page]\nb = '/:sections/:slug'\n\
         [frontmatter]\ndate = [':filename', ':default']\n"
    );
    let files = [("hugo.toml", config.as_str()), ("content/b/n/_index.md", ""), ("content/b/n/m/p.md", "")];
    let at = |path: &str, facts: &Facts| shown(&files, path, facts);
    assert_eq!(at("content/posts/x.md", &facts("My, Post!", &[("date", "2019-05-06")])), "/x/2019/05/my-post/");
    assert_eq!(at("content/posts/2018-02-03-y.md", &facts("Y", &[])), "/x/2018/02/y/");
    assert_eq!(at("content/posts/z.md", &facts("Z", &[])), "/x/1/01/z/");
    assert!(at("content/posts/z.md", &facts("Z", &[("date", "May 2019")])).contains("cannot be read"));
    assert_eq!(at("content/b/n/m/p.md", &facts("P", &[])), "/x/b/n/p/");
    let slug = Facts { slug: Some("Own Slug".into()), ..facts("P", &[]) };
    assert_eq!(at("content/a/p.md", &slug), "/x/a/own-slug/");
    assert_eq!(at("content/a/bundle/index.md", &slug), "/x/a/own-slug/");
    let url = |url: &str| Facts { url: Some(url.to_owned()), ..facts("P", &[("url", url)]) };
    assert_eq!(at("content/a/p.md", &url("/My/Place")), "/x/My/Place/");
    assert_eq!(at("content/a/p.md", &url("rel/x.html")), "/x/rel/x.html");
    let foreign = Facts { url: Some("/p/".to_owned()), ..facts("P", &[("permalink", "/p/")]) };
    assert_eq!(at("content/a/p.md", &foreign), "/x/a/p/");
}

#[test]
fn languages_are_told_by_name_and_by_folder() {
    let config = format!(
        "{BASE}[languages.en]\n[languages.fr]\n[languages.de]\ndisabled = true\n[languages.pt-BR]\ncontentDir = 'pt'\n\
         [languages.ja]\nbaseURL = 'https://d.example/ja-site/'\n"
    );
    let files = [("hugo.toml", config.as_str()), ("content/s/b/index.fr.md", "")];
    for (path, expected) in [
        ("content/s/a.md", "/x/s/a/"),
        ("content/s/a.fr.md", "/x/fr/s/a/"),
        ("content/s/b/index.fr.md", "/x/fr/s/b/"),
        ("content/s/b/other.md", "a resource of the bundle that it lies in"),
        ("content/s/a.de.md", "the language `de` is disabled"),
        ("content/s/a.es.md", "/x/s/a.es/"),
        ("pt/s/a.md", "/x/pt-br/s/a/"),
        ("content/s/a.ja.md", "/ja-site/s/a/"),
    ] {
        assert_eq!(shown(&files, path, &Facts::default()), expected, "{path}");
    }
}

#[test]
fn sections_hand_down_what_they_say() {
    let files = [
        ("hugo.toml", BASE),
        ("content/a/_index.md", "---\ncascade:\n  draft: true\n---\n"),
        (
            "content/b/_index.md",
            "+++\n[[cascade]]\n[cascade.target]\npath = '/b/k*'\n[cascade.build]\nrender = 'never'\n+++\n",
        ),
    ];
    let none = Facts::default();
    assert_eq!(shown(&files, "content/a/x/y.md", &none), "draft: true");
    assert_eq!(shown(&files, "content/a/x.md", &facts("X", &[("draft", "false")])), "/x/a/x/");
    assert_eq!(shown(&files, "content/b/key.md", &none), "build.render: never");
    assert_eq!(shown(&files, "content/b/lock.md", &none), "/x/b/lock/");
}

#[test]
fn mounts_and_ignored_files_are_read_as_far_as_they_are_literal() {
    let config = format!(
        "ignoreFiles = ['\\.tmp\\.md$', '/old/.*', 'a|b']\n{BASE}[[module.mounts]]\nsource = 'docs'\ntarget = 'content/guide'\n\
         [[module.mounts]]\nsource = '../far'\ntarget = 'content'\n"
    );
    let files = [("hugo.toml", config.as_str())];
    let none = Facts::default();
    assert_eq!(shown(&files, "docs/a.md", &none), "/x/guide/a/");
    assert_eq!(shown(&files, "docs/a.tmp.md", &none), "`ignoreFiles`");
    assert_eq!(shown(&files, "docs/old/a.md", &none), "`ignoreFiles`");
    let notices = Hugo::read("", &options(), &MapTree::new(&files)).unwrap().notices;
    assert!(notices.iter().any(|notice| notice.contains("`a|b`")), "{notices:?}");
    assert!(notices.iter().any(|notice| notice.contains("`../far`")), "{notices:?}");
}

#[test]
fn links_and_references_mean_documents_and_urls() {
    let config = format!("{BASE}[languages.en]\n[languages.fr]\n");
    let tree = MapTree::new(&[("hugo.toml", &config)]);
    let rules = Hugo::read("", &options(), &tree).unwrap().rules;
    let from = DocPath::new("content/s/a.fr.md");
    let first = |link: &str, at: usize| rules.link(&from, link).unwrap().get(at).cloned().unwrap_or_default();
    assert_eq!(first("b.md", 0), "content/s/b.fr.md");
    assert_eq!(first("/t/b", 0), "content/t/b.fr.md");
    // Followed from the published page, as a browser does.
    assert_eq!(first("../b/", 0), "");
    assert_eq!(first("/x/t/b/", 0), "");
    assert!(rules.referred(&from, "b").contains(&"content/b/_index.fr.md".to_owned()));
    assert_eq!(rules.label(&from).as_deref(), Some("fr:a"));
    let hooked = MapTree::new(&[("hugo.toml", BASE), ("layouts/_default/_markup/render-link.html", "")]);
    let rules = Hugo::read("", &options(), &hooked).unwrap().rules;
    assert_eq!(rules.link(&DocPath::new("content/s/a.md"), "../b").unwrap()[0], "content/b.en.md");
}

#[test]
fn languages_that_are_published_are_known_the_default_first() {
    let config = "defaultContentLanguage = 'fr'\n[languages.de]\n[languages.fr]\n[languages.it]\ndisabled = true\n";
    let languages =
        |config: &str| Hugo::read("", &options(), &MapTree::new(&[("hugo.toml", config)])).unwrap().rules.locales();
    assert_eq!(languages(config), ["fr", "de"]);
    assert!(languages(BASE).is_empty());
}
