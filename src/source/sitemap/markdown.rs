//! Where a website may have the Markdown of a page: by the forms of url in use, or where `/llms.txt` says.
//!
//! The forms are those of llmstxt.org (`page.html.md`, `folder/index.html.md`) and of the generators that write Markdown
//! beside their HTML (`page.md`, `folder/index.md`). Which of them a website has is learnt from its answers, so that in the
//! end a page costs one request. Pure but for what it has learnt.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

use super::urls;

/// Pages without Markdown, and none with it, after which a website has none.
const MISSES: usize = 16;
/// Pages with Markdown after which only the forms that brought it are tried.
const HITS: usize = 32;
/// Links of an `llms.txt` that are read.
const MAX_LINKS: usize = 100_000;

/// How a page's url becomes that of its Markdown.
const FORMS: [fn(&Url) -> Option<String>; 4] = [
    // guide/start/ → guide/start.md; guide/start.html → guide/start.md; guide/start → guide/start.md
    |page| {
        let path = page.path();
        let stem = path.strip_suffix('/').or_else(|| path.strip_suffix(".html")).unwrap_or(path);
        (!stem.is_empty()).then(|| format!("{stem}.md"))
    },
    // guide/start/ → guide/start/index.md
    |page| page.path().strip_suffix('/').map(|folder| format!("{folder}/index.md")),
    // guide/start/ → guide/start/index.html.md
    |page| page.path().strip_suffix('/').map(|folder| format!("{folder}/index.html.md")),
    // guide/start.html → guide/start.html.md
    |page| page.path().strip_suffix(".html").map(|stem| format!("{stem}.html.md")),
];

/// What is known of a website's Markdown.
#[derive(Debug, Default)]
pub(super) struct Forms {
    hits: [AtomicUsize; FORMS.len()],
    misses: AtomicUsize,
    /// What `llms.txt` links to; `None`: it is not asked for.
    linked: Option<HashSet<Url>>,
}

impl Forms {
    /// Of a website whose `llms.txt` says which Markdown there is.
    pub(super) fn of_llms_txt(text: &str, base: &Url) -> Self {
        let linked = links(text).filter_map(|link| base.join(link).ok()).map(urls::plain);
        Self { linked: Some(linked.take(MAX_LINKS).collect()), ..Self::default() }
    }

    /// The urls at which a page's Markdown may be, the likeliest first, each with its form. Where it was once is looked at
    /// whatever is learnt, so that no page is of the one kind now and of the other the next time.
    pub(super) fn of(&self, page: &Url, via: Option<&str>) -> Vec<(usize, Url)> {
        let known = candidates(page).filter(|(_, url)| via == Some(url.as_str()));
        let learnt = self.learnt(page).into_iter().filter(|(_, url)| via != Some(url.as_str()));
        known.chain(learnt).collect()
    }

    fn learnt(&self, page: &Url) -> Vec<(usize, Url)> {
        let hits = |form: usize| self.hits.get(form).map_or(0, |hits| hits.load(Ordering::Relaxed));
        let all: usize = (0..FORMS.len()).map(hits).sum();
        if page.query().is_some() || (all == 0 && self.misses.load(Ordering::Relaxed) >= MISSES) {
            return Vec::new();
        }
        let candidates = candidates(page);
        let mut candidates: Vec<(usize, Url)> = match &self.linked {
            Some(linked) => candidates.filter(|(_, url)| linked.contains(url)).collect(),
            None => candidates.filter(|(form, _)| all < HITS || hits(*form) > 0).collect(),
        };
        candidates.sort_by_key(|(form, _)| std::cmp::Reverse(hits(*form)));
        candidates
    }

    /// Keeps that a form brought Markdown.
    pub(super) fn hit(&self, form: usize) {
        if let Some(hits) = self.hits.get(form) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps that no form brought any.
    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Pages that had none.
    pub(super) fn misses(&self) -> usize {
        self.misses.load(Ordering::Relaxed)
    }
}

fn candidates(page: &Url) -> impl Iterator<Item = (usize, Url)> {
    FORMS.iter().enumerate().filter_map(|(form, path)| {
        let mut url = page.clone();
        url.set_path(&path(page)?);
        Some((form, url))
    })
}

/// What the links of a Markdown text lead to.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next()).filter(|link| !link.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("https://x.example/").unwrap().join(path).unwrap()
    }

    fn tried(forms: &Forms, path: &str) -> Vec<String> {
        forms.of(&url(path), None).iter().map(|(_, url)| url.path().to_owned()).collect()
    }

    #[test]
    fn the_forms_in_use_are_tried_and_learnt() {
        let forms = Forms::default();
        assert_eq!(
            tried(&forms, "/guide/start/"),
            ["/guide/start.md", "/guide/start/index.md", "/guide/start/index.html.md"]
        );
        assert_eq!(tried(&forms, "/guide/a.html"), ["/guide/a.md", "/guide/a.html.md"]);
        assert_eq!(tried(&forms, "/guide/a"), ["/guide/a.md"]);
        assert_eq!(tried(&forms, "/"), ["/index.md", "/index.html.md"]);
        assert!(tried(&forms, "/a?b=1").is_empty());
        (0..HITS).for_each(|_| forms.hit(2));
        assert_eq!(tried(&forms, "/guide/start/"), ["/guide/start/index.html.md"]);
        let none = Forms::default();
        (0..MISSES).for_each(|_| none.miss());
        assert!(tried(&none, "/a").is_empty());
        assert_eq!(none.of(&url("/a"), Some("https://x.example/a.md")), [(0, url("/a.md"))]);
    }

    #[test]
    fn llms_txt_says_which_there_are() {
        let text = "# X\n\n- [Start](/guide/start.md): how\n- [A](https://x.example/a.html.md \"t\")\n- [B](b)\n";
        let forms = Forms::of_llms_txt(text, &url("/llms.txt"));
        assert_eq!(tried(&forms, "/guide/start/"), ["/guide/start.md"]);
        assert_eq!(tried(&forms, "/a.html"), ["/a.html.md"]);
        assert!(tried(&forms, "/b").is_empty());
    }
}
