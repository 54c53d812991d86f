//! What the handle of a proxy and its tasks share.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use event_listener::Event;

use super::client::{self, Place};
use super::door::Door;
use super::error::ProxyError;
use super::link::{Link, Links, Way};
use crate::error::Chain;
use crate::flag::wake_all;
use crate::net::{Address, Stream};
use crate::runtime::{Runtime, Task};

/// So many clients are served at once.
const MAX_CLIENTS: usize = 1024;

/// How long to wait when no client can be accepted, as when no descriptor is left.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) struct Shared {
    pub(super) runtime: Runtime,
    pub(super) target: Address,
    pub(super) door: Door,
    pub(super) counts: Counts,
    links: Mutex<Links>,
    /// Held while a client is taken in, so that who cuts all of them finds each.
    entry: Mutex<()>,
    clients: Mutex<Clients>,
    last_error: Mutex<Option<ProxyError>>,
    /// The settings, or the door.
    pub(super) changed: Event,
    /// A client has come or gone.
    moved: Event,
}

#[derive(Default)]
struct Clients {
    next: u64,
    /// Cut in the order of their coming: in a simulation one seed is one run.
    by_key: BTreeMap<u64, Client>,
}

struct Client {
    task: Option<Task<()>>,
    reset: Arc<AtomicBool>,
    /// Whether the target has been reached.
    connected: bool,
}

impl Shared {
    pub(super) fn new(runtime: Runtime, target: Address, door: Door, links: Links) -> Self {
        Self {
            runtime,
            target,
            door,
            counts: Counts::default(),
            links: Mutex::new(links),
            entry: Mutex::default(),
            clients: Mutex::default(),
            last_error: Mutex::default(),
            changed: Event::new(),
            moved: Event::new(),
        }
    }

    // ---- settings ----

    pub(super) fn link(&self, way: Way) -> Link {
        lock(&self.links).way(way).clone()
    }

    pub(super) fn change<R>(&self, way: Way, set: impl FnOnce(&mut Link) -> R) -> R {
        let now = self.runtime.now();
        let result = {
            let mut links = lock(&self.links);
            let link = links.way(way);
            link.since = Some(now);
            set(link)
        };
        wake_all(&self.changed);
        result
    }

    pub(super) fn refuse(&self, refuse: bool) -> io::Result<()> {
        if refuse {
            self.door.shut();
        } else {
            self.door.reopen()?;
        }
        wake_all(&self.changed);
        Ok(())
    }

    // ---- clients ----

    /// Takes the next client in.
    fn poll_accept(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _entry = lock(&self.entry);
        let accepted = self.door.poll_accept(cx);
        accepted.map_ok(|(stream, _)| self.serve(stream))
    }

    fn serve(self: &Arc<Self>, stream: Stream) {
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        let reset = Arc::new(AtomicBool::new(false));
        let key = {
            let mut clients = lock(&self.clients);
            clients.next += 1;
            let key = clients.next;
            let client = Client {
                task: None,
                reset: Arc::clone(&reset),
                connected: false,
            };
            clients.by_key.insert(key, client);
            key
        };
        let place = Place {
            shared: Arc::clone(self),
            key,
        };
        let task = self.runtime.task("tcp proxy: connection");
        let task = task.spawn(client::serve(place, stream, reset));
        // It may have left already.
        if let Some(client) = lock(&self.clients).by_key.get_mut(&key) {
            client.task = Some(task);
        }
    }

    pub(super) fn is_connected(&self, key: u64) {
        if let Some(client) = lock(&self.clients).by_key.get_mut(&key) {
            client.connected = true;
        }
        wake_all(&self.moved);
    }

    pub(super) fn leaves(&self, key: u64) {
        let client = lock(&self.clients).by_key.remove(&key);
        drop(client);
        wake_all(&self.moved);
    }

    pub(super) fn connections(&self) -> usize {
        let clients = lock(&self.clients);
        let connected = clients.by_key.values().filter(|client| client.connected);
        connected.count()
    }

    /// Waits until the number of connections is as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(usize) -> bool) {
        loop {
            let moved = self.moved.listen();
            if wanted(self.connections()) {
                return;
            }
            moved.await;
        }
    }

    /// Closes or resets whatever is connected now, and waits until that is done; gives the number of
    /// those that were connected through.
    pub(super) async fn cut(&self, reset: bool) -> usize {
        let clients = {
            let _entry = lock(&self.entry);
            self.cut_waiting(reset);
            self.take_all()
        };
        let connected = clients.values().filter(|client| client.connected).count();
        let tasks = abort(clients, reset);
        wake_all(&self.moved);
        for task in tasks {
            // Aborted: there is no result.
            let _ = task.await;
        }
        connected
    }

    /// Cuts those that are connected, and were not accepted yet.
    fn cut_waiting(&self, reset: bool) {
        for _ in 0..MAX_CLIENTS {
            let Some(stream) = self.door.accept_ready() else {
                break;
            };
            if reset {
                // Where it cannot be reset, it is closed.
                let _ = stream.reset_on_drop();
            }
        }
        // The task that accepts is not woken any more by what it has asked for.
        wake_all(&self.changed);
    }

    /// Stops listening, for good, and ends all connections in the background; gives their tasks.
    pub(super) fn end(&self) -> Vec<Task<()>> {
        let clients = {
            let _entry = lock(&self.entry);
            self.door.shut();
            self.take_all()
        };
        abort(clients, false)
    }

    fn take_all(&self) -> BTreeMap<u64, Client> {
        std::mem::take(&mut lock(&self.clients).by_key)
    }

    // ---- reports ----

    pub(super) fn note(&self, error: ProxyError) {
        tracing::error!(to = %self.target, error = %Chain(&error), "proxy");
        let before = lock(&self.last_error).replace(error);
        drop(before);
    }

    pub(super) fn last_error(&self) -> Option<ProxyError> {
        lock(&self.last_error).clone()
    }

    pub(super) fn statistics(&self) -> ProxyStatistics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProxyStatistics {
            accepted: count(&self.counts.accepted),
            read: count(&self.counts.read),
            written: count(&self.counts.written),
        }
    }
}

/// All at once, without a lock: what they hold is dropped here, or soon.
fn abort(clients: BTreeMap<u64, Client>, reset: bool) -> Vec<Task<()>> {
    let abort = |client: Client| {
        // One that is reset already, because an end of it was lost, stays so.
        client.reset.fetch_or(reset, Ordering::Relaxed);
        client.task.inspect(Task::abort)
    };
    clients.into_values().filter_map(abort).collect()
}

/// Takes clients as long as it is polled.
pub(super) async fn accept(shared: Arc<Shared>) {
    loop {
        shared.until_there_is_room().await;
        let mut changed = shared.changed.listen();
        let accepted = poll_fn(|cx| {
            while Pin::new(&mut changed).poll(cx).is_ready() {
                changed = shared.changed.listen();
            }
            shared.poll_accept(cx)
        });
        if let Err(error) = accepted.await {
            shared.note(ProxyError::Accept(Arc::new(error)));
            shared.runtime.sleep(PAUSE).await;
        }
    }
}

impl Shared {
    async fn until_there_is_room(&self) {
        loop {
            let moved = self.moved.listen();
            if lock(&self.clients).by_key.len() < MAX_CLIENTS {
                return;
            }
            moved.await;
        }
    }
}

/// Counts what goes through.
#[derive(Default)]
pub(super) struct Counts {
    accepted: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, way: Way, bytes: usize) {
        let counter = match way {
            Way::Read => &self.read,
            Way::Write => &self.written,
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What went through a [`TcpProxy`](super::TcpProxy) since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStatistics {
    /// How many clients were accepted.
    pub accepted: u64,
    /// How many bytes were passed on from clients to the server, as processors left them.
    pub read: u64,
    /// How many bytes were passed on from the server to clients, as processors left them.
    pub written: u64,
}

/// Nothing of the user's is called or dropped under such a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
