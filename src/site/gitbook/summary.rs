//! `SUMMARY.md`: a list of links, nested by indentation, in groups below headings. Read line by line, never fails.

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// How many entries it stands within.
    pub(super) depth: usize,
    /// Its text, without marks.
    pub(super) title: String,
    /// Where its link leads, percent-encoding undone, without a fragment; `None`: it has none.
    pub(super) target: Option<String>,
    /// The number of the heading that it stands below, counted from 1; 0: none.
    pub(super) group: usize,
}

/// A heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) title: String,
    /// The id that an anchor in it gives it.
    pub(super) id: Option<String>,
}

/// The entries of a summary, and its headings below the first level.
pub(super) fn read(text: &str) -> (Vec<Item>, Vec<Group>) {
    let (mut items, mut groups) = (Vec::new(), Vec::new());
    let (mut open, mut group, mut in_comment): (Vec<usize>, usize, bool) = (Vec::new(), 0, false);
    for line in text.lines() {
        if in_comment || line.trim_start().starts_with("<!--") {
            in_comment = !line.contains("-->");
            continue;
        }
        let trimmed = line.trim();
        if let Some(heading) = trimmed.strip_prefix("##") {
            groups.push(heading_of(heading.trim_start_matches('#')));
            group = groups.len();
            open.clear();
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum();
        let Some(text) = entry(trimmed) else {
            // A rule ends a group without beginning one.
            if trimmed.len() >= 3 && trimmed.bytes().all(|byte| matches!(byte, b'-' | b'*' | b'_')) {
                group = 0;
            }
            continue;
        };
        open.truncate(open.iter().take_while(|outer| **outer < indent).count());
        let (title, target) = link(text).map_or((text, None), |(title, target)| (title, Some(target)));
        items.push(Item { depth: open.len(), title: plain(title), target: target.and_then(destination), group });
        open.push(indent);
    }
    (items, groups)
}

/// What follows the sign of a list's entry.
fn entry(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix(['*', '-', '+'])?,
        _ => line.get(digits..)?.strip_prefix(['.', ')'])?,
    };
    rest.starts_with([' ', '\t']).then(|| rest.trim())
}

/// The text and the destination of the link that an entry is.
pub(super) fn link(line: &str) -> Option<(&str, &str)> {
    let middle = line.find("](")?;
    let open = line.get(..middle)?.find('[')?;
    let rest = line.get(middle + 2..)?;
    // A destination may hold brackets of its own: the link ends the line.
    let end = rest.rfind(')')?;
    Some((line.get(open + 1..middle)?, rest.get(..end)?))
}

/// The path that a destination names, without its title (`"…"`) and fragment.
fn destination(target: &str) -> Option<String> {
    let target = target.trim();
    let target = match target.strip_prefix('<') {
        Some(rest) => rest.split('>').next().unwrap_or_default(),
        None => target.split(" \"").next().unwrap_or_default().split(" '").next().unwrap_or_default(),
    };
    let target = target.split('#').next().unwrap_or_default().trim().replace("\\_", "_");
    (!target.is_empty()).then(|| crate::site::percent_decode(&target))
}

fn heading_of(text: &str) -> Group {
    let (title, tag) = text.split_once("<a ").unwrap_or((text, ""));
    let id = tag.split_once("id=\"").and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()));
    Group { title: plain(title), id: id.filter(|id| !id.is_empty()) }
}

/// A title without what only marks it.
fn plain(title: &str) -> String {
    let title = title.replace(['`', '*', '\\'], "");
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_depth_group_and_destination() {
        let text = "# Summary\n\n* [In](README.md)\n  * [A `b`](<a b.md> \"Short\")\n    * Draft\n* [C](c.md#part \"x\")\n\
                    <!-- * [No](no.md) -->\n## Group <a href=\"#g-1\" id=\"g-1\"></a>\n1. [D\\_e](d%20e.md)\n---\n- [Out](https://x.example/)\ntext\n";
        let (items, groups) = read(text);
        let shown: Vec<String> = items
            .iter()
            .map(|item| {
                format!("{} {} {:?} {}", item.depth, item.title, item.target.as_deref().unwrap_or("-"), item.group)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "0 In \"README.md\" 0",
                "1 A b \"a b.md\" 0",
                "2 Draft \"-\" 0",
                "0 C \"c.md\" 0",
                "0 D_e \"d e.md\" 1",
                "0 Out \"https://x.example/\" 0",
            ]
        );
        assert_eq!(groups, [Group { title: "Group".into(), id: Some("g-1".into()) }]);
    }
}
