//! Runs a template over what is known of the site, the page and the text, and says what is not.
//!
//! Bounded: a template has so much fuel, and every piece that is run takes some; nesting ends at a depth.

mod lookup;
mod tags;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::{Map, Value};

use self::lookup::Frame;
use super::expression::{Piped, comparison, condition};
use super::filters;
use super::tokens::{Template, Token};
use super::values::{compare, literal, text, truth};
use super::{Out, Written};
use crate::render::dialect::Context;
use crate::site::jekyll::Jekyll;

/// Pieces that are run and bytes that are read for one page, beyond what the page itself has.
const FUEL: usize = 4 << 20;

/// What one piece takes of it.
const PIECE: usize = 16;

/// What one turn of a loop takes.
const TURN: usize = 256;

/// Blocks within blocks, at most.
const MAX_DEPTH: usize = 48;

/// Bytes of values that are taken by their names, at most: what a name stands for may be long, and named often.
const MAX_COPIED: usize = 512 << 20;

/// Text of one page, at most.
const MAX_BYTES: usize = 32 << 20;

/// A template that is being run.
pub(super) struct Runner<'a> {
    rules: &'a Jekyll,
    context: &'a Context<'a>,
    page: Map<String, Value>,
    is_markdown: bool,
    written: Written,
    out: Out,
    /// Variables that the template sets; `None`: to something that is not known.
    assigned: HashMap<String, Option<Value>>,
    /// Names of includes and loops, the innermost last.
    frames: Vec<Frame>,
    /// Files of `site.data` that were read.
    data: BTreeMap<String, Option<Value>>,
    /// What was warned of: line and name.
    said: HashSet<(u32, String)>,
    /// Within a loop over what is not known: its holes are no news.
    is_muted: bool,
    fuel: usize,
    /// Bytes of values that were taken by their names.
    copied: usize,
    depth: usize,
}

/// Where a text comes from.
#[derive(Clone, Copy)]
struct Origin {
    first: u32,
    /// Its lines are those of the document, and not all one include's.
    counts: bool,
}

impl Origin {
    fn line(self, line: u32) -> u32 {
        if self.counts { self.first.saturating_add(line) } else { self.first }
    }
}

/// What a piece says of those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Goes,
    Breaks,
    Continues,
}

impl<'a> Runner<'a> {
    pub(super) fn new(rules: &'a Jekyll, context: &'a Context<'a>, is_markdown: bool, bytes: usize) -> Self {
        let front = context.front.map(crate::render::front_matter::Front::json);
        Self {
            rules,
            context,
            page: rules.data(context.path, front),
            is_markdown,
            written: Written::default(),
            out: Out::with_capacity(bytes + bytes / 8),
            assigned: HashMap::new(),
            frames: Vec::new(),
            data: BTreeMap::new(),
            said: HashSet::new(),
            is_muted: false,
            fuel: FUEL.saturating_add(bytes.saturating_mul(PIECE)),
            copied: 0,
            depth: 0,
        }
    }

    /// Whether the page is a template at all (`render_with_liquid`).
    pub(super) fn is_template(&self) -> bool {
        self.page.get("render_with_liquid").and_then(text).as_deref() != Some("false")
    }

    /// Runs the document itself.
    pub(super) fn document(&mut self, body: &str, first: u32) {
        let template = Template::new(body);
        let last = u32::try_from(body.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX);
        self.run(&template, 0..template.tokens.len(), Origin { first, counts: true });
        if self.fuel == 0 {
            let line = first.saturating_add(last);
            self.out.warn("unknown_construct", line, "the templates of this page take too long: the rest is left out");
        }
    }

    pub(super) fn finish(self) -> (Written, Out) {
        (self.written, self.out)
    }

    fn run(&mut self, template: &Template<'_>, range: Range<usize>, origin: Origin) -> Flow {
        let mut at = range.start;
        while at < range.end && self.spends(PIECE) {
            let Some(placed) = template.tokens.get(at) else { break };
            let line = origin.line(placed.line);
            match placed.token {
                Token::Text(text) => {
                    if self.spends(text.len()) {
                        self.written.push(text, line, origin.counts);
                    }
                    at += 1;
                }
                Token::Output(markup) => {
                    match self.piped(markup).as_ref().and_then(text) {
                        Some(text) => self.write(&text, line),
                        None => self.unknown(&format!("{{{{ {markup} }}}}"), line),
                    }
                    at += 1;
                }
                Token::Tag(name, arguments) => {
                    let (branches, end) = template.block(at);
                    if branches.is_empty() || self.depth >= MAX_DEPTH {
                        match self.tag(name, arguments, line) {
                            Flow::Goes => at += 1,
                            flow => return flow,
                        }
                        continue;
                    }
                    self.depth += 1;
                    let before = template.is_blank(at).then(|| std::mem::take(&mut self.written));
                    let flow = self.block(template, name, arguments, &branches, origin, line);
                    if let Some(before) = before {
                        self.written = before;
                    }
                    self.depth -= 1;
                    if flow != Flow::Goes {
                        return flow;
                    }
                    at = end + 1;
                }
            }
        }
        Flow::Goes
    }

    fn block(
        &mut self,
        template: &Template<'_>,
        name: &str,
        arguments: &str,
        branches: &[(usize, Range<usize>)],
        origin: Origin,
        line: u32,
    ) -> Flow {
        let Some((_, content)) = branches.first().cloned() else { return Flow::Goes };
        match name {
            "comment" => Flow::Goes,
            "if" | "unless" => self.choose(template, name == "unless", branches, origin, line),
            "case" => self.case(template, arguments, branches, origin, line),
            "for" => self.repeat(template, arguments, branches, origin, line),
            "capture" | "highlight" => {
                let outer = std::mem::take(&mut self.written);
                let flow = self.run(template, content, origin);
                let inner = std::mem::replace(&mut self.written, outer).text;
                if name == "capture" {
                    let name = arguments.trim_matches(['"', '\'']).to_owned();
                    self.assigned.insert(name, Some(Value::String(inner)));
                } else {
                    self.code(&inner, arguments, line);
                }
                flow
            }
            _ => {
                self.unknown(&format!("{{% {name} %}}"), line);
                self.run(template, content, origin)
            }
        }
    }

    /// `if` and `unless`: the first branch whose condition holds; where that is not known, all that may be.
    fn choose(
        &mut self,
        template: &Template<'_>,
        is_turned: bool,
        branches: &[(usize, Range<usize>)],
        origin: Origin,
        line: u32,
    ) -> Flow {
        for (number, (start, content)) in branches.iter().enumerate() {
            let Some(Token::Tag(name, condition)) = template.tokens.get(*start).map(|placed| placed.token) else {
                continue;
            };
            let holds = if name == "else" { Some(true) } else { self.holds(condition) };
            let holds = holds.map(|holds| holds != (is_turned && number == 0));
            if holds == Some(false) {
                continue;
            }
            if holds.is_none() {
                self.unknown(&format!("{{% {name} {condition} %}}"), line);
            }
            let flow = self.run(template, content.clone(), origin);
            if holds == Some(true) || flow != Flow::Goes {
                return flow;
            }
        }
        Flow::Goes
    }

    fn case(
        &mut self,
        template: &Template<'_>,
        value: &str,
        branches: &[(usize, Range<usize>)],
        origin: Origin,
        line: u32,
    ) -> Flow {
        let value = self.value(value);
        if value.is_none() {
            self.unknown("{% case %}", line);
        }
        let mut was_taken = false;
        for (start, content) in branches.iter().skip(1) {
            let Some(Token::Tag(name, options)) = template.tokens.get(*start).map(|placed| placed.token) else {
                continue;
            };
            let takes = match (&value, name) {
                (None, _) => true,
                (Some(_), "when") => {
                    let options: Vec<&str> = condition(options)
                        .into_iter()
                        .flat_map(|(_, part)| super::expression::split(part, ','))
                        .collect();
                    let value = value.as_ref().unwrap_or(&Value::Null);
                    options.iter().any(|option| {
                        self.value(option.trim()).is_some_and(|option| compare(value, "==", &option) == Some(true))
                    })
                }
                (Some(_), _) => !was_taken,
            };
            if takes {
                was_taken = true;
                let flow = self.run(template, content.clone(), origin);
                if flow != Flow::Goes {
                    return flow;
                }
            }
        }
        Flow::Goes
    }

    /// `for`: over what is known; else its content stands once.
    fn repeat(
        &mut self,
        template: &Template<'_>,
        arguments: &str,
        branches: &[(usize, Range<usize>)],
        origin: Origin,
        line: u32,
    ) -> Flow {
        let Some((_, content)) = branches.first().cloned() else { return Flow::Goes };
        let mut words = arguments.splitn(3, char::is_whitespace);
        let name = words.next().unwrap_or_default().to_owned();
        let rest = words.nth(1).unwrap_or_default().trim();
        let (list, options) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let Some(items) = self.items(list, options) else {
            self.unknown(&format!("{{% for {arguments} %}}"), line);
            let was_muted = std::mem::replace(&mut self.is_muted, true);
            self.frames.push(Frame::of_loop(&name, None, 0, 0));
            self.run(template, content, origin);
            self.frames.pop();
            self.is_muted = was_muted;
            return Flow::Goes;
        };
        if items.is_empty() {
            return match branches.get(1) {
                Some((_, otherwise)) => self.run(template, otherwise.clone(), origin),
                None => Flow::Goes,
            };
        }
        let length = items.len();
        if !self.spends(length.saturating_mul(PIECE)) {
            return Flow::Goes;
        }
        for (index, item) in items.into_iter().enumerate() {
            if !self.spends(TURN) {
                break;
            }
            self.frames.push(Frame::of_loop(&name, Some(item), index, length));
            let flow = self.run(template, content.clone(), origin);
            self.frames.pop();
            if flow == Flow::Breaks {
                break;
            }
        }
        Flow::Goes
    }

    fn items(&mut self, list: &str, options: &str) -> Option<Vec<Value>> {
        let mut items = if let Some(range) = list.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            let (from, to) = range.split_once("..")?;
            let mut bound = |text: &str| self.value(text.trim()).as_ref().and_then(text_number);
            let (from, to) = (bound(from)?, bound(to)?);
            if to.saturating_sub(from) > 10_000 {
                return None;
            }
            (from..=to).map(Value::from).collect()
        } else {
            match self.value(list)? {
                Value::Array(items) => items,
                Value::Object(entries) => {
                    entries.into_iter().map(|(key, value)| Value::Array(vec![Value::String(key), value])).collect()
                }
                Value::String(text) if !text.is_empty() => vec![Value::String(text)],
                _ => Vec::new(),
            }
        };
        let option = |name: &str| {
            let at = options.find(&format!("{name}:"))? + name.len() + 1;
            options[at..].split_whitespace().next()
        };
        if let Some(offset) = option("offset") {
            let offset = usize::try_from(text_number(&self.value(offset)?)?).ok()?;
            items.drain(..offset.min(items.len()));
        }
        if let Some(limit) = option("limit") {
            items.truncate(usize::try_from(text_number(&self.value(limit)?)?).ok()?);
        }
        if options.split_whitespace().any(|word| word == "reversed") {
            items.reverse();
        }
        Some(items)
    }

    /// Whether a condition holds; `None`: that is not known.
    fn holds(&mut self, text: &str) -> Option<bool> {
        let mut result: Option<Option<bool>> = None;
        let mut word = "";
        // Liquid takes the last comparison first.
        for (before, part) in condition(text).into_iter().rev() {
            let one = match comparison(part) {
                Some((left, sign, right)) => {
                    let (left, right) = (self.value(left), self.value(right));
                    left.zip(right).and_then(|(left, right)| compare(&left, sign, &right))
                }
                None => self.value(part).map(|value| truth(&value)),
            };
            result = Some(match (result, word) {
                (None, _) => one,
                (Some(rest), "and") => match (one, rest) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
                (Some(rest), _) => match (one, rest) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            });
            word = before;
        }
        result.flatten()
    }

    /// The value of an expression with its filters; `None`: it is not known.
    fn piped(&mut self, markup: &str) -> Option<Value> {
        let Piped { value, filters } = Piped::read(markup);
        let mut value = self.value(value)?;
        for (name, arguments) in filters {
            if !self.spends(PIECE + size(&value)) {
                return None;
            }
            let arguments: Vec<Value> = arguments.iter().map(|text| self.value(text)).collect::<Option<_>>()?;
            value = match name {
                "relative_url" => self.relative_url(&value)?,
                "absolute_url" => self.absolute_url(&value)?,
                name => filters::apply(name, &value, &arguments)?,
            };
        }
        Some(value)
    }

    /// The value of a literal or a name.
    fn value(&mut self, text: &str) -> Option<Value> {
        let text = text.trim();
        if let Some(value) = literal(text) {
            return Some(value);
        }
        let value = self.named(text, 0).filter(|_| self.copied < MAX_COPIED)?;
        self.copied = self.copied.saturating_add(weight(&value));
        Some(value)
    }

    fn write(&mut self, text: &str, line: u32) {
        if self.spends(text.len()) {
            self.written.push(text, line, false);
        }
    }

    /// Takes so much fuel, if there is some left and the page is not too long.
    fn spends(&mut self, amount: usize) -> bool {
        self.fuel = self.fuel.saturating_sub(amount);
        self.fuel > 0 && self.written.text.len() < MAX_BYTES
    }

    /// Says once that something is left out.
    fn unknown(&mut self, name: &str, line: u32) {
        let short: String = name.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !self.is_muted && self.said.insert((line, short.clone())) {
            let message = format!("`{short}` is known to the built site only: it is left out, and the text in it kept");
            self.out.warn("unknown_construct", line, message);
        }
    }
}

fn text_number(value: &Value) -> Option<i64> {
    text(value)?.trim().parse().ok()
}

/// As [`size`], with all that is in it.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + PIECE,
        Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>() + PIECE,
        _ => PIECE,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len().saturating_mul(PIECE),
        _ => 0,
    }
}
