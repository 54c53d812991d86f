//! When values are dropped, and what their destructors and clones may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::shared::{Events, log};
use super::*;

context_var! { static EVENTS: (Events, Arc<shared::OnDrop>); }

/// A value that says when it goes.
fn value(events: &Events, name: &str) -> (Events, Arc<shared::OnDrop>) {
    (events.clone(), Arc::new(events.on_drop(name)))
}

#[aiomisc::test(runtimes(all))]
async fn values_go_with_the_last_who_sees_them() {
    let events = Events::default();
    EVENTS
        .scope(value(&events, "first"), async {
            EVENTS.set(value(&events, "second")).unwrap();
            events.add("set");
            let child = spawn(async { EVENTS.with(|value| value.unwrap().0.add("seen")) });
            EVENTS.set(value(&events, "third")).unwrap();
            child.await.unwrap();
            events.add("joined");
        })
        .await;
    events.add("end");
    let expected = ["first", "set", "seen", "second", "joined", "third", "end"];
    assert_eq!(events.all(), expected);
}

#[aiomisc::test(runtimes(all))]
async fn nothing_is_kept_when_a_task_or_job_has_ended_whichever_way() {
    let runtime = Runtime::current().unwrap();
    for turn in [
        "returned",
        "panicked",
        "aborted",
        "never polled",
        "job",
        "job that panicked",
    ] {
        let events = Events::default();
        let ended = EVENTS.sync_scope(value(&events, turn), || match turn {
            "returned" => spawn(async { EVENTS.get().map(drop) }).map(drop).boxed(),
            "panicked" => spawn(async { panic!("on purpose") })
                .map(|_: Result<(), _>| ())
                .boxed(),
            "aborted" => {
                let task = spawn(std::future::pending::<()>());
                async {
                    pause().await;
                    task.cancel().await.unwrap_err();
                }
                .boxed()
            }
            "never polled" => spawn(std::future::pending::<()>())
                .cancel()
                .map(drop)
                .boxed(),
            "job" => runtime
                .spawn_blocking(|| EVENTS.get().map(drop))
                .map(drop)
                .boxed(),
            _ => runtime
                .spawn_blocking(|| panic!("on purpose"))
                .map(|_: Result<(), _>| ())
                .boxed(),
        });
        ended.await;
        assert_eq!(events.all(), [turn]);
    }
}

// ---- values with code of their own ----

/// A value whose destructor and clone are somebody else's.
struct Foreign {
    dropped: fn(),
    cloned: fn(),
}

impl Clone for Foreign {
    fn clone(&self) -> Self {
        (self.cloned)();
        Self { ..*self }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

impl Foreign {
    fn dropped(dropped: fn()) -> Self {
        let cloned = || ();
        Self { dropped, cloned }
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_destructor_that_panics_harms_nobody_and_is_logged() {
    context_var! { static FRAIL: Foreign; }
    log::keep();
    let frail = || Foreign::dropped(|| panic!("no good end"));
    let runtime = Runtime::current().unwrap();

    let output = FRAIL.scope(frail(), async {
        FRAIL.set(frail()).unwrap();
        FRAIL.set(frail()).unwrap();
        7
    });
    assert_eq!(output.await, 7);
    assert_eq!(FRAIL.sync_scope(frail(), || 7), 7);
    let task = FRAIL.sync_scope(frail(), || spawn(async { 7 }));
    assert_eq!(task.await.unwrap(), 7);
    let job = FRAIL.sync_scope(frail(), || runtime.spawn_blocking(|| 7));
    assert_eq!(job.await.unwrap(), 7);
    // Not twice, which would end the process.
    let task = spawn(FRAIL.scope(frail(), async { panic!("on purpose") }));
    let error: Result<(), _> = task.await;
    assert_eq!(error.unwrap_err().panic_text(), Some("on purpose"));
    assert!(FRAIL.with(|value| value.is_none()));

    let logged = log::with("variable=\"FRAIL\"");
    assert!(logged.len() >= 7, "{logged:#?}");
    assert!(logged[0].starts_with("ERROR "), "{}", logged[0]);
    assert!(logged[0].contains("panic=no good end"), "{}", logged[0]);
}

#[aiomisc::test(runtimes(all))]
async fn a_clone_that_panics_leaves_the_value_as_it_is() {
    context_var! { static FRAIL: Foreign; }
    let frail = Foreign {
        dropped: || (),
        cloned: || panic!("on purpose"),
    };
    FRAIL.set(frail).unwrap();
    NUMBER.set(1).unwrap();
    catch_unwind(|| FRAIL.get()).map(drop).unwrap_err();
    assert!(FRAIL.with(|value| value.is_some()));
    assert_eq!(NUMBER.get(), Some(1));
}

#[aiomisc::test(runtimes(all))]
async fn clones_and_destructors_may_use_variables() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    context_var! { static BUSY: Foreign; }
    fn work() {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let before = NUMBER.get();
        NUMBER.sync_scope(100, || assert_eq!(NUMBER.get(), Some(100)));
        assert_eq!(NUMBER.get(), before);
        assert_eq!(text(), "default");
        // Where a scope is left there may be none.
        let _ = NUMBER.set(before.unwrap_or(0));
        let _ = Runtime::current();
    }
    let busy = || Foreign {
        dropped: work,
        cloned: work,
    };
    let calls = CALLS.load(Ordering::Relaxed);
    NUMBER.set(1).unwrap();
    BUSY.set(busy()).unwrap();
    BUSY.set(busy()).unwrap();
    drop(BUSY.get());
    BUSY.scope(busy(), async { drop(BUSY.get()) }).await;
    spawn(async move { BUSY.set(busy()).unwrap() })
        .await
        .unwrap();
    assert!(CALLS.load(Ordering::Relaxed) >= calls + 7);
    assert_eq!(NUMBER.get(), Some(1));
}
