//! Sites: the rules of the generator that publishes the documents. Pure: which file is a page, at which url, under which
//! title, in which language and version.
//!
//! Each generator has a file under `site/`: it reads the generator's own configuration through a [`Tree`], never runs it,
//! and answers through `Rules`. A url is never guessed: what a rule cannot know is left out, with the reason
//! ([`Placement::unknown`]). Nothing here reads a document's text: what its front matter says comes in as [`Facts`].

pub(crate) mod docusaurus;
pub(crate) mod gitbook;
pub(crate) mod hugo;
mod ignore;
pub(crate) mod jekyll;
pub(crate) mod literal;
pub(crate) mod mdbook;
mod micromatch;
pub(crate) mod mkdocs;
pub(crate) mod plain;
mod policy;
pub(crate) mod sphinx;
pub(crate) mod starlight;
mod title;
mod unsupported;
mod url;
pub(crate) mod vitepress;
pub(crate) mod website;
mod yaml;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use ::url::Url;

use crate::page::{Commit, DocPath, Failure};
use crate::render::Facts;

pub(crate) use self::policy::NamedVersion;
pub use self::policy::{LocaleFolder, Locales, SitePolicies, Versions};
pub(crate) use self::url::{absolute, join, join_reference, percent_decode};

/// How the documents are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// Who publishes them.
    pub generator: Generator,
    /// The public root; without it, the one that the generator's configuration names.
    pub base_url: Option<Url>,
    /// How `plain` makes urls.
    pub urls: UrlStyle,
    /// Settings of the generator that its configuration does not say, or says in code: its own names, dotted where they
    /// are nested (`trailingSlash: "false"`). They go before what the configuration says.
    pub settings: BTreeMap<String, String>,
}

/// Who publishes the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// Recognised from its own configuration.
    Auto,
    /// Nobody in particular: files become pages by [`UrlStyle`].
    Plain,
    /// `MkDocs`, with Material or another theme.
    MkDocs,
    /// Docusaurus 2 and 3.
    Docusaurus,
    /// `VitePress`.
    VitePress,
    /// mdBook.
    MdBook,
    /// Sphinx, with `MyST` or reStructuredText.
    Sphinx,
    /// Starlight, on Astro.
    Starlight,
    /// Hugo.
    Hugo,
    /// Jekyll.
    Jekyll,
    /// `GitBook`.
    GitBook,
}

/// The url of `guide/start.md` under `https://docs.example.com/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlStyle {
    /// `…/guide/start/`; an `index` or `README` is its folder.
    Directory,
    /// `…/guide/start.html`; an `index` or `README` is its folder.
    Html,
    /// `…/guide/start.md`, an `index.md` too.
    AsIs,
    /// No url but the one that front matter gives.
    None,
    /// Below the base url, a text in which `{path}`, `{stem}`, `{dir}` and `{commit}` stand for parts of the document's
    /// path and for the commit that it comes from.
    Template(String),
}

impl UrlStyle {
    /// A template, if it names nothing but what it can be filled with.
    pub fn template(text: &str) -> Result<Self, String> {
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let Some(end) = rest[at..].find('}') else {
                return Err("no template: a `{` is not closed".to_owned());
            };
            let name = &rest[at..=at + end];
            if !["{path}", "{stem}", "{dir}", "{commit}"].contains(&name) {
                return Err(format!(
                    "no template: `{name}` is none of `{{path}}`, `{{stem}}`, `{{dir}}`, `{{commit}}`"
                ));
            }
            rest = &rest[at + end + 1..];
        }
        Ok(Self::Template(text.to_owned()))
    }
}

/// The files of a source as a generator's rules read them: paths from its root, `/`-separated, within the root.
pub trait Tree {
    /// The bytes of a file; `Ok(None)`: there is none. `Err` says why it cannot be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;
    /// The names in a folder, sorted, those of folders with a `/` at their end; empty where there is no such folder.
    fn list(&self, folder: &str) -> Vec<String>;
    /// Whether a file or folder is there.
    fn exists(&self, path: &str) -> bool;
}

/// The documents beside one: all that the scan saw.
pub trait Around {
    /// Whether a document of this path, from the source's root, is there.
    fn has(&self, path: &str) -> bool;
    /// The last commit that changed a file of this path; `None`: not known, or no repository.
    fn commit(&self, path: &str) -> Option<Commit> {
        let _ = path;
        None
    }
}

/// What a site makes of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Its public url.
    pub url: Option<Url>,
    /// Why there is none though there should be one, for a warning of its page.
    pub unknown: Option<String>,
    /// Why the site publishes no page of it: `not in SUMMARY.md`, `a partial`, …
    pub excluded: Option<String>,
    /// The site does publish it, and only [`SitePolicies`] leave it out: links to it hold.
    pub is_left_out: bool,
    /// Its title in the navigation.
    pub title: Option<String>,
    /// Whether readers see the front matter's title as the page's heading, whatever its text begins with.
    pub shows_title: bool,
    /// Whether the site shows [`Self::title`], else the front matter's, above a text that has no first-level heading.
    pub is_titled_by_site: bool,
    /// The title of a page that has no heading, where the site goes by headings alone, whatever the front matter says.
    pub untitled: Option<String>,
    /// Its language, where the site has several.
    pub locale: Option<String>,
    /// Its version's label, where the site has several.
    pub version: Option<String>,
    /// Whether that is the one that the site shows first; `None`: not known.
    pub is_latest: Option<bool>,
}

/// What every generator answers. The base url is the configured one, else the one that [`Opened::base_url`] found.
pub(crate) trait Rules: Debug + Send + Sync {
    /// The documents of the site, as patterns of `files.include` from the source's root.
    fn include(&self) -> Vec<String>;

    /// What the site makes of a document.
    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement;

    /// Whether [`Self::place`] asks for other documents.
    fn depends_on_others(&self) -> bool {
        false
    }

    /// The languages of the site, where it has several.
    fn locales(&self) -> Vec<String> {
        Vec::new()
    }

    /// The versions of the site, where it has several.
    fn versions(&self) -> Vec<NamedVersion> {
        Vec::new()
    }

    /// The documents that a link (without query and fragment, percent-decoded) may mean, the likeliest first, as paths
    /// from the source's root; `None`: the usual ways, relative to the document's folder.
    fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        let _ = (from, link);
        None
    }

    /// Whether a relative link is followed from the published page, as a browser does, and not from the document.
    fn links_from_urls(&self) -> bool {
        false
    }

    /// Where a file that is no page lies on the site; a path from the source's root.
    fn file_url(&self, base: &Url, path: &str) -> Option<Url> {
        join(base, path.split('/'))
    }
}

/// A generator's rules as its configuration gives them.
#[derive(Debug)]
pub(crate) struct Opened<R> {
    /// The rules.
    pub(crate) rules: R,
    /// The public root that the configuration names.
    pub(crate) base_url: Option<Url>,
    /// What could not be read in it, and other things that whoever runs the source should know; one sentence each.
    pub(crate) notices: Vec<String>,
}

/// The rules of one source's site.
#[derive(Clone, Debug)]
pub struct Site {
    /// What was configured.
    pub options: SiteOptions,
    pub(crate) generator: AnyRules,
    base_url: Option<Url>,
    title: Option<String>,
    policies: SitePolicies,
    notices: Vec<String>,
}

/// The rules of one of the generators.
#[derive(Clone, Debug)]
pub(crate) enum AnyRules {
    Plain(Arc<plain::Plain>),
    MkDocs(Arc<mkdocs::MkDocs>),
    Docusaurus(Arc<docusaurus::Docusaurus>),
    VitePress(Arc<vitepress::VitePress>),
    MdBook(Arc<mdbook::MdBook>),
    Sphinx(Arc<sphinx::Sphinx>),
    Starlight(Arc<starlight::Starlight>),
    Hugo(Arc<hugo::Hugo>),
    Jekyll(Arc<jekyll::Jekyll>),
    GitBook(Arc<gitbook::GitBook>),
    Website(Arc<website::Website>),
}

impl Site {
    /// Recognises the generator, where none is named, and reads its configuration. Fails where that is there and cannot be
    /// read: what the site publishes is unknown then, and nothing may be sent or deleted.
    pub fn open(options: SiteOptions, tree: &dyn Tree) -> Result<Self, Failure> {
        let found = match find(options.generator, tree) {
            Ok(found) => found,
            Err(Unsupported(name)) => return Ok(Self::of_unsupported(options, name)),
        };
        let (generator, folder) = found.unwrap_or((Generator::Plain, String::new()));
        let (folder, own, name) = (folder.as_str(), &options, generator);
        let opened = match generator {
            Generator::Auto | Generator::Plain => return Ok(Self::plain(options)),
            Generator::MkDocs => wrap(mkdocs::MkDocs::read(folder, own, tree)?, AnyRules::MkDocs),
            Generator::Docusaurus => wrap(docusaurus::Docusaurus::read(folder, own, tree)?, AnyRules::Docusaurus),
            Generator::VitePress => wrap(vitepress::VitePress::read(folder, own, tree)?, AnyRules::VitePress),
            Generator::MdBook => wrap(mdbook::MdBook::read(folder, own, tree)?, AnyRules::MdBook),
            Generator::Sphinx => wrap(sphinx::Sphinx::read(folder, own, tree)?, AnyRules::Sphinx),
            Generator::Starlight => wrap(starlight::Starlight::read(folder, own, tree)?, AnyRules::Starlight),
            Generator::Hugo => wrap(hugo::Hugo::read(folder, own, tree)?, AnyRules::Hugo),
            Generator::Jekyll => wrap(jekyll::Jekyll::read(folder, own, tree)?, AnyRules::Jekyll),
            Generator::GitBook => wrap(gitbook::GitBook::read(folder, own, tree)?, AnyRules::GitBook),
        };
        let Opened { rules: generator, base_url, notices } = opened;
        let base_url = options.base_url.clone().or(base_url).filter(|url| !url.cannot_be_a_base());
        let title = title::of(name, folder, tree);
        Ok(Self { options, generator, base_url, title, policies: SitePolicies::everything(), notices })
    }

    /// A site of nobody's in particular.
    #[must_use]
    pub fn plain(options: SiteOptions) -> Self {
        let base_url = options.base_url.clone().filter(|url| !url.cannot_be_a_base());
        let rules = plain::Plain { urls: options.urls.clone(), maker: None };
        let generator = AnyRules::Plain(Arc::new(rules));
        Self { options, generator, base_url, title: None, policies: SitePolicies::everything(), notices: Vec::new() }
    }

    /// A website as it is served, at its public root.
    #[must_use]
    pub fn website(options: SiteOptions, root: Url) -> Self {
        let generator = AnyRules::Website(Arc::new(website::Website));
        let (policies, notices) = (SitePolicies::everything(), Vec::new());
        Self { options, generator, base_url: Some(root), title: None, policies, notices }
    }

    /// Whether its documents are what a website answered, and not what it is made of.
    pub(crate) fn is_website(&self) -> bool {
        matches!(self.generator, AnyRules::Website(_))
    }

    /// A site of a generator whose rules are not known: what it makes of a path is not, either.
    fn of_unsupported(options: SiteOptions, name: &'static str) -> Self {
        let base_url = options.base_url.clone().filter(|url| !url.cannot_be_a_base());
        let generator = AnyRules::Plain(Arc::new(plain::Plain { urls: options.urls.clone(), maker: Some(name) }));
        let notice = format!(
            "the folder looks like a site of {name}, whose rules are not known: its documents are sent without url, but \
             for what `site.urls` says as a template or as `as_is`; set `site.generator: plain` to have urls made of the \
             files' paths, if that is how they are published"
        );
        let (policies, notices) = (SitePolicies::everything(), vec![notice]);
        Self { options, generator, base_url, title: None, policies, notices }
    }

    /// Says which languages and versions are mirrored, and notes what a person has still to say of them.
    #[must_use]
    pub fn with_policies(mut self, policies: SitePolicies) -> Self {
        let notices = policies.notices(self.rules());
        self.notices.extend(notices);
        self.policies = policies;
        self
    }

    /// Adds a sentence for whoever runs the source.
    pub fn note(&mut self, notice: String) {
        self.notices.push(notice);
    }

    /// Which languages and versions are mirrored and which are not, one sentence for each of which there are several.
    #[must_use]
    pub fn mirrored(&self) -> Vec<String> {
        self.policies.summary(self.rules())
    }

    /// The languages that are mirrored, where the site has several.
    pub fn locales(&self) -> impl Iterator<Item = String> {
        self.policies.locales(self.rules()).into_iter().filter(|locale| self.policies.wants_locale(locale))
    }

    /// The site's name, as its configuration has it.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Sentences for whoever runs the source: what could not be read in the generator's configuration.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The public root of the site: the configured one, else the one that the generator's configuration names.
    #[must_use]
    pub fn root(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }

    /// The generator's name, as `site.generator` takes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.generator {
            AnyRules::Plain(_) => "plain",
            AnyRules::MkDocs(_) => "mkdocs",
            AnyRules::Docusaurus(_) => "docusaurus",
            AnyRules::VitePress(_) => "vitepress",
            AnyRules::MdBook(_) => "mdbook",
            AnyRules::Sphinx(_) => "sphinx",
            AnyRules::Starlight(_) => "starlight",
            AnyRules::Hugo(_) => "hugo",
            AnyRules::Jekyll(_) => "jekyll",
            AnyRules::GitBook(_) => "gitbook",
            AnyRules::Website(_) => "website",
        }
    }

    /// The patterns of its documents, for a source without `include`.
    #[must_use]
    pub fn include(&self) -> Vec<String> {
        self.rules().include()
    }

    /// The folder of the site's documents that a path lies in, as the beginning of that path; empty for the source's root.
    pub(crate) fn content_root<'p>(&self, path: &'p str) -> &'p str {
        let roots = self.include().into_iter().filter_map(|pattern| {
            let fixed = pattern.find(['*', '?', '[', '{']).map_or("", |at| &pattern[..at]);
            let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder).trim_start_matches('/');
            below(folder, path).map(|_| folder.len())
        });
        path.get(..roots.max().unwrap_or(0)).unwrap_or_default()
    }

    /// What the site makes of a document. An absolute `url` of the front matter wins over every rule.
    #[must_use]
    pub fn place(&self, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let mut placement = self.rules().place(self.root(), path, facts, around);
        if let Some(url) = facts.url.as_deref().and_then(absolute) {
            placement.url = Some(url);
            placement.unknown = None;
        }
        if placement.excluded.is_none() {
            placement.excluded.clone_from(&facts.excluded);
        }
        self.policies.apply(path, &mut placement);
        placement
    }

    /// Whether [`Self::place`] may answer otherwise for a document that did not change, because others came or went.
    #[must_use]
    pub fn depends_on_others(&self) -> bool {
        self.rules().depends_on_others()
    }

    /// Whether `id` in front matter is the generator's, and need not be unique in the source (Docusaurus: a document's id
    /// within its folder and version).
    #[must_use]
    pub fn has_own_ids(&self) -> bool {
        matches!(self.generator, AnyRules::Docusaurus(_))
    }

    /// Whether a page whose `date` lies in the future is not published yet: so Hugo has it, and sites of nobody in particular
    /// may mean it; for others it is a date like any other. (Jekyll holds back posts only, and by their names' dates too.)
    #[must_use]
    pub fn waits_for_date(&self) -> bool {
        matches!(self.generator, AnyRules::Plain(_) | AnyRules::Hugo(_))
    }

    /// The documents that a link may mean, by the generator's own ways; `None`: by the usual ones.
    pub(crate) fn link(&self, from: &DocPath, link: &str) -> Option<Vec<String>> {
        self.rules().link(from, link)
    }

    /// Whether a relative link is followed from the published page.
    pub(crate) fn links_from_urls(&self) -> bool {
        self.rules().links_from_urls()
    }

    /// The public url of a file of the source that is no page: an image, a download.
    pub(crate) fn file_url(&self, path: &str) -> Option<Url> {
        self.rules().file_url(self.root()?, path)
    }

    fn rules(&self) -> &dyn Rules {
        match &self.generator {
            AnyRules::Plain(rules) => &**rules,
            AnyRules::MkDocs(rules) => &**rules,
            AnyRules::Docusaurus(rules) => &**rules,
            AnyRules::VitePress(rules) => &**rules,
            AnyRules::MdBook(rules) => &**rules,
            AnyRules::Sphinx(rules) => &**rules,
            AnyRules::Starlight(rules) => &**rules,
            AnyRules::Hugo(rules) => &**rules,
            AnyRules::Jekyll(rules) => &**rules,
            AnyRules::GitBook(rules) => &**rules,
            AnyRules::Website(rules) => &**rules,
        }
    }
}

/// Whether a document of this path is there: nothing is, for rules and tests that ask for no other.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Around for Alone {
    fn has(&self, _: &str) -> bool {
        false
    }
}

fn wrap<R>(opened: Opened<R>, variant: fn(Arc<R>) -> AnyRules) -> Opened<AnyRules> {
    Opened { rules: variant(Arc::new(opened.rules)), base_url: opened.base_url, notices: opened.notices }
}

/// Folders in which a repository keeps its site, when it is not the repository itself.
const FOLDERS: &[&str] = &["", "docs", "doc", "website", "site", "documentation", "book", "docs/source", "doc/source"];

/// A generator that is recognised, and whose rules are not known.
struct Unsupported(&'static str);

/// The generator and the folder of its configuration: the named one, or the first that is recognised. A named generator
/// whose configuration is nowhere is taken to be at the root; [`Rules`] go by their defaults then, or fail.
fn find(generator: Generator, tree: &dyn Tree) -> Result<Option<(Generator, String)>, Unsupported> {
    if generator == Generator::Plain {
        return Ok(None);
    }
    let mut unsupported = None;
    for folder in FOLDERS {
        let exists = |file: &str| tree.exists(&within(folder, file));
        let found = recognise(&exists, generator);
        // These are recognised by files that others have as well.
        let is_sure = !matches!(found, None | Some(Generator::Jekyll | Generator::Hugo | Generator::GitBook));
        let other = if generator == Generator::Auto && !is_sure { unsupported::of(folder, tree) } else { None };
        match (found, other) {
            (Some(_), Some(name)) => return Err(Unsupported(name)),
            (Some(found), None) => return Ok(Some((found, (*folder).to_owned()))),
            (None, other) => unsupported = unsupported.or(other),
        }
    }
    match unsupported {
        Some(name) => Err(Unsupported(name)),
        None => Ok((generator != Generator::Auto).then(|| (generator, String::new()))),
    }
}

/// A path within a folder.
fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A path relative to a folder that it lies in.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

/// The text of a configuration file; `None`: it is not there.
fn text(tree: &dyn Tree, path: &str) -> Result<Option<String>, Failure> {
    /// Larger configuration is refused before it is parsed.
    const MAX_BYTES: usize = 1 << 20;
    let bytes = tree.read(path).map_err(|why| unreadable(path, &why))?;
    match bytes {
        None => Ok(None),
        Some(bytes) if bytes.len() > MAX_BYTES => Err(unreadable(path, "it is larger than 1 MiB")),
        Some(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| unreadable(path, "it is not UTF-8")),
    }
}

/// What the site publishes is unknown, because a file cannot be read that says so.
fn unreadable(path: &str, why: &str) -> Failure {
    let why = why.trim_end().replace('\n', " ");
    Failure::new("site", format!("`{path}` says what the site publishes, and cannot be read: {why}"))
}

/// Which generator a folder belongs to, from what lies in it: `exists` is asked for files and folders, relative to the
/// folder. Where a generator is named, only that one counts.
#[must_use]
pub fn recognise(exists: &dyn Fn(&str) -> bool, named: Generator) -> Option<Generator> {
    // The more telling file first: many a repository has a `_config.yml` or a `SUMMARY.md` left over.
    const SIGNS: &[(Generator, &[&str])] = &[
        (Generator::Docusaurus, docusaurus::SIGNS),
        (Generator::VitePress, vitepress::SIGNS),
        (Generator::MkDocs, mkdocs::SIGNS),
        (Generator::MdBook, mdbook::SIGNS),
        (Generator::Starlight, starlight::SIGNS),
        (Generator::Sphinx, sphinx::SIGNS),
        (Generator::Hugo, hugo::SIGNS),
        (Generator::Jekyll, jekyll::SIGNS),
        (Generator::GitBook, gitbook::SIGNS),
    ];
    let counts = |generator: Generator| named == Generator::Auto || named == generator;
    let sign = SIGNS.iter().find(|(generator, files)| counts(*generator) && files.iter().any(|file| exists(file)));
    // Before 0.110 Hugo's configuration had a name that says nothing by itself.
    let is_old_hugo =
        || counts(Generator::Hugo) && exists("content") && hugo::OLD_SIGNS.iter().any(|file| exists(file));
    sign.map(|(generator, _)| *generator).or_else(|| is_old_hugo().then_some(Generator::Hugo))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of a few files.
    pub(super) struct MapTree(BTreeMap<String, String>);

    impl MapTree {
        pub(super) fn new(files: &[(&str, &str)]) -> Self {
            Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
        }
    }

    impl Tree for MapTree {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
        }

        fn list(&self, folder: &str) -> Vec<String> {
            let name = |path: &String| {
                let rest = below(folder, path)?;
                Some(rest.split_once('/').map_or_else(|| rest.to_owned(), |(first, _)| format!("{first}/")))
            };
            let mut names: Vec<String> = self.0.keys().filter_map(name).collect();
            names.dedup();
            names
        }

        fn exists(&self, path: &str) -> bool {
            self.0.keys().any(|file| file == path || below(path, file).is_some())
        }
    }

    impl Around for MapTree {
        fn has(&self, path: &str) -> bool {
            self.0.contains_key(path)
        }
    }

    pub(super) fn options() -> SiteOptions {
        SiteOptions { generator: Generator::Auto, base_url: None, urls: UrlStyle::Directory, settings: BTreeMap::new() }
    }

    #[test]
    fn generators_are_recognised_by_their_configuration() {
        let with = |names: &[&str]| recognise(&|name| names.contains(&name), Generator::Auto);
        assert_eq!(with(&["mkdocs.yml", "SUMMARY.md"]), Some(Generator::MkDocs));
        assert_eq!(with(&["docusaurus.config.ts"]), Some(Generator::Docusaurus));
        assert_eq!(with(&[".vitepress/config.mts"]), Some(Generator::VitePress));
        assert_eq!(with(&["book.toml", "SUMMARY.md"]), Some(Generator::MdBook));
        assert_eq!(with(&["config.toml"]), None);
    }
}
