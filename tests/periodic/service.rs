//! The service.

use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::service::{PeriodicService, ServiceOptions};
use aiomisc::{BoxError, Entrypoint, RunError, Runtime};

use super::shared::Events;
use super::*;

fn entrypoint<S: aiomisc::Service>(service: S) -> EntrypointBuilder {
    Entrypoint::builder()
        .runtime(Runtime::current().unwrap())
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .service(service)
}

async fn run<S: aiomisc::Service>(service: S, main: impl Future<Output = ()>) {
    let running = entrypoint(service).start().await.unwrap();
    main.await;
    running.graceful_shutdown("done").await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn it_calls_while_the_program_runs() {
    let (callback, count) = counting();
    let service = PeriodicService::new(ms(1), callback).name("ticks");
    assert_eq!(aiomisc::Service::name(&service), "ticks");
    let monitor = service.monitor();
    run(service, until(|| count.load(Ordering::SeqCst) >= 3)).await;
    let called = count.load(Ordering::SeqCst);
    time::sleep(ms(3)).await;
    assert_eq!(count.load(Ordering::SeqCst), called);
    assert_eq!(monitor.name(), "ticks");
    assert_eq!(monitor.status().state, TimerState::Ended(TimerEnd::Stopped));
    assert_eq!(monitor.statistics().done.total() as usize, called);
}

#[aiomisc::test(runtimes(all))]
async fn the_call_that_goes_on_is_waited_for_at_the_stop() {
    let events = Events::default();
    let writes = events.clone();
    // The first call is at once.
    let service = PeriodicService::new(Duration::from_secs(3600), move || {
        let writes = writes.clone();
        async move {
            writes.add("begins");
            time::sleep(ms(20)).await;
            writes.add("ends");
        }
    });
    run(service, until(|| !events.all().is_empty())).await;
    assert_eq!(events.all(), ["begins", "ends"]);
}

#[aiomisc::test(runtimes(all))]
async fn a_call_that_takes_longer_than_the_services_limit_is_dropped() {
    let events = Events::default();
    let writes = events.clone();
    let service = PeriodicService::new(ms(1), move || {
        let writes = writes.clone();
        async move {
            let _dropped = writes.on_drop("dropped");
            writes.add("begins");
            pending::<()>().await;
        }
    });
    let monitor = service.monitor();
    let service = service.options(ServiceOptions::new().stop_limit(ms(10)));
    let running = entrypoint(service).start().await.unwrap();
    until(|| !events.all().is_empty()).await;
    let error = running.graceful_shutdown("done").await.unwrap_err();
    assert!(error.to_string().contains("PeriodicService"), "{error}");
    assert_eq!(events.all(), ["begins", "dropped"]);
    assert_eq!(monitor.status().state, TimerState::Ended(TimerEnd::Aborted));
}

#[aiomisc::test(runtimes(all))]
async fn its_callback_may_fail_and_the_program_goes_on() {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let service = PeriodicService::new(ms(1), move || {
        let call = counts.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call != 1, "the second one");
            if call == 0 {
                return Err::<(), BoxError>("the first one".into());
            }
            Ok(())
        }
    });
    let monitor = service.monitor();
    run(service, until(|| count.load(Ordering::SeqCst) >= 4)).await;
    assert_eq!(monitor.statistics().fail.total(), 2);
}

/// There, the interval is looked at when the service starts.
#[aiomisc::test(runtimes(all))]
async fn an_interval_of_zero_is_told_before_anything_starts() {
    let service = PeriodicService::new(Duration::ZERO, never);
    let error: RunError = entrypoint(service).start().await.unwrap_err();
    let text = format!("{error} {:?}", error);
    assert!(
        text.contains("interval: expected a duration above zero"),
        "{text}"
    );
}

#[aiomisc::test(runtimes(all))]
async fn the_timer_has_its_options() {
    let (callback, count) = counting();
    let service = PeriodicService::new(ms(1), callback).timer(|timer| {
        timer
            .delay(Duration::from_secs(3_600))
            .fixed_rate(Missed::Skip)
    });
    run(service, time::sleep(ms(5))).await;
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
