//! A file that is being opened.

use std::fmt;
use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::channel::Channel;
use super::core::{Core, Opened};
use super::engine::Engine;
use super::error::FileError;
use super::file::File;
use super::hands::Hands;
use super::kind::{Kind, sealed};
use super::mode::{Mode, ModeError};
use super::options::OpenOptions;
use crate::thread::Job;

/// A file that is opened when this is awaited; made by [`async_open`](super::async_open) and
/// [`OpenOptions::open`].
///
/// # Errors
///
/// [`FileError`], with the path: the mode is none, or not that of the kind of file; the file cannot be
/// opened; it is a directory; what its options ask for is not there.
///
/// # Cancel safety
///
/// Dropping it while the system opens the file closes the file again; one that was to be made or emptied
/// may be so.
#[must_use = "nothing is opened until it is awaited"]
pub struct Opening<K: Kind> {
    options: OpenOptions,
    path: Arc<Path>,
    source: Option<Source>,
    under_way: Option<UnderWay<K>>,
}

/// Where the file is.
pub(super) enum Source {
    Path,
    File(fs::File),
}

struct UnderWay<K: sealed::Kind> {
    job: Job<io::Result<Opened>>,
    mode: Mode,
    hands: Option<Hands>,
    state: Option<K::State>,
}

impl<K: Kind> Opening<K> {
    pub(super) fn new(options: OpenOptions, path: Arc<Path>, source: Source) -> Self {
        Self {
            options,
            path,
            source: Some(source),
            under_way: None,
        }
    }

    /// Checks what can be checked without touching the file, and submits the job.
    fn start(&mut self, source: Source) -> Result<UnderWay<K>, FileError> {
        let invalid = |error| FileError::invalid(&self.path, error);
        let mode: Mode = self.options.mode.parse().map_err(invalid)?;
        if mode.is_binary() != K::BINARY {
            return Err(invalid(ModeError::wants(&self.options.mode, K::BINARY)));
        }
        let state =
            K::state(&self.options).map_err(|error| FileError::opening(&self.path, error))?;
        let compression = self.options.compression.check(self.options.level);
        compression.map_err(|error| FileError::opening(&self.path, error))?;
        let hands = Hands::new(self.options.pool.clone(), &self.path);
        let (options, path) = (self.options.clone(), Arc::clone(&self.path));
        let job = hands.run(move || open(&options, mode, &path, source));
        Ok(UnderWay {
            job,
            mode,
            hands: Some(hands),
            state: Some(state),
        })
    }
}

impl<K: Kind> Future for Opening<K> {
    type Output = Result<File<K>, FileError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(source) = this.source.take() {
            this.under_way = Some(this.start(source)?);
        }
        let Some(under_way) = &mut this.under_way else {
            // Polled after it was ready: as every future, it may then wait for ever.
            return Poll::Pending;
        };
        let opened = ready!(Pin::new(&mut under_way.job).poll(cx));
        let opened = opened.map_err(io::Error::other).flatten();
        let opened = opened.map_err(|error| FileError::opening(&this.path, error))?;
        let mode = under_way.mode;
        let parts = (under_way.hands.take(), under_way.state.take());
        this.under_way = None;
        let (Some(hands), Some(state)) = parts else {
            return Poll::Pending;
        };
        let path = Arc::clone(&this.path);
        let core = Core::new(opened, path, mode, this.options.buffer_size(), hands);
        Poll::Ready(Ok(File::new(core, state, this.options.compression)))
    }
}

impl<K: Kind> fmt::Debug for Opening<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("path", &self.path)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The job.
fn open(options: &OpenOptions, mode: Mode, path: &Path, source: Source) -> io::Result<Opened> {
    let mut file = match source {
        Source::File(file) => file,
        Source::Path => {
            let mut asked = mode.options();
            #[cfg(unix)]
            if let Some(permissions) = options.permissions {
                std::os::unix::fs::OpenOptionsExt::mode(&mut asked, permissions);
            }
            asked.open(path)?
        }
    };
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        // The system lets one open it to read, and then gives an error for each read.
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    let place = if mode.appends() {
        file.seek(SeekFrom::End(0))
    } else {
        file.stream_position()
    };
    let place = place.ok();
    let file = Arc::new(file);
    let reading = !mode.starts_by_writing();
    let channel = Channel::new(
        Arc::clone(&file),
        options.compression,
        options.level,
        reading,
    )?;
    let was_empty = metadata.len() == 0;
    Ok(Opened {
        engine: Engine::new(channel, mode, options.buffer_size(), place, was_empty),
        file,
        was_empty,
    })
}
