//! Constructs of generators that this renderer does not understand, by name. Their text is sent as it stands; a person
//! should know. Looks at prose, and in code only for lines that a generator replaces before it knows what is code.

/// The name of the construct that a line of prose begins with; what follows the line may follow here.
pub(super) fn of_line(text: &str, is_mdx: bool) -> Option<String> {
    const STARTS: &[(&str, &str)] = &[
        (":::", "`:::` container"),
        ("!!!", "`!!!` admonition"),
        ("???", "`???` collapsible admonition"),
        ("===", "`===` content tab"),
        ("///", "`///` block"),
        ("--8<--", "`--8<--` snippet"),
        (";--8<--", "`--8<--` snippet"),
        ("<<<", "`<<<` code import"),
        ("@[code", "`@[code]` import"),
        ("@include", "`@include`"),
        ("[TOC]", "`[TOC]`"),
        ("+++", "`+++` block break"),
        ("^^^", "`^^^` block"),
    ];
    let first = *text.as_bytes().first()?;
    let line = || head(text);
    match first {
        b':' | b'!' | b'?' | b'=' | b'/' | b'-' | b';' | b'<' | b'@' | b'[' | b'+' | b'^' => {}
        b'%' if text.starts_with("% ") => return Some("`%` comment".to_owned()),
        b'(' => return label(line()),
        b'.' if text.starts_with(".. ") && line().contains("::") => return Some("`..` directive".to_owned()),
        b'i' | b'e' if is_mdx => {
            let word = ["import ", "export "].into_iter().find(|word| text.starts_with(word))?;
            return Some(format!("`{}` line", word.trim_end()));
        }
        _ => return None,
    }
    let (start, name) = STARTS.iter().find(|(start, _)| text.starts_with(start))?;
    let line = line();
    // `!!!` and its like need a word or a title after them; many exclamation marks are only that.
    let rest = line[start.len()..].trim_start_matches([first.into(), '+', ' ']);
    let needs_word = matches!(*start, "!!!" | "???" | "===" | "///");
    let has_word = rest.starts_with(|c: char| c.is_alphanumeric() || c == '"');
    (!needs_word || (has_word && line[start.len()..].starts_with([' ', '+']))).then(|| (*name).to_owned())
}

/// A target of `MyST`: `(name)=` on a line of its own.
fn label(line: &str) -> Option<String> {
    let inner = line.trim_end().strip_prefix('(')?.strip_suffix(")=")?;
    (!inner.is_empty() && !inner.contains(')')).then(|| "`(label)=` target".to_owned())
}

/// The name of a construct that begins at the start of `text`, within a line of prose. What follows the present piece of
/// text is looked at up to the end of the line.
pub(super) fn within_line(text: &str, is_mdx: bool) -> Option<&'static str> {
    let line = || head(text);
    match text.as_bytes() {
        [b'{', b'%', ..] => line().contains("%}").then_some("`{% %}` tag"),
        [b'{', b'{', b'#', ..] => line().contains("}}").then_some("`{{#include}}`"),
        [b'{', b'{', ..] => line().contains("}}").then_some("`{{ }}` expression"),
        [b'{', b':', ..] => line().contains('}').then_some("`{: }` attribute list"),
        [b'{', ..] if is_mdx => Some("`{}` expression"),
        [b'<', b'A'..=b'Z', ..] if is_mdx => Some("JSX component"),
        // MyST: a role is a word in braces, then code.
        [b'{', ..] => {
            let (name, rest) = line()[1..].split_once('}')?;
            let is_word =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
            (is_word && rest.starts_with('`')).then_some("`{role}`")
        }
        [b'[', b'[', ..] => line().contains("]]").then_some("`[[wiki]]` link"),
        [b'$', b'$', ..] => Some("`$$` math"),
        _ => None,
    }
}

/// The rest of the line, as far as a construct of a person's reaches.
fn head(text: &str) -> &str {
    let mut end = text.len().min(512);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].lines().next().unwrap_or_default()
}

/// The name of the construct that a code fence's info string makes of it.
pub(super) fn of_fence(info: &str) -> Option<String> {
    let name = info.trim().strip_prefix('{')?.split_once('}')?.0;
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
    // `{.python}` is Pandoc's way to name a language.
    (is_word && !name.starts_with('.')).then(|| format!("`{{{name}}}` directive"))
}

/// The name of the construct that stands in a line of code: the includes of mdBook and of `PyMdown`, which work on the
/// bare text of a document.
pub(super) fn of_code(line: &str) -> Option<&'static str> {
    let line = line.trim();
    if line.starts_with("{{#") && line.ends_with("}}") {
        Some("`{{#include}}`")
    } else if line.starts_with("--8<-- \"") {
        Some("`--8<--` snippet")
    } else {
        None
    }
}

/// The name of the construct that a comment is.
pub(super) fn of_comment(inner: &str) -> Option<&'static str> {
    let word = inner.trim_start();
    if word.starts_with("@include") || word.starts_with("#include") { Some("`<!-- @include -->`") } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_and_prose_is_not() {
        for (line, name) in [
            (":::tip Title", Some("`:::` container")),
            ("!!! note \"Title\"", Some("`!!!` admonition")),
            ("???+ info", Some("`???` collapsible admonition")),
            ("=== \"Tab\"", Some("`===` content tab")),
            ("--8<-- \"x.md\"", Some("`--8<--` snippet")),
            ("<<< @/x.ts", Some("`<<<` code import")),
            ("(target-name)=", Some("`(label)=` target")),
            ("!!!", None),
            ("!!! ", None),
            ("???what", None),
            ("(aside) text", None),
            ("import this", None),
            ("plain", None),
            ("", None),
        ] {
            assert_eq!(of_line(line, false).as_deref(), name, "{line}");
        }
        assert_eq!(of_line("import X from 'y'", true).as_deref(), Some("`import` line"));
    }

    #[test]
    fn pieces_of_lines_are_named() {
        for (text, name) in [
            ("{% raw %}", Some("`{% %}` tag")),
            ("{{#include x.rs}}", Some("`{{#include}}`")),
            ("{{ page.title }}", Some("`{{ }}` expression")),
            ("{: .class }", Some("`{: }` attribute list")),
            ("{ref}`x`", Some("`{role}`")),
            ("[[Page]]", Some("`[[wiki]]` link")),
            ("$$x$$", Some("`$$` math")),
            ("{x} y", None),
            ("{{ open", None),
            ("[[open", None),
        ] {
            assert_eq!(within_line(text, false), name, "{text}");
        }
        assert_eq!(within_line("{x}", true), Some("`{}` expression"));
        assert_eq!(within_line("<X.Y a={1} />", true), Some("JSX component"));
    }

    #[test]
    fn only_includes_are_named_in_code() {
        assert_eq!(of_code("{{#rustdoc_include ../x.rs:here}}\n"), Some("`{{#include}}`"));
        assert_eq!(of_code("--8<-- \"x.md\""), Some("`--8<--` snippet"));
        for line in ["{{ x }}", ":::tip", "<<< @/x.ts", "a {{#include x}}"] {
            assert_eq!(of_code(line), None, "{line}");
        }
    }

    #[test]
    fn fences_in_braces_are_directives() {
        assert_eq!(of_fence("{note} Title").as_deref(), Some("`{note}` directive"));
        assert_eq!(of_fence("rust"), None);
        assert_eq!(of_fence("{.python .x}"), None);
    }
}
