use std::ops::RangeInclusive;
use std::time::Duration;

/// How good the way between two hosts is; for [`Network::set`](super::Network::set).
///
/// [`new`](Self::new) is the ideal network: everything arrives at once, in order, and once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "it says something only when it is set"]
pub struct Conditions {
    pub(super) latency: (u64, u64),
    pub(super) bandwidth: Option<u64>,
    pub(super) loss: f64,
    pub(super) reorder: f64,
    pub(super) duplicate: f64,
}

impl Conditions {
    /// The ideal network.
    pub fn new() -> Self {
        Self {
            latency: (0, 0),
            bandwidth: None,
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
        }
    }

    /// How long everything is under way. Default: no time.
    pub fn latency(self, latency: Duration) -> Self {
        self.latency_between(latency..=latency)
    }

    /// How long everything is under way: a time in this range, drawn anew for each packet. What
    /// belongs together stays in order. Default: no time.
    pub fn latency_between(mut self, range: RangeInclusive<Duration>) -> Self {
        let nanos = |length: &Duration| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX / 4);
        let low = nanos(range.start());
        self.latency = (low, nanos(range.end()).max(low));
        self
    }

    /// How many bytes a second go in each direction, for all connections together (at least 1).
    /// Headers and acknowledgements cost nothing. Datagrams that would have to wait more than a
    /// second for their turn are lost. Default: any number.
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second.max(1));
        self
    }

    /// The probability that a datagram is lost, from 0 to 1 (brought into this range). Streams lose
    /// nothing. Default: 0.
    pub fn loss(mut self, probability: f64) -> Self {
        self.loss = probability;
        self
    }

    /// The probability that a datagram is held up for up to [`HELD_UP`](super::HELD_UP), so that
    /// later ones overtake it. Default: 0, which keeps them in order.
    pub fn reorder(mut self, probability: f64) -> Self {
        self.reorder = probability;
        self
    }

    /// The probability that a datagram arrives twice. Default: 0.
    pub fn duplicate(mut self, probability: f64) -> Self {
        self.duplicate = probability;
        self
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Self::new()
    }
}
