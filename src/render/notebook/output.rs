//! What the code of a notebook has printed: text stays, tables become clean html, pictures say nothing. Bounded.

use serde_json::Value;

use super::{Body, Wishes, text_of};
use crate::page::Failure;
use crate::render::Warning;
use crate::render::plain;

/// Characters of one output that are kept.
const MAX_CHARS: usize = 10_000;

/// Raw HTML longer than this is cut before it is read: it is a picture or an application, and no table of a person's.
const MAX_HTML_BYTES: usize = 512 * 1024;

/// Makes clean html of raw HTML.
pub(super) type ToHtml<'h> = dyn Fn(&str) -> Result<(String, Vec<Warning>), Failure> + 'h;

/// Writes the outputs of one cell.
pub(super) struct Outputs<'o, 'h> {
    pub(super) body: &'o mut Body,
    pub(super) html: &'o ToHtml<'h>,
    pub(super) wishes: &'o Wishes,
}

impl Outputs<'_, '_> {
    pub(super) fn write(&mut self, outputs: &Value) -> Result<(), Failure> {
        // A program prints in pieces; what follows each other on one stream is one text.
        let mut printed = String::new();
        let mut printed_on = String::new();
        for output in outputs.as_array().into_iter().flatten() {
            let kind = output["output_type"].as_str().unwrap_or_default();
            let is_stream = kind == "stream";
            let stream = output["name"].as_str().or(output["stream"].as_str()).unwrap_or("stdout");
            if !(is_stream && stream == printed_on) {
                self.text("", &std::mem::take(&mut printed));
                stream.clone_into(&mut printed_on);
            }
            match kind {
                "stream" => {
                    let is_out =
                        if stream == "stderr" { self.wishes.removes_stderr } else { self.wishes.removes_stdout };
                    if !is_out {
                        printed.push_str(&text_of(&output["text"]));
                    }
                }
                "error" | "pyerr" => self.error(output),
                "execute_result" | "display_data" | "pyout" => {
                    let data = &output["data"];
                    self.data(if data.is_object() { data } else { output })?;
                }
                _ => {}
            }
            if !is_stream {
                printed_on.clear();
            }
        }
        self.text("", &printed);
        Ok(())
    }

    /// Writes raw HTML; `false` where nothing of it is left.
    pub(super) fn html(&mut self, raw: &str) -> Result<bool, Failure> {
        let is_long = raw.len() > MAX_HTML_BYTES;
        let (mut clean, _) = (self.html)(if is_long { up_to_tag(raw, MAX_HTML_BYTES) } else { raw })?;
        if plain::text(&clean).is_empty() {
            return Ok(false);
        }
        let cut = cut_html(&clean).map(str::to_owned);
        if let Some(cut) = &cut {
            (clean, _) = (self.html)(cut)?;
        }
        if is_long || cut.is_some() {
            clean.push('…');
            self.warn_of_cut();
        }
        self.body.html(&clean);
        Ok(true)
    }

    /// Writes the one form of a value that says most, in the order in which Jupyter shows them; where that is a picture or
    /// an application, its text only names an object of the program.
    fn data(&mut self, data: &Value) -> Result<(), Failure> {
        let field = |mime: &str, old: &str| {
            let value = if data[mime].is_null() { &data[old] } else { &data[mime] };
            Some(text_of(value)).filter(|text| !text.trim().is_empty())
        };
        let keys = || data.as_object().into_iter().flat_map(|map| map.keys());
        let is_other = |key: &String| {
            key.starts_with("image/")
                || key.starts_with("application/vnd.")
                || matches!(key.as_str(), "png" | "jpeg" | "svg" | "application/javascript" | "javascript")
        };
        if let Some(html) = field("text/html", "html")
            && self.html(&html)?
        {
            return Ok(());
        }
        if let Some(markdown) = field("text/markdown", "markdown") {
            let markdown = self.bounded(&markdown);
            self.body.markdown(&markdown);
        } else if let Some(latex) = field("text/latex", "latex") {
            self.text("latex", &latex);
        } else if keys().any(is_other) {
            // Nothing that could be read.
        } else if !data["application/json"].is_null() {
            let json = serde_json::to_string_pretty(&data["application/json"]).unwrap_or_default();
            self.text("json", &json);
        } else if let Some(text) = field("text/plain", "text").filter(|text| !is_address(text)) {
            self.text("", &text);
        }
        Ok(())
    }

    fn error(&mut self, output: &Value) {
        let part = |key: &str| output[key].as_str().unwrap_or_default().to_owned();
        let what = format!("{}: {}", part("ename"), part("evalue"));
        let trace: Vec<&str> = output["traceback"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let trace = as_on_a_terminal(&trace.join("\n"));
        let what = what.trim_matches([':', ' ']).to_owned();
        self.text("", &if trace.contains(&what) { trace } else { format!("{what}\n{trace}") });
    }

    fn text(&mut self, language: &str, text: &str) {
        if !text.trim().is_empty() {
            let text = self.bounded(&as_on_a_terminal(text));
            self.body.code(language, &text);
        }
    }

    fn bounded(&mut self, text: &str) -> String {
        match text.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => {
                self.warn_of_cut();
                format!("{}\n…", text[..end].trim_end())
            }
            None => text.to_owned(),
        }
    }

    fn warn_of_cut(&mut self) {
        self.body.warn("output_cut", &format!("what it printed is cut after {MAX_CHARS} characters"));
    }
}

/// Whether a text only says where an object of the program lay: `[<matplotlib.lines.Line2D at 0x7f21298cc828>]`.
fn is_address(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['[', '(']).trim_end_matches([']', ')', ',']);
    text.starts_with('<') && text.ends_with('>') && text.contains(" at 0x") && !text.contains('\n')
}

/// A text as a terminal shows it in the end: no colours, and of a line that was written over the last writing.
fn as_on_a_terminal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                Some(']') => while chars.next().is_some_and(|c| !matches!(c, '\u{7}' | '\u{1b}')) {},
                _ => {}
            },
            '\u{8}' => drop(plain.pop()),
            _ => plain.push(c),
        }
    }
    if !plain.contains('\r') {
        return plain;
    }
    let last = |line: &str| {
        let line = line.trim_end_matches('\r');
        line.rsplit('\r').next().unwrap_or_default().to_owned()
    };
    plain.split('\n').map(last).collect::<Vec<_>>().join("\n")
}

/// Html with its first characters of text only, up to the end of a tag; `None`: it has no more than may be kept.
fn cut_html(html: &str) -> Option<&str> {
    let (mut in_tag, mut chars, mut last_tag) = (false, 0, 0);
    for (at, c) in html.char_indices() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                last_tag = at + 1;
            }
            _ if !in_tag => {
                chars += 1;
                if chars > MAX_CHARS {
                    // A single text that is too long is cut within.
                    return Some(&html[..if last_tag > MAX_CHARS / 2 { last_tag } else { at }]);
                }
            }
            _ => {}
        }
    }
    None
}

fn up_to_tag(html: &str, mut end: usize) -> &str {
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let head = &html[..end];
    head.rfind('>').map_or("", |at| &head[..=at])
}
