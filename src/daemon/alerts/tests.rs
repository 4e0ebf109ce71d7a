//! What is told and when, and that it arrives at a real server; or not, without a word of the url.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::post;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::daemon::board::{LastCycle, Moment, Phase};
use crate::page::Problem;
use crate::report::{FailedPage, Outcome};

const S: Duration = Duration::from_secs(1);
const NAMES: [&str; 2] = ["api", "handbook"];

fn wall() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn source(name: &str) -> SourceState {
    SourceState {
        name: SourceName::new(name),
        kind: "files",
        place: "/srv/docs".to_owned(),
        interval: Duration::from_mins(5),
        phase: Phase::Resting,
        watch: "native",
        watch_note: None,
        last: None,
        complete: Some(Moment { at: wall(), instant: Instant::now() }),
        success: None,
        pending: None,
        failures: 0,
        next_at: None,
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        started_at: wall(),
        remote: "https://api.intercom.io/".to_owned(),
        sources: NAMES.map(source).to_vec(),
        config_error: None,
        is_draining: false,
    }
}

fn report(outcome: Outcome) -> CycleReport {
    CycleReport { outcome, ..CycleReport::new("x") }
}

fn failed(message: &str) -> CycleReport {
    let page = FailedPage {
        path: "guide/<a>.md".to_owned(),
        external_id: "guide/<a>.md".to_owned(),
        code: "rejected".to_owned(),
        message: message.to_owned(),
    };
    CycleReport { failed: vec![page], ..report(Outcome::Failed) }
}

fn ended(snapshot: &mut Snapshot, at: usize, report: CycleReport) {
    snapshot.sources[at].last = Some(LastCycle { started_at: wall(), report });
}

fn book() -> Book {
    Book { tempo: STANDARD, sources: BTreeMap::new() }
}

fn names(due: &[SourceName]) -> Vec<&str> {
    due.iter().map(SourceName::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_once_and_what_goes_wrong_together_together() {
    let (mut book, mut shown, now) = (book(), snapshot(), Instant::now());
    book.look(&shown, now, wall());
    assert_eq!(names(&book.due(now + 60 * S)), [""; 0], "nothing is known yet");
    ended(&mut shown, 0, report(Outcome::Converged));
    ended(&mut shown, 1, failed("422 parameter_invalid: `html` is too long (request_id req-9)"));
    book.look(&shown, now, wall());
    assert_eq!(names(&book.due(now)), [""; 0], "others may follow");
    assert_eq!(book.wakes(&shown, now), now + 5 * S);
    ended(&mut shown, 0, failed("another"));
    book.look(&shown, now + 3 * S, wall());
    let due = book.due(now + 5 * S);
    assert_eq!(names(&due), NAMES, "the first state of one is bad, the other was well");
    let url = Url::parse("https://fin.example/?a=1&b=2").unwrap();
    assert_eq!(
        book.message(&due, Some(&url)),
        ":x: *api* failed (08:00 UTC)\n> guide/&lt;a&gt;.md: another\n:x: *handbook* failed (08:00 UTC)\n> \
         guide/&lt;a&gt;.md: 422 parameter_invalid: `html` is too long (request_id req-9)\n<https://fin.example/?a=1&amp;b=2>"
    );
    book.told(&due, true, now + 5 * S);
    ended(&mut shown, 1, failed("still"));
    book.look(&shown, now + 6 * S, wall());
    assert_eq!(names(&book.due(now + 3600 * S)), [""; 0], "it is the same state");
}

#[tokio::test(start_paused = true)]
async fn to_and_fro_is_told_once_in_minutes_as_it_is_then() {
    let (mut book, mut shown, now) = (book(), snapshot(), Instant::now());
    for source in &mut shown.sources {
        source.interval = Duration::from_hours(24);
    }
    ended(&mut shown, 0, failed("x"));
    book.look(&shown, now, wall());
    let due = book.due(now + 5 * S);
    book.told(&due, true, now + 5 * S);
    for second in 6..300 {
        let outcome = if second % 2 == 0 { report(Outcome::Converged) } else { failed("x") };
        ended(&mut shown, 0, outcome);
        book.look(&shown, now + second * S, wall());
        assert_eq!(names(&book.due(now + second * S)), [""; 0], "{second}");
    }
    ended(&mut shown, 0, report(Outcome::Converged));
    book.look(&shown, now + 300 * S, wall());
    let due = book.due(now + 305 * S);
    assert!(book.message(&due, None).starts_with(":white_check_mark: *api* is well again"));
    // What was not delivered is told later, as it is then.
    book.told(&due, false, now + 305 * S);
    assert_eq!(names(&book.due(now + 604 * S)), [""; 0]);
    assert_eq!(names(&book.due(now + 605 * S)), ["api"]);
    ended(&mut shown, 0, failed("x"));
    book.look(&shown, now + 606 * S, wall());
    assert_eq!(names(&book.due(now + 3600 * S)), [""; 0], "it is again what was told last");
}

#[tokio::test(start_paused = true)]
async fn held_names_the_command_incomplete_the_problem_and_stale_comes_by_itself() {
    let (mut book, mut shown, now) = (book(), snapshot(), Instant::now());
    let held = |release: &str| CycleReport {
        held: 12,
        release: Some(release.to_owned()),
        held_why: Some("12 of 40 pages are over 10 %".to_owned()),
        ..report(Outcome::Held)
    };
    ended(&mut shown, 0, held("api@1f"));
    let problem = Problem { path: "docs".to_owned(), message: "permission denied, @channel <!here>".to_owned() };
    let unseen = CycleReport { problems: vec![problem], ..report(Outcome::Incomplete) };
    ended(&mut shown, 1, CycleReport { only_waits: true, ..unseen.clone() });
    book.look(&shown, now, wall());
    let due = book.due(now + 5 * S);
    assert_eq!(
        book.message(&due, None),
        ":raised_hand: *api* holds 12 deletes (08:00 UTC): 12 of 40 pages are over 10 %\n> If they are right: `finmirror \
         --once --release-held api@1f`",
        "a document that is still being written is no news"
    );
    book.told(&due, true, now + 5 * S);
    ended(&mut shown, 0, held("api@2e"));
    ended(&mut shown, 1, unseen);
    book.look(&shown, now + 400 * S, wall());
    let due = book.due(now + 405 * S);
    assert_eq!(names(&due), NAMES, "another set is another thing to release");
    assert!(book.message(&due, None).contains("> docs: permission denied, @\u{200b}channel &lt;!here&gt;"));
    book.told(&due, true, now + 405 * S);
    assert_eq!(book.wakes(&shown, now + 405 * S), now + 600 * S + Duration::from_millis(1));
    book.look(&shown, now + 800 * S, wall());
    let text = book.message(&book.due(now + 805 * S), None);
    assert!(text.contains("*api* is stale: no complete cycle since 2027-01-15 08:00 UTC"), "{text}");
    shown.is_draining = true;
    ended(&mut shown, 0, report(Outcome::Converged));
    book.look(&shown, now + 9999 * S, wall());
    assert!(!book.message(&book.due(now + 9999 * S), None).contains("well again"), "an end is no recovery");
}

#[test]
fn a_message_is_never_longer_than_chats_take() {
    let long = "é<".repeat(5000);
    assert!(said(&long).chars().count() <= 4 * REASON_CHARS);
    let mut book = book();
    let due: Vec<SourceName> = (0..50).map(|n| SourceName::new(format!("source-{n}"))).collect();
    for name in &due {
        book.sources.insert(name.clone(), Entry { line: said(&long), ..Entry::default() });
    }
    let url = Url::parse("https://fin.example/").unwrap();
    let text = book.message(&due, Some(&url));
    assert!(text.chars().count() <= 1901 && text.ends_with("<https://fin.example/>"), "{}", text.chars().count());
}

type Heard = Arc<Mutex<Vec<String>>>;

/// A chat that answers so, one after the other, and then 200; with its address.
async fn chat(answers: &[(u16, &'static str)]) -> (String, Heard) {
    let heard = Heard::default();
    let answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect::<Vec<_>>()));
    let take = async move |Shared(heard): Shared<Heard>, body: String| {
        heard.lock().unwrap().push(body);
        let (status, to) = answers.lock().unwrap().pop().unwrap_or((200, ""));
        (StatusCode::from_u16(status).unwrap(), [("location", to), ("retry-after", "0")], "no_text geheim")
    };
    let routes = Router::new().route("/services/geheim", post(take)).with_state(heard.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/services/geheim", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, heard)
}

fn options(url: &str) -> AlertOptions {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    AlertOptions { webhook: Secret::Value(SecretString::from(url.to_owned())), status_url: None }
}

const FAST: Tempo = Tempo {
    gather: Duration::from_millis(20),
    quiet: Duration::from_millis(40),
    attempt: Duration::from_secs(10),
    backoff: Backoff {
        base: Duration::from_millis(1),
        cap: Duration::from_millis(1),
        attempts: 4,
        total: Duration::from_secs(30),
    },
};

#[tokio::test]
async fn changes_of_the_board_arrive_in_the_chat() {
    let (url, heard) = chat(&[(503, ""), (429, "")]).await;
    let board = Board::new(snapshot());
    let (stop, stopped) = oneshot::channel::<()>();
    let following = {
        let board = board.clone();
        let (_options, options) = watch::channel(Some(options(&url)));
        let clock: Clock = Arc::new(wall);
        tokio::spawn(async move {
            tokio::select! {
                _ = stopped => {}
                () = follow(&options, &board, &clock, FAST) => {}
            }
        })
    };
    let until = async |count: usize| {
        let wait = async {
            while heard.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        timeout(20 * S, wait).await.expect("it is told in time");
        heard.lock().unwrap().last().unwrap().clone()
    };
    board.show(|snapshot| ended(snapshot, 0, failed("\"quoted\"")));
    let first: serde_json::Value = serde_json::from_str(&until(3).await).unwrap();
    assert_eq!(first["text"], ":x: *api* failed (08:00 UTC)\n> guide/&lt;a&gt;.md: \"quoted\"");
    board.show(|snapshot| ended(snapshot, 0, report(Outcome::Converged)));
    assert!(until(4).await.contains("*api* is well again"));
    let _ = stop.send(());
    following.await.unwrap();
    assert_eq!(heard.lock().unwrap().len(), 4, "twice what was not taken, and each change once");
}

#[tokio::test]
async fn what_cannot_be_delivered_is_said_without_the_url_and_goes_nowhere_else() {
    let (elsewhere, other) = chat(&[]).await;
    let elsewhere: &'static str = Box::leak(elsewhere.into_boxed_str());
    for (status, to, tries) in [(404, "", 1), (307, elsewhere, 1), (500, "", 4)] {
        let (url, heard) = chat(&[(status, to); 4]).await;
        let error = deliver(&options(&url), "x", FAST).await.unwrap_err();
        assert!(error.contains(&status.to_string()) && !error.contains("geheim"), "{error}");
        assert_eq!(heard.lock().unwrap().len(), tries, "{status}");
    }
    assert!(other.lock().unwrap().is_empty());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for url in [&format!("http://{closed}/services/geheim"), "geheim", "file:///geheim", "ftp://geheim/"] {
        let error = deliver(&options(url), "x", FAST).await.unwrap_err();
        assert!(!error.contains("geheim"), "{error}");
    }
    assert!(!format!("{:?}", options("https://hooks.example/geheim")).contains("geheim"));
}
