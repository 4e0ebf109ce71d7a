//! The daemon's HTTP door: status page, health, metrics, webhooks.
//!
//! Owns what is shown to whom. Knows the daemon by what it shows ([`Board`]) and by what it hears ([`Trigger`]), and the
//! ledger by reading it. Keeps: however many call, and however slowly, cycles go on as if nobody did; and (I9) no secret
//! is in an answer, or in a log.

mod api;
mod base64;
mod guard;
mod health;
mod live;
pub mod metrics;
mod page;
mod server;
#[cfg(test)]
mod tests;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use self::metrics::{Calls, Metrics};
use crate::apply::Clock;
use crate::daemon::Trigger;
use crate::daemon::board::Board;
use crate::page::{DocPath, ExternalId, Page, SourceName};
use crate::secret::Secret;

pub use server::serve;

/// Where the door is, and who may pass.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a caller must show; required where it listens beyond loopback.
    pub token: Option<Secret>,
    /// Names by which it may be called besides its address, and on loopback besides this machine's own.
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

/// Renders the page of an id that a document of a source becomes.
pub type Preview = Arc<dyn Fn(&SourceName, &DocPath, &ExternalId) -> anyhow::Result<Page> + Send + Sync>;

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
    /// What has been counted since the process began: the same one whatever is read again.
    pub metrics: Arc<Metrics>,
    /// What the client of Intercom has counted.
    pub calls: Arc<dyn Fn() -> Calls + Send + Sync>,
    /// The page of this id that a document becomes, as Fin reads it, rendered anew from its source. Blocks.
    pub preview: Preview,
    /// The wall clock.
    pub clock: Clock,
}
