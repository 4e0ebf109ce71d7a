//! Rewrites of `VitePress`: patterns of `path-to-regexp` from a source path to a published one, and back for links.

/// One rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rewrite {
    from: Vec<Part>,
    to: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name { name: String, what: What },
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// One segment, or a part of one.
    Segment,
    /// Any segments; whether none at all is one of the ways, with the slash before them.
    Segments { optional: bool },
    /// One of these words.
    OneOf(Vec<String>),
}

impl Rewrite {
    /// Reads a rewrite; `None` where a part of it is more than is known here.
    pub(super) fn new(from: &str, to: &str) -> Option<Self> {
        let rewrite = Self { from: parts(from)?, to: parts(to)? };
        let known = |part: &Part| match part {
            Part::Text(_) => true,
            Part::Name { name, .. } => {
                rewrite.from.iter().any(|part| matches!(part, Part::Name { name: other, .. } if other == name))
            }
        };
        rewrite.to.iter().all(known).then_some(rewrite)
    }

    /// Where a source path is published.
    pub(super) fn apply(&self, path: &str) -> Option<String> {
        fill(&self.to, &matched(&self.from, path)?)
    }

    /// The source path that is published there.
    pub(super) fn undo(&self, path: &str) -> Option<String> {
        // What a name stands for is said by `from`.
        let to = self.to.iter().map(|part| match part {
            Part::Name { name, .. } => {
                self.from.iter().find(|from| matches!(from, Part::Name { name: other, .. } if other == name))
            }
            Part::Text(_) => Some(part),
        });
        let to: Vec<Part> = to.map(Option::<&Part>::cloned).collect::<Option<_>>()?;
        fill(&self.from, &matched(&to, path)?)
    }
}

fn fill(parts: &[Part], names: &[(&str, &str)]) -> Option<String> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Name { name, .. } => out.push_str(names.iter().find(|(known, _)| known == name)?.1),
        }
    }
    // Of segments that are none, the slash before them goes as well.
    Some(out.replace("//", "/").trim_start_matches('/').to_owned())
}

fn parts(pattern: &str) -> Option<Vec<Part>> {
    let (mut parts, mut text, mut unnamed) = (Vec::new(), String::new(), 0);
    let mut rest = pattern.trim_start_matches('/');
    while let Some(c) = rest.chars().next() {
        let (name, after) = match c {
            ':' => {
                let end =
                    rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(rest.len(), |end| end + 1);
                (rest[1..end].to_owned(), &rest[end..])
            }
            '(' => {
                unnamed += 1;
                ((unnamed - 1).to_string(), rest)
            }
            '{' | '}' | '*' | '+' | '?' | '^' | '$' => return None,
            '\\' => {
                let mut chars = rest[1..].chars();
                text.extend(chars.next());
                rest = chars.as_str();
                continue;
            }
            c => {
                text.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        if name.is_empty() {
            return None;
        }
        let (mut what, mut after) = match after.strip_prefix('(') {
            Some(group) => {
                let (inner, after) = group.split_once(')')?;
                (what(inner)?, after)
            }
            None => (What::Segment, after),
        };
        if let Some(sign) = after.chars().next().filter(|sign| matches!(sign, '*' | '+' | '?')) {
            what = match (what, sign) {
                (What::Segment, '*') => What::Segments { optional: true },
                (What::Segment, '+') => What::Segments { optional: false },
                _ => return None,
            };
            after = &after[1..];
        }
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Name { name, what });
        rest = after;
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Some(parts)
}

fn what(group: &str) -> Option<What> {
    match group {
        ".*" => Some(What::Segments { optional: true }),
        ".+" => Some(What::Segments { optional: false }),
        "[^/]+" | "[^/]+?" | "\\w+" | "[\\w-]+" => Some(What::Segment),
        words if words.chars().all(|c| c.is_alphanumeric() || matches!(c, '|' | '-' | '_')) => {
            Some(What::OneOf(words.split('|').map(str::to_owned).collect()))
        }
        _ => None,
    }
}

/// What the names of a pattern stand for in a path that it matches as a whole. The shortest way is tried first, each
/// pair of part and place once.
fn matched<'p>(parts: &'p [Part], path: &'p str) -> Option<Vec<(&'p str, &'p str)>> {
    const MAX_WORK: usize = 1 << 20;
    if (parts.len() + 1) * (path.len() + 1) > MAX_WORK {
        return None;
    }
    let mut failed = vec![false; (parts.len() + 1) * (path.len() + 1)];
    let mut names = Vec::new();
    step(parts, path, 0, 0, &mut failed, &mut names).then_some(names)
}

fn step<'p>(
    parts: &'p [Part],
    path: &'p str,
    part: usize,
    at: usize,
    failed: &mut [bool],
    names: &mut Vec<(&'p str, &'p str)>,
) -> bool {
    let place = part * (path.len() + 1) + at;
    if failed[place] {
        return false;
    }
    let found = match parts.get(part) {
        None => at == path.len(),
        Some(Part::Text(text)) => {
            let rest = &path[at..];
            if rest.starts_with(text.as_str()) {
                step(parts, path, part + 1, at + text.len(), failed, names)
            } else {
                // `en/:rest*` matches `en` too.
                let next = parts.get(part + 1);
                let is_optional = matches!(next, Some(Part::Name { what: What::Segments { optional: true }, .. }));
                text.strip_suffix('/').is_some_and(|text| rest == text) && is_optional && parts.len() == part + 2
            }
        }
        Some(Part::Name { name, what }) => {
            let ends = path[at..].char_indices().map(|(end, _)| at + end).chain([path.len()]);
            let fits = |end: usize| {
                let value = &path[at..end];
                match what {
                    What::Segment => !value.is_empty() && !value.contains('/'),
                    What::Segments { optional } => *optional || !value.is_empty(),
                    What::OneOf(words) => words.iter().any(|word| word == value),
                }
            };
            let mut found = false;
            for end in ends {
                if matches!(what, What::Segment) && path[at..end].ends_with('/') {
                    break;
                }
                if !fits(end) {
                    continue;
                }
                names.push((name, &path[at..end]));
                if step(parts, path, part + 1, end, failed, names) {
                    found = true;
                    break;
                }
                names.pop();
            }
            found
        }
    };
    failed[place] = !found;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_path_to_regexp() {
        for (from, to, path, expected) in [
            ("en/:rest*", ":rest*", "en/guide/x.md", Some("guide/x.md")),
            ("en/:rest*", ":rest*", "en/index.md", Some("index.md")),
            ("en/:rest*", ":rest*", "zh/index.md", None),
            ("packages/:pkg/src/(.*)", ":pkg/index.md", "packages/a/src/b/c.md", Some("a/index.md")),
            ("packages/:pkg/src/:slug*", ":pkg/:slug*", "packages/a/src/b/c.md", Some("a/b/c.md")),
            (":pkg/docs/:page.md", "p/:pkg/:page.md", "a/docs/b.md", Some("p/a/b.md")),
            (":pkg/docs/:page.md", "p/:pkg/:page.md", "a/docs/b/c.md", None),
            (":lang(en|de)/:rest*", "l/:lang/:rest*", "de/x.md", Some("l/de/x.md")),
            (":lang(en|de)/:rest*", "l/:lang/:rest*", "fr/x.md", None),
            ("a.md", "b.md", "a.md", Some("b.md")),
        ] {
            let rewrite = Rewrite::new(from, to).unwrap();
            assert_eq!(rewrite.apply(path).as_deref(), expected, "{from} {path}");
        }
        assert_eq!(Rewrite::new("en/:rest*", ":rest*").unwrap().undo("guide/x.md").unwrap(), "en/guide/x.md");
        assert_eq!(Rewrite::new("a.md", "b.md").unwrap().undo("b.md").unwrap(), "a.md");
        for (from, to) in [("a/:b(\\d{3})", ":b"), ("a/:b", ":c"), ("{a}?", "b"), (":", "x")] {
            assert_eq!(Rewrite::new(from, to), None, "{from}");
        }
    }
}
