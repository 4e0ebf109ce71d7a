//! Markdown: CommonMark with GitHub's tables, tasks, strikethrough, footnotes and alerts, definition lists, and ids in
//! headings. One pass over the parser's events; a second one only where `fin:skip` may stand.

mod markers;

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, OffsetIter, Options, Parser, Tag,
    TagEnd,
};

use super::constructs;
use super::elements::is_language_byte;
use super::raw::{Draft, checkbox};
use super::skip::Skips;
use super::slug::Slugs;
use super::tokens::{Token, Tokens};

use self::markers::Pieces;
pub(super) use self::markers::skips;

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_HEADING_ATTRIBUTES)
    .union(Options::ENABLE_GFM);

/// The parser for a body, with the extensions that it can be trusted with.
///
/// It takes every line that begins with a colon for a definition; so definition lists are only read where all such lines
/// have a blank after it, and none is a container's `:::` or an `:emoji:`. And it panics on attributes that are the whole
/// last line of an underlined heading in a list.
fn parser(body: &str, is_typographic: bool) -> OffsetIter<'_> {
    let mut options = OPTIONS;
    options.set(Options::ENABLE_SMART_PUNCTUATION, is_typographic);
    let (mut definitions, mut other_colons, mut is_braced) = (false, false, false);
    for line in lines(body) {
        let line = without_start(line);
        let was_braced = std::mem::take(&mut is_braced);
        match line.first() {
            Some(b':') => {
                // A blank at the end of a line stands for nothing.
                let is_definition = matches!(without_end(line).get(1), Some(b' ' | b'\t'));
                definitions |= is_definition;
                other_colons |= !is_definition;
            }
            Some(b'{') => is_braced = without_end(line).ends_with(b"}"),
            Some(sign @ (b'-' | b'=')) if was_braced && without_end(line).iter().all(|byte| byte == sign) => {
                options.remove(Options::ENABLE_HEADING_ATTRIBUTES);
            }
            _ => {}
        }
    }
    options.set(Options::ENABLE_DEFINITION_LIST, definitions && !other_colons);
    Parser::new_ext(body, options).into_offset_iter()
}

/// The lines of a body, as bytes.
fn lines(body: &str) -> impl Iterator<Item = &[u8]> {
    let bytes = body.as_bytes();
    let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let line = &bytes[start..end];
        start = end + 1;
        line
    })
}

/// A line without blanks and the signs of quotes at its start.
fn without_start(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'>', rest @ ..] = line {
        line = rest;
    }
    line
}

/// And without those at its end.
fn without_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'>' | b'\r'] = line {
        line = rest;
    }
    line
}

/// Writes a Markdown body into a draft.
pub(super) fn write(body: &str, is_mdx: bool, skips: &Skips, draft: &mut Draft<'_>) {
    let is_typographic = draft.is_typographic;
    let mut pass = Pass {
        body,
        is_mdx,
        marks: Marks::of(body, is_mdx),
        skips,
        draft,
        slugs: Slugs::default(),
        heading: None,
        image: None,
        table: Table::default(),
        html: None,
        notes: Notes::default(),
        line_start: false,
        in_code: false,
        hidden_until: 0,
    };
    let mut events = parser(body, is_typographic);
    while let Some((event, range)) = events.next() {
        pass.take(event, range, &events);
    }
    pass.finish();
}

/// Whether the parser would take too long: it looks at every open container for every line.
///
/// Counts what no person's document comes near: the deepest nesting that any line's quotes, list signs and indentation
/// could mean, times the lines.
pub(super) fn is_too_nested(body: &str) -> bool {
    const MAX_COST: usize = 300_000_000;
    // The costliest text of this length is half of it one line.
    if (body.len() / 2).saturating_mul(body.len() / 2) <= MAX_COST {
        return false;
    }
    let mut count = 0_usize;
    let mut deepest = 0;
    for line in lines(body) {
        count += 1;
        deepest = deepest.max(nesting(line));
    }
    deepest > 64 && deepest.saturating_mul(count) > MAX_COST
}

fn nesting(line: &[u8]) -> usize {
    let (mut signs, mut blanks) = (0, 0);
    let mut bytes = line.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' => blanks += 1,
            b'\t' => blanks += 4,
            b'>' => signs += 1,
            b'-' | b'*' | b'+' | b'.' | b')' | b':' if matches!(bytes.peek(), None | Some(b' ' | b'\t')) => signs += 1,
            b'0'..=b'9' => {}
            _ => break,
        }
    }
    signs + blanks / 2
}

struct Pass<'p, 'a> {
    body: &'p str,
    is_mdx: bool,
    marks: Marks,
    skips: &'p Skips,
    draft: &'p mut Draft<'a>,
    slugs: Slugs,
    heading: Option<Heading>,
    image: Option<Image>,
    table: Table,
    html: Option<Pieces>,
    notes: Notes,
    /// The next text begins a line of prose.
    line_start: bool,
    in_code: bool,
    /// A comment that its HTML block left open ends here.
    hidden_until: usize,
}

/// Which of the signs of [`constructs`] a body has at all: each of its texts is searched for these only.
#[derive(Clone, Copy)]
struct Marks {
    /// Braces in lines of prose.
    braces: bool,
    /// What begins with one of `[$<`.
    others: bool,
    in_code: bool,
}

impl Marks {
    fn of(body: &str, is_mdx: bool) -> Self {
        let has = |sign: &str| memchr::memmem::find(body.as_bytes(), sign.as_bytes()).is_some();
        Self {
            braces: has("{"),
            others: has("[[") || has("$$") || has(if is_mdx { "<" } else { "<!--" }),
            in_code: has("{{#") || has("--8<--"),
        }
    }
}

struct Heading {
    /// Where an id can be put into its tag; `None` where no tag was written.
    id_at: Option<usize>,
    id: Option<String>,
    text: String,
}

struct Image {
    src: Option<String>,
    alt: String,
    depth: usize,
    at: usize,
    shown: bool,
}

#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    column: usize,
    in_head: bool,
}

#[derive(Default)]
struct Notes {
    /// Labels in the order of their first reference.
    order: Vec<String>,
    numbers: HashMap<String, usize>,
    open: Vec<String>,
    written: HashMap<String, String>,
}

impl Pass<'_, '_> {
    fn take<'e>(&mut self, event: Event<'e>, range: Range<usize>, events: &OffsetIter<'e>) {
        if !self.skips.is_empty() || self.hidden_until > 0 {
            self.draft.writer.cut(range.start < self.hidden_until || self.skips.hides(range.start));
        }
        if self.image.is_some() {
            self.take_alt(&event);
            return;
        }
        if let Some(pieces) = &mut self.html {
            match event {
                Event::Html(text) | Event::Text(text) => pieces.push(&text, range.start),
                Event::End(TagEnd::HtmlBlock) => {
                    if let Some(pieces) = self.html.take() {
                        self.take_html(&pieces);
                    }
                }
                _ => {}
            }
            return;
        }
        let line_start = std::mem::take(&mut self.line_start);
        match event {
            Event::Start(tag) => self.start(tag, range, events),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, &range, line_start),
            Event::Code(text) => {
                self.draft.writer.open("code");
                self.draft.writer.text(&text);
                self.draft.writer.close();
                self.heading_text(&text);
            }
            Event::SoftBreak => {
                self.draft.writer.text("\n");
                self.line_start = true;
            }
            Event::HardBreak => {
                self.draft.writer.void("br", &[]);
                self.draft.writer.text("\n");
                self.line_start = true;
            }
            Event::Rule => self.draft.writer.void("hr", &[]),
            Event::TaskListMarker(checked) => self.draft.writer.text(checkbox(checked)),
            Event::FootnoteReference(label) => self.note(&label),
            Event::InlineHtml(text) | Event::Html(text) => {
                let mut pieces = Pieces::default();
                pieces.push(&text, range.start);
                self.take_html(&pieces);
            }
            // Not enabled: dollars are text.
            Event::InlineMath(text) | Event::DisplayMath(text) => self.draft.writer.text(&text),
        }
    }

    fn finish(mut self) {
        let order = std::mem::take(&mut self.notes.order);
        self.draft.end_hiders();
        let writer = &mut self.draft.writer;
        writer.cut(false);
        if order.is_empty() || writer.is_hidden() {
            return;
        }
        writer.close_all();
        writer.open("ol");
        for label in order {
            writer.open("li");
            if let Some(html) = self.notes.written.get(&label) {
                writer.append(html.trim_end());
            }
            writer.close();
        }
        writer.close();
    }

    fn text(&mut self, text: &str, range: &Range<usize>, line_start: bool) {
        if self.hidden_until > range.start && self.hidden_until < range.end && text.len() == range.len() {
            // The author's comment ends within this text: the rest of it is shown.
            let shown = text.get(self.hidden_until - range.start..).unwrap_or_default();
            self.draft.writer.cut(self.skips.hides(self.hidden_until));
            self.draft.writer.text(shown);
            return;
        }
        if self.in_code {
            if self.marks.in_code && (text.contains("{{#") || text.contains("--8<--")) {
                let found = text.lines().find_map(constructs::of_code);
                if let Some(name) = found {
                    self.unknown(name, range.start);
                }
            }
        } else {
            self.name_constructs(text, range, line_start);
            self.heading_text(text);
        }
        self.draft.writer.text(text);
    }

    fn heading_text(&mut self, text: &str) {
        if let Some(heading) = self.heading.as_mut().filter(|_| !self.draft.writer.is_hidden()) {
            heading.text.push_str(text);
        }
    }

    fn name_constructs(&mut self, text: &str, range: &Range<usize>, line_start: bool) {
        let rest = self.body.get(range.start..).unwrap_or_default();
        if let Some(name) = line_start.then(|| constructs::of_line(rest, self.is_mdx)).flatten() {
            self.unknown(&name, range.start);
            return;
        }
        let bytes = text.as_bytes();
        let Marks { braces, others, .. } = self.marks;
        let all = || memchr::memchr3_iter(b'{', b'[', b'$', bytes).chain(memchr::memchr_iter(b'<', bytes));
        let braces = (braces && !others).then(|| memchr::memchr_iter(b'{', bytes));
        for at in others.then(all).into_iter().flatten().chain(braces.into_iter().flatten()) {
            let byte = bytes[at];
            // Text that stands in the source otherwise than it reads (a reference) is meant as text.
            let Some(source) = rest.get(at..).filter(|source| source.as_bytes().first() == Some(&byte)) else {
                continue;
            };
            // Of `{{` the first brace is named, not each; and what is escaped is meant as text.
            if self.body[..range.start + at].ends_with([char::from(byte), '\\']) {
                continue;
            }
            if source.starts_with("<!--") {
                self.unknown("a comment that an empty line breaks", range.start + at);
            } else if let Some(name) = constructs::within_line(source, self.is_mdx) {
                self.unknown(name, range.start + at);
            }
        }
    }

    fn unknown(&mut self, name: &str, at: usize) {
        if !self.draft.writer.is_hidden() {
            self.draft.unknown(name, at);
        }
    }

    fn take_html(&mut self, pieces: &Pieces) {
        for (at, token) in Tokens::new(&pieces.text) {
            let place = pieces.place(at);
            if !self.skips.is_empty() || self.hidden_until > 0 {
                self.draft.writer.cut(place < self.hidden_until || self.skips.hides(place));
            }
            if let Token::Comment(_, false) = token {
                // The block ended before the comment did. What its author left out ends where the comment was meant to.
                let rest = self.body.get(place..).unwrap_or_default();
                self.hidden_until = place + rest.find("-->").map_or(rest.len(), |end| end + 3);
            }
            self.draft.take(token, place);
        }
    }

    fn start<'e>(&mut self, tag: Tag<'e>, range: Range<usize>, events: &OffsetIter<'e>) {
        let writer = &mut self.draft.writer;
        match tag {
            Tag::Paragraph => {
                writer.open("p");
                self.line_start = true;
            }
            Tag::Heading { level, id, .. } => self.start_heading(level, id),
            Tag::BlockQuote(kind) => self.start_quote(kind),
            Tag::CodeBlock(kind) => self.start_code(&kind, range.start),
            Tag::HtmlBlock => self.html = Some(Pieces::default()),
            Tag::List(None) => writer.open("ul"),
            Tag::List(Some(1)) => writer.open("ol"),
            Tag::List(Some(first)) => writer.open_with("ol", &[("start", &first.to_string())]),
            Tag::Item => {
                writer.open("li");
                self.line_start = true;
            }
            Tag::FootnoteDefinition(label) => {
                writer.begin_aside();
                self.notes.open.push(label.into_string());
            }
            Tag::DefinitionList => writer.open("dl"),
            Tag::DefinitionListTitle => writer.open("dt"),
            Tag::DefinitionListDefinition => writer.open("dd"),
            Tag::Table(alignments) => {
                writer.open("table");
                self.table = Table { alignments, column: 0, in_head: false };
            }
            Tag::TableHead => {
                writer.open("thead");
                writer.open("tr");
                self.table.in_head = true;
                self.table.column = 0;
            }
            Tag::TableRow => {
                writer.open("tr");
                self.table.column = 0;
            }
            Tag::TableCell => self.start_cell(),
            Tag::Emphasis => writer.open("em"),
            Tag::Strong => writer.open("strong"),
            Tag::Strikethrough => writer.open("del"),
            Tag::Superscript => writer.open("sup"),
            Tag::Subscript => writer.open("sub"),
            Tag::Link { link_type, dest_url, id, .. } => {
                self.start_link(link_type, &dest_url, &id, range.start, events);
            }
            Tag::Image { dest_url, id, .. } => {
                let is_known = !self.is_definition_cut(&id, events);
                let src = if is_known { self.draft.links.image(&dest_url) } else { None };
                let shown = !self.draft.writer.is_hidden();
                self.image = Some(Image { src, alt: String::new(), depth: 0, at: range.start, shown });
            }
            Tag::MetadataBlock(_) => writer.open_transparent(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let writer = &mut self.draft.writer;
        match tag {
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::CodeBlock => {
                writer.close();
                writer.close();
                self.in_code = false;
            }
            TagEnd::FootnoteDefinition => {
                let html = writer.end_aside();
                if let Some(label) = self.notes.open.pop() {
                    self.notes.written.entry(label).or_insert(html);
                }
            }
            TagEnd::TableHead => {
                writer.close();
                writer.close();
                writer.open_waiting("tbody");
                self.table.in_head = false;
            }
            TagEnd::Table => {
                writer.close();
                writer.close();
            }
            TagEnd::HtmlBlock | TagEnd::Image => {}
            _ => writer.close(),
        }
    }

    fn start_heading(&mut self, level: HeadingLevel, id: Option<CowStr<'_>>) {
        let name = match level {
            HeadingLevel::H1 => "h1",
            HeadingLevel::H2 => "h2",
            HeadingLevel::H3 => "h3",
            HeadingLevel::H4 => "h4",
            HeadingLevel::H5 => "h5",
            HeadingLevel::H6 => "h6",
        };
        let id_at = self.draft.writer.open_marked(name);
        let id = id.map(CowStr::into_string).filter(|id| !id.is_empty());
        self.heading = Some(Heading { id_at, id, text: String::new() });
    }

    fn end_heading(&mut self) {
        if let Some(Heading { id_at: Some(at), id, text }) = self.heading.take() {
            let id = match id {
                Some(id) => {
                    self.slugs.take(&id);
                    id
                }
                None => self.slugs.slug(&text),
            };
            if !id.is_empty() {
                self.draft.writer.insert_attribute(at, "id", &id);
            }
        }
        self.draft.writer.close();
    }

    fn start_quote(&mut self, kind: Option<BlockQuoteKind>) {
        let writer = &mut self.draft.writer;
        let (class, title) = match kind {
            None => {
                writer.open("blockquote");
                return;
            }
            Some(BlockQuoteKind::Note) => ("markdown-alert-note", "Note"),
            Some(BlockQuoteKind::Tip) => ("markdown-alert-tip", "Tip"),
            Some(BlockQuoteKind::Important) => ("markdown-alert-important", "Important"),
            Some(BlockQuoteKind::Warning) => ("markdown-alert-warning", "Warning"),
            Some(BlockQuoteKind::Caution) => ("markdown-alert-caution", "Caution"),
        };
        writer.open_with("blockquote", &[("class", class)]);
        writer.open("p");
        writer.open("strong");
        writer.text(title);
        writer.close();
        writer.close();
    }

    fn start_code(&mut self, kind: &CodeBlockKind<'_>, at: usize) {
        self.in_code = true;
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.trim(),
            CodeBlockKind::Indented => "",
        };
        if let Some(name) = constructs::of_fence(info) {
            self.unknown(&name, at);
        }
        let end = info.bytes().position(|byte| !is_language_byte(byte)).unwrap_or(info.len());
        let writer = &mut self.draft.writer;
        writer.open("pre");
        if end == 0 {
            writer.open("code");
        } else {
            writer.open_with("code", &[("class", &format!("language-{}", &info[..end]))]);
        }
    }

    fn start_cell(&mut self) {
        let name = if self.table.in_head { "th" } else { "td" };
        let align = match self.table.alignments.get(self.table.column) {
            Some(Alignment::Left) => Some("left"),
            Some(Alignment::Center) => Some("center"),
            Some(Alignment::Right) => Some("right"),
            Some(Alignment::None) | None => None,
        };
        self.table.column += 1;
        match align {
            Some(align) => self.draft.writer.open_with(name, &[("align", align)]),
            None => self.draft.writer.open(name),
        }
    }

    fn start_link(&mut self, kind: LinkType, dest: &str, id: &str, at: usize, events: &OffsetIter<'_>) {
        let is_dropped =
            self.draft.writer.is_hidden() || self.draft.writer.in_link() || self.is_definition_cut(id, events);
        let url = if is_dropped {
            None
        } else if kind == LinkType::Email {
            self.draft.link(&format!("mailto:{dest}"), at)
        } else {
            self.draft.link(dest, at)
        };
        match url {
            Some(url) => self.draft.writer.open_with("a", &[("href", &url)]),
            None => self.draft.writer.open_transparent(),
        }
    }

    /// Whether the definition of a reference link stands in what is cut out: then nobody is to know its target.
    fn is_definition_cut(&self, id: &str, events: &OffsetIter<'_>) -> bool {
        !id.is_empty()
            && !self.skips.is_empty()
            && events.reference_definitions().get(id).is_some_and(|definition| self.skips.hides(definition.span.start))
    }

    fn take_alt(&mut self, event: &Event<'_>) {
        let is_hidden = self.draft.writer.is_hidden();
        let Some(image) = &mut self.image else { return };
        match event {
            Event::Start(_) => image.depth += 1,
            Event::End(_) if image.depth > 0 => image.depth -= 1,
            Event::End(_) => {
                if let Some(image) = self.image.take().filter(|image| image.shown) {
                    self.draft.image(image.src.as_deref(), &image.alt, image.at);
                }
            }
            Event::Text(text) | Event::Code(text) if !is_hidden => image.alt.push_str(text),
            Event::SoftBreak | Event::HardBreak => image.alt.push(' '),
            _ => {}
        }
    }

    /// Writes a footnote's number. It links nowhere: the ids of notes are the generator's own.
    fn note(&mut self, label: &CowStr<'_>) {
        if self.draft.writer.is_hidden() {
            return;
        }
        let Notes { order, numbers, .. } = &mut self.notes;
        let number = *numbers.entry(label.to_string()).or_insert_with(|| {
            order.push(label.to_string());
            order.len()
        });
        self.draft.writer.open("sup");
        self.draft.writer.text(&number.to_string());
        self.draft.writer.close();
    }
}
