//! The rules for one step down the tree: what an entry of a folder is to us, and how a folder is entered.
//!
//! The scan takes every step, the look of one path takes those on its way; both by these rules. Must not know which of
//! the two asks. Every handle is reached from the root's without following a link that was not judged first.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::{FileType, Stat, fstat};
use rustix::io::Errno;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::fingerprint::Stamp;
use super::handles::{self, FOLDER, reason};
use super::links::{self, Target};
use super::mounts::Mounts;
use super::{Files, FollowSymlinks};
use crate::page::{DocPath, Failure, Problem};
use crate::source::globs::Place;
use crate::source::{Document, Skipped};

/// A deeper tree is not walked: every folder on the way is held open.
const MAX_DEPTH: u32 = 128;

/// The root, held open and resolved: it may be a link that is switched at any time.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) fd: OwnedFd,
    /// Absolute, without links.
    pub(super) real: PathBuf,
    id: Id,
}

/// What is the same for the whole of one scan or look.
pub(super) struct Visit<'a> {
    pub(super) files: &'a Files,
    pub(super) root: &'a Root,
    pub(super) mounts: &'a Mounts,
    /// A time before anything was looked at.
    pub(super) now: Timestamp,
}

/// Device and inode.
type Id = (u64, u64);

/// A folder that is open.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) fd: OwnedFd,
    /// Its visible path as documents show it, with a `/` at the end; empty for the root.
    pub(super) shown: String,
    /// The same as the names are spelled, where that is different.
    spelled: Option<Vec<u8>>,
    /// Where it really is: absolute, without links.
    pub(super) real: PathBuf,
    pub(super) mounted: Option<Mounted>,
    /// Whether there is a link on the way to it.
    pub(super) linked: bool,
    pub(super) id: Id,
    depth: u32,
    place: Place,
    parent: Option<Arc<Folder>>,
}

/// How a folder (at this place, absolute and without links) is a mount of its own.
#[derive(Clone, Debug)]
pub(super) enum Mounted {
    /// It is a mount point.
    Point(PathBuf),
    /// It is behind a link that leads to another mount than the root's.
    Elsewhere(PathBuf),
}

/// What an entry of a folder is to us.
#[derive(Debug)]
pub(super) enum Entry {
    /// It is not there (any more).
    Absent,
    /// No document can come of it.
    Nothing,
    Document(Document),
    Skipped(Skipped),
    /// A folder that may hold documents.
    Folder(Step),
}

/// A folder that is to be entered.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: CString,
    /// Where the link leads, if it is one: absolute, without links.
    target: Option<PathBuf>,
    place: Place,
}

/// What came of entering a folder.
pub(super) enum Entered {
    Folder(Folder),
    Skipped(Skipped),
    /// Something else is there by now: look at the entry again.
    Changed,
}

/// A name as documents show it.
pub(super) struct Name<'a> {
    /// NFC; with replacement characters where it is no UTF-8.
    pub(super) shown: Cow<'a, str>,
    valid: bool,
}

impl Root {
    /// Opens and resolves the root.
    pub(super) fn open(files: &Files) -> Result<Self, Problem> {
        let path = &files.options.root;
        let fail = |why: String| {
            let cure = "nothing is deleted until it is there and readable; check `root` and its mount";
            Problem {
                path: String::new(),
                message: format!("the root `{}` cannot be opened: {why}: {cure}", path.display()),
            }
        };
        let real = links::canonical(path).map_err(|error| fail(reason(error)))?;
        let fd = files.opener.open_anywhere(&real, FOLDER).map_err(|error| fail(reason(error)))?;
        let id = fstat(&fd).map(|stat| id_of(&stat)).map_err(|error| fail(reason(error)))?;
        Ok(Self { fd, real, id })
    }

    /// Whether the root's path still leads here.
    pub(super) fn unchanged(&self, files: &Files) -> Result<(), Problem> {
        let now = Self::open(files)?;
        if now.real == self.real && now.id == self.id {
            return Ok(());
        }
        let message = format!(
            "the root was switched from `{}` to `{}` while it was looked at: the next cycle sees it whole",
            self.real.display(),
            now.real.display()
        );
        Err(Problem { path: String::new(), message })
    }
}

impl Mounted {
    /// Whether this is so by another reading of the table, too.
    pub(super) fn holds(&self, root: &Root, mounts: &Mounts) -> bool {
        match self {
            Self::Point(real) => mounts.has(real, true),
            Self::Elsewhere(real) => !mounts.same(real, &root.real),
        }
    }
}

impl<'a> Name<'a> {
    pub(super) fn of(name: &'a [u8]) -> Self {
        let (shown, valid) = match std::str::from_utf8(name) {
            Ok(name) => (Cow::Borrowed(name), true),
            Err(_) => (String::from_utf8_lossy(name), false),
        };
        let shown = if shown.is_ascii() || is_nfc(&shown) { shown } else { Cow::Owned(shown.nfc().collect()) };
        Self { shown, valid }
    }
}

impl Visit<'_> {
    /// The root as a folder.
    pub(super) fn top(&self) -> Result<Folder, Problem> {
        let problem = |error| unreadable("", error);
        let fd = self.files.opener.open_beneath(&self.root.fd, Path::new(""), FOLDER).map_err(problem)?;
        let above = handles::stat(&fd, c"..").map_err(problem)?;
        let mut folder = Folder {
            fd,
            shown: String::new(),
            spelled: None,
            real: self.root.real.clone(),
            mounted: self.mount_point(&self.root.real, id_of(&above).0 != self.root.id.0),
            linked: false,
            id: self.root.id,
            depth: 0,
            place: self.files.globs.root(),
            parent: None,
        };
        self.obey_ignore_files(&mut folder)?;
        Ok(folder)
    }

    /// Judges one entry; `kind` as the listing has it, which may be out of date or unknown.
    pub(super) fn entry(&self, folder: &Folder, name: &CStr, kind: FileType) -> Result<Entry, Problem> {
        let shown = Name::of(name.to_bytes());
        let takes = self.files.globs.takes(&folder.place, shown.shown.as_bytes());
        match kind {
            FileType::Unknown => {}
            FileType::Directory | FileType::Symlink => return self.entry_of(folder, name, &shown, takes, kind, None),
            _ if !takes => return Ok(Entry::Nothing),
            _ => {}
        }
        match handles::stat(&folder.fd, name) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                self.entry_of(folder, name, &shown, takes, kind, Some(&stat))
            }
            Err(Errno::NOENT) => Ok(Entry::Absent),
            Err(error) => Err(unreadable(&folder.path_of(&shown), error)),
        }
    }

    fn entry_of(
        &self,
        folder: &Folder,
        name: &CStr,
        shown: &Name<'_>,
        takes: bool,
        kind: FileType,
        stat: Option<&Stat>,
    ) -> Result<Entry, Problem> {
        match (kind, stat) {
            (FileType::Directory, _) => self.folder_entry(folder, name, shown, None),
            (FileType::Symlink, _) => self.link_entry(folder, name, shown, takes),
            _ if !takes => Ok(Entry::Nothing),
            (FileType::RegularFile, Some(stat)) => Ok(Entry::Document(self.document(folder, name, shown, stat))),
            _ => Ok(skipped(folder.path_of(shown), &format!("is {}, no regular file", what(kind)))),
        }
    }

    fn folder_entry(
        &self,
        folder: &Folder,
        name: &CStr,
        shown: &Name<'_>,
        target: Option<PathBuf>,
    ) -> Result<Entry, Problem> {
        let Some(place) = self.files.globs.enter(&folder.place, shown.shown.as_bytes()) else {
            return Ok(Entry::Nothing);
        };
        if !shown.valid {
            let message = "the folder's name is not UTF-8: rename the folder, or exclude it".into();
            return Err(Problem { path: folder.path_of(shown), message });
        }
        Ok(Entry::Folder(Step { name: name.into(), target, place }))
    }

    fn link_entry(&self, folder: &Folder, name: &CStr, shown: &Name<'_>, takes: bool) -> Result<Entry, Problem> {
        if !takes && self.files.globs.enter(&folder.place, shown.shown.as_bytes()).is_none() {
            return Ok(Entry::Nothing);
        }
        let path = || folder.path_of(shown);
        let follow = self.files.options.follow_symlinks;
        let link = folder.real.join(OsStr::from_bytes(name.to_bytes()));
        match links::follow(&link, &self.root.real, follow).map_err(|error| unreadable(&path(), error))? {
            // By its path; the folder that we hold may have been moved away from there.
            Target::Absent if handles::stat(&folder.fd, name).is_err_and(|error| error == Errno::NOENT) => {
                Ok(Entry::Absent)
            }
            Target::Absent => {
                let message = "was moved while it was looked at: the next cycle looks again".into();
                Err(Problem { path: path(), message })
            }
            Target::Broken => self.broken_link(folder, name, shown, takes),
            Target::Refused(kind, reason) if takes || matches!(kind, FileType::Directory | FileType::Unknown) => {
                Ok(skipped(path(), &reason))
            }
            Target::Refused(..) => Ok(Entry::Nothing),
            Target::At(real, stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => self.folder_entry(folder, name, shown, Some(real)),
                _ if !takes => Ok(Entry::Nothing),
                FileType::RegularFile => Ok(Entry::Document(self.document(folder, name, shown, &stat))),
                kind => Ok(skipped(path(), &format!("is a link to {}, no regular file", what(kind)))),
            },
        }
    }

    /// A document's name that leads nowhere is a document that cannot be read: what Fin has of it stays. Where links lead
    /// anywhere, one may have led to a folder on a mount that is gone.
    fn broken_link(&self, folder: &Folder, name: &CStr, shown: &Name<'_>, takes: bool) -> Result<Entry, Problem> {
        let reason = "is a link to something that is not there";
        match handles::stat(&folder.fd, name) {
            Ok(stat) if takes => {
                let message = format!("{reason}: mend the link, or remove it");
                let failure = Some(Box::new(Failure::new("broken_link", message)));
                Ok(Entry::Document(Document { failure, ..self.document(folder, name, shown, &stat) }))
            }
            Ok(_) if self.files.options.follow_symlinks == FollowSymlinks::All => {
                let message = format!("{reason}, perhaps to a folder: mend the link, remove it, or exclude it");
                Err(Problem { path: folder.path_of(shown), message })
            }
            Ok(_) => Ok(skipped(folder.path_of(shown), reason)),
            Err(Errno::NOENT) => Ok(Entry::Absent),
            Err(error) => Err(unreadable(&folder.path_of(shown), error)),
        }
    }

    fn document(&self, folder: &Folder, name: &CStr, shown: &Name<'_>, stat: &Stat) -> Document {
        let stamp = Stamp::of(stat);
        let as_spelled = folder.spelled.is_none() && shown.shown.as_bytes() == name.to_bytes();
        let raw = || Box::from(Path::new(OsStr::from_bytes(&folder.spelled_path_of(name))));
        let failure = if !shown.valid {
            Some(Failure::new("invalid_name", "the file's name is not UTF-8: rename the file"))
        } else if stamp.size > self.files.options.max_bytes {
            Some(too_large(stamp.size, self.files.options.max_bytes))
        } else {
            None
        };
        Document {
            path: DocPath::new(folder.path_of(shown)),
            raw: (!as_spelled).then(raw),
            fingerprint: stamp.fingerprint(self.now),
            failure: failure.map(Box::new),
        }
    }

    /// Opens a folder that [`Self::entry`] has named.
    pub(super) fn enter(&self, parent: &Arc<Folder>, step: Step) -> Result<Entered, Problem> {
        let name = Name::of(step.name.to_bytes());
        let path = parent.path_of(&name);
        if parent.depth == MAX_DEPTH {
            let message = format!("lies more than {MAX_DEPTH} folders deep: move it up, or exclude it");
            return Err(Problem { path, message });
        }
        let opener = &self.files.opener;
        let handle = match (&step.target, self.files.options.follow_symlinks) {
            (None, _) => opener.open(&parent.fd, &step.name, FOLDER),
            (Some(real), FollowSymlinks::All) => opener.open_anywhere(real, FOLDER),
            (Some(real), _) => match real.strip_prefix(&self.root.real) {
                Ok(beneath) => opener.open_beneath(&self.root.fd, beneath, FOLDER),
                Err(_) => Err(Errno::LOOP),
            },
        };
        let fd = match handle {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Entered::Changed),
            Err(error) => return Err(unreadable(&path, error)),
        };
        let id = fstat(&fd).map(|stat| id_of(&stat)).map_err(|error| unreadable(&path, error))?;
        if parent.and_above().any(|folder| folder.id == id) {
            return Ok(Entered::Skipped(Skipped { path, reason: "leads back to a folder that it lies in".into() }));
        }
        let real = step.target.clone().unwrap_or_else(|| parent.real.join(OsStr::from_bytes(step.name.to_bytes())));
        let elsewhere = step.target.is_some() && !self.mounts.same(&real, &self.root.real);
        let mounted = if elsewhere {
            Some(Mounted::Elsewhere(real.clone()))
        } else {
            self.mount_point(&real, id.0 != parent.id.0)
        };
        let spelled = parent.spelled.is_some() || name.shown.as_bytes() != step.name.to_bytes();
        let mut folder = Folder {
            fd,
            shown: path + "/",
            spelled: spelled.then(|| [parent.spelled_path_of(&step.name), b"/".into()].concat()),
            mounted,
            linked: parent.linked || step.target.is_some(),
            real,
            id,
            depth: parent.depth + 1,
            place: step.place,
            parent: Some(Arc::clone(parent)),
        };
        self.obey_ignore_files(&mut folder)?;
        Ok(Entered::Folder(folder))
    }

    fn mount_point(&self, real: &Path, by_device: bool) -> Option<Mounted> {
        self.mounts.has(real, by_device).then(|| Mounted::Point(real.into()))
    }

    fn obey_ignore_files(&self, folder: &mut Folder) -> Result<(), Problem> {
        if self.files.options.ignore_files.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for name in &self.files.options.ignore_files {
            match self.files.read_ignore_file(self.root, &folder.fd, &folder.real, name) {
                Ok(Some(more)) => {
                    text.push_str(more.strip_prefix('\u{feff}').unwrap_or(&more));
                    text.push('\n');
                }
                Ok(None) => {}
                Err(message) => return Err(Problem { path: format!("{}{name}", folder.shown), message }),
            }
        }
        if !text.is_empty() {
            folder.place.obey(crate::source::globs::List::of_ignore_file(&text));
        }
        Ok(())
    }
}

impl Folder {
    /// The visible path of an entry.
    pub(super) fn path_of(&self, name: &Name<'_>) -> String {
        let mut path = String::with_capacity(self.shown.len() + name.shown.len());
        path.push_str(&self.shown);
        path.push_str(&name.shown);
        path
    }

    /// The visible path without the `/` at the end.
    pub(super) fn path(&self) -> &str {
        self.shown.strip_suffix('/').unwrap_or(&self.shown)
    }

    fn spelled_path_of(&self, name: &CStr) -> Vec<u8> {
        [self.spelled.as_deref().unwrap_or(self.shown.as_bytes()), name.to_bytes()].concat()
    }

    fn and_above(&self) -> impl Iterator<Item = &Folder> {
        std::iter::successors(Some(self), |folder| folder.parent.as_deref())
    }
}

/// The failure of a document over the limit.
pub(super) fn too_large(size: u64, max_bytes: u64) -> Failure {
    let cure = "split it, exclude it, or raise the limit";
    Failure::new("too_large", format!("has {size} bytes, more than the limit of {max_bytes}: {cure}"))
}

/// The problem of a place that cannot be seen.
pub(super) fn unreadable(path: &str, error: Errno) -> Problem {
    let cure = match error {
        Errno::ACCESS | Errno::PERM => "let the user that runs finmirror read it, or exclude it",
        Errno::MFILE | Errno::NFILE => "raise the limit of open files",
        _ => "mend it, or exclude it",
    };
    Problem { path: path.into(), message: format!("cannot be read: {}: {cure}", reason(error)) }
}

fn skipped(path: String, reason: &str) -> Entry {
    Entry::Skipped(Skipped { path, reason: reason.into() })
}

fn id_of(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

fn what(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of an unknown kind",
    }
}
