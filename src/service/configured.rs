use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;

use super::{Service, ServiceContext, ServiceOptions, StopReason};
use crate::error::BoxError;

/// A service with another name or other options than it gives itself; from
/// [`Service::named`] and [`Service::configure`].
pub struct Configured<S> {
    service: S,
    name: Option<Cow<'static, str>>,
    options: ServiceOptions,
}

impl<S: Service> Configured<S> {
    pub(super) fn new(service: S) -> Self {
        let options = service.options();
        Self {
            service,
            name: None,
            options,
        }
    }

    pub(super) fn with_name(mut self, name: Cow<'static, str>) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn with_options(
        mut self,
        change: impl FnOnce(ServiceOptions) -> ServiceOptions,
    ) -> Self {
        self.options = change(self.options);
        self
    }
}

#[async_trait]
impl<S: Service> Service for Configured<S> {
    fn name(&self) -> Cow<'_, str> {
        match &self.name {
            Some(name) => Cow::Borrowed(name),
            None => self.service.name(),
        }
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        self.service.start(ctx).await
    }

    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        self.service.stop(reason).await
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }

    fn check(&self) -> Result<(), BoxError> {
        self.service.check()
    }

    fn type_name(&self) -> &'static str {
        self.service.type_name()
    }

    fn kind(&self) -> TypeId {
        self.service.kind()
    }
}

impl<S: Service> fmt::Debug for Configured<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured")
            .field("name", &self.name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
