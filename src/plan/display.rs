//! How a plan reads: one line for each step, then what failed, what could not be seen, and the sum.

use std::fmt::{self, Display};

use super::{PageFailure, Plan, Step, Wait};

/// Text from outside, made safe for a terminal: control characters and bidirectional overrides are escaped.
pub struct Plain<'a>(pub &'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = |c: char| {
            c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let mut rest = self.0;
        while let Some(at) = rest.find(odd) {
            f.write_str(&rest[..at])?;
            let c = rest[at..].chars().next().expect("a match has a character");
            write!(f, "{}", c.escape_default())?;
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

impl Step<'_> {
    /// The word for it, as `plan --json` has it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Rename { .. } => "rename",
            Self::Delete { .. } => "delete",
            Self::HoldDelete { .. } | Self::HoldNew { .. } => "hold",
        }
    }

    /// Why, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Create { .. } => "new".into(),
            Self::Update { reason, .. } => reason.clone(),
            Self::Rename { entry, .. } => format!("moved from `{}`", entry.external_id),
            Self::Delete { gone, .. } => gone.to_string(),
            Self::HoldDelete { gone, wait, .. } => format!("{gone}; {wait}"),
            Self::HoldNew { wait, .. } => format!("new, perhaps moved; {wait}"),
        }
    }

    /// The document's path, the title, the url and the size of the html, as far as the step knows them.
    #[must_use]
    pub fn page(&self) -> (&str, Option<&str>, Option<&str>, Option<u64>) {
        match self {
            Self::Create { document, page }
            | Self::Update { document, page, .. }
            | Self::Rename { document, page, .. }
            | Self::HoldNew { document, page, .. } => {
                (document.path.as_str(), Some(&page.title), document.url.as_deref(), Some(page.html_bytes))
            }
            Self::Delete { entry, .. } | Self::HoldDelete { entry, .. } => {
                let had = entry.acknowledged.as_ref();
                (entry.path.as_str(), had.map(|a| &*a.title), had.and_then(|a| a.url.as_deref()), None)
            }
        }
    }
}

impl Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delisted => f.write_str("the website still has it"),
            Self::Limit => f.write_str("over the limit on deletes"),
            Self::Scans { seen, wanted } => write!(f, "missed by {seen} of {wanted} scans"),
            Self::Settle => f.write_str("waits for a second scan to agree"),
            Self::Conflict => f.write_str("waits until no two documents share an id or a url"),
            Self::Unread => {
                f.write_str("waits until the unreadable new document is readable: it may be this one, moved")
            }
        }
    }
}

impl Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let (id, path) = (step.external_id().as_str(), step.page().0);
            let from = if path == id { String::new() } else { format!(" from `{path}`") };
            writeln!(f, "{:<7} {}{}  ({})", step.action(), Plain(id), Plain(&from), Plain(&step.reason()))?;
        }
        for PageFailure { document, failure } in &self.failed {
            writeln!(f, "failed  {}  ({}: {})", Plain(document.path.as_str()), failure.code, Plain(&failure.message))?;
        }
        for problem in self.problems {
            let path = if problem.path.is_empty() { "." } else { &problem.path };
            writeln!(f, "problem {}  ({})", Plain(path), Plain(&problem.message))?;
        }
        let count = |action: &str| self.steps.iter().filter(|s| s.action() == action).count();
        write!(
            f,
            "{} to create, {} to update, {} to rename, {} to delete, {} held, {} unchanged, {} failed",
            count("create"),
            count("update"),
            count("rename"),
            count("delete"),
            count("hold"),
            self.unchanged,
            self.failed.len(),
        )?;
        if !self.problems.is_empty() {
            write!(f, "\nno deletes: the source could not be seen whole")?;
        }
        if let Some(held) = &self.held {
            write!(f, "\nheld set {}: {}", held.id, held.why)?;
        }
        Ok(())
    }
}
