//! Which commit last changed each file, by one walk of the history, from where the last one stopped.
//!
//! A commit is believed only where the blob that it made is the one that is there: a change that a merge threw away is none.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::url::is_object_id;
use crate::page::Commit;

/// Longer output of `git log` between two ends of a record is none that git writes.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// The last commits of the files of one folder, as of one commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// The commit.
    pub(super) tip: String,
    /// By path from the folder: the blob, and who made it so.
    pub(super) files: HashMap<String, Change>,
}

/// A file's last change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    blob: String,
    commit: String,
    at: i64,
}

/// A walk under way: fed with what `git log` says.
pub(super) struct Walk<'a> {
    /// The folder with a `/` at its end, or nothing.
    prefix: &'a str,
    /// What is still looked for: the blob of each path.
    wanted: HashMap<&'a str, &'a str>,
    found: HashMap<String, Change>,
    rest: Vec<u8>,
    commit: String,
    at: i64,
    /// The blob of the change whose path comes next; empty where it is not told.
    blob: Option<String>,
}

/// What `git log` is asked to say: the commit behind a byte that begins no path and no change, then its changes.
pub(super) const FORMAT: &str = "--format=%x01%H %ct";

impl<'a> Walk<'a> {
    pub(super) fn new(prefix: &'a str, wanted: HashMap<&'a str, &'a str>) -> Self {
        let (found, rest, commit) = (HashMap::new(), Vec::new(), String::new());
        Self { prefix, wanted, found, rest, commit, at: 0, blob: None }
    }

    /// Takes some of what `git log --raw -z` says; `false` once nothing is looked for any more.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut from = 0;
        while let Some(end) = rest.get(from..).and_then(|rest| memchr::memchr(0, rest)) {
            let record = rest.get(from..from + end).unwrap_or_default();
            self.record(record);
            from += end + 1;
        }
        self.rest = rest.get(from..).unwrap_or_default().to_vec();
        if self.rest.len() > MAX_RECORD_BYTES {
            self.rest.clear();
        }
        !self.wanted.is_empty()
    }

    /// What was found, and the paths that were not.
    pub(super) fn end(self) -> (HashMap<String, Change>, Vec<String>) {
        (self.found, self.wanted.into_keys().map(str::to_owned).collect())
    }

    fn record(&mut self, record: &[u8]) {
        if let Some(blob) = self.blob.take() {
            let Ok(path) = std::str::from_utf8(record) else { return };
            let Some(path) = path.strip_prefix(self.prefix) else { return };
            if self.wanted.get(path).is_some_and(|wanted| *wanted == blob) {
                self.wanted.remove(path);
                let change = Change { blob, commit: self.commit.clone(), at: self.at };
                self.found.insert(path.to_owned(), change);
            }
            return;
        }
        // A commit's line ends with a NUL or, before its changes, with a newline, according to git's version.
        for line in record.split(|byte| *byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            if let Some((id, at)) = line.strip_prefix('\u{1}').and_then(|line| line.split_once(' ')) {
                id.clone_into(&mut self.commit);
                self.at = at.trim().parse().unwrap_or_default();
            } else if line.starts_with(':') {
                self.blob = Some(blob_of(line).unwrap_or_default());
            }
        }
    }
}

/// The blob that `:MODE MODE ID ID STATUS` ends with; of a merge there are more modes and ids, one for each parent.
fn blob_of(change: &str) -> Option<String> {
    let parents = change.bytes().take_while(|byte| *byte == b':').count();
    let words: Vec<&str> = change.trim_start_matches(':').split(' ').collect();
    words.get(2 * parents + 1).filter(|id| is_object_id(id)).map(|id| (*id).to_owned())
}

impl History {
    /// What is known of all files, if with these news it is: what did not change since is as it was.
    pub(super) fn with(
        mut self,
        news: HashMap<String, Change>,
        others: &[String],
        blobs: &HashMap<&str, &str>,
    ) -> Option<HashMap<String, Change>> {
        let mut files = news;
        for path in others {
            let (path, change) = self.files.remove_entry(path)?;
            if blobs.get(path.as_str()) != Some(&change.blob.as_str()) {
                return None;
            }
            files.insert(path, change);
        }
        Some(files)
    }

    /// The last commit of a file that is this blob.
    pub(super) fn commit(&self, path: &str, blob: &str) -> Option<Commit> {
        let change = self.files.get(path).filter(|change| change.blob == blob)?;
        Some(Commit { id: change.commit.clone(), at: change.at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_commit_that_made_the_present_blob_is_the_last_one() {
        let (old, new, id) = ("a".repeat(40), "b".repeat(40), |c: char| c.to_string().repeat(40));
        let log = [
            format!("\u{1}{} 30\0\n::100644 100644 100644 {old} {old} {new} MM\0d/merged.md\0", id('1')),
            format!(
                "\u{1}{} 20\0\n:100644 100644 {old} {old} M\0d/x.md\0:100644 000000 {old} {} D\0d/gone.md\0",
                id('2'),
                id('0')
            ),
            format!(
                "\u{1}{} 10\0\n:000000 100644 {} {new} A\0d/x.md\0:000000 100644 {} {new} A\0e/x.md\0",
                id('3'),
                id('0'),
                id('0')
            ),
        ]
        .concat();
        let wanted = HashMap::from([("x.md", new.as_str()), ("merged.md", new.as_str()), ("never.md", new.as_str())]);
        let mut walk = Walk::new("d/", wanted);
        log.as_bytes().chunks(7).for_each(|part| {
            walk.take(part);
        });
        let (files, missing) = walk.end();
        let history = History { tip: id('1'), files };
        let commit = |path: &str| history.commit(path, &new).map(|commit| (commit.id, commit.at));
        assert_eq!(commit("x.md"), Some((id('3'), 10)));
        assert_eq!(commit("merged.md"), Some((id('1'), 30)));
        assert_eq!(missing, ["never.md"]);
        assert_eq!(history.commit("x.md", &old), None);
    }
}
