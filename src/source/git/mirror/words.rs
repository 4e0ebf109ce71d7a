//! What a person is told of what went wrong: git's reason, what to do about it, and no secret.

use std::io;

use secrecy::ExposeSecret;

use super::super::command::Trouble;
use super::super::url::Protocol;
use super::Mirror;
use crate::page::Failure;

impl Mirror {
    pub(super) fn no_ref(&self, name: &str) -> Failure {
        let url = &self.url;
        let message = if name == "HEAD" {
            format!("{url} has no commit yet: nothing is deleted until it has; check `url`, or set `ref`")
        } else {
            format!(
                "there is no branch or tag `{name}` in {url}: nothing is deleted until there is; check `ref` (a commit is named by its whole id)"
            )
        };
        Failure::new("git", message)
    }

    pub(super) fn unusable(&self, error: &io::Error) -> Failure {
        let message =
            format!("the mirror in {} cannot be used: {error}: mend or remove the folder", self.folder.display());
        Failure::new("git", message)
    }

    /// What went wrong and what to do, with no secret in it.
    pub(in crate::source::git) fn explain(&self, trouble: Trouble) -> Failure {
        let url = &self.url;
        let message = match trouble {
            Trouble::NoGit => "git is not on `PATH`: install git 2.39 or newer".into(),
            Trouble::Io(error) => format!("git cannot be run: {error}"),
            Trouble::Slow(after) => {
                format!(
                    "git did not answer for {url} within {} s: check the network, or raise `timeout`",
                    after.as_secs_f32()
                )
            }
            Trouble::Stopped => format!("git was ended before it had answered for {url}: finmirror is stopping"),
            Trouble::TooMuch => format!("git says more of {url} than can be taken: set `path` or `ref`"),
            Trouble::Failed(said) => {
                let said = self.without_secrets(&said);
                let why = reason(&said);
                match cure(&said, self.place.protocol) {
                    Some(cure) => format!("{url}: {why}: {cure}"),
                    None => format!("{url}: {why}"),
                }
            }
        };
        Failure::new("git", message)
    }

    pub(super) fn without_secrets(&self, said: &str) -> String {
        let token = self.options.credentials.read_token().ok().flatten();
        match token.as_ref().map(ExposeSecret::expose_secret).filter(|token| !token.is_empty()) {
            Some(token) => said.replace(token, "[secret]"),
            None => said.to_owned(),
        }
    }
}

/// Whether a server does not give what was asked for in this way, and may give it in another.
pub(super) fn is_refusal(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["filter", "shallow", "not our ref", "unadvertised object", "dumb http", "does not support"]
        .iter()
        .any(|words| said.contains(words))
}

/// The first line that says what is wrong, without control characters and not too long.
fn reason(said: &str) -> String {
    // What ssh says goes before what git makes of it.
    let ssh = ["Host key verification failed", "Permission denied (", "ssh: "];
    let told = said.lines().find(|line| ssh.iter().any(|words| line.contains(words)));
    let line = |start: &str| said.lines().find(|line| line.trim_start().starts_with(start));
    let line = told.or_else(|| line("fatal:")).or_else(|| line("error:"));
    let line = line.or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
    let line = line.unwrap_or("git failed and did not say why").trim();
    let line = line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line);
    let line = line.trim_end_matches(['.', ':']);
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What to do about what git says.
fn cure(said: &str, protocol: Protocol) -> Option<&'static str> {
    let said = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if has(&["host key verification failed", "no matching host key"]) {
        return Some("put the host's key into `known_hosts_file` (`ssh-keyscan HOST` prints it; compare it)");
    }
    if has(&["permission denied (", "no supported authentication methods"]) {
        return Some("set `ssh_key_file` to a key that may read the repository");
    }
    if has(&[
        "could not read username",
        "could not read password",
        "unable to get password",
        "authentication failed",
        "returned error: 401",
        "returned error: 403",
    ]) {
        return Some("set `token_file` to a token that may read the repository");
    }
    if has(&[
        "not found",
        "does not exist",
        "does not appear to be a git repository",
        "no such file",
        "returned error: 404",
    ]) {
        return Some(match protocol {
            Protocol::File => "nothing is deleted until it is there; check `url`",
            _ => "nothing is deleted until it is there; check `url`, and whether who asks may read it",
        });
    }
    if has(&[
        "could not resolve",
        "unable to access",
        "connection refused",
        "timed out",
        "unable to connect",
        "network is unreachable",
        "connection reset",
    ]) {
        return Some("check the network and `url`; the next cycle tries again");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_what_to_do() {
        let said = "remote: hi\u{1b}[31m\nfatal: could not read Username for 'https://h': terminal prompts disabled\n";
        assert!(cure(said, Protocol::Https).is_some_and(|cure| cure.contains("token_file")));
        assert_eq!(reason(said), "could not read Username for 'https://h': terminal prompts disabled");
        assert_eq!(reason("odd\u{7}\n"), "odd");
    }
}
