//! These tools as layers of `tower`, around a service of anybody.

use std::fmt::Display;
use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::breaker::Breaker;
use super::bulkhead::Bulkhead;
use super::error::CallError;
use super::fallback::{Fallback, Recover, recovered};
use super::hedge::Hedge;
use super::load_shed::LoadShed;
use super::policy::Policy;
use super::rate_limiter::RateLimiter;
use crate::circuit_breaker::{CircuitBreaker, Inspect};
use crate::retry::{Backoff, Retry, RetryError, Rules};

/// A service behind a tool that lets each request through once, or not; made by the `Layer` of [`Bulkhead`],
/// [`RateLimiter`], [`LoadShed`] and [`CircuitBreaker`].
///
/// It is ready when the service in it is, and passes a request on when the tool lets it through. Its errors
/// are [`CallError`]s. A request is one allocation.
#[derive(Clone, Debug)]
pub struct Guarded<P, S> {
    tool: P,
    inner: S,
}

/// A service whose requests may be made more than once; made by the `Layer` of [`Backoff`], [`Retry`],
/// [`Hedge`] and [`Policy`].
///
/// It is always ready: each attempt has a clone of the service and of the request, and waits until that clone is
/// ready. Its errors are [`CallError`]s. A request is one allocation.
#[derive(Clone, Debug)]
pub struct Repeated<P, S> {
    tool: P,
    inner: S,
}

/// A service whose errors may become responses; made by the `Layer` of [`Fallback`].
///
/// It is ready when the service in it is, and has the same type of errors.
#[derive(Clone, Debug)]
pub struct Recovered<P, S> {
    tool: P,
    inner: S,
}

/// Lets a future through once.
#[doc(hidden)]
pub trait Once<T, E>: Clone + Send + Sync + 'static {
    fn once<F>(&self, future: F) -> impl Future<Output = Result<T, CallError<E>>> + Send
    where
        F: Future<Output = Result<T, E>> + Send;
}

macro_rules! once {
    ($($tool:ident)*) => {$(
        impl<T: Send, E: Send> Once<T, E> for $tool {
            async fn once<F>(&self, future: F) -> Result<T, CallError<E>>
            where
                F: Future<Output = Result<T, E>> + Send,
            {
                self.call(future).await
            }
        }

        impl<S> Layer<S> for $tool {
            type Service = Guarded<Self, S>;

            fn layer(&self, inner: S) -> Self::Service {
                let tool = self.clone();
                Guarded { tool, inner }
            }
        }
    )*};
}

once!(Bulkhead RateLimiter LoadShed);

impl<T: Send, E: Display + Send, R> Once<T, E> for CircuitBreaker<R>
where
    R: Inspect<E> + Clone + Send + Sync + 'static,
{
    async fn once<F>(&self, future: F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call_async(future).await.map_err(CallError::from)
    }
}

impl<S, R: Clone> Layer<S> for CircuitBreaker<R> {
    type Service = Guarded<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Guarded { tool, inner }
    }
}

impl<P, S, Q> Service<Q> for Guarded<P, S>
where
    P: Once<S::Response, S::Error>,
    S: Service<Q, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    Q: Send + 'static,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = BoxFuture<'static, Result<S::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let mut inner = take_ready(&mut self.inner);
        let tool = self.tool.clone();
        Box::pin(async move {
            let response = async move { inner.call(request).await };
            tool.once(response).await
        })
    }
}

/// The service that was asked whether it is ready is the one that has to be called.
fn take_ready<S: Clone>(service: &mut S) -> S {
    let next = service.clone();
    mem::replace(service, next)
}

/// Makes a future more than once.
#[doc(hidden)]
pub trait Repeat<T, E>: Clone + Send + Sync + 'static {
    fn repeat<F>(
        &self,
        attempt: impl FnMut() -> F + Send,
    ) -> impl Future<Output = Result<T, CallError<E>>> + Send
    where
        F: Future<Output = Result<T, E>> + Send;
}

impl<T: Send, E: Send, R> Repeat<T, E> for Backoff<R>
where
    R: Rules<E> + Send + Sync + 'static,
{
    async fn repeat<F>(&self, mut attempt: impl FnMut() -> F + Send) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        let result = self.try_call(|_| attempt()).await;
        result.map_err(|error| match error {
            RetryError::Failed(error) => CallError::Failed(error),
            RetryError::Elapsed => CallError::Elapsed,
        })
    }
}

impl<T: Send, E: Send, R> Repeat<T, E> for Retry<R>
where
    R: Rules<E> + Send + Sync + 'static,
{
    async fn repeat<F>(&self, mut attempt: impl FnMut() -> F + Send) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(|_| attempt()).await.map_err(CallError::Failed)
    }
}

impl<T: Send, E: Send> Repeat<T, E> for Hedge {
    async fn repeat<F>(&self, mut attempt: impl FnMut() -> F + Send) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(|_| attempt()).await.map_err(CallError::Failed)
    }
}

impl<T: Send, E: Send, R, B, G> Repeat<T, E> for Policy<R, B, G>
where
    R: Rules<E> + Send + Sync + 'static,
    B: Breaker<E> + Clone + Send + Sync + 'static,
    G: Recover<T, CallError<E>, Future: Send> + Clone + Send + Sync + 'static,
{
    async fn repeat<F>(&self, mut attempt: impl FnMut() -> F + Send) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(|_| attempt()).await
    }
}

impl<S, R> Layer<S> for Backoff<R> {
    type Service = Repeated<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Repeated { tool, inner }
    }
}

impl<S, R> Layer<S> for Retry<R> {
    type Service = Repeated<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Repeated { tool, inner }
    }
}

impl<S> Layer<S> for Hedge {
    type Service = Repeated<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Repeated { tool, inner }
    }
}

impl<S, R, B: Clone, G: Clone> Layer<S> for Policy<R, B, G> {
    type Service = Repeated<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Repeated { tool, inner }
    }
}

impl<P, S, Q> Service<Q> for Repeated<P, S>
where
    P: Repeat<S::Response, S::Error>,
    S: Service<Q, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    Q: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = CallError<S::Error>;
    type Future = BoxFuture<'static, Result<S::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let (inner, tool) = (self.inner.clone(), self.tool.clone());
        Box::pin(async move {
            let attempt = move || {
                let (mut inner, request) = (inner.clone(), request.clone());
                async move {
                    poll_fn(|cx| inner.poll_ready(cx)).await?;
                    inner.call(request).await
                }
            };
            tool.repeat(attempt).await
        })
    }
}

impl<S, F> Layer<S> for Fallback<F> {
    type Service = Recovered<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let tool = self.clone();
        Recovered { tool, inner }
    }
}

impl<P, S, Q> Service<Q> for Recovered<P, S>
where
    P: Recover<S::Response, S::Error, Future: Send> + Clone + Send + Sync + 'static,
    S: Service<Q, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    Q: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let mut inner = take_ready(&mut self.inner);
        let tool = self.tool.clone();
        Box::pin(async move {
            match inner.call(request).await {
                Ok(response) => Ok(response),
                Err(error) => recovered(&tool, error).await,
            }
        })
    }
}
