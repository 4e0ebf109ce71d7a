//! HTML that a parser can take without harm: every element closed, none too deep, none too many.
//!
//! Parsers of HTML take time by the depth of what is open for every tag, and make many elements of one where emphasis is
//! left open. What comes out here is read by [`Tokens`] and written anew, so that the tree has the elements that were
//! written, at most [`MAX_DEPTH`] deep. What no reader sees goes at once: programs, styles, drawings, lists to choose from.

use crate::render::tokens::{Attribute, Token, Tokens};

/// Elements deeper than this lose their tags; their text stays.
const MAX_DEPTH: usize = 128;

/// More elements than this are none of a page that anybody reads; their text stays.
const MAX_ELEMENTS: usize = 250_000;

/// HTML, balanced.
#[derive(Debug, Default)]
pub(super) struct Balanced {
    /// The HTML.
    pub(super) html: String,
    /// Whether it asks, in a `<noscript>`, to switch JavaScript on.
    pub(super) asks_for_scripts: bool,
    /// Whether a comment or a text says that mdBook or `MkDocs` made it, which leave no other sign.
    pub(super) says: Option<&'static str>,
}

/// Writes HTML anew.
pub(super) fn balanced(source: &str) -> Balanced {
    let mut balancer = Balancer { out: String::with_capacity(source.len() / 2), ..Balancer::default() };
    let mut found = Balanced::default();
    for (_, token) in Tokens::new(source) {
        match token {
            Token::Comment(text, _) => {
                found.says = found.says.or_else(|| {
                    let signs = [("mkdocs version", "mkdocs"), ("book generated using mdbook", "mdbook")];
                    let start: String = text.trim_start().chars().take(40).collect::<String>().to_ascii_lowercase();
                    signs.into_iter().find(|(sign, _)| start.starts_with(sign)).map(|(_, name)| name)
                });
            }
            Token::Text(text) if balancer.skipped.is_none() => push_text(&mut balancer.out, text),
            Token::Text(text) => {
                let is_asking = balancer.skipped.as_ref().is_some_and(|(name, _)| name == "noscript");
                found.asks_for_scripts |= is_asking && text.to_ascii_lowercase().contains("javascript");
            }
            Token::Start(name, attributes, ends_itself) => {
                balancer.start(&name.to_ascii_lowercase(), &attributes, ends_itself);
            }
            Token::End(name) => balancer.end(&name.to_ascii_lowercase()),
        }
    }
    balancer.close_to(0);
    found.html = balancer.out;
    found
}

#[derive(Default)]
struct Balancer {
    out: String,
    stack: Vec<String>,
    /// Elements without tags in what is open: the next end tags are theirs.
    lost: usize,
    elements: usize,
    /// The element that is left out with its content, and how many of its name are open.
    skipped: Option<(String, usize)>,
    /// How many of the elements that others end are open.
    closable: usize,
}

impl Balancer {
    fn start(&mut self, name: &str, attributes: &[Attribute<'_>], ends_itself: bool) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped == name {
                *depth += usize::from(!ends_itself);
                return;
            }
            if name == "foreignobject" {
                // What is in it is still part of the drawing.
                *depth += 1 << 32;
            }
            // A browser ends a drawing at the first element that cannot be in one.
            if skipped != "svg" || *depth >= 1 << 32 || !leaves_drawing(name) {
                return;
            }
            self.skipped = None;
        }
        let is_shown_template = name == "template" && attributes.iter().any(|(name, _)| name == "shadowrootmode");
        if is_skipped(name) && !is_shown_template {
            if !ends_itself {
                self.skipped = Some((name.to_owned(), 0));
            }
            return;
        }
        match name {
            "html" | "body" => return self.write_tag(name, attributes),
            "head" | "param" | "source" | "track" | "area" | "embed" | "frame" | "template" => return,
            _ => {}
        }
        let is_void = matches!(
            name,
            "br" | "hr" | "img" | "input" | "meta" | "link" | "base" | "col" | "wbr" | "image" | "keygen"
        );
        if !is_void || name == "hr" {
            self.end_implied(name);
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.stack.len() >= MAX_DEPTH || self.lost > 0 {
            // Words on both sides of it stay apart.
            self.out.push(' ');
            self.lost += usize::from(!is_void && !ends_itself);
            return;
        }
        self.write_tag(name, attributes);
        if is_void {
            return;
        }
        // Nobody writes `<p/>` for its own sake, but of an element that has a name of its own.
        if ends_itself && (name.contains('-') || matches!(name, "a" | "span" | "i" | "div")) {
            self.write_end(name);
            return;
        }
        self.closable += usize::from(is_closable(name));
        self.stack.push(name.to_owned());
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if name == "foreignobject" {
                *depth = depth.saturating_sub(1 << 32);
            }
            if skipped == name {
                match (*depth % (1 << 32)).checked_sub(1) {
                    Some(_) => *depth -= 1,
                    None => self.skipped = None,
                }
            }
            return;
        }
        if matches!(name, "html" | "body" | "head") {
            return;
        }
        if self.lost > 0 {
            self.lost -= 1;
            return;
        }
        let is_table_part = matches!(name, "table" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "caption");
        for at in (0..self.stack.len()).rev() {
            let open = self.stack[at].as_str();
            if open == name {
                return self.close_to(at);
            }
            if !is_table_part && matches!(open, "td" | "th" | "caption" | "table") {
                return;
            }
        }
    }

    /// Ends what a start tag of this name ends, though nobody wrote its end tag.
    fn end_implied(&mut self, next: &str) {
        while self.closable > 0 {
            let mut found = None;
            for (at, open) in self.stack.iter().enumerate().rev() {
                if ends_before(open, next) {
                    found = Some(at);
                    break;
                }
                if is_scope(open, next) {
                    break;
                }
            }
            match found {
                Some(at) => self.close_to(at),
                None => break,
            }
        }
    }

    fn close_to(&mut self, height: usize) {
        while self.stack.len() > height {
            if let Some(name) = self.stack.pop() {
                self.closable -= usize::from(is_closable(&name));
                self.write_end(&name);
            }
        }
    }

    fn write_end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn write_tag(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        // What no parser of ours takes for a name would be read as something else.
        let is_name = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'@'))
        };
        if !is_name(name) {
            self.out.push_str("<span>");
            return;
        }
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            let is_of_use = !key.starts_with("on") && (key != "style" || value.len() < 2048);
            if is_of_use && is_name(key) && !key.is_empty() {
                self.out.push(' ');
                self.out.push_str(key);
                self.out.push_str("=\"");
                self.out.push_str(&value.replace('"', "&quot;"));
                self.out.push('"');
            }
        }
        self.out.push('>');
    }
}

fn push_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        out.push_str("&lt;");
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "template"
            | "svg"
            | "iframe"
            | "object"
            | "applet"
            | "canvas"
            | "audio"
            | "video"
            | "select"
            | "datalist"
            | "textarea"
            | "noscript"
            | "noembed"
            | "noframes"
            | "xmp"
            | "plaintext"
            | "map"
            | "frameset"
            | "progress"
            | "meter"
    )
}

fn leaves_drawing(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "p"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "pre"
            | "main"
            | "article"
    )
}

/// Elements that [`ends_before`] ends.
fn is_closable(name: &str) -> bool {
    matches!(
        name,
        "p" | "li"
            | "dt"
            | "dd"
            | "td"
            | "th"
            | "tr"
            | "thead"
            | "tbody"
            | "tfoot"
            | "caption"
            | "colgroup"
            | "a"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "rt"
            | "rp"
    )
}

fn ends_before(open: &str, next: &str) -> bool {
    match open {
        "p" => ends_paragraph(next),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => matches!(next, "h1" | "h2" | "h3" | "h4" | "h5" | "h6"),
        "a" => next == "a",
        "li" => next == "li",
        "dt" | "dd" => matches!(next, "dt" | "dd"),
        "rt" | "rp" => matches!(next, "rt" | "rp"),
        "td" | "th" => matches!(next, "td" | "th" | "tr" | "thead" | "tbody" | "tfoot"),
        "tr" => matches!(next, "tr" | "thead" | "tbody" | "tfoot"),
        "caption" | "colgroup" => matches!(next, "tr" | "thead" | "tbody" | "tfoot" | "colgroup" | "td" | "th"),
        "thead" | "tbody" | "tfoot" => matches!(next, "thead" | "tbody" | "tfoot"),
        _ => false,
    }
}

/// Elements before whose start a browser ends a paragraph.
fn ends_paragraph(next: &str) -> bool {
    matches!(
        next,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "dd"
            | "li"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "ul"
            | "td"
            | "th"
            | "tr"
            | "thead"
            | "tbody"
            | "tfoot"
    )
}

/// Whether an open element keeps [`ends_before`] from looking further up.
fn is_scope(open: &str, next: &str) -> bool {
    match next {
        "td" | "th" | "tr" | "thead" | "tbody" | "tfoot" | "colgroup" => open == "table",
        "li" => matches!(open, "ul" | "ol" | "menu" | "dir" | "table" | "td" | "th" | "blockquote" | "button"),
        "dt" | "dd" => matches!(open, "dl" | "table" | "td" | "th" | "blockquote" | "ul" | "ol" | "button"),
        _ => matches!(open, "table" | "td" | "th" | "caption" | "button" | "object" | "math" | "ul" | "ol" | "dl"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(html: &str) -> String {
        balanced(html).html
    }

    #[test]
    fn end_tags_that_may_be_left_out_are_written() {
        assert_eq!(
            balance("<ul><li>a<li>b<ul><li>c</ul>d</ul>e"),
            "<ul><li>a</li><li>b<ul><li>c</li></ul>d</li></ul>e"
        );
        assert_eq!(balance("<p>a<p>b<div>c</div>"), "<p>a</p><p>b</p><div>c</div>");
        assert_eq!(
            balance("<table><tr><td>a<td><p>b<tr><td>c</table>"),
            "<table><tr><td>a</td><td><p>b</p></td></tr><tr><td>c</td></tr></table>"
        );
        assert_eq!(balance("<dl><dt>a<dd>b<p>c<dt>d</dl>"), "<dl><dt>a</dt><dd>b<p>c</p></dd><dt>d</dt></dl>");
        assert_eq!(balance("<a href=x>a<b>b<a href=y>c"), r#"<a href="x">a<b>b</b></a><a href="y">c</a>"#);
        assert_eq!(balance("<b><i>a</b>b</i>"), "<b><i>a</i></b>b");
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let html = "a<script>if (a<b) '</b>'</script><svg><path/><svg></svg>x</svg>b<select><option>c</select>d\
                    <svg><foreignObject><div>x</div></foreignObject>x</svg>e<template>x</template>f<svg>x<p>g";
        assert_eq!(balance(html), "abdef<p>g</p>");
        assert!(balanced("<noscript>Please enable JavaScript.</noscript>").asks_for_scripts);
        assert_eq!(balanced("<!-- Book generated using mdBook -->").says, Some("mdbook"));
    }

    #[test]
    fn nothing_nests_too_deep_or_is_too_much() {
        for piece in ["<div>", "<b>", "<p><b a>", "<table><tr><td>", "<a><span>", "<ul><li>", "</x><y>", "<svg><p>"] {
            let many = piece.repeat(400_000 / piece.len());
            let html = balance(&format!("{many}text"));
            let depth = html.matches('<').count() - html.matches("</").count() * 2;
            assert!(depth == 0 || depth == html.matches("<input").count(), "{piece} {depth}");
            assert!(html.contains("text"), "{piece}");
        }
    }
}
