//! The figures as text for a scraper.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::family::{Family, Form, families};
use super::{Distribution, Value};

/// The `Content-Type` of what [`openmetrics`] gives.
pub const OPENMETRICS_CONTENT_TYPE: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Gives all figures in the text format of [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/),
/// complete with `# EOF`.
///
/// ```
/// let context = aiomisc::Context::new();
/// context.insert("value");
/// let text = aiomisc::statistics::openmetrics();
/// assert!(text.contains("\naiomisc_context_set_total 1\n"));
/// assert!(text.ends_with("\n# EOF\n"));
/// ```
///
/// Names are made of the crate that declares the kind, the kind without its `Statistic`, and the
/// metric: `aiomisc_context_get_total`. A [`Sum`](super::Sum) is a counter of seconds
/// (`…_seconds_total`), a [`Histogram`](super::Histogram) one of seconds. The name of an instance is
/// the label `name`.
///
/// Instances of one kind with the same name, or without any, are one line, with the sum of what they
/// say (of a [`FloatGauge`](super::FloatGauge): what the youngest says). A sum of counters falls when
/// one of them vanishes, which looks like a restart; where that matters, give each its name. Two kinds
/// of the same name, in different modules of one crate, are one kind here.
#[must_use]
pub fn openmetrics() -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(OpenMetricsCollector));
    let mut text = String::new();
    text::encode(&mut text, &registry).expect("a string takes any text");
    text
}

/// All figures, for a [`Registry`] that has more than those: a program that has metrics of
/// `prometheus-client` (version 0.25) shows both on one page.
///
/// ```
/// use aiomisc::statistics::OpenMetricsCollector;
/// # use prometheus_client::registry::Registry;
///
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(OpenMetricsCollector::new()));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OpenMetricsCollector;

impl OpenMetricsCollector {
    /// Makes one; there is nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Collector for OpenMetricsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        families()
            .iter()
            .try_for_each(|family| family.encode(&mut encoder))
    }
}

impl Family {
    fn encode(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let unit = (!self.form.unit().is_empty()).then_some(Unit::Seconds);
        let kind = match self.form {
            Form::Counter | Form::Sum => MetricType::Counter,
            Form::Gauge => MetricType::Gauge,
            Form::Histogram => MetricType::Histogram,
        };
        let mut to = to.encode_descriptor(&self.name, &escaped(self.help), unit.as_ref(), kind)?;
        for (name, value) in &self.samples {
            match name {
                Some(name) => encode(value, &mut to.encode_family(&[("name", &**name)])?)?,
                None => encode(value, &mut to)?,
            }
        }
        Ok(())
    }
}

fn encode(value: &Value, to: &mut MetricEncoder<'_>) -> fmt::Result {
    match value {
        Value::Counter(count) => to.encode_counter::<NoLabelSet, _, f64>(count, None),
        Value::Gauge(value) => to.encode_gauge(value),
        Value::Float(value) => to.encode_gauge(value),
        Value::Sum(sum) => to.encode_counter::<NoLabelSet, _, f64>(&sum.as_secs_f64(), None),
        Value::Histogram(all) => encode_histogram(all, to),
    }
}

fn encode_histogram(all: &Distribution, to: &mut MetricEncoder<'_>) -> fmt::Result {
    // The largest bound stands for none.
    let bound = |(bound, count): (Option<Duration>, u64)| {
        (
            bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64()),
            count,
        )
    };
    let buckets: Vec<_> = all.buckets().map(bound).collect();
    to.encode_histogram::<NoLabelSet>(all.sum().as_secs_f64(), all.count(), &buckets, None)
}

/// The encoder writes the help as it is.
fn escaped(help: &str) -> String {
    help.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"")
}
