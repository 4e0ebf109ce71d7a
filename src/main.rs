//! The binary: arguments → tracing → configuration → wiring → one command → exit status. No logic.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use finmirror::cli::{Cli, Command};
use finmirror::commands::open::clock;
use finmirror::commands::{check, completions, daemon, export, man, once, plan, status};
use finmirror::source::git;
use finmirror::stop::Stop;
use finmirror::telemetry::Telemetry;
use finmirror::{config, simulator};

fn main() -> ExitCode {
    // A panic's own words may hold a document's text, which belongs into no log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(anstream::stderr(), "internal error at {place}: please report it");
    }));
    if let Some(exit) = git::answer(std::env::args_os(), &environment, &mut std::io::stdout()) {
        return ExitCode::from(exit);
    }
    let cli = match Cli::parse_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut out = anstream::stdout().lock();
    let done = run(&cli, &mut out).and_then(|exit| match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(exit),
    });
    match done {
        Ok(exit) => ExitCode::from(exit),
        // Whoever reads us has seen enough: `export | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli, out: &mut dyn Write) -> anyhow::Result<u8> {
    let telemetry = Telemetry::start(&cli.global, &environment)?;
    // Fails only where somebody has installed one before us, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let load = || -> anyhow::Result<config::Config> {
        let config = config::load(&config::discover(cli.global.config.as_deref(), &environment)?, &environment)?;
        config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(config)
    };
    match &cli.command {
        None if cli.run.once => {
            let config = load()?;
            runtime()?.block_on(async {
                let stop = Stop::default();
                tokio::spawn(stop_on_signal(stop.clone()));
                once::run(&cli.run, config, &telemetry, &stop, out).await
            })
        }
        None => {
            let runtime = runtime()?;
            let ran = runtime.block_on(async { daemon::run(&load, stop_on_signal(Stop::default())).await });
            // What hangs in a system call is not waited for: nothing is lost with it.
            runtime.shutdown_background();
            ran.map(|()| 0)
        }
        Some(Command::Plan(args)) => plan::run(args, &load()?, out),
        Some(Command::Export(args)) => export::export(args, &load()?, out),
        Some(Command::Preview(args)) => export::preview(args, &load()?, out),
        Some(Command::Status(args)) => status::run(args, &load()?, out),
        Some(Command::Check(args)) => {
            runtime()?.block_on(check::run(args, cli.global.config.as_deref(), &environment, out))
        }
        Some(Command::Simulator(args)) => runtime()?.block_on(async {
            let stop = stop_on_signal(Stop::default());
            simulator::run(args.options(), clock(), args.listen, say_address, stop).await.map(|()| 0)
        }),
        Some(Command::Completions(args)) => Ok(completions::run(args, out).map(|()| 0)?),
        Some(Command::Man(args)) => man::run(args, out).map(|()| 0),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Asks for a stop on the first SIGTERM or SIGINT; the second ends the process at once. It listens from the call on, not
/// only from when the future is first looked at.
fn stop_on_signal(stop: Stop) -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.set();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            #[expect(clippy::exit, clippy::disallowed_methods, reason = "the second signal means now")]
            std::process::exit(130);
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// On stderr, as every log: stdout stays free of what nobody asked for.
fn say_address(address: std::net::SocketAddr) {
    let _ = writeln!(anstream::stderr(), "the simulator listens on http://{address}/");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(broken)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe))
    })
}
