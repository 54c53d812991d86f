use std::fmt;
use std::time::Duration;

/// What happens when a service fails after it has started: its running part gives an error or
/// panics, or one of its tasks does.
///
/// A service that fails before it has started for the first time fails the start, whatever its
/// policy is. One whose running part returns `Ok` has finished, and did not fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The program stops, and its run is an error that names the service.
    #[default]
    StopAll,
    /// The service is stopped and started again, by the same object; see [`Restart`].
    Restart(Restart),
    /// The program goes on without the service. Its state tells.
    Ignore,
}

impl From<Restart> for Policy {
    fn from(restart: Restart) -> Self {
        Self::Restart(restart)
    }
}

/// How often, and after which pauses, a service that failed is started again.
///
/// 1. The old life ends first: `stop` is called, what still runs is dropped, the tasks are aborted.
/// 2. Then comes a pause: the first is [`pause`](Self::pause) long, each further one twice as long
///    as the one before, up to [`max_pause`](Self::max_pause). With [`jitter`](Self::jitter) the
///    length is drawn evenly between zero and that. It begins anew with a service that has lived for
///    [`within`](Self::within).
/// 3. Then `start` is called again, under the same limit. Failing in it counts like failing later.
/// 4. A service that fails when it was started again [`limit`](Self::limit) times within the last
///    [`within`](Self::within) stops the program, like one under [`Policy::StopAll`].
///
/// The other services do not notice, also those that depend on it.
///
/// ```
/// use aiomisc::service::{Restart, ServiceOptions};
/// use std::time::Duration;
///
/// let options = ServiceOptions::new().policy(Restart::new().pause(Duration::from_secs(1)).limit(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// The first pause. Default: 0.1 s.
    pub pause: Duration,
    /// The longest pause. Default: 30 s.
    pub max_pause: Duration,
    /// Whether a pause is drawn by chance, evenly between zero and its length. Default: true.
    pub jitter: bool,
    /// How many starts are allowed within the time of `within`. Default: 5.
    pub limit: usize,
    /// The time in which starts are counted. Default: 60 s.
    pub within: Duration,
}

impl Restart {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the first pause.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets the longest pause.
    #[must_use]
    pub fn max_pause(mut self, pause: Duration) -> Self {
        self.max_pause = pause;
        self
    }

    /// Sets whether pauses are drawn by chance.
    #[must_use]
    pub fn jitter(mut self, on: bool) -> Self {
        self.jitter = on;
        self
    }

    /// Sets how many starts are allowed.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the time in which starts are counted.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// The longest that the pause after this many in a row may be.
    pub(crate) fn pause_after(&self, in_a_row: u32) -> Duration {
        let factor = 1_u32.checked_shl(in_a_row).unwrap_or(u32::MAX);
        self.pause.saturating_mul(factor).min(self.max_pause)
    }

    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let none = (self.limit == 0).then(|| {
            "restart: expected a limit of at least 1, got 0 (`Policy::StopAll` never restarts)"
                .to_owned()
        });
        let zero = self
            .within
            .is_zero()
            .then(|| "restart: expected `within` above zero, got 0".to_owned());
        let shrinking = (self.pause > self.max_pause).then(|| {
            format!(
                "restart: expected a first pause up to the longest one of {:?}, got {:?}",
                self.max_pause, self.pause
            )
        });
        none.into_iter().chain(zero).chain(shrinking)
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(30),
            jitter: true,
            limit: 5,
            within: Duration::from_secs(60),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StopAll => "stop all",
            Self::Restart(_) => "restart",
            Self::Ignore => "ignore",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let restart = Restart::new();
        let pauses = [0, 1, 2, 8, 9, 40, u32::MAX].map(|n| restart.pause_after(n).as_millis());
        assert_eq!(pauses, [100, 200, 400, 25_600, 30_000, 30_000, 30_000]);
    }
}
