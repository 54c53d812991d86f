use crate::statistic;

statistic! {
    /// What becomes of the calls of one timer, by its name.
    pub struct TimerStatistic {
        /// Calls that have begun.
        pub call_count: Counter,
        /// Calls that have returned without an error.
        pub done: Counter,
        /// Calls that have returned an error, or panicked.
        pub fail: Counter,
        /// Calls that have returned an error which is to be suppressed.
        pub suppressed: Counter,
        /// The time that the calls took.
        pub sum_time: Sum,
        /// Calls that should have been made, and were not, because others took too long.
        pub missed: Counter,
        /// How often the strategy said that there is to be no call.
        pub skipped: Counter,
    }
}
