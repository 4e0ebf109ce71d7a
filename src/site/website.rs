//! A website that is mirrored as it is served: every page has the url that it was fetched by, or the canonical one that it
//! names itself.

use url::Url;

use super::{Around, Placement, Rules};
use crate::page::{DocPath, resolve};
use crate::render::Facts;

/// The rules of a website.
#[derive(Debug)]
pub(crate) struct Website;

/// The key of [`Facts::keys`] that holds the language of a page of a website: its `lang`.
pub(crate) const LANG: &str = "lang";

impl Rules for Website {
    fn include(&self) -> Vec<String> {
        vec!["**".to_owned()]
    }

    /// A document's path is its url's path and query without the first slash, and `/` for the home page, so that it counts
    /// from the host's root whatever folder the website is in. A canonical url of its own is in [`Facts::url`], and wins in
    /// [`super::Site::place`].
    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, _: &dyn Around) -> Placement {
        let url = base.map(|base| {
            let (path, query) = path.as_str().split_once('?').map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
            let mut url = base.clone();
            // Set, not joined: a path that begins with a slash of its own names no host.
            url.set_path(&if path == "/" { "/".to_owned() } else { format!("/{path}") });
            url.set_query(query);
            url
        });
        Placement { url, locale: facts.key(LANG).map(str::to_owned), ..Placement::default() }
    }

    /// A link to the Markdown of a page, in the Markdown that the website gave of another, leads to that page. It counts from
    /// where the Markdown lies: that of `/guide/` may be `/guide.md` or `/guide/index.md`.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let stem = [".md", ".mdx", ".markdown"].iter().find_map(|end| link.strip_suffix(end))?;
        let from = from.as_str().split('?').next().unwrap_or_default();
        let above = |path: &str| path.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        let folders = [above(from.trim_end_matches('/')), above(from)];
        let mut candidates = Vec::new();
        for folder in &folders {
            let folder = if stem.starts_with('/') { "" } else { folder };
            let Some(path) = resolve(folder, stem) else { continue };
            let folder = path.strip_suffix("index").filter(|folder| folder.is_empty() || folder.ends_with('/'));
            candidates.extend(folder.map(|folder| if folder.is_empty() { "/" } else { folder }.to_owned()));
            candidates.extend(["", "/", ".html"].map(|end| format!("{path}{end}")));
        }
        Some(candidates)
    }
}
