use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;

use super::{Service, ServiceContext, ServiceOptions};
use crate::error::BoxError;

/// Makes a service of a closure: its `start`.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{service_fn, services};
///
/// let greeter = service_fn("greeter", |ctx| async move {
///     ctx.ready();
///     ctx.stopping().await;
///     println!("good bye");
///     Ok(())
/// });
/// aiomisc::run(async {}, services![greeter]).unwrap();
/// # }
/// ```
pub fn service_fn<F, Fut>(name: impl Into<Cow<'static, str>>, start: F) -> ServiceFn<F>
where
    F: Fn(ServiceContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    ServiceFn {
        name: name.into(),
        start,
        options: ServiceOptions::default(),
    }
}

/// A service made of a closure; from [`service_fn`].
#[must_use]
pub struct ServiceFn<F> {
    name: Cow<'static, str>,
    start: F,
    options: ServiceOptions,
}

impl<F> ServiceFn<F> {
    /// Sets its limits.
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }
}

#[async_trait]
impl<F, Fut> Service for ServiceFn<F>
where
    F: Fn(ServiceContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        (self.start)(ctx).await
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}

impl<F> fmt::Debug for ServiceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceFn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
