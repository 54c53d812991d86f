//! The fields of spans, kept for the events inside of them.

use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::record::{EachSpan, Spans};
use super::value::{OwnedValue, Value};

/// What a span carries, in an extension of it.
struct Fields(Vec<(&'static str, OwnedValue)>);

/// Keeps the fields of a new span, unless another handler has done it.
pub(super) fn keep<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<Fields>().is_none() {
        let mut fields = Fields(Vec::new());
        attributes.record(&mut fields);
        extensions.insert(fields);
    }
}

/// Keeps what was recorded later. Doing it twice changes nothing.
pub(super) fn keep_more<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<Fields>() {
        Some(fields) => values.record(fields),
        None => {
            let mut fields = Fields(Vec::new());
            values.record(&mut fields);
            extensions.insert(fields);
        }
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
    fn set(&mut self, field: &Field, value: Value<'_>) {
        let value = value.into();
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, Value::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, Value::U128(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::F64(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::Str(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.set(field, Value::Bytes(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, Value::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::Debug(value));
    }
}
