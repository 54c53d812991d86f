//! Objects are taken down in tasks of their own: nobody waits for it but [`close`](super::Pool::close).

use std::sync::Arc;
use std::time::Duration;

use super::PoolManager;
use super::shared::{Options, Shared, Sharing, wake};
use crate::background::spawn;
use crate::error::{BoxError, end_of_panic};
use crate::future::{Either, race, run_until};
use crate::runtime::Runtime;

const TASK: &str = "pool: destroy";

/// Writes down that an object is destroyed when it is dropped, also with the runtime.
pub(super) struct Burial<M: PoolManager> {
    shared: Arc<Shared<M>>,
    had_place: bool,
}

impl<M: PoolManager> Burial<M> {
    pub(super) fn new(shared: &Arc<Shared<M>>, had_place: bool) -> Self {
        let shared = Arc::clone(shared);
        Self { shared, had_place }
    }
}

impl<M: PoolManager> Drop for Burial<M> {
    fn drop(&mut self) {
        self.shared.statistic.destroyed.add_one();
        let had_place = self.had_place;
        wake(self.shared.change(|places| places.bury(had_place)));
        if had_place {
            self.shared.fill();
        }
    }
}

/// What is to be destroyed: dropped in this order by a runtime that has ended.
struct Doomed<M: PoolManager> {
    object: M::Object,
    burial: Burial<M>,
}

/// Destroys an object that the pool does not want any more.
pub(super) fn destroy<M: PoolManager>(object: M::Object, burial: Burial<M>) {
    let runtime = burial.shared.its_runtime().clone();
    let is_late = burial.shared.signals.cut.is_set();
    let doomed = Doomed { object, burial };
    spawn(&runtime, TASK, async move {
        let Doomed { burial, object } = doomed;
        let Shared {
            manager,
            options,
            signals,
            statistic,
            ..
        } = &*burial.shared;
        // What is destroyed after the closing has its full time.
        let cut = async {
            if is_late {
                std::future::pending::<()>().await;
            }
            signals.cut.wait().await;
        };
        let limit = burial.shared.its_runtime().sleep(options.destroy);
        let until = race(limit, cut);
        let destroyed = run_until(async { manager.destroy(object).await }, until).await;
        let why = match destroyed {
            Ok(Either::First(Ok(()))) => return,
            Ok(Either::First(Err(error))) => error_text(error),
            Ok(Either::Second(Either::First(()))) => late(options.destroy),
            Ok(Either::Second(Either::Second(()))) => "cut off by the closing".to_owned(),
            Err(panic) => format!("panicked: {}", end_of_panic(panic)),
        };
        statistic.destroy_errors.add_one();
        tracing::warn!(pool = %options.name, error = %why, "object was not destroyed in order");
    });
}

/// Destroys what was idle in a pool that nobody has any more.
pub(super) fn abandon<M: PoolManager>(
    objects: Vec<M::Object>,
    runtime: &Runtime,
    manager: &Arc<M>,
    options: &Options,
) {
    for object in objects {
        let (manager, name) = (Arc::clone(manager), Arc::clone(&options.name));
        let limit = options.destroy;
        let sleep = runtime.sleep(limit);
        spawn(runtime, TASK, async move {
            let destroyed = run_until(async { manager.destroy(object).await }, sleep).await;
            let why = match destroyed {
                Ok(Either::First(Ok(()))) => return,
                Ok(Either::First(Err(error))) => error_text(error),
                Ok(Either::Second(())) => late(limit),
                Err(panic) => format!("panicked: {}", end_of_panic(panic)),
            };
            tracing::warn!(pool = %name, error = %why, "object was not destroyed in order");
        });
    }
}

fn late(limit: Duration) -> String {
    format!("it has taken longer than {limit:?}")
}

/// An error with its causes, on one line.
pub(super) fn error_text(error: impl Into<BoxError>) -> String {
    crate::error::error_text(&*error.into())
}
