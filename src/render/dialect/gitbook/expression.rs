//! What texts are filled in with: `{{ book.x }}` of `HonKit`, `space.vars.x` of GitBook.com.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Context, Out, code_span, escaped};
use crate::site::gitbook::GitBook;
use crate::site::literal::{Literal, expression};

/// What can be named.
pub(super) struct Words<'a> {
    site: &'a Value,
    page: Value,
}

impl<'a> Words<'a> {
    pub(super) fn new(rules: &'a GitBook, front: &Value, context: &Context<'_>) -> Self {
        let path = context.path.as_str();
        let path = path.strip_prefix(rules.root.as_str()).map_or(path, |path| path.trim_start_matches('/'));
        let title = if rules.is_hosted { None } else { context.asking.page_title(context.path) };
        let page = json!({
            "page": { "vars": front["vars"], "title": title, "description": front["description"] },
            "file": { "path": path },
        });
        Self { site: &rules.words, page }
    }

    /// A text with its `{{ expressions }}` filled in; what stands in code stays.
    pub(super) fn filled<'t>(&self, text: &'t str, origin: u32, out: &mut Out) -> Cow<'t, str> {
        if !text.contains("{{") {
            return Cow::Borrowed(text);
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        // What stands behind the last end is none.
        let behind = text.rfind("}}").map_or(text.len(), |last| text.len() - last);
        while let Some(at) = rest.find(['`', '{']).filter(|_| rest.len() >= behind) {
            let (before, here) = rest.split_at(at);
            filled.push_str(before);
            let inner = here.strip_prefix("{{").and_then(|inner| inner.split_once("}}"));
            if here.starts_with('`') {
                let (code, after) = here.split_at_checked(code_span(here)).unwrap_or((here, ""));
                filled.push_str(code);
                rest = after;
            } else if let Some((inner, after)) = inner {
                let code = inner.trim().trim_matches('-').trim();
                if let Some(text) = self.value(code) {
                    filled.push_str(&text);
                } else {
                    let shown: String = code.chars().take(60).collect();
                    let message = format!("`{{{{ {shown} }}}}` is not understood; it is left out");
                    out.warn("unknown_construct", origin, message);
                }
                rest = after;
            } else {
                filled.push('{');
                rest = here.get(1..).unwrap_or_default();
            }
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// What an expression says; `None`: it is no name and no literal. A name that nobody gave is empty.
    pub(super) fn value(&self, code: &str) -> Option<String> {
        if let Literal::Text(text) = expression(code) {
            return Some(text.to_string());
        }
        match self.named(code)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => Some(String::new()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// What an expression says, for prose that Markdown shall not read anything into.
    pub(super) fn shown(&self, code: &str) -> Option<String> {
        self.value(code.trim()).filter(|text| !text.is_empty()).map(|text| escaped(&text))
    }

    /// Whether a condition holds; `None`: it is not one of a name, alone or beside a literal.
    pub(super) fn holds(&self, condition: &str) -> Option<bool> {
        let condition = condition.trim();
        if let Some(rest) = condition.strip_prefix("not ") {
            return self.holds(rest).map(|holds| !holds);
        }
        for (sign, is_same) in [("===", true), ("!==", false), ("==", true), ("!=", false)] {
            if let Some((left, right)) = condition.split_once(sign) {
                return Some((self.value(left.trim())? == self.value(right.trim())?) == is_same);
            }
        }
        Some(match self.named(condition)? {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        })
    }

    fn named(&self, code: &str) -> Option<&Value> {
        let mut parts = code.split('.').map(str::trim);
        let first = parts.next()?;
        let is_word =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let root = match first {
            "book" | "config" | "space" => &self.site[first],
            "page" | "file" => &self.page[first],
            _ => return None,
        };
        parts.try_fold(root, |value, part| is_word(part).then(|| &value[part]))
    }
}
