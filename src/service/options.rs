use std::time::Duration;

/// The limits of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceOptions {
    /// How long `start` may take until the service has started. Default: 60 s.
    pub start_limit: Duration,
    /// How long the stop of this service may take, within the limit of the whole program.
    /// Default: 20 s.
    pub stop_limit: Duration,
}

impl ServiceOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long `start` may take.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Sets how long the stop may take.
    #[must_use]
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }

    /// What is wrong with these options.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &'static str> {
        let zero_start = self
            .start_limit
            .is_zero()
            .then_some("the start limit must not be zero");
        let zero_stop = self
            .stop_limit
            .is_zero()
            .then_some("the stop limit must not be zero");
        zero_start.into_iter().chain(zero_stop)
    }
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            start_limit: Duration::from_secs(60),
            stop_limit: Duration::from_secs(20),
        }
    }
}
