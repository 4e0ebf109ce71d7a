//! Whole documents of each dialect, on a site that is read from its own configuration: what is sent, and the warnings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::page::DocPath;
use crate::render::{Availability, Inputs, PageOptions, PagePolicies, Subject, facts, render};
use crate::site::{Alone, Generator, Site, SiteOptions, Tree, UrlStyle};

/// A source of a few files.
struct Files(BTreeMap<String, String>);

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

impl Inputs for Files {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        self.0.contains_key(path.as_str()).then(|| format!("https://d.example/~{path}"))
    }

    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        self.0.get(path.as_str()).map(|text| text.as_bytes().into())
    }
}

/// The html of a document among these files, with its warnings.
pub(super) fn show(files: &[(&str, &str)], path: &str, text: &str) -> String {
    let mut all: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    all.insert(path.to_owned(), text.to_owned());
    let files = Files(all);
    let base_url = Some(url::Url::parse("https://d.example/").unwrap());
    let options =
        SiteOptions { generator: Generator::Auto, base_url, urls: UrlStyle::Directory, settings: BTreeMap::new() };
    let site = Site::open(options, &files).unwrap();
    let page = PageOptions {
        locale: "en".into(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies::default(),
    };
    let path = DocPath::new(path);
    let facts = facts(&path, text.as_bytes(), &site).unwrap();
    let placement = site.place(&path, &facts, &Alone);
    let subject = Subject { path: &path, bytes: text.as_bytes(), facts: &facts, placement: &placement };
    match render(subject, &site, &page, &files).map(|mut pages| pages.remove(0)) {
        Ok(rendered) => rendered.warnings.iter().fold(rendered.page.html, |mut out, warning| {
            let line = warning.line.map_or_else(|| "-".into(), |line| line.to_string());
            write!(out, "\n! {line} {}: {}", warning.code, warning.message).unwrap();
            out
        }),
        Err(failure) => format!("failed, {}: {}", failure.code, failure.message),
    }
}

const MKDOCS: &str = "markdown_extensions: [admonition, pymdownx.snippets, pymdownx.tabbed]\nplugins: [mkdocstrings]\n";

fn mkdocs(text: &str) -> String {
    let files = [
        ("mkdocs.yml", MKDOCS),
        ("snip.md", "One\n\n--8<-- \"two.md:b\"\n"),
        ("two.md", "# --8<-- [start:b]\nTwo\n# --8<-- [end:b]\nThree\n"),
    ];
    show(&files, "docs/a.md", text)
}

#[test]
fn admonitions_details_and_tabs_are_quotes_and_labels() {
    insta::assert_snapshot!(mkdocs(
        "- item\n\n    !!! warning \"Hot **oil**\"\n        Mind it.\n\n        ```sh title=\"x.sh\" hl_lines=\"1\"\n        run\n        ```\n\n    after\n\n\
         ??? tip\n    Short.\n!!! note \"\"\n    Bare.\n\n=== \"npm\"\n\n    `npm i`\n\n=== \"pnpm\"\n\n    `pnpm i`\n\n!!! \n\n!!!not one\n"
    ));
}

#[test]
fn blocks_attributes_and_icons_are_read() {
    insta::assert_snapshot!(mkdocs(
        "## Title { #own .x }\n\n/// tip | Named\n    open: true\ntext\n///\n\n[Go](b.md){ .md-button } :material-check: ++ctrl+c++ ==mark==\n{: .lead }\n\n\
         *[HTML]: Hyper Text\n\n<div class=\"grid\" markdown>\n- **in** HTML\n</div>\n\n::: pkg.module\n    options: {x: 1}\n\nend\n"
    ));
}

#[test]
fn snippets_are_put_in_and_what_is_missing_is_said() {
    insta::assert_snapshot!(mkdocs(
        "Start\n\n--8<-- \"snip.md\"\n\n```\n--8<-- \"two.md:2:2\"\n```\n\n--8<--\nnone.md\n; off.md\n--8<--\n\n;--8<-- \"shown\"\n"
    ));
}

#[test]
fn a_books_includes_are_put_in_and_hidden_lines_left_out() {
    let files = [
        ("book.toml", "[output.html.code.hidelines]\npython = \"~\"\n"),
        ("src/SUMMARY.md", "- [A](a.md)\n"),
        ("src/x.rs", "# use a;\n// ANCHOR: m\nfn main() {}\n// ANCHOR_END: m\n"),
        ("src/loop.md", "again {{#include loop.md}}\n"),
    ];
    let text = "{{#title T}}# A\n\n```rust,ignore\n{{#include x.rs}}\n#[test]\n## kept\n```\n\n```python\n~hidden\nshown\n```\n\n\
                {{#playground x.rs:m editable}}\n\nsee {{#include x.rs:m}} and \\{{#include x.rs}}\n\n{{#include loop.md}}\n\n{{#include gone.rs}}\n";
    insta::assert_snapshot!(show(&files, "src/a.md", text));
}

#[test]
fn myst_directives_and_roles_are_read() {
    let files = [
        (
            "conf.py",
            "extensions = ['myst_parser']\nmyst_enable_extensions = ['colon_fence', 'substitution']\nmyst_substitutions = {'v': '1.2'}\n",
        ),
        ("part.txt", "A\n<!-- start -->\nB {kbd}`x`\n```{include} part.txt\n```\n"),
        ("code.py", "one\ntwo\nthree\n"),
        ("b.md", "# B\n"),
    ];
    let text = "(here)=\n# Title\n\n% a comment\n\n::::{note} Mind\n:class: x\n\n:::{warning}\nDeep {py:func}`~a.b.c`.\n:::\n::::\n\n\
                ```{admonition} Own *title*\n---\nclass: x\n---\ntext\n```\n\n```{literalinclude} code.py\n:language: py\n:lines: 2-\n```\n\n\
                ```{include} part.txt\n:start-after: <!-- start -->\n```\n\n```{unheard-of} arg\nkept\n```\n\n```{toctree}\n:hidden:\nb\n```\n\n\
                {abbr}`API (interface)` {{ v }} {{ w }} [x]{.c} `{{ v }}` {odd}`y`\n\n```python\n{not}`a role`\n```\n+++\nend\n";
    insta::assert_snapshot!(show(&files, "a.md", text));
}
