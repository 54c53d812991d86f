//! `select!` and `select_all`.

use aiomisc::select;
use aiomisc::utils::select_all;

use super::shared::Events;
use super::shared::given_up::polled;
use super::*;

#[aiomisc::test(runtimes(all))]
async fn the_result_is_at_the_place_of_its_future() {
    let mut slow = Box::pin(pending());
    let result = select![
        &mut slow,
        async {
            time::sleep(ms(1)).await;
            7
        },
        pending()
    ]
    .await;
    assert_eq!(result.result(), [None, Some(&7), None]);
    assert_eq!((result.value(), result.result_idx()), (Some(&7), Some(1)));
    assert_eq!(
        (result.done(), result.len(), result.is_empty()),
        (true, 3, false)
    );
    let row: Vec<_> = result.clone().into_iter().collect();
    assert_eq!(row, [None, Some(7), None]);
    assert_eq!(result.into_value(), Some(7));
}

#[aiomisc::test(runtimes(all))]
async fn of_several_that_are_ready_it_is_the_first() {
    let result = select_all([2, 1, 3].map(ready)).await;
    assert_eq!(
        (result.result_idx(), result.into_value()),
        (Some(0), Some(2))
    );
}

#[aiomisc::test(runtimes(all))]
async fn an_error_is_a_result() {
    let result = select![pending::<Result<(), &str>>(), ready(Err("bad luck"))].await;
    assert!(result.is_error());
    assert_eq!(result.into_value(), Some(Err("bad luck")));
    let result = select![ready(Ok::<_, &str>(1))].await;
    assert!(!result.is_error());
}

#[aiomisc::test(runtimes(all))]
async fn losers_are_dropped_before_it_is_ready() {
    let events = Events::default();
    let loser = |name: &str| {
        let dropped = events.on_drop(name);
        async move {
            let _dropped = dropped;
            pending().await
        }
    };
    let result = select![loser("one"), ready(1), loser("two")].await;
    assert_eq!(events.all(), ["one", "two"]);
    assert_eq!(result.result_idx(), Some(1));
}

#[aiomisc::test(runtimes(all))]
async fn what_is_borrowed_is_kept() {
    let (go_on, may_go_on) = async_channel::bounded::<()>(1);
    let mut task = aiomisc::spawn(async move {
        may_go_on.recv().await.expect_err("closed");
        5
    });
    let result = select![async { (&mut task).await.ok() }, ready(None)].await;
    assert_eq!(result.result_idx(), Some(1));
    drop(go_on);
    assert_eq!(task.await.unwrap(), 5);
}

#[aiomisc::test(runtimes(all))]
async fn when_the_time_is_over_nothing_is_done() {
    let events = Events::default();
    let dropped = events.on_drop("dropped");
    let waits = async move {
        let _dropped = dropped;
        pending::<u8>().await
    };
    let result = select_all([waits]).timeout(ms(1)).await;
    assert_eq!(events.all(), ["dropped"]);
    assert!(!result.done() && result.value().is_none() && result.result_idx().is_none());
    assert_eq!((result.result(), result.len()), (vec![None], 1));
    // One that is ready makes it in any time.
    assert!(select_all([ready(1)]).timeout(Duration::ZERO).await.done());
}

#[aiomisc::test(runtimes(all))]
async fn of_nothing_nothing_comes() {
    let result = select_all(Vec::<std::future::Ready<u8>>::new()).await;
    assert_eq!(
        (result.done(), result.len(), result.is_empty()),
        (false, 0, true)
    );
    assert_eq!(result.into_iter().count(), 0);
}

#[aiomisc::test(runtimes(all))]
async fn dropping_it_drops_all_of_them() {
    for polls in 0..3 {
        let events = Events::default();
        let futures: Vec<_> = (0..3)
            .map(|_| {
                let dropped = events.on_drop("dropped");
                async move {
                    let _dropped = dropped;
                    // Woken at once, each time.
                    ::smol::future::yield_now().await;
                    ::smol::future::yield_now().await;
                    pending::<()>().await;
                }
            })
            .collect();
        assert!(polled(select_all(futures), polls).await.is_none());
        assert_eq!(events.all().len(), 3);
    }
}
