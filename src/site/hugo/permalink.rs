//! Patterns of permalinks: `/:year/:month/:slug/`.
//!
//! Source of the rules: Hugo's documentation ("URL management: permalinks"), and what Hugo 0.111 and 0.168 publish.

use super::path::Cleaning;

/// What the words of a pattern stand for.
pub(super) struct Page<'a> {
    pub(super) title: Option<&'a str>,
    /// `slug` of its front matter.
    pub(super) slug: Option<&'a str>,
    /// Its file's name without extension and language; of a bundle, its folder's.
    pub(super) file: &'a str,
    /// The sections that it is in, the outermost first.
    pub(super) sections: Vec<&'a str>,
    /// Year, month, day; `Err`: it has a date that cannot be read.
    pub(super) date: Result<Option<(i16, u8, u8)>, String>,
    pub(super) cleaning: Cleaning,
    /// Before 0.123 a `/` in a title stayed one.
    pub(super) is_old: bool,
}

impl Page<'_> {
    /// Fills in a pattern; `Err` says what of it cannot be known.
    pub(super) fn fill(&self, pattern: &str) -> Result<String, String> {
        let mut out = String::with_capacity(pattern.len() + 32);
        let mut rest = pattern;
        while let Some(at) = rest.find(':') {
            out.push_str(&rest[..at]);
            let word = &rest[at + 1..];
            let mut end = word.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(word.len());
            if let Some(close) = word[end..].starts_with('[').then(|| word[end..].find(']')).flatten() {
                end += close + 1;
            }
            // Go's own way to write a date has hyphens in it.
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                end = word.find('/').unwrap_or(word.len());
            }
            out.push_str(&self.word(&word[..end])?);
            rest = &word[end..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn word(&self, word: &str) -> Result<String, String> {
        let name = |text: &str| self.cleaning.name(text);
        let title = || {
            let title = self.title.ok_or("its place is made of its title, and it has none")?;
            let title = if self.is_old { title.to_owned() } else { title.replace('/', "-") };
            Ok::<String, String>(name(&title))
        };
        let slug = self.slug.map(|slug| name(slug).trim_matches('/').to_owned());
        Ok(match word {
            "title" => title()?,
            "slug" => slug.map_or_else(title, Ok)?,
            "filename" | "contentbasename" => self.own_name(),
            "slugorfilename" | "slugorcontentbasename" => slug.unwrap_or_else(|| self.own_name()),
            "section" => self.sections.first().map(|section| self.folder(section)).unwrap_or_default(),
            _ if word == "sections" || word.starts_with("sections[") => {
                let range = word["sections".len()..].trim_matches(['[', ']']);
                let picked = picked(&self.sections, range).ok_or_else(|| unknown(word))?;
                picked.iter().map(|section| self.folder(section)).collect::<Vec<_>>().join("/")
            }
            _ => self.dated(word)?,
        })
    }

    fn own_name(&self) -> String {
        self.cleaning.path(self.file, self.is_old)
    }

    fn folder(&self, name: &str) -> String {
        self.cleaning.path(name, self.is_old)
    }

    fn dated(&self, word: &str) -> Result<String, String> {
        // Without a date it is the first day of the first year.
        let (year, month, day) = self.date.clone()?.unwrap_or((1, 1, 1));
        let date = jiff::civil::Date::new(year, i8_of(month), i8_of(day)).map_err(|_| "its date is none".to_owned())?;
        let month_name = MONTHS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or_default();
        let weekday = usize::try_from(date.weekday().to_sunday_zero_offset()).unwrap_or_default();
        let weekday_name = WEEKDAYS.get(weekday).copied().unwrap_or_default();
        Ok(match word {
            "year" => year.to_string(),
            "month" => format!("{month:02}"),
            "day" => format!("{day:02}"),
            "monthname" => month_name.to_owned(),
            "weekday" => weekday.to_string(),
            "weekdayname" => weekday_name.to_owned(),
            "yearday" => date.day_of_year().to_string(),
            _ => {
                let filled = word.replace("2006", "\u{1}").replace("01", "\u{2}").replace("02", "\u{3}");
                let filled = filled
                    .replace('\u{1}', &format!("{year:04}"))
                    .replace('\u{2}', &format!("{month:02}"))
                    .replace('\u{3}', &format!("{day:02}"));
                let is_understood = !word.is_empty()
                    && word
                        .replace("2006", "")
                        .replace("01", "")
                        .replace("02", "")
                        .trim_matches(['-', '_', '.'])
                        .is_empty();
                if !is_understood {
                    return Err(unknown(word));
                }
                filled
            }
        })
    }
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn unknown(word: &str) -> String {
    format!("`:{word}` in its pattern of permalinks is not understood")
}

fn i8_of(number: u8) -> i8 {
    i8::try_from(number).unwrap_or_default()
}

/// `1:`, `:2`, `1:2`, `last`, `0` of a list.
fn picked<'s, 'a>(all: &'s [&'a str], range: &str) -> Option<&'s [&'a str]> {
    let number = |text: &str, otherwise: usize| match text {
        "" => Some(otherwise),
        "last" => Some(all.len().saturating_sub(1)),
        text => text.parse::<usize>().ok(),
    };
    if range.is_empty() {
        return Some(all);
    }
    let (from, to) = if let Some((from, to)) = range.split_once(':') {
        // `:last` ends before the last.
        (number(from, 0)?, number(to, all.len())?)
    } else {
        let at = number(range, 0)?;
        (at, at.saturating_add(1))
    };
    let to = to.min(all.len());
    Some(all.get(from.min(to)..to).unwrap_or_default())
}

/// Year, month and day that a date begins with, in its own zone.
pub(super) fn day(text: &str) -> Result<(i16, u8, u8), String> {
    let unreadable = || format!("its date `{}` cannot be read", text.chars().take(40).collect::<String>());
    let mut parts = text.get(..10).ok_or_else(unreadable)?.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let year = number(year, 4).and_then(|part| part.parse().ok()).ok_or_else(unreadable)?;
    let month = number(month, 2).and_then(|part| part.parse().ok()).ok_or_else(unreadable)?;
    let day = number(day, 2).and_then(|part| part.parse().ok()).ok_or_else(unreadable)?;
    Ok((year, month, day))
}

fn number(part: Option<&str>, digits: usize) -> Option<&str> {
    part.filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pattern: &str, slug: Option<&str>, is_old: bool) -> String {
        let page = Page {
            title: Some("The Té's  Ti/tle -- Ok (x)"),
            slug,
            file: "Some File",
            sections: vec!["Docs", "one", "two"],
            date: day("2021-03-04T23:30:00-05:00").map(Some),
            cleaning: Cleaning { keeps_case: false, removes_accents: false },
            is_old,
        };
        page.fill(pattern).unwrap_or_else(|why| why)
    }

    #[test]
    fn patterns_are_filled_as_hugo_does() {
        for (pattern, expected) in [
            ("/:year/:month/:day/:slug/", "/2021/03/04/the-tés-ti-tle--ok-x/"),
            ("/:sections/:filename", "/docs/one/two/some-file"),
            ("/:sections[1:]/:sections[last]/:sections[:last]/:sections[0]/", "/one/two/two/docs/one/docs/"),
            ("/:yearday/:weekday/:weekdayname/:monthname/", "/63/4/thursday/march/"),
            ("/h-:2006-01/x", "/h-2021-03/x"),
            ("/:nobody/", "`:nobody` in its pattern of permalinks is not understood"),
        ] {
            assert_eq!(filled(pattern, None, false), expected);
        }
        assert_eq!(filled("/:title/:slugorfilename", Some("Own Slug"), true), "/the-tés-ti/tle--ok-x/own-slug");
    }

    #[test]
    fn dates_are_taken_in_their_own_zone() {
        assert_eq!(day("2014-02-01 23:59:00"), Ok((2014, 2, 1)));
        assert!(day("1 May 2014").is_err());
    }
}
