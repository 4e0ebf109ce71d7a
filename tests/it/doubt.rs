//! Single sequences of edits, faults and crashes, in process under a paused clock, each with what Fin must hold after it.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use finmirror::apply::Clock;
use finmirror::ledger::{Adopted, ImportSourceRow, Ledger};
use finmirror::page::{DocPath, ImportSourceId, Problem, SourceName};
use finmirror::plan::{Policy, State};
use finmirror::remote::ImportSource;
use finmirror::render::{self, Availability, PageOptions, PagePolicies};
use finmirror::report::{CycleReport, Outcome};
use finmirror::simulator::{Fault, FaultRule, Simulator, SimulatorOptions, StoredPage};
use finmirror::site::{Generator, Site, SiteOptions, UrlStyle};
use finmirror::source::files::{Files, FilesOptions, FollowSymlinks};
use finmirror::source::{Known, Source};
use finmirror::stop::Stop;
use finmirror::sync::binding::{Binding, ImportSourceOptions};
use finmirror::sync::converting::Converters;
use finmirror::sync::observe::{Memory, observe};
use finmirror::sync::{Job, Mirror, Shared, Wishes, cycle};
use jiff::Timestamp;

/// A folder, a simulator and a job, run in process: nothing is repeated, so that each fault is seen.
struct Bench {
    folder: tempfile::TempDir,
    simulator: Simulator,
    job: Job,
    clock: Clock,
}

impl Bench {
    fn new(documents: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        let start = tokio::time::Instant::now();
        let clock: Clock = Arc::new(move || {
            let ms = i64::try_from(start.elapsed().as_millis()).unwrap();
            Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
        });
        let simulator = Simulator::open(SimulatorOptions::default(), clock.clone()).unwrap();
        let files = FilesOptions {
            root: folder.path().join("docs"),
            include: vec!["**/*.md".into()],
            exclude: Vec::new(),
            ignore_files: Vec::new(),
            follow_symlinks: FollowSymlinks::Inside,
            max_bytes: 1 << 20,
        };
        let url = url::Url::parse("https://docs.example.com/").unwrap();
        let site = Site::plain(SiteOptions {
            generator: Generator::Plain,
            base_url: Some(url.clone()),
            urls: UrlStyle::Directory,
            settings: std::collections::BTreeMap::new(),
        });
        let page = PageOptions {
            locale: "en".into(),
            ai_agent: true,
            ai_copilot: true,
            availability: Availability::OnCreate,
            policies: PagePolicies::default(),
        };
        let mirror = Mirror {
            converters: Converters::default(),
            name: SourceName::new("docs"),
            source: Source::Files(Files::open(files, later).unwrap()),
            recipe: render::recipe(&site, &page),
            site,
            page,
        };
        let policy = Policy {
            max_percent: 100.0,
            max_pages: 1000,
            confirm_scans: 1,
            interval: Duration::from_mins(1),
            settle: Duration::ZERO,
            deletes_delisted: false,
        };
        let import_source = ImportSourceOptions { url: Some(url), ..ImportSourceOptions::default() };
        let job = Job {
            mirror: Arc::new(mirror),
            import_source,
            policy,
            wishes: Wishes::default(),
            broken: None,
            revision: None,
        };
        let bench = Self { folder, simulator, job, clock };
        for (path, text) in documents {
            bench.write(path, text);
        }
        bench
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join("docs").join(path), text).unwrap();
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.folder.path().join("ledger.db")).unwrap()
    }

    async fn once(&self, wishes: Wishes) -> CycleReport {
        let mut ledger = self.ledger();
        let job = Job { wishes, ..self.job.clone() };
        let mut shared = Shared {
            remote: Arc::new(self.simulator.clone()),
            ledger: &mut ledger,
            configured: &["docs"],
            max_in_flight: 4,
            clock: self.clock.clone(),
            stop: Stop::default(),
            rendering: &|_, _| {},
            sending: &|_, _| {},
        };
        cycle(&job, &mut shared).await.unwrap()
    }

    fn page(&self, id: &str) -> Option<StoredPage> {
        self.simulator.pages().unwrap().into_values().find(|page| page.external_id == id)
    }

    fn fault(&self, route: &str, fault: Fault) -> FaultRule {
        self.simulator.clear_faults();
        FaultRule::new(route, fault)
    }
}

/// The folder's clock, far enough ahead that every file is older than the clock's tick, and its fingerprint trusted.
#[expect(clippy::disallowed_methods, reason = "the folder is a real one, with the real clock's times")]
fn later() -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_hours(1)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(test)
}

const FOUR: [(&str, &str); 4] = [
    ("a.md", "# A\n\nText a.\n"),
    ("b.md", "# B\n\nText b.\n"),
    ("c.md", "# C\n\nText c.\n"),
    ("d.md", "# D\n\nText d.\n"),
];

#[test]
fn an_import_source_made_anew_is_never_called_converged_while_it_is_empty() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        assert_eq!(bench.once(Wishes::default()).await.requests, 0);
        let id = bench.simulator.sources().unwrap()[0].id;
        bench.simulator.remove_source(id).unwrap();
        bench.simulator.inject(bench.fault("list_pages", Fault::Drop)).unwrap();
        let report = bench.once(Wishes { recreate: true, ..Wishes::default() }).await;
        assert_eq!(report.outcome, Outcome::Failed);
        bench.simulator.clear_faults();
        let report = bench.once(Wishes::default()).await;
        assert_eq!((report.outcome, bench.simulator.pages().unwrap().len()), (Outcome::Converged, 4), "{report}");
    });
}

#[test]
fn a_recreated_import_source_is_looked_up_before_it_is_made() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        let id = bench.simulator.sources().unwrap()[0].id;
        bench.simulator.remove_source(id).unwrap();
        bench.simulator.add_source("https://docs.example.com/", "api").unwrap();
        bench.once(Wishes { recreate: true, ..Wishes::default() }).await;
        assert_eq!(bench.simulator.sources().unwrap().len(), 1, "never a twin (I1)");
    });
}

#[test]
fn a_rename_that_was_not_carried_out_is_made_by_the_next_cycle_with_the_switches_kept() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        let id = bench.page("a.md").unwrap().id;
        bench.simulator.edit_page(id, |page| page.ai_agent = false).unwrap();
        let docs = bench.folder.path().join("docs");
        fs::rename(docs.join("a.md"), docs.join("z.md")).unwrap();
        bench.simulator.inject(bench.fault("replace_page", Fault::Drop)).unwrap();
        bench.once(Wishes::default()).await;
        bench.simulator.clear_faults();
        let report = bench.once(Wishes::default()).await;
        let page = bench.page("z.md").unwrap();
        assert_eq!((page.id, page.ai_agent), (id, false), "{report}");
    });
}

#[test]
fn a_page_made_anew_switched_off_is_switched_on_after_a_failed_delete_of_it() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        let first = bench.page("a.md").unwrap().id;
        bench.simulator.remove_page(first).unwrap();
        bench.write("a.md", "# A\n\nOther text.\n");
        bench.simulator.inject(bench.fault("upsert_page", Fault::LostAnswer)).unwrap();
        bench.once(Wishes::default()).await;
        fs::remove_file(bench.folder.path().join("docs/a.md")).unwrap();
        bench.simulator.inject(bench.fault("delete_page", Fault::Drop).after(1)).unwrap();
        bench.once(Wishes::default()).await;
        bench.simulator.clear_faults();
        bench.write("a.md", "# A\n\nOther text.\n");
        let report = bench.once(Wishes::default()).await;
        let page = bench.page("a.md").unwrap();
        assert!(page.id != first && page.ai_agent && page.ai_copilot, "{report} {page:?}");
    });
}

#[test]
fn a_page_made_anew_whose_switches_are_refused_stays_in_doubt() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        let first = bench.page("a.md").unwrap().id;
        bench.simulator.remove_page(first).unwrap();
        bench.write("a.md", "# A\n\nOther text.\n");
        let refusal = Fault::Status { code: 422, retry_after_s: None, field: Some("html".into()) };
        bench.simulator.inject(bench.fault("upsert_page", refusal).after(1).count(1)).unwrap();
        bench.once(Wishes::default()).await;
        bench.simulator.clear_faults();
        bench.write("a.md", FOUR[0].1);
        let report = bench.once(Wishes::default()).await;
        let page = bench.page("a.md").unwrap();
        assert!(page.html.contains("Text a") && page.ai_agent, "{report} {page:?}");
    });
}

const LINKED: [(&str, &str); 3] =
    [("index.md", "# Home\n\nSee [b](b.md).\n"), ("b.md", "# B\n\nText.\n"), ("c.md", "# C\n\nText.\n")];

/// The content of each page as the ledger has it, and as a fresh look has it.
fn seen_and_fresh(bench: &Bench, ledger: &mut Ledger) -> (Vec<State>, Vec<State>) {
    let scan = || bench.job.mirror.source.scan(&Known::default());
    let look =
        observe(&bench.job.mirror, scan(), &mut Memory::Keep(ledger), false, &|_, _| {}, &Stop::default()).unwrap();
    let fresh = observe(&bench.job.mirror, scan(), &mut Memory::Blank, false, &|_, _| {}, &Stop::default()).unwrap();
    let states = |documents: Vec<finmirror::plan::Observed>| documents.into_iter().map(|d| d.state).collect();
    (states(look.seen.documents), states(fresh.seen.documents))
}

#[test]
fn links_come_back_with_the_documents_that_a_scan_with_problems_missed() {
    run(async {
        let bench = Bench::new(&LINKED);
        let mut ledger = bench.ledger();
        seen_and_fresh(&bench, &mut ledger);
        let mut scan = bench.job.mirror.source.scan(&Known::default());
        scan.documents.retain(|document| document.path != DocPath::new("b.md"));
        scan.problems.push(Problem { path: "b.md".into(), message: "unmounted".into() });
        observe(&bench.job.mirror, scan, &mut Memory::Keep(&mut ledger), false, &|_, _| {}, &Stop::default()).unwrap();
        let (seen, fresh) = seen_and_fresh(&bench, &mut ledger);
        assert_eq!(seen, fresh);
    });
}

#[test]
fn a_scan_with_problems_takes_no_link_away() {
    run(async {
        let bench = Bench::new(&LINKED);
        let mut ledger = bench.ledger();
        let (before, _) = seen_and_fresh(&bench, &mut ledger);
        let mut scan = bench.job.mirror.source.scan(&Known::default());
        scan.documents.retain(|document| document.path != DocPath::new("b.md"));
        scan.problems.push(Problem { path: "b.md".into(), message: "unmounted".into() });
        let look =
            observe(&bench.job.mirror, scan, &mut Memory::Keep(&mut ledger), false, &|_, _| {}, &Stop::default())
                .unwrap();
        assert_eq!(look.seen.documents.last().map(|d| &d.state), before.last(), "`index.md` still links to `b.md`");
    });
}

#[test]
fn a_crash_while_documents_are_read_leaves_no_link_behind() {
    run(async {
        let bench = Bench::new(&LINKED);
        let mut ledger = bench.ledger();
        seen_and_fresh(&bench, &mut ledger);
        bench.write("b.md", "---\ndraft: true\n---\n# B\n\nText.\n");
        let scan = bench.job.mirror.source.scan(&Known::default());
        // What is read is committed before what links to it is rendered; the process ends between the two.
        let crashed = std::panic::catch_unwind(AssertUnwindSafe(|| {
            observe(
                &bench.job.mirror,
                scan,
                &mut Memory::Keep(&mut ledger),
                false,
                &|_, _| panic!("killed"),
                &Stop::default(),
            )
        }));
        assert!(crashed.is_err());
        let (seen, fresh) = seen_and_fresh(&bench, &mut ledger);
        assert_eq!(seen, fresh);
    });
}

#[test]
fn a_moved_page_that_is_refused_under_its_new_id_stays_under_its_old_one() {
    run(async {
        let bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        tokio::time::advance(Duration::from_hours(1)).await;
        let docs = bench.folder.path().join("docs");
        fs::rename(docs.join("a.md"), docs.join("z.md")).unwrap();
        let refusal = Fault::Status { code: 422, retry_after_s: None, field: Some("html".into()) };
        let rule = FaultRule { external_id: Some("z.md".into()), ..bench.fault("*", refusal) };
        bench.simulator.inject(rule).unwrap();
        bench.once(Wishes::default()).await;
        assert!(bench.page("a.md").is_some(), "after one cycle");
        tokio::time::advance(Duration::from_mins(5)).await;
        let report = bench.once(Wishes::default()).await;
        assert!(bench.page("a.md").is_some(), "Fin lost an answer that it had: {report}");
    });
}

#[test]
fn what_was_taken_over_as_exclusive_is_foreign_again_without_it() {
    run(async {
        let mut bench = Bench::new(&FOUR);
        bench.once(Wishes::default()).await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(bench.folder.path().join(format!("ledger.db{suffix}")));
        }
        fs::remove_file(bench.folder.path().join("docs/a.md")).unwrap();
        bench.job.policy.confirm_scans = 2;
        bench.job.import_source.exclusive = true;
        assert_eq!(bench.once(Wishes::default()).await.held, 1);
        // "No, that is another team's": the key is taken back.
        bench.job.import_source.exclusive = false;
        tokio::time::advance(Duration::from_hours(1)).await;
        let report = bench.once(Wishes::default()).await;
        assert!(bench.page("a.md").is_some(), "a foreign page was deleted (I10): {report}");
    });
}

#[test]
fn an_audience_is_a_set() {
    let options = ImportSourceOptions { audience_ids: Some(vec![12, 3]), ..ImportSourceOptions::default() };
    let stop = Stop::default();
    let binding = Binding { name: "docs", options: &options, configured: &[], recreate: false, now: 0, stop: &stop };
    let source = ImportSource {
        id: ImportSourceId(1),
        url: String::new(),
        api: true,
        active: true,
        audience_ids: vec![3, 12],
        created_at: 0,
    };
    let row =
        ImportSourceRow { source, name: "docs".into(), adopted: Adopted::Own, foreign_pages: 0, gone_since: None };
    assert!(binding.is_settled(&row), "or every cycle would send it again");
}

#[test]
fn a_document_goes_on_saying_what_a_part_of_it_could_not_be_sent_to_say() {
    run(async {
        let lead = "Words of its own. ".repeat(30);
        let mut bench =
            Bench::new(&[("a.md", &format!("# A\n\n{lead}\n\n## One\n\nThe answer.\n\n## Two\n\nMore.\n"))]);
        bench.once(Wishes::default()).await;
        let mirror = Arc::get_mut(&mut bench.job.mirror).unwrap();
        mirror.page.policies.split_over = Some(100);
        mirror.recipe = render::recipe(&mirror.site, &mirror.page);
        let fault = bench.fault("upsert_page", Fault::Status { code: 500, retry_after_s: None, field: None });
        bench.simulator.inject(FaultRule { external_id: Some("a.md#one".into()), ..fault }).unwrap();
        assert_eq!(bench.once(Wishes::default()).await.outcome, Outcome::Failed);
        assert!(bench.page("a.md").unwrap().html.contains("The answer."));
        bench.simulator.clear_faults();
        assert_eq!(bench.once(Wishes::default()).await.outcome, Outcome::Converged);
        assert!(!bench.page("a.md").unwrap().html.contains("The answer."));
        assert!(bench.page("a.md#one").unwrap().html.contains("The answer."));
    });
}
