//! All pages of the list asked for at once, within bounds, and what their answers come to: a scan.
//!
//! The invariant: a page that Fin has is missing from a scan without problems only where the website itself says that it is
//! gone. What was not seen is a problem; what is there and cannot be used is in the scan with its failure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use jiff::{Timestamp, ToSpan};

use super::ask::{IsListed, Unclear, Verdict};
use super::gather::Gathered;
use super::memo::{self, Memo};
use super::print::Print;
use super::robots::Robots;
use super::{Seen, Sitemap, shown, urls};
use crate::page::{DocPath, Failure, Fingerprint, Problem};
use crate::source::{Document, Known, Scan, Skipped};
use crate::stop::Stop;

/// Failures in a row, by their weight, after which the website is taken to be down: ten timeouts, or fifty answers of 503.
const DOWN: usize = 50;
/// Pages beyond this are not asked for once more: it is no passing trouble.
const MAX_AGAIN: usize = 100;
/// A scan may take this long, and a little longer for each page.
const LEAST_S: i64 = 10 * 60;
const MOST_S: i64 = 6 * 60 * 60;
/// So many pages that lead to one place all at once were not moved there.
const FEW_ELSEWHERE: usize = 3;
/// What is no page is named one by one up to this many.
const MAX_SKIPPED: usize = 10;
/// Below this many of something it is no pattern.
const FEW: usize = 5;

/// One scan under way.
pub(super) struct Crawl<'a> {
    site: &'a Sitemap,
    known: &'a Known,
    robots: &'a Robots,
    pages: BTreeMap<DocPath, Option<Box<str>>>,
    pace: Pace,
    scan: Scan,
    seen: Seen,
}

/// A page to ask for.
#[derive(Clone, Copy)]
struct Job<'a> {
    path: &'a DocPath,
    lastmod: Option<&'a str>,
    had: Option<&'a Fingerprint>,
}

/// When to stop asking.
struct Pace {
    stop: Stop,
    until: Timestamp,
    now: fn() -> Timestamp,
    in_a_row: AtomicUsize,
    is_down: AtomicBool,
    is_late: AtomicBool,
}

/// What the answers were, page by page.
#[derive(Default)]
struct Tally<'a> {
    aliases: Vec<(&'a DocPath, DocPath)>,
    gone: Vec<&'a DocPath>,
    shells: Vec<(&'a DocPath, Failure)>,
    no_pages: Vec<(&'a DocPath, String)>,
    unclear: BTreeMap<String, (Vec<&'a DocPath>, String)>,
    disallowed: Vec<&'a DocPath>,
    unasked: usize,
    /// Pages that lead to one that the list does not name, by where they lead.
    elsewhere: BTreeMap<DocPath, Vec<Elsewhere<'a>>>,
    documents: Vec<Document>,
}

/// A page that leads to one that the list does not name.
struct Elsewhere<'a> {
    path: &'a DocPath,
    fingerprint: Option<Fingerprint>,
    /// It led there before.
    is_known: bool,
}

impl<'a> Crawl<'a> {
    pub(super) fn new(site: &'a Sitemap, known: &'a Known, robots: &'a Robots, gathered: Gathered) -> Self {
        let Gathered { pages, problems, notices } = gathered;
        let asked = i64::try_from(pages.len() + known.in_fin.len()).unwrap_or(i64::MAX);
        let delay_ms = i64::try_from(site.delay(robots).as_millis()).unwrap_or(i64::MAX);
        let allowed_s = asked.saturating_mul(delay_ms.saturating_add(1000)) / 1000;
        let allowed_s = allowed_s.saturating_add(LEAST_S).min(MOST_S);
        let pace = Pace {
            stop: site.stop.clone(),
            until: (site.now)().checked_add(allowed_s.seconds()).unwrap_or(Timestamp::MAX),
            now: site.now,
            in_a_row: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
        };
        let scan = Scan { problems, notices, ..Scan::default() };
        Self { site, known, robots, pages, pace, scan, seen: Seen::default() }
    }

    /// Asks for everything; what a later look needs comes with the scan.
    pub(super) fn run(mut self) -> (Scan, Seen) {
        let pages = std::mem::take(&mut self.pages);
        let is_listed = |path: &DocPath| pages.contains_key(path);
        let mut tally = Tally::default();
        self.listed(&pages, &mut tally, &is_listed);
        self.settle_elsewhere(&mut tally);
        self.settle_alike(&mut tally, pages.len());
        Self::settle_aliases(&mut tally);
        self.say_no_pages(&mut tally, pages.len());
        self.say_missing(&mut tally, pages.len());
        self.say_unseen(&mut tally);
        if let Some(forms) = self.site.forms.get().filter(|forms| forms.misses() > 0) {
            let pages = forms.misses();
            self.scan.notices.push(format!("{pages} pages have no Markdown on the website: their HTML is taken"));
        }
        let fine = tally.documents.iter().filter(|document| document.failure.is_none());
        self.seen.documents = fine.map(|document| document.path.clone()).collect();
        self.scan.documents = std::mem::take(&mut tally.documents);
        drop(tally);
        // Where not everything was seen nothing is deleted, and it need not be known what is gone.
        if self.scan.problems.is_empty() && self.site.options.only.is_none() {
            self.absent(&pages, &is_listed);
        }
        self.seen.listed = pages.into_keys().collect();
        self.seen.delisted = self.scan.delisted.iter().cloned().collect();
        self.scan.documents.sort_by(|a, b| a.path.cmp(&b.path));
        (self.scan, self.seen)
    }

    /// Asks for the pages of the list.
    fn listed<'b>(
        &mut self,
        pages: &'b BTreeMap<DocPath, Option<Box<str>>>,
        tally: &mut Tally<'b>,
        is_listed: IsListed<'_>,
    ) where
        'a: 'b,
    {
        let known: &'a Known = self.known;
        let site: &'a Sitemap = self.site;
        let now = (site.now)();
        let mut memo = self.memo(pages);
        let (mut jobs, mut spared) = (Vec::with_capacity(pages.len()), Vec::new());
        let only = site.options.only.as_ref();
        for (path, lastmod) in pages.iter().filter(|(path, _)| only.is_none_or(|only| only.contains(path))) {
            let job = Job { path, lastmod: lastmod.as_deref(), had: fingerprint(known, path) };
            if !self.allows(path) {
                tally.disallowed.push(path);
            } else if let (Some(memo), Some(lastmod), Some(had)) = (&memo, job.lastmod, job.had)
                && Print::read(had, &site.by).is_some()
                && memo.spares(path, lastmod, had, now)
            {
                spared.push(job);
            } else {
                jobs.push(job);
            }
        }
        for job in spared {
            tally.take(&job, Some(Verdict::Same));
        }
        let verdicts = self.ask_twice(&jobs, is_listed);
        for (job, verdict) in jobs.iter().zip(verdicts) {
            if let Some(memo) = &mut memo
                && let (Some(lastmod), Some(has)) = (job.lastmod, fresh(verdict.as_ref(), job.had))
            {
                memo.note(job.path, lastmod, has, now);
            }
            tally.take(job, verdict);
        }
        if let Some(mut memo) = memo {
            memo.save(|path| pages.contains_key(&DocPath::new(path)));
        }
    }

    /// What is known of the last requests, where an unchanged `lastmod` may save one.
    fn memo(&mut self, pages: &BTreeMap<DocPath, Option<Box<str>>>) -> Option<Memo> {
        let trusts = self.site.options.trusts_lastmod;
        let stamp = memo::stamp(pages.values().map(Option::as_deref));
        if let Some(stamp) = stamp {
            let had = self.known.fingerprints.iter().filter_map(|(_, had)| Print::read(had, &self.site.by));
            let had: Vec<Option<String>> = had.map(|print| print.lastmod).collect();
            let before = memo::stamp(had.iter().map(Option::as_deref));
            let has_moved = before.is_some_and(|before| before != stamp);
            if trusts || has_moved {
                let consequence =
                    if trusts { "`trust_lastmod` saves nothing here" } else { "it tells nothing of a page" };
                self.scan.notices.push(format!(
                    "nearly every page of the list has the same `lastmod`, `{stamp}`: the website stamps them when it is \
                     built; {consequence}"
                ));
            }
        }
        let options = &self.site.options;
        // Two sources on one list may take other pages of it.
        let (include, exclude) = (&options.include, &options.exclude);
        let of = format!("{} {} {include:?} {exclude:?}", options.url, self.site.by);
        (trusts && stamp.is_none()).then(|| Memo::load(&options.spool, &of))
    }

    fn allows(&self, path: &DocPath) -> bool {
        !self.site.options.obeys_robots || self.robots.allows(&urls::url_of(path, &self.site.root))
    }

    /// Asks for pages, and once more for those of which a passing trouble kept us.
    fn ask_twice(&self, jobs: &[Job<'_>], is_listed: IsListed<'_>) -> Vec<Option<Verdict>> {
        let mut verdicts = self.ask_all(jobs, is_listed);
        let passes = |verdict: &Option<Verdict>| matches!(verdict, Some(Verdict::Unclear(unclear)) if unclear.passes);
        let again: Vec<usize> = (0..jobs.len()).filter(|at| verdicts.get(*at).is_some_and(passes)).collect();
        if again.len() > MAX_AGAIN || self.pace.is_down.load(Ordering::Relaxed) {
            return verdicts;
        }
        let jobs: Vec<Job<'_>> = again.iter().filter_map(|at| jobs.get(*at).copied()).collect();
        for (at, second) in again.into_iter().zip(self.ask_all(&jobs, is_listed)) {
            if let (Some(verdict), Some(second)) = (verdicts.get_mut(at), second) {
                *verdict = Some(second);
            }
        }
        verdicts
    }

    /// Asks for pages, several at a time; `None` for those that were not asked for any more.
    fn ask_all(&self, jobs: &[Job<'_>], is_listed: IsListed<'_>) -> Vec<Option<Verdict>> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut mine = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(at) else { return mine };
                mine.push((at, self.ask(job, is_listed)));
            }
        };
        let threads = self.site.options.client.concurrency.clamp(1, 64).min(jobs.len());
        let mut verdicts: Vec<Option<Verdict>> = Vec::new();
        verdicts.resize_with(jobs.len(), || None);
        let mut take = |mine: Vec<(usize, Option<Verdict>)>| {
            for (at, verdict) in mine {
                if let Some(place) = verdicts.get_mut(at) {
                    *place = verdict;
                }
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            // What a thread that panicked had is not seen: its pages count as not asked for.
            for worker in workers {
                take(worker.join().unwrap_or_default());
            }
        });
        verdicts
    }

    fn ask(&self, job: &Job<'_>, is_listed: IsListed<'_>) -> Option<Verdict> {
        if !self.pace.goes_on() {
            return None;
        }
        let had = job.had.and_then(|had| Print::read(had, &self.site.by));
        let mut verdict = self.site.ask(job.path, job.lastmod, had.as_ref(), is_listed);
        if let Verdict::Page { unkept, .. } = &mut verdict {
            // Whoever reads it fetches it again: a scan takes no memory for documents.
            *unkept = None;
        }
        self.pace.took(&verdict);
        Some(verdict)
    }

    /// Of pages that lead to one place that the list does not name, one is its page. Several that did not before, and that
    /// Fin has, are no pages that were moved: it is a notice of maintenance, or asks who one is.
    fn settle_elsewhere(&mut self, tally: &mut Tally<'_>) {
        for (at, mut pages) in std::mem::take(&mut tally.elsewhere) {
            let is_news = |page: &Elsewhere<'_>| !page.is_known && self.is_in_fin(page.path);
            let news = pages.iter().filter(|page| is_news(page)).count();
            let is_suspect = news >= FEW_ELSEWHERE;
            pages.sort_by_key(|page| (!page.is_known, page.path));
            let mut is_taken = false;
            for Elsewhere { path, fingerprint, is_known } in pages {
                if !is_taken && (is_known || !is_suspect) {
                    is_taken = true;
                    tally.documents.push(document(path, fingerprint, None));
                } else if self.is_in_fin(path) {
                    let message = format!("it leads to `{at}`, as other pages do: what Fin has stays");
                    tally.documents.push(document(path, None, Some(Failure::new("unreadable", message))));
                }
            }
            if is_suspect {
                let message = format!(
                    "{news} pages lead to `{at}` now, which the list does not name: is it a notice of maintenance, or a login? \
                     If it is meant, leave them out with `exclude`"
                );
                self.problem(message);
            }
        }
    }

    /// One and the same text at more than half of the urls is none of the pages'.
    fn settle_alike(&mut self, tally: &mut Tally<'_>, pages: usize) {
        let hash = |document: &Document| document.fingerprint.as_ref().and_then(Print::hash);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for hash in tally.documents.iter().filter_map(hash) {
            *counts.entry(hash).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        let Some((common, count)) = most.filter(|(_, count)| *count >= FEW && *count * 2 > pages) else { return };
        for document in tally.documents.iter_mut().filter(|document| hash(document).as_ref() == Some(&common)) {
            document.fingerprint = None;
            let message = "it has the very text of most other pages: what Fin has stays";
            document.failure = Some(Box::new(Failure::new("unreadable", message)));
        }
        self.problem(format!(
            "{count} of {pages} pages have one and the same text: it is a notice of maintenance, or an error that is answered \
             as a page"
        ));
    }

    /// A page that is another one is missing only where that other is in the scan as it should be.
    fn settle_aliases(tally: &mut Tally<'_>) {
        let fine: HashSet<&DocPath> = tally
            .documents
            .iter()
            .filter(|document| document.failure.is_none())
            .map(|document| &document.path)
            .collect();
        let lost: Vec<_> = tally.aliases.iter().filter(|(_, to)| !fine.contains(to)).cloned().collect();
        for (path, to) in lost {
            let message = format!("it leads to `{to}`, which is no page just now");
            tally.documents.push(document(path, None, Some(Failure::new("unreadable", message))));
        }
    }

    /// Says which pages could not be seen.
    fn say_unseen(&mut self, tally: &mut Tally<'_>) {
        for (paths, message) in std::mem::take(&mut tally.unclear).into_values() {
            let path = paths.first().map(ToString::to_string).unwrap_or_default();
            let others = match paths.len() - 1 {
                0 => String::new(),
                1 => " (and another page)".to_owned(),
                others => format!(" (and {others} other pages)"),
            };
            self.scan.problems.push(Problem { path, message: format!("{message}{others}") });
        }
        if tally.unasked > 0 {
            let why = if self.pace.stop.is_set() {
                "finmirror is stopping"
            } else if self.pace.is_down.load(Ordering::Relaxed) {
                "the website seems to be down, for page after page failed"
            } else {
                "the scan took too long: raise `concurrency`, or lower `delay`"
            };
            self.problem(format!("{} pages were not asked for: {why}", tally.unasked));
        }
    }

    /// Says which of the list's pages are none, and keeps those that Fin has: they are there.
    fn say_no_pages(&mut self, tally: &mut Tally<'_>, pages: usize) {
        let mut skipped = 0;
        for (path, reason) in std::mem::take(&mut tally.no_pages) {
            if self.is_in_fin(path) {
                let message = format!("it is no page now: {reason}");
                tally.documents.push(document(path, None, Some(Failure::new("no_page", message))));
            } else {
                skipped += 1;
                if skipped <= MAX_SKIPPED {
                    self.scan.skipped.push(Skipped { path: path.to_string(), reason });
                }
            }
        }
        if skipped > MAX_SKIPPED {
            self.scan.notices.push(format!("{} more of the list are no pages", skipped - MAX_SKIPPED));
        }
        let shells = std::mem::take(&mut tally.shells);
        if shells.len() >= FEW && shells.len() * 2 > pages {
            let what = shells.first().map(|(_, failure)| failure.message.clone()).unwrap_or_default();
            self.problem(format!("of {} of {pages} pages: {what}", shells.len()));
        } else {
            let failed = shells.into_iter().map(|(path, failure)| document(path, None, Some(failure)));
            tally.documents.extend(failed);
        }
    }

    /// Says which of the list's pages are not there, and which may not be asked for.
    fn say_missing(&mut self, tally: &mut Tally<'_>, pages: usize) {
        let gone = std::mem::take(&mut tally.gone);
        if gone.len() >= FEW && gone.len() * 2 > pages {
            let count = gone.len();
            self.problem(format!("{count} of the {pages} pages of the list are not there (404): it is half a website"));
        } else if !gone.is_empty() {
            let which = shown(gone.iter().map(|path| path.as_str()), gone.len());
            self.scan.notices.push(format!("in the list, and not there (404): {which}"));
        }
        let disallowed = std::mem::take(&mut tally.disallowed);
        if disallowed.is_empty() {
            return;
        }
        let which = shown(disallowed.iter().map(|path| path.as_str()), disallowed.len());
        let message = format!("`robots.txt` forbids {which}; set `robots: ignore` if the website is your own");
        if disallowed.len() == pages {
            self.problem(message);
        } else {
            self.scan.notices.push(message);
        }
        for path in disallowed.into_iter().filter(|path| self.is_in_fin(path)) {
            let failure = Failure::new("robots", "`robots.txt` forbids to ask for it: what Fin has stays");
            tally.documents.push(document(path, None, Some(failure)));
        }
    }

    fn problem(&mut self, message: String) {
        self.scan.problems.push(Problem { path: String::new(), message });
    }

    fn is_in_fin(&self, path: &DocPath) -> bool {
        self.known.in_fin.binary_search(path).is_ok()
    }

    /// Asks for the pages that Fin has and the list names no more.
    fn absent(&mut self, pages: &BTreeMap<DocPath, Option<Box<str>>>, is_listed: IsListed<'_>) {
        let known: &'a Known = self.known;
        let is_absent = |path: &&DocPath| !pages.contains_key(*path) && self.site.patterns.takes(path);
        let absent: BTreeSet<&DocPath> = known.in_fin.iter().filter(is_absent).collect();
        let (asked, unasked): (Vec<&DocPath>, Vec<&DocPath>) = absent.into_iter().partition(|path| self.allows(path));
        // Nobody may look: it is for a person to say that it is gone.
        self.scan.delisted.extend(unasked.into_iter().cloned());
        let jobs: Vec<Job<'_>> = asked.into_iter().map(|path| Job { path, lastmod: None, had: None }).collect();
        let verdicts = self.ask_twice(&jobs, is_listed);
        let mut tally = Tally::default();
        for (job, verdict) in jobs.iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Gone) => {}
                Some(Verdict::Alias(to)) if self.seen.documents.contains(&to) => {}
                Some(Verdict::Alias(to)) => {
                    let message = format!("leads to `{to}`, which is no page just now");
                    let unclear = Unclear { kind: "alias".to_owned(), message, passes: false, weight: 1 };
                    tally.take(job, Some(Verdict::Unclear(unclear)));
                }
                Some(Verdict::Unclear(_)) | None => tally.take(job, verdict),
                Some(_) => self.scan.delisted.push(job.path.clone()),
            }
        }
        self.say_unseen(&mut tally);
        self.scan.delisted.sort();
    }
}

impl Pace {
    fn goes_on(&self) -> bool {
        if (self.now)() > self.until {
            self.is_late.store(true, Ordering::Relaxed);
        }
        let is_over = self.is_down.load(Ordering::Relaxed) || self.is_late.load(Ordering::Relaxed);
        !is_over && !self.stop.is_set()
    }

    fn took(&self, verdict: &Verdict) {
        if let Verdict::Unclear(unclear) = verdict {
            let before = self.in_a_row.fetch_add(unclear.weight, Ordering::Relaxed);
            if before + unclear.weight >= DOWN {
                self.is_down.store(true, Ordering::Relaxed);
            }
        } else {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }
}

impl<'a> Tally<'a> {
    fn take(&mut self, job: &Job<'a>, verdict: Option<Verdict>) {
        let path = job.path;
        match verdict {
            Some(Verdict::Same) => {
                let at = job.had.and_then(Print::path).unwrap_or_else(|| path.clone());
                self.page(job, at, job.had.cloned());
            }
            Some(Verdict::Page { fingerprint, at, .. }) => self.page(job, at, Some(fingerprint)),
            Some(Verdict::Alias(to)) => self.aliases.push((path, to)),
            Some(Verdict::Gone) => self.gone.push(path),
            Some(Verdict::NoPage(reason)) => self.no_pages.push((path, reason)),
            Some(Verdict::Failed(failure)) if failure.code == "javascript" => self.shells.push((path, failure)),
            Some(Verdict::Failed(failure)) => self.documents.push(document(path, None, Some(failure))),
            Some(Verdict::Unclear(Unclear { kind, message, .. })) => {
                let failure = Failure::new("unreadable", message.clone());
                self.documents.push(document(path, None, Some(failure)));
                self.unclear.entry(kind).or_insert_with(|| (Vec::new(), message)).0.push(path);
            }
            None => {
                self.unasked += 1;
                // What is known of it is all that is known.
                self.documents.extend(job.had.map(|had| document(path, Some(had.clone()), None)));
            }
        }
    }

    fn page(&mut self, job: &Job<'a>, at: DocPath, fingerprint: Option<Fingerprint>) {
        let path = job.path;
        if at == *path {
            self.documents.push(document(path, fingerprint, None));
        } else {
            let is_known = job.had.and_then(Print::path).as_ref() == Some(&at);
            self.elsewhere.entry(at).or_default().push(Elsewhere { path, fingerprint, is_known });
        }
    }
}

/// The fingerprint that a page has after it was asked for, where the answer is one that a `lastmod` can stand for.
fn fresh<'a>(verdict: Option<&'a Verdict>, had: Option<&'a Fingerprint>) -> Option<&'a Fingerprint> {
    match verdict? {
        Verdict::Same => had,
        Verdict::Page { fingerprint, .. } => Some(fingerprint),
        _ => None,
    }
}

fn fingerprint<'a>(known: &'a Known, path: &DocPath) -> Option<&'a Fingerprint> {
    let at = known.fingerprints.binary_search_by(|(known, _)| known.cmp(path)).ok()?;
    known.fingerprints.get(at).map(|(_, fingerprint)| fingerprint)
}

fn document(path: &DocPath, fingerprint: Option<Fingerprint>, failure: Option<Failure>) -> Document {
    Document { path: path.clone(), raw: None, fingerprint, failure: failure.map(Box::new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(now: fn() -> Timestamp) -> Pace {
        Pace {
            stop: Stop::default(),
            until: Timestamp::UNIX_EPOCH,
            now,
            in_a_row: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
        }
    }

    #[test]
    fn a_scan_ends_at_its_deadline_or_when_page_after_page_fails() {
        let failed =
            |weight| Verdict::Unclear(Unclear { kind: String::new(), message: String::new(), passes: true, weight });
        assert!(!pace(|| Timestamp::MAX).goes_on());
        let pace = pace(|| Timestamp::MIN);
        for _ in 0..100 {
            (0..9).for_each(|_| pace.took(&failed(5)));
            pace.took(&Verdict::Gone);
        }
        assert!(pace.goes_on(), "what fails now and then is no website that is down");
        (0..10).for_each(|_| pace.took(&failed(5)));
        assert!(!pace.goes_on());
    }
}
