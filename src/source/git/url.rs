//! Which urls and refs git may be given, and over what it then speaks.
//!
//! Pure. What looks like an option, names a program (`ext::`), holds a password or is written so that two programs may read
//! it differently is refused before git sees it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What git speaks with a url's repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `https://`.
    Https,
    /// `http://`, to this machine only.
    Http,
    /// `ssh://` and `user@host:path`.
    Ssh,
    /// `git://`.
    Git,
    /// A folder of this machine.
    File,
}

/// A url that git may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) protocol: Protocol,
    /// Who asks, where the url says so.
    pub(super) user: Option<String>,
    /// Scheme, host and port: where credentials go. Empty for folders.
    pub(super) origin: String,
}

/// A url that is longer is none.
const MAX_BYTES: usize = 2048;
const UNSAFE_DASH: &str =
    "a url with a part that begins with `-`, which a program could take for an option: write a path as `./-name`";

impl Protocol {
    /// As git names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
            Self::File => "file",
        }
    }
}

impl Place {
    /// Reads what `git clone` would take; an error says why it is not taken here.
    pub(super) fn read(url: &str) -> Result<Self, &'static str> {
        if url.is_empty() {
            return Err("no url: write what `git clone` takes, or the path of a repository");
        }
        if url.len() > MAX_BYTES || url.chars().any(|c| c.is_control() || c == '\u{7f}') {
            return Err("no url: it is over 2048 bytes long, or has a control character in it");
        }
        if url.starts_with('-') {
            return Err(UNSAFE_DASH);
        }
        let is_path = url.starts_with(['/', '.']);
        if !is_path && let Some((transport, _)) = url.split_once("::") {
            let is_named = transport.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
            if is_named {
                return Err("a url that names a program of git (`ext::` and the like): write `https://`, `ssh://`, \
                            `git://` or a path");
            }
        }
        if is_path {
            return Ok(Self::folder());
        }
        match url.split_once("://") {
            Some((scheme, rest)) => Self::of_scheme(scheme, rest),
            None => match url.split_once(':') {
                // A colon behind a slash is part of a path's name.
                Some((host, path)) if !host.contains('/') => Self::of_ssh(host, path),
                _ => Ok(Self::folder()),
            },
        }
    }

    fn folder() -> Self {
        Self { protocol: Protocol::File, user: None, origin: String::new() }
    }

    fn of_scheme(scheme: &str, rest: &str) -> Result<Self, &'static str> {
        let protocol = match scheme {
            "https" => Protocol::Https,
            "http" => Protocol::Http,
            "ssh" => Protocol::Ssh,
            "git" => Protocol::Git,
            "file" if rest.starts_with('/') => return Ok(Self::folder()),
            "file" => return Err("a `file` url of another machine: write `file:///path`"),
            _ => return Err("a url of a scheme that is not used here: write `https://`, `ssh://`, `git://` or a path"),
        };
        let (authority, path) = rest.split_once('/').ok_or("a url without a path: name the repository")?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        check_host(host)?;
        if user.is_some_and(|user| user.contains(':')) {
            return Err("a url with a password in it: write it without, and give `token_file` or `token`");
        }
        if user.is_some_and(|user| user.is_empty() || user.starts_with('-')) || path.starts_with('-') {
            return Err(UNSAFE_DASH);
        }
        if protocol == Protocol::Http && !is_this_machine(host) {
            return Err("a url that is not encrypted: write `https://` (`http://` is for this machine only)");
        }
        let origin = format!("{scheme}://{host}");
        Ok(Self { protocol, user: user.map(str::to_owned), origin })
    }

    fn of_ssh(host: &str, path: &str) -> Result<Self, &'static str> {
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, host),
        };
        check_host(host)?;
        if user.is_some_and(|user| user.is_empty() || user.starts_with('-')) || path.starts_with('-') {
            return Err(UNSAFE_DASH);
        }
        if path.is_empty() {
            return Err("a url without a path: name the repository");
        }
        Ok(Self { protocol: Protocol::Ssh, user: user.map(str::to_owned), origin: format!("ssh://{host}") })
    }
}

/// A host and perhaps a port, in characters that every program reads alike.
fn check_host(host: &str) -> Result<(), &'static str> {
    if host.starts_with('-') {
        return Err(UNSAFE_DASH);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_plain) {
        return Err("a url without a host that can be one: write a name or an address");
    }
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || name.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// Why a branch, tag or commit cannot be one: the rules of `git check-ref-format`, and no sign of an option or a pattern.
pub(super) fn check_reference(reference: &str) -> Result<(), &'static str> {
    let is_bad = |c: char| c.is_control() || " ~^:?*[\\\u{7f}".contains(c);
    if reference.is_empty() || reference.len() > 1024 {
        return Err("no ref: write a branch, a tag or a whole commit id");
    }
    if reference.starts_with('-') {
        return Err("a ref that begins with `-`, which git could take for an option: write it as `refs/heads/-name`");
    }
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !has_suffix(part, ".lock");
    let wrong = reference.contains(is_bad)
        || reference.contains("..")
        || reference.contains("@{")
        || reference == "@"
        || reference.ends_with('.')
        || !reference.split('/').all(is_part);
    if wrong {
        return Err("no name that a ref can have: write a branch, a tag or a whole commit id");
    }
    Ok(())
}

fn has_suffix(part: &str, suffix: &str) -> bool {
    part.len() >= suffix.len() && part.ends_with(suffix)
}

/// Whether a text is a whole id of an object: 40 or 64 lower-case hexadecimal digits.
pub(super) fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_may_be_given_is_told_apart() {
        let protocol = |url: &str| Place::read(url).map(|place| place.protocol);
        for (url, expected) in [
            ("https://h.example/acme/docs.git", Protocol::Https),
            ("https://me@h.example:8443/acme/docs.git", Protocol::Https),
            ("http://127.0.0.1:8080/docs.git", Protocol::Http),
            ("http://[::1]:8080/docs.git", Protocol::Http),
            ("http://localhost/docs.git", Protocol::Http),
            ("ssh://git@h.example:2222/docs.git", Protocol::Ssh),
            ("git@h.example:acme/docs.git", Protocol::Ssh),
            ("git://h.example/docs.git", Protocol::Git),
            ("file:///srv/docs.git", Protocol::File),
            ("/srv/a:b::c/docs.git", Protocol::File),
            ("./-docs", Protocol::File),
            ("docs", Protocol::File),
        ] {
            assert_eq!(protocol(url), Ok(expected), "{url}");
        }
        let place = Place::read("https://me@h.example:8443/docs.git").expect("it is one");
        assert_eq!((place.user.as_deref(), place.origin.as_str()), (Some("me"), "https://h.example:8443"));
    }

    #[test]
    fn what_could_run_something_or_leak_is_refused() {
        for url in [
            "",
            "-oProxyCommand=id",
            "--upload-pack=id",
            "ext::sh -c id",
            "fd::17",
            "https::x",
            "ssh://-oProxyCommand=id/x",
            "ssh://-o@h.example/x",
            "-o@h.example:x",
            "h.example:-x",
            "git@-oProxyCommand=id:x",
            "https://u:secret@h.example/x",
            "http://h.example/x",
            "http://127.0.0.1.evil.example/x",
            "ftp://h.example/x",
            "HTTPS://h.example/x",
            "https://h.example",
            "https://h%2eexample/x",
            "https://h.example\n.evil/x",
            "https:///x",
            "file://host/x",
            "git@h.example:",
        ] {
            assert!(Place::read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn refs_are_names_and_nothing_else() {
        for reference in ["main", "release/1.x", "refs/heads/-x", "v1.0", "HEAD", &"a".repeat(40)] {
            assert_eq!(check_reference(reference), Ok(()), "{reference}");
        }
        for reference in [
            "",
            "-x",
            "--upload-pack=id",
            "a..b",
            "a b",
            "a:b",
            "+a^",
            "a*",
            "a//b",
            "/a",
            "a/",
            ".a",
            "a.lock",
            "@",
            "a@{1}",
            "a\nb",
        ] {
            assert!(check_reference(reference).is_err(), "{reference}");
        }
        assert!(is_object_id(&"0f".repeat(20)) && !is_object_id("0f0f0f0") && !is_object_id(&"0G".repeat(20)));
    }
}
