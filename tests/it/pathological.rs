//! Input that no person writes, in every dialect, format and configuration: unclosed, deeply nested, cyclic, long. Each
//! gives a page or a failure, never a panic, and ends.
//!
//! `FINMIRROR_PATHOLOGICAL_BYTES` says how long texts are; `.ci/full pathological` takes ten megabytes. Then each case runs
//! at a hundredth and at a tenth of that, and whole where that was not linear, where it took long, and for a sample of the
//! pieces and all formats: the processor's time is looked at, and what is not linear is printed as it is found, the slowest
//! at the end. Configurations are a tenth as long. Pairs of pieces are short, for they are many.
//! `FINMIRROR_PATHOLOGICAL_ONLY` holds a run to the cases whose name (the generator, the piece, how it is repeated)
//! contains what it says.

#![expect(clippy::disallowed_methods, reason = "it is told how much, and shows how long")]
#![expect(clippy::print_stdout, reason = "what it shows is for a person")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
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

/// How long this thread has run: time that others take of the machine does not count, where the system tells.
struct Clock(Instant, Option<Duration>);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), Self::of_thread())
    }

    fn elapsed(&self) -> Duration {
        let own = self.1.and_then(|start| Self::of_thread()?.checked_sub(start));
        own.unwrap_or_else(|| self.0.elapsed())
    }

    fn of_thread() -> Option<Duration> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    }
}

/// How much is tried, and what stood out.
struct Trial {
    /// How long a text is.
    bytes: usize,
    /// Whether times are looked at.
    is_timed: bool,
    /// What the names of the cases contain that are tried.
    only: String,
    slow: Vec<(Duration, Duration, usize, String)>,
    pages: usize,
    count: usize,
}

impl Trial {
    fn begin() -> Self {
        let given = std::env::var("FINMIRROR_PATHOLOGICAL_BYTES").ok().and_then(|bytes| bytes.parse().ok());
        Self {
            bytes: given.unwrap_or(2_000),
            is_timed: given.is_some(),
            only: std::env::var("FINMIRROR_PATHOLOGICAL_ONLY").unwrap_or_default(),
            slow: Vec::new(),
            pages: 0,
            count: 0,
        }
    }

    /// Runs a case, which is told how long its text shall be and says whether it is a page: where times are looked at, at a
    /// hundredth and at a tenth, and whole where that was not linear, took long, or is asked for.
    fn take(&mut self, what: &str, is_whole: bool, run: impl Fn(usize) -> bool) {
        if !what.contains(&self.only) {
            return;
        }
        self.count += 1;
        if !self.is_timed {
            self.pages += usize::from(run(self.bytes));
            return;
        }
        let mut timed = |bytes: usize| {
            let start = Clock::start();
            self.pages += usize::from(run(bytes));
            start.elapsed()
        };
        let (hundredth, tenth) = (timed(self.bytes / 100), timed(self.bytes / 10));
        let is_odd = |less: Duration, more: Duration| more > less * 15 + Duration::from_millis(30);
        if is_odd(hundredth, tenth) {
            self.note(hundredth, tenth, self.bytes / 10, what);
        }
        if is_odd(hundredth, tenth) || is_whole || tenth > Duration::from_millis(400) || !self.only.is_empty() {
            let start = Clock::start();
            self.pages += usize::from(run(self.bytes));
            self.note(tenth, start.elapsed(), self.bytes, what);
        }
    }

    fn note(&mut self, less: Duration, more: Duration, bytes: usize, what: &str) {
        self.slow.push((more, less, bytes, what.to_owned()));
        if more > Duration::from_secs(2) || more > less * 15 + Duration::from_millis(30) {
            println!("{:>7} ms for {bytes} bytes, {:>6} ms for a tenth: {what}", more.as_millis(), less.as_millis());
        }
    }

    fn end(mut self) {
        self.slow.sort_by(|a, b| b.cmp(a));
        for (more, less, bytes, what) in self.slow.iter().take(20) {
            println!("{:>7} ms for {bytes} bytes, {:>6} ms for a tenth: {what}", more.as_millis(), less.as_millis());
        }
        println!("{} cases of up to {} bytes, {} texts became pages", self.count, self.bytes, self.pages);
    }
}

#[test]
fn whatever_is_repeated_ends() {
    let mut trial = Trial::begin();
    for (site, path) in sites() {
        for (number, piece) in PIECES.iter().enumerate() {
            for kind in 0..3 {
                let what = format!("{} {piece:?} {kind}", site.name());
                trial.take(&what, number % 16 == kind, |bytes| is_page(&site, &path, &texts(piece, bytes)[kind]));
            }
        }
    }
    assert!(trial.pages > 100 || !trial.only.is_empty(), "hardly anything was a page");
    trial.end();
}

/// Documents that are no Markdown, and front matter: a name, a path, what they begin with, what is repeated, what they end
/// with.
const FORMATS: &[(&str, &str, [&str; 3])] = &[
    (
        "cells",
        "a.ipynb",
        [
            "{\"nbformat\":4,\"nbformat_minor\":5,\"metadata\":{},\"cells\":[",
            "{\"cell_type\":\"markdown\",\"metadata\":{},\"source\":[\"# a\\n\",\"b\"]},",
            "{\"cell_type\":\"code\",\"metadata\":{},\"source\":\"x\",\"outputs\":[]}]}",
        ],
    ),
    (
        "outputs",
        "a.ipynb",
        [
            "{\"nbformat\":4,\"metadata\":{},\"cells\":[{\"cell_type\":\"code\",\"source\":\"x\",\"outputs\":[",
            "{\"output_type\":\"stream\",\"text\":[\"a\\n\"]},",
            "{\"output_type\":\"stream\",\"text\":\"\"}]}]}",
        ],
    ),
    (
        "one cell",
        "a.ipynb",
        [
            "{\"nbformat\":4,\"metadata\":{},\"cells\":[{\"cell_type\":\"markdown\",\"source\":\"",
            "<a [b](c) *",
            "\"}]}",
        ],
    ),
    ("nested", "a.ipynb", ["{\"nbformat\":4,\"cells\":", "[", ""]),
    ("nested objects", "a.ipynb", ["{\"nbformat\":4,\"cells\":", "{\"a\":", ""]),
    ("nested", "openapi.json", ["{\"openapi\":\"3.0.0\",\"paths\":", "{\"a\":", ""]),
    ("nested flow", "openapi.yaml", ["openapi: 3.0.0\npaths: ", "[", ""]),
    ("nested flow", "openapi.yaml", ["openapi: 3.0.0\npaths: ", "{a: ", ""]),
    ("nested dashes", "openapi.yaml", ["openapi: 3.0.0\npaths:\n  ", "- ", ""]),
    (
        "description",
        "openapi.yaml",
        [
            "openapi: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\ntags:\n- name: a\n  description: \"",
            "*a [b](",
            "\"\n",
        ],
    ),
    (
        "tags",
        "openapi.yaml",
        ["openapi: 3.0.0\ninfo: {title: a, version: b}\npaths: {}\ntags:\n", "- name: a\n  description: b\n", ""],
    ),
    ("elements", "a.html", ["<html><body>", "<div>", ""]),
    ("ends", "a.html", ["<html><body>", "</div>", ""]),
    ("tables", "a.html", ["<html><body>", "<table><tr><td>", ""]),
    ("cells", "a.html", ["<html><body><table>", "<tr><td>a<td>b", "</table>"]),
    ("formatting", "a.html", ["<html><body>", "<b><i><p>", ""]),
    ("anchors", "a.html", ["<html><body>", "<a href=b>c", ""]),
    ("open tag", "a.html", ["<html><body><a ", "b=\"c\" ", ""]),
    ("comments", "a.html", ["<html><body>", "<!--", ""]),
    ("scripts", "a.html", ["<html><body>", "<script>", ""]),
    ("entities", "a.html", ["<html><body><p>", "&amp", "</p>"]),
    ("one line", "a.html", ["<html><body><p>", "a b ", "</p>"]),
    ("titles", "a.html", ["<html><head>", "<title>", ""]),
    ("metas", "a.html", ["<html><head>", "<meta name=robots content=index>", ""]),
    ("headings", "a.html", ["<html><body>", "<h2>a</h2>", ""]),
    ("lists", "a.html", ["<html><body>", "<ul><li>a", ""]),
    ("one line", "a.txt", ["", "a ", ""]),
    ("lines", "a.txt", ["", "a\n\n", ""]),
    ("front lines", "a.md", ["---\n", "a: b\n", "---\nc"]),
    ("front list", "a.md", ["---\na:\n", "- b\n", "---\nc"]),
    ("front flow", "a.md", ["---\na: ", "[", "\n---\nc"]),
    ("front maps", "a.md", ["---\na: ", "{a: ", "\n---\nc"]),
    ("front dashes", "a.md", ["---\na:\n  ", "- ", "\n---\nc"]),
    ("front text", "a.md", ["---\ntitle: \"", "a ", "\"\n---\nc"]),
    ("front aliases", "a.md", ["---\na: &a [b, b, b, b, b, b, b, b]\nc: [", "*a, ", "]\n---\nc"]),
    ("front open", "a.md", ["---\n", "a: b\n", ""]),
    ("front toml", "a.md", ["+++\na = [", "1, ", "]\n+++\nc"]),
    ("front toml nested", "a.md", ["+++\na = ", "[", "\n+++\nc"]),
    ("front toml keys", "a.md", ["+++\n", "[[a]]\nb = 1\n", "+++\nc"]),
    ("front json", "a.md", ["{\"a\": ", "[", "\n}\nc"]),
    ("skips", "a.md", ["# a\n", "<!-- fin:skip -->\n", ""]),
    ("skipped", "a.md", ["# a\n", "<!-- fin:skip -->a<!-- /fin:skip -->\n", ""]),
    ("headings", "a.md", ["", "## a b\n\nc\n\n", ""]),
    ("definitions", "a.md", ["", "[a]: b\n\n[a]\n\n", ""]),
    ("table", "a.md", ["| a | b |\n|--|--|\n", "| c | d |\n", ""]),
    ("wide table", "a.md", ["", "|a", "|\n"]),
    ("notes", "a.md", ["", "a[^1]\n\n[^1]: b\n\n", ""]),
];

#[test]
fn whatever_format_it_has_ends() {
    let mut trial = Trial::begin();
    for (site, document) in sites() {
        let is_plain = site.name() == "plain";
        for (what, path, [before, piece, after]) in FORMATS {
            // What is no Markdown is the same to every generator, but for templates.
            let extension = DocPath::new(*path).extension();
            let is_markdown = extension == "md";
            if !is_plain && !is_markdown && extension != "html" {
                continue;
            }
            let path = if is_markdown { document.clone() } else { DocPath::new(*path) };
            trial.take(&format!("{} {path} {what}", site.name()), is_plain, |bytes| {
                let times = (bytes / piece.len()).max(1);
                is_page(&site, &path, &format!("{before}{}{after}", piece.repeat(times)))
            });
        }
    }
    let (plain, _) = sites().swap_remove(0);
    trial.take("plain openapi.yaml operations", true, |bytes| {
        is_page(&plain, &DocPath::new("openapi.yaml"), &operations(bytes))
    });
    trial.take("plain openapi.yaml schemas", true, |bytes| {
        is_page(&plain, &DocPath::new("openapi.yaml"), &schemas(bytes))
    });
    trial.end();
}

const OPENAPI: &str = "openapi: 3.0.0\ninfo: {title: a, version: b}\n";

/// A description of as many operations as there is room for.
fn operations(bytes: usize) -> String {
    let mut text = format!("{OPENAPI}paths:\n");
    for number in 0.. {
        write!(text,
            "  /a/{number}:\n    get:\n      tags: [t{}]\n      summary: s\n      description: d\n      parameters:\n        \
             - {{name: p, in: query, schema: {{type: string}}}}\n      responses: {{'200': {{description: ok}}}}\n",
            number % 50
        ).unwrap();
        if text.len() > bytes {
            return text;
        }
    }
    text
}

/// Schemas, each made of the next ones, and an operation that names the first.
fn schemas(bytes: usize) -> String {
    let mut text = format!(
        "{OPENAPI}paths:\n  /a:\n    get:\n      responses:\n        '200':\n          description: ok\n          content:\n            \
         application/json: {{schema: {{$ref: '#/components/schemas/s0'}}}}\ncomponents:\n  schemas:\n"
    );
    for number in 0.. {
        write!(text, "    s{number}:\n      type: object\n      properties:\n").unwrap();
        for next in [0, 1, 2, 3] {
            writeln!(text, "        p{next}: {{$ref: '#/components/schemas/s{}'}}", number + next).unwrap();
        }
        if text.len() > bytes {
            return text;
        }
    }
    text
}

/// Configurations: the generator, other files, the file's path, what it begins with, what is repeated, what it ends with.
const CONFIGURATIONS: &[(Generator, FileTexts, &str, [&str; 3])] = &[
    (Generator::MkDocs, &[], "mkdocs.yml", ["site_name: a\nnav:\n", "- A: a.md\n", ""]),
    (Generator::MkDocs, &[], "mkdocs.yml", ["site_name: a\nnav:\n  ", "- ", "a.md"]),
    (Generator::MkDocs, &[], "mkdocs.yml", ["site_name: a\nnav: ", "[", ""]),
    (Generator::MkDocs, &[], "mkdocs.yml", ["site_name: a\nnot_in_nav: |\n", "  a/**/b*c\n", ""]),
    (Generator::MkDocs, &[], "mkdocs.yml", ["site_name: a\n# ", "!ENV [", "\n"]),
    (Generator::MdBook, &[("book.toml", "")], "src/SUMMARY.md", ["", "- [A](a.md)\n", ""]),
    (Generator::MdBook, &[("book.toml", "")], "src/SUMMARY.md", ["", "- [", ""]),
    (Generator::MdBook, &[("book.toml", "")], "src/SUMMARY.md", ["", "[A](a.md)", ""]),
    (Generator::MdBook, &[("src/SUMMARY.md", "- [A](a.md)")], "book.toml", ["[output.html.redirect]\n", "", ""]),
    (Generator::MdBook, &[("src/SUMMARY.md", "- [A](a.md)")], "book.toml", ["a = ", "[", ""]),
    (Generator::GitBook, &[], "SUMMARY.md", ["", "* [A](a.md)\n", ""]),
    (Generator::GitBook, &[], "SUMMARY.md", ["", "* [A](", ""]),
    (Generator::GitBook, &[], "SUMMARY.md", ["", "[A](a.md)", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["module.exports = {a: [", "{b: 'c'}, ", "]}"]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["module.exports = ", "{a: ", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["module.exports = ", "[", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["", "/*", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["", "const a = `${", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["", "const a = b; ", "module.exports = {a}"]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["", "export default ", ""]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["module.exports = {", "...a, ", "}"]),
    (Generator::Docusaurus, &[], "docusaurus.config.js", ["module.exports = ", "a(", ""]),
    (Generator::VitePress, &[], ".vitepress/config.js", ["export default {rewrites: {", "'a/:b': 'c/:b', ", "}}"]),
    (Generator::VitePress, &[], ".vitepress/config.js", ["export default ", "defineConfig(", ""]),
    (Generator::Starlight, &[], "astro.config.mjs", ["export default defineConfig({a: ", "(() => ", ""]),
    (Generator::Jekyll, &[], "_config.yml", ["", "a: b\n", ""]),
    (Generator::Jekyll, &[], "_config.yml", ["a: ", "[", ""]),
    (Generator::Jekyll, &[], "_config.yml", ["a: ", "{a: ", ""]),
    (Generator::Jekyll, &[], "_config.yml", ["exclude:\n", "- a*b\n", ""]),
    (Generator::Jekyll, &[], "_config.yml", ["defaults:\n", "- scope: {path: a}\n  values: {b: c}\n", ""]),
    (Generator::Hugo, &[], "hugo.toml", ["a = ", "[", ""]),
    (Generator::Hugo, &[], "hugo.toml", ["", "[[a]]\nb = 1\n", ""]),
    (Generator::Hugo, &[], "hugo.yaml", ["a: ", "{a: ", ""]),
    (Generator::Hugo, &[], "hugo.json", ["{\"a\": ", "[", ""]),
    (Generator::Sphinx, &[], "conf.py", ["a = ", "[", ""]),
    (Generator::Sphinx, &[], "conf.py", ["a = ", "(", ""]),
    (Generator::Sphinx, &[], "conf.py", ["extensions = [", "'a', ", "]"]),
    (Generator::Sphinx, &[], "conf.py", ["", "a = b + 'c'\n", ""]),
    (Generator::Sphinx, &[], "conf.py", ["", "\"\"\"", ""]),
    (Generator::Sphinx, &[], "conf.py", ["", "if a:\n  b = 1\n", ""]),
    (Generator::Sphinx, &[], "conf.py", ["exclude_patterns = [", "'a/**/b*c', ", "]"]),
];

/// The files of a site, one of which is long.
struct Long<'a>(FileTexts, &'a str, &'a str);

impl Tree for Long<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        if path == self.1 { Ok(Some(self.2.as_bytes().to_vec())) } else { Files(self.0).read(path) }
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn exists(&self, path: &str) -> bool {
        path == self.1 || self.1.starts_with(&format!("{path}/")) || Files(self.0).exists(path)
    }
}

#[test]
fn whatever_is_configured_ends() {
    let mut trial = Trial::begin();
    for (generator, files, path, [before, piece, after]) in CONFIGURATIONS {
        trial.take(&format!("{generator:?} {path} {before}{piece}"), false, |bytes| {
            // No configuration is longer than a tenth of the longest document.
            let times = (bytes / 10 / piece.len().max(1)).max(1);
            let text = format!("{before}{}{after}", piece.repeat(times));
            let options = SiteOptions {
                generator: *generator,
                base_url: Some("https://docs.example.com/".parse().unwrap()),
                urls: UrlStyle::Directory,
                settings: BTreeMap::new(),
            };
            let Ok(site) = Site::open(options, &Long(files, path, &text)) else { return false };
            is_page(&site, &DocPath::new("a.md"), "# A\n\n[b](b.md)\n");
            true
        });
    }
    trial.end();
}

/// Constructs that another one ends, or that stand within another: what one of the two alone would not show. They are
/// many, so that texts are short, and one of some hundred pairs is tried; with `FINMIRROR_PATHOLOGICAL_ONLY` all it names.
#[test]
fn whatever_follows_another_ends() {
    const BYTES: usize = 200_000;
    const SAMPLE: usize = 199;
    let mut trial = Trial::begin();
    if !trial.is_timed {
        return;
    }
    trial.bytes = BYTES;
    let mut number = 0_usize;
    for (site, path) in sites() {
        for (first, second) in PIECES.iter().flat_map(|first| PIECES.iter().map(move |second| (first, second))) {
            number += 1;
            if trial.only.is_empty() && !number.is_multiple_of(SAMPLE) {
                continue;
            }
            let text = |kind: usize, bytes: usize| match kind {
                0 => format!("{first}{}", second.repeat(bytes / second.len() + 1)),
                1 => format!("{}{second}", first.repeat(bytes / first.len() + 1)),
                _ => format!("{first}{second}").repeat(bytes / (first.len() + second.len()) + 1),
            };
            for kind in 0..3 {
                let what = format!("{} {first:?} {second:?} {kind}", site.name());
                trial.take(&what, false, |bytes| is_page(&site, &path, &text(kind, bytes)));
            }
        }
    }
    trial.end();
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
