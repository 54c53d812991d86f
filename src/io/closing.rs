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
    /// Whether the last operation was one whose error matters now that nobody hears of it.
    pub(super) matters: bool,
}

impl Closing {
    /// Writes what is left and closes the file; nobody hears of errors but the log.
    pub(super) fn close(mut self, engine: &mut Engine, error: Option<io::Error>) {
        engine.load(&mut self.front);
        // Where something is left to be written, it is tried again, and that tells.
        if let Some(error) = error
            && self.matters
            && !engine.is_unfinished()
        {
            self.tell(&error, 0);
        }
        if let Err(error) = engine.finish() {
            self.tell(&error, engine.to_write());
        }
    }

    fn tell(&self, error: &io::Error, unwritten: usize) {
        let (file, error) = (self.path.display(), Chain(error));
        tracing::error!(%file, %error, unwritten, "a dropped file could not be completed");
    }
}

/// A dropped handle's file, on its way to a job: whoever drops this closes the file, be it the job, or whoever
/// refuses to run it.
pub(super) struct Leaving(Option<(Closing, Box<Engine>, Option<io::Error>)>);

impl Leaving {
    pub(super) fn new(closing: Closing, engine: Box<Engine>, error: Option<io::Error>) -> Self {
        Self(Some((closing, engine, error)))
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some((closing, mut engine, error)) = self.0.take() {
            closing.close(&mut engine, error);
        }
    }
}
