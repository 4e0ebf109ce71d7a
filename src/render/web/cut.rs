//! What is taken out of a page's tree before it is written, and what is put right in it: all that frames the text, all that
//! no reader sees or can open; ids of headings where their theme keeps them elsewhere.

use std::collections::HashSet;

use dom_query::{Document, NodeRef, Selection};

use super::generators::{self, Theme};
use super::head::one_line;

/// Gives headings the ids that links to them use, before the permalinks go that have them.
pub(super) fn name_headings(document: &Document) {
    for heading in document.select("h1, h2, h3, h4, h5, h6").nodes() {
        if heading.id_attr().is_some_and(|id| !id.is_empty()) {
            continue;
        }
        let within: Vec<NodeRef<'_>> = heading.descendants_it().filter(NodeRef::is_element).take(32).collect();
        let fragment =
            |node: &NodeRef<'_>| Some(node.attr("href")?.strip_prefix('#')?.to_owned()).filter(|id| !id.is_empty());
        let is_sign = |node: &&NodeRef<'_>| {
            let class = node.class().unwrap_or_default();
            !class.contains("backref")
                && (class.contains("link") || class.contains("anchor") || one_line(&node.text()).chars().count() < 3)
        };
        let own = within.iter().filter(is_sign).find_map(fragment);
        // Sphinx and docutils: the section has it.
        let of_section = || {
            let parent = heading.parent()?;
            let is_first =
                heading.prev_element_sibling().is_none_or(|before| &*before.node_name().unwrap_or_default() == "span");
            let name = parent.node_name()?;
            let is_section = matches!(&*name, "section" | "article") || parent.has_class("section");
            parent.id_attr().filter(|_| is_first && is_section).map(|id| id.to_string())
        };
        // An anchor before or around its words.
        let of_anchor = || {
            let named = |node: &NodeRef<'_>| node.id_attr().or_else(|| node.attr("name")).map(|id| id.to_string());
            within.iter().find_map(|node| named(node).filter(|id| !id.is_empty()))
        };
        let around = || within.iter().filter(|node| !node.has_class("toc-backref")).find_map(fragment);
        let id = own.or_else(of_section).or_else(of_anchor).or_else(around);
        if let Some(id) = id.filter(|id| !id.contains(char::is_whitespace)) {
            heading.set_attr("id", &id);
        }
    }
}

/// Takes out what is no part of the text.
pub(super) fn cut(document: &Document, main: &Selection<'_>, theme: Option<&Theme>) {
    for node in generators::framing(main, theme) {
        if !is_kept(&node) {
            node.remove_from_parent();
        }
    }
    cut_hidden(document, main);
    cut_forms(main);
    cut_edit_links(main);
    cut_end(main);
}

/// What a selector means elsewhere and not here: a whole page whose class says so, a heading, and a section whose id is its
/// heading's (`#toc` and `#feedback` are such ids too).
fn is_kept(node: &NodeRef<'_>) -> bool {
    let name = node.node_name().unwrap_or_default();
    let first = || node.first_element_child().filter(is_heading);
    match &*name {
        "body" | "html" | "main" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => true,
        "section" | "article" | "div" => first().is_some_and(|heading| {
            let slug = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
            let is_named_so = node.id_attr().is_some_and(|id| slug(&id) == slug(&heading.text()));
            is_named_so || (&*heading.node_name().unwrap_or_default() == "h1" && &*name != "div")
        }),
        _ => false,
    }
}

fn is_heading(node: &NodeRef<'_>) -> bool {
    node.node_name().is_some_and(|name| matches!(&*name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6"))
}

/// Elements that are hidden, but for those that a reader can open.
fn cut_hidden(document: &Document, main: &Selection<'_>) {
    let may_be = |node: &NodeRef<'_>| {
        let is_link = || node.node_name().is_some_and(|name| &*name == "a");
        let style = || {
            node.attr("style").is_some_and(|style| {
                let style = style.to_ascii_lowercase().replace(' ', "");
                style.contains("display:none") || style.contains("visibility:hidden")
            })
        };
        node.has_attr("hidden") || style() || (&*node.attr_or("aria-hidden", "") == "true" && is_link())
    };
    let hidden: Vec<NodeRef<'_>> = main.nodes().iter().flat_map(NodeRef::descendants_it).filter(may_be).collect();
    if hidden.is_empty() {
        return;
    }
    let openers = ["aria-controls", "data-bs-target", "data-target"];
    let opened: HashSet<String> = document
        .root()
        .descendants_it()
        .flat_map(|node| openers.map(|name| node.attr(name)))
        .flatten()
        .map(|id| id.trim_start_matches('#').to_owned())
        .filter(|id| !id.is_empty())
        .collect();
    for node in hidden {
        let class = node.class().unwrap_or_default();
        let opens = ["tab", "collaps", "accordion"];
        let can_be_opened = &*node.attr_or("role", "") == "tabpanel"
            || node.attr_or("hidden", "").eq_ignore_ascii_case("until-found")
            || node.id_attr().is_some_and(|id| opened.contains(&*id))
            || class.split_ascii_whitespace().any(|class| opens.iter().any(|opens| class.contains(opens)));
        if can_be_opened {
            node.remove_attr("hidden");
        } else {
            node.remove_from_parent();
        }
    }
}

/// Forms: of searches, comments and letters of news; but not one that holds the page.
fn cut_forms(main: &Selection<'_>) {
    let forms = main.select("form");
    if forms.is_empty() {
        return;
    }
    let all = main.nodes().iter().map(|node| node.text().len()).sum::<usize>();
    for form in forms.nodes() {
        if form.text().len() * 3 < all {
            form.remove_from_parent();
        }
    }
}

/// Links to where the page is edited.
fn cut_edit_links(main: &Selection<'_>) {
    for link in main.select("a[href*='/edit/'], a[href*='/-/ide/'], a[rel~=edit], a[href*='/issues/new']").nodes() {
        let text = one_line(&link.text()).to_lowercase();
        let says_so = [
            "edit",
            "suggest",
            "improve",
            "report",
            "create doc",
            "create issue",
            "make changes",
            "bearbeiten",
            "modifier",
        ];
        if text.chars().count() < 60 && (text.is_empty() || says_so.iter().any(|word| text.contains(word))) {
            link.remove_from_parent();
        }
    }
}

/// What pages end with: when they were changed, whether they helped.
fn cut_end(main: &Selection<'_>) {
    const SAID: &[&str] = &[
        "last updated",
        "last modified",
        "last update",
        "was this page helpful",
        "was this helpful",
        "did this page help",
        "zuletzt aktualisiert",
        "dernière mise à jour",
    ];
    let Some(root) = main.nodes().last().copied() else { return };
    let mut node = root;
    // The last blocks of the last blocks; each may end several times over.
    for _ in 0..64 {
        let last = node.children_it(true).find(|child| child.is_element() || !child.text().trim().is_empty());
        let Some(last) = last.filter(NodeRef::is_element) else { return };
        let text = last.text();
        let is_short = text.len() < 400;
        let line = if is_short { one_line(&text).to_lowercase() } else { String::new() };
        let is_block = !matches!(
            &*last.node_name().unwrap_or_default(),
            "a" | "code" | "em" | "strong" | "b" | "i" | "td" | "li" | "pre"
        );
        if is_short && is_block && line.chars().count() < 90 && SAID.iter().any(|said| line.starts_with(said)) {
            last.remove_from_parent();
            node = root;
        } else if is_short && line.is_empty() && !shows_something(&last) {
            last.remove_from_parent();
        } else {
            node = last;
        }
    }
}

/// Whether an element is, or holds, what is seen though it has no text.
fn shows_something(node: &NodeRef<'_>) -> bool {
    let shows =
        |node: &NodeRef<'_>| node.node_name().is_some_and(|name| matches!(&*name, "img" | "hr" | "input" | "math"));
    shows(node) || node.descendants_it().any(|node| shows(&node))
}
