//! When calls are, and what is told of them: in virtual time.

use std::time::SystemTime;

use aiomisc::recurring::{CallOutcome, TimerStatistic};
use aiomisc::statistics;

use super::shared::diary::Diary;
use super::*;

#[aiomisc::test(simulation)]
async fn each_pause_is_the_one_that_the_strategy_says() {
    let diary = Diary::new();
    let writes = diary.clone();
    let timer = RecurringCallback::new(move || {
        writes.add("call");
        async {}
    });
    diary.add("start");
    let pauses = [10, 0, 30].map(|pause| Next::Wait(ms(pause)));
    timer.start(steps(pauses)).unwrap().await;
    diary.add("end");
    let expected = ["0 start", "10 call", "10 call", "40 call", "40 end"];
    assert_eq!(diary.as_it_came(), expected);
}

#[aiomisc::test(simulation)]
async fn what_is_skipped_is_asked_for_again_later() {
    let diary = Diary::new();
    let writes = diary.clone();
    let timer = RecurringCallback::new(move || {
        writes.add("call");
        async {}
    });
    diary.add("start");
    let said = [
        Next::Skip(ms(5)),
        Next::Skip(ms(7)),
        Next::Wait(ms(1)),
        Next::Skip(ms(100)),
    ];
    timer.start(steps(said)).unwrap().await;
    diary.add("end");
    assert_eq!(diary.as_it_came(), ["0 start", "13 call", "113 end"]);
    let monitor = timer.monitor();
    let figures = monitor.statistics();
    assert_eq!(
        (figures.skipped.total(), figures.call_count.total()),
        (3, 1)
    );
}

#[aiomisc::test(simulation)]
async fn calls_never_overlap_and_the_pause_begins_at_their_end() {
    let diary = Diary::new();
    let writes = diary.clone();
    let timer = RecurringCallback::new(move || {
        let writes = writes.clone();
        async move {
            writes.add("begins");
            time::sleep(ms(50)).await;
            writes.add("ends");
        }
    });
    diary.add("start");
    timer.start(steps([Next::Wait(ms(10)); 2])).unwrap().await;
    let expected = ["0 start", "10 begins", "60 ends", "70 begins", "120 ends"];
    assert_eq!(diary.as_it_came(), expected);
}

#[aiomisc::test(simulation)]
async fn next_run_last_result_and_duration_are_visible() {
    let runtime = Runtime::current().unwrap();
    let timer = RecurringCallback::new(|| async {
        time::sleep(ms(50)).await;
        Err::<(), _>("out of paper")
    })
    .name("printer");
    let wall = runtime.wall_now();
    let status = timer.status();
    assert_eq!((&*status.name, status.state), ("printer", TimerState::New));
    assert_eq!((status.next_run, status.last), (None, None));

    timer.start(|| ms(100)).unwrap().detach();
    time::sleep(ms(1)).await;
    let status = timer.status();
    assert_eq!(status.state, TimerState::Waiting);
    assert_eq!(status.next_run, Some(wall + ms(100)));

    time::sleep(ms(109)).await;
    let status = timer.status();
    assert_eq!((status.state, status.next_run), (TimerState::Calling, None));

    time::sleep(ms(90)).await;
    let monitor = timer.monitor();
    let status = monitor.status();
    assert_eq!(status.next_run, Some(wall + ms(250)));
    let last = status.last.unwrap();
    assert_eq!((last.began, last.took), (wall + ms(100), ms(50)));
    assert_eq!(last.outcome, CallOutcome::Failed("out of paper".into()));
    assert_eq!(timer.stop().await, Ok(TimerEnd::Stopped));
    assert_eq!(monitor.status().next_run, None::<SystemTime>);
}

#[aiomisc::test(simulation)]
async fn figures_are_those_of_all_runs_by_name() {
    let timer = RecurringCallback::new(|| async { time::sleep(ms(20)).await }).name("sums");
    for _ in 0..2 {
        timer.start(steps([Next::Wait(ms(1)); 3])).unwrap().await;
    }
    let figures = statistics().of_kind::<TimerStatistic>();
    let figures = figures.filter(|figure| figure.name.as_deref() == Some("sums"));
    let lines: Vec<_> = figures.map(|figure| figure.to_string()).collect();
    let expected = [
        "TimerStatistic sums call_count 6",
        "TimerStatistic sums done 6",
        "TimerStatistic sums fail 0",
        "TimerStatistic sums suppressed 0",
        "TimerStatistic sums sum_time 0.12",
        "TimerStatistic sums missed 0",
        "TimerStatistic sums skipped 0",
    ];
    assert_eq!(lines, expected);
}

#[aiomisc::test(simulation)]
async fn the_longest_pause_is_for_ever_and_can_be_stopped() {
    for pause in [Next::Wait(Duration::MAX), Next::Skip(Duration::MAX)] {
        let timer = RecurringCallback::new(never);
        let task = timer.start(move || pause).unwrap();
        time::sleep(Duration::from_secs(1_000_000_000)).await;
        assert_eq!(timer.status().next_run, None);
        assert_eq!(task.stop().await, TimerEnd::Stopped);
    }
}

async fn nothing() {}

#[test]
fn timers_without_a_name_can_be_told_apart() {
    let name = |callback: RecurringCallback<_>| callback.status().name;
    assert!(name(RecurringCallback::new(nothing)).ends_with("::exact::nothing"));
    let (one, line) = (RecurringCallback::new(|| async {}), line!());
    let two = RecurringCallback::new(|| async {});
    let place = |name: &str| {
        let (function, place) = name.split_once(" at ").expect("a place");
        assert!(
            function.ends_with("timers_without_a_name_can_be_told_apart"),
            "{name}"
        );
        place.to_owned()
    };
    assert_eq!(place(&one.status().name), format!("{}:{line}", file!()));
    assert_eq!(
        place(&two.status().name),
        format!("{}:{}", file!(), line + 1)
    );
}
