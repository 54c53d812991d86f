//! What becomes of a file whose handle is dropped.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::engine::Engine;
use crate::error::Chain;

/// What a dropped handle leaves behind: data that is to be written, and where errors come from.
pub(super) struct Closing {
    pub(super) path: Arc<Path>,
    pub(super) front: Vec<u8>,
}

impl Closing {
    /// Writes what is left and closes the file; nobody hears of errors but the log.
    pub(super) fn close(mut self, engine: &mut Engine, error: Option<io::Error>) {
        if let Some(error) = error {
            self.tell(&error, engine.to_write());
        }
        engine.load(&mut self.front);
        if let Err(error) = engine.finish() {
            self.tell(&error, engine.to_write());
        }
    }

    /// Writes an error to the log that nobody was told of; so many bytes are not in the file.
    pub(super) fn tell(&self, error: &io::Error, unwritten: usize) {
        let (file, error) = (self.path.display(), Chain(error));
        tracing::error!(%file, %error, unwritten, "a dropped file could not be completed");
    }
}

/// A dropped handle's file, on its way to a job: whoever drops this closes the file, be it the job, or whoever
/// refuses to run it.
pub(super) struct Leaving(Option<(Closing, Box<Engine>)>);

impl Leaving {
    pub(super) fn new(closing: Closing, engine: Box<Engine>) -> Self {
        Self(Some((closing, engine)))
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some((closing, mut engine)) = self.0.take() {
            closing.close(&mut engine, None);
        }
    }
}
