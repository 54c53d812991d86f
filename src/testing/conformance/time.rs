//! T1, T2, T7, and what the core makes of them: waits in the usual order.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::lab::{self, Check, Failed, Lab, Result, check, ensure, millis, on_thread, parked};

pub(super) const CHECKS: &[Check] = &[
    check("T1", "made and polled on a plain thread", &[], |lab| {
        let backend = lab.backend().clone();
        lab.outside(async move {
            let before = backend.now();
            backend.sleep(millis(20)).await;
            let waited = backend.now() - before;
            ensure!(waited >= millis(20), "it took {waited:?} instead of 20ms");
            Ok(())
        })
    }),
    check(
        "T1",
        "made on a plain thread, polled in the runtime",
        &[],
        |lab| {
            let backend = lab.backend().clone();
            lab.run(async {
                on_thread(move || backend.sleep(millis(10))).await?.await;
                Ok(())
            })
        },
    ),
    check(
        "T1",
        "made and polled in the runtime, ends on a plain thread",
        &[],
        |lab| {
            lab.run(async {
                let mut sleep = lab.backend().sleep(millis(20));
                poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx)))
                    .await
                    .is_pending();
                on_thread(move || {
                    parked(async move {
                        sleep.as_mut().reset(millis(10));
                        sleep.await;
                        Ok(())
                    })
                })
                .await?
            })
        },
    ),
    check(
        "T1",
        "made and polled inside of another runtime",
        &[],
        |lab| {
            let backend = lab.backend().clone();
            lab.inside_other(async move {
                backend.sleep(millis(10)).await;
                let mut again = backend.sleep(millis(10));
                again.as_mut().reset(millis(20));
                again.await;
                Ok(())
            })
        },
    ),
    check(
        "T1",
        "made inside of another runtime, polled when that stands still",
        &[],
        |lab| {
            let backend = lab.backend().clone();
            let (fresh, polled) = lab.inside_other(async move {
                let fresh = backend.sleep(millis(10));
                let polled =
                    poll_fn(|cx| Poll::Ready(lab::waiting(&*backend, millis(30), cx.waker())))
                        .await?;
                Ok((fresh, polled))
            })?;
            lab.run(async {
                fresh.await;
                polled.await;
            });
            Ok(())
        },
    ),
    check("T2", "forty waits at once", &[], never_early),
    check("T2", "a wait that is polled late", &[], |lab| {
        // The first is counted from the call: it ends before the second, which began later. If both
        // are over by the time somebody looks, the first is looked at first.
        lab.run(async {
            let backend = lab.backend();
            let mut first = backend.sleep(millis(400));
            backend.sleep(millis(400)).await;
            let mut second = backend.sleep(millis(100));
            let winner = poll_fn(|cx| {
                if first.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(1);
                }
                second.as_mut().poll(cx).map(|()| 2)
            })
            .await;
            ensure!(winner == 1, "it was counted from its first poll");
            Ok(())
        })
    }),
    check(
        "T2",
        "the first tick of an interval is at once",
        &[],
        |lab| {
            lab.run(async {
                let before = lab.runtime.now();
                let first = lab.runtime.interval(Duration::from_secs(3600)).tick().await;
                let after = lab.runtime.now();
                ensure!(
                    before <= first && first <= after,
                    "it was meant for another moment"
                );
                Ok(())
            })
        },
    ),
    check(
        "T2",
        "the ticks of an interval stay on their grid",
        &[],
        |lab| {
            lab.run(async {
                let period = millis(7);
                let mut ticks = lab.runtime.interval(period);
                let first = ticks.tick().await;
                let (mut last, mut missed) = (first, 0);
                for number in 1..=8_u32 {
                    if number == 4 {
                        // Late for some of them: they are left out.
                        lab.runtime.sleep(millis(20)).await;
                    }
                    // Those between this tick and the one before; the last one may be late as well.
                    missed = ticks.missed();
                    let due = ticks.tick().await;
                    let offset = due - first;
                    ensure!(lab.runtime.now() >= due, "tick {number} came too early");
                    ensure!(due > last, "tick {number} came twice");
                    let off = offset.as_nanos() % period.as_nanos();
                    ensure!(
                        off == 0,
                        "tick {number} was {offset:?} after the first, off the grid"
                    );
                    last = due;
                }
                let ticked = 8 + missed;
                let periods = (last - first).as_nanos() / period.as_nanos();
                ensure!(
                    periods == u128::from(ticked),
                    "{ticked} ticks in {periods} periods"
                );
                Ok(())
            })
        },
    ),
    check("T2", "a time limit", &[], |lab| {
        lab.run(async {
            let before = lab.runtime.now();
            let endless = std::future::pending::<()>();
            let outcome = lab.runtime.timeout(millis(20), endless).await;
            let waited = lab.runtime.now() - before;
            ensure!(outcome.is_err(), "what never ends has ended");
            ensure!(
                waited >= millis(20),
                "given up after {waited:?} instead of 20ms"
            );
            let hour = Duration::from_secs(3600);
            let quick = lab
                .runtime
                .timeout(hour, lab.runtime.sleep(millis(5)))
                .await;
            ensure!(quick.is_ok(), "5ms took longer than an hour");
            Ok(())
        })
    }),
    check("T7", "read many times, on several threads", &[], |lab| {
        let mut last = lab.backend().now();
        for round in 0..1000 {
            let backend = lab.backend().clone();
            let now = if round % 100 == 0 {
                lab.run(on_thread(move || backend.now()))?
            } else if round % 10 == 0 {
                lab.run(lab.runtime.spawn(async move { backend.now() }))?
            } else {
                backend.now()
            };
            let back = last.saturating_duration_since(now);
            ensure!(back.is_zero(), "it went back by {back:?}");
            last = now;
        }
        // The calendar may say anything, but has to say something.
        let _ = lab.backend().wall_now();
        Ok(())
    }),
    check("T7", "goes on while a sleep waits", &[], |lab| {
        lab.run(async {
            let before = lab.runtime.now();
            lab.backend().sleep(millis(10)).await;
            let passed = lab.runtime.now() - before;
            ensure!(
                passed >= millis(10),
                "after a sleep of 10ms it shows {passed:?}"
            );
            Ok(())
        })
    }),
];

fn never_early(lab: &Lab) -> Result {
    let mut chance = lab.chance();
    let seed = chance.seed;
    lab.run(async {
        let waits: Vec<_> = (0..40)
            .map(|_| {
                let micros = u64::try_from(chance.below(30_000)).unwrap_or(0);
                let length = Duration::from_micros(micros);
                let backend = lab.backend().clone();
                lab.runtime.spawn(async move {
                    let before = backend.now();
                    let sleep = backend.sleep(length);
                    sleep.await;
                    (length, backend.now() - before)
                })
            })
            .collect();
        for wait in waits {
            let (length, waited) = wait.await?;
            if waited < length {
                let text = format_args!("{length:?} were over after {waited:?} (seed {seed})");
                return Err(Failed::broken(text));
            }
        }
        Ok(())
    })
}
