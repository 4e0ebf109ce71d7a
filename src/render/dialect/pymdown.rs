//! Python-Markdown with the extensions of `PyMdown` and Material: admonitions, tabs, blocks, snippets, attributes.
//!
//! Source of the rules: the extensions' documentation, and what `MkDocs` 1.6 with Material 9 makes of them. Its blocks
//! are told apart as Python-Markdown does it (what belongs to a list or a note is indented by four, a list needs an
//! empty line before it, an HTML element is raw up to its end), and written as CommonMark has them. Notes become quotes.

mod html;
mod includes;
mod inline;
mod keys;
mod seek;
mod snippets;
mod syntax;

use std::borrow::Cow;
use std::collections::HashSet;

use self::html::Element;
use self::seek::Seek;
use self::snippets::Snippets;
use self::syntax::Syntax;
use super::{Context, Expanded, Out, capitalised, columns};
use crate::site::mkdocs::MkDocs;

/// Blocks within blocks, at most; deeper ones are left as they stand.
const MAX_DEPTH: usize = 16;

/// One line, and the document's line that it comes from.
struct Line<'b> {
    text: Cow<'b, str>,
    origin: u32,
}

/// A line of a block, without the indentation that makes it part of the block.
#[derive(Clone, Copy)]
struct Inner<'l> {
    text: &'l str,
    origin: u32,
}

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &MkDocs, context: &Context<'_>) -> Expanded<'a> {
    let mut out = Out::with_capacity(body.len() + body.len() / 4);
    let mut snippets = Snippets { rules, context, lines: Vec::new() };
    let included = includes::expand(body, first_line, rules, context, &mut out);
    if let Some(lines) = included {
        snippets.take(lines, "", &mut out);
    } else {
        let lines = body.lines().zip(first_line..).map(|(text, origin)| Line { text: text.into(), origin });
        if body.contains("8<-") { snippets.take(lines, "", &mut out) } else { snippets.lines.extend(lines) }
    }
    let last = snippets.lines.last().map_or(first_line, |line| line.origin);
    for name in &rules.appended {
        snippets.lines.push(Line { text: "".into(), origin: last });
        snippets.file(name, "", last, &mut out);
    }
    let mut lines = snippets.lines;
    let definitions = definitions(&mut lines);
    let inner: Vec<Inner<'_>> = lines.iter().map(|line| Inner { text: &line.text, origin: line.origin }).collect();
    let syntax = Syntax::of(rules);
    // The parser reads definitions only where no other line begins with a colon.
    let is_other = |line: &Inner<'_>| {
        let text = line.text.trim_start_matches([' ', '\t', '>']);
        text.strip_prefix(':').is_some_and(|rest| !rest.starts_with([' ', '\t']))
    };
    let keeps_terms = !inner.iter().any(is_other);
    Blocks { out: &mut out, syntax, definitions, pending: None, keeps_terms, is_prose: false }.write(&inner, "", 0);
    out.finish()
}

/// The labels of reference links, in lower case. Python-Markdown allows blanks and a line's end between the two parts of
/// one, which CommonMark does not: there the second part is moved up to the first.
fn definitions(lines: &mut [Line<'_>]) -> HashSet<String> {
    let known: HashSet<String> =
        lines.iter().filter_map(|line| definition(line.text.trim_start()).map(str::to_lowercase)).collect();
    for at in 1..lines.len() {
        let (before, rest) = lines.split_at_mut(at);
        let (Some(before), Some(line)) = (before.last_mut(), rest.first_mut()) else { break };
        let text = line.text.trim_start();
        if !text.starts_with('[') || !before.text.trim_end().ends_with(']') {
            continue;
        }
        let Some(end) = text.find(']').filter(|end| known.contains(&text[1..*end].to_lowercase())) else { continue };
        if text[end + 1..].starts_with([':', '(', '[']) {
            continue;
        }
        before.text = format!("{}{}", before.text.trim_end(), &text[..=end]).into();
        let rest = text[end + 1..].trim_start().to_owned();
        // The paragraph goes on, where it does.
        line.text = if rest.is_empty() { "<!-- -->".into() } else { rest.into() };
    }
    known
}

struct Blocks<'a> {
    out: &'a mut Out,
    syntax: Syntax<'a>,
    /// Labels of reference links, in lower case.
    definitions: HashSet<String>,
    /// What stands before the next line in place of its prefix: the sign of a list item.
    pending: Option<String>,
    /// Whether definitions are written as such.
    keeps_terms: bool,
    /// Whether the last block was prose: a term, where a definition follows.
    is_prose: bool,
}

/// What stands before a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Blank,
    Text,
    Item,
}

/// What an indented block is.
struct Opened<'l> {
    title: Option<&'l str>,
    kind: &'l str,
    is_tab: bool,
}

/// The beginning of a list item.
struct Marker<'l> {
    sign: &'l str,
    content: &'l str,
}

impl Blocks<'_> {
    fn write(&mut self, lines: &[Inner<'_>], prefix: &str, depth: usize) {
        let mut seek = Seek::default();
        let mut after = After::Blank;
        let mut at = 0;
        while at < lines.len() && !self.out.is_full() {
            let line = lines[at];
            if line.text.trim().is_empty() {
                self.line(line.origin, prefix, "");
                // What follows a list and is no item ends it.
                after = if after == After::Item { after } else { After::Blank };
                at += 1;
                continue;
            }
            let taken = self.take(lines, at, &mut after, prefix, depth, &mut seek);
            at += taken.max(1);
        }
    }

    /// Writes what begins at a line that is not blank; how many lines it has.
    fn take(
        &mut self,
        lines: &[Inner<'_>],
        at: usize,
        after: &mut After,
        prefix: &str,
        depth: usize,
        seek: &mut Seek,
    ) -> usize {
        let Inner { text, origin } = lines[at];
        let is_deep = depth >= MAX_DEPTH;
        let before = std::mem::replace(after, After::Text);
        let was_prose = std::mem::take(&mut self.is_prose);
        if let Some(end) = seek.fence(lines, at) {
            self.fence(&lines[at..end], prefix);
            *after = After::Blank;
            return end - at;
        }
        if before != After::Text && columns(text) >= 4 {
            *after = After::Blank;
            return self.code(&lines[at..], prefix);
        }
        if is_deep {
            self.prose(text, origin, prefix, before);
            return 1;
        }
        if let Some(opened) = self.opened(text) {
            let end = at + 1 + indented(&lines[at + 1..], 4);
            self.block(&opened, &lines[at + 1..end], origin, prefix, depth);
            *after = After::Blank;
            return end - at;
        }
        if let Some((slashes, kind, title)) = slashes(text).filter(|_| self.syntax.has_blocks) {
            let end = lines[at + 1..].iter().position(|line| line.text.trim() == slashes);
            let end = end.map_or(lines.len(), |end| at + 1 + end);
            self.generic(kind, title, &lines[at + 1..end], origin, prefix, depth);
            *after = After::Blank;
            return end + 1 - at;
        }
        if text.starts_with("::: ") && self.syntax.has_docstrings {
            let message = "`:::` documentation is made from code, which is not read: it is left out";
            self.out.warn("unknown_construct", origin, message);
            *after = After::Blank;
            return 1 + indented(&lines[at + 1..], 4);
        }
        if let Some(marker) = marker_of(text).filter(|_| before != After::Text) {
            if before == After::Blank {
                self.line(origin, prefix, "");
            }
            *after = After::Item;
            let end = item_end(lines, at, seek);
            self.item(&marker, &lines[at..end], prefix, depth);
            return end - at;
        }
        self.is_prose = was_prose;
        self.take_inner(lines, at, (before, after), prefix, depth, seek)
    }

    /// As [`Self::take`], for what is neither fenced nor opened by a sign of its own.
    fn take_inner(
        &mut self,
        lines: &[Inner<'_>],
        at: usize,
        (before, after): (After, &mut After),
        prefix: &str,
        depth: usize,
        seek: &mut Seek,
    ) -> usize {
        let Inner { text, origin } = lines[at];
        if before == After::Item {
            self.line(origin, prefix, "");
        }
        if let Some(lead) = self.lead(text) {
            let end = at + 1 + indented_or_lazy(&lines[at + 1..], seek);
            let mut content = vec![Inner { text: text[lead..].trim_start(), origin }];
            content.extend(lines[at + 1..end].iter().map(|line| dedented(*line, 4)));
            if !text.starts_with(':') {
                self.line(origin, prefix, "");
            }
            let is_note = !text.starts_with(':');
            if is_note || (self.keeps_terms && self.is_prose) {
                self.nested(text[..lead].trim(), &content, prefix, depth);
                self.is_prose = !is_note;
            } else {
                self.line(origin, prefix, "");
                self.write(&content, prefix, depth + 1);
                self.line(origin, prefix, "");
            }
            *after = After::Blank;
            return end - at;
        }
        if quoted(text).is_some() {
            let count = lines[at..].iter().take_while(|line| !line.text.trim().is_empty()).count();
            let content: Vec<Inner<'_>> = lines[at..at + count]
                .iter()
                .map(|line| Inner { text: quoted(line.text).unwrap_or(line.text), origin: line.origin })
                .collect();
            self.line(origin, prefix, "");
            self.deepen("> ", prefix);
            let inner = format!("{prefix}> ");
            let called = content.first().and_then(|line| callout(line.text)).filter(|_| self.syntax.has_callouts);
            if let Some((kind, title)) = called {
                let title = if title.is_empty() { capitalised(&kind.to_lowercase()) } else { title.to_owned() };
                self.line(origin, &inner, &format!("**{}**", inline::rewrite(&title, &self.syntax)));
                self.line(origin, &inner, "");
            }
            self.write(&content[usize::from(called.is_some())..], &inner, depth + 1);
            self.settle();
            self.line(origin, prefix, "");
            *after = After::Blank;
            return count;
        }
        if self.syntax.has_math
            && let Some(count) = math(&lines[at..])
        {
            for line in &lines[at..at + count] {
                self.line(line.origin, prefix, &inline::escaped(line.text.trim()));
            }
            return count;
        }
        if text.trim_start().starts_with('<')
            && let Some(element) = html::element(&lines[at..], seek)
        {
            *after = After::Blank;
            self.is_prose = false;
            return self.element(element, prefix, depth);
        }
        self.prose(text, origin, prefix, before);
        self.is_prose = !text.trim_start().starts_with("<!--");
        1
    }

    /// A block that ends where its indentation does.
    fn block(&mut self, opened: &Opened<'_>, content: &[Inner<'_>], origin: u32, prefix: &str, depth: usize) {
        let content: Vec<Inner<'_>> = content.iter().map(|line| dedented(*line, 4)).collect();
        let title = opened.title.map_or_else(|| capitalised(&opened.kind.to_lowercase()), str::to_owned);
        self.line(origin, prefix, "");
        let inner = if opened.is_tab { prefix.to_owned() } else { format!("{prefix}> ") };
        if !opened.is_tab {
            self.deepen("> ", prefix);
        }
        if !title.trim().is_empty() {
            let title = inline::rewrite(title.trim(), &self.syntax);
            self.line(origin, &inner, &format!("**{title}**"));
            self.line(origin, &inner, "");
        }
        self.write(&content, &inner, depth + 1);
        self.settle();
        self.line(origin, prefix, "");
    }

    /// A block between `///`: its options are indented lines at its beginning.
    fn generic(
        &mut self,
        kind: &str,
        title: Option<&str>,
        content: &[Inner<'_>],
        origin: u32,
        prefix: &str,
        depth: usize,
    ) {
        let options =
            content.iter().take_while(|line| line.text.starts_with("    ") && line.text.contains(':')).count();
        let own_type = content[..options].iter().find_map(|line| line.text.trim().strip_prefix("type:"));
        let content = &content[options..];
        let is_note =
            !matches!(kind, "html" | "tab" | "caption" | "figure-caption" | "table-caption" | "define" | "definition");
        if !is_note && title.is_none() {
            self.write(content, prefix, depth + 1);
            return;
        }
        let kind = if matches!(kind, "admonition" | "details") { own_type.unwrap_or(kind).trim() } else { kind };
        let title = title.map_or_else(|| capitalised(kind), str::to_owned);
        let inner = if is_note { format!("{prefix}> ") } else { prefix.to_owned() };
        self.line(origin, prefix, "");
        if is_note {
            self.deepen("> ", prefix);
        }
        if is_note || kind == "tab" {
            self.line(origin, &inner, &format!("**{}**", inline::rewrite(&title, &self.syntax)));
            self.line(origin, &inner, "");
        }
        self.write(content, &inner, depth + 1);
        self.settle();
        self.line(origin, prefix, "");
    }

    /// A list item: its sign and content, then what is indented below it.
    fn item(&mut self, marker: &Marker<'_>, lines: &[Inner<'_>], prefix: &str, depth: usize) {
        let Some(first) = lines.first() else { return };
        let sign = if matches!(marker.sign, "*" | "+" | "-") { "-" } else { marker.sign };
        let mut content = vec![Inner { text: marker.content, origin: first.origin }];
        let mut seek = Seek::default();
        let mut at = 1;
        while let Some(line) = lines.get(at) {
            let end = seek.fence(lines, at).unwrap_or(at + 1);
            let is_list = end == at + 1 && columns(line.text) >= 4 && marker_of(dedented(*line, 4).text).is_some();
            if is_list && !lines[at - 1].text.trim().is_empty() {
                // A list within an item needs no empty line before it.
                content.push(Inner { text: "", origin: line.origin });
            }
            content.extend(lines[at..end].iter().map(|line| dedented(*line, 4)));
            at = end;
        }
        self.nested(sign, &content, prefix, depth);
    }

    /// Content behind a sign, all of whose lines are indented.
    fn nested(&mut self, sign: &str, content: &[Inner<'_>], prefix: &str, depth: usize) {
        // A note's label may be long; its content is indented by four all the same.
        let lead = if sign.starts_with('[') { format!("{sign} ") } else { format!("{sign:<3} ") };
        let indent = if sign.starts_with('[') { 4 } else { lead.len() };
        self.deepen(&lead, prefix);
        self.write(content, &format!("{prefix}{:indent$}", ""), depth + 1);
        self.settle();
    }

    /// An HTML element: raw, or with Markdown in it.
    fn element(&mut self, element: Element<'_>, prefix: &str, depth: usize) -> usize {
        let Element { open, mut content, close, rest, count, origin, is_markdown } = element;
        self.line(origin, prefix, "");
        if is_markdown {
            self.line(origin, prefix, &open);
            self.line(origin, prefix, "");
            // What follows the tag at once is no code, however far it is indented.
            let near = content.iter_mut().enumerate();
            for (_, line) in near.take_while(|(at, line)| *at == 0 || !line.text.trim().is_empty()) {
                line.text = line.text.trim_start();
            }
            self.write(&content, prefix, depth + 1);
            self.line(origin, prefix, "");
            self.line(origin, prefix, &close);
        } else {
            self.raw(&open, &content, &close, origin, prefix);
        }
        self.line(origin, prefix, "");
        if let Some(rest) = rest {
            self.prose(rest.text, rest.origin, prefix, After::Blank);
        }
        count
    }

    /// HTML as it stands. A blank line would end it, so there is none in it, but for fenced code, which is code there too.
    fn raw(&mut self, open: &str, content: &[Inner<'_>], close: &str, origin: u32, prefix: &str) {
        let keeps_blanks = ["<pre", "<script", "<style", "<textarea"].iter().any(|tag| open.starts_with(tag));
        let mut seek = Seek::default();
        let mut in_pre = open.starts_with("<pre");
        let (mut line, mut line_origin) = (open.to_owned(), origin);
        let mut at = 0;
        while let Some(inner) = content.get(at) {
            if !keeps_blanks
                && at > 0
                && let Some(end) = seek.fence(content, at)
            {
                self.shown(line_origin, prefix, &line);
                self.line(inner.origin, prefix, "");
                self.fence(&content[at..end], prefix);
                self.line(inner.origin, prefix, "");
                line.clear();
                at = end;
                continue;
            }
            let text = match (in_pre, inner.text.trim()) {
                (true, "") if !keeps_blanks => "&#10;",
                (true, _) => inner.text,
                (false, trimmed) => trimmed,
            };
            if at == 0 {
                line.push_str(text);
            } else {
                self.shown(line_origin, prefix, &line);
                (line, line_origin) = (text.to_owned(), inner.origin);
            }
            in_pre = match (inner.text.rfind("<pre"), inner.text.rfind("</pre")) {
                (open, close) if open > close => true,
                (_, Some(_)) => false,
                _ => in_pre,
            };
            at += 1;
        }
        line.push_str(close);
        self.shown(line_origin, prefix, &line);
    }

    fn shown(&mut self, origin: u32, prefix: &str, line: &str) {
        if !line.trim().is_empty() {
            self.line(origin, prefix, line);
        }
    }

    /// Indented code, as fenced code, so that nothing before it makes it anything else.
    fn code(&mut self, lines: &[Inner<'_>], prefix: &str) -> usize {
        let count = indented(lines, 4);
        let lines = &lines[..count];
        let Some(first) = lines.first() else { return 0 };
        let longest = lines.iter().map(|line| line.text.trim_start().bytes().take_while(|byte| *byte == b'~').count());
        let fence = "~".repeat(longest.max().unwrap_or_default().max(2) + 1);
        self.line(first.origin, prefix, "");
        self.line(first.origin, prefix, &fence);
        for line in lines {
            self.line(line.origin, prefix, dedented(*line, 4).text);
        }
        self.line(first.origin, prefix, &fence);
        self.line(first.origin, prefix, "");
        count
    }

    /// A fence: its title stays, its other options go.
    fn fence(&mut self, lines: &[Inner<'_>], prefix: &str) {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
        let indent = columns(first.text);
        let text = first.text.trim();
        let length = text.bytes().take_while(|byte| matches!(byte, b'`' | b'~')).count();
        let (sign, info) = text.split_at(length);
        let content = lines.get(1..lines.len() - 1).unwrap_or_default();
        let mark = sign.chars().next().unwrap_or('`');
        let runs = content.iter().map(|line| line.text.trim().chars().take_while(|c| *c == mark).count());
        let sign = mark.to_string().repeat(length.max(runs.max().unwrap_or_default() + 1));
        if let Some(title) = option(info, "title") {
            self.line(first.origin, prefix, &format!("**{}**", inline::escaped(title)));
            self.line(first.origin, prefix, "");
        }
        let language = info.trim().trim_start_matches(['{', ' ']);
        let language = language.split([' ', '{', '}', ',']).next().unwrap_or_default();
        let language = language.trim_start_matches('.').trim_start_matches("#!");
        let language = if language.contains('=') || language.starts_with('#') { "" } else { language };
        self.line(first.origin, prefix, &format!("{sign}{language}"));
        for line in content {
            self.line(line.origin, prefix, dedented(*line, indent).text);
        }
        self.line(last.origin, prefix, &sign);
    }

    fn prose(&mut self, text: &str, origin: u32, prefix: &str, before: After) {
        let trimmed = text.trim();
        let is_abbreviation = trimmed.strip_prefix("*[").is_some_and(|rest| rest.contains("]:"));
        let is_attributes = trimmed.starts_with('{')
            && self.syntax.has_attributes
            && inline::attributes(trimmed, true).is_some_and(|(_, length)| length == trimmed.len());
        if (is_abbreviation && self.syntax.has_abbreviations) || is_attributes || trimmed == "[TOC]" {
            return;
        }
        if self.syntax.has_progress
            && let Some(bar) = trimmed.strip_prefix("[=").and_then(|rest| rest.split_once(']'))
        {
            // A progress bar shows its label.
            let label = bar.0.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or("", |(label, _)| label);
            self.line(origin, prefix, &inline::escaped(label));
            return;
        }
        if text.starts_with('#') {
            self.heading(text, origin, prefix);
            return;
        }
        if definition(trimmed).is_some() {
            if before == After::Text {
                self.line(origin, prefix, "");
            }
            self.line(origin, prefix, trimmed);
            return;
        }
        let is_fence = trimmed.starts_with("~~~")
            || (trimmed.starts_with("```") && !trimmed[3..].trim_start_matches('`').contains('`'));
        if is_fence {
            // One that is never closed is none.
            self.line(origin, prefix, &inline::escaped(trimmed));
            return;
        }
        // Where no list can begin, a number is a number.
        let text = match text.strip_prefix('[').filter(|_| self.pending.is_some() && !self.syntax.has_tasks) {
            Some(rest) if rest.starts_with([' ', 'x', 'X']) && rest[1..].starts_with("] ") => &format!("\\{text}"),
            _ => text,
        };
        let number = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = number > 0 && trimmed[number..].starts_with(['.', ')']);
        let written = inline::rewrite_between(text.trim_end_matches('\n'), &self.syntax, &self.definitions);
        if is_number {
            let written = written.trim_start();
            self.line(origin, prefix, &format!("{}\\{}", &written[..number], &written[number..]));
            return;
        }
        let is_comment = trimmed.starts_with("<!--");
        if is_comment
            && let Some(end) = written.find("-->").map(|end| end + 3)
            && !written[end..].trim().is_empty()
        {
            self.line(origin, prefix, written[..end].trim_start());
            self.line(origin, prefix, written[end..].trim_start());
            return;
        }
        // More blanks than one would make code of it.
        let is_break = written.ends_with("  ");
        let written = written.trim();
        if is_break {
            self.line(origin, prefix, &format!("{written}  "));
        } else {
            self.line(origin, prefix, written);
        }
        // One tag alone would make what follows HTML, which it is not here.
        if before != After::Text && !is_comment && trimmed.starts_with('<') && trimmed.ends_with('>') {
            self.line(origin, prefix, "");
        }
    }

    /// A heading keeps the id that its attributes give it; it needs no blank after its signs.
    fn heading(&mut self, text: &str, origin: u32, prefix: &str) {
        let attributes = |at: usize| inline::attributes(&text[at..], true).filter(|_| self.syntax.has_attributes);
        let (title, id) = match text.rfind('{').and_then(|at| Some((at, attributes(at)?))) {
            Some((at, (id, length))) if text[at + length..].trim().is_empty() => (text[..at].trim_end(), id),
            _ => (text, None),
        };
        let level = title.bytes().take_while(|byte| *byte == b'#').count().min(6);
        let (signs, title) = title.split_at(level);
        let title = inline::rewrite_between(title.trim(), &self.syntax, &self.definitions);
        match id {
            Some(id) => self.line(origin, prefix, &format!("{signs} {title} {{#{id}}}")),
            None => self.line(origin, prefix, &format!("{signs} {title}")),
        }
    }

    /// The length of what opens a definition or a footnote.
    fn lead(&self, text: &str) -> Option<usize> {
        if self.syntax.has_definitions && text.starts_with(": ") {
            return Some(1);
        }
        let inner = text.trim_start().strip_prefix("[^").filter(|_| columns(text) < 4)?;
        let end = inner.find("]:").filter(|end| *end > 0 && *end < 200 && !inner[..*end].contains([' ', '[', ']']))?;
        Some(text.len() - inner.len() + end + 2)
    }

    /// The beginning of `!!! note "Title"`, `??? tip`, `=== "Tab"`.
    fn opened<'l>(&self, line: &'l str) -> Option<Opened<'l>> {
        let text = line.trim_start_matches(' ');
        if line.len() - text.len() > 3 {
            return None;
        }
        let (sign, rest) = text.split_at_checked(3)?;
        match sign {
            "!!!" | "???" if (sign == "!!!" && self.syntax.has_notes) || (sign == "???" && self.syntax.has_details) => {
                let rest = rest.strip_prefix('+').filter(|_| sign == "???").unwrap_or(rest).trim();
                let (kinds, title) = match rest.find('"') {
                    Some(at) => (&rest[..at], Some(rest[at..].strip_prefix('"')?.strip_suffix('"')?)),
                    None => (rest, None),
                };
                let kind = kinds.split_whitespace().next().or(title.map(|_| ""))?;
                let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
                kinds.split_whitespace().all(is_word).then_some(Opened { title, kind, is_tab: false })
            }
            "===" if self.syntax.has_tabs => {
                let rest = rest.trim_start_matches(['!', '+']).strip_prefix(' ')?.trim();
                let title = rest.strip_prefix('"')?.strip_suffix('"')?;
                Some(Opened { title: Some(title), kind: "", is_tab: true })
            }
            _ => None,
        }
    }

    fn line(&mut self, origin: u32, prefix: &str, text: &str) {
        if self.pending.is_some() && text.trim().is_empty() {
            return;
        }
        match self.pending.take() {
            Some(first) => self.out.line(origin, &first, text),
            None => self.out.line(origin, prefix, text),
        }
    }

    /// Puts more before the next line than its prefix.
    fn deepen(&mut self, lead: &str, prefix: &str) {
        self.pending.get_or_insert_with(|| prefix.to_owned()).push_str(lead);
    }

    /// Forgets a sign behind which nothing stood.
    fn settle(&mut self) {
        self.pending = None;
    }
}

/// The beginning of a list item; a line of three signs or more is a rule.
fn marker_of(line: &str) -> Option<Marker<'_>> {
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() > 3 {
        return None;
    }
    let length = match text.as_bytes().first()? {
        b'*' | b'+' | b'-' => 1,
        b'0'..=b'9' => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            (digits < 10 && text[digits..].starts_with('.')).then_some(digits + 1)?
        }
        _ => return None,
    };
    let (sign, content) = text.split_at(length);
    let is_rule = is_rule(text);
    (content.starts_with([' ', '\t']) && !is_rule).then(|| Marker { sign, content: content.trim_start() })
}

/// Whether a line is nothing but three or more of one of the signs of rules, with or without blanks between them.
fn is_rule(text: &str) -> bool {
    let Some(sign @ (b'*' | b'-')) = text.bytes().next() else { return false };
    let is_blank = |byte: u8| byte.is_ascii_whitespace();
    text.bytes().all(|byte| byte == sign || is_blank(byte)) && text.bytes().filter(|byte| *byte == sign).count() > 2
}

/// Where an item ends: at the next one, or where after a blank line nothing is indented.
fn item_end(lines: &[Inner<'_>], at: usize, seek: &mut Seek) -> usize {
    let mut end = at + 1;
    let mut next = at + 1;
    let mut is_blank = false;
    while let Some(line) = lines.get(next) {
        if line.text.trim().is_empty() {
            is_blank = true;
            next += 1;
            continue;
        }
        let is_within = columns(line.text) >= 4;
        if !is_within && (is_blank || marker_of(line.text).is_some()) {
            break;
        }
        next = seek.fence(lines, next).unwrap_or(next + 1);
        is_blank = false;
        end = next;
    }
    end
}

/// How many lines belong to a definition or a footnote: those indented, and those that go on at once.
fn indented_or_lazy(lines: &[Inner<'_>], seek: &mut Seek) -> usize {
    let mut end = 0;
    let mut next = 0;
    let mut is_blank = false;
    while let Some(line) = lines.get(next) {
        if line.text.trim().is_empty() {
            is_blank = true;
            next += 1;
            continue;
        }
        if columns(line.text) < 4 && (is_blank || line.text.starts_with([':', '[', '#'])) {
            break;
        }
        next = seek.fence(lines, next).unwrap_or(next + 1);
        is_blank = false;
        end = next;
    }
    end
}

/// The lines of a formula that begins with `$$` or `\[` on a line of its own.
fn math(lines: &[Inner<'_>]) -> Option<usize> {
    let first = lines.first()?.text.trim();
    let (rest, close) = match first.strip_prefix("$$") {
        Some(rest) => (rest, "$$"),
        None => (first.strip_prefix("\\[")?, "\\]"),
    };
    if rest.ends_with(close) && !rest.is_empty() {
        return Some(1);
    }
    let rest = lines[1..].iter().take(100).take_while(|line| !line.text.trim().is_empty());
    Some(rest.map(|line| line.text.trim_end().ends_with(close)).position(|ends| ends)? + 2)
}

/// What stands after the sign of a quote.
fn quoted(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    let rest = text.strip_prefix('>').filter(|_| line.len() - text.len() < 4)?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// The kind and the title of a quote that is a callout: `[!note] Title`.
fn callout(line: &str) -> Option<(&str, &str)> {
    let (kind, rest) = line.trim().strip_prefix("[!")?.split_once(']')?;
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '|'));
    is_word.then(|| (kind.split(['|', ' ']).next().unwrap_or(kind), rest.trim_start_matches(['+', '-']).trim()))
}

/// The label of a reference link that a line defines: `[label]: url "title"`.
fn definition(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[').filter(|inner| !inner.starts_with('^'))?;
    let (label, rest) = inner.split_once("]:")?;
    let is_label = !label.trim().is_empty() && !label.contains(['[', ']']);
    let rest = rest.trim();
    let (url, title) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let title = title.trim();
    let is_title = title.is_empty() || (title.len() > 1 && title.starts_with(['"', '\'', '(']));
    (is_label && !url.is_empty() && is_title).then_some(label)
}

/// The beginning of `/// note | Title`: its slashes, its kind, its title.
fn slashes(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let length = line.bytes().take_while(|byte| *byte == b'/').count();
    let rest = line.get(length..)?.strip_prefix(' ').filter(|_| length >= 3)?.trim();
    let (kind, title) = rest.split_once('|').map_or((rest, None), |(kind, title)| (kind.trim(), Some(title.trim())));
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    is_word.then_some((&line[..length], kind, title))
}

/// How many lines belong to a block whose content has this indentation; blank ones at its end do not.
fn indented(lines: &[Inner<'_>], indent: usize) -> usize {
    let within = |line: &Inner<'_>| line.text.trim().is_empty() || columns(line.text) >= indent;
    let count = lines.iter().take_while(|line| within(line)).count();
    let blank = lines[..count].iter().rev().take_while(|line| line.text.trim().is_empty()).count();
    count - blank
}

fn dedented(line: Inner<'_>, indent: usize) -> Inner<'_> {
    let mut column = 0;
    for (at, byte) in line.text.bytes().enumerate() {
        match byte {
            b' ' if column < indent => column += 1,
            b'\t' if column < indent => column += 4,
            _ => return Inner { text: &line.text[at..], origin: line.origin },
        }
    }
    Inner { text: "", origin: line.origin }
}

/// The value of an option in a fence's info string.
fn option<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    let at = info.find(&format!("{name}="))? + name.len() + 1;
    let quote = info[at..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let rest = &info[at + 1..];
    Some(&rest[..rest.find(quote)?])
}
