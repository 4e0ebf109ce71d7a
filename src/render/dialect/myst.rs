//! `MyST`: Markdown with Sphinx' directives and roles.
//!
//! Source of the rules: the documentation of `MyST`-Parser, Docutils and Sphinx-Design, and what Sphinx 9 makes of them.

mod directive;
mod role;

use self::directive::Directive;
use super::{Context, Expanded, Out};
use crate::site::sphinx::Sphinx;

/// Directives within directives, and includes within includes, at most.
const MAX_DEPTH: usize = 16;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &Sphinx, context: &Context<'_>) -> Expanded<'a> {
    let mut out = Out::with_capacity(body.len() + body.len() / 4);
    let lines: Vec<Line<'_>> = body.lines().zip(first_line..).map(|(text, origin)| Line { text, origin }).collect();
    Blocks { out: &mut out, rules, context, dir: context.path.dir() }.write(&lines, "", 0);
    out.finish()
}

/// A line, and the document's line that it comes from.
#[derive(Clone, Copy)]
struct Line<'l> {
    text: &'l str,
    origin: u32,
}

struct Blocks<'a> {
    out: &'a mut Out,
    rules: &'a Sphinx,
    context: &'a Context<'a>,
    /// The folder that paths count from: that of the file whose text is read.
    dir: &'a str,
}

/// The fence that a line begins with.
struct Fence<'l> {
    indent: usize,
    sign: u8,
    length: usize,
    info: &'l str,
}

impl Blocks<'_> {
    fn write(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let mut at = 0;
        while at < lines.len() && !self.out.is_full() {
            let Line { text, origin } = lines[at];
            at += 1;
            let Some(fence) = fence(text) else {
                self.prose(text, origin, prefix);
                continue;
            };
            let directive = Directive::name(fence.info).filter(|_| depth < MAX_DEPTH);
            if fence.sign == b':' && directive.is_none() {
                // A container of colons without a name in braces is text.
                self.prose(text, origin, prefix);
                continue;
            }
            let end = closing(&lines[at..], &fence).map_or(lines.len(), |end| at + end);
            if let Some((name, argument)) = directive {
                let content: Vec<Line<'_>> =
                    lines[at..end].iter().map(|line| dedented_line(*line, fence.indent)).collect();
                let prefix = format!("{prefix}{}", &text[..fence.indent]);
                let directive = Directive::new(name, argument, &content);
                self.out.line(origin, &prefix, "");
                self.directive(&directive, origin, &prefix, depth);
                self.out.line(origin, &prefix, "");
            } else {
                let last = end.min(lines.len() - 1);
                for line in &lines[at - 1..=last] {
                    self.out.line(line.origin, prefix, line.text);
                }
            }
            at = end + 1;
        }
    }

    fn prose(&mut self, text: &str, origin: u32, prefix: &str) {
        let trimmed = text.trim();
        let is_target = trimmed.starts_with('(') && trimmed.ends_with(")=");
        let is_attributes = trimmed.starts_with('{')
            && trimmed.ends_with('}')
            && trimmed[1..].starts_with(['#', '.'])
            && !trimmed[1..].contains(['{', '`']);
        let is_comment = text.starts_with("% ") || text == "%";
        if is_target || is_attributes || is_comment || trimmed.starts_with("+++") {
            self.out.line(origin, prefix, "");
            return;
        }
        let written = role::rewrite(text, origin, self.rules, self.context, self.out);
        self.out.line(origin, prefix, &written);
    }
}

fn fence(line: &str) -> Option<Fence<'_>> {
    let text = line.trim_start_matches(' ');
    let sign = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~' | b':'))?;
    let length = text.bytes().take_while(|byte| *byte == sign).count();
    let info = text[length..].trim();
    (length >= 3 && !(sign == b'`' && info.contains('`'))).then_some(Fence {
        indent: line.len() - text.len(),
        sign,
        length,
        info,
    })
}

/// Where the line stands that ends a fence.
fn closing(lines: &[Line<'_>], open: &Fence<'_>) -> Option<usize> {
    lines.iter().position(|line| {
        let text = line.text.trim();
        text.len() >= open.length && text.bytes().all(|byte| byte == open.sign)
    })
}

fn dedented_line(line: Line<'_>, indent: usize) -> Line<'_> {
    let blanks = line.text.bytes().take(indent).take_while(|byte| *byte == b' ').count();
    Line { text: &line.text[blanks..], origin: line.origin }
}
