//! The source against real repositories in folders of this machine.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::site::Tree as _;
use crate::source::Skipped;

/// A repository, and the folder in which mirrors lie.
struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self::with(&["--object-format=sha1"])
    }

    fn with(words: &[&str]) -> Self {
        let rig = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(rig.path("repo")).expect("a folder");
        rig.git(&[&["init", "-q", "-b", "main"], words].concat());
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, words: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "protocol.file.allow=always",
                "-c",
                "advice.detachedHead=false",
            ])
            .args(words)
            .current_dir(self.path("repo"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git is there");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path("repo").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("it can be written");
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn options(&self) -> GitOptions {
        GitOptions {
            url: self.path("repo").to_str().expect("UTF-8").to_owned(),
            reference: Some("main".into()),
            path: String::new(),
            include: vec!["**/*.md".into()],
            exclude: vec![],
            max_bytes: 1000,
            credentials: Credentials::default(),
            timeout: Duration::from_mins(1),
            wants_commits: false,
            environment: Environment::of(|_| None),
        }
    }

    fn repositories(&self, sources: &[GitOptions]) -> Repositories {
        Repositories::new(self.path("mirrors"), sources, &Stop::default())
    }

    fn open_with(&self, options: GitOptions) -> Result<Git, Failure> {
        self.repositories(&[]).open(options)
    }

    fn open(&self) -> Git {
        self.open_with(self.options()).expect("it opens")
    }

    /// A `git` on a `PATH` of its own that notes what it is called with.
    fn noting(&self) -> Environment {
        let (bin, log) = (self.path("bin"), self.path("log"));
        fs::create_dir_all(&bin).expect("a folder");
        let script = format!(
            "#!/bin/sh\necho \"$*\" >> '{}'\nPATH=/usr/local/bin:/usr/bin:/bin exec git \"$@\"\n",
            log.display()
        );
        fs::write(bin.join("git"), script).expect("it can be written");
        fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).expect("it can be run");
        let path = format!("{}:{}", bin.display(), Environment::SEARCH);
        Environment::of(|name| (name == "PATH").then(|| path.clone()))
    }

    /// The commands that were noted since the last time.
    fn noted(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        log.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    fn mirror_folder(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.path("mirrors")).expect("there are mirrors");
        entries.next().expect("there is one").expect("it can be read").path()
    }
}

fn paths(scan: &Scan) -> Vec<&str> {
    scan.documents.iter().map(|document| document.path.as_str()).collect()
}

fn text(git: &Git, path: &str) -> String {
    let document = Document { path: DocPath::new(path), raw: None, fingerprint: None, failure: None };
    match git.read(&document) {
        Read::Content(content) => String::from_utf8_lossy(&content.bytes).into_owned(),
        Read::Absent => "absent".into(),
        Read::Failed(failure) => failure.code,
    }
}

fn fails(opened: Result<Git, Failure>, words: &str) {
    let failure = opened.expect_err("it cannot be opened");
    assert!(failure.message.contains(words), "{}", failure.message);
}

#[test]
fn documents_are_read_from_a_commit_and_nothing_else_is_fetched() {
    let rig = Rig::new();
    rig.commit(&[
        ("docs/a.md", "# A"),
        ("docs/b/c.md", "# C"),
        ("docs/image.png", "PNG"),
        ("src/x.rs", "fn"),
        ("top.md", "#"),
    ]);
    rig.write("docs/uncommitted.md", "# U");
    let git = rig.open_with(GitOptions { path: "docs".into(), ..rig.options() }).expect("it opens");
    let scan = git.scan();
    assert_eq!((paths(&scan), scan.problems.len()), (vec!["a.md", "b/c.md"], 0));
    assert_eq!((text(&git, "a.md").as_str(), text(&git, "b/c.md").as_str()), ("# A", "# C"));
    let image = rig.git(&["rev-parse", "HEAD:docs/image.png"]);
    assert_eq!(git.mirror.missing(&[&image]).expect("it can be told"), [image.as_str()], "an image is no document");
    assert_eq!(text(&git, "image.png"), "PNG", "and comes when it is asked for");
    assert_eq!((text(&git, "../top.md").as_str(), text(&git, "/etc/passwd").as_str()), ("absent", "absent"));
    assert_eq!(git.list(""), ["a.md", "b/", "image.png"]);
    assert!(git.exists("b") && git.exists("b/c.md") && !git.exists("x"));
}

#[test]
fn an_unchanged_ref_costs_one_look_and_a_changed_one_what_changed() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "# A"), ("b.md", "# B")]);
    let options = GitOptions { environment: rig.noting(), ..rig.options() };
    let first = rig.open_with(options.clone()).expect("it opens");
    let before = first.scan();
    assert_eq!(text(&first, "a.md"), "# A");
    rig.noted();
    let second = rig.open_with(options.clone()).expect("it opens");
    assert_eq!(second.revision(), first.revision());
    assert_eq!(rig.noted(), ["ls-remote"]);
    rig.commit(&[("b.md", "# B, again")]);
    let third = rig.open_with(options).expect("it opens");
    assert_ne!(third.revision(), first.revision());
    let after = third.scan();
    assert_eq!(before.documents[0], after.documents[0]);
    assert_ne!(before.documents[1], after.documents[1]);
    assert_eq!(text(&third, "b.md"), "# B, again");
    assert_eq!(text(&first, "b.md"), "# B", "what is open is one commit's tree");
}

#[test]
fn one_look_and_one_fetch_serve_all_sources_of_a_url() {
    let rig = Rig::new();
    rig.commit(&[("one/a.md", "# A"), ("two/b.md", "# B")]);
    rig.git(&["branch", "next"]);
    rig.commit(&[("one/a.md", "# A on main")]);
    let options = GitOptions { environment: rig.noting(), ..rig.options() };
    let sources = [
        GitOptions { path: "one".into(), ..options.clone() },
        GitOptions { path: "two".into(), ..options.clone() },
        GitOptions { reference: Some("next".into()), ..options.clone() },
        GitOptions { reference: None, ..options },
    ];
    let repositories = rig.repositories(&sources);
    let opened: Vec<Git> = sources.into_iter().map(|source| repositories.open(source).expect("it opens")).collect();
    let noted = rig.noted();
    let count = |word: &str| noted.iter().filter(|noted| *noted == word).count();
    assert_eq!((count("ls-remote"), count("fetch")), (1, 1), "{noted:?}");
    assert_eq!(text(&opened[0], "a.md"), "# A on main");
    assert_eq!(text(&opened[1], "b.md"), "# B");
    assert_eq!(text(&opened[2], "one/a.md"), "# A");
    assert_eq!(text(&opened[3], "one/a.md"), "# A on main");
}

#[test]
fn a_branch_a_tag_a_full_ref_and_a_commit_are_refs() {
    let rig = Rig::new();
    let old = rig.commit(&[("a.md", "old")]);
    rig.git(&["tag", "-a", "-m", "tagged", "v1"]);
    rig.git(&["tag", "light"]);
    rig.commit(&[("a.md", "new")]);
    rig.git(&["branch", "feature/main"]);
    for (reference, expected) in [
        (Some("main"), "new"),
        (None, "new"),
        (Some("v1"), "old"),
        (Some("light"), "old"),
        (Some("refs/heads/main"), "new"),
        (Some("refs/tags/v1"), "old"),
        (Some("feature/main"), "new"),
        (Some(old.as_str()), "old"),
    ] {
        let options = GitOptions { reference: reference.map(str::to_owned), ..rig.options() };
        let git = rig.open_with(options).expect("it opens");
        assert_eq!(text(&git, "a.md"), expected, "{reference:?}");
    }
    let blob = rig.git(&["rev-parse", "HEAD:a.md"]);
    rig.git(&["tag", "blob", &blob]);
    for reference in ["blob", "nope", "1234567", "refs/heads/nope", "-x", "main:a.md", &"0".repeat(40)] {
        assert!(
            rig.open_with(GitOptions { reference: Some(reference.into()), ..rig.options() }).is_err(),
            "{reference}"
        );
    }
}

#[test]
fn what_cannot_be_seen_is_a_failure_that_says_what_to_do() {
    let rig = Rig::new();
    fails(rig.open_with(GitOptions { reference: None, ..rig.options() }), "has no commit yet");
    rig.commit(&[("docs/a.md", "# A")]);
    rig.open();
    fails(rig.open_with(GitOptions { path: "doc".into(), ..rig.options() }), "there is no folder `doc`");
    fails(rig.open_with(GitOptions { path: "docs/a.md".into(), ..rig.options() }), "check `path`");
    fails(
        rig.open_with(GitOptions { reference: Some("gone".into()), ..rig.options() }),
        "there is no branch or tag `gone`",
    );
    let nowhere = rig.path("nowhere").to_str().expect("UTF-8").to_owned();
    fails(rig.open_with(GitOptions { url: nowhere, ..rig.options() }), "check `url`");
    fails(rig.open_with(GitOptions { url: "ext::sh -c id".into(), ..rig.options() }), "`url`: ");
    let none = Environment::of(|name| (name == "PATH").then(|| "/nowhere".to_owned()));
    fails(rig.open_with(GitOptions { environment: none, ..rig.options() }), "install git 2.39");
    let git = rig.open_with(GitOptions { include: vec!["*.rst".into()], ..rig.options() }).expect("it opens");
    assert!(git.scan().problems[0].message.contains("no document in"));
    rig.git(&["rm", "-rq", "docs"]);
    rig.commit(&[]);
    assert!(rig.open().scan().problems[0].message.contains("no document in"), "an empty tree is no tree");
}

#[test]
fn an_old_git_is_told_before_anything_is_fetched() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "# A")]);
    let environment = rig.noting();
    let old =
        "#!/bin/sh\n[ \"$1\" = version ] && echo git version 2.30.2 && exit\nPATH=/usr/bin:/bin exec git \"$@\"\n";
    fs::write(rig.path("bin/git"), old).expect("it can be written");
    fails(rig.open_with(GitOptions { environment, ..rig.options() }), "install git 2.39 or newer");
}

#[test]
fn a_rewritten_history_is_just_another_tree() {
    let rig = Rig::new();
    let first = rig.commit(&[("a.md", "one"), ("b.md", "same")]);
    let git = rig.open();
    let before = git.scan();
    text(&git, "a.md");
    rig.commit(&[("a.md", "two")]);
    rig.git(&["checkout", "-q", "--orphan", "other"]);
    rig.commit(&[("a.md", "three")]);
    rig.git(&["branch", "-f", "main"]);
    let git = rig.open();
    assert_eq!((git.scan().documents[1].clone(), text(&git, "a.md")), (before.documents[1].clone(), "three".into()));
    rig.git(&["branch", "-f", "main", &first]);
    let back = rig.open();
    assert_eq!((back.scan(), text(&back, "a.md")), (before, "one".into()));
}

#[test]
fn links_submodules_pointers_and_odd_names_are_told() {
    let rig = Rig::new();
    rig.commit(&[("sub/in.md", "# In")]);
    rig.git(&["clone", "-q", ".", "../other"]);
    rig.commit(&[
        ("docs/a.md", "# A"),
        ("docs/new\nline.md", "# N"),
        ("docs/cafe\u{301}.md", "# C"),
        ("docs/lfs.md", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
        ("docs/big.md", &"x".repeat(1001)),
        ("docs/.gitattributes", "*.md filter=evil diff=evil\n"),
    ]);
    let docs = rig.path("repo/docs");
    for (target, name) in [
        ("a.md", "link.md"),
        ("../../../../etc/passwd", "passwd.md"),
        ("/etc/passwd", "absolute.md"),
        ("../sub", "out"),
        ("nothing.md", "broken.md"),
        (".", "loop"),
        ("round.md", "round.md"),
    ] {
        symlink(target, docs.join(name)).expect("a link can be made");
    }
    fs::write(docs.join(std::ffi::OsString::from_vec(b"bad\xff.md".to_vec())), "# B").expect("it can be written");
    rig.git(&["submodule", "--quiet", "add", "../other", "docs/module"]);
    rig.commit(&[]);
    let git = rig.open_with(GitOptions { path: "docs".into(), ..rig.options() }).expect("it opens");
    let scan = git.scan();
    assert_eq!(
        paths(&scan),
        ["a.md", "bad\u{fffd}.md", "big.md", "broken.md", "caf\u{e9}.md", "lfs.md", "link.md", "new\nline.md"]
    );
    let failure = |path: &str| {
        let document = scan.documents.iter().find(|document| document.path.as_str() == path).expect("it is there");
        document.failure.as_ref().map(|failure| failure.code.clone()).or(match git.read(document) {
            Read::Failed(failure) => Some(failure.code),
            _ => None,
        })
    };
    for (path, code) in [
        ("bad\u{fffd}.md", Some("invalid_name")),
        ("big.md", Some("too_large")),
        ("broken.md", Some("broken_link")),
        ("lfs.md", Some("lfs_pointer")),
        ("caf\u{e9}.md", None),
        ("new\nline.md", None),
    ] {
        assert_eq!(failure(path).as_deref(), code, "{path}");
    }
    assert_eq!(text(&git, "link.md"), "# A");
    let skipped: Vec<&str> = scan.skipped.iter().map(|Skipped { path, .. }| path.as_str()).collect();
    assert_eq!(skipped, ["absolute.md", "loop", "module", "out", "passwd.md", "round.md"]);
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
}

#[test]
fn locks_that_a_killed_git_has_left_are_recovered() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "old")]);
    text(&rig.open(), "a.md");
    let mirror = rig.mirror_folder().join("mirror");
    for lock in ["shallow.lock", "packed-refs.lock", "config.lock", "HEAD.lock", "objects/pack/tmp_pack_x"] {
        fs::write(mirror.join(lock), "").expect("it can be written");
    }
    for entry in fs::read_dir(mirror.join("refs/finmirror")).expect("there are refs").flatten() {
        fs::write(entry.path().with_extension("lock"), "").expect("it can be written");
    }
    rig.commit(&[("a.md", "new")]);
    let git = rig.open();
    assert_eq!(text(&git, "a.md"), "new");
    assert!(!mirror.join("objects/pack/tmp_pack_x").exists());
}

#[test]
fn a_mirror_that_lost_what_it_had_is_made_anew() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "# A")]);
    text(&rig.open(), "a.md");
    let mirror = rig.mirror_folder();
    for damage in ["mirror/objects", "mirror", "view", "state.json"] {
        let path = mirror.join(damage);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it was there");
        let git = rig.open();
        assert_eq!((paths(&git.scan()), text(&git, "a.md").as_str()), (vec!["a.md"], "# A"), "{damage}");
    }
    fs::write(mirror.join("state.json"), "{").expect("it can be written");
    assert_eq!(text(&rig.open(), "a.md"), "# A");
}

#[test]
fn the_last_commit_of_each_file_is_known_and_walked_once() {
    let rig = Rig::new();
    let one = rig.commit(&[("docs/a.md", "1"), ("docs/b.md", "1"), ("docs/kept.md", "1"), ("x.md", "1")]);
    // A mirror without history comes first.
    assert_eq!(text(&rig.open(), "docs/a.md"), "1");
    rig.git(&["checkout", "-q", "-b", "side"]);
    let two = rig.commit(&[("docs/b.md", "2")]);
    rig.commit(&[("docs/kept.md", "thrown away")]);
    rig.git(&["checkout", "-q", "main"]);
    let three = rig.commit(&[("docs/a.md", "2")]);
    rig.git(&["merge", "-q", "--no-commit", "side"]);
    rig.write("docs/kept.md", "1");
    rig.commit(&[]);
    let options = GitOptions { path: "docs".into(), wants_commits: true, environment: rig.noting(), ..rig.options() };
    let open = || {
        let git = rig.open_with(options.clone()).expect("it opens");
        assert!(git.scan().problems.is_empty());
        git
    };
    let id = |git: &Git, path: &str| git.commit(path).map(|commit| commit.id).unwrap_or_default();
    let git = open();
    assert_eq!((id(&git, "a.md"), id(&git, "b.md"), id(&git, "kept.md")), (three.clone(), two.clone(), one));
    assert!(git.commit("a.md").is_some_and(|commit| commit.at > 1_700_000_000) && git.commit("nope.md").is_none());
    // Changed and changed back: the bytes are the same, the last commit is another one.
    rig.commit(&[("docs/b.md", "1")]);
    let four = rig.commit(&[("docs/b.md", "2"), ("docs/new.md", "1")]);
    rig.noted();
    let later = open();
    assert_eq!((id(&later, "a.md"), id(&later, "b.md"), id(&later, "new.md")), (three.clone(), four.clone(), four));
    assert!(rig.noted().contains(&"merge-base".to_owned()), "the walk goes on from where the last one stopped");
    assert_ne!(git.scan().documents[1].fingerprint, later.scan().documents[1].fingerprint);
    assert_eq!(git.scan().documents[0].fingerprint, later.scan().documents[0].fingerprint);
    // And with another history.
    rig.git(&["checkout", "-q", "--orphan", "other"]);
    let five = rig.commit(&[]);
    rig.git(&["branch", "-f", "main"]);
    let rewritten = open();
    assert_eq!((id(&rewritten, "a.md"), id(&rewritten, "b.md")), (five.clone(), five));
}

#[test]
fn a_look_before_a_delete_sees_what_was_put_back() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "# A"), ("b.md", "# B"), ("c.md", "# C")]);
    fs::remove_file(rig.path("repo/b.md")).expect("it is there");
    fs::remove_file(rig.path("repo/c.md")).expect("it is there");
    rig.commit(&[]);
    let git = GitOptions { environment: rig.noting(), ..rig.options() };
    let git = rig.open_with(git).expect("it opens");
    assert_eq!(paths(&git.scan()), ["a.md"]);
    rig.commit(&[("b.md", "# B")]);
    rig.noted();
    let look = |path: &str| git.look(&DocPath::new(path)).expect("it can be told").is_some();
    assert_eq!((look("a.md"), look("b.md"), look("c.md"), look("x.txt")), (true, true, false, false));
    assert_eq!(rig.noted().iter().filter(|word| *word == "ls-remote").count(), 1);
    fs::rename(rig.path("repo"), rig.path("away")).expect("it is there");
    let blind = rig.path("repo").to_str().expect("UTF-8").to_owned();
    assert!(rig.open_with(GitOptions { url: blind, ..rig.options() }).is_err());
    fs::rename(rig.path("away"), rig.path("repo")).expect("it is there");
    let open = rig.open();
    fs::rename(rig.path("repo"), rig.path("away")).expect("it is there");
    assert!(open.look(&DocPath::new("c.md")).is_err(), "whether it is gone cannot be told");
}

#[test]
fn shallow_and_sha256_repositories_and_checkouts_are_read() {
    let rig = Rig::with(&["--object-format=sha256"]);
    rig.commit(&[("a.md", "# A")]);
    assert_eq!(text(&rig.open(), "a.md"), "# A");
    let rig = Rig::new();
    rig.commit(&[("a.md", "old")]);
    rig.commit(&[("a.md", "new")]);
    let from = format!("file://{}", rig.path("repo").display());
    rig.git(&["clone", "-q", "--depth=1", &from, "../shallow"]);
    rig.git(&["clone", "-q", "--bare", &from, "../bare.git"]);
    rig.git(&["worktree", "add", "-q", "--detach", "../tree"]);
    for (name, wants_commits) in
        [("shallow", false), ("shallow", true), ("bare.git", false), ("bare", true), ("tree", false)]
    {
        let url = rig.path(name).to_str().expect("UTF-8").to_owned();
        let reference = None;
        let git = rig.open_with(GitOptions { url, reference, wants_commits, ..rig.options() }).expect("it opens");
        assert_eq!((git.scan().problems, text(&git, "a.md").as_str()), (vec![], "new"), "{name}");
    }
}

#[test]
fn a_repository_that_names_programs_has_none_of_them_run() {
    let rig = Rig::new();
    rig.commit(&[("a.md", "# A")]);
    let ran = rig.path("ran");
    let evil = rig.path("evil");
    fs::write(&evil, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n", ran.display())).expect("it can be written");
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let evil = evil.to_str().expect("UTF-8");
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.editor",
        "core.pager",
        "core.askPass",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "credential.helper",
        "diff.external",
        "filter.evil.smudge",
        "diff.evil.textconv",
        "remote.origin.uploadpack",
        "gpg.program",
    ] {
        rig.git(&["config", key, evil]);
    }
    rig.git(&["config", "remote.origin.url", rig.path("repo").to_str().expect("UTF-8")]);
    rig.git(&["config", "remote.origin.promisor", "true"]);
    rig.git(&["config", "extensions.partialClone", "origin"]);
    rig.git(&["config", "core.repositoryFormatVersion", "1"]);
    for hook in ["post-upload-pack", "pre-auto-gc", "reference-transaction", "post-checkout", "fsmonitor-watchman"] {
        fs::copy(evil, rig.path("repo/.git/hooks").join(hook)).expect("it can be copied");
    }
    // What would make git ask the named remote: a blob that is not there.
    let blob = rig.git(&["rev-parse", "HEAD:a.md"]);
    let git = rig.open();
    fs::remove_file(rig.path("repo/.git/objects").join(&blob[..2]).join(&blob[2..])).expect("it is there");
    let _ = fs::remove_file(&ran);
    assert_eq!((paths(&git.scan()), text(&git, "a.md").as_str()), (vec!["a.md"], "unreadable"));
    assert!(!Path::new(&ran).exists(), "{}", fs::read_to_string(&ran).unwrap_or_default());
}
