//! Streams from threads: an iterator that blocks runs on a thread, ahead of its consumer, and what it gives
//! arrives as a [`Stream`](futures_core::Stream).
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use aiomisc::thread;
//! use std::io::{BufRead, BufReader};
//!
//! # aiomisc::run(async {
//! let mut lines = thread::iterate(|| {
//!     let file = std::fs::File::open("Cargo.toml").expect("it is there");
//!     BufReader::new(file).lines().map_while(Result::ok)
//! });
//! let mut bytes = 0;
//! while let Some(line) = lines.try_next().await? {
//!     bytes += line.len();
//! }
//! # assert!(bytes > 100);
//! # Ok::<(), aiomisc::BoxError>(())
//! # }, []).expect("no service fails").transpose().expect("no panic");
//! # }
//! ```
//!
//! | for | use |
//! |---|---|
//! | an iterator | [`iterate`], `#[threaded_iterable]`: a thread of the [current pool](super::ThreadPool::current) |
//! | one that takes long, or has no end | [`iterate_separate`], `#[threaded_iterable_separate]`: a thread of its own |
//! | what is no iterator, or may fail | [`Iterate::push`]: a function that sends its items |
//! | another size, name or pool | [`Iterate`] |
//!
//! # What holds
//!
//! 1. Items arrive in the order in which they were produced, each once, the last one as well.
//! 2. At most [`max_size`](Iterate::max_size) items are ahead: produced, and not yet handed to the
//!    consumer. An iterator is asked for the next one when there is room for it; a function that sends may
//!    have one in its hands besides.
//! 3. A consumer that waits gets an item as soon as it is produced, whatever the producer does next.
//! 4. A producer that is that far ahead sleeps. It is woken when half of the places are free, never
//!    polled.
//! 5. When the consumer goes, or closes the iterator, the producer ends with its next item, and its
//!    clean-up (the `Drop` of the iterator, what a function does before it returns) runs on its thread. One
//!    that has not begun never runs. One that blocks in a call of its own is not interrupted.
//! 6. A producer's panic or error is an error for the consumer, after all items that came before.
//! 7. The producer sees the runtime, the context variables and the `tracing` span of where it was made.
//!
//! # Costs
//!
//! An item takes one short lock of its producer and a fraction of one of its consumer; nobody is woken while
//! both have something to do. Before one side sleeps it looks again for a while, the consumer for about a
//! microsecond and the producer for five, and no longer at all when that was of no use lately. A small
//! `max_size` makes them wait for each other.
//!
//! Each iterator holds a thread from its first item to its end, also while it sleeps: as many as the pool
//! has threads keep all other jobs of the pool waiting, and iterators that are consumed side by side may wait
//! for each other for ever if they are more than the pool has threads. Use threads of their own for those
//! that live long.
//!
//! An iterator whose items all have been produced learns of its end, and is dropped, when there is room for
//! one more.

mod bridge;
mod builder;
mod error;
mod produce;
mod statistic;
mod stream;
#[cfg(test)]
mod stress;
mod yielder;

pub use self::builder::Iterate;
pub use self::error::IterateError;
pub use self::statistic::IteratorStatistic;
pub use self::stream::ThreadedIter;
pub use self::yielder::{Gone, Yielder};

/// Runs an iterator on a thread of the [current pool](super::ThreadPool::current), at most 1024 items ahead;
/// [`Iterate::run`] says the rest.
///
/// The closure makes the iterator on that thread, where it also ends: neither has it to be `Send`, nor does
/// anything that it opens block the caller.
#[track_caller]
pub fn iterate<I, F>(make: F) -> ThreadedIter<I::Item>
where
    F: FnOnce() -> I + Send + 'static,
    I: IntoIterator<Item: Send + 'static>,
{
    Iterate::new().run(make)
}

/// As [`iterate`], on a thread of its own: for an iterator that takes long, or has no end.
#[track_caller]
pub fn iterate_separate<I, F>(make: F) -> ThreadedIter<I::Item>
where
    F: FnOnce() -> I + Send + 'static,
    I: IntoIterator<Item: Send + 'static>,
{
    Iterate::new().separate(true).run(make)
}
