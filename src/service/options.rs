use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::time::Duration;

use super::{Policy, Service, short_name};
use crate::dependency::Wanted;

/// What a service needs, how long it may take, and what becomes of it when it fails.
///
/// A service gives its own by [`Service::options`]; whoever adds it can change them by
/// [`Service::configure`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceOptions {
    /// How long `start` may take until the service has started, from the moment that what it needs
    /// has started. Default: 60 s.
    pub start_limit: Duration,
    /// How long the stop of this service may take, from the moment that those that need it have
    /// stopped, within the limit of the whole program. Default: 20 s.
    pub stop_limit: Duration,
    /// What happens when it fails after its start. Default: [`Policy::StopAll`].
    pub policy: Policy,
    /// The services that it needs.
    pub(crate) needs: Vec<Need>,
    /// The values that it needs.
    pub(crate) dependencies: Vec<Wanted>,
}

/// Another service, as somebody who needs it knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Name(Cow<'static, str>),
    Type(TypeId, &'static str),
}

impl ServiceOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the service after the one of this name, and stops it before that one.
    #[must_use]
    pub fn after(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.needs.push(Need::Name(name.into()));
        self
    }

    /// Starts the service after all those of this type, and stops it before them. There must be at
    /// least one.
    #[must_use]
    pub fn after_type<S: Service>(mut self) -> Self {
        let need = Need::Type(TypeId::of::<S>(), short_name(type_name::<S>()));
        self.needs.push(need);
        self
    }

    /// Starts the service when the [dependency](mod@crate::dependency) of this type is there; its `start` finds
    /// it by [`ServiceContext::dependency`](crate::ServiceContext::dependency).
    #[must_use]
    pub fn needs<T: ?Sized + Send + Sync + 'static>(mut self) -> Self {
        self.dependencies.push(Wanted::of::<T>(None));
        self
    }

    /// Starts the service when the [dependency](mod@crate::dependency) of this type and name is there; its
    /// `start` finds it by [`ServiceContext::dependency_named`](crate::ServiceContext::dependency_named).
    #[must_use]
    pub fn needs_named<T: ?Sized + Send + Sync + 'static>(
        mut self,
        name: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.dependencies.push(Wanted::of::<T>(Some(name.into())));
        self
    }

    /// Sets how long `start` may take.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Sets how long the stop may take.
    #[must_use]
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }

    /// Sets what happens when the service fails after its start.
    #[must_use]
    pub fn policy(mut self, policy: impl Into<Policy>) -> Self {
        self.policy = policy.into();
        self
    }

    /// What is wrong with these options.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let zero = |limit: Duration, name| {
            let text = || format!("{name}: expected a duration above zero, got 0");
            limit.is_zero().then(text)
        };
        let restart = match &self.policy {
            Policy::Restart(restart) => Some(restart.problems()),
            Policy::StopAll | Policy::Ignore => None,
        };
        zero(self.start_limit, "start_limit")
            .into_iter()
            .chain(zero(self.stop_limit, "stop_limit"))
            .chain(restart.into_iter().flatten())
    }
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            start_limit: Duration::from_secs(60),
            stop_limit: Duration::from_secs(20),
            policy: Policy::StopAll,
            needs: Vec::new(),
            dependencies: Vec::new(),
        }
    }
}
