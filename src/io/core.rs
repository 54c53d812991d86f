//! The side of a file that does not block: what a handle has, and the state of what it does.

use std::fs;
use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::ahead::Lent;
use super::closing::{Closing, Leaving};
use super::engine::{Engine, moved};
use super::error::{closed, unsupported};
use super::hands::Hands;
use super::mode::Mode;
use super::seat::{Flight, What};

/// A file, its buffers, and the job that is under way with them.
///
/// Every operation waits for the job before it, whoever began that, and then looks at what there is: what
/// a dropped future has begun is not lost, and operations are in order.
pub(super) struct Core {
    /// None while a job has it, when the file is closed, and when a job has panicked.
    engine: Option<Box<Engine>>,
    flight: Option<Flight>,
    /// What is read from while a job reads on behind it.
    lent: Option<Lent>,
    /// What the last job was for and gave, until the operation ends that makes use of it.
    last: Option<(What, u64)>,
    /// What is to be written, while the engine writes what came before.
    front: Vec<u8>,
    /// How much of what the engine has to write was left by a job before the one under way.
    backlog: usize,
    capacity: usize,
    /// None when the file is closed.
    file: Option<Arc<fs::File>>,
    pub(super) path: Arc<Path>,
    pub(super) mode: Mode,
    pub(super) seekable: bool,
    /// Whether the file had no content when it was opened, and nothing was written since.
    was_empty: bool,
    hands: Hands,
}

/// What opening gives.
pub(super) struct Opened {
    pub(super) engine: Box<Engine>,
    pub(super) file: Arc<fs::File>,
    pub(super) was_empty: bool,
}

impl Core {
    pub(super) fn new(
        opened: Opened,
        path: Arc<Path>,
        mode: Mode,
        capacity: usize,
        hands: Hands,
    ) -> Self {
        Self {
            seekable: opened.engine.seekable(),
            engine: Some(opened.engine),
            flight: None,
            lent: None,
            last: None,
            front: Vec::new(),
            backlog: 0,
            capacity,
            file: Some(opened.file),
            path,
            mode,
            was_empty: opened.was_empty,
            hands,
        }
    }

    pub(super) fn file(&self) -> io::Result<&fs::File> {
        self.file.as_deref().ok_or_else(closed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.file.is_none() && self.flight.is_none()
    }

    /// Waits until no job is under way. If the last one has failed, that is the error, once.
    pub(super) fn poll_home(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(flight) = &mut self.flight {
            let landed = ready!(flight.poll(cx));
            let what = flight.what;
            self.flight = None;
            self.engine = landed.engine;
            if let Some(lent) = self.lent.take()
                && let Some(engine) = &mut self.engine
            {
                engine.take_back(lent);
                // Where the job was refused, whoever needs what comes next asks for it.
                self.last = landed.outcome.ok().map(|count| (what, count));
                return Poll::Ready(Ok(()));
            }
            return Poll::Ready(match landed.outcome {
                Ok(value) => {
                    if what == What::Close {
                        self.engine = None;
                        self.file = None;
                    }
                    self.last = Some((what, value));
                    Ok(())
                }
                Err(error) => {
                    if what == What::Close {
                        // It is open still, so that nothing is lost.
                        let engine = self.engine.as_ref();
                        self.file = engine.and_then(|engine| engine.shared().cloned());
                    }
                    Err(error)
                }
            });
        }
        Poll::Ready(self.home().map(drop))
    }

    /// Waits until it is known where the next byte is that is read, or written: not for a job that reads on.
    pub(super) fn poll_placed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.lent {
            Some(_) => Poll::Ready(Ok(())),
            None => self.poll_home(cx),
        }
    }

    /// Ends an operation: what its jobs gave is of no more use.
    pub(super) fn settle(&mut self) {
        self.last = None;
    }

    fn home(&mut self) -> io::Result<&mut Engine> {
        match &mut self.engine {
            Some(engine) => Ok(engine),
            None if self.file.is_none() => Err(closed()),
            None => Err(io::Error::other(
                "the file was lost by a panic in one of its jobs",
            )),
        }
    }

    /// Submits a job; whatever is to be written goes with it. Only when none is under way.
    fn submit(
        &mut self,
        what: What,
        job: impl FnOnce(&mut Engine) -> io::Result<u64> + Send + 'static,
    ) {
        if let Some(mut engine) = self.engine.take() {
            self.backlog = engine.to_write();
            engine.load(&mut self.front);
            self.last = None;
            self.flight = Some(Flight::start(&self.hands, what, engine, job));
        }
    }

    /// Whether something is to be written. Only when no job is under way.
    fn is_unwritten(&self) -> bool {
        let engine = self.engine.as_ref();
        !self.front.is_empty() || engine.is_some_and(|engine| engine.to_write() > 0)
    }

    pub(super) fn check_readable(&self) -> io::Result<()> {
        if self.mode.readable() {
            return Ok(());
        }
        let text = format!("the file is not readable: its mode is `{}`", self.mode);
        Err(unsupported(text))
    }

    pub(super) fn check_writable(&self) -> io::Result<()> {
        if self.mode.writable() {
            return Ok(());
        }
        let text = format!("the file is not writable: its mode is `{}`", self.mode);
        Err(unsupported(text))
    }

    // ---- reading ----

    /// Reads ahead until `look` finds what it wants in it; it is told whether nothing comes after that,
    /// and must then be content.
    pub(super) fn poll_look<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&[u8], bool) -> Option<R>,
    ) -> Poll<io::Result<R>> {
        if let Some(lent) = &self.lent
            && let Some(found) = look(lent.ahead.rest(), false)
        {
            return Poll::Ready(Ok(found));
        }
        loop {
            ready!(self.poll_home(cx))?;
            let at_end = self.last == Some((What::Fill, 0));
            self.check_readable()?;
            let unwritten = self.is_unwritten();
            let capacity = self.capacity;
            let ahead = self.home()?.ahead();
            if !unwritten {
                if let Some(found) = look(ahead, at_end) {
                    self.read_on();
                    return Poll::Ready(Ok(found));
                }
                if at_end {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
            let most = ahead.len().max(capacity);
            self.submit(What::Fill, move |engine| engine.fill(most));
        }
    }

    /// Has the next buffer read in the background, if the last one was filled as a whole: who reads so much
    /// reads on, as a rule.
    fn read_on(&mut self) {
        if let Some((What::Fill | What::Ahead, count)) = self.last
            && let Some(engine) = &mut self.engine
            && engine.can_read_on(count)
            && self.hands.are_at_leisure()
        {
            self.lent = Some(engine.lend());
            self.submit(What::Ahead, |engine| Ok(engine.read_on()));
        }
    }

    /// What is read ahead. Only when no job but one that reads on is under way, as for the two below.
    pub(super) fn ahead(&self) -> &[u8] {
        match (&self.lent, &self.engine) {
            (Some(lent), _) => lent.ahead.rest(),
            (None, Some(engine)) => engine.ahead(),
            (None, None) => &[],
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        match (&mut self.lent, &mut self.engine) {
            (Some(lent), _) => lent.ahead.take(count, self.capacity),
            (None, Some(engine)) => engine.take(count),
            (None, None) => Vec::new(),
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        match (&mut self.lent, &mut self.engine) {
            (Some(lent), _) => drop(lent.ahead.consume(count, self.capacity)),
            (None, Some(engine)) => engine.consume(count),
            (None, None) => {}
        }
    }

    // ---- writing ----

    /// Waits until the buffer takes some more. Room for at least one byte; more is taken all the same.
    pub(super) fn poll_takes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.room() > 0
                && let Some(flight) = &self.flight
                && flight.what == What::Drain
            {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_home(cx))?;
            self.check_writable()?;
            self.home()?.turn_to_writing()?;
            if self.room() > 0 {
                return Poll::Ready(Ok(()));
            }
            self.start_draining();
        }
    }

    /// The buffer, for `took` to be called after it was written to. Only after `poll_takes`.
    pub(super) fn front(&mut self) -> &mut Vec<u8> {
        &mut self.front
    }

    /// How much more is collected before it is written. What a job that has failed could not write takes
    /// its place there, too: it would grow without an end where errors are ignored.
    pub(super) fn room(&self) -> usize {
        let engine = self.engine.as_ref();
        let left = engine.map_or(self.backlog, |engine| engine.to_write());
        self.capacity.saturating_sub(self.front.len() + left)
    }

    /// Begins to write when the buffer is full.
    pub(super) fn took(&mut self) {
        self.was_empty &= self.front.is_empty();
        if self.room() == 0 && self.flight.is_none() {
            self.start_draining();
        }
    }

    fn start_draining(&mut self) {
        self.submit(What::Drain, |engine| engine.drain().map(|()| 0));
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_home(cx))?;
            if let Some((What::Flush, _)) = self.last {
                return Poll::Ready(Ok(()));
            }
            if self.front.is_empty() && !self.home()?.is_dirty() {
                return Poll::Ready(Ok(()));
            }
            self.submit(What::Flush, Engine::flush);
        }
    }

    /// Flushes and closes. A file that is closed already is no error.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.is_closed() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_home(cx))?;
            if self.is_closed() {
                return Poll::Ready(Ok(()));
            }
            // The job is to have the last of it.
            self.file = None;
            self.submit(What::Close, Engine::close);
        }
    }

    // ---- places ----

    /// Where the next read or write is, as far as that is known without a call of the system. Only when
    /// no job is under way but one that reads on.
    pub(super) fn position(&self) -> u64 {
        let place = match (&self.lent, &self.engine) {
            (Some(lent), _) => lent.position(),
            (None, Some(engine)) => engine.position(),
            (None, None) => 0,
        };
        place + self.front.len() as u64
    }

    /// Whether the next byte that is written is the first of the file.
    pub(super) fn is_at_start(&self) -> bool {
        if self.flight.is_some() || !self.front.is_empty() {
            return false;
        }
        if self.mode.appends() {
            // The place says nothing: what is written goes elsewhere.
            return self.was_empty;
        }
        self.position() == 0
    }

    pub(super) fn poll_tell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            ready!(self.poll_placed(cx))?;
            if !self.seekable {
                return Poll::Ready(Err(not_seekable()));
            }
            // Where the end of the file is, only the system knows.
            if !(self.mode.appends() && self.is_unwritten()) {
                return Poll::Ready(Ok(self.position()));
            }
            self.start_draining();
        }
    }

    /// Goes to another place; without a job where that is possible. `fresh`: it is not the one under way.
    pub(super) fn poll_seek(
        &mut self,
        cx: &mut Context<'_>,
        to: SeekFrom,
        fresh: &mut bool,
    ) -> Poll<io::Result<u64>> {
        loop {
            ready!(self.poll_home(cx))?;
            if let Some((What::Seek(done), place)) = self.last
                && done == to
                && !*fresh
            {
                return Poll::Ready(Ok(place));
            }
            if !self.seekable {
                return Poll::Ready(Err(not_seekable()));
            }
            let unwritten = self.is_unwritten();
            let engine = self.home()?;
            if engine.is_plain() && !unwritten {
                let place = match to {
                    SeekFrom::Start(place) => Some(place),
                    SeekFrom::Current(by) => Some(moved(engine.position(), by)?),
                    SeekFrom::End(_) => None,
                };
                if let Some(place) = place {
                    return Poll::Ready(engine.go_to(place));
                }
            }
            self.submit(What::Seek(to), move |engine| engine.seek(to));
            *fresh = false;
        }
    }

    /// Reads the first bytes of the file, wherever it is.
    pub(super) fn poll_first_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        loop {
            ready!(self.poll_home(cx))?;
            if let Some((What::First, packed)) = self.last {
                let [count, .., a, b, c, d] = packed.to_be_bytes();
                let mut bytes = vec![a, b, c, d];
                bytes.truncate(count.into());
                return Poll::Ready(Ok(bytes));
            }
            self.submit(What::First, Engine::first_bytes);
        }
    }

    /// Runs a job and waits for it.
    pub(super) async fn perform(
        &mut self,
        job: impl FnOnce(&mut Engine) -> io::Result<u64> + Send + 'static,
    ) -> io::Result<u64> {
        poll_fn(|cx| self.poll_home(cx)).await?;
        self.submit(What::Other, job);
        poll_fn(|cx| self.poll_home(cx)).await?;
        Ok(self.last.take().map_or(0, |(_, value)| value))
    }
}

fn not_seekable() -> io::Error {
    unsupported("the file is not seekable")
}

impl Drop for Core {
    fn drop(&mut self) {
        let mut closing = Closing {
            path: Arc::clone(&self.path),
            front: std::mem::take(&mut self.front),
            matters: false,
        };
        let mut error = None;
        if let Some(flight) = self.flight.take() {
            let Some((landed, back)) = flight.abandon(closing) else {
                return;
            };
            closing = back;
            error = landed.outcome.err();
            self.engine = landed.engine;
        }
        let Some(engine) = self.engine.take() else {
            return;
        };
        let unfinished = !closing.front.is_empty() || engine.is_unfinished();
        if unfinished || (closing.matters && error.is_some()) {
            let leaving = Leaving::new(closing, engine, error);
            self.hands.leave(move || drop(leaving));
        }
    }
}
