//! Starts services at the same time, and decides whether the start has succeeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use event_listener::Event;

use super::{Entrypoint, lock};
use crate::future::{Either, race};
use crate::service::{Launch, NotReady, OnLaunch, ServiceCell, ServiceState, StopKind};

/// Starts these services and waits until all have started (true; the stop may have begun since). If
/// one fails, or the stop begins before that, the rest is left to the shutdown, and this is false.
pub(super) async fn start(entrypoint: &Entrypoint) -> bool {
    let cells = entrypoint.cells().clone();
    let gate = Arc::new(Gate {
        left: AtomicUsize::new(cells.len()),
        changed: Event::new(),
    });
    let begun = entrypoint.runtime().now();
    let decided: Arc<OnLaunch> = {
        let (gate, entrypoint) = (Arc::clone(&gate), entrypoint.clone());
        Arc::new(move |launch| {
            if let Launch::Failed(error) = launch {
                entrypoint.start_failed(error);
            }
            gate.one_decided();
        })
    };
    for cell in &cells {
        cell.launch(entrypoint, Arc::clone(&decided), begun);
    }
    gate.wait(entrypoint, &cells, begun).await;
    cells.iter().all(|cell| cell.has_started())
}

impl Entrypoint {
    /// A service did not start: the program stops.
    fn start_failed(&self, error: super::ServiceError) {
        tracing::error!(service = %error.service(), error = %error.causes(), "service failed to start");
        let service = error.service().to_owned();
        lock(&self.shared.failures).push(error);
        self.close(StopKind::Failed { service });
    }
}

/// Counts the services whose start is not decided yet.
struct Gate {
    left: AtomicUsize,
    changed: Event,
}

impl Gate {
    fn one_decided(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify(usize::MAX);
        }
    }

    /// Waits until all is decided or the stop begins, and gives up those that overrun their limit.
    async fn wait(&self, entrypoint: &Entrypoint, cells: &[Arc<ServiceCell>], begun: Instant) {
        let runtime = entrypoint.runtime();
        loop {
            let changed = self.changed.listen();
            if self.left.load(Ordering::Acquire) == 0 || entrypoint.is_closing() {
                return;
            }
            // All began together, so the next limit is the least of those that still start.
            let starting = || {
                cells
                    .iter()
                    .filter(|cell| cell.state() == ServiceState::Starting)
            };
            let Some(limit) = starting().map(|cell| cell.options().start_limit).min() else {
                // Decided this very moment, and the notification is on its way; or given up by a stop.
                race(changed, entrypoint.closing()).await;
                continue;
            };
            let spent = runtime.now().saturating_duration_since(begun);
            let over = runtime.sleep(limit.saturating_sub(spent));
            if let Either::Second(()) = race(race(changed, entrypoint.closing()), over).await {
                for cell in starting().filter(|cell| cell.options().start_limit <= limit) {
                    cell.give_up(NotReady(limit));
                }
            }
        }
    }
}
