use std::fmt;

/// A signal of the operating system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OsSignal(i32);

impl OsSignal {
    /// Ctrl-C.
    pub const INT: Self = Self(2);
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// The terminal has gone.
    pub const HUP: Self = Self(1);
    /// Ctrl-\.
    pub const QUIT: Self = Self(3);

    /// Takes a signal by its number.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// The signal's number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for OsSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(unix)]
        if let Some(name) = signal_hook::low_level::signal_name(self.0) {
            return f.write_str(name);
        }
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for OsSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OsSignal({self})")
    }
}

pub(super) use self::os::Handlers;

#[cfg(unix)]
mod os {
    use std::collections::HashMap;
    use std::fmt;
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, Weak};
    use std::thread;
    use std::time::Duration;

    use signal_hook::consts::FORBIDDEN;
    use signal_hook::flag::register_conditional_default;
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level;

    use super::super::say::say_within;
    use super::super::{Entrypoint, Shared, lock, log_stop};
    use super::OsSignal;
    use crate::service::{StopKind, StopReason};

    /// Which signals have an action of ours, and the switch that makes it the default one.
    /// An action once installed stays: taking it away would leave the signal without any.
    static INSTALLED: Mutex<Option<HashMap<i32, Action>>> = Mutex::new(None);

    /// Whether an entrypoint has the signals: there is one at a time.
    static TAKEN: AtomicBool = AtomicBool::new(false);

    /// How long the log may keep the next signal waiting.
    const SAID_WITHIN: Duration = Duration::from_millis(200);

    struct Action {
        act_by_default: Arc<AtomicBool>,
        /// Whether the signal ended the process before we came.
        was_default: bool,
    }

    /// Signals that stop an entrypoint; dropping it leaves them as they were.
    pub(in super::super) struct Handlers {
        signals: Vec<i32>,
        handle: Handle,
    }

    impl Handlers {
        /// Catches these signals for this entrypoint, unless another one has them.
        pub(in super::super) fn install(
            signals: &[OsSignal],
            entrypoint: &Entrypoint,
        ) -> io::Result<Option<Self>> {
            if signals.is_empty() {
                return Ok(None);
            }
            if let Some(signal) = signals.iter().find(|signal| FORBIDDEN.contains(&signal.0)) {
                let text = format!("signal {signal} cannot be caught");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            // What the system has no number for is a mistake of the caller's, not ours to try.
            if let Some(signal) = signals.iter().find(|signal| !(1..=64).contains(&signal.0)) {
                let text = format!("there is no signal {signal}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            if TAKEN.swap(true, Ordering::SeqCst) {
                tracing::warn!("another entrypoint of this process has the signals already");
                return Ok(None);
            }
            let signals: Vec<i32> = signals.iter().map(|signal| signal.0).collect();
            Self::catch(signals, Arc::downgrade(&entrypoint.shared))
                .inspect_err(|_| TAKEN.store(false, Ordering::SeqCst))
                .map(Some)
        }

        fn catch(signals: Vec<i32>, entrypoint: Weak<Shared>) -> io::Result<Self> {
            for signal in &signals {
                let mut installed = lock(&INSTALLED);
                let installed = installed.get_or_insert_default();
                if !installed.contains_key(signal) {
                    installed.insert(*signal, Action::new(*signal)?);
                }
            }
            let mut incoming = Signals::new(&signals)?;
            let handle = incoming.handle();
            // From here on they are ours, and given back when this is dropped.
            let handlers = Self { signals, handle };
            for (action, _) in handlers.actions(&lock(&INSTALLED)) {
                action.store(false, Ordering::SeqCst);
            }
            // A thread, not a task: it works also when the executor is stuck. It does not keep the
            // services, which would be dropped here, after the run.
            thread::Builder::new()
                .name("aiomisc-signals".to_owned())
                .spawn(move || {
                    let mut count = 0;
                    for signal in incoming.forever() {
                        count = arrived(&entrypoint, OsSignal(signal), count + 1);
                    }
                })?;
            Ok(handlers)
        }

        /// The switches of these signals, and what they were.
        fn actions<'a>(
            &self,
            installed: &'a Option<HashMap<i32, Action>>,
        ) -> impl Iterator<Item = (&'a AtomicBool, bool)> {
            let actions = self
                .signals
                .iter()
                .filter_map(|signal| installed.as_ref()?.get(signal));
            actions.map(|action| (&*action.act_by_default, action.was_default))
        }
    }

    impl Action {
        fn new(signal: i32) -> io::Result<Self> {
            let was_default = is_default(signal);
            let act_by_default = Arc::new(AtomicBool::new(was_default));
            register_conditional_default(signal, Arc::clone(&act_by_default))?;
            Ok(Self {
                act_by_default,
                was_default,
            })
        }
    }

    /// The first signal stops the program, the second cuts the drain, the third ends the process.
    /// A signal that comes when the stop has begun for another reason counts as the second. Gives
    /// the number that it counted as.
    fn arrived(entrypoint: &Weak<Shared>, signal: OsSignal, count: u32) -> u32 {
        if count >= 3 {
            crate::log::end(SAID_WITHIN);
            low_level::exit(128 + signal.0);
        }
        let Some(entrypoint) = entrypoint.upgrade().map(|shared| Entrypoint { shared }) else {
            return count;
        };
        let say = |reason: &StopReason| {
            let reason = reason.clone();
            say_within(SAID_WITHIN, move || log_stop(&reason));
        };
        if entrypoint.close_saying(StopKind::Signal(signal), say) {
            return 1;
        }
        // Said first: with the drain the process may end. Nobody else throws this switch.
        if !entrypoint.shared.cut.is_set() {
            say_within(SAID_WITHIN, move || {
                tracing::warn!(%signal, "the drain is cut");
            });
            entrypoint.shared.cut.set();
        }
        2
    }

    impl Drop for Handlers {
        fn drop(&mut self) {
            for (action, was_default) in self.actions(&lock(&INSTALLED)) {
                action.store(was_default, Ordering::SeqCst);
            }
            // The thread ends by itself; nobody waits for it.
            self.handle.close();
            TAKEN.store(false, Ordering::SeqCst);
        }
    }

    impl fmt::Debug for Handlers {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Handlers")
                .field("signals", &self.signals)
                .finish_non_exhaustive()
        }
    }

    /// Whether a signal is neither ignored nor caught. Handlers of others are called beside ours,
    /// so that nothing has to be put back for them.
    fn is_default(signal: i32) -> bool {
        // Asking the system itself takes unsafe code; without /proc the default is a good guess.
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
            return true;
        };
        let is_in = |set: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(set));
            let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
        };
        !is_in("SigIgn:") && !is_in("SigCgt:")
    }
}

#[cfg(not(unix))]
mod os {
    /// There are no signals here.
    #[derive(Debug)]
    pub(in super::super) struct Handlers;

    impl Handlers {
        pub(in super::super) fn install(
            _: &[super::OsSignal],
            _: &super::super::Entrypoint,
        ) -> std::io::Result<Option<Self>> {
            Ok(None)
        }
    }
}
