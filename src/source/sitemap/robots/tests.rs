//! The table of RFC 9309, and what stands in real files.

use proptest::prelude::*;
use url::Url;

use super::*;

fn allows(robots: &str, path: &str) -> bool {
    Robots::parse(robots.as_bytes()).allows(&Url::parse(&format!("https://x.example{path}")).unwrap())
}

#[test]
fn the_longest_rule_decides_and_of_two_the_one_that_allows() {
    for (rules, path, expected) in [
        ("", "/any", true),
        ("Disallow:", "/any", true),
        ("Disallow: /", "/", false),
        ("Disallow: /", "/robots.txt", true),
        ("Disallow: /a", "/ab", false),
        ("Disallow: /a/", "/a", true),
        ("Disallow: /a\nAllow: /a/b", "/a/bc", true),
        ("Allow: /a\nDisallow: /a", "/a", true),
        ("Disallow: /*.pdf$", "/x/y.pdf", false),
        ("Disallow: /*.pdf$", "/x/y.pdf?z", true),
        ("Disallow: /*.pdf", "/x/y.pdf?z", false),
        ("Disallow: /a*b*c", "/a-c-b", true),
        ("Disallow: /a*b*c", "/a-b-c-d", false),
        ("Disallow: /a*$", "/abc", false),
        ("Disallow: *x", "/abx", false),
        ("Disallow: /$", "/", false),
        ("Disallow: /$", "/a", true),
        ("Disallow: /*?page=", "/list?page=2", false),
        ("Disallow: private", "/private/x", false),
        // The RFC's own table of escapes (2.2.2).
        ("Disallow: /foo/bar?baz=quz", "/foo/bar?baz=quz", false),
        ("Disallow: /foo/bar/ツ", "/foo/bar/%e3%83%84", false),
        ("Disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", false),
        ("Disallow: /a/%2A", "/a/x", true),
    ] {
        assert_eq!(allows(&format!("User-agent: *\n{rules}\n"), path), expected, "{rules:?} {path}");
    }
}

#[test]
fn our_group_is_ours_alone_and_groups_of_one_name_are_one() {
    let file = "User-agent: *\nDisallow: /\n\nUser-Agent: other\nuser-agent: FinMirror/2.0 # us\nDisallow: /a\rCrawl-delay: 1.5\n\
                \nUser-agent: bot\nDisallow: /b\n\nUser-agent: finmirror\nDisallow: /c\nSitemap: https://x.example/s.xml\n";
    for (path, expected) in [("/", true), ("/a", false), ("/b", true), ("/c", false)] {
        assert_eq!(allows(file, path), expected, "{path}");
    }
    let robots = Robots::parse(file.as_bytes());
    assert_eq!(robots.delay, Some(Duration::from_millis(1500)));
    assert_eq!(robots.lists, ["https://x.example/s.xml"]);
    assert!(allows("User-agent: finmirrors\nDisallow: /", "/"), "another name");
    assert!(allows("Disallow: /", "/"), "a rule of nobody's");
    assert!(allows("User-agent: finmirror\nUser-agent: *\n\nDisallow: /a", "/b"));
    assert!(!allows("\u{feff}User-agent: *\r\nDisallow: /a\r\n", "/a"));
    assert!(allows("<html><body>not found: User-agent: *", "/"));
}

#[test]
fn a_delay_is_a_number_and_has_its_bounds() {
    for (value, expected) in
        [("0.5", Some(500)), ("7", Some(7000)), ("1e9", Some(60_000)), ("-1", None), ("NaN", None), ("x", None)]
    {
        let robots = Robots::parse(format!("User-agent: *\nCrawl-delay: {value}").as_bytes());
        assert_eq!(robots.delay.map(|delay| delay.as_millis()), expected, "{value}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "(?s).{0,200}", path in "[/a-z%*$0-9?]{0,40}") {
        let Ok(url) = Url::parse("https://x.example/").unwrap().join(&path) else { return Ok(()) };
        Robots::parse(text.as_bytes()).allows(&url);
        Robots::parse(format!("user-agent:*\ndisallow:{text}").as_bytes()).allows(&url);
    }
}
