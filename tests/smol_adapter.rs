//! What went wrong in the smol adapter once.
#![cfg(all(unix, feature = "smol"))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program with an executor of its own is played here, and a test that cannot go on \
              fails at that place"
)]

mod common;

use std::sync::Arc;
use std::thread;

use aiomisc::adapters::Smol;
use aiomisc::runtime::Runtime;
use async_executor::Executor;

use self::common::{LIMIT, limited};
use ::smol::future::yield_now;

/// The thread that blocked on the runtime went away with its panic, and nobody took over.
#[test]
fn a_panic_in_block_on_left_the_tasks_without_a_driver() {
    limited(LIMIT, || {
        let runtime: Runtime = Smol::new().into();
        let (done, ended) = std::sync::mpsc::channel();
        let (go, gate) = futures::channel::oneshot::channel::<()>();
        let blocked = std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async {
                let task = runtime.spawn(async move {
                    gate.await.unwrap();
                    done.send(()).unwrap();
                });
                task.detach();
                yield_now().await;
                panic!("on purpose")
            });
        });
        std::panic::catch_unwind(blocked).unwrap_err();
        go.send(()).unwrap();
        // Nobody blocks on it any more.
        ended.recv().unwrap();
    });
}

/// Once somebody had blocked on it, the next task started a thread that drove it as well.
#[test]
fn an_executor_of_others_was_driven_by_a_thread_of_ours() {
    limited(LIMIT, || {
        let executor = Arc::new(Executor::new());
        let runtime: Runtime = Smol::from_executor(Arc::clone(&executor)).into();
        runtime.block_on(async {});
        let here = thread::current().id();
        let tasks: Vec<_> = (0..1000)
            .map(|_| {
                runtime.spawn(async move {
                    yield_now().await;
                    thread::current().id() == here
                })
            })
            .collect();
        futures::executor::block_on(executor.run(async {
            for task in tasks {
                assert!(task.await.unwrap(), "it ran on another thread");
            }
        }));
    });
}
