//! Values and keys whose `Drop` comes back to the aggregator, or panics.

use std::cell::RefCell;
use std::convert::Infallible;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aiomisc::aggregate::AggregateError;
use aiomisc::{Aggregator, Runtime, adapters::Tokio};
use futures::future::{BoxFuture, FutureExt};
use futures::poll;

const HOUR: Duration = Duration::from_secs(3600);

fn runtime() -> Runtime {
    Tokio::current_thread().unwrap().into()
}

/// An aggregator whose batches never begin.
fn gathers<V: Send + 'static>() -> Aggregator<V, (), Infallible> {
    let work = |values: Vec<V>| async move { values.iter().map(drop).collect::<Vec<_>>() };
    Aggregator::builder().leeway(HOUR).build(work).unwrap()
}

type Call = BoxFuture<'static, Result<(), AggregateError<Infallible>>>;

/// A value with another call of its batch.
struct Holds(Option<Arc<Mutex<Option<Call>>>>);

impl Drop for Holds {
    fn drop(&mut self) {
        let held = self.0.take();
        let call = held.and_then(|held| held.lock().unwrap().take());
        drop(call);
    }
}

#[test]
fn a_value_may_drop_another_call_of_its_batch() {
    let aggregator = gathers();
    let ends = runtime();
    let held = Arc::default();
    let mut two = Box::pin(aggregator.call(Holds(Some(Arc::clone(&held)))));
    ends.block_on(async {
        let same = aggregator.clone();
        let mut one: Call = async move { same.call(Holds(None)).await }.boxed();
        assert!(poll!(&mut one).is_pending());
        *held.lock().unwrap() = Some(one);
        assert!(poll!(&mut two).is_pending());
    });
    drop(ends);
    let error = runtime().block_on(two).unwrap_err();
    assert!(matches!(error, AggregateError::Ended), "{error}");
}

struct Panics(bool);

impl Drop for Panics {
    fn drop(&mut self) {
        assert!(!self.0, "on purpose");
    }
}

#[test]
fn a_value_that_panics_while_it_is_dropped_costs_nobody_the_answer() {
    let aggregator = gathers();
    let ends = runtime();
    let mut one = Box::pin(aggregator.call(Panics(true)));
    let mut two = Box::pin(aggregator.call(Panics(false)));
    ends.block_on(async {
        assert!(poll!(&mut one).is_pending());
        assert!(poll!(&mut two).is_pending());
    });
    drop(ends);
    for call in [one, two] {
        let error = runtime().block_on(call).unwrap_err();
        assert!(matches!(error, AggregateError::Ended), "{error}");
    }
}

thread_local! {
    /// What the next key that is dropped does.
    static NEXT: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

#[derive(Clone, PartialEq, Eq)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        if let Ok(Some(next)) = NEXT.try_with(|next| next.borrow_mut().take()) {
            next();
        }
    }
}

#[test]
fn a_key_may_come_back_while_it_is_dropped() {
    let work = |values: Vec<u32>| async move { values };
    let builder = Aggregator::builder().leeway(HOUR);
    let aggregator = builder.build_by_key(|value| Key(*value), work).unwrap();
    runtime().block_on(async {
        let mut one = Box::pin(aggregator.call(1));
        assert!(poll!(&mut one).is_pending());
        let same = aggregator.clone();
        NEXT.set(Some(Box::new(move || {
            assert!(same.call(2).now_or_never().is_none());
        })));
        let mut two = Box::pin(aggregator.call(1));
        assert!(poll!(&mut two).is_pending());
        assert!(NEXT.take().is_none(), "no key was dropped");
    });
}
