//! What gathers calls into batches and has them worked on; of both forms.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::batch::Batch;
use super::error::{AggregateError, ResultNotSetError};
use super::gate::Gate;
use super::statistic::AggregateStatistic;
use crate::background::spawn;
use crate::error::end_of_panic;
use crate::flag::Flag;
use crate::future::{catch_panic, race};
use crate::runtime::{Runtime, RuntimeId};
use crate::statistics::Instance;

/// What a call gets.
pub(super) type Given<R, E> = Result<R, AggregateError<E>>;

pub(super) struct Engine<V, R, E, K> {
    rules: Rules,
    key: Box<dyn Fn(&V) -> K + Send + Sync>,
    work: Work<V, R, E>,
    /// The batches that calls can join.
    open: Mutex<Open<K, V, R, E>>,
    /// Calls that wait, in all batches.
    waiting: AtomicUsize,
    /// Each runtime has its own, so that no batch waits for one that nobody drives.
    gates: Mutex<HashMap<RuntimeId, Weak<Gate>>>,
    pub(super) statistic: Instance<AggregateStatistic>,
}

/// Each runtime has its own, so that nobody waits for one that has ended, or that nobody drives.
type Open<K, V, R, E> = HashMap<(K, RuntimeId), Arc<Running<V, R, E>>>;

/// A batch, and one's seat in it.
type Joined<V, R, E> = (Arc<Running<V, R, E>>, usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) leeway: Duration,
    /// `usize::MAX` for any number.
    pub(super) max_count: usize,
    pub(super) most_batches: usize,
    pub(super) most_waiting: usize,
}

/// Works on a batch; gives the results that were not given one by one.
type Work<V, R, E> = Box<
    dyn Fn(
            Vec<(usize, V)>,
            Arc<dyn Taker<Given<R, E>>>,
        ) -> BoxFuture<'static, Result<Results<R, E>, E>>
        + Send
        + Sync,
>;

/// With their seats.
type Results<R, E> = Vec<(usize, Given<R, E>)>;

/// Takes results, whatever the values were.
pub(super) trait Taker<R>: Send + Sync {
    fn take(&self, seat: usize, result: R) -> Result<(), R>;

    fn is_wanted(&self, seat: usize) -> bool;
}

/// A batch, from its first call to its last result.
pub(super) struct Running<V, R, E> {
    batch: Mutex<Batch<V, Given<R, E>>>,
    /// It need not wait for more.
    full: Flag,
}

impl<V, R, E, K> Engine<V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
    pub(super) fn new(
        rules: Rules,
        name: Option<Arc<str>>,
        key: Box<dyn Fn(&V) -> K + Send + Sync>,
        work: Work<V, R, E>,
    ) -> Arc<Self> {
        let statistic = Instance::<AggregateStatistic>::new(name);
        statistic.leeway_ms.set(rules.leeway.as_secs_f64() * 1e3);
        let most = i64::try_from(rules.max_count);
        statistic.max_count.set(
            most.ok()
                .filter(|_| rules.max_count != usize::MAX)
                .unwrap_or(0),
        );
        Arc::new(Self {
            rules,
            key,
            work,
            open: Mutex::default(),
            waiting: AtomicUsize::new(0),
            gates: Mutex::default(),
            statistic,
        })
    }

    pub(super) async fn call(self: &Arc<Self>, value: V) -> Given<R, E> {
        self.statistic.calls.add_one();
        let Some(_waits) = Waits::new(&self.waiting, self.rules.most_waiting) else {
            self.statistic.refused.add_one();
            return Err(AggregateError::Busy);
        };
        let key = (self.key)(&value);
        let mut call = Call {
            engine: self,
            asked: Some((key, value)),
            seat: None,
        };
        std::future::poll_fn(|cx| Pin::new(&mut call).poll(cx)).await
    }

    /// Takes a seat in the batch of this key on this runtime, which is begun if there is none.
    fn join(
        self: &Arc<Self>,
        key: K,
        value: V,
        waker: &Waker,
    ) -> Result<Joined<V, R, E>, AggregateError<E>> {
        let runtime = Runtime::current()
            .map_err(AggregateError::NoRuntime)?
            .unowned();
        // Before the lock, so that it is dropped without it.
        let key = (key, runtime.id());
        let mut open = lock(&self.open);
        if let Some(running) = open.get(&key) {
            let running = Arc::clone(running);
            let (seat, full) = running.join(value, waker, self.rules.max_count);
            let gone = full.then(|| open.remove_entry(&key));
            drop(open);
            drop(gone);
            if full {
                running.full.set();
            }
            return Ok((running, seat));
        }
        let running = Arc::new(Running::new());
        let (seat, full) = running.join(value, waker, self.rules.max_count);
        if full {
            running.full.set();
        } else {
            open.insert(key.clone(), Arc::clone(&running));
        }
        drop(open);
        self.start(&runtime, key, Arc::clone(&running));
        Ok((running, seat))
    }

    fn start(
        self: &Arc<Self>,
        runtime: &Runtime,
        key: (K, RuntimeId),
        running: Arc<Running<V, R, E>>,
    ) {
        let leeway = runtime.sleep(self.rules.leeway);
        let gate = self.gate(key.1);
        let work = Working {
            engine: Arc::clone(self),
            key: Some(key),
            running,
            _runtime: runtime.clone(),
        };
        spawn(runtime, "aggregate", async move {
            if !work.running.full.is_set() {
                race(work.running.full.wait(), leeway).await;
            }
            let _place = gate.enter(work.engine.rules.most_batches).await;
            work.run().await;
        });
    }

    fn gate(&self, runtime: RuntimeId) -> Arc<Gate> {
        let mut gates = lock(&self.gates);
        if let Some(gate) = gates.get(&runtime).and_then(Weak::upgrade) {
            return gate;
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let gate = Arc::default();
        gates.insert(runtime, Arc::downgrade(&gate));
        gate
    }
}

/// One call, on its way to its result. Dropped at any moment, it takes its value along, or leaves the result to
/// nobody.
struct Call<'a, V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
    engine: &'a Arc<Engine<V, R, E, K>>,
    asked: Option<(K, V)>,
    seat: Option<Joined<V, R, E>>,
}

// Nothing in it is pinned.
impl<V, R, E, K> Unpin for Call<'_, V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
}

impl<V, R, E, K> Future for Call<'_, V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
    type Output = Given<R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some((key, value)) = self.asked.take() {
            self.seat = Some(self.engine.join(key, value, cx.waker())?);
            return Poll::Pending;
        }
        let Some((running, seat)) = &self.seat else {
            return Poll::Pending;
        };
        let (looked, waker) = lock(&running.batch).look(*seat, cx.waker());
        drop(waker);
        if looked.is_ready() {
            self.seat = None;
        }
        looked
    }
}

impl<V, R, E, K> Drop for Call<'_, V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
    fn drop(&mut self) {
        if let Some((running, seat)) = self.seat.take() {
            let left = lock(&running.batch).leave(seat);
            drop(left);
        }
    }
}

impl<V, R, E> Running<V, R, E> {
    fn new() -> Self {
        Self {
            batch: Mutex::new(Batch::new()),
            full: Flag::default(),
        }
    }

    /// Takes a seat, and says whether the batch is full by that.
    fn join(&self, value: V, waker: &Waker, most: usize) -> (usize, bool) {
        let mut batch = lock(&self.batch);
        let seat = batch.join(value, waker.clone());
        (seat, batch.waiting() >= most)
    }

    /// Gives the results of several, and those back that nobody wants.
    #[must_use = "dropping them may panic"]
    fn give(&self, results: Results<R, E>) -> Vec<Given<R, E>> {
        let mut wakers = Vec::with_capacity(results.len());
        let mut unwanted = Vec::new();
        let mut batch = lock(&self.batch);
        for (seat, result) in results {
            match batch.give(seat, result) {
                Ok(waker) => wakers.push(waker),
                Err(result) => unwanted.push(result),
            }
        }
        drop(batch);
        wakers.into_iter().for_each(Waker::wake);
        unwanted
    }
}

impl<V: Send, R: Send, E: Send + Sync> Taker<Given<R, E>> for Running<V, R, E> {
    fn take(&self, seat: usize, result: Given<R, E>) -> Result<(), Given<R, E>> {
        let waker = lock(&self.batch).give(seat, result)?;
        waker.wake();
        Ok(())
    }

    fn is_wanted(&self, seat: usize) -> bool {
        lock(&self.batch).is_wanted(seat)
    }
}

/// The work on one batch. However it ends, also with the runtime, every call gets an answer.
struct Working<V, R, E, K>
where
    K: Eq + Hash,
{
    engine: Arc<Engine<V, R, E, K>>,
    key: Option<(K, RuntimeId)>,
    running: Arc<Running<V, R, E>>,
    /// So that the identity in the key is nobody else's.
    _runtime: Runtime,
}

impl<V, R, E, K> Working<V, R, E, K>
where
    V: Send + 'static,
    R: Send + 'static,
    E: Send + Sync + 'static,
    K: Eq + Hash + Clone + Send + 'static,
{
    async fn run(mut self) {
        self.shut();
        let values = lock(&self.running.batch).begin();
        if values.is_empty() {
            return;
        }
        let taker = Arc::clone(&self.running) as Arc<dyn Taker<Given<R, E>>>;
        let ended = catch_panic(async { (self.engine.work)(values, taker).await }).await;
        let statistic = &self.engine.statistic;
        let outcome = if matches!(ended, Ok(Ok(_))) {
            &statistic.success
        } else {
            &statistic.error
        };
        outcome.add_one();
        statistic.done.add_one();
        match ended {
            Ok(Ok(results)) => {
                let unwanted = self.running.give(results);
                self.answer(|| AggregateError::NotSet(ResultNotSetError));
                drop(unwanted);
            }
            Ok(Err(error)) => {
                let error = Arc::new(error);
                self.answer(|| AggregateError::Batch(Arc::clone(&error)));
            }
            Err(panic) => {
                let text: Arc<str> = end_of_panic(panic).into();
                self.answer(|| AggregateError::Panicked(Arc::clone(&text)));
            }
        }
    }
}

impl<V, R, E, K: Eq + Hash> Working<V, R, E, K> {
    /// Lets no more calls join.
    fn shut(&mut self) {
        let Some(key) = self.key.take() else {
            return;
        };
        let mut open = lock(&self.engine.open);
        // A full one was taken out before, and another may have come in its place.
        let same = open
            .get(&key)
            .is_some_and(|open| Arc::ptr_eq(open, &self.running));
        let gone = same.then(|| open.remove_entry(&key));
        drop(open);
        drop(gone);
    }

    /// Answers those who have no result.
    fn answer(&self, mut error: impl FnMut() -> AggregateError<E>) {
        let (wakers, values) = lock(&self.running.batch).give_all(|| Err(error()));
        wakers.into_iter().for_each(Waker::wake);
        drop(values);
    }
}

impl<V, R, E, K: Eq + Hash> Drop for Working<V, R, E, K> {
    fn drop(&mut self) {
        self.shut();
        self.answer(|| AggregateError::Ended);
    }
}

/// One call among those that wait.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let more = |now: usize| (now < most).then_some(now + 1);
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Self(waiting))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
