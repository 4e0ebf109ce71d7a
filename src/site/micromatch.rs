//! Patterns of paths as generators written in JavaScript read them: `*`, `?`, `**`, `[…]`, `{a,b}`.

/// A text in braces is written out to at most so many patterns.
const MAX_PATTERNS: usize = 256;

/// Patterns of which one has to match a path as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<Vec<char>>);

impl Patterns {
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let plain = patterns.into_iter().map(|pattern| pattern.trim_start_matches("./"));
        Self(plain.flat_map(braces).map(|pattern| pattern.chars().collect()).collect())
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.0.iter().any(|pattern| matches(pattern, &path))
    }
}

/// `{a,b}` written out.
fn braces(pattern: &str) -> Vec<String> {
    let (mut open, mut done) = (vec![pattern.to_owned()], Vec::new());
    while let Some(pattern) = open.pop() {
        // The innermost pair first, so that none is cut.
        let pair = pattern.find('}').and_then(|end| Some((pattern[..end].rfind('{')?, end)));
        match pair {
            Some((start, end)) if open.len() + done.len() < MAX_PATTERNS => {
                let (head, tail) = (&pattern[..start], &pattern[end + 1..]);
                open.extend(pattern[start + 1..end].split(',').map(|word| format!("{head}{word}{tail}")));
            }
            _ => done.push(pattern),
        }
    }
    done
}

/// Matches one set of places after the other, so that the time is the product of both lengths at most.
fn matches(pattern: &[char], path: &[char]) -> bool {
    let mut places = vec![false; path.len() + 1];
    places[0] = true;
    let mut at = 0;
    while at < pattern.len() {
        let mut next = vec![false; path.len() + 1];
        let rest = &pattern[at..];
        let starts_part = at == 0 || pattern[at - 1] == '/';
        match rest {
            ['*', '*', '/', ..] if starts_part => {
                let mut seen = false;
                for (place, next) in next.iter_mut().enumerate() {
                    let is_start = place == 0 || path[place - 1] == '/';
                    *next = (seen && is_start) || places[place];
                    seen |= places[place];
                }
                at += 3;
            }
            ['*', '*', ..] if starts_part => {
                let mut seen = false;
                for (place, next) in next.iter_mut().enumerate() {
                    seen |= places[place];
                    *next = seen;
                }
                at += 2;
            }
            ['*', ..] => {
                let mut seen = false;
                for (place, next) in next.iter_mut().enumerate() {
                    seen = (seen && path[place - 1] != '/') || places[place];
                    *next = seen;
                }
                at += rest.iter().take_while(|c| **c == '*').count();
            }
            _ => {
                let (length, takes) = one(rest);
                for (place, c) in path.iter().enumerate() {
                    next[place + 1] = places[place] && takes(*c);
                }
                at += length;
            }
        }
        places = next;
    }
    places[path.len()]
}

/// How long a sign of a pattern is, and which characters it takes.
fn one(rest: &[char]) -> (usize, Box<dyn Fn(char) -> bool + '_>) {
    match rest {
        ['?', ..] => (1, Box::new(|c| c != '/')),
        ['\\', escaped, ..] => (2, Box::new(move |c| c == *escaped)),
        ['[', class @ ..] => match class.iter().skip(1).position(|c| *c == ']') {
            Some(end) => {
                let class = &class[..=end];
                let (is_not, class) = match class {
                    ['!' | '^', class @ ..] => (true, class),
                    class => (false, class),
                };
                let takes = move |c: char| {
                    let within = class.contains(&c)
                        || class.windows(3).any(|range| range[1] == '-' && (range[0]..=range[2]).contains(&c));
                    c != '/' && within != is_not
                };
                (end + 3, Box::new(takes))
            }
            None => (1, Box::new(|c| c == '[')),
        },
        [plain, ..] => (1, Box::new(move |c| c == *plain)),
        [] => (1, Box::new(|_| false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("**/_*.{js,md,mdx}", "a/b/_x.mdx", true),
            ("**/_*.{js,md,mdx}", "_x.md", true),
            ("**/_*/**", "a/_b/c/d.md", true),
            ("**/_*/**", "a/b_/c.md", false),
            ("**/*.test.{js,ts}", "a.test.ts", true),
            ("**/README.md", "README.md", true),
            ("*.md", "a/b.md", false),
            ("a/**", "a/b/c.md", true),
            ("drafts/**/*.md", "drafts/x.md", true),
            ("[a-c]?.md", "b1.md", true),
            ("[!a].md", "a.md", false),
            ("é*.md", "éa.md", true),
        ] {
            assert_eq!(Patterns::new([pattern]).matches(path), expected, "{pattern} {path}");
        }
    }
}
