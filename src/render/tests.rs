//! Documents in, pages out: fixtures, attacks, properties.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use url::Url;

use super::dialect::Lines;
use super::*;
use crate::site::{Alone, Generator, SiteOptions, UrlStyle};

/// The pages that a document may link to.
struct Pages;

impl Inputs for Pages {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        let known = ["index.md", "guide/start.md", "guide/README.md"];
        known.contains(&path.as_str()).then(|| format!("https://d.example/~{}", path.as_str()))
    }
}

/// No page at all.
struct Nothing;

impl Inputs for Nothing {
    fn page_url(&self, _: &DocPath) -> Option<String> {
        None
    }
}

fn site(base: Option<&str>) -> Site {
    let base_url = base.map(|base| Url::parse(base).unwrap());
    Site::plain(SiteOptions {
        generator: Generator::Plain,
        base_url,
        urls: UrlStyle::Directory,
        settings: BTreeMap::new(),
    })
}

fn options() -> PageOptions {
    let policies = PagePolicies { max_title: Some(500), ..PagePolicies::default() };
    let availability = Availability::OnCreate;
    PageOptions { locale: "en".into(), ai_agent: true, ai_copilot: false, availability, policies }
}

fn rendered(path: &str, source: &[u8]) -> Result<Rendered, Failure> {
    let path = DocPath::new(path);
    let site = site(Some("https://d.example/"));
    on_site(&path, source, &site, &options(), &Pages)
}

fn on_site(
    path: &DocPath,
    bytes: &[u8],
    site: &Site,
    options: &PageOptions,
    inputs: &dyn Inputs,
) -> Result<Rendered, Failure> {
    let facts = facts(path, bytes, site)?;
    let placement = site.place(path, &facts, &Alone);
    render(Subject { path, bytes, facts: &facts, placement: &placement }, site, options, inputs)
        .map(|mut p| p.remove(0))
}

/// The html of a document and what is wrong with it.
fn show_file(path: &str, source: &str) -> String {
    match rendered(path, source.as_bytes()) {
        Ok(Rendered { page, warnings, .. }) => warnings.iter().fold(page.html, |mut out, warning| {
            let line = warning.line.map_or_else(|| "-".into(), |line| line.to_string());
            write!(out, "\n! {line} {}: {}", warning.code, warning.message).unwrap();
            out
        }),
        Err(failure) => format!("failed, {}: {}", failure.code, failure.message),
    }
}

fn show(markdown: &str) -> String {
    show_file("guide/now.md", markdown)
}

fn title(path: &str, source: &str) -> String {
    rendered(path, source.as_bytes()).unwrap().page.title
}

#[test]
fn markdown_becomes_clean_html() {
    insta::assert_snapshot!(show(
        "# Title *here*\n\nA **b** ~~c~~ `d<e>` &copy; \\* \"q\"  \nnext\nline\n\n* one\n* two\n  1. x\n\n5) five\n\n> quote\n\n---\n\n    code\n\n```rust,ignore\nlet a = \"<b>\";\n```\n"
    ), @r#"
    <h1 id="title-here">Title <em>here</em></h1>
    <p>A <strong>b</strong> <del>c</del> <code>d&lt;e&gt;</code> © * "q"<br>
    next
    line</p>
    <ul><li>one</li>
    <li>two
    <ol><li>x</li>
    </ol>
    </li>
    </ul>
    <ol start="5"><li>five</li>
    </ol>
    <blockquote><p>quote</p>
    </blockquote>
    <hr>
    <pre><code>code
    </code></pre>
    <pre><code class="language-rust">let a = "&lt;b&gt;";
    </code></pre>
    "#);
}

#[test]
fn tables_keep_their_alignment_and_tasks_their_state() {
    insta::assert_snapshot!(show(
        "| a | b | c |\n|---|:-:|--:|\n| 1 | `x\\|y` | **3** |\n| 4 |\n\n- [x] done\n- [ ] to do\n"
    ), @r#"
    <table><thead><tr><th>a</th>
    <th align="center">b</th>
    <th align="right">c</th>
    </tr>
    </thead>
    <tbody><tr><td>1</td>
    <td align="center"><code>x|y</code></td>
    <td align="right"><strong>3</strong></td>
    </tr>
    <tr><td>4</td>
    <td align="center"></td>
    <td align="right"></td>
    </tr>
    </tbody>
    </table>
    <ul><li>☑ done</li>
    <li>☐ to do</li>
    </ul>
    "#);
}

#[test]
fn alerts_definitions_and_footnotes_are_written_for_readers() {
    insta::assert_snapshot!(show(
        "> [!WARNING]\n> Mind *this*.[^n]\n\nTerm\n: meaning[^two]\n\n[^two]: Second\n    more\n[^n]: First\n[^unused]: never\n\nEnd.[^n]\n"
    ), @r#"
    <blockquote class="markdown-alert-warning"><p><strong>Warning</strong></p>
    <p>Mind <em>this</em>.<sup>1</sup></p>
    </blockquote>
    <dl><dt>Term</dt>
    <dd>meaning<sup>2</sup></dd>
    </dl>
    <p>End.<sup>1</sup></p>
    <ol><li><p>First</p></li>
    <li><p>Second
    more</p></li>
    </ol>
    "#);
}

#[test]
fn headings_have_githubs_ids() {
    insta::assert_snapshot!(show(
        "# A & B\n## A & B\n## `code` and [link](start.md)\n## Chosen {#my-id .cls}\n## My ID\n## !!!\n### Ünï *cödé*\n"
    ), @r#"
    <h1 id="a--b">A &amp; B</h1>
    <h2 id="a--b-1">A &amp; B</h2>
    <h2 id="code-and-link"><code>code</code> and <a href="https://d.example/~guide/start.md">link</a></h2>
    <h2 id="my-id">Chosen</h2>
    <h2 id="my-id-1">My ID</h2>
    <h2>!!!</h2>
    <h3 id="ünï-cödé">Ünï <em>cödé</em></h3>
    "#);
}

#[test]
fn links_are_rewritten_or_become_text() {
    insta::assert_snapshot!(show(
        "[a](start.md#x) [b](./) [c][ref] [gone](gone.md) ![pic](img/a.png) [zip](x.zip) [top](#a)\n\
         [js](javascript:alert(1)) <https://x.example/?a=1&b=2> <me@x.example> [empty]() ![](data:image/png,x)\n\n\
         line [dead *too*](../gone.md#x)\n\n[ref]: ../index.md 'title'\n"
    ), @r#"
    <p><a href="https://d.example/~guide/start.md#x">a</a> <a href="https://d.example/~guide/README.md">b</a> <a href="https://d.example/~index.md">c</a> gone <img src="https://d.example/guide/img/a.png" alt="pic"> <a href="https://d.example/guide/x.zip">zip</a> <a href="https://d.example/guide/now/#a">top</a>
    js <a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a> <a href="mailto:me@x.example">me@x.example</a> empty </p>
    <p>line dead <em>too</em></p>
    ! 1 dead_link: `gone.md` leads to `guide/gone.md`, which is no page
    ! 2 no_alt: an image without alternative text says nothing to Fin
    ! 4 dead_link: `../gone.md#x` leads to `gone.md`, which is no page
    "#);
}

#[test]
fn without_a_base_url_relative_links_become_text() {
    let path = DocPath::new("a.md");
    let source = b"[a](b.md) [z](z.zip) ![alt](i.png) [w](https://w.example) [f](#f)";
    let rendered = on_site(&path, source, &site(None), &options(), &Nothing).unwrap();
    assert_eq!(rendered.page.html, "<p>a z alt <a href=\"https://w.example\">w</a> f</p>");
    assert_eq!((rendered.page.url, rendered.warnings), (None, vec![]));
}

#[test]
fn raw_html_is_sanitised() {
    insta::assert_snapshot!(show(
        "<div class=\"note\" style=\"x\" onclick=\"y\">\n\n**md** inside\n\n</div>\n\n\
         <p align=\"center\"><a href=\"start.md\">s</a> <a href=\"gone.md\">g</a> <img src=\"a.png\" alt=\"A &amp; b\" width=3></p>\n\n\
         <details open><summary>Sum</summary>\n\n- x\n\n</details>\n\n\
         <table><tr><th colspan=2 onclick=x>h</th><tr><td>1<td>2</table>\n\n\
         text <kbd>Ctrl</kbd> H<sub>2</sub>O <span style=\"color:red\">red</span><br>x <abbr title=\"T\">t</abbr> <!-- gone -->\n\n\
         <script>alert(1)</script>\n<style>p{}</style>\n\n<input type=checkbox checked> task <Tabs>tab</Tabs>\n"
    ), @r#"
    <div>
    <p><strong>md</strong> inside</p>
    </div>

    <p><a href="https://d.example/~guide/start.md">s</a> g <img src="https://d.example/guide/a.png" alt="A &amp; b"></p>

    <details><summary>Sum</summary>

    <ul><li>x</li>
    </ul>
    </details>

    <table><tbody><tr><th colspan="2">h</th>
    </tr>
    <tr><td>1</td>
    <td>2</td>
    </tr>
    </tbody></table>

    <p>text <kbd>Ctrl</kbd> H<sub>2</sub>O red<br>x <abbr title="T">t</abbr> </p>


    <p>☑  task tab</p>
    ! 7 dead_link: `gone.md` leads to `guide/gone.md`, which is no page
    ! 22 unknown_construct: `<Tabs>` is not understood; its text is sent as it stands
    "#);
}

#[test]
fn what_is_hidden_in_html_stays_hidden_across_markdown() {
    insta::assert_snapshot!(show(
        "<div><script>\nvar a;\n\nsecret()\n\n</script></div>\n\nshown\n\n<div>\n<!-- secret\n\nsecret -->\n</div>\n\nshown too\n\n<nav>\n\n- secret\n\n</nav>\n\nend <svg><text>secret</text></svg>\n"
    ), @"
    <div><p>shown</p>
    <div>
    </div>

    <p>shown too</p>

    <p>end </p>
    </div>
    ");
}

#[test]
fn a_comment_that_its_block_leaves_open_ends_where_it_was_meant_to() {
    assert_eq!(
        show("<div>\n<!-- secret\n\nsecret --> shown\n\nmore\n</div>\n"),
        "<div>\n<p> shown</p>\n<p>more</p>\n</div>"
    );
    assert_eq!(show("a\n\n<div><!-- secret\n\nsecret\n"), "<p>a</p>\n<div></div>");
}

#[test]
fn an_element_hidden_around_a_note_may_end_in_it() {
    insta::assert_snapshot!(show("a[^1]\n\n<nav>\n\nsecret\n\n[^1]: secret</nav> note\n\nb\n"), @"
    <p>a<sup>1</sup></p>
    <p>b</p>
    <ol><li><p> note</p></li>
    </ol>
    ");
}

#[test]
fn an_element_that_swallows_the_rest_is_named() {
    insta::assert_snapshot!(show("text\n\n<nav>\n\nlost\n"), @"
    <p>text</p>
    ! 3 unclosed_html: `<nav>` is never closed: everything after it is left out
    ");
}

#[test]
fn unknown_constructs_are_named_and_sent() {
    insta::assert_snapshot!(show(
        "---\ntitle: x\n---\n:::tip\nTip\n:::\n\n!!! note \"T\"\n    x\n\n{% raw %} {{ v }}\n\n--8<-- \"f\"\n\n<<< @/x.ts\n\n[[Wiki]] and $$x$$ and {ref}`x`\n\n```{note}\nx\n```\n\n<!--@include: ./x.md-->\n\n```\n:::tip\n{{#include x}}\n```\n\n`{{ code }}` \\{{ escaped\n\na <!-- b\n\nc -->\n"
    ), @r#"
    <blockquote><p><strong>Tip</strong></p>
    <p>Tip</p>
    </blockquote>
    <p>!!! note "T"
    x</p>
    <p>{% raw %} {{ v }}</p>
    <p>--8&lt;-- "f"</p>
    <p>&lt;&lt;&lt; @/x.ts</p>
    <p>Wiki and $$x$$ and {ref}<code>x</code></p>
    <pre><code>x
    </code></pre>

    <pre><code>:::tip
    {{#include x}}
    </code></pre>
    <p><code>{{ code }}</code> {{ escaped</p>
    <p>a &lt;!-- b</p>
    <p>c --&gt;</p>
    ! 17 dead_link: `[[Wiki]]` names no page, or several
    ! 8 unknown_construct: `!!!` admonition is not understood; its text is sent as it stands
    ! 11 unknown_construct: `{% %}` tag is not understood; its text is sent as it stands
    ! 11 unknown_construct: `{{ }}` expression is not understood; its text is sent as it stands
    ! 13 unknown_construct: `--8<--` snippet is not understood; its text is sent as it stands
    ! 15 unknown_construct: `<<<` code import is not understood; its text is sent as it stands
    ! 17 unknown_construct: `$$` math is not understood; its text is sent as it stands
    ! 17 unknown_construct: `{role}` is not understood; its text is sent as it stands
    ! 19 unknown_construct: `{note}` directive is not understood; its text is sent as it stands
    ! 23 unknown_construct: `<!-- @include -->` is not understood; its text is sent as it stands
    ! 26 unknown_construct: `{{#include}}` is not understood; its text is sent as it stands
    ! 32 unknown_construct: a comment that an empty line breaks is not understood; its text is sent as it stands
    "#);
    insta::assert_snapshot!(show_file("a.mdx", "import X from './x'\n\n# T {props.x}\n\n<X.Y a={1} />\n"), @r#"
    <p>import X from './x'</p>
    <h1 id="t">T</h1>
    <p>&lt;X.Y a={1} /&gt;</p>
    ! 1 unknown_construct: `import` line is not understood; its text is sent as it stands
    ! 5 unknown_construct: JSX component is not understood; its text is sent as it stands
    ! 5 unknown_construct: `{}` expression is not understood; its text is sent as it stands
    "#);
}

#[test]
fn colons_make_definitions_only_where_they_are_meant_to() {
    insta::assert_snapshot!(show("term\n: one\n: two\n\n> t\n> :   d\n"), @"
    <dl><dt>term</dt>
    <dd>one</dd>
    <dd>two</dd>
    </dl>
    <blockquote><dl><dt>t</dt>
    <dd>d</dd>
    </dl>
    </blockquote>
    ");
    insta::assert_snapshot!(show("::: info Title\ntext\n:::\n\nterm\n: one\n"), @"
    <blockquote><p><strong>Title</strong></p>
    <p>text</p>
    </blockquote>
    <dl><dt>term</dt>
    <dd>one</dd>
    </dl>
    ");
    insta::assert_snapshot!(show("::: (odd)\ntext\n\nterm\n: one\n"), @"
    <p>::: (odd)
    text</p>
    <p>term
    : one</p>
    ! 1 unknown_construct: `:::` container is not understood; its text is sent as it stands
    ");
    insta::assert_snapshot!(show("text\n:no_emoji: more\n"), @"
    <p>text
    :no_emoji: more</p>
    ");
}

#[test]
fn attributes_below_an_underlined_heading_do_not_stop_the_parser() {
    for source in ["* a\n   {}\n  -", "1. a\n    {#x}\n   =", "> - a\n>    {}\n>   -", "[^1]:a\n     {}\n    -"] {
        let found = rendered("a.md", source.as_bytes()).map_err(|failure| failure.code);
        assert!(found.is_ok() || found == Err("empty".into()), "{source:?}: {found:?}");
    }
    assert_eq!(show("A {#b}\n---\n"), "<h2 id=\"b\">A</h2>");
    assert_eq!(show("A\n---\n# B {#c}\n"), "<h2 id=\"a\">A</h2>\n<h1 id=\"c\">B</h1>");
}

#[test]
fn a_panic_of_a_parser_fails_the_page_alone() {
    let failed = guarded::<()>(|| panic!("a parser's"));
    assert_eq!(failed.unwrap_err().code, "renderer");
}

#[test]
fn skipped_text_is_cut_wherever_it_stands() {
    insta::assert_snapshot!(show(
        "# T <!-- fin:skip -->secret<!-- /fin:skip -->t\n\n<!-- fin:skip -->\n# Secret\n\n[s]: https://secret.example\n\nsecret\n<!-- /fin:skip -->\n\n## Secret\n\n\
         - a\n- b <!-- fin:skip -->\n  - secret\n- secret\n\n> secret <!-- /fin:skip --> after\n\n\
         | a | b |\n|---|---|\n| 1 | <!-- fin:skip -->secret<!-- /fin:skip --> |\n| <!-- fin:skip -->secret | secret |\n| secret<!-- /fin:skip --> | 4 |\n\n\
         > <div><!-- fin:skip -->\n> secret\n> <!-- /fin:skip -->kept</div>\n\n\
         ![alt <!--fin:skip-->secret<!--/fin:skip--> alt](x.png) [s] `<!-- fin:skip -->`\n\n```\n<!-- fin:skip -->\n```\n"
    ), @r#"
    <h1 id="t-t">T t</h1>

    <h2 id="secret">Secret</h2>
    <ul><li>a</li>
    <li>b </li>
    </ul>
    <blockquote><p> after</p>
    </blockquote>
    <table><thead><tr><th>a</th>
    <th>b</th>
    </tr>
    </thead>
    <tbody><tr><td>1</td>
    <td></td>
    </tr>
    <tr><td></td>
    <td></td></tr>
    <tr><td></td><td>4</td>
    </tr>
    </tbody>
    </table>
    <blockquote><div>kept</div>

    </blockquote>
    <p><img src="https://d.example/guide/x.png" alt="alt  alt"> s <code>&lt;!-- fin:skip --&gt;</code></p>
    <pre><code>&lt;!-- fin:skip --&gt;
    </code></pre>
    "#);
}

#[test]
fn markers_that_are_shown_are_text() {
    for source in [
        "Write `<!-- fin:skip -->` and `<!-- /fin:skip -->` around it.",
        "Write `<!-- fin:skip -->…<!-- /fin:skip -->`, or say fin:skip, or `fin: {skip: true}` and `fin:skip`.",
        "```html\n<!-- fin:skip -->\ninternal\n<!-- /fin:skip -->\n```\n",
        "> - ~~~\n>   <!-- fin:skip -->\n>   ~~~\n",
        "````md\n```\n<!-- fin:skip -->\n```\n````\n",
    ] {
        let text = rendered("a.md", source.as_bytes()).unwrap().text();
        assert!(text.contains("fin:skip"), "{source}: {text}");
    }
}

#[test]
fn markers_that_cannot_be_trusted_fail_the_page() {
    insta::assert_snapshot!([
        "a\n\n<!-- fin:skip -->\nsecret\n",
        "---\na: b\n---\n\n<!-- /fin:skip -->\n",
        "<!-- fin:skip -->\n\n<!-- fin:skip -->\n\n<!-- /fin:skip -->",
        "`<!-- fin:skip -->` secret <!-- /fin:skip -->",
        "<!-- fin:skip --> secret `<!-- /fin:skip -->`",
        "\\<!-- fin:skip --> secret \\<!-- /fin:skip -->",
        "- x\n\n      <!-- fin:skip -->\n      secret\n      <!-- /fin:skip -->\n",
        "```\nopen\n\n<!-- fin:skip -->\nsecret\n<!-- /fin:skip -->\n",
        "```\nforgotten\n\n<!-- fin:skip -->\nsecret\n<!-- /fin:skip -->\n\n```rust\ncode\n```\n",
        "`stray <!-- fin:skip --> `x` secret <!-- fin:skip --> <!-- /fin:skip -->",
        "<!-- fin:skip\n\n-->secret<!-- /fin:skip -->",
        "text <!-- fin:skip\n\n--> secret <!-- /fin:skip\n\n-->",
        "{/* fin:skip */}\n\nsecret\n\n{/* /fin:skip */}",
        "<img alt=\"<!-- fin:skip -->\"> secret <img alt=\"<!-- /fin:skip -->\">",
        "[x](<!-- fin:skip --> \"t\") secret",
        "<script>\n<!-- fin:skip -->\n</script>\n\nsecret\n\n<script>\n<!-- /fin:skip -->\n</script>",
        "<!-- Fin:Skip: internal -->secret<!-- /fin:skip -->",
        "<!-- fin:hide -->secret<!-- /fin:hide -->",
    ].map(show).join("\n"), @"
    failed, fin_skip: line 3: the `fin:skip` marker is never closed
    failed, fin_skip: line 5: the `fin:skip` marker closes where none is open
    failed, fin_skip: line 3: the `fin:skip` marker opens within the one of line 1; they do not nest
    failed, fin_skip: line 1: the `fin:skip` marker closes where none is open
    `
    failed, fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 3: the `fin:skip` marker stands in indented code; write it as fenced code if it is meant as text
    failed, fin_skip: line 4: the `fin:skip` marker stands in a code block that is not closed where it was meant to be
    failed, fin_skip: line 4: the `fin:skip` marker stands in a code block that is not closed where it was meant to be
    failed, fin_skip: line 1: the `fin:skip` marker stands in code that may end elsewhere than was meant; check the backticks
    failed, empty: the page has no text; write some, or leave it out with `fin: {skip: true}`
    failed, fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 1: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 2: the `fin:skip` marker stands where it is no HTML comment; move it, or write it as code if it is meant as text
    failed, fin_skip: line 1: the `fin:skip` marker is spelt `Fin:Skip: internal`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it
    failed, fin_skip: line 1: the `fin:skip` marker is spelt `fin:hide`; it is `<!-- fin:skip -->` or `<!-- /fin:skip -->`, with nothing else in it
    ");
    let html = "<main><!-- fin:skip --><p>secret</p></main>";
    assert!(show_file("a.html", html).starts_with("failed, fin_skip: line 1"));
}

#[test]
fn html_documents_give_their_main_content() {
    let html = "<!doctype html><html><head><title>Head &amp; shoulders</title><script>x</script></head><body><header>top</header><nav>menu</nav>\
        <main class=x><h2 id=a>Sub<a class=headerlink href=#a>¶</a></h2><p>One<p>Two <a href='start.md'>s</a><!-- c --><aside>Note</aside>\
        <!-- fin:skip --><p>secret</p><!-- /fin:skip --><ul><li>x<li hidden>y</ul><footer>foot</footer></main><footer>end</footer></body></html>";
    insta::assert_snapshot!(show_file("guide/p.html", html), @r#"
    <h2 id="a">Sub</h2>
    <p>One</p>
    <p>Two <a href="https://d.example/~guide/start.md">s</a></p>
    <div>Note</div>
    <ul><li>x</li>
    <li>y</li>
    </ul>
    "#);
    assert_eq!(title("p.html", html), "Head & shoulders");
    insta::assert_snapshot!(show_file("p.html", "<body><header>h</header><div role=main><div>a</div><p>b</div><p>c"), @"
    <div>a</div>
    <p>b</p>
    ");
    insta::assert_snapshot!(show_file("p.html", "<article><h1>1</h1></article>x<article>2</article>"), @"
    <h1>1</h1>
    2
    ");
    insta::assert_snapshot!(show_file("p.html", "<header><h1>site</h1></header><p>text &eacute; &lt;</p><aside>more</aside>"), @"<p>text é &lt;</p>");
    insta::assert_snapshot!(show_file("p.html", "---\ntitle: T\n---\n<p>x"), @"<p>x</p>");
}

#[test]
fn robots_may_be_kept_out_by_the_head() {
    for (meta, excluded) in [
        ("<meta name=robots content=noindex>", true),
        ("<META content='nofollow, NOINDEX' name='Robots'>", true),
        ("<meta name=robots content=none>", true),
        ("<meta name=robots content=nofollow>", false),
        ("<!-- <meta name=robots content=noindex> -->", false),
    ] {
        let facts = facts(&DocPath::new("a.html"), meta.as_bytes(), &site(None)).unwrap();
        assert_eq!(facts.excluded.is_some(), excluded, "{meta}");
    }
}

#[test]
fn text_documents_keep_their_lines() {
    insta::assert_snapshot!(show_file("a.txt", "one <b>\n  two\n\n\n---\ndraft: true\n---\n"), @"
    <p>one &lt;b&gt;<br>
      two</p>
    <p>---<br>
    draft: true<br>
    ---</p>
    ");
    insta::assert_snapshot!(show_file("a.rst", "Title\n=====\n<!-- fin:skip -->secret<!-- /fin:skip -->x"), @"
    <p>Title<br>
    =====<br>
    x</p>
    ! - unknown_construct: `.rst` is not understood; it is sent as plain text
    ");
}

#[test]
fn text_documents_may_have_front_matter() {
    let facts = |source: &str| facts(&DocPath::new("a.txt"), source.as_bytes(), &site(None));
    assert_eq!(facts("---\ndraft: true\n---\nx").unwrap().excluded.as_deref(), Some("draft: true"));
    assert_eq!(facts("+++\ndraft = true\n+++\nx").unwrap().excluded.as_deref(), Some("draft: true"));
    assert_eq!(facts("---\ntitle: [\n---\nx").unwrap_err().code, "front_matter");
    assert_eq!(facts("---\nFAQ\n---\nx").unwrap(), Facts::default());
    assert_eq!(facts("{\"draft\": true").unwrap(), Facts::default());
    assert_eq!(title("a.txt", "---\ntitle: T\n---\nx"), "T");
}

#[test]
fn titles_come_from_the_page_the_front_matter_and_the_name() {
    for (path, source, expected) in [
        ("a.md", "---\ntitle: front\n---\n## sub\n\n# The `H1` &amp; *more*\n", "The H1 & more"),
        ("a.md", "---\ntitle: front\n---\n## sub\n", "front"),
        ("a.md", "# ![logo](x.png)\n\n## sub\n", "sub"),
        ("a.md", "<h1 align=center>Raw <b>one</b></h1>\n\n# second\n", "Raw one"),
        ("getting-started_now.md", "text", "Getting started now"),
        ("guide/how-to/index.md", "text", "How to"),
        ("guide/README.md", "text", "Guide"),
        ("README.md", "text", "README"),
        ("-.md", "text", "-.md"),
        ("élan.txt", "text", "Élan"),
        ("a.md", "<!-- fin:skip -->\n# secret\n<!-- /fin:skip -->\n# shown\n", "shown"),
    ] {
        assert_eq!(title(path, source), expected, "{source}");
    }
    assert_eq!(title("a.md", &format!("# {}", "x ".repeat(2000))).chars().count(), 500);
}

#[test]
fn a_page_without_text_fails() {
    for source in [
        "",
        "\n\n",
        "---\ntitle: x\n---\n",
        "<!-- only -->",
        "![](x.png)",
        "<script>x</script>",
        "<!-- fin:skip -->x<!-- /fin:skip -->",
    ] {
        assert_eq!(rendered("a.md", source.as_bytes()).unwrap_err().code, "empty", "{source}");
    }
}

#[test]
fn bytes_that_are_no_text_fail_with_their_line() {
    let failure = rendered("a.md", b"one\ntwo \xff").unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("invalid_utf8", "line 2, byte 8: the text is not UTF-8; save the file as UTF-8")
    );
    assert_eq!(rendered("a.md", b"\xef\xbb\xbf---\ntitle: T\n---\nx").unwrap().page.title, "T");
}

#[test]
fn switches_are_managed_where_somebody_says_so() {
    let page = |front: &str, availability| {
        let (path, source) = (DocPath::new("a.md"), format!("---\n{front}\n---\nx"));
        let options = PageOptions { availability, ..options() };
        let page = on_site(&path, source.as_bytes(), &site(None), &options, &Pages).unwrap().page;
        [page.ai_agent, page.ai_copilot].map(|switch| (switch.on, switch.managed))
    };
    assert_eq!(page("a: b", Availability::OnCreate), [(true, false), (false, false)]);
    assert_eq!(page("a: b", Availability::Managed), [(true, true), (false, true)]);
    assert_eq!(page("fin: {agent: false}", Availability::OnCreate), [(false, true), (false, false)]);
    assert_eq!(page("fin: {copilot: true}", Availability::Managed), [(true, true), (true, true)]);
}

#[test]
fn ids_and_urls_come_from_front_matter_before_the_path() {
    let page = |source: &str| rendered("guide/a b.md", source.as_bytes()).unwrap().page;
    let plain = page("x");
    assert_eq!(
        (plain.external_id.as_str(), plain.url.as_deref()),
        ("guide/a b.md", Some("https://d.example/guide/a%20b/"))
    );
    let named = page("---\nid: my-id\nslug: other\n---\nx");
    assert_eq!((named.external_id.as_str(), named.url.as_deref()), ("my-id", Some("https://d.example/guide/other/")));
}

#[test]
fn everything_asked_is_sorted_and_kept_once() {
    let asked = rendered("a.md", b"[z](z.md) [s](guide/start.md) [z](z.md#x) <a href='b.md'>b</a>").unwrap().asked;
    let of = |path: &str, url: Option<&str>| Asked::PageUrl(DocPath::new(path), url.map(Into::into));
    assert_eq!(
        asked,
        [of("b.md", None), of("guide/start.md", Some("https://d.example/~guide/start.md")), of("z.md", None)]
    );
}

#[test]
fn the_recipe_covers_the_site_and_the_options() {
    let base = recipe(&site(None), &options());
    assert_eq!(base, recipe(&site(None), &options()));
    assert_ne!(base, recipe(&site(Some("https://d.example")), &options()));
    assert_ne!(base, recipe(&site(None), &PageOptions { ai_agent: false, ..options() }));
}

#[test]
fn warnings_are_bounded() {
    let warnings = rendered("a.md", "[x](gone.md)\n\n".repeat(300).as_bytes()).unwrap().warnings;
    assert_eq!((warnings.len(), warnings[100].message.as_str()), (101, "and 200 more"));
}

#[test]
fn text_is_what_the_html_says() {
    let rendered =
        rendered("a.md", b"# T\n\na *b*c\n- x\n- y `z`\n\n```\nl1\n  l2\n```\n![alt](https://x.example/i.png)")
            .unwrap();
    assert_eq!(rendered.text(), "T a bc x y z l1 l2");
}

#[test]
fn deep_and_long_input_ends_in_time_and_stack() {
    let many = |piece: &str| piece.repeat(100_000 / piece.len());
    for piece in [
        ">",
        "> ",
        "- ",
        "[",
        "![",
        "*",
        "**a",
        "_",
        "`",
        "<",
        "<b>",
        "<div>",
        "<div>\n\n",
        "<table>x",
        "<td>",
        "<a href=x>",
        "<!--",
        "<p><b>",
        "&",
        "©",
        "{{",
        "[[",
        "$$",
        "[a](",
        "[^a]: x\n\n",
        "<svg>",
        "</div>",
        "1. ",
        "|",
        "\n|",
        "<!-- fin:skip -->",
    ] {
        for path in ["a.md", "a.html", "a.txt"] {
            let _ = rendered(path, many(piece).as_bytes());
        }
        let _ = rendered("a.md", format!("<!-- fin:skip -->{}\n\n<!-- /fin:skip -->\n\nx", many(piece)).as_bytes());
    }
    let lazy = format!("{}{}", "> ".repeat(50_000), "a\n".repeat(50_000));
    assert_eq!(rendered("a.md", lazy.as_bytes()).unwrap_err().code, "too_nested");
}

/// What no page may hold, whatever the document says.
fn assert_clean(html: &str) {
    let lower = html.to_ascii_lowercase();
    for tag in [
        "<script",
        "<style",
        "<iframe",
        "<svg",
        "<math",
        "<object",
        "<form",
        "<input",
        "<!--",
        "<template",
        "<base",
        "<meta",
    ] {
        assert!(!lower.contains(tag), "{tag} in {html}");
    }
    // Every attribute that is written is one of these; so there is no `on…=` and no `style=`.
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        let mut tag = &tag[..tag_end(tag)];
        rest = &rest[at + 1 + tag.len()..];
        while let Some(equals) = tag.find("=\"") {
            let name = tag[..equals].rsplit(' ').next().unwrap();
            let value = &tag[equals + 2..];
            let end = value.find('"').unwrap();
            let known = ["href", "src", "alt", "id", "class", "title", "align", "colspan", "rowspan", "start"];
            assert!(known.contains(&name), "{name} in {html}");
            if matches!(name, "href" | "src") {
                let scheme = value[..end].split(':').next().unwrap().to_ascii_lowercase();
                assert!(["http", "https", "mailto", "tel"].contains(&scheme.as_str()), "{value} in {html}");
            }
            tag = &value[end + 1..];
        }
    }
}

fn tag_end(tag: &str) -> usize {
    let mut quoted = false;
    tag.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })
    .unwrap_or(tag.len())
}

#[test]
fn known_attacks_come_to_nothing() {
    for attack in [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//x>",
        "<img src=x onerror=alert(1)>",
        "<img src=\"javascript:alert(1)\">",
        "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
        "<a href=\"&#106;&#97;vascript&colon;alert(1)\">x</a>",
        "<a href=' \u{1}javascript:alert(1)'>x</a>",
        "<a href=\"data:text/html;base64,x\">x</a>",
        "[x](javascript:alert(1))",
        "[x](<java\nscript:alert(1)>)",
        "[x](&#106;avascript:alert(1))",
        "[x]: javascript:alert(1)\n\n[x]",
        "![x](javascript:alert(1))",
        "![\" onerror=\"alert(1)](https://x.example/a.png)",
        "[a](https://x.example/\"onmouseover=\"alert(1))",
        "<https://x.example/\"onclick=alert(1)>",
        "<a href='https://x.example/\"onclick=\"x'>x</a>",
        "```\"><script>\nx\n```",
        "``` \"onclick=x\nx\n```",
        "# x {#\"onclick=x}",
        "# x {#a onclick=x}",
        "<h1 id='\"><script>x</script>'>x</h1>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
        "<title><a title=\"</title><img src=x onerror=alert(1)>\">",
        "<!--><img src=x onerror=alert(1)>-->",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "<<script>alert(1)//<</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<div style=\"background:url(javascript:x)\" onclick=x>x</div>",
        "<form action=javascript:x><button formaction=javascript:x>x</button><input type=image src=x onerror=y></form>",
        "<iframe srcdoc='<script>x</script>'></iframe>",
        "<object data=javascript:x></object><embed src=javascript:x>",
        "<base href=//evil><meta http-equiv=refresh content='0;url=javascript:x'><link rel=stylesheet href=//x>",
        "<a href=x xlink:href=javascript:x>x</a>",
        "<table background=javascript:x><td background=javascript:x>x",
        "<video><source onerror=alert(1)></video>",
        "<details open ontoggle=alert(1)>x</details>",
        "| <img src=x onerror=y> |\n|-|\n| <script>x</script> |",
        "[^x]\n\n[^x]: <script>x</script><img src=x onerror=y>",
        "> [!NOTE]\n> <script>x</script>",
        "\u{0}<scr\u{0}ipt>x</script>",
        "<p id=\"x\"\u{0c}onclick=x>x",
    ] {
        for path in ["a.md", "a.mdx", "a.html", "a.txt"] {
            if let Ok(rendered) = rendered(path, format!("{attack}\n\ntext").as_bytes()) {
                assert_clean(&rendered.page.html);
            }
        }
    }
}

/// Documents put together from pieces that matter to the parsers.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<b>",
    "</b>",
    "<div>",
    "</div>",
    "<p>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<table><tbody><tr><td>",
    "<thead>",
    "<tbody>",
    "</tr>",
    "</td>",
    "<th>",
    "<a href='start.md'>",
    "</a>",
    "<script>",
    "</script>",
    "<svg>",
    "<style>",
    "<!--",
    "-->",
    "<!-- x -->",
    "<img src=\"x\" alt='y'>",
    "<details>",
    "<summary>",
    "<li>",
    "<ul>",
    "<h1 id=x>",
    "</h1>",
    "<pre>",
    "<input type=checkbox>",
    "<Foo/>",
    "<title>",
    "<nav>",
    "</nav>",
    "<br>",
    "<hr>",
    "&amp;",
    "&lt;",
    "&#x3c;",
    "&",
    "\"",
    "'",
    "`",
    "```\n",
    "~~~\n",
    "*",
    "**",
    "_",
    "~~",
    "[",
    "](",
    ")",
    "[x]: y\n",
    "![",
    "[^1]",
    "[^1]: ",
    "# ",
    "## ",
    "- ",
    "1. ",
    "> ",
    "> [!NOTE]\n",
    "| a | b |\n|--|--|\n",
    "|",
    "\n",
    "\n\n",
    "    ",
    "\t",
    " ",
    "x",
    "text",
    "é",
    "\u{0}",
    "\r\n",
    ": ",
    "{#id}",
    "- [x] ",
    ":::",
    "{{",
    "$$",
    "---\n",
    "\\",
    "=",
    "javascript:",
    " onclick=x ",
    "<caption>",
    "<dl><dt>",
    "<dd>",
    "<blockquote>",
    "<code>",
    "</code>",
    "<![CDATA[",
    "<?x",
    "<em>",
    "<a id=x>",
    "</p>",
    "</ul>",
    "</li>",
    "<ol>",
    "<dl>",
    "</dl>",
    "</details>",
    "</summary>",
    "<figure>",
    "<b>",
    "</b>",
    "<h2>",
    "</h2>",
    "</pre>",
];

fn soup(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..most).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for path in ["a.md", "a.mdx", "a.html", "a.txt"] {
            let _ = rendered(path, &bytes);
        }
    }

    #[test]
    fn whatever_the_document_the_page_is_clean_and_the_same(source in soup(60)) {
        for path in ["guide/a.md", "a.html"] {
            let first = rendered(path, source.as_bytes());
            prop_assert_eq!(&first, &rendered(path, source.as_bytes()));
            let Ok(first) = first else { continue };
            let (page, text) = (&first.page, first.text());
            assert_clean(&page.html);
            prop_assert!(!page.title.is_empty() && !text.is_empty());
        }
    }

    /// What is not sanitised comes out of the sanitiser as it went in.
    #[test]
    fn a_sanitiser_finds_nothing_to_change(source in soup(14)) {
        let (path, site, skips) = (DocPath::new("a.md"), site(None), Skips::default());
        let asking = Asking::new(&Pages);
        let warnings = Warnings::new(&source, Lines::straight(1), Vec::new());
        let mut draft = Draft::new(Links::new(&path, None, &site, &asking), warnings, 0);
        markdown::write(&source, false, &skips, &mut draft);
        if !draft.writer.is_irregular() {
            let html = draft.writer.finish();
            prop_assert_eq!(elements::sanitised(&html), html);
        }
    }

    #[test]
    fn skipped_text_never_reaches_the_page(before in soup(60), within in soup(60), after in soup(60)) {
        let source = format!("{before}<!-- fin:skip -->{within} QSECRETQ {within}<!-- /fin:skip -->{after}");
        for path in ["a.md", "a.html", "a.txt"] {
            let Ok(rendered) = rendered(path, source.as_bytes()) else { continue };
            let (text, Rendered { page, warnings, .. }) = (rendered.text(), rendered);
            // In code that is closed the markers are text; then they are seen as well.
            let is_literal = page.html.contains("fin:skip") || text.contains("fin:skip");
            prop_assert!(is_literal || !page.html.contains("SECRET"), "{path}: {source:?} became {}", page.html);
            prop_assert!(is_literal || !page.title.contains("SECRET"));
            prop_assert!(is_literal || warnings.iter().all(|warning| !warning.message.contains("SECRET")));
        }
    }
}

#[test]
fn what_an_unknown_element_says_in_its_attributes_is_kept() {
    insta::assert_snapshot!(show("<Listing number=\"1\" caption=\"A `first` &amp; last\">\n\n```rs\nx\n```\n\n</Listing>\n\nSee <x-badge text=\"new\"></x-badge> it.\n"), @r#"
    <p>A first &amp; last</p>

    <pre><code class="language-rs">x
    </code></pre>

    <p>See  new  it.</p>
    ! 1 unknown_construct: `<Listing>` is not understood; its text is sent as it stands
    ! 9 unknown_construct: `<x-badge>` is not understood; its text is sent as it stands
    "#);
}
