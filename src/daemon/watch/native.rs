//! Notifications by inotify(7), on a thread of its own: what happened is told, new folders are watched, and where the way to
//! the root changed, or events were lost, all is begun again.
//!
//! By inotify itself and not by a crate over it. It must be told what *not* to report: opened files, which are our own reads
//! and everybody else's. A folder that vanishes while it is added must not end the adding of its neighbours. And the
//! moment at which a folder is watched must be known, for only then may it be told that it came. Memory: some 100 bytes for
//! each folder; no queue but the kernel's, whose overrun is told as [`Heard::Something`].

mod batch;
mod folders;

use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::inotify::Reader;
use rustix::io::{Errno, read, write};
use tokio::time::Instant;

use self::batch::{Batch, Unfinished};
use self::folders::Folders;
use super::way::Way;
use super::{Hear, Heard, State};

/// Bytes of events that are read at once.
const BUFFER_BYTES: usize = 16 * 1024;
/// After this many events what was heard is told, even where there is more to hear.
const MAX_EVENTS: usize = 1024;
/// A root that is switched under us is tried again, this often.
const TRIES: usize = 8;

/// The listening thread; dropping it ends the thread.
pub(super) struct Native(Arc<Bell>);

/// What the thread needs.
pub(super) struct Listener {
    pub(super) root: PathBuf,
    /// Whether notifications were chosen, and not demanded: then they are given up where they do not tell everything.
    pub(super) chosen: bool,
    pub(super) state: Arc<State>,
    pub(super) hear: Hear,
}

/// Wakes the thread.
struct Bell {
    fd: OwnedFd,
    ends: AtomicBool,
    again: AtomicBool,
}

impl Native {
    /// Watches, then leaves the listening to the thread. The error says why it cannot be done, and what to do.
    pub(super) fn start(listener: Listener) -> Result<Self, String> {
        let failed =
            |why: &dyn std::fmt::Display| format!("the system's notifications cannot be used: {why}: it is polled");
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|errno| failed(&errno))?;
        let bell = Arc::new(Bell { fd, ends: AtomicBool::new(false), again: AtomicBool::new(false) });
        let native = Self(Arc::clone(&bell));
        let folders = listener.begin(&bell)?;
        let thread = thread::Builder::new().name("watch".into()).stack_size(256 * 1024);
        thread.spawn(move || listener.run(&bell, folders)).map_err(|error| failed(&error))?;
        Ok(native)
    }

    /// Has everything watched anew, and then told as [`Heard::Something`].
    pub(super) fn begin_again(&self) {
        self.0.again.store(true, Ordering::Relaxed);
        self.0.ring();
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Relaxed);
        self.0.ring();
    }
}

impl Bell {
    fn ring(&self) {
        // It fails only where it has been rung so often that it rings anyway.
        let _ = write(&self.fd, &1_u64.to_ne_bytes());
    }

    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }
}

impl Listener {
    /// Watches the way, and the root if it is there.
    fn begin(&self, bell: &Bell) -> Result<Folders, String> {
        let mut tries = 0;
        loop {
            tries += 1;
            let way = Way::of(&self.root);
            let mut folders = Folders::new(self.chosen)?;
            folders.follow(&way)?;
            // A switch before the way was watched went unheard; later ones are heard.
            if Way::of(&self.root) != way && tries < TRIES && !bell.ends() {
                continue;
            }
            if let Some(real) = &way.real {
                folders.take_root(real, &|| bell.ends())?;
            }
            *self.state.way() = way;
            return Ok(folders);
        }
    }

    fn run(self, bell: &Bell, mut folders: Folders) {
        let mut unfinished = Unfinished::default();
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES].into_boxed_slice();
        loop {
            let turn = self.turn(bell, &mut folders, &mut unfinished, &mut buffer);
            if bell.ends() {
                return;
            }
            let begun = match turn {
                Ok(true) => continue,
                Ok(false) => {
                    // First the old is closed: there may be no more than one instance for us.
                    drop(folders);
                    unfinished = Unfinished::default();
                    self.begin(bell)
                }
                Err(why) => Err(why),
            };
            match begun {
                Ok(begun) => folders = begun,
                Err(why) => {
                    self.state.deaf.get_or_init(|| why);
                    return self.tell(bell, Heard::Something);
                }
            }
            self.tell(bell, Heard::Something);
        }
    }

    /// Waits until something happens and tells of it; `false`: all is to be begun again.
    fn turn(
        &self,
        bell: &Bell,
        folders: &mut Folders,
        unfinished: &mut Unfinished,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<bool, String> {
        wait(bell, folders, unfinished.wait(Instant::now()))?;
        if bell.ends() || bell.again.swap(false, Ordering::Relaxed) {
            return Ok(false);
        }
        let mut batch = listen(folders, unfinished, buffer)?;
        unfinished.overdue(Instant::now(), folders, &mut batch);
        if let Some(paths) = batch.paths() {
            self.tell(bell, Heard::Paths(paths));
        }
        if batch.is_lost {
            return Ok(false);
        }
        folders.settle(&mut batch, &|| bell.ends())?;
        if batch.something {
            self.tell(bell, Heard::Something);
        }
        Ok(true)
    }

    fn tell(&self, bell: &Bell, heard: Heard) {
        if !bell.ends() {
            (self.hear)(heard);
        }
    }
}

/// Waits for an event, the bell, or this long.
fn wait(bell: &Bell, folders: &Folders, most: Option<Duration>) -> Result<(), String> {
    let most = most.and_then(|most| Timespec::try_from(most).ok());
    let mut fds = [PollFd::new(&folders.inotify, PollFlags::IN), PollFd::new(&bell.fd, PollFlags::IN)];
    match poll(&mut fds, most.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(broken(errno)),
    }
    if fds[1].revents().contains(PollFlags::IN) {
        let _ = read(&bell.fd, &mut [0_u8; 8][..]);
    }
    Ok(())
}

/// Takes what the kernel has, up to a bound.
fn listen(folders: &mut Folders, unfinished: &mut Unfinished, buffer: &mut [MaybeUninit<u8>]) -> Result<Batch, String> {
    let mut batch = Batch::default();
    // A second handle, since the folders change while they are heard.
    let inotify = Arc::clone(&folders.inotify);
    let mut reader = Reader::new(inotify.as_fd(), buffer);
    let mut events = 0;
    while events < MAX_EVENTS || !reader.is_buffer_empty() {
        match reader.next() {
            Ok(event) => batch.take(&event, folders, unfinished, Instant::now),
            Err(Errno::AGAIN) => break,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(broken(errno)),
        }
        events += 1;
    }
    Ok(batch)
}

fn broken(errno: Errno) -> String {
    format!("the system's notifications broke off: {errno}: it is polled; restart finmirror to use them again")
}
