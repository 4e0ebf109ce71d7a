//! What tells cheaply that a file is the same: its size, both of its times, its inode.
//!
//! Pure. The invariant: where a fingerprint is equal to an earlier one, the bytes are. A file that was written within the
//! clock's tick of the look at it could be written again without a trace, so it has none (git calls such an entry racy).

use jiff::Timestamp;
use rustix::fs::Stat;

use crate::page::Fingerprint;

/// A time of the file system: seconds and nanoseconds.
type Time = (i64, u32);

/// Two seconds: the coarsest tick of a file system that is in use (FAT).
const TICK_S: i64 = 2;

/// The part of a file's state that changes when its bytes do. The device is left out: its number changes with every
/// mount of the same file system, and between two file systems the inode's change time differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// In bytes.
    pub(super) size: u64,
    modified: Time,
    changed: Time,
    inode: u64,
}

impl Stamp {
    /// Takes it from what the system says. The types of its fields differ between systems, hence the wide conversions.
    pub(super) fn of(stat: &Stat) -> Self {
        let nanos = |ns| u32::try_from(i128::from(ns)).unwrap_or(0);
        Self {
            size: u64::try_from(i128::from(stat.st_size)).unwrap_or(0),
            modified: (stat.st_mtime, nanos(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanos(stat.st_ctime_nsec)),
            inode: stat.st_ino,
        }
    }

    /// The fingerprint, if it can be trusted; `now` is a time before the state was asked for.
    pub(super) fn fingerprint(&self, now: Timestamp) -> Option<Fingerprint> {
        let before = (now.as_second() - TICK_S, u32::try_from(now.subsec_nanosecond()).unwrap_or(0));
        if self.modified >= before || self.changed >= before {
            return None;
        }
        let mut bytes = Vec::with_capacity(40);
        bytes.extend_from_slice(&self.size.to_le_bytes());
        for (seconds, nanoseconds) in [self.modified, self.changed] {
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        }
        bytes.extend_from_slice(&self.inode.to_le_bytes());
        Some(Fingerprint(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(modified: Time, changed: Time) -> Stamp {
        Stamp { size: 4096, modified, changed, inode: 7 }
    }

    #[test]
    fn a_file_within_the_tick_or_from_the_future_is_never_trusted() {
        let now = Timestamp::new(1_000, 500).unwrap();
        assert!(stamp((998, 499), (998, 499)).fingerprint(now).is_some());
        for young in [(998, 500), (999, 0), (1_000, 500), (5_000, 0)] {
            assert_eq!(stamp(young, (1, 0)).fingerprint(now), None, "{young:?}");
            assert_eq!(stamp((1, 0), young).fingerprint(now), None, "{young:?}");
        }
        assert!(stamp((-5, 0), (998, 499)).fingerprint(now).is_some(), "a time before 1970 is a time");
    }

    #[test]
    fn each_part_counts() {
        let now = Timestamp::new(1_000, 0).unwrap();
        let base = stamp((1, 2), (3, 4));
        let others = [
            Stamp { size: 4097, ..base },
            Stamp { inode: 8, ..base },
            stamp((1, 3), (3, 4)),
            stamp((2, 2), (3, 4)),
            stamp((1, 2), (3, 5)),
            stamp((1, 2), (4, 4)),
        ];
        for other in others {
            assert_ne!(other.fingerprint(now), base.fingerprint(now), "{other:?}");
        }
        assert_eq!(base.fingerprint(now), base.fingerprint(Timestamp::new(9_000, 0).unwrap()));
    }
}
