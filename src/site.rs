//! Sites: the rules of the generator that publishes the documents. Pure: which file is a page, and at which url.
//!
//! Only `plain` is known so far; each generator will have a file of its own under `site/`. A url is never guessed: a
//! folder that belongs to a generator whose rules are not known here has pages without urls, and a notice that says so.

use url::Url;

use crate::page::DocPath;
use crate::render::Facts;

/// How the documents are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteOptions {
    /// Who publishes them.
    pub generator: Generator,
    /// The public root; without it no page has a url.
    pub base_url: Option<Url>,
    /// How `plain` makes urls.
    pub urls: UrlStyle,
}

/// Who publishes the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// Recognised from its own configuration.
    Auto,
    /// Nobody in particular: files become pages by [`UrlStyle`].
    Plain,
}

/// The url of `guide/start.md` under `https://docs.example.com/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlStyle {
    /// `…/guide/start/`; an `index` or `README` is its folder.
    Directory,
    /// `…/guide/start.html`; an `index` or `README` is its folder.
    Html,
    /// `…/guide/start.md`, an `index.md` too.
    AsIs,
    /// No url but the one that front matter gives.
    None,
}

/// The rules of one source's site.
#[derive(Clone, Debug)]
pub struct Site {
    /// What was configured.
    pub options: SiteOptions,
    /// The generator that `auto` recognised and whose rules are not known yet.
    unknown: Option<&'static str>,
}

impl Site {
    /// The rules for these options, where nothing was recognised: `auto` is `plain` then.
    #[must_use]
    pub fn new(options: SiteOptions) -> Self {
        Self { options, unknown: None }
    }

    /// The rules for these options in a folder whose generator [`recognise`] named. It counts for `auto` alone.
    #[must_use]
    pub fn recognised(options: SiteOptions, generator: Option<&'static str>) -> Self {
        let unknown = generator.filter(|_| options.generator == Generator::Auto);
        Self { options, unknown }
    }

    /// One sentence for whoever runs the source, where its pages have no url though a `base_url` is configured.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let generator = self.unknown?;
        Some(format!(
            "the folder looks like a site of `{generator}`, whose urls are not known yet: pages are sent without urls; \
             set `site.generator: plain` and `site.urls` to have them made from the files' paths"
        ))
    }

    /// The public root that paths can be joined to; `None` where that would be a guess.
    #[must_use]
    pub fn root(&self) -> Option<&Url> {
        self.options.base_url.as_ref().filter(|url| self.unknown.is_none() && !url.cannot_be_a_base())
    }

    /// The public url of a document, from its path and what its front matter says; `None` where no rule can know it.
    ///
    /// An absolute `url` wins, then a `url` that is a path below `base_url`, then `slug` in place of the file's name,
    /// then the path by [`UrlStyle`].
    #[must_use]
    pub fn url(&self, path: &DocPath, facts: &Facts) -> Option<Url> {
        if let Some(url) = facts.url.as_deref().and_then(absolute) {
            return Some(url);
        }
        let root = self.root()?;
        if let Some(url) = facts.url.as_deref() {
            // Jekyll's placeholders (`/:categories/:title/`) and other schemes stand for nothing that is known here.
            let known = !url.contains("/:") && !url.starts_with(':') && !has_scheme(url);
            return known.then(|| join_reference(root, url)).flatten();
        }
        let (folder, name) = match facts.slug.as_deref() {
            Some(slug) => slugged(path.dir(), slug),
            None => (path.dir().to_owned(), None),
        };
        let is_slug = facts.slug.is_some();
        let stem = name.as_deref().unwrap_or(path.stem());
        let is_folder = stem.is_empty() || (!is_slug && (stem == "index" || stem.eq_ignore_ascii_case("readme")));
        let last = match self.options.urls {
            UrlStyle::None => return None,
            UrlStyle::AsIs if is_slug => stem.to_owned(),
            UrlStyle::AsIs => path.file_name().to_owned(),
            UrlStyle::Directory | UrlStyle::Html if is_folder => String::new(),
            UrlStyle::Directory => format!("{stem}/"),
            UrlStyle::Html if has_html_extension(stem) => stem.to_owned(),
            UrlStyle::Html => format!("{stem}.html"),
        };
        join(root, folder.split('/').filter(|part| !part.is_empty()).chain(last.split('/')))
    }

    /// The public url of a file of the source that is no page: an image, a download.
    pub(crate) fn file_url(&self, path: &str) -> Option<Url> {
        join(self.root()?, path.split('/'))
    }
}

/// Which generator a folder belongs to, from what lies in it: `exists` is asked for files and folders, relative to the
/// folder, `/`-separated. The names are those that `site.generator` will take.
#[must_use]
pub fn recognise(exists: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    // The more telling file first: many a repository has a `_config.yml` or a `SUMMARY.md` left over.
    const SIGNS: &[(&str, &[&str])] = &[
        (
            "docusaurus",
            &["docusaurus.config.js", "docusaurus.config.ts", "docusaurus.config.mjs", "docusaurus.config.cjs"],
        ),
        (
            "vitepress",
            &[
                ".vitepress/config.js",
                ".vitepress/config.ts",
                ".vitepress/config.mjs",
                ".vitepress/config.mts",
                ".vitepress/config/index.ts",
                ".vitepress/config/index.js",
            ],
        ),
        ("mkdocs", &["mkdocs.yml", "mkdocs.yaml"]),
        ("mdbook", &["book.toml"]),
        ("hugo", &["hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default"]),
        ("starlight", &["astro.config.mjs", "astro.config.ts", "astro.config.js", "astro.config.mts"]),
        ("sphinx", &["conf.py", "source/conf.py"]),
        ("gitbook", &[".gitbook.yaml", ".gitbook.yml"]),
        ("jekyll", &["_config.yml", "_config.yaml", "_config.toml"]),
    ];
    if let Some((name, _)) = SIGNS.iter().find(|(_, files)| files.iter().any(|file| exists(file))) {
        return Some(name);
    }
    // Before 0.110 Hugo's configuration had a name that says nothing by itself.
    let old_hugo = ["config.toml", "config.yaml", "config.yml", "config.json"];
    if exists("content") && old_hugo.iter().any(|file| exists(file)) {
        return Some("hugo");
    }
    exists("SUMMARY.md").then_some("gitbook")
}

/// The url that a text is, if it is an absolute one of the web.
fn absolute(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn has_scheme(text: &str) -> bool {
    Url::parse(text).is_ok()
}

/// Folder and name for a slug: `/a/b` counts from the site's root, anything else from the document's folder.
fn slugged(dir: &str, slug: &str) -> (String, Option<String>) {
    let relative = slug.trim_matches('/');
    let (slug_dir, name) = relative.rsplit_once('/').unwrap_or(("", relative));
    let folder = if slug.starts_with('/') { slug_dir.to_owned() } else { format!("{dir}/{slug_dir}") };
    (folder, Some(name.to_owned()))
}

fn has_html_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ext)| ext.eq_ignore_ascii_case("html") || ext.eq_ignore_ascii_case("htm"))
}

/// Joins a path of the author's own, which may be percent-encoded already and may have a query.
fn join_reference(root: &Url, reference: &str) -> Option<Url> {
    let reference = reference.split('#').next().unwrap_or_default();
    let (path, query) = reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
    let decoded: Vec<String> = path.trim_start_matches('/').split('/').map(percent_decode).collect();
    let mut url = join(root, decoded.iter().map(String::as_str))?;
    url.set_query(query);
    Some(url)
}

/// Appends path segments, each percent-encoded, to the root's own path; a last empty one is a trailing slash.
fn join<'a>(root: &Url, segments: impl Iterator<Item = &'a str>) -> Option<Url> {
    let mut url = root.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// Undoes percent-encoding where what comes out is UTF-8; else the text stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return text.to_owned();
    }
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        let decoded = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(urls: UrlStyle, base: &str) -> Site {
        let base_url = Some(Url::parse(base).unwrap());
        Site::new(SiteOptions { generator: Generator::Plain, base_url, urls })
    }

    fn url(urls: UrlStyle, path: &str) -> Option<String> {
        site(urls, "https://d.example/docs").url(&DocPath::new(path), &Facts::default()).map(String::from)
    }

    fn front(path: &str, slug: Option<&str>, url: Option<&str>, urls: UrlStyle) -> Option<String> {
        let facts = Facts { slug: slug.map(Into::into), url: url.map(Into::into), ..Facts::default() };
        site(urls, "https://d.example/docs/").url(&DocPath::new(path), &facts).map(String::from)
    }

    #[test]
    fn styles_make_urls_below_the_base_urls_own_path() {
        let directory = |path| url(UrlStyle::Directory, path).unwrap();
        assert_eq!(directory("guide/start.md"), "https://d.example/docs/guide/start/");
        assert_eq!(directory("index.md"), "https://d.example/docs/");
        assert_eq!(directory("guide/ReadMe.md"), "https://d.example/docs/guide/");
        assert_eq!(directory("guide/Index.md"), "https://d.example/docs/guide/Index/");
        assert_eq!(url(UrlStyle::Html, "guide/start.md").unwrap(), "https://d.example/docs/guide/start.html");
        assert_eq!(url(UrlStyle::Html, "guide/index.md").unwrap(), "https://d.example/docs/guide/");
        assert_eq!(url(UrlStyle::AsIs, "guide/index.md").unwrap(), "https://d.example/docs/guide/index.md");
        assert_eq!(url(UrlStyle::None, "guide/start.md"), None);
    }

    #[test]
    fn path_segments_are_percent_encoded() {
        assert_eq!(
            url(UrlStyle::AsIs, "a b/c#d/é?/50%.md").unwrap(),
            "https://d.example/docs/a%20b/c%23d/%C3%A9%3F/50%25.md"
        );
    }

    #[test]
    fn a_base_url_has_no_query_in_its_pages() {
        let site = site(UrlStyle::Directory, "https://d.example/?x=1#y");
        let url = site.url(&DocPath::new("a.md"), &Facts::default()).unwrap();
        assert_eq!(url.as_str(), "https://d.example/a/");
    }

    #[test]
    fn a_slug_replaces_the_last_part() {
        let slug = |path, slug, urls| front(path, Some(slug), None, urls).unwrap();
        assert_eq!(slug("a/b.md", "c", UrlStyle::Directory), "https://d.example/docs/a/c/");
        assert_eq!(slug("a/b.md", "c d", UrlStyle::Html), "https://d.example/docs/a/c%20d.html");
        assert_eq!(slug("a/b.md", "c.html", UrlStyle::Html), "https://d.example/docs/a/c.html");
        assert_eq!(slug("a/index.md", "c", UrlStyle::Directory), "https://d.example/docs/a/c/");
        assert_eq!(slug("a/b.md", "/x/y", UrlStyle::Directory), "https://d.example/docs/x/y/");
        assert_eq!(slug("a/b.md", "/", UrlStyle::Directory), "https://d.example/docs/");
        assert_eq!(slug("a/b.md", "../../c", UrlStyle::Directory), "https://d.example/docs/a/c/");
        assert_eq!(slug("a/b.md", "index", UrlStyle::Directory), "https://d.example/docs/a/index/");
    }

    #[test]
    fn a_url_of_front_matter_wins() {
        let given = |url| front("a/b.md", Some("slug"), Some(url), UrlStyle::None);
        assert_eq!(given("https://other.example/x").unwrap(), "https://other.example/x");
        assert_eq!(given("/x/y/").unwrap(), "https://d.example/docs/x/y/");
        assert_eq!(given("x/caf%C3%A9?q=1#z").unwrap(), "https://d.example/docs/x/caf%C3%A9?q=1");
        assert_eq!(given("//evil.example/x").unwrap(), "https://d.example/docs/evil.example/x");
        assert_eq!(given("javascript:alert(1)"), None);
        assert_eq!(given("/:categories/:title/"), None);
    }

    #[test]
    fn without_a_base_url_only_an_absolute_url_of_front_matter_is_one() {
        let site = Site::new(SiteOptions { generator: Generator::Auto, base_url: None, urls: UrlStyle::Directory });
        assert_eq!(site.url(&DocPath::new("a.md"), &Facts::default()), None);
        let facts = Facts { url: Some("http://x.example/a".into()), ..Facts::default() };
        assert_eq!(site.url(&DocPath::new("a.md"), &facts).unwrap().as_str(), "http://x.example/a");
    }

    #[test]
    fn a_generator_whose_rules_are_unknown_gives_no_urls_and_says_so() {
        let options = |generator| SiteOptions { generator, ..site(UrlStyle::Directory, "https://d.example").options };
        let auto = Site::recognised(options(Generator::Auto), Some("mkdocs"));
        assert_eq!(auto.url(&DocPath::new("a.md"), &Facts::default()), None);
        assert!(auto.notice().unwrap().contains("`mkdocs`"));
        for site in [
            Site::recognised(options(Generator::Plain), Some("mkdocs")),
            Site::recognised(options(Generator::Auto), None),
        ] {
            assert!(site.notice().is_none());
            assert!(site.url(&DocPath::new("a.md"), &Facts::default()).is_some());
        }
    }

    #[test]
    fn generators_are_recognised_by_their_configuration() {
        let with = |names: &[&str]| recognise(&|name| names.contains(&name));
        assert_eq!(with(&["mkdocs.yml", "SUMMARY.md"]), Some("mkdocs"));
        assert_eq!(with(&["docusaurus.config.ts"]), Some("docusaurus"));
        assert_eq!(with(&[".vitepress/config.mts"]), Some("vitepress"));
        assert_eq!(with(&["book.toml", "SUMMARY.md"]), Some("mdbook"));
        assert_eq!(with(&["config.toml"]), None);
        assert_eq!(with(&["config.toml", "content"]), Some("hugo"));
        assert_eq!(with(&["SUMMARY.md"]), Some("gitbook"));
        assert_eq!(with(&["README.md"]), None);
    }

    #[test]
    fn broken_percent_encoding_stays() {
        assert_eq!(percent_decode("a%20b%zz%e"), "a b%zz%e");
        assert_eq!(percent_decode("%ff"), "%ff");
    }
}
