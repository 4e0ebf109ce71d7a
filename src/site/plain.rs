//! No generator in particular: files become pages by a style of urls.

use url::Url;

use super::{Around, Placement, Rules, UrlStyle, join, join_reference};
use crate::page::DocPath;
use crate::render::Facts;

/// The rules of a site that no generator makes.
#[derive(Debug)]
pub(crate) struct Plain {
    /// How urls are made.
    pub(crate) urls: UrlStyle,
    /// The generator that does make it, whose rules are not known.
    pub(crate) maker: Option<&'static str>,
}

/// Extensions of documents that no site publishes as a page of their own name: what shows a description of an interface has
/// urls of its own.
const NO_PAGES: &[&str] = &["yaml", "yml", "json"];

impl Rules for Plain {
    fn include(&self) -> Vec<String> {
        vec!["**/*.{md,markdown}".to_owned()]
    }

    fn place(&self, base: Option<&Url>, path: &DocPath, facts: &Facts, around: &dyn Around) -> Placement {
        let is_said = facts.url.is_some() || !matches!(self.urls, UrlStyle::Directory | UrlStyle::Html);
        let unknown = match self.maker {
            _ if is_said => None,
            Some(maker) => Some(format!("the site looks like one of {maker}'s, whose rules are not known")),
            None if facts.slug.is_some() || !NO_PAGES.contains(&path.extension().as_str()) => None,
            None => Some(format!("sites publish no page at the path of a `.{}` file", path.extension())),
        };
        if base.is_some() && unknown.is_some() {
            return Placement { unknown, ..Placement::default() };
        }
        Placement { url: base.and_then(|base| self.url(base, path, facts, around)), ..Placement::default() }
    }
}

impl Plain {
    /// A `url` that is a path below the base, then `slug` in place of the file's name, then the path by [`UrlStyle`].
    fn url(&self, base: &Url, path: &DocPath, facts: &Facts, around: &dyn Around) -> Option<Url> {
        if let Some(url) = facts.url.as_deref() {
            // Jekyll's placeholders (`/:categories/:title/`) and other schemes stand for nothing that is known here.
            let known = !url.contains("/:") && !url.starts_with(':') && !has_scheme(url);
            return known.then(|| join_reference(base, url)).flatten();
        }
        let (folder, name) = match facts.slug.as_deref() {
            Some(slug) => slugged(path.dir(), slug),
            None => (path.dir().to_owned(), None),
        };
        let is_slug = facts.slug.is_some();
        let stem = name.as_deref().unwrap_or(path.stem());
        let is_folder = stem.is_empty() || (!is_slug && (stem == "index" || stem.eq_ignore_ascii_case("readme")));
        let last = match &self.urls {
            UrlStyle::None => return None,
            UrlStyle::Template(template) => return templated(base, template, path, around),
            UrlStyle::AsIs if is_slug => stem.to_owned(),
            UrlStyle::AsIs => path.file_name().to_owned(),
            UrlStyle::Directory | UrlStyle::Html if is_folder => String::new(),
            UrlStyle::Directory => format!("{stem}/"),
            UrlStyle::Html if has_html_extension(stem) => stem.to_owned(),
            UrlStyle::Html => format!("{stem}.html"),
        };
        join(base, folder.split('/').filter(|part| !part.is_empty()).chain(last.split('/')))
    }
}

/// Fills a template in; `None` where it asks for something that is not known, such as a folder's commit.
fn templated(base: &Url, template: &str, path: &DocPath, around: &dyn Around) -> Option<Url> {
    let commit = if template.contains("{commit}") { around.commit(path.as_str())?.id } else { String::new() };
    let whole = path.as_str();
    let without = whole.rsplit_once('.').map_or(whole, |(stem, _)| stem);
    let filled = template.replace("{path}", without).replace("{stem}", path.stem()).replace("{dir}", path.dir());
    let filled = filled.replace("{commit}", &commit);
    join(base, filled.split('/').filter(|part| !part.is_empty()).chain(filled.ends_with('/').then_some("")))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::site::{Alone, Generator, Site, SiteOptions};

    fn site(urls: UrlStyle, base: &str) -> Site {
        let base_url = Some(Url::parse(base).unwrap());
        Site::plain(SiteOptions { generator: Generator::Plain, base_url, urls, settings: BTreeMap::default() })
    }

    fn url(urls: UrlStyle, path: &str) -> Option<String> {
        site(urls, "https://d.example/docs").place(&DocPath::new(path), &Facts::default(), &Alone).url.map(String::from)
    }

    fn front(path: &str, slug: Option<&str>, url: Option<&str>, urls: UrlStyle) -> Option<String> {
        let facts = Facts { slug: slug.map(Into::into), url: url.map(Into::into), ..Facts::default() };
        site(urls, "https://d.example/docs/").place(&DocPath::new(path), &facts, &Alone).url.map(String::from)
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
    fn a_description_of_an_interface_has_the_url_that_somebody_says() {
        let described = site(UrlStyle::Directory, "https://d.example/").place(
            &DocPath::new("ref/api.yaml"),
            &Facts::default(),
            &Alone,
        );
        assert_eq!(described.url, None);
        assert_eq!(described.unknown.unwrap(), "sites publish no page at the path of a `.yaml` file");
        assert_eq!(url(UrlStyle::AsIs, "ref/api.yaml").unwrap(), "https://d.example/docs/ref/api.yaml");
        let template = UrlStyle::template("ref/{stem}").unwrap();
        assert_eq!(url(template, "ref/api.yaml").unwrap(), "https://d.example/docs/ref/api");
        let given = front("ref/api.yaml", None, Some("/api/"), UrlStyle::Html);
        assert_eq!(given.unwrap(), "https://d.example/docs/api/");
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
        let url = site.place(&DocPath::new("a.md"), &Facts::default(), &Alone).url.unwrap();
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
        let site = Site::plain(SiteOptions {
            generator: Generator::Auto,
            base_url: None,
            urls: UrlStyle::Directory,
            settings: BTreeMap::default(),
        });
        assert_eq!(site.place(&DocPath::new("a.md"), &Facts::default(), &Alone).url, None);
        let facts = Facts { url: Some("http://x.example/a".into()), ..Facts::default() };
        assert_eq!(site.place(&DocPath::new("a.md"), &facts, &Alone).url.unwrap().as_str(), "http://x.example/a");
    }
}
