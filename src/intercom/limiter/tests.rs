//! The pace against modelled servers: fixed and sliding windows, latency that jitters, other clients.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// What a sliding window calls its reset: Intercom does not say, so both must do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fixed,
    SlidingResetsWhenTheOldestLeaves,
    SlidingResetsInOneWindow,
}

const KINDS: [Kind; 3] = [Kind::Fixed, Kind::SlidingResetsWhenTheOldestLeaves, Kind::SlidingResetsInOneWindow];

struct Server {
    kind: Kind,
    limit: u32,
    /// Between the test's zero and the server's unix time.
    clock: Duration,
    taken: VecDeque<Duration>,
}

impl Server {
    fn take(&mut self, at: Duration) -> RateHeaders {
        let now = self.clock + at;
        let start = match self.kind {
            Kind::Fixed => Duration::from_secs(now.as_secs() / 10 * 10),
            _ => now.saturating_sub(WINDOW) + Duration::from_nanos(1),
        };
        while self.taken.front().is_some_and(|t| *t < start) {
            self.taken.pop_front();
        }
        let exceeded = self.taken.len() >= self.limit as usize;
        if !exceeded {
            self.taken.push_back(now);
        }
        let reset = match self.kind {
            Kind::Fixed => start + WINDOW,
            Kind::SlidingResetsInOneWindow => now + WINDOW,
            Kind::SlidingResetsWhenTheOldestLeaves => self.taken.front().map_or(now, |t| *t + WINDOW),
        };
        RateHeaders {
            limit: Some(self.limit),
            remaining: Some(self.limit - u32::try_from(self.taken.len()).unwrap()),
            reset: i64::try_from(reset.as_secs() + u64::from(reset.subsec_nanos() > 0)).ok(),
            date: i64::try_from(now.as_secs()).ok(),
            retry_after: None,
            exceeded,
            authentic: true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Scene {
    kind: Kind,
    limit: u32,
    share: f64,
    in_flight: usize,
    latency: (Duration, Duration),
    /// The part of the latency that lies before the server counts the request.
    outward: f64,
    /// Another client: a burst of so many calls once in each window.
    others: Option<u32>,
    seed: u64,
}

impl Scene {
    fn new(kind: Kind, limit: u32, seed: u64) -> Self {
        let in_flight = if limit > 1000 { 80 } else { 16 };
        let latency = (80 * MS, 350 * MS);
        Self { kind, limit, share: 1.0, in_flight, latency, outward: 0.0, others: None, seed }
    }
}

#[derive(Debug, Default)]
struct Outcome {
    /// Requests of ours that were taken within six windows.
    taken: u32,
    /// 429s that we got.
    refused: u32,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrive(usize),
    Answer(usize),
    Wake,
    Others(u32),
}

struct Chance(u64);

impl Chance {
    fn part(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from((self.0 >> 40) as u32) / f64::from(1u32 << 24)
    }

    fn between(&mut self, range: (Duration, Duration)) -> Duration {
        range.0 + range.1.saturating_sub(range.0).mul_f64(self.part())
    }
}

/// Six windows with endless work to send.
fn run(scene: Scene) -> Outcome {
    let zero = Instant::now();
    let mut chance = Chance(scene.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let clock = Duration::from_secs(1_700_000_000) + 10 * S.mul_f64(chance.part());
    let mut server = Server { kind: scene.kind, limit: scene.limit, clock, taken: VecDeque::new() };
    let mut pace = Pace::new(scene.share);
    let (mut outcome, mut under_way) = (Outcome::default(), 0);
    // Like the one request whose turn it is: no wake is set while one is.
    let mut asleep = true;
    let mut requests: Vec<(Ticket, Duration, RateHeaders)> = Vec::new();
    let mut events = BinaryHeap::from([Reverse((Duration::ZERO, Event::Wake))]);
    if let Some(burst) = scene.others {
        let first = 10 * S.mul_f64(chance.part());
        for window in 0..6 {
            events.push(Reverse((first + (10 * S + MS) * window, Event::Others(burst))));
        }
    }
    while let Some(Reverse((at, event))) = events.pop() {
        if at > 60 * S {
            break;
        }
        match event {
            Event::Wake => asleep = false,
            Event::Others(burst) => {
                for _ in 0..burst {
                    server.take(at);
                }
            }
            Event::Arrive(id) => {
                let said = server.take(at);
                if said.exceeded {
                    outcome.refused += 1;
                } else {
                    outcome.taken += 1;
                }
                requests[id].2 = said;
                events.push(Reverse((at + requests[id].1, Event::Answer(id))));
            }
            Event::Answer(id) => {
                under_way -= 1;
                pace.answered(requests[id].0, zero + at, &requests[id].2);
            }
        }
        while under_way < scene.in_flight && !asleep {
            match pace.ask(zero + at) {
                Turn::Go(ticket) => {
                    let latency = chance.between(scene.latency);
                    let out = latency.mul_f64(scene.outward);
                    events.push(Reverse((at + out, Event::Arrive(requests.len()))));
                    requests.push((ticket, latency.saturating_sub(out), RateHeaders::default()));
                    under_way += 1;
                }
                // The runtime's timer has a tick of a millisecond, and a busy machine is late.
                Turn::At(when) => {
                    let tick = Duration::from_millis(u64::try_from((when - zero).as_millis()).unwrap() + 1);
                    events.push(Reverse((tick + chance.between((Duration::ZERO, 2 * MS)), Event::Wake)));
                    asleep = true;
                }
                Turn::AfterAnswer => break,
                Turn::TooLong(wait) => panic!("{wait:?} in {scene:?}"),
            }
        }
    }
    outcome
}

#[test]
fn alone_it_uses_the_window_and_is_never_refused() {
    for (limit, outward) in [(167, 0.0), (167, 0.5), (1667, 0.0), (1667, 0.5)] {
        for kind in KINDS {
            for seed in 1..=10 {
                let scene = Scene { outward, ..Scene::new(kind, limit, seed) };
                let outcome = run(scene);
                let used = f64::from(outcome.taken) / f64::from(6 * limit);
                assert!(used >= 0.97 && outcome.refused == 0, "{used:.4} {outcome:?} {scene:?}");
            }
        }
    }
}

#[test]
fn a_share_leaves_room_for_others_and_their_bursts() {
    for limit in [167, 1667] {
        for kind in KINDS {
            for seed in 1..=20 {
                let others = Some(limit / 5);
                let scene = Scene { share: 0.75, others, outward: 0.5, ..Scene::new(kind, limit, seed) };
                let outcome = run(scene);
                let used = f64::from(outcome.taken) / f64::from(6 * limit);
                assert!(used >= 0.97 * 0.75 && outcome.refused == 0, "{used:.4} {outcome:?} {scene:?}");
            }
        }
    }
}

#[test]
fn where_others_take_more_than_is_left_to_them_it_brakes() {
    for kind in KINDS {
        for seed in 1..=20 {
            let scene = Scene { share: 0.9, others: Some(167 / 5), outward: 0.5, ..Scene::new(kind, 167, seed) };
            let outcome = run(scene);
            assert!(outcome.refused <= 12 && outcome.taken > 167 * 6 * 4 / 10, "{outcome:?} {scene:?}");
        }
    }
}

fn said(remaining: u32, reset: i64, date: i64) -> RateHeaders {
    let (limit, remaining) = (Some(100), Some(remaining));
    RateHeaders { limit, remaining, reset: Some(reset), date: Some(date), authentic: true, ..RateHeaders::default() }
}

fn exceeded(retry_after: Option<Duration>) -> RateHeaders {
    RateHeaders { retry_after, exceeded: true, ..said(0, 1_000_007, 1_000_000) }
}

/// A pace that knows its limit, the present, and the last ticket.
fn paced(share: f64) -> (Pace, Instant, Ticket) {
    let (mut pace, now) = (Pace::new(share), Instant::now());
    let first = go(&mut pace, now);
    pace.answered(first, now, &said(99, 1_000_009, 1_000_000));
    (pace, now, first)
}

fn go(pace: &mut Pace, now: Instant) -> Ticket {
    match pace.ask(now) {
        Turn::Go(ticket) => ticket,
        other => panic!("expected to go, not {other:?}"),
    }
}

fn held(pace: &mut Pace, now: Instant) -> Duration {
    match pace.ask(now) {
        Turn::At(when) => when - now,
        other => panic!("expected to wait, not {other:?}"),
    }
}

#[test]
fn before_the_first_answer_a_few_requests_go_out_and_the_rest_wait_for_it() {
    let (mut pace, now) = (Pace::new(1.0), Instant::now());
    let tickets: Vec<_> = (0..FIRST).map(|_| go(&mut pace, now)).collect();
    assert!(matches!(pace.ask(now), Turn::AfterAnswer));
    pace.ended(tickets[0]);
    go(&mut pace, now);
    assert!(matches!(pace.ask(now), Turn::AfterAnswer), "an answer that never came teaches nothing");
    pace.answered(tickets[1], now, &said(96, 1_000_009, 1_000_000));
    let wait = held(&mut pace, now);
    assert!(
        wait > 4 * 10 * S / 100 && wait < 5 * 10 * S / 100,
        "what left already was part of the even pace: {wait:?}"
    );
}

#[test]
fn without_a_limit_there_is_no_pace_but_an_answer_to_bad_credentials_does_not_say_so() {
    let (mut pace, now) = (Pace::new(0.5), Instant::now());
    let ticket = go(&mut pace, now);
    pace.answered(ticket, now, &RateHeaders::default());
    assert!(!pace.is_free());
    let ticket = go(&mut pace, now);
    pace.answered(ticket, now, &RateHeaders { authentic: true, ..RateHeaders::default() });
    assert!(pace.is_free());
    for _ in 0..1000 {
        go(&mut pace, now);
    }
}

#[test]
fn after_a_429_everybody_waits_as_told_and_then_one_goes_alone() {
    let (mut pace, now, _) = paced(1.0);
    let now = now + S;
    let (one, two) = (go(&mut pace, now), go(&mut pace, now + S));
    pace.answered(one, now + S, &exceeded(None));
    assert_eq!(held(&mut pace, now + S), 7 * S, "the reset, read against the answer's own date");
    pace.answered(two, now + S, &exceeded(Some(9 * S)));
    assert_eq!(held(&mut pace, now + S), 9 * S, "the longest counts");
    let alone = go(&mut pace, now + 10 * S);
    assert!(matches!(pace.ask(now + 10 * S), Turn::AfterAnswer));
    pace.answered(alone, now + 11 * S, &said(99, 1_000_017, 1_000_011));
    go(&mut pace, now + 11 * S);
    go(&mut pace, now + 12 * S);
}

#[test]
fn a_wait_beyond_patience_is_handed_to_the_caller() {
    let (mut pace, now, _) = paced(1.0);
    let ticket = go(&mut pace, now + S);
    pace.answered(ticket, now + S, &exceeded(Some(600 * S)));
    assert!(matches!(pace.ask(now + S), Turn::TooLong(wait) if wait == 600 * S));
    go(&mut pace, now + 601 * S);
}

#[test]
fn what_arrives_late_from_an_older_window_is_ignored() {
    let (mut pace, now, _) = paced(0.9);
    let late = go(&mut pace, now + S);
    let fresh = go(&mut pace, now + 11 * S);
    pace.answered(fresh, now + 11 * S, &said(98, 1_000_019, 1_000_011));
    pace.answered(late, now + 11 * S, &RateHeaders { limit: Some(1), ..said(0, 1_000_009, 1_000_002) });
    assert_eq!(pace.limit, Limit::Known { calls: 100, window: WINDOW });
    go(&mut pace, now + 12 * S);
}

#[test]
fn a_window_that_others_have_used_up_is_waited_out() {
    let (mut pace, now, _) = paced(0.9);
    let ticket = go(&mut pace, now + S);
    pace.answered(ticket, now + S, &said(0, 1_000_009, 1_000_001));
    assert_eq!(held(&mut pace, now + S), 8 * S);
    let (mut pace, now, _) = paced(0.9);
    let ticket = go(&mut pace, now + S);
    pace.answered(ticket, now + S, &said(1, 1_000_009, 1_000_001));
    assert_eq!(held(&mut pace, now + S), WINDOW / PAUSE);
    let ticket = go(&mut pace, now + 2 * S);
    pace.answered(ticket, now + 2 * S, &said(1, 1_000_009, 1_000_002));
    assert_eq!(held(&mut pace, now + 2 * S), WINDOW / PAUSE * 2, "it did not help, so longer");
}

#[test]
fn a_longer_window_than_intercoms_is_believed() {
    let (mut pace, now) = (Pace::new(1.0), Instant::now());
    let ticket = go(&mut pace, now);
    pace.answered(ticket, now, &said(99, 1_000_060, 1_000_000));
    assert_eq!(pace.limit, Limit::Known { calls: 100, window: 60 * S });
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_together_leave_one_by_one() {
    let limiter = Limiter::new(1.0);
    let began = Instant::now();
    let work = async |limiter: &Limiter| {
        for _ in 0..25 {
            let pass = limiter.pass().await.unwrap();
            tokio::time::sleep(100 * MS).await;
            pass.answered(&said(50, 1_000_009, 1_000_000));
        }
    };
    tokio::join!(work(&limiter), work(&limiter), work(&limiter), work(&limiter));
    let took = began.elapsed();
    assert!(took > 99 * S / 10 && took < 104 * S / 10, "a hundred calls of a hundred per ten seconds: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_makes_room_for_the_next() {
    let limiter = Limiter::new(1.0);
    let mut passes = Vec::new();
    for _ in 0..FIRST {
        passes.push(limiter.pass().await.unwrap());
    }
    let next = async { limiter.pass().await.is_ok() };
    let drop_one = async { drop(passes.pop()) };
    let both = async { tokio::join!(next, drop_one).0 };
    assert!(tokio::time::timeout(S, both).await.unwrap());
}

#[test]
fn the_part_of_the_window_that_is_used_is_what_the_newest_answer_says_until_the_window_is_over() {
    let (mut pace, now) = (Pace::new(0.9), Instant::now());
    assert_eq!(pace.used(now), None);
    let said = |remaining, exceeded| RateHeaders {
        limit: Some(1000),
        remaining: Some(remaining),
        reset: Some(108),
        date: Some(100),
        exceeded,
        authentic: true,
        ..RateHeaders::default()
    };
    let answer = |pace: &mut Pace, at: Instant, said: &RateHeaders| {
        let Turn::Go(ticket) = pace.ask(at) else { panic!("{pace:?}") };
        pace.answered(ticket, at, said);
    };
    answer(&mut pace, now, &said(750, false));
    assert_eq!((pace.used(now), pace.used(now + 7 * S), pace.used(now + 8 * S)), (Some(0.25), Some(0.25), Some(0.0)));
    // An answer without the headers says nothing of it.
    answer(&mut pace, now + S, &RateHeaders { authentic: true, ..RateHeaders::default() });
    assert_eq!(pace.used(now + S), Some(0.25));
    answer(&mut pace, now + 2 * S, &said(750, true));
    assert_eq!(pace.used(now + 2 * S), Some(1.0));
}
