//! A source and its import source in Intercom: looked up, made, adopted, changed; and pages taken over by listing.

use std::collections::{BTreeSet, HashMap, HashSet};

use url::Url;

use crate::apply::Stopped;
use crate::apply::listing::{self, Incomplete};
use crate::ledger::{Ack, Adopted, ImportSourceRow, Ledger, LedgerError, Mark};
use crate::page::{Acknowledged, BodyHash, DocPath, Doubt, ExternalId, ImportSourceId, SourceHash, content_hash};
use crate::plan::{Observed, State};
use crate::remote::{ImportSource, ImportSourceChange, Remote, RemoteError, RemotePage};
use crate::stop::Stop;

/// Pages that are taken over in one transaction.
const ADOPTED_AT_ONCE: usize = 256;

/// Which import source is a source's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSourceOptions {
    /// Looked up by this url, and made where there is none.
    pub url: Option<Url>,
    /// This very one.
    pub id: Option<ImportSourceId>,
    /// Who may be answered from its pages; `None` leaves that to Intercom.
    pub audience_ids: Option<Vec<i64>>,
    /// Everything under it is ours, whoever made it.
    pub exclusive: bool,
}

/// What binding needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The source's name.
    pub name: &'a str,
    /// Its options.
    pub options: &'a ImportSourceOptions,
    /// The configured sources' names: an import source that another of them has is not taken.
    pub configured: &'a [&'a str],
    /// `--recreate-source`: one that is gone is made anew.
    pub recreate: bool,
    /// Unix seconds.
    pub now: i64,
    /// Ends a long listing.
    pub stop: &'a Stop,
}

/// Why a source has no import source to work with: Intercom's doing, or the ledger's.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// This source cannot go on.
    #[error("{0:?}")]
    Stopped(Stopped),
    /// Nothing can.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<RemoteError> for BindError {
    fn from(error: RemoteError) -> Self {
        let message = error.to_string();
        Self::Stopped(match error {
            RemoteError::Unauthorized { .. } => Stopped::Unauthorized(message),
            _ => Stopped::Source(message),
        })
    }
}

impl Binding<'_> {
    /// Whether what the ledger knows of the import source already is what the configuration asks for.
    #[must_use]
    pub fn is_settled(&self, row: &ImportSourceRow) -> bool {
        row.gone_since.is_none()
            && self.options.id.is_none_or(|id| id == row.source.id)
            && self.change(&row.source) == ImportSourceChange::default()
            && self.options.exclusive == (row.adopted == Adopted::All)
    }

    /// The import source, present in Intercom and as the configuration wants it.
    pub async fn bind<R: Remote>(&self, remote: &R, ledger: &mut Ledger) -> Result<ImportSourceRow, BindError> {
        let known = ledger.source(self.name)?.import_source.filter(|id| self.options.id.is_none_or(|want| want == *id));
        let known = match known {
            Some(id) => ledger.import_source(id)?,
            None => None,
        };
        let (mut row, found) = match known {
            Some(row) => match remote.import_source(row.source.id).await {
                Ok(found) => (row, found),
                Err(RemoteError::NotFound { .. }) if self.recreate => {
                    ledger.forget_import_source(row.source.id)?;
                    self.find(remote, ledger).await?
                }
                Err(RemoteError::NotFound { .. }) => return Err(self.gone(row, ledger)?),
                Err(error) => return Err(error.into()),
            },
            None => self.find(remote, ledger).await?,
        };
        if row.source.created_at != found.created_at {
            let message = format!(
                "the import source {} is another one than the ledger knows: the token is of another workspace; \
                 give each workspace its own `ledger.path`",
                found.id
            );
            return Err(BindError::Stopped(Stopped::OtherWorkspace(message)));
        }
        let change = self.change(&found);
        row.source = if change == ImportSourceChange::default() {
            found
        } else {
            remote.update_import_source(found.id, &change).await?
        };
        row.gone_since = None;
        ledger.save_import_source(self.name, &row)?;
        Ok(row)
    }

    /// What is not as the configuration wants it.
    fn change(&self, found: &ImportSource) -> ImportSourceChange {
        let url = self.options.url.as_ref().map(Url::as_str).filter(|url| !same_url(url, &found.url));
        let same = |ids: &[i64]| BTreeSet::from_iter(ids) == BTreeSet::from_iter(&found.audience_ids);
        let audience_ids = self.options.audience_ids.as_ref().filter(|ids| !same(ids));
        ImportSourceChange { url: url.map(str::to_owned), active: None, audience_ids: audience_ids.cloned() }
    }

    /// Looks the import source up, and makes it where there is none. Creating is not idempotent, so an attempt without an
    /// answer is followed by another look, not by another attempt.
    async fn find<R: Remote>(
        &self,
        remote: &R,
        ledger: &mut Ledger,
    ) -> Result<(ImportSourceRow, ImportSource), BindError> {
        let found = match (self.options.id, &self.options.url) {
            (Some(id), _) => match remote.import_source(id).await {
                Ok(found) if found.api => Some(found),
                Ok(_) => {
                    return Err(stopped(format!(
                        "the import source {id} is not one for the API: Intercom feeds it itself"
                    )));
                }
                Err(RemoteError::NotFound { .. }) => {
                    return Err(stopped(format!("there is no import source {id}: check `import_source.id`")));
                }
                Err(error) => return Err(error.into()),
            },
            (None, Some(url)) => self.look_up(remote, url).await?,
            (None, None) => return Err(stopped("neither `import_source.url` nor `import_source.id` is known".into())),
        };
        let Some(found) = found else { return self.make(remote).await };
        for other in self.configured.iter().filter(|other| **other != self.name) {
            if ledger.source(other)?.import_source == Some(found.id) {
                let message =
                    format!("the import source {} is that of the source `{other}`: each needs its own", found.id);
                return Err(stopped(message));
            }
        }
        let known = ledger.import_source(found.id)?;
        let row = known.unwrap_or_else(|| self.row(&found, Adopted::None));
        Ok((row, found))
    }

    async fn look_up<R: Remote>(&self, remote: &R, url: &Url) -> Result<Option<ImportSource>, BindError> {
        let sources = remote.import_sources().await?;
        let mut matching: Vec<_> = sources.into_iter().filter(|s| s.api && same_url(url.as_str(), &s.url)).collect();
        if matching.len() > 1 {
            let ids: Vec<String> = matching.iter().map(|s| s.id.to_string()).collect();
            let message = format!(
                "several import sources have the url `{url}`: {}; choose one with `import_source.id`",
                ids.join(", ")
            );
            return Err(stopped(message));
        }
        Ok(matching.pop())
    }

    async fn make<R: Remote>(&self, remote: &R) -> Result<(ImportSourceRow, ImportSource), BindError> {
        let Some(url) = &self.options.url else {
            return Err(stopped("an import source can only be made with `import_source.url`".into()));
        };
        let audience = self.options.audience_ids.clone().unwrap_or_default();
        let made = match remote.create_import_source(url.as_str(), &audience).await {
            Ok(made) => made,
            Err(RemoteError::Transient { message, .. }) => match self.look_up(remote, url).await? {
                Some(found) => found,
                None => return Err(stopped(message)),
            },
            Err(error) => return Err(error.into()),
        };
        Ok((self.row(&made, Adopted::None), made))
    }

    /// Takes over the pages that Intercom holds already (I10): those of our documents, or all where the import source is
    /// exclusively ours. A scan with problems does not know all of our documents, so that the listing is read again later.
    pub async fn adopt<R: Remote>(
        &self,
        remote: &R,
        ledger: &mut Ledger,
        row: &mut ImportSourceRow,
        documents: &[Observed],
        complete: bool,
    ) -> Result<(), BindError> {
        let (exclusive, now) = (self.options.exclusive, self.now);
        let by_id: HashMap<&str, &Observed> = documents.iter().map(|d| (d.external_id.as_str(), d)).collect();
        let source = row.source.id;
        let (mut batch, mut foreign, mut failed) = (Vec::new(), 0, None);
        let mut flush = |batch: &mut Vec<Ack>| {
            if let Err(error) = ledger.adopt(source, batch, now) {
                failed.get_or_insert(error);
            }
            batch.clear();
        };
        let listed = listing::each_page(remote, self.stop, |page| {
            if page.source_id != source {
                return;
            }
            let document = by_id.get(page.external_id.as_str()).copied();
            if document.is_none() && !exclusive {
                foreign += 1;
                return;
            }
            batch.push(take_over(page, document));
            if batch.len() >= ADOPTED_AT_ONCE {
                flush(&mut batch);
            }
        });
        match listed.await {
            Ok(()) => {}
            Err(Incomplete::Remote(error)) => return Err(error.into()),
            Err(Incomplete::Stopped) => return Err(BindError::Stopped(Stopped::Shutdown)),
            Err(shifted) => return Err(stopped(shifted.to_string())),
        }
        flush(&mut batch);
        if let Some(error) = failed {
            return Err(error.into());
        }
        row.foreign_pages = foreign;
        if complete {
            row.adopted = if exclusive { Adopted::All } else { Adopted::Own };
        }
        let name = row.name.clone();
        Ok(ledger.save_import_source(&name, row)?)
    }

    fn row(&self, source: &ImportSource, adopted: Adopted) -> ImportSourceRow {
        ImportSourceRow { source: source.clone(), name: self.name.into(), adopted, foreign_pages: 0, gone_since: None }
    }

    fn gone(&self, mut row: ImportSourceRow, ledger: &mut Ledger) -> Result<BindError, LedgerError> {
        row.gone_since.get_or_insert(self.now);
        ledger.save_import_source(self.name, &row)?;
        Ok(stopped(format!(
            "the import source {} of `{}` is not in Intercom: it was deleted there, with all of its pages, or the token is \
             of another workspace; `--recreate-source {}` makes it anew",
            row.source.id, self.name, self.name
        )))
    }
}

/// Gives back what was taken over while the import source was exclusively ours, and is no document's (I10).
pub fn release_foreign(
    ledger: &mut Ledger,
    row: &mut ImportSourceRow,
    documents: &[Observed],
) -> Result<(), LedgerError> {
    let ours: HashSet<&ExternalId> = documents.iter().map(|document| &document.external_id).collect();
    let entries = ledger.entries(row.source.id)?;
    let foreign = entries.iter().filter(|entry| {
        let sent =
            entry.created_at_ms != Some(0) || entry.acknowledged.as_ref().is_some_and(|had| had.source_hash.is_some());
        !sent && entry.doubt.is_none() && !ours.contains(&entry.external_id)
    });
    let foreign: Vec<&ExternalId> = foreign.map(|entry| &entry.external_id).collect();
    ledger.drop_entries(row.source.id, foreign.iter().copied())?;
    row.foreign_pages += foreign.len() as u64;
    row.adopted = Adopted::Own;
    let name = row.name.clone();
    ledger.save_import_source(&name, row)
}

/// A listed page as an acknowledged one. Its switches count only where we manage them, which its hash alone tells: the
/// combination that gives our hash is ours.
fn take_over(page: &RemotePage, document: Option<&Observed>) -> Ack {
    let hash =
        |agent, copilot| content_hash(&page.title, &page.html, page.url.as_deref(), &page.locale, agent, copilot);
    let (agent, copilot) = (Some(page.switches.ai_agent), Some(page.switches.ai_copilot));
    let ours = document.and_then(|document| match &document.state {
        State::Page(outline) => [(None, None), (agent, copilot), (agent, None), (None, copilot)]
            .into_iter()
            .map(|(a, c)| hash(a, c))
            .find(|hash| *hash == outline.content_hash),
        _ => None,
    });
    Ack {
        external_id: page.external_id.clone(),
        path: document.map_or_else(|| DocPath::from(&page.external_id), |d| d.path.clone()),
        page_id: page.id.clone(),
        acknowledged: Acknowledged {
            content_hash: ours.unwrap_or_else(|| hash(None, None)),
            body: BodyHash::of(&page.html),
            recipe: 0,
            source_hash: ours.and(document).and_then(|d| d.source_hash),
            title: page.title.as_str().into(),
            url: page.url.as_deref().map(Into::into),
        },
        answer_hash: SourceHash::of(page.html.as_bytes()).0,
        renamed_from: None,
    }
}

/// Asks which id a page has whose rename was left without an answer.
pub async fn settle_renames<R: Remote>(
    remote: &R,
    ledger: &mut Ledger,
    source: ImportSourceId,
) -> Result<bool, BindError> {
    let mut settled = false;
    for entry in ledger.entries(source)? {
        let (Some(Doubt::Rename { to, path, switches }), Some(page_id)) = (&entry.doubt, &entry.page_id) else {
            continue;
        };
        settled = true;
        let doubt = Doubt::Upsert { switches: Some(*switches) };
        match remote.page(page_id).await {
            Ok(page) if page.external_id == *to => {
                ledger.settle_rename(source, &entry.external_id, (to, path, page_id), &doubt)?;
            }
            Ok(page) if page.external_id == entry.external_id => {
                // Not carried out: what is acknowledged still is, so that it is planned as a rename again.
                let mark = Mark { external_id: entry.external_id.clone(), path: entry.path.clone(), doubt };
                ledger.mark(source, &[mark])?;
            }
            // Gone, or somebody else's by now: no page of ours.
            Ok(_) | Err(RemoteError::NotFound { .. }) => ledger.drop_entries(source, [&entry.external_id])?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(settled)
}

/// Equal but for a slash at the end, which Intercom or a person may add.
fn same_url(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}

fn stopped(message: String) -> BindError {
    BindError::Stopped(Stopped::Source(message))
}
