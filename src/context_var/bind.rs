//! Carries the values to where they do not go by themselves.

use std::sync::Arc;

use crate::runtime::{Scope, Scoped};

/// Makes a closure that runs with what is current here and now, wherever it is called: the values of all
/// variables, the runtime and the tracing span.
///
/// ```
/// use aiomisc::context_var;
///
/// context_var! { static USER_ID: u32; }
///
/// USER_ID.sync_scope(7, || {
///     let without = std::thread::spawn(|| USER_ID.get());
///     let with = std::thread::spawn(context_var::bind(|| USER_ID.get()));
///     assert_eq!(without.join().unwrap(), None);
///     assert_eq!(with.join().unwrap(), Some(7));
/// });
/// ```
///
/// For a future there is [`bind_future`], for what is called more than once [`capture`].
pub fn bind<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let captured = capture();
    move || captured.run(f)
}

/// Makes a future that runs with what is current here and now, whoever polls it, as [`bind`] does with a
/// closure.
///
/// ```
/// use aiomisc::context_var::{self, ContextVar};
///
/// static USER_ID: ContextVar<u32> = ContextVar::new("USER_ID");
///
/// let task = USER_ID.sync_scope(7, || {
///     smol::spawn(context_var::bind_future(async { USER_ID.get() }))
/// });
/// assert_eq!(smol::block_on(task), Some(7));
/// ```
pub fn bind_future<F: Future>(future: F) -> Scoped<F> {
    capture().scope(future)
}

/// Keeps what is current here and now — the values of all variables, the runtime and the tracing span — to
/// run something with it later, as often as wanted.
///
/// ```
/// use aiomisc::context_var;
///
/// context_var! { static USER_ID: u32; }
///
/// let here = USER_ID.sync_scope(7, context_var::capture);
/// let callback = move |number| here.run(|| USER_ID.get().map(|id| id + number));
/// assert_eq!([callback(1), callback(2)], [Some(8), Some(9)]);
/// ```
///
/// # Cost
///
/// The clone of an [`Arc`] inside of a task; an allocation elsewhere, or where the span has changed.
#[must_use]
pub fn capture() -> Captured {
    Captured(Scope::captured())
}

/// What was current at some place; from [`capture`]. Cloning it is cheap.
///
/// Like a task, it does not keep the runtime alive.
#[derive(Clone, Debug)]
pub struct Captured(Arc<Scope>);

impl Captured {
    /// Calls a closure with what was captured, and nothing else: what is set around is not seen. What the
    /// closure [sets](super::ContextVar::set) is gone at its end.
    ///
    /// Code written for the runtime's executor finds it, as in [`Runtime::enter`](crate::Runtime::enter).
    ///
    /// # Panics
    ///
    /// With the panic of the closure; the values from before are back then.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let mut scope = Some(Arc::clone(&self.0).for_closure());
        Scope::enter(&mut scope, || match self.0.runtime() {
            Some(runtime) => runtime.enter(f),
            None => f(),
        })
    }

    /// Runs a future with what was captured, as [`run`](Self::run) does with a closure.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(Arc::clone(&self.0), future)
    }
}
