//! The way to a root, part by part and link by link: where it leads, and what would lead it elsewhere.
//!
//! Two ways that are equal led to the same folder by the same links. Follows links as the system does and gives up where it
//! would. Must not know how anything is watched.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Stat, lstat, readlink};

/// More links than this lead in a circle: path_resolution(7).
const MAX_LINKS: usize = 40;

/// How a root is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Every name that is looked up, in order; the last is where it ends, whether or not it arrives.
    pub(super) steps: Vec<Step>,
    /// Where it arrives, absolute and without links; `None`: there is no folder.
    pub(super) real: Option<PathBuf>,
    /// The folder that it arrives at.
    end: Option<Identity>,
}

/// One name on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The folder that it is looked up in, absolute and without links.
    pub(super) folder: PathBuf,
    /// The name.
    pub(super) name: OsString,
    /// What is there.
    pub(super) found: Found,
}

/// What a name on the way stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A folder.
    Folder(Identity),
    /// A link, and what it says.
    Link(PathBuf),
    /// Nothing that leads on, or nothing at all.
    Nothing,
}

/// Device, number and mode: another mount, another folder, or one that may be entered now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64, u32);

impl Way {
    /// Looks at every part of a path.
    pub(super) fn of(root: &Path) -> Self {
        let Ok(root) = std::path::absolute(root) else { return Self::default() };
        let mut way = Self::default();
        let mut at = PathBuf::from("/");
        let mut parts: Vec<Part> = parts_of(&root);
        let mut links = 0;
        while let Some(part) = parts.pop() {
            let name = match part {
                Part::Top => {
                    at = PathBuf::from("/");
                    continue;
                }
                Part::Up => {
                    at.pop();
                    continue;
                }
                Part::Name(name) => name,
            };
            let place = at.join(&name);
            let found = Found::at(&place);
            match &found {
                Found::Folder(_) => {}
                Found::Link(target) => parts.extend(parts_of(target)),
                Found::Nothing => parts.clear(),
            }
            links += usize::from(matches!(found, Found::Link(_)));
            let is_over = found == Found::Nothing || links > MAX_LINKS;
            let is_folder = matches!(found, Found::Folder(_));
            way.steps.push(Step { folder: at.clone(), name, found });
            if is_over {
                return way;
            }
            if is_folder {
                at = place;
            }
        }
        way.end = lstat(&at).ok().map(|stat| Identity::of(&stat));
        way.real = way.end.is_some().then_some(at);
        way
    }
}

impl Found {
    fn at(place: &Path) -> Self {
        let Ok(stat) = lstat(place) else { return Self::Nothing };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Self::Folder(Identity::of(&stat)),
            FileType::Symlink => match readlink(place, Vec::new()) {
                Ok(target) => Self::Link(PathBuf::from(OsStr::from_bytes(target.as_bytes()))),
                Err(_) => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }
}

impl Identity {
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "their types differ from system to system")]
    fn of(stat: &Stat) -> Self {
        Self(stat.st_dev as u64, stat.st_ino as u64, stat.st_mode as u32)
    }
}

/// A part of a path.
enum Part {
    Top,
    Up,
    Name(OsString),
}

/// The parts of a path, the first at the end.
fn parts_of(path: &Path) -> Vec<Part> {
    let part = |component: Component<'_>| match component {
        Component::RootDir | Component::Prefix(_) => Some(Part::Top),
        Component::ParentDir => Some(Part::Up),
        Component::CurDir => None,
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
    };
    let mut parts: Vec<Part> = path.components().filter_map(part).collect();
    parts.reverse();
    parts
}
