use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::BoxError;

pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

type Teardown<T> = Box<dyn FnOnce(Arc<T>) -> Answer<()> + Send>;

/// A value with what is to be done with it at the end.
///
/// A factory that has nothing to do then returns the plain value.
pub struct Provided<T: ?Sized> {
    value: Arc<T>,
    // Not `Sync`, and so no value that could be shared itself: that tells it from a plain one.
    teardown: Option<Teardown<T>>,
}

impl<T: Send + Sync + 'static> Provided<T> {
    /// Provides a value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::shared(Arc::new(value))
    }
}

impl<T: ?Sized + Send + Sync + 'static> Provided<T> {
    /// Provides a value that is shared already, such as an `Arc<dyn Trait>`: it is known as `dyn Trait`.
    #[must_use]
    pub fn shared(value: Arc<T>) -> Self {
        Self {
            value,
            teardown: None,
        }
    }

    /// Sets what is done with the value when the services have stopped, within the
    /// [limit](super::Dependency::teardown_limit) of the dependency. The last one set counts.
    ///
    /// It gets the last handle to the value that the entrypoint has; unless something of the program
    /// kept one, [`Arc::into_inner`] gives the value itself.
    #[must_use]
    pub fn on_teardown<F, Fut>(mut self, teardown: F) -> Self
    where
        F: FnOnce(Arc<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.teardown = Some(Box::new(move |value| Box::pin(teardown(value))));
        self
    }

    pub(super) fn into_made(self) -> Made {
        let Self { value, teardown } = self;
        let teardown = teardown.map(|teardown| {
            let value = Arc::clone(&value);
            Box::new(move || teardown(value)) as TeardownOfIt
        });
        Made {
            value: Box::new(value),
            teardown,
        }
    }
}

impl<T: ?Sized> fmt::Debug for Provided<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided")
            .field("type", &std::any::type_name::<T>())
            .field("teardown", &self.teardown.is_some())
            .finish()
    }
}

/// A value whose type only those know who ask for it.
pub(super) struct Made {
    /// An `Arc<T>`.
    value: Box<dyn Any + Send + Sync>,
    teardown: Option<TeardownOfIt>,
}

type TeardownOfIt = Box<dyn FnOnce() -> Answer<()> + Send>;

impl Made {
    pub(super) fn has_teardown(&self) -> bool {
        self.teardown.is_some()
    }

    pub(super) fn take_teardown(&mut self) -> Option<TeardownOfIt> {
        self.teardown.take()
    }

    pub(super) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.value.downcast_ref::<Arc<T>>().cloned()
    }
}

/// What a factory may give: a plain value, or a [`Provided`] one. `M` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a dependency",
    label = "a dependency is shared by tasks: it must be `Send`, `Sync` and `'static`"
)]
pub trait IntoProvided<M> {
    /// The type that the value is known by.
    type Value: ?Sized + Send + Sync + 'static;

    /// With what is to be done at the end.
    fn into_provided(self) -> Provided<Self::Value>;
}

/// Marks a plain value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Plain {}

/// Marks one with what is to be done at the end.
#[derive(Debug)]
#[non_exhaustive]
pub enum WithTeardown {}

impl<T: Send + Sync + 'static> IntoProvided<Plain> for T {
    type Value = T;

    fn into_provided(self) -> Provided<T> {
        Provided::new(self)
    }
}

impl<T: ?Sized + Send + Sync + 'static> IntoProvided<WithTeardown> for Provided<T> {
    type Value = T;

    fn into_provided(self) -> Self {
        self
    }
}
