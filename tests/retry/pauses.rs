//! How long it waits between attempts.

use std::collections::BTreeSet;

use aiomisc::retry::{Backoff, Jitter, Pause};

use super::*;

/// The pauses before so many attempts.
async fn pauses(pause: impl Into<Pause>, attempts: u32) -> Vec<u128> {
    let retry = Backoff::retry(attempts).pause(pause).build().unwrap();
    let script = Script::new([(0, Err(()))]);
    retry.call(|attempt| script.run(attempt)).await.unwrap_err();
    let began = script.began();
    began.windows(2).map(|two| two[1] - two[0]).collect()
}

#[aiomisc::test(simulation)]
async fn each_shape_has_its_sequence() {
    assert_eq!(pauses(ms(30), 4).await, [30, 30, 30]);
    assert_eq!(pauses(Pause::none(), 4).await, [0, 0, 0]);
    let linear = Pause::linear(ms(30)).cap(ms(80));
    assert_eq!(pauses(linear, 5).await, [30, 60, 80, 80]);
    let exponential = Pause::exponential(ms(30)).cap(ms(200));
    assert_eq!(pauses(exponential, 6).await, [30, 60, 120, 200, 200]);
    let thrice = Pause::exponential(ms(30)).factor(3.0);
    assert_eq!(pauses(thrice, 5).await, [30, 90, 270, 810]);
}

/// The time of an attempt is not counted in.
#[aiomisc::test(simulation)]
async fn a_pause_begins_when_the_attempt_has_ended() {
    let retry = Backoff::retry(3).pause(ms(100)).build().unwrap();
    let script = Script::new([(70, Err(())), (20, Err(())), (5, Ok(1))]);
    retry.call(|attempt| script.run(attempt)).await.unwrap();
    assert_eq!(script.began(), [0, 170, 290]);
}

#[aiomisc::test(simulation, seeds = 20)]
async fn full_jitter_is_anything_up_to_the_length() {
    let pause = Pause::exponential(ms(100))
        .cap(ms(800))
        .jitter(Jitter::Full);
    let lengths = pauses(pause, 40).await;
    for (n, length) in lengths.iter().enumerate() {
        assert!(*length <= 800.min(100 << n.min(10)), "{lengths:?}");
    }
    let long: Vec<_> = lengths.into_iter().skip(3).collect();
    assert!(long.iter().any(|length| *length < 400), "{long:?}");
    assert!(long.iter().any(|length| *length > 400), "{long:?}");
    let differ: BTreeSet<_> = long.iter().collect();
    assert!(differ.len() > 20, "{long:?}");
}

#[aiomisc::test(simulation, seeds = 20)]
async fn decorrelated_jitter_is_between_the_first_and_three_times_the_one_before() {
    let pause = Pause::exponential(ms(100)).cap(ms(2000));
    let lengths = pauses(pause.jitter(Jitter::Decorrelated), 40).await;
    let mut before = 100;
    for length in &lengths {
        // Milliseconds are cut.
        let most = (3 * (before + 1)).min(2000);
        assert!((100..=most).contains(length), "{lengths:?}");
        before = *length;
    }
    let differ: BTreeSet<_> = lengths.iter().collect();
    assert!(differ.len() > 20, "{lengths:?}");
}

/// Who fails together does not come back together; and each of them draws anew for each call.
#[aiomisc::test(simulation)]
async fn calls_differ_in_their_jitter() {
    let backoff = Backoff::builder().build().unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let begun = now();
        let failed = backoff.try_call(async |_| Err::<(), _>(())).await;
        failed.unwrap_err();
        seen.insert(now() - begun);
    }
    assert!(seen.len() > 5, "{seen:?}");
    assert!(seen.iter().all(|took| *took <= ms(300)), "{seen:?}");
}

#[test]
fn one_seed_gives_one_sequence() {
    use aiomisc::adapters::Simulation;
    let run = |seed| {
        let simulation = Simulation::new(seed);
        simulation.block_on(pauses(Pause::default(), 6))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
