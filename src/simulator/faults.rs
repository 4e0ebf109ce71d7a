//! Faults on request: which call meets which trouble, decided by rules and a seeded generator.
//!
//! Knows no HTTP: a rule sees a call's name, method, path and external id, and says what is to happen; the doors make
//! it happen. The same seed, rules and order of calls give the same faults.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most rules at a time.
const MAX_RULES: usize = 1_000;

/// The longest that any answer is held back.
pub(super) const MAX_HOLD: Duration = Duration::from_mins(1);

/// A kind of trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The call is not carried out; the answer is this error.
    Status {
        /// The HTTP status, 400 to 599.
        code: u16,
        /// A `Retry-After` header, in seconds.
        #[serde(default)]
        retry_after_s: Option<u32>,
        /// The field that the error names; `html` for 400 and 422 on a page.
        #[serde(default)]
        field: Option<String>,
    },
    /// The call is carried out; its answer is held back for a time in this range, at most a minute.
    Latency {
        /// The shortest, in milliseconds.
        from_ms: u64,
        /// The longest, in milliseconds.
        to_ms: u64,
    },
    /// The connection ends before anything was done.
    Drop,
    /// The call is carried out, then the connection ends without an answer.
    LostAnswer,
    /// The call is carried out; the connection ends in the middle of the answer's body.
    TruncatedBody,
    /// The call is carried out; the answer's body trickles over this time, at most a minute.
    SlowBody {
        /// The whole of it, in milliseconds.
        ms: u64,
    },
}

impl Fault {
    /// The name that statistics count it under.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Latency { .. } => "latency",
            Self::Drop => "drop",
            Self::LostAnswer => "lost_answer",
            Self::TruncatedBody => "truncated_body",
            Self::SlowBody { .. } => "slow_body",
        }
    }
}

/// Which calls meet a fault, how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// A call by its name (`upsert_page`), or a method and a path (`DELETE /ai/external_pages/*`), either of them `*`;
    /// a `*` within the path stands for any text.
    #[serde(default = "any")]
    pub route: String,
    /// Only calls that name this external id; `*` stands for any text.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The trouble.
    pub fault: Fault,
    /// The share of the matching calls that meet it, 0 to 1.
    #[serde(default = "whole")]
    pub share: f64,
    /// Matching calls that go free before it begins.
    #[serde(default)]
    pub after: u64,
    /// How many times it strikes; without end if not given.
    #[serde(default)]
    pub count: Option<u64>,
}

fn any() -> String {
    "*".to_owned()
}

fn whole() -> f64 {
    1.0
}

impl FaultRule {
    /// A rule that strikes every call of a route.
    pub fn new(route: impl Into<String>, fault: Fault) -> Self {
        Self { route: route.into(), external_id: None, fault, share: 1.0, after: 0, count: None }
    }

    /// The same for a share of the calls only.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// The same for so many strikes only.
    #[must_use]
    pub fn count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same, but the first matching calls go free.
    #[must_use]
    pub fn after(self, after: u64) -> Self {
        Self { after, ..self }
    }

    /// What is wrong with the rule, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(format!("share `{}` is not between 0 and 1", self.share));
        }
        match self.fault {
            Fault::Status { code, .. } if !(400..=599).contains(&code) => {
                Err(format!("status code `{code}` is not between 400 and 599"))
            }
            Fault::Latency { from_ms, to_ms } if from_ms > to_ms => {
                Err(format!("latency from `{from_ms}` ms to `{to_ms}` ms runs backwards"))
            }
            _ => Ok(()),
        }
    }

    fn matches(&self, call: &Seen<'_>) -> bool {
        let route = match self.route.split_once(' ') {
            Some((method, path)) => {
                (method == "*" || method.eq_ignore_ascii_case(call.method)) && wildcard(path.trim(), call.path)
            }
            None if self.route.starts_with('/') => wildcard(&self.route, call.path),
            None => self.route == "*" || self.route == call.name,
        };
        route
            && self
                .external_id
                .as_deref()
                .is_none_or(|pattern| call.external_id.is_some_and(|external_id| wildcard(pattern, external_id)))
    }
}

/// What a rule can see of a call.
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) external_id: Option<&'a str>,
}

/// The rules in force, their generator, and what they have done.
pub(super) struct Faults {
    rules: Vec<(FaultRule, u64, u64)>,
    random: u64,
    fired: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub(super) fn new() -> Self {
        Self { rules: Vec::new(), random: 0, fired: BTreeMap::new() }
    }

    /// Starts the generator anew.
    pub(super) fn seed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// Adds a rule; those that were there first are asked first.
    pub(super) fn add(&mut self, rule: FaultRule) -> Result<(), String> {
        rule.check()?;
        if self.rules.len() >= MAX_RULES {
            return Err(format!("there are {MAX_RULES} rules already: clear them with `DELETE /_simulator/faults`"));
        }
        self.rules.push((rule, 0, 0));
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        self.rules.iter().map(|(rule, ..)| rule)
    }

    pub(super) fn fired(&self) -> &BTreeMap<&'static str, u64> {
        &self.fired
    }

    /// The fault that a call meets: the first rule that matches and strikes.
    pub(super) fn draw(&mut self, call: &Seen<'_>) -> Option<Fault> {
        for index in 0..self.rules.len() {
            let (rule, met, struck) = &mut self.rules[index];
            if rule.count.is_some_and(|count| *struck >= count) || !rule.matches(call) {
                continue;
            }
            *met += 1;
            if *met <= rule.after {
                continue;
            }
            let share = rule.share;
            if share < 1.0 && unit(next(&mut self.random)) >= share {
                continue;
            }
            let (rule, _, struck) = &mut self.rules[index];
            *struck += 1;
            *self.fired.entry(rule.fault.name()).or_default() += 1;
            return Some(rule.fault.clone());
        }
        None
    }

    /// A time within a range, for latency.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let (from, to) = (from.min(MAX_HOLD), to.min(MAX_HOLD));
        from + to.saturating_sub(from).mul_f64(unit(next(&mut self.random)))
    }
}

/// The next of a splitmix64 generator: small, seedable, and good enough to share out faults.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to below 1.
fn unit(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0
}

/// Whether a text is a pattern's, where `*` stands for any text. Linear in the text for each `*`.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let Some(at) = rest.find(middle) else { return false };
            rest = &rest[at + middle.len()..];
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(external_id: &str) -> Seen<'_> {
        Seen { name: "upsert_page", method: "POST", path: "/ai/external_pages", external_id: Some(external_id) }
    }

    #[test]
    fn routes_match_by_name_by_method_and_path_and_by_external_id() {
        let matches = |route: &str| FaultRule::new(route, Fault::Drop).matches(&call("a.md"));
        for route in ["*", "upsert_page", "POST /ai/external_pages", "* /ai/*", "/ai/*pages", "post *"] {
            assert!(matches(route), "{route}");
        }
        for route in ["page", "GET /ai/external_pages", "POST /ai", "POST /ai/external_pages/*", "POST"] {
            assert!(!matches(route), "{route}");
        }
        let rule = FaultRule { external_id: Some("guide/*.md".into()), ..FaultRule::new("*", Fault::Drop) };
        assert!(rule.matches(&call("guide/a.md")) && !rule.matches(&call("a.md")));
    }

    #[test]
    fn a_rule_strikes_after_so_many_calls_and_so_many_times() {
        let mut faults = Faults::new();
        faults.add(FaultRule::new("*", Fault::LostAnswer).after(1).count(2)).unwrap();
        let drawn: Vec<bool> = (0..5).map(|_| faults.draw(&call("a")).is_some()).collect();
        assert_eq!(drawn, [false, true, true, false, false]);
        assert_eq!(faults.fired()["lost_answer"], 2);
    }

    #[test]
    fn a_seed_repeats_its_faults_and_a_share_is_about_kept() {
        let draw = |seed| {
            let mut faults = Faults::new();
            faults.seed(seed);
            faults.add(FaultRule::new("*", Fault::Drop).share(0.25)).unwrap();
            (0..1_000).map(|_| faults.draw(&call("a")).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let struck = draw(7).iter().filter(|struck| **struck).count();
        assert!((200..300).contains(&struck), "{struck}");
    }

    #[test]
    fn impossible_rules_are_refused() {
        let mut faults = Faults::new();
        let status = |code| Fault::Status { code, retry_after_s: None, field: None };
        for rule in [
            FaultRule::new("*", Fault::Drop).share(1.5),
            FaultRule::new("*", Fault::Drop).share(f64::NAN),
            FaultRule::new("*", status(200)),
            FaultRule::new("*", Fault::Latency { from_ms: 2, to_ms: 1 }),
        ] {
            assert!(faults.add(rule).is_err());
        }
        assert_eq!(faults.rules().count(), 0);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("abc", "abcd", false),
            ("*b*", "ac", false),
        ] {
            assert_eq!(wildcard(pattern, text), fits, "{pattern} {text}");
        }
    }
}
