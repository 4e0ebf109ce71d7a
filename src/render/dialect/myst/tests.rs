//! Snapshots of what becomes of each construct of `MyST`.

use super::super::tests::show;

const CONF: (&str, &str) = (
    "conf.py",
    "extensions = ['myst_parser']\nmyst_enable_extensions = ['colon_fence', 'deflist', 'fieldlist', 'dollarmath', 'amsmath', \
     'substitution', 'replacements', 'linkify', 'attrs_block']\nmyst_substitutions = {'v': '1.2', 'block': '- a\\n- b'}\n\
     myst_url_schemes = {'bug': {'url': 'https://bugs.example/{{path}}', 'title': 'Bug {{path}}'}}\n",
);

fn of(text: &str) -> String {
    let files = [
        CONF,
        ("b.md", "# B\n\n## Part\n\n```{toctree}\nc\n```\n"),
        ("c.md", "---\ntitle: no\n---\nC\n=\n\nText\n\n# Second\n"),
        ("d/e.rst", "=\nE\n=\n\nInner\n-----\n"),
        ("x.py", "@dec\ndef f():\n    pass\n\ndef g(): pass\n"),
        ("t.csv", "1;\"two;\"\"2\"\"\"\n"),
    ];
    show(&files, "a.md", text)
}

#[test]
fn tables_of_contents_go_as_deep_as_they_say() {
    insta::assert_snapshot!(of(
        "# A\n\n```{toctree}\n:caption: All\nb\nOwn <d/e>\nWeb <https://web.example/>\ngone\n```\n\n```{toctree}\n:maxdepth: 1\n:reversed:\nb\nc\n```\n"
    ));
}

#[test]
fn tables_of_directives_have_rows_and_heads() {
    insta::assert_snapshot!(of(
        "```{list-table} Title\n:header-rows: 1\n* - H1\n  - H2\n* - a\n\n    b\n  - - c\n```\n\n:::{csv-table}\n:delim: ;\n:file: t.csv\n:header: x;y\n:::\n\n```{glossary}\nterm\n  What it *means*\n```\n"
    ));
}

#[test]
fn equations_are_code_under_numbers() {
    insta::assert_snapshot!(of(
        "See {eq}`two`. $a_1*b_2*$ costs \\$5 {{ v }}\n\n$$\na \\\\\nb\n$$ (one)\n\n```{math}\n:label: two\nc\n\nd\n```\n\n\\begin{align*}\nx\n\\end{align*}\n\n{{ block }}\n"
    ));
}

#[test]
fn blocks_in_lists_and_quotes_are_read() {
    insta::assert_snapshot!(of(
        ":orphan:\n\n- ```{tip} Short\n  ```\n- x\n\n  :::{note}\n  y\n  :::\n\n> ```{note}\n> quoted\n> ```\n\n    {kbd}`code`\n\n:f: one\n  two\n\n{attribution=\"Me\"}\n> said\n\n:::box\nheld\n:::\n\n:::{card} T\nh\n^^^\nb\n+++\nf\n:::\n\n:::{only} latex\nno\n:::\n\n:::{syntax-example}\n*x*\n:::\n\n```{autofunction} f\n```\n"
    ));
}

#[test]
fn inline_text_is_as_the_site_has_it() {
    insta::assert_snapshot!(of(
        "It's \"so\" -- (c) https://w.example/a_b. <bug:1> [x](bug:2#y) {guilabel}`&A`, {func}`f` {samp}`a{b}` {abbr}`A\n(b)` `c\nd` {cite}`k` [](b.md#part) {numref}`n` [z](inv:q#r)\n\n```{literalinclude} x.py\n:pyobject: f\n```\n\n```{code-block} py\n:caption: |\n:  over\n:  *lines*\nz\n```\n\n```{eval-rst}\n.. note:: Hi :kbd:`x`\n\n   More `l <https://l.example>`_\n```\n"
    ));
}

#[test]
fn malformed_text_ends_in_time() {
    for piece in [
        "[",
        "{a}`",
        "$",
        "$$\n",
        "```{note}\n",
        "> ",
        "- ```{x}\n",
        "`` ` ",
        "{{ ",
        "\\begin{align}\n",
        ":::{a}\n",
        ":a: b\n",
        "<bug:",
        "[a](",
        "* - \n",
    ] {
        let text = piece.repeat(20_000 / piece.len());
        let _ = of(&text);
        let _ = of(&format!("```{{list-table}}\n{text}"));
        let _ = of(&format!("```{{csv-table}}\n{text}"));
        let _ = of(&format!("```{{eval-rst}}\n{text}"));
    }
}
