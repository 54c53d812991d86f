//! `cancel_tasks`.

use aiomisc::utils::cancel_tasks;

use super::shared::Events;
use super::shared::given_up::give_up;
use super::*;

#[aiomisc::test(runtimes(all))]
async fn tasks_have_gone_when_it_is_ready() {
    let events = Events::default();
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let dropped = events.on_drop("dropped");
            aiomisc::spawn(async move {
                let _dropped = dropped;
                pending::<()>().await;
            })
        })
        .collect();
    let results = cancel_tasks(tasks).await;
    assert_eq!(events.all().len(), 5);
    assert_eq!(results.len(), 5);
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap_err().is_cancelled())
    );
}

#[aiomisc::test(runtimes(all))]
async fn those_that_have_ended_give_what_they_had() {
    let done = aiomisc::spawn(async { 1 });
    let waits = aiomisc::spawn(pending());
    let also = aiomisc::spawn(async { 2 });
    until(|| done.is_finished() && also.is_finished()).await;
    let results = cancel_tasks([done, waits, also]).await;
    let values: Vec<_> = results.into_iter().map(Result::ok).collect();
    assert_eq!(values, [Some(1), None, Some(2)]);
    assert!(
        cancel_tasks(Vec::<aiomisc::Task<()>>::new())
            .await
            .is_empty()
    );
}

#[aiomisc::test(runtimes(all))]
async fn the_tasks_end_also_if_nobody_waits() {
    for polls in 0..3 {
        let events = Events::default();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let dropped = events.on_drop("dropped");
                aiomisc::spawn(async move {
                    let _dropped = dropped;
                    pending::<()>().await;
                })
            })
            .collect();
        give_up(polls, cancel_tasks(tasks)).await;
        until(|| events.all().len() == 3).await;
    }
}
