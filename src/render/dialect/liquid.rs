//! Jekyll's pages: Liquid templates, which run over the bare text, and then kramdown.
//!
//! Source of the rules: the documentation of Liquid 4, Jekyll (tags, filters, variables, includes) and kramdown 2 with its
//! parser for GitHub's Markdown, and what Jekyll 4.3 makes of them. A template is run as far as its values are known: what
//! stands in front matter, in the configuration, in data files and in the text itself. What only the built site knows (lists
//! of posts, plugins) is left out with a warning, and the text within it is kept.

mod expression;
mod filters;
mod kramdown;
mod run;
mod tokens;
mod values;

use self::run::Runner;
use super::{Context, Expanded, Fences, Out};
use crate::site::jekyll::Jekyll;

/// Text in the making, before it is parsed: for each of its lines the document's line that it comes from.
#[derive(Debug, Default)]
struct Written {
    text: String,
    lines: Vec<u32>,
    /// The next text goes on with a line.
    is_within_line: bool,
}

impl Written {
    /// Adds text that comes from this line of the document and, if `counts`, from those after it.
    fn push(&mut self, text: &str, origin: u32, counts: bool) {
        let mut origin = origin;
        for part in text.split_inclusive('\n') {
            if !self.is_within_line {
                self.lines.push(origin);
            }
            self.text.push_str(part);
            self.is_within_line = !part.ends_with('\n');
            origin = origin.saturating_add(u32::from(counts));
        }
    }

    /// What stands on the last line.
    fn last_line(&self) -> &str {
        self.text.rsplit('\n').next().unwrap_or_default()
    }
}

/// Rewrites a Markdown body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &Jekyll, context: &Context<'_>) -> Expanded<'a> {
    let (written, mut out) = written(body, first_line, rules, context, true);
    if rules.is_kramdown() {
        kramdown::rewrite(&written, &rules.config["kramdown"], &mut out);
    } else {
        copy(&written, &mut out);
    }
    out.finish()
}

/// Runs the templates of an HTML body.
pub(super) fn expand_html<'a>(body: &'a str, first_line: u32, rules: &Jekyll, context: &Context<'_>) -> Expanded<'a> {
    let (written, mut out) = written(body, first_line, rules, context, false);
    copy(&written, &mut out);
    out.finish()
}

fn written(body: &str, first_line: u32, rules: &Jekyll, context: &Context<'_>, is_markdown: bool) -> (Written, Out) {
    let mut runner = Runner::new(rules, context, is_markdown, body.len());
    if runner.is_template() && body.contains('{') {
        runner.document(body, first_line);
        return runner.finish();
    }
    let (mut written, out) = runner.finish();
    written.push(body, first_line, true);
    (written, out)
}

fn copy(written: &Written, out: &mut Out) {
    for (line, origin) in written.text.lines().zip(&written.lines) {
        out.line(*origin, "", line);
    }
}
