//! Closures and futures that carry the values to where they do not go by themselves.
#![allow(
    clippy::disallowed_methods,
    reason = "threads and tasks that no runtime of ours knows"
)]

use std::sync::Arc;
use std::thread;

use aiomisc::context_var::{bind, bind_future, capture};

use super::*;

/// What can be seen from here.
fn seen() -> (Option<u32>, String) {
    (NUMBER.get(), text())
}

#[aiomisc::test(runtimes(real))]
async fn a_thread_of_the_system_sees_nothing_unless_its_closure_is_bound() {
    NUMBER.set(1).unwrap();
    TEXT.set("set".to_owned()).unwrap();
    let runtime = Runtime::current().unwrap();
    let without = thread::spawn(seen);
    let bound = bind(move || {
        assert!(Runtime::current().unwrap().same_as(&runtime));
        let before = seen();
        NUMBER.set(10).unwrap();
        (before, NUMBER.get(), spawn(async { NUMBER.get() }))
    });
    NUMBER.set(2).unwrap();
    let with = thread::spawn(move || {
        let inside = bound();
        assert_eq!(seen(), (None, "default".to_owned()));
        inside
    });
    assert_eq!(without.join().unwrap(), (None, "default".to_owned()));
    let (before, after, child) = with.join().unwrap();
    assert_eq!(before, (Some(1), "set".to_owned()));
    assert_eq!(after, Some(10));
    assert_eq!(child.await.unwrap(), Some(10));
    assert_eq!(NUMBER.get(), Some(2));
}

#[aiomisc::test(runtimes(all))]
async fn what_is_captured_can_be_used_more_than_once_and_alone() {
    let here = NUMBER.sync_scope(1, capture);
    TEXT.set("around".to_owned()).unwrap();
    for number in 1..3 {
        let inside = here.clone().run(|| {
            let seen = seen();
            NUMBER.set(10).unwrap();
            (number, seen)
        });
        assert_eq!(inside, (number, (Some(1), "default".to_owned())));
    }
    let future = here.scope(async {
        pause().await;
        seen()
    });
    assert_eq!(future.await, (Some(1), "default".to_owned()));
    assert_eq!(seen(), (None, "around".to_owned()));
    catch_unwind(AssertUnwindSafe(|| here.run(|| panic!("on purpose")))).unwrap_err();
    assert_eq!(seen(), (None, "around".to_owned()));
}

#[test]
fn outside_of_any_scope_nothing_is_captured() {
    let nothing = capture();
    NUMBER.sync_scope(1, || {
        assert_eq!(nothing.run(seen), (None, "default".to_owned()));
        nothing.run(|| NUMBER.set(2)).unwrap();
        assert_eq!(NUMBER.get(), Some(1));
    });
}

#[test]
fn what_is_bound_is_given_up_with_the_closure() {
    context_var! { static VALUE: Arc<()>; }
    let value = Arc::new(());
    let bound = VALUE.sync_scope(Arc::clone(&value), || bind(|| VALUE.get()));
    let captured = VALUE.sync_scope(Arc::clone(&value), capture);
    assert_eq!(Arc::strong_count(&value), 3);
    drop(captured);
    assert_eq!(Arc::strong_count(&value), 2);
    let seen = bound();
    assert!(seen.is_some_and(|seen| Arc::ptr_eq(&seen, &value)));
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn closures_may_borrow() {
    let mut list = vec![1];
    let bound = NUMBER.sync_scope(7, || bind(|| list.extend(NUMBER.get())));
    bound();
    assert_eq!(list, [1, 7]);
}

#[cfg(feature = "tokio")]
#[test]
fn a_bound_future_keeps_its_values_in_a_foreign_task() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    tokio.block_on(async {
        let scoped = NUMBER.scope(1, async {
            let without = tokio::spawn(async { NUMBER.get() });
            let with = tokio::spawn(bind_future(async {
                tokio::task::yield_now().await;
                let child = spawn(async { NUMBER.get() });
                (NUMBER.get(), child.await.unwrap())
            }));
            let thread = thread::spawn(bind(|| {
                // Both find the runtime.
                let theirs = tokio::spawn(async { 7 });
                (theirs, spawn(async { NUMBER.get() }))
            }));
            assert_eq!(without.await.unwrap(), None);
            assert_eq!(with.await.unwrap(), (Some(1), Some(1)));
            let (theirs, ours) = thread.join().unwrap();
            assert_eq!((theirs.await.unwrap(), ours.await.unwrap()), (7, Some(1)));
        });
        scoped.await;
    });
}

/// The span is one more thing that is bound.
#[test]
fn the_span_is_carried() {
    use tracing::Span;
    let subscriber = tracing_subscriber::registry();
    tracing::subscriber::with_default(subscriber, || {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let span = tracing::info_span!("work");
        let id = || Span::current().id();
        let (bound, captured) = span.in_scope(|| (bind(id), capture()));
        assert_eq!(id(), None);
        let expected = span.id();
        assert!(expected.is_some());
        let there =
            thread::spawn(move || tracing::dispatcher::with_default(&dispatch, || (bound(), id())));
        assert_eq!(there.join().unwrap(), (expected.clone(), None));
        // A scope of values leaves the span to whoever is around.
        let scoped = span.in_scope(|| NUMBER.scope(1, async { Span::current().id() }));
        assert_eq!(scoped.now_or_never().unwrap(), None);
        assert_eq!(captured.run(id), expected);
    });
}
