//! mdBook: includes, and lines of code that readers do not see.
//!
//! Source of the rules: mdBook's guide, "mdBook-specific features", and what mdBook 0.5 makes of them.

use super::{Context, Expanded, Fences, Out, Ranges, files::begun};
use crate::page::DocPath;
use crate::site::mdbook::MdBook;

/// Rewrites a body into CommonMark.
pub(super) fn expand<'a>(body: &'a str, first_line: u32, rules: &MdBook, context: &Context<'_>) -> Expanded<'a> {
    let has_hidden = body.contains("rust") || rules.hidden.keys().any(|language| body.contains(language.as_str()));
    let has_directive = rules.has_includes && body.contains("{{");
    if !has_hidden && !has_directive {
        return Expanded::untouched(body, first_line);
    }
    let out = Out::with_capacity(body.len() + body.len() / 4);
    let mut book = Book { out, fences: Fences::default(), sign: None, is_quoted: false, rules, context };
    // What it includes may not include it.
    book.out.begin_include(context.path, first_line);
    book.document(body, first_line, has_directive);
    book.out.finish()
}

struct Book<'a> {
    out: Out,
    fences: Fences,
    /// What begins a line of the present code that readers do not see.
    sign: Option<String>,
    /// Whether the present code stands in a quote.
    is_quoted: bool,
    rules: &'a MdBook,
    context: &'a Context<'a>,
}

impl Book<'_> {
    /// Takes the whole of a document. Lines that stay as they are go over together.
    fn document(&mut self, body: &str, first_line: u32, has_directive: bool) {
        let (mut at, mut run, mut run_origin) = (0, 0, first_line);
        for (written, origin) in body.split_inclusive('\n').zip(first_line..) {
            let line = written.strip_suffix('\n').map_or(written, |line| line.strip_suffix('\r').unwrap_or(line));
            let next = at + written.len();
            let is_plain = !has_directive || memchr::memchr(b'{', line.as_bytes()).is_none() || !line.contains("{{");
            let shown = if is_plain { Some(self.shown(line)) } else { None };
            if shown != Some(Shown::AsItIs) {
                self.out.run(run_origin, body.get(run..at).unwrap_or_default());
                if self.out.is_full() {
                    return;
                }
                match shown {
                    Some(shown) => self.write(line, &shown, origin),
                    None => self.line(line, origin, self.context.path),
                }
                (run, run_origin) = (next, origin + 1);
            }
            at = next;
        }
        self.out.run(run_origin, body.get(run..).unwrap_or_default());
    }

    /// Takes a line of this file, its includes replaced.
    fn line(&mut self, line: &str, origin: u32, file: &DocPath) {
        let mut current = String::with_capacity(line.len());
        self.append(line, &mut current, origin, file);
        self.emit(&current, origin);
    }

    /// Appends a text to the line in the making, which ends where an included file has more lines than one.
    fn append(&mut self, text: &str, current: &mut String, origin: u32, file: &DocPath) {
        let mut rest = text;
        while let Some(found) = Directive::first(rest).filter(|_| self.rules.has_includes) {
            let (before, here) = rest.split_at(found.at);
            let (written, after) = here.split_at(found.len);
            rest = after;
            if let Some(escaped) = before.strip_suffix('\\') {
                // An escaped one stands for itself; in prose the parser takes the sign off.
                current.push_str(if self.fences.is_in() { escaped } else { before });
                current.push_str(written);
                continue;
            }
            current.push_str(before);
            match found.name {
                "include" | "rustdoc_include" => self.include(found.rest, current, origin, file),
                "playground" | "playpen" => {
                    let target = found.rest.split(char::is_whitespace).next().unwrap_or_default();
                    current.push_str("```rust");
                    self.emit(&std::mem::take(current), origin);
                    self.include(target, current, origin, file);
                    self.emit(&std::mem::take(current), origin);
                    self.emit("```", origin);
                }
                // It names the tab of the browser.
                "title" => {}
                name => {
                    let shown: String = name.chars().take(60).collect();
                    self.out.warn("unknown_construct", origin, format!("`{{{{#{shown}}}}}` is not understood"));
                }
            }
        }
        current.push_str(rest);
    }

    fn include(&mut self, target: &str, current: &mut String, origin: u32, file: &DocPath) {
        let (path, range) = target.split_once(':').map_or((target, None), |(path, range)| (path, Some(range)));
        let Some((found, text)) = begun(self.context, &mut self.out, file.dir(), path, origin) else { return };
        let wanted = range.map_or(Ranges::All, Ranges::of_mdbook);
        for (number, line) in wanted.lines(&text).into_iter().enumerate() {
            if self.out.is_full() {
                break;
            }
            if number > 0 {
                self.emit(current, origin);
                current.clear();
            }
            self.append(line, current, origin, &found);
        }
        self.out.end_include();
    }

    /// Writes a line, unless it is one of code that readers do not see.
    fn emit(&mut self, line: &str, origin: u32) {
        let shown = self.shown(line);
        self.write(line, &shown, origin);
    }

    fn write(&mut self, line: &str, shown: &Shown<'_>, origin: u32) {
        match shown {
            Shown::AsItIs => self.out.line(origin, "", line),
            Shown::Without(indentation, rest) => self.out.line(origin, indentation, rest),
            Shown::Not => {}
        }
    }

    /// Takes the next line, and tells what readers see of it.
    fn shown<'l>(&mut self, line: &'l str) -> Shown<'l> {
        let was_in = self.fences.is_in();
        self.fences.take(line);
        if !was_in && self.fences.is_in() {
            self.is_quoted = line.trim_start().starts_with('>');
            let info = self.fences.info();
            let mut words = info.split([',', ' ', '{', '}']).map(|word| word.trim_start_matches('.'));
            let language = words.clone().next().unwrap_or_default();
            let own = info.split([',', ' ']).find_map(|word| word.strip_prefix("hidelines="));
            let is_rust = words.any(|word| word == "rust");
            // Rust has its own sign, whatever is said.
            self.sign = match own.or_else(|| self.rules.hidden.get(language).map(String::as_str)).filter(|_| !is_rust) {
                Some(sign) => Some(sign.to_owned()),
                None => is_rust.then(|| "#".to_owned()),
            };
        } else if let (true, true, Some(sign)) = (was_in, self.fences.is_in(), &self.sign) {
            // In a quote the signs of the quote come first.
            let code = line.trim_start_matches(|c: char| c.is_whitespace() || (c == '>' && self.is_quoted));
            let is_rust = sign == "#";
            match code.strip_prefix(sign.as_str()) {
                // rustdoc: `# ` and a lone `#` hide, `##` stands for `#`.
                Some(rest) if is_rust && (rest.is_empty() || rest.starts_with(' ')) => return Shown::Not,
                Some(rest) if is_rust && rest.starts_with('#') => {
                    return Shown::Without(&line[..line.len() - code.len()], rest);
                }
                Some(_) if !is_rust => return Shown::Not,
                _ => {}
            }
        }
        Shown::AsItIs
    }
}

/// What readers see of a line.
#[derive(PartialEq, Eq)]
enum Shown<'l> {
    AsItIs,
    /// Its indentation and what follows, without the sign between them.
    Without(&'l str, &'l str),
    Not,
}

/// `{{#name rest}}`; blanks may stand before the sign.
struct Directive<'t> {
    at: usize,
    len: usize,
    name: &'t str,
    rest: &'t str,
}

impl<'t> Directive<'t> {
    /// The first one of a text.
    fn first(text: &'t str) -> Option<Self> {
        let mut from = 0;
        loop {
            let at = from + memchr::memmem::find(text.get(from..)?.as_bytes(), b"{{")?;
            let inside = text.get(at + 2..)?;
            if inside.trim_start().starts_with('#') {
                // Where this one is not closed, none that follows is.
                let end = inside.find("}}")?;
                let inner = inside.get(..end)?.trim_start().trim_start_matches('#');
                let (name, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
                return Some(Self { at, len: end + "{{}}".len(), name: name.trim(), rest: rest.trim() });
            }
            from = at + 2;
        }
    }
}
