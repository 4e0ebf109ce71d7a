//! One part of a pattern against one name: `*`, `?`, `[a-z]`, `[!x]`, `[[:digit:]]` and `\`, byte by byte as git does it.
//!
//! Pure. Matching takes at most the product of both lengths.

/// A part of a pattern between two slashes.
#[derive(Debug)]
pub(super) enum Wildcard {
    /// No wildcard at all.
    Plain(Box<[u8]>),
    /// `*` and then nothing but this: what nearly every pattern ends in.
    EndsWith(Box<[u8]>),
    /// Anything else.
    Tokens(Vec<Token>),
}

/// What one or more bytes of a name must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Any number of any bytes.
    Star,
    /// Any one byte.
    Any,
    /// This byte.
    Byte(u8),
    /// A byte of these ranges, or of none of them.
    Class { negated: bool, ranges: Vec<(u8, u8)> },
}

impl Wildcard {
    /// Parses a part; what git would never match is an error.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            let token = match byte {
                b'*' => Token::Star,
                b'?' => Token::Any,
                b'[' => class(&mut rest)?,
                b'\\' => Token::Byte(take(&mut rest).ok_or("ends in a single backslash")?),
                _ => Token::Byte(byte),
            };
            if token != Token::Star || tokens.last() != Some(&Token::Star) {
                tokens.push(token);
            }
        }
        let bytes = |tokens: &[Token]| -> Option<Box<[u8]>> {
            tokens.iter().map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None }).collect()
        };
        if let Some(plain) = bytes(&tokens) {
            return Ok(Self::Plain(plain));
        }
        if let Some((Token::Star, end)) = tokens.split_first()
            && let Some(end) = bytes(end)
        {
            return Ok(Self::EndsWith(end));
        }
        Ok(Self::Tokens(tokens))
    }

    /// `*`.
    pub(super) fn star() -> Self {
        Self::EndsWith(Box::default())
    }

    /// Whether this matches every name.
    pub(super) fn is_star(&self) -> bool {
        matches!(self, Self::EndsWith(end) if end.is_empty())
    }

    /// Whether this matches one name only.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether the dot of a hidden name stands in the pattern itself.
    pub(super) fn has_leading_dot(&self) -> bool {
        match self {
            Self::Plain(name) => name.first() == Some(&b'.'),
            Self::EndsWith(_) => false,
            Self::Tokens(tokens) => tokens.first() == Some(&Token::Byte(b'.')),
        }
    }

    /// Whether the whole name matches.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Plain(plain) => **plain == *name,
            Self::EndsWith(end) => name.ends_with(end),
            Self::Tokens(tokens) => tokens_match(tokens, name),
        }
    }
}

/// Tries the shortest stretch for a star first; a later star makes it needless to come back to an earlier one.
fn tokens_match(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut byte) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let matched = match (tokens.get(token), name.get(byte)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                star = Some((token, byte));
                token += 1;
                continue;
            }
            (Some(Token::Any), Some(_)) => true,
            (Some(Token::Byte(wanted)), Some(found)) => wanted == found,
            (Some(Token::Class { negated, ranges }), Some(found)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&found)) != *negated
            }
            _ => false,
        };
        match (matched, star) {
            (true, _) => (token, byte) = (token + 1, byte + 1),
            (false, Some((at, from))) if from < name.len() => {
                star = Some((at, from + 1));
                (token, byte) = (at + 1, from + 1);
            }
            (false, _) => return false,
        }
    }
}

/// Parses a class behind its `[`.
fn class(rest: &mut &[u8]) -> Result<Token, &'static str> {
    const UNCLOSED: &str = "has a `[` without its `]`: write `\\[`";
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    if negated {
        take(rest);
    }
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    let mut first = true;
    loop {
        let byte = match take(rest).ok_or(UNCLOSED)? {
            b']' if !first => return Ok(Token::Class { negated, ranges }),
            b'[' if rest.first() == Some(&b':') => {
                let end = rest.windows(2).position(|two| two == b":]");
                if let Some(end) = end.filter(|end| *end > 0) {
                    ranges.extend(named_class(&rest[1..end])?);
                    *rest = &rest[end + 2..];
                    first = false;
                    continue;
                }
                b'['
            }
            b'\\' => take(rest).ok_or(UNCLOSED)?,
            byte => byte,
        };
        first = false;
        if let [b'-', to, ..] = **rest
            && to != b']'
        {
            take(rest);
            take(rest);
            let to = if to == b'\\' { take(rest).ok_or(UNCLOSED)? } else { to };
            ranges.push((byte, to));
        } else {
            ranges.push((byte, byte));
        }
    }
}

fn named_class(name: &[u8]) -> Result<Vec<(u8, u8)>, &'static str> {
    Ok(match name {
        b"alnum" => vec![(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => vec![(b'A', b'Z'), (b'a', b'z')],
        b"blank" => vec![(b' ', b' '), (b'\t', b'\t')],
        b"cntrl" => vec![(0, 31), (127, 127)],
        b"digit" => vec![(b'0', b'9')],
        b"graph" => vec![(33, 126)],
        b"lower" => vec![(b'a', b'z')],
        b"print" => vec![(32, 126)],
        b"punct" => vec![(33, 47), (58, 64), (91, 96), (123, 126)],
        b"space" => vec![(b'\t', b'\r'), (b' ', b' ')],
        b"upper" => vec![(b'A', b'Z')],
        b"xdigit" => vec![(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return Err("has a class between `[:` and `:]` that does not exist"),
    })
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (&byte, after) = rest.split_first()?;
    *rest = after;
    Some(byte)
}
