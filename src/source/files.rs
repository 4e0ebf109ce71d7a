//! A directory as a source: which of its files are documents, and what they hold.
//!
//! Nothing is written into it, and no link out of it is followed unless the configuration says so. The invariant: a
//! document that is there is in the scan, or the scan has a problem. Must not know what a document means.

mod fingerprint;
mod handles;
mod links;
mod listing;
mod look;
mod mounts;
mod read;
mod tree;
mod walk;

#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use jiff::Timestamp;

use crate::page::DocPath;
use crate::site;
use crate::source::{Document, Read, globs};

/// Where the documents are and which of them count.
#[derive(Clone, Debug)]
pub struct FilesOptions {
    /// The folder.
    pub root: PathBuf,
    /// Patterns with gitignore's meaning, relative to the root; a document must match one.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Names of ignore files that are obeyed where they lie: `.gitignore`, `.finmirrorignore`. In one folder the later
    /// name is the stronger.
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

/// More threads than this bring nothing to a walk: the kernel's own locks are the limit.
const MAX_THREADS: usize = 4;

/// A directory, its patterns compiled.
#[derive(Debug)]
pub struct Files {
    options: FilesOptions,
    globs: globs::Globs,
    opener: handles::Opener,
    threads: usize,
    now: fn() -> Timestamp,
}

/// The whole folder, whatever its patterns take: for the configuration of a generator.
impl site::Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let document = Document { path: DocPath::new(path), raw: None, fingerprint: None, failure: None };
        match Self::read(self, &document) {
            Read::Content(content) => Ok(Some(content.bytes)),
            Read::Absent => Ok(None),
            Read::Failed(failure) if failure.code == "not_a_file" => Ok(None),
            Read::Failed(failure) => Err(failure.message),
        }
    }

    fn list(&self, folder: &str) -> Vec<String> {
        const MAX_NAMES: usize = 10_000;
        let Some(folder) = self.within(folder) else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let name = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            Some(if entry.path().is_dir() { name + "/" } else { name })
        };
        let mut names: Vec<String> = entries.take(MAX_NAMES).filter_map(|entry| name(entry.ok()?)).collect();
        names.sort();
        names
    }

    fn exists(&self, path: &str) -> bool {
        self.within(path).is_some_and(|path| path.exists())
    }
}

/// One pattern of `include`, by itself.
#[derive(Debug)]
pub struct Pattern(globs::Globs);

impl Pattern {
    /// Compiles it.
    pub fn new(pattern: &str) -> Result<Self, anyhow::Error> {
        Ok(Self(globs::Globs::new(&[pattern.to_owned()], &[])?))
    }

    /// Whether it takes a document of this path.
    #[must_use]
    pub fn takes(&self, path: &DocPath) -> bool {
        self.0.takes_path(path.as_str())
    }
}

/// Why a pattern of `include` or `exclude` cannot be one: for whoever knows the line that it stands in.
pub fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    globs::check(pattern)
}

impl Files {
    /// Compiles the patterns. `now` is the wall clock, for telling files that changed within its tick.
    pub fn open(options: FilesOptions, now: fn() -> Timestamp) -> Result<Self, anyhow::Error> {
        let globs = globs::Globs::new(&options.include, &options.exclude)?;
        for name in &options.ignore_files {
            let plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
            anyhow::ensure!(plain, "`{name}` cannot be an ignore file: give a name without `/`");
        }
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        Ok(Self { options, globs, opener: handles::Opener::new(), threads, now })
    }

    /// Where a path lies; `None`: beyond the root, by its own words.
    fn within(&self, path: &str) -> Option<PathBuf> {
        let is_inside = path.split('/').all(|part| part != ".." && !part.contains(['\0', '\\']));
        (is_inside && !path.starts_with('/')).then(|| self.options.root.join(path))
    }

    /// Whether the patterns alone leave this path out, whatever is there.
    pub(super) fn excludes(&self, path: &DocPath) -> bool {
        !self.globs.takes_path(path.as_str())
    }
}
