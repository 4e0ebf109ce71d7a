//! A website that is mirrored as it is served: every page has the url that it was fetched by, or the canonical one that it
//! names itself.

use url::Url;

use super::{Around, Placement, Rules};
use crate::page::DocPath;
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

    /// A document's path is its url's path and query, so that it is joined as it stands. A canonical url of its own is in
    /// [`Facts::url`], and wins in [`super::Site::place`].
    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, _: &dyn Around) -> Placement {
        let url = base.and_then(|base| base.join(path.as_str()).ok());
        Placement { url, locale: facts.key(LANG).map(str::to_owned), ..Placement::default() }
    }
}
