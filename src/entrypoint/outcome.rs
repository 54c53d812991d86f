use std::process::{ExitCode, Termination};

use crate::service::StopReason;

/// How a run ended that went well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome<T> {
    /// The main future was ready, and the services have stopped.
    Finished(T),
    /// Something else stopped the program first, such as a signal; the main future was dropped.
    Stopped(StopReason),
}

impl<T> Outcome<T> {
    /// The main future's value, if it came to that.
    pub fn finished(self) -> Option<T> {
        match self {
            Self::Finished(value) => Some(value),
            Self::Stopped(_) => None,
        }
    }

    /// Why the program was stopped, if the main future was not ready.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&StopReason> {
        match self {
            Self::Finished(_) => None,
            Self::Stopped(reason) => Some(reason),
        }
    }
}

impl<T, E> Outcome<Result<T, E>> {
    /// Takes the error of a main future that failed out of the outcome.
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// # fn main() -> Result<(), aiomisc::BoxError> {
    /// let outcome = aiomisc::run(async { "8080".parse::<u16>() }, [])?;
    /// let port = outcome.transpose()?.finished();
    /// assert_eq!(port, Some(8080));
    /// # Ok(()) }
    /// # main().unwrap(); }
    /// ```
    ///
    /// # Errors
    ///
    /// The main future's.
    pub fn transpose(self) -> Result<Outcome<T>, E> {
        Ok(match self {
            Self::Finished(result) => Outcome::Finished(result?),
            Self::Stopped(reason) => Outcome::Stopped(reason),
        })
    }
}

/// A graceful stop is a success; a value decides for itself.
impl<T: Termination> Termination for Outcome<T> {
    fn report(self) -> ExitCode {
        match self {
            Self::Finished(value) => value.report(),
            Self::Stopped(_) => ExitCode::SUCCESS,
        }
    }
}
