//! Reading one file: whole, of one moment, and never from beyond the places that a scan would go to.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use super::fingerprint::Stamp;
use super::handles::{FILE, reason};
use super::links::{self, Target};
use super::tree::{Root, too_large};
use super::{Files, FollowSymlinks};
use crate::page::{DocPath, Failure};
use crate::source::{Content, Document, Probe, Read};

/// A file that changes under each of this many readings is left for the next cycle.
const TRIES: usize = 3;
/// A longer ignore file is no ignore file.
const MAX_IGNORE_FILE_BYTES: u64 = 1 << 20;
/// What is set aside for a file at first, whatever size it claims.
const MAX_FIRST_BYTES: u64 = 1 << 20;

enum Trouble {
    Absent,
    Failed(Failure),
}

impl Files {
    /// Reads a document.
    pub(in crate::source) fn read(&self, document: &Document) -> Read {
        if let Some(failure) = document.failure.as_ref().filter(|failure| failure.code == "invalid_name") {
            return Read::Failed((**failure).clone());
        }
        let root = match Root::open(self) {
            Ok(root) => root,
            Err(problem) => return Read::Failed(Failure::new("unreadable", problem.message)),
        };
        let path = document.raw.as_deref().unwrap_or(Path::new(document.path.as_str()));
        let open = || self.open_file(&root, &root.fd, path, &root.real.join(path));
        match self.read_steadily(self.options.max_bytes, open) {
            Ok(content) => Read::Content(content),
            Err(Trouble::Absent) => Read::Absent,
            Err(Trouble::Failed(failure)) => Read::Failed(failure),
        }
    }

    /// Glances at a file, by the rules of [`Self::read`].
    pub(in crate::source) fn probe(&self, path: &DocPath) -> Probe {
        let Ok(root) = Root::open(self) else { return Probe::Absent };
        let now = (self.now)();
        let relative = Path::new(path.as_str());
        let opened = self.open_file(&root, &root.fd, relative, &root.real.join(relative));
        match opened.and_then(|file| stamp(&File::from(file))) {
            Ok(stamp) => Probe::Present(stamp.fingerprint(now)),
            Err(_) => Probe::Absent,
        }
    }

    /// Reads an ignore file in a folder, if there is one.
    pub(super) fn read_ignore_file(
        &self,
        root: &Root,
        folder: &OwnedFd,
        real: &Path,
        name: &str,
    ) -> Result<Option<String>, String> {
        let open = || self.open_file(root, folder, Path::new(name), &real.join(name));
        let cure = |why: &str| format!("its rules cannot be read: {why}: mend or remove the file");
        match self.read_steadily(MAX_IGNORE_FILE_BYTES, open) {
            Ok(content) => String::from_utf8(content.bytes).map(Some).map_err(|_| cure("it is not UTF-8")),
            Err(Trouble::Absent) => Ok(None),
            // git takes a folder of this name for no ignore file, too.
            Err(Trouble::Failed(failure)) if failure.code == "not_a_file" => Ok(None),
            Err(Trouble::Failed(failure)) => Err(cure(&failure.message)),
        }
    }

    /// Opens a file relative to a folder; if there is a link on the way, by its path, judged as a scan judges it.
    fn open_file(&self, root: &Root, folder: impl AsFd, relative: &Path, absolute: &Path) -> Result<OwnedFd, Trouble> {
        let opened = match self.opener.open_beneath(folder, relative, FILE) {
            Err(Errno::LOOP | Errno::NOTDIR) => {
                match links::follow(absolute, &root.real, self.options.follow_symlinks) {
                    Err(error) => Err(error),
                    Ok(Target::Absent) => return Err(Trouble::Absent),
                    Ok(Target::Broken) => {
                        let reason = "is a link to something that is not there";
                        return Err(Trouble::Failed(Failure::new("broken_link", reason)));
                    }
                    Ok(Target::Refused(_, reason)) => {
                        return Err(Trouble::Failed(Failure::new("refused_link", reason)));
                    }
                    Ok(Target::At(real, _)) => match real.strip_prefix(&root.real) {
                        Ok(beneath) => self.opener.open_beneath(&root.fd, beneath, FILE),
                        Err(_) if self.options.follow_symlinks == FollowSymlinks::All => {
                            self.opener.open_anywhere(&real, FILE)
                        }
                        Err(_) => Err(Errno::LOOP),
                    },
                }
            }
            opened => opened,
        };
        opened.map_err(|error| match error {
            Errno::NOENT => Trouble::Absent,
            error => unreadable(&reason(error)),
        })
    }

    /// Reads until the state before and after is the same, so that the fingerprint is that of these very bytes.
    fn read_steadily(&self, max_bytes: u64, open: impl Fn() -> Result<OwnedFd, Trouble>) -> Result<Content, Trouble> {
        for _ in 0..TRIES {
            let now = (self.now)();
            let file = File::from(open()?);
            let before = stamp(&file)?;
            if before.size > max_bytes {
                return Err(Trouble::Failed(too_large(before.size, max_bytes)));
            }
            let first = before.size.min(MAX_FIRST_BYTES) + 1;
            let mut bytes = Vec::with_capacity(usize::try_from(first).unwrap_or(0));
            (&file)
                .take(max_bytes.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|error| unreadable(&error.to_string()))?;
            let read = bytes.len() as u64;
            if read > max_bytes {
                return Err(Trouble::Failed(too_large(read, max_bytes)));
            }
            if before == stamp(&file)? && read == before.size {
                return Ok(Content { bytes, fingerprint: before.fingerprint(now) });
            }
        }
        let message = format!("changed under {TRIES} readings in a row: the next cycle reads it again");
        Err(Trouble::Failed(Failure::new("changing", message)))
    }
}

fn stamp(file: &File) -> Result<Stamp, Trouble> {
    let stat = fstat(file).map_err(|error| unreadable(&reason(error)))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Stamp::of(&stat)),
        _ => Err(Trouble::Failed(Failure::new(
            "not_a_file",
            "is no regular file any more: put the file back, or exclude it",
        ))),
    }
}

fn unreadable(why: &str) -> Trouble {
    let message = format!("cannot be read: {why}: let the user that runs finmirror read it, or exclude it");
    Trouble::Failed(Failure::new("unreadable", message))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::cell::Cell;

    use jiff::Timestamp;

    use super::*;
    use crate::source::files::FilesOptions;

    /// Its size is always zero and its bytes are not: what a file looks like that grows while it is read.
    const GROWING: &str = "/proc/version";

    fn files(max_bytes: u64) -> Files {
        let options = FilesOptions {
            root: "/proc".into(),
            include: vec!["**".into()],
            exclude: vec![],
            ignore_files: vec![],
            follow_symlinks: FollowSymlinks::Inside,
            max_bytes,
        };
        Files::open(options, || Timestamp::MAX).expect("the patterns are right")
    }

    /// Reads a file that grows during the first of the readings, and counts them.
    fn read_growing(files: &Files, times: u32, then: &Path) -> (Result<Content, Trouble>, u32) {
        let opened = Cell::new(0);
        let read = files.read_steadily(files.options.max_bytes, || {
            opened.set(opened.get() + 1);
            let path = if opened.get() <= times { Path::new(GROWING) } else { then };
            Ok(File::open(path).expect("the file is there").into())
        });
        (read, opened.get())
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_again() {
        let steady = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(steady.path(), "steady").expect("the file can be written");
        let (read, readings) = read_growing(&files(1000), 2, steady.path());
        assert!(matches!(read, Ok(content) if content.bytes == b"steady" && content.fingerprint.is_some()));
        assert_eq!(readings, 3);
        let (read, readings) = read_growing(&files(1000), 3, steady.path());
        assert!(matches!(read, Err(Trouble::Failed(failure)) if failure.code == "changing"));
        assert_eq!(readings, 3);
    }

    #[test]
    fn a_file_that_grows_over_the_limit_while_it_is_read_fails() {
        let (read, readings) = read_growing(&files(5), 3, Path::new(GROWING));
        assert!(matches!(read, Err(Trouble::Failed(failure)) if failure.code == "too_large"));
        assert_eq!(readings, 1);
    }
}
