use std::net::SocketAddr;
use std::path::PathBuf;
use std::task::Waker;

use nix::errno::Errno;

use super::conn::Conn;
use super::host::{Protocol, UnixSocket};
use super::transit::Token;
use crate::adapters::simulation::step::{Due, Key};
use crate::adapters::simulation::trace::What;
use crate::adapters::simulation::world::World;
use crate::net::Addr;

/// How often a wish to connect is sent again. The pauses double from one second on, as on Linux, so
/// that it is given up after [`CONNECT_TIMEOUT`](super::CONNECT_TIMEOUT), 127 s.
const TRIES: u32 = 6;

/// A connection that is being made.
pub(super) struct Attempt {
    pub(super) host: usize,
    pub(super) peer_host: usize,
    pub(super) local: Addr,
    pub(super) to: Addr,
    began: u64,
    tries: u32,
    pub(super) waker: Option<Waker>,
    /// When the wish is sent again.
    again: Option<Key>,
    /// What the other side has said: a connection, or why there is none.
    pub(super) answer: Option<Result<u64, Errno>>,
    /// Whether the answer has arrived here.
    pub(super) arrived: bool,
}

impl World {
    pub(super) fn connect_tcp(&mut self, host: usize, to: SocketAddr) -> Result<u64, Errno> {
        self.record(|| What::connect(to));
        let ip = to.ip().to_canonical();
        let local = self.net.source(host, ip)?;
        let peer_host = self.net.reach(host, ip).ok_or(Errno::EHOSTUNREACH)?;
        let port = self.net.hosts[host].free_port(Protocol::Tcp)?;
        self.net.hosts[host].client_ports.insert(port);
        let local = SocketAddr::new(local, port).into();
        Ok(self.begin(host, peer_host, local, to.into()))
    }

    pub(super) fn connect_unix(&mut self, host: usize, path: PathBuf) -> Result<u64, Errno> {
        let to = Addr::Unix(Some(path));
        self.record(|| What::Connect { to: to.clone() });
        Ok(self.begin(host, host, Addr::Unix(None), to))
    }

    fn begin(&mut self, host: usize, peer_host: usize, local: Addr, to: Addr) -> u64 {
        let id = self.net.next_id();
        let attempt = Attempt {
            host,
            peer_host,
            local,
            to,
            began: self.now,
            tries: 0,
            waker: None,
            again: None,
            answer: None,
            arrived: false,
        };
        self.net.attempts.insert(id, attempt);
        self.wish(id);
        id
    }

    /// Sends the wish, and plans to send it again.
    fn wish(&mut self, id: u64) {
        let Some(attempt) = self.net.attempts.get(&id) else {
            return;
        };
        let (from, to) = (attempt.host, attempt.peer_host);
        if matches!(attempt.to, Addr::Unix(_)) {
            return self.wish_arrives(id);
        }
        self.dispatch(from, to, Token::Wish(id));
        let Some(attempt) = self.net.attempts.get(&id) else {
            return;
        };
        if !attempt.arrived {
            let pauses = (1_u64 << (attempt.tries + 1)) - 1;
            let at = attempt.began + pauses * 1_000_000_000;
            let again = self.plan(at, Due::Arrival(Token::Again(id)));
            if let Some(attempt) = self.net.attempts.get_mut(&id) {
                attempt.again = Some(again);
            }
        }
    }

    pub(super) fn try_again(&mut self, id: u64) {
        let Some(attempt) = self.net.attempts.get_mut(&id) else {
            return;
        };
        attempt.again = None;
        attempt.tries += 1;
        if attempt.tries > TRIES {
            self.conclude(id, Err(Errno::ETIMEDOUT));
        } else {
            self.wish(id);
        }
    }

    pub(super) fn wish_arrives(&mut self, id: u64) {
        let Some(attempt) = self.net.attempts.get(&id) else {
            return;
        };
        match attempt.answer {
            _ if attempt.arrived => return,
            // It has come twice, since the answer was slow, or lost in a partition.
            Some(Ok(conn)) => return self.answer(id, Ok(conn)),
            Some(Err(_)) | None => {}
        }
        let (host, peer_host) = (attempt.host, attempt.peer_host);
        let (local, to) = (attempt.local.clone(), attempt.to.clone());
        let listener = match self.find_listener(peer_host, &to) {
            Ok(listener) => listener,
            Err(error) => return self.answer(id, Err(error)),
        };
        let Some(listening) = self.net.listeners.get(&listener) else {
            return;
        };
        if listening.is_full() {
            // What TCP sends again, a Unix socket keeps.
            if let (Addr::Unix(_), Some(listening)) = (&to, self.net.listeners.get_mut(&listener)) {
                listening.waiting.push_back(id);
            }
            return;
        }
        let conn = Conn::new((host, local), (peer_host, to));
        let number = self.net.next_id();
        self.net.conns.insert(number, conn);
        self.queue(listener, number);
        self.answer(id, Ok(number));
    }

    fn answer(&mut self, id: u64, answer: Result<u64, Errno>) {
        let Some(attempt) = self.net.attempts.get_mut(&id) else {
            return;
        };
        attempt.answer = Some(answer);
        if matches!(attempt.to, Addr::Unix(_)) {
            return self.answer_arrives(id);
        }
        let (from, to) = (attempt.peer_host, attempt.host);
        self.dispatch(from, to, Token::Answer(id));
    }

    pub(super) fn answer_arrives(&mut self, id: u64) {
        let attempt = self.net.attempts.get(&id);
        // It may have come twice.
        let attempt = attempt.filter(|attempt| !attempt.arrived);
        if let Some(answer) = attempt.and_then(|attempt| attempt.answer) {
            self.conclude(id, answer);
        }
    }

    /// The future may tell its outcome.
    pub(super) fn conclude(&mut self, id: u64, answer: Result<u64, Errno>) {
        let Some(attempt) = self.net.attempts.get_mut(&id) else {
            return;
        };
        let before = attempt.answer.replace(answer);
        attempt.arrived = true;
        self.wakes.extend(attempt.waker.take());
        let again = attempt.again.take();
        if self.settings.trace > 0 {
            let (local, peer) = (attempt.local.clone(), attempt.to.clone());
            self.record(|| match answer {
                Ok(_) => What::Connected { local, peer },
                Err(error) => What::Refused {
                    to: peer,
                    why: error.desc(),
                },
            });
        }
        if let Some(again) = again {
            self.cancel(again);
        }
        if let (Some(Ok(conn)), Err(_)) = (before, answer) {
            // The other side has it already, and is told.
            self.drop_end(conn, 0, true);
        }
    }

    /// Ends the attempts between two hosts.
    pub(super) fn cut_attempts(&mut self, among: impl Fn(usize, usize) -> bool) {
        let ids = self.net.attempts.iter().filter(|(_, attempt)| {
            matches!(attempt.to, Addr::Inet(_)) && among(attempt.host, attempt.peer_host)
        });
        for id in ids.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.conclude(id, Err(Errno::ECONNRESET));
        }
    }

    /// The wish is given up, or was fulfilled: nothing of it is left but the connection.
    pub(super) fn forget(&mut self, id: u64, keep: bool) {
        let Some(attempt) = self.net.attempts.remove(&id) else {
            return;
        };
        self.trash.extend(attempt.waker);
        if let Some(again) = attempt.again {
            self.cancel(again);
        }
        match attempt.answer {
            Some(Ok(_)) if keep => {}
            Some(Ok(conn)) => self.drop_end(conn, 0, true),
            _ => match (&attempt.local, &attempt.to) {
                (Addr::Inet(addr), _) => {
                    let ports = &mut self.net.hosts[attempt.host].client_ports;
                    ports.remove(&addr.port());
                }
                // It may stand in line before others, who want its place.
                (_, to) => {
                    if let Ok(listener) = self.find_listener(attempt.host, to)
                        && let Some(listening) = self.net.listeners.get_mut(&listener)
                    {
                        listening.waiting.retain(|waiting| *waiting != id);
                    }
                }
            },
        }
    }

    /// Who listens on this address of the host.
    fn find_listener(&mut self, host: usize, to: &Addr) -> Result<u64, Errno> {
        match to {
            Addr::Inet(addr) => {
                let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                let takers = self.net.takers(host, Protocol::Tcp, addr);
                let taker = self.net_chance.below(takers.len());
                takers.get(taker).copied().ok_or(Errno::ECONNREFUSED)
            }
            Addr::Unix(path) => {
                let path = path.as_deref().unwrap_or_else(|| "".as_ref());
                match self.net.hosts[host].unix.get(path) {
                    Some(UnixSocket::Listener(id)) => Ok(*id),
                    Some(UnixSocket::Datagrams(_)) => Err(Errno::EPROTOTYPE),
                    None => Err(Errno::ENOENT),
                }
            }
        }
    }
}
