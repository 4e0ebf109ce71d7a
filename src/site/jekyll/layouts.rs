//! Layouts: which of them show the title of a page as its heading.
//!
//! A layout does if it, what it includes or the layout that it is put into writes `page.title` between `<h1>` and `</h1>`.
//! The layouts of a theme lie in its gem and not in the source; what is known of well-known ones stands here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::page::Failure;
use crate::site::{Tree, text, within};

/// Themes by a part of their name, with their layouts that show the title. `just-the-docs` and the themes of GitHub Pages
/// other than these show none.
const THEMES: &[(&str, &[&str])] = &[
    ("minima", &["page", "post", "home"]),
    ("minimal-mistakes", &["single", "archive", "archive-taxonomy", "categories", "collection", "posts", "tags"]),
    ("chirpy", &["page", "post"]),
    ("jekyll-theme-cayman", &["default"]),
];

/// Layouts and includes read, at most; folders within folders.
const MAX_FILES: usize = 500;
const MAX_DEPTH: usize = 4;

/// The layouts of a site by name.
pub(super) fn read(
    folder: &str,
    includes: &str,
    themes: &[&Value],
    tree: &dyn Tree,
) -> Result<BTreeMap<String, bool>, Failure> {
    let mut shows: BTreeMap<String, bool> = BTreeMap::new();
    for theme in themes.iter().filter_map(|theme| theme.as_str()) {
        let known =
            THEMES.iter().filter(|(name, _)| theme.rsplit('/').next().is_some_and(|theme| theme.contains(name)));
        // `minima` is no part of `minimal-mistakes`' name, but begins it.
        for (_, layouts) in known.filter(|(name, _)| *name != "minima" || !theme.contains("minimal")) {
            shows.extend(layouts.iter().map(|layout| ((*layout).to_owned(), true)));
        }
    }
    let mut own: BTreeMap<String, Layout> = BTreeMap::new();
    list(
        folder,
        "",
        0,
        &mut |path, name| {
            if own.len() < MAX_FILES
                && let Some(text) = text(tree, path)?
            {
                let mut left = MAX_FILES;
                let shows = shows_title(&text, includes, 0, &mut left, tree)?;
                own.insert(name.to_owned(), Layout { shows, parent: parent(&text) });
            }
            Ok(())
        },
        tree,
    )?;
    for name in own.keys() {
        let mut at = Some(name.clone());
        let mut is_shown = false;
        for _ in 0..16 {
            let Some(name) = at.take() else { break };
            match own.get(&name) {
                Some(layout) => {
                    is_shown |= layout.shows;
                    at.clone_from(&layout.parent);
                }
                None => is_shown |= shows.get(&name) == Some(&true),
            }
        }
        shows.insert(name.clone(), is_shown);
    }
    Ok(shows)
}

struct Layout {
    shows: bool,
    parent: Option<String>,
}

/// Calls back with each file of a folder and those within it: its path, and its path from the folder without an extension.
fn list(
    folder: &str,
    prefix: &str,
    depth: usize,
    take: &mut dyn FnMut(&str, &str) -> Result<(), Failure>,
    tree: &dyn Tree,
) -> Result<(), Failure> {
    for name in tree.list(folder) {
        match name.strip_suffix('/') {
            Some(name) if depth < MAX_DEPTH => {
                list(&within(folder, name), &within(prefix, name), depth + 1, take, tree)?;
            }
            Some(_) => {}
            None => {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                take(&within(folder, &name), &within(prefix, stem))?;
            }
        }
    }
    Ok(())
}

fn shows_title(layout: &str, includes: &str, depth: usize, left: &mut usize, tree: &dyn Tree) -> Result<bool, Failure> {
    let is_in_heading = layout.split("<h1").skip(1).any(|rest| {
        let inner = rest.split("</h1").next().unwrap_or_default();
        inner.contains("page.title") || inner.contains("page[\"title\"]")
    });
    if is_in_heading {
        return Ok(true);
    }
    for rest in layout.split("{%").skip(1) {
        let tag = rest.split("%}").next().unwrap_or_default().trim_matches(['-', ' ']);
        let mut words = tag.split_whitespace();
        if depth >= MAX_DEPTH || !matches!(words.next(), Some("include" | "include_cached")) {
            continue;
        }
        let Some(name) = words.next().filter(|name| !name.contains("{{") && !name.contains("..")) else { continue };
        *left = left.saturating_sub(1);
        if *left == 0 {
            return Ok(false);
        }
        if let Some(included) = text(tree, &within(includes, name))?
            && shows_title(&included, includes, depth + 1, left, tree)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The layout that a layout is put into.
fn parent(layout: &str) -> Option<String> {
    let front = layout.strip_prefix("---")?.split("\n---").next()?;
    let value = front.lines().find_map(|line| line.strip_prefix("layout:"))?;
    let name = value.trim().trim_matches(['"', '\'']);
    (!name.is_empty() && !matches!(name, "null" | "none" | "~")).then(|| name.to_owned())
}
