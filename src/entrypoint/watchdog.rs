use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::say::say_within;
use super::tasks::NAMED;
use super::{Entrypoint, RunError, lock};

/// The exit status of a program whose stop took too long.
pub(super) const EXIT_OVERRAN: u8 = 70;

/// How long the orderly way may take to notice by itself that the time is over.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last words may take, since nobody may be reading them.
const SAID_WITHIN: Duration = Duration::from_millis(500);

/// How long the log may take to be written, when the time is over already.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// Whether a stop is watched over, and by what.
#[derive(Default)]
pub(super) enum Watch {
    /// The program is somebody else's.
    #[default]
    Off,
    /// From the moment that the stop begins.
    Ready,
    On {
        _watchdog: Watchdog,
    },
}

impl Watch {
    /// The stop begins.
    pub(super) fn begin(&mut self, entrypoint: &Entrypoint) {
        if let Self::Ready = self {
            let _watchdog = Watchdog::start(entrypoint);
            *self = Self::On { _watchdog };
        }
    }
}

/// An entrypoint whose stop is watched over, until this is dropped.
pub(super) struct WatchedOver(Entrypoint);

impl WatchedOver {
    pub(super) fn new(entrypoint: &Entrypoint) -> Self {
        *lock(&entrypoint.shared.watch) = Watch::Ready;
        Self(entrypoint.clone())
    }
}

impl Drop for WatchedOver {
    fn drop(&mut self) {
        *lock(&self.0.shared.watch) = Watch::Off;
    }
}

/// Ends the process when the stop takes too long, whatever the executor's threads are doing.
pub(super) struct Watchdog {
    over: Arc<(Mutex<bool>, Condvar)>,
}

impl Watchdog {
    /// Starts a thread that waits for the shutdown's time and a little more. Without a thread there
    /// is no watchdog; the log says so.
    fn start(entrypoint: &Entrypoint) -> Self {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let limit = entrypoint
            .settings()
            .shutdown_timeout()
            .saturating_add(GRACE);
        // It does not keep the services, which would then be dropped here, beside whatever comes next.
        let (watched, shared) = (Arc::clone(&over), Arc::downgrade(&entrypoint.shared));
        let watch = move || {
            let (over, ended) = &*watched;
            let guard = over.lock().unwrap_or_else(PoisonError::into_inner);
            let (over, _) = ended
                .wait_timeout_while(guard, limit, |over| !*over)
                .unwrap_or_else(PoisonError::into_inner);
            if !*over && let Some(shared) = shared.upgrade() {
                let entrypoint = Entrypoint { shared };
                let heard = say_within(SAID_WITHIN, move || name_stragglers(&entrypoint));
                write_log(heard);
                exit_now();
            }
        };
        if let Err(error) = thread::Builder::new()
            .name("aiomisc-watchdog".to_owned())
            .spawn(watch)
        {
            tracing::error!(%error, "no thread to watch over the shutdown");
        }
        Self { over }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
    }
}

/// Says what failed, and ends the process as a stop that took too long does: in the orderly way, or where that hangs, as it
/// may in a destructor or behind another thread that is doing the same, without it.
#[allow(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "this is the end of the program"
)]
pub(super) fn exit_overran(error: &RunError) -> ! {
    let late = Condvar::new();
    let watch = move || {
        let never = Mutex::new(());
        let guard = never.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = late.wait_timeout_while(guard, GRACE, |()| true);
        write_log(true);
        exit_now();
    };
    // Without a thread there is still the orderly way.
    let _ = thread::Builder::new()
        .name("aiomisc-watchdog".to_owned())
        .spawn(watch);
    error.report();
    write_log(true);
    std::process::exit(EXIT_OVERRAN.into())
}

/// Names the services that are not done, and their tasks.
fn name_stragglers(entrypoint: &Entrypoint) {
    let limit = entrypoint.settings().shutdown_timeout();
    let mut text = format!("aiomisc: the shutdown took longer than {limit:?}; still there:");
    let mut tasks = Vec::new();
    for service in entrypoint.services() {
        if !service.cell().is_gone() {
            text.push_str(&format!(" `{}` ({})", service.name(), service.state()));
            tasks.extend(entrypoint.tasks_named(service.name()));
        }
    }
    for task in tasks.iter().take(NAMED) {
        text.push_str(&format!("\naiomisc: still there: {task}"));
    }
    text.push('\n');
    // Nobody is left to hear of a failure.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes what is in the log's buffers, and tells how much was left if somebody may hear it.
fn write_log(heard: bool) {
    let left = crate::log::end(WRITTEN_WITHIN);
    if left > 0 && heard {
        say_within(SAID_WITHIN, move || {
            let _ = writeln!(
                io::stderr(),
                "aiomisc: {left} records of the log could not be written"
            );
        });
    }
}

fn exit_now() -> ! {
    #[cfg(unix)]
    signal_hook::low_level::exit(EXIT_OVERRAN.into());
    #[cfg(not(unix))]
    std::process::abort();
}
