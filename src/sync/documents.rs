//! The source as applying sees it: a page rendered anew, and one more look before a delete.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Mirror;
use crate::apply::Documents;
use crate::page::{DocPath, ExternalId, Failure, Page, Problem};
use crate::plan::{Observed, State};
use crate::source::Known;

/// The documents of one observation.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// What makes pages of them.
    pub mirror: Arc<Mirror>,
    /// What they were, for links among them.
    pub documents: Arc<Vec<Observed>>,
    /// What the last complete scan saw.
    pub known: Known,
}

impl Documents for Rendering {
    async fn page(&self, document: Observed) -> Result<Page, Failure> {
        let this = self.clone();
        off_the_loop(move || {
            this.mirror.render_again(&document, &this.documents).rendered.map(|rendered| rendered.page)
        })
        .await
        .unwrap_or_else(|| Err(Failure::new("panic", "rendering it did not end")))
    }

    async fn still_gone(&self, id: ExternalId, path: DocPath) -> Result<bool, Problem> {
        let this = self.clone();
        let unseen = Problem { path: path.to_string(), message: "looking for it again did not end".into() };
        off_the_loop(move || this.is_gone(&id, &path)).await.unwrap_or(Err(unseen))
    }
}

impl Rendering {
    fn is_gone(&self, id: &ExternalId, path: &DocPath) -> Result<bool, Problem> {
        let Some(document) = self.mirror.source.look(path, &self.known)? else { return Ok(true) };
        // It is there: gone only if its author, or its new id, says so still.
        let seen = self.documents.binary_search_by(|d| d.path.cmp(path)).ok().map(|at| &self.documents[at]);
        let Some(seen) = seen else { return Ok(false) };
        let Some(facts) = self.mirror.facts_now(&document) else { return Ok(false) };
        let has_id = facts.id.as_deref().map_or_else(|| ExternalId::from(path), ExternalId::new);
        if facts.excluded.is_some() || has_id != *id {
            return Ok(true);
        }
        let dates = (facts.not_before, facts.not_after);
        Ok(
            matches!(&seen.state, State::Page(page) if dates != (None, None) && dates == (page.not_before, page.not_after)),
        )
    }
}

/// Runs work that reads and renders away from the loop; in a runtime of one thread (tests under a paused clock) in place.
async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Some(work());
    }
    tokio::task::spawn_blocking(work).await.ok()
}
