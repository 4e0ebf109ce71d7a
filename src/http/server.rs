//! The server: connections up to a number, each with a time for everything, and the routes that they lead to.
//!
//! Knows no route's meaning. Keeps, whoever calls and however many they are: at most [`CONNECTIONS`] are open, a head has
//! [`HEAD_TIME`], all the rest of a request and its answer [`REQUEST_TIME`], a stream of events [`STREAM_TIME`] and one of
//! [`STREAMS`] places; so that neither the descriptors nor the memory of the daemon are for a caller to use up. Where all
//! places are taken, the connection that has waited longest without asking anything gives way; where all are at work, the
//! new one is closed.

use std::collections::VecDeque;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::ensure;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::guard::Attempts;
use super::webhook;
use super::{App, api, guard, health, metrics, page};

/// Connections that are open at one time.
const CONNECTIONS: usize = 256;
/// The largest head of a request, and the most headers in it.
const HEAD_MAX_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;
/// The largest body that a route takes which has no limit of its own.
pub(super) const BODY_MAX_BYTES: usize = 1 << 20;
/// For a head to arrive, or for the next request to begin.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// From the end of a request's head to the last byte of its answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Streams of events at one time.
const STREAMS: usize = 32;
/// A stream ends then; browsers come back by themselves.
const STREAM_TIME: Duration = Duration::from_hours(1);
/// How long requests under way may take once the server is told to stop.
const DRAIN_TIME: Duration = Duration::from_millis(1500);
/// Looks at the ledger, or at sources, under way at one time: each holds a thread.
const LOOKS: usize = 4;
/// How long a look may take, its turn included.
const LOOK_TIME: Duration = Duration::from_secs(15);
/// After an accept that failed: descriptors have run out, and will be free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What goes on is not logged more often.
const QUIET: Duration = Duration::from_mins(1);

/// Serves until the shutdown, and then for as long as requests under way take, at most two seconds.
///
/// A request is answered by the [`App`] of its moment. Refuses to begin where it would be open to whoever reaches it.
pub async fn serve(
    listener: TcpListener,
    app: watch::Receiver<Arc<App>>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    ensure!(
        address.ip().to_canonical().is_loopback() || app.borrow().options.token.is_some(),
        "`{address}` can be reached from other machines, and no token is asked for: set `http.token_file`, or listen on \
         `127.0.0.1`"
    );
    let door = Door::new(app, address.ip().to_canonical().is_loopback());
    let router = router(door.clone());
    open(listener, door, router, shutdown).await;
    Ok(())
}

async fn open(listener: TcpListener, door: Door, router: Router, shutdown: impl Future<Output = ()>) {
    let (stopping, stop) = watch::channel(false);
    let mut seats = Seats { door, router, stop, taken: VecDeque::new(), tasks: JoinSet::new(), told: None };
    let mut shutdown = pin!(shutdown);
    let mut told: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => seats.take(stream).await,
                Err(error) => {
                    if told.is_none_or(|told| told.elapsed() > QUIET) {
                        tracing::warn!(error = %error, "a connection could not be accepted");
                        told = Some(Instant::now());
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    // Without a connection nobody listens.
    let _ = stopping.send(true);
    seats.drain().await;
}

fn router(door: Door) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/api/status", get(api::status))
        .route("/sync/{source}", post(api::sync))
        .merge(page::routes())
        .route("/webhooks/{source}", post(webhook::call))
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(door.clone(), guard::guard))
        .layer(from_fn(guard::harden))
        .with_state(door)
}

/// What every route has at hand. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    app: watch::Receiver<Arc<App>>,
    shared: Arc<Shared>,
}

struct Shared {
    is_loopback: bool,
    looks: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    attempts: Attempts,
    calls: webhook::Calls,
}

impl Door {
    fn new(app: watch::Receiver<Arc<App>>, is_loopback: bool) -> Self {
        let shared = Shared {
            is_loopback,
            looks: Arc::new(Semaphore::new(LOOKS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            attempts: Attempts::new(Instant::now()),
            calls: webhook::Calls::new(Instant::now()),
        };
        Self { app, shared: Arc::new(shared) }
    }

    /// What is shown, and who is woken, at this moment.
    pub(super) fn app(&self) -> Arc<App> {
        self.app.borrow().clone()
    }

    /// It can be reached from this machine alone.
    pub(super) fn is_loopback(&self) -> bool {
        self.shared.is_loopback
    }

    /// Tokens that were wrong.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.shared.attempts
    }

    /// Calls of webhooks.
    pub(super) fn calls(&self) -> &webhook::Calls {
        &self.shared.calls
    }

    /// Does what blocks, on a thread for it: few at a time, and not for longer than a reader waits.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overdue> {
        let looks = Arc::clone(&self.shared.looks);
        let turn = async {
            let permit = looks.acquire_owned().await.ok()?;
            spawn_blocking(move || {
                // What takes longer than its reader waits keeps its place until it ends.
                let _permit = permit;
                work()
            })
            .await
            .ok()
        };
        timeout(LOOK_TIME, turn).await.ok().flatten().ok_or(Overdue)
    }
}

impl FromRef<Door> for Arc<App> {
    fn from_ref(door: &Door) -> Self {
        door.app()
    }
}

/// What blocks took too long, or could not be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overdue;

impl IntoResponse for Overdue {
    fn into_response(self) -> Response {
        let text = "finmirror is busy: ask again in a moment\n";
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], text).into_response()
    }
}

/// The open connections, the oldest first.
struct Seats {
    door: Door,
    router: Router,
    stop: watch::Receiver<bool>,
    taken: VecDeque<(Arc<Wire>, AbortHandle)>,
    tasks: JoinSet<()>,
    told: Option<Instant>,
}

impl Seats {
    async fn take(&mut self, stream: TcpStream) {
        while self.tasks.try_join_next().is_some() {}
        self.taken.retain(|(_, task)| !task.is_finished());
        if self.taken.len() >= CONNECTIONS {
            if self.told.is_none_or(|told| told.elapsed() > QUIET) {
                tracing::warn!(connections = CONNECTIONS, "as many connections as may be are open: idle ones give way");
                self.told = Some(Instant::now());
            }
            let Some(idle) = self.taken.iter().position(|(wire, _)| !wire.is_busy()) else { return };
            if let Some((_, task)) = self.taken.remove(idle) {
                task.abort();
            }
            // So that its descriptor is free before there is another.
            yield_now().await;
        }
        let Ok(local) = stream.local_addr() else { return };
        let wire = Arc::new(Wire {
            local: local.ip().to_canonical(),
            is_busy: AtomicBool::new(false),
            is_streaming: AtomicBool::new(false),
            deadline: watch::Sender::new(Instant::now() + HEAD_TIME + REQUEST_TIME),
        });
        let attend = attend(stream, Arc::clone(&wire), self.door.clone(), self.router.clone(), self.stop.clone());
        self.taken.push_back((wire, self.tasks.spawn(attend)));
    }

    async fn drain(&mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // What is left is ended by being dropped.
        let _ = timeout(DRAIN_TIME, ended).await;
    }
}

async fn attend(stream: TcpStream, wire: Arc<Wire>, door: Door, router: Router, mut stop: watch::Receiver<bool>) {
    // Without it small answers wait for each other; a socket that cannot do it is served all the same.
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        wire.begin();
        request.extensions_mut().insert(Arc::clone(&wire));
        let (answer, wire, door) = (inner.call(request), Arc::clone(&wire), door.clone());
        async move { answer.await.map(|response| wire.accompany(response, &door)) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_headers(HEADERS).max_buf_size(HEAD_MAX_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A peer that breaks off, or that speaks no HTTP, is no news.
        _ = &mut connection => return,
        () = wire.overdue() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    if !wire.is_busy() || wire.is_streaming.load(Ordering::Relaxed) {
        return;
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = &mut connection => {}
        () = wire.overdue() => {}
    }
}

/// One connection: where it is at.
pub(super) struct Wire {
    /// The address that was called.
    pub(super) local: IpAddr,
    /// A request was begun, and its answer is not yet given out.
    is_busy: AtomicBool,
    is_streaming: AtomicBool,
    /// It is ended then.
    deadline: watch::Sender<Instant>,
}

impl Wire {
    fn begin(&self) {
        self.is_busy.store(true, Ordering::Relaxed);
        self.allow(REQUEST_TIME);
    }

    fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    fn allow(&self, time: Duration) {
        self.deadline.send_replace(Instant::now() + time);
    }

    /// Waits for the deadline, which may come nearer meanwhile.
    async fn overdue(&self) {
        let mut deadline = self.deadline.subscribe();
        loop {
            let present = *deadline.borrow_and_update();
            tokio::select! {
                () = sleep_until(present) => return,
                Ok(()) = deadline.changed() => {}
            }
        }
    }

    /// The answer, which tells when it is given out. A stream of events takes one of the places for streams, or is refused.
    fn accompany(self: Arc<Self>, response: Response, door: &Door) -> Response<Accompanied> {
        let events =
            response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let place = events.then(|| Arc::clone(&door.shared.streams).try_acquire_owned());
        let (response, place) = match place {
            Some(Err(_)) => {
                let text = "as many pages as may be are followed: this one is not updated by itself\n";
                let mut refusal = (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "60")], text).into_response();
                guard::harden_answer(&mut refusal);
                (refusal, None)
            }
            Some(Ok(place)) => {
                self.is_streaming.store(true, Ordering::Relaxed);
                self.allow(STREAM_TIME);
                (response, Some(place))
            }
            None => (response, None),
        };
        response.map(|body| Accompanied { body, wire: self, _place: place })
    }
}

/// A body that tells its connection when it has been given out.
struct Accompanied {
    body: Body,
    wire: Arc<Wire>,
    _place: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Accompanied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Accompanied {
    fn drop(&mut self) {
        self.wire.is_busy.store(false, Ordering::Relaxed);
        self.wire.is_streaming.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
