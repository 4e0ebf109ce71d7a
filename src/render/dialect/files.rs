//! Included files: found relative to the one that includes them, and cut to the lines that were asked for.

use std::sync::Arc;

use super::{Context, Out};
use crate::page::{DocPath, resolve};

/// The file that a path means, counted from a folder, and its text; `None`: it is not there, or leaves the source.
pub(super) fn included(context: &Context<'_>, dir: &str, path: &str) -> Option<(DocPath, Arc<str>)> {
    let path = resolved(dir, path)?;
    let text = context.asking.file(&path)?;
    Some((path, text))
}

/// Begins the file that a path means, counted from a folder, with its text; its caller ends it. A file that is not there
/// is a warning, and whether it may be included is asked before it is read.
pub(super) fn begun(
    context: &Context<'_>,
    out: &mut Out,
    dir: &str,
    path: &str,
    line: u32,
) -> Option<(DocPath, Arc<str>)> {
    if let Some(file) = resolved(dir, path) {
        if !out.begin_include(&file, line) {
            return None;
        }
        if let Some(text) = context.asking.file(&file) {
            return Some((file, text));
        }
        out.end_include();
    }
    out.warn("missing_include", line, format!("`{path}` is included and not there"));
    None
}

/// A path from a folder of the source (`/` counts from its root), its `.` and `..` resolved.
pub(super) fn resolved(dir: &str, path: &str) -> Option<DocPath> {
    let base = if path.starts_with('/') { "" } else { dir };
    let path = resolve(base, path.trim())?;
    (!path.is_empty()).then(|| DocPath::new(path))
}

/// Which lines of a file are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    /// All of them.
    All,
    /// From and to, counted from 1, both included; without an end, to the last.
    Lines(Vec<(usize, Option<usize>)>),
    /// Between `ANCHOR: name` and `ANCHOR_END: name` (mdBook).
    Anchor(String),
    /// Between `--8<-- [start:name]` and `--8<-- [end:name]` (`PyMdown`).
    Section(String),
}

impl Ranges {
    /// mdBook's: `2`, `2:5`, `:5`, `2:`, or the name of an anchor.
    pub(super) fn of_mdbook(text: &str) -> Self {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        match text.split_once(':') {
            Some((from, to)) if number(from).is_some() || (from.is_empty() && number(to).is_some()) => {
                Self::Lines(vec![(number(from).unwrap_or(1), number(to))])
            }
            None if number(text).is_some() => {
                let line = number(text).unwrap_or(1);
                Self::Lines(vec![(line, Some(line))])
            }
            _ => Self::Anchor(text.split(':').next().unwrap_or_default().trim().to_owned()),
        }
    }

    /// The lines of a text that are meant, without those that only mark places.
    pub(super) fn lines<'t>(&self, text: &'t str) -> Vec<&'t str> {
        // mdBook leaves marks out between marks only, and shows them in what is put in by number or as a whole.
        let is_snippet_mark = |line: &str| line.contains("--8<-- [");
        let is_mark = |line: &str| line.contains("ANCHOR: ") || line.contains("ANCHOR_END: ") || is_snippet_mark(line);
        match self {
            Self::All => text.lines().filter(|line| !is_snippet_mark(line)).collect(),
            Self::Lines(ranges) => {
                let wanted =
                    |number: usize| ranges.iter().any(|(from, to)| number >= *from && to.is_none_or(|to| number <= to));
                let lines = text.lines().enumerate().filter(|(at, line)| wanted(at + 1) && !is_snippet_mark(line));
                lines.map(|(_, line)| line).collect()
            }
            Self::Anchor(name) => between(text, &format!("ANCHOR: {name}"), &format!("ANCHOR_END: {name}"), is_mark),
            Self::Section(name) => {
                between(text, &format!("--8<-- [start:{name}]"), &format!("--8<-- [end:{name}]"), is_mark)
            }
        }
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str, is_mark: impl Fn(&str) -> bool) -> Vec<&'t str> {
    let is = |line: &str, mark: &str| {
        line.find(mark).is_some_and(|at| {
            let rest = &line[at + mark.len()..];
            mark.ends_with(']') || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
        })
    };
    let mut lines = text.lines().skip_while(|line| !is(line, start));
    lines.next();
    lines.take_while(|line| !is(line, end)).filter(|line| !is_mark(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_as_mdbook_writes_them() {
        let text = "1\n2\n// ANCHOR: a\n4\n// ANCHOR_END: a\n// ANCHOR: ab\n7";
        for (range, lines) in [
            ("2", vec!["2"]),
            ("2:4", vec!["2", "// ANCHOR: a", "4"]),
            (":2", vec!["1", "2"]),
            ("7:", vec!["7"]),
            ("a", vec!["4"]),
            ("none", vec![]),
        ] {
            assert_eq!(Ranges::of_mdbook(range).lines(text), lines, "{range}");
        }
        assert_eq!(Ranges::All.lines(text).len(), 7);
        let section = Ranges::Section("x".into());
        assert_eq!(section.lines("a\n# --8<-- [start:x]\nb\n# --8<-- [end:x]\nc"), ["b"]);
    }

    #[test]
    fn paths_stay_within_the_source() {
        assert_eq!(resolved("a/b", "../c.md"), Some(DocPath::new("a/c.md")));
        assert_eq!(resolved("a", "/c.md"), Some(DocPath::new("c.md")));
        assert_eq!(resolved("a", "../../c.md"), None);
        assert_eq!(resolved("", ""), None);
    }
}
