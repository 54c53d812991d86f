use crate::statistic;

statistic! {
    /// How one iterator on a thread goes, by its name. All but `started` move once for several items.
    pub struct IteratorStatistic {
        /// Whether its producer has begun.
        pub started: Counter,
        /// How many items may be ahead of the consumer; 0 for any number.
        pub queue_size: Gauge,
        /// How many items were ahead of the consumer, when it last looked.
        pub queue_length: Gauge,
        /// Items that were produced.
        pub enqueued: Counter,
        /// Items that were handed to the consumer.
        pub yielded: Counter,
    }
}
