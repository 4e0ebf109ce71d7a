//! The stand-in for Intercom: one model with two doors, in process ([`crate::remote::Remote`]) and over HTTP
//! ([`Simulator::serve`]). The embedded default, the tests' fake, and a server that users run in their own CI.
//!
//! Knows Intercom's documented behaviour and nothing of the mirror: no ledger, no plan, none of our client's code.
//! Through both doors the same limits and faults apply, each request is in the journal, and an answer is given only
//! after its change is kept: with a file, a killed process has lost nothing that was answered.

mod answer;
mod call;
mod event;
mod faults;
mod http;
mod journal;
mod limit;
mod local;
mod model;
mod normalise;
mod store;
mod web;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use secrecy::SecretString;

pub use answer::{StoredPage, StoredSource};
pub use event::Contact;
pub use faults::{Fault, FaultRule};
pub use journal::{Entry, Stats};

use answer::{Answer, ApiError};
use call::{Call, Route, Version, Window};
use faults::{Faults, MAX_HOLD, Seen};
use journal::Journal;
use limit::{Limiter, Meter};
use model::Model;
use store::Store;

/// How the stand-in behaves.
#[derive(Clone, Debug, Default)]
pub struct SimulatorOptions {
    /// The SQLite file of its state; in memory without one.
    pub data: Option<PathBuf>,
    /// The only token that is good; without one any is.
    pub token: Option<SecretString>,
    /// Calls per window; none without it.
    pub rate_limit: Option<RateLimit>,
    /// Each answer is held back for a time in this range.
    pub latency: Option<(Duration, Duration)>,
    /// Hands html back otherwise than it was sent, as Intercom might.
    pub normalise_html: bool,
    /// `PUT` without `fin_availability` switches a page on, as Intercom documents.
    pub put_resets_flags: bool,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls in one window.
    pub calls: u32,
    /// The window's length.
    pub window: Duration,
    /// A window that slides with each call, or one that starts anew at fixed times.
    pub sliding: bool,
}

/// A range of latency as it is written on a command line: `80ms..350ms`, or `80ms` for an even one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency(pub Duration, pub Duration);

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let part = |part: &str| {
            limit::duration(part.trim())
                .filter(|time| *time <= MAX_HOLD)
                .ok_or_else(|| format!("latency `{text}`: write a range of at most a minute, as in `80ms..350ms`"))
        };
        let (from, to) = (part(from)?, part(to)?);
        if from > to {
            return Err(format!("latency `{text}` runs backwards: write the shorter time first"));
        }
        Ok(Self(from, to))
    }
}

impl From<Latency> for (Duration, Duration) {
    fn from(latency: Latency) -> Self {
        (latency.0, latency.1)
    }
}

/// What tells the time: the system's clock in the program, a simulation's own in a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The stand-in. A clone is another handle on the same state.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    /// Requests that came through the door in process, of this handle and its clones.
    local_requests: Arc<AtomicU64>,
}

struct Shared {
    options: SimulatorOptions,
    clock: Clock,
    /// One connection, held for the microseconds of one statement; longer only for a listing.
    model: Mutex<Model>,
    limiter: Option<Mutex<Limiter>>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    requests: AtomicU64,
}

/// A request on its way in, as either door has read it.
struct Request<'a> {
    route: Route,
    method: &'static str,
    path: &'a str,
    authorized: bool,
    version: Version,
    call: Result<Call, ApiError>,
}

/// What a door has to deliver.
struct Passage {
    outcome: Result<Answer, ApiError>,
    /// What the rate limit's headers say, if there is a limit and the caller is known.
    meter: Option<Meter>,
    delivery: Delivery,
    /// How long the answer is held back.
    hold: Duration,
    at: Timestamp,
    request_id: String,
}

/// How an answer reaches the caller, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Whole,
    /// The connection ends without an answer.
    Lost,
    /// The connection ends in the middle of the body.
    Truncated,
    /// The body takes so long.
    Slow(Duration),
}

impl Simulator {
    /// Opens the state that the options name, or makes it.
    pub fn open(options: SimulatorOptions, clock: Clock) -> anyhow::Result<Self> {
        let store = Store::open(options.data.as_deref()).map_err(|error| match &options.data {
            Some(path) => anyhow!("the simulator's data file `{}` cannot be used: {error}", path.display()),
            None => anyhow!("the simulator's state in memory cannot be made: {error}"),
        })?;
        let model = Model { store, put_resets_flags: options.put_resets_flags };
        let limiter = options.rate_limit.map(|limit| Mutex::new(Limiter::new(limit)));
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                clock,
                model: Mutex::new(model),
                limiter,
                faults: Mutex::new(Faults::new()),
                journal: Mutex::default(),
                requests: AtomicU64::new(0),
            }),
            local_requests: Arc::default(),
        })
    }

    /// Serves the HTTP door until the shutdown; requests under way end, or are cut off after ten seconds.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        http::serve(self, listener, shutdown).await
    }

    /// Takes a request: counts it, meets it with a fault or carries it out, and writes it into the journal.
    ///
    /// All of it happens at once and before the first wait, so that a caller who goes away meanwhile has changed as much
    /// as one who stays. It blocks for the time of one `SQLite` statement whose commit syncs nothing, which is less than
    /// handing it to another thread would cost.
    fn take(&self, request: Request<'_>) -> Passage {
        let at = (self.shared.clock)();
        let Request { route, method, path, .. } = request;
        let named = request.call.as_ref().ok().and_then(Call::external_id).map(Box::<str>::from);
        let mut passage = Passage {
            outcome: Err(ApiError::unauthorized()),
            meter: None,
            delivery: Delivery::Whole,
            hold: self.latency(),
            at,
            request_id: self.request_id(at),
        };
        let mut fault = None;
        if request.authorized {
            let (meter, refusal) = self.count(at);
            passage.meter = meter;
            passage.outcome = if let Some(refusal) = refusal {
                Err(refusal)
            } else {
                let seen = Seen { name: route.name(), method, path, external_id: named.as_deref() };
                fault = lock(&self.shared.faults).draw(&seen);
                self.meet(fault.as_ref(), request, &mut passage)
            };
        }
        let status = passage.outcome.as_ref().map_or_else(|error| error.status, Answer::status);
        let answered = || passage.outcome.as_ref().ok().and_then(Answer::external_id).map(Box::<str>::from);
        let entry = Entry {
            seq: 0,
            at_us: at.as_microsecond(),
            method,
            path: path.into(),
            external_id: named.or_else(answered),
            status: (fault != Some(Fault::Drop)).then_some(status),
            fault: fault.as_ref().map(Fault::name),
        };
        lock(&self.shared.journal).write(route, entry);
        passage
    }

    /// Carries a request out as far as its fault lets it, and notes what becomes of the answer.
    fn meet(&self, fault: Option<&Fault>, request: Request<'_>, passage: &mut Passage) -> Result<Answer, ApiError> {
        match fault {
            Some(Fault::Status { code, retry_after_s, field }) => {
                return Err(injected(request.route, *code, *retry_after_s, field.clone()));
            }
            Some(Fault::Drop) => {
                passage.delivery = Delivery::Lost;
                return Err(ApiError::new(503, "service_unavailable", "the connection ended before anything was done"));
            }
            Some(Fault::Latency { from_ms, to_ms }) => {
                let (from, to) = (Duration::from_millis(*from_ms), Duration::from_millis(*to_ms));
                passage.hold = (passage.hold + lock(&self.shared.faults).between(from, to)).min(MAX_HOLD);
            }
            Some(Fault::LostAnswer) => passage.delivery = Delivery::Lost,
            Some(Fault::TruncatedBody) => passage.delivery = Delivery::Truncated,
            Some(Fault::SlowBody { ms }) => {
                passage.delivery = Delivery::Slow(Duration::from_millis(*ms).min(MAX_HOLD));
            }
            None => {}
        }
        let answer = self.model().answer(request.call?, request.version, passage.at)?;
        Ok(self.dress(answer))
    }

    /// The rate limit after this call, and the refusal if it was one too many.
    fn count(&self, at: Timestamp) -> (Option<Meter>, Option<ApiError>) {
        let Some(limiter) = &self.shared.limiter else { return (None, None) };
        let mut limiter = lock(limiter);
        let meter = limiter.count(at);
        let refusal = meter.exceeded.then(|| ApiError::new(429, "rate_limit_exceeded", limiter.message()));
        (Some(meter), refusal)
    }

    fn latency(&self) -> Duration {
        self.shared.options.latency.map_or(Duration::ZERO, |(from, to)| lock(&self.shared.faults).between(from, to))
    }

    /// Writes html as the options ask for.
    fn dress(&self, answer: Answer) -> Answer {
        if !self.shared.options.normalise_html {
            return answer;
        }
        let dress = |page: StoredPage| match page.html.as_str() {
            "" => page,
            html => StoredPage { html: normalise::normalise(html), ..page },
        };
        match answer {
            Answer::Page(page) => Answer::Page(dress(page)),
            Answer::Pages { pages, window, total } => {
                Answer::Pages { pages: pages.into_iter().map(dress).collect(), window, total }
            }
            other => other,
        }
    }

    fn request_id(&self, at: Timestamp) -> String {
        let number = self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(model::millis(at), &random).into_uuid().to_string()
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.shared.model)
    }

    fn now_s(&self) -> i64 {
        (self.shared.clock)().as_second()
    }
}

/// A hand inside: what somebody does in Intercom's own interface, and what a test looks at. None of it is a request:
/// it meets no limit and no fault, and is not in the journal.
impl Simulator {
    /// Adds a fault; says what is wrong with the rule.
    pub fn inject(&self, rule: FaultRule) -> anyhow::Result<()> {
        lock(&self.shared.faults).add(rule).map_err(anyhow::Error::msg)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Seeds the generator of shares and latencies.
    pub fn seed(&self, seed: u64) {
        lock(&self.shared.faults).seed(seed);
    }

    /// The counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let fired = lock(&self.shared.faults).fired().clone();
        lock(&self.shared.journal).stats(fired)
    }

    /// The journal after a position, at most so many entries, oldest first.
    #[must_use]
    pub fn journal(&self, after: u64, limit: usize) -> Vec<Entry> {
        lock(&self.shared.journal).after(after, limit)
    }

    /// Every page, by source and external id, with its html as it was sent.
    pub fn pages(&self) -> anyhow::Result<BTreeMap<(i64, String), StoredPage>> {
        let mut pages = BTreeMap::new();
        self.for_each_page(|page| {
            pages.insert((page.source_id, page.external_id.clone()), page);
        })?;
        Ok(pages)
    }

    /// Walks through every page, oldest first, without holding more than a few of them.
    pub fn for_each_page(&self, mut look: impl FnMut(StoredPage)) -> anyhow::Result<()> {
        let mut after = i64::MIN;
        loop {
            let pages = self.model().store.pages_after(after, 100).context("the simulator's pages cannot be read")?;
            let Some(last) = pages.last() else { return Ok(()) };
            after = last.id;
            pages.into_iter().for_each(&mut look);
        }
    }

    /// Every source.
    pub fn sources(&self) -> anyhow::Result<Vec<StoredSource>> {
        let all = Window { page: 1, per_page: 1_000_000 };
        Ok(self.model().store.sources(all).context("the simulator's sources cannot be read")?.0)
    }

    /// Makes a source as somebody would in Intercom, one that is not fed through the API (`automatic`) among them.
    pub fn add_source(&self, url: &str, sync_behavior: &str) -> anyhow::Result<StoredSource> {
        let now_s = self.now_s();
        self.model()
            .store
            .insert_source(url, sync_behavior, "active", &[], now_s)
            .context("the simulator's source cannot be made")
    }

    /// Switches a source on or off; fails if there is none.
    pub fn set_source_active(&self, id: i64, active: bool) -> anyhow::Result<()> {
        let now_s = self.now_s();
        let store = &self.model().store;
        let mut source = store.source(id)?.ok_or_else(|| anyhow!("the simulator has no source `{id}`"))?;
        source.status = String::from(if active { "active" } else { "deactivated" });
        source.updated_at = now_s;
        Ok(store.write_source(&source)?)
    }

    /// Deletes a source with its pages; whether it was there.
    pub fn remove_source(&self, id: i64) -> anyhow::Result<bool> {
        Ok(self.model().store.delete_source(id)?)
    }

    /// The page of a source that has an external id.
    pub fn find_page(&self, source_id: i64, external_id: &str) -> anyhow::Result<Option<StoredPage>> {
        let store = &self.model().store;
        let id = store.page_id(source_id, external_id)?;
        Ok(id.map(|id| store.page(id)).transpose()?.flatten())
    }

    /// Changes a page by hand: its text, its switches, anything but its id; fails if there is none.
    pub fn edit_page(&self, id: i64, edit: impl FnOnce(&mut StoredPage)) -> anyhow::Result<StoredPage> {
        let now_s = self.now_s();
        let store = &self.model().store;
        let mut page = store.page(id)?.ok_or_else(|| anyhow!("the simulator has no page `{id}`"))?;
        page.updated_at = now_s;
        edit(&mut page);
        page.id = id;
        store.write_page(&page)?;
        Ok(page)
    }

    /// Removes a page by hand; whether it was there.
    pub fn remove_page(&self, id: i64) -> anyhow::Result<bool> {
        Ok(self.model().store.delete_page(id)?.is_some())
    }

    /// Names a contact whom events can be about; from the first one on, nobody else is known.
    pub fn add_contact(&self, contact: &Contact) -> anyhow::Result<()> {
        Ok(self.model().store.add_contact(contact)?)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

/// Serves the stand-in on an address until the shutdown: the command `finmirror simulator`. `bound` is told the address
/// that it got, which for port 0 is another one.
pub async fn run(
    options: SimulatorOptions,
    clock: Clock,
    listen: SocketAddr,
    bound: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let simulator = Simulator::open(options, clock)?;
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
        format!("the simulator cannot listen on `{listen}`: name a free address of this machine with `--listen`")
    })?;
    bound(listener.local_addr().context("the address that the simulator listens on is unknown")?);
    simulator.serve(listener, shutdown).await.context("the simulator's server stopped")
}

/// The error that a fault makes: by its status the code that Intercom uses, and where a page's field is asked for, one.
fn injected(route: Route, status: u16, retry_after_s: Option<u32>, field: Option<String>) -> ApiError {
    let code = match status {
        400 | 422 => "parameter_invalid",
        401 => "unauthorized",
        402 => "payment_required",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "payload_too_large",
        429 => "rate_limit_exceeded",
        500 => "server_error",
        503 => "service_unavailable",
        _ => "client_error",
    };
    let of_page = matches!(route, Route::UpsertPage | Route::ReplacePage) && matches!(status, 400 | 422);
    let field = field.or_else(|| of_page.then(|| "html".to_owned())).map(Into::into);
    let message = format!("a fault that was asked for: status {status}");
    ApiError { field, retry_after_s, ..ApiError::new(status, code, message) }
}

/// Locks; a panic elsewhere while it was locked leaves a state that is still whole, for each change is one statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    /// A clock that stands still until it is moved, in milliseconds.
    #[derive(Clone)]
    pub(super) struct Hands(Arc<AtomicI64>);

    impl Hands {
        pub(super) fn new() -> Self {
            Self(Arc::new(AtomicI64::new(1_700_000_000_000)))
        }

        pub(super) fn clock(&self) -> Clock {
            let ms = Arc::clone(&self.0);
            Arc::new(move || Timestamp::from_millisecond(ms.load(Ordering::SeqCst)).unwrap())
        }

        pub(super) fn advance(&self, ms: i64) {
            self.0.fetch_add(ms, Ordering::SeqCst);
        }
    }

    #[test]
    fn latencies_are_read_and_wrong_ones_say_why() {
        let ms = Duration::from_millis;
        assert_eq!("80ms..350ms".parse(), Ok(Latency(ms(80), ms(350))));
        assert_eq!("2s".parse(), Ok(Latency(ms(2_000), ms(2_000))));
        for wrong in ["", "80", "350ms..80ms", "1ms..", "2m", "..", "-1ms"] {
            let error = wrong.parse::<Latency>().unwrap_err();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
    }

    #[test]
    fn state_in_a_file_survives_and_a_foreign_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let options = SimulatorOptions { data: Some(folder.path().join(name)), ..SimulatorOptions::default() };
            Simulator::open(options, Hands::new().clock())
        };
        let id = open("fin.db").unwrap().add_source("https://e.com", "api").unwrap().id;
        assert_eq!(open("fin.db").unwrap().sources().unwrap()[0].id, id);

        std::fs::write(folder.path().join("text"), "no database at all, but long enough to be looked at").unwrap();
        let other = rusqlite::Connection::open(folder.path().join("other.db")).unwrap();
        other.execute_batch("CREATE TABLE t (a)").unwrap();
        let newer = rusqlite::Connection::open(folder.path().join("fin.db")).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        for (name, why) in [("text", "not a database"), ("other.db", "something else"), ("fin.db", "newer version")] {
            let error = open(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_hand_inside_meets_no_fault_and_leaves_no_request() {
        let simulator = Simulator::open(SimulatorOptions::default(), Hands::new().clock()).unwrap();
        simulator.inject(FaultRule::new("*", Fault::Drop)).unwrap();
        let source = simulator.add_source("https://e.com", "automatic").unwrap();
        simulator.set_source_active(source.id, false).unwrap();
        assert_eq!(simulator.sources().unwrap()[0].status, "deactivated");
        assert!(simulator.edit_page(5, |_| {}).is_err() && !simulator.remove_page(5).unwrap());
        assert!(simulator.remove_source(source.id).unwrap() && !simulator.remove_source(source.id).unwrap());
        assert_eq!(simulator.stats(), Stats::default());
    }
}
