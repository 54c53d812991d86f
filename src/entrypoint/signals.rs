//! The signals of one entrypoint.

use std::sync::Arc;
use std::time::Duration;

use super::{Entrypoint, Failures};
use crate::error::end_of_panic;
use crate::future::{Either, Panic, run_until};
use crate::service::{ServiceCell, ServiceHandle};
use crate::signal::{
    Lifecycle, Limits, POST_START, POST_STOP, PRE_START, PRE_STOP, START_FAILED, Services, Signal,
    StartFailed,
};

/// How long each receiver may take at the start, and the most at the stop.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Those of the program, with the receivers that this entrypoint has besides.
pub(super) struct LifecycleSignals {
    pub(super) pre_start: Signal<Lifecycle>,
    pub(super) post_start: Signal<Lifecycle>,
    pub(super) pre_stop: Signal<Lifecycle>,
    pub(super) post_stop: Signal<Lifecycle>,
    pub(super) start_failed: Signal<StartFailed>,
}

impl LifecycleSignals {
    /// Without receivers.
    pub(super) fn new() -> Self {
        Self {
            pre_start: Signal::new(PRE_START.name()),
            post_start: Signal::new(POST_START.name()),
            pre_stop: Signal::new(PRE_STOP.name()),
            post_stop: Signal::new(POST_STOP.name()),
            start_failed: Signal::new(START_FAILED.name()),
        }
    }

    /// The receivers that the program's signals have at this moment.
    pub(super) fn copied() -> Self {
        Self {
            pre_start: PRE_START.copy(),
            post_start: POST_START.copy(),
            pre_stop: PRE_STOP.copy(),
            post_stop: POST_STOP.copy(),
            start_failed: START_FAILED.copy(),
        }
    }

    /// With the receivers of these after those that are here.
    pub(super) fn and(self, others: &Self) -> Self {
        self.pre_start.extend(&others.pre_start);
        self.post_start.extend(&others.post_start);
        self.pre_stop.extend(&others.pre_stop);
        self.post_stop.extend(&others.post_stop);
        self.start_failed.extend(&others.start_failed);
        self
    }

    /// The signal here that this one of the program's stands for.
    pub(super) fn own(&self, template: &'static Signal<Lifecycle>) -> Option<&Signal<Lifecycle>> {
        let pairs = [
            (&PRE_START, &self.pre_start),
            (&POST_START, &self.post_start),
            (&PRE_STOP, &self.pre_stop),
            (&POST_STOP, &self.post_stop),
        ];
        let mut pairs = pairs.into_iter();
        let (_, own) = pairs.find(|(of_program, _)| std::ptr::eq(*of_program, template))?;
        Some(own)
    }

    pub(super) fn freeze(&self) {
        self.pre_start.freeze();
        self.post_start.freeze();
        self.pre_stop.freeze();
        self.post_stop.freeze();
        self.start_failed.freeze();
    }
}

impl Clone for LifecycleSignals {
    fn clone(&self) -> Self {
        Self::new().and(self)
    }
}

impl Entrypoint {
    pub(super) async fn call_pre_start(
        &self,
        cells: &[Arc<ServiceCell>],
        failures: &Failures,
    ) -> bool {
        self.call_at_start(&self.shared.signals.pre_start, cells, failures)
            .await
    }

    pub(super) async fn call_post_start(
        &self,
        cells: &[Arc<ServiceCell>],
        failures: &Failures,
    ) -> bool {
        self.call_at_start(&self.shared.signals.post_start, cells, failures)
            .await
    }

    pub(super) async fn call_pre_stop(&self, cells: &[Arc<ServiceCell>], failures: &Failures) {
        self.call_at_stop(&self.shared.signals.pre_stop, cells, failures)
            .await;
    }

    pub(super) async fn call_post_stop(&self, cells: &[Arc<ServiceCell>], failures: &Failures) {
        self.call_at_stop(&self.shared.signals.post_stop, cells, failures)
            .await;
    }

    pub(super) async fn call_start_failed(&self, cells: &[Arc<ServiceCell>], failures: &Failures) {
        let signal = &self.shared.signals.start_failed;
        if !signal.has_receivers() {
            return;
        }
        let event = StartFailed {
            entrypoint: self.clone(),
            services: services(cells),
            errors: failures.texts().into(),
        };
        self.call_until_cut(signal, event, failures).await;
    }

    /// Whether all receivers did well, and the stop has not begun.
    async fn call_at_start(
        &self,
        signal: &Signal<Lifecycle>,
        cells: &[Arc<ServiceCell>],
        failures: &Failures,
    ) -> bool {
        if !signal.has_receivers() {
            return true;
        }
        let called = signal.call_within(
            self.lifecycle(cells),
            Limits::of_each(self.runtime(), START_LIMIT),
        );
        match run_until(called, self.closing()).await {
            Ok(Either::First(called)) => failures.add_receivers(called),
            Ok(Either::Second(())) => false,
            Err(panic) => {
                dropped_badly(signal, panic);
                false
            }
        }
    }

    async fn call_at_stop(
        &self,
        signal: &Signal<Lifecycle>,
        cells: &[Arc<ServiceCell>],
        failures: &Failures,
    ) {
        if !signal.has_receivers() {
            return;
        }
        self.call_until_cut(signal, self.lifecycle(cells), failures)
            .await;
    }

    async fn call_until_cut<E: Clone + Send + Sync + 'static>(
        &self,
        signal: &Signal<E>,
        event: E,
        failures: &Failures,
    ) {
        let called = signal.call_within(event, self.stop_limits());
        match run_until(called, self.shared.cut.wait()).await {
            Ok(Either::First(called)) => {
                failures.add_receivers(called);
            }
            Ok(Either::Second(())) => tracing::warn!(signal = signal.name(), "receivers were cut"),
            Err(panic) => dropped_badly(signal, panic),
        }
    }

    /// One that hangs leaves time for the others, and all of them for the services.
    fn stop_limits(&self) -> Limits<'_> {
        let each = (self.shared.settings.shutdown_timeout() / 8).min(STOP_LIMIT);
        Limits::of_each(self.runtime(), each).and_of_all(2 * each)
    }

    fn lifecycle(&self, cells: &[Arc<ServiceCell>]) -> Lifecycle {
        Lifecycle {
            entrypoint: self.clone(),
            services: services(cells),
        }
    }
}

fn dropped_badly<E>(signal: &Signal<E>, panic: Panic) {
    let panic = end_of_panic(panic);
    tracing::error!(signal = signal.name(), %panic, "a receiver panicked when it was dropped");
}

fn services(cells: &[Arc<ServiceCell>]) -> Services {
    cells.iter().cloned().map(ServiceHandle::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receivers_of_an_entrypoint_come_after_those_of_the_program() {
        let program = PRE_START.connect_as("the program's", |_| async { Ok(()) });
        let program = program.expect("not frozen");
        let own = LifecycleSignals::new();
        for template in [&PRE_START, &POST_START, &PRE_STOP, &POST_STOP] {
            let signal = own.own(template).expect("each has its own");
            assert_eq!(signal.name(), template.name());
            let connected = signal.connect_as(template.name(), |_| async { Ok(()) });
            connected.expect("not frozen");
        }
        let failed = own.start_failed.connect_as("failed", |_| async { Ok(()) });
        failed.expect("not frozen");

        let entrypoint = LifecycleSignals::copied().and(&own.clone());
        assert_eq!(PRE_START.disconnect(program), Ok(true));
        let names = |signal: &dyn std::fmt::Debug| {
            let text = format!("{signal:?}");
            let receivers = text.split("attached").next().unwrap_or_default();
            let names = receivers.split('`').skip(1).step_by(2);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            names(&entrypoint.pre_start),
            ["the program's", PRE_START.name()]
        );
        assert_eq!(names(&entrypoint.post_start), [POST_START.name()]);
        assert_eq!(names(&entrypoint.pre_stop), [PRE_STOP.name()]);
        assert_eq!(names(&entrypoint.post_stop), [POST_STOP.name()]);
        assert_eq!(names(&entrypoint.start_failed), ["failed"]);
        assert_eq!(names(&LifecycleSignals::copied().pre_start).len(), 0);
    }

    #[test]
    fn other_signals_are_none_of_an_entrypoint() {
        static OTHER: Signal<Lifecycle> = Signal::new("PRE_START");
        assert!(LifecycleSignals::new().own(&OTHER).is_none());
    }
}
