//! `finmirror check`: is everything in place? The configuration, each source, the ledger's folder, the token.
//!
//! Looks and changes nothing: no folder is made, no import source either. What is wrong names what to do about it.

use std::io::{self, Read, Write};
use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use rustix::fs::{Access, access};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::Url;

use super::open;
use crate::cli::CheckArgs;
use crate::config::{self, Config, Environment, RemoteOptions, SourceConfig, SourcePlace};
use crate::intercom::{Intercom, Token};
use crate::remote::{ImportSource, Remote, RemoteError};
use crate::simulator::Simulator;
use crate::sync::binding::ImportSourceOptions;

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
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    rows: Vec<Row>,
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
        Self { rows: vec![row("configuration", Outcome::Error, error.to_string())] }
    }

    /// Looks at everything on this machine.
    #[must_use]
    pub fn local(config: &Config) -> Self {
        let mut rows = vec![row("configuration", Outcome::Ok, config.file.display().to_string())];
        rows.extend(config.warnings.iter().map(|warning| {
            let (detail, hint) = warning.rsplit_once("; ").unwrap_or((warning, ""));
            row("configuration", Outcome::Warning, detail).hint(hint)
        }));
        rows.push(ledger(config));
        rows.push(token(config));
        rows.extend(config.sources.iter().map(source));
        Self { rows }
    }

    /// Asks the remote, if nothing on this machine stands against it already.
    pub async fn ask(&mut self, config: &Config, remote: &impl Remote) {
        match remote.import_sources().await {
            Ok(import_sources) => {
                let detail = format!("the token is good; import sources: {}", import_sources.len());
                self.rows.push(row("intercom", Outcome::Ok, detail));
                self.rows.extend(config.sources.iter().map(|source| import_source(source, &import_sources)));
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

fn ledger(config: &Config) -> Row {
    const WHAT: &str = "ledger";
    let path = match &config.ledger {
        Ok(path) => path,
        Err(error) => return row(WHAT, Outcome::Error, error.to_string()),
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let exists = folder.exists();
    let nearest = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let shown = path.display();
    if !nearest.is_dir() {
        let detail = format!("{shown}: `{}` is no folder", nearest.display());
        return row(WHAT, Outcome::Error, detail).hint("set `ledger.path` to another place");
    }
    if access(nearest, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let hint = "let finmirror's user write there, or set `ledger.path` to another place";
        return row(WHAT, Outcome::Error, format!("{shown}: `{}` is not writable", nearest.display())).hint(hint);
    }
    let made = if exists { "" } else { "; its folder will be made" };
    row(WHAT, Outcome::Ok, format!("{shown}{made}"))
}

fn token(config: &Config) -> Row {
    const WHAT: &str = "token";
    let intercom = match &config.remote {
        Ok(RemoteOptions::Intercom(intercom)) => intercom,
        Ok(RemoteOptions::Simulator(_)) => return row(WHAT, Outcome::Ok, "the embedded simulator needs none"),
        Err(error) => return row(WHAT, Outcome::Error, error.to_string()),
    };
    match &intercom.token {
        Token::Value(value) if value.expose_secret().trim().is_empty() => {
            row(WHAT, Outcome::Error, "it is empty").hint("set `intercom.token_file` or $INTERCOM_ACCESS_TOKEN")
        }
        Token::Value(_) => row(WHAT, Outcome::Ok, "given as a value"),
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

fn source(source: &SourceConfig) -> Row {
    let what = format!("source {}", source.name);
    let SourcePlace::Files(files) = &source.place;
    let root = files.root.display();
    match std::fs::read_dir(&files.root).and_then(|mut entries| entries.next().transpose()) {
        Ok(Some(_)) => row(what, Outcome::Ok, root.to_string()),
        Ok(None) => row(what, Outcome::Problem, format!("{root} is empty"))
            .hint("is it mounted? An empty root deletes nothing, and converges never"),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            row(what, Outcome::Problem, format!("{root} is not there")).hint("make or mount it, or change `files.root`")
        }
        Err(e) => row(what, Outcome::Problem, format!("{root}: {e}"))
            .hint("make it readable to finmirror's user, or change `files.root`"),
    }
}

/// How a source's import source is, by the rules that a run would choose it by.
fn import_source(source: &SourceConfig, all: &[ImportSource]) -> Row {
    let what = format!("import source of {}", source.name);
    let matching: Vec<_> = all.iter().filter(|found| is_meant(&source.import_source, found)).collect();
    let ids = matching.iter().map(|found| found.id.to_string()).collect::<Vec<_>>().join(", ");
    match (matching.as_slice(), source.import_source.id) {
        ([], Some(id)) => row(what, Outcome::Problem, format!("there is none with id {id}"))
            .hint("change `import_source.id`, or `--once --recreate-source` if it was deleted"),
        ([], None) => row(what, Outcome::Ok, "not there yet: the first run makes it"),
        ([found], _) if !found.api => row(what, Outcome::Problem, format!("id {ids} is not fed through the API"))
            .hint("choose another one with `import_source.id`, or none"),
        ([found], _) if !found.active => row(what, Outcome::Warning, format!("id {ids} is deactivated in Intercom"))
            .hint("Fin answers from none of its pages until it is activated there"),
        ([_], _) => row(what, Outcome::Ok, format!("id {ids}, active")),
        (_, _) => row(what, Outcome::Problem, format!("several have this url: ids {ids}"))
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
