//! Tags of HTML, JSX and Vue, and the expressions in them, as far as their text goes.

use crate::site::literal::{Literal, expression};

/// A tag as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::render::dialect) struct Tag<'t> {
    /// Empty for a fragment.
    pub(in crate::render::dialect) name: &'t str,
    pub(in crate::render::dialect) attributes: Vec<Attribute<'t>>,
    pub(in crate::render::dialect) is_end: bool,
    pub(in crate::render::dialect) ends_itself: bool,
    /// How long it is, in bytes.
    pub(in crate::render::dialect) len: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::render::dialect) struct Attribute<'t> {
    pub(in crate::render::dialect) name: &'t str,
    pub(in crate::render::dialect) value: Value<'t>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render::dialect) enum Value<'t> {
    None,
    Text(&'t str),
    /// What stands in braces.
    Code(&'t str),
}

impl<'t> Tag<'t> {
    /// The tag that a text begins with. `looked` counts the bytes that were looked at in vain.
    pub(in crate::render::dialect) fn parse(text: &'t str, is_mdx: bool, looked: &mut usize) -> Option<Self> {
        const MAX_BYTES: usize = 64 * 1024;
        let bytes = text.as_bytes();
        let mut at = 1;
        let is_end = bytes.get(at) == Some(&b'/');
        at += usize::from(is_end);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let end = bytes[at..].iter().position(|&byte| !is_name(byte)).map_or(bytes.len(), |end| at + end);
        let name = &text[at..end];
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !(begins || (is_mdx && name.is_empty() && bytes.get(end) == Some(&b'>'))) {
            return None;
        }
        at = end;
        let mut tag = Self { name, attributes: Vec::new(), is_end, ends_itself: false, len: 0 };
        if !matches!(bytes.get(at), Some(b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r')) {
            return None;
        }
        loop {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            if at > MAX_BYTES {
                break;
            }
            match bytes.get(at) {
                Some(b'>') => {
                    tag.len = at + 1;
                    return Some(tag);
                }
                Some(b'/') => {
                    tag.ends_itself = bytes.get(at + 1) == Some(&b'>');
                    at += 1;
                }
                Some(b'{') if is_mdx => match braces(&text[at..]) {
                    Some(len) => at += len,
                    None => break,
                },
                None | Some(b'<') => break,
                Some(_) => match attribute(text, at, is_mdx) {
                    Some((attribute, end)) => {
                        tag.attributes.push(attribute);
                        at = end;
                    }
                    None => break,
                },
            }
        }
        // What was looked at within braces and quotes is not more than this.
        *looked += at + (bytes.len() - at.min(bytes.len())).min(MAX_BYTES);
        None
    }

    /// Whether it is a component and no element of HTML.
    pub(in crate::render::dialect) fn is_component(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_uppercase()) || self.name.contains(['-', '.', '_'])
    }

    /// The text of an attribute: as written, or what a literal in braces or of a bound attribute says.
    pub(in crate::render::dialect) fn text(&self, name: &str) -> Option<String> {
        self.attributes.iter().find_map(|attribute| {
            let bound = attribute.name.strip_prefix("v-bind:").or_else(|| attribute.name.strip_prefix(':'));
            match (attribute.value, bound) {
                (Value::Text(text), None) if attribute.name == name => Some(text.to_owned()),
                (Value::Text(code), Some(bound)) if bound == name => literal(code),
                (Value::Code(code), None) if attribute.name == name => literal(code),
                _ => None,
            }
        })
    }

    /// The value of an attribute in braces.
    pub(in crate::render::dialect) fn value(&self, name: &str) -> Option<Literal> {
        self.attributes.iter().find_map(|attribute| match attribute.value {
            Value::Code(code) if attribute.name == name => Some(expression(code)),
            _ => None,
        })
    }

    pub(in crate::render::dialect) fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute.name == name)
    }
}

fn attribute(text: &str, start: usize, is_mdx: bool) -> Option<(Attribute<'_>, usize)> {
    const MAX_BYTES: usize = 64 * 1024;
    let bytes = &text.as_bytes()[..text.len().min(start + MAX_BYTES)];
    let ends = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\'' | b'<');
    let end = bytes[start..].iter().position(|&byte| ends(byte)).map_or(bytes.len(), |end| start + end);
    if end == start {
        return None;
    }
    let name = text.get(start..end)?;
    let mut at = end;
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    if bytes.get(at) != Some(&b'=') {
        return Some((Attribute { name, value: Value::None }, end));
    }
    at += 1;
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    let (value, end) = match bytes.get(at)? {
        quote @ (b'"' | b'\'') => {
            let len = bytes[at + 1..].iter().position(|byte| byte == quote)?;
            (Value::Text(&text[at + 1..at + 1 + len]), at + len + 2)
        }
        b'{' if is_mdx => {
            let len = braces(&text[at..])?;
            (Value::Code(&text[at + 1..at + len - 1]), at + len)
        }
        _ => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
            let len = bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
            (Value::Text(text.get(at..at + len)?), at + len)
        }
    };
    Some((Attribute { name, value }, end))
}

/// How long the braces are that a text begins with, strings and comments in them seen as such.
pub(in crate::render::dialect) fn braces(text: &str) -> Option<usize> {
    const MAX_BYTES: usize = 64 * 1024;
    let bytes = &text.as_bytes()[..text.len().min(MAX_BYTES)];
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at += 2 + text.get(at + 2..)?.find("*/")?;
            }
            quote @ (b'"' | b'`') => {
                let mut escaped = false;
                let end = bytes[at + 1..].iter().position(|&byte| {
                    let ends = byte == quote && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                });
                at += 1 + end?;
            }
            // An apostrophe may stand in text between tags.
            b'\'' => {
                let line = bytes[at + 1..].iter().take_while(|&&byte| byte != b'\n');
                at += line.clone().position(|&byte| byte == b'\'').map_or(0, |end| end + 1);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// What a literal says; `None` for code.
pub(in crate::render::dialect) fn literal(code: &str) -> Option<String> {
    match expression(code.trim()) {
        Literal::Text(text) => Some(text.to_string()),
        Literal::Number(number) => Some(number),
        _ => None,
    }
}
