//! mdBook: includes, and lines of code that readers do not see.
//!
//! Source of the rules: mdBook's guide, "mdBook-specific features", and what mdBook 0.5 makes of them.

use std::collections::BTreeMap;

use super::{Context, Expanded, Fences, Out, Ranges, included};
use crate::page::DocPath;
use crate::site::mdbook::MdBook;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &MdBook, context: &Context<'_>) -> Expanded<'a> {
    let hides =
        |body: &str| body.contains("rust") || rules.hidden.keys().any(|language| body.contains(language.as_str()));
    if !body.contains("{{#") && !hides(body) {
        return Expanded::untouched(body, first_line);
    }
    let out = Out::with_capacity(body.len() + body.len() / 4);
    let mut book = Book { out, fences: Fences::default(), sign: None, hidden: &rules.hidden, context };
    for (line, origin) in body.lines().zip(first_line..) {
        book.line(line, origin, context.path);
        if book.out.is_full() {
            break;
        }
    }
    book.out.finish()
}

struct Book<'a> {
    out: Out,
    fences: Fences,
    /// What begins a line of the present code that readers do not see.
    sign: Option<String>,
    hidden: &'a BTreeMap<String, String>,
    context: &'a Context<'a>,
}

impl Book<'_> {
    /// Takes a line of this file, its includes replaced.
    fn line(&mut self, line: &str, origin: u32, file: &DocPath) {
        let Some(at) = line.find("{{#") else {
            self.emit(line, origin);
            return;
        };
        if line[..at].ends_with('\\') {
            // An escaped one stands for itself; in prose the parser takes the sign off.
            if !self.fences.is_in() {
                self.emit(line, origin);
                return;
            }
            let end = line[at..].find("}}").map_or(line.len(), |end| at + end + 2);
            self.emit(&format!("{}{}{}", &line[..at - 1], &line[at..end], &line[end..]), origin);
            return;
        }
        let Some(end) = line[at..].find("}}").map(|end| at + end) else {
            self.emit(line, origin);
            return;
        };
        let (before, inner, after) = (&line[..at], &line[at + 3..end], &line[end + 2..]);
        let (name, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        match name {
            "include" | "rustdoc_include" => self.include(before, rest.trim(), after, origin, file),
            "playground" | "playpen" => {
                let (target, _) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
                self.emit(&format!("{before}```rust"), origin);
                self.include("", target, "", origin, file);
                self.emit("```", origin);
            }
            // It names the tab of the browser.
            "title" => self.line(&format!("{before}{after}"), origin, file),
            _ => {
                self.out.warn("unknown_construct", origin, format!("`{{{{#{name}}}}}` is not understood"));
                self.line(&format!("{before}{after}"), origin, file);
            }
        }
    }

    fn include(&mut self, before: &str, target: &str, after: &str, origin: u32, file: &DocPath) {
        let (path, range) = target.split_once(':').map_or((target, None), |(path, range)| (path, Some(range)));
        let Some((found, text)) = included(self.context, file.dir(), path) else {
            self.out.warn("missing_include", origin, format!("`{path}` is included and not there"));
            self.emit(&format!("{before}{after}"), origin);
            return;
        };
        if !self.out.begin_include(&found, origin) {
            self.emit(&format!("{before}{after}"), origin);
            return;
        }
        let wanted = range.map_or(Ranges::All, Ranges::of_mdbook);
        let lines: Vec<&str> = wanted.lines(&text);
        let last = lines.len().saturating_sub(1);
        if lines.is_empty() {
            self.emit(&format!("{before}{after}"), origin);
        }
        for (number, line) in lines.into_iter().enumerate() {
            if self.out.is_full() {
                break;
            }
            match (number == 0, number == last) {
                (true, true) => self.line(&format!("{before}{line}{after}"), origin, &found),
                (true, false) => self.line(&format!("{before}{line}"), origin, &found),
                (false, true) => self.line(&format!("{line}{after}"), origin, &found),
                (false, false) => self.line(line, origin, &found),
            }
        }
        self.out.end_include();
    }

    /// Writes a line, unless it is one of code that readers do not see.
    fn emit(&mut self, line: &str, origin: u32) {
        let was_in = self.fences.is_in();
        self.fences.take(line);
        if !was_in && self.fences.is_in() {
            let info = self.fences.info();
            let mut words = info.split([',', ' ', '{', '}']).map(|word| word.trim_start_matches('.'));
            let language = words.clone().next().unwrap_or_default();
            let own = info.split([',', ' ']).find_map(|word| word.strip_prefix("hidelines="));
            self.sign = match own.or_else(|| self.hidden.get(language).map(String::as_str)) {
                Some(sign) => Some(sign.to_owned()),
                None => words.any(|word| word == "rust").then(|| "#".to_owned()),
            };
        } else if let (true, true, Some(sign)) = (was_in, self.fences.is_in(), &self.sign) {
            let code = line.trim_start();
            let is_rust = sign == "#";
            match code.strip_prefix(sign.as_str()) {
                // rustdoc: `# ` and a lone `#` hide, `##` stands for `#`.
                Some(rest) if is_rust && (rest.is_empty() || rest.starts_with(' ')) => return,
                Some(rest) if is_rust && rest.starts_with('#') => {
                    let indentation = &line[..line.len() - code.len()];
                    self.out.line(origin, indentation, rest);
                    return;
                }
                Some(_) if !is_rust => return,
                _ => {}
            }
        }
        self.out.line(origin, "", line);
    }
}
