//! The service.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aiomisc::cron::CronCallback;
use aiomisc::recurring::{CallOutcome, TimerEnd, TimerState};
use aiomisc::service::{CronService, ServiceOptions};
use aiomisc::{BoxError, Entrypoint, RunningEntrypoint, Runtime, time};

use super::shared::Events;
use super::*;

async fn start(service: CronService) -> RunningEntrypoint {
    let entrypoint = Entrypoint::builder()
        .runtime(Runtime::current().unwrap())
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
        .service(service);
    entrypoint.start().await.unwrap()
}

fn each_second() -> CronSpec {
    CronSpec::with_seconds_first("* * * * * *").unwrap()
}

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_millis(1)).await;
    }
}

/// There, a text is looked at for its type alone.
#[test]
fn an_expression_is_looked_at_when_it_is_registered() {
    let error = CronService::new()
        .register("0 25 * * *", || async {})
        .unwrap_err();
    assert_eq!((error.field(), error.span()), (Some("hour"), 2..4));
}

#[aiomisc::test(runtimes(all))]
async fn its_callbacks_do_not_wait_for_each_other() {
    let (one, other) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (ones, others) = (Arc::clone(&one), Arc::clone(&other));
    let service = CronService::new()
        .register(each_second(), move || {
            ones.fetch_add(1, Ordering::SeqCst);
            pending::<()>()
        })
        .unwrap()
        .register(each_second(), move || {
            others.fetch_add(1, Ordering::SeqCst);
            async { Err::<(), BoxError>("bad luck".into()) }
        })
        .unwrap()
        .options(ServiceOptions::new().stop_limit(Duration::from_secs(2)));
    let monitors = service.monitors();
    let running = start(service).await;
    until(|| other.load(Ordering::SeqCst) >= 2 && one.load(Ordering::SeqCst) >= 1).await;
    assert_eq!(one.load(Ordering::SeqCst), 1);
    assert_eq!(monitors[0].status().state, TimerState::Calling);
    let last = monitors[1].status().last.unwrap();
    assert_eq!(last.outcome, CallOutcome::Failed("bad luck".into()));
    // One of them goes on for ever, and is dropped at the limit.
    running.graceful_shutdown("done").await.unwrap_err();
    assert_eq!(
        monitors[0].status().state,
        TimerState::Ended(TimerEnd::Aborted)
    );
    assert_eq!(
        monitors[1].status().state,
        TimerState::Ended(TimerEnd::Stopped)
    );
}

/// There, they are cancelled unless they are shielded, whatever is documented.
#[aiomisc::test(runtimes(all))]
async fn calls_that_go_on_are_waited_for_at_the_stop() {
    let events = Events::default();
    // Those of the seconds that follow, if the test is held up, have nothing to say.
    let first = Arc::new(Mutex::new(Some(events.clone())));
    let callback = CronCallback::new(move || {
        let writes = first.lock().unwrap().take();
        async move {
            let Some(writes) = writes else { return };
            writes.add("begins");
            time::sleep(Duration::from_millis(20)).await;
            writes.add("ends");
        }
    });
    let service = CronService::new()
        .register_timer(each_second(), callback.name("slow"))
        .unwrap()
        .register("0 0 1 1 *", never)
        .unwrap();
    assert_eq!(service.monitors()[0].name(), "slow");
    let running = start(service).await;
    until(|| !events.all().is_empty()).await;
    running.graceful_shutdown("done").await.unwrap();
    assert_eq!(events.all(), ["begins", "ends"]);
}

#[aiomisc::test(runtimes(all))]
async fn a_service_without_callbacks_has_nothing_to_do() {
    let service = CronService::new().name("idle");
    assert_eq!(aiomisc::Service::name(&service), "idle");
    start(service)
        .await
        .graceful_shutdown("done")
        .await
        .unwrap();
}
