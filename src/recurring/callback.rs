use std::borrow::Cow;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::core::{Core, Started};
use super::engine::{Rhythm, drive};
use super::error::{NotRunning, StartError};
use super::status::{TimerEnd, TimerStatus};
use super::task::{TimerMonitor, TimerTask};
use crate::error::BoxError;
use crate::runtime::{Name, Placement, Runtime};

/// What a callback may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a callback returns `()` or a `Result<(), E>`, and not `{Self}`",
    label = "`E` is any error that goes into a `BoxError`"
)]
pub trait CallResult: Send {
    /// As a result.
    ///
    /// # Errors
    ///
    /// The callback's.
    fn call_result(self) -> Result<(), BoxError>;
}

impl CallResult for () {
    fn call_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError> + Send> CallResult for Result<(), E> {
    fn call_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// Which errors are to be suppressed.
pub(crate) type Suppress = Arc<dyn Fn(&BoxError) -> bool + Send + Sync>;

/// What the timers of all kinds have in common: the callback, what becomes of its calls, and their run.
pub(crate) struct Timer<F> {
    callback: Arc<F>,
    made_at: &'static Location<'static>,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) shield: bool,
    pub(crate) suppress: Option<Suppress>,
    pub(crate) stop_limit: Duration,
    pub(crate) runtime: Option<Runtime>,
    /// Made at the first use, when all this is known.
    core: OnceLock<Arc<Core>>,
}

impl<F> Timer<F> {
    #[track_caller]
    pub(crate) fn new(callback: F) -> Self {
        Self {
            callback: Arc::new(callback),
            made_at: Location::caller(),
            name: None,
            shield: false,
            suppress: None,
            stop_limit: Duration::from_secs(20),
            runtime: None,
            core: OnceLock::new(),
        }
    }

    fn core(&self) -> &Arc<Core> {
        self.core.get_or_init(|| {
            let name = match &self.name {
                Some(name) => Arc::from(&**name),
                None => self.default_name(),
            };
            let suppress = self.suppress.clone();
            Arc::new(Core::new(name, self.shield, self.stop_limit, suppress))
        })
    }

    fn default_name(&self) -> Arc<str> {
        let type_name = std::any::type_name::<F>();
        match type_name.strip_suffix("::{{closure}}") {
            // All closures of a function have the same name.
            Some(function) => {
                let (file, line) = (self.made_at.file(), self.made_at.line());
                format!("{function} at {file}:{line}").into()
            }
            None => type_name.into(),
        }
    }

    pub(crate) fn monitor(&self) -> TimerMonitor {
        TimerMonitor::new(Arc::clone(self.core()))
    }

    pub(crate) fn status(&self) -> TimerStatus {
        self.core().status()
    }

    pub(crate) async fn stop(&self) -> Result<TimerEnd, NotRunning> {
        let (run, runtime) = self.core().run().ok_or(NotRunning)?;
        Ok(run.stop(&runtime, self.stop_limit).await)
    }

    /// Begins a run, whose owner drives it.
    pub(crate) fn begin(&self, runtime: Option<&Runtime>) -> Result<Started, StartError> {
        match runtime.or(self.runtime.as_ref()) {
            Some(runtime) => self.core().begin(runtime),
            None => self.core().begin(&Runtime::current()?),
        }
    }
}

impl<F, Fut> Timer<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output: CallResult> + Send + 'static,
{
    #[track_caller]
    pub(crate) fn start(&self, rhythm: impl Rhythm) -> Result<TimerTask, StartError> {
        let started = self.begin(None)?;
        let (core, run) = (Arc::clone(&started.core), Arc::clone(&started.run));
        let runtime = started.runtime.clone();
        let name = Name::Shared(Arc::clone(&core.name));
        let task = runtime.spawn_as(name, Placement::Here, self.drive(started, rhythm));
        Ok(TimerTask::new(core, run, runtime, task))
    }

    /// The run that has begun, as a future.
    pub(crate) fn drive(
        &self,
        started: Started,
        rhythm: impl Rhythm,
    ) -> impl Future<Output = TimerEnd> + Send + 'static {
        started.core.waits(rhythm.first(&started.runtime));
        drive(started, Arc::clone(&self.callback), rhythm)
    }
}

impl<F> std::fmt::Debug for Timer<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status();
        f.debug_struct("Timer")
            .field("name", &status.name)
            .field("state", &status.state)
            .finish_non_exhaustive()
    }
}

/// The options and looks that timers of all kinds have; `self.timer` is a [`Timer`].
macro_rules! timer_methods {
    () => {
        /// Sets what the timer is called in the log, in reports and in the [figures](crate::statistics()).
        /// Default: the path of the function that is the callback; of a closure, the function that it stands in,
        /// with the file and the line where the timer was made.
        #[must_use]
        pub fn name(mut self, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
            self.timer.name = Some(name.into());
            self
        }

        /// Sets whether a call goes on when its timer is aborted, cut or dropped; it then has a task of its
        /// own. Until it has ended the timer cannot be started again. Default: false, it is dropped.
        #[must_use]
        pub fn shield(mut self, on: bool) -> Self {
            self.timer.shield = on;
            self
        }

        /// Sets which errors of the callback are expected: they are counted apart, and not logged as errors.
        /// Default: none.
        #[must_use]
        pub fn suppress(
            mut self,
            is_expected: impl Fn(&$crate::BoxError) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.timer.suppress = Some(std::sync::Arc::new(is_expected));
            self
        }

        /// Sets how long [`stop`](Self::stop) waits for the call that goes on, before it is cut. Default: 20 s.
        #[must_use]
        pub fn stop_limit(mut self, limit: std::time::Duration) -> Self {
            self.timer.stop_limit = limit;
            self
        }

        /// Sets the runtime. Default: the [current one](crate::runtime) at the start.
        #[must_use]
        pub fn runtime(mut self, runtime: impl Into<$crate::Runtime>) -> Self {
            self.timer.runtime = Some(runtime.into());
            self
        }

        /// What is known of the timer: where it stands, its next call and its last one. Options that are set
        /// after this was called for the first time do not count.
        #[must_use]
        pub fn status(&self) -> $crate::recurring::TimerStatus {
            self.timer.status()
        }

        /// A handle that tells the status and the figures, also when this one has been given away. Options that
        /// are set after this was called for the first time do not count.
        #[must_use]
        pub fn monitor(&self) -> $crate::recurring::TimerMonitor {
            self.timer.monitor()
        }

        /// Stops the timer: no call begins any more, and the one that goes on may end within the
        /// [limit](Self::stop_limit). Gives why the timer has ended.
        ///
        /// A callback may stop its own timer: it does not wait for itself, and the timer ends when it returns.
        ///
        /// # Errors
        ///
        /// [`NotRunning`](crate::recurring::NotRunning) if it was not started, or has ended.
        ///
        /// # Cancel safety
        ///
        /// The timer stops as soon as this was polled. If it is dropped, nobody enforces the limit.
        pub async fn stop(
            &self,
        ) -> Result<$crate::recurring::TimerEnd, $crate::recurring::NotRunning> {
            self.timer.stop().await
        }
    };
}

pub(crate) use timer_methods;
