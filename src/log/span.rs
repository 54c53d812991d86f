//! The fields of spans, kept for the events inside of them.

use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::record::{EachSpan, Spans};
use super::value::{OwnedValue, Value};
use super::visit::EachField;

/// What a span carries, in an extension of it.
struct Fields(Vec<(&'static str, OwnedValue)>);

/// Keeps the fields of a new span, unless another handler has done it.
pub(super) fn keep<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    if span.extensions().get::<Fields>().is_some() {
        return;
    }
    let mut fields = Fields(Vec::new());
    attributes.record(&mut fields.visitor());
    span.extensions_mut().replace(fields);
}

/// Keeps what was recorded later. Doing it twice changes nothing.
///
/// The values are formatted before the span is locked: they may log, in this very span.
pub(super) fn keep_more<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut more = Fields(Vec::new());
    values.record(&mut more.visitor());
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<Fields>() {
        Some(fields) => {
            for (name, value) in more.0 {
                fields.set(name, value);
            }
        }
        None => extensions.insert(more),
    }
}

/// The spans of an event.
pub(super) struct Around<'a, S> {
    pub(super) event: &'a Event<'a>,
    pub(super) context: &'a Context<'a, S>,
}

impl<S> Spans for Around<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn each(&self, call: &mut EachSpan<'_>) {
        let Some(scope) = self.context.event_scope(self.event) else {
            return;
        };
        for span in scope.from_root() {
            let extensions = span.extensions();
            let fields = extensions
                .get::<Fields>()
                .map_or(&[][..], |fields| &fields.0);
            call(span.name(), fields);
        }
    }
}

impl Fields {
    fn visitor(&mut self) -> impl Visit {
        EachField(|name: &'static str, value: Value<'_>| self.set(name, value.into()))
    }

    fn set(&mut self, name: &'static str, value: OwnedValue) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}
