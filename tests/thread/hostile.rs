//! What goes wrong at the borders: ends, panics and wakers at bad moments.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread as std_thread;
use std::time::Duration;

use aiomisc::thread::{self, Separate, ThreadPool, sync_wait, sync_wait_on};
use aiomisc::{Runtime, time};
use futures::channel::oneshot;
use futures::future::{join_all, poll_immediate};

use super::shared::{Events, log, runtimes};
use super::{Held, until};

#[aiomisc::test(runtimes(all))]
async fn a_job_whose_result_is_there_is_not_left() {
    for _ in 0..100 {
        let pool = ThreadPool::new(2).unwrap();
        pool.run(|| ()).await.unwrap();
        pool.shutdown(false).await.expect("nothing is left");
    }
}

/// It has a place in the pool, but no thread has come to it.
#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation))]
async fn a_job_that_has_a_thread_and_has_not_begun_is_given_up() {
    let pool = ThreadPool::new(1).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || ran.fetch_add(1, Ordering::SeqCst)
    };
    let (first, second) = (
        pool.run_as("first", count()),
        pool.run_as("second", count()),
    );
    let left = pool.shutdown(false).await.unwrap_err();
    let names: Vec<_> = left.jobs().iter().map(|job| &*job.name).collect();
    assert_eq!(names, ["first", "second"]);
    assert!(first.await.unwrap_err().is_closed());
    assert!(second.await.unwrap_err().is_closed());
    until(|| pool.running() == 0).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// Nobody asks for the result any more, so the log has the panic, no matter which was first.
#[test]
fn a_panic_goes_to_the_log_also_when_the_job_is_dropped_after_it() {
    log::keep();
    for (number, runtime) in runtimes().into_iter().enumerate() {
        let name = format!("dropped after {number}");
        runtime.block_on(async {
            let job = Separate::new().name(name.clone());
            let job: thread::Job<()> = job.run(|| panic!("too late"));
            until(|| job.is_finished()).await;
        });
        let records = log::with(&format!("job={name} "));
        assert_eq!(records.len(), 1, "{records:?}");
        assert!(records[0].contains("too late"), "{records:?}");
    }
}

/// The pool of two runtimes; that of the job which runs ends, and others of it wait in the queue.
#[cfg(feature = "simulation")]
#[test]
fn a_place_that_an_ended_runtime_leaves_is_told_to_who_waits_for_it() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(1)
        .build()
        .unwrap();
    let ends = Runtime::from(aiomisc::adapters::Simulation::new(1));
    let stays = runtimes().remove(0);
    // Neither begins: nobody drives the simulation any more.
    let theirs = ends.block_on(async { [pool.run(|| ()), pool.run(|| ())] });
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let (release, released) = mpsc::channel::<()>();
    let (mut first, mut second) = stays.block_on(async {
        (
            Box::pin(pool.submit(move || {
                let _ = released.recv();
            })),
            Box::pin(pool.submit(|| ())),
        )
    });
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(ends);
    drop(theirs);
    // The first one runs, and does not end; the second has the place in the queue.
    woken.wait(2);
    let Poll::Ready(Ok(first)) = first.as_mut().poll(&mut cx) else {
        panic!("it has a thread");
    };
    let Poll::Ready(Ok(second)) = second.as_mut().poll(&mut cx) else {
        panic!("it has its place");
    };
    release.send(()).unwrap();
    stays.block_on(async {
        first.await.unwrap();
        second.await.unwrap();
    });
}

#[derive(Default)]
struct Woken {
    count: Mutex<usize>,
    changed: std::sync::Condvar,
}

impl Woken {
    fn wait(&self, times: usize) {
        let count = self.count.lock().unwrap();
        drop(
            self.changed
                .wait_while(count, |count| *count < times)
                .unwrap(),
        );
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.count.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

struct Bad(AtomicBool);

impl Wake for Bad {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        panic!("a bad waker");
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_waker_that_panics_costs_no_thread_and_no_other_job() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(1)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let bad = Arc::new(Bad(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&bad));
    let mut cx = Context::from_waker(&waker);
    // Told that it runs, and another one that its job stands in the queue now.
    let first = pool.run(|| 1);
    let mut second = Box::pin(pool.submit(|| 2));
    let third = pool.run(|| 3);
    assert!(second.as_mut().poll(&mut cx).is_pending());
    let mut ended = Box::pin(pool.run(|| 4));
    assert!(ended.as_mut().poll(&mut cx).is_pending());
    let last = pool.run(|| 5);
    held.end().await.unwrap();
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(second.await.unwrap().await.unwrap(), 2);
    assert_eq!(third.await.unwrap(), 3);
    assert_eq!(ended.await.unwrap(), 4);
    assert_eq!(last.await.unwrap(), 5);
    assert!(bad.0.load(Ordering::SeqCst));
    pool.shutdown(true).await.unwrap();
}

/// Notes what has happened when it is woken.
struct Looks(Events, Mutex<Vec<String>>);

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        *self.1.lock().unwrap() = self.0.all();
    }
}

/// Who hears of the refusal finds the closure gone, with all that it held.
#[aiomisc::test(runtimes(all))]
async fn what_a_refused_job_held_is_gone_before_its_caller_hears_of_it() {
    let pool = ThreadPool::new(1).unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let events = Events::default();
    let dropped = events.on_drop("closure");
    let mut job = pool.run(move || drop(dropped));
    let looks = Arc::new(Looks(events, Mutex::default()));
    let waker = Waker::from(Arc::clone(&looks));
    let polled = pin!(&mut job).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    pool.shutdown(false).await.unwrap_err();
    assert_eq!(*looks.1.lock().unwrap(), ["closure"]);
    assert!(job.await.unwrap_err().is_closed());
    held.end().await.unwrap();
}

/// A runtime that nobody drives but who blocks on it.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_job_can_wait_for_a_runtime_that_nobody_drives() {
    if Runtime::current().unwrap().name() == "simulation" {
        // Its time does not pass while one waits for a foreign one.
        return;
    }
    for other in runtimes() {
        let value = thread::run(move || {
            sync_wait_on(&other, async {
                time::sleep(Duration::from_millis(1)).await;
                let inner = aiomisc::spawn(async { 5 }).await.unwrap();
                // It is asynchronous code.
                assert!(sync_wait(async {}).is_err());
                inner
            })
        });
        assert_eq!(value.await.unwrap(), Ok(5));
    }
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_wait_for_another_runtime_is_cut_as_well() {
    if Runtime::current().unwrap().name() == "simulation" {
        return;
    }
    for other in runtimes() {
        let pool = ThreadPool::new(1).unwrap();
        let (begun, has_begun) = oneshot::channel();
        let job = pool.run(move || {
            begun.send(()).unwrap();
            let first = sync_wait_on(&other, std::future::pending::<()>());
            // It still knows that it is a job.
            (first, sync_wait(async { 7 }))
        });
        has_begun.await.unwrap();
        pool.shutdown(false).await.unwrap_err();
        let (first, second) = job.await.unwrap();
        assert!(first.unwrap_err().is_cut());
        assert_eq!(second, Ok(7));
    }
}

thread_local! {
    static LAST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

struct AtTheEnd(mpsc::Sender<String>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        let waited = catch_unwind(AssertUnwindSafe(|| sync_wait(async {})));
        let text = waited.map_or_else(
            |_| "panicked".to_owned(),
            |waited| waited.unwrap_err().to_string(),
        );
        let _ = self.0.send(text);
    }
}

/// The values of a thread go one after the other, ours before this one.
#[test]
fn a_thread_that_ends_is_told_that_it_runs_no_job() {
    let (sender, told) = mpsc::channel();
    std_thread::spawn(move || {
        LAST.set(Some(AtTheEnd(sender)));
        sync_wait(async {}).unwrap_err();
    })
    .join()
    .unwrap();
    assert!(told.recv().unwrap().contains("runs no job"));
}

/// More than the threads that the process has for short jobs.
#[cfg(feature = "simulation")]
#[aiomisc::test(runtimes(simulation), timeout = "60s")]
async fn more_jobs_wait_in_a_simulation_than_the_process_has_threads_for() {
    let pool = ThreadPool::new(600).unwrap();
    let jobs: Vec<_> = (0..600)
        .map(|_| pool.run(|| sync_wait(time::sleep(Duration::from_secs(1)))))
        .collect();
    for job in join_all(jobs).await {
        job.unwrap().unwrap();
    }
}

/// Jobs wait when their simulation ends, some of them for a job of their own.
#[cfg(feature = "simulation")]
#[test]
fn jobs_that_wait_at_the_end_of_a_simulation_are_told() {
    let (told, all) = mpsc::channel();
    let simulation = Runtime::from(aiomisc::adapters::Simulation::new(7));
    simulation.block_on(async {
        for number in 0..4 {
            let told = told.clone();
            Separate::new()
                .run(move || {
                    let waited = if number % 2 == 0 {
                        sync_wait(std::future::pending::<()>())
                    } else {
                        sync_wait(async {
                            let inner = thread::run(|| sync_wait(std::future::pending::<()>()));
                            drop(inner.await);
                        })
                    };
                    told.send(waited.is_err_and(|error| error.is_cut()))
                        .unwrap();
                })
                .detach();
        }
        time::sleep(Duration::from_secs(1)).await;
    });
    drop(told);
    drop(simulation);
    assert_eq!(all.iter().collect::<Vec<_>>(), [true; 4]);
}

#[cfg(feature = "simulation")]
#[test]
fn jobs_that_have_not_begun_at_the_end_of_a_simulation_do_not_run() {
    let (pool, ran) = (ThreadPool::new(1).unwrap(), Arc::new(AtomicUsize::new(0)));
    let simulation = Runtime::from(aiomisc::adapters::Simulation::new(3));
    let (_held, jobs) = simulation.block_on(async {
        let held = Held::on(&pool);
        held.begun().await;
        let job = || {
            let ran = Arc::clone(&ran);
            move || ran.fetch_add(1, Ordering::SeqCst)
        };
        let jobs: Vec<_> = (0..10).map(|_| pool.run(job())).collect();
        (held, jobs)
    });
    drop(simulation);
    let other = runtimes().remove(0);
    // One of another runtime is not given up with them.
    assert_eq!(other.block_on(async { pool.run(|| 5).await }).unwrap(), 5);
    for job in jobs {
        let error = other.block_on(job).unwrap_err().to_string();
        assert!(error.ends_with("its runtime has ended"), "{error}");
    }
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// Several at the same time, with jobs that start jobs and wait for them.
#[cfg(feature = "simulation")]
#[test]
fn simulations_do_not_disturb_each_other() {
    let threads: Vec<_> = (0..8)
        .map(|seed| {
            std_thread::spawn(move || {
                let simulation = aiomisc::adapters::Simulation::builder().seed(seed).build();
                Runtime::from(simulation).block_on(async {
                    let jobs = (0..20).map(|number| {
                        thread::run_separate(move || {
                            let inner = thread::run(move || {
                                sync_wait(time::sleep(Duration::from_millis(number))).unwrap();
                                number
                            });
                            sync_wait(inner).unwrap().unwrap()
                        })
                    });
                    let sum: u64 = join_all(jobs.collect::<Vec<_>>())
                        .await
                        .into_iter()
                        .map(Result::unwrap)
                        .sum();
                    assert_eq!(sum, 190);
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

#[aiomisc::test(runtimes(all))]
async fn values_that_panic_when_they_are_dropped_cost_no_thread() {
    let pool = ThreadPool::new(1).unwrap();
    // The closure's value, inside of the job.
    let bad = PanicsOnDrop;
    let error = pool.run(move || drop(bad)).await.unwrap_err();
    assert_eq!(error.panic_text(), Some("in a drop"));
    // A result that nobody wants.
    let mut held = Held::with(|run| pool.run_as("result", run));
    held.begun().await;
    pool.run(|| PanicsOnDrop).detach();
    held.forget_job();
    held.release();
    assert_eq!(pool.run(|| 3).await.unwrap(), 3);
    // A closure that is given up.
    let held = Held::on(&pool);
    held.begun().await;
    let bad = PanicsOnDrop;
    let job = pool.run(move || drop(bad));
    pool.shutdown(false).await.unwrap_err();
    assert!(job.await.unwrap_err().is_closed());
    held.end().await.unwrap();
    until(|| pool.running() == 0).await;
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_costs_no_thread() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let pool = ThreadPool::new(1).unwrap();
            pool.run(|| std::panic::panic_any(PanicsOnDrop)).detach();
            assert_eq!(pool.run(|| 3).await.unwrap(), 3);
        });
    }
}

/// Panics when it is dropped, and so does what it panics with.
struct WorstOnDrop;

impl Drop for WorstOnDrop {
    fn drop(&mut self) {
        std::panic::panic_any(PanicsOnDrop);
    }
}

#[aiomisc::test(runtimes(all))]
async fn nor_does_it_keep_those_waiting_whose_jobs_are_given_up() {
    let pool = ThreadPool::new(1).unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let jobs: Vec<_> = (0..3)
        .map(|_| {
            let worst = WorstOnDrop;
            pool.run(move || drop(worst))
        })
        .collect();
    pool.shutdown(false).await.unwrap_err();
    for job in jobs {
        assert!(job.await.unwrap_err().is_closed());
    }
    held.end().await.unwrap();
}

/// A caller that drops the next job when its own is dropped, while the pool gives all of them up.
#[aiomisc::test(runtimes(all))]
async fn closures_may_hold_jobs_of_the_same_pool() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(3)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let mut inner = None;
    for _ in 0..200 {
        let before = inner.take();
        inner = Some(pool.run(move || drop(before)));
    }
    assert_eq!(pool.waiting(), 200);
    drop(inner);
    assert_eq!(pool.waiting(), 0);
    let mut inner = None;
    for _ in 0..200 {
        let before = inner.take();
        inner = Some(pool.run(move || drop(before)));
    }
    drop(pool.shutdown(false).await);
    assert_eq!(pool.waiting(), 0);
    let mut inner = inner.unwrap();
    assert!(poll_immediate(&mut inner).await.unwrap().is_err());
    held.end().await.unwrap();
}

/// The waker of the place is not that of the result.
#[aiomisc::test(runtimes(all))]
async fn the_submission_and_the_result_may_be_awaited_by_different_tasks() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(1)
        .build()
        .unwrap();
    let held = Held::on(&pool);
    held.begun().await;
    let queued = pool.run(|| 0);
    let submitted = {
        let pool = pool.clone();
        aiomisc::spawn(async move { pool.submit(|| 9).await })
    };
    until(|| pool.waiting() == 2).await;
    drop(queued);
    let job = submitted.await.unwrap().unwrap();
    let result = aiomisc::spawn(job);
    held.end().await.unwrap();
    assert_eq!(result.await.unwrap().unwrap(), 9);
}
