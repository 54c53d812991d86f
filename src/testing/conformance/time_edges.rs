//! T3 to T6: wakers, `reset`, drops, and the shortest and longest waits.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::lab::{self, Check, Lab, Result, Tally, check, ensure, millis, on_thread, poll};
use crate::runtime::Sleep;

/// What no check waits for.
const LONG: Duration = Duration::from_secs(3600);

pub(super) const CHECKS: &[Check] = &[
    check(
        "T3",
        "polled with one waker, then with another",
        &[],
        |lab| {
            lab.run(async {
                let last = Tally::new();
                let mut sleep = lab::waiting(&**lab.backend(), millis(200), Waker::noop())?;
                // If it is over by now, there is nobody to wake.
                if poll(sleep.as_mut(), &last.waker()).is_ready() {
                    last.add();
                }
                last.reach(1).await;
                let over = poll(sleep.as_mut(), Waker::noop()).is_ready();
                ensure!(over, "woken before its time");
                lab.backend().sleep(millis(10)).await;
                let wakes = last.get();
                ensure!(wakes == 1, "woken {wakes} times");
                Ok(())
            })
        },
    ),
    check("T3", "polled by one task, then by another", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(millis(30));
            poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
            lab.runtime.spawn(sleep).await?;
            Ok(())
        })
    }),
    check("T4", "to a later end, before the first", &[], |lab| {
        lab.run(async {
            let mut sleep = lab::waiting(&**lab.backend(), millis(20), Waker::noop())?;
            let before = lab.runtime.now();
            sleep.as_mut().reset(millis(60));
            lab.wait_through(&mut sleep, before, millis(60)).await
        })
    }),
    check("T4", "to an earlier end", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(LONG);
            pending(&mut sleep, "an hour").await?;
            let before = lab.runtime.now();
            sleep.as_mut().reset(millis(20));
            lab.wait_through(&mut sleep, before, millis(20)).await
        })
    }),
    check("T4", "after it has ended, again and again", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(millis(1));
            sleep.as_mut().await;
            for ms in [5, 1, 10, 3] {
                let before = lab.runtime.now();
                sleep.as_mut().reset(millis(ms));
                lab.wait_through(&mut sleep, before, millis(ms)).await?;
            }
            Ok(())
        })
    }),
    check(
        "T4",
        "when its time has come and nobody has looked",
        &[],
        |lab| {
            lab.run(async {
                let woken = Tally::new();
                let waker = woken.waker();
                let mut sleep = lab::waiting(&**lab.backend(), millis(10), &waker)?;
                woken.reach(1).await;
                let before = lab.runtime.now();
                sleep.as_mut().reset(millis(30));
                lab.wait_through(&mut sleep, before, millis(30)).await
            })
        },
    ),
    check("T4", "before the first poll", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(LONG);
            let before = lab.runtime.now();
            sleep.as_mut().reset(millis(10));
            lab.wait_through(&mut sleep, before, millis(10)).await
        })
    }),
    check("T4", "to never, and back", &[], |lab| {
        lab.run(async {
            let mut sleep = lab::waiting(&**lab.backend(), millis(100), Waker::noop())?;
            sleep.as_mut().reset(Duration::MAX);
            pending(&mut sleep, "the longest wait").await?;
            lab.backend().sleep(millis(150)).await;
            pending(&mut sleep, "the longest wait").await?;
            let before = lab.runtime.now();
            sleep.as_mut().reset(millis(10));
            lab.wait_through(&mut sleep, before, millis(10)).await
        })
    }),
    check("T4", "on a plain thread", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(LONG);
            pending(&mut sleep, "an hour").await?;
            let mut sleep = on_thread(move || {
                sleep.as_mut().reset(millis(10));
                sleep
            })
            .await?;
            sleep.as_mut().await;
            Ok(())
        })
    }),
    check("T5", "dropped while it waits", &[], |lab| {
        lab.run(async {
            // On a machine so slow that some are over before they are dropped, longer ones.
            for length in [500, 1000, 2000].map(millis) {
                let woken = Tally::new();
                let waker = woken.waker();
                let began = lab.runtime.now();
                let sleeps: Vec<_> = (0..1000)
                    .map(|_| {
                        let mut sleep = lab.backend().sleep(length);
                        poll(sleep.as_mut(), &waker).is_pending().then_some(sleep)
                    })
                    .collect();
                let before = woken.get();
                let all_waited = sleeps.iter().all(Option::is_some);
                drop(sleeps);
                let at_drop = woken.get() - before;
                if !all_waited || lab.runtime.now() - began >= length {
                    continue;
                }
                lab.backend().sleep(length + millis(100)).await;
                let late = woken.get() - before - at_drop;
                ensure!(at_drop == 0, "the drop itself woke {at_drop} times");
                ensure!(late == 0, "woken {late} times after the drop");
                return Ok(());
            }
            Err(lab::Failed::skipped(
                "making and dropping 1000 sleeps took too long",
            ))
        })
    }),
    check("T5", "dropped on a plain thread", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(LONG);
            pending(&mut sleep, "an hour").await?;
            on_thread(move || drop(sleep)).await
        })
    }),
    check("T6", "zero", &[], |lab| {
        lab.run(async {
            let mut sleep = lab.backend().sleep(Duration::ZERO);
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                sleep.as_mut().poll(cx)
            })
            .await;
            ensure!(polls <= 2, "it took {polls} polls");
            sleep.as_mut().reset(Duration::ZERO);
            sleep.as_mut().await;
            Ok(())
        })
    }),
    check("T6", "lengths beyond what a clock can show", &[], |lab| {
        lab.run(async {
            let years = Duration::from_secs(200 * 365 * 86_400);
            let mut sleeps = [Duration::MAX, Duration::from_secs(u64::MAX), years, LONG]
                .map(|length| lab.backend().sleep(length));
            for sleep in &mut sleeps {
                pending(sleep, "a very long wait").await?;
            }
            lab.backend().sleep(millis(20)).await;
            for sleep in &mut sleeps {
                pending(sleep, "a very long wait").await?;
            }
            Ok(())
        })
    }),
];

impl Lab {
    /// Waits for a sleep that began after `before` with this length.
    async fn wait_through(
        &self,
        sleep: &mut Pin<Box<dyn Sleep>>,
        before: std::time::Instant,
        length: Duration,
    ) -> Result {
        sleep.as_mut().await;
        let waited = self.runtime.now() - before;
        ensure!(waited >= length, "{length:?} were over after {waited:?}");
        Ok(())
    }
}

/// Polls once, for this task.
async fn pending(sleep: &mut Pin<Box<dyn Sleep>>, what: &str) -> Result {
    let waits = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
    ensure!(waits, "{what} was over at once");
    Ok(())
}
