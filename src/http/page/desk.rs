//! The work behind the status page: looks into the ledger, and pages rendered anew. However many people look, and however
//! often they ask, it is done once for all of them, and one render at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout};

use crate::daemon::board::Snapshot;
use crate::http::server::Door;
use crate::ledger::{Ledger, LedgerError};
use crate::page::{DocPath, ExternalId, Page, SourceName};
use crate::status::Status;

use super::text::long;
use super::view::DRAWN;

/// How long a render may take, its turn included: a website is asked for the page. Less than a request may take.
const PREVIEW: Duration = Duration::from_secs(20);
/// The status is read again where it is older, or where the daemon has done something since.
const FRESH: Duration = Duration::from_secs(1);
/// A page and the frame in it are one render.
const PREVIEW_FRESH: Duration = Duration::from_secs(15);
/// Renders that are kept for it.
const PREVIEWS: usize = 4;

/// One for the daemon.
#[derive(Debug)]
pub(super) struct Desk {
    renders: Arc<Semaphore>,
    status: Mutex<Option<Seen>>,
    previews: Mutex<Vec<Preview>>,
}

/// What the ledger says, or why it does not, in words for the page.
pub(super) type Told = Result<Option<Arc<Status>>, String>;

#[derive(Debug)]
struct Seen {
    snapshot: Arc<Snapshot>,
    at: Instant,
    told: Told,
}

#[derive(Debug)]
struct Preview {
    snapshot: Arc<Snapshot>,
    source: SourceName,
    id: ExternalId,
    at: Instant,
    page: Result<Arc<Page>, String>,
}

impl Desk {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { renders: Arc::new(Semaphore::new(1)), status: Mutex::default(), previews: Mutex::default() }
    }

    /// The ledger's word on all sources of a snapshot: read once for all who ask at the same time.
    pub(super) async fn status(&self, door: &Door, snapshot: &Arc<Snapshot>) -> Told {
        // Whoever is before us waits no longer than a look may take; beyond that the request itself is ended.
        let mut seen = self.status.lock().await;
        if let Some(seen) = &*seen
            && Arc::ptr_eq(&seen.snapshot, snapshot)
            && seen.at.elapsed() < FRESH
        {
            return seen.told.clone();
        }
        let at = Instant::now();
        let names: Vec<SourceName> = snapshot.sources.iter().map(|source| source.name.clone()).collect();
        let look = move |ledger: &Ledger| {
            let names: Vec<&str> = names.iter().map(SourceName::as_str).collect();
            Status::read_back(ledger, &names, DRAWN).map(Arc::new)
        };
        let told = read(door, look).await;
        *seen = Some(Seen { snapshot: snapshot.clone(), at, told: told.clone() });
        told
    }

    /// A page as its document renders now: one render at a time, whose result is kept for a moment.
    pub(super) async fn preview(
        &self,
        door: &Door,
        snapshot: &Arc<Snapshot>,
        source: &SourceName,
        id: &ExternalId,
        path: &DocPath,
    ) -> Result<Arc<Page>, String> {
        let late = || format!("it could not be rendered within {} s: ask again later", PREVIEW.as_secs());
        let Ok(mut kept) = timeout(PREVIEW, self.previews.lock()).await else { return Err(late()) };
        kept.retain(|preview| Arc::ptr_eq(&preview.snapshot, snapshot) && preview.at.elapsed() < PREVIEW_FRESH);
        if let Some(preview) = kept.iter().find(|preview| preview.source == *source && preview.id == *id) {
            return preview.page.clone();
        }
        let work = {
            let (preview, source, path, id) = (door.app().preview.clone(), source.clone(), path.clone(), id.clone());
            let renders = self.renders.clone();
            async move {
                let permit = renders.acquire_owned().await.ok()?;
                let work = tokio::task::spawn_blocking(move || {
                    let _permit = permit;
                    preview(&source, &path, &id)
                });
                work.await.ok()
            }
        };
        let page = match timeout(PREVIEW, work).await {
            Ok(Some(Ok(page))) => Ok(Arc::new(page)),
            Ok(Some(Err(error))) => Err(long(&format!("{error:#}"))),
            Ok(None) => Err("the render ended early: the reason is in the log".into()),
            Err(_) => Err(late()),
        };
        if kept.len() >= PREVIEWS {
            kept.remove(0);
        }
        let (snapshot, source, id) = (snapshot.clone(), source.clone(), id.clone());
        kept.push(Preview { snapshot, source, id, at: Instant::now(), page: page.clone() });
        page
    }
}

/// A look into the ledger; `None` where there is none yet.
pub(super) async fn read<T: Send + 'static>(
    door: &Door,
    look: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
) -> Result<Option<T>, String> {
    let path = door.app().ledger.clone();
    match door.look(move || Ledger::read(&path)?.as_ref().map(look).transpose()).await {
        Ok(found) => found.map_err(|error| long(&error.to_string())),
        Err(_) => Err("it could not be read in time: ask again later".into()),
    }
}
