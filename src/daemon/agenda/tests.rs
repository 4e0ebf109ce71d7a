//! What is done when, told in seconds from the beginning.

use super::*;

/// An agenda whose first look has ended, and the moment of it.
fn rested() -> (Agenda, Instant) {
    let start = Instant::now();
    let mut agenda = Agenda::new(Duration::from_mins(5), start);
    assert_eq!(agenda.next(false, start), Some(Work::Whole));
    agenda.ended(well(), start);
    (agenda, start)
}

fn well() -> Ended {
    Ended { next_in: Duration::from_mins(5), ..Ended::default() }
}

fn after(start: Instant, seconds: f64) -> Instant {
    start + Duration::from_secs_f64(seconds)
}

fn paths(names: &[&str]) -> Vec<DocPath> {
    names.iter().map(|name| DocPath::new(*name)).collect()
}

#[test]
fn named_documents_are_looked_at_at_once_and_everything_once_it_is_quiet() {
    let (mut agenda, start) = rested();
    agenda.hear(paths(&["a.md"]), after(start, 10.0));
    assert_eq!(agenda.next(false, after(start, 10.0)), Some(Work::Partial(paths(&["a.md"]))));
    assert_eq!(agenda.next(false, after(start, 10.1)), None, "a source is never in two cycles");
    agenda.hear(paths(&["b.md"]), after(start, 10.2));
    agenda.ended(well(), after(start, 10.3));
    assert_eq!(agenda.next(false, after(start, 10.3)), Some(Work::Partial(paths(&["b.md"]))));
    agenda.ended(well(), after(start, 10.4));
    assert_eq!(agenda.next(false, after(start, 11.0)), None);
    assert_eq!(agenda.wakes(), Some(after(start, 11.2)));
    assert_eq!(agenda.next(false, after(start, 11.2)), Some(Work::Whole));
}

#[test]
fn a_stream_of_events_puts_the_whole_look_off_for_ten_seconds_at_most() {
    let (mut agenda, start) = rested();
    let mut looked = None;
    for tenth in 100..300 {
        let now = after(start, f64::from(tenth) / 10.0);
        agenda.hear(paths(&["a.md"]), now);
        match agenda.next(false, now) {
            Some(Work::Whole) => looked = looked.or(Some(now)),
            Some(_) => {}
            None => continue,
        }
        agenda.ended(well(), now);
    }
    assert_eq!(looked, Some(after(start, 20.0)));
}

#[test]
fn a_burst_is_one_whole_look_and_looks_leave_room_for_others() {
    let (mut agenda, start) = rested();
    for n in 0..1000 {
        agenda.hear(paths(&[&format!("{n}.md")]), after(start, 10.0));
    }
    assert_eq!(agenda.next(false, after(start, 10.0)), None);
    assert!(agenda.paths.len() <= MOST_DOCUMENTS + 1, "memory is bounded");
    assert_eq!(agenda.next(false, after(start, 11.0)), Some(Work::Whole));
    agenda.hear(Vec::new(), after(start, 12.0));
    agenda.ended(well(), after(start, 15.0));
    // It took 4 seconds: the next one that events ask for waits for four times that.
    agenda.hear(Vec::new(), after(start, 15.5));
    assert!(agenda.wakes().is_some_and(|wakes| wakes <= after(start, 31.0)));
    agenda.hear(Vec::new(), after(start, 50.0));
    assert_eq!(agenda.next(false, after(start, 51.0)), Some(Work::Whole));
}

#[test]
fn failures_wait_longer_each_time_but_not_for_a_person() {
    let (mut agenda, start) = rested();
    let failed = Ended { failed: true, ..well() };
    let mut now = after(start, 400.0);
    let mut waits = Vec::new();
    for _ in 0..9 {
        assert_eq!(agenda.next(false, now), Some(Work::Whole));
        agenda.ended(failed, now);
        agenda.hear(paths(&["a.md"]), now);
        assert_eq!(agenda.next(false, now), None, "an event is no reason to ask a place that failed");
        let wakes = agenda.wakes().unwrap();
        waits.push((wakes - now).as_secs());
        now = wakes;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(agenda.next(true, after(start, 401.0)), Some(Work::Whole));
    agenda.ended(well(), after(start, 402.0));
    assert_eq!(agenda.backoff(), (0, None));
}

#[test]
fn what_settles_is_looked_at_again_when_it_may_have_settled() {
    let (mut agenda, start) = rested();
    agenda.hear(Vec::new(), after(start, 10.0));
    assert_eq!(agenda.next(false, after(start, 10.2)), Some(Work::Whole));
    agenda.ended(Ended { settles_in: Some(Duration::from_secs(10)), ..well() }, after(start, 11.0));
    assert_eq!(agenda.wakes(), Some(after(start, 21.0)));
    assert_eq!(agenda.next(false, after(start, 21.0)), Some(Work::Whole));
}

#[test]
fn freshness_counts_from_the_oldest_change_that_is_not_acknowledged() {
    let (mut agenda, start) = rested();
    agenda.hear(paths(&["a.md"]), after(start, 10.0));
    assert_eq!(agenda.pending(), Some(after(start, 10.0)));
    assert!(matches!(agenda.next(false, after(start, 10.0)), Some(Work::Partial(_))));
    let after_partial = agenda.ended(well(), after(start, 10.5));
    assert_eq!(after_partial.waited, Some(Duration::from_millis(500)));
    assert_eq!(agenda.pending(), None);
    assert_eq!(agenda.next(false, after(start, 11.0)), Some(Work::Whole));
    agenda.hear(Vec::new(), after(start, 11.5));
    agenda.ended(well(), after(start, 12.0));
    assert!(agenda.pending().is_some(), "what came while it ran is not acknowledged by it");
}

#[test]
fn a_change_that_nobody_told_of_is_known_by_a_look_that_nothing_asked_for() {
    let (mut agenda, start) = rested();
    assert_eq!(agenda.next(false, after(start, 300.0)), Some(Work::Whole));
    assert!(agenda.ended(well(), after(start, 301.0)).is_unprompted);
    assert_eq!(agenda.next(false, after(start, 601.0)), Some(Work::Whole));
    agenda.hear(paths(&["a.md"]), after(start, 601.1));
    assert!(!agenda.ended(well(), after(start, 602.0)).is_unprompted);
}

#[test]
fn a_polled_folder_is_glanced_at_and_its_glances_cost_little() {
    let (mut agenda, start) = rested();
    agenda.poll(true, start);
    assert_eq!(agenda.next(false, after(start, 2.0)), Some(Work::Glance));
    agenda.ended(Ended::default(), after(start, 2.1));
    assert_eq!(agenda.wakes(), Some(after(start, 7.1)));
}
