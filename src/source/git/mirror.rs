//! One repository's mirror: a bare repository of ours, what is remembered of it, and its talks with the remote.
//!
//! On the disk: `mirror/` is fetched into; `view/` has the same objects and no remote, so that what is read through it
//! fetches nothing, in any version of git; `state.json` knows the tree of each commit, so that an unchanged ref is told
//! without a look at either; `lock` belongs to whoever fetches. All of it may be deleted at any time.

mod call;
mod disk;
mod words;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use self::disk::{State, make_folder};
use self::words::is_refusal;
use super::GitOptions;
use super::command::{self, Call, Trouble};
use super::url::{Place, is_object_id};
use crate::page::Failure;
use crate::stop::Stop;

/// The remote's name in the mirror.
const REMOTE: &str = "finmirror";
/// Where the mirror keeps the refs that it was asked for.
const REFS: &str = "refs/finmirror";
/// The depth of a history that is not cut off, in a mirror where it was.
const ALL_OF_IT: &str = "--depth=2147483647";
/// More output of a command that lists than this is too much.
pub(super) const MAX_LIST_BYTES: usize = 1 << 29;

/// A mirror as it is used in one run.
#[derive(Debug)]
pub(super) struct Mirror {
    options: GitOptions,
    place: Place,
    /// What git is given: of a folder, its whole path.
    url: String,
    folder: PathBuf,
    /// The refs that sources of this run want, `HEAD` for none.
    wanted: Vec<String>,
    /// Whether one of them wants the history.
    pub(super) deep: bool,
    looked: Mutex<Looked>,
    version: OnceLock<Result<(), Failure>>,
    stop: Stop,
}

/// What the remote has said in this run.
#[derive(Debug, Default)]
struct Looked {
    /// Full names and commits of the refs that were asked for, or why none is known.
    tips: BTreeMap<String, Result<Tip, Failure>>,
}

/// A ref at the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    /// Its full name; of a commit that was named, its id.
    pub(super) name: String,
    pub(super) commit: String,
}

/// A commit's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) tip: Tip,
    pub(super) tree: String,
}

impl Mirror {
    pub(super) fn new(
        folder: &Path,
        place: Place,
        options: GitOptions,
        url: String,
        (wanted, deep): (Vec<String>, bool),
        stop: Stop,
    ) -> Self {
        let name = base16ct::lower::encode_string(&Sha256::digest(url.as_bytes())[..12]);
        let (looked, version) = (Mutex::default(), OnceLock::new());
        Self { options, place, url, folder: folder.join(name), wanted, deep, looked, version, stop }
    }

    /// The source that it was made for.
    pub(super) fn given(&self) -> &GitOptions {
        &self.options
    }

    /// The commit and the tree of a ref's folder, fetched if they are news.
    pub(super) fn resolve(&self, reference: Option<&str>, path: &str, deep: bool) -> Result<At, Failure> {
        let reference = reference.unwrap_or("HEAD");
        let tip = self.tip(reference)?;
        if let Some(tree) = State::load(&self.folder).tree(&tip.commit, path, deep) {
            return Ok(At { tip, tree });
        }
        self.fetched(reference, tip, path, deep)
    }

    /// The same, as it is by now: the remote is asked again.
    pub(super) fn resolve_anew(&self, reference: Option<&str>, path: &str) -> Result<At, Failure> {
        if let Some(name) = reference.filter(|name| !is_object_id(name)).or(reference.is_none().then_some("HEAD")) {
            let answer = self.ask(&[name.to_owned()]);
            self.looked().tips.extend(answer);
        }
        self.resolve(reference, path, false)
    }

    /// What the remote said counts no more.
    pub(super) fn forget(&self) {
        self.looked().tips.clear();
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the remote says of a ref; one look answers for all that the run's sources want.
    fn tip(&self, reference: &str) -> Result<Tip, Failure> {
        if is_object_id(reference) {
            return Ok(Tip { name: reference.to_owned(), commit: reference.to_owned() });
        }
        let mut looked = self.looked();
        if let Some(tip) = looked.tips.get(reference) {
            return tip.clone();
        }
        let mut asked: Vec<String> =
            self.wanted.iter().filter(|name| !looked.tips.contains_key(*name)).cloned().collect();
        if !asked.iter().any(|name| name == reference) {
            asked.push(reference.to_owned());
        }
        asked.retain(|name| !is_object_id(name));
        let answer = self.ask(&asked);
        looked.tips.extend(answer);
        looked.tips.get(reference).cloned().unwrap_or_else(|| Err(self.no_ref(reference)))
    }

    fn ask(&self, references: &[String]) -> BTreeMap<String, Result<Tip, Failure>> {
        match self.ls_remote(references) {
            Ok(found) => {
                let of = |name: &String| tip_of(name, &found).ok_or_else(|| self.no_ref(name));
                references.iter().map(|name| (name.clone(), of(name))).collect()
            }
            Err(failure) => references.iter().map(|name| (name.clone(), Err(failure.clone()))).collect(),
        }
    }

    /// `git ls-remote`, once.
    fn ls_remote(&self, references: &[String]) -> Result<BTreeMap<String, String>, Failure> {
        make_folder(&self.folder).map_err(|error| self.unusable(&error))?;
        let mut words = vec!["ls-remote".to_owned(), "--quiet".into()];
        let names: Vec<String> = references.iter().flat_map(|name| candidates(name)).collect();
        if names.iter().all(|name| name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) {
            // Else a server lists every pull request that it ever had.
            words.extend(["--heads".into(), "--tags".into()]);
        }
        words.extend(["--end-of-options".into(), REMOTE.into()]);
        for name in names {
            words.push(format!("{name}^{{}}"));
            words.push(name);
        }
        // There may be no mirror yet; and what lies around the folder is none.
        let call = self.remote_call(words, &self.folder.join("none"))?;
        let listed = command::output(&call, None, MAX_LIST_BYTES).map_err(|trouble| self.explain(trouble))?;
        let lines = listed.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let pairs = lines.filter_map(|line| line.split_once('\t')).filter(|(id, _)| is_object_id(id));
        Ok(pairs.map(|(id, name)| (name.to_owned(), id.to_owned())).collect())
    }

    /// Fetches, under the lock, what the run's sources want and what is not there.
    fn fetched(&self, reference: &str, tip: Tip, path: &str, deep: bool) -> Result<At, Failure> {
        self.check_version()?;
        let lock = self.lock()?;
        let mut state = State::load(&self.folder);
        if let Some(tree) = state.tree(&tip.commit, path, deep) {
            return Ok(At { tip, tree });
        }
        self.make(&mut state, tip.commit.len() == 64)?;
        let is_fetched = state.is_news(&tip) || (deep && !state.deep);
        if is_fetched {
            // With what the other sources of this run want; without blobs, which come when they are read.
            let others: Vec<Tip> = {
                let looked = self.looked();
                let names = self.wanted.iter().filter(|name| *name != reference);
                let tips = names.filter_map(|name| looked.tips.get(name)?.as_ref().ok());
                tips.filter(|other| other.name != tip.name && state.is_news(other)).cloned().collect()
            };
            let all: Vec<Tip> = std::iter::once(&tip).chain(&others).cloned().collect();
            self.fetch_tips(&all, &mut state, &lock)?;
            for other in &others {
                if let Ok(at) = self.read_tree(other, "", true) {
                    state.remember(&at, "");
                }
            }
            self.save(&state)?;
            self.pack(&lock);
        }
        let at = self.read_tree(&tip, path, is_fetched)?;
        state.remember(&at, path);
        self.save(&state)?;
        Ok(at)
    }

    fn fetch_tips(&self, tips: &[Tip], state: &mut State, lock: &File) -> Result<(), Failure> {
        let deepens = self.deep && !state.deep;
        let depth = match (self.deep, state.deep) {
            // All of it; to a mirror that is there already this says that what was cut off is wanted.
            (true, false) if self.is_shallow() => Some(ALL_OF_IT),
            (false, false) => Some("--depth=1"),
            (true, _) | (false, true) => None,
        };
        let refs: Vec<String> = tips.iter().map(Tip::refspec).collect();
        let blobless = (!state.whole).then_some("--filter=blob:none");
        // From the least that is asked for to what the plainest server has.
        let mut attempts = vec![(blobless, depth, refs.clone()), (None, depth, refs.clone()), (None, None, refs)];
        if tips.iter().any(|tip| is_object_id(&tip.name)) {
            let depth = self.is_shallow().then_some(ALL_OF_IT);
            attempts.push((blobless, depth, every_ref()));
            attempts.push((None, depth, every_ref()));
        }
        let mut first = None;
        for (filter, depth, refs) in attempts {
            let mut words = fetch_words(filter);
            words.extend(depth.map(str::to_owned));
            words.extend(["--end-of-options".into(), REMOTE.into()]);
            words.extend(refs);
            match self.fetch(&self.remote_call(words, &self.mirror())?, lock) {
                Ok(()) => {
                    state.whole |= filter.is_none();
                    state.deep |= deepens || (depth.is_none() && !self.is_shallow());
                    return Ok(());
                }
                Err(Trouble::Failed(said)) if is_refusal(&said) => _ = first.get_or_insert(Trouble::Failed(said)),
                Err(trouble) => return Err(self.explain(trouble)),
            }
        }
        Err(self.explain(first.unwrap_or(Trouble::TooMuch)))
    }

    /// Fetches blobs that are not there.
    pub(super) fn fetch_blobs(&self, ids: &[&str], tip: &Tip) -> Result<(), Failure> {
        let lock = self.lock()?;
        let mut state = State::load(&self.folder);
        self.make(&mut state, tip.commit.len() == 64)?;
        if !state.whole {
            // What a commit that is here holds is not taken for what is here.
            let mut words = vec!["-c".to_owned(), "fetch.negotiationAlgorithm=noop".into()];
            words.extend(fetch_words(Some("--filter=blob:none")));
            words.extend(["--stdin".into(), "--end-of-options".into(), REMOTE.into()]);
            let call = self.remote_call(words, &self.mirror())?;
            match self.fetch(&Call { input: Some(lines(ids)), ..call }, &lock) {
                Ok(()) => {
                    self.pack(&lock);
                    return Ok(());
                }
                Err(Trouble::Failed(said)) if is_refusal(&said) => {}
                Err(trouble) => return Err(self.explain(trouble)),
            }
        }
        // This server gives a commit with all that belongs to it, or nothing.
        let mut refused = None;
        let depths = ((!state.deep).then_some("--depth=1"), self.is_shallow().then_some(ALL_OF_IT));
        for (depth, refs) in [(depths.0, vec![tip.refspec()]), (depths.1, every_ref())] {
            let mut words = fetch_words(None);
            words.push("--refetch".into());
            words.extend(depth.map(str::to_owned));
            words.extend(["--end-of-options".into(), REMOTE.into()]);
            words.extend(refs);
            match self.fetch(&self.remote_call(words, &self.mirror())?, &lock) {
                Ok(()) => {
                    state.whole = true;
                    return self.save(&state);
                }
                // A commit that no ref names comes with those that are named. Old servers hang up without a word.
                Err(Trouble::Failed(said)) if is_object_id(&tip.name) => refused = Some(Trouble::Failed(said)),
                Err(trouble) => return Err(self.explain(trouble)),
            }
        }
        Err(self.explain(refused.unwrap_or(Trouble::TooMuch)))
    }

    fn fetch(&self, call: &Call, lock: &File) -> Result<(), Trouble> {
        self.recover().map_err(Trouble::Io)?;
        command::output(call, Some(lock), MAX_LIST_BYTES).map(drop)
    }

    /// Which of these objects the mirror has not.
    pub(super) fn missing<'a>(&self, ids: &[&'a str]) -> Result<Vec<&'a str>, Failure> {
        let words = ["cat-file", "--batch-check=%(objecttype)", "--buffer"].map(str::to_owned).to_vec();
        let call = Call { input: Some(lines(ids)), ..self.view_call(words) };
        let said = command::output(&call, None, MAX_LIST_BYTES).map_err(|trouble| self.explain(trouble))?;
        let lines = said.split(|byte| *byte == b'\n');
        Ok(ids.iter().zip(lines).filter(|(_, line)| line.ends_with(b" missing")).map(|(id, _)| *id).collect())
    }

    /// What a tree holds, as `ls-tree` says it.
    pub(super) fn list(&self, tree: &str) -> Result<Vec<u8>, Trouble> {
        let words = ["ls-tree", "-r", "-t", "-z", "--full-tree", "--end-of-options", tree];
        command::output(&self.view_call(words.map(str::to_owned).to_vec()), None, MAX_LIST_BYTES)
    }

    /// Walks from a commit back, to another one if there is one.
    pub(super) fn log(
        &self,
        from: &str,
        to: Option<&str>,
        path: &str,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Failure> {
        let mut words: Vec<String> = ["log", "--raw", "-z", "--no-abbrev", "-c", "--no-renames", "--root"]
            .into_iter()
            .chain(["--no-color", "--no-show-signature", super::history::FORMAT, "--end-of-options"])
            .map(str::to_owned)
            .collect();
        words.push(from.to_owned());
        words.extend(to.map(|to| format!("^{to}")));
        words.push("--".into());
        words.extend((!path.is_empty()).then(|| path.to_owned()));
        command::run(&self.local_call(words, &self.mirror()), None, take).map_err(|trouble| self.explain(trouble))
    }

    /// Whether one commit comes before another.
    pub(super) fn is_before(&self, old: &str, new: &str) -> bool {
        let words = ["merge-base", "--is-ancestor", "--end-of-options", old, new].map(str::to_owned).to_vec();
        command::output(&self.local_call(words, &self.mirror()), None, MAX_LIST_BYTES).is_ok()
    }

    fn mirror(&self) -> PathBuf {
        self.folder.join("mirror")
    }

    fn is_shallow(&self) -> bool {
        self.mirror().join("shallow").exists()
    }

    /// The commit that was fetched for a ref, and the tree of a folder in it.
    fn read_tree(&self, tip: &Tip, path: &str, is_fetched: bool) -> Result<At, Failure> {
        // What was fetched just now may be newer than what was told before; what was fetched long ago may be older than
        // what its name stands for by now.
        let by_name = is_fetched && !is_object_id(&tip.name);
        let commit = if by_name { tip.kept_as() } else { tip.commit.clone() };
        let folder = if path.is_empty() { format!("{commit}^{{tree}}") } else { format!("{commit}^{{commit}}:{path}") };
        let input = format!("{commit}^{{commit}}\n{folder}\n");
        let words = ["cat-file", "--batch-check=%(objecttype) %(objectname)"].map(str::to_owned).to_vec();
        let call = if by_name { self.local_call(words, &self.mirror()) } else { self.view_call(words) };
        let call = Call { input: Some(input.into_bytes()), ..call };
        let said = command::output(&call, None, MAX_LIST_BYTES).map_err(|trouble| self.explain(trouble))?;
        let said = String::from_utf8_lossy(&said);
        let mut lines = said.lines().map(|line| line.split_once(' ').unwrap_or_default());
        let commit = match lines.next() {
            Some(("commit", id)) if is_object_id(id) => id.to_owned(),
            _ => {
                let message =
                    format!("`{}` of {} is no commit: set `ref` to a branch, a tag or a commit", tip.name, self.url);
                return Err(Failure::new("git", message));
            }
        };
        let tip = Tip { name: tip.name.clone(), commit };
        match lines.next() {
            Some(("tree", id)) if is_object_id(id) => Ok(At { tip, tree: id.to_owned() }),
            _ => {
                let cure = "nothing is deleted until there is; check `path`";
                let message = format!("there is no folder `{path}` in {} at `{}`: {cure}", self.url, tip.name);
                Err(Failure::new("git", message))
            }
        }
    }

    /// Whether git is one that can do what is asked of it; looked at once in a run, and only where more than `ls-remote` is
    /// needed.
    pub(super) fn check_version(&self) -> Result<(), Failure> {
        self.version.get_or_init(|| self.look_at_version()).clone()
    }

    fn look_at_version(&self) -> Result<(), Failure> {
        make_folder(&self.folder).map_err(|error| self.unusable(&error))?;
        let call = self.local_call(vec!["version".into()], &self.folder.join("none"));
        let said = command::output(&call, None, MAX_LIST_BYTES).map_err(|trouble| self.explain(trouble))?;
        let said = String::from_utf8_lossy(&said);
        match version_of(&said) {
            Some(version) if version >= OLDEST => Ok(()),
            _ => {
                let (major, minor) = OLDEST;
                let message = format!("`{}` is too old, or no git: install git {major}.{minor} or newer", said.trim());
                Err(Failure::new("git", message))
            }
        }
    }
}

impl Tip {
    /// Where the mirror keeps it.
    fn kept_as(&self) -> String {
        let name = base16ct::lower::encode_string(&Sha256::digest(self.name.as_bytes())[..10]);
        format!("{REFS}/{name}")
    }

    fn refspec(&self) -> String {
        format!("+{}:{}", self.name, self.kept_as())
    }
}

/// The oldest git that is used.
const OLDEST: (u32, u32) = (2, 39);

/// The full names that a short one may stand for, the first the strongest: as for `git clone --branch`.
fn candidates(name: &str) -> Vec<String> {
    if name == "HEAD" || name.starts_with("refs/") {
        return vec![name.to_owned()];
    }
    vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
}

fn tip_of(name: &str, found: &BTreeMap<String, String>) -> Option<Tip> {
    candidates(name).into_iter().find_map(|name| {
        // An annotated tag is followed by the commit that it tags.
        let commit = found.get(&format!("{name}^{{}}")).or_else(|| found.get(&name))?.clone();
        Some(Tip { name, commit })
    })
}

/// All branches and tags.
fn every_ref() -> Vec<String> {
    ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:{REFS}/{kind}/*")).to_vec()
}

fn fetch_words(filter: Option<&str>) -> Vec<String> {
    let words =
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"];
    let filter = filter.unwrap_or("--no-filter");
    words.into_iter().chain(["--no-write-commit-graph", "--update-shallow", filter]).map(str::to_owned).collect()
}

/// `git version 2.47.3`, with more behind it perhaps.
fn version_of(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix("git version ")?.split(['.', ' ', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn lines(ids: &[&str]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.bytes().chain(*b"\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_refs_are_read() {
        assert_eq!(version_of("git version 2.47.3\n"), Some((2, 47)));
        assert_eq!(version_of("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version_of("hub 2.0"), None);
        let found = BTreeMap::from([
            ("refs/heads/x".to_owned(), "a".repeat(40)),
            ("refs/tags/x".to_owned(), "b".repeat(40)),
            ("refs/tags/v1".to_owned(), "c".repeat(40)),
            ("refs/tags/v1^{}".to_owned(), "d".repeat(40)),
        ]);
        let commit = |name: &str| tip_of(name, &found).map(|tip| tip.commit[..1].to_owned());
        assert_eq!(commit("x").as_deref(), Some("a"), "a branch before a tag");
        assert_eq!(commit("v1").as_deref(), Some("d"), "the commit that is tagged");
        assert_eq!(commit("y"), None);
    }
}
