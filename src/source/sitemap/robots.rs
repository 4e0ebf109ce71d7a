//! `robots.txt` by RFC 9309: which urls a crawler of our name may ask for; and the lists that it names.
//!
//! Pure. `Crawl-delay` is none of the RFC's and obeyed all the same.

#[cfg(test)]
mod tests;

use std::time::Duration;

use url::Url;

use super::urls::hex;

/// The name that groups are looked up by.
const TOKEN: &str = "finmirror";
/// What is read of a file; the RFC wants at least this.
pub(super) const MAX_BYTES: u64 = 500 * 1024;
/// Rules beyond this are not kept, and neither are lists.
const MAX_RULES: usize = 10_000;
/// A delay beyond this would keep a scan from ever ending.
const MAX_DELAY_S: f64 = 60.0;

/// What a `robots.txt` says to us.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Robots {
    rules: Vec<Rule>,
    /// The least time between two requests.
    pub(super) delay: Option<Duration>,
    /// The lists that it names, in its own words.
    pub(super) lists: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    allows: bool,
    /// Percent-encoded in one spelling; `*` and a `$` at the end have their meaning.
    pattern: String,
}

/// What one group says.
#[derive(Default)]
struct Group {
    rules: Vec<Rule>,
    delay: Option<Duration>,
}

impl Robots {
    /// Reads a file, of which nothing is an error.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (mut ours, mut anyones) = (None::<Group>, Group::default());
        let mut lists = Vec::new();
        // Whom the lines are for; names that follow each other share a group.
        let (mut for_us, mut for_anyone, mut is_naming) = (false, false, false);
        for line in text.split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match &*key {
                "user-agent" => {
                    if !is_naming {
                        (for_us, for_anyone, is_naming) = (false, false, true);
                    }
                    for_anyone |= value == "*";
                    for_us |= product(value).eq_ignore_ascii_case(TOKEN);
                    if for_us {
                        ours.get_or_insert_default();
                    }
                }
                "allow" | "disallow" | "crawl-delay" => {
                    is_naming = false;
                    let for_us = ours.as_mut().filter(|_| for_us);
                    let for_anyone = Some(&mut anyones).filter(|_| for_anyone);
                    for group in for_us.into_iter().chain(for_anyone) {
                        group.add(&key, value);
                    }
                }
                "sitemap" if lists.len() < MAX_RULES && !value.is_empty() => lists.push(value.to_owned()),
                _ => {}
            }
        }
        let Group { rules, delay } = ours.unwrap_or(anyones);
        Self { rules, delay, lists }
    }

    /// Whether we may ask for a url: the longest rule that matches decides, and of two of one length the one that allows.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let path = match url.query() {
            None => spelled(url.path()),
            Some(query) => spelled(&format!("{}?{query}", url.path())),
        };
        if path == "/robots.txt" {
            return true;
        }
        let matching = self.rules.iter().filter(|rule| matches(&rule.pattern, &path));
        matching.max_by_key(|rule| (rule.pattern.len(), rule.allows)).is_none_or(|rule| rule.allows)
    }
}

impl Group {
    fn add(&mut self, key: &str, value: &str) {
        if key == "crawl-delay" {
            let seconds = value.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds > 0.0);
            self.delay = seconds.map(|seconds| Duration::from_secs_f64(seconds.min(MAX_DELAY_S))).or(self.delay);
        } else if !value.is_empty() && self.rules.len() < MAX_RULES {
            // A path without its slash matches nothing by the RFC; those who write it mean the folder.
            let slash = if value.starts_with(['/', '*', '$']) { "" } else { "/" };
            self.rules.push(Rule { allows: key == "allow", pattern: spelled(&format!("{slash}{value}")) });
        }
    }
}

/// The name before a version: of `finmirror/1.0 (+https://…)` the first word.
fn product(agent: &str) -> &str {
    let end = agent.find(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_'));
    agent.get(..end.unwrap_or(agent.len())).unwrap_or_default()
}

/// One spelling of a path: what needs no escape has none, what needs one is escaped in capitals.
fn spelled(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = match after {
            [high, low, ..] if byte == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if escaped.is_some() {
            rest = after.get(2..).unwrap_or_default();
        }
        match escaped {
            Some(plain) if plain.is_ascii_alphanumeric() || b"-._~".contains(&plain) => out.push(char::from(plain)),
            None if byte.is_ascii_graphic() => out.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let byte = escaped.unwrap_or(byte);
                out.push('%');
                out.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
            }
        }
    }
    out
}

/// Whether a pattern matches from the path's beginning. What is between two stars is looked for once, from left to right:
/// the first place is as good as any.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, to_the_end) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut pieces = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else { return false };
            rest = rest.get(at + before.len()..).unwrap_or_default();
        }
    }
    match last {
        None => !to_the_end || rest.is_empty(),
        Some(piece) if to_the_end => rest.ends_with(piece),
        Some(piece) => rest.contains(piece),
    }
}
