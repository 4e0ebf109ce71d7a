//! Notebooks in, pages out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::page::{DocPath, Failure};
use crate::render::{Availability, Facts, Inputs, PageOptions, PagePolicies, Rendered, Subject, facts, render};
use crate::site::{Alone, Generator, Site, SiteOptions, UrlStyle};

struct Pages;

impl Inputs for Pages {
    fn page_url(&self, path: &DocPath) -> Option<String> {
        (path.as_str() == "b.md").then(|| "https://d.example/b/".to_owned())
    }
}

fn read(text: &str) -> Result<(Facts, Rendered), Failure> {
    let base_url = Some(url::Url::parse("https://d.example/").unwrap());
    let options =
        SiteOptions { generator: Generator::Plain, base_url, urls: UrlStyle::Directory, settings: BTreeMap::new() };
    let (site, path) = (Site::plain(options), DocPath::new("n.ipynb"));
    let page = PageOptions {
        locale: "en".into(),
        ai_agent: true,
        ai_copilot: true,
        availability: Availability::OnCreate,
        policies: PagePolicies::default(),
    };
    let facts = facts(&path, text.as_bytes(), &site)?;
    let placement = site.place(&path, &facts, &Alone);
    let subject = Subject { path: &path, bytes: text.as_bytes(), facts: &facts, placement: &placement };
    let rendered = render(subject, &site, &page, &Pages)?.remove(0);
    Ok((facts, rendered))
}

fn show(notebook: &Value) -> String {
    match read(&notebook.to_string()) {
        Ok((_, Rendered { page, warnings, .. })) => {
            warnings.iter().fold(format!("{}\n{}\n", page.title, page.html), |mut out, warning| {
                writeln!(out, "! {:?} {}: {}", warning.line, warning.code, warning.message).unwrap();
                out
            })
        }
        Err(failure) => format!("failed, {}: {}", failure.code, failure.message),
    }
}

fn code(source: &str, tags: &[&str], outputs: impl Into<Value>) -> Value {
    let outputs: Value = outputs.into();
    json!({"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": outputs})
}

fn printed(text: &str) -> Value {
    json!([{"output_type": "stream", "name": "stdout", "text": text}])
}

#[test]
fn cells_and_what_they_print_become_a_page() {
    let table = "<div>\n<style scoped>\n  .x { a: b }\n\n</style>\n<table border=\"1\"><tr><th>a</th></tr>\n\n<tr><td onclick=\"x()\">1</td></tr></table>\n</div>";
    let notebook = json!({
        "nbformat": 4,
        "metadata": {"kernelspec": {"language": "Python"}, "title": "Not this"},
        "cells": [
            {"cell_type": "raw", "source": ["---\n", "description: x\n", "---\n"], "metadata": {}},
            {"cell_type": "markdown", "source": ["# Pumps\n", "\n", "See [b](b.md), [gone](gone.md). ![image.png](attachment:image.png)\n", "\n", "```text\n", "open fence"]},
            code("#| label: fig\nprint('''```''')\n", &[], json!([
                {"output_type": "stream", "name": "stdout", "text": ["one\n", "10%\r50%\r100%\n"]},
                {"output_type": "stream", "name": "stdout", "text": "\u{1b}[31mtwo\u{1b}[0m"},
                {"output_type": "stream", "name": "stderr", "text": "careful"},
                {"output_type": "execute_result", "data": {"text/html": table, "text/plain": "a\n1"}},
                {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                {"output_type": "display_data", "data": {"text/markdown": "**bold**", "text/plain": "bold"}},
                {"output_type": "execute_result", "data": {"application/json": {"k": [1]}, "text/plain": "<JSON>"}},
                {"output_type": "execute_result", "data": {"text/plain": "[<X at 0x7f12>]"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "bad <x>", "traceback": ["\u{1b}[0;31mTrace\u{1b}[0m", "line"]},
            ])),
            code("hidden()", &["hide-input"], printed("shown")),
            code("secret()", &["remove-input"], printed("result")),
            code("loud()", &["remove_output"], printed("noise")),
            code("gone()", &["remove-cell"], printed("gone too")),
            code("#| echo: false\nquarto()", &[], printed("kept")),
            {"cell_type": "raw", "source": "<b>raw</b>", "metadata": {"raw_mimetype": "text/html"}},
            {"cell_type": "raw", "source": "raw text", "metadata": {}},
            code("", &[], json!([])),
        ],
    });
    insta::assert_snapshot!(show(&notebook));
}

#[test]
fn version_three_is_read() {
    let notebook = json!({"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": [
        {"cell_type": "heading", "level": 1, "source": ["Old\n", "one"]},
        {"cell_type": "code", "language": "python", "input": ["1+1\n", "2"], "outputs": [
            {"output_type": "pyout", "text": ["2"]},
            {"output_type": "display_data", "png": "iVBOR", "text": ["<matplotlib>"]},
            {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": ["E: v"]},
            {"output_type": "stream", "stream": "stderr", "text": "warned"}]}]}]});
    insta::assert_snapshot!(show(&notebook));
}

#[test]
fn a_first_cell_may_be_front_matter_and_else_is_none() {
    let with = |kind: &str, first: &str| {
        let cells = json!([{"cell_type": kind, "source": first}, {"cell_type": "markdown", "source": "Text"}]);
        read(&json!({"cells": cells, "metadata": {"title": " By  metadata "}}).to_string())
    };
    let (facts, page) = with("raw", "---\ntitle: By front matter\ndraft: true\n---\n").unwrap();
    assert_eq!((facts.title.as_deref(), facts.excluded.as_deref()), (Some("By front matter"), Some("draft: true")));
    assert_eq!((page.page.title.as_str(), page.page.html.as_str()), ("By front matter", "<p>Text</p>"));
    assert_eq!(with("markdown", "Hello").unwrap().1.page.title, "By metadata");
    assert_eq!(with("raw", "---\ntitle: [\n---\n").unwrap_err().code, "front_matter");
    assert_eq!(read("{}").unwrap_err().code, "notebook");
    assert_eq!(read("[1").unwrap_err().code, "notebook");
    assert_eq!(read("").unwrap_err().code, "empty");
}

#[test]
fn long_outputs_are_cut_and_said_to_be() {
    let long = "<tr><td>cell</td></tr>".repeat(20_000);
    let notebook = json!({"cells": [
        code("a", &[], printed(&"é".repeat(50_000))),
        code("b", &[], json!([{"output_type": "execute_result", "data": {"text/html": format!("<table>{long}")}}])),
    ]});
    let (_, rendered) = read(&notebook.to_string()).unwrap();
    assert!(rendered.page.html.len() < 100_000 && rendered.page.html.contains('…'));
    let cut: Vec<&str> = rendered.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert!(cut.len() == 2 && cut[0].starts_with("cell 1:") && cut[1].starts_with("cell 2:"), "{cut:?}");
}

#[test]
fn what_is_skipped_in_a_cell_is_never_sent() {
    let notebook = |text: &str| json!({"cells": [{"cell_type": "markdown", "source": text}]}).to_string();
    let (_, page) = read(&notebook("a\n\n<!-- fin:skip -->\n\nsecret\n\n<!-- /fin:skip -->\n\nb")).unwrap();
    assert_eq!(page.text(), "a b");
    read(&notebook("a\n\n<!-- fin:skip -->\n\nsecret")).unwrap_err();
}

#[test]
fn what_nobody_wrote_takes_linear_time() {
    let cell = json!({"cell_type": "markdown", "source": "](attachment:![".repeat(20_000)});
    let many: Vec<Value> = (0..3_000).map(|_| code("x", &[], printed("\u{1b}[\u{8}\r"))).collect();
    for notebook in [json!({"cells": [cell]}), json!({"cells": many})] {
        drop(read(&notebook.to_string()));
    }
}
