//! Where a source is: `files`, `git` and `sitemap` → the options of their rooms.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::raw::{RawFiles, RawGit, RawSitemap};
use super::resolve::{Reader, with_slash};
use super::setting::{FilesPattern, GitPath, GitRef, GitUrl, Robots, Secret, Size};
use super::typed::{At, Leaf, List, Setting};
use super::{SourcePlace, Watch, default};
use crate::render::web::check_selector;
use crate::source::files::FilesOptions;
use crate::source::git::{self, Credentials, GitOptions};
use crate::source::sitemap::SitemapOptions;
use crate::source::sitemap::client::{self, ClientOptions, Credential, Login};

impl Reader<'_> {
    pub(super) fn files(&self, files: &RawFiles) -> (Option<FilesOptions>, Watch) {
        let root = self.path(&files.root);
        let include = self.include(files.include.as_ref());
        let ignore_files = files.ignore_files.as_ref().map(|names| {
            for leaf in &names.items {
                self.checked(
                    Some(leaf),
                    |name| !name.contains(['/', '\\']),
                    "not the name of a file: write it without a folder",
                );
            }
            self.list(names)
        });
        let options = root.map(|root| FilesOptions {
            root,
            include,
            exclude: files.exclude.as_ref().map(|list| patterns(self.list(list))).unwrap_or_default(),
            ignore_files: ignore_files.unwrap_or_default(),
            follow_symlinks: self.value(files.follow_symlinks.as_ref()).unwrap_or(default::FOLLOW_SYMLINKS),
            max_bytes: self.max_size(files.max_size.as_ref()),
        });
        (options, self.value(files.watch.as_ref()).unwrap_or(default::WATCH))
    }

    /// The patterns of `include`; none: the generator says what its documents are.
    fn include(&self, list: Option<&List<FilesPattern>>) -> Vec<String> {
        match list {
            Some(list) if list.items.is_empty() => {
                let help = "add a pattern, or remove the key";
                self.note(list.node, "`include` is empty, so nothing would be mirrored", help);
                Vec::new()
            }
            Some(list) => patterns(self.list(list)),
            None => Vec::new(),
        }
    }

    fn max_size(&self, leaf: Option<&Leaf<Size>>) -> u64 {
        let most = |size: &Size| size.0 <= 1 << 30;
        let size = self.checked(leaf, most, "more than can be read into memory: at most `1GiB`");
        size.map_or(default::MAX_SIZE, |Size(bytes)| bytes)
    }

    /// A commit of a repository; or, of a checkout, its files.
    pub(super) fn git(&self, git: &At<RawGit>) -> Option<SourcePlace> {
        let raw = &git.value;
        let include = self.include(raw.include.as_ref());
        let exclude = raw.exclude.as_ref().map(|list| patterns(self.list(list))).unwrap_or_default();
        let max_bytes = self.max_size(raw.max_size.as_ref());
        let path = self.value(raw.path.as_ref()).map(|GitPath(path)| path).unwrap_or_default();
        let in_range = |timeout: &Duration| (1..=86_400).contains(&timeout.as_secs());
        let timeout = self.checked(raw.timeout.as_ref(), in_range, "out of range: write `1s` to `24h`");
        let credentials = self.git_credentials(raw);
        let GitUrl(url) = self.leaf(&raw.url)?;
        // What names no other machine is a path, relative to this file as every path is.
        let is_local = !url.contains(':') || url.starts_with(['/', '.']);
        let url = if is_local { self.given.absolute(Path::new(&url)).to_string_lossy().into_owned() } else { url };
        if self.value(raw.worktree.as_ref()).unwrap_or(default::WORKTREE) {
            if !is_local {
                self.note(raw.url.node, "`worktree` of a repository on another machine", "give the path of a checkout");
            }
            if let Some(reference) = &raw.r#ref {
                self.note(reference.node, "`ref` beside `worktree`, whose files are as they lie", "remove one of them");
            }
            return Some(SourcePlace::Files(FilesOptions {
                root: Path::new(&url).join(path),
                include,
                exclude: exclude.into_iter().chain(["/.git".to_owned()]).collect(),
                ignore_files: default::WORKTREE_IGNORES.map(str::to_owned).to_vec(),
                follow_symlinks: default::FOLLOW_SYMLINKS,
                max_bytes,
            }));
        }
        Some(SourcePlace::Git(GitOptions {
            url,
            reference: self.value(raw.r#ref.as_ref()).map(|GitRef(reference)| reference),
            path,
            include,
            exclude,
            max_bytes,
            credentials,
            timeout: timeout.unwrap_or(default::GIT_TIMEOUT),
            wants_commits: false,
            environment: git::Environment::of(|name| (self.given.env)(name)),
        }))
    }

    fn git_credentials(&self, raw: &RawGit) -> Credentials {
        if let (Some(_), Some(file)) = (&raw.token, &raw.token_file) {
            self.note(file.node, "`token_file` beside `token`", "remove one of them");
        }
        let file = |leaf: Option<&Leaf<PathBuf>>| leaf.and_then(|leaf| self.path(leaf));
        Credentials {
            username: self.value(raw.username.as_ref()),
            token: self.value(raw.token.as_ref()).map(|Secret(token)| token),
            token_file: file(raw.token_file.as_ref()),
            ssh_key_file: file(raw.ssh_key_file.as_ref()),
            known_hosts_file: file(raw.known_hosts_file.as_ref()),
            helper: self.value(raw.user_config.as_ref()).unwrap_or(default::USER_CONFIG),
        }
    }

    pub(super) fn sitemap(&self, sitemap: &At<RawSitemap>, cache: &Path) -> Option<SitemapOptions> {
        let raw = &sitemap.value;
        let include = self.include(raw.include.as_ref());
        let client = self.client(raw);
        Some(SitemapOptions {
            url: self.leaf(&raw.url)?,
            include,
            exclude: raw.exclude.as_ref().map(|list| patterns(self.list(list))).unwrap_or_default(),
            client,
            obeys_robots: self.value(raw.robots.as_ref()).unwrap_or(default::ROBOTS) == Robots::Obey,
            selector: self.selector(raw.selector.as_ref()),
            markdown: self.value(raw.markdown.as_ref()).unwrap_or(default::MARKDOWN),
            trusts_lastmod: self.value(raw.trust_lastmod.as_ref()).unwrap_or(default::TRUST_LASTMOD),
            only: None,
            spool: cache.join("spool"),
        })
    }

    fn selector(&self, leaf: Option<&Leaf<String>>) -> Option<String> {
        let leaf = leaf?;
        let selector = self.leaf(leaf)?;
        if let Err(why) = check_selector(&selector) {
            self.note(leaf.node, format!("no CSS selector: {why}"), "write it as `main article`");
        }
        Some(selector)
    }

    fn client(&self, raw: &RawSitemap) -> ClientOptions {
        let file = |leaf: Option<&Leaf<PathBuf>>| leaf.and_then(|leaf| self.path(leaf));
        let headers = raw.headers.iter().flatten().filter_map(|(name, leaf)| {
            let Secret(value) = self.leaf(leaf)?;
            if !client::is_header(name, value.expose_secret()) {
                let help = "a name has letters, digits and `-`, a value no line breaks";
                self.note(leaf.node, format!("`{name}` is no header that can be sent"), help);
            }
            Some((name.clone(), value))
        });
        let fetch_from = raw.fetch_from.iter().flatten().filter_map(|(public, leaf)| {
            let to = self.leaf(leaf)?;
            match Url::read(public) {
                Ok(public) => Some((with_slash(public), with_slash(to))),
                Err(not) => {
                    let (not, help) = not.split_once(": ").unwrap_or((&not, ""));
                    self.note(leaf.node, format!("`{public}` is {not}"), help);
                    None
                }
            }
        });
        let in_range = |timeout: &Duration| (1..=3600).contains(&timeout.as_secs());
        let timeout = self.checked(raw.timeout.as_ref(), in_range, "out of range: write `1s` to `1h`");
        let at_once = self.checked(raw.concurrency.as_ref(), |n| (1..=64).contains(n), "out of range: write 1 to 64");
        ClientOptions {
            fetch_from: fetch_from.collect(),
            allow_networks: raw.allow_networks.as_ref().map(|list| self.list(list)).unwrap_or_default(),
            proxy: self.value(raw.proxy.as_ref()),
            headers: headers.collect(),
            login: self.login(raw),
            cookies_file: file(raw.cookies_file.as_ref()),
            client_certificate: file(raw.client_certificate.as_ref()),
            ca_file: file(raw.ca_file.as_ref()),
            concurrency: usize::try_from(at_once.unwrap_or(default::CONCURRENCY)).unwrap_or(1),
            delay: self.value(raw.delay.as_ref()).unwrap_or(default::DELAY),
            timeout: timeout.unwrap_or(default::REQUEST_TIMEOUT),
            max_bytes: self.max_size(raw.max_size.as_ref()),
        }
    }

    fn login(&self, raw: &RawSitemap) -> Login {
        let bearer = self.credential("bearer", raw.bearer.as_ref(), raw.bearer_file.as_ref());
        let Some(basic) = &raw.basic else { return bearer.map_or(Login::None, Login::Bearer) };
        if raw.bearer.is_some() || raw.bearer_file.is_some() {
            self.note(basic.username.node, "`basic` beside `bearer`", "remove one of them");
        }
        let password = self.credential("password", basic.password.as_ref(), basic.password_file.as_ref());
        if password.is_none() && basic.password.is_none() && basic.password_file.is_none() {
            self.note(basic.username.node, "`basic` without a password", "add `password_file`, or `password`");
        }
        match (self.leaf(&basic.username), password) {
            (Some(name), Some(password)) => Login::Basic(name, password),
            _ => Login::None,
        }
    }

    fn credential(&self, name: &str, value: Option<&Leaf<Secret>>, file: Option<&Leaf<PathBuf>>) -> Option<Credential> {
        if let (Some(_), Some(file)) = (value, file) {
            self.note(file.node, format!("`{name}_file` beside `{name}`"), "remove one of them");
        }
        match (value, file) {
            (Some(value), _) => self.leaf(value).map(|Secret(value)| Credential::Value(value)),
            (None, Some(file)) => self.path(file).map(Credential::File),
            (None, None) => None,
        }
    }
}

fn patterns(patterns: Vec<FilesPattern>) -> Vec<String> {
    patterns.into_iter().map(|FilesPattern(pattern)| pattern).collect()
}
