//! S6: the core wraps every future, so that a panic stays with its task.

use std::future::pending;

use super::lab::{Check, Result, Tally, check, ensure, yield_now};
use crate::runtime::{JoinError, Task};

pub(super) const CHECKS: &[Check] = &[
    check("S6", "a panic in a task", &[], |lab| {
        let (go, survivor) = (Tally::new(), Tally::new());
        let (gate, done) = (go.clone(), survivor.clone());
        lab.run(async {
            let other = lab.runtime.spawn(async move {
                gate.reach(1).await;
                done.add();
            });
            let task: Task<()> = lab.runtime.task("bad").spawn(async {
                yield_now().await;
                panic!("on {}", "purpose")
            });
            expect_panic(task.await, "on purpose")?;
            go.add();
            other.await?;
            ensure!(survivor.get() == 1, "another task did not go on");
            Ok(())
        })
    }),
    check("S6", "a panic in a task that nobody awaits", &[], |lab| {
        let (dropped, done) = (Tally::new(), Tally::new());
        let (guard, after) = (dropped.guard(), done.clone());
        lab.run(async {
            let bad: Task<()> = lab.runtime.spawn(async move {
                let _guard = guard;
                panic!("on purpose")
            });
            bad.detach();
            dropped.reach(1).await;
            lab.runtime.spawn(async move { after.add() }).detach();
            done.reach(1).await;
        });
        Ok(())
    }),
    check("S6", "a panic in the drop of a future", &[], |lab| {
        lab.run(async {
            let task = lab.runtime.spawn(async {
                let _bad = PanicsAtDrop;
                yield_now().await;
            });
            expect_panic(task.await, "dropped on purpose")?;
            let task: Task<()> = lab.runtime.spawn(async {
                let _bad = PanicsAtDrop;
                pending().await
            });
            yield_now().await;
            yield_now().await;
            task.abort();
            // Whether it was polled before, and so has something to drop, is up to the runtime.
            if let Err(error) = task.await
                && error.is_panic()
            {
                expect_panic(Err(error), "dropped on purpose")?;
            }
            lab.runtime.spawn(async {}).await?;
            Ok(())
        })
    }),
];

fn expect_panic(outcome: std::result::Result<(), JoinError>, text: &str) -> Result {
    let Err(error) = outcome else {
        return Err(super::lab::Failed::broken("the task gave a result"));
    };
    ensure!(error.is_panic(), "the error is `{error}`, not a panic");
    let found = error.panic_text().unwrap_or_default();
    ensure!(found == text, "the panic's text is `{found}`");
    Ok(())
}

struct PanicsAtDrop;

impl Drop for PanicsAtDrop {
    fn drop(&mut self) {
        panic!("dropped on purpose");
    }
}
