//! Which of a site's languages and versions are mirrored. Pure.
//!
//! The generator's rules say of what language and version a page is, configured folders of what language where no
//! generator does. A page of one that is left out stays published: links to it hold, and the reason is kept.

use super::micromatch::Patterns;
use super::{Placement, Rules};
use crate::page::DocPath;

/// What the configuration says of languages and versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SitePolicies {
    /// Which languages are mirrored.
    pub locales: Locales,
    /// Folders of a language, before what the generator says.
    pub locale_folders: Vec<LocaleFolder>,
    /// Which versions are mirrored.
    pub versions: Versions,
}

/// Which languages are mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Locales {
    /// Nobody has said: all of them, and a notice asks.
    #[default]
    Undecided,
    /// All.
    All,
    /// These; a page whose language nobody names is mirrored as well.
    Only(Vec<String>),
}

/// Which versions are mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// Nobody has said: the latest, and a notice says which that is.
    #[default]
    Undecided,
    /// The one that the site shows first.
    Latest,
    /// All.
    All,
    /// Those with these labels.
    Only(Vec<String>),
}

/// Where the documents of a language lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleFolder {
    locale: String,
    pattern: String,
    patterns: Patterns,
}

/// A version as a generator's rules know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedVersion {
    /// Its label.
    pub(crate) label: String,
    /// Whether the site shows it first; `None`: that is not known.
    pub(crate) is_latest: Option<bool>,
}

impl LocaleFolder {
    /// A folder (`fr`) or a pattern of paths from the source's root (`**/*.fr.md`), and the language of what it holds.
    #[must_use]
    pub fn new(locale: &str, pattern: &str) -> Self {
        let trimmed = pattern.trim_start_matches("./").trim_matches('/');
        let is_pattern = trimmed.contains(['*', '?', '[', '{']);
        let pattern = if is_pattern { trimmed.to_owned() } else { format!("{trimmed}/**") };
        let patterns = Patterns::new([pattern.as_str()]);
        Self { locale: locale.to_owned(), pattern, patterns }
    }
}

impl SitePolicies {
    /// Leaves nothing out.
    pub(super) fn everything() -> Self {
        Self { locales: Locales::All, locale_folders: Vec::new(), versions: Versions::All }
    }

    /// Gives a page its language, and leaves it out if its language or its version is not mirrored.
    pub(super) fn apply(&self, path: &DocPath, placement: &mut Placement) {
        let own = self.locale_folders.iter().filter(|folder| folder.patterns.matches(path.as_str()));
        // Of several, the one that says most.
        if let Some(folder) = own.max_by_key(|folder| folder.pattern.len()) {
            placement.locale = Some(folder.locale.clone());
        }
        if placement.excluded.is_some() {
            return;
        }
        let left_out = self.leaves_out_locale(placement).or_else(|| self.leaves_out_version(placement));
        placement.is_left_out = left_out.is_some();
        placement.excluded = left_out;
    }

    fn leaves_out_locale(&self, placement: &Placement) -> Option<String> {
        let (Locales::Only(wanted), Some(locale)) = (&self.locales, &placement.locale) else { return None };
        let is_wanted = wanted.iter().any(|wanted| covers(wanted, locale));
        (!is_wanted).then(|| format!("locale `{locale}` is not mirrored (`site.locales`)"))
    }

    fn leaves_out_version(&self, placement: &Placement) -> Option<String> {
        let version = placement.version.as_ref()?;
        let is_wanted = self.wants_version(version, placement.is_latest);
        (!is_wanted).then(|| format!("version `{version}` is not mirrored (`site.versions`)"))
    }

    fn wants_version(&self, label: &str, is_latest: Option<bool>) -> bool {
        match &self.versions {
            Versions::All => true,
            // Where nobody knows which is the latest, none is left out.
            Versions::Undecided | Versions::Latest => is_latest != Some(false),
            Versions::Only(labels) => labels.iter().any(|wanted| wanted == label),
        }
    }

    /// What whoever runs the source should know: a choice that is theirs and not made, or one that the site does not have.
    pub(super) fn notices(&self, rules: &dyn Rules) -> Vec<String> {
        let mut notices = Vec::new();
        let locales = self.locales(rules);
        match &self.locales {
            Locales::Undecided if locales.len() > 1 => notices.push(format!(
                "the site has several languages, and all are mirrored: {}; say in `site.locales` which Fin is to answer \
                 from: `[{}]`, or `all`",
                quoted(&locales),
                locales.first().map_or("en", String::as_str),
            )),
            Locales::Only(wanted) if !locales.is_empty() => {
                let absent = wanted.iter().filter(|wanted| !locales.iter().any(|locale| covers(wanted, locale)));
                let absent: Vec<String> = absent.cloned().collect();
                if !absent.is_empty() {
                    let has = quoted(&locales);
                    notices.push(format!("`site.locales` names {}, and the site has {has}", quoted(&absent)));
                }
            }
            _ => {}
        }
        let versions = rules.versions();
        let (kept, left): (Vec<_>, Vec<_>) =
            versions.iter().partition(|version| self.wants_version(&version.label, version.is_latest));
        let labels = |versions: Vec<&NamedVersion>| {
            let labels: Vec<String> = versions.into_iter().map(|version| version.label.clone()).collect();
            quoted(&labels)
        };
        match &self.versions {
            Versions::Undecided if !left.is_empty() => notices.push(format!(
                "of the site's versions {} is mirrored, and not {}; `site.versions` says which are: `latest`, `all`, or a \
                 list",
                labels(kept),
                labels(left),
            )),
            Versions::Undecided | Versions::Latest if versions.len() > 1 && left.is_empty() => notices.push(format!(
                "which of the site's versions is the latest cannot be read, so that all are mirrored: {}; name it in \
                 `site.versions`",
                labels(kept),
            )),
            Versions::Only(wanted) => {
                let is_there = |wanted: &&String| versions.iter().any(|version| version.label == **wanted);
                let absent: Vec<String> = wanted.iter().filter(|wanted| !is_there(wanted)).cloned().collect();
                if !absent.is_empty() && !versions.is_empty() {
                    let has = labels(versions.iter().collect());
                    notices.push(format!("`site.versions` names {}, and the site has {has}", quoted(&absent)));
                }
            }
            _ => {}
        }
        notices
    }

    /// What is mirrored of each and what is not, for a site that has several.
    pub(super) fn summary(&self, rules: &dyn Rules) -> Vec<String> {
        let locales = self.locales(rules).into_iter().map(|locale| {
            let is_kept = match &self.locales {
                Locales::Only(wanted) => wanted.iter().any(|wanted| covers(wanted, &locale)),
                Locales::Undecided | Locales::All => true,
            };
            (locale, is_kept)
        });
        let versions = rules.versions().into_iter().map(|version| {
            let is_kept = self.wants_version(&version.label, version.is_latest);
            (version.label, is_kept)
        });
        [sorted("locales", locales.collect()), sorted("versions", versions.collect())].into_iter().flatten().collect()
    }

    /// Every language of the site, the generator's first.
    pub(super) fn locales(&self, rules: &dyn Rules) -> Vec<String> {
        let mut locales = rules.locales();
        for folder in &self.locale_folders {
            if !locales.contains(&folder.locale) {
                locales.push(folder.locale.clone());
            }
        }
        locales
    }

    /// Whether a language is mirrored.
    pub(super) fn wants_locale(&self, locale: &str) -> bool {
        match &self.locales {
            Locales::Only(wanted) => wanted.iter().any(|wanted| covers(wanted, locale)),
            Locales::Undecided | Locales::All => true,
        }
    }
}

/// Whether a configured language means a page's: `en` is `en-US` as well, and `pt-BR` only itself.
fn covers(wanted: &str, locale: &str) -> bool {
    let plain = |tag: &str| tag.replace('_', "-").to_ascii_lowercase();
    let (wanted, locale) = (plain(wanted), plain(locale));
    locale.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// `locales: `en` (mirrored), `fr` (not)`; nothing for a site that has only one.
fn sorted(what: &str, all: Vec<(String, bool)>) -> Option<String> {
    if all.len() < 2 {
        return None;
    }
    let (kept, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, is_kept)| *is_kept);
    let names = |some: Vec<(String, bool)>| quoted(&some.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    let kept = if kept.is_empty() { "none".to_owned() } else { names(kept) };
    Some(if left.is_empty() { format!("{what}: {kept}") } else { format!("{what}: {kept}; not {}", names(left)) })
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::render::Facts;
    use crate::site::tests::{MapTree, options};
    use crate::site::{Alone, Generator, Site, SiteOptions};

    fn docusaurus(policies: SitePolicies) -> Site {
        let tree = MapTree::new(&[
            (
                "docusaurus.config.js",
                "export default { url: 'https://d.example', baseUrl: '/', presets: [['classic', {}]], \
                 i18n: { defaultLocale: 'en', locales: ['en', 'pt-BR'] } };",
            ),
            ("versions.json", "[\"2.0\", \"1.0\"]"),
        ]);
        Site::open(options(), &tree).unwrap().with_policies(policies)
    }

    fn placed(site: &Site, path: &str) -> Placement {
        let originals = MapTree::new(&[("versioned_docs/version-2.0/a.md", "")]);
        site.place(&DocPath::new(path), &Facts::default(), &originals)
    }

    const PATHS: [&str; 4] = [
        "docs/a.md",
        "versioned_docs/version-2.0/a.md",
        "versioned_docs/version-1.0/a.md",
        "i18n/pt-BR/docusaurus-plugin-content-docs/version-2.0/a.md",
    ];

    fn reasons(policies: SitePolicies) -> Vec<String> {
        let site = docusaurus(policies);
        PATHS.iter().map(|path| placed(&site, path).excluded.unwrap_or_default()).collect()
    }

    #[test]
    fn the_latest_version_is_mirrored_and_every_language_until_somebody_says_otherwise() {
        let next = "version `Next` is not mirrored (`site.versions`)";
        let old = "version `1.0` is not mirrored (`site.versions`)";
        assert_eq!(reasons(SitePolicies::default()), [next, "", old, ""]);
        let site = docusaurus(SitePolicies::default());
        let notices = site.notices().join("\n");
        assert!(notices.contains("all are mirrored: `en`, `pt-BR`"), "{notices}");
        assert!(notices.contains("`2.0` is mirrored, and not `Next`, `1.0`"), "{notices}");
        assert_eq!(site.mirrored(), ["locales: `en`, `pt-BR`", "versions: `2.0`; not `Next`, `1.0`"]);
    }

    #[test]
    fn a_list_names_languages_and_versions() {
        let policies = SitePolicies {
            locales: Locales::Only(vec!["en".into()]),
            versions: Versions::Only(vec!["2.0".into(), "1.0".into()]),
            ..SitePolicies::default()
        };
        let next = "version `Next` is not mirrored (`site.versions`)";
        let french = "locale `pt-BR` is not mirrored (`site.locales`)";
        assert_eq!(reasons(policies.clone()), [next, "", "", french]);
        assert!(docusaurus(policies.clone()).notices().is_empty());
        let absent = SitePolicies { locales: Locales::Only(vec!["fr".into(), "pt".into()]), ..policies };
        assert_eq!(docusaurus(absent).notices(), ["`site.locales` names `fr`, and the site has `en`, `pt-BR`"]);
    }

    #[test]
    fn what_is_left_out_is_published_all_the_same() {
        let site = docusaurus(SitePolicies::default());
        let placement = placed(&site, "versioned_docs/version-1.0/a.md");
        assert!(placement.is_left_out);
        assert_eq!(placement.url.unwrap().as_str(), "https://d.example/docs/1.0/a");
    }

    #[test]
    fn folders_have_the_language_that_says_most() {
        let locale_folders = [("en", "**"), ("fr", "fr"), ("de", "/docs/de/"), ("ja", "**/*.ja.md")]
            .map(|(l, p)| LocaleFolder::new(l, p));
        let policies = SitePolicies {
            locales: Locales::Only(vec!["en".into(), "de".into()]),
            locale_folders: locale_folders.into(),
            ..SitePolicies::default()
        };
        let plain = SiteOptions { generator: Generator::Plain, settings: BTreeMap::new(), ..options() };
        let site = Site::plain(plain).with_policies(policies);
        let locale = |path: &str| {
            let placement = site.place(&DocPath::new(path), &Facts::default(), &Alone);
            format!("{} {}", placement.locale.unwrap_or_default(), placement.excluded.is_none())
        };
        let paths = ["a.md", "fr/a/b.md", "docs/de/a.md", "x/a.ja.md", "frame/a.md"];
        assert_eq!(paths.map(locale), ["en true", "fr false", "de true", "ja false", "en true"]);
    }

    #[test]
    fn a_language_covers_its_regions() {
        assert!(covers("en", "en-US") && covers("pt_BR", "pt-br") && covers("fr", "fr"));
        assert!(!covers("en-US", "en") && !covers("fr", "fro") && !covers("de", "en"));
    }
}
