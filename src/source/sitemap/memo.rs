//! When each page was last asked for: what `trust_lastmod` stands on.
//!
//! A file beside the spool, rewritten whole. It only saves work: where it is lost, damaged or written by two at once, pages
//! are asked for. The invariant: a page goes unasked for a day at most, and only while the list says a time that lies before
//! it was asked last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Unit};
use serde::{Deserialize, Serialize};

use crate::page::{DocPath, Fingerprint, SourceHash};

/// A page is asked for after this time whatever the list says.
const TRUSTED_S: i64 = 24 * 60 * 60;
/// A date alone may be that of a day that begins elsewhere, half a day later.
const DATE_SLACK_S: i64 = 36 * 60 * 60;
/// Fewer pages than this have one date by chance.
const FEW: usize = 5;

/// What is known of the last requests.
#[derive(Debug, Default)]
pub(super) struct Memo {
    file: PathBuf,
    asked: BTreeMap<String, Asked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// What the list said of the page.
    lastmod: String,
    /// When the page was asked for, in Unix seconds.
    at: i64,
    /// The fingerprint that it had then, as a hash.
    had: String,
}

impl Memo {
    /// Reads what was kept of the pages of a list, which anything may stand for.
    pub(super) fn load(folder: &Path, of: &str) -> Self {
        let name = SourceHash::of(of.as_bytes()).to_string();
        let file = folder.join(format!("{}.lastmod", name.get(..16).unwrap_or_default()));
        let asked = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { asked: asked.unwrap_or_default(), file }
    }

    /// Whether a page need not be asked for: it was, since the list says that it changed, and not long ago.
    pub(super) fn spares(&self, path: &DocPath, lastmod: &str, had: &Fingerprint, now: Timestamp) -> bool {
        self.asked.get(path.as_str()).is_some_and(|asked| {
            let age = now.as_second().saturating_sub(asked.at);
            let is_older = settled_at(lastmod).is_some_and(|changed| changed < asked.at);
            asked.lastmod == lastmod && is_older && (0..TRUSTED_S).contains(&age) && asked.had == hash(had)
        })
    }

    /// Keeps that a page was asked for.
    pub(super) fn note(&mut self, path: &DocPath, lastmod: &str, has: &Fingerprint, now: Timestamp) {
        let asked = Asked { lastmod: lastmod.to_owned(), at: now.as_second(), had: hash(has) };
        self.asked.insert(path.as_str().to_owned(), asked);
    }

    /// Writes it down, but for pages that are not in the list.
    pub(super) fn save(&mut self, is_listed: impl Fn(&str) -> bool) {
        self.asked.retain(|path, _| is_listed(path));
        let Ok(json) = serde_json::to_vec(&self.asked) else { return };
        let draft = self.file.with_extension(format!("{}.part", uuid::Uuid::now_v7()));
        let folder = self.file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if folder
            .and_then(|()| std::fs::write(&draft, json))
            .and_then(|()| std::fs::rename(&draft, &self.file))
            .is_err()
        {
            let _ = std::fs::remove_file(&draft);
        }
    }
}

/// The one time that nearly every page of a list is said to have changed at, as a build that stamps all of them leaves it.
pub(super) fn stamp<'a>(lastmods: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let (mut counts, mut all) = (BTreeMap::new(), 0_usize);
    for lastmod in lastmods {
        all += 1;
        if let Some(lastmod) = lastmod {
            // Builds take their time: what differs by minutes is one stamp.
            *counts.entry(lastmod.get(..10).unwrap_or(lastmod)).or_insert(0_usize) += 1;
        }
    }
    let (stamp, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (all >= FEW && count * 10 >= all * 9).then_some(stamp)
}

/// The Unix second from which on a `lastmod` (W3C's format: a date, perhaps with a time) certainly lies in the past; `None`:
/// it is no time, or a coarser one.
fn settled_at(lastmod: &str) -> Option<i64> {
    if let Ok(time) = lastmod.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let date = lastmod.get(..10)?.parse::<Date>().ok()?;
    // A time without a zone is as good as a date.
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let midnight = midnight.round(Unit::Second).ok()?;
    Some(midnight.checked_add(DATE_SLACK_S.seconds()).ok()?.timestamp().as_second())
}

fn hash(fingerprint: &Fingerprint) -> String {
    SourceHash::of(&fingerprint.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_spared_for_a_day_while_its_lastmod_is_old_and_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut memo = Memo::load(folder.path(), "https://x/sitemap.xml");
        let (path, print) = (DocPath::new("a"), Fingerprint([1].into()));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let asked = at("2026-11-24T12:00:00Z");
        for lastmod in
            ["2026-11-22", "2026-11-23", "2026-11-24T11:00:00+00:00", "2026-11-24T12:30:00Z", "2026-11", "soon"]
        {
            memo.note(&path, lastmod, &print, asked);
            memo.save(|_| true);
            let memo = Memo::load(folder.path(), "https://x/sitemap.xml");
            let is_old = matches!(lastmod, "2026-11-22" | "2026-11-24T11:00:00+00:00");
            assert_eq!(memo.spares(&path, lastmod, &print, at("2026-11-25T11:59:00Z")), is_old, "{lastmod}");
            assert!(!memo.spares(&path, lastmod, &print, at("2026-11-25T12:00:00Z")), "a day later");
            assert!(!memo.spares(&path, "2026-11-21", &print, at("2026-11-25T11:59:00Z")), "another lastmod");
            assert!(!memo.spares(&path, lastmod, &Fingerprint([2].into()), asked), "another fingerprint");
            assert!(!memo.spares(&DocPath::new("b"), lastmod, &print, asked), "another page");
        }
        memo.save(|_| false);
        let memo = Memo::load(folder.path(), "https://x/sitemap.xml");
        assert!(!memo.spares(&path, "2026-11-22", &print, asked), "it is in the list no more");
    }

    #[test]
    fn one_date_on_nearly_all_pages_is_a_stamp() {
        let days = |all: &[&'static str]| stamp(all.iter().map(|day| Some(*day)).collect::<Vec<_>>().into_iter());
        let same = ["2026-11-22T10:00:00Z", "2026-11-22T10:00:09Z", "2026-11-22", "2026-11-22", "2026-11-22"];
        assert_eq!(days(&same), Some("2026-11-22"));
        assert_eq!(days(&["2026-11-22", "2026-11-22", "2026-11-22", "2026-11-22", "2026-11-21"]), None);
        assert_eq!(days(&["2026-11-22"; 4]), None);
        assert_eq!(stamp([None; 9].into_iter()), None);
    }
}
