//! The architecture of `src/lib.rs`, held against the code: layers, purity, where SQL and Intercom's words may stand.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the bottom up; a room uses rooms of its own floor or below it.
const FLOORS: [&[&str]; 5] = [
    &["page", "stop"],
    &["site", "render", "plan", "retry", "remote"],
    &["source", "convert", "ledger", "intercom", "simulator", "secret"],
    &["report", "status", "apply", "sync", "http", "daemon"],
    &["config", "telemetry", "cli", "commands", "main"],
];
/// The floor whose rooms do not know each other.
const APART: usize = 2;
/// What pure rooms never name.
const IMPURE: [&str; 10] = [
    "tokio::",
    "reqwest::",
    "rusqlite::",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "tracing::",
    "SystemTime",
    "Instant",
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20, "the sources are not where this test looks");
    found
}

fn room(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("`{room}` is on no floor: give it one"))
}

/// The code without its unit tests and comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
}

#[test]
fn rooms_use_only_rooms_of_their_own_floor_or_below() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path) && path != Path::new("lib.rs")) {
        let here = room(path);
        for used in code(text).split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if used.is_empty() || used == here || !FLOORS.iter().any(|rooms| rooms.contains(&used.as_str())) {
                continue;
            }
            let (from, to) = (floor(&here), floor(&used));
            if to > from || (from == to && from == APART) {
                wrong.push(format!("{}: {here} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows go down only:\n{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_nothing() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        if path == Path::new("lib.rs") || floor(&room(path)) > 1 {
            continue;
        }
        let code = code(text);
        wrong.extend(
            IMPURE.iter().filter(|name| code.contains(**name)).map(|name| format!("{}: {name}", path.display())),
        );
    }
    assert!(wrong.is_empty(), "these rooms are pure:\n{}", wrong.join("\n"));
}

#[test]
fn sql_and_intercoms_words_stand_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let here = room(path);
        let code = code(text);
        let sql = ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM "].iter().any(|word| code.contains(word));
        if sql && here != "ledger" && !path.starts_with("simulator/store") && path != Path::new("simulator/store.rs") {
            wrong.push(format!("{}: SQL", path.display()));
        }
        for word in ["external_pages", "content_import_source"] {
            if code.contains(word) && here != "intercom" && here != "simulator" {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "out of their rooms:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "no `//!` at the top of {silent:?}");
}

#[test]
fn every_invariant_is_cited_by_a_test_or_the_code_that_keeps_it() {
    let all: String =
        sources().into_iter().filter(|(path, _)| path != Path::new("lib.rs")).map(|(_, text)| text).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let tests: String = fs::read_dir(here).unwrap().map(|e| fs::read_to_string(e.unwrap().path()).unwrap()).collect();
    for invariant in (1..=10).map(|n| format!("I{n}")) {
        let cited = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == invariant);
        assert!(cited(&all) || cited(&tests), "nobody cites {invariant}");
    }
}
