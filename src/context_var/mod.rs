//! Values that follow a chain of calls: into the tasks, jobs of threads and iterators that it begins.
//!
//! A [`ContextVar`] is a `static` that has a value of its own in each chain: the id of the request that is
//! served, the user on whose behalf something is done. [`context_var!`](crate::context_var!) declares them.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::{Runtime, context_var};
//!
//! context_var! {
//!     /// Whose request is served.
//!     static USER_ID: u32;
//!     static LANGUAGE: String = "en".to_owned();
//! }
//!
//! # aiomisc::adapters::Smol::new().block_on(async {
//! let request = async {
//!     let runtime = Runtime::current()?;
//!     let task = runtime.spawn(async { USER_ID.get() }).await?;
//!     let thread = runtime.spawn_blocking(|| USER_ID.get()).await?;
//!     assert_eq!([task, thread], [Some(7), Some(7)]);
//!     assert_eq!(LANGUAGE.get().as_deref(), Some("en"));
//!     Ok::<(), aiomisc::BoxError>(())
//! };
//! USER_ID.scope(7, request).await?;
//! assert_eq!(USER_ID.get(), None);
//! # Ok::<(), aiomisc::BoxError>(()) }).unwrap();
//! # }
//! ```
//!
//! # What holds
//!
//! - A value is set for the length of a future ([`scope`](ContextVar::scope)) or of a closure
//!   ([`sync_scope`](ContextVar::sync_scope)), with an entrypoint or without, on any executor or on none; or
//!   from now on ([`set`](ContextVar::set)), until the innermost of these ends: the task, the job, the `scope`
//!   or `sync_scope`. Whatever ends it — a result, a panic, a drop in the middle — the values from before are
//!   back.
//! - What begins inside sees the values as they are at that moment, and no later change of them: a
//!   [task](crate::spawn), a [job of a thread](crate::Runtime::spawn_blocking), an iterator of a thread. What
//!   it sets is its own, and its parent does not see it.
//! - Services and the main future of an entrypoint see what was set around its `run` or `start`; a service that
//!   is started again sees the same.
//! - A future that sleeps, or waits for whatever else, sees its values afterwards as before, on whichever
//!   thread it goes on. Futures that one task polls together, as `join!` does, share the task's values:
//!   `scope` gives each its own.
//! - Foreign `spawn` functions and threads of the system take nothing along; [`bind`] and [`bind_future`] do.
//! - Values are shared, not copied, and dropped with the last who sees them: the values of a task before
//!   anybody hears of its end. A panic in a destructor goes to the log, for there is nobody whose failure it
//!   could be.
//!
//! What all parts of a program share, and wait for, is for a [`Context`](crate::Context).

mod bind;
mod error;
mod scope;
mod values;
mod variable;

pub use self::bind::{Captured, bind, bind_future, capture};
pub use self::error::NoScope;
pub use self::scope::WithValue;
pub use self::variable::ContextVar;

/// Declares [context variables](mod@crate::context_var), as `static` items of the type
/// [`ContextVar`](crate::ContextVar).
///
/// ```
/// aiomisc::context_var! {
///     /// Nobody has one until it is set.
///     pub static REQUEST_ID: u64;
///     /// The expression gives the value where none is set; it is evaluated once, when it is first needed.
///     static LANGUAGE: String = "en".to_owned();
/// }
/// assert_eq!(REQUEST_ID.get(), None);
/// assert_eq!(LANGUAGE.get().as_deref(), Some("en"));
/// ```
///
/// The type must be `Send`, `Sync` and `'static`.
#[macro_export]
macro_rules! context_var {
    () => {};
    ($(#[$attribute:meta])* $visible:vis static $name:ident: $type:ty = $default:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visible static $name: $crate::context_var::ContextVar<$type> =
            $crate::context_var::ContextVar::with_default(::core::stringify!($name), || $default);
        $($crate::context_var! { $($rest)* })?
    };
    ($(#[$attribute:meta])* $visible:vis static $name:ident: $type:ty $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visible static $name: $crate::context_var::ContextVar<$type> =
            $crate::context_var::ContextVar::new(::core::stringify!($name));
        $($crate::context_var! { $($rest)* })?
    };
    ($($other:tt)+) => {
        ::core::compile_error!("expected `static NAME: TYPE;` or `static NAME: TYPE = DEFAULT;`");
    };
}
