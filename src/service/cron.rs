use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use super::{Service, ServiceContext, ServiceOptions};
use crate::cron::{CronCallback, CronError, CronSpec};
use crate::error::BoxError;
use crate::future::race;
use crate::recurring::{CallResult, StartError, Started, Stopper, TimerMonitor};
use crate::runtime::Runtime;

/// Calls callbacks at times of the calendar while the program runs.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::service::CronService;
/// use aiomisc::services;
///
/// let nightly = CronService::new()
///     .register("0 3 * * *", || async { println!("back-up") })?
///     .register("@hourly", || async { println!("report") })?;
/// aiomisc::run(async { /* the main job */ }, services![nightly])?;
/// # }
/// # Ok::<(), aiomisc::BoxError>(())
/// ```
///
/// Callbacks are registered before the start, and their expressions are looked at there. They do not wait for
/// each other, while the calls of each one never overlap. An error or panic of a callback is counted and logged,
/// and the service goes on. At the stop no call begins any more, and those that go on may come to their end within
/// the [limit](ServiceOptions::stop_limit) of the service.
#[must_use]
pub struct CronService {
    timers: Vec<Box<dyn Registered>>,
    name: Option<Cow<'static, str>>,
    options: ServiceOptions,
}

impl CronService {
    /// Makes a service without callbacks.
    pub fn new() -> Self {
        Self {
            timers: Vec::new(),
            name: None,
            options: ServiceOptions::default(),
        }
    }

    /// Adds a callback, with a [`CronSpec`] or a text of five fields whose times are in UTC.
    ///
    /// # Errors
    ///
    /// [`CronError`] if the text is no cron expression.
    #[track_caller]
    pub fn register<S, F, Fut>(self, spec: S, callback: F) -> Result<Self, CronError>
    where
        S: TryInto<CronSpec, Error: Into<CronError>>,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: CallResult> + Send + 'static,
    {
        self.register_timer(spec, CronCallback::new(callback))
    }

    /// Adds a callback with options: its name, shield, expected errors, what becomes of missed times.
    ///
    /// ```
    /// use aiomisc::cron::CronCallback;
    /// use aiomisc::service::CronService;
    ///
    /// let back_up = CronCallback::new(|| async { println!("back-up") })
    ///     .name("back-up")
    ///     .shield(true);
    /// let service = CronService::new().register_timer("0 3 * * *", back_up)?;
    /// assert_eq!(service.monitors()[0].name(), "back-up");
    /// # Ok::<(), aiomisc::cron::CronError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn register_timer<S, F, Fut>(
        mut self,
        spec: S,
        callback: CronCallback<F>,
    ) -> Result<Self, CronError>
    where
        S: TryInto<CronSpec, Error: Into<CronError>>,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: CallResult> + Send + 'static,
    {
        let spec = spec.try_into().map_err(Into::into)?;
        self.timers.push(Box::new((callback, spec)));
        Ok(self)
    }

    /// Gives the service a name. Default: `CronService`.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the limits of the service.
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }

    /// Handles that tell the status and the figures of the timers, in the order of their registration.
    #[must_use]
    pub fn monitors(&self) -> Vec<TimerMonitor> {
        self.timers.iter().map(|timer| timer.monitor()).collect()
    }
}

#[async_trait]
impl Service for CronService {
    fn name(&self) -> Cow<'_, str> {
        match &self.name {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Borrowed(self.type_name()),
        }
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let mut runs = Vec::with_capacity(self.timers.len());
        for timer in &self.timers {
            runs.push(timer.begin(ctx.runtime())?);
        }
        let mut stoppers = Vec::with_capacity(runs.len());
        for (stopper, run) in runs {
            stoppers.push(stopper);
            ctx.spawn(async {
                run.await;
                Ok(())
            });
        }
        ctx.ready();
        let stopping = async {
            ctx.stopping().await;
            for stopper in &stoppers {
                stopper.stop();
            }
            std::future::pending::<()>().await;
        };
        // Each one that does not end within the service's limit is aborted with the service's tasks.
        let ended = async {
            for stopper in &stoppers {
                stopper.ended().await;
            }
        };
        race(stopping, ended).await;
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }
}

impl Default for CronService {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CronService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CronService")
            .field("name", &self.name)
            .field("timers", &self.monitors())
            .finish_non_exhaustive()
    }
}

/// A callback of whatever type, with its times.
trait Registered: Send + Sync {
    fn begin(&self, runtime: &Runtime) -> Result<(Stopper, BoxFuture<'static, ()>), StartError>;

    fn monitor(&self) -> TimerMonitor;
}

impl<F, Fut> Registered for (CronCallback<F>, CronSpec)
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    fn begin(&self, runtime: &Runtime) -> Result<(Stopper, BoxFuture<'static, ()>), StartError> {
        let (callback, spec) = self;
        let started: Started = callback.timer.begin(Some(runtime))?;
        let stopper = started.stopper();
        let run = callback.timer.drive(started, callback.rhythm(spec.clone()));
        let run = Box::pin(async {
            run.await;
        });
        Ok((stopper, run))
    }

    fn monitor(&self) -> TimerMonitor {
        self.0.monitor()
    }
}
