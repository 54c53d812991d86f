//! What `#[cutout]` expands to.

use std::fmt::Display;
use std::time::Duration;

use crate::circuit_breaker::{
    BreakerError, By, CircuitBreaker, CircuitBreakerBuilder, CircuitBroken, Inspect,
};
pub use crate::macro_support::retry::any_error;
use crate::retry::InvalidSetting;

/// Settings with a name.
pub fn builder(
    name: &'static str,
    error_ratio: f64,
    response_time: Duration,
) -> CircuitBreakerBuilder {
    CircuitBreaker::builder(error_ratio, response_time).name(name)
}

/// What was built.
///
/// # Panics
///
/// If it cannot be.
#[must_use]
pub fn made(built: Result<CircuitBreaker, InvalidSetting>) -> CircuitBreaker {
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// A rule for the errors of a result.
pub fn failure_if<T: OrBroken, F: Fn(&T::Error) -> bool>(rule: F) -> By<F> {
    By(rule)
}

/// A rule for errors whose type it names itself.
pub fn failure_if_of<E, F: Fn(&E) -> bool>(rule: F) -> By<F> {
    By(rule)
}

/// A `Result` that a refusal can be an error of.
#[diagnostic::on_unimplemented(
    message = "a refused call cannot become `{Self}`",
    label = "expected a `Result` whose error is `Display` and `From<aiomisc::circuit_breaker::CircuitBroken>`",
    note = "`aiomisc::BoxError` and `std::io::Error` are such errors"
)]
pub trait OrBroken: Sized {
    /// Its value.
    type Value;
    /// Its error.
    type Error: Display + From<CircuitBroken>;

    /// Itself.
    fn result(self) -> Result<Self::Value, Self::Error>;

    /// Made again.
    fn of(result: Result<Self::Value, Self::Error>) -> Self;
}

impl<T, E: Display + From<CircuitBroken>> OrBroken for Result<T, E> {
    type Value = T;
    type Error = E;

    fn result(self) -> Self {
        self
    }

    fn of(result: Self) -> Self {
        result
    }
}

/// A call.
pub fn call<O: OrBroken>(
    breaker: &CircuitBreaker,
    inspect: &impl Inspect<O::Error>,
    operation: impl FnOnce() -> O,
) -> O {
    let result = breaker.call_with(inspect, || operation().result());
    O::of(result.map_err(BreakerError::into_error))
}

/// A call of an `async fn`.
pub async fn call_async<O: OrBroken>(
    breaker: &CircuitBreaker,
    inspect: &impl Inspect<O::Error>,
    operation: impl Future<Output = O>,
) -> O {
    let operation = async { operation.await.result() };
    let result = breaker.call_async_with(inspect, operation).await;
    O::of(result.map_err(BreakerError::into_error))
}
