//! Links and images: from what a document says to the public url of what it means, never to a broken relative link.
//!
//! A link to another document is asked of [`Asking`], which keeps each answer, so that the page is rendered
//! again exactly when one of them changes.

use std::borrow::Cow;

use url::Url;

use super::asking::Asking;
use super::elements::SCHEMES;
use crate::page::{DocPath, resolve};
use crate::site::{Site, UrlStyle, percent_decode};

/// Extensions that only a document has: a link to one that is no page is dead.
const DOCUMENTS: &[&str] = &["md", "markdown", "mdx", "mdown", "mkd", "rst", "adoc"];

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To this absolute url.
    Url(String),
    /// To a document that is no page: its path, for the warning.
    Dead(String),
    /// Nowhere that can be named: the link's text stays.
    Nowhere,
}

/// Resolves the links of one document.
pub(super) struct Links<'a> {
    from: &'a DocPath,
    dir: &'a str,
    page: Option<&'a Url>,
    site: &'a Site,
    asking: &'a Asking<'a>,
}

impl<'a> Links<'a> {
    pub(super) fn new(path: &'a DocPath, page: Option<&'a Url>, site: &'a Site, asking: &'a Asking<'a>) -> Self {
        Self { from: path, dir: path.dir(), page, site, asking }
    }

    /// Where a link leads.
    pub(super) fn link(&mut self, href: &str) -> Target {
        let href = cleaned(href);
        if let Some(scheme) = scheme(&href) {
            return external(&href, scheme, SCHEMES);
        }
        if let Some(host) = href.strip_prefix("//") {
            return external(&format!("https://{host}"), "https", SCHEMES);
        }
        let reference = Reference::of(&href);
        if reference.path.is_empty() {
            return match self.page.filter(|_| !href.is_empty()) {
                Some(page) => Target::Url(reference.appended_to(page.as_str())),
                None => Target::Nowhere,
            };
        }
        let path = percent_decode(reference.path).replace('\\', "/");
        let own_ways = self.site.link(self.from, &path);
        let has_own_ways = own_ways.is_some();
        if let Some(url) = own_ways.and_then(|candidates| self.first_page(candidates)) {
            return Target::Url(reference.appended_to(&url));
        }
        let Some(resolved) = resolve(self.base_of(&path), &path) else {
            return self
                .published(&path)
                .map_or_else(|| self.dead(&path), |url| Target::Url(reference.appended_to(&url)));
        };
        let is_folder = path.ends_with('/');
        let mut page = if has_own_ways { None } else { self.document(&resolved, is_folder) };
        if page.is_none() && path.starts_with('/') && !has_own_ways {
            // `/docs/guide/` on a site whose base is `https://host/docs/`.
            let below = self.site.root().and_then(|root| resolved.strip_prefix(root.path().trim_matches('/')));
            let below =
                below.filter(|below| below.starts_with('/') && below.len() > 1).map(|below| below[1..].to_owned());
            page = below.and_then(|below| self.document(&below, is_folder));
        }
        if let Some(url) = page.or_else(|| self.published(&path)) {
            return Target::Url(reference.appended_to(&url));
        }
        if DOCUMENTS.contains(&extension(&resolved).to_ascii_lowercase().as_str()) {
            return self.dead(&resolved);
        }
        self.file(&path, &resolved, &reference).map_or(Target::Nowhere, Target::Url)
    }

    /// The folder that a path counts from.
    fn base_of(&self, path: &str) -> &'a str {
        if path.starts_with('/') { "" } else { self.dir }
    }

    /// The url of the first document that is a page.
    fn first_page(&self, candidates: Vec<String>) -> Option<String> {
        candidates.into_iter().find_map(|candidate| self.asking.page_url(&DocPath::new(candidate)))
    }

    /// The page that is published where a link leads when it is followed from the published page, as a browser does.
    fn published(&self, path: &str) -> Option<String> {
        let is_page = matches!(extension(path).to_ascii_lowercase().as_str(), "" | "html" | "htm");
        let page = self.page.filter(|_| is_page)?;
        self.asking.page_at(page.join(&encoded(path)).ok()?.as_str())
    }

    /// Where an image lies; `None` where no absolute url can be named.
    pub(super) fn image(&self, src: &str) -> Option<String> {
        let src = cleaned(src);
        let target = if let Some(scheme) = scheme(&src) {
            external(&src, scheme, &SCHEMES[..2])
        } else if let Some(host) = src.strip_prefix("//") {
            external(&format!("https://{host}"), "https", &SCHEMES[..2])
        } else {
            let reference = Reference::of(&src);
            let path = percent_decode(reference.path).replace('\\', "/");
            let resolved = resolve(self.base_of(&path), &path).filter(|_| !path.is_empty())?;
            return self.file(&path, &resolved, &reference);
        };
        match target {
            Target::Url(url) => Some(url),
            Target::Dead(_) | Target::Nowhere => None,
        }
    }

    /// A file that is no page: it is taken to lie on the site where it lies in the source. Without a `base_url` the
    /// page's own url is all there is to go by.
    fn file(&self, path: &str, resolved: &str, reference: &Reference<'_>) -> Option<String> {
        let mut url = if let (Some(root), true) = (self.site.root(), path.starts_with('/')) {
            root.join(&encoded(path)).ok()?
        } else if self.site.root().is_some() && !self.site.links_from_urls() {
            let slash = if path.ends_with('/') && !resolved.is_empty() { "/" } else { "" };
            self.site.file_url(&format!("{resolved}{slash}"))?
        } else {
            self.page?.join(&encoded(path)).ok()?
        };
        url.set_query(reference.query);
        url.set_fragment(reference.fragment);
        Some(url.into())
    }

    /// The url of the page that a path leads to, by the ways in which documents are linked: by file, by folder, by the
    /// name without an extension, by the name of the HTML that is made of it.
    fn document(&mut self, path: &str, is_folder: bool) -> Option<String> {
        let mut candidates: Vec<String> = Vec::new();
        let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let extension = extension(path).to_ascii_lowercase();
        if DOCUMENTS.contains(&extension.as_str()) || extension == "txt" {
            candidates.push(path.to_owned());
        } else if is_folder || path.is_empty() || extension.is_empty() {
            if !is_folder && !path.is_empty() {
                candidates.push(format!("{path}.md"));
            }
            candidates.extend(["index.md", "README.md", "index.markdown", "index.html"].map(within));
            if is_folder && !path.is_empty() {
                candidates.push(format!("{path}.md"));
            }
            if !path.is_empty() {
                candidates.extend(["markdown", "mdx", "html"].map(|extension| format!("{path}.{extension}")));
            }
        } else if matches!(extension.as_str(), "html" | "htm") {
            let stem = &path[..path.len() - extension.len() - 1];
            candidates.extend([path.to_owned(), format!("{stem}.md"), format!("{stem}.markdown")]);
            if stem == "index" || stem.ends_with("/index") {
                candidates.push(format!("{}README.md", &stem[..stem.len() - "index".len()]));
            }
        }
        self.first_page(candidates)
    }

    /// A dead link, or where the site has no urls at all, one like any other.
    fn dead(&self, path: &str) -> Target {
        let has_urls = self.site.root().is_some() && self.site.options.urls != UrlStyle::None;
        if has_urls && !self.asking.is_full() { Target::Dead(path.to_owned()) } else { Target::Nowhere }
    }
}

/// The parts of a relative reference, as written.
struct Reference<'a> {
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn of(href: &'a str) -> Self {
        let (rest, fragment) = href.split_once('#').map_or((href, None), |(rest, fragment)| (rest, Some(fragment)));
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        Self { path, query, fragment }
    }

    fn appended_to(&self, url: &str) -> String {
        // What a url's parser would leave as it is needs none.
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte));
        match (self.query, self.fragment) {
            (None, None) => return url.to_owned(),
            (None, Some(fragment)) if is_plain(fragment) && !url.contains('#') => return format!("{url}#{fragment}"),
            _ => {}
        }
        match Url::parse(url) {
            Ok(mut url) => {
                if self.query.is_some() {
                    url.set_query(self.query);
                }
                if self.fragment.is_some() {
                    url.set_fragment(self.fragment);
                }
                url.into()
            }
            Err(_) => url.to_owned(),
        }
    }
}

/// What a browser reads of a url: without line breaks and tabs, without blanks and control characters around it.
fn cleaned(href: &str) -> Cow<'_, str> {
    let href = href.trim_matches(|c: char| c <= ' ');
    if href.contains(['\t', '\n', '\r']) {
        Cow::Owned(href.replace(['\t', '\n', '\r'], ""))
    } else {
        Cow::Borrowed(href)
    }
}

/// The scheme of a reference that has one.
fn scheme(href: &str) -> Option<&str> {
    let end = href.find([':', '/', '?', '#']).filter(|&at| href.as_bytes()[at] == b':')?;
    let scheme = &href[..end];
    let is_name = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // What only looks like one (a name with a colon in it) is dropped all the same, as an unknown scheme.
    Some(if is_name { scheme } else { "" })
}

fn external(href: &str, scheme: &str, allowed: &[&str]) -> Target {
    if !allowed.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Target::Nowhere;
    }
    if is_surely_a_url(href) {
        return Target::Url(href.to_owned());
    }
    match Url::parse(href) {
        Ok(url) if url.has_host() || url.cannot_be_a_base() => {
            // As its author wrote it, unless a reader could take that for something else.
            let plain =
                href.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
            Target::Url(if plain { href.to_owned() } else { url.into() })
        }
        _ => Target::Nowhere,
    }
}

/// Whether a url is one at sight: `https`, a host of words that no parser takes for an address or for another spelling, and
/// nothing that a reader could take for something else. Most are; the others are parsed.
fn is_surely_a_url(href: &str) -> bool {
    let Some(rest) = href.strip_prefix("https://") else { return false };
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let mut labels = host.rsplit('.');
    let is_word = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && label.as_bytes().get(2..4) != Some(b"--")
    };
    let is_top = |label: &str| label.len() >= 2 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    labels.next().is_some_and(is_top)
        && labels.clone().count() > 0
        && labels.all(is_word)
        && host.len() <= 253
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'))
}

/// The extension of a path's last part; `1.2` has none.
fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rfind('.') {
        Some(dot) if dot > 0 => {
            let extension = &name[dot + 1..];
            let is_one = extension.len() <= 8
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
            if is_one { extension } else { "" }
        }
        _ => "",
    }
}

/// A decoded path, encoded so far that joining it cannot take a part of it for a query or a fragment.
fn encoded(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::page::DocPath;
    use crate::render::{Asked, Inputs};
    use crate::site::{Generator, SiteOptions};

    struct Pages(&'static [&'static str]);

    impl Inputs for Pages {
        fn page_url(&self, path: &DocPath) -> Option<String> {
            self.0.contains(&path.as_str()).then(|| format!("https://d.example/docs/~{path}"))
        }
    }

    const PAGES: Pages =
        Pages(&["index.md", "guide/a b.md", "guide/start.md", "guide/README.md", "ref/v1.2.md", "p.html"]);

    fn site(base: Option<&str>) -> Site {
        let base_url = base.map(|base| Url::parse(base).unwrap());
        Site::plain(SiteOptions {
            generator: Generator::Plain,
            base_url,
            urls: UrlStyle::Directory,
            settings: BTreeMap::new(),
        })
    }

    fn link_from(base: Option<&str>, page: Option<&str>, href: &str) -> Target {
        let (site, page, path) = (site(base), page.map(|page| Url::parse(page).unwrap()), DocPath::new("guide/now.md"));
        let asking = Asking::new(&PAGES);
        Links::new(&path, page.as_ref(), &site, &asking).link(href)
    }

    fn link(href: &str) -> String {
        match link_from(Some("https://d.example/docs/"), Some("https://d.example/docs/guide/now/"), href) {
            Target::Url(url) => url,
            Target::Dead(path) => format!("dead {path}"),
            Target::Nowhere => "nowhere".into(),
        }
    }

    #[test]
    fn links_to_documents_lead_to_their_pages() {
        for (href, expected) in [
            ("start.md", "~guide/start.md"),
            ("./start.md#a%20b", "~guide/start.md#a%20b"),
            ("../guide/start.md?x=1#y", "~guide/start.md?x=1#y"),
            ("a%20b.md", "~guide/a b.md"),
            ("a b.md", "~guide/a b.md"),
            ("..\\guide\\start.md", "~guide/start.md"),
            ("/guide/start.md", "~guide/start.md"),
            ("/guide/start", "~guide/start.md"),
            ("start", "~guide/start.md"),
            ("start/", "~guide/start.md"),
            ("start.html", "~guide/start.md"),
            ("./", "~guide/README.md"),
            (".", "~guide/README.md"),
            ("../guide/", "~guide/README.md"),
            ("index.html", "~guide/README.md"),
            ("..", "~index.md"),
            ("/", "~index.md"),
            ("/docs/guide/start/", "~guide/start.md"),
            ("../ref/v1.2", "~ref/v1.2.md"),
            ("../p.html", "~p.html"),
            ("  start.md\n", "~guide/start.md"),
            ("start.md/#x", "~guide/start.md#x"),
        ] {
            let expected = expected.replace(' ', "%20");
            let url = link(href).replace("https://d.example/docs/", "").replace(' ', "%20");
            assert_eq!(url, expected, "{href}");
        }
    }

    #[test]
    fn links_to_no_page_are_dead() {
        assert_eq!(link("gone.md#x"), "dead guide/gone.md");
        assert_eq!(link("../../outside.md"), "dead ../../outside.md");
        assert_eq!(link("/GONE.MDX"), "dead GONE.MDX");
    }

    #[test]
    fn other_relative_links_become_absolute() {
        assert_eq!(link("img/a b.zip?x#y"), "https://d.example/docs/guide/img/a%20b.zip?x#y");
        assert_eq!(link("../x%23y.pdf"), "https://d.example/docs/x%23y.pdf");
        assert_eq!(link("/logo.svg"), "https://d.example/logo.svg");
        assert_eq!(link("app/"), "https://d.example/docs/guide/app/");
        assert_eq!(link("#part"), "https://d.example/docs/guide/now/#part");
        assert_eq!(link("?q"), "https://d.example/docs/guide/now/?q");
        assert_eq!(link("//cdn.example/x"), "https://cdn.example/x");
    }

    #[test]
    fn a_url_that_is_taken_at_sight_is_one_to_the_parser() {
        for (href, expected) in [
            ("https://docs.example.com/a/b?x=1&y#z", true),
            ("https://a-b.example.io", true),
            ("https://xn--e1afmkfd.example", false),
            ("https://ab--cd.example", false),
            ("https://1.2.3.999/", false),
            ("https://host/", false),
            ("https://a..example/", false),
            ("https://user@host.example/", false),
            ("https://host.example:80/", false),
            ("https://host.example/\\x", false),
            ("http://host.example/", false),
        ] {
            assert_eq!(is_surely_a_url(href), expected, "{href}");
            assert!(!expected || Url::parse(href).is_ok_and(|url| url.has_host()), "{href}");
        }
    }

    #[test]
    fn only_schemes_of_the_web_mail_and_telephone_stay() {
        for href in ["https://a.example", "HTTP://a.example/x?y#z", "mailto:a@b.example", "tel:+1-2"] {
            assert_eq!(link(href), href);
        }
        assert_eq!(link("https://é.example/ü"), "https://xn--9ca.example/%C3%BC");
        for href in [
            "javascript:alert(1)",
            "JaVaScRiPt:x",
            " \u{1}javascript:x",
            "java\nscript:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "C:\\x.md",
            "https://",
            "http:",
            "a b:c",
            "",
            " ",
        ] {
            assert_eq!(link(href), "nowhere", "{href:?}");
        }
    }

    #[test]
    fn without_a_base_url_there_is_the_pages_own_url_or_nothing() {
        let page = Some("https://x.example/a/b");
        assert_eq!(link_from(None, page, "c.zip"), Target::Url("https://x.example/a/c.zip".into()));
        assert_eq!(link_from(None, None, "c.zip"), Target::Nowhere);
        assert_eq!(link_from(None, None, "gone.md"), Target::Nowhere);
        assert_eq!(link_from(None, None, "#x"), Target::Nowhere);
    }

    #[test]
    fn images_are_of_the_web_only() {
        let (site, path) = (site(Some("https://d.example/docs/")), DocPath::new("guide/now.md"));
        let asking = Asking::new(&PAGES);
        let links = Links::new(&path, None, &site, &asking);
        assert_eq!(links.image("a.png").unwrap(), "https://d.example/docs/guide/a.png");
        assert_eq!(links.image("//cdn.example/a.png").unwrap(), "https://cdn.example/a.png");
        for src in ["data:image/png;base64,x", "mailto:x", "", "../../a.png", "#x", "javascript:x"] {
            assert_eq!(links.image(src), None, "{src}");
        }
    }

    #[test]
    fn everything_asked_is_kept_once_with_its_answer() {
        let (site, path) = (site(Some("https://d.example/docs/")), DocPath::new("guide/now.md"));
        let asking = Asking::new(&PAGES);
        let mut links = Links::new(&path, None, &site, &asking);
        for href in ["start.md", "gone.md", "start.md#x", "https://x.example"] {
            links.link(href);
        }
        let asked = |path: &str, url: Option<&str>| Asked::PageUrl(DocPath::new(path), url.map(Into::into));
        assert_eq!(
            asking.into_asked(),
            [asked("guide/gone.md", None), asked("guide/start.md", Some("https://d.example/docs/~guide/start.md"))]
        );
    }
}
