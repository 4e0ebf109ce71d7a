//! Admonitions: the names by which themes mark notes and warnings, their kinds, and their titles.

/// What kind of admonition an element is; empty: one of no kind that has a name here.
pub(super) fn kind(name: &str, class: &str) -> Option<&'static str> {
    if !matches!(name, "div" | "aside" | "details" | "blockquote" | "section" | "article") {
        return None;
    }
    let is_one = |class: &str| {
        matches!(
            class,
            "admonition"
                | "custom-block"
                | "theme-admonition"
                | "starlight-aside"
                | "admonitionblock"
                | "nextra-callout"
                | "book-hint"
                | "gdoc-hint"
                | "markdown-alert"
                | "hint"
                | "callout"
                | "hint-container"
                | "alert"
                | "notices"
                | "blockquote-tag"
                | "prompt-info"
                | "prompt-tip"
                | "prompt-warning"
                | "prompt-danger"
                | "hextra-callout"
                | "sl-aside"
                | "docs-callout"
                | "td-alert"
        )
    };
    if !class.split_ascii_whitespace().any(is_one) {
        return None;
    }
    let mut kinds = class
        .split_ascii_whitespace()
        .filter(|class| !is_one(class) || class.starts_with("prompt-"))
        .filter_map(|class| {
            let class = class.to_ascii_lowercase();
            let last = class.rsplit(['-', '_']).next().unwrap_or_default();
            match last {
                "note" | "info" | "abstract" | "summary" | "seealso" | "todo" | "secondary" | "primary" => Some("note"),
                "tip" | "hint" | "success" | "check" | "done" | "example" => Some("tip"),
                "important" => Some("important"),
                "warning" | "attention" | "question" => Some("warning"),
                "danger" | "error" | "caution" | "bug" | "failure" | "fail" => Some("caution"),
                _ => None,
            }
        });
    Some(kinds.next_back().unwrap_or_default())
}

/// Whether an element is the title of one.
pub(super) fn is_title(class: &str) -> bool {
    class.split_ascii_whitespace().any(|class| {
        matches!(
            class,
            "admonition-title"
                | "custom-block-title"
                | "admonition-heading"
                | "starlight-aside__title"
                | "alert-heading"
                | "alert-title"
                | "markdown-alert-title"
                | "blockquote-tag-title"
                | "callout-title"
                | "box-label"
                | "gdoc-hint__title"
                | "hint-container-title"
                | "hint-title"
        ) || class.starts_with("admonitionHeading")
    })
}
