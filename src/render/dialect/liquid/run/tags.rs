//! Tags without a block of their own, code, and what they put in.

use std::collections::HashMap;

use serde_json::Value;
use url::Url;

use super::super::expression::{parameters, quoted};
use super::super::tokens::Template;
use super::super::values::{amount, from_amount, text};
use super::lookup::Frame;
use super::{Flow, Origin, PIECE, Runner};
use crate::page::DocPath;
use crate::render::dialect::files::included;

impl Runner<'_> {
    /// A tag that stands for itself; the end of an unknown one is passed over.
    pub(super) fn tag(&mut self, name: &str, arguments: &str, line: u32) -> Flow {
        match name {
            "assign" => self.assign(arguments),
            "include" | "include_cached" => {
                let folder = self.rules.includes();
                self.include(&folder, arguments, line);
            }
            "include_relative" => {
                let folder = self.context.path.dir().to_owned();
                self.include(&folder, arguments, line);
            }
            "link" => {
                let path = self.filled(arguments);
                let target = self.linked(&path);
                self.write(&target, line);
            }
            "post_url" => {
                let name = self.filled(arguments);
                let found = self.rules.posts_named(&name).into_iter().find_map(|path| self.page(&path));
                match found {
                    Some(target) => self.write(&target, line),
                    None => self.unknown(&format!("{{% post_url {name} %}}"), line),
                }
            }
            "increment" | "decrement" => self.count(name == "increment", arguments, line),
            "break" => return Flow::Breaks,
            "continue" => return Flow::Continues,
            "cycle" => self.cycle(arguments, line),
            // What they write stands in the head of the page, or nowhere.
            "seo" | "feed_meta" | "else" | "elsif" | "when" | "" => {}
            end if end.starts_with("end") => {}
            _ => self.unknown(&format!("{{% {name} %}}"), line),
        }
        Flow::Goes
    }

    /// Code with its language; kept from Markdown, as its html is.
    pub(super) fn code(&mut self, code: &str, arguments: &str, line: u32) {
        let code = code.trim_matches(['\n', '\r']);
        let language = arguments.split_whitespace().next().unwrap_or_default();
        if !self.is_markdown {
            let code = code.replace('&', "&amp;").replace('<', "&lt;");
            self.write(&format!("<pre><code>{code}</code></pre>"), line);
            return;
        }
        let before = self.written.last_line();
        let is_at_start = before.trim_matches([' ', '\t', '>']).is_empty();
        let prefix = if is_at_start { before.to_owned() } else { String::new() };
        if !is_at_start {
            self.write("\n\n", line);
        }
        let mut longest = 0;
        for run in code.split(|c| c != '`') {
            longest = longest.max(run.len());
        }
        let fence = "`".repeat(3.max(longest + 1));
        self.write(&format!("{fence}{language}\n"), line);
        for (own, text) in (line..).zip(code.lines()) {
            self.write(&format!("{prefix}{text}\n"), own.saturating_add(1));
        }
        self.write(&format!("{prefix}{fence}\n"), line);
        self.write(&prefix, line);
    }

    fn assign(&mut self, arguments: &str) {
        let Some((name, markup)) = arguments.split_once('=') else { return };
        let value = self.piped(markup);
        self.assigned.insert(name.trim().to_owned(), value);
    }

    fn count(&mut self, is_up: bool, name: &str, line: u32) {
        let now = self.assigned.get(name).cloned().flatten().as_ref().and_then(amount).unwrap_or(0.0);
        let (shown, next) = if is_up { (now, now + 1.0) } else { (now - 1.0, now - 1.0) };
        let shown = from_amount(shown, true).as_ref().and_then(text).unwrap_or_default();
        self.write(&shown, line);
        self.assigned.insert(name.to_owned(), from_amount(next, true));
    }

    fn cycle(&mut self, arguments: &str, line: u32) {
        let key = format!("cycle {arguments}");
        let values =
            super::super::expression::split(arguments.split_once(": ").map_or(arguments, |(_, rest)| rest), ',');
        let at = self.assigned.get(&key).cloned().flatten().and_then(|at| at.as_u64()).unwrap_or(0);
        let index = usize::try_from(at).unwrap_or(0) % values.len().max(1);
        if let Some(shown) = values.get(index).and_then(|value| self.value(value)).as_ref().and_then(text) {
            self.write(&shown, line);
        }
        self.assigned.insert(key, Some(Value::from(at.saturating_add(1))));
    }

    fn include(&mut self, folder: &str, arguments: &str, line: u32) {
        // A name may be made of `{{ }}`, with blanks in it.
        let end = match arguments.rfind("}}") {
            Some(end) => end + 2 + arguments[end + 2..].find(char::is_whitespace).unwrap_or(arguments.len() - end - 2),
            None => arguments.find(char::is_whitespace).unwrap_or(arguments.len()),
        };
        let (name, rest) = arguments.split_at(end);
        let name = self.filled(name);
        let Some((path, content)) = included(self.context, folder, name.trim_start_matches('/')) else {
            self.out.warn("missing_include", line, format!("`{name}` is included and not there"));
            return;
        };
        if !self.spends(content.len() + PIECE) || !self.out.begin_include(&path, line) {
            return;
        }
        let parameters: HashMap<String, Option<Value>> = parameters(rest)
            .into_iter()
            .map(|(name, value)| {
                let value = match quoted(value) {
                    Some(text) => Some(Value::String(text.replace("\\\"", "\"").replace("\\'", "'"))),
                    None => self.value(value),
                };
                (name.to_owned(), value)
            })
            .collect();
        self.frames.push(Frame::of_include(parameters));
        let template = Template::new(&content);
        self.run(&template, 0..template.tokens.len(), Origin { first: line, counts: false });
        self.frames.pop();
        self.out.end_include();
    }

    /// A text in which `{{ }}` are filled in.
    fn filled(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once("{{") {
            let Some((markup, after)) = inner.split_once("}}") else { break };
            out.push_str(before);
            out.push_str(&self.piped(markup).as_ref().and_then(super::super::values::text).unwrap_or_default());
            rest = after;
        }
        out.push_str(rest);
        out.trim().trim_matches(['"', '\'']).to_owned()
    }

    /// Where `{% link %}` leads: a page, or a file that lies on the site where it lies in the source.
    fn linked(&mut self, path: &str) -> String {
        let found = self.rules.linked(path).into_iter().find_map(|path| self.page(&path));
        found.unwrap_or_else(|| {
            let path = path.trim_start_matches('/').replace(' ', "%20");
            let is_document = matches!(DocPath::new(path.as_str()).extension().as_str(), "md" | "markdown");
            // A document that is no page: its link says so by its own name.
            if is_document { format!("/{path}") } else { self.below_base(&format!("/{path}")) }
        })
    }

    /// The path on the site of the page that a document becomes.
    fn page(&self, path: &str) -> Option<String> {
        let found = self.context.asking.page_url(&DocPath::new(path))?;
        let url = Url::parse(&found).ok()?;
        let is_own = self.context.site.root().is_some_and(|root| root.origin() == url.origin());
        Some(if is_own { self.without_base_twice(url.path()) } else { found })
    }

    fn below_base(&self, path: &str) -> String {
        self.without_base_twice(&format!("{}{path}", self.base()))
    }

    /// Jekyll 3 wrote no base before links, so that many pages do: `{{ site.baseurl }}{% link x.md %}`.
    fn without_base_twice(&self, path: &str) -> String {
        let base = self.base();
        let is_there = !base.is_empty() && self.written.text.ends_with(&base);
        let rest = path.strip_prefix(&base).filter(|_| is_there);
        rest.unwrap_or(path).to_owned()
    }
}
