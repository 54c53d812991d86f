use std::fmt;

use super::lines;

/// What the suite found out about an adapter.
#[derive(Clone, Debug)]
#[must_use = "a report says something only when it is read; `assert` panics if a check failed"]
pub struct Report {
    subject: String,
    checks: Vec<CheckReport>,
}

/// What became of one check.
#[derive(Clone, Debug)]
pub struct CheckReport {
    pub(super) line: &'static str,
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The adapter does what the line says.
    Passed,
    /// It does not; the text says what was seen.
    Failed(String),
    /// It could not be looked at; the text says why.
    Skipped(String),
}

impl Report {
    pub(super) fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            checks: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, check: CheckReport) {
        self.checks.push(check);
    }

    /// All checks, in the order in which they ran.
    #[must_use]
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// The lines of the contract that failed, each once.
    #[must_use]
    pub fn failed_lines(&self) -> Vec<&'static str> {
        let mut lines = Vec::new();
        for check in self.failed() {
            if !lines.contains(&check.line) {
                lines.push(check.line);
            }
        }
        lines
    }

    /// Goes through the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// Goes through the checks that were skipped.
    pub fn skipped(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Skipped(_)))
    }

    /// Whether no check failed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Ends the test if a check failed.
    ///
    /// # Panics
    ///
    /// If a check failed, with a list of the lines of the contract and of what was seen.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_success(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        let passed = self.checks.len() - failed - skipped;
        let subject = &self.subject;
        write!(
            f,
            "{subject}: {passed} checks passed, {failed} failed, {skipped} skipped"
        )?;
        for check in self.failed().chain(self.skipped()) {
            write!(f, "\n{check}")?;
        }
        Ok(())
    }
}

impl CheckReport {
    /// The line of the contract, such as `S4`.
    #[must_use]
    pub fn line(&self) -> &'static str {
        self.line
    }

    /// What the line says, in short.
    #[must_use]
    pub fn text(&self) -> &'static str {
        lines::text(self.line)
    }

    /// The situation that was looked at.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, name, .. } = self;
        match &self.outcome {
            Outcome::Passed => write!(f, "  passed   {line} ({name})"),
            Outcome::Failed(seen) => {
                write!(
                    f,
                    "  FAILED   {line}: {}\n           {name}: {seen}",
                    self.text()
                )
            }
            Outcome::Skipped(why) => write!(f, "  skipped  {line} ({name}): {why}"),
        }
    }
}
