//! Documents that become several pages: what is sent when they change, and what is not.

use std::fmt::Write as _;

use crate::support::TestContext;

const SPLIT: &str = "    page: { split: h2, split_over: 500B }\n";

/// A document with a beginning and these sections.
fn long(title: &str, sections: &[(&str, &str)]) -> String {
    let mut text = format!("# {title}\n\n{}\n", "It begins with some words of its own. ".repeat(12));
    for (name, words) in sections {
        write!(text, "\n## {name}\n\n{}\n", format!("{words} ").repeat(20)).unwrap();
    }
    text
}

const THREE: [(&str, &str); 3] = [("Install", "Install it."), ("Run", "Run it."), ("Stop & go", "Stop it.")];

fn ids(context: &TestContext) -> Vec<String> {
    context.titles().into_iter().map(|(id, _)| id).collect()
}

/// Requests that changed a page, since so many entries of the journal.
fn sent(context: &TestContext, since: usize) -> Vec<String> {
    let journal = context.simulator.journal(0, 100_000).into_iter().skip(since);
    let pages = journal.filter(|entry| entry.method != "GET" && entry.path.contains("external_pages"));
    pages.map(|entry| format!("{} {}", entry.method, entry.external_id.unwrap_or_default())).collect()
}

fn mark(context: &TestContext) -> usize {
    context.simulator.journal(0, 100_000).len()
}

/// A folder with a long page and a short one that links into it, mirrored with `split: h2`.
fn mirrored() -> TestContext {
    let context = TestContext::new(&[
        ("guide.md", &long("Guide", &THREE)),
        ("other.md", "# Other\n\nSee [how to run](guide.md#run).\n"),
    ]);
    context.configure(SPLIT);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &5.into()), "{report}");
    context
}

#[test]
fn a_long_page_becomes_one_for_each_section() {
    let context = mirrored();
    let expected = [
        ("guide.md", "Guide"),
        ("guide.md#install", "Guide › Install"),
        ("guide.md#run", "Guide › Run"),
        ("guide.md#stop--go", "Guide › Stop & go"),
        ("other.md", "Other"),
    ];
    assert_eq!(context.titles(), expected.map(|(id, title)| (id.to_owned(), title.to_owned())));
    let pages = context.simulator.pages().unwrap();
    let run = pages.iter().find(|((_, id), _)| id == "guide.md#run").unwrap().1;
    assert_eq!(run.url.as_deref(), Some("https://docs.example.com/guide/#run"));
    assert!(run.html.starts_with("<h2 id=\"run\">Run</h2>") && !run.html.contains("Stop it"), "{}", run.html);
    let other = pages.iter().find(|((_, id), _)| id == "other.md").unwrap().1;
    assert!(other.html.contains("href=\"https://docs.example.com/guide/#run\""), "{}", other.html);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["requests"], &report["unchanged"]), (0, &0.into(), &5.into()), "{report}");
    let (report, _) = context.once(&["--full"]);
    assert_eq!((&report["updated"], &report["unchanged"]), (&0.into(), &5.into()), "{report}");
}

#[test]
fn an_edit_sends_the_section_that_it_is_in() {
    let context = mirrored();
    let at = mark(&context);
    context.write("guide.md", &long("Guide", &[THREE[0], ("Run", "Run it twice."), THREE[2]]));
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"], &report["deleted"]), (0, &1.into(), &0.into()), "{report}");
    assert_eq!(sent(&context, at), ["POST guide.md#run"]);
}

#[test]
fn a_section_that_goes_takes_its_page_with_it_and_no_other() {
    let context = mirrored();
    context.write("guide.md", &long("Guide", &[THREE[0], THREE[2]]));
    let plan = context.run(&["plan"]).out;
    assert!(plan.contains("guide.md#run") && plan.contains("its document has no such part any more"), "{plan}");
    let at = mark(&context);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["updated"]), (0, &1.into(), &0.into()), "{report}");
    assert_eq!(ids(&context), ["guide.md", "guide.md#install", "guide.md#stop--go", "other.md"]);
    assert_eq!(sent(&context, at).len(), 1);
    assert_eq!(context.once(&[]).0["requests"], 0);
}

#[test]
fn a_document_that_moves_takes_its_parts_along() {
    let context = mirrored();
    // A part that is the same after an edit elsewhere in its document moves with it all the same.
    context.write("guide.md", &long("Guide", &[THREE[0], ("Run", "Run it twice."), THREE[2]]));
    context.once(&[]);
    context.rename("guide.md", "manual.md");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["renamed"], &report["deleted"]), (0, &4.into(), &0.into()), "{report}");
    assert_eq!(ids(&context), ["manual.md", "manual.md#install", "manual.md#run", "manual.md#stop--go", "other.md"]);
    assert_eq!((context.deletes(), context.once(&[]).0["requests"].clone()), (0, 0.into()));
}

#[test]
fn turning_it_off_deletes_the_parts_within_the_limits() {
    let context = mirrored();
    context.configure("");
    let (report, exit) = context.once(&[]);
    // Three of five pages are more than half.
    assert_eq!((exit, &report["held"], &report["updated"]), (3, &3.into(), &1.into()), "{report}");
    assert_eq!(ids(&context).len(), 5);
    let release = report["release"].as_str().unwrap().to_owned();
    let (report, exit) = context.once(&["--release-held", &release]);
    assert_eq!((exit, &report["deleted"]), (0, &3.into()), "{report}");
    assert_eq!(ids(&context), ["guide.md", "other.md"]);
}

#[test]
fn a_document_that_fails_keeps_its_parts() {
    let context = mirrored();
    for _ in 0..2 {
        context.write("guide.md", "---\ntitle: [\n---\n# Guide\n");
        let (report, exit) = context.once(&[]);
        let failed = report["failed"].as_array().unwrap();
        assert_eq!((exit, failed.len(), &report["deleted"]), (1, 1, &0.into()), "{report}");
        assert_eq!(ids(&context).len(), 5);
    }
    // It fails under another name as well.
    context.rename("guide.md", "manual.md");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], ids(&context).len()), (1, &0.into(), 5), "{report}");
    context.rename("manual.md", "guide.md");
    context.write("guide.md", &long("Guide", &THREE));
    let at = mark(&context);
    let (report, exit) = context.once(&[]);
    // The link to it is alive again; nothing else has to be sent.
    assert_eq!((exit, &report["unchanged"]), (0, &4.into()), "{report}");
    assert_eq!(sent(&context, at), ["POST other.md"]);
}

#[test]
fn a_document_that_was_whole_fails_and_moves_without_a_loss() {
    let context = mirrored();
    context.rename("guide.md", "manual.md");
    context.configure("    page: { split: h2, split_over: 500B, max_html: 100B }\n");
    let (report, exit) = context.once(&[]);
    let failed = report["failed"].as_array().unwrap();
    assert_eq!((exit, &report["deleted"], ids(&context).len()), (1, &0.into(), 5), "{report}");
    assert!(failed.iter().any(|f| f["code"] == "too_large" && f["path"] == "manual.md"), "{report}");
    context.configure(SPLIT);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["renamed"], context.deletes()), (0, &4.into(), 0), "{report}");
}

#[test]
fn a_document_without_its_parts_in_the_source_is_deleted_whole() {
    let context = mirrored();
    for path in ["a.md", "b.md", "c.md", "d.md", "e.md", "f.md"] {
        context.write(path, &format!("# {path}\n\nText.\n"));
    }
    context.once(&[]);
    context.remove("guide.md");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"]), (0, &4.into()), "{report}");
    assert!(ids(&context).iter().all(|id| !id.starts_with("guide.md")));
}

#[test]
fn a_ledger_that_is_lost_finds_the_parts_again() {
    let context = mirrored();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        drop(std::fs::remove_file(context.path(name)));
    }
    let at = mark(&context);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"], sent(&context, at).len()), (0, &0.into(), 0), "{report}");
    assert_eq!(ids(&context).len(), 5);
}

#[test]
fn an_id_that_is_claimed_by_a_part_and_a_document_is_sent_by_neither() {
    let context = TestContext::new(&[
        ("guide.md", &long("Guide", &THREE)),
        ("x.md", "---\nid: guide.md#run\n---\n# X\n\nText.\n"),
    ]);
    context.configure(SPLIT);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, report["failed"].as_array().unwrap().len()), (1, 2), "{report}");
    assert_eq!(ids(&context), ["guide.md", "guide.md#install", "guide.md#stop--go"]);
}

#[test]
fn a_document_in_conflict_sends_none_of_its_parts() {
    let context = mirrored();
    context.write("x.md", &format!("---\nid: guide.md\n---\n{}", long("X", &[("Own", "Its own words.")])));
    context.write("guide.md", &long("Guide", &[THREE[0], THREE[1]]));
    let at = mark(&context);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, report["failed"].as_array().unwrap().len(), sent(&context, at).len()), (1, 2, 0), "{report}");
    assert_eq!(ids(&context).len(), 5);
}

#[test]
fn preview_and_export_show_every_part() {
    let context = mirrored();
    let export = context.run(&["export"]);
    assert_eq!((export.exit, export.out.lines().count()), (0, 5), "{}", export.err);
    let preview = context.run(&["preview", "guide.md"]);
    assert_eq!(preview.out.matches("\ntitle  Guide › ").count(), 3, "{}", preview.out);
}
