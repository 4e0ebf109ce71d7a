//! A secret of the configuration: by value, or in a file that is read again on every use.
//!
//! Keeps (I9): it is in no message and in no `Debug`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// No secret is larger.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum Secret {
    /// From the configuration.
    Value(SecretString),
    /// In a file.
    File(PathBuf),
}

impl Secret {
    /// The secret as it is now, without blanks around it; fails where there is none, with what to do about it.
    ///
    /// The read blocks: a few microseconds for a small local file.
    pub fn read(&self) -> Result<SecretString, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                let failed = |why: &str| format!("the secret in `{}` cannot be read: {why}", path.display());
                let text = text(path).map_err(|why| failed(&why))?;
                match text.trim() {
                    "" => Err(failed("it is empty: put the secret there")),
                    text => Ok(SecretString::from(text.to_owned())),
                }
            }
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    // A pipe would be empty at the second use, and might never answer at the first.
    if !path.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it has over {MAX_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is no text".into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_is_read_anew_each_time_and_its_blanks_are_not_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let secret = Secret::File(path.clone());
        assert!(secret.read().unwrap_err().contains("token"));
        for (text, read) in [("first\n", "first"), (" second ", "second")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(secret.read().unwrap().expose_secret(), read);
        }
        std::fs::write(&path, " \n").unwrap();
        assert!(secret.read().unwrap_err().contains("empty"));
    }
}
