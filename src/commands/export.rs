//! `export` and `preview`: pages as they would be sent. Need neither token nor ledger.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;

use super::open;
use crate::cli::{ExportArgs, PreviewArgs, PreviewFormat};
use crate::config::{Config, SourcePlace};
use crate::page::{DocPath, Failure};
use crate::plan::{Observed, Plain, State};
use crate::render::{Rendered, Warning};
use crate::source::Known;
use crate::sync::observe::{Memory, Observation, observe};
use crate::sync::{Mirror, Wishes};

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
    for source in open::chosen(config, &args.source)? {
        let job = open::job(source, Wishes::default())?;
        let seen = look(&job.mirror)?;
        for document in &seen.documents {
            match page(&job.mirror, document, &seen.documents) {
                Ok(Some(rendered)) => print_json(document, &rendered, out)?,
                Ok(None) => {}
                Err(failure) => {
                    trouble = true;
                    tracing::warn!("`{}`: {}", Plain(document.path.as_str()), Plain(&failure.message));
                }
            }
        }
        trouble |= warn_of(&seen);
    }
    Ok(u8::from(trouble))
}

/// Prints one page.
pub fn preview(args: &PreviewArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let names: Vec<_> = args.source.iter().cloned().collect();
    let mut found = Vec::new();
    for source in open::chosen(config, &names)? {
        let SourcePlace::Files(files) = &source.place;
        let job = open::job(source, Wishes::default())?;
        let seen = look(&job.mirror)?;
        let wanted = [Some(args.path.as_path()), within(&args.path, &files.root).as_deref()]
            .into_iter()
            .flatten()
            .filter_map(Path::to_str)
            .map(|path| DocPath::new(path.trim_start_matches("./")))
            .find_map(|path| seen.documents.binary_search_by(|d| d.path.cmp(&path)).ok());
        if let Some(at) = wanted {
            found.push((source.name.clone(), job, seen, at));
        }
    }
    let (_, job, seen, at) = match found.len() {
        1 => found.remove(0),
        0 => bail!("`{}` is no document of any source: it is not there, or no `include` names it", args.path.display()),
        _ => {
            let names: Vec<String> = found.iter().map(|(name, ..)| format!("`{name}`")).collect();
            bail!("`{}` is a document of {}; choose with `--source`", args.path.display(), names.join(" and "))
        }
    };
    let document = &seen.documents[at];
    let rendered = match page(&job.mirror, document, &seen.documents) {
        Ok(Some(rendered)) => rendered,
        Ok(None) => {
            let State::Excluded(reason) = &document.state else { bail!("`{}` is no page", document.path) };
            bail!("`{}` is no page: its front matter says {reason}", document.path)
        }
        Err(failure) => {
            tracing::error!("`{}`: {}", Plain(document.path.as_str()), Plain(&failure.message));
            return Ok(1);
        }
    };
    match args.format {
        PreviewFormat::Html => writeln!(out, "{}", rendered.page.html)?,
        PreviewFormat::Json => print_json(document, &rendered, out)?,
        PreviewFormat::Text => {
            writeln!(out, "title  {}", Plain(&rendered.page.title))?;
            writeln!(out, "url    {}", rendered.page.url.as_deref().unwrap_or("none: Fin will not link to it"))?;
            for warning in &rendered.warnings {
                let line = warning.line.map(|line| format!("line {line}: ")).unwrap_or_default();
                writeln!(out, "warns  {line}{}", Plain(&warning.message))?;
            }
            writeln!(out, "\n{}", Plain(&rendered.text))?;
        }
    }
    Ok(0)
}

fn look(mirror: &Mirror) -> anyhow::Result<Observation> {
    let scan = mirror.source.scan(&Known::default());
    for skipped in &scan.skipped {
        tracing::warn!("`{}` is skipped: {}", Plain(&skipped.path), skipped.reason);
    }
    observe(mirror, scan, &mut Memory::Blank, false, &|_, _| {}).context("cannot look at the source")
}

/// The page that a document renders to; `None` where its author wants none.
fn page(mirror: &Mirror, document: &Observed, documents: &[Observed]) -> Result<Option<Rendered>, Failure> {
    match &document.state {
        State::Excluded(_) => Ok(None),
        State::Failed(failure) => Err((**failure).clone()),
        State::Page(_) => mirror.render_again(document, documents).rendered.map(Some),
    }
}

fn print_json(document: &Observed, rendered: &Rendered, out: &mut dyn Write) -> anyhow::Result<()> {
    let page = &rendered.page;
    let json = PageJson {
        path: document.path.as_str(),
        external_id: page.external_id.as_str(),
        url: page.url.as_deref(),
        title: &page.title,
        html: &page.html,
        text: &rendered.text,
        locale: &page.locale,
        warnings: &rendered.warnings,
    };
    serde_json::to_writer(&mut *out, &json)?;
    Ok(writeln!(out)?)
}

fn warn_of(seen: &Observation) -> bool {
    for problem in &seen.problems {
        tracing::warn!("`{}`: {}", Plain(&problem.path), Plain(&problem.message));
    }
    !seen.problems.is_empty()
}

/// The path relative to the root, for a path given from elsewhere.
fn within(path: &Path, root: &Path) -> Option<std::path::PathBuf> {
    let (path, root) = (path.canonicalize().ok()?, root.canonicalize().ok()?);
    path.strip_prefix(root).ok().map(Path::to_owned)
}
