//! Tables of contents: the pages that a `toctree` names, with their sections and their own tables, as far as it goes.
//!
//! Source of the rules: Sphinx' documentation of `toctree`, and `sphinx.environment.adapters.toctree`. What stands in the
//! other documents is read from their text; so a page is rendered again when one of the documents that it lists changes.

use super::super::files::resolved;
use super::super::{Context, Fences};
use super::directive::Directive;
use super::role::escaped;
use super::{Blocks, Line, Pass, fence};
use crate::page::DocPath;
use crate::render::outline::plain;
use crate::site::sphinx::Sphinx;

/// Documents that one page lists, at most.
const MAX_DOCUMENTS: usize = 2_000;

/// Lists within lists, at most; more than six kinds of headings and as many folders nobody nests.
const MAX_DEPTH: usize = 16;

/// Something of a document that a table of contents shows.
enum Item<'t> {
    Section(usize, String),
    Toctree(Toctree<'t>),
}

/// A table of contents as it is written.
struct Toctree<'t> {
    entries: Vec<&'t str>,
    is_hidden: bool,
    is_reversed: bool,
    is_glob: bool,
}

/// What a table of contents shows, in the order of its lines.
#[derive(Default)]
pub(in crate::render::dialect) struct Listing {
    pub(in crate::render::dialect) entries: Vec<Entry>,
    /// What it names and no page is.
    pub(in crate::render::dialect) missing: Vec<String>,
}

/// A line of a table of contents: a page, a section of one, or another site's.
pub(in crate::render::dialect) struct Entry {
    /// Counted from 1.
    pub(in crate::render::dialect) depth: usize,
    pub(in crate::render::dialect) text: String,
    pub(in crate::render::dialect) url: Option<String>,
}

/// Follows a table of contents through the documents that it names.
struct Lister<'a> {
    rules: Option<&'a Sphinx>,
    context: &'a Context<'a>,
    max_depth: usize,
    titles_only: bool,
    include_hidden: bool,
    /// Documents that may still be listed.
    left: usize,
    /// The documents that are open, the outermost first.
    open: Vec<DocPath>,
    listing: Listing,
}

/// What a `toctree` shows that has these options and these lines; `rules` are Sphinx', where it makes the site.
pub(in crate::render::dialect) fn listing<'o>(
    option: impl Fn(&str) -> Option<&'o str>,
    lines: Vec<&str>,
    rules: Option<&Sphinx>,
    context: &Context<'_>,
) -> Listing {
    let depth = option("maxdepth").and_then(|depth| depth.parse::<usize>().ok());
    let mut lister = Lister {
        rules,
        context,
        max_depth: depth.filter(|depth| *depth > 0).unwrap_or(MAX_DEPTH).min(MAX_DEPTH),
        titles_only: option("titlesonly").is_some(),
        include_hidden: option("includehidden").is_some(),
        left: MAX_DOCUMENTS,
        open: vec![context.path.clone()],
        listing: Listing::default(),
    };
    let (is_reversed, is_glob) = (option("reversed").is_some(), option("glob").is_some());
    let tree = Toctree { entries: lines, is_hidden: false, is_reversed, is_glob };
    lister.entries(&tree, context.path.dir(), 1);
    lister.listing
}

/// The document that a name means, with its suffix or without, counted from a folder.
fn document(rules: Option<&Sphinx>, context: &Context<'_>, dir: &str, target: &str) -> Option<DocPath> {
    let path = resolved(dir, target.trim_start_matches('/'))?;
    let with_suffix = suffixes(rules).map(|suffix| DocPath::new(format!("{path}{suffix}")));
    let asking = context.asking;
    let mut names = std::iter::once(path.clone()).chain(with_suffix);
    names.find(|path| asking.page_title(path).is_some() || asking.page_url(path).is_some())
}

/// The suffixes of documents; where no site says them, those of the files that are usual.
fn suffixes(rules: Option<&Sphinx>) -> impl Iterator<Item = &str> {
    let own = rules.map(|rules| rules.suffixes.iter().map(String::as_str));
    let usual = if rules.is_none() { &[".rst", ".md", ".txt"][..] } else { &[] };
    own.into_iter().flatten().chain(usual.iter().copied())
}

impl Pass<'_> {
    /// The document that a name means, with its suffix or without, counted from a folder.
    pub(super) fn document(&self, dir: &str, target: &str) -> Option<DocPath> {
        document(Some(self.rules), self.context, dir, target)
    }
}

impl Blocks<'_, '_> {
    /// The pages of a table of contents, as a list of links.
    pub(super) fn toctree(&mut self, directive: &Directive<'_>, origin: u32, prefix: &str) {
        if directive.option("hidden").is_some() {
            return;
        }
        self.label(directive.option("caption").unwrap_or_default(), origin, prefix);
        let lines = directive.content.iter().map(|line| line.text.trim()).collect();
        let shown = listing(|key| directive.option(key), lines, Some(self.pass.rules), self.pass.context);
        for Entry { depth, text, url } in shown.entries {
            let indent = "  ".repeat(depth.saturating_sub(1));
            let text = escaped(&text);
            let text = url.map_or_else(|| text.clone(), |url| format!("[{text}](<{url}>)"));
            self.pass.out.line(origin, prefix, &format!("{indent}- {text}"));
        }
        for target in shown.missing {
            let message = format!("`{target}` is in the table of contents and no page");
            self.pass.out.warn("dead_link", origin, message);
        }
    }
}

impl Lister<'_> {
    /// The folder of the site's documents.
    fn folder(&self) -> &str {
        self.rules.map_or("", |rules| rules.folder.as_str())
    }

    /// The documents that a pattern means (`glob`), counted from a folder.
    fn matching(&self, dir: &str, pattern: &str) -> Vec<DocPath> {
        let base = if pattern.starts_with('/') { self.folder() } else { dir };
        let Some(pattern) = resolved(base, pattern.trim_start_matches('/')) else { return Vec::new() };
        let documents = |suffix| self.context.asking.documents(&format!("{pattern}{suffix}"));
        let mut found: Vec<DocPath> = suffixes(self.rules).flat_map(documents).collect();
        // By the names without their suffixes, as Sphinx knows them.
        let name = |path: &DocPath| path.as_str().rsplit_once('.').map_or("", |(name, _)| name).to_owned();
        found.sort_by_cached_key(name);
        found.dedup_by_key(|path| name(path));
        found
    }

    fn entries(&mut self, tree: &Toctree<'_>, dir: &str, depth: usize) {
        if depth > self.max_depth {
            return;
        }
        let mut entries: Vec<&str> = tree.entries.clone();
        if tree.is_reversed {
            entries.reverse();
        }
        let mut listed: Vec<DocPath> = self.open.last().cloned().into_iter().collect();
        for entry in entries.into_iter().filter(|entry| !entry.is_empty()) {
            let (title, target) = match entry.rsplit_once('<').and_then(|(t, r)| Some((t, r.strip_suffix('>')?))) {
                Some((title, target)) => (Some(title.trim().to_owned()), target.trim()),
                None => (None, entry),
            };
            if tree.is_glob && target.contains(['*', '?', '[']) {
                for path in self.matching(dir, target) {
                    if !listed.contains(&path) {
                        listed.push(path.clone());
                        self.page(None, &path, depth);
                    }
                }
            } else if target.contains("://") {
                self.item(depth, title.unwrap_or_else(|| target.to_owned()), Some(target.to_owned()));
            } else if let Some(text) = generated(target) {
                self.item(depth, title.unwrap_or_else(|| text.to_owned()), None);
            } else {
                listed.extend(self.entry(title, target, dir, depth));
            }
        }
    }

    fn entry(&mut self, title: Option<String>, target: &str, dir: &str, depth: usize) -> Option<DocPath> {
        let base = if target.starts_with('/') { self.folder() } else { dir };
        let path = match target {
            "self" => self.open.last().cloned(),
            _ => document(self.rules, self.context, base, target),
        };
        match &path {
            Some(path) => self.page(title, path, depth),
            // What another document names in vain is a warning of that one's.
            None if self.open.len() == 1 => self.listing.missing.push(target.to_owned()),
            None => {}
        }
        path
    }

    /// A page, and below it what it holds, as far as the table goes.
    fn page(&mut self, title: Option<String>, path: &DocPath, depth: usize) {
        let asking = self.context.asking;
        let named = title.or_else(|| asking.page_title(path));
        self.item(depth, named.unwrap_or_else(|| path.stem().to_owned()), asking.page_url(path));
        if depth >= self.max_depth || self.left == 0 || self.open.contains(path) {
            return;
        }
        self.left -= 1;
        let Some(source) = asking.file(path) else { return };
        self.open.push(path.clone());
        let mut section = depth;
        let shows_front_title = self.rules.is_some_and(|rules| rules.shows_front_title);
        let mut is_title = !(shows_front_title && has_front_title(&source));
        let mut top = 1;
        for item in items(&source, path.extension() == "rst") {
            match item {
                Item::Section(level, _) if is_title => {
                    is_title = false;
                    top = level;
                }
                Item::Section(level, title) => {
                    // A second heading of the title's level stands beside the title.
                    section = depth + level.saturating_sub(top);
                    if section <= self.max_depth && !self.titles_only {
                        self.item(section, title, None);
                    }
                }
                Item::Toctree(tree) if tree.is_hidden && !self.include_hidden => {}
                Item::Toctree(tree) => {
                    let at = if self.titles_only { depth } else { section };
                    self.entries(&tree, path.dir(), at + 1);
                }
            }
        }
        self.open.pop();
    }

    fn item(&mut self, depth: usize, text: String, url: Option<String>) {
        self.listing.entries.push(Entry { depth, text, url });
    }
}

/// Whether the front matter of a text has a title.
fn has_front_title(text: &str) -> bool {
    let front = crate::render::front_matter::split(text).ok().and_then(|split| split.front);
    front.is_some_and(|front| front.json()["title"].is_string())
}

/// The titles of pages that Sphinx makes itself.
fn generated(name: &str) -> Option<&'static str> {
    match name {
        "genindex" => Some("Index"),
        "modindex" | "py-modindex" => Some("Module Index"),
        "search" => Some("Search Page"),
        _ => None,
    }
}

/// The headings of a text and their levels, counted from 1.
pub(super) fn outline(text: &str, is_rst: bool) -> Vec<(usize, String)> {
    let headings = items(text, is_rst).into_iter().filter_map(|item| match item {
        Item::Section(level, title) => Some((level, title)),
        Item::Toctree(_) => None,
    });
    headings.collect()
}

fn items(text: &str, is_rst: bool) -> Vec<Item<'_>> {
    let body = crate::render::front_matter::split(text).map_or(text, |split| split.body);
    if is_rst { of_rst(body) } else { of_markdown(body) }
}

fn of_markdown(body: &str) -> Vec<Item<'_>> {
    let lines: Vec<Line<'_>> = body.lines().map(|text| Line { text, origin: 0 }).collect();
    let mut fences = Fences::default();
    let mut found = Vec::new();
    let mut colons = 0;
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        let was_in = fences.is_in();
        fences.take(text);
        if !was_in && let Some(open) = fence(text) {
            let rest = lines.get(at + 1..).unwrap_or_default();
            if Directive::name(open.info).is_some_and(|(name, _)| name == "toctree") {
                let end = super::closing(rest, &open).unwrap_or(rest.len());
                found.push(Item::Toctree(tree(rest.get(..end).unwrap_or_default())));
            }
            colons += usize::from(open.sign == b':');
        } else if text.starts_with(":::") && text.trim_end().bytes().all(|byte| byte == b':') {
            colons = colons.saturating_sub(1);
        }
        if fences.is_in() || was_in || colons > 0 {
            continue;
        }
        let hashes = text.bytes().take_while(|byte| *byte == b'#').count();
        let before = at.checked_sub(1).and_then(|at| lines.get(at)).map_or("", |line| line.text);
        let (level, title) = match text.trim_end() {
            _ if (1..=6).contains(&hashes) => (hashes, text.get(hashes..).unwrap_or_default()),
            line if line.len() > 2 && line.bytes().all(|byte| byte == b'=') => (1, before),
            line if line.len() > 2 && line.bytes().all(|byte| byte == b'-') => (2, before),
            _ => continue,
        };
        let is_title = hashes == 0 && !title.is_empty() && !title.starts_with([' ', '>', '-', '*', '|', '#']);
        let is_heading = is_title || title.starts_with([' ', '\t']) && hashes > 0;
        if let Some(title) = plain(title.trim().trim_end_matches('#')).filter(|_| is_heading) {
            found.push(Item::Section(level, title));
        }
    }
    found
}

fn of_rst(body: &str) -> Vec<Item<'_>> {
    let lines: Vec<Line<'_>> = body.lines().map(|text| Line { text, origin: 0 }).collect();
    let sign = |line: &str| {
        let line = line.trim_end();
        let first = line.bytes().next().filter(u8::is_ascii_punctuation)?;
        (line.len() > 1 && line.bytes().all(|byte| byte == first)).then_some(first)
    };
    // A kind of underline, with a line above the title or without, is a level; they come in the order of their use.
    let mut kinds: Vec<(u8, bool)> = Vec::new();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let before = |by: usize| at.checked_sub(by).and_then(|at| lines.get(at)).map_or("", |line| line.text);
        if line.text.starts_with(".. toctree::") {
            let rest = lines.get(at + 1..).unwrap_or_default();
            let is_in = |line: &Line<'_>| line.text.trim().is_empty() || line.text.starts_with([' ', '\t']);
            let end = rest.iter().position(|line| !is_in(line)).unwrap_or(rest.len());
            found.push(Item::Toctree(tree(rest.get(..end).unwrap_or_default())));
            continue;
        }
        let Some(under) = sign(line.text) else { continue };
        let title = before(1);
        let has_over = sign(before(2)) == Some(under);
        let is_title = !title.trim().is_empty()
            && sign(title).is_none()
            && (has_over || !title.starts_with([' ', '\t']))
            && line.text.trim_end().chars().count() >= title.trim_end().chars().count();
        if !is_title {
            continue;
        }
        let kind = (under, has_over);
        let level = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        found.extend(plain(title.trim()).map(|title| Item::Section(level + 1, title)));
    }
    found
}

fn tree<'t>(lines: &[Line<'t>]) -> Toctree<'t> {
    let directive = Directive::new("toctree", "", lines);
    Toctree {
        entries: directive.content.iter().map(|line| line.text.trim()).collect(),
        is_hidden: directive.option("hidden").is_some(),
        is_reversed: directive.option("reversed").is_some(),
        is_glob: directive.option("glob").is_some(),
    }
}
