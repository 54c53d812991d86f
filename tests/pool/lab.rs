//! A manager that does as it is told.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::pool::PoolBuilder;
use aiomisc::{Pool, PoolManager, Pooled, Runtime, time};

use super::shared::given_up::give_up;

/// What comes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Does {
    Well,
    /// The object is not good; of a check alone.
    SaysNo,
    Fails,
    Panics,
    Hangs,
    Takes(Duration),
    /// As `Takes` and then `SaysNo`.
    SlowlySaysNo(Duration),
}
pub(crate) use Does::{Fails, Hangs, Panics, SaysNo, SlowlySaysNo, Takes, Well};

#[derive(Clone, Default)]
pub(crate) struct Lab(Arc<State>);

#[derive(Default)]
struct State {
    made: AtomicUsize,
    alive: AtomicUsize,
    destroyed: AtomicUsize,
    create: Script,
    check: Script,
    destroy: Script,
}

/// What the next calls do, and what those after them do.
#[derive(Default)]
struct Script(Mutex<(VecDeque<Does>, Option<Does>)>);

/// Objects are numbered from 1 on.
pub(crate) struct Thing {
    pub(crate) number: usize,
    lab: Lab,
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.lab.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Script {
    async fn act(&self) -> io::Result<bool> {
        let does = {
            let mut script = self.0.lock().unwrap();
            let next = script.0.pop_front();
            next.or(script.1).unwrap_or(Well)
        };
        match does {
            Well => Ok(true),
            SaysNo => Ok(false),
            Fails => Err(io::Error::other("as it was told")),
            Panics => panic!("as it was told"),
            Hangs => std::future::pending().await,
            Takes(duration) => {
                time::sleep(duration).await;
                Ok(true)
            }
            SlowlySaysNo(duration) => {
                time::sleep(duration).await;
                Ok(false)
            }
        }
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn next_creates(&self, does: impl IntoIterator<Item = Does>) -> &Self {
        self.0.create.0.lock().unwrap().0.extend(does);
        self
    }

    pub(crate) fn next_checks(&self, does: impl IntoIterator<Item = Does>) -> &Self {
        self.0.check.0.lock().unwrap().0.extend(does);
        self
    }

    pub(crate) fn next_destroys(&self, does: impl IntoIterator<Item = Does>) -> &Self {
        self.0.destroy.0.lock().unwrap().0.extend(does);
        self
    }

    pub(crate) fn creates(&self, does: Does) -> &Self {
        self.0.create.0.lock().unwrap().1 = Some(does);
        self
    }

    pub(crate) fn checks(&self, does: Does) -> &Self {
        self.0.check.0.lock().unwrap().1 = Some(does);
        self
    }

    pub(crate) fn destroys(&self, does: Does) -> &Self {
        self.0.destroy.0.lock().unwrap().1 = Some(does);
        self
    }

    pub(crate) fn made(&self) -> usize {
        self.0.made.load(Ordering::SeqCst)
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.alive.load(Ordering::SeqCst)
    }

    /// How many have been taken down in order.
    pub(crate) fn destroyed(&self) -> usize {
        self.0.destroyed.load(Ordering::SeqCst)
    }

    pub(crate) fn pool(&self, maximum: usize) -> Pool<Self> {
        self.builder(maximum).build().unwrap()
    }

    pub(crate) fn builder(&self, maximum: usize) -> PoolBuilder<Self> {
        Pool::builder(self.clone()).maximum(maximum)
    }
}

impl PoolManager for Lab {
    type Object = Thing;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Thing> {
        self.0.create.act().await?;
        self.0.alive.fetch_add(1, Ordering::SeqCst);
        Ok(Thing {
            number: self.0.made.fetch_add(1, Ordering::SeqCst) + 1,
            lab: self.clone(),
        })
    }

    async fn check(&self, _: &mut Thing) -> io::Result<bool> {
        self.0.check.act().await
    }

    async fn destroy(&self, thing: Thing) -> io::Result<()> {
        self.0.destroy.act().await?;
        drop(thing);
        self.0.destroyed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Takes so many at the same time.
pub(crate) async fn several(pool: &Pool<Lab>, count: usize) -> Vec<Pooled<Lab>> {
    let mut things = Vec::new();
    for _ in 0..count {
        things.push(pool.acquire().await.unwrap());
    }
    things
}

pub(crate) fn numbers(things: &[Pooled<Lab>]) -> Vec<usize> {
    things.iter().map(|thing| thing.number).collect()
}

/// A caller in a task of its own that has come to its first wait.
pub(crate) async fn caller(pool: &Pool<Lab>) -> aiomisc::Task<Acquired> {
    let waiting = pool.status().waiting;
    let task = {
        let pool = pool.clone();
        aiomisc::spawn(async move { pool.acquire().await })
    };
    until(|| pool.status().waiting > waiting || task.is_finished()).await;
    task
}

pub(crate) type Acquired = Result<Pooled<Lab>, aiomisc::pool::AcquireError<io::Error>>;

/// Begins a call and drops it at its first wait.
pub(crate) async fn begun_and_dropped(pool: &Pool<Lab>) {
    assert!(give_up(1, pool.acquire()).await.is_none(), "it has to wait");
}

/// Lets others run until this has come true.
pub(crate) async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_micros(10)).await;
    }
}

/// How long it took, in milliseconds.
pub(crate) async fn millis<F: Future>(future: F) -> (u128, F::Output) {
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    let output = future.await;
    (runtime.now().duration_since(begun).as_millis(), output)
}
