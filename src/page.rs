//! The words that every room uses: what a document is, what a page is, and the ids that must not be confused.
//!
//! Knows nothing of Intercom's JSON, of files, of SQLite. Everything here is a value.

mod entry;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, is_nfc};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "Box<str>", into = "String")]
        pub struct $name(Arc<str>);

        impl From<Box<str>> for $name {
            fn from(text: Box<str>) -> Self {
                Self(text.into())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                (*id.0).into()
            }
        }

        impl $name {
            /// The text as it is.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The name that the configuration gives a source.
    SourceName
}
text_id! {
    /// A document's place in its source: relative to the root, `/`-separated, NFC, case kept, no `.` or `..` part.
    DocPath
}
text_id! {
    /// How Intercom knows a page for us: the document's path, or its front matter's `id`. At most 255 bytes.
    ExternalId
}
text_id! {
    /// Intercom's own id of a page, the only one that a delete accepts. A string, though it looks like a number.
    PageId
}

impl SourceName {
    /// Takes a name as the configuration has it.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

/// A path from a folder, its `.` and `..` resolved, without `/` at either end; `None` where it leaves the root.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut resolved = String::with_capacity(folder.len() + path.len() + 1);
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if resolved.is_empty() => return None,
            ".." => resolved.truncate(resolved.rfind('/').unwrap_or(0)),
            part => {
                if !resolved.is_empty() {
                    resolved.push('/');
                }
                resolved.push_str(part);
            }
        }
    }
    Some(resolved)
}

impl DocPath {
    /// Takes a relative, `/`-separated path and puts it into NFC.
    pub fn new(path: impl Into<Arc<str>>) -> Self {
        Self(nfc(path.into()))
    }

    /// The folder part, without a trailing `/`; empty at the root.
    #[must_use]
    pub fn dir(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The last part without its extension; a leading dot is no extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        match name.rfind('.') {
            Some(dot) if dot > 0 => &name[..dot],
            _ => name,
        }
    }

    /// The extension in lower case, empty without one.
    #[must_use]
    pub fn extension(&self) -> String {
        let name = self.file_name();
        match name.rfind('.') {
            Some(dot) if dot > 0 => name[dot + 1..].to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

impl ExternalId {
    /// The longest id that is sent; Intercom states no limit, 255 bytes is what its other ids take.
    pub const MAX_BYTES: usize = 255;

    /// Takes a path or a front matter `id`: NFC, and over [`Self::MAX_BYTES`] shortened with a hash of the whole.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        let id = nfc(id.into());
        if id.len() <= Self::MAX_BYTES {
            return Self(id);
        }
        let hash = base16ct::lower::encode_string(&Sha256::digest(id.as_bytes())[..16]);
        let mut end = Self::MAX_BYTES - hash.len() - 1;
        while !id.is_char_boundary(end) {
            end -= 1;
        }
        Self(format!("{}-{hash}", &id[..end]).into())
    }
}

impl From<&DocPath> for ExternalId {
    fn from(path: &DocPath) -> Self {
        Self::new(path.0.clone())
    }
}

impl From<&ExternalId> for DocPath {
    fn from(id: &ExternalId) -> Self {
        Self(id.0.clone())
    }
}

impl PageId {
    /// Takes the id as Intercom gave it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }
}

/// Intercom's own id of a content import source: an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportSourceId(pub i64);

impl fmt::Display for ImportSourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The SHA-256 of some bytes.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base16ct::lower::encode_string(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), base16ct::lower::encode_string(&self.0[..6]))
            }
        }
    };
}

hash! {
    /// What is sent, and nothing else (I7): see [`Page::content_hash`].
    ContentHash
}
hash! {
    /// The bytes of a document as its source holds them; renames are paired by it.
    SourceHash
}

hash! {
    /// A whole scan and what its documents are rendered with: equal means that not one document is to be looked at.
    ScanDigest
}

impl SourceHash {
    /// What stands for the bytes of a part of a document: the same part of the same bytes under another name has the same,
    /// and no other part has.
    #[must_use]
    pub fn of_part(self, id: &ExternalId) -> Self {
        let anchor = id.as_str().rsplit_once('#').map_or("", |(_, anchor)| anchor);
        Self::of(format!("{self}#{anchor}").as_bytes())
    }
}

impl serde::Serialize for SourceHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SourceHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut hash = [0; 32];
        match base16ct::lower::decode(text.as_bytes(), &mut hash) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(hash)),
            _ => Err(serde::de::Error::custom("no hash: 64 hexadecimal digits are one")),
        }
    }
}

/// What a source knows cheaply of a document: equal means unchanged. Opaque: a file's stat, a blob's id, an `ETag`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub Box<[u8]>);

/// The last commit that changed a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Unix seconds of the committer's clock.
    pub at: i64,
}

/// One of Fin's switches on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// On or off, as the configuration or the front matter says.
    pub on: bool,
    /// `true`: we own the switch: it is sent with every request and is part of the content hash.
    /// `false`: it is sent when the page is created, and from then on it belongs to whoever sets it in Intercom.
    pub managed: bool,
}

/// The two switches of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// The AI agent's.
    pub ai_agent: bool,
    /// Copilot's.
    pub ai_copilot: bool,
}

/// A page as Fin is to have it: everything that is sent but the id of its import source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The id that Intercom upserts by.
    pub external_id: ExternalId,
    /// The title as the site shows it. Never empty.
    pub title: String,
    /// Clean, sanitised HTML.
    pub html: String,
    /// The public address that Fin links to; without it Fin gives no reference.
    pub url: Option<String>,
    /// A language code; `en` below version 2.17 of the API.
    pub locale: String,
    /// Whether the AI agent answers from it.
    pub ai_agent: Switch,
    /// Whether Copilot answers from it.
    pub ai_copilot: Switch,
}

impl Page {
    /// The hash of exactly what a request would carry (I7): each part with its length before it, so that no two pages
    /// share a hash by moving text from one part to the next. Switches count only where they are managed.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        content_hash(
            &self.title,
            &self.html,
            self.url.as_deref(),
            &self.locale,
            self.ai_agent.managed.then_some(self.ai_agent.on),
            self.ai_copilot.managed.then_some(self.ai_copilot.on),
        )
    }
}

/// The hash of a page's parts, for pages that Intercom lists as well as for ours; a switch is `None` where it is not managed.
#[must_use]
pub fn content_hash(
    title: &str,
    html: &str,
    url: Option<&str>,
    locale: &str,
    ai_agent: Option<bool>,
    ai_copilot: Option<bool>,
) -> ContentHash {
    let switch = |s: Option<bool>| [s.map_or(2, u8::from)];
    let mut hash = Sha256::new();
    let mut part = |tag: u8, bytes: &[u8]| {
        hash.update([tag]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(1, title.as_bytes());
    part(2, html.as_bytes());
    if let Some(url) = url {
        part(3, url.as_bytes());
    }
    part(4, locale.as_bytes());
    part(5, &switch(ai_agent));
    part(6, &switch(ai_copilot));
    ContentHash(hash.finalize().into())
}

pub use entry::{Acknowledged, BodyHash, Doubt, Entry, Missed, Rejected};

/// What stood in the way of seeing a source whole. One is enough to keep every delete from being planned (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: relative to the root, or empty for the root itself.
    pub path: String,
    /// What, and what to do about it.
    pub message: String,
}

/// Why a document that is there cannot be sent. What Fin has of it stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word for machines: `unreadable`, `too_large`, `invalid_utf8`, `front_matter`, `empty`, `rejected`, …
    pub code: String,
    /// What happened, where (line), and what to do about it.
    pub message: String,
}

impl Failure {
    /// A failure with its code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

fn nfc(text: Arc<str>) -> Arc<str> {
    if is_nfc(&text) { text } else { text.nfc().collect::<String>().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_parts_and_is_nfc() {
        let path = DocPath::new("guide/cafe\u{301}.en.MD");
        assert_eq!(path.as_str(), "guide/caf\u{e9}.en.MD");
        assert_eq!((path.dir(), path.stem(), path.extension().as_str()), ("guide", "caf\u{e9}.en", "md"));
        assert_eq!(DocPath::new(".hidden").stem(), ".hidden");
    }

    #[test]
    fn long_ids_are_shortened_at_a_character_and_stay_different() {
        let (a, b) = (ExternalId::new("é".repeat(200) + "a"), ExternalId::new("é".repeat(200) + "b"));
        assert!(a.as_str().len() <= ExternalId::MAX_BYTES && a != b);
        assert_eq!(ExternalId::new("x".repeat(255)).as_str().len(), 255);
    }

    #[test]
    fn the_content_hash_covers_each_part_apart() {
        let base = content_hash("a", "bc", None, "en", None, None);
        assert_ne!(base, content_hash("ab", "c", None, "en", None, None));
        assert_ne!(base, content_hash("a", "bc", Some(""), "en", None, None));
        assert_ne!(base, content_hash("a", "bc", None, "en", Some(false), None));
        assert_ne!(
            content_hash("a", "b", None, "en", Some(true), None),
            content_hash("a", "b", None, "en", None, Some(true))
        );
    }
}
