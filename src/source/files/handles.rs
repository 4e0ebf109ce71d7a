//! Opening things so that nothing hangs, no link is followed unasked, and access times stay as they are where that is ours.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, statat};
use rustix::io::{Errno, retry_on_intr};

/// A folder to list.
pub(super) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(ALWAYS);
/// A file to read; `NONBLOCK`, so that a FIFO that took its place does not wait for a writer.
pub(super) const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(ALWAYS);

const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);

/// A folder on the way, which need not be listed.
#[cfg(any(target_os = "linux", target_os = "android"))]
const THROUGH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(ALWAYS);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const THROUGH: OFlags = FOLDER;

#[cfg(any(target_os = "linux", target_os = "android"))]
const QUIET: OFlags = OFlags::NOATIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const QUIET: OFlags = OFlags::empty();

/// Opens things; remembers whether it may leave access times alone, which only the owner of a file may.
#[derive(Debug)]
pub(super) struct Opener {
    quiet: AtomicBool,
}

impl Opener {
    pub(super) fn new() -> Self {
        Self { quiet: AtomicBool::new(!QUIET.is_empty()) }
    }

    /// Opens one name in a folder; a link is an error.
    pub(super) fn open(&self, folder: impl AsFd, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.open_path(folder.as_fd(), name, flags)
    }

    /// Opens a path without following its last part, for places where links are followed anyway.
    pub(super) fn open_anywhere(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.open_path(rustix::fs::CWD, path, flags)
    }

    /// Opens a path beneath a folder and follows no link on the way, so that what is opened is beneath it for sure.
    pub(super) fn open_beneath(&self, folder: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut parts = path.components().peekable();
        let mut at: Option<OwnedFd> = None;
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(Errno::NOENT) };
            let here = at.as_ref().map_or(folder.as_fd(), AsFd::as_fd);
            let next = match parts.peek() {
                Some(_) => retry_on_intr(|| openat(here, name, THROUGH, Mode::empty()))?,
                None => return self.open_path(here, name, flags),
            };
            at = Some(next);
        }
        self.open_path(folder.as_fd(), OsStr::from_bytes(b"."), flags)
    }

    fn open_path<P: rustix::path::Arg + Copy>(
        &self,
        folder: BorrowedFd<'_>,
        path: P,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        if self.quiet.load(Ordering::Relaxed) {
            match retry_on_intr(|| openat(folder, path, flags | QUIET, Mode::empty())) {
                Err(Errno::PERM) => self.quiet.store(false, Ordering::Relaxed),
                opened => return opened,
            }
        }
        retry_on_intr(|| openat(folder, path, flags, Mode::empty()))
    }
}

/// The state of one name in a folder; of a link, not of its target.
pub(super) fn stat(folder: impl AsFd, name: impl rustix::path::Arg + Copy) -> Result<Stat, Errno> {
    retry_on_intr(|| statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW))
}

/// What a person is told of an error of the system.
pub(super) fn reason(error: Errno) -> String {
    match error {
        Errno::ACCESS | Errno::PERM => "permission denied".into(),
        Errno::NOENT => "it is not there".into(),
        Errno::NOTDIR => "it is no folder".into(),
        Errno::LOOP => "its links lead in a circle".into(),
        Errno::MFILE | Errno::NFILE => "too many open files".into(),
        Errno::NAMETOOLONG => "its path is too long".into(),
        other => other.to_string(),
    }
}
