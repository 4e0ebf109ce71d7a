//! What kramdown reads within a line: quotes and dashes that become typographic, attribute lists, math, extensions.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::attributes::attributes;

/// As far as what begins within a line may reach: longer ones are nobody's, and looking for their ends takes time.
const MAX_REACH: usize = 1_000;

/// How text is written.
pub(super) struct Inline {
    /// Left and right single, left and right double quotes; `None`: they stay.
    quotes: Option<[String; 4]>,
    /// Labels of reference links that are defined.
    labels: HashSet<String>,
    /// What the last line left open.
    open: Open,
}

/// What goes on with the next line of a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Comment,
    Tag,
    /// Code between so many signs.
    Code(usize),
}

impl Inline {
    /// Reads `kramdown.smart_quotes`.
    pub(super) fn new(options: &Value, labels: HashSet<String>) -> Self {
        let names: Vec<String> = match &options["smart_quotes"] {
            Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
            Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => ["lsquo", "rsquo", "ldquo", "rdquo"].map(str::to_owned).to_vec(),
        };
        let sign = |name: &str| match name {
            "lsquo" => "‘".to_owned(),
            "rsquo" => "’".to_owned(),
            "ldquo" => "“".to_owned(),
            "rdquo" => "”".to_owned(),
            "sbquo" => "‚".to_owned(),
            "bdquo" => "„".to_owned(),
            "laquo" => "«".to_owned(),
            "raquo" => "»".to_owned(),
            "apos" => "'".to_owned(),
            "quot" => "\"".to_owned(),
            other => format!("&{other};"),
        };
        let signs: Vec<String> = names.iter().map(|name| sign(name)).collect();
        Self { quotes: signs.try_into().ok(), labels, open: Open::Nothing }
    }

    /// Ends the paragraph.
    pub(super) fn end(&mut self) {
        self.open = Open::Nothing;
    }

    /// Whether a comment or a tag goes on with the next line.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.open, Open::Comment | Open::Tag)
    }

    /// Whether a reference link of this label leads somewhere.
    pub(super) fn defines(&self, label: &str) -> bool {
        self.labels.contains(&label.to_lowercase())
    }

    /// Rewrites one line of prose; code, tags and where links lead stay.
    pub(super) fn rewrite<'t>(&mut self, line: &'t str) -> Cow<'t, str> {
        if self.open == Open::Nothing && !line.contains(['{', '$', '"', '\'', '-', '.', '<', '>', '`', ']']) {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len() + 16);
        let mut at = self.closed(line);
        out.push_str(&line[..at]);
        // The character before, unless it ends what is no text.
        let mut before: Option<char> = None;
        while let Some(c) = line[at..].chars().next() {
            let rest = &line[at..];
            let element = match c {
                '`' => self.code(rest),
                '\\' => rest[1..].chars().next().map_or(1, |escaped| 1 + escaped.len_utf8()),
                '<' => self.tag(rest),
                ']' => target(head(rest)),
                '[' if rest.starts_with("[^") => 2,
                _ => 0,
            };
            if element > 0 {
                out.push_str(&rest[..element]);
                at += element;
                before = None;
                continue;
            }
            let (written, taken): (Cow<'_, str>, usize) = match c {
                ']' if self.has_label(head(rest)) => ("]".into(), 2),
                '{' => extension(head(rest), before.is_none() && (at > 0 || rest.starts_with("{::")) || is_sign(&out)),
                '$' => math(head(rest)),
                '-' if rest.starts_with("---") => ("—".into(), 3),
                '-' if rest.starts_with("--") => ("–".into(), 2),
                '.' if rest.starts_with("...") => ("…".into(), 3),
                '<' if rest.starts_with("<<") => ("«".into(), 2),
                '>' if rest.starts_with(">>") && at > 0 => ("»".into(), 2),
                '"' | '\'' => self.quote(c, before, &rest[1..]),
                _ => ("".into(), 0),
            };
            if taken == 0 {
                out.push(c);
                at += c.len_utf8();
                before = Some(c).filter(|c| !matches!(c, '*' | '_'));
            } else {
                out.push_str(&written);
                at += taken;
                before = Some(c).filter(|c| !matches!(c, '{' | '$'));
            }
        }
        Cow::Owned(out)
    }

    /// Where in a line ends what the lines before it left open.
    fn closed(&mut self, line: &str) -> usize {
        let (sign, open) = match self.open {
            Open::Nothing => return 0,
            Open::Comment => ("-->".to_owned(), Open::Comment),
            Open::Tag => (">".to_owned(), Open::Tag),
            Open::Code(ticks) => ("`".repeat(ticks), Open::Code(ticks)),
        };
        let end = line.find(&sign).map(|end| end + sign.len());
        self.open = if end.is_some() { Open::Nothing } else { open };
        end.unwrap_or(line.len())
    }

    /// The length of a code span; one that this line does not end goes on.
    fn code(&mut self, rest: &str) -> usize {
        let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
        let mut at = ticks;
        let near = head(rest);
        while let Some(open) = near.get(at..).and_then(|rest| rest.find('`')).map(|open| at + open) {
            let length = near[open..].bytes().take_while(|byte| *byte == b'`').count();
            at = open + length;
            if length == ticks {
                return at;
            }
        }
        self.open = if near.len() == rest.len() { Open::Code(ticks) } else { Open::Nothing };
        if self.open == Open::Nothing { ticks } else { rest.len() }
    }

    /// The length of a tag, a comment or a link in `<>`; 0: it is none. One that this line does not end goes on.
    fn tag(&mut self, rest: &str) -> usize {
        let (inner, near) = (&rest[1..], head(rest));
        let is_comment = inner.starts_with("!--");
        if !is_comment && !inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            return 0;
        }
        let sign = if is_comment { "-->" } else { ">" };
        if let Some(end) = near.find(sign) {
            return end + sign.len();
        }
        // A name that a blank or the line's end follows; `<y` in a formula may be one, but no more than that.
        let name = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(inner.len());
        let is_tag = inner[name..].is_empty() || inner[name..].starts_with(char::is_whitespace);
        if near.len() < rest.len() || !(is_comment || is_tag) {
            return 0;
        }
        self.open = if is_comment { Open::Comment } else { Open::Tag };
        rest.len()
    }

    /// `] [label]`: to kramdown a link's text and its label may stand apart.
    fn has_label(&self, rest: &str) -> bool {
        let label = rest.strip_prefix("] [").and_then(|rest| rest.split_once(']')).map(|(label, _)| label);
        label.is_some_and(|label| self.defines(label))
    }

    /// The typographic quote for a straight one, by the rules of kramdown's `smart_quotes`.
    fn quote(&self, quote: char, before: Option<char>, after: &str) -> (Cow<'static, str>, usize) {
        let Some([left_single, right_single, left_double, right_double]) = &self.quotes else {
            return ("".into(), 0);
        };
        let of = |is_left: bool, quote: char| match (is_left, quote) {
            (true, '\'') => left_single,
            (false, '\'') => right_single,
            (true, _) => left_double,
            (false, _) => right_double,
        };
        let mut next = after.chars();
        let (first, second) = (next.next(), next.next());
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let is_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if let Some(other) = first.filter(|first| matches!(first, '"' | '\'') && *first != quote && is_word(second)) {
            return (format!("{}{}", of(true, quote), of(true, other)).into(), 2);
        }
        let is_before_sign = first.is_some_and(|c| c.is_ascii_punctuation())
            && is_word(first) == is_word(second)
            && !after[1..].starts_with("..");
        let is_left = if matches!(first, Some('_' | '*')) && opens(after) {
            true
        } else if is_before_sign || (quote == '\'' && is_decade(after)) {
            false
        } else if before.is_some_and(char::is_whitespace) && is_word(first) {
            true
        } else if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '\\' | '[' | '{' | '(' | '-')) {
            false
        } else {
            !(is_blank(first) || (first == Some('s') && !is_word(second)))
        };
        (of(is_left, quote).clone().into(), 1)
    }
}

/// `*word` or `**word`.
fn opens(after: &str) -> bool {
    let signs = after.chars().take_while(|c| matches!(c, '*' | '_')).count();
    let next = after.chars().nth(signs);
    signs > 2 || next.is_some_and(|c| !c.is_whitespace())
}

/// `80s`.
fn is_decade(after: &str) -> bool {
    let bytes = after.as_bytes();
    matches!(bytes, [b'0'..=b'9', b'0'..=b'9', b's', ..])
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_REACH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The length of `](url "title")`; 0: the bracket ends no link.
fn target(rest: &str) -> usize {
    if !rest.starts_with("](") {
        return 0;
    }
    let (mut depth, mut quote): (usize, Option<char>) = (0, None);
    for (at, c) in rest.char_indices() {
        if let Some(open) = quote {
            quote = Some(open).filter(|open| *open != c);
            continue;
        }
        match c {
            '"' | '\'' if rest[..at].ends_with(' ') => quote = Some(c),
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    0
}

type Piece<'a> = (Cow<'a, str>, usize);

/// Whether a line so far is but the sign of a list's item.
fn is_sign(line: &str) -> bool {
    let sign = line.trim();
    matches!(sign, "-" | "*" | "+")
        || sign
            .strip_suffix('.')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An attribute list after what it belongs to, `{::comment}…{:/comment}` and the like.
fn extension(rest: &str, follows_element: bool) -> Piece<'_> {
    if let Some((_, length)) = attributes(rest).filter(|_| follows_element) {
        return ("".into(), length);
    }
    if !rest.starts_with("{::") && !rest.starts_with("{:/") {
        return ("".into(), 0);
    }
    let Some(end) = rest.find('}').map(|end| end + 1) else { return ("".into(), 0) };
    if rest.starts_with("{::comment}") {
        let close = ["{:/comment}", "{:/}"].into_iter().find_map(|close| Some(rest.find(close)? + close.len()));
        return ("".into(), close.unwrap_or(end));
    }
    ("".into(), end)
}

/// `$$x$$` is code to Markdown: nothing in it is a sign of its own.
fn math(rest: &str) -> Piece<'_> {
    let Some(inner) = rest.strip_prefix("$$") else { return ("".into(), 0) };
    match inner.find("$$").filter(|end| *end > 0 && !inner[..*end].contains('`')) {
        Some(end) => (format!("`{}`", inner[..end].trim()).into(), end + 4),
        None => ("".into(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_typographic_and_code_is_not() {
        let mut inline = Inline::new(&Value::Null, HashSet::from(["b".to_owned()]));
        for (line, expected) in [
            ("\"It's\" 'so' -- or --- well...", "“It’s” ‘so’ – or — well…"),
            ("`--x \"y\"` \\\"z\\\" <a href=\"b--c\">", "`--x \"y\"` \\\"z\\\" <a href=\"b--c\">"),
            ("[it's](a--b \"c\"){:target=\"_blank\"}", "[it’s](a--b \"c\")"),
            ("**\"bold\"** (\"in\") the '80s", "**“bold”** (“in”) the ’80s"),
            ("\"'both' of\" `x`'s", "“‘both’ of” `x`’s"),
            ("$$a_1 \"b\"$$ {::comment}no{:/comment}yes <<q>>", "`a_1 \"b\"` yes «q»"),
            ("a { b } {: c", "a { b } {: c"),
            ("[a] [B] [c] [d]", "[a][B] [c] [d]"),
        ] {
            assert_eq!(inline.rewrite(line), expected, "{line}");
            inline.end();
        }
        let lines = ["a <!-- \"x\"", "y--z --> \"b\" `c", "\"d` \"e\""].map(|line| inline.rewrite(line).into_owned());
        assert_eq!(lines, ["a <!-- \"x\"", "y--z --> “b” `c", "\"d` “e”"]);
        let mut straight = Inline::new(&serde_json::json!({"smart_quotes": "apos,apos,quot,quot"}), HashSet::new());
        assert_eq!(straight.rewrite("\"It's\""), "\"It's\"");
    }

    #[test]
    fn many_signs_take_linear_time() {
        let mut inline = Inline::new(&Value::Null, HashSet::from(["b".to_owned()]));
        for piece in ["](", "{:", "{::comment}", "$$", "`", "<a", "\"", "'\"a", "--", "[^"] {
            let _ = inline.rewrite(&piece.repeat(4_000));
        }
    }
}
