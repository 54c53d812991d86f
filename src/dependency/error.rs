use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Wanted;
use crate::entrypoint::Stage;
use crate::error::{BoxError, Chain};

/// Says which dependency could not be made or torn down, and who needed it; why is in `source()`.
///
/// Several may wait for the same value: cloning is cheap.
#[derive(Clone)]
pub struct DependencyError(Arc<Inner>);

struct Inner {
    stage: Stage,
    /// Who needs whom; the last one is the one that it is about.
    chain: Vec<String>,
    cause: Arc<dyn std::error::Error + Send + Sync>,
    /// Whether the chain is a circle, that is, ends with its first.
    circle: bool,
}

impl DependencyError {
    pub(super) fn not_made(wanted: &Wanted, cause: BoxError) -> Self {
        Self::new(Stage::Start, vec![wanted.to_string()], cause)
    }

    pub(super) fn not_torn_down(wanted: &Wanted, cause: BoxError) -> Self {
        Self::new(Stage::Stop, vec![wanted.to_string()], cause)
    }

    pub(crate) fn not_declared(wanted: &Wanted) -> Self {
        Self::not_made(wanted, NoValue::NotDeclared(wanted.declaration()).into())
    }

    /// The chain ends with its first.
    pub(super) fn circle<'a>(chain: impl Iterator<Item = &'a Wanted>) -> Self {
        let chain = chain.map(ToString::to_string).collect();
        Self(Arc::new(Inner {
            circle: true,
            ..Self::inner(Stage::Start, chain, Circle.into())
        }))
    }

    fn new(stage: Stage, chain: Vec<String>, cause: BoxError) -> Self {
        Self(Arc::new(Self::inner(stage, chain, cause)))
    }

    fn inner(stage: Stage, chain: Vec<String>, cause: BoxError) -> Inner {
        Inner {
            stage,
            chain,
            cause: cause.into(),
            circle: false,
        }
    }

    /// The failure of a factory: when it failed for want of another value, the chain grows.
    pub(super) fn of_factory(wanted: &Wanted, cause: BoxError) -> Self {
        match cause.downcast::<Self>() {
            Ok(inner) if inner.0.stage == Stage::Start => inner.needed_by(wanted),
            Ok(other) => Self::not_made(wanted, other),
            Err(cause) => Self::not_made(wanted, cause),
        }
    }

    fn needed_by(&self, wanted: &Wanted) -> Self {
        let first = wanted.to_string();
        let Inner { chain, circle, .. } = &*self.0;
        let (mut chain, mut circle) = (chain.clone(), *circle);
        match chain.iter().position(|name| *name == first) {
            // The same circle, as this one sees it.
            Some(at) if circle => {
                chain.pop();
                chain.rotate_left(at);
                chain.push(first);
            }
            _ => {
                chain.insert(0, first);
                circle = false;
            }
        }
        Self(Arc::new(Inner {
            stage: Stage::Start,
            chain,
            cause: Arc::clone(&self.0.cause),
            circle,
        }))
    }

    /// [`Stage::Start`] when it could not be made, [`Stage::Stop`] when it could not be torn down.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The dependency that was asked for, the one that it needs, and so on until the one that is the
    /// reason; each as `` `Type` `` or `` `Type` named `name` ``. Never empty.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.0.chain
    }

    /// The chain on one line.
    fn needs(&self) -> impl fmt::Display {
        fmt::from_fn(|f| f.write_str(&self.0.chain.join(", which needs ")))
    }

    pub(crate) fn log(&self) {
        let (dependency, error) = (self.needs(), Chain(&*self.0.cause));
        tracing::error!(%dependency, %error, "a dependency failed to be torn down");
    }
}

impl fmt::Display for DependencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dependency {}", self.needs())?;
        if self.0.chain.len() > 1 {
            f.write_str(",")?;
        }
        match self.0.stage {
            Stage::Stop => f.write_str(" failed to be torn down"),
            _ => f.write_str(" is not there"),
        }
    }
}

impl fmt::Debug for DependencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DependencyError")
            .field("stage", &self.0.stage)
            .field("chain", &self.0.chain)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl std::error::Error for DependencyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0.cause)
    }
}

/// Why a service was not started.
#[derive(Debug)]
pub(crate) struct Unmet(pub(crate) DependencyError);

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it needs {}", self.0.needs())
    }
}

impl std::error::Error for Unmet {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[derive(Debug)]
struct Circle;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("they need each other, so that none can be the first")
    }
}

impl std::error::Error for Circle {}

/// Why there is no value, where no factory is to blame.
#[derive(Debug)]
pub(super) enum NoValue {
    /// The text says who provides what.
    NoProvider(String),
    NotDeclared(String),
    Stopping,
    NoRuntime,
}

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProvider(text) => f.write_str(text),
            Self::NotDeclared(declaration) => write!(
                f,
                "the service does not say that it needs it: `{declaration}` in its options"
            ),
            Self::Stopping => f.write_str("the program stops"),
            Self::NoRuntime => f.write_str("the runtime of the entrypoint is gone"),
        }
    }
}

impl std::error::Error for NoValue {}

/// Says that something of a dependency took too long.
#[derive(Debug)]
pub(super) enum TooLong {
    Factory {
        limit: Duration,
        waits_for: Vec<String>,
    },
    GivenUp(Duration),
    Teardown(Duration),
    Shutdown(Duration),
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factory { limit, waits_for } => {
                write!(f, "took longer than the limit of {limit:?}")?;
                match waits_for.is_empty() {
                    true => Ok(()),
                    false => write!(f, ", and still waits for {}", waits_for.join(" and ")),
                }
            }
            Self::GivenUp(limit) => write!(
                f,
                "its factory was given up, and has not ended for {limit:?}: it blocks its thread"
            ),
            Self::Teardown(limit) => write!(f, "took longer than the limit of {limit:?}"),
            Self::Shutdown(limit) => {
                write!(f, "still there after the shutdown timeout of {limit:?}")
            }
        }
    }
}

impl std::error::Error for TooLong {}
