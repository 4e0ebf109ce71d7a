//! The allow list: which elements and attributes of raw HTML a page may have, what becomes of the others, and the
//! sanitiser built from the same table.
//!
//! Invariant: the writer writes no tag and no attribute that is not named here, and `ammonia`, which is given the same
//! table, is the second pair of eyes on every page that raw HTML has a part in.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::plain;

/// What becomes of an element of raw HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Written: a block of its own.
    Block(&'static str),
    /// Written: part of a line of text.
    Inline(&'static str),
    /// Written: has no content.
    Void(&'static str),
    /// Its tags are left out, its content stays.
    Unwrapped,
    /// Left out with its content.
    Dropped,
    /// Left out; has no content.
    Nothing,
    /// A checkbox or another control.
    Input,
    /// No element of HTML: a component of the generator's, unwrapped with a warning.
    Unknown,
}

/// What becomes of an element, by its name in lower case.
pub(super) fn fate(name: &str) -> Fate {
    use Fate::{Block, Dropped, Inline, Input, Nothing, Unknown, Unwrapped, Void};
    if let Some(name) = BLOCKS.iter().find(|known| **known == name) {
        return Block(name);
    }
    if let Some(name) = INLINES.iter().find(|known| **known == name) {
        return Inline(name);
    }
    match name {
        "br" => Void("br"),
        "hr" => Void("hr"),
        "img" => Void("img"),
        "input" => Input,
        "section" | "article" | "main" | "header" | "hgroup" | "address" | "aside" | "center" | "form" | "fieldset"
        | "legend" | "body" | "html" | "search" | "optgroup" | "marquee" => Block("div"),
        "menu" | "dir" => Block("ul"),
        "strike" => Inline("s"),
        "tt" => Inline("code"),
        "span" | "font" | "u" | "big" | "time" | "data" | "bdi" | "bdo" | "ruby" | "rt" | "rp" | "nobr" | "label"
        | "picture" | "output" | "slot" | "acronym" | "blink" => Unwrapped,
        "script" | "style" | "template" | "svg" | "math" | "iframe" | "object" | "audio" | "video" | "canvas"
        | "select" | "button" | "textarea" | "title" | "xmp" | "noembed" | "noframes" | "noscript" | "nav"
        | "footer" | "dialog" | "datalist" | "map" | "frameset" | "plaintext" | "progress" | "meter" | "head"
        | "applet" => Dropped,
        "meta" | "link" | "base" | "source" | "track" | "area" | "col" | "param" | "embed" | "frame" | "wbr"
        | "colgroup" => Nothing,
        _ => Unknown,
    }
}

const BLOCKS: &[&str] = &[
    "p",
    "li",
    "ul",
    "ol",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "blockquote",
    "div",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "figure",
    "figcaption",
];

const INLINES: &[&str] = &[
    "a", "code", "em", "strong", "b", "i", "kbd", "sub", "sup", "del", "ins", "s", "mark", "small", "abbr", "samp",
    "var", "q", "cite", "dfn",
];

/// Whether a tag of this name ends what was said before it, as a space does.
pub(super) fn separates(name: &str) -> bool {
    // As `INLINES`, but asked for every tag that is written.
    !matches!(
        name,
        "a" | "code"
            | "em"
            | "strong"
            | "b"
            | "i"
            | "kbd"
            | "sub"
            | "sup"
            | "del"
            | "ins"
            | "s"
            | "mark"
            | "small"
            | "abbr"
            | "samp"
            | "var"
            | "q"
            | "cite"
            | "dfn"
            | "img"
    )
}

/// Whether an open element is ended by the start tag of another, though nobody wrote its end tag.
pub(super) fn ends_before(open: &str, next: &str) -> bool {
    match open {
        "p" => BLOCKS.contains(&next) || next == "hr",
        "li" => next == "li",
        "dt" | "dd" => matches!(next, "dt" | "dd"),
        "td" | "th" => matches!(next, "td" | "th" | "tr" | "thead" | "tbody" | "tfoot"),
        "tr" => matches!(next, "tr" | "thead" | "tbody" | "tfoot"),
        "thead" | "tbody" | "tfoot" => matches!(next, "thead" | "tbody" | "tfoot"),
        _ => false,
    }
}

/// Whether an open element keeps [`ends_before`] from looking further up.
pub(super) fn is_scope(name: &str) -> bool {
    matches!(
        name,
        "ul" | "ol" | "dl" | "table" | "blockquote" | "div" | "details" | "figure" | "td" | "th" | "li" | "dd"
    )
}

/// What of an attribute is kept: `None` to leave it out. Urls are not judged here.
pub(super) fn attribute<'a>(element: &str, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
    let short_number = || !value.is_empty() && value.len() <= 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    let kept = match (element, name) {
        ("a", "href") | ("img", "src" | "alt") | ("abbr", "title") => true,
        ("h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "li" | "dt", "id") => {
            !value.is_empty() && !value.contains(char::is_whitespace)
        }
        ("td" | "th", "colspan" | "rowspan") => short_number(),
        ("td" | "th", "align") => matches!(value, "left" | "center" | "right"),
        ("ol", "start") => value.len() <= 9 && value.parse::<u32>().is_ok(),
        ("code" | "pre", "class") => {
            return value.split_ascii_whitespace().find(|class| is_language(class)).map(Cow::Borrowed);
        }
        ("div" | "blockquote" | "p", "class") => {
            let alert: Vec<&str> = value.split_ascii_whitespace().filter(|class| is_alert(class)).collect();
            return (!alert.is_empty()).then(|| Cow::Owned(alert.join(" ")));
        }
        _ => false,
    };
    kept.then_some(Cow::Borrowed(value))
}

fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|name| !name.is_empty() && name.bytes().all(is_language_byte))
}

/// What a language's name is made of.
pub(super) fn is_language_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'#' | b'.' | b'-')
}

fn is_alert(class: &str) -> bool {
    matches!(
        class,
        "markdown-alert"
            | "markdown-alert-title"
            | "markdown-alert-note"
            | "markdown-alert-tip"
            | "markdown-alert-important"
            | "markdown-alert-warning"
            | "markdown-alert-caution"
    )
}

/// The schemes that a link may have; an image has one of the first two.
pub(super) const SCHEMES: &[&str] = &["http", "https", "mailto", "tel"];

/// Cleans html once more, as a browser would parse it.
pub(super) fn sanitised(html: &str) -> String {
    let broken = broken(html);
    let clean = BUILDER.clean(broken.as_deref().unwrap_or(html)).to_string();
    if broken.is_some() { clean.replace(BREAK, "") } else { clean }
}

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (elements, names) in [
        (&["a"][..], &["href"][..]),
        (&["img"], &["src", "alt"]),
        (&["abbr"], &["title"]),
        (&["h1", "h2", "h3", "h4", "h5", "h6", "li", "dt"], &["id"]),
        (&["td", "th"], &["colspan", "rowspan", "align"]),
        (&["ol"], &["start"]),
        (&["code", "pre", "div", "blockquote", "p"], &["class"]),
    ] {
        for element in elements {
            attributes.entry(element).or_default().extend(names);
        }
    }
    let mut builder = Builder::empty();
    builder
        .tags(BLOCKS.iter().chain(INLINES).copied().chain(["br", "hr", "img", "wbr"]).collect())
        .clean_content_tags(
            ["script", "style", "template", "svg", "math", "iframe", "object", "noscript", "textarea", "title"].into(),
        )
        .tag_attributes(attributes)
        .generic_attributes(HashSet::new())
        .url_schemes(SCHEMES.iter().copied().collect())
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(attribute);
    builder
});

/// Breaks up runs of text, for the sanitiser takes time quadratic in the length of one.
const BREAK: &str = "<wbr>";

/// The html with its long runs of text broken up by [`BREAK`], which nothing else writes; `None` where there are none.
fn broken(html: &str) -> Option<String> {
    const MAX_RUN: usize = 2048;
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut start = 0;
    loop {
        let end = html[start..].find('<').map_or(html.len(), |end| start + end);
        let mut from = start;
        while end - from > MAX_RUN {
            let mut next = from + MAX_RUN;
            while !html.is_char_boundary(next) {
                next -= 1;
            }
            // Not within a character reference, which is short and begins with `&`.
            if let Some(reference) = html[from..next].rfind('&').filter(|at| *at > 0 && from + at + 40 > next) {
                next = from + reference;
            }
            let out = out.get_or_insert_with(|| String::with_capacity(html.len() + html.len() / 256));
            out.push_str(&html[copied..next]);
            out.push_str(BREAK);
            (copied, from) = (next, next);
        }
        match html[end..].find('>') {
            Some(close) => start = end + close + 1,
            None => break,
        }
    }
    out.map(|mut out| {
        out.push_str(&html[copied..]);
        out
    })
}

/// A text of raw HTML with its character references undone.
pub(super) fn decoded(text: &str) -> String {
    if text.contains('&') { plain::text(&sanitised(&text.replace('<', "&lt;"))) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sanitiser_and_the_writer_share_one_list() {
        let html = r#"<h2 id="a" onclick="x">t</h2><p class="markdown-alert-note big">x</p><pre class="x"><code class="language-rust hl">c</code></pre><td>cell</td><script>s</script><a href="javascript:x">l</a><a href="rel">r</a><custom>kept</custom><!-- c --><img src="data:x" alt="a">"#;
        insta::assert_snapshot!(sanitised(html), @r#"<h2 id="a">t</h2><p class="markdown-alert-note">x</p><pre><code class="language-rust">c</code></pre>cell<a>l</a><a>r</a>kept<img alt="a">"#);
    }

    #[test]
    fn long_runs_of_text_come_out_as_they_went_in() {
        for text in ["©", "&amp;", "a", "x &lt; y &quot; ", "日本"] {
            let html = format!("{0}<p>{0}</p>", text.repeat(20_000)).replace("&quot;", "\"");
            assert_eq!(sanitised(&html), html);
            assert!(broken(&html).is_some_and(|broken| !broken.contains("&<wbr>") && !broken.contains("&am<wbr>")));
        }
        assert_eq!(broken("<p>short</p>"), None);
    }

    #[test]
    fn every_name_that_is_written_is_known_to_the_sanitiser() {
        for name in BLOCKS.iter().chain(INLINES) {
            assert!(matches!(fate(name), Fate::Block(_) | Fate::Inline(_)));
            assert_eq!(separates(name), !INLINES.contains(name), "{name}");
        }
        assert_eq!(fate("script"), Fate::Dropped);
        assert_eq!(fate("tabs"), Fate::Unknown);
    }
}
