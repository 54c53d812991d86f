use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::statistic::HedgeStatistic;
use crate::retry::{InvalidSetting, RetryBudget};
use crate::statistics::Instance;
use crate::time::{self, Sleep};

/// Begins a second attempt beside the first where that takes long, and takes whichever succeeds first. A
/// handle: clones share the figures and the budget.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::Hedge;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// # async fn read(replica: u32) -> std::io::Result<u32> { Ok(replica) }
/// let hedge = Hedge::builder(Duration::from_millis(50)).build()?;
/// let row = hedge.call(|number| read(number)).await?;
/// # assert_eq!(row, 1);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// Those are the hedged requests of Dean and Barroso, "The Tail at Scale" (2013): with the delay at the 95th
/// percentile of the times of answers there is 5 % more load, and the slowest answers are gone. The operation
/// must be one that may run twice.
///
/// An attempt that fails is no reason to begin another: the call goes on while others are on their way, and
/// ends with the error of the last of them. Trying again is the job of a [`Backoff`](crate::retry::Backoff).
///
/// # Cost
///
/// None beside the first attempt if that is ready at once; else a timer, and an allocation for each further
/// attempt.
#[derive(Clone)]
pub struct Hedge {
    shared: Arc<Shared>,
}

struct Shared {
    delay: Duration,
    attempts: u32,
    budget: Option<RetryBudget>,
    figures: Instance<HedgeStatistic>,
}

/// A [`Hedge`] about to be made.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`attempts`](Self::attempts) | how many there are at the same time, at most | 2 |
/// | [`budget`](Self::budget) | how many there are beside the first in all | no limit |
/// | [`name`](Self::name) | what it is called in the figures | no name |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct HedgeBuilder {
    delay: Duration,
    attempts: u32,
    budget: Option<RetryBudget>,
    name: Option<Arc<str>>,
}

impl HedgeBuilder {
    /// Sets how many attempts there are at the same time, at most; each begins when the one before has taken
    /// as long as the delay is.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Limits how many attempts there are beside the first in all, together with whoever else has this
    /// budget.
    pub fn budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = Some(budget.clone());
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
    /// [`InvalidSetting`] if there are to be 0 attempts, or more than 100.
    pub fn build(self) -> Result<Hedge, InvalidSetting> {
        if !(1..=100).contains(&self.attempts) {
            let expected = "a number from 1 to 100";
            return Err(InvalidSetting::new(
                "attempts of the hedge",
                expected,
                self.attempts,
            ));
        }
        let shared = Shared {
            delay: self.delay,
            attempts: self.attempts,
            budget: self.budget,
            figures: Instance::new(self.name),
        };
        Ok(Hedge {
            shared: Arc::new(shared),
        })
    }
}

impl Hedge {
    /// Sets one up that begins another attempt after this delay.
    pub fn builder(delay: Duration) -> HedgeBuilder {
        HedgeBuilder {
            delay,
            attempts: 2,
            budget: None,
            name: None,
        }
    }

    /// Makes attempts, each with its number from 1 on, and takes the first that succeeds; the others are
    /// dropped.
    ///
    /// # Errors
    ///
    /// That of the last attempt that failed, if all did.
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when it has to wait and no runtime is at hand.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops all attempts.
    pub async fn call<T, E, F>(&self, operation: impl FnMut(u32) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let shared = &*self.shared;
        shared.figures.calls.add_one();
        let first = pin!(None);
        let mut race = HedgedRace {
            shared,
            operation,
            begun: 0,
            first,
            others: Vec::new(),
            sleep: None,
        };
        poll_fn(|cx| race.poll(cx)).await
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &HedgeStatistic {
        &self.shared.figures
    }
}

/// The attempts of one call.
struct HedgedRace<'a, O, F> {
    shared: &'a Shared,
    operation: O,
    /// How many attempts have begun; none will once there are as many as there may be.
    begun: u32,
    first: Pin<&'a mut Option<F>>,
    others: Vec<Pin<Box<F>>>,
    sleep: Option<Sleep>,
}

impl<O, F, T, E> HedgedRace<'_, O, F>
where
    O: FnMut(u32) -> F,
    F: Future<Output = Result<T, E>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        if self.begun == 0 {
            self.begun = 1;
            let attempt = (self.operation)(1);
            self.first.set(Some(attempt));
        }
        let mut failed = None;
        if let Some(attempt) = self.first.as_mut().as_pin_mut()
            && let Poll::Ready(result) = attempt.poll(cx)
        {
            self.first.set(None);
            match result {
                Ok(value) => return Poll::Ready(Ok(self.won(value, false))),
                Err(error) => failed = Some(error),
            }
        }
        let mut at = 0;
        while let Some(attempt) = self.others.get_mut(at) {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(value)) => return Poll::Ready(Ok(self.won(value, true))),
                Poll::Ready(Err(error)) => {
                    failed = Some(error);
                    drop(self.others.swap_remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        // An error that is not the last one is of no use.
        if let Some(error) = failed
            && self.first.is_none()
            && self.others.is_empty()
        {
            self.shared.figures.failed.add_one();
            return Poll::Ready(Err(error));
        }
        self.begin_others(cx)
    }

    /// Begins those whose time has come.
    fn begin_others(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let shared = self.shared;
        while self.begun < shared.attempts {
            let sleep = self.sleep.get_or_insert_with(|| time::sleep(shared.delay));
            if Pin::new(&mut *sleep).poll(cx).is_pending() {
                break;
            }
            sleep.reset(shared.delay);
            if let Some(budget) = &shared.budget {
                let Some(token) = budget.take() else {
                    shared.figures.refused.add_one();
                    self.begun = shared.attempts;
                    break;
                };
                token.spend();
            }
            shared.figures.hedges.add_one();
            self.begun += 1;
            let mut attempt = Box::pin((self.operation)(self.begun));
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(value)) => return Poll::Ready(Ok(self.won(value, true))),
                // The one before is on its way still.
                Poll::Ready(Err(_)) => {}
                Poll::Pending => self.others.push(attempt),
            }
        }
        Poll::Pending
    }

    fn won(&self, value: T, hedged: bool) -> T {
        if hedged {
            self.shared.figures.won.add_one();
        }
        if let Some(budget) = &self.shared.budget {
            budget.refund();
        }
        value
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("delay", &self.shared.delay)
            .field("attempts", &self.shared.attempts)
            .field("budget", &self.shared.budget)
            .finish_non_exhaustive()
    }
}
