//! A page's own Markdown in place of its HTML: a document with front matter that says what its url and title are.

use std::fmt::Write as _;

use url::Url;

/// The document of a page that a website gave as Markdown: the title and url that are known of it, before its text. What
/// front matter the text has itself stays in it, but for what is said here.
#[must_use]
pub fn markdown_document(text: &str, title: Option<&str>, url: &Url) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let (front, body) = split(text);
    let has = |key: &str| {
        front.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
    };
    let mut out = String::with_capacity(text.len() + 128);
    out.push_str("---\n");
    let mut field = |name: &str, value: &str| {
        // JSON's strings are YAML's.
        let _ = writeln!(out, "{name}: {}", serde_json::Value::from(value));
    };
    if let Some(title) = title.filter(|_| !has("title")) {
        field("title", title);
    }
    field("url", url.as_str());
    let mut is_said = false;
    for line in front.lines() {
        // What is indented belongs to what is said before it.
        if !line.starts_with([' ', '\t', '-', '#']) && !line.trim().is_empty() {
            // Where it was fetched is where it is; other meanings that a site gives to these are not ours.
            is_said = ["url", "permalink", "slug", "id"]
                .iter()
                .any(|key| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')));
        }
        if !is_said {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.push_str("---\n\n");
    out.push_str(body);
    out
}

/// The front matter of YAML, without its lines of hyphens, and the rest.
fn split(text: &str) -> (&str, &str) {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return ("", text) };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return (&rest[..at], &rest[at + line.len()..]);
        }
        // A rule, and what follows is text.
        if at == 0 && line.trim().is_empty() {
            return ("", text);
        }
        at += line.len();
    }
    ("", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_and_title_stand_before_the_text() {
        let url = Url::parse("https://d.example/a").unwrap();
        assert_eq!(
            markdown_document("\u{feff}# A\n", Some("A: \"b\""), &url),
            "---\ntitle: \"A: \\\"b\\\"\"\nurl: \"https://d.example/a\"\n---\n\n# A\n"
        );
        assert_eq!(
            markdown_document("---\ntitle: Own\nurl: /x\ndraft: false\n---\nText\n", Some("A"), &url),
            "---\nurl: \"https://d.example/a\"\ntitle: Own\ndraft: false\n---\n\nText\n"
        );
        assert_eq!(
            markdown_document("---\n\nText", None, &url),
            "---\nurl: \"https://d.example/a\"\n---\n\n---\n\nText"
        );
    }
}
