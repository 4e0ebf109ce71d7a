//! `finmirror check`: is everything in place? The configuration, each source, the ledger's folder, the token.
//!
//! Looks and changes nothing: no folder is made, no import source either. What is wrong names what to do about it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use comfy_table::{ContentArrangement, Table, presets};
use rustix::fs::{Access, access};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use super::open;
use crate::cli::CheckArgs;
use crate::config::{self, Config, Environment, RemoteOptions, SourceConfig, SourcePlace};
use crate::convert::Converter;
use crate::intercom::{Intercom, Token};
use crate::ledger::{Ledger, LedgerError};
use crate::page::ImportSourceId;
use crate::remote::{ImportSource, Remote, RemoteError};
use crate::simulator::Simulator;
use crate::source::Known;
use crate::stop::Stop;
use crate::sync::binding::ImportSourceOptions;
use crate::sync::{Wishes, known};

/// Runs it; the exit status is the report's.
pub async fn run(
    args: &CheckArgs,
    file: Option<&Path>,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    if args.schema {
        write!(out, "{}", config::schema())?;
        return Ok(0);
    }
    let report = match config::discover(file, env).and_then(|file| config::load(&file, env)) {
        Ok(config) => looked_at(&config).await,
        Err(error) if args.json => Report::unconfigured(&error),
        Err(error) => anyhow::bail!(error),
    };
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_table(out)?;
    }
    Ok(report.exit_status())
}

async fn looked_at(config: &Config) -> Report {
    let mut report = Report::local(config);
    if !report.may_ask() {
        return report;
    }
    match &config.remote {
        Ok(RemoteOptions::Intercom(options)) => match Intercom::new(options.clone()) {
            Ok(remote) => report.ask(config, &remote).await,
            Err(error) => report.rows.push(row("intercom", Outcome::Error, format!("{error:#}"))),
        },
        // A stand-in that is not there yet has nothing to be asked, and nothing is made here.
        Ok(RemoteOptions::Simulator(options)) if options.data.as_deref().is_some_and(Path::exists) => {
            match Simulator::open(options.clone(), open::clock()) {
                Ok(remote) => report.ask(config, &remote).await,
                Err(error) => report.rows.push(row("simulator", Outcome::Error, format!("{error:#}"))),
            }
        }
        Ok(RemoteOptions::Simulator(_)) | Err(_) => {}
    }
    report
}

/// What was looked at, in order.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    /// Open to be read, where there is one that is good.
    ledger: Option<Ledger>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub result: Outcome,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How a thing is, and so what it does to the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Going on, but somebody may want to know.
    Warning,
    /// This source would have problems: 1.
    Problem,
    /// Nothing would run: 2.
    Error,
}

impl Report {
    /// A configuration that will not do: nothing else can be looked at.
    #[must_use]
    pub fn unconfigured(error: &config::Error) -> Self {
        Self { rows: misconfigured("configuration", error), ledger: None }
    }

    /// Looks at everything on this machine.
    #[must_use]
    pub fn local(config: &Config) -> Self {
        let mut rows = vec![row("configuration", Outcome::Ok, config.file.display().to_string())];
        rows.extend(config.warnings.iter().map(|warning| {
            let (detail, hint) = warning.rsplit_once("; ").unwrap_or((warning, ""));
            row("configuration", Outcome::Warning, detail).hint(hint)
        }));
        let (found, ledger) = ledger(config);
        rows.extend(found);
        rows.extend(token(config));
        let opener = open::Opener::new(config, &Stop::default());
        rows.extend(opener.converters().iter().map(|each| converter(each)));
        for each in &config.sources {
            let mut notices = Vec::new();
            rows.push(source(each, &opener, ledger.as_ref(), &mut notices));
            let told = |notice| row(format!("site of {}", each.name), Outcome::Warning, notice);
            rows.extend(notices.into_iter().map(told));
        }
        Self { rows, ledger }
    }

    /// Asks the remote, if nothing on this machine stands against it already.
    pub async fn ask(&mut self, config: &Config, remote: &impl Remote) {
        match remote.import_sources().await {
            Ok(import_sources) => {
                let detail = format!("the token is good; import sources: {}", import_sources.len());
                self.rows.push(row("intercom", Outcome::Ok, detail));
                for source in &config.sources {
                    let row = match self.ledger.as_ref().map(|ledger| ledger.source(source.name.as_str())).transpose() {
                        Ok(tied) => import_source(source, &import_sources, tied.and_then(|tied| tied.import_source)),
                        Err(error) => row("ledger", Outcome::Error, error.to_string()),
                    };
                    self.rows.push(row);
                }
            }
            Err(error) => {
                let outcome = match error {
                    RemoteError::Unauthorized { .. } => Outcome::Error,
                    _ => Outcome::Problem,
                };
                self.rows.push(row("intercom", outcome, error.to_string()));
            }
        }
    }

    /// Whether everything that a remote needs is there.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        self.exit_status() != 2
    }

    /// 0, 1 or 2.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self.rows.iter().map(|row| row.result).max() {
            None | Some(Outcome::Ok | Outcome::Warning) => 0,
            Some(Outcome::Problem) => 1,
            Some(Outcome::Error) => 2,
        }
    }

    /// Prints a table of at most 80 columns.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(80);
        table.set_header(["CHECK", "RESULT", "FOUND"]);
        for row in &self.rows {
            let found = match &row.hint {
                Some(hint) => format!("{}\n→ {hint}", row.detail),
                None => row.detail.clone(),
            };
            let result = match row.result {
                Outcome::Ok => "ok",
                Outcome::Warning => "warning",
                Outcome::Problem => "problem",
                Outcome::Error => "error",
            };
            table.add_row([printable(&row.what), result.to_owned(), printable(&found)]);
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Prints one JSON object.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let object = serde_json::json!({ "version": 1, "exit": self.exit_status(), "checks": self.rows });
        writeln!(out, "{object}")
    }
}

impl Row {
    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()).filter(|hint| !hint.is_empty()), ..self }
    }
}

fn row(what: impl Into<String>, result: Outcome, detail: impl Into<String>) -> Row {
    Row { what: what.into(), result, detail: detail.into(), hint: None }
}

/// A name or a message from elsewhere may hold what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A configuration that will not do, without the excerpts: a row for each fault.
fn misconfigured(what: &str, error: &config::Error) -> Vec<Row> {
    if let config::Error::Invalid { file, faults } = error {
        let told = |fault: &config::Fault| {
            let detail = match &fault.place {
                Some(place) => format!("{}:{}: {}", file.display(), place.line, fault.message),
                None => fault.message.clone(),
            };
            row(what, Outcome::Error, detail).hint(fault.help.as_deref().unwrap_or_default())
        };
        return faults.iter().map(told).collect();
    }
    let text = error.to_string();
    let (detail, hint) = text.split_once("\nhelp: ").unwrap_or((&text, ""));
    vec![row(what, Outcome::Error, detail).hint(hint)]
}

/// The place of the ledger, and the ledger where there is one that a run could work with.
fn ledger(config: &Config) -> (Vec<Row>, Option<Ledger>) {
    const WHAT: &str = "ledger";
    let path = match &config.ledger {
        Ok(path) => path,
        Err(error) => return (misconfigured(WHAT, error), None),
    };
    let error = |detail: String, hint: &str| (vec![row(WHAT, Outcome::Error, detail).hint(hint)], None);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let exists = folder.exists();
    let nearest = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let shown = path.display();
    if !nearest.is_dir() {
        let detail = format!("{shown}: `{}` is no folder", nearest.display());
        return error(detail, "set `ledger.path` to another place");
    }
    // A run writes into the folder, and into what it and SQLite keep beside the ledger.
    let beside = ["", ".lock", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    });
    let not_writable = match access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        Err(_) => Some(nearest),
        Ok(()) => beside.iter().map(PathBuf::as_path).find(|f| f.exists() && access(*f, Access::WRITE_OK).is_err()),
    };
    if let Some(place) = not_writable {
        let detail = format!("{shown}: `{}` is not writable", place.display());
        return error(detail, "let finmirror's user write there, or set `ledger.path` to another place");
    }
    match usable(path, config) {
        Ok(ledger) => {
            let made = if exists { "" } else { "; its folder will be made" };
            (vec![row(WHAT, Outcome::Ok, format!("{shown}{made}"))], ledger)
        }
        Err(unusable) => error(unusable.to_string(), ""),
    }
}

/// The ledger, if it is one and that of the place that the configuration mirrors into.
fn usable(path: &Path, config: &Config) -> Result<Option<Ledger>, LedgerError> {
    let Some(ledger) = Ledger::read(path)? else { return Ok(None) };
    if let (Some(found), Ok(remote)) = (ledger.base_url()?, &config.remote) {
        let wanted = remote.address();
        if found != wanted {
            return Err(LedgerError::OtherRemote { path: path.to_owned(), found, wanted });
        }
    }
    Ok(Some(ledger))
}

fn token(config: &Config) -> Vec<Row> {
    match &config.remote {
        Ok(RemoteOptions::Intercom(intercom)) => vec![given(&intercom.token)],
        Ok(RemoteOptions::Simulator(_)) => vec![row("token", Outcome::Ok, "the embedded simulator needs none")],
        Err(error) => misconfigured("token", error),
    }
}

fn given(token: &Token) -> Row {
    const WHAT: &str = "token";
    match token {
        Token::Value(value) | Token::Environment(value) if value.expose_secret().trim().is_empty() => {
            row(WHAT, Outcome::Error, "it is empty").hint("set `intercom.token_file` or $INTERCOM_ACCESS_TOKEN")
        }
        Token::Value(_) => row(WHAT, Outcome::Ok, "in the configuration (`intercom.token`)"),
        Token::Environment(_) => row(WHAT, Outcome::Ok, format!("in the environment (${})", config::TOKEN_VARIABLE)),
        Token::File(file) => {
            let shown = file.display();
            let mut text = String::new();
            match std::fs::File::open(file).and_then(|f| f.take(16 * 1024).read_to_string(&mut text)) {
                Ok(_) if text.trim().is_empty() => {
                    row(WHAT, Outcome::Error, format!("{shown} is empty")).hint("write the access token into it")
                }
                Ok(_) => row(WHAT, Outcome::Ok, format!("in {shown}")),
                Err(e) => row(WHAT, Outcome::Error, format!("{shown}: {e}")).hint(
                    "write the access token there, readable to finmirror's user, or change `intercom.token_file`",
                ),
            }
        }
    }
}

/// Whether a converter's program is there.
fn converter(converter: &Converter) -> Row {
    let what = format!("converter {}", converter.program());
    match converter.version() {
        Ok(version) => row(what, Outcome::Ok, format!("{}: {version}", converter.pattern())),
        Err(missing) => {
            let message = missing.to_string();
            let (detail, hint) = message.split_once(": ").unwrap_or((&message, ""));
            row(what, Outcome::Problem, format!("{}: {detail}", converter.pattern())).hint(hint)
        }
    }
}

/// What a run's scan would see, and so whether root and patterns are the right ones; and what its site's rules have to say
/// to whoever runs it.
fn source(source: &SourceConfig, opener: &open::Opener, ledger: Option<&Ledger>, notices: &mut Vec<String>) -> Row {
    let what = format!("source {}", source.name);
    let root = match &source.place {
        SourcePlace::Files(files) => files.root.display().to_string(),
        SourcePlace::Git(git) => git.url.clone(),
        SourcePlace::Sitemap(sitemap) => sitemap.url.to_string(),
    };
    let looked = opener.job(source, Wishes::default()).and_then(|job| {
        let known = ledger.map_or_else(|| Ok(Known::default()), |ledger| known(ledger, &job))?;
        let site = &job.mirror.site;
        notices.extend_from_slice(site.notices());
        let at = site.root().map(|url| format!(" at {url}")).unwrap_or_default();
        let site = if site.name() == "plain" { String::new() } else { format!(", a site of {}{at}", site.name()) };
        let told: Vec<String> = std::iter::once(site).chain(job.mirror.site.mirrored()).collect();
        Ok((job.mirror.source.scan(&known), told.join("; ")))
    });
    let (scan, site) = match looked {
        Ok(looked) => looked,
        Err(error) => return row(what, Outcome::Problem, format!("{root}: {error:#}")),
    };
    if let Some(problem) = scan.problems.first() {
        let place = if problem.path.is_empty() { String::new() } else { format!("`{}` ", problem.path) };
        let more = match scan.problems.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return row(what, Outcome::Problem, format!("{root}: {place}{}{more}", problem.message));
    }
    let count = match scan.documents.len() {
        1 => "1 document".to_owned(),
        count => format!("{count} documents"),
    };
    let mut failed = scan.documents.iter().filter_map(|document| Some((&document.path, document.failure.as_ref()?)));
    match failed.next() {
        None => row(what, Outcome::Ok, format!("{count} in {root}{site}")),
        Some((path, failure)) => {
            let detail = format!("{count} in {root}, {} of them cannot be sent", 1 + failed.count());
            row(what, Outcome::Warning, detail).hint(format!("`{}`: {}", path.as_str(), failure.message))
        }
    }
}

/// How a source's import source is, by the rules that a run would choose it by: the one that the ledger knows first.
fn import_source(source: &SourceConfig, all: &[ImportSource], tied: Option<ImportSourceId>) -> Row {
    let what = format!("import source of {}", source.name);
    let options = &source.import_source;
    let tied = tied.filter(|tied| options.id.is_none_or(|id| id == *tied));
    let matching: Vec<_> =
        all.iter().filter(|found| tied.map_or_else(|| is_meant(options, found), |id| found.id == id)).collect();
    let ids = matching.iter().map(|found| found.id.to_string()).collect::<Vec<_>>().join(", ");
    match (matching.as_slice(), tied, options.id) {
        ([], Some(id), _) => row(what, Outcome::Problem, format!("id {id} was deleted in Intercom"))
            .hint(format!("`finmirror --once --recreate-source {}` makes it anew", source.name)),
        ([], None, Some(id)) => row(what, Outcome::Problem, format!("there is none with id {id}"))
            .hint("change `import_source.id`, or leave it out"),
        ([], None, None) => row(what, Outcome::Ok, "not there yet: the first run makes it"),
        ([found], ..) if !found.api => row(what, Outcome::Problem, format!("id {ids} is not fed through the API"))
            .hint("choose another one with `import_source.id`, or none"),
        ([found], ..) if !found.active => row(what, Outcome::Warning, format!("id {ids} is deactivated in Intercom"))
            .hint("Fin answers from none of its pages until it is activated there"),
        ([_], ..) => row(what, Outcome::Ok, format!("id {ids}, active")),
        (..) => row(what, Outcome::Problem, format!("several have this url: ids {ids}"))
            .hint("choose one with `import_source.id`"),
    }
}

/// By id where there is one; by url only what is fed through the API.
fn is_meant(options: &ImportSourceOptions, found: &ImportSource) -> bool {
    match (options.id, &options.url) {
        (Some(id), _) => found.id == id,
        (None, Some(url)) => found.api && Url::parse(&found.url).is_ok_and(|other| trimmed(&other) == trimmed(url)),
        (None, None) => false,
    }
}

fn trimmed(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests;
