//! Panics go to the log, and the log is written.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use tracing::Metadata;

use super::nesting::Nested;
use super::{exit, subscriber};
use crate::error::panic_text;
use crate::service::ServiceContext;

/// What becomes of a panic, besides what is done where it is caught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PanicHook {
    /// It is an error in the log, with its place, and its backtrace if `RUST_BACKTRACE` asks for one;
    /// the log is written at once. (One within a log call is left to the hook that was there before.)
    /// The hook that was there before is called as well, unless the log
    /// goes to the standard error stream, where it would say the same twice. The default.
    #[default]
    Log,
    /// As [`Log`](Self::Log), and the hook that was there before is always called.
    LogAndChain,
    /// It is left to the hook that was there before; the log is written at once.
    Leave,
}

static MODE: AtomicU8 = AtomicU8::new(PanicHook::Leave as u8);

/// A process that is about to end must not wait for long.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// Sets what becomes of panics from now on.
pub(super) fn set(mode: PanicHook) {
    static INSTALLED: Once = Once::new();
    MODE.store(mode as u8, Ordering::Relaxed);
    // A hook cannot be set then; the next one who sets a mode does it.
    if thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            on_panic(info, &*before);
            if cfg!(panic = "abort") {
                exit::end(Some(WRITTEN_WITHIN));
            } else {
                exit::flush(Some(WRITTEN_WITHIN));
            }
        }));
    });
}

fn on_panic(info: &PanicHookInfo<'_>, before: &dyn Fn(&PanicHookInfo<'_>)) {
    let mode = MODE.load(Ordering::Relaxed);
    let (shown, on_stderr) = subscriber::shows_errors();
    // A format or a layer that panics is not asked to log that: a panic in a hook ends the process.
    if mode == PanicHook::Leave as u8 || !shown || Nested::is_inside() {
        before(info);
        return;
    }
    report(info);
    if mode == PanicHook::LogAndChain as u8 || !on_stderr {
        before(info);
    }
}

thread_local! {
    /// Where the panic is that this thread is reporting.
    static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// What a panic is logged as.
const TARGET: &str = "panic";

/// Where the panic was that such a record is about.
pub(super) fn place_of(metadata: &Metadata<'_>) -> Option<(String, u32)> {
    if metadata.target() != TARGET {
        return None;
    }
    PLACE
        .try_with(|place| place.borrow().clone())
        .ok()
        .flatten()
}

fn report(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| (at.file().to_owned(), at.line()));
    let before = PLACE.try_with(|current| current.replace(place)).ok();
    log(info);
    let _ = PLACE.try_with(|current| current.replace(before.flatten()));
}

fn log(info: &PanicHookInfo<'_>) {
    let text = panic_text(info.payload());
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    let service = ServiceContext::current();
    let service = service.as_ref().map(ServiceContext::name);
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(target: TARGET, at, thread, service, %backtrace, "panicked: {text}");
    } else {
        tracing::error!(target: TARGET, at, thread, service, "panicked: {text}");
    }
}
