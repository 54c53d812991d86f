//! Timers that are stopped, aborted, dropped and started at random.

use super::shared::dice::Dice;
use super::*;

/// Goes up while a call runs.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

struct Leaves(Inside);

impl Inside {
    fn enter(&self) -> Leaves {
        assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "calls overlap");
        Leaves(self.clone())
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[aiomisc::test(simulation, seeds = 200)]
async fn whatever_happens_calls_do_not_overlap_and_are_counted() {
    let mut dice = Dice::new(Runtime::current().unwrap().backend().seed());
    let (inside, ends, begins) = (Inside::default(), Count::default(), Count::default());
    let timer = {
        let (inside, ends, begins) = (inside.clone(), ends.clone(), begins.clone());
        RecurringCallback::new(move || {
            let leaves = inside.enter();
            begins.add();
            let ends = ends.clone();
            async move {
                let _leaves = leaves;
                time::sleep(ms(3)).await;
                ends.add();
            }
        })
        .shield(dice.below(2) == 0)
        .stop_limit(ms(2))
    };
    for _ in 0..20 {
        let pause = ms(dice.below(4) as u64);
        let Ok(task) = timer.start(move || pause) else {
            // A call that was left goes on.
            time::sleep(ms(1)).await;
            continue;
        };
        time::sleep(ms(dice.below(12) as u64)).await;
        match dice.below(4) {
            0 => {
                let end = task.stop().await;
                assert!(matches!(end, TimerEnd::Stopped | TimerEnd::Cut), "{end:?}");
            }
            1 => {
                task.abort();
                assert_eq!(task.await, TimerEnd::Aborted);
            }
            2 => {
                // Nobody waits for the limit.
                let _ = futures::poll!(Box::pin(timer.stop()));
                assert_eq!(task.await, TimerEnd::Stopped);
            }
            _ => {
                task.detach();
                timer.stop().await.unwrap();
            }
        }
    }
    time::sleep(ms(10)).await;
    assert_eq!(inside.0.load(Ordering::SeqCst), 0);
    let monitor = timer.monitor();
    let figures = monitor.statistics();
    assert_eq!(figures.call_count.total() as usize, begins.get());
    assert_eq!(figures.done.total() as usize, ends.get());
    assert_eq!(figures.fail.total(), 0);
}
