//! The timer, in virtual time: the calendar begins at 2024-01-01 00:00:00 UTC, a Monday.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::adapters::Simulation;
use aiomisc::cron::{CronCallback, CronError};
use aiomisc::periodic::Missed;
use aiomisc::recurring::{StartError, TimerEnd, TimerState};
use aiomisc::{Runtime, time};

use futures::future::BoxFuture;

use super::shared::{Events, log};
use super::*;

const START: &str = "2024-01-01T00:00:00Z";

/// Writes down the calendar's time at each call.
fn writing(
    events: &Events,
    takes: Duration,
) -> CronCallback<impl Fn() -> BoxFuture<'static, ()> + use<>> {
    let events = events.clone();
    CronCallback::new(move || {
        let now = Runtime::current().unwrap().wall_now();
        events.add(jiff::Timestamp::try_from(now).unwrap().to_string());
        Box::pin(time::sleep(takes)) as _
    })
}

#[aiomisc::test(simulation)]
async fn calls_are_at_the_second() {
    let events = Events::default();
    // Not at the start, though that is one of its times.
    let timer = writing(&events, Duration::ZERO);
    let task = timer.start("*/20 * * * *").unwrap();
    assert_eq!(timer.status().state, TimerState::Waiting);
    // Known before its task has run at all.
    assert_eq!(timer.status().next_run, Some(at("2024-01-01T00:20:00Z")));
    time::sleep(Duration::from_millis(500)).await;
    assert_eq!(timer.status().next_run, Some(at("2024-01-01T00:20:00Z")));
    time::sleep(secs(3_600)).await;
    assert_eq!(task.stop().await, TimerEnd::Stopped);
    let expected = [
        "2024-01-01T00:20:00Z",
        "2024-01-01T00:40:00Z",
        "2024-01-01T01:00:00Z",
    ];
    assert_eq!(events.all(), expected);
    let last = timer.status().last.unwrap();
    assert_eq!(
        (last.began, last.took),
        (at("2024-01-01T01:00:00Z"), Duration::ZERO)
    );
}

#[test]
fn a_leap_day_and_both_changes_of_the_clock_pass() {
    for (from, expected) in [
        (
            "2024-02-28",
            [
                "2024-02-28T01:30:00Z",
                "2024-02-29T01:30:00Z",
                "2024-03-01T01:30:00Z",
            ],
        ),
        // The 31st of March has no 02:30, and the 27th of October has two.
        (
            "2024-03-30",
            [
                "2024-03-30T01:30:00Z",
                "2024-03-31T01:00:00Z",
                "2024-04-01T00:30:00Z",
            ],
        ),
        (
            "2024-10-26",
            [
                "2024-10-26T00:30:00Z",
                "2024-10-27T00:30:00Z",
                "2024-10-28T01:30:00Z",
            ],
        ),
    ] {
        let start = at(&format!("{from}T00:00:00Z"));
        let sim = Simulation::builder().wall_start(start).build();
        let events = Events::default();
        sim.block_on(async {
            let timer = writing(&events, Duration::ZERO);
            let spec = CronSpec::parse("30 2 * * *").unwrap();
            let task = timer.start(spec.in_time_zone("Europe/Berlin").unwrap());
            time::sleep(secs(3 * 86_400)).await;
            task.unwrap().abort();
        });
        assert_eq!(events.all(), expected);
    }
}

/// There, a timer that wakes a hair early fires for the same minute again.
#[test]
fn no_time_is_called_for_twice() {
    let sim = Simulation::new(1);
    let clock = sim.clone();
    sim.block_on(async move {
        let events = Events::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let timer = {
            let (events, calls, clock) = (events.clone(), Arc::clone(&calls), clock.clone());
            CronCallback::new(move || {
                let now = clock.wall_now();
                events.add(jiff::Timestamp::try_from(now).unwrap().to_string());
                calls.fetch_add(1, Ordering::SeqCst);
                // The calendar is corrected, to a hair before the time.
                clock.set_wall_now(now - Duration::from_millis(3));
                std::future::ready(())
            })
        };
        let task = timer.start("* * * * *").unwrap();
        time::sleep(secs(181)).await;
        task.abort();
        let seconds: Vec<_> = events
            .all()
            .iter()
            .map(|time| time[11..19].to_owned())
            .collect();
        assert_eq!(seconds, ["00:01:00", "00:02:00", "00:03:00"]);
    });
}

/// There, the wait is computed once, and a step of the clock goes unnoticed.
#[test]
fn a_calendar_that_is_set_during_a_wait_is_noticed() {
    let sim = Simulation::new(1);
    let clock = sim.clone();
    sim.block_on(async move {
        let events = Events::default();
        let timer = writing(&events, Duration::ZERO);
        let task = timer.start("0 12 * * *").unwrap();
        time::sleep(secs(3_600)).await;
        // Forward, to shortly before the time.
        clock.set_wall_now(at("2024-01-01T11:59:30Z"));
        time::sleep(secs(61)).await;
        assert_eq!(events.all().len(), 1);
        assert!(
            events.all()[0].starts_with("2024-01-01T12:00:"),
            "{:?}",
            events.all()
        );
        // Back, by less than three hours: it is not called for again, but on the next day.
        clock.set_wall_now(at("2024-01-01T11:59:30Z"));
        time::sleep(secs(3_600)).await;
        assert_eq!(events.all().len(), 1);
        assert_eq!(timer.status().next_run, Some(at("2024-01-02T12:00:00Z")));
        // Back by days, since it was wrong before.
        log::keep();
        clock.set_wall_now(at("2023-12-25T11:59:30Z"));
        time::sleep(secs(61)).await;
        assert_eq!(events.all().len(), 2);
        assert!(
            events.all()[1].starts_with("2023-12-25T12:00:"),
            "{:?}",
            events.all()
        );
        assert!(!log::with("the calendar was set back").is_empty());
        task.abort();
    });
}

#[test]
fn a_calendar_that_jumps_over_many_times_is_one_call() {
    for (missed, calls) in [(Missed::Skip, 2), (Missed::Once, 3), (Missed::Burst(5), 7)] {
        let sim = Simulation::new(1);
        let clock = sim.clone();
        sim.block_on(async move {
            let events = Events::default();
            let timer = writing(&events, Duration::ZERO).missed(missed);
            let task = timer.start("*/10 * * * *").unwrap();
            time::sleep(secs(601)).await;
            assert_eq!(events.all().len(), 1);
            clock.set_wall_now(at("2024-01-02T00:05:00Z"));
            time::sleep(secs(120)).await;
            assert_eq!(events.all().len(), calls, "{missed:?}");
            let missed = timer.monitor().statistics().missed.total();
            // From 00:20, which was waited for, to 00:00 on the next day there are 143.
            assert_eq!(missed, 144 - calls as u64);
            assert_eq!(timer.status().next_run, Some(at("2024-01-02T00:10:00Z")));
            task.abort();
        });
    }
}

#[test]
fn a_jump_of_a_century_does_not_hold_anybody_up() {
    let sim = Simulation::new(1);
    let clock = sim.clone();
    sim.block_on(async move {
        let events = Events::default();
        let timer = writing(&events, Duration::ZERO).missed(Missed::Once);
        let task = timer.start("* * * * *").unwrap();
        time::sleep(Duration::from_millis(1)).await;
        clock.set_wall_now(at("2124-01-01T00:00:30Z"));
        time::sleep(secs(91)).await;
        let seconds: Vec<_> = events
            .all()
            .iter()
            .map(|time| time[..19].to_owned())
            .collect();
        // What was waited for, one for all that was missed, and then as ever.
        assert_eq!(seconds.len(), 3, "{seconds:?}");
        assert_eq!(seconds[2], "2124-01-01T00:02:00");
        assert_eq!(timer.monitor().statistics().missed.total(), 10_000);
        task.abort();
    });
}

#[aiomisc::test(simulation)]
async fn times_that_pass_during_a_call_are_missed() {
    log::keep();
    for (rule, expected, count) in [
        (Missed::Skip, ["00:01:00", "00:04:00", "00:07:00"], 4),
        (Missed::Once, ["00:01:00", "00:03:30", "00:06:00"], 2),
    ] {
        let events = Events::default();
        let timer = writing(&events, secs(150)).missed(rule).name("slow cron");
        let begun = Runtime::current().unwrap().wall_now();
        let task = timer.start("* * * * *").unwrap();
        time::sleep(secs(7 * 60 + 1)).await;
        task.abort();
        task.await;
        let offset = begun.duration_since(at(START)).unwrap();
        let seconds: Vec<_> = events
            .all()
            .iter()
            .map(|time| {
                let time: jiff::Timestamp = time.parse().unwrap();
                let time = time - jiff::SignedDuration::try_from(offset).unwrap();
                time.to_string()[11..19].to_owned()
            })
            .collect();
        assert_eq!(seconds, expected, "{rule:?}");
        assert_eq!(
            timer.monitor().statistics().missed.total(),
            count,
            "{rule:?}"
        );
        // The next one begins with a full hour.
        time::sleep(secs(3_600 - 7 * 60 - 1)).await;
    }
    let lines = log::with("timer=slow cron ");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("WARN") && line.contains("calls=2 "))
    );
}

#[aiomisc::test(simulation)]
async fn a_calendar_without_a_next_date_ends_the_timer() {
    let timer = CronCallback::new(never);
    let sim = Simulation::builder()
        .wall_start(at("4999-12-31T23:59:30Z"))
        .build();
    let task = timer.runtime(sim.clone()).start("0 0 1 1 *").unwrap();
    assert_eq!(sim.block_on(task), TimerEnd::Finished);
}

#[aiomisc::test(simulation)]
async fn a_text_that_is_no_expression_starts_nothing() {
    let timer = CronCallback::new(never);
    let error = timer.start("every noon").unwrap_err();
    assert!(matches!(error, StartError::Cron(_)));
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.downcast_ref::<CronError>().is_some());
    assert_eq!(timer.status().state, TimerState::New);
    let task = timer.start("@hourly").unwrap();
    assert!(matches!(timer.start("@hourly"), Err(StartError::Running)));
    task.abort();
}
