//! Which constructs a site's Markdown has: those of the extensions that its configuration names.

use std::collections::BTreeMap;

use crate::site::mkdocs::MkDocs;

/// What is read as more than text.
#[expect(clippy::struct_excessive_bools, reason = "each is an extension that is on or off")]
#[derive(Clone, Debug)]
pub(super) struct Syntax<'a> {
    pub(super) has_notes: bool,
    pub(super) has_details: bool,
    pub(super) has_tabs: bool,
    pub(super) has_blocks: bool,
    pub(super) has_docstrings: bool,
    pub(super) has_attributes: bool,
    pub(super) has_abbreviations: bool,
    pub(super) has_definitions: bool,
    pub(super) has_math: bool,
    pub(super) has_emoji: bool,
    pub(super) has_keys: bool,
    pub(super) has_marks: bool,
    pub(super) has_carets: bool,
    pub(super) has_tildes: bool,
    pub(super) has_edits: bool,
    pub(super) has_inline_languages: bool,
    pub(super) has_symbols: bool,
    pub(super) has_tasks: bool,
    pub(super) has_progress: bool,
    pub(super) has_callouts: bool,
    /// The site's own names of keys.
    pub(super) keys: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Syntax<'a> {
    pub(super) fn of(rules: &'a MkDocs) -> Self {
        let any = |names: &[&str]| rules.is_unread || names.iter().any(|name| rules.has(name));
        // Bundles: Python-Markdown's and `PyMdown`'s.
        let extra = |name: &str| any(&[name, "extra", "pymdownx.extra"]);
        Self {
            has_notes: any(&["admonition"]),
            has_details: any(&["pymdownx.details"]),
            has_tabs: any(&["pymdownx.tabbed"]),
            has_blocks: rules.is_unread || rules.extensions.iter().any(|name| name.starts_with("pymdownx.blocks")),
            has_docstrings: rules.has("mkdocstrings"),
            has_attributes: extra("attr_list"),
            has_abbreviations: extra("abbr"),
            has_definitions: extra("def_list"),
            has_math: any(&["pymdownx.arithmatex", "mdx_math", "mdx_math_dollar"]),
            has_emoji: any(&["pymdownx.emoji"]),
            has_keys: any(&["pymdownx.keys"]),
            has_marks: any(&["pymdownx.mark"]),
            has_carets: any(&["pymdownx.caret"]),
            has_tildes: any(&["pymdownx.tilde"]),
            has_edits: any(&["pymdownx.critic"]),
            has_inline_languages: any(&["pymdownx.inlinehilite"]),
            has_symbols: any(&["pymdownx.smartsymbols"]),
            has_callouts: any(&["pymdownx.quotes", "callouts"]),
            has_progress: any(&["pymdownx.progressbar"]),
            has_tasks: any(&["pymdownx.tasklist", "markdown_checklist.extension", "mdx_gh_links"]),
            keys: Some(&rules.keys),
        }
    }

    /// Everything but what is made from code.
    #[cfg(test)]
    pub(super) fn everything() -> Self {
        Self {
            has_notes: true,
            has_details: true,
            has_tabs: true,
            has_blocks: true,
            has_docstrings: false,
            has_attributes: true,
            has_abbreviations: true,
            has_definitions: true,
            has_math: true,
            has_emoji: true,
            has_keys: true,
            has_marks: true,
            has_carets: true,
            has_tildes: true,
            has_edits: true,
            has_inline_languages: true,
            has_symbols: true,
            has_tasks: true,
            has_progress: true,
            has_callouts: true,
            keys: None,
        }
    }
}
