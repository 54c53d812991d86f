//! When calls are: in virtual time.

use aiomisc::Runtime;
use aiomisc::adapters::Simulation;

use futures::future::BoxFuture;

use super::shared::diary::Diary;
use super::shared::log;
use super::*;

/// Writes down when its calls begin; each takes the next one of these, and then nothing.
fn taking(
    diary: &Diary,
    millis: &'static [u64],
) -> PeriodicCallback<impl Fn() -> BoxFuture<'static, ()> + use<>> {
    let (diary, calls) = (diary.clone(), AtomicUsize::new(0));
    PeriodicCallback::new(move || {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        diary.add("call");
        Box::pin(time::sleep(ms(millis.get(call).copied().unwrap_or(0)))) as _
    })
}

/// When the calls began, in milliseconds after the start.
async fn begun<F, Fut>(
    diary: &Diary,
    timer: &PeriodicCallback<F>,
    interval: u64,
    run: u64,
) -> Vec<u64>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    diary.add("start");
    let task = timer.start(ms(interval)).unwrap();
    time::sleep(ms(run)).await;
    task.abort();
    let events = diary.as_it_came();
    let calls = events
        .iter()
        .filter_map(|event| event.strip_suffix(" call"));
    calls.map(|millis| millis.parse().unwrap()).collect()
}

/// The table of the module's documentation.
#[aiomisc::test(simulation)]
async fn the_two_ways_are_those_that_are_documented() {
    let diary = Diary::new();
    let timer = taking(&diary, &[30, 250, 10]);
    assert_eq!(begun(&diary, &timer, 100, 580).await, [0, 130, 480]);

    let diary = Diary::new();
    let timer = taking(&diary, &[30, 250, 10]).fixed_rate(Missed::Skip);
    assert_eq!(begun(&diary, &timer, 100, 480).await, [0, 100, 400]);
    assert_eq!(timer.monitor().statistics().missed.total(), 2);
}

/// There, calls drift by what they take: 0.1 s and 50 ms of work give 0.15 s.
#[aiomisc::test(simulation)]
async fn a_fixed_rate_does_not_drift() {
    let diary = Diary::new();
    let timer = taking(&diary, &[50; 1_000]).fixed_rate(Missed::Skip);
    let calls = begun(&diary, &timer, 100, 99_950).await;
    assert_eq!(calls, (0..1_000).map(|call| call * 100).collect::<Vec<_>>());
    assert_eq!(timer.monitor().statistics().missed.total(), 0);
}

#[aiomisc::test(simulation)]
async fn the_first_call_is_at_once_or_after_the_delay() {
    for rate in [false, true] {
        let diary = Diary::new();
        let mut timer = taking(&diary, &[]).delay(ms(70));
        if rate {
            timer = timer.fixed_rate(Missed::Skip);
        }
        assert_eq!(begun(&diary, &timer, 100, 300).await, [70, 170, 270]);
    }
}

/// There, nothing is skipped and nothing is logged, whatever is documented.
#[aiomisc::test(simulation)]
async fn calls_that_are_missed_are_counted_and_told() {
    log::keep();
    let diary = Diary::new();
    let timer = taking(&diary, &[350])
        .fixed_rate(Missed::Skip)
        .name("late one");
    assert_eq!(begun(&diary, &timer, 100, 590).await, [0, 400, 500]);
    assert_eq!(timer.monitor().statistics().missed.total(), 3);
    let lines = log::with("timer=late one ");
    let told = |line: &String| line.starts_with("WARN") && line.contains("calls=3 ");
    assert_eq!(
        lines.iter().filter(|line| told(line)).count(),
        1,
        "{lines:#?}"
    );
}

#[aiomisc::test(simulation)]
async fn what_was_missed_is_made_up_for_as_the_rule_says() {
    for (rule, calls, missed) in [
        (Missed::Once, vec![0, 350, 400, 500], 2),
        (Missed::Burst(2), vec![0, 350, 350, 400, 500], 1),
        (Missed::Burst(9), vec![0, 350, 350, 350, 400, 500], 0),
        (Missed::Burst(0), vec![0, 400, 500], 3),
    ] {
        let diary = Diary::new();
        let timer = taking(&diary, &[350]).fixed_rate(rule);
        assert_eq!(begun(&diary, &timer, 100, 550).await, calls, "{rule:?}");
        assert_eq!(timer.monitor().statistics().missed.total(), missed);
    }
}

/// One that is due in the very moment in which the one before ends is not late.
#[aiomisc::test(simulation)]
async fn a_call_that_takes_the_whole_interval_misses_nothing() {
    let diary = Diary::new();
    let timer = taking(&diary, &[100; 10]).fixed_rate(Missed::Skip);
    assert_eq!(begun(&diary, &timer, 100, 350).await, [0, 100, 200, 300]);
    assert_eq!(timer.monitor().statistics().missed.total(), 0);
}

#[aiomisc::test(simulation, seeds = 50)]
async fn jitter_delays_calls_and_does_not_move_the_grid() {
    let diary = Diary::new();
    let timer = taking(&diary, &[]).fixed_rate(Missed::Skip).jitter(ms(40));
    let calls = begun(&diary, &timer, 100, 10_000).await;
    assert_eq!(calls.len(), 100);
    for (at, call) in (0..).zip(&calls) {
        assert!((at * 100..=at * 100 + 40).contains(call), "{at}: {call}");
    }
    let offsets = calls.iter().map(|call| call % 100);
    assert!(offsets.clone().any(|offset| offset < 10) && offsets.clone().any(|offset| offset > 30));
}

#[aiomisc::test(simulation)]
async fn jitter_lengthens_the_pauses_of_a_fixed_delay() {
    let diary = Diary::new();
    let timer = taking(&diary, &[]).jitter(ms(40));
    let calls = begun(&diary, &timer, 100, 10_000).await;
    let pauses = calls.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(pauses.clone().all(|pause| (100..=140).contains(&pause)));
    assert!(pauses.clone().any(|pause| pause < 110) && pauses.clone().any(|pause| pause > 130));
}

/// Chance comes from the one seed.
#[test]
fn the_same_seed_gives_the_same_jitter() {
    let run = |seed| {
        Simulation::new(seed).block_on(async {
            let diary = Diary::new();
            let timer = taking(&diary, &[]).jitter(ms(1_000));
            begun(&diary, &timer, 100, 10_000).await
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[aiomisc::test(simulation)]
async fn the_next_call_is_told_also_with_a_late_one() {
    let wall = Runtime::current().unwrap().wall_now();
    let diary = Diary::new();
    let timer = taking(&diary, &[350]).fixed_rate(Missed::Skip);
    timer.start(ms(100)).unwrap().detach();
    time::sleep(ms(360)).await;
    assert_eq!(timer.status().next_run, Some(wall + ms(400)));
    timer.stop().await.unwrap();
}

#[aiomisc::test(simulation)]
async fn the_longest_interval_is_for_ever() {
    for rate in [false, true] {
        let (callback, count) = counting();
        let mut timer = PeriodicCallback::new(callback).jitter(ms(1));
        if rate {
            timer = timer.fixed_rate(Missed::Burst(u32::MAX));
        }
        let task = timer.start(Duration::MAX).unwrap();
        time::sleep(Duration::from_secs(1_000_000_000)).await;
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert_eq!(task.stop().await, TimerEnd::Stopped);
    }
}

/// The bar of the performance table, in time that is virtual: all of the ideal calls.
#[aiomisc::test(simulation)]
async fn a_thousand_timers_miss_no_call() {
    let count = Arc::new(AtomicUsize::new(0));
    let timers: Vec<_> = (0..1_000)
        .map(|_| {
            let counts = Arc::clone(&count);
            let timer = PeriodicCallback::new(move || {
                counts.fetch_add(1, Ordering::Relaxed);
                std::future::ready(())
            });
            timer.fixed_rate(Missed::Skip)
        })
        .collect();
    let tasks: Vec<_> = timers
        .iter()
        .map(|timer| timer.start(ms(50)).unwrap())
        .collect();
    time::sleep(ms(975)).await;
    assert_eq!(count.load(Ordering::Relaxed), 20_000);
    for task in tasks {
        assert_eq!(task.stop().await, TimerEnd::Stopped);
    }
}
