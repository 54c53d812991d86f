use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{CallError, Refusal};
use super::places::{Place, Places};
use super::statistic::BulkheadStatistic;
use crate::retry::InvalidSetting;
use crate::statistics::Instance;
use crate::time;

/// Lets so many calls through at the same time, so that one peer in trouble does not take everything there is.
/// A handle: clones share the places.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::resilience::Bulkhead;
/// use std::time::Duration;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let database = Bulkhead::builder(10)
///     .queue_limit(100)
///     .wait_limit(Duration::from_secs(1))
///     .build()?;
/// let rows = database.call(async { Ok::<_, std::io::Error>(7) }).await?;
/// # assert_eq!(rows, 7);
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).unwrap(); }
/// ```
///
/// The queue is in order: a place that comes free goes to who has waited longest. That costs a hand-over to
/// another task where a newcomer could have gone on, and nobody starves.
///
/// # Cost
///
/// A lock for some nanoseconds when a call enters and when it leaves; no clock and no timer unless it waits.
#[derive(Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

struct Shared {
    places: Arc<Places>,
    limit: usize,
    wait_limit: Option<Duration>,
    figures: Instance<BulkheadStatistic>,
}

/// A [`Bulkhead`] about to be made.
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`queue_limit`](Self::queue_limit) | how many wait, at most | 1024 |
/// | [`wait_limit`](Self::wait_limit) | how long each of them waits, at most | 60 s |
/// | [`name`](Self::name) | what it is called in the figures | no name |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct BulkheadBuilder {
    limit: usize,
    queue_limit: usize,
    wait_limit: Duration,
    name: Option<Arc<str>>,
}

impl BulkheadBuilder {
    /// Sets how many calls wait, at most; 0 for none.
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.queue_limit = calls;
        self
    }

    /// Sets how long a call waits, at most; `Duration::MAX` for no limit.
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = limit;
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
    /// [`InvalidSetting`] if no call is to be let through.
    pub fn build(self) -> Result<Bulkhead, InvalidSetting> {
        if self.limit == 0 {
            return Err(InvalidSetting::new(
                "limit of the bulkhead",
                "at least 1",
                0,
            ));
        }
        let shared = Shared {
            places: Places::new(self.limit, self.queue_limit),
            limit: self.limit,
            wait_limit: Some(self.wait_limit).filter(|limit| *limit != Duration::MAX),
            figures: Instance::new(self.name),
        };
        Ok(Bulkhead {
            shared: Arc::new(shared),
        })
    }
}

/// A place in a [`Bulkhead`]; given back when it is dropped.
#[must_use = "the place is given back at once"]
pub struct BulkheadPlace {
    shared: Arc<Shared>,
    /// Given back after it was taken off the figures, so that these never show more than there are.
    _place: Place,
}

impl Drop for BulkheadPlace {
    fn drop(&mut self) {
        self.shared.figures.running.add(-1);
    }
}

impl Bulkhead {
    /// Sets one up that lets so many through at the same time.
    pub fn builder(limit: usize) -> BulkheadBuilder {
        BulkheadBuilder {
            limit,
            queue_limit: 1024,
            wait_limit: Duration::from_secs(60),
            name: None,
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    ///
    /// [`Refusal::QueueFull`], or [`Refusal::WaitedTooLong`].
    ///
    /// # Panics
    ///
    /// With the text of [`NoRuntime`](crate::runtime::NoRuntime), when it has to wait and no runtime is at
    /// hand.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the queue. A place that it was given already goes to the next.
    pub async fn enter(&self) -> Result<BulkheadPlace, Refusal> {
        let Shared {
            places,
            wait_limit,
            figures,
            ..
        } = &*self.shared;
        if let Some(place) = places.try_take() {
            return Ok(self.entered(place));
        }
        let limit = wait_limit.unwrap_or(Duration::MAX);
        let _waiting = figures.waiting.hold();
        match time::timeout(limit, places.take()).await {
            Ok(Ok(place)) => Ok(self.entered(place)),
            Ok(Err(_)) => {
                figures.refused.add_one();
                Err(Refusal::QueueFull)
            }
            Err(_) => {
                figures.late.add_one();
                Err(Refusal::WaitedTooLong)
            }
        }
    }

    /// Takes a place if there is one free, without waiting.
    ///
    /// # Errors
    ///
    /// [`Refusal::QueueFull`]
    pub fn try_enter(&self) -> Result<BulkheadPlace, Refusal> {
        match self.shared.places.try_take() {
            Some(place) => Ok(self.entered(place)),
            None => {
                self.shared.figures.refused.add_one();
                Err(Refusal::QueueFull)
            }
        }
    }

    fn entered(&self, place: Place) -> BulkheadPlace {
        let figures = &self.shared.figures;
        figures.entered.add_one();
        figures.running.add(1);
        BulkheadPlace {
            shared: Arc::clone(&self.shared),
            _place: place,
        }
    }

    /// Runs a future in a place, once there is one.
    ///
    /// # Errors
    ///
    /// Its error, or those of [`enter`](Self::enter).
    ///
    /// # Panics
    ///
    /// As [`enter`](Self::enter).
    pub async fn call<T, E>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        let _place = self.enter().await?;
        future.await.map_err(CallError::Failed)
    }

    /// How many are in it.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.limit - self.shared.places.free()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.places.waiting()
    }

    /// Its figures.
    #[must_use]
    pub fn statistics(&self) -> &BulkheadStatistic {
        &self.shared.figures
    }
}

impl fmt::Debug for BulkheadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadPlace").finish_non_exhaustive()
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("limit", &self.shared.limit)
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
