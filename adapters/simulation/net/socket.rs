use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::adapters::simulation::shared::Shared;
use crate::adapters::simulation::wait::Wait;
use crate::net::{Addr, Received};
use crate::runtime::{RawDatagram, RawSender};

/// The receiving side, as users hold it.
pub(super) struct Socket {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
    pub(super) local: Addr,
}

impl RawDatagram for Socket {
    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        self.shared.with(|world| {
            let poll = world.receive(self.id, buf, cx.waker());
            if poll.is_pending() {
                world.waits_for(|| Wait::Receive(self.local.clone()));
            }
            poll
        })
    }

    fn sender(&self) -> io::Result<Box<dyn RawSender>> {
        let number = self.shared.with(|world| world.add_side(self.id))?;
        Ok(Box::new(Sender {
            shared: Arc::clone(&self.shared),
            socket: self.id,
            number,
        }))
    }

    fn local_addr(&self) -> io::Result<Addr> {
        Ok(self.local.clone())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.with(|world| world.drop_side(self.id, true));
    }
}

struct Sender {
    shared: Arc<Shared>,
    socket: u64,
    number: u64,
}

impl RawSender for Sender {
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], to: &Addr) -> Poll<io::Result<()>> {
        self.shared.with(|world| {
            let poll = world.send(self.socket, self.number, data, to, cx.waker());
            if poll.is_pending() {
                world.waits_for(|| Wait::Send { to: to.clone() });
            }
            poll
        })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared
            .with(|world| world.drop_side(self.socket, false));
    }
}
