//! S1, S2, S3, S5, S8, S9: tasks that nobody aborts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, ThreadId};

use super::lab::{Check, Lab, Result, Tally, check, ensure, on_thread, yield_now};
use crate::runtime::{Placement, Runtime};

pub(super) const CHECKS: &[Check] = &[
    check("S1", "not polled inside of `spawn`", &[], not_inline),
    check("S1", "spawned on a plain thread", &[], |lab| {
        let (runtime, done) = (lab.runtime.clone(), Tally::new());
        let there = done.clone();
        lab.run(async {
            on_thread(move || runtime.spawn(async move { there.add() }).detach()).await?;
            done.reach(1).await;
            Ok(())
        })
    }),
    check("S1", "spawned inside of tasks, to some depth", &[], |lab| {
        let depth = lab.run(nested(lab.runtime.clone(), 50));
        ensure!(depth == 50, "{depth} tasks out of 50 ran");
        Ok(())
    }),
    check("S2", "the result of a task", &[], |lab| {
        let answer = lab.run(lab.runtime.spawn(async { 42 }))?;
        ensure!(answer == 42, "the task gave {answer} instead of 42");
        Ok(())
    }),
    check("S2", "a thousand tasks that take turns", &[], |lab| {
        let sum = lab.run(async {
            let tasks: Vec<_> = (0..1000_u64)
                .map(|number| {
                    lab.runtime.spawn(async move {
                        for _ in 0..number % 7 {
                            yield_now().await;
                        }
                        number
                    })
                })
                .collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await?;
            }
            Ok::<_, crate::runtime::JoinError>(sum)
        })?;
        ensure!(sum == 499_500, "the results add up to {sum}");
        Ok(())
    }),
    check(
        "S3",
        "the handle is dropped before the first poll",
        &[],
        |lab| {
            let done = Tally::new();
            let there = done.clone();
            lab.run(async {
                let future = Box::pin(async move {
                    yield_now().await;
                    there.add();
                });
                drop(lab.backend().spawn("detached", Placement::Here, future));
                done.reach(1).await;
            });
            Ok(())
        },
    ),
    check(
        "S3",
        "the handle is dropped while the task waits",
        &[],
        |lab| {
            let (go, began, done) = (Tally::new(), Tally::new(), Tally::new());
            let (gate, starts, ends) = (go.clone(), began.clone(), done.clone());
            lab.run(async {
                let task = lab.runtime.spawn(async move {
                    starts.add();
                    gate.reach(1).await;
                    ends.add();
                });
                began.reach(1).await;
                drop(task);
                go.add();
                done.reach(1).await;
            });
            Ok(())
        },
    ),
    check("S5", "ready, while the handle is held", &[], |lab| {
        let dropped = Tally::new();
        let guard = dropped.guard();
        lab.run(async {
            // The bare port: the core's own wrapper drops what it holds by itself.
            let future = Box::pin(std::future::poll_fn(move |_| {
                let _held = &guard;
                Poll::Ready(())
            }));
            let handle = lab.backend().spawn("ready", Placement::Here, future);
            dropped.reach(1).await;
            drop(handle);
        });
        Ok(())
    }),
    check("S8", "called once, before it returns", &[], |lab| {
        enter(&lab.runtime)?;
        lab.run(async { enter(&lab.runtime) })?;
        let runtime = lab.runtime.clone();
        lab.run(lab.runtime.spawn(async move { enter(&runtime) }))?
    }),
    check(
        "S9",
        "every placement, from outside and inside",
        &[],
        |lab| {
            let count = lab.run(async {
                let runtime = lab.runtime.clone();
                let outer = lab.runtime.spawn(async move {
                    let mut tasks = Vec::new();
                    for number in 0..64 {
                        let placement = if number % 2 == 0 {
                            Placement::Here
                        } else {
                            Placement::Spread
                        };
                        let task = runtime.task("placed").placement(placement);
                        tasks.push(task.spawn(yield_now()));
                    }
                    let mut count = 0;
                    for task in tasks {
                        task.await?;
                        count += 1;
                    }
                    Ok::<_, crate::runtime::JoinError>(count)
                });
                outer.await
            })??;
            ensure!(count == 64, "{count} tasks out of 64 ended");
            Ok(())
        },
    ),
];

fn not_inline(lab: &Lab) -> Result {
    let spawn_one = |runtime: &Runtime| {
        let (returned, inline) = (Arc::new(AtomicBool::new(false)), Tally::new());
        let (there, seen, here) = (
            Arc::clone(&returned),
            inline.clone(),
            thread::current().id(),
        );
        let task = runtime.spawn(async move {
            let same: bool = thread::current().id() == here;
            if same && !there.load(Ordering::SeqCst) {
                seen.add();
            }
        });
        returned.store(true, Ordering::SeqCst);
        (task, inline)
    };
    let (task, inline) = spawn_one(&lab.runtime);
    lab.run(task)?;
    ensure!(
        inline.get() == 0,
        "polled inside of `spawn`, outside of the runtime"
    );
    let inline = lab.run(async {
        let (task, inline) = spawn_one(&lab.runtime);
        task.await.map(|()| inline)
    })?;
    ensure!(inline.get() == 0, "polled inside of `spawn`, in `block_on`");
    let runtime = lab.runtime.clone();
    let inline = lab.run(lab.runtime.spawn(async move {
        let (task, inline) = spawn_one(&runtime);
        task.await.map(|()| inline)
    }))??;
    ensure!(inline.get() == 0, "polled inside of `spawn`, in a task");
    Ok(())
}

fn nested(runtime: Runtime, depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return 0;
        }
        let inner = runtime.spawn(nested(runtime.clone(), depth - 1));
        inner.await.map_or(0, |deeper| deeper + 1)
    })
}

fn enter(runtime: &Runtime) -> Result {
    let caller: ThreadId = thread::current().id();
    let mut calls = 0;
    runtime.backend().enter(&mut || {
        if thread::current().id() == caller {
            calls += 1;
        }
    });
    ensure!(calls == 1, "called {calls} times on the caller's thread");
    Ok(())
}
