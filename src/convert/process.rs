//! One run of a program: fed, watched, and ended with its whole group, at its deadline or at its own end.
//!
//! Its pipes are read by threads of their own, so that a program that fills one of them while nobody reads the other ends
//! all the same. Nothing here waits for these threads: what still holds a pipe after the program was ended holds nobody up.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How long is waited before looking again, at first and at most.
const FIRST_TICK: Duration = Duration::from_millis(1);
const MAX_TICK: Duration = Duration::from_millis(20);
/// As much as is kept of what a program says on its standard error.
const MAX_ERR_BYTES: usize = 16 * 1024;

/// What is run.
pub(super) struct Task<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [OsString],
    /// `PATH` as the program sees it.
    pub(super) search: &'a str,
    /// Where it works, and its `HOME` and `TMPDIR`.
    pub(super) folder: &'a Path,
    /// What it reads.
    pub(super) input: Option<&'a [u8]>,
    pub(super) timeout: Duration,
    pub(super) max_bytes: u64,
}

/// A program that ended by itself.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) out: Vec<u8>,
    /// The first of what it said.
    pub(super) err: Vec<u8>,
}

/// Why there is no such end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It cannot be run.
    Io(io::Error),
    /// It took too long.
    Slow,
    /// It printed too much.
    TooMuch,
    /// Nobody waits for it any more.
    Stopped,
}

enum Said {
    Out(Option<Vec<u8>>),
    Err(Vec<u8>),
}

/// Runs a program to its end, or to where it must end.
pub(super) fn run(task: &Task<'_>, is_stopped: &dyn Fn() -> bool) -> Result<Ended, Trouble> {
    if is_stopped() {
        return Err(Trouble::Stopped);
    }
    let mut running = Running::start(task).map_err(Trouble::Io)?;
    let (sender, said) = channel();
    running.connect(task, &sender);
    let (mut out, mut err) = (None, None);
    let (mut waited, mut tick) = (Duration::ZERO, FIRST_TICK);
    loop {
        if out.is_some() && err.is_some() && running.has_ended().map_err(Trouble::Io)? {
            let status = running.end().map_err(Trouble::Io)?;
            return Ok(Ended { status, out: out.unwrap_or_default(), err: err.unwrap_or_default() });
        }
        // The sender here keeps the channel open, so that this waits where there is nothing more to come.
        match said.recv_timeout(tick) {
            Ok(Said::Out(None)) => return Err(Trouble::TooMuch),
            Ok(Said::Out(bytes)) => out = bytes,
            Ok(Said::Err(bytes)) => err = Some(bytes),
            Err(_) => {
                waited += tick;
                tick = (tick * 2).min(MAX_TICK);
            }
        }
        if waited >= task.timeout {
            return Err(Trouble::Slow);
        }
        if is_stopped() {
            return Err(Trouble::Stopped);
        }
    }
}

/// A program under way; dropped before its end, it ends, and with it everything that it started.
struct Running {
    child: Child,
    is_over: bool,
}

impl Running {
    fn start(task: &Task<'_>) -> io::Result<Self> {
        let child = Command::new(task.program)
            .args(task.arguments)
            .env_clear()
            .env("PATH", task.search)
            .env("HOME", task.folder)
            .env("TMPDIR", task.folder)
            // Without it some programs take their input for ASCII.
            .env("LC_ALL", "C.UTF-8")
            .current_dir(task.folder)
            .stdin(if task.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self { child, is_over: false })
    }

    /// Whether the program itself ended; its number, and so its group's, stays taken until [`Self::end`].
    fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(Pid::from_child(&self.child)), look)?.is_some())
    }

    /// Ends what it has left behind or is itself still doing, and says how it ended.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.is_over = true;
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait()
    }

    /// Gives each of its pipes a thread.
    fn connect(&mut self, task: &Task<'_>, said: &Sender<Said>) {
        if let (Some(mut pipe), Some(input)) = (self.child.stdin.take(), task.input) {
            let input = input.to_vec();
            // A program that has read enough closes its end: no trouble of ours.
            thread::spawn(move || drop(pipe.write_all(&input)));
        }
        let max_bytes = task.max_bytes;
        if let Some(pipe) = self.child.stdout.take() {
            let said = said.clone();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let read = pipe.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes);
                let fits = read.is_ok() && bytes.len() as u64 <= max_bytes;
                drop(said.send(Said::Out(fits.then_some(bytes))));
            });
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            let said = said.clone();
            thread::spawn(move || {
                let (mut kept, mut part) = (Vec::new(), [0; 4096]);
                while let Ok(length @ 1..) = pipe.read(&mut part) {
                    let room = MAX_ERR_BYTES.saturating_sub(kept.len());
                    kept.extend(part.iter().take(length.min(room)));
                }
                drop(said.send(Said::Err(kept)));
            });
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.end();
        }
    }
}
