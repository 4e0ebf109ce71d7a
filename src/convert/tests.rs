//! Programs that are run for real: what they see, how they end, and what is told of it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

fn shell(script: &str) -> ConverterOptions {
    ConverterOptions {
        pattern: "**/*.x".into(),
        command: ["sh", "-c", script, "sh", "{file}"].map(String::from).to_vec(),
        timeout: Duration::from_secs(20),
        max_bytes: 1000,
        output: Output::Html,
        search: "/usr/bin:/bin".into(),
        scratch: std::env::temp_dir(),
    }
}

fn said(options: ConverterOptions) -> String {
    let converted = Converter::new(options).convert("x", b"some\ntext\n", &|| false);
    converted.unwrap_or_else(|failure| format!("{}: {}", failure.code, failure.message))
}

#[test]
fn a_program_reads_a_file_or_its_input() {
    assert_eq!(said(shell("basename \"$1\"; cat \"$1\"")), "document.x\nsome\ntext\n");
    let command = vec!["cat".to_owned()];
    assert_eq!(said(ConverterOptions { command, ..shell("") }), "some\ntext\n");
}

#[test]
fn a_program_sees_an_empty_folder_and_no_environment() {
    let seen = said(shell("rm document.x; ls; env | grep -v ^_= | sed 's/=.*//' | sort | tr '\\n' ' '"));
    assert_eq!(seen, "HOME LC_ALL PATH PWD TMPDIR ");
}

#[test]
fn its_folder_is_gone_afterwards() {
    let folder = PathBuf::from(said(shell("pwd")).trim());
    assert!(folder.is_absolute() && !folder.exists(), "{}", folder.display());
}

#[test]
fn what_goes_wrong_is_told() {
    let limits = ConverterOptions { timeout: Duration::from_millis(100), ..shell("sleep 100 & sleep 100") };
    let missing = ConverterOptions { command: vec!["no-such-program".into()], ..shell("") };
    insta::assert_snapshot!([
        said(shell("echo; echo broken >&2; exit 3")),
        said(shell("echo odd >&2")),
        said(shell("printf '\\377'")),
        said(shell("yes")),
        said(limits),
        said(missing),
    ].join("\n"), @"
    converter: `sh` ended with status 3: broken
    converter: `sh` printed nothing, and said: odd
    converter: `sh` printed what is not UTF-8
    converter: `sh` printed more than 1000 bytes and was ended; see `max_output`
    converter: `sh` was not done after 100ms and was ended; see `timeout`
    converter: `no-such-program` is not on PATH: install it, or change the converter's command
    ");
}

#[test]
fn a_stop_ends_it() {
    let stopped = Converter::new(shell("sleep 100")).convert("x", b"", &|| true);
    assert!(stopped.unwrap_err().message.contains("the next run"));
}

#[test]
fn text_becomes_paragraphs() {
    let options = ConverterOptions { output: Output::Text, ..shell("printf 'a <b>\\nc\\n\\n\\fd'") };
    assert_eq!(said(options), "<p>a &lt;b&gt;\nc</p>\n<p>d</p>\n");
}

#[test]
fn a_script_that_is_edited_is_another_converter() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("convert");
    let identity = |text: &str| {
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let command = vec![script.to_string_lossy().into_owned()];
        Converter::new(ConverterOptions { command, ..shell("") }).identity()
    };
    assert_eq!(identity("#!/bin/sh\ncat\n"), identity("#!/bin/sh\ncat\n"));
    assert_ne!(identity("#!/bin/sh\ncat\n"), identity("#!/bin/sh\ntac\n"));
}

#[test]
fn what_a_program_leaves_behind_is_ended_with_it() {
    let left: String = said(shell("sleep 100 >/dev/null 2>&1 & echo $!")).trim().to_owned();
    // Whoever takes in orphans may take its time.
    let is_alive = || fs::read_to_string(format!("/proc/{left}/stat")).is_ok_and(|stat| !stat.contains(") Z"));
    for _ in 0..100_000 {
        if !is_alive() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{left} is still there");
}
