//! Fenced code, line by line: what stands in it means itself, whatever the dialect.

/// Whether the present line stands in fenced code.
#[derive(Clone, Debug, Default)]
pub(super) struct Fences {
    /// Sign, length and indentation of the fence that is open, and its info string.
    open: Option<(u8, usize, String)>,
}

impl Fences {
    /// Takes the next line: quotes, list signs and indentation before a fence are passed over.
    pub(super) fn take(&mut self, line: &str) {
        // Most lines are no fence, as their first byte tells.
        let start = line.bytes().position(|byte| !matches!(byte, b' ' | b'\t' | b'>')).unwrap_or(line.len());
        let text = &line[start..];
        let Some((sign, length)) = fence(text) else { return };
        let rest = text[length..].trim();
        match &self.open {
            Some((open, least, _)) => {
                if *open == sign && length >= *least && rest.is_empty() {
                    self.open = None;
                }
            }
            None if sign == b'`' && rest.contains('`') => {}
            None => self.open = Some((sign, length, rest.to_owned())),
        }
    }

    /// Whether what follows stands in code, the closing fence included.
    pub(super) fn is_in(&self) -> bool {
        self.open.is_some()
    }

    /// The info string of the fence that is open.
    pub(super) fn info(&self) -> &str {
        self.open.as_ref().map_or("", |(_, _, info)| info)
    }
}

/// How long the code is that a text begins with, or the signs that begin none.
pub(super) fn code_span(text: &str) -> usize {
    /// A longer one is none of a person's, and would be looked for again and again.
    const MAX_BYTES: usize = 8192;
    let count = text.bytes().take_while(|byte| *byte == b'`').count();
    let mut at = count;
    while let Some(next) = text.get(at..).filter(|_| at < MAX_BYTES).and_then(|rest| rest.find('`')) {
        let run = text.get(at + next..).map_or(0, |rest| rest.bytes().take_while(|byte| *byte == b'`').count());
        at += next + run;
        if run == count {
            return at;
        }
    }
    count
}

/// The sign and the length of the fence that a line begins with.
fn fence(text: &str) -> Option<(u8, usize)> {
    let sign = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = text.bytes().take_while(|byte| *byte == sign).count();
    (length >= 3).then_some((sign, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_ends_with_its_own_sign_and_length() {
        let mut fences = Fences::default();
        let mut is_in = |line: &str| {
            fences.take(line);
            fences.is_in()
        };
        let lines =
            [("````md x", true), ("```", true), ("~~~~", true), ("````", false), ("  ~~~", true), ("~~~ x", true)];
        for (line, expected) in lines {
            assert_eq!(is_in(line), expected, "{line}");
        }
        assert!(!{
            let mut fences = Fences::default();
            fences.take("```inline``` text");
            fences.is_in()
        });
    }
}
