use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{CallError, Refusal};
use super::statistic::LoadShedStatistic;
use crate::retry::InvalidSetting;
use crate::runtime::Runtime;
use crate::statistics::Instance;

/// Turns calls away while those on their way take too long, so that the others are in time. A handle: clones
/// share the limit.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::LoadShed;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let load = LoadShed::builder(Duration::from_millis(100)).limits(2, 500).build()?;
/// let answer = load.call(async { Ok::<_, std::io::Error>(7) }).await?;
/// # assert_eq!(answer, 7);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// The number of calls at the same time has a limit that moves, as the window of TCP does: additive increase,
/// multiplicative decrease (Chiu and Jain, 1989). When a call ends within the target, and at least half of the
/// limit was in use, the limit grows by 1 for each round of calls; when it took longer, or was dropped after
/// longer, the limit is multiplied by [`decrease`](LoadShedBuilder::decrease). Nobody waits: what is beyond the
/// limit is refused at once.
///
/// # Cost
///
/// Two readings of the clock, and a lock for some nanoseconds twice.
#[derive(Clone)]
pub struct LoadShed {
    shared: Arc<Shared>,
}

struct Shared {
    target: Duration,
    least: f64,
    most: f64,
    decrease: f64,
    state: Mutex<State>,
    figures: Instance<LoadShedStatistic>,
}

struct State {
    running: usize,
    limit: f64,
    /// Calls that began before the last decrease say nothing new.
    decreased: Option<Instant>,
}

/// A [`LoadShed`] about to be made.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`limits`](Self::limits) | between which numbers the limit moves | 1 and 1000 |
/// | [`initial`](Self::initial) | where it begins | 20, or the nearest there is |
/// | [`decrease`](Self::decrease) | what it is multiplied by | 0.9 |
/// | [`name`](Self::name) | what it is called in the figures | no name |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct LoadShedBuilder {
    target: Duration,
    least: u32,
    most: u32,
    initial: Option<u32>,
    decrease: f64,
    name: Option<Arc<str>>,
}

impl LoadShedBuilder {
    /// Sets between which numbers of calls the limit moves.
    pub fn limits(mut self, least: u32, most: u32) -> Self {
        (self.least, self.most) = (least, most);
        self
    }

    /// Sets where the limit begins.
    pub fn initial(mut self, limit: u32) -> Self {
        self.initial = Some(limit);
        self
    }

    /// Sets what the limit is multiplied by when a call takes too long: a number above 0 and below 1.
    pub fn decrease(mut self, factor: f64) -> Self {
        self.decrease = factor;
        self
    }

    /// Sets what it is called.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] if the target is zero, if the limits are not in order or begin with 0, if the first
    /// limit is not between them, or if the factor is not between 0 and 1.
    pub fn build(self) -> Result<LoadShed, InvalidSetting> {
        let Self { least, most, .. } = self;
        if self.target.is_zero() {
            return Err(InvalidSetting::new(
                "target of the load",
                "above zero",
                self.target,
            ));
        }
        if least == 0 || least > most {
            let expected = "a least one of 1 or more, and a greatest not below it";
            return Err(InvalidSetting::new(
                "limits of the load",
                expected,
                (least, most),
            ));
        }
        let initial = self.initial.unwrap_or_else(|| 20.clamp(least, most));
        if !(least..=most).contains(&initial) {
            let expected = format!("a number from {least} to {most}");
            return Err(InvalidSetting::new(
                "initial limit of the load",
                expected,
                initial,
            ));
        }
        if !(self.decrease > 0.0 && self.decrease < 1.0) {
            let expected = "a number above 0 and below 1";
            return Err(InvalidSetting::new(
                "decrease of the load",
                expected,
                self.decrease,
            ));
        }
        let limit = f64::from(initial);
        let shared = Shared {
            target: self.target,
            least: f64::from(least),
            most: f64::from(most),
            decrease: self.decrease,
            state: Mutex::new(State {
                running: 0,
                limit,
                decreased: None,
            }),
            figures: Instance::new(self.name),
        };
        shared.figures.limit.set(limit);
        Ok(LoadShed {
            shared: Arc::new(shared),
        })
    }
}

impl LoadShed {
    /// Sets one up whose calls should not take longer than this.
    pub fn builder(target: Duration) -> LoadShedBuilder {
        LoadShedBuilder {
            target,
            least: 1,
            most: 1000,
            initial: None,
            decrease: 0.9,
            name: None,
        }
    }

    /// Goes in, unless there is too much load.
    ///
    /// # Errors
    ///
    /// [`Refusal::Overloaded`]
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when no runtime is at hand.
    pub fn try_enter(&self) -> Result<Load, Refusal> {
        let shared = &self.shared;
        let mut state = shared.state();
        // A limit of 2.9 is 2.
        if f64::from(u32::try_from(state.running).unwrap_or(u32::MAX)) + 1.0 > state.limit {
            drop(state);
            shared.figures.shed.add_one();
            return Err(Refusal::Overloaded);
        }
        state.running += 1;
        drop(state);
        // From here on the place is given back, also if there is no runtime.
        let mut load = Load {
            shared: Arc::clone(shared),
            runtime: None,
        };
        let runtime = Runtime::current().unwrap_or_else(|error| panic!("{error}"));
        let began = runtime.now();
        load.runtime = Some((runtime, began));
        shared.figures.passed.add_one();
        Ok(load)
    }

    /// Runs a future, unless there is too much load.
    ///
    /// # Errors
    ///
    /// Its error, or [`Refusal::Overloaded`].
    ///
    /// # Panics
    ///
    /// As [`try_enter`](Self::try_enter).
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped counts as slow if it has taken too long by then, and else not at all.
    pub async fn call<T, E>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        let load = self.try_enter()?;
        let result = future.await;
        load.ended();
        result.map_err(CallError::Failed)
    }

    /// How many calls may be on their way at the same time now, with a fraction.
    #[must_use]
    pub fn limit(&self) -> f64 {
        self.shared.state().limit
    }

    /// How many calls are on their way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.state().running
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &LoadShedStatistic {
        &self.shared.figures
    }
}

/// A call that a [`LoadShed`] has let in. Dropped, it is on its way no longer.
#[must_use = "the call is over at once"]
pub struct Load {
    shared: Arc<Shared>,
    /// When it began, on which clock; taken when it was counted.
    runtime: Option<(Runtime, Instant)>,
}

impl Load {
    /// The call has come to its end, whatever that was.
    pub fn ended(mut self) {
        if let Some((runtime, began)) = self.runtime.take() {
            self.shared.ended(began, runtime.now(), true);
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some((runtime, began)) = self.runtime.take() {
            self.shared.ended(began, runtime.now(), false);
        }
        self.shared.state().running -= 1;
    }
}

impl Shared {
    fn ended(&self, began: Instant, now: Instant, complete: bool) {
        let slow = now.saturating_duration_since(began) > self.target;
        let mut state = self.state();
        if slow {
            self.figures.slow.add_one();
            // One decrease for what has gone wrong at the same time.
            if state.decreased.is_none_or(|at| began >= at) {
                state.limit = (state.limit * self.decrease).max(self.least);
                state.decreased = Some(now);
            }
        } else if complete {
            let running = f64::from(u32::try_from(state.running).unwrap_or(u32::MAX));
            if running * 2.0 >= state.limit {
                state.limit = (state.limit + 1.0 / state.limit).min(self.most);
            }
        }
        self.figures.limit.set(state.limit);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LoadShed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadShed")
            .field("target", &self.shared.target)
            .field("limit", &self.limit())
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").finish_non_exhaustive()
    }
}
