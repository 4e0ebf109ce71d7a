//! Wiki links: `[[Page]]`, `[[Page|text]]`, `[[Page#Heading]]`, `![[picture.png]]`. They mean a page by its path, or by its
//! name alone where only one has it.

use super::super::{Context, Out, code_span, files::resolved};
use crate::page::DocPath;
use crate::render::slug::Slugs;

/// A longer link is none of a person's.
const MAX_BYTES: usize = 512;

/// A line with its wiki links as links of Markdown; what stands in code stays.
pub(super) fn rewrite(line: &str, origin: u32, file: &DocPath, context: &Context<'_>, out: &mut Out) -> String {
    if !line.contains("[[") {
        return line.to_owned();
    }
    let mut written = String::with_capacity(line.len() + 64);
    let mut rest = line;
    while let Some(at) = rest.find(['`', '[']) {
        let (before, here) = rest.split_at(at);
        written.push_str(before);
        let found = inner(here).filter(|_| !written.ends_with('\\'));
        let len = if here.starts_with('`') { code_span(here) } else { 1 };
        if let Some((inner, after)) = found {
            let is_embedded = written.ends_with('!');
            if is_embedded {
                written.pop();
            }
            written.push_str(&Link::of(inner, is_embedded).written(origin, file, context, out));
            rest = after;
            continue;
        }
        let (sign, after) = here.split_at_checked(len).unwrap_or((here, ""));
        written.push_str(sign);
        rest = after;
    }
    written + rest
}

/// What stands between the brackets that a text begins with, and what follows them.
fn inner(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("[[")?;
    let mut end = inner.len().min(MAX_BYTES);
    while !inner.is_char_boundary(end) {
        end -= 1;
    }
    let end = inner.get(..end)?.find("]]")?;
    let (inner, after) = (inner.get(..end)?, inner.get(end + 2..)?);
    // `[[1]](url)` is a link whose text is `[1]`; `[[ -f x ]]` is a condition, `[[1]]` a number.
    let is_link = !inner.is_empty()
        && !inner.contains(['[', ']'])
        && !inner.starts_with(char::is_whitespace)
        && !inner.bytes().all(|byte| byte.is_ascii_digit())
        && !after.starts_with(['(', '[']);
    is_link.then_some((inner, after))
}

struct Link<'t> {
    page: &'t str,
    heading: Option<&'t str>,
    text: Option<&'t str>,
    is_embedded: bool,
}

impl<'t> Link<'t> {
    fn of(inner: &'t str, is_embedded: bool) -> Self {
        let (target, text) = inner.split_once('|').map_or((inner, None), |(target, text)| (target, Some(text.trim())));
        // In tables the bar is escaped.
        let target = target.trim_end_matches('\\').trim();
        let (page, heading) = target.split_once('#').map_or((target, None), |(page, at)| (page, Some(at)));
        Self {
            page,
            heading: heading.filter(|at| !at.starts_with('^')),
            text: text.filter(|t| !t.is_empty()),
            is_embedded,
        }
    }

    fn written(&self, origin: u32, file: &DocPath, context: &Context<'_>, out: &mut Out) -> String {
        let is_picture = ["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "bmp"]
            .iter()
            .any(|end| self.page.to_ascii_lowercase().ends_with(&format!(".{end}")));
        if self.is_embedded && is_picture {
            // After the bar stands a width, or what it shows.
            let alt = self.text.filter(|text| !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'x'));
            return format!("![{}](<{}>)", alt.unwrap_or_default(), self.page);
        }
        let (url, text) = match (url(self.page, file, context), self.text) {
            // GitHub and GitLab have the text before the bar.
            (None, Some(other)) => match url(other, file, context) {
                Some(url) => (Some(url), self.page.to_owned()),
                None => (None, other.to_owned()),
            },
            (url, Some(text)) => (url, text.to_owned()),
            (url, None) => (
                url,
                [Some(self.page), self.heading]
                    .into_iter()
                    .flatten()
                    .filter(|t| !t.is_empty())
                    .collect::<Vec<_>>()
                    .join(" > "),
            ),
        };
        let text = text.replace('[', "\\[").replace(']', "\\]");
        let anchor = self.heading.map(|at| Slugs::default().slug(at.rsplit('#').next().unwrap_or(at)));
        let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
        match url {
            _ if self.page.is_empty() => format!("[{text}](<{anchor}>)"),
            Some(url) => format!("[{text}](<{url}{anchor}>)"),
            None => {
                if context.site.root().is_some() && !context.asking.is_full() {
                    let name = self.page;
                    out.warn("dead_link", origin, format!("`[[{name}]]` names no page, or several"));
                }
                text
            }
        }
    }
}

/// The url of the page that is meant: by its path from the document's folder or from the root, else by its name alone.
fn url(page: &str, file: &DocPath, context: &Context<'_>) -> Option<String> {
    let page = page.trim().trim_end_matches(".md");
    if page.is_empty() {
        return None;
    }
    for name in [page.to_owned(), page.replace(' ', "-")] {
        for dir in [file.dir(), ""] {
            let path = resolved(dir, &format!("{name}.md"))?;
            if let Some(url) = context.asking.page_url(&path) {
                return Some(url);
            }
        }
    }
    context.asking.label(&crate::render::wiki_name(page))?.url
}
