//! What is set for each way through the proxy.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::error::end_of_panic;

/// A piece of what goes through, at most.
pub(super) const CHUNK: usize = 64 * 1024;

/// How much may be under way in one direction of a connection where there is a delay.
const IN_FLIGHT: usize = 1024 * 1024;

/// Called after what the proxy does with its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the client to the server.
    Read,
    /// From the server to the client.
    Write,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::Read, Self::Write];
}

/// The settings of one way.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) delay: Duration,
    pub(super) rate: Option<u64>,
    pub(super) processor: Option<Processor>,
    /// When these began to hold; nothing for those of the beginning.
    pub(super) since: Option<Instant>,
}

impl Link {
    /// How much may wait here to be passed on.
    pub(super) fn room(&self) -> usize {
        match self.delay {
            Duration::ZERO => CHUNK,
            _ => IN_FLIGHT,
        }
    }

    /// When that has come through which was read at this time, apart from the rate; `None` is never.
    pub(super) fn due(&self, arrived: Instant) -> Option<Instant> {
        match self.rate {
            Some(0) => None,
            _ => arrived.checked_add(self.delay),
        }
    }
}

/// Both ways.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    read: Link,
    write: Link,
}

impl Links {
    pub(super) fn way(&mut self, way: Way) -> &mut Link {
        match way {
            Way::Read => &mut self.read,
            Way::Write => &mut self.write,
        }
    }
}

/// The user's function that changes what goes through.
#[derive(Clone)]
pub(super) struct Processor(Arc<Mutex<Change>>);

type Change = dyn FnMut(Vec<u8>) -> Vec<u8> + Send;

impl Processor {
    pub(super) fn new(change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(change)))
    }

    /// What is to be sent in place of this; the text of its panic, if it panics.
    pub(super) fn call(&self, data: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut change = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        catch_unwind(AssertUnwindSafe(|| change(data))).map_err(end_of_panic)
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processor(..)")
    }
}

/// How far the bytes have come that go at a certain rate. Counted from one moment on, so that nothing
/// is lost by rounding.
#[derive(Debug, Default)]
pub(super) struct Pace {
    from: Option<Instant>,
    sent: u64,
    /// The settings that it goes by, known by when they began to hold.
    since: Option<Instant>,
}

impl Pace {
    /// How much of this is to be sent next, and when it has got through at this rate; `None` is never.
    pub(super) fn next(
        &mut self,
        link: &Link,
        rate: u64,
        ready: Instant,
        len: usize,
    ) -> Option<(usize, Instant)> {
        // What waited before the settings were changed has not gained anything by it.
        let ready = link.since.map_or(ready, |since| ready.max(since));
        let free = self.from.and_then(|from| after(from, self.sent, rate));
        if self.since != link.since || free.is_none_or(|free| free < ready) {
            self.since = link.since;
            self.begin(ready);
        }
        let hundredth = usize::try_from(rate / 100).unwrap_or(usize::MAX).max(1);
        let count = len.min(hundredth);
        let through = after(self.from?, self.sent.saturating_add(count as u64), rate)?;
        Some((count, through))
    }

    pub(super) fn add(&mut self, sent: usize) {
        self.sent = self.sent.saturating_add(sent as u64);
    }

    /// Counts anew from here.
    pub(super) fn begin(&mut self, from: Instant) {
        self.from = Some(from);
        self.sent = 0;
    }
}

fn after(from: Instant, bytes: u64, rate: u64) -> Option<Instant> {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    from.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

/// Delays that hold until this is dropped; from [`TcpProxy::slowdown`](super::TcpProxy::slowdown).
///
/// Several are dropped in the reverse order, as scopes do by themselves.
#[must_use = "dropping it brings the former delays back"]
pub struct Slowdown<'a> {
    shared: &'a Shared,
    read: Duration,
    write: Duration,
}

impl<'a> Slowdown<'a> {
    pub(super) fn new(shared: &'a Shared, read: Duration, write: Duration) -> Self {
        let set = |way, delay| shared.change(way, |link| std::mem::replace(&mut link.delay, delay));
        let (read, write) = (set(Way::Read, read), set(Way::Write, write));
        Self {
            shared,
            read,
            write,
        }
    }
}

impl Drop for Slowdown<'_> {
    fn drop(&mut self) {
        for (way, delay) in [(Way::Read, self.read), (Way::Write, self.write)] {
            self.shared.change(way, |link| link.delay = delay);
        }
    }
}

impl fmt::Debug for Slowdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slowdown")
            .field("read_before", &self.read)
            .field("write_before", &self.write)
            .finish_non_exhaustive()
    }
}
