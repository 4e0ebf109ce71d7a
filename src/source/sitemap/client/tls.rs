//! The HTTP clients of a website: whom they trust, as whom they show themselves, and through which proxy.
//!
//! There are three, each built when it is first needed: for addresses without TLS, which needs no certificates, so that it
//! works where the system has none; for TLS; and, with the client certificate, for the configured origins.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Identity, Proxy};
use url::Url;

use super::resolve::{Guard, Lookup};
use super::{Allowed, ClientOptions, Trouble};
use crate::page::Failure;

/// A file of certificates larger than this is none.
const PEM_MAX_BYTES: u64 = 4 << 20;
/// To connect, name and TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Servers close what idles for 5 s and more; a request that meets the close on its way is lost.
const IDLE: Duration = Duration::from_secs(4);

/// The HTTP clients.
pub(super) struct Doors {
    guard: Guard,
    proxy: Option<Url>,
    trusted: Vec<Certificate>,
    identity: Option<Identity>,
    clear: OnceLock<Door>,
    tls: OnceLock<Door>,
    known: OnceLock<Door>,
}

type Door = Result<reqwest::Client, String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Clear,
    Tls,
    Known,
}

impl Doors {
    /// Reads the certificates; fails where one cannot be used.
    pub(super) fn new(options: &ClientOptions, lookup: Lookup) -> Result<Self, Failure> {
        // reqwest panics without one; the binary has installed it before, another user of this library perhaps not.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let trusted = options.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
        let identity = options.client_certificate.as_deref().map(identity).transpose()?;
        let allowed = Allowed(options.allow_networks.clone());
        let doors = Self {
            guard: Guard { lookup, allowed },
            proxy: options.proxy.clone(),
            trusted,
            identity,
            clear: OnceLock::new(),
            tls: OnceLock::new(),
            known: OnceLock::new(),
        };
        // A key that does not fit its certificate is found here, and not by the first page.
        if let (Some(_), Some(path)) = (&doors.identity, &options.client_certificate) {
            doors.build(Kind::Known).map_err(|error| unusable("client_certificate", path, &error))?;
        }
        Ok(doors)
    }

    /// The client for a url.
    pub(super) fn door(&self, url: &Url, is_known: bool) -> Result<&reqwest::Client, Trouble> {
        let (door, kind) = match url.scheme() {
            "https" if is_known && self.identity.is_some() => (&self.known, Kind::Known),
            "https" => (&self.tls, Kind::Tls),
            _ => (&self.clear, Kind::Clear),
        };
        door.get_or_init(|| self.build(kind)).as_ref().map_err(|error| Trouble::Tls(error.clone()))
    }

    fn build(&self, kind: Kind) -> Door {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("finmirror/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // Unpacked by `body`, which counts both sides.
            .no_gzip()
            .no_brotli()
            // One request on one connection: a connection that dies takes no other request with it.
            .http1_only()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            // The environment's proxies are for Intercom.
            .no_proxy();
        let mut needs_roots = kind != Kind::Clear;
        if let Some(proxy) = &self.proxy {
            needs_roots |= proxy.scheme() == "https";
            let proxy = Proxy::all(proxy.clone()).map_err(|_| "`proxy` cannot be used: write `http://host:port`")?;
            builder = builder.proxy(proxy);
        } else {
            builder = builder.dns_resolver(self.guard.clone());
        }
        builder = match (needs_roots, &self.identity) {
            (false, _) => builder.tls_certs_only([]),
            (true, Some(identity)) if kind == Kind::Known => {
                builder.tls_certs_merge(self.trusted.clone()).identity(identity.clone())
            }
            (true, _) => builder.tls_certs_merge(self.trusted.clone()),
        };
        builder.build().map_err(|error| {
            let causes = super::causes(&error);
            format!("TLS cannot be used: {}", if causes.is_empty() { error.without_url().to_string() } else { causes })
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let pem = pem("ca_file", path)?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| unusable("ca_file", path, "it is no PEM"))?;
    if found.is_empty() {
        return Err(unusable("ca_file", path, "it holds no certificate: give one in PEM"));
    }
    Ok(found)
}

fn identity(path: &Path) -> Result<Identity, Failure> {
    let pem = pem("client_certificate", path)?;
    let help = "write the certificate, those that it needs, and its key without a passphrase into it, in PEM";
    Identity::from_pem(&pem).map_err(|_| unusable("client_certificate", path, help))
}

fn pem(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PEM_MAX_BYTES + 1).read_to_end(&mut pem))
        .map_err(|error| unusable(key, path, &error.to_string()))?;
    if pem.len() as u64 > PEM_MAX_BYTES {
        return Err(unusable(key, path, &format!("it is over {PEM_MAX_BYTES} bytes")));
    }
    Ok(pem)
}

fn unusable(key: &str, path: &Path, why: &str) -> Failure {
    Failure::new("unreadable", format!("{key} `{}` cannot be used: {why}", path.display()))
}
