//! The door in process, under a paused clock.

use super::*;
use crate::page::Switch;
use crate::simulator::tests::Hands;
use crate::simulator::{Fault, FaultRule, SimulatorOptions};

fn simulator(options: SimulatorOptions) -> Simulator {
    Simulator::open(options, Hands::new().clock()).unwrap()
}

fn page(external_id: &str) -> Page {
    let switch = Switch { on: true, managed: false };
    Page {
        external_id: ExternalId::new(external_id),
        title: "Title".into(),
        html: "<p>text</p>".into(),
        url: Some("https://e.com/a".into()),
        locale: "en".into(),
        ai_agent: switch,
        ai_copilot: switch,
    }
}

const ON: SentSwitches = SentSwitches { ai_agent: Some(true), ai_copilot: Some(true) };
const KEEP: SentSwitches = SentSwitches { ai_agent: None, ai_copilot: None };

#[tokio::test(start_paused = true)]
async fn a_page_goes_through_its_life() {
    let remote = simulator(SimulatorOptions::default());
    let source = remote.create_import_source("https://e.com", &[7]).await.unwrap();
    assert!(source.api && source.active && source.audience_ids == [7]);
    let made = remote.upsert_page(source.id, &page("a"), ON).await.unwrap();
    let kept = remote.upsert_page(source.id, &page("a"), KEEP).await.unwrap();
    assert_eq!(kept, made);
    let renamed = remote.replace_page(&made.id, source.id, &page("b")).await.unwrap();
    assert_eq!((renamed.id.clone(), renamed.external_id.as_str()), (made.id.clone(), "b"));
    assert_eq!(remote.page(&made.id).await.unwrap(), renamed);
    remote.delete_page(&made.id).await.unwrap();
    remote.delete_page(&made.id).await.expect("gone already is success");
    assert!(matches!(remote.page(&made.id).await, Err(RemoteError::NotFound { .. })));
    assert!(matches!(remote.page(&PageId::new("no number")).await, Err(RemoteError::NotFound { .. })));
    remote.delete_import_source(source.id).await.unwrap();
    assert!(matches!(remote.upsert_page(source.id, &page("a"), ON).await, Err(RemoteError::NotFound { .. })));

    let journal = remote.journal(0, 100);
    assert_eq!(remote.traffic(), Traffic { requests: journal.len() as u64, retries: 0 });
    let delete = journal.iter().find(|entry| entry.method == "DELETE").unwrap();
    assert_eq!(
        (&*delete.path, delete.external_id.as_deref(), delete.status),
        (format!("/ai/external_pages/{}", made.id).as_str(), Some("b"), Some(200))
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_changes_only_where_it_is_asked_to() {
    let remote = simulator(SimulatorOptions::default());
    let made = remote.create_import_source("https://e.com", &[1]).await.unwrap();
    let off = ImportSourceChange { active: Some(false), ..ImportSourceChange::default() };
    let changed = remote.update_import_source(made.id, &off).await.unwrap();
    assert_eq!((changed.active, &changed.url, &changed.audience_ids), (false, &made.url, &made.audience_ids));
    let open = ImportSourceChange { audience_ids: Some(vec![]), ..ImportSourceChange::default() };
    assert!(remote.update_import_source(made.id, &open).await.unwrap().audience_ids.is_empty());
    assert_eq!(remote.import_sources().await.unwrap(), [remote.import_source(made.id).await.unwrap()]);
    remote.upsert_page(made.id, &page("a"), ON).await.expect("a deactivated source takes pages");
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_followed_to_its_end() {
    let remote = simulator(SimulatorOptions::default());
    let source = remote.create_import_source("https://e.com", &[]).await.unwrap().id;
    for n in 0..101 {
        remote.upsert_page(source, &page(&n.to_string()), ON).await.unwrap();
    }
    let (mut from, mut seen) = (None, Vec::new());
    loop {
        let listing = remote.list_pages(from.as_ref()).await.unwrap();
        assert_eq!(listing.total_count, Some(101));
        seen.extend(listing.pages);
        from = listing.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), remote.traffic().requests), (101, 105));
    assert_eq!(remote.pages().unwrap().len(), 101);
    assert!(remote.list_pages(Some(&Cursor("elsewhere".into()))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn faults_become_errors_of_their_class_and_a_lost_answer_was_carried_out() {
    let remote = simulator(SimulatorOptions::default());
    let source = remote.create_import_source("https://e.com", &[]).await.unwrap().id;
    let status = |code| Fault::Status { code, retry_after_s: Some(3), field: None };
    let held = || remote.pages().unwrap().len();
    let mut results = Vec::new();
    for (n, fault) in [status(401), status(422), status(402), status(503), Fault::Drop].into_iter().enumerate() {
        remote.inject(FaultRule::new("upsert_page", fault).count(1)).unwrap();
        results.push(remote.upsert_page(source, &page(&n.to_string()), ON).await.unwrap_err());
    }
    assert_eq!(held(), 0, "none of them was carried out");
    assert!(matches!(results[0], RemoteError::Unauthorized { .. }));
    assert!(matches!(results[1], RemoteError::Rejected { status: 422, .. }));
    assert!(matches!(results[2], RemoteError::Refused { .. }));
    assert!(
        matches!(results[3], RemoteError::Transient { retry_after: Some(wait), .. } if wait == Duration::from_secs(3))
    );
    assert!(matches!(results[4], RemoteError::Transient { retry_after: None, .. }));
    for (n, fault) in [Fault::LostAnswer, Fault::TruncatedBody].into_iter().enumerate() {
        remote.inject(FaultRule::new("upsert_page", fault).count(1)).unwrap();
        let lost = remote.upsert_page(source, &page(&format!("lost {n}")), ON).await;
        assert!(matches!(lost, Err(RemoteError::Transient { .. })));
    }
    assert_eq!(held(), 2, "both were carried out");
    assert_eq!(remote.stats().faults.values().sum::<u64>(), 7);
    let fates: Vec<_> = remote.journal(1, 10).into_iter().map(|entry| (entry.status, entry.fault)).collect();
    assert_eq!(fates[4..6], [(None, Some("drop")), (Some(200), Some("lost_answer"))]);
    remote.inject(FaultRule::new("*", Fault::Drop)).unwrap();
    remote.clear_faults();
    remote.upsert_page(source, &page("after"), ON).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn latency_passes_under_the_runtimes_own_clock() {
    let latency = Some((Duration::from_millis(80), Duration::from_millis(350)));
    let remote = simulator(SimulatorOptions { latency, ..SimulatorOptions::default() });
    let begun = tokio::time::Instant::now();
    for _ in 0..10 {
        remote.import_sources().await.unwrap();
    }
    let took = begun.elapsed();
    assert!((Duration::from_millis(800)..=Duration::from_millis(3_600)).contains(&took), "{took:?}");
    remote.inject(FaultRule::new("*", Fault::SlowBody { ms: 20_000 }).count(1)).unwrap();
    remote.import_sources().await.unwrap();
    assert!(begun.elapsed() >= took + Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_says_how_long_to_wait() {
    let hands = Hands::new();
    let limit = Some("2/10s".parse().unwrap());
    let options = SimulatorOptions { rate_limit: limit, ..SimulatorOptions::default() };
    let remote = Simulator::open(options, hands.clock()).unwrap();
    hands.advance(3_500);
    for _ in 0..2 {
        remote.import_sources().await.unwrap();
    }
    match remote.import_sources().await {
        Err(RemoteError::Transient { retry_after, message }) => {
            assert_eq!(retry_after, Some(Duration::from_millis(6_500)));
            assert!(message.contains("Exceeded rate limit of 2 in 10_seconds"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    hands.advance(6_500);
    remote.import_sources().await.unwrap();
    assert_eq!(remote.stats().with_status(429), 1);
}

#[tokio::test(start_paused = true)]
async fn html_comes_back_otherwise_but_is_kept_as_it_was_sent() {
    let remote = simulator(SimulatorOptions { normalise_html: true, ..SimulatorOptions::default() });
    let source = remote.create_import_source("https://e.com", &[]).await.unwrap().id;
    let sent = page("a");
    let answered = remote.upsert_page(source, &sent, ON).await.unwrap();
    assert_ne!(answered.html, sent.html);
    assert_eq!(remote.page(&answered.id).await.unwrap().html, answered.html, "always in the same spelling");
    assert_eq!(remote.find_page(source.0, "a").unwrap().unwrap().html, sent.html);
}

#[tokio::test(start_paused = true)]
async fn a_hand_in_intercom_is_seen_through_the_door() {
    let remote = simulator(SimulatorOptions::default());
    let source = remote.create_import_source("https://e.com", &[]).await.unwrap().id;
    let made = remote.upsert_page(source, &page("a"), ON).await.unwrap();
    let id = made.id.as_str().parse().unwrap();
    remote.edit_page(id, |page| page.ai_agent = false).unwrap();
    assert!(!remote.upsert_page(source, &page("a"), KEEP).await.unwrap().switches.ai_agent);
    remote.remove_page(id).unwrap();
    let anew = remote.upsert_page(source, &page("a"), KEEP).await.unwrap();
    assert!(anew.id != made.id && anew.switches == Switches { ai_agent: false, ai_copilot: false });
}
