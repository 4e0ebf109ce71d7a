//! finmirror as the program that git asks: for a user's name and a token, and in place of ssh.
//!
//! git runs `GIT_ASKPASS`, and a `GIT_SSH_COMMAND` of one word, without a shell, so that none has to be there. What is to
//! be answered lies in variables that only that call of git is given. Invariant: a token is told for its own origin only.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// What is asked: [`PASSWORD`] or [`SSH`]. Where it is not set, nobody asks.
pub(super) const ASKS: &str = "FINMIRROR_GIT_ASKS";
pub(super) const PASSWORD: &str = "password";
pub(super) const SSH: &str = "ssh";
/// Scheme, host and port that a token is for, and what is said there.
pub(super) const ORIGIN: &str = "FINMIRROR_GIT_ORIGIN";
pub(super) const USERNAME: &str = "FINMIRROR_GIT_USERNAME";
pub(super) const TOKEN: &str = "FINMIRROR_GIT_TOKEN";
/// Options of ssh, one a line; they go before git's own, and ssh takes the first of each.
pub(super) const OPTIONS: &str = "FINMIRROR_GIT_SSH";

/// Answers git, if it is git that has started this process; the exit status then.
pub fn answer(
    arguments: impl Iterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
    out: &mut dyn Write,
) -> Option<u8> {
    let mut arguments = arguments.skip(1);
    let given = |name: &str| variable(name).unwrap_or_default();
    match variable(ASKS)?.as_str() {
        PASSWORD => {
            let question = arguments.next().unwrap_or_default();
            let question = question.to_string_lossy();
            let (origin, user, token) = (given(ORIGIN), given(USERNAME), given(TOKEN));
            let reply = reply(&question, &origin, &user, &token);
            let told = reply.is_some_and(|reply| writeln!(out, "{reply}").and_then(|()| out.flush()).is_ok());
            Some(u8::from(!told))
        }
        SSH => {
            let mut ssh = Command::new(SSH);
            ssh.args(given(OPTIONS).lines()).args(arguments).env_remove(ASKS).env_remove(OPTIONS);
            let error = ssh.exec();
            let _ = writeln!(anstream::stderr(), "error: ssh cannot be run: {error}");
            Some(127)
        }
        _ => None,
    }
}

/// This very program, also where its file was replaced since it began.
pub(super) fn ourselves() -> PathBuf {
    let running = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if running.exists() { running } else { std::env::current_exe().unwrap_or_else(|_| "finmirror".into()) }
}

/// What is said to `Username for 'https://h.example': ` and `Password for 'https://me@h.example': `; nothing to any other
/// place, such as one that a redirect leads to, or a proxy.
fn reply<'a>(question: &str, origin: &str, user: &'a str, token: &'a str) -> Option<&'a str> {
    let (what, place) = question.strip_suffix("': ")?.split_once(" for '")?;
    let (scheme, host) = origin.split_once("://")?;
    let (asked_scheme, asked) = place.split_once("://")?;
    // By the known host: a name may have an `@` in it, and a redirect may have put one there.
    let before = asked.len().checked_sub(host.len()).filter(|at| asked.is_char_boundary(*at))?;
    let (name, asked_host) = asked.split_at(before);
    let is_named = name.is_empty() || name.strip_suffix('@').is_some_and(|name| name == user || decoded(name) == user);
    if host.is_empty() || asked_scheme != scheme || !asked_host.eq_ignore_ascii_case(host) || !is_named {
        return None;
    }
    match what {
        "Username" => Some(user),
        "Password" => Some(token),
        _ => None,
    }
}

/// A name without the escapes of a url, with which newer gits ask.
fn decoded(name: &str) -> String {
    let mut parts = name.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => bytes.push(code),
            None => bytes.push(b'%'),
        }
        bytes.extend_from_slice(if code.is_some() { &part.as_bytes()[2..] } else { part.as_bytes() });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_for_its_own_origin_only() {
        let to = |question: &str| reply(question, "https://h.example:8443", "me@corp", "s3cr3t");
        assert_eq!(to("Username for 'https://h.example:8443': "), Some("me@corp"));
        for name in ["me@corp", "me%40corp"] {
            assert_eq!(to(&format!("Password for 'https://{name}@H.example:8443': ")), Some("s3cr3t"));
        }
        for elsewhere in [
            "https://me@corp@h.example",
            "https://me@corp@h.example:8443.evil.example",
            "https://me@corp@evil.example",
            "https://evil.example@h.example:8443",
            "https://evil.example/h.example:8443",
            "https://evilh.example:8443",
            "https://me%zz@h.example:8443",
            "http://me@corp@h.example:8443",
            "é.example:8443",
            "",
        ] {
            assert_eq!(to(&format!("Password for '{elsewhere}': ")), None, "{elsewhere}");
        }
        assert_eq!(to("Enter passphrase for key '/k': "), None);
        assert_eq!(reply("Password for 'https://': ", "", "", "s3cr3t"), None);
    }

    #[test]
    fn who_was_not_started_by_git_is_not_answered() {
        let mut out = Vec::new();
        assert_eq!(answer(["finmirror".into()].into_iter(), &|_| None, &mut out), None);
        let asks = |name: &str| (name == ASKS).then(|| PASSWORD.to_owned());
        assert_eq!(answer(["finmirror".into()].into_iter(), &asks, &mut out), Some(1));
        assert!(out.is_empty());
    }
}
