//! Whole pages in the structure of each theme, and what is no page.

use super::*;

const URL: &str = "https://d.example/guide/saw.html";

fn extract_at(html: &str, url: &str, selector: Option<&str>) -> Extracted {
    let url = Url::parse(url).unwrap();
    extract(Answer {
        body: html.as_bytes(),
        content_type: Some("text/html"),
        url: &url,
        robots: None,
        link: None,
        selector,
    })
}

/// The generator, the title and what is in `main`, its line breaks as blanks.
fn read(html: &str) -> (Option<&'static str>, String, String) {
    read_with(html, None)
}

fn read_with(html: &str, selector: Option<&str>) -> (Option<&'static str>, String, String) {
    match extract_at(html, URL, selector) {
        Extracted::Page { document, generator, .. } => {
            let between = |start: &str, end: &str| {
                let rest = document.split_once(start).unwrap().1;
                rest.rsplit_once(end).unwrap().0.trim().to_owned()
            };
            (
                generator,
                between("<title>", "</title>"),
                between("<main>", "</main>").replace('\n', " ").replace("> <", "><"),
            )
        }
        other => panic!("{other:?}"),
    }
}

fn main_of(html: &str) -> String {
    read(html).2
}

/// What every sample has around its text: a site's name, navigation, a footer.
fn framed(head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Saw - Tools</title>{head}</head><body>\
         <header><a href=/>Tools</a><nav>All tools</nav></header>{body}<footer>Made by hand</footer></body></html>"
    )
}

#[test]
fn each_theme_is_recognised_and_gives_its_text_alone() {
    // What is to come out of each: a heading, a paragraph, code, a note with its title, two tabs one below the other.
    let meta = |name: &str| format!("<meta name=generator content='{name}'>");
    for (name, head, body) in SAMPLES {
        let head = if name.contains('/') { meta(name.split_once('/').unwrap().1) + head } else { (*head).to_owned() };
        let name = name.split('/').next().unwrap();
        let (generator, _, main) = read(&framed(&head, body));
        assert_eq!(generator, Some(name), "{body}");
        for gone in ["Tools", "Made by hand", "GONE", "¶", "<nav", "On this page", "Edit", "Copy", "1\n2"] {
            assert!(!main.contains(gone), "{name}: {gone} in {main}");
        }
        for kept in
            ["<h1", "Saw</h1>", "<p>It cuts.</p>", "class=\"language-sh\">saw\ncut</code>".replace('\n', " ").as_str()]
        {
            assert!(main.contains(kept), "{name}: no {kept} in {main}");
        }
        if body.contains("Sharp") {
            assert!(main.contains("<blockquote class=\"markdown-alert markdown-alert-"), "{name}: {main}");
            assert!(main.contains("<p class=\"markdown-alert-title\">Mind</p>"), "{name}: {main}");
        }
        if body.contains("Oak") {
            let order = ["<p><strong>Oak</strong></p>", "Oak is hard", "<p><strong>Pine</strong></p>", "Pine is soft"];
            let places: Vec<_> = order
                .iter()
                .map(|part| main.find(part).unwrap_or_else(|| panic!("{name}: no {part} in {main}")))
                .collect();
            assert!(places.is_sorted(), "{name}: {main}");
            assert_eq!(main.matches("Oak").count(), 2, "{name}: {main}");
        }
        assert!(!main.contains(" hidden") && !main.contains(" style"), "{main}");
    }
}

/// Small pages in the structure of each theme. A name with `/` has a `<meta name="generator">` of what follows.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "material/mkdocs-1.6.1, mkdocs-material-9.8.1",
        "",
        "<main class=md-main><div class=md-main__inner><div class=md-sidebar>GONE</div><div class=md-content><article class='md-content__inner md-typeset'>\
         <a href=https://github.com/a/b/edit/main/saw.md title='Edit this page' class='md-content__button md-icon'><svg><title>Edit</title></svg></a>\
         <h1 id=saw>Saw<a class=headerlink href=#saw title='Permanent link'>&para;</a></h1><p>It cuts.\
         <div class='language-sh highlight'><table class=highlighttable><tr><td class=linenos><div class=linenodiv><pre>1\n2</pre></div></td><td class=code><div>\
         <pre><span></span><code><span id=__span-0-1><a id=__codelineno-0-1 href=#x></a>saw\n</span><span>cut</span></code></pre></div></td></tr></table></div>\
         <div class='admonition warning'><p class=admonition-title>Mind</p><p>Sharp.</div>\
         <div class='tabbed-set tabbed-alternate' data-tabs=1:2><input checked id=t1 name=t type=radio><input id=t2 name=t type=radio>\
         <div class=tabbed-labels><label for=t1>Oak</label><label for=t2>Pine</label></div><div class=tabbed-content>\
         <div class=tabbed-block><p>Oak is hard.</div><div class=tabbed-block><p>Pine is soft.</div></div></div>\
         <aside class=md-source-file>Last update GONE</aside><form class=md-feedback>GONE</form></article></div></div></main>",
    ),
    (
        "mkdocs",
        "",
        "<div class=container><div class='col-md-3 bs-sidebar'>GONE</div><div class=col-md-9 role=main><h1 id=saw>Saw<a class=headerlink href=#saw>&para;</a></h1>\
         <p>It cuts.</p><pre><code class=language-sh>saw\ncut\n</code></pre><div class='admonition note'><p class=admonition-title>Mind</p><p>Sharp.</p></div>\
         </div></div><div class=modal id=mkdocs_search_modal>GONE</div>",
    ),
    (
        "docusaurus/Docusaurus v3.9.2",
        "",
        "<div id=__docusaurus><div class=main-wrapper><aside class=theme-doc-sidebar-container>GONE</aside><main><article><nav class=theme-doc-breadcrumbs>GONE</nav>\
         <div class='tocCollapsible_ETCw theme-doc-toc-mobile'><button>On this page</button></div><div class='theme-doc-markdown markdown'><header><h1>Saw</h1></header>\
         <p>It cuts.</p><div class='language-sh codeBlockContainer_Ckt0'><div class=codeBlockContent_x><pre class='prism-code language-sh'><code class=codeBlockLines_e6Vv>\
         <span class=token-line style=color:red>saw<br></span><span class=token-line>cut<br></span></code></pre><div class=buttonGroup_x><button>Copy</button></div></div></div>\
         <div class='theme-admonition theme-admonition-note admonition_xJq3 alert alert--secondary'><div class=admonitionHeading_x><span class=admonitionIcon_x><svg></svg></span>Mind</div>\
         <div class=admonitionContent_x><p>Sharp.</p></div></div>\
         <div class='theme-tabs-container tabs-container'><ul role=tablist class=tabs><li role=tab class='tabs__item'>Oak</li><li role=tab>Pine</li></ul>\
         <div class=margin-top--md><div role=tabpanel><p>Oak is hard.</p></div><div role=tabpanel hidden><p>Pine is soft.</p></div></div></div></div>\
         <footer class='theme-doc-footer'><a class=theme-edit-this-page>Edit this page</a></footer></article><nav class=pagination-nav>GONE</nav></main></div></div>",
    ),
    (
        "vitepress/VitePress v2.0.0",
        "",
        "<div id=app><div class=Layout><div class=VPContent id=VPContent><div class=VPDoc><aside class=VPDocAside>GONE</aside><main class=main><div class='vp-doc _guide'><div>\
         <h1 id=saw tabindex=-1>Saw <a class=header-anchor href=#saw aria-label='Permalink'>&#8203;</a></h1><p>It cuts.</p>\
         <div class='language-sh line-numbers-mode'><button title='Copy Code' class=copy></button><span class=lang>sh</span><pre class=shiki><code><span class=line>saw</span>\n<span class=line>cut</span></code></pre>\
         <div class=line-numbers-wrapper>1<br>2<br></div></div><div class='warning custom-block'><p class=custom-block-title>Mind</p><p>Sharp.</p></div>\
         <div class=vp-code-group><div class=tabs><input type=radio name=g id=t1 checked><label for=t1>Oak</label><input type=radio name=g id=t2><label for=t2>Pine</label></div>\
         <div class=blocks><div class='language-js active'><span class=lang>js</span><pre><code>Oak is hard</code></pre></div><div class=language-js><pre><code>Pine is soft</code></pre></div></div></div>\
         </div></div></main><footer class=VPDocFooter>GONE<a href=https://github.com/a/b/edit/x>Edit this page</a></footer></div></div></div></div>",
    ),
    (
        "starlight/Starlight v0.36",
        "<meta name=generator content='Astro v5.1'>",
        "<div class=page><div class=main-frame><main data-pagefind-body><div class=content-panel><div class=sl-container><h1 id=_top>Saw</h1></div></div>\
         <div class=content-panel><div class=sl-container><div class=sl-markdown-content><p>It cuts.</p>\
         <div class=expressive-code><figure class='frame is-terminal'><figcaption class=header><span class=title></span><span class=sr-only>Terminal GONE</span></figcaption>\
         <pre data-language=sh><code><div class=ec-line><div class=code>saw</div></div><div class=ec-line><div class=code>cut</div></div></code></pre><div class=copy><button>Copy</button></div></figure></div>\
         <aside aria-label=Mind class='starlight-aside starlight-aside--caution'><p class=starlight-aside__title aria-hidden=true><svg></svg>Mind</p><div class=starlight-aside__content><p>Sharp.</p></div></aside>\
         <starlight-tabs><div class=tablist-wrapper><ul role=tablist><li role=presentation><a role=tab href=#p1 id=t1>Oak</a></li><li role=presentation><a role=tab href=#p2 id=t2>Pine</a></li></ul></div>\
         <div id=p1 aria-labelledby=t1 role=tabpanel><p>Oak is hard.</p></div><div id=p2 aria-labelledby=t2 role=tabpanel hidden><p>Pine is soft.</p></div></starlight-tabs>\
         </div><footer><div class=meta><a class=sl-flex href=https://github.com/a/b/edit/x>Edit page</a></div><div class=pagination-links>GONE</div></footer></div></div></main></div></div>",
    ),
    (
        "sphinx",
        "",
        "<div class=page><aside class=sidebar-drawer>GONE</aside><div class=main><div class=content><div class=article-container><div class=content-icon-container>GONE</div>\
         <article role=main id=furo-main-content><section id=saw><h1>Saw<a class=headerlink href=#saw title='Link to this heading'>&para;</a></h1><p>It cuts.</p>\
         <div class='highlight-sh notranslate'><div class=highlight><pre><span></span><span class=linenos>1</span>saw\n<span class=linenos>2</span>cut\n</pre></div></div>\
         <div class='admonition caution'><p class=admonition-title>Mind</p><p>Sharp.</p></div>\
         <div class='sd-tab-set docutils'><input checked id=i0 name=s type=radio><label class=sd-tab-label for=i0>Oak</label><div class='sd-tab-content docutils'><p>Oak is hard.</p></div>\
         <input id=i1 name=s type=radio><label class=sd-tab-label for=i1>Pine</label><div class='sd-tab-content docutils'><p>Pine is soft.</p></div></div></section></article></div>\
         <footer><div class=related-pages>GONE</div></footer></div><aside class=toc-drawer>On this page</aside></div></div>",
    ),
    (
        "sphinx",
        "",
        "<div class=bd-container><div class=bd-sidebar-primary>GONE</div><main id=main-content class=bd-main><div class=bd-content><div class=bd-article-container><div class=bd-header-article>GONE</div>\
         <div id=jb-print-docs-body class=onlyprint><h1>GONE</h1></div><article class=bd-article><section id=saw><h1>Saw<a class=headerlink href=#saw>#</a></h1><p>It cuts.</p>\
         <div class='highlight-sh notranslate'><div class=highlight><pre>saw\ncut</pre></div></div></section></article><footer class=prev-next-footer>GONE</footer></div>\
         <div class=bd-sidebar-secondary>On this page</div></div></main></div>",
    ),
    (
        "sphinx/Docutils 0.21: https://docutils.sourceforge.io/",
        "<link rel=stylesheet href=_static/pygments.css>",
        "<div class=wy-grid-for-nav><nav class=wy-nav-side>GONE</nav><section class=wy-nav-content-wrap><div class=wy-nav-content><div class=rst-content><div role=navigation><ul class=wy-breadcrumbs>GONE</ul></div>\
         <div role=main class=document itemscope><div itemprop=articleBody><section id=saw><h1>Saw<a class=headerlink href=#saw>\u{f0c1}</a></h1><p>It cuts.</p>\
         <div class='highlight-sh notranslate'><div class=highlight><pre>saw\ncut</pre></div></div></section></div></div><footer><div class=rst-footer-buttons>GONE</div></footer></div></div></section></div>",
    ),
    (
        "honkit/HonKit 6.1.0",
        "",
        "<div class=book><div class=book-summary>GONE</div><div class=book-body><div class=body-inner><div class=page-wrapper><div class=page-inner><div id=book-search-results><div class=search-noresults>\
         <section class='normal markdown-section'><h1 id=saw>Saw</h1><p>It cuts.</p><pre><code class=lang-sh>saw\ncut</code></pre></section></div><div class=search-results>GONE</div></div></div></div></div>\
         <a href=x class='navigation navigation-next'>GONE</a></div></div>",
    ),
    (
        "mdbook",
        "",
        "<div id=body-container><nav id=sidebar><div class=sidebar-scrollbox>GONE</div></nav><div id=page-wrapper><div class=page><div id=menu-bar><h1 class=menu-title>GONE Tools</h1><a href=https://github.com/a/b/edit/x>Edit</a></div>\
         <div id=content class=content><main><h1 id=saw><a class=header href=#saw>Saw</a></h1><p>It cuts.</p><pre><div class=buttons><button>Copy</button></div>\
         <code class='language-sh hljs'><span class=boring>GONE\n</span>saw\ncut</code></pre>\
         <blockquote class='blockquote-tag blockquote-tag-caution'><p class=blockquote-tag-title><svg></svg>Mind</p><p>Sharp.</p></blockquote></main>\
         <nav class=nav-wrapper>GONE</nav></div></div></div></div>",
    ),
    (
        "antora/Antora 3.1.15",
        "",
        "<div class=body><div class=nav-container><aside class=nav-panel-menu>GONE</aside></div><main class=article><div class=toolbar>GONE</div><div class=content><aside class='toc sidebar'>On this page</aside>\
         <article class=doc><h1 class=page>Saw</h1><div class=paragraph><p>It cuts.</p></div>\
         <div class=listingblock><div class=content><pre class='highlightjs highlight'><code class='language-sh hljs' data-lang=sh>saw\ncut</code></pre></div></div>\
         <div class='admonitionblock warning'><table><tr><td class=icon><i class='fa icon-warning' title=Mind></i></td><td class=content>Sharp.</td></tr></table></div>\
         <div class='tabs is-sync'><div class='ulist tablist'><ul><li id=t1 class=tab><p>Oak</p></li><li id=t2 class=tab><p>Pine</p></li></ul></div>\
         <div id=p1 class=tabpanel aria-labelledby=t1><p>Oak is hard.</p></div><div id=p2 class=tabpanel aria-labelledby=t2><p>Pine is soft.</p></div></div>\
         <nav class=pagination>GONE</nav></article></div></main></div>",
    ),
    (
        "nextra",
        "",
        "<div class=nextra-navbar>GONE</div><div><aside class=nextra-sidebar>GONE</aside><nav class=nextra-toc>On this page</nav><article><div class=nextra-breadcrumb>GONE</div><main data-pagefind-body>\
         <h1>Saw</h1><p>It cuts.</p><div class=nextra-code><pre data-language=sh><code class=nextra-code><span>saw</span>\n<span>cut</span></code></pre><div><button title='Copy code'>Copy</button></div></div>\
         <div role=tablist><button role=tab aria-controls=p1>Oak</button><button role=tab aria-controls=p2>Pine</button></div><div><div id=p1 role=tabpanel><p>Oak is hard.</p></div>\
         <div id=p2 role=tabpanel style='display:none'><p>Pine is soft.</p></div></div></main><div>Last updated on GONE</div></article></div>",
    ),
    (
        "gitbook/GitBook (28f7fba)",
        "",
        "<div class=gitbook-root><aside>GONE</aside><main><header><nav aria-label=Breadcrumb>GONE</nav><h1>Saw</h1></header><div class=whitespace-pre-wrap><p>It cuts.</p>\
         <div class=group><pre><code class=language-sh>saw\ncut</code></pre><button>Copy</button></div></div><div class=mt-6><a rel=prev href=x>GONE</a></div><div><p>Last updated 2 months ago</p><div>Was this helpful?</div></div></main></div>",
    ),
    (
        "hugo/Hugo 0.151",
        "",
        "<div class='container-fluid td-outer'><main role=main class=td-main><aside class=td-sidebar>GONE</aside><aside class=td-sidebar-toc><div class=td-page-meta><a href=https://github.com/a/b/edit/x>Edit this page</a></div>\
         <div class=td-toc>On this page</div></aside><main><nav aria-label=breadcrumb class=td-breadcrumbs>GONE</nav><div class=td-content><h1>Saw</h1><header class=article-meta>GONE</header><p>It cuts.</p>\
         <div class=highlight><div class=chroma><table class=lntable><tr><td class=lntd><pre class=chroma><code><span class=lnt>1\n</span><span class=lnt>2\n</span></code></pre></td>\
         <td class=lntd><pre class=chroma><code class=language-sh data-lang=sh><span class=line><span class=cl>saw\n</span></span><span class=line>cut</span></code></pre></td></tr></table></div></div>\
         <div class='alert alert-warning' role=alert><div class='h4 alert-heading' role=heading>Mind</div><p>Sharp.</p></div>\
         <ul class='nav nav-tabs' role=tablist><li class=nav-item><button class=nav-link id=t0 data-bs-toggle=tab data-bs-target=#p0 role=tab aria-controls=p0>Oak</button></li><li class=nav-item>\
         <button class=nav-link id=t1 data-bs-target=#p1 role=tab aria-controls=p1>Pine</button></li></ul><div class=tab-content><div class='tab-pane fade show active' id=p0 role=tabpanel><p>Oak is hard.</p></div>\
         <div class='tab-pane fade' id=p1 role=tabpanel><p>Pine is soft.</p></div></div><h5 class=feedback--title>Feedback</h5><div class=td-page-meta__lastmod>Last modified GONE</div></div></main></main></div>",
    ),
    (
        "hugo/Hugo 0.151",
        "",
        "<main class='container flex'><aside class=book-menu>GONE</aside><div class=book-page><header class=book-header>GONE</header><article class='markdown book-article'><h1 id=saw>Saw<a class=anchor href=#saw>#</a></h1>\
         <p>It cuts.</p><div class=highlight><pre tabindex=0 class=chroma><code class=language-sh data-lang=sh>saw\ncut</code></pre></div>\
         <div class=book-tabs><input type=radio class=toggle name=t id=t0 checked><label for=t0>Oak</label><div class='book-tabs-content markdown-inner'><p>Oak is hard.</p></div>\
         <input type=radio class=toggle name=t id=t1><label for=t1>Pine</label><div class=book-tabs-content><p>Pine is soft.</p></div></div></article><footer class=book-footer><a href=/edit/x>Edit this page</a></footer></div>\
         <aside class=book-toc>On this page</aside></main>",
    ),
    (
        "hugo/Hugo 0.151",
        "",
        "<main class=container><aside class=gdoc-nav>GONE</aside><div class=gdoc-page><div class=gdoc-page__header>GONE Edit</div><article class='gdoc-markdown gdoc-markdown__align-left'><h1>Saw</h1>\
         <div class=gdoc-page__anchorwrap><h2 id=use>Use <a class=gdoc-page__anchor href=#use><svg></svg></a></h2></div><p>It cuts.</p><div class=highlight><pre class=chroma><code class=language-sh>saw\ncut</code></pre></div>\
         <blockquote class='gdoc-hint warning'><div class=gdoc-hint__title>Mind</div><div class=gdoc-hint__text>Sharp.</div></blockquote></article></div></main>",
    ),
    (
        "hugo/Hugo 0.151",
        "",
        "<div id=R-body><nav id=R-topbar>GONE</nav><main id=R-body-inner class=highlightable><div class=flex-block-wrapper><article class=default><header class=headline>GONE</header><h1 id=saw>Saw</h1><p>It cuts.</p>\
         <div class=highlight><pre><code class=language-sh>saw\ncut</code><button class=copy-to-clipboard-button>Copy</button></pre></div>\
         <div class=tab-panel><div class=tab-nav><button class='tab-nav-button active' data-tab-item=oak>Oak</button><button class=tab-nav-button data-tab-item=pine>Pine</button></div>\
         <div class=tab-content><div class='tab-item active'><p>Oak is hard.</p></div><div class=tab-item><p>Pine is soft.</p></div></div></div><footer class=footline>GONE</footer></article></div></main></div>",
    ),
    (
        "hugo/Hugo 0.151",
        "",
        "<div class=hextra-nav-container>GONE</div><div><aside class=hextra-sidebar-container>GONE</aside><nav class='hextra-toc order-last'>On this page</nav><article><main><div class=hx-breadcrumb>GONE</div><div class=content>\
         <h1>Saw</h1><p>It cuts.</p><div class='hextra-code-block'><div><div class=highlight><pre><code class=language-sh>saw\ncut</code></pre></div></div><div class=hextra-code-copy-btn-container><button>Copy</button></div></div></div>\
         <div>Last updated on GONE</div></main></article></div>",
    ),
    (
        "jekyll/Jekyll v4.3.4",
        "",
        "<div class=side-bar><nav class=site-nav><ul><li class=nav-list-item>GONE</ul></nav></div><div class=main id=top><div id=main-header class=main-header>GONE</div><div class=main-content-wrap><nav class=breadcrumb-nav>GONE</nav><div id=main-content class=main-content>\
         <main><h1 id=saw><a href=#saw class=anchor-heading aria-labelledby=saw><svg></svg></a> Saw</h1><p>It cuts.</p><div class='language-sh highlighter-rouge'><div class=highlight><pre class=highlight><code>saw\ncut\n</code></pre></div></div></main>\
         <hr><footer><p><a href=#top id=back-to-top>Back to top</a></p><p>GONE</p></footer></div></div></div>",
    ),
    (
        "jekyll/Jekyll v4.3.4",
        "",
        "<aside id=sidebar>GONE</aside><div id=main-wrapper><header id=topbar-wrapper>GONE</header><div class=row><main><article><header><h1 data-toc-skip>Saw</h1><div class='post-meta text-muted'>Posted GONE</div></header>\
         <div class=content><p>It cuts.</p><div class='language-sh highlighter-rouge'><div class=code-header><span data-label-text=Shell></span><button>Copy</button></div><div class=highlight><code><table class=rouge-table><tbody><tr>\
         <td class='rouge-gutter gl'><pre class=lineno>1\n2\n</pre></td><td class=rouge-code><pre>saw\ncut\n</pre></td></tr></tbody></table></code></div></div></div>\
         <div class=post-tail-wrapper>GONE</div></article></main></div></div>",
    ),
    (
        "jekyll/Jekyll v4.3.4",
        "",
        "<main class=page-content><div class=wrapper><article class='post h-entry'><header class=post-header><h1 class=post-title>Saw</h1><p class=post-meta>GONE</p></header><div class='post-content e-content'><p>It cuts.</p>\
         <div class='language-sh highlighter-rouge'><div class=highlight><pre class=highlight><code>saw\ncut</code></pre></div></div></div><a class=u-url hidden href=/saw></a></article></div></main>",
    ),
];

#[test]
fn the_configured_selector_wins_and_what_is_none_is_passed_over() {
    let html = framed("", "<main><p>All of it.</p><div class=x><p>Only this.</p></div></main>");
    assert_eq!(read_with(&html, Some("div.x")).2, "<p>Only this.</p>");
    assert_eq!(read_with(&html, Some("div.y")).2, "<p>All of it.</p><p>Only this.</p>");
    assert_eq!(read_with(&html, Some("div[")).2, "<p>All of it.</p><p>Only this.</p>");
    assert!(check_selector("main > .x, #y").is_ok() && check_selector("div[").is_err());
}

#[test]
fn a_page_of_nobody_known_is_read_as_well() {
    let words = "The saw is pulled, not pushed, and it cuts, cleanly, on the way back. ".repeat(12);
    let body = format!(
        "<div class=menu><ul><li><a href=a>a</a><li><a href=b>b</a></ul></div><div class=story><h2>Pull</h2><p>{words}</p><p>{words}</p></div><div class=footer-links><a href=c>c</a></div>"
    );
    let main = main_of(&framed("", &body));
    assert!(main.contains("The saw is pulled") && !main.contains("All tools") && !main.contains(">c</a>"), "{main}");
    assert_eq!(main_of("<p>One line."), "<p>One line.</p>");
    let within = "<main><aside class=sidebar>x</aside><article><h1>A</h1><p>The most of it.</article></main>";
    assert_eq!(main_of(within), "<h1>A</h1><p>The most of it.</p>");
    assert_eq!(main_of("<article><p>One.</article><article><p>Two.</article>"), "<p>One.</p><p>Two.</p>");
}

#[test]
fn links_and_images_are_absolute_and_anchors_stay() {
    let main = main_of(
        "<main><p>See <a href=#use>use</a>, <a href='saw.html#x'>x</a>, <a href=../b?c=d&amp;e#f>b</a>, <a href='javascript:x()'>no</a>, <a name=y></a>\
         <img src=i.png alt='A &quot;saw&quot;'><img src=data:x data-src=//cdn.example/l.png><img src=dark.png#only-dark></main>",
    );
    assert_eq!(
        main,
        "<p>See <a href=\"#use\">use</a>, <a href=\"#x\">x</a>, <a href=\"https://d.example/b?c=d&amp;e#f\">b</a>, no, \
         <img src=\"https://d.example/guide/i.png\" alt=\"A &quot;saw&quot;\"><img src=\"https://cdn.example/l.png\" alt=\"\"></p>"
    );
}

#[test]
fn what_readers_can_open_stays_and_what_they_cannot_goes() {
    let main = main_of(
        "<main><p>Text.<details><summary>More</summary><p>Closed.</details><div hidden>GONE</div><div style='display: none'>GONE</div>\
         <h2><button data-bs-toggle=collapse data-bs-target=#c>Why?</button></h2><div id=c class=collapse hidden><p>So.</div>\
         <ul><li><input type=checkbox disabled checked> done</ul><form><p>Letters<input type=email></form>\
         <p>A note<sup><a href=#fn1>1</a></sup><section class=footnotes><ol><li id=fn1>Foot. <a href=#r1 class=footnote-backref>\u{21a9}</a></ol></section>\
         <dl><dt id=t>Term<dd>Meaning</dl><p>Last updated: 2 May</main>",
    );
    insta::assert_snapshot!(main, @r##"<p>Text.</p><details><summary>More</summary><p>Closed.</p></details><h2>Why?</h2><p>So.</p><ul><li><input type="checkbox" checked> done</li></ul><p>A note<sup><a href="#fn1">1</a></sup></p><ol><li id="fn1">Foot.</li></ol><dl><dt id="t">Term</dt><dd>Meaning</dd></dl>"##);
}

#[test]
fn the_head_says_where_the_page_is_and_what_it_is_called() {
    let html = "<html lang=de-AT><title>S\u{e4}ge &lt;1&gt; | Werkzeug</title><meta property=og:site_name content=Werkzeug><link rel=canonical href=/guide/saw/>\
                <meta name=robots content='noindex, follow'><main><p nonce=abc id=r7f data-built=2024>Text.</main>";
    let Extracted::Page { document, generator: None, copy_of: None } = extract_at(html, URL, None) else { panic!() };
    assert_eq!(
        document,
        "<!doctype html>\n<html lang=\"de-AT\">\n<head>\n<title>S\u{e4}ge &lt;1&gt;</title>\n<link rel=\"canonical\" href=\"https://d.example/guide/saw/\">\n\
         <meta name=\"robots\" content=\"noindex\">\n</head>\n<body>\n<main>\n<p>Text.</p>\n</main>\n</body>\n</html>\n"
    );
    let Extracted::Page { document, copy_of, .. } =
        extract_at("<link rel=canonical href=/stable/saw><main>Text", URL, None)
    else {
        panic!()
    };
    assert_eq!(copy_of.map(String::from).as_deref(), Some("https://d.example/stable/saw"));
    assert!(!document.contains("canonical"));
}

#[test]
fn a_page_without_a_first_heading_is_called_as_its_site_calls_it() {
    let title = |head: &str, body: &str| read(&framed(head, body)).1;
    let second = "<main><h2>Second</h2><p>Text.</main>";
    assert_eq!(title("<meta property=og:site_name content=Tools>", second), "Saw");
    let book = "<nav><div class=sidebar-scrollbox></div></nav><div id=content><main><h2><a class=header href=#s>The second</a></h2><p>Text.</main></div>";
    assert_eq!(title("", book), "The second");
    let alone = "<title>Tools</title><meta property=og:site_name content=Tools>";
    assert_eq!(read(&format!("{alone}{second}")).1, "Second");
}

#[test]
fn forms_frames_and_redirects_are_no_pages() {
    for login in [
        "<title>Anmelden</title><form action=/go><input name=user><button>Weiter</button></form>",
        "<title>Docs</title><nav>a</nav><form method=post><input type=password></form>",
        "<title>Redirecting</title><form action=https://login.microsoftonline.com/x/oauth2/authorize><input type=hidden name=SAMLRequest></form>",
        "<title>Acme</title><form action=/login/check><input type=text><input type=password></form>",
        "<title>Log in to Acme</title><div id=kc-form-login><form><input name=u></form></div>",
        "<title>Login - Authelia</title><div id=root></div><noscript>You need JavaScript</noscript>",
    ] {
        assert_eq!(extract_at(login, URL, None), Extracted::Login, "{login}");
    }
    for shell in [
        "<title>Docs</title><div id=root></div><script src=/a.js></script>",
        "<title>Docs</title><noscript>Please enable JavaScript to run this app.</noscript><div class=boot>Loading\u{2026}</div>",
        "<title>Docs</title><div id=app><div class=spinner>Loading</div></div>",
    ] {
        assert_eq!(extract_at(shell, URL, None), Extracted::Shell, "{shell}");
    }
    let moved = extract_at(
        "<meta http-equiv=refresh content='0; url=../new/'><link rel=canonical href=../new/><p>Moved.",
        URL,
        None,
    );
    assert_eq!(moved, Extracted::Moved(Url::parse("https://d.example/new/").unwrap()));
    for none in ["", "   ", "<html><body></body></html>", "<main><img src=x></main>"] {
        assert!(matches!(extract_at(none, URL, None), Extracted::NoPage(_)), "{none}");
    }
    let url = Url::parse(URL).unwrap();
    let pdf = Answer {
        body: b"%PDF-1.4",
        content_type: Some("application/pdf"),
        url: &url,
        robots: None,
        link: None,
        selector: None,
    };
    assert_eq!(extract(pdf), Extracted::NoPage("it is no HTML, but `application/pdf`".to_owned()));
    let json = Answer { body: b"{\"a\": 1}", content_type: None, ..pdf };
    assert_eq!(extract(json), Extracted::NoPage("it is no HTML".to_owned()));
    // A page about logging in, and one with a form in its header, are pages.
    let words = "Enter your name and the word that you chose, then press the key. ".repeat(30);
    let page = format!(
        "<title>Sign in with Acme</title><header><form><input type=password></form></header><main><h1>Sign in</h1><p>{words}</main>"
    );
    assert!(matches!(extract_at(&page, URL, None), Extracted::Page { .. }));
    let page =
        "<title>Login</title><form role=search><input type=search></form><main><h1>Login</h1><p>Use your key.</main>";
    assert!(matches!(extract_at(page, "https://d.example/guide/login", None), Extracted::Page { .. }));
}

proptest::proptest! {
    #[test]
    fn pieces_of_html_in_any_order_give_an_answer(pieces in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let html: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let first = extract_at(&html, URL, None);
        proptest::prop_assert_eq!(&first, &extract_at(&html, URL, None));
        if let Extracted::Page { document, .. } = first {
            proptest::prop_assert!(document.ends_with("</main>\n</body>\n</html>\n"));
            proptest::prop_assert!(!document.contains("<script") && !document.contains("href=\"javascript:"));
        }
    }
}

const PIECES: &[&str] = &[
    "<main>",
    "</main>",
    "<div class=md-content__inner>",
    "</div>",
    "<p>",
    "a ",
    "&lt;script>",
    "<script>b</script>",
    "<ul><li>",
    "</ul>",
    "<table><tr><td>",
    "</table>",
    "<pre><code class=language-x>",
    "</pre>",
    "<a href='javascript:x'>",
    "<a href=#x>",
    "</a>",
    "<h1 id=x>",
    "</h1>",
    "<div role=tablist>",
    "<button role=tab>t</button>",
    "<div role=tabpanel hidden>",
    "<details><summary>",
    "</details>",
    "<div class='admonition note'>",
    "<p class=admonition-title>",
    "<svg>",
    "</svg>",
    "<math><mfrac><mi>",
    "</math>",
    "<form>",
    "<input type=checkbox disabled>",
    "<nav>",
    "</nav>",
    "\u{0}",
    "<!-- ",
    " -->",
    "<title>",
    "</title>",
    "<b><i>",
    "</b></i>",
    "<select><option>",
    "<template>",
    "</template>",
    "<body class=toc>",
    "<section id=toc><h2>toc",
    "<footer>",
    "<x-y>",
    "</x-y>",
    "<dl><dt>",
];

#[test]
fn any_bytes_give_an_answer_soon() {
    let url = Url::parse(URL).unwrap();
    for piece in [
        "<div>",
        "<b>",
        "<a href=#>x",
        "<p><i id=1>",
        "<table><tr><td>",
        "<ul><li>",
        "<main>",
        "<h1>a<span>",
        "<div role=tablist>",
        "<svg>",
        "<!--",
        "<math><mi>",
        "</p>",
        "<div class=tabbed-set><label for=a>",
        "<pre><span>a",
        "<form>",
        "<details><summary>",
        "<div hidden>",
        "&#0;&amp",
        "<x-y>",
        "<input type=radio><label for=x>a</label>",
        "<div role=tablist><b role=tab>x</b></div>",
        "<label for=x class=tab-label>",
        "<section id=a><h2>b",
        "<title>",
        "<template>",
        "\u{fffd}<",
    ] {
        let many = format!("<main>Text {}", piece.repeat(60_000 / piece.len()));
        let answer =
            Answer { body: many.as_bytes(), content_type: None, url: &url, robots: None, link: None, selector: None };
        let _ = extract(answer);
    }
    for bytes in [&b"\xff\xfe\x00<"[..], b"<main>\xc3\x28", b"\xef\xbb\xbf<p>x", b"<\0p\0>\0a"] {
        let _ =
            extract(Answer { body: bytes, content_type: None, url: &url, robots: None, link: None, selector: None });
    }
}
