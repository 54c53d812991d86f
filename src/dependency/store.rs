//! The values of one entrypoint.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::error::{NoValue, TooLong};
use super::node::lock;
use super::provided::Made;
use super::{Catalog, Dependencies, DependencyError, Node, Wanted, all};
use crate::entrypoint::Entrypoint;
use crate::error::{BoxError, end_of_panic};
use crate::future::{Either, race, run_until};
use crate::runtime::Name;
use crate::service::Panicked;

pub(crate) struct Store {
    catalog: Catalog,
    pub(super) inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    /// Those that are there, those that are being made, and those that failed last.
    pub(super) nodes: HashMap<Wanted, Arc<Node>>,
    /// Those that are there, in the order in which they came.
    pub(super) made: Vec<Arc<Node>>,
    /// The number of starts so far.
    pub(super) starts: u64,
    /// Whether nobody tears down what comes now.
    pub(super) closed: bool,
}

impl Store {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A start begins, of services or of one who asks by himself: its number. What fails from here on is
    /// not tried again within this start.
    pub(crate) fn begin(&self) -> u64 {
        let mut inner = self.inner();
        inner.starts += 1;
        inner.starts
    }

    /// Has a value made, unless it is there, is being made, or has failed within this start.
    pub(crate) fn request(
        &self,
        entrypoint: &Entrypoint,
        wanted: &Wanted,
        start: u64,
    ) -> Result<Arc<Node>, DependencyError> {
        if let Some(node) = self.inner().usable(wanted, start) {
            return Ok(node);
        }
        let not_made = |why: NoValue| DependencyError::not_made(wanted, why.into());
        let found = self.catalog.find(wanted);
        let dependency = found.map_err(|why| not_made(NoValue::NoProvider(why)))?;
        let mut inner = self.inner();
        // Who closes the store looks at the nodes after the stop has begun, under this lock.
        if entrypoint.is_closing() {
            return Err(not_made(NoValue::Stopping));
        }
        if let Some(node) = inner.usable(wanted, start) {
            return Ok(node);
        }
        let node = Node::new(Arc::clone(dependency), inner.starts);
        inner.nodes.insert(wanted.clone(), Arc::clone(&node));
        let make = make(Making {
            entrypoint: entrypoint.clone(),
            node: Arc::clone(&node),
        });
        let name = Name::Shared(wanted.to_string().into());
        // It cannot come to its end before it is kept: it takes the same lock.
        *lock(&node.task) = Some(entrypoint.spawn_for(Arc::clone(&node) as _, name, make));
        Ok(node)
    }

    /// The value, which is made if need be.
    pub(crate) async fn obtain<T: ?Sized + Send + Sync + 'static>(
        &self,
        entrypoint: &Entrypoint,
        wanted: Wanted,
        by: Option<&Arc<Node>>,
    ) -> Result<Arc<T>, DependencyError> {
        // A task that one has left, which is there by now, asks for itself: it keeps nobody waiting.
        let by = by.filter(|by| !by.is_decided());
        let start = by.map_or_else(|| self.begin(), |by| by.number);
        let node = self.request(entrypoint, &wanted, start)?;
        let _waiting = by.map(|by| self.waiting(by, &node)).transpose()?;
        let gone = || DependencyError::not_made(&wanted, NoValue::Stopping.into());
        // A factory that blocks its thread cannot tell that the program stops.
        match race(node.wait(), entrypoint.closing()).await {
            Either::First(outcome) => outcome?,
            Either::Second(()) => return Err(gone()),
        }
        node.get().ok_or_else(gone)
    }

    /// The value, if it is there.
    pub(crate) fn find<T: ?Sized + Send + Sync + 'static>(
        &self,
        wanted: &Wanted,
    ) -> Result<Arc<T>, DependencyError> {
        let node = self.inner().nodes.get(wanted).cloned();
        let value = node.and_then(|node| node.get());
        value.ok_or_else(|| DependencyError::not_made(wanted, NoValue::Stopping.into()))
    }

    /// Writes down that one waits for another, unless that one waits for it already.
    fn waiting<'a>(
        &'a self,
        by: &'a Arc<Node>,
        node: &Arc<Node>,
    ) -> Result<Waiting<'a>, DependencyError> {
        let _inner = self.inner();
        if !node.is_decided()
            && let Some(path) = path(node, by)
        {
            let chain = path.iter().chain([node]);
            return Err(DependencyError::circle(chain.map(|node| node.wanted())));
        }
        lock(&by.waits_for).push(Arc::clone(node));
        Ok(Waiting {
            store: self,
            by,
            node: Arc::clone(node),
        })
    }

    /// Keeps what was made, for those who wait and for the tear-down.
    fn keep(&self, node: &Arc<Node>, made: Made) {
        let mut inner = self.inner();
        if inner.closed {
            drop(inner);
            tracing::warn!(dependency = %node.wanted(), "came too late to be torn down");
            return drop_value(node.wanted(), made);
        }
        node.put(made);
        inner.made.push(Arc::clone(node));
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Inner {
    fn usable(&self, wanted: &Wanted, start: u64) -> Option<Arc<Node>> {
        let node = self.nodes.get(wanted);
        let node = node.filter(|node| !node.has_failed() || node.number >= start);
        node.cloned()
    }
}

/// That one waits for another, until this is dropped.
struct Waiting<'a> {
    store: &'a Store,
    by: &'a Arc<Node>,
    node: Arc<Node>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let _inner = self.store.inner();
        let mut waits_for = lock(&self.by.waits_for);
        if let Some(at) = waits_for
            .iter()
            .position(|node| Arc::ptr_eq(node, &self.node))
        {
            waits_for.swap_remove(at);
        }
    }
}

/// How one waits for another, directly or not: all on the way, from the one to the other; one that is
/// decided is waited for no longer. By hand and not by recursion: it may be a long way.
fn path(from: &Arc<Node>, to: &Arc<Node>) -> Option<Vec<Arc<Node>>> {
    let mut seen = HashSet::from([Arc::as_ptr(from)]);
    let mut path = vec![(Arc::clone(from), lock(&from.waits_for).clone())];
    loop {
        let (last, next) = path.last_mut()?;
        if Arc::ptr_eq(last, to) {
            return Some(path.into_iter().map(|(node, _)| node).collect());
        }
        match next.pop() {
            None => drop(path.pop()),
            Some(node) if !node.is_decided() && seen.insert(Arc::as_ptr(&node)) => {
                let next = lock(&node.waits_for).clone();
                path.push((node, next));
            }
            Some(_) => {}
        }
    }
}

/// A value that is being made. Those who wait are told also when the task of it is dropped.
struct Making {
    entrypoint: Entrypoint,
    node: Arc<Node>,
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.node.is_decided() {
            let why = match self.entrypoint.is_closing() {
                true => NoValue::Stopping,
                false => NoValue::NoRuntime,
            };
            let error = DependencyError::not_made(self.node.wanted(), why.into());
            self.node.decide(Err(error));
        }
    }
}

/// Makes a value, and tells those who wait. A stop of the program ends it.
async fn make(making: Making) {
    let Making { entrypoint, node } = &making;
    let store = entrypoint.dependencies();
    let made = run_until(call(entrypoint, node), entrypoint.closing()).await;
    let wanted = node.wanted();
    let outcome = match made {
        Ok(Either::First(Ok(made))) => {
            store.keep(node, made);
            Ok(())
        }
        Ok(Either::First(Err(cause))) => Err(DependencyError::of_factory(wanted, cause)),
        Ok(Either::Second(())) => Err(DependencyError::not_made(wanted, NoValue::Stopping.into())),
        Err(panic) => {
            let cause = Panicked(end_of_panic(panic)).into();
            Err(DependencyError::not_made(wanted, cause))
        }
    };
    node.decide(outcome);
}

/// Waits for what the factory declares to need, and calls it.
async fn call(entrypoint: &Entrypoint, node: &Arc<Node>) -> Result<Made, BoxError> {
    let store = entrypoint.dependencies();
    let dependency = &node.dependency;
    let mut needs = Vec::with_capacity(dependency.needs.len());
    for need in &dependency.needs {
        needs.push(store.request(entrypoint, need, node.number)?);
    }
    {
        let waiting: Result<Vec<_>, _> = needs.iter().map(|on| store.waiting(node, on)).collect();
        let _waiting = waiting?;
        all(needs.clone()).await?;
    }
    let deps = Dependencies::new(entrypoint.clone(), Arc::clone(node));
    let limit = dependency.make_limit;
    let over = async {
        entrypoint.runtime().sleep(limit).await;
        let waits_for = lock(&node.waits_for);
        let waits_for = waits_for.iter().map(|on| on.wanted().to_string());
        TooLong::Factory {
            limit,
            waits_for: waits_for.collect(),
        }
    };
    // Called inside: it may panic before there is a future.
    match run_until(async { dependency.make(deps).await }, over).await {
        Ok(Either::First(made)) => made,
        Ok(Either::Second(too_long)) => Err(too_long.into()),
        Err(panic) => Err(Panicked(end_of_panic(panic)).into()),
    }
}

/// Lets go of something of the user's; should it panic, the log tells.
pub(super) fn drop_value(wanted: &Wanted, value: impl Sized) {
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(value)));
    if let Err(panic) = dropped {
        tracing::error!(dependency = %wanted, panic = %end_of_panic(panic), "dropping it panicked");
    }
}
