//! The access token: where it comes from, and how it gets into a request without getting anywhere else.
//!
//! Keeps (I9): the token is in no message, no `Debug`, and marked as sensitive in the header that carries it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// Intercom's tokens have about 60 bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// A secret, by value or in a file that is read again on every use.
#[derive(Clone, Debug)]
pub enum Token {
    /// From the configuration.
    Value(SecretString),
    /// From the environment.
    Environment(SecretString),
    /// In a file.
    File(PathBuf),
}

impl Token {
    /// The header of a request, read anew each time, so that a token may be exchanged while we run. Fails where there is
    /// no usable token, with what to do about it.
    ///
    /// The read blocks: a few microseconds for a small local file, less than handing it to another thread.
    pub(super) fn bearer(&self) -> Result<HeaderValue, String> {
        let origin = self.origin();
        match self {
            Self::Value(value) | Self::Environment(value) => header(value.expose_secret(), &origin),
            Self::File(path) => {
                let text = read(path).map_err(|error| format!("{origin} cannot be read: {error}"))?;
                header(text.expose_secret(), &origin)
            }
        }
    }

    /// Where the token comes from, for messages.
    pub(super) fn origin(&self) -> String {
        match self {
            Self::Value(_) => "the token in `intercom.token`".into(),
            Self::Environment(_) => "the token in `$INTERCOM_ACCESS_TOKEN`".into(),
            Self::File(path) => format!("the token in `{}`", path.display()),
        }
    }
}

fn header(token: &str, origin: &str) -> Result<HeaderValue, String> {
    let token = token.trim();
    if token.is_empty() {
        return Err(format!("{origin} is empty: put the token there"));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{origin} has a character that no token has: put the token there and nothing else"));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| format!("{origin} cannot be sent in a header: put the token there and nothing else"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(path: &Path) -> Result<SecretString, String> {
    // A pipe would be empty at the second use, and might never answer at the first.
    if !path.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it has over {MAX_BYTES} bytes, which no token has"));
    }
    String::from_utf8(bytes).map(SecretString::from).map_err(|_| "it is no text".into())
}

/// `text` without the token that `bearer` carries, should a server have sent it back.
pub(super) fn redact(text: &str, bearer: &HeaderValue) -> String {
    let token = bearer.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) if text.contains(token) => text.replace(token, "[token]"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(token: &str) -> Token {
        Token::Value(SecretString::from(token))
    }

    #[test]
    fn a_token_is_trimmed_and_sent_as_bearer_without_showing_itself() {
        let token = value(" dG9rOjEyMw== \n");
        let header = token.bearer().unwrap();
        assert_eq!(header.as_bytes(), b"Bearer dG9rOjEyMw==");
        assert!(!format!("{token:?} {header:?}").contains("dG9r"));
        assert_eq!(redact("bad token dG9rOjEyMw==!", &header), "bad token [token]!");
    }

    #[test]
    fn a_token_that_cannot_be_one_is_refused_without_being_told() {
        for bad in ["", " \n", "geheim ist es", "gehéim", "geheim\u{0}", "geheim\r\nX: y"] {
            let message = value(bad).bearer().unwrap_err();
            assert!(!message.contains("geh") && message.contains("put the token there"), "{message}");
        }
    }

    #[test]
    fn a_token_file_is_read_again_on_each_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = Token::File(path.clone());
        assert!(token.bearer().unwrap_err().contains("cannot be read"));
        for content in ["one", "two\n"] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(token.bearer().unwrap().as_bytes(), format!("Bearer {}", content.trim()).as_bytes());
        }
        std::fs::write(&path, "x".repeat(20_000)).unwrap();
        assert!(token.bearer().unwrap_err().contains("over 16384 bytes"));
        std::fs::write(&path, b"\xff\xfe").unwrap();
        assert!(token.bearer().unwrap_err().contains("no text"));
        assert!(Token::File(folder.path().into()).bearer().unwrap_err().contains("no regular file"));
    }
}
