//! What every call of git is given: settings and variables that leave nothing to a repository, a system or a caller.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::Environment;
use super::super::command::Call;
use super::super::credentials::Entry;
use super::super::url::Protocol;
use super::{Mirror, REMOTE};
use crate::page::Failure;

/// What every call has: nothing of the repository, of the system or of a user is run or asked.
const SETTINGS: [(&str, &str); 19] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.logAllRefUpdates", "false"),
    ("core.quotePath", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.version", "2"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.showForcedUpdates", "false"),
    ("fetch.unpackLimit", "1"),
    ("transfer.bundleURI", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("log.mailmap", "false"),
    ("diff.renames", "false"),
    ("credential.interactive", "false"),
];

/// How a local repository serves us: its configuration may name programs and other remotes, none of which is run or asked;
/// and it may belong to another user, for whoever runs finmirror has named it.
const UPLOAD_PACK: &str = "GIT_CONFIG_GLOBAL=/dev/null GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 git \
                           -c 'safe.directory=*' -c uploadpack.allowFilter=true -c uploadpackfilter.allow=true \
                           -c core.hooksPath=/dev/null -c core.fsmonitor=false upload-pack";

impl Mirror {
    /// A call that reads objects of the mirror through the view.
    pub(in crate::source::git) fn view_call(&self, words: Vec<String>) -> Call {
        let mut call = self.local_call(words, &self.folder.join("view"));
        call.environment.push(("GIT_OBJECT_DIRECTORY".into(), self.mirror().join("objects").into()));
        call
    }

    /// A call that speaks with nobody.
    pub(super) fn local_call(&self, words: Vec<String>, repository: &Path) -> Call {
        self.call(words, repository, "none", false, Entry::default())
    }

    /// A call that speaks with the remote, by the one protocol that its url says. The user's own configuration may say that
    /// it is to be another one.
    pub(super) fn remote_call(&self, words: Vec<String>, repository: &Path) -> Result<Call, Failure> {
        let mut entry = Entry::new(&self.options, &self.place)?;
        entry.settings.push((format!("remote.{REMOTE}.url"), self.url.clone()));
        if self.place.protocol == Protocol::File {
            entry.settings.push((format!("remote.{REMOTE}.uploadpack"), UPLOAD_PACK.into()));
        }
        let helper = self.options.credentials.helper;
        let protocols = if helper { "https:ssh:git:file" } else { self.place.protocol.name() };
        Ok(self.call(words, repository, protocols, helper, entry))
    }

    fn call(&self, words: Vec<String>, repository: &Path, protocols: &str, as_user: bool, entry: Entry) -> Call {
        let mut environment: Vec<(String, OsString)> = Vec::new();
        let mut set = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            environment.push((name.to_owned(), value.as_ref().to_owned()));
        };
        // Where no user's own configuration is wanted, what reads one by itself (curl's netrc) finds nothing.
        set("HOME", &self.folder);
        for (name, value) in &self.options.environment.0 {
            if as_user || !Environment::is_users(name) {
                set(name, value);
            }
        }
        if !as_user {
            set("GIT_CONFIG_GLOBAL", &"/dev/null");
        }
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("GIT_ALLOW_PROTOCOL", protocols),
            ("LC_ALL", "C"),
        ] {
            set(name, &value);
        }
        set("GIT_DIR", &repository);
        let mut settings: Vec<(String, String)> =
            SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        settings.extend(entry.settings);
        set("GIT_CONFIG_COUNT", &settings.len().to_string());
        for (at, (key, value)) in settings.iter().enumerate() {
            set(&format!("GIT_CONFIG_KEY_{at}"), key);
            set(&format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        environment.extend(entry.variables);
        let folder = if self.folder.is_dir() { self.folder.clone() } else { PathBuf::from("/") };
        let (timeout, stop) = (self.options.timeout, self.stop.clone());
        Call { arguments: words, environment, folder, input: None, timeout, stop }
    }
}
