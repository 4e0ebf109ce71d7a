//! A directory as a source.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{Document, Known, Read, Scan};
use crate::page::{DocPath, Problem};

/// Where the documents are and which of them count.
#[derive(Clone, Debug)]
pub struct FilesOptions {
    /// The folder.
    pub root: PathBuf,
    /// Patterns with gitignore's meaning, relative to the root; a document must match one.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Names of ignore files that are obeyed where they lie: `.gitignore`, `.finmirrorignore`.
    pub ignore_files: Vec<String>,
    /// What is done about symbolic links.
    pub follow_symlinks: FollowSymlinks,
    /// A larger document fails.
    pub max_bytes: u64,
}

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowSymlinks {
    /// Those whose target stays within the resolved root.
    Inside,
    /// All.
    All,
    /// None.
    Never,
}

/// A directory, its patterns compiled.
#[derive(Debug)]
pub struct Files {}

impl Files {
    /// Compiles the patterns. `now` is the wall clock, for telling files that changed within its tick.
    pub fn open(_options: FilesOptions, _now: fn() -> Timestamp) -> Result<Self, anyhow::Error> {
        todo!()
    }
    pub(super) fn scan(&self, _known: &Known) -> Scan {
        todo!()
    }
    pub(super) fn read(&self, _document: &Document) -> Read {
        todo!()
    }
    pub(super) fn look(&self, _path: &DocPath, _known: &Known) -> Result<Option<Document>, Problem> {
        todo!()
    }
    pub(super) fn excludes(&self, _path: &DocPath) -> bool {
        todo!()
    }
}
