use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use event_listener::Event;

use crate::runtime::{Sleep, Timer};

/// A clock that moves only when told; give it to a runtime with
/// [`Parts::timer`](crate::runtime::Parts::timer).
///
/// Clones are handles to one clock. It starts at some moment of the monotonic clock, and at
/// 2024-01-01 00:00:00 UTC by the calendar, so that every run sees the same dates.
///
/// It keeps the contract of [`Timer`]. In particular, a wait is counted from the call of `sleep`,
/// and whoever sleeps is woken without a lock held, in the order of time; those of one moment in
/// the order in which they began.
///
/// # Use
///
/// Tasks must have had their turn before the clock moves, or they begin to wait later than meant.
/// [`wait_until_pending`](Self::wait_until_pending) waits for that without real time.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::{adapters::Smol, runtime::Parts, testing::ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let runtime = Parts::of(Smol::new()).timer(clock.clone()).build();
/// runtime.block_on(async {
///     let started = clock.now();
///     let hour = aiomisc::spawn(aiomisc::time::sleep(Duration::from_secs(3600)));
///     clock.wait_until_pending(1).await;
///     clock.advance_to_next();
///     hour.await.unwrap();
///     assert_eq!(clock.now() - started, Duration::from_secs(3600));
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Event,
}

struct State {
    now: Instant,
    wall: SystemTime,
    next: u64,
    /// Who waits, by the end of the wait (`None` is never) and the order of their beginning.
    waiting: BTreeMap<Key, Waker>,
}

/// `(never, when, number)`: those that never end come last.
type Key = (bool, Instant, u64);

impl ManualClock {
    /// Makes a clock that stands still.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "an `Instant` can be had from the system's clock only; it is read once"
    )]
    pub fn new() -> Self {
        let state = State {
            now: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_067_200),
            next: 0,
            waiting: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Event::new(),
            }),
        }
    }

    /// Moves the clock and the calendar on, and wakes those whose time has come.
    ///
    /// They run afterwards, and all see the time at the end of the step; to let each of them see
    /// its own, use [`advance_to_next`](Self::advance_to_next).
    ///
    /// # Panics
    ///
    /// When the clock cannot show that moment, some hundreds of billions of years from now.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now += by;
        state.wall += by;
        self.wake_those_due(state);
    }

    /// Moves the clock on to the end of the next wait and wakes all that end then. Gives how far it
    /// moved; `None` when nobody waits for a moment that comes.
    #[allow(
        clippy::must_use_candidate,
        reason = "most callers want the step, not its length"
    )]
    pub fn advance_to_next(&self) -> Option<Duration> {
        let mut state = self.state();
        let (&(never, when, _), _) = state.waiting.first_key_value()?;
        if never {
            return None;
        }
        let by = when.saturating_duration_since(state.now);
        state.now += by;
        state.wall += by;
        self.wake_those_due(state);
        Some(by)
    }

    /// Sets the calendar, to the past as well. The monotonic clock, and with it every wait, does
    /// not notice.
    pub fn set_wall(&self, to: SystemTime) {
        self.state().wall = to;
    }

    /// The moment it is on the monotonic clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.state().now
    }

    /// The moment it is by the calendar.
    #[must_use]
    pub fn wall_now(&self) -> SystemTime {
        self.state().wall
    }

    /// How many sleeps have been polled and wait. Those that were woken do not count, until they
    /// are polled and wait again.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state().waiting.len()
    }

    /// How long it is until the next wait ends; `None` when nobody waits for a moment that comes.
    #[must_use]
    pub fn next_in(&self) -> Option<Duration> {
        let state = self.state();
        let (&(never, when, _), _) = state.waiting.first_key_value()?;
        (!never).then(|| when.saturating_duration_since(state.now))
    }

    /// Waits until the next wait to end is one that ends [in so long](Self::next_in): whoever is to wait anew, for
    /// something has changed, has begun to.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    pub async fn wait_until_next_in(&self, duration: Duration) {
        loop {
            let changed = self.shared.changed.listen();
            if self.next_in() == Some(duration) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until at least so many sleeps are [`pending`](Self::pending).
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    pub async fn wait_until_pending(&self, count: usize) {
        loop {
            let changed = self.shared.changed.listen();
            if self.pending() >= count {
                return;
            }
            changed.await;
        }
    }

    /// Wakes outside of the lock: a waker may well call this clock.
    fn wake_those_due(&self, mut state: MutexGuard<'_, State>) {
        let now = state.now;
        let later = state.waiting.split_off(&(false, now, u64::MAX));
        let due = std::mem::replace(&mut state.waiting, later);
        drop(state);
        self.changed();
        for waker in due.into_values() {
            waker.wake();
        }
    }

    /// Others wait, or wait no longer.
    fn changed(&self) {
        self.shared.changed.notify(usize::MAX);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

impl Timer for ManualClock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let key = self.state().key(duration);
        Box::pin(Wait {
            clock: self.clone(),
            key,
        })
    }

    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn wall_now(&self) -> SystemTime {
        Self::wall_now(self)
    }
}

impl State {
    fn key(&mut self, duration: Duration) -> Key {
        self.next += 1;
        match self.now.checked_add(duration) {
            Some(when) => (false, when, self.next),
            None => (true, self.now, self.next),
        }
    }
}

struct Wait {
    clock: ManualClock,
    key: Key,
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.clock.state();
        let (never, when, _) = self.key;
        let (old, poll) = if !never && when <= state.now {
            (state.waiting.remove(&self.key), Poll::Ready(()))
        } else {
            (state.waiting.insert(self.key, waker), Poll::Pending)
        };
        drop(state);
        if poll.is_pending() && old.is_none() {
            self.clock.changed();
        }
        poll
    }
}

impl Sleep for Wait {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        let old = self.key;
        let mut state = self.clock.state();
        let waker = state.waiting.remove(&old);
        let key = state.key(duration);
        drop(state);
        if waker.is_some() {
            self.clock.changed();
        }
        drop(waker);
        self.key = key;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let waker = self.clock.state().waiting.remove(&self.key);
        if waker.is_some() {
            self.clock.changed();
        }
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Default)]
    struct Woken {
        times: AtomicUsize,
        order: Arc<Mutex<Vec<usize>>>,
        number: usize,
    }

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.times.fetch_add(1, Ordering::SeqCst);
            self.order.lock().unwrap().push(self.number);
        }
    }

    fn poll(sleep: &mut Pin<Box<dyn Sleep>>, waker: &Arc<Woken>) -> Poll<()> {
        let waker = Waker::from(Arc::clone(waker));
        sleep.as_mut().poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn wakes_in_the_order_of_time() {
        let clock = ManualClock::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut sleeps = Vec::new();
        for (number, seconds) in [3, 1, 2, 1, 9].into_iter().enumerate() {
            let waker = Arc::new(Woken {
                order: Arc::clone(&order),
                number,
                ..Woken::default()
            });
            let mut sleep = clock.sleep(SECOND * seconds);
            assert!(poll(&mut sleep, &waker).is_pending());
            sleeps.push((sleep, waker));
        }
        assert_eq!(clock.pending(), 5);
        clock.advance(SECOND * 4);
        assert_eq!(*order.lock().unwrap(), [1, 3, 2, 0]);
        assert_eq!(clock.pending(), 1);
        for (sleep, waker) in &mut sleeps[..4] {
            assert!(poll(sleep, waker).is_ready());
            assert_eq!(waker.times.load(Ordering::SeqCst), 1);
        }
        drop(sleeps);
        assert_eq!(clock.pending(), 0);
        assert_eq!(clock.advance_to_next(), None);
    }

    #[test]
    fn ends_at_its_time_and_not_before() {
        let clock = ManualClock::new();
        let (start, wall) = (clock.now(), clock.wall_now());
        let waker = Arc::default();
        let mut sleep = clock.sleep(SECOND);
        clock.advance(Duration::from_nanos(999_999_999));
        assert!(poll(&mut sleep, &waker).is_pending());
        assert_eq!(clock.advance_to_next(), Some(Duration::from_nanos(1)));
        assert!(poll(&mut sleep, &waker).is_ready());
        sleep.as_mut().reset(SECOND * 2);
        assert!(poll(&mut sleep, &waker).is_pending());
        sleep.as_mut().reset(SECOND * 3);
        assert_eq!(clock.pending(), 0, "the old wait is gone");
        assert!(poll(&mut sleep, &waker).is_pending());
        clock.advance(SECOND * 2);
        assert!(poll(&mut sleep, &waker).is_pending());
        clock.advance(SECOND);
        assert!(poll(&mut sleep, &waker).is_ready());
        assert_eq!(clock.now() - start, SECOND * 4);
        assert_eq!(clock.wall_now(), wall + SECOND * 4);
    }

    #[test]
    fn who_waits_for_the_next_wait_hears_also_of_those_that_go() {
        type Goes = fn(&ManualClock, Pin<Box<dyn Sleep>>);
        let goes: [Goes; 3] = [
            |_, first| drop(first),
            |_, mut first| first.as_mut().reset(SECOND * 9),
            |clock, _first| clock.advance(SECOND),
        ];
        for (number, goes) in goes.into_iter().enumerate() {
            let clock = ManualClock::new();
            let mut last = clock.sleep(SECOND * 5);
            assert!(poll(&mut last, &Arc::default()).is_pending());
            let mut first = clock.sleep(SECOND);
            assert!(poll(&mut first, &Arc::default()).is_pending());
            let left = SECOND * if number == 2 { 4 } else { 5 };
            let mut waits = std::pin::pin!(clock.wait_until_next_in(left));
            let woken = Arc::<Woken>::default();
            let waker = Waker::from(Arc::clone(&woken));
            let mut cx = Context::from_waker(&waker);
            assert!(waits.as_mut().poll(&mut cx).is_pending());
            goes(&clock, first);
            assert_eq!(woken.times.load(Ordering::SeqCst), 1);
            assert!(waits.as_mut().poll(&mut cx).is_ready());
        }
    }

    #[test]
    fn the_longest_wait_never_ends() {
        let clock = ManualClock::new();
        let waker = Arc::default();
        let mut never = clock.sleep(Duration::MAX);
        assert!(poll(&mut never, &waker).is_pending());
        assert_eq!((clock.pending(), clock.advance_to_next()), (1, None));
        clock.advance(SECOND * 1_000_000_000);
        assert!(poll(&mut never, &waker).is_pending());
        never.as_mut().reset(Duration::ZERO);
        assert!(poll(&mut never, &waker).is_ready());
        assert_eq!(waker.times.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_calendar_is_set_apart() {
        let clock = ManualClock::new();
        let start = clock.now();
        clock.set_wall(SystemTime::UNIX_EPOCH);
        clock.advance(SECOND);
        assert_eq!(clock.wall_now(), SystemTime::UNIX_EPOCH + SECOND);
        assert_eq!(clock.now() - start, SECOND);
    }

    #[test]
    fn a_waker_may_call_the_clock() {
        struct Reenters(ManualClock, Mutex<Option<Pin<Box<dyn Sleep>>>>);
        impl Wake for Reenters {
            fn wake(self: Arc<Self>) {
                // Drops a sleep of the clock, which takes the clock's lock.
                drop(self.1.lock().unwrap().take());
                assert_eq!(self.0.pending(), 0);
            }
        }
        let clock = ManualClock::new();
        let mut other = clock.sleep(SECOND * 5);
        assert!(poll(&mut other, &Arc::default()).is_pending());
        let waker = Arc::new(Reenters(clock.clone(), Mutex::new(Some(other))));
        let mut sleep = clock.sleep(SECOND);
        let waker = Waker::from(waker);
        assert!(
            sleep
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        clock.advance(SECOND);
        assert_eq!(clock.pending(), 0);
    }
}
