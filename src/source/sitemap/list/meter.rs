//! Bounds on what is read of a list: bytes, how far they may grow when they are decompressed, bytes at one time.
//!
//! Stands between whatever answers and the parser, so that neither a list of ten gigabytes nor a name of ten megabytes takes
//! more memory than a small one.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Of a list, decompressed or not, as the protocol has it.
pub(in super::super) const MAX_BYTES: u64 = 50 * 1024 * 1024;
/// A list that is larger than this and has grown by more than [`MAX_RATIO`] is no list that anybody wrote.
const FREE_BYTES: u64 = 4 * 1024 * 1024;
/// Lists of urls that differ by a number alone grow about fiftyfold.
const MAX_RATIO: u64 = 200;
/// Of one tag, one text or one comment.
const MAX_AT_ONCE: usize = 64 * 1024;

/// Which bound was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Passed {
    /// [`MAX_BYTES`].
    #[error("it has more than 50 MB")]
    Bytes,
    /// [`MAX_RATIO`].
    #[error("it is compressed so much that it can be no list of urls")]
    Ratio,
    /// [`MAX_AT_ONCE`].
    #[error("a tag, a text or a comment in it has more than 64 KB")]
    AtOnce,
}

impl Passed {
    /// The bound that a failed read tells of.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }
}

/// Counts what is read.
pub(super) struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let count = Rc::new(Cell::new(0));
        (Self { inner, count: Rc::clone(&count) }, count)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Fails a read beyond the bounds of the whole.
pub(super) struct Whole<R> {
    inner: R,
    out: u64,
    /// Bytes before they were decompressed; `None`: they never were anything else.
    before: Option<Rc<Cell<u64>>>,
}

impl<R> Whole<R> {
    pub(super) fn new(inner: R, before: Option<Rc<Cell<u64>>>) -> Self {
        Self { inner, out: 0, before }
    }
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.out = self.out.saturating_add(read as u64);
        if self.out > MAX_BYTES {
            return Err(io::Error::other(Passed::Bytes));
        }
        let grown = |before: &Rc<Cell<u64>>| self.out / before.get().max(1) > MAX_RATIO;
        if self.out > FREE_BYTES && self.before.as_ref().is_some_and(grown) {
            return Err(io::Error::other(Passed::Ratio));
        }
        Ok(read)
    }
}

/// Fails a read beyond [`MAX_AT_ONCE`] since it was last told that something new begins.
pub(super) struct Pieces<R> {
    inner: R,
    left: usize,
}

impl<R> Pieces<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, left: MAX_AT_ONCE }
    }

    /// Something new begins.
    pub(super) fn next(&mut self) {
        self.left = MAX_AT_ONCE;
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let read = ready.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let ready = self.inner.fill_buf()?;
        if self.left == 0 && !ready.is_empty() {
            return Err(io::Error::other(Passed::AtOnce));
        }
        Ok(&ready[..ready.len().min(self.left)])
    }

    fn consume(&mut self, read: usize) {
        self.left = self.left.saturating_sub(read);
        self.inner.consume(read);
    }
}
