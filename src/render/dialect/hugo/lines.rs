//! Lines in the making, within a block or a page: what is code, and what raw HTML is not published.

use super::super::Fences;
use super::super::vitepress::with_emoji;
use crate::site::hugo::Markup;

/// Deeper than this stands no block of a person's.
const MAX_INDENT: usize = 100;

/// A longer line is looked through for no emoji.
const MAX_EMOJI_LINE: usize = 4 * 1024;

/// A line and the document's line that it comes from.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) origin: u32,
}

/// Lines in the making.
#[derive(Debug)]
pub(super) struct Lines {
    done: Vec<Line>,
    open: String,
    open_origin: u32,
    /// Whether the present line begins with what a shortcode became, which is published whatever it is.
    is_shown: bool,
    /// How far code spans of the present line were looked for, and the length of the signs of the one that is open.
    spans_to: usize,
    span: usize,
    fences: Fences,
    /// The end of the HTML block that is being left out.
    html: Option<HtmlEnd>,
    /// Whether raw HTML is published.
    keeps_html: bool,
    markup: Markup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HtmlEnd {
    Blank,
    Text(&'static str),
}

impl Lines {
    pub(super) fn new(keeps_html: bool, markup: Markup) -> Self {
        Self {
            done: Vec::new(),
            open: String::new(),
            open_origin: 0,
            is_shown: false,
            spans_to: 0,
            span: 0,
            fences: Fences::default(),
            html: None,
            keeps_html,
            markup,
        }
    }

    /// Whether what comes next stands in fenced code.
    pub(super) fn is_in_code(&self) -> bool {
        self.fences.is_in()
    }

    /// Whether what comes next stands within a line of a table.
    pub(super) fn is_in_table(&self) -> bool {
        !self.is_in_code() && self.open.trim_start().starts_with('|')
    }

    /// Whether what comes next stands in a code span of its line.
    pub(super) fn is_in_span(&mut self) -> bool {
        // Only what is new is looked at.
        while let Some(at) = self.open.get(self.spans_to..).and_then(|rest| rest.find('`')) {
            let at = self.spans_to + at;
            let length = self.open.bytes().skip(at).take_while(|byte| *byte == b'`').count();
            if self.span == 0 {
                self.span = length;
            } else if self.span == length {
                self.span = 0;
            }
            self.spans_to = at + length;
        }
        self.spans_to = self.open.len();
        self.span > 0
    }

    /// Whether what comes next stands in raw HTML that is not published.
    pub(super) fn is_left_out(&self) -> bool {
        self.html.is_some() || (!self.is_shown && self.begins_html(&self.open).is_some())
    }

    /// Takes text whose first line is this one.
    pub(super) fn text(&mut self, text: &str, mut origin: u32) {
        let mut parts = text.split('\n');
        if let Some(first) = parts.next() {
            self.inline(first.trim_end_matches('\r'), origin);
        }
        for part in parts {
            self.end_line();
            origin = origin.saturating_add(1);
            self.inline(part.trim_end_matches('\r'), origin);
        }
    }

    /// Takes a piece of the present line.
    pub(super) fn inline(&mut self, text: &str, origin: u32) {
        if self.open.is_empty() {
            self.open_origin = origin;
        }
        self.open.push_str(text);
    }

    /// Takes what a shortcode became, within the present line.
    pub(super) fn shown(&mut self, text: &str, origin: u32) {
        self.is_shown |= self.open.trim().is_empty();
        self.inline(text, origin);
    }

    /// Takes a block that begins here. Within a list it stays there.
    pub(super) fn block(&mut self, lines: Vec<Line>, origin: u32) {
        let open = self.take_open();
        self.is_shown = false;
        if self.is_in_code() {
            let indent = open[..open.len() - open.trim_start().len()].to_owned();
            self.push(open, origin);
            for line in lines {
                self.push(format!("{indent}{}", line.text), line.origin);
            }
            return;
        }
        let content = Some(marker(&open)).filter(|content| content.len() <= MAX_INDENT).unwrap_or_default();
        let is_start = open.len() == content.len();
        // What stands before it in the text ends, as it would before a block of HTML.
        if !is_start {
            self.push(open.clone(), self.open_origin);
        }
        if !content.is_empty() || self.done.last().is_some_and(|line| !line.text.trim().is_empty()) {
            let is_item = is_start && !open.trim().is_empty();
            if !is_item {
                self.push(String::new(), origin);
            }
        }
        for (at, line) in lines.into_iter().enumerate() {
            let prefix = if at == 0 && is_start { &open } else { &content };
            let text =
                if line.text.is_empty() { prefix.trim_end().to_owned() } else { format!("{prefix}{}", line.text) };
            self.push(text, line.origin);
        }
        self.push(String::new(), origin);
        self.open_origin = origin;
        self.open = content;
    }

    /// All lines, without blank ones around them.
    pub(super) fn finish(mut self) -> Vec<Line> {
        if !self.open.is_empty() {
            self.end_line();
        }
        let is_blank = |line: &Line| line.text.trim().is_empty();
        let end = self.done.iter().rposition(|line| !is_blank(line)).map_or(0, |last| last + 1);
        self.done.truncate(end);
        let start = self.done.iter().position(|line| !is_blank(line)).unwrap_or(0);
        self.done.split_off(start)
    }

    fn take_open(&mut self) -> String {
        (self.spans_to, self.span) = (0, 0);
        std::mem::take(&mut self.open)
    }

    fn end_line(&mut self) {
        let line = self.take_open();
        let origin = self.open_origin;
        let is_shown = std::mem::take(&mut self.is_shown);
        if let Some(end) = self.html {
            let is_end = match end {
                HtmlEnd::Blank => line.trim().is_empty(),
                HtmlEnd::Text(mark) => line.to_ascii_lowercase().contains(mark),
            };
            if is_end {
                self.html = None;
            }
            self.leave_out(line, origin);
            return;
        }
        if let Some(end) = self.begins_html(&line).filter(|_| !is_shown) {
            let is_closed = matches!(end, HtmlEnd::Text(mark) if line.to_ascii_lowercase().contains(mark));
            self.html = (!is_closed).then_some(end);
            self.leave_out(line, origin);
            return;
        }
        let was_in_code = self.fences.is_in();
        self.fences.take(&line);
        let is_prose = !was_in_code && !self.fences.is_in();
        if is_prose && self.markup.has_block_attributes && is_attributes(line.trim()) {
            return;
        }
        let has_emoji = is_prose && self.markup.has_emoji && line.len() < MAX_EMOJI_LINE && line.contains(':');
        self.push(if has_emoji { with_emoji(&line) } else { line }, origin);
    }

    /// A line of raw HTML: a mark of ours in it counts all the same.
    fn leave_out(&mut self, line: String, origin: u32) {
        let line = if line.contains("fin:skip") { line } else { String::new() };
        self.push(line, origin);
    }

    fn push(&mut self, text: String, origin: u32) {
        self.done.push(Line { text, origin });
    }

    /// How the HTML block ends that a line begins, where such are left out (`CommonMark`, "HTML blocks"). Comments stay:
    /// nobody sees them, but for our own marks.
    fn begins_html(&self, line: &str) -> Option<HtmlEnd> {
        if self.keeps_html || self.fences.is_in() || !line.trim_start().starts_with('<') {
            return None;
        }
        let text = line.trim_start();
        if line.len() - text.len() > 3 && self.is_after_blank() {
            return None;
        }
        let rest = &text[1..];
        if rest.starts_with("!--") {
            return None;
        }
        if rest.starts_with('?') {
            return Some(HtmlEnd::Text("?>"));
        }
        if rest.starts_with("![CDATA[") {
            return Some(HtmlEnd::Text("]]>"));
        }
        if rest.starts_with('!') {
            return Some(HtmlEnd::Text(">"));
        }
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        let (name, after) = (name[..length].to_ascii_lowercase(), &name[length..]);
        if name.is_empty() {
            return None;
        }
        let is_cut = after.is_empty() || after.starts_with([' ', '\t', '>']) || after.starts_with("/>");
        match name.as_str() {
            "script" if is_cut && !rest.starts_with('/') => Some(HtmlEnd::Text("</script>")),
            "pre" if is_cut && !rest.starts_with('/') => Some(HtmlEnd::Text("</pre>")),
            "style" if is_cut && !rest.starts_with('/') => Some(HtmlEnd::Text("</style>")),
            "textarea" if is_cut && !rest.starts_with('/') => Some(HtmlEnd::Text("</textarea>")),
            name if is_cut && BLOCKS.contains(&name) => Some(HtmlEnd::Blank),
            // One whole tag, alone on its line, after a blank one.
            _ => {
                let close = after.find('>')?;
                let is_alone = after[close + 1..].trim().is_empty();
                let is_tag = !after[..close].contains('<') && !after.starts_with(':') && !after.starts_with('@');
                (is_alone && is_tag && self.is_after_blank()).then_some(HtmlEnd::Blank)
            }
        }
    }

    fn is_after_blank(&self) -> bool {
        self.done.last().is_none_or(|line| line.text.trim().is_empty())
    }
}

/// `{.class #id}` alone on its line, for the block before it.
fn is_attributes(line: &str) -> bool {
    let inner = line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| {
        let is_one = |word: &str| word.starts_with(['.', '#']) || word.contains('=');
        !inner.trim().is_empty()
            && !inner.contains(['{', '}', '<'])
            && inner.split_whitespace().next().is_some_and(is_one)
    })
}

/// Blanks as wide as what a line begins with: indentation, signs of lists; a quote's sign stays.
fn marker(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    loop {
        let text = rest.trim_start_matches([' ', '\t']);
        out.push_str(&rest[..rest.len() - text.len()]);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let sign = if digits > 0 && digits < 10 { digits + 1 } else { 1 };
        let Some(mark) = text.get(..sign) else { return out };
        let is_mark = match mark {
            ">" => true,
            "-" | "*" | "+" => text[1..].starts_with(' '),
            mark => digits > 0 && mark.ends_with(['.', ')']) && text[sign..].starts_with(' '),
        };
        if !is_mark {
            return out;
        }
        if mark == ">" {
            out.push('>');
        } else {
            out.extend(std::iter::repeat_n(' ', sign));
        }
        rest = &text[sign..];
    }
}

/// Elements that begin a block of HTML wherever they stand.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "base",
    "basefont",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "legend",
    "li",
    "link",
    "main",
    "menu",
    "menuitem",
    "nav",
    "noframes",
    "ol",
    "optgroup",
    "option",
    "p",
    "param",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "track",
    "ul",
];
