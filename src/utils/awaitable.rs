use std::sync::Arc;

use futures_core::future::BoxFuture;

/// A function whose result is awaited, whether it is asynchronous or not; from [`awaitable`] and
/// [`awaitable_async`]. Cloning it is cheap.
pub type AwaitableFn<A, T> = Arc<dyn Fn(A) -> BoxFuture<'static, T> + Send + Sync>;

/// Makes the result of a plain function one that can be awaited, so that it goes where asynchronous functions go.
///
/// ```
/// use aiomisc::utils::{AwaitableFn, awaitable, awaitable_async};
///
/// # futures::executor::block_on(async {
/// let steps: [AwaitableFn<u32, u32>; 2] = [
///     awaitable(|number| number + 1),
///     awaitable_async(|number| async move { number * 2 }),
/// ];
/// let mut number = 20;
/// for step in &steps {
///     number = step(number).await;
/// }
/// assert_eq!(number, 42);
/// # });
/// ```
///
/// The function is called by the call, on the thread that makes it, not when its result is awaited; one that blocks
/// is for [`thread::run`](crate::thread::run).
///
/// # Cost
///
/// One allocation for each call.
pub fn awaitable<A, T, F>(function: F) -> AwaitableFn<A, T>
where
    F: Fn(A) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    Arc::new(move |argument| Box::pin(std::future::ready(function(argument))))
}

/// Gives an asynchronous function the type that [`awaitable`] gives plain ones.
///
/// # Cost
///
/// One allocation for each call.
pub fn awaitable_async<A, T, F, Fut>(function: F) -> AwaitableFn<A, T>
where
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    Arc::new(move |argument| Box::pin(function(argument)))
}
