//! The faults that the original once had, one test for each.

use super::*;

/// "Polling with growing sleeps instead of wake-ups": an hour of waiting ends in the moment in which there
/// is an item, or room.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 30)]
async fn neither_side_polls() {
    let (runtime, hour) = (Runtime::current().unwrap(), Duration::from_secs(3600));
    let mut stream = Iterate::new().max_size(1).run(move || {
        (0..10).map(move |number| {
            if number >= 5 {
                sync_wait(time::sleep(hour)).unwrap();
            }
            Runtime::current().unwrap().now()
        })
    });
    for number in 0..10 {
        if number < 5 {
            time::sleep(hour).await;
        }
        let sent = stream.try_next().await.unwrap().unwrap();
        let waited = runtime.now() - sent;
        let expected = if number < 5 { hour } else { Duration::ZERO };
        assert_eq!(waited.as_secs(), expected.as_secs(), "{number}");
        assert_eq!(waited.subsec_nanos(), 0, "{number}");
    }
    assert!(stream.next().await.is_none());
}

/// "The last item lost when a producer put and closed at once."
#[aiomisc::test(runtimes(all))]
async fn the_last_item_is_not_lost_when_the_producer_ends_at_once() {
    for round in 0..500 {
        let max_size = round % 3;
        let mut stream = Iterate::new().max_size(max_size).push(move |yielder| {
            yielder.send(round)?;
            Ok(())
        });
        if round % 2 == 0 {
            time::sleep(Duration::ZERO).await;
        }
        assert_eq!(all(&mut stream).await, [round]);
    }
}

/// The same, with the producer's end between any two steps of the consumer.
#[cfg(feature = "simulation")]
#[aiomisc::test(simulation, seeds = 300)]
async fn the_last_item_is_not_lost_with_any_seed() {
    for max_size in [0, 1, 2] {
        let mut stream = Iterate::new().max_size(max_size).run(|| 0..3);
        assert_eq!(all(&mut stream).await, [0, 1, 2]);
    }
}

/// "A producer blocked for ever on a full queue after the consumer went."
#[aiomisc::test(runtimes(all))]
async fn a_producer_that_is_full_ends_when_its_consumer_goes() {
    for max_size in [1, 2, 8] {
        for close in [false, true] {
            let (produced, cleaned) = (Count::default(), Count::default());
            let (numbers, clean_up) = (produced.clone(), cleaned.on_drop());
            let mut stream = Iterate::new().max_size(max_size).run(move || {
                let clean_up = clean_up;
                numbers.numbers().inspect(move |_| {
                    let _ = &clean_up;
                })
            });
            until(|| produced.get() == max_size).await;
            // It sleeps by now, or is about to.
            time::sleep(Duration::from_micros(100)).await;
            let over = stream.wait_closed();
            if close {
                stream.close().await.unwrap();
            } else {
                drop(stream);
            }
            over.await;
            assert_eq!(produced.get(), max_size, "nothing more is produced");
            assert_eq!(cleaned.get(), 1);
        }
    }
}

/// "Pool thread used up by the closing wait": the waits take no threads, and the producer's is free again.
#[aiomisc::test(runtimes(all))]
async fn closing_takes_no_thread_of_the_pool() {
    let pool = ThreadPool::new(1).unwrap();
    for _ in 0..20 {
        let mut stream = Iterate::new().pool(pool.clone()).max_size(1).run(|| 0..);
        let mut others: Vec<_> = (0..3)
            .map(|_| Iterate::new().pool(pool.clone()).max_size(1).run(|| 0..))
            .collect();
        stream.next().await.unwrap().unwrap();
        let closing = others.iter_mut().map(ThreadedIter::close);
        for closed in futures::future::join_all(closing).await {
            closed.unwrap();
        }
        stream.close().await.unwrap();
        assert_eq!(pool.run(|| 7).await.unwrap(), 7);
    }
    pool.shutdown(true).await.unwrap();
}

/// "Clean-up from a garbage-collector thread": it runs on the producer's own, also after a drop elsewhere.
#[aiomisc::test(runtimes(all))]
async fn the_clean_up_runs_on_the_thread_of_the_producer() {
    struct Home(std::thread::ThreadId, mpsc::Sender<bool>);

    impl Drop for Home {
        fn drop(&mut self) {
            let here = std::thread::current().id() == self.0;
            self.1.send(here).expect("the test waits");
        }
    }

    for separate in [false, true] {
        let (tell, told) = mpsc::channel();
        let mut stream = Iterate::new().separate(separate).max_size(2).run(move || {
            let home = Home(std::thread::current().id(), tell);
            (0..).inspect(move |_| {
                let _ = &home;
            })
        });
        stream.next().await.unwrap().unwrap();
        let over = stream.wait_closed();
        std::thread::spawn(move || drop(stream)).join().unwrap();
        over.await;
        assert_eq!(told.try_recv(), Ok(true));
    }
}
