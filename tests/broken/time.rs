//! Broken timers.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aiomisc::adapters::Tokio;
use aiomisc::runtime::{Parts, Runtime, Sleep, Timer};
use aiomisc::testing::conformance::Subject;

use crate::{bare_tokio, good, rejected, unowned};

type SleepFn = fn(&Runtime, Duration) -> Pin<Box<dyn Sleep>>;

/// A good runtime's time with these things done in another way.
pub(crate) struct Faulty {
    good: Runtime,
    sleep: SleepFn,
    now: fn(&Runtime) -> Instant,
}

impl Faulty {
    pub(crate) fn new(good: Runtime) -> Self {
        Self {
            good,
            sleep: |good, duration| good.backend().sleep(duration),
            now: |good| good.now(),
        }
    }

    pub(crate) fn build(mut self) -> Runtime {
        // The timer must not keep the runtime, as its owner does.
        let owner = self.good.clone();
        self.good = unowned(&owner);
        Parts::of(owner).timer(self).build()
    }
}

impl Timer for Faulty {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        (self.sleep)(&self.good, duration)
    }

    fn now(&self) -> Instant {
        (self.now)(&self.good)
    }
}

fn with_sleep(sleep: SleepFn) -> Subject {
    let faulty = Faulty {
        sleep,
        ..Faulty::new(good())
    };
    Subject::new("broken time", faulty.build())
}

/// A good sleep with faults.
struct Bad {
    inner: Option<Pin<Box<dyn Sleep>>>,
    runtime: Runtime,
    duration: Duration,
    fault: Fault,
    waker: Mutex<Option<Waker>>,
    deadline: Instant,
    polls: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    CountsFromTheFirstPoll,
    IgnoresReset,
    EndsAtTheOldTime,
    IsOverForGood,
    WakesAtDrop,
    KeepsItsTimerAtDrop,
    KeepsTheFirstWaker,
    WakesTwice,
    WantsThreePolls,
    PanicsWithoutSense,
}

impl Bad {
    fn boxed(runtime: &Runtime, duration: Duration, fault: Fault) -> Pin<Box<dyn Sleep>> {
        let inner =
            (fault != Fault::CountsFromTheFirstPoll).then(|| runtime.backend().sleep(duration));
        let now = runtime.now();
        Box::pin(Self {
            inner,
            runtime: runtime.clone(),
            duration,
            fault,
            waker: Mutex::default(),
            deadline: now.checked_add(duration).unwrap_or(now),
            polls: 0,
        })
    }

    /// Wakes when the time has come, whatever has become of the sleep.
    fn wake_later(&self, waker: Waker) {
        let sleep = self.runtime.backend().sleep(self.duration);
        self.runtime
            .spawn(async move {
                sleep.await;
                waker.wake();
            })
            .detach();
    }
}

impl Future for Bad {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (duration, fault) = (self.duration, self.fault);
        self.polls += 1;
        if fault == Fault::WantsThreePolls && self.polls < 3 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let first = self
            .waker
            .lock()
            .unwrap()
            .get_or_insert_with(|| cx.waker().clone())
            .clone();
        let runtime = self.runtime.clone();
        let inner = self
            .inner
            .get_or_insert_with(|| runtime.backend().sleep(duration));
        if fault == Fault::PanicsWithoutSense {
            let polled =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inner.as_mut().poll(cx)));
            return polled
                .unwrap_or_else(|_| panic!("called `Option::unwrap()` on a `None` value"));
        }
        let waker = if fault == Fault::KeepsTheFirstWaker {
            first
        } else {
            cx.waker().clone()
        };
        let poll = inner.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() && matches!(fault, Fault::KeepsItsTimerAtDrop | Fault::WakesTwice) {
            self.wake_later(waker);
        }
        poll
    }
}

impl Sleep for Bad {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        let left = self.deadline.saturating_duration_since(self.runtime.now());
        let duration = match self.fault {
            Fault::IgnoresReset => return,
            Fault::EndsAtTheOldTime if !left.is_zero() => duration.min(left),
            Fault::IsOverForGood if left.is_zero() => return,
            _ => duration,
        };
        self.duration = duration;
        if let Some(inner) = &mut self.inner {
            inner.as_mut().reset(duration);
        }
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        if self.fault == Fault::WakesAtDrop
            && let Some(waker) = self.waker.lock().unwrap().take()
        {
            waker.wake();
        }
    }
}

#[test]
fn sleeps_too_short() {
    let subject = with_sleep(|good, duration| {
        good.backend()
            .sleep(duration.saturating_sub(Duration::from_millis(2)))
    });
    rejected(subject, "T2", "were over after");
}

#[test]
fn counts_from_the_first_poll() {
    let subject =
        with_sleep(|good, duration| Bad::boxed(good, duration, Fault::CountsFromTheFirstPoll));
    rejected(subject, "T2", "it was counted from its first poll");
}

#[test]
fn keeps_the_first_waker() {
    let subject =
        with_sleep(|good, duration| Bad::boxed(good, duration, Fault::KeepsTheFirstWaker));
    rejected(
        subject,
        "T3",
        "polled with one waker, then with another: it hung",
    );
}

#[test]
fn wakes_twice() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::WakesTwice));
    rejected(subject, "T3", "woken 2 times");
}

#[test]
fn ignores_reset() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::IgnoresReset));
    rejected(subject, "T4", "to an earlier end: it hung");
}

#[test]
fn ends_at_the_old_time_after_reset() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::EndsAtTheOldTime));
    rejected(
        subject,
        "T4",
        "to never, and back: the longest wait was over at once",
    );
}

#[test]
fn is_over_for_good_once_it_was_over() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::IsOverForGood));
    rejected(subject, "T4", "after it has ended, again and again");
}

#[test]
fn wakes_at_the_drop() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::WakesAtDrop));
    rejected(subject, "T5", "the drop itself woke 1000 times");
}

#[test]
fn keeps_its_timer_at_the_drop() {
    let subject =
        with_sleep(|good, duration| Bad::boxed(good, duration, Fault::KeepsItsTimerAtDrop));
    rejected(subject, "T5", "after the drop");
}

#[test]
fn wants_many_polls_for_zero() {
    let subject = with_sleep(|good, duration| Bad::boxed(good, duration, Fault::WantsThreePolls));
    rejected(subject, "T6", "it took 3 polls");
}

#[test]
fn panics_at_the_longest_wait() {
    let subject = with_sleep(|good, duration| {
        let deadline = good.now() + duration;
        good.backend()
            .sleep(deadline.saturating_duration_since(good.now()))
    });
    rejected(subject, "T6", "overflow");
}

#[test]
fn ends_the_longest_wait() {
    let subject = with_sleep(|good, duration| {
        let millis = duration.as_millis() & 0xF;
        let millis = u64::try_from(millis).unwrap();
        good.backend().sleep(Duration::from_millis(millis))
    });
    rejected(subject, "T6", "was over at once");
}

#[test]
fn has_a_clock_that_goes_back() {
    static READ: AtomicU32 = AtomicU32::new(0);
    let faulty = Faulty {
        now: |good| {
            let read = READ.fetch_add(1, Ordering::SeqCst) % 100;
            good.now()
                .checked_sub(Duration::from_micros(50) * read)
                .unwrap()
        },
        ..Faulty::new(good())
    };
    rejected(
        Subject::new("broken time", faulty.build()),
        "T7",
        "it went back by",
    );
}

/// Trap 1: a timer of tokio belongs to the runtime that is current when it is made.
struct WithoutEntering(Pin<Box<tokio::time::Sleep>>);

impl Future for WithoutEntering {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for WithoutEntering {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        self.0
            .as_mut()
            .reset(tokio::time::Instant::now() + duration);
    }
}

fn timer_without_entering() -> Runtime {
    let faulty = Faulty {
        sleep: |_, duration| Box::pin(WithoutEntering(Box::pin(tokio::time::sleep(duration)))),
        ..Faulty::new(Tokio::multi_thread(1).unwrap().into())
    };
    faulty.build()
}

#[test]
fn trap_1_makes_timers_without_entering() {
    let subject = Subject::new("tokio without entering", timer_without_entering());
    rejected(subject.beside(good()), "T1", "there is no reactor running");
    let subject = Subject::new("tokio without entering", timer_without_entering());
    rejected(subject.beside(bare_tokio()), "T1", "timers are disabled");
}

#[test]
fn panics_without_sense_once_the_runtime_has_ended() {
    let make = || {
        let faulty = Faulty {
            sleep: |good, duration| Bad::boxed(good, duration, Fault::PanicsWithoutSense),
            ..Faulty::new(Tokio::current_thread().unwrap().into())
        };
        faulty.build()
    };
    let subject = Subject::new("broken time", make()).disposable(make);
    rejected(subject, "T8", "the panic says nothing of the runtime's end");
}
