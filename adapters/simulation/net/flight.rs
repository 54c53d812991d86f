//! What is under way on a stream.

use super::transit::{Held, Token};
use crate::adapters::simulation::step::Due;
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;
use crate::net::Addr;

/// What one write, or the end, puts on its way.
pub(super) enum Piece {
    Data(Vec<u8>),
    Finish,
    Reset,
}

impl World {
    /// Puts a piece on its way to this end.
    pub(super) fn send_piece(&mut self, id: u64, end: usize, piece: Piece) {
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return;
        };
        let bytes = match &piece {
            Piece::Data(data) => data.len(),
            Piece::Finish | Piece::Reset => 0,
        };
        let to = &mut conn.ends[end];
        to.taken += bytes;
        to.flight.push_back(piece);
        let (from, to) = (conn.ends[1 - end].host, conn.ends[end].host);
        if !conn.vanished {
            self.send_on(id, end, from, to, bytes);
        }
    }

    /// Puts the next piece of the flight on its way, again or for the first time.
    pub(super) fn send_on(&mut self, id: u64, end: usize, from: usize, to: usize, bytes: usize) {
        let Some(conn) = self.net.conns.get(&id) else {
            return;
        };
        let at = if conn.is_unix() {
            Some(self.now)
        } else {
            self.arrival(from, to, bytes)
        };
        let Some(at) = at else {
            let conn = id;
            return self.hold(from, to, Held { conn, end, bytes });
        };
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return;
        };
        let to = &mut conn.ends[end];
        to.last_arrival = to.last_arrival.max(at);
        let at = to.last_arrival;
        if at <= self.now && to.flight.len() == 1 {
            self.piece_arrives(id, end);
        } else {
            self.plan(at, Due::Arrival(Token::Piece { conn: id, end }));
        }
    }

    pub(super) fn piece_arrives(&mut self, id: u64, end: usize) {
        let Some(conn) = self.net.conns.get_mut(&id).filter(|conn| !conn.vanished) else {
            return;
        };
        let to = &mut conn.ends[end];
        let Some(piece) = to.flight.pop_front() else {
            return;
        };
        let (mut bytes, mut answer) = (0, false);
        let mut what: fn((Addr, Addr), usize) -> What = |way, bytes| What::Deliver { way, bytes };
        match piece {
            Piece::Data(data) => {
                bytes = data.len();
                if to.dropped {
                    // Nobody reads it any more, and the sender is told.
                    answer = true;
                } else {
                    to.arrived.extend(data);
                }
            }
            Piece::Finish => {
                to.finished = true;
                what = |way, _| What::Close { way };
            }
            Piece::Reset => {
                to.break_off(&mut self.wakes);
                what = |way, _| What::Reset { way };
            }
        }
        self.wakes.extend(to.reader.take());
        if self.settings.trace > 0 {
            let way = conn.way(end);
            self.record(|| what(way, bytes));
        }
        if answer {
            self.send_piece(id, 1 - end, Piece::Reset);
        }
    }
}
