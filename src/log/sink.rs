use std::io;

/// Takes records one by one, as a socket of datagrams does.
pub trait Datagrams: Send + 'static {
    /// Sends a record.
    ///
    /// # Errors
    ///
    /// When it is lost.
    fn send(&mut self, record: &[u8]) -> io::Result<()>;
}
