//! Sources: what a place of documents can be asked. A scan lists, a read brings bytes, a look answers for one path.
//!
//! Synchronous; callers put it on a blocking thread. Nothing is ever written into a source. A scan either saw
//! everything or says what it could not see ([`Scan::problems`]): the planner deletes nothing on the latter (I2).

pub mod files;

use crate::page::{DocPath, Failure, Fingerprint, Problem};

/// A place of documents, open for one cycle.
#[derive(Debug)]
pub enum Source {
    /// A directory.
    Files(files::Files),
}

/// What the last complete scan saw that a later one must not miss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Folders (relative to the root, empty for the root itself) that were mounts of their own.
    pub mounts: Vec<String>,
    /// Whether a person has said that mounts which are gone now are gone for good.
    pub accept_unmounted: bool,
}

/// Everything that one look at a source saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The documents, sorted by path; two entries of one path are two files whose names differ only by normalisation.
    pub documents: Vec<Document>,
    /// What is there and matches, but is no regular file: reported, never a page.
    pub skipped: Vec<Skipped>,
    /// What could not be seen. Empty: the scan is complete.
    pub problems: Vec<Problem>,
    /// Folders that are mounts of their own, as [`Known::mounts`] has them.
    pub mounts: Vec<String>,
}

/// A document as a scan saw it: not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its place in the source.
    pub path: DocPath,
    /// Its name as the source spells it, where that is not [`Document::path`] to the byte.
    pub raw: Option<Box<std::path::Path>>,
    /// `None`: what was seen cannot be trusted to tell a later change (a file changed within the clock's tick): read it.
    pub fingerprint: Option<Fingerprint>,
    /// The scan knows already that it cannot be read: too large, an invalid name.
    pub failure: Option<Failure>,
}

/// Something that matches the patterns and is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where.
    pub path: String,
    /// Why: a FIFO, a device, a link that leaves the root.
    pub reason: String,
}

/// A document's bytes, whole and of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The fingerprint that belongs to these very bytes; `None` as in [`Document::fingerprint`].
    pub fingerprint: Option<Fingerprint>,
}

/// What reading one document came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Its bytes.
    Content(Content),
    /// It is not there (any more).
    Absent,
    /// It is there, or may be there, and cannot be read.
    Failed(Failure),
}

impl Source {
    /// Looks at the whole source.
    #[must_use]
    pub fn scan(&self, known: &Known) -> Scan {
        match self {
            Self::Files(files) => files.scan(known),
        }
    }

    /// Reads one document of the last scan.
    #[must_use]
    pub fn read(&self, document: &Document) -> Read {
        match self {
            Self::Files(files) => files.read(document),
        }
    }

    /// Looks for one path anew, by the same rules as a scan: `Ok(None)` only where it is surely no document of this
    /// source (absent, or excluded by the configuration), `Err` where that cannot be told (the root is gone, a folder is
    /// unreadable, a mount is missing).
    pub fn look(&self, path: &DocPath, known: &Known) -> Result<Option<Document>, Problem> {
        match self {
            Self::Files(files) => files.look(path, known),
        }
    }

    /// Whether the configuration's patterns exclude this path, whatever is there.
    #[must_use]
    pub fn excludes(&self, path: &DocPath) -> bool {
        match self {
            Self::Files(files) => files.excludes(path),
        }
    }
}
