//! Documents that become several pages: each is a page of its own in Fin, and all of them stay while the document fails.

use super::support::TestContext;

fn operation(tag: &str, summary: &str) -> String {
    format!("  /{tag}:\n    get:\n      tags: [{tag}]\n      summary: {summary}\n      responses: {{}}\n")
}

fn api(operations: &[(&str, &str)]) -> String {
    let operations: String = operations.iter().map(|(tag, summary)| operation(tag, summary)).collect();
    format!("openapi: 3.0.0\ninfo: {{ title: Pumps }}\npaths:\n{operations}")
}

/// A description of two tags, which is three pages.
fn pumps() -> TestContext {
    let context = TestContext::new(&[("api.yaml", &api(&[("pumps", "List pumps"), ("valves", "List valves")]))]);
    let configuration = "sources:\n  - name: docs\n    files: { root: docs, include: [\"**/*.{md,yaml}\"] }\n    \
                         site: { generator: plain, base_url: https://docs.example.com/, urls: '{path}/' }\n    \
                         deletes: { max_pages: 100, max_percent: 100 }\n";
    context.configure_whole(configuration);
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &3.into()), "{report}");
    context
}

fn html(context: &TestContext, id: &str) -> Option<String> {
    let pages = context.simulator.pages().unwrap();
    pages.into_values().find(|page| page.external_id == id).map(|page| page.html)
}

fn ids(context: &TestContext) -> Vec<String> {
    context.titles().into_iter().map(|(id, _)| id).collect()
}

const ALL: [&str; 3] = ["api.yaml", "api.yaml#tag-pumps", "api.yaml#tag-valves"];

#[test]
fn each_part_is_a_page_and_a_second_run_sends_nothing() {
    let context = pumps();
    let titles: Vec<String> = context.titles().into_iter().map(|(_, title)| title).collect();
    assert_eq!(
        (ids(&context), titles),
        (ALL.map(str::to_owned).to_vec(), vec!["Pumps".to_owned(), "pumps – Pumps".into(), "valves – Pumps".into()])
    );
    let urls: Vec<_> = context.simulator.pages().unwrap().into_values().filter_map(|page| page.url).collect();
    assert_eq!(urls, ["", "#tag-pumps", "#tag-valves"].map(|anchor| format!("https://docs.example.com/api/{anchor}")));
    let (quiet, exit) = context.once(&[]);
    assert_eq!((exit, &quiet["requests"], &quiet["unchanged"]), (0, &0.into(), &3.into()), "{quiet}");
    let (full, exit) = context.once(&["--full"]);
    assert_eq!((exit, &full["requests"], &full["unchanged"]), (0, &0.into(), &3.into()), "{full}");
}

#[test]
fn a_change_updates_only_its_part() {
    let context = pumps();
    context.write("api.yaml", &api(&[("pumps", "List pumps"), ("valves", "Count valves")]));
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"], &report["unchanged"]), (0, &1.into(), &2.into()), "{report}");
    assert!(html(&context, ALL[2]).unwrap().contains("Count valves"));
    assert_eq!(context.once(&[]).0["requests"], 0);
}

/// The document's own page names the tags, so it changes with them.
#[test]
fn a_part_that_is_gone_is_deleted_and_nothing_else() {
    let context = pumps();
    context.write("api.yaml", &api(&[("pumps", "List pumps")]));
    let plan = context.run(&["plan"]).out;
    assert!(plan.contains("no such part"), "{plan}");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["updated"]), (0, &1.into(), &1.into()), "{report}");
    assert_eq!(ids(&context), &ALL[..2]);
    assert_eq!(context.once(&[]).0["requests"], 0);
    // It comes back as it went.
    context.write("api.yaml", &api(&[("pumps", "List pumps"), ("valves", "List valves")]));
    assert_eq!(context.once(&[]).0["created"], 1);
    // And goes with its document, and with the document's being a page.
    context.write("other.md", "# Other\n\nText.\n");
    context.once(&[]);
    context.write("api.yaml", "kind: Deployment\n");
    let (held, exit) = context.once(&[]);
    assert_eq!((exit, &held["held"]), (3, &3.into()), "{held}");
    let (report, _) = context.once(&["--release-held", held["release"].as_str().unwrap()]);
    assert_eq!((&report["deleted"], ids(&context)), (&3.into(), vec!["other.md".to_owned()]), "{report}");
}

#[test]
fn deletes_of_parts_are_held_over_the_limit() {
    let context = pumps();
    context.configure_whole(
        "sources:\n  - name: docs\n    files: { root: docs, include: [\"**/*.yaml\"] }\n    \
         site: { generator: plain, base_url: https://docs.example.com/, urls: '{path}/' }\n    \
         deletes: { max_pages: 1, max_percent: 10 }\n",
    );
    context.write("api.yaml", "openapi: 3.0.0\ninfo: { title: Pumps }\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["held"]), (3, &0.into(), &2.into()), "{report}");
    assert_eq!(ids(&context), ALL);
}

#[test]
fn a_broken_description_keeps_every_page_that_fin_has() {
    let context = pumps();
    for broken in ["openapi: 3.0.0\npaths: [\n", ""] {
        context.write("api.yaml", broken);
        for _ in 0..2 {
            let (report, exit) = context.once(&[]);
            assert_eq!((exit, &report["deleted"], &report["updated"]), (1, &0.into(), &0.into()), "{report}");
            assert_eq!(report["failed"].as_array().map(Vec::len), Some(1), "{report}");
        }
        assert_eq!(ids(&context), ALL);
    }
    // Mended, with a part less: that one goes.
    context.write("api.yaml", &api(&[("pumps", "List all pumps")]));
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["updated"]), (0, &1.into(), &2.into()), "{report}");
}

#[test]
fn parts_move_with_their_document() {
    let context = pumps();
    context.rename("api.yaml", "interface.yaml");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["deleted"], &report["renamed"]), (0, &0.into(), &3.into()), "{report}");
    assert_eq!(ids(&context), ["interface.yaml", "interface.yaml#tag-pumps", "interface.yaml#tag-valves"]);
    assert_eq!(context.once(&[]).0["requests"], 0);
}

#[test]
fn a_schema_in_another_file_that_changes_updates_the_parts_that_show_it() {
    let context = pumps();
    let spec = api(&[("pumps", "List pumps")])
        .replace("responses: {}", "responses: { 200: { content: { a/b: { schema: { $ref: schemas/pump.yaml } } } } }")
        + &operation("valves", "List valves");
    context.write("schemas/pump.yaml", "properties: { power: { type: integer } }\n");
    context.write("api.yaml", &spec);
    context.once(&[]);
    assert!(html(&context, ALL[1]).unwrap().contains("power"));
    context.write("schemas/pump.yaml", "properties: { pressure: { type: integer } }\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["updated"], &report["unchanged"]), (0, &1.into(), &2.into()), "{report}");
    assert!(html(&context, ALL[1]).unwrap().contains("pressure"));
}
