//! Blocks of code: their text without its colours, and their language.

use dom_query::NodeRef;

use super::write::MAX_DEPTH;

/// The text of code; elements that stand on lines of their own end them.
pub(super) fn text(node: &NodeRef<'_>, out: &mut String, depth: u16) {
    if depth > MAX_DEPTH {
        return;
    }
    for child in node.children_it(false) {
        if child.is_text() {
            out.push_str(&child.text());
            continue;
        }
        let Some(name) = child.node_name() else { continue };
        match &*name {
            "br" => out.push('\n'),
            "button" | "svg" | "script" | "style" | "template" | "input" | "nav" => {}
            _ => {
                text(&child, out, depth + 1);
                let is_line = matches!(&*name, "div" | "p" | "li" | "tr" | "figcaption");
                if is_line && !out.ends_with('\n') {
                    out.push('\n');
                }
            }
        }
    }
}

/// The language of a block of code: of its own class, of its `code`, of what it stands in.
pub(super) fn language(pre: &NodeRef<'_>) -> Option<String> {
    let of = |node: &NodeRef<'_>| {
        let class = node.class().unwrap_or_default();
        let of_class = class.split_ascii_whitespace().find_map(|class| {
            let name = ["language-", "lang-", "highlight-source-", "highlight-", "src-"]
                .iter()
                .find_map(|start| class.strip_prefix(start))?;
            (!matches!(name, "wrapper" | "scrollbar" | "copy" | "title" | "default" | "block" | "content" | "toolbar"))
                .then(|| name.to_owned())
        });
        of_class.or_else(|| ["data-language", "data-lang"].iter().find_map(|name| Some(node.attr(name)?.to_string())))
    };
    let code = pre.children_it(false).find(|child| child.node_name().is_some_and(|name| &*name == "code"));
    let mermaid = pre.has_class("mermaid").then(|| "mermaid".to_owned());
    let named = mermaid
        .or_else(|| code.as_ref().and_then(of))
        .or_else(|| of(pre))
        .or_else(|| pre.ancestors_it(Some(8)).find_map(|node| of(&node)))?;
    let named = named.trim().to_ascii_lowercase();
    let is_name = !named.is_empty()
        && named.len() <= 40
        && named.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'#' | b'.' | b'-'));
    (is_name
        && !matches!(
            &*named,
            "text" | "plaintext" | "plain" | "none" | "txt" | "notranslate" | "default" | "nohighlight"
        ))
    .then_some(named)
}
