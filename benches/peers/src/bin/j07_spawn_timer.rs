//! Job 7: spawning and joining a task that does nothing, looking the runtime up, timers, time limits.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use aiomisc::Runtime;
use aiomisc::adapters::{Smol, Tokio};
use futures_lite::future::{poll_once, yield_now};
use peers::{Bar, Contest, bare, in_task, ns_per_op, tokio_ct, tokio_mt};
use smol_timeout::TimeoutExt;

const OPS: u64 = 100_000;
const BATCH: u64 = 1000;
const HOUR: Duration = Duration::from_secs(3600);
const NS: &str = "ns/op";

fn main() {
    spawn_and_join();
    spawn_and_join_many();
    look_up();
    timeout_of_a_ready_future();
    timeout_of_one_yield();
    timer();
}

/// Runs a future in a task of ours.
fn ours<F>(runtime: &Runtime, future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    runtime
        .block_on(runtime.spawn(future))
        .expect("a task that does not panic")
}

fn adapters() -> [(&'static str, Runtime); 4] {
    let tokio = |threads| Tokio::multi_thread(threads).expect("a runtime").into();
    [
        ("smol", Smol::new().into()),
        (
            "tokio-current",
            Tokio::current_thread().expect("a runtime").into(),
        ),
        ("tokio-1-thread", tokio(1)),
        ("tokio-2-threads", tokio(2)),
    ]
}

fn spawn_and_join() {
    for (name, runtime) in adapters() {
        let contest = Contest::new(format!("j07-spawn-join/{name}"), NS, || {
            ns_per_op(OPS, || {
                ours(&runtime, async {
                    let runtime = Runtime::current().expect("inside of a task");
                    for _ in 0..OPS {
                        runtime
                            .spawn(async {})
                            .await
                            .expect("a task that does not panic");
                    }
                });
            })
        });
        against_its_own(contest, name, Some(Bar::AtMost(1.5)), |kind| match kind {
            Own::Bare => bare(|ex| async move {
                for _ in 0..OPS {
                    ex.spawn(async {}).await;
                }
            }),
            Own::Tokio(tokio) => in_task(tokio, async {
                for _ in 0..OPS {
                    tokio::spawn(async {})
                        .await
                        .expect("a task that does not panic");
                }
            }),
        });
    }
}

fn spawn_and_join_many() {
    for (name, runtime) in adapters() {
        let contest = Contest::new(format!("j07-spawn-join-1000/{name}"), NS, || {
            ns_per_op(OPS, || {
                ours(&runtime, async {
                    let runtime = Runtime::current().expect("inside of a task");
                    let mut tasks = Vec::with_capacity(BATCH as usize);
                    for _ in 0..OPS / BATCH {
                        tasks.extend((0..BATCH).map(|_| runtime.spawn(async {})));
                        for task in tasks.drain(..) {
                            task.await.expect("a task that does not panic");
                        }
                    }
                });
            })
        });
        against_its_own(contest, name, None, |kind| match kind {
            Own::Bare => bare(|ex| async move {
                let mut tasks = Vec::with_capacity(BATCH as usize);
                for _ in 0..OPS / BATCH {
                    tasks.extend((0..BATCH).map(|_| ex.spawn(async {})));
                    for task in tasks.drain(..) {
                        task.await;
                    }
                }
            }),
            Own::Tokio(tokio) => in_task(tokio, async {
                let mut tasks = Vec::with_capacity(BATCH as usize);
                for _ in 0..OPS / BATCH {
                    tasks.extend((0..BATCH).map(|_| tokio::spawn(async {})));
                    for task in tasks.drain(..) {
                        task.await.expect("a task that does not panic");
                    }
                }
            }),
        });
    }
}

/// The executor that an adapter of ours stands on.
enum Own<'a> {
    Bare,
    Tokio(&'a tokio::runtime::Runtime),
}

fn against_its_own(
    contest: Contest<'_, 1>,
    adapter: &str,
    bar: Option<Bar>,
    job: impl Fn(Own<'_>),
) {
    let tokio = match adapter {
        "smol" => {
            let bare = || ns_per_op(OPS, || job(Own::Bare));
            return contest
                .entry("async-executor", [bar], move || [bare()])
                .run();
        }
        "tokio-current" => tokio_ct(),
        "tokio-1-thread" => tokio_mt(1),
        _ => tokio_mt(2),
    };
    let own = || ns_per_op(OPS, || job(Own::Tokio(&tokio)));
    contest.entry("tokio", [bar], move || [own()]).run();
}

fn look_up() {
    thread_local!(static SHARED: RefCell<Arc<u64>> = RefCell::new(Arc::new(0)));
    const OPS: u64 = 2_000_000;
    for (name, runtime) in adapters() {
        Contest::new(format!("j07-look-up/{name}"), NS, || {
            ours(&runtime, async {
                ns_per_op(OPS, || {
                    for _ in 0..OPS {
                        black_box(Runtime::current().expect("inside of a task"));
                    }
                })
            })
        })
        // 10 ns where the floor took 5.
        .rival("floor:thread-local-arc", Bar::AtMost(2.0), || {
            ns_per_op(OPS, || {
                for _ in 0..OPS {
                    black_box(SHARED.with_borrow(Arc::clone));
                }
            })
        })
        .peer("tokio::Handle::current", || {
            let runtime = tokio_ct();
            let _inside = runtime.enter();
            ns_per_op(OPS, || {
                for _ in 0..OPS {
                    black_box(tokio::runtime::Handle::current());
                }
            })
        })
        .run();
    }
}

fn timeout_of_a_ready_future() {
    const OPS: u64 = 1_000_000;
    let (tokio, current) = (tokio_ct(), Tokio::current_thread().expect("a runtime"));
    for (name, runtime) in [
        ("smol", Smol::new().into()),
        ("tokio-current", current.into()),
    ] {
        let runtime: Runtime = runtime;
        Contest::new(format!("j07-timeout-ready/{name}"), NS, || {
            ns_per_op(OPS, || {
                runtime.block_on(async {
                    for i in 0..OPS {
                        let _ =
                            black_box(aiomisc::time::timeout(HOUR, std::future::ready(i)).await);
                    }
                });
            })
        })
        .within(Bar::AtMost(10.0))
        .peer("floor:the-future-alone", || {
            ns_per_op(OPS, || {
                async_io::block_on(async {
                    for i in 0..OPS {
                        black_box(std::future::ready(i).await);
                    }
                });
            })
        })
        .peer("tokio", || {
            ns_per_op(OPS, || {
                tokio.block_on(async {
                    for i in 0..OPS {
                        let _ = black_box(tokio::time::timeout(HOUR, std::future::ready(i)).await);
                    }
                });
            })
        })
        .peer("smol-timeout", || {
            ns_per_op(OPS, || {
                async_io::block_on(async {
                    for i in 0..OPS {
                        black_box(std::future::ready(i).timeout(HOUR).await);
                    }
                });
            })
        })
        .run();
    }
}

/// A future that waits once, so that a timer is made and dropped.
fn timeout_of_one_yield() {
    let ours_on = |runtime: &Runtime| {
        ns_per_op(OPS, || {
            ours(runtime, async {
                for _ in 0..OPS {
                    let _ = black_box(aiomisc::time::timeout(HOUR, yield_now()).await);
                }
            });
        })
    };
    let smol: Runtime = Smol::new().into();
    Contest::new("j07-timeout-one-yield/smol", NS, || ours_on(&smol))
        .peer("smol-timeout", || {
            ns_per_op(OPS, || {
                bare(|_| async {
                    for _ in 0..OPS {
                        black_box(yield_now().timeout(HOUR).await);
                    }
                });
            })
        })
        .run();
    let (tokio, current) = (
        tokio_ct(),
        Tokio::current_thread().expect("a runtime").into(),
    );
    Contest::new("j07-timeout-one-yield/tokio-current", NS, || {
        ours_on(&current)
    })
    .peer("tokio", || {
        ns_per_op(OPS, || {
            in_task(&tokio, async {
                for _ in 0..OPS {
                    let _ = black_box(tokio::time::timeout(HOUR, yield_now()).await);
                }
            });
        })
    })
    .run();
}

/// A timer that is made, polled once and dropped.
fn timer() {
    let ours_on = |runtime: &Runtime| {
        ns_per_op(OPS, || {
            ours(runtime, async {
                for _ in 0..OPS {
                    black_box(poll_once(aiomisc::time::sleep(HOUR)).await);
                }
            });
        })
    };
    let smol: Runtime = Smol::new().into();
    Contest::new("j07-timer/smol", NS, || ours_on(&smol))
        .peer("async-io", || {
            ns_per_op(OPS, || {
                bare(|_| async {
                    for _ in 0..OPS {
                        black_box(poll_once(async_io::Timer::after(HOUR)).await);
                    }
                });
            })
        })
        .run();
    let (tokio, current) = (
        tokio_ct(),
        Tokio::current_thread().expect("a runtime").into(),
    );
    Contest::new("j07-timer/tokio-current", NS, || ours_on(&current))
        .peer("tokio", || {
            ns_per_op(OPS, || {
                in_task(&tokio, async {
                    for _ in 0..OPS {
                        black_box(poll_once(tokio::time::sleep(HOUR)).await);
                    }
                });
            })
        })
        .run();
}
