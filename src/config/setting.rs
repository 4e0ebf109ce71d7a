//! How one value of the configuration is written: durations, sizes, urls, words. Pure; each knows its own schema.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{Schema, json_schema};
use secrecy::SecretString;
use url::Url;

use super::fault::nearest;
use super::typed::Setting;
use super::{Schedule, Watch};
use crate::convert::Output;
use crate::daemon::schedule::CronSchedule;
use crate::page::SourceName;
use crate::render::Availability;
use crate::site::{Generator, UrlStyle};
use crate::source::files::{FollowSymlinks, check_pattern};
use crate::source::git;
use crate::source::sitemap::Markdown;

/// A secret in clear; never printed, and no message repeats it.
pub(super) struct Secret(pub(super) SecretString);

/// A source's name.
pub(super) struct Name(pub(super) SourceName);

/// Where Intercom hosts a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    Us,
    Eu,
    Au,
}

/// The `Intercom-Version` header.
#[derive(Debug)]
pub(super) struct Version(pub(super) String);

/// An address to listen on, or nothing.
pub(super) struct HttpListen(pub(super) Option<SocketAddr>);

/// A name by which the daemon is called.
pub(super) struct HostName(pub(super) String);

/// Bytes.
pub(super) struct Size(pub(super) u64);

/// A pattern with gitignore's meaning.
pub(super) struct FilesPattern(pub(super) String);

/// A language code.
pub(super) struct GlobalLocale(pub(super) String);

/// Whether a long page becomes several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    Off,
    H2,
}

/// What `git clone` takes.
pub(super) struct GitUrl(pub(super) String);

/// A branch, a tag or a commit.
pub(super) struct GitRef(pub(super) String);

/// A folder of a repository, relative, `/`-separated, without a slash at either end.
pub(super) struct GitPath(pub(super) String);

/// Whether robots.txt is obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Robots {
    Obey,
    Ignore,
}

/// What is done about pages that a sitemap names no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delisted {
    Hold,
    Delete,
}

/// A switch with the words of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnOff(pub(super) bool);

/// Reads `10s`, `5m`, `1h30m`, `250ms`. Over a thousand days is no duration that anybody waits for.
pub fn duration(text: &str) -> Result<Duration, String> {
    const MAX: Duration = Duration::from_hours(1000 * 24);
    let parsed = text.trim().parse::<jiff::SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
    match parsed {
        Some(duration) if duration <= MAX => Ok(duration),
        _ => Err("not a duration: write it as `30s`, `5m` or `1h30m`".into()),
    }
}

impl Setting for String {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("empty: write a value, or remove it".into()) } else { Ok(text.to_owned()) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Setting for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("not a path: it is empty".into()),
            text if text.contains('\0') => Err("not a path".into()),
            text => Ok(text.into()),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Setting for Secret {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty: give the secret, or remove the key".into());
        }
        Ok(Self(SecretString::from(text.to_owned())))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Setting for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err("neither `true` nor `false`".into()),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl Setting for u64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "not a whole number".into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

impl Setting for i64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "not a whole number".into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer" })
    }
}

impl Setting for f64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(|| "not a number".into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number" })
    }
}

impl Setting for Duration {
    fn read(text: &str) -> Result<Self, String> {
        duration(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["10s", "5m", "1h30m"] })
    }
}

impl Setting for Size {
    fn read(text: &str) -> Result<Self, String> {
        match text.parse::<bytesize::ByteSize>() {
            Ok(size) if size.0 > 0 => Ok(Self(size.0)),
            _ => Err("not a size: write it as `500KB`, `10MB` or `8MiB`".into()),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "examples": ["10MB"] })
    }
}

impl Setting for Url {
    /// An http address without credentials, query and fragment: they would end up in requests, reports and logs.
    fn read(text: &str) -> Result<Self, String> {
        let url = Self::parse(text).map_err(|_| "not a url: write it as `https://docs.example.com/`".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err("not a url that starts with `https://` or `http://`".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a url with credentials in it: remove them".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a url with a query or a fragment: end it before the `?` or `#`".into());
        }
        Ok(url)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "uri", "pattern": r"^https?://|\$\{" })
    }
}

impl Setting for Name {
    fn read(text: &str) -> Result<Self, String> {
        let first_is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest_is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if !first_is_plain || !rest_is_plain || text.len() > 64 {
            return Err("not a name: use letters, digits, `.`, `_` and `-`, a letter or digit first, at most 64".into());
        }
        Ok(Self(SourceName::new(text)))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" })
    }
}

impl Version {
    /// Whether a language other than English may be sent. What is no number (`Preview`) is newer than every number.
    pub(super) fn has_locales(&self) -> bool {
        let mut parts = self.0.split('.').map(str::parse::<u64>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (2, 17),
            (Some(Ok(major)), None) => major > 2,
            _ => true,
        }
    }
}

impl Setting for Version {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 32 || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
            return Err("not a version of Intercom's API: write it as `\"2.16\"`".into());
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "number"], "examples": ["2.16"] })
    }
}

impl Setting for HttpListen {
    fn read(text: &str) -> Result<Self, String> {
        if matches!(text, "off" | "false") {
            return Ok(Self(None));
        }
        text.parse()
            .map(|address| Self(Some(address)))
            .map_err(|_| "not an address and port: write it as `127.0.0.1:9464` or `\"[::1]:9464\"`, or `off`".into())
    }

    fn schema() -> Schema {
        // Some editors read `off` as YAML 1.1 did: as false.
        json_schema!({ "type": ["string", "boolean"], "examples": ["127.0.0.1:9464", "off"] })
    }
}

impl Setting for HostName {
    fn read(text: &str) -> Result<Self, String> {
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
        if !text.is_empty() && text.len() <= 255 && text.chars().all(in_name) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err("not the name of a host: write it as `docs.example.com`, without a scheme or a path".into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["docs.example.com"] })
    }
}

impl Setting for FilesPattern {
    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("not a pattern: it is empty".into());
        }
        match check_pattern(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(why) => Err(format!("not a pattern: {why}; write it as in .gitignore, such as `**/*.md`")),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["**/*.md"] })
    }
}

impl Setting for GlobalLocale {
    fn read(text: &str) -> Result<Self, String> {
        let mut parts = text.split('-');
        let language =
            parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.chars().all(|c| c.is_ascii_lowercase()));
        let rest = parts.all(|p| (2..=8).contains(&p.len()) && p.chars().all(|c| c.is_ascii_alphanumeric()));
        if !language || !rest || text.len() > 35 {
            return Err("not a language code: write it as `en` or `pt-BR`".into());
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["en"] })
    }
}

impl Setting for GitUrl {
    fn read(text: &str) -> Result<Self, String> {
        git::check_url(text).map(|()| Self(text.to_owned())).map_err(str::to_owned)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["git@github.com:acme/handbook.git"] })
    }
}

impl Setting for GitRef {
    fn read(text: &str) -> Result<Self, String> {
        git::check_reference(text).map(|()| Self(text.to_owned())).map_err(str::to_owned)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["main"] })
    }
}

impl Setting for GitPath {
    fn read(text: &str) -> Result<Self, String> {
        let path = text.trim_matches('/');
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', '\n']);
        if path.is_empty() || path == "." {
            return Ok(Self(String::new()));
        }
        if !path.split('/').all(is_plain) {
            return Err("not a folder of the repository: write it as `docs` or `packages/docs`".into());
        }
        Ok(Self(path.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["docs"] })
    }
}

impl Setting for ipnet::IpNet {
    fn read(text: &str) -> Result<Self, String> {
        let one = || text.parse::<std::net::IpAddr>().map(Self::from);
        text.parse::<Self>()
            .or_else(|_| one())
            .map_err(|_| "not a network: write it as `10.0.0.0/8` or `fd00::/8`".into())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["10.0.0.0/8"] })
    }
}

impl Setting for Robots {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "obey" => Ok(Self::Obey),
            "ignore" => Ok(Self::Ignore),
            text => Err(unknown_word(text, &["obey", "ignore"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": ["obey", "ignore"] })
    }
}

impl Setting for Delisted {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "hold" => Ok(Self::Hold),
            "delete" => Ok(Self::Delete),
            text => Err(unknown_word(text, &["hold", "delete"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": ["hold", "delete"] })
    }
}

impl Setting for Markdown {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "off" | "false" => Ok(Self::Off),
            "page" => Ok(Self::Page),
            "llms_txt" => Ok(Self::LlmsTxt),
            text => Err(unknown_word(text, &["off", "page", "llms_txt"])),
        }
    }

    fn schema() -> Schema {
        // Some editors read `off` as YAML 1.1 did: as false.
        json_schema!({ "enum": ["off", "page", "llms_txt", false] })
    }
}

impl Setting for Split {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "off" | "false" => Ok(Self::Off),
            "h2" => Ok(Self::H2),
            text => Err(unknown_word(text, &["off", "h2"])),
        }
    }

    fn schema() -> Schema {
        // Some editors read `off` as YAML 1.1 did: as false.
        json_schema!({ "enum": ["off", "h2", false] })
    }
}

impl Setting for OnOff {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "on" | "true" => Ok(Self(true)),
            "off" | "false" => Ok(Self(false)),
            text => Err(unknown_word(text, &["on", "off"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": ["on", "off", true, false] })
    }
}

impl Setting for Schedule {
    fn read(text: &str) -> Result<Self, String> {
        let cron = "neither an interval such as `5m` nor a cron expression such as `*/5 * * * *`";
        if text.split_whitespace().count() > 1 && duration(text).is_err() {
            let read = CronSchedule::read(text).map(|read| Self::Cron(Box::new(read)));
            return read.map_err(|why| format!("{cron}: {why}"));
        }
        match duration(text) {
            Ok(every) if every >= Duration::from_secs(1) => Ok(Self::Every(every)),
            Ok(_) => Err("too short for a schedule: at least `1s`".into()),
            Err(_) => Err(cron.into()),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["5m", "*/5 * * * *", "CRON_TZ=Europe/Berlin 0 6 * * *"] })
    }
}

impl Setting for Generator {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "plain" => Ok(Self::Plain),
            "mkdocs" => Ok(Self::MkDocs),
            "docusaurus" => Ok(Self::Docusaurus),
            "vitepress" => Ok(Self::VitePress),
            "mdbook" => Ok(Self::MdBook),
            "sphinx" => Ok(Self::Sphinx),
            "starlight" => Ok(Self::Starlight),
            "hugo" => Ok(Self::Hugo),
            "jekyll" => Ok(Self::Jekyll),
            "gitbook" => Ok(Self::GitBook),
            text => Err(unknown_word(text, &GENERATORS)),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": GENERATORS })
    }
}

const GENERATORS: [&str; 11] = [
    "auto",
    "plain",
    "mkdocs",
    "docusaurus",
    "vitepress",
    "mdbook",
    "sphinx",
    "starlight",
    "hugo",
    "jekyll",
    "gitbook",
];

impl Setting for UrlStyle {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "directory" => Ok(Self::Directory),
            "html" => Ok(Self::Html),
            "as_is" => Ok(Self::AsIs),
            "none" => Ok(Self::None),
            template if template.contains('{') => Self::template(template),
            text => Err(unknown_word(text, &["directory", "html", "as_is", "none"])),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["directory", "html", "as_is", "none", "{dir}/{stem}.htm"] })
    }
}

fn unknown_word(text: &str, words: &[&'static str]) -> String {
    match nearest(text, words.iter().copied()) {
        Some(word) => format!("not known here: did you mean `{word}`?"),
        None => format!("not known here: write one of `{}`", words.join("`, `")),
    }
}

macro_rules! words {
    ($($type:ty { $($word:literal => $value:expr),+ $(,)? })+) => { $(
        impl Setting for $type {
            fn read(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)+
                    text => Err(unknown_word(text, &[$($word),+])),
                }
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    )+ };
}

words! {
    Region { "us" => Self::Us, "eu" => Self::Eu, "au" => Self::Au }
    FollowSymlinks { "inside" => Self::Inside, "all" => Self::All, "never" => Self::Never }
    Watch { "auto" => Self::Auto, "native" => Self::Native, "poll" => Self::Poll, "off" => Self::Off }
    Output { "html" => Self::Html, "text" => Self::Text }
    Availability { "on_create" => Self::OnCreate, "managed" => Self::Managed }
}
