use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::provided::{Answer, Made};
use super::{Dependencies, IntoProvided, Provided, Wanted};
use crate::error::BoxError;

/// Says how a value is made; it is made when somebody needs it.
///
/// It goes into an entrypoint by
/// [`EntrypointBuilder::dependency`](crate::entrypoint::EntrypointBuilder::dependency).
#[derive(Clone)]
#[must_use = "it is nobody's until an entrypoint has it"]
pub struct Dependency {
    pub(super) wanted: Wanted,
    pub(super) needs: Vec<Wanted>,
    pub(super) make_limit: Duration,
    pub(super) teardown_limit: Duration,
    factory: Arc<Factory>,
    origin: Origin,
}

type Factory = dyn Fn(Dependencies) -> Answer<Made> + Send + Sync;

/// Where a factory is in the program.
#[derive(Clone, Copy)]
struct Origin {
    function: Option<&'static str>,
    file: &'static str,
    line: u32,
}

impl Dependency {
    /// A value that a factory makes; it may ask for others by its argument. The factory gives a plain value,
    /// or a [`Provided`] one where something is to be done with it at the end.
    ///
    /// It is called when the value is needed for the first time. After a failure it is called again when
    /// somebody asks for the value again.
    #[track_caller]
    pub fn new<F, Fut, V, M>(factory: F) -> Self
    where
        F: Fn(Dependencies) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, BoxError>> + Send + 'static,
        V: IntoProvided<M> + 'static,
    {
        let place = Location::caller();
        let origin = Origin {
            function: None,
            file: place.file(),
            line: place.line(),
        };
        Self::with_origin(origin, factory)
    }

    fn with_origin<F, Fut, V, M>(origin: Origin, factory: F) -> Self
    where
        F: Fn(Dependencies) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, BoxError>> + Send + 'static,
        V: IntoProvided<M> + 'static,
    {
        let make = move |deps| -> Answer<Made> {
            let made = factory(deps);
            Box::pin(async move { Ok(made.await?.into_provided().into_made()) })
        };
        Self {
            wanted: Wanted::of::<V::Value>(None),
            needs: Vec::new(),
            make_limit: Duration::from_secs(60),
            teardown_limit: Duration::from_secs(20),
            factory: Arc::new(make),
            origin,
        }
    }

    /// What stands under `#[dependency]`.
    #[cfg(feature = "macros")]
    pub(super) fn of_function<F, Fut, V, M>(
        (function, file, line): (&'static str, &'static str, u32),
        factory: F,
    ) -> Self
    where
        F: Fn(Dependencies) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, BoxError>> + Send + 'static,
        V: IntoProvided<M> + 'static,
    {
        let origin = Origin {
            function: Some(function),
            file,
            line,
        };
        Self::with_origin(origin, factory)
    }

    /// A value that is there already.
    #[track_caller]
    pub fn value<T: Send + Sync + 'static>(value: T) -> Self {
        Self::shared(Arc::new(value))
    }

    /// A value that is there already and shared, such as an `Arc<dyn Trait>`: it is known as `dyn Trait`.
    #[track_caller]
    pub fn shared<T: ?Sized + Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self::new(move |_| {
            let value = Provided::shared(Arc::clone(&value));
            async move { Ok(value) }
        })
    }

    /// Gives it a name, for programs that have several of one type. Default: none.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.wanted = self.wanted.named(name.into());
        self
    }

    /// Says that it needs the value of this type: that is made before the factory is called, and what is
    /// wrong about it is told before anything is started.
    ///
    /// What the factory asks for without saying so is made when it asks.
    pub fn needs<T: ?Sized + Send + Sync + 'static>(mut self) -> Self {
        self.needs.push(Wanted::of::<T>(None));
        self
    }

    /// Says that it needs the value of this type and name, as [`needs`](Self::needs) does.
    pub fn needs_named<T: ?Sized + Send + Sync + 'static>(
        mut self,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.needs.push(Wanted::of::<T>(Some(name.into())));
        self
    }

    /// Sets how long the factory may take, from the moment that what it declares to need is there.
    /// Default: 60 s.
    pub fn make_limit(mut self, limit: Duration) -> Self {
        self.make_limit = limit;
        self
    }

    /// Sets how long the tear-down may take. Default: 20 s.
    pub fn teardown_limit(mut self, limit: Duration) -> Self {
        self.teardown_limit = limit;
        self
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(crate) fn needed(&self) -> &[Wanted] {
        &self.needs
    }

    #[cfg(feature = "macros")]
    pub(super) fn with_needs(mut self, needs: Vec<Wanted>) -> Self {
        self.needs = needs;
        self
    }

    /// Calls the factory.
    pub(super) fn make(&self, deps: Dependencies) -> Answer<Made> {
        (self.factory)(deps)
    }

    /// Who makes it, for people.
    pub(super) fn origin(&self) -> impl fmt::Display {
        let Origin {
            function,
            file,
            line,
        } = self.origin;
        fmt::from_fn(move |f| match function {
            Some(function) => write!(f, "`{function}` ({file}:{line})"),
            None => write!(f, "the one at {file}:{line}"),
        })
    }

    /// What is wrong with the options.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let limits = [
            ("make_limit", self.make_limit),
            ("teardown_limit", self.teardown_limit),
        ];
        let zero = limits.into_iter().filter(|(_, limit)| limit.is_zero());
        zero.map(|(name, _)| {
            let what = self.wanted();
            format!("dependency {what}: {name}: expected a duration above zero, got 0")
        })
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency")
            .field("value", &self.wanted)
            .field("needs", &self.needs)
            .field("factory", &self.origin().to_string())
            .finish_non_exhaustive()
    }
}
