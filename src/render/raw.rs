//! A page in the making, and what becomes of each piece of raw HTML in it, in Markdown as in HTML documents.

use super::constructs;
use super::elements::{Fate, attribute, decoded, fate};
use super::links::{Links, Target};
use super::tokens::{Attribute, Token, unescape};
use super::warnings::Warnings;
use super::writer::Writer;

/// A page in the making.
pub(super) struct Draft<'a> {
    /// What is written.
    pub(super) writer: Writer,
    /// How its links resolve.
    pub(super) links: Links<'a>,
    /// What is wrong with it.
    pub(super) warnings: Warnings<'a>,
    /// It is to be parsed as a browser would, whatever was written.
    pub(super) needs_sanitiser: bool,
    /// Straight quotes, dashes of hyphens and three dots in Markdown are written as a typesetter would.
    pub(super) is_typographic: bool,
    /// Where the element began that hides its content.
    hider_at: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(links: Links<'a>, warnings: Warnings<'a>, capacity: usize) -> Self {
        Self {
            writer: Writer::with_capacity(capacity),
            links,
            warnings,
            needs_sanitiser: false,
            is_typographic: false,
            hider_at: 0,
        }
    }

    /// Where a link leads, with a warning where it leads to no page.
    pub(super) fn link(&mut self, href: &str, offset: usize) -> Option<String> {
        match self.links.link(href) {
            Target::Url(url) => Some(url),
            Target::Dead(path) => {
                self.warnings.push("dead_link", offset, || format!("`{href}` leads to `{path}`, which is no page"));
                None
            }
            Target::Nowhere => None,
        }
    }

    /// Writes an image, or its alternative text where no reader could load it.
    pub(super) fn image(&mut self, src: Option<&str>, alt: &str, offset: usize) {
        let alt = alt.trim();
        if self.writer.is_hidden() {
            return;
        }
        if alt.is_empty() {
            self.warnings.push("no_alt", offset, || "an image without alternative text says nothing to Fin".to_owned());
        }
        match src {
            Some(src) => self.writer.void("img", &[("src", src), ("alt", alt)]),
            None => self.writer.text(alt),
        }
    }

    /// Names a construct that is not understood.
    pub(super) fn unknown(&mut self, name: &str, offset: usize) {
        self.warnings
            .push("unknown_construct", offset, || format!("{name} is not understood; its text is sent as it stands"));
    }

    /// Takes one piece of raw HTML that stands at this place.
    pub(super) fn take(&mut self, token: Token<'_>, offset: usize) {
        match token {
            Token::Text(text) => {
                if self.writer.is_hidden() {
                    return;
                }
                self.writer.raw_text(text);
            }
            Token::Comment(inner, _) => {
                if let Some(name) = constructs::of_comment(inner).filter(|_| !self.writer.is_hidden()) {
                    self.unknown(name, offset);
                }
            }
            Token::End(name) => self.end(&name.to_ascii_lowercase()),
            Token::Start(name, attributes, ends_itself) => self.start(name, &attributes, ends_itself, offset),
        }
    }

    /// Ends the page: the html so far, and a warning where the rest of it was hidden by an element without an end.
    pub(super) fn end_hiders(&mut self) {
        if let Some(name) = self.writer.hider() {
            let message = format!("`<{name}>` is never closed: everything after it is left out");
            self.warnings.push("unclosed_html", self.hider_at, || message);
        }
    }

    fn end(&mut self, name: &str) {
        if self.writer.hider().is_some() {
            self.writer.close_raw(name);
            return;
        }
        if let Fate::Block(name) | Fate::Inline(name) = fate(name) {
            self.writer.close_raw(name);
        }
    }

    fn start(&mut self, written: &str, attributes: &[Attribute<'_>], ends_itself: bool, offset: usize) {
        let lower = written.to_ascii_lowercase();
        if let Some(hider) = self.writer.hider() {
            if hider == lower && !ends_itself {
                self.writer.hide_raw(&lower);
            }
            return;
        }
        let fate = fate(&lower);
        if fate == Fate::Dropped || is_hidden(fate, attributes) {
            if !ends_itself {
                self.hider_at = offset;
                self.writer.hide_raw(&lower);
            }
            return;
        }
        match fate {
            Fate::Block(name) => {
                if !ends_itself {
                    self.open(name, attributes);
                }
            }
            Fate::Inline("a") => self.anchor(attributes, ends_itself, offset),
            Fate::Inline(name) if !ends_itself => self.open(name, attributes),
            Fate::Void("img") => {
                let src = value(attributes, "src").and_then(|src| self.links.image(&unescape(src)));
                let alt = decoded(value(attributes, "alt").unwrap_or_default());
                self.image(src.as_deref(), &alt, offset);
            }
            Fate::Void(name) => {
                self.writer.void_raw(name);
            }
            Fate::Input => {
                if value(attributes, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) {
                    self.writer.text(checkbox(value(attributes, "checked").is_some()));
                }
            }
            Fate::Unknown if !self.writer.is_hidden() => {
                self.unknown(&format!("`<{written}>`"), offset);
                self.texts(attributes);
            }
            Fate::Inline(_) | Fate::Unknown | Fate::Unwrapped | Fate::Nothing | Fate::Dropped => {}
        }
    }

    /// What an element that is not known shows beside its content, as far as the names of its attributes tell: generators
    /// and books have elements of their own, with captions and titles in them.
    fn texts(&mut self, attributes: &[Attribute<'_>]) {
        for name in ["title", "label", "heading", "summary", "file-name", "filename", "caption", "description", "text"]
        {
            let Some(value) = value(attributes, name).filter(|value| !value.is_empty()) else { continue };
            let text = decoded(value).replace('`', "");
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if self.writer.is_between_blocks() {
                self.writer.open_raw("p", &[]);
                self.writer.text(text);
                self.writer.close_raw("p");
            } else {
                for part in [" ", text, " "] {
                    self.writer.text(part);
                }
            }
        }
    }

    fn anchor(&mut self, attributes: &[Attribute<'_>], ends_itself: bool, offset: usize) {
        if ends_itself || self.writer.in_link() {
            return;
        }
        // The sign beside a heading that links to the heading itself.
        let is_permalink = value(attributes, "class").is_some_and(|classes| {
            classes.split_ascii_whitespace().any(|class| {
                matches!(class, "headerlink" | "header-anchor" | "anchor-link" | "hash-link" | "anchorjs-link")
            })
        });
        if is_permalink {
            self.hider_at = offset;
            self.writer.hide_raw("a");
            return;
        }
        let Some(href) = value(attributes, "href") else { return };
        let url = if self.writer.is_hidden() { None } else { self.link(&unescape(href), offset) };
        if let Some(url) = url {
            self.writer.open_raw("a", &[("href", &url)]);
        }
    }

    fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        let decoded: Vec<(&str, String)> = attributes
            .iter()
            .filter(|(key, _)| is_kept(name, key))
            .map(|(key, value)| (&**key, decoded(value)))
            .collect();
        let kept: Vec<(&str, std::borrow::Cow<'_, str>)> =
            decoded.iter().filter_map(|(key, value)| Some((*key, attribute(name, key, value)?))).collect();
        let plain: Vec<(&str, &str)> = kept.iter().map(|(key, value)| (*key, &**value)).collect();
        self.writer.open_raw(name, &plain);
    }
}

/// The sign of a task that is done, or is not.
pub(super) fn checkbox(checked: bool) -> &'static str {
    if checked { "☑ " } else { "☐ " }
}

/// Spares most attributes the work of being decoded.
fn is_kept(element: &str, name: &str) -> bool {
    matches!(name, "id" | "class" | "colspan" | "rowspan" | "align" | "start") || (element == "abbr" && name == "title")
}

/// Whether the author hides an element. Those that end without an end tag are shown: what follows would go with them.
fn is_hidden(fate: Fate, attributes: &[Attribute<'_>]) -> bool {
    let has_end = match fate {
        Fate::Block(name) => {
            !matches!(name, "p" | "li" | "dt" | "dd" | "td" | "th" | "tr" | "thead" | "tbody" | "tfoot")
        }
        Fate::Inline(_) => true,
        _ => false,
    };
    has_end && value(attributes, "hidden").is_some()
}

fn value<'v>(attributes: &[Attribute<'v>], name: &str) -> Option<&'v str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}
