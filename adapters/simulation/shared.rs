use std::cell::Cell;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;

use super::builder::Settings;
use super::jobs::NewJob;
use super::step::Ready;
use super::task::{Ended, Handle, Task};
use super::trace::What;
use super::world::World;
use crate::runtime::TaskHandle;

/// The world and its lock; what tasks, timers and sockets hold of their simulation.
pub(super) struct Shared {
    /// The moment of the monotonic clock that is called the start.
    start: Instant,
    world: Mutex<World>,
    /// Wakes threads that block: the driver that sleeps, and those that wait for their turn.
    changed: Condvar,
}

thread_local! {
    /// The simulation (its address) that this thread drives, or runs a blocking job of.
    static HERE: Cell<Option<(*const Shared, Role)>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Driver,
    Job,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            world: Mutex::new(World::new(settings)),
            changed: Condvar::new(),
        })
    }

    /// Changes the world; afterwards, without the lock, wakes whom that concerns.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        let result = f(&mut world);
        let wakes = mem::take(&mut world.wakes);
        let trash = mem::take(&mut world.trash);
        let sleeps = world.parked && world.has_work();
        drop(world);
        if sleeps {
            self.changed.notify_all();
        }
        for waker in wakes {
            waker.wake();
        }
        drop(trash);
        result
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until somebody has changed something.
    pub(super) fn wait<'a>(&self, world: MutexGuard<'a, World>) -> MutexGuard<'a, World> {
        self.changed
            .wait(world)
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    /// A task was woken.
    pub(super) fn enqueue(&self, task: &Arc<Task>) {
        let mut world = self.lock();
        // A thread that waits for its turn polls its future by itself.
        let elsewhere = task.is_root && world.root != Some(task.id);
        if !elsewhere {
            world.make_ready(Ready::Task(Arc::clone(task)));
        }
        let sleeps = world.parked || elsewhere && !world.guests.is_empty();
        drop(world);
        if sleeps {
            self.changed.notify_all();
        }
    }

    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        future: BoxFuture<'static, ()>,
    ) -> Box<dyn TaskHandle> {
        let mut world = self.lock();
        if world.ended {
            drop(world);
            drop(future);
            return Box::new(Ended);
        }
        let task = world
            .new_task(|id, origin| Task::new(Arc::clone(self), id, name, origin, Some(future)));
        world.tasks.insert(task.id, Arc::clone(&task));
        world.make_ready(Ready::Task(Arc::clone(&task)));
        let sleeps = world.parked;
        drop(world);
        if sleeps {
            self.changed.notify_all();
        }
        Box::new(Handle(task))
    }

    /// Takes a job, or gives back one that comes after the end.
    pub(super) fn run_blocking(&self, job: NewJob) -> Result<(), NewJob> {
        let mut job = Some(job);
        self.with(|world| {
            if !world.ended
                && let Some(job) = job.take()
            {
                world.make_ready(Ready::Job(job));
            }
        });
        job.map_or(Ok(()), Err)
    }

    pub(super) fn instant(&self, nanos: u64) -> Instant {
        self.start + Duration::from_nanos(nanos)
    }

    pub(super) fn now(&self) -> Instant {
        let nanos = self.lock().now;
        self.instant(nanos)
    }

    pub(super) fn set_wall_now(&self, to: std::time::SystemTime) {
        self.with(|world| {
            let passed = Duration::from_nanos(world.now);
            world.wall_start = to.checked_sub(passed).unwrap_or(std::time::UNIX_EPOCH);
            world.record(|| What::Jump);
        });
    }

    pub(super) fn end(&self) {
        let everything = self.lock().end();
        drop(everything);
        // Wakers that waited for the end, if any.
        self.with(|_| ());
    }

    /// What the calling thread is to this simulation.
    pub(super) fn role(&self) -> Option<Role> {
        let (shared, role) = HERE.try_with(Cell::get).ok().flatten()?;
        std::ptr::eq(shared, self).then_some(role)
    }

    /// Marks the calling thread, until what is returned is dropped.
    pub(super) fn enter(&self, role: Role) -> Here {
        Here(HERE.replace(Some((std::ptr::from_ref(self), role))))
    }
}

/// Whether this thread drives a simulation.
pub(super) fn is_driver() -> bool {
    HERE.try_with(Cell::get)
        .is_ok_and(|here| here.is_some_and(|(_, role)| role == Role::Driver))
}

pub(super) struct Here(Option<(*const Shared, Role)>);

impl Drop for Here {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}
