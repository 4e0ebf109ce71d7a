//! The folders that are watched: which descriptor stands for which place, how they are added and how they go.
//!
//! Places are kept as a tree of names, so that a folder that moves takes with it whatever lies beneath it. The invariant: a
//! folder that is watched was listed after it was, so no folder in it is missed.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use super::super::UNHEARD;
use super::super::file_system::untold;
use super::super::way::{Found, Way};
use super::batch::Batch;

/// More folders than this are not watched, whatever the system would bear.
const MAX_FOLDERS: usize = 500_000;
/// No path is longer, nor has more parts: a bound for each way up.
const MAX_DEPTH: usize = 4096;

/// Folders of the tree: the names in them, and when files in them are written. Opened files are none of our business.
const BENEATH: WatchFlags = NAMES.union(WatchFlags::ATTRIB).union(WatchFlags::MODIFY).union(WatchFlags::CLOSE_WRITE);
/// Folders that a name of the way is looked up in.
const NAMES: WatchFlags =
    WatchFlags::CREATE.union(WatchFlags::DELETE).union(WatchFlags::MOVED_FROM).union(WatchFlags::MOVED_TO).union(SAME);
/// Folders that the way leads through: themselves only, so that what is done in a busy one wakes nobody.
const ITSELF: WatchFlags = WatchFlags::MOVE_SELF.union(WatchFlags::DELETE_SELF).union(SAME);
/// Never a link; and one folder may be more than one of the above.
const SAME: WatchFlags = WatchFlags::ONLYDIR.union(WatchFlags::DONT_FOLLOW).union(WatchFlags::MASK_ADD);

/// A name as the system spells it.
pub(super) type Name = Box<[u8]>;
/// A folder by its descriptor, and a name in it.
pub(super) type Place = (i32, Name);

/// All that is watched, by one inotify instance.
pub(super) struct Folders {
    pub(super) inotify: Arc<OwnedFd>,
    chosen: bool,
    /// The root's path, without links.
    real: PathBuf,
    root: Option<i32>,
    /// The folders beneath the root.
    beneath: HashMap<i32, Place>,
    /// The folders of the way, and the names in them that matter.
    way: HashMap<i32, Vec<OsString>>,
}

impl Folders {
    /// Begins with none. `chosen`: a file system that does not tell everything is an error.
    pub(super) fn new(chosen: bool) -> Result<Self, String> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|errno| match errno {
            Errno::MFILE => limit("user_instances", "watchers (or of open files)"),
            errno => format!("the system's notifications cannot be used: {errno}: it is polled"),
        })?;
        let (beneath, way) = (HashMap::new(), HashMap::new());
        Ok(Self { inotify: Arc::new(inotify), chosen, real: PathBuf::new(), root: None, beneath, way })
    }

    /// Watches whatever could lead elsewhere: the names of links, of what is missing and of the root, and the folders on the
    /// way themselves.
    pub(super) fn follow(&mut self, way: &Way) -> Result<(), String> {
        let last = way.steps.len().saturating_sub(1);
        for (at, step) in way.steps.iter().enumerate() {
            let is_folder = matches!(step.found, Found::Folder(_));
            if (!is_folder || at == last)
                && let Some(wd) = self.add(&step.folder, NAMES)?
            {
                self.way.entry(wd).or_default().push(step.name.clone());
            }
            if is_folder && let Some(wd) = self.add(&step.folder.join(&step.name), ITSELF)? {
                self.way.entry(wd).or_default();
            }
        }
        Ok(())
    }

    /// Watches the root and all that is beneath it.
    pub(super) fn take_root(&mut self, real: &Path, ends: &dyn Fn() -> bool) -> Result<(), String> {
        real.clone_into(&mut self.real);
        self.judge(real)?;
        self.root = self.add(real, BENEATH.union(ITSELF))?;
        let mut to_enter = Vec::new();
        if let Some(root) = self.root {
            list(root, real, &mut to_enter);
        }
        self.enter(to_enter, ends).map(drop)
    }

    /// Watches the folders that came, with all that is beneath them, and no longer those that went away.
    pub(super) fn settle(&mut self, batch: &mut Batch, ends: &dyn Fn() -> bool) -> Result<(), String> {
        for place in std::mem::take(&mut batch.came) {
            let now = self.enter(vec![place.clone()], ends)?;
            // What left this place is another folder than what is there now.
            if let Some(left) = batch.left.get_mut(&place) {
                *left = now;
            }
        }
        if !batch.left.is_empty() {
            self.leave(&batch.left);
        }
        Ok(())
    }

    /// What of the way is at stake in this folder; `None`: it is not on it.
    pub(super) fn on_way(&self, wd: i32) -> Option<&[OsString]> {
        self.way.get(&wd).map(Vec::as_slice)
    }

    /// Whether the folder is the root or beneath it.
    pub(super) fn has(&self, wd: i32) -> bool {
        self.root == Some(wd) || self.beneath.contains_key(&wd)
    }

    /// The folder is watched no more: the kernel says so.
    pub(super) fn forget(&mut self, wd: i32) {
        self.beneath.remove(&wd);
    }

    /// The names from the root to a folder; `None`: it hangs nowhere.
    pub(super) fn names(&self, wd: i32) -> Option<Vec<&[u8]>> {
        let mut names = Vec::new();
        let mut at = wd;
        while Some(at) != self.root {
            let (parent, name) = self.beneath.get(&at)?;
            names.push(&**name);
            at = *parent;
            if names.len() > MAX_DEPTH {
                return None;
            }
        }
        names.reverse();
        Some(names)
    }

    /// Where a name in a folder is.
    pub(super) fn path(&self, wd: i32, name: &[u8]) -> Option<PathBuf> {
        let mut path = self.real.clone();
        path.extend(self.names(wd)?.into_iter().map(OsStr::from_bytes));
        path.push(OsStr::from_bytes(name));
        Some(path)
    }

    /// Watches folders with all that is beneath them; the descriptor of the first. Those that are watched already are listed
    /// again: what came in them while they moved was looked for at a place where they were no more.
    fn enter(&mut self, mut to_enter: Vec<Place>, ends: &dyn Fn() -> bool) -> Result<Option<i32>, String> {
        let (mut first, mut listed) = (None, HashSet::new());
        while let Some((parent, name)) = to_enter.pop() {
            if ends() {
                break;
            }
            let Some(path) = self.path(parent, &name) else { continue };
            self.judge(&path)?;
            let Some(wd) = self.add(&path, BENEATH)? else { continue };
            first = first.or(Some(wd));
            // A mount of a folder within itself has the same descriptor once more.
            if self.is_above(wd, parent) {
                continue;
            }
            self.beneath.insert(wd, (parent, name));
            if self.beneath.len() > MAX_FOLDERS {
                return Err(format!(
                    "`{}` has more than {MAX_FOLDERS} folders: it is polled; choose a smaller `root`",
                    self.real.display()
                ));
            }
            // What is mounted twice is there twice.
            if listed.insert(wd) {
                list(wd, &path, &mut to_enter);
            }
        }
        Ok(first)
    }

    fn is_above(&self, wd: i32, parent: i32) -> bool {
        let mut at = parent;
        for _ in 0..MAX_DEPTH {
            if at == wd {
                return true;
            }
            match self.beneath.get(&at) {
                Some((above, _)) => at = *above,
                None => return false,
            }
        }
        true
    }

    /// Ends the watching of folders that left their places, but for those that are there now, and of all beneath them.
    fn leave(&mut self, left: &HashMap<Place, Option<i32>>) {
        let left_here = |wd: i32, place: &Place| left.get(place).is_some_and(|now| *now != Some(wd));
        let mut gone: Vec<i32> =
            self.beneath.iter().filter(|(wd, place)| left_here(**wd, place)).map(|(wd, _)| *wd).collect();
        let mut inside: HashMap<i32, Vec<i32>> = HashMap::new();
        if !gone.is_empty() {
            self.beneath.iter().for_each(|(wd, (parent, _))| inside.entry(*parent).or_default().push(*wd));
        }
        while let Some(wd) = gone.pop() {
            gone.extend(inside.remove(&wd).unwrap_or_default());
            self.beneath.remove(&wd);
            if !self.way.contains_key(&wd) {
                // It fails where the folder was removed meanwhile.
                let _ = inotify::remove_watch(&*self.inotify, wd);
            }
        }
    }

    /// Watches one folder; `None`: there is none, or it may not be read, which a scan will say.
    fn add(&self, folder: &Path, what: WatchFlags) -> Result<Option<i32>, String> {
        match inotify::add_watch(&*self.inotify, folder, what) {
            Ok(wd) => Ok(Some(wd)),
            Err(Errno::NOSPC) => Err(limit("user_watches", "watched folders")),
            Err(errno @ (Errno::NOMEM | Errno::BADF | Errno::INVAL)) => {
                Err(format!("`{}` cannot be watched: {errno}: it is polled", folder.display()))
            }
            Err(_) => Ok(None),
        }
    }

    fn judge(&self, folder: &Path) -> Result<(), String> {
        match untold(folder).filter(|_| self.chosen) {
            None => Ok(()),
            Some(kind) => Err(format!(
                "`{}` lies on {kind}, which does not tell what others change in it: it is polled; set `watch: native` if \
                 only this machine writes there, or `watch: poll`",
                folder.display()
            )),
        }
    }
}

/// The folders in a folder.
fn list(wd: i32, path: &Path, found: &mut Vec<Place>) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.map_while(Result::ok) {
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !UNHEARD.iter().any(|unheard| name == *unheard) {
            found.push((wd, name.into_vec().into()));
        }
    }
}

/// A limit of the kernel's that is reached, with its value and what to do.
fn limit(which: &str, of_what: &str) -> String {
    let value = fs::read_to_string(format!("/proc/sys/fs/inotify/max_{which}")).unwrap_or_default();
    let value = value.trim().parse::<u64>().map_or_else(|_| String::new(), |value| format!(", now {value},"));
    format!(
        "the system's limit of {of_what} is reached: it is polled; raise `fs.inotify.max_{which}`{value} with sysctl and \
         restart finmirror"
    )
}
