//! Shortcodes in a text: where they stand, their parameters, and which tag closes which. One pass, in linear time.
//!
//! Source of the rules: Hugo's documentation ("Shortcodes"), and its lexer's behaviour: tags count in code too, unless
//! they are escaped as `{{</* name */>}}`.

use std::collections::HashMap;
use std::ops::Range;

/// A tag longer than this is nobody's.
const MAX_TAG: usize = 64 * 1024;

/// A piece of a text.
#[derive(Debug)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// An escaped tag, as it is shown.
    Shown(String),
    Tag(Tag<'t>),
}

/// A piece and the line that it begins on, counted from 0.
#[derive(Debug)]
pub(super) struct Placed<'t> {
    pub(super) piece: Piece<'t>,
    pub(super) line: u32,
    /// Where it stands.
    pub(super) range: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Tag<'t> {
    pub(super) name: &'t str,
    params: Vec<(Option<&'t str>, String)>,
    is_end: bool,
    /// The piece that closes it.
    pub(super) end: Option<usize>,
}

impl Tag<'_> {
    /// A parameter by name.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key.is_some_and(|key| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.as_str())
    }

    /// The first of these parameters that is there.
    pub(super) fn any(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.named(name)).filter(|value| !value.is_empty())
    }

    /// A parameter by its place, counted from 0.
    pub(super) fn at(&self, place: usize) -> Option<&str> {
        let (key, value) = self.params.get(place)?;
        key.is_none().then_some(value.as_str())
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.named(name).is_some_and(|value| value == "true")
    }
}

/// Takes a text apart.
pub(super) fn read(text: &str) -> Vec<Placed<'_>> {
    let mut pieces: Vec<Placed<'_>> = Vec::new();
    let (mut at, mut plain, mut line) = (0, 0, 0_u32);
    while let Some(found) = text[at..].find("{{").map(|found| at + found) {
        let rest = &text[found..];
        let Some((piece, length)) = escaped(rest).or_else(|| tag(rest)) else {
            at = found + 2;
            continue;
        };
        if plain < found {
            let before = &text[plain..found];
            pieces.push(Placed { piece: Piece::Text(before), line, range: plain..found });
            line = line.saturating_add(newlines(before));
        }
        pieces.push(Placed { piece, line, range: found..found + length });
        line = line.saturating_add(newlines(&rest[..length]));
        at = found + length;
        plain = at;
    }
    if plain < text.len() {
        pieces.push(Placed { piece: Piece::Text(&text[plain..]), line, range: plain..text.len() });
    }
    pair(&mut pieces);
    pieces
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// `{{</* name */>}}`, which is shown as `{{< name >}}`.
fn escaped(rest: &str) -> Option<(Piece<'_>, usize)> {
    let (open, close) = match rest.as_bytes().get(2)? {
        b'<' => ("{{</*", "*/>}}"),
        b'%' => ("{{%/*", "*/%}}"),
        _ => return None,
    };
    let inner = rest.strip_prefix(open)?;
    // No tag stands within one.
    let end = inner.find("{{").unwrap_or(inner.len()).min(head(inner).len());
    let end = inner.get(..end)?.find(close)?;
    let shown = format!("{}{}{}", &open[..3], &inner[..end], &close[2..]);
    Some((Piece::Shown(shown), open.len() + end + close.len()))
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_TAG);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A tag: fails at the first sign that cannot be part of one, so that no text is looked at often.
fn tag(rest: &str) -> Option<(Piece<'_>, usize)> {
    let close = match rest.as_bytes().get(2)? {
        b'<' => ">}}",
        b'%' => "%}}",
        _ => return None,
    };
    let text = head(rest);
    let mut at = 3 + blank(&text[3..]);
    let is_end = text[at..].starts_with('/');
    if is_end {
        at += 1;
        at += blank(&text[at..]);
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    let length = text[at..].find(|c| !is_name(c)).unwrap_or(text.len() - at);
    let name = text[at..at + length].trim_end_matches('/');
    if name.is_empty() {
        return None;
    }
    at += name.len();
    let mut params = Vec::new();
    loop {
        at += blank(&text[at..]);
        let here = &text[at..];
        if here.starts_with(close) {
            let tag = Tag { name, params, is_end, end: None };
            return Some((Piece::Tag(tag), at + close.len()));
        }
        if let Some(after) = here.strip_prefix('/') {
            // `{{< name />}}` closes itself; a path may begin so, too.
            if after.trim_start().starts_with(close) {
                at += 1;
                continue;
            }
        }
        let key = here.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).filter(|end| *end > 0);
        let key = key.filter(|end| here[*end..].starts_with('='));
        let (name, value_at) = key.map_or((None, 0), |end| (Some(&here[..end]), end + 1));
        let (value, length) = value(&here[value_at..], close)?;
        params.push((name, value));
        at += value_at + length;
        if !text[at..].starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '%' | '/')) {
            return None;
        }
    }
}

fn blank(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// A value: in quotes, in backticks, or bare; and its length.
fn value(text: &str, close: &str) -> Option<(String, usize)> {
    match text.chars().next()? {
        '`' => {
            let end = text[1..].find('`')?;
            Some((text[1..=end].to_owned(), end + 2))
        }
        '"' => {
            let mut value = String::new();
            let mut chars = text.char_indices().skip(1);
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => return Some((value, at + 1)),
                    '\\' => value.push(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })?),
                    c => value.push(c),
                }
            }
            None
        }
        _ => {
            let is_part = |c: char| !c.is_whitespace() && !matches!(c, '"' | '`' | '{' | '}' | '\\');
            let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
            let bare = text[..end].trim_end_matches(close.trim_end_matches('}'));
            (!bare.is_empty()).then(|| (bare.to_owned(), bare.len()))
        }
    }
}

/// Finds the end of each tag that has one: what is opened within and not closed there has none.
fn pair(pieces: &mut [Placed<'_>]) {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for at in 0..pieces.len() {
        let Piece::Tag(tag) = &pieces[at].piece else { continue };
        let name = tag.name.to_owned();
        if !tag.is_end {
            places.entry(name.clone()).or_default().push(open.len());
            open.push((name, at));
            continue;
        }
        let Some(place) = places.get_mut(&name).and_then(Vec::pop) else { continue };
        let opener = open.get(place).map(|(_, opener)| *opener);
        for (name, _) in open.drain(place..).skip(1) {
            if let Some(places) = places.get_mut(&name) {
                places.pop();
            }
        }
        if let Some(Placed { piece: Piece::Tag(tag), .. }) = opener.and_then(|opener| pieces.get_mut(opener)) {
            tag.end = Some(at);
        }
    }
}

impl Tag<'_> {
    /// Whether it closes another.
    pub(super) fn is_end(&self) -> bool {
        self.is_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let pieces = read(text);
        let one = |placed: &Placed<'_>| match &placed.piece {
            Piece::Text(text) => format!("{text:?}"),
            Piece::Shown(text) => format!("shown {text:?}"),
            Piece::Tag(tag) if tag.is_end => format!("/{}", tag.name),
            Piece::Tag(tag) => {
                let params = tag.params.iter().map(|(key, value)| match key {
                    Some(key) => format!(" {key}={value}"),
                    None => format!(" {value}"),
                });
                let end = tag.end.map(|end| format!(" →{end}")).unwrap_or_default();
                format!("{}{}{end}", tag.name, params.collect::<String>())
            }
        };
        pieces.iter().map(one).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn tags_are_told_from_text() {
        for (text, expected) in [
            ("a {{< x \"q \\\" >}}\" `r >}}` b/c.md#d k=\"v\" l=w >}}", "\"a \"|x q \" >}} r >}} b/c.md#d k=v l=w"),
            ("{{% n %}}t{{% /n %}}", "n →2|\"t\"|/n"),
            ("{{<n/>}}{{< n />}}{{<a>}}", "n|n|a"),
            ("{{< o >}}{{< i >}}{{< /o >}}{{< /z >}}", "o →2|i|/o|/z"),
            ("{{< i >}}{{< i >}}{{< /i >}}", "i|i →2|/i"),
            ("{{</* x a */>}} {{%/* y */%}}", "shown \"{{< x a >}}\"|\" \"|shown \"{{% y %}}\""),
            ("{{ .x }} {{< {{<> {{< a", "\"{{ .x }} {{< {{<> {{< a\""),
            ("{{< blocks/cover a=\"\n\" >}}", "blocks/cover a=\n"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn hostile_tags_take_linear_time() {
        for piece in [
            "{{<",
            "{{< a ",
            "{{< a \"",
            "{{< a `",
            "{{< a \"\\\"",
            "{{</* ",
            "{{< a >}}",
            "{{< /a >}}",
            "{{< a >}}{{< b >}}{{< /a >}}",
        ] {
            let _ = read(&piece.repeat(100_000));
        }
    }
}
