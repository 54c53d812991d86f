//! Values that services share and wait for (row A10 of the parity table), and what was wrong with
//! them in the original: see deviation 12.
#![cfg(all(
    unix,
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

mod common;
#[path = "context/entrypoint.rs"]
mod entrypoint;
#[path = "shared/mod.rs"]
mod shared;
#[path = "context/stress.rs"]
mod stress;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use aiomisc::context::{Context, Key, NotSet};
use aiomisc::runtime::{Parts, Runtime, Sleep, Timer};
use aiomisc::testing::ManualClock;
use futures::{FutureExt, poll};

use self::shared::{Events, manual};

static LIMIT: Key<u32> = Key::new("limit");

/// Lets tasks that were woken run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        aiomisc::time::sleep(Duration::from_micros(10)).await;
    }
}

// ---- keys ----

#[aiomisc::test(runtimes(all))]
async fn a_value_that_is_set_is_given_at_once() {
    let context = Context::new();
    assert_eq!(context.try_get(&LIMIT), None);
    context.set(&LIMIT, 7);
    assert_eq!(context.try_get(&LIMIT), Some(7));
    assert_eq!(poll!(context.get(&LIMIT)), Poll::Ready(Ok(7)));
    assert_eq!(context.clone().get(&LIMIT).await, Ok(7));
}

#[aiomisc::test(runtimes(all))]
async fn keys_are_told_apart_by_name_and_type() {
    const NAMES: [&str; 3] = ["one", "two", "three"];
    let context = Context::new();
    for (number, name) in (1..).zip(NAMES) {
        context.set(&Key::<u8>::new(name), number);
        context.set(&Key::<u64>::new(name), u64::from(number) * 100);
    }
    context.insert(50_u8);
    context.set(&Key::new(""), 60_u8);
    for (number, name) in (1..).zip(NAMES) {
        assert_eq!(context.try_get(&Key::<u8>::new(name)), Some(number));
        let large = u64::from(number) * 100;
        assert_eq!(context.try_get(&Key::<u64>::new(name)), Some(large));
        assert_eq!(context.try_get(&Key::<u16>::new(name)), None);
    }
    assert_eq!(context.get_type::<u8>().await, Ok(50));
    assert_eq!(context.try_get_type::<u8>(), Some(50));
    assert_eq!(context.try_get_type::<u64>(), None);
    assert_eq!(context.try_get(&Key::<u8>::new("")), Some(60));
}

#[test]
fn equal_names_at_different_addresses_are_one_key() {
    let context = Context::new();
    let elsewhere: &'static str = String::from("limit").leak();
    assert_ne!(elsewhere.as_ptr(), LIMIT.name().unwrap().as_ptr());
    context.set(&Key::new(elsewhere), 8_u32);
    assert_eq!(context.try_get(&LIMIT), Some(8));
}

/// More keys than the table has chains.
#[test]
fn many_keys_are_found_again() {
    let context = Context::new();
    let keys: Vec<Key<usize>> = (0..1000)
        .map(|number| Key::new(format!("key {number}").leak()))
        .collect();
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(context.try_get(key), None);
        context.set(key, number);
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(context.remove(key), Some(number));
        assert_eq!(context.remove(key), None);
    }
}

#[test]
fn keys_say_what_they_are() {
    assert_eq!(LIMIT.to_string(), "`limit` (u32)");
    assert_eq!(format!("{LIMIT:?}"), "Key(`limit` (u32))");
    assert_eq!(Key::<u32>::of_type().to_string(), "u32");
    assert_eq!(Key::<u32>::of_type().name(), None);
    assert_eq!(LIMIT.type_name(), "u32");
}

// ---- waiting ----

#[aiomisc::test(runtimes(all))]
async fn every_waiter_is_given_the_value() {
    let context = Context::new();
    let runtime = Runtime::current().unwrap();
    let waiters: Vec<_> = (0..5)
        .map(|_| {
            let context = context.clone();
            runtime.spawn(async move { context.get(&LIMIT).await })
        })
        .collect();
    until(|| context.waiting().len() == 5).await;
    context.set(&LIMIT, 7);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), Ok(7));
    }
    assert_eq!(context.waiting().len(), 0);
}

/// The original's readers shared one future: cancelling one cancelled all.
#[aiomisc::test(runtimes(all))]
async fn dropping_one_waiter_does_not_disturb_the_others() {
    let context = Context::new();
    let mut first = context.get(&LIMIT);
    let mut second = context.get(&LIMIT);
    let mut third = context.get(&LIMIT);
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    drop(second);
    assert!(context.get(&LIMIT).within(Duration::ZERO).await.is_err());
    assert_eq!(context.waiting().len(), 2);
    context.set(&LIMIT, 7);
    assert_eq!((first.await, third.await), (Ok(7), Ok(7)));
}

#[aiomisc::test(runtimes(all))]
async fn a_wait_may_be_dropped_at_any_point() {
    let context = Context::new();
    let value = Arc::new(());
    let key = Key::<Arc<()>>::new("value");
    let mut other = context.get(&key);
    assert!(poll!(&mut other).is_pending());

    drop(context.get(&key)); // never polled
    assert_eq!(context.waiting().len(), 1);

    let mut waits = context.get(&key);
    assert!(poll!(&mut waits).is_pending());
    assert!(poll!(&mut waits).is_pending()); // polled again for no reason
    assert_eq!(context.waiting().len(), 2);
    drop(waits);
    assert_eq!(context.waiting().len(), 1);

    let mut given = context.get(&key);
    assert!(poll!(&mut given).is_pending());
    let mut limited = Box::pin(context.get(&key).within(Duration::from_secs(3600)));
    assert!(poll!(&mut limited).is_pending());
    context.set(&key, Arc::clone(&value));
    // Ours, that of the context, and one for those who wait is the same as that of the context.
    assert_eq!(Arc::strong_count(&value), 2);
    drop((given, limited)); // woken, and not polled since
    assert!(other.await.is_ok());
    context.remove(&key);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_waiter_gets_the_first_value_and_later_ones_the_latest() {
    let context = Context::new();
    let mut early = context.get(&LIMIT);
    assert!(poll!(&mut early).is_pending());
    context.set(&LIMIT, 1);
    context.set(&LIMIT, 2);
    assert_eq!(context.get(&LIMIT).await, Ok(2));
    assert_eq!(context.remove(&LIMIT), Some(2));
    let mut late = context.get(&LIMIT);
    assert!(poll!(&mut late).is_pending());
    context.set(&LIMIT, 3);
    context.close();
    assert_eq!((early.await, late.await), (Ok(1), Ok(3)));
}

/// The waker of the last poll counts.
#[aiomisc::test(runtimes(all))]
async fn a_wait_may_move_between_tasks() {
    let context: &'static Context = Box::leak(Box::new(Context::new()));
    let mut wait = context.get(&LIMIT);
    assert!((&mut wait).now_or_never().is_none()); // with a waker that does nothing
    let polled = Arc::new(AtomicUsize::new(0));
    let polls = Arc::clone(&polled);
    let task = Runtime::current().unwrap().spawn(async move {
        assert!(poll!(&mut wait).is_pending());
        polls.store(1, Ordering::SeqCst);
        wait.await
    });
    until(|| polled.load(Ordering::SeqCst) == 1).await;
    context.set(&LIMIT, 7);
    assert_eq!(task.await.unwrap(), Ok(7));
}

/// A clock that does something when it is read, which is after the first look for the value, and
/// before a place among those who wait is taken.
struct Meanwhile {
    happens: fn(&Context),
    context: Arc<Mutex<Option<Context>>>,
}

impl Timer for Meanwhile {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        unreachable!("nobody waits with a limit")
    }

    fn now(&self) -> Instant {
        let context = self.context.lock().unwrap().take();
        context.iter().for_each(self.happens);
        ManualClock::new().now()
    }
}

#[aiomisc::test(runtimes(all))]
async fn what_happens_while_a_wait_begins_is_not_missed() {
    let happens: [fn(&Context); 2] = [|context| context.set(&LIMIT, 7), Context::close];
    for (happens, expected) in happens.into_iter().zip([Some(7), None]) {
        let place = Arc::new(Mutex::new(None));
        let clock = Meanwhile {
            happens,
            context: Arc::clone(&place),
        };
        let runtime = Runtime::current().unwrap();
        let context = Context::on(Parts::of(runtime).timer(clock).build());
        *place.lock().unwrap() = Some(context.clone());
        let got = context.get(&LIMIT).now_or_never();
        assert_eq!(got.expect("it need not wait").ok(), expected);
    }
}

// ---- limits ----

#[aiomisc::test(runtimes(all))]
async fn a_limit_is_kept_to_the_nanosecond() {
    let (runtime, clock) = manual();
    let context = Context::on(runtime);
    let limit = Duration::from_secs(5);
    let mut wait = Box::pin(context.get(&LIMIT).within(limit));
    assert!(poll!(&mut wait).is_pending());
    clock.advance(Duration::from_nanos(4_999_999_999));
    assert!(poll!(&mut wait).is_pending());
    clock.advance(Duration::from_nanos(1));
    let error = wait.await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key `limit` (u32) was not set within 5s"
    );
    assert_eq!((error.key(), error.type_name()), (Some("limit"), "u32"));
    assert_eq!((error.limit(), error.is_closed()), (Some(limit), false));
    assert_eq!(context.waiting().len(), 0);
}

#[aiomisc::test(runtimes(all))]
async fn a_value_that_comes_in_time_makes_it() {
    let (runtime, clock) = manual();
    // Without a runtime of its own: that of the waiting task counts.
    let context = Context::new();
    context.set(&LIMIT, 1);
    assert_eq!(context.get(&LIMIT).within(Duration::ZERO).await, Ok(1));
    context.remove(&LIMIT);
    runtime
        .scope(async {
            let mut wait = Box::pin(context.get(&LIMIT).within(Duration::from_secs(5)));
            assert!(poll!(&mut wait).is_pending());
            assert_eq!(clock.pending(), 1);
            context.set(&LIMIT, 2);
            // Both at once: the value goes first.
            clock.advance(Duration::from_secs(5));
            assert_eq!(wait.await, Ok(2));
        })
        .await;
    assert_eq!(clock.pending(), 0);
}

// ---- who waits ----

#[aiomisc::test(runtimes(all))]
async fn the_report_says_who_waits_where_and_since_when() {
    let (runtime, clock) = manual();
    let context = Context::on(runtime);
    let begun = clock.now();
    let named = Key::<String>::new("address");
    let mut first = context.get(&named);
    let first_line = line!() - 1;
    let mut second = context.get_type::<u32>();
    assert_eq!(context.waiting().len(), 0, "nobody was polled yet");
    assert!(poll!(&mut first).is_pending());
    clock.advance(Duration::from_millis(1500));
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut first).is_pending());

    let waiting = context.waiting();
    assert_eq!(waiting.len(), 2);
    assert_eq!(waiting[0].key(), Some("address"));
    assert_eq!(waiting[0].type_name(), "alloc::string::String");
    assert_eq!(waiting[0].since(), Some(begun));
    assert_eq!(waiting[0].location().file(), file!());
    assert_eq!(waiting[0].location().line(), first_line);
    assert_eq!(waiting[0].service(), None);
    assert_eq!(waiting[1].key(), None);
    assert_eq!(waiting[1].type_name(), "u32");
    assert_eq!(
        waiting[1].since(),
        Some(begun + Duration::from_millis(1500))
    );
    let text = format!("{}:{first_line}:", file!());
    let shown = waiting[0].to_string();
    assert!(
        shown.starts_with(&format!("`address` (alloc::string::String) at {text}")),
        "{shown}"
    );

    context.set(&named, String::new());
    assert_eq!(
        context.waiting().len(),
        1,
        "who was given a value waits no more"
    );
    context.close();
    assert_eq!(context.waiting().len(), 0);
}

// ---- closing ----

#[aiomisc::test(runtimes(all))]
async fn closing_ends_every_wait_with_an_error() {
    let context = Context::new();
    let runtime = Runtime::current().unwrap();
    let spawn = |context: Context| runtime.spawn(async move { context.get(&LIMIT).await });
    let waiters = [spawn(context.clone()), spawn(context.clone())];
    until(|| context.waiting().len() == 2).await;
    assert!(!context.is_closed());
    context.close();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert!(error.is_closed());
        assert_eq!(
            error.to_string(),
            "the context was closed before the key `limit` (u32) was set"
        );
    }
    assert!(context.is_closed());
}

#[aiomisc::test(runtimes(all))]
async fn a_closed_context_has_nothing_and_takes_nothing() {
    let context = Context::new();
    let events = Events::default();
    let (old, new) = (Key::new("old"), Key::new("new"));
    context.set(&old, Arc::new(events.on_drop("old")));
    context.close();
    assert_eq!(events.all(), ["old"]);
    context.set(&old, Arc::new(events.on_drop("old again")));
    context.set(&new, Arc::new(events.on_drop("new")));
    assert_eq!(events.all(), ["old", "old again", "new"]);
    assert!(context.try_get(&old).is_none() && context.try_get(&new).is_none());
    let at_once = poll!(context.get(&LIMIT));
    assert!(matches!(&at_once, Poll::Ready(Err(error)) if error.is_closed()));
    assert!(poll!(context.get(&old)).is_ready());
    context.close();
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_panicking_destructor_does_not_keep_the_rest_from_being_closed() {
    for dropped in [false, true] {
        let events = Events::default();
        let context = Context::new();
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        for name in NAMES {
            context.set(&Key::new(name), Arc::new(PanicsOnDrop));
            context.set(&Key::new(name), Arc::new(events.on_drop(name)));
        }
        if dropped {
            drop(context);
        } else {
            let mut wait = context.get(&LIMIT);
            assert!(poll!(&mut wait).is_pending());
            context.close();
            assert!(wait.await.unwrap_err().is_closed());
        }
        let mut all = events.all();
        all.sort();
        assert_eq!(all, NAMES);
    }
}

// ---- foreign code ----

/// A clone and a destructor that use the context themselves: nothing is locked meanwhile.
struct Curious {
    context: Context,
    calls: Arc<AtomicUsize>,
}

impl Curious {
    fn look_around(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.context.set(&LIMIT, 1);
        let _ = self.context.try_get(&LIMIT);
        self.context.remove(&LIMIT);
        let _ = self.context.waiting();
        let _ = self.context.remove(&Key::<Self>::new("another"));
    }
}

impl Clone for Curious {
    fn clone(&self) -> Self {
        self.look_around();
        Self {
            context: self.context.clone(),
            calls: Arc::clone(&self.calls),
        }
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.look_around();
    }
}

#[aiomisc::test(runtimes(all))]
async fn values_may_use_the_context_when_they_are_cloned_and_dropped() {
    let (context, calls) = (Context::new(), Arc::new(AtomicUsize::new(0)));
    let curious = || Curious {
        context: context.clone(),
        calls: Arc::clone(&calls),
    };
    let key = Key::<Curious>::new("curious");
    let mut wait = context.get(&key);
    assert!(poll!(&mut wait).is_pending());
    context.set(&key, curious());
    drop(wait.await.unwrap());
    drop(context.get(&key).await.unwrap());
    context.set(&key, curious());
    drop(context.remove(&key));
    context.set(&key, curious());
    context.close();
    assert_eq!(calls.load(Ordering::Relaxed), 7);
}

/// A clone that panics is its reader's trouble alone.
#[aiomisc::test(runtimes(all))]
async fn a_panicking_clone_does_not_break_the_context() {
    struct Uncloneable;

    impl Clone for Uncloneable {
        fn clone(&self) -> Self {
            panic!("on purpose");
        }
    }

    let context = Context::new();
    let key = Key::<Uncloneable>::new("uncloneable");
    let runtime = Runtime::current().unwrap();
    let waiter = {
        let context = context.clone();
        runtime.spawn(async move { drop(context.get(&key).await) })
    };
    until(|| context.waiting().len() == 1).await;
    context.set(&key, Uncloneable);
    assert!(waiter.await.unwrap_err().is_panic());
    assert_eq!(context.waiting().len(), 0);
    context.set(&key, Uncloneable);
    assert!(context.remove(&key).is_some());
}

// ---- statistics ----

#[aiomisc::test(runtimes(all))]
async fn what_is_asked_for_and_set_is_counted() -> Result<(), NotSet> {
    let context = Context::new();
    context.set(&LIMIT, 1);
    context.insert(2_u32);
    context.get(&LIMIT).await?;
    context.get_type::<u32>().within(Duration::ZERO).await?;
    let _ = context.try_get(&LIMIT);
    let statistics = context.statistics();
    assert_eq!((statistics.get.total(), statistics.set.total()), (3, 2));
    Ok(())
}
