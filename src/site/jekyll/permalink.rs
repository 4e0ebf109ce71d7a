//! Permalinks: from a style or a pattern to the path of a page on the site (`Jekyll::URL`, `Jekyll::Drops::UrlDrop`).

use jiff::civil::{Date, Time};
use unicode_normalization::char::is_combining_mark;

use super::date::{Moment, Zone};
use super::entries::Entry;
use crate::render::Facts;
use crate::site::percent_decode;

/// The pattern of posts that a style stands for; any other text is a pattern itself.
pub(super) fn of_posts(style: &str) -> &str {
    match style {
        "none" => "/:categories/:title:output_ext",
        "date" => "/:categories/:year/:month/:day/:title:output_ext",
        "ordinal" => "/:categories/:year/:y_day/:title:output_ext",
        "pretty" => "/:categories/:year/:month/:day/:title/",
        "weekdate" => "/:categories/:year/W:week/:short_day/:title:output_ext",
        pattern => pattern,
    }
}

/// A pattern for pages and collections, with the end that the style of posts gives it. Of other styles than these only the
/// end counts: with `weekdate` a page has no extension in its url.
pub(super) fn suffixed(pattern: &str, style: &str) -> String {
    let end = match style {
        "pretty" => "/",
        "date" | "ordinal" | "none" => ":output_ext",
        style if style.ends_with('/') => "/",
        style if style.ends_with(":output_ext") => ":output_ext",
        _ => "",
    };
    format!("{pattern}{end}")
}

/// The path of a page, decoded.
pub(super) fn page(own: Option<&str>, style: &str, entry: &Entry, output: &str) -> String {
    let template = match own {
        Some(own) => percent_decode(own),
        None if entry.stem() == "index" => "/:path/".to_owned(),
        None => suffixed("/:path/:basename", style),
    };
    let filled = template.replace(":path", entry.dir()).replace(":basename", entry.stem());
    sanitised(&filled.replace(":output_ext", output))
}

/// The path of a post or of a document of a collection, decoded; `Err` says what it cannot be made of.
pub(super) fn document(
    template: &str,
    entry: &Entry,
    output: &str,
    facts: &Facts,
    zone: &Zone,
) -> Result<String, String> {
    let template = percent_decode(template);
    let values = Values { entry, output, facts, zone };
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template.as_str();
    while let Some(at) = rest.find(':') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() {
            out.push(':');
            continue;
        }
        // `:month_:day`: the sign after a name may be none of it.
        let (value, taken) = match (values.of(name)?, name.strip_suffix('_')) {
            (Some(value), _) => (value, end),
            (None, Some(shorter)) => (values.of(shorter)?.ok_or_else(|| unknown(name))?, end - 1),
            (None, None) => return Err(unknown(name)),
        };
        out.push_str(&value);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Ok(sanitised(&out))
}

fn unknown(name: &str) -> String {
    format!("`:{name}` in its permalink is not understood")
}

struct Values<'a> {
    entry: &'a Entry,
    output: &'a str,
    facts: &'a Facts,
    zone: &'a Zone,
}

impl Values<'_> {
    fn of(&self, name: &str) -> Result<Option<String>, String> {
        let entry = self.entry;
        let slug = || self.facts.slug.as_deref().unwrap_or_else(|| entry.slug());
        let categories = || self.facts.keys.get("categories").into_iter().flatten();
        Ok(Some(match name {
            "output_ext" => self.output.to_owned(),
            "collection" => entry.kind.name().to_owned(),
            "path" => self.path(),
            "name" => slugified(entry.stem()),
            "title" => pretty(slug()),
            "slug" => slugified(slug()),
            "categories" => unique(categories().map(|name| name.to_lowercase())),
            "slugified_categories" => unique(categories().map(|name| slugified(name))),
            name => return self.of_date(name),
        }))
    }

    /// Its path within the collection, without the extension.
    fn path(&self) -> String {
        let path = &self.entry.relative;
        let extension = self.entry.extension();
        let path = path.strip_suffix(extension).and_then(|path| path.strip_suffix('.')).unwrap_or(path);
        path.replacen(&format!("_{}", self.entry.kind.name()), "", 1).trim_end_matches('.').to_owned()
    }

    fn of_date(&self, name: &str) -> Result<Option<String>, String> {
        let is_time = matches!(name, "hour" | "minute" | "second");
        let format = match name {
            "year" => "%Y",
            "month" => "%m",
            "day" => "%d",
            "i_day" => "%-d",
            "i_month" => "%-m",
            "short_month" => "%b",
            "long_month" => "%B",
            "short_year" => "%y",
            "w_year" => "%G",
            "week" => "%V",
            "w_day" => "%u",
            "short_day" => "%a",
            "long_day" => "%A",
            "y_day" => "%j",
            "hour" => "%H",
            "minute" => "%M",
            "second" => "%S",
            _ => return Ok(None),
        };
        let date = self.facts.key("date").ok_or("its permalink has a date in it, and it says none")?;
        let moment = Moment::read(date).ok_or_else(|| format!("its date `{date}` cannot be read"))?;
        let (day, time): (Date, Option<Time>) = moment.on(self.zone)?;
        if is_time && time.is_none() {
            return Err("its permalink has the time of day in it, which the site's `timezone` decides".to_owned());
        }
        let whole = day.to_datetime(time.unwrap_or_default());
        let text = jiff::fmt::strtime::format(format, whole);
        text.map(Some).map_err(|_| format!("`:{name}` of its date `{date}` cannot be written"))
    }
}

/// As `Jekyll::Utils.slugify`: letters, marks and digits stay, everything between them is a hyphen.
pub(crate) fn slugified(text: &str) -> String {
    hyphenated(text, |_| false).to_lowercase()
}

/// As its mode `pretty`: signs that urls may have stay too, and capitals.
fn pretty(text: &str) -> String {
    hyphenated(text, |c| "._~!$&'()+,;=@".contains(c))
}

fn hyphenated(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || is_combining_mark(c) || stays(c) {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.strip_prefix('-').unwrap_or(&out);
    out.strip_suffix('-').unwrap_or(out).to_owned()
}

fn unique(all: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen.join("/")
}

/// As `Jekyll::URL#sanitize_url`.
fn sanitised(path: &str) -> String {
    let path = format!("/{path}").replace("..", "/").replace("./", "");
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}
