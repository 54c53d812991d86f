//! Many threads, in an order by chance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use aiomisc::circuit_breaker::Recovery;
use futures::FutureExt;
use shared::dice::Dice;
use shared::manual;

use super::*;

const THREADS: usize = 4;
const CALLS: usize = 3_000;

/// However calls end, no more probes are on their way than may be, no place is lost, and nothing is counted
/// twice or not at all.
#[aiomisc::test(simulation)]
async fn no_order_of_threads_loses_a_place() {
    const PROBES: u32 = 2;
    let (runtime, clock) = manual();
    for seed in 0..8 {
        // Every other time the limit takes places away.
        let limit = if seed % 2 == 0 { s(3600) } else { ms(3) };
        let breaker = CircuitBreaker::builder(0.5, ms(100))
            .broken_time(ms(5))
            .passing_time(ms(5))
            .minimum_calls(3)
            .recovery(Recovery::Probes {
                at_once: PROBES,
                successes: 5,
                limit,
            })
            .build()
            .unwrap();
        let probes = AtomicUsize::new(0);
        let worker = |thread: usize| {
            let (breaker, probes, clock) = (&breaker, &probes, &clock);
            async move {
                let mut dice = Dice::new(seed * 100 + thread as u64 + 1);
                for _ in 0..CALLS {
                    if dice.below(4) == 0 {
                        clock.advance(ms(1));
                    }
                    let Ok(call) = breaker.try_enter() else {
                        continue;
                    };
                    let at_once = breaker.probes();
                    assert!(at_once <= PROBES as usize, "{at_once}");
                    probes.fetch_max(at_once, Ordering::Relaxed);
                    if dice.below(8) == 0 {
                        thread::yield_now();
                    }
                    match dice.below(5) {
                        0 | 1 => call.success(),
                        2 | 3 => call.failure("by chance"),
                        _ => drop(call),
                    }
                }
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (runtime, worker) = (runtime.clone(), &worker);
                scope.spawn(move || {
                    let worked = runtime.scope(worker(thread)).now_or_never();
                    worked.expect("it waits for nothing");
                });
            }
        });
        assert_eq!(breaker.probes(), 0, "all have ended");
        assert!(probes.load(Ordering::Relaxed) > 0);
        let it = breaker.statistics();
        let through = it.call_passing.total() + it.call_recovering_ok.total();
        let refused = it.call_broken.total() + it.call_recovering_failed.total();
        assert_eq!(it.call_count.total(), (THREADS * CALLS) as u64);
        assert_eq!(through + refused, it.call_count.total());
        let ended = it.success.total() + it.failure.total() + it.neither.total();
        assert_eq!(ended, through);
        assert!(it.broken.total() > 3 && it.call_recovering_ok.total() > 10);
    }
}

/// With the share that grows, too, it comes back whatever has happened.
#[aiomisc::test(simulation)]
async fn it_always_finds_its_way_back() {
    for seed in 0..50 {
        let mut dice = Dice::new(seed);
        let breaker = usual().build().unwrap();
        for _ in 0..300 {
            sleep(ms(dice.below(500) as u64)).await;
            match (breaker.try_enter(), dice.below(4)) {
                (Ok(call), 0) => call.success(),
                (Ok(call), 1 | 2) => call.failure("by chance"),
                (Ok(call), _) => drop(call),
                (Err(broken), _) => assert!(broken.retry_after() <= s(5)),
            }
        }
        // From here on all succeed: through at most one more of each state.
        let begun = now();
        let mut calls = 0;
        while calls < 10 {
            breaker.wait_ready().await;
            if let Ok(call) = breaker.try_enter() {
                call.success();
                calls += 1;
            }
        }
        sleep(s(4)).await;
        assert_eq!(breaker.state(), State::Passing, "{seed}");
        assert!(now() - begun <= s(5 + 4 + 4), "{seed}");
    }
}
