//! Patterns of `.gitignore`, as generators take them in their configuration.

/// A list of patterns, of which the last that matches a path decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Ignore(Vec<Pattern>);

#[derive(Clone, Debug)]
struct Pattern {
    segments: Vec<String>,
    is_negated: bool,
    is_folder: bool,
}

impl Ignore {
    /// Reads patterns, one a line, by the rules of gitignore(5).
    pub(super) fn new<'l>(lines: impl IntoIterator<Item = &'l str>) -> Self {
        Self(lines.into_iter().filter_map(Pattern::read).collect())
    }

    /// Whether a file of this path, or a folder above it, is meant.
    pub(super) fn takes(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        (1..=parts.len()).any(|end| {
            let is_folder = end < parts.len();
            let deciding =
                self.0.iter().rev().find(|p| (is_folder || !p.is_folder) && matches(&p.segments, &parts[..end]));
            deciding.is_some_and(|pattern| !pattern.is_negated)
        })
    }
}

impl Pattern {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (is_negated, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (is_folder, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let is_anchored = text.contains('/');
        let mut segments: Vec<String> = text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        if !is_anchored {
            segments.insert(0, "**".to_owned());
        }
        (!segments.is_empty()).then_some(Self { segments, is_negated, is_folder })
    }
}

/// Whether segments of a path match those of a pattern; `**` takes any number of them.
fn matches(pattern: &[String], path: &[&str]) -> bool {
    // Which prefixes of the path the pattern so far can have taken.
    let mut taken = vec![false; path.len() + 1];
    taken[0] = true;
    for segment in pattern {
        let mut next = vec![false; path.len() + 1];
        if segment == "**" {
            let mut any = false;
            for (at, was) in taken.iter().enumerate() {
                any |= was;
                next[at] = any;
            }
        } else {
            for at in 0..path.len() {
                next[at + 1] = taken[at] && wildcard(segment, path[at]);
            }
        }
        taken = next;
    }
    taken[path.len()]
}

/// Whether a name matches a pattern of `*`, `?` and `[…]`.
pub(super) fn wildcard(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => class(&pattern[p..], name[n]).map(|length| p + length),
            Some('\\') if pattern.get(p + 1) == Some(&name[n]) => Some(p + 2),
            Some(c) if *c == name[n] => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => (p, n) = (next, n + 1),
            (None, Some((after, at))) => {
                star = Some((after, at + 1));
                (p, n) = (after, at + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The length of the class that a pattern begins with, if the character is of it.
fn class(pattern: &[char], c: char) -> Option<usize> {
    let end = pattern.iter().skip(2).position(|c| *c == ']')? + 2;
    let inner = &pattern[1..end];
    let (is_negated, inner) = match inner.first() {
        Some('!' | '^') => (true, &inner[1..]),
        _ => (false, inner),
    };
    let mut found = false;
    let mut at = 0;
    while at < inner.len() {
        if inner.get(at + 1) == Some(&'-') && at + 2 < inner.len() {
            found |= (inner[at]..=inner[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= inner[at] == c;
            at += 1;
        }
    }
    (found != is_negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        for (patterns, path, taken) in [
            ("*.py", "a/b.py", true),
            ("/a.md", "b/a.md", false),
            ("/a.md", "a.md", true),
            ("drafts/", "x/drafts/a.md", true),
            ("drafts/", "drafts", false),
            ("a/**/b.md", "a/b.md", true),
            ("a/**/b.md", "a/x/y/b.md", true),
            ("/tutorials/**/*.md", "tutorials/x.md", true),
            ("*\n!keep.md", "keep.md", false),
            ("[a-c]?.md", "bx.md", true),
            ("[!a]x", "ax", false),
            (".*", ".hidden/a.md", true),
            ("# comment", "# comment", false),
        ] {
            assert_eq!(Ignore::new(patterns.lines()).takes(path), taken, "{patterns} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!wildcard(&"*a".repeat(2_000), &"a".repeat(1_999)));
    }
}
