//! HTML as it is written: fixed tags, escaped text, elements that are always closed and never nest too deep.
//!
//! Invariant: whatever it is told, what comes out is balanced, holds tags and attributes of the caller's own only, and
//! all text and every value in it is escaped. It knows nothing of Markdown, links or sources.

use super::elements::{ends_before, is_scope, separates};

/// Elements deeper than this lose their tags; their text stays. Parsers that come after take time and stack by depth.
const MAX_DEPTH: usize = 128;

/// What a table that is allowed needs below it, so that every cell has room.
const TABLE_DEPTH: usize = 4;

/// Writes one page.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
    stack: Vec<Open>,
    /// Where the first open element lies whose start tag waits for content; `None` if none does.
    waiting: Option<usize>,
    /// Where the open element lies that hides its content.
    hider: Option<Hider>,
    /// Text is cut out just now.
    cut: bool,
    /// Buffers that are put aside while a note is written.
    aside: Vec<Aside>,
    /// The first element of the stack that belongs to `out`.
    floor: usize,
    links: usize,
    preformatted: usize,
    /// Open paragraphs and headings, which a browser ends before a block.
    lines: usize,
    irregular: bool,
}

#[derive(Debug)]
struct Open {
    name: &'static str,
    state: State,
    /// Opened by raw HTML, which may leave it open.
    raw: bool,
    /// Cells of a row that were cut out before the row itself was written.
    blanks: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Written,
    /// Opened while text was cut out: written if something follows in it.
    Waiting,
    /// Never written.
    Transparent,
}

#[derive(Debug)]
struct Hider {
    at: usize,
    name: String,
    /// Elements of the same name within it.
    nested: usize,
}

#[derive(Debug)]
struct Aside {
    out: String,
    waiting: Option<usize>,
    floor: usize,
}

impl Writer {
    /// A writer with room for a page.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), ..Self::default() }
    }

    /// Says whether text is cut out from here on.
    pub(super) fn cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Whether nothing is written just now.
    pub(super) fn is_hidden(&self) -> bool {
        self.cut || self.hider.is_some()
    }

    /// Whether a browser would make another tree of what was written than its tags say, because raw HTML put elements
    /// where they do not belong. Errs on the side of yes.
    pub(super) fn is_irregular(&self) -> bool {
        self.irregular
    }

    /// Whether a link is open: links do not nest.
    pub(super) fn in_link(&self) -> bool {
        self.links > 0
    }

    /// Whether a paragraph may begin here: what is open holds blocks.
    pub(super) fn is_between_blocks(&self) -> bool {
        let open = self.stack.last().map_or("", |open| open.name);
        matches!(open, "" | "div" | "blockquote" | "details" | "figure" | "li" | "dd")
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str) {
        if !self.is_hidden() && !text.is_empty() {
            self.enter_cell(text);
            self.settle();
            escape(&mut self.out, text, false);
        }
    }

    /// Writes text of raw HTML, whose character references stand for themselves.
    pub(super) fn raw_text(&mut self, text: &str) {
        if !self.is_hidden() && !text.is_empty() {
            self.enter_cell(text);
            self.settle();
            // A reference is what a browser makes of it.
            self.irregular |= text.contains('&');
            escape_keeping_references(&mut self.out, text);
        }
    }

    /// Opens an element.
    pub(super) fn open(&mut self, name: &'static str) {
        self.open_with(name, &[]);
    }

    /// Opens an element with attributes, which are escaped.
    pub(super) fn open_with(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        let state = self.start(name, attributes);
        self.push(name, state, false);
    }

    /// Opens an element and says where [`Self::insert_attribute`] finds its tag, if that was written.
    pub(super) fn open_marked(&mut self, name: &'static str) -> Option<usize> {
        let state = self.start(name, &[]);
        self.push(name, state, false);
        (state == State::Written).then(|| self.out.len() - 1)
    }

    /// Opens an element that is only written if something follows in it.
    pub(super) fn open_waiting(&mut self, name: &'static str) {
        let state = if self.depth() >= MAX_DEPTH { State::Transparent } else { State::Waiting };
        self.push(name, state, false);
    }

    /// Opens something that has no tags, so that it can be closed like an element.
    pub(super) fn open_transparent(&mut self) {
        self.push("", State::Transparent, false);
    }

    /// Closes what [`Self::open`] opened last, and before it whatever raw HTML left open in it.
    pub(super) fn close(&mut self) {
        while self.stack.len() > self.floor && self.stack.last().is_some_and(|open| open.raw) {
            self.pop();
        }
        self.pop();
    }

    /// Writes an element that has no content.
    pub(super) fn void(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        if !self.is_hidden() {
            self.enter_cell(name);
            self.settle();
            self.write_tag(name, attributes);
            if name == "hr" {
                self.irregular |= self.lines > 0;
                self.out.push('\n');
            }
        }
    }

    /// Puts an attribute into a start tag, at the place that [`Self::open_marked`] gave.
    pub(super) fn insert_attribute(&mut self, position: usize, name: &str, value: &str) {
        let mut attribute = String::with_capacity(name.len() + value.len() + 4);
        push_attribute(&mut attribute, name, value);
        self.out.insert_str(position, &attribute);
    }

    /// Opens an element of raw HTML. First it ends the elements that it ends by itself.
    pub(super) fn open_raw(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        if self.hider.is_some() {
            return;
        }
        self.end_implied(name);
        if is_table_part(name) && !self.in_table() {
            // It has no meaning here, but it keeps words apart.
            self.text(" ");
        } else if self.depth() < if is_table_part(name) { MAX_DEPTH } else { MAX_DEPTH - TABLE_DEPTH } {
            self.irregular |= !self.belongs_here(name);
            let state = self.start(name, attributes);
            self.push(name, state, true);
        }
    }

    /// Writes an element of raw HTML that has no content.
    pub(super) fn void_raw(&mut self, name: &'static str) {
        if self.hider.is_none() {
            self.end_implied(name);
            self.void(name, &[]);
        }
    }

    /// Opens an element of raw HTML that is left out with its content.
    pub(super) fn hide_raw(&mut self, name: &str) {
        match &mut self.hider {
            Some(hider) if hider.name == name => hider.nested += 1,
            Some(_) => {}
            None => {
                self.hider = Some(Hider { at: self.stack.len(), name: name.to_owned(), nested: 0 });
                self.push("", State::Transparent, true);
            }
        }
    }

    /// Ends an element of raw HTML, if one of this name is open that raw HTML opened here.
    pub(super) fn close_raw(&mut self, name: &str) {
        if let Some(hider) = &mut self.hider {
            if hider.name == name {
                match hider.nested.checked_sub(1) {
                    Some(nested) => hider.nested = nested,
                    None => self.unhide(),
                }
            }
            return;
        }
        let here = self.stack[self.floor..].iter().rev().take_while(|open| open.raw);
        if let Some(above) = here.into_iter().position(|open| open.name == name) {
            for _ in 0..=above {
                self.pop();
            }
        }
    }

    /// The name of the element that hides its content, if one does.
    pub(super) fn hider(&self) -> Option<&str> {
        self.hider.as_ref().map(|hider| hider.name.as_str())
    }

    /// Begins a note, which is written apart.
    pub(super) fn begin_aside(&mut self) {
        let aside = Aside {
            out: std::mem::take(&mut self.out),
            waiting: self.waiting.take(),
            floor: std::mem::replace(&mut self.floor, self.stack.len()),
        };
        self.aside.push(aside);
    }

    /// Ends a note and gives what was written of it.
    pub(super) fn end_aside(&mut self) -> String {
        self.close_all();
        match self.aside.pop() {
            Some(aside) => {
                self.waiting = aside.waiting;
                self.floor = aside.floor;
                std::mem::replace(&mut self.out, aside.out)
            }
            None => String::new(),
        }
    }

    /// Writes what another writer, or a note, has written.
    pub(super) fn append(&mut self, html: &str) {
        self.settle();
        self.out.push_str(html);
    }

    /// Closes everything that is open.
    pub(super) fn close_all(&mut self) {
        while self.stack.len() > self.floor {
            self.pop();
        }
    }

    /// Closes everything and gives the html.
    pub(super) fn finish(mut self) -> String {
        while !self.aside.is_empty() {
            self.end_aside();
        }
        self.close_all();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    fn depth(&self) -> usize {
        self.stack.len()
    }

    fn start(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> State {
        if self.depth() >= MAX_DEPTH {
            return State::Transparent;
        }
        if self.is_hidden() {
            return if name == "a" { State::Transparent } else { State::Waiting };
        }
        if !is_table_part(name) {
            self.enter_cell(name);
        }
        self.settle();
        let begins_line = matches!(self.out.as_bytes().last(), None | Some(b'\n' | b'>'));
        if separates(name) {
            self.irregular |= self.lines > 0;
            if !begins_line && self.preformatted == 0 {
                self.out.push('\n');
            }
        }
        self.write_tag(name, attributes);
        State::Written
    }

    /// Whether a browser leaves an element of raw HTML where it stands, but for what [`Self::start`] looks at.
    fn belongs_here(&self, name: &str) -> bool {
        let parent = self.stack.last().filter(|open| open.state == State::Written).map(|open| open.name);
        match name {
            "li" => matches!(parent, Some("ul" | "ol")),
            "dt" | "dd" => parent == Some("dl"),
            "table" => !matches!(parent, Some("table" | "caption" | "thead" | "tbody" | "tfoot" | "tr")),
            "thead" | "tbody" | "tfoot" => parent == Some("table"),
            "tr" => matches!(parent, Some("thead" | "tbody" | "tfoot")),
            "td" | "th" => parent == Some("tr"),
            // A caption ends in ways of its own, and a line break at the beginning of preformatted text goes.
            "caption" | "pre" => false,
            _ => true,
        }
    }

    /// Whether a part of a table may be opened here: directly in what raw HTML opened of one.
    fn in_table(&self) -> bool {
        let top = self.stack[self.floor..].last();
        top.is_some_and(|top| top.raw && matches!(top.name, "table" | "thead" | "tbody" | "tfoot" | "tr"))
    }

    /// Opens a cell for what stands in a table outside of its cells: a browser would move it before the table.
    fn enter_cell(&mut self, content: &str) {
        if self.in_table() && self.depth() < MAX_DEPTH && !content.trim().is_empty() {
            self.irregular = true;
            self.settle();
            self.write_tag("td", &[]);
            self.push("td", State::Written, true);
        }
    }

    fn push(&mut self, name: &'static str, state: State, raw: bool) {
        if state == State::Waiting {
            self.waiting.get_or_insert(self.stack.len());
        }
        self.count(name, state, 1);
        self.stack.push(Open { name, state, raw, blanks: 0 });
    }

    /// Keeps count of the written elements that change how others are written.
    fn count(&mut self, name: &str, state: State, by: isize) {
        if state == State::Written {
            match name {
                "a" => self.links = self.links.saturating_add_signed(by),
                "pre" => self.preformatted = self.preformatted.saturating_add_signed(by),
                "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.lines = self.lines.saturating_add_signed(by),
                _ => {}
            }
        }
    }

    /// Closes the last element of the present buffer; those of the buffers put aside stay open.
    fn pop(&mut self) {
        if self.stack.len() <= self.floor {
            return;
        }
        let Some(open) = self.stack.pop() else { return };
        let at = self.stack.len();
        if self.hider.as_ref().is_some_and(|hider| hider.at == at) {
            self.hider = None;
        }
        self.count(open.name, open.state, -1);
        match open.state {
            State::Written => {
                self.out.push_str("</");
                self.out.push_str(open.name);
                self.out.push('>');
                if separates(open.name) && self.preformatted == 0 {
                    self.out.push('\n');
                }
            }
            State::Waiting => {
                if self.waiting == Some(at) {
                    self.waiting = None;
                }
                self.blank_cell(&open);
            }
            State::Transparent => {}
        }
    }

    /// A cell whose text was cut out stays, empty, so that those after it keep their column.
    fn blank_cell(&mut self, cell: &Open) {
        if !matches!(cell.name, "td" | "th") {
            return;
        }
        match self.stack.last_mut() {
            Some(row) if row.name == "tr" && row.state == State::Written => {
                write_blank(&mut self.out, cell.name);
            }
            Some(row) if row.name == "tr" => row.blanks = row.blanks.saturating_add(1),
            _ => {}
        }
    }

    fn unhide(&mut self) {
        let Some(hider) = self.hider.take() else { return };
        // Where nothing was opened above it, it can go; otherwise it stays, without effect, until what holds it is closed.
        if hider.at + 1 == self.stack.len() {
            self.pop();
        }
    }

    /// Writes the start tags that waited for content.
    fn settle(&mut self) {
        let Some(first) = self.waiting.take() else { return };
        for at in first..self.stack.len() {
            let open = &mut self.stack[at];
            if open.state == State::Waiting {
                open.state = State::Written;
                let (name, blanks) = (open.name, open.blanks);
                self.irregular |= self.lines > 0 && separates(name);
                self.count(name, State::Written, 1);
                self.write_tag(name, &[]);
                for _ in 0..blanks {
                    write_blank(&mut self.out, "td");
                }
            }
        }
    }

    fn end_implied(&mut self, next: &str) {
        let here = self.stack[self.floor..].iter().rev().take_while(|open| open.raw);
        let mut end = None;
        for (above, open) in here.enumerate() {
            if ends_before(open.name, next) {
                end = Some(above);
            } else if is_scope(open.name) {
                break;
            }
        }
        if let Some(above) = end {
            for _ in 0..=above {
                self.pop();
            }
        }
    }

    fn write_tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            push_attribute(&mut self.out, name, value);
        }
        self.out.push('>');
    }
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "caption" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th")
}

fn write_blank(out: &mut String, name: &str) {
    out.push_str(if name == "th" { "<th></th>" } else { "<td></td>" });
}

fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value, true);
    out.push('"');
}

/// What a byte becomes: 0 itself, 1 a reference, 2 nothing. Control characters mean nothing in a page.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut at = 0;
    while at < 32 {
        bytes[at] = if at == 9 || at == 10 { 0 } else { 2 };
        at += 1;
    }
    bytes[127] = 2;
    bytes[b'&' as usize] = 1;
    bytes[b'<' as usize] = 1;
    bytes[b'>' as usize] = 1;
    bytes
};

/// Appends text as html: in a value of an attribute quotes are escaped as well.
pub(super) fn escape(out: &mut String, text: &str, in_value: bool) {
    let mut from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let kind = BYTES[usize::from(byte)];
        if kind == 0 && !(in_value && byte == b'"') {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'&' => out.push_str("&amp;"),
            b'<' => out.push_str("&lt;"),
            b'>' => out.push_str("&gt;"),
            b'"' => out.push_str("&quot;"),
            _ => {}
        }
    }
    out.push_str(&text[from..]);
}

fn escape_keeping_references(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        escape(out, &rest[..at], false);
        rest = &rest[at..];
        let length = reference(rest).unwrap_or(0);
        if length == 0 {
            out.push_str("&amp;");
            rest = &rest[1..];
        } else {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    escape(out, rest, false);
}

/// The length of a character reference, with `&` and `;`.
fn reference(text: &str) -> Option<usize> {
    let end = text.bytes().take(34).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let body = name.strip_prefix('#').unwrap_or(name);
    (!body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(end + 1)
}

#[cfg(test)]
mod tests;
