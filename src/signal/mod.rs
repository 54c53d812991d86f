//! Events of a program, and those who listen.
//!
//! A [`Signal`] calls its receivers one after another. Those of an entrypoint tell of its life:
//! [`PRE_START`], [`POST_START`], [`PRE_STOP`], [`POST_STOP`], and [`START_FAILED`]; a program may
//! have signals of its own. (Signals of the operating system are
//! [`OsSignal`](crate::entrypoint::OsSignal).)
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::signal::Signal;
//!
//! #[derive(Clone)]
//! struct Reloaded { path: &'static str }
//!
//! static RELOADED: Signal<Reloaded> = Signal::new("RELOADED");
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! RELOADED.connect(|event| async move {
//!     assert_eq!(event.path, "/etc/app.toml");
//!     Ok(())
//! })?;
//! RELOADED.call(Reloaded { path: "/etc/app.toml" }).await?;
//! # Ok::<(), aiomisc::BoxError>(()) }).unwrap();
//! # }
//! ```
//!
//! With the feature `macros`, `#[aiomisc::receiver(RELOADED)]` connects a function by itself.

mod error;
mod lifecycle;
mod receiver;
#[cfg(feature = "macros")]
pub(crate) mod registry;

pub use self::error::{Frozen, ReceiverError, SignalError};
pub use self::lifecycle::{
    Lifecycle, POST_START, POST_STOP, PRE_START, PRE_STOP, START_FAILED, Services, StartFailed,
};
pub use self::receiver::Connection;

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::receiver::Receiver;
use crate::error::BoxError;
use crate::future::{Either, run_until};
use crate::runtime::Runtime;

/// An event that others can listen to. Each receiver gets a clone of it.
///
/// # What holds
///
/// - Receivers are called one after another, in the order in which they were connected; those that
///   stand under `#[receiver]` come after them, by module and line.
/// - One that fails or panics is logged and collected; the others are called all the same.
/// - [`copy`](Self::copy) gives a signal with the same receivers that is changed on its own.
/// - No lock is held while code of yours runs.
pub struct Signal<E> {
    name: &'static str,
    state: Mutex<State<E>>,
}

struct State<E> {
    frozen: bool,
    /// In order of connection.
    connected: Vec<Arc<Receiver<E>>>,
    /// In order of module and line.
    attached: Vec<Arc<Receiver<E>>>,
}

impl<E> Signal<E> {
    /// Makes a signal without receivers. The name is for the log and for errors.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Mutex::new(State {
                frozen: false,
                connected: Vec::new(),
                attached: Vec::new(),
            }),
        }
    }

    /// What the signal is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Keeps receivers from being connected and disconnected from now on.
    pub fn freeze(&self) {
        self.state().frozen = true;
    }

    /// Whether the signal was frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.state().frozen
    }

    /// Disconnects a receiver; whether it was connected. A call that is under way still reaches it.
    ///
    /// # Errors
    ///
    /// [`Frozen`] when the signal is frozen.
    pub fn disconnect(&self, connection: Connection) -> Result<bool, Frozen> {
        let gone = {
            let mut state = self.state();
            if state.frozen {
                return Err(Frozen::new(self.name));
            }
            let mut of = state.connected.iter();
            let at = of.position(|receiver| receiver.connection == connection);
            at.map(|at| state.connected.remove(at))
        };
        Ok(gone.is_some())
    }

    /// Makes a signal with the same receivers that is not frozen. Connections of the one are good for
    /// the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        attach_all();
        let state = self.state();
        let copy = State {
            frozen: false,
            connected: state.connected.clone(),
            attached: state.attached.clone(),
        };
        Self {
            name: self.name,
            state: Mutex::new(copy),
        }
    }

    /// Whether a call would reach anybody.
    pub(crate) fn has_receivers(&self) -> bool {
        let state = self.state();
        !state.connected.is_empty() || !state.attached.is_empty()
    }

    /// Connects those who are connected to another signal as well, after those who are here.
    pub(crate) fn extend(&self, from: &Self) {
        let connected = from.state().connected.clone();
        self.state().connected.extend(connected);
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Clone + Send + Sync + 'static> Signal<E> {
    /// Connects a receiver, which is called after those that were connected before. In errors it
    /// appears under the name of its type (a function's is its path) and with the caller's place;
    /// [`connect_as`](Self::connect_as) gives it another name.
    ///
    /// # Errors
    ///
    /// [`Frozen`] when the signal is frozen.
    #[track_caller]
    pub fn connect<F, Fut>(&self, receiver: F) -> Result<Connection, Frozen>
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.connect_as(std::any::type_name::<F>(), receiver)
    }

    /// Connects a receiver under a name; see [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// [`Frozen`] when the signal is frozen.
    #[track_caller]
    pub fn connect_as<F, Fut>(&self, name: &'static str, receiver: F) -> Result<Connection, Frozen>
    where
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let receiver = Arc::new(Receiver::new(name, Location::caller().into(), receiver));
        let connection = receiver.connection;
        let mut state = self.state();
        if state.frozen {
            drop(state);
            return Err(Frozen::new(self.name));
        }
        state.connected.push(receiver);
        Ok(connection)
    }

    /// Calls the receivers that are connected at this moment, one after another.
    ///
    /// # Errors
    ///
    /// [`SignalError`] with all that failed and all that panicked, when every one was called.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call drops the receiver that runs; those after it are not called.
    ///
    /// # Cost
    ///
    /// One allocation, and one for each receiver.
    pub async fn call(&self, event: E) -> Result<(), SignalError> {
        self.call_each(event, None).await
    }

    /// Calls the receivers within these limits.
    pub(crate) async fn call_within(
        &self,
        event: E,
        limits: Limits<'_>,
    ) -> Result<(), SignalError> {
        self.call_each(event, Some(limits)).await
    }

    async fn call_each(&self, event: E, limits: Option<Limits<'_>>) -> Result<(), SignalError> {
        attach_all();
        let receivers: Vec<_> = {
            let state = self.state();
            let receivers = state.connected.iter().chain(&state.attached);
            receivers.cloned().collect()
        };
        let mut failures = Vec::new();
        for receiver in receivers {
            let called = receiver.call(&event);
            let result = match &limits {
                None => called.await,
                Some(limits) => {
                    let limit = limits.left();
                    match run_until(called, limits.runtime.sleep(limit)).await {
                        Ok(Either::First(result)) => result,
                        Ok(Either::Second(())) | Err(_) => Err(receiver.too_slow(limit)),
                    }
                }
            };
            if let Err(error) = result {
                tracing::error!(
                    signal = self.name,
                    receiver = error.receiver(),
                    at = error.place(),
                    error = %error.causes(),
                    "a receiver failed"
                );
                failures.push(error);
            }
        }
        SignalError::unless_empty(self.name, failures)
    }
}

/// How long receivers may take.
pub(crate) struct Limits<'a> {
    runtime: &'a Runtime,
    each: Duration,
    /// When the time of all of them together is over.
    over: Option<Instant>,
}

impl<'a> Limits<'a> {
    pub(crate) fn of_each(runtime: &'a Runtime, each: Duration) -> Self {
        Self {
            runtime,
            each,
            over: None,
        }
    }

    /// From now on.
    pub(crate) fn and_of_all(self, all: Duration) -> Self {
        Self {
            over: self.runtime.now().checked_add(all),
            ..self
        }
    }

    /// What the next one has.
    fn left(&self) -> Duration {
        let over = self
            .over
            .map(|over| over.saturating_duration_since(self.runtime.now()));
        over.map_or(self.each, |over| over.min(self.each))
    }
}

impl<E> fmt::Debug for Signal<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Signal")
            .field("name", &self.name)
            .field("connected", &state.connected)
            .field("attached", &state.attached)
            .field("frozen", &state.frozen)
            .finish()
    }
}

/// Attaches what stands under `#[receiver]`, if that has not happened.
fn attach_all() {
    #[cfg(feature = "macros")]
    registry::attach_all();
}
