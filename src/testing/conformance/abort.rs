//! S4 and S5: tasks that are aborted.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::future::BoxFuture;

use super::lab::{Check, Guard, Lab, Tally, check, ensure, on_thread, yield_now};
use crate::runtime::{Placement, Task, TaskHandle};

pub(super) const CHECKS: &[Check] = &[
    check("S4", "aborted before the first poll", &[], |lab| {
        for _ in 0..100 {
            let (future, seen) = Probe::new(None);
            lab.run(async {
                let handle = lab.spawn_raw(future);
                handle.abort();
                seen.dropped.reach(1).await;
            });
        }
        Ok(())
    }),
    check("S4", "aborted while it waits", &[], |lab| {
        for _ in 0..100 {
            let (future, seen) = Probe::new(None);
            lab.run(async {
                let handle = lab.spawn_raw(future);
                seen.polled.reach(1).await;
                handle.abort();
                seen.wake();
                seen.dropped.reach(1).await;
            });
            let polls = seen.polled.get();
            ensure!(polls == 1, "polled again after it was aborted");
        }
        Ok(())
    }),
    check("S4", "aborted from a plain thread", &[], |lab| {
        let (future, seen) = Probe::new(None);
        lab.run(async {
            let handle = lab.spawn_raw(future);
            seen.polled.reach(1).await;
            on_thread(move || handle.abort()).await?;
            seen.dropped.reach(1).await;
            Ok(())
        })
    }),
    check("S4", "aborted by itself, while it is polled", &[], |lab| {
        let handle = Arc::new(OnceLock::<Box<dyn TaskHandle>>::new());
        let ready = Tally::new();
        let (mine, set) = (Arc::clone(&handle), ready.clone());
        let (future, seen) = Probe::new(Some(Box::pin(async move {
            set.reach(1).await;
            if let Some(me) = mine.get() {
                me.abort();
                me.abort();
            }
            // Asks for another poll, which must not come.
            yield_now().await;
            yield_now().await;
            pending().await
        })));
        lab.run(async {
            let _ = handle.set(lab.spawn_raw(future));
            seen.polled.reach(1).await;
            let before = seen.polled.get();
            ready.add();
            seen.dropped.reach(1).await;
            let polls = seen.polled.get() - before;
            ensure!(
                polls <= 1,
                "polled {polls} times, once was needed to abort itself"
            );
            Ok(())
        })
    }),
    check(
        "S4",
        "aborted during a poll on another thread",
        &[],
        |lab| {
            let (began, go) = (Tally::new(), Tally::new());
            let (starts, gate) = (began.clone(), go.clone());
            let (future, seen) = Probe::new(Some(Box::pin(async move {
                starts.add();
                // Blocks the runtime on purpose: the abort comes while the poll is under way.
                gate.reach_here(1);
                yield_now().await;
                pending().await
            })));
            let handle = lab.spawn_raw(future);
            lab.run(async {
                let aborts = on_thread(move || {
                    began.reach_here(1);
                    handle.abort();
                    go.add();
                });
                seen.dropped.reach(1).await;
                aborts.await?;
                let polls = seen.polled.get();
                ensure!(
                    polls == 1,
                    "polled {polls} times, though aborted during the first"
                );
                Ok(())
            })
        },
    ),
    check("S4", "aborted after the end, and twice", &[], |lab| {
        lab.run(async {
            let (future, seen) = Probe::new(Some(Box::pin(async {})));
            let handle = lab.spawn_raw(future);
            seen.dropped.reach(1).await;
            handle.abort();
            handle.abort();
            let task = lab.runtime.spawn(async { 7 });
            while !task.is_finished() {
                yield_now().await;
            }
            task.abort();
            let kept = task.await?;
            ensure!(kept == 7, "an abort after the end changed the result");
            Ok(())
        })
    }),
    check("S4", "awaited after it was aborted", &[], |lab| {
        let dropped = Tally::new();
        let guard = dropped.guard();
        lab.run(async {
            let task: Task<()> = lab.runtime.spawn(async move {
                let _guard = guard;
                pending().await
            });
            yield_now().await;
            task.abort();
            let outcome = task.await;
            // The task resolves only when its future is gone.
            ensure!(
                dropped.get() == 1,
                "it resolved before its future was dropped"
            );
            let Err(error) = outcome else {
                return Err(super::lab::Failed::broken("it gave a result"));
            };
            ensure!(
                error.is_cancelled(),
                "the error is `{error}`, not a cancellation"
            );
            Ok(())
        })
    }),
    check("S5", "aborted, while the handle is held", &[], |lab| {
        let (future, seen) = Probe::new(None);
        lab.run(async {
            let handle = lab.spawn_raw(future);
            seen.polled.reach(1).await;
            handle.abort();
            seen.dropped.reach(1).await;
            drop(handle);
        });
        Ok(())
    }),
    check("S5", "the drop of one future aborts another", &[], |lab| {
        struct AbortsAtDrop(Box<dyn TaskHandle>);
        impl Drop for AbortsAtDrop {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let (second, seen_second) = Probe::new(None);
        let second = AbortsAtDrop(lab.spawn_raw(second));
        let (first, seen_first) = Probe::new(Some(Box::pin(async move {
            let _second = second;
            pending().await
        })));
        lab.run(async {
            let first = lab.spawn_raw(first);
            seen_first.polled.reach(1).await;
            first.abort();
            seen_first.dropped.reach(1).await;
            seen_second.dropped.reach(1).await;
        });
        Ok(())
    }),
];

impl Lab {
    /// The bare port, without what the core adds.
    fn spawn_raw(&self, future: Probe) -> Box<dyn TaskHandle> {
        let future: BoxFuture<'static, ()> = Box::pin(future);
        self.backend().spawn("probe", Placement::Here, future)
    }
}

/// A future that tells what is done to it.
struct Probe {
    seen: Seen,
    inner: Option<BoxFuture<'static, ()>>,
    _guard: Guard,
}

#[derive(Clone)]
struct Seen {
    polled: Tally,
    dropped: Tally,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Probe {
    /// Without an inner future it waits for ever.
    fn new(inner: Option<BoxFuture<'static, ()>>) -> (Self, Seen) {
        let seen = Seen {
            polled: Tally::new(),
            dropped: Tally::new(),
            waker: Arc::default(),
        };
        let probe = Self {
            seen: seen.clone(),
            inner,
            _guard: seen.dropped.guard(),
        };
        (probe, seen)
    }
}

impl Future for Probe {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        *self
            .seen
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(waker);
        let poll = match &mut self.inner {
            Some(inner) => inner.as_mut().poll(cx),
            None => Poll::Pending,
        };
        // Counted at the end, so that whoever waits for it finds the task at rest, or nearly so.
        self.seen.polled.add();
        poll
    }
}

impl Seen {
    fn wake(&self) {
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
