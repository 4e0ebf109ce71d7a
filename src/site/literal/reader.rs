//! The reader proper: one pass over the bytes of a module, values by recursive descent of bounded depth.

use std::sync::Arc;

use super::{Literal, Names};

/// Deeper values are code.
const MAX_DEPTH: usize = 64;

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) names: &'a Names,
    pub(super) depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, names: &'a Names) -> Self {
        Self { text, at: 0, names, depth: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is_there = self.rest().starts_with(sign);
        if is_there {
            self.at += sign.len();
        }
        is_there
    }

    /// Steps over blanks and comments.
    pub(super) fn blanks(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else {
                return;
            }
        }
    }

    /// The identifier that begins here; empty where none does.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(super) fn spaced_word(&mut self) -> &'a str {
        self.blanks();
        self.word()
    }

    /// One token, a bracket with all that it holds.
    pub(super) fn step(&mut self) {
        match self.peek() {
            Some(b'(' | b'[' | b'{') => self.group(),
            Some(b'"' | b'\'') => {
                self.string();
            }
            Some(b'`') => self.template(),
            Some(b'/') if self.begins_regex() => self.regex(),
            // A word; where none begins, one character.
            Some(_) if !self.word().is_empty() => {}
            Some(_) => self.character(),
            None => {}
        }
    }

    fn character(&mut self) {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
    }

    /// Whether a slash begins a regular expression: it does where no value can have ended before it.
    fn begins_regex(&self) -> bool {
        let before = self.text[..self.at].trim_end();
        let last = before.bytes().last();
        last.is_none_or(|byte| b"(,=:[!&|?{};+-*%~^<>".contains(&byte)) || before.ends_with("return")
    }

    fn regex(&mut self) {
        let (mut in_class, mut escaped) = (false, false);
        for (at, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                b'\n' => {
                    self.at += at;
                    return;
                }
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
    }

    /// Steps over brackets and all that they hold, with a count for a stack: which bracket closes which is no matter in
    /// a module that its own compiler reads.
    pub(super) fn group(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.blanks();
            let Some(now) = self.peek() else { return };
            match now {
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                }
                b'"' | b'\'' => {
                    self.string();
                }
                b'`' => self.template(),
                b'/' if self.begins_regex() => self.regex(),
                _ => self.character(),
            }
            let _ = byte;
        }
    }

    /// A quoted string.
    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        let mut out = String::new();
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            match c {
                '\\' => self.escape(&mut out),
                '\n' => return None,
                c if c.is_ascii() && c as u8 == quote => return Some(out),
                c => out.push(c),
            }
        }
        None
    }

    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.rest().chars().next() else { return };
        self.at += c.len_utf8();
        let digits = |from: usize, count: usize| {
            let digits = self.text.get(from..from + count)?;
            Some((u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?, from + count))
        };
        let found = match c {
            'n' => Some(('\n', self.at)),
            't' => Some(('\t', self.at)),
            'r' => Some(('\r', self.at)),
            '\n' => None,
            'x' => digits(self.at, 2),
            'u' if self.rest().starts_with('{') => {
                let end = self.rest().find('}').unwrap_or_default();
                let code = self.rest().get(1..end).and_then(|code| u32::from_str_radix(code, 16).ok());
                code.and_then(char::from_u32).map(|c| (c, self.at + end + 1))
            }
            'u' => digits(self.at, 4),
            c => Some((c, self.at)),
        };
        if let Some((c, at)) = found {
            out.push(c);
            self.at = at;
        }
    }

    /// Steps over a template with whatever is in it.
    fn template(&mut self) {
        let _ = self.template_text();
    }

    /// A template; names in it that stand for strings are filled in.
    fn template_text(&mut self) -> Option<String> {
        let mut out = Some(String::new());
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '`' => {
                    self.at += 1;
                    return out;
                }
                '\\' => {
                    self.at += 1;
                    self.escape(out.get_or_insert_with(String::new));
                }
                '$' if self.rest().starts_with("${") => {
                    self.at += 1;
                    let start = self.at;
                    if self.depth < MAX_DEPTH {
                        self.depth += 1;
                        self.group();
                        self.depth -= 1;
                    } else {
                        self.at += 1;
                    }
                    let inner = self.text.get(start + 1..self.at.saturating_sub(1)).unwrap_or_default().trim();
                    let text = self.named(inner).and_then(|value| value.text().map(str::to_owned));
                    out = out.zip(text).map(|(out, text)| out + &text);
                }
                c => {
                    self.at += c.len_utf8();
                    if let Some(out) = &mut out {
                        out.push(c);
                    }
                }
            }
        }
        None
    }

    fn named(&self, dotted: &str) -> Option<Literal> {
        let (first, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        let value = self.names.get(first)?;
        if rest.is_empty() { Some(value.clone()) } else { value.at(rest).cloned() }
    }

    /// A value up to the comma, bracket or semicolon after it.
    pub(super) fn value(&mut self) -> Literal {
        if self.depth >= MAX_DEPTH {
            self.skip_value();
            return Literal::Code;
        }
        self.depth += 1;
        let mut value = self.primary();
        self.depth -= 1;
        loop {
            let line_end = self.text[self.at..].find(|c: char| c != ' ' && c != '\t').map(|end| self.at + end);
            let new_line = line_end.is_none_or(|end| matches!(self.text.as_bytes().get(end), Some(b'\n' | b'\r')));
            self.blanks();
            match self.peek() {
                None | Some(b',' | b')' | b']' | b'}' | b';' | b':') => return value,
                Some(b'!') if !self.rest().starts_with("!=") => self.at += 1,
                Some(b'+') if matches!(value, Literal::Text(_)) => {
                    self.at += 1;
                    self.blanks();
                    let more = self.primary();
                    value = match (value.text(), more.text()) {
                        (Some(first), Some(more)) => Literal::Text(format!("{first}{more}").into()),
                        _ => Literal::Code,
                    };
                }
                Some(_) => {
                    let here = self.at;
                    let word = self.word();
                    if matches!(word, "as" | "satisfies") {
                        self.skip_value();
                        return value;
                    }
                    self.at = here;
                    // The next statement, without a semicolon between.
                    let begins = self.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'@');
                    if new_line && begins && self.depth == 0 && !matches!(word, "in" | "instanceof") {
                        return value;
                    }
                    self.skip_value();
                    return Literal::Code;
                }
            }
        }
    }

    fn skip_value(&mut self) {
        loop {
            let before = self.at;
            self.blanks();
            let crossed = self.text[before..self.at].contains('\n');
            match self.peek() {
                None | Some(b',' | b')' | b']' | b'}' | b';') => return,
                Some(byte) if crossed && self.depth == 0 && byte.is_ascii_alphabetic() => return,
                Some(_) => self.step(),
            }
        }
    }

    fn primary(&mut self) -> Literal {
        self.blanks();
        match self.peek() {
            Some(b'"' | b'\'') => self.string().map_or(Literal::Code, |text| Literal::Text(text.into())),
            Some(b'`') => self.template_text().map_or(Literal::Code, |text| Literal::Text(text.into())),
            Some(b'[') => self.array(),
            Some(b'{') => self.object(),
            Some(b'(') => self.parenthesis(),
            Some(b'-' | b'.' | b'0'..=b'9') => self.number(),
            Some(b'!') => {
                self.at += 1;
                match self.primary() {
                    Literal::Bool(flag) => Literal::Bool(!flag),
                    Literal::Number(number) => Literal::Bool(number == "0"),
                    _ => Literal::Code,
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') || byte >= 0x80 => self.name(),
            _ => {
                self.skip_value();
                Literal::Code
            }
        }
    }

    fn number(&mut self) -> Literal {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end.max(1);
        if rest[..end].bytes().any(|byte| byte.is_ascii_digit()) {
            Literal::Number(rest[..end].replace('_', ""))
        } else {
            Literal::Code
        }
    }

    fn parenthesis(&mut self) -> Literal {
        let start = self.at;
        self.group();
        let after = self.at;
        self.blanks();
        if self.rest().starts_with("=>") || self.rest().starts_with(':') {
            self.skip_value();
            return Literal::Code;
        }
        self.at = start + 1;
        let value = if self.depth < MAX_DEPTH {
            self.depth += 1;
            let value = self.value();
            self.depth -= 1;
            self.blanks();
            if self.peek() == Some(b')') { value } else { Literal::Code }
        } else {
            Literal::Code
        };
        self.at = after;
        value
    }

    fn array(&mut self) -> Literal {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.blanks();
            match self.peek() {
                None => return Literal::Code,
                Some(b']') => {
                    self.at += 1;
                    return Literal::List(members.into());
                }
                Some(b',') => self.at += 1,
                Some(_) if self.take("...") => match self.inner() {
                    Literal::List(more) => members.extend(more.iter().take(10_000).cloned()),
                    _ => members.push(Literal::Code),
                },
                Some(_) => {
                    let before = self.at;
                    members.push(self.inner());
                    if self.at == before {
                        self.character();
                    }
                }
            }
        }
    }

    /// A value within brackets: a new line does not end it.
    fn inner(&mut self) -> Literal {
        self.depth += 1;
        let value = self.value();
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Literal {
        let mut entries: Vec<(String, Literal)> = Vec::new();
        self.at += 1;
        loop {
            self.blanks();
            match self.peek() {
                None => return Literal::Code,
                Some(b'}') => {
                    self.at += 1;
                    return Literal::Object(entries.into());
                }
                Some(b',') => self.at += 1,
                Some(_) if self.take("...") => match self.inner() {
                    Literal::Object(more) => entries.extend(more.iter().take(10_000).cloned()),
                    _ => entries.push(("...".to_owned(), Literal::Code)),
                },
                Some(_) => {
                    let before = self.at;
                    if let Some(entry) = self.object_entry() {
                        entries.push(entry);
                    }
                    if self.at == before {
                        self.character();
                    }
                }
            }
        }
    }

    fn object_entry(&mut self) -> Option<(String, Literal)> {
        let key = match self.peek()? {
            b'"' | b'\'' => self.string(),
            b'[' => {
                self.group();
                None
            }
            _ => Some(self.word().to_owned()).filter(|word| !word.is_empty()).or_else(|| {
                self.step();
                None
            }),
        };
        self.blanks();
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                let value = self.inner();
                key.map(|key| (key, value))
            }
            Some(b',' | b'}') => key.map(|key| {
                let value = self.names.get(&key).cloned().unwrap_or(Literal::Code);
                (key, value)
            }),
            // A method, perhaps `async` or `get`.
            _ => {
                let name = if self.peek() == Some(b'(') { key } else { Some(self.spaced_word().to_owned()) };
                self.depth += 1;
                self.skip_value();
                self.depth -= 1;
                name.filter(|name| !name.is_empty()).map(|name| (name, Literal::Code))
            }
        }
    }

    fn name(&mut self) -> Literal {
        let word = self.word();
        match word {
            "true" => return Literal::Bool(true),
            "false" => return Literal::Bool(false),
            "null" | "undefined" => return Literal::Null,
            "function" | "class" | "new" | "async" | "await" | "typeof" | "void" => {
                self.skip_value();
                return Literal::Code;
            }
            "" => {
                self.step();
                return Literal::Code;
            }
            _ => {}
        }
        let mut value = self.names.get(word).cloned().unwrap_or(Literal::Code);
        let mut dotted = word.to_owned();
        loop {
            match self.peek() {
                Some(b'.') if !self.rest().starts_with("...") => {
                    self.at += 1;
                    let member = self.word();
                    value = value.entry(member).cloned().unwrap_or(Literal::Code);
                    dotted = format!("{dotted}.{member}");
                    if member.is_empty() {
                        return Literal::Code;
                    }
                }
                // Types between the name and its arguments: `defineConfig<Theme>({…})`.
                Some(b'<') => {
                    let Some(end) = self.rest().find(">(").filter(|&end| end < 200) else { return value };
                    self.at += end + 1;
                }
                Some(b'(') if self.depth < MAX_DEPTH => {
                    self.at += 1;
                    return Literal::Call(dotted, self.arguments());
                }
                _ => return value,
            }
        }
    }

    fn arguments(&mut self) -> Arc<[Literal]> {
        let mut arguments = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None => return arguments.into(),
                Some(b')') => {
                    self.at += 1;
                    return arguments.into();
                }
                Some(b',') => self.at += 1,
                Some(_) => {
                    let before = self.at;
                    arguments.push(self.inner());
                    if self.at == before {
                        self.character();
                    }
                }
            }
        }
    }
}
