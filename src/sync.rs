//! One cycle of one source: scan → observe → plan → apply → report.
//!
//! Owns the order of things and nothing else: what is decided is decided in [`crate::plan`], what is sent is sent by
//! [`crate::apply`]. Intercom is asked only when there is something to send, or when the import source is not yet what the
//! configuration wants it to be.

pub mod again;
pub mod binding;
pub mod converting;
pub mod documents;
pub mod observe;
pub mod partial;
pub mod seen;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::{Handle, RuntimeFlavor};

use self::converting::Converters;
use crate::apply::{self, Clock, Stopped, Target};
use crate::ledger::{Adopted, CycleRow, ImportSourceRow, Ledger, LedgerError};
use crate::page::{DocPath, Entry, Failure, ImportSourceId, Problem, ScanDigest, SourceName};
use crate::plan::{self, Input, Plan, Policy};
use crate::remote::Remote;
use crate::render::{PageOptions, Recipe, Warning};
use crate::report::{CycleReport, FailedPage, counted};
use crate::site::{Generator, Site};
use crate::source::{Known, Scan, Source};
use crate::stop::Stop;
use binding::{BindError, Binding, ImportSourceOptions};
use documents::Rendering;
use observe::{Memory, Observation, Progress, observe};

/// Deletes of this time count together for the limits (I3).
const DELETES_COUNT_S: i64 = 24 * 60 * 60;
/// Entries of each list of a report that the ledger keeps.
const LISTED_IN_LEDGER: usize = 100;

/// A source with everything that makes pages of its documents.
#[derive(Debug)]
pub struct Mirror {
    /// Its name.
    pub name: SourceName,
    /// Where its documents are.
    pub source: Source,
    /// Who publishes them.
    pub site: Site,
    /// What is said of every page.
    pub page: PageOptions,
    /// What makes HTML of documents that are not read here.
    pub converters: Converters,
    /// A digest of what the same bytes are rendered with: another one renders them again.
    pub recipe: Recipe,
}

/// What a person asked of this run, beyond the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// No fingerprint is trusted, and rejected pages are tried again.
    pub full: bool,
    /// The held set that is released.
    pub release: Option<String>,
    /// An import source that is gone is made anew.
    pub recreate: bool,
    /// Mounts that are gone are gone for good.
    pub accept_unmounted: bool,
}

/// A configured source, ready for a cycle.
#[derive(Clone, Debug)]
pub struct Job {
    /// What makes its pages.
    pub mirror: Arc<Mirror>,
    /// Its import source.
    pub import_source: ImportSourceOptions,
    /// What is said of deletes.
    pub policy: Policy,
    /// What was asked of this run.
    pub wishes: Wishes,
    /// Why the source cannot be seen, or the site's rules are not known: nothing is sent then, and nothing deleted.
    pub broken: Option<Failure>,
    /// What tells this source, and how its pages are made of it, from what it was before, where that is known at once.
    pub revision: Option<ScanDigest>,
}

/// What every source's cycle shares.
pub struct Shared<'a, R> {
    /// Intercom.
    pub remote: Arc<R>,
    /// The ledger.
    pub ledger: &'a mut Ledger,
    /// Every configured source's name.
    pub configured: &'a [&'a str],
    /// Pages under way at one time.
    pub max_in_flight: usize,
    /// The wall clock.
    pub clock: Clock,
    /// Stops the run.
    pub stop: Stop,
    /// Told how many documents of how many are rendered.
    pub rendering: Progress<'a>,
    /// Told how many steps of how many are done.
    pub sending: Progress<'a>,
}

impl<R> Shared<'_, R> {
    fn target<D>(&mut self, documents: D, import_source: ImportSourceId) -> Target<'_, R, D> {
        Target {
            remote: self.remote.clone(),
            documents: Arc::new(documents),
            ledger: self.ledger,
            import_source,
            max_in_flight: self.max_in_flight,
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            progress: self.sending,
        }
    }
}

/// Runs one cycle of a source. An error is the ledger's: without it nothing can run.
pub async fn cycle<R: Remote + 'static>(job: &Job, shared: &mut Shared<'_, R>) -> Result<CycleReport, LedgerError> {
    let started = (shared.clock)();
    let traffic = shared.remote.traffic();
    let name = job.mirror.name.as_str();
    if let Some(url) = &job.import_source.url {
        let former = shared.ledger.former_name(url.as_str(), name, shared.configured)?;
        if let Some(former) = former {
            shared.ledger.rename_source(&former, name)?;
        }
    }
    if let Some(failure) = unfit(job, shared.ledger)? {
        let is_unseen = matches!(job.mirror.source, Source::Unseen(_));
        return refuse(name, failure, is_unseen, started.as_second(), shared.ledger);
    }
    let known = known(shared.ledger, job)?;
    let scan = blocking(|| job.mirror.source.scan(&known));
    let mut report = CycleReport::new(name);
    // What was not looked at any more says nothing of the source.
    if shared.stop.is_set() {
        note_stop(&mut report, Some(&Stopped::Shutdown));
        report.duration_ms = took_ms(started, (shared.clock)());
        let report = report.judged(false);
        save_cycle(&report, started.as_second(), shared.ledger)?;
        return Ok(report);
    }
    report.scanned = scan.documents.len() as u64;
    report.warnings.extend(job.mirror.site.notices().iter().cloned());
    report.warnings.extend(scan.notices.iter().cloned());
    report.warnings.extend(scan.skipped.iter().map(|s| format!("`{}` is skipped: {}", s.path, s.reason)));
    let generator = job.mirror.site.name();
    let problem = scan.problems.first();
    shared.ledger.save_scan(name, &scan.mounts, generator, problem, started.as_second())?;
    let inputs = shared.ledger.inputs(name)?.into_iter().map(|row| row.path);
    let probes: Vec<_> = inputs.map(|path| (path.clone(), job.mirror.source.probe(&path))).collect();
    let digest = scan.digest(&job.mirror.recipe, &probes);
    report.sketch = Some(scan.sketch(&probes));
    let stopped = if settled(job, shared, digest.as_ref(), &mut report)? {
        None
    } else {
        job.mirror.converters.obey(&shared.stop);
        let observation = blocking(|| {
            let mut memory = Memory::Keep(shared.ledger);
            observe(&job.mirror, scan, &mut memory, job.wishes.full, shared.rendering, &shared.stop)
        })?;
        if shared.stop.is_set() {
            Some(Stopped::Shutdown)
        } else {
            run(job, shared, &known, observation, digest.as_ref(), &mut report).await?
        }
    };
    note_stop(&mut report, stopped.as_ref());
    let sent = shared.remote.traffic();
    report.requests = sent.requests - traffic.requests;
    report.retries = sent.retries - traffic.retries;
    report.duration_ms = took_ms(started, (shared.clock)());
    let failed = stopped.is_some_and(|stopped| stopped != Stopped::Shutdown);
    let report = report.judged(failed);
    save_cycle(&report, started.as_second(), shared.ledger)?;
    Ok(report)
}

/// What a scan saw, in short: equal to that of a report, nothing that a look can see has changed since.
pub fn sketch(job: &Job, scan: &Scan, ledger: &Ledger) -> Result<ScanDigest, LedgerError> {
    let inputs = ledger.inputs(job.mirror.name.as_str())?.into_iter().map(|row| row.path);
    let probes: Vec<_> = inputs.map(|path| (path.clone(), job.mirror.source.probe(&path))).collect();
    Ok(scan.sketch(&probes))
}

fn took_ms(started: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.as_millisecond() - started.as_millisecond()).unwrap_or_default()
}

/// The report of a cycle that need not run: the source, and how its pages are made of it, are what they were when its plan was
/// last found empty.
pub fn idle(
    name: &str,
    revision: Option<&ScanDigest>,
    wishes: &Wishes,
    ledger: &mut Ledger,
    now: Timestamp,
) -> Result<Option<CycleReport>, LedgerError> {
    let asked = wishes.full || wishes.recreate || wishes.release.is_some();
    let Some(revision) = revision.filter(|_| !asked) else { return Ok(None) };
    let Some(unchanged) = ledger.settled_at(name, revision)? else { return Ok(None) };
    // An import source that is gone is for the cycle to speak of.
    if bound(ledger, name)?.is_none_or(|bound| bound.gone_since.is_some()) {
        return Ok(None);
    }
    // What is to be said of the source was said of the same source.
    let last = ledger.cycles(name, 1)?.into_iter().next();
    let Some(last) = last.and_then(|row| serde_json::from_str::<CycleReport>(&row.report).ok()) else {
        return Ok(None);
    };
    let row = ledger.source(name)?;
    ledger.save_scan(name, &row.mounts, row.generator.as_deref().unwrap_or_default(), None, now.as_second())?;
    let (scanned, warnings) = (last.scanned, last.warnings);
    let report = CycleReport { scanned, unchanged, warnings, ..CycleReport::new(name) }.judged(false);
    save_cycle(&report, now.as_second(), ledger)?;
    Ok(Some(report))
}

/// Why a source's site cannot be trusted to say what is published: its configuration cannot be read, or it was another
/// generator's at the last complete scan, as it is where a part of the folder is missing.
pub fn unfit(job: &Job, ledger: &Ledger) -> Result<Option<Failure>, LedgerError> {
    if job.broken.is_some() {
        return Ok(job.broken.clone());
    }
    let site = &job.mirror.site;
    let before = ledger.source(job.mirror.name.as_str())?.generator;
    let has_rules = site.options.generator == Generator::Auto && !site.is_website();
    let differs = before.filter(|before| has_rules && before != site.name());
    if let Some(before) = differs {
        let now = site.name();
        let message = format!(
            "it was a site of `{before}` and looks like one of `{now}` now, so that urls and pages would change: put its \
             configuration back, or set `site.generator: {now}` if that is right"
        );
        return Ok(Some(Failure::new("generator", message)));
    }
    if job.import_source.url.is_none() && job.import_source.id.is_none() {
        let message = "nothing names the import source in Intercom, nor the site's root: set `site.base_url`, or \
                       `import_source.url`, or `import_source.id`";
        return Ok(Some(Failure::new("import_source", message)));
    }
    Ok(None)
}

/// A cycle that did nothing, and says why: the source could not be seen at all, or what it is is not understood.
fn refuse(
    name: &str,
    failure: Failure,
    is_unseen: bool,
    now: i64,
    ledger: &mut Ledger,
) -> Result<CycleReport, LedgerError> {
    let problem = Problem { path: String::new(), message: failure.message };
    ledger.save_scan(name, &[], "", Some(&problem), now)?;
    let mut report = CycleReport::new(name);
    report.problems.push(problem);
    report.blind = true;
    let report = report.judged(!is_unseen);
    save_cycle(&report, now, ledger)?;
    Ok(report)
}

fn save_cycle(report: &CycleReport, started_at: i64, ledger: &mut Ledger) -> Result<(), LedgerError> {
    ledger.save_cycle(&CycleRow {
        source: report.source.clone(),
        started_at,
        outcome: report.outcome.to_string(),
        report: serde_json::to_string(&report.cut(LISTED_IN_LEDGER)).unwrap_or_default(),
    })
}

/// What the last complete scan of a source saw.
pub fn known(ledger: &Ledger, job: &Job) -> Result<Known, LedgerError> {
    let name = job.mirror.name.as_str();
    let mounts = ledger.source(name)?.mounts;
    let mut known = Known { mounts, accept_unmounted: job.wishes.accept_unmounted, ..Known::default() };
    if let Source::Sitemap(_) = job.mirror.source {
        if !job.wishes.full {
            known.fingerprints = ledger.fingerprints(name, &job.mirror.recipe.0)?;
        }
        known.in_fin = entries(ledger, bound(ledger, name)?.as_ref())?.into_iter().map(|entry| entry.path).collect();
        known.in_fin.sort();
        known.in_fin.dedup();
    }
    Ok(known)
}

/// Whether the plan for this very scan is known to be empty: then nothing else is to be looked at.
fn settled<R>(
    job: &Job,
    shared: &mut Shared<'_, R>,
    digest: Option<&ScanDigest>,
    report: &mut CycleReport,
) -> Result<bool, LedgerError> {
    let name = job.mirror.name.as_str();
    let wishes = &job.wishes;
    let asked = wishes.full || wishes.recreate || wishes.release.is_some();
    let Some(digest) = digest.filter(|_| !asked) else { return Ok(false) };
    let Some(unchanged) = shared.ledger.settled(name, digest)? else { return Ok(false) };
    let Some(row) = bound(shared.ledger, name)? else { return Ok(false) };
    if !binding(job, shared.configured, &shared.stop, (shared.clock)()).is_settled(&row) {
        return Ok(false);
    }
    // The same documents, of another revision perhaps.
    if job.revision.is_some() {
        shared.ledger.settle(name, digest, job.revision.as_ref(), unchanged)?;
    }
    report.unchanged = unchanged;
    warn_of(report, &row);
    Ok(true)
}

fn binding<'a>(job: &'a Job, configured: &'a [&'a str], stop: &'a Stop, now: Timestamp) -> Binding<'a> {
    Binding {
        name: job.mirror.name.as_str(),
        options: &job.import_source,
        configured,
        recreate: job.wishes.recreate,
        now: now.as_second(),
        stop,
    }
}

async fn run<R: Remote + 'static>(
    job: &Job,
    shared: &mut Shared<'_, R>,
    known: &Known,
    observation: Observation,
    digest: Option<&ScanDigest>,
    report: &mut CycleReport,
) -> Result<Option<Stopped>, LedgerError> {
    let now = (shared.clock)();
    let name = job.mirror.name.as_str();
    let Observation { seen, problems, delisted, read, warnings } = observation;
    report.read = read;
    warn_of_documents(report, &warnings);
    let seen = Arc::new(seen);
    let documents = &seen.documents;
    let look = Look { documents, problems: &problems, delisted: &delisted };
    let mut bound = bound(shared.ledger, name)?;
    let mut entries = entries(shared.ledger, bound.as_ref())?;
    let stop = shared.stop.clone();
    let binding = binding(job, shared.configured, &stop, now);
    let is_settled = bound.as_ref().map(|row| binding.is_settled(row) && !job.wishes.recreate);
    let mut plan = make_plan(job, shared.ledger, bound.as_ref(), look, &entries, now)?;
    if plan.sends() || is_settled == Some(false) {
        // What Intercom says may be news for the ledger, and so for the plan.
        match prepare(&binding, shared, documents, problems.is_empty()).await {
            Ok(row) => bound = Some(row),
            Err(BindError::Stopped(stopped)) => {
                take_plan(report, &plan);
                return Ok(Some(stopped));
            }
            Err(BindError::Ledger(error)) => return Err(error),
        }
        drop(plan);
        entries = self::entries(shared.ledger, bound.as_ref())?;
        plan = make_plan(job, shared.ledger, bound.as_ref(), look, &entries, now)?;
    }
    take_plan(report, &plan);
    warn_of_release(report, job.wishes.release.as_deref(), &plan);
    let Some(row) = bound else { return Ok(None) };
    warn_of(report, &row);
    note(shared.ledger, row.source.id, &plan)?;
    if !plan.sends() {
        if let Some(digest) = digest.filter(|_| is_quiet(&plan, documents, &entries)) {
            shared.ledger.settle(name, digest, job.revision.as_ref(), plan.unchanged)?;
        }
        return Ok(None);
    }
    let documents = Rendering { mirror: job.mirror.clone(), seen: seen.clone(), known: known.clone() };
    let applied = apply::apply(&plan, shared.target(documents, row.source.id)).await?;
    let stopped = applied.stopped.clone();
    take_applied(report, applied);
    if let Some(Stopped::NotFound(_)) = &stopped
        && let Err(BindError::Stopped(gone)) = binding.bind(&*shared.remote, shared.ledger).await
    {
        return Ok(Some(gone));
    }
    Ok(stopped)
}

/// Whether a plan will be as empty as it is as long as no document and no entry changes: nothing waits, nothing fails, and
/// no date will make or end a page.
fn is_quiet(plan: &Plan<'_>, documents: &[plan::Observed], entries: &[Entry]) -> bool {
    let dated = |document: &plan::Observed| matches!(&document.state, plan::State::Page(page) if page.not_before.is_some() || page.not_after.is_some());
    let certain = |entry: &Entry| entry.doubt.is_none() && entry.missed.is_none() && entry.rejected.is_none();
    let nothing = plan.steps.is_empty() && plan.failed.is_empty() && plan.problems.is_empty();
    nothing && entries.iter().all(certain) && !documents.iter().any(dated)
}

/// Makes the import source and the ledger's knowledge of it ready for sending.
async fn prepare<R: Remote>(
    binding: &Binding<'_>,
    shared: &mut Shared<'_, R>,
    documents: &[plan::Observed],
    complete: bool,
) -> Result<ImportSourceRow, BindError> {
    let mut row = binding.bind(&*shared.remote, shared.ledger).await?;
    binding::settle_renames(&*shared.remote, shared.ledger, row.source.id).await?;
    let exclusive = binding.options.exclusive;
    if row.adopted == Adopted::None || (exclusive && row.adopted != Adopted::All) {
        binding.adopt(&*shared.remote, shared.ledger, &mut row, documents, complete).await?;
    } else if !exclusive && row.adopted == Adopted::All && complete {
        binding::release_foreign(shared.ledger, &mut row, documents)?;
    }
    Ok(row)
}

/// What a look at a source came to, as a plan is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// As in [`Input::documents`].
    pub documents: &'a [plan::Observed],
    /// As in [`Input::problems`].
    pub problems: &'a [Problem],
    /// As in [`Input::delisted`].
    pub delisted: &'a [DocPath],
}

/// Plans against what the ledger holds.
pub fn make_plan<'a>(
    job: &'a Job,
    ledger: &Ledger,
    bound: Option<&ImportSourceRow>,
    look: Look<'a>,
    entries: &'a [Entry],
    now: Timestamp,
) -> Result<Plan<'a>, LedgerError> {
    let since = now.as_second().saturating_sub(DELETES_COUNT_S);
    let recent_deletes = bound.map_or(Ok(0), |row| ledger.deleted_since(row.source.id, since))?;
    let Look { documents, problems, delisted } = look;
    let input = Input {
        documents,
        entries,
        problems,
        delisted,
        patterns: &job.mirror.source,
        recent_deletes,
        release: job.wishes.release.as_deref(),
        retry_rejected: job.wishes.full,
    };
    Ok(plan::plan(input, &job.policy, now))
}

/// The import source that a source is tied to.
pub fn bound(ledger: &Ledger, name: &str) -> Result<Option<ImportSourceRow>, LedgerError> {
    ledger.source(name)?.import_source.map_or(Ok(None), |id| ledger.import_source(id))
}

/// The pages that the ledger holds of it.
pub fn entries(ledger: &Ledger, bound: Option<&ImportSourceRow>) -> Result<Vec<Entry>, LedgerError> {
    bound.map_or(Ok(Vec::new()), |row| ledger.entries(row.source.id))
}

/// Keeps what a plan found out without sending anything.
fn note(ledger: &mut Ledger, source: ImportSourceId, plan: &Plan<'_>) -> Result<(), LedgerError> {
    if !plan.missed.is_empty() {
        ledger.save_missed(source, plan.missed.iter().map(|(entry, missed)| (&entry.external_id, *missed)))?;
    }
    if !plan.same.is_empty() {
        ledger.save_source_hashes(source, plan.same.iter().map(|(entry, hash)| (&entry.external_id, *hash)))?;
    }
    if !plan.dropped.is_empty() {
        ledger.drop_entries(source, plan.dropped.iter().map(|entry| &entry.external_id))?;
    }
    Ok(())
}

fn take_plan(report: &mut CycleReport, plan: &Plan<'_>) {
    report.unchanged = plan.unchanged;
    report.held = plan.steps.iter().filter(|step| step.action() == "hold").count() as u64;
    let settles = |step: &&plan::Step<'_>| {
        matches!(
            step,
            plan::Step::HoldDelete { wait: plan::Wait::Settle, .. }
                | plan::Step::HoldNew { wait: plan::Wait::Settle, .. }
        )
    };
    report.settling = plan.steps.iter().filter(settles).count() as u64;
    report.release = plan.held.as_ref().map(|set| format!("{}@{}", report.source, set.id));
    report.held_why = plan.held.as_ref().map(|set| set.why.clone());
    report.failed = plan.failed.iter().map(|f| failed(&f.document.path, &f.document.external_id, &f.failure)).collect();
    report.problems = plan.problems.to_vec();
    report.blind = !plan.problems.is_empty();
}

fn take_applied(report: &mut CycleReport, applied: apply::Applied) {
    report.created = applied.created;
    report.updated = applied.updated;
    report.renamed = applied.renamed;
    report.deleted = applied.deleted;
    report.failed.extend(applied.failed.iter().map(|(path, id, failure)| failed(path, id, failure)));
    report.problems.extend(applied.problems);
    if applied.waiting > 0 {
        report.only_waits = report.problems.is_empty() && applied.stopped.is_none();
        let message = format!("{} changed while they were sent: the next cycle has them", applied.waiting);
        report.problems.push(Problem { path: String::new(), message });
    }
}

fn failed(path: &crate::page::DocPath, id: &crate::page::ExternalId, failure: &Failure) -> FailedPage {
    FailedPage {
        path: path.to_string(),
        external_id: id.to_string(),
        code: failure.code.clone(),
        message: failure.message.clone(),
    }
}

fn note_stop(report: &mut CycleReport, stopped: Option<&Stopped>) {
    let message = match stopped {
        None => return,
        Some(Stopped::Unauthorized(message) | Stopped::OtherWorkspace(message)) => {
            report.unauthorized = true;
            message.clone()
        }
        Some(Stopped::Source(message) | Stopped::NotFound(message)) => message.clone(),
        Some(Stopped::Shutdown) => "stopped before its end: the next cycle goes on from here".into(),
    };
    report.problems.push(Problem { path: String::new(), message });
}

/// Says how much there is to be mended in the documents that were rendered just now.
fn warn_of_documents(report: &mut CycleReport, warnings: &[(DocPath, Warning)]) {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, warning) in warnings {
        *kinds.entry(warning.code.as_str()).or_default() += 1;
    }
    if !kinds.is_empty() {
        let kinds: Vec<String> = kinds.iter().map(|(code, count)| format!("{count} {code}")).collect();
        report.warnings.push(format!("to mend in documents: {}; `finmirror status` says where", kinds.join(", ")));
    }
}

fn warn_of(report: &mut CycleReport, row: &ImportSourceRow) {
    if !row.source.active {
        report.warnings.push(format!(
            "the import source {} is deactivated in Intercom: Fin answers from none of its pages",
            row.source.id
        ));
    }
    if row.foreign_pages > 0 {
        report.warnings.push(format!(
            "{} under the import source {} {} not of this source: left alone",
            counted(row.foreign_pages, "page"),
            row.source.id,
            if row.foreign_pages == 1 { "is" } else { "are" }
        ));
    }
}

/// The word for what was released, and is held no more or held as another set.
fn warn_of_release(report: &mut CycleReport, wished: Option<&str>, plan: &Plan<'_>) {
    let Some(wished) = wished.filter(|_| !plan.released) else { return };
    let now = match &report.release {
        Some(release) => format!("another set is held now: `--release-held {release}`"),
        None => "nothing is held".into(),
    };
    report.warnings.push(format!("no set `{wished}` is held, so that none was released; {now}"));
}

/// Runs blocking work where it disturbs nobody: on a runtime of several threads its other tasks move away.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
