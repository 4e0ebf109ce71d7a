//! One run of git: fed, read as it speaks, and ended with its whole group at its deadline or at its own end.
//!
//! Its pipes are read by threads of their own, and a further one tells when its time is over; nothing here waits for them,
//! so that what still holds a pipe after git was ended holds nobody up. git sees no environment but what a call gives it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::stop::Stop;

/// How long is waited before looking again whether a program ended that has closed its pipes.
const TICK: Duration = Duration::from_millis(1);
/// How often it is looked whether all is to stop.
const STOP_POLL: Duration = Duration::from_millis(100);
/// As much as is kept of what git says on its standard error.
const MAX_ERR_BYTES: usize = 64 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// One call.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, OsString)>,
    /// Where git works.
    pub(super) folder: PathBuf,
    pub(super) input: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    /// Ends it.
    pub(super) stop: Stop,
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no git on `PATH`.
    NoGit,
    /// It cannot be run.
    Io(io::Error),
    /// It took too long.
    Slow(Duration),
    /// It said more than can be taken.
    TooMuch,
    /// All is to stop.
    Stopped,
    /// It failed, with these words.
    Failed(String),
}

enum Said {
    Out(Vec<u8>),
    OutEnd,
    Err(Vec<u8>),
    Slow,
    Stopped,
}

/// Runs git to its end, or until `take` has seen enough (`false`). `lock` is held by git as well, as long as it runs: should
/// this process be killed, the next one waits for git's end.
pub(super) fn run(call: &Call, lock: Option<&File>, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Trouble> {
    let mut running = Running::start(call, lock)?;
    let (said, heard) = sync_channel(8);
    let (_awake, over) = channel::<()>();
    running.connect(call.input.clone(), &said);
    let (timeout, stop) = (call.timeout, call.stop.clone());
    thread::spawn(move || {
        let mut left = timeout;
        while !left.is_zero() && !stop.is_set() {
            let slice = left.min(STOP_POLL);
            if over.recv_timeout(slice) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            left = left.saturating_sub(slice);
        }
        drop(said.send(if stop.is_set() { Said::Stopped } else { Said::Slow }));
    });
    let (mut is_read, mut words) = (false, None::<Vec<u8>>);
    loop {
        let is_done = is_read && words.is_some();
        if is_done && running.has_ended().map_err(Trouble::Io)? {
            let status = running.end().map_err(Trouble::Io)?;
            let words = text(&words.unwrap_or_default());
            return if status.success() { Ok(()) } else { Err(Trouble::Failed(words)) };
        }
        let next =
            if is_done { heard.recv_timeout(TICK) } else { heard.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        match next {
            Ok(Said::Out(bytes)) if !take(&bytes) => return Ok(()),
            Ok(Said::Out(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Said::OutEnd) => is_read = true,
            Ok(Said::Err(bytes)) => words = Some(bytes),
            Ok(Said::Slow) => return Err(Trouble::Slow(timeout)),
            Ok(Said::Stopped) => return Err(Trouble::Stopped),
            Err(RecvTimeoutError::Disconnected) => return Err(Trouble::Io(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

/// Runs git and returns what it said, if that is not too much.
pub(super) fn output(call: &Call, lock: Option<&File>, max_bytes: usize) -> Result<Vec<u8>, Trouble> {
    let (mut all, mut is_over) = (Vec::new(), false);
    run(call, lock, &mut |bytes| {
        is_over = all.len() + bytes.len() > max_bytes;
        if !is_over {
            all.extend_from_slice(bytes);
        }
        !is_over
    })?;
    if is_over { Err(Trouble::TooMuch) } else { Ok(all) }
}

/// A git under way; dropped before its end, it ends, and with it everything that it started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    is_over: bool,
}

/// One start at a time: in the moment in which a lock can be inherited, only the git that it is meant for is started.
static STARTS: Mutex<()> = Mutex::new(());

impl Running {
    /// Starts git with all three pipes.
    pub(super) fn start(call: &Call, lock: Option<&File>) -> Result<Self, Trouble> {
        let mut command = Command::new("git");
        command
            .args(&call.arguments)
            .env_clear()
            .envs(call.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&call.folder)
            .stdin(if call.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let _one = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
        let share = |flags| lock.map_or(Ok(()), |lock| fcntl_setfd(lock, flags));
        share(FdFlags::empty()).map_err(|error| Trouble::Io(error.into()))?;
        let child = command.spawn();
        share(FdFlags::CLOEXEC).map_err(|error| Trouble::Io(error.into()))?;
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound && call.folder.is_dir();
        match child {
            Ok(child) => Ok(Self { child, is_over: false }),
            Err(error) if missing(&error) => Err(Trouble::NoGit),
            Err(error) => Err(Trouble::Io(error)),
        }
    }

    /// Whether git itself ended; its number, and so its group's, stays taken until [`Self::end`].
    fn has_ended(&self) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(Pid::from_child(&self.child)), look)?.is_some())
    }

    /// Ends what it has left behind or is itself still doing, and says how it ended.
    fn end(&mut self) -> io::Result<std::process::ExitStatus> {
        self.is_over = true;
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait()
    }

    /// Gives each of its pipes a thread.
    fn connect(&mut self, input: Option<Vec<u8>>, said: &SyncSender<Said>) {
        if let (Some(mut pipe), Some(input)) = (self.child.stdin.take(), input) {
            // git that has read enough closes its end: no trouble of ours.
            thread::spawn(move || drop(pipe.write_all(&input)));
        }
        if let Some(mut pipe) = self.child.stdout.take() {
            let said = said.clone();
            thread::spawn(move || {
                let mut part = vec![0; CHUNK_BYTES];
                while let Ok(length @ 1..) = pipe.read(&mut part) {
                    let Some(bytes) = part.get(..length) else { break };
                    if said.send(Said::Out(bytes.to_vec())).is_err() {
                        return;
                    }
                }
                drop(said.send(Said::OutEnd));
            });
        }
        if let Some(pipe) = self.child.stderr.take() {
            let said = said.clone();
            thread::spawn(move || drop(said.send(Said::Err(words_of(pipe)))));
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

/// Reads all that git says, and keeps the first of it.
pub(super) fn words_of(mut pipe: impl Read) -> Vec<u8> {
    let (mut kept, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = pipe.read(&mut part) {
        let room = MAX_ERR_BYTES.saturating_sub(kept.len());
        kept.extend(part.iter().take(length.min(room)));
    }
    kept
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A lock on a file, which ends with its holders; waits for it for a while, unless all is to stop.
pub(super) fn locked(path: &Path, patience: Duration, stop: &Stop) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    const STEP: Duration = Duration::from_millis(20);
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    let mut waited = Duration::ZERO;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) if waited < patience && !stop.is_set() => {
                thread::park_timeout(STEP);
                waited += STEP;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn call(folder: &Path, script: &str, timeout: Duration) -> Call {
        let program = folder.join("git");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        let path = format!("{}:/usr/bin:/bin", folder.display());
        Call { environment: vec![("PATH".into(), path.into())], folder: folder.into(), timeout, ..Call::default() }
    }

    #[test]
    fn what_git_says_and_how_it_fails_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let minute = Duration::from_mins(1);
        let said = output(&call(folder.path(), "printf out; env | wc -l >/dev/null", minute), None, 100);
        assert_eq!(said.expect("it ended well"), b"out");
        let failed = output(&call(folder.path(), "echo fatal: no >&2; exit 3", minute), None, 100);
        assert!(matches!(failed, Err(Trouble::Failed(words)) if words == "fatal: no\n"));
        assert!(matches!(output(&call(folder.path(), "yes", minute), None, 100_000), Err(Trouble::TooMuch)));
        let none = Call { environment: vec![("PATH".into(), "/nowhere".into())], ..call(folder.path(), "", minute) };
        assert!(matches!(output(&none, None, 1), Err(Trouble::NoGit)));
    }

    #[test]
    fn at_its_deadline_git_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "sleep 1000 & echo $! > child; wait";
        let slow = output(&call(folder.path(), script, Duration::from_millis(500)), None, 100);
        assert!(matches!(slow, Err(Trouble::Slow(_))));
        let child = std::fs::read_to_string(folder.path().join("child")).expect("it was started");
        // The kernel takes its time to end what was killed.
        let is_over = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        let ended = (0..1000).any(|_| {
            thread::park_timeout(Duration::from_millis(10));
            is_over()
        });
        assert!(ended);
    }

    #[test]
    fn a_stop_ends_git_long_before_its_deadline() {
        let folder = tempfile::tempdir().expect("a folder");
        let call = call(folder.path(), "exec sleep 1000", Duration::from_hours(1));
        let stop = call.stop.clone();
        thread::spawn(move || stop.set());
        assert!(matches!(output(&call, None, 100), Err(Trouble::Stopped)));
    }

    #[test]
    fn a_lock_outlives_its_first_holder_as_long_as_git_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = locked(&path, Duration::ZERO, &Stop::default()).expect("it can be made").expect("nobody has it");
        let sleeping = call(folder.path(), "exec sleep 1000", Duration::from_mins(1));
        let running = Running::start(&sleeping, Some(&lock)).expect("it starts");
        drop(lock);
        assert!(locked(&path, Duration::ZERO, &Stop::default()).expect("it can be opened").is_none());
        drop(running);
        assert!(locked(&path, Duration::from_secs(5), &Stop::default()).expect("it can be opened").is_some());
    }
}
