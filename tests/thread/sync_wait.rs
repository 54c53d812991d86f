//! Futures that threads wait for.

use std::time::Duration;

use ::smol::future::yield_now;
use aiomisc::thread::{self, ThreadPool, sync_wait, sync_wait_on};
use aiomisc::{Runtime, context_var, time};

#[aiomisc::test(runtimes(all))]
async fn the_future_runs_on_the_runtime_of_the_job_and_may_borrow_from_it() {
    let runtime = Runtime::current().unwrap();
    let before = runtime.now();
    let text = thread::run(|| {
        let mut text = String::from("thread");
        sync_wait(async {
            time::sleep(Duration::from_millis(5)).await;
            let spawned = aiomisc::spawn(async { Runtime::current().unwrap() }).await;
            text += if spawned.unwrap().same_as(&Runtime::current().unwrap()) {
                " same"
            } else {
                " other"
            };
        })
        .unwrap();
        text
    });
    assert_eq!(text.await.unwrap(), "thread same");
    assert!(runtime.now() - before >= Duration::from_millis(5));
}

#[aiomisc::test(runtimes(all))]
async fn on_a_runtimes_own_thread_it_is_an_error_that_says_so() {
    let error = sync_wait(async {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sync_wait` was called outside of the jobs of `thread`: in asynchronous code it would keep the \
         runtime from ever going on, use `.await` there"
    );
    let runtime = Runtime::current().unwrap();
    assert_eq!(sync_wait_on(&runtime, async {}).unwrap_err(), error);
    // Closures that run with values of variables change nothing about that.
    let here = context_var::capture();
    let bound = here.run(|| sync_wait_on(&runtime, async {}));
    assert_eq!(bound.unwrap_err(), error);
    // Also inside of a future that a job waits for.
    let nested = thread::run(|| sync_wait(async { sync_wait(async {}) }));
    assert_eq!(nested.await.unwrap().unwrap().unwrap_err(), error);
    assert!(!error.is_cut());
}

#[test]
fn a_foreign_thread_names_the_runtime() {
    let error = sync_wait(async {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sync_wait` was called on a thread that runs no job, so that there is no runtime to wait on: use \
         `sync_wait_on`"
    );
    for runtime in super::shared::runtimes() {
        let inside = runtime.clone();
        let same = sync_wait_on(&runtime, async move {
            time::sleep(Duration::from_millis(1)).await;
            Runtime::current().unwrap().same_as(&inside)
        });
        assert_eq!(same, Ok(true));
    }
}

/// A closure that runs with values makes no asynchronous code of a thread.
#[test]
fn a_foreign_thread_may_have_values_of_context_variables() {
    aiomisc::context_var! { static NUMBER: u32; }

    for runtime in super::shared::runtimes() {
        let (nested, owner) = (runtime.clone(), runtime.clone());
        let wait = || {
            let waited = sync_wait_on(&runtime, async {
                let error = sync_wait_on(&nested, async {}).unwrap_err();
                assert!(error.to_string().contains("asynchronous"), "{error}");
                yield_now().await;
                NUMBER.get()
            });
            let error = sync_wait(async {}).unwrap_err();
            assert!(error.to_string().contains("sync_wait_on"), "{error}");
            waited
        };
        assert_eq!(NUMBER.sync_scope(7, wait), Ok(Some(7)));
        let here = NUMBER.sync_scope(8, context_var::capture);
        assert_eq!(here.run(wait), Ok(Some(8)));
        assert_eq!(here.run(|| NUMBER.sync_scope(9, wait)), Ok(Some(9)));

        // Also one that was made in asynchronous code.
        let bound = owner.block_on(NUMBER.scope(10, async { context_var::bind(&wait) }));
        std::thread::scope(|scope| {
            let thread = scope.spawn(bound);
            assert_eq!(thread.join().unwrap(), Ok(Some(10)));
        });
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_of_the_future_is_one_of_the_job() {
    let job = thread::run(|| sync_wait(async { panic!("inside") }).unwrap());
    assert_eq!(job.await.unwrap_err().panic_text(), Some("inside"));
    let caught = thread::run(|| {
        let _ = std::panic::catch_unwind(|| sync_wait(async { panic!("inside") }).unwrap());
        sync_wait(async { 3 })
    });
    assert_eq!(caught.await.unwrap(), Ok(3));
}

#[aiomisc::test(runtimes(all))]
async fn many_jobs_wait_for_each_other_through_the_runtime() {
    let pool = ThreadPool::new(8).unwrap();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..8)
        .map(|_| futures::channel::oneshot::channel::<usize>())
        .unzip();
    let mut receivers = receivers.into_iter();
    let first = receivers.next().unwrap();
    let mut jobs = Vec::new();
    let mut senders = senders.into_iter();
    let start = senders.next().unwrap();
    for (next, receiver) in senders.zip(std::iter::once(first).chain(receivers)) {
        jobs.push(pool.run(move || {
            let got = sync_wait(receiver).unwrap().unwrap();
            next.send(got + 1).map_err(|_| "gone")
        }));
    }
    start.send(0).unwrap();
    let mut count = 0;
    for job in jobs {
        let _ = job.await.unwrap();
        count += 1;
    }
    assert_eq!(count, 7);
}

#[aiomisc::test(runtimes(all))]
async fn another_runtime_can_be_named_inside_of_a_job() {
    let other = super::shared::runtimes().remove(0);
    let inside = other.clone();
    let same = thread::run_separate(move || {
        sync_wait_on(&other, async move {
            Runtime::current().unwrap().same_as(&inside)
        })
    });
    assert_eq!(same.await.unwrap(), Ok(true));
}
