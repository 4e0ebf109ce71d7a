//! One step on its way: what is marked before it, the requests that it makes, and what they came to.

use std::sync::Arc;

use super::Documents;
use crate::ledger::{Ack, Mark, Rejection};
use crate::page::{
    Acknowledged, BodyHash, ContentHash, DocPath, Doubt, Entry, ExternalId, ImportSourceId, Page, PageId, Problem,
    Rejected, SourceHash, Switch, Switches,
};
use crate::plan::{Observed, State};
use crate::remote::{Remote, RemoteError, RemotePage, SentSwitches};

/// One step, owning what it needs.
#[derive(Debug)]
pub(super) enum Job {
    Upsert {
        document: Box<Observed>,
        /// The plan's: another one waits for the next cycle.
        content_hash: ContentHash,
        /// Intercom's id of the page that is updated.
        known: Option<PageId>,
        /// The doubt that it was in before.
        doubt: Option<Doubt>,
    },
    Rename {
        document: Box<Observed>,
        content_hash: ContentHash,
        entry: Box<Entry>,
        /// The switches that the page has, to be kept.
        former: Switches,
    },
    Delete {
        entry: Box<Entry>,
        released: bool,
    },
}

/// What a job came to.
#[derive(Debug)]
pub(super) enum Answer {
    Taken {
        ack: Ack,
        created: bool,
    },
    Deleted {
        id: ExternalId,
        released: bool,
    },
    /// The page that we knew is not there, and an upsert in doubt may have made another: only a listing tells.
    Elsewhere {
        entry: Box<Entry>,
    },
    /// The document is another one by now: nothing was sent.
    Waits {
        before: (ExternalId, Option<Doubt>),
    },
    /// Whether the document is gone cannot be seen: nothing was sent.
    Unseen {
        before: (ExternalId, Option<Doubt>),
        problem: Problem,
    },
    CannotRename {
        document: Box<Observed>,
        entry: Box<Entry>,
    },
    Rejected {
        path: DocPath,
        rejection: Rejection,
    },
    /// No answer, or one that stops everything: the mark stays.
    Failed {
        path: DocPath,
        id: ExternalId,
        error: RemoteError,
    },
    Panicked(String),
}

impl Job {
    pub(super) fn upsert(document: &Observed, content_hash: ContentHash, entry: Option<&Entry>) -> Self {
        Self::Upsert {
            document: Box::new(document.clone()),
            content_hash,
            known: entry.and_then(|entry| entry.page_id.clone()),
            doubt: entry.and_then(|entry| entry.doubt.clone()),
        }
    }

    pub(super) fn rename(document: &Observed, content_hash: ContentHash, entry: &Entry, former: Switches) -> Self {
        Self::Rename { document: Box::new(document.clone()), content_hash, entry: Box::new(entry.clone()), former }
    }

    pub(super) fn delete(entry: &Entry, released: bool) -> Self {
        Self::Delete { entry: Box::new(entry.clone()), released }
    }

    /// What the ledger must hold before the job runs.
    pub(super) fn mark(&self) -> Mark {
        match self {
            Self::Upsert { document, doubt, .. } => Mark {
                external_id: document.external_id.clone(),
                path: document.path.clone(),
                doubt: Doubt::Upsert { switches: restore(doubt.as_ref()) },
            },
            Self::Rename { document, entry, former, .. } => Mark {
                external_id: entry.external_id.clone(),
                path: entry.path.clone(),
                doubt: Doubt::Rename {
                    to: document.external_id.clone(),
                    path: document.path.clone(),
                    switches: *former,
                },
            },
            Self::Delete { entry, .. } => Mark {
                external_id: entry.external_id.clone(),
                path: entry.path.clone(),
                // An upsert in doubt stays one: that the page we know is gone does not say that none is there.
                doubt: entry.doubt.clone().unwrap_or(Doubt::Delete),
            },
        }
    }

    /// What the ledger held before the mark.
    pub(super) fn before(&self) -> (ExternalId, Option<Doubt>) {
        match self {
            Self::Upsert { document, doubt, .. } => (document.external_id.clone(), doubt.clone()),
            Self::Rename { entry, .. } | Self::Delete { entry, .. } => (entry.external_id.clone(), entry.doubt.clone()),
        }
    }

    pub(super) async fn run<R: Remote, D: Documents>(
        self,
        remote: Arc<R>,
        documents: Arc<D>,
        source: ImportSourceId,
    ) -> Answer {
        let before = self.before();
        match self {
            Self::Upsert { document, content_hash, known, doubt } => {
                let page = match documents.page((*document).clone()).await {
                    Ok(page) if page.content_hash() == content_hash => page,
                    _ => return Answer::Waits { before },
                };
                match upsert(&*remote, source, &page, known.as_ref(), restore(doubt.as_ref())).await {
                    Ok(answer) => taken(&document, &page, content_hash, &answer, known.is_none()),
                    Err(error) => refused(&document, content_hash, doubt.is_none(), error),
                }
            }
            Self::Rename { document, content_hash, entry, former } => {
                let page = match documents.page((*document).clone()).await {
                    Ok(page) if page.content_hash() == content_hash => page,
                    _ => return Answer::Waits { before },
                };
                match rename(&*remote, source, &page, &entry, former).await {
                    Ok(answer) => {
                        let mut taken = taken(&document, &page, content_hash, &answer, false);
                        if let Answer::Taken { ack, .. } = &mut taken {
                            ack.renamed_from = Some(entry.external_id.clone());
                        }
                        taken
                    }
                    // Where an earlier attempt may have been carried out, the next cycle asks which id the page has: made
                    // anew, it would be this very page, and then be deleted as the old one.
                    Err(RemoteError::Rejected { certain: true, .. } | RemoteError::NotFound { .. }) => {
                        Answer::CannotRename { document, entry }
                    }
                    Err(error) => {
                        Answer::Failed { path: document.path.clone(), id: document.external_id.clone(), error }
                    }
                }
            }
            Self::Delete { entry, released } => {
                match documents.still_gone(entry.external_id.clone(), entry.path.clone()).await {
                    Ok(true) => {}
                    Ok(false) => return Answer::Waits { before },
                    Err(problem) => return Answer::Unseen { before, problem },
                }
                let Some(page_id) = &entry.page_id else { return Answer::Waits { before } };
                match remote.delete_page(page_id).await {
                    Ok(false) if matches!(entry.doubt, Some(Doubt::Upsert { .. } | Doubt::Rename { .. })) => {
                        Answer::Elsewhere { entry }
                    }
                    Ok(_) => Answer::Deleted { id: entry.external_id, released },
                    Err(error) => Answer::Failed { path: entry.path, id: entry.external_id, error },
                }
            }
        }
    }
}

/// Sends a page. A page that Intercom made anew, because somebody had removed the one that we knew, is switched off:
/// it is sent again with its switches (Intercom's reference: availability defaults to false on create).
async fn upsert<R: Remote>(
    remote: &R,
    source: ImportSourceId,
    page: &Page,
    known: Option<&PageId>,
    restore: Option<Switches>,
) -> Result<RemotePage, RemoteError> {
    let all = SentSwitches { ai_agent: Some(page.ai_agent.on), ai_copilot: Some(page.ai_copilot.on) };
    let managed = |switch: Switch, former: Option<bool>| if switch.managed { Some(switch.on) } else { former };
    let switches = match known {
        None => all,
        Some(_) => SentSwitches {
            ai_agent: managed(page.ai_agent, restore.map(|s| s.ai_agent)),
            ai_copilot: managed(page.ai_copilot, restore.map(|s| s.ai_copilot)),
        },
    };
    let answer = checked(remote.upsert_page(source, page, switches).await?, source, page)?;
    if known.is_none_or(|known| *known == answer.id) {
        return Ok(answer);
    }
    match remote.upsert_page(source, page, all).await {
        Ok(answer) => checked(answer, source, page),
        // The first request was carried out: the remote does not hold what it held before.
        Err(RemoteError::Rejected { status, code, message, .. }) => {
            Err(RemoteError::Rejected { status, code, message, certain: false })
        }
        Err(error) => Err(error),
    }
}

/// Gives a page another external id, and its switches back where `PUT` has changed them.
async fn rename<R: Remote>(
    remote: &R,
    source: ImportSourceId,
    page: &Page,
    entry: &Entry,
    former: Switches,
) -> Result<RemotePage, RemoteError> {
    let Some(page_id) = &entry.page_id else {
        return Err(RemoteError::NotFound { code: "not_found".into(), message: "no page id".into() });
    };
    let answer = checked(remote.replace_page(page_id, source, page).await?, source, page)?;
    let keep = |switch: Switch, former: bool| if switch.managed { switch.on } else { former };
    let wanted = Switches {
        ai_agent: keep(page.ai_agent, former.ai_agent),
        ai_copilot: keep(page.ai_copilot, former.ai_copilot),
    };
    if answer.switches == wanted {
        return Ok(answer);
    }
    let switches = SentSwitches { ai_agent: Some(wanted.ai_agent), ai_copilot: Some(wanted.ai_copilot) };
    match remote.upsert_page(source, page, switches).await {
        Ok(answer) => checked(answer, source, page),
        // The page has its new id: were this a rejection, it would be made a second time under it.
        Err(RemoteError::Rejected { message, .. } | RemoteError::NotFound { message, .. }) => {
            Err(RemoteError::Transient { retry_after: None, message })
        }
        Err(error) => Err(error),
    }
}

/// An answer about another page than the one that was sent is no acknowledgement.
fn checked(answer: RemotePage, source: ImportSourceId, page: &Page) -> Result<RemotePage, RemoteError> {
    if answer.external_id == page.external_id && answer.source_id == source {
        return Ok(answer);
    }
    let message = format!(
        "the answer for `{}` is about `{}` of import source {}",
        page.external_id, answer.external_id, answer.source_id
    );
    Err(RemoteError::Refused { message })
}

fn taken(document: &Observed, page: &Page, content_hash: ContentHash, answer: &RemotePage, created: bool) -> Answer {
    let ack = Ack {
        external_id: document.external_id.clone(),
        path: document.path.clone(),
        page_id: answer.id.clone(),
        acknowledged: Acknowledged {
            content_hash,
            body: BodyHash::of(&page.html),
            recipe: match &document.state {
                State::Page(outline) => outline.recipe,
                _ => 0,
            },
            source_hash: document.source_hash,
            title: page.title.as_str().into(),
            url: page.url.as_deref().map(Into::into),
        },
        answer_hash: SourceHash::of(answer.html.as_bytes()).0,
        renamed_from: None,
    };
    Answer::Taken { ack, created }
}

fn refused(document: &Observed, content_hash: ContentHash, was_certain: bool, error: RemoteError) -> Answer {
    let (path, id) = (document.path.clone(), document.external_id.clone());
    match error {
        RemoteError::Rejected { message, certain, .. } => {
            let rejected = Rejected { content_hash, message: message.into(), at: 0 };
            Answer::Rejected {
                path,
                rejection: Rejection { external_id: id, rejected, certain: certain && was_certain },
            }
        }
        error => Answer::Failed { path, id, error },
    }
}

/// Switches that an earlier rename may have changed.
fn restore(doubt: Option<&Doubt>) -> Option<Switches> {
    match doubt {
        Some(Doubt::Upsert { switches }) => *switches,
        Some(Doubt::Rename { switches, .. }) => Some(*switches),
        Some(Doubt::Delete) | None => None,
    }
}
