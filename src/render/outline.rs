//! The outline of a text, without rendering it: its first heading, and the names that it gives to places in it.

use super::{Facts, Format, OwnLabel};
use crate::page::DocPath;
use crate::site::hugo::Hugo;
use crate::site::{AnyRules, Site};

/// Names of one document, at most.
const MAX_LABELS: usize = 2_000;

/// Adds the first heading and the labels of a text to what its front matter says.
pub(super) fn read(path: &DocPath, body: &str, site: &Site, facts: &mut Facts) {
    if let AnyRules::Hugo(rules) = &site.generator {
        of_hugo(path, body, rules, facts);
        return;
    }
    // Where no rule asks for headings, none is kept: the ledger and each run would carry them for nothing.
    let is_asked = matches!(site.generator, AnyRules::Sphinx(_) | AnyRules::MkDocs(_) | AnyRules::Docusaurus(_));
    let is_rst = path.extension() == "rst";
    if !(is_asked || is_rst) {
        return;
    }
    if !matches!(Format::of(path), Format::Markdown | Format::Notebook) && !is_rst {
        return;
    }
    let wants_labels = matches!(site.generator, AnyRules::Sphinx(_));
    let mut lines = Lines { fence: None, before: "", is_rst };
    let mut waiting: Vec<String> = Vec::new();
    let mut at = 0;
    let mut in_directive = false;
    while let Some((line, next)) = line_at(body, at) {
        at = next;
        let was_open = lines.fence.is_some();
        let found = lines.take(line);
        if !was_open && lines.fence.is_some() {
            in_directive = line.contains("```{") || line.contains("~~~{");
        }
        if wants_labels
            && !is_rst
            && (in_directive || lines.fence.is_none())
            && facts.labels.len() < MAX_LABELS
            && let Some(name) = directive_name(line)
        {
            facts.labels.push(OwnLabel { anchor: id(name), name: name.to_owned(), title: None });
        }
        if let Some(heading) = &found {
            facts.heading.get_or_insert_with(|| heading.clone());
        } else if wants_labels && let Some(name) = label(line, is_rst).filter(|_| lines.fence.is_none()) {
            waiting.push(name);
            continue;
        }
        let is_text = !line.trim().is_empty();
        // A name before a heading is the heading's. reStructuredText's heading is known by the line after it.
        if is_text && (found.is_some() || !is_rst || line_at(body, at).is_none_or(|(next, _)| !is_underline(next))) {
            for name in waiting.drain(..).take(MAX_LABELS.saturating_sub(facts.labels.len())) {
                facts.labels.push(OwnLabel { anchor: id(&name), name, title: found.clone() });
            }
        }
        if facts.heading.is_some() && !wants_labels {
            return;
        }
    }
}

/// The name by which `ref` finds a document of Hugo's, and whether it is a section that only lists its pages.
fn of_hugo(path: &DocPath, body: &str, rules: &Hugo, facts: &mut Facts) {
    if let Some(name) = rules.label(path) {
        facts.labels.push(OwnLabel { name, anchor: String::new(), title: None });
    }
    if path.file_name().starts_with("_index.") && body.trim().is_empty() {
        facts.excluded.get_or_insert_with(|| "a section without text of its own: it only lists its pages".to_owned());
    }
}

struct Lines<'b> {
    fence: Option<&'static str>,
    before: &'b str,
    is_rst: bool,
}

impl<'b> Lines<'b> {
    /// The heading that a line is, or ends by underlining the one before it.
    fn take(&mut self, line: &'b str) -> Option<String> {
        let before = std::mem::replace(&mut self.before, line);
        let text = line.trim_start_matches([' ', '>']);
        let mark = if self.is_rst { None } else { ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark)) };
        match (self.fence, mark) {
            (None, Some(mark)) => {
                self.fence = Some(mark);
                return None;
            }
            (Some(open), Some(mark)) if open == mark => {
                self.fence = None;
                return None;
            }
            (Some(_), _) => return None,
            (None, None) => {}
        }
        let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
        if !self.is_rst && (1..=6).contains(&hashes) && text[hashes..].starts_with([' ', '\t']) {
            return plain(text[hashes..].trim().trim_end_matches('#'));
        }
        let is_title = !before.trim().is_empty() && !before.starts_with([' ', '\t', '>', '-', '*', '|', '<']);
        let underlines = if self.is_rst {
            is_underline(line) && line.trim_end().chars().count() >= before.trim_end().chars().count()
        } else {
            let line = line.trim_end();
            line.len() > 2 && (line.bytes().all(|byte| byte == b'=') || line.bytes().all(|byte| byte == b'-'))
        };
        if is_title && underlines && !is_underline(before) { plain(before) } else { None }
    }
}

fn line_at(body: &str, at: usize) -> Option<(&str, usize)> {
    let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
    let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
    Some((rest[..end].trim_end_matches(['\n', '\r']), at + end))
}

/// A line of one sign of punctuation alone: what stands under a title of reStructuredText.
fn is_underline(line: &str) -> bool {
    let line = line.trim_end();
    let first = line.chars().next();
    line.len() >= 2 && first.is_some_and(|c| c.is_ascii_punctuation()) && line.chars().all(|c| Some(c) == first)
}

/// The name that `(name)=` or `.. _name:` gives.
fn label(line: &str, is_rst: bool) -> Option<String> {
    let line = line.trim();
    let name = match line.strip_prefix(".. _").and_then(|rest| rest.strip_suffix(':')) {
        Some(name) => name.trim_matches('`'),
        None if is_rst => return None,
        // Attributes of what follows may name it as well.
        None if line.starts_with("{#") && line.ends_with('}') => {
            line.get(2..line.len() - 1)?.split_ascii_whitespace().next()?
        }
        None => line.strip_prefix('(')?.strip_suffix(")=")?,
    };
    (!name.is_empty() && name.len() <= 200).then(|| name.to_owned())
}

/// The name that the option `name` gives to what a directive becomes (`MyST`).
fn directive_name(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix(":name:")?.trim();
    (!name.is_empty() && name.len() <= 200).then_some(name)
}

/// The id that docutils makes of a name.
pub(super) fn id(name: &str) -> String {
    let mut id = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.ends_with('-') && !id.is_empty() {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    id.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned()
}

/// The text of a heading without its markup.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.rfind(" {").or_else(|| text.rfind("{#")) {
        Some(at) if text.ends_with('}') && !text.ends_with("}}") => text[..at].trim_end(),
        _ => text,
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[', '\\']) {
        out.push_str(&rest[..at]);
        let link = rest[at..].strip_prefix('[').and_then(|inner| {
            let (shown, after) = inner.split_once("](")?;
            let (_, after) = after.split_once(')')?;
            Some((shown, after))
        });
        if let Some((shown, after)) = link {
            out.push_str(&shown.replace(['`', '*'], ""));
            rest = after;
        } else {
            if rest[at..].starts_with('[') {
                out.push('[');
            }
            rest = &rest[at + 1..];
        }
    }
    out.push_str(rest);
    (!out.trim().is_empty()).then(|| out.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::site::{Generator, SiteOptions, Tree, UrlStyle};

    /// A source without a file.
    struct Nothing;

    impl Tree for Nothing {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, String> {
            Ok(None)
        }

        fn list(&self, _: &str) -> Vec<String> {
            Vec::new()
        }

        fn exists(&self, _: &str) -> bool {
            false
        }
    }

    fn heading(path: &str, body: &str) -> Option<String> {
        let (generator, urls) = (Generator::Sphinx, UrlStyle::None);
        let options = SiteOptions { generator, base_url: None, urls, settings: BTreeMap::new() };
        let mut facts = Facts::default();
        read(&DocPath::new(path), body, &Site::open(options, &Nothing).unwrap(), &mut facts);
        facts.heading
    }

    #[test]
    fn the_first_heading_is_found_without_its_markup() {
        for (path, body, expected) in [
            ("a.md", "text\n\n# The `x` of [*y*](z.md) {#id .c}\n", Some("The x of y")),
            ("a.md", "```\n# no\n```\n\nTitle\n=====\n", Some("Title")),
            ("a.md", "a [b] # c\n", None),
            ("a.md", "## Second [x] level ##\n", Some("Second [x] level")),
            ("a.rst", ".. _x:\n\n=====\nTitle\n=====\n\nPart\n----\n", Some("Title")),
            ("a.rst", "Too long a title\n---\n\n``Code``\n--------\n", Some("Code")),
        ] {
            assert_eq!(heading(path, body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn ids_are_docutils() {
        for (name, expected) in [("My Name!", "my-name"), ("a_b:c", "a-b-c"), ("1. x", "x"), ("ä b", "b")] {
            assert_eq!(id(name), expected);
        }
    }
}
