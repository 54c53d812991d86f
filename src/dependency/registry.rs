//! Factories that stand under `#[dependency]`, gathered by the linker.

use std::sync::Arc;

use linkme::distributed_slice;

use super::{Dependencies, Dependency, DependencyError, IntoProvided, Wanted};
use crate::error::BoxError;

/// Every function under `#[dependency]` in this program.
#[distributed_slice]
pub static DEPENDENCIES: [Function];

/// A function under `#[dependency]`.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    file: &'static str,
    line: u32,
    dependency: fn(&Self) -> Dependency,
}

impl Function {
    /// What the macro knows of the function.
    #[must_use]
    pub const fn new(
        name: &'static str,
        file: &'static str,
        line: u32,
        dependency: fn(&Self) -> Dependency,
    ) -> Self {
        Self {
            name,
            file,
            line,
            dependency,
        }
    }

    /// The function as a factory.
    pub fn dependency<F, Fut, V, M>(&self, needs: Vec<Need>, function: F) -> Dependency
    where
        F: Fn(Dependencies) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, BoxError>> + Send + 'static,
        V: IntoProvided<M> + 'static,
    {
        let origin = (self.name, self.file, self.line);
        let needs = needs.into_iter().map(|Need(wanted)| wanted).collect();
        Dependency::of_function(origin, function).with_needs(needs)
    }
}

/// What the program has of them.
pub(super) fn all() -> Vec<Dependency> {
    let all = DEPENDENCIES.iter();
    all.map(|function| (function.dependency)(function))
        .collect()
}

/// What a parameter asks for.
#[derive(Debug)]
pub struct Need(Wanted);

/// A parameter of a function under `#[dependency]`.
#[diagnostic::on_unimplemented(
    message = "a parameter of a dependency is the `Arc` of another one, and not `{Self}`",
    label = "expected `Arc<T>`"
)]
pub trait Parameter: Sized {
    /// What is needed for it.
    fn need(name: Option<&'static str>) -> Need;

    /// Its value, which is there by now.
    fn get(
        deps: &Dependencies,
        name: Option<&'static str>,
    ) -> impl Future<Output = Result<Self, DependencyError>> + Send;
}

impl<T: ?Sized + Send + Sync + 'static> Parameter for Arc<T> {
    fn need(name: Option<&'static str>) -> Need {
        Need(Wanted::of::<T>(name.map(Into::into)))
    }

    fn get(
        deps: &Dependencies,
        name: Option<&'static str>,
    ) -> impl Future<Output = Result<Self, DependencyError>> + Send {
        deps.obtain(Wanted::of::<T>(name.map(Into::into)))
    }
}

/// A function that returns a result, which the compiler looks for first.
pub trait Fallible {
    /// The way to take it.
    fn way(&self) -> MayFail {
        MayFail
    }
}

impl<T, E> Fallible for Result<T, E> {}

/// A function that returns something else.
pub trait Infallible {
    /// The way to take it.
    fn way(&self) -> CannotFail {
        CannotFail
    }
}

impl<T> Infallible for &T {}

/// What a function returned is a result.
#[derive(Debug)]
#[non_exhaustive]
pub struct MayFail;

impl MayFail {
    /// As a factory's result.
    ///
    /// # Errors
    ///
    /// The function's.
    pub fn take<T, E: Into<BoxError>>(self, result: Result<T, E>) -> Result<T, BoxError> {
        result.map_err(Into::into)
    }
}

/// What a function returned is the value.
#[derive(Debug)]
#[non_exhaustive]
pub struct CannotFail;

impl CannotFail {
    /// As a factory's result.
    ///
    /// # Errors
    ///
    /// None.
    pub fn take<T>(self, value: T) -> Result<T, BoxError> {
        Ok(value)
    }
}
