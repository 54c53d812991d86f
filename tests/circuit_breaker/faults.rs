//! What is wrong with the original, by name (deviation 21).

use super::*;

/// There: with one call a minute one failure was enough after ten calls.
#[aiomisc::test(simulation)]
async fn opens_on_one_error_under_sparse_traffic() {
    let breaker = usual().build().unwrap();
    for _ in 0..100 {
        good(&breaker);
        sleep(s(60)).await;
    }
    for _ in 0..10 {
        bad(&breaker);
        assert_eq!(breaker.state(), State::Passing);
        sleep(s(60)).await;
    }
}

/// There: with 100 failures a second, and a window of 10 s, after 9 s.
#[aiomisc::test(simulation)]
async fn opens_after_the_whole_window_only() {
    let breaker = usual().build().unwrap();
    let begun = now();
    while breaker.state() == State::Passing {
        sleep(ms(10)).await;
        bad(&breaker);
    }
    assert_eq!(now() - begun, ms(100));
}

/// There: where no types of exceptions are named, none counts.
#[aiomisc::test(simulation)]
async fn never_opens() {
    let breaker = usual().build().unwrap();
    for _ in 0..10 {
        bad(&breaker);
    }
    assert_eq!(breaker.state(), State::Broken);
}

/// There: from a recovery without one call that succeeded it went to passing.
#[aiomisc::test(simulation)]
async fn passes_again_without_a_success() {
    let breaker = usual().build().unwrap();
    break_it(&breaker);
    sleep(s(1000)).await;
    assert_eq!(breaker.state(), State::Recovering);
    // A dropped call says nothing.
    drop(breaker.try_enter().unwrap());
    assert_eq!(breaker.state(), State::Recovering);
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}

/// There: recovery began at the first call after the broken time, which was refused then for certain; one
/// call an hour was refused twice.
#[aiomisc::test(simulation)]
async fn stuck_recovering() {
    let breaker = usual().build().unwrap();
    break_it(&breaker);
    sleep(s(3600)).await;
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
    // Nor do calls that are dropped keep it there.
    break_it_after(&breaker, s(20)).await;
    sleep(s(10)).await;
    for _ in 0..1000 {
        drop(breaker.try_enter().unwrap());
    }
    good(&breaker);
    assert_eq!(breaker.state(), State::Passing);
}

async fn break_it_after(breaker: &CircuitBreaker, passing_time: Duration) {
    sleep(passing_time).await;
    break_it(breaker);
}

/// There: a window of 0.1 s was one of 1 s.
#[aiomisc::test(simulation)]
async fn a_short_window_behaves_like_one_of_a_second() {
    for window in [ms(100), ms(10), ms(1), Duration::from_nanos(7)] {
        let breaker = CircuitBreaker::builder(0.2, window).build().unwrap();
        for _ in 0..9 {
            bad(&breaker);
        }
        sleep(window.max(Duration::from_nanos(10))).await;
        assert_eq!(breaker.counter().total(), 0, "{window:?}");
        for _ in 0..9 {
            bad(&breaker);
        }
        assert_eq!(breaker.state(), State::Passing, "{window:?}");
        bad(&breaker);
        assert_eq!(breaker.state(), State::Broken, "{window:?}");
    }
}

/// There: anything was.
#[test]
fn an_error_ratio_of_7_is_accepted() {
    for ratio in [7.0, 1.1, 0.0, -0.2, f64::NAN, f64::INFINITY] {
        let error = CircuitBreaker::builder(ratio, s(1)).build().unwrap_err();
        assert_eq!(error.setting(), "error ratio of the breaker");
        assert!(usual().passing_threshold(ratio).build().is_err());
        assert!(usual().recovering_threshold(ratio).build().is_err());
    }
    let error = CircuitBreaker::builder(7.0, s(1)).build().unwrap_err();
    let text = "error ratio of the breaker: expected a number above 0 and up to 1, got 7.0";
    assert_eq!(error.to_string(), text);
}

#[test]
fn other_settings_that_cannot_be_are_refused() {
    use aiomisc::circuit_breaker::Recovery;
    let zero = CircuitBreaker::builder(0.5, Duration::ZERO).build();
    assert_eq!(
        zero.unwrap_err().to_string(),
        "response time of the breaker: expected above zero, got 0ns"
    );
    assert!(usual().minimum_calls(0).build().is_err());
    assert!(usual().buckets(0).build().is_err());
    assert!(usual().buckets(1001).build().is_err());
    assert!(usual().recovery(Recovery::probes(0, s(1))).build().is_err());
    let no_time = Recovery::probes(1, Duration::ZERO);
    assert!(usual().recovery(no_time).build().is_err());
    let most = CircuitBreaker::builder(1.0, Duration::MAX);
    assert!(most.buckets(1).build().is_ok());
}

/// There: it was a figure that was never written.
#[aiomisc::test(simulation)]
async fn the_figure_error_ratio_is_never_updated() {
    let breaker = usual().build().unwrap();
    assert_eq!(breaker.statistics().error_ratio_threshold.value(), 0.2);
    good(&breaker);
    bad(&breaker);
    assert_eq!(breaker.statistics().error_ratio.value(), 0.5);
}

/// There: aiokitchen/aiomisc#191.
#[aiomisc::test(simulation)]
async fn the_text_of_a_refusal_has_no_end() {
    let breaker = usual().build().unwrap();
    while breaker.state() == State::Passing {
        let _ = breaker.call(|| Err::<(), _>("x".repeat(10_000)));
    }
    for _ in 0..3 {
        let broken = refused(&breaker);
        let nested = breaker.call(|| Err::<(), _>(broken.to_string()));
        assert!(nested.is_err());
        assert_eq!(broken.last_error().map(str::len), Some(256));
    }
}
