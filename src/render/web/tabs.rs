//! Tabs and code groups: what a reader opens one after the other stands in the page one below the other, each part under
//! its own label.

use std::collections::HashMap;

use dom_query::{Document, NodeRef};

use super::generators::Names;
use super::head::one_line;

/// More tabs than this are none.
const MAX_TABS: usize = 10_000;

/// How many elements are looked at for parts of tabs, in all lists of a page together: what no list has near it is not there.
const PATIENCE: usize = 500_000;

/// The class of a label that was put above its part.
pub(super) const LABEL: &str = "fin-label";

/// Puts each label above its part, and takes the lists of labels away.
pub(super) fn unfold(document: &Document, names: &Names) {
    // Most pages have none.
    let have_lists = names.have("@tablist, .tablist, .tabbed-labels, .vp-code-group, .tab-nav, .nav-tabs");
    if have_lists {
        unfold_lists(document);
    }
    let have_labels = names.have(".tabbed-set, .sd-tab-label, .tab-label, .gdoc-tabs, .book-tabs, .tabs");
    if have_labels {
        unfold_labels(document);
    }
}

fn unfold_lists(document: &Document) {
    let lists =
        document.select("[role=tablist], .tablist, .tabbed-labels, .vp-code-group > .tabs, .tab-nav, .nav-tabs");
    let mut patience = PATIENCE;
    for list in lists.nodes().iter().take(MAX_TABS) {
        unfold_list(list, &mut patience);
    }
}

fn unfold_labels(document: &Document) {
    // Sphinx' extensions, Hugo's themes, and older forms of Python-Markdown's: a label after its switch, before its part.
    let is_of_switch = |label: &NodeRef<'_>| {
        let before = label.prev_element_sibling();
        before.is_some_and(|before| {
            before.node_name().is_some_and(|name| &*name == "input") && &*before.attr_or("type", "") == "radio"
        })
    };
    let labels = document.select("label");
    for label in labels.nodes().iter().filter(|label| is_of_switch(label)).take(MAX_TABS) {
        let text = one_line(&label.text());
        label.before_html(labelled(&text));
        label.remove_from_parent();
    }
}

fn unfold_list(list: &NodeRef<'_>, patience: &mut usize) {
    let tabs = tabs(list, patience);
    if tabs.is_empty() {
        return;
    }
    let Some(panels) = panels(list, &tabs, patience) else { return };
    for (tab, panel) in tabs.iter().zip(&panels) {
        panel.remove_attrs(&["hidden", "style", "aria-hidden"]);
        panel.prepend_html(labelled(&one_line(&tab.text())));
    }
    for panel in panels.iter().skip(tabs.len()) {
        panel.remove_attrs(&["hidden", "style", "aria-hidden"]);
    }
    list.remove_from_parent();
}

fn labelled(text: &str) -> String {
    let mut html = format!("<p class=\"{LABEL}\"><strong>");
    super::write::push_escaped(&mut html, text);
    html.push_str("</strong></p>");
    html
}

/// The tabs of a list: what says that it is one, else the labels, the buttons, the items.
fn tabs<'a>(list: &NodeRef<'a>, patience: &mut usize) -> Vec<NodeRef<'a>> {
    let within: Vec<_> = list.descendants_it().filter(NodeRef::is_element).take(MAX_TABS.min(*patience)).collect();
    *patience -= within.len();
    let is_named = |node: &NodeRef<'a>, names: &[&str]| node.node_name().is_some_and(|name| names.contains(&&*name));
    let by =
        |is_one: &dyn Fn(&NodeRef<'a>) -> bool| within.iter().filter(|node| is_one(node)).copied().collect::<Vec<_>>();
    let found = by(&|node| &*node.attr_or("role", "") == "tab");
    if !found.is_empty() {
        return found;
    }
    let ways: [&dyn Fn(&NodeRef<'a>) -> bool; 3] =
        [&|node| is_named(node, &["label"]), &|node| is_named(node, &["button"]), &|node| is_named(node, &["li"])];
    ways.into_iter().map(by).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The parts that belong to tabs, in their order; `None`: they cannot be told.
fn panels<'a>(list: &NodeRef<'a>, tabs: &[NodeRef<'a>], patience: &mut usize) -> Option<Vec<NodeRef<'a>>> {
    // They are in what holds the list, or a little above.
    for holder in list.ancestors_it(Some(4)) {
        if holder.node_name().is_none_or(|name| matches!(&*name, "body" | "html")) {
            return None;
        }
        let outer: Vec<NodeRef<'a>> = panels_within(&holder, list, patience);
        if outer.is_empty() {
            continue;
        }
        let by_id: HashMap<String, NodeRef<'a>> =
            outer.iter().filter_map(|panel| Some((panel.id_attr()?.to_string(), *panel))).collect();
        let by_label: HashMap<String, NodeRef<'a>> =
            outer.iter().filter_map(|panel| Some((panel.attr("aria-labelledby")?.to_string(), *panel))).collect();
        let named: Vec<NodeRef<'a>> = tabs
            .iter()
            .filter_map(|tab| {
                let controlled = ["aria-controls", "data-bs-target", "data-target", "href"]
                    .iter()
                    .find_map(|name| by_id.get(tab.attr(name)?.trim_start_matches('#')));
                let target = controlled.or_else(|| by_label.get(&*tab.id_attr()?));
                target.copied()
            })
            .collect();
        if named.len() == tabs.len() {
            return Some(named);
        }
        if outer.len() == tabs.len() {
            return Some(outer);
        }
    }
    None
}

/// The outermost parts in an element.
fn panels_within<'a>(holder: &NodeRef<'a>, list: &NodeRef<'a>, patience: &mut usize) -> Vec<NodeRef<'a>> {
    let mut found = Vec::new();
    let mut waiting: Vec<NodeRef<'a>> = holder.element_children();
    waiting.reverse();
    while let Some(node) = waiting.pop() {
        if *patience == 0 {
            break;
        }
        *patience -= 1;
        if node.id == list.id {
            continue;
        }
        let class = node.class().unwrap_or_default();
        let is_panel = &*node.attr_or("role", "") == "tabpanel"
            || class.split_ascii_whitespace().any(|class| {
                matches!(
                    class,
                    "tabpanel" | "tab-pane" | "tab-panel-content" | "tab-content-text" | "tabbed-block" | "tab-item"
                )
            });
        if is_panel {
            found.push(node);
        } else if class.split_ascii_whitespace().any(|class| class == "blocks") {
            // VitePress' code groups.
            found.extend(node.element_children());
        } else {
            let mut children = node.element_children();
            children.reverse();
            waiting.append(&mut children);
        }
        if found.len() > MAX_TABS {
            break;
        }
    }
    found
}
