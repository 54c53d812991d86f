use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Says what is wrong with a cron expression, and where.
///
/// ```
/// use aiomisc::cron::CronSpec;
///
/// let error = CronSpec::parse("0 12 * * MON-FRY").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cron expression `0 12 * * MON-FRY`, day of week, column 14: \
///      expected a number from 0 to 7 or a name from SUN to SAT, got `FRY`"
/// );
/// assert_eq!((error.field(), error.span()), (Some("day of week"), 13..16));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    text: Arc<str>,
    span: Range<usize>,
    field: Option<&'static str>,
    problem: String,
}

impl CronError {
    pub(super) fn new(text: &str, span: Range<usize>, problem: impl Into<String>) -> Self {
        Self {
            text: Arc::from(text),
            span,
            field: None,
            problem: problem.into(),
        }
    }

    pub(super) fn whole(text: &str, problem: impl Into<String>) -> Self {
        Self::new(text, 0..text.len(), problem)
    }

    pub(super) fn in_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The expression, or the name of the time zone, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the [text](Self::text) that are wrong.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The field that is wrong, such as `hour`, where it is one alone.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron expression `{}`", self.text)?;
        if let Some(field) = self.field {
            write!(f, ", {field}")?;
        }
        if self.span != (0..self.text.len()) {
            let before = self.text.get(..self.span.start).unwrap_or_default();
            write!(f, ", column {}", before.chars().count() + 1)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for CronError {}

impl From<Infallible> for CronError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
