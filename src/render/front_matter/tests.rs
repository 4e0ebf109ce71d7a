//! Front matter as its authors write it, and as it must be refused.

use std::collections::BTreeMap;

use super::*;

/// What a document says of itself, or why it cannot be read.
fn said(source: &str) -> String {
    let split = match split(source) {
        Ok(split) => split,
        Err(failure) => return format!("{}: {}", failure.code, failure.message),
    };
    let body = format!(" | body from line {}: {:?}", split.body_line, split.body);
    match split.front.as_ref().map(|front| read(front, true)) {
        None => format!("no front matter{body}"),
        Some(Ok(facts)) => serde_json::to_string(&facts).unwrap() + &body,
        Some(Err(failure)) => format!("{}: {}", failure.code, failure.message),
    }
}

fn facts_of(yaml: &str) -> Facts {
    let source = format!("---\n{yaml}\n---\n");
    read(split(&source).unwrap().front.as_ref().unwrap(), true).unwrap()
}

fn all(sources: &[&str]) -> String {
    sources.iter().map(|source| said(source)).collect::<Vec<_>>().join("\n")
}

#[test]
fn three_syntaxes_say_the_same() {
    insta::assert_snapshot!(all(&[
        "---\ntitle: A\nid: 7\nslug: s\nfin: {agent: false, copilot: yes}\nother: [x]\n---\nbody",
        "+++\ntitle = \"A\"\nid = 7\nslug = \"s\"\nfin = {agent = false, copilot = true}\nother = [1979-05-27]\n+++\nbody",
        "{\"title\": \"A\", \"id\": 7, \"slug\": \"s\",\n\"fin\": {\"agent\": false, \"copilot\": true}, \"other\": [1]}\nbody",
        "---\r\ntitle: A\r\n---\r\nbody",
        "---toml\ntitle = \"A\"\n---\nbody",
        "---\ntitle: A\n...\nbody",
    ]), @r#"
    {"id":"7","title":"A","slug":"s","ai_agent":false,"ai_copilot":true} | body from line 8: "body"
    {"id":"7","title":"A","slug":"s","ai_agent":false,"ai_copilot":true} | body from line 8: "body"
    {"id":"7","title":"A","slug":"s","ai_agent":false,"ai_copilot":true} | body from line 3: "body"
    {"title":"A"} | body from line 4: "body"
    {"title":"A"} | body from line 4: "body"
    {"title":"A"} | body from line 4: "body"
    "#);
}

#[test]
fn a_first_rule_is_no_front_matter() {
    insta::assert_snapshot!(all(&[
        "---\n",
        "---",
        "---\n\nText after a rule.\n",
        "---\nText after a rule.\n",
        "---\n\nText.\n\n---\n\nMore.\n",
        "---\n\n# Heading\n\nText.\n\n---\n",
        "----\ntitle: x\n----\n",
        " ---\ntitle: x\n---\n",
        "\n---\ntitle: x\n---\n",
        "{% raw %}\n",
        "{{ x }}\n",
        "{#id}\n",
        "---\n---\nbody",
        "---\n# only a comment\n---\nbody",
    ]), @r#"
    no front matter | body from line 1: "---\n"
    no front matter | body from line 1: "---"
    no front matter | body from line 1: "---\n\nText after a rule.\n"
    no front matter | body from line 1: "---\nText after a rule.\n"
    no front matter | body from line 1: "---\n\nText.\n\n---\n\nMore.\n"
    no front matter | body from line 1: "---\n\n# Heading\n\nText.\n\n---\n"
    no front matter | body from line 1: "----\ntitle: x\n----\n"
    no front matter | body from line 1: " ---\ntitle: x\n---\n"
    no front matter | body from line 1: "\n---\ntitle: x\n---\n"
    no front matter | body from line 1: "{% raw %}\n"
    no front matter | body from line 1: "{{ x }}\n"
    no front matter | body from line 1: "{#id}\n"
    {} | body from line 3: "body"
    {} | body from line 4: "body"
    "#);
}

#[test]
fn what_cannot_be_read_fails_with_its_line() {
    insta::assert_snapshot!(all(&[
        "---\ntitle: x\ndraft: true\n\nbody",
        "---\n\ndraft: true\n\nbody",
        "---\ndraft true\n---\nbody",
        "---\n- a\n- b\n---\n",
        "---\na: 1\ntitle: [x\n---\n",
        "---\na: 1\na: 2\n---\n",
        "---\na: {b: 1, b: 2}\n---\n",
        "---\na: 1\ndraft: maybe\n---\n",
        "---\ntitle: {a: b}\n---\n",
        "---\n\tdraft: true\n---\n",
        "---\nurl: javascript:alert(1)\n---\n",
        "---\na: 1\nfin:\n  agnet: false\n---\n",
        "---\nfin: false\n---\n",
        "---\nexpiryDate: someday\n---\n",
        "---\npublish_at: [2024]\n---\n",
        "---\na: *unknown\n---\n",
        "+++\ntitle = \n+++\n",
        "+++\na = 1\na = 2\n+++\n",
        "+++\ntitle = 'x'\n",
        "{\"title\": \"x\", \"title\": \"y\"}\n",
        "{\"a\": 1,\n \"draft\": 3}\n",
        "{\"draft\": true} text",
        "{\"draft\": true",
    ]), @"
    front_matter: front matter, line 1: it has no closing `---` within 64 KiB; close it, or put an empty line before the first line if that is not front matter
    front_matter: front matter, line 1: it has no closing `---` within 64 KiB; close it, or put an empty line before the first line if that is not front matter
    front_matter: front matter, line 2: it is no mapping of keys to values; put an empty line before the first `---` if that is a rule
    front_matter: front matter, line 2: it is no mapping of keys to values; put an empty line before the first `---` if that is a rule
    front_matter: front matter, line 4: did not find expected ',' or ']'
    front_matter: front matter, line 2: the key `a` is there twice
    front_matter: front matter, line 2: a: the key `b` is there twice
    front_matter: front matter, line 3: `draft` is `maybe`: it must be true or false
    front_matter: front matter, line 2: `title` is a mapping: it must be a text
    front_matter: front matter, line 2: found character that cannot start any token, while scanning for the next token
    front_matter: front matter, line 2: `url` is `javascript:alert(1)`: it must be an http or https url, or a path on the site
    front_matter: front matter, line 4: `agnet` is `false`: it is no key of `fin`, which knows `agent`, `copilot` and `skip`
    front_matter: front matter, line 2: `fin` is `false`: it must be a mapping of `agent`, `copilot` and `skip`
    front_matter: front matter, line 2: `expiryDate` is `someday`: it must be a date such as `2030-01-31` or `2030-01-31T09:00:00Z`
    front_matter: front matter, line 2: `publish_at` is a list: it must be a date such as `2030-01-31` or `2030-01-31T09:00:00Z`
    front_matter: front matter, line 2: unknown anchor
    front_matter: front matter, line 2: string values must be quoted, expected literal string
    front_matter: front matter, line 3: duplicate key
    front_matter: front matter, line 1: it has no closing `+++` within 64 KiB; close it, or put an empty line before the first line if that is not front matter
    front_matter: front matter, line 1: the key `title` is there twice
    front_matter: front matter, line 2: `draft` is `3`: it must be true or false
    front_matter: front matter, line 1: its closing `}` must be the last thing on its line
    front_matter: front matter, line 1: EOF while parsing an object
    ");
}

#[test]
fn exclusions_are_named() {
    for (yaml, reason) in [
        ("draft: true", "draft: true"),
        ("Draft: Yes", "Draft: true"),
        ("published: false", "published: false"),
        ("unlisted: true", "unlisted: true"),
        ("search: false", "search: false"),
        ("search: {exclude: true}", "search: false"),
        ("search_exclude: true", "search_exclude: true"),
        ("permalink: false", "permalink: false"),
        ("fin: {skip: true}", "fin.skip: true"),
        ("fin:\n  skip: on", "fin.skip: true"),
    ] {
        assert_eq!(facts_of(yaml).excluded.as_deref(), Some(reason), "{yaml}");
    }
    for yaml in [
        "draft: false",
        "draft:",
        "published: true",
        "search: true",
        "search: {boost: 2}",
        "fin: {skip: false}",
        "fin:",
    ] {
        let facts = Facts { keys: BTreeMap::new(), ..facts_of(yaml) };
        assert_eq!(facts, Facts::default(), "{yaml}");
    }
}

/// 2024-05-01 at midnight.
const DAY: i64 = 1_714_521_600;

#[test]
fn dates_bound_a_page_in_time() {
    let times = |yaml| {
        let facts = facts_of(yaml);
        (facts.not_before, facts.not_after)
    };
    for yaml in
        ["publishDate: 2024-05-01", "publish_at: '2024-05-01'", "published: 2024-05-01", "pubDate: 'May 01 2024'"]
    {
        assert_eq!(times(yaml), (Some(DAY), None), "{yaml}");
    }
    for yaml in [
        "expiryDate: 2024-05-01",
        "expires: 2024-05-01T00:00:00Z",
        "unpublish-at: 2024-05-01",
        "expiry_date: 2024-05-01",
    ] {
        assert_eq!(times(yaml), (None, Some(DAY)), "{yaml}");
    }
    assert_eq!(times("date: 2024-05-01"), (Some(DAY), None));
    assert_eq!(times("date: 2030-05-01\npublishDate: 2024-05-01"), (Some(DAY), None));
    assert_eq!(times("date: last spring"), (None, None));
    assert_eq!(times("date: {created: 2024-05-01}"), (None, None));
    assert_eq!(times("expires: 2030-01-01\nunpublish: 2024-05-01"), (None, Some(DAY)));
    let toml = said("+++\nexpiryDate = 2024-05-01T02:00:00+02:00\npublishDate = 2024-05-01\n+++\n");
    let keys = r#""keys":{"publishDate":["2024-05-01"]}"#;
    assert_eq!(toml, format!("{{\"not_before\":{DAY},\"not_after\":{DAY},{keys}}} | body from line 5: \"\""));
}

#[test]
fn texts_are_tidied() {
    assert_eq!(facts_of("title: ' x '\nid: ''\nslug: 1.5").title.as_deref(), Some("x"));
    assert_eq!(facts_of("id: ''").id, None);
    assert_eq!(facts_of("slug: 2024").slug.as_deref(), Some("2024"));
    assert_eq!(facts_of("title: \"a\\u0007b\"").title.as_deref(), Some("a b"));
    assert_eq!(facts_of("permalink: /a/\nurl: /b/").url.as_deref(), Some("/b/"));
    assert_eq!(facts_of("url: /b/\npermalink: /a/").url.as_deref(), Some("/b/"));
    assert_eq!(facts_of("theme: !!python/name:x.y\ntitle: !tag y").title.as_deref(), Some("y"));
}

#[test]
fn what_is_built_to_be_slow_is_refused_before_it_is_parsed() {
    let bomb = |levels: usize| {
        (1..levels).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            let before = n - 1;
            format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{before}"); 9].join(", "))
        })
    };
    for yaml in [
        "[".repeat(20_000),
        "{a: ".repeat(20_000),
        format!("a: {}", "- ".repeat(20_000)),
        "- ".repeat(20_000),
        "? ".repeat(20_000),
        bomb(12),
        (0..300).map(|depth| " ".repeat(depth) + "a:\n").collect(),
        format!("a: {}\n", "x".repeat(70_000)),
    ] {
        let text = said(&format!("---\n{yaml}\n---\n"));
        assert!(text.starts_with("front_matter: "), "{}", &text[..text.len().min(200)]);
    }
    for json in ["{\"a\":".repeat(20_000), format!("{{\"a\":{}", "[".repeat(20_000))] {
        assert!(said(&json).starts_with("front_matter: "));
    }
    assert!(said(&format!("+++\na = {}\n+++\n", "[".repeat(20_000))).starts_with("front_matter: "));
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(front in "[-+{}\\[\\]a:\"' \n\t&*!|>#=,é.]{0,80}", fence in "(---|\\+\\+\\+|\\{)\n?") {
        let _ = said(&format!("{fence}{front}"));
        let _ = said(&format!("{fence}{front}\n{fence}\nbody"));
    }

    #[test]
    fn a_draft_is_never_taken_for_a_page(before in "[a-z]{1,8}: [^\r\n]{0,20}\n", after in "([a-z]{1,8}: [^\r\n]{0,20}\n)?") {
        let source = format!("---\n{before}draft: true\n{after}---\nbody");
        // Either it is read, and the page is left out, or the page fails.
        if let Ok(split) = split(&source) {
            let front = split.front.expect("a closed fence around a key is front matter");
            if let Ok(facts) = read(&front, true) {
                proptest::prop_assert!(facts.excluded.is_some(), "{source}");
            }
        }
    }
}
