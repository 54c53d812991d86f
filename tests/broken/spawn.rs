//! Broken tasks, blocking jobs and drivers.

use std::future::pending;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use aiomisc::runtime::{
    Backend, BlockingJob, Drive, Ended, Net, Parts, Placement, RawStream, Runtime, Sleep, Spawn,
    TaskHandle, Timer,
};
use aiomisc::testing::conformance::{Capability, Subject};
use futures::future::BoxFuture;

use crate::{good, rejected, unowned};

type SpawnFn = fn(&Runtime, Placement, BoxFuture<'static, ()>) -> Box<dyn TaskHandle>;

type WaitFn = fn(&Runtime, Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<(), Ended>;

type DriveFn = Box<dyn Fn(&Runtime, Pin<&mut (dyn Future<Output = ()> + '_)>) + Send + Sync>;

/// A good runtime with these things done in another way.
pub(crate) struct Faulty {
    good: Runtime,
    spawn: SpawnFn,
    enter: fn(&Runtime, &mut dyn FnMut()),
    blocking: fn(&Runtime, BlockingJob),
    separate: fn(&Runtime, &str, BlockingJob),
    wait: WaitFn,
    drive: Option<DriveFn>,
}

impl Faulty {
    pub(crate) fn new(good: Runtime) -> Self {
        Self {
            good,
            spawn: |good, placement, future| good.backend().spawn("good", placement, future),
            enter: |good, f| good.backend().enter(f),
            blocking: |good, job| good.backend().run_blocking("good", job),
            separate: |good, name, job| {
                let started = good.backend().run_separate(name, job);
                started.expect("there are threads");
            },
            wait: |good, future| good.backend().wait_in_job(future),
            drive: None,
        }
    }

    pub(crate) fn build(mut self) -> Runtime {
        // What tasks hold must not keep the runtime.
        let owner = self.good.clone();
        self.good = unowned(&owner);
        let backend = Arc::new(self);
        let driver = Arc::new(Driver(owner.clone(), Arc::clone(&backend)));
        let broken = Runtime::with_driver(backend, driver);
        Parts::of(broken).net_of(&owner).timer_of(&owner).build()
    }

    fn subject(self) -> Subject {
        Subject::new("broken tasks", self.build())
    }
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl Spawn for Faulty {
    fn spawn(
        &self,
        _name: &str,
        placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        (self.spawn)(&self.good, placement, future)
    }

    fn enter(&self, f: &mut dyn FnMut()) {
        (self.enter)(&self.good, f);
    }
}

impl Backend for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn run_blocking(&self, _name: &str, job: BlockingJob) {
        (self.blocking)(&self.good, job);
    }

    fn run_separate(&self, name: &str, job: BlockingJob) -> io::Result<()> {
        (self.separate)(&self.good, name, job);
        Ok(())
    }

    fn wait_in_job(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<(), Ended> {
        (self.wait)(&self.good, future)
    }
}

/// Keeps the good one and drives it.
struct Driver(Runtime, Arc<Faulty>);

impl Drive for Driver {
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match &self.1.drive {
            Some(drive) => drive(&self.0, future),
            None => self.0.block_on(future),
        }
    }
}

// Replaced by those of the good one.
impl Timer for Faulty {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.good.backend().sleep(duration)
    }

    fn now(&self) -> Instant {
        self.good.now()
    }
}

impl Net for Faulty {
    fn connect_tcp(
        &self,
        addr: std::net::SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn RawStream>>> {
        self.good.backend().connect_tcp(addr)
    }
}

fn with_spawn(spawn: SpawnFn) -> Subject {
    Faulty {
        spawn,
        ..Faulty::new(good())
    }
    .subject()
}

// ---- S: tasks ----

#[test]
fn polls_inside_of_spawn() {
    let subject = with_spawn(|good, placement, mut future| {
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        let rest = Box::pin(async move {
            if polled.is_pending() {
                future.await;
            }
        });
        good.backend().spawn("late", placement, rest)
    });
    rejected(subject, "S1", "polled inside of `spawn`");
}

#[test]
fn spawns_only_on_threads_that_it_knows() {
    thread_local!(static KNOWN: AtomicBool = const { AtomicBool::new(false) });
    let faulty = Faulty {
        spawn: |good, placement, future| {
            let known = KNOWN.with(|known| known.load(Ordering::SeqCst));
            assert!(known, "must be called in the context of a runtime");
            good.backend().spawn("known", placement, future)
        },
        drive: Some(Box::new(|good, future| {
            KNOWN.with(|known| known.store(true, Ordering::SeqCst));
            good.block_on(future);
            KNOWN.with(|known| known.store(false, Ordering::SeqCst));
        })),
        ..Faulty::new(good())
    };
    rejected(
        faulty.subject(),
        "S1",
        "must be called in the context of a runtime",
    );
}

/// A future behind a waker that does not pass on all that it should.
struct Deaf {
    future: BoxFuture<'static, ()>,
    ear: Arc<Ear>,
}

struct Ear {
    passes: fn(&Self) -> bool,
    polling: AtomicBool,
    home: Mutex<Option<ThreadId>>,
    waker: Mutex<Option<Waker>>,
}

impl Deaf {
    fn boxed(future: BoxFuture<'static, ()>, passes: fn(&Ear) -> bool) -> BoxFuture<'static, ()> {
        let ear = Arc::new(Ear {
            passes,
            polling: AtomicBool::new(false),
            home: Mutex::default(),
            waker: Mutex::default(),
        });
        Box::pin(Self { future, ear })
    }
}

impl Future for Deaf {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.ear.waker.lock().unwrap() = Some(cx.waker().clone());
        *self.ear.home.lock().unwrap() = Some(thread::current().id());
        self.ear.polling.store(true, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.ear));
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.ear.polling.store(false, Ordering::SeqCst);
        poll
    }
}

impl Wake for Ear {
    fn wake(self: Arc<Self>) {
        let waker = self.waker.lock().unwrap().clone();
        if let Some(waker) = waker
            && (self.passes)(&self)
        {
            waker.wake();
        }
    }
}

#[test]
fn loses_wakes_during_a_poll() {
    let subject = with_spawn(|good, placement, future| {
        let deaf = Deaf::boxed(future, |ear| !ear.polling.load(Ordering::SeqCst));
        good.backend().spawn("deaf", placement, deaf)
    });
    rejected(subject, "S2", "woken by itself during the poll: it hung");
}

#[test]
fn loses_wakes_of_other_threads() {
    let subject = with_spawn(|good, placement, future| {
        let deaf = Deaf::boxed(future, |ear| {
            *ear.home.lock().unwrap() == Some(thread::current().id())
        });
        good.backend().spawn("deaf", placement, deaf)
    });
    rejected(
        subject,
        "S2",
        "woken by another thread while the poll is under way: it hung",
    );
}

/// Lets the handle do something else.
struct Handle(Box<dyn TaskHandle>, fn(&dyn TaskHandle), bool);

impl TaskHandle for Handle {
    fn abort(&self) {
        (self.1)(&*self.0);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.2 {
            self.0.abort();
        }
    }
}

#[test]
fn cancels_when_the_handle_is_dropped() {
    let subject = with_spawn(|good, placement, future| {
        let task = good.backend().spawn("tied", placement, future);
        Box::new(Handle(task, |task| task.abort(), true))
    });
    rejected(subject, "S3", "it hung");
}

#[test]
fn never_drops_on_abort() {
    let subject = with_spawn(|good, placement, future| {
        let task = good.backend().spawn("stubborn", placement, future);
        Box::new(Handle(task, |_| {}, false))
    });
    rejected(subject, "S4", "aborted while it waits: it hung");
}

#[test]
fn fails_when_aborted_twice() {
    struct Once(Box<dyn TaskHandle>, AtomicBool);
    impl TaskHandle for Once {
        fn abort(&self) {
            assert!(!self.1.swap(true, Ordering::SeqCst), "aborted already");
            self.0.abort();
        }
    }
    let subject = with_spawn(|good, placement, future| {
        let task = good.backend().spawn("once", placement, future);
        Box::new(Once(task, AtomicBool::new(false)))
    });
    rejected(subject, "S4", "aborted already");
}

/// A future that looks at its next poll whether it was aborted.
struct Polite {
    future: Option<BoxFuture<'static, ()>>,
    asked: Arc<Asked>,
    /// Whether it is polled once more before it goes.
    once_more: bool,
}

#[derive(Default)]
struct Asked(AtomicBool, Mutex<Option<Waker>>, bool);

impl Future for Polite {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.asked.1.lock().unwrap() = Some(cx.waker().clone());
        let aborted = self.asked.0.load(Ordering::SeqCst);
        let once_more = self.once_more;
        if aborted && !once_more {
            self.future = None;
            return Poll::Ready(());
        }
        let Some(future) = &mut self.future else {
            return Poll::Ready(());
        };
        let poll = future.as_mut().poll(cx);
        if aborted || poll.is_ready() {
            self.future = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

struct Ask(Arc<Asked>);

impl TaskHandle for Ask {
    fn abort(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        let waker = self.0.1.lock().unwrap().take();
        if let Some(waker) = waker
            && !self.0.2
        {
            waker.wake();
        }
    }
}

#[test]
fn polls_once_more_after_an_abort() {
    let subject = with_spawn(|good, placement, future| {
        let asked = Arc::new(Asked::default());
        let polite = Polite {
            future: Some(future),
            asked: Arc::clone(&asked),
            once_more: true,
        };
        drop(good.backend().spawn("polite", placement, Box::pin(polite)));
        Box::new(Ask(asked))
    });
    rejected(subject, "S4", "polled again after it was aborted");
}

#[test]
fn drops_on_abort_only_when_something_else_wakes_the_task() {
    let subject = with_spawn(|good, placement, future| {
        let asked = Arc::new(Asked(AtomicBool::default(), Mutex::default(), true));
        let lazy = Polite {
            future: Some(future),
            asked: Arc::clone(&asked),
            once_more: false,
        };
        drop(good.backend().spawn("lazy", placement, Box::pin(lazy)));
        Box::new(Ask(asked))
    });
    rejected(subject, "S4", "it hung");
}

/// Keeps the future where others keep it as well.
struct Kept(Arc<Mutex<BoxFuture<'static, ()>>>);

impl Future for Kept {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.lock().unwrap().as_mut().poll(cx)
    }
}

#[test]
fn keeps_the_future_until_the_handle_is_dropped() {
    struct Keeps(
        Box<dyn TaskHandle>,
        #[allow(dead_code, reason = "it is what is kept")] Arc<Mutex<BoxFuture<'static, ()>>>,
    );
    impl TaskHandle for Keeps {
        fn abort(&self) {
            self.0.abort();
        }
    }
    let subject = with_spawn(|good, placement, future| {
        let kept = Arc::new(Mutex::new(future));
        let task = Box::pin(Kept(Arc::clone(&kept)));
        Box::new(Keeps(good.backend().spawn("kept", placement, task), kept))
    });
    rejected(subject, "S5", "ready, while the handle is held: it hung");
}

#[test]
fn keeps_the_tasks_when_it_ends() {
    static KEPT: Mutex<Vec<Arc<Mutex<BoxFuture<'static, ()>>>>> = Mutex::new(Vec::new());
    let make = || {
        Faulty {
            spawn: |good, placement, future| {
                let kept = Arc::new(Mutex::new(future));
                KEPT.lock().unwrap().push(Arc::clone(&kept));
                good.backend()
                    .spawn("kept", placement, Box::pin(Kept(kept)))
            },
            ..Faulty::new(good())
        }
        .build()
    };
    let subject = Subject::new("broken tasks", make()).disposable(make);
    rejected(subject, "S7", "tasks that wait when it ends: it hung");
}

#[test]
fn enters_without_calling() {
    let faulty = Faulty {
        enter: |_, _| {},
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "S8", "called 0 times");
}

#[test]
fn enters_twice() {
    let faulty = Faulty {
        enter: |_, f| {
            f();
            f();
        },
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "S8", "called 2 times");
}

#[test]
fn leaves_tasks_out_that_are_to_be_spread() {
    let subject = with_spawn(|good, placement, future| match placement {
        Placement::Spread => good.backend().spawn("lost", placement, Box::pin(pending())),
        _ => good.backend().spawn("kept", placement, future),
    });
    rejected(subject, "S9", "cancelled");
}

// ---- B: blocking jobs ----

#[test]
fn runs_blocking_jobs_in_its_caller() {
    let faulty = Faulty {
        blocking: |_, job| job(),
        ..Faulty::new(good())
    };
    rejected(
        faulty.subject(),
        "B1",
        "the caller goes on while the job blocks: it hung",
    );
}

#[test]
fn runs_blocking_jobs_on_its_only_thread() {
    let faulty = Faulty {
        blocking: |good, job| good.spawn(async move { job() }).detach(),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "B1", "it hung");
}

#[test]
fn loses_blocking_jobs() {
    static LOST: Mutex<Vec<BlockingJob>> = Mutex::new(Vec::new());
    let faulty = Faulty {
        blocking: |_, job| LOST.lock().unwrap().push(job),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "B1", "it hung");
}

#[test]
fn runs_jobs_that_want_a_thread_of_their_own_in_the_pool() {
    let faulty = Faulty {
        separate: |good, name, job| good.backend().run_blocking(name, job),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "B2", "it hung");
}

#[test]
fn returns_from_a_wait_before_its_time() {
    let faulty = Faulty {
        wait: |_, future| {
            let _ = future.poll(&mut Context::from_waker(Waker::noop()));
            Ok(())
        },
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "B3", "a wait returned before its time");
}

// ---- V: drivers ----

#[test]
fn waits_without_driving() {
    let faulty = Faulty {
        drive: Some(Box::new(|_, future| {
            futures::executor::block_on(future);
        })),
        ..Faulty::new(aiomisc::adapters::Tokio::current_thread().unwrap().into())
    };
    rejected(
        faulty.subject(),
        "V1",
        "tasks go on while the future waits: it hung",
    );
}

#[test]
fn sleeps_through_wakes_of_other_threads() {
    let faulty = Faulty {
        drive: Some(Box::new(|good, mut future| {
            // It looks at the future when its own tasks do something, and at no other time.
            good.block_on(std::future::poll_fn(|_| {
                future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
            }));
        })),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "V1", "it hung");
}

#[test]
fn lets_one_thread_block_and_no_other() {
    let busy = AtomicBool::new(false);
    let faulty = Faulty {
        drive: Some(Box::new(move |good, future| {
            assert!(
                !busy.swap(true, Ordering::SeqCst),
                "somebody blocks already"
            );
            good.block_on(future);
            busy.store(false, Ordering::SeqCst);
        })),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "V2", "four threads at once: it hung");
}

#[test]
fn is_unusable_after_a_panic() {
    let turn = Mutex::new(());
    let faulty = Faulty {
        drive: Some(Box::new(move |good, future| {
            let _turn = turn.lock().unwrap();
            good.block_on(pin!(future));
        })),
        ..Faulty::new(good())
    };
    rejected(faulty.subject(), "V3", "Poison");
}

// ---- N6 ----

#[test]
fn says_something_else_than_unsupported() {
    // It has Unix sockets after all.
    let subject = Subject::new("modest", good()).without(Capability::UnixSockets);
    rejected(subject, "N6", "expected Unsupported");
}
