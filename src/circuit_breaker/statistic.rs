use crate::statistic;

statistic! {
    /// What becomes of the calls of one [`CircuitBreaker`](super::CircuitBreaker), by its name.
    pub struct CircuitBreakerStatistic {
        /// Calls that were asked for.
        pub call_count: Counter,
        /// Calls that went through while it was passing.
        pub call_passing: Counter,
        /// Calls that were refused while it was broken.
        pub call_broken: Counter,
        /// Calls that were asked for while it was recovering.
        pub call_recovering: Counter,
        /// Those of them that went through.
        pub call_recovering_ok: Counter,
        /// Those of them that were refused.
        pub call_recovering_failed: Counter,
        /// Calls that succeeded, in time.
        pub success: Counter,
        /// Calls that failed, or took too long.
        pub failure: Counter,
        /// Those of them that took too long.
        pub slow: Counter,
        /// Calls that were dropped, or whose errors are no failures.
        pub neither: Counter,
        /// How many times it broke.
        pub broken: Counter,
        /// The share of failures at which it breaks.
        pub error_ratio_threshold: FloatGauge,
        /// The share of failures in the window, as of the last look at it: a failure, or a question.
        pub error_ratio: FloatGauge,
    }
}
