//! How timers end: asked, cut, aborted.

use std::future::poll_fn;
use std::task::Poll;

use aiomisc::recurring::{CallOutcome, NotRunning};
use futures::channel::oneshot;

use super::shared::Events;
use super::shared::given_up::give_up;
use super::*;

/// A timer whose call waits until it is let go.
fn held(shield: bool, limit: Duration) -> (RecurringCallback<impl Fn() -> CallFuture>, Held) {
    let events = Events::default();
    let (release, released) = oneshot::channel::<()>();
    let released = futures::FutureExt::shared(released);
    let writes = events.clone();
    let timer = RecurringCallback::new(move || {
        let (writes, released) = (writes.clone(), released.clone());
        Box::pin(async move {
            let _dropped = writes.on_drop("dropped");
            writes.add("begun");
            // The other side is kept.
            let _ = released.await;
            writes.add("done");
        }) as CallFuture
    });
    let timer = timer.shield(shield).stop_limit(limit);
    (timer, Held { events, release })
}

type CallFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

struct Held {
    events: Events,
    release: oneshot::Sender<()>,
}

impl Held {
    async fn begun(&self) {
        until(|| !self.events.all().is_empty()).await;
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[aiomisc::test(runtimes(all))]
async fn a_stop_waits_for_the_call_that_goes_on() {
    let (timer, held) = held(false, HOUR);
    let task = timer.start(|| ms(0)).unwrap();
    held.begun().await;
    let mut stop = Box::pin(timer.stop());
    assert!(give_up(3, &mut stop).await.is_none());
    held.release.send(()).unwrap();
    assert_eq!(stop.await, Ok(TimerEnd::Stopped));
    assert_eq!(held.events.all(), ["begun", "done", "dropped"]);
    assert_eq!(task.await, TimerEnd::Stopped);
    assert_eq!(timer.stop().await, Err(NotRunning::default()));
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_cuts_the_call_at_its_limit() {
    let (timer, held) = held(false, ms(5));
    let task = timer.start(|| ms(0)).unwrap();
    held.begun().await;
    assert_eq!(timer.stop().await, Ok(TimerEnd::Cut));
    assert_eq!(held.events.all(), ["begun", "dropped"]);
    assert_eq!(task.await, TimerEnd::Cut);
    let status = timer.status();
    assert_eq!(status.last.unwrap().outcome, CallOutcome::Cut);
    assert_eq!(status.state, TimerState::Ended(TimerEnd::Cut));
}

#[aiomisc::test(runtimes(all))]
async fn a_call_that_is_shielded_outlives_the_limit() {
    let (timer, held) = held(true, ms(5));
    timer.start(|| ms(0)).unwrap().detach();
    held.begun().await;
    assert_eq!(timer.stop().await, Ok(TimerEnd::Cut));
    assert_eq!(held.events.all(), ["begun"]);
    // A call would overlap with it.
    assert!(matches!(timer.start(|| ms(0)), Err(StartError::Running)));
    held.release.send(()).unwrap();
    until(|| timer.status().last.is_some()).await;
    assert_eq!(held.events.all(), ["begun", "done", "dropped"]);
    assert!(timer.status().last.unwrap().outcome.is_done());
    timer.start(steps([])).unwrap().await;
}

#[aiomisc::test(runtimes(all))]
async fn aborting_drops_the_call() {
    let (timer, held) = held(false, HOUR);
    let task = timer.start(|| ms(0)).unwrap();
    held.begun().await;
    task.abort();
    assert_eq!(task.await, TimerEnd::Aborted);
    assert_eq!(held.events.all(), ["begun", "dropped"]);
    let figures = timer.monitor();
    let figures = figures.statistics();
    // As in the original, such a call is counted in these two alone.
    let counted = (
        figures.call_count.total(),
        figures.done.total(),
        figures.fail.total(),
    );
    assert_eq!(counted, (1, 0, 0));
}

#[aiomisc::test(runtimes(all))]
async fn a_call_that_is_shielded_outlives_an_abort() {
    let (timer, held) = held(true, HOUR);
    let task = timer.start(|| ms(0)).unwrap();
    held.begun().await;
    task.abort();
    assert_eq!(task.await, TimerEnd::Aborted);
    assert_eq!(held.events.all(), ["begun"]);
    held.release.send(()).unwrap();
    until(|| timer.status().last.is_some()).await;
    assert_eq!(held.events.all(), ["begun", "done", "dropped"]);
    assert_eq!(timer.monitor().statistics().done.total(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_during_a_pause_is_at_once() {
    let timer = RecurringCallback::new(never);
    let task = timer.start(|| HOUR).unwrap();
    assert_eq!(task.stop().await, TimerEnd::Stopped);
}

#[aiomisc::test(runtimes(all))]
async fn a_stop_that_is_dropped_has_stopped_the_timer() {
    for polls in 1..5 {
        let (timer, held) = held(false, HOUR);
        let mut task = timer.start(|| ms(0)).unwrap();
        held.begun().await;
        assert!(give_up(polls, timer.stop()).await.is_none());
        // So has waiting for its end, which loses nothing.
        assert!(give_up(polls, &mut task).await.is_none());
        held.release.send(()).unwrap();
        assert_eq!(task.await, TimerEnd::Stopped);
        assert_eq!(held.events.all(), ["begun", "done", "dropped"]);
    }
}

#[aiomisc::test(runtimes(all))]
async fn all_who_stop_a_timer_hear_of_its_end() {
    let (timer, held) = held(false, HOUR);
    let task = timer.start(|| ms(0)).unwrap();
    held.begun().await;
    let both = futures::future::join(timer.stop(), task.stop());
    let let_go = async {
        time::sleep(ms(1)).await;
        held.release.send(()).unwrap();
    };
    let ((one, other), ()) = futures::future::join(both, let_go).await;
    assert_eq!((one, other), (Ok(TimerEnd::Stopped), TimerEnd::Stopped));
}

/// Polls of the call are where code finds itself inside of it; a wait elsewhere in the same task is not.
#[aiomisc::test(runtimes(all))]
async fn another_timers_callback_waits_for_the_stop() {
    let (timer, held) = held(false, HOUR);
    let timer = Arc::new(timer);
    timer.start(|| ms(0)).unwrap().detach();
    held.begun().await;
    let stopped = Arc::clone(&timer);
    let other = RecurringCallback::new(move || {
        let stopped = Arc::clone(&stopped);
        async move {
            assert_eq!(stopped.stop().await, Ok(TimerEnd::Stopped));
        }
    });
    let task = other.start(steps([Next::Wait(ms(0))])).unwrap();
    let mut polled = 0;
    poll_fn(|cx| {
        polled += 1;
        cx.waker().wake_by_ref();
        if polled > 3 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    assert!(!task.is_finished());
    held.release.send(()).unwrap();
    assert_eq!(task.await, TimerEnd::Finished);
    assert_eq!(other.monitor().statistics().done.total(), 1);
}
