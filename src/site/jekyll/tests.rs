//! Configurations of Jekyll and where they put pages.

use serde_json::json;

use super::*;
use crate::site::tests::{MapTree, options};

fn open(config: &str, files: &[(&str, &str)]) -> Opened<Jekyll> {
    let mut all = vec![("_config.yml", config)];
    all.extend(files);
    Jekyll::read("", &options(), &MapTree::new(&all)).unwrap()
}

/// Where a document with this front matter is, or why it is nowhere.
fn place(opened: &Opened<Jekyll>, path: &str, front: Option<Value>, others: &[(&str, &str)]) -> Placement {
    let (path, mut facts) = (DocPath::new(path), Facts::default());
    opened.rules.complete(&path, front, &mut facts);
    let mut placed = opened.rules.place(opened.base_url.as_ref(), &path, &facts, &MapTree::new(others));
    placed.excluded = placed.excluded.or(facts.excluded);
    placed
}

fn shown(config: &str, path: &str, front: Option<Value>) -> String {
    let placed = place(&open(&format!("url: https://d.example\n{config}"), &[]), path, front, &[]);
    placed.excluded.or(placed.unknown).or(placed.url.map(String::from)).unwrap_or_default()
}

#[test]
fn urls_follow_styles_and_patterns() {
    let post = "_posts/2024-03-01-a-b.md";
    let collections = "collections: {docs: {output: true}, own: {output: true, permalink: '/o/:name/'}, no: {}}";
    for (config, path, front, expected) in [
        ("baseurl: /b", "a/x.md", json!({}), "https://d.example/b/a/x.html"),
        ("permalink: pretty", "a/x.md", json!({}), "https://d.example/a/x/"),
        ("permalink: /:title/", "a/index.md", json!({}), "https://d.example/a/"),
        ("", "a/x.md", json!({"permalink": "/y z/"}), "https://d.example/y%20z/"),
        ("", post, json!({}), "https://d.example/2024/03/01/a-b.html"),
        (
            "",
            "news/_posts/2024-3-1-x.md",
            json!({"categories": "Ab c"}),
            "https://d.example/news/ab/c/2024/03/01/x.html",
        ),
        ("", post, json!({"category": "A b", "slug": "s t"}), "https://d.example/a%20b/2024/03/01/s-t.html"),
        ("permalink: weekdate", post, json!({"date": "2024-12-30 10:00"}), "https://d.example/2024/W01/Mon/a-b.html"),
        ("permalink: /:y_day/:month_:i_day/", post, json!({}), "https://d.example/061/03_1/"),
        ("permalink: /:nothing/", post, json!({}), "`:nothing` in its permalink is not understood"),
        ("", post, json!({"date": "soon"}), "its date `soon` cannot be read"),
        (collections, "_docs/a/b c.md", json!({}), "https://d.example/docs/a/b%20c.html"),
        (collections, "_own/B_c.md", json!({}), "https://d.example/o/b-c/"),
        (collections, "_no/x.md", json!({}), "the collection `no` has no `output: true`"),
        (
            "collections_dir: all\ncollections: {docs: {output: true}}",
            "all/_docs/x.md",
            json!({}),
            "https://d.example/docs/x.html",
        ),
    ] {
        assert_eq!(shown(config, path, Some(front)), expected, "{config} {path}");
    }
}

#[test]
fn what_jekyll_does_not_read_is_no_page() {
    for (config, path, expected) in [
        ("", "_x/a.md", "Jekyll reads nothing in `_x`"),
        ("", "a/.x/a.md", "Jekyll reads nothing in `.x`"),
        ("include: [_x]", "_x/a.md", "https://d.example/_x/a.html"),
        ("exclude: [a/b]", "a/bc.md", "matches `exclude`"),
        ("exclude: ['*.tmp.md']", "a/x.tmp.md", "matches `exclude`"),
        ("", "vendor/bundle/x.md", "matches `exclude`"),
        ("", "_drafts/x.md", "a draft"),
        ("", "_posts/x.md", "a post's name begins with its date"),
        ("", "404.html", "the page for urls without one"),
        ("plugins: [jekyll-redirect-from]", "x.md", "https://d.example/x.html"),
        ("source: docs", "README.md", "not below the site's `source`"),
    ] {
        assert_eq!(shown(config, path, Some(json!({}))), expected, "{config} {path}");
    }
    assert!(shown("", "x.md", None).starts_with("it has no front matter"));
    assert_eq!(shown("github-pages: true", "x.md", None), "https://d.example/x.html");
    assert_eq!(shown("github-pages: true", "CONTRIBUTING.md", None), "a file about the repository");
    assert_eq!(shown("github-pages: true", "a/README.md", None), "https://d.example/a/");
    assert_eq!(shown("", "_posts/2024-03-01-bare.md", None), "https://d.example/2024/03/01/bare.html");
}

#[test]
fn defaults_apply_by_path_and_kind_the_longest_last() {
    let config = "defaults:\n  - {scope: {path: a/b}, values: {permalink: '/deep/'}}\n  - {scope: {path: a}, values: {permalink: '/a/', title: T}}\n  \
                  - {scope: {path: 'c/*/d', type: pages}, values: {title: G}}\n  - {scope: {path: '', type: posts}, values: {published: false}}\n";
    assert_eq!(shown(config, "a/b/x.md", Some(json!({}))), "https://d.example/deep/");
    assert_eq!(shown(config, "a/x.md", Some(json!({"permalink": "/own/"}))), "https://d.example/own/");
    assert_eq!(shown(config, "_posts/2024-03-01-x.md", Some(json!({}))), "published: false");
    let title = |path: &str| {
        let mut facts = Facts::default();
        open(config, &[]).rules.complete(&DocPath::new(path), Some(json!({})), &mut facts);
        facts.title
    };
    assert_eq!(title("a/b/x.md").as_deref(), Some("T"));
    assert_eq!(title("c/x/d/y.md").as_deref(), Some("G"));
    assert_eq!(title("c/d.md"), None);
}

#[test]
fn a_title_is_shown_where_its_layout_writes_it_into_a_heading() {
    let layouts = [
        ("_layouts/default.html", "<h2>{{ page.title }}</h2>"),
        ("_layouts/page.html", "---\nlayout: default\n---\n{% include head.html x=1 %}"),
        ("_layouts/deep/post.html", "---\nlayout: page\n---\n"),
        ("_includes/head.html", "<h1 class=\"x\">\n{{- page.title | escape -}}</h1>"),
    ];
    let shows = |config: &str, layout: &str| {
        place(&open(config, &layouts), "x.md", Some(json!({"layout": layout})), &[]).shows_title
    };
    for (config, layout, expected) in [
        ("", "default", false),
        ("", "page", true),
        ("", "deep/post", true),
        ("", "post", false),
        ("theme: minima", "post", true),
        ("theme: just-the-docs", "post", false),
        ("remote_theme: mmistakes/minimal-mistakes@4", "single", true),
    ] {
        assert_eq!(shows(config, layout), expected, "{config} {layout}");
    }
}

#[test]
fn only_posts_wait_for_their_date() {
    let waits = |config: &str, path: &str| {
        let mut facts = Facts::default();
        open(config, &[]).rules.complete(&DocPath::new(path), Some(json!({"date": "2999-01-01"})), &mut facts);
        facts.not_before.is_some()
    };
    assert!(
        waits("", "_posts/2024-03-01-x.md") && !waits("", "x.md") && !waits("future: true", "_posts/2024-03-01-x.md")
    );
}

#[test]
fn plugins_are_those_of_the_configuration_and_of_the_gemfile() {
    let gemfile = "gem \"jekyll\"\ngem 'rake'\ngroup :jekyll_plugins do\n  gem \"jekyll-feed\", \"~> 0.6\"\nend\ngem 'github-pages', group: :jekyll_plugins\n";
    let rules = open("plugins: [a]", &[("Gemfile", gemfile)]).rules;
    assert!(rules.has("a") && rules.has("jekyll-feed") && rules.has("jekyll-readme-index") && !rules.has("rake"));
}

#[test]
fn a_configuration_that_cannot_be_read_fails_by_name() {
    let tree = MapTree::new(&[("_config.yml", "a: [1\nb")]);
    let message = Jekyll::read("", &options(), &tree).unwrap_err().message;
    assert!(message.contains("`_config.yml`") && message.contains("line"), "{message}");
}
