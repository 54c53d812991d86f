use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use super::key::Label;

/// Somebody who waits for a key; from [`Context::waiting`](super::Context::waiting).
#[derive(Clone)]
pub struct Waiting {
    label: Label,
    origin: Origin,
}

/// Who waits, and since when.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) service: Option<Arc<str>>,
    pub(super) location: &'static Location<'static>,
    pub(super) since: Option<Instant>,
}

impl Waiting {
    pub(super) fn new(label: Label, origin: &Origin) -> Self {
        let origin = origin.clone();
        Self { label, origin }
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

    /// The service that waits, where it is one.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.origin.service.as_deref()
    }

    /// Where the value was asked for.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.origin.location
    }

    /// Since when, on the clock of the runtime; `None` where there was none.
    #[must_use]
    pub fn since(&self) -> Option<Instant> {
        self.origin.since
    }
}

/// `` `pool` (Pool) by the service `api` at src/api.rs:12:34 ``
impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.label.fmt(f)?;
        if let Some(service) = self.service() {
            write!(f, " by the service `{service}`")?;
        }
        write!(f, " at {}", self.location())
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("key", &self.label)
            .field("service", &self.service())
            .field("location", &format_args!("{}", self.location()))
            .field("since", &self.since())
            .finish()
    }
}
