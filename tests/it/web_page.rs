//! Pages of websites that real generators built, extracted and rendered through the library, held against what they say.
//!
//! The sites are those of `FINMIRROR_CORPORA`, folders with a `site.tar.gz` and an `expected.jsonl`; without it the test says
//! so and is done. What is counted is what the corpora's own comparison counts: urls and titles to the letter, words as
//! multisets. The HTML has all of a page, so that pages count alike whose text no converter could make.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use finmirror::page::DocPath;
use finmirror::render::web::{Answer, Extracted, extract, markdown_document};
use finmirror::render::{Availability, Inputs, PageOptions, PagePolicies, Rendered, Subject, facts, render};
use finmirror::site::{Around, Generator, Site, SiteOptions, UrlStyle};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use url::Url;

struct Nothing;

impl Inputs for Nothing {
    fn page_url(&self, _: &DocPath) -> Option<String> {
        None
    }
}

impl Around for Nothing {
    fn has(&self, _: &str) -> bool {
        false
    }
}

/// The page of one answer, as it would be sent.
fn page(body: &[u8], url: &Url) -> Result<Rendered, String> {
    let content_type = Some("text/html; charset=utf-8");
    let answer = Answer { body, content_type, url, robots: None, link: None, selector: None };
    match extract(answer) {
        Extracted::Page { document, .. } => rendered(&document, url, &Nothing),
        other => Err(format!("{other:?}")),
    }
}

/// The page of a document of a website.
fn rendered(document: &str, url: &Url, inputs: &dyn Inputs) -> Result<Rendered, String> {
    let options =
        SiteOptions { generator: Generator::Auto, base_url: None, urls: UrlStyle::Directory, settings: [].into() };
    let site = Site::website(options, url.join("/").unwrap());
    let path = DocPath::new(url[url::Position::BeforePath..].trim_start_matches('/'));
    let facts = facts(&path, document.as_bytes(), &site).map_err(|failure| failure.message)?;
    let placement = site.place(&path, &facts, &Nothing);
    let options = PageOptions {
        locale: "en".into(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies::default(),
    };
    let subject = Subject { path: &path, bytes: document.as_bytes(), facts: &facts, placement: &placement };
    render(subject, &site, &options, inputs).map(|mut pages| pages.remove(0)).map_err(|failure| failure.message)
}

fn words(text: &str) -> Vec<String> {
    let text = text.nfkc().collect::<String>().to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn common(a: &[String], b: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in a {
        *counts.entry(word).or_default() += 1;
    }
    let taken = b.iter().filter(|word| {
        counts.get_mut(word.as_str()).is_some_and(|count| {
            let is_left = *count > 0;
            *count -= usize::from(is_left);
            is_left
        })
    });
    taken.count()
}

/// The file that a server of the site's folder would answer with.
fn file(folder: &Path, root: &Url, url: &Url) -> Option<Vec<u8>> {
    let path = url.path().strip_prefix(root.path())?.replace("%20", " ");
    [path.clone(), format!("{path}index.html"), format!("{path}/index.html"), format!("{path}.html")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|name| name.is_file())
        .and_then(|name| fs::read(name).ok())
}

#[test]
fn built_sites_read_as_their_generators_publish_them() {
    #[expect(clippy::disallowed_methods, reason = "it is told where to look")]
    let Some(corpora) = std::env::var_os("FINMIRROR_CORPORA") else {
        #[expect(clippy::print_stdout, reason = "whoever runs the tests should know")]
        {
            println!("skipped: FINMIRROR_CORPORA names no folder of built sites");
        }
        return;
    };
    let mut seen = 0;
    let mut folders: Vec<_> = fs::read_dir(corpora).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for corpus in folders.iter().filter(|folder| folder.join("site.tar.gz").is_file()) {
        let unpacked = tempfile::tempdir().unwrap();
        let archive = corpus.join("site.tar.gz");
        let status = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(unpacked.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "{}", archive.display());
        let expected = fs::read_to_string(corpus.join("expected.jsonl")).unwrap();
        let expected: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        check(corpus, unpacked.path(), &expected);
        seen += 1;
    }
    assert!(seen > 0, "no built site is there");
}

fn check(corpus: &Path, folder: &Path, expected: &[Value]) {
    let urls: Vec<Url> = expected.iter().map(|page| page["url"].as_str().unwrap().parse().unwrap()).collect();
    // The root is the shortest url: each of the sites has a page there.
    let root = urls.iter().min_by_key(|url| url.as_str().len()).unwrap();
    let (mut right_urls, mut right_titles, mut recall, mut precision) = (0, 0, 0.0, 0.0);
    let mut wrong = Vec::new();
    for (wanted, url) in expected.iter().zip(&urls) {
        let body = file(folder, root, url).unwrap_or_else(|| panic!("{url} has no file"));
        let page = match page(&body, url) {
            Ok(page) => page,
            Err(reason) => {
                wrong.push(format!("{url}: missing: {reason}"));
                continue;
            }
        };
        let (ours, theirs) = (words(&page.text()), words(wanted["text"].as_str().unwrap()));
        #[expect(clippy::cast_precision_loss, reason = "counts of words")]
        let share = |of: usize| if of == 0 { 1.0 } else { common(&ours, &theirs) as f64 / of as f64 };
        recall += share(theirs.len());
        // A page of which the ground truth has no text says nothing about what is too much.
        precision += if theirs.is_empty() { 1.0 } else { share(ours.len()) };
        let is_titled = words(&page.page.title) == words(wanted["title"].as_str().unwrap());
        let is_placed = page.page.url.as_deref() == Some(url.as_str());
        right_titles += usize::from(is_titled);
        right_urls += usize::from(is_placed);
        if !is_titled || !is_placed {
            wrong.push(format!("{url}: {:?} at {:?}", page.page.title, page.page.url));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of pages")]
    let count = expected.len() as f64;
    let (recall, precision) = (recall / count, precision / count);
    let name = corpus.file_name().unwrap().to_string_lossy();
    let missing = wrong.iter().filter(|line| line.contains(": missing: ")).count();
    let figures = format!(
        "{name}: {right_urls} of {count} urls, {right_titles} titles, recall {recall:.4}, precision {precision:.4}, {missing} missing\n{}",
        wrong.join("\n")
    );
    assert_eq!(missing, 0, "{figures}");
    assert_eq!(right_urls, expected.len(), "{figures}");
    assert!(right_titles * 100 >= expected.len() * 99, "{figures}");
    assert!(recall >= 0.98 && precision >= 0.97, "{figures}");
}

#[test]
fn a_huge_page_of_nothing_but_elements_ends_soon() {
    let url = Url::parse("https://d.example/x").unwrap();
    let body = format!("<main><p>Text.{}", "<div>".repeat(10_000_000 / 5));
    let page = page(body.as_bytes(), &url).unwrap();
    assert_eq!(page.text(), "Text.");
}

struct Pages(&'static [&'static str]);

impl Inputs for Pages {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        self.0.contains(&path.as_str()).then(|| format!("https://d.example/{path}"))
    }
}

#[test]
fn markdown_of_a_website_is_the_page_and_its_links_lead_to_pages() {
    let text = "---\nslug: other\n---\n## Pull\n\nNot [pushed](./push.md#now), see [all](index.md), [top](/start.md), [gone](gone.md).\n";
    for (url, pages) in [
        ("https://d.example/guide/pull/", &["guide/push/", "guide/", "start"][..]),
        ("https://d.example/guide/pull.html", &["guide/push.html", "guide/", "start"][..]),
    ] {
        let url = Url::parse(url).unwrap();
        let document = markdown_document(text, Some("To pull"), &url);
        let page = rendered(&document, &url, &Pages(pages)).unwrap();
        assert_eq!((page.page.url.as_deref(), page.page.title.as_str()), (Some(url.as_str()), "To pull"));
        for link in ["d.example/guide/push", "d.example/guide/\"", "d.example/start\""] {
            assert!(page.page.html.contains(link), "{link}: {}", page.page.html);
        }
        assert!(!page.page.html.contains("gone.md") && page.page.html.contains("#now\">pushed"), "{}", page.page.html);
    }
}
