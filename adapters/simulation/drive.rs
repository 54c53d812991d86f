use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::guests::Guest;
use super::net::Network;
use super::shared::{Role, Shared};
use super::step::Step;
use super::task::Task;
use super::{jobs, report};

impl Shared {
    /// Drives the simulation on this thread until the future is ready. If another thread does so
    /// already, this one polls its future by itself, and takes over when the other one is done.
    pub(super) fn block_on(self: &Arc<Self>, mut future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match self.role() {
            None => {}
            Some(Role::Driver) => panic!("a task of a simulation cannot block on the simulation"),
            // `thread::sync_wait` lets the scheduler go on meanwhile; a plain `block_on` does not.
            Some(Role::Job) => panic!(
                "a blocking job of a simulation cannot block on the simulation; use `thread::sync_wait`"
            ),
        }
        let root = self
            .lock()
            .new_task(|id, origin| Task::new(Arc::clone(self), id, "block_on", origin, None));
        let waker = Waker::from(Arc::clone(&root));
        let mut cx = Context::from_waker(&waker);
        if self.wait_for_turn(&root, &mut future, &mut cx) {
            return;
        }
        let _driving = Driving {
            shared: self,
            root: &root,
        };
        let _here = self.enter(Role::Driver);
        let mut polled = None;
        // As on a real executor, it is polled before the tasks that are there already.
        let mut step = self.with(|world| world.begin_poll(Arc::clone(&root)));
        loop {
            match step {
                Step::Poll(task) => {
                    let ended = task.poll();
                    polled = Some((task, ended));
                }
                Step::PollRoot => {
                    root.begin();
                    if future.as_mut().poll(&mut cx).is_ready() {
                        return;
                    }
                    polled = Some((Arc::clone(&root), false));
                }
                Step::Job(job) => jobs::start(self, job),
                Step::Resume(job) => job.resume(),
                Step::Script(script) => script(&Network::new(Arc::clone(self))),
                Step::Again => {}
                Step::Idle => self.idle(),
                Step::Livelock => {
                    let text = report::livelock(&self.lock());
                    panic!("{text}");
                }
            }
            step = self.with(|world| world.step(polled.take()));
        }
    }

    /// Waits until this thread drives; gives whether the future became ready before that.
    fn wait_for_turn(
        &self,
        root: &Arc<Task>,
        future: &mut Pin<&mut (dyn Future<Output = ()> + '_)>,
        cx: &mut Context<'_>,
    ) -> bool {
        let _guest = Guest::new(self, root);
        loop {
            let mut world = self.lock();
            world.guests.set_polled(root.id, false);
            while world.root.is_some() && !root.is_woken() {
                if world.parked {
                    // The driver may have waited for this one alone.
                    self.notify();
                }
                world = self.wait(world);
            }
            if world.root.is_none() {
                world.root = Some(root.id);
                world.tasks.insert(root.id, Arc::clone(root));
                drop(world);
                return false;
            }
            world.guests.set_polled(root.id, true);
            root.begin();
            drop(world);
            if future.as_mut().poll(cx).is_ready() {
                return true;
            }
        }
    }

    /// Nothing will happen by itself any more.
    fn idle(&self) {
        let mut world = self.lock();
        world.parked = true;
        while !world.has_work() && (world.settings.outside_wakes || world.guests.run()) {
            world = self.wait(world);
        }
        world.parked = false;
        if !world.has_work() {
            let text = report::deadlock(&world);
            drop(world);
            panic!("{text}");
        }
    }
}

/// The thread that drives; another one may take over when it is gone.
struct Driving<'a> {
    shared: &'a Shared,
    root: &'a Task,
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        self.root.end();
        let mut world = self.shared.lock();
        world.leave(self.root);
        let others = !world.guests.is_empty();
        drop(world);
        if others {
            self.shared.notify();
        }
    }
}
