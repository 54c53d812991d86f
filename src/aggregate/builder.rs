use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, Rules};
use super::output::{BatchEnd, BatchOutput};
use super::{Aggregator, AggregatorAsync, Arg};

/// An aggregator about to be made; from [`Aggregator::builder`].
///
/// | option | what it sets | default |
/// |---|---|---|
/// | [`leeway`](Self::leeway) | how long a batch waits for more calls, from its first | 10 ms |
/// | [`max_count`](Self::max_count) | how many calls make a batch full, which then begins at once | any number |
/// | [`most_batches`](Self::most_batches) | how many batches are worked on at the same time, at most | 64 |
/// | [`most_waiting`](Self::most_waiting) | how many calls wait, at most | 65 536 |
/// | [`name`](Self::name) | what it is called in the figures | none |
#[derive(Clone, Debug)]
#[must_use = "nothing is made until `build`"]
pub struct AggregatorBuilder {
    rules: Rules,
    name: Option<Cow<'static, str>>,
}

impl AggregatorBuilder {
    pub(super) fn new() -> Self {
        Self {
            rules: Rules {
                leeway: Duration::from_millis(10),
                max_count: usize::MAX,
                most_batches: 64,
                most_waiting: 65_536,
            },
            name: None,
        }
    }

    /// Sets how long a batch waits for more calls, from its first.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Sets how many calls make a batch full, which then begins at once.
    pub fn max_count(mut self, calls: usize) -> Self {
        self.rules.max_count = calls;
        self
    }

    /// Sets how many batches are worked on at the same time, at most, on each runtime. Those that have to wait take
    /// more calls meanwhile, until they are full.
    pub fn most_batches(mut self, batches: usize) -> Self {
        self.rules.most_batches = batches;
        self
    }

    /// Sets how many calls wait for their results, at most. More are refused with
    /// [`AggregateError::Busy`](super::AggregateError::Busy).
    pub fn most_waiting(mut self, calls: usize) -> Self {
        self.rules.most_waiting = calls;
        self
    }

    /// Sets what it is called in the figures.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes one whose function gives its results by position.
    ///
    /// # Errors
    ///
    /// [`InvalidAggregator`] if the leeway or one of the numbers is zero.
    pub fn build<V, O, F, Fut>(
        self,
        function: F,
    ) -> Result<Aggregator<V, O::Item, O::Error>, InvalidAggregator>
    where
        V: Send + 'static,
        O: BatchOutput,
        F: Fn(Vec<V>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = O> + Send + 'static,
    {
        self.build_by_key(|_| (), function)
    }

    /// As [`build`](Self::build), with a batch for each key. There are as many keys at the same time as there are
    /// batches that gather calls.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_by_key<V, K, O, F, Fut>(
        self,
        key: impl Fn(&V) -> K + Send + Sync + 'static,
        function: F,
    ) -> Result<Aggregator<V, O::Item, O::Error, K>, InvalidAggregator>
    where
        V: Send + 'static,
        K: Eq + Hash + Clone + Send + 'static,
        O: BatchOutput,
        F: Fn(Vec<V>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = O> + Send + 'static,
    {
        self.check()?;
        let name = self.name.map(Arc::from);
        let engine = Engine::new(
            self.rules,
            name,
            Box::new(key),
            Box::new(move |values, _| {
                let (seats, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
                let work = function(values);
                Box::pin(async move {
                    let results = work.await.into_results()?;
                    // Those that are too many have no seat.
                    let results = seats.into_iter().zip(results.into_iter().map(Ok));
                    Ok(results.collect())
                })
            }),
        );
        Ok(Aggregator { engine })
    }

    /// Makes one whose function sets its results one by one.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_async<V, R, E, F, Fut>(
        self,
        function: F,
    ) -> Result<AggregatorAsync<V, R, E>, InvalidAggregator>
    where
        V: Send + 'static,
        R: Send + 'static,
        E: Send + Sync + 'static,
        F: Fn(Vec<Arg<V, R, E>>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: BatchEnd<E>> + Send + 'static,
    {
        self.build_async_by_key(|_| (), function)
    }

    /// As [`build_async`](Self::build_async), with a batch for each key.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_async_by_key<V, K, R, E, F, Fut>(
        self,
        key: impl Fn(&V) -> K + Send + Sync + 'static,
        function: F,
    ) -> Result<AggregatorAsync<V, R, E, K>, InvalidAggregator>
    where
        V: Send + 'static,
        K: Eq + Hash + Clone + Send + 'static,
        R: Send + 'static,
        E: Send + Sync + 'static,
        F: Fn(Vec<Arg<V, R, E>>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: BatchEnd<E>> + Send + 'static,
    {
        self.check()?;
        let name = self.name.map(Arc::from);
        let engine = Engine::new(
            self.rules,
            name,
            Box::new(key),
            Box::new(move |values, taker| {
                let values = values.into_iter();
                let args = values.map(|(seat, value)| Arg::new(value, Arc::clone(&taker), seat));
                let work = function(args.collect());
                Box::pin(async move {
                    work.await.into_end()?;
                    Ok(Vec::new())
                })
            }),
        );
        Ok(AggregatorAsync { engine })
    }

    fn check(&self) -> Result<(), InvalidAggregator> {
        let Rules {
            leeway,
            max_count,
            most_batches,
            most_waiting,
        } = self.rules;
        let zeros = [
            ("leeway", leeway.is_zero()),
            ("max_count", max_count == 0),
            ("most_batches", most_batches == 0),
            ("most_waiting", most_waiting == 0),
        ];
        match zeros.into_iter().find(|(_, zero)| *zero) {
            Some((what, _)) => Err(InvalidAggregator { what }),
            None => Ok(()),
        }
    }
}

/// Says which option of an aggregator is zero, and must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAggregator {
    what: &'static str,
}

impl fmt::Display for InvalidAggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of an aggregator: expected more than zero", self.what)
    }
}

impl std::error::Error for InvalidAggregator {}
