//! What travels with a task: the current runtime and the tracing span.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "programs that embed the library are played here, and a test that cannot go on fails \
              at that place"
)]

mod common;

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aiomisc::runtime::{Parts, Runtime};
use aiomisc::testing::ManualClock;
#[cfg(feature = "log")]
use aiomisc::thread;
use futures::executor::block_on;

use self::common::{LIMIT, every, limited, on_every};
use ::smol::future::yield_now;

/// The runtime of this moment is that one.
#[track_caller]
fn is_current(runtime: &Runtime) {
    let current = Runtime::current().unwrap();
    assert!(
        current.same_as(runtime),
        "{current:?} instead of {runtime:?}"
    );
}

/// The same tasks with another clock, which makes it another runtime.
fn another(runtime: &Runtime) -> Runtime {
    Parts::of(runtime.clone()).timer(ManualClock::new()).build()
}

#[test]
fn tasks_and_their_children_see_their_runtime() {
    on_every(|runtime| {
        runtime.block_on(async {
            is_current(&Runtime::current().unwrap());
            let there = runtime.clone();
            let task = runtime.spawn(async move {
                is_current(&there);
                yield_now().await;
                is_current(&there);
                let inner = there.clone();
                aiomisc::spawn(async move { is_current(&inner) })
                    .await
                    .unwrap();
            });
            task.await.unwrap();
            is_current(&runtime);
        });
    });
}

#[test]
fn a_task_spawned_on_a_foreign_thread_sees_its_runtime() {
    on_every(|runtime| {
        let there = runtime.clone();
        let spawned = std::thread::spawn(move || {
            let seen = there.clone();
            there.spawn(async move { is_current(&seen) })
        });
        runtime.block_on(spawned.join().unwrap()).unwrap();
    });
}

#[test]
fn futures_and_values_are_dropped_inside_of_their_scope() {
    struct Looks(Runtime, Arc<Mutex<Vec<bool>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let seen = Runtime::current().is_ok_and(|current| current.same_as(&self.0));
            self.1.lock().unwrap().push(seen);
        }
    }
    on_every(|runtime| {
        let other = another(&runtime);
        let seen = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(async {
            // One that ends, one that is aborted; spawned on another runtime than that around.
            let looks = Looks(other.clone(), Arc::clone(&seen));
            other
                .spawn(async move {
                    let _looks = looks;
                    yield_now().await;
                })
                .await
                .unwrap();
            let looks = Looks(other.clone(), Arc::clone(&seen));
            let task = other.spawn(async move {
                let _looks = looks;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            task.cancel().await.unwrap_err();
        });
        assert_eq!(*seen.lock().unwrap(), [true, true]);
    });
}

#[test]
fn a_blocking_job_sees_its_runtime() {
    on_every(|runtime| {
        runtime.block_on(async {
            let there = runtime.clone();
            let job = runtime.spawn_blocking(move || {
                is_current(&there);
                let inner = there.clone();
                aiomisc::spawn(async move { is_current(&inner) })
            });
            job.await.unwrap().await.unwrap();
        });
    });
}

#[test]
fn scopes_are_nested_and_left_again() {
    on_every(|runtime| {
        let (one, two) = (another(&runtime), another(&runtime));
        runtime.block_on(async {
            is_current(&runtime);
            one.scope(async {
                is_current(&one);
                two.scope(async {
                    is_current(&two);
                    yield_now().await;
                    is_current(&two);
                    let inner = two.clone();
                    aiomisc::spawn(async move { is_current(&inner) })
                        .await
                        .unwrap();
                })
                .await;
                is_current(&one);
                yield_now().await;
                is_current(&one);
            })
            .await;
            is_current(&runtime);
        });
    });
}

#[test]
fn a_scope_is_left_while_its_future_waits() {
    on_every(|runtime| {
        let inner = another(&runtime);
        runtime.block_on(async {
            let mut waiting = Box::pin(inner.scope(std::future::pending::<()>()));
            poll_fn(|cx| {
                assert!(waiting.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            is_current(&runtime);
        });
    });
}

#[test]
fn a_scope_is_left_when_its_future_panics() {
    on_every(|runtime| {
        let inner = another(&runtime);
        runtime.block_on(async {
            let mut bad = Box::pin(inner.scope(async { panic!("on purpose") }));
            let poll = std::panic::AssertUnwindSafe(|| {
                let _: Poll<()> = bad.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            });
            std::panic::catch_unwind(poll).unwrap_err();
            is_current(&runtime);
        });
    });
}

#[test]
fn a_scope_works_on_a_foreign_executor() {
    on_every(|runtime| {
        let here = runtime.clone();
        let scoped = runtime.scope(async move {
            is_current(&here);
            yield_now().await;
            is_current(&here);
        });
        // The runtime need not be driven for it.
        block_on(scoped);
    });
}

#[test]
fn the_runtime_of_a_task_comes_before_that_around() {
    for (one, make_one) in every() {
        for (other, make_other) in every() {
            println!("{one} inside of {other}");
            limited(LIMIT, move || {
                let (one, other) = (make_one(), make_other());
                other.block_on(async {
                    let here = one.clone();
                    one.scope(async move { is_current(&here) }).await;
                    is_current(&other);
                });
            });
        }
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_foreign_tokio_task_finds_its_runtime() {
    limited(LIMIT, || {
        let theirs = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        theirs.block_on(async {
            assert_eq!(Runtime::current().unwrap().name(), "tokio");
            tokio::spawn(async {
                assert_eq!(Runtime::current().unwrap().name(), "tokio");
                let task = aiomisc::spawn(async { Runtime::current().unwrap().name().to_owned() });
                assert_eq!(task.await.unwrap(), "tokio");
            })
            .await
            .unwrap();
        });
    });
}

/// The registry of the `log` feature tells which span is current.
#[cfg(feature = "log")]
#[test]
fn the_tracing_span_goes_with_a_task_and_a_job() {
    // For the whole process: runtimes have threads of their own. No other test here has spans.
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    for (name, make) in every() {
        limited(LIMIT, move || {
            let current = || tracing::Span::current().id();
            let runtime = make();
            let span = tracing::info_span!("work");
            let expected = span.id();
            assert!(expected.is_some());
            let (task, job) = span.in_scope(|| {
                let task = runtime.spawn(async move {
                    let first = current();
                    yield_now().await;
                    let child = aiomisc::spawn(async move { current() });
                    [first, current(), child.await.unwrap()]
                });
                (task, runtime.spawn_blocking(current))
            });
            let seen = runtime.block_on(async { (task.await.unwrap(), job.await.unwrap()) });
            assert_eq!(
                seen.0,
                [expected.clone(), expected.clone(), expected.clone()],
                "{name}"
            );
            assert_eq!(seen.1, expected, "{name}");
            assert_eq!(current(), None);
            let plain = runtime.spawn(async move { current() });
            assert_eq!(runtime.block_on(plain).unwrap(), None, "{name}");

            // Row D6 of the parity table: into threads and their iterators as well.
            runtime.block_on(async {
                let items = move || std::iter::from_fn(move || Some(current())).take(2);
                let (job, separate, mut items) = span.in_scope(|| {
                    let separate = thread::run_separate(current);
                    (thread::run(current), separate, thread::iterate(items))
                });
                assert_eq!(job.await.unwrap(), expected, "{name}");
                assert_eq!(separate.await.unwrap(), expected, "{name}");
                for _ in 0..2 {
                    let seen = items.try_next().await.unwrap();
                    assert_eq!(seen.as_ref(), Some(&expected), "{name}");
                }
                assert_eq!(thread::run(current).await.unwrap(), None, "{name}");
            });
        });
    }
}
