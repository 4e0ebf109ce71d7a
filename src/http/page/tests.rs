//! The status page as a browser gets it: from snapshots, from a ledger, and over a connection.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::daemon::board::{Board, LastCycle, Moment, Phase, SourceState};
use crate::http::tests::House;
use crate::ledger::{Ack, Adopted, CycleRow, DocumentRow, ImportSourceRow, Mark, Rejection, SavedDocument};
use crate::page::{
    Acknowledged, BodyHash, ContentHash, DocPath, Doubt, Failure, PageId, Problem, Rejected, SourceName, Switch,
};
use crate::plan::{Outline, State as DocumentState};
use crate::remote::ImportSource;
use crate::report::{CycleReport, FailedPage};

const NOW: &str = "2026-11-25T10:00:00Z";
const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

fn at(seconds_ago: i64) -> Timestamp {
    let now: Timestamp = NOW.parse().unwrap();
    Timestamp::from_second(now.as_second() - seconds_ago).unwrap()
}

fn moment(seconds_ago: u64, now: Instant) -> Moment {
    Moment { at: at(seconds_ago.cast_signed()), instant: now.checked_sub(Duration::from_secs(seconds_ago)).unwrap() }
}

fn clock() -> Now {
    // The monotonic clock may have begun a moment ago; ages lie behind it.
    Now { at: NOW.parse().unwrap(), instant: Instant::now() + Duration::from_hours(24) }
}

/// A source that has just converged.
fn converged(name: &str, now: Instant) -> SourceState {
    let mut report = CycleReport::new(name);
    (report.scanned, report.unchanged, report.updated, report.requests, report.duration_ms) = (120, 118, 2, 2, 340);
    SourceState {
        name: SourceName::new(name),
        kind: "files",
        place: format!("/srv/docs/{name}"),
        interval: Duration::from_mins(5),
        phase: Phase::Resting,
        watch: "native",
        watch_note: None,
        last: Some(LastCycle { started_at: at(42), report: report.judged(false) }),
        complete: Some(moment(41, now)),
        success: Some(moment(41, now)),
        pending: None,
        failures: 0,
        next_at: Some(at(-258)),
    }
}

fn ended(mut state: SourceState, change: impl FnOnce(&mut CycleReport)) -> SourceState {
    let last = state.last.as_mut().unwrap();
    change(&mut last.report);
    last.report = last.report.clone().judged(false);
    state
}

fn failed(name: &str, now: Instant) -> SourceState {
    let mut state = ended(converged(name, now), |report| {
        report.failed.push(FailedPage {
            path: "guide/broken.md".into(),
            external_id: "guide/broken.md".into(),
            code: "rejected".into(),
            message: "POST /ai/x for `guide/broken.md`: 422 parameter_invalid: the html is too long (field `html`, \
                      request_id req-0198f)"
                .into(),
        });
    });
    state.failures = 3;
    state.phase = Phase::BackingOff { until: at(-60) };
    state.pending = Some(moment(200, now));
    state
}

fn held(name: &str, now: Instant) -> SourceState {
    ended(converged(name, now), |report| {
        report.held = 14;
        report.release = Some(format!("{name}@5f3c01ab"));
        report.held_why = Some("14 of 20 pages are more than half".into());
    })
}

fn incomplete(name: &str, now: Instant) -> SourceState {
    ended(converged(name, now), |report| {
        let message = "permission denied: let finmirror's user read it".into();
        report.problems.push(Problem { path: "guide/secret".into(), message });
    })
}

fn starting(name: &str, now: Instant) -> SourceState {
    SourceState {
        last: None,
        complete: None,
        success: None,
        phase: Phase::Running { since: at(3) },
        ..converged(name, now)
    }
}

fn stale(name: &str, now: Instant) -> SourceState {
    SourceState { complete: Some(moment(3_600, now)), ..converged(name, now) }
}

fn snapshot(sources: Vec<SourceState>) -> Snapshot {
    Snapshot {
        started_at: at(86_400 * 3),
        remote: "https://api.intercom.io/".into(),
        sources,
        config_error: None,
        is_draining: false,
    }
}

fn overview_of(snapshot: &Snapshot, status: Option<&Status>, now: Now) -> String {
    plain(&html("overview.html", &context! { view => of_plain(Overview::new(snapshot, status, now)) }).unwrap())
}

fn source_of(snapshot: &Snapshot, status: Option<&Status>, now: Now) -> String {
    let state = &snapshot.sources[0];
    let name = state.name.as_str();
    let source = Source::new(state, status.and_then(|status| of(status, name)), now, MOST_SHOWN);
    let frame = Frame::new(snapshot, now);
    let values = context! {
        view => context! { frame => of_plain(frame) }, source => of_plain(source), title => text::short(name), list => None::<()>
    };
    plain(&html("source.html", &values).unwrap())
}

/// The templates escape more than a reader of tests likes.
fn plain(html: &str) -> String {
    html.replace("&#x2f;", "/")
}

/// What every page promises.
fn check(html: &str) {
    assert_eq!(html.matches("<h1").count(), 1, "one h1");
    assert_eq!(html.matches("<main").count(), 1);
    assert!(html.starts_with("<!doctype html>"), "{}", &html[..60]);
    assert!(!html.contains("<script>") && html.matches("<script").count() == 1, "no inline script");
    assert!(!html.contains(" style=") && !html.contains("<style"), "no inline style");
    assert!(!html.contains("<img"), "no element of others");
    for handler in [" onclick=\"", " onerror=\"", " onload=\""] {
        assert!(!html.contains(handler), "{handler}");
    }
    for tag in [
        "main", "section", "article", "table", "tr", "td", "th", "ul", "li", "dl", "div", "span", "a", "h2", "h3",
        "h4", "nav",
    ] {
        let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "<{tag}> is closed as often as it is opened");
    }
    for cell in html.split("<th").skip(1).filter(|rest| rest.starts_with([' ', '>'])) {
        assert!(cell[..cell.find('>').unwrap()].contains("scope="), "a th says what it heads: {}", &cell[..60]);
    }
}

#[test]
fn each_state_has_its_word_its_reason_and_what_to_do() {
    let now = clock();
    let i = now.instant;
    let mut poll = converged("poll", i);
    poll.watch_note = Some("the limit of inotify watches is used up: raise fs.inotify.max_user_watches".into());
    let all = snapshot(vec![
        converged("handbook", i),
        failed("api", i),
        held("portal", i),
        incomplete("wiki", i),
        stale("old", i),
        starting("new", i),
        poll,
    ]);
    let html = overview_of(&all, None, now);
    check(&html);
    assert!(html.contains("<h1>4 of 7 sources need attention</h1>"), "{html}");
    for (source, word) in [
        ("handbook", "converged"),
        ("api", "failed"),
        ("portal", "held"),
        ("wiki", "incomplete"),
        ("old", "stale"),
        ("new", "starting"),
    ] {
        assert!(html.contains(&format!(r#"data-source="{source}" data-word="{word}""#)), "{source} {word}");
        assert!(html.contains(&format!("#i-{word}")), "{word} has a shape");
    }
    // Whoever needs somebody comes first, in the order of the configuration.
    let order: Vec<&str> = html.split("data-source=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(order, ["api", "portal", "wiki", "old", "handbook", "new", "poll"]);
    for told in [
        "finmirror --once --release-held portal@5f3c01ab",
        "14 of 20 pages are more than half",
        "<code>req-0198f</code>",
        "the html is too long",
        "/sources/api/pages/guide/broken.md",
        "3 cycles failed in a row",
        "permission denied",
        "fs.inotify.max_user_watches",
        "Last seen whole",
        "2 updated, 340 ms",
        r#"<time datetime="2026-11-25T09:56:40Z" data-age="200">09:56:40 UTC</time>"#,
        r#"<time datetime="2026-11-25T10:04:18Z" data-age="-258">10:04:18 UTC</time>"#,
        r#"<time datetime="2026-11-22T10:00:00Z" data-age="259200">2026-11-22 10:00 UTC</time>"#,
    ] {
        assert!(html.contains(told), "{told}\n{html}");
    }
    for state in &all.sources {
        let html = source_of(&snapshot(vec![state.clone()]), None, now);
        check(&html);
        assert!(html.contains(state.word(i).as_str()));
    }
}

#[test]
fn the_verdict_is_true_of_no_one_and_many_sources() {
    let now = clock();
    let verdict = |sources| {
        let html = overview_of(&snapshot(sources), None, now);
        check(&html);
        html.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned()
    };
    assert_eq!(verdict(vec![]), "No source is configured");
    assert_eq!(verdict(vec![converged("a", now.instant)]), "Fin has what the source has");
    assert_eq!(verdict(vec![held("a", now.instant)]), "The source needs attention");
    let twenty: Vec<_> = (0..20).map(|n| converged(&format!("s{n}"), now.instant)).collect();
    assert_eq!(verdict(twenty.clone()), "Fin has what all 20 sources have");
    let mut twenty_one = twenty;
    twenty_one.push(starting("last", now.instant));
    assert_eq!(verdict(twenty_one), "Starting: 1 of 21 sources are looked at for the first time");
}

#[test]
fn what_others_wrote_is_text_and_nothing_else() {
    let now = clock();
    let mut state = ended(failed(EVIL, now.instant), |report| {
        report.failed[0].path = EVIL.into();
        report.failed[0].external_id = format!("../{EVIL}?#");
        report.failed[0].message = format!("{EVIL} (request_id {EVIL})");
        report.problems.push(Problem { path: EVIL.into(), message: format!("{EVIL} at https://me:s3cret@host/") });
        report.warnings.push(EVIL.into());
        report.release = Some(format!("{EVIL}@00"));
        report.held_why = Some(EVIL.into());
    });
    state.place = format!("https://me:s3cret@host/{EVIL}");
    state.watch_note = Some(EVIL.into());
    let mut all = snapshot(vec![state.clone(), ended(state, |report| report.failed[0].path = "x".repeat(9_000))]);
    all.config_error = Some(format!("{EVIL}\u{202e}\u{1b}[31m"));
    all.remote = "https://token@api.example.com/".into();
    for html in [overview_of(&all, None, now), source_of(&all, None, now)] {
        check(&html);
        assert!(!html.contains("s3cret") && !html.contains("token@"), "no credentials");
        assert!(!html.contains(['\u{202e}', '\u{1b}']) && !html.contains(&"x".repeat(400)));
        assert!(html.contains("&lt;script&gt;"));
        assert!(html.contains("/sources/%3Cscript%3E"), "{html}");
        // A name that no shell would take as one word is quoted for it.
        assert!(html.contains("--release-held &#x27;&lt;script"), "{html}");
    }
}

#[test]
fn troubles_are_bounded_and_say_how_many_more() {
    let now = clock();
    let state = ended(failed("api", now.instant), |report| {
        report.failed = vec![report.failed[0].clone(); 3_000];
        report.problems = vec![Problem { path: "p".into(), message: "m".into() }; 3_000];
    });
    let all = snapshot(vec![state]);
    let html = overview_of(&all, None, now);
    assert!(
        html.contains("3000 pages failed") && html.contains("and 2995 more") && html.len() < 40_000,
        "{}",
        html.len()
    );
    let html = source_of(&all, None, now);
    assert!(html.contains("and 2950 more") && html.len() < 200_000, "{}", html.len());
}

#[test]
fn the_assets_are_small_and_load_nothing() {
    let (style, script) = (include_str!("style.css"), include_str!("live.js"));
    assert!(style.len() + script.len() < 30_000);
    for text in [style, script, assets::READ_STYLE] {
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("@import"));
        assert!(!text.contains("url(") && !text.contains("innerHTML") && !text.contains("eval("));
    }
}

/// A ledger with every kind of page, and a server of the status page alone before it.
struct Stage {
    house: House,
    board: Board,
    _runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

fn document(path: &str, state: DocumentState) -> SavedDocument {
    let row = DocumentRow {
        path: DocPath::new(path),
        fingerprint: None,
        source_hash: None,
        current: true,
        external_id: ExternalId::new(path),
        url: Some("https://docs.example.com/x/".into()),
        facts: None,
        state,
        parts: vec![],
    };
    let warnings =
        vec![Warning { code: "dead_link".into(), line: Some(7), message: format!("`{EVIL}` leads nowhere") }];
    SavedDocument { row, asked: vec![], warnings }
}

fn outline(title: &str, hash: ContentHash) -> DocumentState {
    DocumentState::Page(Outline {
        content_hash: hash,
        body: BodyHash(0),
        recipe: 0,
        title: title.into(),
        html_bytes: 9,
        not_before: None,
        not_after: None,
    })
}

fn page_of(id: &str) -> Page {
    Page {
        external_id: ExternalId::new(id),
        title: format!("Title of {id}"),
        html: format!(
            "<h2 id=\"a\">Hello</h2><p onclick=\"alert(3)\">{} <a href=\"https://else.example/\">link</a> <a href=\"#a\">up</a></p><script>top.alert(4)</script><img src=\"https://else.example/p.png\" alt=\"a picture\"><form action=\"/sync/x\"><input></form>",
            "word ".repeat(20)
        ),
        url: Some("https://docs.example.com/x/".into()),
        locale: "en".into(),
        ai_agent: Switch { on: true, managed: true },
        ai_copilot: Switch { on: false, managed: false },
    }
}

impl Stage {
    /// So many ordinary pages beside the others.
    fn new(pages: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        fill(&mut Ledger::open(&path).unwrap(), pages);
        let instant = Instant::now();
        let mut state = converged("docs", instant);
        // The monotonic clock of a machine that has just started reaches not far back.
        state.complete = Some(Moment { at: at(0), instant });
        state.success = state.complete;
        let board = Board::new(snapshot(vec![state]));
        let preview = |_: &SourceName, path: &DocPath, _: &ExternalId| match path.as_str() {
            "gone.md" => anyhow::bail!("`gone.md` is no document: {EVIL}"),
            path => Ok(page_of(path)),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let house = runtime.block_on(House::open(|app| {
            app.board = board.clone();
            app.ledger = path;
            app.preview = Arc::new(preview);
            app.clock = Arc::new(|| NOW.parse().unwrap());
        }));
        Self { house, board, _runtime: runtime, folder }
    }

    fn open(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.house.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{headers}\r\n").unwrap();
        stream
    }

    /// Head and body.
    fn get(&self, path: &str, headers: &str) -> (String, String) {
        let mut answer = String::new();
        self.open(path, headers).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), plain(body))
    }

    fn ok(&self, path: &str) -> String {
        let (head, body) = self.get(path, "");
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body
    }
}

fn fill(ledger: &mut Ledger, pages: usize) {
    let id = ImportSourceId(7);
    let source = ImportSource {
        id,
        url: "https://docs.example.com/".into(),
        api: true,
        active: true,
        audience_ids: vec![],
        created_at: 1,
    };
    let row =
        ImportSourceRow { source, name: "docs".into(), adopted: Adopted::Own, foreign_pages: 2, gone_since: None };
    ledger.save_import_source("docs", &row).unwrap();
    ledger.save_scan("docs", &[], "plain", None, at(42).as_second()).unwrap();
    let same = |path: &str| page_of(path).content_hash();
    let mut documents: Vec<SavedDocument> = (0..pages)
        .map(|n| format!("guide/page-{n:05}.md"))
        .map(|path| document(&path, outline("Page", same(&path))))
        .collect();
    let failure = || DocumentState::Failed(Box::new(Failure::new("empty", "it has no text: write some")));
    documents.extend([
        document("a b?#&100%.md", outline(EVIL, same("a b?#&100%.md"))),
        document("fails.md", failure()),
        document("never.md", failure()),
        document("rejected.md", outline("Rejected", same("rejected.md"))),
        document("doubt.md", outline("Doubt", same("doubt.md"))),
        document("changed.md", outline("Changed", ContentHash([9; 32]))),
        document("new.md", outline("New", same("new.md"))),
        document("draft.md", DocumentState::Excluded("draft".into())),
    ]);
    ledger.save_documents("docs", b"recipe", &documents).unwrap();
    let acks: Vec<Ack> = documents
        .iter()
        .map(|document| document.row.path.clone())
        .filter(|path| !["never.md", "new.md"].contains(&path.as_str()))
        .chain([DocPath::new("gone.md")])
        .map(|path| Ack {
            external_id: ExternalId::from(&path),
            page_id: PageId::new("1"),
            acknowledged: Acknowledged {
                content_hash: same(path.as_str()),
                body: BodyHash(0),
                recipe: 0,
                source_hash: None,
                title: format!("Title of {path}").into(),
                url: None,
            },
            answer_hash: [0; 32],
            renamed_from: None,
            path,
        })
        .collect();
    ledger.acknowledge(id, &acks, at(42).as_millisecond()).unwrap();
    let doubted = DocPath::new("doubt.md");
    let mark = Mark { external_id: ExternalId::from(&doubted), path: doubted, doubt: Doubt::Upsert { switches: None } };
    ledger.mark(id, &[mark]).unwrap();
    let message = "422: too long (field `html`, request_id req-7)".into();
    let rejected = Rejected { content_hash: ContentHash([1; 32]), message, at: at(42).as_second() };
    ledger.reject(id, &[Rejection { external_id: ExternalId::new("rejected.md"), rejected, certain: true }]).unwrap();
    for n in 0..9 {
        let mut report = CycleReport::new("docs");
        report.updated = n;
        let report = serde_json::to_string(&report).unwrap();
        let started_at = at(600 - 60 * n.cast_signed()).as_second();
        ledger
            .save_cycle(&CycleRow { source: "docs".into(), started_at, outcome: "converged".into(), report })
            .unwrap();
    }
}

#[test]
fn the_list_finds_pages_by_words_and_by_how_they_stand() {
    let stage = Stage::new(3);
    let html = stage.ok("/sources/docs");
    check(&html);
    for (word, count) in
        [("failing", 2), ("rejected", 1), ("in doubt", 1), ("leaving", 2), ("waiting", 2), ("in Fin", 4)]
    {
        assert!(html.contains(&format!("{word} <span class=\"count\">{count}</span>")), "{word} {count}\n{html}");
    }
    let ids = |path: &str| -> Vec<String> {
        let html = stage.ok(path);
        check(&html);
        let rest = html.split("class=\"pages\"").nth(1).unwrap_or_default();
        rest.split("href=\"/sources/docs/pages/").skip(1).map(|r| r.split('"').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("/sources/docs?show=failing"), ["fails.md", "never.md"]);
    assert_eq!(ids("/sources/docs?show=rejected"), ["rejected.md"]);
    assert_eq!(ids("/sources/docs?show=leaving"), ["draft.md", "gone.md"]);
    assert_eq!(ids("/sources/docs?show=waiting"), ["changed.md", "new.md"]);
    assert_eq!(ids("/sources/docs?q=PAGE-00001"), ["guide/page-00001.md"]);
    assert_eq!(ids("/sources/docs?q=100%25&show=nonsense&page=-1"), ["a%20b%3F%23%26100%25.md"]);
    assert_eq!(ids("/sources/docs?q=_____________"), [""; 0]);
    assert!(stage.ok("/sources/docs?q=%22%3E%3Cscript%3E").contains(r#"value="&quot;&gt;&lt;script&gt;""#));
}

#[test]
fn ten_thousand_pages_come_in_portions() {
    let stage = Stage::new(10_000);
    let first = stage.ok("/sources/docs?show=in_fin");
    check(&first);
    assert!(first.contains("1 of 201") && first.contains("/sources/docs?show=in_fin&amp;page=2#pages"), "{first}");
    assert!(!first.contains("rel=\"prev\"") && first.len() < 60_000, "{}", first.len());
    let last = stage.ok("/sources/docs?show=in_fin&page=201");
    assert!(last.contains("guide/page-09999.md") && !last.contains("rel=\"next\""));
    check(&stage.ok("/sources/docs?page=99999999999999999999"));
    check(&stage.ok("/sources/docs?page=999999"));
    assert!(stage.ok("/").contains("10007"), "pages in Fin");
}

#[test]
fn the_last_cycles_are_those_that_tell_something() {
    let html = Stage::new(0).ok("/");
    let cycles = html.split("class=\"cycles\"").nth(1).unwrap();
    let changes: Vec<&str> = cycles.split("updated</td>").collect();
    // Nine ran; the oldest changed nothing, and eight rows are shown.
    assert_eq!(changes.len(), 9, "{cycles}");
    assert!(!cycles.contains("nothing changed"));
    assert!(html.contains("last sent <time datetime=\"2026-11-25T09:59:18Z\""), "{html}");
}

#[test]
fn a_page_is_shown_as_fin_reads_it_and_can_do_nothing() {
    let stage = Stage::new(1);
    let html = stage.ok("/sources/docs/pages/a%20b%3F%23%26100%25.md");
    check(&html);
    for told in [
        "Fin has exactly what is shown here",
        "src=\"/sources/docs/read/a%20b%3F%23%26100%25.md\"",
        " sandbox ",
        "line 7",
        "https://docs.example.com/x/",
        "Intercom&#x27;s own setting",
        "&lt;h2 id=&quot;a&quot;&gt;Hello",
    ] {
        assert!(html.contains(told), "{told}\n{html}");
    }
    let (head, body) = stage.get("/sources/docs/read/a%20b%3F%23%26100%25.md", "");
    assert!(head.contains("content-security-policy: sandbox; default-src 'none';"), "{head}");
    for gone in ["<script", "onclick", "<form", "<input", "src=", "href=\"https:"] {
        assert!(!body.contains(gone), "{gone}\n{body}");
    }
    assert!(body.contains("title=\"https://else.example/\"") && body.contains("href=\"#a\""), "{body}");
    assert!(stage.ok("/sources/docs/pages/changed.md").contains("Fin has exactly what is shown here"));
    assert!(stage.ok("/sources/docs/pages/new.md").contains("Fin has nothing of it yet"));
    assert!(stage.ok("/sources/docs/pages/rejected.md").contains("<code>req-7</code>"));
    let gone = stage.ok("/sources/docs/pages/gone.md");
    check(&gone);
    assert!(gone.contains("It could not be rendered now") && gone.contains("leaving"));
    for path in ["/sources/docs/pages/no.md", "/sources/no", "/sources/no/pages/a.md"] {
        let (head, body) = stage.get(path, "");
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        check(&body);
    }
}

#[test]
fn every_answer_carries_the_policy_and_assets_last() {
    let stage = Stage::new(0);
    let (head, body) = stage.get("/", "");
    check(&body);
    for header in [POLICY, "cache-control: no-store", "referrer-policy: no-referrer", "x-content-type-options: nosniff"]
    {
        assert!(head.contains(header), "{header}\n{head}");
    }
    for link in body.split("/assets/").skip(1) {
        let path = format!("/assets/{}", link.split('"').next().unwrap());
        let (head, _) = stage.get(&path, "");
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("immutable"), "{path}: {head}");
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let (head, body) = stage.get(&path, &format!("if-none-match: {tag}\r\n"));
        assert!(head.starts_with("HTTP/1.1 304") && body.is_empty(), "{head}");
    }
    assert!(stage.get("/assets/style-0.css", "").0.starts_with("HTTP/1.1 404"));
}

#[test]
fn a_page_is_told_of_changes_and_let_go_when_the_daemon_ends() {
    let stage = Stage::new(0);
    let mut stream = stage.open("/live", "");
    let mut heard = String::new();
    let mut until = |word: &str| {
        let mut some = [0; 512];
        while !heard.contains(word) {
            let count = stream.read(&mut some).unwrap();
            assert!(count > 0, "{heard}");
            write!(heard, "{}", String::from_utf8_lossy(&some[..count])).unwrap();
        }
    };
    until("hello");
    stage.board.show(|snapshot| snapshot.sources[0].failures += 1);
    until("data: board");
    stage.board.show(|snapshot| snapshot.is_draining = true);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("data: board"), "{rest}");
}

#[test]
fn more_streams_than_there_may_be_are_refused() {
    let stage = Stage::new(0);
    let mut open: Vec<TcpStream> = (0..32).map(|_| stage.open("/live", "")).collect();
    for stream in &mut open {
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    }
    assert!(stage.get("/live", "").0.starts_with("HTTP/1.1 503"));
    check(&stage.ok("/"));
}

#[test]
fn without_a_ledger_the_daemons_own_word_is_shown() {
    let stage = Stage::new(0);
    std::fs::remove_file(stage.folder.path().join("ledger.db")).unwrap();
    let html = stage.ok("/");
    check(&html);
    assert!(html.contains("The ledger is not shown") && html.contains("data-word=\"converged\""));
    check(&stage.ok("/sources/docs"));
}
