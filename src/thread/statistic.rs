use crate::statistic;

statistic! {
    /// What becomes of the jobs of one [`ThreadPool`](super::ThreadPool), by its name.
    pub struct ThreadPoolStatistic {
        /// Threads that run jobs.
        pub threads: Gauge,
        /// Jobs that were submitted.
        pub submitted: Counter,
        /// Jobs that have run.
        pub done: Counter,
        /// Jobs that have returned.
        pub success: Counter,
        /// Jobs that have panicked.
        pub error: Counter,
        /// The time that the jobs took.
        pub sum_time: Sum,
    }
}
