//! Patterns by example, and ignore files against git itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

fn globs(include: &[&str], exclude: &[&str]) -> Globs {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    Globs::new(&owned(include), &owned(exclude)).unwrap()
}

fn refused(include: &[&str], exclude: &[&str]) -> String {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    Globs::new(&owned(include), &owned(exclude)).unwrap_err().to_string()
}

#[test]
fn include_patterns_have_gitignores_meaning() {
    for (pattern, taken, left) in [
        ("**/*.md", &["a.md", "x/a.md", "x/y/a.md", "x.md/b.md"][..], &["a.markdown", "x.md/b.png", "amd"][..]),
        ("*.md", &["a.md", "x/y/a.md"], &["a.txt"]),
        ("/*.md", &["a.md"], &["x/a.md"]),
        ("docs/*.md", &["docs/a.md"], &["docs/x/a.md", "x/docs/a.md"]),
        ("docs/", &["docs/a.md", "x/docs/y/a.png"], &["docs", "x/docs"]),
        ("docs", &["docs", "docs/a.md", "x/docs/y/a.png"], &["docs2/a.md"]),
        ("docs/**", &["docs/a.md", "docs/x/y/a.png"], &["docs", "x/docs/a.md"]),
        ("a/**/b.md", &["a/b.md", "a/x/b.md", "a/x/y/b.md"], &["b.md", "x/a/b.md"]),
        ("**/a/*/b.md", &["a/x/b.md", "z/a/x/b.md"], &["a/b.md", "a/x/y/b.md"]),
        ("**/*.{md,markdown}", &["a.md", "x/a.markdown"], &["a.mdx", "a.{md,markdown}"]),
        ("{docs/api,guide}/**/*.md", &["docs/api/a.md", "guide/x/a.md"], &["docs/a.md", "x/guide/a.md"]),
        ("a{,b{c,d}}.md", &["a.md", "abc.md", "abd.md"], &["ab.md"]),
        ("**", &["a", "x/a.md"], &[".a", "x/.a", ".x/a"]),
        ("a**b.md", &["ab.md", "x/axxb.md"], &["a/b.md"]),
        ("[a-c]?.md", &["ax.md", "x/c1.md"], &["dx.md", "a.md"]),
        ("[!a].md", &["b.md"], &["a.md"]),
        ("[]a].md", &["].md", "a.md"], &["b.md"]),
        ("[[:digit:]x-].md", &["1.md", "x.md", "-.md"], &["a.md", ":.md"]),
        ("[{,}].md", &["{.md", ",.md"], &["a.md"]),
        ("\\{a\\}\\*.md", &["{a}*.md"], &["a*.md", "{a}b.md"]),
        ("cafe\u{301}/*.md", &["caf\u{e9}/a.md"], &[]),
    ] {
        let globs = globs(&[pattern], &[]);
        for path in taken {
            assert!(globs.takes_path(path), "{pattern} takes {path}");
        }
        for path in left {
            assert!(!globs.takes_path(path), "{pattern} leaves {path}");
        }
    }
}

#[test]
fn hidden_names_need_a_dot_of_their_own() {
    let all = globs(&["**/*.md", "docs/"], &[]);
    for path in [".a.md", ".github/a.md", "x/.git/a.md", "docs/.x/a.md", "docs/.a"] {
        assert!(!all.takes_path(path), "{path}");
    }
    let named = globs(&[".github/**/*.md", "**/.notes/*", ".*rc", "!**/draft.md"], &["**/x.md"]);
    for path in [".github/a.md", ".github/x/a.md", "y/.notes/a", ".npmrc", "y/.npmrc"] {
        assert!(named.takes_path(path), "{path}");
    }
    for path in [".github/.x/a.md", "y/.notes/.a", ".github/x.md", ".github/draft.md", ".github/.npmrc/a"] {
        assert!(!named.takes_path(path), "{path}");
    }
}

#[test]
fn the_last_pattern_decides_and_nothing_comes_back_out_of_an_excluded_folder() {
    let globs = globs(&["**/*.md", "!a/**", "a/keep/**"], &["drafts", "x/*", "!x/keep.md", "build/"]);
    for path in ["b.md", "a/keep/b.png", "x/keep.md", "build.md", "y/b.md"] {
        assert!(globs.takes_path(path), "{path}");
    }
    for path in ["a/b.md", "drafts/a.md", "x/drafts/a.md", "x/b.md", "x/y/keep.md", "build/a.md", "z/build/a.md"] {
        assert!(!globs.takes_path(path), "{path}");
    }
}

#[test]
fn folders_in_which_nothing_can_match_are_not_entered() {
    let globs = globs(&["docs/**/*.md", "*/readme.md"], &["drafts/**", "old/*", "!kept/x.md", "kept/*", "tmp/"]);
    for folder in ["docs", "docs/a/b", "other", "kept"] {
        let enters = globs.place_of(folder).is_some();
        assert_eq!(enters, folder != "kept", "{folder}");
    }
    for folder in ["other/a", "drafts", "old", "tmp", ".git", "docs/.x", "docs/tmp"] {
        assert!(globs.place_of(folder).is_none(), "{folder}");
    }
}

#[test]
fn wrong_patterns_are_refused_with_the_reason() {
    for (pattern, reason) in [
        ("", "is empty"),
        ("/", "is empty"),
        ("a//b", "empty part"),
        ("./a", "relative to the root"),
        ("a/../b", "relative to the root"),
        ("[a", "without its `]`"),
        ("a[/]b", "without its `]`"),
        ("a\\", "single backslash"),
        ("{a", "without its `}`"),
        ("a}", "without its `{`"),
        ("[[:x:]]", "does not exist"),
        (&"a/".repeat(61), "more than 60 parts"),
        (&"{a,b}".repeat(13), "more than 4096"),
        (&"x".repeat(5000), "longer than 4096"),
    ] {
        for message in [refused(&[pattern], &[]), refused(&["**"], &[pattern])] {
            assert!(message.contains(reason), "{pattern}: {message}");
            assert!(message.contains(check(pattern).unwrap_err()), "{pattern}: {message}");
        }
    }
    assert!(refused(&[], &[]).contains("names no document"));
    assert!(refused(&["!a"], &[]).contains("names no document"));
}

#[test]
fn a_pattern_that_invites_backtracking_is_quick() {
    let globs = globs(&[&("**/*a/".repeat(25) + "*b"), "*a*a*a*a*a*a*a*a*a*a*a*b"], &[]);
    assert!(!globs.takes_path(&vec!["a".repeat(250); 40].join("/")));
}

#[test]
fn ignore_files_are_read_as_git_reads_them() {
    let list = List::of_ignore_file("\u{feff}a \n#b\n\\#c\r\nd\\ \n\n  \n!e\n{f,g}\n[h\ni/\n");
    let place = Place { include: Live::default(), exclude: vec![(Arc::new(list), Live::default())] };
    let (list, _) = &place.exclude[0];
    let start = list.start();
    let says = |name: &str, folder| list.last_match(&start, name.as_bytes(), folder);
    for (name, said) in [
        ("a", Some(true)),
        ("#b", None),
        ("#c", Some(true)),
        ("d ", Some(true)),
        ("d", None),
        ("e", Some(false)),
        ("{f,g}", Some(true)),
        ("f", None),
        ("[h", None),
        ("i", None),
    ] {
        assert_eq!(says(name, false), said, "{name}");
    }
    assert_eq!(says("i", true), Some(true));
}

/// The names that make up the tree that git is asked about: two levels of folders, files in each.
const FOLDERS: [&str; 4] = ["a", "b", "ab", ".a"];
const FILES: [&str; 4] = ["b", "a.md", "ab.md", "c "];

fn tree() -> (Vec<String>, Vec<String>) {
    let mut folders: Vec<String> = FOLDERS.iter().map(ToString::to_string).collect();
    folders.extend(FOLDERS.iter().flat_map(|a| FOLDERS.map(|b| format!("{a}/{b}/"))));
    let folders: Vec<String> = folders.iter().map(|folder| folder.trim_end_matches('/').into()).collect();
    let in_folders = folders.iter().flat_map(|folder| FILES.map(|file| format!("{folder}/{file}")));
    let files = in_folders.chain(FILES.map(Into::into));
    // A folder's name is not free for a file.
    let files = files.filter(|file| !folders.contains(file)).collect();
    (folders, files)
}

fn git(folder: &Path, args: &[&str], input: &str) -> Vec<u8> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(args).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git is installed");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// What our lists leave out of the tree, with one ignore file at the root and one in the folder `a`.
fn left_out(root: &str, nested: &str, files: &[String]) -> BTreeSet<String> {
    let everything = globs(&["**", ".*", "**/.*/**", "**/.*/.*", "**/.*/.*/**", "**/.*/**/.*"], &[]);
    let mut top = everything.root();
    top.obey(List::of_ignore_file(root));
    let is_out = |path: &&String| {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut place = top.clone();
        for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
            let at_root = place.exclude.len() == 2;
            match everything.enter(&place, folder.as_bytes()) {
                Some(inside) => place = inside,
                None => return true,
            }
            if at_root && folders.split('/').next() == Some("a") {
                place.obey(List::of_ignore_file(nested));
            }
        }
        !everything.takes(&place, name.as_bytes())
    };
    files.iter().filter(is_out).cloned().collect()
}

fn pattern() -> impl Strategy<Value = String> + Clone {
    let part = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "ab", ".a", "*", "**"]),
        2 => prop::sample::select(vec!["*.md", "?", "a*", "*b*", "[ab]", "[!a]*", "[^a]", "[[:alpha:]]", "*.*"]),
        1 => prop::sample::select(vec!["\\a", "c\\ ", "[]-a]b", "{a,b}", "***", "a?.md", "[a-b]b"]),
    ];
    (
        prop::sample::select(vec!["", "", "", "!", "/", "!/"]),
        prop::collection::vec(part, 1..4),
        prop::sample::select(vec!["", "", "", "/", " ", "/**", "/*"]),
    )
        .prop_map(|(before, parts, after)| format!("{before}{}{after}", parts.join("/")))
}

#[test]
fn ignore_files_leave_out_what_git_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let (folders, files) = tree();
    for path in &folders {
        fs::create_dir_all(folder.path().join(path)).unwrap();
    }
    for path in &files {
        fs::write(folder.path().join(path), "").unwrap();
    }
    git(folder.path(), &["init", "-q"], "");
    let patterns = prop::collection::vec(pattern(), 1..5);
    proptest!(ProptestConfig::with_cases(150), |(root in patterns.clone(), nested in patterns)| {
        let (root, nested) = (root.join("\n"), nested.join("\n"));
        fs::write(folder.path().join(".gitignore"), &root).unwrap();
        fs::write(folder.path().join("a/.gitignore"), &nested).unwrap();
        let out = git(folder.path(), &["check-ignore", "--no-index", "-z", "--stdin"], &files.join("\0"));
        let theirs: BTreeSet<String> =
            out.split(|b| *b == 0).filter(|p| !p.is_empty()).map(|p| String::from_utf8_lossy(p).into_owned()).collect();
        prop_assert_eq!(left_out(&root, &nested, &files), theirs, "{:?} and in a/ {:?}", root, nested);
    });
}
