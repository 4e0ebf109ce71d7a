//! Converters, end to end: when they run, what they see, and what becomes of pages that they cannot make.

use std::fs;
use std::time::Duration;

use super::support::{TestContext, command};

/// Documents of a format of nobody's, one of them no text.
fn context(command: &str) -> TestContext {
    let context =
        TestContext::new(&[("plain.md", "# Plain\n\nText.\n"), ("one.x", "<h1>One</h1><p>First words.</p>\n")]);
    configure(&context, command);
    context
}

fn configure(context: &TestContext, command: &str) {
    context.configure_whole(&format!(
        "converters:\n  - match: '**/*.x'\n    command: {command}\n    timeout: 1s\n    max_output: 1KB\n\
         sources:\n  - name: docs\n    files: {{ root: docs }}\n    site: {{ generator: plain, base_url: https://docs.example.com/ }}\n"
    ));
}

/// A converter that notes each run of it in a file beside the configuration.
fn counting(context: &TestContext) -> String {
    format!("[sh, -c, 'echo >>{}; cat']", context.path("runs").display())
}

fn runs(context: &TestContext) -> usize {
    fs::read_to_string(context.path("runs")).unwrap_or_default().len()
}

fn html(context: &TestContext, id: &str) -> String {
    let pages = context.simulator.pages().unwrap();
    pages.into_values().find(|page| page.external_id == id).map(|page| page.html).unwrap_or_default()
}

#[test]
fn a_converter_makes_pages_of_its_documents() {
    let context = context("[cat]");
    fs::write(context.path("docs/two.x"), b"<title>Two</title><p>a \xff</p>").unwrap();
    context.write(
        "three.x",
        "<p>See <a href=\"plain.md\">it</a><script>x</script><!-- fin:skip -->secret<!-- /fin:skip --></p>",
    );
    configure(&context, "[sh, -c, 'tr -d \"\\377\"', sh]");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &4.into()), "{report}");
    let titles: Vec<String> = context.titles().into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["One", "Plain", "Three", "Two"]);
    let three = html(&context, "three.x");
    assert_eq!(three, "<p>See <a href=\"https://docs.example.com/plain/\">it</a></p>");
}

#[test]
fn it_runs_again_exactly_when_the_document_or_the_command_differs() {
    let context = context("[cat]");
    context.write("two.x", "<p>Second words.</p>");
    let command = counting(&context);
    configure(&context, &command);
    context.once(&[]);
    assert_eq!(runs(&context), 2, "once for each document, though each is rendered to be compared and to be sent");
    assert_eq!(context.once(&[]).0["requests"], 0);
    context.once(&["--full"]);
    context.run(&["plan"]);
    assert_eq!(runs(&context), 2, "what is kept is used");
    context.write("one.x", "<h1>One</h1><p>Other words.</p>\n");
    let (report, _) = context.once(&[]);
    assert_eq!((&report["updated"], runs(&context)), (&1.into(), 3), "{report}");
    configure(&context, &command.replace("; cat", "; sed s/words/text/"));
    let (report, _) = context.once(&[]);
    assert_eq!((&report["updated"], runs(&context)), (&2.into(), 5), "{report}");
    assert!(html(&context, "two.x").contains("Second text"));
}

#[test]
fn a_page_whose_converter_fails_stays_in_fin() {
    let context = context("[cat]");
    context.once(&[]);
    for (command, code) in [
        ("[sh, -c, 'echo no such verb >&2; exit 4']", "`sh` ended with status 4: no such verb"),
        ("[sh, -c, 'sleep 100; cat']", "was not done after 1s"),
        ("[sh, -c, 'cat; yes']", "printed more than 1000 bytes"),
        ("[sh, -c, 'cat >/dev/null']", "printed nothing"),
        ("[no-such-converter]", "`no-such-converter` is not on PATH"),
    ] {
        configure(&context, command);
        context.write("one.x", &format!("<p>{}</p>", code.len()));
        let (report, exit) = context.once(&[]);
        let failed = &report["failed"][0];
        assert_eq!((exit, &failed["code"], &failed["path"]), (1, &"converter".into(), &"one.x".into()), "{report}");
        assert!(failed["message"].as_str().unwrap().contains(code), "{report}");
        assert!(html(&context, "one.x").contains("First words"), "what Fin has stays");
    }
    assert_eq!(context.deletes(), 0);
    // It is tried again though the document is the same, and mends itself.
    configure(&context, &counting(&context));
    assert_eq!(context.once(&[]).1, 0);
    assert!(!html(&context, "one.x").contains("First words"));
}

#[test]
fn a_failing_converter_is_tried_again_though_nothing_changed() {
    let context = context("[cat]");
    let switch = context.path("switch").display().to_string();
    configure(&context, &format!("[sh, -c, 'cat {switch} && cat']"));
    assert_eq!(context.once(&[]).1, 1);
    assert_eq!(context.once(&[]).1, 1);
    fs::write(&switch, "<p>on</p>").unwrap();
    assert_eq!(context.once(&[]).1, 0);
    assert!(html(&context, "one.x").starts_with("<p>on</p>"));
}

#[test]
fn it_sees_no_secret_of_the_environment() {
    let context = context("[sh, -c, 'env; pwd; ls -A']");
    let output = command(&context.path(""))
        .args(["export"])
        .env("INTERCOM_ACCESS_TOKEN", "canary-secret")
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("PATH=/usr/bin:/bin") && out.contains("HOME="), "{out}");
    assert!(!out.contains("canary") && !out.contains("INTERCOM"), "{out}");
    let home = out.split("HOME=").nth(1).unwrap().split(['\\', ' ', '<']).next().unwrap();
    assert!(home.contains("/finmirror-") && !std::path::Path::new(home).exists(), "{home}");
}

#[test]
fn check_names_what_is_missing() {
    let context = context("[cat]");
    assert!(context.run(&["check", "--json"]).out.contains("converter cat"));
    configure(&context, "[no-such-converter, -x]");
    let said = context.run(&["check", "--json"]);
    assert!(said.exit == 1 && said.out.contains("is not on PATH"), "{}", said.out);
    let preview = context.run(&["preview", "one.x"]);
    assert!(preview.exit == 1 && preview.err.contains("is not on PATH"), "{}", preview.err);
}

#[test]
fn a_stop_ends_a_converter_before_its_deadline() {
    let context = context("[sh, -c, 'cat >/dev/null; sleep 100']");
    let text = fs::read_to_string(context.path("finmirror.yaml")).unwrap();
    let running = context.path("running").display().to_string();
    let text = text
        .replace("timeout: 1s", "timeout: 1h")
        .replace("'cat >", &format!("'test -t 0 || read x && echo >{running}; cat >"));
    fs::write(context.path("finmirror.yaml"), text).unwrap();
    let mut child = command(&context.path("")).arg("--once").env("PATH", "/usr/bin:/bin").spawn().unwrap();
    let waited = |until: &mut dyn FnMut() -> bool| (0..2000).any(|_| until() || pause());
    assert!(waited(&mut || fs::exists(&running).unwrap()), "it never ran");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(waited(&mut || child.try_wait().unwrap().is_some()), "it hangs");
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn pause() -> bool {
    std::thread::sleep(Duration::from_millis(10));
    false
}

#[test]
fn sphinx_pages_in_rest_are_converted_after_their_own_constructs_are_read() {
    let context = TestContext::new(&[
        ("conf.py", "html_baseurl = 'https://docs.example.com/'\n"),
        ("index.rst", "Start\n=====\n\n.. toctree::\n\n   two\n"),
        ("two.rst", ".. _there:\n\nTwo\n===\n\nSee :doc:`index`, :ref:`there`.\n"),
    ]);
    // What a converter is given is its paragraphs here.
    let paragraphs = r"[sh, -c, 'sed -e s/\</\\\&lt\;/g | sed s/^.*$/\<p\>\&\<.p\>/']";
    context.configure_whole(&format!(
        "converters: [{{ match: '*.rst', command: {paragraphs} }}]\nsources:\n  - {{ name: docs, files: {{ root: docs }} }}\n"
    ));
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &2.into()), "{report}");
    assert!(
        html(&context, "index.rst").contains("* `Two &lt;https://docs.example.com/two.html"),
        "{}",
        html(&context, "index.rst")
    );
    assert!(html(&context, "two.rst").contains("`Start &lt;https://docs.example.com/index.html"));
    // A title that changes is converted anew where it is named.
    context.write("two.rst", ".. _there:\n\nTwo and more\n============\n\nText.\n");
    assert_eq!(context.once(&[]).0["updated"], 2);
    assert!(html(&context, "index.rst").contains("* `Two and more"));
}

#[test]
fn a_marker_that_a_converter_took_for_text_fails_the_page() {
    let context = context("[sh, -c, 'tr -d \"\\377\" | sed \"s/</\\&lt;/g; s/>/\\&gt;/g\"']");
    fs::write(context.path("docs/two.x"), b"seen \xff <!-- fin:skip --> secret <!-- /fin:skip --> last").unwrap();
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (1, &2.into()), "{report}");
    assert_eq!(report["failed"][0]["code"], "fin_skip", "{report}");
}

#[test]
fn a_converter_takes_data_files_and_what_it_made_goes_by_the_limits_once_nobody_configures_it() {
    let context = TestContext::new(&[("plain.md", "# Plain\n\nText.\n"), ("one.json", "{\"a\": 1}")]);
    let with = |converters: &str| {
        context.configure_whole(&format!(
            "{converters}sources:\n  - name: docs\n    files: {{ root: docs }}\n    \
             site: {{ generator: plain, base_url: https://docs.example.com/ }}\n"
        ));
    };
    with("converters: [{ match: '**/*.json', command: [sh, -c, 'echo \"<h1>Data</h1><p>of one</p>\"'] }]\n");
    let (report, exit) = context.once(&[]);
    assert_eq!((exit, &report["created"]), (0, &2.into()), "{report}");
    with("");
    let (report, exit) = context.once(&[]);
    // One of two is no more than half, and no more than ten pages.
    assert_eq!((exit, &report["deleted"], &report["updated"]), (0, &1.into(), &0.into()), "{report}");
}
