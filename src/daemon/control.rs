//! The control socket: how a command reaches the daemon that holds the ledger. One line of JSON in, one out.
//!
//! Beside the ledger, and open to its owner alone. Owns both ends of the talk. Untrusted all the same: a request has a limit,
//! a deadline, and few beside it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::Trigger;
use crate::page::SourceName;
use crate::report::CycleReport;
use crate::sync::Wishes;

/// Talks at one time.
const TALKS: usize = 16;
/// A request is a few names.
const REQUEST_MAX_BYTES: u64 = 256 << 10;
/// An answer names failed pages and problems.
const ANSWER_MAX_BYTES: u64 = 256 << 20;
/// How long a request may take to arrive, and an answer to leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// The wait after an accept that failed, for want of file descriptors for instance.
const PAUSE: Duration = Duration::from_millis(200);

/// What a command asks of the daemon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Cycles of these sources.
    pub cycles: Vec<Asked>,
}

/// A cycle of one source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The source.
    pub source: SourceName,
    /// As [`Wishes::full`].
    pub full: bool,
    /// As [`Wishes::release`].
    pub release: Option<String>,
    /// As [`Wishes::recreate`].
    pub recreate: bool,
    /// As [`Wishes::accept_unmounted`].
    pub accept_unmounted: bool,
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Cycles(Vec<Told>),
    Error(String),
}

/// A report, with what its own JSON has not.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    report: CycleReport,
    blind: bool,
    unauthorized: bool,
}

/// Where the socket of a ledger is.
#[must_use]
pub fn path(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

/// Opens the socket, in place of one that a process before has left. Whoever opens it holds the ledger's lock.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    let hidden = PathBuf::from(hidden);
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Under another name until it is its owner's alone.
    let listener = UnixListener::bind(&hidden)?;
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600))?;
    fs::rename(&hidden, path)?;
    Ok(listener)
}

/// Answers for ever; `triggers` says where wishes go just now.
pub async fn serve(listener: UnixListener, triggers: impl Fn() -> mpsc::Sender<Trigger>) {
    let talks = Arc::new(Semaphore::new(TALKS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(permit) = talks.clone().try_acquire_owned() else { continue };
        let triggers = triggers();
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = talk(stream, &triggers).await {
                tracing::debug!("a talk on the control socket broke off: {error:#}");
            }
        });
    }
}

async fn talk(stream: UnixStream, triggers: &mpsc::Sender<Trigger>) -> anyhow::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    let mut reading = BufReader::new(reading);
    timeout(PATIENCE, (&mut reading).take(REQUEST_MAX_BYTES).read_line(&mut line)).await??;
    let cycles = async {
        match serde_json::from_str(&line) {
            Ok(request) => cycles(request, triggers).await,
            Err(error) => Err(anyhow!("the request is not understood: {error}")),
        }
    };
    let mut rest = [0];
    let answer = tokio::select! {
        done = cycles => done,
        // Whoever asked has gone.
        _ = reading.read(&mut rest) => return Ok(()),
    };
    let answer = answer.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Cycles);
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    timeout(PATIENCE, writing.write_all(&bytes)).await??;
    Ok(())
}

async fn cycles(request: Request, triggers: &mpsc::Sender<Trigger>) -> anyhow::Result<Vec<Told>> {
    let mut waiting = Vec::new();
    for Asked { source, full, release, recreate, accept_unmounted } in request.cycles {
        let wishes = Wishes { full, release, recreate, accept_unmounted };
        let (reply, report) = oneshot::channel();
        let wish = Trigger::Wish { source: source.clone(), wishes, reply };
        timeout(PATIENCE, triggers.send(wish)).await?.map_err(|_| anyhow!("the daemon is ending"))?;
        waiting.push((source, report));
    }
    let mut told = Vec::new();
    for (source, report) in waiting {
        let report = report.await.map_err(|_| {
            anyhow!("the daemon has no source `{source}`, too many wishes for it, or is ending: reload or restart it")
        })?;
        told.push(Told { blind: report.blind, unauthorized: report.unauthorized, report });
    }
    Ok(told)
}

/// Asks the daemon that holds this ledger, and waits for its cycles; `None`: there is none that listens.
pub async fn ask(ledger: &Path, request: &Request) -> anyhow::Result<Option<Vec<CycleReport>>> {
    let path = path(ledger);
    let stream = match timeout(PATIENCE, UnixStream::connect(&path)).await? {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| {
                format!(
                    "a daemon holds the ledger, and its socket `{}` cannot be used: run this as its user",
                    path.display()
                )
            });
        }
    };
    let (reading, mut writing) = stream.into_split();
    let mut bytes = serde_json::to_vec(request)?;
    bytes.push(b'\n');
    timeout(PATIENCE, writing.write_all(&bytes)).await??;
    let mut line = String::new();
    // As long as the cycles take, for which everything in them has its deadline; a daemon that ends closes the socket.
    BufReader::new(reading).take(ANSWER_MAX_BYTES).read_line(&mut line).await?;
    if line.is_empty() {
        bail!("the daemon ended before it answered: what it began is gone on with by the next one");
    }
    match serde_json::from_str(&line).context("the daemon's answer is not understood: is it of another version?")? {
        Answer::Error(error) => bail!("{error}"),
        Answer::Cycles(told) => Ok(Some(
            told.into_iter()
                .map(|Told { report, blind, unauthorized }| CycleReport { blind, unauthorized, ..report })
                .collect(),
        )),
    }
}
