use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Distribution, Kind, Statistic};

/// One number of one instance of a kind; from [`statistics`](super::statistics()).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Figure {
    /// Which kind it is of.
    pub kind: &'static Kind,
    /// Which instance, if it has a name.
    pub name: Option<Arc<str>>,
    /// What the number is of.
    pub metric: &'static str,
    /// What the kind's declaration says about it.
    pub help: &'static str,
    /// The number.
    pub value: Value,
}

impl Figure {
    /// Whether it is of this kind, or of one that has it as its parent.
    #[must_use]
    pub fn is_of<K: Statistic>(&self) -> bool {
        self.kind.is::<K>()
    }
}

/// `ThreadPoolStatistic default done 17`; without a name `ContextStatistic None get 0`
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("None");
        write!(f, "{} {name} {} {}", self.kind, self.metric, self.value)
    }
}

/// What a figure says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Of a [`Counter`](super::Counter).
    Counter(u64),
    /// Of a [`Gauge`](super::Gauge).
    Gauge(i64),
    /// Of a [`FloatGauge`](super::FloatGauge).
    Float(f64),
    /// Of a [`Sum`](super::Sum).
    Sum(Duration),
    /// Of a [`Histogram`](super::Histogram).
    Histogram(Box<Distribution>),
}

impl Value {
    /// The value as one number, sums in seconds; `None` for a histogram, which is more than one.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "who wants a number with a fraction lives with its precision"
    )]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Counter(count) => Some(*count as f64),
            Self::Gauge(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Sum(length) => Some(length.as_secs_f64()),
            Self::Histogram(_) => None,
        }
    }
}

/// The number, sums in seconds: `17`, `0.25`; of a histogram `3 in 0.25`, the count and the sum
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(count) => count.fmt(f),
            Self::Gauge(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Sum(length) => length.as_secs_f64().fmt(f),
            Self::Histogram(all) => {
                write!(f, "{} in {}", all.count(), all.sum().as_secs_f64())
            }
        }
    }
}
