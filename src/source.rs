//! Sources: what a place of documents can be asked. A scan lists, a read brings bytes, a look answers for one path.
//!
//! Synchronous; callers put it on a blocking thread. Nothing is ever written into a source. A scan either saw
//! everything or says what it could not see ([`Scan::problems`]): the planner deletes nothing on the latter (I2).

pub mod files;
pub mod git;
mod globs;
pub mod sitemap;

use sha2::{Digest, Sha256};

use crate::page::{Commit, DocPath, Failure, Fingerprint, Problem, ScanDigest};
use crate::plan::Patterns;
use crate::render::Recipe;

/// A place of documents, open for one cycle.
#[derive(Debug)]
pub enum Source {
    /// A directory.
    Files(files::Files),
    /// A commit of a repository.
    Git(Box<git::Git>),
    /// A website.
    Sitemap(Box<sitemap::Sitemap>),
    /// None that could be opened, and why: nothing is known of what is in it.
    Unseen(Failure),
}

/// What was seen and sent before: what the last complete scan saw that a later one must not miss, and, for sources that are
/// asked over the network, what need not be fetched again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Folders, and documents (relative to the root, empty for the root itself), that were mounts of their own.
    pub mounts: Vec<String>,
    /// Whether a person has said that mounts which are gone now are gone for good.
    pub accept_unmounted: bool,
    /// The fingerprints that the last scans gave, sorted by path; empty where none is to be trusted. For websites only.
    pub fingerprints: Vec<(DocPath, Fingerprint)>,
    /// The documents that Fin has a page of, sorted: a website is asked for those that its list names no more. For websites
    /// only.
    pub in_fin: Vec<DocPath>,
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
    /// What is a mount of its own, as [`Known::mounts`] has them.
    pub mounts: Vec<String>,
    /// Documents of [`Known::in_fin`] that the website's list names no more, and that still answer; sorted.
    pub delisted: Vec<DocPath>,
    /// What whoever runs the source should know, one sentence each.
    pub notices: Vec<String>,
}

impl Scan {
    /// A digest of all that was seen, with the recipe that it is rendered by and the files that renders asked for; `None` where it cannot tell a later change:
    /// a problem, a document without a fingerprint or with a failure.
    #[must_use]
    pub fn digest(&self, recipe: &Recipe, inputs: &[(DocPath, Probe)]) -> Option<ScanDigest> {
        if !self.problems.is_empty() {
            return None;
        }
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(&recipe.0);
        for document in &self.documents {
            let fingerprint = document.fingerprint.as_ref().filter(|_| document.failure.is_none())?;
            part(document.path.as_str().as_bytes());
            part(&fingerprint.0);
        }
        self.mounts.iter().for_each(|mount| part(mount.as_bytes()));
        for (path, probe) in inputs {
            part(path.as_str().as_bytes());
            match probe {
                Probe::Absent => part(b""),
                Probe::Present(fingerprint) => part(&fingerprint.as_ref()?.0),
            }
        }
        Some(ScanDigest(hash.finalize().into()))
    }

    /// What was seen, in short, also where it was not whole. Unlike [`Self::digest`] it proves nothing: a document that
    /// changed within the clock's tick looks the same in it.
    #[must_use]
    pub fn sketch(&self, inputs: &[(DocPath, Probe)]) -> ScanDigest {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for Document { path, fingerprint, failure, .. } in &self.documents {
            part(path.as_str().as_bytes());
            part(fingerprint.as_ref().map_or(b"", |fingerprint| &fingerprint.0));
            part(failure.as_ref().map_or(b"", |failure| failure.message.as_bytes()));
        }
        for problem in &self.problems {
            part(problem.path.as_bytes());
            part(problem.message.as_bytes());
        }
        self.mounts.iter().for_each(|mount| part(mount.as_bytes()));
        for (path, probe) in inputs {
            part(path.as_str().as_bytes());
            match probe {
                Probe::Absent => part(b"absent"),
                Probe::Present(fingerprint) => part(fingerprint.as_ref().map_or(b"", |fingerprint| &fingerprint.0)),
            }
        }
        ScanDigest(hash.finalize().into())
    }
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
    pub failure: Option<Box<Failure>>,
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

/// What one glance at a file beside the documents saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is not there, or cannot be read.
    Absent,
    /// It is there; without a fingerprint that can be trusted, its bytes must be looked at.
    Present(Option<Fingerprint>),
}

impl Source {
    /// Glances at any file within the root, whatever the patterns take.
    #[must_use]
    pub fn probe(&self, path: &DocPath) -> Probe {
        match self {
            Self::Files(files) => files.probe(path),
            Self::Git(git) => git.probe(path),
            // A page of a website is whole: it includes nothing.
            Self::Sitemap(_) | Self::Unseen(_) => Probe::Absent,
        }
    }

    /// Looks at the whole source.
    #[must_use]
    pub fn scan(&self, known: &Known) -> Scan {
        match self {
            Self::Files(files) => files.scan(known),
            Self::Git(git) => git.scan(),
            Self::Sitemap(sitemap) => sitemap.scan(known),
            Self::Unseen(failure) => Scan { problems: vec![unseen(failure)], ..Scan::default() },
        }
    }

    /// Reads one document of the last scan.
    #[must_use]
    pub fn read(&self, document: &Document) -> Read {
        match self {
            Self::Files(files) => files.read(document),
            Self::Git(git) => git.read(document),
            Self::Sitemap(sitemap) => sitemap.read(&document.path),
            Self::Unseen(failure) => Read::Failed(failure.clone()),
        }
    }

    /// Looks for one path anew, by the same rules as a scan: `Ok(None)` only where it is surely no document of this
    /// source (absent, or excluded by the configuration), `Err` where that cannot be told (the root is gone, a folder is
    /// unreadable, a mount is missing).
    pub fn look(&self, path: &DocPath, known: &Known) -> Result<Option<Document>, Problem> {
        match self {
            Self::Files(files) => files.look(path, known),
            Self::Git(git) => git.look(path),
            Self::Sitemap(sitemap) => sitemap.look(path),
            Self::Unseen(failure) => Err(unseen(failure)),
        }
    }

    /// The last commit that changed a file; `None`: not known, or the source is no repository.
    #[must_use]
    pub fn commit(&self, path: &str) -> Option<Commit> {
        match self {
            Self::Git(git) => git.commit(path),
            Self::Files(_) | Self::Sitemap(_) | Self::Unseen(_) => None,
        }
    }
}

impl Patterns for Source {
    fn excludes(&self, path: &DocPath) -> bool {
        match self {
            Self::Files(files) => files.excludes(path),
            Self::Git(git) => git.excludes(path),
            Self::Sitemap(sitemap) => sitemap.excludes(path),
            Self::Unseen(_) => false,
        }
    }
}

fn unseen(failure: &Failure) -> Problem {
    Problem { path: String::new(), message: failure.message.clone() }
}
