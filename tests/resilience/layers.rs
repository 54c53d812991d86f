//! The tools as layers of `tower`.
#![cfg(feature = "tower")]

use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Context, Poll};

use aiomisc::circuit_breaker::CircuitBreaker;
use aiomisc::resilience::{
    Bulkhead, CallError, Fallback, Hedge, LoadShed, Policy, RateLimiter, Refusal,
};
use aiomisc::retry::Backoff;
use futures::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::*;

type Step = (u64, Result<u32, u32>);

/// Answers with the request and its own number, after so long; it must be asked before whether it is ready.
struct Answers {
    steps: Arc<Mutex<Vec<Step>>>,
    ready: bool,
}

impl Clone for Answers {
    /// A clone has not been asked.
    fn clone(&self) -> Self {
        let steps = Arc::clone(&self.steps);
        Self {
            steps,
            ready: false,
        }
    }
}

fn answers(steps: &[Step]) -> Answers {
    let steps = steps.iter().rev().copied().collect();
    let steps = Arc::new(Mutex::new(steps));
    Answers {
        steps,
        ready: false,
    }
}

impl Service<u32> for Answers {
    type Response = u32;
    type Error = u32;
    type Future = BoxFuture<'static, Result<u32, u32>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), u32>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "it was not asked");
        let step = self.steps.lock().unwrap().pop();
        Box::pin(async move {
            let (takes, outcome) = step.expect("a request that is foreseen");
            time::sleep(ms(takes)).await;
            outcome.map(|answer| answer + request)
        })
    }
}

async fn ask<S: Service<u32>>(service: &mut S, request: u32) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

#[aiomisc::test(simulation)]
async fn limits_are_layers() {
    let bulkhead = Bulkhead::builder(1).queue_limit(0).build().unwrap();
    let mut service = bulkhead.layer(answers(&[(10, Ok(1)), (0, Err(7))]));
    let mut other = service.clone();
    let (one, two) = futures::join!(ask(&mut service, 10), ask(&mut other, 20));
    assert_eq!(one, Ok(11));
    assert_eq!(two, Err(CallError::Refused(Refusal::QueueFull)));
    assert_eq!(ask(&mut other, 20).await, Err(CallError::Failed(7)));

    let limiter = RateLimiter::builder(1, ms(100)).build().unwrap();
    let mut service = limiter.layer(answers(&[(0, Ok(1)), (0, Ok(2))]));
    let watch = Watch::begin();
    assert_eq!(ask(&mut service, 10).await, Ok(11));
    assert_eq!(ask(&mut service, 10).await, Ok(12));
    assert_eq!(watch.millis(), 100);

    let load = LoadShed::builder(ms(1)).initial(1).build().unwrap();
    let _load = load.try_enter().unwrap();
    let mut service = load.layer(answers(&[]));
    let refused = ask(&mut service, 10).await;
    assert_eq!(refused, Err(CallError::Refused(Refusal::Overloaded)));
}

#[aiomisc::test(simulation)]
async fn a_circuit_breaker_is_a_layer() {
    let breaker = CircuitBreaker::builder(0.5, ms(1000))
        .minimum_calls(2)
        .build()
        .unwrap();
    let mut service = breaker.layer(answers(&[(0, Ok(1)), (0, Err(2)), (0, Ok(3))]));
    assert_eq!(ask(&mut service, 10).await, Ok(11));
    assert_eq!(ask(&mut service, 10).await, Err(CallError::Failed(2)));
    let retry_after = ms(1000);
    let broken = Refusal::Broken { retry_after };
    assert_eq!(ask(&mut service, 10).await, Err(CallError::Refused(broken)));
    time::sleep(ms(2000)).await;
    assert_eq!(ask(&mut service, 10).await, Ok(13));
}

#[aiomisc::test(simulation)]
async fn retries_hedges_and_fallbacks_are_layers() {
    let backoff = Backoff::builder().pause(ms(10)).attempt_timeout(ms(50));
    let backoff = backoff.build().unwrap();
    let mut service = backoff.layer(answers(&[(0, Err(1)), (60, Ok(2)), (5, Ok(3))]));
    let watch = Watch::begin();
    assert_eq!(ask(&mut service, 10).await, Ok(13));
    assert_eq!(watch.millis(), 75);

    let retry = Backoff::retry(2).build().unwrap();
    let mut service = retry.layer(answers(&[(0, Err(1)), (0, Err(2)), (0, Ok(3))]));
    assert_eq!(ask(&mut service, 10).await, Err(CallError::Failed(2)));
    assert_eq!(ask(&mut service, 10).await, Ok(13));

    let hedge = Hedge::builder(ms(20)).build().unwrap();
    let mut service = hedge.layer(answers(&[(100, Ok(1)), (10, Ok(2))]));
    assert_eq!(ask(&mut service, 10).await, Ok(12));

    let fallback = Fallback::new(async |error: u32| if error < 5 { Ok(99) } else { Err(error) });
    let mut service = fallback.layer(answers(&[(0, Err(1)), (0, Err(7)), (0, Ok(1))]));
    assert_eq!(ask(&mut service, 10).await, Ok(99));
    assert_eq!(ask(&mut service, 10).await, Err(7));
    assert_eq!(ask(&mut service, 10).await, Ok(11));
}

#[aiomisc::test(runtimes(all))]
async fn a_policy_is_a_layer_and_its_calls_can_be_spawned() {
    let policy = Policy::new()
        .retry(Backoff::builder().pause(ms(1)).build().unwrap())
        .bulkhead(Bulkhead::builder(2).build().unwrap())
        .timeout(Duration::from_secs(20));
    let service = policy.layer(answers(&[(0, Err(1)), (0, Ok(2)), (0, Ok(2)), (0, Ok(2))]));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let mut service = service.clone();
            aiomisc::spawn(async move { ask(&mut service, 10).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(12));
    }
}
