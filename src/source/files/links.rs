//! Where a symbolic link leads, and whether we go there.

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Stat, statat};
use rustix::io::Errno;

use super::FollowSymlinks;
use super::handles;

/// A ConfigMap's volume is switched by replacing one link and then removing its old target: a link that was broken at one
/// of this many looks only was not broken.
const LOOKS: usize = 3;

/// Where a link leads.
pub(super) enum Target {
    /// To this place, absolute and without links, that is in this state.
    At(PathBuf, Stat),
    /// To something of this kind (as far as is known) where we do not go, and why not.
    Refused(FileType, String),
    /// To something that is not there: whether it was a file or a folder is not known.
    Broken,
    /// There is nothing at this path, not even a link.
    Absent,
}

/// Follows a path with links in it as the configuration says. An error is one that leaves open where it leads.
pub(super) fn follow(path: &Path, root: &Path, policy: FollowSymlinks) -> Result<Target, Errno> {
    if policy == FollowSymlinks::Never {
        let target = statat(CWD, path, AtFlags::empty());
        let kind = target.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
        return Ok(Target::Refused(kind, "is a link, and `follow_symlinks` is `never`".into()));
    }
    let mut broken = Errno::NOENT;
    for _ in 0..LOOKS {
        match at(path) {
            Ok((_, stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {}
            Ok((real, stat)) if policy == FollowSymlinks::Inside && !real.starts_with(root) => {
                let reason = format!("is a link to `{}`, outside the root (see `follow_symlinks`)", real.display());
                return Ok(Target::Refused(FileType::from_raw_mode(stat.st_mode), reason));
            }
            Ok((real, stat)) => return Ok(Target::At(real, stat)),
            Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => broken = error,
            Err(error) => return Err(error),
        }
    }
    match handles::stat(CWD, path) {
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(Target::Absent),
        Err(error) if error != Errno::LOOP => Err(error),
        _ if broken == Errno::LOOP => Ok(Target::Refused(FileType::Unknown, "is a link that leads in a circle".into())),
        _ => Ok(Target::Broken),
    }
}

/// The path without links in it, and absolute.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, Errno> {
    path.canonicalize().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn at(path: &Path) -> Result<(PathBuf, Stat), Errno> {
    let real = canonical(path)?;
    let stat = handles::stat(CWD, real.as_path())?;
    Ok((real, stat))
}
