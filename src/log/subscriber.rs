//! What stands between `tracing` and the handlers: one layer for the whole process, behind which
//! everything can be changed at any time.

use std::sync::{Arc, LazyLock, OnceLock};

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
use super::span::{Around, keep, keep_more};

/// What is behind the layer.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) level: LogLevel,
    pub(super) handlers: Vec<Handler>,
    pub(super) layers: Vec<Arc<UserLayer>>,
}

static FRONT: LazyLock<ArcSwap<Front>> = LazyLock::new(|| ArcSwap::from_pointee(Front::nothing()));

/// Whether the process's subscriber is ours, once that was tried.
static OURS: OnceLock<bool> = OnceLock::new();

/// Puts this in place of what was there, after that was written.
pub(super) fn set(front: Front) {
    exit::flush(None);
    FRONT.store(Arc::new(front));
    // Somebody else's subscriber stays; then nothing here is ever called.
    OURS.get_or_init(|| {
        let ours = tracing::subscriber::set_global_default(registry().with(Gate)).is_ok();
        if ours {
            // Somebody else's logger stays as well.
            let _ = tracing_log::LogTracer::init();
        }
        ours
    });
    level_changed();
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
    let shown = is_ours() && front.filter() >= LevelFilter::ERROR && front.level <= LogLevel::Error;
    (
        shown,
        shown
            && front
                .handlers
                .iter()
                .any(|handler| handler.output().is_stderr()),
    )
}

fn is_ours() -> bool {
    OURS.get().copied().unwrap_or(false)
}

/// What was asked before may be answered otherwise now.
fn level_changed() {
    if is_ours() {
        facade::set_max_level(FRONT.load().filter().as_log());
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
        for layer in &front.layers {
            if layer.enabled(event.metadata(), context.clone())
                && layer.event_enabled(event, context.clone())
            {
                layer.on_event(event, context.clone());
            }
        }
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

fn each_layer(call: impl Fn(&UserLayer)) {
    for layer in &FRONT.load().layers {
        call(&**layer);
    }
}
