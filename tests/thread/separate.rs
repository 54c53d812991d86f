//! Threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread as std_thread;

use aiomisc::thread::{self, Separate, ThreadPool};
use futures::future::join_all;

use super::{Held, until};

#[aiomisc::test(runtimes(all))]
async fn each_job_has_a_thread_with_its_name() {
    let threads = join_all((0..3).map(|number| {
        Separate::new().name(format!("miner-{number}")).run(|| {
            let thread = std_thread::current();
            (thread.id(), thread.name().map(str::to_owned))
        })
    }))
    .await;
    let threads: Vec<_> = threads.into_iter().map(Result::unwrap).collect();
    for (number, (id, name)) in threads.iter().enumerate() {
        assert_eq!(name.as_deref(), Some(&*format!("miner-{number}")));
        let others = threads.iter().filter(|(other, _)| other == id);
        assert_eq!(others.count(), 1);
    }
}

#[aiomisc::test(runtimes(all))]
async fn it_takes_no_place_in_the_pool() {
    let held: Vec<_> = (0..40)
        .map(|_| Held::with(|run| thread::run_separate(run)))
        .collect();
    for held in &held {
        held.begun().await;
    }
    assert_eq!(thread::run(|| 1).await.unwrap(), 1);
    for held in held {
        held.end().await.unwrap();
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_long_job_is_stopped_by_what_it_looks_at() {
    let stop = Arc::new(AtomicBool::new(false));
    let (turn, turns) = async_channel::unbounded();
    let job = {
        let stop = Arc::clone(&stop);
        thread::run_separate(move || {
            while !stop.load(Ordering::Acquire) {
                turn.try_send(()).unwrap();
                thread::sync_wait(aiomisc::time::sleep(std::time::Duration::from_millis(1)))
                    .unwrap();
            }
        })
    };
    turns.recv().await.unwrap();
    stop.store(true, Ordering::Release);
    job.await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn a_panic_is_the_callers_error() {
    let error = thread::run_separate(|| panic!("no")).await;
    assert_eq!(error.unwrap_err().panic_text(), Some("no"));
}

#[aiomisc::test(runtimes(all))]
async fn one_that_is_detached_does_not_keep_the_pool_and_another_one_does() {
    for detach in [true, false] {
        let runtime = aiomisc::Runtime::current().unwrap();
        let running = aiomisc::Entrypoint::builder()
            .runtime(runtime)
            .log_config(false)
            .start()
            .await
            .unwrap();
        let held = running.handle().clone();
        let held = aiomisc_scope(&held, move || {
            Held::with(|run| Separate::new().detach(detach).run(run))
        })
        .await;
        held.begun().await;
        let pool = running.pool().clone();
        let stop = aiomisc::spawn(running.graceful_shutdown("enough"));
        until(|| pool.is_closed()).await;
        if !detach {
            aiomisc::time::sleep(std::time::Duration::from_millis(2)).await;
            assert!(!stop.is_finished(), "it waits");
            held.release();
        }
        stop.await.unwrap().unwrap();
        held.end().await.unwrap();
    }
}

/// Makes something inside of an entrypoint.
async fn aiomisc_scope<T: Send + 'static>(
    entrypoint: &aiomisc::Entrypoint,
    make: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (made, is_made) = futures::channel::oneshot::channel();
    let made = std::sync::Mutex::new(Some((made, make)));
    let service = aiomisc::service_fn("makes", move |_| {
        let made = made.lock().unwrap().take();
        async move {
            if let Some((made, make)) = made {
                let _ = made.send(make());
            }
            Ok(())
        }
    });
    entrypoint
        .start_services(aiomisc::services![service])
        .await
        .unwrap();
    is_made.await.unwrap()
}

#[aiomisc::test(runtimes(all))]
async fn a_closed_pool_does_not_keep_threads_from_starting() {
    let pool = ThreadPool::new(1).unwrap();
    pool.shutdown(true).await.unwrap();
    assert_eq!(thread::run_separate(|| 1).await.unwrap(), 1);
}
