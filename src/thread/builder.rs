use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::gate::{Gate, Limits};
use super::pool::ThreadPool;

/// The sizes that a pool of threads can have.
pub(crate) const POOL_SIZES: std::ops::RangeInclusive<usize> = 1..=10_000;

/// What becomes of a job when the queue of its pool is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// It stands in line for a place in the queue, held by its caller: awaiting it takes longer.
    #[default]
    Wait,
    /// It is refused: its caller gets an error at once.
    Refuse,
}

/// A pool about to be made; from [`ThreadPool::builder`].
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`size`](Self::size) | how many jobs run at the same time, at most (1 to 10 000) | the number of processors, at least 4 and at most 32 |
/// | [`name`](Self::name) | what the pool is called in the log and in the figures | `default` |
/// | [`queue_limit`](Self::queue_limit) | how many jobs wait in the queue, at most | 65 536 |
/// | [`overflow`](Self::overflow) | what becomes of more jobs | [`Overflow::Wait`] |
/// | [`shutdown_timeout`](Self::shutdown_timeout) | how long [`shutdown`](ThreadPool::shutdown) waits for its jobs | 10 s |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct ThreadPoolBuilder {
    size: usize,
    name: Cow<'static, str>,
    queue_limit: usize,
    overflow: Overflow,
    shutdown_timeout: Duration,
}

impl ThreadPoolBuilder {
    pub(super) fn new() -> Self {
        Self {
            size: default_size(),
            name: Cow::Borrowed("default"),
            queue_limit: 65_536,
            overflow: Overflow::default(),
            shutdown_timeout: Duration::from_secs(10),
        }
    }

    /// Sets how many jobs run at the same time, at most.
    pub fn size(mut self, threads: usize) -> Self {
        self.size = threads;
        self
    }

    /// Sets what the pool is called.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how many jobs wait in the queue, at most; 0 for none: then a job runs at once, or is not
    /// taken in.
    pub fn queue_limit(mut self, jobs: usize) -> Self {
        self.queue_limit = jobs;
        self
    }

    /// Sets what becomes of a job when the queue is full.
    pub fn overflow(mut self, rule: Overflow) -> Self {
        self.overflow = rule;
        self
    }

    /// Sets how long [`shutdown`](ThreadPool::shutdown) waits for the jobs.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Makes the pool. It has no threads before it has jobs.
    ///
    /// # Errors
    ///
    /// [`InvalidPool`] if the size is 0 or above 10 000.
    pub fn build(self) -> Result<ThreadPool, InvalidPool> {
        if POOL_SIZES.contains(&self.size) {
            Ok(self.build_valid())
        } else {
            Err(InvalidPool { size: self.size })
        }
    }

    /// Makes the pool, of a size that was looked at.
    pub(crate) fn build_valid(self) -> ThreadPool {
        let limits = Limits {
            size: NonZeroUsize::new(self.size).unwrap_or(NonZeroUsize::MIN),
            queue: self.queue_limit,
            overflow: self.overflow,
            shutdown: self.shutdown_timeout,
        };
        ThreadPool::with_gate(Gate::new(Arc::from(self.name), limits))
    }
}

/// Enough to keep the processors busy with jobs that also wait, and not too many for a small machine.
pub(crate) fn default_size() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    processors.clamp(4, 32)
}

/// Says that a pool cannot have this size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPool {
    size: usize,
}

impl fmt::Display for InvalidPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = POOL_SIZES.into_inner();
        write!(
            f,
            "size of a pool of threads: expected a number from {least} to {most}, got {}",
            self.size
        )
    }
}

impl std::error::Error for InvalidPool {}
