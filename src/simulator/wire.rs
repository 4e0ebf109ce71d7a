//! The connections of the HTTP door: accepted up to a number, ended when idle, and broken on request.
//!
//! A fault of the wire cannot be made by an HTTP library, whose business is to prevent it; so it is made below: the
//! connection itself ends, stops in the middle of an answer's body, or lets it through drop by drop.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use super::lock;

/// Connections at one time; more of them wait.
const MAX_CONNECTIONS: usize = 1_024;

/// A connection on which nothing comes for so long is ended; longer than any answer is held back.
const IDLE: Duration = Duration::from_secs(150);

/// Into how many parts a slow body is cut.
const DROPS: u32 = 16;

/// The end of an answer's head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// Accepts connections that can be broken.
pub(super) struct Doorstep {
    listener: TcpListener,
    seats: Arc<Semaphore>,
}

impl Doorstep {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, seats: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }
}

impl Listener for Doorstep {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let seat = Arc::clone(&self.seats).acquire_owned().await.expect("the semaphore is never closed");
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // Without it small answers wait for each other; a socket that cannot do it is served all the same.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "TCP_NODELAY could not be set");
        }
        let line = Line {
            stream,
            wire: Wire::default(),
            idle: Box::pin(sleep(IDLE)),
            pause: Box::pin(sleep(Duration::ZERO)),
            _seat: seat,
        };
        (line, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A handle on one connection, by which the request that it serves can break it.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Whole,
    /// Nothing more gets through.
    Dead,
    /// What gets through of an answer's body, once its head has: so many bytes, then nothing.
    Cut { head: usize, left: usize },
    /// So many bytes at a time, with a pause behind each.
    Slow { bytes: usize, pause: Duration, waiting: bool },
}

impl Wire {
    /// Lets answers through again, at the start of a request.
    pub(super) fn mend(&self) {
        *lock(&self.0) = State::Whole;
    }

    /// Ends the connection before the answer.
    pub(super) fn kill(&self) {
        *lock(&self.0) = State::Dead;
    }

    /// Ends the connection in the middle of the answer's body; where there is none, before the answer.
    pub(super) fn cut(&self, body_bytes: usize) {
        *lock(&self.0) = if body_bytes == 0 { State::Dead } else { State::Cut { head: 0, left: body_bytes / 2 } };
    }

    /// Spreads the answer over a time.
    pub(super) fn slow(&self, body_bytes: usize, time: Duration) {
        let bytes = body_bytes.div_ceil(DROPS as usize).max(64);
        *lock(&self.0) = State::Slow { bytes, pause: time / DROPS, waiting: false };
    }
}

impl Connected<IncomingStream<'_, Doorstep>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Doorstep>) -> Self {
        stream.io().wire.clone()
    }
}

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    wire: Wire,
    idle: Pin<Box<Sleep>>,
    pause: Pin<Box<Sleep>>,
    _seat: OwnedSemaphorePermit,
}

impl Line {
    /// How many bytes of a buffer may be written now.
    fn allowance(&mut self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *lock(&self.wire.0) {
            State::Whole => Poll::Ready(Ok(buffer.len())),
            State::Dead => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            State::Cut { head, left } => {
                let mut seen = *head;
                let body = buffer.iter().position(|byte| {
                    if seen < HEAD_END.len() {
                        seen = if *byte == HEAD_END[seen] { seen + 1 } else { usize::from(*byte == HEAD_END[0]) };
                        false
                    } else {
                        true
                    }
                });
                match body.unwrap_or(buffer.len()) + if seen == HEAD_END.len() { *left } else { 0 } {
                    0 => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                    allowed => Poll::Ready(Ok(allowed.min(buffer.len()))),
                }
            }
            State::Slow { bytes, waiting, .. } => {
                if *waiting && self.pause.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *waiting = false;
                Poll::Ready(Ok((*bytes).min(buffer.len())))
            }
        }
    }

    /// Notes what was written.
    fn wrote(&mut self, written: &[u8]) {
        match &mut *lock(&self.wire.0) {
            State::Whole | State::Dead => {}
            State::Cut { head, left } => {
                for byte in written {
                    if *head == HEAD_END.len() {
                        *left = left.saturating_sub(1);
                    } else {
                        *head = if *byte == HEAD_END[*head] { *head + 1 } else { usize::from(*byte == HEAD_END[0]) };
                    }
                }
            }
            State::Slow { pause, waiting, .. } => {
                self.pause.as_mut().reset(Instant::now() + *pause);
                *waiting = true;
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending if self.idle.as_mut().poll(cx).is_ready() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(read) => {
                self.idle.as_mut().reset(Instant::now() + IDLE);
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = match self.allowance(cx, buffer) {
            Poll::Ready(Ok(allowed)) => allowed,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        match Pin::new(&mut self.stream).poll_write(cx, &buffer[..allowed]) {
            Poll::Ready(Ok(written)) => {
                self.wrote(&buffer[..written]);
                Poll::Ready(Ok(written))
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
