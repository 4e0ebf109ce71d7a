//! Html as a server might hand it back: another spelling of the same content.
//!
//! Whoever compares what is held with what was sent, byte by byte, must meet this here and not in production. Pure, one
//! pass, and never the text that was sent.

/// Elements behind whose end a serialiser breaks the line.
const BLOCKS: [&str; 24] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "ol",
    "p",
    "section",
    "table",
    "tr",
    "ul",
];

/// Writes html otherwise: names in lower case, attributes in double quotes, no `/` in void tags, a line break behind
/// blocks, plain quotes in text; and a line break more or less at the end, so that no html comes back as it was.
pub(super) fn normalise(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8 + 16);
    let mut rest = html;
    let mut verbatim = 0_usize;
    while let Some(start) = rest.find('<') {
        text(&rest[..start], &mut out);
        rest = &rest[start..];
        let Some(end) = tag_end(rest) else { break };
        let tag = &rest[..end];
        rest = &rest[end..];
        let Some(name) = name(tag) else {
            out.push_str(tag);
            continue;
        };
        write_tag(tag, &mut out);
        let closes = tag.starts_with("</");
        if matches!(name.as_str(), "pre" | "textarea" | "script" | "style") {
            verbatim = if closes { verbatim.saturating_sub(1) } else { verbatim + 1 };
        }
        if closes && verbatim == 0 && BLOCKS.contains(&name.as_str()) && !rest.starts_with('\n') {
            out.push('\n');
        }
    }
    text(rest, &mut out);
    let shortened = out.trim_end_matches('\n').len();
    out.truncate(shortened);
    if !html.ends_with('\n') || html.trim_end_matches('\n').len() + 1 != html.len() {
        out.push('\n');
    }
    out
}

/// Where a tag ends, quotes heeded; none if it does not.
fn tag_end(tag: &str) -> Option<usize> {
    if tag.starts_with("<!--") {
        return tag.find("-->").map(|at| at + 3);
    }
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The element's name in lower case; none for comments, doctypes and a `<` that begins no tag.
fn name(tag: &str) -> Option<String> {
    let inner = tag.strip_prefix("</").or_else(|| tag.strip_prefix('<'))?;
    let end = inner.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(inner.len());
    let name = &inner[..end];
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| name.to_ascii_lowercase())
}

fn write_tag(tag: &str, out: &mut String) {
    let closes = tag.starts_with("</");
    let inner = tag.trim_start_matches(['<', '/']).trim_end_matches('>');
    let split = inner.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inner.len());
    let (name, mut rest) = inner.split_at(split);
    out.push_str(if closes { "</" } else { "<" });
    out.push_str(&name.to_ascii_lowercase());
    if !closes {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                break;
            }
            rest = write_attribute(rest, out);
        }
    }
    out.push('>');
}

/// Writes one attribute; what is left behind it. Takes at least one character.
fn write_attribute<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
        .map_or(rest.len(), |(at, _)| at);
    let (name, after) = rest.split_at(end);
    out.push(' ');
    out.push_str(&name.to_ascii_lowercase());
    let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
        out.push_str("=\"\"");
        return after;
    };
    let (value, after) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &value[1..];
            let end = inner.find(quote).unwrap_or(inner.len());
            (&inner[..end], inner.get(end + 1..).unwrap_or(""))
        }
        _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
    };
    out.push_str("=\"");
    out.push_str(&value.replace('"', "&quot;"));
    out.push('"');
    after
}

/// Writes text with the references spelled out that need none.
fn text(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\u{a0}']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let spelled =
            [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&apos;", "'"), ("\u{a0}", "&nbsp;")]
                .into_iter()
                .find_map(|(from, to)| rest.strip_prefix(from).map(|rest| (to, rest)));
        if let Some((to, after)) = spelled {
            out.push_str(to);
            rest = after;
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_comes_back_in_another_spelling_of_the_same() {
        assert_eq!(
            normalise("<P class='a b'>it&#39;s<br />x &amp; y</P><img src=a.png alt=\"1 > 0\" hidden><p>z</p>"),
            "<p class=\"a b\">it's<br>x &amp; y</p>\n<img src=\"a.png\" alt=\"1 > 0\" hidden=\"\"><p>z</p>\n"
        );
        assert_eq!(normalise("<pre><p>a</p><p>b</p></pre>"), "<pre><p>a</p><p>b</p></pre>\n");
    }

    #[test]
    fn no_html_comes_back_as_it_was_nor_does_any_break_it() {
        let long = "<a ".repeat(1_000);
        for html in [
            "",
            "\n",
            "\n\n",
            "a",
            "a\n",
            "<p>a</p>\n",
            "<p>a</p>",
            "<",
            "</",
            "<>",
            "< p>",
            "<p",
            "<!-- <p> -->",
            "<!--",
            "<!doctype html>",
            "<a =>",
            "<a b='",
            "<a b=\"c",
            "a & b &amp; &",
            "é\u{a0}é",
            "<é>",
            "<a é=ü/>",
            &long,
        ] {
            assert_ne!(normalise(html), html, "{html:?}");
        }
    }
}
