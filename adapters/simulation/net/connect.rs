use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::stream::Stream;
use crate::adapters::simulation::shared::Shared;
use crate::adapters::simulation::step::park;
use crate::adapters::simulation::wait::Wait;
use crate::runtime::RawStream;

/// What is to be connected to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A connection being made; dropping it gives it up.
pub(super) struct Connect {
    pub(super) shared: Arc<Shared>,
    pub(super) host: usize,
    pub(super) to: Target,
    pub(super) attempt: Option<u64>,
}

impl Future for Connect {
    type Output = io::Result<Box<dyn RawStream>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        let connected = me.shared.with(|world| {
            if world.ended {
                return Poll::Ready(Err(super::ended()));
            }
            let id = match me.attempt {
                Some(id) => id,
                None => *me.attempt.insert(match me.to.clone() {
                    Target::Tcp(addr) => world.connect_tcp(me.host, addr)?,
                    Target::Unix(path) => world.connect_unix(me.host, path)?,
                }),
            };
            let Some(attempt) = world.net.attempts.get_mut(&id) else {
                return Poll::Pending;
            };
            match attempt.answer.filter(|_| attempt.arrived) {
                None => {
                    park(&mut attempt.waker, cx.waker(), &mut world.trash);
                    world.waits_for(|| match &me.to {
                        Target::Tcp(addr) => Wait::Connect(*addr),
                        Target::Unix(path) => Wait::ConnectUnix(path.clone()),
                    });
                    Poll::Pending
                }
                Some(answer) => {
                    let ends = (attempt.to.clone(), attempt.local.clone());
                    world.forget(id, true);
                    me.attempt = None;
                    Poll::Ready(Ok((answer?, ends)))
                }
            }
        });
        let (conn, (peer, local)) = std::task::ready!(connected)?;
        let stream = Stream::new(Arc::clone(&me.shared), conn, 0, peer, local);
        Poll::Ready(Ok(Box::new(stream)))
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt {
            self.shared.with(|world| world.forget(attempt, false));
        }
    }
}
