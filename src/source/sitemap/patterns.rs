//! Which of the website's pages are meant: `include` and `exclude` on their paths.
//!
//! The path of `/guide/start/?x=1` is `guide/start/`: without the first slash and the query, its escapes decoded. A slash
//! at the end says that the page is its folder's own. It belongs to what is in the folder, so that `**` takes `/`, and
//! `guide/**` and `guide/*` take `/guide/`; and it goes by its folder's name as well, so that `guide/*` takes
//! `/guide/start/`, and `start` takes it anywhere. What leaves out the folder leaves out the page. Pure.

use super::urls::readable;
use crate::page::DocPath;
use crate::source::globs::Globs;

/// The configuration's patterns.
#[derive(Debug)]
pub(super) struct PagePatterns {
    include: Globs,
    exclude: Globs,
}

impl PagePatterns {
    /// Compiles them; no `include` means every page.
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Self, anyhow::Error> {
        // A wildcard takes no hidden name of its own, and a folder pattern takes what is in it.
        let all = ["**", ".*", ".*/"].map(str::to_owned);
        let include = if include.is_empty() { &all } else { include };
        Ok(Self { include: Globs::new(include, &[])?, exclude: Globs::new(&all, exclude)? })
    }

    /// Whether the page at this path is meant.
    pub(super) fn takes(&self, path: &DocPath) -> bool {
        let path = path.as_str().split_once('?').map_or(path.as_str(), |(path, _)| path);
        let path = readable(path);
        let path = path.trim_start_matches('/');
        let names_folder = |folder: &str| self.include.takes_path(folder);
        let is_included = self.include.takes_path(path) || path.strip_suffix('/').is_some_and(names_folder);
        is_included && self.exclude.takes_path(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        PagePatterns::new(&owned(include), &owned(exclude)).unwrap().takes(&DocPath::new(path))
    }

    #[test]
    fn a_folders_own_page_is_in_the_folder_and_goes_by_its_name() {
        for (include, path) in [
            ("**", "/"),
            ("**", "guide/"),
            ("**", "guide/start?x=1"),
            ("guide/**", "guide/"),
            ("guide/**", "guide/start/?x=a/b"),
            ("guide/*", "guide/"),
            ("guide/*", "guide/start/"),
            ("guide/*", "guide/start.html"),
            ("guide/", "guide/start/"),
            ("/guide/start", "guide/start/"),
            ("start", "guide/start/"),
            ("café/**", "caf%C3%A9/x"),
            ("*.html", "a/b.html?page=2"),
        ] {
            assert!(takes(&[include], &[], path), "`{include}` takes `{path}`");
        }
        for (include, path) in [
            ("guide/*", "guide/a/b/"),
            ("guide/**", "/"),
            ("guide/**", "guides/"),
            ("*.html", "a/b/"),
            ("guide/*", "guide"),
        ] {
            assert!(!takes(&[include], &[], path), "`{include}` does not take `{path}`");
        }
        assert!(takes(&[], &[], "/") && takes(&[], &[], "a/.well-known/x/") && takes(&[], &[], ".hidden"));
    }

    #[test]
    fn what_leaves_out_a_folder_leaves_out_its_page() {
        for exclude in ["blog", "blog/", "/blog/**", "b*"] {
            assert!(!takes(&[], &[exclude], "blog/"), "`{exclude}`");
            assert!(!takes(&[], &[exclude], "blog/a/"), "`{exclude}`");
        }
        assert!(!takes(&["**"], &["guide/*"], "guide/start/"));
        assert!(takes(&["**"], &["guide/*", "!guide/keep/"], "guide/keep/"));
        assert!(!takes(&["guide/*"], &["start"], "guide/start/"));
    }
}
