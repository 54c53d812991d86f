use std::sync::{Mutex, MutexGuard};

use super::{ServiceError, Stage, lock};
use crate::dependency::DependencyError;
use crate::signal::SignalError;

/// What failed of some services and around them, in the order in which it happened.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Failed>);

#[derive(Debug, Default)]
pub(super) struct Failed {
    pub(super) services: Vec<ServiceError>,
    pub(super) receivers: Vec<SignalError>,
    pub(super) dependencies: Vec<DependencyError>,
}

impl Failures {
    pub(super) fn add(&self, error: ServiceError) {
        self.failed().services.push(error);
    }

    pub(super) fn extend(&self, errors: Vec<ServiceError>) {
        self.failed().services.extend(errors);
    }

    /// Adds what became of the receivers of a signal; whether all was well.
    pub(super) fn add_receivers(&self, called: Result<(), SignalError>) -> bool {
        match called {
            Ok(()) => true,
            Err(error) => {
                self.failed().receivers.push(error);
                false
            }
        }
    }

    /// Adds the failure of a tear-down, and tells the log.
    pub(super) fn add_dependency(&self, error: DependencyError) {
        error.log();
        self.failed().dependencies.push(error);
    }

    /// Moves what is here to others.
    pub(super) fn move_to(&self, others: &Self) {
        let Failed {
            services,
            receivers,
            dependencies,
        } = self.take();
        let mut others = others.failed();
        others.services.extend(services);
        others.receivers.extend(receivers);
        others.dependencies.extend(dependencies);
    }

    /// The first service that failed to start.
    pub(super) fn not_started(&self) -> Option<String> {
        let failed = self.failed();
        let mut services = failed.services.iter();
        let error = services.find(|error| error.stage() == Stage::Start)?;
        Some(error.service().to_owned())
    }

    /// The first signal with a receiver that failed.
    pub(super) fn receiver_failed(&self) -> Option<&'static str> {
        Some(self.failed().receivers.first()?.signal())
    }

    pub(super) fn take(&self) -> Failed {
        std::mem::take(&mut *self.failed())
    }

    /// All of them as text, for those who are told.
    pub(super) fn texts(&self) -> Vec<String> {
        let failed = self.failed();
        let services = failed
            .services
            .iter()
            .map(|error| crate::error::Chain(error).to_string());
        let receivers = failed.receivers.iter().map(ToString::to_string);
        let dependencies = failed
            .dependencies
            .iter()
            .map(|error| crate::error::Chain(error).to_string());
        services.chain(receivers).chain(dependencies).collect()
    }

    fn failed(&self) -> MutexGuard<'_, Failed> {
        lock(&self.0)
    }
}

impl Failed {
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty() && self.receivers.is_empty() && self.dependencies.is_empty()
    }
}
