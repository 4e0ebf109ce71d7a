//! `plan --against REF`: what one ref of a repository changes for Fin beside another, from two trees; needs neither token nor
//! ledger, so that it runs on a pull request.
//!
//! The plan is the planner's own, by the source's own limits on deletes: Fin is taken to have what the configured ref gives.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, bail};

use super::{Shown, show};
use crate::commands::open;
use crate::config::{Config, SourceConfig, SourcePlace};
use crate::page::{Acknowledged, DocPath, Entry, PageId};
use crate::plan::{Input, Observed, State, plan};
use crate::source::Known;
use crate::source::git::GitOptions;
use crate::stop::Stop;
use crate::sync::observe::{Memory, Observation, observe};
use crate::sync::{Job, Wishes};

/// Plans the way from what the configured ref of each chosen repository gives to what `reference` gives.
pub(super) fn run(
    reference: &str,
    sources: &[&SourceConfig],
    config: &Config,
    shown: &mut Shown,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    crate::source::git::check_reference(reference)
        .map_err(|not| anyhow::anyhow!("`{reference}` is {not}"))
        .context("--against")?;
    let others: Vec<SourceConfig> = sources.iter().filter_map(|source| at(source, reference)).collect();
    if others.is_empty() {
        bail!("no source is a repository: `--against` compares two refs of a `git` source");
    }
    let openers = (open::Opener::new(config, &Stop::default()), open::Opener::of(&others, config, &Stop::default()));
    for other in &others {
        let source = sources.iter().find(|source| source.name == other.name).context("a source without its name")?;
        let (before, after) = (openers.0.job(source, Wishes::default())?, openers.1.job(other, Wishes::default())?);
        let (had, has) = (look(&before)?, look(&after)?);
        let entries = entries(&had);
        let input = Input {
            documents: &has.seen.documents,
            entries: &entries,
            problems: &has.problems,
            delisted: &[],
            patterns: &after.mirror.source,
            recent_deletes: 0,
            release: None,
            retry_rejected: false,
        };
        let plan = plan(input, &after.policy, open::now());
        // What was to be mended before is not news of this ref.
        let known: BTreeSet<(&DocPath, &str)> =
            had.warnings.iter().map(|(path, warning)| (path, warning.message.as_str())).collect();
        let is_news = |(path, warning): &&(DocPath, _)| !known.contains(&(path, message(warning)));
        let warnings: Vec<_> = has.warnings.iter().filter(is_news).cloned().collect();
        show(source, &plan, after.mirror.site.notices().to_vec(), &warnings, shown, out)?;
    }
    Ok(())
}

fn message(warning: &crate::render::Warning) -> &str {
    &warning.message
}

/// A source as it is at another ref; `None`: it is no repository.
fn at(source: &SourceConfig, reference: &str) -> Option<SourceConfig> {
    let SourcePlace::Git(git) = &source.place else { return None };
    let git = GitOptions { reference: Some(reference.to_owned()), ..git.clone() };
    Some(SourceConfig { place: SourcePlace::Git(git), ..source.clone() })
}

fn look(job: &Job) -> anyhow::Result<Observation> {
    let scan = job.mirror.source.scan(&Known::default());
    observe(&job.mirror, scan, &mut Memory::Blank, false, &|_, _| {}, &Stop::default())
        .context("cannot look at the source")
}

/// What Fin would have of a look, were all of it sent.
fn entries(look: &Observation) -> Vec<Entry> {
    let mut entries: Vec<Entry> = look.seen.documents.iter().filter_map(entry).collect();
    entries.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    entries.dedup_by(|a, b| a.external_id == b.external_id);
    entries
}

fn entry(document: &Observed) -> Option<Entry> {
    let State::Page(page) = &document.state else { return None };
    Some(Entry {
        external_id: document.external_id.clone(),
        path: document.path.clone(),
        page_id: Some(PageId::new("before")),
        created_at_ms: Some(0),
        acknowledged: Some(Acknowledged {
            content_hash: page.content_hash,
            body: page.body,
            recipe: page.recipe,
            source_hash: document.source_hash,
            title: page.title.clone(),
            url: document.url.clone(),
        }),
        doubt: None,
        missed: None,
        rejected: None,
    })
}
