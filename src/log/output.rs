use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::sink::Datagrams;

/// Where a log is written.
#[derive(Clone)]
pub struct Output {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Output {
    /// The standard error stream.
    #[must_use]
    pub fn stderr() -> Self {
        std::io::stderr().into()
    }

    /// What takes one record at a time.
    pub fn datagrams(datagrams: impl Datagrams) -> Self {
        struct Each<D>(D);
        impl<D: Datagrams> Write for Each<D> {
            fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
                self.0.send(record)?;
                Ok(record.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        Each(datagrams).into()
    }

    pub(super) fn is_stderr(&self) -> bool {
        false
    }

    pub(super) fn put(&self, record: &[u8]) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.write_all(record);
    }
}

impl<W: Write + Send + 'static> From<W> for Output {
    fn from(writer: W) -> Self {
        Self {
            writer: Arc::new(Mutex::new(Box::new(writer))),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output(..)")
    }
}
