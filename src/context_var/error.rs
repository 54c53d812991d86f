use std::fmt;

/// Says that a context variable was set where nothing would end that; see [`ContextVar::set`](super::ContextVar::set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoScope {
    /// What the variable is called.
    pub name: &'static str,
}

impl fmt::Display for NoScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the context variable `{}` was set outside of any task: use `scope` or `sync_scope`",
            self.name
        )
    }
}

impl std::error::Error for NoScope {}
