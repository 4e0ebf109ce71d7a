//! Blobs by their ids, out of one `git cat-file --batch-command` that is kept open.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::command::{Call, Running, Trouble, words_of};

/// What a blob came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blob {
    /// It is not in the mirror.
    Missing,
    /// It has this many bytes, more than were asked for.
    TooLarge(u64),
    Bytes(Vec<u8>),
}

/// The open program.
#[derive(Debug)]
pub(super) struct Blobs {
    // Dropped first: git ends, and with it the thread that reads.
    _running: Running,
    input: ChildStdin,
    asks: Sender<bool>,
    answers: Receiver<Option<Answer>>,
    timeout: Duration,
}

#[derive(Debug)]
enum Answer {
    Missing,
    Size(u64),
    Bytes(Vec<u8>),
}

impl Blobs {
    /// Starts it.
    pub(super) fn open(call: &Call) -> Result<Self, Trouble> {
        let call = Call { input: Some(Vec::new()), ..call.clone() };
        let mut running = Running::start(&call, None)?;
        let child = &mut running.child;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken());
        };
        if let Some(words) = child.stderr.take() {
            thread::spawn(move || drop(words_of(words)));
        }
        let ((asks, asked), (answer, answers)) = (channel(), channel());
        thread::spawn(move || answer_all(BufReader::new(output), &asked, &answer));
        Ok(Self { _running: running, input, asks, answers, timeout: call.timeout })
    }

    /// One blob, if it has at most so many bytes. After an error this is of no use any more.
    pub(super) fn get(&mut self, id: &str, max_bytes: u64) -> Result<Blob, Trouble> {
        match self.ask("info", id, false)? {
            Answer::Size(size) if size > max_bytes => return Ok(Blob::TooLarge(size)),
            Answer::Size(_) => {}
            Answer::Missing | Answer::Bytes(_) => return Ok(Blob::Missing),
        }
        match self.ask("contents", id, true)? {
            Answer::Bytes(bytes) => Ok(Blob::Bytes(bytes)),
            Answer::Missing | Answer::Size(_) => Ok(Blob::Missing),
        }
    }

    fn ask(&mut self, what: &str, id: &str, with_bytes: bool) -> Result<Answer, Trouble> {
        self.asks.send(with_bytes).map_err(|_| broken())?;
        writeln!(self.input, "{what} {id}").and_then(|()| self.input.flush()).map_err(Trouble::Io)?;
        match self.answers.recv_timeout(self.timeout) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) | Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err(broken()),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(Trouble::Slow(self.timeout)),
        }
    }
}

fn answer_all(mut output: BufReader<ChildStdout>, asked: &Receiver<bool>, answer: &Sender<Option<Answer>>) {
    while let Ok(with_bytes) = asked.recv() {
        let next = read_answer(&mut output, with_bytes);
        let is_over = next.is_none();
        if answer.send(next).is_err() || is_over {
            return;
        }
    }
}

/// `ID TYPE SIZE`, then perhaps the bytes and a newline; or `ID missing`.
fn read_answer(output: &mut impl BufRead, with_bytes: bool) -> Option<Answer> {
    const MAX_HEAD_BYTES: u64 = 4096;
    let mut head = Vec::new();
    output.by_ref().take(MAX_HEAD_BYTES).read_until(b'\n', &mut head).ok()?;
    let head = std::str::from_utf8(&head).ok()?.strip_suffix('\n')?;
    if head.ends_with(" missing") {
        return Some(Answer::Missing);
    }
    let size: u64 = head.rsplit(' ').next()?.parse().ok()?;
    if !with_bytes {
        return Some(Answer::Size(size));
    }
    let mut bytes = Vec::new();
    output.by_ref().take(size).read_to_end(&mut bytes).ok()?;
    let mut end = [0];
    output.read_exact(&mut end).ok()?;
    (bytes.len() as u64 == size).then_some(Answer::Bytes(bytes))
}

fn broken() -> Trouble {
    Trouble::Failed("`git cat-file` ended before its time".into())
}
