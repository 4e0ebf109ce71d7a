//! References: to labels, documents and headings, to inventories of other sites, and by url schemes of the site's own.

use super::super::files::resolved;
use super::Pass;
use super::role::{Inline, Written, escaped, head};
use super::toctree::outline;
use crate::page::DocPath;
use crate::render::slug::Slugs;

impl Pass<'_> {
    /// A path of a file as one that counts from the document: with `/` before it, it counts from the documents' folder.
    pub(super) fn beside_document(&self, path: &str) -> String {
        let Some(path) = path.strip_prefix('/').and_then(|rest| resolved(&self.rules.folder, rest)) else {
            return path.to_owned();
        };
        let up = self.context.path.dir().split('/').filter(|part| !part.is_empty()).count();
        format!("{}{path}", "../".repeat(up))
    }
}

impl Inline<'_, '_> {
    /// A reference to a name that some document gives to a place in it.
    pub(super) fn labelled(&mut self, title: Option<&str>, name: &str) -> String {
        let shown = title.map(escaped);
        if let Some(written) = self.label(shown.as_deref(), name) {
            return written;
        }
        self.warn("dead_link", format!("no document has the label `{name}`"));
        shown.unwrap_or_else(|| escaped(name))
    }

    /// A reference by number, which needs `numfig`; without it Sphinx shows the text as it stands.
    pub(super) fn numbered(&mut self, title: Option<&str>, name: &str) -> String {
        if self.pass.rules.has_numbered_figures {
            self.warn(
                "unknown_construct",
                format!("`{{numref}}`: the number of `{name}` is not known; its text is kept"),
            );
        }
        escaped(title.unwrap_or(name))
    }

    /// A link to a label; `None`: no document has it.
    fn label(&mut self, shown: Option<&str>, name: &str) -> Option<String> {
        let asking = self.pass.context.asking;
        let label = asking.label(name).or_else(|| asking.label(&name.to_lowercase()))?;
        let shown =
            shown.map(str::to_owned).or_else(|| label.title.as_deref().map(escaped)).unwrap_or_else(|| escaped(name));
        Some(label.url.map_or_else(|| shown.clone(), |url| format!("[{shown}](<{url}>)")))
    }

    /// A reference to a document by its name without suffix.
    pub(super) fn document(&mut self, title: Option<&str>, target: &str) -> String {
        let shown = title.map(escaped);
        if let Some(written) = self.named(shown.as_deref(), target) {
            return written;
        }
        self.warn("dead_link", format!("`{target}` is no document"));
        shown.unwrap_or_else(|| escaped(target))
    }

    /// A reference to whatever has this name.
    pub(super) fn anything(&mut self, title: Option<&str>, target: &str) -> String {
        let shown = title.map(escaped);
        let found = self.label(shown.as_deref(), target).or_else(|| self.named(shown.as_deref(), target));
        found.unwrap_or_else(|| self.labelled(title, target))
    }

    fn named(&mut self, shown: Option<&str>, target: &str) -> Option<String> {
        let asking = self.pass.context.asking;
        let path = self.found(target)?;
        let shown = shown.map(str::to_owned).or_else(|| asking.page_title(&path).as_deref().map(escaped));
        let shown = shown.unwrap_or_else(|| escaped(target));
        Some(asking.page_url(&path).map_or_else(|| shown.clone(), |url| format!("[{shown}](<{url}>)")))
    }

    /// The document that a name means, with its suffix or without.
    fn found(&self, target: &str) -> Option<DocPath> {
        let dir = self.pass.context.path.dir();
        let base = if target.starts_with('/') { self.pass.rules.folder.as_str() } else { dir };
        self.pass.document(base, target)
    }

    /// A link: its text is taken from what it leads to where it has none, and its target may be a name.
    pub(super) fn link(&mut self, rest: &str, before: &str) -> Written {
        let near = head(rest);
        let middle = closing_bracket(near)?;
        let after = near.get(middle + 1..)?;
        if let Some(attributes) = after.starts_with('{').then(|| after.find('}')).flatten()
            && super::role::is_attributes(after.get(..=attributes)?)
        {
            let inner = near.get(1..middle)?.to_owned();
            return Some((self.inner(&inner), middle + attributes + 2));
        }
        let target = after.strip_prefix('(')?;
        let end = target.find(')')?;
        let length = middle + 3 + end;
        let target = target.get(..end)?.trim();
        if target.starts_with('<') != target.ends_with('>')
            || target.contains('"')
            || target.contains(char::is_whitespace)
        {
            return None;
        }
        let target = target.trim_start_matches('<').trim_end_matches('>');
        if before.ends_with('!') && !before.ends_with("\\!") {
            let image = target.starts_with('/').then(|| self.pass.beside_document(target))?;
            return Some((format!("{}(<{image}>)", near.get(..=middle)?), length));
        }
        let text = near.get(1..middle)?;
        let title = if text.trim().is_empty() { None } else { Some(self.inner(text)) };
        self.target(title, target, false).map(|written| (written, length))
    }

    /// `<project:x.md>`, `<inv:x>`, `<wiki:x>`.
    pub(super) fn autolink(&mut self, rest: &str) -> Written {
        let near = head(rest);
        let end = near.find('>')?;
        let target = near.get(1..end)?;
        if target.contains(char::is_whitespace) || !target.contains([':', '#']) {
            return None;
        }
        self.target(None, target, true).map(|written| (written, end + 1))
    }

    /// What a link becomes; `None`: it is one that every reader of Markdown understands.
    fn target(&mut self, title: Option<String>, target: &str, is_auto: bool) -> Option<String> {
        let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "inv" | "myst" => {
                let name = target.rsplit([':', '#']).next().unwrap_or(target);
                return Some(title.unwrap_or_else(|| escaped(name)));
            }
            "path" => {
                let path = target.strip_prefix("path:")?;
                return Some(format!("[{}](<{path}>)", title.unwrap_or_else(|| escaped(path))));
            }
            "project" => {
                let target = target.strip_prefix("project:")?;
                return Some(self.within_site(title, target));
            }
            "" if is_auto && !target.starts_with('#') => return None,
            "" => {}
            scheme => return self.by_scheme(title, scheme, target),
        }
        if target.is_empty() || target.starts_with('?') {
            return None;
        }
        let is_file =
            target.split('#').next().is_some_and(|path| path.rsplit('/').next().is_some_and(|name| name.contains('.')));
        // A file with a text of its own is a link like any other.
        if title.is_some() && is_file {
            return None;
        }
        Some(self.within_site(title, target))
    }

    /// A name, a document, or a heading of one.
    fn within_site(&mut self, title: Option<String>, target: &str) -> String {
        let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
        if path.is_empty() {
            let anchor = anchor.unwrap_or_default();
            if let Some(written) = self.label(title.as_deref(), anchor) {
                return written;
            }
            let own = self.pass.context.path.clone();
            let heading = || self.heading(&own, anchor);
            let shown = title.or_else(heading).unwrap_or_else(|| escaped(anchor));
            return format!("[{shown}](<#{anchor}>)");
        }
        let dir = self.pass.context.path.dir();
        let base = if path.starts_with('/') { self.pass.rules.folder.as_str() } else { dir };
        let document = self.pass.document(base, path);
        let Some(document) = document else {
            if let Some(written) = self.label(title.as_deref(), target) {
                return written;
            }
            // Whoever writes links knows what to say of this one.
            return format!("[{}](<{target}>)", title.unwrap_or_else(|| escaped(target)));
        };
        let asking = self.pass.context.asking;
        let shown = title
            .or_else(|| self.heading(&document, anchor?))
            .or_else(|| asking.page_title(&document).as_deref().map(escaped))
            .unwrap_or_else(|| escaped(target));
        let Some(url) = asking.page_url(&document) else { return shown };
        let fragment = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
        format!("[{shown}](<{url}{fragment}>)")
    }

    /// The heading of a document that a slug of GitHub's means (`myst_heading_anchors`).
    fn heading(&self, path: &DocPath, slug: &str) -> Option<String> {
        let text = self.pass.context.asking.file(path)?;
        let mut slugs = Slugs::default();
        let headings = outline(&text, path.extension() == "rst");
        headings.into_iter().find(|(_, title)| slugs.slug(title) == slug).map(|(_, title)| escaped(&title))
    }

    /// A scheme of the site's own (`myst_url_schemes`), in which `{{path}}` and its like stand for parts of the target.
    fn by_scheme(&mut self, title: Option<String>, scheme: &str, target: &str) -> Option<String> {
        let template = self.pass.rules.schemes.get(scheme)?;
        let rest = target.get(scheme.len() + 1..)?;
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let fill = |text: &str| {
            let filled = [("path", path), ("fragment", fragment), ("query", query), ("scheme", scheme), ("netloc", "")]
                .into_iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
            filled.replace("{{uri}}", target).trim_end_matches('#').to_owned()
        };
        let url = fill(&template.url);
        let shown = title.or_else(|| template.title.as_deref().map(|title| escaped(&fill(title))));
        Some(format!("[{}](<{url}>)", shown.unwrap_or_else(|| escaped(target))))
    }
}

/// Where the bracket closes that a text begins with.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'[' => depth += 1,
            b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
