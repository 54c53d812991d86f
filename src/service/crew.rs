//! The tasks of a server: counted, limited, told to finish, waited for, cut.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, EventListener};

use super::ServiceContext;
use crate::error::{BoxError, Chain, end_of_panic};
use crate::future::catch_panic;
use crate::runtime::{Name, Placement, Task};

/// What a member of the crew can be told.
pub(super) trait Member: Send + Sync + 'static {
    /// The server stops: finish what is begun.
    fn finish(&self);
}

/// The tasks of one server. Dropping it aborts them and leaves them to the service, which waits for
/// them.
pub(super) struct Crew<M> {
    ctx: ServiceContext,
    name: Name,
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    members: Mutex<Members<M>>,
    /// Notified when a member leaves.
    left: Event,
}

struct Members<M> {
    next: u64,
    /// Told in the order of their coming: in a simulation one seed is one run.
    by_key: BTreeMap<u64, (Arc<M>, Option<Task<()>>)>,
}

impl<M: Member> Crew<M> {
    pub(super) fn new(ctx: ServiceContext) -> Self {
        let members = Members {
            next: 0,
            by_key: BTreeMap::new(),
        };
        let name = ctx.task_name();
        let shared = Arc::new(Shared {
            members: Mutex::new(members),
            left: Event::new(),
        });
        Self { ctx, name, shared }
    }

    pub(super) fn len(&self) -> usize {
        self.shared.members().by_key.len()
    }

    /// Resolves when a member leaves after this call.
    pub(super) fn one_leaves(&self) -> EventListener {
        self.shared.left.listen()
    }

    /// Runs a job; its error or panic is its own, and goes to the log.
    pub(super) fn spawn<F>(&self, member: Arc<M>, what: impl ToString + Send + 'static, job: F)
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let key = {
            let mut members = self.shared.members();
            members.next += 1;
            let key = members.next;
            members.by_key.insert(key, (member, None));
            key
        };
        let place = Place {
            shared: Arc::clone(&self.shared),
            key,
        };
        let service = self.name.clone();
        let run = async move {
            let _place = place;
            match catch_panic(job).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if peer_has_gone(&*error) => {
                    let (peer, error) = (what.to_string(), Chain(&*error).to_string());
                    tracing::debug!(%service, %peer, %error, "the peer has gone");
                }
                Ok(Err(error)) => {
                    let (peer, error) = (what.to_string(), Chain(&*error).to_string());
                    tracing::warn!(%service, %peer, %error, "handler failed");
                }
                Err(panic) => {
                    let (peer, panic) = (what.to_string(), end_of_panic(panic));
                    tracing::error!(%service, %peer, %panic, "handler panicked");
                }
            }
        };
        let runtime = self.ctx.runtime();
        let task = runtime.spawn_as(self.name.clone(), Placement::Spread, run);
        // It may have left already.
        if let Some((_, place)) = self.shared.members().by_key.get_mut(&key) {
            *place = Some(task);
        }
    }

    /// Tells all to finish, and waits until they have left; those that take longer are cut. Gives
    /// the number of these.
    pub(super) async fn drain(&self, limit: Duration) -> usize {
        let told: Vec<_> = self
            .shared
            .members()
            .by_key
            .values()
            .map(|(member, _)| Arc::clone(member))
            .collect();
        for member in told {
            member.finish();
        }
        let all_left = async {
            loop {
                let left = self.one_leaves();
                if self.len() == 0 {
                    return;
                }
                left.await;
            }
        };
        if self.ctx.runtime().timeout(limit, all_left).await.is_ok() {
            return 0;
        }
        let tasks = self.abort();
        let cut = tasks.len();
        for task in tasks {
            // Aborted: there is no result.
            let _ = task.await;
        }
        cut
    }

    fn abort(&self) -> Vec<Task<()>> {
        let members = std::mem::take(&mut self.shared.members().by_key);
        let tasks: Vec<_> = members.into_values().filter_map(|(_, task)| task).collect();
        for task in &tasks {
            task.abort();
        }
        tasks
    }
}

impl<M> Drop for Crew<M> {
    fn drop(&mut self) {
        let members = std::mem::take(&mut self.shared.members().by_key);
        for task in members.into_values().filter_map(|(_, task)| task) {
            task.abort();
            self.ctx.own(task);
        }
    }
}

impl<M> Shared<M> {
    fn members(&self) -> MutexGuard<'_, Members<M>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member's place; given back when its task ends in whatever way.
struct Place<M> {
    shared: Arc<Shared<M>>,
    key: u64,
}

impl<M> Drop for Place<M> {
    fn drop(&mut self) {
        let member = self.shared.members().by_key.remove(&self.key);
        drop(member);
        self.shared.left.notify(usize::MAX);
    }
}

/// Whether a handler failed only because its client went away without a word, as clients do.
fn peer_has_gone(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            )
        })
    })
}
