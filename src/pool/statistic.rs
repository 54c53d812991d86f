use crate::statistic;

statistic! {
    /// What a [`Pool`](super::Pool) has and does, by its name.
    pub struct PoolStatistic {
        /// Places that are taken: objects, and those that are being made.
        pub size: Gauge,
        /// Objects that wait to be lent.
        pub idle: Gauge,
        /// Places that somebody has: objects that are lent, checked or being made.
        pub in_use: Gauge,
        /// Callers that wait for an object.
        pub waiting: Gauge,
        /// Objects that were lent.
        pub acquired: Counter,
        /// Calls that had no object when their time was over.
        pub timeouts: Counter,
        /// Calls that were refused, because as many waited as may.
        pub refused: Counter,
        /// Objects that were made.
        pub created: Counter,
        /// Objects that could not be made.
        pub create_errors: Counter,
        /// Objects whose check failed, or said that they are not good.
        pub check_errors: Counter,
        /// Objects that were destroyed.
        pub destroyed: Counter,
        /// Objects whose taking down failed, or took too long; they count as destroyed, too.
        pub destroy_errors: Counter,
        /// The time from the call to the object, if
        /// [`measure_wait`](super::PoolBuilder::measure_wait) asks for it.
        pub wait_time: Sum,
    }
}
