//! The lifecycle on real threads: what only they can bring about (deviations 1, 5 and 8 of the facts).
//! The numbers such as D3 are those of `src/docs/lifecycle.md`.
#![cfg(all(unix, feature = "tokio", feature = "testing"))]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;
use std::time::Duration;

use aiomisc::adapters::Tokio;
use aiomisc::entrypoint::{EntrypointBuilder, OsSignal};
use aiomisc::service::{Policy, Restart, ServiceOptions, ServiceState};
use aiomisc::{
    BoxError, Entrypoint, Service, ServiceContext, StopReason, async_trait, service_fn, services,
    time,
};

fn builder() -> EntrypointBuilder {
    Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .runtime(Tokio::multi_thread(3).expect("tokio"))
}

/// Its stop lets go of a thread.
struct LetsGo(Mutex<mpsc::Sender<()>>);

#[async_trait]
impl Service for LetsGo {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
        Ok(self.0.lock().expect("not poisoned").send(())?)
    }
}

/// E3: a start that blocks its thread keeps nobody else from being stopped.
#[test]
fn a_start_that_blocks_its_thread_does_not_keep_others_from_being_stopped() {
    let (send, let_go) = mpsc::channel();
    let let_go = Arc::new(Mutex::new(let_go));
    let (blocked, is_blocked) = mpsc::channel();
    let (blocked, is_blocked) = (Mutex::new(blocked), Mutex::new(is_blocked));
    let blocks = service_fn("blocks", move |_| {
        let let_go = Arc::clone(&let_go);
        let blocked = blocked.lock().expect("not poisoned").clone();
        async move {
            blocked.send(())?;
            let_go.lock().expect("not poisoned").recv()?;
            Ok(())
        }
    });
    let fails = service_fn("fails", move |_| {
        is_blocked
            .lock()
            .expect("not poisoned")
            .recv()
            .expect("it blocks");
        async { Err("no start".into()) }
    });
    let options = ServiceOptions::new().after_type::<LetsGo>();
    let error = builder()
        .service(LetsGo(Mutex::new(send)))
        .services(services![
            blocks.options(options.clone().stop_limit(Duration::from_millis(50))),
            fails.options(options),
        ])
        .run(async {})
        .expect_err("one fails");
    assert!(!error.overran(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("`blocks` failed to stop: its `start` was given up"),
        "{text}"
    );
}

/// D1, D3, D7: many come and go at the same time, and their starts are dropped at any moment. None is
/// left, and each that has started is stopped.
#[test]
fn many_that_come_and_go_at_the_same_time_leave_nothing_behind() {
    struct Counted(Arc<[AtomicUsize; 2]>);

    #[async_trait]
    impl Service for Counted {
        async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
            self.0[0].fetch_add(1, Ordering::SeqCst);
            Ok(())
        }

        async fn stop(&self, _: &StopReason) -> Result<(), BoxError> {
            self.0[1].fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    let counts = Arc::<[AtomicUsize; 2]>::default();
    let weak = Arc::downgrade(&counts);
    let outcome = builder().run(async move {
        let ep = Entrypoint::current().expect("inside");
        let tasks: Vec<_> = (0..8)
            .map(|task: u32| {
                let (ep, counts) = (ep.clone(), Arc::clone(&counts));
                aiomisc::spawn(async move {
                    for turn in 0..100_u32 {
                        let start = ep.start_services(services![
                            Counted(Arc::clone(&counts)),
                            Counted(Arc::clone(&counts)),
                        ]);
                        match (turn + task) % 3 {
                            0 => {
                                let handles = start.await.expect("they start");
                                let twice = ep.stop_services(handles.clone(), "enough");
                                let once = ep.stop_services(handles, "enough");
                                twice.await.expect("they stop");
                                once.await.expect("they have stopped");
                            }
                            1 => {
                                let mut start = std::pin::pin!(start);
                                for _ in 0..turn % 7 {
                                    if futures::poll!(start.as_mut()).is_ready() {
                                        break;
                                    }
                                    (0..turn).for_each(|_| std::hint::spin_loop());
                                }
                            }
                            _ => {
                                let limit = Duration::from_micros(u64::from(turn));
                                let _ = time::timeout(limit, start).await;
                            }
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        let left = ep.services().len();
        (left, counts)
    });
    let outcome = outcome.expect("nothing fails");
    let (_, counts) = outcome.finished().expect("nothing stops it");
    let [started, stopped] = [0, 1].map(|at| counts[at].load(Ordering::SeqCst));
    assert!(
        started > 0 && started == stopped,
        "{started} started, {stopped} stopped"
    );
    drop(counts);
    assert_eq!(weak.strong_count(), 0, "nothing is left");
}

/// E2: one that looks out for its stop in the turn in which it became ready is not cut, however early the
/// stop comes.
#[test]
fn a_stop_right_after_the_start_waits_for_the_turn_to_end() {
    for _ in 0..20 {
        let cleaned_up = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&cleaned_up);
        let late = service_fn("late", move |ctx: ServiceContext| {
            let counts = Arc::clone(&counts);
            async move {
                ctx.ready();
                while ctx.status().state != ServiceState::Draining {
                    thread::yield_now();
                }
                for _ in 0..1000 {
                    thread::yield_now();
                }
                ctx.stopping().await;
                time::sleep(Duration::from_millis(1)).await;
                counts.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        let outcome = builder()
            .service(late)
            .run(async {})
            .expect("nothing fails");
        assert_eq!(outcome.finished(), Some(()));
        assert_eq!(cleaned_up.load(Ordering::SeqCst), 1);
    }
}

/// E5: with the run, everything of it is gone, also what another thread has a hand on.
#[test]
fn when_the_run_is_over_nothing_of_it_is_left() {
    struct Kept(Arc<()>);

    #[async_trait]
    impl Service for Kept {
        async fn start(&self, ctx: ServiceContext) -> Result<(), BoxError> {
            ctx.context().insert(Arc::clone(&self.0));
            ctx.ready();
            ctx.stopping().await;
            Ok(())
        }
    }

    let mut left: Vec<Weak<()>> = Vec::new();
    for _ in 0..100 {
        let kept = Arc::new(());
        left.push(Arc::downgrade(&kept));
        let again = Arc::clone(&kept);
        let restarts = service_fn("restarts", move |ctx| {
            let again = Arc::clone(&again);
            async move {
                let _again = again;
                ctx.ready();
                match ctx.status().restarts {
                    0 => Err("once more".into()),
                    _ => Ok(()),
                }
            }
        });
        let policy = Policy::from(Restart::new().pause(Duration::from_millis(1)).jitter(false));
        let outcome = builder()
            .catch_signals([OsSignal::HUP])
            .service(Kept(kept))
            .service(restarts.options(ServiceOptions::new().policy(policy)))
            .run(async {
                let ep = Entrypoint::current().expect("inside");
                let restarts = ep.service("restarts").expect("it is there");
                restarts.until(|status| status.restarts > 0).await;
            });
        outcome.expect("nothing fails");
    }
    let count: usize = left.iter().map(Weak::strong_count).sum();
    assert_eq!(count, 0);
}
