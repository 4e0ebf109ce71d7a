//! One path looked at anew, directly before its page is deleted: absent is said only where it is sure.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::FileType;

use super::Files;
use super::listing::Listing;
use super::mounts::Mounts;
use super::tree::{Entered, Entry, Folder, Name, Root, Visit};
use super::walk::{not_empty, unmounted};
use crate::page::{DocPath, Problem};
use crate::source::{Document, Known};

/// The characters of ASCII that are the normal form of another one (the Kelvin sign is a `K`): a name with one of them
/// may be spelled otherwise, as may any name beyond ASCII.
const SPELLED_TWICE: [char; 3] = ['K', ';', '`'];

impl Files {
    /// Looks for one path by the rules of a scan.
    pub(in crate::source) fn look(&self, path: &DocPath, known: &Known) -> Result<Option<Document>, Problem> {
        if self.excludes(path) {
            return Ok(None);
        }
        let now = (self.now)();
        let mounts = Mounts::read();
        let root = Root::open(self)?;
        let visit = Visit { files: self, root: &root, mounts: &mounts, now };
        let top = Arc::new(visit.top()?);
        not_empty(&root, &Listing::of(&top)?)?;
        let mut passed = vec![Arc::clone(&top)];
        let found = visit.descend(top, path, &mut passed)?;

        let after = Mounts::read();
        let mounted = |mount: &String| {
            let folder = passed.iter().find(|folder| folder.path() == mount);
            let mounted = folder.and_then(|folder| folder.mounted.as_ref());
            mounted.is_some_and(|mounted| mounted.holds(&root, &after))
                || (mount == path.as_str() && after.beneath(&root.real).any(|file| file == Path::new(mount)))
        };
        let mut on_the_way = known.mounts.iter().filter(|mount| is_on_the_way(mount, path.as_str()));
        if !known.accept_unmounted
            && let Some(missing) = on_the_way.find(|mount| !mounted(mount))
        {
            return Err(unmounted(missing));
        }
        root.unchanged(self)?;
        Ok(found)
    }
}

impl Visit<'_> {
    /// Takes the steps of a path one by one; every folder that was entered is added to `passed`.
    fn descend(
        &self,
        top: Arc<Folder>,
        path: &DocPath,
        passed: &mut Vec<Arc<Folder>>,
    ) -> Result<Option<Document>, Problem> {
        let mut folder = top;
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            match (self.named(&folder, part)?, parts.peek()) {
                (Entry::Document(document), None) => return Ok(Some(document)),
                (Entry::Folder(step), Some(_)) => match self.enter(&folder, step)? {
                    Entered::Folder(entered) => folder = Arc::new(entered),
                    Entered::Skipped(_) => return Ok(None),
                    Entered::Changed => {
                        let message = "was replaced while it was looked at: the next cycle looks again".into();
                        return Err(Problem { path: path.as_str().into(), message });
                    }
                },
                _ => return Ok(None),
            }
            passed.push(Arc::clone(&folder));
        }
        Ok(None)
    }

    /// The entry that is shown by this name, however it is spelled.
    fn named(&self, folder: &Folder, part: &str) -> Result<Entry, Problem> {
        let Ok(name) = CString::new(part) else { return Ok(Entry::Absent) };
        if matches!(part, "" | "." | "..") {
            return Ok(Entry::Absent);
        }
        let entry = self.entry(folder, &name, FileType::Unknown)?;
        if !matches!(entry, Entry::Absent) || (part.is_ascii() && !part.contains(SPELLED_TWICE)) {
            return Ok(entry);
        }
        let listing = Listing::of(folder)?;
        match listing.entries().find(|(name, _)| Name::of(name.to_bytes()).shown == part) {
            Some((name, kind)) => self.entry(folder, name, kind),
            None => Ok(Entry::Absent),
        }
    }
}

/// Whether a mount (empty for the root) is this path or a folder above it.
fn is_on_the_way(mount: &str, path: &str) -> bool {
    mount.is_empty() || path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_that_may_be_spelled_otherwise_is_known() {
        let mut found: Vec<char> = ('\u{80}'..=char::MAX)
            .filter_map(|c| {
                let text = c.to_string();
                let shown = Name::of(text.as_bytes()).shown.into_owned();
                shown.is_ascii().then(|| shown.chars().next()).flatten()
            })
            .collect();
        found.sort_unstable();
        let mut known = SPELLED_TWICE.to_vec();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn a_mount_is_on_the_way_by_whole_names() {
        for (mount, path, on) in
            [("", "a", true), ("a", "a/b", true), ("a", "a", true), ("a", "ab/c", false), ("a/b", "a", false)]
        {
            assert_eq!(is_on_the_way(mount, path), on, "{mount} {path}");
        }
    }
}
