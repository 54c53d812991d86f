//! How a file's engine gets into a job, and back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use super::closing::Closing;
use super::engine::Engine;
use super::hands::Hands;
use crate::thread::{Job, JobError};

/// What a job was submitted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Fill,
    /// Reads on in the background, for nobody yet.
    Ahead,
    Drain,
    Flush,
    Seek(io::SeekFrom),
    Close,
    First,
    Other,
}

/// A job under way, with the engine. The engine is never lost: a job that does not run leaves it where it
/// is.
pub(super) struct Flight {
    job: Job<()>,
    seat: Arc<Seat>,
    pub(super) what: What,
}

/// What came of a job.
pub(super) struct Landed {
    /// None if the job has panicked.
    pub(super) engine: Option<Box<Engine>>,
    pub(super) outcome: io::Result<u64>,
}

impl Flight {
    pub(super) fn start(
        hands: &Hands,
        what: What,
        engine: Box<Engine>,
        job: impl FnOnce(&mut Engine) -> io::Result<u64> + Send + 'static,
    ) -> Self {
        let seat = Arc::new(Seat(Mutex::new(Place {
            engine: Some(engine),
            outcome: None,
            orphan: None,
        })));
        let inside = Arc::clone(&seat);
        let job = hands.run(move || {
            let taken = inside.place().engine.take();
            if let Some(mut engine) = taken {
                let outcome = job(&mut engine);
                inside.put_back(engine, outcome);
            }
        });
        Self { job, seat, what }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Landed> {
        Pin::new(&mut self.job)
            .poll(cx)
            .map(|result| self.seat.leave(result))
    }

    /// Leaves the engine to the job, with what is still to be written, or gives it back if the job does
    /// not have it.
    pub(super) fn abandon(self, mut closing: Closing) -> Option<(Landed, Closing)> {
        closing.matters = !matches!(
            self.what,
            What::Fill | What::Ahead | What::Seek(_) | What::First
        );
        let mut place = self.seat.place();
        match place.engine.take() {
            Some(engine) => {
                let outcome = place.outcome.take().unwrap_or(Ok(0));
                let engine = Some(engine);
                drop(place);
                Some((Landed { engine, outcome }, closing))
            }
            None => {
                place.orphan = Some(closing);
                drop(place);
                self.job.detach();
                None
            }
        }
    }
}

/// Where the engine is while the job does not have it.
struct Seat(Mutex<Place>);

struct Place {
    engine: Option<Box<Engine>>,
    outcome: Option<io::Result<u64>>,
    /// The handle was dropped: the job is to close the file.
    orphan: Option<Closing>,
}

impl Seat {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_back(&self, mut engine: Box<Engine>, outcome: io::Result<u64>) {
        let mut place = self.place();
        if let Some(closing) = place.orphan.take() {
            drop(place);
            closing.close(&mut engine, outcome.err());
        } else {
            place.engine = Some(engine);
            place.outcome = Some(outcome);
        }
    }

    fn leave(&self, result: Result<(), JobError>) -> Landed {
        let mut place = self.place();
        let outcome = match (place.outcome.take(), result) {
            (Some(outcome), _) => outcome,
            (None, Err(error)) => Err(io::Error::other(error)),
            (None, Ok(())) => Err(io::Error::other("a job of a file has not run")),
        };
        Landed {
            engine: place.engine.take(),
            outcome,
        }
    }
}
