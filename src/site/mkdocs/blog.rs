//! Where Material's blog plugin publishes posts.
//!
//! Source of the rules: Material's reference of the plugin, and what it publishes.

use serde_json::Value;
use url::Url;

use super::super::{absolute, below, join};
use crate::render::Facts;

/// One blog.
#[derive(Debug)]
pub(super) struct Blog {
    /// From the documents' folder.
    folder: String,
    posts: String,
    format: String,
    date_format: String,
    max_categories: usize,
    separator: String,
    keeps_case: bool,
}

impl Blog {
    pub(super) fn new(options: &Value) -> Self {
        let word = |key: &str, otherwise: &str| options[key].as_str().unwrap_or(otherwise).to_owned();
        let folder = word("blog_dir", "blog");
        let folder = if folder == "." { String::new() } else { folder.trim_matches('/').to_owned() };
        let posts = word("post_dir", "{blog}/posts").replace("{blog}", &folder);
        let max = options["post_url_max_categories"].as_u64().and_then(|max| usize::try_from(max).ok());
        // A slugify function of the site's own is configured by its arguments, of which one is known here.
        let slugify = &options["post_slugify"];
        Self {
            posts: posts.trim_matches('/').to_owned(),
            folder,
            format: word("post_url_format", "{date}/{slug}"),
            date_format: word("post_url_date_format", "yyyy/MM/dd"),
            max_categories: max.unwrap_or(1),
            separator: word("post_slugify_separator", "-"),
            keeps_case: slugify.is_object() && slugify["kwds"]["case"].as_str().is_none_or(|case| case == "none"),
        }
    }

    /// Whether a path from the documents' folder is a post's.
    pub(super) fn has(&self, relative: &str) -> bool {
        below(&self.posts, relative).is_some()
    }

    /// Where a post is published, or why that is not known.
    pub(super) fn post(
        &self,
        base: &Url,
        relative: &str,
        facts: &Facts,
        has_folder_urls: bool,
    ) -> Result<Option<Url>, String> {
        let title = facts.title.as_deref().or(facts.heading.as_deref());
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let file = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let mut path = self.format.clone();
        if path.contains("{date}") {
            let date = facts.key("date.created").or_else(|| facts.key("date"));
            let date = date.ok_or("a post without `date` has no place: give it one in its front matter")?;
            path = path.replace("{date}", &dated(&self.date_format, date)?);
        }
        if path.contains("{slug}") {
            let slug = facts.slug.clone().or_else(|| title.map(|title| self.slugify(title, self.keeps_case)));
            path = path.replace("{slug}", &slug.ok_or("a post without title has no place: give it one")?);
        }
        let categories = facts.keys.get("categories").into_iter().flatten().take(self.max_categories);
        let categories = categories.map(|name| self.slugify(name, false)).collect::<Vec<_>>().join("/");
        path = path.replace("{file}", file).replace("{categories}", &categories);
        if path.contains('{') {
            return Err(format!("its `post_url_format` `{}` is not understood", self.format));
        }
        let parts = self.folder.split('/').chain(path.split('/')).filter(|part| !part.is_empty() && *part != ".");
        if has_folder_urls {
            return Ok(join(base, parts.chain([""])));
        }
        Ok(join(base, parts).and_then(|url| absolute(&format!("{url}.html"))))
    }

    /// `pymdownx.slugs.slugify`.
    fn slugify(&self, title: &str, keeps_case: bool) -> String {
        let kept = if keeps_case { title.to_owned() } else { title.to_lowercase() };
        let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')).collect();
        kept.trim().replace(' ', &self.separator)
    }
}

/// A date as the plugin writes it: Unicode's letters, of which only those of numbers are known here.
fn dated(format: &str, date: &str) -> Result<String, String> {
    let unreadable = || format!("its date `{date}` cannot be read");
    let mut numbers = date.get(..10).unwrap_or(date).split('-').map(|part| part.trim().parse::<u32>().ok());
    let mut next = || numbers.next().flatten().ok_or_else(unreadable);
    let (year, month, day) = (next()?, next()?, next()?);
    let mut filled = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let count = rest.chars().take_while(|c| *c == first).count();
        let number = match first {
            'y' if count == 2 => Some(year % 100),
            'y' if matches!(count, 1 | 4) => Some(year),
            'M' if count <= 2 => Some(month),
            'd' if count <= 2 => Some(day),
            _ => None,
        };
        match number {
            Some(number) => filled.extend(format!("{number:0count$}").chars()),
            None if first.is_ascii_alphabetic() => {
                return Err(format!("the format `{format}` of its date is not understood"));
            }
            None => filled.extend(std::iter::repeat_n(first, count)),
        }
        rest = rest.get(count * first.len_utf8()..).unwrap_or_default();
    }
    Ok(filled)
}
