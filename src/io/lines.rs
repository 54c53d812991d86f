use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::file::File;
use super::kind::{Kind, sealed};

/// The lines of a file without their ends; made by [`File::lines`].
///
/// # Cancel safety
///
/// A line that was not given stays in the file, for whatever reads next.
#[must_use = "streams do nothing unless polled"]
pub struct Lines<'a, K: Kind> {
    /// None after an error.
    file: Option<&'a mut File<K>>,
}

impl<'a, K: Kind> Lines<'a, K> {
    pub(super) fn new(file: &'a mut File<K>) -> Self {
        Self { file: Some(file) }
    }
}

impl<K: Kind> Stream for Lines<'_, K> {
    type Item = io::Result<<K as sealed::Kind>::Owned>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(file) = &mut self.file else {
            return Poll::Ready(None);
        };
        let mut line = ready!(file.poll_readline(cx));
        match &mut line {
            Ok(Some(line)) => K::chomp(line),
            Ok(None) => {}
            Err(_) => self.file = None,
        }
        Poll::Ready(line.transpose())
    }
}

impl<K: Kind> fmt::Debug for Lines<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lines").field(&self.file).finish()
    }
}
