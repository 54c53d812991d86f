//! The circuit breaker (rows C5, C6 and C18), exact in virtual time.
#![cfg(all(unix, feature = "macros", feature = "testing", feature = "simulation"))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "circuit_breaker/changes.rs"]
mod changes;
#[path = "circuit_breaker/faults.rs"]
mod faults;
#[path = "circuit_breaker/macros.rs"]
mod macros;
#[path = "circuit_breaker/outcomes.rs"]
mod outcomes;
#[path = "circuit_breaker/policy.rs"]
mod policy;
#[path = "circuit_breaker/recovery.rs"]
mod recovery;
#[path = "shared/mod.rs"]
mod shared;
#[path = "circuit_breaker/states.rs"]
mod states;
#[path = "circuit_breaker/stress.rs"]
mod stress;

use std::time::{Duration, Instant};

use aiomisc::Runtime;
use aiomisc::circuit_breaker::{
    BreakerError, CircuitBreaker, CircuitBreakerBuilder, CircuitBroken, Inspect, State,
};
use aiomisc::time::sleep;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn now() -> Instant {
    Runtime::current().unwrap().now()
}

/// Breaks at 20 % within 10 s, for 5 s, and recovers for 4 s.
fn usual() -> CircuitBreakerBuilder {
    CircuitBreaker::builder(0.2, s(10))
        .broken_time(s(5))
        .recovery_time(s(4))
}

fn good<R: Inspect<u32>>(breaker: &CircuitBreaker<R>) {
    assert_eq!(breaker.call(|| Ok::<_, u32>(1)), Ok(1));
}

fn bad<R: Inspect<u32>>(breaker: &CircuitBreaker<R>) {
    let result = breaker.call(|| Err::<u32, _>(7));
    assert_eq!(result, Err(BreakerError::Failed(7)));
}

fn refused(breaker: &CircuitBreaker) -> CircuitBroken {
    match breaker.call(|| Ok::<_, u32>(1)) {
        Err(BreakerError::Broken(broken)) => broken,
        other => panic!("it went through: {other:?}"),
    }
}

/// Has it break.
fn break_it(breaker: &CircuitBreaker) {
    while breaker.state() == State::Passing {
        bad(breaker);
    }
    assert_eq!(breaker.state(), State::Broken);
}
