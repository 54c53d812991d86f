use crate::statistic;

statistic! {
    /// What becomes of the calls of one [`Bulkhead`](super::Bulkhead), by its name.
    pub struct BulkheadStatistic {
        /// Calls that had a place.
        pub entered: Counter,
        /// Calls that found the queue full.
        pub refused: Counter,
        /// Calls that waited too long.
        pub late: Counter,
        /// Calls that have a place.
        pub running: Gauge,
        /// Calls that wait for one.
        pub waiting: Gauge,
    }
}

statistic! {
    /// What becomes of the calls of one [`RateLimiter`](super::RateLimiter), by its name.
    pub struct RateLimiterStatistic {
        /// Calls that were let through.
        pub passed: Counter,
        /// Calls that were let through after a wait.
        pub delayed: Counter,
        /// Calls that found the queue full, or did not wait.
        pub refused: Counter,
        /// Calls that waited too long.
        pub late: Counter,
    }
}

statistic! {
    /// What becomes of the calls of one [`LoadShed`](super::LoadShed), by its name.
    pub struct LoadShedStatistic {
        /// Calls that were let through.
        pub passed: Counter,
        /// Calls that were not.
        pub shed: Counter,
        /// Calls that took longer than they should.
        pub slow: Counter,
        /// How many calls may be on their way at the same time now.
        pub limit: FloatGauge,
    }
}

statistic! {
    /// What becomes of the calls of one [`Hedge`](super::Hedge), by its name.
    pub struct HedgeStatistic {
        /// Calls that began.
        pub calls: Counter,
        /// Attempts beside the first.
        pub hedges: Counter,
        /// Calls that one of those has won.
        pub won: Counter,
        /// Calls all of whose attempts have failed.
        pub failed: Counter,
        /// Attempts that the budget did not allow.
        pub refused: Counter,
    }
}

statistic! {
    /// What becomes of the calls of one [`Fallback`](super::Fallback), by its name.
    pub struct FallbackStatistic {
        /// Errors that the fallback was asked about.
        pub asked: Counter,
        /// Those of them that became values.
        pub recovered: Counter,
    }
}
