//! What a cycle came to: its counts, its outcome, the exit status; as JSON for machines and in words for people.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::page::{Problem, ScanDigest};
use crate::plan::Plain;

/// Failures and problems that a person is shown one by one; the rest is a number.
const SHOWN: usize = 20;

/// How a cycle ended, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Fin has what the source says.
    Converged,
    /// It has, but for deletes over the limit that wait for a person.
    Held,
    /// The source could not be seen whole: nothing was deleted.
    Incomplete,
    /// Pages failed, or the source did.
    Failed,
}

/// A page that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPage {
    /// The document.
    pub path: String,
    /// Its id.
    pub external_id: String,
    /// A stable word.
    pub code: String,
    /// What happened, and what to do about it.
    pub message: String,
}

/// One cycle of one source. Its JSON is a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleReport {
    /// The source.
    pub source: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Documents seen.
    pub scanned: u64,
    /// Pages that Intercom has as they are.
    pub unchanged: u64,
    /// Pages created.
    pub created: u64,
    /// Pages updated.
    pub updated: u64,
    /// Pages renamed.
    pub renamed: u64,
    /// Pages deleted.
    pub deleted: u64,
    /// Deletes (and new pages that may be their other half) that wait.
    pub held: u64,
    /// What `--release-held` takes to release them, `SOURCE@ID`, where they wait for a person.
    pub release: Option<String>,
    /// Why they wait for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_why: Option<String>,
    /// Pages that failed.
    pub failed: Vec<FailedPage>,
    /// What could not be seen or done.
    pub problems: Vec<Problem>,
    /// What goes on degraded, or that somebody may want to know.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Documents whose bytes were read.
    #[serde(default)]
    pub read: u64,
    /// Requests sent, repetitions included.
    pub requests: u64,
    /// Repetitions.
    pub retries: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// The source could not be seen whole.
    #[serde(skip)]
    pub blind: bool,
    /// Steps that wait until a later look agrees.
    #[serde(skip)]
    pub settling: u64,
    /// Its only problem is that documents changed while they were sent.
    #[serde(skip)]
    pub only_waits: bool,
    /// What the scan saw, for telling whether a later one sees something else.
    #[serde(skip)]
    pub sketch: Option<ScanDigest>,
    /// Intercom does not take the token, or it is of another workspace: nothing can run.
    #[serde(skip)]
    pub unauthorized: bool,
}

/// Everything that one run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of this shape.
    pub version: u32,
    /// The exit status.
    pub exit: u8,
    /// One for each source.
    pub cycles: Vec<CycleReport>,
}

impl Report {
    /// The report of these cycles, with the exit status that they give: 2 beats 1 beats 3.
    #[must_use]
    pub fn new(cycles: Vec<CycleReport>) -> Self {
        let worst = cycles.iter().map(|cycle| cycle.outcome).max().unwrap_or(Outcome::Converged);
        let exit = match worst {
            _ if cycles.iter().any(|cycle| cycle.unauthorized) => 2,
            Outcome::Failed | Outcome::Incomplete => 1,
            Outcome::Held => 3,
            Outcome::Converged => 0,
        };
        Self { version: 1, exit, cycles }
    }
}

impl CycleReport {
    /// A report of nothing yet.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            outcome: Outcome::Converged,
            scanned: 0,
            unchanged: 0,
            created: 0,
            updated: 0,
            renamed: 0,
            deleted: 0,
            held: 0,
            release: None,
            held_why: None,
            failed: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            read: 0,
            requests: 0,
            retries: 0,
            duration_ms: 0,
            blind: false,
            settling: 0,
            only_waits: false,
            sketch: None,
            unauthorized: false,
        }
    }

    /// The report of a source whose turn did not come.
    #[must_use]
    pub fn not_run(source: &str) -> Self {
        let mut report = Self::new(source);
        report.problems.push(Problem { path: String::new(), message: "not looked at: the run was stopped".into() });
        report.judged(false)
    }

    /// Gives it the outcome that its lists say; `stopped`: the source itself failed.
    #[must_use]
    pub fn judged(mut self, stopped: bool) -> Self {
        self.outcome = if stopped || !self.failed.is_empty() {
            Outcome::Failed
        } else if !self.problems.is_empty() {
            Outcome::Incomplete
        } else if self.release.is_some() {
            Outcome::Held
        } else {
            Outcome::Converged
        };
        self
    }

    /// A copy whose lists are cut, for the ledger.
    #[must_use]
    pub fn cut(&self, most: usize) -> Self {
        let mut cut = self.clone();
        cut.failed.truncate(most);
        cut.problems.truncate(most);
        cut.warnings.truncate(most);
        cut
    }
}

/// A number with its noun: `1 page`, `2 pages`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::Held => "held",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        })
    }
}

impl Display for CycleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Plain(&self.source), self.outcome)?;
        let counts = [
            (self.created, "created"),
            (self.updated, "updated"),
            (self.renamed, "renamed"),
            (self.deleted, "deleted"),
            (self.held, "held"),
            (self.failed.len() as u64, "failed"),
            (self.unchanged, "unchanged"),
        ];
        let mut separator = " — ";
        for (count, word) in counts.into_iter().filter(|(count, word)| *count > 0 || *word == "unchanged") {
            write!(f, "{separator}{count} {word}")?;
            separator = ", ";
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        let seconds = self.duration_ms as f64 / 1000.0;
        writeln!(f, " ({}, {seconds:.1} s)", counted(self.requests, "request"))?;
        for failed in self.failed.iter().take(SHOWN) {
            writeln!(f, "  failed   {}: {}", Plain(&failed.path), Plain(&failed.message))?;
        }
        if self.failed.len() > SHOWN {
            writeln!(f, "  failed   … and {} more; `finmirror status` has them", self.failed.len() - SHOWN)?;
        }
        for problem in self.problems.iter().take(SHOWN) {
            let colon = if problem.path.is_empty() { "" } else { ": " };
            writeln!(f, "  problem  {}{colon}{}", Plain(&problem.path), Plain(&problem.message))?;
        }
        if self.problems.len() > SHOWN {
            writeln!(f, "  problem  … and {} more", self.problems.len() - SHOWN)?;
        }
        if self.blind {
            writeln!(f, "           nothing is deleted while the source cannot be seen whole")?;
        }
        if let (Some(release), Some(why)) = (&self.release, &self.held_why) {
            writeln!(f, "  held     {}: {why}", counted(self.held, "delete"))?;
            writeln!(f, "           look at them with `finmirror plan`; if they are right:")?;
            writeln!(f, "           finmirror --once --release-held {}", Plain(release))?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning  {}", Plain(warning))?;
        }
        Ok(())
    }
}
