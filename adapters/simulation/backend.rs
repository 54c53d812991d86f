//! A simulation as a runtime: what the core of the library sees of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures_core::future::BoxFuture;

use super::jobs::NewJob;
use super::shared::Shared;
use super::wait::Wait;
use super::{clock, jobs};
use crate::runtime::{
    Backend, BlockingJob, Drive, Ended, Keep, Placement, Sleep, Spawn, TaskHandle, Timer,
};

/// Ends the simulation when it goes.
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    pub(super) hosts: Mutex<BTreeMap<usize, Arc<Host>>>,
}

impl Drive for Owner {
    fn block_on(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        self.shared.block_on(future);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.end();
    }
}

/// What tasks of a host hold of it.
pub(super) struct Host {
    pub(super) shared: Arc<Shared>,
    pub(super) number: usize,
    pub(super) keep: Keep,
}

fn new_job(name: &str, separate: bool, run: BlockingJob) -> NewJob {
    NewJob {
        name: name.into(),
        separate,
        run,
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("host", &self.number)
            .finish_non_exhaustive()
    }
}

impl Spawn for Host {
    fn spawn(
        &self,
        name: &str,
        _placement: Placement,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        self.shared.spawn(name, future)
    }
}

impl Timer for Host {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(clock::Timer::new(Arc::clone(&self.shared), duration))
    }

    fn now(&self) -> Instant {
        self.shared.now()
    }

    fn wall_now(&self) -> SystemTime {
        self.shared.lock().wall_now()
    }
}

impl Backend for Host {
    fn name(&self) -> &str {
        "simulation"
    }

    fn run_blocking(&self, name: &str, job: BlockingJob) {
        // One that comes after the end is dropped.
        drop(self.shared.run_blocking(new_job(name, false, job)));
    }

    fn run_separate(&self, name: &str, job: BlockingJob) -> io::Result<()> {
        let taken = self.shared.run_blocking(new_job(name, true, job));
        taken.map_err(|_| io::Error::other("the simulation has ended"))
    }

    fn wait_in_job(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<(), Ended> {
        jobs::wait(&self.shared, future)
    }

    fn next_job(&self, name: &str) -> Result<(), Ended> {
        jobs::next(&self.shared, name)
    }

    fn keep(&self) -> Option<&Keep> {
        Some(&self.keep)
    }

    fn seed(&self) -> u64 {
        self.shared.lock().seeds.next()
    }

    fn waits_for(&self, what: &dyn fmt::Display) {
        let text = what.to_string();
        self.shared
            .with(|world| world.waits_for(|| Wait::Other(text)));
    }
}
