//! What a page says of itself beside its text: title, site, canonical url, language, whether it is to be found at all.

use dom_query::Document;
use url::Url;

use super::Answer;
use super::generators::{Names, Theme};

/// What a page says of itself.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// `<title>`.
    pub(super) title: String,
    /// `<meta name="generator">`.
    pub(super) generator: String,
    /// Names of the site.
    sites: Vec<String>,
    /// Words of robots' `<meta>` and of `X-Robots-Tag` that hold for everyone.
    pub(super) noindex: bool,
    /// `<html lang>`, else the `hreflang` of the alternate that is this page.
    pub(super) lang: Option<String>,
    /// The canonical url that it names, absolute.
    canonical: Option<Url>,
    /// Where it sends its reader at once.
    pub(super) refresh: Option<Url>,
}

/// What the canonical url of a page comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Canonical {
    /// There is none, or it cannot be meant.
    Unsaid,
    /// It is this page's own url, as the site spells it.
    Own(Url),
    /// It is another page's.
    Other(Url),
}

/// Reads them.
pub(super) fn read(document: &Document, names: &Names, answer: &Answer<'_>) -> Head {
    let mut head = Head::default();
    let base = base(document, answer.url);
    head.title = one_line(&document.select_single("title").text());
    for meta in &document.select("meta") {
        let content = one_line(&meta.attr_or("content", ""));
        let name = meta.attr("name").or_else(|| meta.attr("property")).map(|name| name.trim().to_ascii_lowercase());
        match name.as_deref() {
            Some("generator") if head.generator.is_empty() => head.generator = content,
            Some("og:site_name" | "application-name" | "apple-mobile-web-app-title") if !content.is_empty() => {
                head.sites.push(content);
            }
            Some("robots") => head.noindex |= is_noindex(&content),
            _ => {}
        }
        if meta.attr_or("http-equiv", "").eq_ignore_ascii_case("refresh") {
            head.refresh = head.refresh.or_else(|| refresh(&meta.attr_or("content", ""), &base));
        }
    }
    let brands = BRANDS.iter().filter(|(name, _)| names.have(name));
    head.sites.extend(brands.map(|(_, selector)| one_line(&document.select_single(selector).text())));
    head.noindex |= answer.robots.is_some_and(is_noindex_header);
    let links = document.select("link[rel][href]");
    let of_rel = |wanted: &'static str| {
        links.iter().filter(move |link| {
            link.attr_or("rel", "").split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case(wanted))
        })
    };
    let href = of_rel("canonical").next().map(|link| link.attr_or("href", "").trim().to_owned());
    head.canonical = href
        .or_else(|| answer.link.and_then(canonical_of_header))
        .filter(|href| !href.is_empty())
        .and_then(|href| base.join(&href).ok());
    let lang = one_line(&document.select_single("html").attr_or("lang", ""));
    let alternate = || {
        of_rel("alternate").filter(|link| link.has_attr("hreflang")).find_map(|link| {
            let url = base.join(&link.attr_or("href", "")).ok()?;
            let lang = one_line(&link.attr_or("hreflang", ""));
            (is_same_place(&url, answer.url) && lang != "x-default").then_some(lang)
        })
    };
    head.lang = Some(lang).filter(|lang| !lang.is_empty()).or_else(alternate).filter(|lang| is_language(lang));
    head
}

/// The url that the page's relative links count from.
pub(super) fn base(document: &Document, url: &Url) -> Url {
    let href = document.select_single("base[href]").attr("href");
    href.and_then(|href| url.join(href.trim()).ok()).filter(Url::has_host).unwrap_or_else(|| url.clone())
}

impl Head {
    /// What the canonical url comes to, for the page of this url. One of another host, or of no page at all, is nothing to go
    /// by; nor is the site's root, or a folder above the page, for a page below: templates that name one url for every page
    /// do so.
    pub(super) fn canonical(&self, url: &Url) -> Canonical {
        let Some(mut canonical) = self.canonical.clone() else { return Canonical::Unsaid };
        let is_here = matches!(canonical.scheme(), "http" | "https") && canonical.host_str() == url.host_str();
        if !is_here {
            return Canonical::Unsaid;
        }
        canonical.set_fragment(None);
        if is_same_place(&canonical, url) {
            return Canonical::Own(canonical);
        }
        let (there, here) = (place(&canonical), place(url));
        let is_above = there.0.is_empty() || here.0.strip_prefix(&there.0).is_some_and(|rest| rest.starts_with('/'));
        if is_above { Canonical::Unsaid } else { Canonical::Other(canonical) }
    }

    /// The page's title as its site means it: `<title>` without the site's name.
    pub(super) fn own_title(&self, theme: Option<&Theme>, url: &Url) -> String {
        const SIGNS: &[&str] = &[" | ", " - ", " – ", " — ", " · ", " • ", " :: ", " » ", " « ", " ‹ "];
        let title = self.title.as_str();
        let cut = SIGNS.iter().filter_map(|sign| title.rfind(sign).map(|at| (at, sign.len()))).max();
        if let Some((at, length)) = cut {
            let (own, last) = (title[..at].trim(), title[at + length..].trim());
            if !own.is_empty() && (self.is_site(last, url) || theme.is_some_and(|theme| theme.adds_site_to_title)) {
                return own.to_owned();
            }
        }
        // Site names may hold such a sign themselves.
        for site in self.sites.iter().filter(|site| !site.is_empty()) {
            let Some(own) = title.strip_suffix(site.as_str()) else { continue };
            if let Some(own) = SIGNS.iter().find_map(|sign| own.strip_suffix(sign)).filter(|own| !own.trim().is_empty())
            {
                return own.trim().to_owned();
            }
        }
        let first = SIGNS.iter().filter_map(|sign| title.find(sign).map(|at| (at, sign.len()))).min();
        if let Some((at, length)) = first.filter(|_| url.path().len() > 1) {
            let (first, own) = (title[..at].trim(), title[at + length..].trim());
            if self.is_site(first, url) && !own.is_empty() {
                return own.to_owned();
            }
        }
        title.to_owned()
    }

    /// Whether a title is no more than the site's name, on a page that is not the site's first.
    pub(super) fn names_site_alone(&self, title: &str, url: &Url) -> bool {
        url.path().len() > 1 && title == self.title && self.is_site(title, url)
    }

    /// Whether a part of a title names the site: as the page does elsewhere, or as its host is called.
    fn is_site(&self, part: &str, url: &Url) -> bool {
        let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let part = squeezed(part);
        let host = url.host_str().unwrap_or_default();
        !part.is_empty()
            && (self.sites.iter().any(|site| squeezed(site) == part)
                || host.split('.').any(|label| label.len() > 3 && squeezed(label) == part))
    }
}

/// Where themes show the site's name: by which name they are known, and the selector of it.
const BRANDS: &[(&str, &str)] = &[
    (".md-header__topic", ".md-header__topic .md-ellipsis"),
    (".navbar__title", ".navbar__title"),
    (".VPNavBarTitle", ".VPNavBarTitle .title"),
    (".site-title", ".site-title"),
    (".menu-title", ".menu-title"),
    (".navbar-brand", ".navbar-brand"),
    (".sidebar-brand-text", ".sidebar-brand-text"),
    (".wy-side-nav-search", ".wy-side-nav-search > a"),
    (".site-name", ".site-name"),
    (".book-brand", ".book-brand"),
    (".gdoc-brand__title", ".gdoc-brand__title"),
    (".logo__title", ".logo__title"),
];

/// The url with all that may differ in how a site spells one page's url left out.
fn place(url: &Url) -> (String, Option<String>) {
    let path = crate::site::percent_decode(url.path());
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".html").or_else(|| path.strip_suffix(".htm")).unwrap_or(path);
    let path = path.strip_suffix("/index").unwrap_or(path);
    (path.trim_end_matches('/').to_owned(), url.query().map(str::to_owned))
}

/// Whether two urls of one host are one page's. A canonical url need not repeat the query.
fn is_same_place(canonical: &Url, url: &Url) -> bool {
    let (there, here) = (place(canonical), place(url));
    canonical.host_str() == url.host_str() && there.0 == here.0 && (there.1.is_none() || there.1 == here.1)
}

fn is_language(lang: &str) -> bool {
    lang.len() <= 35 && lang.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_noindex(content: &str) -> bool {
    content.split(',').any(|word| matches!(&*word.trim().to_ascii_lowercase(), "noindex" | "none"))
}

/// `X-Robots-Tag`: rules for everyone, or after a robot's name for that one alone.
fn is_noindex_header(value: &str) -> bool {
    let mut is_for_all = true;
    value.split(',').any(|rule| {
        let mut rule = rule.trim();
        if let Some((name, rest)) = rule.split_once(':') {
            let is_rule = name.trim().to_ascii_lowercase().starts_with("max-")
                || name.trim().eq_ignore_ascii_case("unavailable_after");
            if !is_rule {
                is_for_all = name.trim() == "*";
                rule = rest.trim();
            }
        }
        is_for_all && is_noindex(rule)
    })
}

/// The canonical url of a `Link` header: `<…>; rel="canonical"`.
fn canonical_of_header(link: &str) -> Option<String> {
    link.split('<').skip(1).find_map(|part| {
        let (url, parameters) = part.split_once('>')?;
        let is_canonical = parameters.split(';').any(|parameter| {
            parameter.trim().trim_end_matches(',').split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_ascii_whitespace()
                        .any(|rel| rel.eq_ignore_ascii_case("canonical"))
            })
        });
        is_canonical.then(|| url.trim().to_owned())
    })
}

/// `0; url=…`: a redirect; one that waits longer than a few seconds is read first.
fn refresh(content: &str, base: &Url) -> Option<Url> {
    let (delay, rest) = content.split_once([';', ','])?;
    if delay.trim().parse::<f64>().ok()? > 5.0 {
        return None;
    }
    let rest = rest.trim();
    let url = match rest.get(..3) {
        Some(name) if name.eq_ignore_ascii_case("url") => rest[3..].trim_start().strip_prefix('=')?,
        _ => rest,
    };
    base.join(url.trim().trim_matches(['"', '\''])).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Text with its white space as single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(html: &str, url: &str) -> Head {
        let url = Url::parse(url).unwrap();
        let document = Document::from(html);
        read(
            &document,
            &Names::of(&document),
            &Answer { body: b"", content_type: None, url: &url, robots: None, link: None, selector: None },
        )
    }

    fn canonical(href: &str, url: &str) -> Canonical {
        head(&format!("<link rel='x canonical' href='{href}'>"), url).canonical(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_canonical_url_is_the_pages_own_or_another_pages_or_nothing_to_go_by() {
        let own = |url: &str| Canonical::Own(Url::parse(url).unwrap());
        let page = "https://d.example/guide/a.html?x=1";
        assert_eq!(canonical("/guide/a/#top", page), own("https://d.example/guide/a/"));
        assert_eq!(canonical("http://d.example/guide/a", page), own("http://d.example/guide/a"));
        assert_eq!(
            canonical("https://d.example/guide/b", page),
            Canonical::Other(Url::parse("https://d.example/guide/b").unwrap())
        );
        for ignored in ["https://other.example/guide/a", "/", "https://d.example/guide/", "mailto:x@d.example", ""] {
            assert_eq!(canonical(ignored, page), Canonical::Unsaid, "{ignored}");
        }
        assert_eq!(canonical("/index.html", "https://d.example/"), own("https://d.example/index.html"));
        assert_eq!(
            canonical_of_header("</a>; rel=next, <https://d.example/x>; rel=\"canonical\"").as_deref(),
            Some("https://d.example/x")
        );
    }

    #[test]
    fn the_title_is_without_the_sites_name() {
        let url = "https://docs.acme.example/a/";
        for (html, title) in [
            ("<title>A - b | Acme Docs</title><meta property='og:site_name' content='Acme Docs'>", "A - b"),
            ("<title>A · Acme - the docs</title><meta property='og:site_name' content='Acme - the docs'>", "A"),
            ("<title>Acme: A – Acme</title>", "Acme: A"),
            ("<title>Acme | A &amp; B</title>", "A & B"),
            ("<title> A\n - B</title>", "A - B"),
            ("<title>Acme</title>", "Acme"),
            ("", ""),
        ] {
            assert_eq!(head(html, url).own_title(None, &Url::parse(url).unwrap()), title, "{html}");
        }
    }

    #[test]
    fn robots_languages_and_redirects_are_read() {
        let page = head(
            "<html lang=' de '><meta name=ROBOTS content='follow, NOINDEX'><meta http-equiv=Refresh content=\"0; URL='../b'\">",
            "https://d.example/x/a",
        );
        assert!(page.noindex);
        assert_eq!(page.lang.as_deref(), Some("de"));
        assert_eq!(page.refresh.unwrap().as_str(), "https://d.example/b");
        let page = head(
            "<link rel=alternate hreflang=pt-BR href=/pt/a/><link rel=alternate hreflang=en href=/a>",
            "https://d.example/pt/a",
        );
        assert_eq!(page.lang.as_deref(), Some("pt-BR"));
        assert!(
            head(
                "<meta http-equiv=refresh content='600'><meta http-equiv=refresh content='60;url=/x'>",
                "https://d.example/"
            )
            .refresh
            .is_none()
        );
        for (value, noindex) in [
            ("noindex", true),
            ("googlebot: noindex, nofollow", false),
            ("*: none", true),
            ("max-snippet: 5, noindex", true),
            ("otherbot: noindex, *: noarchive", false),
        ] {
            assert_eq!(is_noindex_header(value), noindex, "{value}");
        }
    }
}
