//! A commit's folder as `ls-tree -z` lists it, with the links in it followed as a file system would follow them, and never
//! out of it.
//!
//! Pure: bytes in, places out. Every name is another's input: it may be no UTF-8, hold newlines, or try to climb (`..`).

use std::cmp::Ordering;
use std::collections::HashMap;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::url::is_object_id;

/// A tree with more entries is not held in memory.
const MAX_ENTRIES: usize = 2_000_000;
/// As many links as a path may have on its way: Linux' own limit.
const MAX_HOPS: usize = 40;
/// A path with more parts, those of its links counted, leads nowhere: a few links can make a way without end in sight.
const MAX_PARTS: usize = 2000;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// A file; the flag is whether it can be run.
    File(bool),
    /// A symbolic link, whose blob is its target.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// One name in a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Box<[u8]>,
    pub(super) kind: Kind,
    /// Of the tree, the blob or the commit, in hexadecimal.
    pub(super) id: Box<str>,
}

/// Where a path leads.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// To a file, at this path without links.
    File(Vec<u8>, &'a Entry),
    /// To a folder, at this path without links.
    Folder(Vec<u8>),
    Submodule,
    /// Nothing has this path.
    Absent,
    /// A link on the way leads to nothing.
    Broken,
    /// A link on the way leads out of the tree, or in a circle; as a reason.
    Refused(String),
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// By path, without a `/` at its end; the entries by name.
    folders: HashMap<Box<[u8]>, Folder>,
    targets: HashMap<Box<str>, Box<[u8]>>,
    /// Paths that no path may be, and that are left out.
    pub(super) impossible: Vec<String>,
}

#[derive(Debug, Default)]
struct Folder {
    entries: Vec<Entry>,
    /// Whether some name is spelled otherwise than documents show it.
    has_other_spellings: bool,
}

impl Tree {
    /// Reads `git ls-tree -r -t -z`.
    pub(super) fn read(listing: &[u8]) -> Result<Self, String> {
        let mut tree = Self::default();
        tree.folders.insert(Box::default(), Folder::default());
        let mut count = 0;
        for record in listing.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
            count += 1;
            if count > MAX_ENTRIES {
                return Err(format!(
                    "the tree has more than {MAX_ENTRIES} entries: set `path` to the folder of the docs"
                ));
            }
            tree.add(record).ok_or("git lists a tree in a form that is not known")?;
        }
        for folder in tree.folders.values_mut() {
            folder.entries.sort_by(|a, b| a.name.cmp(&b.name));
            folder.has_other_spellings = folder.entries.iter().any(|entry| !is_as_shown(&entry.name));
        }
        Ok(tree)
    }

    fn add(&mut self, record: &[u8]) -> Option<()> {
        let tab = memchr::memchr(b'\t', record)?;
        let (head, path) = (std::str::from_utf8(record.get(..tab)?).ok()?, record.get(tab + 1..)?);
        let mut words = head.split(' ');
        let (mode, _, id) = (words.next()?, words.next()?, words.next()?);
        if !is_object_id(id) {
            return None;
        }
        let kind = match u32::from_str_radix(mode, 8).ok()? & 0o170_000 {
            0o040_000 => Kind::Folder,
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Submodule,
            _ => Kind::File(mode.ends_with("755")),
        };
        if path.split(|byte| *byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
            self.impossible.push(String::from_utf8_lossy(path).into_owned());
            return Some(());
        }
        let (folder, name) = match memchr::memrchr(b'/', path) {
            Some(slash) => (path.get(..slash)?, path.get(slash + 1..)?),
            None => (&[][..], path),
        };
        // Beneath a folder that is left out nothing has a place.
        let Some(parent) = self.folders.get_mut(folder) else { return Some(()) };
        parent.entries.push(Entry { name: name.into(), kind, id: id.into() });
        if kind == Kind::Folder {
            self.folders.entry(path.into()).or_default();
        }
        Some(())
    }

    /// Whether nothing at all is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries(b"").is_empty()
    }

    /// What is in a folder, by name; empty where there is none.
    pub(super) fn entries(&self, folder: &[u8]) -> &[Entry] {
        self.folders.get(folder).map_or(&[], |folder| &folder.entries)
    }

    /// Every entry, with the path of its folder.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.folders.iter().flat_map(|(path, folder)| folder.entries.iter().map(move |entry| (&**path, entry)))
    }

    /// Says where the links lead.
    pub(super) fn know(&mut self, targets: HashMap<Box<str>, Box<[u8]>>) {
        self.targets = targets;
    }

    /// Follows a path from a folder, by its own words and through links.
    pub(super) fn follow(&self, folder: &[u8], path: &[u8]) -> Place<'_> {
        let mut at = folder.to_vec();
        let mut to_do: Vec<Vec<u8>> = parts(path).rev().map(<[u8]>::to_vec).collect();
        let (mut hops, mut steps) = (0, 0);
        let absent = |hops: usize| if hops > 0 { Place::Broken } else { Place::Absent };
        while let Some(part) = to_do.pop() {
            steps += 1;
            if steps > MAX_PARTS {
                return Place::Refused("is a link that leads a long way round".into());
            }
            match &*part {
                b"." => continue,
                b".." => {
                    if at.is_empty() {
                        return Place::Refused("is a link to a place outside the folder that is mirrored".into());
                    }
                    at.truncate(memchr::memrchr(b'/', &at).unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let Some(entry) = self.named(&at, &part) else { return absent(hops) };
            match entry.kind {
                Kind::Folder => at = joined(&at, &entry.name),
                Kind::File(_) if to_do.is_empty() => return Place::File(joined(&at, &entry.name), entry),
                Kind::Submodule if to_do.is_empty() => return Place::Submodule,
                Kind::File(_) | Kind::Submodule => return absent(hops),
                Kind::Link => {
                    hops += 1;
                    if hops > MAX_HOPS {
                        return Place::Refused("is a link that leads in a circle".into());
                    }
                    let Some(target) = self.targets.get(&entry.id) else { return Place::Broken };
                    if target.first() == Some(&b'/') {
                        return Place::Refused("is a link to a place outside the repository".into());
                    }
                    to_do.extend(parts(target).rev().map(<[u8]>::to_vec));
                }
            }
        }
        Place::Folder(at)
    }

    /// The entry of a name; of names that documents show alike, the one that is spelled as asked for.
    fn named(&self, folder: &[u8], name: &[u8]) -> Option<&Entry> {
        let folder = self.folders.get(folder)?;
        let by_name = |entry: &Entry| -> Ordering { (*entry.name).cmp(name) };
        if let Ok(at) = folder.entries.binary_search_by(by_name) {
            return folder.entries.get(at);
        }
        if !folder.has_other_spellings {
            return None;
        }
        let is_same = |entry: &&Entry| std::str::from_utf8(&entry.name).is_ok_and(|text| text.nfc().eq(nfc_of(name)));
        folder.entries.iter().find(is_same)
    }
}

fn nfc_of(name: &[u8]) -> impl Iterator<Item = char> {
    std::str::from_utf8(name).unwrap_or_default().nfc()
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

/// The path of a name in a folder.
pub(super) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

fn is_as_shown(name: &[u8]) -> bool {
    name.is_ascii() || std::str::from_utf8(name).is_ok_and(is_nfc)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn tree(entries: &[(&str, &str)], links: &[(&str, &str)]) -> Tree {
        let mut listing = Vec::new();
        for (mode, path) in entries {
            listing.extend(format!("{mode} what {ID}\t{path}\0").bytes());
        }
        let mut targets = HashMap::new();
        for (at, (path, target)) in links.iter().enumerate() {
            let id = format!("{at:040}");
            listing.extend(format!("120000 blob {id}\t{path}\0").bytes());
            targets.insert(id.into(), target.as_bytes().into());
        }
        let mut tree = Tree::read(&listing).expect("it is a listing");
        tree.know(targets);
        tree
    }

    fn leads(tree: &Tree, path: &str) -> String {
        match tree.follow(b"", path.as_bytes()) {
            Place::File(path, _) => format!("file {}", String::from_utf8_lossy(&path)),
            Place::Folder(path) => format!("folder {}", String::from_utf8_lossy(&path)),
            Place::Refused(_) => "refused".into(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    #[test]
    fn links_are_followed_within_the_tree_and_never_out_of_it() {
        let entries = [("040000", "a"), ("100644", "a/x.md"), ("040000", "b"), ("160000", "sub"), ("100644", "y.md")];
        let links = [
            ("b/up", "../a"),
            ("b/file", "up/x.md"),
            ("b/out", "../../etc/passwd"),
            ("b/abs", "/etc/passwd"),
            ("b/gone", "nothing"),
            ("one", "two"),
            ("two", "one"),
            ("b/self", "."),
        ];
        let tree = tree(&entries, &links);
        for (path, expected) in [
            ("a/x.md", "file a/x.md"),
            ("b/up/x.md", "file a/x.md"),
            ("b/file", "file a/x.md"),
            ("b/up", "folder a"),
            ("b/self/self/self", "folder b"),
            ("b/out", "refused"),
            ("b/abs", "refused"),
            ("one", "refused"),
            ("b/gone", "broken"),
            ("sub", "submodule"),
            ("sub/x", "absent"),
            ("y.md/x", "absent"),
            ("nope", "absent"),
            ("", "folder "),
        ] {
            assert_eq!(leads(&tree, path), expected, "{path}");
        }
        let long = "b/../".repeat(1001) + "y.md";
        assert_eq!(leads(&tree, &long), "refused");
    }

    #[test]
    fn names_that_climb_are_left_out_with_all_beneath_them() {
        let tree = tree(&[("040000", ".."), ("100644", "../etc"), ("100644", "a//b"), ("100644", "ok.md")], &[]);
        assert_eq!((tree.impossible.len(), tree.entries(b"").len()), (3, 1));
    }

    #[test]
    fn a_name_is_found_however_it_is_composed() {
        let tree = tree(&[("100644", "cafe\u{301}.md"), ("100644", "a\nb.md")], &[]);
        assert_eq!(leads(&tree, "caf\u{e9}.md"), "file cafe\u{301}.md");
        assert_eq!(leads(&tree, "a\nb.md"), "file a\nb.md");
        assert!(Tree::read(b"nonsense\0").is_err() && Tree::read(b"").expect("empty").is_empty());
    }
}
