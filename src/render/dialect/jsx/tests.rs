//! Documents in MDX and in the dialect of `VitePress`, as CommonMark.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::page::SourceHash;
use crate::render::asking::Asking;
use crate::render::{Facts, Inputs, Label, front_matter};
use crate::site::{Generator, Site, SiteOptions, Tree, UrlStyle};

struct Files(&'static [(&'static str, &'static str)]);

impl Inputs for Files {
    fn page_url(&self, _: &DocPath) -> Option<String> {
        None
    }
    fn page_title(&self, _: &DocPath) -> Option<String> {
        None
    }
    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        let (_, text) = self.0.iter().find(|(name, _)| *name == path.as_str())?;
        let _ = SourceHash::of(text.as_bytes());
        Some(text.as_bytes().into())
    }
    fn label(&self, _: &str) -> Option<Label> {
        None
    }
    fn page_at(&self, _: &str) -> Option<String> {
        None
    }
    fn convert(&self, _: &DocPath, _: &[u8]) -> Option<Result<String, Failure>> {
        None
    }
}

struct Nothing;

impl Tree for Nothing {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn exists(&self, _: &str) -> bool {
        false
    }
}

const FILES: Files = Files(&[
    ("docs/_part.mdx", "---\nx: 1\n---\nIncluded *text*.\n"),
    ("docs/_loop.mdx", "import Loop from './_loop.mdx'\n\n<Loop/>\n"),
    ("src/x.js", "let x\n// #region r\n  y()\n// #endregion r\n"),
    ("docs/part.md", "## Head\none\n\n## Next\ntwo\n"),
]);

/// Lines without empty ones, then warnings.
fn lines(generator: Generator, path: &str, text: &str) -> Vec<String> {
    let options = SiteOptions { generator, base_url: None, urls: UrlStyle::Directory, settings: BTreeMap::new() };
    let site = Site::open(options, &Nothing).unwrap();
    let split = front_matter::split(text).unwrap();
    let facts = split.front.as_ref().map_or_else(Facts::default, |front| front_matter::read(front, false).unwrap());
    let (path, asking) = (DocPath::new(path), Asking::new(&FILES));
    let context = Context { path: &path, facts: &facts, front: split.front.as_ref(), site: &site, asking: &asking };
    let expanded = super::super::expand(split.body, split.body_line, &context).unwrap();
    let warnings = expanded.warnings.iter().map(|warning| format!("! {} {}", warning.line.unwrap(), warning.code));
    let text = expanded.text.lines().map(str::to_owned).filter(|line| !line.trim_matches(['>', ' ']).is_empty());
    text.chain(warnings).collect()
}

fn mdx(text: &str) -> Vec<String> {
    lines(Generator::Docusaurus, "docs/a.mdx", text)
}

#[test]
fn modules_comments_and_expressions_go_and_literals_stay() {
    let text = "import A from 'a'\nexport const x = {\n  a: 1,\n\n  b: 2\n}\n\n# T {#id}\n\n{/* no */}a{' '}b {1} {x.y}\n\nimport this\n";
    assert_eq!(mdx(text), ["# T {#id}", "a b 1 ", "import this", "! 10 unknown_construct"]);
    assert_eq!(mdx("`{x}` and \\{y} and ``a ` {z}``"), ["`{x}` and \\{y} and ``a ` {z}``"]);
    assert_eq!(
        mdx("```js title=\"x.js\"\nimport a\n// highlight-next-line\n{x}\n```"),
        ["**x.js**", "```js", "import a", "{x}", "```"]
    );
}

#[test]
fn front_matter_says_that_a_text_is_no_mdx() {
    let text = "---\nmdx:\n  format: md\n---\n{x} :tada: `:tada:`\n\n:::note\n{y}\n:::\n";
    assert_eq!(mdx(text), ["{x} 🎉 `:tada:`", "> **note**", "> {y}"]);
}

#[test]
fn tabs_keep_their_labels_and_indentation_is_no_code() {
    let text = "<Tabs values={[{label: 'One', value: 'a'}]}>\n    <TabItem value=\"a\">\n        Text <b>x</b>.\n\n        - item\n          more\n    </TabItem>\n  <TabItem value=\"b\" label=\"Two\">short</TabItem>\n</Tabs>";
    assert_eq!(mdx(text), ["**One**", "Text <b>x</b>.", "- item", "  more", "**Two**", "short"]);
}

#[test]
fn admonitions_become_quotes_within_quotes() {
    let text = "::::note[Own *title*]\nA\n\n:::tip\n- b\n:::\n\nc\n::::\n\nd\n";
    assert_eq!(mdx(text), ["> **Own *title***", "> A", "> > **tip**", "> > - b", "> c", "d"]);
    assert_eq!(mdx("- a\n\n  :::info Title\n  b\n  :::\n"), ["- a", "  > **Title**", "  > b"]);
    assert_eq!(lines(Generator::Starlight, "docs/a.md", ":::tip[T]{icon=\"x\"}\na {b}\n:::"), ["> **T**", "> a {b}"]);
}

#[test]
fn partials_are_written_in_their_place() {
    let text = "import Part from './_part.mdx'\nimport Code from '!!raw-loader!@site/src/x.js'\n\n<Part/>\n\n<CodeBlock language=\"js\">{Code}</CodeBlock>\n";
    assert_eq!(mdx(text)[..3], ["Included *text*.", "```js", "let x"]);
    assert_eq!(mdx("import L from './_loop.mdx'\n\n<L/>\n"), ["! 3 include_cycle"]);
    assert_eq!(mdx("import L from './_gone.mdx'\n\n<L/>\n"), ["! 3 missing_include"]);
}

#[test]
fn components_become_what_they_say() {
    let text = "<Card title=\"Head\" icon=\"x\">\nBody\n</Card>\n\n<LinkCard title=\"A\" description=\"B\" href=\"/c/\" />\n\nSee <Badge text=\"new\" /> <Own label={'L'}>in</Own>.\n";
    let expected = ["**Head**", "Body", "[A](</c/>)", "B", "See new Lin.", "! 7 unknown_construct"];
    assert_eq!(lines(Generator::Starlight, "docs/a.mdx", text), expected);
}

#[test]
fn vitepress_has_its_own_words() {
    let vue = |text: &str| lines(Generator::VitePress, "docs/a.md", text);
    let text = "---\nname: N\n---\n<script setup>\nx\n</script>\n\n::: tip\na {{ $frontmatter.name }} {{ x }}\n:::\n\n::: details More {open}\nb :tada:\n:::\n\n[[toc]]\n";
    assert_eq!(vue(text), ["> **TIP**", "> a N ", "**More**", "b 🎉", "! 9 unknown_construct"]);
    let text = "::: code-group\n```js [a.js]\nx // [!code --]\n```\n<<< @/src/x.js#r [b.js]\n:::\n";
    assert_eq!(vue(text), ["**a.js**", "```js", "x", "```", "**b.js**", "```js", "y()", "```"]);
    assert_eq!(vue("<!--@include: ./part.md#head-->\n"), ["one"]);
    assert_eq!(vue("<!--@include: ./part.md{4,}-->\n"), ["## Next", "two"]);
    assert_eq!(
        vue("## T <Badge type=\"tip\" text=\"new\" />\n<p v-pre>{{ x }}</p>\n"),
        ["## T new", "<p>&#123;{ x }}</p>"]
    );
    let alerts = "- item\n\n  > [!TIP] Own\n  > three\n";
    assert_eq!(vue(alerts), ["- item", "  > **Own**", "  > three"]);
    let home = "---\nlayout: home\nhero: {name: N, text: T, actions: [{text: Go, link: /x}]}\nfeatures: [{title: F, details: D}]\n---\n";
    assert_eq!(vue(home), ["# N T", "[Go](</x>)", "## F", "D"]);
}

#[test]
fn no_text_is_too_much_for_it() {
    for text in ["<A ", "{", "`", ":::note\n", "<A>\n", "- \n", "{{", "<!--", "import {\n", "export const é = `"] {
        for generator in [Generator::Docusaurus, Generator::VitePress] {
            lines(generator, "docs/a.mdx", &text.repeat(3_000));
        }
    }
}
