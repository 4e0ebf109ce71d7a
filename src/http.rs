//! The daemon's HTTP door: status page, health, metrics, webhooks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::apply::Clock;
use crate::daemon::Trigger;
use crate::daemon::board::Board;
use crate::page::{DocPath, Page, SourceName};
use crate::secret::Secret;

/// Where the door is, and who may pass.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a caller must show; required where it listens beyond loopback.
    pub token: Option<Secret>,
    /// Names by which it may be called beyond loopback, besides its address.
    pub hosts: Vec<String>,
}

/// A source that a webhook may wake.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The source.
    pub source: SourceName,
    /// Any of these signs a call for it; none: it takes no calls.
    pub secrets: Vec<Secret>,
    /// The repository's url and the ref that it reads (`None`: the remote's own branch), for a source that is one.
    pub repository: Option<(String, Option<String>)>,
}

/// What the door shows and whom it wakes. Replaced as a whole when the configuration is read again.
#[derive(Clone)]
pub struct App {
    /// Who may pass.
    pub options: HttpOptions,
    /// What the daemon shows of itself.
    pub board: Board,
    /// The ledger, to be read.
    pub ledger: PathBuf,
    /// Where wishes go.
    pub triggers: mpsc::Sender<Trigger>,
    /// The sources that webhooks may wake.
    pub hooks: Vec<Hook>,
    /// A page as Fin reads it, rendered anew from its source. Blocks.
    pub preview: Arc<dyn Fn(&SourceName, &DocPath) -> anyhow::Result<Page> + Send + Sync>,
    /// The wall clock.
    pub clock: Clock,
}
