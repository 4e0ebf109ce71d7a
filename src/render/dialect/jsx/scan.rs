//! Takes a text apart: lines of prose in which components and expressions have become Markdown, lines of code, and files
//! to be included. One cursor goes through the text; what it looks at in vain is counted and bounded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::code::Fence;
use super::tag::{Tag, braces};
use super::{Flavour, Source};
use crate::render::dialect::{Context, Out};
use crate::site::literal::{Literal, expression};

/// A line, or what stands for one.
pub(super) struct Piece {
    pub(super) origin: u32,
    pub(super) text: String,
    pub(super) kind: Kind,
    /// What an imported file is given (`<Part who="you" />`).
    pub(super) props: Props,
}

/// Texts by the names under which an imported file knows them.
pub(super) type Props = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Prose,
    /// The text opens a fence, at this place in it.
    Open(usize, Fence),
    Code,
    Close,
    /// The text is the path of an imported file, after its indentation.
    Include,
}

impl PartialEq for Fence {
    fn eq(&self, other: &Self) -> bool {
        self.signs() == other.signs()
    }
}

impl Eq for Fence {}

pub(super) struct Scan<'s, 't> {
    pub(super) flavour: Flavour<'s>,
    pub(super) source: &'s Source<'t>,
    pub(super) context: &'s Context<'s>,
    pub(super) out: &'s mut Out,
    pub(super) pieces: Vec<Piece>,
    pub(super) current: String,
    /// The line of the text, counted from 0, that the cursor is on.
    pub(super) line: usize,
    /// The line on which `current` began.
    pub(super) begun: usize,
    pub(super) at: usize,
    /// Names that imports give to files.
    pub(super) imports: BTreeMap<String, String>,
    /// What the module calls by a name (`export const x = …`).
    pub(super) constants: BTreeMap<String, Literal>,
    /// Labels of tabs by their values, of the `Tabs` that are open.
    pub(super) tab_labels: Vec<BTreeMap<String, String>>,
    pub(super) named: BTreeSet<String>,
    /// Up to the end tag of this element nothing is an expression; or up to so many colons.
    verbatim: Option<String>,
    looked: usize,
    /// The front matter, once it was asked for.
    pub(super) front: Option<Value>,
    /// Bytes that names and files brought so far.
    brought: usize,
}

/// Text that names and files bring to one file's text, at most: a name is short, and what it stands for may be long.
const MAX_BROUGHT: usize = 16 << 20;

impl<'s, 't> Scan<'s, 't> {
    pub(super) fn new(
        flavour: Flavour<'s>,
        source: &'s Source<'t>,
        context: &'s Context<'s>,
        out: &'s mut Out,
    ) -> Self {
        Self {
            flavour,
            source,
            context,
            out,
            pieces: Vec::new(),
            current: String::new(),
            line: 0,
            begun: 0,
            at: 0,
            imports: BTreeMap::new(),
            constants: BTreeMap::new(),
            tab_labels: Vec::new(),
            named: BTreeSet::new(),
            verbatim: None,
            looked: 0,
            front: None,
            brought: 0,
        }
    }

    pub(super) fn run(mut self) -> Vec<Piece> {
        let mut fence: Option<Fence> = None;
        while self.at < self.source.text.len() {
            let rest = self.rest();
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let line = rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]);
            if let Some(open) = fence {
                let closes = open.closes(line);
                self.whole_line(line, if closes { Kind::Close } else { Kind::Code });
                if closes {
                    fence = None;
                }
            } else if let Some((open, at)) = Fence::opens(line) {
                fence = Some(open);
                self.whole_line(line, Kind::Open(at, open));
            } else if self.source.is_mdx && is_module_line(line) {
                self.module_lines();
            } else if self.is_hidden_block(line) {
            } else {
                self.colons(line);
                self.prose();
            }
        }
        self.flush();
        self.pieces
    }

    pub(super) fn rest(&self) -> &'t str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn origin(&self) -> u32 {
        self.source.origins.line(self.line)
    }

    fn whole_line(&mut self, line: &str, kind: Kind) {
        let origin = self.origin();
        self.pieces.push(Piece { origin, text: line.to_owned(), kind, props: Props::new() });
        let rest = self.rest();
        self.advance(memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1));
        self.begun = self.line;
    }

    /// Moves the cursor, counting lines.
    pub(super) fn advance(&mut self, bytes: usize) {
        let end = (self.at + bytes).min(self.source.text.len());
        self.line += memchr::memchr_iter(b'\n', &self.source.text.as_bytes()[self.at..end]).count();
        self.at = end;
    }

    /// Ends the line in the making.
    pub(super) fn flush(&mut self) {
        let text = std::mem::take(&mut self.current);
        let origin = self.source.origins.line(self.begun);
        self.pieces.push(Piece { origin, text, kind: Kind::Prose, props: Props::new() });
        self.begun = self.line;
    }

    /// An empty line, which ends a paragraph.
    pub(super) fn gap(&mut self) {
        if !self.current.trim().is_empty() {
            self.flush();
        }
        self.current.clear();
        if self.pieces.last().is_some_and(|piece| !piece.text.is_empty() || piece.kind != Kind::Prose) {
            self.flush();
        }
        self.begun = self.line;
    }

    /// Steps over `import` and `export` up to the empty line after them that no bracket is open at.
    fn module_lines(&mut self) {
        let mut depth = 0_i64;
        while self.at < self.source.text.len() {
            let line = self.rest().lines().next().unwrap_or_default();
            if line.trim().is_empty() && depth <= 0 {
                break;
            }
            if depth <= 0 && !is_module_line(line) && line.starts_with(['#', '<', '-', ':']) {
                break;
            }
            self.import(line);
            if depth <= 0 {
                self.constant(line);
            }
            for byte in line.bytes() {
                match byte {
                    b'{' | b'(' | b'[' => depth += 1,
                    b'}' | b')' | b']' => depth -= 1,
                    _ => {}
                }
            }
            self.advance(self.rest().find('\n').map_or(self.rest().len(), |end| end + 1));
        }
        self.begun = self.line;
    }

    /// `export const name = …`, where what follows is literal.
    fn constant(&mut self, line: &str) {
        /// Longer ones are no texts.
        const MAX_BYTES: usize = 4_000;
        let Some(rest) = line.strip_prefix("export const ") else { return };
        let Some((name, _)) = rest.split_once('=') else { return };
        let name = name.split(':').next().unwrap_or(name).trim();
        let text = self.rest();
        let Some(at) = text.find('=').map(|at| at + 1) else { return };
        let mut end = text.len().min(at + MAX_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if self.constants.len() < 100 && !self.is_spent() {
            self.looked += end - at;
            let value = expression(&text[at..end]);
            if !value.is_code() {
                self.constants.insert(name.to_owned(), value);
            }
        }
    }

    fn import(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("import ") else { return };
        let Some((name, from)) = rest.split_once(" from ") else { return };
        let from = from.trim().trim_end_matches(';').trim_matches(['"', '\'']);
        let name = name.split(", {").next().unwrap_or(name).trim().trim_start_matches("* as ");
        if !name.is_empty() && !name.starts_with('{') {
            self.imports.insert(name.to_owned(), from.to_owned());
        }
    }

    /// `<script>` and `<style>` at the start of a line, with all that they hold; comments.
    fn is_hidden_block(&mut self, line: &str) -> bool {
        let start = line.trim_start();
        let (head, end) = if start.starts_with("<script") {
            ("<script", "</script>")
        } else if start.starts_with("<style") {
            ("<style", "</style>")
        } else if start.starts_with("<!--") && !self.source.is_mdx {
            // Read by the parser, which knows what to keep of it: markers of ours and of the generator's.
            let Some(len) = self.find("-->") else { return false };
            let text = &self.rest()[..len];
            if !text.contains('\n') {
                return false;
            }
            for line in self.rest()[..len + 3].lines() {
                self.whole_line(line, Kind::Prose);
            }
            return true;
        } else {
            return false;
        };
        if start[head.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '-') {
            return false;
        }
        // One that never ends is for the parser to name.
        let Some(len) = self.find(end) else { return false };
        self.advance(len + end.len());
        true
    }

    /// `::: v-pre`, in which nothing is an expression.
    fn colons(&mut self, line: &str) {
        if !matches!(self.flavour, Flavour::VitePress(_)) {
            return;
        }
        let line = line.trim();
        let colons = &line[..line.len() - line.trim_start_matches(':').len()];
        if colons.len() < 3 {
            return;
        }
        match &self.verbatim {
            None if line[colons.len()..].trim() == "v-pre" => self.verbatim = Some(colons.to_owned()),
            Some(open) if line == colons && colons.len() >= open.len() && open.starts_with(':') => self.verbatim = None,
            _ => {}
        }
    }

    /// One line of prose, or as many as its constructs reach over.
    fn prose(&mut self) {
        self.begun = self.line;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' => {
                    self.advance(1);
                    self.flush();
                    return;
                }
                '\\' => {
                    let len = 1 + self.rest()[1..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
                    self.copy(len);
                }
                '`' => self.code_span(),
                '{' => self.expression(),
                '<' => self.tag(),
                c => {
                    if c != '\r' {
                        self.current.push(c);
                    }
                    self.at += c.len_utf8();
                }
            }
        }
        if !self.current.is_empty() {
            self.flush();
        }
    }

    /// Copies text as it stands.
    fn copy(&mut self, len: usize) {
        let text = &self.rest()[..len];
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.advance(1);
                self.flush();
            }
            self.current.push_str(line);
            self.advance(line.len());
        }
    }

    /// Code in a line: up to as many signs as it begins with, within the paragraph.
    fn code_span(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let run = |at: usize| bytes[at..].iter().take_while(|&&byte| byte == b'`').count();
        let count = run(0);
        let mut at = count;
        while at < bytes.len() && !self.is_spent() {
            match bytes[at] {
                b'`' if run(at) == count => {
                    self.copy(at + count);
                    return;
                }
                b'`' => at += run(at),
                b'\n' if bytes.get(at + 1) == Some(&b'\n') => break,
                _ => at += 1,
            }
        }
        self.looked += at;
        self.copy(count);
    }

    /// Where something stands in the rest of the text; what is looked at in vain is counted.
    pub(super) fn find(&mut self, what: &str) -> Option<usize> {
        let found = if self.is_spent() { None } else { self.rest().find(what) };
        if found.is_none() {
            self.looked += self.rest().len();
        }
        found
    }

    /// Whether there is room for so much text that does not stand here.
    pub(super) fn brings(&mut self, bytes: usize) -> bool {
        self.brought = self.brought.saturating_add(bytes);
        self.brought <= MAX_BROUGHT
    }

    /// Whether so much was looked at in vain that this is no person's text.
    fn is_spent(&self) -> bool {
        self.looked > 4 * self.source.text.len() + (1 << 16)
    }

    fn expression(&mut self) {
        let rest = self.rest();
        if self.source.is_mdx {
            // `{#id}` after a heading.
            if rest.starts_with("{#") && self.current.trim_start().starts_with('#') {
                self.copy(1);
                return;
            }
            let len = if self.is_spent() { None } else { braces(rest) };
            if let Some(len) = len {
                self.take_expression(&rest[1..len - 1], true);
                self.advance(len);
            } else {
                self.looked += rest.len();
                self.copy(1);
            }
            return;
        }
        let is_vue = matches!(self.flavour, Flavour::VitePress(_)) && rest.starts_with("{{");
        let end = if is_vue { self.find("}}") } else { None };
        match end.filter(|&end| end < 10_000 && !rest[..end].contains("\n\n")) {
            Some(end) if self.verbatim.is_some() => {
                self.current.push_str("&#123;");
                self.advance(1);
                self.copy(end + 1);
            }
            Some(end) => {
                self.take_expression(rest[2..end].trim(), false);
                self.advance(end + 2);
            }
            None => {
                self.looked += end.unwrap_or(0);
                self.copy(1);
            }
        }
    }

    fn tag(&mut self) {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            let len = self.find("-->").map_or(4, |end| end + 3);
            self.copy(len);
            return;
        }
        let tag = if self.is_spent() { None } else { Tag::parse(rest, self.source.is_mdx, &mut self.looked) };
        let Some(tag) = tag else {
            self.copy(1);
            return;
        };
        let is_vue = matches!(self.flavour, Flavour::VitePress(_));
        if is_vue && !tag.is_end && !tag.ends_itself && tag.has("v-pre") && self.verbatim.is_none() {
            self.verbatim = Some(tag.name.to_owned());
        } else if tag.is_end && self.verbatim.as_deref() == Some(tag.name) {
            self.verbatim = None;
        }
        if self.source.is_mdx && matches!(tag.name, "script" | "style") && !tag.ends_itself && !tag.is_end {
            let end = format!("</{}>", tag.name);
            if let Some(len) = self.find(&end) {
                self.advance(len + end.len());
                return;
            }
        }
        self.take_tag(&tag, rest);
    }
}

/// Whether a line of MDX is one of its module's.
fn is_module_line(line: &str) -> bool {
    let import = line.strip_prefix("import").filter(|rest| rest.starts_with([' ', '{', '\'', '"', '*']));
    let is_import = import.is_some_and(|rest| rest.contains(['\'', '"', '{']));
    let words = ["const ", "let ", "var ", "function ", "default ", "async ", "class ", "{", "* ", "type "];
    let export = line.strip_prefix("export ").map(str::trim_start);
    is_import || export.is_some_and(|rest| words.iter().any(|word| rest.starts_with(word)))
}
