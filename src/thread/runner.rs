use std::sync::Arc;

use super::error::Cause;
use super::gate::Gate;
use super::job::{Ran, Work};
use crate::runtime::Runtime;

/// Runs jobs of a pool on a thread, one after another, until none is left.
pub(super) struct Runner {
    gate: Arc<Gate>,
    /// Its place among the runners of the pool.
    place: usize,
    /// What it runs next. Nothing: it has retired.
    work: Option<Arc<dyn Work>>,
}

impl Runner {
    pub(super) fn new(gate: &Arc<Gate>, place: usize, work: Arc<dyn Work>) -> Self {
        Self {
            gate: Arc::clone(gate),
            place,
            work: Some(work),
        }
    }

    /// Goes to a thread of the runtime of its job.
    pub(super) fn start(mut self) {
        while let Some(work) = &self.work {
            if let Some(runtime) = work.runtime() {
                let backend = Arc::clone(runtime.backend());
                let name = work.origin().name.clone();
                return backend.run_blocking(&name, Box::new(move || self.run(&runtime)));
            }
            self.work = self.gate.next(self.place, false);
        }
    }

    fn run(mut self, here: &Runtime) {
        // In a simulation nothing comes while this thread has its turn.
        let looks = here.backend().keep().is_none();
        while let Some(work) = &self.work {
            if self.gate.run(&**work, here) == Ran::Elsewhere {
                return self.start();
            }
            self.work = self.gate.next(self.place, looks);
            if let Some(next) = &self.work
                && here.backend().next_job(&next.origin().name).is_err()
                && next.waits_on(here)
            {
                // Dropping this gives up the jobs of the runtime.
                return;
            }
        }
    }
}

/// A runtime that has ended drops it with its job.
impl Drop for Runner {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        if let Some(runtime) = work.runtime() {
            work.refuse(Cause::Ended);
            // At once: one by one they would be dropped inside of each other.
            self.gate.refuse_those_of(&runtime);
        }
        if let Some(next) = self.gate.next(self.place, false) {
            Self::new(&self.gate, self.place, next).start();
        }
    }
}
