//! The command line: what can be typed, and its help. Parses, decides nothing, and reads no file.
//!
//! Values are parsed into the types that the commands take. A wrong command line exits with 2, as every other reason not
//! to run at all.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::config;
use crate::page::SourceName;
use crate::simulator::{RateLimit, SimulatorOptions};

const EXAMPLES: &str = "\
Examples:
  finmirror check                     is everything in place?
  finmirror plan                      what would be sent, and why
  finmirror --once                    do it, then exit
  finmirror                           do it whenever something changes
  finmirror export | jq .url          every page as it would be sent

Exit status:
  0  converged           1  some pages failed, or a source had problems
  3  deletes are held    2  could not run";

const CONFIG_HELP: &str =
    "The configuration [default: $FINMIRROR_CONFIG, ./finmirror.yaml, /etc/finmirror/finmirror.yaml]";

/// Mirrors private documentation into Fin, Intercom's AI agent
#[derive(Debug, Parser)]
#[command(name = "finmirror", version, max_term_width = 80, after_help = EXAMPLES, subcommand_help_heading = "Commands")]
#[command(
    disable_help_subcommand = true,
    disable_help_flag = true,
    override_usage = "finmirror [OPTIONS]\n       finmirror --once [OPTIONS]\n       finmirror COMMAND [OPTIONS]"
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What the default command takes.
    #[command(flatten)]
    pub run: RunArgs,
    /// Any other command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// The configuration.
    #[arg(long, global = true, value_name = "FILE", help = CONFIG_HELP, help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Log more; twice: everything
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Everywhere", conflicts_with = "quiet")]
    pub verbose: u8,
    /// Log less; twice: errors only
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Everywhere")]
    pub quiet: u8,
    /// Print this help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = "Everywhere")]
    pub help: Option<bool>,
    /// How logs are written to stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Everywhere")]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the default command takes: the daemon, or one cycle of every source.
#[derive(Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "One cycle")]
pub struct RunArgs {
    /// Mirror every source once, then exit
    #[arg(long)]
    pub once: bool,
    /// Only this source; may be repeated
    #[arg(long, value_name = "NAME", requires = "once", value_parser = source_name)]
    pub source: Vec<SourceName>,
    /// Trust no fingerprint, and try rejected pages again
    #[arg(long, requires = "once")]
    pub full: bool,
    /// Let exactly these held deletes go; the id is printed with them
    #[arg(long, value_name = "SOURCE@ID", requires = "once")]
    pub release_held: Vec<Release>,
    /// Make the import source of this source anew, if it was deleted in Intercom
    #[arg(long, value_name = "NAME", requires = "once", value_parser = source_name)]
    pub recreate_source: Vec<SourceName>,
    /// Mounts of this source that are gone are gone for good
    #[arg(long, value_name = "NAME", requires = "once", value_parser = source_name)]
    pub accept_unmounted: Vec<SourceName>,
    /// How long to wait for another finmirror that holds the ledger
    #[arg(long, value_name = "TIME", requires = "once", default_value = "0s", value_parser = config::duration)]
    pub lock_wait: Duration,
    /// Print the report as JSON
    #[arg(long, requires = "once")]
    pub json: bool,
}

/// Held deletes that may go: those of one source, as long as they are the very set that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The source.
    pub source: SourceName,
    /// The hash of the set.
    pub id: String,
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('@') {
            Some((source, id)) if !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Ok(Self { source: source_name(source)?, id: id.to_owned() })
            }
            _ => Err("write it as `SOURCE@ID`, as the held list prints it".into()),
        }
    }
}

/// Every command but the default one.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what --once would do, and why, page by page; changes nothing
    Plan(PlanArgs),
    /// Print every page as it would be sent, one JSON object a line
    #[command(
        after_help = "Needs neither token nor ledger. Each object has path, external_id, url, title,\nhtml, text, locale and warnings."
    )]
    Export(ExportArgs),
    /// Show one page as it would be sent
    #[command(after_help = "Needs neither token nor ledger.")]
    Preview(PreviewArgs),
    /// Show what was mirrored, what failed, what is held and why
    Status(StatusArgs),
    /// Check the configuration, every source, and the token for real
    Check(CheckArgs),
    /// Run the stand-in for Intercom as a server, with a page to look at
    Simulator(SimulatorArgs),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  finmirror completions bash > /etc/bash_completion.d/finmirror")]
    Completions(CompletionsArgs),
    /// Print a manual page
    #[command(after_help = "Example:\n  finmirror man > finmirror.1\n  finmirror man plan > finmirror-plan.1")]
    Man(ManArgs),
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Only this source; may be repeated
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    pub source: Vec<SourceName>,
    /// What this ref of a repository changes beside the configured one; needs neither token nor ledger
    #[arg(long, value_name = "REF")]
    pub against: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only this source; may be repeated
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    pub source: Vec<SourceName>,
}

/// `preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The document: a file, or its path in its source
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// What of the page
    #[arg(long, value_enum, default_value_t)]
    pub format: PreviewFormat,
    /// The source, if more than one has that path
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    pub source: Option<SourceName>,
}

/// What `preview` shows of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PreviewFormat {
    /// The html that is sent.
    Html,
    /// The text in it.
    #[default]
    Text,
    /// The object that `export` prints.
    Json,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "For completion in an editor:\n  finmirror check --schema > finmirror.schema.json\n\
                        and at the top of finmirror.yaml:\n  # yaml-language-server: $schema=finmirror.schema.json")]
pub struct CheckArgs {
    /// Print the JSON Schema of the configuration; checks nothing
    #[arg(long, conflicts_with = "json")]
    pub schema: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `simulator`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  finmirror simulator --data fin.db --rate-limit 1667/10s --latency 80ms..350ms")]
pub struct SimulatorArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Keep the state in this SQLite file [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The only token that is good [default: any]
    #[arg(long, value_name = "TOKEN", env = "FINMIRROR_SIMULATOR_TOKEN", hide_env_values = true)]
    pub token: Option<SecretString>,
    /// Calls in a window, such as 1667/10s [default: no limit]
    #[arg(long, value_name = "CALLS/TIME", value_parser = rate_limit)]
    pub rate_limit: Option<RateLimit>,
    /// How the window of the rate limit moves
    #[arg(long, value_enum, default_value_t, requires = "rate_limit")]
    pub window: Window,
    /// Hold each answer back for a time in this range, such as 80ms..350ms
    #[arg(long, value_name = "FROM..TO", value_parser = latency)]
    pub latency: Option<(Duration, Duration)>,
    /// Hand html back otherwise than it was sent
    #[arg(long)]
    pub normalise_html: bool,
    /// Let PUT switch a page on that was switched off, as Intercom documents
    #[arg(long)]
    pub put_resets_flags: bool,
}

/// How the window of a rate limit moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Window {
    /// It starts anew at fixed times.
    #[default]
    Fixed,
    /// It slides with each call.
    Sliding,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Of this command [default: of finmirror itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

impl Cli {
    /// Parses a command line; the error prints itself, and knows whether it is one or the help that was asked for.
    pub fn parse_args(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(args)?;
        if cli.command.is_some() && cli.run.once {
            let message = "`--once` and what goes with it stand alone, without a command";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

impl SimulatorArgs {
    /// The options of the stand-in.
    #[must_use]
    pub fn options(&self) -> SimulatorOptions {
        SimulatorOptions {
            data: self.data.clone(),
            token: self.token.clone(),
            rate_limit: self.rate_limit.map(|limit| RateLimit { sliding: self.window == Window::Sliding, ..limit }),
            latency: self.latency,
            normalise_html: self.normalise_html,
            put_resets_flags: self.put_resets_flags,
        }
    }
}

fn source_name(text: &str) -> Result<SourceName, String> {
    if text.is_empty() { Err("name a source of the configuration".into()) } else { Ok(SourceName::new(text)) }
}

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let wrong = || "write it as `1667/10s`".to_owned();
    let (calls, window) = text.split_once('/').ok_or_else(wrong)?;
    let calls = calls.trim().parse().ok().filter(|calls| *calls > 0).ok_or_else(wrong)?;
    let window = config::duration(window).ok().filter(|window| !window.is_zero()).ok_or_else(wrong)?;
    Ok(RateLimit { calls, window, sliding: false })
}

fn latency(text: &str) -> Result<(Duration, Duration), String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (config::duration(from)?, config::duration(to)?);
    if from > to { Err("write the shorter time first: `80ms..350ms`".into()) } else { Ok((from, to)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Cli {
        Cli::parse_args(line.split_whitespace()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn refused(line: &str) -> (i32, String) {
        let error = Cli::parse_args(line.split_whitespace()).unwrap_err();
        (error.exit_code(), error.to_string())
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_daemon_is_the_default() {
        let cli = parsed("finmirror");
        assert!(cli.command.is_none() && !cli.run.once);
    }

    #[test]
    fn one_cycle_takes_its_flags() {
        let cli = parsed(
            "finmirror --once --source a --source b --full --release-held a@0f3c --recreate-source b \
             --accept-unmounted a --lock-wait 1m30s --json --config f.yaml -vv",
        );
        let name = SourceName::new;
        let expected = RunArgs {
            once: true,
            source: vec![name("a"), name("b")],
            full: true,
            release_held: vec![Release { source: name("a"), id: "0f3c".into() }],
            recreate_source: vec![name("b")],
            accept_unmounted: vec![name("a")],
            lock_wait: Duration::from_secs(90),
            json: true,
        };
        assert_eq!(cli.run, expected);
        assert_eq!((cli.global.config, cli.global.verbose), (Some("f.yaml".into()), 2));
    }

    #[test]
    fn global_flags_stand_before_and_after_a_command() {
        for line in ["finmirror --config f.yaml -q plan --json", "finmirror plan --json --config f.yaml -q"] {
            let cli = parsed(line);
            assert_eq!((cli.global.config, cli.global.quiet), (Some("f.yaml".into()), 1));
            assert!(matches!(cli.command, Some(Command::Plan(PlanArgs { json: true, .. }))));
        }
    }

    #[test]
    fn usage_errors_exit_with_2() {
        for (line, expected) in [
            ("finmirror --full", "--once"),
            ("finmirror --once plan", "stand alone"),
            ("finmirror nonsense", "unrecognized subcommand"),
            ("finmirror --once --release-held a", "SOURCE@ID"),
            ("finmirror --once --lock-wait soon", "`30s`"),
            ("finmirror simulator --rate-limit 0/10s", "`1667/10s`"),
            ("finmirror simulator --rate-limit 10/0s", "`1667/10s`"),
            ("finmirror simulator --latency 9s..1s", "shorter time first"),
            ("finmirror simulator --window sliding", "--rate-limit"),
            ("finmirror check --schema --json", "cannot be used with"),
            ("finmirror -v -q", "cannot be used with"),
        ] {
            let (status, message) = refused(line);
            assert!(status == 2 && message.contains(expected), "{line}: {status} {message}");
        }
        assert_eq!(refused("finmirror --help").0, 0);
    }

    #[test]
    fn the_simulator_takes_what_intercom_might_do() {
        let cli = parsed(
            "finmirror simulator --listen [::1]:0 --token t --rate-limit 167/10s --window sliding \
             --latency 80ms..350ms --put-resets-flags",
        );
        let Some(Command::Simulator(args)) = cli.command else { panic!() };
        let options = args.options();
        let limit = RateLimit { calls: 167, window: Duration::from_secs(10), sliding: true };
        assert_eq!(options.rate_limit, Some(limit));
        assert_eq!(options.latency, Some((Duration::from_millis(80), Duration::from_millis(350))));
        assert!(options.put_resets_flags && !options.normalise_html);
        assert!(!format!("{args:?}").contains("\"t\""));
    }

    #[test]
    fn help_fits_80_columns() {
        let mut command = Cli::command();
        command.build();
        let all: Vec<_> = command.get_subcommands().cloned().chain([command.clone()]).collect();
        assert!(all.len() > 8);
        for mut command in all {
            for help in [command.render_help(), command.render_long_help()] {
                let wide = help.to_string().lines().find(|line| line.chars().count() > 80).map(str::to_owned);
                assert_eq!(wide, None, "{}", command.get_name());
            }
        }
    }
}
