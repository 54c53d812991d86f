//! Receivers that stand under `#[receiver]`, gathered by the linker.

use std::sync::{Arc, Once};

use linkme::distributed_slice;

use super::Signal;
use super::receiver::{Place, Receiver};
use crate::error::BoxError;

/// Every function under `#[receiver]` in this program.
#[distributed_slice]
pub static RECEIVERS: [Registration];

/// A function under `#[receiver]`.
#[derive(Debug)]
pub struct Registration {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    attach: fn(&Self),
}

impl Registration {
    /// What the macro knows of the function; `attach` calls [`attach`] with its signal.
    #[must_use]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        attach: fn(&Self),
    ) -> Self {
        Self {
            name,
            module,
            file,
            line,
            attach,
        }
    }
}

/// Attaches the function to its signal.
pub fn attach<E, F, Fut>(registration: &Registration, signal: &Signal<E>, function: F)
where
    E: Clone + Send + Sync + 'static,
    F: Fn(E) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output: Outcome> + Send + 'static,
{
    let place = Place {
        file: registration.file,
        line: registration.line,
    };
    let receiver = Receiver::new(registration.name, place, move |event| async move {
        function(event).await.outcome()
    });
    signal.state().attached.push(Arc::new(receiver));
}

/// Attaches all of them, once in the life of the program, in their order.
pub(super) fn attach_all() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let mut all: Vec<_> = RECEIVERS.iter().collect();
        all.sort_by_key(|receiver| (receiver.module, receiver.line));
        for receiver in all {
            (receiver.attach)(receiver);
        }
    });
}

/// What a function under `#[receiver]` may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "a receiver returns `()` or a `Result<(), E>`, and not `{Self}`",
    label = "`E` is any error that goes into a `BoxError`"
)]
pub trait Outcome: Send {
    /// As a receiver's result.
    ///
    /// # Errors
    ///
    /// The function's.
    fn outcome(self) -> Result<(), BoxError>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError> + Send> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}
