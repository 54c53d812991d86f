use std::any::type_name;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use super::bridge;
use super::produce::{Production, feed};
use super::statistic::IteratorStatistic;
use super::stream::ThreadedIter;
use super::yielder::Yielder;
use crate::BoxError;
use crate::runtime::{Name, Origin};
use crate::thread::{Separate, ThreadPool};

/// So many items are ahead of the consumer, where nothing else is said.
const MAX_SIZE: usize = 1024;

/// An iterator on a thread, about to be made.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`max_size`](Self::max_size) | how many items are ahead of the consumer, at most; 0: any number | 1024 |
/// | [`name`](Self::name) | what it is called in reports and in the figures | the type of the closure |
/// | [`pool`](Self::pool) | whose thread it runs on | the [current one](ThreadPool::current) |
/// | [`separate`](Self::separate) | whether it runs on a thread of its own in place of a pool's | `false` |
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::thread::Iterate;
/// use std::io::Read;
///
/// # aiomisc::run(async {
/// let mut noise = Iterate::new().name("noise").max_size(2).push(|yielder| {
///     let mut file = std::fs::File::open("/dev/urandom")?;
///     loop {
///         let mut bytes = [0; 8];
///         file.read_exact(&mut bytes)?;
///         yielder.send(bytes)?;
///     }
/// });
/// for _ in 0..10 {
///     let bytes = noise.try_next().await?;
/// #   assert!(bytes.is_some());
/// }
/// noise.close().await?;
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).expect("no service fails").transpose().expect("no panic");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until `run` or `push`"]
pub struct Iterate {
    max_size: usize,
    name: Option<Cow<'static, str>>,
    pool: Option<ThreadPool>,
    separate: bool,
}

impl Default for Iterate {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterate {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_size: MAX_SIZE,
            name: None,
            pool: None,
            separate: false,
        }
    }

    /// Sets how many items are ahead of the consumer, at most: produced, and not yet handed over.
    ///
    /// With 0 there is no limit, and the producer never waits: whatever the consumer does not take stays
    /// in memory. It is for what is known to be small.
    pub fn max_size(mut self, items: usize) -> Self {
        self.max_size = items;
        self
    }

    /// Sets what the iterator is called.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the pool whose thread the iterator runs on.
    pub fn pool(mut self, pool: ThreadPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Sets whether the iterator runs on a thread of its own; the pool does not matter then.
    pub fn separate(mut self, separate: bool) -> Self {
        self.separate = separate;
        self
    }

    /// Runs an iterator: the closure makes it on the thread, where it is asked for item after item, and
    /// dropped in the end.
    ///
    /// It is submitted by this call, and begins as soon as there is a thread for it: where the pool has
    /// none left, the iterator waits for one like every other job.
    ///
    /// # Errors
    ///
    /// They arrive as the last item of the stream: [`IterateError`](super::IterateError).
    ///
    /// # Cost
    ///
    /// That of a [`Job`](crate::thread::Job), and of some ten allocations.
    #[track_caller]
    pub fn run<I, F>(self, make: F) -> ThreadedIter<I::Item>
    where
        F: FnOnce() -> I + Send + 'static,
        I: IntoIterator<Item: Send + 'static>,
    {
        self.start(type_name::<F>(), move |yielder| feed(make, yielder))
    }

    /// Runs a function that sends its items, on the thread: for what is no iterator, or may fail.
    ///
    /// [`Yielder::send`] waits while the consumer is too far behind, and fails when it has gone; the
    /// function then cleans up and returns, which `?` does. An error of another kind arrives in the
    /// stream, after the items that were sent before.
    ///
    /// It is submitted by this call, as by [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// They arrive as the last item of the stream: [`IterateError`](super::IterateError).
    #[track_caller]
    pub fn push<T, F>(self, produce: F) -> ThreadedIter<T>
    where
        F: FnOnce(&mut Yielder<T>) -> Result<(), BoxError> + Send + 'static,
        T: Send + 'static,
    {
        self.start(type_name::<F>(), produce)
    }

    #[track_caller]
    fn start<T, F>(self, type_name: &'static str, produce: F) -> ThreadedIter<T>
    where
        F: FnOnce(&mut Yielder<T>) -> Result<(), BoxError> + Send + 'static,
        T: Send + 'static,
    {
        let statistic = match &self.name {
            Some(name) => IteratorStatistic::new(&**name),
            None => IteratorStatistic::unnamed(),
        };
        let name = self.name.unwrap_or(Cow::Borrowed(type_name));
        let origin = Origin {
            name: Name::Given(name.clone()),
            location: Location::caller(),
        };
        let (producer, consumer) = bridge::new(self.max_size, statistic.clone());
        let over = Arc::default();
        let production = Production::new(produce, producer, statistic, origin.clone(), &over);
        let job = if self.separate {
            Separate::new().name(name).run(move || production.run())
        } else {
            let pool = self.pool.unwrap_or_else(ThreadPool::current);
            pool.run_named(Name::Given(name), move || production.run())
        };
        ThreadedIter::new(consumer, job, origin, self.max_size, over)
    }
}
