//! One folder, watched: what changes in it is told within milliseconds, as a hint.
//!
//! Owns the choice between the system's notifications and polling, and the notifications themselves. Polling is the
//! caller's: here it is only said that it must be done, and why. Nothing is written into the folder, and nothing is read
//! but the names of folders and links. Must not know what a document is. The invariant: while [`Watcher::mode`] is
//! [`Mode::Native`], whatever changed in a folder that is watched is told *after* it can be seen, and a folder that came is
//! told after it is watched, so that whoever looks then misses nothing.
//!
//! What is heard of: every name in the resolved root and beneath it; a root that comes, goes or is replaced, at its own
//! name; each link on the way to it; the folders on the way that are moved or removed. What is not heard of, and is left to
//! [`Watcher::refresh`] and to looks at an interval: something mounted over a folder; targets of links within the root that
//! lie outside of it (those that lie inside are told by their own names, not by the link's); folders named `.git` and
//! `node_modules` ([`is_heard`]); writes through memory maps; and where an ancestor of the root cannot be read, what happens
//! in it.

#[cfg(target_os = "linux")]
mod file_system;
#[cfg(target_os = "linux")]
mod native;
mod way;

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use self::way::Way;
use crate::page::DocPath;

/// How the daemon is to hear of changes between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// By the system's notifications, or by looking often where there are none.
    Auto,
    /// By the system's notifications.
    Native,
    /// By looking often.
    Poll,
    /// Not at all.
    Off,
}

/// How changes are heard of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The system tells.
    Native,
    /// Nobody tells: the caller has to look often.
    Poll,
    /// Nobody tells, and nobody wants to hear.
    Off,
}

impl Mode {
    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Poll => "poll",
            Self::Off => "off",
        }
    }
}

/// What was heard. Only a hint: what is there is for a scan to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What is at these paths may be another now; at least one, at most [`MAX_PATHS`], each once. Temporary names are among
    /// them.
    Paths(Vec<DocPath>),
    /// Something that no path tells: the queue ran over, a folder came, went or was moved, a link to a folder was switched,
    /// the root came or vanished; or polling is necessary from now on.
    Something,
}

/// More paths than this at once are [`Heard::Something`].
pub const MAX_PATHS: usize = 64;

/// Folders whose changes are not told: a repository's own, which every command of git writes to, and what a package manager
/// installed, which would need a watch for each of some ten thousand folders.
const UNHEARD: [&str; 2] = [".git", "node_modules"];

/// Whether changes at this path are told at all. Of a change elsewhere no event was to be expected, and it is no reason to
/// [`Watcher::distrust`].
#[must_use]
pub fn is_heard(path: &DocPath) -> bool {
    !path.dir().split('/').any(|part| UNHEARD.contains(&part))
}

/// One folder, watched; dropping it ends that.
pub struct Watcher {
    root: PathBuf,
    wanted: Watch,
    state: Arc<State>,
    #[cfg(target_os = "linux")]
    native: Option<native::Native>,
}

/// Whom to tell.
type Hear = Box<dyn Fn(Heard) + Send + Sync>;

/// What the watcher and its thread both know.
#[derive(Default)]
struct State {
    /// Why the notifications cannot be used; once set, the caller polls.
    deaf: OnceLock<String>,
    /// Why they are not to be relied upon, where they were demanded.
    doubt: OnceLock<String>,
    /// How the root was reached last.
    way: Mutex<Way>,
}

impl Watcher {
    /// Begins; whatever changes after this has returned is told. Never fails: what cannot be watched is to be polled, and
    /// [`Self::note`] says why. Blocks while it enters each folder once (some 20 µs each).
    ///
    /// `hear` runs on a thread of the watcher, one call at a time, and should be done at once: meanwhile the system's queue
    /// fills, though only that queue, which is bounded.
    pub fn start(root: &Path, wanted: Watch, hear: impl Fn(Heard) + Send + Sync + 'static) -> Self {
        let state = Arc::new(State::default());
        #[cfg(target_os = "linux")]
        let native = match wanted {
            Watch::Auto | Watch::Native => {
                let listener = native::Listener {
                    root: root.to_owned(),
                    chosen: wanted == Watch::Auto,
                    state: Arc::clone(&state),
                    hear: Box::new(hear),
                };
                native::Native::start(listener).map_err(|why| state.deaf.set(why)).ok()
            }
            Watch::Poll | Watch::Off => None,
        };
        #[cfg(not(target_os = "linux"))]
        if matches!(wanted, Watch::Auto | Watch::Native) {
            let _: Hear = Box::new(hear);
            state.deaf.get_or_init(|| "notifications are used on Linux only: the folder is polled".into());
        }
        let watcher = Self {
            root: root.to_owned(),
            wanted,
            state,
            #[cfg(target_os = "linux")]
            native,
        };
        if watcher.mode() == Mode::Poll {
            *watcher.state.way() = Way::of(root);
        }
        watcher
    }

    /// How changes are heard of now. From native to polling is the only way: what was wrong once is not tried again until
    /// the next start.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self.wanted {
            Watch::Off => Mode::Off,
            Watch::Poll => Mode::Poll,
            Watch::Auto | Watch::Native if self.state.deaf.get().is_some() => Mode::Poll,
            Watch::Auto | Watch::Native => Mode::Native,
        }
    }

    /// Why it is polled though that was not asked for, or why the notifications that were demanded are not to be relied
    /// upon; with what to do about it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.state.deaf.get().or(self.state.doubt.get()).map(String::as_str)
    }

    /// Looks whether the root still leads to what it led to: `true` where it does not, so that a full look is due. Where the
    /// system tells, the new place is watched from soon after, and then [`Heard::Something`] follows. Costs one look at each
    /// part of the root's path.
    pub fn refresh(&mut self) -> bool {
        if self.wanted == Watch::Off {
            return false;
        }
        let now = Way::of(&self.root);
        if *self.state.way() == now {
            return false;
        }
        *self.state.way() = now;
        #[cfg(target_os = "linux")]
        if let Some(native) = &self.native {
            native.begin_again();
        }
        true
    }

    /// A look has found a change of which nothing was heard: it is polled from now on, unless notifications were demanded.
    pub fn distrust(&mut self) {
        let found = format!("a change in `{}` was found that the system had not told of", self.root.display());
        match self.wanted {
            Watch::Auto => {
                self.state.deaf.get_or_init(|| found + ": it is polled; say so with `watch: poll`");
                #[cfg(target_os = "linux")]
                drop(self.native.take());
            }
            Watch::Native => {
                self.state.doubt.get_or_init(|| found + ": set `watch: auto` or `watch: poll`");
            }
            Watch::Poll | Watch::Off => {}
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("root", &self.root).field("mode", &self.mode()).finish_non_exhaustive()
    }
}

impl State {
    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
