//! What a converter is given of reStructuredText as Sphinx has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::page::DocPath;
use crate::render::asking::Asking;
use crate::render::{Facts, Inputs, Label};
use crate::site::{Generator, Site, SiteOptions, Tree, UrlStyle};

/// A source of a few files, each a page of its name.
struct Files(BTreeMap<&'static str, &'static str>);

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
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
        self.0.contains_key(path.as_str()).then(|| format!("https://d.example/{}", path.stem()))
    }

    fn page_title(&self, path: &DocPath) -> Option<String> {
        self.0.contains_key(path.as_str()).then(|| format!("The {}", path.stem()))
    }

    fn file(&self, path: &DocPath) -> Option<Arc<[u8]>> {
        self.0.get(path.as_str()).map(|text| text.as_bytes().into())
    }

    fn label(&self, name: &str) -> Option<Label> {
        let label = Label { url: Some("https://d.example/x#well".to_owned()), title: Some("A well".to_owned()) };
        (name == "well").then_some(label)
    }
}

const CONF: &str = "extlinks = {'issue': ('https://i.example/%s', '#%s')}\nversion = '2.1'\ndefault_role = 'code'\n\
                    rst_epilog = '''\n.. |brand| replace:: Wells & Sons\n'''\n";
const FILES: [(&str, &str); 8] = [
    ("docs/conf.py", CONF),
    ("docs/pump.rst", "Pump\n====\n\nParts\n-----\n\n.. toctree::\n\n   seal\n\nCare\n----\n\nDaily\n~~~~~\n"),
    ("docs/seal.rst", "Seal\n====\n\n.. toctree::\n\n   lost\n"),
    ("docs/part.txt", "left out\n.. start\n\nIncluded :doc:`pump`.\n\n.. include:: part.txt\n"),
    ("docs/code.py", "def a():\n    one()\n    two()\n"),
    ("CHANGES.rst", "Changed :issue:`7`.\n"),
    ("docs/half.txt", "seen\n\n.. <!-- fin:skip -->\n\nsecret\n\n.. <!-- /fin:skip -->\n\nlast\n"),
    ("docs/open.txt", "seen\n\n.. <!-- fin:skip -->\n\nsecret\n"),
];

/// What a converter is given, and the warnings.
fn rewritten(text: &str) -> String {
    let files = Files(FILES.into_iter().collect());
    let (generator, urls) = (Generator::Auto, UrlStyle::Directory);
    let options = SiteOptions { generator, base_url: None, urls, settings: BTreeMap::new() };
    let site = Site::open(options, &files).unwrap();
    let (path, facts, asking) = (DocPath::new("docs/a.rst"), Facts::default(), Asking::new(&files));
    let context = Context { path: &path, facts: &facts, front: None, site: &site, asking: &asking };
    let Expanded { text, warnings, .. } = expand(text, 1, &context);
    let mut out = text.trim_start_matches(MARK).trim().to_owned();
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    for warning in warnings {
        let line = warning.line.unwrap_or_default();
        write!(out, "\n! {line} {}: {}", warning.code, warning.message).unwrap();
    }
    out
}

#[test]
fn roles_are_links_and_words() {
    insta::assert_snapshot!(rewritten(
        ":orphan:\n\nThe `x_y` of :doc:`pump`\n==========================\n\nSee :doc:`the\npump <pump>`, :doc:`/pump`, :doc:`none`, :ref:`well`, :ref:`this <well>`, :ref:`gone`.\n\
         :class:`~a.B`, :meth:`.B.run`, :func:`!run()`, :py:attr:`text <a.b>`, :c:func:`alloc`, :issue:`12`, :pep:`8`,\n\
         :file:`a/{b}`, :kbd:`Ctrl`, :menuselection:`A --> B`, :abbr:`API (long)`, :term:`Stars*`, :odd:`kept <t>`.\n\n\
         ``:doc:`pump``` and \\:doc:`x` and a:b:`c` stay; `link <u>`_, `ref`_; |version| of |brand|, |release|.\n"
    ));
}

#[test]
fn directives_become_what_every_converter_knows() {
    insta::assert_snapshot!(rewritten(
        ".. versionadded:: 1.0\n.. versionchanged:: 2.0\n    Much :doc:`pump`.\n\n    More.\n\n.. deprecated:: 3 At\n   last.\n\n\
         - item\n\n  .. code-block:: python\n     :caption: a.py\n     :linenos:\n\n     x = ':doc:`pump`'\n\n\
         .. seealso:: Others.\n\n.. tabs::\n\n   .. group-tab:: Clay\n\n      Slow::\n\n        dig `x`\n\n   .. tab:: Sand_\n\n      Fast.\n\n\
         .. toctree::\n   :caption: All\n   :maxdepth: 2\n\n   pump\n   Own <pump>\n   https://e.example/\n   gone\n\n\
         .. toctree::\n   :hidden:\n\n   pump\n\n.. only:: latex\n\n   no\n\n.. only:: html or latex\n\n   yes\n\n\
         .. image:: a.png\n\n.. raw:: html\n\n   <p>Raw &amp; <b>bold</b></p><script>no</script>\n\n\
         .. glossary::\n\n   A\n   B : class\n      Both.\n\n.. a comment\n   :doc:`pump`\n\n.. unheard:: of *it*\n   :x: y\n\n   kept\n"
    ));
}

#[test]
fn tables_of_contents_go_as_deep_as_they_say() {
    insta::assert_snapshot!(rewritten(
        ".. toctree::\n\n   pump\n   Else <https://e.example/>\n   genindex\n\n.. toctree::\n   :maxdepth: 1\n\n   pump\n   seal\n\n\
         .. toctree::\n   :titlesonly:\n\n   pump\n"
    ));
}

#[test]
fn objects_show_their_signatures() {
    insta::assert_snapshot!(rewritten(
        ".. currentmodule:: a.b\n\n.. function:: run(x, *, y=None) -> int\n              run(z)\n\n   Runs.\n\n   :param int x: the first\n      of all\n   :param y: the second\n   :type y: str\n   :returns: a number\n   :raises ValueError: never\n\n\
         .. class:: Pump\n\n   .. method:: prime()\n\n      Primes.\n\n.. py:data:: LIMIT\n   :type: int\n   :value: 3\n\n.. option:: --deep, -d\n\n   Deep.\n\n.. autoclass:: Hidden\n   :members:\n"
    ));
}

#[test]
fn files_are_included_within_the_source() {
    insta::assert_snapshot!(rewritten(
        ".. include:: part.txt\n   :start-after: .. start\n\n.. include:: ../CHANGES.rst\n\n.. include:: /gone.rst\n\n.. include:: ../../etc/passwd\n\n\
         .. literalinclude:: code.py\n   :language: python\n   :lines: 2-\n   :dedent:\n"
    ));
}

#[test]
fn drawn_tables_keep_their_columns() {
    insta::assert_snapshot!(rewritten(
        "+----------------+-----+\n| :doc:`pump`, x | y   |\n+----------------+-----+\n\n=============  ==\n:class:`~a.B`  b\n=============  ==\n:file:`x`      :ref:`well`\n=============  ==\n\nafter\n\n.. list-table::\n   :header-rows: 1\n   :class: x\n\n   * - :kbd:`a`\n     - b\n"
    ));
}

#[test]
fn hostile_text_ends_and_does_not_panic() {
    let many = |part: &str| part.repeat(20_000);
    let nested = (0..600).map(|depth| " ".repeat(depth) + ".. note::\n\n").collect::<String>();
    for text in [
        many("`"),
        many(":a:"),
        many(":a:`"),
        many("|x"),
        many("``x "),
        many("\\"),
        many("\\`"),
        many("== ==\nx\n"),
        many("+-+\n"),
        many(".. |"),
        many(".. ["),
        many(".. _"),
        many("..\n"),
        many(".. a::\n :"),
        many(":param"),
        many(":param x:\n"),
        many("é`ü:ß:`"),
        many("=\n"),
        many("==\n"),
        nested,
        ".. [é\n".into(),
        ".. [".into(),
        ".. note:: é\n ü\n   é::\n\n é".into(),
        "\t\u{a0}.. x::\n".into(),
        ".. include:: part.txt\n".into(),
        ".. function:: é\u{301}`x\n\n   :param é x: y\n   é\n".into(),
        ".. |é| image:: x\n".into(),
        ".. only:: (\n\n x".into(),
    ] {
        rewritten(&text);
    }
}

#[test]
fn the_mark_is_gone_and_headings_begin_at_the_first_level() {
    let html = format!(
        "<main><p>{MARK}</p>\n<h2>T</h2><h3 id=\"h2\">U</h3><p><span class=\"docutils literal\">a <span class=\"pre\">b</span></span> <span>c</span></p></main>"
    );
    assert_eq!(
        without_mark(&html),
        "<main>\n<h1>T</h1><h2 id=\"h2\">U</h2><p><code>a <span class=\"pre\">b</span></code> <span>c</span></p></main>"
    );
    assert_eq!(without_mark(&format!("{MARK} <h1>a</h1><h2>b</h2></span>")), " <h1>a</h1><h2>b</h2></span>");
}

#[test]
fn what_is_skipped_in_an_included_file_is_never_converted() {
    let half = rewritten("A\n=\n\n.. include:: half.txt\n");
    assert!(half.contains("seen") && half.contains("last") && !half.contains("secret"), "{half}");
    let open = rewritten("A\n=\n\n.. include:: open.txt\n");
    assert!(!open.contains("secret") && open.contains("is never closed"), "{open}");
}
