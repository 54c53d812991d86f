use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::{Service, ServiceCell};

/// Where a service stands; `src/docs/lifecycle.md` has the transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceState {
    /// Not started yet: it may wait for services that it needs.
    New,
    /// In `start`.
    Starting,
    /// Started.
    Running,
    /// Asked to stop.
    Draining,
    /// Failed, and about to be started again.
    Restarting,
    /// Stopped, or finished by itself.
    Stopped,
    /// Failed to start, failed since, or failed to stop.
    Failed,
}

impl ServiceState {
    /// Whether nothing more will happen to the service by itself.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed)
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}

/// What is known of a service at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name, unique in the entrypoint.
    pub name: Arc<str>,
    /// Where it stands.
    pub state: ServiceState,
    /// Since when, on the clock of its runtime.
    pub since: Instant,
    /// Its last failure, with its causes on one line. It stays when the service was started again.
    pub cause: Option<Arc<str>>,
    /// How often it was started again.
    pub restarts: u64,
}

/// A service of an entrypoint. Cloning it is cheap; it stays valid when the service has gone.
#[derive(Clone)]
pub struct ServiceHandle {
    cell: Arc<ServiceCell>,
}

impl ServiceHandle {
    pub(crate) fn new(cell: Arc<ServiceCell>) -> Self {
        Self { cell }
    }

    /// Its name, unique in the entrypoint.
    #[must_use]
    pub fn name(&self) -> &str {
        self.cell.name()
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ServiceState {
        self.cell.state()
    }

    /// All that is known of it.
    #[must_use]
    pub fn status(&self) -> ServiceStatus {
        self.cell.status()
    }

    /// Whether it is of this type.
    #[must_use]
    pub fn is<S: Service>(&self) -> bool {
        self.cell.kind() == TypeId::of::<S>()
    }

    /// Waits until the service's status is as wanted, and gives it. What comes and goes again before
    /// this is polled is not seen.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing.
    pub async fn until(&self, mut wanted: impl FnMut(&ServiceStatus) -> bool) -> ServiceStatus {
        loop {
            let changed = self.cell.changed();
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            changed.await;
        }
    }

    pub(crate) fn cell(&self) -> &Arc<ServiceCell> {
        &self.cell
    }
}

/// Handles are equal when they are of the same service.
impl PartialEq for ServiceHandle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cell, &other.cell)
    }
}

impl Eq for ServiceHandle {}

impl fmt::Debug for ServiceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceHandle")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
