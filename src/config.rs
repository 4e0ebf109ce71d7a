//! The configuration: `finmirror.yaml` → the parts' own options.
//!
//! Owns the keys, their defaults and their errors; every default of finmirror lives in this file. Must not know what the
//! parts do with their options. The environment comes in as a lookup, so that a test has its own.
//!
//! A file is checked for size and nesting, parsed into a tree that knows positions (duplicate keys end here), its
//! variables replaced, the tree read as `Raw*` structs (unknown keys end here), and these resolved into options, where
//! every wrong value is reported at once.
//!
//! Invariant: no error shows a secret, wherever in the file it stands.

use std::fmt::Write as _;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::convert::{ConverterOptions, Output};
use crate::daemon::alerts::AlertOptions;
pub use crate::daemon::schedule::Schedule;
use crate::daemon::watch::Watch;
use crate::http::HttpOptions;
use crate::intercom::IntercomOptions;
use crate::page::SourceName;
use crate::plan::Policy;
use crate::render::{Availability, PageOptions};
use crate::secret::Secret;
use crate::simulator::SimulatorOptions;
use crate::site::{Generator, SiteOptions, SitePolicies, UrlStyle};
use crate::source::files::{FilesOptions, FollowSymlinks};
use crate::source::git::GitOptions;
use crate::source::sitemap::{Markdown, SitemapOptions};
use crate::sync::binding::ImportSourceOptions;

mod fault;
mod interpolate;
mod mask;
mod places;
mod raw;
mod resolve;
mod setting;
mod tree;
mod typed;

pub use fault::{Error, Fault, Place};
pub use setting::duration;

/// Where the configuration is looked for if nothing names it.
pub const USUAL_PLACES: [&str; 2] = ["./finmirror.yaml", "/etc/finmirror/finmirror.yaml"];
/// Names the configuration if `--config` does not.
pub const CONFIG_VARIABLE: &str = "FINMIRROR_CONFIG";
/// Holds the access token if the configuration names none.
pub const TOKEN_VARIABLE: &str = "INTERCOM_ACCESS_TOKEN";

/// The defaults, each where `config/finmirror.example.yaml` shows it.
mod default {
    use super::{
        Availability, Duration, FollowSymlinks, Generator, Ipv4Addr, Output, Schedule, SocketAddr, UrlStyle, Watch,
    };

    pub(super) const REGION: super::setting::Region = super::setting::Region::Us;
    pub(super) const VERSION: &str = "2.16";
    pub(super) const RATE_LIMIT_SHARE: f64 = 0.9;
    pub(super) const MAX_IN_FLIGHT: u64 = 16;
    pub(super) const SIMULATOR_DATA: &str = "simulator.db";
    pub(super) const LEDGER: &str = "ledger.db";
    pub(super) fn listen() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 9464).into()
    }
    pub(super) const FOLLOW_SYMLINKS: FollowSymlinks = FollowSymlinks::Inside;
    pub(super) const WATCH: Watch = Watch::Auto;
    pub(super) const MAX_SIZE: u64 = 10_000_000;
    pub(super) const GENERATOR: Generator = Generator::Auto;
    pub(super) const URLS: UrlStyle = UrlStyle::Directory;
    pub(super) const LOCALE: &str = "en";
    pub(super) const AI_AGENT: bool = true;
    pub(super) const AI_COPILOT: bool = true;
    pub(super) const AVAILABILITY: Availability = Availability::OnCreate;
    pub(super) const SPLIT: super::setting::Split = super::setting::Split::Off;
    pub(super) const SPLIT_OVER: u64 = 30_000;
    pub(super) const STRICT: bool = false;
    pub(super) const CONTEXT: bool = false;
    pub(super) const MAX_TITLE: u64 = 500;
    pub(super) const MAX_HTML: u64 = 5_000_000;
    pub(super) const EXCLUSIVE: bool = false;
    pub(super) const MAX_PERCENT: f64 = 10.0;
    pub(super) const MAX_PAGES: u64 = 10;
    pub(super) const CONFIRM_SCANS: u64 = 1;
    /// Of a website: its list is made by a program, and may be half a list.
    pub(super) const SITEMAP_CONFIRM_SCANS: u64 = 2;
    pub(super) const DELISTED: super::setting::Delisted = super::setting::Delisted::Hold;
    pub(super) const GIT_TIMEOUT: Duration = Duration::from_mins(10);
    pub(super) const WORKTREE: bool = false;
    pub(super) const USER_CONFIG: bool = false;
    pub(super) const ROBOTS: super::setting::Robots = super::setting::Robots::Obey;
    pub(super) const CONCURRENCY: u64 = 4;
    pub(super) const DELAY: Duration = Duration::ZERO;
    pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
    pub(super) const MARKDOWN: super::Markdown = super::Markdown::Off;
    pub(super) const TRUST_LASTMOD: bool = false;
    /// Ignore files of a checkout whose files are taken as they lie.
    pub(super) const WORKTREE_IGNORES: [&str; 1] = [".gitignore"];
    pub(super) const SETTLE: Duration = Duration::from_secs(10);
    pub(super) const SCHEDULE: Schedule = Schedule::Every(Duration::from_mins(5));
    pub(super) const CONVERTER_TIMEOUT: Duration = Duration::from_secs(30);
    pub(super) const CONVERTER_MAX_OUTPUT: u64 = 50_000_000;
    pub(super) const CONVERTER_OUTPUT: Output = Output::Html;
    /// Where programs are looked for, where the environment does not say it.
    pub(super) const SEARCH: &str = "/usr/local/bin:/usr/bin:/bin";
    pub(super) const SCRATCH: &str = "/tmp";
    /// Between scans that count for `confirm_scans`, where no interval says it.
    pub(super) const CRON_INTERVAL: Duration = Duration::from_mins(1);
}

/// Everything that the configuration says.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub file: PathBuf,
    /// What is mirrored into. An error where the token is missing or cannot be had: `export` and `preview` need none.
    pub remote: Result<RemoteOptions, Error>,
    /// Where mirrors of repositories and what was fetched of websites lie: beside the ledger, where that has a place.
    pub cache: PathBuf,
    /// The ledger's file, whose folder may have to be made. An error where nothing says where: `export` needs none.
    pub ledger: Result<PathBuf, Error>,
    /// The daemon's door; `None`: it has none.
    pub http: Option<HttpOptions>,
    /// Who is told of what happens; `None`: nobody.
    pub notifications: Option<AlertOptions>,
    /// The sources, in the order of the file; at least one.
    pub sources: Vec<SourceConfig>,
    /// Programs that make HTML of documents, the first that takes a document before the others.
    pub converters: Vec<ConverterOptions>,
    /// What is understood but will not be as it is written; to be said once.
    pub warnings: Vec<String>,
}

/// What is mirrored into.
#[derive(Clone, Debug)]
pub enum RemoteOptions {
    /// A workspace.
    Intercom(IntercomOptions),
    /// The embedded stand-in.
    Simulator(SimulatorOptions),
}

impl RemoteOptions {
    /// What a ledger is tied to: the base url, or the stand-in's file.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Intercom(options) => options.base_url.to_string(),
            Self::Simulator(SimulatorOptions { data: Some(file), .. }) => format!("simulator:{}", file.display()),
            Self::Simulator(_) => "simulator:".into(),
        }
    }
}

/// One source.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Its name.
    pub name: SourceName,
    /// Where it is.
    pub place: SourcePlace,
    /// How the daemon hears of changes.
    pub watch: Watch,
    /// How its documents are published.
    pub site: SiteOptions,
    /// Which of its languages and versions are mirrored.
    pub site_policies: SitePolicies,
    /// What is said of every page.
    pub page: PageOptions,
    /// What holds its pages in Intercom.
    pub import_source: ImportSourceOptions,
    /// What keeps a mistake from deleting pages.
    pub policy: Policy,
    /// When it is looked at.
    pub schedule: Schedule,
    /// What signs the calls that wake it; none: it takes none.
    pub webhook: Vec<Secret>,
}

/// Where a source's documents are.
#[derive(Clone, Debug)]
pub enum SourcePlace {
    /// In a folder.
    Files(FilesOptions),
    /// In a repository.
    Git(GitOptions),
    /// On a website.
    Sitemap(Box<SitemapOptions>),
}

/// Looks a variable of the environment up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Finds the configuration's file: as named, else by [`CONFIG_VARIABLE`], else the first of [`USUAL_PLACES`] that is there.
pub fn discover(named: Option<&Path>, env: Environment<'_>) -> Result<PathBuf, Error> {
    discover_at(named, env, &USUAL_PLACES)
}

fn discover_at(named: Option<&Path>, env: Environment<'_>, usual: &[&str]) -> Result<PathBuf, Error> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    if let Some(named) = env(CONFIG_VARIABLE).filter(|name| !name.is_empty()) {
        return Ok(named.into());
    }
    // One that is there and cannot be looked at is for the reading to complain of.
    match usual.iter().find(|place| !matches!(Path::new(place).try_exists(), Ok(false))) {
        Some(place) => Ok(place.into()),
        None => Err(Error::NotFound { places: usual.iter().map(PathBuf::from).collect() }),
    }
}

/// Reads a configuration file.
pub fn load(file: &Path, env: Environment<'_>) -> Result<Config, Error> {
    let unreadable = |reason: String| Error::Unreadable { file: file.to_owned(), reason };
    let io = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => unreadable("there is no such file".into()),
        std::io::ErrorKind::IsADirectory => unreadable("it is a folder: name the file in it".into()),
        _ => unreadable(format!("{e}")),
    };
    let mut bytes = Vec::new();
    std::fs::File::open(file).and_then(|f| f.take(tree::MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() as u64 > tree::MAX_BYTES {
        return Err(unreadable("it is larger than 1 MiB, so it is no configuration".into()));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count();
        unreadable(format!("line {line} is not UTF-8: save the file as UTF-8"))
    })?;
    parse(&text, file, env)
}

/// Reads a configuration from its text; `file` gives the name for messages and the folder that paths are relative to.
pub fn parse(text: &str, file: &Path, env: Environment<'_>) -> Result<Config, Error> {
    let invalid = |faults| Error::Invalid { file: file.to_owned(), faults };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = tree::Tree::parse(text, env).map_err(|e| {
        let place = e.position.map(|position| Place::new(text, position, None));
        let variable = place.as_ref().is_some_and(Place::has_variable);
        let help = variable.then(|| "where a `${…}` stands within `{ }` or `[ ]`, put it into quotes".to_owned());
        invalid(vec![Fault { message: e.message, help, place }])
    })?;
    let raw = read_shape(&mut tree, text).map_err(invalid)?;
    resolve::resolve(&raw, &resolve::Given { tree: &tree, text, file, env })
}

/// Reads the tree as [`raw::RawConfig`]; keys that are not known are reported together.
fn read_shape(tree: &mut tree::Tree, text: &str) -> Result<raw::RawConfig, Vec<Fault>> {
    const MAX_UNKNOWN: usize = 20;
    let mut faults = Vec::new();
    loop {
        let error = match typed::from_tree::<raw::RawConfig>(tree) {
            Ok(raw) if faults.is_empty() => return Ok(raw),
            Ok(_) => return Err(faults),
            Err(error) => error,
        };
        let place = error.node.and_then(|id| tree::locate(text, id)).map(|at| Place::new(text, at, None));
        let help = error.unknown_key.as_ref().map(|(key, known)| match fault::nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: `{}`", known.join("`, `")),
        });
        let unknown = error.unknown_key.is_some();
        // A key that is missing beside an unknown one is most likely that one, misspelt.
        if unknown || faults.is_empty() {
            faults.push(Fault { message: error.message, help, place });
        }
        let looks_on = unknown && faults.len() < MAX_UNKNOWN && error.node.is_some_and(|key| tree.remove_key(key));
        if !looks_on {
            return Err(faults);
        }
    }
}

/// The JSON Schema of the configuration, for editors.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(raw::RawConfig);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    let _ = writeln!(text);
    text
}

#[cfg(test)]
mod tests;
