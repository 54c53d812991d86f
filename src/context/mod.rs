//! Values that the parts of a program share, and wait for.
//!
//! A [`Context`] holds values under [keys](Key). Whoever needs one waits until somebody sets it, so
//! that services need not know in which order they start. Each entrypoint has one, which its
//! services and tasks find by [`Context::current`]; [`Context::new`] makes one without an entrypoint.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::{BoxError, ServiceContext, context::Key, service_fn, services};
//! use std::sync::Arc;
//!
//! struct Pool;
//!
//! static POOL: Key<Arc<Pool>> = Key::new("pool");
//!
//! let opens = service_fn("opens", |ctx: ServiceContext| async move {
//!     ctx.context().set(&POOL, Arc::new(Pool));
//!     Ok(())
//! });
//! let uses = service_fn("uses", |ctx: ServiceContext| async move {
//!     let pool = ctx.context().get(&POOL).await?;
//!     drop(pool);
//!     Ok::<(), BoxError>(())
//! });
//! aiomisc::run(async {}, services![uses, opens]).unwrap();
//! # }
//! ```
//!
//! A value that belongs to one chain of calls, such as a request's id, is not for here: every task
//! sees the same context.

mod error;
mod get;
mod key;
mod slot;
mod table;
mod waiting;

pub use self::error::NotSet;
pub use self::get::Get;
pub use self::key::Key;
pub use self::waiting::Waiting;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use self::table::Table;
use crate::runtime::Runtime;
use crate::statistic;
use crate::statistics::Instance;

/// Values by key, which can be waited for. A handle: cloning it is cheap, and the clones share the
/// values.
///
/// Values are given out as clones, so that they are mostly an [`Arc`] or another cheap handle.
///
/// # What holds
///
/// - Waiters are independent: dropping one does not disturb the others.
/// - A waiter gets the first value that is set after it began to wait, also when that is replaced,
///   removed, or the context closed, before it runs. Who asks later gets the latest value.
/// - When the context is [closed](Self::close), those who wait get an error that names the key. An
///   entrypoint closes its own at the end of its stop.
/// - No lock is held while code of yours runs: clones, destructors, wakers.
///
/// # Cost
///
/// Reading a key that is set takes no lock and allocates nothing: one look-up and the value's clone.
/// A key that was ever asked for keeps its place (some hundred bytes) as long as the context.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
}

struct Shared {
    table: Table,
    runtime: Option<Runtime>,
    /// Names the service that asks, for the report.
    asker: fn() -> Option<Arc<str>>,
    /// Of the next who waits.
    ticket: AtomicU64,
    statistic: Instance<ContextStatistic>,
}

impl Context {
    /// Makes an empty context, which measures time on the runtime that is current for who waits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None, || None)
    }

    /// Makes an empty context, which measures time on this runtime, and does not keep it alive.
    #[must_use]
    pub fn on(runtime: impl Into<Runtime>) -> Self {
        Self::with(Some(runtime.into().unowned()), || None)
    }

    pub(crate) fn with(runtime: Option<Runtime>, asker: fn() -> Option<Arc<str>>) -> Self {
        let shared = Shared {
            table: Table::new(),
            runtime,
            asker,
            ticket: AtomicU64::new(0),
            statistic: ContextStatistic::unnamed(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sets a value, and wakes those who wait for it. The value before is dropped here, unless
    /// somebody is reading it this moment.
    ///
    /// In a context that is closed this drops the value.
    ///
    /// # Panics
    ///
    /// If the value before panics when it is dropped; the new one is in place by then.
    pub fn set<T: Clone + Send + Sync + 'static>(&self, key: &Key<T>, value: T) {
        self.shared.statistic.set.add_one();
        self.shared.table.find_or_add(key).set(value);
    }

    /// Gives the value as soon as it is set; [`Get::within`] adds a limit.
    ///
    /// # Errors
    ///
    /// [`NotSet`] when the context is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing and disturbs nobody.
    ///
    /// # Cost
    ///
    /// That of [`try_get`](Self::try_get) when the key is set. Who has to wait reads the clock, and
    /// allocates a place among those who wait.
    #[inline]
    #[track_caller]
    pub fn get<T: Clone + Send + Sync + 'static>(&self, key: &Key<T>) -> Get<'_, T> {
        self.shared.statistic.get.add_one();
        Get::new(&self.shared, *key, Location::caller())
    }

    /// Gives the value if it is set.
    #[inline]
    #[must_use]
    pub fn try_get<T: Clone + Send + Sync + 'static>(&self, key: &Key<T>) -> Option<T> {
        self.shared.statistic.get.add_one();
        self.shared.table.find(key)?.read()
    }

    /// Takes the value away, if there is one; who asks from now on waits for the next.
    #[allow(
        clippy::must_use_candidate,
        reason = "most who remove a value have no use for it"
    )]
    pub fn remove<T: Clone + Send + Sync + 'static>(&self, key: &Key<T>) -> Option<T> {
        let value = self.shared.table.find(key)?.remove()?;
        Some(Arc::unwrap_or_clone(value))
    }

    /// Sets the one value of its type that has no name: [`set`](Self::set) with [`Key::of_type`].
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use aiomisc::context::Context;
    ///
    /// #[derive(Clone)]
    /// struct Settings { verbose: bool }
    ///
    /// # aiomisc::adapters::Smol::new().block_on(async {
    /// let context = Context::new();
    /// context.insert(Settings { verbose: true });
    /// assert!(context.get_type::<Settings>().await?.verbose);
    /// # Ok::<(), aiomisc::context::NotSet>(()) }).unwrap();
    /// # }
    /// ```
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) {
        self.set(&Key::of_type(), value);
    }

    /// Gives the one value of this type that has no name, as soon as it is set; see
    /// [`get`](Self::get).
    ///
    /// # Errors
    ///
    /// [`NotSet`] when the context is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the wait loses nothing and disturbs nobody.
    #[inline]
    #[track_caller]
    pub fn get_type<T: Clone + Send + Sync + 'static>(&self) -> Get<'_, T> {
        self.get(&Key::of_type())
    }

    /// Gives the one value of this type that has no name, if it is set.
    #[inline]
    #[must_use]
    pub fn try_get_type<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.try_get(&Key::of_type())
    }

    /// Tells who waits, for which key and since when, in the order in which they began.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        for slot in self.shared.table.slots() {
            slot.report(&mut waiting);
        }
        waiting.sort_unstable_by_key(|(ticket, _)| *ticket);
        waiting.into_iter().map(|(_, waiting)| waiting).collect()
    }

    /// Ends all waits with an error, and drops the values, as far as nobody is reading them; a panic
    /// of one is logged and does not keep the others from being dropped. Nothing can be set any more.
    pub fn close(&self) {
        self.shared.table.close();
    }

    /// Whether the context was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.table.is_closed()
    }

    /// How often values were asked for, and set. [`statistics()`](crate::statistics()) shows it, too.
    #[must_use]
    pub fn statistics(&self) -> &ContextStatistic {
        &self.shared.statistic
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Shared {
    /// A panic of one value does not keep the others from being dropped.
    fn drop(&mut self) {
        self.table.close();
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.shared.table.slots().filter(|slot| slot.is_set());
        f.debug_struct("Context")
            .field("set", &set.count())
            .field("waiting", &self.waiting())
            .field("closed", &self.is_closed())
            .finish()
    }
}

statistic! {
    /// How often a [`Context`] was used.
    pub struct ContextStatistic {
        /// How often a value was asked for.
        pub get: Counter,
        /// How often a value was set.
        pub set: Counter,
    }
}
