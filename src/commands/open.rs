//! From the configuration to what a cycle works with: sources opened, sites recognised, remotes built.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::apply::Clock;
use crate::config::{Config, SourceConfig, SourcePlace};
use crate::convert::Converter;
use crate::page::SourceName;
use crate::plan::Policy;
use crate::render;
use crate::site::Site;
use crate::source::Source;
use crate::source::files::{Files, FilesOptions};
use crate::sync::converting::Converters;
use crate::sync::{Job, Mirror, Wishes};

/// The least time between runs of `--once` whose scans count for `confirm_scans`.
const ONCE_INTERVAL: Duration = Duration::from_mins(1);

/// The wall clock, read here and handed on as a value.
#[expect(clippy::disallowed_methods, reason = "the shell is where the clock is read")]
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The wall clock for those who need it more than once.
#[must_use]
pub fn clock() -> Clock {
    Arc::new(now)
}

/// A configured source, opened; fails where its site's rules cannot be read.
pub fn job(source: &SourceConfig, converters: &[Arc<Converter>], wishes: Wishes) -> anyhow::Result<Job> {
    let job = job_for_cycle(source, converters, wishes)?;
    match &job.broken {
        Some(failure) => bail!("source `{}`: {}", source.name, failure.message),
        None => Ok(job),
    }
}

/// A configured source, opened for a cycle, which itself says what is wrong with its site.
pub fn job_for_cycle(source: &SourceConfig, converters: &[Arc<Converter>], wishes: Wishes) -> anyhow::Result<Job> {
    let SourcePlace::Files(files) = &source.place;
    let context = || format!("source `{}`", source.name);
    let open = |include: Vec<String>| Files::open(FilesOptions { include, ..files.clone() }, now).with_context(context);
    // The generator says what its documents are, unless the configuration does.
    let is_default = files.include.is_empty();
    let mut place = open(if is_default { vec!["**".to_owned()] } else { files.include.clone() })?;
    let (site, broken) = match Site::open(source.site.clone(), &place) {
        Ok(site) => (site, None),
        Err(failure) => (Site::plain(source.site.clone()), Some(failure)),
    };
    let converters = Converters::new(converters).with_context(context)?;
    let mut site = site.with_policies(source.site_policies.clone());
    if let Some(notice) = english_only(&site, source) {
        site.note(notice);
    }
    if is_default {
        // What a converter makes readable is a document by itself; the site says whether it is a page.
        let patterns = converters.patterns().map(str::to_owned);
        place = open(site.include().into_iter().chain(patterns).collect())?;
    }
    let mirror = Mirror {
        name: source.name.clone(),
        recipe: converters.recipe(render::recipe(&site, &source.page)),
        converters,
        source: Source::Files(place),
        site,
        page: source.page.clone(),
    };
    // One cycle has no second scan to wait for, and no schedule of its own.
    let policy = Policy { interval: ONCE_INTERVAL, settle: Duration::ZERO, ..source.policy.clone() };
    let mut import_source = source.import_source.clone();
    if import_source.url.is_none() && import_source.id.is_none() {
        import_source.url = mirror.site.root().cloned();
    }
    Ok(Job { mirror: Arc::new(mirror), import_source, policy, wishes, broken })
}

/// A site in several languages, sent as English for want of a way to say another.
fn english_only(site: &Site, source: &SourceConfig) -> Option<String> {
    let is_other = |locale: &String| {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        (2..=3).contains(&language.len()) && language != "en"
    };
    let others = site.locales().filter(is_other);
    let others: Vec<String> = others.map(|locale| format!("`{locale}`")).collect();
    let is_said = source.page.policies.sends_locales || others.is_empty();
    (!is_said).then(|| {
        format!(
            "pages in {} are sent as `en`, for this version of Intercom's API knows no other; set `intercom.version: \
             \"2.17\"`, or leave them out with `site.locales`",
            others.join(", ")
        )
    })
}

/// The configured sources of these names, in the configuration's order; all without a name.
pub fn chosen<'a>(config: &'a Config, names: &[SourceName]) -> anyhow::Result<Vec<&'a SourceConfig>> {
    for name in names {
        if !config.sources.iter().any(|source| source.name == *name) {
            let known: Vec<String> = config.sources.iter().map(|s| format!("`{}`", s.name)).collect();
            bail!("there is no source `{name}` in `{}`; it has {}", config.file.display(), known.join(", "));
        }
    }
    Ok(config.sources.iter().filter(|source| names.is_empty() || names.contains(&source.name)).collect())
}
