use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Service, ServiceContext};
use crate::error::{BoxError, end_of_panic};

/// A service as its entrypoint holds it: should it panic when it is dropped, the log tells, and nobody
/// else has to do with it.
#[derive(Clone, Default)]
pub(super) struct Object(Option<Arc<dyn Service>>);

impl Object {
    pub(super) fn new(service: Arc<dyn Service>) -> Self {
        Self(Some(service))
    }

    /// The service; one that does nothing for the default.
    pub(super) fn get(&self) -> &dyn Service {
        self.0.as_deref().unwrap_or(&Gone)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let service = self.0.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(service))) {
            tracing::error!(panic = %end_of_panic(panic), "dropping a service panicked");
        }
    }
}

struct Gone;

#[async_trait]
impl Service for Gone {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }
}
