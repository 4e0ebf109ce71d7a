//! Names to addresses, of which only those are handed on that may be asked.
//!
//! What is connected to is what was checked: the HTTP client gets its addresses from here and looks up nothing by itself,
//! so that a name which answers differently the next time is checked the next time. The invariant does not reach hosts
//! that are addresses, which no resolver ever sees: they are checked before each request (`exchange`).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Allowed;

/// How a name is looked up, blocking.
pub(super) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// As this machine looks up all names.
pub(super) fn system() -> Lookup {
    Arc::new(|host| Ok((host, 0).to_socket_addrs()?.collect()))
}

/// The resolver of the HTTP client.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) lookup: Lookup,
    pub(super) allowed: Allowed,
}

/// A name without an address that may be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Forbidden(pub(super) String);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, allowed } = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || lookup(&host)).await??;
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::AddrNotAvailable).into());
            }
            let (refused, public): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| allowed.refuses(address.ip()).is_some());
            if public.is_empty() {
                let refused: Vec<IpAddr> = refused.iter().map(SocketAddr::ip).collect();
                return Err(Forbidden(allowed.refusal(name.as_str(), &refused)).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
