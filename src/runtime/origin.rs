//! What tasks are called, and where they come from.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What a task is called.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Given(Cow<'static, str>),
    /// One that many tasks have: it is not copied for each.
    Shared(Arc<str>),
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Given(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// What a task is called and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) name: Name,
    pub(crate) location: &'static Location<'static>,
}
