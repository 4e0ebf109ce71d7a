//! What holds of every plan: random documents against random entries, then the plan carried out on a model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A document as a fixture's line has it: small numbers, so that ids, urls and bytes collide often.
fn documents() -> impl Strategy<Value = Vec<Observed>> {
    let one = (0..8_u8, 0..4_u8, 0..12_u8, 0..10_u8);
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let by_path: BTreeMap<String, Observed> = all
            .into_iter()
            .map(|(name, bytes, kind, id)| {
                let path = format!("{name}.md");
                let mut words = vec![format!("bytes={bytes}")];
                match kind {
                    0 => words.push("draft".into()),
                    1 => words.push("broken".into()),
                    2 => words.push("unreadable".into()),
                    3 => words.push(format!("url=/same{}", id % 3)),
                    4 => words.push(format!("id=x{}", id % 3)),
                    5 => words.push("until=-1".into()),
                    6 => words.push("nourl".into()),
                    _ => {}
                }
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                (path.clone(), document(&path, &words))
            })
            .collect();
        by_path.into_values().collect()
    })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((0..10_u8, 0..4_u8, 0..8_u8), 0..12).prop_map(|all| {
        let by_id: BTreeMap<String, Entry> = all
            .into_iter()
            .map(|(name, bytes, kind)| {
                let id = if kind == 5 { format!("x{}", name % 3) } else { format!("{name}.md") };
                let path = format!("path={name}.md");
                let state = ["doubt", "unknown", "rejected=1", "missed=1@90"].get(usize::from(kind)).copied();
                let bytes = format!("bytes={bytes}");
                let words: Vec<&str> = [path.as_str(), bytes.as_str()].into_iter().chain(state).collect();
                (id.clone(), entry(&id, &words))
            })
            .collect();
        by_id.into_values().collect()
    })
}

fn input<'a>(documents: &'a [Observed], entries: &'a [Entry], problems: &'a [Problem]) -> Input<'a> {
    Input {
        documents,
        entries,
        problems,
        delisted: &[],
        patterns: &NOTHING,
        recent_deletes: 0,
        release: None,
        retry_rejected: false,
    }
}

static NOTHING: Excluding = Excluding(Vec::new());

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// The entries as they are once every step was acknowledged.
fn carried_out(plan: &Plan<'_>, entries: &[Entry]) -> Vec<Entry> {
    let mut after: BTreeMap<ExternalId, Entry> =
        entries.iter().map(|entry| (entry.external_id.clone(), entry.clone())).collect();
    for (entry, missed) in &plan.missed {
        after.get_mut(&entry.external_id).unwrap().missed = *missed;
    }
    for entry in &plan.dropped {
        after.remove(&entry.external_id);
    }
    for step in &plan.steps {
        match *step {
            Step::Create { document, page } | Step::Update { document, page, .. } => {
                after.insert(document.external_id.clone(), acknowledged(document, page));
            }
            Step::Rename { document, page, entry } => {
                after.remove(&entry.external_id);
                after.insert(document.external_id.clone(), acknowledged(document, page));
            }
            Step::Delete { entry, .. } => {
                after.remove(&entry.external_id);
            }
            Step::HoldDelete { .. } | Step::HoldNew { .. } => {}
        }
    }
    after.into_values().collect()
}

fn acknowledged(document: &Observed, page: &Outline) -> Entry {
    Entry {
        external_id: document.external_id.clone(),
        path: document.path.clone(),
        page_id: Some(PageId::new("7")),
        created_at_ms: Some(NOW * 1000),
        acknowledged: Some(Acknowledged {
            content_hash: page.content_hash,
            body: page.body,
            recipe: page.recipe,
            source_hash: document.source_hash,
            title: page.title.clone(),
            url: document.url.clone(),
        }),
        doubt: None,
        missed: None,
        rejected: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// I5: one step for each id, a rename for both of its; upserts before deletes, holds last.
    #[test]
    fn each_id_has_one_step_and_upserts_come_first(documents in documents(), entries in entries()) {
        let plan = plan(input(&documents, &entries, &[]), &policy(), now());
        let mut ids: Vec<&ExternalId> = plan.steps.iter().map(Step::external_id).collect();
        ids.extend(plan.steps.iter().filter_map(|step| match step {
            Step::Rename { entry, .. } => Some(&entry.external_id),
            _ => None,
        }));
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count, "{}", plan);
        let ranks: Vec<u8> = plan.steps.iter().map(|step| step.order().0).collect();
        prop_assert!(ranks.is_sorted(), "{}", plan);
    }

    /// I2: without a complete scan nothing is deleted, renamed, or counted as missing.
    #[test]
    fn a_scan_with_a_problem_takes_nothing_away(documents in documents(), entries in entries()) {
        let problems = [Problem { path: "sub".into(), message: "permission denied".into() }];
        let plan = plan(input(&documents, &entries, &problems), &policy(), now());
        let takes_away = |step: &Step<'_>| matches!(step, Step::Delete { .. } | Step::Rename { .. } | Step::HoldDelete { .. });
        prop_assert!(!plan.steps.iter().any(takes_away) && plan.dropped.is_empty(), "{}", plan);
        prop_assert!(plan.missed.iter().all(|(_, missed)| missed.is_none()), "{}", plan);
    }

    /// I2 and I6: what a failing or a doubly claimed document has in Fin stays.
    #[test]
    fn what_a_document_in_trouble_has_in_fin_stays(documents in documents(), entries in entries()) {
        let plan = plan(input(&documents, &entries, &[]), &policy(), now());
        for step in &plan.steps {
            let Step::Delete { entry, .. } = step else { continue };
            let failed = |f: &PageFailure<'_>| {
                f.document.external_id == entry.external_id || f.document.path == entry.path
            };
            prop_assert!(!plan.failed.iter().any(failed), "{}", plan);
        }
    }

    /// I4: once a plan is carried out, the next one is empty but for holds and rejected pages.
    #[test]
    fn a_plan_that_is_carried_out_leaves_nothing_to_do(documents in documents(), entries in entries()) {
        let first = plan(input(&documents, &entries, &[]), &policy(), now());
        let after = carried_out(&first, &entries);
        let second = plan(input(&documents, &after, &[]), &policy(), now());
        prop_assert!(!second.sends(), "first:\n{}\nsecond:\n{}", first, second);
    }

    /// I3: a plan deletes all that is due, or none of it.
    #[test]
    fn deletes_are_within_the_limits(documents in documents(), entries in entries()) {
        let plan = plan(input(&documents, &entries, &[]), &policy(), now());
        let deletes = plan.steps.iter().filter(|step| matches!(step, Step::Delete { .. })).count();
        let in_fin = entries.iter().filter(|entry| entry.may_exist()).count();
        prop_assert!(deletes == 0 || (deletes < in_fin && (deletes < 2 || deletes * 2 <= in_fin)), "{}", plan);
        prop_assert!(deletes == 0 || plan.held.is_none(), "{}", plan);
    }
}
