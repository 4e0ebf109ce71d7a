//! Scans, reads and looks on real folders.

mod model;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::page::Problem;
use crate::source::{Content, Document, Known, Read, Scan};

/// A clock that is so late that every file is old enough to be trusted.
fn late() -> Timestamp {
    Timestamp::new(7_000_000_000, 0).unwrap()
}

/// A clock that is so early that every file is from the future.
fn early() -> Timestamp {
    Timestamp::new(1_000_000_000, 0).unwrap()
}

struct Tree(TempDir);

impl Tree {
    /// Makes these files, each with its own path as its text.
    fn with(paths: &[&str]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for path in paths {
            tree.write(path, path);
        }
        tree
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    fn options(&self) -> FilesOptions {
        FilesOptions {
            root: self.0.path().into(),
            include: vec!["**/*.md".into()],
            exclude: vec![],
            ignore_files: vec![],
            follow_symlinks: FollowSymlinks::Inside,
            max_bytes: 1000,
        }
    }

    fn files(&self) -> Files {
        Files::open(self.options(), late).unwrap()
    }

    fn scan(&self) -> Scan {
        self.files().scan(&Known::default())
    }
}

fn paths(scan: &Scan) -> Vec<&str> {
    scan.documents.iter().map(|document| document.path.as_str()).collect()
}

fn whole(scan: &Scan) -> Vec<&str> {
    assert_eq!(scan.problems, []);
    paths(scan)
}

/// The only problem: its path and message.
fn problem(scan: &Scan) -> (&str, &str) {
    assert_eq!(scan.problems.len(), 1, "{:?}", scan.problems);
    (&scan.problems[0].path, &scan.problems[0].message)
}

fn skipped(scan: &Scan) -> Vec<(&str, &str)> {
    scan.skipped.iter().map(|skipped| (skipped.path.as_str(), skipped.reason.as_str())).collect()
}

fn text(read: &Read) -> &str {
    match read {
        Read::Content(content) => std::str::from_utf8(&content.bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn failure(read: &Read) -> &str {
    match read {
        Read::Failed(failure) => &failure.code,
        other => panic!("{other:?}"),
    }
}

/// A document as a ledger would have it: its path and nothing else.
fn named(path: &str) -> Document {
    Document { path: DocPath::new(path), raw: None, fingerprint: None, failure: None }
}

fn look(files: &Files, path: &str) -> Result<Option<Document>, Problem> {
    files.look(&DocPath::new(path), &Known::default())
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Takes away all rights on a folder or a file; false if that does not bind us, because we are root.
fn lock(path: &Path) -> bool {
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    fs::read_dir(path).is_err() && fs::read(path).is_err()
}

#[test]
fn a_scan_lists_what_matches_in_the_order_of_paths() {
    let tree = Tree::with(&["b.md", "a/b.md", "a-b.md", "a/c/d.md", "x.txt", ".hidden.md", ".git/a.md", "a.md/b.md"]);
    fs::create_dir(tree.at("empty.md")).unwrap();
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["a-b.md", "a.md/b.md", "a/b.md", "a/c/d.md", "b.md"]);
    assert_eq!(skipped(&scan), []);
    for document in &scan.documents {
        assert!(document.raw.is_none() && document.failure.is_none() && document.fingerprint.is_some());
        assert_eq!(text(&tree.files().read(document)), document.path.as_str());
        assert_eq!(look(&tree.files(), document.path.as_str()).unwrap().as_ref(), Some(document));
    }
}

#[test]
fn a_scan_of_many_folders_finds_them_all() {
    let tree = Tree::with(&[]);
    let mut made: Vec<String> = (0..3000).map(|i| format!("d{}/e{}/{i}.md", i % 40, i % 7)).collect();
    for path in &made {
        tree.write(path, "");
    }
    made.sort_unstable();
    assert_eq!(whole(&tree.scan()), made);
}

#[test]
fn a_missing_or_empty_root_or_one_that_is_a_file_is_a_problem() {
    let tree = Tree::with(&[]);
    let (path, message) = (tree.scan().problems[0].path.clone(), tree.scan().problems[0].message.clone());
    assert!(path.is_empty() && message.contains("is empty"), "{message}");
    assert!(look(&tree.files(), "a.md").is_err());

    tree.write("file", "");
    for (root, reason) in [("gone", "not there"), ("file", "no folder")] {
        let files = Files::open(FilesOptions { root: tree.at(root), ..tree.options() }, late).unwrap();
        let scan = files.scan(&Known::default());
        assert!(problem(&scan).1.contains(reason), "{:?}", scan.problems);
        assert_eq!(look(&files, "a.md").unwrap_err(), scan.problems[0]);
        assert_eq!(failure(&files.read(&named("a.md"))), "unreadable");
    }
    assert!(problem(&tree.scan()).1.contains("matches the patterns"), "a root without a single document");
}

#[test]
fn an_unreadable_folder_is_a_problem_and_an_unreadable_file_a_failure() {
    let tree = Tree::with(&["a/b.md", "c.md", "out/d.md"]);
    if !lock(&tree.at("a")) {
        // Rights do not bind root: there is nothing to see here.
        fs::set_permissions(tree.at("a"), fs::Permissions::from_mode(0o700)).unwrap();
        return;
    }
    assert!(lock(&tree.at("out")) && lock(&tree.at("c.md")));
    let options = FilesOptions { exclude: vec!["out/**".into()], ..tree.options() };
    let files = Files::open(options, late).unwrap();
    let scan = files.scan(&Known::default());
    assert_eq!(paths(&scan), ["c.md"]);
    assert_eq!(problem(&scan).0, "a");
    assert!(problem(&scan).1.contains("permission denied"));
    assert_eq!(failure(&files.read(&scan.documents[0])), "unreadable");
    assert!(look(&files, "a/b.md").is_err() && look(&files, "c.md").unwrap().is_some());
    for path in ["a", "out"] {
        fs::set_permissions(tree.at(path), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn what_is_no_regular_file_is_skipped_and_never_waited_for() {
    let tree = Tree::with(&["a.md"]);
    fifo(&tree.at("pipe.md"));
    fifo(&tree.at("pipe.txt"));
    let _socket = std::os::unix::net::UnixListener::bind(tree.at("socket.md")).unwrap();
    tree.link("zero.md", "/dev/zero");
    tree.link("to-pipe.md", "pipe.md");
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["a.md"]);
    let skipped = skipped(&scan);
    assert_eq!(
        skipped.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
        ["pipe.md", "socket.md", "to-pipe.md", "zero.md"]
    );
    for ((_, reason), word) in skipped.iter().zip(["FIFO", "socket", "FIFO", "outside the root"]) {
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(failure(&tree.files().read(&named("pipe.md"))), "not_a_file");
    assert_eq!(failure(&tree.files().read(&named("to-pipe.md"))), "not_a_file");
    assert_eq!(failure(&tree.files().read(&named("socket.md"))), "unreadable");
    assert_eq!(look(&tree.files(), "pipe.md").unwrap(), None);
}

#[test]
fn links_are_followed_as_the_configuration_says() {
    let outside = Tree::with(&["o.md", "d/p.md"]);
    let tree = Tree::with(&["real/a.md", "b.md"]);
    tree.link("link.md", "real/a.md");
    tree.link("dir", "real");
    tree.link("absolute.md", tree.at("b.md"));
    tree.link("out.md", outside.at("o.md"));
    tree.link("outdir", outside.at("d"));
    tree.link("picture.png", outside.at("o.md"));
    tree.link("broken", "nothing");
    tree.link("circle.md", "circle.md");
    let scan = |follow_symlinks| {
        let files = Files::open(FilesOptions { follow_symlinks, ..tree.options() }, late).unwrap();
        let scan = files.scan(&Known::default());
        for document in &scan.documents {
            assert_eq!(look(&files, document.path.as_str()).unwrap().as_ref(), Some(document));
            let Read::Content(content) = files.read(document) else { panic!("{document:?} cannot be read") };
            assert_eq!(content.fingerprint, document.fingerprint);
        }
        for skipped in &scan.skipped {
            assert_eq!(look(&files, &skipped.path).unwrap(), None, "{skipped:?}");
            assert!(matches!(files.read(&named(&skipped.path)), Read::Failed(_)), "{skipped:?}");
        }
        scan
    };
    let inside = scan(FollowSymlinks::Inside);
    assert_eq!(whole(&inside), ["absolute.md", "b.md", "dir/a.md", "link.md", "real/a.md"]);
    let skipped_paths = |scan: &Scan| scan.skipped.iter().map(|s| s.path.clone()).collect::<Vec<_>>();
    assert_eq!(skipped_paths(&inside), ["broken", "circle.md", "out.md", "outdir"]);
    for ((_, reason), word) in skipped(&inside).iter().zip(["not there", "circle", "outside the root", "outside"]) {
        assert!(reason.contains(word), "{reason}");
    }
    let all = scan(FollowSymlinks::All);
    assert_eq!(paths(&all), ["absolute.md", "b.md", "dir/a.md", "link.md", "out.md", "outdir/p.md", "real/a.md"]);
    assert_eq!(skipped_paths(&all), ["circle.md"]);
    assert_eq!(all.problems[0].path, "broken", "it may have led to a folder on a mount that is gone");
    let never = scan(FollowSymlinks::Never);
    assert_eq!(whole(&never), ["b.md", "real/a.md"]);
    assert_eq!(skipped_paths(&never), ["absolute.md", "broken", "circle.md", "dir", "link.md", "out.md", "outdir"]);
}

#[test]
fn a_document_whose_link_is_broken_is_there_and_fails() {
    let tree = Tree::with(&["a.md"]);
    tree.link("b.md", "nothing");
    let scan = tree.files().scan(&Known::default());
    let broken = &scan.documents[1];
    assert_eq!((broken.path.as_str(), broken.failure.as_ref().unwrap().code.as_str()), ("b.md", "broken_link"));
    assert!(scan.problems.is_empty() && scan.skipped.is_empty());
    assert_eq!(look(&tree.files(), "b.md").unwrap().as_ref(), Some(broken), "it is not gone");
}

#[test]
fn a_link_that_leaves_the_root_after_the_scan_is_not_read() {
    let outside = Tree::with(&["secret.md", "d/a.md"]);
    let tree = Tree::with(&["a.md", "d/a.md"]);
    let scan = tree.scan();
    fs::remove_file(tree.at("a.md")).unwrap();
    tree.link("a.md", outside.at("secret.md"));
    fs::remove_dir_all(tree.at("d")).unwrap();
    tree.link("d", outside.at("d"));
    for document in &scan.documents {
        assert_eq!(failure(&tree.files().read(document)), "refused_link");
    }
    assert!(matches!(tree.files().read(&named("../x.md")), Read::Absent | Read::Failed(_)));
}

#[test]
fn links_in_a_circle_are_cut_where_they_close() {
    let tree = Tree::with(&["a/x.md", "b/y.md"]);
    tree.link("a/up", "..");
    tree.link("a/b", "../b");
    tree.link("b/a", "../a");
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["a/b/y.md", "a/x.md", "b/a/x.md", "b/y.md"]);
    let reason = "leads back to a folder that it lies in";
    assert_eq!(skipped(&scan), ["a/b/a", "a/up", "b/a/b", "b/a/up"].map(|path| (path, reason)));
    assert_eq!(look(&tree.files(), "a/up/a/x.md").unwrap(), None);
}

#[test]
fn a_config_map_volume_is_found_whole_and_each_document_once() {
    let tree = Tree::with(&["..2026_11_22/a.md", "..2026_11_22/guide/b.md", "..2026_11_22/c.txt"]);
    tree.link("..data", "..2026_11_22");
    for name in ["a.md", "guide", "c.txt"] {
        tree.link(name, Path::new("..data").join(name));
    }
    let files = tree.files();
    let before = files.scan(&Known::default());
    assert_eq!(whole(&before), ["a.md", "guide/b.md"]);
    assert_eq!(skipped(&before), []);
    assert_eq!(text(&files.read(&before.documents[1])), "..2026_11_22/guide/b.md");

    // As the kubelet switches it: the new folder, the link replaced at once, the old folder removed.
    tree.write("..2026_11_23/a.md", "..2026_11_22/A.md");
    tree.write("..2026_11_23/guide/b.md", "..2026_11_22/guide/B.md");
    tree.link("..data_tmp", "..2026_11_23");
    fs::rename(tree.at("..data_tmp"), tree.at("..data")).unwrap();
    fs::remove_dir_all(tree.at("..2026_11_22")).unwrap();
    let after = files.scan(&Known::default());
    assert_eq!(whole(&after), whole(&before));
    for (before, after) in before.documents.iter().zip(&after.documents) {
        assert_ne!(before.fingerprint, after.fingerprint);
    }
    assert_eq!(text(&files.read(&after.documents[0])), "..2026_11_22/A.md");
}

#[test]
fn a_root_that_is_a_link_is_resolved_anew_by_each_scan() {
    let tree = Tree::with(&["rev1/docs/a.md", "rev2/docs/b.md"]);
    tree.link("current", "rev1/docs");
    let files = Files::open(FilesOptions { root: tree.at("current"), ..tree.options() }, late).unwrap();
    assert_eq!(whole(&files.scan(&Known::default())), ["a.md"]);
    let root = tree::Root::open(&files).unwrap();
    assert_eq!(root.unchanged(&files), Ok(()));
    tree.link("new", "rev2/docs");
    fs::rename(tree.at("new"), tree.at("current")).unwrap();
    assert!(root.unchanged(&files).unwrap_err().message.contains("was switched"));
    assert_eq!(whole(&files.scan(&Known::default())), ["b.md"]);

    // Replaced by another folder of the same name.
    let root = tree::Root::open(&files).unwrap();
    fs::rename(tree.at("rev2"), tree.at("rev3")).unwrap();
    tree.write("rev2/docs/b.md", "");
    assert!(root.unchanged(&files).is_err());
}

#[test]
fn names_are_shown_in_nfc_and_read_as_they_are_spelled() {
    let tree = Tree::with(&["cafe\u{301}/a\u{308}.md", "b.md", "\u{212a}.md", "new\nline\u{1b}.md"]);
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["K.md", "b.md", "caf\u{e9}/\u{e4}.md", "new\nline\u{1b}.md"]);
    assert_eq!(scan.documents[2].raw.as_deref(), Some(Path::new("cafe\u{301}/a\u{308}.md")));
    assert_eq!((&scan.documents[1].raw, &scan.documents[3].raw), (&None, &None));
    for document in &scan.documents {
        assert!(matches!(tree.files().read(document), Read::Content(_)));
        assert_eq!(look(&tree.files(), document.path.as_str()).unwrap().as_ref(), Some(document));
    }
    assert_eq!(look(&tree.files(), "caf\u{e9}/\u{f6}.md").unwrap(), None);
}

#[test]
fn two_names_that_differ_by_normalisation_only_are_two_documents_of_one_path() {
    let tree = Tree::with(&["e\u{301}.md", "\u{e9}.md"]);
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["\u{e9}.md", "\u{e9}.md"]);
    assert!(scan.documents[0].raw.is_none() && scan.documents[1].raw.is_some());
    let read: Vec<_> = scan.documents.iter().map(|document| tree.files().read(document)).collect();
    assert_eq!((text(&read[0]), text(&read[1])), ("\u{e9}.md", "e\u{301}.md"));
}

#[test]
fn a_name_that_is_no_utf8_fails_its_document_and_a_folders_is_a_problem() {
    let tree = Tree::with(&["a.md"]);
    tree.write(OsStr::from_bytes(b"b\xff.md"), "");
    let scan = tree.scan();
    assert_eq!(whole(&scan), ["a.md", "b\u{fffd}.md"]);
    assert_eq!(scan.documents[1].failure.as_ref().unwrap().code, "invalid_name");
    assert_eq!(failure(&tree.files().read(&scan.documents[1])), "invalid_name");
    assert_eq!(look(&tree.files(), "b\u{fffd}.md").unwrap().as_ref(), Some(&scan.documents[1]));

    tree.write(Path::new(OsStr::from_bytes(b"d\xff")).join("a.md"), "");
    assert_eq!(problem(&tree.scan()).0, "d\u{fffd}");
}

#[test]
fn long_names_and_deep_folders_are_found_up_to_the_limit() {
    let name = "n".repeat(252) + ".md";
    let deep = vec!["deep"; 100].join("/") + "/a.md";
    let tree = Tree::with(&[&name, &deep, &vec!["x".repeat(200); 15].join("/")]);
    assert_eq!(whole(&tree.scan()), [deep.as_str(), name.as_str()]);
    tree.write("y/".repeat(130) + "a.md", "");
    assert!(problem(&tree.scan()).1.contains("folders deep"));
}

#[test]
fn a_document_over_the_limit_fails_wherever_it_is_noticed() {
    let tree = Tree::with(&["a.md"]);
    tree.write("a.md", &"x".repeat(1000));
    let scan = tree.scan();
    assert_eq!(scan.documents[0].failure, None);
    tree.write("a.md", &"x".repeat(1001));
    assert_eq!(failure(&tree.files().read(&scan.documents[0])), "too_large");
    let scan = tree.scan();
    assert_eq!(scan.documents[0].failure.as_ref().unwrap().code, "too_large");
    assert_eq!(failure(&tree.files().read(&scan.documents[0])), "too_large");
    tree.write("a.md", "small again");
    assert_eq!(text(&tree.files().read(&scan.documents[0])), "small again");
}

#[test]
fn the_fingerprint_of_a_read_is_that_of_the_scan_until_the_file_changes() {
    let tree = Tree::with(&["a.md"]);
    let files = tree.files();
    let scan = files.scan(&Known::default());
    let Read::Content(Content { fingerprint, .. }) = files.read(&scan.documents[0]) else { panic!() };
    assert_eq!((&fingerprint, fingerprint.is_some()), (&scan.documents[0].fingerprint, true));
    // Another file of the same size and age in its place: the inode tells.
    tree.write("b.tmp", "A.md");
    let modified = fs::metadata(tree.at("a.md")).unwrap().modified().unwrap();
    fs::File::options().write(true).open(tree.at("b.tmp")).unwrap().set_modified(modified).unwrap();
    fs::rename(tree.at("b.tmp"), tree.at("a.md")).unwrap();
    assert_ne!(files.scan(&Known::default()).documents[0].fingerprint, fingerprint);
}

#[test]
fn a_file_that_could_change_within_the_clocks_tick_has_no_fingerprint() {
    let tree = Tree::with(&["a.md"]);
    let files = Files::open(tree.options(), early).unwrap();
    let scan = files.scan(&Known::default());
    assert_eq!(scan.documents[0].fingerprint, None);
    let Read::Content(Content { fingerprint, .. }) = files.read(&scan.documents[0]) else { panic!() };
    assert_eq!(fingerprint, None, "a same-size edit right after this read would leave no trace");
}

#[test]
fn what_is_gone_is_absent() {
    let tree = Tree::with(&["a.md", "d/b.md", "x"]);
    let scan = tree.scan();
    fs::remove_file(tree.at("a.md")).unwrap();
    fs::remove_dir_all(tree.at("d")).unwrap();
    for document in &scan.documents {
        assert_eq!(tree.files().read(document), Read::Absent);
        assert_eq!(look(&tree.files(), document.path.as_str()).unwrap(), None);
    }
    tree.write("d", "a file where a folder was");
    assert_eq!(tree.files().read(&named("d/b.md")), Read::Absent);
    assert_eq!(look(&tree.files(), "d/b.md").unwrap(), None);
    for odd in ["", "/", "a.md/", "../a.md", "./x.md", "a\0.md", "d//b.md"] {
        assert_eq!(look(&tree.files(), odd).unwrap(), None, "{odd:?}");
    }
}

#[test]
fn excluded_is_what_the_patterns_leave_out() {
    let tree = Tree::with(&["drafts/a.md", "b.md"]);
    let options = FilesOptions { exclude: vec!["drafts/".into()], ..tree.options() };
    let files = Files::open(options, late).unwrap();
    for (path, excluded) in [("drafts/a.md", true), ("b.md", false), ("gone.md", false), ("b.txt", true)] {
        assert_eq!(files.excludes(&DocPath::new(path)), excluded, "{path}");
    }
    assert_eq!(look(&files, "drafts/a.md").unwrap(), None);
}

#[test]
fn ignore_files_are_obeyed_where_they_lie_and_only_on_request() {
    let tree = Tree::with(&["a.md", "b.md", "d/a.md", "d/b.md", "d/e/b.md", "f/a.md", "g/a.md"]);
    tree.write(".gitignore", "/a.md\nb.md\nf/\n");
    tree.write("d/.gitignore", "!b.md\na.md\n");
    tree.write("f/.gitignore", "!a.md\n");
    tree.write("d/.finmirrorignore", "!a.md\n");
    tree.write("g/.finmirrorignore/a.md", "a folder of this name is no ignore file");
    assert_eq!(whole(&tree.scan()).len(), 7);
    let open = |names: &[&str], exclude: &[&str]| {
        let ignore_files = names.iter().map(ToString::to_string).collect();
        let exclude = exclude.iter().map(ToString::to_string).collect();
        Files::open(FilesOptions { exclude, ignore_files, ..tree.options() }, late).unwrap()
    };
    let files = open(&[".gitignore", ".finmirrorignore"], &[]);
    let scan = files.scan(&Known::default());
    assert_eq!(whole(&scan), ["d/a.md", "d/b.md", "d/e/b.md", "g/a.md"]);
    for path in ["a.md", "b.md", "f/a.md"] {
        assert_eq!(look(&files, path).unwrap(), None);
        assert!(!files.excludes(&DocPath::new(path)), "that is not for the patterns to say");
    }
    let files = open(&[".gitignore"], &["d/e/", "!/a.md"]);
    assert_eq!(whole(&files.scan(&Known::default())), ["a.md", "d/b.md", "g/a.md"]);
    assert!(Files::open(FilesOptions { ignore_files: vec!["a/b".into()], ..tree.options() }, late).is_err());
}

#[test]
fn an_ignore_file_whose_rules_are_unknown_is_a_problem() {
    let tree = Tree::with(&["a.md", "d/b.md", "d/c.txt"]);
    let options = FilesOptions { ignore_files: vec![".gitignore".into()], ..tree.options() };
    let files = Files::open(options, late).unwrap();
    fs::write(tree.at("d/.gitignore"), b"caf\xe9.md\n").unwrap();
    let scan = files.scan(&Known::default());
    assert_eq!((problem(&scan).0, paths(&scan)), ("d/.gitignore", vec!["a.md"]));
    assert!(problem(&scan).1.contains("not UTF-8"));
    assert!(look(&files, "d/b.md").is_err());

    fs::write(tree.at("d/.gitignore"), "x".repeat(1 << 21)).unwrap();
    assert!(problem(&files.scan(&Known::default())).1.contains("limit"));
    fs::remove_file(tree.at("d/.gitignore")).unwrap();
    tree.link("d/.gitignore", "c.txt");
    tree.write("d/c.txt", "b.md");
    assert_eq!(whole(&files.scan(&Known::default())), ["a.md"], "a link is followed as any other");
    fs::remove_file(tree.at("d/.gitignore")).unwrap();
    tree.link("d/.gitignore", "/etc/hostname");
    assert_eq!(problem(&files.scan(&Known::default())).0, "d/.gitignore");
}

#[test]
fn a_mount_that_is_missing_is_a_problem_until_it_is_accepted() {
    let tree = Tree::with(&["a.md", "handbook/b.md", "cafe\u{301}/c.md", "out/d.md"]);
    let options = FilesOptions { exclude: vec!["out/".into()], ..tree.options() };
    let files = Files::open(options, late).unwrap();
    let known = |mounts: &[&str], accept_unmounted| Known {
        mounts: mounts.iter().map(ToString::to_string).collect(),
        accept_unmounted,
        ..Known::default()
    };
    for mount in ["handbook", "", "caf\u{e9}", "gone/for/good", "a.md"] {
        let scan = files.scan(&known(&[mount], false));
        assert_eq!(problem(&scan).0, mount);
        assert!(problem(&scan).1.contains("--accept-unmounted") && scan.mounts.is_empty());
        assert_eq!(files.scan(&known(&[mount], true)).problems, []);
    }
    assert_eq!(files.scan(&known(&["out", ".git"], false)).problems, [], "nothing of it is mirrored");

    let look = |path: &str, mounts: &[&str], accept| files.look(&DocPath::new(path), &known(mounts, accept));
    assert_eq!(look("handbook/gone.md", &["handbook"], false).unwrap_err().path, "handbook");
    assert_eq!(look("x/gone.md", &["x/y", "x"], false).unwrap_err().path, "x");
    assert_eq!(look("handbook/gone.md", &[""], false).unwrap_err().path, "");
    assert_eq!(look("handbook/gone.md", &["handbook"], true), Ok(None));
    assert_eq!(look("handbook/gone.md", &["hand", "handbook/x"], false), Ok(None), "not on the way");
}

#[test]
fn nothing_is_written_and_access_times_stay() {
    let tree = Tree::with(&["a.md", "d/b.md"]);
    let old = fs::FileTimes::new().set_accessed(std::time::UNIX_EPOCH).set_modified(std::time::UNIX_EPOCH);
    for path in ["a.md", "d/b.md", "d"] {
        fs::File::open(tree.at(path)).unwrap().set_times(old).unwrap();
    }
    let files = tree.files();
    for document in &files.scan(&Known::default()).documents {
        assert!(matches!(files.read(document), Read::Content(_)));
    }
    for path in ["a.md", "d/b.md", "d"] {
        let metadata = fs::metadata(tree.at(path)).unwrap();
        assert_eq!(metadata.modified().unwrap(), std::time::UNIX_EPOCH);
        if cfg!(target_os = "linux") {
            assert_eq!(metadata.accessed().unwrap(), std::time::UNIX_EPOCH, "{path}");
        }
    }
}

#[test]
fn what_stays_is_found_while_the_rest_of_the_tree_is_torn_about() {
    let stays: Vec<String> = (0..60).map(|i| format!("d{}/e/{i}.md", i % 6)).collect();
    let tree = Tree::with(&stays.iter().map(String::as_str).collect::<Vec<_>>());
    let files = tree.files();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let torn = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let d = tree.at(format!("d{}", rounds % 6));
                fs::create_dir_all(d.join("new/deep")).unwrap();
                fs::write(d.join("new/deep/x.md"), "").unwrap();
                fs::rename(d.join("new"), d.join("moved")).unwrap();
                fs::write(d.join("e/y.md"), "").unwrap();
                fs::rename(d.join("e/y.md"), d.join("e/z.md")).unwrap();
                fs::remove_dir_all(d.join("moved")).unwrap();
                fs::remove_file(d.join("e/z.md")).unwrap();
                rounds += 1;
            }
            rounds
        });
        for _ in 0..200 {
            let scan = files.scan(&Known::default());
            let found = paths(&scan);
            let missed = stays.iter().find(|path| found.binary_search(&path.as_str()).is_err());
            assert!(missed.is_none() || !scan.problems.is_empty(), "{missed:?} was missed unnoticed");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(torn.join().unwrap() > 0);
    });
}
