//! S7 and T8: when the runtime ends.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::lab::{Check, Tally, check, ensure, millis, poll, yield_now};
use crate::runtime::{Placement, Task};

pub(super) const CHECKS: &[Check] = &[
    check("S7", "tasks that wait when it ends", &[], |lab| {
        let runtime = lab.disposable()?;
        let dropped = Tally::new();
        let tasks: Vec<Task<()>> = runtime.block_on(async {
            let tasks = (0..10)
                .map(|_| {
                    let guard = dropped.guard();
                    runtime.spawn(async move {
                        let _guard = guard;
                        pending().await
                    })
                })
                .collect();
            yield_now().await;
            tasks
        });
        drop(runtime);
        dropped.reach_here(10);
        // Whoever waits for them is told.
        for task in tasks {
            let outcome = lab.run(task);
            let cancelled = outcome.is_err_and(|error| error.is_cancelled());
            ensure!(
                cancelled,
                "a task that ended with its runtime was not cancelled"
            );
        }
        Ok(())
    }),
    check(
        "S7",
        "tasks that were never polled when it ends",
        &[],
        |lab| {
            let runtime = lab.disposable()?;
            let dropped = Tally::new();
            let guard = dropped.guard();
            let task: Task<()> = runtime.spawn(async move {
                let _guard = guard;
                pending().await
            });
            task.detach();
            drop(runtime);
            dropped.reach_here(1);
            Ok(())
        },
    ),
    check("S7", "spawned after its end", &[], |lab| {
        let runtime = lab.disposable()?;
        runtime.block_on(async {});
        let backend = runtime.backend().clone();
        drop(runtime);
        let dropped = Tally::new();
        let guard = dropped.guard();
        let future = Box::pin(async move {
            let _guard = guard;
            pending().await
        });
        let handle = backend.spawn("late", Placement::Here, future);
        dropped.reach_here(1);
        handle.abort();
        Ok(())
    }),
    check("S7", "ended inside of another runtime", &[], |lab| {
        let runtime = lab.disposable()?;
        let dropped = Tally::new();
        let guard = dropped.guard();
        let task: Task<()> = runtime.spawn(async move {
            let _guard = guard;
            pending().await
        });
        task.detach();
        lab.run(async {
            drop(runtime);
            dropped.reach(1).await;
        });
        Ok(())
    }),
    check(
        "S7",
        "ended by one of its own blocking jobs' threads",
        &[],
        |lab| {
            let runtime = lab.disposable()?;
            let dropped = Tally::new();
            let guard = dropped.guard();
            let task: Task<()> = runtime.spawn(async move {
                let _guard = guard;
                pending().await
            });
            task.detach();
            let owned = runtime.clone();
            runtime.spawn_blocking(move || drop(owned)).detach();
            drop(runtime);
            dropped.reach_here(1);
            Ok(())
        },
    )
    .unless_simulated("a simulation runs no job unless a thread blocks on it"),
    check("T8", "a sleep that outlives it", &[], |lab| {
        let runtime = lab.disposable()?;
        let backend = runtime.backend().clone();
        let mut sleeps = runtime.block_on(async {
            let mut polled = backend.sleep(millis(1));
            let _ = poll(polled.as_mut(), Waker::noop());
            [polled, backend.sleep(millis(1))]
        });
        drop(runtime);
        for sleep in &mut sleeps {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let _ = poll(sleep.as_mut(), Waker::noop());
            }));
            if let Err(payload) = outcome {
                let text = crate::error::panic_text(&*payload);
                let understood = text.contains("shut") || text.contains("ended");
                ensure!(
                    understood,
                    "the panic says nothing of the runtime's end: {text}"
                );
            }
        }
        Ok(())
    }),
];
