//! Sites of a generator, end to end: what is published decides what is sent, and what is included decides what is sent
//! again.

use super::support::TestContext;

const BOOK: [(&str, &str); 6] = [
    ("book.toml", "[book]\ntitle = \"Manual\"\n"),
    ("src/SUMMARY.md", "# Summary\n\n- [Start](start.md)\n- [Pumps](pumps.md)\n- [Valves](valves.md)\n"),
    ("src/start.md", "# Start\n\nPrime it.\n"),
    ("src/pumps.md", "# Pumps\n\n```sh\n{{#include ../code/run.sh}}\n```\n"),
    ("src/valves.md", "# Valves\n\nOpen them. {{#include shared.txt}}\n"),
    ("src/unlisted.md", "# Unlisted\n\nNobody publishes this.\n"),
];

/// A book that is mirrored with nothing said of its generator.
fn book() -> TestContext {
    let context = TestContext::new(&BOOK);
    context.write("code/run.sh", "prime --all\n");
    context.write("src/shared.txt", "Slowly.");
    context.configure_whole(
        "sources:\n  - name: docs\n    files: { root: docs }\n    site: { base_url: https://docs.example.com/m/ }\n",
    );
    context
}

fn html(context: &TestContext, id: &str) -> String {
    let pages = context.simulator.pages().unwrap();
    pages.into_values().find(|page| page.external_id == id).map(|page| page.html).unwrap_or_default()
}

#[test]
fn what_the_generator_publishes_is_mirrored_with_its_urls() {
    let context = book();
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &3.into()), "{report}");
    let urls: Vec<String> = context.simulator.pages().unwrap().into_values().filter_map(|page| page.url).collect();
    let base = "https://docs.example.com/m";
    assert_eq!(urls, ["pumps", "start", "valves"].map(|page| format!("{base}/{page}.html")));
    assert!(html(&context, "src/pumps.md").contains("prime --all"));
}

#[test]
fn an_included_file_that_changes_sends_exactly_the_pages_that_include_it() {
    let context = book();
    context.once(&[]);
    let (quiet, _) = context.once(&[]);
    assert_eq!((&quiet["requests"], &quiet["unchanged"]), (&0.into(), &3.into()), "{quiet}");
    context.write("code/run.sh", "prime --slowly\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"], &report["unchanged"]), (0, &1.into(), &2.into()), "{report}");
    assert!(html(&context, "src/pumps.md").contains("prime --slowly"));
    // What is missing is said, and comes back.
    context.remove("code/run.sh");
    let plan = context.run(&["plan"]).out;
    assert!(plan.contains("update  src/pumps.md") && plan.contains("src/pumps.md:4:"), "{plan}");
    context.once(&[]);
    context.write("code/run.sh", "prime --back\n");
    let (report, _) = context.once(&[]);
    assert_eq!(report["updated"], 1, "{report}");
    assert!(html(&context, "src/pumps.md").contains("prime --back"));
    assert_eq!(context.once(&[]).0["requests"], 0);
}

#[test]
fn a_site_that_looks_like_another_generators_is_left_alone() {
    let context = book();
    context.once(&[]);
    context.remove("book.toml");
    for args in [&["--once"][..], &["plan"]] {
        let said = context.run(args);
        assert!(said.exit == 1 && said.out.contains("it was a site of `mdbook`"), "{}{}", said.out, said.err);
    }
    assert_eq!((context.deletes(), context.titles().len()), (0, 3));
    context.write("book.toml", BOOK[0].1);
    assert_eq!(context.once(&[]).1, 0);
}

#[test]
fn a_configuration_of_the_generator_that_cannot_be_read_sends_nothing() {
    let context = book();
    context.once(&[]);
    context.write("book.toml", "[book\n");
    context.write("src/start.md", "# Start\n\nEdited.\n");
    let said = context.run(&["--once"]);
    assert!(said.exit == 1 && said.out.contains("book.toml"), "{}{}", said.out, said.err);
    assert!(html(&context, "src/start.md").contains("Prime it"));
}

#[test]
fn the_generators_own_root_names_the_import_source() {
    let context = TestContext::new(&[
        ("mkdocs.yml", "site_name: X\nsite_url: https://found.example/x/\n"),
        ("docs/index.md", "# Home\n\nText.\n"),
        ("docs/README.md", "# Readme\n\nNot published beside an index.\n"),
    ]);
    context.configure_whole("sources:\n  - name: docs\n    files: { root: docs }\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &1.into()), "{report}");
    let urls: Vec<Option<String>> = context.simulator.pages().unwrap().into_values().map(|page| page.url).collect();
    assert_eq!(urls, [Some("https://found.example/x/".to_owned())]);
    // The readme takes the place of the index that went, and gives it back.
    context.remove("docs/index.md");
    let plan = context.run(&["plan"]).out;
    assert!(plan.contains("create  docs/README.md"), "{plan}");
}

#[test]
fn a_wiki_link_leads_to_the_one_document_of_its_name() {
    let context = TestContext::new(&[
        ("notes/now.md", "# Now\n\nSee [[Later Today]] and [[twin]].\n"),
        ("plans/later-today.md", "# Later\n\nMuch.\n"),
        ("a/twin.md", "# One\n\nText.\n"),
        ("b/twin.md", "# Two\n\nText.\n"),
    ]);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &4.into()), "{report}");
    let page = html(&context, "notes/now.md");
    assert!(page.contains("href=\"https://docs.example.com/plans/later-today/\""), "{page}");
    assert!(page.contains("and twin."), "{page}");
    // It follows the document, and finds its twin once there is one only.
    context.remove("b/twin.md");
    context.once(&[]);
    let page = html(&context, "notes/now.md");
    assert!(page.contains("href=\"https://docs.example.com/a/twin/\""), "{page}");
}

#[test]
fn an_included_file_that_cannot_be_looked_at_fails_its_page_and_what_fin_has_stays() {
    let context = book();
    context.once(&[]);
    // A name that no file system takes, for a file that finmirror's user may not read.
    let name = "x".repeat(300);
    context.write("src/valves.md", &format!("# Valves\n\nOpen them all. {{{{#include {name}.txt}}}}\n"));
    for _ in 0..2 {
        let (report, exit) = context.once(&[]);
        assert_eq!((exit, &report["updated"], &report["deleted"]), (1, &0.into(), &0.into()), "{report}");
        assert_eq!(report["failed"][0]["code"], "unread_include", "{report}");
    }
    assert!(html(&context, "src/valves.md").contains("Slowly."));
    context.write("src/valves.md", "# Valves\n\nShut them. {{#include shared.txt}}\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"]), (0, &1.into()), "{report}");
}

#[test]
fn an_empty_file_is_a_failure_whatever_the_generator_makes_of_it() {
    for (name, config, path, text) in [
        ("jekyll", "_config.yml", "a.md", "---\ntitle: A\n---\nText.\n"),
        ("hugo", "hugo.toml", "content/_index.md", "---\ntitle: A\n---\nText.\n"),
    ] {
        let context = TestContext::new(&[(config, ""), (path, text), ("content/b.md", text), ("c.md", text)]);
        context.configure_whole(&format!(
            "sources:\n  - name: docs\n    files: {{ root: docs }}\n    \
             site: {{ generator: {name}, base_url: https://docs.example.com/ }}\n"
        ));
        let (first, _) = context.once(&[]);
        assert_ne!(first["created"], 0, "{first}");
        context.write(path, "");
        let (report, exit) = context.once(&[]);
        assert_eq!((exit, &report["deleted"], &report["held"]), (1, &0.into(), &0.into()), "{report}");
        assert_eq!(report["failed"][0]["path"], path, "{report}");
    }
}
