//! `export` and `preview`: pages as they would be sent. Need neither token nor ledger.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Serialize;

use super::open;
use crate::cli::{ExportArgs, PreviewArgs, PreviewFormat};
use crate::config::{Config, SourceConfig, SourcePlace};
use crate::ledger::Ledger;
use crate::page::{DocPath, ExternalId, Failure, Page};
use crate::plan::{Input, Observed, Plain, Plan, State, Step, plan};
use crate::render::{Rendered, Warning};
use crate::source::Known;
use crate::stop::Stop;
use crate::sync::observe::{Memory, Observation, observe};
use crate::sync::{Job, Mirror, Wishes};

#[derive(Serialize)]
struct PageJson<'a> {
    path: &'a str,
    external_id: &'a str,
    url: Option<&'a str>,
    title: &'a str,
    html: &'a str,
    text: &'a str,
    locale: &'a str,
    warnings: &'a [Warning],
}

/// Prints every page, one JSON object a line. What is no page is said on stderr; 1 where a page or the source failed.
pub fn export(args: &ExportArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut trouble = false;
    let opener = open::Opener::new(config, &Stop::default());
    for source in open::chosen(config, &args.source)? {
        let job = opener.job(source, Wishes::default())?;
        let look = look(&job.mirror)?;
        let plan = as_if_new(&job, &look);
        for step in &plan.steps {
            let Step::Create { document, .. } = *step else { continue };
            match job.mirror.page_again(document, &look.seen) {
                Ok(rendered) => print_json(document, &rendered, out)?,
                Err(failure) => trouble |= warn_of_failure(document, &failure),
            }
        }
        for failed in &plan.failed {
            trouble |= warn_of_failure(failed.document, &failed.failure);
        }
        trouble |= warn_of(&look);
    }
    Ok(u8::from(trouble))
}

/// Prints one page, or each of those that a document becomes.
pub fn preview(args: &PreviewArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let names: Vec<_> = args.source.iter().cloned().collect();
    let mut found = Vec::new();
    let opener = open::Opener::new(config, &Stop::default());
    for source in open::chosen(config, &names)? {
        let alone = alone(&args.path, source);
        let job = opener.job(&alone, Wishes::default())?;
        let look = look(&job.mirror)?;
        let wanted = meant(&args.path, &source.place)
            .into_iter()
            .find_map(|path| look.seen.documents.iter().position(|d| d.path == path));
        if let Some(at) = wanted {
            found.push((source.name.clone(), job, look, at));
        }
    }
    let (_, job, look, at) = match found.len() {
        1 => found.remove(0),
        0 => bail!("`{}` is no document of any source: it is not there, or no `include` names it", args.path.display()),
        _ => {
            let names: Vec<String> = found.iter().map(|(name, ..)| format!("`{name}`")).collect();
            bail!("`{}` is a document of {}; choose with `--source`", args.path.display(), names.join(" and "))
        }
    };
    let document = &look.seen.documents[at];
    let plan = as_if_new(&job, &look);
    if let Some(failed) = plan.failed.iter().find(|failed| failed.document.path == document.path) {
        warn_of_failure(document, &failed.failure);
        return Ok(1);
    }
    if !plan.steps.iter().any(|step| step.page().0 == document.path.as_str()) {
        match &document.state {
            State::Excluded(reason) => bail!("`{}` is no page: {reason}", document.path),
            _ => bail!("`{}` is no page now: its publish date lies ahead, or it has expired", document.path),
        }
    }
    for part in look.seen.documents.iter().filter(|part| part.path == document.path) {
        match job.mirror.page_again(part, &look.seen) {
            Ok(rendered) => print_preview(part, &rendered, args.format, out)?,
            Err(failure) => {
                warn_of_failure(part, &failure);
                return Ok(1);
            }
        }
    }
    Ok(0)
}

/// The page of one document of a source, rendered anew among what the ledger knows of the others.
pub(super) fn page_of(config: &Config, source: &SourceConfig, path: &DocPath, id: &ExternalId) -> anyhow::Result<Page> {
    let alone = alone(Path::new(path.as_str()), source);
    let opener = open::Opener::new(config, &Stop::default());
    let job = opener.job(&alone, Wishes::default())?;
    let ledger = config.ledger.as_deref().ok().and_then(|path| Ledger::read(path).ok().flatten());
    let mut memory = ledger.as_ref().map_or(Memory::Blank, Memory::Read);
    let scan = job.mirror.source.scan(&Known::default());
    let look = observe(&job.mirror, scan, &mut memory, false, &|_, _| {}, &Stop::default())?;
    let Some(first) = look.seen.find(path) else { bail!("`{path}` is no document of the source any more") };
    let is_meant = |document: &&Observed| document.path == *path && document.external_id == *id;
    let document = look.seen.documents.iter().find(is_meant).unwrap_or(first);
    match &document.state {
        State::Excluded(reason) => bail!("`{path}` is no page: {reason}"),
        State::Failed(failure) => bail!("{}", failure.message),
        State::Page(_) => {}
    }
    let rendered = job.mirror.page_again(document, &look.seen).map_err(|failure| anyhow!(failure.message))?;
    Ok(rendered.page)
}

fn print_preview(
    document: &Observed,
    rendered: &Rendered,
    format: PreviewFormat,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        PreviewFormat::Html => writeln!(out, "{}", rendered.page.html)?,
        PreviewFormat::Json => print_json(document, rendered, out)?,
        PreviewFormat::Text => {
            if document.is_part {
                writeln!(out)?;
            }
            writeln!(out, "title  {}", Plain(&rendered.page.title))?;
            writeln!(out, "url    {}", rendered.page.url.as_deref().unwrap_or("none: Fin will not link to it"))?;
            for warning in &rendered.warnings {
                let line = warning.line.map(|line| format!("line {line}: ")).unwrap_or_default();
                writeln!(out, "warns  {line}{}", Plain(&warning.message))?;
            }
            writeln!(out, "\n{}", Plain(&rendered.text()))?;
        }
    }
    Ok(())
}

fn look(mirror: &Mirror) -> anyhow::Result<Observation> {
    let scan = mirror.source.scan(&Known::default());
    for skipped in &scan.skipped {
        tracing::warn!("`{}` is skipped: {}", Plain(&skipped.path), skipped.reason);
    }
    observe(mirror, scan, &mut Memory::Blank, false, &|_, _| {}, &Stop::default()).context("cannot look at the source")
}

/// The plan for a Fin that has nothing yet: its creates are the pages, by every rule that decides what is one.
fn as_if_new<'a>(job: &'a Job, look: &'a Observation) -> Plan<'a> {
    let input = Input {
        documents: &look.seen.documents,
        entries: &[],
        problems: &look.problems,
        delisted: &[],
        patterns: &job.mirror.source,
        recent_deletes: 0,
        release: None,
        retry_rejected: false,
    };
    plan(input, &job.policy, open::now())
}

fn warn_of_failure(document: &Observed, failure: &Failure) -> bool {
    tracing::warn!("`{}`: {}", Plain(document.path.as_str()), Plain(&failure.message));
    true
}

fn print_json(document: &Observed, rendered: &Rendered, out: &mut dyn Write) -> anyhow::Result<()> {
    let page = &rendered.page;
    let json = PageJson {
        path: document.path.as_str(),
        external_id: page.external_id.as_str(),
        url: page.url.as_deref(),
        title: &page.title,
        html: &page.html,
        text: &rendered.text(),
        locale: &page.locale,
        warnings: &rendered.warnings,
    };
    serde_json::to_writer(&mut *out, &json)?;
    Ok(writeln!(out)?)
}

fn warn_of(look: &Observation) -> bool {
    for problem in &look.problems {
        tracing::warn!("`{}`: {}", Plain(&problem.path), Plain(&problem.message));
    }
    !look.problems.is_empty()
}

/// A source of which as little is looked at as the page needs: a website is not to be asked for all of its pages.
fn alone(path: &Path, source: &SourceConfig) -> SourceConfig {
    let mut alone = source.clone();
    if let SourcePlace::Sitemap(options) = &mut alone.place {
        let paths = meant(path, &source.place).into_iter();
        options.only = Some(paths.collect());
    }
    alone
}

/// The documents that a path may mean: one of the source, a file of its folder given from elsewhere, a url of the website.
fn meant(path: &Path, place: &SourcePlace) -> Vec<DocPath> {
    let given = path.to_str().unwrap_or_default();
    let mut meant = vec![DocPath::new(given.trim_start_matches("./"))];
    match place {
        SourcePlace::Files(files) => {
            let inside = path.canonicalize().ok().zip(files.root.canonicalize().ok());
            let inside = inside.and_then(|(path, root)| path.strip_prefix(root).ok()?.to_str().map(DocPath::new));
            meant.extend(inside);
        }
        SourcePlace::Sitemap(options) => meant.extend(url::Url::parse(given).ok().map(|url| options.path_of(&url))),
        SourcePlace::Git(_) => {}
    }
    meant
}
