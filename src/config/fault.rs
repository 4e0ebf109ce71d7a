//! What is wrong with a configuration, shown with the line that is meant.
//!
//! Invariant: a secret that stands in the file in clear never leaves it through an error. A line is shown with the
//! values of secret keys, credentials in urls, and whatever looks like a token masked; see [`mask`].

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::mask;
use super::tree::Position;

/// Why there is no configuration.
#[derive(Clone, Debug)]
pub enum Error {
    /// None was named and none is at the usual places.
    NotFound {
        /// Where it was looked for.
        places: Vec<PathBuf>,
    },
    /// It is not there or cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason, and what to do.
        reason: String,
    },
    /// It was read and will not do.
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it, in the order of the file.
        faults: Vec<Fault>,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where.
    pub place: Option<Place>,
}

/// A place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// The line, secrets masked.
    source: String,
    /// The bytes of `source` that are meant.
    span: Range<usize>,
}

/// No more are shown.
const MAX_SHOWN: usize = 20;
/// A longer line is cut around the place that is meant.
const MAX_LINE_CHARS: usize = 200;

impl Place {
    /// The place in a text, with the line that is there. `part` is what is underlined, if it is found on the line;
    /// else it is the word at the position.
    pub(super) fn new(text: &str, position: Position, part: Option<&str>) -> Self {
        let (line, start) = line_at(text, position.line);
        let at = line.char_indices().nth(position.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        let span = match part.and_then(|part| line[at..].find(part).map(|n| (at + n, part.len()))) {
            Some((from, len)) => from..from + len,
            None => at..at + word_len(&line[at..]),
        };
        let column = line[..span.start].chars().count() + 1;
        let (source, span) = cut(tabs_visible(mask::line(text, start, line, span)));
        Self { line: position.line, column, source, span }
    }
}

impl Place {
    /// Whether a variable stands on the line: its braces are often what a parser stumbles over.
    pub(super) fn has_variable(&self) -> bool {
        self.source.contains("${")
    }
}

/// The line of that number and the byte at which it starts. Breaks are those of YAML 1.1, which the parser counts by.
pub(super) fn line_at(text: &str, number: usize) -> (&str, usize) {
    let mut start = 0;
    for _ in 1..number {
        match line_break(&text[start..]) {
            Some((at, len)) => start += at + len,
            None => break,
        }
    }
    let line = &text[start..];
    (line_break(line).map_or(line, |(at, _)| &line[..at]), start)
}

fn line_break(text: &str) -> Option<(usize, usize)> {
    let (at, found) =
        text.char_indices().find(|(_, c)| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))?;
    Some((at, if text[at..].starts_with("\r\n") { 2 } else { found.len_utf8() }))
}

fn word_len(text: &str) -> usize {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return text[1..].find(quote).map_or(text.len(), |n| n + 2);
    }
    if text.starts_with('\t') {
        return text.len() - text.trim_start_matches('\t').len();
    }
    let end = text.find([' ', '\t', ',', '}', ']']).unwrap_or(text.len());
    text[..end].trim_end_matches(':').len().max(usize::from(end > 0))
}

/// Shows a line's tabs where one is meant: they look like the blanks that should be there.
fn tabs_visible((source, span): (String, Range<usize>)) -> (String, Range<usize>) {
    const SHOWN: &str = "→   ";
    if !source[span.clone()].starts_with('\t') {
        return (source, span);
    }
    let shown = |part: &str| part.replace('\t', SHOWN);
    let start = shown(&source[..span.start]).len();
    let end = start + shown(&source[span]).len();
    (shown(&source), start..end)
}

/// Cuts a line that is too long to be shown around its span.
fn cut((source, span): (String, Range<usize>)) -> (String, Range<usize>) {
    if source.chars().count() <= MAX_LINE_CHARS {
        return (source, span);
    }
    let from = floor(&source, span.start.saturating_sub(MAX_LINE_CHARS / 2));
    let to = floor(&source, (from + MAX_LINE_CHARS).min(source.len()));
    let end = span.end.clamp(span.start, to);
    (source[from..to].to_owned(), span.start - from..end - from)
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Error {
    /// The error with colours, for a stream that can show them.
    #[must_use]
    pub fn styled(&self) -> String {
        self.rendered(&Renderer::styled().decor_style(DecorStyle::Ascii))
    }

    fn rendered(&self, renderer: &Renderer) -> String {
        match self {
            Self::NotFound { places } => {
                let places: Vec<_> = places.iter().map(|p| format!("`{}`", p.display())).collect();
                let title = format!("no configuration found at {}", places.join(" or "));
                let help = "write one there, or name it: `finmirror --config FILE`, or `$FINMIRROR_CONFIG`";
                format!("{}\nhelp: {help}", alone(&title, renderer))
            }
            Self::Unreadable { file, reason } => {
                let title = format!("cannot read the configuration `{}`: {reason}", file.display());
                alone(&title, renderer)
            }
            Self::Invalid { file, faults } => {
                let path = file.display().to_string();
                let mut out: Vec<_> = faults.iter().take(MAX_SHOWN).map(|f| f.rendered(&path, renderer)).collect();
                if faults.len() > MAX_SHOWN {
                    out.push(format!("… and {} more", faults.len() - MAX_SHOWN));
                }
                out.join("\n\n")
            }
        }
    }
}

impl Fault {
    fn rendered(&self, path: &str, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(self.message.as_str());
        let group = match &self.place {
            Some(place) => title.element(
                Snippet::source(place.source.as_str())
                    .line_start(place.line)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(place.span.clone())),
            ),
            None => title.element(Origin::path(path)),
        };
        let help = self.help.as_deref().map(|help| Level::HELP.message(help));
        renderer.render(&[group.elements(help)])
    }
}

/// A title without a place.
fn alone(title: &str, renderer: &Renderer) -> String {
    renderer.render(&[Level::ERROR.primary_title(title).elements(Vec::<Origin<'_>>::new())])
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.rendered(&Renderer::plain().decor_style(DecorStyle::Ascii));
        // Whoever prints an error says that it is one; only those that follow the first say so themselves.
        f.write_str(text.strip_prefix("error: ").unwrap_or(&text))
    }
}

impl std::error::Error for Error {}

/// The known word that was probably meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|known| (distance(&word.to_lowercase(), known), known))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many characters must be put in, taken out, replaced or swapped with their neighbour. Long words are not looked at.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(65).collect(), b.chars().take(65).collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
