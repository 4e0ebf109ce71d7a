//! Watching of real folders: whatever is done in them is heard of, and our own looks are not.

#![cfg(target_os = "linux")]

mod limits;
mod mirror;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::source::files::{Files, FilesOptions, FollowSymlinks};
use crate::source::{Known, Source};

/// What is not heard by then is not heard at all.
const DEADLINE: Duration = Duration::from_secs(20);

struct Ear {
    watcher: Watcher,
    heard: Receiver<Heard>,
}

impl Ear {
    fn at(root: &Path) -> Self {
        Self::by(root, Watch::Auto)
    }

    fn by(root: &Path, wanted: Watch) -> Self {
        let (tell, heard) = channel();
        let watcher = Watcher::start(root, wanted, move |heard| drop(tell.send(heard)));
        Self { watcher, heard }
    }

    fn native(root: &Path) -> Self {
        let ear = Self::at(root);
        assert_eq!((ear.watcher.mode(), ear.watcher.note()), (Mode::Native, None));
        ear
    }

    /// Everything up to what is waited for.
    fn until(&self, what: &str, is_it: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        let by = Instant::now() + DEADLINE;
        let mut all = Vec::new();
        loop {
            let Ok(heard) = self.heard.recv_timeout(by.saturating_duration_since(Instant::now())) else {
                panic!("{what} was not heard of; but {all:?}, and {:?}", self.watcher);
            };
            if let Heard::Paths(paths) = &heard {
                assert!((1..=MAX_PATHS).contains(&paths.len()), "{}", paths.len());
            }
            all.push(heard);
            if all.last().is_some_and(&is_it) {
                return all;
            }
        }
    }

    fn path(&self, path: &str) -> Vec<Heard> {
        self.until(path, |heard| names(heard, path))
    }

    fn something(&self) -> Vec<Heard> {
        self.until("something", |heard| *heard == Heard::Something)
    }

    /// That nothing else is heard before something that is done now.
    fn nothing(&self, root: &Path) {
        fs::write(root.join("sentinel"), "").unwrap();
        let heard = self.path("sentinel");
        assert_eq!(heard, [Heard::Paths(vec![DocPath::new("sentinel")])]);
    }

    /// Lets whatever was done until now be told. Twice: of what comes together the paths are told first.
    fn settle(&self, root: &Path) {
        self.listening(root, "settled");
        self.listening(root, "settled too");
    }

    /// Waits until names in the root are told: what is written while all is begun again is not, but is something.
    fn listening(&self, root: &Path, name: &str) {
        let by = Instant::now() + DEADLINE;
        for try_ in 0.. {
            let last = format!("{name} {try_}");
            fs::write(root.join(&last), "").unwrap();
            let until = Instant::now() + Duration::from_millis(200);
            while let Ok(heard) = self.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                if names(&heard, &last) {
                    return;
                }
            }
            assert!(Instant::now() < by, "{:?} hears nothing", self.watcher);
        }
    }
}

fn names(heard: &Heard, path: &str) -> bool {
    matches!(heard, Heard::Paths(paths) if paths.contains(&DocPath::new(path)))
}

/// A temporary folder, and a root in it with one document.
fn root() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("docs");
    fs::create_dir_all(root.join("guide")).unwrap();
    fs::write(root.join("guide/a.md"), "old").unwrap();
    (folder, root)
}

fn switch(link: &Path, target: &str) {
    let new = link.with_file_name("new link");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

/// The ways in which editors and tools replace a file.
fn saves() -> [fn(&Path, &str); 6] {
    let in_place = |file: &Path, text: &str| fs::write(file, text).unwrap();
    let by_rename = |file: &Path, text: &str| {
        let temporary = file.with_file_name(".a.md.tmp");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, file).unwrap();
    };
    let from_elsewhere = |file: &Path, text: &str| {
        let temporary = file.ancestors().nth(3).unwrap().join("elsewhere");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, file).unwrap();
    };
    let like_vim = |file: &Path, text: &str| {
        let backup = file.with_file_name("a.md~");
        fs::write(file.with_file_name("4913"), "").unwrap();
        fs::remove_file(file.with_file_name("4913")).unwrap();
        fs::rename(file, &backup).unwrap();
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::remove_file(backup).unwrap();
    };
    let anew = |file: &Path, text: &str| {
        fs::remove_file(file).unwrap();
        fs::write(file, text).unwrap();
    };
    let by_hard_link = |file: &Path, text: &str| {
        let temporary = file.with_file_name(".a.md.link");
        fs::write(&temporary, text).unwrap();
        fs::remove_file(file).unwrap();
        fs::hard_link(&temporary, file).unwrap();
        fs::remove_file(temporary).unwrap();
    };
    [in_place, by_rename, from_elsewhere, like_vim, anew, by_hard_link]
}

#[test]
fn whoever_looks_where_a_save_is_heard_sees_it() {
    let (_folder, root) = root();
    let file = root.join("guide/a.md");
    let ear = Ear::native(&root);
    for round in 0..200 {
        for (way, save) in saves().iter().enumerate() {
            let text = format!("{round} {way}");
            save(&file, &text);
            let sees = |heard: &Heard| names(heard, "guide/a.md") && fs::read_to_string(&file).unwrap() == text;
            ear.until(&text, sees);
        }
    }
}

#[test]
fn our_own_looks_are_not_heard() {
    let (_folder, root) = root();
    for at in 0..300 {
        let folder = root.join(format!("{}", at % 20));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{at}.md")), "text").unwrap();
    }
    let ear = Ear::native(&root);
    let options = FilesOptions {
        root: root.clone(),
        include: vec!["**/*.md".into()],
        exclude: vec![],
        ignore_files: vec![".gitignore".into()],
        follow_symlinks: FollowSymlinks::Inside,
        max_bytes: 1000,
    };
    let source = Source::Files(Files::open(options, || jiff::Timestamp::UNIX_EPOCH).unwrap());
    let scan = source.scan(&Known::default());
    assert_eq!((scan.documents.len(), &*scan.problems), (301, &[][..]));
    for document in &scan.documents {
        assert!(matches!(source.read(document), crate::source::Read::Content(_)));
    }
    ear.nothing(&root);
}

#[test]
fn a_file_is_told_when_it_is_written_to_its_end_or_takes_long() {
    let (_folder, root) = root();
    let ear = Ear::native(&root);
    let is_quick = |at: usize| {
        let begun = Instant::now();
        let mut slow = fs::File::create(root.join("guide/a.md")).unwrap();
        slow.write_all(b"half").unwrap();
        let other = format!("{at}.md");
        fs::write(root.join(&other), "whole").unwrap();
        let heard = ear.path(&other);
        let is_quick = begun.elapsed() < Duration::from_millis(200);
        assert!(!is_quick || !heard.iter().any(|heard| names(heard, "guide/a.md")), "{heard:?}");
        ear.path("guide/a.md");
        slow.write_all(b" and half").unwrap();
        drop(slow);
        ear.path("guide/a.md");
        is_quick
    };
    assert!((0..50).any(is_quick), "this machine is too slow to tell");
}

#[test]
fn what_is_removed_or_may_be_read_again_is_told_by_name() {
    let (_folder, root) = root();
    let ear = Ear::native(&root);
    fs::set_permissions(root.join("guide/a.md"), fs::Permissions::from_mode(0o600)).unwrap();
    ear.path("guide/a.md");
    fs::remove_file(root.join("guide/a.md")).unwrap();
    ear.path("guide/a.md");
    // Names as documents show them: composed.
    fs::write(root.join("guide/cafe\u{301}.md"), "").unwrap();
    ear.path("guide/caf\u{e9}.md");
}

#[test]
fn a_switched_root_is_followed_at_once() {
    let (folder, _) = root();
    let base = folder.path();
    for tree in ["worktrees/one", "worktrees/two"] {
        fs::create_dir_all(base.join(tree).join("guide")).unwrap();
    }
    fs::create_dir(base.join("links")).unwrap();
    symlink("links/current", base.join("docs by link")).unwrap();
    symlink("../worktrees/one", base.join("links/current")).unwrap();
    let root = base.join("docs by link");
    let ear = Ear::native(&root);
    for round in 0..20 {
        let (new, old) = if round % 2 == 0 { ("two", "one") } else { ("one", "two") };
        switch(&base.join("links/current"), &format!("../worktrees/{new}"));
        ear.something();
        ear.settle(&root);
        fs::write(base.join("worktrees").join(old).join("guide/old.md"), "").unwrap();
        fs::write(root.join("guide/new.md"), "").unwrap();
        let heard = ear.path("guide/new.md");
        assert!(!heard.iter().any(|heard| names(heard, "guide/old.md")), "{heard:?}");
    }
    // The first link of the chain as well, and one that is absolute and leads through `..`.
    let elsewhere = base.join("worktrees/two/../one");
    switch(&root, elsewhere.to_str().unwrap());
    ear.something();
    fs::write(base.join("worktrees/one/guide/b.md"), "").unwrap();
    ear.path("guide/b.md");
}

#[test]
fn a_switched_volume_of_kubernetes_is_something() {
    let (_folder, root) = root();
    let publish = |name: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("b.md"), name).unwrap();
    };
    publish("..2026_1");
    symlink("..2026_1", root.join("..data")).unwrap();
    symlink("..data/b.md", root.join("b.md")).unwrap();
    let ear = Ear::native(&root);
    publish("..2026_2");
    ear.something();
    ear.settle(&root);
    symlink("..2026_2", root.join("..data_tmp")).unwrap();
    ear.something();
    ear.settle(&root);
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    ear.something();
    assert_eq!(fs::read_to_string(root.join("b.md")).unwrap(), "..2026_2");
    fs::remove_dir_all(root.join("..2026_1")).unwrap();
    ear.something();
}

#[test]
fn a_root_that_comes_later_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("not/yet/there");
    let mut ear = Ear::native(&root);
    assert!(!ear.watcher.refresh());
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("early.md"), "").unwrap();
    ear.until("the root", |heard| *heard == Heard::Something && root.join("early.md").exists());
    ear.settle(&root);
    fs::write(root.join("late.md"), "").unwrap();
    ear.path("late.md");
    assert_eq!(ear.watcher.mode(), Mode::Native);
}

#[test]
fn a_root_that_is_removed_replaced_or_moved_is_watched_again() {
    let (folder, root) = root();
    let ear = Ear::native(&root);
    for at in 0..20 {
        fs::remove_dir_all(&root).unwrap();
        ear.something();
        fs::create_dir_all(root.join("guide")).unwrap();
        ear.something();
        ear.settle(&root);
        fs::write(root.join("guide/a.md"), at.to_string()).unwrap();
        ear.path("guide/a.md");
    }
    // An ancestor that is moved away, and the folder that takes its place.
    let (outer, other) = (folder.path().join("outer"), folder.path().join("other"));
    fs::create_dir_all(outer.join("inner/docs")).unwrap();
    let root = outer.join("inner/docs");
    let ear = Ear::native(&root);
    fs::rename(&outer, &other).unwrap();
    ear.something();
    fs::create_dir_all(other.join("inner/docs/moved away")).unwrap();
    fs::create_dir(outer.join("x").parent().unwrap()).unwrap();
    ear.something();
    fs::rename(other.join("inner"), outer.join("inner")).unwrap();
    ear.something();
    ear.settle(&root);
    fs::write(root.join("b.md"), "").unwrap();
    ear.path("b.md");
}

#[test]
fn moved_folders_are_heard_by_their_new_names_and_not_outside() {
    let (folder, root) = root();
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("in/deep")).unwrap();
    let ear = Ear::native(&root);
    let moved = |from: &Path, to: &Path| {
        fs::rename(from, to).unwrap();
        ear.something();
        ear.settle(&root);
    };
    moved(&outside.join("in"), &root.join("in"));
    fs::write(root.join("in/deep/a.md"), "").unwrap();
    ear.path("in/deep/a.md");
    moved(&root.join("in"), &root.join("guide/renamed"));
    fs::write(root.join("guide/renamed/deep/a.md"), "b").unwrap();
    ear.path("guide/renamed/deep/a.md");
    moved(&root.join("guide/renamed"), &outside.join("out"));
    fs::write(outside.join("out/deep/a.md"), "c").unwrap();
    // The name that it left is taken by another.
    fs::create_dir_all(root.join("guide/renamed/deep")).unwrap();
    ear.settle(&root);
    fs::write(outside.join("out/deep/a.md"), "d").unwrap();
    ear.nothing(&root);
    fs::write(root.join("guide/renamed/deep/b.md"), "").unwrap();
    ear.path("guide/renamed/deep/b.md");
}

#[test]
fn folders_of_tools_are_not_heard() {
    let (_folder, root) = root();
    fs::create_dir_all(root.join(".git/objects")).unwrap();
    let ear = Ear::native(&root);
    fs::create_dir_all(root.join("guide/node_modules/x")).unwrap();
    fs::write(root.join("guide/node_modules/x/readme.md"), "").unwrap();
    fs::write(root.join(".git/index"), "").unwrap();
    fs::create_dir(root.join(".git/objects/00")).unwrap();
    ear.nothing(&root);
    for (path, heard) in [("a.md", true), (".gitignore", true), (".git/a.md", false), ("a/node_modules/b/c.md", false)]
    {
        assert_eq!(is_heard(&DocPath::new(path)), heard, "{path}");
    }
}

#[test]
fn a_queue_that_ran_over_is_something_and_nothing_stays_unwatched() {
    let most: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    if most > 200_000 {
        writeln!(std::io::stderr(), "skipped: it takes too long to fill a queue of {most} events").unwrap();
        return;
    }
    let (_folder, root) = root();
    let (tell, heard) = channel();
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let watcher = Watcher::start(&root, Watch::Auto, move |heard| {
        let _ = tell.send(heard);
        let _ = gate.lock().unwrap().recv();
    });
    let ear = Ear { watcher, heard };
    fs::write(root.join("first.md"), "").unwrap();
    ear.path("first.md");
    // Nobody listens now.
    let (a, b) = (root.join("a"), root.join("b"));
    fs::write(&a, "").unwrap();
    for _ in 0..=most / 4 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    fs::create_dir_all(root.join("made/unheard")).unwrap();
    drop(open);
    ear.something();
    ear.settle(&root);
    fs::write(root.join("made/unheard/a.md"), "").unwrap();
    ear.path("made/unheard/a.md");
}

#[test]
fn a_root_that_is_another_is_found_without_an_event() {
    let (folder, root) = root();
    let link = folder.path().join("link");
    symlink("docs", &link).unwrap();
    let mut ear = Ear::by(&link, Watch::Poll);
    assert_eq!((ear.watcher.mode(), ear.watcher.note()), (Mode::Poll, None));
    assert!(!ear.watcher.refresh());
    fs::create_dir(folder.path().join("other")).unwrap();
    switch(&link, "other");
    assert!(ear.watcher.refresh() && !ear.watcher.refresh());
    fs::remove_dir(folder.path().join("other")).unwrap();
    assert!(ear.watcher.refresh() && !ear.watcher.refresh());
    symlink("circle", folder.path().join("circle")).unwrap();
    switch(&link, "circle");
    assert!(ear.watcher.refresh() && !ear.watcher.refresh());

    let mut ear = Ear::native(&root);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o710)).unwrap();
    assert!(ear.watcher.refresh(), "it may be one that may be read now");
    ear.something();
    fs::write(root.join("guide/b.md"), "").unwrap();
    ear.path("guide/b.md");
    assert!(!ear.watcher.refresh());
}

#[test]
fn what_cannot_be_relied_upon_is_polled_but_where_it_is_demanded() {
    let (_folder, root) = root();
    let mut ear = Ear::at(&root);
    ear.watcher.distrust();
    assert_eq!(ear.watcher.mode(), Mode::Poll);
    assert!(
        ear.watcher.note().unwrap().contains("not told of") && ear.watcher.note().unwrap().contains("`watch: poll`")
    );
    assert_eq!(ear.heard.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected), "its thread has ended");

    let mut ear = Ear::by(&root, Watch::Native);
    ear.watcher.distrust();
    assert_eq!(ear.watcher.mode(), Mode::Native);
    assert!(ear.watcher.note().unwrap().contains("`watch: auto`"));
    fs::write(root.join("b.md"), "").unwrap();
    ear.path("b.md");

    let mut ear = Ear::by(&root, Watch::Off);
    ear.watcher.distrust();
    assert_eq!((ear.watcher.refresh(), ear.watcher.mode(), ear.watcher.note()), (false, Mode::Off, None));
}

#[test]
fn dropping_a_watcher_ends_it() {
    let (_folder, root) = root();
    let Ear { watcher, heard } = Ear::native(&root);
    drop(watcher);
    assert_eq!(heard.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_folder_that_came_in_one_that_moved_at_once_is_watched() {
    let (_folder, root) = root();
    let (tell, heard) = channel();
    let gate = Arc::new(Mutex::new(()));
    let (shut, closed) = (gate.lock().unwrap(), Arc::clone(&gate));
    let watcher = Watcher::start(&root, Watch::Auto, move |heard| {
        drop(closed.lock());
        let _ = tell.send(heard);
    });
    // While this is being told, the thread sees nothing: what follows comes to it together.
    fs::write(root.join("guide/a.md"), "new").unwrap();
    fs::create_dir_all(root.join("guide/one/two")).unwrap();
    fs::rename(root.join("guide"), root.join("moved")).unwrap();
    drop(shut);
    let ear = Ear { watcher, heard };
    ear.until("the move", |heard| *heard == Heard::Something);
    // Told of again and again until it is quiet, so that no earlier word hides the miss.
    while ear.heard.recv_timeout(Duration::from_millis(500)).is_ok() {}
    fs::write(root.join("moved/one/two/b.md"), "text").unwrap();
    let is_it =
        |heard: &Heard| matches!(heard, Heard::Paths(paths) if paths.contains(&DocPath::new("moved/one/two/b.md")));
    ear.until("a file in it", is_it);
}
