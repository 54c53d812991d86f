//! Of functions that block.

/// Has a function that blocks run on a thread of the [current pool](crate::thread::ThreadPool::current): its call
/// gives a [`Job`](crate::thread::Job) to be awaited.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::io::{self, Read};
/// use std::path::PathBuf;
///
/// /// Reads the first bytes of a file.
/// #[aiomisc::threaded]
/// fn first_bytes(path: PathBuf, count: usize) -> io::Result<Vec<u8>> {
///     let mut bytes = vec![0; count];
///     std::fs::File::open(path)?.read_exact(&mut bytes)?;
///     Ok(bytes)
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let both = futures::future::join(
///     first_bytes("/dev/urandom".into(), 100),
///     first_bytes("/dev/zero".into(), 100),
/// );
/// let (random, zeros) = both.await;
/// assert_eq!(random??.len(), 100);
/// assert_eq!(zeros??, [0; 100]);
/// // Without a thread, and without a runtime:
/// assert_eq!(first_bytes_sync("/dev/zero".into(), 1)?, [0]);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The function gets another name, `NAME_sync`, by which it can be called as before. `NAME` takes the same
/// arguments, moves them to the thread, and returns a `Job<T>`. **The call submits the job**, unlike that of
/// an `async fn`; awaiting the job gives a `Result<T, JobError>`, whose error is that of a panic, or of a
/// pool that takes no more. Dropping it before it has begun keeps it from running. [`thread`](mod@crate::thread) says
/// the rest: the job sees the runtime, the [context variables](mod@crate::context_var) and the span of the caller.
///
/// # Where it stands
///
/// On free functions, and on methods that take `self` or `self: Arc<Self>`; not on those that borrow: nothing
/// that is borrowed can go to another thread. An associated function without `self` is known by the `Self` that
/// it names somewhere; the option `associated` says so where it names none. Methods of traits have no place for
/// the second function.
///
/// The arguments must be `Send` and `'static`, and so must the result. Generics and `impl Trait` are kept;
/// their bounds have to say that.
///
/// # Iterators
///
/// A function that returns `impl Iterator<Item = T>` (or `impl IntoIterator<Item = T>`) does its work while it is
/// iterated. It gives a stream, as under [`threaded_iterable`], at most 1024 items ahead.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `name = "reader"` | what the job is called in reports | the function's name |
/// | `pool = EXPRESSION` | the pool, cloned; the expression may name the arguments, and `self` | the current one |
/// | `associated` | that `NAME_sync` is found as `Self::NAME_sync` | see above |
/// | `crate = "name"` | what this library is called in your `Cargo.toml` | `aiomisc` |
///
/// # Other attributes
///
/// Those about lints, conditions and deprecation, and those of tools, go to both functions, documentation to
/// the first, all others to `NAME_sync`: what they see is the function as it was written.
pub use aiomisc_macros::threaded;

/// Has a function run on a thread of its own, which ends with it: for work that takes long, or has no end.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// struct Miner {
///     enough: AtomicBool,
/// }
///
/// impl Miner {
///     #[aiomisc::threaded_separate(name = "miner")]
///     fn mine(self: Arc<Self>) -> u64 {
///         let mut tries = 0;
///         while !self.enough.load(Ordering::Relaxed) {
///             tries += 1;
///         }
///         tries
///     }
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let miner = Arc::new(Miner { enough: AtomicBool::new(false) });
/// let mining = Arc::clone(&miner).mine();
/// miner.enough.store(true, Ordering::Relaxed);
/// let _tries = mining.await?;
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// All else is as under [`threaded`].
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `name = "miner"` | what the thread is called, and the job in reports | the function's name |
/// | `detach = false` | whether the end of the program leaves it [alone](crate::thread::Separate::detach) | true |
/// | `associated`, `crate = "name"` | as for [`threaded`] | |
pub use aiomisc_macros::threaded_separate;

/// Makes a stream of a function that returns an iterator, which runs on a thread of the
/// [current pool](crate::thread::ThreadPool::current), ahead of its consumer.
///
/// ```
/// # #[cfg(feature = "smol")] mod example {
/// use std::fs::File;
/// use std::io::{self, BufRead, BufReader};
///
/// #[aiomisc::threaded_iterable(max_size = 16)]
/// fn lines(path: &'static str) -> impl Iterator<Item = io::Result<String>> {
///     let (file, error) = match File::open(path) {
///         Ok(file) => (Some(file), None),
///         Err(error) => (None, Some(Err(error))),
///     };
///     let lines = file.into_iter().flat_map(|file| BufReader::new(file).lines());
///     lines.chain(error)
/// }
///
/// # pub fn main() {
/// # aiomisc::run(async {
/// let mut lines = lines("Cargo.toml");
/// let mut count = 0;
/// while let Some(line) = lines.try_next().await? {
///     count += usize::from(!line?.is_empty());
/// }
/// # assert!(count > 10);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }, []).unwrap().finished().unwrap().unwrap();
/// # }
/// # }
/// # fn main() {
/// #     #[cfg(feature = "smol")]
/// #     example::main();
/// # }
/// ```
///
/// The call returns a [`ThreadedIter`](crate::thread::ThreadedIter) and has the function called on the thread, where the
/// iterator stays: it need not be `Send`, the items and the arguments must be. Any type that goes into an iterator
/// can be returned, but a `Result`, whose error would be lost; of an `impl Iterator` the type of the items has to be
/// named. All else is as under [`threaded`], and what holds for the stream is in [`thread::iterate`](mod@crate::thread::iterate).
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `max_size = 16` | how many items are ahead of the consumer, at most; 0: any number | 1024 |
/// | `name`, `pool`, `associated`, `crate` | as for [`threaded`] | |
pub use aiomisc_macros::threaded_iterable;

/// As [`threaded_iterable`], on a thread of its own: for an iterator that takes long, or has no end.
///
/// # Options
///
/// | option | what it sets | default |
/// |---|---|---|
/// | `max_size`, `name`, `associated`, `crate` | as for [`threaded_iterable`] | |
pub use aiomisc_macros::threaded_iterable_separate;
