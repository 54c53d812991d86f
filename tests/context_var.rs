//! Values that follow a chain of calls (row D6 of the parity table): what `context_var` promises, sentence by
//! sentence, on every runtime.
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

#[path = "context_var/bound.rs"]
mod bound;
#[path = "context_var/declared.rs"]
mod declared;
#[path = "context_var/dropped.rs"]
mod dropped;
#[path = "context_var/entrypoint.rs"]
mod entrypoint;
#[path = "context_var/foreign.rs"]
mod foreign;
#[path = "context_var/random.rs"]
mod random;
#[path = "shared/mod.rs"]
mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::context_var::NoScope;
use aiomisc::{Runtime, context_var, spawn, time};
use futures::future::{join, poll_fn};
use futures::{FutureExt, poll};

use ::smol::future::yield_now;

context_var! {
    static NUMBER: u32;
    static TEXT: String = "default".to_owned();
}

fn text() -> String {
    TEXT.get().expect("it has a default")
}

/// Lets others go on, and comes back by a timer.
async fn pause() {
    yield_now().await;
    time::sleep(Duration::from_micros(10)).await;
}

// ---- scopes ----

#[aiomisc::test(runtimes(all))]
async fn a_scope_has_its_value_and_the_one_before_is_back_at_its_end() {
    assert_eq!((NUMBER.get(), text().as_str()), (None, "default"));
    let output = NUMBER.scope(1, async {
        assert_eq!(NUMBER.get(), Some(1));
        pause().await;
        assert_eq!(NUMBER.get(), Some(1));
        NUMBER
            .scope(2, async {
                pause().await;
                assert_eq!(NUMBER.get(), Some(2));
            })
            .await;
        assert_eq!(NUMBER.get(), Some(1));
        TEXT.sync_scope("inner".to_owned(), || {
            assert_eq!((NUMBER.get(), text().as_str()), (Some(1), "inner"));
        });
        assert_eq!(text(), "default");
        "output"
    });
    assert_eq!(output.await, "output");
    assert_eq!((NUMBER.get(), text().as_str()), (None, "default"));
}

/// The inner one is made first, and polled last.
#[aiomisc::test(runtimes(all))]
async fn scopes_in_one_expression_are_all_there() {
    let inner = async {
        pause().await;
        (NUMBER.get(), text())
    };
    let both = TEXT.scope("outer".to_owned(), NUMBER.scope(1, inner));
    assert_eq!(both.await, (Some(1), "outer".to_owned()));
}

#[aiomisc::test(runtimes(all))]
async fn a_scope_is_left_while_its_future_waits() {
    let mut waiting = Box::pin(NUMBER.scope(1, async {
        pause().await;
        NUMBER.get()
    }));
    assert!(poll!(waiting.as_mut()).is_pending());
    assert_eq!(NUMBER.get(), None);
    NUMBER.set(2).unwrap();
    assert_eq!(waiting.await, Some(1));
    assert_eq!(NUMBER.get(), Some(2));
}

#[aiomisc::test(runtimes(all))]
async fn a_value_that_is_looked_at_is_not_cloned() {
    struct NoClone(u8);
    context_var! { static VALUE: NoClone; }
    assert!(VALUE.with(|value| value.is_none()));
    VALUE.set(NoClone(7)).unwrap();
    assert_eq!(VALUE.with(|value| value.map(|value| value.0)), Some(7));
}

// ---- set ----

#[aiomisc::test(runtimes(all))]
async fn what_is_set_holds_for_the_rest_of_the_task() {
    NUMBER.set(1).unwrap();
    TEXT.set("set".to_owned()).unwrap();
    pause().await;
    assert_eq!((NUMBER.get(), text().as_str()), (Some(1), "set"));
    NUMBER.set(2).unwrap();
    time::timeout(Duration::from_secs(20), pause())
        .await
        .unwrap();
    assert_eq!((NUMBER.get(), text().as_str()), (Some(2), "set"));
}

#[aiomisc::test(runtimes(all))]
async fn what_is_set_in_a_scope_ends_with_it() {
    NUMBER.set(1).unwrap();
    NUMBER
        .scope(2, async {
            NUMBER.set(3).unwrap();
            TEXT.set("inside".to_owned()).unwrap();
            pause().await;
            assert_eq!((NUMBER.get(), text().as_str()), (Some(3), "inside"));
        })
        .await;
    assert_eq!((NUMBER.get(), text().as_str()), (Some(1), "default"));
    NUMBER.sync_scope(4, || {
        TEXT.set("inside".to_owned()).unwrap();
        assert_eq!((NUMBER.get(), text().as_str()), (Some(4), "inside"));
    });
    assert_eq!((NUMBER.get(), text().as_str()), (Some(1), "default"));
}

#[test]
fn outside_of_any_scope_nothing_can_be_set() {
    let error = NUMBER.set(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the context variable `NUMBER` was set outside of any task: use `scope` or `sync_scope`"
    );
    assert_eq!(error.name, "NUMBER");
    assert_eq!(NUMBER.get(), None);
    let inside: Result<(), NoScope> = TEXT.sync_scope(String::new(), || NUMBER.set(1));
    assert_eq!(inside, Ok(()));
    assert_eq!(NUMBER.get(), None);
}

// ---- children ----

#[aiomisc::test(runtimes(all))]
async fn children_see_the_values_of_their_start_and_cannot_change_those_of_their_parent() {
    NUMBER.set(1).unwrap();
    let child = spawn(async {
        assert_eq!(NUMBER.get(), Some(1));
        pause().await;
        assert_eq!(NUMBER.get(), Some(1), "set by the parent meanwhile");
        NUMBER.set(10).unwrap();
        let grandchild = spawn(async { (NUMBER.get(), text()) });
        NUMBER.set(11).unwrap();
        grandchild.await.unwrap()
    });
    NUMBER.set(2).unwrap();
    TEXT.set("late".to_owned()).unwrap();
    assert_eq!(child.await.unwrap(), (Some(10), "default".to_owned()));
    assert_eq!((NUMBER.get(), text().as_str()), (Some(2), "late"));
}

#[aiomisc::test(runtimes(all))]
async fn children_of_a_scope_keep_its_values_when_it_has_ended() {
    let child = NUMBER.sync_scope(1, || {
        spawn(async {
            pause().await;
            NUMBER.get()
        })
    });
    assert_eq!(NUMBER.get(), None);
    assert_eq!(child.await.unwrap(), Some(1));
}

#[aiomisc::test(runtimes(all))]
async fn jobs_of_threads_see_the_values_of_their_submission() {
    let runtime = Runtime::current().unwrap();
    NUMBER.set(1).unwrap();
    let job = runtime.spawn_blocking(|| {
        let seen = NUMBER.get();
        NUMBER.set(10).unwrap();
        let child = spawn(async { NUMBER.get() });
        (seen, NUMBER.get(), child)
    });
    NUMBER.set(2).unwrap();
    let (seen, set, child) = job.await.unwrap();
    assert_eq!(
        (seen, set, child.await.unwrap()),
        (Some(1), Some(10), Some(10))
    );
    assert_eq!(NUMBER.get(), Some(2));
    // The next job may be on the same thread.
    let other = NUMBER.sync_scope(3, || runtime.spawn_blocking(|| (NUMBER.get(), text())));
    assert_eq!(other.await.unwrap(), (Some(3), "default".to_owned()));
}

#[aiomisc::test(runtimes(all))]
async fn threads_see_the_values_of_their_submission() {
    use aiomisc::thread::{self, Separate, ThreadPool};
    let own = ThreadPool::new(1).unwrap();
    NUMBER.set(1).unwrap();
    let look = || {
        let seen = NUMBER.get();
        NUMBER.set(10).unwrap();
        // From the thread back into the runtime, with what it has set.
        let task = thread::sync_wait(async { spawn(async { NUMBER.get() }).await.unwrap() });
        (seen, NUMBER.get(), task.unwrap())
    };
    let jobs = [
        thread::run(look),
        thread::run_separate(look),
        Separate::new().detach(false).run(look),
        own.run(look),
    ];
    NUMBER.set(2).unwrap();
    for job in jobs {
        assert_eq!(job.await.unwrap(), (Some(1), Some(10), Some(10)));
    }
    let submitted = own.submit(look).await.unwrap();
    assert_eq!(submitted.await.unwrap().0, Some(2));
    assert_eq!(NUMBER.get(), Some(2));
    own.shutdown(true).await.unwrap();
}

/// While it is iterated, which is later.
#[aiomisc::test(runtimes(all))]
async fn iterators_of_threads_see_the_values_of_their_making() {
    use aiomisc::thread::{Iterate, iterate, iterate_separate};
    NUMBER.set(1).unwrap();
    let items = || {
        (10..12).map(|number| {
            let seen = NUMBER.get();
            NUMBER.set(number).unwrap();
            seen
        })
    };
    let pushed = Iterate::new().push(move |yielder| {
        for item in items() {
            yielder.send(item)?;
        }
        Ok(())
    });
    for mut seen in [iterate(items), iterate_separate(items), pushed] {
        NUMBER.set(2).unwrap();
        pause().await;
        assert_eq!(seen.try_next().await.unwrap(), Some(Some(1)));
        assert_eq!(seen.try_next().await.unwrap(), Some(Some(10)));
        assert_eq!(seen.try_next().await.unwrap(), None);
    }
    assert_eq!(NUMBER.get(), Some(2));
}

#[aiomisc::test(runtimes(all))]
async fn futures_of_one_task_share_its_values_unless_each_has_a_scope() {
    let (seen, ()) = join(
        async {
            pause().await;
            NUMBER.get()
        },
        async { NUMBER.set(1).unwrap() },
    )
    .await;
    assert_eq!(seen, Some(1));
    let own = async |number: u32| {
        NUMBER.set(number + 1).unwrap();
        pause().await;
        NUMBER.get()
    };
    let both = join(NUMBER.scope(10, own(10)), NUMBER.scope(20, own(20)));
    assert_eq!(both.await, (Some(11), Some(21)));
    assert_eq!(NUMBER.get(), Some(1));
}

#[aiomisc::test(runtimes(all))]
async fn timers_of_a_task_do_not_change_its_values() {
    let ticking = NUMBER.scope(1, async {
        let mut ticks = time::interval(Duration::from_millis(1));
        for number in 1..5 {
            ticks.tick().await;
            assert_eq!(NUMBER.get(), Some(number));
            NUMBER.set(number + 1).unwrap();
        }
        let late = time::timeout(Duration::from_millis(1), std::future::pending::<()>());
        late.await.unwrap_err();
        NUMBER.get()
    });
    assert_eq!(ticking.await, Some(5));
}

// ---- the end in the middle ----

#[aiomisc::test(runtimes(all))]
async fn a_scope_that_is_dropped_in_the_middle_leaves_nothing() {
    struct Looks(&'static Mutex<Vec<Option<u32>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(NUMBER.get());
        }
    }
    let polled = Arc::new(AtomicBool::new(false));
    let seen: &Mutex<_> = Box::leak(Box::default());
    let looks = || {
        let looks = Looks(seen);
        async {
            let _looks = looks;
            std::future::pending::<()>().await;
        }
    };
    let mut begun = Box::pin(NUMBER.scope(1, looks()));
    assert!(poll!(begun.as_mut()).is_pending());
    drop(begun);
    // Before the first poll there is no scope.
    drop(NUMBER.scope(2, looks()));
    let (begun, waits) = (Arc::clone(&polled), looks());
    let task = spawn(NUMBER.scope(3, async move {
        begun.store(true, Ordering::Release);
        waits.await;
    }));
    while !polled.load(Ordering::Acquire) {
        pause().await;
    }
    task.cancel().await.unwrap_err();
    // A child sees what it began with.
    let child = NUMBER.sync_scope(4, || spawn(looks()));
    child.cancel().await.unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [Some(1), None, Some(3), Some(4)]);
    assert_eq!(NUMBER.get(), None);
}

#[aiomisc::test(runtimes(all))]
async fn a_scope_is_left_by_a_panic() {
    NUMBER.set(1).unwrap();
    let bad = NUMBER.scope(2, async {
        pause().await;
        NUMBER.set(3).unwrap();
        panic!("on purpose");
    });
    AssertUnwindSafe(bad).catch_unwind().await.unwrap_err();
    assert_eq!(NUMBER.get(), Some(1));
    let bad = || NUMBER.sync_scope(2, || panic!("on purpose"));
    catch_unwind(bad).unwrap_err();
    assert_eq!(NUMBER.get(), Some(1));
    let bad = || NUMBER.with(|_| panic!("on purpose"));
    catch_unwind(bad).unwrap_err();
    assert_eq!(NUMBER.get(), Some(1));
}

/// Polled by hand: nobody knows where it goes on.
#[aiomisc::test(runtimes(all))]
async fn a_scope_is_where_it_is_polled() {
    let mut scoped = Box::pin(NUMBER.scope(1, async {
        pause().await;
        (NUMBER.get(), text())
    }));
    let first = poll_fn(|cx| {
        let first = TEXT.sync_scope("first".to_owned(), || scoped.poll_unpin(cx));
        std::task::Poll::Ready(first)
    });
    assert!(first.await.is_pending());
    let seen = spawn(scoped).await.unwrap();
    assert_eq!(seen, (Some(1), "first".to_owned()));
}
