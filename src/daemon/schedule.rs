//! When a source is looked at though nothing asks for it: an interval with jitter, or a cron expression in a time zone.
//!
//! Pure: the time and chance come in as values. Invariant: there is always a next time, and it lies ahead.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Intervals are stretched or shortened by up to this part, so that sources that began together do not stay together.
const JITTER: f64 = 0.1;
/// The wait where a cron expression has no next time, or none that can be reckoned with.
const NEVER: Duration = Duration::from_hours(24);

/// When a source is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Again and again.
    Every(Duration),
    /// By a cron expression.
    Cron(Box<CronSchedule>),
}

/// A cron expression, read, with the zone that its hours are of.
#[derive(Clone, Debug)]
pub struct CronSchedule {
    written: String,
    cron: Cron,
    zone: TimeZone,
}

impl PartialEq for CronSchedule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for CronSchedule {}

impl CronSchedule {
    /// Reads five fields, or six with seconds before them; `CRON_TZ=Europe/Berlin` or `TZ=…` before them names the zone
    /// (as cron daemons of several systems have it), else it is this machine's. Fails with what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let written = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (zone, fields) = match written.split_once(' ') {
            Some((first, rest)) if first.starts_with("CRON_TZ=") || first.starts_with("TZ=") => {
                let name = first.split_once('=').map_or("", |(_, name)| name);
                let zone = TimeZone::get(name)
                    .map_err(|_| format!("no time zone `{name}` is known here: write it as `Europe/Berlin`"))?;
                (zone, rest)
            }
            _ => (TimeZone::system(), written.as_str()),
        };
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = parser.parse(fields).map_err(|error| format!("not a cron expression ({error})"))?;
        Ok(Self { written, cron, zone })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&after.to_zoned(self.zone.clone()), false).ok()?;
        Some(next.timestamp()).filter(|next| *next > after)
    }
}

impl Schedule {
    /// How long to wait from now on. `chance` is in `0..=1`.
    #[must_use]
    pub fn wait(&self, now: Timestamp, chance: f64) -> Duration {
        match self {
            Self::Every(interval) => interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0)),
            Self::Cron(cron) => cron.next(now).map_or(NEVER, |next| between(now, next)),
        }
    }

    /// The least time between two looks that it asks for; of a cron expression, `otherwise`.
    #[must_use]
    pub fn least(&self, otherwise: Duration) -> Duration {
        match self {
            Self::Every(interval) => interval.mul_f64(1.0 - JITTER),
            Self::Cron(_) => otherwise,
        }
    }

    /// The time between two looks: of a cron expression, the longest of the next few.
    #[must_use]
    pub fn interval(&self, now: Timestamp) -> Duration {
        match self {
            Self::Every(interval) => *interval,
            Self::Cron(cron) => {
                let times = std::iter::successors(cron.next(now), |before| cron.next(*before)).take(10);
                let times: Vec<Timestamp> = times.collect();
                let longest = times.windows(2).map(|pair| between(pair[0], pair[1])).max();
                longest.unwrap_or(NEVER)
            }
        }
    }
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(text: &str) -> Schedule {
        Schedule::Cron(Box::new(CronSchedule::read(text).unwrap()))
    }

    #[test]
    fn intervals_are_spread_by_a_tenth() {
        let every = Schedule::Every(Duration::from_mins(10));
        let waits: Vec<_> =
            [0.0, 0.5, 1.0].map(|chance| every.wait(at("2026-01-01T00:00:00Z"), chance).as_secs()).into();
        assert_eq!(waits, [540, 600, 660]);
    }

    #[test]
    fn hours_are_those_of_the_zone_also_where_its_clocks_change() {
        let berlin = cron("CRON_TZ=Europe/Berlin 30 2 * * *");
        for (now, next) in
            [("2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z"), ("2026-07-01T00:00:00Z", "2026-07-01T00:30:00Z")]
        {
            assert_eq!(at(now) + berlin.wait(at(now), 0.0), at(next));
        }
        // At 2 the clocks of that night go to 3: it runs within that night all the same, or the next, and always ahead.
        let now = at("2026-03-28T23:00:00Z");
        let wait = berlin.wait(now, 0.0);
        assert!(wait > Duration::ZERO && wait <= Duration::from_hours(26), "{wait:?}");
    }

    #[test]
    fn the_interval_of_a_cron_expression_is_its_longest_pause() {
        let now = at("2026-01-02T00:00:00Z");
        assert_eq!(cron("TZ=UTC */5 * * * *").interval(now), Duration::from_mins(5));
        assert_eq!(cron("TZ=UTC 0 9,12 * * *").interval(now), Duration::from_hours(21));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in ["* * * *", "61 * * * *", "TZ=Nowhere/Never * * * * *", "five"] {
            assert!(CronSchedule::read(wrong).is_err(), "{wrong}");
        }
        assert!(CronSchedule::read("*/10 * * * * *").is_ok());
    }
}
