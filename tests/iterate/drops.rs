//! Consumers that go at every await point, by seeds.
#![allow(
    clippy::disallowed_methods,
    reason = "how often it is repeated is for whoever runs it"
)]

use super::shared::dice::Dice;
use super::shared::given_up::polled;
use super::*;

/// An item that is counted while it lives.
struct Life(usize, Count);

impl Life {
    fn new(number: usize, alive: &Count) -> Self {
        alive.add_one();
        Self(number, alive.clone())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.1.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes a stream of 12 items, whose producer waits now and then.
fn make(max_size: usize, alive: &Count, cleaned: &Count) -> ThreadedIter<Life> {
    let (alive, cleaned) = (alive.clone(), cleaned.on_drop());
    Iterate::new().max_size(max_size).push(move |yielder| {
        let _cleaned = cleaned;
        for number in 0..12 {
            if number % 4 == 3 {
                sync_wait(time::sleep(Duration::from_micros(1)))?;
            }
            yielder.send(Life::new(number, &alive))?;
        }
        Ok(())
    })
}

/// A consumer that does all that can be done.
async fn consume(mut stream: ThreadedIter<Life>) {
    let mut expected = 0;
    while expected < 8 {
        let item = stream.next().await.unwrap().unwrap();
        assert_eq!(item.0, expected);
        expected += 1;
    }
    time::sleep(Duration::from_micros(1)).await;
    stream.close().await.unwrap();
    assert!(stream.next().await.is_none());
}

/// After any number of polls the consumer goes: the producer cleans up, and no item is left.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_consumer_that_goes_at_any_poll_leaves_nothing_behind() {
    let (alive, cleaned) = (Count::default(), Count::default());
    for max_size in [0, 1, 2, 5] {
        for polls in 0.. {
            let before = cleaned.get();
            let stream = make(max_size, &alive, &cleaned);
            let over = stream.wait_closed();
            let end = polled(consume(stream), polls).await;
            over.await;
            assert_eq!(cleaned.get(), before + 1);
            assert_eq!(alive.get(), 0);
            if end.is_some() {
                break;
            }
        }
    }
}

/// The same in every order of the steps.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 100, timeout = "60s")]
async fn a_consumer_that_goes_at_any_poll_leaves_nothing_behind_with_any_seed() {
    let (alive, cleaned) = (Count::default(), Count::default());
    for max_size in [1, 3] {
        for polls in 0.. {
            let before = cleaned.get();
            let stream = make(max_size, &alive, &cleaned);
            let over = stream.wait_closed();
            let end = polled(consume(stream), polls).await;
            over.await;
            assert_eq!((cleaned.get(), alive.get()), (before + 1, 0));
            if end.is_some() {
                break;
            }
        }
    }
}

/// A wait that is dropped after any number of polls loses no item.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn a_wait_that_is_dropped_loses_nothing() {
    for max_size in [0, 1, 2, 5] {
        for polls in [1, 2, 3] {
            let (alive, cleaned) = (Count::default(), Count::default());
            let mut stream = make(max_size, &alive, &cleaned);
            let mut items = Vec::new();
            loop {
                match polled(stream.next(), polls).await {
                    Some(Some(item)) => items.push(item.unwrap().0),
                    Some(None) => break,
                    None => time::sleep(Duration::from_micros(1)).await,
                }
            }
            assert_eq!(items, Vec::from_iter(0..12));
            assert_eq!((cleaned.get(), alive.get()), (1, 0));
        }
    }
}

fn rounds() -> usize {
    let times = std::env::var("AIOMISC_STRESS").ok();
    100 * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Many at a time that are dropped, closed or read to their end, on a pool that is smaller; afterwards no
/// thread of it is taken.
#[aiomisc::test(runtimes(all), timeout = "60s")]
async fn many_consumers_that_go_leave_no_thread_taken() {
    let pool = ThreadPool::new(3).unwrap();
    let (alive, begun, cleaned) = (Count::default(), Count::default(), Count::default());
    let mut consumers = VecDeque::new();
    for seed in 0..rounds() {
        let mut dice = Dice::new(seed as u64);
        let iterate = Iterate::new()
            .pool(pool.clone())
            .separate(dice.below(4) == 0)
            .max_size(dice.below(4));
        let count = dice.below(20);
        let (alive, begun, cleaned) = (alive.clone(), begun.clone(), cleaned.clone());
        let stream = iterate.run(move || {
            begun.add_one();
            let cleaned = cleaned.on_drop();
            (0..count).map(move |number| {
                let _ = &cleaned;
                Life::new(number, &alive)
            })
        });
        consumers.push_back(aiomisc::spawn(async move {
            let over = stream.wait_closed();
            let mut polls = dice.below(60);
            if polls >= 50 {
                polls = usize::MAX;
            }
            let close_at = dice.below(25);
            let work = async move {
                let mut stream = stream;
                for expected in 0..close_at {
                    match stream.try_next().await.unwrap() {
                        Some(item) => assert_eq!(item.0, expected),
                        None => {
                            assert_eq!(expected, count);
                            break;
                        }
                    }
                }
                stream.close().await.unwrap();
            };
            polled(work, polls).await;
            over.await;
        }));
        if consumers.len() == 8 {
            consumers
                .pop_front()
                .expect("there are eight")
                .await
                .unwrap();
        }
    }
    for consumer in consumers {
        consumer.await.unwrap();
    }
    pool.shutdown(true).await.unwrap();
    assert_eq!((pool.running(), pool.waiting()), (0, 0));
    assert_eq!(alive.get(), 0);
    assert_eq!(begun.get(), cleaned.get());
    assert!(begun.get() > 0);
}
