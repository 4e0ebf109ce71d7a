//! What the configuration asks of pages beyond their text: strictness, languages, context, limits.

use serde_json::Value;

use crate::support::TestContext;

fn exported(context: &TestContext) -> Vec<Value> {
    context.run(&["export"]).out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn whole(files: &[(&str, &str)], source: &str) -> TestContext {
    let context = TestContext::new(files);
    context.configure_whole(&format!("sources:\n  - name: docs\n    files: {{ root: docs }}\n{source}"));
    context
}

#[test]
fn what_is_not_understood_fails_the_page_where_that_is_asked_for() {
    let site = "    site: { base_url: \"https://docs.example.com/\" }\n";
    let context = whole(
        &[
            ("mkdocs.yml", "site_name: X\nmarkdown_extensions: [pymdownx.snippets]\n"),
            ("docs/a.md", "# A\n\nText.\n\n--8<-- \"gone.md\"\n\n{% for x in y %}\n"),
            ("docs/b.md", "# B\n\nText.\n"),
        ],
        site,
    );
    context.once(&[]);
    assert_eq!(context.titles().len(), 2);
    let status: Value = serde_json::from_str(&context.run(&["status", "--json"]).out).unwrap();
    let kinds = status["sources"][0]["to_mend"].as_array().unwrap();
    let counted = |code: &str| kinds.iter().find(|kind| kind["code"] == code).map(|kind| kind["count"].clone());
    assert_eq!(counted("missing_include"), Some(1.into()), "{kinds:?}");
    assert_eq!(counted("unknown_construct"), Some(1.into()), "{kinds:?}");
    context.configure_whole(&format!(
        "sources:\n  - name: docs\n    files: {{ root: docs }}\n{site}    page: {{ strict: true }}\n"
    ));
    let (report, exit) = context.once(&[]);
    let failed = report["failed"].as_array().unwrap();
    assert_eq!((exit, failed.len(), &failed[0]["code"]), (1, 1, &"strict".into()), "{report}");
    let message = failed[0]["message"].as_str().unwrap();
    assert!(message.starts_with("line 5: `gone.md` is included and not there, and 1 more like it"), "{message}");
    assert_eq!((context.titles().len(), context.deletes()), (2, 0), "what Fin has stays");
    let status: Value = serde_json::from_str(&context.run(&["status", "--json"]).out).unwrap();
    assert_eq!(status["sources"][0]["to_mend"].as_array().unwrap().len(), 2, "they are still to be mended");
    // What was missing is there: the page is looked at again, though it did not change.
    context.write("docs/a.md", "# A\n\nText.\n\n--8<-- \"gone.md\"\n");
    assert_eq!(context.once(&[]).1, 1);
    context.write("gone.md", "Here.\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"]), (0, &1.into()), "{report}");
}

#[test]
fn languages_are_folders_where_no_generator_says_so() {
    let context = TestContext::new(&[
        ("a.md", "# A\n\n[französisch](fr/a.md)\n"),
        ("fr/a.md", "# A\n\nTexte.\n"),
        ("de/a.md", "# A\n\nText.\n"),
    ]);
    let source = "sources:\n  - name: docs\n    files: { root: docs }\n    site:\n      base_url: https://docs.example.com/\n      \
                  generator: plain\n      locale_folders: { fr: fr, de: \"de/**\", en: \"**\" }\n";
    context.configure_whole(source);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &3.into()), "{report}");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("all are mirrored: `de`, `en`, `fr`"), "{warnings}");
    assert!(warnings.contains("pages in `de`, `fr` are sent as `en`"), "{warnings}");
    context.configure_whole(&format!("{source}      locales: [en, de]\n"));
    let plan = context.run(&["plan"]).out;
    assert!(plan.contains("excluded: locale `fr` is not mirrored (`site.locales`)"), "{plan}");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"]), (0, &1.into()), "{report}");
    let pages = exported(&context);
    let home = pages.iter().find(|page| page["path"] == "a.md").unwrap();
    assert!(home["html"].as_str().unwrap().contains("https://docs.example.com/fr/a/"), "{home}");
    assert_eq!((&home["locale"], &home["warnings"]), (&"en".into(), &Value::Array(Vec::new())));
}

#[test]
fn a_language_is_sent_where_the_version_of_the_api_knows_it() {
    let context = TestContext::new(&[("a.md", "# A\n\nText.\n"), ("fr/a.md", "# A\n\nTexte.\n")]);
    let text = std::fs::read_to_string(context.path("finmirror.yaml")).unwrap();
    let text = text.replace("token: canary-token", "token: canary-token, version: \"2.17\"");
    let text = text.replace("urls: directory }", "urls: directory, locales: all, locale_folders: { fr: fr } }");
    std::fs::write(context.path("finmirror.yaml"), text).unwrap();
    let locales: Vec<Value> = exported(&context).into_iter().map(|page| page["locale"].clone()).collect();
    assert_eq!(locales, ["en", "fr"]);
}

#[test]
fn versions_but_the_latest_have_their_label_in_the_title() {
    let context = TestContext::new(&[
        ("docusaurus.config.js", "module.exports = { title: 'Acme', presets: [['classic', { blog: false }]] };"),
        ("versions.json", "[\"2.0\", \"1.0\"]"),
        ("docs/a.md", "# A\n\nText.\n"),
        ("versioned_docs/version-2.0/a.md", "# A\n\nText.\n"),
        ("versioned_docs/version-1.0/a.md", "# A\n\nText.\n"),
    ]);
    let source =
        "sources:\n  - name: docs\n    files: { root: docs }\n    site:\n      base_url: https://docs.example.com/\n";
    let titles = |more: &str| {
        context.configure_whole(&format!("{source}{more}"));
        let pages = exported(&context).into_iter();
        pages.map(|page| page["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(""), ["A"]);
    assert_eq!(titles("      versions: latest\n"), ["A"]);
    assert_eq!(titles("      versions: all\n"), ["A (Next)", "A (1.0)", "A"]);
    assert_eq!(titles("      versions: [\"1.0\"]\n"), ["A (1.0)"]);
}

#[test]
fn a_page_says_where_it_stands_where_that_is_asked_for() {
    let context = whole(
        &[
            ("mkdocs.yml", "site_name: Acme & Co\n"),
            ("docs/index.md", "# Home\n\nText.\n"),
            ("docs/01-first-steps/a.md", "# A\n\nText.\n"),
            ("docs/guide/index.md", "# The guide\n\nText.\n"),
            ("docs/guide/deep/b.md", "# B\n\nText.\n"),
        ],
        "    site: { base_url: \"https://docs.example.com/\" }\n    page: { context: on }\n",
    );
    let lines = || {
        let pages = exported(&context).into_iter();
        let line = |page: Value| page["html"].as_str().unwrap().lines().next().unwrap_or_default().to_owned();
        pages.map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        lines(),
        [
            "<p>Acme &amp; Co › First steps › A</p>",
            "<p>Acme &amp; Co › The guide › Deep › B</p>",
            "<p>Acme &amp; Co › The guide</p>",
            "<p>Acme &amp; Co › Home</p>",
        ]
    );
    context.once(&[]);
    context.write("docs/guide/index.md", "# The manual\n\nText.\n");
    let (report, _) = context.once(&[]);
    assert_eq!((&report["updated"], &report["unchanged"]), (&2.into(), &2.into()), "{report}");
    assert!(lines()[1].contains("› The manual › Deep ›"));
}

#[test]
fn limits_are_the_configurations() {
    let context = TestContext::new(&[
        ("a.md", "# A title that is far too long for a line\n\nText.\n"),
        ("b.md", &format!("# B\n\n{}\n", "word ".repeat(1000))),
    ]);
    context.configure("    page: { max_title: 20, max_html: 2KB }\n");
    let export = context.run(&["export"]);
    assert!(export.out.contains("\"title\":\"A title that is far…\""), "{}", export.out);
    assert!(
        export.err.contains("`page.max_html` is 2.0 kB") && export.err.contains("`page.split: h2`"),
        "{}",
        export.err
    );
    assert_eq!((export.exit, export.out.lines().count()), (1, 1));
}

#[test]
fn who_has_several_languages_is_asked_for_a_choice_before_anything_is_sent() {
    let mkdocs = "plugins: [{i18n: {languages: [{locale: en, default: true}, {locale: fr}]}}]\n";
    let langs = "* [English](en/)\n* [Deutsch](de)\n";
    let (page, list) = ("# A\n\nText.\n", "* [A](a.md)\n");
    let sites: [(&[(&str, &str)], &str); 3] = [
        (&[("mkdocs.yml", mkdocs), ("docs/a.md", page)], "`en`, `fr`"),
        (&[("hugo.toml", "[languages.en]\n[languages.fr]\n"), ("content/a.md", page)], "`en`, `fr`"),
        (
            &[
                ("book.json", "{}"),
                ("LANGS.md", langs),
                ("en/SUMMARY.md", list),
                ("de/SUMMARY.md", list),
                ("en/a.md", page),
                ("de/a.md", page),
            ],
            "`de`, `en`",
        ),
    ];
    for (files, languages) in sites {
        let context = TestContext::new(files);
        context.configure_whole(
            "sources:\n  - name: docs\n    files: { root: docs }\n    site: { base_url: https://docs.example.com/ }\n",
        );
        let wanted = format!("has several languages, and all are mirrored: {languages}");
        for said in [context.run(&["plan"]).out, context.run(&["check", "--json"]).out] {
            assert!(said.contains(&wanted), "{said}");
        }
    }
}
