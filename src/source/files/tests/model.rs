//! The walk against a naive one: recursion over `std::fs`, and patterns tried by backtracking on the whole path.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// One pattern by the book: no state, no shortcuts.
struct Rule {
    negated: bool,
    folders_only: bool,
    parts: Vec<String>,
}

impl Rule {
    fn of(text: &str) -> Self {
        let (negated, text) = (text.starts_with('!'), text.trim_start_matches('!'));
        let (folders_only, text) = (text.ends_with('/'), text.trim_end_matches('/'));
        let mut parts: Vec<String> = text.trim_start_matches('/').split('/').map(Into::into).collect();
        if !text.contains('/') {
            parts.insert(0, "**".into());
        }
        Self { negated, folders_only, parts }
    }

    fn fits(&self, path: &[&str], dots: bool) -> bool {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        parts_fit(&parts, path, dots)
    }

    /// Whether this include pattern says something of a file: by its own path, or by that of a folder above it.
    fn includes(&self, path: &[&str]) -> bool {
        let last = self.parts.last().unwrap();
        let takes_folders = self.negated || self.folders_only || !last.contains(['*', '?', '[']);
        let dots = !self.negated;
        let above = (1..path.len())
            .any(|n| self.fits(&path[..n], dots) && !(dots && path[n..].iter().any(|name| name.starts_with('.'))));
        (!self.folders_only && self.fits(path, dots)) || (takes_folders && above)
    }
}

fn parts_fit(parts: &[&str], path: &[&str], dots: bool) -> bool {
    match (parts, path) {
        ([], []) => true,
        (["**"], []) => false,
        (["**"], names) => !(dots && names.iter().any(|name| name.starts_with('.'))),
        (["**", rest @ ..], names) => {
            let step = |n: &usize| names[..*n].iter().all(|name| !(dots && name.starts_with('.')));
            (0..=names.len()).take_while(step).any(|n| parts_fit(rest, &names[n..], dots))
        }
        ([part, parts @ ..], [name, names @ ..]) => {
            let hidden = dots && name.starts_with('.') && !part.starts_with('.');
            !hidden && name_fits(part.as_bytes(), name.as_bytes()) && parts_fit(parts, names, dots)
        }
        _ => false,
    }
}

fn name_fits(part: &[u8], name: &[u8]) -> bool {
    match (part, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|n| name_fits(rest, &name[n..])),
        ([b'?', rest @ ..], [_, names @ ..]) => name_fits(rest, names),
        ([b'[', a, b, b']', rest @ ..], [c, names @ ..]) => (c == a || c == b) && name_fits(rest, names),
        ([a, rest @ ..], [b, names @ ..]) => a == b && name_fits(rest, names),
        _ => false,
    }
}

struct Model {
    root: PathBuf,
    include: Vec<Rule>,
    exclude: Vec<Rule>,
}

impl Model {
    /// Every document beneath a folder, with the real folders on the way to it.
    fn walk(&self, folder: &Path, visible: &str, way: &[PathBuf], found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if visible.is_empty() { name.clone() } else { format!("{visible}/{name}") };
            let Ok(real) = folder.join(&name).canonicalize() else { continue };
            if !real.starts_with(&self.root) || self.excluded(&path, real.is_dir()) {
                continue;
            }
            if real.is_file() && self.included(&path) {
                found.push(path);
            } else if real.is_dir() && !way.contains(&real) {
                let way = [way, std::slice::from_ref(&real)].concat();
                self.walk(&real, &path, &way, found);
            }
        }
    }

    fn included(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        self.include.iter().rev().find(|rule| rule.includes(&path)).is_some_and(|rule| !rule.negated)
    }

    fn excluded(&self, path: &str, folder: bool) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        let mut rules = self.exclude.iter().rev().filter(|rule| folder || !rule.folders_only);
        rules.find(|rule| rule.fits(&path, false)).is_some_and(|rule| !rule.negated)
    }
}

const NAMES: [&str; 6] = ["a", "b", "ab", ".a", "a.md", ".b.md"];

fn path() -> impl Strategy<Value = String> + Clone {
    prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..5).prop_map(|parts| parts.join("/"))
}

fn pattern() -> impl Strategy<Value = String> + Clone {
    let part = prop::sample::select(vec![
        "a", "b", "ab", ".a", "**", "**", "*", "*.md", "*.md", "?", "a*", "*b*", "[ab]", ".*", ".?*", "*[db]",
    ]);
    let before = prop::sample::select(vec!["", "", "", "!", "/", "!/"]);
    let after = prop::sample::select(vec!["", "", "", "/", "/**"]);
    (before, prop::collection::vec(part, 1..4), after).prop_map(|(b, parts, a)| format!("{b}{}{a}", parts.join("/")))
}

/// Builds what of it can be built: a file where no folder is, a link where nothing is.
fn build(tree: &Tree, files: &[String], links: &[(String, String)]) {
    for path in files {
        let path = tree.at(path);
        if fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.exists() {
            fs::write(path, "").unwrap();
        }
    }
    for (path, target) in links {
        let path = tree.at(path);
        if fs::create_dir_all(path.parent().unwrap()).is_ok() && path.symlink_metadata().is_err() {
            symlink(tree.at(target), path).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_finds_what_a_naive_walk_finds(
        files in prop::collection::vec(path(), 1..20),
        links in prop::collection::vec((path(), path()), 0..4),
        include in prop::collection::vec(pattern(), 1..4),
        exclude in prop::collection::vec(pattern(), 0..3),
    ) {
        let tree = Tree::with(&[]);
        build(&tree, &files, &links);
        let include = [vec!["**/*.md".to_owned()], include].concat();
        let rules = |texts: &[String]| texts.iter().map(|text| Rule::of(text)).collect();
        let root = tree.0.path().canonicalize().unwrap();
        let model = Model { root: root.clone(), include: rules(&include), exclude: rules(&exclude) };
        let mut expected = vec![];
        model.walk(&root, "", std::slice::from_ref(&root), &mut expected);
        expected.sort_unstable();

        let files = Files::open(FilesOptions { include, exclude, ..tree.options() }, late).unwrap();
        let scan = files.scan(&Known::default());
        let readable = scan.documents.iter().filter(|document| document.failure.is_none());
        prop_assert_eq!(readable.map(|document| document.path.as_str()).collect::<Vec<_>>(), expected);
        prop_assert!(scan.problems.is_empty() || scan.documents.is_empty(), "{:?}", scan.problems);
        for document in &scan.documents {
            prop_assert!(!files.excludes(&document.path));
            prop_assert_eq!(look(&files, document.path.as_str()), Ok(Some(document.clone())));
        }
    }
}
