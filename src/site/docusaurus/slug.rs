//! Slugs as Docusaurus's own plugins make them.

use crate::page::resolve;

/// A name without the number before it, as `DefaultNumberPrefixParser` takes it off: versions and dates keep theirs.
pub(super) fn unprefixed(name: &str) -> &str {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let after = &name[digits..];
    let is_sign = |c: char| matches!(c, '-' | '_' | '.');
    let is_version = after.strip_prefix(is_sign).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if digits == 0 || is_version {
        return name;
    }
    let signs = after.trim_start();
    let rest = signs.trim_start_matches(is_sign);
    if rest.len() == signs.len() {
        return name;
    }
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with(is_sign) { name } else { rest }
}

/// The slug of a document: `below` is its path within the folder of its version, without the extension.
pub(super) fn document(below: &str, id: Option<&str>, slug: Option<&str>, has_prefixes: bool) -> String {
    let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
    let strip = |part| if has_prefixes { unprefixed(part) } else { part };
    let folders = folder.split('/').filter(|part| !part.is_empty()).map(strip).collect::<Vec<_>>().join("/");
    let of_folder = if folders.is_empty() { "/".to_owned() } else { format!("/{folders}/") };
    match slug {
        Some(slug) if slug.starts_with('/') => slug.to_owned(),
        Some(slug) => within(&folders, slug),
        None if is_index(folder, name) => of_folder,
        None => within(&folders, id.unwrap_or(strip(name))),
    }
}

fn within(folder: &str, slug: &str) -> String {
    let slash = if slug.ends_with('/') { "/" } else { "" };
    format!("/{}{slash}", resolve(folder, slug).unwrap_or_else(|| slug.trim_start_matches(['.', '/']).to_owned()))
}

/// `index`, `README` and a file that is named as its folder are the folder's page.
fn is_index(folder: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    let parent = folder.rsplit('/').next().unwrap_or_default().to_lowercase();
    name == "index" || name == "readme" || (!parent.is_empty() && name == parent)
}

/// The slug of a post of the blog: the last date in its path first, then what is around it. `below` keeps no extension.
pub(super) fn post(below: &str, slug: Option<&str>) -> String {
    if let Some(slug) = slug {
        return slug.to_owned();
    }
    if let Some((folder, date, text)) = dated(below) {
        let text = text.strip_suffix("index").map_or(text, |text| text.strip_suffix('/').unwrap_or(text));
        return format!("/{}/{folder}{text}", date.replace('-', "/"));
    }
    format!("/{}", below.strip_suffix("/index").unwrap_or(below))
}

/// The last `YYYY-MM-DD` or `YYYY/MM/DD` of a path, what stands before it and after it.
fn dated(below: &str) -> Option<(&str, &str, &str)> {
    let bytes = below.as_bytes();
    let digits = |at: usize| bytes.iter().skip(at).take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let sign = |at: usize| matches!(bytes.get(at), Some(b'-' | b'/'));
    (0..bytes.len()).rev().find_map(|at| {
        let is_year = bytes.get(at..at + 4)?.iter().all(u8::is_ascii_digit) && sign(at + 4);
        let month = digits(at + 5);
        if !is_year || month == 0 || !sign(at + 5 + month) {
            return None;
        }
        let day = digits(at + 6 + month);
        let end = at + 6 + month + day;
        let rest = below.get(end..)?;
        (day > 0).then(|| (&below[..at], &below[at..end], rest.strip_prefix(['-', '/']).unwrap_or(rest)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_and_versions_and_dates_stay() {
        for (name, expected) in [
            ("01-intro", "intro"),
            ("1. intro", "intro"),
            ("02__intro", "intro"),
            ("2 - intro", "intro"),
            ("7.0-foo", "7.0-foo"),
            ("2021-11-foo", "2021-11-foo"),
            ("01", "01"),
            ("01-", "01-"),
            ("intro-01", "intro-01"),
            ("100days", "100days"),
        ] {
            assert_eq!(unprefixed(name), expected, "{name}");
        }
    }

    #[test]
    fn documents_have_the_slugs_of_the_docs_plugin() {
        for (below, id, slug, expected) in [
            ("intro", None, None, "/intro"),
            ("01-a/02-b", None, None, "/a/b"),
            ("a/index", None, None, "/a/"),
            ("a/README", Some("x"), None, "/a/"),
            ("guides/Guides", None, None, "/guides/"),
            ("01-a/01-a", None, None, "/a/"),
            ("01-a/a", None, None, "/a/a"),
            ("a/b", Some("c"), None, "/a/c"),
            ("a/b", None, Some("/x/"), "/x/"),
            ("a/b", None, Some("../x"), "/x"),
            ("a/b", Some("i"), Some("x/y"), "/a/x/y"),
            ("index", None, None, "/"),
        ] {
            assert_eq!(document(below, id, slug, true), expected, "{below}");
        }
        assert_eq!(document("01-a/02-b", None, None, false), "/01-a/02-b");
    }

    #[test]
    fn posts_have_the_slugs_of_the_blog_plugin() {
        for (below, slug, expected) in [
            ("2021-08-26-welcome/index", None, "/2021/08/26/welcome"),
            ("2021-08-26-welcome", None, "/2021/08/26/welcome"),
            ("2019/05/28/long/index", None, "/2019/05/28/long"),
            ("team/2020-1-2-x", None, "/2020/1/2/team/x"),
            ("hello", None, "/hello"),
            ("a/index", None, "/a"),
            ("2021-08-26-welcome", Some("hi"), "hi"),
        ] {
            assert_eq!(post(below, slug), expected, "{below}");
        }
    }
}
