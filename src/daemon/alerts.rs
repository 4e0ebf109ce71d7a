//! Notifications: a line in a chat when a source fails, is held, goes stale, and when it is well again.
//!
//! Owns what is told and when: each change of a source's state once; changes that come together in one message; a source
//! that goes to and fro at most once in `Tempo::quiet`, with what it is then. Follows the board and nothing else, so that it
//! never stands in the way of a cycle; what cannot be delivered is told later, as it is then. Keeps (I9): the webhook's url,
//! which is a credential, is in no log and no error; and nothing in a document's name or in an error makes a link, or calls
//! anybody, in the chat.
//!
//! The message is Slack's (`{"text": …}`), which Mattermost, Rocket.Chat and Discord (at `/slack`) take as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use url::Url;

use super::board::{Board, Snapshot, SourceState, Word};
use crate::apply::Clock;
use crate::page::SourceName;
use crate::plan::Plain;
use crate::report::{CycleReport, counted};
use crate::retry::Backoff;
use crate::secret::Secret;

/// Failures and problems of a source that are told one by one.
const SHOWN: usize = 3;
/// Sources that one message names.
const SOURCES: usize = 10;
/// A reason is cut to so many characters.
const REASON_CHARS: usize = 300;
/// Discord takes no longer ones.
const MESSAGE_CHARS: usize = 1900;
/// Further ahead than anything is waited for.
const NEVER: Duration = Duration::from_hours(24);

/// Who is told.
#[derive(Clone, Debug)]
pub struct AlertOptions {
    /// The url that takes the message.
    pub webhook: Secret,
    /// Where people reach the status page.
    pub status_url: Option<Url>,
}

/// When things are told.
#[derive(Clone, Copy, Debug)]
struct Tempo {
    /// From a change to its message, so that what goes wrong together is told together.
    gather: Duration,
    /// Between two messages about one source.
    quiet: Duration,
    /// For one attempt to deliver a message.
    attempt: Duration,
    backoff: Backoff,
}

const STANDARD: Tempo = Tempo {
    gather: Duration::from_secs(5),
    quiet: Duration::from_mins(5),
    attempt: Duration::from_secs(10),
    backoff: Backoff {
        base: Duration::from_secs(1),
        cap: Duration::from_secs(30),
        attempts: 5,
        total: Duration::from_mins(2),
    },
};

/// Tells whoever is configured at the moment, until the shutdown; what is not yet told then is not told.
///
/// The first state of a source is told where it is bad. A configuration that is read again changes who is told, and makes
/// nothing be told anew.
pub async fn run(
    options: watch::Receiver<Option<AlertOptions>>,
    board: Board,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) {
    tokio::select! {
        () = shutdown => {}
        () = follow(&options, &board, &clock, STANDARD) => {}
    }
}

async fn follow(options: &watch::Receiver<Option<AlertOptions>>, board: &Board, clock: &Clock, tempo: Tempo) {
    let mut news = board.follow();
    let mut book = Book { tempo, sources: BTreeMap::new() };
    loop {
        let snapshot = news.borrow_and_update().clone();
        book.look(&snapshot, Instant::now(), clock());
        let due = book.due(Instant::now());
        if due.is_empty() {
            tokio::select! {
                // The board is ours as well, so that it never ends.
                _ = news.changed() => {}
                () = sleep_until(book.wakes(&snapshot, Instant::now())) => {}
            }
            continue;
        }
        let options = options.borrow().clone();
        let delivered = match &options {
            Some(options) => deliver(options, &book.message(&due, options.status_url.as_ref()), tempo).await,
            // Nobody wants to know.
            None => Ok(()),
        };
        if let Err(message) = &delivered {
            tracing::warn!(error = message, "a notification could not be delivered");
        }
        book.told(&due, delivered.is_ok(), Instant::now());
    }
}

/// What is to be told of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Well,
    /// Another set is another thing to release.
    Held(Option<String>),
    Incomplete,
    Failed,
    Stale,
}

impl State {
    /// `None`: nothing is known yet, or what is known is passing.
    fn of(source: &SourceState, now: Instant) -> Option<Self> {
        let report = source.last.as_ref().map(|last| &last.report);
        match source.word(now) {
            Word::Starting => None,
            Word::Converged => Some(Self::Well),
            Word::Held => Some(Self::Held(report.and_then(|report| report.release.clone()))),
            Word::Incomplete if report.is_some_and(|report| report.only_waits) => None,
            Word::Incomplete => Some(Self::Incomplete),
            Word::Failed => Some(Self::Failed),
            Word::Stale => Some(Self::Stale),
        }
    }
}

/// What has been told, and what has not.
struct Book {
    tempo: Tempo,
    sources: BTreeMap<SourceName, Entry>,
}

#[derive(Default)]
struct Entry {
    /// What was told last, or went without saying.
    told: Option<State>,
    present: Option<State>,
    /// What there is to say of the present.
    line: String,
    /// Since when it is another than what was told.
    untold: Option<Instant>,
    /// Nothing is told before.
    quiet: Option<Instant>,
}

impl Entry {
    fn due_at(&self, gather: Duration) -> Option<Instant> {
        let at = self.untold? + gather;
        Some(self.quiet.map_or(at, |quiet| quiet.max(at)))
    }
}

impl Book {
    fn look(&mut self, snapshot: &Snapshot, now: Instant, wall: Timestamp) {
        if snapshot.is_draining {
            return;
        }
        self.sources.retain(|name, _| snapshot.sources.iter().any(|source| source.name == *name));
        for source in &snapshot.sources {
            let Some(state) = State::of(source, now) else { continue };
            let entry = self.sources.entry(source.name.clone()).or_default();
            if entry.told.is_none() && state == State::Well {
                entry.told = Some(State::Well);
            }
            if entry.told.as_ref() == Some(&state) {
                entry.untold = None;
            } else {
                entry.untold.get_or_insert(now);
                if entry.present.as_ref() != Some(&state) {
                    entry.line = line(source, &state, wall);
                }
            }
            entry.present = Some(state);
        }
    }

    /// Sources that are to be told of now: with the first whose time has come all others that may.
    fn due(&self, now: Instant) -> Vec<SourceName> {
        let is_time = self.sources.values().any(|entry| entry.due_at(self.tempo.gather).is_some_and(|at| at <= now));
        let may = |entry: &Entry| entry.untold.is_some() && entry.quiet.is_none_or(|quiet| quiet <= now);
        let due = self.sources.iter().filter(|(_, entry)| is_time && may(entry));
        due.map(|(name, _)| name.clone()).collect()
    }

    fn told(&mut self, due: &[SourceName], is_delivered: bool, now: Instant) {
        for name in due {
            let Some(entry) = self.sources.get_mut(name) else { continue };
            entry.quiet = Some(now + self.tempo.quiet);
            if is_delivered {
                entry.told.clone_from(&entry.present);
                entry.untold = None;
            }
        }
    }

    /// When there may be something to tell without anything having been heard: a time is over, or a source goes stale.
    fn wakes(&self, snapshot: &Snapshot, now: Instant) -> Instant {
        let told = self.sources.values().filter_map(|entry| entry.due_at(self.tempo.gather));
        let stale = snapshot.sources.iter().filter(|source| !source.is_stale(now)).filter_map(|source| {
            // Stale is what is older than that.
            Some(source.complete?.instant + source.interval * 2 + Duration::from_millis(1))
        });
        told.chain(stale).min().unwrap_or(now + NEVER).max(now)
    }

    fn message(&self, due: &[SourceName], status_url: Option<&Url>) -> String {
        let lines = due.iter().take(SOURCES).filter_map(|name| self.sources.get(name)).map(|entry| entry.line.as_str());
        let mut text = lines.collect::<Vec<_>>().join("\n");
        if due.len() > SOURCES {
            let _ = write!(text, "\nand {} more", counted((due.len() - SOURCES) as u64, "source"));
        }
        let link = status_url.map(|url| format!("\n<{}>", entities(url.as_str()))).unwrap_or_default();
        let room = MESSAGE_CHARS.saturating_sub(link.chars().count());
        cut(&text, room) + &link
    }
}

/// A source's state for people, in Slack's markup.
fn line(source: &SourceState, state: &State, wall: Timestamp) -> String {
    let name = said(source.name.as_str());
    let report = source.last.as_ref().map(|last| &last.report);
    let at = wall.strftime("%H:%M UTC");
    match state {
        State::Well => format!(":white_check_mark: *{name}* is well again ({at}): Fin has what the source has"),
        State::Held(release) => {
            let held = report.map_or(0, |report| report.held);
            let why = report.and_then(|report| report.held_why.as_deref()).map(|why| format!(": {}", said(why)));
            let mut line =
                format!(":raised_hand: *{name}* holds {} ({at}){}", counted(held, "delete"), why.unwrap_or_default());
            if let Some(release) = release {
                // To be copied, so without what `said` puts behind an `@`; nothing is called from within a code span.
                let release = entities(&Plain(release).to_string());
                let _ = write!(line, "\n> If they are right: `finmirror --once --release-held {release}`");
            }
            line
        }
        State::Incomplete => format!(
            ":warning: *{name}* could not be seen whole ({at}); nothing is deleted meanwhile{}",
            report.map(reasons).unwrap_or_default()
        ),
        State::Failed => format!(":x: *{name}* failed ({at}){}", report.map(reasons).unwrap_or_default()),
        State::Stale => {
            let since = source.complete.map(|complete| complete.at.strftime("%Y-%m-%d %H:%M UTC").to_string());
            format!(
                ":hourglass: *{name}* is stale: no complete cycle since {}, for over twice its interval{}",
                since.unwrap_or_default(),
                report.map(reasons).unwrap_or_default()
            )
        }
    }
}

/// The first problems and failures, as they were given, with Intercom's `request_id` where there is one in them.
fn reasons(report: &CycleReport) -> String {
    let problems = report.problems.iter().map(|problem| (problem.path.as_str(), problem.message.as_str()));
    let failed = report.failed.iter().map(|failed| (failed.path.as_str(), failed.message.as_str()));
    let mut text = String::new();
    for (path, message) in problems.chain(failed).take(SHOWN) {
        let colon = if path.is_empty() { "" } else { ": " };
        let _ = write!(text, "\n> {}{colon}{}", said(path), said(message));
    }
    let more = (report.problems.len() + report.failed.len()).saturating_sub(SHOWN);
    if more > 0 {
        let _ = write!(text, "\n> and {more} more");
    }
    text
}

/// Text of whatever origin, as a chat shows it and does nothing else with it: an `@` calls nobody, in chats that look for
/// names in the text itself.
fn said(text: &str) -> String {
    entities(&cut(&Plain(text).to_string(), REASON_CHARS)).replace('@', "@\u{200b}")
}

/// As Slack asks for it (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Posts a message, as often as it takes and is sensible; of what is wrong the url is no part.
async fn deliver(options: &AlertOptions, text: &str, tempo: Tempo) -> Result<(), String> {
    let secret = options.webhook.clone();
    // Both read files; and a client that is used once a week need not be kept.
    let made = tokio::task::spawn_blocking(move || Ok::<_, String>((address(&secret)?, client(tempo.attempt)?)));
    let (url, client) = made.await.map_err(|_| "the HTTP client cannot be built".to_owned())??;
    let body = json!({ "text": text }).to_string();
    let began = Instant::now();
    for attempt in 1.. {
        let request = client.post(url.clone()).header("content-type", "application/json").body(body.clone());
        let (message, asked, is_final) = match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                let asked = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
                let is_final = !status.is_server_error() && status.as_u16() != 429 && status.as_u16() != 408;
                (format!("the webhook answered {status}: check its url"), asked.map(Duration::from_secs), is_final)
            }
            Err(error) => (unsent(&error.without_url()), None, false),
        };
        let wait = tempo.backoff.next(attempt, began.elapsed(), asked, 1.0);
        match wait.filter(|_| !is_final) {
            Some(wait) => sleep(wait).await,
            None => return Err(message),
        }
    }
    Err("no attempt is left".to_owned())
}

fn address(secret: &Secret) -> Result<Url, String> {
    let text = secret.read()?;
    let url = Url::parse(text.expose_secret()).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    url.ok_or_else(|| "the webhook's url is none: write `https://…`".to_owned())
}

fn client(attempt: Duration) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("finmirror/", env!("CARGO_PKG_VERSION")))
        // Another place than the configured one gets nothing.
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .timeout(attempt);
    builder.build().map_err(|error| unsent(&error.without_url()))
}

/// The causes of an error without its url, which is a credential.
fn unsent(error: &reqwest::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    causes.join(": ")
}

#[cfg(test)]
mod tests;
