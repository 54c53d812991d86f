//! Blocking jobs run one by one, on another thread, while everything else stands still.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aiomisc::time;

use super::*;

#[test]
fn jobs_run_one_by_one_and_no_time_passes() {
    let sim = Simulation::new(1);
    let here = std::thread::current().id();
    sim.block_on(async {
        let runtime = Runtime::current().unwrap();
        let running = Arc::new(AtomicUsize::new(0));
        let jobs: Vec<_> = (0..20)
            .map(|number| {
                let running = Arc::clone(&running);
                runtime.spawn_blocking(move || {
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    assert_ne!(std::thread::current().id(), here);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    number
                })
            })
            .collect();
        for (number, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await.unwrap(), number);
        }
        assert_eq!(sim.elapsed(), Duration::ZERO);
    });
}

#[test]
fn their_order_is_left_to_the_seed_alone() {
    let order = |seed| {
        let sim = Simulation::builder().seed(seed).trace(10_000).build();
        let order = Arc::new(Mutex::new(Vec::new()));
        sim.block_on(async {
            let runtime = Runtime::current().unwrap();
            let jobs: Vec<_> = (0..10)
                .map(|number| {
                    let order = Arc::clone(&order);
                    let spawner = runtime.clone();
                    runtime.spawn_blocking(move || {
                        order.lock().unwrap().push(number);
                        // What a job does to the simulation comes in its turn as well.
                        spawner.spawn(time::sleep(ms(number))).detach();
                    })
                })
                .collect();
            for job in jobs {
                job.await.unwrap();
            }
            time::sleep(secs(1)).await;
        });
        (order.lock().unwrap().clone(), sim.trace())
    };
    for seed in 0..20 {
        assert_eq!(order(seed), order(seed));
    }
    assert_ne!(order(1).0, order(2).0);
}

#[test]
fn a_panic_belongs_to_the_job() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        let runtime = Runtime::current().unwrap();
        let bad = std::hint::black_box(true);
        let error = runtime.spawn_blocking(move || assert!(!bad, "no luck"));
        assert_eq!(error.await.unwrap_err().panic_text(), Some("no luck"));
        assert_eq!(runtime.spawn_blocking(|| 7).await.unwrap(), 7);
    });
}

#[test]
fn a_job_cannot_block_on_the_simulation_that_waits_for_it() {
    let sim = Simulation::new(1);
    sim.block_on(async {
        let inner = sim.clone();
        let runtime = Runtime::current().unwrap();
        let job = runtime.spawn_blocking(move || inner.block_on(async {}));
        let error = job.await.unwrap_err();
        let text =
            "a blocking job of a simulation cannot block on the simulation; use `thread::sync_wait`";
        assert_eq!(error.panic_text(), Some(text));
    });
}
