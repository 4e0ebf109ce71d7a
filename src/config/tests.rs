//! The configuration as its users meet it: a text in, options or errors out.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;

use super::*;
use crate::intercom::Token;
use crate::page::ImportSourceId;
use crate::site::{Locales, Versions};

const MINIMAL: &str = "sources:\n- name: a\n  files: {root: docs}\n  site: {base_url: https://d.example/}\n";

fn env(name: &str) -> Option<String> {
    let value = match name {
        "HOME" => "/home/u",
        "INTERCOM_ACCESS_TOKEN" => "tok-env",
        "N" => "7",
        "YES" => "false",
        "EVERY" => "90s",
        "BASE" => "https://v.example/x",
        "SECRET" => "s3cr3t-from-env",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parsed(text: &str) -> Config {
    parse(text, Path::new("/etc/finmirror/finmirror.yaml"), &env).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> String {
    match parse(text, Path::new("finmirror.yaml"), &env) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error.to_string(),
    }
}

fn refused_source(lines: &str) -> String {
    refused(&format!("sources:\n- name: a\n  files: {{root: docs}}\n  site: {{base_url: https://d.example/}}\n{lines}"))
}

fn intercom(config: &Config) -> &IntercomOptions {
    match config.remote.as_ref() {
        Ok(RemoteOptions::Intercom(options)) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let example = include_str!("../../config/finmirror.example.yaml");
    let minimal =
        "sources:\n- name: handbook\n  files: {root: ./handbook}\n  site: {base_url: https://docs.example.com/}\n";
    assert_eq!(format!("{:?}", parsed(example)), format!("{:?}", parsed(minimal)));
}

#[test]
fn the_example_shows_every_key() {
    let example = include_str!("../../config/finmirror.example.yaml");
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut keys = Vec::new();
    let definitions = schema["$defs"].as_object().unwrap().values();
    for object in definitions.chain([&schema]) {
        keys.extend(object["properties"].as_object().unwrap().keys());
    }
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        assert!(example.contains(&format!("{key}:")), "`{key}` is missing in the example");
    }
}

#[test]
fn the_examples_converters_are_understood() {
    let example = include_str!("../../config/finmirror.example.yaml");
    let start = example.find("# converters:\n").unwrap();
    let commented = example[start..].lines().map_while(|line| line.strip_prefix("# "));
    let lines: Vec<&str> = commented.collect();
    let config = parsed(&format!("{MINIMAL}{}\n", lines.join("\n")));
    let programs: Vec<&str> = config.converters.iter().map(|converter| converter.command[0].as_str()).collect();
    assert_eq!(programs, ["rst2html5", "pandoc", "asciidoctor", "pandoc", "pandoc", "pdftotext"]);
    let first = &config.converters[0];
    assert_eq!(
        (first.pattern.as_str(), first.timeout, first.max_bytes),
        ("**/*.rst", Duration::from_secs(30), 50_000_000)
    );
}

#[test]
fn what_is_wrong_with_a_converter_is_told() {
    let with = |lines: &str| refused(&format!("{MINIMAL}converters:\n{lines}"));
    for (lines, expected) in [
        ("- {command: [cat]}", "match"),
        ("- {match: '*.x', command: []}", "`command` is empty"),
        ("- {match: '*.x', command: cat}", "expected a list"),
        ("- {match: '[', command: [cat]}", "not a pattern"),
        ("- {match: '*.x', command: [cat], timeout: 2h}", "out of range"),
        ("- {match: '*.x', command: [cat], output: pdf}", "not known here"),
        ("- {match: '*.x', command: [cat], shell: true}", "shell"),
    ] {
        let told = with(lines);
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let relative = format!("{MINIMAL}converters: [{{match: '*.x', command: [./bin/x, ./y]}}]\n");
    assert_eq!(parsed(&relative).converters[0].command, ["/etc/finmirror/bin/x", "./y"]);
}

#[test]
fn what_the_example_comments_out_is_understood_as_well() {
    let example = include_str!("../../config/finmirror.example.yaml");
    let with = |from: &str, to: &str| {
        assert!(example.contains(from), "{from}");
        example.replacen(from, to, 1)
    };
    let config = parsed(&with("# audience_ids:", "audience_ids:"));
    assert_eq!(config.sources[0].import_source.audience_ids, Some(vec![12]));
    let config = parsed(&with("# id: 123", "id: 123"));
    assert_eq!(config.sources[0].import_source.id, Some(ImportSourceId(123)));
    assert_eq!(config.sources[0].import_source.url, None);
    let config = parsed(&with("# ca_file:", "ca_file:"));
    assert_eq!(intercom(&config).ca_file.as_deref(), Some(Path::new("/etc/ssl/proxy.pem")));
    let config = parsed(&with("# locales:", "locales:"));
    assert_eq!(config.sources[0].site_policies.locales, Locales::Only(vec!["en".into()]));
    let config = parsed(&with("# versions:", "versions:"));
    assert_eq!(config.sources[0].site_policies.versions, Versions::Latest);
    let config = parsed(&with("# product:", "product:"));
    assert_eq!(config.sources[0].page.policies.product.as_deref(), Some("Acme"));
    let config = parsed(&with("# ledger:\n#   path:", "ledger:\n  path:"));
    assert_eq!(config.ledger.unwrap(), Path::new("/var/lib/finmirror/ledger.db"));
}

#[test]
fn the_demo_needs_nothing() {
    let text = include_str!("../../config/demo.yaml");
    let config = parse(text, Path::new("/repo/config/demo.yaml"), &|_| None).unwrap();
    let Ok(RemoteOptions::Simulator(simulator)) = &config.remote else { panic!("{config:?}") };
    assert_eq!(simulator.data.as_deref(), Some(Path::new("/repo/config/../target/demo/simulator.db")));
    assert_eq!(config.ledger.as_deref().unwrap(), Path::new("/repo/config/../target/demo/ledger.db"));
    assert!(config.http.is_none());
}

#[test]
fn a_minimal_file_takes_the_defaults() {
    let config = parsed(MINIMAL);
    let source = &config.sources[0];
    let SourcePlace::Files(files) = &source.place else { panic!("a folder") };
    assert_eq!(files.root, Path::new("/etc/finmirror/docs"));
    assert_eq!(source.import_source.url, source.site.base_url);
    assert_eq!(intercom(&config).base_url.as_str(), "https://api.intercom.io/");
    assert_eq!(config.ledger.unwrap(), Path::new("/home/u/.local/state/finmirror/ledger.db"));
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn variables_stand_for_values_of_every_type() {
    let config = parsed(
        "intercom: {max_in_flight: \"${N}\", token: \"${SECRET}\"}\n\
         sources:\n- name: s-${N}\n  files: {root: '${N}/x$$y'}\n  site: {base_url: '${BASE}'}\n  \
         page: {ai_agent: '${YES}', ai_copilot: '${NO:-true}'}\n  schedule: ${EVERY}\n",
    );
    let source = &config.sources[0];
    assert_eq!(intercom(&config).max_in_flight, 7);
    assert_eq!(source.name.as_str(), "s-7");
    assert_eq!(source.site.base_url.as_ref().unwrap().as_str(), "https://v.example/x/");
    assert_eq!((source.page.ai_agent, source.page.ai_copilot), (false, true));
    assert_eq!(source.schedule, Schedule::Every(Duration::from_secs(90)));
    assert_eq!(source.policy.interval, Duration::from_secs(90));
    let SourcePlace::Files(files) = &source.place else { panic!("a folder") };
    assert_eq!(files.root, Path::new("/etc/finmirror/7/x$y"));
    let Token::Value(token) = &intercom(&config).token else { panic!() };
    assert_eq!(token.expose_secret(), "s3cr3t-from-env");
    assert!(!format!("{config:?}").contains("s3cr3t"));
}

#[test]
fn numbers_keep_the_spelling_of_the_file() {
    let config = parsed(&format!("intercom: {{version: 2.20}}\n{MINIMAL}"));
    assert_eq!(intercom(&config).version, "2.20");
}

#[test]
fn anchors_share_settings_between_sources() {
    let config = parsed(
        "sources:\n- name: a\n  files: {root: a}\n  deletes: &d {max_pages: 3}\n  import_source: {id: 1}\n\
         - name: b\n  files: {root: b}\n  deletes: *d\n  import_source: {id: 2}\n",
    );
    assert!(config.sources.iter().all(|source| source.policy.max_pages == 3));
}

#[test]
fn a_missing_token_matters_only_to_those_who_need_one() {
    let without = |name: &str| env(name).filter(|_| name != "INTERCOM_ACCESS_TOKEN");
    let config = parse(MINIMAL, Path::new("f.yaml"), &without).unwrap();
    let message = config.remote.unwrap_err().to_string();
    assert!(message.contains("no access token") && message.contains("$INTERCOM_ACCESS_TOKEN"), "{message}");

    let text = format!("intercom: {{token_file: \"${{CREDENTIALS_DIRECTORY}}/intercom\"}}\n{MINIMAL}");
    let config = parse(&text, Path::new("f.yaml"), &without).unwrap();
    insta::assert_snapshot!(config.remote.unwrap_err(), @r#"
    `$CREDENTIALS_DIRECTORY` is not set
     --> f.yaml:1:25
      |
    1 | intercom: {token_file: "${CREDENTIALS_DIRECTORY}/intercom"}
      |                         ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: set it, or write `${CREDENTIALS_DIRECTORY:-default}`
    "#);

    let config = parse(MINIMAL, Path::new("f.yaml"), &|_| None).unwrap();
    assert!(config.ledger.unwrap_err().to_string().contains("set `ledger.path`"));
}

#[test]
fn the_ledger_goes_where_the_system_keeps_state() {
    let ledger = |state: &str, xdg: &str| {
        let env = |name: &str| match name {
            "STATE_DIRECTORY" => Some(state.to_owned()),
            "XDG_STATE_HOME" => Some(xdg.to_owned()),
            name => env(name),
        };
        parse(MINIMAL, Path::new("f.yaml"), &env).unwrap().ledger.unwrap()
    };
    assert_eq!(ledger("/var/lib/f:/var/lib/g", "/x"), Path::new("/var/lib/f/ledger.db"));
    assert_eq!(ledger("", "/x"), Path::new("/x/finmirror/ledger.db"));
    assert_eq!(ledger("", "relative"), Path::new("/home/u/.local/state/finmirror/ledger.db"));
}

#[test]
fn a_language_waits_for_the_version_that_takes_it() {
    let text = format!("{MINIMAL}  page: {{locale: de}}\n");
    let config = parsed(&text);
    assert_eq!((config.sources[0].page.locale.as_str(), config.warnings.len()), ("en", 1));
    let config = parsed(&format!("intercom: {{version: '2.17'}}\n{text}"));
    assert_eq!((config.sources[0].page.locale.as_str(), config.warnings.len()), ("de", 0));
}

#[test]
fn languages_and_versions_are_a_word_or_a_list() {
    let policies = |site: &str| {
        let text =
            format!("sources:\n- name: a\n  files: {{root: docs}}\n  site: {{base_url: https://d.example/, {site}}}\n");
        parsed(&text).sources[0].site_policies.clone()
    };
    assert_eq!(policies("locales: all").locales, Locales::All);
    assert_eq!(policies("locales: fr").locales, Locales::Only(vec!["fr".into()]));
    assert_eq!(policies("locales: [fr, pt-BR]").locales, Locales::Only(vec!["fr".into(), "pt-BR".into()]));
    assert_eq!(policies("versions: all").versions, Versions::All);
    assert_eq!(policies("versions: [2.x, '1.0']").versions, Versions::Only(vec!["2.x".into(), "1.0".into()]));
    insta::assert_snapshot!(refused("\
sources:
- name: a
  files: {root: docs}
  site:
    base_url: https://d.example/
    locales: [all, French]
    locale_folders: { french: fr }
    versions: []
"), @r"
    `all` beside others
     --> finmirror.yaml:6:15
      |
    6 |     locales: [all, French]
      |               ^^^
      |
      = help: write it alone

    error: `French` is not a language code
     --> finmirror.yaml:6:20
      |
    6 |     locales: [all, French]
      |                    ^^^^^^
      |
      = help: write it as `en` or `pt-BR`

    error: `french` is no language code
     --> finmirror.yaml:7:31
      |
    7 |     locale_folders: { french: fr }
      |                               ^^
      |
      = help: begin with a language code, such as `fr: fr/**`

    error: the list is empty, so nothing would be mirrored
     --> finmirror.yaml:8:15
      |
    8 |     versions: []
      |               ^
      |
      = help: name some, or write `latest` or `all`, or remove the key
    ");
}

#[test]
fn unknown_keys_are_shown_together_with_what_was_meant() {
    insta::assert_snapshot!(refused("\
intercom: {regoin: eu}
sources:
- name: a
  files:
    root: docs
    inlcude: ['*.md']
"), @r"
    unknown key `regoin`
     --> finmirror.yaml:1:12
      |
    1 | intercom: {regoin: eu}
      |            ^^^^^^
      |
      = help: did you mean `region`?

    error: unknown key `inlcude`
     --> finmirror.yaml:6:5
      |
    6 |     inlcude: ['*.md']
      |     ^^^^^^^
      |
      = help: did you mean `include`?
    ");
}

#[test]
fn a_key_that_is_there_twice_is_an_error() {
    insta::assert_snapshot!(refused("http: {listen: 'off'}\nsources: []\nhttp: {}\n"), @r"
    `http` is there twice: keep one of them
     --> finmirror.yaml:3:1
      |
    3 | http: {}
      | ^^^^
    ");
}

#[test]
fn wrong_values_are_reported_together() {
    insta::assert_snapshot!(refused("\
intercom:
  rate_limit_share: 1.5
  base_url: http://api.example.com
sources:
- name: über
  files: {root: docs, include: [], max_size: big, follow_symlinks: insde}
  site: {base_url: 'https://u:p4ss@d.example/?q'}
  deletes: {settle: soon, max_pages: ten}
  page: {ai_agent: '${UNSET}'}
"), @r"
    `1.5` is not a share
     --> finmirror.yaml:2:21
      |
    2 |   rate_limit_share: 1.5
      |                     ^^^
      |
      = help: write more than 0 and at most 1

    error: `http://api.example.com` is plain http to another machine, which would show everybody the token
     --> finmirror.yaml:3:13
      |
    3 |   base_url: http://api.example.com
      |             ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `https://`

    error: `über` is not a name
     --> finmirror.yaml:5:9
      |
    5 | - name: über
      |         ^^^^
      |
      = help: use letters, digits, `.`, `_` and `-`, a letter or digit first, at most 64

    error: `include` is empty, so nothing would be mirrored
     --> finmirror.yaml:6:32
      |
    6 |   files: {root: docs, include: [], max_size: big, follow_symlinks: insde}
      |                                ^
      |
      = help: add a pattern, or remove the key

    error: `big` is not a size
     --> finmirror.yaml:6:46
      |
    6 |   files: {root: docs, include: [], max_size: big, follow_symlinks: insde}
      |                                              ^^^
      |
      = help: write it as `500KB`, `10MB` or `8MiB`

    error: `insde` is not known here
     --> finmirror.yaml:6:68
      |
    6 |   files: {root: docs, include: [], max_size: big, follow_symlinks: insde}
      |                                                                    ^^^^^
      |
      = help: did you mean `inside`?

    error: `https://***@d.example/?q` is a url with credentials in it
     --> finmirror.yaml:7:20
      |
    7 |   site: {base_url: 'https://***@d.example/?q'}
      |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: remove them

    error: `soon` is not a duration
     --> finmirror.yaml:8:21
      |
    8 |   deletes: {settle: soon, max_pages: ten}
      |                     ^^^^
      |
      = help: write it as `30s`, `5m` or `1h30m`

    error: `ten` is not a whole number
     --> finmirror.yaml:8:38
      |
    8 |   deletes: {settle: soon, max_pages: ten}
      |                                      ^^^

    error: `$UNSET` is not set
     --> finmirror.yaml:9:21
      |
    9 |   page: {ai_agent: '${UNSET}'}
      |                     ^^^^^^^^
      |
      = help: set it, or write `${UNSET:-default}`
    ");
}

#[test]
fn errors_of_shape_say_what_was_expected() {
    for (text, expected) in [
        ("", "expected keys with values, found nothing"),
        ("[]", "found a list"),
        ("sources: 5", "found a single value"),
        ("sources:\n- files: {root: a}", "`name` is missing"),
        ("sources:\n- name: [a]", "found a list"),
        ("sources:\n- name: a\n  files: {root: a, include: '*.md'}", "expected a list"),
        ("sources: !secret x", "tags"),
        ("sources: *nope", "unknown anchor"),
        ("a: b: c", "no valid YAML"),
        ("http: {listen: ${A}}", "put it into quotes"),
        ("---\nsources: []\n---\nsources: []", "more than one document"),
        ("sources: []", "there is no source"),
    ] {
        let message = refused(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn repositories_and_websites_are_read_with_their_defaults() {
    let source =
        |lines: &str| parsed(&format!("sources:\n- name: a\n  import_source: {{id: 1}}\n{lines}\n")).sources.remove(0);
    let git = source("  git: {url: 'git@h.example:acme/docs.git', ref: main, path: /docs/, token: s3cr3t}");
    let SourcePlace::Git(options) = &git.place else { panic!("a repository") };
    assert_eq!((options.url.as_str(), options.path.as_str()), ("git@h.example:acme/docs.git", "docs"));
    assert_eq!((options.reference.as_deref(), options.wants_commits), (Some("main"), false));
    assert!(!format!("{git:?}").contains("s3cr3t"));
    let checkout = source("  git: {url: ./docs, worktree: true}");
    let SourcePlace::Files(files) = &checkout.place else { panic!("a folder") };
    assert!(files.root.ends_with("docs") && files.exclude == ["/.git"]);
    let web =
        source("  sitemap: {url: 'https://x.example/sitemap.xml', headers: {A: b}, allow_networks: [10.0.0.0/8]}");
    let SourcePlace::Sitemap(options) = &web.place else { panic!("a website") };
    assert_eq!((options.root().as_str(), options.client.concurrency), ("https://x.example/", 4));
    assert_eq!((web.policy.confirm_scans, web.policy.deletes_delisted), (2, false));
}

#[test]
fn sources_must_not_share_a_name_or_an_import_source() {
    let two = |a: &str, b: &str| {
        refused(&format!("sources:\n- name: a\n  files: {{root: x}}\n{a}\n- name: b\n  files: {{root: y}}\n{b}\n"))
    };
    for (a, b) in [
        ("  site: {base_url: 'https://d.example'}", "  import_source: {url: 'https://D.example/'}"),
        ("  import_source: {id: 5}", "  import_source: {id: 5}"),
    ] {
        let message = two(a, b);
        assert!(message.contains("`b` has the import source of `a`") && message.contains(":7:"), "{message}");
    }
    let message = refused_source("- name: a\n  files: {root: z}\n  import_source: {id: 1}\n");
    assert!(message.contains("`a` names two sources") && message.contains("finmirror.yaml:5:9"), "{message}");
}

#[test]
fn a_source_needs_one_place_and_one_import_source() {
    let message = refused("sources:\n- name: a\n  site: {base_url: 'https://x/'}\n");
    assert!(message.contains("nothing says where the source is"), "{message}");
    let message = refused("sources:\n- name: a\n  files: {root: x}\n  site: {generator: plain}\n");
    assert!(message.contains("nothing names the import source") && message.contains("import_source.id"), "{message}");
    let message = refused("sources:\n- name: a\n  files: {root: x}\n  site: {base_url: nonsense}\n");
    assert!(!message.contains("nothing names the import source"), "{message}");
}

#[test]
fn the_simulator_stands_alone() {
    let message = refused(&format!("intercom: {{simulator: {{}}, region: eu}}\n{MINIMAL}"));
    assert!(message.contains("`region` beside `simulator`"), "{message}");
    let config = parsed(&format!("intercom: {{simulator: {{}}}}\n{MINIMAL}"));
    let Ok(RemoteOptions::Simulator(simulator)) = &config.remote else { panic!("{config:?}") };
    assert_eq!(simulator.data.as_deref(), Some(Path::new("/home/u/.local/state/finmirror/simulator.db")));
}

#[test]
fn plain_http_is_for_this_machine() {
    for host in ["http://127.0.0.1:8787", "http://localhost:1", "http://[::1]:2"] {
        parsed(&format!("intercom: {{base_url: '{host}'}}\n{MINIMAL}"));
    }
    for host in ["http://10.0.0.1/", "http://localhost.example/", "http://[::2]/", "http://2147483649/"] {
        assert!(refused(&format!("intercom: {{base_url: '{host}'}}\n{MINIMAL}")).contains("plain http"), "{host}");
    }
}

#[test]
fn no_error_shows_a_secret() {
    let secret = "hunter2-Xyz";
    for text in [
        "intercom: {token: @, regio: eu}\nsources: []",
        "intercom:\n  token: @\n  token: @\nsources: []",
        "intercom:\n  token: |\n    @\n   bad\nsources: []",
        "intercom:\n  token:\n    @ : [\nsources: []",
        "intercom: { token:\n @ , x: [ }\nsources: []",
        "intercom:\n  token: '@\n    @' : x\nsources: []",
        "intercom:\n  token: [@]\nsources: []",
        "intercom:\n  token: {@: @}\nsources: []",
        "intercom: {token: 'a @'}\nsources: []",
        "intercom: {base_url: 'https://me:@@api.example/'}\nsources: []",
        "intercom: {base_url: 'https://@@api.example/', x: 1}\nsources: []",
        "sources:\n- name: a\n  sitemap: {headers: {X-Portal: @}, ulr: x}",
        "sources:\n- name: a\n  sitemap:\n    headers:\n      X-Portal: [@]\n",
        "sources:\n- name: a\n  sitemap:\n    headers:\n      Authorization: Bearer @\n      Authorization: Bearer @\n",
        "intercom: {region: 'dG9rOjEyMzQ1Njc4OTBhYmNkZWZnaGlq'}\nsources: []",
        "intercom: dG9rOjEyMzQ1Njc4OTBhYmNkZWZnaGlq\nsources: []",
        "\"intercom\" : { \"token\" : \"@\" , \"x\" : 1 }\nsources: []",
    ] {
        let text = text.replace('@', secret).replace(&format!("{secret}{secret}"), &format!("{secret}@"));
        let message = refused(&text);
        assert!(message.contains("--> "), "{message}");
        assert!(!message.contains(secret) && !message.contains("dG9r"), "{text}\n{message}");
    }
}

#[test]
fn a_tab_is_told_and_shown() {
    for (text, line, column) in [
        ("sources:\n- name: a\n\tfiles: {root: docs}\n", 3, 1),
        ("sources:\n  - name: a\n    files:\n \troot: docs\n", 4, 2),
        ("\tsources: []\n", 1, 1),
        ("sources:\n-\tname: a\n\tfiles: {root: docs}\n", 2, 2),
    ] {
        let message = refused(text);
        assert!(message.starts_with("this is a tab, and YAML wants blanks"), "{message}");
        assert!(message.contains(&format!(":{line}:{column}\n")) && message.contains('→'), "{message}");
    }
    assert!(!refused("sources: [\n").contains("tab"));
}

#[test]
fn a_variable_that_holds_a_secret_is_never_repeated() {
    for text in [
        "intercom: {region: '${SECRET}'}",
        "intercom: {base_url: '${SECRET}', max_in_flight: '${SECRET}', token: 'x ${SECRET}'}",
        "http: {listen: '${SECRET}'}",
    ] {
        let text = format!("{text}\n{MINIMAL}");
        let shown = match parse(&text, Path::new("f.yaml"), &env) {
            Ok(config) => config.remote.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[test]
fn hostile_files_end_quickly() {
    let deep = "[".repeat(20_000);
    let braces = "{a: ".repeat(20_000);
    let dashes = "- ".repeat(200_000);
    let hidden = format!("a:'b: {deep}");
    let laughs: String = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned())
        .chain((1..12).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))))
        .collect();
    let keys: String = (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(": v\n");
    let errors: String = (0..2_000).map(|_| "- {name: \"?\", files: {root: x}}\n".to_owned()).collect();
    let errors = format!("sources:\n{errors}");
    for text in [&deep, &braces, &dashes, &hidden, &laughs, &keys, &errors] {
        #[expect(clippy::disallowed_methods, reason = "a test of the time that is taken")]
        let start = Instant::now();
        refused(text);
        assert!(start.elapsed() < Duration::from_secs(20), "{}", &text[..20]);
    }
}

#[test]
fn nesting_is_judged_without_quotes_and_comments() {
    let brackets = "[".repeat(100);
    let text = format!("# {brackets}\n{MINIMAL}  page: {{locale: \"{brackets}\"}}\n");
    assert!(refused(&text).contains("not a language code"));
    let pattern = format!("  - '{brackets}'\n").repeat(3);
    assert!(!refused_source(&format!("  x:\n{pattern}")).contains("nested"));
    assert!(refused(&format!("a: {brackets}")).contains("nested too deeply"));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.yaml");
    let message = || load(&file, &env).unwrap_err().to_string();
    assert!(message().contains("there is no such file"));
    std::fs::write(&file, b"sources:\n- name: \xff\n").unwrap();
    assert!(message().contains("line 2 is not UTF-8"));
    std::fs::write(&file, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert!(message().contains("larger than 1 MiB"));
    std::fs::write(&file, format!("\u{feff}{MINIMAL}")).unwrap();
    assert_eq!(load(&file, &env).unwrap().sources.len(), 1);
    assert!(load(folder.path(), &env).unwrap_err().to_string().contains("it is a folder"));
}

#[test]
fn the_configuration_is_looked_for_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (here, etc) = (folder.path().join("finmirror.yaml"), folder.path().join("etc.yaml"));
    let usual = [here.to_str().unwrap(), etc.to_str().unwrap()];
    let by_variable = |name: &str| (name == CONFIG_VARIABLE).then(|| "/v.yaml".to_owned());
    let none = |_: &str| None;
    let found = |named: Option<&Path>, env: Environment<'_>| discover_at(named, env, &usual);

    let message = found(None, &none).unwrap_err().to_string();
    assert!(usual.iter().all(|place| message.contains(place)) && message.contains("--config"), "{message}");
    std::fs::write(&etc, "").unwrap();
    assert_eq!(found(None, &none).unwrap(), etc);
    std::fs::write(&here, "").unwrap();
    assert_eq!(found(None, &none).unwrap(), here);
    assert_eq!(found(None, &by_variable).unwrap(), Path::new("/v.yaml"));
    assert_eq!(found(Some(Path::new("/n.yaml")), &by_variable).unwrap(), Path::new("/n.yaml"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever follows the token, in YAML or not: an answer, no panic, no token in it.
    #[test]
    fn any_text_gets_an_answer_without_the_token(parts in proptest::collection::vec(fragment(), 0..24)) {
        let text = format!("intercom:\n  token: hunter2-Xyz{}", parts.concat());
        if let Err(error) = parse(&text, Path::new("f.yaml"), &env) {
            let shown = format!("{error}{}", error.styled());
            proptest::prop_assert!(!shown.contains("hunter2") && !shown.contains("s3cr3t"), "{}", shown);
        }
    }

    #[test]
    fn any_bytes_of_a_file_get_an_answer(text in "\\PC{0,60}|[\\[\\]{}:,&*!|>'\"%@`#\\-? \\n\\ta-c\\u{85}\\u{2028}é]{0,80}") {
        if let Err(error) = parse(&text, Path::new("f.yaml"), &env) {
            proptest::prop_assert!(!error.to_string().is_empty());
        }
    }
}

fn fragment() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        ": ",
        " ",
        "'",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "#",
        "&a ",
        "*a",
        "|",
        "!t ",
        "token",
        "region",
        "eu",
        "sources",
        "name",
        "a",
        "files",
        "root",
        "site",
        "base_url",
        "https://d.example/",
        "${SECRET}",
        "${NONE}",
        "${",
        "$$",
        "é",
        "\u{2028}",
        "\t",
        "---",
        "simulator",
        "max_in_flight",
        "7",
        "deletes",
    ])
}
