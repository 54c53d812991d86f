use std::collections::VecDeque;
use std::io::{self, IoSlice, Read};
use std::task::{Poll, Waker};

use nix::errno::Errno;

use super::flight::Piece;
use super::{WINDOW, ended};
use crate::adapters::simulation::step::park;
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;
use crate::net::Addr;

/// A connection: the end that has connected, and the one that was accepted.
pub(super) struct Conn {
    pub(super) ends: [End; 2],
    /// Whether nothing arrives any more, at either end.
    pub(super) vanished: bool,
}

/// One end, and what is under way to it.
pub(super) struct End {
    pub(super) host: usize,
    pub(super) local: Addr,
    pub(super) arrived: VecDeque<u8>,
    pub(super) flight: VecDeque<Piece>,
    /// How much of the window is taken, as the writer knows it.
    pub(super) taken: usize,
    pub(super) last_arrival: u64,
    /// Whether the peer has ended its writing half, and this end its own.
    pub(super) finished: bool,
    closed: bool,
    reset: bool,
    /// Whether a write was told of the reset.
    told: bool,
    pub(super) dropped: bool,
    pub(super) reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Conn {
    pub(super) fn new(client: (usize, Addr), server: (usize, Addr)) -> Self {
        Self {
            ends: [End::new(client), End::new(server)],
            vanished: false,
        }
    }

    pub(super) fn is_unix(&self) -> bool {
        matches!(self.ends[1].local, Addr::Unix(_))
    }

    /// From the other end to this one.
    pub(super) fn way(&self, end: usize) -> (Addr, Addr) {
        let [from, to] = [1 - end, end].map(|end| self.ends[end].local.clone());
        (from, to)
    }
}

impl End {
    fn new((host, local): (usize, Addr)) -> Self {
        Self {
            host,
            local,
            arrived: VecDeque::new(),
            flight: VecDeque::new(),
            taken: 0,
            last_arrival: 0,
            finished: false,
            closed: false,
            reset: false,
            told: false,
            dropped: false,
            reader: None,
            writer: None,
        }
    }

    /// Nothing goes on here any more.
    pub(super) fn break_off(&mut self, wakes: &mut Vec<Waker>) {
        self.reset = true;
        self.flight.clear();
        wakes.extend(self.reader.take());
        wakes.extend(self.writer.take());
    }
}

impl World {
    /// The end is given up by who held it.
    pub(super) fn drop_end(&mut self, id: u64, end: usize, abort: bool) {
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return;
        };
        let mine = &mut conn.ends[end];
        mine.dropped = true;
        let unread = abort || !mine.arrived.is_empty();
        let tell = !mine.reset && !conn.ends[1 - end].dropped;
        let closed = std::mem::replace(&mut mine_of(conn, end).closed, true);
        let mine = mine_of(conn, end);
        mine.arrived = VecDeque::new();
        self.trash.extend(mine.reader.take());
        self.trash.extend(mine.writer.take());
        if conn.ends[1 - end].dropped {
            if let Some(conn) = self.net.conns.remove(&id)
                && let Addr::Inet(addr) = conn.ends[0].local
            {
                self.net.hosts[conn.ends[0].host]
                    .client_ports
                    .remove(&addr.port());
            }
        } else if tell && unread {
            self.send_piece(id, 1 - end, Piece::Reset);
        } else if tell && !closed {
            self.send_piece(id, 1 - end, Piece::Finish);
        }
    }

    /// Resets a connection at both ends, at once.
    pub(super) fn cut(&mut self, id: u64) {
        if let Some(conn) = self.net.conns.get_mut(&id) {
            for end in &mut conn.ends {
                end.break_off(&mut self.wakes);
            }
            if self.settings.trace > 0 {
                let way = conn.way(1);
                self.record(|| What::Reset { way });
            }
        }
    }

    pub(super) fn read(
        &mut self,
        id: u64,
        end: usize,
        buf: &mut [u8],
        waker: &Waker,
    ) -> Poll<io::Result<usize>> {
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return Poll::Ready(Err(ended()));
        };
        let mine = &mut conn.ends[end];
        if !mine.arrived.is_empty() {
            let count = mine.arrived.read(buf)?;
            if !conn.vanished {
                // There is room again.
                mine.taken -= count;
                self.wakes.extend(conn.ends[1 - end].writer.take());
            }
            return Poll::Ready(Ok(count));
        }
        if mine.reset {
            return Poll::Ready(Err(Errno::ECONNRESET.into()));
        }
        if mine.finished {
            return Poll::Ready(Ok(0));
        }
        park(&mut mine.reader, waker, &mut self.trash);
        Poll::Pending
    }

    pub(super) fn write(
        &mut self,
        id: u64,
        end: usize,
        bufs: &[IoSlice<'_>],
        waker: &Waker,
    ) -> Poll<io::Result<usize>> {
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return Poll::Ready(Err(ended()));
        };
        let way = 1 - end;
        let room = WINDOW.saturating_sub(conn.ends[way].taken);
        let mine = &mut conn.ends[end];
        if mine.reset {
            let told = std::mem::replace(&mut mine.told, true);
            let error = if told {
                Errno::EPIPE
            } else {
                Errno::ECONNRESET
            };
            return Poll::Ready(Err(error.into()));
        }
        if mine.closed {
            return Poll::Ready(Err(Errno::EPIPE.into()));
        }
        if room == 0 {
            park(&mut mine.writer, waker, &mut self.trash);
            return Poll::Pending;
        }
        let mut data = Vec::new();
        for buf in bufs {
            let left = room - data.len();
            data.extend_from_slice(&buf[..buf.len().min(left)]);
        }
        let bytes = data.len();
        if self.settings.trace > 0 {
            let way = conn.way(way);
            self.record(|| What::Send { way, bytes });
        }
        self.send_piece(id, way, Piece::Data(data));
        Poll::Ready(Ok(bytes))
    }

    pub(super) fn close(&mut self, id: u64, end: usize) -> io::Result<()> {
        let mine = match self.net.conns.get_mut(&id) {
            Some(conn) => &mut conn.ends[end],
            None => return Err(ended()),
        };
        if !std::mem::replace(&mut mine.closed, true) && !mine.reset {
            self.send_piece(id, 1 - end, Piece::Finish);
        }
        Ok(())
    }
}

fn mine_of(conn: &mut Conn, end: usize) -> &mut End {
    &mut conn.ends[end]
}
