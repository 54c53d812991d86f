use std::time::Duration;

use super::tables::pair;
use super::udp::Flying;
use crate::adapters::simulation::step::Due;
use crate::adapters::simulation::world::World;

/// What is under way; where it goes, the tables tell.
pub(in super::super) enum Token {
    /// The next piece of the stream to this end (0 has connected, 1 was accepted).
    Piece {
        conn: u64,
        end: usize,
    },
    /// The wish to connect, and the answer to it.
    Wish(u64),
    Answer(u64),
    /// The wish is sent again, if it was not answered.
    Again(u64),
    Datagram(Box<Flying>),
}

/// A piece of a stream that waits for the end of a partition.
pub(super) struct Held {
    pub(super) conn: u64,
    pub(super) end: usize,
    /// What it still takes of the bandwidth.
    pub(super) bytes: usize,
}

impl World {
    /// When something of this size arrives; `None` during a partition.
    pub(super) fn arrival(&mut self, from: usize, to: usize, bytes: usize) -> Option<u64> {
        if self.net.is_apart(from, to) {
            return None;
        }
        let conditions = self.net.between.get(&pair(from, to));
        let conditions = conditions.unwrap_or(&self.net.conditions);
        let mut at = self.now;
        if let Some(bandwidth) = conditions.bandwidth {
            let free = self.net.free_at.entry((from, to)).or_default();
            let nanos = bytes as u128 * 1_000_000_000 / u128::from(bandwidth);
            at = at.max(*free);
            at = at.saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX));
            *free = at;
        }
        Some(at.saturating_add(self.net_chance.between(conditions.latency)))
    }

    /// How long something would wait before it is sent.
    pub(super) fn queue_length(&self, from: usize, to: usize) -> Duration {
        let free = self.net.free_at.get(&(from, to)).copied().unwrap_or(0);
        Duration::from_nanos(free.saturating_sub(self.now))
    }

    /// Sends what need not stay in order with anything, and is sent again when it was lost.
    pub(super) fn dispatch(&mut self, from: usize, to: usize, token: Token) {
        match self.arrival(from, to, 0) {
            None => {}
            Some(at) if at <= self.now => self.arrive(token),
            Some(at) => {
                self.plan(at, Due::Arrival(token));
            }
        }
    }

    /// Something is there; or nearly: a partition may have come in between.
    pub(in super::super) fn arrive(&mut self, token: Token) {
        if let Some((from, to)) = self.way(&token)
            && self.net.is_apart(from, to)
        {
            match token {
                Token::Wish(_) | Token::Answer(_) | Token::Again(_) => {}
                Token::Datagram(flying) => self.lose(*flying, "a partition"),
                // It has had its share of the bandwidth.
                Token::Piece { conn, end } => self.hold(
                    from,
                    to,
                    Held {
                        conn,
                        end,
                        bytes: 0,
                    },
                ),
            }
            return;
        }
        match token {
            Token::Piece { conn, end } => self.piece_arrives(conn, end),
            Token::Wish(attempt) => self.wish_arrives(attempt),
            Token::Answer(attempt) => self.answer_arrives(attempt),
            Token::Again(attempt) => self.try_again(attempt),
            Token::Datagram(flying) => self.datagram_arrives(*flying),
        }
    }

    /// Keeps a piece until the partition is over.
    pub(super) fn hold(&mut self, from: usize, to: usize, held: Held) {
        self.net.held.entry(pair(from, to)).or_default().push(held);
    }

    /// After partitions have ended: what was held goes on.
    pub(super) fn release(&mut self) {
        for ((a, b), held) in std::mem::take(&mut self.net.held) {
            if self.net.is_apart(a, b) {
                self.net.held.insert((a, b), held);
                continue;
            }
            for Held { conn, end, bytes } in held {
                if let Some((from, to)) = self.way(&Token::Piece { conn, end }) {
                    self.send_on(conn, end, from, to, bytes);
                }
            }
        }
    }

    /// The hosts between which it goes, unless it is bound to none.
    fn way(&self, token: &Token) -> Option<(usize, usize)> {
        match token {
            Token::Piece { conn, end } => {
                let conn = self.net.conns.get(conn).filter(|conn| !conn.is_unix())?;
                Some((conn.ends[1 - end].host, conn.ends[*end].host))
            }
            Token::Wish(attempt) | Token::Answer(attempt) => {
                let attempt = self.net.attempts.get(attempt)?;
                let way = (attempt.host, attempt.peer_host);
                let back = matches!(token, Token::Answer(_));
                Some(if back { (way.1, way.0) } else { way })
            }
            Token::Again(_) => None,
            Token::Datagram(flying) => Some((flying.from_host, flying.to_host)),
        }
    }
}

impl super::Tables {
    fn is_apart(&self, a: usize, b: usize) -> bool {
        if self.partitions.is_empty() && self.isolated.is_empty() {
            return false;
        }
        self.partitions.contains(&pair(a, b))
            || a != b && (self.isolated.contains(&a) || self.isolated.contains(&b))
    }
}
