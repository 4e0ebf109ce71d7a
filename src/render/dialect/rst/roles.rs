//! Roles: what becomes of each, by name.

use super::super::files::resolved;
use super::Blocks;
use super::inline::{Written, unescaped};
use crate::page::DocPath;

impl Blocks<'_> {
    pub(super) fn role(&mut self, name: &str, content: &str, origin: u32) -> Written {
        let text = unescaped(content);
        let (title, target) = titled(&text);
        if let Some(written) = self.external(name, title, target) {
            return written;
        }
        let is_function = matches!(name.rsplit(':').next(), Some("func" | "meth" | "function"));
        let base = name.strip_prefix("py:").or_else(|| name.strip_prefix("std:")).unwrap_or(name);
        match base {
            "ref" | "numref" => self.labelled(title, target, origin),
            "doc" => self.document(title, target, origin),
            "any" => self.any(title, target),
            "pep" => {
                let number = target.split('#').next().unwrap_or(target);
                let shown = title.map_or_else(|| format!("PEP {target}"), str::to_owned);
                Written::Link(shown, format!("https://peps.python.org/pep-{number:0>4}/"))
            }
            "rfc" => {
                let (number, section) = target.split_once('#').unwrap_or((target, ""));
                let shown = title.map_or_else(|| format!("RFC {target}"), str::to_owned);
                let fragment = if section.is_empty() { String::new() } else { format!("#{section}") };
                Written::Link(shown, format!("https://datatracker.ietf.org/doc/html/rfc{number}.html{fragment}"))
            }
            "class" | "func" | "meth" | "mod" | "attr" | "exc" | "obj" | "data" | "const" | "deco" | "property"
            | "type" => Written::Literal(reference(title, target, is_function)),
            "code" | "literal" | "program" | "option" | "envvar" | "regexp" | "makevar" | "token" | "keyword"
            | "mimetype" | "newsgroup" | "confval" | "setting" | "eq" => {
                Written::Literal(title.unwrap_or(target).to_owned())
            }
            "file" | "samp" => Written::Literal(text.replace(['{', '}'], "")),
            "math" => Written::Literal(text),
            "command" | "strong" | "dfn" => Written::Strong(text),
            "emphasis" | "title" | "title-reference" | "t" | "manpage" => Written::Emphasis(text),
            "guilabel" => Written::Text(text.replace('&', "")),
            "menuselection" => Written::Text(text.replace("-->", "‣").replace('&', "")),
            "abbr" | "abbreviation" => Written::Text(text.split(" (").next().unwrap_or(&text).to_owned()),
            "term" | "download" | "index" | "cite" | "sub" | "subscript" | "sup" | "superscript" | "external"
            | "kbd" | "numbered" | "span" | "small" => {
                Written::Text(title.unwrap_or(target).trim_start_matches('!').to_owned())
            }
            "raw-html" | "raw" | "icon" | "octicon" => Written::Text(String::new()),
            base if base.contains(':') => Written::Literal(reference(title, target, is_function)),
            base => {
                self.warn_of(origin, format!("the role `{base}` is not understood; its text is kept"));
                Written::Text(title.unwrap_or(target).to_owned())
            }
        }
    }

    /// A role that `conf.py` makes by `extlinks`: `name: (url, caption)`, each with a `%s`.
    fn external(&self, name: &str, title: Option<&str>, target: &str) -> Option<Written> {
        let pair = self.conf("extlinks")?.get(name)?.as_array()?;
        let url = pair.first()?.as_str()?.replacen("%s", target, 1);
        let caption = pair.get(1).and_then(serde_json::Value::as_str);
        let shown = match (title, caption) {
            (Some(title), _) => title.to_owned(),
            (None, Some(caption)) => caption.replacen("%s", target, 1),
            (None, None) => url.clone(),
        };
        Some(Written::Link(shown, url))
    }

    /// A reference to a name that some document gives to a place in it.
    fn labelled(&mut self, title: Option<&str>, name: &str, origin: u32) -> Written {
        // Sphinx' own: its indices, which are no documents.
        let own = match name {
            "genindex" => Some("Index"),
            "modindex" => Some("Module Index"),
            "search" => Some("Search Page"),
            _ => None,
        };
        if let Some(own) = own {
            return Written::Text(title.unwrap_or(own).to_owned());
        }
        let asking = self.context.asking;
        let Some(label) = asking.label(name).or_else(|| asking.label(&name.to_lowercase())) else {
            self.out.warn("dead_link", origin, format!("no document has the label `{name}`"));
            return Written::Text(title.unwrap_or(name).to_owned());
        };
        let shown =
            title.map(str::to_owned).or(label.title.map(|title| bare(&title))).unwrap_or_else(|| name.to_owned());
        match label.url {
            Some(url) => Written::Link(shown, url),
            None => Written::Text(shown),
        }
    }

    /// A reference to a document by its name without suffix.
    fn document(&mut self, title: Option<&str>, target: &str, origin: u32) -> Written {
        match self.page(target) {
            None => {
                self.out.warn("dead_link", origin, format!("`{target}` is no document"));
                Written::Text(title.unwrap_or(target).to_owned())
            }
            Some((named, url)) => {
                let shown = title.map(str::to_owned).or(named).unwrap_or_else(|| target.to_owned());
                url.map_or_else(|| Written::Text(shown.clone()), |url| Written::Link(shown.clone(), url))
            }
        }
    }

    /// A reference to a label, a document or an object.
    fn any(&mut self, title: Option<&str>, target: &str) -> Written {
        let asking = self.context.asking;
        if let Some(label) = asking.label(target) {
            let shown =
                title.map(str::to_owned).or(label.title.map(|title| bare(&title))).unwrap_or_else(|| target.to_owned());
            return label.url.map_or_else(|| Written::Text(shown.clone()), |url| Written::Link(shown.clone(), url));
        }
        match self.page(target) {
            Some((named, Some(url))) => {
                Written::Link(title.map(str::to_owned).or(named).unwrap_or_else(|| target.to_owned()), url)
            }
            _ => Written::Literal(reference(title, target, false)),
        }
    }

    /// Title and url of the document that a name without suffix means.
    pub(super) fn page(&self, target: &str) -> Option<(Option<String>, Option<String>)> {
        let folder = self.sphinx.map_or("", |rules| rules.folder.as_str());
        let base = if target.starts_with('/') { folder } else { self.context.path.dir() };
        let path = resolved(base, target.trim_start_matches('/'))?;
        ["", ".rst", ".md", ".txt"].iter().find_map(|suffix| {
            let path = DocPath::new(format!("{path}{suffix}"));
            let (title, url) = (self.context.asking.page_title(&path), self.context.asking.page_url(&path));
            (title.is_some() || url.is_some()).then(|| (title.map(|title| bare(&title)), url))
        })
    }
}

/// `title <target>`.
pub(super) fn titled(text: &str) -> (Option<&str>, &str) {
    match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((title, target)) if !title.trim().is_empty() => (Some(title.trim()), target.trim()),
        _ => (None, text.trim()),
    }
}

/// What a reference to an object shows: `~a.b.c` its last part, `!` and a dot before it nothing; functions with `()`, as
/// `add_function_parentheses` has them.
fn reference(title: Option<&str>, target: &str, is_function: bool) -> String {
    if let Some(title) = title {
        return title.to_owned();
    }
    let target = target.trim_start_matches('!');
    let shown = match target.strip_prefix('~') {
        Some(rest) => rest.trim_end_matches("()").rsplit(['.', ':']).next().unwrap_or(rest),
        None => target.trim_start_matches('.').trim_end_matches("()"),
    };
    let has_parentheses = is_function || target.ends_with("()");
    if has_parentheses { format!("{shown}()") } else { shown.to_owned() }
}

/// A heading without the roles in it.
pub(super) fn bare(title: &str) -> String {
    let mut written = String::with_capacity(title.len());
    for word in title.split_inclusive(' ') {
        let role = word
            .strip_prefix(':')
            .and_then(|rest| rest.split_once(':'))
            .filter(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        written.push_str(role.map_or(word, |(_, text)| text));
    }
    written
}
