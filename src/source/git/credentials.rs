//! What git is given to be let in, in its environment: never in an argument, a url or a file of ours.
//!
//! A token goes to the url's own origin only: git itself compares it before it asks, so that a redirect to another host
//! gets none. Files are read again for each call.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::answer;
use super::url::{Place, Protocol};
use super::{Credentials, GitOptions};
use crate::page::Failure;

/// A longer token is none.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// How ssh is run: it asks nobody, trusts no host that it does not know, and does nothing but what git needs.
const SSH_OPTIONS: [&str; 7] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "PermitLocalCommand=no",
    "ClearAllForwardings=yes",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectTimeout=30",
];

/// Settings of git and variables for one call of the remote.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) settings: Vec<(String, String)>,
    pub(super) variables: Vec<(String, OsString)>,
}

impl Entry {
    pub(super) fn new(options: &GitOptions, place: &Place) -> Result<Self, Failure> {
        let mut entry = Self::default();
        let credentials = &options.credentials;
        match place.protocol {
            Protocol::Https | Protocol::Http => entry.add_token(credentials, place)?,
            Protocol::Ssh => entry.add_ssh(credentials)?,
            Protocol::Git | Protocol::File => {}
        }
        if credentials.helper {
            // The user's own configuration may lead from one protocol to another (`url.….insteadOf`): whatever asks a
            // question then gets no answer.
            entry.variables.push(("SSH_ASKPASS".into(), "false".into()));
            entry.variables.push(("SSH_ASKPASS_REQUIRE".into(), "force".into()));
        }
        Ok(entry)
    }

    fn add_token(&mut self, credentials: &Credentials, place: &Place) -> Result<(), Failure> {
        let Some(token) = credentials.read_token()? else { return Ok(()) };
        let user =
            credentials.username.as_deref().or(place.user.as_deref()).unwrap_or_else(|| usual_user(&place.origin));
        // An empty helper ends the list of those before it; a newer git asks nobody without the other.
        self.settings.push(("credential.helper".into(), String::new()));
        self.settings.push(("credential.interactive".into(), "true".into()));
        self.variables.push(("GIT_ASKPASS".into(), answer::ourselves().into()));
        self.variables.push((answer::ASKS.into(), answer::PASSWORD.into()));
        self.variables.push((answer::ORIGIN.into(), place.origin.as_str().into()));
        self.variables.push((answer::USERNAME.into(), user.into()));
        self.variables.push((answer::TOKEN.into(), token.expose_secret().into()));
        Ok(())
    }

    fn add_ssh(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        let (key, hosts) = (&credentials.ssh_key_file, &credentials.known_hosts_file);
        if credentials.helper && key.is_none() && hosts.is_none() {
            // The user's own `core.sshCommand` and configuration of ssh.
            return Ok(());
        }
        let mut words = Vec::new();
        if !credentials.helper {
            words.extend(["-F".to_owned(), "none".to_owned()]);
        }
        for option in SSH_OPTIONS {
            words.extend(["-o".to_owned(), option.to_owned()]);
        }
        if let Some(key) = key {
            words.extend(["-o".to_owned(), "IdentitiesOnly=yes".to_owned()]);
            words.extend(["-o".to_owned(), quoted("IdentityFile", "ssh_key_file", key)?]);
        }
        if let Some(hosts) = hosts {
            words.extend(["-o".to_owned(), "GlobalKnownHostsFile=/dev/null".to_owned()]);
            words.extend(["-o".to_owned(), quoted("UserKnownHostsFile", "known_hosts_file", hosts)?]);
        }
        self.variables.push(("GIT_SSH_COMMAND".into(), answer::ourselves().into()));
        self.variables.push((answer::ASKS.into(), answer::SSH.into()));
        self.variables.push((answer::OPTIONS.into(), words.join("\n").into()));
        self.variables.push(("GIT_SSH_VARIANT".into(), "ssh".into()));
        Ok(())
    }
}

impl Credentials {
    /// The token as it is now.
    pub(super) fn read_token(&self) -> Result<Option<SecretString>, Failure> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        let wrong = |why: String| Failure::new("credentials", format!("`token_file` {}: {why}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let token = text.trim();
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES || token.contains(['\n', '\r', '\0']) {
            return Err(wrong("does not hold a token: write it there, and nothing else".into()));
        }
        Ok(Some(token.to_owned().into()))
    }

    /// Whether two sources are let in by the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        let secret = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
        secret(&self.token) == secret(&other.token)
            && (&self.username, &self.token_file, &self.ssh_key_file, &self.known_hosts_file, self.helper)
                == (&other.username, &other.token_file, &other.ssh_key_file, &other.known_hosts_file, other.helper)
    }
}

/// The user's name that hosts expect beside a token.
fn usual_user(origin: &str) -> &'static str {
    if origin.contains("gitlab") {
        "oauth2"
    } else if origin.contains("bitbucket") {
        "x-token-auth"
    } else {
        "x-access-token"
    }
}

/// One option of ssh with a path, in the quotes that ssh reads.
fn quoted(option: &str, key: &str, path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\\', '$']) && !text.chars().any(char::is_control));
    let Some(text) = text else {
        let message = format!(
            "`{key}` {}: ssh takes no path with `\"`, `\\`, `$` or control characters: rename it",
            path.display()
        );
        return Err(Failure::new("credentials", message));
    };
    if !path.is_file() {
        let message = format!("`{key}` {} is not there, or cannot be read: put the file there", path.display());
        return Err(Failure::new("credentials", message));
    }
    Ok(format!("{option}=\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_for_ssh_are_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("it's 100% a key");
        fs::write(&key, "").expect("it can be written");
        let word = quoted("IdentityFile", "ssh_key_file", &key).expect("it can be quoted");
        assert_eq!(word, format!("IdentityFile=\"{}\"", key.display().to_string().replace('%', "%%")));
        assert!(quoted("IdentityFile", "ssh_key_file", Path::new("/nowhere")).is_err());
        assert!(quoted("IdentityFile", "ssh_key_file", Path::new("/a\"b")).is_err());
    }

    #[test]
    fn a_token_file_holds_one_line() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let credentials = Credentials { token_file: Some(file.path().into()), ..Credentials::default() };
        assert!(credentials.read_token().is_err());
        fs::write(file.path(), "s3cr3t\n").expect("it can be written");
        assert_eq!(credentials.read_token().expect("a token").expect("a token").expose_secret(), "s3cr3t");
        fs::write(file.path(), "a\nb").expect("it can be written");
        assert!(credentials.read_token().is_err());
    }
}
