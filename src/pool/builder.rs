use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::item::Limits;
use super::places::Rules;
use super::shared::Options;
use super::{Pool, PoolManager};
use crate::runtime::Runtime;

/// How many objects a pool can have.
const MAXIMA: RangeInclusive<usize> = 1..=1_000_000;

/// Which of the idle objects is lent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lend {
    /// The one that was used last, so that those which are not needed come to their
    /// [idle limit](PoolBuilder::idle_timeout).
    #[default]
    Newest,
    /// The one that was idle for longest, so that all of them are used.
    Oldest,
}

/// A pool about to be made; from [`Pool::builder`].
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`maximum`](Self::maximum) | how many objects there are at the same time, at most (1 to 1 000 000) | 10 |
/// | [`minimum_idle`](Self::minimum_idle) | how many are made ahead, so that they wait for their callers | 0 |
/// | [`lend`](Self::lend) | which of the idle ones is lent first | [`Lend::Newest`] |
/// | [`recycle`](Self::recycle) | how long an object lives; each one to two times as long | for ever |
/// | [`idle_timeout`](Self::idle_timeout) | how long an object is kept idle; each one to two times as long | for ever |
/// | [`acquire_timeout`](Self::acquire_timeout) | how long a call waits for its object | 30 s |
/// | [`destroy_timeout`](Self::destroy_timeout) | how long the taking down of an object may take | 10 s |
/// | [`most_waiting`](Self::most_waiting) | how many callers wait, at most | 65 536 |
/// | [`measure_wait`](Self::measure_wait) | whether the time that callers wait is measured | false |
/// | [`name`](Self::name) | what the pool is called in the log and in the figures | the manager's type |
/// | [`runtime`](Self::runtime) | where its tasks run | the runtime of the first call |
#[must_use = "nothing is made until `build`"]
pub struct PoolBuilder<M> {
    manager: M,
    name: Cow<'static, str>,
    maximum: usize,
    minimum_idle: usize,
    most_waiting: usize,
    lend: Lend,
    limits: Limits,
    acquire: Duration,
    destroy: Duration,
    measure_wait: bool,
    runtime: Option<Runtime>,
}

impl<M: PoolManager> PoolBuilder<M> {
    pub(super) fn new(manager: M) -> Self {
        Self {
            manager,
            name: Cow::Borrowed(short_name::<M>()),
            maximum: 10,
            minimum_idle: 0,
            most_waiting: 65_536,
            lend: Lend::default(),
            limits: Limits {
                idle: None,
                life: None,
            },
            acquire: Duration::from_secs(30),
            destroy: Duration::from_secs(10),
            measure_wait: false,
            runtime: None,
        }
    }

    /// Sets how many objects there are at the same time, at most: lent, idle and being made. Those that are
    /// being destroyed do not count, unless there are as many of them.
    pub fn maximum(mut self, objects: usize) -> Self {
        self.maximum = objects;
        self
    }

    /// Sets how many objects are made ahead, within the maximum, by a task in the background: from the first
    /// [`acquire`](Pool::acquire) or [`warm_up`](Pool::warm_up) on. If they cannot be made, it tries again
    /// after a pause of 0.1 s, which doubles up to 30 s.
    pub fn minimum_idle(mut self, objects: usize) -> Self {
        self.minimum_idle = objects;
        self
    }

    /// Sets which of the idle objects is lent first.
    pub fn lend(mut self, which: Lend) -> Self {
        self.lend = which;
        self
    }

    /// Sets how long an object lives. Each lives between once and twice as long, by chance, so that those
    /// that were made together do not go together. One that is lent then goes when it is given back.
    pub fn recycle(mut self, life: Duration) -> Self {
        self.limits.life = Some(life);
        self
    }

    /// Sets how long an object is kept idle, each between once and twice as long; not those that make up the
    /// [minimum](Self::minimum_idle).
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.limits.idle = Some(idle);
        self
    }

    /// Sets how long a call waits for its object in all: for its turn, and for the object to be made or
    /// checked. `Duration::MAX` is for ever.
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.acquire = limit;
        self
    }

    /// Sets how long the taking down of an object may take; after that its future is dropped.
    pub fn destroy_timeout(mut self, limit: Duration) -> Self {
        self.destroy = limit;
        self
    }

    /// Sets how many callers wait, at most. More are refused with
    /// [`AcquireError::Busy`](super::AcquireError::Busy).
    pub fn most_waiting(mut self, callers: usize) -> Self {
        self.most_waiting = callers;
        self
    }

    /// Says whether the time that callers wait is added up in
    /// [`wait_time`](super::PoolStatistic::wait_time), which takes two looks at the clock for each.
    pub fn measure_wait(mut self, measure: bool) -> Self {
        self.measure_wait = measure;
        self
    }

    /// Sets what the pool is called in the log and in the figures.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets where the tasks of the pool run, and whose clock it goes by.
    pub fn runtime(mut self, runtime: impl Into<Runtime>) -> Self {
        self.runtime = Some(runtime.into().unowned());
        self
    }

    /// Makes the pool. It has no objects before somebody asks for one.
    ///
    /// # Errors
    ///
    /// [`InvalidObjectPool`] if the maximum is 0 or above 1 000 000, the minimum is above the maximum, or the
    /// life or the idle limit is zero.
    pub fn build(self) -> Result<Pool<M>, InvalidObjectPool> {
        let invalid = |what, text: String| Err(InvalidObjectPool { what, text });
        if !MAXIMA.contains(&self.maximum) {
            let (least, most) = MAXIMA.into_inner();
            let text = format!("a number from {least} to {most}, got {}", self.maximum);
            return invalid("maximum", text);
        }
        if self.minimum_idle > self.maximum {
            let (minimum, maximum) = (self.minimum_idle, self.maximum);
            let text = format!("at most the maximum of {maximum}, got {minimum}");
            return invalid("minimum of idle objects", text);
        }
        let limits = [("life", self.limits.life), ("idle limit", self.limits.idle)];
        for (what, limit) in limits {
            if limit.is_some_and(|limit| limit.is_zero()) {
                return invalid(what, "more than zero".to_owned());
            }
        }
        Ok(self.build_valid())
    }

    /// Makes the pool, of options that were looked at.
    pub(super) fn build_valid(self) -> Pool<M> {
        let options = Options {
            name: self.name.into(),
            rules: Rules {
                maximum: self.maximum,
                minimum_idle: self.minimum_idle,
                most_waiting: self.most_waiting,
                newest_first: self.lend == Lend::Newest,
            },
            limits: self.limits,
            acquire: self.acquire,
            destroy: self.destroy,
            measure_wait: self.measure_wait,
        };
        Pool::with(self.manager, options, self.runtime)
    }
}

/// The name of a type without its path.
fn short_name<T>() -> &'static str {
    let name = type_name::<T>();
    let bare = name.split('<').next().unwrap_or(name);
    let short = bare.rsplit("::").next().unwrap_or(bare);
    // A closure has no name of its own.
    if short.starts_with('{') {
        "pool"
    } else {
        short
    }
}

impl<M> fmt::Debug for PoolBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("name", &self.name)
            .field("maximum", &self.maximum)
            .finish_non_exhaustive()
    }
}

/// Says which option of a pool cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidObjectPool {
    what: &'static str,
    text: String,
}

impl fmt::Display for InvalidObjectPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, text } = self;
        write!(f, "{what} of a pool: expected {text}")
    }
}

impl std::error::Error for InvalidObjectPool {}
