use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::shared::Shared;
use super::step::{Due, Key};
use super::wait::Wait;
use super::world::World;
use crate::runtime::Sleep;

/// A wait on the virtual clock.
pub(super) struct Timer {
    shared: Arc<Shared>,
    /// When it ends; `None` is never.
    end: Option<u64>,
    /// Its place in the agenda, while somebody waits.
    key: Option<Key>,
}

impl Timer {
    pub(super) fn new(shared: Arc<Shared>, duration: Duration) -> Self {
        let end = end(shared.lock().now, duration);
        Self {
            shared,
            end,
            key: None,
        }
    }

    fn forget(&mut self, world: &mut World) {
        if let Some(key) = self.key.take()
            && let Some(Due::Wake(waker)) = world.cancel(key)
        {
            world.trash.push(waker);
        }
    }
}

fn end(now: u64, duration: Duration) -> Option<u64> {
    // What the clock cannot show (some 584 years) is never.
    now.checked_add(u64::try_from(duration.as_nanos()).ok()?)
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let me = &mut *self;
        let shared = Arc::clone(&me.shared);
        let ended = shared.with(|world| {
            if me.end.is_some_and(|end| end <= world.now) {
                me.forget(world);
                return Ok(Poll::Ready(()));
            }
            if world.ended {
                return Err(());
            }
            world.waits_for(|| Wait::Sleep(me.end));
            let Some(end) = me.end else {
                return Ok(Poll::Pending);
            };
            let waker = cx.waker().clone();
            let planned = me.key.and_then(|key| world.planned(key));
            if let Some(Due::Wake(old)) = planned {
                let old = std::mem::replace(old, waker);
                world.trash.push(old);
            } else {
                me.key = Some(world.plan(end, Due::Wake(waker)));
            }
            Ok(Poll::Pending)
        });
        ended.unwrap_or_else(|()| panic!("the simulation of this sleep has ended"))
    }
}

impl Sleep for Timer {
    fn reset(mut self: Pin<&mut Self>, duration: Duration) {
        let me = &mut *self;
        let shared = Arc::clone(&me.shared);
        shared.with(|world| {
            me.forget(world);
            me.end = end(world.now, duration);
        });
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.key.is_some() {
            let shared = Arc::clone(&self.shared);
            shared.with(|world| self.forget(world));
        }
    }
}
