//! Dates as people write them in front matter, in Unix seconds. Without a zone they are UTC; a day begins at midnight.

use jiff::civil::{Date, DateTime};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Spelled-out dates that templates of common generators write. Numbers alone in another order than year, month, day
/// are ambiguous and are not read.
const SPELLED: &[&str] =
    &["%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%Y/%m/%d", "%Y-%m-%d"];

/// The moment that a date names; `None` where it is no date that can be read without guessing.
pub(super) fn unix_seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let joined = join_zone(text);
    if let Ok(moment) = joined.parse::<Timestamp>() {
        return Some(moment.as_second());
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(zoned.timestamp().as_second());
    }
    if let Some(moment) = with_short_offset(&joined) {
        return Some(moment);
    }
    if let Ok(date) = SPELLED
        .iter()
        .find_map(|format| strtime::parse(format, text).ok())
        .map_or_else(|| Err(()), |parts| parts.to_date().map_err(|_| ()))
    {
        return at_utc(date.to_datetime(jiff::civil::Time::midnight()));
    }
    if let Ok(moment) = joined.parse::<DateTime>() {
        return at_utc(moment);
    }
    text.parse::<Date>().ok().and_then(|date| at_utc(date.to_datetime(jiff::civil::Time::midnight())))
}

fn at_utc(moment: DateTime) -> Option<i64> {
    moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

/// `2024-05-01 10:00:00 +0200` (Jekyll, git) is `2024-05-01 10:00:00+0200` to a parser.
fn join_zone(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((moment, zone)) if moment.contains(':') && zone.starts_with(['+', '-']) => format!("{moment}{zone}"),
        Some((moment, zone)) if moment.contains(':') && matches!(zone, "Z" | "UTC" | "GMT") => format!("{moment}Z"),
        _ => text.to_owned(),
    }
}

/// YAML allows an offset of hours alone, or a time without seconds before it, which RFC 3339 does not.
fn with_short_offset(text: &str) -> Option<i64> {
    let time = text.find([' ', 'T', 't'])?;
    let (moment, offset) = if let Some(moment) = text.strip_suffix(['Z', 'z']) {
        (moment, 0)
    } else {
        let sign = time + text[time..].find(['+', '-'])?;
        (&text[..sign], offset_seconds(&text[sign..])?)
    };
    let moment = moment.trim_end().parse::<DateTime>().ok()?;
    at_utc(moment.checked_sub(SignedDuration::from_secs(offset)).ok()?)
}

fn offset_seconds(offset: &str) -> Option<i64> {
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::unix_seconds;

    #[test]
    fn dates_and_times_in_every_common_spelling() {
        const TEN: i64 = 1_714_557_600; // 2024-05-01T10:00:00Z
        const DAY: i64 = 1_714_521_600; // 2024-05-01T00:00:00Z
        for text in [
            "2024-05-01T10:00:00Z",
            "2024-05-01 10:00:00Z",
            "2024-05-01 10:00:00 UTC",
            "2024-05-01T12:00:00+02:00",
            "2024-05-01 12:00:00 +0200",
            "2024-05-01 12:00:00 +2",
            "2024-05-01T12:00+02:00",
            "2024-05-01T10:00Z",
            "2024-05-01T10:00:00.25Z",
            "2024-05-01T10:00:00",
            "2024-05-01 10:00",
            "Wed, 01 May 2024 10:00:00 GMT",
        ] {
            assert_eq!(unix_seconds(text), Some(TEN), "{text}");
        }
        for text in ["2024-05-01", "2024-5-1", "2024/05/01", "May 1, 2024", "May 01 2024", "1 May 2024", " 2024-05-01 "]
        {
            assert_eq!(unix_seconds(text), Some(DAY), "{text}");
        }
    }

    #[test]
    fn what_would_be_a_guess_is_no_date() {
        for text in ["", "soon", "05/01/2024", "2024-13-01", "2024-05-01T25:00", "2024", "2024-05-01 10:00 +99", "é"] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
    }
}
