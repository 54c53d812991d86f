//! `#[aiomisc::threaded]` and its kin (rows D1, D2, D3 and D6 of the parity table).

use std::cell::Cell;
use std::fmt::Display;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, ThreadId};

use aiomisc::thread::{IterateError, Job, ThreadPool, ThreadedIter};
use aiomisc::{
    context_var, threaded, threaded_iterable, threaded_iterable_separate, threaded_separate,
};

use super::*;

fn here() -> ThreadId {
    thread::current().id()
}

async fn all<T>(mut items: ThreadedIter<T>) -> Result<Vec<T>, IterateError> {
    let mut list = Vec::new();
    while let Some(item) = items.try_next().await? {
        list.push(item);
    }
    Ok(list)
}

// ---- calls ----

/// Adds two numbers.
#[threaded]
fn add(a: u32, b: u32) -> (u32, ThreadId) {
    (a + b, here())
}

#[aiomisc::test(runtimes(all))]
async fn a_call_runs_on_another_thread_and_the_plain_one_here() {
    let job: Job<(u32, ThreadId)> = add(1, 2);
    assert_eq!(job.name(), "add");
    assert_eq!(job.submitted_at().file(), file!());
    assert_eq!(job.submitted_at().line(), line!() - 3);
    let (sum, thread) = job.await.expect("it does not panic");
    assert_eq!(sum, 3);
    assert_ne!(thread, here());
    assert_eq!(add_sync(1, 2), (3, here()));
}

#[threaded]
fn fails(how: &'static str) -> Result<(), std::num::ParseIntError> {
    if how == "panic" {
        panic!("on purpose");
    }
    how.parse::<u8>().map(drop)
}

#[aiomisc::test(runtimes(all))]
async fn errors_pass_through_and_a_panic_is_one() {
    let error = fails("many").await.expect("it does not panic");
    assert_eq!(error, "many".parse::<u8>().map(drop));
    let error = fails("panic").await.expect_err("it panics");
    assert_eq!(error.panic_text(), Some("on purpose"));
    let text = error.to_string();
    assert!(
        text.starts_with("job `fails` (submitted at tests/macros/threaded.rs:"),
        "{text}"
    );
}

/// D1: the call submits, as with `run_in_executor`; nobody has to await it.
#[aiomisc::test(runtimes(all))]
async fn a_call_submits_the_job() {
    #[threaded]
    fn push(list: Arc<Mutex<Vec<u8>>>, item: u8) {
        list.lock().expect("nobody panics").push(item);
    }
    let list = Arc::default();
    push(Arc::clone(&list), 1).detach();
    let second = push(Arc::clone(&list), 2);
    while list.lock().expect("nobody panics").len() < 2 {
        aiomisc::time::sleep(Duration::from_micros(100)).await;
    }
    second.await.expect("it does not panic");
    // One that never begins: it is dropped before there was a thread.
    let pool = ThreadPool::new(1).expect("it is valid");
    assert!(pool.shutdown(false).await.is_ok());
}

// ---- methods ----

struct Counter<T> {
    start: T,
    pool: ThreadPool,
}

impl<T: Into<u64> + Send + Sync + 'static> Counter<T> {
    const STEP: u64 = 10;

    #[threaded(pool = self.pool)]
    fn finish(self, by: u64) -> u64 {
        self.start.into() + by
    }

    #[threaded]
    fn change(mut self, start: T) -> Self {
        self.start = start;
        self
    }

    #[threaded(name = "shared counter")]
    fn shared(self: Arc<Self>) -> Arc<Self> {
        self
    }

    #[threaded_separate]
    fn boxed(self: Box<Self>) -> Self {
        *self
    }

    #[threaded]
    fn make(start: T) -> Self {
        let pool = ThreadPool::current();
        Self { start, pool }
    }

    #[threaded]
    fn step() -> u64 {
        Self::STEP
    }

    /// Nothing tells that it belongs to the type.
    #[threaded(associated)]
    fn hidden(number: u64) -> u64 {
        number
    }

    #[threaded_iterable(max_size = 2, pool = self.pool)]
    fn count(self: Arc<Self>, up_to: u64) -> impl Iterator<Item = u64>
    where
        T: Copy,
    {
        let start = self.start.into();
        (start..up_to).map(move |number| number + Self::STEP - Self::STEP)
    }
}

#[aiomisc::test(runtimes(all))]
async fn methods_move_what_they_are_called_on() -> Result<(), aiomisc::BoxError> {
    let counter = Counter::make(1_u8).await?.change(5).await?;
    let job = Arc::new(counter).shared();
    assert_eq!(job.name(), "shared counter");
    let counter = job.await?;
    assert_eq!(all(Arc::clone(&counter).count(8)).await?, [5, 6, 7]);
    let counter = Arc::into_inner(counter).ok_or("the iterator is gone")?;
    let counter = Box::new(counter).boxed().await?;
    assert_eq!(counter.finish(2).await?, 7);
    assert_eq!(Counter::<u8>::step().await?, 10);
    assert_eq!(Counter::<u8>::hidden(3).await?, 3);
    assert_eq!(Counter::<u8>::hidden_sync(3), 3);
    Ok(())
}

/// D4, D11: a pool of one's own, however it is held.
#[aiomisc::test(runtimes(all))]
async fn jobs_run_on_the_pool_that_is_named() -> Result<(), aiomisc::BoxError> {
    static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
        let pool = ThreadPool::builder().name("of this test").build();
        pool.expect("it is valid")
    });
    #[threaded(pool = POOL)]
    fn on_a_static() {}
    #[threaded(pool = pool)]
    fn on_an_argument(pool: Arc<ThreadPool>) -> usize {
        pool.running()
    }
    #[threaded_iterable(pool = POOL)]
    fn items() -> [u8; 2] {
        [1, 2]
    }
    on_a_static().await?;
    let own = Arc::new(ThreadPool::new(1)?);
    assert_eq!(on_an_argument(Arc::clone(&own)).await?, 1);
    assert_eq!(all(items()).await?, [1, 2]);

    own.shutdown(true).await?;
    let error = on_an_argument(Arc::clone(&own))
        .await
        .expect_err("the pool is closed");
    assert!(error.is_closed(), "{error}");
    Ok(())
}

// ---- generics and arguments ----

#[threaded]
fn parse<T>(text: String) -> Result<T, T::Err>
where
    T: FromStr<Err: Send> + Send + 'static,
{
    text.parse()
}

#[threaded]
fn repeat<const COUNT: usize, T: Clone + Send + 'static>(item: T) -> [T; COUNT] {
    std::array::from_fn(|_| item.clone())
}

#[threaded]
fn describe(value: impl Display + Send + 'static, mut suffix: String) -> impl Display {
    suffix.insert(0, ' ');
    format!("{value}{suffix}")
}

#[threaded]
fn patterns(
    (a, b): (u8, u8),
    [first, ..]: [u8; 3],
    _: u8,
    (all @ 1..=u8::MAX | all @ 0): u8,
) -> [u8; 4] {
    [a, b, first, all]
}

#[aiomisc::test(runtimes(all))]
async fn functions_may_be_generic_and_take_patterns() -> Result<(), aiomisc::BoxError> {
    assert_eq!(parse::<u8>("7".to_owned()).await??, 7);
    let ip: std::net::IpAddr = parse("::1".to_owned()).await??;
    assert!(ip.is_loopback());
    assert_eq!(repeat::<3, _>('a').await?, ['a'; 3]);
    assert_eq!(
        describe(7, "apples".to_owned()).await?.to_string(),
        "7 apples"
    );
    assert_eq!(patterns((1, 2), [3, 4, 5], 6, 7).await?, [1, 2, 3, 7]);
    assert_eq!(patterns_sync((1, 2), [3, 4, 5], 6, 7), [1, 2, 3, 7]);
    Ok(())
}

/// Names that the attributes use are none of the functions', nor of their arguments.
mod names {
    use ::aiomisc as renamed;

    #[renamed::threaded(crate = renamed)]
    pub(super) fn job(__pool: u8, argument_0: u8, (b, _): (u8, u8)) -> u8 {
        __pool + argument_0 + b
    }

    #[renamed::threaded_separate(crate = "renamed")]
    pub(super) fn r#type(r#move: u8) -> u8 {
        r#move
    }

    #[renamed::threaded_iterable(crate = "renamed")]
    pub(super) fn iterate(__iterate: u8) -> std::ops::Range<u8> {
        #![allow(clippy::let_and_return, reason = "attributes may stand here, too")]
        let range = 0..__iterate;
        range
    }

    /// Items inside of a function have a `Self` of their own.
    #[renamed::threaded(crate = "renamed")]
    pub(super) fn free() -> u8 {
        struct Inner(u8);
        impl Inner {
            fn new() -> Self {
                Self(7)
            }
        }
        Inner::new().0
    }

    #[renamed::threaded(crate = "renamed")]
    #[cfg(any())]
    fn not_there() -> Nowhere {}

    #[renamed::threaded(crate = "renamed")]
    #[deprecated = "kept"]
    #[allow(clippy::unnecessary_wraps, reason = "kept")]
    #[track_caller]
    #[inline]
    #[must_use]
    pub(super) fn attributes() -> Option<u8> {
        Some(7)
    }
}

#[aiomisc::test(runtimes(all))]
async fn functions_and_arguments_have_any_name() -> Result<(), aiomisc::BoxError> {
    assert_eq!(names::job(1, 2, (3, 4)).await?, 6);
    let job = names::r#type(7);
    assert_eq!(job.name(), "type");
    assert_eq!(job.await?, 7);
    assert_eq!(names::type_sync(7), 7);
    assert_eq!(all(names::iterate(3)).await?, [0, 1, 2]);
    assert_eq!(names::free().await?, 7);
    #[allow(deprecated, reason = "it is")]
    let attributes = (names::attributes().await?, names::attributes_sync());
    assert_eq!(attributes, (Some(7), Some(7)));
    Ok(())
}

// ---- threads of their own ----

/// D2: the thread has the name of the function, or that which is given.
#[aiomisc::test(runtimes(real))]
async fn a_thread_of_its_own_is_named() -> Result<(), aiomisc::BoxError> {
    fn name() -> String {
        thread::current().name().unwrap_or_default().to_owned()
    }
    #[threaded_separate]
    fn worker() -> String {
        name()
    }
    #[threaded_separate(name = "another", detach = false)]
    fn with_a_name() -> String {
        name()
    }
    #[threaded_iterable_separate(max_size = 1, name = "a third")]
    fn items() -> Option<String> {
        Some(name())
    }
    assert_eq!(worker().await?, "worker");
    assert_eq!(with_a_name().await?, "another");
    assert_eq!(all(items()).await?, ["a third"]);
    Ok(())
}

// ---- iterators ----

/// What it gives is made on the thread, and need not be `Send`.
#[threaded_iterable(max_size = 2)]
fn lengths(words: &'static str) -> impl Iterator<Item = usize> + use<> {
    let count = Rc::new(Cell::new(0));
    words.split(' ').map(move |word| {
        count.set(count.get() + word.len());
        count.get()
    })
}

#[threaded_iterable]
fn boxed(count: u8) -> Box<dyn Iterator<Item = Result<u8, String>>> {
    Box::new((0..count).map(|number| match number {
        2 => Err("two".to_owned()),
        number => Ok(number),
    }))
}

#[threaded]
fn generator() -> impl DoubleEndedIterator<Item = (u8, ThreadId)> {
    (0..2).map(|number| (number, here()))
}

#[threaded_separate]
fn generator_apart<T: Send + Clone + 'static>(list: Vec<T>) -> impl IntoIterator<Item = T> {
    list
}

#[threaded_iterable_separate(max_size = 0)]
fn endless() -> impl Iterator<Item = impl Display> {
    0..7
}

#[aiomisc::test(runtimes(all))]
async fn iterators_become_streams() -> Result<(), aiomisc::BoxError> {
    let items = lengths("one three seven");
    assert_eq!(items.max_size(), 2);
    assert_eq!(all(items).await?, [3, 8, 13]);
    let items = boxed(4);
    assert_eq!(items.max_size(), 1024);
    assert_eq!(
        all(items).await?,
        [Ok(0), Ok(1), Err("two".to_owned()), Ok(3)]
    );
    assert_eq!(boxed_sync(1).count(), 1);

    // D1: a function that returns an iterator is iterated on the thread, whichever attribute it has.
    let items = generator();
    assert_eq!(items.max_size(), 1024);
    let list = all(items).await?;
    assert_eq!(list.iter().map(|item| item.0).collect::<Vec<_>>(), [0, 1]);
    assert!(list.iter().all(|item| item.1 != here()));
    assert_eq!(all(generator_apart(vec!['a', 'b'])).await?, ['a', 'b']);
    let items = endless();
    assert_eq!(items.max_size(), 0);
    assert_eq!(all(items).await?.len(), 7);
    Ok(())
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_arrives_after_the_items() {
    #[threaded_iterable]
    fn frail() -> impl Iterator<Item = u8> {
        (0..3).map(|number| match number {
            2 => panic!("on purpose"),
            number => number,
        })
    }
    let mut items = frail();
    assert!(matches!(items.next().await, Some(Ok(0))));
    assert!(matches!(items.next().await, Some(Ok(1))));
    let error = items
        .next()
        .await
        .expect("it is told")
        .expect_err("it panicked");
    assert!(error.to_string().contains("on purpose"), "{error}");
    assert!(items.next().await.is_none());
}

#[aiomisc::test(runtimes(all))]
async fn a_stream_is_closed_with_its_clean_up() -> Result<(), aiomisc::BoxError> {
    struct CleansUp(Arc<Mutex<bool>>);
    impl Drop for CleansUp {
        fn drop(&mut self) {
            *self.0.lock().expect("nobody panics") = true;
        }
    }
    #[threaded_iterable(max_size = 1)]
    fn without_end(clean: Arc<Mutex<bool>>) -> impl Iterator<Item = u64> {
        let cleans_up = CleansUp(clean);
        (0..).inspect(move |_| {
            let _ = &cleans_up;
        })
    }
    let clean = Arc::default();
    let mut items = without_end(Arc::clone(&clean));
    assert_eq!(items.try_next().await?, Some(0));
    items.close().await?;
    assert!(*clean.lock().expect("nobody panics"));
    Ok(())
}

// ---- what goes along ----

context_var! { static NUMBER: u32; }

#[threaded]
fn number() -> Option<u32> {
    NUMBER.get()
}

#[threaded_separate]
fn number_apart() -> Option<u32> {
    NUMBER.get()
}

#[threaded_iterable]
fn numbers() -> impl Iterator<Item = Option<u32>> {
    (0..3).map(|_| NUMBER.get())
}

/// D6: as they are when the function is called, not when the thread comes to it.
#[aiomisc::test(runtimes(all))]
async fn context_variables_are_those_of_the_call() -> Result<(), aiomisc::BoxError> {
    NUMBER.set(1)?;
    let (pooled, apart, items) = (number(), number_apart(), numbers());
    NUMBER.set(2)?;
    assert_eq!(number_sync(), Some(2));
    assert_eq!((pooled.await?, apart.await?), (Some(1), Some(1)));
    assert_eq!(all(items).await?, [Some(1); 3]);
    Ok(())
}
