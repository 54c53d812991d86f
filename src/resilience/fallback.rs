use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use super::statistic::FallbackStatistic;
use crate::statistics::Instance;

/// Makes a value of an error, where there is one: an older answer, a default, that of another peer. A handle:
/// clones share the figures.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::Fallback;
/// use std::io::{self, ErrorKind};
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let fallback = Fallback::new(async |error: io::Error| match error.kind() {
///     ErrorKind::NotFound => Ok("the default"),
///     _ => Err(error),
/// });
/// let text = fallback.call(async { Err(ErrorKind::NotFound.into()) }).await?;
/// assert_eq!(text, "the default");
/// # Ok::<(), io::Error>(())
/// # }).unwrap(); }
/// ```
///
/// Errors that it makes nothing of it gives back, or others in their place.
pub struct Fallback<F> {
    shared: Arc<Shared<F>>,
}

struct Shared<F> {
    handler: F,
    figures: Instance<FallbackStatistic>,
}

impl<F> Fallback<F> {
    /// Makes one of a closure that returns a future, or of an async closure that holds nothing.
    pub fn new(handler: F) -> Self {
        Self::with(handler, None)
    }

    /// As [`new`](Self::new), with a name for the figures.
    pub fn named(name: impl Into<Arc<str>>, handler: F) -> Self {
        Self::with(handler, Some(name.into()))
    }

    fn with(handler: F, name: Option<Arc<str>>) -> Self {
        let figures = Instance::new(name);
        Self {
            shared: Arc::new(Shared { handler, figures }),
        }
    }

    /// Waits for a result, and asks about its error if it is one.
    ///
    /// # Errors
    ///
    /// What the fallback gives in place of the error.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future, or that of the fallback.
    pub async fn call<T, E>(&self, future: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        Self: Recover<T, E>,
    {
        match future.await {
            Ok(value) => Ok(value),
            Err(error) => recovered(self, error).await,
        }
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &FallbackStatistic {
        &self.shared.figures
    }
}

/// What is done about an error in the end; implemented by [`Fallback`] and [`NoFallback`].
pub trait Recover<T, E> {
    /// The value, or an error.
    type Future: Future<Output = Result<T, E>>;

    /// Makes it.
    fn recover(&self, error: E) -> Self::Future;

    /// It was a value.
    #[doc(hidden)]
    fn count(&self) {}
}

pub(super) async fn recovered<T, E>(how: &impl Recover<T, E>, error: E) -> Result<T, E> {
    let result = how.recover(error).await;
    if result.is_ok() {
        how.count();
    }
    result
}

impl<T, E, F, Fut> Recover<T, E> for Fallback<F>
where
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Future = Fut;

    fn recover(&self, error: E) -> Fut {
        self.shared.figures.asked.add_one();
        (self.shared.handler)(error)
    }

    fn count(&self) {
        self.shared.figures.recovered.add_one();
    }
}

/// Errors stay what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoFallback;

impl<T, E> Recover<T, E> for NoFallback {
    type Future = Ready<Result<T, E>>;

    fn recover(&self, error: E) -> Self::Future {
        ready(Err(error))
    }
}

impl<F> Clone for Fallback<F> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<F> fmt::Debug for Fallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("figures", &self.shared.figures)
            .finish_non_exhaustive()
    }
}
