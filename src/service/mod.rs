//! What an entrypoint starts and stops.
//!
//! A [`Service`] is an object with `start` and `stop`. The ready-made ones are in this module;
//! [`service_fn`] makes one of a closure.

mod accept;
mod cell;
mod configured;
mod context;
mod crew;
#[cfg(feature = "cron")]
mod cron;
mod failure;
mod function;
mod handle;
mod life;
mod object;
mod options;
mod packet;
mod periodic;
mod policy;
mod reason;
mod tcp;
mod udp;
mod watched;

pub use self::accept::Drain;
pub(crate) use self::cell::ServiceCell;
pub use self::configured::Configured;
pub use self::context::ServiceContext;
#[cfg(feature = "cron")]
pub use self::cron::CronService;
pub(crate) use self::failure::{GaveUp, NotDropped, NotReady, Panicked};
pub use self::function::{ServiceFn, service_fn};
pub use self::handle::{ServiceHandle, ServiceState, ServiceStatus};
pub(crate) use self::life::{Launch, Life, OnLaunch};
pub(crate) use self::options::Need;
pub use self::options::ServiceOptions;
pub use self::packet::Packet;
pub use self::periodic::PeriodicService;
pub use self::policy::{Policy, Restart};
pub use self::reason::{StopKind, StopReason};
pub use self::tcp::{ConnectionHandler, TcpServer};
pub use self::udp::{DatagramHandler, UdpServer};

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::BoxError;

/// Something that is started with the program and stopped with it.
///
/// ```
/// use aiomisc::{BoxError, Service, ServiceContext, StopReason, async_trait};
/// use std::time::Duration;
///
/// struct Heartbeat {
///     every: Duration,
/// }
///
/// #[async_trait]
/// impl Service for Heartbeat {
///     async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
///         ctx.ready(); // from here on the service counts as started, and goes on running
///         let mut ticks = aiomisc::time::interval(self.every);
///         loop {
///             ticks.tick().await;
///             tracing::info!("still here");
///         }
///     }
/// }
/// # #[cfg(feature = "smol")] {
/// # let service = Heartbeat { every: Duration::from_secs(1) };
/// aiomisc::run(async { /* the main job */ }, aiomisc::services![service]).unwrap();
/// # }
/// ```
///
/// # Life
///
/// 1. `start` is called once, at the same time as those of the other services, or as soon as the
///    services have started that this one [needs](ServiceOptions::after).
/// 2. The service has started as soon as `start` returns `Ok` or calls [`ServiceContext::ready`].
///    In the second case `start` goes on as the *running part*.
/// 3. A `start` that fails, panics or takes longer than its limit fails the program's start. When a
///    running part fails or panics, the [`Policy`] of the service says what happens: by default the
///    program stops. One that returns `Ok` has finished.
/// 4. At the stop, [`ServiceContext::stopping`] resolves and `stop` is called, once for every
///    service that has started, all of them at the same time, but those first that need others. When
///    `stop` has returned, the running
///    part may end by itself until the service's limit; then it is dropped. A running part that
///    cannot know of the stop (the service has no `stop` of its own and the running part never
///    asked for `stopping`) is dropped at once.
/// 5. Last, the tasks that the service spawned through its context are aborted and waited for.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// What the service is called in logs, errors and reports. Default: the name of the type;
    /// several services of one type get `#2`, `#3` and so on.
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.type_name())
    }

    /// Starts the service; see the life of a service above.
    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError>;

    /// Lets the service finish its work. Default: nothing.
    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        reason.nobody_listens();
        Ok(())
    }

    /// What the service needs, its limits, and its policy.
    fn options(&self) -> ServiceOptions {
        ServiceOptions::default()
    }

    /// Says what is wrong with the service's configuration. Called before anything is started, so
    /// that all the mistakes of a program are reported together. Default: nothing.
    ///
    /// # Errors
    ///
    /// What was wrong, and what was expected.
    fn check(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Gives the service another name.
    fn named(self, name: impl Into<Cow<'static, str>>) -> Configured<Self>
    where
        Self: Sized,
    {
        Configured::new(self).with_name(name.into())
    }

    /// Changes the options of the service where it is added.
    ///
    /// ```
    /// use aiomisc::service::Policy;
    /// use aiomisc::{Service, service_fn, services};
    ///
    /// let cache = service_fn("cache", |_| async { Ok(()) });
    /// let services = services![
    ///     service_fn("database", |_| async { Ok(()) }),
    ///     cache.configure(|options| options.after("database").policy(Policy::Ignore)),
    /// ];
    /// ```
    fn configure(self, change: impl FnOnce(ServiceOptions) -> ServiceOptions) -> Configured<Self>
    where
        Self: Sized,
    {
        Configured::new(self).with_options(change)
    }

    /// The short name of the type; the default of [`name`](Self::name).
    #[doc(hidden)]
    fn type_name(&self) -> &'static str {
        short_name(type_name::<Self>())
    }

    /// The type, for those who need a service of it.
    #[doc(hidden)]
    fn kind(&self) -> TypeId {
        TypeId::of::<Self>()
    }
}

/// A shared service is a service, so that a program can keep hold of what it starts.
#[async_trait]
impl<S: Service + ?Sized> Service for Arc<S> {
    fn name(&self) -> Cow<'_, str> {
        (**self).name()
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        (**self).start(ctx).await
    }

    async fn stop(&self, reason: &StopReason) -> Result<(), BoxError> {
        (**self).stop(reason).await
    }

    fn options(&self) -> ServiceOptions {
        (**self).options()
    }

    fn check(&self) -> Result<(), BoxError> {
        (**self).check()
    }

    fn type_name(&self) -> &'static str {
        (**self).type_name()
    }

    fn kind(&self) -> TypeId {
        (**self).kind()
    }
}

/// Makes a list of services of different types.
///
/// ```
/// # use aiomisc::{service_fn, services};
/// let services = services![
///     service_fn("one", |ctx| async move { ctx.ready(); ctx.stopping().await; Ok(()) }),
///     service_fn("two", |_| async { Ok(()) }),
/// ];
/// assert_eq!(services.len(), 2);
/// ```
#[macro_export]
macro_rules! services {
    ($($service:expr),* $(,)?) => {
        ::std::vec::Vec::<::std::sync::Arc<dyn $crate::Service>>::from([
            $(::std::sync::Arc::new($service) as ::std::sync::Arc<dyn $crate::Service>),*
        ])
    };
}

/// `a::b::Name<c::Other>` is called `Name`.
fn short_name(full: &'static str) -> &'static str {
    let end = full.find('<').unwrap_or(full.len());
    let start = full[..end].rfind(':').map_or(0, |at| at + 1);
    &full[start..end]
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn types_have_short_names() {
        assert_eq!(
            short_name("my::app::Server<my::app::Handler<u8>>"),
            "Server"
        );
        assert_eq!(short_name("Server"), "Server");
    }
}
