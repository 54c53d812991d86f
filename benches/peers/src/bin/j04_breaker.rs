//! Job 4: a circuit breaker while it is passing, and every call succeeds; by one thread, and by two at once.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use aiomisc::circuit_breaker::CircuitBreaker;
use peers::allocs::{Counting, so_far};
use peers::contest::exact;
use peers::{Bar, Contest, ns_per_op};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OPS: u64 = 2_000_000;

#[inline(never)]
fn op(n: u64) -> Result<u64, u32> {
    Ok(black_box(n))
}

#[inline(never)]
async fn async_op(n: u64) -> Result<u64, u32> {
    Ok(black_box(n))
}

/// The result is one that somebody looks at.
#[inline]
fn done<T>(result: T) {
    let _ = black_box(result);
}

/// Nanoseconds for each call of a thread, where so many make them at the same time.
fn by(threads: usize, calls: &(impl Fn() + Sync)) -> f64 {
    ns_per_op(OPS, || {
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(calls);
            }
            calls();
        });
    })
}

fn main() {
    let ours = CircuitBreaker::builder(0.5, Duration::from_secs(30));
    let ours = ours.build().expect("settings");
    let timed =
        CircuitBreaker::builder(0.5, Duration::from_secs(30)).slow_call(Duration::from_secs(1));
    let timed = timed.build().expect("settings");
    let counter = AtomicU64::new(0);
    let recloser = || {
        let recloser = recloser::Recloser::custom().error_rate(0.5);
        recloser.closed_len(100).build()
    };
    let (plain, future) = (recloser(), recloser::AsyncRecloser::from(recloser()));
    let pause = || failsafe::backoff::exponential(Duration::from_secs(10), Duration::from_secs(60));
    let failsafe = failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::consecutive_failures(3, pause()))
        .build();
    let window = failsafe::failure_policy::success_rate_over_time_window(
        0.5,
        100,
        Duration::from_secs(30),
        pause(),
    );
    let failsafe_window = failsafe::Config::new().failure_policy(window).build();

    let call = || (0..OPS).for_each(|n| done(ours.call(|| op(n))));
    let call_timed = || (0..OPS).for_each(|n| done(timed.call(|| op(n))));
    let entered = || {
        for n in 0..OPS {
            let call = ours.try_enter().expect("it passes");
            done(op(n));
            call.success();
        }
    };
    let call_async = || {
        async_io::block_on(async {
            for n in 0..OPS {
                done(ours.call_async(async_op(n)).await);
            }
        });
    };
    for threads in [1, 2] {
        let job = format!("j04-breaker/{threads}-thread");
        Contest::new(job, "ns/op", || by(threads, &call))
            .peer("ours-guard", || by(threads, &entered))
            .peer("ours-slow-calls", || by(threads, &call_timed))
            .peer("floor:bare-call", || {
                by(threads, &|| (0..OPS).for_each(|n| done(op(n))))
            })
            .peer("floor:one-shared-counter", || {
                by(threads, &|| {
                    for n in 0..OPS {
                        counter.fetch_add(1, Ordering::Relaxed);
                        done(op(n));
                    }
                })
            })
            .rival("recloser", Bar::AtMost(1.0), || {
                by(threads, &|| {
                    (0..OPS).for_each(|n| done(plain.call(|| op(n))))
                })
            })
            .rival("failsafe-consecutive", Bar::AtMost(1.0), || {
                by(threads, &|| {
                    for n in 0..OPS {
                        let call = failsafe::CircuitBreaker::call(&failsafe, || op(n));
                        done(call);
                    }
                })
            })
            .peer("failsafe-window", || {
                by(threads, &|| {
                    for n in 0..OPS {
                        let call = failsafe::CircuitBreaker::call(&failsafe_window, || op(n));
                        done(call);
                    }
                })
            })
            .run();
        let job = format!("j04-breaker-async/{threads}-thread");
        Contest::new(job, "ns/op", || by(threads, &call_async))
            .rival("recloser", Bar::AtMost(1.0), || {
                by(threads, &|| {
                    async_io::block_on(async {
                        for n in 0..OPS {
                            done(future.call(async_op(n)).await);
                        }
                    });
                })
            })
            .rival("failsafe-consecutive", Bar::AtMost(1.0), || {
                by(threads, &|| {
                    async_io::block_on(async {
                        for n in 0..OPS {
                            let call =
                                failsafe::futures::CircuitBreaker::call(&failsafe, async_op(n));
                            done(call.await);
                        }
                    });
                })
            })
            .run();
    }
    for (name, calls) in [("call", &call as &dyn Fn()), ("call_async", &call_async)] {
        let (before, _) = so_far();
        calls();
        let each = ((so_far().0 - before) / OPS) as f64;
        let bar = Some(Bar::AtMost(0.0));
        exact("j04-breaker-allocations", name, each, "allocations/op", bar);
    }
}
