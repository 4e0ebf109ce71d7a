//! The configuration as it stands in the file: every key, and what an editor says of it.
//!
//! Keys only: no defaults (they live in `config.rs`), no checks beyond the shape. Variants are keyed, and nothing is
//! flattened, so that every error knows its place. The sentences here become the descriptions of the JSON Schema.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::setting::{
    Delisted, FilesPattern, GitPath, GitRef, GitUrl, GlobalLocale, HostName, HttpListen, Name, OnOff, Region, Robots,
    Secret, Size, Split, Version,
};
use super::typed::{At, Leaf, List, OneOrMany};
use super::{Schedule, Watch};
use crate::convert::Output;
use crate::render::Availability;
use crate::site::{Generator, UrlStyle};
use crate::source::files::FollowSymlinks;
use crate::source::sitemap::Markdown;

/// The configuration of finmirror. `${VAR}` and `${VAR:-default}` stand for variables in every value, `$$` for a dollar.
/// Relative paths are relative to this file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "finmirror.yaml")]
pub(super) struct RawConfig {
    /// The Intercom workspace that is mirrored into, or the embedded stand-in.
    pub(super) intercom: Option<At<RawIntercom>>,
    /// Where finmirror remembers what it saw and sent.
    pub(super) ledger: Option<RawLedger>,
    /// The status page, health and metrics of the daemon.
    pub(super) http: Option<At<RawHttp>>,
    /// Who is told when a source fails, is held, goes stale or recovers.
    pub(super) notifications: Option<At<RawNotifications>>,
    /// Programs that make HTML of documents that finmirror does not read itself. The first that matches is run.
    pub(super) converters: Option<Vec<At<RawConverter>>>,
    /// The places that are mirrored, each into an import source of its own.
    pub(super) sources: At<Vec<At<RawSource>>>,
}

/// The Intercom workspace that is mirrored into.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntercom {
    /// The access token, best as `${VARIABLE}`. Without it and `token_file`, `$INTERCOM_ACCESS_TOKEN`.
    pub(super) token: Option<Leaf<Secret>>,
    /// A file that holds the access token. It is read again on every use.
    pub(super) token_file: Option<Leaf<PathBuf>>,
    /// Where the workspace is hosted.
    pub(super) region: Option<Leaf<Region>>,
    /// In place of `region`: the root of the API. Plain http only to this machine.
    pub(super) base_url: Option<Leaf<Url>>,
    /// The version of Intercom's API. In quotes.
    pub(super) version: Option<Leaf<Version>>,
    /// The part of Intercom's rate limit that finmirror may use; the rest is left to others.
    pub(super) rate_limit_share: Option<Leaf<f64>>,
    /// Requests that may be under way at one time.
    pub(super) max_in_flight: Option<Leaf<u64>>,
    /// A file of PEM certificates to trust besides the built-in roots: a proxy's that opens TLS.
    pub(super) ca_file: Option<Leaf<PathBuf>>,
    /// The embedded stand-in in place of Intercom: no account needed.
    pub(super) simulator: Option<RawSimulator>,
}

/// The embedded stand-in for Intercom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSimulator {
    /// The SQLite file of its state. Without it, `simulator.db` beside the ledger.
    pub(super) data: Option<Leaf<PathBuf>>,
}

/// Where finmirror remembers what it saw and sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLedger {
    /// A SQLite file on a local disk. Without it, `ledger.db` in `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/finmirror`.
    pub(super) path: Option<Leaf<PathBuf>>,
}

/// The status page, health and metrics of the daemon.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHttp {
    /// Address and port, or `off`.
    pub(super) listen: Option<Leaf<HttpListen>>,
    /// What a caller must show, best as `${VARIABLE}`. Required where it listens beyond this machine.
    pub(super) token: Option<Leaf<Secret>>,
    /// A file that holds it. It is read again on every use.
    pub(super) token_file: Option<Leaf<PathBuf>>,
    /// Names by which it may be called beyond this machine, besides its address.
    pub(super) hosts: Option<List<HostName>>,
    /// Where people reach the status page, for links in notifications.
    pub(super) public_url: Option<Leaf<Url>>,
}

/// Who is told when a source fails, is held, goes stale or recovers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNotifications {
    /// An incoming webhook that takes Slack's JSON, best as `${VARIABLE}`: its url is a credential.
    pub(super) webhook: Option<Leaf<Secret>>,
    /// A file that holds the url. It is read again on every use.
    pub(super) webhook_file: Option<Leaf<PathBuf>>,
}

/// Calls of a forge, or of a program, that wake the source at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebhook {
    /// What signs the calls, best as `${VARIABLE}`; a list while one takes the place of another.
    pub(super) secret: Option<OneOrMany<Secret>>,
    /// A file that holds it, or a list of files. They are read again on every use.
    pub(super) secret_file: Option<OneOrMany<PathBuf>>,
}

/// A program that makes HTML of documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConverter {
    /// The documents that it is for, as in .gitignore, relative to a source's root.
    pub(super) r#match: Leaf<FilesPattern>,
    /// The program and its arguments. It reads the document on its standard input, or from `{file}` where an argument says
    /// so. It works in an empty folder, and sees of the environment only `PATH`.
    pub(super) command: List<String>,
    /// How long one document may take.
    pub(super) timeout: Option<Leaf<Duration>>,
    /// The most that it may print.
    pub(super) max_output: Option<Leaf<Size>>,
    /// What it prints: `html` or `text`.
    pub(super) output: Option<Leaf<Output>>,
}

/// A place that is mirrored. Exactly one of `files`, `git` and `sitemap` says where it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    /// Its name in commands and reports: letters, digits, `.`, `_` and `-`.
    pub(super) name: Leaf<Name>,
    /// A folder.
    pub(super) files: Option<At<RawFiles>>,
    /// A git repository.
    pub(super) git: Option<At<RawGit>>,
    /// A website.
    pub(super) sitemap: Option<At<RawSitemap>>,
    /// How the documents are published.
    pub(super) site: Option<RawSite>,
    /// What is said of every page.
    pub(super) page: Option<RawPage>,
    /// The content import source in Intercom that holds the pages.
    pub(super) import_source: Option<RawImportSource>,
    /// What keeps a mistake from deleting pages.
    pub(super) deletes: Option<RawDeletes>,
    /// How often the source is looked at: an interval such as `5m`, or a cron expression, in the time zone of this machine
    /// or in one of its own: `CRON_TZ=Europe/Berlin 0 6 * * *`.
    pub(super) schedule: Option<Leaf<Schedule>>,
    /// Calls of a forge, or of a program, that wake the source at once.
    pub(super) webhook: Option<At<RawWebhook>>,
}

/// A folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFiles {
    /// The folder that holds the generator's configuration, if there is one, else the documents.
    pub(super) root: Leaf<PathBuf>,
    /// Which files are documents, as in .gitignore, relative to the root.
    pub(super) include: Option<List<FilesPattern>>,
    /// Which of them are left out.
    pub(super) exclude: Option<List<FilesPattern>>,
    /// Names of ignore files that are obeyed where they lie, such as .gitignore and .finmirrorignore.
    pub(super) ignore_files: Option<List<String>>,
    /// Which symbolic links are followed: those whose target stays inside the root, all, or none.
    pub(super) follow_symlinks: Option<Leaf<FollowSymlinks>>,
    /// How the daemon hears of changes between two looks.
    pub(super) watch: Option<Leaf<Watch>>,
    /// A larger document is not sent.
    pub(super) max_size: Option<Leaf<Size>>,
}

/// A git repository: one commit of it, read from a mirror of its own, never from a checkout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGit {
    /// What `git clone` takes: `https://`, `ssh://`, `git://`, `user@host:path`, or the path of a repository on this machine.
    pub(super) url: Leaf<GitUrl>,
    /// A branch, a tag or a commit. Without it, the branch that the remote names as its own.
    pub(super) r#ref: Option<Leaf<GitRef>>,
    /// The folder that holds the generator's configuration, if there is one, else the documents.
    pub(super) path: Option<Leaf<GitPath>>,
    /// Whether the files of a checkout at `url` are taken as they lie there, committed or not.
    pub(super) worktree: Option<Leaf<bool>>,
    /// Which files are documents, as in .gitignore, relative to `path`.
    pub(super) include: Option<List<FilesPattern>>,
    /// Which of them are left out.
    pub(super) exclude: Option<List<FilesPattern>>,
    /// A larger document is not sent.
    pub(super) max_size: Option<Leaf<Size>>,
    /// The user's name beside a token. Without it, one that the usual hosts take.
    pub(super) username: Option<Leaf<String>>,
    /// A token or password for https, best as `${VARIABLE}`.
    pub(super) token: Option<Leaf<Secret>>,
    /// A file that holds it. It is read again for each fetch.
    pub(super) token_file: Option<Leaf<PathBuf>>,
    /// The private key for ssh.
    pub(super) ssh_key_file: Option<Leaf<PathBuf>>,
    /// The keys of the hosts that ssh may talk to.
    pub(super) known_hosts_file: Option<Leaf<PathBuf>>,
    /// Whether git's own configuration of this user, with its credential helpers, is used.
    pub(super) user_config: Option<Leaf<bool>>,
    /// How long one fetch may take.
    pub(super) timeout: Option<Leaf<Duration>>,
}

/// A website, as its sitemap lists it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSitemap {
    /// A sitemap, an index of sitemaps or a text list; or the website's root, whose robots.txt names them.
    pub(super) url: Leaf<Url>,
    /// Which pages count, as in .gitignore, by their urls' paths.
    pub(super) include: Option<List<FilesPattern>>,
    /// Which of them are left out.
    pub(super) exclude: Option<List<FilesPattern>>,
    /// Headers of every request.
    pub(super) headers: Option<BTreeMap<String, Leaf<Secret>>>,
    /// A bearer token of every request, best as `${VARIABLE}`.
    pub(super) bearer: Option<Leaf<Secret>>,
    /// A file that holds it. It is read again on every use.
    pub(super) bearer_file: Option<Leaf<PathBuf>>,
    /// A name and a password for every request.
    pub(super) basic: Option<RawBasic>,
    /// A file of cookies, as browsers' extensions and curl write it.
    pub(super) cookies_file: Option<Leaf<PathBuf>>,
    /// A PEM file with the certificate that shows who asks, and its key.
    pub(super) client_certificate: Option<Leaf<PathBuf>>,
    /// A PEM file of certificates to trust besides the built-in roots.
    pub(super) ca_file: Option<Leaf<PathBuf>>,
    /// Public prefix: where what is below it is fetched.
    pub(super) fetch_from: Option<BTreeMap<String, Leaf<Url>>>,
    /// Private networks that may be asked, such as `10.0.0.0/8`.
    pub(super) allow_networks: Option<List<IpNet>>,
    /// The proxy of this website.
    pub(super) proxy: Option<Leaf<Url>>,
    /// Whether robots.txt is obeyed; `ignore` is for a site of one's own.
    pub(super) robots: Option<Leaf<Robots>>,
    /// Requests under way at one time.
    pub(super) concurrency: Option<Leaf<u64>>,
    /// The least time between two requests.
    pub(super) delay: Option<Leaf<Duration>>,
    /// How long one request may take.
    pub(super) timeout: Option<Leaf<Duration>>,
    /// A larger page is not sent.
    pub(super) max_size: Option<Leaf<Size>>,
    /// The main content of a page: a CSS selector. Without it, what the site's generator has, or what looks like it.
    pub(super) selector: Option<Leaf<String>>,
    /// Whether the pages' own Markdown is taken: `page` (beside each page), `llms_txt` (where /llms.txt says), or `off`.
    pub(super) markdown: Option<Leaf<Markdown>>,
    /// Whether a page is not asked for while its `lastmod` in the sitemap is the same.
    pub(super) trust_lastmod: Option<Leaf<bool>>,
}

/// A name and a password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBasic {
    /// The name.
    pub(super) username: Leaf<String>,
    /// The password, best as `${VARIABLE}`.
    pub(super) password: Option<Leaf<Secret>>,
    /// A file that holds it. It is read again on every use.
    pub(super) password_file: Option<Leaf<PathBuf>>,
}

/// How the documents are published.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    /// What publishes them; `auto` recognises it.
    pub(super) generator: Option<Leaf<Generator>>,
    /// The public root of the site. Without it no page has a url, and Fin names no source.
    pub(super) base_url: Option<Leaf<Url>>,
    /// For `plain`, the url of `guide/start.md`: guide/start/, guide/start.html, guide/start.md, or none.
    pub(super) urls: Option<Leaf<UrlStyle>>,
    /// Settings of the generator that its configuration does not say, or says in code, by the generator's own names, dotted
    /// where they are nested. They go before what its configuration says.
    pub(super) settings: Option<BTreeMap<String, Leaf<String>>>,
    /// Which languages are mirrored: `all`, or a list of codes. Without it all are, and a notice names them.
    pub(super) locales: Option<OneOrMany<String>>,
    /// The folder, or the pattern of paths, of each language, where no generator says it.
    pub(super) locale_folders: Option<BTreeMap<String, Leaf<String>>>,
    /// Which versions are mirrored: `latest`, `all`, or a list of labels.
    pub(super) versions: Option<OneOrMany<String>>,
}

/// What is said of every page.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPage {
    /// The language. Below version 2.17 of Intercom's API only `en` is sent.
    pub(super) locale: Option<Leaf<GlobalLocale>>,
    /// Whether the AI agent answers from the pages.
    pub(super) ai_agent: Option<Leaf<bool>>,
    /// Whether Copilot does.
    pub(super) ai_copilot: Option<Leaf<bool>>,
    /// Who owns these two switches: Intercom once a page is there, or this file.
    pub(super) availability: Option<Leaf<Availability>>,
    /// Whether a long page becomes several: one for each second-level heading, with `h2`.
    pub(super) split: Option<Leaf<Split>>,
    /// A page with more html than this is long.
    pub(super) split_over: Option<Leaf<Size>>,
    /// Whether what is not understood in a document fails it, so that what Fin has of it stays.
    pub(super) strict: Option<Leaf<bool>>,
    /// Whether each page begins with a line that says where it stands: product › section › page.
    pub(super) context: Option<Leaf<OnOff>>,
    /// The product's name in that line. Without it, the site's.
    pub(super) product: Option<Leaf<String>>,
    /// A longer title is shortened to this many characters.
    pub(super) max_title: Option<Leaf<u64>>,
    /// A page with more html than this is not sent.
    pub(super) max_html: Option<Leaf<Size>>,
}

/// The content import source in Intercom that holds the pages.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawImportSource {
    /// Its url. Without it, `site.base_url`.
    pub(super) url: Option<Leaf<Url>>,
    /// Its id, to choose one that is there.
    pub(super) id: Option<Leaf<i64>>,
    /// Who may be answered from the pages; left as it is without this key, everyone if empty.
    pub(super) audience_ids: Option<List<i64>>,
    /// Whether everything in it is finmirror's: foreign pages are deleted then.
    pub(super) exclusive: Option<Leaf<bool>>,
}

/// What keeps a mistake from deleting pages.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeletes {
    /// Deletes are held that are more than this percentage of the source's pages …
    pub(super) max_percent: Option<Leaf<f64>>,
    /// … and more than this many.
    pub(super) max_pages: Option<Leaf<u64>>,
    /// How many complete scans, an interval apart, must have missed a document.
    pub(super) confirm_scans: Option<Leaf<u64>>,
    /// How long two scans of the daemon must agree.
    pub(super) settle: Option<Leaf<Duration>>,
    /// What is done about pages that a website's sitemap names no more, and that it still has: `hold` or `delete`.
    pub(super) delisted: Option<Leaf<Delisted>>,
}
