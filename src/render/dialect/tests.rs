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

const MKDOCS: &str = "markdown_extensions: [abbr, admonition, attr_list, def_list, footnotes, md_in_html, pymdownx.blocks.admonition, \
    pymdownx.details, pymdownx.emoji, pymdownx.keys, pymdownx.mark, pymdownx.snippets, pymdownx.superfences, pymdownx.tabbed]\n\
    plugins: [mkdocstrings]\n";

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
fn lists_and_html_are_told_apart_as_python_markdown_does() {
    insta::assert_snapshot!(mkdocs(
        "Not a list:\n1. here\n\n- one\n    1. nested at once\n\n      two by two\n\n    Para\n\nTerm\n:   Its meaning\n\n        code <b>\n\n\
         <div>\n\nraw *stars*\n\n    <p>x</p>\n\n</div>\n\nNote[^a] [the ref]\n[ref].\n\n[^a]:\n    Long.\n[ref]: https://r.example/\n\n```\nopen\n"
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

fn gitbook(text: &str) -> String {
    let files = [
        (".gitbook.yaml", "root: ./\n"),
        ("SUMMARY.md", "* [Start](README.md)\n* [A](a.md)\n* [Other](b.md)\n"),
        (".gitbook/vars.yaml", "version: 1.2_3\n"),
        (
            ".gitbook/includes/part.md",
            "---\ntitle: Part\n---\n\nPut **in** {% include \"../../.gitbook/includes/part.md\" %}\n",
        ),
        ("b.md", "# Other\n"),
    ];
    show(&files, "a.md", text)
}

#[test]
fn blocks_of_gitbook_become_what_they_show() {
    insta::assert_snapshot!(gitbook(
        "---\ndescription: Short *said*\n---\n\n# Title\n\n{% hint style=\"info\" %}\nMind\n\n```sh\n{% not %}\n```\n{% endhint %}\n\n\
         1. item\n\n   {% hint style=\"danger\" %}Hot{% endhint %}\n\n   more\n\n{% tabs %}\n{% tab title=\"npm_x\" %}\n{% code title=\"a.js\" lineNumbers=\"true\" %}\n```js\nx\n```\n{% endcode %}\n{% endtab %}\n{% tab title=\"pnpm\" %}\nTwo\n{% endtab %}\n{% endtabs %}\n\n\
         {% content-ref url=\"b.md\" %}\n[b.md](b.md)\n{% endcontent-ref %}\n\n{% embed url=\"https://x.example/v\" %}\nCaption\n{% endembed %}\n\n{% file src=\".gitbook/assets/a b.pdf\" %}\n\n\
         {% include \".gitbook/includes/part.md\" %}\n\n{% include \"gone.md\" %}\n\n{% raw %}\n{% hint %}\n{% endraw %}\n\n{% @figma/embed url=\"https://f.example\" %}\n\n{% odd title=\"Kept\" %}\ninner\n{% endodd %}\n\nend `{% x %}` {% endtab %}\n"
    ));
}

#[test]
fn apis_cards_and_values_of_gitbook_are_text() {
    insta::assert_snapshot!(gitbook(
        "# Api\n\n{% swagger method=\"get\" path=\"/v1\" baseUrl=\"https://a.example\" summary=\"List\" %}\n{% swagger-description %}\nAll of them.\n{% endswagger-description %}\n\
         {% swagger-parameter in=\"query\" name=\"n\" type=\"integer\" required=\"true\" %}\nHow many\n{% endswagger-parameter %}\n{% swagger-response status=\"200\" description=\"Fine\" %}\n```json\n{}\n```\n{% endswagger-response %}\n{% endswagger %}\n\n\
         {% openapi-operation spec=\"x\" path=\"/v2\" method=\"post\" %}\n[OpenAPI x](https://signed.example)\n{% endopenapi-operation %}\n\n\
         <table data-view=\"cards\"><thead><tr><th></th><th data-hidden data-card-target data-type=\"content-ref\"></th></tr></thead>\n<tbody><tr><td><strong>Card</strong></td><td><a href=\"b.md\">b.md</a></td></tr></tbody></table>\n\n\
         ## Values <a href=\"#own\" id=\"own\"></a>\n\nAt <code class=\"expression\">space.vars.version</code>, see [b.md](b.md \"mention\"). <code class=\"expression\">visitor.x</code>\n\n{{ kept }}\n"
    ));
}

#[test]
fn a_book_of_honkit_is_filled_in_outside_of_code() {
    let files = [
        ("book.json", r#"{"title": "Brew", "variables": {"ver": "1.2", "deep": {"a": "b"}}}"#),
        ("SUMMARY.md", "* [A](a.md)\n"),
        ("part.md", "Part {{ book.ver }} {% include \"a.md\" %}\n"),
    ];
    let text = "# A {{ book.ver }}\n\n{{ book.deep.a }} `{{ book.ver }}` {{ book.none }} {{ config.title }} {{ \"lit\" }} {{ f(x) }}\n\n```\n{{ book.ver }}\n```\n\n    {{ code }}\n\n\
                * item\n\n    {{ book.ver }}\n\n{% if book.ver == \"1.2\" %}yes{% else %}no{% endif %}\n\n{% if not book.ver %}no{% else %}yes{% endif %}\n\n{% if user.x %}one{% else %}two{% endif %}\n\n\
                {% include \"./part.md\" %}\n\n{% raw %}{{ raw }}{% endraw %}\n\n{% for x in y %}each{% endfor %}\n";
    insta::assert_snapshot!(show(&files, "a.md", text));
}

#[test]
fn what_wikis_and_forges_add_to_markdown_is_read() {
    let files = [
        ("sub/B.md", "# B\n"),
        ("Two-Words.md", "# T\n"),
        ("part.md", "---\ntitle: x\n---\nPut in [[a]]\n\n::include{file=part.md}\n"),
    ];
    let text = "# A :tada:\n\n[TOC]\n\n> [!NOTE]\n> GitHub's\n\n> [!tip] Own *title*\n> text\n\n> [!faq]-\n> folded\n\n> [!caution] Hot\n> > [!bug]\n> > inner\n\n\
                [[sub/B]] [[sub/B#Own Head|text]] [[Text|sub/B]] [[Two Words]] [[#Here]] [[gone]] `[[code]]` ``[[`x`]]`` \\[[no]] [[1]] [[1]](https://x.example) ![[img.png|30]]\n\n\
                | a | b |\n|---|---|\n| [[sub/B\\|cell]] | :x: |\n\n:::info\ninner [[sub/B]]\n\n:::: warning Mind it\ndeep\n::::\n:::\n\n::: mermaid\ngraph TD;\n:::\n\n\
                ::: {.callout-tip title=\"Quarto\"}\nq\n:::\n\n:::row:::\n:::image type=\"content\" source=\"x.png\" alt-text=\"Shown\":::\n:::row-end:::\n:::odd x:::\n\n\
                >>>\nquoted\n>>>\n\n{+ins+} {-del-} and `{+code+}`\n\n::include{file=part.md}\n\n```\n[[fence]] :x: [TOC]\n```\n\n    [[indented]] :x:\n\n[[_TOC_]]\n\nTerm\n: :smile: def\n";
    insta::assert_snapshot!(show(&files, "a.md", text));
}

#[test]
fn a_text_without_additions_is_not_touched() {
    let site = Site::plain(crate::site::SiteOptions {
        generator: Generator::Plain,
        base_url: None,
        urls: UrlStyle::Directory,
        settings: BTreeMap::new(),
    });
    let (path, facts, files) = (DocPath::new("a.md"), crate::render::Facts::default(), Files(BTreeMap::new()));
    let asking = super::Asking::new(&files);
    let context = super::Context { path: &path, facts: &facts, front: None, site: &site, asking: &asking };
    let is_untouched =
        |text: &str| matches!(super::expand(text, 1, &context).unwrap().text, std::borrow::Cow::Borrowed(_));
    assert!(is_untouched("# A\n\nText at 10:30:45, a: b:c, [link](x.md), > quote, {x}\n"));
    assert!(!is_untouched("so :smile: it is"));
}

#[test]
fn no_text_is_too_much() {
    let pieces = [
        "{% ",
        "{% hint %}",
        "{% hint %}\n",
        "{% endhint %}",
        "{% tab title=\"",
        "{{ ",
        "{{#",
        "{{#title x}}",
        "{{#include a.md}}",
        "{{ #x}} `",
        "`",
        "` ``",
        "[[",
        "[[a]]",
        "[[a|",
        ":::note\n",
        ":::",
        "::: a\n- ",
        ">>>\n",
        "> [!x] y\n",
        "> ",
        ":a",
        ":smile:",
        "{+",
        "{+x",
        "<table data-hidden><th>",
        "<td data-hidden>",
        "<code class=\"expression\">",
        "](a \"mention\")",
        "{% raw %}",
        "{% if a %}",
        "{% else %}",
        "{% include \"a.md\" %}\n",
        "  {% step %}\n",
        "\u{e9}{%\u{e9}%}",
        "<a title=\"x\">",
    ];
    let site = |name: &str, text: &str| match name {
        "gitbook" => gitbook(text),
        "honkit" => show(&[("book.json", "{}"), ("SUMMARY.md", "* [A](a.md)\n")], "a.md", text),
        "mdbook" => show(&[("book.toml", ""), ("src/SUMMARY.md", "- [A](a.md)\n")], "src/a.md", text),
        _ => show(&[], "a.md", text),
    };
    for name in ["gitbook", "honkit", "mdbook", "plain"] {
        for piece in pieces {
            let whole = site(name, &format!("x {}", piece.repeat(300)));
            let closed = site(name, &format!("x {}%}}}} ]] `", piece.repeat(300)));
            assert!(!whole.is_empty() && !closed.is_empty());
        }
    }
}

fn jekyll(path: &str, text: &str) -> String {
    let config = "baseurl: /b\ntitle: Site\nfruits: [apple, pear]\ncollections: {guides: {output: true}}\n\
                  defaults: [{scope: {path: ''}, values: {author: Ada}}]\n";
    let files = [
        ("_config.yml", config),
        ("_data/people.yml", "editors: [{name: Bo}]\n"),
        ("_includes/warn.md", "**{{ include.title }}** {{ include.text | default: 'mind it' }}\n"),
        ("_includes/loop.md", "again {% include loop.md %}\n"),
        ("_guides/g.md", "---\n---\n"),
    ];
    show(&files, path, text)
}

#[test]
fn jekylls_templates_are_run_as_far_as_they_are_known() {
    insta::assert_snapshot!(jekyll(
        "a.md",
        "---\ntitle: A\nkind: x\n---\n{% assign n = site.fruits | size %}{{ page.title }} of {{ site.title }} by {{ page.author }}: {{ n | plus: 1 }}\n\n\
         {% for f in site.fruits %}- {{ f | upcase }}{% if forloop.last %}!{% endif %}\n{% endfor %}\n\
         {% if page.kind == 'x' and site.data.people.editors[0].name == \"Bo\" %}yes{% else %}no{% endif %}{% comment %}c{% endcomment %}\n\n\
         {% include warn.md title=\"T\" %}\n[g]({% link _guides/g.md %}) [gone]({% link gone.md %}) {{ 'x' | relative_url }}\n\n\
         {% raw %}`{{ kept }}`{% endraw %}\n\n{% highlight rb linenos %}\na --b\n{% endhighlight %}\n\n\
         {% include loop.md %}{% include none.md %}\n\n{% note big %}Text within {{ site.posts.size }}{% endnote %}\n\
         {% for p in site.pages %}each {{ p.title }}{% endfor %}{% if jekyll.environment == \"x\" %}perhaps{% endif %}\n"
    ));
}

#[test]
fn kramdown_is_read_as_jekyll_has_it() {
    insta::assert_snapshot!(jekyll(
        "a.md",
        "---\n---\n# \"Title\" -- it's {#own}\n\n1. TOC\n{:toc}\n\n{: .note }\nA *b*{: .c} [l](x.md \"t--u\"){:target=\"_blank\"} $$a_1 b_2$$.\n\n\
         $$\nx_1\n$$\n\n*[HTML]: Hyper\n\n<div>\n**raw**\n\nstill *raw*\n</div>\n<div markdown=\"1\">\n**bold**\n</div>\n\n\
         | a | b |\n| c | d |\n\n{::comment}\nno\n{:/comment}\n\nterm\n: meaning\n\n~~~ sh\n--x \"y\"\n~~~\n## Part\n{: #below .x}\n"
    ));
}

#[test]
fn templates_that_never_end_do() {
    for piece in ["{% for i in (1..10000) %}", "{% include loop.md %}", "{% capture x %}{{ x }}{{ x }}{% endcapture %}"]
    {
        let text = format!("---\n---\nText\n\n{}{{{{ i }}}}{{{{ x }}}}", piece.repeat(40));
        assert!(jekyll("a.md", &text).contains("Text"), "{piece}");
    }
    for piece in [
        "{:",
        "<div>",
        "<div markdown=1>",
        "<div markdown=1>\n",
        "$$\n",
        "{::comment}",
        "| a\n",
        "- TOC\n{:toc}\n",
        "> ",
    ] {
        let _ = jekyll("a.md", &format!("---\n---\nText\n\n{}", piece.repeat(2_000)));
    }
}

/// Files with their texts.
type Beside<'a> = &'a [(&'a str, &'a str)];

#[test]
fn what_is_skipped_is_never_sent_whatever_a_dialect_makes_of_comments() {
    let astro =
        "import starlight from '@astrojs/starlight';\nexport default { integrations: [starlight({ title: 'x' })] };";
    let sites: [(Beside<'_>, &str, &str); 10] = [
        (&[], "a.md", ""),
        (&[("hugo.toml", "")], "content/a.md", ""),
        (&[("_config.yml", "")], "a.md", "{% include x.md %}"),
        (&[("conf.py", "extensions = ['myst_parser']\n")], "a.md", "```{include} s.md\n```"),
        (&[("mkdocs.yml", MKDOCS)], "docs/a.md", "--8<-- \"s.md\""),
        (&[("book.toml", ""), ("src/SUMMARY.md", "- [A](a.md)\n")], "src/a.md", "{{#include s.md}}"),
        (&[(".gitbook.yaml", ""), ("SUMMARY.md", "* [A](a.md)\n")], "a.md", "{% include \"./s.md\" %}"),
        (
            &[(
                "docusaurus.config.js",
                "export default { url: 'https://d.example', baseUrl: '/', presets: [['classic', {}]] };",
            )],
            "docs/a.md",
            "import S from './s.md'\n\n<S />",
        ),
        (&[(".vitepress/config.ts", "export default {}")], "a.md", "<!--@include: ./s.md-->"),
        (&[("astro.config.mjs", astro)], "src/content/docs/a.md", ""),
    ];
    let hidden = "<!-- fin:skip -->\n\nsecret\n\n<!-- /fin:skip -->\n";
    for (site, path, include) in sites {
        let folder = path.trim_end_matches("a.md");
        let (beside, base, included) = (format!("{folder}s.md"), "s.md", "_includes/x.md");
        let mut files: Vec<(&str, &str)> = vec![(&beside, hidden), (base, hidden), (included, hidden)];
        files.extend(site);
        for end in ["", "more <!-- fin:skip -->secret<!-- /fin:skip --> text\n"] {
            let text = format!("---\ntitle: A\n---\n\n# A\n\nseen\n\n{hidden}\n{include}\n\n{end}");
            let shown = show(&files, path, &text);
            assert!(shown.contains("seen") && !shown.contains("secret"), "{path} {site:?}: {shown}");
        }
    }
}
