//! Patterns with gitignore's meaning, one folder at a time.
//!
//! A pattern is a list of parts, one for each step of a path; a folder knows how far every pattern has come on the way
//! to it ([`Place`]), so that an entry costs a look at its own name, and a folder in which nothing can match any more is
//! known before it is opened. Pure: knows names, not files. Names and patterns are compared in NFC, byte by byte.
//!
//! Where this goes beyond gitignore, for patterns of the configuration: braces are alternatives, an include pattern that
//! ends in a wildcard names files and not whole folders, and it matches a hidden name only with a dot of its own.

#[cfg(test)]
mod tests;
mod wildcard;

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use self::wildcard::Wildcard;

/// More patterns than this, braces counted as the patterns that they stand for, are refused.
const MAX_PATTERNS: usize = 4096;
/// A pattern of more parts than this is refused: one bit of a word for each.
const MAX_PARTS: usize = 60;
/// A longer pattern is refused.
const MAX_PATTERN_BYTES: usize = 4096;

/// What the configuration includes and excludes.
#[derive(Debug)]
pub(super) struct Globs {
    include: List,
    exclude: Arc<List>,
}

/// How far every pattern has come on the way to one folder.
#[derive(Clone, Debug)]
pub(super) struct Place {
    include: Live,
    /// The lists that leave out, the weakest first: ignore files from the root inwards, then the configuration's.
    exclude: Vec<(Arc<List>, Live)>,
}

/// Patterns of which the last that matches decides.
#[derive(Debug, Default)]
pub(super) struct List {
    patterns: Vec<Pattern>,
}

/// For each pattern of a list the set of parts that the next name may match, a bit each.
type Live = Box<[u64]>;

#[derive(Debug)]
struct Pattern {
    parts: Vec<Part>,
    /// Bits of the parts that are `**`.
    deep: u64,
    negated: bool,
    folders_only: bool,
    /// A hidden name is matched only by a part that has its dot.
    dots_are_named: bool,
}

#[derive(Debug)]
enum Part {
    /// `**`: any number of folders; at the end at least one name.
    Deep,
    Name(Wildcard),
}

impl Globs {
    /// Compiles the configuration's patterns; an error names the pattern.
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Self, anyhow::Error> {
        let include = compile("include", include, included)?;
        anyhow::ensure!(
            include.patterns.iter().any(|pattern| !pattern.negated),
            "`include` names no document: give at least one pattern that does not begin with `!`"
        );
        let exclude = compile("exclude", exclude, |text, patterns| {
            patterns.push(Pattern::parse(text)?);
            Ok(())
        })?;
        Ok(Self { include, exclude: Arc::new(exclude) })
    }

    /// The root's place.
    pub(super) fn root(&self) -> Place {
        Place { include: self.include.start(), exclude: vec![(Arc::clone(&self.exclude), self.exclude.start())] }
    }

    /// Whether a file of this name, in the folder at this place, is a document.
    pub(super) fn takes(&self, at: &Place, name: &[u8]) -> bool {
        self.include.last_match(&at.include, name, false) == Some(true) && !at.leaves_out(name, false)
    }

    /// The place of a folder of this name; `None` if no document can be in it.
    pub(super) fn enter(&self, at: &Place, name: &[u8]) -> Option<Place> {
        let include = self.include.step(&at.include, name);
        let may_match = self.include.patterns.iter().zip(&include).any(|(p, live)| !p.negated && *live != 0);
        if !may_match || at.leaves_out(name, true) {
            return None;
        }
        let exclude: Vec<_> = at.exclude.iter().map(|(list, live)| (Arc::clone(list), list.step(live, name))).collect();
        // Only the configuration's list, the strongest: what an ignore file says can be undone by one further in.
        if exclude.last().is_some_and(|(list, live)| list.takes_everything(live)) {
            return None;
        }
        Some(Place { include, exclude })
    }

    /// Whether a file at this path is a document, as far as patterns can tell.
    pub(super) fn takes_path(&self, path: &str) -> bool {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.place_of(folders).is_some_and(|place| self.takes(&place, name.as_bytes()))
    }

    /// The place of the folder at this path, empty for the root.
    pub(super) fn place_of(&self, path: &str) -> Option<Place> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .try_fold(self.root(), |at, name| self.enter(&at, name.as_bytes()))
    }
}

impl Place {
    /// Obeys an ignore file that lies in this very folder: stronger than those further out, weaker than the
    /// configuration.
    pub(super) fn obey(&mut self, list: List) {
        let live = list.start();
        let strongest = self.exclude.len().saturating_sub(1);
        self.exclude.insert(strongest, (Arc::new(list), live));
    }

    fn leaves_out(&self, name: &[u8], folder: bool) -> bool {
        self.exclude.iter().rev().find_map(|(list, live)| list.last_match(live, name, folder)).unwrap_or(false)
    }
}

impl List {
    /// Reads an ignore file as git does: a line that git makes nothing of matches nothing.
    pub(super) fn of_ignore_file(text: &str) -> Self {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split('\n');
        let patterns = lines
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .filter(|line| !line.starts_with('#'))
            .map(without_trailing_spaces)
            .filter(|line| line.len() <= MAX_PATTERN_BYTES)
            .filter_map(|line| Pattern::parse(&nfc(line)).ok())
            .collect();
        Self { patterns }
    }

    fn start(&self) -> Live {
        self.patterns.iter().map(Pattern::start).collect()
    }

    fn step(&self, live: &Live, name: &[u8]) -> Live {
        self.patterns.iter().zip(live).map(|(pattern, live)| pattern.step(*live, name)).collect()
    }

    /// `Some(true)`: the last pattern that matches is a plain one; `Some(false)`: it begins with `!`.
    fn last_match(&self, live: &Live, name: &[u8], folder: bool) -> Option<bool> {
        let mut patterns = self.patterns.iter().zip(live).rev();
        patterns.find(|(pattern, live)| pattern.matches(**live, name, folder)).map(|(pattern, _)| !pattern.negated)
    }

    /// Whether every name in this folder is matched, whatever it is.
    fn takes_everything(&self, live: &Live) -> bool {
        let mut patterns = self.patterns.iter().zip(live).rev();
        patterns
            .find(|(pattern, live)| (pattern.negated && **live != 0) || pattern.matches_everything(**live))
            .is_some_and(|(pattern, _)| !pattern.negated)
    }
}

impl Pattern {
    /// Parses one pattern with gitignore's grammar: `!`, anchoring by slashes, a trailing slash, `**`, wildcards.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (folders_only, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let anchored = text.contains('/');
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return Err("is empty");
        }
        let mut parts = Vec::new();
        if !anchored {
            parts.push(Part::Deep);
        }
        for part in text.split('/') {
            match part {
                "" => return Err("has an empty part between two slashes"),
                "." | ".." => return Err("has a part `.` or `..`: patterns are relative to the root"),
                _ if part.len() > 1 && part.bytes().all(|byte| byte == b'*') => {
                    if !matches!(parts.last(), Some(Part::Deep)) {
                        parts.push(Part::Deep);
                    }
                }
                _ => parts.push(Part::Name(Wildcard::parse(part.as_bytes())?)),
            }
        }
        Self { parts, deep: 0, negated, folders_only, dots_are_named: false }.finish()
    }

    fn finish(mut self) -> Result<Self, &'static str> {
        // `**/*` at the end is `**`: at least one name, whatever it is.
        if let [.., Part::Deep, Part::Name(last)] = self.parts.as_slice()
            && last.is_star()
        {
            self.parts.pop();
        }
        if self.parts.len() > MAX_PARTS {
            return Err("has more than 60 parts");
        }
        self.deep = (0..self.parts.len()).filter(|&i| matches!(self.parts[i], Part::Deep)).map(|i| 1 << i).sum();
        Ok(self)
    }

    /// The pattern for everything beneath the folders that this one matches.
    fn beneath(mut self) -> Result<Self, &'static str> {
        if matches!(self.parts.last(), Some(Part::Deep)) {
            self.parts.push(Part::Name(Wildcard::star()));
        }
        self.parts.push(Part::Deep);
        self.folders_only = false;
        self.finish()
    }

    fn ends_in_a_plain_name(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Name(name)) if name.is_plain())
    }

    fn start(&self) -> u64 {
        self.with_empty_depth(1)
    }

    /// `**` before another part may stand for no folder at all.
    fn with_empty_depth(&self, live: u64) -> u64 {
        let all = (1 << self.parts.len()) - 1;
        (live | ((live & self.deep) << 1)) & all
    }

    fn step(&self, live: u64, name: &[u8]) -> u64 {
        let mut next = 0;
        for (i, part) in self.live_parts(live) {
            if self.part_matches(part, name) {
                next |= if matches!(part, Part::Deep) { 1 << i } else { 2 << i };
            }
        }
        self.with_empty_depth(next)
    }

    fn matches(&self, live: u64, name: &[u8], folder: bool) -> bool {
        let last = 1 << (self.parts.len() - 1);
        live & last != 0
            && (folder || !self.folders_only)
            && self.parts.last().is_some_and(|part| self.part_matches(part, name))
    }

    fn matches_everything(&self, live: u64) -> bool {
        let last = 1 << (self.parts.len() - 1);
        let any = match self.parts.last() {
            Some(Part::Name(name)) => name.is_star(),
            Some(Part::Deep) | None => true,
        };
        live & last != 0 && !self.folders_only && any
    }

    fn part_matches(&self, part: &Part, name: &[u8]) -> bool {
        let hidden = self.dots_are_named && name.first() == Some(&b'.');
        match part {
            Part::Deep => !hidden,
            Part::Name(wildcard) => (!hidden || wildcard.has_leading_dot()) && wildcard.matches(name),
        }
    }

    fn live_parts(&self, live: u64) -> impl Iterator<Item = (usize, &Part)> {
        self.parts.iter().enumerate().filter(move |(i, _)| live & (1 << i) != 0)
    }
}

/// Adds the patterns that one include pattern stands for: the files, and what is beneath the folders that it names.
fn included(text: &str, patterns: &mut Vec<Pattern>) -> Result<(), &'static str> {
    let parse = || Pattern::parse(text).map(|pattern| Pattern { dots_are_named: !pattern.negated, ..pattern });
    let pattern = parse()?;
    if pattern.folders_only || pattern.negated || pattern.ends_in_a_plain_name() {
        patterns.push(parse()?.beneath()?);
    }
    if !pattern.folders_only {
        patterns.push(pattern);
    }
    Ok(())
}

fn compile(
    key: &str,
    texts: &[String],
    add: impl Fn(&str, &mut Vec<Pattern>) -> Result<(), &'static str>,
) -> Result<List, anyhow::Error> {
    let mut patterns = Vec::new();
    for text in texts {
        let wrong = |reason: &str| anyhow::anyhow!("the pattern `{text}` of `{key}` {reason}");
        for alternative in &alternatives(text).map_err(wrong)? {
            add(alternative, &mut patterns).map_err(wrong)?;
        }
        if patterns.len() > MAX_PATTERNS {
            return Err(wrong("is one too many: at most 4096 patterns, alternatives counted"));
        }
    }
    Ok(List { patterns })
}

/// Whether a pattern can be one.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    alternatives(text)?.iter().try_for_each(|alternative| included(alternative, &mut Vec::new()))
}

/// Writes out `{a,b}`. Which folder a pattern is anchored to is decided by the whole of it, so that `{a/b,c}` has one
/// meaning for both.
fn alternatives(text: &str) -> Result<Vec<String>, &'static str> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err("is longer than 4096 bytes");
    }
    let text = nfc(text);
    let (negation, plain) = text.strip_prefix('!').map_or(("", text.as_str()), |rest| ("!", rest));
    let anchored = plain.strip_suffix('/').unwrap_or(plain).contains('/');
    let anchor = if anchored && !plain.starts_with('/') { "/" } else { "" };
    let mut done = Vec::new();
    let mut open = vec![format!("{negation}{anchor}{plain}")];
    while let Some(text) = open.pop() {
        if open.len() + done.len() > MAX_PATTERNS {
            return Err("stands for more than 4096 patterns");
        }
        match braces(&text)? {
            None => done.push(text),
            Some((before, choices, after)) => {
                open.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{after}")));
            }
        }
    }
    Ok(done)
}

type Braces<'a> = (&'a str, Vec<&'a str>, &'a str);

/// The first group of braces: what is before it, its choices, what is after it.
fn braces(text: &str) -> Result<Option<Braces<'_>>, &'static str> {
    let mut starts = Vec::new();
    let (mut depth, mut escaped, mut class) = (0_usize, false, None);
    for (i, c) in text.char_indices() {
        match (c, class) {
            _ if escaped => escaped = false,
            ('\\', _) => escaped = true,
            // A `]` right behind the `[` (or `[!`) is a member of the class.
            (']', Some(start)) if i > start + 1 && !matches!(&text[start + 1..i], "!" | "^") => class = None,
            ('[', None) => class = Some(i),
            ('{', None) => {
                depth += 1;
                if depth == 1 {
                    starts.push(i + 1);
                }
            }
            (',', None) if depth == 1 => starts.push(i + 1),
            ('}', None) if depth == 1 => {
                let ends = starts.iter().skip(1).map(|start| start - 1).chain([i]);
                let choices = starts.iter().zip(ends).map(|(&start, end)| &text[start..end]).collect();
                return Ok(Some((&text[..starts[0] - 1], choices, &text[i + 1..])));
            }
            ('}', None) => depth = depth.checked_sub(1).ok_or("has a `}` without its `{`: write `\\}`")?,
            _ => {}
        }
    }
    if depth > 0 { Err("has a `{` without its `}`: write `\\{`") } else { Ok(None) }
}

/// git drops spaces at the end of a line, but for one that a backslash keeps.
fn without_trailing_spaces(line: &str) -> &str {
    let trimmed = line.trim_end_matches(' ');
    let backslashes = trimmed.len() - trimmed.trim_end_matches('\\').len();
    if backslashes % 2 == 1 && trimmed.len() < line.len() { &line[..=trimmed.len()] } else { trimmed }
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}
