use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{Service, ServiceContext, ServiceOptions};
use crate::error::BoxError;
use crate::future::race;
use crate::periodic::PeriodicCallback;
use crate::recurring::{CallResult, TimerMonitor, TimerStatus};

/// Calls a callback at intervals while the program runs.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::service::PeriodicService;
/// use aiomisc::services;
/// use std::time::Duration;
///
/// let refresh = PeriodicService::new(Duration::from_secs(60), || async {
///     println!("refreshed");
/// });
/// aiomisc::run(async { /* the main job */ }, services![refresh])?;
/// # }
/// # Ok::<(), aiomisc::RunError>(())
/// ```
///
/// The first call is when the service has started, unless the timer has a
/// [delay](PeriodicCallback::delay). An error or panic of the callback is counted and logged, and the service goes
/// on. At the stop no call begins any more, and the one that goes on may come to its end within the
/// [limit](ServiceOptions::stop_limit) of the service.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`timer`](Self::timer) | the delay, a fixed rate, jitter, shield, expected errors | those of [`PeriodicCallback`] |
/// | [`name`](Self::name) | what the service and its timer are called | `PeriodicService` |
/// | [`options`](Self::options) | the limits and the policy of the service | those of [`ServiceOptions`] |
pub struct PeriodicService<F> {
    callback: PeriodicCallback<F>,
    interval: Duration,
    name: Option<Cow<'static, str>>,
    options: ServiceOptions,
}

impl<F, Fut> PeriodicService<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    /// Makes a service that calls this at this interval.
    #[must_use]
    pub fn new(interval: Duration, callback: F) -> Self {
        Self {
            callback: PeriodicCallback::new(callback).name("PeriodicService"),
            interval,
            name: None,
            options: ServiceOptions::default(),
        }
    }

    /// Changes the timer: its delay, rate, jitter, shield and expected errors.
    ///
    /// ```
    /// use aiomisc::periodic::Missed;
    /// use aiomisc::service::PeriodicService;
    /// use std::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// let _service = PeriodicService::new(second, || async {})
    ///     .timer(|timer| timer.delay(second).fixed_rate(Missed::Skip).jitter(second / 10));
    /// ```
    #[must_use]
    pub fn timer(
        mut self,
        change: impl FnOnce(PeriodicCallback<F>) -> PeriodicCallback<F>,
    ) -> Self {
        self.callback = change(self.callback);
        self
    }

    /// Gives the service and its timer a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        self.callback = self.callback.name(name.clone());
        self.name = Some(name);
        self
    }

    /// Sets the limits of the service.
    #[must_use]
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }

    /// What is known of the timer: its next call and its last one.
    #[must_use]
    pub fn status(&self) -> TimerStatus {
        self.callback.status()
    }

    /// A handle that tells the status and the figures, also when the service has been given away.
    #[must_use]
    pub fn monitor(&self) -> TimerMonitor {
        self.callback.monitor()
    }
}

#[async_trait]
impl<F, Fut> Service for PeriodicService<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    fn name(&self) -> Cow<'_, str> {
        match &self.name {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Borrowed(self.type_name()),
        }
    }

    async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
        let timer = &self.callback.timer;
        let started = timer.begin(Some(ctx.runtime()))?;
        let stop = started.stopper();
        let run = timer.drive(started, self.callback.rhythm(self.interval));
        ctx.ready();
        // The call that goes on comes to its end, unless the service's limit drops all of this.
        let asked = async {
            ctx.stopping().await;
            stop.stop();
            std::future::pending::<()>().await;
        };
        race(asked, run).await;
        Ok(())
    }

    fn options(&self) -> ServiceOptions {
        self.options.clone()
    }

    fn check(&self) -> Result<(), BoxError> {
        Ok(self.callback.check(self.interval)?)
    }
}

impl<F> fmt::Debug for PeriodicService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicService")
            .field("name", &self.name)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
