//! Streams from threads (row D3 of the parity table): the numbered promises of `aiomisc::thread::iterate`,
//! one test for each; the faults of the original, and what else can go wrong, are in the folder.
#![cfg(all(
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[path = "iterate/closing.rs"]
mod closing;
#[path = "iterate/drops.rs"]
mod drops;
#[path = "iterate/failing.rs"]
mod failing;
#[path = "iterate/faults.rs"]
mod faults;
#[path = "iterate/pools.rs"]
mod pools;
mod shared;
#[path = "iterate/values.rs"]
mod values;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use aiomisc::thread::{self, Iterate, ThreadPool, ThreadedIter, sync_wait};
use aiomisc::{Runtime, time};
use futures::channel::oneshot;

/// Lets others run until this has come true.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        time::sleep(Duration::from_micros(10)).await;
    }
}

/// Counts how often something has happened, on whatever thread.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn add_one(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts when what is returned is dropped.
    fn on_drop(&self) -> OnDrop {
        OnDrop(self.clone())
    }

    /// Numbers from 0 on without end, each counted when it is produced.
    fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        let count = self.clone();
        (0..).inspect(move |_| {
            count.add_one();
        })
    }
}

struct OnDrop(Count);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add_one();
    }
}

/// All that is left.
async fn all<T>(stream: &mut ThreadedIter<T>) -> Vec<T> {
    let mut items = Vec::new();
    while let Some(item) = stream.try_next().await.unwrap() {
        items.push(item);
    }
    items
}

/// Promise 1.
#[aiomisc::test(runtimes(all))]
async fn items_arrive_in_order_and_each_once() {
    for max_size in [0, 1, 2, 3, 7, 8, 1024] {
        for count in [0, 1, 2, 3, 8, 9, 1000] {
            let mut stream = Iterate::new().max_size(max_size).run(move || 0..count);
            assert_eq!(all(&mut stream).await, Vec::from_iter(0..count));
            assert!(stream.next().await.is_none(), "it stays at its end");
        }
    }
    let mut many = thread::iterate(|| 0..20_000);
    assert_eq!(all(&mut many).await, Vec::from_iter(0..20_000));
}

/// Promise 1, with all orders of what happens.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 100)]
async fn items_arrive_in_order_with_every_seed() {
    for max_size in [0, 1, 2, 5] {
        let mut stream = Iterate::new().max_size(max_size).push(move |yielder| {
            for item in 0..20 {
                yielder.send(item)?;
                if item % 3 == 0 {
                    sync_wait(time::sleep(Duration::from_millis(item % 4)))?;
                }
            }
            Ok(())
        });
        let mut items = Vec::new();
        while let Some(item) = stream.try_next().await.unwrap() {
            time::sleep(Duration::from_millis(item % 5)).await;
            items.push(item);
        }
        assert_eq!(items, Vec::from_iter(0..20));
    }
}

/// Promise 2: also what lies in the consumer's own batch is ahead.
#[aiomisc::test(runtimes(all))]
async fn at_most_max_size_items_are_ahead() {
    for max_size in [1, 2, 3, 8, 100] {
        let (asked, produced) = (Count::default(), Count::default());
        let numbers = {
            let (asked, produced) = (asked.clone(), produced.clone());
            move || {
                (0..).inspect(move |_| {
                    let ahead = produced.add_one() - asked.get().min(produced.get());
                    assert!(ahead <= max_size, "{ahead} are ahead of {max_size}");
                })
            }
        };
        let mut stream = Iterate::new().max_size(max_size).run(numbers);
        until(|| produced.get() == max_size).await;
        for number in 0..1000 {
            asked.add_one();
            assert_eq!(stream.next().await.unwrap().unwrap(), number);
            if number % 100 == 7 {
                time::sleep(Duration::from_micros(10)).await;
            }
        }
        stream.close().await.unwrap();
    }
}

/// Promise 2, exactly: nothing more is produced, however long nobody asks.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 30)]
async fn nothing_is_produced_beyond_max_size() {
    for max_size in [1, 2, 3, 8, 100] {
        let produced = Count::default();
        let numbers = produced.clone();
        let mut stream = Iterate::new()
            .max_size(max_size)
            .run(move || numbers.numbers());
        time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(produced.get(), max_size);
        for taken in 1..=3 * max_size {
            stream.next().await.unwrap().unwrap();
            time::sleep(Duration::from_secs(3600)).await;
            let ahead = produced.get() - taken;
            assert!(ahead <= max_size, "{ahead} are ahead of {max_size}");
            assert!(
                2 * ahead >= max_size,
                "woken when half is free: {ahead} of {max_size}"
            );
        }
    }
}

/// Promise 3: whatever the producer does next, here: waiting until the item was taken.
#[aiomisc::test(runtimes(all))]
async fn an_item_is_not_held_back_from_a_consumer_that_waits() {
    for max_size in [0, 1, 3, 8, 1024] {
        for count in [1, 2, 3, 8, 9] {
            let (taken, wait) = oneshot::channel();
            let mut stream = Iterate::new().max_size(max_size).push(move |yielder| {
                for item in 0..count {
                    yielder.send(item)?;
                }
                sync_wait(wait)??;
                yielder.send(count)?;
                Ok(())
            });
            for item in 0..count {
                assert_eq!(stream.try_next().await.unwrap(), Some(item));
            }
            taken.send(()).unwrap();
            assert_eq!(all(&mut stream).await, [count]);
        }
    }
}

/// Promise 3, one by one: the consumer answers each item before the next one is produced.
#[aiomisc::test(runtimes(all))]
async fn each_item_can_be_answered_before_the_next_one() {
    for max_size in [0, 1, 1024] {
        let (answer, answers) = async_channel_of_one();
        let mut stream = Iterate::new().max_size(max_size).push(move |yielder| {
            for item in 0..100 {
                yielder.send(item)?;
                assert_eq!(sync_wait(answers.recv())??, item);
            }
            Ok(())
        });
        let mut count = 0;
        while let Some(item) = stream.try_next().await.unwrap() {
            answer.send(item).await.unwrap();
            count += 1;
        }
        assert_eq!(count, 100);
    }
}

fn async_channel_of_one() -> (smol::channel::Sender<u32>, smol::channel::Receiver<u32>) {
    smol::channel::bounded(1)
}

/// Promise 4: a whole day passes at once, since nobody looks in between.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 30)]
async fn a_producer_that_is_full_sleeps_and_is_woken_when_half_is_free() {
    let (runtime, produced) = (Runtime::current().unwrap(), Count::default());
    let numbers = produced.clone();
    let mut stream = Iterate::new().max_size(8).run(move || numbers.numbers());
    time::sleep(Duration::from_secs(86_400)).await;
    let begun = runtime.now();
    for taken in 1..=4 {
        stream.next().await.unwrap().unwrap();
        time::sleep(Duration::ZERO).await;
        assert!(produced.get() == 8 || taken == 4, "it sleeps");
    }
    until(|| produced.get() == 12).await;
    assert!(runtime.now() - begun < Duration::from_secs(1));
}

/// Promise 5.
#[aiomisc::test(runtimes(all))]
async fn a_consumer_that_goes_ends_the_producer_at_its_next_item() {
    for max_size in [0, 1, 8, 1024] {
        let (produced, cleaned) = (Count::default(), Count::default());
        let stream = {
            let (produced, cleaned) = (produced.clone(), cleaned.clone());
            Iterate::new().max_size(max_size).push(move |yielder| {
                let _cleaned = cleaned.on_drop();
                for number in produced.numbers() {
                    yielder.send(number)?;
                    sync_wait(time::sleep(Duration::from_micros(1)))?;
                }
                Ok(())
            })
        };
        until(|| produced.get() > 0).await;
        let over = stream.wait_closed();
        drop(stream);
        over.await;
        assert_eq!(cleaned.get(), 1);
    }
}

/// Promise 5, also of the closure: what it holds is dropped.
#[aiomisc::test(runtimes(all))]
async fn a_producer_that_has_not_begun_never_runs() {
    let pool = ThreadPool::new(1).unwrap();
    let (begun, release) = (Count::default(), oneshot::channel::<()>());
    let held = {
        let (begun, released) = (begun.clone(), release.1);
        pool.run(move || {
            begun.add_one();
            drop(sync_wait(released));
        })
    };
    until(|| begun.get() == 1).await;
    let (ran, dropped) = (Count::default(), Count::default());
    let make = |ran: &Count, dropped: &Count| {
        let (ran, dropped) = (ran.clone(), dropped.on_drop());
        Iterate::new().pool(pool.clone()).run(move || {
            let _dropped = dropped;
            ran.numbers()
        })
    };
    drop(make(&ran, &dropped));
    assert_eq!(dropped.get(), 1);

    let mut closed = make(&ran, &dropped);
    closed.close().await.unwrap();
    assert_eq!(dropped.get(), 2);
    assert!(closed.closed());
    assert!(closed.next().await.is_none());

    drop(release.0);
    held.await.unwrap();
    pool.shutdown(true).await.unwrap();
    assert_eq!(ran.get(), 0);
}

/// Promise 6, with the items that came before.
#[aiomisc::test(runtimes(all))]
async fn a_panic_and_an_error_arrive_after_the_items_before_them() {
    for max_size in [0, 1, 2, 1024] {
        let mut panics = Iterate::new()
            .name("worn")
            .max_size(max_size)
            .run(|| (0..).inspect(|item| assert!(*item < 5, "worn out")));
        let mut fails = Iterate::new()
            .name("torn")
            .max_size(max_size)
            .push(|yielder| {
                for item in 0..5 {
                    yielder.send(item)?;
                }
                Err("torn up".into())
            });
        for item in 0..5 {
            assert_eq!(panics.try_next().await.unwrap(), Some(item));
            assert_eq!(fails.try_next().await.unwrap(), Some(item));
        }
        let error = panics.next().await.unwrap().unwrap_err();
        assert!(error.is_panic() && !error.is_failure());
        assert_eq!(error.panic_text(), Some("worn out"));
        let error = fails.next().await.unwrap().unwrap_err();
        assert!(error.is_failure() && !error.is_panic());
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "torn up"
        );
        for stream in [&mut panics, &mut fails] {
            assert!(stream.next().await.is_none(), "an error is the last item");
            stream.close().await.expect("it was told already");
        }
    }
}

/// Promise 7. (Of the context variables, see their own tests.)
#[aiomisc::test(runtimes(all))]
async fn the_producer_sees_the_runtime_of_where_it_was_made() {
    let here = Runtime::current().unwrap();
    for separate in [false, true] {
        let there = here.clone();
        let mut stream = Iterate::new().separate(separate).push(move |yielder| {
            yielder.send(Runtime::current()?.same_as(&there))?;
            Ok(())
        });
        assert_eq!(all(&mut stream).await, [true]);
    }
}
