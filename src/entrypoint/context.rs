//! The context of an entrypoint.

use std::sync::Arc;

use super::Entrypoint;
use crate::context::Context;
use crate::runtime::Runtime;
use crate::service::ServiceContext;

impl Entrypoint {
    /// The values that the services share. It is closed at the end of the stop.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.shared.context
    }
}

impl Context {
    /// The context of the entrypoint that the current task belongs to, if it belongs to one.
    #[must_use]
    pub fn current() -> Option<Self> {
        Some(Entrypoint::current()?.context().clone())
    }
}

/// A context that tells which service waits.
pub(super) fn make(runtime: &Runtime) -> Context {
    Context::with(Some(runtime.unowned()), || {
        Some(Arc::from(ServiceContext::current()?.name()))
    })
}
