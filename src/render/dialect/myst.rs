//! `MyST`: Markdown with Sphinx' directives and roles.
//!
//! Source of the rules: the documentation of `MyST`-Parser, Docutils and Sphinx-Design, and what Sphinx 9 makes of them.

mod code;
mod directive;
mod math;
mod reference;
mod role;
mod rst;
mod table;
pub(super) mod toctree;

use std::borrow::Cow;
use std::collections::BTreeMap;

use self::directive::Directive;
use self::math::Equations;
use super::{Context, Expanded, Out};
use crate::site::sphinx::Sphinx;

/// Directives within directives, and includes within includes, at most.
const MAX_DEPTH: usize = 16;

/// Bytes that are looked at for what turns out to be no construct, at most: beyond that, text is only text.
const MAX_LOOKED_AT: usize = 4 << 20;

/// Bytes that substitutions bring to one page, at most: they may stand in each other, and be named often.
const MAX_SUBSTITUTED: usize = 8 << 20;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &Sphinx, context: &Context<'_>) -> Expanded<'a> {
    let lines: Vec<Line<'_>> = body.lines().zip(first_line..).map(|(text, origin)| Line { text, origin }).collect();
    let substitutions = substitutions(rules, context);
    let write = |equations: Equations| {
        let out = Out::with_capacity(body.len() + body.len() / 4);
        let mut pass = Pass {
            out,
            rules,
            context,
            substitutions: &substitutions,
            equations,
            patience: MAX_LOOKED_AT,
            substituted: 0,
        };
        let title = context.facts.title.as_deref().filter(|_| rules.shows_front_title);
        if let Some(title) = title {
            pass.out.line(first_line, "", &format!("# {title}"));
            pass.out.line(first_line, "", "");
        }
        let mut blocks = Blocks { pass: &mut pass, dir: context.path.dir(), attribution: None };
        blocks.write(without_docinfo(&lines, rules), "", 0);
        (pass.out, pass.equations)
    };
    let (out, equations) = write(Equations::default());
    // An equation may be named before it is numbered: then the numbers are known now.
    let out = if equations.is_asked_early() { write(equations.again()).0 } else { out };
    Expanded { is_typographic: rules.has_smart_quotes, ..out.finish() }
}

/// A line, and the document's line that it comes from.
#[derive(Clone, Copy)]
struct Line<'l> {
    text: &'l str,
    origin: u32,
}

/// What one document's text is written with.
struct Pass<'a> {
    out: Out,
    rules: &'a Sphinx,
    context: &'a Context<'a>,
    /// The site's, and those of the document's front matter.
    substitutions: &'a BTreeMap<String, String>,
    equations: Equations,
    /// How many more bytes may be looked at for constructs that turn out to be none.
    patience: usize,
    /// Bytes that substitutions brought so far.
    substituted: usize,
}

impl Pass<'_> {
    /// Whether there is room for a text that a substitution brings.
    fn substitutes(&mut self, text: &str) -> bool {
        self.substituted = self.substituted.saturating_add(text.len() + 16);
        self.substituted <= MAX_SUBSTITUTED
    }
}

struct Blocks<'p, 'a> {
    pass: &'p mut Pass<'a>,
    /// The folder that paths count from: that of the file whose text is read.
    dir: &'p str,
    /// Who said what the next quote says (`{attribution="…"}`).
    attribution: Option<String>,
}

/// The fence that a line begins with.
#[derive(Clone, Copy)]
struct Fence<'l> {
    /// Where it begins: behind blanks and signs of lists.
    at: usize,
    sign: u8,
    length: usize,
    info: &'l str,
}

/// What a line begins.
enum Kind<'l> {
    /// Text of a paragraph, a list, a table, a heading.
    Prose,
    /// A target, attributes, a comment, a block break: nothing that readers see.
    Gone,
    Fence(Fence<'l>),
    /// Indented code.
    Code,
    Quote,
    Field,
    /// A substitution that stands by itself: it may be several blocks.
    Substitution(&'l str),
    /// `$$`, or `\begin{…}` of this environment.
    Math(Option<&'l str>),
}

impl Blocks<'_, '_> {
    fn write(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let (mut at, mut prose, mut is_in_list) = (0, 0, false);
        while let Some(line) = lines.get(at).filter(|_| !self.pass.out.is_full()) {
            let is_first = prose == at
                || at
                    .checked_sub(1)
                    .and_then(|before| lines.get(before))
                    .is_none_or(|line| line.text.trim().is_empty());
            let indent = indentation(line.text);
            if behind_signs(line.text) > indent.unwrap_or(usize::MAX) {
                is_in_list = true;
            } else if indent == Some(0) && is_first {
                is_in_list = false;
            }
            let is_code = is_first && !is_in_list && indent.is_some_and(|indent| indent >= 4);
            let kind = if is_code { Kind::Code } else { self.kind(line.text, is_first, depth) };
            if matches!(kind, Kind::Prose) {
                // What stands within the lines of one paragraph may go over their ends, but not into the next one.
                if begins_block(line.text) {
                    self.prose(lines.get(prose..at).unwrap_or_default(), prefix);
                    prose = at;
                }
                at += 1;
                continue;
            }
            self.prose(lines.get(prose..at).unwrap_or_default(), prefix);
            at += self.block(&kind, lines.get(at..).unwrap_or_default(), prefix, depth).max(1);
            prose = at;
        }
        self.prose(lines.get(prose..at).unwrap_or_default(), prefix);
    }

    fn kind<'l>(&self, text: &'l str, is_first: bool, depth: usize) -> Kind<'l> {
        let trimmed = text.trim();
        let Some(first) = trimmed.as_bytes().first() else { return Kind::Prose };
        if matches!(first, b'`' | b'~' | b':' | b'-' | b'*' | b'+' | b'0'..=b'9')
            && let Some(fence) = fence(text)
            && depth < MAX_DEPTH
            && (fence.sign != b':' || self.pass.rules.has("colon_fence"))
        {
            return Kind::Fence(fence);
        }
        let is_gone = match first {
            b'(' => trimmed.ends_with(")=") && trimmed.len() > 3,
            b'{' => is_first && role::is_attributes(trimmed),
            b'%' => text.len() - text.trim_start().len() < 4,
            b'+' => trimmed.starts_with("+++"),
            _ => false,
        };
        match first {
            _ if is_gone => Kind::Gone,
            b'{' if self.pass.rules.has("substitution") => {
                let name = trimmed.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
                let name = name.filter(|name| depth < MAX_DEPTH && self.pass.substitutions.contains_key(*name));
                name.map_or(Kind::Prose, Kind::Substitution)
            }
            b'>' if depth < MAX_DEPTH && !trimmed.starts_with("> [!") => Kind::Quote,
            b':' if is_first && self.pass.rules.has("fieldlist") && field(text).is_some() => Kind::Field,
            b'$' if trimmed.starts_with("$$") && self.pass.rules.has("dollarmath") && math::is_block(trimmed) => {
                Kind::Math(None)
            }
            b'\\' if self.pass.rules.has("amsmath") => {
                math::environment(trimmed).map_or(Kind::Prose, |name| Kind::Math(Some(name)))
            }
            _ => Kind::Prose,
        }
    }

    /// Writes what the first of these lines begins, and says how many of them it takes.
    fn block(&mut self, kind: &Kind<'_>, lines: &[Line<'_>], prefix: &str, depth: usize) -> usize {
        let Some(first) = lines.first().copied() else { return 0 };
        match kind {
            Kind::Prose => 0,
            Kind::Gone => {
                self.pass.out.line(first.origin, prefix, "");
                self.attribution = attribution(first.text);
                1
            }
            Kind::Code => {
                let is_in = |line: &Line<'_>| line.text.trim().is_empty() || indentation(line.text) >= Some(4);
                let end = lines.iter().position(|line| !is_in(line)).unwrap_or(lines.len());
                for line in lines.iter().take(end) {
                    self.pass.out.line(line.origin, prefix, line.text);
                }
                end
            }
            Kind::Substitution(name) => {
                let substitutions = self.pass.substitutions;
                let text = substitutions.get(*name).map_or("", String::as_str);
                let text = if self.pass.substitutes(text) { text } else { "" };
                let inner: Vec<Line<'_>> = text.lines().map(|text| Line { text, origin: first.origin }).collect();
                self.pass.out.line(first.origin, prefix, "");
                self.write(&inner, prefix, depth + 1);
                self.pass.out.line(first.origin, prefix, "");
                1
            }
            Kind::Fence(fence) => self.fenced(*fence, lines, prefix, depth),
            Kind::Quote => {
                let end = lines.iter().position(|line| !line.text.trim_start().starts_with('>')).unwrap_or(lines.len());
                let inner: Vec<Line<'_>> = lines.iter().take(end).map(|line| unquoted(*line)).collect();
                let attribution = self.attribution.take();
                let inner_prefix = format!("{prefix}> ");
                self.write(&inner, &inner_prefix, depth + 1);
                if let Some(who) = attribution {
                    self.pass.out.line(first.origin, &inner_prefix, "");
                    self.say(&format!("— {who}"), first.origin, &inner_prefix);
                }
                end
            }
            Kind::Field => self.fields(lines, prefix, depth),
            Kind::Math(environment) => self.math_block(*environment, lines, prefix),
        }
    }

    fn fenced(&mut self, fence: Fence<'_>, lines: &[Line<'_>], prefix: &str, depth: usize) -> usize {
        let Some((first, rest)) = lines.split_first() else { return 0 };
        let end = closing(rest, &fence).unwrap_or(rest.len());
        let inner = rest.get(..end).unwrap_or_default();
        let directive = Directive::name(fence.info);
        if directive.is_none() && fence.sign != b':' {
            for line in lines.iter().take(end + 2) {
                self.pass.out.line(line.origin, prefix, line.text);
            }
            return end + 2;
        }
        let before = first.text.get(..fence.at).unwrap_or_default();
        let content: Vec<Line<'_>> = inner.iter().map(|line| dedented(*line, fence.at)).collect();
        // In a list the sign of the item stands alone, and what the directive becomes stands below it.
        self.pass.out.line(first.origin, prefix, before.trim_end());
        let inner_prefix = format!("{prefix}{}", " ".repeat(before.len()));
        match directive {
            Some((name, argument)) => {
                let directive = Directive::new(name, argument, &content);
                self.directive(&directive, first.origin, &inner_prefix, depth);
            }
            // Colons and a class: a container.
            None => self.write(&content, &inner_prefix, depth + 1),
        }
        self.pass.out.line(first.origin, if before.trim().is_empty() { &inner_prefix } else { prefix }, "");
        end + 2
    }

    /// A list of fields: each name before its text.
    fn fields(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) -> usize {
        let mut at = 0;
        while let Some(line) = lines.get(at)
            && let Some((name, text)) = field(line.text)
        {
            let is_body = |line: &Line<'_>| line.text.trim().is_empty() || line.text.starts_with([' ', '\t']);
            let rest = lines.get(at + 1..).unwrap_or_default();
            let end = rest.iter().position(|line| !is_body(line)).unwrap_or(rest.len());
            let head = format!("**{name}:** {text}");
            let body = rest.get(..end).unwrap_or_default();
            let indent = body.iter().filter_map(|line| indentation(line.text)).min().unwrap_or(0);
            let mut inner = vec![Line { text: &head, origin: line.origin }];
            inner.extend(body.iter().map(|line| dedented(*line, indent)));
            self.pass.out.line(line.origin, prefix, "-");
            self.write(&inner, &format!("{prefix}  "), depth + 1);
            at += 1 + end;
        }
        at
    }

    fn prose(&mut self, lines: &[Line<'_>], prefix: &str) {
        for (text, origin) in role::rewrite(lines, self.pass) {
            self.pass.out.line(origin, prefix, &text);
        }
    }

    /// One line of prose that is made here.
    fn say(&mut self, text: &str, origin: u32, prefix: &str) {
        self.prose(&[Line { text, origin }], prefix);
    }
}

/// What a line of attributes says of the quote below it.
fn attribution(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("attribution=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

/// The substitutions of the site and of the front matter (`myst: {substitutions: …}`), which go before them.
fn substitutions<'a>(rules: &'a Sphinx, context: &Context<'_>) -> Cow<'a, BTreeMap<String, String>> {
    let front = context.front.map(super::super::front_matter::Front::json).unwrap_or_default();
    let Some(own) = front["myst"]["substitutions"].as_object().or(front["substitutions"].as_object()) else {
        return Cow::Borrowed(&rules.substitutions);
    };
    let mut all = rules.substitutions.clone();
    for (name, value) in own {
        match value {
            serde_json::Value::String(text) => drop(all.insert(name.clone(), text.clone())),
            serde_json::Value::Number(number) => drop(all.insert(name.clone(), number.to_string())),
            _ => {}
        }
    }
    Cow::Owned(all)
}

/// The lines without the fields that a document begins with: they say something of it (`orphan`), and are not shown.
fn without_docinfo<'l, 'b>(lines: &'l [Line<'b>], rules: &Sphinx) -> &'l [Line<'b>] {
    let start = lines.iter().position(|line| !line.text.trim().is_empty()).unwrap_or(0);
    let rest = lines.get(start..).unwrap_or_default();
    if !rules.has("fieldlist") || rest.first().is_none_or(|line| field(line.text).is_none()) {
        return lines;
    }
    let is_in = |line: &Line<'_>| field(line.text).is_some() || line.text.starts_with([' ', '\t']);
    let end = rest.iter().position(|line| !is_in(line)).unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

/// `:name: text`, where names may have blanks and arguments.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, text) = line.strip_prefix(':')?.split_once(':')?;
    let is_name = !name.is_empty() && !name.starts_with([' ', ':']) && !name.contains('`');
    (is_name && (text.is_empty() || text.starts_with(' '))).then(|| (name, text.trim()))
}

fn fence(line: &str) -> Option<Fence<'_>> {
    let at = behind_signs(line);
    let text = line.get(at..)?;
    let sign = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~' | b':'))?;
    let length = text.bytes().take_while(|byte| *byte == sign).count();
    let info = text.get(length..)?.trim();
    (length >= 3 && !(sign == b'`' && info.contains('`')) && !(sign == b':' && info.is_empty())).then_some(Fence {
        at,
        sign,
        length,
        info,
    })
}

/// Where the text of a line begins, behind blanks and signs of lists.
fn behind_signs(line: &str) -> usize {
    let bytes = line.as_bytes();
    let blanks = |from: usize| bytes.iter().skip(from).take_while(|byte| **byte == b' ').count();
    let mut at = blanks(0);
    // Signs within signs are few.
    for _ in 0..8 {
        let digits = bytes.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count();
        let sign = match bytes.get(at + digits) {
            Some(b'-' | b'*' | b'+') if digits == 0 => 1,
            Some(b'.' | b')') if (1..=9).contains(&digits) => digits + 1,
            _ => break,
        };
        let gap = blanks(at + sign);
        if gap == 0 {
            break;
        }
        at += sign + gap;
    }
    at
}

/// Where the line stands that ends a fence.
fn closing(lines: &[Line<'_>], open: &Fence<'_>) -> Option<usize> {
    lines.iter().position(|line| {
        let text = line.text.trim();
        let is_code = indentation(line.text).is_some_and(|indent| indent > open.at + 3);
        !is_code && text.len() >= open.length && text.bytes().all(|byte| byte == open.sign)
    })
}

/// Whether a line begins a block of its own, so that nothing within the line before it reaches into it.
fn begins_block(line: &str) -> bool {
    let text = line.trim_start();
    text.is_empty() || text.starts_with(['#', '|', '[']) || behind_signs(line) > line.len() - text.len()
}

/// Whether a line is text of a paragraph, and begins nothing else.
fn is_paragraph(line: &str) -> bool {
    !begins_block(line) && fence(line).is_none() && !line.trim_start().starts_with(['>', '(', '%', '{', '<'])
}

fn indentation(line: &str) -> Option<usize> {
    (!line.trim().is_empty()).then(|| line.bytes().take_while(|byte| *byte == b' ').count())
}

fn dedented(line: Line<'_>, indent: usize) -> Line<'_> {
    let blanks = line.text.bytes().take(indent).take_while(|byte| *byte == b' ').count();
    Line { text: line.text.get(blanks..).unwrap_or_default(), origin: line.origin }
}

fn unquoted(line: Line<'_>) -> Line<'_> {
    let text = line.text.trim_start();
    let text = text.strip_prefix('>').unwrap_or(text);
    Line { text: text.strip_prefix(' ').unwrap_or(text), origin: line.origin }
}

#[cfg(test)]
mod tests;
