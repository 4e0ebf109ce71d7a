//! The main job, end to end: the real binary against the simulator over HTTP.

use std::fs;

use finmirror::simulator::{Fault, FaultRule, SimulatorOptions};

use super::support::TestContext;

const THREE: [(&str, &str); 3] = [
    ("index.md", "# Home\n\nSee [the guide](guide/start.md).\n"),
    ("guide/start.md", "# Start\n\nText.\n"),
    ("faq.md", "# FAQ\n\nAsk.\n"),
];

/// Many documents, so that a few deletes are within the limits.
fn many(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("p{n:03}.md"), format!("# Page {n}\n\nText {n}.\n"))).collect()
}

fn with_many(count: usize) -> TestContext {
    let documents = many(count);
    TestContext::new(&documents.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

#[test]
fn a_folder_is_mirrored_and_a_second_run_sends_nothing() {
    let context = TestContext::new(&THREE);
    let (first, exit) = context.once(&[]);
    assert_eq!((exit, &first["outcome"], &first["created"]), (0, &"converged".into(), &3.into()), "{first}");
    assert_eq!(context.titles()[2], ("index.md".to_owned(), "Home".to_owned()));
    let pages = context.simulator.pages().unwrap();
    let home = pages.values().find(|page| page.external_id == "index.md").unwrap();
    assert!(home.html.contains("https://docs.example.com/guide/start/"), "links are public: {}", home.html);
    assert!(home.ai_agent && home.ai_copilot, "a page is made with its switches on");
    let (second, exit) = context.once(&[]);
    assert_eq!((exit, &second["unchanged"], &second["requests"]), (0, &3.into(), &0.into()), "{second}");
}

#[test]
fn an_edited_a_moved_and_a_removed_page_show_what_they_should() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let id = |context: &TestContext, name: &str| {
        context.simulator.pages().unwrap().into_values().find(|p| p.external_id == name).map(|p| p.id)
    };
    let faq = id(&context, "faq.md");
    context.write("guide/start.md", "# Start here\n\nOther text.\n");
    context.rename("faq.md", "questions.md");
    context.write("new.md", "# New\n\nFresh.\n");
    context.remove("index.md");
    let plan = context.run(&["plan"]);
    insta::assert_snapshot!(plan.out, @r"
    # docs
    update  guide/start.md  (content, title)
    create  new.md  (new)
    rename  questions.md  (moved from `faq.md`)
    delete  index.md  (vanished)
    1 to create, 1 to update, 1 to rename, 1 to delete, 0 held, 0 unchanged, 0 failed
    ");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, report["created"].as_u64(), report["updated"].as_u64()), (0, Some(1), Some(1)), "{report}");
    assert_eq!((report["renamed"].as_u64(), report["deleted"].as_u64()), (Some(1), Some(1)), "{report}");
    assert_eq!(id(&context, "questions.md"), faq, "a moved page keeps Intercom's id");
    assert_eq!(id(&context, "faq.md"), None);
}

#[test]
fn plan_export_and_preview_change_nothing_and_need_no_token() {
    let context = TestContext::new(&THREE);
    for args in
        [vec!["plan"], vec!["export"], vec!["preview", "docs/faq.md"], vec!["preview", "faq.md", "--format", "html"]]
    {
        let said = context.run(&args);
        assert_eq!(said.exit, 0, "{args:?}: {}", said.err);
    }
    assert_eq!(context.simulator.stats().requests, 0);
    assert!(!context.path("ledger.db").exists());
    let exported = context.run(&["export"]).out;
    assert_eq!(exported.lines().count(), 3);
    let page: serde_json::Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!((page["path"].as_str(), page["url"].as_str()), (Some("faq.md"), Some("https://docs.example.com/faq/")));
}

#[test]
fn an_empty_and_a_missing_root_delete_nothing() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    fs::rename(context.path("docs"), context.path("away")).unwrap();
    let (missing, exit) = context.once(&[]);
    assert_eq!((exit, &missing["outcome"]), (1, &"incomplete".into()), "{missing}");
    fs::create_dir(context.path("docs")).unwrap();
    let (empty, exit) = context.once(&[]);
    assert_eq!((exit, &empty["outcome"]), (1, &"incomplete".into()), "{empty}");
    assert!(context.run(&["status"]).out.contains("no deletes"));
    assert_eq!((context.deletes(), context.titles().len()), (0, 3));
}

#[test]
fn deletes_over_the_limit_wait_for_the_very_set_to_be_released() {
    let context = with_many(8);
    context.once(&[]);
    (0..6).for_each(|n| context.remove(&format!("p{n:03}.md")));
    let (held, exit) = context.once(&[]);
    assert_eq!((exit, &held["outcome"], &held["held"]), (3, &"held".into(), &6.into()), "{held}");
    let release = held["release"].as_str().unwrap().to_owned();
    assert!(context.run(&["status"]).out.contains(&release));
    assert_eq!(context.run(&["plan"]).exit, 3);
    // One more is another set: it is held anew.
    context.remove("p006.md");
    let (other, exit) = context.once(&["--release-held", &release]);
    assert_eq!((exit, &other["held"]), (3, &7.into()), "{other}");
    assert_eq!(context.deletes(), 0);
    let (released, exit) = context.once(&["--release-held", other["release"].as_str().unwrap()]);
    assert_eq!((exit, &released["deleted"]), (0, &7.into()), "{released}");
    assert_eq!(context.titles().len(), 1);
}

#[test]
fn a_glob_narrowed_by_mistake_is_held() {
    let context = with_many(30);
    context.once(&[]);
    context.configure("");
    let narrowed = fs::read_to_string(context.path("finmirror.yaml"))
        .unwrap()
        .replace("root: docs", "root: docs, include: [\"p00*.md\"]");
    fs::write(context.path("finmirror.yaml"), narrowed).unwrap();
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["held"]), (3, &20.into()), "{report}");
    assert!(context.run(&["plan"]).out.contains("excluded by configuration"));
    assert_eq!(context.deletes(), 0);
}

#[test]
fn a_lost_ledger_adopts_what_is_there_and_sends_nothing_again() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let source = context.simulator.sources().unwrap()[0].id;
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(context.path(&format!("ledger.db{suffix}")));
    }
    let before = context.simulator.journal(0, 1000).len() as u64;
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["unchanged"]), (0, &3.into()), "{report}");
    let after = context.simulator.journal(before, 1000);
    assert!(after.iter().all(|entry| entry.method == "GET"), "only looked: {after:?}");
    assert_eq!(context.simulator.sources().unwrap()[0].id, source);
    assert_eq!(context.simulator.sources().unwrap().len(), 1);
}

#[test]
fn another_ledger_on_the_same_import_source_leaves_foreign_pages_alone() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    fs::remove_dir_all(context.path("docs")).unwrap();
    context.write("other.md", "# Other\n\nText.\n");
    fs::rename(context.path("ledger.db"), context.path("first.db")).unwrap();
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"], &report["deleted"]), (0, &1.into(), &0.into()), "{report}");
    assert!(report["warnings"].to_string().contains("3 pages under the import source"), "{report}");
    assert_eq!((context.deletes(), context.titles().len()), (0, 4));
}

#[test]
fn an_exclusive_import_source_is_ours_within_the_limits() {
    let context = with_many(20);
    context.once(&[]);
    context.remove("p000.md");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(context.path(&format!("ledger.db{suffix}")));
    }
    context.configure("    import_source: { exclusive: true }\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["unchanged"]), (0, &1.into(), &19.into()), "{report}");
}

#[test]
fn a_rejected_page_keeps_exit_1_until_it_changes() {
    let context = TestContext::new(&THREE);
    let fault = Fault::Status { code: 422, retry_after_s: None, field: Some("title".into()) };
    context
        .simulator
        .inject(FaultRule { external_id: Some("faq.md".into()), ..FaultRule::new("upsert_page", fault) })
        .unwrap();
    let (first, exit) = context.once(&[]);
    assert_eq!((exit, &first["created"], &first["failed"][0]["code"]), (1, &2.into(), &"rejected".into()), "{first}");
    assert!(first["failed"][0]["message"].as_str().unwrap().contains("request_id"), "{first}");
    context.simulator.clear_faults();
    let (second, exit) = context.once(&[]);
    assert_eq!((exit, &second["requests"]), (1, &0.into()), "not sent again: {second}");
    context.write("faq.md", "# FAQ\n\nAsk anew.\n");
    let (third, exit) = context.once(&[]);
    assert_eq!((exit, &third["outcome"]), (0, &"converged".into()), "{third}");
}

#[test]
fn a_bad_token_stops_everything_with_2_and_is_never_shown() {
    let options = SimulatorOptions { token: Some("another".to_owned().into()), ..SimulatorOptions::default() };
    let context = TestContext::with_options(&THREE, options);
    let said = context.run(&["--once", "-vv"]);
    assert_eq!(said.exit, 2, "{}", said.err);
    assert!(!said.err.contains("canary-token") && !said.out.contains("canary-token"), "{}", said.err);
    assert!(context.titles().is_empty());
    let ledger = fs::read(context.path("ledger.db")).unwrap();
    assert!(!ledger.windows(12).any(|bytes| bytes == b"canary-token"));
}

#[test]
fn a_page_removed_by_hand_comes_back_switched_on_when_it_changes() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let page = context.simulator.pages().unwrap().into_values().find(|p| p.external_id == "faq.md").unwrap();
    context.simulator.remove_page(page.id).unwrap();
    context.write("faq.md", "# FAQ\n\nOther.\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"]), (0, &1.into()), "{report}");
    let page = context.simulator.pages().unwrap().into_values().find(|p| p.external_id == "faq.md").unwrap();
    assert!(page.ai_agent && page.ai_copilot);
}

#[test]
fn switches_set_by_hand_survive_an_update_and_a_rename() {
    let options = SimulatorOptions { put_resets_flags: true, ..SimulatorOptions::default() };
    let context = TestContext::with_options(&THREE, options);
    context.once(&[]);
    let id = context.simulator.pages().unwrap().into_values().find(|p| p.external_id == "faq.md").unwrap().id;
    context.simulator.edit_page(id, |page| page.ai_agent = false).unwrap();
    context.write("faq.md", "# FAQ\n\nOther.\n");
    context.once(&[]);
    context.rename("faq.md", "moved.md");
    let (report, _) = context.once(&[]);
    assert_eq!(report["renamed"], 1, "{report}");
    let page = context.simulator.pages().unwrap().into_values().find(|p| p.external_id == "moved.md").unwrap();
    assert_eq!((page.id, page.ai_agent, page.ai_copilot), (id, false, true));
}

#[test]
fn an_import_source_deleted_in_intercom_stops_the_source_until_it_is_wanted_anew() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let id = context.simulator.sources().unwrap()[0].id;
    context.simulator.remove_source(id).unwrap();
    context.write("faq.md", "# FAQ\n\nOther.\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["outcome"]), (1, &"failed".into()), "{report}");
    assert!(report["problems"].to_string().contains("--recreate-source docs"), "{report}");
    let (again, exit) = context.once(&["--recreate-source", "docs"]);
    assert_eq!((exit, &again["created"]), (0, &3.into()), "{again}");
}

#[test]
fn a_second_applier_is_told_who_is_at_work() {
    let context = TestContext::new(&THREE);
    let _held = finmirror::ledger::Ledger::open(&context.path("ledger.db")).unwrap();
    let said = context.run(&["--once"]);
    assert_eq!(said.exit, 2);
    assert!(said.err.contains("is locked"), "{}", said.err);
    assert!(said.out.is_empty());
}

#[test]
fn a_source_renamed_in_the_configuration_is_the_same_source() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let text = fs::read_to_string(context.path("finmirror.yaml")).unwrap().replace("name: docs", "name: handbook");
    fs::write(context.path("finmirror.yaml"), text).unwrap();
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["unchanged"], &report["requests"]), (0, &3.into(), &0.into()), "{report}");
}

#[test]
fn a_source_that_left_the_configuration_deletes_nothing_and_is_named() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    fs::create_dir(context.path("more")).unwrap();
    fs::write(context.path("more/a.md"), "# A\n\nText.\n").unwrap();
    context.configure_whole(
        "sources:\n  - name: more\n    files: { root: more }\n    site: { generator: plain, base_url: https://more.example.com/ }\n",
    );
    let said = context.run(&["--once"]);
    assert_eq!(said.exit, 0, "{}", said.err);
    assert!(said.err.contains("3 pages of `docs` are still in Fin"), "{}", said.err);
    assert_eq!((context.deletes(), context.titles().len()), (0, 4));
}

#[test]
fn a_link_follows_the_page_that_it_means() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    context.write("guide/start.md", "---\nslug: begin\n---\n# Start\n\nText.\n");
    let (report, _) = context.once(&[]);
    assert_eq!(report["updated"], 2, "the page, and the page that links to it: {report}");
    let home = context.simulator.pages().unwrap().into_values().find(|p| p.external_id == "index.md").unwrap();
    assert!(home.html.contains("https://docs.example.com/guide/begin/"), "{}", home.html);
}

#[test]
fn front_matter_that_cannot_be_read_keeps_what_fin_has() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    context.write("faq.md", "---\ntitle: [broken\n---\n# FAQ\n\nNew.\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["failed"][0]["path"], &report["deleted"]), (1, &"faq.md".into(), &0.into()), "{report}");
    assert_eq!(context.titles().len(), 3);
}

#[test]
fn export_and_preview_show_what_would_be_sent_and_nothing_else() {
    let context = TestContext::new(&THREE);
    context.write("later.md", "---\npublishDate: 2199-01-01\n---\n# Later\n\nText.\n");
    context.write("draft.md", "---\ndraft: true\n---\n# Draft\n\nText.\n");
    context.write("twin.md", "---\nurl: /faq/\n---\n# Twin\n\nText.\n");
    let exported = context.run(&["export"]);
    assert_eq!((exported.exit, exported.out.lines().count()), (1, 2), "{}\n{}", exported.out, exported.err);
    for (path, why) in [("later.md", "is no page now"), ("draft.md", "draft: true"), ("twin.md", "has the url")] {
        let said = context.run(&["preview", path]);
        assert!(said.exit != 0 && said.out.is_empty() && said.err.contains(why), "{path}: {}", said.err);
    }
}

#[test]
fn names_and_sets_that_mean_nothing_are_said() {
    let context = TestContext::new(&THREE);
    for flag in ["--recreate-source", "--accept-unmounted", "--source"] {
        let said = context.run(&["--once", flag, "nope"]);
        assert_eq!(said.exit, 2, "{flag}");
        assert!(said.err.contains("there is no source `nope`"), "{}", said.err);
    }
    context.once(&[]);
    let (report, exit) = context.once(&["--release-held", "docs@deadbeef"]);
    assert_eq!(exit, 0);
    assert!(report["warnings"].to_string().contains("nothing is held"), "{report}");
}
