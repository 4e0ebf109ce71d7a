//! Server-sent events: a word to every page that is open whenever there is something else to show. The page then asks for
//! itself again; an event carries nothing.
//!
//! Owns how often such a stream speaks, and that none outlives the daemon's work. How many there may be, and for how long,
//! is the server's.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::server::Door;
use crate::daemon::board::{Board, Snapshot, Word};

/// A stream that says nothing for longer may be dead, for whoever stands in between.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What changes more often is told once.
const PAUSE: Duration = Duration::from_millis(500);

/// The first word; a page that lost its stream waits for two seconds before it comes back.
const HELLO: &str = "retry: 2000\nevent: changed\ndata: hello\n\n";
/// The daemon has done something.
const BOARD: &str = "event: changed\ndata: board\n\n";
/// A source has gone stale without anything happening.
const TIME: &str = "event: changed\ndata: time\n\n";
/// Nothing.
const STILL_HERE: &str = ":\n\n";

/// Follows the board for one page.
pub(super) async fn stream(State(door): State<Door>) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    let board = door.app().board.clone();
    tokio::spawn(async move { follow(&board, &sender).await });
    // Whoever stands in between is asked not to collect the events.
    let headers = [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Body::new(Events(receiver))).into_response()
}

/// Tells of changes until nobody listens, or the daemon ends.
async fn follow(board: &Board, events: &mpsc::Sender<&'static str>) {
    let mut followed = board.follow();
    let mut told = words(&followed.borrow_and_update());
    let mut event = HELLO;
    // Whoever goes away drops the receiver, and with it ends this, at the next word at the latest.
    while events.send(event).await.is_ok() && !followed.borrow().is_draining {
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = events.closed() => return,
        }
        let changed = tokio::select! {
            changed = timeout(HEARTBEAT, followed.changed()) => changed,
            () = events.closed() => return,
        };
        let now = words(&followed.borrow_and_update());
        event = match changed {
            // The board is gone, and the daemon with it.
            Ok(Err(_)) => return,
            Ok(Ok(())) => BOARD,
            Err(_) if now != told => TIME,
            Err(_) => STILL_HERE,
        };
        told = now;
    }
}

fn words(snapshot: &Snapshot) -> Vec<Word> {
    snapshot.sources.iter().map(|source| source.word(Instant::now())).collect()
}

/// A body that is sent as it comes to be.
struct Events(mpsc::Receiver<&'static str>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}
