//! The task that makes objects ahead. It is there only while too few are idle.

use std::sync::Arc;
use std::time::Duration;

use super::PoolManager;
use super::acquire::{Failed, HeldPlace, Limit, create};
use super::destroy::error_text;
use super::places::Places;
use super::shared::{IfLost, Shared, Sharing};
use crate::background::spawn;
use crate::future::race;

/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Starts the task, which was written down as being there.
pub(super) fn fill<M: PoolManager>(shared: &Arc<Shared<M>>) {
    let (pool, signals) = (Arc::downgrade(shared), Arc::clone(&shared.signals));
    let runtime = shared.its_runtime().clone();
    let if_lost = IfLost::new(&pool, Places::filler_is_gone);
    spawn(shared.its_runtime(), "pool: fill", async move {
        let mut pause = FIRST_PAUSE;
        while let Some(shared) = pool.upgrade() {
            if !shared.change(Places::fill_one) {
                break;
            }
            if one(shared).await {
                pause = FIRST_PAUSE;
                continue;
            }
            race(signals.closing.wait(), runtime.sleep(pause)).await;
            pause = LONGEST_PAUSE.min(2 * pause);
        }
        if_lost.ended();
    });
}

/// Makes one for the place that was taken; whether that went well.
async fn one<M: PoolManager>(shared: Arc<Shared<M>>) -> bool {
    let place = HeldPlace::new(&shared);
    let mut limit = Limit::new(&shared, shared.options.acquire);
    let why = match create(&shared, &mut limit).await {
        Ok(item) => {
            place.keep();
            shared.give_back(item);
            return true;
        }
        Err(Failed::Error(error)) => error_text(error),
        Err(Failed::Late) => format!("it has taken longer than {:?}", shared.options.acquire),
        Err(Failed::Panicked(text)) => format!("panicked: {text}"),
    };
    tracing::warn!(pool = %shared.options.name, error = %why, "object was not made ahead");
    false
}
