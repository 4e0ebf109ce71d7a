//! Dates of documents: read as Ruby reads those that people write in front matter, and put into the site's time zone.
//!
//! Without `timezone` Jekyll takes the zone of the machine that builds the site; it is taken to be UTC, as it is where sites
//! are built on servers (GitHub Pages, GitHub Actions, Netlify). A zone is not looked up by its name: where the day could be
//! another one in it, the date is unknown.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// A moment as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    date: Date,
    /// Time of day, and the offset from UTC in seconds if there is one.
    time: Option<(Time, Option<i64>)>,
}

/// The site's time zone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// Offsets from UTC, in hours, that it may have: the least and the greatest.
    Between(i64, i64),
}

impl Zone {
    pub(super) fn of(name: Option<&str>) -> Self {
        let name = name.unwrap_or("UTC").trim();
        let region = name.split('/').next().unwrap_or_default();
        let (least, greatest) = match region {
            "UTC" | "GMT" | "Zulu" | "Universal" | "UCT" => (0, 0),
            "Etc" if matches!(name, "Etc/UTC" | "Etc/GMT" | "Etc/UCT" | "Etc/Zulu" | "Etc/Universal") => (0, 0),
            "Europe" => (-1, 5),
            "Africa" => (-1, 4),
            "America" | "US" | "Canada" | "Brazil" | "Mexico" | "Chile" => (-11, 0),
            "Asia" => (2, 13),
            "Australia" => (8, 12),
            "Atlantic" => (-4, 1),
            "Indian" => (3, 7),
            _ => (-12, 14),
        };
        Self::Between(least, greatest)
    }
}

impl Moment {
    /// `2024-03-01`, `2024-03-01 10:00`, `2024-03-01T10:00:00.5+01:00`, `2024-3-1 10:00:00 +0100`; of others nothing is known.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 64 || !text.is_ascii() {
            return None;
        }
        let end = text.find([' ', 'T', 't']).unwrap_or(text.len());
        let (day, rest) = (&text[..end], text[end..].trim_start_matches([' ', 'T', 't']));
        let mut numbers = day.split(['-', '/']);
        let (year, month, date) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let short = year.len() == 2;
        let year: i16 = year.parse().ok()?;
        // As Ruby completes years of two digits.
        let year = if short { if year < 69 { 2000 + year } else { 1900 + year } } else { year };
        let date =
            Date::new(year, month.parse().ok()?, date.parse().ok()?).ok().filter(|_| numbers.next().is_none())?;
        if rest.is_empty() {
            return Some(Self { date, time: None });
        }
        let end = rest.find([' ', '+', '-', 'Z', 'z', 'U', 'G']).unwrap_or(rest.len());
        let (clock, zone) = (&rest[..end], rest[end..].trim());
        let mut numbers = clock.split(':');
        let (hour, minute) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        let second = numbers.next().map_or(Some(0), |text| text.split('.').next()?.parse().ok())?;
        let time = Time::new(hour, minute, second, 0).ok()?;
        let offset = match zone {
            "" => None,
            "Z" | "z" | "UTC" | "GMT" => Some(0),
            zone => Some(offset(zone)?),
        };
        Some(Self { date, time: Some((time, offset)) })
    }

    /// The moment on the site's clocks; `Err` says why it is not known. Day and time of day: the latter is none where only
    /// the day is known.
    pub(super) fn on(self, zone: &Zone) -> Result<(Date, Option<Time>), String> {
        let Zone::Between(least, greatest) = *zone;
        let Some((time, offset)) = self.time else { return Ok((self.date, Some(Time::midnight()))) };
        let written = DateTime::from_parts(self.date, time);
        if let Some(offset) = offset.filter(|offset| (least * 3600..=greatest * 3600).contains(offset))
            && least != greatest
        {
            // The author wrote the site's own time, perhaps an hour off where the clocks change.
            let _ = offset;
            let is_safe = (1..23).contains(&time.hour());
            return if is_safe { Ok((self.date, None)) } else { Err(self.unclear()) };
        }
        let at = |hours: i64| written.checked_add(SignedDuration::from_secs(hours * 3600 - offset.unwrap_or(0))).ok();
        let (first, latest) = at(least).zip(at(greatest)).ok_or_else(|| self.unclear())?;
        if first.date() != latest.date() {
            return Err(self.unclear());
        }
        Ok((first.date(), (first == latest).then(|| first.time())))
    }

    /// The moment in Unix seconds, in the zone's middle where it does not say an offset.
    pub(super) fn unix_seconds(self, zone: &Zone) -> Option<i64> {
        let Zone::Between(least, greatest) = *zone;
        let (time, offset) = match self.time {
            Some((time, offset)) => (time, offset.unwrap_or(0)),
            None => (Time::midnight(), (least + greatest) * 1800),
        };
        let moment = DateTime::from_parts(self.date, time).to_zoned(TimeZone::UTC).ok()?;
        Some(moment.timestamp().as_second() - offset)
    }

    fn unclear(self) -> String {
        format!("which day its date ({}) is in the site's `timezone` is not known: write it without a time", self.date)
    }
}

/// `+0100`, `+01:00`, `+1`, in seconds.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, zone: Option<&str>) -> String {
        match Moment::read(text).map(|moment| moment.on(&Zone::of(zone))) {
            None => "unreadable".to_owned(),
            Some(Err(_)) => "unclear".to_owned(),
            Some(Ok((day, _))) => day.to_string(),
        }
    }

    #[test]
    fn a_day_is_the_sites_own_or_not_known() {
        for (text, zone, expected) in [
            ("2024-3-1", None, "2024-03-01"),
            ("20-1-2", Some("Asia/Tokyo"), "2020-01-02"),
            ("2024-03-01 23:30:00 -0200", None, "2024-03-02"),
            ("2024-03-01 23:30:00 -0200", Some("America/New_York"), "unclear"),
            ("2024-03-01 10:00:00 -0500", Some("America/New_York"), "2024-03-01"),
            ("2024-03-01 12:00", Some("Europe/Berlin"), "2024-03-01"),
            ("2024-03-01 02:00", Some("America/New_York"), "unclear"),
            ("March 1st", None, "unreadable"),
        ] {
            assert_eq!(day(text, zone), expected, "{text} {zone:?}");
        }
    }
}
