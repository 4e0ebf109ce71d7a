//! Shortcodes that are known by name: Hugo's own, and those of Docsy, Hugo Book, Geekdoc, Hextra, Learn and Relearn, and
//! of the documentation of Kubernetes. What a theme shows as a box is a quote, with its label first.

use super::lines::Line;
use super::{Call, Pass, Shown, Tabs, shown};
use crate::render::dialect::capitalised;
use crate::render::front_matter;

/// Boxes that are labelled by what they are called.
const NAMED_BOXES: &[&str] = &[
    "note",
    "warning",
    "tip",
    "important",
    "caution",
    "danger",
    "info",
    "error",
    "success",
    "attention",
    "question",
    "example",
    "todo",
];

/// Boxes that say in a parameter what they are.
const BOXES: &[&str] =
    &["hint", "notice", "callout", "admonition", "alert", "pageinfo", "box", "message", "banner", "notices"];

/// What only arranges what stands in it.
const FRAMES: &[&str] = &[
    "columns",
    "column",
    "row",
    "col",
    "grid",
    "steps",
    "cards",
    "cardpane",
    "filetree/container",
    "block",
    "section",
    "blocks/section",
    "blocks/lead",
    "blocks/cover",
    "blocks/feature",
    "hextra/hero-container",
    "div",
    "center",
    "progress",
    "feature-grid",
    "hextra/feature-grid",
    "hextra/hero-headline",
    "hextra/hero-subtitle",
    "hero",
    "markdown",
    "content",
    "step",
    "wrap",
    "buttons",
];

/// What has no text.
const SILENT: &[&str] = &[
    "icon",
    "fa",
    "fas",
    "fab",
    "qr",
    "toc",
    "br",
    "clear",
    "comment",
    "hr",
    "spacer",
    "blocks/link-down",
    "asciinema",
];

type Text<'t> = (&'t str, &'t dyn Fn(u32) -> u32);

impl Pass<'_> {
    /// What a shortcode that is known by name becomes.
    pub(super) fn known(&mut self, call: &Call<'_, '_>, text: &str, origin: &dyn Fn(u32) -> u32) -> Option<Shown> {
        let tag = call.tag;
        let lower = tag.name.to_lowercase();
        let name = lower.strip_suffix(".html").or(lower.strip_suffix(".md")).unwrap_or(&lower);
        let whole: Text<'_> = (text, origin);
        Some(match name {
            "ref" | "relref" => {
                let path = tag.at(0).or_else(|| tag.named("path")).unwrap_or_default().to_owned();
                self.reference(&path, call.origin).map_or(Shown::Nothing, Shown::Inline)
            }
            "param" | "siteparam" => {
                let key = tag.at(0).or_else(|| tag.named("name")).unwrap_or_default();
                if let Some(value) = self.param(key) {
                    Shown::Inline(value)
                } else {
                    let message = format!("`param {key}` is said neither by the page nor by the site");
                    self.out.warn("unknown_construct", call.origin, message);
                    Shown::Nothing
                }
            }
            "figure" | "image" | "img" | "imgproc" => self.figure(call, whole),
            "highlight" => fence(call, tag.at(0).or_else(|| tag.named("lang")).unwrap_or_default(), call.raw),
            "mermaid" | "goat" | "plantuml" | "chart" | "math" | "katex" | "latex" => {
                if call.raw.contains('\n') {
                    fence(call, name, call.raw)
                } else {
                    Shown::Inline(call.raw.trim().to_owned())
                }
            }
            "rawhtml" | "raw" | "unsafe" if call.inner.is_some() => {
                let pieces = call.inner.unwrap_or_default();
                let lines = self.pieces(pieces, call.first, text, origin, true);
                shown(call, lines)
            }
            "youtube" | "vimeo" | "gist" | "tweet" | "x" | "twitter" | "instagram" => embedded(call, name),
            "tabs" | "tabpane" | "tabgroup" | "tab-group" | "codetabs" | "code-tabs" => {
                self.tab_group(call, whole, name)
            }
            "tab" | "tabitem" | "tab-item" => self.tab(call, whole),
            "expand" | "details" | "collapse" | "accordion" | "detail-tag" | "spoiler" | "toggle" => {
                let label = tag.any(&["title", "summary", "label", "header"]).or_else(|| tag.at(0));
                let otherwise = if matches!(name, "expand" | "details") { capitalised(name) } else { String::new() };
                let label = label.map_or(otherwise, str::to_owned);
                self.quote(call, whole, &label)
            }
            "button" | "btn" | "link-button" | "hextra/hero-button" => self.button(call, whole),
            "card" | "link-card" | "hextra/feature-card" | "feature-card" | "blocks/feature" | "blocks/cover" => {
                self.card(call, whole)
            }
            "readfile" | "include" | "includefile" | "codefile" | "code" | "code_sample" | "snippet" | "readtext" => {
                self.include(call, whole, name)
            }
            "badge" | "kbd" | "term" | "glossary_tooltip" | "hextra/hero-badge" => {
                let own = tag.any(&["text", "content", "name", "title"]).or_else(|| tag.at(0)).map(str::to_owned);
                let lines = self.inner(call, text, origin);
                if lines.is_empty() { own.map_or(Shown::Nothing, Shown::Inline) } else { shown(call, lines) }
            }
            _ if NAMED_BOXES.contains(&name) => {
                let label = tag
                    .any(&["title", "header"])
                    .or_else(|| tag.at(0))
                    .map_or_else(|| capitalised(name), str::to_owned);
                self.quote(call, whole, &label)
            }
            _ if BOXES.contains(&name) => {
                let label = box_label(call, name);
                self.quote(call, whole, &label)
            }
            _ if FRAMES.contains(&name) => {
                let title = tag.any(&["title", "header"]).map(|title| format!("**{title}**"));
                let mut lines = self.inner(call, text, origin);
                // What parts columns of Hugo Book.
                lines.retain(|line| line.text.trim() != "<--->");
                labelled(call, title, lines)
            }
            _ if SILENT.contains(&name) => Shown::Nothing,
            _ => return None,
        })
    }

    /// A box: its label, then what stands in it, quoted.
    fn quote(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>, label: &str) -> Shown {
        let inner = self.inner(call, text, origin);
        let mut lines = Vec::with_capacity(inner.len() + 2);
        let put = |text: String, origin: u32, lines: &mut Vec<Line>| lines.push(Line { text, origin });
        if !label.trim().is_empty() {
            put(format!("> **{}**", one_line(label)), call.origin, &mut lines);
            put(">".to_owned(), call.origin, &mut lines);
        }
        for line in inner {
            let text = if line.text.trim().is_empty() { ">".to_owned() } else { format!("> {}", line.text) };
            put(text, line.origin, &mut lines);
        }
        if lines.is_empty() { Shown::Nothing } else { Shown::Block(lines) }
    }

    fn figure(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>) -> Shown {
        let tag = call.tag;
        let src = tag.any(&["src", "source", "url", "file"]).or_else(|| tag.at(0)).unwrap_or_default();
        let caption = tag.named("caption").unwrap_or_default();
        let alt = tag.named("alt").unwrap_or(caption);
        let image = format!("![{}](<{}>)", one_line(alt).replace(['[', ']'], ""), one_line(src));
        let image = match tag.named("link").filter(|link| !link.is_empty()) {
            Some(link) => format!("[{image}](<{}>)", one_line(link)),
            None => image,
        };
        let mut lines = vec![Line { text: image, origin: call.origin }];
        let attr = tag.named("attr").unwrap_or_default();
        let attr = match tag.named("attrlink").filter(|link| !link.is_empty() && !attr.is_empty()) {
            Some(link) => format!("[{attr}](<{}>)", one_line(link)),
            None => attr.to_owned(),
        };
        let title = tag.named("title").filter(|title| !title.is_empty()).map(|title| format!("**{title}**"));
        for text in [title.unwrap_or_default(), format!("{caption} {attr}")] {
            if !text.trim().is_empty() {
                lines.push(Line { text: String::new(), origin: call.origin });
                lines.push(Line { text: one_line(&text), origin: call.origin });
            }
        }
        let inner = self.inner(call, text, origin);
        if !inner.is_empty() {
            lines.push(Line { text: String::new(), origin: call.origin });
            lines.extend(inner);
        }
        Shown::Block(lines)
    }

    fn tab_group(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>, name: &str) -> Shown {
        let tag = call.tag;
        let labels = tag.named("items").unwrap_or_default();
        let labels = labels.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect();
        // Docsy's tabs hold code unless they say that it is text.
        let is_code = name == "tabpane" && !tag.is_on("text");
        self.tabs.push(Tabs { labels, next: 0, is_code, language: tag.named("lang").map(str::to_owned) });
        let lines = self.inner(call, text, origin);
        self.tabs.pop();
        if lines.is_empty() { Shown::Nothing } else { Shown::Block(lines) }
    }

    fn tab(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>) -> Shown {
        let tag = call.tag;
        let own = tag.any(&["header", "name", "title", "label", "tabname", "tabName"]).or_else(|| tag.at(0));
        let mut label = own.map(str::to_owned);
        let (mut is_code, mut language) = (false, None);
        if let Some(group) = self.tabs.last_mut() {
            label = label.or_else(|| group.labels.get(group.next).cloned());
            group.next += 1;
            is_code = group.is_code && !tag.is_on("text");
            language.clone_from(&group.language);
        }
        let label = label.map(|label| format!("**{}**", one_line(&label)));
        let lines = if is_code {
            let language = tag.named("lang").or(language.as_deref()).unwrap_or_default().to_owned();
            match fence(call, &language, call.raw) {
                Shown::Block(lines) => lines,
                _ => Vec::new(),
            }
        } else {
            self.inner(call, text, origin)
        };
        labelled(call, label, lines)
    }

    fn button(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>) -> Shown {
        let tag = call.tag;
        let lines = self.inner(call, text, origin);
        let own = tag.any(&["text", "label", "title"]).map(str::to_owned);
        let label = if lines.is_empty() { own.unwrap_or_default() } else { super::flat(&lines) };
        let named = tag.any(&["relref", "ref", "page"]).map(str::to_owned);
        let target = match named {
            Some(page) => self.reference(&page, call.origin),
            None => tag.any(&["href", "url", "link"]).or_else(|| tag.at(0)).map(one_line),
        };
        match target {
            _ if label.is_empty() => Shown::Nothing,
            Some(target) => Shown::Inline(format!("[{label}](<{target}>)")),
            None => Shown::Inline(label),
        }
    }

    fn card(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>) -> Shown {
        let tag = call.tag;
        let link = tag.any(&["link", "href", "url"]).map(one_line);
        let title = tag.any(&["title", "header", "name"]).map(|title| match &link {
            Some(link) => format!("**[{}](<{link}>)**", one_line(title)),
            None => format!("**{}**", one_line(title)),
        });
        let mut lines = Vec::new();
        for more in
            ["subtitle", "description", "text"].iter().filter_map(|key| tag.named(key)).filter(|t| !t.is_empty())
        {
            lines.push(Line { text: one_line(more), origin: call.origin });
            lines.push(Line { text: String::new(), origin: call.origin });
        }
        lines.extend(self.inner(call, text, origin));
        if let Some(footer) = tag.any(&["footer"]) {
            lines.push(Line { text: String::new(), origin: call.origin });
            lines.push(Line { text: one_line(footer), origin: call.origin });
        }
        labelled(call, title, lines)
    }

    /// A file's text: Markdown as such, all else as code.
    fn include(&mut self, call: &Call<'_, '_>, (text, origin): Text<'_>, name: &str) -> Shown {
        let tag = call.tag;
        let path = tag.any(&["file", "path", "src", "source", "filename"]).or_else(|| tag.at(0)).map(str::to_owned);
        let language = tag.any(&["lang", "language", "highlight"]).map(str::to_owned);
        let path = match path {
            Some(path) if call.inner.is_none() || path.contains('.') => path,
            other => {
                // `code` with the code itself.
                let language = language.or(other).unwrap_or_default();
                if call.inner.is_some() && name.starts_with("code") {
                    return fence(call, &language, call.raw);
                }
                let lines = self.inner(call, text, origin);
                return shown(call, lines);
            }
        };
        let Some((file, content)) = self.file(&self.places(&path)) else {
            self.out.warn("missing_include", call.origin, format!("`{path}` is included and not there"));
            return Shown::Nothing;
        };
        let is_code = tag.is_on("code") || !matches!(file.extension().as_str(), "md" | "markdown" | "html" | "txt");
        if is_code || (language.is_some() && name != "include") {
            let language = language.unwrap_or_else(|| file.extension());
            return fence(call, &language, &content);
        }
        if !self.out.begin_include(&file, call.origin) {
            return Shown::Nothing;
        }
        let body = front_matter::split(&content).map_or(&*content, |split| split.body);
        let at = call.origin;
        let pieces = super::read(body);
        let lines = self.pieces(&pieces, 0, body, &|_| at, self.rules.markup.publishes_html);
        self.out.end_include();
        if lines.is_empty() { Shown::Nothing } else { Shown::Block(lines) }
    }

    /// Where a file may lie that a theme includes: beside the document, in the site's folders.
    fn places(&self, path: &str) -> Vec<(String, String)> {
        let folder = &self.rules.folder;
        let below = path.trim_start_matches('/');
        let mut places = Vec::new();
        if !path.starts_with('/') {
            places.push((self.context.path.dir().to_owned(), path.to_owned()));
        }
        let within = |dir: &str| if folder.is_empty() { dir.to_owned() } else { format!("{folder}/{dir}") };
        places.push((folder.clone(), below.to_owned()));
        places.extend(self.rules.content_folders().map(|dir| (dir.to_owned(), below.to_owned())));
        places.extend(["assets", "static", "data"].map(|dir| (within(dir), below.to_owned())));
        // Kubernetes keeps its samples apart.
        places.push((within("content/en/examples"), below.to_owned()));
        places
    }
}

/// A text of its own place, its label before it.
fn labelled(call: &Call<'_, '_>, label: Option<String>, lines: Vec<Line>) -> Shown {
    let Some(label) = label else { return if lines.is_empty() { Shown::Nothing } else { Shown::Block(lines) } };
    let mut all =
        vec![Line { text: one_line(&label), origin: call.origin }, Line { text: String::new(), origin: call.origin }];
    all.extend(lines);
    Shown::Block(all)
}

/// Code in a fence that nothing in it ends.
fn fence(call: &Call<'_, '_>, language: &str, code: &str) -> Shown {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '#' | '.' | '-');
    let language: String = language.chars().take_while(|c| is_name(*c)).collect();
    let code = code.trim_start_matches(['\n', '\r']).trim_end();
    if code.is_empty() {
        return Shown::Nothing;
    }
    let indent =
        code.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start_matches(' ').len());
    let indent = indent.min().unwrap_or(0);
    let mut lines = vec![Line { text: format!("{fence}{language}"), origin: call.origin }];
    lines.extend(
        code.lines().map(|line| Line { text: line.get(indent..).unwrap_or_default().to_owned(), origin: call.origin }),
    );
    lines.push(Line { text: fence, origin: call.origin });
    Shown::Block(lines)
}

/// What is shown from elsewhere: a link to it.
fn embedded(call: &Call<'_, '_>, name: &str) -> Shown {
    let tag = call.tag;
    let id = tag.any(&["id"]).or_else(|| tag.at(0)).unwrap_or_default();
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let second = tag.at(1).unwrap_or_default();
    let (label, url) = match name {
        "youtube" if is_word(id) => ("YouTube video", format!("https://www.youtube.com/watch?v={id}")),
        "vimeo" if is_word(id) => ("Vimeo video", format!("https://vimeo.com/{id}")),
        "instagram" if is_word(id) => ("Instagram post", format!("https://www.instagram.com/p/{id}/")),
        "gist" if is_word(id) && is_word(second) => ("Gist", format!("https://gist.github.com/{id}/{second}")),
        "tweet" | "x" | "twitter" => match (tag.named("user"), tag.named("id")) {
            (Some(user), Some(id)) if is_word(user) && is_word(id) => {
                ("Post", format!("https://x.com/{user}/status/{id}"))
            }
            _ => return Shown::Nothing,
        },
        _ => return Shown::Nothing,
    };
    let label = tag.any(&["title"]).map_or_else(|| label.to_owned(), one_line);
    Shown::Inline(format!("[{label}](<{url}>)"))
}

/// What a box says that it is: its title, else its kind.
fn box_label(call: &Call<'_, '_>, name: &str) -> String {
    let tag = call.tag;
    let title = tag.any(&["title", "header"]).or_else(|| tag.at(1)).filter(|title| !title.is_empty());
    if let Some(title) = title {
        return title.to_owned();
    }
    // Docsy's has a colour, which is no word.
    if matches!(name, "alert" | "pageinfo" | "box" | "banner") {
        return String::new();
    }
    tag.at(0).or_else(|| tag.any(&["type", "style", "level", "kind", "severity"])).map(capitalised).unwrap_or_default()
}

/// A parameter as a part of a line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
