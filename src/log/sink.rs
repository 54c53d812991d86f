use std::io::{self, ErrorKind, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::error::end_of_panic;

/// Takes records one by one, as a socket of datagrams does.
pub trait Datagrams: Send + 'static {
    /// Sends a record.
    ///
    /// # Errors
    ///
    /// When it is lost.
    fn send(&mut self, record: &[u8]) -> io::Result<()>;
}

/// What is written to at last.
pub(super) struct Sink {
    kind: Kind,
    /// The rest of a record that was written in part.
    rest: Vec<u8>,
}

enum Kind {
    Stream(Box<dyn Write + Send>),
    Datagrams(Box<dyn Datagrams>),
}

/// How much a stream is given at once: large enough that the calls do not count.
const CHUNK: usize = 64 * 1024;

impl Sink {
    pub(super) fn stream(writer: impl Write + Send + 'static) -> Self {
        Self {
            kind: Kind::Stream(Box::new(writer)),
            rest: Vec::new(),
        }
    }

    pub(super) fn datagrams(datagrams: impl Datagrams) -> Self {
        Self {
            kind: Kind::Datagrams(Box::new(datagrams)),
            rest: Vec::new(),
        }
    }

    /// Writes the records, each of which ends where `ends` says, and tells of those that it is done
    /// with, some at a time. The error is that of those that come after.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        ends: &[usize],
        done: &mut dyn FnMut(usize),
    ) -> io::Result<()> {
        match &mut self.kind {
            Kind::Datagrams(datagrams) => {
                let mut start = 0;
                for end in ends {
                    retry(|| datagrams.send(&bytes[start..*end]))?;
                    start = *end;
                    done(1);
                }
                Ok(())
            }
            Kind::Stream(writer) => {
                write_rest(writer, &mut self.rest)?;
                // The last ones are done when the stream has been flushed: until then it may have kept them.
                let (mut start, mut first, mut last) = (0, 0, 0);
                while first < ends.len() {
                    done(mem::take(&mut last));
                    // As many whole records as fit, and one at least.
                    let fit = ends[first..].partition_point(|end| *end <= start + CHUNK);
                    let next = first + fit.max(1);
                    let end = ends[next - 1];
                    let mut written = 0;
                    let result = write_all(writer, &bytes[start..end], &mut written);
                    if let Err(error) = result {
                        let at = start + written;
                        let mut whole = ends[first..next].partition_point(|end| *end <= at);
                        let begun = first + whole;
                        let begin = if begun == 0 { 0 } else { ends[begun - 1] };
                        if at > begin {
                            self.rest.extend_from_slice(&bytes[at..ends[begun]]);
                            whole += 1;
                        }
                        done(whole);
                        return Err(error);
                    }
                    last = next - first;
                    (start, first) = (end, next);
                }
                let flushed = retry(|| writer.flush());
                done(last);
                flushed
            }
        }
    }
}

fn write_rest(writer: &mut dyn Write, rest: &mut Vec<u8>) -> io::Result<()> {
    let mut written = 0;
    let result = write_all(writer, rest, &mut written);
    rest.drain(..written);
    result
}

/// As `Write::write_all`, and tells how much was written before an error.
fn write_all(writer: &mut dyn Write, mut bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = retry(|| writer.write(bytes))?;
        if count == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        // A writer that says more than it was given has written that.
        let count = count.min(bytes.len());
        *written += count;
        bytes = &bytes[count..];
    }
    Ok(())
}

/// Calls code of the program's, whose panic is an error like others. Waits for a stream that was made
/// non-blocking, as a terminal may be by another program.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let result = catch_unwind(AssertUnwindSafe(&mut call)).unwrap_or_else(|panic| {
            let text = end_of_panic(panic);
            Err(io::Error::other(format!("the writer panicked: {text}")))
        });
        match result {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => pause(),
            result => return result,
        }
    }
}

/// Nobody tells when such a stream can be written again.
fn pause() {
    const PAUSE: Duration = Duration::from_millis(2);
    static NEVER: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    let guard = NEVER.0.lock().unwrap_or_else(PoisonError::into_inner);
    drop(NEVER.1.wait_timeout(guard, PAUSE));
}
