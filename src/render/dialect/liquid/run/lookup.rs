//! What the names in a template stand for.

use std::collections::HashMap;

use serde_json::Value;

use super::super::expression::{Step, path};
use super::super::values::text;
use super::Runner;
use crate::page::DocPath;
use crate::site::jekyll::Jekyll;

/// Names by the values of other names, at most.
const MAX_NESTING: usize = 8;

/// Names that hold within an include or a loop.
pub(super) struct Frame {
    pub(super) names: HashMap<String, Option<Value>>,
    /// The parameters of an include.
    pub(super) parameters: Option<HashMap<String, Option<Value>>>,
}

impl Frame {
    /// One turn of a loop.
    pub(super) fn of_loop(name: &str, item: Option<Value>, index: usize, length: usize) -> Self {
        let turn = item.as_ref().map(|_| {
            serde_json::json!({
                "index": index + 1, "index0": index, "first": index == 0, "last": index + 1 == length,
                "length": length, "rindex": length - index, "rindex0": length - index - 1,
            })
        });
        let names = [(name.to_owned(), item), ("forloop".to_owned(), turn)];
        Self { names: names.into_iter().collect(), parameters: None }
    }

    pub(super) fn of_include(parameters: HashMap<String, Option<Value>>) -> Self {
        Self { names: HashMap::new(), parameters: Some(parameters) }
    }
}

impl Runner<'_> {
    /// The value of a name with the names after it; `None`: it is not known. What nobody sets is null.
    pub(super) fn named(&mut self, name: &str, depth: usize) -> Option<Value> {
        let steps = path(name)?;
        let mut keys = Vec::with_capacity(steps.len());
        for step in steps {
            keys.push(match step {
                Step::Name(name) => Value::String(name.to_owned()),
                Step::At(number) => Value::from(number),
                Step::Named(name) if depth < MAX_NESTING => self.named(name, depth + 1)?,
                Step::Named(_) => return None,
            });
        }
        let root = text(keys.first()?)?;
        let rest = &keys[1..];
        let own = self.frames.iter().rev().find_map(|frame| frame.names.get(&root)).or(self.assigned.get(&root));
        if let Some(value) = own {
            return follow(value.as_ref()?, rest);
        }
        match root.as_str() {
            "include" => {
                let parameters = self.frames.iter().rev().find_map(|frame| frame.parameters.as_ref());
                match (parameters, rest.split_first()) {
                    (None, _) => Some(Value::Null),
                    (Some(parameters), Some((name, rest))) => match parameters.get(&text(name)?) {
                        Some(value) => follow(value.as_ref()?, rest),
                        None => Some(Value::Null),
                    },
                    (Some(_), None) => None,
                }
            }
            "page" => self.of_page(rest),
            "site" => self.of_site(rest),
            "jekyll" | "layout" | "content" | "paginator" | "theme" => None,
            _ => Some(Value::Null),
        }
    }

    fn of_page(&self, keys: &[Value]) -> Option<Value> {
        let (first, rest) = keys.split_first()?;
        let name = text(first)?;
        let (path, rules) = (self.context.path, self.rules);
        let value = match name.as_str() {
            "url" => Value::String(rules.page_url(path, self.context.facts)?),
            "path" | "relative_path" => Value::String(rules.relative_path(path)?),
            "name" if !self.page.contains_key("name") => Value::String(path.file_name().to_owned()),
            "content" | "excerpt" | "next" | "previous" | "id" | "dir" | "output" | "last_modified_at"
                if !self.page.contains_key(&name) =>
            {
                return None;
            }
            "collection" if !self.page.contains_key("collection") => {
                rules.collection_of(path).map_or(Value::Null, Value::String)
            }
            name => return follow(self.page.get(name).unwrap_or(&Value::Null), rest),
        };
        follow(&value, rest)
    }

    fn of_site(&mut self, keys: &[Value]) -> Option<Value> {
        let (first, rest) = keys.split_first()?;
        let name = text(first)?;
        // The site's own root, which the configuration of finmirror may say otherwise.
        let root = self.context.site.root();
        match (name.as_str(), root) {
            ("data", _) => self.of_data(rest),
            ("baseurl", Some(root)) => follow(&Value::String(root.path().trim_end_matches('/').to_owned()), rest),
            ("url", Some(root)) => follow(&Value::String(root.origin().ascii_serialization()), rest),
            (name, _) if self.rules.is_made(name) => None,
            (name, _) => follow(self.rules.config.get(name).unwrap_or(&Value::Null), rest),
        }
    }

    /// A value of the data files: `site.data.people.editors` is in `people.yml` or in `people/editors.yml`.
    fn of_data(&mut self, keys: &[Value]) -> Option<Value> {
        let mut folder = self.rules.data_folder();
        for (number, key) in keys.iter().enumerate().take(4) {
            let name = text(key).filter(|name| !name.is_empty() && !name.contains(['/', '\\']) && name != "..")?;
            let file = format!("{folder}/{name}");
            if let Some(value) = self.data_file(&file) {
                return follow(value, &keys[number + 1..]);
            }
            folder = file;
        }
        None
    }

    fn data_file(&mut self, stem: &str) -> Option<&Value> {
        let asking = self.context.asking;
        let read = || {
            ["yml", "yaml", "json"].into_iter().find_map(|extension| {
                let path = DocPath::new(format!("{stem}.{extension}"));
                let text = asking.file(&path)?;
                Jekyll::parse_data(path.as_str(), &text)
            })
        };
        self.data.entry(stem.to_owned()).or_insert_with(read).as_ref()
    }

    /// `relative_url`: below the base url's path.
    pub(super) fn relative_url(&self, value: &Value) -> Option<Value> {
        if value.is_null() {
            return Some(Value::Null);
        }
        let input = text(value)?;
        if crate::site::absolute(&input).is_some() {
            return Some(Value::String(input));
        }
        let slash = if input.is_empty() || input.starts_with('/') { "" } else { "/" };
        Some(Value::String(format!("{}{slash}{input}", self.base())))
    }

    /// `absolute_url`: below the base url.
    pub(super) fn absolute_url(&self, value: &Value) -> Option<Value> {
        let relative = self.relative_url(value)?;
        let Some(path) = relative.as_str().filter(|path| path.starts_with('/') || path.is_empty()) else {
            return Some(relative);
        };
        let root = self.context.site.root()?;
        Some(Value::String(format!("{}{path}", root.origin().ascii_serialization())))
    }

    /// The path of the site's root, without a slash at its end.
    pub(super) fn base(&self) -> String {
        match self.context.site.root() {
            Some(root) => root.path().trim_end_matches('/').to_owned(),
            None => self.rules.config["baseurl"].as_str().unwrap_or_default().trim_end_matches('/').to_owned(),
        }
    }
}

/// What the keys after a value lead to.
fn follow(value: &Value, keys: &[Value]) -> Option<Value> {
    let Some((key, rest)) = keys.split_first() else { return Some(value.clone()) };
    let made = match (value, key) {
        (Value::Array(items), Value::Number(at)) => {
            let at = at.as_i64()?;
            let length = i64::try_from(items.len()).ok()?;
            let at = usize::try_from(if at < 0 { at + length } else { at }).ok();
            return follow(at.and_then(|at| items.get(at)).unwrap_or(&Value::Null), rest);
        }
        (Value::Object(entries), key) => match entries.get(&text(key)?) {
            Some(value) => return follow(value, rest),
            None if key == "size" => entries.len().into(),
            None => Value::Null,
        },
        (Value::Array(items), Value::String(name)) => match name.as_str() {
            "size" => items.len().into(),
            "first" => return follow(items.first().unwrap_or(&Value::Null), rest),
            "last" => return follow(items.last().unwrap_or(&Value::Null), rest),
            _ => Value::Null,
        },
        (Value::String(text), Value::String(name)) if name == "size" => text.chars().count().into(),
        _ => Value::Null,
    };
    follow(&made, rest)
}
