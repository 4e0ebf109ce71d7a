//! `plan`: what `--once` would do, and why. Changes nothing: neither the ledger nor Intercom, which it does not even ask.

mod against;

use std::io::Write;

use serde::Serialize;

use super::open;
use crate::cli::PlanArgs;
use crate::config::{Config, RemoteOptions, SourceConfig};
use crate::ledger::{Adopted, ImportSourceRow, Ledger};
use crate::page::{DocPath, Problem, SourceName};
use crate::plan::{Plain, Plan};
use crate::render::Warning;
use crate::report::{FailedPage, counted};
use crate::stop::Stop;
use crate::sync::observe::{Memory, Observation, observe};
use crate::sync::{Look, Wishes, bound, entries, known, make_plan, unfit};

#[derive(Serialize)]
struct PlansJson {
    version: u32,
    sources: Vec<PlanJson>,
}

#[derive(Serialize)]
struct PlanJson {
    source: String,
    steps: Vec<StepJson>,
    unchanged: u64,
    release: Option<String>,
    failed: Vec<FailedPage>,
    problems: Vec<Problem>,
    warnings: Vec<WarningJson>,
    notes: Vec<String>,
}

/// What a person may want to mend in a page that would be sent.
#[derive(Serialize)]
struct WarningJson {
    path: String,
    #[serde(flatten)]
    warning: Warning,
}

#[derive(Serialize)]
struct StepJson {
    action: &'static str,
    external_id: String,
    path: String,
    url: Option<String>,
    title: Option<String>,
    reason: String,
    html_bytes: Option<u64>,
}

/// What was shown so far: the exit status follows from it.
struct Shown {
    json: Option<PlansJson>,
    trouble: bool,
    held: bool,
}

/// Runs it: 0 with or without steps, 1 with problems or failures, 3 with held deletes.
pub fn run(args: &PlanArgs, config: &Config, out: &mut dyn Write) -> anyhow::Result<u8> {
    let plans = PlansJson { version: 1, sources: Vec::new() };
    let mut shown = Shown { json: args.json.then_some(plans), trouble: false, held: false };
    let sources = open::chosen(config, &args.source)?;
    match &args.against {
        Some(reference) => against::run(reference, &sources, config, &mut shown, out)?,
        None => beside_the_ledger(&sources, config, &mut shown, out)?,
    }
    if let Some(plans) = &shown.json {
        serde_json::to_writer(&mut *out, plans)?;
        writeln!(out)?;
    }
    Ok(if shown.trouble {
        1
    } else if shown.held {
        3
    } else {
        0
    })
}

fn beside_the_ledger(
    sources: &[&SourceConfig],
    config: &Config,
    shown: &mut Shown,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let ledger = Ledger::read(config.ledger.as_deref().map_err(Clone::clone)?)?;
    if let (Some(ledger), Ok(remote)) = (&ledger, &config.remote) {
        refuse_other(ledger, remote)?;
    }
    let opener = open::Opener::new(config, &Stop::default());
    let configured: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
    for source in sources {
        let known_as = known_as(ledger.as_ref(), source, &configured)?;
        let named = SourceConfig { name: known_as.clone(), ..(*source).clone() };
        let job = opener.open(&named)?.job(Wishes::default())?;
        let (mut memory, known) = match &ledger {
            Some(ledger) => (Memory::Read(ledger), known(ledger, &job)?),
            None => (Memory::Blank, crate::source::Known::default()),
        };
        let blank;
        let at = if let Some(ledger) = &ledger {
            ledger
        } else {
            blank = Ledger::in_memory()?;
            &blank
        };
        let unfit = unfit(&job, at)?;
        let (mut look, scan_notices) = match &unfit {
            None => {
                let mut scan = job.mirror.source.scan(&known);
                let notices = std::mem::take(&mut scan.notices);
                (observe(&job.mirror, scan, &mut memory, false, &|_, _| {}, &Stop::default())?, notices)
            }
            Some(_) => (Observation::default(), Vec::new()),
        };
        look.problems.extend(unfit.map(|failure| Problem { path: String::new(), message: failure.message }));
        let bound = bound(at, known_as.as_str())?;
        let entries = entries(at, bound.as_ref())?;
        let looked = Look { documents: &look.seen.documents, problems: &look.problems, delisted: &look.delisted };
        let plan = make_plan(&job, at, bound.as_ref(), looked, &entries, open::now())?;
        let mut notes: Vec<String> =
            notes(bound.as_ref(), source.import_source.exclusive).into_iter().map(str::to_owned).collect();
        notes.extend_from_slice(job.mirror.site.notices());
        notes.extend(scan_notices);
        show(source, &plan, notes, &look.warnings, shown, out)?;
        if let Some(set) = plan.held.as_ref().filter(|_| shown.json.is_none()) {
            writeln!(out, "release them with: finmirror --once --release-held {}@{}", source.name, set.id)?;
        }
    }
    Ok(())
}

/// Prints one plan, or adds it to the JSON.
fn show(
    source: &SourceConfig,
    plan: &Plan<'_>,
    notes: Vec<String>,
    warnings: &[(DocPath, Warning)],
    shown: &mut Shown,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    shown.trouble |= !plan.problems.is_empty() || !plan.failed.is_empty();
    shown.held |= plan.held.is_some();
    if let Some(plans) = &mut shown.json {
        let of_page =
            |(path, warning): &(DocPath, Warning)| WarningJson { path: path.to_string(), warning: warning.clone() };
        let warnings = warnings.iter().map(of_page).collect();
        plans.sources.push(PlanJson { warnings, notes, ..json(source.name.as_str(), plan) });
        return Ok(());
    }
    writeln!(out, "# {}", Plain(source.name.as_str()))?;
    writeln!(out, "{plan}")?;
    for note in &notes {
        writeln!(out, "{}", Plain(note))?;
    }
    print_warnings(warnings, out)?;
    Ok(())
}

/// Names what is to be mended in the pages that would be sent, the first of it one by one.
fn print_warnings(warnings: &[(DocPath, Warning)], out: &mut dyn Write) -> std::io::Result<()> {
    const SHOWN: usize = 20;
    for (path, warning) in warnings.iter().take(SHOWN) {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "warns  {}{line}: {}", Plain(path.as_str()), Plain(&warning.message))?;
    }
    if warnings.len() > SHOWN {
        let more = counted((warnings.len() - SHOWN) as u64, "warning");
        writeln!(out, "and {more} more: `finmirror export` names them page by page")?;
    }
    Ok(())
}

/// What only Intercom could tell, whom a plan does not ask.
fn notes(bound: Option<&ImportSourceRow>, exclusive: bool) -> Vec<&'static str> {
    let adopted = bound.map_or(Adopted::None, |row| row.adopted);
    let mut notes = Vec::new();
    if adopted == Adopted::None {
        notes.push(
            "what Intercom already has is not known yet: `--once` lists it, and takes over pages of these documents",
        );
    }
    if exclusive && adopted != Adopted::All {
        notes.push(
            "`exclusive` is new: `--once` lists what else is under the import source, and deletes it within the limits",
        );
    }
    notes
}

/// The name that the ledger has for a source: `--once` would give it the new one first.
fn known_as(ledger: Option<&Ledger>, source: &SourceConfig, configured: &[&str]) -> anyhow::Result<SourceName> {
    let former = match (ledger, &source.import_source.url) {
        (Some(ledger), Some(url)) => ledger.former_name(url.as_str(), source.name.as_str(), configured)?,
        _ => None,
    };
    Ok(former.map_or_else(|| source.name.clone(), SourceName::new))
}

fn refuse_other(ledger: &Ledger, remote: &RemoteOptions) -> anyhow::Result<()> {
    let (found, wanted) = (ledger.base_url()?, remote.address());
    match found {
        Some(found) if found != wanted => anyhow::bail!(
            "the ledger `{}` belongs to `{found}`, the configuration says `{wanted}`: give each its own `ledger.path`",
            ledger.path().display()
        ),
        _ => Ok(()),
    }
}

fn json(source: &str, plan: &Plan<'_>) -> PlanJson {
    let steps = plan.steps.iter().map(|step| {
        let (path, title, url, html_bytes) = step.page();
        StepJson {
            action: step.action(),
            external_id: step.external_id().to_string(),
            path: path.to_owned(),
            url: url.map(str::to_owned),
            title: title.map(str::to_owned),
            reason: step.reason(),
            html_bytes,
        }
    });
    let failed = plan.failed.iter().map(|failed| FailedPage {
        path: failed.document.path.to_string(),
        external_id: failed.document.external_id.to_string(),
        code: failed.failure.code.clone(),
        message: failed.failure.message.clone(),
    });
    PlanJson {
        source: source.to_owned(),
        steps: steps.collect(),
        unchanged: plan.unchanged,
        release: plan.held.as_ref().map(|set| format!("{source}@{}", set.id)),
        failed: failed.collect(),
        problems: plan.problems.to_vec(),
        warnings: Vec::new(),
        notes: Vec::new(),
    }
}
