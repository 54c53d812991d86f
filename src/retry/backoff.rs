use std::fmt;
use std::sync::Arc;

use super::attempt::Attempt;
use super::builder::{BackoffBuilder, Timed, Untimed};
use super::call::{self, Plan};
use super::error::RetryError;
use super::rules::{AnyError, OnError, Rules};
use super::statistic::BackoffStatistic;
use crate::time::Elapsed;

/// A [`Backoff`] with rules for errors of this type.
pub type BackoffFor<E> = Backoff<OnError<E>>;

/// A [`Retry`] with rules for errors of this type.
pub type RetryFor<E> = Retry<OnError<E>>;

/// Makes attempts, with limits on their time and pauses between them, until one succeeds. A handle: cloning
/// it is cheap, and clones share the figures and the budget.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::BoxError;
/// use aiomisc::retry::{Backoff, Pause};
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let backoff = Backoff::builder()
///     .attempt_timeout(Duration::from_secs(1))
///     .deadline(Duration::from_secs(10))
///     .pause(Pause::exponential(Duration::from_millis(1)))
///     .build()?;
///
/// let answer = backoff
///     .call(|attempt| async move {
///         if attempt.number() < 3 {
///             return Err(BoxError::from("not yet"));
///         }
///         Ok(42)
///     })
///     .await?;
/// assert_eq!(answer, 42);
/// # Ok::<(), BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// [The module](crate::retry) says what holds, and the [builder](BackoffBuilder) what can be set. The type has
/// a parameter where there are rules about errors; [`BackoffFor`] names it by the error.
pub struct Backoff<R = AnyError> {
    shared: Arc<Shared<R>>,
}

/// A [`Backoff`] without limits on time, so that a time-out is never an error and those of the operation are
/// given as they are; from [`Backoff::retry`].
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::retry::Backoff;
/// use std::future;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let mut answers = vec![Ok(42), Err("busy"), Err("busy")];
/// let retry = Backoff::retry(5).build().unwrap();
/// assert_eq!(retry.call(|_| future::ready(answers.pop().unwrap())).await, Ok(42));
/// # }); }
/// ```
pub struct Retry<R = AnyError> {
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    plan: Plan,
    rules: R,
}

impl Backoff {
    /// Sets one up.
    pub fn builder() -> BackoffBuilder {
        BackoffBuilder::new(Timed(()))
    }

    /// Sets up one without limits on time and without pauses, which makes so many attempts; `None` makes
    /// them for ever.
    pub fn retry(max_tries: impl Into<Option<u32>>) -> BackoffBuilder<AnyError, Untimed> {
        let builder = BackoffBuilder::new(Untimed(()));
        builder.pause(super::Pause::none()).max_tries(max_tries)
    }
}

impl<R> Backoff<R> {
    pub(super) fn new(plan: Plan, rules: R) -> Self {
        Self {
            shared: Arc::new(Shared { plan, rules }),
        }
    }

    /// Makes attempts until one succeeds.
    ///
    /// The operation is called once for each attempt: a closure that returns a future, or an async closure
    /// that only reads what it holds. The future is dropped when the time is over.
    ///
    /// # Errors
    ///
    /// That of the last attempt that came to its end, as it is; or a time-out, made by `E::from`, if that
    /// attempt took too long, or if the deadline passed before any came to its end. For errors that a time-out
    /// cannot become there is [`try_call`](Self::try_call).
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when there is something to wait for and no
    /// runtime at hand. A panic of the operation, or of a rule, goes to the caller.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempt, and nothing is tried again.
    ///
    /// # Cost
    ///
    /// No clock, no timer and no allocation for an operation that is ready at once and succeeds; the time of
    /// one with a [name](BackoffBuilder::name) is measured, by two readings of the clock an attempt. A timer
    /// is an allocation for each attempt that has a limit and waits, and for each pause.
    #[inline]
    pub async fn call<T, E, F>(&self, operation: impl FnMut(Attempt) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        R: Rules<E>,
        E: From<Elapsed>,
    {
        let Shared { plan, rules } = &*self.shared;
        timed(plan, rules, operation).await
    }

    /// As [`call`](Self::call), for errors that a time-out cannot become.
    ///
    /// # Errors
    ///
    /// [`RetryError`], with the error of the operation in it if there is one.
    #[inline]
    pub async fn try_call<T, E, F>(
        &self,
        operation: impl FnMut(Attempt) -> F,
    ) -> Result<T, RetryError<E>>
    where
        F: Future<Output = Result<T, E>>,
        R: Rules<E>,
    {
        let Shared { plan, rules } = &*self.shared;
        call::run(plan, rules, || RetryError::Elapsed, operation).await
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &BackoffStatistic {
        &self.shared.plan.figures
    }

    /// What it is called, if it has a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.plan.name.as_deref()
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    pub(crate) fn rules(&self) -> &R {
        &self.shared.rules
    }
}

impl<R> Retry<R> {
    pub(super) fn new(plan: Plan, rules: R) -> Self {
        Self {
            shared: Arc::new(Shared { plan, rules }),
        }
    }

    /// Makes attempts until one succeeds; as [`Backoff::call`].
    ///
    /// # Errors
    ///
    /// That of the last attempt, as it is.
    #[inline]
    pub async fn call<T, E, F>(&self, operation: impl FnMut(Attempt) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        R: Rules<E>,
    {
        let Shared { plan, rules } = &*self.shared;
        untimed(plan, rules, operation).await
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &BackoffStatistic {
        &self.shared.plan.figures
    }

    /// What it is called, if it has a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.plan.name.as_deref()
    }

    #[cfg(feature = "macros")]
    pub(crate) fn plan(&self) -> &Plan {
        &self.shared.plan
    }
}

/// A call whose time-outs become errors of the operation.
#[inline]
pub(crate) async fn timed<T, E: From<Elapsed>, F: Future<Output = Result<T, E>>>(
    plan: &Plan,
    rules: &impl Rules<E>,
    operation: impl FnMut(Attempt) -> F,
) -> Result<T, E> {
    let elapsed = || RetryError::Failed(E::from(Elapsed));
    let result = call::run(plan, rules, elapsed, operation).await;
    result.map_err(RetryError::into_error)
}

/// A call that has no limits on time, so that there are no time-outs.
#[inline]
pub(crate) async fn untimed<T, E, F: Future<Output = Result<T, E>>>(
    plan: &Plan,
    rules: &impl Rules<E>,
    operation: impl FnMut(Attempt) -> F,
) -> Result<T, E> {
    let result = call::run(plan, rules, || RetryError::Elapsed, operation).await;
    result.map_err(|error| match error {
        RetryError::Failed(error) => error,
        RetryError::Elapsed => unreachable!("an attempt without a limit takes too long"),
    })
}

/// One whose limits on time are none.
impl<R> From<Retry<R>> for Backoff<R> {
    fn from(retry: Retry<R>) -> Self {
        Self {
            shared: retry.shared,
        }
    }
}

impl<R> Clone for Backoff<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R> Clone for Retry<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Backoff<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("Backoff", f)
    }
}

impl<R: fmt::Debug> fmt::Debug for Retry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("Retry", f)
    }
}

impl<R: fmt::Debug> Shared<R> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("plan", &self.plan)
            .field("rules", &self.rules)
            .finish()
    }
}
