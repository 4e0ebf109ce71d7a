//! Fences of code: where they begin and end, what their info string says, and the comments in code that are signs for the
//! highlighter.

/// A fence that is open.
#[derive(Clone, Copy, Debug)]
pub(in crate::render::dialect) struct Fence {
    sign: char,
    count: usize,
}

impl Fence {
    /// The fence that a line opens, and where in the line it stands. It may follow the sign of a list item or a quote.
    pub(in crate::render::dialect) fn opens(line: &str) -> Option<(Self, usize)> {
        let mut at = 0;
        loop {
            let rest = &line[at..];
            let blanks = rest.len() - rest.trim_start().len();
            at += blanks;
            let rest = &line[at..];
            let sign = rest.chars().next()?;
            match sign {
                '`' | '~' => {
                    let count = rest.chars().take_while(|c| *c == sign).count();
                    let is_fence = count >= 3 && (sign == '~' || !rest[count..].contains('`'));
                    return is_fence.then_some((Self { sign, count }, at));
                }
                '>' => at += 1,
                '-' | '*' | '+' if rest[1..].starts_with(' ') => at += 2,
                '0'..='9' => {
                    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                    if !(rest[digits..].starts_with(". ") || rest[digits..].starts_with(") ")) {
                        return None;
                    }
                    at += digits + 2;
                }
                _ => return None,
            }
        }
    }

    /// Whether a line closes it.
    pub(in crate::render::dialect) fn closes(self, line: &str) -> bool {
        let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
        line.chars().count() >= self.count && line.chars().all(|c| c == self.sign)
    }

    /// Its signs.
    pub(in crate::render::dialect) fn signs(self) -> String {
        String::from(self.sign).repeat(self.count)
    }
}

/// What an info string says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::render::dialect) struct Info {
    pub(in crate::render::dialect) language: String,
    /// `title="…"`.
    pub(in crate::render::dialect) title: Option<String>,
    /// Whether it says which lines stand out: comments in the code do not then.
    pub(in crate::render::dialect) has_lines: bool,
    /// `[…]`.
    pub(in crate::render::dialect) label: Option<String>,
    /// `frame="none"`: nothing is shown around it.
    pub(in crate::render::dialect) is_bare: bool,
}

impl Info {
    pub(in crate::render::dialect) fn parse(info: &str) -> Self {
        let info = info.trim();
        let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '[' | ':' | ',');
        let language = info[..info.find(ends).unwrap_or(info.len())].to_owned();
        let title = info.find("title=").and_then(|at| {
            let rest = &info[at + "title=".len()..];
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest[1..].split(quote).next().map(str::to_owned)
        });
        let label = info.find('[').and_then(|at| {
            let rest = &info[at + 1..];
            // The name of an icon may follow the label.
            rest.rfind(']').map(|end| rest[..end].split('~').next().unwrap_or_default().trim().to_owned())
        });
        let has_lines = info.find('{').is_some_and(|at| info[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        let is_bare = info.contains("frame=\"none\"") || info.contains("frame='none'");
        Self {
            language,
            has_lines,
            is_bare,
            title: title.filter(|t| !t.is_empty()),
            label: label.filter(|l| !l.is_empty()),
        }
    }
}

/// A line of code without `// [!code …]`, as Shiki's transformers leave it; `None` where nothing of the line is left.
pub(in crate::render::dialect) fn without_notation(line: &str) -> Option<String> {
    // The longer first: one is the end of another.
    const SIGNS: &[&str] = &["{/*", "<!--", "//", "/*", "--", "#", ";", "%"];
    if line.contains("\u{1b}[") {
        return Some(without_colours(line));
    }
    let Some(at) = line.find("[!code ") else { return Some(line.to_owned()) };
    let Some(end) = line[at..].find(']').map(|end| at + end + 1) else { return Some(line.to_owned()) };
    let before = line[..at].trim_end();
    let Some(sign) = SIGNS.iter().find(|sign| before.ends_with(**sign)) else { return Some(line.to_owned()) };
    let mut after = line[end..].trim_start();
    // Several may stand in one comment.
    while let Some(next) = after.strip_prefix("[!code ").and_then(|rest| rest.find(']').map(|end| &rest[end + 1..])) {
        after = next.trim_start();
    }
    let after = ["-->", "*/}", "*/"].iter().find_map(|close| after.strip_prefix(close)).unwrap_or(after);
    let rest = format!("{}{after}", before[..before.len() - sign.len()].trim_end());
    Some(rest).filter(|rest| !rest.trim().is_empty())
}

/// A line of a terminal's (`ansi`) without its colours.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(0, |end| end + 1);
        out + &part[end..]
    })
}

/// Whether a line of code is one of Docusaurus's magic comments.
pub(in crate::render::dialect) fn is_magic(line: &str) -> bool {
    let line = line.trim();
    let signs = |c: char| c.is_whitespace() || "/*#<!->{}%;'".contains(c);
    let word = line.trim_matches(signs);
    word.len() < line.len() && matches!(word, "highlight-next-line" | "highlight-start" | "highlight-end")
}

/// The lines between the marks of a region of this name, without the marks; `None` where there is no such region.
pub(in crate::render::dialect) fn region(text: &str, name: &str) -> Option<String> {
    let (mut depth, mut found, mut lines) = (0_usize, false, Vec::new());
    for line in text.lines() {
        let mark = |word: &str| {
            let at = line.find(word)?;
            let is_comment = line[..at].trim().chars().all(|c| !c.is_alphanumeric());
            let rest = line[at + word.len()..].trim().trim_end_matches("-->").trim_end_matches("*/").trim();
            is_comment.then_some(rest)
        };
        if let Some(ended) = mark("#endregion").or_else(|| mark("endregion")) {
            if depth > 0 && (ended == name || ended.is_empty()) {
                depth -= 1;
                continue;
            }
        } else if mark("#region").or_else(|| mark("region")) == Some(name) {
            depth += 1;
            found = true;
            continue;
        }
        if depth > 0 {
            lines.push(line);
        }
    }
    let blanks = |line: &&str| line.len() - line.trim_start().len();
    let least = lines.iter().filter(|line| !line.trim().is_empty()).map(blanks).min().unwrap_or(0);
    let cut = lines.iter().map(|line| line.get(least..).unwrap_or_default()).collect::<Vec<_>>();
    found.then(|| cut.join("\n"))
}

/// The lines of a range such as `3,`, `,10`, `1,10`, `4`.
pub(in crate::render::dialect) fn ranged(text: &str, range: &str) -> String {
    let (first, last) = range.split_once([',', '-']).unwrap_or((range, range));
    let number = |text: &str, missing: usize| text.trim().parse().unwrap_or(missing);
    let (first, last) = (number(first, 1).max(1), number(last, usize::MAX));
    let lines = text.lines().skip(first - 1).take(last.saturating_sub(first - 1));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_strings_say_language_title_and_label() {
        for (info, language, title, label) in [
            ("js{1,4-8}", "js", None, None),
            ("js [config.js]", "js", None, Some("config.js")),
            ("ts:line-numbers {1} [a b]", "ts", None, Some("a b")),
            ("js {1} title=\"src/x.js\" showLineNumbers", "js", Some("src/x.js"), None),
            ("", "", None, None),
        ] {
            let expected = (language.to_owned(), title.map(str::to_owned), label.map(str::to_owned));
            let read = Info::parse(info);
            assert_eq!((read.language, read.title, read.label), expected, "{info}");
        }
    }

    #[test]
    fn signs_for_the_highlighter_go_and_the_code_stays() {
        assert_eq!(without_notation("  a: 1 // [!code --]").as_deref(), Some("  a: 1"));
        assert_eq!(without_notation("<p> <!-- [!code focus:2] -->").as_deref(), Some("<p>"));
        assert_eq!(without_notation("// [!code highlight:2]"), None);
        assert_eq!(without_notation("a[!code b]").as_deref(), Some("a[!code b]"));
        assert!(is_magic("  // highlight-next-line") && is_magic("<!-- highlight-end -->"));
        assert!(!is_magic("highlight-start") && !is_magic("// highlight"));
    }

    #[test]
    fn regions_and_ranges_are_cut_out() {
        let text = "a\n  // #region x\n  b\n    c\n  // #endregion x\nd\n<!-- #region y -->\ne\n<!-- #endregion -->";
        assert_eq!(region(text, "x").unwrap(), "b\n  c");
        assert_eq!(region(text, "y").unwrap(), "e");
        assert_eq!(region(text, "z"), None);
        assert_eq!(ranged("1\n2\n3", "2,"), "2\n3");
        assert_eq!(ranged("1\n2\n3", ",2"), "1\n2");
        assert_eq!(ranged("1\n2\n3", "2"), "2");
    }
}
