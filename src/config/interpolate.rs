//! `${VAR}`, `${VAR:-default}` and `$$` in a value. Pure: the environment comes in as a lookup.

/// What is wrong with a value's variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What, and what to do about it. Never repeats the value of a variable.
    pub(super) message: String,
    /// The part of the text that is meant.
    pub(super) part: String,
}

/// Replaces every variable of a text. A variable that is unset, or empty where a default is given, takes the default.
/// A `$` before anything but `{` and `$` stays what it is, so that a pattern may end with one.
pub(super) fn replace(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = inner.find('}') else {
                return Err(fault("`${` without its `}`: close it, or write `$$` for a dollar", "${"));
            };
            out.push_str(&value(&inner[..end], env)?);
            rest = &inner[end + 1..];
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn value(inner: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let part = format!("${{{inner}}}");
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(fault("a variable is written `${NAME}` or `${NAME:-default}`; `$$` is a dollar", &part));
    }
    match (env(name), default) {
        (_, Some(default)) if default.contains("${") => {
            Err(fault("a default cannot hold another variable: write it without", &part))
        }
        (Some(found), _) if !found.is_empty() => Ok(found),
        (_, Some(default)) => Ok(default.to_owned()),
        (Some(empty), None) => Ok(empty),
        (None, None) => Err(fault(&format!("`${name}` is not set: set it, or write `${{{name}:-default}}`"), &part)),
    }
}

fn fault(message: &str, part: &str) -> Fault {
    Fault { message: message.to_owned(), part: part.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> Result<String, String> {
        let env = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "DOLLARS" => Some("$A ${A} $$".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        replace(text, &env).map_err(|fault| fault.part)
    }

    #[test]
    fn variables_defaults_and_dollars_are_replaced() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${A}", "one"),
            ("x${A}y${A}", "xoneyone"),
            ("${NONE:-two}", "two"),
            ("${NONE:-}", ""),
            ("${EMPTY:-two}", "two"),
            ("${EMPTY}", ""),
            ("${A:-two}", "one"),
            ("${NONE:-http://h:1/-}", "http://h:1/-"),
            ("$$", "$"),
            ("$${A}", "${A}"),
            ("$$$$", "$$"),
            ("$A", "$A"),
            ("end$", "end$"),
            ("é${A}ü", "éoneü"),
            // What a variable holds is not looked at again.
            ("${DOLLARS}", "$A ${A} $$"),
        ] {
            assert_eq!(replaced(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_unset_or_malformed_is_named() {
        for (text, part) in [
            ("x ${NONE} y", "${NONE}"),
            ("${A", "${"),
            ("${}", "${}"),
            ("${1A}", "${1A}"),
            ("${A-b}", "${A-b}"),
            ("${A:-${B}}", "${A:-${B}"),
        ] {
            assert_eq!(replaced(text), Err(part.to_owned()), "{text}");
        }
    }
}
