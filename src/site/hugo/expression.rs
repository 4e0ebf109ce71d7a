//! Expressions of `ignoreFiles`, as far as they are plain: signs, `.`, `.*`, `^` and `$`.

/// An expression.
#[derive(Debug)]
pub(super) struct Expression(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Start,
    End,
    Any,
    One,
    Char(char),
}

impl Expression {
    /// Reads an expression; `None`: it has more in it than is known here.
    pub(super) fn read(pattern: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '\\' => Piece::Char(chars.next().filter(|c| !c.is_alphanumeric())?),
                '^' if pieces.is_empty() => Piece::Start,
                '$' if chars.peek().is_none() => Piece::End,
                '.' if chars.peek() == Some(&'*') => {
                    chars.next();
                    Piece::Any
                }
                '.' => Piece::One,
                '*' | '+' | '?' | '[' | ']' | '(' | ')' | '{' | '}' | '|' | '^' | '$' => return None,
                c => Piece::Char(c),
            });
        }
        Some(Self(pieces))
    }

    /// Whether it is found in a text, in time of the product of both at most.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let Self(pieces) = self;
        let text: Vec<char> = text.chars().collect();
        let is_anchored = pieces.first() == Some(&Piece::Start);
        // Which beginnings of the text the pieces so far can have taken.
        let mut places: Vec<bool> = (0..=text.len()).map(|at| at == 0 || !is_anchored).collect();
        for piece in pieces {
            let mut next = vec![false; text.len() + 1];
            let mut any = false;
            for (at, was) in places.iter().enumerate() {
                any |= was;
                match piece {
                    Piece::Start => next[at] = *was,
                    Piece::End => next[at] = *was && at == text.len(),
                    Piece::Any => next[at] = any,
                    Piece::One | Piece::Char(_) => {
                        let takes = text.get(at).is_some_and(|c| *piece == Piece::One || *piece == Piece::Char(*c));
                        if *was && takes {
                            next[at + 1] = true;
                        }
                    }
                }
            }
            places = next;
        }
        places.into_iter().any(|place| place)
    }
}
