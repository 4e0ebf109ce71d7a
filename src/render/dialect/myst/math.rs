//! Mathematics: `$$`, environments of `LaTeX`, the `math` directive; as Sphinx writes them for `MathJax`, in code, and numbered.

use std::collections::BTreeMap;

use super::{Blocks, Line};

/// The environments of amsmath that may stand by themselves (`MyST`'s `amsmath` extension).
const ENVIRONMENTS: &[&str] = &[
    "equation", "multline", "gather", "align", "alignat", "flalign", "matrix", "pmatrix", "bmatrix", "Bmatrix",
    "vmatrix", "Vmatrix", "eqnarray",
];

/// The numbers of a document's equations.
#[derive(Debug, Default)]
pub(super) struct Equations {
    numbers: BTreeMap<String, usize>,
    last: usize,
    /// An equation was named that was not numbered yet.
    is_asked_early: bool,
    is_again: bool,
}

impl Equations {
    /// The number of the next equation, under its label.
    fn next(&mut self, label: &str) -> usize {
        self.last += 1;
        if !label.is_empty() {
            self.numbers.entry(label.to_owned()).or_insert(self.last);
        }
        self.last
    }

    /// The number of an equation.
    pub(super) fn number(&mut self, label: &str) -> Option<usize> {
        let found = self.numbers.get(label).copied();
        self.is_asked_early |= found.is_none();
        found
    }

    /// Whether to write the document once more helps.
    pub(super) fn is_asked_early(&self) -> bool {
        self.is_asked_early && !self.is_again && self.last > 0
    }

    /// The same numbers, for writing the document once more.
    pub(super) fn again(self) -> Self {
        Self { last: 0, is_asked_early: false, is_again: true, ..self }
    }
}

/// Whether `$$` begins a block: what it opens does not end in the middle of the line.
pub(super) fn is_block(line: &str) -> bool {
    let inner = line.get(2..).unwrap_or_default();
    inner.find("$$").is_none_or(|end| label(inner.get(end + 2..).unwrap_or_default()).is_some())
}

/// The environment that a line begins.
pub(super) fn environment(line: &str) -> Option<&str> {
    let name = line.strip_prefix("\\begin{")?.split_once('}')?.0;
    ENVIRONMENTS.contains(&name.trim_end_matches('*')).then_some(name)
}

/// What follows the closing `$$`: nothing, or ` (label)`.
fn label(rest: &str) -> Option<&str> {
    let rest = rest.trim();
    if rest.is_empty() { Some("") } else { rest.strip_prefix('(')?.strip_suffix(')') }
}

impl Blocks<'_, '_> {
    /// An equation in the text, from its first line on; says how many lines it takes.
    pub(super) fn math_block(&mut self, environment: Option<&str>, lines: &[Line<'_>], prefix: &str) -> usize {
        let Some(first) = lines.first() else { return 0 };
        if let Some(name) = environment {
            let end = format!("\\end{{{name}}}");
            let length = lines.iter().position(|line| line.text.contains(&end)).map_or(lines.len(), |at| at + 1);
            let number = (!name.ends_with('*')).then(|| self.pass.equations.next(""));
            let code: Vec<&str> = lines.iter().take(length).map(|line| line.text).collect();
            self.equation(number, &code, first.origin, prefix);
            return length;
        }
        let mut code = Vec::new();
        let mut found = "";
        let mut length = 0;
        for (at, line) in lines.iter().enumerate() {
            let text = if at == 0 { line.text.trim_start().get(2..).unwrap_or_default() } else { line.text };
            length = at + 1;
            if let Some((last, name)) = text.rsplit_once("$$").and_then(|(last, rest)| Some((last, label(rest)?))) {
                code.push(last);
                found = name;
                break;
            }
            code.push(text);
        }
        let number = (!found.is_empty()).then(|| self.pass.equations.next(found));
        self.equations(number, &code.join("\n"), first.origin, prefix);
        length
    }

    /// `math`: several equations are aligned, and each of several lines is split, as `sphinx.util.math` does.
    pub(super) fn math_directive(&mut self, label: Option<&str>, code: &str, origin: u32, prefix: &str) {
        let number = label.map(|label| self.pass.equations.next(label));
        self.equations(number, code, origin, prefix);
    }

    fn equations(&mut self, number: Option<usize>, code: &str, origin: u32, prefix: &str) {
        let mut parts = vec![String::new()];
        for line in code.lines() {
            if line.trim().is_empty() {
                parts.push(String::new());
            } else if let Some(part) = parts.last_mut() {
                part.push_str(if part.is_empty() { "" } else { "\n" });
                part.push_str(line);
            }
        }
        parts.retain(|part| !part.is_empty());
        for part in &mut parts {
            if part.contains("\\\\") {
                *part = format!("\\begin{{split}}{part}\\end{{split}}");
            }
        }
        let mut text = parts.join("\\\\\n");
        if parts.len() > 1 {
            text = format!("\\begin{{align}}\\begin{{aligned}}{text}\\end{{aligned}}\\end{{align}}");
        }
        let code: Vec<&str> = text.lines().collect();
        self.equation(number, &code, origin, prefix);
    }

    fn equation(&mut self, number: Option<usize>, code: &[&str], origin: u32, prefix: &str) {
        self.pass.out.line(origin, prefix, "");
        if let Some(number) = number {
            self.pass.out.line(origin, prefix, &format!("({number})"));
            self.pass.out.line(origin, prefix, "");
        }
        let lines: Vec<Line<'_>> = code.iter().map(|text| Line { text, origin }).collect();
        self.code("latex", &lines, origin, prefix);
        self.pass.out.line(origin, prefix, "");
    }
}
