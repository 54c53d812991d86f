//! S2: no wake is lost, wherever it comes from.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use super::lab::{Check, Failed, Lab, Result, Tally, check, ensure, on_thread};

/// How often each task of the stress is woken.
const ROUNDS: usize = 500;
const TASKS: usize = 8;

pub(super) const CHECKS: &[Check] = &[
    check("S2", "woken by itself during the poll", &[], |lab| {
        let polls = lab.run(lab.runtime.spawn(async {
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                if polls == 1000 {
                    return Poll::Ready(());
                }
                // Twice is as good as once.
                cx.waker().wake_by_ref();
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            polls
        }))?;
        ensure!(polls == 1000, "it ended after {polls} polls");
        Ok(())
    }),
    check(
        "S2",
        "woken by another thread while the poll is under way",
        &[],
        |lab| {
            let (send, wakers) = std::sync::mpsc::channel::<(Waker, Tally)>();
            let woken = lab.runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    let (mut asked, done) = (false, Tally::new());
                    poll_fn(|cx| {
                        if std::mem::replace(&mut asked, true) {
                            return Poll::Ready(());
                        }
                        if send.send((cx.waker().clone(), done.clone())).is_ok() {
                            // The wake has come before this poll returns.
                            done.reach_here(1);
                        }
                        Poll::Pending
                    })
                    .await;
                }
            });
            lab.run(async {
                let waking = on_thread(move || {
                    for (waker, done) in wakers {
                        waker.wake();
                        done.add();
                    }
                });
                woken.await?;
                waking.await
            })
        },
    ),
    check(
        "S2",
        "woken by plain threads at random moments",
        &[],
        stress,
    ),
    check(
        "S2",
        "one poll at a time, though many threads wake",
        &[],
        |lab| {
            let (busy, twice) = (Arc::new(AtomicBool::new(false)), Tally::new());
            let (inside, seen) = (Arc::clone(&busy), twice.clone());
            let (give, wakers) = std::sync::mpsc::channel::<Waker>();
            let task = lab.runtime.spawn(async move {
                let mut polls = 0;
                poll_fn(|cx| {
                    if inside.swap(true, Ordering::SeqCst) {
                        seen.add();
                    }
                    polls += 1;
                    if polls == 1 {
                        // Nobody listens any more once it was sent.
                        let _ = give.send(cx.waker().clone());
                    }
                    thread::yield_now();
                    inside.store(false, Ordering::SeqCst);
                    if polls < 300 {
                        return Poll::Pending;
                    }
                    Poll::Ready(())
                })
                .await;
            });
            lab.run(async {
                let stop = Arc::new(AtomicBool::new(false));
                let waking = Arc::clone(&stop);
                let threads = on_thread(move || {
                    let Ok(waker) = wakers.recv() else { return };
                    thread::scope(|scope| {
                        for _ in 0..3 {
                            scope.spawn(|| {
                                while !waking.load(Ordering::SeqCst) {
                                    waker.wake_by_ref();
                                    thread::yield_now();
                                }
                            });
                        }
                    });
                });
                let ended = task.await;
                stop.store(true, Ordering::SeqCst);
                threads.await?;
                ended?;
                ensure!(twice.get() == 0, "polled by two threads at once");
                Ok(())
            })
        },
    ),
    check(
        "S2",
        "an old waker is kept and woken after the end",
        &[],
        |lab| {
            let (give, wakers) = std::sync::mpsc::channel::<Waker>();
            lab.run(lab.runtime.spawn(poll_fn(move |cx| {
                let _ = give.send(cx.waker().clone());
                Poll::Ready(())
            })))?;
            for waker in wakers {
                waker.wake_by_ref();
                waker.wake();
            }
            let alive = lab.run(lab.runtime.spawn(async { true }))?;
            ensure!(alive, "the runtime is confused");
            Ok(())
        },
    ),
];

/// Tasks hand their wakers to threads, which wake at once, a little later, or twice.
fn stress(lab: &Lab) -> Result {
    let mut chance = lab.chance();
    let seed = chance.seed;
    let mut tasks = Vec::new();
    let mut threads = Vec::new();
    for _ in 0..TASKS {
        let (send, wakers) = std::sync::mpsc::channel::<(Arc<AtomicBool>, Waker)>();
        let pauses: Vec<usize> = (0..ROUNDS).map(|_| chance.below(60)).collect();
        threads.push(on_thread(move || {
            for ((flag, waker), pause) in wakers.into_iter().zip(pauses) {
                for _ in 0..pause {
                    std::hint::spin_loop();
                }
                if pause % 5 == 0 {
                    thread::yield_now();
                }
                flag.store(true, Ordering::SeqCst);
                if pause % 7 == 0 {
                    waker.wake_by_ref();
                }
                waker.wake();
            }
        }));
        tasks.push(lab.runtime.spawn(async move {
            for _ in 0..ROUNDS {
                let (flag, mut sent) = (Arc::new(AtomicBool::new(false)), false);
                poll_fn(|cx| {
                    if flag.load(Ordering::SeqCst) {
                        return Poll::Ready(());
                    }
                    // A wake without cause finds the flag unset; the thread has the waker already.
                    if !std::mem::replace(&mut sent, true) {
                        let _ = send.send((Arc::clone(&flag), cx.waker().clone()));
                    }
                    Poll::Pending
                })
                .await;
            }
        }));
    }
    lab.run(async {
        for task in tasks {
            if let Err(error) = task.await {
                return Err(Failed::broken(format_args!("{error} (seed {seed})")));
            }
        }
        for thread in threads {
            thread.await?;
        }
        Ok(())
    })
}
