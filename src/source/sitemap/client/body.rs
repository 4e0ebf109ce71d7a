//! The body of an answer, as a stream: it comes whole, within its limits and in time, or it ends with an error.
//!
//! Unpacked here rather than by the HTTP client, which does not say how many bytes came: what little unpacks to very much
//! is a bomb, and is given up long before its limit.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use brotli_decompressor::Decompressor;
use flate2::bufread::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::time::{Instant, timeout_at};

use super::exchange::Engine;
use super::pace::Turn;
use super::{Trouble, broken};

/// What may be unpacked, however little came.
const FREE_BYTES: u64 = 2 << 20;
/// Beyond it, each byte that came may become so many. Text becomes ten or twenty, lists of urls perhaps a hundred.
const RATIO_MAX: u64 = 300;
/// Of what is packed with brotli, so much is looked at in one go.
const BROTLI_BYTES: usize = 16 << 10;

/// The body of an answer. Its errors hold a [`Trouble`].
pub struct Body {
    packed: Packed,
    max_bytes: u64,
    read_bytes: u64,
    came_bytes: Arc<AtomicU64>,
    is_packed: bool,
}

enum Packed {
    Nothing,
    Plain(Box<Wire>),
    Gzip(Box<MultiGzDecoder<Wire>>),
    Brotli(Box<Decompressor<Wire>>),
}

impl Body {
    /// None.
    pub(super) fn empty() -> Self {
        Self { packed: Packed::Nothing, max_bytes: 0, read_bytes: 0, came_bytes: Arc::default(), is_packed: false }
    }

    pub(super) fn new(mut wire: Wire, encoding: Encoding, max_bytes: u64) -> Result<Self, Trouble> {
        let came_bytes = Arc::clone(&wire.came_bytes);
        if encoding == Encoding::None && wire.announced.is_some_and(|bytes| bytes > max_bytes) {
            return Err(Trouble::TooLarge);
        }
        if encoding == Encoding::Brotli {
            let first = wire.fill_buf().map_err(Trouble::from)?.first().copied().unwrap_or_default();
            // RFC 7932, 9.1: an odd first byte says 17 and its next three bits; the unpacker takes all of it at once.
            if first & 1 == 1 && first >> 1 & 7 > 5 {
                let message =
                    "the answer is packed with a window of over 4 MiB: pack it with a smaller one, or with gzip";
                return Err(Trouble::Broken(message.into()));
            }
        }
        let packed = match encoding {
            _ if wire.announced == Some(0) => Packed::Nothing,
            Encoding::None => Packed::Plain(Box::new(wire)),
            Encoding::Gzip => Packed::Gzip(Box::new(MultiGzDecoder::new(wire))),
            Encoding::Brotli => Packed::Brotli(Box::new(Decompressor::new(wire, BROTLI_BYTES))),
        };
        Ok(Self { packed, max_bytes, read_bytes: 0, came_bytes, is_packed: encoding != Encoding::None })
    }

    /// The whole body.
    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(Trouble::from)?;
        Ok(bytes)
    }

    fn is_bomb(&self) -> bool {
        let came = self.came_bytes.load(Ordering::Relaxed);
        self.is_packed && self.read_bytes > FREE_BYTES && self.read_bytes > came.saturating_mul(RATIO_MAX)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.packed {
            Packed::Nothing => Ok(0),
            Packed::Plain(wire) => wire.read(buffer),
            Packed::Gzip(packed) => packed.read(buffer),
            Packed::Brotli(packed) => packed.read(buffer),
        };
        let read = match read {
            Err(error) if matches!(error.get_ref(), Some(held) if held.is::<Trouble>()) => Err(error),
            // Nothing at all is what some servers pack nothing into.
            Err(_) if self.came_bytes.load(Ordering::Relaxed) == 0 => Ok(0),
            Err(_) => {
                let message = "the answer cannot be unpacked, or is cut off";
                Err(io::Error::other(Trouble::Broken(message.into())))
            }
            read => read,
        };
        self.read_bytes += read.as_ref().map_or(0, |read| *read as u64);
        if self.read_bytes > self.max_bytes || self.is_bomb() {
            // The connection is given up with it.
            self.packed = Packed::Nothing;
            return Err(io::Error::other(Trouble::TooLarge));
        }
        read
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("read_bytes", &self.read_bytes).finish_non_exhaustive()
    }
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    None,
    Gzip,
    Brotli,
}

impl Encoding {
    /// What is asked for.
    pub(super) const ACCEPTED: &str = "gzip, br";

    /// As the answer says it.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Trouble> {
        let mut found = Self::None;
        for value in headers.get_all(CONTENT_ENCODING) {
            for word in value.to_str().unwrap_or("?").split(',').map(str::trim) {
                let next = match word.to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "br" => Self::Brotli,
                    _ => Self::None,
                };
                if next == Self::None || found != Self::None {
                    let word = value.to_str().unwrap_or_default().escape_debug().to_string();
                    let message = format!("the answer is packed as `{word}`, which was not asked for");
                    return Err(Trouble::Broken(message));
                }
                found = next;
            }
        }
        Ok(found)
    }
}

/// The bytes of a body as they come.
pub(super) struct Wire {
    engine: Arc<Engine>,
    response: Option<Response>,
    chunk: Vec<u8>,
    at: usize,
    deadline: Instant,
    announced: Option<u64>,
    came_bytes: Arc<AtomicU64>,
    /// A place among the host's requests.
    _turn: Option<Turn>,
}

impl Wire {
    pub(super) fn new(engine: Arc<Engine>, response: Response, deadline: Instant, turn: Option<Turn>) -> Self {
        let announced = response.content_length();
        let came_bytes = Arc::default();
        Self {
            engine,
            response: Some(response),
            chunk: Vec::new(),
            at: 0,
            deadline,
            announced,
            came_bytes,
            _turn: turn,
        }
    }

    /// Waits for the next bytes; leaves none at the end.
    fn fetch(&mut self) -> Result<(), Trouble> {
        let Some(mut response) = self.response.take() else { return Ok(()) };
        let deadline = self.deadline;
        let (response, chunk) = self.engine.run(async move {
            let chunk = timeout_at(deadline, response.chunk()).await;
            (response, chunk.map(|chunk| chunk.map(|chunk| chunk.map(|bytes| bytes.to_vec()))))
        })?;
        match chunk {
            Ok(Ok(Some(chunk))) => {
                self.came_bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                (self.chunk, self.at, self.response) = (chunk, 0, Some(response));
                Ok(())
            }
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Trouble::Timeout),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Wire {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.chunk.len() && self.response.is_some() {
            (self.chunk, self.at) = (Vec::new(), 0);
            self.fetch().map_err(io::Error::other)?;
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, read: usize) {
        self.at += read;
    }
}
