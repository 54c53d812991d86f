use std::sync::Arc;

use super::Signal;
use crate::entrypoint::Entrypoint;
use crate::service::ServiceHandle;

/// The services that an event is about.
pub type Services = Arc<[ServiceHandle]>;

/// Called before the services are started; a receiver that fails here fails the start, and each may
/// take 60 s.
///
/// Like the others below, it is a template: an entrypoint takes over the receivers that are
/// connected when it is run, and does not notice those that come later. They are called again for
/// services that are started or stopped while the program runs, with just those.
pub static PRE_START: Signal<Lifecycle> = Signal::new("PRE_START");

/// Called when all the services have started, and only then; a receiver that fails here fails the
/// start, and each may take 60 s.
pub static POST_START: Signal<Lifecycle> = Signal::new("POST_START");

/// Called before the services are stopped. Receivers that fail here keep nothing from being stopped;
/// each may take an eighth of the shutdown timeout and 10 s at most, all together twice that.
pub static PRE_STOP: Signal<Lifecycle> = Signal::new("PRE_STOP");

/// Called when the services have stopped, with limits as for [`PRE_STOP`].
pub static POST_STOP: Signal<Lifecycle> = Signal::new("POST_STOP");

/// Called in place of [`POST_START`] when the start has failed, before what has started is stopped.
pub static START_FAILED: Signal<StartFailed> = Signal::new("START_FAILED");

/// What an entrypoint's signals tell. Cloning it is cheap.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lifecycle {
    /// The entrypoint.
    pub entrypoint: Entrypoint,
    /// The services that are being started or stopped.
    pub services: Services,
}

/// What [`START_FAILED`] tells. Cloning it is cheap.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartFailed {
    /// The entrypoint.
    pub entrypoint: Entrypoint,
    /// The services that were to start.
    pub services: Services,
    /// What failed, each with its causes on one line.
    pub errors: Arc<[String]>,
}
