//! The task that looks after idle objects. It is there only while one of them does not stay for ever.

use std::sync::{Arc, Weak};

use event_listener::EventListener;

use super::PoolManager;
use super::places::Places;
use super::shared::{IfLost, Shared, Sharing};
use crate::background::spawn;
use crate::future::race;

/// Starts the task, which was written down as being there.
pub(super) fn keep<M: PoolManager>(shared: &Arc<Shared<M>>) {
    let runtime = shared.its_runtime().clone();
    let pool = Arc::downgrade(shared);
    let if_lost = IfLost::new(&pool, Places::keeper_is_gone);
    spawn(shared.its_runtime(), "pool: keep", async move {
        while let Some((stirred, wait)) = look(&pool) {
            race(stirred, runtime.sleep(wait)).await;
        }
        if_lost.ended();
    });
}

/// Destroys what is not to be kept, and says how long there is nothing to do.
fn look<M: PoolManager>(pool: &Weak<Shared<M>>) -> Option<(EventListener, std::time::Duration)> {
    let shared = pool.upgrade()?;
    // Before the look, so that nothing is missed.
    let stirred = shared.signals.stir.listen();
    let now = shared.now();
    let (weeds, next) = shared.change(|places| places.weed(now));
    for item in weeds {
        shared.discard(item);
    }
    let next = next?;
    Some((stirred, next.saturating_duration_since(now)))
}
