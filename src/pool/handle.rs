use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::acquire::acquire;
use super::builder::PoolBuilder;
use super::error::{AcquireError, LeftInPool};
use super::guard::Pooled;
use super::manager::PoolManager;
use super::places::Places;
use super::shared::{Options, Shared, Sharing, wake};
use super::statistic::PoolStatistic;
use crate::future::{Either, race};
use crate::runtime::Runtime;

/// Lends objects that a [`PoolManager`] makes. A handle: cloning it is cheap, and the clones share the objects.
///
/// The [module](super) says what holds, and [`PoolBuilder`] has the options.
///
/// A pool belongs to one runtime, by default to that of its first call: there its tasks run, and by its clock
/// objects grow old. When it has ended the pool still lends, to callers on others; but objects are dropped where
/// they would be destroyed, and nobody looks after the idle ones.
///
/// When the last handle and the last lent object are gone, what is idle is destroyed in the background;
/// [`close`](Self::close) waits for it.
pub struct Pool<M: PoolManager> {
    shared: Arc<Shared<M>>,
}

impl<M: PoolManager> Pool<M> {
    /// Makes a pool of at most ten objects. It has none before somebody asks for one.
    #[must_use]
    pub fn new(manager: M) -> Self {
        PoolBuilder::new(manager).build_valid()
    }

    /// Begins a pool with other options.
    pub fn builder(manager: M) -> PoolBuilder<M> {
        PoolBuilder::new(manager)
    }

    pub(super) fn with(manager: M, options: Options, runtime: Option<Runtime>) -> Self {
        Self {
            shared: Arc::new(Shared::new(manager, options, runtime)),
        }
    }

    /// Takes an object: an idle one that passes its check, or a new one, or the next that is given back.
    ///
    /// It is given back when the [`Pooled`] is dropped. A new object is not checked.
    ///
    /// # Errors
    ///
    /// - [`AcquireError::Timeout`] when there is none within [`acquire_timeout`](PoolBuilder::acquire_timeout);
    ///   it says at which stage.
    /// - [`AcquireError::Create`] with the manager's error, when none is idle and none can be made.
    /// - [`AcquireError::Panicked`] when the manager panics.
    /// - [`AcquireError::Closed`] after [`close`](Self::close), [`AcquireError::Busy`] if too many wait.
    /// - [`AcquireError::NoRuntime`] at the first call, when no runtime is at hand.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any await point. An object that is being checked then is in an unknown state: it is
    /// destroyed. One that is not ready yet is given up by dropping the manager's future.
    ///
    /// # Cost
    ///
    /// Two short locks for taking and giving back, and whatever the check costs; no allocation. It makes no
    /// timer before it has to wait. The clock is read once for each if objects have a life or an idle limit,
    /// and not at all else.
    pub async fn acquire(&self) -> Result<Pooled<M>, AcquireError<M::Error>> {
        acquire(&self.shared, self.shared.options.acquire).await
    }

    /// As [`acquire`](Self::acquire), with a limit of its own. Zero: only what needs no waiting, neither for its
    /// making nor for its check.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub async fn acquire_within(
        &self,
        limit: Duration,
    ) -> Result<Pooled<M>, AcquireError<M::Error>> {
        acquire(&self.shared, limit).await
    }

    /// Begins to make the [minimum](PoolBuilder::minimum_idle) of idle objects, in the background: at the start
    /// of a program, say, before anybody asks.
    ///
    /// # Errors
    ///
    /// [`AcquireError::NoRuntime`] when the pool has no runtime and none is at hand.
    pub fn warm_up(&self) -> Result<(), AcquireError<M::Error>> {
        self.shared.runtime().map_err(AcquireError::NoRuntime)?;
        self.shared.fill();
        Ok(())
    }

    /// Closes the pool: refuses those who wait and those who come, destroys what is idle, waits until the
    /// rest was given back and destroyed, and cuts that off when the time is over.
    ///
    /// It may be called again to wait longer.
    ///
    /// # Errors
    ///
    /// [`LeftInPool`] with what was left when the time was over. Objects that are lent then are destroyed when
    /// they are given back; the taking down of others is dropped.
    ///
    /// # Cancel safety
    ///
    /// The pool is closed by the first poll; dropping the wait cuts nothing off.
    pub async fn close(&self, limit: Duration) -> Result<(), LeftInPool> {
        let shared = &self.shared;
        let (idle, wakers) = shared.change(Places::close);
        shared.signals.closing.set();
        crate::flag::wake_all(&shared.signals.stir);
        for waker in wakers {
            wake(Some(waker));
        }
        for item in idle {
            shared.discard(item);
        }
        // Without a runtime there was never an object.
        if shared.runtime().is_err() {
            return Ok(());
        }
        let time = shared.callers_runtime().sleep(limit);
        if let Either::First(()) = race(shared.over(), time).await {
            return Ok(());
        }
        let counts = shared.counts();
        shared.signals.cut.set();
        let left = LeftInPool {
            in_use: counts.taken,
            destroying: counts.doomed,
        };
        tracing::warn!(pool = %shared.options.name, %left, "pool was cut off");
        Err(left)
    }

    /// Waits until the pool is closed: for who keeps an object for long, and should give it back then.
    pub async fn closing(&self) {
        self.shared.signals.closing.wait().await;
    }

    /// Whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// How many objects there are, and what they do.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let counts = self.shared.counts();
        PoolStatus {
            maximum: self.shared.options.rules.maximum,
            size: counts.taken,
            idle: counts.idle,
            in_use: counts.taken - counts.idle,
            waiting: counts.waiting,
            destroying: counts.doomed,
        }
    }

    /// The figures of the pool.
    #[must_use]
    pub fn statistics(&self) -> &PoolStatistic {
        &self.shared.statistic
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.options.name
    }

    /// The one who makes the objects.
    #[must_use]
    pub fn manager(&self) -> &M {
        &self.shared.manager
    }
}

impl<M: PoolManager> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M: PoolManager> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// What a pool has at one moment; from [`Pool::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many places there are.
    pub maximum: usize,
    /// How many are taken, by objects and those that are being made.
    pub size: usize,
    /// How many objects wait to be lent.
    pub idle: usize,
    /// How many places are taken by objects that are lent, checked or being made; and by those being destroyed
    /// that keep theirs, because as many as the maximum are already.
    pub in_use: usize,
    /// How many callers wait.
    pub waiting: usize,
    /// How many objects without a place are being destroyed.
    pub destroying: usize,
}
