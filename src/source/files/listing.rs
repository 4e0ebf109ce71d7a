//! What is in a folder at one moment.
//!
//! A folder to which names come and from which they go while it is listed may hide one that stays (POSIX leaves that
//! open), so a listing counts only if the folder was the same before and after it.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, SeekFrom, fstat, seek};
use rustix::io::Errno;

use super::fingerprint::Stamp;
use super::tree::{Folder, unreadable};
use crate::page::Problem;

/// A listing under which the folder changed is made again, this often.
const LISTINGS: usize = 5;
/// A folder of more entries is not listed to its end.
pub(super) const MAX_ENTRIES: usize = 5_000_000;

/// The entries of a folder, but for itself and the one above.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Every name with its NUL, one behind the other: one allocation for all.
    names: Vec<u8>,
    /// Where a name begins, and what the folder says that it is.
    entries: Vec<(usize, FileType)>,
}

impl Listing {
    /// Lists a folder.
    pub(super) fn of(folder: &Folder) -> Result<Self, Problem> {
        let problem = |error| unreadable(folder.path(), error);
        let stamp = || fstat(&folder.fd).map(|stat| Stamp::of(&stat));
        let mut listing = Self::default();
        for _ in 0..LISTINGS {
            let before = stamp().map_err(problem)?;
            listing.names.clear();
            listing.entries.clear();
            seek(&folder.fd, SeekFrom::Start(0)).map_err(problem)?;
            each_name(&folder.fd, |name, kind| listing.add(name, kind)).map_err(problem)?;
            if listing.len() > MAX_ENTRIES {
                let message = format!("has more than {MAX_ENTRIES} entries: divide it, or exclude it");
                return Err(Problem { path: folder.path().into(), message });
            }
            if stamp().map_err(problem)? == before {
                listing.sort();
                return Ok(listing);
            }
        }
        let message = format!("changed under {LISTINGS} listings in a row: the next cycle looks again");
        Err(Problem { path: folder.path().into(), message })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn sort(&mut self) {
        let names = &self.names;
        // Each name is compared up to its NUL, which no other byte precedes: there is no need to look for it.
        self.entries.sort_unstable_by(|(a, _), (b, _)| names[*a..].cmp(&names[*b..]));
    }

    /// Names and kinds, in the order of the names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&CStr, FileType)> {
        self.entries.iter().filter_map(|(start, kind)| {
            let name = CStr::from_bytes_until_nul(&self.names[*start..]).ok()?;
            Some((name, *kind))
        })
    }

    /// Takes an entry; false when there are enough.
    fn add(&mut self, name: &CStr, kind: FileType) -> bool {
        if !matches!(name.to_bytes(), b"." | b"..") {
            self.entries.push((self.names.len(), kind));
            self.names.extend_from_slice(name.to_bytes_with_nul());
        }
        self.len() <= MAX_ENTRIES
    }
}

/// Calls for each name until it returns false. A folder that was removed while it is open has none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn each_name(folder: &OwnedFd, mut call: impl FnMut(&CStr, FileType) -> bool) -> Result<(), Errno> {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut dir = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = dir.next() {
        match entry {
            Ok(entry) if call(entry.file_name(), entry.file_type()) => {}
            Ok(_) | Err(Errno::NOENT) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn each_name(folder: &OwnedFd, mut call: impl FnMut(&CStr, FileType) -> bool) -> Result<(), Errno> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        if !call(entry.file_name(), entry.file_type()) {
            break;
        }
    }
    Ok(())
}
