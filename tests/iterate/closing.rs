//! Ends that the consumer makes.

use aiomisc::thread::iterate::Gone;

use super::*;

#[aiomisc::test(runtimes(all))]
async fn close_waits_until_the_clean_up_has_run() {
    for max_size in [0, 1, 2, 1024] {
        let (produced, cleaned) = (Count::default(), Count::default());
        let (numbers, clean_up) = (produced.clone(), cleaned.clone());
        let mut stream = Iterate::new().max_size(max_size).push(move |yielder| {
            let sent = numbers.numbers().try_for_each(|number| {
                sync_wait(time::sleep(Duration::from_micros(1)))
                    .map_err(aiomisc::BoxError::from)?;
                Ok(yielder.send(number)?)
            });
            sync_wait(time::sleep(Duration::from_millis(1)))?;
            assert!(yielder.is_closed());
            clean_up.add_one();
            sent
        });
        for number in 0..3 {
            assert_eq!(stream.next().await.unwrap().unwrap(), number);
        }
        assert!(!stream.closed());
        stream.close().await.unwrap();
        assert!(stream.closed());
        assert_eq!(cleaned.get(), 1);
        let produced_until_then = produced.get();
        assert!(stream.next().await.is_none(), "what was ahead is dropped");
        stream.close().await.expect("once more is fine");
        assert_eq!(produced.get(), produced_until_then);
    }
}

#[aiomisc::test(runtimes(all))]
async fn close_after_the_end_is_fine() {
    let mut stream = thread::iterate(|| 0..3);
    assert_eq!(all(&mut stream).await.len(), 3);
    stream.close().await.unwrap();
    stream.wait_closed().await;
}

#[aiomisc::test(runtimes(all))]
async fn close_before_the_first_item_is_fine() {
    for separate in [false, true] {
        let cleaned = Count::default();
        let clean_up = cleaned.on_drop();
        let mut stream = Iterate::new().separate(separate).max_size(1).run(move || {
            let clean_up = clean_up;
            (0..).inspect(move |_| {
                let _ = &clean_up;
            })
        });
        stream.close().await.unwrap();
        assert_eq!(cleaned.get(), 1);
        assert!(stream.closed());
    }
}

#[aiomisc::test(runtimes(all))]
async fn wait_closed_does_not_stop_the_producer() {
    let produced = Count::default();
    let numbers = produced.clone();
    let mut stream = Iterate::new()
        .max_size(4)
        .run(move || numbers.numbers().take(10));
    let mut over = std::pin::pin!(stream.wait_closed());
    until(|| produced.get() == 4).await;
    assert!(futures::poll!(&mut over).is_pending());
    assert_eq!(all(&mut stream).await.len(), 10);
    over.await;
    assert!(stream.closed());
}

/// One that is in a call of its own is waited for, and hears of the end at its next item.
#[aiomisc::test(runtimes(all))]
async fn a_producer_in_a_long_call_is_not_interrupted() {
    let (release, released) = oneshot::channel::<()>();
    let begun = Count::default();
    let has_begun = begun.clone();
    let mut stream = Iterate::new().push(move |yielder| {
        has_begun.add_one();
        drop(sync_wait(released));
        assert!(yielder.is_closed());
        let gone: Gone = yielder.send(1).unwrap_err();
        assert_eq!(yielder.send(2), Err(gone));
        Err(gone.into())
    });
    until(|| begun.get() == 1).await;
    let mut close = std::pin::pin!(stream.close());
    assert!(futures::poll!(&mut close).is_pending());
    release.send(()).unwrap();
    close
        .await
        .expect("that the consumer has gone is no failure");
}

/// Cut short at any poll, another `close` waits for the same end.
#[aiomisc::test(runtimes(all))]
async fn a_close_that_is_dropped_stops_the_producer() {
    let (release, released) = oneshot::channel::<()>();
    let cleaned = Count::default();
    let clean_up = cleaned.clone();
    let mut stream = Iterate::new().push(move |yielder| {
        while yielder.send(0).is_ok() {
            sync_wait(time::sleep(Duration::from_micros(1)))?;
        }
        drop(sync_wait(released));
        clean_up.add_one();
        Err("the clean-up failed".into())
    });
    stream.next().await.unwrap().unwrap();
    assert!(futures::poll!(std::pin::pin!(stream.close())).is_pending());
    release.send(()).unwrap();
    stream.wait_closed().await;
    assert_eq!(cleaned.get(), 1);
    let error = stream.close().await.unwrap_err();
    assert!(error.is_failure());
    stream.close().await.expect("an error is told once");
}

#[aiomisc::test(runtimes(all))]
async fn after_a_close_that_was_dropped_the_stream_has_an_end() {
    let mut stream = Iterate::new().max_size(2).run(|| 0..);
    stream.next().await.unwrap().unwrap();
    drop(futures::poll!(std::pin::pin!(stream.close())));
    assert!(stream.next().await.is_none());
}
