//! What takes a system of one's own: limits of the kernel's, mounts. Run in namespaces, where everybody may have them.

use std::process::Command;

use super::*;

/// Lies where a test runs that has namespaces of its own.
const MARK: &str = "in namespaces of its own";

/// Runs the test of this name again, after a script, in namespaces of its own; `true`: this is that run.
fn alone(name: &str, script: &str) -> bool {
    if Path::new(MARK).exists() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(MARK), "").unwrap();
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", script]).current_dir(folder.path());
        command.arg(std::env::current_exe().unwrap()).arg(format!("daemon::watch::tests::limits::{name}"));
        command
    };
    let possible = unshare(&format!("{script}\n:")).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        writeln!(std::io::stderr(), "skipped: no namespaces can be had here").unwrap();
        return false;
    }
    let output =
        unshare(&format!("{script}\nexec \"$0\" --exact \"$1\" --test-threads 1 --nocapture")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

#[test]
fn where_no_more_folders_can_be_watched_it_is_polled() {
    let name = "where_no_more_folders_can_be_watched_it_is_polled";
    if !alone(name, "echo 20 > /proc/sys/user/max_inotify_watches") {
        return;
    }
    let is_told = |watcher: &Watcher| {
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap();
        let cure = format!("raise `fs.inotify.max_user_watches`, now {}, with sysctl", limit.trim());
        assert_eq!(watcher.mode(), Mode::Poll);
        assert!(watcher.note().unwrap().contains(&cure), "{:?}", watcher.note());
    };
    let (_folder, root) = root();
    let ear = Ear::native(&root);
    for at in 0..30 {
        fs::create_dir(root.join(at.to_string())).unwrap();
    }
    ear.until("the limit", |_| ear.watcher.mode() == Mode::Poll);
    is_told(&ear.watcher);
    let late = Ear::by(&root, Watch::Native);
    is_told(&late.watcher);
    assert_eq!(late.heard.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
    // What it had is free again for others.
    Ear::native(&root.join("guide"));
}

#[test]
fn where_no_more_watchers_can_be_had_it_is_polled() {
    let name = "where_no_more_watchers_can_be_had_it_is_polled";
    if !alone(name, "echo 1 > /proc/sys/user/max_inotify_instances") {
        return;
    }
    let (_folder, root) = root();
    let ear = Ear::native(&root);
    let late = Ear::at(&root);
    assert_eq!(late.watcher.mode(), Mode::Poll);
    assert!(late.watcher.note().unwrap().contains("raise `fs.inotify.max_user_instances`, now "));
    // One is enough to begin again.
    fs::rename(&root, root.with_file_name("away")).unwrap();
    ear.something();
    fs::rename(root.with_file_name("away"), &root).unwrap();
    ear.something();
    fs::write(root.join("b.md"), "").unwrap();
    ear.path("b.md");
    assert_eq!(ear.watcher.mode(), Mode::Native);
}

#[test]
fn a_root_that_is_unmounted_and_mounted_again_is_found() {
    if !alone(
        "a_root_that_is_unmounted_and_mounted_again_is_found",
        "mount -t tmpfs none .; touch 'in namespaces of its own'",
    ) {
        return;
    }
    let run = |program: &str, arguments: &[&str], root: &Path| {
        assert!(Command::new(program).args(arguments).arg(root).status().unwrap().success());
    };
    let mount = |root: &Path| run("mount", &["-t", "tmpfs", "none"], root);
    let (_folder, root) = root();
    mount(&root);
    let mut ear = Ear::native(&root);
    fs::write(root.join("b.md"), "").unwrap();
    ear.path("b.md");
    run("umount", &[], &root);
    ear.something();
    ear.settle(&root);
    mount(&root);
    assert!(ear.watcher.refresh(), "no event tells of a mount");
    ear.something();
    fs::write(root.join("c.md"), "").unwrap();
    ear.path("c.md");
    assert!(!ear.watcher.refresh());
    // A root within itself has no end, and is watched all the same.
    fs::create_dir_all(root.join("loop/inner")).unwrap();
    run("mount", &["--bind", root.to_str().unwrap()], &root.join("loop"));
    let ear = Ear::native(&root);
    fs::write(root.join("d.md"), "").unwrap();
    ear.path("d.md");
}
