use crate::statistic;

statistic! {
    /// What an [`Aggregator`](super::Aggregator) does, by its name.
    pub struct AggregateStatistic {
        /// How long a batch waits for more calls, in milliseconds.
        pub leeway_ms: FloatGauge,
        /// How many calls make a batch full; 0 if any number does not.
        pub max_count: Gauge,
        /// Calls, with those that were refused.
        pub calls: Counter,
        /// Calls that were refused, because as many waited as may.
        pub refused: Counter,
        /// Batches whose function has returned.
        pub success: Counter,
        /// Batches whose function has failed or panicked.
        pub error: Counter,
        /// Batches that have run.
        pub done: Counter,
    }
}
