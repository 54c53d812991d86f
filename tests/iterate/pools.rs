//! The threads that iterators run on.

use aiomisc::thread::Overflow;

use super::*;

#[aiomisc::test(runtimes(all))]
async fn an_iterator_waits_for_a_thread_of_a_full_pool() {
    let pool = ThreadPool::new(1).unwrap();
    let mut first = Iterate::new().pool(pool.clone()).run(|| 0..);
    let mut second = Iterate::new().pool(pool.clone()).run(|| 10..13);
    first.next().await.unwrap().unwrap();
    assert!(futures::poll!(std::pin::pin!(second.next())).is_pending());
    assert_eq!((pool.running(), pool.waiting()), (1, 1));
    first.close().await.unwrap();
    assert_eq!(all(&mut second).await, [10, 11, 12]);
    pool.shutdown(true).await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn one_of_its_own_takes_no_thread_of_the_pool() {
    let pool = ThreadPool::new(1).unwrap();
    let mut separate = Vec::new();
    for _ in 0..5 {
        let iterate = Iterate::new().pool(pool.clone()).name("own").separate(true);
        separate.push(iterate.max_size(1).push(|yielder| {
            let name = std::thread::current().name().map(str::to_owned);
            loop {
                yielder.send(name.clone())?;
            }
        }));
    }
    for stream in &mut separate {
        let name = stream.try_next().await.unwrap().unwrap();
        assert_eq!(name.as_deref(), Some("own"));
    }
    assert_eq!(pool.running(), 0);
    for stream in &mut separate {
        stream.close().await.unwrap();
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_pool_that_was_shut_down_refuses_it() {
    let pool = ThreadPool::new(1).unwrap();
    pool.shutdown(true).await.unwrap();
    let dropped = Count::default();
    let held = dropped.on_drop();
    let mut stream = Iterate::new().pool(pool).name("late").run(move || {
        let _held = held;
        0..3
    });
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_closed() && !error.is_panic());
    let text = format!(
        "job `late` (submitted at {}) did not run: its pool was shut down",
        error.made_at()
    );
    assert_eq!(error.to_string(), text);
    assert!(stream.next().await.is_none());
    stream.close().await.expect("it was told");
    assert_eq!(dropped.get(), 1);
}

#[aiomisc::test(runtimes(all))]
async fn a_full_queue_refuses_it() {
    let pool = ThreadPool::builder()
        .size(1)
        .queue_limit(0)
        .overflow(Overflow::Refuse);
    let pool = pool.build().unwrap();
    let mut first = Iterate::new().pool(pool.clone()).run(|| 0..);
    let mut second = Iterate::new().pool(pool.clone()).run(|| 0..);
    let error = second.close().await.unwrap_err();
    assert!(error.is_refused());
    assert!(second.closed());
    first.close().await.unwrap();
}

/// What it had sent arrives, and then that it was cut off; it cleans up.
#[aiomisc::test(runtimes(all))]
async fn a_pool_that_is_shut_down_ends_it_with_an_error() {
    for taken in [0, 2] {
        let pool = ThreadPool::new(2).unwrap();
        let (produced, cleaned) = (Count::default(), Count::default());
        let (numbers, clean_up) = (produced.clone(), cleaned.on_drop());
        let iterate = Iterate::new()
            .pool(pool.clone())
            .name("endless")
            .max_size(3);
        let mut stream = iterate.run(move || {
            let clean_up = clean_up;
            numbers.numbers().inspect(move |_| {
                let _ = &clean_up;
            })
        });
        for number in 0..taken {
            assert_eq!(stream.next().await.unwrap().unwrap(), number);
        }
        // It has begun.
        until(|| produced.get() > 0).await;
        let left = pool.shutdown(false).await.unwrap_err();
        assert_eq!(left.jobs()[0].name, "endless");
        let mut number = taken;
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(item) => {
                    assert_eq!(item, number);
                    number += 1;
                }
                Err(error) => break error,
            }
        };
        assert!(error.is_closed());
        let text = format!(
            "job `endless` (submitted at {}) was cut off: its pool was shut down, and the time for that is over",
            error.made_at()
        );
        assert_eq!(error.to_string(), text);
        assert_eq!(number, produced.get(), "all that was produced has arrived");
        assert_eq!(cleaned.get(), 1);
    }
}

/// As at the end of a program: the drain waits for iterators as for other jobs.
#[aiomisc::test(runtimes(all))]
async fn a_pool_that_drains_waits_for_it() {
    let pool = ThreadPool::new(1).unwrap();
    let mut stream = Iterate::new().pool(pool.clone()).max_size(2).run(|| 0..50);
    let shutdown = pool.shutdown(true);
    let (items, drained) = futures::future::join(all(&mut stream), shutdown).await;
    assert_eq!(items.len(), 50);
    drained.unwrap();
}
