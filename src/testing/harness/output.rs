use std::fmt;

/// What a test may return: `()`, or a `Result` whose error is the test's failure.
#[diagnostic::on_unimplemented(
    message = "a test cannot return `{Self}`",
    label = "not `()`, and not a `Result<(), E>`",
    note = "a test returns `()`, or `Result<(), E>` where `E: Debug`"
)]
pub trait TestOutput: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

impl TestOutput for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Debug> TestOutput for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:?}"))
    }
}

mod sealed {
    #[allow(unnameable_types, reason = "that is what seals the trait above")]
    pub trait Sealed {}

    impl Sealed for () {}

    impl<E> Sealed for Result<(), E> {}
}
