//! Literals of Python: what `conf.py` says in so many words, read without running it.
//!
//! Only assignments at the left margin count, and only of strings, numbers, names of constants, and lists, tuples, sets
//! and dictionaries of these. Everything else is [`Value::Null`] under its name, so that it is known to be there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Brackets within brackets, at most.
const MAX_DEPTH: usize = 32;

/// The names that are assigned at the left margin, with their last value; null: something that is not literal.
pub(in crate::site) fn assignments(source: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut reader = Reader { text: source, at: 0 };
    while reader.at < source.len() {
        if let Some((name, is_added)) = reader.name() {
            let value = reader.value(0).filter(|_| reader.ends_line()).unwrap_or_default();
            match (found.get_mut(&name), value, is_added) {
                (Some(Value::Array(before)), Value::Array(more), true) => before.extend(more),
                (_, value, _) => drop(found.insert(name, value)),
            }
        }
        reader.next_statement();
    }
    found
}

struct Reader<'s> {
    text: &'s str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// `name =`, `name: type =` or `name +=` at the start of a line.
    fn name(&mut self) -> Option<(String, bool)> {
        let line = self.rest().lines().next().unwrap_or_default();
        let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
        let name = &line[..end];
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let rest = line[end..].trim_start();
        let equals = match rest.as_bytes() {
            [b'=', next, ..] if *next != b'=' => line.len() - rest.len(),
            [b'='] => line.len() - rest.len(),
            [b'+', b'=', ..] => line.len() - rest.len() + 1,
            [b':', ..] => line.find(" = ").map(|at| at + 1)?,
            _ => return None,
        };
        let found = (name.to_owned(), rest.starts_with('+'));
        self.at += equals + 1;
        Some(found)
    }

    /// Goes on behind the end of the present statement: the next line that begins at the left margin, outside of brackets
    /// and of strings.
    fn next_statement(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            let byte = self.text.as_bytes()[self.at];
            match byte {
                b'#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                b'"' | b'\'' => {
                    if self.string().is_none() {
                        self.at += 1;
                    }
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                b'\\' => self.at = (self.at + 2).min(self.text.len()),
                b'\n' => {
                    self.at += 1;
                    let begins = self.rest().starts_with(|c: char| c.is_alphabetic() || c == '_');
                    if depth == 0 && begins {
                        return;
                    }
                }
                _ => self.at += 1,
            }
            while !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
    }

    /// Blanks and comments, and line breaks where brackets are open.
    fn skip(&mut self, depth: usize) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with('#') && depth > 0 {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if (rest.starts_with('\n') && depth > 0) || rest.starts_with("\\\n") {
                self.at += if rest.starts_with('\n') { 1 } else { 2 };
            } else if blank == 0 {
                return;
            }
        }
    }

    /// Whether nothing but a comment follows on this line.
    fn ends_line(&mut self) -> bool {
        self.skip(0);
        matches!(self.rest().as_bytes().first(), None | Some(b'\n' | b'#' | b';'))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip(depth);
        if depth > MAX_DEPTH {
            return None;
        }
        match self.rest().as_bytes().first()? {
            b'[' => self.items(b']', depth).map(Value::Array),
            b'(' => {
                let had_comma = self.at;
                let items = self.items(b')', depth)?;
                let is_tuple = self.text[had_comma..self.at].trim_end_matches(')').trim_end().ends_with(',');
                // Brackets around one value are only brackets.
                Some(match <[Value; 1]>::try_from(items) {
                    Ok([one]) if !is_tuple => one,
                    Ok(one) => Value::Array(one.into()),
                    Err(items) => Value::Array(items),
                })
            }
            b'{' => self.entries(depth),
            _ => self.scalar(depth),
        }
    }

    fn scalar(&mut self, depth: usize) -> Option<Value> {
        if let Some(mut text) = self.string() {
            // Strings beside one another are one.
            loop {
                let before = self.at;
                self.skip(depth);
                let Some(more) = self.string() else {
                    self.at = before;
                    return Some(Value::String(text));
                };
                text.push_str(&more);
            }
        }
        let rest = self.rest();
        let end =
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-' | '+')).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::String(String::new()),
            number => {
                number.parse::<i64>().map(Value::from).ok().or_else(|| number.parse::<f64>().map(Value::from).ok())?
            }
        };
        self.at += end;
        Some(value)
    }

    /// A string; those that are put together when the file runs (`f"…"`) are none.
    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        let prefix = rest.find(['"', '\'']).filter(|end| *end <= 2)?;
        let letters = &rest[..prefix];
        if !letters.bytes().all(|byte| matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'u')) {
            return None;
        }
        let is_raw = letters.contains(['r', 'R']);
        let body = &rest[prefix..];
        let quote = &body[..1];
        let triple = quote.repeat(3);
        let fence = if body.starts_with(&triple) { triple.as_str() } else { quote };
        let mut text = String::new();
        let mut at = fence.len();
        loop {
            let rest = body.get(at..)?;
            if rest.starts_with(fence) {
                break;
            }
            let c = rest.chars().next()?;
            match c {
                '\\' if !is_raw => {
                    let next = rest[1..].chars().next()?;
                    match next {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        '\n' => {}
                        '\\' | '\'' | '"' => text.push(next),
                        other => text.extend(['\\', other]),
                    }
                    at += 1 + next.len_utf8();
                }
                '\n' if fence.len() == 1 => return None,
                c => {
                    text.push(c);
                    at += c.len_utf8();
                }
            }
        }
        self.at += prefix + at + fence.len();
        Some(text)
    }

    fn items(&mut self, close: u8, depth: usize) -> Option<Vec<Value>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip(depth + 1);
            if self.rest().as_bytes().first()? == &close {
                self.at += 1;
                return Some(items);
            }
            items.push(self.value(depth + 1)?);
            self.skip(depth + 1);
            if self.rest().as_bytes().first()? == &b',' {
                self.at += 1;
            } else if self.rest().as_bytes().first()? != &close {
                return None;
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut map = Map::new();
        let mut set = Vec::new();
        loop {
            self.skip(depth + 1);
            if self.rest().starts_with('}') {
                self.at += 1;
                return Some(if set.is_empty() { Value::Object(map) } else { Value::Array(set) });
            }
            let key = self.value(depth + 1)?;
            self.skip(depth + 1);
            if self.rest().starts_with(':') {
                self.at += 1;
                let value = self.value(depth + 1)?;
                map.insert(key.as_str().map_or_else(|| key.to_string(), str::to_owned), value);
                self.skip(depth + 1);
            } else {
                set.push(key);
            }
            if self.rest().starts_with(',') {
                self.at += 1;
            } else if !self.rest().starts_with('}') {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_read_and_the_rest_is_known_to_be_there() {
        let source = "import os\nproject = 'A' \"B\"  # c\nrelease = version()\nexclude_patterns: list[str] = [\n  '_build', # x\n  r\"a\\b\",\n]\n\
            exclude_patterns += ['more']\nif True:\n    project = 'inner'\ndef f():\n    x = 1\n    return '''\ny = 2\n'''\n\
            source_suffix = {'.md': 'myst', \".rst\": \"restructuredtext\"}\nflag = True\none = ('x')\ntwo = ('x',)\nurl = f'x{y}'\nn = -3\ns = \"\"\"a\n b\"\"\"\n\
            d = {**other, 'a': 1}\nproject_copyright = project\n";
        let found = assignments(source);
        assert_eq!(found["project"], "AB");
        assert_eq!(found["exclude_patterns"], json!(["_build", "a\\b", "more"]));
        assert_eq!(found["source_suffix"], json!({".md": "myst", ".rst": "restructuredtext"}));
        assert_eq!((&found["flag"], &found["one"], &found["two"]), (&json!(true), &json!("x"), &json!(["x"])));
        assert_eq!((&found["n"], &found["s"]), (&json!(-3), &json!("a\n b")));
        for name in ["release", "url", "d", "project_copyright"] {
            assert_eq!(found[name], Value::Null, "{name}");
        }
        assert!(!found.contains_key("x") && !found.contains_key("y"));
    }

    #[test]
    fn broken_files_end() {
        for text in ["a = [", "a = 'x", "a = {1: ", "a = '''", "=", "a =", "é = 1\nb = (\n#", &"a = [".repeat(5_000)] {
            let _ = assignments(text);
        }
    }
}
