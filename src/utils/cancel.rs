use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::runtime::{JoinError, Task};

/// Aborts tasks, all of them at once, and waits until they have gone.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::utils::cancel_tasks;
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let tasks = (0..10).map(|_| aiomisc::spawn(std::future::pending::<()>()));
/// let results = cancel_tasks(tasks).await;
/// assert_eq!(results.len(), 10);
/// assert!(results.iter().all(|result| result.as_ref().is_err_and(|error| error.is_cancelled())));
/// # }); }
/// ```
///
/// They are aborted by the call. Their futures are dropped when this is ready, which gives a result for each, in
/// their order: one that had ended before gives what it had.
///
/// # Cancel safety
///
/// The tasks end also if the wait for them is dropped.
pub fn cancel_tasks<T>(tasks: impl IntoIterator<Item = Task<T>>) -> CancelTasks<T> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    for task in &tasks {
        task.abort();
    }
    let results = Vec::with_capacity(tasks.len());
    CancelTasks { tasks, results }
}

/// Waits for tasks that were aborted; from [`cancel_tasks`].
#[must_use = "futures do nothing unless polled; the tasks were aborted already"]
pub struct CancelTasks<T> {
    tasks: Vec<Task<T>>,
    /// Of the first of them.
    results: Vec<Result<T, JoinError>>,
}

impl<T> Unpin for CancelTasks<T> {}

impl<T> Future for CancelTasks<T> {
    type Output = Vec<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        // One after another: all of them have to end.
        while let Some(task) = me.tasks.get_mut(me.results.len()) {
            match Pin::new(task).poll(cx) {
                Poll::Ready(result) => me.results.push(result),
                Poll::Pending => return Poll::Pending,
            }
        }
        me.tasks.clear();
        Poll::Ready(std::mem::take(&mut me.results))
    }
}

impl<T> fmt::Debug for CancelTasks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelTasks")
            .field("tasks", &self.tasks)
            .field("ended", &self.results.len())
            .finish()
    }
}
