//! What becomes of tags and expressions: elements of HTML stay, components become what they say.

use std::collections::BTreeMap;

use super::Flavour;
use super::scan::{Kind, Piece, Props, Scan};
use super::tag::{Tag, Value, literal};
use crate::render::dialect::capitalised;

/// Props that readers read, in the order in which components show them.
const TEXTS: &[&str] = &["title", "label", "text", "heading", "summary", "caption", "description", "details", "alt"];

/// An imported file is given no more than this.
const MAX_PROPS: usize = 64;

/// What stands further in is written no further in.
const MAX_INDENT: usize = 100;

/// Components that are known to be no more than what they hold and what their texts say.
const KNOWN: &[&str] = &[
    "Tabs",
    "TabItem",
    "Details",
    "Admonition",
    "Aside",
    "Steps",
    "FileTree",
    "Card",
    "CardGrid",
    "LinkCard",
    "LinkButton",
    "Badge",
    "Icon",
    "Code",
    "CodeBlock",
    "ClientOnly",
    "Link",
    "Head",
    "Fragment",
    "Translate",
    "TOCInline",
    "BrowserOnly",
    "VPTeamPage",
    "VPTeamPageTitle",
    "VPTeamPageSection",
    "Teleport",
    "Image",
    "MDXContent",
    "VPBadge",
    "VPImage",
];

/// Components that are blocks wherever they stand.
const BLOCKS: &[&str] = &[
    "Tabs",
    "TabItem",
    "Details",
    "Admonition",
    "Aside",
    "Steps",
    "FileTree",
    "Card",
    "CardGrid",
    "LinkCard",
    "Code",
    "CodeBlock",
];

/// Elements of HTML whose content MDX reads as Markdown when they stand on a line of their own.
const ELEMENT_BLOCKS: &[&str] = &[
    "div",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "td",
    "th",
    "ul",
    "ol",
    "li",
    "section",
    "article",
    "center",
    "figure",
    "figcaption",
    "blockquote",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "p",
    "dl",
    "dt",
    "dd",
];

impl Scan<'_, '_> {
    /// An expression: literals are text, comments nothing, everything else is named.
    pub(super) fn take_expression(&mut self, code: &str, is_mdx: bool) {
        let code = code.trim();
        let is_comment = code.is_empty() || (code.starts_with("/*") && code.ends_with("*/")) || code.starts_with("//");
        if is_comment && is_mdx {
            return;
        }
        if let Some(text) = literal(code).filter(|text| self.brings(text.len())) {
            if text.contains('\n') && self.current.trim().is_empty() {
                self.code_block("", None, &text);
            } else {
                self.current.push_str(&escaped(&text));
            }
            return;
        }
        if let Some(text) = self.known(code).filter(|text| is_mdx && self.brings(text.len())) {
            self.current.push_str(&escaped(&text));
            return;
        }
        let names = ["$frontmatter.", "frontMatter.", "frontmatter.", "frontmatter?."];
        if let Some(name) = names.iter().find_map(|start| code.strip_prefix(start)) {
            let context = self.context;
            let front = self
                .front
                .get_or_insert_with(|| context.front.map(crate::render::front_matter::Front::json).unwrap_or_default());
            let value = name.split('.').fold(&*front, |value, key| &value[key.trim_end_matches('?')]);
            let text = value.as_str().map(str::to_owned).or_else(|| value.is_number().then(|| value.to_string()));
            if let Some(text) = text.filter(|text| self.brings(text.len())) {
                self.current.push_str(&escaped(&text));
                return;
            }
        }
        // `{cond && <b>text</b>}`: what stands in it is not read.
        let shown: String = code.chars().take(60).collect();
        let name = if is_mdx { format!("`{{{shown}}}`") } else { format!("`{{{{ {shown} }}}}`") };
        let line = self.origin();
        self.out.warn("unknown_construct", line, format!("{name} expression is not understood; it is left out"));
    }

    /// What a name stands for: a constant of the module, or what the file that includes this one gives it.
    fn known(&self, code: &str) -> Option<String> {
        if let Some(name) = code.strip_prefix("props.") {
            return self.source.props.get(name).cloned();
        }
        let (name, path) = code.split_once('.').map_or((code, None), |(name, path)| (name, Some(path)));
        let value = self.constants.get(name)?;
        path.map_or(Some(value), |path| value.at(path))?.text().map(str::to_owned)
    }

    pub(super) fn take_tag(&mut self, tag: &Tag<'_>, rest: &str) {
        let is_vue = matches!(self.flavour, Flavour::VitePress(_));
        if tag.is_component() && (self.source.is_mdx || is_vue) {
            self.component(tag, rest);
        } else if self.source.is_mdx {
            self.element(tag, rest);
        } else {
            self.plain_element(tag, rest, is_vue);
        }
    }

    /// An element of HTML in Markdown: as it stands, without what only Vue reads.
    fn plain_element(&mut self, tag: &Tag<'_>, rest: &str, is_vue: bool) {
        let is_directive = |name: &str| name.starts_with([':', '@', '#']) || name.starts_with("v-");
        let has_directive = tag.attributes.iter().any(|attribute| is_directive(attribute.name));
        if is_vue && (has_directive || tag.name == "template") {
            if tag.name != "template" {
                self.written(tag, |name| !is_directive(name));
            }
            self.advance(tag.len);
        } else {
            self.verbatim_tag(&rest[..tag.len]);
        }
    }

    fn verbatim_tag(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.advance(1);
                self.flush();
            }
            self.current.push_str(line);
            self.advance(line.len());
        }
    }

    /// Writes a tag with those attributes that have a plain text.
    fn written(&mut self, tag: &Tag<'_>, keeps: impl Fn(&str) -> bool) {
        let mut text = format!("<{}{}", if tag.is_end { "/" } else { "" }, tag.name);
        for attribute in tag.attributes.iter().filter(|attribute| keeps(attribute.name)) {
            let value = match attribute.value {
                Value::Text(value) => value.to_owned(),
                Value::None => String::new(),
                Value::Code(code) => match literal(code) {
                    Some(value) => value,
                    None => continue,
                },
            };
            let value = value.replace('"', "&quot;").replace('\n', " ");
            for part in [" ", attribute.name, "=\"", &value, "\""] {
                text.push_str(part);
            }
        }
        text.push_str(if tag.ends_itself { " />" } else { ">" });
        self.current.push_str(&text);
    }

    /// An element of HTML in MDX: on a line of its own, its content is Markdown.
    fn element(&mut self, tag: &Tag<'_>, _: &str) {
        let name = tag.name;
        if name.is_empty() {
            self.advance(tag.len);
            return;
        }
        let blank = self.current.trim_start_matches(['-', '*', '+', ' ', '>']).is_empty();
        let is_block = ELEMENT_BLOCKS.contains(&name) && (blank || tag.is_end);
        if is_block {
            let indent = self.indent();
            self.gap();
            self.current.push_str(&indent);
        }
        self.written(tag, |name| !matches!(name, "className" | "style" | "key") && !name.starts_with("on"));
        self.advance(tag.len);
        if is_block {
            self.end_block();
        }
    }

    /// The indentation of the line in the making.
    fn indent(&self) -> String {
        self.current.chars().take_while(|c| *c == ' ').take(MAX_INDENT).collect()
    }

    /// An empty line after a block, and the indentation of what follows it on its line.
    fn end_block(&mut self) {
        let indent = self.indent();
        self.gap();
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        self.at += blanks;
        if !self.rest().starts_with(['\n', '\r']) {
            self.current.push_str(&indent);
        }
    }

    fn component(&mut self, tag: &Tag<'_>, rest: &str) {
        // Only what comes next is looked at: a line may hold any number of components.
        let after = rest[tag.len..].trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        let is_alone = self.current.trim().is_empty() && (after.is_empty() || after.starts_with(['<', '\n']));
        let is_block = is_alone || BLOCKS.contains(&tag.name);
        if tag.name == "Tabs" {
            self.tabs(tag);
        }
        if tag.is_end {
            self.advance(tag.len);
            if is_block {
                let indent = self.indent();
                self.gap();
                self.current.push_str(&indent);
                self.end_block();
            }
            return;
        }
        if let Some(from) = self.imports.get(tag.name).filter(|from| is_document(from)).cloned() {
            let (indent, origin) = (self.indent(), self.origin());
            self.gap();
            let props: Props = tag
                .attributes
                .iter()
                .take(MAX_PROPS)
                .filter_map(|a| Some((a.name.to_owned(), tag.text(a.name)?)))
                .collect();
            self.pieces.push(Piece { origin, text: format!("{indent}{from}"), kind: Kind::Include, props });
            self.advance(tag.len);
            self.end_block();
            return;
        }
        let texts = self.texts(tag);
        self.name_unknown(tag, !texts.is_empty());
        if is_block {
            let indent = self.indent();
            self.gap();
            self.advance(tag.len);
            self.block(tag, &indent, &texts);
            self.current.clone_from(&indent);
            self.end_block();
        } else {
            let shown = texts.iter().map(|(_, text)| escaped(text)).collect::<Vec<_>>().join(" ");
            self.current.push_str(&shown);
            self.advance(tag.len);
        }
    }

    /// A block's own texts, as paragraphs.
    fn block(&mut self, tag: &Tag<'_>, indent: &str, texts: &[(&str, String)]) {
        match tag.name {
            "Code" | "CodeBlock" => {
                let named = tag.attributes.iter().find_map(|attribute| match attribute.value {
                    Value::Code(name) if attribute.name == "code" => Some(name.trim()),
                    _ => None,
                });
                let code = tag.text("code").or_else(|| self.file_code(named?)).or_else(|| self.child_code(tag));
                let title = tag.text("title");
                if let Some(code) = code {
                    let language = tag.text("lang").or_else(|| tag.text("language")).unwrap_or_default();
                    self.code_block(&language, title.as_deref(), &code);
                }
                return;
            }
            "LinkCard" => {
                let title = texts.first().map(|(_, text)| escaped(text)).unwrap_or_default();
                let href = tag.text("href").unwrap_or_default();
                self.current = format!("{indent}[{title}](<{href}>)");
                self.gap();
            }
            _ => {}
        }
        let skipped = usize::from(tag.name == "LinkCard");
        for (name, text) in texts.iter().skip(skipped) {
            let is_title = matches!(*name, "title" | "label" | "heading" | "summary");
            let text = escaped(text).replace('\n', " ");
            self.current = if is_title { format!("{indent}**{text}**") } else { format!("{indent}{text}") };
            self.gap();
        }
    }

    /// The code that stands in a `CodeBlock`: an expression, or the file that a name in it was imported from.
    fn child_code(&mut self, tag: &Tag<'_>) -> Option<String> {
        if tag.ends_itself {
            return None;
        }
        let rest = self.rest();
        let end = self.find(&format!("</{}>", tag.name))?;
        let inner = rest[..end].trim();
        let code = inner.strip_prefix('{')?.strip_suffix('}')?.trim();
        let text = literal(code).or_else(|| self.file_code(code));
        self.advance(end);
        text
    }

    /// The text of the file that a name was imported from: `!!raw-loader!./x.js`, `./x.js?raw`.
    fn file_code(&mut self, name: &str) -> Option<String> {
        let from = self.imports.get(name)?.rsplit('!').next()?;
        let from = from.split('?').next().unwrap_or(from).to_owned();
        let path = super::blocks::imported(self.source.path, &from, self.context)?;
        let text = self.context.asking.file(&path);
        if text.is_none() {
            let line = self.origin();
            self.out.warn("missing_include", line, format!("`{path}`, which is imported here, is not there"));
        }
        text.filter(|text| self.brings(text.len())).map(|text| text.to_string())
    }

    pub(super) fn code_block(&mut self, language: &str, title: Option<&str>, code: &str) {
        let indent = self.indent();
        self.gap();
        let origin = self.origin();
        let mut push = |text: String, kind: Kind| self.pieces.push(Piece { origin, text, kind, props: Props::new() });
        if let Some(title) = title {
            push(format!("{indent}**{}**", escaped(title)), Kind::Prose);
            push(String::new(), Kind::Prose);
        }
        let signs = if code.contains("```") { "~~~~~~" } else { "```" };
        let open = format!("{indent}{signs}{language}");
        if let Some((fence, at)) = super::code::Fence::opens(&open) {
            push(open, Kind::Open(at, fence));
            for line in code.trim_matches('\n').lines() {
                push(format!("{indent}{line}"), Kind::Code);
            }
            push(format!("{indent}{signs}"), Kind::Close);
        }
        self.begun = self.line;
    }

    fn tabs(&mut self, tag: &Tag<'_>) {
        if tag.is_end {
            self.tab_labels.pop();
            return;
        }
        let mut labels = BTreeMap::new();
        for value in tag.value("values").iter().flat_map(crate::site::literal::Literal::list) {
            let text = |key: &str| value.entry(key).and_then(|value| value.text()).map(str::to_owned);
            if let (Some(value), Some(label)) = (text("value"), text("label")) {
                labels.insert(value, label);
            }
        }
        if !tag.ends_itself {
            self.tab_labels.push(labels);
        }
    }

    /// The texts that a component shows beside what it holds.
    fn texts(&self, tag: &Tag<'_>) -> Vec<(&'static str, String)> {
        let read = |name: &&'static str| Some((*name, tag.text(name)?)).filter(|(_, text)| !text.trim().is_empty());
        match tag.name {
            "Icon" | "Tabs" | "Head" | "Translate" | "TOCInline" | "Steps" | "FileTree" | "Code" | "CodeBlock" => {
                Vec::new()
            }
            "TabItem" => {
                let value = tag.text("value");
                let known = value.as_ref().and_then(|value| self.tab_labels.last()?.get(value)).cloned();
                tag.text("label").or(known).or(value).map(|label| ("label", label)).into_iter().collect()
            }
            "Aside" | "Admonition" => {
                let kind = tag.text("type").unwrap_or_else(|| "note".to_owned());
                vec![("title", tag.text("title").unwrap_or_else(|| capitalised(&kind)))]
            }
            // What it holds goes before its text.
            "Badge" if !tag.ends_itself => Vec::new(),
            _ => TEXTS.iter().filter_map(read).collect(),
        }
    }

    fn name_unknown(&mut self, tag: &Tag<'_>, _has_text: bool) {
        if KNOWN.contains(&tag.name) || !self.named.insert(tag.name.to_owned()) {
            return;
        }
        let line = self.origin();
        let message = format!("`<{}>` component is not understood; its text is kept", tag.name);
        self.out.warn("unknown_construct", line, message);
    }
}

/// A text that Markdown shall not read anything into.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '{' => out.push_str("&#123;"),
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn is_document(from: &str) -> bool {
    !from.contains('!') && [".md", ".mdx"].iter().any(|end| from.ends_with(end))
}
