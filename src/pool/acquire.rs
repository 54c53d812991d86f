//! The way of one caller to an object.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::destroy::error_text;
use super::error::{AcquireError, AcquireStage};
use super::item::Item;
use super::places::{Grant, Refused};
use super::shared::{Shared, Sharing};
use super::turn::Turn;
use super::{PoolManager, Pooled};
use crate::error::end_of_panic;
use crate::future::{Either, Panic, race, run_until};
use crate::time::Sleep;

pub(super) async fn acquire<M: PoolManager>(
    shared: &Arc<Shared<M>>,
    limit: Duration,
) -> Result<Pooled<M>, AcquireError<M::Error>> {
    shared.runtime().map_err(AcquireError::NoRuntime)?;
    let begun = shared.options.measure_wait.then(|| shared.now());
    let limit = &mut Limit::new(shared, limit);
    let mut granted = None;
    let pooled = loop {
        let grant = match granted.take() {
            Some(grant) => grant,
            None => turn(shared, limit).await?,
        };
        match grant {
            Grant::Object(item)
                if shared
                    .options
                    .limits
                    .life
                    .is_some_and(|_| item.is_too_old(shared.now())) =>
            {
                granted = shared.replace(item);
            }
            Grant::Object(item) => match check(shared, item, limit).await? {
                Checked::Good(pooled) => break pooled,
                Checked::Bad(item) => granted = shared.replace(item),
            },
            Grant::Place => break make(shared, limit).await?,
        }
    };
    shared.statistic.acquired.add_one();
    if let Some(begun) = begun {
        let waited = shared.now().saturating_duration_since(begun);
        shared.statistic.wait_time.add(waited);
    }
    shared.fill();
    Ok(pooled)
}

/// Waits for an object or a place.
async fn turn<M: PoolManager>(
    shared: &Arc<Shared<M>>,
    limit: &mut Limit<'_, M>,
) -> Result<Grant<Box<Item<M::Object>>>, AcquireError<M::Error>> {
    match race(Turn::new(shared), &mut *limit).await {
        Either::First(Ok(grant)) => Ok(grant),
        Either::First(Err(why)) => {
            if why == Refused::Full {
                shared.statistic.refused.add_one();
            }
            Err(why.into())
        }
        Either::Second(()) => Err(limit.over(AcquireStage::Waiting)),
    }
}

enum Checked<M: PoolManager> {
    Good(Pooled<M>),
    Bad(Box<Item<M::Object>>),
}

async fn check<M: PoolManager>(
    shared: &Arc<Shared<M>>,
    item: Box<Item<M::Object>>,
    limit: &mut Limit<'_, M>,
) -> Result<Checked<M>, AcquireError<M::Error>> {
    let mut pooled = Pooled::unchecked(shared, item);
    let check = async { shared.manager.check(pooled.object_mut()).await };
    let why = match run_until(check, &mut *limit).await {
        // Closed meanwhile: dropping it destroys it.
        Ok(Either::First(Ok(true))) if shared.signals.closing.is_set() => {
            return Err(AcquireError::Closed);
        }
        Ok(Either::First(Ok(true))) => return Ok(Checked::Good(pooled.checked())),
        Ok(Either::First(Ok(false))) => None,
        Ok(Either::First(Err(error))) => Some(error_text(error)),
        Ok(Either::Second(())) => return Err(limit.over(AcquireStage::Checking)),
        Err(panic) => {
            shared.statistic.check_errors.add_one();
            return Err(panicked(AcquireStage::Checking, panic));
        }
    };
    shared.statistic.check_errors.add_one();
    let pool = &shared.options.name;
    match why {
        Some(error) => tracing::warn!(%pool, %error, "object is replaced: its check failed"),
        None => tracing::debug!(%pool, "object is replaced: it is not good any more"),
    }
    Ok(Checked::Bad(pooled.into_item()))
}

async fn make<M: PoolManager>(
    shared: &Arc<Shared<M>>,
    limit: &mut Limit<'_, M>,
) -> Result<Pooled<M>, AcquireError<M::Error>> {
    let place = HeldPlace::new(shared);
    if shared.signals.closing.is_set() {
        return Err(AcquireError::Closed);
    }
    match create(shared, limit).await {
        Ok(item) => {
            place.keep();
            let pooled = Pooled::unchecked(shared, item);
            // Closed meanwhile: dropping it destroys it.
            if shared.signals.closing.is_set() {
                return Err(AcquireError::Closed);
            }
            Ok(pooled.checked())
        }
        Err(Failed::Error(error)) => Err(AcquireError::Create(error)),
        Err(Failed::Late) => Err(limit.over(AcquireStage::Creating)),
        Err(Failed::Panicked(text)) => Err(AcquireError::Panicked {
            stage: AcquireStage::Creating,
            text,
        }),
    }
}

/// Why there is no new object.
pub(super) enum Failed<E> {
    Error(E),
    Late,
    Panicked(String),
}

/// Makes an object for a place that the caller holds.
pub(super) async fn create<M: PoolManager>(
    shared: &Shared<M>,
    limit: &mut Limit<'_, M>,
) -> Result<Box<Item<M::Object>>, Failed<M::Error>> {
    let made = run_until(async { shared.manager.create().await }, limit).await;
    let failed = match made {
        Ok(Either::First(Ok(object))) => {
            shared.statistic.created.add_one();
            let limits = &shared.options.limits;
            return Ok(Item::new(object, limits, shared.its_runtime()));
        }
        Ok(Either::First(Err(error))) => Failed::Error(error),
        Ok(Either::Second(())) => Failed::Late,
        Err(panic) => Failed::Panicked(end_of_panic(panic)),
    };
    shared.statistic.create_errors.add_one();
    Err(failed)
}

fn panicked<E>(stage: AcquireStage, panic: Panic) -> AcquireError<E> {
    let text = end_of_panic(panic);
    AcquireError::Panicked { stage, text }
}

/// A place without an object; given back when it is dropped.
pub(super) struct HeldPlace<'a, M: PoolManager>(Option<&'a Arc<Shared<M>>>);

impl<'a, M: PoolManager> HeldPlace<'a, M> {
    pub(super) fn new(shared: &'a Arc<Shared<M>>) -> Self {
        Self(Some(shared))
    }

    /// There is an object for it.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl<M: PoolManager> Drop for HeldPlace<'_, M> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.free();
        }
    }
}

/// The time that one call has, over all of its stages; counted from when it first has to wait, and without a
/// timer before that.
pub(super) struct Limit<'a, M: PoolManager> {
    shared: &'a Shared<M>,
    limit: Duration,
    sleep: Option<Sleep>,
}

impl<'a, M: PoolManager> Limit<'a, M> {
    pub(super) fn new(shared: &'a Shared<M>, limit: Duration) -> Self {
        let sleep = None;
        Self {
            shared,
            limit,
            sleep,
        }
    }

    fn over<E>(&self, stage: AcquireStage) -> AcquireError<E> {
        self.shared.statistic.timeouts.add_one();
        let limit = self.limit;
        AcquireError::Timeout { stage, limit }
    }
}

impl<M: PoolManager> Future for Limit<'_, M> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.limit == Duration::MAX {
            return Poll::Pending;
        }
        let start = || this.shared.callers_runtime().sleep(this.limit);
        let sleep = this.sleep.get_or_insert_with(start);
        Pin::new(sleep).poll(cx)
    }
}
