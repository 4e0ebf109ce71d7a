//! Values in a template: what of them is known. `None` is a value that only the built site knows; null is one that is known to
//! be nothing, as a variable that nobody sets.

use serde_json::Value;

use super::expression::quoted;

/// Longer texts come from no person's template.
pub(super) const MAX_TEXT: usize = 1 << 20;

/// The value that a literal stands for.
pub(super) fn literal(text: &str) -> Option<Value> {
    if let Some(text) = quoted(text) {
        return Some(Value::String(text.to_owned()));
    }
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "nil" | "null" | "" => Some(Value::Null),
        "empty" | "blank" => Some(Value::String(String::new())),
        number => {
            let is_one = number.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            is_one.then(|| self::number(number)).flatten()
        }
    }
}

fn number(text: &str) -> Option<Value> {
    text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from)).ok()
}

/// How a value is written; `None` where that is Ruby's own way to show a mapping.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let mut out = String::new();
            for item in items {
                out.push_str(&text(item)?);
                if out.len() > MAX_TEXT {
                    return None;
                }
            }
            Some(out)
        }
        Value::Object(_) => None,
    }
}

/// Only null and false are not true.
pub(super) fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// A number, also one that is written as text.
pub(super) fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number as Ruby writes it: a whole one without a point.
pub(super) fn from_amount(number: f64, is_whole: bool) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_finite() || number.abs() > EXACT {
        return None;
    }
    if is_whole {
        // Within what both can say exactly.
        return format!("{:.0}", number.trunc()).parse::<i64>().ok().map(Value::from);
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}

/// Compares two values; `None`: it is not known how.
pub(super) fn compare(left: &Value, sign: &str, right: &Value) -> Option<bool> {
    let equal = || match (left, right) {
        // Front matter's numbers and switches come as text.
        (Value::String(_), Value::Number(_) | Value::Bool(_))
        | (Value::Number(_) | Value::Bool(_), Value::String(_)) => text(left) == text(right),
        (Value::Array(items), Value::String(text)) if text.is_empty() => items.is_empty(),
        (Value::Object(entries), Value::String(text)) if text.is_empty() => entries.is_empty(),
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    };
    match sign {
        "==" => Some(equal()),
        "!=" | "<>" => Some(!equal()),
        "contains" => Some(match left {
            Value::String(text) => self::text(right).is_some_and(|part| !right.is_null() && text.contains(&part)),
            Value::Array(items) => items.contains(right),
            _ => false,
        }),
        _ => {
            let order = match (amount(left), amount(right)) {
                (Some(left), Some(right)) => left.partial_cmp(&right)?,
                _ => match (left, right) {
                    (Value::String(left), Value::String(right)) => left.cmp(right),
                    _ => return Some(false),
                },
            };
            Some(match sign {
                "<" => order.is_lt(),
                ">" => order.is_gt(),
                "<=" => order.is_le(),
                ">=" => order.is_ge(),
                _ => return None,
            })
        }
    }
}
