//! What stands between `tracing` and the handlers: one layer for the whole process, behind which
//! everything can be changed at any time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, span};
use tracing_log::{AsLog, log as facade};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, registry};

use super::config::UserLayer;
use super::exit;
use super::handler::Handler;
use super::level::LogLevel;
use super::nesting::Nested;
use super::span::{Around, keep, keep_more};
use crate::error::end_of_panic;

/// What is behind the layer.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) level: LogLevel,
    pub(super) handlers: Vec<Handler>,
    pub(super) layers: Vec<Arc<UserLayer>>,
}

static FRONT: LazyLock<ArcSwap<Front>> = LazyLock::new(|| ArcSwap::from_pointee(Front::nothing()));

/// Whether the process's subscriber is ours, once that was tried.
static OURS: OnceLock<Ours> = OnceLock::new();

/// What of the process is ours.
#[derive(Clone, Copy, Default)]
struct Ours {
    subscriber: bool,
    /// The logger of the crate `log`.
    logger: bool,
}

/// Puts this in place of what was there, after that was written. What was there is for the caller to
/// drop: closing its outputs is code of the program's.
pub(super) fn set(front: Front) -> Arc<Front> {
    exit::flush(None);
    let before = FRONT.swap(Arc::new(front));
    OURS.get_or_init(|| {
        // Somebody else's subscriber stays; then nothing here is ever called. So does a logger.
        let subscriber = tracing::subscriber::set_global_default(registry().with(Gate)).is_ok();
        let logger = subscriber && tracing_log::LogTracer::init().is_ok();
        Ours { subscriber, logger }
    });
    level_changed();
    before
}

pub(super) fn set_level(level: LogLevel) {
    FRONT.rcu(|front| Front {
        level,
        ..Front::clone(front)
    });
    level_changed();
}

pub(super) fn level() -> LogLevel {
    FRONT.load().level
}

/// Whether an error would be seen, and whether that is on the standard error stream.
pub(super) fn shows_errors() -> (bool, bool) {
    let front = FRONT.load();
    let shown =
        ours().subscriber && front.filter() >= LevelFilter::ERROR && front.level <= LogLevel::Error;
    (
        shown,
        shown
            && front
                .handlers
                .iter()
                .any(|handler| handler.output().is_stderr()),
    )
}

fn ours() -> Ours {
    OURS.get().copied().unwrap_or_default()
}

/// What was asked before may be answered otherwise now.
fn level_changed() {
    let ours = ours();
    if ours.logger {
        facade::set_max_level(FRONT.load().filter().as_log());
    }
    if ours.subscriber {
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Front {
    fn nothing() -> Self {
        Self {
            level: LogLevel::default(),
            handlers: Vec::new(),
            layers: Vec::new(),
        }
    }

    fn filter(&self) -> LevelFilter {
        if self.handlers.is_empty() && self.layers.is_empty() {
            LevelFilter::OFF
        } else {
            self.level.filter()
        }
    }
}

struct Gate;

fn is_on(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= FRONT.load().filter()
}

impl Layer<Registry> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_on(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, Registry>) -> bool {
        is_on(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(FRONT.load().filter())
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        let front = FRONT.load();
        if !front.level.allows(event.metadata()) {
            return;
        }
        let spans = Around {
            event,
            context: &context,
        };
        for handler in &front.handlers {
            handler.handle(event, &spans);
        }
        each_layer(|layer| {
            if layer.enabled(event.metadata(), context.clone())
                && layer.event_enabled(event, context.clone())
            {
                layer.on_event(event, context.clone());
            }
        });
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, Registry>,
    ) {
        // Handlers may come while the span lives.
        keep(attributes, id, &context);
        each_layer(|layer| layer.on_new_span(attributes, id, context.clone()));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, Registry>) {
        keep_more(id, values, &context);
        each_layer(|layer| layer.on_record(id, values, context.clone()));
    }

    fn on_follows_from(&self, id: &span::Id, follows: &span::Id, context: Context<'_, Registry>) {
        each_layer(|layer| layer.on_follows_from(id, follows, context.clone()));
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, Registry>) {
        each_layer(|layer| layer.on_enter(id, context.clone()));
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, Registry>) {
        each_layer(|layer| layer.on_exit(id, context.clone()));
    }

    fn on_close(&self, id: span::Id, context: Context<'_, Registry>) {
        each_layer(|layer| layer.on_close(id.clone(), context.clone()));
    }

    fn on_id_change(&self, old: &span::Id, new: &span::Id, context: Context<'_, Registry>) {
        each_layer(|layer| layer.on_id_change(old, new, context.clone()));
    }
}

/// What a layer does is not the business of who logs, nor one that panics that of the others; the
/// panic was said when it came.
fn each_layer(call: impl Fn(&UserLayer)) {
    /// Whether one has ever panicked.
    static HAVE_PANICKED: AtomicBool = AtomicBool::new(false);
    // In the hook for panics another one would end the process.
    if thread::panicking() && HAVE_PANICKED.load(Ordering::Relaxed) {
        return;
    }
    for layer in &FRONT.load().layers {
        let Some(_nested) = Nested::enter() else {
            return;
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(&**layer))) {
            end_of_panic(panic);
            HAVE_PANICKED.store(true, Ordering::Relaxed);
        }
    }
}
