//! The faults of the original, and callbacks and strategies that misbehave.

use std::sync::Mutex;

use aiomisc::recurring::CallOutcome;

use futures::future::BoxFuture;

use super::shared::log;
use super::*;

/// There, an exception in a strategy ends the task, and nobody hears of it.
#[aiomisc::test(runtimes(all))]
async fn a_timer_whose_strategy_fails_dies_aloud() {
    log::keep();
    let timer = RecurringCallback::new(|| async {}).name("failing strategy");
    let failing = || Err::<Next, _>(std::io::Error::other("no plan"));
    let end = timer.start(failing).unwrap().await;
    assert_eq!(end, TimerEnd::Failed("no plan".into()));
    assert_eq!(end.to_string(), "strategy failed: no plan");
    assert_eq!(timer.status().state, TimerState::Ended(end));
    let awaited = || async { Err::<Duration, _>("no plan either") };
    let end = timer.start_async(awaited).unwrap().await;
    assert_eq!(end, TimerEnd::Failed("no plan either".into()));
    let lines = log::with("timer=failing strategy ");
    assert!(
        lines.iter().any(|line| line.starts_with("ERROR")
            && line.contains("strategy failed: the timer ends")
            && line.contains("error=no plan ")),
        "{lines:#?}"
    );
}

#[aiomisc::test(runtimes(all))]
async fn a_timer_whose_strategy_panics_dies_aloud() {
    log::keep();
    let timer = RecurringCallback::new(|| async {}).name("panicking strategy");
    let end = timer.start(|| -> Next { panic!("no idea") }).unwrap().await;
    assert_eq!(end, TimerEnd::Failed("panicked: no idea".into()));
    assert_eq!(timer.status().state, TimerState::Ended(end));
    async fn awaited() -> Next {
        panic!("later")
    }
    let end = timer.start_async(awaited).unwrap().await;
    assert_eq!(end, TimerEnd::Failed("panicked: later".into()));
    let lines = log::with("timer=panicking strategy ");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("ERROR") && line.contains("no idea"))
    );
    // It can be started again.
    assert_eq!(timer.start(steps([])).unwrap().await, TimerEnd::Finished);
}

/// There, a callback that stops its own timer cancelled itself.
#[aiomisc::test(runtimes(all))]
async fn a_callback_that_stops_its_own_timer_comes_to_its_end() {
    type Own = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;
    type Timer = RecurringCallback<Box<Own>>;
    let done = Count::default();
    let counts = done.clone();
    let own: Arc<Mutex<Option<Arc<Timer>>>> = Arc::default();
    let mine = Arc::clone(&own);
    let callback: Box<Own> = Box::new(move || {
        let (timer, counts) = (mine.lock().unwrap().clone().unwrap(), counts.clone());
        Box::pin(async move {
            time::sleep(ms(1)).await;
            assert_eq!(timer.stop().await, Ok(TimerEnd::Stopped));
            time::sleep(ms(1)).await;
            counts.add();
        })
    });
    let timer = Arc::new(RecurringCallback::new(callback));
    *own.lock().unwrap() = Some(Arc::clone(&timer));
    let task = timer.start(|| ms(0)).unwrap();
    assert_eq!(task.await, TimerEnd::Stopped);
    assert_eq!(done.get(), 1);
    assert!(timer.status().last.unwrap().outcome.is_done());
    *own.lock().unwrap() = None;
}

#[aiomisc::test(runtimes(all))]
async fn errors_and_panics_of_a_callback_are_told_and_the_timer_goes_on() {
    log::keep();
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        counts.add();
        let number = counts.get();
        // There is no future yet.
        assert!(number != 3, "at once");
        async move {
            time::sleep(ms(1)).await;
            match number {
                1 => Err("bad luck".to_owned()),
                2 => panic!("worse"),
                _ => Ok(()),
            }
        }
    });
    let timer = timer.name("misbehaving");
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let (monitor, keeps) = (timer.monitor(), Arc::clone(&outcomes));
    let task = timer.start(move || {
        let last = monitor.status().last;
        let mut outcomes = keeps.lock().unwrap();
        outcomes.extend(last.map(|last| last.outcome));
        if outcomes.len() < 4 {
            Next::Wait(ms(0))
        } else {
            Next::Stop
        }
    });
    assert_eq!(task.unwrap().await, TimerEnd::Finished);
    let expected = [
        CallOutcome::Failed("bad luck".into()),
        CallOutcome::Panicked("worse".into()),
        CallOutcome::Panicked("at once".into()),
        CallOutcome::Done,
    ];
    assert_eq!(*outcomes.lock().unwrap(), expected);
    let monitor = timer.monitor();
    let figures = monitor.statistics();
    let counted = (
        figures.call_count.total(),
        figures.done.total(),
        figures.fail.total(),
    );
    assert_eq!(counted, (4, 1, 3));
    for text in ["bad luck", "worse", "at once"] {
        let lines = log::with("timer=misbehaving ");
        let told = |line: &String| line.starts_with("ERROR") && line.contains(text);
        assert!(lines.iter().any(told), "{lines:#?}");
    }
}

#[aiomisc::test(runtimes(all))]
async fn errors_that_are_foreseen_are_counted_apart() {
    log::keep();
    let count = Count::default();
    let counts = count.clone();
    let timer = RecurringCallback::new(move || {
        counts.add();
        let number = counts.get();
        async move {
            if number == 1 {
                Err(std::io::Error::from(std::io::ErrorKind::TimedOut))
            } else {
                Err(std::io::Error::other("unforeseen"))
            }
        }
    })
    .name("half foreseen")
    .suppress(|error| {
        let error = error.downcast_ref::<std::io::Error>();
        error.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    });
    timer.start(steps([Next::Wait(ms(0)); 2])).unwrap().await;
    let monitor = timer.monitor();
    let figures = monitor.statistics();
    assert_eq!((figures.suppressed.total(), figures.fail.total()), (1, 1));
    let errors = log::with("timer=half foreseen ");
    let errors = errors.iter().filter(|line| line.starts_with("ERROR"));
    assert!(errors.clone().count() >= 1);
    assert!(errors.clone().all(|line| line.contains("unforeseen")));
}

#[aiomisc::test(runtimes(all))]
async fn a_judge_of_errors_that_panics_suppresses_nothing() {
    let timer = RecurringCallback::new(|| async { Err::<(), _>("bad luck") })
        .suppress(|_| panic!("who am I to judge"));
    timer.start(steps([Next::Wait(ms(0)); 2])).unwrap().await;
    let monitor = timer.monitor();
    let figures = monitor.statistics();
    assert_eq!((figures.suppressed.total(), figures.fail.total()), (0, 2));
}

/// Its clean-up is the callback's own code.
#[aiomisc::test(runtimes(all))]
async fn a_call_whose_clean_up_panics_has_panicked() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("cannot clean up");
        }
    }
    let timer = RecurringCallback::new(|| async {
        let _bad = Bad;
        time::sleep(ms(1)).await;
    });
    let task = timer.start(steps([Next::Wait(ms(0)); 2])).unwrap();
    assert_eq!(task.await, TimerEnd::Finished);
    assert_eq!(timer.monitor().statistics().fail.total(), 2);
}

/// What an error says is the callback's own code as well.
#[aiomisc::test(runtimes(all))]
async fn an_error_that_cannot_be_shown_does_not_end_the_timer() {
    #[derive(Debug)]
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("has no words")
        }
    }
    impl std::error::Error for Mute {}
    let timer = RecurringCallback::new(|| async { Err::<(), _>(Mute) });
    let task = timer.start(steps([Next::Wait(ms(0)); 2])).unwrap();
    assert_eq!(task.await, TimerEnd::Finished);
    assert_eq!(timer.monitor().statistics().fail.total(), 2);
    // Nor is the end of another one silent.
    let failing = || Err::<Next, _>(Mute);
    let end = timer.start(failing).unwrap().await;
    assert!(matches!(end, TimerEnd::Failed(_)), "{end:?}");
}

/// Nor does it keep its timer from telling how it has ended.
#[aiomisc::test(runtimes(all))]
async fn a_call_that_is_cut_may_panic_when_it_is_dropped() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("cannot clean up");
        }
    }
    let begun = Count::default();
    let counts = begun.clone();
    let timer = RecurringCallback::new(move || {
        let counts = counts.clone();
        async move {
            let _bad = Bad;
            counts.add();
            pending::<()>().await;
        }
    })
    .stop_limit(ms(1));
    let task = timer.start(|| ms(0)).unwrap();
    until(|| begun.get() == 1).await;
    assert_eq!(timer.stop().await, Ok(TimerEnd::Cut));
    assert_eq!(task.await, TimerEnd::Cut);
    assert_eq!(timer.status().last.unwrap().outcome, CallOutcome::Cut);
}
