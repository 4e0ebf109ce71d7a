//! The statements of a module that say what it exports: declarations, imports and exports, in order.

use super::reader::Reader;
use super::{Literal, Names};

/// What a module exports. `import` answers what another module does.
pub(super) fn exports(text: &str, import: &mut dyn FnMut(&str) -> Names) -> Names {
    let (mut known, mut exported) = (Names::new(), Names::new());
    let mut at = 0;
    while at < text.len() {
        let mut reader = Reader { text, at, names: &known, depth: 0 };
        reader.blanks();
        at = reader.at;
        let word = reader.word();
        let (is_export, word) = if word == "export" { (true, reader.spaced_word()) } else { (false, word) };
        match word {
            "import" if !is_export => {
                let (names, end) = reader.import(import);
                at = end;
                known.extend(names);
                continue;
            }
            "default" if is_export => {
                let value = reader.exported();
                at = reader.at;
                exported.insert("default".to_owned(), value);
                continue;
            }
            "module" if text[reader.at..].trim_start().starts_with(".exports") => {
                let dot = text[reader.at..].find(".exports").unwrap_or_default();
                reader.at += dot + ".exports".len();
                reader.blanks();
                if reader.take("=") {
                    let value = reader.exported();
                    exported.insert("default".to_owned(), value);
                }
                at = reader.at;
                continue;
            }
            "const" | "let" | "var" => {
                reader.blanks();
                let name = reader.word().to_owned();
                if reader.type_until_equals() {
                    let value = reader.required(import).unwrap_or_else(|| reader.value());
                    at = reader.at;
                    if is_export {
                        exported.insert(name.clone(), value.clone());
                    }
                    known.insert(name, value);
                    continue;
                }
                at = reader.at;
                continue;
            }
            _ => {}
        }
        // Anything else at the top level: its brackets are stepped over as a whole.
        if at < text.len() {
            reader.at = at;
            reader.step();
            at = reader.at.max(at + 1);
            while !text.is_char_boundary(at) {
                at += 1;
            }
        }
    }
    exported
}

impl Reader<'_> {
    /// What is exported: a value, or the object that a function returns.
    fn exported(&mut self) -> Literal {
        self.blanks();
        let start = self.at;
        let value = self.value();
        let is_function = match &value {
            Literal::Call(_, arguments) => matches!(arguments.first(), Some(Literal::Code)),
            value => *value == Literal::Code,
        };
        if !is_function {
            return value;
        }
        let end = self.at;
        let code = &self.text[start..end.max(start)];
        let found = ["=> ({", "=> {", "return {", "return ({"].iter().filter_map(|sign| {
            let at = code.find(sign)?;
            (*sign != "=> {").then_some(at + sign.len() - 1)
        });
        let Some(at) = found.min() else { return value };
        let mut reader = Reader { text: self.text, at: start + at, names: self.names, depth: 1 };
        match reader.value() {
            Literal::Object(entries) => Literal::Object(entries),
            _ => value,
        }
    }

    /// Steps over a type annotation up to the `=` of a declaration; whether there is one.
    fn type_until_equals(&mut self) -> bool {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'=') if !self.rest().starts_with("=>") && !self.rest().starts_with("==") => {
                    self.at += 1;
                    return true;
                }
                None | Some(b';') => return false,
                Some(b'=') => self.at += 2,
                Some(b'{') if self.text[..self.at].trim_end().ends_with(|c: char| c.is_alphabetic()) => {
                    // `const { a } = …`: names that are not followed.
                    self.group();
                }
                Some(_) => self.step(),
            }
        }
    }

    /// `require('./x')`, where the value is that and nothing more.
    fn required(&mut self, import: &mut dyn FnMut(&str) -> Names) -> Option<Literal> {
        self.blanks();
        let rest = self.rest().strip_prefix("require(")?;
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (from, _) = rest[1..].split_once(quote)?;
        let mut names = import(from);
        let end = rest.find(')')?;
        self.at += "require(".len() + end + 1;
        if self.peek() == Some(b'.') {
            self.at += 1;
            let word = self.word();
            return Some(names.remove(word).unwrap_or(Literal::Code));
        }
        Some(names.remove("default").unwrap_or(Literal::Code))
    }

    /// `import a, { b as c } from './x'`, after the word: the names, and where it ends.
    fn import(&mut self, import: &mut dyn FnMut(&str) -> Names) -> (Names, usize) {
        let rest = self.rest();
        let Some(open) = rest.find(['"', '\'']) else { return (Names::new(), self.text.len()) };
        let clause = &rest[..open];
        let quote = rest[open..].chars().next().unwrap_or('"');
        let from = rest[open + 1..].split(quote).next().unwrap_or_default();
        let end = self.at + open + 2 + from.len();
        let clause = clause.trim().trim_end_matches("from").trim();
        if clause.is_empty() || clause.starts_with("type ") || !from.starts_with('.') {
            return (Names::new(), end.min(self.text.len()));
        }
        let exports = import(from);
        let (default, named) = clause.split_once('{').unwrap_or((clause, ""));
        let mut found = Names::new();
        let default = default.trim().trim_end_matches(',').trim();
        if let Some(value) = exports.get("default").filter(|_| !default.is_empty()) {
            found.insert(default.to_owned(), value.clone());
        }
        for part in named.trim_end_matches('}').split(',') {
            let (name, local) = part.split_once(" as ").unwrap_or((part, part));
            if let Some(value) = exports.get(name.trim()) {
                found.insert(local.trim().to_owned(), value.clone());
            }
        }
        (found, end.min(self.text.len()))
    }
}
