//! From the configuration to what a cycle works with: sources opened, sites recognised, remotes built.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::apply::Clock;
use crate::config::{Config, SourceConfig, SourcePlace};
use crate::page::SourceName;
use crate::plan::Policy;
use crate::render;
use crate::site::{Generator, Site, recognise};
use crate::source::Source;
use crate::source::files::Files;
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

/// A configured source, opened.
pub fn job(source: &SourceConfig, wishes: Wishes) -> anyhow::Result<Job> {
    let SourcePlace::Files(files) = &source.place;
    let recognised = match source.site.generator {
        Generator::Auto => recognise(&|name| files.root.join(name).exists()),
        Generator::Plain => None,
    };
    let site = Site::recognised(source.site.clone(), recognised);
    let place = Files::open(files.clone(), now).with_context(|| format!("source `{}`", source.name))?;
    let mirror = Mirror {
        name: source.name.clone(),
        recipe: render::recipe(&site, &source.page),
        source: Source::Files(place),
        site,
        page: source.page.clone(),
    };
    // One cycle has no second scan to wait for, and no schedule of its own.
    let policy = Policy { interval: ONCE_INTERVAL, settle: Duration::ZERO, ..source.policy.clone() };
    Ok(Job { mirror: Arc::new(mirror), import_source: source.import_source.clone(), policy, wishes })
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
