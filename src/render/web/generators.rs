//! The generators and themes that are known: by what in the HTML they are recognised, where their main content is, and
//! what of it only frames the page. Every name here is one that the theme's own templates write.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use dom_query::{Document, Matcher, NodeRef, Selection};

/// A theme of a generator.
#[derive(Debug)]
pub(super) struct Theme {
    /// The generator's name.
    pub(super) name: &'static str,
    /// How `<meta name="generator">` begins, in lower case; several apart by `|`; empty: it has none of its own.
    meta: &'static str,
    /// Classes and ids that only its pages have, one of which is enough; empty: the meta alone.
    signs: &'static str,
    /// Selectors of the main content, the best first; all that one of them finds is the page.
    pub(super) main: &'static [&'static str],
    /// A selector of what is in the main content and no part of it, beside [`EVERYWHERE`].
    cut: &'static str,
    /// Whether its `<title>` always ends with the site's name.
    pub(super) adds_site_to_title: bool,
}

/// The classes (`.x`), ids (`#x`) and roles (`@x`) of a document: asked before anything is looked for in its tree.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn of(document: &Document) -> Self {
        let mut names = HashSet::new();
        for node in document.root().descendants_it() {
            let attributes = [("class", '.'), ("id", '#'), ("role", '@')];
            for (attribute, sign) in attributes {
                let Some(value) = node.attr(attribute) else { continue };
                names.extend(value.split_ascii_whitespace().map(|name| format!("{sign}{name}")));
            }
        }
        Self(names)
    }

    /// Whether one of these is there; they are apart by commas.
    pub(super) fn have(&self, any: &str) -> bool {
        any.split(',').any(|name| self.0.contains(name.trim()))
    }
}

/// The one whose page this is. Those that are recognised by something of their own come before those by the meta alone.
pub(super) fn recognised(names: &Names, meta: &str, says: Option<&str>) -> Option<&'static Theme> {
    let meta = meta.trim().to_ascii_lowercase();
    let of_meta = |theme: &Theme| !theme.meta.is_empty() && theme.meta.split('|').any(|start| meta.starts_with(start));
    let theme_of = |name: &str| THEMES.iter().find(|theme| theme.name == name);
    let found = THEMES
        .iter()
        .find(|theme| if theme.signs.is_empty() { of_meta(theme) } else { names.have(theme.signs) })
        .or_else(|| THEMES.iter().find(|theme| of_meta(theme)));
    match (found, says) {
        // The theme of Read the Docs is one of both.
        (Some(Theme { name: "sphinx", .. }) | None, Some(says)) => theme_of(says).or(found),
        _ => found,
    }
}

/// A selector of a main content, read once.
pub(super) fn matcher(selector: &'static str) -> Option<&'static Matcher> {
    MATCHERS.get(selector)
}

static MATCHERS: LazyLock<HashMap<&'static str, Matcher>> = LazyLock::new(|| {
    let of_themes = THEMES.iter().flat_map(|theme| theme.main.iter().copied());
    of_themes.filter_map(|selector| Some((selector, Matcher::new(selector).ok()?))).collect()
});

/// What is in a main content and no part of it.
pub(super) fn framing<'a>(main: &Selection<'a>, theme: Option<&Theme>) -> Vec<NodeRef<'a>> {
    let of_theme = CUTS.get(theme.map_or(ELSEWHERE, |theme| theme.cut));
    let sets: Vec<&Cuts> = CUTS.get(EVERYWHERE).into_iter().chain(of_theme).collect();
    main.nodes()
        .iter()
        .flat_map(NodeRef::descendants_it)
        .filter(|node| node.is_element() && sets.iter().any(|cuts| cuts.take(node)))
        .collect()
}

static CUTS: LazyLock<HashMap<&'static str, Cuts>> = LazyLock::new(|| {
    THEMES.iter().map(|theme| theme.cut).chain([EVERYWHERE, ELSEWHERE]).map(|list| (list, Cuts::read(list))).collect()
});

/// A list of selectors, those of a class, an id or an element's name apart: most are, and a look at an element's own names
/// answers for all of them.
#[derive(Debug, Default)]
struct Cuts {
    /// The names of elements, classes (`.x`) and ids (`#x`), with the name that the element must have.
    simple: HashMap<&'static str, Vec<&'static str>>,
    /// The others.
    rest: Vec<Matcher>,
}

impl Cuts {
    fn read(list: &'static str) -> Self {
        let mut cuts = Self::default();
        let mut rest = Vec::new();
        for selector in list.split(',').map(str::trim).filter(|selector| !selector.is_empty()) {
            let at = selector.find(['.', '#']).unwrap_or(0);
            let (element, name) = selector.split_at(at);
            let is_name =
                |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if is_name(element)
                && is_name(name.trim_start_matches(['.', '#']))
                && !name.get(1..).is_some_and(|rest| rest.contains(['.', '#']))
            {
                cuts.simple.entry(name).or_default().push(element);
            } else {
                rest.push(selector);
            }
        }
        cuts.rest = Matcher::new(&rest.join(", ")).into_iter().collect();
        cuts
    }

    fn take(&self, node: &NodeRef<'_>) -> bool {
        let Some(element) = node.node_name() else { return false };
        if self.simple.contains_key(&*element) {
            return true;
        }
        let (class, id) = (node.class(), node.id_attr());
        let has = |name: String| {
            self.simple
                .get(name.as_str())
                .is_some_and(|elements| elements.iter().any(|known| known.is_empty() || *known == &*element))
        };
        let by_class =
            class.as_ref().is_some_and(|class| class.split_ascii_whitespace().any(|class| has(format!(".{class}"))));
        // A term or a row may have any word for its id.
        let frames =
            ["div", "aside", "section", "ul", "ol", "footer", "header", "form", "details", "a"].contains(&&*element);
        if by_class || id.is_some_and(|id| frames && has(format!("#{id}"))) {
            return true;
        }
        // All the others ask for an attribute.
        let has_some = class.is_some()
            || ["role", "aria-label", "rel", "data-footnote-backref"].iter().any(|name| node.has_attr(name));
        let is_asked_for = has_some || node.has_attr("data-testid") || node.has_attr("data-ea-publisher");
        is_asked_for && self.rest.iter().any(|rest| rest.match_element(node))
    }
}

/// What frames a page, whoever made it: navigation, tables of contents, line numbers, buttons, banners, forms that ask how
/// one liked the page. Names that several themes share.
const EVERYWHERE: &str = "nav, dialog, [role=navigation], [role=search], [role=contentinfo], [role=alertdialog], \
    .breadcrumb, .breadcrumbs, [aria-label='breadcrumb' i], [aria-label='breadcrumbs' i], \
    .toc, #toc, #TableOfContents, #table-of-contents, .table-of-contents, #markdown-toc, .contents.local, .contents.topic, \
    a.headerlink, a.header-anchor, a.hash-link, a.anchor-link, a.anchorjs-link, a.heading-anchor, a.anchor-heading, \
    a.heading-link, a.headline-hash, a.zola-anchor, a.subheading-anchor, a.sl-anchor-link, a.td-heading-self-link, \
    .linenos, .linenodiv, .lineno, .lnt, pre .ln, .line-numbers-wrapper, .line-numbers-rows, .hljs-ln-numbers, td.gutter, \
    .rouge-gutter, .ec-line > .gutter, .react-syntax-highlighter-line-number, \
    .copybtn, .copy-button, .copy-btn, .clipboard-button, .btn-clipboard, clipboard-copy, .toolbar-item, \
    a[rel~=prev], a[rel~=next], .pagination, .pagination-nav, .prev-next, .prev-next-area, .pager, .page-nav, .post-navigation, \
    .edit-this-page, .edit-page, .edit-link, .edit-page-link, .last-updated, .last-modified, .page-last-updated, \
    a.footnote-backref, a.footnote-back, a.data-footnote-backref, [data-footnote-backref], a.reversefootnote, a.fn-backref, \
    .footnote-return, .backrefs, \
    .feedback, #feedback, .page-feedback, .feedback-form, .doc-feedback, .was-this-helpful, .helpful, .feedback--title, \
    .cookie-banner, .cookie-consent, #cookie-banner, #cookie-consent, #cookie-notice, .cookie-notice, .cc-window, \
    #onetrust-consent-sdk, #CybotCookiebotDialog, .cookieconsent, [aria-label*='cookie' i], #usercentrics-root, \
    .skip-link, .skip-to-content, .skip-to-main, .back-to-top, #back-to-top, .share-buttons, .social-share, .addthis, \
    .giscus, #disqus_thread, .utterances, #comments, .comments-area, .carbon-ads, #carbonads, \
    .only-dark, .dark-mode-only, [class*='themedComponent--dark'], .katex-html, .MathJax_Preview, .MJX_Assistive_MathML, \
    .screen-reader-text, .visually-hidden:not(h2), .sr-only:not(h2), .visuallyhidden:not(h2), .print-only, .onlyprint";

/// What frames pages of generators that are not known.
const ELSEWHERE: &str = ".sidebar, .side-bar, .menu, .site-header, .site-footer, .related, .related-posts, .related-articles, .widget, \
    .banner, .ad, .ads, .newsletter, .subscribe, .tags, .meta, .byline, .search, .anchor, .heading-link";

/// The themes: first those that have signs of their own, so that the more special ones come before what they build upon.
static THEMES: &[Theme] = &[
    Theme {
        name: "material",
        meta: "",
        signs: ".md-content__inner, .md-main__inner",
        main: &["article.md-content__inner", ".md-content__inner", ".md-content", "main"],
        cut: ".md-content__button, .md-source-file, .md-source-date, .md-feedback, .md-clipboard, .md-code__nav, \
              .md-annotation__index, .md-pagination, .md-post__meta, .md-post__authors, .md-tags, .md-top, .md-status, #__comments, .md-skip, .md-sidebar",
        adds_site_to_title: true,
    },
    Theme {
        name: "docusaurus",
        meta: "docusaurus",
        signs: "#__docusaurus",
        main: &[".theme-doc-markdown", ".main-wrapper", "main"],
        cut: ".theme-doc-toc-mobile, .theme-doc-toc-desktop, .theme-doc-breadcrumbs, .theme-doc-version-badge, \
              .theme-doc-version-banner, .theme-doc-footer, .theme-edit-this-page, .theme-last-updated, .theme-back-to-top-button, \
              .theme-doc-sidebar-container, [class*='tocCollapsible'], [class*='tableOfContents'], [class*='codeLineNumber'], \
              [class*='buttonGroup'], [class*='backToTopButton'], aside, footer, .avatar, [class*='skipToContent'], [class*='unlistedBanner'], .theme-unlisted-banner, \
              .theme-draft-banner, article > header > [class*='container'], article > header > .margin-vert--md, \
              [class*='themedComponent--dark'], [class*='docSidebarContainer']",
        adds_site_to_title: true,
    },
    Theme {
        name: "vitepress",
        meta: "vitepress",
        signs: "#VPContent, .VPContent",
        main: &[".VPHome", ".vp-doc", ".VPPage", ".VPContent", "main"],
        cut: "button.copy, span.lang, .line-numbers-wrapper, .VPDocFooter, .VPDocAside, .VPDocOutlineDropdown, .VPLocalNav, \
              .VPLocalNavOutlineDropdown, .VPCarbonAds, .VPLastUpdated, .VPHomeSponsors .action, .VPImage.dark",
        adds_site_to_title: true,
    },
    Theme {
        name: "starlight",
        meta: "starlight",
        signs: ".sl-markdown-content",
        main: &["main h1#_top, main .hero, main .sl-markdown-content, main .sl-banner", "main"],
        cut: ".sr-only, .expressive-code .copy, .sl-anchor-link, .pagination-links, .meta, mobile-starlight-toc, \
              starlight-toc, .right-sidebar",
        adds_site_to_title: true,
    },
    Theme {
        name: "sphinx",
        meta: "",
        signs: "#furo-main-content",
        main: &["#furo-main-content", "[role=main]"],
        cut: SPHINX_CUT,
        adds_site_to_title: true,
    },
    Theme {
        name: "sphinx",
        meta: "",
        signs: ".bd-article, .bd-article-container",
        main: &["article.bd-article", ".bd-article", "#main-content [role=main]", "#main-content"],
        cut: SPHINX_CUT,
        adds_site_to_title: true,
    },
    Theme {
        name: "sphinx",
        meta: "docutils",
        signs: ".documentwrapper, .sphinxsidebar, .rst-content",
        main: &[
            "[itemprop=articleBody]",
            "div.body[role=main]",
            "[role=main]",
            "div.documentwrapper div.body",
            "article",
            "div.body",
            "main",
        ],
        cut: SPHINX_CUT,
        adds_site_to_title: true,
    },
    Theme {
        name: "mkdocs",
        meta: "mkdocs",
        signs: "#mkdocs_search_modal, #mkdocs-search-results",
        main: &["[role=main] .section[itemprop=articleBody]", "[role=main]", "main", "#main-content", ".col-md-9"],
        cut: ".rst-footer-buttons, .source-link, .wy-breadcrumbs",
        adds_site_to_title: true,
    },
    Theme {
        name: "honkit",
        meta: "honkit|gitbook 2|gitbook 3",
        signs: ".book-summary, .gitbook-link",
        main: &["section.markdown-section", ".page-inner section.normal", ".page-inner"],
        cut: ".search-results, .navigation, .page-footer, .treeview__container, .gitbook-anchor",
        adds_site_to_title: true,
    },
    Theme {
        name: "mdbook",
        meta: "mdbook",
        signs: "#mdbook-content, #mdbook-menu-bar, .sidebar-scrollbox",
        main: &["#mdbook-content main", "#content main", "main"],
        cut: ".boring, .nav-wrapper, .nav-chapters, .mobile-nav-chapters, .buttons, .playground > .result, .hidden-lines",
        adds_site_to_title: true,
    },
    Theme {
        name: "antora",
        meta: "antora",
        signs: ".nav-panel-menu",
        main: &["article.doc", "main .content", "main"],
        cut: "a.anchor, .toolbar, .page-versions, aside.toc, .pagination, .source-toolbox, .edit-this-page, .conum + b.hidden",
        adds_site_to_title: true,
    },
    Theme {
        name: "nextra",
        meta: "",
        signs: ".nextra-content, .nextra-nav-container, .nextra-sidebar, .nextra-sidebar-container, .nextra-body, .nextra-toc, \
                .nextra-navbar, .nextra-breadcrumb",
        main: &["article main", ".nextra-content main", "main article", "main", "article"],
        cut: ".nextra-breadcrumb, .nextra-toc, .subheading-anchor, .nextra-copy-icon, .nextra-sidebar, .nextra-navbar, \
              .nextra-last-updated, .nextra-scrollbar > ul[class*='toc'], aside, footer",
        adds_site_to_title: true,
    },
    Theme {
        name: "gitbook",
        meta: "gitbook",
        signs: "#gitbook-widget-root, .gitbook-root",
        main: &["main"],
        cut: "[aria-label='Page feedback' i], [data-testid='page-footer'], .page-footer, aside, [data-gb-table-of-contents], \
              footer",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "",
        signs: ".td-content, .td-main, .td-page",
        main: &[".td-content", "main .td-content", "main"],
        cut: ".td-page-meta, .td-page-meta__lastmod, .td-toc, .td-sidebar, .td-sidebar-toc, .article-meta, .taxonomy, \
              .taxonomy-terms-article, .td-breadcrumbs, .feedback--rating, .feedback--response, .td-pager, .reading-time, \
              .td-author-box, .pageinfo-feedback, #pre-footer",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "",
        signs: ".book-page, .book-menu",
        main: &[
            "article.book-article",
            ".book-page article.markdown",
            ".book-page article",
            "article.markdown",
            ".book-page",
        ],
        cut: "a.anchor, .book-toc, .book-footer, .book-header, .book-comments, .book-languages, .book-post-meta",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "",
        signs: ".gdoc-page, .gdoc-markdown",
        main: &["article.gdoc-markdown", ".gdoc-markdown", ".gdoc-page"],
        cut: ".gdoc-page__anchor, .gdoc-toc, .gdoc-page__footer, .gdoc-page__header, .gdoc-post__meta, .gdoc-post__codecopy, \
              .gdoc-nav",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "",
        signs: "#R-body-inner, #R-body, #body-inner",
        main: &["#R-body-inner article", "#R-body-inner", "#body-inner"],
        cut: "#R-topbar, #topbar, .topbar-wrapper, .footline, a.anchor, .copy-to-clipboard-button, .headline, .article-subheading, \
              .R-taxonomy, .tags, .inline-copy-to-clipboard-button, .box-copy",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "",
        signs: ".hextra-toc, .hextra-code-block, .hextra-sidebar-container, .hextra-nav-container, .hx-container",
        main: &["main h1, main .content", "article main", "main"],
        cut: ".hextra-toc, .hextra-code-copy-btn-container, .hextra-sidebar-container, .subheading-anchor, .hextra-page-context-menu, \
              [class*='last-updated']",
        adds_site_to_title: true,
    },
    Theme {
        name: "hugo",
        meta: "hugo",
        signs: "",
        main: &[
            "article.post-single",
            "main .docs-content",
            ".docs-content",
            "#main article",
            "main article",
            "article",
            "main",
        ],
        cut: ".anchor, a.heading-anchor, .post-meta, .article-meta, .entry-footer, .post-footer, .share-buttons, .page-footer-meta, \
              .docs-toc, .related, .related-content, .author",
        adds_site_to_title: true,
    },
    Theme {
        name: "jekyll",
        meta: "",
        signs: ".nav-list-item",
        main: &["#main-content main", "main#main-content", "#main-content", ".main-content main", ".main-content"],
        cut: ".breadcrumb-nav, .anchor-heading, #back-to-top, .site-footer, .site-button, .main-content-footer, footer, .nav-list",
        adds_site_to_title: true,
    },
    Theme {
        name: "jekyll",
        meta: "",
        signs: "#topbar-wrapper, #core-wrapper, .post-tail-wrapper, #tail-wrapper",
        main: &["main article", "article", "#core-wrapper"],
        cut: ".post-meta, .post-tail-wrapper, .post-navigation, #toc-wrapper, #toc-bar, .share-wrapper, #related-posts, .code-header, \
              .anchor, .post-tags, #tail-wrapper",
        adds_site_to_title: true,
    },
    Theme {
        name: "jekyll",
        meta: "",
        signs: ".page__inner-wrap, .page__content",
        main: &[".page__inner-wrap", "article.page", "main"],
        cut: ".page__meta, .page__meta-date, .page__share, .page__taxonomy, .pagination, .sidebar__right, .page__related, \
              .page__comments, .page__date, .header-link",
        adds_site_to_title: true,
    },
    Theme {
        name: "jekyll",
        meta: "jekyll",
        signs: "",
        main: &[
            "main article",
            "article.post",
            "article",
            "main",
            ".page-content",
            "#main_content",
            "#main-content",
            ".markdown-body",
        ],
        cut: ".post-meta, .rss-subscribe, .anchor-heading, .anchor, .site-footer, .related, .post-tags, .share",
        adds_site_to_title: true,
    },
];

/// Of Sphinx' themes: alabaster and other built-in ones, furo, Read the Docs, pydata, book.
const SPHINX_CUT: &str = ".viewcode-link, .viewcode-back, .related, .sphinxsidebar, .rst-footer-buttons, .rst-breadcrumbs-buttons, \
    .wy-breadcrumbs, .bd-header-article, .header-article, .bd-toc, .bd-sidebar-secondary, .prev-next-footer, .content-icon-container, \
    .edit-this-page, .view-this-page, .bottom-of-page, .related-pages, .related-information, .toc-drawer, .article-container > .back-to-top, \
    #jb-print-docs-body, #print-main-content, .tocsection, .sidebar-drawer, .sourcelink, .doctest .copybtn, .rst-versions, \
    .footer-article, .bd-footer-article, .ethical-sidebar, [data-ea-publisher], #searchbox, .searchbox, .admonition.ads, \
    div.topic.contents, nav.contents, .page-source-link, footer";
