//! The languages of mkdocs-static-i18n: by a suffix of the file's name (`page.fr.md`), or by folder (`fr/page.md`).
//!
//! Source of the rules: the plugin's documentation, and what it publishes. A page that is not translated is published
//! under each language without a source of its own; there is nothing to send for it.

use std::borrow::Cow;

use serde_json::Value;

/// The languages of a site.
#[derive(Debug)]
pub(super) struct Languages {
    default: String,
    others: Vec<String>,
    is_by_folder: bool,
}

impl Languages {
    pub(super) fn new(options: &Value) -> Self {
        let languages: &[Value] = options["languages"].as_array().map_or(&[], Vec::as_slice);
        let locale = |language: &Value| language["locale"].as_str().map(str::to_owned);
        let is_default = |language: &&Value| language["default"].as_bool() == Some(true);
        let default = languages.iter().find(is_default).and_then(locale).unwrap_or_else(|| "en".to_owned());
        Self {
            others: languages.iter().filter_map(locale).filter(|locale| *locale != default).collect(),
            is_by_folder: options["docs_structure"].as_str() == Some("folder"),
            default,
        }
    }

    /// Every language, the default first.
    pub(super) fn all(&self) -> Vec<String> {
        std::iter::once(&self.default).chain(&self.others).cloned().collect()
    }

    /// The language of a document, and the path by which it is published.
    pub(super) fn place<'p>(&self, relative: &'p str) -> (&str, Cow<'p, str>) {
        let known = |name: &str| self.others.iter().chain([&self.default]).find(|locale| *locale == name);
        if self.is_by_folder {
            return match relative.split_once('/').and_then(|(first, rest)| Some((known(first)?, rest))) {
                Some((locale, rest)) if *locale == self.default => (locale, rest.into()),
                Some((locale, _)) => (locale, relative.into()),
                None => (&self.default, relative.into()),
            };
        }
        let (stem, extension) = relative.rsplit_once('.').unwrap_or((relative, ""));
        let suffix = stem.rsplit_once('.').filter(|(_, suffix)| !suffix.contains('/'));
        match suffix.and_then(|(stem, suffix)| Some((stem, known(suffix)?))) {
            Some((stem, locale)) if *locale == self.default => (locale, format!("{stem}.{extension}").into()),
            Some((stem, locale)) => (locale, format!("{locale}/{stem}.{extension}").into()),
            None => (&self.default, relative.into()),
        }
    }
}
