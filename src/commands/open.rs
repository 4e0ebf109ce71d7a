//! From the configuration to what a cycle works with: sources opened, sites recognised, remotes built.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;

use crate::apply::Clock;
use crate::config::{Config, SourceConfig, SourcePlace};
use crate::convert::Converter;
use crate::page::{Failure, ScanDigest, SourceName};
use crate::plan::Policy;
use crate::render::{self, Recipe};
use crate::site::{self, Site, UrlStyle};
use crate::source::Source;
use crate::source::files::{Files, FilesOptions};
use crate::source::git::{Git, GitOptions, Repositories};
use crate::source::sitemap::{Sitemap, SitemapOptions};
use crate::stop::Stop;
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

/// What the sources of a run share: programs that convert, and mirrors of repositories.
#[derive(Debug)]
pub struct Opener {
    converters: Vec<Arc<Converter>>,
    repositories: Repositories,
    tempo: Tempo,
    stop: Stop,
}

/// How scans follow each other, which decides what counts as a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tempo {
    /// One cycle has no second scan to wait for, and no schedule of its own.
    Once,
    /// Again and again, by the source's schedule.
    Daemon,
}

/// A configured source whose place was looked at, and not more than that.
#[derive(Debug)]
pub struct Opening<'a> {
    config: &'a SourceConfig,
    place: Place,
    converters: Converters,
    tempo: Tempo,
    stop: Stop,
    /// What tells all that the source is, and how its pages are made of it, from what it was before: of a repository, where
    /// one call knows it.
    pub revision: Option<ScanDigest>,
}

#[derive(Debug)]
enum Place {
    Files(FilesOptions),
    Git(Box<Git>),
    Sitemap(Box<SitemapOptions>),
    Unseen(Failure),
}

impl Opener {
    /// For the sources of this configuration.
    #[must_use]
    pub fn new(config: &Config, stop: &Stop) -> Self {
        Self::of(&config.sources, config, stop)
    }

    /// For sources that are not quite as the configuration has them.
    pub(super) fn of(sources: &[SourceConfig], config: &Config, stop: &Stop) -> Self {
        let repositories = sources.iter().filter_map(|source| match &source.place {
            SourcePlace::Git(git) => Some(needed(git, source)),
            SourcePlace::Files(_) | SourcePlace::Sitemap(_) => None,
        });
        let repositories = Repositories::new(config.cache.join("git"), &repositories.collect::<Vec<_>>(), stop);
        Self {
            converters: Converters::shared(&config.converters),
            repositories,
            tempo: Tempo::Once,
            stop: stop.clone(),
        }
    }

    /// The same, for cycles that follow each other so.
    #[must_use]
    pub fn at(self, tempo: Tempo) -> Self {
        Self { tempo, ..self }
    }

    /// A configured source, opened; fails where its place cannot be seen, or its site's rules cannot be read.
    pub fn job(&self, source: &SourceConfig, wishes: Wishes) -> anyhow::Result<Job> {
        let job = self.open(source)?.job(wishes)?;
        match &job.broken {
            Some(failure) => bail!("source `{}`: {}", source.name, failure.message),
            None => Ok(job),
        }
    }

    /// Looks at a source's place: of a repository, which commit is to be read.
    pub fn open<'a>(&self, source: &'a SourceConfig) -> anyhow::Result<Opening<'a>> {
        let converters = Converters::new(&self.converters).with_context(|| format!("source `{}`", source.name))?;
        let place = match &source.place {
            SourcePlace::Files(files) => Place::Files(files.clone()),
            SourcePlace::Sitemap(sitemap) => Place::Sitemap(sitemap.clone()),
            SourcePlace::Git(git) => match self.repositories.open(with_default(needed(git, source))) {
                Ok(git) => Place::Git(Box::new(git)),
                Err(failure) => Place::Unseen(failure),
            },
        };
        let revision = match &place {
            Place::Git(git) => Some(revision(git.revision(), &converters, source)),
            Place::Files(_) | Place::Sitemap(_) | Place::Unseen(_) => None,
        };
        Ok(Opening { config: source, place, converters, tempo: self.tempo, stop: self.stop.clone(), revision })
    }

    /// The programs that convert.
    #[must_use]
    pub fn converters(&self) -> &[Arc<Converter>] {
        &self.converters
    }
}

impl Opening<'_> {
    /// Opens it whole for a cycle, which itself says what is wrong with it.
    pub fn job(self, wishes: Wishes) -> anyhow::Result<Job> {
        let Self { config, place, converters, tempo, stop, revision } = self;
        let context = || format!("source `{}`", config.name);
        let patterns = |site: &Site| -> Vec<String> {
            // What a converter makes readable is a document by itself; the site says whether it is a page.
            site.include().into_iter().chain(converters.patterns().map(str::to_owned)).collect()
        };
        let mut broken = None;
        let mut site_of = |tree: &dyn site::Tree| {
            let site = Site::open(config.site.clone(), tree).unwrap_or_else(|failure| {
                broken = Some(failure);
                Site::plain(config.site.clone())
            });
            site.with_policies(config.site_policies.clone())
        };
        let (source, mut site) = match place {
            Place::Files(files) => {
                let open = |include| Files::open(FilesOptions { include, ..files.clone() }, now).with_context(context);
                // The generator says what its documents are, unless the configuration does.
                let is_default = files.include.is_empty();
                let all = open(if is_default { vec!["**".to_owned()] } else { files.include.clone() })?;
                let site = site_of(&all);
                let source = if is_default { open(patterns(&site))? } else { all };
                (Source::Files(source), site)
            }
            Place::Git(git) => {
                let site = site_of(&*git);
                let is_default = matches!(&config.place, SourcePlace::Git(git) if git.include.is_empty());
                let git = if is_default {
                    git.with_include(patterns(&site))
                        .map_err(|failure| anyhow!(failure.message))
                        .with_context(context)?
                } else {
                    *git
                };
                (Source::Git(Box::new(git)), site)
            }
            Place::Sitemap(options) => {
                let root = config.site.base_url.clone().unwrap_or_else(|| options.root());
                let site = Site::website(config.site.clone(), root).with_policies(config.site_policies.clone());
                let opened = Sitemap::open(*options, now, stop);
                let source = opened.map_or_else(Source::Unseen, |sitemap| Source::Sitemap(Box::new(sitemap)));
                (source, site)
            }
            Place::Unseen(failure) => (Source::Unseen(failure), Site::plain(config.site.clone())),
        };
        if let Source::Unseen(failure) = &source {
            broken = Some(failure.clone());
        }
        if let Some(notice) = english_only(&site, config) {
            site.note(notice);
        }
        let mirror = Mirror {
            name: config.name.clone(),
            recipe: converters.recipe(render::recipe(&site, &config.page)),
            converters,
            source,
            site,
            page: config.page.clone(),
        };
        let policy = match tempo {
            Tempo::Once => Policy { interval: ONCE_INTERVAL, settle: Duration::ZERO, ..config.policy.clone() },
            Tempo::Daemon => {
                Policy { interval: config.schedule.least(config.policy.interval), ..config.policy.clone() }
            }
        };
        let mut import_source = config.import_source.clone();
        if import_source.url.is_none() && import_source.id.is_none() {
            import_source.url = mirror.site.root().cloned();
        }
        Ok(Job { mirror: Arc::new(mirror), import_source, policy, wishes, broken, revision })
    }
}

/// The tree, and everything that decides what becomes of it.
fn revision(tree: ScanDigest, converters: &Converters, source: &SourceConfig) -> ScanDigest {
    let recipe = converters.recipe(Recipe([0; 32]));
    // `Debug` names every field, so that a new one cannot be forgotten here; a change of its form costs one scan.
    ScanDigest::of(format!("{} {tree} {recipe} {source:?}", render::VERSION).as_bytes())
}

/// What is needed of a repository: its history only where urls name commits.
fn needed(git: &GitOptions, source: &SourceConfig) -> GitOptions {
    let wants_commits = matches!(&source.site.urls, UrlStyle::Template(template) if template.contains("{commit}"));
    GitOptions { wants_commits, ..git.clone() }
}

/// Without `include` everything is looked at, until the site has said what its documents are.
fn with_default(git: GitOptions) -> GitOptions {
    let include = if git.include.is_empty() { vec!["**".to_owned()] } else { git.include };
    GitOptions { include, ..git }
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
