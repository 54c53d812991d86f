//! The figures for the recorder of the `metrics` facade.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, Unit};

use super::Value;
use super::family::{Family, Form, families};

const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Gives all figures to the recorder of the `metrics` facade (version 0.24): the one of this thread, or
/// else of the process. Without one this does nothing.
///
/// Call it from time to time, or before the recorder is read:
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::time::Duration;
///
/// let publishes = aiomisc::service_fn("publishes", |ctx: aiomisc::ServiceContext| async move {
///     ctx.ready();
///     ctx.until_stopping(async {
///         let mut ticks = aiomisc::time::interval(Duration::from_secs(10));
///         loop {
///             ticks.tick().await;
///             aiomisc::statistics::publish_metrics();
///         }
///     })
///     .await;
///     Ok(())
/// });
/// # aiomisc::run(async {}, aiomisc::services![publishes]).unwrap();
/// # }
/// ```
///
/// Names and the label `name` are those of the text for scrapers (feature `openmetrics`), without
/// `_total`: `aiomisc_context_get`. Counters are set, not added to. The facade has counters of whole
/// numbers alone and takes no histograms that are counted already, so that a [`Sum`](super::Sum) is a
/// gauge `…_seconds`, and of a [`Histogram`](super::Histogram) there are the counters
/// `…_seconds_bucket`, with the label `le`, and `…_seconds_count`, and the gauge `…_seconds_sum`.
///
/// # Panics
///
/// If the recorder does; nothing of ours is held then.
pub fn publish_metrics() {
    metrics::with_recorder(|recorder| {
        for family in families() {
            family.publish(recorder);
        }
    });
}

impl Family {
    fn publish(&self, to: &dyn Recorder) {
        let name = format!("{}{}", self.name, self.form.unit());
        self.describe(&name, to);
        for (instance, value) in &self.samples {
            let labels = instance
                .iter()
                .map(|name| Label::new("name", name.to_string()));
            publish(&name, labels.collect(), value, to);
        }
    }

    fn describe(&self, name: &str, to: &dyn Recorder) {
        let key = |suffix| KeyName::from(format!("{name}{suffix}"));
        match self.form {
            Form::Counter => to.describe_counter(key(""), None, self.help.into()),
            Form::Gauge => to.describe_gauge(key(""), None, self.help.into()),
            Form::Sum => to.describe_gauge(key(""), Some(Unit::Seconds), self.help.into()),
            Form::Histogram => {
                to.describe_counter(key("_bucket"), Some(Unit::Count), self.help.into());
                to.describe_counter(key("_count"), Some(Unit::Count), self.help.into());
                to.describe_gauge(key("_sum"), Some(Unit::Seconds), self.help.into());
            }
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "the facade has gauges of numbers with a fraction alone"
)]
fn publish(name: &str, labels: Vec<Label>, value: &Value, to: &dyn Recorder) {
    let key = Key::from_parts(name.to_owned(), labels);
    match value {
        Value::Counter(count) => to.register_counter(&key, &METADATA).absolute(*count),
        Value::Gauge(value) => to.register_gauge(&key, &METADATA).set(*value as f64),
        Value::Float(value) => to.register_gauge(&key, &METADATA).set(*value),
        Value::Sum(sum) => to.register_gauge(&key, &METADATA).set(sum.as_secs_f64()),
        Value::Histogram(all) => {
            let part = |suffix: &str| {
                let labels: Vec<_> = key.labels().cloned().collect();
                Key::from_parts(format!("{name}{suffix}"), labels)
            };
            let mut up_to = 0;
            for (bound, count) in all.buckets() {
                up_to += count;
                let le = bound.map_or_else(|| "+Inf".to_owned(), |b| b.as_secs_f64().to_string());
                let bucket = part("_bucket").with_extra_labels(vec![Label::new("le", le)]);
                to.register_counter(&bucket, &METADATA).absolute(up_to);
            }
            to.register_counter(&part("_count"), &METADATA)
                .absolute(up_to);
            to.register_gauge(&part("_sum"), &METADATA)
                .set(all.sum().as_secs_f64());
        }
    }
}
