//! What happens when a service fails after its start.

use std::sync::{Arc, Mutex};

use super::{Entrypoint, ServiceError, Stage, lock};
use crate::chance::Chance;
use crate::flag::Flag;
use crate::future::{Either, race};
use crate::service::{
    GaveUp, Launch, Life, NotReady, OnLaunch, Policy, Restart, ServiceCell, StopKind, StopReason,
};

impl Entrypoint {
    /// A service failed after its start; `first` if its life had not failed before.
    pub(crate) fn service_failed(&self, cell: &Arc<ServiceCell>, error: ServiceError, first: bool) {
        error.log();
        match &cell.options().policy {
            Policy::StopAll => self.stop_for(error),
            // Nothing is brought back any more.
            Policy::Restart(_) if self.is_closing() => self.shared.failures.add(error),
            Policy::Restart(restart) if first => self.restart(cell, restart, error),
            // The life that failed is being ended already.
            Policy::Restart(_) | Policy::Ignore => {}
        }
    }

    /// The program stops for the failure of a service.
    fn stop_for(&self, error: ServiceError) {
        let service = error.service().to_owned();
        self.shared.failures.add(error);
        self.close(StopKind::Failed { service });
    }

    fn restart(&self, cell: &Arc<ServiceCell>, restart: &Restart, error: ServiceError) {
        cell.supervise(|| {
            let supervisor = Supervisor {
                entrypoint: self.clone(),
                cell: Arc::clone(cell),
                restart: restart.clone(),
            };
            // Not in the scope of the life that failed, which would be kept by those after it.
            self.spawn(cell.task_name(), self.scope(supervisor.run(error)))
        });
    }
}

/// Brings a service back that has failed, or stops the program for it. Ends early when the service
/// is to stop anyway, and leaves the rest to whoever stops it.
struct Supervisor {
    entrypoint: Entrypoint,
    cell: Arc<ServiceCell>,
    restart: Restart,
}

impl Supervisor {
    async fn run(self, mut error: ServiceError) {
        loop {
            self.end_life(&error).await;
            let Restart { limit, within, .. } = self.restart;
            let Some(in_a_row) = self.cell.may_restart(limit, within) else {
                return self.give_up(error);
            };
            if !self.pause(in_a_row).await {
                return;
            }
            match self.start().await {
                Start::Left => return,
                Start::Failed(again) => error = again,
                Start::Up(life) => {
                    if self.cell.is_back(&life) {
                        tracing::info!(service = %self.cell.name(), "service is back");
                    }
                    return;
                }
            }
        }
    }

    /// Every life that has started is stopped once, also one that has failed.
    async fn end_life(&self, error: &ServiceError) {
        let life = self.cell.life();
        if !life.is_to_stop() {
            life.abandon().await;
            life.take_late().iter().for_each(ServiceError::log);
            return;
        }
        let reason = StopReason::new(StopKind::Failed {
            service: error.service().to_owned(),
        });
        let cut = &self.entrypoint.shared.cut;
        let limit = self.cell.options().stop_limit;
        for error in life.stop(&self.entrypoint, &reason, limit, cut).await {
            error.log();
        }
    }

    /// Waits before the next start; false if the service is to stop meanwhile.
    async fn pause(&self, in_a_row: u32) -> bool {
        let mut pause = self.restart.pause_after(in_a_row);
        if self.restart.jitter {
            let mut chance = lock(&self.entrypoint.shared.chance);
            let chance = chance.get_or_insert_with(|| Chance::of(self.entrypoint.runtime()));
            pause = chance.up_to(pause);
        }
        tracing::warn!(service = %self.cell.name(), ?pause, "service will be started again");
        let over = self.entrypoint.runtime().sleep(pause);
        matches!(race(self.leaving(), over).await, Either::Second(()))
    }

    /// Starts a new life, within the limit on starts.
    async fn start(&self) -> Start {
        let Some(life) = self.cell.renew() else {
            return Start::Left;
        };
        let decision = Arc::new(Decision::default());
        let decided: Arc<OnLaunch> = {
            let decision = Arc::clone(&decision);
            Arc::new(move |_, launch| {
                if let Launch::Failed(error) = launch {
                    error.log();
                    *lock(&decision.error) = Some(error);
                }
                decision.made.set();
            })
        };
        let runtime = self.entrypoint.runtime();
        let limit = self.cell.options().start_limit;
        life.launch(&self.entrypoint, decided, runtime.now());
        let in_time = runtime.timeout(limit, decision.made.wait());
        match race(in_time, self.leaving()).await {
            Either::First(Ok(())) => {}
            Either::First(Err(_)) => life.give_up(NotReady(limit)),
            Either::Second(()) => return Start::Left,
        }
        match lock(&decision.error).take() {
            Some(error) => Start::Failed(error),
            None if life.has_started() => Start::Up(life),
            // It was not launched at all, or dropped: somebody stops it.
            None => Start::Left,
        }
    }

    /// Waits until the service is to stop, alone or with the program.
    async fn leaving(&self) {
        race(self.entrypoint.closing(), self.cell.leaving()).await;
    }

    fn give_up(&self, error: ServiceError) {
        let cause = GaveUp {
            restarts: self.restart.limit,
            within: self.restart.within,
            last: error.into_cause(),
        };
        let error = ServiceError::new(self.cell.name(), Stage::Run, cause.into());
        error.log();
        self.cell.set_cause(&error);
        self.cell.has_failed();
        self.entrypoint.stop_for(error);
    }
}

enum Start {
    /// It started; it may have failed since.
    Up(Arc<Life>),
    Failed(ServiceError),
    Left,
}

/// What became of one start.
#[derive(Default)]
struct Decision {
    made: Flag,
    error: Mutex<Option<ServiceError>>,
}
