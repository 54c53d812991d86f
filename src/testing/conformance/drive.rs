//! V1 to V3: threads that block on the runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::lab::{Check, Failed, Tally, check, ensure, on_thread, yield_now};
use crate::runtime::Runtime;

pub(super) const CHECKS: &[Check] = &[
    check(
        "V1",
        "a future that is ready, one that waits for a thread",
        &[],
        |lab| {
            let seven = lab.run(async { 7 });
            ensure!(seven == 7, "it gave {seven}");
            lab.run(async {
                for _ in 0..50 {
                    on_thread(thread::yield_now).await?;
                }
                Ok(())
            })
        },
    ),
    check(
        "V1",
        "the future has the runtime as its current one",
        &[],
        |lab| {
            let seen = lab.run(async { Runtime::current() })?;
            ensure!(seen.same_as(&lab.runtime), "it sees {seen:?}");
            let seen = lab.run(async { crate::spawn(async { Runtime::current() }).await })??;
            ensure!(seen.same_as(&lab.runtime), "a task sees {seen:?}");
            Ok(())
        },
    ),
    check("V1", "tasks go on while the future waits", &[], |lab| {
        let done = Tally::new();
        for _ in 0..10 {
            let there = done.clone();
            let task = lab.runtime.spawn(async move {
                yield_now().await;
                there.add();
            });
            task.detach();
        }
        lab.run(done.reach(10));
        Ok(())
    }),
    check("V2", "four threads at once", &[], |lab| {
        // None goes on before the others have come as well, or have failed to.
        let there = Tally::new();
        let outcomes = thread::scope(|scope| {
            let threads: Vec<_> = (0..4_u64)
                .map(|number| {
                    let there = there.clone();
                    scope.spawn(move || {
                        let arrival = there.guard();
                        lab.run(async move {
                            drop(arrival);
                            there.reach(4).await;
                            let mut sum = 0;
                            for _ in 0..50 {
                                sum += lab.runtime.spawn(async move { number }).await?;
                            }
                            Ok::<_, crate::runtime::JoinError>((number, sum))
                        })
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join())
                .collect::<Vec<_>>()
        });
        for outcome in outcomes {
            let (number, sum) = outcome.map_err(|_| Failed::broken("one of them panicked"))??;
            ensure!(sum == number * 50, "thread {number} got {sum}");
        }
        Ok(())
    }),
    check(
        "V2",
        "one blocks on what another one's tasks do",
        &[],
        |lab| {
            let (first, second) = (Tally::new(), Tally::new());
            thread::scope(|scope| {
                scope.spawn(|| lab.run(first.reach(1)));
                lab.run(second.reach(0));
                // The other thread may or may not drive the runtime by now.
                let there = first.clone();
                lab.runtime.spawn(async move { there.add() }).detach();
            });
            ensure!(first.get() == 1, "it returned too early");
            Ok(())
        },
    ),
    check("V3", "a future that panics", &[], |lab| {
        for _ in 0..3 {
            let done = Tally::new();
            let there = done.clone();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                lab.run(async {
                    let task = lab.runtime.spawn(async move {
                        yield_now().await;
                        there.add();
                    });
                    task.detach();
                    panic!("in `block_on`, on purpose")
                });
            }));
            let Err(payload) = outcome else {
                return Err(Failed::broken("the panic was lost"));
            };
            let text = crate::error::panic_text(&*payload);
            ensure!(
                text == "in `block_on`, on purpose",
                "the panic became `{text}`"
            );
            lab.run(done.reach(1));
        }
        Ok(())
    }),
];
