//! What lies on the disk: the two repositories, what is remembered of them, and the lock.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::command;
use super::super::history::History;
use super::super::url::is_object_id;
use super::{At, MAX_LIST_BYTES, Mirror, Tip};
use crate::page::Failure;

/// The form of `state.json` and of the folders beside it.
const VERSION: u32 = 1;
/// With more packs than this they are made one.
const MAX_PACKS: usize = 50;
/// Trees that are remembered.
const MAX_TREES: usize = 64;

/// What is remembered of a mirror.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) version: u32,
    /// For people who look into the folder.
    pub(super) url: String,
    /// Whether ids are SHA-256.
    pub(super) sha256: bool,
    /// Whether the history is there.
    pub(super) deep: bool,
    /// Whether the server gives all or nothing: it knows no filters, or no blobs by their ids.
    pub(super) whole: bool,
    /// The last fetched first.
    trees: Vec<Known>,
}

/// The tree of a folder in a commit that was fetched.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    commit: String,
    path: String,
    tree: String,
}

impl Mirror {
    /// What was last known of the files' commits.
    pub(in crate::source::git) fn history(&self, path: &str) -> History {
        let read = || serde_json::from_slice(&fs::read(self.history_file(path)).ok()?).ok();
        read().filter(|history: &History| is_object_id(&history.tip)).unwrap_or_default()
    }

    pub(in crate::source::git) fn keep_history(&self, path: &str, history: &History) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(history).unwrap_or_default();
        write_whole(&self.history_file(path), &bytes).map_err(|error| self.unusable(&error))
    }

    fn history_file(&self, path: &str) -> PathBuf {
        let name = base16ct::lower::encode_string(&Sha256::digest(path.as_bytes())[..8]);
        self.folder.join(format!("commits-{name}.json"))
    }

    /// Throws away what is there, for it cannot be read; the next look fetches it anew.
    pub(in crate::source::git) fn discard(&self) -> Result<(), Failure> {
        let _lock = self.lock()?;
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(()),
        };
        gone(fs::remove_file(self.folder.join("state.json")))?;
        gone(fs::remove_dir_all(self.mirror()))
    }

    /// Makes what is not there: the mirror, and the view of its objects.
    pub(super) fn make(&self, state: &mut State, sha256: bool) -> Result<(), Failure> {
        if self.mirror().join("HEAD").exists() && self.folder.join("view/HEAD").exists() && state.version == VERSION {
            return Ok(());
        }
        *state = State { version: VERSION, url: self.url.clone(), sha256, ..State::default() };
        let make = |name: &str| -> io::Result<()> {
            let folder = self.folder.join(name);
            if let Err(error) = fs::remove_dir_all(&folder)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            for part in ["objects/pack", "objects/info", "refs/heads"] {
                make_folder(&folder.join(part))?;
            }
            let format = if sha256 { "1\n[extensions]\n\tobjectFormat = sha256\n" } else { "0\n" };
            fs::write(folder.join("config"), format!("[core]\n\tbare = true\n\trepositoryFormatVersion = {format}"))?;
            fs::write(folder.join("HEAD"), "ref: refs/heads/none\n")
        };
        make("mirror").and_then(|()| make("view")).map_err(|error| self.unusable(&error))
    }

    /// Removes what a git that was killed has left locked. Nobody else is at it: this is done under our own lock, which a
    /// git of ours holds as long as it lives.
    pub(super) fn recover(&self) -> io::Result<()> {
        let mirror = self.mirror();
        let mut folders = vec![mirror.clone()];
        while let Some(folder) = folders.pop() {
            let is_top = folder == mirror;
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if entry.file_type()?.is_dir() {
                    let holds_locks = !is_top || matches!(&*name, "refs" | "objects");
                    let is_fan_out = folder.ends_with("objects") && name.len() == 2;
                    if holds_locks && !is_fan_out {
                        folders.push(entry.path());
                    }
                } else if name.ends_with(".lock")
                    || name.starts_with("tmp_")
                    || name.ends_with(".keep")
                    || (is_top && name.starts_with("shallow_"))
                {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Makes many packs one, at no risk: what was there is there, and if it fails nothing is lost.
    pub(super) fn pack(&self, lock: &File) {
        let packs = fs::read_dir(self.mirror().join("objects/pack")).into_iter().flatten().flatten();
        let count = packs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack")).count();
        if count > MAX_PACKS {
            let words = ["repack", "-a", "-d", "-q", "--no-write-bitmap-index"].map(str::to_owned).to_vec();
            let _ = command::output(&self.local_call(words, &self.mirror()), Some(lock), MAX_LIST_BYTES);
        }
    }

    pub(super) fn lock(&self) -> Result<File, Failure> {
        make_folder(&self.folder).map_err(|error| self.unusable(&error))?;
        match command::locked(&self.folder.join("lock"), self.options.timeout, &self.stop) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => {
                let message =
                    format!("another finmirror is fetching {} and does not end: the next cycle tries again", self.url);
                Err(Failure::new("git", message))
            }
            Err(error) => Err(self.unusable(&error)),
        }
    }

    pub(super) fn save(&self, state: &State) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(state).unwrap_or_default();
        write_whole(&self.folder.join("state.json"), &bytes).map_err(|error| self.unusable(&error))
    }
}

impl State {
    pub(super) fn load(folder: &Path) -> Self {
        let read = || serde_json::from_slice::<Self>(&fs::read(folder.join("state.json")).ok()?).ok();
        let state = read().filter(|state| state.version == VERSION).unwrap_or_default();
        let is_sound = |known: &Known| is_object_id(&known.commit) && is_object_id(&known.tree);
        if state.trees.iter().all(is_sound) { state } else { Self::default() }
    }

    pub(super) fn tree(&self, commit: &str, path: &str, deep: bool) -> Option<String> {
        let known = self.trees.iter().find(|known| known.commit == commit && known.path == path)?;
        (self.deep || !deep).then(|| known.tree.clone())
    }

    pub(super) fn is_news(&self, tip: &Tip) -> bool {
        !self.trees.iter().any(|known| known.commit == tip.commit)
    }

    pub(super) fn remember(&mut self, at: &At, path: &str) {
        let known = Known { commit: at.tip.commit.clone(), path: path.to_owned(), tree: at.tree.clone() };
        self.trees.retain(|other| other.commit != known.commit || other.path != known.path);
        self.trees.insert(0, known);
        self.trees.truncate(MAX_TREES);
    }
}

/// A folder, and those above it, that only their owner reads: what is mirrored may be private.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}
