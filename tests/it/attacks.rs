//! Single sequences end to end, each with what Fin must hold after it.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use finmirror::simulator::{Fault, FaultRule};

use super::support::{TestContext, command};

const THREE: [(&str, &str); 3] =
    [("index.md", "# Home\n\nText.\n"), ("guide.md", "# Guide\n\nText.\n"), ("faq.md", "# FAQ\n\nAsk.\n")];

fn refusal() -> Fault {
    Fault::Status { code: 422, retry_after_s: None, field: Some("html".into()) }
}

#[test]
fn a_rename_answered_at_the_second_attempt_with_a_refusal_loses_no_page() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    context.rename("faq.md", "moved.md");
    context.simulator.inject(FaultRule::new("replace_page", Fault::LostAnswer).count(1)).unwrap();
    context.simulator.inject(FaultRule::new("replace_page", refusal()).after(0).count(1)).unwrap();
    let (report, _) = context.once(&[]);
    context.simulator.clear_faults();
    let (again, _) = context.once(&[]);
    let ids: Vec<String> = context.titles().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["guide.md", "index.md", "moved.md"], "{report}\n{again}");
}

#[test]
fn two_sources_never_come_to_share_an_import_source() {
    let source = |name: &str, root: &str, url: &str, more: &str| {
        format!(
            "  - name: {name}\n    files: {{ root: {root} }}\n    site: {{ generator: plain, base_url: \"{url}\" }}\n{more}"
        )
    };
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let id = context.simulator.sources().unwrap()[0].id;
    let chosen = format!("    import_source: {{ id: {id}, url: \"https://new.example.com/\" }}\n");
    fs::create_dir(context.path("new")).unwrap();
    for n in 0..4 {
        fs::write(context.path(&format!("new/n{n}.md")), format!("# N{n}\n\nText.\n")).unwrap();
    }
    let new = source("handbook", "new", "https://new.example.com/", &chosen);
    context.configure_whole(&format!("sources:\n{new}"));
    context.run(&["--once"]);
    let docs = source("docs", "docs", "https://docs.example.com/", "");
    context.configure_whole(&format!("sources:\n{new}{docs}"));
    let said = [context.run(&["--once"]), context.run(&["--once"])];
    let mut sources: Vec<i64> = context.simulator.pages().unwrap().into_keys().map(|(source, _)| source).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!((sources.len(), context.deletes()), (2, 0), "{}\n{}", said[0].out, said[1].out);
}

#[test]
fn a_source_that_nobody_configured_is_a_usage_error_wherever_it_is_named() {
    let context = TestContext::new(&THREE);
    for args in [
        ["--once", "--recreate-source", "typo"],
        ["--once", "--accept-unmounted", "typo"],
        ["--once", "--release-held", "typo@0f3c0f3c"],
    ] {
        assert_eq!(context.run(&args).exit, 2, "{args:?}");
    }
}

#[test]
fn a_failed_cycle_is_one_also_where_nobody_reads_its_report() {
    let context = TestContext::new(&THREE);
    context.write("bad.md", "---\ntitle: [broken\n---\n# Bad\n");
    let folder = context.path("finmirror.yaml");
    let mut child =
        command(folder.parent().unwrap()).arg("--once").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{err}");
}

#[test]
fn plan_knows_a_source_by_its_url_as_once_does() {
    let context = TestContext::new(&THREE);
    context.once(&[]);
    let text = fs::read_to_string(context.path("finmirror.yaml")).unwrap().replace("name: docs", "name: handbook");
    fs::write(context.path("finmirror.yaml"), text).unwrap();
    let said = context.run(&["plan"]);
    assert!(said.out.contains("0 to create") && said.out.contains("3 unchanged"), "{}", said.out);
}
