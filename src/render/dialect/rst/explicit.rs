//! Explicit markup: what begins with two dots. Directives are told from targets, footnotes, substitutions and comments.

use super::directive::Directive;
use super::inline::Form;
use super::{Blocks, Line, dedented, paragraph};

impl Blocks<'_> {
    /// Takes a block of explicit markup, whose first line is indented as `prefix` has it already.
    pub(super) fn explicit(&mut self, lines: &[Line<'_>], prefix: &str, depth: usize) {
        let Some(first) = lines.first() else { return };
        let indent = first.indent();
        let lines: Vec<Line<'_>> = lines
            .iter()
            .map(|line| Line { text: line.text.get(indent..).unwrap_or_default(), origin: line.origin })
            .collect();
        let Some(first) = lines.first().copied() else { return };
        let text = first.text.strip_prefix("..").unwrap_or_default().trim_start();
        if text.starts_with('_') {
            self.copy(&lines, prefix);
        } else if let Some(end) = text.strip_prefix('[').and_then(|rest| rest.find(']')) {
            self.footnote(&lines, end + 2, prefix, depth);
        } else if let Some((name, rest)) = text.strip_prefix('|').and_then(|rest| rest.split_once("| ")) {
            self.definition(name, rest.trim_start(), &lines, prefix);
        } else if let Some(directive) = Directive::read(text, &lines) {
            self.directive(&directive, first.origin, prefix, depth);
        } else {
            // A comment; it ends the block before it all the same.
            self.out.line(first.origin, prefix, "");
            self.out.line(first.origin, prefix, "..");
            self.out.line(first.origin, prefix, "");
        }
    }

    /// `.. [name] text`.
    fn footnote(&mut self, lines: &[Line<'_>], label: usize, prefix: &str, depth: usize) {
        let length = paragraph(lines);
        let (head, rest) = lines.split_at(length.min(lines.len()));
        let Some(first) = head.first() else { return };
        let (mark, text) = first.text.split_at((3 + label).min(first.text.len()));
        let mut joined = text.trim_start().to_owned();
        for line in head.iter().skip(1) {
            joined.push(' ');
            joined.push_str(line.text.trim());
        }
        let written = self.inline(&joined, first.origin, Form::Free);
        self.out.line(first.origin, prefix, &format!("{mark} {written}"));
        let inner = format!("{prefix}   ");
        self.write(&dedented(rest), &inner, depth + 1);
    }

    /// `.. |name| replace:: text`; a picture has its alternative text only.
    fn definition(&mut self, name: &str, text: &str, lines: &[Line<'_>], prefix: &str) {
        let origin = lines.first().map_or(1, |line| line.origin);
        let (kind, argument) = text.split_once("::").unwrap_or((text, ""));
        let mut value = argument.trim().to_owned();
        match kind {
            "replace" => {
                for line in lines.iter().skip(1) {
                    value.push(' ');
                    value.push_str(line.text.trim());
                }
                let written = self.inline(value.trim(), origin, Form::Free);
                self.out.line(origin, prefix, &format!(".. |{name}| replace:: {written}"));
            }
            "unicode" => self.out.line(origin, prefix, &format!(".. |{name}| unicode:: {value}")),
            _ => {
                let alt = lines.iter().find_map(|line| line.text.trim().strip_prefix(":alt:")).map(str::trim);
                let written = match alt.filter(|alt| !alt.is_empty()) {
                    Some(alt) => format!(".. |{name}| replace:: {}", super::escaped(alt)),
                    None => format!(".. |{name}| unicode:: 0xA0"),
                };
                self.out.line(origin, prefix, &written);
            }
        }
    }
}
