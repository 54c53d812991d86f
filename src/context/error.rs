use std::fmt;
use std::time::Duration;

use super::key::Label;

/// Says that a key was not set: the context was closed before, or the limit was over.
#[derive(Clone, PartialEq, Eq)]
pub struct NotSet {
    label: Label,
    limit: Option<Duration>,
}

impl NotSet {
    pub(super) fn closed(label: Label) -> Self {
        Self { label, limit: None }
    }

    pub(super) fn within(label: Label, limit: Duration) -> Self {
        Self {
            label,
            limit: Some(limit),
        }
    }

    /// The key's name; `None` for the key of a type.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        self.label.name
    }

    /// What the value's type is called.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.label.type_name
    }

    /// Whether it is because the context was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.limit.is_none()
    }

    /// The limit that was over, if it is because of that.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl fmt::Display for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label;
        match self.limit {
            Some(limit) => write!(f, "the key {label} was not set within {limit:?}"),
            None => write!(f, "the context was closed before the key {label} was set"),
        }
    }
}

impl fmt::Debug for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotSet")
            .field("key", &self.label)
            .field("limit", &self.limit)
            .finish()
    }
}

impl std::error::Error for NotSet {}
