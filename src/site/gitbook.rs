//! GitBook.

use url::Url;

use super::{Around, Opened, Placement, Rules, SiteOptions, Tree, within};
use crate::page::{DocPath, Failure};
use crate::render::Facts;

/// Files that only such a site has, from the folder of its configuration.
pub(super) const SIGNS: &[&str] = &[".gitbook.yaml", ".gitbook.yml", "SUMMARY.md"];

/// The rules of one site.
#[derive(Debug)]
pub(crate) struct GitBook {
    /// The folder of the configuration, from the source's root; empty for the root itself.
    pub(crate) folder: String,
}

impl GitBook {
    /// Reads the configuration in a folder.
    #[expect(clippy::unnecessary_wraps, reason = "it will read")]
    pub(super) fn read(folder: &str, _: &SiteOptions, _: &dyn Tree) -> Result<Opened<Self>, Failure> {
        Ok(Opened { rules: Self { folder: folder.to_owned() }, base_url: None, notices: Vec::new() })
    }
}

impl Rules for GitBook {
    fn include(&self) -> Vec<String> {
        vec![within(&self.folder, "**/*.{md,markdown}")]
    }

    fn place(&self, _: Option<&Url>, _: &DocPath, _: &Facts, _: &dyn Around) -> Placement {
        Placement::default()
    }
}
