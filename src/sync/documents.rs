//! The source as applying sees it: a page rendered anew, and one more look before a delete.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Mirror;
use super::seen::{Answers, Seen};
use crate::apply::Documents;
use crate::page::{DocPath, ExternalId, Failure, Page, Problem};
use crate::plan::{Observed, State};
use crate::render;
use crate::source::Known;

/// The documents of one observation.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// What makes pages of them.
    pub mirror: Arc<Mirror>,
    /// What they were, for links among them.
    pub seen: Arc<Seen>,
    /// What the last complete scan saw.
    pub known: Known,
}

impl Documents for Rendering {
    async fn page(&self, document: Observed) -> Result<Page, Failure> {
        let this = self.clone();
        off_the_loop(move || this.mirror.page_again(&document, &this.seen).map(|rendered| rendered.page))
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
        let Some(seen) = self.seen.find(path) else { return Ok(false) };
        let Some(facts) = self.mirror.facts_now(&document) else { return Ok(false) };
        let has_id = render::external_id(path, &facts, &self.mirror.site);
        if self.mirror.site.place(path, &facts, &Answers(&self.seen, &self.mirror)).excluded.is_some() {
            return Ok(true);
        }
        if has_id != *id {
            // A part of it, perhaps: gone only if the document is whole and has no such part.
            let is_part = id.as_str().strip_prefix(has_id.as_str()).is_some_and(|rest| rest.starts_with('#'));
            let pages = || self.mirror.pages_again(seen, &self.seen);
            return Ok(!is_part || pages().is_ok_and(|pages| pages.iter().all(|page| page.page.external_id != *id)));
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
