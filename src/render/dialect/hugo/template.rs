//! Shortcodes of the site's own: their templates, as far as they are plain. HTML, what stands in the shortcode, and its
//! parameters are understood; a template with more in it is not read.

use std::rc::Rc;

use super::lines::Line;
use super::{Call, Pass, Shown};

/// A longer template is no plain one.
const MAX_BYTES: usize = 8 * 1024;

/// Bytes that templates make of one document's shortcodes, at most: they may repeat what stands in one, again and again
/// where one stands in another.
const MAX_MADE: usize = 16 << 20;

/// Shortcodes of one document whose templates are kept.
const MAX_TEMPLATES: usize = 1_000;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// What stands in the shortcode; as Markdown.
    Inner {
        is_markdown: bool,
    },
    /// A parameter, by place or by name.
    Param(String),
}

impl Pass<'_> {
    /// What a shortcode becomes whose template the site has and which is plain.
    pub(super) fn by_template(
        &mut self,
        call: &Call<'_, '_>,
        text: &str,
        origin: &dyn Fn(u32) -> u32,
    ) -> Option<Shown> {
        let parts = self.template(call.tag.name)?;
        let uses_inner = parts.iter().any(|part| matches!(part, Part::Inner { .. }));
        let inner = if uses_inner { self.inner(call, text, origin) } else { Vec::new() };
        let is_inline = inner.len() <= 1 && !call.raw.contains('\n') && !has_blocks(&parts);
        let mut lines = Vec::new();
        let mut line = String::new();
        let end_line = |line: &mut String, lines: &mut Vec<Line>| {
            lines.push(Line { text: std::mem::take(line).trim().to_owned(), origin: call.origin });
        };
        let bytes: usize = inner.iter().map(|line| line.text.len() + 1).sum();
        for part in parts.iter() {
            self.made = self.made.saturating_add(match part {
                Part::Text(text) => text.len(),
                Part::Inner { .. } => bytes,
                Part::Param(_) => 0,
            });
            if self.made > MAX_MADE {
                let message =
                    format!("what the templates of `{}` and others make is too long: it is left out", call.tag.name);
                self.out.warn("unknown_construct", call.origin, message);
                return Some(Shown::Nothing);
            }
            match part {
                Part::Text(text) => line.push_str(&text.split_whitespace().fold(blank_start(text), joined_words)),
                Part::Param(key) => {
                    let by_place = key.parse().ok().and_then(|place| call.tag.at(place));
                    line.push_str(by_place.or_else(|| call.tag.named(key)).unwrap_or_default());
                }
                Part::Inner { .. } if is_inline => line.push_str(inner.first().map_or("", |line| line.text.as_str())),
                Part::Inner { is_markdown } => {
                    end_line(&mut line, &mut lines);
                    // An empty line ends the block of HTML, so that what follows is read as Markdown.
                    if *is_markdown || call.raw.contains('\n') {
                        end_line(&mut line, &mut lines);
                    }
                    lines.extend(inner.iter().cloned());
                    end_line(&mut line, &mut lines);
                }
            }
        }
        end_line(&mut line, &mut lines);
        Some(match lines.len() {
            0 => Shown::Nothing,
            1 if is_inline => lines.pop().map_or(Shown::Nothing, |line| Shown::Inline(line.text)),
            _ => Shown::Block(lines),
        })
    }
}

impl Pass<'_> {
    /// The template of a shortcode, if it is there and plain; looked for once.
    fn template(&mut self, name: &str) -> Option<Rc<[Part]>> {
        if let Some(known) = self.templates.get(name) {
            return known.clone();
        }
        let folder = &self.rules.folder;
        let within = |dir: &str| if folder.is_empty() { dir.to_owned() } else { format!("{folder}/{dir}") };
        let dirs = ["layouts/shortcodes", "layouts/_shortcodes"];
        let places: Vec<_> = dirs.iter().map(|dir| (within(dir), format!("{name}.html"))).collect();
        let read = self.file(&places).and_then(|(_, template)| parts(&template)).map(Rc::from);
        if self.templates.len() < MAX_TEMPLATES {
            self.templates.insert(name.to_owned(), read.clone());
        }
        read
    }
}

/// Words with one blank between them, and one before and after where there were some.
fn joined_words(mut line: String, word: &str) -> String {
    if !line.is_empty() && !line.ends_with(' ') {
        line.push(' ');
    }
    line.push_str(word);
    line
}

fn blank_start(text: &str) -> String {
    if text.starts_with(char::is_whitespace) { " ".to_owned() } else { String::new() }
}

fn has_blocks(parts: &[Part]) -> bool {
    const BLOCKS: &[&str] =
        &["<div", "<p", "<table", "<section", "<aside", "<blockquote", "<ul", "<ol", "<h", "<details", "<pre"];
    parts.iter().any(|part| matches!(part, Part::Text(text) if BLOCKS.iter().any(|block| text.contains(block))))
}

/// The pieces of a plain template; `None`: it is none.
fn parts(template: &str) -> Option<Vec<Part>> {
    if template.len() > MAX_BYTES {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        if at > 0 {
            parts.push(Part::Text(rest[..at].to_owned()));
        }
        let end = rest[at..].find("}}")? + at;
        let action = rest[at + 2..end].trim_matches('-').trim();
        rest = &rest[end + 2..];
        if action.starts_with("/*") && action.ends_with("*/") {
            continue;
        }
        parts.push(part(action)?);
    }
    parts.push(Part::Text(rest.to_owned()));
    // What a browser runs or hides is not for words alone.
    let is_plain = |part: &Part| !matches!(part, Part::Text(text) if text.contains("<script") || text.contains("<style") || text.contains("=\"$"));
    // A parameter within a tag would need its value escaped.
    let mut is_in_tag = false;
    for part in &parts {
        match part {
            Part::Text(text) => {
                is_in_tag = match (text.rfind('<'), text.rfind('>')) {
                    (Some(open), Some(close)) => open > close,
                    (Some(_), None) => true,
                    (None, Some(_)) => false,
                    (None, None) => is_in_tag,
                };
            }
            _ if is_in_tag => return None,
            _ => {}
        }
    }
    parts.iter().all(is_plain).then_some(parts)
}

/// `.Inner`, `.Inner | markdownify`, `.Get 0`, `.Get "name"`, with what only cleans it.
fn part(action: &str) -> Option<Part> {
    let mut steps = action.split('|').map(str::trim);
    let first = steps.next()?;
    let mut is_markdown = false;
    for step in steps {
        match step {
            "markdownify" | ".Page.RenderString" | "$.Page.RenderString" => is_markdown = true,
            "safeHTML" | "htmlUnescape" | "strings.TrimSpace" | "plainify" => {}
            _ => return None,
        }
    }
    if let Some(name) = first.strip_prefix(".Get ") {
        return Some(Part::Param(name.trim().trim_matches(['"', '`']).to_owned()));
    }
    match first {
        ".Inner" | "trim .Inner \"\\n\"" | "trim .Inner \" \"" => Some(Part::Inner { is_markdown }),
        ".Page.RenderString .Inner" | ".Inner markdownify" | "markdownify .Inner" => {
            Some(Part::Inner { is_markdown: true })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_templates_are_read() {
        let text = |text: &str| Part::Text(text.to_owned());
        let read = parts("<b>{{ .Get 0 }}</b>{{- /* c */ -}}{{ .Inner | markdownify }}");
        let param = Part::Param("0".to_owned());
        assert_eq!(read, Some(vec![text("<b>"), param, text("</b>"), Part::Inner { is_markdown: true }, text("")]));
        for template in [
            "{{ if .x }}a{{ end }}",
            "<a href=\"{{ .Get 0 }}\">x</a>",
            "{{ .Inner | foo }}",
            "<script>1</script>",
            "{{ open",
        ] {
            assert_eq!(parts(template), None, "{template}");
        }
    }
}
