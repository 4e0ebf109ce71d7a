//! YAML of generators' configuration: untrusted, and full of tags that only the generator's own language knows.

use serde_json::{Map, Value};

use super::unreadable;
use crate::page::Failure;

/// Deeper brackets than this are in nobody's configuration, and take YAML parsers seconds.
const MAX_NESTING: usize = 64;

/// Reads a YAML file into plain values. Tags are taken off; `!ENV [A, default]` is its default, `!ENV A` is null, for
/// whoever builds the site has an environment of their own.
pub(super) fn parse(path: &str, text: &str) -> Result<Value, Failure> {
    if is_too_nested(text) {
        return Err(unreadable(path, "it is nested too deeply"));
    }
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| unreadable(path, &error.to_string()))?;
    Ok(plain(value))
}

fn plain(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(flag) => Value::Bool(flag),
        serde_yaml::Value::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_else(|| Value::String(number.to_string())),
        serde_yaml::Value::String(text) => Value::String(text),
        serde_yaml::Value::Sequence(items) => Value::Array(items.into_iter().map(plain).collect()),
        serde_yaml::Value::Mapping(entries) => {
            let key = |key: serde_yaml::Value| match plain(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(entries.into_iter().map(|(name, value)| (key(name), plain(value))).collect::<Map<_, _>>())
        }
        serde_yaml::Value::Tagged(tagged) => {
            let is_environment = tagged.tag == "ENV";
            match plain(tagged.value) {
                Value::Array(mut items) if is_environment && items.len() > 1 => items.pop().unwrap_or_default(),
                _ if is_environment => Value::Null,
                value => value,
            }
        }
    }
}

fn is_too_nested(text: &str) -> bool {
    let mut depth = 0_usize;
    text.lines().any(|line| {
        let dashes = line.split(' ').filter(|word| !word.is_empty()).take_while(|word| *word == "-").count();
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_NESTING {
                return true;
            }
        }
        dashes > MAX_NESTING
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_other_languages_are_taken_off() {
        let text = "a: !ENV [X, 'http://d']\nb: !ENV Y\nc: !!python/name:x.y\nd: !relative $config_dir\n1: [2, true]\n";
        let value = parse("x.yml", text).unwrap();
        assert_eq!(value["a"], "http://d");
        assert_eq!(value["b"], Value::Null);
        assert_eq!(value["d"], "$config_dir");
        assert_eq!(value["1"], serde_json::json!([2, true]));
    }

    #[test]
    fn what_no_parser_should_see_is_refused() {
        let error = parse("x.yml", &"[".repeat(20_000)).unwrap_err();
        assert!(error.message.contains("`x.yml`") && error.message.contains("nested"), "{}", error.message);
        assert!(parse("x.yml", "a: [1\nb: 2").unwrap_err().message.contains("line"));
    }
}
