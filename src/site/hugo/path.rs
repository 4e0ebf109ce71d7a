//! Names in urls, as Hugo cleans them.
//!
//! Source of the rules: Hugo's documentation of `urlize` and `disablePathToLower`, and what Hugo 0.111 and 0.168 publish.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How names are cleaned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cleaning {
    /// `disablePathToLower`.
    pub(super) keeps_case: bool,
    /// `removePathAccents`.
    pub(super) removes_accents: bool,
}

impl Cleaning {
    /// A title or a slug as a part of a url.
    pub(super) fn name(self, text: &str) -> String {
        let unaccented: String;
        let text = if self.removes_accents {
            unaccented = text.nfd().filter(|c| !is_combining_mark(*c)).nfc().collect();
            &unaccented
        } else {
            text
        };
        let mut out = String::with_capacity(text.len());
        let (mut was_hyphen, mut is_due) = (false, false);
        for (at, c) in text.char_indices() {
            if is_kept(c) || (c == '%' && is_code(text.get(at + 1..).unwrap_or_default())) {
                was_hyphen = c == '-';
                if std::mem::take(&mut is_due) && !was_hyphen {
                    out.push('-');
                }
                out.push(if self.keeps_case { c } else { lower(c) });
            } else if !out.is_empty() && !was_hyphen && c.is_whitespace() {
                is_due = true;
            }
        }
        out
    }

    /// A path of the content folder as a path of the site. Since 0.123 every blank becomes a hyphen, before runs of blanks
    /// and hyphens one did.
    pub(super) fn path(self, path: &str, is_old: bool) -> String {
        if is_old { self.name(path) } else { self.name(&path.replace(' ', "-")) }
    }
}

fn is_kept(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '.' | '/' | '\\' | '_' | '#' | '+' | '~' | '-' | '@')
}

fn is_code(rest: &str) -> bool {
    rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Go's lower case: one sign for one.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_as_hugo_does() {
        let cleaning = Cleaning { keeps_case: false, removes_accents: false };
        for (path, old, new) in [
            ("Big Case/My Page's (One) & Two", "big-case/my-pages-one-two", "big-case/my-pages-one--two"),
            ("a  --  b", "a--b", "a------b"),
            ("a_b+c~d@e,h;i!j=k$l'm\"n", "a_b+c~d@ehijklmn", "a_b+c~d@ehijklmn"),
            ("ünï côde", "ünï-côde", "ünï-côde"),
            ("dots.v1.2", "dots.v1.2", "dots.v1.2"),
        ] {
            assert_eq!(cleaning.path(path, true), old);
            assert_eq!(cleaning.path(path, false), new);
        }
        assert_eq!(cleaning.name("C++ & C# 100% «ok» 日本 a.b_c"), "c++-c#-100-ok-日本-a.b_c");
        assert_eq!(cleaning.name("STRASSE ß İ"), "strasse-ß-i");
        let plain = Cleaning { keeps_case: true, removes_accents: true };
        assert_eq!(plain.name("Ünï côde"), "Uni-code");
    }
}
