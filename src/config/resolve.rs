//! `Raw*` → [`Config`]: reads every value, fills in the defaults, checks what one key means beside another.
//!
//! Nothing stops at the first wrong value: each is noted and its default taken, so that one run reports them all; a
//! configuration comes out only where nothing was noted. What concerns the token or the ledger's place is noted apart,
//! for there are commands that need neither.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use url::{Host, Url};

use super::fault::{Error, Fault, Place};
use super::raw::{
    RawConfig, RawConverter, RawDeletes, RawHttp, RawImportSource, RawIntercom, RawPage, RawSite, RawSource, RawWebhook,
};
use super::setting::{Delisted, GlobalLocale, HostName, HttpListen, OnOff, Region, Secret, Size, Split, Version};
use super::tree::{self, NodeId, Tree};
use super::typed::{At, Leaf, List, OneOrMany, Setting};
use super::{
    Config, Environment, ImportSourceOptions, RemoteOptions, Schedule, SourceConfig, SourcePlace, TOKEN_VARIABLE,
    default, mask,
};
use crate::convert::ConverterOptions;
use crate::daemon::alerts::AlertOptions;
use crate::http::HttpOptions;
use crate::intercom::{IntercomOptions, Token};
use crate::page::ImportSourceId;
use crate::plan::Policy;
use crate::render::{PageOptions, PagePolicies};
use crate::secret;
use crate::simulator::SimulatorOptions;
use crate::site::{Generator, LocaleFolder, Locales, SiteOptions, SitePolicies, Versions};

/// What the values are read from.
pub(super) struct Given<'a> {
    pub(super) tree: &'a Tree,
    pub(super) text: &'a str,
    pub(super) file: &'a Path,
    pub(super) env: Environment<'a>,
}

/// Makes the configuration, or says everything that is wrong with it.
pub(super) fn resolve(raw: &RawConfig, given: &Given<'_>) -> Result<Config, Error> {
    let read = Reader::new(given);
    let mut warnings = Vec::new();
    let version = raw.intercom.as_ref().and_then(|i| read.value(i.value.version.as_ref()));
    let version = version.unwrap_or_else(|| Version(default::VERSION.into()));
    let ledger = ledger(raw, given);
    let remote = match raw.intercom.as_ref() {
        Some(At { value: RawIntercom { simulator: Some(_), .. }, .. }) => read.simulator(raw, &ledger),
        intercom => read.intercom(intercom.map(|i| &i.value), version.0.clone()).map(RemoteOptions::Intercom),
    };
    let http = read.http(raw.http.as_ref());
    let notifications = read.notifications(raw);
    if raw.sources.value.is_empty() {
        read.note(raw.sources.node, "there is no source", "name at least one, each with `name` and `files`");
    }
    let converters = raw.converters.iter().flatten().filter_map(|converter| read.converter(converter)).collect();
    let cache = cache(ledger.as_ref().ok(), given);
    let mut sources: Vec<_> = raw.sources.value.iter().filter_map(|source| read.source(source, &cache)).collect();
    read.twins(raw, &sources);
    for source in &mut sources {
        source.page.policies.sends_locales = version.has_locales();
    }
    if !version.has_locales() {
        warnings.extend(english_only(&mut sources, &version));
    }
    read.finish()?;
    Ok(Config {
        file: given.file.to_owned(),
        remote,
        cache,
        ledger,
        http,
        sources,
        converters,
        warnings,
        notifications,
    })
}

/// The ledger's file: as configured, else where the system says that state belongs.
fn ledger(raw: &RawConfig, given: &Given<'_>) -> Result<PathBuf, Error> {
    let apart = Reader::new(given);
    if let Some(path) = raw.ledger.as_ref().and_then(|ledger| ledger.path.as_ref()) {
        let path = apart.path(path);
        apart.finish()?;
        return path.ok_or_else(|| given.error("the ledger has no place", "set `ledger.path`"));
    }
    let folder = |name: &str| (given.env)(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    // systemd gives several, separated by colons, where a unit asks for several.
    let state = (given.env)("STATE_DIRECTORY").and_then(|all| all.split(':').next().map(PathBuf::from));
    let state = state.filter(|folder| folder.is_absolute());
    let xdg = || folder("XDG_STATE_HOME").map(|home| home.join("finmirror"));
    let home = || folder("HOME").map(|home| home.join(".local/state/finmirror"));
    let folder = state.or_else(xdg).or_else(home).ok_or_else(|| {
        let help = "set `ledger.path`, or one of $STATE_DIRECTORY, $XDG_STATE_HOME and $HOME";
        given.error("nothing says where the ledger belongs", help)
    })?;
    Ok(folder.join(default::LEDGER))
}

/// Where what is fetched lies: beside the ledger, or, for commands that need none, where caches of this user belong.
fn cache(ledger: Option<&PathBuf>, given: &Given<'_>) -> PathBuf {
    if let Some(folder) = ledger.and_then(|ledger| ledger.parent()) {
        return folder.to_owned();
    }
    let home = (given.env)("XDG_CACHE_HOME").filter(|folder| Path::new(folder).is_absolute()).map(PathBuf::from);
    home.unwrap_or_else(|| PathBuf::from(default::SCRATCH)).join("finmirror")
}

/// Below 2.17 Intercom takes no other language.
fn english_only(sources: &mut [SourceConfig], version: &Version) -> Option<String> {
    let mut others = Vec::new();
    for source in sources.iter_mut().filter(|source| source.page.locale != default::LOCALE) {
        others.push(format!("`{}` of `{}`", source.page.locale, source.name));
        default::LOCALE.clone_into(&mut source.page.locale);
    }
    (!others.is_empty()).then(|| {
        let others = others.join(", ");
        let version = &version.0;
        format!(
            "locale {others} is sent as `en`, for version `{version}` of Intercom's API knows no other; \
             set `intercom.version: \"2.17\"`"
        )
    })
}

impl Given<'_> {
    fn error(&self, message: &str, help: &str) -> Error {
        let fault = Fault { message: message.to_owned(), help: Some(help.to_owned()), place: None };
        Error::Invalid { file: self.file.to_owned(), faults: vec![fault] }
    }

    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let path = folder.join(path);
        std::path::absolute(&path).unwrap_or(path)
    }
}

struct Note {
    node: NodeId,
    part: Option<String>,
    fault: Fault,
}

/// What a key says that takes one of some words, or a list.
enum Chosen {
    Word(&'static str),
    List(Vec<String>),
}

/// Reads values and notes what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) given: &'a Given<'a>,
    notes: RefCell<Vec<Note>>,
}

impl<'a> Reader<'a> {
    fn new(given: &'a Given<'a>) -> Self {
        Self { given, notes: RefCell::default() }
    }

    /// The faults in the order of the file, each with its place; none is success.
    fn finish(self) -> Result<(), Error> {
        let mut notes = self.notes.into_inner();
        if notes.is_empty() {
            return Ok(());
        }
        notes.sort_by_key(|note| note.node);
        // Finding a place reads the file again: no more than will be shown.
        let placed = notes.into_iter().enumerate().map(|(n, note)| {
            let position = if n < 20 { tree::locate(self.given.text, note.node) } else { None };
            let place = position.map(|at| Place::new(self.given.text, at, note.part.as_deref()));
            Fault { place, ..note.fault }
        });
        Err(Error::Invalid { file: self.given.file.to_owned(), faults: placed.collect() })
    }

    pub(super) fn note(&self, node: NodeId, message: impl Into<String>, help: &str) {
        self.note_part(node, None, message.into(), help);
    }

    fn note_part(&self, node: NodeId, part: Option<String>, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.notes.borrow_mut().push(Note { node, part, fault: Fault { message, help, place: None } });
    }

    /// Notes what a value is not; `not` says that and, after a colon, how it is written.
    fn note_not(&self, node: NodeId, not: &str) {
        let (not, help) = not.split_once(": ").unwrap_or((not, ""));
        self.note(node, format!("{} is {not}", self.shown(node)), help);
    }

    /// Reads one value; what is wrong with it is noted.
    pub(super) fn leaf<T: Setting>(&self, leaf: &Leaf<T>) -> Option<T> {
        let scalar = self.given.tree.scalar(leaf.node)?;
        match &scalar.text {
            Ok(text) => match T::read(text) {
                Ok(value) => Some(value),
                Err(not) => {
                    self.note_not(leaf.node, &not);
                    None
                }
            },
            Err(fault) => {
                let (message, help) = fault.message.split_once(": ").unwrap_or((&fault.message, ""));
                self.note_part(leaf.node, Some(fault.part.clone()), message.to_owned(), help);
                None
            }
        }
    }

    /// A value as it stands in the file, fit to be shown: with variables in place, secrets masked, cut if long.
    fn shown(&self, node: NodeId) -> String {
        const MAX_CHARS: usize = 60;
        let written = self.given.tree.scalar(node).map_or("", |scalar| scalar.written.as_str());
        let first = written.lines().next().unwrap_or_default();
        let (mut masked, _) = mask::line(first, 0, first, 0..0);
        if let Some((at, _)) = masked.char_indices().nth(MAX_CHARS) {
            masked.truncate(at);
            masked.push('…');
        }
        format!("`{masked}`")
    }

    pub(super) fn value<T: Setting>(&self, leaf: Option<&Leaf<T>>) -> Option<T> {
        leaf.and_then(|leaf| self.leaf(leaf))
    }

    /// Reads a value that must hold to a rule as well.
    pub(super) fn checked<T: Setting>(
        &self,
        leaf: Option<&Leaf<T>>,
        rule: impl Fn(&T) -> bool,
        otherwise: &str,
    ) -> Option<T> {
        let value = self.value(leaf)?;
        if let (false, Some(leaf)) = (rule(&value), leaf) {
            self.note_not(leaf.node, otherwise);
            return None;
        }
        Some(value)
    }

    pub(super) fn list<T: Setting>(&self, list: &List<T>) -> Vec<T> {
        list.items.iter().filter_map(|leaf| self.leaf(leaf)).collect()
    }

    pub(super) fn path(&self, leaf: &Leaf<PathBuf>) -> Option<PathBuf> {
        self.leaf(leaf).map(|path| self.given.absolute(&path))
    }

    fn simulator(&self, raw: &RawConfig, ledger: &Result<PathBuf, Error>) -> Result<RemoteOptions, Error> {
        let Some(intercom) = raw.intercom.as_ref().map(|i| &i.value) else {
            return Err(self.given.error("no simulator", "set `intercom.simulator`"));
        };
        let beside = [
            ("token", intercom.token.as_ref().map(|l| l.node)),
            ("token_file", intercom.token_file.as_ref().map(|l| l.node)),
            ("region", intercom.region.as_ref().map(|l| l.node)),
            ("base_url", intercom.base_url.as_ref().map(|l| l.node)),
            ("rate_limit_share", intercom.rate_limit_share.as_ref().map(|l| l.node)),
            ("max_in_flight", intercom.max_in_flight.as_ref().map(|l| l.node)),
            ("ca_file", intercom.ca_file.as_ref().map(|l| l.node)),
        ];
        for (key, node) in beside.into_iter().filter_map(|(key, node)| Some((key, node?))) {
            self.note(node, format!("`{key}` beside `simulator`, which takes Intercom's place"), "remove one of them");
        }
        let apart = Reader::new(self.given);
        let data = match intercom.simulator.as_ref().and_then(|simulator| simulator.data.as_ref()) {
            Some(data) => apart.path(data),
            None => Some(ledger.clone()?.with_file_name(default::SIMULATOR_DATA)),
        };
        apart.finish()?;
        Ok(RemoteOptions::Simulator(SimulatorOptions { data, ..SimulatorOptions::default() }))
    }

    fn intercom(&self, raw: Option<&RawIntercom>, version: String) -> Result<IntercomOptions, Error> {
        let share = self.checked(
            raw.and_then(|i| i.rate_limit_share.as_ref()),
            |share| *share > 0.0 && *share <= 1.0,
            "not a share: write more than 0 and at most 1",
        );
        let in_flight = self.checked(
            raw.and_then(|i| i.max_in_flight.as_ref()),
            |n| (1..=256).contains(n),
            "out of range: write 1 to 256",
        );
        let options = IntercomOptions {
            base_url: self.host(raw),
            token: Token::File(PathBuf::new()),
            version,
            rate_limit_share: share.unwrap_or(default::RATE_LIMIT_SHARE),
            max_in_flight: usize::try_from(in_flight.unwrap_or(default::MAX_IN_FLIGHT)).unwrap_or(1),
            ca_file: raw.and_then(|i| i.ca_file.as_ref()).and_then(|file| self.path(file)),
        };
        Ok(IntercomOptions { token: self.token(raw)?, ..options })
    }

    fn host(&self, raw: Option<&RawIntercom>) -> Url {
        let region = self.value(raw.and_then(|i| i.region.as_ref()));
        let base_url = self.checked(
            raw.and_then(|i| i.base_url.as_ref()),
            |url| url.scheme() == "https" || is_loopback(url),
            "plain http to another machine, which would show everybody the token: write `https://`",
        );
        if let Some(RawIntercom { region: Some(_), base_url: Some(base_url), .. }) = raw {
            self.note(base_url.node, "`base_url` beside `region`", "remove one of them");
        }
        let host = match region.unwrap_or(default::REGION) {
            Region::Us => "https://api.intercom.io/",
            Region::Eu => "https://api.eu.intercom.io/",
            Region::Au => "https://api.au.intercom.io/",
        };
        base_url.map_or_else(|| Url::parse(host).expect("the hosts of the regions are urls"), with_slash)
    }

    /// The token; what keeps it from being had is an error of its own.
    fn token(&self, raw: Option<&RawIntercom>) -> Result<Token, Error> {
        let apart = Reader::new(self.given);
        let token = match raw {
            Some(RawIntercom { token: Some(_), token_file: Some(file), .. }) => {
                self.note(file.node, "`token_file` beside `token`", "remove one of them");
                None
            }
            Some(RawIntercom { token: Some(token), .. }) => {
                let sendable = |secret: &Secret| secret.0.expose_secret().bytes().all(|b| b.is_ascii_graphic());
                let otherwise = "not a token: it has blanks or other characters that no token has";
                apart.checked(Some(token), sendable, otherwise).map(|secret| Token::Value(secret.0))
            }
            Some(RawIntercom { token_file: Some(file), .. }) => apart.path(file).map(Token::File),
            _ => {
                let value = (self.given.env)(TOKEN_VARIABLE).map(|value| value.trim().to_owned());
                value.filter(|value| !value.is_empty()).map(|value| Token::Environment(value.into()))
            }
        };
        apart.finish()?;
        token.ok_or_else(|| {
            let help =
                format!("set `intercom.token_file`, or ${TOKEN_VARIABLE}; or `simulator: {{}}` under `intercom`");
            self.given.error("no access token for Intercom", &help)
        })
    }

    fn source(&self, source: &At<RawSource>, cache: &Path) -> Option<SourceConfig> {
        let RawSource { name, files, git, sitemap, site, page, import_source, deletes, schedule, webhook } =
            &source.value;
        let name = self.leaf(name);
        let places = [files.as_ref().map(|p| p.node), git.as_ref().map(|p| p.node), sitemap.as_ref().map(|p| p.node)];
        if places.iter().flatten().count() > 1 {
            self.note(source.node, "more than one of `files`, `git` and `sitemap`", "make each a source of its own");
        } else if places.iter().all(Option::is_none) {
            self.note(
                source.node,
                "nothing says where the source is",
                "add `files` with its `root`, or `git`, or `sitemap`",
            );
        }
        let (place, watch) = match (files, git, sitemap) {
            (Some(files), ..) => {
                let (options, watch) = self.files(&files.value);
                (options.map(SourcePlace::Files), watch)
            }
            (None, Some(git), _) => (self.git(git), default::WATCH),
            (None, None, Some(sitemap)) => {
                (self.sitemap(sitemap, cache).map(|options| SourcePlace::Sitemap(Box::new(options))), super::Watch::Off)
            }
            (None, None, None) => (None, default::WATCH),
        };
        let schedule = self.value(schedule.as_ref()).unwrap_or(default::SCHEDULE);
        let confirm_scans = if sitemap.is_some() { default::SITEMAP_CONFIRM_SCANS } else { default::CONFIRM_SCANS };
        let policy = self.policy(deletes.as_ref(), &schedule, confirm_scans);
        let page = self.page(page.as_ref());
        // A base url that is wrong is noted already: it is not missing. A website has one in its sitemap's.
        let has_base_url = sitemap.is_some() || site.as_ref().is_some_and(|s| s.base_url.is_some());
        let site_policies = self.site_policies(site.as_ref());
        let site = self.site(site.as_ref());
        let import_source = self.import_source(source.node, import_source.as_ref(), &site, has_base_url);
        Some(SourceConfig {
            name: name?.0,
            place: place?,
            watch,
            site,
            site_policies,
            page,
            import_source,
            policy,
            schedule,
            webhook: self.webhook(webhook.as_ref()),
        })
    }

    /// The daemon's door, with what a caller must show where others than this machine's users can reach it.
    fn http(&self, raw: Option<&At<RawHttp>>) -> Option<HttpOptions> {
        let http = raw.map(|http| &http.value);
        let listen = match self.value(http.and_then(|http| http.listen.as_ref())) {
            Some(HttpListen(listen)) => listen?,
            None => default::listen(),
        };
        let token = self.secret(http.and_then(|h| h.token.as_ref()), http.and_then(|h| h.token_file.as_ref()), "token");
        let is_named = http.is_some_and(|http| http.token.is_some() || http.token_file.is_some());
        if let Some(raw) = raw.filter(|_| !listen.ip().is_loopback() && !is_named) {
            let message = format!("`http` listens on `{listen}`, where others can reach it, and asks for no token");
            self.note(raw.node, message, "set `token_file`, or listen on `127.0.0.1:9464`");
        }
        let hosts = http.and_then(|http| http.hosts.as_ref()).map(|hosts| self.list(hosts)).unwrap_or_default();
        Some(HttpOptions { listen, token, hosts: hosts.into_iter().map(|HostName(name)| name).collect() })
    }

    fn notifications(&self, raw: &RawConfig) -> Option<AlertOptions> {
        let At { node, value } = raw.notifications.as_ref()?;
        if value.webhook.is_none() && value.webhook_file.is_none() {
            self.note(*node, "`notifications` tells nobody", "set `webhook_file`, or remove it");
        }
        let webhook = self.secret(value.webhook.as_ref(), value.webhook_file.as_ref(), "webhook");
        let status_url = self.value(raw.http.as_ref().and_then(|http| http.value.public_url.as_ref()));
        Some(AlertOptions { webhook: webhook?, status_url })
    }

    /// A secret in one of its two spellings.
    fn secret(&self, value: Option<&Leaf<Secret>>, file: Option<&Leaf<PathBuf>>, key: &str) -> Option<secret::Secret> {
        if let (Some(_), Some(file)) = (value, file) {
            self.note(file.node, format!("`{key}_file` beside `{key}`"), "remove one of them");
        }
        let value = self.value(value).map(|secret| secret::Secret::Value(secret.0));
        value.or_else(|| file.and_then(|file| self.path(file)).map(secret::Secret::File))
    }

    fn webhook(&self, raw: Option<&At<RawWebhook>>) -> Vec<secret::Secret> {
        let Some(At { node, value }) = raw else { return Vec::new() };
        let values = value.secret.iter().flat_map(|secret| &secret.items).filter_map(|leaf| self.leaf(leaf));
        let mut secrets: Vec<_> = values.map(|secret| secret::Secret::Value(secret.0)).collect();
        let files = value.secret_file.iter().flat_map(|files| &files.items).filter_map(|leaf| self.path(leaf));
        secrets.extend(files.map(secret::Secret::File));
        let is_written = value.secret.as_ref().is_some_and(|secret| !secret.items.is_empty())
            || value.secret_file.as_ref().is_some_and(|files| !files.items.is_empty());
        if !is_written {
            let help = "set `secret_file`, or remove it; `POST /sync` needs no signature";
            self.note(*node, "nothing signs the calls of `webhook`", help);
        }
        secrets
    }

    fn converter(&self, converter: &At<RawConverter>) -> Option<ConverterOptions> {
        let RawConverter { r#match, command, timeout, max_output, output } = &converter.value;
        let pattern = self.leaf(r#match);
        if command.items.is_empty() {
            self.note(command.node, "`command` is empty", "name a program, and its arguments after it");
        }
        let mut words = self.list(command);
        // A program in a folder is relative to this file, as every path is; one without is looked for on PATH.
        if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
            *program = self.given.absolute(Path::new(program.as_str())).to_string_lossy().into_owned();
        }
        let in_range = |timeout: &Duration| (1..=3600).contains(&timeout.as_secs());
        let timeout = self.checked(timeout.as_ref(), in_range, "out of range: write `1s` to `1h`");
        let most = |size: &Size| size.0 <= 1 << 30;
        let max_output = self.checked(max_output.as_ref(), most, "more than can be read into memory: at most `1GiB`");
        let env = |name: &str| (self.given.env)(name).filter(|value| !value.is_empty());
        Some(ConverterOptions {
            pattern: pattern?.0,
            command: Some(words).filter(|words| !words.is_empty())?,
            timeout: timeout.unwrap_or(default::CONVERTER_TIMEOUT),
            max_bytes: max_output.map_or(default::CONVERTER_MAX_OUTPUT, |Size(bytes)| bytes),
            output: self.value(output.as_ref()).unwrap_or(default::CONVERTER_OUTPUT),
            search: env("PATH").unwrap_or_else(|| default::SEARCH.to_owned()),
            scratch: env("TMPDIR").map_or_else(|| PathBuf::from(default::SCRATCH), PathBuf::from),
        })
    }

    fn site(&self, site: Option<&RawSite>) -> SiteOptions {
        SiteOptions {
            generator: self.value(site.and_then(|s| s.generator.as_ref())).unwrap_or(default::GENERATOR),
            base_url: self.value(site.and_then(|s| s.base_url.as_ref())).map(with_slash),
            urls: self.value(site.and_then(|s| s.urls.as_ref())).unwrap_or(default::URLS),
            settings: self.settings(site),
        }
    }

    fn settings(&self, site: Option<&RawSite>) -> BTreeMap<String, String> {
        let settings = site.and_then(|s| s.settings.as_ref()).into_iter().flatten();
        settings.filter_map(|(key, value)| Some((key.clone(), self.leaf(value)?))).collect()
    }

    fn site_policies(&self, site: Option<&RawSite>) -> SitePolicies {
        let locales = self.chosen(site.and_then(|s| s.locales.as_ref()), &["all"], |code| {
            GlobalLocale::read(code).map(|GlobalLocale(code)| code)
        });
        let locales = match locales {
            None => Locales::Undecided,
            Some(Chosen::Word(_)) => Locales::All,
            Some(Chosen::List(codes)) => Locales::Only(codes),
        };
        let versions = self
            .chosen(site.and_then(|s| s.versions.as_ref()), &["latest", "all"], |label| Ok(label.trim().to_owned()));
        let versions = match versions {
            None => Versions::Undecided,
            Some(Chosen::Word("latest")) => Versions::Latest,
            Some(Chosen::Word(_)) => Versions::All,
            Some(Chosen::List(labels)) => Versions::Only(labels),
        };
        let mut locale_folders = Vec::new();
        for (code, folder) in site.and_then(|s| s.locale_folders.as_ref()).into_iter().flatten() {
            let pattern = self.leaf(folder);
            if let Ok(GlobalLocale(code)) = GlobalLocale::read(code) {
                locale_folders.extend(pattern.map(|one| LocaleFolder::new(&code, &one)));
            } else {
                let help = "begin with a language code, such as `fr: fr/**`";
                self.note(folder.node, format!("`{code}` is no language code"), help);
            }
        }
        SitePolicies { locales, locale_folders, versions }
    }

    /// One of some words, or a list of other values; `None`: nothing, or nothing that was understood.
    fn chosen(
        &self,
        some: Option<&OneOrMany<String>>,
        words: &[&'static str],
        read: impl Fn(&str) -> Result<String, String>,
    ) -> Option<Chosen> {
        let OneOrMany { node, items } = some?;
        if items.is_empty() {
            let help = format!("name some, or write `{}`, or remove the key", words.join("` or `"));
            self.note(*node, "the list is empty, so nothing would be mirrored", &help);
        }
        let mut values = Vec::new();
        for item in items {
            let Some(text) = self.leaf(item) else { continue };
            match words.iter().find(|word| **word == text) {
                Some(word) if items.len() == 1 => return Some(Chosen::Word(word)),
                Some(word) => self.note(item.node, format!("`{word}` beside others"), "write it alone"),
                None => match read(&text) {
                    Ok(value) => values.push(value),
                    Err(not) => self.note_not(item.node, &not),
                },
            }
        }
        Some(Chosen::List(values))
    }

    fn page(&self, page: Option<&RawPage>) -> PageOptions {
        let locale = self.value(page.and_then(|p| p.locale.as_ref()));
        PageOptions {
            locale: locale.map_or_else(|| default::LOCALE.to_owned(), |GlobalLocale(locale)| locale),
            ai_agent: self.value(page.and_then(|p| p.ai_agent.as_ref())).unwrap_or(default::AI_AGENT),
            ai_copilot: self.value(page.and_then(|p| p.ai_copilot.as_ref())).unwrap_or(default::AI_COPILOT),
            availability: self.value(page.and_then(|p| p.availability.as_ref())).unwrap_or(default::AVAILABILITY),
            policies: self.page_policies(page),
        }
    }

    fn page_policies(&self, page: Option<&RawPage>) -> PagePolicies {
        let size = |size: Option<Size>, otherwise: u64| size.map_or(otherwise, |Size(bytes)| bytes);
        let split = self.value(page.and_then(|p| p.split.as_ref())).unwrap_or(default::SPLIT);
        let split_over = size(self.value(page.and_then(|p| p.split_over.as_ref())), default::SPLIT_OVER);
        let context = self.value(page.and_then(|p| p.context.as_ref()));
        let max_title = self.checked(
            page.and_then(|p| p.max_title.as_ref()),
            |chars| (20..=10_000).contains(chars),
            "out of range: write 20 to 10000",
        );
        let max_title = max_title.unwrap_or(default::MAX_TITLE);
        PagePolicies {
            strict: self.value(page.and_then(|p| p.strict.as_ref())).unwrap_or(default::STRICT),
            split_over: (split == Split::H2).then_some(split_over),
            context: context.map_or(default::CONTEXT, |OnOff(on)| on),
            product: self.value(page.and_then(|p| p.product.as_ref())),
            max_title: Some(usize::try_from(max_title).unwrap_or(usize::MAX)),
            max_html: Some(size(self.value(page.and_then(|p| p.max_html.as_ref())), default::MAX_HTML)),
            // The version of the API says it, once all sources are read.
            sends_locales: false,
        }
    }

    fn import_source(
        &self,
        source: NodeId,
        raw: Option<&RawImportSource>,
        site: &SiteOptions,
        has_base_url: bool,
    ) -> ImportSourceOptions {
        let (url, id) = (raw.and_then(|i| i.url.as_ref()), raw.and_then(|i| i.id.as_ref()));
        let id_value = self.checked(id, |id| *id > 0, "not an id: write the number that Intercom gave");
        let url_value = match (url, id) {
            (Some(url), _) => self.leaf(url),
            (None, Some(_)) => None,
            (None, None) => {
                // A generator's configuration may name the site's root; the run says so where it does not.
                if !has_base_url && site.generator == Generator::Plain {
                    let help = "set `site.base_url`, or `import_source.url`, or `import_source.id`";
                    self.note(source, "nothing names the import source in Intercom", help);
                }
                site.base_url.clone()
            }
        };
        let audience_ids = raw.and_then(|i| i.audience_ids.as_ref()).map(|ids| self.list(ids));
        let exclusive = self.value(raw.and_then(|i| i.exclusive.as_ref())).unwrap_or(default::EXCLUSIVE);
        ImportSourceOptions { url: url_value, id: id_value.map(ImportSourceId), audience_ids, exclusive }
    }

    fn policy(&self, deletes: Option<&RawDeletes>, schedule: &Schedule, confirm_scans: u64) -> Policy {
        let percent = self.checked(
            deletes.and_then(|d| d.max_percent.as_ref()),
            |percent| (0.0..=100.0).contains(percent),
            "not a percentage: write 0 to 100",
        );
        let scans = self.checked(
            deletes.and_then(|d| d.confirm_scans.as_ref()),
            |scans| (1..=1000).contains(scans),
            "out of range: write 1 to 1000",
        );
        Policy {
            max_percent: percent.unwrap_or(default::MAX_PERCENT),
            max_pages: self.value(deletes.and_then(|d| d.max_pages.as_ref())).unwrap_or(default::MAX_PAGES),
            confirm_scans: u32::try_from(scans.unwrap_or(confirm_scans)).unwrap_or(u32::MAX),
            interval: match schedule {
                Schedule::Every(interval) => *interval,
                Schedule::Cron(_) => default::CRON_INTERVAL,
            },
            settle: self.value(deletes.and_then(|d| d.settle.as_ref())).unwrap_or(default::SETTLE),
            deletes_delisted: self.value(deletes.and_then(|d| d.delisted.as_ref())).unwrap_or(default::DELISTED)
                == Delisted::Delete,
        }
    }

    /// Two sources must differ in name and in import source: each would delete the other's pages.
    fn twins(&self, raw: &RawConfig, sources: &[SourceConfig]) {
        let mut first = BTreeSet::new();
        for source in &raw.sources.value {
            let leaf = &source.value.name;
            let Some(Ok(name)) = self.given.tree.scalar(leaf.node).map(|scalar| &scalar.text) else { continue };
            if !first.insert(name) {
                self.note(leaf.node, format!("{} names two sources", self.shown(leaf.node)), "rename one of them");
            }
        }
        // Where a source was not understood, numbers no longer tell which is which; its own fault is noted.
        if sources.len() != raw.sources.value.len() {
            return;
        }
        let mut holders: BTreeMap<String, &SourceConfig> = BTreeMap::new();
        for (source, raw) in sources.iter().zip(&raw.sources.value) {
            let url = source.import_source.url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
            let id = source.import_source.id.map(|id| format!("id {id}"));
            for key in [url, id].into_iter().flatten() {
                if let Some(other) = holders.insert(key.clone(), source) {
                    let import_source = raw.value.import_source.as_ref();
                    let node =
                        import_source.and_then(|i| i.id.as_ref().map(|l| l.node).or(i.url.as_ref().map(|l| l.node)));
                    let base_url = raw.value.site.as_ref().and_then(|s| s.base_url.as_ref()).map(|l| l.node);
                    let message = format!("`{}` has the import source of `{}`, {key}", source.name, other.name);
                    let help = "give each an `import_source.url` of its own";
                    self.note(node.or(base_url).unwrap_or(raw.node), message, help);
                }
            }
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A root ends with a slash, or its last part would be lost when a path is joined to it.
pub(super) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}
