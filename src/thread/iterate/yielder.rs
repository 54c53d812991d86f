use std::fmt;

use super::bridge::{Producer, Refused};

/// Takes the items of a function on a thread; see [`Iterate::push`](super::Iterate::push).
pub struct Yielder<T> {
    producer: Producer<T>,
    refused: Option<Refused>,
}

impl<T> Yielder<T> {
    pub(super) fn new(producer: Producer<T>) -> Self {
        Self {
            producer,
            refused: None,
        }
    }

    /// Gives an item to the consumer. Blocks the thread while as many as allowed are ahead of it.
    ///
    /// # Errors
    ///
    /// [`Gone`] when nobody takes the items any more: the consumer has gone or has closed the iterator, or
    /// the pool was shut down. The item is dropped; the function is to clean up and return.
    #[inline]
    pub fn send(&mut self, item: T) -> Result<(), Gone> {
        let sent = self.producer.send(item);
        self.noted(sent)
    }

    /// Whether no item is taken any more, or the pool's time is over: for a function that works for a long time between two.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.refused.is_some() || self.producer.is_closed()
    }

    /// Blocks the thread until there is room for an item.
    #[inline]
    pub(super) fn reserve(&mut self) -> Result<(), Gone> {
        let reserved = self.producer.reserve();
        self.noted(reserved)
    }

    /// Sends an item for which room was reserved.
    #[inline]
    pub(super) fn put(&mut self, item: T) -> Result<(), Gone> {
        let sent = self.producer.put(item);
        self.noted(sent)
    }

    /// Marks that the producer begins; `false` if nobody wants it any more.
    pub(super) fn begin(&mut self) -> bool {
        self.producer.begin()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.refused == Some(Refused::Cut)
    }

    #[inline]
    fn noted(&mut self, done: Result<(), Refused>) -> Result<(), Gone> {
        done.map_err(|refused| {
            self.refused = Some(refused);
            Gone(())
        })
    }
}

impl<T> fmt::Debug for Yielder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder")
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// Says that nobody takes the items of a [`Yielder`] any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone(());

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody takes the items of the iterator any more")
    }
}

impl std::error::Error for Gone {}
