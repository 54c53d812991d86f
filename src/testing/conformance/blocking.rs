//! B1 to B3: jobs that block a thread.

use std::pin::pin;
use std::thread;

use super::lab::{Check, Failed, Tally, check, ensure, on_thread};
use crate::runtime::Runtime;

const LOCK_STEP: &str = "a simulation stands still while a job runs, which so cannot wait for a task in a way of its own";

pub(super) const CHECKS: &[Check] = &[
    check(
        "B1",
        "the caller goes on while the job blocks",
        &[],
        |lab| {
            let (go, done) = (Tally::new(), Tally::new());
            let (gate, ended) = (go.clone(), done.clone());
            lab.run(async {
                let job = lab.runtime.spawn_blocking(move || {
                    gate.reach_here(1);
                    ended.add();
                    "done"
                });
                // Tasks run meanwhile.
                lab.runtime.spawn(async {}).await?;
                ensure!(done.get() == 0, "the job ended before it could");
                go.add();
                let result = job.await?;
                ensure!(result == "done", "the result is {result}");
                Ok(())
            })
        },
    )
    .unless_simulated(LOCK_STEP),
    check(
        "B1",
        "the job sees the runtime as the current one",
        &[],
        |lab| {
            let job = lab.runtime.spawn_blocking(Runtime::current);
            let seen = lab.run(job)??;
            ensure!(seen.same_as(&lab.runtime), "it sees {seen:?}");
            Ok(())
        },
    ),
    check("B1", "the job uses the runtime", &[], |lab| {
        let runtime = lab.runtime.clone();
        let job = lab.runtime.spawn_blocking(move || {
            let done = Tally::new();
            let there = done.clone();
            runtime.spawn(async move { there.add() }).detach();
            done.reach_here(1);
        });
        lab.run(job)?;
        Ok(())
    })
    .unless_simulated(LOCK_STEP),
    check("B1", "a panic in the job", &[], |lab| {
        lab.run(async {
            let bad = std::hint::black_box(true);
            let job = lab.runtime.spawn_blocking(move || {
                assert!(!bad, "in the job, on purpose");
            });
            let Err(error) = job.await else {
                return Err(Failed::broken("the job gave a result"));
            };
            let text = error.panic_text().unwrap_or("no panic");
            ensure!(text == "in the job, on purpose", "the error is `{error}`");
            let after = lab.runtime.spawn_blocking(|| 7).await?;
            ensure!(after == 7, "jobs no longer run");
            Ok(())
        })
    }),
    check("B1", "jobs that are aborted at once", &[], |lab| {
        lab.run(async {
            for _ in 0..100 {
                let ran = Tally::new();
                let there = ran.clone();
                let job = lab.runtime.spawn_blocking(move || there.add());
                job.abort();
                let outcome = job.await;
                let ran = ran.get();
                // Those that had started end; the others never start.
                ensure!(
                    outcome.is_ok() == (ran == 1),
                    "the job ran {ran} times, its task gave {outcome:?}"
                );
            }
            Ok(())
        })
    }),
    check(
        "B1",
        "started on a plain thread, its task dropped",
        &[],
        |lab| {
            let (runtime, done) = (lab.runtime.clone(), Tally::new());
            let there = done.clone();
            lab.run(async {
                on_thread(move || runtime.spawn_blocking(move || there.add()).detach()).await?;
                done.reach(1).await;
                Ok(())
            })
        },
    ),
    check(
        "B2",
        "more jobs on threads of their own than a pool may have",
        &[],
        |lab| {
            const JOBS: usize = 50;
            lab.run(async {
                let (go, names) = (Tally::new(), Tally::new());
                for number in 0..JOBS {
                    let (backend, names, go) = (lab.backend().clone(), names.clone(), go.clone());
                    let name = format!("own-{number}");
                    let inside = (backend.clone(), name.clone());
                    let job = move || {
                        let (backend, name) = inside;
                        if thread::current().name() == Some(&*name) {
                            names.add();
                        }
                        // Each waits until all are there.
                        let _ = backend.wait_in_job(pin!(go.reach(1)));
                    };
                    backend.run_separate(&name, Box::new(job))?;
                }
                names.reach(JOBS).await;
                go.add();
                Ok(())
            })
        },
    ),
    check(
        "B3",
        "a job waits for tasks, and tasks for the job",
        &[],
        |lab| {
            let (question, answer) = (Tally::new(), Tally::new());
            let (backend, ready) = (lab.backend().clone(), Tally::new());
            lab.run(async {
                let job = {
                    let (question, answer, ready) =
                        (question.clone(), answer.clone(), ready.clone());
                    lab.runtime.spawn_blocking(move || {
                        for turn in 1..=100 {
                            question.add();
                            let waited = backend.wait_in_job(pin!(async {
                                answer.reach(turn).await;
                                ready.add();
                            }));
                            if waited.is_err() || ready.get() != turn {
                                // Whoever answers is not to wait for the rest.
                                (turn..100).for_each(|_| question.add());
                                return Err(turn);
                            }
                        }
                        Ok(())
                    })
                };
                for turn in 1..=100 {
                    question.reach(turn).await;
                    answer.add();
                }
                let outcome = job.await?;
                ensure!(
                    outcome.is_ok(),
                    "a wait returned before its time: {outcome:?}"
                );
                Ok(())
            })
        },
    ),
];
