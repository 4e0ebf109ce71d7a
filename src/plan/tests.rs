//! The planner's decisions, as text in and text out.
//!
//! `doc PATH …` is a document of the scan, `fin ID …` an entry of the ledger; further words set what differs from the
//! defaults: `bytes=N` (source), `body=N`, `title=X`, `url=X`, `id=X`, `path=X`, and flags.

mod properties;

use super::*;
use crate::page::{Acknowledged, BodyHash, Doubt, PageId, Rejected};

const NOW: i64 = 1_800_000_000;

struct Excluding(Vec<String>);

impl Patterns for Excluding {
    fn excludes(&self, path: &DocPath) -> bool {
        self.0.iter().any(|excluded| path.as_str() == excluded)
    }
}

#[derive(Default)]
struct Fixture {
    documents: Vec<Observed>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    excluded: Vec<String>,
    delisted: Vec<DocPath>,
    recent: u64,
    release: Option<String>,
    full: bool,
}

fn policy() -> Policy {
    Policy {
        max_percent: 10.0,
        max_pages: 10,
        confirm_scans: 1,
        interval: Duration::from_mins(1),
        settle: Duration::ZERO,
        deletes_delisted: false,
    }
}

fn word<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().find_map(|w| w.strip_prefix(key)?.strip_prefix('='))
}

fn number(words: &[&str], key: &str) -> Option<u8> {
    word(words, key).map(|n| n.parse().unwrap())
}

fn parse(text: &str) -> Fixture {
    let mut fixture = Fixture::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let rest = &words[2.min(words.len())..];
        match words[0] {
            "doc" => fixture.documents.push(document(words[1], rest)),
            "fin" => fixture.entries.push(entry(words[1], rest)),
            "docs" => (0..words[1].parse().unwrap())
                .for_each(|n| fixture.documents.push(document(&format!("{n:03}.md"), rest))),
            "fins" => {
                (0..words[1].parse().unwrap()).for_each(|n| fixture.entries.push(entry(&format!("{n:03}.md"), rest)));
            }
            "problem" => fixture.problems.push(Problem { path: words[1].into(), message: rest.join(" ") }),
            "exclude" => fixture.excluded.push(words[1].into()),
            "delisted" => fixture.delisted.push(DocPath::new(words[1])),
            "recent" => fixture.recent = words[1].parse().unwrap(),
            "release" => fixture.release = Some(words[1].into()),
            "full" => fixture.full = true,
            other => panic!("unknown line `{other}`"),
        }
    }
    fixture.delisted.sort();
    fixture.documents.sort_by(|a, b| a.path.cmp(&b.path));
    fixture.entries.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    fixture
}

/// The content hash follows from what it covers, as it does for real pages.
fn content(body: u8, title: &str, url: Option<&str>, managed: bool) -> ContentHash {
    crate::page::content_hash(title, &body.to_string(), url, "en", managed.then_some(true), None)
}

fn document(path: &str, words: &[&str]) -> Observed {
    let bytes = number(words, "bytes").unwrap_or(1);
    let body = number(words, "body").unwrap_or(bytes);
    let title = word(words, "title").unwrap_or("T");
    let url = word(words, "url").map(str::to_owned).or_else(|| (!words.contains(&"nourl")).then(|| format!("/{path}")));
    let at = |key| word(words, key).map(|s| NOW + s.parse::<i64>().unwrap());
    let state = if words.contains(&"draft") {
        State::Excluded("draft: true".into())
    } else if words.contains(&"broken") {
        State::Failed(Box::new(Failure::new("front_matter", "line 2 is odd")))
    } else if words.contains(&"unreadable") {
        State::Failed(Box::new(Failure::new("unreadable", "permission denied")))
    } else {
        State::Page(Outline {
            content_hash: content(body, title, url.as_deref(), words.contains(&"managed")),
            body: BodyHash(body.into()),
            recipe: number(words, "recipe").unwrap_or(1).into(),
            title: title.into(),
            html_bytes: 10,
            not_before: at("from"),
            not_after: at("until"),
        })
    };
    let readable = !words.contains(&"unreadable");
    Observed {
        is_part: false,
        facts: None,
        path: DocPath::new(path),
        raw: None,
        external_id: ExternalId::new(word(words, "id").unwrap_or(path)),
        source_hash: readable.then_some(SourceHash([bytes; 32])),
        url: url.map(Into::into),
        state,
    }
}

fn entry(id: &str, words: &[&str]) -> Entry {
    let bytes = number(words, "bytes").unwrap_or(1);
    let body = number(words, "body").unwrap_or(bytes);
    let title = word(words, "title").unwrap_or("T");
    let path = word(words, "path").unwrap_or(id);
    let url = word(words, "url").map(str::to_owned).or_else(|| (!words.contains(&"nourl")).then(|| format!("/{path}")));
    let missed = word(words, "missed").map(|m| {
        let (scans, ago) = m.split_once('@').unwrap();
        let at = (NOW - ago.parse::<i64>().unwrap()) * 1000;
        Missed { since_ms: at, scans: scans.parse().unwrap(), counted_at_ms: at }
    });
    let rejected = number(words, "rejected").map(|body| {
        let ago: i64 = word(words, "ago").map_or(60, |s| s.parse().unwrap());
        let content_hash = content(body, title, url.as_deref(), false);
        Box::new(Rejected { content_hash, message: "422: title is too long".into(), at: NOW - ago })
    });
    let known = !words.contains(&"unknown");
    Entry {
        external_id: ExternalId::new(id),
        path: DocPath::new(path),
        page_id: known.then(|| PageId::new("7")),
        created_at_ms: Some(word(words, "created").map_or(0, |ago| (NOW - ago.parse::<i64>().unwrap()) * 1000)),
        acknowledged: known.then(|| Acknowledged {
            content_hash: content(body, title, url.as_deref(), false),
            body: BodyHash(body.into()),
            recipe: number(words, "recipe").unwrap_or(1).into(),
            source_hash: Some(SourceHash([bytes; 32])),
            title: title.into(),
            url: url.map(Into::into),
        }),
        doubt: words.contains(&"doubt").then_some(Doubt::Upsert { switches: None }),
        missed,
        rejected,
    }
}

fn planned(text: &str) -> String {
    planned_by(text, &policy())
}

fn planned_by(text: &str, policy: &Policy) -> String {
    let fixture = parse(text);
    let input = Input {
        documents: &fixture.documents,
        entries: &fixture.entries,
        problems: &fixture.problems,
        delisted: &fixture.delisted,
        patterns: &Excluding(fixture.excluded.clone()),
        recent_deletes: fixture.recent,
        release: fixture.release.as_deref(),
        retry_rejected: fixture.full,
    };
    plan(input, policy, Timestamp::from_second(NOW).unwrap()).to_string()
}

/// The sum alone, for plans of many lines.
fn sum(text: &str) -> String {
    let plan = planned(text);
    plan.lines()
        .filter(|line| line.contains(" to create,") || line.starts_with("held set"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_differs_is_sent_and_nothing_else() {
    insta::assert_snapshot!(planned("
        doc a.md
        doc b.md bytes=2
        doc c.md title=New
        doc d.md url=/moved
        doc e.md body=9 recipe=2
        doc e2.md body=9
        doc f.md managed
        doc g.md
        fin a.md
        fin b.md
        fin c.md
        fin d.md
        fin e.md
        fin e2.md
        fin f.md
    "), @"
    update  b.md  (content)
    update  c.md  (title)
    update  d.md  (url)
    update  e.md  (renderer)
    update  e2.md  (links)
    update  f.md  (availability)
    create  g.md  (new)
    1 to create, 6 to update, 0 to rename, 0 to delete, 0 held, 1 unchanged, 0 failed
    ");
}

#[test]
fn a_page_in_doubt_is_planned_again_whatever_its_hash() {
    insta::assert_snapshot!(planned("
        doc a.md
        doc b.md
        doc c.md bytes=3
        fin a.md doubt
        fin b.md doubt unknown
        fin c.md bytes=3
        fin gone.md doubt unknown
    "), @"
    update  a.md  (in doubt)
    update  b.md  (in doubt)
    delete  gone.md  (vanished)
    0 to create, 2 to update, 0 to rename, 1 to delete, 0 held, 1 unchanged, 0 failed
    ");
}

#[test]
fn a_scan_with_problems_deletes_and_renames_nothing() {
    insta::assert_snapshot!(planned("
        doc a.md bytes=2
        doc new.md bytes=7
        fin a.md
        fin old.md bytes=7
        fin c.md
        problem sub permission denied
    "), @"
    update  a.md  (content)
    create  new.md  (new)
    problem sub  (permission denied)
    1 to create, 1 to update, 0 to rename, 0 to delete, 0 held, 0 unchanged, 0 failed
    no deletes: the source could not be seen whole
    ");
}

#[test]
fn a_rename_pairs_exactly_one_with_exactly_one() {
    insta::assert_snapshot!(planned("
        doc b.md bytes=1
        doc keep.md bytes=9
        fin a.md bytes=1
        fin keep.md bytes=9
    "), @"
    rename  b.md  (moved from `a.md`)
    0 to create, 0 to update, 1 to rename, 0 to delete, 0 held, 1 unchanged, 0 failed
    ");
    insta::assert_snapshot!(planned("
        doc b.md bytes=1
        doc c.md bytes=1
        doc keep.md bytes=9
        doc keep2.md bytes=9
        fin a.md bytes=1
        fin keep.md bytes=9
        fin keep2.md bytes=9
    "), @"
    create  b.md  (new)
    create  c.md  (new)
    delete  a.md  (vanished)
    2 to create, 0 to update, 0 to rename, 1 to delete, 0 held, 2 unchanged, 0 failed
    ");
}

#[test]
fn a_swap_is_two_updates_and_a_chain_is_update_create_delete() {
    insta::assert_snapshot!(planned("
        doc a.md bytes=2
        doc b.md bytes=1
        fin a.md bytes=1
        fin b.md bytes=2
    "), @"
    update  a.md  (content)
    update  b.md  (content)
    0 to create, 2 to update, 0 to rename, 0 to delete, 0 held, 0 unchanged, 0 failed
    ");
    insta::assert_snapshot!(planned("
        doc b.md bytes=1
        doc c.md bytes=2
        doc keep.md bytes=9
        fin a.md bytes=1
        fin b.md bytes=2
        fin keep.md bytes=9
    "), @"
    update  b.md  (content)
    create  c.md  (new)
    delete  a.md  (vanished)
    1 to create, 1 to update, 0 to rename, 1 to delete, 0 held, 1 unchanged, 0 failed
    ");
}

#[test]
fn why_a_page_goes_is_said() {
    insta::assert_snapshot!(planned("
        doc draft.md draft
        doc later.md from=60
        doc past.md until=-60
        doc other.md id=x
        docs 20
        fins 20
        fin draft.md
        fin later.md
        fin past.md
        fin other.md bytes=5
        fin out.md
        exclude out.md
    ").lines().filter(|l| l.starts_with("delete")).collect::<Vec<_>>().join("\n"), @"
    delete  draft.md  (excluded: draft: true)
    delete  later.md  (its publish date lies ahead)
    delete  other.md  (its id is `x` now)
    delete  out.md  (excluded by configuration)
    delete  past.md  (expired)
    ");
}

#[test]
fn a_document_that_fails_keeps_what_fin_has() {
    insta::assert_snapshot!(planned("
        doc a.md broken
        doc b.md unreadable
        doc moved.md broken
        fin a.md
        fin b.md
        fin custom path=moved.md
    "), @"
    failed  a.md  (front_matter: line 2 is odd)
    failed  b.md  (unreadable: permission denied)
    failed  moved.md  (front_matter: line 2 is odd)
    0 to create, 0 to update, 0 to rename, 0 to delete, 0 held, 0 unchanged, 3 failed
    ");
}

#[test]
fn a_new_document_that_is_unreadable_may_be_the_missing_one() {
    insta::assert_snapshot!(planned("
        doc new.md unreadable
        doc keep.md
        doc keep2.md
        fin old.md
        fin keep.md
        fin keep2.md
    "), @"
    hold    old.md  (vanished; waits until the unreadable new document is readable: it may be this one, moved)
    failed  new.md  (unreadable: permission denied)
    0 to create, 0 to update, 0 to rename, 0 to delete, 1 held, 2 unchanged, 1 failed
    ");
}

#[test]
fn two_claims_on_one_id_or_url_send_neither_and_deletes_wait() {
    insta::assert_snapshot!(planned("
        doc a.md id=x
        doc b.md id=x bytes=2
        doc c.md url=/same
        doc d.md url=/same bytes=3
        doc e.md id=y draft
        doc f.md id=y bytes=4
        fin x
        fin c.md
        fin gone.md bytes=8
    "), @"
    create  y from `f.md`  (new)
    hold    gone.md  (vanished; waits until no two documents share an id or a url)
    failed  a.md  (duplicate_id: `b.md` has the external id `x` as well: neither is sent; give one of them another `id`)
    failed  b.md  (duplicate_id: `a.md` has the external id `x` as well: neither is sent; give one of them another `id`)
    failed  c.md  (duplicate_url: `d.md` has the url `/same` as well: neither is sent; give one of them another `slug` or `url`)
    failed  d.md  (duplicate_url: `c.md` has the url `/same` as well: neither is sent; give one of them another `slug` or `url`)
    1 to create, 0 to update, 0 to rename, 0 to delete, 1 held, 0 unchanged, 4 failed
    ");
}

#[test]
fn deletes_over_a_limit_are_held_together() {
    insta::assert_snapshot!(sum("docs 89\nfins 100"), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 11 held, 89 unchanged, 0 failed
    held set 2c712c69: 11 of 100 pages are more than 10 % and more than 10
    ");
    insta::assert_snapshot!(sum("docs 90\nfins 100"), @"0 to create, 0 to update, 0 to rename, 10 to delete, 0 held, 90 unchanged, 0 failed");
    insta::assert_snapshot!(sum("docs 2\nfins 8"), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 6 held, 2 unchanged, 0 failed
    held set 8579884a: 6 of 8 pages are more than half
    ");
    insta::assert_snapshot!(sum("docs 4\nfins 8"), @"0 to create, 0 to update, 0 to rename, 4 to delete, 0 held, 4 unchanged, 0 failed");
    insta::assert_snapshot!(sum("doc other.md draft\nfins 1"), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 1 held, 0 unchanged, 0 failed
    held set 6adec48c: it is the last page that Fin had of this source
    ");
}

#[test]
fn the_deletes_of_a_day_count_together() {
    insta::assert_snapshot!(sum("docs 82\nfins 91\nrecent 9"), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 9 held, 82 unchanged, 0 failed
    held set 99f14b8b: 18 of 100 pages (9 of them in the past 24 hours) are more than 10 % and more than 10
    ");
    insta::assert_snapshot!(sum("docs 82\nfins 91"), @"0 to create, 0 to update, 0 to rename, 9 to delete, 0 held, 82 unchanged, 0 failed");
}

#[test]
fn pages_made_meanwhile_do_not_release_a_held_set() {
    // Another folder was mounted by mistake: eight documents went, twenty others came and were sent.
    let others: Vec<String> =
        (0..20).map(|n| format!("doc other{n}.md bytes=3\nfin other{n}.md bytes=3 created=50")).collect();
    insta::assert_snapshot!(sum(&format!("fins 8 missed=1@60\n{}", others.join("\n"))), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 8 held, 20 unchanged, 0 failed
    held set 38557319: all 8 pages that Fin had of this source would go
    ");
}

#[test]
fn only_the_very_set_that_was_shown_is_released() {
    insta::assert_snapshot!(sum("docs 2\nfins 8\nrelease 8579884a"), @"0 to create, 0 to update, 0 to rename, 6 to delete, 0 held, 2 unchanged, 0 failed");
    insta::assert_snapshot!(sum("docs 1\nfins 8\nrelease 8579884a"), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 7 held, 1 unchanged, 0 failed
    held set 4c2db523: 7 of 8 pages are more than half
    ");
}

#[test]
fn a_rename_is_no_delete() {
    let moved: Vec<String> = (0..8).map(|n| format!("doc new{n}.md bytes={n}\nfin old{n}.md bytes={n}")).collect();
    insta::assert_snapshot!(sum(&moved.join("\n")), @"0 to create, 0 to update, 8 to rename, 0 to delete, 0 held, 0 unchanged, 0 failed");
}

#[test]
fn deletes_and_what_may_be_renames_wait_for_confirmation() {
    let twice = Policy { confirm_scans: 2, ..policy() };
    insta::assert_snapshot!(planned_by("
        docs 20
        fins 20
        doc new.md bytes=5
        fin first.md bytes=3
        fin moved.md bytes=5
        fin soon.md missed=1@30
        fin due.md missed=1@90
    ", &twice).lines().filter(|l| !l.contains("unchanged")).collect::<Vec<_>>().join("\n"), @"
    delete  due.md  (vanished)
    hold    first.md  (vanished; missed by 1 of 2 scans)
    hold    new.md  (new, perhaps moved; missed by 1 of 2 scans)
    hold    soon.md  (vanished; missed by 1 of 2 scans)
    ");
    let settling = Policy { settle: Duration::from_secs(10), ..policy() };
    insta::assert_snapshot!(planned_by("docs 20\nfins 20\nfin a.md\nfin b.md missed=1@10", &settling)
        .lines().filter(|l| !l.contains("unchanged")).collect::<Vec<_>>().join("\n"), @"
    delete  b.md  (vanished)
    hold    a.md  (vanished; waits for a second scan to agree)
    ");
}

#[test]
fn rejected_content_waits_for_other_content_a_day_or_full() {
    let text = "doc a.md bytes=2\nfin a.md rejected=2";
    insta::assert_snapshot!(planned(text), @"
    failed  a.md  (rejected: 422: title is too long)
    0 to create, 0 to update, 0 to rename, 0 to delete, 0 held, 0 unchanged, 1 failed
    ");
    assert!(planned("doc a.md bytes=3\nfin a.md rejected=2").starts_with("update"));
    assert!(planned("doc a.md bytes=2\nfin a.md rejected=2 ago=90000").starts_with("update"));
    assert!(planned("doc a.md bytes=2\nfin a.md rejected=2\nfull").starts_with("update"));
    assert!(planned("doc a.md bytes=1\nfin a.md rejected=2").contains("1 unchanged"));
}

#[test]
fn an_entry_of_which_intercom_holds_nothing_just_goes() {
    insta::assert_snapshot!(planned("docs 1\nfins 1\nfin never.md unknown rejected=2"), @"0 to create, 0 to update, 0 to rename, 0 to delete, 0 held, 1 unchanged, 0 failed");
}

#[test]
fn names_from_outside_cannot_speak_to_the_terminal() {
    assert_eq!(Plain("a\u{1b}[31m\nb\u{202e}c").to_string(), "a\\u{1b}[31m\\nb\\u{202e}c");
}

#[test]
fn a_document_that_was_back_meanwhile_is_missed_from_the_start_again() {
    // Missed once, then there but broken: what counted before counts no more.
    let text = "docs 20\nfins 20\ndoc a.md broken\nfin a.md missed=1@90";
    let fixture = parse(text);
    let excluding = Excluding(Vec::new());
    let input = Input {
        documents: &fixture.documents,
        entries: &fixture.entries,
        problems: &[],
        delisted: &[],
        patterns: &excluding,
        recent_deletes: 0,
        release: None,
        retry_rejected: false,
    };
    let planned = plan(input, &Policy { confirm_scans: 2, ..policy() }, Timestamp::from_second(NOW).unwrap());
    let a: Vec<_> = planned.missed.iter().filter(|(entry, _)| entry.external_id.as_str() == "a.md").collect();
    assert_eq!(a.len(), 1);
    assert_eq!(a[0].1, None);
}

#[test]
fn what_a_website_still_has_waits_for_a_person() {
    let text = "docs 20\nfins 20\nfin gone\nfin here\nfin there\ndelisted here\ndelisted there";
    let shown = |text: &str, policy: &Policy| {
        let plan = planned_by(text, policy);
        plan.lines().filter(|line| !line.contains("unchanged")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(text, &policy()), @"
    delete  gone  (vanished)
    hold    here  (in the website's list no more; the website still has it)
    hold    there  (in the website's list no more; the website still has it)
    held set af6009cd: 2 pages are not in the website's list any more, and still there: set `deletes.delisted: delete` if that is meant
    ");
    let all = "delete  gone  (vanished)\ndelete  here  (in the website's list no more)\ndelete  there  (in the website's list no more)";
    assert_eq!(shown(&format!("{text}\nrelease af6009cd"), &policy()), all);
    assert_eq!(shown(text, &Policy { deletes_delisted: true, ..policy() }), all);
    // What a website holds on to keeps nothing else from being deleted, nor does it hide a limit that is passed.
    let few = "docs 3\nfins 3\nfin a\nfin b\nfin c\nfin here\ndelisted here";
    insta::assert_snapshot!(sum(few), @"
    0 to create, 0 to update, 0 to rename, 3 to delete, 1 held, 3 unchanged, 0 failed
    held set 8447f197: 1 page is not in the website's list any more, and still there: set `deletes.delisted: delete` if that is meant
    ");
    insta::assert_snapshot!(sum(&format!("{few}\nfin d\nfin e")), @"
    0 to create, 0 to update, 0 to rename, 0 to delete, 6 held, 3 unchanged, 0 failed
    held set 77fad386: 5 of 9 pages are more than half; and 1 page is not in the website's list any more, and still there: set `deletes.delisted: delete` if that is meant
    ");
}

#[test]
fn a_moved_document_that_fails_keeps_what_fin_has_under_its_old_id() {
    let text = "docs 20 bytes=9\nfins 20 bytes=9\ndoc new.md broken bytes=3\nfin old.md bytes=3";
    assert!(!planned(text).contains("delete  old.md"), "{}", planned(text));
}
