//! Sites of both publishers: which documents are pages, and where.

use super::*;
use crate::site::tests::{MapTree, options};

fn shown(files: &[(&str, &str)], path: &str) -> String {
    let tree = MapTree::new(files);
    let opened = GitBook::read("", &options(), &tree).unwrap();
    let base = Url::parse("https://d.example/x/").unwrap();
    let placed = opened.rules.place(Some(&base), &DocPath::new(path), &Facts::default(), &tree);
    let url = placed.url.map(|url| String::from(url).replace("https://d.example", ""));
    url.or(placed.excluded).or(placed.unknown).unwrap_or_default()
}

#[test]
fn a_hosted_page_stands_below_those_that_it_is_listed_within() {
    let summary = "# Table of contents\n\n* [Start](README.md)\n  * [Quick](readme/quick.md)\n* [Top](Top/README.md)\n  * [Flat](flat_v1.2.md)\n\n\
        ## Old Things\n\n* [FAQ](docs/support/FAQ.md)\n  * [Deep](docs/support/deep/README.md)\n  * [Deep again](docs/deep/README.md)\n* No link\n  * [Lost](lost.md)\n* [Site](https://x.example)\n\n\
        ## Tips & Tricks\n\n* [One](tips-and-tricks/one.md)\n* [Odd](tips-and-tricks/an odd name.md)\n\n\
        ## Q&A?\n\n* [Two](two.md)\n\n## Three <a href=\"#third\" id=\"third\"></a>\n\n* [Three](three.md)\n";
    let files = [(".gitbook.yaml", "root: ./\n"), ("README.md", ""), ("SUMMARY.md", summary)];
    for (path, expected) in [
        ("README.md", "/x/"),
        ("readme/quick.md", "/x/readme/quick"),
        ("Top/README.md", "/x/top"),
        ("flat_v1.2.md", "/x/top/flat_v1.2"),
        ("docs/support/FAQ.md", "/x/old-things/faq"),
        ("docs/support/deep/README.md", "/x/old-things/faq/deep"),
        ("docs/deep/README.md", "another page has the path `old-things/faq/deep` already"),
        ("lost.md", "GitBook.com does not say what it makes of `No link`, which leads to no page"),
        ("tips-and-tricks/one.md", "/x/tips-and-tricks/one"),
        ("tips-and-tricks/an odd name.md", "GitBook.com does not say what it makes of the name `an odd name`"),
        ("two.md", "GitBook.com does not say what it makes of the group `Q&A?`"),
        ("three.md", "/x/third/three"),
        ("SUMMARY.md", "not in SUMMARY.md"),
        (".gitbook/includes/x.md", "not in SUMMARY.md"),
    ] {
        assert_eq!(shown(&files, path), expected, "{path}");
    }
}

#[test]
fn a_hosted_site_without_a_list_is_its_folders() {
    let files =
        [(".gitbook.yaml", "root: ./docs/"), ("docs/README.md", ""), ("docs/a/README.md", ""), ("docs/a/B.md", "")];
    for (path, expected) in [
        ("docs/README.md", "/x/"),
        ("docs/a/README.md", "/x/a"),
        ("docs/a/B.md", "/x/a/b"),
        ("docs/c/d.md", "GitBook.com does not say what it makes of `c`, which has no `README.md`"),
        ("docs/.gitbook/includes/x.md", "in a hidden folder"),
        ("other.md", "not in its `root`"),
    ] {
        assert_eq!(shown(&files, path), expected, "{path}");
    }
}

#[test]
fn a_book_of_honkit_is_published_file_by_file() {
    let summary = "* [One](part/README.md)\n* [Two](part/two words.md#x)\n* [Read](part/readme.md)\n";
    let files = [
        ("book.json", r#"{"root": "./docs", "structure": {"readme": "start.md"}}"#),
        ("docs/SUMMARY.md", summary),
        ("docs/start.md", ""),
        ("docs/GLOSSARY.md", ""),
    ];
    for (path, expected) in [
        ("docs/start.md", "/x/"),
        ("docs/part/README.md", "/x/part/"),
        ("docs/part/two words.md", "/x/part/two%20words.html"),
        ("docs/part/readme.md", "/x/part/readme.html"),
        ("docs/GLOSSARY.md", "/x/GLOSSARY.html"),
        ("docs/other.md", "not in SUMMARY.md"),
    ] {
        assert_eq!(shown(&files, path), expected, "{path}");
    }
}

#[test]
fn who_publishes_a_list_is_told_by_what_lies_beside_it() {
    let honkit = ("package.json", r#"{"devDependencies": {"honkit": "^6"}}"#);
    let list = ("SUMMARY.md", "* [A](a.md)\n");
    assert_eq!(shown(&[list, honkit], "a.md"), "/x/a.html");
    assert_eq!(shown(&[list], "a.md"), "/x/a");
    assert_eq!(shown(&[list, ("book.js", "module.exports = { title: 'x' }")], "a.md"), "/x/a.html");
    let langs = ("LANGS.md", "* [English](en/)\n* [Deutsch](de)\n");
    let books = [langs, ("en/SUMMARY.md", "* [C](c.md)\n"), ("de/SUMMARY.md", "* [B](b.md)\n"), ("de/README.md", "")];
    assert_eq!(shown(&books, "de/b.md"), "/x/de/b.html");
    assert_eq!(shown(&books, "de/README.md"), "/x/de/");
    assert_eq!(shown(&books, "en/a.md"), "not in SUMMARY.md");
}

#[test]
fn a_list_that_is_missing_or_a_configuration_that_cannot_be_read_fails_by_name() {
    let langs = ("LANGS.md", "* [English](en/)\n* [Deutsch](de)\n");
    for (files, name) in [
        (&[("book.json", "{}")][..], "SUMMARY.md"),
        (&[("book.json", "{")], "book.json"),
        (&[(".gitbook.yaml", ""), ("SUMMARY.md", "")], "SUMMARY.md"),
        (&[langs, ("book.json", "{}"), ("de/SUMMARY.md", "* [B](b.md)\n")], "en/SUMMARY.md"),
    ] {
        let message = GitBook::read("", &options(), &MapTree::new(files)).unwrap_err().message;
        assert!(message.contains(name), "{message}");
    }
}
