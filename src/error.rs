//! What errors of users are carried in, and how a panic becomes one.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Holds any error that crosses from user code into the library.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What a panic was called with.
type Payload = Box<dyn Any + Send>;

/// Names the message of a panic, whatever its payload is.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is not text".to_owned()
    }
}

/// The same, and drops the payload: foreign code as well, whose own panic is of no more interest.
pub(crate) fn end_of_panic(payload: Payload) -> String {
    let text = panic_text(&*payload);
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        let _kept = ManuallyDrop::new(another);
    }
    text
}

/// What came of foreign code that was polled and then dropped. The first panic counts.
pub(crate) fn ended<T>(
    polled: Result<T, Payload>,
    dropped: Result<(), Payload>,
) -> Result<T, Payload> {
    match (polled, dropped) {
        (polled, Ok(())) => polled,
        (Ok(output), Err(panic)) => {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(output)));
            dropped.unwrap_or_else(|another| drop(end_of_panic(another)));
            Err(panic)
        }
        (Err(panic), Err(another)) => {
            end_of_panic(another);
            Err(panic)
        }
    }
}

/// Writes an error and its causes on one line, `outer: inner: innermost`: so many causes at most, for there
/// are errors whose causes have no end.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        const CAUSES: usize = 32;
        let causes = std::iter::successors(self.0.source(), |error| error.source());
        for cause in causes.take(CAUSES) {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

/// An error with its causes, on one line. What it says is foreign code, which may panic.
pub(crate) fn error_text(error: &(dyn std::error::Error + 'static)) -> String {
    let text = AssertUnwindSafe(|| Chain(error).to_string());
    catch_unwind(text).unwrap_or_else(|payload| {
        end_of_panic(payload);
        "an error without a text".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_payloads_become_text() {
        assert_eq!(panic_text(&"plain"), "plain");
        assert_eq!(panic_text(&"owned".to_owned()), "owned");
        assert_eq!(panic_text(&7_u8), "a panic whose payload is not text");
    }
}
