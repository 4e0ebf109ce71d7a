//! A template in its pieces: text, `{{ … }}` and `{% … %}`, with the blanks that `-` takes away gone, and its blocks.

use std::ops::Range;

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Text(&'t str),
    /// What stands in `{{ }}`.
    Output(&'t str),
    /// The word that `{%` is followed by, and what is between it and `%}`.
    Tag(&'t str, &'t str),
}

/// A piece, and the line that it begins on, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed<'t> {
    pub(super) token: Token<'t>,
    pub(super) line: u32,
}

/// A template and its blocks.
#[derive(Debug)]
pub(super) struct Template<'t> {
    pub(super) tokens: Vec<Placed<'t>>,
    /// For each piece that begins a block, where its branches begin and where it ends.
    blocks: Vec<Option<Block>>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    branches: Vec<usize>,
    end: usize,
    /// Nothing but blanks and settings are in it: it writes nothing.
    is_blank: bool,
}

/// Tags whose content ends with `end…`.
const BLOCKS: &[&str] = &["if", "unless", "case", "for", "tablerow", "capture", "comment", "highlight"];

impl<'t> Template<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let tokens = tokens(text);
        let mut blocks: Vec<Option<Block>> = vec![None; tokens.len()];
        let mut open: Vec<(usize, &str)> = Vec::new();
        for (at, placed) in tokens.iter().enumerate() {
            let owner = open.last().map(|(owner, _)| *owner);
            let Token::Tag(name, _) = placed.token else {
                let is_blank = matches!(placed.token, Token::Text(text) if text.trim().is_empty());
                if let Some(block) = owner.and_then(|owner| blocks[owner].as_mut()) {
                    block.is_blank &= is_blank;
                }
                continue;
            };
            let says_nothing = BLOCKS.contains(&name)
                || name.starts_with("end")
                || matches!(name, "assign" | "else" | "elsif" | "when");
            if let Some(block) = owner.filter(|_| !says_nothing).and_then(|owner| blocks[owner].as_mut()) {
                block.is_blank = false;
            }
            if BLOCKS.contains(&name) {
                open.push((at, name));
                blocks[at] = Some(Block { branches: Vec::new(), end: tokens.len(), is_blank: true });
            } else if matches!(name, "else" | "elsif" | "when") {
                let owner = open.last().filter(|(_, name)| matches!(*name, "if" | "unless" | "case" | "for"));
                if let Some(block) = owner.and_then(|(owner, _)| blocks[*owner].as_mut()) {
                    block.branches.push(at);
                }
            } else if let Some(ended) = name.strip_prefix("end")
                && BLOCKS.contains(&ended)
                && open.last().is_some_and(|(_, name)| *name == ended)
                && let Some((owner, _)) = open.pop()
                && let Some(block) = blocks[owner].as_mut()
            {
                block.end = at;
                let is_blank = block.is_blank || matches!(ended, "capture" | "comment");
                if let Some(outer) = open.last().and_then(|(outer, _)| blocks[*outer].as_mut()) {
                    outer.is_blank &= is_blank;
                }
            }
        }
        Self { tokens, blocks }
    }

    /// Whether the block that a piece begins writes nothing.
    pub(super) fn is_blank(&self, at: usize) -> bool {
        self.blocks.get(at).and_then(Option::as_ref).is_some_and(|block| block.is_blank)
    }

    /// The branches of the block that a piece begins: the piece that begins each, itself the first, and what is in it; then
    /// where the block ends.
    pub(super) fn block(&self, at: usize) -> (Vec<(usize, Range<usize>)>, usize) {
        let Some(block) = self.blocks.get(at).and_then(Option::as_ref) else { return (Vec::new(), at) };
        let mut starts = vec![at];
        starts.extend(&block.branches);
        let ends = starts.iter().skip(1).copied().chain([block.end]);
        let branches = starts.iter().zip(ends).map(|(start, end)| (*start, start + 1..end)).collect();
        (branches, block.end)
    }
}

fn tokens(text: &str) -> Vec<Placed<'_>> {
    let mut reader = Reader { text, counted: 0, line: 0, trims: false, tokens: Vec::new() };
    let (mut at, mut shown) = (0, 0);
    // Where an end was looked for and not found, none is further on.
    let (mut has_output_end, mut has_tag_end) = (true, true);
    while let Some(open) = text[at..].find('{').map(|open| at + open) {
        let inner = open + 2;
        let is_output = text[open..].starts_with("{{") && has_output_end;
        let is_tag = text[open..].starts_with("{%") && has_tag_end;
        if !is_output && !is_tag {
            at = open + 1;
            continue;
        }
        let Some(end) = text[inner..].find(if is_tag { "%}" } else { "}}" }).map(|end| inner + end) else {
            if is_tag {
                has_tag_end = false;
            } else {
                has_output_end = false;
            }
            at = open + 1;
            continue;
        };
        reader.text(shown, open);
        let mut markup = &text[inner..end];
        if let Some(rest) = markup.strip_prefix('-') {
            markup = rest;
            reader.trim_before();
        }
        let trimmed = markup.strip_suffix('-');
        let markup = trimmed.unwrap_or(markup).trim();
        (at, shown) = (end + 2, end + 2);
        reader.trims = trimmed.is_some();
        if is_output {
            reader.push(Token::Output(markup), open);
            continue;
        }
        let name_end = markup.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(markup.len());
        let (name, arguments) = markup.split_at(name_end);
        if name == "raw" {
            let (raw_end, next, trims) = raw(text, end + 2);
            reader.text(end + 2, raw_end);
            reader.trims = trims;
            (at, shown) = (next, next);
        } else {
            reader.push(Token::Tag(name, arguments.trim()), open);
        }
    }
    reader.text(shown, text.len());
    reader.tokens
}

struct Reader<'t> {
    text: &'t str,
    /// Up to here lines were counted.
    counted: usize,
    line: u32,
    /// The next text has no blanks at its beginning.
    trims: bool,
    tokens: Vec<Placed<'t>>,
}

impl<'t> Reader<'t> {
    fn text(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        let kept = if self.trims { text.trim_start() } else { text };
        self.trims = self.trims && kept.is_empty();
        if !kept.is_empty() {
            self.push(Token::Text(kept), to - kept.len());
        }
    }

    fn push(&mut self, token: Token<'t>, at: usize) {
        let lines = self.text[self.counted..at].bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted = at;
        self.tokens.push(Placed { token, line: self.line });
    }

    fn trim_before(&mut self) {
        if let Some(Placed { token: Token::Text(text), .. }) = self.tokens.last_mut() {
            *text = text.trim_end();
        }
    }
}

/// Where what `{% raw %}` begins ends, what follows its end, and whether that ends with `-`.
fn raw(text: &str, from: usize) -> (usize, usize, bool) {
    let mut at = from;
    while let Some(found) = text[at..].find("endraw").map(|found| at + found) {
        at = found + "endraw".len();
        let before = text[from..found].trim_end_matches([' ', '\t', '\n', '\r']);
        let open = before.strip_suffix("{%").or_else(|| before.strip_suffix("{%-").map(str::trim_end));
        let after = text[at..].trim_start();
        let close = after.strip_prefix("%}").or_else(|| after.strip_prefix("-%}"));
        if let (Some(open), Some(close)) = (open, close) {
            return (from + open.len(), text.len() - close.len(), after.starts_with('-'));
        }
    }
    (text.len(), text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        tokens(text).iter().fold(String::new(), |out, placed| format!("{out}{}:{:?} ", placed.line, placed.token))
    }

    #[test]
    fn templates_are_text_outputs_and_tags() {
        for (text, expected) in [
            (
                "a {{ x }}\nb {% if y -%}\n c",
                r#"0:Text("a ") 0:Output("x") 0:Text("\nb ") 1:Tag("if", "y") 2:Text("c") "#,
            ),
            ("a \n{%- x\ny %}", r#"0:Text("a") 1:Tag("x", "y") "#),
            ("{% raw %}{{ x }}{% endraw %}b", r#"0:Text("{{ x }}") 0:Text("b") "#),
            ("{% raw %}endraw {%- endraw -%} b", r#"0:Text("endraw") 0:Text("b") "#),
            ("{{ a {% b", r#"0:Text("{{ a {% b") "#),
            ("{ {é} }}", r#"0:Text("{ {é} }}") "#),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_never_closed_takes_linear_time() {
        for piece in ["{{", "{%", "{% raw %} endraw", "{% if x %}", "{% else %}", "{% endif %}"] {
            let _ = Template::new(&piece.repeat(50_000));
        }
    }
}
