//! Figures of tasks, on every runtime.

use std::future::pending;
use std::sync::Arc;

use aiomisc::statistics::Gauge;
use aiomisc::{Runtime, statistic};

use super::lines;

statistic! {
    /// What the tasks did.
    struct TaskLikeStatistic { done: Counter, running: Gauge }
}

/// Rows C16 and C17 of the parity table.
#[aiomisc::test(runtimes(all), timeout = "10s")]
async fn tasks_count_together() {
    let runtime = Runtime::current().unwrap();
    let name = format!("{runtime:?}");
    let statistic = TaskLikeStatistic::new(&*name);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let statistic = statistic.clone();
            runtime.spawn(async move {
                let _running = statistic.running.hold();
                for _ in 0..20 {
                    statistic.done.add_one();
                    aiomisc::time::sleep(std::time::Duration::ZERO).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let own: Vec<_> = lines::<TaskLikeStatistic>()
        .into_iter()
        .filter(|line| line.contains(&name))
        .collect();
    assert!(own.contains(&format!("TaskLikeStatistic {name} done 1000")));
    assert!(own.contains(&format!("TaskLikeStatistic {name} running 0")));
}

/// A task that is aborted gives back what it held.
#[aiomisc::test(runtimes(all), timeout = "10s")]
async fn what_is_held_is_given_back_by_cancelling() {
    let running = Arc::new(Gauge::new());
    let held = Arc::clone(&running);
    let (started, has_started) = futures::channel::oneshot::channel();
    let task = aiomisc::spawn(async move {
        let _held = held.hold();
        started.send(()).unwrap();
        pending::<()>().await;
    });
    has_started.await.unwrap();
    assert_eq!(running.value(), 1);
    task.abort();
    assert!(task.await.is_err());
    assert_eq!(running.value(), 0);
}
