use std::cell::RefCell;
use std::fmt;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;

use crate::flag::Flag;
use crate::future::{Either, catch_panic, race};
use crate::runtime::{Runtime, park_until};

thread_local! {
    /// The job that runs on this thread. None while a future is polled here: that is asynchronous code.
    static JOB: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// What a job's thread knows of its job.
#[derive(Clone)]
struct Here {
    runtime: Runtime,
    cut: Arc<Flag>,
}

/// Marks the thread as that of a job, until this is dropped.
pub(super) struct Entered(Option<Here>);

pub(super) fn enter(runtime: &Runtime, cut: &Arc<Flag>) -> Entered {
    let here = Here {
        runtime: runtime.unowned(),
        cut: Arc::clone(cut),
    };
    Entered(JOB.replace(Some(here)))
}

impl Drop for Entered {
    fn drop(&mut self) {
        JOB.set(self.0.take());
    }
}

/// Whether the calling thread runs a job, and may block.
pub(super) fn is_job() -> bool {
    // A thread whose locals are gone already runs no job.
    JOB.try_with(|job| job.borrow().is_some()).unwrap_or(false)
}

/// Says that the job is to give up and clean up: its pool was shut down and the time for that is over, or
/// its runtime has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool of threads was shut down, and its time is over")
    }
}

impl std::error::Error for Cut {}

/// Blocks the calling job's thread until the future is ready, in the way that its runtime wants it: in a
/// simulation the tasks go on meanwhile. On a thread without a job it sleeps between polls.
///
/// # Panics
///
/// With the future's panic.
pub(crate) fn wait<F: Future>(future: F) -> Result<F::Output, Cut> {
    let Some(here) = take() else {
        let mut output = None;
        park_until(pin!(async { output = Some(future.await) }));
        return output.ok_or(Cut);
    };
    let mut outcome = None;
    let waited = {
        let _back = Back(Some(here.clone()));
        let until = race(catch_panic(future), here.cut.wait());
        let waiting = pin!(async { outcome = Some(until.await) });
        here.runtime.backend().wait_in_job(waiting)
    };
    match outcome {
        Some(Either::First(Ok(output))) if waited.is_ok() => Ok(output),
        Some(Either::First(Err(payload))) => resume_unwind(payload),
        _ => Err(Cut),
    }
}

/// As `wait`, for a job that waits on this runtime, which the thread drives meanwhile if it is one that
/// nobody else may drive.
///
/// # Panics
///
/// With the future's panic.
pub(super) fn wait_on<F: Future>(runtime: &Runtime, future: F) -> Result<F::Output, Cut> {
    let here = take();
    let _back = Back(here.clone());
    let Some(here) = here else {
        return Ok(runtime.block_on(future));
    };
    match runtime.block_on(race(future, here.cut.wait())) {
        Either::First(output) => Ok(output),
        Either::Second(()) => Err(Cut),
    }
}

/// What is thrown when the calling thread's job, if it runs one, is to give up.
pub(crate) fn cut() -> Option<Arc<Flag>> {
    JOB.with_borrow(|here| here.as_ref().map(|here| Arc::clone(&here.cut)))
}

/// Whether the calling thread's job, if it runs one, is to wait for this runtime as for its own: that it
/// is, or a simulation, which goes on as long as a job of it waits.
pub(super) fn is_own(runtime: &Runtime) -> bool {
    JOB.with_borrow(|here| {
        here.as_ref().is_some_and(|here| {
            here.runtime.same_as(runtime) || here.runtime.backend().keep().is_some()
        })
    })
}

fn take() -> Option<Here> {
    JOB.try_with(|job| job.take()).ok().flatten()
}

/// Puts the mark of the job back when the wait is over.
struct Back(Option<Here>);

impl Drop for Back {
    fn drop(&mut self) {
        JOB.set(self.0.take());
    }
}
