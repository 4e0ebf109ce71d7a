//! The line that says where a page stands: product › section › page. Asks for the titles of the folders' own pages, so that
//! the page is rendered again when one of them changes.

use super::asking::Asking;
use super::{Subject, capitalised};
use crate::page::DocPath;
use crate::site::Site;

/// Deeper folders than this are no sections that a reader would name.
const MAX_SECTIONS: usize = 8;

const SEPARATOR: &str = " › ";

/// The line for a page of this title; `None` where it would say no more than the title.
pub(super) fn line(
    subject: Subject<'_>,
    site: &Site,
    product: Option<&str>,
    title: &str,
    asking: &Asking<'_>,
) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    names.extend(product.or(site.title()).map(str::to_owned));
    names.extend(sections(subject, site, asking));
    names.push(title.to_owned());
    names.dedup();
    (names.len() > 1).then(|| names.join(SEPARATOR))
}

/// The folders between the site's own and the page, each by the title of its own page, else by its name.
fn sections(subject: Subject<'_>, site: &Site, asking: &Asking<'_>) -> Vec<String> {
    let path = subject.path.as_str();
    let root = site.content_root(path);
    let below = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/');
    let mut folders: Vec<&str> = below.split('/').collect();
    folders.pop();
    // The folder of an index is the page itself.
    if is_index(subject.path.stem()) {
        folders.pop();
    }
    let mut at = root.to_owned();
    let mut names = Vec::new();
    for (depth, folder) in folders.into_iter().take(MAX_SECTIONS).enumerate() {
        if !at.is_empty() {
            at.push('/');
        }
        at.push_str(folder);
        let is_language = depth == 0 && subject.placement.locale.as_deref().is_some_and(|locale| is_of(folder, locale));
        if !is_language {
            names.push(own_title(&at, asking).unwrap_or_else(|| named(folder)));
        }
    }
    names
}

fn is_index(stem: &str) -> bool {
    ["index", "readme", "_index"].iter().any(|name| stem.eq_ignore_ascii_case(name))
}

/// Whether a folder is a language's: `de` of `de-DE`.
fn is_of(folder: &str, locale: &str) -> bool {
    let (folder, locale) = (folder.to_ascii_lowercase(), locale.to_ascii_lowercase());
    locale.strip_prefix(&folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// The title of the page that stands for a folder: the index in it, or the page beside it that is called like it.
fn own_title(folder: &str, asking: &Asking<'_>) -> Option<String> {
    let within = ["index.md", "README.md", "_index.md", "index.mdx", "index.rst"];
    let paths = within.into_iter().map(|name| format!("{folder}/{name}")).chain([format!("{folder}.md")]);
    paths.into_iter().find_map(|path| asking.page_title(&DocPath::new(path)))
}

/// `01-getting_started` is "Getting started".
fn named(folder: &str) -> String {
    let unnumbered = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = unnumbered.trim_start_matches(['-', '_', '.', ' ']);
    let is_numbered = unnumbered.len() < folder.len() && rest.len() < unnumbered.len() && !rest.is_empty();
    let is_version = rest.starts_with(|c: char| c.is_ascii_digit());
    capitalised(if is_numbered && !is_version { rest } else { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_by_their_words() {
        for (folder, name) in [
            ("getting-started", "Getting started"),
            ("01-getting_started", "Getting started"),
            ("1.2", "1.2"),
            ("2024", "2024"),
            ("v2", "V2"),
            ("3d", "3d"),
        ] {
            assert_eq!(named(folder), name);
        }
    }

    #[test]
    fn a_languages_folder_is_no_section() {
        assert!(is_of("de", "de-DE") && is_of("pt-br", "pt-BR") && is_of("fr", "fr"));
        assert!(!is_of("d", "de") && !is_of("dev", "de"));
    }
}
