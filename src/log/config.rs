use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::{Layer, Registry};

use super::LogError;
use super::buffering::{Buffering, Overflow};
use super::date::DateFormat;
use super::format::{LogFormat, Look};
use super::handler::Handler;
use super::level::LogLevel;
use super::output::Output;
use super::panic_hook::{self, PanicHook};
use super::subscriber::{self, Front};

/// A set-up of logging; from [`basic_config`](super::basic_config).
///
/// | option | default |
/// |---|---|
/// | [`level`](Self::level) | info |
/// | [`format`](Self::format) | [`LogFormat::default`] |
/// | [`date_format`](Self::date_format) | that of the format |
/// | [`output`](Self::output) | the standard error stream |
/// | [`buffered`](Self::buffered) | true |
/// | [`buffer_size`](Self::buffer_size) | 1024 records |
/// | [`flush_interval`](Self::flush_interval) | 0.2 s |
/// | [`overflow`](Self::overflow) | [`Overflow::Wait`] |
/// | [`handler`](Self::handler), [`layer`](Self::layer) | none |
/// | [`panic_hook`](Self::panic_hook) | [`PanicHook::Log`] |
#[derive(Clone, Default)]
#[must_use = "nothing is set up until `init`"]
pub struct BasicConfig {
    level: Option<LogLevel>,
    format: Option<LogFormat>,
    date: Option<String>,
    output: Option<Output>,
    buffered: Option<bool>,
    buffer_size: Option<usize>,
    flush_interval: Option<Duration>,
    overflow: Option<Overflow>,
    handlers: Vec<Handler>,
    layers: Vec<Arc<UserLayer>>,
    panic_hook: Option<PanicHook>,
}

pub(super) type UserLayer = dyn Layer<Registry> + Send + Sync;

/// What the program has set up by itself. Whoever sets logging up holds it: one after the other.
static BY_HAND: Mutex<ByHand> = Mutex::new(ByHand {
    config: None,
    level: None,
});

struct ByHand {
    config: Option<BasicConfig>,
    /// The level that was set since.
    level: Option<LogLevel>,
}

fn by_hand() -> MutexGuard<'static, ByHand> {
    BY_HAND.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn set_level(level: LogLevel) {
    let mut by_hand = by_hand();
    by_hand.level = Some(level);
    subscriber::set_level(level);
}

/// What the program wants of panics when there is no entrypoint.
pub(super) fn panic_hook_by_hand() -> PanicHook {
    let by_hand = by_hand();
    let config = by_hand.config.as_ref();
    config.map_or(PanicHook::Leave, |config| {
        config.panic_hook.unwrap_or_default()
    })
}

impl BasicConfig {
    /// Sets the least level that is logged. [`set_level`](super::set_level) changes it later.
    pub fn level(mut self, level: LogLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Sets how a record looks. With [`LogFormat::Disabled`] there are the handlers and layers that are
    /// given here, and nothing else.
    pub fn format(mut self, format: LogFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets how dates and times look in formats that have them: in the words of
    /// [`DateFormat::strftime`].
    pub fn date_format(mut self, text: impl Into<String>) -> Self {
        self.date = Some(text.into());
        self
    }

    /// Sets where the log goes. Formats that speak to a daemon of the system (`syslog`, `journald`)
    /// go there by default.
    pub fn output(mut self, output: impl Into<Output>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// Whether records are buffered, and written by a thread. It concerns the handlers as well, each
    /// of which gets a thread of its own. Without, who logs writes by himself, one at a time; who waits
    /// for his turn waits no longer than [`Overflow::Wait`] says.
    ///
    /// Nothing is lost at the end of the process: what is in the buffers is written when an entrypoint
    /// ends, on a panic, at the end of `main`, and by [`std::process::exit`]. What waits when the
    /// process is killed is lost.
    pub fn buffered(mut self, on: bool) -> Self {
        self.buffered = Some(on);
        self
    }

    /// Sets how many records a buffer has room for (at least 1).
    pub fn buffer_size(mut self, records: usize) -> Self {
        self.buffer_size = Some(records);
        self
    }

    /// Sets how long a record waits in a buffer, at most.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = Some(interval);
        self
    }

    /// Sets what becomes of a record when a buffer is full.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// Adds a place to log to, in a format of its own.
    pub fn handler(mut self, handler: Handler) -> Self {
        self.handlers.push(handler);
        self
    }

    /// Adds a layer that gets what this level lets pass, and what happens to spans. A panic of it goes
    /// no further.
    ///
    /// What it answers to [`Layer::enabled`] is asked for each event. A layer with a filter of its own
    /// (`Layer::with_filter`) works in a subscriber of your own alone, where a [`Handler`] is a layer
    /// like others.
    pub fn layer(mut self, layer: impl Layer<Registry> + Send + Sync) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Sets what becomes of panics. What an entrypoint has set up by itself ends with it.
    pub fn panic_hook(mut self, panic_hook: PanicHook) -> Self {
        self.panic_hook = Some(panic_hook);
        self
    }

    /// Sets it up for the whole process, in place of what was set up before, which is written first.
    /// What the crate `log` is told goes there too.
    ///
    /// It changes nothing where the program has set a subscriber of `tracing` of its own.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the format is not compiled in, or the format of dates means nothing. Nothing
    /// has changed then.
    pub fn init(&self) -> Result<(), LogError> {
        let mut by_hand = by_hand();
        let before = self.apply()?;
        by_hand.level = None;
        let config = by_hand.config.replace(self.clone());
        // Closing what was there is code of the program's, and nobody waits for it.
        drop(by_hand);
        drop((before, config));
        Ok(())
    }

    /// Sets it up for an entrypoint: what the program has set up by itself stays where this says
    /// nothing else.
    pub(crate) fn init_over_what_is_there(self) -> Result<(), LogError> {
        let by_hand = by_hand();
        let under = by_hand.config.clone().unwrap_or_default();
        let over = Self {
            level: self.level.or(by_hand.level).or(under.level),
            // Another format has other dates, and speaks to somebody else.
            date: self
                .date
                .or_else(|| under.date.filter(|_| self.format.is_none())),
            format: self.format.or(under.format),
            output: self.output.or(under.output),
            buffered: self.buffered.or(under.buffered),
            buffer_size: self.buffer_size.or(under.buffer_size),
            flush_interval: self.flush_interval.or(under.flush_interval),
            overflow: self.overflow.or(under.overflow),
            handlers: [under.handlers, self.handlers].concat(),
            layers: [under.layers, self.layers].concat(),
            panic_hook: self.panic_hook.or(under.panic_hook),
        };
        let before = over.apply()?;
        drop(by_hand);
        drop(before);
        Ok(())
    }

    /// Gives what was there before.
    fn apply(&self) -> Result<Arc<Front>, LogError> {
        let mut handlers = Vec::new();
        let date = self.date.as_deref().map(DateFormat::strftime).transpose()?;
        let format = self.format.unwrap_or_default();
        let look = Look {
            date,
            output: self.output.clone(),
        };
        handlers.extend(format.handler(look)?);
        handlers.extend(self.handlers.iter().cloned());
        for handler in &handlers {
            if self.buffered.unwrap_or(true) {
                handler.output().buffer(self.buffering());
            } else {
                handler.output().unbuffered();
            }
        }
        let before = subscriber::set(Front {
            level: self.level.unwrap_or_default(),
            handlers,
            layers: self.layers.clone(),
        });
        panic_hook::set(self.panic_hook.unwrap_or_default());
        Ok(before)
    }

    fn buffering(&self) -> Buffering {
        let default = Buffering::default();
        Buffering::default()
            .records(self.buffer_size.unwrap_or(default.records))
            .interval(self.flush_interval.unwrap_or(default.interval))
            .overflow(self.overflow.unwrap_or(default.overflow))
    }
}

impl fmt::Debug for BasicConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicConfig")
            .field("level", &self.level)
            .field("format", &self.format)
            .field("date_format", &self.date)
            .field("output", &self.output)
            .field("buffered", &self.buffered)
            .field("buffer_size", &self.buffer_size)
            .field("flush_interval", &self.flush_interval)
            .field("overflow", &self.overflow)
            .field("handlers", &self.handlers)
            .field("layers", &self.layers.len())
            .field("panic_hook", &self.panic_hook)
            .finish()
    }
}
