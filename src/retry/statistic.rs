use std::ops::Deref;

use crate::statistic;
use crate::statistics::Instance;

statistic! {
    /// What becomes of the calls of one [`Backoff`](super::Backoff), by its name; asked for, the figures of
    /// each [`Retry`](super::Retry) come along.
    pub struct BackoffStatistic {
        /// Calls that began.
        pub calls: Counter,
        /// Attempts that began.
        pub attempts: Counter,
        /// Pauses that began.
        pub pauses: Counter,
        /// Calls that succeeded.
        pub done: Counter,
        /// Attempts that failed or took too long.
        pub errors: Counter,
        /// Calls that ended with an error.
        pub failed: Counter,
        /// Calls that were dropped before they ended.
        pub cancels: Counter,
        /// Retries that the budget did not allow.
        pub refused: Counter,
        /// The time that the attempts took, where there is a name.
        pub sum_time: Sum,
        /// How long the pauses were that came to their end.
        pub sum_pauses: Sum,
    }
}

statistic! {
    /// What becomes of the calls of one [`Retry`](super::Retry), by its name.
    pub struct RetryStatistic: BackoffStatistic {}
}

/// Either of them.
#[derive(Debug)]
pub(super) enum Figures {
    Backoff(Instance<BackoffStatistic>),
    Retry(Instance<RetryStatistic>),
}

impl Deref for Figures {
    type Target = BackoffStatistic;

    #[inline]
    fn deref(&self) -> &BackoffStatistic {
        match self {
            Self::Backoff(figures) => figures,
            Self::Retry(figures) => figures,
        }
    }
}
