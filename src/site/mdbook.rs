//! mdBook: `SUMMARY.md` is the list of pages, and each is published beside its source with `.html` in place of `.md`.
//!
//! Source of the rules: mdBook's guide (`SUMMARY.md`, `book.toml`), and what mdBook 0.5 publishes.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, join, percent_decode, within};
use crate::page::{DocPath, Failure, resolve};
use crate::render::Facts;

/// Files that only a book has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &["book.toml"];

/// The rules of one book.
#[derive(Debug)]
pub(crate) struct MdBook {
    /// The folder of the chapters, from the source's root.
    src: String,
    /// Path from the source's root and title of each chapter.
    chapters: BTreeMap<String, String>,
    /// The sign before lines of code that readers do not see, by the code's language (`output.html.code.hidelines`).
    pub(crate) hidden: BTreeMap<String, String>,
    /// Whether files are put in: the `links` preprocessor, which is on by default.
    pub(crate) has_includes: bool,
    /// Whether a `README` is its folder's index: the `index` preprocessor, which is on by default.
    has_index: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    book: Section,
    build: Build,
    output: Output,
    preprocessor: BTreeMap<String, toml::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Build {
    use_default_preprocessors: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Section {
    src: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    html: Html,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Html {
    code: Code,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Code {
    hidelines: BTreeMap<String, String>,
}

impl MdBook {
    /// Reads `book.toml` and `SUMMARY.md`.
    pub(super) fn read(folder: &str, options: &SiteOptions, tree: &dyn Tree) -> Result<Opened<Self>, Failure> {
        let at = within(folder, "book.toml");
        let text = super::text(tree, &at)?.unwrap_or_default();
        let book: Config = toml::from_str(&text).map_err(|error| super::unreadable(&at, &error.to_string()))?;
        let src = options.settings.get("src").cloned().or(book.book.src).unwrap_or_else(|| "src".to_owned());
        let src = within(folder, src.trim_matches('/').trim_start_matches("./"));
        let src = if src == "." { String::new() } else { src };
        let summary = within(&src, "SUMMARY.md");
        let text = super::text(tree, &summary)?
            .ok_or_else(|| super::unreadable(&summary, "it is not there, and it is the list of the book's pages"))?;
        let chapters = chapters(&text, &src);
        if chapters.is_empty() {
            return Err(super::unreadable(&summary, "it names no chapter"));
        }
        let has = |preprocessor: &str| {
            book.build.use_default_preprocessors != Some(false) || book.preprocessor.contains_key(preprocessor)
        };
        let (has_includes, has_index) = (has("links"), has("index"));
        let rules = Self { src, chapters, hidden: book.output.html.code.hidelines, has_includes, has_index };
        Ok(Opened { rules, base_url: None, notices: Vec::new() })
    }
}

impl Rules for MdBook {
    fn include(&self) -> Vec<String> {
        vec![within(&self.src, "**/*.md")]
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, _: &Facts, _: &dyn Around) -> Placement {
        let Some(title) = self.chapters.get(path.as_str()) else {
            return Placement { excluded: Some("not in SUMMARY.md".to_owned()), ..Placement::default() };
        };
        let relative = super::below(&self.src, path.as_str()).unwrap_or(path.as_str());
        let (dir, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let stem = if self.has_index && stem.eq_ignore_ascii_case("readme") { "index" } else { stem };
        let file = format!("{stem}.html");
        let segments = dir.split('/').filter(|part| !part.is_empty()).chain([file.as_str()]);
        Placement {
            url: base.and_then(|base| join(base, segments)),
            title: Some(title.clone()),
            ..Placement::default()
        }
    }

    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, super::below(&self.src, path)?.split('/'))
    }
}

/// The chapters of a `SUMMARY.md`: every link of it; without a destination it is a draft, which is no page.
fn chapters(summary: &str, src: &str) -> BTreeMap<String, String> {
    let mut chapters = BTreeMap::new();
    let mut in_comment = false;
    for line in summary.lines() {
        if in_comment || line.trim_start().starts_with("<!--") {
            in_comment = !line.contains("-->");
            continue;
        }
        let Some((title, target)) = link(line) else { continue };
        let target = percent_decode(target.trim().trim_start_matches('<').trim_end_matches('>'));
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") {
            continue;
        }
        if let Some(path) = resolve(src, target) {
            chapters.entry(path).or_insert_with(|| title.replace(['`', '*', '\\'], ""));
        }
    }
    chapters
}

/// The text and the destination of the first link of a line.
fn link(line: &str) -> Option<(&str, &str)> {
    let middle = line.find("](")?;
    let open = line[..middle].find('[')?;
    let rest = &line[middle + 2..];
    // A destination may hold brackets of its own: the link ends the line.
    let end = rest.rfind(')')?;
    Some((&line[open + 1..middle], &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Alone;
    use crate::site::tests::{MapTree, options};

    fn book(files: &[(&str, &str)]) -> Result<MdBook, Failure> {
        MdBook::read("", &options(), &MapTree::new(files)).map(|opened| opened.rules)
    }

    #[test]
    fn the_summary_says_what_is_published_and_where() {
        let summary = "# Summary\n\n[Preface](README.md)\n\n- [A `b`](a/one.md)\n    - [Deep](<a/two words.md>)\n- [Draft]()\n\
                       <!-- - [Out](out.md) -->\n---\n[Last](./last.md#x)\n";
        let book = book(&[("book.toml", "[book]\nsrc = \"text\"\n"), ("text/SUMMARY.md", summary)]).unwrap();
        let base = Url::parse("https://d.example/book/").unwrap();
        let place = |path: &str| {
            let placed = book.place(Some(&base), &DocPath::new(path), &Facts::default(), &Alone);
            (placed.url.map(String::from), placed.title, placed.excluded.is_some())
        };
        let page =
            |url: &str, title: &str| (Some(format!("https://d.example/book/{url}")), Some(title.to_owned()), false);
        assert_eq!(place("text/README.md"), page("index.html", "Preface"));
        assert_eq!(place("text/a/one.md"), page("a/one.html", "A b"));
        assert_eq!(place("text/a/two words.md"), page("a/two%20words.html", "Deep"));
        assert_eq!(place("text/last.md"), page("last.html", "Last"));
        for path in ["text/out.md", "text/SUMMARY.md", "a/one.md"] {
            assert_eq!(place(path), (None, None, true), "{path}");
        }
    }

    #[test]
    fn a_readme_is_no_index_without_the_preprocessor_that_makes_it_one() {
        let base = Url::parse("https://d.example/").unwrap();
        let url = |config: &str| {
            let book = book(&[("book.toml", config), ("src/SUMMARY.md", "- [A](README.md)\n")]).unwrap();
            let placed = book.place(Some(&base), &DocPath::new("src/README.md"), &Facts::default(), &Alone);
            (placed.url.map(String::from).unwrap_or_default(), book.has_includes)
        };
        let off = "[build]\nuse-default-preprocessors = false\n";
        assert_eq!(url(""), ("https://d.example/index.html".into(), true));
        assert_eq!(url(off), ("https://d.example/README.html".into(), false));
        assert_eq!(url(&format!("{off}[preprocessor.index]\n")), ("https://d.example/index.html".into(), false));
    }

    #[test]
    fn a_book_without_a_readable_summary_is_none() {
        for files in [&[("book.toml", "")][..], &[("book.toml", ""), ("src/SUMMARY.md", "# Nothing\n")]] {
            assert!(book(files).unwrap_err().message.contains("src/SUMMARY.md"));
        }
        let message = book(&[("book.toml", "[book\n")]).unwrap_err().message;
        assert!(message.contains("book.toml") && message.contains("line 1"), "{message}");
    }
}
