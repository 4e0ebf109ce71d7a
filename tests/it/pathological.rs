//! Input that no person writes, in every dialect: unclosed, deeply nested, cyclic, long. Each gives a page or a failure,
//! never a panic, and ends.
//!
//! `FINMIRROR_PATHOLOGICAL_BYTES` says how long each text is; `.ci/full pathological` takes ten megabytes, and a tenth of it
//! beside, so that what is not linear stands out in what it prints.

#![expect(clippy::disallowed_methods, reason = "it is told how much, and shows how long")]
#![expect(clippy::print_stdout, reason = "what it shows is for a person")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use finmirror::page::DocPath;
use finmirror::render::{Availability, Inputs, PageOptions, PagePolicies, Subject, facts, render};
use finmirror::site::{Generator, Placement, Site, SiteOptions, Tree, UrlStyle};
use proptest::prelude::*;

type FileTexts = &'static [(&'static str, &'static str)];

/// A generator, what its configuration needs to be read, and a document's path.
const SITES: &[(Generator, FileTexts, &str)] = &[
    (Generator::Plain, &[], "docs/a.md"),
    (
        Generator::MkDocs,
        &[("mkdocs.yml", "site_name: x\nplugins: [macros]\nmarkdown_extensions: [pymdownx.snippets]")],
        "docs/a.md",
    ),
    (Generator::Docusaurus, &[("docusaurus.config.js", "module.exports = {}")], "docs/a.mdx"),
    (Generator::VitePress, &[(".vitepress/config.js", "export default {}")], "a.md"),
    (Generator::MdBook, &[("book.toml", ""), ("src/SUMMARY.md", "- [A](a.md)")], "src/a.md"),
    (Generator::Sphinx, &[("conf.py", "extensions = ['myst_parser']")], "a.md"),
    (Generator::Starlight, &[("astro.config.mjs", "export default {}")], "src/content/docs/a.mdx"),
    (Generator::Hugo, &[("hugo.toml", "")], "content/a.md"),
    (Generator::Jekyll, &[("_config.yml", "")], "a.md"),
    (Generator::GitBook, &[("SUMMARY.md", "- [A](a.md)")], "a.md"),
];

/// What begins, ends or makes up a construct of some dialect.
const PIECES: &[&str] = &[
    "a",
    " ",
    "\n",
    "\n\n",
    "    ",
    "\t",
    "\r\n",
    "\u{0}",
    "é",
    "\u{200b}",
    "#",
    "# ",
    "## a {#b}\n",
    "- ",
    "1. ",
    "* a\n  ",
    "> ",
    "> [!NOTE]\n> ",
    "`",
    "```\n",
    "~~~\n",
    "```js\n",
    "*",
    "**",
    "_",
    "~",
    "~~",
    "[",
    "]",
    "[a](",
    "[a]: b\n",
    "![",
    "[^1]",
    "[^1]: ",
    "[[",
    "]]",
    "![[",
    "<",
    ">",
    "<a",
    "<a href=\"",
    "<div>",
    "</div>",
    "<details>",
    "<!--",
    "-->",
    "<script>",
    "<style>",
    "<table><tr>",
    "<pre>",
    "<?",
    "<![CDATA[",
    "&",
    "&amp;",
    "| a ",
    "|--|\n",
    "\\",
    "$",
    "$$",
    ": ",
    "*[a]: b\n",
    "---\n",
    "===\n",
    "!!! note\n    ",
    "??? tip \"a\"\n    ",
    "=== \"a\"\n    ",
    "/// note\n",
    "///\n",
    "--8<-- \"a.md\"\n",
    "--8<--\n",
    "++",
    "++a++",
    "^^",
    "==",
    "{++",
    "{--",
    "{~~",
    "{>>",
    "{==",
    ":a:",
    ":a",
    "::",
    ":::",
    "::: note\n",
    ":::note[a]\n",
    "::::",
    "<<< @/a.js\n",
    "<!--@include: ./a.md-->\n",
    "[[toc]]",
    "{{",
    "}}",
    "{{ a }}",
    "{{ \"a\" }}",
    "{{#include a.md}}\n",
    "{{#rustdoc_include a.rs:1:2}}\n",
    "{{#playground a.rs}}\n",
    "{{#a",
    "import a from 'b'\n",
    "import A from './_a.mdx'\n",
    "export const a = {",
    "<A>",
    "</A>",
    "<A b={",
    "<A b=\"",
    "<A/>",
    "{",
    "}",
    "{/*",
    "*/}",
    "{`",
    "<Tabs><TabItem label=\"a\">\n",
    "</TabItem>",
    "```{note}\n",
    ":::{note}\n",
    "{a}`",
    "{ref}`a`",
    "(a)=\n",
    "% a\n",
    "+++\n",
    "{include} a.md\n",
    "```{include} a.md\n```\n",
    "{% a %}",
    "{% end",
    "{% raw %}",
    "{% endraw %}",
    "{% if a %}",
    "{% for a in b %}",
    "{% hint style=\"info\" %}\n",
    "{% endhint %}\n",
    "{% tabs %}{% tab title=\"a\" %}",
    "{% include \"a.md\" %}",
    "{% capture a %}",
    "{% comment %}",
    "{{ a | b: \"",
    "{: .a }",
    "{:toc}\n",
    "{{< a",
    "{{< a >}}",
    "{{% a %}}",
    "{{< /a >}}",
    "{{</* a */>}}",
    "{{< ref \"a.md\" >}}",
    "{{< highlight js >}}",
    "{{< tabs >}}{{% tab \"a\" %}}",
    ".. note::\n   ",
    ".. a::",
    "`a <b>`_",
    "|a|",
    "__",
    "https://a.example/",
    "www.a.example",
    "\"",
    "'",
    "...",
    "--",
];

/// Whatever is asked for is there and says what the document begins with, so that every include is a cycle.
struct Echo(Arc<[u8]>);

impl Inputs for Echo {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        Some(format!("https://docs.example.com/{path}"))
    }

    fn file(&self, _: &DocPath) -> Option<Arc<[u8]>> {
        Some(self.0.clone())
    }
}

struct Files(FileTexts);

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_bytes().to_vec()))
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn exists(&self, path: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == path || name.starts_with(&format!("{path}/")))
    }
}

fn sites() -> Vec<(Site, DocPath)> {
    let open = |(generator, files, path): &(Generator, FileTexts, &str)| {
        let options = SiteOptions {
            generator: *generator,
            base_url: Some("https://docs.example.com/".parse().unwrap()),
            urls: UrlStyle::Directory,
            settings: BTreeMap::new(),
        };
        (Site::open(options, &Files(files)).unwrap(), DocPath::new(*path))
    };
    SITES.iter().map(open).collect()
}

/// Renders a text; `true`: it is a page.
fn is_page(site: &Site, path: &DocPath, text: &str) -> bool {
    let options = PageOptions {
        locale: "en".to_owned(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies { split_over: Some(1000), context: true, ..PagePolicies::default() },
    };
    let bytes: Arc<[u8]> = text.as_bytes().into();
    let Ok(facts) = facts(path, &bytes, site) else { return false };
    let placement = Placement { url: "https://docs.example.com/a".parse().ok(), ..Placement::default() };
    let subject = Subject { path, bytes: &bytes, facts: &facts, placement: &placement };
    let beginning = text.char_indices().nth(200).map_or(text, |(end, _)| &text[..end]);
    match render(subject, site, &options, &Echo(beginning.as_bytes().into())) {
        Ok(pages) => !pages.is_empty(),
        Err(failure) => {
            // A panic of a parser's is caught by the renderer; it would be a failure of this test all the same.
            assert!(failure.code != "renderer" && failure.code != "panic", "{path}: {failure:?}");
            false
        }
    }
}

/// The texts that are made of a piece: the piece again and again, each on a line of its own, and each deeper than the last.
fn texts(piece: &str, bytes: usize) -> [String; 3] {
    let times = bytes / piece.len() + 1;
    let deeper: String =
        (0..).map(|depth| format!("{}{piece}\n", "  ".repeat(depth % 64))).take(times / 64 + 1).collect();
    [piece.repeat(times), format!("{piece}\n").repeat(bytes / (piece.len() + 1) + 1), deeper]
}

#[test]
fn whatever_is_repeated_ends() {
    let given = std::env::var("FINMIRROR_PATHOLOGICAL_BYTES").ok().and_then(|bytes| bytes.parse().ok());
    let bytes = given.unwrap_or(2_000);
    let mut slow: Vec<(Duration, Duration, String)> = Vec::new();
    let mut pages = 0;
    for (site, path) in sites() {
        for piece in PIECES {
            for (kind, text) in texts(piece, bytes).into_iter().enumerate() {
                let start = Instant::now();
                pages += usize::from(is_page(&site, &path, &text));
                let took = start.elapsed();
                if given.is_some() && took > Duration::from_millis(500) {
                    let start = Instant::now();
                    let _ = is_page(&site, &path, &texts(piece, bytes / 10)[kind]);
                    slow.push((took, start.elapsed(), format!("{} {piece:?} {kind}", site.name())));
                }
            }
        }
    }
    slow.sort_by(|a, b| b.cmp(a));
    for (took, tenth, what) in slow.iter().take(40) {
        println!("{:>7} ms, a tenth of it {:>6} ms: {what}", took.as_millis(), tenth.as_millis());
    }
    println!("{pages} pages of {bytes} bytes or more");
    assert!(pages > 100, "hardly anything was a page");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_mixed_is_a_page_or_a_failure(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60)
    ) {
        let text = pieces.concat();
        for (site, path) in sites() {
            let _ = is_page(&site, &path, &text);
        }
    }
}
