//! What was extracted of the website's answers, kept until the cycle's end, so that a page is fetched once.
//!
//! One file that has lost its name as soon as it is open: nothing of a private website is left behind, however the process
//! ends. Bounded: what does not fit, or cannot be written, is fetched again by whoever needs it.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::page::{DocPath, Fingerprint};
use crate::source::Content;

/// Of all that is kept.
const MAX_BYTES: u64 = 1 << 30;

/// The documents of one cycle.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    max_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    file: Option<File>,
    end: u64,
    documents: HashMap<DocPath, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    start: u64,
    length: usize,
    fingerprint: Fingerprint,
}

impl Spool {
    /// In this folder, which is made when it is needed.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, max_bytes: MAX_BYTES, kept: Mutex::default() }
    }

    /// Keeps a document in place of the one of that path; `false`: there is no room.
    pub(super) fn put(&self, path: &DocPath, bytes: &[u8], fingerprint: &Fingerprint) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.documents.remove(path);
        // A full disk costs requests, and no page.
        self.append(&mut kept, path, bytes, fingerprint).unwrap_or(false)
    }

    /// What is kept of a path.
    pub(super) fn get(&self, path: &DocPath) -> Option<Content> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Place { start, length, fingerprint } = kept.documents.get(path)?.clone();
        let mut bytes = vec![0; length];
        kept.file.as_ref()?.read_exact_at(&mut bytes, start).ok()?;
        Some(Content { bytes, fingerprint: Some(fingerprint) })
    }

    fn append(&self, kept: &mut Kept, path: &DocPath, bytes: &[u8], fingerprint: &Fingerprint) -> io::Result<bool> {
        let start = kept.end;
        let end = start.saturating_add(bytes.len() as u64);
        if end > self.max_bytes {
            return Ok(false);
        }
        if kept.file.is_none() {
            kept.file = Some(nameless(&self.folder)?);
        }
        let Some(file) = &kept.file else { return Ok(false) };
        file.write_all_at(bytes, start)?;
        kept.end = end;
        let place = Place { start, length: bytes.len(), fingerprint: fingerprint.clone() };
        kept.documents.insert(path.clone(), place);
        Ok(true)
    }
}

/// A file that nobody else can open, and that goes with the process.
fn nameless(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{}.part", Uuid::now_v7()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool { max_bytes: 10, ..Spool::new(folder.path().join("spool")) };
        let print = |n: u8| Fingerprint([n].into());
        let (a, b) = (DocPath::new("a"), DocPath::new("b"));
        assert_eq!(spool.get(&a), None);
        assert!(spool.put(&a, b"one", &print(1)));
        assert!(spool.put(&b, b"two", &print(2)));
        assert!(spool.put(&a, b"3", &print(3)));
        let content = |bytes: &[u8], n| Some(Content { bytes: bytes.to_vec(), fingerprint: Some(print(n)) });
        assert_eq!((spool.get(&a), spool.get(&b)), (content(b"3", 3), content(b"two", 2)));
        assert!(!spool.put(&b, b"too much", &print(4)));
        assert_eq!(spool.get(&b), None, "an old one would be a wrong one");
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).unwrap().count(), 0);
    }
}
