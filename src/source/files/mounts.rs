//! Which folders are mounts of their own, so that one that is missing is not taken for one that was emptied.
//!
//! From `/proc/self/mountinfo`, which also knows a bind mount of the same device; where there is none, a folder whose
//! device differs from its parent's counts. Parsing is pure.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// A longer table is treated as unknown.
const MAX_TABLE_BYTES: u64 = 16 << 20;

/// The mount points of this process, at one moment.
#[derive(Debug)]
pub(super) struct Mounts(Option<Vec<PathBuf>>);

impl Mounts {
    /// Reads the system's table.
    pub(super) fn read() -> Self {
        let mut table = Vec::new();
        let read = File::open("/proc/self/mountinfo").and_then(|f| f.take(MAX_TABLE_BYTES + 1).read_to_end(&mut table));
        let whole = read.is_ok() && table.len() as u64 <= MAX_TABLE_BYTES;
        Self(whole.then(|| points(&table)))
    }

    /// Whether this folder (absolute, without links) is a mount point; `by_device` answers where there is no table.
    pub(super) fn has(&self, folder: &Path, by_device: bool) -> bool {
        match &self.0 {
            Some(points) => points.binary_search_by(|point| point.as_path().cmp(folder)).is_ok(),
            None => by_device,
        }
    }

    /// Whether both places (absolute, without links) are on one mount, as far as is known.
    pub(super) fn same(&self, a: &Path, b: &Path) -> bool {
        self.point_of(a) == self.point_of(b)
    }

    /// The mount points beneath a folder, relative to it.
    pub(super) fn beneath<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Path> {
        let points = self.0.iter().flatten().filter_map(move |point| point.strip_prefix(folder).ok());
        points.filter(|relative| !relative.as_os_str().is_empty())
    }

    fn point_of<'a>(&self, place: &'a Path) -> Option<&'a Path> {
        place.ancestors().find(|folder| self.has(folder, false))
    }
}

/// The mount points of a table in the format of proc(5), sorted: the fifth field of each line, octal escapes undone.
fn points(mountinfo: &[u8]) -> Vec<PathBuf> {
    let fields = mountinfo.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let mut points: Vec<PathBuf> = fields.map(|field| PathBuf::from(OsString::from_vec(unescape(field)))).collect();
    points.sort_unstable();
    points.dedup();
    points
}

/// Undoes `\040` and its like, which the kernel writes for spaces, tabs, newlines and backslashes.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match *after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ref behind @ ..] if byte == b'\\' => {
                bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest = behind;
            }
            _ => bytes.push(byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
90 28 254:1 /pool/a /srv/my\\040docs/a\\134b rw master:1 propagate_from:2 - ext4 /dev/vda1 rw
91 28 0:44 / /srv/docs rw - nfs4 host:/export rw
91 28 0:44 / /srv/docs rw - nfs4 host:/export rw
92 91 0:45 / /srv/docs/guide rw - tmpfs tmpfs rw
93 28 0:46 / /srv/docs-old rw - tmpfs tmpfs rw
garbage
";

    #[test]
    fn a_table_gives_its_mount_points_with_escapes_undone() {
        let mounts = Mounts(Some(points(TABLE.as_bytes())));
        for point in ["/", "/sys", "/srv/my docs/a\\b", "/srv/docs", "/srv/docs/guide", "/srv/docs-old"] {
            assert!(mounts.has(Path::new(point), false), "{point}");
        }
        for folder in ["/srv", "/srv/docs/guide/a", "", "garbage"] {
            assert!(!mounts.has(Path::new(folder), true), "{folder}");
        }
        assert_eq!(mounts.0.as_ref().unwrap().len(), 6);
    }

    #[test]
    fn the_enclosing_mount_tells_places_apart() {
        let mounts = Mounts(Some(points(TABLE.as_bytes())));
        assert!(mounts.same(Path::new("/srv/docs/a"), Path::new("/srv/docs/b/c")));
        assert!(!mounts.same(Path::new("/srv/docs/a"), Path::new("/srv/docs/guide/a")));
        assert!(!mounts.same(Path::new("/srv/docs/a"), Path::new("/srv/docs-old")));
        let beneath: Vec<_> = mounts.beneath(Path::new("/srv/docs")).collect();
        assert_eq!(beneath, [Path::new("guide")]);
    }

    #[test]
    fn without_a_table_the_device_decides() {
        let mounts = Mounts(None);
        assert!(mounts.has(Path::new("/srv"), true) && !mounts.has(Path::new("/srv"), false));
        assert!(mounts.same(Path::new("/a"), Path::new("/b")));
    }

    #[test]
    fn escapes_that_are_none_stay_as_they_are() {
        assert_eq!(unescape(b"a\\04"), b"a\\04");
        assert_eq!(unescape(b"a\\048\\\\011"), b"a\\048\\\t");
        assert_eq!(unescape(b"\\"), b"\\");
        assert_eq!(unescape(b"\\777"), b"\\777");
    }
}
