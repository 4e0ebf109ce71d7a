//! A copy that is kept by what is heard alone: it is the folder, whatever is done in it and however fast.

use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;

use super::*;

/// The files of a folder by their paths, and what they hold.
#[derive(Default, PartialEq)]
struct Mirror(BTreeMap<String, String>);

impl Mirror {
    fn whole(root: &Path) -> Self {
        let mut mirror = Self::default();
        mirror.read(root, Path::new(""));
        mirror
    }

    /// Reads everything in a folder that is there to be read.
    fn read(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.read(root, &path);
            } else if let Ok(text) = fs::read_to_string(root.join(&path)) {
                self.0.insert(path.to_str().unwrap().into(), text);
            }
        }
    }

    fn hear(&mut self, root: &Path, heard: &Heard) {
        match heard {
            Heard::Something => *self = Self::whole(root),
            Heard::Paths(paths) => {
                for path in paths {
                    match fs::read_to_string(root.join(path.as_str())) {
                        Ok(text) => drop(self.0.insert(path.as_str().into(), text)),
                        Err(_) => drop(self.0.remove(path.as_str())),
                    }
                }
            }
        }
    }

    /// Hears until it is the folder as it is now.
    fn catch_up(&mut self, root: &Path, ear: &Ear) {
        let by = Instant::now() + DEADLINE;
        let now = Self::whole(root);
        while *self != now {
            let Ok(heard) = ear.heard.recv_timeout(by.saturating_duration_since(Instant::now())) else {
                let wrong: Vec<_> = now.0.iter().filter(|(path, text)| self.0.get(*path) != Some(text)).collect();
                let over: Vec<_> = self.0.keys().filter(|path| !now.0.contains_key(*path)).collect();
                panic!("{} of {} are missing or old: {wrong:?}; gone: {over:?}", wrong.len(), now.0.len());
            };
            self.hear(root, &heard);
        }
    }
}

#[test]
fn nothing_in_new_folders_is_missed() {
    let (_folder, root) = root();
    let (tell, told) = channel();
    let mirror = Arc::new(Mutex::new(Mirror::whole(&root)));
    // Looks before anything else can happen to the watches: what comes later must be told again.
    let looks = (Arc::clone(&mirror), root.clone());
    let watcher = Watcher::start(&root, Watch::Auto, move |heard| {
        looks.0.lock().unwrap().hear(&looks.1, &heard);
        let _ = tell.send(());
    });
    thread::scope(|scope| {
        for writer in 0..2 {
            let root = &root;
            scope.spawn(move || {
                for tree in 0..150 {
                    let mut folder = root.join(format!("{writer} {tree}"));
                    for depth in 0..6 {
                        fs::create_dir(&folder).unwrap();
                        fs::write(folder.join("a.md"), format!("{tree} {depth}")).unwrap();
                        folder.push("deeper");
                    }
                }
            });
        }
    });
    let now = Mirror::whole(&root);
    assert_eq!(now.0.len(), 2 * 150 * 6 + 1);
    let by = Instant::now() + DEADLINE;
    while *mirror.lock().unwrap() != now {
        let waited = told.recv_timeout(by.saturating_duration_since(Instant::now()));
        assert!(waited.is_ok(), "{} of {} were seen, by {watcher:?}", mirror.lock().unwrap().0.len(), now.0.len());
    }
}

/// What may be done to a tree of a few names; what is not possible is not done.
#[derive(Clone, Debug)]
enum Deed {
    Write(String),
    Save(String),
    Rename(String, String),
    Remove(String),
    MakeFolder(String),
    MoveOut(String),
    MoveIn(String),
    Look,
}

impl Deed {
    fn any() -> impl Strategy<Value = Self> {
        let path = || {
            proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..4)
                .prop_map(|names| names.join("/"))
        };
        prop_oneof![
            3 => path().prop_map(Self::Write),
            3 => path().prop_map(Self::Save),
            4 => (path(), path()).prop_map(|(from, to)| Self::Rename(from, to)),
            2 => path().prop_map(Self::Remove),
            4 => path().prop_map(Self::MakeFolder),
            1 => path().prop_map(Self::MoveOut),
            1 => path().prop_map(Self::MoveIn),
            2 => Just(Self::Look),
        ]
    }

    fn is_done(&self, root: &Path, at: usize) -> bool {
        let outside = root.with_file_name("outside");
        match self {
            Self::Write(path) => fs::write(root.join(path), at.to_string()).is_ok(),
            Self::Save(path) => {
                fs::write(root.join("saved"), at.to_string()).is_ok()
                    && fs::rename(root.join("saved"), root.join(path)).is_ok()
            }
            Self::Rename(from, to) => fs::rename(root.join(from), root.join(to)).is_ok(),
            Self::Remove(path) => {
                fs::remove_file(root.join(path)).or_else(|_| fs::remove_dir_all(root.join(path))).is_ok()
            }
            Self::MakeFolder(path) => fs::create_dir_all(root.join(path)).is_ok(),
            Self::MoveOut(path) => fs::rename(root.join(path), outside).is_ok(),
            Self::MoveIn(path) => fs::rename(outside, root.join(path)).is_ok(),
            Self::Look => true,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_is_heard(deeds in proptest::collection::vec(Deed::any(), 1..60)) {
        let (_folder, root) = root();
        let ear = Ear::native(&root);
        let mut mirror = Mirror::whole(&root);
        for (at, deed) in deeds.iter().enumerate() {
            deed.is_done(&root, at);
            if matches!(deed, Deed::Look) {
                mirror.catch_up(&root, &ear);
            }
        }
        mirror.catch_up(&root, &ear);
    }
}
