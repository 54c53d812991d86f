use std::fmt;
use std::io::{self, Write as _};

use super::failures::Failed;
use crate::dependency::DependencyError;
use crate::error::{BoxError, Chain};
use crate::runtime::JoinError;
use crate::service::StopReason;
use crate::signal::SignalError;

/// When something of a service failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before it had started.
    Start,
    /// While it ran.
    Run,
    /// While it was stopped.
    Stop,
}

/// Says which service failed, when, and why: the cause is in `source()`.
#[derive(Debug)]
pub struct ServiceError {
    service: String,
    stage: Stage,
    cause: BoxError,
}

impl ServiceError {
    pub(crate) fn new(service: &str, stage: Stage, cause: BoxError) -> Self {
        Self {
            service: service.to_owned(),
            stage,
            cause,
        }
    }

    pub(crate) fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// When it failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The cause, without the rest.
    pub(super) fn into_cause(self) -> BoxError {
        self.cause
    }

    pub(super) fn log(&self) {
        let (service, error) = (&self.service, Chain(&*self.cause));
        match self.stage {
            Stage::Start => tracing::error!(%service, %error, "service failed to start"),
            Stage::Run => tracing::error!(%service, %error, "service failed"),
            Stage::Stop => tracing::error!(%service, %error, "service failed to stop"),
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.stage {
            Stage::Start => "failed to start",
            Stage::Run => "failed",
            Stage::Stop => "failed to stop",
        };
        write!(f, "service `{}` {what}", self.service)
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

/// Lists everything that is wrong with an entrypoint's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// The problems, each with what was expected.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entrypoint is misconfigured: ")?;
        f.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Why a run did not go well. Several services may have failed: all of them are here.
///
/// `Debug` writes the same as `Display`, so that `fn main() -> Result<(), RunError>` prints
/// something legible.
pub struct RunError {
    problem: Problem,
}

enum Problem {
    Config(ConfigError),
    Services { failed: Failed, overran: bool },
    Stopped(StopReason),
    Needed(Vec<String>),
    Lost(JoinError),
}

impl RunError {
    pub(super) fn config(problems: Vec<String>) -> Self {
        Self {
            problem: Problem::Config(ConfigError::new(problems)),
        }
    }

    pub(super) fn services(failed: Failed, overran: bool) -> Self {
        Self {
            problem: Problem::Services { failed, overran },
        }
    }

    pub(super) fn stopped(reason: StopReason) -> Self {
        Self {
            problem: Problem::Stopped(reason),
        }
    }

    pub(super) fn needed(problems: Vec<String>) -> Self {
        Self {
            problem: Problem::Needed(problems),
        }
    }

    pub(super) fn lost(error: JoinError) -> Self {
        Self {
            problem: Problem::Lost(error),
        }
    }

    /// What is wrong with the configuration, if that is why nothing was started.
    #[must_use]
    pub fn as_config(&self) -> Option<&ConfigError> {
        match &self.problem {
            Problem::Config(error) => Some(error),
            _ => None,
        }
    }

    /// The failures of services, in the order in which they happened.
    #[must_use]
    pub fn failures(&self) -> &[ServiceError] {
        match &self.problem {
            Problem::Services { failed, .. } => &failed.services,
            _ => &[],
        }
    }

    /// What failed of the receivers of signals, in the order in which it happened.
    #[must_use]
    pub fn receivers(&self) -> &[SignalError] {
        match &self.problem {
            Problem::Services { failed, .. } => &failed.receivers,
            _ => &[],
        }
    }

    /// What failed of the tear-down of [dependencies](mod@crate::dependency), in the order in which it
    /// happened. One that could not be made is the failure of the service that needed it.
    #[must_use]
    pub fn dependencies(&self) -> &[DependencyError] {
        match &self.problem {
            Problem::Services { failed, .. } => &failed.dependencies,
            _ => &[],
        }
    }

    /// Whether the stop took longer than the whole program's limit.
    #[must_use]
    pub fn overran(&self) -> bool {
        matches!(self.problem, Problem::Services { overran: true, .. })
    }

    /// Why the program was stopped, if that came before its services had started, and nothing
    /// failed.
    #[must_use]
    pub fn stop_reason(&self) -> Option<&StopReason> {
        match &self.problem {
            Problem::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// Says once why the program failed: to the log, or where nobody logs errors to the standard
    /// error stream.
    pub(crate) fn report(&self) {
        if tracing::enabled!(tracing::Level::ERROR) {
            tracing::error!(error = %self, "the program failed");
        } else {
            // Nobody is left to hear of a failure.
            let _ = writeln!(io::stderr(), "aiomisc: the program failed: {self}");
        }
    }

    /// The exit status of the process: 70 if the stop took too long, 0 if it was only stopped
    /// before it had started, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.problem {
            Problem::Stopped(_) => 0,
            _ if self.overran() => super::watchdog::EXIT_OVERRAN,
            _ => 1,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Config(error) => error.fmt(f),
            Problem::Stopped(reason) => {
                write!(f, "stopped before the start was complete: {reason}")
            }
            Problem::Needed(problems) => {
                write!(f, "not stopped: {}", problems.join("; "))
            }
            Problem::Lost(error) => error.fmt(f),
            Problem::Services { failed, overran } => {
                // More than one cause: `source` could only give the first.
                let services = failed.services.iter().map(|error| Chain(error).to_string());
                let receivers = failed.receivers.iter().map(ToString::to_string);
                let dependencies = failed.dependencies.iter();
                let dependencies = dependencies.map(|error| Chain(error).to_string());
                let overran =
                    overran.then(|| "the stop took longer than the shutdown timeout".to_owned());
                let all: Vec<_> = services
                    .chain(receivers)
                    .chain(dependencies)
                    .chain(overran)
                    .collect();
                f.write_str(&all.join("; "))?;
                Ok(())
            }
        }
    }
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RunError {}
