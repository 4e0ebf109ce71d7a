//! Raw HTML in pieces: start tags, end tags, text, comments, each with its offset. Reads what people and generators
//! write, never fails, and takes time linear in its input.
//!
//! It need not read HTML to the letter of the standard: what is written is built anew from these pieces, by
//! [`super::writer`], so that a misreading can cost text, but can never let anything through.

use std::borrow::Cow;

/// One piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text, character references and all.
    Text(&'a str),
    /// A start tag: its name as written, its attributes, names in lower case, values as written, and whether it ends
    /// itself (`<x/>`), which people write for any element.
    Start(&'a str, Vec<Attribute<'a>>, bool),
    /// An end tag: its name as written.
    End(&'a str),
    /// What stands between `<!--` and `-->`; the flag is `false` where the latter is missing.
    Comment(&'a str, bool),
}

/// An attribute's name in lower case and its value as written.
pub(super) type Attribute<'a> = (Cow<'a, str>, &'a str);

/// Elements whose content is text to the end tag and nothing else.
const RAW_TEXT: &[&str] =
    &["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"];

/// The pieces of a text, with the offset of each.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    source: &'a str,
    at: usize,
    /// Inside an element of [`RAW_TEXT`].
    raw_text: Option<&'a str>,
    /// A search for the end of a comment found nothing, and would find nothing again.
    no_comment_end: bool,
    /// How many more tags may turn out not to end; each of them is looked at to the end of the text.
    patience: u8,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, raw_text: None, no_comment_end: false, patience: 16 }
    }

    /// The text of an element of [`RAW_TEXT`], up to its end tag.
    fn raw_text(&mut self, name: &str) -> Token<'a> {
        let rest = &self.source[self.at..];
        let mut from = 0;
        let end = loop {
            let Some(found) = rest[from..].find("</") else { break rest.len() };
            let at = from + found;
            let after = &rest.as_bytes()[at + 2..];
            let is_end = after.len() >= name.len()
                && after[..name.len()].eq_ignore_ascii_case(name.as_bytes())
                && after.get(name.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            if is_end {
                break at;
            }
            from = at + 2;
        };
        self.at += end;
        Token::Text(&rest[..end])
    }

    fn comment(&mut self) -> Token<'a> {
        let body = &self.source[self.at + 4..];
        // `<!-->` and `<!--->` are whole comments.
        if let Some(short) = [">", "->"].into_iter().find(|end| body.starts_with(end)) {
            self.at += 4 + short.len();
            return Token::Comment("", true);
        }
        let end = if self.no_comment_end { None } else { body.find("-->") };
        if let Some(end) = end {
            self.at += 4 + end + 3;
            Token::Comment(&body[..end], true)
        } else {
            self.no_comment_end = true;
            self.at = self.source.len();
            Token::Comment(body, false)
        }
    }

    /// A tag, declaration or instruction that begins at `<`; `None` where it is a mere `<`.
    fn tag(&mut self) -> Option<Token<'a>> {
        let rest = &self.source[self.at..];
        let bytes = rest.as_bytes();
        match bytes.get(1)? {
            b'!' if rest.starts_with("<!--") => Some(self.comment()),
            b'!' | b'?' => {
                let close = if rest.starts_with("<![CDATA[") { "]]>" } else { ">" };
                let end = rest.find(close)?;
                self.at += end + close.len();
                Some(Token::Comment("", true))
            }
            b'/' if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => {
                let name = name_at(rest, 2);
                let end = rest.find('>')?;
                self.at += end + 1;
                Some(Token::End(name))
            }
            byte if byte.is_ascii_alphabetic() => {
                let name = name_at(rest, 1);
                let (attributes, length) = attributes(rest, 1 + name.len())?;
                self.at += length;
                let is = |raw: &&str| raw.eq_ignore_ascii_case(name);
                // A browser lets no element end itself; these four are never written for their own sake.
                let ends_itself = rest[..length].ends_with("/>") && !RAW_TEXT[..4].iter().any(is);
                if !ends_itself && RAW_TEXT.iter().any(is) {
                    self.raw_text = Some(name);
                }
                Some(Token::Start(name, attributes, ends_itself))
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(name) = self.raw_text.take() {
            let start = self.at;
            if start < self.source.len() {
                return Some((start, self.raw_text(name)));
            }
        }
        let start = self.at;
        let mut search = start;
        loop {
            let Some(found) = self.source[search..].find('<') else {
                self.at = self.source.len();
                return (start < self.at).then(|| (start, Token::Text(&self.source[start..])));
            };
            let open = search + found;
            let next = self.source.as_bytes().get(open + 1);
            if !next.is_some_and(|&byte| byte.is_ascii_alphabetic() || matches!(byte, b'!' | b'?' | b'/')) {
                search = open + 1;
                continue;
            }
            if open > start {
                self.at = open;
                return Some((start, Token::Text(&self.source[start..open])));
            }
            if let Some(token) = self.tag() {
                return Some((start, token));
            }
            // A tag that never ends is text; too many of them, and the rest is.
            self.patience = self.patience.saturating_sub(1);
            self.at = if self.patience > 0 { open + 1 } else { self.source.len() };
            return Some((start, Token::Text(&self.source[open..self.at])));
        }
    }
}

fn name_at(tag: &str, from: usize) -> &str {
    let name = &tag[from..];
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(name.len());
    &name[..end]
}

/// The attributes of a start tag and the length of the whole tag; `None` where it does not end.
fn attributes(tag: &str, from: usize) -> Option<(Vec<Attribute<'_>>, usize)> {
    let bytes = tag.as_bytes();
    let mut attributes = Vec::new();
    let mut at = from;
    let skip = |mut at: usize, what: fn(u8) -> bool| {
        while bytes.get(at).is_some_and(|&byte| what(byte)) {
            at += 1;
        }
        at
    };
    loop {
        at = skip(at, |byte| byte.is_ascii_whitespace() || byte == b'/');
        if *bytes.get(at)? == b'>' {
            return Some((attributes, at + 1));
        }
        let name_start = at;
        at = skip(at + 1, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>' | b'='));
        let name = tag.get(name_start..at)?;
        let after = skip(at, |byte| byte.is_ascii_whitespace());
        let mut value = "";
        if bytes.get(after) == Some(&b'=') {
            at = skip(after + 1, |byte| byte.is_ascii_whitespace());
            if let quote @ (b'"' | b'\'') = *bytes.get(at)? {
                let end = at + 1 + tag[at + 1..].find(char::from(quote))?;
                value = &tag[at + 1..end];
                at = end + 1;
            } else {
                let end = skip(at, |byte| !byte.is_ascii_whitespace() && byte != b'>');
                value = &tag[at..end];
                at = end;
            }
        }
        let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        // The first one counts, as in a browser; and nobody needs more of them than this.
        if attributes.len() < 64 && attributes.iter().all(|(other, _)| *other != name) {
            attributes.push((name, value));
        }
    }
}

/// The value of an attribute with the character references undone that matter to a url: the numeric ones and those of
/// ASCII. What is left is written with its `&` escaped, so that it stands for itself and for nothing else.
pub(super) fn unescape(value: &str) -> Cow<'_, str> {
    const NAMED: &[(&str, &str)] = &[
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", "\u{a0}"),
        ("colon", ":"),
        ("sol", "/"),
        ("num", "#"),
        ("quest", "?"),
        ("equals", "="),
        ("Tab", "\t"),
        ("NewLine", "\n"),
        ("lpar", "("),
        ("rpar", ")"),
        ("commat", "@"),
        ("period", "."),
        ("lowbar", "_"),
        ("percnt", "%"),
    ];
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().skip(1).take(32).position(|byte| byte == b';').map(|end| end + 1);
        let decoded = end.and_then(|end| {
            let name = &rest[1..end];
            let code = match name.strip_prefix('#') {
                Some(number) => number.strip_prefix(['x', 'X']).map_or_else(
                    || number.parse::<u32>().ok(),
                    |hexadecimal| u32::from_str_radix(hexadecimal, 16).ok(),
                ),
                None => return NAMED.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()),
            };
            code.and_then(char::from_u32).map(String::from)
        });
        if let (Some(text), Some(end)) = (decoded, end) {
            out.push_str(&text);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(html: &str) -> String {
        Tokens::new(html).map(|(at, token)| format!("{at} {token:?}")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn tags_text_and_comments_come_in_order() {
        insta::assert_snapshot!(read("a<B Class=x data-y='1 > 2' hidden>b</B ><!-- c --><br/>"), @r#"
        0 Text("a")
        1 Start("B", [("class", "x"), ("data-y", "1 > 2"), ("hidden", "")], false)
        34 Text("b")
        35 End("B")
        40 Comment(" c ", true)
        50 Start("br", [], true)
        "#);
    }

    #[test]
    fn a_mere_sign_is_text_and_a_tag_without_end_as_well() {
        insta::assert_snapshot!(read("1 < 2 <3 <a href='x"), @r#"
        0 Text("1 < 2 <3 ")
        9 Text("<")
        10 Text("a href='x")
        "#);
        insta::assert_snapshot!(read("<a 'x> <b>"), @r#"
        0 Start("a", [("'x", "")], false)
        6 Text(" ")
        7 Start("b", [], false)
        "#);
    }

    #[test]
    fn raw_text_ends_only_with_its_own_end_tag() {
        insta::assert_snapshot!(read("<script>if (a<b) '</b>' <!-- </scripty></SCRIPT >x"), @r#"
        0 Start("script", [], false)
        8 Text("if (a<b) '</b>' <!-- </scripty>")
        39 End("SCRIPT")
        49 Text("x")
        "#);
    }

    #[test]
    fn comments_without_end_say_so() {
        insta::assert_snapshot!(read("<!--><!---><!-- a <b>"), @r#"
        0 Comment("", true)
        5 Comment("", true)
        11 Comment(" a <b>", false)
        "#);
    }

    #[test]
    fn references_that_hide_a_scheme_are_undone() {
        assert_eq!(unescape("&#106;ava&#x73;cript&colon;x&Tab;&bogus;&"), "javascript:x\t&bogus;&");
        assert_eq!(unescape("&#xffffffff;&#0;é&é;"), "&#xffffffff;\0é&é;");
    }

    #[test]
    fn many_signs_take_linear_time() {
        for piece in [
            "<a >b='>",
            "<a b='>'<a ",
            "<![CDATA[>",
            "<",
            "<a ",
            "<!--",
            "</a",
            "<a b='",
            "<![CDATA[",
            "<!x",
            "<a<",
            "<script></",
        ] {
            let many = piece.repeat(200_000 / piece.len());
            assert!(Tokens::new(&many).count() > 0);
            assert!(Tokens::new(&(many + "<a x='>")).count() > 0);
        }
    }

    proptest! {
        #[test]
        fn every_byte_of_text_is_read_once(html in "[<>/!a-c='\" &;\\-é]{0,60}") {
            let mut last = 0;
            for (at, _) in Tokens::new(&html) {
                prop_assert!(at >= last && html.is_char_boundary(at));
                last = at + 1;
            }
            let _ = unescape(&html);
        }
    }
}
