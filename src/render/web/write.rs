//! Writes a page's tree as the small HTML that documents of websites are: elements that the renderer knows, attributes that
//! it uses, absolute urls; admonitions, code and formulas in the form that other documents give them. The same tree gives
//! the same bytes.

use std::fmt::Write as _;

use dom_query::NodeRef;
use url::Url;

use super::head::one_line;
use super::{admonitions, code, math, tabs};

/// Writes parts of a tree, one after the other.
pub(super) struct Writing<'a> {
    out: String,
    /// What relative links count from.
    base: &'a Url,
    /// The page's own url, to know links within it.
    url: &'a Url,
    /// How much was written when the last block was opened: white space there means nothing.
    opened: usize,
}

/// Where an element stands.
#[derive(Clone, Copy, Default)]
struct Place {
    in_heading: bool,
    in_link: bool,
    in_list: bool,
    /// How many elements are open.
    depth: u16,
}

/// More than this deep there is nothing; the tree is bounded before it is parsed.
pub(super) const MAX_DEPTH: u16 = 400;

impl<'a> Writing<'a> {
    pub(super) fn new(base: &'a Url, url: &'a Url) -> Self {
        Self { out: String::new(), base, url, opened: 0 }
    }

    /// Writes one root of the main content: what is in it.
    pub(super) fn root(&mut self, root: &NodeRef<'_>) {
        if root.node_name().is_some_and(|name| is_heading(&name)) {
            self.element(root, Place::default());
        } else {
            self.block("div", root, Place::default());
        }
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn children(&mut self, node: &NodeRef<'_>, place: Place) {
        if place.depth > MAX_DEPTH {
            return;
        }
        for child in node.children_it(false) {
            if child.is_text() {
                self.text(&child.text());
            } else if child.is_element() {
                self.element(&child, Place { depth: place.depth + 1, ..place });
            }
        }
    }

    fn text(&mut self, text: &str) {
        let mut space = text.starts_with(char::is_whitespace);
        if self.out.len() == self.opened {
            space = false;
            if text.trim().is_empty() {
                return;
            }
        }
        for word in text.split_whitespace() {
            if space && !self.out.ends_with([' ', '\n']) {
                self.out.push(' ');
            }
            push_escaped(&mut self.out, word);
            space = true;
        }
        if text.ends_with(char::is_whitespace) && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
    }

    fn element(&mut self, node: &NodeRef<'_>, place: Place) {
        let Some(name) = node.node_name() else { return };
        let class = node.class().unwrap_or_default();
        if let Some(kind) = admonitions::kind(&name, &class) {
            return self.admonition(node, kind, place);
        }
        if admonitions::is_title(&class) && !is_heading(&name) && &*name != "summary" {
            return self.title(node, place);
        }
        match &*name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(&name, node, place),
            "a" => self.link(node, place),
            "img" | "image" => self.image(node),
            "pre" => self.code(node),
            "math" => self.formula(node),
            "input" => self.checkbox(node, place),
            "button" => self.button(node, place),
            "br" | "hr" => {
                let _ = writeln!(self.out, "<{name}>");
            }
            "p" => self.paragraph(node, &class, place),
            "table" => self.table(node, &class, place),
            "td" | "th" => self.cell(&name, node, place),
            "ol" => self.listed("ol", node, "start", place),
            "ul" | "menu" | "dir" => self.wrapped("ul", "", node, Place { in_list: true, ..place }),
            "li" | "dt" => self.listed(&name, node, "id", place),
            "dl" | "dd" | "tr" | "thead" | "tbody" | "tfoot" | "caption" | "details" | "summary" | "figure"
            | "figcaption" => {
                self.wrapped(&name, "", node, place);
            }
            "blockquote" => self.wrapped("blockquote", "", node, place),
            "code" | "em" | "strong" | "b" | "i" | "kbd" | "sub" | "sup" | "del" | "ins" | "s" | "mark" | "small"
            | "abbr" | "samp" | "var" | "q" | "cite" | "dfn" => self.inline(&name, node, place),
            "div" | "section" | "article" | "main" | "header" | "hgroup" | "address" | "aside" | "center" | "form"
            | "fieldset" | "legend" | "search" | "body" | "html" => self.block("div", node, place),
            "footer" => {
                // Who is quoted.
                if node.parent().and_then(|parent| parent.node_name()).is_some_and(|name| &*name == "blockquote") {
                    self.block("div", node, place);
                }
            }
            "head" | "title" | "meta" | "link" | "base" | "col" | "colgroup" | "wbr" | "dialog" | "nav" | "script"
            | "style" | "noscript" | "template" | "svg" => {}
            // Elements of components, which may hold blocks.
            name if name.contains('-') && holds_blocks(node) => self.block("div", node, place),
            _ => self.span(node, &class, place),
        }
    }

    /// An inline element without a meaning of its own. Some are made blocks by their theme, and would run into the next.
    fn span(&mut self, node: &NodeRef<'_>, class: &str, place: Place) {
        let is_apart = class.split_ascii_whitespace().any(|class| {
            matches!(
                class,
                "title"
                    | "description"
                    | "name"
                    | "text"
                    | "tagline"
                    | "caption"
                    | "filename"
                    | "card-title"
                    | "subtitle"
            ) || class == "sd-summary-text"
        });
        if is_apart && !self.out.ends_with([' ', '\n', '>']) {
            self.out.push(' ');
        }
        self.children(node, place);
        if is_apart && node.next_sibling().is_some() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
    }

    /// A block without a meaning of its own: its tags are written where text stands in it directly.
    fn block(&mut self, name: &str, node: &NodeRef<'_>, place: Place) {
        let holds_lines = node.children_it(false).any(|child| {
            if child.is_text() {
                !child.text().trim().is_empty()
            } else {
                child.node_name().is_some_and(|name| is_inline(&name)) && !holds_blocks(&child)
            }
        });
        if holds_lines {
            self.wrapped(name, "", node, place);
        } else {
            self.line();
            self.children(node, place);
            self.line();
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn wrapped(&mut self, name: &str, attributes: &str, node: &NodeRef<'_>, place: Place) {
        let is_line = matches!(name, "p" | "summary" | "figcaption" | "caption" | "dt");
        self.line();
        let before = self.out.len();
        let _ = write!(self.out, "<{name}{attributes}>");
        let inner = self.out.len();
        self.opened = inner;
        self.children(node, place);
        // Nothing was in it: neither is it.
        if self.out[inner..].trim().is_empty() && !matches!(name, "td" | "th" | "tr") {
            self.out.truncate(before);
            return;
        }
        self.out.truncate(self.out.trim_end().len().max(inner));
        let _ = writeln!(self.out, "</{name}>");
        if is_line {
            self.line();
        }
    }

    fn inline(&mut self, name: &str, node: &NodeRef<'_>, place: Place) {
        let before = self.out.len();
        let _ = write!(self.out, "<{name}>");
        let inner = self.out.len();
        self.children(node, place);
        if self.out[inner..].trim().is_empty() {
            let space = self.out.len() > inner;
            self.out.truncate(before);
            if space {
                self.text(" ");
            }
            return;
        }
        let _ = write!(self.out, "</{name}>");
    }

    fn paragraph(&mut self, node: &NodeRef<'_>, class: &str, place: Place) {
        if class.split_ascii_whitespace().any(|class| class == tabs::LABEL) || !place.in_heading {
            self.wrapped("p", "", node, place);
        } else {
            self.children(node, place);
        }
    }

    fn heading(&mut self, name: &str, node: &NodeRef<'_>, place: Place) {
        let attributes = attribute("id", &node.attr_or("id", ""));
        let class = node.class().unwrap_or_default();
        if admonitions::is_title(&class) {
            return self.title(node, place);
        }
        self.wrapped(name, &attributes, node, Place { in_heading: true, ..place });
    }

    fn listed(&mut self, name: &str, node: &NodeRef<'_>, key: &str, place: Place) {
        let attributes = attribute(key, &node.attr_or(key, ""));
        self.wrapped(name, &attributes, node, Place { in_list: true, ..place });
    }

    fn link(&mut self, node: &NodeRef<'_>, place: Place) {
        let text = one_line(&node.text());
        let has_image = || node.descendants_it().any(|node| node.node_name().is_some_and(|name| &*name == "img"));
        let Some(href) = node.attr("href").map(|href| href.trim().to_owned()) else {
            return self.children(node, place);
        };
        let leads_here = href.starts_with('#');
        // Signs that lead to the heading beside them, and back from a note.
        let is_sign = matches!(
            &*text,
            "" | "#"
                | "##"
                | "¶"
                | "§"
                | "🔗"
                | "⚓"
                | "⚓︎"
                | "↩"
                | "↩︎"
                | "↩\u{fe0f}"
                | "↵"
                | "⤴"
                | "⏎"
                | "^"
        );
        if is_sign && (leads_here || text.is_empty()) && !has_image() {
            return;
        }
        let is_back = &*node.attr_or("role", "") == "doc-backlink";
        if place.in_link || is_back || (place.in_heading && leads_here) {
            return self.children(node, place);
        }
        let Some(url) = self.absolute(&href) else { return self.children(node, place) };
        let before = self.out.len();
        let holds_blocks = holds_blocks(node);
        if holds_blocks {
            self.line();
        }
        let _ = write!(self.out, "<a{}>", attribute("href", &url));
        let inner = self.out.len();
        self.children(node, Place { in_link: true, ..place });
        if self.out[inner..].trim().is_empty() {
            self.out.truncate(before);
            return;
        }
        self.out.push_str("</a>");
        if holds_blocks {
            self.line();
        }
    }

    /// The public url of a link; those within the page stay as they are.
    fn absolute(&self, href: &str) -> Option<String> {
        if href.is_empty() || href.starts_with("javascript:") || href.starts_with("data:") {
            return None;
        }
        if let Some(fragment) = href.strip_prefix('#') {
            return (!fragment.is_empty()).then(|| href.to_owned());
        }
        let url = self.base.join(href).ok()?;
        if let Some(fragment) = url.fragment().filter(|fragment| !fragment.is_empty()) {
            let mut whole = url.clone();
            whole.set_fragment(None);
            if whole == *self.url {
                return Some(format!("#{fragment}"));
            }
        }
        Some(url.into())
    }

    fn image(&mut self, node: &NodeRef<'_>) {
        let of = |name: &str| {
            node.attr(name).map(|src| src.trim().to_owned()).filter(|src| !src.is_empty() && !src.starts_with("data:"))
        };
        let Some(src) = ["src", "data-src", "data-lazy-src", "data-original"].into_iter().find_map(of) else { return };
        let alt = node.attr_or("alt", "");
        // Ornaments; and the second of two pictures, one for dark screens.
        let is_dark = src.ends_with("#only-dark") || src.ends_with("#gh-dark-mode-only");
        if is_dark || (alt.trim().is_empty() && node.has_attr("aria-hidden")) {
            return;
        }
        let Some(url) = self.base.join(&src).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return;
        };
        let _ = write!(self.out, "<img{} alt=\"", attribute("src", url.as_str()));
        push_escaped(&mut self.out, &one_line(&alt));
        self.out.push_str("\">");
    }

    fn checkbox(&mut self, node: &NodeRef<'_>, place: Place) {
        let is_task =
            place.in_list && (node.has_attr("disabled") || node.class().is_some_and(|class| class.contains("task")));
        if is_task && node.attr_or("type", "").eq_ignore_ascii_case("checkbox") {
            let checked = if node.has_attr("checked") { " checked" } else { "" };
            let _ = write!(self.out, "<input type=\"checkbox\"{checked}>");
        }
    }

    /// A button is no text, unless it opens what follows under a heading.
    fn button(&mut self, node: &NodeRef<'_>, place: Place) {
        let class = node.class().unwrap_or_default();
        let is_heading =
            place.in_heading || class.contains("accordion") || &*node.attr_or("data-bs-toggle", "") == "collapse";
        if is_heading && !class.contains("copy") {
            self.children(node, place);
        }
    }

    fn formula(&mut self, node: &NodeRef<'_>) {
        if let Some(text) = math::of(node) {
            self.out.push_str("<code>");
            push_escaped(&mut self.out, &text);
            self.out.push_str("</code>");
        }
    }

    fn admonition(&mut self, node: &NodeRef<'_>, kind: &str, place: Place) {
        let name = node.node_name().unwrap_or_default();
        if &*name == "details" {
            return self.wrapped("details", "", node, place);
        }
        // Asciidoctor's: a table of an icon and a text.
        let icon = node.has_class("admonitionblock").then(|| {
            let icon = node.descendants_it().find(|node| node.has_class("icon"))?;
            let titled = icon.descendants_it().find_map(|node| node.attr("title"));
            Some(titled.map_or_else(|| one_line(&icon.text()), |title| title.to_string()))
        });
        let attributes =
            if kind.is_empty() { String::new() } else { format!(" class=\"markdown-alert markdown-alert-{kind}\"") };
        if let Some(Some(title)) = icon {
            self.line();
            let _ = write!(self.out, "<blockquote{attributes}>\n<p class=\"markdown-alert-title\">");
            push_escaped(&mut self.out, &title);
            self.out.push_str("</p>\n");
            for content in node.descendants_it().filter(|node| node.has_class("content")).take(1) {
                self.block("div", &content, place);
            }
            self.line();
            self.out.push_str("</blockquote>\n");
            return;
        }
        self.wrapped("blockquote", &attributes, node, place);
    }

    fn title(&mut self, node: &NodeRef<'_>, place: Place) {
        let attributes = " class=\"markdown-alert-title\"";
        self.wrapped("p", attributes, node, Place { in_heading: true, ..place });
    }

    fn table(&mut self, node: &NodeRef<'_>, class: &str, place: Place) {
        // A table of line numbers and code: the numbers are gone already.
        let is_code = class.split_ascii_whitespace().any(|class| {
            matches!(
                class,
                "highlighttable" | "rouge-table" | "lntable" | "codehilitetable" | "hljs-ln" | "crayon-table"
            )
        });
        if is_code {
            let blocks: Vec<NodeRef<'_>> =
                node.descendants_it().filter(|node| node.node_name().is_some_and(|name| &*name == "pre")).collect();
            // A file's name stands above both.
            let is_name = |node: &NodeRef<'_>| {
                node.has_class("filename") || node.node_name().is_some_and(|name| &*name == "caption")
            };
            if let Some(name) = node.descendants_it().find(is_name) {
                self.block("div", &name, place);
            }
            if blocks.is_empty() {
                self.code(node);
            }
            for pre in &blocks {
                self.code(pre);
            }
            return;
        }
        self.wrapped("table", "", node, place);
    }

    fn cell(&mut self, name: &str, node: &NodeRef<'_>, place: Place) {
        let mut attributes = String::new();
        for key in ["colspan", "rowspan"] {
            let value = node.attr_or(key, "");
            if &*value != "1" {
                attributes.push_str(&attribute(key, &value));
            }
        }
        let style = node.attr_or("style", "").to_ascii_lowercase().replace(' ', "");
        let of_style =
            ["left", "center", "right"].into_iter().find(|side| style.contains(&format!("text-align:{side}")));
        let align = node.attr("align").map(|align| align.to_ascii_lowercase());
        attributes.push_str(&attribute("align", align.as_deref().or(of_style).unwrap_or_default()));
        self.wrapped(name, &attributes, node, Place { in_heading: false, ..place });
    }

    /// Code, as text alone: the colours of its words mean nothing.
    fn code(&mut self, pre: &NodeRef<'_>) {
        let mut text = String::new();
        code::text(pre, &mut text, 0);
        let text = text.trim_end();
        // A browser drops the first line break, and so does whoever reads this.
        let text = text.strip_prefix('\n').unwrap_or(text);
        if text.trim().is_empty() {
            return;
        }
        self.line();
        let language = code::language(pre);
        let class = language.map(|language| attribute("class", &format!("language-{language}"))).unwrap_or_default();
        let _ = write!(self.out, "<pre><code{class}>");
        push_escaped(&mut self.out, text);
        self.out.push_str("</code></pre>\n");
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Elements that stand within a line.
fn is_inline(name: &str) -> bool {
    !(is_heading(name)
        || matches!(
            name,
            "div"
                | "p"
                | "ul"
                | "ol"
                | "dl"
                | "li"
                | "dt"
                | "dd"
                | "table"
                | "pre"
                | "blockquote"
                | "section"
                | "article"
                | "main"
                | "header"
                | "footer"
                | "aside"
                | "nav"
                | "figure"
                | "details"
                | "form"
                | "fieldset"
                | "hr"
                | "hgroup"
                | "address"
                | "center"
                | "summary"
                | "figcaption"
                | "menu"
                | "dir"
                | "legend"
                | "search"
                | "body"
                | "html"
                | "thead"
                | "tbody"
                | "tfoot"
                | "tr"
                | "td"
                | "th"
                | "caption"
                | "button"
                | "input"
                | "link"
                | "meta"
                | "script"
                | "style"
        ))
}

/// Whether a block stands in an element of a line, or two elements below.
fn holds_blocks(node: &NodeRef<'_>) -> bool {
    fn within(node: &NodeRef<'_>, levels: u8) -> bool {
        node.children_it(false).any(|child| {
            let Some(name) = child.node_name() else { return false };
            let is_block = !is_inline(&name) && !matches!(&*name, "button" | "input" | "link" | "meta");
            is_block || (levels > 0 && within(&child, levels - 1))
        })
    }
    within(node, 3)
}

/// An attribute with a space before it; nothing where it has no value.
fn attribute(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let mut out = format!(" {name}=\"");
    push_escaped(&mut out, value);
    out.push('"');
    out
}

/// Text as it stands in HTML, in values too.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\0' => {}
            c => out.push(c),
        }
    }
}
