//! Writes what a text was taken apart into: containers become quotes, fences lose what is for the highlighter, included
//! files are written in their place, and in MDX indentation means nothing but lists.

use super::code::{Fence, Info, is_magic, without_notation};
use super::code::{ranged, region};
use super::components::escaped;
use super::scan::{Kind, Piece, Scan};
use super::{Flavour, Origins, Source};
use crate::page::{DocPath, resolve};
use crate::render::dialect::vitepress::with_emoji;
use crate::render::dialect::{Context, Expanded, Out, capitalised};

/// Containers nest this deep.
const MAX_NESTING: usize = 24;

/// Files include each other this deep.
const MAX_DEPTH: usize = 10;

pub(in crate::render::dialect) struct Pass<'s> {
    flavour: Flavour<'s>,
    context: &'s Context<'s>,
    out: Out,
    blocks: Vec<Block>,
    fence: Option<OpenFence>,
    /// The files that are being written, the innermost last.
    open: Vec<DocPath>,
}

/// A fence that is open: how far its lines are indented here and as they were written.
#[derive(Clone, Copy)]
struct OpenFence {
    fence: Fence,
    indent: usize,
    raw: usize,
    /// Whether comments say which lines stand out.
    has_magic: bool,
}

/// A container that is open.
struct Block {
    colons: usize,
    /// What stands before each of its lines.
    prefix: String,
    /// How far it is indented.
    base: usize,
    is_group: bool,
    lists: Vec<List>,
}

/// A list item that is open: where its content begins as it was written, and as it is written here.
#[derive(Clone, Copy)]
struct List {
    raw: usize,
    out: usize,
}

impl<'s> Pass<'s> {
    pub(in crate::render::dialect) fn new(flavour: Flavour<'s>, context: &'s Context<'s>, out: Out) -> Self {
        let open = vec![context.path.clone()];
        Self { flavour, context, out, blocks: vec![Block::root(String::new())], fence: None, open }
    }

    pub(in crate::render::dialect) fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    pub(in crate::render::dialect) fn finish(self) -> Expanded<'static> {
        self.out.finish()
    }

    /// Writes a text.
    pub(in crate::render::dialect) fn run(&mut self, source: &Source<'_>) {
        let pieces = Scan::new(self.flavour, source, self.context, &mut self.out).run();
        for piece in &pieces {
            if self.out.is_full() {
                return;
            }
            self.piece(piece, source);
        }
        // A fence that is never closed ends with its text.
        if let Some(OpenFence { fence, indent, .. }) = self.fence.take() {
            let origin = pieces.last().map_or(1, |piece| piece.origin);
            self.write(origin, indent, &fence.signs());
        }
    }

    fn piece(&mut self, piece: &Piece, source: &Source<'_>) {
        let text = piece.text.trim_end_matches('\r');
        match piece.kind {
            Kind::Prose => self.prose(piece.origin, text, source),
            Kind::Open(at, fence) => self.open_fence(piece.origin, text, at, fence, source.is_mdx),
            Kind::Code => {
                let Some(OpenFence { indent, raw, has_magic, .. }) = self.fence else { return };
                let line = match self.flavour {
                    Flavour::VitePress(_) => without_notation(text),
                    Flavour::Docusaurus(_) => (!has_magic || !is_magic(text)).then(|| text.to_owned()),
                    Flavour::Starlight => Some(text.to_owned()),
                };
                if let Some(line) = line {
                    let blanks = line.len() - line.trim_start_matches(' ').len();
                    self.write(piece.origin, indent, &line[blanks.min(raw)..]);
                }
            }
            Kind::Close => {
                if let Some(OpenFence { fence, indent, .. }) = self.fence.take() {
                    self.write(piece.origin, indent, &fence.signs());
                }
            }
            Kind::Include => self.include(piece, text, source),
        }
    }

    /// Writes a line with so much indentation, within the container that is open.
    fn write(&mut self, origin: u32, indent: usize, text: &str) {
        let prefix = self.blocks.last().map(|block| block.prefix.clone()).unwrap_or_default();
        self.out.line(origin, &prefix, &format!("{}{text}", " ".repeat(indent)));
    }

    fn prose(&mut self, origin: u32, text: &str, source: &Source<'_>) {
        let line = text.trim();
        if line.starts_with(":::") && self.container(origin, text, source.is_mdx) {
            return;
        }
        if let Flavour::VitePress(_) = self.flavour {
            if let Some(rest) = line.strip_prefix("<<<") {
                self.snippet(origin, text, rest.trim(), source);
                return;
            }
            if line.eq_ignore_ascii_case("[[toc]]") {
                return;
            }
            if let Some(text) = self.alert(source.path, text) {
                self.write(origin, 0, &text);
                // An empty line of the quote, where the quote stands.
                let quote = text.find('>').map_or(">", |end| &text[..=end]);
                self.write(origin, 0, quote);
                return;
            }
        }
        let (indent, text) = self.indented(text, source.is_mdx);
        let text = match self.flavour {
            Flavour::VitePress(_) => vue_line(text),
            Flavour::Docusaurus(rules) if rules.has_emoji && text.contains(':') => with_emoji(text),
            _ => text.to_owned(),
        };
        self.write(origin, indent, &text);
    }

    /// `> [!NOTE] Title` with the title that `VitePress` shows.
    fn alert(&self, path: &DocPath, text: &str) -> Option<String> {
        let Flavour::VitePress(rules) = self.flavour else { return None };
        let at = text.find("[!").filter(|&at| text[..at].trim() == ">")?;
        let (kind, title) = text[at + 2..].split_once(']')?;
        let known = matches!(kind, "NOTE" | "TIP" | "IMPORTANT" | "WARNING" | "CAUTION" | "DANGER" | "INFO");
        let label = rules.label(path, &kind.to_ascii_lowercase());
        if !known && label.is_none() {
            return None;
        }
        let title = Some(title.trim()).filter(|title| !title.is_empty()).map(str::to_owned);
        let title = title.or(label).unwrap_or_else(|| kind.to_owned());
        Some(format!("{}**{title}**", &text[..at]))
    }

    /// Indentation and text of a line within the container that is open. In Markdown it is kept, less the container's
    /// own; in MDX it means a list or nothing, for nothing that is indented is code.
    fn indented<'t>(&mut self, text: &'t str, is_mdx: bool) -> (usize, &'t str) {
        let line = text.trim_start_matches([' ', '\t']);
        let raw = text[..text.len() - line.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
        let Some(block) = self.blocks.last_mut() else { return (raw, line) };
        if line.is_empty() {
            return (0, line);
        }
        if !is_mdx {
            return (raw.saturating_sub(block.base), line);
        }
        while block.lists.last().is_some_and(|list| raw < list.raw) {
            block.lists.pop();
        }
        let top = block.lists.last().copied().unwrap_or(List { raw: block.base, out: 0 });
        // What is indented further, as the content of elements is, is where it would be without.
        let indent = top.out;
        if let Some(len) = item(line) {
            block.lists.push(List { raw: raw + len, out: indent + len });
        }
        (indent, line)
    }

    /// A line of colons: opens or closes a container; whether it does.
    fn container(&mut self, origin: u32, text: &str, is_mdx: bool) -> bool {
        let line = text.trim();
        let colons = line.len() - line.trim_start_matches(':').len();
        let rest = line[colons..].trim();
        if rest.is_empty() {
            let found = self.blocks.iter().rposition(|block| block.colons > 0 && block.colons <= colons);
            let Some(found) = found else { return false };
            self.blocks.truncate(found);
            self.write(origin, 0, "");
            return true;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len());
        let (kind, rest) = rest.split_at(end);
        // Deeper ones are no person's; each line would repeat what stands before it.
        if self.blocks.len() > MAX_NESTING {
            return false;
        }
        let Some((title, is_quote)) = self.heading(kind, rest.trim()) else { return false };
        let (indent, _) = self.indented(text, is_mdx);
        let raw = text.len() - text.trim_start().len();
        self.write(origin, 0, "");
        let outer = self.blocks.last().map(|block| block.prefix.clone()).unwrap_or_default();
        let quote = if is_quote { "> " } else { "" };
        let prefix = format!("{outer}{}{quote}", " ".repeat(indent));
        let is_group = kind == "code-group";
        self.blocks.push(Block { colons, base: raw, is_group, ..Block::root(prefix) });
        if let Some(title) = title {
            self.write(origin, 0, &format!("**{title}**"));
            self.write(origin, 0, "");
        }
        true
    }

    /// The title of a container and whether it becomes a quote; `None`: it is none that this generator knows.
    fn heading(&self, kind: &str, rest: &str) -> Option<(Option<String>, bool)> {
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(title, _)| title);
        match self.flavour {
            Flavour::VitePress(rules) => {
                if matches!(kind, "raw" | "v-pre" | "code-group") {
                    return Some((None, false));
                }
                let own = rules.label(self.context.path, kind);
                let known = matches!(
                    kind,
                    "tip" | "info" | "warning" | "danger" | "details" | "note" | "important" | "caution"
                );
                if !known && own.is_none() {
                    return None;
                }
                let has_title = !rest.contains("{no-title}") || kind == "details";
                let title = rest.split(" {").next().unwrap_or_default();
                let title = if title.starts_with('{') { "" } else { title }.trim();
                let default = || if kind == "details" { "Details".to_owned() } else { kind.to_uppercase() };
                let title = if title.is_empty() { own.unwrap_or_else(default) } else { title.to_owned() };
                Some((has_title.then_some(title), kind != "details"))
            }
            Flavour::Docusaurus(_) => {
                let known =
                    ["note", "tip", "info", "warning", "danger", "caution", "important", "success", "secondary"];
                let title = bracketed.unwrap_or_else(|| rest.split('{').next().unwrap_or_default()).trim();
                let title = if title.is_empty() { kind.to_owned() } else { title.to_owned() };
                known.contains(&kind).then_some((Some(title), true))
            }
            Flavour::Starlight => {
                let known = ["note", "tip", "caution", "danger"];
                let title = bracketed.map_or_else(|| capitalised(kind), str::to_owned);
                known.contains(&kind).then_some((Some(title), true))
            }
        }
    }

    fn open_fence(&mut self, origin: u32, text: &str, at: usize, fence: Fence, is_mdx: bool) {
        let lead = &text[..at];
        let info = Info::parse(&text[at + fence.signs().len()..]);
        let title = match self.flavour {
            // Within groups it is the tab's, elsewhere that of a plugin which sites that write it use.
            Flavour::VitePress(_) => info.label,
            Flavour::Starlight if info.is_bare => None,
            _ => info.title,
        };
        let language = info.language.trim_start_matches('.');
        let (indent, _) = self.indented(text, is_mdx);
        let raw = text.len() - text.trim_start().len();
        let has_magic = !info.has_lines;
        let base = self.blocks.last().map_or(0, |block| block.base);
        let open = format!("{}{language}", fence.signs());
        if lead.trim().is_empty() {
            if let Some(title) = title {
                self.write(origin, 0, "");
                self.write(origin, indent, &format!("**{}**", escaped(&title)));
                self.write(origin, 0, "");
            }
            self.write(origin, indent, &open);
            self.fence = Some(OpenFence { fence, indent, raw, has_magic });
        } else {
            // After the sign of a list item or of a quote: its lines are indented as they stand.
            self.write(origin, raw.saturating_sub(base), &format!("{}{open}", lead.trim_start()));
            let is_quote = lead.contains('>');
            let inner = indent + item(lead.trim_start()).unwrap_or(0);
            let (indent, raw) = if is_quote { (0, 0) } else { (inner, at) };
            self.fence = Some(OpenFence { fence, indent, raw, has_magic });
        }
    }

    /// `<<< @/path#region{lines lang} [label]`.
    fn snippet(&mut self, origin: u32, text: &str, rest: &str, source: &Source<'_>) {
        let (indent, _) = self.indented(text, source.is_mdx);
        let is_group = self.blocks.last().is_some_and(|block| block.is_group);
        let (rest, label) = match rest.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
            Some((rest, label)) => (rest.trim(), Some(label.to_owned())),
            None => (rest, None),
        };
        let (rest, braces) = match rest.strip_suffix('}').and_then(|rest| rest.rsplit_once('{')) {
            Some((rest, braces)) => (rest.trim(), braces),
            None => (rest, ""),
        };
        let (file, name) = rest.rsplit_once('#').map_or((rest, None), |(file, name)| (file, Some(name)));
        let Some(path) = imported(source.path, file, self.context) else {
            self.missing(origin, file);
            return;
        };
        let Some(code) = self.context.asking.file(&path) else {
            self.missing(origin, path.as_str());
            return;
        };
        let code = match name {
            Some(name) => {
                let Some(code) = region(&code, name) else {
                    self.out.warn("missing_include", origin, format!("`{path}` has no region `{name}`"));
                    return;
                };
                code
            }
            None => code
                .lines()
                .filter(|line| !line.contains("#region ") && !line.contains("#endregion"))
                .fold(String::new(), |code, line| code + line + "\n"),
        };
        if is_group || label.is_some() {
            let label = label.unwrap_or_else(|| path.file_name().to_owned());
            self.write(origin, indent, &format!("**{}**", escaped(&label)));
            self.write(origin, 0, "");
        }
        let words = braces.split_whitespace().find(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
        let language = words.map_or_else(|| path.extension(), |word| Info::parse(word).language);
        let signs = if code.contains("```") { "~~~~~~~~" } else { "```" };
        self.write(origin, indent, &format!("{signs}{language}"));
        for line in code.lines().filter_map(without_notation) {
            self.write(origin, indent, &line);
        }
        self.write(origin, indent, signs);
        self.write(origin, 0, "");
    }

    fn missing(&mut self, origin: u32, path: &str) {
        self.out.warn("missing_include", origin, format!("`{path}`, which is included here, is not there"));
    }

    /// A Markdown file that is imported and used as a component.
    fn include(&mut self, piece: &Piece, text: &str, source: &Source<'_>) {
        let origin = piece.origin;
        let (indent, from) = self.indented(text, source.is_mdx);
        let Some(path) = imported(source.path, from, self.context) else {
            self.missing(origin, from);
            return;
        };
        if self.open.contains(&path) || self.open.len() > MAX_DEPTH {
            self.out.warn("include_cycle", origin, format!("`{path}` includes itself, or too deep"));
            return;
        }
        let Some(text) = self.context.asking.file(&path) else {
            self.missing(origin, path.as_str());
            return;
        };
        let body = crate::render::front_matter::split(&text).map_or(&*text, |split| split.body).to_owned();
        let outer = self.blocks.last().map(|block| block.prefix.clone()).unwrap_or_default();
        let depth = self.blocks.len();
        self.blocks.push(Block::root(format!("{outer}{}", " ".repeat(indent))));
        self.open.push(path.clone());
        let is_mdx = match self.flavour {
            Flavour::Docusaurus(rules) => rules.is_mdx(&path, None),
            Flavour::Starlight | Flavour::VitePress(_) => path.extension() == "mdx",
        };
        let props = piece.props.clone();
        self.run(&Source { text: &body, origins: Origins::At(origin), path: &path, is_mdx, props });
        self.open.pop();
        self.blocks.truncate(depth);
        self.write(origin, 0, "");
    }
}

impl Block {
    fn root(prefix: String) -> Self {
        Self { colons: 0, prefix, base: 0, is_group: false, lists: Vec::new() }
    }
}

/// A line of `VitePress`' prose: emoji, no boxes before what is to be done, no attributes of a paragraph.
fn vue_line(text: &str) -> String {
    let attributes = |at: usize| {
        let inner = text[at + 1..].strip_suffix('}').unwrap_or_default();
        let is_one = |word: &str| word.len() > 1 && (word.starts_with(['.', '#']) || word.contains('='));
        !text.starts_with('#') && !text[..at].ends_with('{') && inner.split_whitespace().all(is_one)
    };
    let end = text.rfind('{').filter(|at| text.ends_with('}') && *at + 2 < text.len() && attributes(*at));
    let text = &text[..end.unwrap_or(text.len())];
    let at = item(text).unwrap_or_default();
    let is_box = ["[x] ", "[X] ", "[ ] "].iter().any(|mark| text.get(at..).is_some_and(|rest| rest.starts_with(mark)));
    let text = if is_box && at > 0 { format!("{}\\{}", &text[..at], &text[at..]) } else { text.to_owned() };
    if text.contains(':') { super::super::vitepress::with_emoji(&text) } else { text }
}

/// How long the sign of a list item is that a line begins with, with the blank after it.
fn item(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let sign = match line.as_bytes().get(digits)? {
        b'-' | b'*' | b'+' if digits == 0 => 1,
        b'.' | b')' if digits > 0 && digits < 10 => digits + 1,
        _ => return None,
    };
    let rest = &line[sign..];
    let blanks = rest.len() - rest.trim_start_matches(' ').len();
    (blanks > 0 && !rest.trim().is_empty()).then_some(sign + if blanks > 4 { 1 } else { blanks })
}

/// The file that a document means by a path of an import or an include: `@site/` and `@/` stand for the site's folders.
pub(in crate::render::dialect) fn imported(from: &DocPath, path: &str, context: &Context<'_>) -> Option<DocPath> {
    use crate::site::AnyRules;
    let (site, source) = match &context.site.generator {
        AnyRules::Docusaurus(rules) => (rules.folder.as_str(), rules.folder.as_str()),
        AnyRules::Starlight(rules) => (rules.folder.as_str(), ""),
        AnyRules::VitePress(rules) => (rules.source.as_str(), rules.source.as_str()),
        _ => ("", ""),
    };
    let found = if let Some(path) = path.strip_prefix("@site/") {
        resolve(site, path)
    } else if let Some(path) = path.strip_prefix("~/").or_else(|| path.strip_prefix("@/")) {
        match &context.site.generator {
            AnyRules::Starlight(_) => resolve(site, &format!("src/{path}")),
            _ => resolve(source, path),
        }
    } else if let Some(path) =
        path.strip_prefix('@').filter(|_| matches!(context.site.generator, AnyRules::VitePress(_)))
    {
        resolve(source, path)
    } else if path.starts_with('/') {
        resolve(site, path)
    } else {
        resolve(from.dir(), path)
    };
    found.map(DocPath::new)
}

/// Text of an included file, cut to a region, a section or a range.
pub(in crate::render::dialect) fn selected(text: &str, part: Option<&str>, range: Option<&str>) -> Option<String> {
    let text = match part {
        Some(name) => region(text, name).or_else(|| section(text, name))?,
        None => text.to_owned(),
    };
    Some(range.map_or_else(|| text.clone(), |range| ranged(&text, range)))
}

/// What stands below the heading of this id, up to the next one that is not below it.
fn section(text: &str, id: &str) -> Option<String> {
    let (mut depth, mut fence, mut lines): (usize, Option<Fence>, Vec<&str>) = (0, None, Vec::new());
    for line in text.lines() {
        if let Some(open) = fence {
            fence = fence.filter(|_| !open.closes(line));
        } else if let Some((open, _)) = Fence::opens(line) {
            fence = Some(open);
        } else if line.starts_with('#') {
            let level = line.len() - line.trim_start_matches('#').len();
            if depth > 0 && level <= depth {
                break;
            }
            let title = line[level..].trim();
            let (title, own) = match title.strip_suffix('}').and_then(|title| title.rsplit_once("{#")) {
                Some((title, own)) => (title, Some(own)),
                None => (title, None),
            };
            let slug = crate::render::slug::Slugs::default().slug(title);
            if depth == 0 && (own == Some(id) || (own.is_none() && slug == id)) {
                depth = level;
                continue;
            }
        }
        if depth > 0 {
            lines.push(line);
        }
    }
    (depth > 0).then(|| lines.join("\n"))
}
