//! `VitePress`: home pages out of front matter, files included into the bare text, then as [`super::jsx`] goes.

mod emoji;

use serde_json::Value;

pub(super) use self::emoji::with_emoji;
use super::jsx::{Flavour, Origins, Pass, Source, imported, selected};
use super::{Context, Expanded, Out};
use crate::page::{DocPath, Failure};
use crate::site::vitepress::VitePress;

/// Files include each other this deep.
const MAX_DEPTH: usize = 10;

/// More than this comes from no person's includes.
const MAX_BYTES: usize = 8 << 20;

/// Rewrites a body into CommonMark.
#[allow(clippy::unnecessary_wraps, reason = "other dialects fail")]
pub(super) fn expand<'a>(
    body: &'a str,
    first_line: u32,
    rules: &VitePress,
    context: &Context<'_>,
) -> Result<Expanded<'a>, Failure> {
    let mut pass = Pass::new(Flavour::VitePress(rules), context, Out::with_capacity(body.len() + body.len() / 4));
    if context.facts.key("layout") == Some("home") {
        let front = context.front.map(super::super::front_matter::Front::json).unwrap_or_default();
        let text = home(&front);
        pass.out().block(1, "", &text);
    }
    if !body.contains("@include") {
        pass.run(&Source {
            text: body,
            origins: Origins::From(first_line),
            path: context.path,
            is_mdx: false,
            props: std::collections::BTreeMap::new(),
        });
        return Ok(pass.finish());
    }
    let mut whole = Whole { text: String::new(), origins: Vec::new() };
    let mut open = vec![context.path.clone()];
    include(body, Origins::From(first_line), context, &mut open, &mut whole, pass.out());
    let origins = Origins::Each(&whole.origins);
    pass.run(&Source {
        text: &whole.text,
        origins,
        path: context.path,
        is_mdx: false,
        props: std::collections::BTreeMap::new(),
    });
    Ok(pass.finish())
}

/// A text with its includes in their places.
struct Whole {
    text: String,
    origins: Vec<u32>,
}

/// Writes a text and, where a comment `@include`s one, a file: in code as well, for this comes before Markdown.
fn include(
    text: &str,
    origins: Origins<'_>,
    context: &Context<'_>,
    open: &mut Vec<DocPath>,
    whole: &mut Whole,
    out: &mut Out,
) {
    for (number, line) in text.lines().enumerate() {
        let origin = origins.line(number);
        if whole.text.len() > MAX_BYTES {
            return;
        }
        let Some((before, reference, after)) = comment(line) else {
            whole.text.push_str(line);
            whole.text.push('\n');
            whole.origins.push(origin);
            continue;
        };
        if !before.trim().is_empty() {
            whole.text.push_str(before);
            whole.text.push('\n');
            whole.origins.push(origin);
        }
        file(reference, origin, context, open, whole, out);
        if !after.trim().is_empty() {
            whole.text.push_str(after);
            whole.text.push('\n');
            whole.origins.push(origin);
        }
    }
}

/// `<!--@include: path#part{range}-->` in a line, and what stands around it.
fn comment(line: &str) -> Option<(&str, &str, &str)> {
    let at = line.find("<!--")?;
    let rest = line[at + 4..].trim_start().strip_prefix("@include:")?;
    let end = rest.find("-->")?;
    Some((&line[..at], rest[..end].trim(), &rest[end + 3..]))
}

fn file(
    reference: &str,
    origin: u32,
    context: &Context<'_>,
    open: &mut Vec<DocPath>,
    whole: &mut Whole,
    out: &mut Out,
) {
    let (rest, range) = match reference.strip_suffix('}').and_then(|rest| rest.rsplit_once('{')) {
        Some((rest, range)) => (rest.trim(), Some(range)),
        None => (reference, None),
    };
    let (name, part) = rest.rsplit_once('#').map_or((rest, None), |(name, part)| (name, Some(part)));
    let from = open.last().cloned().unwrap_or_else(|| context.path.clone());
    let path = imported(&from, name, context);
    let text = path.as_ref().and_then(|path| context.asking.file(path));
    let (Some(path), Some(text)) = (path, text) else {
        out.warn("missing_include", origin, format!("`{name}`, which is included here, is not there"));
        return;
    };
    if open.contains(&path) || open.len() > MAX_DEPTH {
        out.warn("include_cycle", origin, format!("`{path}` includes itself, or too deep"));
        return;
    }
    let is_markdown = path.extension() == "md";
    let body =
        if is_markdown { super::super::front_matter::split(&text).map_or(&*text, |split| split.body) } else { &text };
    // A range counts the lines of the whole file where it has no front matter, and those of its body else.
    let Some(text) = selected(body, part, range) else {
        let part = part.unwrap_or_default();
        out.warn("missing_include", origin, format!("`{path}` has no region and no heading `{part}`"));
        return;
    };
    open.push(path);
    include(&text, Origins::At(origin), context, open, whole, out);
    open.pop();
}

/// The text of a home page, in the order in which the default theme shows it.
fn home(front: &Value) -> String {
    let text =
        |value: &Value| value.as_str().map(|text| text.replace('\n', " ")).filter(|text| !text.trim().is_empty());
    let link = |text: &str, link: Option<&str>| match link {
        Some(link) => format!("[{text}](<{link}>)"),
        None => text.to_owned(),
    };
    let mut blocks = Vec::new();
    let hero = &front["hero"];
    let title = [&hero["name"], &hero["text"]].into_iter().filter_map(text).collect::<Vec<_>>().join(" ");
    if !title.is_empty() {
        blocks.push(format!("# {title}"));
    }
    blocks.extend(text(&hero["tagline"]));
    for action in hero["actions"].as_array().into_iter().flatten() {
        blocks.extend(text(&action["text"]).map(|text| link(&text, action["link"].as_str())));
    }
    for feature in front["features"].as_array().into_iter().flatten() {
        blocks.extend(text(&feature["title"]).map(|title| format!("## {title}")));
        blocks.extend(text(&feature["details"]));
        blocks.extend(text(&feature["linkText"]).map(|text| link(&text, feature["link"].as_str())));
    }
    let mut whole = blocks.join("\n\u{200b}\n").replace('\u{200b}', " ");
    whole.push_str("\n \n");
    whole
}
