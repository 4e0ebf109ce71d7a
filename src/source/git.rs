//! A commit of a repository as a source, read from the object store of a bare mirror, never from a checkout.
//!
//! Stands on the git program, run so that it executes nothing of the repository. A look at an unchanged ref costs one
//! `ls-remote`. The invariant: what is seen is one commit's tree, whole, or there is a failure. Must not know what a
//! document means.

mod answer;
mod blobs;
mod command;
mod credentials;
mod history;
mod mirror;
mod scan;
mod tree;
mod url;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

pub use self::answer::answer;
use self::blobs::{Blob, Blobs};
use self::command::Trouble;
use self::history::History;
use self::mirror::{At, Mirror};
use self::scan::Walk;
use self::tree::{Entry, Kind, Place, Tree, joined};
use self::url::Protocol;
use crate::page::{Commit, DocPath, Failure, Fingerprint, Problem, ScanDigest};
use crate::site;
use crate::source::globs::Globs;
use crate::source::{Content, Document, Probe, Read, Scan};
use crate::stop::Stop;

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
    /// What git is given of the environment.
    pub environment: Environment,
}

/// The variables of the environment that git is given: where programs are, how the network is reached; and, where it works
/// with its user's own configuration, what belongs to that.
#[derive(Clone, Default)]
pub struct Environment(Vec<(String, String)>);

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
    sources: Vec<GitOptions>,
    mirrors: Mutex<Vec<Arc<Mirror>>>,
    stop: Stop,
}

/// One commit's tree, open for one cycle.
///
/// To open it costs no more than the look at the remote: its listing is read when something of it is asked for, a blob that
/// is not in the mirror when it is read.
#[derive(Debug)]
pub struct Git {
    options: GitOptions,
    globs: Globs,
    mirror: Arc<Mirror>,
    at: At,
    seen: Box<Seen>,
}

/// What was looked up so far.
#[derive(Debug, Default)]
struct Seen {
    tree: OnceLock<Result<Tree, Failure>>,
    history: OnceLock<Result<History, Failure>>,
    /// The tree by now, where it is another one.
    present: OnceLock<Result<Option<Tree>, Failure>>,
    /// The blobs of the last scan's documents.
    documents: OnceLock<Vec<Box<str>>>,
    blobs: Mutex<Option<Blobs>>,
    /// Held while blobs are fetched; why they could not be, once that is so.
    fetching: Mutex<Option<Failure>>,
}

/// A longer target of a link is none.
const MAX_TARGET_BYTES: u64 = 4096;
/// A larger file is no pointer to one that is kept elsewhere (Git LFS' own limit).
const MAX_POINTER_BYTES: usize = 1024;
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// Files that are read one by one, before a scan has said which are needed, are fetched with their like: those beside them
/// that are text by these extensions, and those of the same name elsewhere.
const TEXT: [&str; 22] = [
    "md",
    "mdx",
    "markdown",
    "rst",
    "txt",
    "yml",
    "yaml",
    "toml",
    "json",
    "json5",
    "jsonc",
    "js",
    "mjs",
    "cjs",
    "ts",
    "mts",
    "cts",
    "py",
    "html",
    "pages",
    "conf",
    "properties",
];

/// Why a url is none that git may be given: for whoever knows the line that it stands in. A `:` separates what it is not
/// from how it is written.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    url::Place::read(url).map(drop)
}

/// Why a branch, tag or commit cannot be one.
pub fn check_reference(reference: &str) -> Result<(), &'static str> {
    url::check_reference(reference)
}

impl Environment {
    const GIVEN: [&str; 11] = [
        "PATH",
        "HTTPS_PROXY",
        "https_proxy",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "SSL_CERT_FILE",
    ];
    /// What belongs to a user's own configuration of git.
    const USERS: [&str; 8] = [
        "HOME",
        "USER",
        "LOGNAME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "GNUPGHOME",
    ];
    /// `PATH` where there is none.
    const SEARCH: &str = "/usr/local/bin:/usr/bin:/bin";

    /// What of an environment git is given.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = Self::GIVEN.iter().chain(&Self::USERS);
        let mut given: Vec<(String, String)> =
            names.filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect();
        if !given.iter().any(|(name, _)| name == "PATH") {
            given.push(("PATH".into(), Self::SEARCH.into()));
        }
        Self(given)
    }

    fn is_users(name: &str) -> bool {
        Self::USERS.contains(&name)
    }
}

/// Tells nothing of it: a proxy's url may have a password, and what differs from run to run is no change of a source.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Repositories {
    /// Mirrors of the urls of these sources, in a folder that is made when it is needed. Once `stop` is set, git ends.
    #[must_use]
    pub fn new(folder: PathBuf, sources: &[GitOptions], stop: &Stop) -> Self {
        Self { folder, sources: sources.to_vec(), mirrors: Mutex::default(), stop: stop.clone() }
    }

    /// Looks at the remote: the ref's commit, fetched if it is news.
    pub fn open(&self, options: GitOptions) -> Result<Git, Failure> {
        let globs = Globs::new(&options.include, &options.exclude).map_err(failure)?;
        if let Some(Err(why)) = options.reference.as_deref().map(check_reference) {
            return Err(failure(format!("`ref`: {why}")));
        }
        let mirror = self.mirror(&options)?;
        let at = mirror.resolve(options.reference.as_deref(), &options.path, options.wants_commits)?;
        Ok(Git { options, globs, mirror, at, seen: Box::default() })
    }

    /// The next [`open`](Self::open) of this url asks its remote again, as each cycle of many has to.
    pub fn forget(&self, options: &GitOptions) {
        let is_same = |mirror: &&Arc<Mirror>| mirror.given().url == options.url;
        lock(&self.mirrors).iter().filter(is_same).for_each(|mirror| mirror.forget());
    }

    fn mirror(&self, options: &GitOptions) -> Result<Arc<Mirror>, Failure> {
        let mut mirrors = lock(&self.mirrors);
        let is_same = |other: &GitOptions| other.url == options.url && other.credentials.is(&options.credentials);
        let serves = |mirror: &&Arc<Mirror>| is_same(mirror.given()) && (mirror.deep || !options.wants_commits);
        if let Some(mirror) = mirrors.iter().find(serves) {
            return Ok(Arc::clone(mirror));
        }
        let place = url::Place::read(&options.url).map_err(|why| failure(format!("`url`: {why}")))?;
        let mates: Vec<&GitOptions> = self.sources.iter().filter(|other| is_same(other)).chain([options]).collect();
        let mut wanted: Vec<String> =
            mates.iter().map(|mate| mate.reference.clone().unwrap_or_else(|| "HEAD".into())).collect();
        wanted.sort();
        wanted.dedup();
        let deep = mates.iter().any(|mate| mate.wants_commits);
        // git works in a folder of ours.
        let url = match place.protocol {
            Protocol::File if !options.url.starts_with("file:") => {
                let path = std::path::absolute(&options.url).map_err(failure)?;
                path.to_str().ok_or_else(|| failure("`url` is not UTF-8: rename the folder"))?.to_owned()
            }
            _ => options.url.clone(),
        };
        let mirror =
            Arc::new(Mirror::new(&self.folder, place, options.clone(), url, (wanted, deep), self.stop.clone()));
        mirrors.push(Arc::clone(&mirror));
        Ok(mirror)
    }
}

impl Git {
    /// What tells this tree and what is taken of it from any other: equal means that not one document differs.
    #[must_use]
    pub fn revision(&self) -> ScanDigest {
        let GitOptions { path, include, exclude, max_bytes, wants_commits, .. } = &self.options;
        // The same files in another commit have another history.
        let commit = if *wants_commits { &*self.at.tip.commit } else { "" };
        let tree = &self.at.tree;
        ScanDigest::of(format!("git {tree} {commit} {path:?} {include:?} {exclude:?} {max_bytes}").as_bytes())
    }

    /// Reads the same tree by other patterns.
    pub fn with_include(mut self, include: Vec<String>) -> Result<Self, Failure> {
        let globs = Globs::new(&include, &self.options.exclude).map_err(failure)?;
        self.seen.documents = OnceLock::new();
        self.options.include = include;
        Ok(Self { globs, ..self })
    }

    /// Glances at any file of the folder.
    pub(super) fn probe(&self, path: &DocPath) -> Probe {
        match self.find(path.as_str().as_bytes()) {
            Ok(Some(Place::File(real, entry))) => Probe::Present(Some(self.fingerprint(&real, entry))),
            _ => Probe::Absent,
        }
    }

    /// Looks at the whole folder.
    pub(super) fn scan(&self) -> Scan {
        let looked = self.tree().and_then(|tree| {
            // Without the commits urls would change: then nothing is known, and nothing is sent.
            self.history()?;
            Ok(tree)
        });
        let tree = match looked {
            Ok(tree) => tree,
            Err(failure) => return Scan { problems: vec![problem("", failure)], ..Scan::default() },
        };
        let fingerprint = |real: &[u8], entry: &Entry| self.fingerprint(real, entry);
        let (mut scan, blobs) = Walk::new(tree, &self.globs, &fingerprint).run();
        let _ = self.seen.documents.set(blobs);
        if scan.documents.is_empty() && scan.problems.is_empty() {
            let cure = "nothing is deleted until one does; check `path`, `include` and `exclude`";
            let message = format!("no document in {} matches the patterns: {cure}", self.place());
            scan.problems.push(Problem { path: String::new(), message });
        }
        scan
    }

    /// Reads a document of the last scan, or any other file of the folder.
    pub(super) fn read(&self, document: &Document) -> Read {
        if let Some(failure) = document.failure.as_ref().filter(|failure| failure.code == "invalid_name") {
            return Read::Failed((**failure).clone());
        }
        let path = document.raw.as_deref().map_or(document.path.as_str().as_bytes(), |raw| raw.as_os_str().as_bytes());
        match self.find(path) {
            Err(failure) => Read::Failed(Failure::new("unreadable", failure.message)),
            Ok(Some(Place::File(real, entry))) => self.content(&real, entry),
            Ok(Some(Place::Broken)) => {
                Read::Failed(Failure::new("broken_link", "is a link to something that is not there"))
            }
            Ok(Some(Place::Refused(reason))) => Read::Failed(Failure::new("refused_link", reason)),
            Ok(Some(Place::Folder(_) | Place::Submodule)) => {
                Read::Failed(Failure::new("not_a_file", "is no regular file: put the file back, or exclude it"))
            }
            Ok(Some(Place::Absent) | None) => Read::Absent,
        }
    }

    /// Looks for one path in the tree that the ref has by now. A commit itself cannot change, so that to look at the same
    /// one again would say nothing; but between the scan and the first delete all updates were sent, and what was put back
    /// in the meantime is not to be deleted. The remote is asked once in a cycle, before its first delete.
    pub(super) fn look(&self, path: &DocPath) -> Result<Option<Document>, Problem> {
        if self.excludes(path) {
            return Ok(None);
        }
        let tree = self.present().map_err(|failure| problem(path.as_str(), failure))?;
        if tree.is_empty() {
            let message = "the folder is empty by now: nothing is deleted until something is in it".into();
            return Err(Problem { path: String::new(), message });
        }
        let document = |real: &[u8], entry: &Entry, failure: Option<Box<Failure>>| {
            let fingerprint = Some(self.fingerprint(real, entry));
            Ok(Some(Document { path: path.clone(), raw: None, fingerprint, failure }))
        };
        match tree.follow(b"", path.as_str().as_bytes()) {
            Place::File(real, entry) => document(&real, entry, None),
            Place::Broken => {
                let failure = Failure::new("broken_link", "is a link to something that is not there");
                Ok(Some(Document {
                    path: path.clone(),
                    raw: None,
                    fingerprint: None,
                    failure: Some(Box::new(failure)),
                }))
            }
            Place::Folder(_) | Place::Submodule | Place::Absent | Place::Refused(_) => Ok(None),
        }
    }

    /// The last commit that changed a file.
    pub(super) fn commit(&self, path: &str) -> Option<Commit> {
        let history = self.history().ok()??;
        let Ok(Some(Place::File(real, entry))) = self.find(path.as_bytes()) else { return None };
        history.commit(std::str::from_utf8(&real).ok()?, &entry.id)
    }

    pub(super) fn excludes(&self, path: &DocPath) -> bool {
        !self.globs.takes_path(path.as_str())
    }

    /// Where a path of the folder leads; `None`: nowhere, by its own words.
    fn find(&self, path: &[u8]) -> Result<Option<Place<'_>>, Failure> {
        let is_inside = path.first() != Some(&b'/') && path.split(|byte| *byte == b'/').all(|part| part != b"..");
        let tree = self.tree()?;
        Ok(is_inside.then(|| tree.follow(b"", path)))
    }

    /// Equal means: the same bytes, by the same commit where that counts.
    fn fingerprint(&self, real: &[u8], entry: &Entry) -> Fingerprint {
        let mode = match entry.kind {
            Kind::File(true) => "x",
            Kind::File(false) => "f",
            Kind::Folder | Kind::Link | Kind::Submodule => "l",
        };
        let history = self.history().ok().flatten();
        let commit = history.and_then(|history| history.commit(std::str::from_utf8(real).ok()?, &entry.id));
        let commit = commit.map(|commit| commit.id).unwrap_or_default();
        Fingerprint(format!("{mode}{}{commit}", entry.id).into_bytes().into())
    }

    fn content(&self, real: &[u8], entry: &Entry) -> Read {
        let unreadable = |failure: Failure| Read::Failed(Failure::new("unreadable", failure.message));
        let max_bytes = self.options.max_bytes;
        let mut blob = self.blob(&entry.id, max_bytes);
        if matches!(blob, Ok(Blob::Missing)) {
            if let Err(failure) = self.fetch(real, entry) {
                return unreadable(failure);
            }
            blob = self.blob(&entry.id, max_bytes);
        }
        match blob {
            Ok(Blob::Bytes(bytes)) if bytes.len() <= MAX_POINTER_BYTES && bytes.starts_with(POINTER) => {
                let message = "is a pointer to a file that is kept by Git LFS, whose text is not in the repository: commit \
                               the text itself, or exclude it";
                Read::Failed(Failure::new("lfs_pointer", message))
            }
            Ok(Blob::Bytes(bytes)) => {
                Read::Content(Content { bytes, fingerprint: Some(self.fingerprint(real, entry)) })
            }
            Ok(Blob::TooLarge(size)) => {
                let cure = "split it, exclude it, or raise the limit";
                let message = format!("has {size} bytes, more than the limit of {max_bytes}: {cure}");
                Read::Failed(Failure::new("too_large", message))
            }
            Ok(Blob::Missing) => unreadable(failure(format!("{} does not give its blob {}", self.place(), entry.id))),
            Err(failure) => unreadable(failure),
        }
    }

    /// One blob of the mirror.
    fn blob(&self, id: &str, max_bytes: u64) -> Result<Blob, Failure> {
        let mut open = lock(&self.seen.blobs);
        if open.is_none() {
            let words = ["cat-file", "--batch-command"].map(str::to_owned).to_vec();
            let opened = Blobs::open(&self.mirror.view_call(words)).map_err(|trouble| self.mirror.explain(trouble))?;
            *open = Some(opened);
        }
        let Some(blobs) = open.as_mut() else { return Ok(Blob::Missing) };
        let got = blobs.get(id, max_bytes);
        if got.is_err() {
            *open = None;
        }
        got.map_err(|trouble| self.mirror.explain(trouble))
    }

    /// Fetches a blob, and with it what will be read as well: one batch for all documents.
    fn fetch(&self, real: &[u8], entry: &Entry) -> Result<(), Failure> {
        let mut failed = lock(&self.seen.fetching);
        if let Some(failure) = &*failed {
            return Err(failure.clone());
        }
        // Another thread may have fetched it in the meantime.
        if self.blob(&entry.id, 0)? != Blob::Missing {
            return Ok(());
        }
        let fetched = self.fetch_all(&self.like(real, entry)?);
        *failed = fetched.as_ref().err().cloned();
        fetched
    }

    fn fetch_all(&self, ids: &[&str]) -> Result<(), Failure> {
        let missing = self.mirror.missing(ids)?;
        if missing.is_empty() { Ok(()) } else { self.mirror.fetch_blobs(&missing, &self.at.tip) }
    }

    /// The blobs that are worth a fetch with this one.
    fn like<'a>(&'a self, real: &[u8], entry: &'a Entry) -> Result<Vec<&'a str>, Failure> {
        const MOST: usize = 10_000;
        let (folder, name) = match memchr::memrchr(b'/', real) {
            Some(slash) => real.split_at(slash),
            None => (&[][..], real),
        };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let is_text = |name: &[u8]| {
            let extension = memchr::memrchr(b'.', name).and_then(|dot| name.get(dot + 1..)).unwrap_or_default();
            TEXT.iter().any(|text| text.as_bytes().eq_ignore_ascii_case(extension))
        };
        let is_like = |at: &[u8], other: &Entry| {
            matches!(other.kind, Kind::File(_)) && (&*other.name == name || (at == folder && is_text(&other.name)))
        };
        let documents = self.seen.documents.get().into_iter().flatten().map(|id| &**id);
        let like = self.tree()?.all().filter(|(at, other)| is_like(at, other)).map(|(_, other)| &*other.id);
        Ok(std::iter::once(&*entry.id).chain(documents).chain(like.take(MOST)).collect())
    }

    fn tree(&self) -> Result<&Tree, Failure> {
        self.seen.tree.get_or_init(|| self.read_tree(&self.at)).as_ref().map_err(Clone::clone)
    }

    fn present(&self) -> Result<&Tree, Failure> {
        let look = || {
            let at = self.mirror.resolve_anew(self.options.reference.as_deref(), &self.options.path)?;
            if at.tree == self.at.tree { Ok(None) } else { self.read_tree(&at).map(Some) }
        };
        match self.seen.present.get_or_init(look) {
            Ok(Some(tree)) => Ok(tree),
            Ok(None) => self.tree(),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// Reads a tree and where its links lead. A mirror that has lost what it had is made anew.
    fn read_tree(&self, at: &At) -> Result<Tree, Failure> {
        self.mirror.check_version()?;
        let listed = match self.mirror.list(&at.tree) {
            Err(Trouble::Failed(_)) => {
                self.mirror.discard()?;
                *lock(&self.seen.blobs) = None;
                let GitOptions { reference, path, wants_commits, .. } = &self.options;
                let again = self.mirror.resolve(reference.as_deref(), path, *wants_commits)?;
                if again.tree != at.tree {
                    return Err(failure(format!(
                        "{} changed while it was looked at: the next cycle sees it whole",
                        self.place()
                    )));
                }
                self.mirror.list(&at.tree)
            }
            listed => listed,
        };
        let listing = listed.map_err(|trouble| self.mirror.explain(trouble))?;
        let mut tree = Tree::read(&listing).map_err(failure)?;
        drop(listing);
        let links: Vec<Box<str>> =
            tree.all().filter(|(_, entry)| entry.kind == Kind::Link).map(|(_, entry)| entry.id.clone()).collect();
        if !links.is_empty() {
            self.fetch_all(&links.iter().map(|id| &**id).collect::<Vec<_>>())?;
            let mut targets = HashMap::new();
            for id in links {
                match self.blob(&id, MAX_TARGET_BYTES)? {
                    Blob::Bytes(target) => _ = targets.insert(id, target.into()),
                    Blob::TooLarge(_) => {}
                    Blob::Missing => return Err(failure(format!("{} does not give its blob {id}", self.place()))),
                }
            }
            tree.know(targets);
        }
        Ok(tree)
    }

    fn history(&self) -> Result<Option<&History>, Failure> {
        if !self.options.wants_commits {
            return Ok(None);
        }
        self.seen.history.get_or_init(|| self.read_history()).as_ref().map(Some).map_err(Clone::clone)
    }

    /// From where the last walk stopped, if that is on the way; else from the beginning.
    fn read_history(&self) -> Result<History, Failure> {
        let (path, tip) = (&self.options.path, &self.at.tip.commit);
        let last = self.mirror.history(path);
        if last.tip == *tip {
            return Ok(last);
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let paths: Vec<(String, &str)> = self
            .tree()?
            .all()
            .filter(|(_, entry)| matches!(entry.kind, Kind::File(_)))
            .filter_map(|(at, entry)| Some((String::from_utf8(joined(at, &entry.name)).ok()?, &*entry.id)))
            .collect();
        let walk = |to: Option<&str>| {
            let wanted = paths.iter().map(|(path, id)| (path.as_str(), *id)).collect();
            let mut walk = history::Walk::new(&prefix, wanted);
            self.mirror.log(tip, to, path, &mut |bytes| walk.take(bytes))?;
            Ok(walk.end())
        };
        let mut files = None;
        if !last.tip.is_empty() && self.mirror.is_before(&last.tip, tip) {
            let (news, others) = walk(Some(&last.tip))?;
            files = last.with(news, &others, &paths.iter().map(|(path, id)| (path.as_str(), *id)).collect());
        }
        let files = match files {
            Some(files) => files,
            None => walk(None)?.0,
        };
        let history = History { tip: tip.clone(), files };
        self.mirror.keep_history(path, &history)?;
        Ok(history)
    }

    /// The folder and its commit, for a person.
    fn place(&self) -> String {
        let GitOptions { url, path, .. } = &self.options;
        let folder = if path.is_empty() { String::new() } else { format!("`{path}` of ") };
        format!("{folder}{url} at `{}`", self.at.tip.name)
    }
}

/// The whole folder, whatever its patterns take: for the configuration of a generator.
impl site::Tree for Git {
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
        let Ok(Some(Place::Folder(real))) = self.find(folder.as_bytes()) else { return Vec::new() };
        let Ok(tree) = self.tree() else { return Vec::new() };
        let name = |entry: &Entry| {
            let name = std::str::from_utf8(&entry.name).ok()?.to_owned();
            let is_folder = matches!(tree.follow(&real, &entry.name), Place::Folder(_));
            Some(if is_folder { name + "/" } else { name })
        };
        let mut names: Vec<String> = tree.entries(&real).iter().take(MAX_NAMES).filter_map(name).collect();
        names.sort();
        names
    }

    fn exists(&self, path: &str) -> bool {
        matches!(self.find(path.as_bytes()), Ok(Some(Place::File(..) | Place::Folder(_))))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failure(why: impl fmt::Display) -> Failure {
    Failure::new("git", why.to_string())
}

fn problem(path: &str, failure: Failure) -> Problem {
    Problem { path: path.to_owned(), message: failure.message }
}
