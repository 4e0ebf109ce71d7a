//! Logs and progress, both on stderr; results go to stdout and are nobody's business here.
//!
//! Owns what is logged by default and how it looks. Invariant: nothing moves on a stderr that is no terminal, and a log
//! line never breaks a progress bar.

mod journal;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use self::journal::Journal;
use crate::cli::{GlobalArgs, LogFormat};

/// Overrides `-v` and `-q`: a level, or levels by module, such as `info,finmirror::intercom=trace`.
pub const LOG_VARIABLE: &str = "FINMIRROR_LOG";

/// What is shown of a run on stderr.
#[derive(Debug)]
pub struct Telemetry {
    bars: MultiProgress,
}

/// A long piece of work. Without a terminal it costs nothing and shows nothing.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Telemetry {
    /// Starts logging. Fails where the variable for it cannot be read.
    pub fn start(args: &GlobalArgs, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let targets = targets(args, env(LOG_VARIABLE).as_deref())?;
        let terminal = io::stderr().is_terminal() && env("TERM").is_none_or(|term| term != "dumb");
        let colours = terminal && env("NO_COLOR").is_none_or(|value| value.is_empty());
        let journal = is_journal(env("JOURNAL_STREAM").as_deref());
        // Bars beside debug logs would only tear them apart.
        let shows_bars = terminal && args.quiet == 0 && args.verbose == 0 && args.log_format == LogFormat::Text;
        let target = if shows_bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let writer = Stderr(bars.clone());
        let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
        let registry = tracing_subscriber::registry();
        let socket = if journal { Journal::open().ok() } else { None };
        match (args.log_format, journal, socket) {
            // A second start within one process (a test's) leaves the first in place.
            (LogFormat::Json, ..) => registry.with(layer.json().with_filter(targets)).try_init(),
            (LogFormat::Text, true, Some(socket)) => registry.with(socket.with_filter(targets)).try_init(),
            // The journal keeps the time itself.
            (LogFormat::Text, true, None) => registry.with(layer.without_time().with_filter(targets)).try_init(),
            (LogFormat::Text, false, _) => registry.with(layer.with_target(false).with_filter(targets)).try_init(),
        }
        .ok();
        Ok(Self { bars })
    }

    /// Shows a piece of work; `total` is `None` where nobody knows it yet.
    #[must_use]
    pub fn progress(&self, label: &str, total: Option<u64>) -> Progress {
        let bar = self.bars.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
        let template = if total.is_some() {
            "{msg:20} {bar:30} {human_pos}/{human_len} {eta:>4}"
        } else {
            "{msg:20} {spinner} {human_pos}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(label.to_owned());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Progress { bar }
    }
}

impl Progress {
    /// So much more is done.
    pub fn inc(&self, n: u64) {
        self.bar.inc(n);
    }

    /// It is over; nothing of it stays on the screen. Dropping does the same.
    pub fn finish(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What is logged: ours from the level asked for, everybody else's warnings.
fn targets(args: &GlobalArgs, variable: Option<&str>) -> anyhow::Result<Targets> {
    if let Some(directives) = variable.filter(|text| !text.trim().is_empty()) {
        return directives.parse().map_err(|_| {
            anyhow::anyhow!(
                "${LOG_VARIABLE} is `{directives}`: write a level, or levels by module: `info,finmirror=debug`"
            )
        });
    }
    let level = match (args.verbose, args.quiet) {
        (0, 0) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        (2.., _) => LevelFilter::TRACE,
        (_, 1) => LevelFilter::WARN,
        (_, _) => LevelFilter::ERROR,
    };
    let others = if args.verbose > 1 { LevelFilter::DEBUG } else { level.min(LevelFilter::WARN) };
    Ok(Targets::new().with_default(others).with_target("finmirror", level))
}

/// Whether stderr is the very stream to the journal that systemd names; the variable alone is inherited by everybody.
fn is_journal(stream: Option<&str>) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    rustix::fs::fstat(io::stderr())
        .is_ok_and(|stat| stat.st_dev.to_string() == device && stat.st_ino.to_string() == inode)
}

/// Stderr, with the bars out of the way while a line is written.
#[derive(Clone)]
struct Stderr(MultiProgress);

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn args(verbose: u8, quiet: u8) -> GlobalArgs {
        GlobalArgs { config: None, verbose, quiet, log_format: LogFormat::Text, help: None }
    }

    #[test]
    fn levels_follow_the_flags() {
        for (verbose, quiet, ours, others) in [
            (0, 0, Level::INFO, Level::WARN),
            (1, 0, Level::DEBUG, Level::WARN),
            (2, 0, Level::TRACE, Level::DEBUG),
            (0, 1, Level::WARN, Level::WARN),
            (0, 2, Level::ERROR, Level::ERROR),
        ] {
            let targets = targets(&args(verbose, quiet), None).unwrap();
            let most = |target: &str| {
                [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR]
                    .into_iter()
                    .find(|level| targets.would_enable(target, level))
            };
            assert_eq!((most("finmirror::sync"), most("hyper")), (Some(ours), Some(others)));
        }
    }

    #[test]
    fn the_variable_beats_the_flags_and_is_checked() {
        let targets = |variable| targets(&args(0, 2), Some(variable));
        assert!(targets("warn,finmirror::sync=trace").unwrap().would_enable("finmirror::sync", &Level::TRACE));
        assert!(!targets("").unwrap().would_enable("finmirror", &Level::WARN));
        assert!(targets("finmirror=loud").unwrap_err().to_string().contains("FINMIRROR_LOG"));
    }

    #[test]
    fn only_the_very_stream_of_the_journal_counts() {
        assert!(!is_journal(None) && !is_journal(Some("")) && !is_journal(Some("0:0")));
        let stat = rustix::fs::fstat(io::stderr()).unwrap();
        assert!(is_journal(Some(&format!("{}:{}", stat.st_dev, stat.st_ino))));
    }

    #[test]
    fn work_counts_without_a_terminal() {
        let telemetry = Telemetry { bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()) };
        let progress = telemetry.progress("pages", Some(2));
        progress.inc(2);
        assert_eq!(progress.bar.position(), 2);
        progress.finish();
    }
}
