//! What some events say together.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{Event, ReadFlags};
use rustix::fs::{FileType, lstat};
use tokio::time::Instant;

use super::super::{MAX_PATHS, UNHEARD};
use super::folders::{Folders, Name, Place};
use crate::page::DocPath;

/// A file that is being written is told when its writer closes it, or after this long.
const FINISHED_AFTER: Duration = Duration::from_millis(300);
/// More files than this that are being written at once are not waited for.
const MAX_UNFINISHED: usize = 256;

/// What was heard, and what is to be done about it before it is told.
#[derive(Default)]
pub(super) struct Batch {
    paths: BTreeSet<DocPath>,
    /// Something that no path tells.
    pub(super) something: bool,
    /// Events were lost, or the way leads elsewhere: all is to be begun again.
    pub(super) is_lost: bool,
    /// Where folders came, or may be entered now.
    pub(super) came: Vec<Place>,
    /// Where folders went away, and what is there now.
    pub(super) left: HashMap<Place, Option<i32>>,
}

/// Files that were made or written and not closed since: half a document is not to be read, let alone sent.
#[derive(Default)]
pub(super) struct Unfinished(HashMap<Place, Instant>);

impl Batch {
    /// Takes one event.
    pub(super) fn take(
        &mut self,
        event: &Event<'_>,
        folders: &mut Folders,
        unfinished: &mut Unfinished,
        now: impl FnOnce() -> Instant,
    ) {
        let (wd, what) = (event.wd(), event.events());
        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
        if what.intersects(ReadFlags::QUEUE_OVERFLOW | ReadFlags::UNMOUNT) || self.is_off_way(folders, wd, what, name) {
            self.is_lost = true;
        }
        if !folders.has(wd) {
            return;
        }
        if what.contains(ReadFlags::IGNORED) {
            folders.forget(wd);
            self.something = true;
        }
        // Without a name it is the folder itself, of which the folder that it lies in tells.
        let Some(name) = name else { return };
        if what.contains(ReadFlags::ISDIR) {
            self.take_folder(wd, name, what);
        } else {
            self.take_file((wd, name.as_bytes().into()), what, folders, unfinished, now);
        }
    }

    /// What is to be told by name.
    pub(super) fn paths(&mut self) -> Option<Vec<DocPath>> {
        if self.paths.len() > MAX_PATHS {
            self.something = true;
            return None;
        }
        (!self.paths.is_empty()).then(|| std::mem::take(&mut self.paths).into_iter().collect())
    }

    fn is_off_way(&self, folders: &Folders, wd: i32, what: ReadFlags, name: Option<&OsStr>) -> bool {
        let Some(names) = folders.on_way(wd) else { return false };
        match name {
            None => what.intersects(ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF | ReadFlags::IGNORED),
            Some(name) => what.intersects(NAMES) && names.iter().any(|step| step == name),
        }
    }

    fn take_folder(&mut self, wd: i32, name: &OsStr, what: ReadFlags) {
        if UNHEARD.iter().any(|unheard| name == *unheard) {
            return;
        }
        self.something = true;
        let place: Place = (wd, name.as_bytes().into());
        if what.contains(ReadFlags::MOVED_FROM) {
            self.left.insert(place, None);
        } else if !what.contains(ReadFlags::DELETE) {
            self.came.push(place);
        }
    }

    fn take_file(
        &mut self,
        place: Place,
        what: ReadFlags,
        folders: &Folders,
        unfinished: &mut Unfinished,
        now: impl FnOnce() -> Instant,
    ) {
        let is_written = match () {
            () if what.contains(ReadFlags::MODIFY) => true,
            () if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) => {
                match folders.path(place.0, &place.1).as_deref().map(Entry::at) {
                    Some(Entry::New) => what.contains(ReadFlags::CREATE),
                    Some(Entry::LinkToFolder) => {
                        self.something = true;
                        false
                    }
                    Some(Entry::Other) | None => false,
                }
            }
            () => false,
        };
        if is_written && unfinished.0.len() < MAX_UNFINISHED {
            unfinished.0.entry(place).or_insert_with(now);
        } else if is_written {
            self.something |= !unfinished.0.contains_key(&place);
        } else {
            unfinished.0.remove(&place);
            self.name(&place, folders);
        }
    }

    /// Tells a place by its path; one that has none as documents have is something.
    fn name(&mut self, (wd, name): &(i32, Name), folders: &Folders) {
        // One more than are told says enough.
        if self.paths.len() > MAX_PATHS {
            return;
        }
        let path = folders.names(*wd).and_then(|mut names| {
            names.push(name);
            String::from_utf8(names.join(&b'/')).ok()
        });
        match path {
            Some(path) => drop(self.paths.insert(DocPath::new(path))),
            None => self.something = true,
        }
    }
}

/// What names of the way are watched for.
const NAMES: ReadFlags =
    ReadFlags::CREATE.union(ReadFlags::DELETE).union(ReadFlags::MOVED_FROM).union(ReadFlags::MOVED_TO);

impl Unfinished {
    /// How long until one has been waited for long enough.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let first = self.0.values().min()?;
        Some((*first + FINISHED_AFTER).saturating_duration_since(now))
    }

    /// Names those that have been.
    pub(super) fn overdue(&mut self, now: Instant, folders: &Folders, batch: &mut Batch) {
        self.0.retain(|place, since| {
            let waits = *since + FINISHED_AFTER > now;
            if !waits {
                batch.name(place, folders);
            }
            waits
        });
    }
}

/// What came by a name that is no folder's.
enum Entry {
    /// A file that has no other name: whoever made it is going to write into it.
    New,
    /// A link to a folder, or to nothing: whatever lies behind it changes with it.
    LinkToFolder,
    /// Anything else.
    Other,
}

impl Entry {
    fn at(path: &Path) -> Self {
        let Ok(stat) = lstat(path) else { return Self::Other };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if stat.st_nlink == 1 => Self::New,
            FileType::Symlink if !path.is_file() => Self::LinkToFolder,
            _ => Self::Other,
        }
    }
}
