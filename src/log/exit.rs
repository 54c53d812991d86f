//! What has been logged is written before the process ends, whoever ends it.

use std::panic::catch_unwind;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::buffer::{Buffer, STUCK};
use crate::error::end_of_panic;

/// The buffers that there are.
static ALL: Mutex<Vec<Weak<Buffer>>> = Mutex::new(Vec::new());

/// Has the buffer written when the process ends.
pub(super) fn watch(buffer: &Arc<Buffer>) {
    static HOOKED: Once = Once::new();
    // Without the hook, what a plain `exit` finds in the buffers is lost.
    HOOKED.call_once(|| {
        let _hooked = shutdown_hooks::add_shutdown_hook(at_exit);
    });
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    if !all
        .iter()
        .any(|known| known.as_ptr() == Arc::as_ptr(buffer))
    {
        all.push(Arc::downgrade(buffer));
    }
}

/// Called by the system at the end of `main` and by `std::process::exit`.
extern "C" fn at_exit() {
    // It must not unwind into the system's code, and nobody is left to hear of it.
    if let Err(panic) = catch_unwind(|| end(None)) {
        end_of_panic(panic);
    }
}

/// Whether there is nothing to write.
pub(super) fn is_written() -> bool {
    all()
        .iter()
        .all(|buffer| buffer.left(buffer.accepted()) == 0)
}

/// Writes everything; whether it was written.
pub(super) fn flush(limit: Option<Duration>) -> bool {
    let until = Until::new(limit);
    let targets: Vec<_> = all()
        .into_iter()
        .map(|buffer| (buffer.accepted(), buffer))
        .collect();
    let mut done = true;
    for (target, buffer) in targets {
        done &= buffer.wait_until_settled(target, &|| until.patience());
    }
    done
}

/// Writes everything and closes the logs, for the process ends now. Tells how many records could
/// not be written within the limit; without one, it waits as long as something moves.
///
/// Nothing is accepted after it has begun: the last thing written is a whole record, also when the
/// process ends while other threads go on.
///
/// Who comes second waits for the first, within his own limit, and no longer: the process has waited
/// once.
pub(super) fn end(limit: Option<Duration>) -> u64 {
    let ending = Ending::begin(limit);
    let limit = ending.as_ref().map_or(Some(Duration::ZERO), |_| limit);
    let until = Until::new(limit);
    let targets: Vec<_> = all()
        .into_iter()
        .map(|buffer| (buffer.begin_end(), buffer))
        .collect();
    let mut left = 0;
    for (target, buffer) in targets {
        if !buffer.wait_until_ended(&|| until.patience()) {
            left += buffer.left(target);
        }
    }
    left
}

/// The first end of the logs, until this is dropped.
struct Ending(());

/// Who ends the logs.
enum Ends {
    Nobody,
    Now(ThreadId),
    Done,
}

static ENDS: (Mutex<Ends>, Condvar) = (Mutex::new(Ends::Nobody), Condvar::new());

impl Ending {
    /// Begins it. Nothing when it has begun before; then it is over, or the limit is.
    fn begin(limit: Option<Duration>) -> Option<Self> {
        let (ends, over) = &ENDS;
        let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        let this = thread::current().id();
        match *ends {
            Ends::Nobody => {
                *ends = Ends::Now(this);
                return Some(Self(()));
            }
            // A sink that ends the process when it is closed.
            Ends::Now(thread) if thread == this => return None,
            Ends::Now(_) | Ends::Done => {}
        }
        let is_now = |ends: &mut Ends| matches!(ends, Ends::Now(_));
        match limit {
            Some(limit) => drop(over.wait_timeout_while(ends, limit, is_now)),
            None => drop(over.wait_while(ends, is_now)),
        }
        None
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        *ENDS.0.lock().unwrap_or_else(PoisonError::into_inner) = Ends::Done;
        ENDS.1.notify_all();
    }
}

fn all() -> Vec<Arc<Buffer>> {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter_map(Weak::upgrade).collect()
}

/// How long to wait yet. The log belongs to no runtime, and its time is the system's.
struct Until(Option<Instant>);

impl Until {
    #[allow(clippy::disallowed_methods, reason = "outside of any runtime")]
    fn new(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    #[allow(clippy::disallowed_methods, reason = "outside of any runtime")]
    fn patience(&self) -> Duration {
        match self.0 {
            Some(end) => end.saturating_duration_since(Instant::now()).min(STUCK),
            None => STUCK,
        }
    }
}
